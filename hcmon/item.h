/* item.h - what is remembered of a stream for a while: requests, early responses, gaps; in order of sequence. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_ITEM_H
#define HCMON_ITEM_H

#include <assert.h>
#include <stdint.h>

#include "base/pool.h"

enum { ITEM_MAX_PER_STREAM = 256 };

enum item_kind {
	ITEM_REQUEST, /* [start, end) waits for its response or ACK; ts: of its last octet */
	ITEM_RESPONSE, /* begins at start, after a gap; `end` is the ACK number it came with; ts: of its first octet */
	ITEM_GAP, /* [start, end) was not seen so far; ts: when that was noticed */
};

enum item_flag {
	ITEM_ACKED = 1, /* the server has acknowledged all of it */
	ITEM_REPEATED =
	    2, /* seen again before that: which copy is answered cannot be told (Karn, Partridge 1987) */
};

struct item {
	uint64_t ts_ns;
	uint32_t start, end;
	uint32_t next;
	uint8_t kind, class, flags, zero;
};
static_assert(sizeof(struct item) == 24, "an item is 24 octets");

static inline struct item *
item_at(const struct pool *items, uint32_t h)
{
	return pool_at(items, h);
}

/* Puts a copy of *it in order of start into the list, after its equals. NULL when the pool is empty or the list is full. */
struct item *item_insert(struct pool *items, uint32_t *list, const struct item *it);
/* Takes the item at *link out; *link then names its successor. */
void item_remove(struct pool *items, uint32_t *link);

#endif
