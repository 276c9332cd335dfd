/* test_tcp_urgent.c - the urgent mechanism, both ways (RFC 9293 3.8.5, 6093). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

static struct kit *
receiver(void)
{
	const struct kit_opts o = kit_plain();

	return kit_accepted(&o);
}

/* The event, and that the octets up to the urgent point are `n`; k->out is that of tcp_input only
 * while corked. */
static void
in_urgent(struct kit *k, const char *text, uint32_t n)
{
	k->corked = true;
	in(k, "%s", text);
	if (n == 0) {
		assert_false(k->out.events & TCP_EV_URGENT);
	} else {
		assert_true(k->out.events & TCP_EV_URGENT);
		assert_int_equal(k->out.urgent, n);
	}
	k->corked = false;
	kit_output(k);
}

/* --- receiving --- */

/* C12, MUST-62: the pointer is of the octet after the urgent ones; they stay in line. */
static void
c12_inline(void **state)
{
	struct kit *k = receiver();

	(void)state;
	in_urgent(k, "PU. 1(10) ack 1 urg 5", 5);
	assert_int_equal(k->rx_len, 10);
	expect_after(k, 40, 2, ". 1 ack 11");
	assert_int_equal(k->ctx.stats.urgent_in, 1);
	kit_delete(k);
}

/* MUST-32: told again when the pointer moves on, not when it is repeated, or older. */
static void
told_when_it_advances(void **state)
{
	struct kit *k = receiver();

	(void)state;
	kit_send(k, 10); /* so that there is an active block */
	in_urgent(k, "U. 1(10) ack 1 urg 100", 100);
	in_urgent(k, "U. 11(10) ack 1 urg 90", 0);
	in_urgent(k, "U. 21(10) ack 1 urg 50", 0);
	in_urgent(k, "U. 31(10) ack 1 urg 71", 71);
	in_urgent(k, ". 41(10) ack 1", 0);
	in_urgent(k, "U. 51(50) ack 1 urg 50", 0);
	in_urgent(k, "U. 101(1) ack 1 urg 1", 0);
	assert_false(kit_act(k)->flags & TCP_ACT_URGENT_IN); /* 2 GB on it would mislead */
	in_urgent(k, "U. 102(10) ack 1 urg 10", 10);	     /* the last was reached */
	assert_int_equal(k->rx_len, 111);
	kit_delete(k);
}

/* Without an active block it is not remembered what was told. */
static void
told_anew_without_a_block(void **state)
{
	struct kit *k = receiver();

	(void)state;
	in_urgent(k, "U. 1(10) ack 1 urg 100", 100);
	in_urgent(k, "U. 11(10) ack 1 urg 90", 90);
	assert_false(tcb_is_active(k->t));
	kit_delete(k);
}

/* MUST-31: of any length, beyond the segment and beyond the window. */
static void
points_beyond(void **state)
{
	struct kit *k = receiver();

	(void)state;
	in_urgent(k, "U. 1(10) ack 1 urg 65535", 65535);
	in_urgent(k, "U. 11 ack 1 urg 1000", 1000); /* a bare ACK announces it */
	assert_int_equal(k->rx_len, 10);
	kit_delete(k);
}

/* Nothing of it is still to come. */
static void
points_that_say_nothing(void **state)
{
	struct kit *k = receiver();

	(void)state;
	in_urgent(k, "U. 1(10) ack 1 urg 0", 0);
	in_urgent(k, "U. 1(10) ack 1 urg 10", 0);    /* consumed, and a duplicate */
	in_urgent(k, ". 11(10) ack 1 urg 5", 0);     /* a pointer without the flag */
	in_urgent(k, "U. 21(10) ack 9999 urg 5", 0); /* an ACK of what was never sent */
	in_urgent(k, "U. 900001(10) ack 1 urg 5", 0);
	assert_int_equal(k->rx_len, 20);
	kit_delete(k);
}

/* On a SYN, or where no more octets can come. */
static void
where_it_does_not_belong(void **state)
{
	const struct kit_opts o = kit_plain();
	struct kit *k = kit_passive(&o, "SU 0 mss 1000 urg 65535");

	(void)state;
	in_urgent(k, ". 1 ack 1", 0);
	kit_delete(k);
	k = kit_syn_sent(&o);
	in(k, "SU. 0 ack 1 urg 10");
	expect_state(k, TCP_ESTABLISHED);
	assert_int_equal(k->ctx.stats.urgent_in, 0);
	kit_delete(k);
	k = kit_close_wait(&o);
	in_urgent(k, "U. 2 ack 1 urg 100", 0);
	kit_delete(k);
}

/* Out of order: the pointer counts, the octets wait. */
static void
ahead_of_a_hole(void **state)
{
	struct kit *k = receiver();

	(void)state;
	in_urgent(k, "U. 101(10) ack 1 urg 10", 110);
	expect(k, ". 1 ack 1");
	assert_int_equal(k->rx_len, 0);
	in_urgent(k, ". 1(100) ack 1", 0);
	assert_int_equal(k->rx_len, 110);
	kit_delete(k);
}

/* Counted from what the user has not read. */
static void
behind_unread_octets(void **state)
{
	struct kit *k = receiver();

	(void)state;
	k->slow_reader = true;
	in(k, ". 1(1000) ack 1");
	in_urgent(k, "U. 1001(10) ack 1 urg 10", 1010);
	kit_read(k, 500);
	in_urgent(k, "U. 1011(10) ack 1 urg 10", 520);
	kit_delete(k);
}

static void
across_the_wrap(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	for (uint32_t before = 0; before < 30; before++) {
		o.irs = UINT32_MAX - before;
		k = kit_accepted(&o);
		in_urgent(k, "U. 1(10) ack 1 urg 15", 15);
		in_urgent(k, "U. 11(10) ack 1 urg 15", 15);
		assert_int_equal(k->rx_len, 20);
		kit_delete(k);
	}
}

/* MUST-66: with the window shut. */
static void
with_the_window_shut(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.rcvbuf = 1000;
	k = kit_accepted(&o);
	k->slow_reader = true;
	in(k, ". 1(1000) ack 1");
	expect_after(k, 40, 2, ". 1 ack 1001 win 0");
	in_urgent(k, "U. 1001(1) ack 1 urg 1", 1001);
	expect(k, ". 1 ack 1001 win 0");
	in_urgent(k, "U. 1001 ack 1 urg 200", 1200);
	assert_int_equal(k->rx_len, 1000);
	kit_delete(k);
}

/* --- sending --- */

static void
pointer_on_all_segments_up_to_it(void **state)
{
	struct kit *k = receiver();

	(void)state;
	k->corked = true;
	kit_send(k, 2500);
	tcp_send_urgent(&k->ctx, k->t);
	kit_send(k, 500);
	kit_output(k);
	expect(k, "U. 1(1000) ack 1 urg 2500");
	expect(k, "U. 1001(1000) ack 1 urg 1500");
	expect(k, "PU. 2001(1000) ack 1 urg 500");
	expect_silence(k);
	k->corked = false;
	in(k, ". 1 ack 2601");
	kit_send(k, 100);
	kit_run_ms(k, 1); /* Nagle waits */
	in(k, ". 1 ack 3001");
	expect(k, "P. 3001(100) ack 1");
	assert_false(kit_act(k)->flags & TCP_ACT_URGENT_OUT);
	kit_delete(k);
}

/* Retransmissions say it, too, with the distance from where they begin. */
static void
pointer_on_retransmissions(void **state)
{
	struct kit *k = receiver();

	(void)state;
	k->corked = true;
	kit_send(k, 600);
	tcp_send_urgent(&k->ctx, k->t);
	k->corked = false;
	kit_output(k);
	expect(k, "PU. 1(600) ack 1 urg 600");
	in(k, ". 1 ack 201");
	kit_wait(k, 5000);
	expect(k, "PU. 201(400) ack 1 urg 400");
	kit_delete(k);
}

/* More than 65535 octets ahead: as far as it goes. */
static void
pointer_beyond_its_range(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.sndbuf = 200000;
	k = kit_accepted(&o);
	k->corked = true;
	assert_int_equal(kit_send(k, 100000), 100000);
	tcp_send_urgent(&k->ctx, k->t);
	k->corked = false;
	kit_output(k);
	expect(k, "U. 1(1000) ack 1 urg 65535");
	kit_delete(k);
}

/* The peer's window is shut: a bare ACK tells him, and every probe. */
static void
pointer_into_a_shut_window(void **state)
{
	struct kit *k = receiver();

	(void)state;
	in(k, ". 1 ack 1 win 0");
	k->corked = true;
	kit_send(k, 100);
	tcp_send_urgent(&k->ctx, k->t);
	assert_true(tcp_wants_output(&k->ctx, k->t));
	k->corked = false;
	kit_output(k);
	expect(k, "U. 1 ack 1 urg 100");
	kit_wait(k, 10000);
	expect(k, "U. 1(1) ack 1 urg 100");
	in(k, ". 1 ack 1 win 65535");
	expect(k, "PU. 1(100) ack 1 urg 100");
	in(k, ". 1 ack 101");
	in(k, ". 1(1) ack 101");
	expect_after(k, 40, 2, ". 101 ack 2");
	kit_delete(k);
}

/* Nothing queued is nothing urgent. */
static void
nothing_to_be_urgent(void **state)
{
	struct kit *k = receiver();

	(void)state;
	tcp_send_urgent(&k->ctx, k->t);
	assert_false(tcp_wants_output(&k->ctx, k->t));
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1");
	in(k, ". 1 ack 101");
	tcp_send_urgent(&k->ctx, k->t);
	in(k, ". 1(1000) ack 101");
	in(k, ". 1001(1000) ack 101");
	expect(k, ". 101 ack 2001");
	kit_delete(k);
}

/* The point lies in what has come, but has not been read. */
static void
among_unread_octets(void **state)
{
	struct kit *k = receiver();

	(void)state;
	k->slow_reader = true;
	in(k, ". 1(1000) ack 1");
	in_urgent(k, "U. 501(600) ack 1 urg 300", 800);
	kit_read(k, 900);
	in_urgent(k, "U. 1101(10) ack 1 urg 0", 200);
	kit_delete(k);
}

/* Whatever the block's memory held before. */
static void
first_point_of_a_block(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.irs = 0xa5a50000; /* see kit_new */
	k = kit_accepted(&o);
	kit_send(k, 10);
	in_urgent(k, "U. 1(10) ack 1 urg 100", 100);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(c12_inline),
	    cmocka_unit_test(told_when_it_advances),
	    cmocka_unit_test(told_anew_without_a_block),
	    cmocka_unit_test(points_beyond),
	    cmocka_unit_test(points_that_say_nothing),
	    cmocka_unit_test(where_it_does_not_belong),
	    cmocka_unit_test(ahead_of_a_hole),
	    cmocka_unit_test(behind_unread_octets),
	    cmocka_unit_test(across_the_wrap),
	    cmocka_unit_test(with_the_window_shut),
	    cmocka_unit_test(pointer_on_all_segments_up_to_it),
	    cmocka_unit_test(pointer_on_retransmissions),
	    cmocka_unit_test(pointer_beyond_its_range),
	    cmocka_unit_test(pointer_into_a_shut_window),
	    cmocka_unit_test(nothing_to_be_urgent),
	    cmocka_unit_test(among_unread_octets),
	    cmocka_unit_test(first_point_of_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
