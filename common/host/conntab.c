/* conntab.c - linear hashing (Litwin 1980): buckets split one after the other, in turn. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/conntab.h"

#include <assert.h>
#include <errno.h>

/* Buckets that wait for their split hold up to twice the average, so some overflow: at CONNTAB_LOAD
 * 8 that is between 5 % and 12 % of the entries, and all buckets together take 9.5 to 10 octets for
 * each. */

static uint32_t
max_buckets(uint32_t max_entries)
{
	uint32_t n = max_entries / CONNTAB_LOAD + 1;

	return n > CONNTAB_MIN_BUCKETS ? n : CONNTAB_MIN_BUCKETS;
}

/* Twice of what overflow needs at the worst point of a round. */
static uint32_t
max_overflow(uint32_t max_entries)
{
	return max_buckets(max_entries) / 2 + CONNTAB_MIN_BUCKETS;
}

uint64_t
conntab_bytes(uint32_t max_entries)
{
	return ((uint64_t)max_buckets(max_entries) + max_overflow(max_entries)) *
	       sizeof(struct conntab_bucket);
}

void
conntab_init(struct conntab *t, void *mem, uint32_t max_entries, const struct pool *conns,
	     const struct flow_key *key)
{
	*t = (struct conntab){
	    .bucket = mem,
	    .low_mask = CONNTAB_MIN_BUCKETS - 1,
	    .max_buckets = max_buckets(max_entries),
	    .conns = conns,
	    .key = *key,
	};
	pool_init(&t->overflow, t->bucket + t->max_buckets, sizeof(struct conntab_bucket),
		  max_overflow(max_entries));
}

uint64_t
conntab_used_bytes(const struct conntab *t)
{
	return ((uint64_t)conntab_n_buckets(t) + t->overflow.fresh) * sizeof(struct conntab_bucket);
}

static inline struct conntab_bucket *
follow(const struct conntab *t, const struct conntab_bucket *b)
{
	return b->link != 0 ? pool_at(&t->overflow, b->link - 1) : NULL;
}

static inline uint64_t
hash_of(const struct conntab *t, uint32_t handle)
{
	return flow_hash(&t->key, conntab_flow(t, handle));
}

uint32_t
conntab_find(const struct conntab *t, uint64_t hash, const struct flow *f)
{
	const struct conntab_bucket *b = &t->bucket[conntab_index(t, hash)];
	uint16_t tag = conntab_tag(hash);

	for (; b != NULL; b = follow(t, b))
		for (unsigned i = 0; i < CONNTAB_WAYS; i++)
			if (b->tag[i] == tag && flow_equal(conntab_flow(t, b->handle[i]), f))
				return b->handle[i];
	return POOL_NONE;
}

/* Lowest free way, CONNTAB_WAYS when there is none. */
static unsigned
free_way(const struct conntab_bucket *b)
{
	unsigned i = 0;

	while (i < CONNTAB_WAYS && b->tag[i] != 0)
		i++;
	return i;
}

static struct conntab_bucket *
add_overflow(struct conntab *t, struct conntab_bucket *b)
{
	uint32_t h = pool_get(&t->overflow);

	if (h == POOL_NONE)
		return NULL;
	b->link = h + 1;
	b = pool_at(&t->overflow, h);
	memset(b, 0, sizeof(*b));
	return b;
}

static bool
put_entry(struct conntab *t, uint64_t hash, uint32_t handle)
{
	struct conntab_bucket *b = &t->bucket[conntab_index(t, hash)];
	unsigned way;

	while ((way = free_way(b)) == CONNTAB_WAYS) {
		struct conntab_bucket *next = follow(t, b);

		b = next != NULL ? next : add_overflow(t, b);
		if (b == NULL)
			return false;
	}
	b->tag[way] = conntab_tag(hash);
	b->handle[way] = handle;
	return true;
}

static void
prefetch_flows(const struct conntab *t, const struct conntab_bucket *b)
{
	for (unsigned i = 0; i < CONNTAB_WAYS; i++)
		if (b->tag[i] != 0)
			__builtin_prefetch(conntab_flow(t, b->handle[i]));
}

static void
move_entry(struct conntab *t, uint32_t handle)
{
	bool done = put_entry(t, hash_of(t, handle), handle);

	assert(done);
	(void)done;
}

/* Each overflow bucket is given back before its entries find their new places, so that this never
 * needs more of them than there were. */
static void
split_next(struct conntab *t)
{
	struct conntab_bucket *b = &t->bucket[t->split], old = *b;

	memset(b, 0, sizeof(*b));
	if (++t->split > t->low_mask) {
		t->low_mask = t->low_mask << 1 | 1;
		t->split = 0;
	}
	for (;;) {
		uint32_t link = old.link;

		prefetch_flows(t, &old);
		for (unsigned i = 0; i < CONNTAB_WAYS; i++)
			if (old.tag[i] != 0)
				move_entry(t, old.handle[i]);
		if (link == 0)
			return;
		old = *(struct conntab_bucket *)pool_at(&t->overflow, link - 1);
		pool_put(&t->overflow, link - 1);
	}
}

int
conntab_insert(struct conntab *t, uint32_t handle)
{
	if (!put_entry(t, hash_of(t, handle), handle))
		return -ENOBUFS;
	t->n++;
	if (t->n > (uint64_t)conntab_n_buckets(t) * CONNTAB_LOAD &&
	    conntab_n_buckets(t) < t->max_buckets)
		split_next(t);
	return 0;
}

static unsigned
way_of(const struct conntab_bucket *b, uint32_t handle)
{
	unsigned i = 0;

	while (i < CONNTAB_WAYS && (b->tag[i] == 0 || b->handle[i] != handle))
		i++;
	return i;
}

/* Takes the last entry out of the chain, and the chain's last bucket when it is empty then: so only
 * the last bucket of a chain has free ways, and those are its last. */
static void
pop_entry(struct conntab *t, struct conntab_bucket *head, uint16_t *tag, uint32_t *handle)
{
	struct conntab_bucket *before = NULL, *last = head, *next;
	unsigned way;

	while ((next = follow(t, last)) != NULL) {
		before = last;
		last = next;
	}
	way = free_way(last) - 1;
	*tag = last->tag[way];
	*handle = last->handle[way];
	last->tag[way] = 0;
	if (way == 0 && before != NULL) {
		pool_put(&t->overflow, before->link - 1);
		before->link = 0;
	}
}

void
conntab_remove(struct conntab *t, uint32_t handle)
{
	struct conntab_bucket *head = &t->bucket[conntab_index(t, hash_of(t, handle))];
	struct conntab_bucket *b = head;
	uint32_t last_handle;
	uint16_t last_tag;
	unsigned way;

	while ((way = way_of(b, handle)) == CONNTAB_WAYS) {
		b = follow(t, b);
		assert(b != NULL);
	}
	pop_entry(t, head, &last_tag, &last_handle);
	if (last_handle != handle) {
		b->tag[way] = last_tag;
		b->handle[way] = last_handle;
	}
	t->n--;
}

uint32_t
conntab_next(const struct conntab *t, struct conntab_cursor *c)
{
	while (c->bucket < conntab_n_buckets(t)) {
		const struct conntab_bucket *b =
		    c->link != 0 ? pool_at(&t->overflow, c->link - 1) : &t->bucket[c->bucket];

		while (c->way < CONNTAB_WAYS)
			if (b->tag[c->way++] != 0)
				return b->handle[c->way - 1];
		c->way = 0;
		c->link = b->link;
		c->bucket += c->link == 0;
	}
	return POOL_NONE;
}

void
conntab_check(const struct conntab *t)
{
	struct conntab_cursor c = {0};
	uint32_t n = 0, links = 0, h;

	assert(t->split <= t->low_mask && conntab_n_buckets(t) <= t->max_buckets);
	while ((h = conntab_next(t, &c)) != POOL_NONE) {
		const struct flow *f = conntab_flow(t, h);

		assert(conntab_find(t, flow_hash(&t->key, f), f) == h);
		n++;
	}
	for (uint32_t i = 0; i < conntab_n_buckets(t); i++)
		for (const struct conntab_bucket *b = &t->bucket[i]; b->link != 0;
		     b = follow(t, b)) {
			assert(free_way(b) == CONNTAB_WAYS);
			links++;
		}
	assert(n == t->n && links == t->overflow.in_use);
}
