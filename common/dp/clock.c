/* clock.c - the time stamp counter as nanoseconds, and the CPU time used. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <time.h>

#include <rte_cycles.h>

enum { MIN_SPAN_NS = 50 * 1000 * 1000, TRIES = 8 };

static struct {
	uint64_t tsc, ns; /* read together at the start of dp_init */
	uint64_t cpu_ns;
	uint64_t tsc_zero;   /* dp_now_ns counts from here */
	uint64_t ns_per_tsc; /* times 2^32 */
} base;

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The tightest of a few pairs: a preemption between the two reads would bend the rate. */
static void
read_pair(uint64_t *tsc, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;

	*tsc = *ns = 0;
	for (int i = 0; i < TRIES; i++) {
		uint64_t before = rte_rdtsc(), t = read_clock(CLOCK_MONOTONIC);
		uint64_t after = rte_rdtsc();

		if (after - before >= best)
			continue;
		best = after - before;
		*tsc = before + best / 2;
		*ns = t;
	}
}

void
clock_start(void)
{
	read_pair(&base.tsc, &base.ns);
}

/* rte_get_tsc_hz() rounds to 10 MHz, up to 0.2 % off; EAL's own start takes long enough to do
 * better. */
void
clock_calibrate(void)
{
	uint64_t tsc, ns;

	read_pair(&tsc, &ns);
	if (ns - base.ns < MIN_SPAN_NS) {
		nanosleep(&(struct timespec){.tv_nsec = MIN_SPAN_NS}, NULL);
		read_pair(&tsc, &ns);
	}
	base.ns_per_tsc = (uint64_t)(((unsigned __int128)(ns - base.ns) << 32) / (tsc - base.tsc));
	base.tsc_zero = tsc;
	base.cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t
dp_now_ns(void)
{
	uint64_t tsc = rte_rdtsc();

	/* Counters of two cores may differ by a few ticks. */
	if (unlikely(tsc < base.tsc_zero))
		return 0;
	return (uint64_t)(((unsigned __int128)(tsc - base.tsc_zero) * base.ns_per_tsc) >> 32);
}

uint64_t
dp_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID) - base.cpu_ns;
}
