/* holdq.c - a FIFO of frames packed into pool blocks, in the order of their departures. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "lshaper/holdq.h"

#include <assert.h>
#include <string.h>

struct block {
	uint32_t next; /* POOL_NONE: the last */
	uint32_t used; /* offset of the first free octet */
	uint64_t pad;  /* frames start 16-aligned */
};

struct head {
	uint64_t depart_ns;
	uint32_t len;
	uint32_t pad;
};

_Static_assert(sizeof(struct block) == 16 && sizeof(struct head) == 16, "frames are 16-aligned");
_Static_assert(HOLDQ_FRAME_MAX + sizeof(struct block) + sizeof(struct head) == HOLDQ_BLOCK_BYTES,
	       "the longest frame fills a block");

static uint32_t
span(uint32_t len)
{
	return (uint32_t)sizeof(struct head) + ((len + 15) & ~UINT32_C(15));
}

static struct block *
block_at(const struct holdq *q, uint32_t h)
{
	return pool_at(q->blocks, h);
}

static struct head *
head_at(const struct holdq *q, uint32_t h, uint32_t offset)
{
	return (struct head *)((uint8_t *)pool_at(q->blocks, h) + offset);
}

void
holdq_init(struct holdq *q, struct pool *blocks)
{
	assert(blocks->size == HOLDQ_BLOCK_BYTES && (uintptr_t)blocks->mem % 16 == 0);
	*q = (struct holdq){.blocks = blocks, .head = POOL_NONE, .tail = POOL_NONE};
}

/* Appends an empty block. */
static bool
grow(struct holdq *q)
{
	uint32_t h = pool_get(q->blocks);

	if (h == POOL_NONE)
		return false;
	*block_at(q, h) = (struct block){.next = POOL_NONE, .used = sizeof(struct block)};
	if (q->tail == POOL_NONE) {
		q->head = h;
		q->head_at = sizeof(struct block);
	} else {
		block_at(q, q->tail)->next = h;
	}
	q->tail = h;
	return true;
}

bool
holdq_put(struct holdq *q, const struct frame *f, uint64_t depart_ns)
{
	uint32_t need = span(f->len);
	struct block *b;
	struct head *h;

	assert(depart_ns >= q->last_ns);
	if (f->len > HOLDQ_FRAME_MAX)
		return false;
	if (q->tail == POOL_NONE || block_at(q, q->tail)->used + need > HOLDQ_BLOCK_BYTES)
		if (!grow(q))
			return false;

	b = block_at(q, q->tail);
	h = head_at(q, q->tail, b->used);
	*h = (struct head){.depart_ns = depart_ns, .len = f->len};
	memcpy(h + 1, f->data, f->len);
	b->used += need;
	q->last_ns = depart_ns;
	q->frames++;
	q->bytes += f->len;
	return true;
}

uint64_t
holdq_next_ns(const struct holdq *q)
{
	return q->frames ? head_at(q, q->head, q->head_at)->depart_ns : UINT64_MAX;
}

unsigned
holdq_due(const struct holdq *q, uint64_t now_ns, struct frame *f, unsigned n)
{
	uint32_t b = q->head, at = q->head_at;
	unsigned i;

	for (i = 0; i < n && i < q->frames; i++) {
		struct head *h;

		if (at == block_at(q, b)->used) {
			b = block_at(q, b)->next;
			at = sizeof(struct block);
		}
		h = head_at(q, b, at);
		if (h->depart_ns > now_ns)
			break;
		f[i] = (struct frame){.data = (uint8_t *)(h + 1), .len = h->len};
		at += span(h->len);
	}
	return i;
}

struct holdq_left
holdq_pop(struct holdq *q)
{
	const struct head *h;
	struct holdq_left left;

	assert(q->frames > 0);
	h = head_at(q, q->head, q->head_at);
	left = (struct holdq_left){h->depart_ns, h->len};
	q->frames--;
	q->bytes -= left.len;
	q->head_at += span(left.len);
	if (q->head_at == block_at(q, q->head)->used) {
		uint32_t spent = q->head;

		q->head = block_at(q, spent)->next;
		q->head_at = sizeof(struct block);
		if (q->head == POOL_NONE)
			q->tail = POOL_NONE;
		pool_put(q->blocks, spent);
	}
	return left;
}
