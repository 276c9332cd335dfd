/* store.c - the built-in key-value store. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/store.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"

static size_t
database_bytes(const struct store *s)
{
	return (size_t)s->max_ids * sizeof(struct store_cell);
}

int
store_init(struct store *s, uint32_t max_ids)
{
	*s = (struct store){.max_ids = max_ids};
	for (unsigned i = 0; i < STORE_DATABASES; i++) {
		s->cells[i] = mem_reserve(database_bytes(s));
		if (!s->cells[i]) {
			int error = errno;

			store_release(s);
			return -error;
		}
	}
	return 0;
}

void
store_release(struct store *s)
{
	for (unsigned i = 0; i < STORE_DATABASES; i++)
		if (s->cells[i])
			mem_release(s->cells[i], database_bytes(s));
	*s = (struct store){0};
}

int
store_get(const struct store *s, unsigned database, uint32_t id, uint8_t value[STORE_VALUE_MAX])
{
	assert(database >= 1 && database <= STORE_DATABASES && id < s->max_ids);
	if (s->n_keys[database - 1] == 0)
		return -1; /* do not fault in pages of a database that nobody has written */

	const struct store_cell *c = &s->cells[database - 1][id];

	if (c->len == 0)
		return -1;
	memcpy(value, c->value, STORE_VALUE_MAX);
	return c->len - 1;
}

void
store_set(struct store *s, unsigned database, uint32_t id, const uint8_t *value, unsigned len)
{
	assert(database >= 1 && database <= STORE_DATABASES && id < s->max_ids);
	assert(len <= STORE_VALUE_MAX);

	struct store_cell *c = &s->cells[database - 1][id];

	s->n_keys[database - 1] += c->len == 0;
	memcpy(c->value, value, len);
	c->len = (uint8_t)(len + 1);
}
