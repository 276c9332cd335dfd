/* test_tcp_block.c - tcp/block.h: chains of blocks against a flat buffer. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/rng.h"
#include "tcp/block.h"

struct fixture {
	struct block_pools pools;
	void *mem;
};

static void
start(struct fixture *f, uint32_t n_small, uint32_t n_large)
{
	f->mem = malloc(block_pools_bytes(n_small, n_large) + 1);
	assert_non_null(f->mem);
	block_pools_init(&f->pools, f->mem, n_small, n_large);
}

static void
stop(struct fixture *f)
{
	assert_int_equal(f->pools.small.in_use, 0);
	assert_int_equal(f->pools.large.in_use, 0);
	free(f->mem);
}

static uint8_t
octet(uint32_t at)
{
	return (uint8_t)(at * 131 + (at >> 8) * 29 + 7);
}

static uint32_t
append_pattern(struct fixture *f, struct chain *c, uint32_t from, uint32_t len)
{
	uint8_t data[20000];

	assert_true(len <= sizeof(data));
	for (uint32_t i = 0; i < len; i++)
		data[i] = octet(from + i);
	return chain_append(&f->pools, c, data, len);
}

/* In pieces that small blocks take, so that the chain has many. */
static void
append_small(struct fixture *f, struct chain *c, uint32_t from, uint32_t len)
{
	for (uint32_t n, at = 0; at < len; at += n) {
		n = len - at < 100 ? len - at : 100;
		assert_int_equal(append_pattern(f, c, from + at, n), n);
	}
}

/* The chain holds `len` octets of the pattern from `from` on; its blocks add up to that. */
static void
assert_chain(struct fixture *f, const struct chain *c, uint32_t from, uint32_t len)
{
	uint8_t data[40000];
	uint32_t sum = 0, last = POOL_NONE;

	assert_int_equal(c->len, len);
	for (uint32_t h = c->head; h != POOL_NONE; h = block_at(&f->pools, h)->next) {
		const struct block *b = block_at(&f->pools, h);

		assert_true(b->len > 0);
		assert_true((uint32_t)b->off + b->len <= block_room(h));
		sum += b->len;
		last = h;
	}
	assert_int_equal(sum, len);
	assert_int_equal(c->tail, last);
	assert_true(len <= sizeof(data));
	chain_copy(&f->pools, c, 0, len, data);
	for (uint32_t i = 0; i < len; i++)
		if (data[i] != octet(from + i))
			fail_msg("octet %u of %u", i, len);
}

static void
test_get_by_size(void **state)
{
	struct fixture f;
	uint32_t small, large, most;

	(void)state;
	start(&f, 2, 2);
	small = block_get(&f.pools, BLOCK_SMALL_ROOM);
	large = block_get(&f.pools, BLOCK_SMALL_ROOM + 1);
	most = block_get(&f.pools, 100000);
	assert_false(small & BLOCK_LARGE);
	assert_true(large & BLOCK_LARGE && most & BLOCK_LARGE);
	assert_int_equal(block_room(small), BLOCK_SMALL_ROOM);
	assert_int_equal(block_room(large), BLOCK_LARGE_ROOM);
	assert_int_equal(block_at(&f.pools, small)->len, 0);
	assert_int_equal(block_at(&f.pools, small)->off, 0);
	assert_int_equal(block_at(&f.pools, small)->next, POOL_NONE);
	block_put(&f.pools, small);
	block_put(&f.pools, large);
	block_put(&f.pools, most);
	stop(&f);
}

/* A used block comes back as empty as a fresh one. */
static void
test_get_resets_fields(void **state)
{
	struct fixture f;
	uint32_t h;

	(void)state;
	start(&f, 1, 0);
	h = block_get(&f.pools, 1);
	memset(block_at(&f.pools, h), 0xff, BLOCK_HEADER + BLOCK_SMALL_ROOM);
	block_put(&f.pools, h);
	h = block_get(&f.pools, 1);
	assert_int_equal(block_at(&f.pools, h)->next, POOL_NONE);
	assert_int_equal(block_at(&f.pools, h)->off, 0);
	assert_int_equal(block_at(&f.pools, h)->len, 0);
	block_put(&f.pools, h);
	stop(&f);
}

static void
test_small_falls_back_to_large_only(void **state)
{
	struct fixture f;
	uint32_t a, b;

	(void)state;
	start(&f, 1, 1);
	a = block_get(&f.pools, 10);
	b = block_get(&f.pools, 10);
	assert_false(a & BLOCK_LARGE);
	assert_true(b & BLOCK_LARGE);
	assert_int_equal(block_get(&f.pools, 10), POOL_NONE);
	block_put(&f.pools, a);
	assert_int_equal(block_get(&f.pools, BLOCK_SMALL_ROOM + 1), POOL_NONE);
	block_put(&f.pools, b);
	stop(&f);
}

static void
test_append_fills_last_block(void **state)
{
	struct fixture f;
	struct chain c = CHAIN_EMPTY;

	(void)state;
	start(&f, 8, 0);
	for (uint32_t at = 0; at < BLOCK_SMALL_ROOM; at++)
		assert_int_equal(append_pattern(&f, &c, at, 1), 1);
	assert_int_equal(f.pools.small.in_use, 1);
	assert_int_equal(append_pattern(&f, &c, BLOCK_SMALL_ROOM, 1), 1);
	assert_int_equal(f.pools.small.in_use, 2);
	assert_chain(&f, &c, 0, BLOCK_SMALL_ROOM + 1);
	chain_free(&f.pools, &c);
	assert_int_equal(c.len, 0);
	assert_int_equal(c.head, POOL_NONE);
	stop(&f);
}

static void
test_append_takes_what_fits(void **state)
{
	struct fixture f;
	struct chain c = CHAIN_EMPTY;
	const uint32_t all = BLOCK_LARGE_ROOM;

	(void)state;
	start(&f, 0, 1);
	assert_int_equal(append_pattern(&f, &c, 0, all + 500), all);
	assert_chain(&f, &c, 0, all);
	assert_int_equal(append_pattern(&f, &c, all, 1), 0);
	assert_chain(&f, &c, 0, all);
	chain_free(&f.pools, &c);
	stop(&f);
}

static void
test_append_nothing_from_empty_pools(void **state)
{
	struct fixture f;
	struct chain c = CHAIN_EMPTY;

	(void)state;
	start(&f, 0, 0);
	assert_int_equal(append_pattern(&f, &c, 0, 100), 0);
	assert_int_equal(c.len, 0);
	assert_int_equal(c.head, POOL_NONE);
	assert_int_equal(c.tail, POOL_NONE);
	assert_int_equal(append_pattern(&f, &c, 0, 0), 0);
	chain_free(&f.pools, &c);
	stop(&f);
}

/* Every trim of every small chain gives its blocks back as soon as they are empty. */
static void
test_trim_every_length(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 8, 8);
	for (uint32_t len = 0; len <= 3 * BLOCK_SMALL_ROOM; len += 60) {
		for (uint32_t n = 0; n <= len; n += 20) {
			struct chain c = CHAIN_EMPTY;

			for (uint32_t at = 0; at < len; at += 60)
				assert_int_equal(append_pattern(&f, &c, at, 60), 60);
			chain_trim_front(&f.pools, &c, n);
			assert_chain(&f, &c, n, len - n);
			if (n == len)
				assert_int_equal(f.pools.small.in_use + f.pools.large.in_use, 0);
			chain_free(&f.pools, &c);
		}
	}
	stop(&f);
}

static void
test_copy_any_part(void **state)
{
	struct fixture f;
	struct chain c = CHAIN_EMPTY;
	uint8_t data[1000];

	(void)state;
	start(&f, 16, 0);
	append_small(&f, &c, 0, 1000);
	for (uint32_t off = 0; off < 1000; off += 13) {
		for (uint32_t len = 0; off + len <= 1000; len += 97) {
			memset(data, 0xee, sizeof(data));
			chain_copy(&f.pools, &c, off, len, data);
			for (uint32_t i = 0; i < len; i++)
				assert_int_equal(data[i], octet(off + i));
			if (len < sizeof(data))
				assert_int_equal(data[len], 0xee);
		}
	}
	chain_free(&f.pools, &c);
	stop(&f);
}

static void
test_front_walks_the_chain(void **state)
{
	struct fixture f;
	struct chain c = CHAIN_EMPTY;
	const uint8_t *data;
	uint32_t n, at = 0;

	(void)state;
	start(&f, 4, 1);
	assert_int_equal(chain_front(&f.pools, &c, &data), 0);
	assert_int_equal(append_pattern(&f, &c, 0, 2032), 2032);
	append_small(&f, &c, 2032, 468);
	while ((n = chain_front(&f.pools, &c, &data)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(data[i], octet(at + i));
		at += n;
		chain_trim_front(&f.pools, &c, n);
	}
	assert_int_equal(at, 2500);
	stop(&f);
}

static void
test_link_moves(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 16, 0);
	for (uint32_t la = 0; la <= 600; la += 300) {
		for (uint32_t lb = 0; lb <= 600; lb += 300) {
			struct chain a = CHAIN_EMPTY, b = CHAIN_EMPTY;

			append_small(&f, &a, 0, la);
			append_small(&f, &b, la, lb);
			chain_link(&f.pools, &a, &b);
			assert_chain(&f, &a, 0, la + lb);
			assert_int_equal(b.len, 0);
			assert_int_equal(b.head, POOL_NONE);
			append_pattern(&f, &a, la + lb, 10);
			assert_chain(&f, &a, 0, la + lb + 10);
			chain_free(&f.pools, &a);
		}
	}
	stop(&f);
}

/* One chain against positions in the pattern: [from, to) is what it should hold. */
static void
step(struct fixture *f, struct rng *r, struct chain *c, uint32_t *from, uint32_t *to)
{
	struct chain more = CHAIN_EMPTY;
	const uint32_t n = (uint32_t)rng_below(r, rng_chance(r, 0.2) ? 3000 : 200);

	switch (rng_below(r, 4)) {
	case 0:
	case 1:
		*to += append_pattern(f, c, *to, n);
		break;
	case 2:
		append_pattern(f, &more, *to, n);
		*to += more.len;
		chain_link(&f->pools, c, &more);
		break;
	default:
		chain_trim_front(&f->pools, c, n < c->len ? n : c->len);
		*from += n < *to - *from ? n : *to - *from;
	}
}

static void
test_random_operations(void **state)
{
	struct fixture f;
	struct chain c[3] = {CHAIN_EMPTY, CHAIN_EMPTY, CHAIN_EMPTY};
	uint32_t from[3] = {0, 1000, 2000}, to[3] = {0, 1000, 2000};
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 0);
	start(&f, 20, 10);
	for (unsigned i = 0; i < 60000; i++) {
		const unsigned w = (unsigned)rng_below(&r, 3);

		step(&f, &r, &c[w], &from[w], &to[w]);
		if (i % 16 == 0)
			assert_chain(&f, &c[w], from[w], to[w] - from[w]);
		assert_int_equal(c[w].len, to[w] - from[w]);
	}
	for (unsigned w = 0; w < 3; w++)
		chain_free(&f.pools, &c[w]);
	stop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_get_by_size),
	    cmocka_unit_test(test_get_resets_fields),
	    cmocka_unit_test(test_small_falls_back_to_large_only),
	    cmocka_unit_test(test_append_fills_last_block),
	    cmocka_unit_test(test_append_takes_what_fits),
	    cmocka_unit_test(test_append_nothing_from_empty_pools),
	    cmocka_unit_test(test_trim_every_length),
	    cmocka_unit_test(test_copy_any_part),
	    cmocka_unit_test(test_front_walks_the_chain),
	    cmocka_unit_test(test_link_moves),
	    cmocka_unit_test(test_random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
