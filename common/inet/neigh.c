/* neigh.c - neighbours found by hash, aged by use, asked at most once a second (RFC 1122 2.3.2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "inet/neigh.h"

#include <assert.h>
#include <string.h>

enum {
	WINDOW = 16, /* an address is in one of so many slots from its hash on */
	LIST_END = 0xffff,
	NOT_LISTED = 0xfffe, /* in `prev` */
};
_Static_assert(sizeof(struct neigh) == 32, "two to a cache line");

/* --- the list of those to be asked: equal delays, so in order of time without sorting --- */

static uint16_t
slot_of(const struct neigh_table *t, const struct neigh *n)
{
	return (uint16_t)(n - t->slot);
}

static void
list_remove(struct neigh_table *t, struct neigh *n)
{
	if (n->prev == NOT_LISTED)
		return;
	if (n->prev == LIST_END)
		t->head = n->next;
	else
		t->slot[n->prev].next = n->next;
	if (n->next == LIST_END)
		t->tail = n->prev;
	else
		t->slot[n->next].prev = n->prev;
	n->prev = NOT_LISTED;
}

/* Due at once: before all others. */
static void
list_first(struct neigh_table *t, struct neigh *n, uint64_t now_ns)
{
	list_remove(t, n);
	n->until_ns = now_ns;
	n->prev = LIST_END;
	n->next = t->head;
	if (t->head == LIST_END)
		t->tail = slot_of(t, n);
	else
		t->slot[t->head].prev = slot_of(t, n);
	t->head = slot_of(t, n);
}

/* Due in a second: after all others. */
static void
list_last(struct neigh_table *t, struct neigh *n, uint64_t now_ns)
{
	list_remove(t, n);
	n->until_ns = now_ns + NEIGH_ASK_NS;
	n->next = LIST_END;
	n->prev = t->tail;
	if (t->tail == LIST_END)
		t->head = slot_of(t, n);
	else
		t->slot[t->tail].next = slot_of(t, n);
	t->tail = slot_of(t, n);
}

/* --- states --- */

static void
set_state(struct neigh_table *t, struct neigh *n, enum neigh_state state)
{
	t->n_incomplete -= n->state == NEIGH_INCOMPLETE;
	t->n_incomplete += state == NEIGH_INCOMPLETE;
	n->state = (uint8_t)state;
}

static void
set_free(struct neigh_table *t, struct neigh *n)
{
	list_remove(t, n);
	set_state(t, n, NEIGH_FREE);
	n->ip = 0;
}

static void
set_reachable(struct neigh_table *t, struct neigh *n, const uint8_t mac[6], uint64_t now_ns)
{
	list_remove(t, n);
	set_state(t, n, NEIGH_REACHABLE);
	memcpy(n->mac, mac, 6);
	n->tries = 0;
	n->until_ns = now_ns + NEIGH_REACHABLE_NS;
}

static void
set_incomplete(struct neigh_table *t, struct neigh *n, uint64_t now_ns)
{
	set_state(t, n, NEIGH_INCOMPLETE);
	n->tries = 0;
	list_first(t, n, now_ns);
}

/* It keeps its MAC address for as long as `tries` are left. */
static void
set_stale(struct neigh_table *t, struct neigh *n, unsigned tries, uint64_t now_ns)
{
	set_state(t, n, NEIGH_STALE);
	n->tries = (uint8_t)(NEIGH_TRIES - tries);
	list_first(t, n, now_ns);
}

static bool
is_idle(const struct neigh *n, uint64_t now_ns)
{
	return n->used_ns == 0 || now_ns - n->used_ns >= NEIGH_REACHABLE_NS;
}

/* --- the table --- */

size_t
neigh_table_bytes(uint32_t n_entries)
{
	return n_entries * sizeof(struct neigh);
}

void
neigh_table_init(struct neigh_table *t, void *mem, uint32_t n_entries)
{
	assert(n_entries >= NEIGH_MIN_ENTRIES && n_entries <= NEIGH_MAX_ENTRIES);
	assert((n_entries & (n_entries - 1)) == 0);
	*t = (struct neigh_table){
	    .slot = mem,
	    .n_slots = n_entries,
	    .shift = 32 - (uint32_t)__builtin_ctz(n_entries),
	    .head = LIST_END,
	    .tail = LIST_END,
	};
	for (uint32_t i = 0; i < n_entries; i++)
		t->slot[i] = (struct neigh){.prev = NOT_LISTED};
}

/* Multiplication by the golden ratio spreads neighbouring addresses evenly (Knuth 6.4). */
static inline struct neigh *
slot_at(const struct neigh_table *t, uint32_t ip, uint32_t i)
{
	return &t->slot[((ip * UINT32_C(0x9e3779b1) >> t->shift) + i) & (t->n_slots - 1)];
}

static inline struct neigh *
find(const struct neigh_table *t, uint32_t ip)
{
	for (uint32_t i = 0; i < WINDOW; i++) {
		struct neigh *n = slot_at(t, ip, i);

		if (n->ip == ip)
			return n;
	}
	return NULL;
}

/* How little an entry would be missed; 0: it stays. A failed one stays for its second, so that
 * forgetting it does not lead to asking more often. */
static unsigned
expendable(const struct neigh *n, uint64_t now_ns)
{
	if (n->state == NEIGH_FREE)
		return 3;
	if (n->state == NEIGH_FAILED)
		return now_ns >= n->until_ns ? 2 : 0;
	return n->state == NEIGH_REACHABLE && is_idle(n, now_ns) ? 1 : 0;
}

/* A slot for ip, emptied; NULL when all that it could have are needed. */
static struct neigh *
claim(struct neigh_table *t, uint32_t ip, uint64_t now_ns)
{
	struct neigh *best = NULL;
	unsigned most = 0;

	for (uint32_t i = 0; i < WINDOW && most < 3; i++) {
		struct neigh *n = slot_at(t, ip, i);
		unsigned e = expendable(n, now_ns);

		if (e > most) {
			most = e;
			best = n;
		}
	}
	if (best == NULL) {
		t->stats.refused++;
		return NULL;
	}
	set_free(t, best);
	best->ip = ip;
	best->used_ns = 0;
	return best;
}

/* An address that nobody has asked for yet. At most a quarter of the table waits for answers, so that
 * a flood of senders that do not exist leaves room for those that do. */
static __attribute__((noinline)) enum neigh_result
resolve(struct neigh_table *t, uint32_t ip, uint64_t now_ns)
{
	struct neigh *n;

	if (ip == 0)
		return NEIGH_UNREACHABLE;
	if (t->n_incomplete >= t->n_slots / 4) {
		t->stats.refused++;
		return NEIGH_UNREACHABLE;
	}
	n = claim(t, ip, now_ns);
	if (n == NULL)
		return NEIGH_UNREACHABLE;
	n->used_ns = now_ns;
	set_incomplete(t, n, now_ns);
	return NEIGH_PENDING;
}

enum neigh_result
neigh_lookup(struct neigh_table *t, uint32_t ip, uint64_t now_ns, uint8_t mac[6])
{
	struct neigh *n = find(t, ip);

	if (n == NULL || n->state == NEIGH_FREE)
		return resolve(t, ip, now_ns);
	if (now_ns - n->used_ns >= NEIGH_ASK_NS)
		n->used_ns = now_ns;
	if (n->state == NEIGH_INCOMPLETE)
		return NEIGH_PENDING;
	if (n->state == NEIGH_FAILED) {
		if (n->prev == NOT_LISTED && now_ns >= n->until_ns)
			list_first(t, n, now_ns);
		return NEIGH_UNREACHABLE;
	}
	if (n->state == NEIGH_REACHABLE && now_ns >= n->until_ns)
		set_stale(t, n, NEIGH_TRIES, now_ns);
	memcpy(mac, n->mac, 6);
	return NEIGH_FOUND;
}

uint64_t
neigh_deadline(const struct neigh_table *t)
{
	return t->head == LIST_END ? UINT64_MAX : t->slot[t->head].until_ns;
}

/* NEIGH_TRIES requests in a row had no answer. */
static void
give_up(struct neigh_table *t, struct neigh *n, uint64_t now_ns)
{
	bool wanted = now_ns - n->used_ns < (NEIGH_TRIES + 1) * NEIGH_ASK_NS;

	if (n->state == NEIGH_INCOMPLETE) {
		t->stats.failed++;
		list_remove(t, n);
		set_state(t, n, NEIGH_FAILED);
		return;
	}
	t->stats.expired++;
	if (wanted)
		set_incomplete(t, n, now_ns); /* somebody else may have the address now */
	else
		set_free(t, n);
}

const struct neigh *
neigh_next_due(struct neigh_table *t, uint64_t now_ns)
{
	while (neigh_deadline(t) <= now_ns) {
		struct neigh *n = &t->slot[t->head];

		if (n->state == NEIGH_FAILED) {
			list_remove(t, n);
			n->until_ns = now_ns + NEIGH_ASK_NS;
			return n;
		}
		if (n->tries < NEIGH_TRIES) {
			n->tries++;
			list_last(t, n, now_ns);
			return n;
		}
		give_up(t, n, now_ns);
	}
	return NULL;
}

/* Another MAC address for an address that we know. Neither is believed: if the old one is in use, it
 * has a second to answer, and whoever answers the broadcast after that is taken. Not asked again when
 * it has just answered. */
static void
challenge(struct neigh_table *t, struct neigh *n, uint64_t now_ns)
{
	t->stats.conflicts++;
	if (n->state != NEIGH_REACHABLE)
		return;
	if (is_idle(n, now_ns))
		set_free(t, n);
	else if (now_ns + NEIGH_REACHABLE_NS >= n->until_ns + NEIGH_ASK_NS)
		set_stale(t, n, 1, now_ns);
}

enum neigh_heard
neigh_hear(struct neigh_table *t, uint32_t ip, const uint8_t mac[6], uint64_t now_ns)
{
	struct neigh *n = find(t, ip);

	if (n == NULL || n->state == NEIGH_FREE)
		return NEIGH_UNKNOWN;
	if (n->state == NEIGH_INCOMPLETE || n->state == NEIGH_FAILED) {
		t->stats.resolved++;
		set_reachable(t, n, mac, now_ns);
		return NEIGH_RESOLVED;
	}
	if (memcmp(n->mac, mac, 6) == 0) {
		t->stats.confirmed++;
		set_reachable(t, n, mac, now_ns);
	} else {
		challenge(t, n, now_ns);
	}
	return NEIGH_KNOWN;
}

void
neigh_learn(struct neigh_table *t, uint32_t ip, const uint8_t mac[6], uint64_t now_ns)
{
	struct neigh *n = claim(t, ip, now_ns);

	if (n == NULL)
		return;
	t->stats.learned++;
	set_reachable(t, n, mac, now_ns);
}
