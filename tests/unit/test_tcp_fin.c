/* test_tcp_fin.c - FIN and urgent segments in every order (RFC 9293 3.10.7.4). */
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

/* --- FIN --- */

static void
c10_fin_in_order(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, "FP. 1(10) ack 1");
	expect(k, ". 1 ack 12");
	expect_events(k, TCP_EV_EOF);
	expect_state(k, TCP_CLOSE_WAIT);
	in(k, "FP. 1(10) ack 1"); /* again */
	expect(k, ". 1 ack 12");
	in(k, "F. 11 ack 1");
	expect(k, ". 1 ack 12");
	expect_events(k, 0);
	assert_int_equal(k->rx_len, 10);
	kit_delete(k);
}

static void
c10_fin_out_of_order(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, "F. 101 ack 1");
	expect(k, ". 1 ack 1");
	expect_state(k, TCP_ESTABLISHED);
	in(k, ". 1(50) ack 1");
	kit_run_ms(k, 50);
	expect(k, ". 1 ack 51");
	expect_events(k, 0);
	in(k, ". 51(50) ack 1");
	expect(k, ". 1 ack 102");
	expect_events(k, TCP_EV_EOF);
	expect_state(k, TCP_CLOSE_WAIT);
	assert_int_equal(k->rx_len, 100);
	expect_idle(k);
	kit_delete(k);
}

static void
c10_fin_with_data_out_of_order(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, "F. 101(100) ack 1");
	in(k, "F. 101(100) ack 1");
	expect_events(k, 0);
	in(k, ". 1(100) ack 1");
	assert_int_equal(k->rx_len, 200);
	assert_int_equal(k->sent[k->n_sent - 1].seg.ack - k->irs, 202);
	expect_events(k, TCP_EV_EOF);
	expect_idle(k);
	kit_delete(k);
}

/* A FIN that the window has no place for is not taken, nor the octets before it. */
static void
fin_beyond_the_window(void **state)
{
	struct kit *k = receiver(1000);

	(void)state;
	in(k, "F. 951(50) ack 1"); /* fits but for the FIN */
	in(k, "F. 901(200) ack 1");
	in(k, "F. 1001 ack 1");
	in(k, "F. 5000 ack 1");
	k->slow_reader = true;
	in(k, ". 1(900) ack 1");
	assert_int_equal(k->rx_len, 1000);
	expect_state(k, TCP_ESTABLISHED);
	expect_events(k, 0);
	in(k, "F. 1001 ack 1"); /* window is shut */
	expect_state(k, TCP_ESTABLISHED);
	kit_read(k, 1000);
	in(k, "F. 1001 ack 1");
	expect_state(k, TCP_CLOSE_WAIT);
	kit_delete(k);
}

/* Data and FIN that fill the window exactly. */
static void
fin_at_the_right_edge(void **state)
{
	struct kit *k = receiver(1000);

	(void)state;
	k->slow_reader = true;
	in(k, "F. 1(999) ack 1");
	expect_state(k, TCP_CLOSE_WAIT);
	assert_int_equal(k->rx_len, 999);
	kit_read(k, 999);
	kit_delete(k);
}

static void
c11_data_after_fin(void **state)
{
	struct kit *k = kit_close_wait(NULL);

	(void)state;
	in(k, ". 2(100) ack 1");
	in(k, ". 102(100) ack 1");
	in(k, "F. 2(100) ack 1");
	assert_int_equal(k->rx_len, 0);
	expect_state(k, TCP_CLOSE_WAIT);
	expect_events(k, 0);
	kit_run_ms(k, 100);
	for (unsigned i = 0; i < k->n_sent; i++)
		assert_int_equal(k->sent[i].seg.ack - k->irs, 2);
	expect_idle(k);
	kit_delete(k);
}

/* The FIN is known before the octets that pretend to follow it. */
static void
c11_data_after_a_held_fin(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, "F. 51(50) ack 1");
	in(k, ". 101(100) ack 1");
	in(k, ". 61(100) ack 1");
	in(k, ". 1(50) ack 1");
	assert_int_equal(k->rx_len, 100);
	expect_events(k, TCP_EV_EOF);
	expect_state(k, TCP_CLOSE_WAIT);
	assert_int_equal(k->sent[k->n_sent - 1].seg.ack - k->irs, 102);
	expect_idle(k);
	kit_delete(k);
}

/* Or after them: octets first, then a FIN in the middle. Nothing is delivered beyond a FIN that was
 * taken, and nothing stays held. */
static void
c11_fin_before_held_data(void **state)
{
	struct kit *k = receiver(65535);

	(void)state;
	in(k, ". 101(100) ack 1");
	in(k, "F. 1(50) ack 1");
	assert_int_equal(k->rx_len, 50);
	expect_events(k, TCP_EV_EOF);
	in(k, ". 52(49) ack 1");
	assert_int_equal(k->rx_len, 50);
	expect_idle(k);
	kit_delete(k);
}

/* --- URG (RFC 9293 3.8.5, 6093): in the stream, like all octets --- */

static void
c12_urgent(void **state)
{
	struct kit *k = kit_passive(NULL, "SU 0 urg 5 mss 1460");

	(void)state;
	in(k, "U. 1(10) ack 1 urg 5");
	in(k, "U. 11(10) ack 1 urg 65535");
	in(k, ". 21(10) ack 1 urg 5");
	in(k, "U. 31(10) ack 1 urg 0");
	in(k, "U. 41 ack 1 urg 1");
	assert_int_equal(k->rx_len, 40);
	expect_state(k, TCP_ESTABLISHED);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(c10_fin_in_order),
	    cmocka_unit_test(c10_fin_out_of_order),
	    cmocka_unit_test(c10_fin_with_data_out_of_order),
	    cmocka_unit_test(fin_beyond_the_window),
	    cmocka_unit_test(fin_at_the_right_edge),
	    cmocka_unit_test(c11_data_after_fin),
	    cmocka_unit_test(c11_data_after_a_held_fin),
	    cmocka_unit_test(c11_fin_before_held_data),
	    cmocka_unit_test(c12_urgent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
