/* test_tcp_congestion.c - how much may be in flight: RFC 5681, 6582, 3042, 3465, 6928. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* MSS 1000, no options, a handshake of 100 ms: IW 10000, RTO 300 ms. */
static struct kit *
sender(void)
{
	struct kit_opts o = kit_plain();

	o.rtt_ms = 100;
	o.cfg.sndbuf = 1 << 20;
	o.n_large = 2000;
	return kit_established(&o);
}

/* As many whole segments as this, from the first not looked at yet; then nothing. */
static void
assert_sent(struct kit *k, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		assert_true(k->next < k->n_sent);
		assert_int_equal(k->sent[k->next++].seg.len, 1000);
	}
	expect_silence(k);
}

/* Ten segments out, of many queued. */
static struct kit *
in_flight(void)
{
	struct kit *k = sender();

	kit_send(k, 200000);
	assert_sent(k, 10);
	return k;
}

static void
dup_acks(struct kit *k, unsigned n, unsigned ack)
{
	for (unsigned i = 0; i < n; i++)
		in(k, ". 1 ack %u", ack);
}

/* --- the initial window --- */

static void
f1_initial_window(void **state)
{
	static const struct {
		uint16_t mss;
		unsigned segments; /* RFC 6928 2: min(10 MSS, max(2 MSS, 14600)) */
	} t[] = {{100, 10}, {536, 10}, {1000, 10}, {1460, 10}, {2920, 5}, {4000, 3}, {8960, 2}};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		struct kit_opts o = {.peer_mss = t[i].mss, .no_ts = true, .cfg = kit_config()};
		struct kit *k;
		unsigned n = 0;

		o.cfg.mss = 9000;
		k = kit_established(&o);
		kit_send(k, 65000);
		while (n < k->n_sent && k->sent[n].seg.len == t[i].mss)
			n++;
		assert_int_equal(n, t[i].segments);
		kit_delete(k);
	}
}

static void
configured_initial_window(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.cfg.initial_window = 2;
	k = kit_established(&o);
	kit_send(k, 20000);
	assert_sent(k, 2);
	kit_delete(k);
}

/* --- slow start, congestion avoidance --- */

static void
f2_slow_start_doubles(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	for (unsigned i = 1; i <= 10; i++) {
		in(k, ". 1 ack %u", 1 + i * 1000);
		assert_sent(k, 2);
	}
	assert_int_equal(kit_act(k)->cwnd, 20000);
	kit_delete(k);
}

/* RFC 3465 2.2, L = 2. */
static void
f2_stretch_ack(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	in(k, ". 1 ack 4001");
	assert_sent(k, 6);
	assert_int_equal(kit_act(k)->cwnd, 12000);
	kit_delete(k);
}

/* Savage 1999: one segment acknowledged in pieces. */
static void
f2_ack_division(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	for (unsigned i = 1; i <= 100; i++)
		in(k, ". 1 ack %u", 1 + i * 10);
	assert_sent(k, 2);
	assert_int_equal(kit_act(k)->cwnd, 11000);
	kit_delete(k);
}

/* One segment a round trip once ssthresh is reached, however it is acknowledged. */
static void
congestion_avoidance(void **state)
{
	static const unsigned step[] = {1000, 2000, 500, 100};

	(void)state;
	for (size_t s = 0; s < N_OF(step); s++) {
		struct kit *k = in_flight();
		uint32_t before;

		dup_acks(k, 3, 1);
		in(k, ". 1 ack 12001"); /* limited transmit sent two more: recovery ends */
		before = kit_act(k)->cwnd;
		assert_int_equal(kit_act(k)->ssthresh, 5000);
		assert_in_range(before, 2000, 5000);
		for (uint32_t acked = 0; acked < 20000; acked += step[s]) {
			k->n_sent = k->next = 0;
			in(k, ". 1 ack %u", 12001 + acked + step[s]);
		}
		/* from 5000 on: 5 + 6 + 7 = 18 segments for three more */
		assert_in_range(kit_act(k)->cwnd, 7000, 9000);
		kit_delete(k);
	}
}

/* A window that the user does not fill does not grow. */
static void
application_limited(void **state)
{
	struct kit *k = sender();

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		kit_send(k, 1000);
		k->n_sent = k->next = 0;
		kit_run_ms(k, 10);
		in(k, ". 1 ack %u", 1001 + i * 1000);
	}
	kit_send(k, 100000);
	assert_in_range(k->n_sent, 10, 11);
	kit_delete(k);
}

/* --- fast retransmit, fast recovery --- */

static void
f3_fast_retransmit(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	dup_acks(k, 2, 1);
	assert_sent(k, 2); /* F16 */
	in(k, ". 1 ack 1");
	expect(k, ". 1(1000) ack 1");
	expect_silence(k);
	assert_int_equal(k->ctx.stats.fast_retransmits, 1);
	assert_int_equal(kit_act(k)->ssthresh, 5000);
	assert_int_equal(kit_act(k)->cwnd, 8000); /* ssthresh + 3 */
	dup_acks(k, 4, 1);
	assert_sent(k, 0); /* 12 are out */
	in(k, ". 1 ack 1");
	expect(k, ". 12001(1000) ack 1"); /* inflated to 13 */
	in(k, ". 1 ack 13001");
	assert_int_equal(kit_act(k)->flags & TCP_ACT_RECOVERY, 0);
	assert_true(kit_act(k)->cwnd <= 5000); /* deflated */
	assert_int_equal(k->ctx.stats.rto_expired, 0);
	kit_delete(k);
}

/* The retransmission has a whole RTO of its own. */
static void
fast_retransmit_restarts_the_timer(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	kit_run_ms(k, 250);
	dup_acks(k, 3, 1);
	kit_run_ms(k, 290);
	assert_int_equal(k->ctx.stats.rto_expired, 0);
	kit_run_ms(k, 11);
	assert_int_equal(k->ctx.stats.rto_expired, 1);
	kit_delete(k);
}

/* A peer that repeats one ACK for ever gets no window that wraps (Savage 1999). */
static void
duplicates_without_end(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		dup_acks(k, 1, 1);
		k->n_sent = k->next = 0;
	}
	assert_in_range(kit_act(k)->cwnd, 60000, 70000);
	kit_delete(k);
}

/* RFC 6582 3.2 (5): a partial ACK points at the next hole. */
static void
f3_newreno_partial_acks(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	dup_acks(k, 3, 1);
	k->next = k->n_sent;
	assert_int_equal(kit_act(k)->cwnd, 8000);
	in(k, ". 1 ack 3001");
	expect(k, ". 3001(1000) ack 1");
	assert_int_equal(kit_act(k)->cwnd, 6000); /* less what was acknowledged, and one more */
	in(k, ". 1 ack 3101");
	assert_int_equal(kit_act(k)->cwnd, 5900); /* not for less than a segment */
	in(k, ". 1 ack 6001");
	k->next = k->n_sent - 1;
	while (k->next > 0 && k->sent[k->next].seg.seq - k->iss != 6001)
		k->next--;
	expect(k, ". 6001(1000) ack 1");
	assert_int_equal(kit_act(k)->flags & TCP_ACT_RECOVERY, TCP_ACT_RECOVERY);
	assert_int_equal(kit_act(k)->ssthresh, 5000); /* one halving for the window */
	in(k, ". 1 ack %u", kit_act(k)->recover - k->iss);
	assert_int_equal(kit_act(k)->flags & TCP_ACT_RECOVERY, 0);
	assert_int_equal(k->ctx.stats.fast_retransmits, 1);
	assert_int_equal(k->ctx.stats.rto_expired, 0);
	kit_delete(k);
}

/* Ten holes in a window: one round trip each, no timeout. */
static void
f3_many_holes(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	dup_acks(k, 3, 1);
	for (unsigned i = 0; i < 10; i++) {
		k->next = k->n_sent;
		kit_run_ms(k, 100);
		in(k, ". 1 ack %u", 1001 + i * 1000);
		assert_true(k->next < k->n_sent);
		assert_int_equal(kit_act(k)->cwnd, 8000); /* one less, one more */
	}
	assert_int_equal(k->ctx.stats.rto_expired, 0);
	kit_delete(k);
}

/* RFC 5681 2: what is not a duplicate. */
static void
not_duplicates(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		in(k, ". %u(10) ack 1", 1 + i * 10);   /* with octets */
		in(k, ". 51 ack 1 win %u", 60000 - i); /* another window */
	}
	in(k, ". 51 ack 0"); /* older */
	assert_int_equal(k->ctx.stats.dup_acks_in, 0);
	assert_int_equal(k->ctx.stats.fast_retransmits, 0);
	assert_int_equal(kit_act(k)->cwnd, 10000);
	kit_delete(k);
}

static void
no_duplicates_with_nothing_in_flight(void **state)
{
	struct kit *k = sender();

	(void)state;
	dup_acks(k, 10, 1);
	expect_silence(k);
	assert_int_equal(k->ctx.stats.dup_acks_in, 0);
	kit_send(k, 5000);
	assert_sent(k, 5);
	kit_delete(k);
}

/* RFC 6582 3.2 (1), 4: duplicates that a timeout's own repetitions cause are not a new loss. */
static void
no_fast_retransmit_after_timeout(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	kit_run_ms(k, 301);
	assert_int_equal(k->ctx.stats.rto_expired, 1);
	in(k, ". 1 ack 5001");
	dup_acks(k, 5, 5001);
	assert_int_equal(k->ctx.stats.fast_retransmits, 0);
	in(k, ". 1 ack 10001"); /* as far as `recover`, not more */
	dup_acks(k, 5, 10001);
	assert_int_equal(k->ctx.stats.fast_retransmits, 0);
	in(k, ". 1 ack 10002");
	dup_acks(k, 5, 10002);
	assert_int_equal(k->ctx.stats.fast_retransmits, 1);
	kit_delete(k);
}

/* A loss after recovery is a new one. */
static void
second_loss(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	dup_acks(k, 3, 1);
	in(k, ". 1 ack 12001");
	k->n_sent = k->next = 0;
	in(k, ". 1 ack 13001");
	dup_acks(k, 3, 13001);
	assert_int_equal(k->ctx.stats.fast_retransmits, 2);
	assert_true(kit_act(k)->ssthresh < 5000);
	kit_delete(k);
}

/* The last segments of a window: too few duplicates, the timer does it. */
static void
timeout_in_recovery(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	dup_acks(k, 3, 1);
	kit_run_ms(k, 310); /* the retransmission is lost, too */
	assert_int_equal(k->ctx.stats.rto_expired, 1);
	assert_int_equal(kit_act(k)->flags & TCP_ACT_RECOVERY, 0);
	assert_int_equal(kit_act(k)->cwnd, 1000);
	kit_delete(k);
}

/* A hole at the end takes the FIN with it. */
static void
fin_in_a_partial_ack(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 5000);
	kit_close(k);
	dup_acks(k, 3, 1);
	k->next = k->n_sent;
	in(k, ". 1 ack 3001");
	expect(k, ". 3001(1000) ack 1");
	in(k, ". 1 ack 4001");
	expect(k, "FP. 4001(1000) ack 1");
	in(k, ". 1 ack 5002");
	expect_state(k, TCP_FIN_WAIT_2);
	kit_delete(k);
}

static void
fin_is_retransmitted_alone(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 3000);
	kit_close(k);
	assert_true(k->n_sent >= 3);
	in(k, ". 1 ack 3001");
	k->next = k->n_sent;
	kit_wait(k, 1000);
	expect(k, "F. 3001 ack 1");
	kit_delete(k);
}

/* --- F16: limited transmit (RFC 3042) --- */

static void
f16_limited_transmit(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	in(k, ". 1 ack 1");
	expect(k, ". 10001(1000) ack 1");
	in(k, ". 1 ack 1");
	expect(k, ". 11001(1000) ack 1");
	expect_silence(k);
	assert_int_equal(kit_act(k)->cwnd, 10000);
	in(k, ". 1 ack 1");
	assert_int_equal(kit_act(k)->ssthresh, 5000); /* RFC 5681 3.2 (2): without those two */
	kit_delete(k);
}

static void
f16_not_beyond_the_window(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.peer_wnd = 10500;
	k = kit_established(&o);
	kit_send(k, 50000);
	assert_int_equal(k->n_sent, 10);
	in(k, ". 1 ack 1");
	in(k, ". 1 ack 1");
	assert_int_equal(k->n_sent, 10);
	kit_delete(k);
}

/* --- F14: idling (RFC 5681 4.1) --- */

/* cwnd 20000, everything acknowledged. */
static struct kit *
grown(void)
{
	struct kit *k = sender();

	kit_send(k, 30000);
	for (unsigned i = 1; i <= 10; i++)
		in(k, ". 1 ack %u", 1 + i * 1000);
	for (unsigned at = 11; at <= 30; at++)
		in(k, ". 1 ack %u", 1 + at * 1000);
	kit_forget(k);
	return k;
}

static void
f14_window_survives_a_short_pause(void **state)
{
	struct kit *k = grown();

	(void)state;
	kit_run_ms(k, 50);
	kit_send(k, 100000);
	assert_true(k->n_sent > 15);
	kit_delete(k);
}

static void
f14_restart_after_an_rto(void **state)
{
	struct kit *k = grown();

	(void)state;
	kit_run_ms(k, 2000);
	expect_idle(k);
	kit_send(k, 100000);
	assert_sent(k, 10);
	kit_delete(k);
}

/* RW = min(IW, cwnd): idling does not raise what a timeout has lowered. */
static void
f14_low_window_stays_low(void **state)
{
	static const double pause[] = {0, 50, 5000};

	(void)state;
	for (size_t i = 0; i < N_OF(pause); i++) {
		struct kit *k = sender();

		kit_send(k, 1000);
		kit_run_ms(k, 301);
		in(k, ". 1 ack 1001"); /* cwnd 2 */
		kit_forget(k);
		kit_run_ms(k, pause[i]);
		kit_send(k, 100000);
		assert_in_range(k->n_sent, 1, 2);
		kit_delete(k);
	}
}

/* ... and once it has grown again it is as before. */
static void
f14_low_window_recovers(void **state)
{
	struct kit *k = sender();
	unsigned at = 1001;

	(void)state;
	kit_send(k, 1000);
	kit_run_ms(k, 301);
	in(k, ". 1 ack 1001");
	kit_send(k, 100000);
	while (kit_act(k)->cwnd < 12000) {
		at += 1000;
		in(k, ". 1 ack %u", at);
		k->n_sent = k->next = 0;
	}
	in(k, ". 1 ack %u", k->t->snd_nxt - k->iss);
	while (kit_act(k)->sndq.len > 0)
		in(k, ". 1 ack %u", k->t->snd_nxt - k->iss);
	kit_run_ms(k, 5000);
	expect_idle(k);
	kit_forget(k);
	kit_send(k, 100000);
	assert_int_equal(k->n_sent, 10);
	kit_delete(k);
}

/* ssthresh outlives the active block, an eighth apart at most. */
static void
ssthresh_survives_idling(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	dup_acks(k, 3, 1);
	while (k->t->snd_una - k->iss < 200001) {
		in(k, ". 1 ack %u", k->t->snd_nxt - k->iss);
		k->n_sent = k->next = 0;
	}
	kit_run_ms(k, 5000);
	expect_idle(k);
	kit_send(k, 1000);
	assert_in_range(kit_act(k)->ssthresh, 4300, 5000);
	kit_delete(k);
}

/* --- F18: a delay spike, then all ACKs arrive. Without F-RTO: one repetition for each ACK that
 * comes late, at most. --- */

static void
f18_spurious_timeout(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	kit_run_ms(k, 350);
	assert_int_equal(k->ctx.stats.rto_expired, 1);
	for (unsigned i = 1; i <= 10; i++)
		in(k, ". 1 ack %u", 1 + i * 1000);
	assert_true(k->ctx.stats.segs_retransmitted <= 10);
	assert_int_equal(k->ctx.stats.fast_retransmits, 0);
	assert_int_equal(k->t->snd_una - k->iss, 10001);
	kit_delete(k);
}

/* F17: ECN was not agreed on: its bits mean nothing. */
static void
f17_ece_without_agreement(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	in(k, "E. 1 ack 1001");
	in(k, "EW. 1 ack 2001");
	assert_int_equal(kit_act(k)->cwnd, 12000);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(f1_initial_window),
	    cmocka_unit_test(configured_initial_window),
	    cmocka_unit_test(f2_slow_start_doubles),
	    cmocka_unit_test(f2_stretch_ack),
	    cmocka_unit_test(f2_ack_division),
	    cmocka_unit_test(congestion_avoidance),
	    cmocka_unit_test(application_limited),
	    cmocka_unit_test(f3_fast_retransmit),
	    cmocka_unit_test(fast_retransmit_restarts_the_timer),
	    cmocka_unit_test(duplicates_without_end),
	    cmocka_unit_test(f3_newreno_partial_acks),
	    cmocka_unit_test(f3_many_holes),
	    cmocka_unit_test(not_duplicates),
	    cmocka_unit_test(no_duplicates_with_nothing_in_flight),
	    cmocka_unit_test(no_fast_retransmit_after_timeout),
	    cmocka_unit_test(second_loss),
	    cmocka_unit_test(timeout_in_recovery),
	    cmocka_unit_test(fin_in_a_partial_ack),
	    cmocka_unit_test(fin_is_retransmitted_alone),
	    cmocka_unit_test(f16_limited_transmit),
	    cmocka_unit_test(f16_not_beyond_the_window),
	    cmocka_unit_test(f14_window_survives_a_short_pause),
	    cmocka_unit_test(f14_restart_after_an_rto),
	    cmocka_unit_test(f14_low_window_stays_low),
	    cmocka_unit_test(f14_low_window_recovers),
	    cmocka_unit_test(ssthresh_survives_idling),
	    cmocka_unit_test(f18_spurious_timeout),
	    cmocka_unit_test(f17_ece_without_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
