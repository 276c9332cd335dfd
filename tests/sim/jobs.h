/* jobs.h - scenarios by the hundred thousand, over several processes. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include "world.h"

struct jobs {
	uint64_t first, n; /* seeds */
	uint64_t without;
	unsigned jobs;
	bool print_hashes; /* a line for each, in order; needs one job */
	bool progress;
};

/* False: one of them failed, and has said so. The sum of all reports goes into *sum. */
bool jobs_run(struct world *w, const struct jobs *j, struct report *sum);
void jobs_print(const struct report *r, double seconds, unsigned jobs);
double jobs_seconds(void);

#endif
