/* test_lshaper_holdq.c - held frames come out whole, in order, in time, within their memory. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "lshaper/holdq.h"

struct room {
	struct pool pool;
	void *mem;
};

static void
room_init(struct room *r, uint32_t blocks)
{
	r->mem = aligned_alloc(16, (size_t)blocks * HOLDQ_BLOCK_BYTES);
	assert_non_null(r->mem);
	pool_init(&r->pool, r->mem, HOLDQ_BLOCK_BYTES, blocks);
}

static void
room_fini(struct room *r)
{
	assert_int_equal(r->pool.in_use, 0);
	free(r->mem);
}

static uint8_t
octet(uint32_t id, uint32_t i)
{
	return (uint8_t)(id * 31 + i * 7 + (i >> 8));
}

/* Puts frame number id from a block of exactly its size. */
static bool
put(struct holdq *q, uint32_t id, uint32_t len, uint64_t depart_ns)
{
	uint8_t *data = malloc(len ? len : 1);
	bool ok;

	for (uint32_t i = 0; i < len; i++)
		data[i] = octet(id, i);
	ok = holdq_put(q, &(struct frame){.data = data, .len = len}, depart_ns);
	memset(data, 0xee, len);
	free(data);
	return ok;
}

static void
assert_frame(const struct frame *f, uint32_t id, uint32_t len)
{
	assert_int_equal(f->len, len);
	assert_int_equal((uintptr_t)f->data % 16, 0);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(f->data[i], octet(id, i));
}

static void
test_empty(void **state)
{
	struct room r;
	struct holdq q;
	struct frame f;

	(void)state;
	room_init(&r, 1);
	holdq_init(&q, &r.pool);
	assert_true(holdq_next_ns(&q) == UINT64_MAX);
	assert_int_equal(holdq_due(&q, UINT64_MAX, &f, 1), 0);
	room_fini(&r);
}

static void
test_due_on_the_nanosecond(void **state)
{
	struct room r;
	struct holdq q;
	struct frame f[4];

	(void)state;
	room_init(&r, 1);
	holdq_init(&q, &r.pool);
	assert_true(put(&q, 1, 60, 1000));
	assert_true(put(&q, 2, 1514, 1000));
	assert_true(put(&q, 3, 61, 1001));
	assert_true(holdq_next_ns(&q) == 1000);
	assert_int_equal(holdq_due(&q, 999, f, 4), 0);
	assert_int_equal(holdq_due(&q, 1000, f, 4), 2);
	assert_frame(&f[0], 1, 60);
	assert_frame(&f[1], 2, 1514);
	assert_int_equal(holdq_due(&q, 1000, f, 1), 1);
	assert_int_equal(holdq_due(&q, 1001, f, 4), 3);
	assert_frame(&f[2], 3, 61);
	assert_int_equal(q.frames, 3);
	assert_int_equal(q.bytes, 60 + 1514 + 61);
	assert_true(holdq_pop(&q).depart_ns == 1000);
	assert_int_equal(holdq_pop(&q).len, 1514);
	assert_true(holdq_next_ns(&q) == 1001);
	assert_int_equal(holdq_pop(&q).len, 61);
	assert_int_equal(q.frames + q.bytes, 0);
	room_fini(&r);
}

static void
test_length_limits(void **state)
{
	struct room r;
	struct holdq q;
	struct frame f[2];

	(void)state;
	room_init(&r, 2);
	holdq_init(&q, &r.pool);
	assert_false(put(&q, 1, HOLDQ_FRAME_MAX + 1, 1));
	assert_int_equal(r.pool.in_use, 0);
	assert_true(put(&q, 1, HOLDQ_FRAME_MAX, 1));
	assert_true(put(&q, 2, 0, 2));
	assert_int_equal(holdq_due(&q, 2, f, 2), 2);
	assert_frame(&f[0], 1, HOLDQ_FRAME_MAX);
	assert_frame(&f[1], 2, 0);
	holdq_pop(&q);
	holdq_pop(&q);
	room_fini(&r);
}

/* Random lengths, departures and bursts against a plain array of what was put. */
static void
test_random_traffic(void **state)
{
	enum { N = 100000 };
	static struct holdq_left want[N];
	struct frame f[32];
	struct room r;
	struct holdq q;
	struct rng rng;
	uint64_t now = 0, last = 0;
	uint32_t in = 0, out = 0;

	(void)state;
	rng_seed(&rng, 1, 0);
	room_init(&r, 64);
	holdq_init(&q, &r.pool);
	while (out < N) {
		uint32_t n = (uint32_t)rng_below(&rng, 33);

		for (; n && in < N; n--) {
			uint32_t len =
			    (uint32_t)rng_below(&rng, rng_chance(&rng, 0.1) ? 9000 : 300);

			last += rng_below(&rng, 3);
			if (!put(&q, in, len, last))
				break;
			want[in++] = (struct holdq_left){last, len};
		}
		now = holdq_next_ns(&q) - rng_below(&rng, 2);
		n = holdq_due(&q, now, f, 1 + (unsigned)rng_below(&rng, 32));
		for (uint32_t i = 0; i < n; i++)
			assert_frame(&f[i], out + i, want[out + i].len);
		for (; n; n--, out++) {
			struct holdq_left left = holdq_pop(&q);

			assert_true(left.depart_ns == want[out].depart_ns && left.depart_ns <= now);
			assert_int_equal(left.len, want[out].len);
		}
	}
	assert_int_equal(in, N);
	assert_true(r.pool.exhausted > 0); /* it was full at times */
	room_fini(&r);
}

static uint32_t
fill(struct holdq *q, uint32_t len)
{
	uint32_t n = 0;

	while (put(q, n, len, 0))
		n++;
	return n;
}

static void
test_frames_fill_a_block(void **state)
{
	const uint32_t some = 32736, rest = HOLDQ_FRAME_MAX - 16 - some;
	struct room r;
	struct holdq q;

	(void)state;
	room_init(&r, 2);
	holdq_init(&q, &r.pool);
	assert_true(put(&q, 1, some, 1) && put(&q, 2, rest, 1));
	assert_int_equal(r.pool.in_use, 1);
	assert_true(put(&q, 3, 1, 1));
	assert_int_equal(r.pool.in_use, 2);
	while (q.frames)
		holdq_pop(&q);
	room_fini(&r);
}

static void
test_full_and_again(void **state)
{
	struct room r;
	struct holdq q;
	uint32_t n;

	(void)state;
	room_init(&r, 4);
	holdq_init(&q, &r.pool);
	n = fill(&q, 1514);
	assert_int_equal(n, 4 * 42);
	assert_int_equal(q.bytes, n * 1514);
	for (int round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < n; i++)
			holdq_pop(&q);
		assert_int_equal(r.pool.in_use, 0);
		assert_int_equal(fill(&q, 1514), n);
	}
	while (q.frames)
		holdq_pop(&q);
	room_fini(&r);
}

/* What is held briefly uses the same few blocks for ever, whatever has passed. */
static void
test_little_held_little_touched(void **state)
{
	struct room r;
	struct holdq q;

	(void)state;
	room_init(&r, 1000);
	holdq_init(&q, &r.pool);
	for (uint32_t i = 0; i < 100000; i++) {
		assert_true(put(&q, i, 300, i));
		if (i >= 100)
			holdq_pop(&q);
	}
	assert_in_range(r.pool.fresh, 2, 3);
	while (q.frames)
		holdq_pop(&q);
	room_fini(&r);
}

static void
test_queues_share_a_pool(void **state)
{
	struct room r;
	struct holdq a, b;
	struct frame f;

	(void)state;
	room_init(&r, 3);
	holdq_init(&a, &r.pool);
	holdq_init(&b, &r.pool);
	assert_true(put(&a, 1, 100, 5));
	assert_true(put(&b, 2, 100, 3));
	assert_int_equal(fill(&(struct holdq){.blocks = &r.pool, .tail = POOL_NONE}, 60000), 1);
	while (put(&a, 3, 1000, 6))
		;
	assert_true(put(&b, 4, 1000, 6)); /* b's own block has room yet */
	assert_int_equal(holdq_due(&b, 4, &f, 1), 1);
	assert_frame(&f, 2, 100);
	free(r.mem);
}

/* 10 Gbit/s for 200 ms within 300 MB, at any length; here a hundredth of both. */
static void
test_ten_gbit(void **state)
{
	static const uint32_t lens[] = {60, 65, 128, 577, 1514, 9014};

	(void)state;
	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint32_t wire_bits = (lens[i] + 24) * 8; /* FCS, preamble, gap */
		uint32_t frames = 20000000 / wire_bits;
		struct room r;
		struct holdq q;

		room_init(&r, 3000000 / HOLDQ_BLOCK_BYTES);
		holdq_init(&q, &r.pool);
		for (uint32_t n = 0; n < frames; n++)
			assert_true(put(&q, n, lens[i], n));
		while (q.frames)
			holdq_pop(&q);
		room_fini(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_due_on_the_nanosecond),
	    cmocka_unit_test(test_length_limits),
	    cmocka_unit_test(test_random_traffic),
	    cmocka_unit_test(test_frames_fill_a_block),
	    cmocka_unit_test(test_full_and_again),
	    cmocka_unit_test(test_little_held_little_touched),
	    cmocka_unit_test(test_queues_share_a_pool),
	    cmocka_unit_test(test_ten_gbit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
