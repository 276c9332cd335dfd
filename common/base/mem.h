/* mem.h - address space reserved at start, memory taken only as it is touched. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

/* Anonymous, zero-filled, lazily backed, 2 MiB aligned, with transparent huge pages asked for
 * (MADV_HUGEPAGE). NULL and errno on failure. */
void *mem_reserve(size_t bytes);
void mem_release(void *p, size_t bytes);

/* Resident memory of this process in bytes, huge pages included (/proc/self/status). */
uint64_t mem_resident(void);
/* Memory of the machine that is free for use, in bytes (MemAvailable). */
uint64_t mem_available(void);

#endif
