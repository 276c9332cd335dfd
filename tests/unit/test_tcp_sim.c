/* test_tcp_sim.c - two engines, a bad link: every octet once and in order. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <signal.h>
#include <unistd.h>

#include "tcp_sim_user.h"

/*
 * test_tcp_sim		20,000 scenarios; TCP_SIM_SCENARIOS=N: as many, from TCP_SIM_SEED=S on
 * test_tcp_sim SEED	this one, segment by segment
 */
enum { SCENARIOS = 20000 };

/* --- knobs --- */

static uint64_t
pick(struct rng *r, const uint64_t *of, unsigned n)
{
	return of[rng_below(r, n)];
}

#define PICK(r, ...) \
	pick(r, (const uint64_t[]){__VA_ARGS__}, N_OF(((const uint64_t[]){__VA_ARGS__})))

static void
draw_config(struct rng *r, struct tcp_config *c)
{
	tcp_config_default(c);
	c->mss = (uint16_t)PICK(r, 48, 100, 536, 536, 1000, 1460, 1460, 1460, 4000, 8960);
	c->rcvbuf = (uint32_t)PICK(r, 1, 5, 100, 536, 3000, 10000, 65535, 65536, 200000);
	c->sndbuf = (uint32_t)PICK(r, 1, 7, 200, 3000, 20000, 65536);
	if (rng_chance(r, 0.5)) { /* half of them are not this poor */
		c->rcvbuf = 65536;
		c->sndbuf = 65536;
	}
	c->initial_window = (uint8_t)PICK(r, 1, 2, 4, 10, 10, 10);
	c->timestamps = rng_chance(r, 0.7);
	c->window_scale = rng_chance(r, 0.7);
	c->nagle = rng_chance(r, 0.7);
	c->sack = rng_chance(r, 0.8);
	c->delack_ns = PICK(r, 0, 1, 40, 40, 200) * SIM_MS;
	c->rto_min_ns = PICK(r, 10, 200, 200, 1000) * SIM_MS;
	c->time_wait_ns = PICK(r, 1, 10, 60) * SIM_S;
	c->fin_wait_2_ns = rng_chance(r, 0.05) ? 20 * SIM_S : 7200 * SIM_S;
	if (rng_chance(r, 0.03))
		c->retries = 3;
}

/* Not more octets than small segments and windows carry in reasonable time. */
static uint32_t
draw_total(struct rng *r, const struct sim *s)
{
	uint32_t piece = 1460;

	for (unsigned i = 0; i < 2; i++) {
		const struct tcp_config *c = &s->end[i].knobs.cfg;

		piece = c->mss < piece ? c->mss : piece;
		piece = c->rcvbuf < piece ? c->rcvbuf : piece;
		piece = c->sndbuf < piece ? c->sndbuf : piece;
	}
	switch (rng_below(r, 6)) {
	case 0:
		return 0;
	case 1:
		return 1 + (uint32_t)rng_below(r, 3);
	default:
		return (uint32_t)rng_below(r, 20 * piece + 20);
	case 5:
		return (uint32_t)rng_below(r, 80 * piece + 20);
	}
}

static void
draw_user(struct rng *r, struct end_knobs *k)
{
	k->profile.nodelay = rng_chance(r, 0.2);
	k->profile.quickack = rng_chance(r, 0.2);
	k->profile.cc = rng_chance(r, 0.3) ? TCP_CC_NEWRENO : TCP_CC_CUBIC;
	k->profile.notify_sent = rng_chance(r, 0.2);
	k->write_chunk = (uint32_t)PICK(r, 1, 50, 1000, 5000, 65536, 65536);
	k->write_pause = PICK(r, 0, 0, 1, 20, 500) * SIM_MS;
	k->read_chunk = (uint32_t)PICK(r, 1, 100, 3000, 100000);
	k->read_pause = PICK(r, 0, 1, 30, 500) * SIM_MS;
	k->slow_reader = rng_chance(r, 0.4);
	k->early_write = rng_chance(r, 0.2);
	k->early_close = rng_chance(r, 0.03);
	k->close_pause = PICK(r, 0, 0, 10, 3000) * SIM_MS;
	k->abort_at = UINT64_MAX;
	k->output_pause = rng_chance(r, 0.3) ? 2 * SIM_MS : 0;
	k->room = (unsigned)PICK(r, 1, 2, 5, TCP_OUT_SEGS, TCP_OUT_SEGS, TCP_OUT_SEGS);
	k->n_acts = 2;
	k->n_small = 400;
	k->n_large = 200;
	if (rng_chance(r, 0.1)) { /* hardly any memory */
		k->n_small = (uint32_t)rng_below(r, 4) + 1;
		k->n_large = (uint32_t)rng_below(r, 3);
	}
	k->thief = rng_chance(r, 0.05);
	k->attacked = rng_chance(r, 0.1);
}

static void
draw_link(struct rng *r, struct link_knobs *k, uint64_t start)
{
	const bool bad = rng_chance(r, 0.6);

	*k = (struct link_knobs){.heal_at = start + 100 * SIM_S};
	k->delay_ns = PICK(r, 0, 10, 1000, 10000, 50000, 300000) * 1000;
	if (rng_chance(r, 0.5))
		k->jitter_ns = 1 + rng_below(r, k->delay_ns + 1);
	if (!bad)
		return;
	k->loss[0] = rng_chance(r, 0.7) ? rng_unit(r) * 0.3 : 0;
	k->loss[1] = rng_chance(r, 0.7) ? rng_unit(r) * 0.3 : 0;
	k->dup = rng_chance(r, 0.4) ? rng_unit(r) * 0.2 : 0;
	k->reorder = rng_chance(r, 0.4) ? rng_unit(r) * 0.3 : 0;
	k->reorder_ns = 1 + PICK(r, 1, 30, 1000) * SIM_MS;
	for (unsigned i = 0; i < LINK_HOLES && rng_chance(r, 0.2); i++) {
		k->hole[i].from = start + rng_below(r, 3 * SIM_S);
		k->hole[i].to = k->hole[i].from + rng_below(r, 20 * SIM_S);
	}
}

/* --- one scenario --- */

static void
init_end(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i];
	struct end_knobs *k = &e->knobs;
	const uint64_t secret[2] = {rng_u64(&s->rng), rng_u64(&s->rng)};

	e->mem = malloc(tcp_ctx_bytes(k->n_acts, k->n_small, k->n_large));
	e->tcb_mem = malloc(sizeof(struct tcb));
	assert_non_null(e->mem);
	assert_non_null(e->tcb_mem);
	pool_init(&e->tcbs, e->tcb_mem, sizeof(struct tcb), 1);
	k->cfg.profiles = &k->profile;
	tcp_ctx_init(&e->ctx, &k->cfg, (const uint8_t *)secret, &e->tcbs, e->mem, k->n_acts,
		     k->n_small, k->n_large, s->now);
	e->write_at = e->read_at = e->close_at = e->output_at = UINT64_MAX;
	e->thief_at = k->thief ? s->now + rng_below(&s->rng, SIM_S) : UINT64_MAX;
	e->open_at =
	    e->active ? s->now + rng_below(&s->rng, 2 * s->link.knobs.delay_ns + 1) : UINT64_MAX;
}

/* The clock at which end 0 gets an ISS that wraps within the octets that it has to send. */
static uint64_t
start_near_wrap(struct sim *s)
{
	struct sim_end *e = &s->end[0];
	uint32_t away;

	sim_new_tcb(s, e);
	SIM_CHECK(s, tcp_open_active(&e->ctx, e->t, s->now, &s->out) == 0);
	away = UINT32_MAX - (uint32_t)rng_below(&s->rng, e->knobs.total + 2) - e->t->snd_una;
	tcp_out_init(&s->out, e->knobs.room);
	tcp_abort(&e->ctx, e->t, s->now, &s->out);
	sim_undo_tcb(e);
	memset(&e->ctx.stats, 0, sizeof(e->ctx.stats));
	return (uint64_t)away * 4000;
}

static void
init_sim(struct sim *s, uint64_t seed)
{
	struct in_flight *heap = s->link.heap;
	const bool trace = s->trace;

	memset(s, 0, sizeof(*s));
	s->seed = sim_seed = seed;
	s->trace = trace;
	s->hash = UINT64_C(0xcbf29ce484222325);
	rng_seed(&s->rng, seed, 0);
	rng_seed(&s->link.rng, seed, 1);
	s->link.heap = heap;
	for (unsigned i = 0; i < 2; i++) {
		draw_config(&s->rng, &s->end[i].knobs.cfg);
		draw_user(&s->rng, &s->end[i].knobs);
	}
	for (unsigned i = 0; i < 2; i++)
		s->end[i].knobs.total = draw_total(&s->rng, s);
	for (unsigned i = 0; i < 2; i++) { /* a few hundred calls are enough */
		s->end[i].knobs.write_chunk += s->end[i].knobs.total / 300;
		s->end[i].knobs.read_chunk += s->end[1 - i].knobs.total / 300;
	}
	s->end[0].active = true;
	s->end[1].active = rng_chance(&s->rng, 0.1);
	s->end[1].listening = !s->end[1].active;
	s->end[rng_below(&s->rng, 2)].knobs.close_after_eof = rng_chance(&s->rng, 0.5);
	s->now = 1000 * SIM_S + rng_below(&s->rng, SIM_S);
	for (unsigned i = 0; i < 2; i++)
		init_end(s, i);
	if (rng_chance(&s->rng, 0.3)) {
		s->now += start_near_wrap(s);
		s->end[0].open_at = s->now;
		s->end[1].open_at = s->end[1].active ? s->now : UINT64_MAX;
	}
	s->start = s->now;
	draw_link(&s->rng, &s->link.knobs, s->start);
	if (rng_chance(&s->rng, 0.04))
		s->end[rng_below(&s->rng, 2)].knobs.abort_at =
		    s->now + rng_below(&s->rng, 3 * SIM_S);
}

static enum sim_event
kind_of(const struct tcp_seg *seg)
{
	if (seg->flags & TCP_RST)
		return SIM_RST;
	if (seg->flags & TCP_SYN)
		return seg->flags & TCP_ACK ? SIM_SYN_ACK : SIM_SYN;
	if (seg->flags & TCP_FIN)
		return SIM_FIN;
	return seg->len > 0 ? SIM_DATA : SIM_ACK;
}

/* A segment for nobody: a listener takes a SYN, a user who is about to open is not asked yet, all
 * others are told by a RST. */
static void
arrive_at_nobody(struct sim *s, unsigned i, const struct tcp_seg *seg)
{
	struct sim_end *e = &s->end[i];
	const bool plain_syn = (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
	struct tcp_seg rst;

	if (e->open_at != UINT64_MAX)
		return;
	if (e->listening && plain_syn && (!e->over || e->established))
		sim_accept(s, i, seg);
	else if (tcp_reset_for(seg, &rst))
		sim_transmit(s, i, &rst);
}

static void
arrive(struct sim *s, unsigned i, const struct tcp_seg *seg, struct sim_report *r)
{
	struct sim_end *e = &s->end[i];
	uint8_t was;

	sim_count(r, e, kind_of(seg));
	if (s->trace)
		printf("%11.6f %u arrival %s%d(%u) ack %d win %u\n",
		       (double)(s->now - s->start) / 1e9, i, seg->flags & TCP_RST ? "R " : "",
		       (int)(seg->seq - s->end[1 - i].iss), seg->len, (int)(seg->ack - e->iss),
		       seg->wnd);
	if (!e->t) {
		arrive_at_nobody(s, i, seg);
		return;
	}
	was = e->t->state;
	tcp_out_init(&s->out, e->knobs.room);
	tcp_input(&e->ctx, e->t, seg, s->now, &s->out);
	sim_take(s, i, was, sim_octets(1 - i, seg->seq - s->end[1 - i].iss - 1));
	sim_output_soon(s, i);
}

/* Somebody who does not see the traffic guesses (RFC 5961): numbers in the window at best, never
 * the exact ones. Nothing may come of it but an ACK. */
static struct tcp_seg
forged(struct sim *s, const struct tcb *t)
{
	const uint32_t near = 1 + (uint32_t)rng_below(&s->rng, 3000),
		       far = (uint32_t)rng_u64(&s->rng);
	struct tcp_seg seg = {
	    .seq = t->rcv_nxt + near, .ack = t->snd_nxt, .flags = TCP_ACK, .wnd = 5};

	switch (rng_below(&s->rng, 6)) {
	case 0:
		seg.flags = TCP_RST;
		break;
	case 1:
		seg = (struct tcp_seg){.seq = far, .flags = TCP_RST | TCP_ACK, .ack = far};
		break;
	case 2:
		seg = (struct tcp_seg){.seq = far, .flags = TCP_SYN, .wnd = 1000};
		break;
	case 3:
		seg.ack = t->snd_nxt + (UINT32_C(1) << 20) + near; /* not sent yet */
		break;
	case 4:
		seg.ack = t->snd_una - (UINT32_C(1) << 31) + near; /* long ago */
		seg.len = 10;
		break;
	default:
		seg.flags = TCP_FIN | TCP_PSH;
		seg.len = 3;
	}
	return seg;
}

static void
attack(struct sim *s, unsigned i, struct sim_report *r)
{
	struct sim_end *e = &s->end[i];
	struct tcb before;
	struct tcp_seg seg;

	e->attack_at = s->now + 1 + rng_below(&s->rng, 2 * SIM_S);
	if (s->now >= s->link.knobs.heal_at)
		e->attack_at = UINT64_MAX;
	/* Elsewhere one number decides, or none: guesses do harm there. */
	if (!e->t || e->ghost || e->t->state < TCP_ESTABLISHED)
		return;
	seg = forged(s, e->t);
	if (seg.seq == e->t->rcv_nxt)
		return;
	before = *e->t;
	arrive(s, i, &seg, r);
	SIM_CHECK(s, e->t && e->t->state == before.state && e->t->rcv_nxt == before.rcv_nxt &&
			 e->t->snd_una == before.snd_una && e->t->snd_wnd == before.snd_wnd);
}

static void
time_out(struct sim *s, unsigned i, struct sim_report *r)
{
	struct sim_end *e = &s->end[i];
	const uint8_t was = e->t->state;

	sim_count(r, e, SIM_TIMEOUT);
	sim_trace(s, i, "timeout", NULL);
	tcp_out_init(&s->out, e->knobs.room);
	tcp_timeout(&e->ctx, e->t, s->now, &s->out);
	sim_take(s, i, was, NULL);
	sim_output_soon(s, i);
}

/* Does one thing that is due at end i; false: nothing is. */
static bool
act_of_user(struct sim *s, unsigned i, struct sim_report *r)
{
	struct sim_end *e = &s->end[i];

	if (e->open_at <= s->now) {
		sim_open(s, i);
	} else if (e->thief_at <= s->now) {
		if (s->now < s->link.knobs.heal_at) {
			sim_steal(s, e);
		} else {
			sim_give_back(e);
			e->thief_at = UINT64_MAX;
		}
	} else if (e->t && e->output_at <= s->now) {
		sim_output(s, i);
	} else if (!e->t || e->ghost) {
		return false;
	} else if (e->knobs.abort_at <= s->now) {
		sim_count(r, e, SIM_ABORT);
		sim_abort(s, i);
	} else if (e->write_at <= s->now) {
		sim_count(r, e, SIM_SEND);
		sim_write(s, i);
	} else if (e->read_at <= s->now) {
		sim_count(r, e, SIM_RECEIVE);
		sim_read(s, i);
	} else if (e->close_at <= s->now) {
		sim_count(r, e, SIM_CLOSE);
		sim_close(s, i);
	} else {
		return false;
	}
	return true;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When end i has something to do, thief and attacker aside. */
static uint64_t
next_of_end(const struct sim *s, unsigned i)
{
	const struct sim_end *e = &s->end[i];
	uint64_t at = e->open_at;

	if (!e->t)
		return at;
	at = earlier(at, tcp_deadline(&e->ctx, e->t, s->now));
	if (e->ghost)
		return earlier(at, e->output_at);
	at = earlier(at, earlier(e->write_at, e->read_at));
	at = earlier(at, earlier(e->close_at, e->output_at));
	return e->knobs.abort_at == UINT64_MAX ? at : earlier(at, e->knobs.abort_at);
}

static bool
is_abnormal(const struct sim_end *e)
{
	return e->aborted || e->gave_up || e->causes != 0;
}

/* Nothing will ever happen any more. Right when all is over, or when one end does not know that the
 * other has gone: there are no keepalives yet. */
static bool
is_finished(struct sim *s, struct sim_report *r)
{
	for (unsigned i = 0; i < 2; i++) {
		struct sim_end *e = &s->end[i];

		if (!e->t)
			continue;
		SIM_CHECK(s, s->end[1 - i].over && is_abnormal(&s->end[1 - i]));
		r->half_open++;
		sim_abort(s, i);
		return false; /* its RST is on the way */
	}
	return true;
}

/* One that does not know that the other has gone, and asks for memory again and again: its user's
 * patience ends. */
static void
end_half_open(struct sim *s, struct sim_report *r)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct sim_end *peer = &s->end[1 - i];

		if (!s->end[i].t || !peer->over || !is_abnormal(peer) ||
		    s->now - peer->over_at < 3600 * SIM_S)
			continue;
		r->half_open++;
		sim_abort(s, i);
	}
}

static bool
step(struct sim *s, struct sim_report *r)
{
	uint64_t at;

	end_half_open(s, r);
	at = link_next(&s->link);
	for (unsigned i = 0; i < 2; i++) {
		sim_maybe_close(s, &s->end[i]);
		at = earlier(at, next_of_end(s, i));
	}
	if (at == UINT64_MAX)
		return !is_finished(s, r);
	for (unsigned i = 0; i < 2; i++)
		at = earlier(at, earlier(s->end[i].thief_at, s->end[i].attack_at));
	s->now = at > s->now ? at : s->now;
	for (unsigned i = 0; i < 2; i++) {
		if (s->end[i].attack_at <= s->now) {
			attack(s, i, r);
			return true;
		}
		if (act_of_user(s, i, r))
			return true;
	}
	if (link_next(&s->link) <= s->now) {
		const struct in_flight f = link_pop(&s->link);

		arrive(s, f.to, &f.seg, r);
		return true;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct sim_end *e = &s->end[i];

		if (e->t && tcp_deadline(&e->ctx, e->t, s->now) <= s->now) {
			time_out(s, i, r);
			SIM_CHECK(s, !e->t || tcp_deadline(&e->ctx, e->t, s->now) > s->now ||
					 tcp_wants_output(&e->ctx, e->t));
			return true;
		}
	}
	return true;
}

/* --- the end --- */

/* A reset is right when the other end was gone: badly, or in good order with all that this end had
 * to say. */
static void
check_reset(const struct sim *s, const struct sim_end *e, const struct sim_end *peer)
{
	if (!(e->causes & TCP_EV_RESET))
		return;
	SIM_CHECK(s, peer->over);
	if (!is_abnormal(peer))
		SIM_CHECK(s, peer->eof && peer->delivered == e->knobs.total);
}

static void
check_end(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i], *peer = &s->end[1 - i];

	sim_give_back(e);
	SIM_CHECK(s, e->over || (!e->opened && peer->over));
	SIM_CHECK(s, e->ctx.acts.in_use == 0 && e->tcbs.in_use == 0 && e->ctx.wheel.n == 0);
	SIM_CHECK(s, e->ctx.blocks.small.in_use == 0 && e->ctx.blocks.large.in_use == 0);
	check_reset(s, e, peer);
	if (is_abnormal(e) || is_abnormal(peer))
		return;
	SIM_CHECK(s, e->established && e->eof && e->user_closed);
	SIM_CHECK(s, e->written == e->knobs.total && e->delivered == peer->knobs.total);
}

static void
count_outcome(const struct sim *s, struct sim_report *r)
{
	r->scenarios++;
	r->clean += !is_abnormal(&s->end[0]) && !is_abnormal(&s->end[1]);
	r->segments += s->link.sent;
	r->lost += s->link.lost;
	r->events += s->events;
	r->virtual_ns += s->now - s->start;
	for (unsigned i = 0; i < 2; i++) {
		r->timed_out += (s->end[i].causes & TCP_EV_TIMEOUT) != 0;
		r->reset += (s->end[i].causes & TCP_EV_RESET) != 0;
		r->aborted += s->end[i].aborted;
		r->octets += s->end[i].delivered;
	}
}

static uint64_t
run_scenario(struct sim *s, uint64_t seed, struct sim_report *r)
{
	const uint64_t limit = 6 * 3600 * SIM_S;

	init_sim(s, seed);
	while (step(s, r)) {
		s->events++;
		SIM_CHECK(s, s->now - s->start < limit && s->events < 3000000);
	}
	for (unsigned i = 0; i < 2; i++)
		check_end(s, i);
	count_outcome(s, r);
	for (unsigned i = 0; i < 2; i++) {
		free(s->end[i].mem);
		free(s->end[i].tcb_mem);
	}
	return s->hash;
}

/* --- tests --- */

static struct sim *sim;
static struct sim_report report;

static uint64_t
from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void
print_pairs(void)
{
	static const char *const events[SIM_N_EVENTS] = {"SYN",	 "SYN,ACK", "ACK",   "data",
							 "FIN",	 "RST",	    "timer", "send",
							 "read", "close",   "abort"};

	printf("# %-12s", "");
	for (unsigned e = 0; e < SIM_N_EVENTS; e++)
		printf(" %9s", events[e]);
	for (unsigned t = TCP_CLOSED; t < TCP_N_STATES; t++) {
		printf("\n# %-12s", tcp_state_name(t));
		for (unsigned e = 0; e < SIM_N_EVENTS; e++)
			printf(" %9llu", (unsigned long long)report.pairs[t][e]);
	}
	printf("\n");
}

static void
scenarios(void **state)
{
	const uint64_t n = from_environment("TCP_SIM_SCENARIOS", SCENARIOS);
	const uint64_t first = from_environment("TCP_SIM_SEED", 1);

	(void)state;
	for (uint64_t seed = first; seed < first + n; seed++)
		run_scenario(sim, seed, &report);
	printf(
	    "# %llu scenarios, %llu to the orderly end; ends timed out %llu, reset %llu, aborted "
	    "%llu, half-open %llu\n"
	    "# %llu segments, %llu lost, %llu octets, %llu events, %.1f days\n",
	    (unsigned long long)report.scenarios, (unsigned long long)report.clean,
	    (unsigned long long)report.timed_out, (unsigned long long)report.reset,
	    (unsigned long long)report.aborted, (unsigned long long)report.half_open,
	    (unsigned long long)report.segments, (unsigned long long)report.lost,
	    (unsigned long long)report.octets, (unsigned long long)report.events,
	    (double)report.virtual_ns / 86400e9);
	print_pairs();
	assert_true(report.clean > report.scenarios * 85 / 100);
}

/* Same seed, same segments at the same times. */
static void
repeatable(void **state)
{
	struct sim_report unused = {.scenarios = 0};

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++)
		assert_int_equal(run_scenario(sim, seed, &unused),
				 run_scenario(sim, seed, &unused));
}

static void
died(int signal_number)
{
	(void)signal_number;
	sim_say_seed();
	_exit(1);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void
init(const char *program)
{
	sim_program = program;
	signal(SIGABRT, died);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(sim_say_seed);
	sim_table_init();
	sim = calloc(1, sizeof(*sim));
	assert_non_null(sim);
	sim->link.heap = malloc(LINK_MAX * sizeof(sim->link.heap[0]));
	assert_non_null(sim->link.heap);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scenarios),
	    cmocka_unit_test(repeatable),
	};
	int failed = 0;

	init(argv[0]);
	if (argc == 2) {
		sim->trace = true;
		setvbuf(stdout, NULL, _IOLBF, 0);
		run_scenario(sim, strtoull(argv[1], NULL, 0), &report);
	} else {
		failed = cmocka_run_group_tests(tests, NULL, NULL);
	}
	free(sim->link.heap);
	free(sim);
	return failed;
}
