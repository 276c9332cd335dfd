/* test_tcp_paws.c - timestamps over hours and weeks: PAWS, echoes, wraps (RFC 7323 4, 5). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

#define DAY (24 * 3600 * KIT_S)

static struct kit *
stamped(void)
{
	struct kit_opts o = kit_plain();

	o.no_ts = false;
	return kit_accepted(&o);
}

/* Time goes by in visits, as the host's sweep makes them. */
static void
wait_swept(struct kit *k, uint64_t span)
{
	const uint64_t end = k->now + span;

	while (k->now < end) {
		k->now += end - k->now < DAY / 2 ? end - k->now : DAY / 2;
		assert_false(tcp_sweep(&k->ctx, k->t, k->now));
	}
}

/* --- 5.3: PAWS --- */

/* C14 */
static void
c14_older_is_dropped_and_answered(void **state)
{
	struct kit *k = stamped();
	const uint32_t ts = k->t->ts_recent;

	(void)state;
	in(k, ". 1(10) ack 1 ts %u:0", ts + 100);
	expect_after(k, 40, 2, ". 1 ack 11");
	in(k, ". 11(10) ack 1 ts %u:0", ts + 99);
	expect(k, ". 1 ack 11");
	in(k, ". 11(10) ack 1 ts %u:0", ts + 100); /* the same is not older */
	expect_after(k, 40, 2, ". 1 ack 21");
	in(k, ". 21(10) ack 1 ts %u:0", ts + 100 + 0x7fffffff);
	expect_after(k, 40, 2, ". 1 ack 31");
	in(k, ". 31(10) ack 1 ts %u:0", ts + 100 + 0x7ffffffe);
	expect(k, ". 1 ack 31"); /* dropped */
	assert_int_equal(k->ctx.stats.drop_paws, 2);
	assert_int_equal(k->rx_len, 30);
	kit_delete(k);
}

/* The timestamp's own wrap is nothing special. */
static void
timestamps_wrap(void **state)
{
	struct kit *k = stamped();
	uint32_t ts = k->t->ts_recent;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		ts += 0x30000000;
		in(k, ". %u(10) ack 1 ts %u:0", 1 + 10 * i, ts);
	}
	assert_int_equal(k->rx_len, 200);
	assert_int_equal(k->ctx.stats.drop_paws, 0);
	kit_delete(k);
}

/* 5.2: a RST is not subject to it. */
static void
reset_is_exempt(void **state)
{
	struct kit *k = stamped();

	(void)state;
	in(k, "R 1 ts 1:0");
	expect_gone(k);
	kit_delete(k);
	k = stamped();
	in(k, "R 1 nots");
	expect_gone(k);
	kit_delete(k);
}

/* C15; 3.2: once agreed on, a segment without is dropped, silently. */
static void
c15_missing_timestamp(void **state)
{
	struct kit *k = stamped();

	(void)state;
	in(k, ". 1(10) ack 1 nots");
	expect_silence_for(k, 1000);
	assert_int_equal(k->rx_len, 0);
	assert_int_equal(k->ctx.stats.drop_paws, 1);
	in(k, ". 1(10) ack 1");
	expect_after(k, 40, 2, ". 1 ack 11");
	kit_delete(k);
}

/* 3.2: one that was not agreed on is not looked at. */
static void
timestamp_without_agreement(void **state)
{
	const struct kit_opts o = kit_plain();
	struct kit *k = kit_accepted(&o);

	(void)state;
	in(k, ". 1(10) ack 1 ts 1000:0");
	in(k, ". 11(10) ack 1 ts 1:0");
	expect(k, ". 1 ack 21 nots");
	kit_delete(k);
}

/* --- 4.3: which one is echoed --- */

/* Case A of the RFC: ACKs are delayed, the first of the segments counts. */
static void
delayed_ack_echoes_the_first(void **state)
{
	struct kit *k = stamped();
	const uint32_t ts = k->t->ts_recent;

	(void)state;
	in(k, ". 1(1000) ack 1 ts %u:0", ts + 1);
	in(k, ". 1001(1000) ack 1 ts %u:0", ts + 2);
	expect(k, ". 1 ack 2001 ts %u:%u", (uint32_t)(k->now / KIT_MS) + k->t->ts_offset, ts + 1);
	in(k, ". 2001(1000) ack 1 ts %u:0", ts + 3);
	expect_after(k, 40, 2, ". 1 ack 3001");
	assert_int_equal(k->sent[k->next - 1].seg.tsecr, ts + 3);
	kit_delete(k);
}

/* Case B: a hole. What is out of order does not count, what fills it does. */
static void
hole_echoes_the_last_in_order(void **state)
{
	struct kit *k = stamped();
	const uint32_t ts = k->t->ts_recent;

	(void)state;
	in(k, ". 1(100) ack 1 ts %u:0", ts + 1);
	kit_run_ms(k, 50);
	in(k, ". 201(100) ack 1 ts %u:0", ts + 3);
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, ts + 1);
	in(k, ". 301(100) ack 1 ts %u:0", ts + 4);
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, ts + 1);
	in(k, ". 101(100) ack 1 ts %u:0", ts + 2);
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, ts + 2);
	assert_int_equal(k->sent[k->n_sent - 1].seg.ack - k->irs, 401);
	kit_delete(k);
}

/* A duplicate left of Last.ACK.sent brings its own: the sender measures from the retransmission. */
static void
duplicate_is_echoed(void **state)
{
	struct kit *k = stamped();
	const uint32_t ts = k->t->ts_recent;

	(void)state;
	in(k, ". 1(100) ack 1 ts %u:0", ts + 1);
	kit_run_ms(k, 50);
	in(k, ". 51(100) ack 1 ts %u:0", ts + 300); /* half of it old */
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, ts + 300);
	kit_delete(k);
}

/* What is rejected changes nothing (R2 comes before R3 in 5.3). */
static void
rejected_is_not_echoed(void **state)
{
	static const char *const segments[] = {
	    ". 900001(10) ack 1", /* beyond the window */
	    ". -5000(10) ack 1",  /* long ago */
	    ". 1(10) ack 900000", /* acknowledges what was never sent */
	    "0 1(10)",		  /* no ACK */
	    "S. 1 ack 1",	  /* RFC 5961 */
	    ". 101(10) ack 1",	  /* out of order */
	};

	(void)state;
	for (unsigned i = 0; i < N_OF(segments); i++) {
		struct kit *k = stamped();
		const uint32_t ts = k->t->ts_recent;

		in(k, "%s ts %u:0", segments[i], ts + 1000000);
		assert_int_equal(k->t->ts_recent, ts);
		kit_delete(k);
	}
}

/* RFC 7323 3.2: every segment but RST carries them, TSecr is what came last; on RST they may be. */
static void
b8_every_segment(void **state)
{
	struct kit *k = stamped();
	const uint32_t ts = k->t->ts_recent;

	(void)state;
	kit_send(k, 1976);
	in(k, ". 1(10) ack 1977 ts %u:%u", ts + 10, k->ts_ecr);
	kit_close(k);
	kit_run_ms(k, 100);
	for (unsigned i = 0; i < k->n_sent; i++)
		assert_true(k->sent[i].seg.opts & TCP_OPT_TIMESTAMP);
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, ts + 10);
	kit_delete(k);
}

/* --- 5.5: 24 days --- */

/* The peer's clock may have wrapped, or seem to have gone back, as long as nothing was heard of it.
 */
static void
idle_for_days(void **state)
{
	static const struct {
		unsigned days;
		bool taken;
	} rows[] = {{1, false}, {10, false}, {23, false}, {24, true},  {25, true},   {26, true},
		    {30, true}, {40, true},  {49, true},  {50, true},  {60, true},   {75, true},
		    {98, true}, {99, true},  {100, true}, {200, true}, {1000, true}, {10000, true}};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct kit *k = stamped();
		const uint32_t ts = k->t->ts_recent;

		assert_false(tcb_is_active(k->t));
		wait_swept(k, rows[i].days * DAY);
		in(k, ". 1(10) ack 1 ts %u:0", ts - 1000);
		if (k->rx_len != (rows[i].taken ? 10 : 0))
			fail_msg("after %u days", rows[i].days);
		if (rows[i].taken) /* and it is the new measure */
			in(k, ". 11(10) ack 1 ts %u:0", ts - 1001);
		assert_int_equal(k->rx_len, rows[i].taken ? 10 : 0);
		kit_delete(k);
	}
}

/* The real clock of a peer after 60 days of silence: past its wrap, and before ours. */
static void
real_clock_after_60_days(void **state)
{
	struct kit *k = stamped();

	(void)state;
	wait_swept(k, 60 * DAY);
	in(k, ". 1(10) ack 1");
	in(k, ". 11(10) ack 1");
	expect(k, ". 1 ack 21");
	assert_int_equal(k->ctx.stats.drop_paws, 0);
	kit_delete(k);
}

/* We speak first: that must not make the old stamp look young. */
static void
sending_after_60_days(void **state)
{
	struct kit *k = stamped();

	(void)state;
	wait_swept(k, 60 * DAY);
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1");
	in(k, ". 1 ack 101 ts %u:%u", k->t->ts_recent - 5, k->ts_ecr);
	assert_int_equal(k->t->snd_una - k->iss, 101);
	assert_int_equal(k->ctx.stats.drop_paws, 0);
	kit_delete(k);
}

/* With an active block kept for what the user has not read: its clock has 64 bits, and needs no
 * visits. */
static void
unread_for_60_days(void **state)
{
	struct kit *k = stamped();

	(void)state;
	k->slow_reader = true;
	in(k, ". 1(10) ack 1");
	kit_run_until(k, k->now + 60 * DAY);
	kit_forget(k);
	in(k, ". 11(10) ack 1 ts %u:0", k->t->ts_recent - 5);
	assert_int_equal(k->rx_len, 20);
	kit_delete(k);
}

/* Visits alone make nothing old: a connection that is used once a week keeps its guard. */
static void
used_once_a_week(void **state)
{
	struct kit *k = stamped();

	(void)state;
	for (unsigned week = 0; week < 10; week++) {
		wait_swept(k, 7 * DAY);
		in(k, ". %u(10) ack 1", 1 + 10 * week);
		kit_run_ms(k, 50);
		kit_forget(k);
	}
	assert_int_equal(k->rx_len, 100);
	in(k, ". 101(10) ack 1 ts %u:0", k->t->ts_recent - 1);
	assert_int_equal(k->rx_len, 100);
	assert_int_equal(k->ctx.stats.drop_paws, 1);
	kit_delete(k);
}

/* The peer's keepalive probes are all that is heard of it: their timestamps are news, or in four
 * weeks it would look old. */
static void
probed_for_60_days(void **state)
{
	struct kit *k = stamped();

	(void)state;
	for (unsigned i = 0; i < 60 * 12; i++) {
		wait_swept(k, 2 * 3600 * KIT_S);
		in(k, ". 0 ack 1");
		expect(k, ". 1 ack 1");
		kit_forget(k);
	}
	in(k, ". 1(10) ack 1");
	assert_int_equal(k->rx_len, 10);
	assert_int_equal(k->ctx.stats.drop_paws, 0);
	kit_delete(k);
}

/* Our own probes, answered. */
static void
probing_for_60_days(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.no_ts = false;
	o.profile.keepalive_ns = DAY;
	k = kit_accepted(&o);
	for (unsigned i = 0; i < 60; i++) {
		expect_after(k, 24 * 3600e3, 2, ". 0 ack 1");
		in(k, ". 1 ack 1");
		kit_forget(k);
	}
	in(k, ". 1(10) ack 1");
	assert_int_equal(k->rx_len, 10);
	assert_int_equal(k->ctx.stats.drop_paws, 0);
	kit_delete(k);
}

/* A ghost of the connection's youth finds a guard as long as there is one: 23 days. */
static void
sixty_days_of_use(void **state)
{
	struct kit *k = stamped();
	uint32_t first = k->t->ts_recent, at = 1;

	(void)state;
	for (unsigned day = 0; day < 60; day++) {
		wait_swept(k, DAY);
		in(k, ". %u(10) ack 1", at);
		kit_run_ms(k, 50);
		at += 10;
		kit_forget(k);
		if (day < 23) {
			in(k, ". %u(10) ack 1 ts %u:0", at, first);
			expect(k, ". 1 ack %u", at);
		}
		kit_forget(k);
		assert_int_equal(k->rx_len, at - 1);
	}
	kit_delete(k);
}

/* Between the 24th day and the clock's end no visit is needed: what is sent then takes note itself.
 */
static void
sending_after_24_days(void **state)
{
	struct kit *k = stamped();

	(void)state;
	k->now += 24 * DAY + DAY / 2;
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1");
	in(k, ". 1 ack 101 ts %u:%u", k->t->ts_recent - 5, k->ts_ecr);
	assert_int_equal(k->ctx.stats.drop_paws, 0);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(c14_older_is_dropped_and_answered),
	    cmocka_unit_test(timestamps_wrap),
	    cmocka_unit_test(reset_is_exempt),
	    cmocka_unit_test(c15_missing_timestamp),
	    cmocka_unit_test(timestamp_without_agreement),
	    cmocka_unit_test(delayed_ack_echoes_the_first),
	    cmocka_unit_test(hole_echoes_the_last_in_order),
	    cmocka_unit_test(duplicate_is_echoed),
	    cmocka_unit_test(rejected_is_not_echoed),
	    cmocka_unit_test(b8_every_segment),
	    cmocka_unit_test(idle_for_days),
	    cmocka_unit_test(real_clock_after_60_days),
	    cmocka_unit_test(sending_after_60_days),
	    cmocka_unit_test(unread_for_60_days),
	    cmocka_unit_test(used_once_a_week),
	    cmocka_unit_test(probed_for_60_days),
	    cmocka_unit_test(probing_for_60_days),
	    cmocka_unit_test(sixty_days_of_use),
	    cmocka_unit_test(sending_after_24_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
