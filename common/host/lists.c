/* lists.c - half-open connections and those in TIME-WAIT: equal delays, so lists in order of time. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/group.h"

#include <assert.h>

/*
 * Both have no user, so tcb->app links them: the handle before in the upper half, the next one in
 * the lower. Beyond the ends stands the list itself, so that taking one out does not need to know
 * which list it is in.
 */
_Static_assert(N_LISTS < 256, "handles end before");

static uint32_t
end_of(unsigned id)
{
	return POOL_NONE - 1 - id;
}

static bool
is_end(uint32_t link)
{
	return link >= POOL_NONE - N_LISTS;
}

static struct tcb_list *
list_at(struct group *g, uint32_t link)
{
	return &g->list[POOL_NONE - 1 - link];
}

static uint32_t
prev_of(const struct group *g, uint32_t slot)
{
	return (uint32_t)(group_tcb(g, slot)->app >> 32);
}

static uint32_t
next_of(const struct group *g, uint32_t slot)
{
	return (uint32_t)group_tcb(g, slot)->app;
}

static void
set_links(struct group *g, uint32_t slot, uint32_t prev, uint32_t next)
{
	group_tcb(g, slot)->app = (uint64_t)prev << 32 | next;
}

static void
set_next(struct group *g, uint32_t link, uint32_t next)
{
	if (is_end(link))
		list_at(g, link)->head = next;
	else
		set_links(g, link, prev_of(g, link), next);
}

static void
set_prev(struct group *g, uint32_t link, uint32_t prev)
{
	if (is_end(link))
		list_at(g, link)->tail = prev;
	else
		set_links(g, link, prev, next_of(g, link));
}

static void
push(struct group *g, unsigned id, uint32_t slot)
{
	uint32_t last = g->list[id].tail;

	set_links(g, slot, last, end_of(id));
	set_next(g, last, slot);
	g->list[id].tail = slot;
}

static void
take_out(struct group *g, uint32_t slot)
{
	uint32_t prev = prev_of(g, slot), next = next_of(g, slot);

	set_next(g, prev, next);
	set_prev(g, next, prev);
}

/* Half-open connections by how often the SYN,ACK was sent again; the last list takes all from there
 * on, whose delays are at their maximum then. */
static unsigned
id_of(const struct tcb *t)
{
	unsigned id;

	if (t->state == TCP_TIME_WAIT)
		return LIST_TIME_WAIT;
	id = LIST_HALF_OPEN + tcp_half_open_retries(t);
	return id < N_LISTS ? id : N_LISTS - 1;
}

static void
note_due(struct group *g, uint64_t at)
{
	if (at < g->lists_at)
		g->lists_at = at;
}

void
lists_init(struct group *g)
{
	for (unsigned id = 0; id < N_LISTS; id++)
		g->list[id].head = g->list[id].tail = end_of(id);
	g->lists_at = UINT64_MAX;
}

void
lists_add(struct group *g, uint32_t slot, uint64_t now)
{
	struct tcb *t = group_tcb(g, slot);

	push(g, id_of(t), slot);
	if (t->state == TCP_TIME_WAIT) {
		g->n_time_wait++;
	} else {
		g->n_half_open++;
		sources_add(g->half_open, t->flow.raddr);
	}
	note_due(g, tcp_deadline(&g->ctx, t, now));
}

void
lists_remove(struct group *g, uint32_t slot, enum tcp_state was)
{
	take_out(g, slot);
	if (was == TCP_TIME_WAIT) {
		g->n_time_wait--;
	} else {
		g->n_half_open--;
		sources_remove(g->half_open, group_tcb(g, slot)->flow.raddr);
	}
}

void
lists_requeue(struct group *g, uint32_t slot, uint64_t now)
{
	take_out(g, slot);
	push(g, id_of(group_tcb(g, slot)), slot);
	note_due(g, tcp_deadline(&g->ctx, group_tcb(g, slot), now));
}

/* Later than it was put in line for: a repeated FIN has started 2MSL anew, or a SYN,ACK could not
 * leave at once. */
void
lists_arm(struct group *g, uint32_t slot, uint64_t at, uint64_t now)
{
	uint32_t next = next_of(g, slot);

	note_due(g, at);
	if (!is_end(next) && at > tcp_deadline(&g->ctx, group_tcb(g, next), now))
		lists_requeue(g, slot, now);
}

unsigned
lists_expire(struct group *g, uint64_t now, uint32_t *slot, unsigned max)
{
	unsigned n = 0;

	if (now < g->lists_at)
		return 0;
	g->lists_at = UINT64_MAX;
	for (unsigned id = 0; id < N_LISTS; id++) {
		uint32_t h = g->list[id].head;
		uint64_t at = UINT64_MAX;

		while (!is_end(h) && (at = tcp_deadline(&g->ctx, group_tcb(g, h), now)) <= now &&
		       n < max) {
			slot[n++] = h;
			h = next_of(g, h);
		}
		if (!is_end(h))
			note_due(g, at);
	}
	return n;
}

uint32_t
lists_oldest_time_wait(const struct group *g)
{
	return lists_next(g, LIST_TIME_WAIT, POOL_NONE);
}

uint32_t
lists_next(const struct group *g, unsigned id, uint32_t slot)
{
	uint32_t h = slot == POOL_NONE ? g->list[id].head : next_of(g, slot);

	return is_end(h) ? POOL_NONE : h;
}
