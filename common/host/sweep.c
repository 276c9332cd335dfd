/* sweep.c - the hand's steps, and how fast it must go. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/sweep.h"

#define SWEEP_SLOWEST_NS (UINT64_C(12) * 3600 * 1000000000)
#define SWEEP_FASTEST_NS UINT64_C(1000000)

void
sweep_start(struct sweep *w, struct sweep_pace pace, uint64_t now)
{
	w->pace = pace;
	w->next_ns = pace.slow_ns > 0 ? now : UINT64_MAX;
}

static uint64_t
round_of(const struct sweep_pace *p, uint32_t n)
{
	uint64_t ns = n * (UINT64_C(1000000000) / SWEEP_RATE);

	if (ns < p->fast_ns)
		return p->fast_ns;
	return ns < p->slow_ns ? ns : p->slow_ns;
}

/* More than a few steps that are late are not made up for: the round takes longer then. */
uint32_t
sweep_step(struct sweep *w, uint32_t n, uint64_t now, uint32_t *first)
{
	uint32_t step = n < SWEEP_STEP ? n : SWEEP_STEP;
	uint64_t pause;

	if (now < w->next_ns)
		return 0;
	if (n == 0) {
		w->next_ns = now + w->pace.fast_ns;
		return 0;
	}
	if (w->hand >= n)
		w->hand = 0;
	if (step > n - w->hand)
		step = n - w->hand;
	*first = w->hand;
	w->hand += step;
	pause = round_of(&w->pace, n) * step / n;
	w->next_ns += pause;
	if (w->next_ns + SWEEP_STEPS * pause < now)
		w->next_ns = now - SWEEP_STEPS * pause;
	return step;
}

static uint64_t
eighth(uint64_t round, uint64_t delay_ns)
{
	uint64_t part = delay_ns / 8;

	if (delay_ns == 0 || part >= round)
		return round;
	return part > SWEEP_FASTEST_NS ? part : SWEEP_FASTEST_NS;
}

/* Once a probe is out, the next one has a FIFO in a large table, so only the fast round heeds it. */
static void
heed(struct sweep_pace *pace, const struct tcp_profile *p)
{
	uint64_t interval = p->keepalive_interval_ns;

	pace->slow_ns = eighth(eighth(pace->slow_ns, p->idle_ns), p->keepalive_ns);
	if (interval == 0)
		interval = TCP_KEEPALIVE_INTERVAL_NS;
	if (p->keepalive_ns > 0)
		pace->fast_ns = eighth(pace->fast_ns, interval);
	if (pace->fast_ns > pace->slow_ns)
		pace->fast_ns = pace->slow_ns;
}

struct sweep_pace
sweep_pace_of(const struct tcp_profile *p, unsigned n)
{
	struct sweep_pace pace = {SWEEP_SLOWEST_NS, SWEEP_SLOWEST_NS};

	for (unsigned i = 0; i < n; i++)
		heed(&pace, &p[i]);
	return pace;
}
