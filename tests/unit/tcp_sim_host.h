/* tcp_sim_host.h - the simulated hosts: do what the engine says, and check it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TCP_SIM_HOST_H
#define TEST_TCP_SIM_HOST_H

#include "tcp_sim.h"

/* Which states one call may lead to (RFC 9293 figure 5; a segment with ACK and FIN takes two
 * steps). */
static const uint16_t sim_may_become[TCP_N_STATES] = {
    [TCP_SYN_SENT] = 1 << TCP_SYN_RECEIVED | 1 << TCP_ESTABLISHED | 1 << TCP_CLOSED,
    [TCP_SYN_RECEIVED] = 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT | 1 << TCP_FIN_WAIT_1 |
			 1 << TCP_CLOSING | 1 << TCP_CLOSED,
    [TCP_ESTABLISHED] = 1 << TCP_CLOSE_WAIT | 1 << TCP_FIN_WAIT_1 | 1 << TCP_CLOSED,
    [TCP_FIN_WAIT_1] =
	1 << TCP_FIN_WAIT_2 | 1 << TCP_CLOSING | 1 << TCP_TIME_WAIT | 1 << TCP_CLOSED,
    [TCP_FIN_WAIT_2] = 1 << TCP_TIME_WAIT | 1 << TCP_CLOSED,
    [TCP_CLOSE_WAIT] = 1 << TCP_LAST_ACK | 1 << TCP_CLOSED,
    [TCP_CLOSING] = 1 << TCP_TIME_WAIT | 1 << TCP_CLOSED,
    [TCP_LAST_ACK] = 1 << TCP_CLOSED,
    [TCP_TIME_WAIT] = 1 << TCP_CLOSED,
};

static inline void
sim_trace(const struct sim *s, unsigned i, const char *what, const struct tcp_seg *seg)
{
	const struct sim_end *e = &s->end[i], *peer = &s->end[1 - i];
	static char buf[256];

	if (!s->trace)
		return;
	printf("%11.6f %u %-12s %-9s", (double)(s->now - s->start) / 1e9, i,
	       e->t ? tcp_state_name(e->t->state) : "-", what);
	if (seg)
		printf(" %s", note_print(buf, sizeof(buf), seg, e->iss, peer->iss));
	printf("\n");
}

/* --- what is sent --- */

static inline void
sim_check_content(const struct sim *s, const struct sim_end *e, const struct tcp_seg *seg)
{
	static uint8_t data[65536];
	const uint32_t at = seg->seq - e->iss - 1;

	if (seg->len == 0)
		return;
	SIM_CHECK(s, e->t->state != TCP_CLOSED && !(seg->flags & (TCP_SYN | TCP_RST)));
	SIM_CHECK(s, seg->len <= e->t->mss && at + seg->len <= e->written);
	tcp_sndq_copy(&e->ctx, e->t, seg->seq, seg->len, data);
	SIM_CHECK(s, memcmp(data, sim_octets((unsigned)(e - s->end), at), seg->len) == 0);
}

/* New octets: inside the peer's window (a probe, and FIN: one beyond), and the congestion window
 * (limited transmit: two segments beyond; with SACK a loss probe: one). */
static inline void
sim_check_windows(const struct sim *s, const struct sim_end *e, const struct tcp_seg *seg)
{
	const struct sim_end *peer = &s->end[1 - (e - s->end)];
	const uint32_t end = seg->seq + tcp_seg_len(seg);
	struct tcp_info info;

	if (tcp_seg_len(seg) == 0 || seg->flags & TCP_SYN || seq_leq(end, e->snd_max))
		return;
	SIM_CHECK(s, peer->have_edge && seq_leq(end, peer->edge + 1));
	SIM_CHECK(s, tcb_is_active(e->t));
	tcp_get_info(&e->ctx, e->t, &info);
	if (e->t->flags & TCB_SACK)
		SIM_CHECK(s, info.in_flight <= info.cwnd + e->t->mss + 1u);
	else
		SIM_CHECK(s, end - e->t->snd_una <= info.cwnd + 2u * e->t->mss + 1);
}

/* An ACK acknowledges what was delivered, no more and no less; the right edge does not move left,
 * but for what the shift rounds off. */
static inline void
sim_check_ack(const struct sim *s, struct sim_end *e, const struct tcp_seg *seg)
{
	const unsigned shift = seg->flags & TCP_SYN ? 0 : e->t->scales >> 4;
	const uint32_t edge = seg->ack + ((uint32_t)seg->wnd << shift);
	const struct sim_end *peer = &s->end[1 - (e - s->end)];

	if (!(seg->flags & TCP_ACK) || seg->flags & TCP_RST || e->ghost)
		return;
	SIM_CHECK(s, seg->ack == peer->iss + 1 + e->delivered + e->eof);
	if (!(seg->flags & TCP_SYN)) /* which cannot say more than 65535 */
		SIM_CHECK(s, !e->have_edge || seq_gt(edge + (1u << shift), e->edge));
	SIM_CHECK(s, edge - seg->ack <= e->knobs.cfg.rcvbuf + (1u << shift));
	e->edge = e->have_edge ? seq_max(e->edge, edge) : edge;
	e->have_edge = true;
}

static inline void
sim_check_options(const struct sim *s, struct sim_end *e, const struct tcp_seg *seg)
{
	const bool agreed = e->t->flags & TCB_TIMESTAMPS;

	if (!(seg->flags & TCP_SYN))
		SIM_CHECK(s, (seg->opts & ~(TCP_OPT_TIMESTAMP | TCP_OPT_SACK)) == 0);
	SIM_CHECK(s, !(seg->opts & TCP_OPT_SACK) || e->t->flags & TCB_SACK);
	if (seg->flags & TCP_RST || e->ghost)
		return;
	SIM_CHECK(s, agreed == ((seg->opts & TCP_OPT_TIMESTAMP) != 0));
	if (!agreed)
		return;
	SIM_CHECK(s, !e->have_tsval || seq_geq(seg->tsval, e->tsval));
	e->tsval = seg->tsval;
	e->have_tsval = true;
}

static inline void
sim_transmit(struct sim *s, unsigned i, const struct tcp_seg *seg)
{
	const uint64_t words[] = {s->now - s->start, (uint64_t)seg->seq << 32 | seg->ack,
				  (uint64_t)seg->len << 32 | (uint32_t)seg->wnd << 16 | seg->flags};

	for (unsigned w = 0; w < N_OF(words); w++)
		s->hash = (s->hash ^ words[w]) * UINT64_C(0x100000001b3);
	sim_trace(s, i, "sends", seg);
	link_send(&s->link, i, seg, s->now);
}

static inline void
sim_sent(struct sim *s, unsigned i, const struct tcp_seg *seg)
{
	struct sim_end *e = &s->end[i];

	if (seg->flags & TCP_SYN && !e->ghost) {
		SIM_CHECK(s, !e->have_iss || seg->seq == e->iss);
		e->iss = seg->seq;
		e->have_iss = true;
	}
	if (!e->ghost) {
		sim_check_content(s, e, seg);
		sim_check_windows(s, e, seg);
		e->snd_max = seq_max(e->snd_max, seg->seq + tcp_seg_len(seg));
		if (seg->flags & TCP_SYN)
			e->snd_max = e->iss + 1;
	}
	sim_check_ack(s, e, seg);
	sim_check_options(s, e, seg);
	if (tcp_seg_len(seg) > 0)
		e->sent_in_vain++;
	sim_transmit(s, i, seg);
}

/* --- what is received --- */

/* To the user, or to the receive queue when he is slow (and it has room). */
static inline void
sim_deliver(struct sim *s, struct sim_end *e, const uint8_t *data, uint32_t len)
{
	const unsigned from = 1 - (unsigned)(e - s->end);
	struct chain *q;
	uint32_t kept = 0;

	SIM_CHECK(s, memcmp(data, sim_octets(from, e->delivered), len) == 0);
	e->delivered += len;
	SIM_CHECK(s, e->delivered <= s->end[from].written);
	q = e->knobs.slow_reader ? tcp_rcvq_get(&e->ctx, e->t, s->now) : tcp_rcvq(&e->ctx, e->t);
	if (q && e->knobs.slow_reader)
		kept = chain_append(&e->ctx.blocks, q, data, len);
	if (kept < len) { /* all before it must be read first */
		if (q) {
			e->read += q->len;
			chain_free(&e->ctx.blocks, q);
		}
		e->read += len - kept;
	} else if (e->read_at == UINT64_MAX) {
		e->read_at = s->now + rng_below(&s->rng, e->knobs.read_pause + 1);
	}
}

static inline void
sim_deliver_chain(struct sim *s, struct sim_end *e, struct chain *c)
{
	const uint8_t *data;
	uint32_t n;

	while ((n = chain_front(&e->ctx.blocks, c, &data)) > 0) {
		sim_deliver(s, e, data, n);
		chain_trim_front(&e->ctx.blocks, c, n);
	}
}

/* --- after each call --- */

static inline void
sim_took_events(struct sim *s, struct sim_end *e, uint32_t events)
{
	SIM_CHECK(s, !(events & ~0x1ffu));
	if (events & TCP_EV_ESTABLISHED) {
		SIM_CHECK(s, !e->established && !e->ghost);
		e->established = true;
		if (!e->knobs.early_write)
			e->write_at = s->now;
	}
	if (events & TCP_EV_EOF) {
		SIM_CHECK(s, !e->eof && !e->ghost);
		SIM_CHECK(s, e->delivered == s->end[1 - (e - s->end)].knobs.total);
		e->eof = true;
	}
	if (events & TCP_EV_WRITABLE && e->blocked) {
		e->blocked = false;
		e->write_at = s->now;
	}
	SIM_CHECK(s, !(events & (TCP_EV_RESET | TCP_EV_TIMEOUT)) || events & TCP_EV_CLOSED);
}

static inline unsigned
sim_retries(const struct sim_end *e, uint8_t state)
{
	if (state == TCP_SYN_SENT)
		return e->knobs.cfg.syn_retries;
	return state == TCP_SYN_RECEIVED ? e->knobs.cfg.synack_retries : e->knobs.cfg.retries;
}

/* The connection is over; the tcb is given back at once. */
static inline void
sim_closed(struct sim *s, struct sim_end *e, uint8_t was, uint32_t events)
{
	SIM_CHECK(s, e->t->state == TCP_CLOSED && !tcb_is_active(e->t));
	e->t->state = TCP_FREE;
	pool_put(&e->tcbs, e->h);
	e->t = NULL;
	if (e->ghost) {
		e->ghost = false;
		return;
	}
	/* Given up only after as many tries as configured, all of them in vain. */
	if (events & TCP_EV_TIMEOUT)
		SIM_CHECK(s, e->sent_in_vain >= sim_retries(e, was));
	e->causes |= events & (TCP_EV_RESET | TCP_EV_TIMEOUT);
	e->gave_up = was == TCP_FIN_WAIT_2 && e->causes == 0 && !e->eof;
	e->over = true;
	e->over_at = s->now;
	e->write_at = e->read_at = e->close_at = e->output_at = UINT64_MAX;
	e->knobs.abort_at = UINT64_MAX;
}

static inline void
sim_check_state(const struct sim *s, const struct sim_end *e, uint8_t was)
{
	if (e->t->state != was)
		SIM_CHECK(s, was == TCP_FREE || sim_may_become[was] & 1 << e->t->state);
}

/* Everything in s->out, of a call on end i whose connection was in state `was`. */
static inline void
sim_take(struct sim *s, unsigned i, uint8_t was, const uint8_t *payload)
{
	struct sim_end *e = &s->end[i];
	const struct tcp_out *o = &s->out;

	SIM_CHECK(s, o->n_segs <= o->room);
	if (o->deliver_len > 0)
		sim_deliver(s, e, payload + o->deliver_off, o->deliver_len);
	tcp_hold(&e->ctx, o, payload);
	sim_deliver_chain(s, e, &s->out.drained);
	sim_took_events(s, e, o->events);
	if (e->t->snd_una != e->last_una)
		e->sent_in_vain = 0;
	e->last_una = e->t->snd_una;
	for (unsigned n = 0; n < o->n_segs; n++)
		sim_sent(s, i, &o->seg[n]);
	sim_check_state(s, e, was);
	if (o->events & TCP_EV_CLOSED)
		sim_closed(s, e, was, o->events);
	else
		tcp_check(&e->ctx, e->t);
}

static inline void
sim_output(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i];
	bool more = true;

	e->output_at = UINT64_MAX;
	for (unsigned calls = 0; more && e->t; calls++) {
		const bool wanted = tcp_wants_output(&e->ctx, e->t);
		const uint8_t was = e->t->state;

		tcp_out_init(&s->out, e->knobs.room);
		more = tcp_output(&e->ctx, e->t, s->now, &s->out);
		SIM_CHECK(s, wanted || s->out.n_segs == 0);
		SIM_CHECK(s, !more || s->out.n_segs == e->knobs.room);
		SIM_CHECK(s, calls < 100000);
		sim_take(s, i, was, NULL);
	}
}

/* Now, or a little later together with what comes until then. */
static inline void
sim_output_soon(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i];

	if (!e->t)
		return;
	if (e->knobs.output_pause == 0)
		sim_output(s, i);
	else if (e->output_at == UINT64_MAX)
		e->output_at = s->now + rng_below(&s->rng, e->knobs.output_pause);
}

static inline void
sim_count(struct sim_report *r, const struct sim_end *e, enum sim_event event)
{
	r->pairs[e->t ? e->t->state : TCP_CLOSED][event]++;
}

#endif
