/* test_tcp_close.c - every way to close, in every order (RFC 9293 3.6, 3.10.4, checklist E). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* --- E1: the walks of figure 5 --- */

static void
e1_active_close(void **state)
{
	struct kit *k = kit_fin_wait_2(NULL);

	(void)state;
	in(k, "F. 1 ack 2");
	expect(k, ". 2 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	assert_int_equal(k->events & (TCP_EV_EOF | TCP_EV_TIME_WAIT),
			 TCP_EV_EOF | TCP_EV_TIME_WAIT);
	expect_idle(k);
	kit_run_ms(k, 59990);
	expect_state(k, TCP_TIME_WAIT);
	kit_run_ms(k, 12);
	expect_gone(k);
	expect_silence(k);
	assert_int_equal(k->ctx.stats.closed, 1);
	kit_delete(k);
}

static void
e1_passive_close(void **state)
{
	struct kit *k = kit_last_ack(NULL);

	(void)state;
	expect_events(k, 0);
	in(k, ". 2 ack 2");
	expect_gone(k);
	expect_silence(k);
	expect_events(k, TCP_EV_CLOSED);
	kit_delete(k);
}

/* Their FIN acknowledges ours: no FIN-WAIT-2. */
static void
e1_fin_and_ack_in_one(void **state)
{
	struct kit *k = kit_fin_wait_1(NULL);

	(void)state;
	in(k, "F. 1 ack 2");
	expect(k, ". 2 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	kit_delete(k);
}

static void
e2_simultaneous_close(void **state)
{
	struct kit *k = kit_closing(NULL);

	(void)state;
	in(k, ". 2 ack 1"); /* not yet ours */
	expect_state(k, TCP_CLOSING);
	kit_run_ms(k, 100);
	in(k, ". 2 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	expect_silence(k);
	kit_run_ms(k, 59990);
	expect_state(k, TCP_TIME_WAIT);
	kit_run_ms(k, 12);
	expect_gone(k);
	kit_delete(k);
}

/* In CLOSING our FIN is lost: it is repeated. */
static void
e2_closing_repeats_fin(void **state)
{
	struct kit *k = kit_closing(NULL);

	(void)state;
	kit_wait(k, 2000);
	expect(k, "F. 1 ack 2");
	in(k, ". 2 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	kit_delete(k);
}

/* --- half-close --- */

static void
half_close_by_us(void **state)
{
	struct kit *k = kit_fin_wait_2(NULL);

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		in(k, ". %u(1000) ack 2", 1 + i * 1000);
		kit_run_ms(k, 1000);
	}
	assert_int_equal(k->rx_len, 50000);
	expect_state(k, TCP_FIN_WAIT_2);
	in(k, "F. 50001 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	kit_delete(k);
}

static void
half_close_by_peer(void **state)
{
	struct kit *k = kit_close_wait(NULL);

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		kit_send(k, 1000);
		expect(k, "P. %u(1000) ack 2", 1 + i * 1000);
		in(k, ". 2 ack %u", 1001 + i * 1000);
	}
	kit_close(k);
	expect(k, "F. 50001 ack 2");
	in(k, ". 2 ack 50002");
	expect_gone(k);
	kit_delete(k);
}

static void
data_in_fin_wait_1(void **state)
{
	struct kit *k = kit_fin_wait_1(NULL);

	(void)state;
	in(k, ". 101(100) ack 1");
	in(k, ". 1(100) ack 1");
	assert_int_equal(k->rx_len, 200);
	in(k, "F. 201(100) ack 2");
	assert_int_equal(k->rx_len, 300);
	expect_state(k, TCP_TIME_WAIT);
	kit_delete(k);
}

/* --- FIN and what is queued --- */

static void
fin_follows_the_data(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_established(&o);

	(void)state;
	kit_send(k, 2500);
	kit_close(k);
	expect(k, ". 1(1000) ack 1");
	expect(k, ". 1001(1000) ack 1");
	if (k->sent[k->next].seg.flags & TCP_FIN) {
		expect(k, "FP. 2001(500) ack 1");
	} else {
		expect(k, "P. 2001(500) ack 1");
		expect(k, "F. 2501 ack 1");
	}
	expect_state(k, TCP_FIN_WAIT_1);
	in(k, ". 1 ack 2501");
	expect_state(k, TCP_FIN_WAIT_1);
	in(k, ". 1 ack 2502");
	expect_state(k, TCP_FIN_WAIT_2);
	kit_delete(k);
}

static void
fin_waits_for_the_window(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_established(&o);

	(void)state;
	in(k, ". 1 ack 1 win 1500");
	kit_send(k, 3000);
	kit_close(k);
	while (k->next < k->n_sent) {
		assert_false(k->sent[k->next].seg.flags & TCP_FIN);
		k->next++;
	}
	in(k, ". 1 ack 1001 win 5000");
	in(k, ". 1 ack 3001 win 5000");
	assert_true(k->sent[k->n_sent - 1].seg.flags & TCP_FIN);
	in(k, ". 1 ack 3002 win 5000");
	expect_state(k, TCP_FIN_WAIT_2);
	kit_delete(k);
}

static void
no_sending_after_close(void **state)
{
	static struct kit *(*const make[])(const struct kit_opts *) = {
	    kit_fin_wait_1, kit_fin_wait_2, kit_closing, kit_time_wait, kit_last_ack};

	(void)state;
	for (size_t i = 0; i < N_OF(make); i++) {
		struct kit *k = make[i](NULL);

		kit_forget(k);
		assert_int_equal(tcp_send_room(&k->ctx, k->t), 0);
		assert_int_equal(kit_send(k, 10), 0);
		expect_silence(k);
		kit_delete(k);
	}
}

static void
close_twice(void **state)
{
	(void)state;
	for (size_t i = 1; i < N_OF(kit_synchronized); i++) {
		struct kit *k = kit_synchronized[i].make(NULL);

		kit_close(k);
		kit_forget(k);
		kit_close(k);
		expect_silence(k);
		expect_events(k, 0);
		kit_delete(k);
	}
}

/* --- FIN is retransmitted --- */

static void
e1_fin_is_retransmitted(void **state)
{
	static struct kit *(*const make[])(const struct kit_opts *) = {kit_fin_wait_1,
								       kit_last_ack};
	const struct kit_opts o = {.no_sack = true}; /* no probe before the timeouts */

	(void)state;
	for (size_t i = 0; i < N_OF(make); i++) {
		struct kit *k = make[i](&o);
		double last = 0;

		for (unsigned n = 0; n < 5; n++) {
			const double after = kit_wait(k, 20000);

			assert_true(after > 0 &&
				    (n == 0 || (after > 1.9 * last && after < 2.1 * last)));
			last = after;
			expect(k, "F. 1 ack %u", i == 0 ? 1 : 2);
			expect_silence(k);
		}
		kit_delete(k);
	}
}

/* E5: a peer that is gone. */
static void
e5_bounded_without_peer(void **state)
{
	static struct kit *(*const make[])(const struct kit_opts *) = {kit_fin_wait_1, kit_last_ack,
								       kit_closing};
	const struct kit_opts o = {.no_sack = true}; /* no probe before the timeouts */

	(void)state;
	for (size_t i = 0; i < N_OF(make); i++) {
		struct kit *k = make[i](&o);

		kit_run_ms(k, 3600e3);
		expect_gone(k);
		assert_true(k->events & TCP_EV_TIMEOUT);
		assert_int_equal(k->n_sent - k->next, 15);
		kit_delete(k);
	}
}

static void
e5_fin_wait_2_ends(void **state)
{
	struct kit *k = kit_fin_wait_2(NULL);

	(void)state;
	expect_idle(k);
	kit_run_ms(k, 59990);
	expect_state(k, TCP_FIN_WAIT_2);
	kit_run_ms(k, 12);
	expect_gone(k);
	expect_silence(k);
	kit_delete(k);
}

/* FIN-WAIT-2 begins with the ACK of our FIN, also when that had to wait for the peer's window. */
static void
e5_fin_wait_2_after_a_long_wait(void **state)
{
	struct kit *k = kit_established(NULL);

	(void)state;
	kit_send(k, 20000);
	for (unsigned i = 1; i <= 13; i++) /* a window that has grown keeps its block for a while */
		in(k, ". 1 ack %u", 1 + i * 1448);
	in(k, ". 1 ack 20001 win 0");
	kit_close(k);
	kit_run_ms(k, 50);
	for (unsigned i = 0; i < 30; i++) {
		kit_wait(k, 200000);
		k->next = k->n_sent;
		in(k, ". 1 ack 20001 win 0");
	}
	in(k, ". 1 ack 20002 win 65535");
	expect_state(k, TCP_FIN_WAIT_2);
	kit_run_ms(k, 59000);
	expect_state(k, TCP_FIN_WAIT_2);
	kit_run_ms(k, 1100);
	expect_gone(k);
	kit_delete(k);
}

/* What is not of the connection does not keep it. */
static void
e5_forged_segments_do_not_prolong(void **state)
{
	static struct kit *(*const make[])(const struct kit_opts *) = {kit_fin_wait_2,
								       kit_time_wait};

	(void)state;
	for (size_t i = 0; i < N_OF(make); i++) {
		struct kit *k = make[i](NULL);

		for (unsigned n = 0; n < 9 && k->t; n++) {
			kit_run_ms(k, 10000);
			if (k->t)
				in(k, ". -5000 ack 2");
			if (k->t)
				in(k, "R 100");
			if (k->t)
				in(k, "S 100");
		}
		expect_gone(k);
		kit_delete(k);
	}
}

/* An odd number of nanoseconds must not leave a deadline that never passes. */
static void
spans_that_are_no_milliseconds(void **state)
{
	struct kit_opts o = {.n_acts = 0};
	struct kit *k;

	(void)state;
	tcp_config_default(&o.cfg);
	o.cfg.fin_wait_2_ns = 1234567;
	o.cfg.time_wait_ns = 7654321;
	k = kit_fin_wait_2(&o);
	kit_run_ms(k, 5);
	expect_gone(k);
	kit_delete(k);
	k = kit_time_wait(&o);
	kit_run_ms(k, 12);
	expect_gone(k);
	kit_delete(k);
	k = kit_established(&o); /* with a block that stays: something is unread */
	k->slow_reader = true;
	in(k, ". 1(10) ack 1");
	kit_close(k);
	in(k, ". 11 ack 2");
	expect_state(k, TCP_FIN_WAIT_2);
	kit_run_ms(k, 5);
	expect_gone(k);
	kit_delete(k);
}

/* --- E3: TIME-WAIT --- */

static void
e3_duplicate_fin_restarts_2msl(void **state)
{
	struct kit *k = kit_time_wait(NULL);

	(void)state;
	kit_run_ms(k, 40000);
	in(k, "F. 1 ack 2");
	expect(k, ". 2 ack 2");
	kit_run_ms(k, 59990); /* RFC 9293 3.10.7.4: restart the 2 MSL timeout */
	expect_state(k, TCP_TIME_WAIT);
	kit_run_ms(k, 12);
	expect_gone(k);
	kit_delete(k);
}

static void
e3_data_in_time_wait(void **state)
{
	struct kit *k = kit_time_wait(NULL);

	(void)state;
	in(k, ". -99(101) ack 2"); /* an old one */
	expect(k, ". 2 ack 2");
	in(k, ". 2(100) ack 2"); /* beyond his FIN: nonsense */
	assert_int_equal(k->rx_len, 0);
	expect_state(k, TCP_TIME_WAIT);
	expect_idle(k);
	kit_delete(k);
}

static bool
may_reuse(struct kit *k, const char *syn)
{
	const struct tcp_seg s = kit_peer_seg(k, syn);
	uint32_t floor = 0;
	const bool may = tcp_time_wait_may_reuse(&k->ctx, k->t, &s, &floor);

	assert_true(!may || seq_geq(floor, k->iss + 2 - 1));
	return may;
}

static void
e3_reuse_by_sequence(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_time_wait(&o);

	(void)state;
	assert_true(may_reuse(k, "S 3"));
	assert_true(may_reuse(k, "S 1000000 mss 1460"));
	assert_false(may_reuse(k, "S 1"));
	assert_false(may_reuse(k, "S 0"));
	assert_false(may_reuse(k, "S -100000"));
	assert_false(may_reuse(k, "S. 3 ack 2"));
	assert_false(may_reuse(k, "SR 3"));
	assert_false(may_reuse(k, ". 3 ack 2"));
	in(k, "S -100000"); /* then it is answered as always */
	expect(k, ". 2 ack 2");
	kit_delete(k);
}

/* RFC 6191 */
static void
e3_reuse_by_timestamp(void **state)
{
	struct kit *k = kit_time_wait(NULL);
	const uint32_t t = kit_peer_tsval(k);
	char syn[64];

	(void)state;
	snprintf(syn, sizeof(syn), "S -100000 ts %u:0", t + 1);
	assert_true(may_reuse(k, syn));
	snprintf(syn, sizeof(syn), "S -100000 ts %u:0", t);
	assert_false(may_reuse(k, syn));
	snprintf(syn, sizeof(syn), "S 100000 ts %u:0", t);
	assert_true(may_reuse(k, syn));
	snprintf(syn, sizeof(syn), "S 100000 ts %u:0", t - 1);
	assert_false(may_reuse(k, syn));
	assert_true(may_reuse(k, "S 100000 nots"));
	assert_false(may_reuse(k, "S -100000 nots"));
	kit_delete(k);
}

static void
reuse_only_in_time_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(kit_synchronized); i++) {
		struct kit *k = kit_synchronized[i].make(NULL);

		if (k->t->state != TCP_TIME_WAIT)
			assert_false(may_reuse(k, "S 1000000"));
		kit_delete(k);
	}
}

/* RFC 9293 MAY-2: the ISS of the new connection is above all that the old one has used. */
static void
iss_above_the_floor(void **state)
{
	static const uint32_t above[] = {0, 1, 70000, 1 << 30};

	(void)state;
	for (size_t i = 0; i < N_OF(above); i++) {
		struct kit *k = kit_syn_sent(NULL);
		const struct tcp_seg syn = kit_peer_seg(k, "S 0 mss 1460");
		const uint32_t floor = k->iss + above[i];

		kit_abort(k);
		k->h = pool_get(&k->tcbs);
		k->t = pool_at(&k->tcbs, k->h);
		*k->t = (struct tcb){.flow = {KIT_LADDR, KIT_RADDR, KIT_LPORT, KIT_RPORT},
				     .snd_nxt = floor};
		tcp_out_init(&k->out, k->room);
		assert_int_equal(tcp_open_passive(&k->ctx, k->t, &syn, k->now, &k->out), 0);
		tcp_output(&k->ctx, k->t, k->now, &k->out);
		assert_true(seq_gt(k->out.seg[0].seq, floor));
		kit_delete(k);
	}
}

/* --- E6: closed before it is open --- */

static void
e6_close_in_syn_sent(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	kit_close(k);
	expect_silence(k);
	expect_gone(k);
	expect_events(k, TCP_EV_CLOSED);
	kit_delete(k);
}

static void
e6_close_in_syn_received(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	kit_close(k);
	kit_run_ms(k, 10);
	if (k->next < k->n_sent) { /* 3.10.4 allows the FIN at once */
		expect(k, "F. 1 ack 1");
		expect_state(k, TCP_FIN_WAIT_1);
	}
	in(k, ". 1 ack 1");
	kit_wait(k, 5000);
	expect(k, "F. 1 ack 1");
	in(k, "F. 1 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	kit_delete(k);
}

static void
close_after_data_in_syn_received(void **state)
{
	struct kit *k = kit_syn_received(NULL);
	const uint32_t taken = kit_send(k, 100);

	(void)state;
	kit_close(k);
	in(k, ". 1 ack 1");
	kit_wait(k, 1000);
	in(k, "F. 1 ack %u", taken + 2);
	expect_state(k, TCP_TIME_WAIT);
	kit_delete(k);
}

/* --- no active block to hold the FIN: the peer is told by a RST --- */

/* The FIN waits for an active block, and the connection goes on as if half-closed; it is not reset.
 */
static void
close_without_memory(void **state)
{
	static struct kit *(*const make[])(const struct kit_opts *) = {kit_established,
								       kit_close_wait};

	(void)state;
	for (unsigned i = 0; i < N_OF(make); i++) {
		struct kit_opts o = {.n_acts = 1};
		struct kit *k = make[i](&o);
		const uint32_t h = pool_get(&k->ctx.acts);

		kit_close(k);
		kit_close(k); /* once more makes no difference */
		expect_silence_for(k, 1000);
		assert_int_equal(tcp_send_room(&k->ctx, k->t), 0);
		if (i == 0) {
			in(k, ". 1(10) ack 1");
			expect_after(k, 0, 42, ". 1 ack 11");
		}
		pool_put(&k->ctx.acts, h);
		expect_after(k, 0, 12, "F. 1 ack %u", i == 0 ? 11 : 2);
		expect_state(k, i == 0 ? TCP_FIN_WAIT_1 : TCP_LAST_ACK);
		if (i == 0) { /* and it is done */
			in(k, ". 11 ack 2");
			expect_state(k, TCP_FIN_WAIT_2);
			expect_silence_for(k, 1000);
		}
		kit_delete(k);
	}
}

/* The peer's FIN comes while ours waits. */
static void
close_without_memory_meets_fin(void **state)
{
	struct kit_opts o = {.n_acts = 1};
	struct kit *k = kit_established(&o);
	const uint32_t h = pool_get(&k->ctx.acts);

	(void)state;
	kit_close(k);
	in(k, "F. 1 ack 1");
	expect(k, ". 1 ack 2");
	expect_state(k, TCP_CLOSE_WAIT);
	pool_put(&k->ctx.acts, h);
	expect_after(k, 0, 12, "F. 1 ack 2");
	expect_state(k, TCP_LAST_ACK);
	in(k, ". 2 ack 2");
	expect_gone(k);
	expect_events(k, TCP_EV_EOF | TCP_EV_CLOSED);
	kit_delete(k);
}

/* Nor does a waiting FIN outlive what else ends the connection. */
static void
close_without_memory_meets_reset(void **state)
{
	struct kit_opts o = {.n_acts = 1};
	struct kit *k = kit_established(&o);
	const uint32_t h = pool_get(&k->ctx.acts);

	(void)state;
	kit_close(k);
	in(k, "R 1");
	expect_gone(k);
	pool_put(&k->ctx.acts, h);
	kit_delete(k);
	k = kit_established(&o);
	assert_int_equal(pool_get(&k->ctx.acts), h);
	kit_close(k);
	kit_abort(k);
	expect(k, "R. 1 ack 1");
	expect_gone(k);
	pool_put(&k->ctx.acts, h);
	kit_delete(k);
}

/* --- unread octets at close --- */

static void
time_wait_with_unread_octets(void **state)
{
	struct kit *k = kit_established(NULL);

	(void)state;
	k->slow_reader = true;
	in(k, ". 1(1000) ack 1");
	kit_close(k);
	in(k, "F. 1001 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	kit_run_ms(k, 1000);
	kit_read(k, 400);
	kit_read(k, 600);
	expect_idle(k);
	kit_run_ms(k, 62000);
	expect_gone(k);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(e1_active_close),
	    cmocka_unit_test(e1_passive_close),
	    cmocka_unit_test(e1_fin_and_ack_in_one),
	    cmocka_unit_test(e2_simultaneous_close),
	    cmocka_unit_test(e2_closing_repeats_fin),
	    cmocka_unit_test(half_close_by_us),
	    cmocka_unit_test(half_close_by_peer),
	    cmocka_unit_test(data_in_fin_wait_1),
	    cmocka_unit_test(fin_follows_the_data),
	    cmocka_unit_test(fin_waits_for_the_window),
	    cmocka_unit_test(no_sending_after_close),
	    cmocka_unit_test(close_twice),
	    cmocka_unit_test(e1_fin_is_retransmitted),
	    cmocka_unit_test(e5_bounded_without_peer),
	    cmocka_unit_test(e5_fin_wait_2_ends),
	    cmocka_unit_test(e5_fin_wait_2_after_a_long_wait),
	    cmocka_unit_test(e5_forged_segments_do_not_prolong),
	    cmocka_unit_test(spans_that_are_no_milliseconds),
	    cmocka_unit_test(e3_duplicate_fin_restarts_2msl),
	    cmocka_unit_test(e3_data_in_time_wait),
	    cmocka_unit_test(e3_reuse_by_sequence),
	    cmocka_unit_test(e3_reuse_by_timestamp),
	    cmocka_unit_test(reuse_only_in_time_wait),
	    cmocka_unit_test(iss_above_the_floor),
	    cmocka_unit_test(e6_close_in_syn_sent),
	    cmocka_unit_test(e6_close_in_syn_received),
	    cmocka_unit_test(close_after_data_in_syn_received),
	    cmocka_unit_test(close_without_memory),
	    cmocka_unit_test(close_without_memory_meets_fin),
	    cmocka_unit_test(close_without_memory_meets_reset),
	    cmocka_unit_test(time_wait_with_unread_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
