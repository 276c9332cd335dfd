/* holdq.h - frames that wait for their departure, packed into blocks of memory of their own. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LSHAPER_HOLDQ_H
#define LSHAPER_HOLDQ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "wire/frame.h"

/* A frame is copied in when it arrives and out when it leaves, so what is held costs its own
 * length and a 16-octet head, never a packet buffer: 200 ms of 10 Gbit/s fit in 240 MB.
 *
 *	block:  | link, used | head, octets | head, octets | ...        | unused |
 *
 * Frames lie one after another in departure order; a block goes back to the pool when its last
 * frame has left, and the block freed last is filled next, so that what is held briefly stays in
 * the cache. Several queues may share a pool; it bounds what they hold together. */
enum { HOLDQ_BLOCK_BYTES = 65536, HOLDQ_FRAME_MAX = HOLDQ_BLOCK_BYTES - 32 };

struct holdq {
	struct pool *blocks; /* of HOLDQ_BLOCK_BYTES each, 16-aligned */
	uint32_t head, tail; /* the blocks that are read and written, POOL_NONE when empty */
	uint32_t head_at;    /* offset of the first frame in its block */
	uint64_t last_ns;    /* departure of the youngest frame ever put */
	uint64_t frames, bytes;
};

void holdq_init(struct holdq *q, struct pool *blocks);

/* Copies a frame in. False when the pool is exhausted or the frame longer than HOLDQ_FRAME_MAX.
 * depart_ns must not be before that of the frame put last: under constant delay the order of
 * arrival is the order of departure. (A model that reorders brings a calendar of these queues,
 * one per slot of time, behind the same calls.) */
bool holdq_put(struct holdq *q, const struct frame *f, uint64_t depart_ns);

/* Departure of the first frame; UINT64_MAX when there is none. */
uint64_t holdq_next_ns(const struct holdq *q);

/* The first frames that are due at now_ns, at most n of them, in order of departure. They stay in
 * the queue, and f[].data is in its memory, until they are popped. */
unsigned holdq_due(const struct holdq *q, uint64_t now_ns, struct frame *f, unsigned n);

struct holdq_left {
	uint64_t depart_ns;
	uint32_t len;
};

/* Removes the first frame; there must be one. */
struct holdq_left holdq_pop(struct holdq *q);

#endif
