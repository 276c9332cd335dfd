/* impair.h - what a WAN does to the frames of one direction: which are lost, when others leave. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LSHAPER_IMPAIR_H
#define LSHAPER_IMPAIR_H

#include <stdint.h>

#include "base/rng.h"

/* The models of one direction form a chain: a frame that no model drops has a departure time at its
 * end. Each model draws from a stream of its own, so that turning one on or off leaves the
 * decisions of the others, and of the other direction, as they were. */
enum impair_stream {
	IMPAIR_STREAM_LOSS,
	IMPAIR_STREAMS = 16, /* per direction; the numbers are part of what --seed promises */
};

struct impair_conf {
	uint64_t delay_ns; /* constant, from arrival */
	double drop;	   /* independent loss, 0 to 1 */
};

struct impair {
	struct impair_conf conf;
	struct rng loss;
};

enum impair_fate { IMPAIR_PASS, IMPAIR_LOST };

struct impair_verdict {
	enum impair_fate fate;
	uint64_t depart_ns; /* not before the arrival; undefined when lost */
};

void impair_init(struct impair *m, const struct impair_conf *conf, uint64_t seed,
		 unsigned direction);

/* Judges the next frame, which arrived at now_ns. Draws the same count of numbers per frame
 * whatever the verdicts: frame number i meets the same fate at every pace and burst size. */
struct impair_verdict impair_frame(struct impair *m, uint64_t now_ns);

#endif
