/* flowtab.c - linear hashing (Litwin 1980) over a pool of flow records, and a clock to evict by. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/flowtab.h"

#include <string.h>

enum {
	FIRST_BUCKETS = 1024,
	VICTIM_WINDOW = 32, /* flows looked at for one eviction: 20 cache lines in a row */
};

static size_t
flows_bytes(uint32_t max)
{
	return ((size_t)max * sizeof(struct flow_record) + 63) & ~(size_t)63;
}

static uint32_t
buckets_for(uint32_t max)
{
	return max > FIRST_BUCKETS ? max : FIRST_BUCKETS;
}

size_t
flowtab_bytes(uint32_t max)
{
	return flows_bytes(max) + buckets_for(max) * sizeof(uint32_t);
}

void
flowtab_init(struct flowtab *t, void *mem, uint32_t max, const uint8_t key[16])
{
	*t = (struct flowtab){.n_buckets = FIRST_BUCKETS,
			      .max_buckets = buckets_for(max),
			      .mask = 2 * FIRST_BUCKETS - 1,
			      .heads = (void *)((uint8_t *)mem + flows_bytes(max))};
	pool_init(&t->flows, mem, sizeof(struct flow_record), max);
	memset(t->heads, 0xff, FIRST_BUCKETS * sizeof(uint32_t));
	memcpy(&t->key, key, sizeof(t->key));
}

unsigned
flow_canonical(struct flow *f)
{
	const struct flow swapped = {
	    .laddr = f->raddr, .raddr = f->laddr, .lport = f->rport, .rport = f->lport};

	if (f->laddr < f->raddr || (f->laddr == f->raddr && f->lport <= f->rport))
		return 0;
	*f = swapped;
	return 1;
}

uint32_t
flowtab_hash(const struct flowtab *t, const struct flow *canonical)
{
	return (uint32_t)flow_hash(&t->key, canonical);
}

/* mask covers the buckets to which the table is growing; those not there yet are still folded in
 * the half below. */
static inline uint32_t
bucket_of(const struct flowtab *t, uint32_t hash)
{
	uint32_t b = hash & t->mask;

	return b < t->n_buckets ? b : hash & t->mask >> 1;
}

void
flowtab_prefetch_bucket(const struct flowtab *t, uint32_t hash)
{
	__builtin_prefetch(&t->heads[bucket_of(t, hash)], 1);
}

void
flowtab_prefetch_flow(const struct flowtab *t, uint32_t hash)
{
	uint32_t h = t->heads[bucket_of(t, hash)];
	const uint8_t *p;

	if (h == POOL_NONE)
		return;
	p = pool_at(&t->flows, h);
	__builtin_prefetch(p, 1);
	__builtin_prefetch(p + sizeof(struct flow_record) - 1,
			   1); /* half of them lie across two lines */
}

uint32_t
flowtab_find(const struct flowtab *t, uint32_t hash, const struct flow *canonical)
{
	uint32_t h = t->heads[bucket_of(t, hash)];

	while (h != POOL_NONE) {
		const struct flow_record *f = flowtab_at(t, h);

		if (flow_equal(&f->tuple, canonical))
			break;
		h = f->chain;
	}
	return h;
}

/* Adds one bucket and gives it its share of the flows of the one that held them so far. */
static void
grow(struct flowtab *t)
{
	const uint32_t fresh = t->n_buckets, old = fresh & t->mask >> 1;
	uint32_t *to = &t->heads[fresh], *from = &t->heads[old];

	*to = POOL_NONE;
	while (*from != POOL_NONE) {
		struct flow_record *f = flowtab_at(t, *from);

		if ((flowtab_hash(t, &f->tuple) & t->mask) == fresh) {
			*to = *from;
			*from = f->chain;
			f->chain = POOL_NONE;
			to = &f->chain;
		} else {
			from = &f->chain;
		}
	}
	t->n_buckets++;
	if (t->n_buckets > t->mask)
		t->mask = t->mask << 1 | 1;
}

uint32_t
flowtab_insert(struct flowtab *t, uint32_t hash, const struct flow *canonical)
{
	uint32_t h = pool_get(&t->flows);
	uint32_t *head;

	if (h == POOL_NONE)
		return h;
	if (t->flows.in_use > t->n_buckets && t->n_buckets < t->max_buckets)
		grow(t);
	head = &t->heads[bucket_of(t, hash)];
	*flowtab_at(t, h) = (struct flow_record){
	    .tuple = *canonical, .chain = *head, .list = {POOL_NONE, POOL_NONE}, .state = FLOW_NEW};
	*head = h;
	return h;
}

void
flowtab_remove(struct flowtab *t, uint32_t h)
{
	struct flow_record *f = flowtab_at(t, h);
	uint32_t *link = &t->heads[bucket_of(t, flowtab_hash(t, &f->tuple))];

	while (*link != h)
		link = &flowtab_at(t, *link)->chain;
	*link = f->chain;
	f->state = FLOW_FREE;
	pool_put(&t->flows, h);
}

/* How little a flow would be missed. */
static uint64_t
victim_rank(const struct flow_record *f, uint32_t now_tick)
{
	static const uint8_t by_state[] = {
	    [FLOW_FREE] = 0, [FLOW_OPEN] = 1, [FLOW_NEW] = 2, [FLOW_CLOSED] = 3};
	uint32_t age = now_tick - f->last;

	if (age > INT32_MAX)
		age = 0; /* time went backwards */
	return (uint64_t)by_state[f->state] << 32 | age;
}

uint32_t
flowtab_victim(struct flowtab *t, uint32_t now_tick)
{
	uint64_t best_rank = 0;
	uint32_t best = POOL_NONE;

	assert(t->flows.in_use > 0);
	for (unsigned looked = 0; looked < VICTIM_WINDOW || best == POOL_NONE; looked++) {
		uint32_t h = t->hand++;
		uint64_t rank;

		if (t->hand >= t->flows.fresh)
			t->hand = 0;
		rank = victim_rank(flowtab_at(t, h), now_tick);
		if (rank > best_rank) {
			best_rank = rank;
			best = h;
		}
	}
	return best;
}
