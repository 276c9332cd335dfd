/* conntab.h - which connection a 4-tuple is: linear hashing (Litwin 1980), a line a bucket. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_CONNTAB_H
#define HOST_CONNTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "wire/flow.h"

/*
 * The table grows by one bucket each time that the buckets hold CONNTAB_LOAD entries on average: no
 * insertion rehashes more than one bucket, and memory is touched only as entries come. A lookup
 * reads the bucket, then the flow of the connection whose tag fits: both can be prefetched.
 *
 * The table does not hold flows. It reads them where the connections are: object `handle` of
 * `conns` begins with its struct flow, which must not change while it is in the table.
 */
enum { CONNTAB_WAYS = 10, CONNTAB_LOAD = 8, CONNTAB_MIN_BUCKETS = 64 };

struct conntab_bucket {
	uint16_t tag[CONNTAB_WAYS]; /* 0: free */
	uint32_t link;		    /* handle + 1 of an overflow bucket; 0: none */
	uint32_t handle[CONNTAB_WAYS];
};
_Static_assert(sizeof(struct conntab_bucket) == 64, "a bucket is one cache line");

struct conntab {
	struct conntab_bucket *bucket;
	uint32_t low_mask; /* the table had low_mask + 1 buckets when this round began */
	uint32_t split;	   /* buckets below this one have been split in this round */
	uint32_t max_buckets;
	uint32_t n; /* entries */
	const struct pool *conns;
	struct flow_key key;
	struct pool overflow; /* of struct conntab_bucket */
};

/* mem: conntab_bytes(), zero-filled, aligned to 64, lazily backed. */
uint64_t conntab_bytes(uint32_t max_entries);
void conntab_init(struct conntab *t, void *mem, uint32_t max_entries, const struct pool *conns,
		  const struct flow_key *key);

/* 0; -ENOBUFS: no overflow bucket left. The flow of `handle` is not in the table yet. */
int conntab_insert(struct conntab *t, uint32_t handle);
/* `handle` is in the table. */
void conntab_remove(struct conntab *t, uint32_t handle);

/* Memory touched so far. */
uint64_t conntab_used_bytes(const struct conntab *t);

/* A walk over all entries while nothing is inserted or removed: start with {0}. POOL_NONE: the
 * end. */
struct conntab_cursor {
	uint32_t bucket, link, way;
};
uint32_t conntab_next(const struct conntab *t, struct conntab_cursor *c);

/* Asserts every invariant. */
void conntab_check(const struct conntab *t);

static inline uint32_t
conntab_n_buckets(const struct conntab *t)
{
	return t->low_mask + 1 + t->split;
}

static inline const struct flow *
conntab_flow(const struct conntab *t, uint32_t handle)
{
	return pool_at(t->conns, handle);
}

static inline uint32_t
conntab_index(const struct conntab *t, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & t->low_mask;

	return i >= t->split ? i : (uint32_t)hash & (t->low_mask << 1 | 1);
}

/* Bits that no index uses; 0 means free. */
static inline uint16_t
conntab_tag(uint64_t hash)
{
	uint16_t tag = (uint16_t)(hash >> 48);

	return tag != 0 ? tag : 1;
}

/* --- lookup: the three stages of a burst. hash is flow_hash(&t->key, flow). --- */

static inline void
conntab_prefetch(const struct conntab *t, uint64_t hash)
{
	__builtin_prefetch(&t->bucket[conntab_index(t, hash)]);
}

/* Which connection it most likely is, to be prefetched; POOL_NONE: no guess. */
static inline uint32_t
conntab_guess(const struct conntab *t, uint64_t hash)
{
	const struct conntab_bucket *b = &t->bucket[conntab_index(t, hash)];
	uint16_t tag = conntab_tag(hash);

	for (unsigned i = 0; i < CONNTAB_WAYS; i++)
		if (b->tag[i] == tag)
			return b->handle[i];
	return POOL_NONE;
}

/* POOL_NONE: not in the table. */
uint32_t conntab_find(const struct conntab *t, uint64_t hash, const struct flow *f);

#endif
