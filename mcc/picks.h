/* picks.h - which places of a burst are requests: an exact number, spread evenly, drawn from a seed. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_PICKS_H
#define MCC_PICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

#define PICKS_ONE UINT32_C(1000000000) /* a ratio of 1, in parts per billion */

/*
 * A burst of n messages with q requests is cut into q stretches of n/q places (their lengths differ by one at most), and one place is drawn in
 * each. What n * ratio leaves as a fraction is carried into the next burst, so that after any number of bursts the count
 * of requests is the whole part of messages * ratio.
 */
struct picks {
	struct rng rng;
	uint64_t carry; /* in 1/PICKS_ONE of a request */
	uint32_t places, requests;
	uint32_t length,
	    longer;	     /* each stretch has `length` places, `longer` of them have one more */
	uint32_t error;	     /* of the division, as Bresenham spreads it */
	uint32_t end, place; /* of the current stretch: its end, and the place drawn in it */
};

/* Forgets the carried fraction. */
void picks_reset(struct picks *p);
/* Starts a burst of n > 0 places; the same seed and stream draw the same ones. */
void picks_begin(struct picks *p, uint64_t seed, uint64_t stream, uint32_t n, uint32_t ratio_ppb);
/* Is this place a request? Places are asked in ascending order; any may be left out. */
bool picks_is_request(struct picks *p, uint32_t place);

#endif
