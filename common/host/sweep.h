/* sweep.h - a hand that goes round all slots of a group, so that idle connections need no timers. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_SWEEP_H
#define HOST_SWEEP_H

#include <stdint.h>

#include "tcp/tcp.h"

/* How long a round takes: `fast` where that is no more than SWEEP_RATE looks a second, and for a larger table
 * as long as that rate takes, but not longer than `slow`. 0: the hand stands still. */
struct sweep_pace {
	uint64_t fast_ns, slow_ns;
};

/* Steps of a bounded number of slots. */
struct sweep {
	struct sweep_pace pace;
	uint64_t next_ns; /* of the next step; UINT64_MAX: it stands still */
	uint32_t hand;
};

enum { SWEEP_RATE = 4096, SWEEP_STEP = 256, SWEEP_STEPS = 8 }; /* slots a step, steps a call */

void sweep_start(struct sweep *w, struct sweep_pace pace, uint64_t now);
/* The slots to be visited now, *first and how many; 0: none. Of a table of n slots. */
uint32_t sweep_step(struct sweep *w, uint32_t n, uint64_t now, uint32_t *first);

/* How often the engine wants idle connections of these profiles to be looked at (tcp_sweep). */
struct sweep_pace sweep_pace_of(const struct tcp_profile *p, unsigned n);

#endif
