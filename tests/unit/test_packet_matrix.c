/* test_packet_matrix.c - every state of the engine against every kind of segment, held against the model of RFC 9293 3.10.7. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "matrix_judge.h"
#include "tcp_states.h"

#include "tests/packet/world.h"
#include "wire/build.h"

/*
 * The engine is brought into a cell's state by segments and calls; the model's TCB is filled from what the engine
 * then holds; both take the cell's segment. What the engine did must be one of the answers that the model
 * permits, or a deviation that is named in matrix_judge.h. PACKET_VERBOSE=1 in the environment prints the deviations met
 * and how often each choice was taken.
 */

enum { BRIEF_WAIT_MS = 20, TIME_WAIT_WAIT_MS = 10000, ACK_WITHIN_MS = 500 };

/* --- the engine in a state --- */

static const enum model_state model_states[TCP_N_STATES] = {
    [TCP_FREE] = MODEL_CLOSED,
    [TCP_CLOSED] = MODEL_CLOSED,
    [TCP_SYN_SENT] = MODEL_SYN_SENT,
    [TCP_SYN_RECEIVED] = MODEL_SYN_RECEIVED,
    [TCP_ESTABLISHED] = MODEL_ESTABLISHED,
    [TCP_FIN_WAIT_1] = MODEL_FIN_WAIT_1,
    [TCP_FIN_WAIT_2] = MODEL_FIN_WAIT_2,
    [TCP_CLOSE_WAIT] = MODEL_CLOSE_WAIT,
    [TCP_CLOSING] = MODEL_CLOSING,
    [TCP_LAST_ACK] = MODEL_LAST_ACK,
    [TCP_TIME_WAIT] = MODEL_TIME_WAIT,
};

/* Which way the state was reached. */
enum variant { BUSY, IDLE, HELD, OWED, SIMULTANEOUS, N_VARIANTS };
static const char *const variant_names[] = {"100 octets in flight", "nothing in flight",
					    "octets held beyond a gap", "an ACK owed",
					    "simultaneous open"};
enum { HELD_OFF = 60, HELD_BYTES = 40, OWED_BYTES = 20 };

static bool
variant_has(enum variant v, enum model_state state)
{
	if (v == SIMULTANEOUS)
		return state == MODEL_SYN_RECEIVED;
	if (v == HELD || v == OWED)
		return state == MODEL_ESTABLISHED || state == MODEL_FIN_WAIT_1 ||
		       state == MODEL_FIN_WAIT_2;
	return v == BUSY || state == MODEL_ESTABLISHED || state == MODEL_CLOSE_WAIT ||
	       state == MODEL_FIN_WAIT_2 || state == MODEL_TIME_WAIT;
}

/* 300 octets came, 500 went, of which `flight` are not acknowledged. */
static struct kit *
make_established(const struct kit_opts *o, unsigned flight)
{
	struct kit *k = kit_established(o);

	in(k, "P. 1(300) ack 1");
	kit_run_ms(k, 50);
	kit_send(k, 500 - flight);
	in(k, ". 301 ack %u", 501 - flight);
	if (flight > 0)
		kit_send(k, flight);
	kit_run_ms(k, BRIEF_WAIT_MS);
	return k;
}

static struct kit *
make_closed_first(const struct kit_opts *o, enum model_state state)
{
	struct kit *k = make_established(o, 100);

	kit_close(k);
	if (state == MODEL_FIN_WAIT_1)
		return k;
	if (state == MODEL_CLOSING) {
		in(k, "F. 301 ack 401");
		return k;
	}
	in(k, ". 301 ack 502");
	if (state == MODEL_TIME_WAIT) {
		in(k, "F. 301 ack 502");
		kit_run_ms(k, TIME_WAIT_WAIT_MS);
	}
	return k;
}

static struct kit *
make_closed_second(const struct kit_opts *o, enum model_state state, unsigned flight)
{
	struct kit *k = make_established(o, flight);

	in(k, "F. 301 ack %u", 501 - flight);
	if (state == MODEL_LAST_ACK)
		kit_close(k);
	return k;
}

static struct kit *
make_simultaneous(const struct kit_opts *o)
{
	struct kit *k = kit_syn_sent(o);

	k->have_ts = o->cfg.timestamps;
	in(k, "S 0 mss 1000 ws 2 sackok");
	return k;
}

/* What is only come to in states in which the peer may send. */
static void
receive_more(struct kit *k, enum variant v)
{
	const uint32_t una = k->t->snd_una - k->iss;

	if (v == HELD)
		in(k, ". %u(%u) ack %u", 301 + HELD_OFF, HELD_BYTES, una);
	else if (v == OWED)
		in(k, ". 301(%u) ack %u", OWED_BYTES, una);
}

static struct kit *
make_state(const struct matrix_cell *c, enum variant v)
{
	struct kit_opts o = {
	    .n_small = 16, .n_large = 16, .peer_ws = 2, .peer_wnd = 5000, .rtt_ms = 10};
	const unsigned flight = v == IDLE ? 0 : 100;

	tcp_config_default(&o.cfg);
	o.cfg.mss = 1460;
	o.cfg.timestamps = c->ts != MATRIX_TS_OFF;
	o.no_ts = c->ts == MATRIX_TS_OFF;
	if (v == SIMULTANEOUS)
		return make_simultaneous(&o);
	switch (c->state) {
	case MODEL_SYN_SENT:
		return kit_syn_sent(&o);
	case MODEL_SYN_RECEIVED:
		return kit_syn_received(&o);
	case MODEL_ESTABLISHED:
		return make_established(&o, flight);
	case MODEL_CLOSE_WAIT:
	case MODEL_LAST_ACK:
		return make_closed_second(&o, c->state, flight);
	default:
		return make_closed_first(&o, c->state);
	}
}

static struct kit *
make(const struct matrix_cell *c, enum variant v)
{
	struct kit *k = make_state(c, v);

	if (v == HELD || v == OWED)
		receive_more(k, v);
	return k;
}

/* --- from the engine to the model --- */

/* What a tcb, its block and nothing else say. */
static void
fill_conn(struct model_conn *m, const struct tcp_ctx *ctx, const struct tcb *t)
{
	const struct tcp_act *a = tcb_is_active(t) ? pool_at(&ctx->acts, t->act) : NULL;

	m->state = model_states[t->state];
	m->snd_una = t->snd_una;
	m->snd_nxt = a ? a->snd_max : t->snd_nxt;
	m->snd_wnd = t->snd_wnd;
	m->max_snd_wnd = a ? a->max_wnd : t->snd_wnd;
	m->snd_wl1 = a ? a->snd_wl1 : t->rcv_nxt;
	m->snd_wl2 = a ? a->snd_wl2 : t->snd_una;
	m->rcv_nxt = m->last_ack_sent = t->rcv_nxt;
	m->rcv_wnd = t->rcv_adv - t->rcv_nxt;
	m->ts_ok = m->ts_recent_valid = t->flags & TCB_TIMESTAMPS && t->state != TCP_SYN_SENT;
	m->ts_recent = t->ts_recent;
	m->snd_wscale = t->state == TCP_SYN_SENT ? 0 : t->scales & 15;
	m->rcv_wscale = t->scales >> 4;
}

static void
fill_from_kit(struct model_conn *m, const struct kit *k, const struct matrix_cell *c,
	      enum variant v)
{
	const enum model_state s = c->state;

	memset(m, 0, sizeof(*m));
	fill_conn(m, &k->ctx, k->t);
	m->iss = k->iss;
	m->irs = k->irs;
	m->passive = m->listener = s == MODEL_SYN_RECEIVED && v != SIMULTANEOUS;
	m->ts_offer = c->ts != MATRIX_TS_OFF;
	m->ws_offer = true;
	if (s == MODEL_SYN_SENT && m->ts_offer)
		m->ts_recent = 5000; /* of which the segment makes its own */
	m->fin_queued = m->fin_sent = s == MODEL_FIN_WAIT_1 || s == MODEL_FIN_WAIT_2 ||
				      s == MODEL_CLOSING || s == MODEL_LAST_ACK ||
				      s == MODEL_TIME_WAIT;
	m->fin_seq = m->snd_nxt - 1;
	if (v == HELD) {
		m->n_held = 1;
		m->held[0].start = m->rcv_nxt + HELD_OFF;
		m->held[0].end = m->held[0].start + HELD_BYTES;
	} else if (v == OWED) {
		m->owed_bytes = OWED_BYTES;
		m->last_ack_sent = m->rcv_nxt - OWED_BYTES;
	}
}

/* --- one cell at the engine --- */

static void
see_tcb(struct seen *s, const struct tcp_ctx *ctx, const struct tcb *t)
{
	const struct tcp_act *a = tcb_is_active(t) ? pool_at(&ctx->acts, t->act) : NULL;

	s->state = model_states[t->state];
	s->snd_una = t->snd_una;
	s->snd_wnd = t->snd_wnd;
	s->rcv_nxt = t->rcv_nxt;
	s->ts_recent = t->ts_recent;
	for (unsigned i = 0; a && i < a->n_runs && i < N_OF(s->held); i++)
		s->held[s->n_held++] = (struct model_range){a->run[i].start, a->run[i].end};
}

static bool
is_acked_later(struct kit *k)
{
	const unsigned from = k->n_sent;
	const uint32_t rcv_nxt = k->t->rcv_nxt;

	kit_run_ms(k, ACK_WITHIN_MS);
	for (unsigned i = from; i < k->n_sent; i++)
		if (k->sent[i].seg.flags & TCP_ACK && k->sent[i].seg.ack == rcv_nxt)
			return true;
	return false;
}

static void
see(struct seen *s, struct kit *k, const struct tcp_seg *seg)
{
	const unsigned from = k->n_sent;
	const uint32_t rx = k->rx_len;
	const uint64_t due = tcp_deadline(&k->ctx, k->t, k->now);
	const bool time_wait = k->t->state == TCP_TIME_WAIT;

	*s = (struct seen){.state = MODEL_CLOSED};
	k->events = 0;
	kit_input(k, seg);
	for (unsigned i = from; i < k->n_sent && s->n < N_OF(s->seg); i++)
		s->seg[s->n++] = k->sent[i].seg;
	s->events = k->events;
	s->delivered = k->rx_len - rx;
	if (!k->t)
		return;
	see_tcb(s, &k->ctx, k->t);
	s->put_off = time_wait && tcp_deadline(&k->ctx, k->t, k->now) > due + KIT_S;
	if (s->n == 0 && s->state >= MODEL_ESTABLISHED && s->state != MODEL_TIME_WAIT)
		s->acked_later = is_acked_later(k);
}

static void
run_at_engine(const struct matrix_cell *c, enum variant v)
{
	struct kit *k = make(c, v);
	struct model_conn conn;
	struct tcp_seg seg;
	struct seen s;

	fill_from_kit(&conn, k, c, v);
	if (conn.state != c->state)
		fail_msg("%s: the engine is in %s", c->name, model_state_name(conn.state));
	matrix_segment(c, &conn, &seg);
	see(&s, k, &seg);
	s.half_open = conn.passive;
	judge(c, variant_names[v], &conn, &seg, &s);
	kit_delete(k);
}

/* --- one cell at the host: CLOSED, LISTEN, and TIME-WAIT beside a listener --- */

static uint32_t
build_frame(const struct world *w, const struct tcp_seg *seg, uint8_t *frame, size_t room)
{
	const struct flow *f = &w->flow[1].tuple;
	struct build_ip ip = {.src = f->raddr, .dst = f->laddr, .ttl = 64};
	uint8_t payload[MATRIX_TEXT_BYTES];

	memcpy(ip.eth_dst, world_local_mac, 6);
	memcpy(ip.eth_src, world_peer_mac, 6);
	for (unsigned i = 0; i < seg->len; i++)
		payload[i] = stream_in(i);
	return (uint32_t)build_tcp(frame, room, &ip, f->rport, f->lport, seg, payload);
}

static void
put(struct world *w, const struct tcp_seg *seg)
{
	uint8_t frame[256];

	world_inject(w, frame, build_frame(w, seg, frame, sizeof(frame)));
}

static struct tcp_seg
take(struct world *w)
{
	struct pkt p = {.kind = PKT_OTHER};

	assert_non_null(world_sent(w));
	assert_int_equal(pkt_parse(&p, world_sent(w)->data, world_sent(w)->len, 0), PKT_OK);
	assert_int_equal(p.kind, PKT_TCP);
	world_sent_done(w);
	return p.tcp;
}

static void
add_timestamp(struct tcp_seg *s, const struct matrix_cell *c, uint32_t tsval, uint32_t tsecr)
{
	if (c->ts == MATRIX_TS_OFF)
		return;
	s->opts |= TCP_OPT_TIMESTAMP;
	s->tsval = tsval;
	s->tsecr = tsecr;
}

/* The peer opens, we close first. */
static void
bring_to_time_wait(struct world *w, const struct matrix_cell *c, struct model_conn *m)
{
	struct tcp_seg s = {.seq = 9000, .flags = TCP_SYN, .wnd = 5000}, r;

	add_timestamp(&s, c, 5000, 0);
	put(w, &s);
	r = take(w);
	m->irs = 9000;
	m->iss = r.seq;
	s.seq++;
	s.flags = TCP_ACK;
	s.ack = r.seq + 1;
	put(w, &s);
	stack_close(w->s, w->sock[0].conn, w->now);
	world_settle(w);
	r = take(w);
	s.flags = TCP_FIN | TCP_ACK;
	s.ack = r.seq + 1;
	put(w, &s);
	take(w);
	world_run_until(w, world_now_us(w) + TIME_WAIT_WAIT_MS * 1000, false);
}

static void
fill_from_world(struct model_conn *m, struct world *w, const struct matrix_cell *c)
{
	model_listen(m, 7000, 65535);
	m->state = c->state;
	m->rcv_nxt = 9000;
	m->ts_recent = 5000;
	m->ts_offer = c->ts != MATRIX_TS_OFF;
	if (c->state != MODEL_TIME_WAIT)
		return;
	bring_to_time_wait(w, c, m);
	fill_conn(m, flow_ctx(w, 1), flow_tcb(w, 1));
	m->fin_queued = m->fin_sent = true;
	m->fin_seq = m->snd_nxt - 1;
}

static void
see_world(struct seen *s, struct world *w, const struct matrix_cell *c, struct model_conn *m)
{
	const struct tcb *t = flow_tcb(w, 1);
	const bool was_time_wait = c->state == MODEL_TIME_WAIT;

	while (world_sent(w))
		s->seg[s->n++] = take(w);
	s->state = c->state == MODEL_LISTEN ? MODEL_LISTEN : MODEL_CLOSED;
	if (!t || t->state <= TCP_CLOSED)
		return;
	see_tcb(s, flow_ctx(w, 1), t);
	if (s->state == MODEL_SYN_RECEIVED) /* the model does not know which ISS we pick */
		m->iss = s->snd_una;
	s->put_off = was_time_wait && s->state == MODEL_TIME_WAIT &&
		     tcp_deadline(flow_ctx(w, 1), t, w->now) > w->now + 59 * KIT_S;
}

static void
run_at_host(const struct matrix_cell *c)
{
	struct script_conf conf;
	struct stack_listener l;
	struct model_conn conn;
	struct tcp_seg seg;
	struct seen s = {.n = 0};
	struct world *w;

	script_conf_default(&conf);
	conf.stack.blocks_small = conf.stack.blocks_large = 16;
	conf.stack.max_conns = conf.stack.max_active = 8;
	conf.stack.tcp.timestamps = c->ts != MATRIX_TS_OFF;
	l = (struct stack_listener){.port = conf.port};
	w = world_new(&conf);
	if (c->state != MODEL_CLOSED)
		assert_int_equal(stack_listen(w->s, &l), 1);
	fill_from_world(&conn, w, c);
	matrix_segment(c, &conn, &seg);
	put(w, &seg);
	see_world(&s, w, c, &conn);
	judge(c, "host", &conn, &seg, &s);
	world_free(w);
}

/* --- all of them --- */

static void
run_cell(unsigned i)
{
	struct matrix_cell c;

	matrix_cell(i, &c);
	if (c.state <= MODEL_LISTEN || c.state == MODEL_TIME_WAIT)
		run_at_host(&c);
	for (enum variant v = BUSY; c.state > MODEL_LISTEN && v < N_VARIANTS; v++)
		if (variant_has(v, c.state))
			run_at_engine(&c, v);
}

static void
test_every_cell(void **state)
{
	unsigned core = 0;

	(void)state;
	for (unsigned i = 0; i < matrix_count; i++) {
		struct matrix_cell c;

		matrix_cell(i, &c);
		core += c.core;
		run_cell(i);
	}
	judge_report();
	assert_int_equal(core, 3520);
	assert_int_equal(n_mismatches, 0);
	for (const struct deviation *d = deviations; d->clause; d++)
		if (d->met == 0 && !(d->licence & ANYTHING))
			fail_msg("a deviation that is none: %s", d->reason);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
