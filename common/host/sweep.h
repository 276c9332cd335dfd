/* sweep.h - a hand that goes round all slots of a group, so that idle connections need no timers. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_SWEEP_H
#define HOST_SWEEP_H

#include <stdint.h>

#include "tcp/tcp.h"

/* Steps of a bounded number of slots, at such times that a round takes round_ns. */
struct sweep {
	uint64_t round_ns; /* 0: it stands still */
	uint64_t next_ns;  /* of the next step; UINT64_MAX: it stands still */
	uint32_t hand;
};

enum { SWEEP_STEP = 256, SWEEP_STEPS = 8 }; /* slots a step, steps a call */

void sweep_start(struct sweep *w, uint64_t round_ns, uint64_t now);
/* The slots to be visited now, *first and how many; 0: none. Of a table of n slots. */
uint32_t sweep_step(struct sweep *w, uint32_t n, uint64_t now, uint32_t *first);

/* How often the engine wants idle connections of these profiles to be looked at (tcp_sweep), until a first probe is out. */
uint64_t sweep_round(const struct tcp_profile *p, unsigned n);

#endif
