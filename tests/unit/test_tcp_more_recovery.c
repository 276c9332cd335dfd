/* test_tcp_more_recovery.c - rules of loss recovery that faults put into the engine had broken unnoticed (RFC 8985, 9937, 3168). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* Segments of 1000 octets, SACK, round trips of 100 ms; the last ones by `more_ms` longer. */
static struct kit *
measured(struct kit *k, double more_ms)
{
	for (unsigned i = 0; i < 4; i++) {
		kit_send(k, 1000);
		kit_run_ms(k, 100 + (i < 2 ? 0 : more_ms));
		in(k, ". 1 ack %u", 1 + 1000 * (i + 1));
	}
	kit_forget(k);
	return k;
}

static struct kit_opts
sack_opts(void)
{
	struct kit_opts o = kit_plain();

	o.cfg.sack = true;
	o.rtt_ms = 100;
	return o;
}

static struct kit *
connected(double more_ms)
{
	const struct kit_opts o = sack_opts();

	return measured(kit_established(&o), more_ms);
}

enum { START = 4001 };

/* --- RFC 9937 6.2: after a recovery the window is ssthresh, whatever its last ACKs let out --- */

static void
window_after_recovery(void **state)
{
	struct kit *k = connected(0);
	uint32_t window;

	(void)state;
	kit_send(k, 10000);
	assert_int_equal(k->n_sent, 10);
	window = kit_act(k)->cwnd;
	kit_run_ms(k, 100);
	for (int i = 8; i <= 10; i++) /* all before are late */
		in(k, ". 1 ack %d sack %d-%d", START, START + 7000, START + 1000 * i);
	assert_true(kit_act(k)->flags & TCP_ACT_RECOVERY);
	assert_true(kit_act(k)->ssthresh < window);
	assert_true(kit_act(k)->cwnd < kit_act(k)->ssthresh); /* so much was lost */
	kit_run_ms(k, 100);
	in(k, ". 1 ack %d", START + 10000);
	assert_false(kit_act(k)->flags & TCP_ACT_RECOVERY);
	assert_int_equal(kit_act(k)->cwnd, kit_act(k)->ssthresh);
	kit_delete(k);
}

/* --- RFC 8985 6.2 step 2: faster than any round trip was, it is the first copy that has arrived --- */

static void
late_first_copy(void **state)
{
	struct kit *k = connected(0);

	(void)state;
	kit_send(k, 4000);
	kit_run_ms(k, 60);
	kit_send(k, 2000); /* these cannot be answered yet */
	kit_run_ms(k, 40);
	kit_forget(k);
	in(k, ". 1 ack %d sack %d-%d", START, START + 1000, START + 2000);
	in(k, ". 1 ack %d sack %d-%d", START, START + 1000, START + 3000);
	in(k, ". 1 ack %d sack %d-%d", START, START + 1000, START + 4000);
	expect(k, ". %d(1000)", START); /* again */
	kit_run_ms(k, 5);
	in(k, ". 1 ack %d", START + 4000); /* the first copy was late, not lost */
	kit_run_ms(k, 30);
	for (unsigned i = 0; i < k->n_sent; i++)
		assert_true(k->sent[i].seg.seq - k->iss == START ||
			    k->sent[i].seg.seq - k->iss >= START + 6000);
	kit_delete(k);
}

/* --- RFC 8985 7.2: the ACK of a single segment may be delayed, and its probe waits for that --- */

static void
probe_of_one_segment(void **state)
{
	struct kit *k = connected(90);
	double pto, took;

	(void)state;
	kit_send(k, 500);
	expect(k, "P. %d(500)", START);
	pto = 2 * kit_act(k)->srtt_us / 1000.0;
	took = kit_wait(k, 1000);
	assert_true(took > pto + 50 && took <= pto + 202);
	expect(k, "P. %d(500)", START);
	assert_int_equal(k->ctx.stats.loss_probes_out, 1);
	kit_delete(k);
}

static void
probe_of_two_segments(void **state)
{
	struct kit *k = connected(90);
	double pto;

	(void)state;
	kit_send(k, 1500);
	expect(k, ". %d(1000)", START);
	kit_close(k); /* else Nagle holds it back */
	expect(k, "FP. %d(500)", START + 1000);
	pto = 2 * kit_act(k)->srtt_us / 1000.0;
	expect_after(k, pto, 2, "FP. %d(500)", START + 1000);
	kit_delete(k);
}

/* --- 7.3: no second probe before a round trip was measured --- */

static void
one_probe(void **state)
{
	struct kit *k = connected(90);

	(void)state;
	kit_send(k, 2000);
	kit_forget(k);
	assert_true(kit_wait(k, 400) > 0);
	assert_int_equal(k->ctx.stats.loss_probes_out, 1);
	kit_run_ms(k, 10);
	kit_send(k, 2000);
	kit_run_ms(k, 280); /* 2 SRTT, not RTO */
	assert_int_equal(k->ctx.stats.loss_probes_out, 1);
	assert_int_equal(k->ctx.stats.rto_expired, 0);
	kit_delete(k);
}

/* --- 7.4: a loss that the probe has repaired is a loss --- */

static void
probe_that_repaired(void **state)
{
	struct kit *k = connected(0);
	uint32_t before;

	(void)state;
	kit_send(k, 10000);
	before = kit_act(k)->cwnd;
	kit_run_ms(k, 100);
	in(k, ". 1 ack %d", START + 9000); /* the last one is lost */
	kit_forget(k);
	assert_true(kit_wait(k, 1000) > 0);
	expect(k, "P. %d(1000)", START + 9000);
	assert_int_equal(k->ctx.stats.loss_probes_out, 1);
	kit_run_ms(k, 100);
	in(k, ". 1 ack %d", START + 10000);
	kit_send(k, 1000);
	kit_run_ms(k, 100);
	in(k, ". 1 ack %d", START + 11000); /* without D-SACK: only one copy has arrived */
	assert_true(kit_act(k)->ssthresh < before);
	assert_true(kit_act(k)->cwnd < before);
	kit_delete(k);
}

/* --- RFC 3168 6.1.2: one reduction for a window, also once CWR has been said --- */

static struct kit *
connected_with_ecn(void)
{
	struct kit_opts o = sack_opts();
	struct kit *k;

	o.profile.ecn = TCP_ECN_ALWAYS;
	k = kit_new(&o);
	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
	kit_after(k, NULL);
	kit_run_ms(k, 100);
	in(k, "SE. 0 ack 1 mss 1000 ws 0 sackok");
	return measured(k, 0);
}

static void
one_reduction_a_window(void **state)
{
	struct kit *k = connected_with_ecn();
	uint32_t reduced;

	(void)state;
	kit_send(k, 10000);
	kit_run_ms(k, 100);
	in(k, "E. 1 ack %d", START + 1000);
	reduced = kit_act(k)->cwnd;
	assert_true(reduced < 10000);
	in(k, "E. 1 ack %d", START + 5000);
	kit_send(k, 3000);
	in(k, "E. 1 ack %d", START + 6000);
	assert_false(kit_act(k)->flags & TCP_ACT_CWR_DUE); /* said, and not heard yet */
	assert_true(kit_act(k)->cwnd >= reduced);
	in(k, "E. 1 ack %d", START + 8000);
	assert_true(kit_act(k)->cwnd >= reduced);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(window_after_recovery),
	    cmocka_unit_test(late_first_copy),
	    cmocka_unit_test(probe_of_one_segment),
	    cmocka_unit_test(probe_of_two_segments),
	    cmocka_unit_test(one_probe),
	    cmocka_unit_test(probe_that_repaired),
	    cmocka_unit_test(one_reduction_a_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
