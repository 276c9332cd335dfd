/* item.c - singly linked lists in a pool: short ones, walked from the head. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/item.h"

#include "tcp/seq.h"

struct item *
item_insert(struct pool *items, uint32_t *list, const struct item *it)
{
	unsigned length = 0;
	struct item *new;
	uint32_t h;

	while (*list != POOL_NONE && seq_leq(item_at(items, *list)->start, it->start)) {
		list = &item_at(items, *list)->next;
		length++;
	}
	/* What lies behind the place is not counted: it is there because packets were late, and is short. */
	if (length >= ITEM_MAX_PER_STREAM)
		return NULL;
	h = pool_get(items);
	if (h == POOL_NONE)
		return NULL;
	new = item_at(items, h);
	*new = *it;
	new->next = *list;
	*list = h;
	return new;
}

void
item_remove(struct pool *items, uint32_t *link)
{
	uint32_t h = *link;

	*link = item_at(items, h)->next;
	pool_put(items, h);
}
