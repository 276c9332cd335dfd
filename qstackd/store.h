/* store.h - the built-in key-value store: short values under (database, id), in memory. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef QSTACKD_STORE_H
#define QSTACKD_STORE_H

#include <stdbool.h>
#include <stdint.h>

/* Ids are dense (connection handles), so a database is a row of 8-octet cells, backed by memory only where ids have been
 * set. One owner; keys stand for the original's "1\b<id>" and "2\b<id>". */
enum { STORE_DATABASES = 2, STORE_VALUE_MAX = 7 };

struct store_cell {
	uint8_t len; /* of the value plus 1; 0: no such key */
	uint8_t value[STORE_VALUE_MAX];
};

struct store {
	uint32_t max_ids;
	uint64_t n_keys[STORE_DATABASES];
	struct store_cell *cells[STORE_DATABASES];
};

/* 0 or -errno. */
int store_init(struct store *s, uint32_t max_ids);
void store_release(struct store *s);

/* Database 1 or 2. The value's length, or -1 when there is none. */
int store_get(const struct store *s, unsigned database, uint32_t id,
	      uint8_t value[STORE_VALUE_MAX]);
void store_set(struct store *s, unsigned database, uint32_t id, const uint8_t *value, unsigned len);

#endif
