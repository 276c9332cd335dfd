/* reopen.h - connections that were lost, in the order in which they are opened again. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_REOPEN_H
#define MCC_REOPEN_H

#include <stdint.h>

/* A ring with room for every connection, of which only what is used takes memory. All wait equally long, and they leave no faster than one
 * each `pace_ns`: a server that comes back is not met by all at once. */
struct reopen {
	struct reopen_entry *ring;
	uint32_t size, first, n;
	uint64_t delay_ns, pace_ns;
	uint64_t not_before_ns;
};

uint64_t reopen_bytes(uint32_t conns);
void reopen_init(struct reopen *r, void *mem, uint32_t conns, uint64_t delay_ns, uint64_t pace_ns);
void reopen_add(struct reopen *r, uint32_t number, uint64_t now);
/* When the next is due, UINT64_MAX for none. */
uint64_t reopen_due(const struct reopen *r);
/* Its number; there must be one. */
uint32_t reopen_take(struct reopen *r, uint64_t now);

#endif
