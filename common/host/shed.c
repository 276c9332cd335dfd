/* shed.c - who goes when memory is short: those that are owed the least first, a healthy one never. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/internal.h"

/*
 * When all tcbs are in use and one is needed, for a peer that has shown that it is there:
 *
 *	1 half-open	the one that has waited longest: its SYN,ACKs were not answered
 *	2 TIME-WAIT	the oldest: its time is nearly over
 *	3 no progress	a peer that has acknowledged nothing for SHED_STALL_NS though we have
 *			something for him (a window that stays shut is the same), or has left a
 *			gap in what he sends for so long: of a sample, the worst
 *	4 idle		only of listeners that allow it, and only after SHED_IDLE_NS: of a sample,
 *			the longest
 *
 * 1 and 2 have no user, and give their tcb at once. 3 and 4 get a RST, and their user the last event
 * first (STACK_WHY_SHED), so they make room for the next that asks. When active blocks or blocks run low,
 * it is 3 alone that can help. The samples go round: no call costs more than SHED_SAMPLE looks.
 */
enum { SHED_SAMPLE = 64 };
#define SHED_STALL_NS (UINT64_C(5) * 1000000000)
#define SHED_AGAIN_NS (UINT64_C(100) * 1000000)
#define SHED_IDLE_NS  (UINT64_C(10) * 1000000000)

/* --- 1 and 2 --- */

/* A group in which a place is wanted: this one, or where the whole stack is full, another one. */
static bool
may_give(const struct group *wanted, const struct group *g)
{
	return g == wanted || wanted->tcbs.in_use < wanted->tcbs.max;
}

static uint32_t
oldest_half_open(const struct group *g)
{
	for (unsigned id = N_LISTS - 1; g->n_half_open > 0 && id >= LIST_HALF_OPEN; id--) {
		uint32_t slot = lists_next(g, id, POOL_NONE);

		if (slot != POOL_NONE)
			return slot;
	}
	return POOL_NONE;
}

static bool
drop(struct group *g, uint32_t slot, uint64_t now, uint64_t *counter)
{
	if (slot == POOL_NONE)
		return false;
	group_drop(g, slot, now);
	++*counter;
	return true;
}

/* The group's own first. */
static struct group *
nth_group(struct stack *s, struct group *wanted, unsigned i)
{
	return &s->group[((unsigned)(wanted - s->group) + i) & (s->n_groups - 1)];
}

static bool
drop_without_user(struct stack *s, struct group *wanted, uint64_t now)
{
	for (unsigned i = 0; i < s->n_groups; i++) {
		struct group *g = nth_group(s, wanted, i);

		if (may_give(wanted, g) &&
		    drop(g, oldest_half_open(g), now, &s->stats.shed_half_open))
			return true;
	}
	for (unsigned i = 0; i < s->n_groups; i++) {
		struct group *g = nth_group(s, wanted, i);

		if (may_give(wanted, g) &&
		    drop(g, lists_oldest_time_wait(g), now, &s->stats.shed_time_wait))
			return true;
	}
	return false;
}

/* --- 3 --- */

/* The connection that has this active block; NULL: nobody, or one that cannot be ended so. */
static struct tcb *
owner(const struct group *g, uint32_t act)
{
	const struct tcp_act *a = pool_at(&g->ctx.acts, act);
	struct tcb *t;

	if (a->tcb >= g->tcbs.fresh)
		return NULL;
	t = group_tcb(g, a->tcb);
	if (t->state < TCP_ESTABLISHED || t->state == TCP_TIME_WAIT || t->act != act)
		return NULL;
	return t;
}

/* What waits for the user to read it is not the peer's fault. */
static uint64_t
stalled_ns(const struct tcb *t, const struct tcp_act *a, uint64_t now)
{
	uint64_t since = now;

	if (t->snd_una != a->snd_max || a->sndq.len > 0)
		since = a->moved_ns;
	else if (a->n_runs > 0)
		since = a->last_ns;
	return now > since ? now - since : 0;
}

static void
end(struct stack *s, struct group *g, uint32_t slot, uint64_t now, uint64_t *counter)
{
	struct conn c = conn_at(s, g, slot);

	if (c.t->flags & TCB_MARKED && *conn_mark(&c) & MARK_ABORTED)
		return;
	stack_abort(s, c.id, now);
	*conn_mark(&c) |= MARK_SHED;
	++*counter;
}

static bool
end_without_progress(struct stack *s, struct group *g, uint64_t now)
{
	uint32_t n = g->ctx.acts.fresh, worst = POOL_NONE;
	uint64_t longest = SHED_STALL_NS - 1;

	for (uint32_t i = 0; i < SHED_SAMPLE && i < n; i++) {
		uint32_t act = g->shed_act++ % n;
		const struct tcb *t = owner(g, act);
		uint64_t ns = t != NULL ? stalled_ns(t, pool_at(&g->ctx.acts, act), now) : 0;

		if (ns > longest) {
			longest = ns;
			worst = ((const struct tcp_act *)pool_at(&g->ctx.acts, act))->tcb;
		}
	}
	if (worst == POOL_NONE)
		return false;
	end(s, g, worst, now, &s->stats.shed_no_progress);
	return true;
}

/* --- 4 --- */

static uint64_t
idle_ns(const struct stack *s, const struct tcb *t, uint64_t now)
{
	if ((t->state != TCP_ESTABLISHED && t->state != TCP_CLOSE_WAIT) || tcb_is_active(t) ||
	    !s->listeners.row[t->profile].shed_idle)
		return 0;
	return (uint64_t)(((uint32_t)(now / 1000000) - t->act) & ~TCB_IDLE) * 1000000;
}

static bool
end_idle(struct stack *s, struct group *g, uint64_t now)
{
	uint32_t n = g->tcbs.fresh, worst = POOL_NONE;
	uint64_t longest = SHED_IDLE_NS - 1;

	for (uint32_t i = 0; i < SHED_SAMPLE && i < n; i++) {
		uint32_t slot = g->shed_tcb++ % n;
		uint64_t ns = idle_ns(s, group_tcb(g, slot), now);

		if (ns > longest) {
			longest = ns;
			worst = slot;
		}
	}
	if (worst == POOL_NONE)
		return false;
	end(s, g, worst, now, &s->stats.shed_idle);
	return true;
}

/* --- when --- */

bool
shed_tcb(struct stack *s, struct group *g, uint64_t now)
{
	if (drop_without_user(s, g, now))
		return true;
	if (!end_without_progress(s, g, now))
		end_idle(s, g, now);
	return false;
}

bool
shed_has_candidates(const struct stack *s)
{
	for (unsigned i = 0; i < s->n_groups; i++)
		if (s->group[i].n_half_open > 0 || s->group[i].n_time_wait > 0)
			return true;
	return false;
}

static bool
is_low(const struct pool *p)
{
	return p->max - p->in_use <= p->max / 16;
}

uint64_t
shed_if_low(struct stack *s, struct group *g, uint64_t now)
{
	if (!is_low(&g->ctx.acts) && !is_low(&g->ctx.blocks.small) && !is_low(&g->ctx.blocks.large))
		return UINT64_MAX;
	return end_without_progress(s, g, now) ? now : now + SHED_AGAIN_NS;
}
