/* test_tcp_retransmit.c - the retransmission timer, and what it sends (RFC 6298 5). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* MSS 1000, no options, RTT of the handshake 100 ms: RTO 300 ms. */
static struct kit *
sender(void)
{
	struct kit_opts o = kit_plain();

	o.rtt_ms = 100;
	return kit_established(&o);
}

static void
expect_burst(struct kit *k, unsigned from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		expect(k, ". %u(1000) ack 1", from + i * 1000);
}

/* Exact times, factor 2, the cap, then the end: R2. */
static void
f7_backoff_to_the_end(void **state)
{
	struct kit *k = sender();
	double rto = 300;

	(void)state;
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1");
	for (unsigned i = 0; i < 15; i++) {
		expect_after(k, rto, 1, "P. 1(100) ack 1");
		rto = 2 * rto > 120000 ? 120000 : 2 * rto;
	}
	expect_events(k, 0);
	kit_run_ms(k, rto + 1);
	expect_silence(k);
	expect_gone(k);
	expect_events(k, TCP_EV_TIMEOUT | TCP_EV_CLOSED);
	assert_int_equal(k->ctx.stats.timed_out, 1);
	assert_int_equal(k->ctx.stats.segs_retransmitted, 15);
	assert_int_equal(k->ctx.stats.rto_expired, 15);
	assert_int_equal(k->ctx.stats.octets_out, 1600);
	kit_delete(k);
}

/* RFC 9293 3.8.3: R2 counts the transmissions of one segment, however alive the peer is. */
static void
r2_while_the_peer_sends(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 100);
	for (unsigned i = 0; i < 40 && k->t; i++) {
		in(k, ". %u(10) ack 1", 1 + i * 10);
		kit_run_ms(k, 60000);
	}
	expect_gone(k);
	assert_true(k->events & TCP_EV_TIMEOUT);
	kit_delete(k);
}

/* RFC 2525 2.14 */
static void
f7_one_segment_per_timeout(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 8000);
	kit_forget(k);
	for (unsigned i = 0; i < 4; i++) {
		kit_wait(k, 10000);
		expect(k, ". 1(1000) ack 1");
		expect_silence(k);
	}
	kit_delete(k);
}

/* RFC 5681 3.1: one segment, then slow start again; ssthresh half of what was in flight. */
static void
f7_slow_start_after_timeout(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 10000);
	kit_forget(k);
	kit_wait(k, 1000);
	assert_int_equal(kit_act(k)->cwnd, 1000);
	assert_int_equal(kit_act(k)->ssthresh, 5000);
	expect(k, ". 1(1000) ack 1");
	in(k, ". 1 ack 1001");
	expect(k, ". 1001(1000) ack 1");
	expect(k, ". 2001(1000) ack 1");
	expect_silence(k);
	in(k, ". 1 ack 3001");
	expect(k, ". 3001(1000) ack 1");
	expect(k, ". 4001(1000) ack 1");
	expect(k, ". 5001(1000) ack 1");
	kit_delete(k);
}

/* The same segment again: ssthresh is not halved a second time (RFC 5681 3.1). */
static void
ssthresh_once_per_segment(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 10000);
	kit_run_ms(k, 5000);
	assert_true(k->ctx.stats.rto_expired >= 3);
	assert_int_equal(kit_act(k)->ssthresh, 5000);
	kit_delete(k);
}

/* ... but for the next segment it is. */
static void
ssthresh_again_for_the_next_segment(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 10000);
	kit_run_ms(k, 301);
	in(k, ". 1 ack 1001");
	in(k, ". 1 ack 10001");
	kit_send(k, 10000);
	kit_forget(k);
	assert_true(kit_wait(k, 5000) > 0);
	assert_true(kit_act(k)->ssthresh < 5000);
	kit_delete(k);
}

/* (5.1), (5.2), (5.3): the timer starts with data, starts again with an ACK of new data, ends with
 * the last. */
static void
timer_follows_the_acks(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 2000);
	expect_burst(k, 1, 2);
	kit_run_ms(k, 250);
	in(k, ". 1 ack 1001");
	expect_silence_for(k, 290); /* (5.3) */
	in(k, ". 1 ack 2001");
	expect_silence_for(k, 100000); /* (5.2) */
	expect_idle(k);
	kit_delete(k);
}

static void
duplicate_acks_do_not_restart_the_timer(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 1000);
	expect_burst(k, 1, 1);
	kit_run_ms(k, 200);
	in(k, ". 1 ack 1");
	in(k, ". 1(10) ack 1");
	expect_after(k, 40, 2, ". 1001 ack 11"); /* the delayed ACK */
	kit_run_ms(k, 61);
	expect(k, ". 1(1000) ack 11");
	kit_delete(k);
}

/* F9, RFC 2525 2.4: the same octets at the same place, cut anew or not; the kit compares. */
static void
f9_repacketised(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.profile.nodelay = true;
	k = kit_established(&o);
	for (unsigned i = 0; i < 10; i++)
		kit_send(k, 150);
	kit_forget(k);
	kit_wait(k, 1000);
	expect(k, ". 1(1000) ack 1");
	in(k, ". 1 ack 151"); /* the peer had cut them otherwise */
	kit_forget(k);
	kit_wait(k, 1000);
	expect(k, ". 151(1000) ack 1");
	in(k, ". 1 ack 1501");
	kit_run_ms(k, 5000);
	expect_idle(k);
	kit_delete(k);
}

/* After a timeout an ACK for all that was ever sent is right, though snd_nxt went back. */
static void
ack_beyond_the_retransmission(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 10000);
	kit_forget(k);
	kit_wait(k, 1000);
	expect(k, ". 1(1000) ack 1");
	in(k, ". 1 ack 10001");
	expect_silence_for(k, 10000);
	kit_send(k, 100);
	expect(k, "P. 10001(100) ack 1");
	kit_delete(k);
}

/* A bare ACK after a timeout is where the peer looks for it: not left of his window. */
static void
ack_sequence_after_timeout(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 10000);
	kit_forget(k);
	kit_wait(k, 1000);
	expect(k, ". 1(1000) ack 1");
	in(k, ". 101(100) ack 1");
	expect(k, ". 10001 ack 1");
	kit_delete(k);
}

static void
fin_is_part_of_the_retransmission(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 500);
	kit_close(k);
	kit_forget(k);
	kit_wait(k, 1000);
	expect(k, "FP. 1(500) ack 1");
	in(k, ". 1 ack 501"); /* without the FIN */
	kit_wait(k, 2000);
	expect(k, "F. 501 ack 1");
	in(k, ". 1 ack 502");
	expect_state(k, TCP_FIN_WAIT_2);
	kit_delete(k);
}

/* The window closed on what is in flight: nothing of it is lost, and it is asked for as a closed
 * window is. */
static void
timeout_into_a_closed_window(void **state)
{
	struct kit *k = sender();

	(void)state;
	kit_send(k, 5000);
	in(k, ". 1 ack 2001 win 0");
	kit_run_ms(k, 30000);
	expect_state(k, TCP_ESTABLISHED);
	in(k, ". 1 ack 2001 win 65535");
	kit_run_ms(k, 1000);
	in(k, ". 1 ack 5001");
	kit_run_ms(k, 5000);
	expect_idle(k);
	kit_delete(k);
}

/* All that is acknowledged leaves the queue at once, in any cut. */
static void
acks_in_odd_pieces(void **state)
{
	struct kit *k = sender();
	unsigned at = 1;

	(void)state;
	assert_int_equal(kit_send(k, 60000), 60000);
	for (unsigned step = 1; at < 60001; step = step * 7 % 4001) {
		at += step;
		if (at > k->sent[k->n_sent - 1].seg.seq - k->iss + 1000)
			at = k->sent[k->n_sent - 1].seg.seq - k->iss +
			     k->sent[k->n_sent - 1].seg.len;
		in(k, ". 1 ack %u", at);
		assert_int_equal(kit_act(k)->sndq.len, 60001 - at);
		if (at >= 59000)
			break;
	}
	in(k, ". 1 ack 60001");
	kit_run_ms(k, 10000);
	expect_idle(k);
	kit_delete(k);
}

static void
notify_sent(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.profile.notify_sent = true;
	k = kit_established(&o);
	kit_send(k, 3000);
	expect_events(k, 0);
	in(k, ". 1 ack 2001");
	expect_events(k, 0);
	in(k, ". 1 ack 3001");
	expect_events(k, TCP_EV_SENT);
	in(k, ". 1 ack 3001");
	expect_events(k, 0);
	kit_delete(k);
}

static void
writable(void **state)
{
	struct kit *k = sender();
	uint32_t taken = kit_send(k, 100000);

	(void)state;
	assert_int_equal(taken, 65536);
	assert_int_equal(tcp_send_room(&k->ctx, k->t), 0);
	assert_int_equal(kit_send(k, 1), 0);
	for (unsigned at = 1; at < 32769 - 1000; at += 1000) {
		in(k, ". 1 ack %u", at + 1000);
		expect_events(k, 0);
	}
	in(k, ". 1 ack 32769");
	expect_events(k, TCP_EV_WRITABLE); /* once, when half is free */
	assert_int_equal(tcp_send_room(&k->ctx, k->t), 32768);
	in(k, ". 1 ack 33769");
	expect_events(k, 0);
	kit_delete(k);
}

/* Blocks ran out, nothing is in flight that could bring an ACK: the user is asked again all the
 * same. */
static void
writable_when_blocks_are_back(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;
	uint32_t small, large;

	(void)state;
	o.n_small = o.n_large = 1;
	k = kit_established(&o);
	small = block_get(&k->ctx.blocks, 1);
	large = block_get(&k->ctx.blocks, 1000);
	assert_int_equal(kit_send(k, 100), 0);
	block_put(&k->ctx.blocks, small);
	block_put(&k->ctx.blocks, large);
	kit_run_ms(k, 50);
	expect_events(k, TCP_EV_WRITABLE);
	assert_int_equal(kit_send(k, 100), 100);
	kit_delete(k);
}

/* Asked for before there is anything to send. */
static void
want_room(void **state)
{
	struct kit *k = sender();

	(void)state;
	tcp_want_room(&k->ctx, k->t, k->now);
	kit_run_ms(k, 50);
	expect_events(k, TCP_EV_WRITABLE);
	kit_run_ms(k, 50);
	expect_events(k, 0);
	expect_idle(k);
	kit_send(k, 65536);
	tcp_want_room(&k->ctx, k->t, k->now);
	for (unsigned at = 1; at < 32001; at += 1000)
		in(k, ". 1 ack %u", at + 1000);
	expect_events(k, 0);
	in(k, ". 1 ack 33001");
	expect_events(k, TCP_EV_WRITABLE);
	kit_close(k);
	tcp_want_room(&k->ctx, k->t, k->now); /* nothing may be sent any more */
	assert_int_equal(kit_act(k)->flags & TCP_ACT_WANT_ROOM, 0);
	kit_delete(k);
}

/* More than 2^31 octets on one connection that is never idle: no stale number comes round again. */
static void
long_transfer(void **state)
{
	static uint8_t data[60000];
	struct kit_opts o = {.peer_mss = 60000, .peer_ws = 8, .no_ts = true, .no_sack = true};
	struct kit *k;
	uint64_t sent = 0;
	uint32_t una;

	(void)state;
	tcp_config_default(&o.cfg);
	o.cfg.mss = 60000;
	o.cfg.sndbuf = 240000;
	k = kit_established(&o);
	in(k, ". 1 ack 1 win 60000");
	una = k->t->snd_una;
	while (sent < UINT64_C(2200) << 20) {
		struct tcp_seg ack = {.seq = k->irs + 1, .flags = TCP_ACK, .wnd = 60000};

		sent += tcp_send(&k->ctx, k->t, data, sizeof(data), k->now);
		tcp_out_init(&k->out, k->room);
		tcp_output(&k->ctx, k->t, k->now, &k->out);
		ack.ack = k->t->snd_nxt - sizeof(data);
		if (sent >= 2 * sizeof(data) && seq_gt(ack.ack, una)) {
			tcp_out_init(&k->out, k->room);
			tcp_input(&k->ctx, k->t, &ack, k->now, &k->out);
			una = ack.ack;
		}
		k->now += 100000;
	}
	k->tx_len = (uint32_t)sent;
	/* Three duplicates still mean a loss. */
	k->corked = true;
	assert_int_equal(k->ctx.stats.rto_expired, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct tcp_seg dup = {
		    .seq = k->irs + 1, .ack = una, .flags = TCP_ACK, .wnd = 60000};

		kit_input(k, &dup);
	}
	assert_int_equal(k->ctx.stats.fast_retransmits, 1);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(f7_backoff_to_the_end),
	    cmocka_unit_test(r2_while_the_peer_sends),
	    cmocka_unit_test(f7_one_segment_per_timeout),
	    cmocka_unit_test(f7_slow_start_after_timeout),
	    cmocka_unit_test(ssthresh_once_per_segment),
	    cmocka_unit_test(ssthresh_again_for_the_next_segment),
	    cmocka_unit_test(timer_follows_the_acks),
	    cmocka_unit_test(duplicate_acks_do_not_restart_the_timer),
	    cmocka_unit_test(f9_repacketised),
	    cmocka_unit_test(ack_beyond_the_retransmission),
	    cmocka_unit_test(ack_sequence_after_timeout),
	    cmocka_unit_test(fin_is_part_of_the_retransmission),
	    cmocka_unit_test(timeout_into_a_closed_window),
	    cmocka_unit_test(acks_in_odd_pieces),
	    cmocka_unit_test(notify_sent),
	    cmocka_unit_test(writable),
	    cmocka_unit_test(writable_when_blocks_are_back),
	    cmocka_unit_test(want_room),
	    cmocka_unit_test(long_transfer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
