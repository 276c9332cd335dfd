/* listen.c - listeners by port. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/listen.h"

#include <assert.h>
#include <errno.h>

void
listen_init(struct listen_table *t, uint16_t max)
{
	assert(max <= LISTEN_MAX_ROWS);
	*t = (struct listen_table){.max = max};
}

static inline unsigned
hash(uint16_t port)
{
	return (port ^ port >> 8) & (LISTEN_HASH - 1);
}

static uint8_t
find_exact(const struct listen_table *t, uint32_t addr, uint16_t port)
{
	uint8_t i = t->head[hash(port)];

	while (i != 0 && (t->row[i].port != port || t->row[i].addr != addr))
		i = t->next[i];
	return i;
}

int
listen_add(struct listen_table *t, const struct stack_listener *l)
{
	uint8_t i;

	if (l->port == 0)
		return -EINVAL;
	if (find_exact(t, l->addr, l->port) != 0)
		return -EADDRINUSE;
	if (t->n == t->max)
		return -ENOSPC;
	i = (uint8_t)++t->n;
	t->row[i] = *l;
	t->next[i] = t->head[hash(l->port)];
	t->head[hash(l->port)] = i;
	return i;
}

uint8_t
listen_find(const struct listen_table *t, uint32_t addr, uint16_t port)
{
	uint8_t i = find_exact(t, addr, port);

	return i != 0 ? i : find_exact(t, 0, port);
}
