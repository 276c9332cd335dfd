/* listen.h - which listener a SYN is for: a table of (address, port), by port (RFC 9293 3.10.1). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_LISTEN_H
#define HOST_LISTEN_H

#include <stdint.h>

#include "host/stack.h"

enum { LISTEN_MAX_ROWS = 255, LISTEN_HASH = 256 };

/* Rows start at 1; 0 ends a list, and means that nobody listens. */
struct listen_table {
	struct stack_listener row[LISTEN_MAX_ROWS + 1];
	uint8_t next[LISTEN_MAX_ROWS + 1];
	uint8_t head[LISTEN_HASH];
	uint16_t n, max;
};

void listen_init(struct listen_table *t, uint16_t max);
/* The row, or -EADDRINUSE, -ENOSPC, -EINVAL (port 0). */
int listen_add(struct listen_table *t, const struct stack_listener *l);
/* The row for a SYN to addr:port; a listener of just this address comes before one of any. */
uint8_t listen_find(const struct listen_table *t, uint32_t addr, uint16_t port);

#endif
