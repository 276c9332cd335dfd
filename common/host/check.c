/* check.c - what must hold of a stack between two calls; for tests. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/internal.h"

#include <assert.h>

#define LIST_SLACK_NS UINT64_C(2000000)

struct tally {
	uint32_t conns, live, half_open, established, linked, acts, small, large, on_work, waiting;
};

static void
count_chain(const struct group *g, const struct chain *c, struct tally *n)
{
	uint32_t octets = 0;

	for (uint32_t h = c->head; h != POOL_NONE;) {
		const struct block *b = block_at(&g->ctx.blocks, h);

		n->large += (h & BLOCK_LARGE) != 0;
		n->small += (h & BLOCK_LARGE) == 0;
		octets += b->len;
		h = b->next;
	}
	assert(octets == c->len);
}

static void
count_act(const struct group *g, const struct tcb *t, struct tally *n)
{
	const struct tcp_act *a = pool_at(&g->ctx.acts, t->act);
	uint32_t small, large;

	n->acts++;
	count_chain(g, &a->sndq, n);
	count_chain(g, &a->rcvq, n);
	tcp_held_blocks(&g->ctx, t, &small, &large);
	n->small += small;
	n->large += large;
}

/* Something that is due one day must be timed, unless it is in line to be looked at. */
static void
check_timed(const struct stack *s, const struct group *g, const struct conn *c)
{
	const struct tcb *t = c->t;

	if (t->flags & TCB_ON_WORK || *conn_mark(c) & MARK_WAITING ||
	    tcp_deadline(&g->ctx, t, s->now) == UINT64_MAX)
		return;
	if (tcb_is_active(t)) {
		const struct tcp_act *a = pool_at(&g->ctx.acts, t->act);

		assert(wheel_is_armed(&a->timer));
	} else if (t->state == TCP_FIN_WAIT_2) {
		assert(*conn_mark(c) & MARK_FIN_WAIT_2);
	} else if (t->flags & TCB_ACK_DELAYED) {
		assert(g->delack.n > 0);
	}
}

static void
check_conn(const struct stack *s, const struct group *g, const struct conn *c, struct tally *n)
{
	const struct tcb *t = c->t;
	uint64_t hash = flow_hash(&s->key, &t->flow);

	n->conns += t->state != TCP_FREE;
	n->on_work += (t->flags & TCB_ON_WORK) != 0;
	n->waiting += (*conn_mark(c) & MARK_WAITING) != 0;
	if (t->state == TCP_CLOSED)
		assert(*conn_mark(c) & MARK_END_QUEUED || t->flags & TCB_ON_WORK ||
		       s->over == c->id);
	if (group_is_dead(t))
		return;
	tcp_check(&g->ctx, t);
	n->live++;
	assert(group_of(s, &t->flow) == g);
	assert(conntab_find(&g->conntab, hash, &t->flow) == c->slot);
	n->half_open += group_is_half_open(t);
	n->established += t->state >= TCP_ESTABLISHED && t->state <= TCP_LAST_ACK;
	n->linked += (*conn_mark(c) & MARK_LINKED) != 0;
	assert(!(*conn_mark(c) & MARK_LINKED) || t->state == TCP_TIME_WAIT);
	if (tcb_is_active(t))
		count_act(g, t, n);
	check_timed(s, g, c);
}

/* In order of time, but for the millisecond that is lost with an active block. */
static uint32_t
check_list(const struct stack *s, const struct group *g, unsigned id)
{
	uint32_t n = 0, h = POOL_NONE;
	uint64_t last = g->lists_at;

	while ((h = lists_next(g, id, h)) != POOL_NONE) {
		const struct tcb *t = group_tcb(g, h);
		uint64_t at = tcp_deadline(&g->ctx, t, s->now);

		if (!(t->flags & TCB_ON_WORK)) {
			assert(at + LIST_SLACK_NS >= last);
			last = at;
		}
		if (id == LIST_TIME_WAIT)
			assert(t->state == TCP_TIME_WAIT && g->mark[h] & MARK_LINKED);
		else
			assert(group_is_half_open(t));
		n++;
	}
	return n;
}

static void
check_lists(const struct stack *s, const struct group *g, uint32_t half_open, uint32_t time_wait)
{
	uint32_t n = 0;

	assert(check_list(s, g, LIST_TIME_WAIT) == time_wait && g->n_time_wait == time_wait);
	for (unsigned id = LIST_HALF_OPEN; id < N_LISTS; id++)
		n += check_list(s, g, id);
	assert(n == half_open && g->n_half_open == half_open);
}

/* Chains that wait in the queue of events belong to nobody else. */
static void
count_events(const struct stack *s, const struct group *g, struct tally *n, uint32_t *promised)
{
	for (uint32_t i = 0; i < s->events.n; i++) {
		const struct event *e = &s->events.ring[(s->events.head + i) & (STACK_EVENTS - 1)];

		if (&s->group[e->conn & (s->n_groups - 1)] != g)
			continue;
		if (e->type == EVENT_DRAINED)
			count_chain(g, &e->chain, n);
		*promised += e->type == STACK_DATA;
	}
}

static void
check_group(const struct stack *s, struct group *g, struct tally *all)
{
	const struct block_pools *b = &g->ctx.blocks;
	struct tally n = {0};
	uint32_t promised = 0;

	for (uint32_t slot = 0; slot < g->tcbs.fresh; slot++) {
		struct conn c = conn_at(s, g, slot);

		check_conn(s, g, &c, &n);
	}
	count_events(s, g, &n, &promised);
	assert(n.conns == g->tcbs.in_use && n.live == g->conntab.n);
	assert(n.established == g->n_established);
	assert(n.acts + g->reserve.n_acts == g->ctx.acts.in_use);
	assert(n.small == b->small.in_use);
	assert(n.large + g->reserve.n_blocks == b->large.in_use);
	assert(promised == g->reserve.acts_due);
	assert(promised > 0 || g->reserve.blocks_due == 0);
	check_lists(s, g, n.half_open, n.linked);
	conntab_check(&g->conntab);
	all->on_work += n.on_work;
	all->waiting += n.waiting;
}

void
stack_check(const struct stack *s)
{
	struct tally n = {0};

	for (unsigned i = 0; i < s->n_groups; i++)
		check_group(s, &s->group[i], &n);
	assert(n.on_work + s->n_answers == s->work.n && n.waiting == s->waiting.n);
	for (unsigned i = 0; i < s->n_netifs; i++)
		assert(s->netif[i].n_tx <= NETIF_TX_MAX);
}
