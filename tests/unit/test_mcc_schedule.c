/* test_mcc_schedule.c - every connection is opened and every message is due exactly when it should, in virtual time. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcc/schedule.h"

#define S     UINT64_C(1000000000)
#define START UINT64_C(12345678901)

static struct schedule_conf
conf(uint32_t conns, uint32_t burst, uint64_t epoch_ns)
{
	return (struct schedule_conf){.conns = conns,
				      .burst = burst,
				      .epoch_ns = epoch_ns,
				      .setup_ns = 2 * S,
				      .wait_ns = S,
				      .request_ppb = 50000000,
				      .seed = 1,
				      .shards = 1};
}

static void
the_set_up_is_even_and_complete(void **state)
{
	static const uint32_t conns[] = {1, 2, 3, 7, 10, 999, 100003};
	struct schedule s;

	(void)state;
	for (unsigned i = 0; i < sizeof(conns) / sizeof(*conns); i++) {
		struct schedule_conf c = conf(conns[i], 1, S);

		schedule_init(&s, &c, START);
		for (uint32_t j = 0; j < conns[i]; j++) {
			assert_int_equal(schedule_open_due(&s), START + 2 * S * j / conns[i]);
			assert_int_equal(schedule_open(&s, START), j);
		}
		assert_true(schedule_open_due(&s) == UINT64_MAX);
	}
}

/* 200 s * 10,367,999 is above 2^60: no overflow, and the last one is just before the end. */
static void
the_seeds_set_up_does_not_overflow(void **state)
{
	struct schedule_conf c = conf(10368000, 172800, 60 * S);
	struct schedule s;

	(void)state;
	c.setup_ns = 200 * S;
	schedule_init(&s, &c, START);
	s.next_open = 10367999;
	assert_true(schedule_open_due(&s) == START + 199999980709);
	assert_int_equal(s.blocks, 60);
}

/* All at once, however long that takes; the load waits for the last. */
static void
without_set_up_time_all_are_due_at_once(void **state)
{
	struct schedule_conf c = conf(5, 2, 3 * S);
	struct schedule_message m;
	struct schedule s;

	(void)state;
	c.setup_ns = 0;
	schedule_init(&s, &c, START);
	for (uint32_t j = 0; j < 5; j++) {
		assert_true(schedule_open_due(&s) == START);
		assert_true(schedule_message_due(&s) == UINT64_MAX && s.load_ns == UINT64_MAX);
		schedule_open(&s, START + (j + 1) * S);
	}
	assert_true(schedule_open_due(&s) == UINT64_MAX);
	for (uint32_t j = 0; j < 15; j++) {
		assert_true(schedule_message_due(&s) ==
			    START + 6 * S + (j / 5 * 3 + j % 5 / 2) * S);
		schedule_message(&s, &m);
		assert_int_equal(m.number, j % 5);
		schedule_advance(&s);
	}
}

/* c = 10, b = 3, e = 7 s: blocks of 3 3 3 1, due every 1.75 s. */
static void
awkward_numbers_leave_nobody_out(void **state)
{
	const struct schedule_conf c = conf(10, 3, 7 * S);
	struct schedule_message m;
	struct schedule s;

	(void)state;
	schedule_init(&s, &c, START);
	for (uint32_t epoch = 0; epoch < 5; epoch++) {
		for (uint32_t j = 0; j < 10; j++) {
			const uint64_t due = START + 3 * S + epoch * 7 * S + j / 3 * 1750000000ull;

			assert_true(schedule_message_due(&s) == due);
			schedule_message(&s, &m);
			assert_int_equal(m.number, j);
			assert_int_equal(m.epoch, epoch);
			assert_true(m.due_ns == due);
			assert_true(schedule_due_of(&s, j, epoch) == due);
			schedule_advance(&s);
		}
	}
}

/* The k-th block is due at k * epoch / blocks rounded down, however badly the epoch divides; no error adds up. */
static void
times_are_exact_when_the_epoch_does_not_divide(void **state)
{
	const uint64_t epoch_ns = 1000000007;
	const struct schedule_conf c = conf(1000, 7, epoch_ns);
	struct schedule_message m;
	struct schedule s;

	(void)state;
	schedule_init(&s, &c, START);
	assert_int_equal(s.blocks, 143);
	for (uint64_t i = 0; i < 50 * 1000; i++) {
		const uint64_t block = i % 1000 / 7;

		schedule_message(&s, &m);
		if (m.number != i % 1000 ||
		    m.due_ns != START + 3 * S + i / 1000 * epoch_ns + block * epoch_ns / 143)
			fail_msg("message %u", (unsigned)i);
		schedule_advance(&s);
	}
}

static unsigned
requests_in_epoch(struct schedule *s, uint32_t conns, uint8_t *who)
{
	struct schedule_message m;
	unsigned n = 0;

	for (uint32_t j = 0; j < conns; j++) {
		schedule_message(s, &m);
		n += m.request;
		who[m.number] = m.request;
		schedule_advance(s);
	}
	return n;
}

static void
requests_are_counted_over_all_bursts(void **state)
{
	uint8_t who[103], first[103];
	struct schedule_conf c = conf(103, 10, S);
	struct schedule s;
	unsigned n = 0;

	(void)state;
	schedule_init(&s, &c, START);
	for (unsigned epoch = 1; epoch <= 100; epoch++) {
		n += requests_in_epoch(&s, 103, who);
		assert_int_equal(n, epoch * 103 / 20);
		if (epoch == 1)
			memcpy(first, who, sizeof(first));
	}
	assert_memory_not_equal(first, who, sizeof(who)); /* drawn anew each time */
}

static void
a_connection_may_keep_its_class(void **state)
{
	uint8_t who[103], first[103];
	struct schedule_conf c = conf(103, 10, S);
	struct schedule s;

	(void)state;
	c.keep_class = true;
	schedule_init(&s, &c, START);
	assert_int_equal(requests_in_epoch(&s, 103, first), 5);
	for (unsigned epoch = 1; epoch <= 20; epoch++) {
		assert_int_equal(requests_in_epoch(&s, 103, who), 5);
		assert_memory_equal(first, who, sizeof(who));
	}
}

/* N shards are exactly one big one: same times, same classes, each message once. */
static void
shards_make_up_the_whole(void **state)
{
	struct schedule_conf c = conf(101, 7, S);
	struct schedule whole, part[5];

	(void)state;
	for (uint32_t shards = 1; shards <= 5; shards++) {
		schedule_init(&whole, &c, START);
		for (uint32_t i = 0; i < shards; i++) {
			struct schedule_conf mine = c;

			mine.shard = i;
			mine.shards = shards;
			schedule_init(&part[i], &mine, START);
		}
		for (unsigned i = 0; i < 20 * 101; i++) {
			struct schedule_message a, b;

			schedule_message(&whole, &a);
			schedule_message(&part[a.number % shards], &b);
			if (a.number != b.number || a.epoch != b.epoch || a.due_ns != b.due_ns ||
			    a.request != b.request)
				fail_msg("%u shards, message %u", shards, i);
			schedule_advance(&whole);
			schedule_advance(&part[a.number % shards]);
		}
		for (uint32_t j = 0; j < 101; j++) {
			assert_true(schedule_open_due(&whole) ==
				    schedule_open_due(&part[j % shards]));
			assert_int_equal(schedule_open(&whole, START),
					 schedule_open(&part[j % shards], START));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_set_up_is_even_and_complete),
	    cmocka_unit_test(the_seeds_set_up_does_not_overflow),
	    cmocka_unit_test(without_set_up_time_all_are_due_at_once),
	    cmocka_unit_test(awkward_numbers_leave_nobody_out),
	    cmocka_unit_test(times_are_exact_when_the_epoch_does_not_divide),
	    cmocka_unit_test(requests_are_counted_over_all_bursts),
	    cmocka_unit_test(a_connection_may_keep_its_class),
	    cmocka_unit_test(shards_make_up_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
