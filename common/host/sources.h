/* sources.h - how much each address has of something: a count-min sketch (Cormode, Muthukrishnan 2005). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_SOURCES_H
#define HOST_SOURCES_H

#include <stdint.h>
#include <string.h>

#include "wire/flow.h"

/*
 * An address has a counter in each row, which it shares with others: the least of them is its count or
 * more, never less. The size is fixed, so that nobody can fill it, and the key keeps the places
 * secret, so that nobody can choose with whom he shares. With n counted in all the count is too
 * large by n / SOURCES_COLUMNS in each row on average.
 */
enum { SOURCES_ROWS = 2, SOURCES_COLUMNS = 8192 };

struct sources {
	struct flow_key key;
	uint32_t total;
	uint32_t n[SOURCES_ROWS][SOURCES_COLUMNS];
};

static inline void
sources_init(struct sources *s, const struct flow_key *key)
{
	memset(s->n, 0, sizeof(s->n));
	s->total = 0;
	s->key = *key;
}

static inline uint32_t *
sources_place(struct sources *s, unsigned row, uint64_t hash)
{
	return &s->n[row][hash >> (32 * row) & (SOURCES_COLUMNS - 1)];
}

static inline uint64_t
sources_hash(const struct sources *s, uint32_t addr)
{
	const struct flow f = {.raddr = addr};

	return flow_hash(&s->key, &f);
}

static inline void
sources_add(struct sources *s, uint32_t addr)
{
	uint64_t hash = sources_hash(s, addr);

	s->total++;
	for (unsigned row = 0; row < SOURCES_ROWS; row++)
		++*sources_place(s, row, hash);
}

static inline void
sources_remove(struct sources *s, uint32_t addr)
{
	uint64_t hash = sources_hash(s, addr);

	s->total--;
	for (unsigned row = 0; row < SOURCES_ROWS; row++)
		--*sources_place(s, row, hash);
}

static inline uint32_t
sources_count(struct sources *s, uint32_t addr)
{
	uint64_t hash = sources_hash(s, addr);
	uint32_t least = *sources_place(s, 0, hash);

	for (unsigned row = 1; row < SOURCES_ROWS; row++)
		if (*sources_place(s, row, hash) < least)
			least = *sources_place(s, row, hash);
	return least;
}

#endif
