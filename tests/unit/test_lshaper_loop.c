/* test_lshaper_loop.c - the loop and the mirror in virtual time, over ports made of arrays. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lshaper_ports.h"

#include "base/log.h"
#include "base/rng.h"
#include "lshaper/loop.h"

static struct shaper s;
static struct impair_conf ab, ba;
static FILE *devnull;

static int
setup(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	ports_init();
	memset(&s.mirror, 0, sizeof(s.mirror));
	s.mirror.port = &m;
	ab = ba = (struct impair_conf){0};
	return 0;
}

static void
open_path(int d, struct dp_port *in, struct dp_port *out, const struct impair_conf *impair)
{
	const struct pipe_conf conf = {
	    .impair = *impair,
	    .seed = 1,
	    .direction = (unsigned)d,
	    .hold_bytes = 64 * HOLDQ_BLOCK_BYTES,
	    .n_queues = PIPE_QUEUES,
	    .max_bytes = 1518,
	};

	s.path[d].in = in;
	s.path[d].out = out;
	s.path[d].mirror_in = d == BA;
	s.path[d].mirror_out = d == AB;
	assert_int_equal(pipe_init(&s.path[d].pipe, &conf), 0);
}

/* Until end_ns, and then until all has drained. */
static void
run_until(uint64_t end_ns)
{
	const struct conf conf = {.interval_ns = S, .format = RECORD_CSV};

	open_path(AB, &a, &b, &ab);
	open_path(BA, &b, &a, &ba);
	s.spin_ns = 100 * US;
	s.end_ns = end_ns;
	s.drain_ns = UINT64_MAX;
	s.draining = false;
	for (int i = 0; i < WATCHED; i++)
		s.watched[i] = (struct watched_port){i == 0   ? &a
						     : i == 1 ? &b
							      : s.mirror.port,
						     "port", "peer", UNKNOWN};
	report_open(&s.report, &conf, now);
	s.report.out.file = devnull;
	loop_run(0, &s);
	assert_int_equal(buffers, 0);
	pipe_check(&s.path[AB].pipe);
	pipe_check(&s.path[BA].pipe);
	pipe_fini(&s.path[AB].pipe);
	pipe_fini(&s.path[BA].pipe);
}

static uint64_t
drops(int d, enum pipe_drop cause)
{
	return s.path[d].pipe.stats.drop[cause].frames;
}

static uint64_t
mirrored(void)
{
	return s.mirror.stats.frames + s.mirror.stats.drops + s.mirror.stats.no_peer;
}

/* --- tests --- */

static void
test_without_delay_the_same_buffer_leaves(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		arrives(&a, 10 * US * (i / 3), i, 60 + i, 0);
	arrives(&b, 77, 1000, 1514, 0);
	run_until(5 * MS);
	assert_int_equal(b.n_out, 100);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(b.out[i].id, i);
		assert_ptr_equal(b.out[i].buffer, a.in[i].buffer);
		assert_in_range(b.out[i].at_ns - a.in[i].at_ns, 0, TURN_NS);
	}
	assert_int_equal(a.n_out, 1);
	assert_ptr_equal(a.out[0].buffer, b.in[0].buffer);
}

static void
test_departures(void **state)
{
	(void)state;
	ab.delay_ns = 50 * MS + 1;
	ba.delay_ns = 3 * MS;
	for (uint32_t i = 0; i < 2000; i++)
		arrives(&a, i * 137 * US / 10 * 10, i, 60 + i % 1455, 0);
	for (uint32_t i = 0; i < 2000; i++)
		arrives(&b, i * 90 * US, i, 60, 0);
	run_until(S);
	assert_int_equal(b.n_out, 2000);
	assert_int_equal(a.n_out, 2000);
	for (uint32_t i = 0; i < 2000; i++) {
		assert_int_equal(b.out[i].id, i);
		assert_in_range(b.out[i].at_ns - a.in[i].at_ns, 50 * MS + 1, 50 * MS + 2 * TURN_NS);
		assert_in_range(a.out[i].at_ns - b.in[i].at_ns, 3 * MS, 3 * MS + 2 * TURN_NS);
	}
	assert_true(s.path[AB].pipe.late.total == 0 && s.report.late[AB].total == 2000);
	assert_true(s.report.late[AB].max <= 2 * TURN_NS);
}

/* Longer than a sleep may be, and than an int of nanoseconds. */
static void
test_long_delay(void **state)
{
	(void)state;
	ab.delay_ns = 10 * S;
	arrives(&a, 5 * S, 1, 60, 0);
	run_until(60 * S);
	assert_int_equal(b.n_out, 1);
	assert_true(b.out[0].at_ns >= 15 * S && b.out[0].at_ns < 15 * S + 2 * TURN_NS);
	assert_true(turns < 3000);
}

static void
test_slow_port_loses_nothing(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		arrives(&a, i * US, i, 60 + i % 1000, 0);
	b.full_from_ns = 100 * US;
	b.full_until_ns = 20 * MS;
	b.room = 0;
	run_until(30 * MS);
	assert_int_equal(b.n_out, 5000);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(b.out[i].id, i);
	assert_in_range(s.report.late[AB].max, 19 * MS, 21 * MS);
}

static void
test_peer_gone_and_back(void **state)
{
	(void)state;
	ab.delay_ns = MS;
	for (uint32_t i = 0; i < 100; i++)
		arrives(&a, i * 100 * US, i, 60, 0);
	for (uint32_t i = 0; i < 100; i++)
		arrives(&b, i * 100 * US + 7, i, 60, 0);
	b.down_from_ns = 4 * MS;
	b.down_until_ns = 6 * MS;
	run_until(20 * MS);
	assert_int_equal(b.n_out, 80);
	assert_int_equal(drops(AB, PIPE_DROP_PORT_DOWN), 20);
	assert_int_equal(b.out[29].id, 29);
	assert_int_equal(b.out[30].id, 50);
	assert_int_equal(a.n_out, 100); /* the other direction went on */
	assert_int_equal(drops(BA, PIPE_DROP_PORT_DOWN), 0);
	/* both ends of the mirror's rule: what left towards B, what arrived from B */
	assert_int_equal(s.mirror.stats.frames, 180);
	assert_int_equal(m.n_out, 180);
}

static void
test_queues(void **state)
{
	(void)state;
	a.queues = 8;
	b.queues = 2;
	for (uint32_t i = 0; i < 800; i++)
		arrives(&a, (i / 8) * 10 * US + i % 8, i, 60, (uint16_t)(i % 8));
	arrives(&b, 5, 9000, 60, 1);
	run_until(10 * MS);
	assert_int_equal(b.n_out, 800);
	for (uint32_t i = 0; i < 800; i++)
		assert_int_equal(b.out[i].queue, b.out[i].id % 2);
	assert_int_equal(a.out[0].queue, 1);
}

static void
test_mirror_order_is_that_of_port_b(void **state)
{
	(void)state;
	ab = (struct impair_conf){.delay_ns = 2 * MS, .drop = 0.3};
	ba = (struct impair_conf){.delay_ns = 5 * MS, .drop = 0.3};
	for (uint32_t i = 0; i < 300; i++)
		arrives(&a, i * 10 * US, i, 60, 0);
	for (uint32_t i = 0; i < 300; i++)
		arrives(&b, i * 10 * US + 5 * US, 1000 + i, 60, 0);
	run_until(20 * MS);
	/* B's own frames are seen as they arrive, lost ones too */
	assert_int_equal(m.n_out, b.n_out + 300);
	for (unsigned i = 0, out = 0, in = 0; i < m.n_out; i++) {
		if (m.out[i].id < 1000)
			assert_int_equal(m.out[i].id, b.out[out++].id);
		else
			assert_int_equal(m.out[i].id, b.in[in++].id);
		if (i)
			assert_true(m.out[i].at_ns >= m.out[i - 1].at_ns);
	}
	assert_true(b.n_out < 300 && a.n_out < 300);
}

static void
test_mirror_without_reader(void **state)
{
	(void)state;
	m.down_from_ns = 0;
	for (uint32_t i = 0; i < 50; i++)
		arrives(&a, i * US, i, 60, 0);
	run_until(MS);
	assert_int_equal(b.n_out, 50);
	assert_int_equal(s.mirror.stats.no_peer, 50);
	assert_int_equal(m.n_out, 0);
}

static void
test_mirror_full_drops_and_disturbs_nobody(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		arrives(&a, i * US, i, 60, 0);
	m.full_from_ns = 200 * US;
	m.full_until_ns = 300 * US;
	run_until(2 * MS);
	assert_int_equal(b.n_out, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(b.out[i].at_ns <= a.in[b.out[i].id].at_ns + TURN_NS);
	assert_int_equal(s.mirror.stats.drops, 100);
	assert_int_equal(s.mirror.stats.frames, 900);
}

static void
block_and_see_all(void)
{
	s.mirror.block = true;
	for (uint32_t i = 0; i < 1000; i++)
		arrives(&a, i * US, i, 60, 0);
	m.full_from_ns = 200 * US;
	m.full_until_ns = 50 * MS;
	run_until(100 * MS);
	assert_int_equal(b.n_out, 1000);
	assert_int_equal(m.n_out, 1000);
	assert_int_equal(s.mirror.stats.drops, 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(m.out[i].id, i);
}

static void
test_mirror_block_sees_all(void **state)
{
	(void)state;
	block_and_see_all();
	assert_true(turns < 3000);
	/* the one that the mirror refused had passed already; the next had to wait */
	assert_true(b.out[200].at_ns < 210 * US && b.out[201].at_ns >= 50 * MS);
}

/* The waiting began later than the turn, by the turn's own clock. */
static void
test_mirror_block_time_goes_on_within_a_turn(void **state)
{
	(void)state;
	look_ns = 50;
	block_and_see_all();
}

/* Patience is for a reader that does not read at all. */
static void
test_mirror_block_waits_for_the_slow(void **state)
{
	(void)state;
	s.mirror.block = true;
	for (uint32_t i = 0; i < 20; i++)
		arrives(&a, i, i, 60, 0);
	m.full_from_ns = 0;
	m.trickle_ns = 60 * MS;
	m.taken_ns = 0;
	run_until(2 * S);
	assert_int_equal(b.n_out, 20);
	assert_int_equal(m.n_out, 20);
	assert_int_equal(s.mirror.stats.drops, 0);
}

static void
test_mirror_block_has_patience_once(void **state)
{
	(void)state;
	s.mirror.block = true;
	for (uint32_t i = 0; i < 2000; i++)
		arrives(&a, i * MS, i, 60, 0);
	m.full_from_ns = 100 * MS;
	m.full_until_ns = 1500 * MS;
	run_until(2 * S + 100 * MS);
	assert_int_equal(b.n_out, 2000);
	/* 1 s for the first, then none until it takes one again */
	assert_in_range(b.out[101].at_ns, 1100 * MS, 1101 * MS);
	assert_in_range(b.out[1300].at_ns, 1300 * MS, 1300 * MS + TURN_NS);
	assert_in_range(s.mirror.stats.drops, 398, 1401);
	assert_int_equal(mirrored(), 2000);
	assert_int_equal(m.out[m.n_out - 1].id, 1999);
	assert_false(s.mirror.stuck);
}

static void
test_mirror_block_peer_leaves(void **state)
{
	(void)state;
	s.mirror.block = true;
	for (uint32_t i = 0; i < 100; i++)
		arrives(&a, i * US, i, 60, 0);
	m.full_from_ns = 50 * US;
	m.full_until_ns = UINT64_MAX;
	m.down_from_ns = MS;
	run_until(10 * MS);
	assert_int_equal(b.n_out, 100);
	assert_int_equal(s.mirror.stats.no_peer, 50);
}

static void
test_without_mirror(void **state)
{
	(void)state;
	s.mirror.port = NULL;
	arrives(&a, 1, 1, 60, 0);
	arrives(&b, 1, 2, 60, 0);
	run_until(MS);
	assert_int_equal(a.n_out + b.n_out, 2);
	assert_int_equal(mirrored(), 0);
}

/* Buffers run out: the mirror goes without, held frames wait. */
static void
test_few_buffers(void **state)
{
	(void)state;
	buffers_max = 40;
	ab.delay_ns = 10 * US;
	for (uint32_t i = 0; i < 20; i++)
		arrives(&a, i * US, i, 60, 0);
	run_until(MS);
	assert_int_equal(b.n_out, 20);
	assert_int_equal(mirrored(), 20);
}

static void
random_port(struct rng *r, struct dp_port *p, uint64_t span_ns)
{
	p->queues = (uint16_t)(1 + rng_below(r, 8));
	p->full_from_ns = rng_below(r, span_ns);
	p->full_until_ns = p->full_from_ns + rng_below(r, span_ns / 4);
	p->room = (unsigned)rng_below(r, 3);
	p->down_from_ns = rng_below(r, span_ns);
	p->down_until_ns = p->down_from_ns + rng_below(r, span_ns / 4);
}

static void
random_traffic(struct rng *r, struct dp_port *p, unsigned n)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		arrives(p, at, i, (uint32_t)rng_below(r, 1600), (uint16_t)rng_below(r, p->queues));
		at += rng_chance(r, 0.01) ? rng_below(r, 100 * US) : rng_below(r, 500);
	}
}

static void
test_random_everything(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rng r;

		rng_seed(&r, seed, 0);
		setup(NULL);
		random_port(&r, &a, 5 * MS);
		random_port(&r, &b, 5 * MS);
		random_port(&r, &m, 5 * MS);
		s.mirror.block = rng_chance(&r, 0.5);
		ab = (struct impair_conf){rng_below(&r, MS), rng_unit(&r) / 4};
		ba = (struct impair_conf){rng_below(&r, 2) * MS, 0};
		random_traffic(&r, &a, 4000);
		random_traffic(&r, &b, 4000);
		run_until(S);
		assert_int_equal(s.path[AB].pipe.stats.rx.frames, 4000);
		assert_int_equal(s.path[BA].pipe.stats.rx.frames, 4000);
		assert_int_equal(s.path[AB].pipe.stats.tx.frames, b.n_out);
		assert_int_equal(s.path[BA].pipe.stats.tx.frames, a.n_out);
		assert_int_equal(mirrored(), b.n_out + 4000);
		assert_int_equal(s.mirror.stats.frames, m.n_out);
	}
}

/* The last one: a stop is for good. */
static void
test_stop_drains(void **state)
{
	(void)state;
	ab.delay_ns = 500 * MS;
	for (uint32_t i = 0; i < 100; i++)
		arrives(&a, i, i, 60, 0);
	arrives(&a, 200 * MS, 100, 60, 0);
	stop_at_ns = 100 * MS;
	run_until(UINT64_MAX);
	assert_int_equal(b.n_out, 100);
	assert_int_equal(s.path[AB].pipe.stats.rx.frames, 100); /* nothing more is received */
	assert_in_range(now, 500 * MS, 501 * MS);
}

static void
test_drain_has_an_end(void **state)
{
	(void)state;
	ab.delay_ns = 500 * MS;
	ba.delay_ns = 5 * S;
	for (uint32_t i = 0; i < 100; i++)
		arrives(&a, i, i, 60, 0);
	for (uint32_t i = 0; i < 100; i++)
		arrives(&b, i, i, 60, 0);
	run_until(MS);
	assert_int_equal(b.n_out, 100);
	assert_int_equal(a.n_out, 0);
	assert_int_equal(pipe_held(&s.path[BA].pipe).frames, 100);
	assert_in_range(now, 1001 * MS, 1002 * MS);
	assert_true(turns < 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_without_delay_the_same_buffer_leaves, setup),
	    cmocka_unit_test_setup(test_departures, setup),
	    cmocka_unit_test_setup(test_long_delay, setup),
	    cmocka_unit_test_setup(test_slow_port_loses_nothing, setup),
	    cmocka_unit_test_setup(test_peer_gone_and_back, setup),
	    cmocka_unit_test_setup(test_queues, setup),
	    cmocka_unit_test_setup(test_mirror_order_is_that_of_port_b, setup),
	    cmocka_unit_test_setup(test_mirror_without_reader, setup),
	    cmocka_unit_test_setup(test_mirror_full_drops_and_disturbs_nobody, setup),
	    cmocka_unit_test_setup(test_mirror_block_sees_all, setup),
	    cmocka_unit_test_setup(test_mirror_block_time_goes_on_within_a_turn, setup),
	    cmocka_unit_test_setup(test_mirror_block_waits_for_the_slow, setup),
	    cmocka_unit_test_setup(test_mirror_block_has_patience_once, setup),
	    cmocka_unit_test_setup(test_mirror_block_peer_leaves, setup),
	    cmocka_unit_test_setup(test_without_mirror, setup),
	    cmocka_unit_test_setup(test_few_buffers, setup),
	    cmocka_unit_test_setup(test_random_everything, setup),
	    cmocka_unit_test_setup(test_drain_has_an_end, setup),
	    cmocka_unit_test_setup(test_stop_drains, setup),
	};

	devnull = fopen("/dev/null", "w");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
