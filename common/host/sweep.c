/* sweep.c - a clock hand over all connections, for what is due after hours and days (see tcp_sweep). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/group.h"

enum { SWEEP_STEP = 4096, SWEEP_AHEAD = 8, PARTS = 4 };

/* Keepalive, idle time: all that a connection without an active block waits for is far away, and
 * may be a little late. So nobody is timed for it: the hand goes round once in a quarter of the
 * shortest delay that any profile has, or twice a day, some thousand connections at a step, which
 * lie side by side in memory. */

static uint64_t
shorter(uint64_t period, uint64_t delay)
{
	return delay > 0 && delay / PARTS < period ? delay / PARTS : period;
}

uint64_t
sweep_period(const struct tcp_profile *p, unsigned n)
{
	uint64_t period = UINT64_C(12) * 3600 * 1000000000;

	for (unsigned i = 0; i < n; i++) {
		period = shorter(period, p[i].idle_ns);
		if (p[i].keepalive_ns == 0)
			continue;
		period = shorter(period, p[i].keepalive_ns);
		period =
		    shorter(period, p[i].keepalive_interval_ns > 0 ? p[i].keepalive_interval_ns
								   : TCP_KEEPALIVE_INTERVAL_NS);
	}
	return period;
}

uint64_t
sweep_next_ns(const struct group *g)
{
	return g->tcbs.in_use > 0 ? g->sweep_at : UINT64_MAX;
}

/* The hand has come to the end of its step: the next one follows so that all of them fill the
 * period. */
static void
rest(struct group *g, uint64_t period, uint64_t now)
{
	uint32_t steps = (g->tcbs.fresh + SWEEP_STEP - 1) / SWEEP_STEP;

	g->sweep_at = now + period / (steps > 0 ? steps : 1);
	if (g->sweep_hand >= g->tcbs.fresh)
		g->sweep_hand = 0;
}

unsigned
sweep_expire(struct group *g, uint64_t period, uint64_t now, uint32_t *slot, unsigned max)
{
	uint32_t end = g->tcbs.fresh;
	unsigned n = 0;

	if (now < sweep_next_ns(g))
		return 0;
	if (end - g->sweep_hand > SWEEP_STEP)
		end = g->sweep_hand + SWEEP_STEP;
	for (; g->sweep_hand < end; g->sweep_hand++) {
		if (n == max)
			return n; /* the rest of the step with the next call */
		if (g->sweep_hand + SWEEP_AHEAD < end)
			__builtin_prefetch(group_tcb(g, g->sweep_hand + SWEEP_AHEAD));
		if (tcp_sweep(&g->ctx, group_tcb(g, g->sweep_hand), now))
			slot[n++] = g->sweep_hand;
	}
	rest(g, period, now);
	return n;
}
