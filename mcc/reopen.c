/* reopen.c - a first in, first out ring. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/reopen.h"

#include <assert.h>

/* Milliseconds wrap after 49 days; then one round of connections comes back without delay. */
struct reopen_entry {
	uint32_t number;
	uint32_t due_ms;
};

enum { NS_PER_MS = 1000000 };

uint64_t
reopen_bytes(uint32_t conns)
{
	return (uint64_t)conns * sizeof(struct reopen_entry);
}

void
reopen_init(struct reopen *r, void *mem, uint32_t conns, uint64_t delay_ns, uint64_t pace_ns)
{
	*r = (struct reopen){.ring = mem, .size = conns, .delay_ns = delay_ns, .pace_ns = pace_ns};
}

void
reopen_add(struct reopen *r, uint32_t number, uint64_t now)
{
	uint32_t at;

	assert(r->n < r->size); /* a connection is lost once */
	if (r->n == 0)
		r->first = 0; /* the same memory again */
	at = r->first + r->n++;
	if (at >= r->size)
		at -= r->size;
	r->ring[at] = (struct reopen_entry){.number = number,
					    .due_ms = (uint32_t)((now + r->delay_ns) / NS_PER_MS)};
}

uint64_t
reopen_due(const struct reopen *r)
{
	uint64_t due;

	if (r->n == 0)
		return UINT64_MAX;
	due = (uint64_t)r->ring[r->first].due_ms * NS_PER_MS;
	return due > r->not_before_ns ? due : r->not_before_ns;
}

uint32_t
reopen_take(struct reopen *r, uint64_t now)
{
	const uint32_t number = r->ring[r->first].number;

	assert(r->n > 0);
	r->n--;
	if (++r->first == r->size)
		r->first = 0;
	r->not_before_ns = now + r->pace_ns;
	return number;
}
