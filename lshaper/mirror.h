/* mirror.h - a port that gets copies of the frames passing port B. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LSHAPER_MIRROR_H
#define LSHAPER_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "dp/dp.h"
#include "wire/frame.h"

/* Every frame that passes is in one of these. */
struct mirror_stats {
	uint64_t frames;  /* copied */
	uint64_t drops;	  /* the mirror had no room */
	uint64_t no_peer; /* nobody was there to read */
};

struct mirror {
	struct dp_port *port; /* NULL: no mirror */
	bool block;
	struct mirror_stats stats;

	/* With block: copies that the port has not taken yet. While there are some, the loop
	 * moves no traffic. */
	struct frame wait[DP_BURST];
	unsigned n_wait;
	uint16_t wait_queue;
	uint64_t wait_since_ns;
	bool stuck; /* it took nothing for too long: dropped until it takes again */
};

/* Copies of n frames, to be passed to mirror_send: n, or 0 when there is no reader or no buffer. */
unsigned mirror_copy(struct mirror *m, const struct frame *f, unsigned n, struct frame *copy);

/* The first `passed` of the frames have passed: sends their copies, counts them, and gives the
 * rest of the copies back. */
void mirror_send(struct mirror *m, uint16_t queue, const struct frame *copy, unsigned copies,
		 unsigned passed);

/* Both in one, for frames that have passed and are still in memory. */
void mirror_frames(struct mirror *m, uint16_t queue, const struct frame *f, unsigned n);

/* False while copies wait for room; tries to send them. */
bool mirror_is_clear(struct mirror *m, uint64_t now_ns);

#endif
