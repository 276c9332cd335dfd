/* test_tcp_dsack.c - octets received twice are reported (RFC 2883). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* RFC 2883 4.1.1: the ACKs of two segments are lost, and the first comes again. */
static void
full_duplicate_of_delivered(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(500) ack 1");
	in(k, ". 501(500) ack 1");
	expect(k, ". 1 ack 1001 nosack");
	in(k, ". 1(500) ack 1");
	expect(k, ". 1 ack 1001 sack 1-501");
	expect_silence_for(k, 1000);
	assert_int_equal(k->rx_len, 1000);
	assert_int_equal(k->ctx.stats.duplicate_octets_in, 500);
	kit_delete(k);
}

/* Not delayed, and each duplicate in one ACK only, also when several come in one burst. */
static void
each_one_at_once(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(1000) ack 1");
	kit_run_ms(k, 100);
	kit_forget(k);
	k->corked = true;
	in(k, ". 1(100) ack 1");
	in(k, ". 101(100) ack 1");
	in(k, ". 1(100) ack 1");
	expect(k, ". 1 ack 1001 sack 1-101");
	expect(k, ". 1 ack 1001 sack 101-201");
	expect(k, ". 1 ack 1001 sack 1-101");
	kit_output(k);
	expect_silence_for(k, 1000);
	k->corked = false;
	in(k, ". 1001(100) ack 1");
	expect_after(k, 40, 2, ". 1 ack 1101 nosack");
	kit_delete(k);
}

/* 4.1.2: a segment and a duplicate arrive, with a hole before them: the island follows the
 * duplicate. */
static void
duplicate_of_held(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 501(500) ack 1");
	expect(k, ". 1 ack 1 sack 501-1001");
	in(k, ". 1001(500) ack 1");
	expect(k, ". 1 ack 1 sack 501-1501");
	in(k, ". 1001(500) ack 1");
	expect(k, ". 1 ack 1 sack 1001-1501,501-1501");
	assert_int_equal(k->ctx.stats.duplicate_octets_in, 500);
	kit_delete(k);
}

/* 4.1.3: the duplicate is below the ACK while something else is held. */
static void
duplicate_of_delivered_with_an_island(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(500) ack 1");
	in(k, ". 1001(500) ack 1");
	expect(k, ". 1 ack 501 sack 1001-1501");
	in(k, ". 1(500) ack 1");
	expect(k, ". 1 ack 501 sack 1-501,1001-1501");
	kit_delete(k);
}

/* 4.2.1: half of the segment is old, half of it new and in order. */
static void
partial_duplicate_in_order(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(1000) ack 1");
	in(k, ". 501(1000) ack 1");
	expect(k, ". 1 ack 1501 sack 501-1001");
	assert_int_equal(k->rx_len, 1500);
	expect_silence_for(k, 1000);
	kit_delete(k);
}

/* 4.2.2: the old half is held, the new half makes the island longer. */
static void
partial_duplicate_of_held(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 501(500) ack 1");
	expect(k, ". 1 ack 1 sack 501-1001");
	in(k, ". 751(500) ack 1");
	expect(k, ". 1 ack 1 sack 751-1001,501-1251");
	in(k, ". 401(200) ack 1"); /* at its front */
	expect(k, ". 1 ack 1 sack 501-601,401-1251");
	kit_delete(k);
}

/* 4.2.3: two pieces of a segment are held; the first of them is reported. */
static void
two_duplicate_pieces(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 501(500) ack 1");
	in(k, ". 1501(500) ack 1");
	k->next = 2;
	in(k, ". 501(1500) ack 1");
	expect(k, ". 1 ack 1 sack 501-1001,501-2001");
	kit_delete(k);
}

/* What is held is repeated behind what fills the hole: below the ACK by then, and delivered from
 * this segment. */
static void
fills_the_hole_and_repeats_what_follows(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 501(500) ack 1");
	expect(k, ". 1 ack 1 sack 501-1001");
	in(k, ". 1(700) ack 1");
	expect(k, ". 1 ack 1001 sack 501-701");
	expect_silence_for(k, 1000);
	assert_int_equal(k->rx_len, 1000);
	kit_delete(k);
}

/* RFC 2018 3: four blocks in all, three beside timestamps; the duplicate displaces the oldest. */
static void
displaces_the_oldest(void **state)
{
	(void)state;
	for (unsigned ts = 0; ts < 2; ts++) {
		struct kit *k = kit_sack_receiver(ts);

		for (unsigned i = 1; i <= 4; i++)
			in(k, ". %u(10) ack 1", 1 + 100 * i);
		k->next = k->n_sent;
		in(k, ". 201(5) ack 1");
		expect(k, ". 1 ack 1 sack 201-206,201-211,401-411%s", ts ? "" : ",301-311");
		kit_delete(k);
	}
}

/* C16: a keepalive probe with an octet of rubbish repeats one. */
static void
keepalive_probe_with_an_octet(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(100) ack 1");
	kit_run_ms(k, 100);
	kit_forget(k);
	in(k, ". 100(1) ack 1");
	expect(k, ". 1 ack 101 sack 100-101");
	in(k, ". 100(0) ack 1"); /* without it there is nothing to report */
	expect(k, ". 1 ack 101 nosack");
	kit_delete(k);
}

static void
without_sack_a_plain_ack(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.no_sack = true;
	k = kit_accepted(&o);
	in(k, ". 1(500) ack 1");
	in(k, ". 1(500) ack 1");
	expect(k, ". 1 ack 501 plain");
	expect_silence_for(k, 1000);
	kit_delete(k);
}

/* A FIN behind old octets: one ACK for both. */
static void
with_a_fin(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(500) ack 1");
	in(k, "F. 1(500) ack 1");
	expect(k, ". 1 ack 502 sack 1-501");
	expect_events(k, TCP_EV_EOF);
	expect_silence_for(k, 1000);
	kit_delete(k);
}

/* Octets that come again in the states that follow the peer's FIN. */
static void
after_the_fin(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.sack = true;
	k = kit_accepted(&o);
	in(k, "F. 1(500) ack 1");
	expect(k, ". 1 ack 502 nosack");
	in(k, ". 1(500) ack 1");
	expect(k, ". 1 ack 502 sack 1-501");
	expect_silence_for(k, 1000);
	kit_delete(k);
}

static void
across_the_wrap(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.sack = true;
	o.irs = UINT32_MAX - 250;
	k = kit_accepted(&o);
	in(k, ". 1(500) ack 1");
	in(k, ". 1(500) ack 1");
	expect(k, ". 1 ack 501 sack 1-501");
	kit_delete(k);
}

/* An answer that has no room leaves with the next output, without the report. */
static void
no_room_for_the_answer(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(500) ack 1");
	kit_run_ms(k, 100);
	kit_forget(k);
	k->corked = true;
	k->room = 0;
	in(k, ". 1(500) ack 1");
	expect_silence(k);
	k->room = TCP_OUT_SEGS;
	kit_output(k);
	expect(k, ". 1 ack 501 nosack");
	kit_delete(k);
}

/* Old, new, and held octets in one segment: the lowest that came twice is reported. */
static void
old_and_held_in_one(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(500) ack 1");
	in(k, ". 601(100) ack 1");
	expect(k, ". 1 ack 501 sack 601-701");
	in(k, ". 401(300) ack 1");
	expect(k, ". 1 ack 701 sack 401-501");
	assert_int_equal(k->ctx.stats.duplicate_octets_in, 200);
	kit_delete(k);
}

/* A blind guess, older than anything in flight can be: one ACK for a burst of them, and no report.
 */
static void
long_before(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	k->corked = true;
	in(k, ". -1000000(100) ack 1");
	in(k, ". -2000000(100) ack 1");
	expect_silence(k);
	kit_output(k);
	expect(k, ". 1 ack 1 nosack");
	expect_silence_for(k, 1000);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(full_duplicate_of_delivered),
	    cmocka_unit_test(each_one_at_once),
	    cmocka_unit_test(duplicate_of_held),
	    cmocka_unit_test(duplicate_of_delivered_with_an_island),
	    cmocka_unit_test(partial_duplicate_in_order),
	    cmocka_unit_test(partial_duplicate_of_held),
	    cmocka_unit_test(two_duplicate_pieces),
	    cmocka_unit_test(fills_the_hole_and_repeats_what_follows),
	    cmocka_unit_test(displaces_the_oldest),
	    cmocka_unit_test(keepalive_probe_with_an_octet),
	    cmocka_unit_test(without_sack_a_plain_ack),
	    cmocka_unit_test(with_a_fin),
	    cmocka_unit_test(after_the_fin),
	    cmocka_unit_test(across_the_wrap),
	    cmocka_unit_test(no_room_for_the_answer),
	    cmocka_unit_test(old_and_held_in_one),
	    cmocka_unit_test(long_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
