/* link.c - lshaper's models, and around them those that it does not have yet, each with its own stream. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/link.h"

#include <string.h>

#include "damage.h"

enum { STREAM_BURSTS = 100, STREAM_PICKY, STREAM_DAMAGE, STREAM_DELAY, STREAMS };

void
link_begin(struct world *w)
{
	struct link *l = &w->link;

	l->n = 0;
	l->order = 0;
	for (unsigned d = 0; d < 2; d++) {
		const struct link_knobs *k = &w->k.link[d];
		const struct impair_conf c = {.delay_ns = k->delay_ns, .drop = k->loss};
		struct path *p = &l->path[d];

		*p = (struct path){.busy_until = w->start, .last_at = w->start};
		impair_init(&p->impair, &c, w->seed, d);
		rng_seed(&p->bursts, w->seed, d * STREAMS + STREAM_BURSTS);
		rng_seed(&p->picky, w->seed, d * STREAMS + STREAM_PICKY);
		rng_seed(&p->damage, w->seed, d * STREAMS + STREAM_DAMAGE);
		rng_seed(&p->delay, w->seed, d * STREAMS + STREAM_DELAY);
	}
}

/* --- frames on their way: a heap by time, then by order of departure --- */

static bool
is_before(const struct flight *a, const struct flight *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void
push(struct world *w, unsigned to, struct buf *b, uint64_t at)
{
	struct link *l = &w->link;
	const struct flight f = {.at = at, .order = ++l->order, .buf = b, .to = (uint8_t)to};
	unsigned i = l->n++;

	CHECK(w, l->n <= FLIGHT_MAX);
	for (; i > 0 && is_before(&f, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = f;
}

struct flight
link_pop(struct link *l)
{
	const struct flight top = l->heap[0], last = l->heap[--l->n];
	unsigned i = 0;

	for (unsigned child; (child = 2 * i + 1) < l->n; i = child) {
		if (child + 1 < l->n && is_before(&l->heap[child + 1], &l->heap[child]))
			child++;
		if (!is_before(&l->heap[child], &last))
			break;
		l->heap[i] = l->heap[child];
	}
	l->heap[i] = last;
	return top;
}

uint64_t
link_next(const struct link *l)
{
	return l->n > 0 ? l->heap[0].at : NEVER;
}

void
link_inject(struct world *w, unsigned to, struct buf *b)
{
	push(w, to, b, w->t);
}

void
link_clear(struct world *w)
{
	while (w->link.n > 0)
		buf_put(w, link_pop(&w->link).buf);
}

/* --- loss --- */

static bool
is_dark(const struct world *w)
{
	if (w->t < w->dark_until)
		return true;
	for (unsigned i = 0; i < SIM_HOLES; i++)
		if (w->t >= w->start + w->k.hole[i].from && w->t < w->start + w->k.hole[i].to)
			return true;
	return false;
}

/* Two states, lossy and not (Gilbert 1960, Elliott 1963). */
static bool
is_lost_in_burst(struct path *p, const struct link_knobs *k)
{
	if (k->bad_enter <= 0)
		return false;
	p->bad = rng_chance(&p->bursts, p->bad ? 1 - k->bad_leave : k->bad_enter);
	return rng_chance(&p->bursts, p->bad ? k->bad_loss : 0);
}

static bool
is_picked(struct path *p, const struct link_knobs *k, const struct note *n)
{
	double chance = n->len > 0 ? k->octets_loss : k->ack_loss;

	if (n->kind != PKT_TCP)
		return false;
	if (n->flags & TCP_SYN)
		chance = k->syn_loss;
	return chance > 0 && rng_chance(&p->picky, chance);
}

/* --- delay --- */

/* Exponential with mean 1, in units of 2^-16, from whole numbers alone, so that it is the same
 * on every machine: so many halvings, and a fraction of one by rejection (von Neumann 1951). */
static uint64_t
exponential(struct rng *r)
{
	const uint64_t ln_2 = 45426;
	uint64_t halvings = (uint64_t)__builtin_clzll(rng_u64(r) | 1), x;

	do
		x = rng_below(r, 65536);
	while (rng_below(r, 65536) < x / 2); /* 2^-x is nearly 1 - x / 2 */
	return (halvings * 65536 + x) * ln_2 >> 16;
}

static uint64_t
jitter(const struct world *w, struct path *p, const struct link_knobs *k)
{
	switch (k->delay_kind) {
	case DELAY_UNIFORM:
		return rng_below(&p->delay, k->jitter_ns + 1);
	case DELAY_EXPONENTIAL:
		return k->jitter_ns * exponential(&p->delay) >> 16;
	case DELAY_BIMODAL:
		return rng_chance(&p->delay, 0.2) ? k->jitter_ns : 0;
	case DELAY_STEP:
		return w->t >= w->start + k->step_at ? k->jitter_ns : 0;
	case DELAY_CONSTANT:
		break;
	}
	return 0;
}

/* Through the bottleneck; 0: its queue is full. */
static uint64_t
leaves_queue(const struct world *w, struct path *p, const struct link_knobs *k, uint32_t len)
{
	uint64_t begins = w->t > p->busy_until ? w->t : p->busy_until, waits = begins - w->t;

	if (k->rate_bps == 0)
		return w->t;
	if ((unsigned __int128)waits * k->rate_bps / (8 * S) + len > k->queue_bytes)
		return 0;
	p->busy_until = begins + (uint64_t)len * 8 * S / k->rate_bps;
	return p->busy_until;
}

/* --- all together --- */

static void
deliver(struct world *w, unsigned from, struct buf *b, uint64_t at)
{
	const struct link_knobs *k = &w->k.link[from];
	struct path *p = &w->link.path[from];

	if (!w->healed) {
		at += jitter(w, p, k);
		if (k->reorder > 0 && rng_chance(&p->delay, k->reorder))
			at += rng_below(&p->delay, k->reorder_ns);
	}
	if (k->fifo && at < p->last_at)
		at = p->last_at;
	p->last_at = at;
	push(w, 1 - from, b, at);
}

static void
lose(struct world *w, struct buf *b, const char *why)
{
	if (w->verbose)
		world_say(w, b->note.from, "  lost: %s", why);
	w->r->lost++;
	buf_put(w, b);
}

static void
twin(struct world *w, unsigned from, const struct buf *b, uint64_t at)
{
	struct buf *copy = buf_get(w);

	copy->len = b->len;
	copy->note = b->note;
	memcpy(copy->data, b->data, b->len);
	deliver(w, from, copy, at);
}

/* The router before the narrow link says so, or not (RFC 1191 4). */
static void
too_long(struct world *w, unsigned from, struct buf *b)
{
	const struct link_knobs *k = &w->k.link[from];

	if (k->mtu_icmp) {
		struct buf *error = buf_get(w);

		damage_too_big(error, b, k->mtu);
		link_inject(w, from, error);
	}
	lose(w, b, "too long");
}

static const char *
verdict(struct world *w, unsigned from, const struct note *n, struct impair_verdict v)
{
	const struct link_knobs *k = &w->k.link[from];
	struct path *p = &w->link.path[from];

	if (v.fate == IMPAIR_LOST)
		return "by chance";
	if (is_lost_in_burst(p, k))
		return "in a burst";
	if (is_picked(p, k, n))
		return "picked";
	return is_dark(w) ? "in a hole" : NULL;
}

void
link_send(struct world *w, unsigned from, struct buf *b)
{
	const struct link_knobs *k = &w->k.link[from];
	struct path *p = &w->link.path[from];
	struct impair_verdict v = impair_frame(&p->impair, w->t);
	const char *why = w->healed ? NULL : verdict(w, from, &b->note, v);
	uint64_t leaves;

	if (why != NULL) {
		lose(w, b, why);
		return;
	}
	if (!w->healed && k->mtu != 0 && b->note.kind == PKT_TCP && b->len > k->mtu + 14u) {
		too_long(w, from, b);
		return;
	}
	leaves = leaves_queue(w, p, k, b->len);
	if (leaves == 0) {
		lose(w, b, "queue full");
		return;
	}
	leaves += v.fate == IMPAIR_PASS ? v.depart_ns - w->t : k->delay_ns;
	if (!w->healed) {
		if (k->dup > 0 && rng_chance(&p->damage, k->dup))
			twin(w, from, b, leaves);
		if (k->mark > 0 && rng_chance(&p->damage, k->mark))
			damage_mark(b);
		damage_maybe(w, k, &p->damage, b);
	}
	deliver(w, from, b, leaves);
}
