/* fifo.h - connections in a line: those with work, and those whose equal delays run out in turn. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_FIFO_H
#define HOST_FIFO_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct fifo_item {
	uint32_t handle;
	uint32_t due_ms; /* modulo 2^32; where the line is one of delays */
};

/* A ring in the caller's lazily backed memory. It starts again at the front whenever it is empty,
 * so that only as much memory is touched as the longest line needs. */
struct fifo {
	struct fifo_item *item;
	uint32_t head, n, max; /* max: a power of two */
	uint32_t touched;      /* items that have ever been used */
};

static inline void
fifo_init(struct fifo *f, void *mem, uint32_t max)
{
	assert(max > 0 && (max & (max - 1)) == 0);
	*f = (struct fifo){.item = mem, .max = max};
}

static inline bool
fifo_is_full(const struct fifo *f)
{
	return f->n == f->max;
}

static inline void
fifo_push(struct fifo *f, uint32_t handle, uint32_t due_ms)
{
	uint32_t i = (f->head + f->n) & (f->max - 1);

	assert(!fifo_is_full(f));
	f->item[i] = (struct fifo_item){handle, due_ms};
	f->n++;
	if (i >= f->touched)
		f->touched = i + 1;
}

/* The ith from the front; i < n. */
static inline const struct fifo_item *
fifo_at(const struct fifo *f, uint32_t i)
{
	return &f->item[(f->head + i) & (f->max - 1)];
}

static inline uint32_t
fifo_pop(struct fifo *f)
{
	uint32_t handle = f->item[f->head].handle;

	assert(f->n > 0);
	f->head = --f->n == 0 ? 0 : (f->head + 1) & (f->max - 1);
	return handle;
}

static inline bool
fifo_is_due(const struct fifo *f, uint32_t now_ms)
{
	return f->n > 0 && (int32_t)(now_ms - f->item[f->head].due_ms) >= 0;
}

#endif
