/* cdf.h - the distribution of latencies as percentiles, finer towards the tail. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_CDF_H
#define HCMON_CDF_H

#include <stdbool.h>
#include <stdio.h>

#include "base/hist.h"

enum { CDF_TOTAL, CDF_HIGH, CDF_LOW, CDF_ACK, CDF_N_CURVES };

/* Point i as a ratio: 0, 0.01 .. 0.99, 0.991 .. 0.999, and so on to 1; negative past the last. `digits` are
 * those that its percentage needs. */
double cdf_ratio(unsigned i, unsigned *digits);

/* CSV: percentile and microseconds for each curve, empty where nothing was measured. False when it could not be written. */
bool cdf_write(FILE *out, const struct hist *const curve[CDF_N_CURVES]);

#endif
