/* hist.c - log-linear buckets: HIST_SUB_BITS leading bits of a value choose its bucket. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hist.h"

#include <math.h>
#include <string.h>

enum { HALF_BITS = HIST_SUB_BITS - 1 };

void
hist_reset(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

/* Values below 2^SUB_BITS have a bucket each. Above, each power of two has 2^HALF_BITS buckets: the
 * leading one is implied by the group's number, which is the shift that was needed. */
static unsigned
bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns > HIST_MAX)
		ns = HIST_MAX;
	if (ns >> HIST_SUB_BITS == 0)
		return (unsigned)ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - HALF_BITS;
	return (shift << HALF_BITS) + (unsigned)(ns >> shift);
}

uint64_t
hist_bucket_low(unsigned i)
{
	const unsigned half = 1u << HALF_BITS;

	if (i < 2 * half)
		return i;
	return (uint64_t)(half + (i & (half - 1))) << ((i >> HALF_BITS) - 1);
}

void
hist_record_n(struct hist *h, uint64_t ns, uint64_t n)
{
	if (n == 0)
		return;
	h->total += n;
	h->sum += (double)ns * (double)n;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	if (ns > HIST_MAX)
		h->clamped += n;
	h->count[bucket_of(ns)] += n;
}

void
hist_record(struct hist *h, uint64_t ns)
{
	hist_record_n(h, ns, 1);
}

void
hist_merge(struct hist *into, const struct hist *from)
{
	unsigned last;

	if (from->total == 0)
		return;
	last = bucket_of(from->max);
	for (unsigned i = bucket_of(from->min); i <= last; i++)
		into->count[i] += from->count[i];
	into->total += from->total;
	into->clamped += from->clamped;
	into->sum += from->sum;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
}

/* The smallest rank r, from 1, with r / total >= ratio. The product alone may be off by one:
 * 0.07 * 100 is a little above 7. */
static uint64_t
rank_of(uint64_t total, double ratio)
{
	const double n = (double)total;
	uint64_t r;

	if (!(ratio > 0))
		return 1;
	if (ratio >= 1)
		return total;
	r = (uint64_t)(ratio * n);
	while (r < total && (double)r / n < ratio)
		r++;
	return r ? r : 1;
}

uint64_t
hist_quantile(const struct hist *h, double ratio)
{
	uint64_t rank, seen = 0, high;

	if (h->total == 0)
		return UINT64_MAX;
	rank = rank_of(h->total, ratio);
	for (unsigned i = bucket_of(h->min); i < HIST_BUCKETS - 1; i++) {
		seen += h->count[i];
		if (seen < rank)
			continue;
		high = hist_bucket_low(i + 1) - 1;
		return high < h->max ? high : h->max;
	}
	return h->max; /* the last bucket also holds what was clamped */
}

double
hist_mean(const struct hist *h)
{
	return h->total ? h->sum / (double)h->total : NAN;
}
