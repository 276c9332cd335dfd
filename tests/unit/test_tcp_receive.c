/* test_tcp_receive.c - octets that arrive: ACKs, order, acceptability (RFC 9293). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* Without timestamps and scaling, receive buffer as given. */
static struct kit *
receiver(uint32_t rcvbuf)
{
	struct kit_opts o = kit_plain();

	o.cfg.rcvbuf = rcvbuf;
	return kit_accepted(&o);
}

/* --- delayed acknowledgements --- */

static void
c1_ack_is_delayed(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, "P. 1(10) ack 1");
	assert_int_equal(k->rx_len, 10);
	expect_silence(k);
	expect_after(k, 40, 2, ". 1 ack 11");
	expect_silence_for(k, 1000);
	assert_int_equal(k->ctx.stats.acks_delayed, 1);
	kit_delete(k);
}

static void
c1_every_second_segment(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		in(k, ". %u(1460) ack 1", 1 + i * 2920);
		expect_silence(k);
		in(k, ". %u(1460) ack 1", 1461 + i * 2920);
		expect(k, ". 1 ack %u", 2921 + i * 2920);
	}
	expect_silence_for(k, 1000);
	kit_delete(k);
}

static void
quickack(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.profile.quickack = true;
	k = kit_accepted(&o);
	in(k, "P. 1(10) ack 1");
	expect(k, ". 1 ack 11");
	kit_delete(k);
}

static void
delack_zero_acks_the_burst(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.delack_ns = 0;
	k = kit_accepted(&o);
	k->corked = true;
	for (unsigned i = 0; i < 4; i++)
		in(k, ". %u(100) ack 1", 1 + i * 100);
	expect_silence(k);
	kit_output(k);
	expect(k, ". 1 ack 401"); /* one for all */
	expect_silence(k);
	kit_delete(k);
}

static void
ack_rides_on_data(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, "P. 1(10) ack 1");
	kit_run_ms(k, 5);
	kit_send(k, 20);
	expect(k, "P. 1(20) ack 11");
	in(k, ". 11 ack 21");
	expect_silence_for(k, 1000);
	kit_delete(k);
}

/* A block that is made meanwhile, for octets that the peer's window stops. */
static void
delack_when_a_block_is_made(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, "P. 1(10) ack 1 win 0");
	kit_run_ms(k, 10);
	kit_send(k, 100);
	expect_silence_for(k, 20);
	assert_true(kit_wait(k, 60) > 0);
	expect(k, ". 1 ack 11");
	kit_delete(k);
}

/* Delayed ACK while a block is there, and while it is not: both within the time. */
static void
delack_with_data_in_flight(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1");
	in(k, "P. 1(10) ack 1");
	expect_after(k, 40, 2, ". 101 ack 11");
	in(k, "P. 11(10) ack 101");
	expect_after(k, 40, 2, ". 101 ack 21");
	kit_delete(k);
}

/* --- order --- */

static void
c2_out_of_order(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, ". 101(100) ack 1");
	expect(k, ". 1 ack 1"); /* at once: the sender counts */
	in(k, ". 301(100) ack 1");
	expect(k, ". 1 ack 1");
	in(k, ". 101(100) ack 1");
	expect(k, ". 1 ack 1");
	assert_int_equal(k->rx_len, 0);
	in(k, ". 1(100) ack 1");
	expect(k, ". 1 ack 201"); /* at once: a hole is filled */
	assert_int_equal(k->rx_len, 200);
	in(k, ". 201(100) ack 1");
	expect(k, ". 1 ack 401");
	assert_int_equal(k->rx_len, 400);
	expect_silence_for(k, 1000);
	expect_idle(k);
	kit_delete(k);
}

static void
c2_partial_fill_is_acked_at_once(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, ". 301(100) ack 1");
	expect(k, ". 1 ack 1");
	in(k, ". 1(100) ack 1"); /* RFC 5681 4.2: fills part of the gap */
	expect(k, ". 1 ack 101");
	kit_delete(k);
}

static void
c3_left_overlap(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, ". 1(100) ack 1");
	in(k, ". 96(10) ack 1");
	expect(k, ". 1 ack 106");
	assert_int_equal(k->rx_len, 105);
	in(k, ". 1(200) ack 1");
	expect(k, ". 1 ack 201");
	assert_int_equal(k->rx_len, 200);
	kit_delete(k);
}

static void
old_duplicate_is_acked(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, ". 1(1000) ack 1");
	in(k, ". 1001(1000) ack 1");
	expect(k, ". 1 ack 2001");
	in(k, ". 1(1000) ack 1");
	expect(k, ". 1 ack 2001");
	in(k, ". 1001(1000) ack 1");
	expect(k, ". 1 ack 2001");
	assert_int_equal(k->rx_len, 2000);
	assert_int_equal(k->ctx.stats.duplicate_octets_in, 2000);
	kit_delete(k);
}

/* Every way in which three segments may overlap and in which order they may come. */
static void
c4_overlaps(void **state)
{
	static const unsigned edges[] = {1, 11, 16, 21, 31};
	const unsigned n = N_OF(edges);

	(void)state;
	for (unsigned pick = 0; pick < n * n * n * n; pick++) {
		const unsigned a = edges[pick % n], b = edges[pick / n % n];
		const unsigned c = edges[pick / n / n % n], d = edges[pick / n / n / n];
		struct kit *k;

		if (a >= b || c >= d)
			continue;
		k = receiver(65535);
		in(k, ". %u(%u) ack 1", a, b - a);
		in(k, ". %u(%u) ack 1", c, d - c);
		in(k, ". 1(40) ack 1");
		in(k, ". 41(10) ack 1");
		kit_run_ms(k, 100);
		assert_int_equal(k->rx_len, 50);
		assert_int_equal(k->sent[k->n_sent - 1].seg.ack - k->irs, 51);
		expect_idle(k);
		kit_delete(k);
	}
}

/* --- acceptability (RFC 9293 3.4 table, window 1000) --- */

static void
acceptability(void **state)
{
	static const struct {
		int seq;
		unsigned len, delivered;
		bool held, acked; /* acked: at once */
	} t[] = {
	    {1, 0, 0, false, false},	      {0, 0, 0, false, true},
	    {500, 0, 0, false, false},	      {1000, 0, 0, false, false},
	    {1002, 0, 0, false, true},	      {-1000, 0, 0, false, true},
	    {1, 1, 1, false, false},	      {1, 1000, 1000, false, false},
	    {1, 1001, 1000, false, true},     {1000, 1, 0, true, true},
	    {1001, 1, 0, false, true},	      {1000, 2, 0, true, true},
	    {0, 1, 0, false, true},	      {0, 2, 1, false, true},
	    {-99, 100, 0, false, true},	      {-99, 101, 1, false, true},
	    {500, 1000, 0, true, true},	      {100000, 1, 0, false, true},
	    {-2000000000, 9, 0, false, true},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		struct kit *k = receiver(1000);

		in(k, ". %d(%u) ack 1", t[i].seq, t[i].len);
		assert_int_equal(k->rx_len, t[i].delivered);
		assert_int_equal(k->ctx.acts.in_use, t[i].held);
		assert_int_equal(k->n_sent, t[i].acked);
		if (t[i].acked)
			expect(k, ". 1 ack %u", 1 + t[i].delivered);
		kit_delete(k);
	}
}

/* C5: nothing past the right edge is taken, now or later. */
static void
c5_beyond_the_right_edge(void **state)
{
	struct kit *k = receiver(1000);

	(void)state;
	k->slow_reader = true;
	in(k, ". 901(200) ack 1");
	expect(k, ". 1 ack 1 win 1000");
	in(k, ". 1001(100) ack 1");
	expect(k, ". 1 ack 1 win 1000");
	in(k, ". 1(900) ack 1");
	expect(k, ". 1 ack 1001 win 0");
	assert_int_equal(k->rx_len, 1000);
	assert_int_equal(k->ctx.stats.drop_window, 100);
	kit_read(k, 1000);
	expect(k, ". 1 ack 1001 win 1000");
	in(k, ". 1001(100) ack 1");
	assert_int_equal(k->rx_len, 1100);
	kit_read(k, 100);
	kit_delete(k);
}

/* --- acknowledgement field --- */

static void
c8_ack_of_what_was_not_sent(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1");
	in(k, ". 1(10) ack 102");
	expect(k, ". 101 ack 1");
	assert_int_equal(k->rx_len, 0);
	in(k, ". 1(10) ack 101");
	assert_int_equal(k->rx_len, 10);
	assert_int_equal(k->ctx.stats.drop_ack, 1);
	kit_delete(k);
}

/* RFC 5961 5.2 */
static void
c8_ack_too_old(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, ". 1(10) ack %d", -65536);
	expect(k, ". 1 ack 1");
	assert_int_equal(k->rx_len, 0);
	in(k, ". 1(10) ack 0"); /* in the allowed range: only old */
	assert_int_equal(k->rx_len, 10);
	in(k, ". 11(10) ack %d", -65534);
	assert_int_equal(k->rx_len, 20);
	kit_delete(k);
}

static void
c9_no_ack_flag(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(kit_synchronized); i++) {
		struct kit *k = kit_synchronized[i].make(NULL);

		kit_forget(k);
		in(k, "P %u(10)", kit_synchronized[i].rcv_nxt);
		in(k, "F %u", kit_synchronized[i].rcv_nxt);
		in(k, "0 %u", kit_synchronized[i].rcv_nxt);
		expect_silence(k);
		expect_state(k, kit_synchronized[i].state);
		assert_int_equal(k->rx_len, 0);
		kit_delete(k);
	}
}

/* --- keepalive of the peer --- */

static void
c16_keepalive_probe(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		kit_run_ms(k, 75000);
		in(k, ". 0 ack 1");
		expect(k, ". 1 ack 1");
		in(k, ". 0(1) ack 1");
		expect(k, ". 1 ack 1");
	}
	assert_int_equal(k->rx_len, 0);
	expect_idle(k);
	kit_delete(k);
}

/* --- short of memory: treated as lost, never wrong --- */

static void
no_block_to_hold_it(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.n_small = o.n_large = 1;
	k = kit_accepted(&o);
	in(k, ". 101(100) ack 1");
	in(k, ". 301(100) ack 1");
	in(k, ". 501(100) ack 1");
	assert_true(k->ctx.stats.drop_no_block > 0);
	for (unsigned i = 0; i < 3; i++)
		expect(k, ". 1 ack 1");
	in(k, ". 1(600) ack 1");
	assert_int_equal(k->rx_len, 600);
	expect_idle(k);
	kit_delete(k);
}

static void
no_active_block_to_hold_it(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;
	uint32_t h;

	(void)state;
	o.n_acts = 1;
	k = kit_accepted(&o);
	h = pool_get(&k->ctx.acts);
	assert_true(h != POOL_NONE);
	in(k, ". 101(100) ack 1");
	expect(k, ". 1 ack 1");
	in(k, "F. 201 ack 1");
	expect(k, ". 1 ack 1");
	in(k, "F. 1(200) ack 1"); /* in order needs none */
	expect(k, ". 1 ack 202");
	assert_int_equal(k->rx_len, 200);
	expect_state(k, TCP_CLOSE_WAIT);
	assert_true(k->ctx.stats.drop_no_active > 0);
	pool_put(&k->ctx.acts, h);
	kit_delete(k);
}

/* ACKs that say nothing new do not put ours off. */
static void
delack_is_not_put_off(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, "P. 1(10) ack 1");
	for (unsigned i = 0; i < 3; i++) {
		kit_run_ms(k, 10);
		in(k, ". 11 ack 1");
	}
	expect_silence(k);
	expect_after(k, 10, 2, ". 1 ack 11");
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(c1_ack_is_delayed),
	    cmocka_unit_test(c1_every_second_segment),
	    cmocka_unit_test(quickack),
	    cmocka_unit_test(delack_zero_acks_the_burst),
	    cmocka_unit_test(ack_rides_on_data),
	    cmocka_unit_test(delack_when_a_block_is_made),
	    cmocka_unit_test(delack_with_data_in_flight),
	    cmocka_unit_test(c2_out_of_order),
	    cmocka_unit_test(c2_partial_fill_is_acked_at_once),
	    cmocka_unit_test(c3_left_overlap),
	    cmocka_unit_test(old_duplicate_is_acked),
	    cmocka_unit_test(c4_overlaps),
	    cmocka_unit_test(acceptability),
	    cmocka_unit_test(c5_beyond_the_right_edge),
	    cmocka_unit_test(c8_ack_of_what_was_not_sent),
	    cmocka_unit_test(c8_ack_too_old),
	    cmocka_unit_test(c9_no_ack_flag),
	    cmocka_unit_test(c16_keepalive_probe),
	    cmocka_unit_test(no_block_to_hold_it),
	    cmocka_unit_test(no_active_block_to_hold_it),
	    cmocka_unit_test(delack_is_not_put_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
