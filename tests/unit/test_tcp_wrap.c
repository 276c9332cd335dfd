/* test_tcp_wrap.c - numbers that wrap; PAWS (RFC 9293 3.4, 7323 5). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* --- wrap of sequence numbers --- */

/* In order, out of order, overlap, dup, FIN; both directions; every number across the wrap. */
static void
exchange(struct kit *k)
{
	in(k, ". 1(1000) ack 1");
	in(k, ". 2001(1000) ack 1");
	in(k, ". 501(1000) ack 1");
	in(k, ". 1(1000) ack 1");
	in(k, ". 1501(500) ack 1");
	assert_int_equal(k->rx_len, 3000);
	kit_send(k, 3000);
	in(k, ". 3001 ack 1001");
	in(k, ". 3001 ack 2501");
	in(k, ". 3001 ack 3001");
	kit_close(k);
	in(k, "F. 3101(100) ack 3001");
	in(k, ". 3001(100) ack 3002");
	assert_int_equal(k->rx_len, 3200);
	expect_state(k, TCP_TIME_WAIT);
	assert_int_equal(k->sent[k->n_sent - 1].seg.ack - k->irs, 3202);
	expect_idle(k);
}

static const int wrap_offsets[] = {0,	 1,    2,    3,	   999,	 1000, 1001,
				   1459, 1460, 1461, 2000, 3000, 3001, 3100};

static void
c13_receive_wrap(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(wrap_offsets); i++) {
		struct kit_opts o = kit_plain();
		struct kit *k;

		o.irs = (uint32_t)-wrap_offsets[i] + (wrap_offsets[i] == 0 ? UINT32_MAX : 0);
		k = kit_accepted(&o);
		exchange(k);
		kit_delete(k);
	}
}

static void
c13_send_wrap(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(wrap_offsets); i++) {
		struct kit_opts o = kit_plain();
		struct kit *k;

		o.start = kit_start_for_iss((uint32_t)-wrap_offsets[i]);
		k = kit_accepted(&o);
		assert_int_equal(k->iss, (uint32_t)-wrap_offsets[i]);
		exchange(k);
		kit_delete(k);
	}
}

/* --- PAWS (RFC 7323 5) --- */

static void
c14_paws(void **state)
{
	struct kit *k = kit_accepted(NULL);
	const uint32_t t = kit_peer_tsval(k);

	(void)state;
	in(k, ". 1(10) ack 1 ts %u:0", t - 1);
	expect(k, ". 1 ack 1");
	assert_int_equal(k->rx_len, 0);
	assert_int_equal(k->ctx.stats.drop_paws, 1);
	in(k, "F. 1 ack 1 ts %u:0", t - 0x7fffffff);
	expect(k, ". 1 ack 1");
	in(k, ". 1(10) ack 1 ts %u:0", t); /* the same is fine */
	assert_int_equal(k->rx_len, 10);
	in(k, ". 11(10) ack 1 ts %u:0", t + 0x7fffffff); /* across the wrap */
	assert_int_equal(k->rx_len, 20);
	kit_delete(k);
}

static void
c14_paws_does_not_stop_resets(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	in(k, "R 1 ts 1:1");
	expect_gone(k);
	kit_delete(k);
}

/* RFC 7323 5.5: after 24 days of silence the peer's clock may be anywhere. */
static void
c14_paws_idle_24_days(void **state)
{
	struct kit *k = kit_accepted(NULL);
	const uint32_t t = kit_peer_tsval(k);
	const uint64_t day = 24 * 3600 * KIT_S;

	(void)state;
	kit_run_until(k, k->now + 23 * day);
	in(k, ". 1(10) ack 1 ts %u:0", t - 1);
	assert_int_equal(k->rx_len, 0);
	kit_run_until(k, k->now + day + day / 2);
	in(k, ". 1(10) ack 1 ts %u:0", t - 1);
	assert_int_equal(k->rx_len, 10);
	in(k, ". 11(10) ack 1 ts %u:0", t);
	assert_int_equal(k->rx_len, 20);
	kit_delete(k);
}

/* RFC 7323 3.2: dropped without a word. */
static void
c15_timestamp_missing(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	in(k, ". 1(10) ack 1 nots");
	expect_silence(k);
	assert_int_equal(k->rx_len, 0);
	in(k, ". 1(10) ack 1");
	assert_int_equal(k->rx_len, 10);
	in(k, "R 11 nots"); /* not asked of a RST */
	expect_gone(k);
	kit_delete(k);
}

/* A segment that is not acceptable otherwise must not move TS.Recent: else a blind attacker could
 * make PAWS drop all that is real. */
static void
ts_recent_only_from_acceptable_segments(void **state)
{
	static const char *const forged[] = {". 100000(10) ack 1", ". 1(10) ack 500",
					     ". -20(10) ack 1", ". 1(10) ack -200000", "S 1(10)"};

	(void)state;
	for (size_t i = 0; i < N_OF(forged); i++) {
		struct kit *k = kit_accepted(NULL);

		in(k, "%s ts %u:0", forged[i], kit_peer_tsval(k) + 1000000);
		in(k, ". 1(10) ack 1");
		assert_int_equal(k->rx_len, 10);
		kit_delete(k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(c13_receive_wrap),
	    cmocka_unit_test(c13_send_wrap),
	    cmocka_unit_test(c14_paws),
	    cmocka_unit_test(c14_paws_does_not_stop_resets),
	    cmocka_unit_test(c14_paws_idle_24_days),
	    cmocka_unit_test(c15_timestamp_missing),
	    cmocka_unit_test(ts_recent_only_from_acceptable_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
