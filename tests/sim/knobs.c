/* knobs.c - a scenario is drawn: most are small and half of them calm; a few are large, or mad. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/knobs.h"

#include "base/rng.h"
#include "draw.h"

const char *
knob_family_name(enum knob_family f)
{
	static const char *const names[KNOB_N_FAMILIES] = {
#define KNOB_FAMILY_NAME(id, name) name,
	    KNOB_FAMILIES(KNOB_FAMILY_NAME)
#undef KNOB_FAMILY_NAME
	};

	return names[f];
}

/* True when this family is to be drawn; *r is its stream. */
static bool
family(const struct knobs *k, uint64_t seed, enum knob_family f, struct rng *r)
{
	if (k->without & UINT64_C(1) << f)
		return false;
	rng_seed(r, seed, 1000 + f);
	return true;
}

/* --- the link --- */

static void
draw_losses(struct knobs *k, uint64_t seed)
{
	struct rng r;

	if (family(k, seed, KNOB_LOSS, &r))
		for (unsigned d = 0; d < 2; d++)
			if (rng_chance(&r, 0.4))
				k->link[d].loss = rng_unit(&r) * PICK(&r, 0.02, 0.1, 0.3);
	if (family(k, seed, KNOB_BURSTS, &r) && rng_chance(&r, 0.15))
		for (unsigned d = 0; d < 2; d++) {
			k->link[d].bad_enter = rng_unit(&r) * 0.1;
			k->link[d].bad_leave = 0.05 + rng_unit(&r) * 0.5;
			k->link[d].bad_loss = PICK(&r, 0.5, 0.9, 1.0);
		}
	if (family(k, seed, KNOB_PICKY, &r) && rng_chance(&r, 0.1)) {
		struct link_knobs *l = &k->link[rng_below(&r, 2)];

		l->ack_loss = rng_chance(&r, 0.5) ? rng_unit(&r) * 0.8 : 0;
		l->syn_loss = rng_chance(&r, 0.3) ? rng_unit(&r) * 0.7 : 0;
		l->octets_loss = rng_chance(&r, 0.3) ? rng_unit(&r) * 0.3 : 0;
	}
}

static void
draw_damage(struct knobs *k, uint64_t seed)
{
	struct rng r;

	for (unsigned d = 0; d < 2; d++) {
		struct link_knobs *l = &k->link[d];

		if (family(k, seed + d * 77, KNOB_DUP, &r) && rng_chance(&r, 0.25))
			l->dup = rng_unit(&r) * 0.2;
		if (family(k, seed + d * 77, KNOB_REORDER, &r) && rng_chance(&r, 0.25)) {
			l->reorder = rng_unit(&r) * 0.3;
			l->reorder_ns = PICK(&r, 10 * US, MS, MS, 30 * MS, S);
		}
		if (family(k, seed + d * 77, KNOB_CORRUPT, &r) && rng_chance(&r, 0.15))
			l->corrupt = rng_unit(&r) * 0.2;
		if (family(k, seed + d * 77, KNOB_TAMPER, &r) && rng_chance(&r, 0.08))
			l->tamper = rng_unit(&r) * 0.2;
		if (family(k, seed + d * 77, KNOB_ECN, &r) && rng_chance(&r, 0.3))
			l->mark = rng_unit(&r) * PICK(&r, 0.1, 1.0);
		if (family(k, seed + d * 77, KNOB_TRUNCATE, &r) && rng_chance(&r, 0.08))
			l->truncate = rng_unit(&r) * 0.2;
	}
}

static void
draw_delays(struct knobs *k, uint64_t seed)
{
	struct rng r;

	rng_seed(&r, seed, 2000); /* there is always some */
	k->link[0].delay_ns = PICK(&r, US, 10 * US, 100 * US, MS, MS, 5 * MS, 20 * MS, 150 * MS);
	k->link[1].delay_ns = rng_chance(&r, 0.9) ? k->link[0].delay_ns : PICK(&r, US, MS, 40 * MS);
	if (family(k, seed, KNOB_JITTER, &r))
		for (unsigned d = 0; d < 2 && rng_chance(&r, 0.5); d++) {
			struct link_knobs *l = &k->link[d];

			l->delay_kind = (enum delay_kind)rng_below(&r, 5);
			l->jitter_ns = 1 + rng_below(&r, l->delay_ns * 2 + 1);
			l->step_at = rng_below(&r, 2 * S);
			l->fifo = rng_chance(&r, 0.5);
		}
	if (family(k, seed, KNOB_RATE, &r))
		for (unsigned d = 0; d < 2 && rng_chance(&r, 0.2); d++) {
			k->link[d].rate_bps = PICK(&r, 64000, 1000000, 20000000, 1000000000);
			k->link[d].queue_bytes = (uint32_t)PICK(&r, 3000, 20000, 100000);
		}
}

static void
draw_link(struct knobs *k, uint64_t seed)
{
	struct rng r;

	draw_delays(k, seed);
	k->heal_at = 1 * S;
	rng_seed(&r, seed, 2001);
	if (rng_chance(&r, 0.4))
		return;
	k->heal_at = PICK(&r, 2, 10, 30, 100) * S;
	draw_losses(k, seed);
	draw_damage(k, seed);
	if (family(k, seed, KNOB_PATH_MTU, &r) && rng_chance(&r, 0.08)) {
		struct link_knobs *l = &k->link[rng_below(&r, 2)];

		l->mtu = (uint16_t)PICK(&r, 560, 600, 1000, 1400);
		l->mtu_icmp = rng_chance(&r, 0.7);
	}
	if (!family(k, seed, KNOB_HOLES, &r) || !rng_chance(&r, 0.2))
		return;
	for (unsigned i = 0; i < SIM_HOLES && (i == 0 || rng_chance(&r, 0.4)); i++) {
		k->hole[i].from = rng_below(&r, 3 * S);
		k->hole[i].to =
		    k->hole[i].from + 100 * MS + rng_below(&r, PICK(&r, S, 10 * S, 200 * S));
		if (k->heal_at < k->hole[i].to)
			k->heal_at = k->hole[i].to;
	}
}

/* --- a host --- */

static void
draw_options(struct host_knobs *h, struct rng *r)
{
	struct tcp_config *c = &h->conf.tcp;

	c->mss = (uint16_t)PICK(r, 48, 100, 536, 536, 1000, 1460, 1460, 1460, 4000, 8960);
	c->initial_window = (uint8_t)PICK(r, 1, 2, 4, 10, 10, 10);
	c->timestamps = rng_chance(r, 0.7);
	c->window_scale = rng_chance(r, 0.7);
	c->sack = rng_chance(r, 0.7);
	c->nagle = rng_chance(r, 0.7);
	h->profile.nodelay = rng_chance(r, 0.2);
	h->profile.quickack = rng_chance(r, 0.2);
	h->profile.notify_sent = rng_chance(r, 0.3);
	h->mtu = (uint16_t)(c->mss + 40);
	if (rng_chance(r, 0.3))
		h->mtu = (uint16_t)PICK(r, 68, 576, 1500, 9000);
}

static void
draw_buffers(struct host_knobs *h, struct rng *r)
{
	struct tcp_config *c = &h->conf.tcp;

	if (rng_chance(r, 0.5))
		return;
	c->rcvbuf = (uint32_t)PICK(r, 1, 5, 100, 536, 3000, 10000, 65535, 65536, 200000);
	c->sndbuf = (uint32_t)PICK(r, 1, 7, 200, 3000, 20000, 65536);
	if (rng_chance(r, 0.15)) /* window scales up to 14 */
		c->rcvbuf = UINT32_C(65535) << rng_below(r, 15);
}

static void
draw_times(struct tcp_config *c, struct rng *r)
{
	c->delack_ns = PICK(r, 0, 1, 40, 40, 200) * MS;
	c->rto_min_ns = PICK(r, 10, 200, 200, 1000) * MS;
	c->time_wait_ns = PICK(r, 1, 10, 60) * S;
	c->fin_wait_2_ns = rng_chance(r, 0.1) ? 5 * S : 7200 * S;
	if (rng_chance(r, 0.04))
		c->retries = 3;
	if (rng_chance(r, 0.1))
		c->rto_max_ns = PICK(r, 2, 10, 30) * S;
}

/* What a host needs for its connections, and not much more. */
static void
draw_memory(struct knobs *k, struct host_knobs *h, struct rng *r)
{
	struct stack_conf *c = &h->conf;
	uint32_t n = k->n_conns, least = 4 * ((c->tcp.mss + 2031u) / 2032u);

	c->max_conns = n * 2 + 8;
	c->max_active = n * 2 + 8;
	c->max_half_open = c->max_half_open_per_source = c->max_conns;
	c->blocks_small = 256 + n * 64;
	c->blocks_large = 512 + n * 128;
	c->max_listeners = 4;
	if (!r || !rng_chance(r, 0.1))
		return;
	h->poor_memory = true;
	c->max_active = n + (uint32_t)rng_below(r, 3) + 1;
	c->max_active += (c->max_active + 2) / 3; /* what is set aside for received octets */
	c->blocks_small = 1 + (uint32_t)rng_below(r, 4);
	c->blocks_large = least + (uint32_t)rng_below(r, 8) + n;
}

static void
draw_clock(struct knobs *k, struct host_knobs *h, uint64_t seed)
{
	struct rng r;

	h->jump_at = UINT64_MAX;
	if (family(k, seed, KNOB_SKEW, &r) && rng_chance(&r, 0.3))
		h->skew_ppm = (int32_t)rng_below(&r, 100001) - 50000;
	if (family(k, seed, KNOB_JUMP, &r) && rng_chance(&r, 0.05)) {
		h->jump_at = rng_below(&r, 5 * S);
		h->jump_ns = PICK(&r, MS, 500 * MS, 10 * S, 3600 * S);
	}
	if (family(k, seed, KNOB_WRAP, &r) && rng_chance(&r, 0.3)) {
		h->wrap = rng_chance(&r, 0.7) ? WRAP_SEQUENCE : WRAP_TIMESTAMP;
		h->wrap_lead = (uint32_t)rng_below(&r, PICK(&r, 2, 1000, 100000));
	}
}

static void
draw_faults(struct knobs *k, struct host_knobs *h, uint64_t seed)
{
	struct rng r;

	h->stock = 64;
	h->refuse_at = h->poor_at = h->starve_step = UINT64_MAX;
	if (family(k, seed, KNOB_REFUSE, &r) && rng_chance(&r, 0.05)) {
		h->refuse_at = rng_below(&r, S);
		h->refuse_until = h->refuse_at + PICK(&r, MS, 100 * MS, 5 * S);
		h->refuse_all_but = (unsigned)rng_below(&r, 3);
	}
	if (family(k, seed, KNOB_POOR, &r) && rng_chance(&r, 0.05)) {
		h->stock = 1 + (uint32_t)rng_below(&r, 8);
		h->poor_at = rng_below(&r, S);
		h->poor_until = h->poor_at + PICK(&r, UINT64_C(0), MS, 100 * MS, 2 * S);
	}
	if (family(k, seed, KNOB_STARVE, &r) && rng_chance(&r, 0.1)) {
		h->starve_step = 1 + rng_below(&r, 30);
		h->starve_steps = (unsigned)PICK(&r, 1, 1, 3, 20);
	}
	if (k->heal_at < h->refuse_until && h->refuse_at != UINT64_MAX)
		k->heal_at = h->refuse_until;
}

/* What a listener, or who opens, may ask for. */
static void
draw_extras(struct knobs *k, struct host_knobs *h, uint64_t seed)
{
	struct rng r;

	if (family(k, seed, KNOB_ECN, &r))
		h->profile.ecn = (uint8_t)PICK(&r, TCP_ECN_OFF, TCP_ECN_REQUEST, TCP_ECN_ALWAYS);
	if (family(k, seed, KNOB_KEEPALIVE, &r) && rng_chance(&r, 0.1)) {
		h->profile.keepalive_ns = PICK(&r, S, 5 * S, 60 * S);
		h->profile.keepalive_interval_ns = PICK(&r, 100 * MS, S, 10 * S);
		h->profile.keepalive_count = (uint8_t)PICK(&r, 1, 3, 9, 15);
	}
	if (family(k, seed, KNOB_KEEPALIVE, &r) && rng_chance(&r, 0.05))
		h->profile.idle_ns = PICK(&r, 10 * S, 60 * S, 600 * S);
	if (!family(k, seed, KNOB_CC, &r))
		return;
	h->profile.cc = (uint8_t)PICK(&r, TCP_CC_CUBIC, TCP_CC_NEWRENO);
	if (rng_chance(&r, 0.05))
		h->profile.user_timeout_ns = PICK(&r, 5 * S, 60 * S);
}

static void
draw_host(struct knobs *k, unsigned i, uint64_t seed)
{
	struct host_knobs *h = &k->host[i];
	struct rng r;

	seed += i * 1000003;
	stack_conf_default(&h->conf);
	h->conf.tcp.fin_wait_2_ns = 7200 * S;
	h->mtu = 1500;
	if (family(k, seed, KNOB_OPTIONS, &r))
		draw_options(h, &r);
	if (family(k, seed, KNOB_BUFFERS, &r))
		draw_buffers(h, &r);
	if (family(k, seed, KNOB_TIMES, &r))
		draw_times(&h->conf.tcp, &r);
	draw_extras(k, h, seed);
	h->conf.profile = h->profile;
	if (h->mtu < h->conf.tcp.mss + 40)
		h->conf.tcp.mss = (uint16_t)(h->mtu - 40);
	draw_memory(k, h, family(k, seed, KNOB_MEMORY, &r) ? &r : NULL);
	if (family(k, seed, KNOB_COOKIES, &r) && rng_chance(&r, 0.1))
		h->conf.max_half_open = h->conf.max_half_open_per_source =
		    (uint32_t)rng_below(&r, 2) + 1;
	if (family(k, seed, KNOB_GROUPS, &r) && rng_chance(&r, 0.05))
		h->conf.group_bits = (uint8_t)(1 + rng_below(&r, 3));
	draw_clock(k, h, seed);
	draw_faults(k, h, seed);
}

/* --- users --- */

/* Not more octets than small segments and windows carry in reasonable time. */
static uint32_t
draw_total(const struct knobs *k, struct rng *r)
{
	uint32_t piece = 1460;

	for (unsigned i = 0; i < 2; i++) {
		const struct tcp_config *c = &k->host[i].conf.tcp;

		piece = c->mss < piece ? c->mss : piece;
		piece = c->rcvbuf < piece ? c->rcvbuf : piece;
		piece = c->sndbuf < piece ? c->sndbuf : piece;
	}
	if (rng_chance(r, 0.005) && k->n_conns < 4)
		return (uint32_t)rng_below(r, 1000 * piece);
	if (rng_chance(r, 0.05) && k->n_conns < 8)
		return (uint32_t)rng_below(r, 100 * piece + 20);
	switch (rng_below(r, 5)) {
	case 0:
		return 0;
	case 1:
		return 1 + (uint32_t)rng_below(r, 3);
	default:
		return (uint32_t)rng_below(r, 5 * piece + 20);
	}
}

static void
draw_end(struct knobs *k, struct end_knobs *e, uint64_t seed)
{
	struct rng r;

	rng_seed(&r, seed, 2002);
	e->total = draw_total(k, &r);
	e->write_chunk = (uint32_t)PICK(&r, 50, 1000, 5000, 32768, 32768);
	if (e->total < 200 && rng_chance(&r, 0.3))
		e->write_chunk = 1;
	e->read_chunk = 65536;
	e->abort_at = UINT64_MAX;
	if (family(k, seed, KNOB_PAUSES, &r) && rng_chance(&r, 0.5)) {
		e->write_pause = PICK(&r, 0, 0, 1, 20, 500) * MS;
		e->read_pause = PICK(&r, 0, 1, 30, 500) * MS;
		e->close_pause = PICK(&r, 0, 0, 10, 3000) * MS;
		e->keeps = rng_chance(&r, 0.6);
		e->read_chunk = (uint32_t)PICK(&r, 1, 100, 3000, 100000);
	}
	if (family(k, seed, KNOB_ABORT, &r) && rng_chance(&r, 0.03))
		e->abort_at = rng_below(&r, PICK(&r, 10 * MS, S, 5 * S));
	if (family(k, seed, KNOB_EARLY, &r)) {
		e->early_write = rng_chance(&r, 0.2);
		e->early_close = rng_chance(&r, 0.02);
	}
	if (family(k, seed, KNOB_HALF, &r))
		e->late_calls = rng_chance(&r, 0.1);
}

static void
draw_conn(struct knobs *k, unsigned i, uint64_t seed)
{
	struct conn_knobs *c = &k->conn[i];
	struct rng r;

	seed += i * UINT64_C(0x9e3779b97f4a7c15);
	rng_seed(&r, seed, 2003);
	c->end[0].opens = rng_chance(&r, 0.5);
	c->end[1].opens = !c->end[0].opens;
	for (unsigned j = 0; j < 2; j++) {
		c->open_at[j] = i > 0 && rng_chance(&r, 0.7) ? rng_below(&r, 50 * MS) : 0;
		draw_end(k, &c->end[j], seed + j * 17);
	}
	for (unsigned j = 0; j < 2; j++) /* many small reads say no more than a hundred */
		if (c->end[j].read_chunk < c->end[1 - j].total / 100)
			c->end[j].read_chunk = c->end[1 - j].total / 100;
	if (rng_chance(&r, 0.08)) { /* both, often at the same time */
		c->end[0].opens = c->end[1].opens = true;
		if (rng_chance(&r, 0.8))
			c->open_at[1] = c->open_at[0];
	}
	c->refused = rng_chance(&r, 0.01);
	c->close_both_at = UINT64_MAX;
	if (rng_chance(&r, 0.08))
		c->close_both_at = 4 * (k->link[0].delay_ns + k->link[1].delay_ns) + 10 * MS;
	if (family(k, seed, KNOB_HALF, &r) && rng_chance(&r, 0.5))
		c->end[rng_below(&r, 2)].close_after_eof = true;
}

/* --- mischief --- */

/* What must be so that the state is reached. */
static void
prepare_ambush(struct knobs *k, enum cover_state state, enum cover_event event)
{
	struct conn_knobs *c = &k->conn[0];

	if (state == COVER_CLOSING) {
		k->link[1].delay_ns = k->link[0].delay_ns = 5 * MS;
		c->close_both_at = 60 * MS;
		c->end[0].total %= 1000;
		c->end[1].total %= 1000;
	}
	if (state == COVER_SYN_RECEIVED && event >= COVER_SEND) {
		k->link[1].delay_ns = k->link[0].delay_ns = 5 * MS;
		c->end[0].opens = c->end[1].opens = true;
		c->open_at[0] = c->open_at[1] = 0;
	}
	if (event == COVER_TIMEOUT && k->heal_at < 20 * S)
		k->heal_at = 20 * S;
}

static void
draw_ambushes(struct knobs *k, uint64_t seed)
{
	struct rng r;
	bool wanted = family(k, seed, KNOB_AMBUSH, &r);

	for (unsigned i = 0; i < SIM_AMBUSHES; i++) {
		k->ambush[i].event = COVER_N_EVENTS;
		if (!wanted || !rng_chance(&r, 0.6))
			continue;
		k->ambush[i].state = (enum cover_state)rng_below(&r, COVER_N_STATES);
		k->ambush[i].event = (enum cover_event)rng_below(&r, COVER_N_EVENTS);
		prepare_ambush(k, k->ambush[i].state, k->ambush[i].event);
	}
}

static unsigned
draw_n_conns(const struct knobs *k, uint64_t seed)
{
	struct rng r;

	if (!family(k, seed, KNOB_MANY, &r) || rng_chance(&r, 0.8))
		return 1;
	return (unsigned)(rng_chance(&r, 0.02) ? 1 + rng_below(&r, SIM_CONNS)
					       : 2 + rng_below(&r, 4));
}

void
knobs_draw(struct knobs *k, uint64_t seed, uint64_t without)
{
	struct rng r;

	memset(k, 0, offsetof(struct knobs, conn));
	k->without = without;
	k->n_conns = draw_n_conns(k, seed);
	draw_link(k, seed);
	for (unsigned i = 0; i < 2; i++)
		draw_host(k, i, seed);
	memset(k->conn, 0, k->n_conns * sizeof(k->conn[0]));
	for (unsigned i = 0; i < k->n_conns; i++)
		draw_conn(k, i, seed);
	if (family(k, seed, KNOB_ATTACK, &r) && rng_chance(&r, 0.06))
		k->attack_ns = PICK(&r, MS, 30 * MS, 500 * MS);
	draw_ambushes(k, seed);
	k->batch = 1;
	k->distinct = true;
	if (family(k, seed, KNOB_BATCH, &r)) {
		k->batch = (unsigned)PICK(&r, 1, 4, 32, 32);
		k->distinct = rng_chance(&r, 0.5);
	}
	for (unsigned i = 0; i < 2; i++) { /* what comes or goes by the turn */
		const struct host_knobs *h = &k->host[i];

		k->whole |= h->poor_memory || h->starve_steps > 0;
		k->distinct &= h->refuse_at == UINT64_MAX && h->poor_at == UINT64_MAX && !k->whole;
	}
	rng_seed(&r, seed, 2004);
	k->check_all = k->n_conns == 1 && rng_chance(&r, 0.25);
}
