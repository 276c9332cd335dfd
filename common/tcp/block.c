/* block.c - chains of octets in pool blocks of two sizes. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/block.h"

#include <assert.h>
#include <string.h>

enum {
	SMALL_BYTES = BLOCK_HEADER + BLOCK_SMALL_ROOM,
	LARGE_BYTES = BLOCK_HEADER + BLOCK_LARGE_ROOM,
};

uint64_t
block_pools_bytes(uint32_t n_small, uint32_t n_large)
{
	return (uint64_t)n_small * SMALL_BYTES + (uint64_t)n_large * LARGE_BYTES;
}

void
block_pools_init(struct block_pools *p, void *mem, uint32_t n_small, uint32_t n_large)
{
	assert(n_small < BLOCK_LARGE && n_large < BLOCK_LARGE);
	pool_init(&p->small, mem, SMALL_BYTES, n_small);
	pool_init(&p->large, (uint8_t *)mem + (uint64_t)n_small * SMALL_BYTES, LARGE_BYTES,
		  n_large);
}

uint32_t
block_room(uint32_t h)
{
	return h & BLOCK_LARGE ? BLOCK_LARGE_ROOM : BLOCK_SMALL_ROOM;
}

static uint32_t
get_large(struct block_pools *p)
{
	uint32_t h = pool_get(&p->large);

	return h == POOL_NONE ? POOL_NONE : h | BLOCK_LARGE;
}

uint32_t
block_get(struct block_pools *p, uint32_t want)
{
	uint32_t h = want <= BLOCK_SMALL_ROOM ? pool_get(&p->small) : POOL_NONE;

	if (h == POOL_NONE)
		h = get_large(p);
	if (h == POOL_NONE)
		return POOL_NONE;
	*block_at(p, h) = (struct block){.next = POOL_NONE};
	return h;
}

void
block_put(struct block_pools *p, uint32_t h)
{
	if (h & BLOCK_LARGE)
		pool_put(&p->large, h & ~BLOCK_LARGE);
	else
		pool_put(&p->small, h);
}

static uint32_t
fill_tail(struct block_pools *p, struct chain *c, const uint8_t *data, uint32_t len)
{
	struct block *b = block_at(p, c->tail);
	uint32_t used = (uint32_t)b->off + b->len;
	uint32_t n = block_room(c->tail) - used;

	if (n > len)
		n = len;
	memcpy(b->data + used, data, n);
	b->len = (uint16_t)(b->len + n);
	c->len += n;
	return n;
}

static void
push(struct block_pools *p, struct chain *c, uint32_t h)
{
	if (c->head == POOL_NONE)
		c->head = h;
	else
		block_at(p, c->tail)->next = h;
	c->tail = h;
}

uint32_t
chain_append(struct block_pools *p, struct chain *c, const uint8_t *data, uint32_t len)
{
	uint32_t done = c->tail == POOL_NONE ? 0 : fill_tail(p, c, data, len);

	while (done < len) {
		uint32_t h = block_get(p, len - done);

		if (h == POOL_NONE)
			break;
		push(p, c, h);
		done += fill_tail(p, c, data + done, len - done);
	}
	return done;
}

void
chain_link(struct block_pools *p, struct chain *c, struct chain *tail)
{
	if (tail->head == POOL_NONE)
		return;
	if (c->head == POOL_NONE) {
		c->head = tail->head;
	} else {
		block_at(p, c->tail)->next = tail->head;
	}
	c->tail = tail->tail;
	c->len += tail->len;
	*tail = CHAIN_EMPTY;
}

void
chain_trim_front(struct block_pools *p, struct chain *c, uint32_t n)
{
	assert(n <= c->len);
	c->len -= n;
	while (n > 0) {
		uint32_t h = c->head;
		struct block *b = block_at(p, h);

		if (n < b->len) {
			b->off = (uint16_t)(b->off + n);
			b->len = (uint16_t)(b->len - n);
			return;
		}
		n -= b->len;
		c->head = b->next;
		block_put(p, h);
	}
	if (c->head == POOL_NONE)
		c->tail = POOL_NONE;
}

void
chain_free(struct block_pools *p, struct chain *c)
{
	uint32_t h = c->head;

	while (h != POOL_NONE) {
		uint32_t next = block_at(p, h)->next;

		block_put(p, h);
		h = next;
	}
	*c = CHAIN_EMPTY;
}

void
chain_copy(const struct block_pools *p, const struct chain *c, uint32_t off, uint32_t len,
	   uint8_t *to)
{
	uint32_t h = c->head;

	assert(off + len <= c->len);
	while (len > 0) {
		const struct block *b = block_at(p, h);

		if (off < b->len) {
			uint32_t n = b->len - off < len ? b->len - off : len;

			memcpy(to, b->data + b->off + off, n);
			to += n;
			len -= n;
			off = 0;
		} else {
			off -= b->len;
		}
		h = b->next;
	}
}

uint32_t
chain_front(const struct block_pools *p, const struct chain *c, const uint8_t **data)
{
	if (c->head == POOL_NONE)
		return 0;
	const struct block *b = block_at(p, c->head);

	*data = b->data + b->off;
	return b->len;
}
