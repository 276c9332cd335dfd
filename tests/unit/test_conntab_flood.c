/* test_conntab_flood.c - 10,000 tuples that collide under a key that everybody knows cost a table with a secret key nothing. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "host/conntab.h"

enum { TUPLES = 10000, INDEX_BITS = 11 /* more than the table has */ };

struct table {
	struct pool conns;
	struct conntab t;
	void *mem;
};

static struct flow colliding[TUPLES], ordinary[TUPLES];

static const struct flow_key known = {0, 0},
			     secret = {UINT64_C(0x5851f42d4c957f2d), UINT64_C(0x14057b7ef767814f)};

/* An attacker's work: tries ports and addresses of his until their hash under the known key falls into bucket 0. */
static void
find_tuples(void)
{
	struct flow f = {.laddr = 0xc0a8030a, .raddr = 0x0a000001, .lport = 80};
	uint32_t n = 0;

	while (n < TUPLES) {
		if (++f.rport == 0)
			f.raddr++;
		if ((flow_hash(&known, &f) & ((1 << INDEX_BITS) - 1)) == 0)
			colliding[n++] = f;
	}
	for (uint32_t i = 0; i < TUPLES; i++)
		ordinary[i] = (struct flow){
		    .laddr = 0xc0a8030a, .raddr = 0x0a000001 + i, .lport = 80, .rport = 1024};
}

/* Returns how many fit. */
static uint32_t
fill(struct table *b, struct flow *flows, const struct flow_key *key)
{
	uint32_t n = 0;

	assert_int_equal(posix_memalign(&b->mem, 64, conntab_bytes(TUPLES)), 0);
	memset(b->mem, 0, conntab_bytes(TUPLES));
	pool_init(&b->conns, flows, sizeof(*flows), TUPLES);
	conntab_init(&b->t, b->mem, TUPLES, &b->conns, key);
	while (n < TUPLES && conntab_insert(&b->t, pool_get(&b->conns)) == 0)
		n++;
	return n;
}

/* Cache lines that finding this one reads: buckets, and connections whose tag fits. */
static uint32_t
cost(const struct table *b, const struct flow *f)
{
	uint64_t hash = flow_hash(&b->t.key, f);
	const struct conntab_bucket *at = &b->t.bucket[conntab_index(&b->t, hash)];

	for (uint32_t lines = 1;; lines++) {
		for (unsigned i = 0; i < CONNTAB_WAYS; i++) {
			if (at->tag[i] != conntab_tag(hash))
				continue;
			lines++;
			if (flow_equal(conntab_flow(&b->t, at->handle[i]), f))
				return lines;
		}
		assert_int_not_equal(at->link, 0);
		at = pool_at(&b->t.overflow, at->link - 1);
	}
}

static void
measure(const struct table *b, const struct flow *flows, uint32_t n, uint32_t *sum, uint32_t *most)
{
	*sum = *most = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t lines = cost(b, &flows[i]);

		assert_int_not_equal(
		    conntab_find(&b->t, flow_hash(&b->t.key, &flows[i]), &flows[i]), POOL_NONE);
		*sum += lines;
		*most = lines > *most ? lines : *most;
	}
}

static void
test_a_secret_key_spreads_what_a_known_one_gathers(void **state)
{
	struct table attacked, usual;
	uint32_t sum, most, usual_sum, usual_most;

	(void)state;
	assert_int_equal(fill(&attacked, colliding, &secret), TUPLES);
	assert_int_equal(fill(&usual, ordinary, &secret), TUPLES);
	measure(&attacked, colliding, TUPLES, &sum, &most);
	measure(&usual, ordinary, TUPLES, &usual_sum, &usual_most);
	/* Twice as slow is what issue and checklist allow; it is the same. */
	assert_in_range(sum, 1, usual_sum * 11 / 10);
	assert_in_range(most, 1, usual_most + 2);
	free(attacked.mem);
	free(usual.mem);
}

/* The tuples are what they should be: with that key, all go to one bucket. */
static void
test_the_tuples_do_collide_under_the_known_key(void **state)
{
	struct table b;
	uint32_t n, sum, most;

	(void)state;
	n = fill(&b, colliding, &known);
	measure(&b, colliding, n, &sum, &most);
	assert_true(most >= n / CONNTAB_WAYS);
	free(b.mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_secret_key_spreads_what_a_known_one_gathers),
	    cmocka_unit_test(test_the_tuples_do_collide_under_the_known_key),
	};

	find_tuples();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
