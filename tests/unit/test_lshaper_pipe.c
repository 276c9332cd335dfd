/* test_lshaper_pipe.c - one direction in virtual time: departures, named drops, conservation. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "lshaper/pipe.h"

enum { MS = 1000000, HOLD = 4 * HOLDQ_BLOCK_BYTES, MTU = 60000 };

static struct pipe p;	      /* large: it holds a histogram */
static struct pipe_out out;   /* of the last arrival */
static uint8_t octets[65536]; /* what all frames are made of */

static int
open_pipe(double drop, uint64_t delay_ns, unsigned queues)
{
	struct pipe_conf conf = {
	    .impair = {.delay_ns = delay_ns, .drop = drop},
	    .seed = 1,
	    .hold_bytes = HOLD,
	    .n_queues = queues,
	    .max_bytes = MTU,
	};

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i * 13 + (i >> 8));
	return pipe_init(&p, &conf);
}

static void
close_pipe(void)
{
	pipe_check(&p);
	pipe_fini(&p);
}

static struct frame
frame(uint32_t len)
{
	return (struct frame){.data = octets, .len = len, .handle = &octets[len]};
}

static void
arrive(unsigned queue, uint32_t len, uint64_t now_ns)
{
	struct frame f = frame(len);

	pipe_arrive(&p, queue, &f, 1, now_ns, &out);
	assert_int_equal(out.n_now + out.n_done, 1);
}

static void
test_nothing_asked_passes_untouched(void **state)
{
	struct frame f[3] = {frame(60), frame(1514), frame(0)};

	(void)state;
	assert_int_equal(open_pipe(0, 0, 1), 0);
	pipe_arrive(&p, 0, f, 3, 5, &out);
	assert_int_equal(out.n_now, 3);
	assert_int_equal(out.n_done, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_ptr_equal(out.now[i].handle, f[i].handle);
	pipe_sent(&p, 0, out.now, 3, 3, 5, 8);
	assert_int_equal(p.stats.tx.frames, 3);
	assert_int_equal(p.stats.tx.bytes, 1574);
	assert_int_equal(p.blocks.fresh, 0); /* no octet was copied */
	assert_int_equal(p.late.total, 3);
	assert_int_equal(p.late.max, 3);
	assert_true(pipe_next_ns(&p, 9) == UINT64_MAX);
	close_pipe();
}

static void
test_delay_is_exact(void **state)
{
	struct frame f[PIPE_BURST];

	(void)state;
	assert_int_equal(open_pipe(0, 50 * MS, 1), 0);
	arrive(0, 100, 7);
	assert_int_equal(out.n_done, 1);
	arrive(0, 200, 8);
	assert_true(pipe_next_ns(&p, 8) == 50 * MS + 7);
	assert_int_equal(pipe_due(&p, 0, 50 * MS + 6, f), 0);
	assert_int_equal(pipe_due(&p, 0, 50 * MS + 7, f), 1);
	assert_int_equal(f[0].len, 100);
	assert_memory_equal(f[0].data, octets, 100);
	pipe_leave(&p, 0, 1, 1, 50 * MS + 9);
	assert_int_equal(p.late.max, 2);
	assert_int_equal(pipe_held(&p).frames, 1);
	assert_int_equal(pipe_held(&p).bytes, 200);
	assert_int_equal(pipe_due(&p, 0, 50 * MS + 8, f), 1);
	pipe_leave(&p, 0, 1, 1, 50 * MS + 8);
	assert_int_equal(p.late.min, 0);
	close_pipe();
}

/* A frame that could go at once waits behind one that the port refused. */
static void
test_order_is_kept(void **state)
{
	struct frame f[PIPE_BURST], in[2] = {frame(61), frame(62)};

	(void)state;
	assert_int_equal(open_pipe(0, 0, 1), 0);
	pipe_arrive(&p, 0, in, 2, 10, &out);
	pipe_sent(&p, 0, out.now, 2, 1, 10, 11);
	assert_int_equal(p.stats.tx.frames, 1);
	arrive(0, 63, 20);
	assert_int_equal(out.n_done, 1);
	assert_true(pipe_next_ns(&p, 21) == 21 + PIPE_RETRY_NS);
	assert_int_equal(pipe_due(&p, 0, 21, f), 1); /* one, to see whether there is room */
	assert_int_equal(f[0].len, 62);
	pipe_leave(&p, 0, 1, 1, 22);
	assert_int_equal(p.late.max, 12);
	assert_int_equal(pipe_due(&p, 0, 21, f), 1);
	assert_int_equal(f[0].len, 63);
	pipe_leave(&p, 0, 1, 1, 23);
	arrive(0, 64, 30);
	assert_int_equal(out.n_now, 1);
	pipe_sent(&p, 0, out.now, 1, 1, 30, 30);
	close_pipe();
}

static void
test_a_full_queue_delays_no_other(void **state)
{
	struct frame f[PIPE_BURST];

	(void)state;
	assert_int_equal(open_pipe(0, 0, 2), 0);
	arrive(1, 60, 1);
	pipe_sent(&p, 1, out.now, 1, 0, 1, 1);
	arrive(0, 60, 2);
	assert_int_equal(out.n_now, 1);
	pipe_sent(&p, 0, out.now, 1, 1, 2, 2);
	assert_int_equal(pipe_due(&p, 0, 3, f), 0);
	assert_int_equal(pipe_due(&p, 1, 3, f), 1);
	pipe_leave(&p, 1, 1, 1, 3);
	close_pipe();
}

static void
test_full_hold_has_a_name(void **state)
{
	uint64_t room;

	(void)state;
	assert_int_equal(open_pipe(0, MS, 1), 0);
	while (!p.stats.drop[PIPE_DROP_HOLD_FULL].frames)
		arrive(0, 1000, 1);
	room = pipe_held(&p).frames;
	assert_in_range(room * 1000, HOLD * 9 / 10, HOLD);
	pipe_leave(&p, 0, 1, 0, MS + 1); /* the port takes nothing */
	arrive(0, 1000, 2);
	assert_int_equal(p.stats.drop[PIPE_DROP_TX_FULL].frames, 1);
	assert_int_equal(p.stats.drop[PIPE_DROP_TX_FULL].bytes, 1000);
	assert_int_equal(p.stats.drop[PIPE_DROP_HOLD_FULL].frames, 1);
	assert_int_equal(pipe_held(&p).frames, room);
	close_pipe();
}

static void
test_too_long_for_the_far_port(void **state)
{
	(void)state;
	for (uint64_t delay_ns = 0; delay_ns < 2; delay_ns++) {
		assert_int_equal(open_pipe(0, delay_ns, 1), 0);
		arrive(0, MTU + 1, 1);
		assert_int_equal(out.n_done, 1);
		assert_int_equal(p.stats.drop[PIPE_DROP_TOO_LONG].frames, 1);
		assert_int_equal(p.stats.drop[PIPE_DROP_TOO_LONG].bytes, MTU + 1);
		close_pipe();
	}
}

static void
test_port_down_and_up(void **state)
{
	struct frame f[PIPE_BURST];

	(void)state;
	assert_int_equal(open_pipe(0, MS, 1), 0);
	arrive(0, 60, 1);
	arrive(0, 70, 2);
	arrive(0, 80, 3);
	assert_int_equal(pipe_due(&p, 0, MS + 2, f), 2);
	pipe_expire(&p, 0, 2);
	assert_int_equal(p.stats.drop[PIPE_DROP_PORT_DOWN].frames, 2);
	assert_int_equal(p.stats.drop[PIPE_DROP_PORT_DOWN].bytes, 130);
	assert_int_equal(pipe_due(&p, 0, MS + 3, f), 1); /* the port is back */
	assert_int_equal(f[0].len, 80);
	pipe_leave(&p, 0, 1, 1, MS + 3);
	assert_int_equal(p.stats.tx.frames, 1);
	close_pipe();
}

/* A peer that comes back has an empty ring, whatever was refused before. */
static void
test_down_forgets_refusal(void **state)
{
	struct frame f[PIPE_BURST];

	(void)state;
	assert_int_equal(open_pipe(0, MS, 1), 0);
	for (unsigned i = 0; i < 10; i++)
		arrive(0, 60, i);
	pipe_leave(&p, 0, 1, 0, MS);
	assert_int_equal(pipe_due(&p, 0, 2 * MS, f), 1);
	pipe_expire(&p, 0, 1);
	assert_int_equal(pipe_due(&p, 0, 2 * MS, f), 9);
	close_pipe();
}

static void
test_down_at_once(void **state)
{
	(void)state;
	assert_int_equal(open_pipe(0, 0, 1), 0);
	arrive(0, 60, 1);
	pipe_lose(&p, out.now, out.n_now);
	assert_int_equal(p.stats.drop[PIPE_DROP_PORT_DOWN].frames, 1);
	close_pipe();
}

static void
test_loss_gives_buffers_back(void **state)
{
	struct frame f[PIPE_BURST];

	(void)state;
	assert_int_equal(open_pipe(1, 0, 1), 0);
	for (unsigned i = 0; i < PIPE_BURST; i++)
		f[i] = frame(100 + i);
	pipe_arrive(&p, 0, f, PIPE_BURST, 1, &out);
	assert_int_equal(out.n_done, PIPE_BURST);
	assert_int_equal(p.stats.drop[PIPE_DROP_MODEL].frames, PIPE_BURST);
	for (unsigned i = 0; i < PIPE_BURST; i++)
		assert_ptr_equal(out.done[i].handle, f[i].handle);
	close_pipe();
}

/* 2.7 million frames, in bursts, 1 % loss, 3 ms: each that was not lost leaves in its own
 * nanosecond, in order, and the loop is told so by pipe_next_ns alone. */
static void
test_every_departure(void **state)
{
	enum { N = 2700000, MAX = 4096, GAP = 1499 };
	static uint64_t due[MAX];
	uint64_t in = 0, left = 0, kept = 0, now = 0;
	struct frame f[PIPE_BURST];

	(void)state;
	assert_int_equal(open_pipe(0.01, 3 * MS, 1), 0);
	while (in < N || pipe_held(&p).frames) {
		uint64_t next = pipe_next_ns(&p, now), arrival = in < N ? in * GAP : UINT64_MAX;

		now = next < arrival ? next : arrival;
		for (unsigned n = pipe_due(&p, 0, now, f); n; n--, left++) {
			assert_true(due[left % MAX] == now);
			pipe_leave(&p, 0, 1, 1, now);
		}
		if (now == arrival) {
			uint64_t before = pipe_held(&p).frames;

			arrive(0, 60, now);
			in++;
			if (pipe_held(&p).frames > before)
				due[kept++ % MAX] = now + 3 * MS;
		}
	}
	assert_int_equal(left, kept);
	assert_int_equal(p.stats.tx.frames + p.stats.drop[PIPE_DROP_MODEL].frames, N);
	assert_in_range(p.stats.drop[PIPE_DROP_MODEL].frames, 27000 * 98 / 100, 27000 * 102 / 100);
	assert_int_equal(p.late.max, 0);
	assert_int_equal(p.late.total, left);
	close_pipe();
}

static void
random_step(struct rng *r, unsigned q, uint64_t now)
{
	struct frame f[PIPE_BURST];
	unsigned n = (unsigned)rng_below(r, PIPE_BURST + 1), taken;

	for (unsigned i = 0; i < n; i++)
		f[i] = frame((uint32_t)rng_below(r, rng_chance(r, 0.01) ? 65536 : 2000));
	pipe_arrive(&p, q, f, n, now, &out);
	assert_int_equal(out.n_now + out.n_done, n);
	if (rng_chance(r, 0.1))
		pipe_lose(&p, out.now, out.n_now);
	else if (out.n_now)
		pipe_sent(&p, q, out.now, out.n_now, (unsigned)rng_below(r, out.n_now + 1), now,
			  now + 1);
	pipe_check(&p);

	n = pipe_due(&p, q, now, f);
	taken = (unsigned)rng_below(r, n + 1);
	if (rng_chance(r, 0.1))
		pipe_expire(&p, q, taken);
	else
		pipe_leave(&p, q, n, taken, now);
	pipe_check(&p);
}

static void
test_conservation(void **state)
{
	static const uint64_t delays[] = {0, 1, 3000, 300000};

	(void)state;
	for (unsigned d = 0; d < 4; d++) {
		struct rng r;
		uint64_t now = 0;

		rng_seed(&r, d, 0);
		assert_int_equal(open_pipe(0.1, delays[d], 3), 0);
		for (unsigned i = 0; i < 50000; i++) {
			random_step(&r, (unsigned)rng_below(&r, 3), now);
			now += rng_below(&r, 1000);
		}
		for (unsigned i = 0; i < PIPE_DROPS; i++)
			if (i != PIPE_DROP_HOLD_FULL || d > 0)
				assert_true(p.stats.drop[i].frames > 0);
		close_pipe();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_asked_passes_untouched),
	    cmocka_unit_test(test_delay_is_exact),
	    cmocka_unit_test(test_order_is_kept),
	    cmocka_unit_test(test_a_full_queue_delays_no_other),
	    cmocka_unit_test(test_full_hold_has_a_name),
	    cmocka_unit_test(test_too_long_for_the_far_port),
	    cmocka_unit_test(test_port_down_and_up),
	    cmocka_unit_test(test_down_forgets_refusal),
	    cmocka_unit_test(test_down_at_once),
	    cmocka_unit_test(test_loss_gives_buffers_back),
	    cmocka_unit_test(test_every_departure),
	    cmocka_unit_test(test_conservation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
