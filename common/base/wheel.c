/* wheel.c - hierarchical timing wheel (Varghese, Lauck 1987, scheme 7), slots found by bitmaps. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wheel.h"

#include <assert.h>
#include <string.h>

/* A tick T has its slot on the lowest level whose block holds both T and now_tick: level 0 holds
 * the rest of this block of 256 ticks, level 1 the later blocks of these 2^16, and so on; level 3
 * goes round, so that all 2^32 ticks ahead have a place. So
 *   - every slot of level l is due before any slot of level l + 1;
 *   - a slot's first tick is later than now_tick, but for level 0, where the slot of now_tick holds
 *     what was late when it was added and what did not fit into the caller's array;
 *   - when now_tick enters the first tick of an upper slot, its nodes move down.
 * Lists are rings, so that the tail is found from the head: nodes of a tick fire in the order in
 * which they were added. */

enum { TICK_BITS = WHEEL_BITS * WHEEL_LEVELS, TOP = WHEEL_LEVELS - 1 };

static struct wheel_node *
node_at(const struct wheel *w, uint32_t h)
{
	return (struct wheel_node *)(void *)(w->mem + (size_t)h * w->stride + w->offset);
}

void
wheel_init(struct wheel *w, void *mem, size_t stride, size_t offset, unsigned tick_shift,
	   uint64_t now_ns)
{
	*w = (struct wheel){
	    .mem = mem,
	    .stride = stride,
	    .offset = offset,
	    .tick_shift = tick_shift,
	    .now_tick = now_ns >> tick_shift,
	};
}

void
wheel_node_init(struct wheel_node *n)
{
	n->slot = WHEEL_IDLE;
}

bool
wheel_is_armed(const struct wheel_node *n)
{
	return n->slot != WHEEL_IDLE;
}

static unsigned
slot_index(uint64_t tick, unsigned level)
{
	return (unsigned)(tick >> level * WHEEL_BITS) & (WHEEL_SLOTS - 1);
}

static bool
is_occupied(const struct wheel *w, unsigned level, unsigned index)
{
	return w->occupied[level][index / 64] >> index % 64 & 1;
}

static unsigned
level_of(const struct wheel *w, uint64_t tick)
{
	uint64_t differ = tick ^ w->now_tick;

	for (unsigned level = 0; level < TOP; level++)
		if (differ >> (level + 1) * WHEEL_BITS == 0)
			return level;
	return TOP;
}

static void
link_tail(struct wheel *w, uint32_t h, struct wheel_node *n, unsigned level, unsigned index)
{
	uint32_t *head = &w->head[level * WHEEL_SLOTS + index];

	n->slot = level * WHEEL_SLOTS + index;
	if (is_occupied(w, level, index)) {
		struct wheel_node *first = node_at(w, *head);

		n->next = *head;
		n->prev = first->prev;
		node_at(w, first->prev)->next = h;
		first->prev = h;
	} else {
		n->next = n->prev = *head = h;
		w->occupied[level][index / 64] |= UINT64_C(1) << index % 64;
	}
}

static void
unlink_node(struct wheel *w, uint32_t h, struct wheel_node *n)
{
	uint32_t *head = &w->head[n->slot];

	if (n->next == h) {
		w->occupied[n->slot / WHEEL_SLOTS][n->slot % WHEEL_SLOTS / 64] &=
		    ~(UINT64_C(1) << n->slot % 64);
	} else {
		node_at(w, n->next)->prev = n->prev;
		node_at(w, n->prev)->next = n->next;
		if (*head == h)
			*head = n->next;
	}
	n->slot = WHEEL_IDLE;
}

void
wheel_add(struct wheel *w, uint32_t h, uint64_t deadline_ns)
{
	const uint64_t span = UINT64_C(1) << w->tick_shift;
	const uint64_t last = w->now_tick + (UINT64_C(1) << TICK_BITS) - 1;
	uint64_t tick = (deadline_ns >> w->tick_shift) + ((deadline_ns & (span - 1)) != 0);
	struct wheel_node *n = node_at(w, h);
	unsigned level;

	if (wheel_is_armed(n))
		wheel_del(w, h);
	if (tick < w->now_tick)
		tick = w->now_tick;
	if (tick > last)
		tick = last;
	n->tick = (uint32_t)tick;
	level = level_of(w, tick);
	link_tail(w, h, n, level, slot_index(tick, level));
	w->n++;
}

void
wheel_del(struct wheel *w, uint32_t h)
{
	struct wheel_node *n = node_at(w, h);

	if (!wheel_is_armed(n))
		return;
	unlink_node(w, h, n);
	w->n--;
}

/* The first occupied index from `from` on, or WHEEL_SLOTS. */
static unsigned
find_occupied(const uint64_t *words, unsigned from)
{
	for (unsigned i = from / 64; i < WHEEL_SLOTS / 64; i++) {
		uint64_t word = words[i];

		if (i == from / 64)
			word &= ~UINT64_C(0) << from % 64;
		if (word)
			return i * 64 + (unsigned)__builtin_ctzll(word);
	}
	return WHEEL_SLOTS;
}

/* First tick of the first occupied slot after that of now_tick, and its level; WHEEL_LEVELS when
 * there is none. */
static uint64_t
next_slot_tick(const struct wheel *w, unsigned *level)
{
	for (*level = 0; *level < WHEEL_LEVELS; (*level)++) {
		const unsigned bits = *level * WHEEL_BITS;
		const uint64_t block = w->now_tick >> bits >> WHEEL_BITS << WHEEL_BITS;
		const unsigned now = slot_index(w->now_tick, *level);
		unsigned index = find_occupied(w->occupied[*level], now + 1);

		if (index < WHEEL_SLOTS)
			return (block + index) << bits;
		if (*level == TOP) /* the next turn, up to the slot of now_tick itself */
			index = find_occupied(w->occupied[TOP], 0);
		if (index < WHEEL_SLOTS)
			return (block + WHEEL_SLOTS + index) << bits;
	}
	return UINT64_MAX;
}

/* now_tick has entered this slot: each of its nodes has a place further down. */
static void
cascade(struct wheel *w, unsigned level)
{
	const unsigned index = slot_index(w->now_tick, level);

	while (is_occupied(w, level, index)) {
		const uint32_t h = w->head[level * WHEEL_SLOTS + index];
		struct wheel_node *n = node_at(w, h);
		const uint64_t tick = w->now_tick + (uint32_t)(n->tick - (uint32_t)w->now_tick);
		const unsigned lower = level_of(w, tick);

		__builtin_prefetch(node_at(w, n->next));
		assert(lower < level);
		unlink_node(w, h, n);
		link_tail(w, h, n, lower, slot_index(tick, lower));
	}
}

/* Moves nodes of the slot of now_tick into handles[]. */
static unsigned
drain(struct wheel *w, uint32_t *handles, unsigned max)
{
	const unsigned index = slot_index(w->now_tick, 0);
	unsigned n;

	for (n = 0; n < max && is_occupied(w, 0, index); n++) {
		handles[n] = w->head[index];
		wheel_del(w, handles[n]);
	}
	return n;
}

unsigned
wheel_expire(struct wheel *w, uint64_t now_ns, uint32_t *handles, unsigned max)
{
	const uint64_t target = now_ns >> w->tick_shift;
	unsigned n = drain(w, handles, max);

	while (n < max && w->now_tick < target) {
		unsigned level;
		uint64_t tick = next_slot_tick(w, &level);

		if (tick > target || level == WHEEL_LEVELS) {
			w->now_tick = target;
			break;
		}
		w->now_tick = tick;
		if (level)
			cascade(w, level);
		n += drain(w, handles + n, max - n);
	}
	return n;
}

uint64_t
wheel_next_ns(const struct wheel *w)
{
	unsigned level;
	uint64_t tick;

	if (w->n == 0)
		return UINT64_MAX;
	if (is_occupied(w, 0, slot_index(w->now_tick, 0)))
		return w->now_tick << w->tick_shift;
	tick = next_slot_tick(w, &level);
	return tick > UINT64_MAX >> w->tick_shift ? UINT64_MAX : tick << w->tick_shift;
}
