/* test_mcc_results.c - counters add up or say that they do not; lost connections come back in order and in time. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcc/reopen.h"
#include "mcc/results.h"

#define MS UINT64_C(1000000)

enum { BOTH = 1 << CLASS_HEARTBEAT | 1 << CLASS_REQUEST };

static struct counters
sample(void)
{
	return (struct counters){
	    .opened = 100,
	    .reopened = 9,
	    .connected = 60,
	    .ended = {1, 2, 3, 4, 5, 6, 7},
	    .sent = {1000, 50},
	    .settled = {900, 40},
	    .lost = {60, 4},
	    .opening = 30,
	    .established = 42,
	    .outstanding = {40, 6},
	};
}

static void
every_term_counts(void **state)
{
	struct counters c = sample();
	uint64_t *const terms[] = {
	    &c.opened,	 &c.ended[0],	    &c.ended[1],       &c.ended[2],   &c.ended[3],
	    &c.ended[4], &c.ended[5],	    &c.ended[6],       &c.opening,    &c.established,
	    &c.sent[0],	 &c.sent[1],	    &c.settled[0],     &c.settled[1], &c.lost[0],
	    &c.lost[1],	 &c.outstanding[0], &c.outstanding[1],
	};

	(void)state;
	assert_true(counters_add_up(&c, BOTH));
	for (unsigned i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		++*terms[i];
		assert_false(counters_add_up(&c, BOTH));
		--*terms[i];
	}
	c.settled[CLASS_HEARTBEAT] = 0; /* cannot be seen */
	assert_false(counters_add_up(&c, BOTH));
	assert_true(counters_add_up(&c, 1 << CLASS_REQUEST));
	assert_int_equal(counters_lost_connections(&c), 21);
}

static void
sums_of_sums_add_up(void **state)
{
	struct counters a = sample(), b = sample();

	(void)state;
	a.unsent = 3;
	b.refusals = 4;
	counters_add(&a, &b);
	assert_true(counters_add_up(&a, BOTH));
	assert_int_equal(a.opened, 200);
	assert_int_equal(a.reopened, 18);
	assert_int_equal(a.connected, 120);
	assert_int_equal(a.established, 84);
	assert_int_equal(a.unsent, 3);
	assert_int_equal(a.refusals, 4);
}

static void
lost_connections_return_in_order(void **state)
{
	struct reopen r;
	void *mem = malloc(reopen_bytes(4));

	(void)state;
	reopen_init(&r, mem, 4, 1000 * MS, 5 * MS);
	assert_true(reopen_due(&r) == UINT64_MAX);
	for (unsigned round = 0; round < 3; round++) {
		const uint64_t now = round * 10000 * MS;

		for (uint32_t i = 0; i < 4; i++)
			reopen_add(&r, 7 * i + round, now + i * MS);
		for (uint32_t i = 0; i < 4; i++) {
			/* A second after they were lost, 5 ms apart. */
			assert_true(reopen_due(&r) == now + 1000 * MS + i * 5 * MS);
			assert_int_equal(reopen_take(&r, reopen_due(&r)), 7 * i + round);
		}
		assert_true(reopen_due(&r) == UINT64_MAX);
	}
	free(mem);
}

/* The ring is as large as the number of connections, however the losses come. */
static void
the_ring_goes_round(void **state)
{
	struct reopen r;
	void *mem = malloc(reopen_bytes(3));

	(void)state;
	reopen_init(&r, mem, 3, 0, 0);
	reopen_add(&r, 0, 0);
	reopen_add(&r, 1, 0);
	for (uint32_t i = 2; i < 20; i++) {
		reopen_add(&r, i, 0);
		assert_int_equal(reopen_take(&r, 0), i - 2);
	}
	free(mem);
}

static void
latencies_merge_by_class(void **state)
{
	struct latencies *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	(void)state;
	latencies_reset(a);
	latencies_reset(b);
	hist_record(&b->connect, 1);
	hist_record(&b->intended[CLASS_REQUEST], 10);
	hist_record(&b->departure[CLASS_HEARTBEAT], 20);
	latencies_merge(a, b);
	latencies_merge(a, b);
	assert_int_equal(a->connect.total, 2);
	assert_int_equal(a->intended[CLASS_REQUEST].max, 10);
	assert_int_equal(a->intended[CLASS_HEARTBEAT].total, 0);
	assert_int_equal(a->departure[CLASS_HEARTBEAT].min, 20);
	latencies_reset(b);
	assert_int_equal(b->connect.total + b->intended[CLASS_REQUEST].total, 0);
	assert_true(b->departure[CLASS_HEARTBEAT].min == UINT64_MAX);
	free(a);
	free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_term_counts),
	    cmocka_unit_test(sums_of_sums_add_up),
	    cmocka_unit_test(lost_connections_return_in_order),
	    cmocka_unit_test(the_ring_goes_round),
	    cmocka_unit_test(latencies_merge_by_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
