/* mem.c - reserved address space, and what /proc says about memory. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)

static size_t
round_up(size_t bytes)
{
	return (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
}

void *
mem_reserve(size_t bytes)
{
	size_t size = round_up(bytes);
	size_t before, after;
	uint8_t *p;

	if (bytes == 0 || size < bytes || size + HUGE_BYTES < size) {
		errno = bytes ? ENOMEM : EINVAL;
		return NULL;
	}
	p = mmap(NULL, size + HUGE_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	/* mmap aligns to pages only: cut the ends off. */
	before = round_up((uintptr_t)p) - (uintptr_t)p;
	after = HUGE_BYTES - before;
	if (before)
		munmap(p, before);
	munmap(p + before + size, after);
	/* A kernel without huge pages works with small ones. */
	madvise(p + before, size, MADV_HUGEPAGE);
	return p + before;
}

void
mem_release(void *p, size_t bytes)
{
	if (p)
		munmap(p, round_up(bytes));
}

/* The sum of the lines "NAME:   123 kB" of a /proc file, in bytes. */
static uint64_t
sum_kb_lines(const char *path, const char *const *names)
{
	FILE *f = fopen(path, "re");
	char line[256];
	uint64_t sum = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		for (const char *const *n = names; *n; n++) {
			size_t len = strlen(*n);
			unsigned long long kb;

			if (strncmp(line, *n, len) == 0 && line[len] == ':' &&
			    sscanf(line + len + 1, "%llu kB", &kb) == 1)
				sum += (uint64_t)kb << 10;
		}
	}
	fclose(f);
	return sum;
}

uint64_t
mem_resident(void)
{
	/* VmRSS leaves out pages of hugetlbfs. smaps_rollup would have both too, but walks every
	 * page. */
	static const char *const names[] = {"VmRSS", "HugetlbPages", NULL};

	return sum_kb_lines("/proc/self/status", names);
}

uint64_t
mem_available(void)
{
	static const char *const names[] = {"MemAvailable", NULL};

	return sum_kb_lines("/proc/meminfo", names);
}
