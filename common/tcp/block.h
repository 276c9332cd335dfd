/* block.h - octets that must be kept (unacknowledged, out of order, unread), in chains of pool blocks. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_BLOCK_H
#define TCP_BLOCK_H

#include <stdint.h>

#include "base/pool.h"

/* Two sizes, so that a 146-octet answer does not hold 2 KB. Handles of both share one space: the top bit names the size. */
enum { BLOCK_SMALL_ROOM = 240, BLOCK_LARGE_ROOM = 2032, BLOCK_HEADER = 16 };
#define BLOCK_LARGE UINT32_C(0x80000000)

struct block {
	uint32_t next; /* POOL_NONE ends a chain */
	uint16_t off;  /* first octet still wanted */
	uint16_t len;  /* octets still wanted, from off on */
	uint32_t unused[2];
	uint8_t data[];
};
_Static_assert(sizeof(struct block) == BLOCK_HEADER, "");

struct block_pools {
	struct pool small, large;
};

/* A chain in order of the stream. */
struct chain {
	uint32_t head, tail; /* POOL_NONE when empty */
	uint32_t len;	     /* octets */
};
#define CHAIN_EMPTY ((struct chain){POOL_NONE, POOL_NONE, 0})

static inline struct block *
block_at(const struct block_pools *p, uint32_t h)
{
	return h & BLOCK_LARGE ? (struct block *)pool_at(&p->large, h & ~BLOCK_LARGE)
			       : (struct block *)pool_at(&p->small, h);
}

/* mem must hold block_pools_bytes(); a block's memory is touched when first used. */
uint64_t block_pools_bytes(uint32_t n_small, uint32_t n_large);
void block_pools_init(struct block_pools *p, void *mem, uint32_t n_small, uint32_t n_large);

/* A block with off 0, len 0, no next, with room for `want` octets, or as many as the large size has; POOL_NONE when there is none
 * (a small request falls back to a large block, never the reverse). */
uint32_t block_get(struct block_pools *p, uint32_t want);
void block_put(struct block_pools *p, uint32_t h);
uint32_t block_room(uint32_t h); /* of its size */

/* Copies octets to the end of the chain, filling the last block's free room first. Returns how many were taken: fewer only when
 * blocks ran out. */
uint32_t chain_append(struct block_pools *p, struct chain *c, const uint8_t *data, uint32_t len);
void chain_link(struct block_pools *p, struct chain *c,
		struct chain *tail); /* moves tail to the end of c */
void chain_trim_front(struct block_pools *p, struct chain *c, uint32_t n); /* n <= c->len */
void chain_free(struct block_pools *p, struct chain *c);
/* Copies len octets from offset `off` of the chain; off + len <= c->len. */
void chain_copy(const struct block_pools *p, const struct chain *c, uint32_t off, uint32_t len,
		uint8_t *to);
/* The first octets that lie together; 0 when empty. */
uint32_t chain_front(const struct block_pools *p, const struct chain *c, const uint8_t **data);

#endif
