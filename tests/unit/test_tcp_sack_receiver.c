/* test_tcp_sack_receiver.c - SACK blocks that a receiver sends (RFC 2018). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/rng.h"
#include "tcp_states.h"

static void
one_island(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 101(100) ack 1");
	expect(k, ". 1 ack 1 sack 101-201");
	in(k, ". 201(100) ack 1");
	expect(k, ". 1 ack 1 sack 101-301");
	in(k, ". 1(100) ack 1");
	expect(k, ". 1 ack 301 nosack");
	expect_silence_for(k, 1000);
	kit_delete(k);
}

/* C2; RFC 2018 4: the first block is where the latest segment went, the others follow as they were
 * reported. */
static void
c2_newest_first(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 101(100) ack 1");
	expect(k, ". 1 ack 1 sack 101-201");
	in(k, ". 301(100) ack 1");
	expect(k, ". 1 ack 1 sack 301-401,101-201");
	in(k, ". 501(100) ack 1");
	expect(k, ". 1 ack 1 sack 501-601,301-401,101-201");
	in(k, ". 201(50) ack 1");
	expect(k, ". 1 ack 1 sack 101-251,501-601,301-401");
	in(k, ". 251(50) ack 1"); /* joins two islands */
	expect(k, ". 1 ack 1 sack 101-401,501-601");
	in(k, ". 1(100) ack 1"); /* the ACK jumps, SACK shrinks */
	expect(k, ". 1 ack 401 sack 501-601");
	in(k, ". 401(100) ack 1");
	expect(k, ". 1 ack 601 nosack");
	kit_delete(k);
}

/* RFC 2018 5, the worked example, case 1: eight segments of 500, the first four arrive. */
static void
rfc_case_1_the_last_are_lost(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		in(k, ". %u(500) ack 1", 1 + 500 * i);
	expect(k, ". 1 ack 1001 nosack");
	expect(k, ". 1 ack 2001 nosack");
	kit_delete(k);
}

/* Case 2: the first is lost. */
static void
rfc_case_2_the_first_is_lost(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	for (unsigned i = 1; i < 8; i++) {
		in(k, ". %u(500) ack 1", 1 + 500 * i);
		expect(k, ". 1 ack 1 sack 501-%u", 501 + 500 * i);
	}
	kit_delete(k);
}

/* Case 3: every second one is lost, then the fourth and the second come. */
static void
rfc_case_3_every_second_is_lost(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, ". 1(500) ack 1");
	in(k, ". 1001(500) ack 1");
	expect(k, ". 1 ack 501 sack 1001-1501");
	in(k, ". 2001(500) ack 1");
	expect(k, ". 1 ack 501 sack 2001-2501,1001-1501");
	in(k, ". 3001(500) ack 1");
	expect(k, ". 1 ack 501 sack 3001-3501,2001-2501,1001-1501");
	in(k, ". 1501(500) ack 1");
	expect(k, ". 1 ack 501 sack 1001-2501,3001-3501");
	in(k, ". 501(500) ack 1");
	expect(k, ". 1 ack 2501 sack 3001-3501");
	kit_delete(k);
}

/* RFC 2018 3: 40 octets of options hold four blocks, three beside timestamps. */
static void
four_blocks_three_with_timestamps(void **state)
{
	(void)state;
	for (unsigned ts = 0; ts < 2; ts++) {
		struct kit *k = kit_sack_receiver(ts);

		for (unsigned i = 1; i <= 6; i++)
			in(k, ". %u(10) ack 1", 1 + 100 * i);
		k->next = 5;
		expect(k, ". 1 ack 1 sack 601-611,501-511,401-411%s", ts ? "" : ",301-311");
		kit_delete(k);
	}
}

/* RFC 2018 4: as long as something is held, every ACK says so; here one for the user's reading. */
static void
every_ack_carries_blocks(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.sack = true;
	o.cfg.rcvbuf = 4000;
	k = kit_accepted(&o);
	k->slow_reader = true;
	in(k, ". 1(1000) ack 1");
	in(k, ". 2001(1000) ack 1");
	expect(k, ". 1 ack 1001 win 3000 sack 2001-3001");
	kit_read(k, 1000);
	in(k, "R 1500"); /* in the window, not at its edge: a challenge ACK (RFC 5961 3.2) */
	expect(k, ". 1 ack 1001 sack 2001-3001");
	kit_delete(k);
}

/* Octets of ours: SACK rides along only where the segment stays within the MSS (RFC 6691). */
static void
on_octets_only_where_there_is_room(void **state)
{
	static const struct {
		unsigned len, blocks;
	} rows[] = {{1000, 0}, {989, 0}, {988, 1}, {981, 1}, {980, 2},
		    {972, 3},  {965, 3}, {964, 4}, {1, 4}};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct kit *k = kit_sack_receiver(false);

		for (unsigned n = 1; n <= 5; n++)
			in(k, ". %u(10) ack 1", 1 + 100 * n);
		kit_forget(k);
		kit_send(k, rows[i].len);
		expect(k, "P. 1(%u) ack 1", rows[i].len);
		assert_int_equal(k->sent[0].seg.n_sack, rows[i].blocks);
		assert_int_equal(k->sent[0].seg.len, rows[i].len);
		kit_delete(k);
	}
}

static void
on_octets_beside_timestamps(void **state)
{
	static const struct {
		unsigned len, blocks;
	} rows[] = {{988, 0}, {977, 0}, {976, 1}, {968, 2}, {960, 3}, {100, 3}};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct kit *k = kit_sack_receiver(true);

		for (unsigned n = 1; n <= 5; n++)
			in(k, ". %u(10) ack 1", 1 + 100 * n);
		kit_forget(k);
		kit_send(k, rows[i].len);
		assert_int_equal(k->sent[0].seg.len, rows[i].len);
		assert_int_equal(k->sent[0].seg.n_sack, rows[i].blocks);
		kit_delete(k);
	}
}

/* RFC 2018 2: only when both SYNs carried SACK-permitted. */
static void
not_agreed_on(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 3; bits++) {
		struct kit_opts o = kit_plain();
		struct kit *k;

		o.cfg.sack = bits & 1;
		o.no_sack = bits != 2;
		k = kit_accepted(&o);
		in(k, ". 101(100) ack 1");
		expect(k, ". 1 ack 1 plain");
		in(k, ". 101(100) ack 1");
		expect(k, ". 1 ack 1 plain");
		kit_delete(k);
	}
}

static void
across_the_wrap(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.sack = true;
	o.irs = UINT32_MAX - 150;
	k = kit_accepted(&o);
	in(k, ". 101(100) ack 1"); /* across it */
	expect(k, ". 1 ack 1 sack 101-201");
	in(k, ". 301(100) ack 1"); /* beyond */
	expect(k, ". 1 ack 1 sack 301-401,101-201");
	in(k, ". 1(100) ack 1");
	expect(k, ". 1 ack 201 sack 301-401");
	kit_delete(k);
}

/* A FIN out of order takes no part in SACK, and nothing is reported when it has come. */
static void
c10_fin_behind_a_hole(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	in(k, "F. 101(100) ack 1");
	expect(k, ". 1 ack 1 sack 101-201");
	in(k, ". 1(100) ack 1");
	expect(k, ". 1 ack 202 nosack");
	expect_events(k, TCP_EV_EOF);
	kit_delete(k);
}

/* An island refused for want of memory is not reported. */
static void
refused_octets_are_not_reported(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.sack = true;
	o.n_small = o.n_large = 1;
	k = kit_accepted(&o);
	in(k, ". 101(100) ack 1");
	in(k, ". 301(100) ack 1");
	in(k, ". 501(100) ack 1");
	k->next = 2;
	expect(k, ". 1 ack 1 sack 301-401,101-201");
	kit_delete(k);
}

/* More islands than are reported: those that nobody has heard of for long come last, yet come, as
 * the others go. */
static void
forgotten_islands_come_again(void **state)
{
	struct kit *k = kit_sack_receiver(true);

	(void)state;
	for (unsigned i = 1; i <= 8; i++)
		in(k, ". %u(10) ack 1", 1 + 100 * i);
	kit_forget(k);
	in(k, ". 511(290) ack 1"); /* 501 to 811 become one, in three steps */
	in(k, ". 611(190) ack 1");
	in(k, ". 711(90) ack 1");
	k->next = 2;
	expect(k, ". 1 ack 1 sack 501-811,101-111,201-211");
	kit_delete(k);
}

/* Every block reported has come. */
static void
random_islands(void **state)
{
	enum { SPACE = 4000 };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 77, 0);
	for (unsigned round = 0; round < 200; round++) {
		struct kit *k = kit_sack_receiver(round & 1);
		bool came[SPACE + 200] = {false};

		for (unsigned i = 0; i < 60; i++) {
			const unsigned at = 101 + (unsigned)rng_below(&rng, SPACE - 200);
			const unsigned len = 1 + (unsigned)rng_below(&rng, 60);
			const struct tcp_seg *s;

			memset(came + at, true, len);
			in(k, ". %u(%u) ack 1", at, len);
			s = &k->sent[k->n_sent - 1].seg;
			kit_forget(k);
			assert_true(s->n_sack > 0);
			for (unsigned b = 0; b < s->n_sack; b++) {
				const uint32_t from = s->sack[b].start - k->irs,
					       to = s->sack[b].end - k->irs;

				assert_true(from < to && to < SPACE + 200);
				for (uint32_t n = from; n < to; n++)
					assert_true(came[n]);
			}
		}
		kit_delete(k);
	}
}

/* One island that grows and grows does not push the others out of memory. */
static void
one_grows_the_others_are_remembered(void **state)
{
	struct kit *k = kit_sack_receiver(false);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		in(k, ". %u(10) ack 1", 101 + 200 * i);
	for (unsigned i = 1; i < 5; i++)
		in(k, ". %u(10) ack 1", 901 + 10 * i);
	k->next = k->n_sent - 1;
	expect(k, ". 1 ack 1 sack 901-951,701-711,501-511,301-311");
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_island),
	    cmocka_unit_test(c2_newest_first),
	    cmocka_unit_test(rfc_case_1_the_last_are_lost),
	    cmocka_unit_test(rfc_case_2_the_first_is_lost),
	    cmocka_unit_test(rfc_case_3_every_second_is_lost),
	    cmocka_unit_test(four_blocks_three_with_timestamps),
	    cmocka_unit_test(every_ack_carries_blocks),
	    cmocka_unit_test(on_octets_only_where_there_is_room),
	    cmocka_unit_test(on_octets_beside_timestamps),
	    cmocka_unit_test(not_agreed_on),
	    cmocka_unit_test(across_the_wrap),
	    cmocka_unit_test(c10_fin_behind_a_hole),
	    cmocka_unit_test(refused_octets_are_not_reported),
	    cmocka_unit_test(forgotten_islands_come_again),
	    cmocka_unit_test(random_islands),
	    cmocka_unit_test(one_grows_the_others_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
