/* guard.h - test memory that ends at a page nobody may touch: one octet too far is a fault. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline size_t
guard_map_bytes(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page + page;
}

/* `size` octets, the last one right before the guard page. */
static inline uint8_t *
guard_alloc(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = guard_map_bytes(size);
	uint8_t *map = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert(map != MAP_FAILED);
	if (bytes > page && mprotect(map, bytes - page, PROT_READ | PROT_WRITE) != 0)
		assert(!"mprotect");
	return map + (bytes - page) - size;
}

static inline uint8_t *
guard_copy(const void *data, size_t size)
{
	uint8_t *p = guard_alloc(size);

	if (size > 0)
		memcpy(p, data, size);
	return p;
}

/* size as at guard_alloc. */
static inline void
guard_free(uint8_t *p, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = guard_map_bytes(size);

	munmap(p + size + page - bytes, bytes);
}

#endif
