/* tcp_sim_link.h - a link in virtual time: loses, repeats, reorders, goes dark. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TCP_SIM_LINK_H
#define TEST_TCP_SIM_LINK_H

#include "unit.h"

#include "base/rng.h"
#include "wire/tcp.h"

enum { LINK_MAX = 4096, LINK_HOLES = 3 };

struct link_knobs {
	double loss[2]; /* by sender */
	double dup, reorder;
	uint64_t delay_ns, jitter_ns, reorder_ns;
	struct {
		uint64_t from, to;
	} hole[LINK_HOLES]; /* nothing passes */
	uint64_t heal_at;   /* from then on nothing is lost */
};

/* Payload is not carried: its content follows from its position, which the sender was checked for.
 */
struct in_flight {
	uint64_t at, order;
	struct tcp_seg seg;
	unsigned to;
};

struct sim_link {
	struct link_knobs knobs;
	struct rng rng;
	struct in_flight *heap;
	unsigned n;
	uint64_t sent, lost;
};

static inline bool
link_before(const struct in_flight *a, const struct in_flight *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static inline void
link_push(struct sim_link *l, const struct in_flight *f)
{
	unsigned i = l->n++;

	for (; i > 0 && link_before(f, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = *f;
}

static inline struct in_flight
link_pop(struct sim_link *l)
{
	const struct in_flight top = l->heap[0], last = l->heap[--l->n];
	unsigned i = 0;

	for (unsigned child; (child = 2 * i + 1) < l->n; i = child) {
		if (child + 1 < l->n && link_before(&l->heap[child + 1], &l->heap[child]))
			child++;
		if (!link_before(&l->heap[child], &last))
			break;
		l->heap[i] = l->heap[child];
	}
	l->heap[i] = last;
	return top;
}

static inline bool
link_is_dark(const struct sim_link *l, uint64_t now)
{
	for (unsigned i = 0; i < LINK_HOLES; i++)
		if (now >= l->knobs.hole[i].from && now < l->knobs.hole[i].to)
			return true;
	return false;
}

static inline void
link_send(struct sim_link *l, unsigned from, const struct tcp_seg *seg, uint64_t now)
{
	const struct link_knobs *k = &l->knobs;
	const bool healed = now >= k->heal_at;
	struct in_flight f = {.seg = *seg, .to = 1 - from, .order = ++l->sent};

	if (!healed && (rng_chance(&l->rng, k->loss[from]) || link_is_dark(l, now))) {
		l->lost++;
		return;
	}
	do {
		f.at = now + k->delay_ns;
		if (k->jitter_ns > 0)
			f.at += rng_below(&l->rng, k->jitter_ns);
		if (k->reorder > 0 && rng_chance(&l->rng, k->reorder))
			f.at += rng_below(&l->rng, k->reorder_ns);
		if (l->n < LINK_MAX)
			link_push(l, &f);
		f.order = ++l->sent;
	} while (k->dup > 0 && rng_chance(&l->rng, k->dup));
}

static inline uint64_t
link_next(const struct sim_link *l)
{
	return l->n > 0 ? l->heap[0].at : UINT64_MAX;
}

#endif
