/* pool.h - objects of one size named by 32-bit handles; memory is touched only when first used. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define POOL_NONE UINT32_MAX

/* The memory belongs to the caller and must stay. Free objects are chained through their first
 * four bytes, last in first out. Not thread-safe: a pool has one owner. */
struct pool {
	uint8_t *mem;
	uint32_t size;	/* of an object, at least 4, a multiple of 4 */
	uint32_t max;	/* objects that fit */
	uint32_t fresh; /* objects from this index on were never handed out */
	uint32_t free_head;
	uint32_t in_use, peak;
	uint64_t exhausted; /* how often pool_get had to refuse */
};

static inline void
pool_init(struct pool *p, void *mem, uint32_t size, uint32_t max)
{
	assert(size >= sizeof(uint32_t) && size % sizeof(uint32_t) == 0 && max < POOL_NONE);
	*p = (struct pool){.mem = mem, .size = size, .max = max, .free_head = POOL_NONE};
}

/* Where object h is; h must be in use. */
static inline void *
pool_at(const struct pool *p, uint32_t h)
{
	return p->mem + (size_t)h * p->size;
}

/* A handle, or POOL_NONE when all are in use (counted). The object's content is undefined. */
static inline uint32_t
pool_get(struct pool *p)
{
	uint32_t h = p->free_head;

	if (h != POOL_NONE) {
		memcpy(&p->free_head, pool_at(p, h), sizeof(uint32_t));
		if (p->free_head != POOL_NONE) /* where the next call will read */
			__builtin_prefetch(pool_at(p, p->free_head));
	} else if (p->fresh < p->max) {
		h = p->fresh++;
	} else {
		p->exhausted++;
		return POOL_NONE;
	}
	if (++p->in_use > p->peak)
		p->peak = p->in_use;
	return h;
}

static inline void
pool_put(struct pool *p, uint32_t h)
{
	assert(h < p->fresh && p->in_use > 0);
	memcpy(pool_at(p, h), &p->free_head, sizeof(uint32_t));
	p->free_head = h;
	p->in_use--;
}

#endif
