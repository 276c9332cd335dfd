/* wheel.h - hierarchical timing wheel over nodes inside pool objects (Varghese, Lauck 1987). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHEEL_BITS = 8, WHEEL_LEVELS = 4, WHEEL_SLOTS = 1 << WHEEL_BITS };

/* In each timed object. `slot` is WHEEL_IDLE when the node is not in the wheel; a node must be made
 * idle by wheel_node_init before its first use. */
struct wheel_node {
	uint32_t next, prev; /* handles */
	uint32_t tick;	     /* when it is due, in wheel ticks */
	uint32_t slot;
};
#define WHEEL_IDLE UINT32_MAX

/* Node of handle h is at mem + h * stride + offset. One owner, no allocation, O(1) add and delete. A
 * node that is due more than 256 ticks ahead is moved at most three times on its way, together with
 * all that share its slot, in one call (about 0.15 us each out of cold memory): meant for deadlines
 * that are mostly deleted before they come. */
struct wheel {
	uint8_t *mem;
	size_t stride, offset;
	unsigned tick_shift; /* a tick is 2^tick_shift ns: 20 is about 1 ms */
	uint64_t now_tick;   /* all ticks up to here have been fired */
	uint32_t n;	     /* nodes in the wheel */
	uint32_t head[WHEEL_LEVELS * WHEEL_SLOTS];
	uint64_t occupied[WHEEL_LEVELS][WHEEL_SLOTS / 64];
};

void wheel_init(struct wheel *w, void *mem, size_t stride, size_t offset, unsigned tick_shift,
		uint64_t now_ns);
void wheel_node_init(struct wheel_node *n);
bool wheel_is_armed(const struct wheel_node *n);

/* Due at the first tick that is not before deadline_ns (never early); a deadline in the past
 * fires at the next call. A deadline beyond the horizon of 2^32 ticks is brought forward to it.
 * Adding an armed node moves it. */
void wheel_add(struct wheel *w, uint32_t h, uint64_t deadline_ns);
void wheel_del(struct wheel *w, uint32_t h);

/* Removes up to `max` due nodes into handles[] and returns how many; call again while it returns
 * max. They come in order of tick, and within a tick in the order in which they were added.
 * now_ns must not go back. */
unsigned wheel_expire(struct wheel *w, uint64_t now_ns, uint32_t *handles, unsigned max);

/* When to call wheel_expire next: the tick of the first node, or earlier by up to the span of its
 * higher-level slot; never later. In the past when something is due. UINT64_MAX when empty. */
uint64_t wheel_next_ns(const struct wheel *w);

#endif
