/* memory.c - stacks are made and freed by the thousand: their memory is used again, and only what was used is cleaned. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/internal.h"

/*
 * stack_new asks for some 700 KB of zeroes and uses a few pages of them. The linker (--wrap) leads
 * calloc, malloc and free here, where large blocks wait for the next who asks for as many octets.
 * Under a sanitizer nothing is kept: it wants to see each block come and go.
 */
#if defined(__SANITIZE_ADDRESS__)
#define RECYCLE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define RECYCLE 0
#endif
#endif
#ifndef RECYCLE
#define RECYCLE 1
#endif

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
void __real_neigh_table_init(struct neigh_table *t, void *mem, uint32_t n_entries);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);
void __wrap_neigh_table_init(struct neigh_table *t, void *mem, uint32_t n_entries);

enum { LARGE = 4096, KEPT_MAX = 32 };

static struct {
	void *p;
	size_t size;
	bool in_use;
} kept[KEPT_MAX];
static unsigned n_kept;

static void
clean_between(uint8_t *p, size_t from, size_t to)
{
	memset(p + from, 0, to - from);
}

/* Rings and stacks of frames are written before they are read: their content may stay. */
static void
clean_stack(struct stack *s)
{
	enum {
		ANSWER = offsetof(struct stack, answer),
		STOCK = offsetof(struct stack, stock),
		RING = offsetof(struct stack, events.ring),
	};
	uint8_t *p = (uint8_t *)s;

	_Static_assert(ANSWER < STOCK && STOCK < RING, "in this order");
	clean_between(p, 0, ANSWER);
	clean_between(p, ANSWER + sizeof(s->answer), STOCK);
	clean_between(p, STOCK + sizeof(s->stock), RING);
	clean_between(p, RING + sizeof(s->events.ring), sizeof(*s));
}

static void
clean_netifs(struct netif *n)
{
	for (unsigned i = 0; i < STACK_MAX_NETIFS && n[i].conf.mtu != 0; i++)
		memset(&n[i], 0, offsetof(struct netif, tx));
}

static void
clean(void *p, size_t size)
{
	if (size == sizeof(struct stack))
		clean_stack(p);
	else if (size == STACK_MAX_NETIFS * sizeof(struct netif))
		clean_netifs(p);
	else
		memset(p, 0, size);
}

static void *
get_large(size_t size)
{
	for (unsigned i = 0; i < n_kept; i++)
		if (kept[i].size == size && !kept[i].in_use) {
			kept[i].in_use = true;
			return kept[i].p;
		}
	if (n_kept == KEPT_MAX)
		return __real_calloc(1, size);
	kept[n_kept].p = __real_calloc(1, size);
	kept[n_kept].size = size;
	kept[n_kept].in_use = true;
	return kept[n_kept++].p;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return RECYCLE && n * size >= LARGE ? get_large(n * size) : __real_calloc(n, size);
}

void *
__wrap_malloc(size_t size)
{
	return RECYCLE && size >= LARGE ? get_large(size) : __real_malloc(size);
}

void
__wrap_free(void *p)
{
	for (unsigned i = 0; i < n_kept && p != NULL; i++)
		if (kept[i].p == p) {
			clean(p, kept[i].size);
			kept[i].in_use = false;
			return;
		}
	__real_free(p);
}

/* Two hosts have few neighbours: a table that is quickly cleared, and quickly full. */
void
__wrap_neigh_table_init(struct neigh_table *t, void *mem, uint32_t n_entries)
{
	(void)n_entries;
	__real_neigh_table_init(t, mem, NEIGH_MIN_ENTRIES);
}

/* --- connection memory --- */

enum { REGIONS = 2 };
#define REGION_BYTES (UINT64_C(256) << 20)

static struct {
	void *p;
	bool in_use;
} region[REGIONS];

void *
memory_reserve(size_t bytes)
{
	if (!RECYCLE)
		return __real_calloc(1, bytes);
	for (unsigned i = 0; i < REGIONS && bytes <= REGION_BYTES; i++) {
		if (region[i].in_use)
			continue;
		if (region[i].p == NULL)
			region[i].p = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (region[i].p == MAP_FAILED)
			return NULL;
		region[i].in_use = true;
		return region[i].p;
	}
	return NULL;
}

void
memory_release(void *p, size_t bytes)
{
	(void)bytes;
	if (!RECYCLE)
		__real_free(p);
	for (unsigned i = 0; i < REGIONS; i++)
		region[i].in_use &= region[i].p != p;
}

static void
clean_pool(const struct pool *p)
{
	memset(p->mem, 0, (size_t)p->fresh * p->size);
}

static void
clean_fifo(const struct fifo *f)
{
	memset(f->item, 0, f->touched * sizeof(f->item[0]));
}

/* The next stack's parts lie elsewhere: all that has been used becomes zero again. */
void
memory_clean(struct stack *s)
{
	for (unsigned i = 0; RECYCLE && i < s->n_groups; i++) {
		const struct group *g = &s->group[i];

		/* tables and lines of connections, which are small here */
		memset(g->tcbs.mem, 0, (size_t)(g->ctx.acts.mem - g->tcbs.mem));
		clean_pool(&g->ctx.acts);
		clean_pool(&g->ctx.blocks.small);
		clean_pool(&g->ctx.blocks.large);
	}
	if (RECYCLE) {
		clean_fifo(&s->work);
		clean_fifo(&s->waiting);
	}
}

/* --- received frames --- */

uint8_t *
memory_exact(uint8_t *data, size_t len)
{
	uint8_t *copy = data;

	if (!RECYCLE) {
		copy = __real_malloc(len);
		memcpy(copy, data, len);
	}
	return copy;
}

void
memory_exact_free(uint8_t *copy, const uint8_t *data)
{
	if (copy != data)
		__real_free(copy);
}
