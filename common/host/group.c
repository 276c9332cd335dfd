/* group.c - connections, and the times at which something is due for them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/group.h"

#include <assert.h>
#include <stddef.h>

enum { NS_PER_MS = 1000000, CACHE_LINE = 64, DELACK_MAX = 1 << 20 };

static uint32_t
power_of_two(uint32_t n)
{
	return n <= 1 ? 1 : UINT32_C(1) << (32 - __builtin_clz(n - 1));
}

static uint32_t
delack_entries(const struct group_sizes *z)
{
	uint32_t n = power_of_two(z->conns);

	return n < DELACK_MAX ? n : DELACK_MAX;
}

static uint64_t
line(uint64_t bytes)
{
	return (bytes + CACHE_LINE - 1) & ~(uint64_t)(CACHE_LINE - 1);
}

/* The parts of a group's memory, one after the other. */
struct layout {
	uint64_t tcbs, conntab, mark, delack, fin_wait_2, probes, ctx, end;
};

static struct layout
layout_of(const struct group_sizes *z)
{
	struct layout l = {.tcbs = 0};

	l.conntab = (uint64_t)z->conns * sizeof(struct tcb);
	l.mark = l.conntab + line(conntab_bytes(z->conns));
	l.delack = l.mark + line(z->conns);
	l.fin_wait_2 = l.delack + line(delack_entries(z) * sizeof(struct fifo_item));
	l.probes = l.fin_wait_2 + line(power_of_two(z->conns) * sizeof(struct fifo_item));
	l.ctx = l.probes + line(power_of_two(z->conns) * sizeof(struct fifo_item));
	l.end = l.ctx + line(tcp_ctx_bytes(z->acts, z->small, z->large));
	return l;
}

static uint32_t
reserve_of(uint32_t n)
{
	uint32_t quarter = (n + 3) / 4;

	return quarter < GROUP_RESERVE ? quarter : GROUP_RESERVE;
}

uint64_t
group_bytes(const struct group_sizes *z)
{
	return layout_of(z).end;
}

void
group_init(struct group *g, const struct group_sizes *z, void *mem, const struct tcp_config *cfg,
	   const uint8_t secret[16], struct sources *half_open, uint64_t now)
{
	const struct layout l = layout_of(z);
	uint8_t *p = mem;

	*g = (struct group){
	    .mark = p + l.mark,
	    .half_open = half_open,
	};
	lists_init(g);
	sweep_start(&g->visits, (struct sweep_pace){0}, now);
	pool_init(&g->tcbs, p + l.tcbs, sizeof(struct tcb), z->conns);
	conntab_init(&g->conntab, p + l.conntab, z->conns, &g->tcbs, &half_open->key);
	fifo_init(&g->delack, p + l.delack, delack_entries(z));
	fifo_init(&g->fin_wait_2, p + l.fin_wait_2, power_of_two(z->conns));
	fifo_init(&g->probes, p + l.probes, power_of_two(z->conns));
	tcp_ctx_init(&g->ctx, cfg, secret, &g->tcbs, p + l.ctx, z->acts, z->small, z->large, now);
	g->reserve.max_acts = reserve_of(z->acts);
	g->reserve.max_blocks = reserve_of(z->large);
}

uint64_t
group_used_bytes(const struct group *g)
{
	const struct block_pools *b = &g->ctx.blocks;

	return (uint64_t)g->tcbs.fresh * (sizeof(struct tcb) + 1) +
	       conntab_used_bytes(&g->conntab) +
	       (uint64_t)g->delack.touched * sizeof(struct fifo_item) +
	       (uint64_t)g->fin_wait_2.touched * sizeof(struct fifo_item) +
	       (uint64_t)g->probes.touched * sizeof(struct fifo_item) +
	       (uint64_t)g->ctx.acts.fresh * g->ctx.acts.size +
	       (uint64_t)b->small.fresh * b->small.size + (uint64_t)b->large.fresh * b->large.size;
}

/* --- slots --- */

uint32_t
group_get(struct group *g)
{
	uint32_t slot = pool_get(&g->tcbs);
	struct tcb *t;

	if (slot == POOL_NONE)
		return POOL_NONE;
	t = group_tcb(g, slot);
	*t = (struct tcb){.flags = t->flags & TCB_ON_WORK};
	g->mark[slot] &= MARKS_OF_SLOT;
	return slot;
}

void
group_put(struct group *g, uint32_t slot)
{
	struct tcb *t = group_tcb(g, slot);

	assert(group_is_dead(t));
	t->state = TCP_FREE;
	pool_put(&g->tcbs, slot);
}

static bool
is_established(enum tcp_state state)
{
	return state >= TCP_ESTABLISHED && state <= TCP_LAST_ACK;
}

void
group_state_changed(struct group *g, uint32_t slot, enum tcp_state was)
{
	struct tcb *t = group_tcb(g, slot);

	if (t->state == was)
		return;
	g->n_established -= is_established(was);
	g->n_established += is_established(t->state);
	if (was == TCP_SYN_RECEIVED && t->flags & TCB_PASSIVE) {
		lists_remove(g, slot, was);
		t->app = 0;
	}
	if (t->state != TCP_CLOSED)
		return;
	conntab_remove(&g->conntab, slot);
	if (g->mark[slot] & MARK_LINKED) {
		lists_remove(g, slot, was);
		g->mark[slot] &= (uint8_t)~MARK_LINKED;
	}
}

void
group_drop(struct group *g, uint32_t slot, uint64_t now)
{
	struct tcb *t = group_tcb(g, slot);
	enum tcp_state was = t->state;
	struct tcp_out out;

	tcp_out_init(&out, 0);
	tcp_abort(&g->ctx, t, now, &out);
	group_state_changed(g, slot, was);
	group_put(g, slot);
}

/* --- deadlines --- */

static uint32_t
ms_of(uint64_t now)
{
	return (uint32_t)(now / NS_PER_MS);
}

/* Never early. */
static uint32_t
ms_above(uint64_t at)
{
	return (uint32_t)((at + NS_PER_MS - 1) / NS_PER_MS);
}

/* A node that comes up too early costs less than moving it with each segment. */
static void
arm_wheel(struct group *g, const struct tcb *t, uint64_t at)
{
	const struct tcp_act *a = pool_at(&g->ctx.acts, t->act);
	uint32_t tick = (uint32_t)(at >> g->ctx.wheel.tick_shift) + 1;

	if (at == UINT64_MAX)
		return;
	if (!wheel_is_armed(&a->timer) || (int32_t)(tick - a->timer.tick) < 0)
		wheel_add(&g->ctx.wheel, t->act, at);
}

static void
arm_fin_wait_2(struct group *g, uint32_t slot, uint64_t at)
{
	if (g->mark[slot] & MARK_FIN_WAIT_2)
		return;
	g->mark[slot] |= MARK_FIN_WAIT_2;
	fifo_push(&g->fin_wait_2, slot, ms_above(at));
}

/* When there is no room in the line the hand comes by later. */
static void
arm_probe(struct group *g, uint32_t slot, uint64_t at)
{
	if (!fifo_is_full(&g->probes))
		fifo_push(&g->probes, slot, ms_above(at));
}

bool
group_arm(struct group *g, uint32_t slot, uint64_t now)
{
	struct tcb *t = group_tcb(g, slot);
	uint64_t at = tcp_deadline(&g->ctx, t, now);

	if (tcb_is_active(t)) {
		arm_wheel(g, t, at);
		return true;
	}
	if (at == UINT64_MAX)
		return true;
	if (group_is_listed(g, slot))
		lists_arm(g, slot, at, now);
	if (t->state == TCP_FIN_WAIT_2)
		arm_fin_wait_2(g, slot, at);
	if (t->probes > 0)
		arm_probe(g, slot, at);
	if (!(t->flags & TCB_ACK_DELAYED))
		return true;
	if (fifo_is_full(&g->delack)) {
		t->flags |= TCB_ACK_NOW;
		return false;
	}
	fifo_push(&g->delack, slot, ms_above(at));
	return true;
}

static unsigned
expire_wheel(struct group *g, uint64_t now, uint32_t *slot, unsigned max)
{
	unsigned n = wheel_expire(&g->ctx.wheel, now, slot, max);

	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(pool_at(&g->ctx.acts, slot[i]));
	for (unsigned i = 0; i < n; i++) {
		const struct tcp_act *a = pool_at(&g->ctx.acts, slot[i]);

		slot[i] = a->tcb;
		__builtin_prefetch(group_tcb(g, slot[i]));
	}
	return n;
}

static unsigned
expire_delack(struct group *g, uint64_t now, uint32_t *slot, unsigned max)
{
	unsigned n = 0;

	while (n < max && fifo_is_due(&g->delack, ms_of(now))) {
		slot[n] = fifo_pop(&g->delack);
		__builtin_prefetch(group_tcb(g, slot[n++]));
	}
	return n;
}

/* One whose time has been put off, or whose slot is another connection now, goes to the end again:
 * its end may come late, up to twice the time, which no rule forbids (RFC 9293 knows no such
 * time). */
static unsigned
expire_fin_wait_2(struct group *g, uint64_t now, uint32_t *slot, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < max && fifo_is_due(&g->fin_wait_2, ms_of(now)); i++) {
		uint32_t h = fifo_pop(&g->fin_wait_2);
		const struct tcb *t = group_tcb(g, h);
		uint64_t at = tcp_deadline(&g->ctx, t, now);

		g->mark[h] &= (uint8_t)~MARK_FIN_WAIT_2;
		if (t->state != TCP_FIN_WAIT_2 || tcb_is_active(t))
			continue;
		if (at <= now)
			slot[n++] = h;
		else
			arm_fin_wait_2(g, h, at);
	}
	return n;
}

/* Most have been answered meanwhile. */
static unsigned
expire_probes(struct group *g, uint64_t now, uint32_t *slot, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < max && fifo_is_due(&g->probes, ms_of(now)); i++) {
		uint32_t h = fifo_pop(&g->probes);
		const struct tcb *t = group_tcb(g, h);
		uint64_t at = tcp_deadline(&g->ctx, t, now);

		if (group_is_dead(t) || t->probes == 0 || tcb_is_active(t))
			continue;
		if (at <= now)
			slot[n++] = h;
		else
			arm_probe(g, h, at);
	}
	return n;
}

unsigned
group_expire(struct group *g, uint64_t now, uint32_t *slot, unsigned max)
{
	unsigned n = expire_wheel(g, now, slot, max);

	n += expire_delack(g, now, slot + n, max - n);
	n += expire_fin_wait_2(g, now, slot + n, max - n);
	return n + expire_probes(g, now, slot + n, max - n);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
fifo_next_ns(const struct fifo *f, uint64_t now)
{
	int64_t ms;

	if (f->n == 0)
		return UINT64_MAX;
	ms = (int32_t)(fifo_at(f, 0)->due_ms - ms_of(now));
	return now - now % NS_PER_MS + (uint64_t)(ms > 0 ? ms : 0) * NS_PER_MS;
}

uint64_t
group_next_ns(const struct group *g, uint64_t now)
{
	uint64_t at = wheel_next_ns(&g->ctx.wheel);

	at = earlier(at, fifo_next_ns(&g->delack, now));
	at = earlier(at, fifo_next_ns(&g->fin_wait_2, now));
	at = earlier(at, fifo_next_ns(&g->probes, now));
	if (g->tcbs.in_use > 0)
		at = earlier(at, earlier(g->silence.next_ns, g->visits.next_ns));
	return earlier(at, g->lists_at);
}
