/* hist.h - log-linear (HDR) histogram of nanoseconds: 3 significant digits from 1 ns to 9 hours. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdint.h>

/* A value keeps its 12 leading bits: the error is less than 1/2048 of the value. Values above
 * HIST_MAX are counted in the last bucket, and in `clamped`; min, max and sum stay exact. */
enum {
	HIST_SUB_BITS = 12,
	HIST_TOP_BIT = 45, /* 2^45 ns = 9.8 h */
	HIST_BUCKETS = (HIST_TOP_BIT - HIST_SUB_BITS + 2) << (HIST_SUB_BITS - 1),
};
#define HIST_MAX ((UINT64_C(1) << HIST_TOP_BIT) - 1)

struct hist {
	uint64_t total, clamped;
	uint64_t min, max; /* UINT64_MAX and 0 when empty */
	double sum;
	uint64_t count[HIST_BUCKETS]; /* about 560 KB: embed it only in long-lived structs */
};

void hist_reset(struct hist *h);
void hist_record(struct hist *h, uint64_t ns);
void hist_record_n(struct hist *h, uint64_t ns, uint64_t n);
void hist_merge(struct hist *into, const struct hist *from);

/* The smallest value v such that at least `ratio` of all values are <= v (ratio 0.99 for p99), as
 * the highest value of its bucket, never above max. UINT64_MAX when the histogram is empty. */
uint64_t hist_quantile(const struct hist *h, double ratio);
double hist_mean(const struct hist *h);

/* Bucket i holds values from hist_bucket_low(i) to hist_bucket_low(i + 1) - 1. */
uint64_t hist_bucket_low(unsigned i);

#endif
