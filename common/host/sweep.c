/* sweep.c - the hand's steps, and how fast it must go. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/sweep.h"

#define SWEEP_SLOWEST_NS (UINT64_C(12) * 3600 * 1000000000)
#define SWEEP_FASTEST_NS UINT64_C(1000000)

void
sweep_start(struct sweep *w, uint64_t round_ns, uint64_t now)
{
	w->round_ns = round_ns;
	w->next_ns = round_ns > 0 ? now : UINT64_MAX;
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
		w->next_ns = now + w->round_ns;
		return 0;
	}
	if (w->hand >= n)
		w->hand = 0;
	if (step > n - w->hand)
		step = n - w->hand;
	*first = w->hand;
	w->hand += step;
	pause = w->round_ns * step / n;
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

uint64_t
sweep_round(const struct tcp_profile *p, unsigned n)
{
	uint64_t round = SWEEP_SLOWEST_NS;

	for (unsigned i = 0; i < n; i++) {
		round = eighth(round, p[i].idle_ns);
		round = eighth(round, p[i].keepalive_ns);
	}
	return round;
}
