/* test_tcp_window.c - flow control and Nagle (RFC 9293 3.8.6, 1122 4.2.3). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* MSS 1000, no options. */
static struct kit *
plain(void)
{
	struct kit_opts o = kit_plain();

	o.rtt_ms = 100;
	return kit_established(&o);
}

static struct kit *
slow_receiver(uint32_t rcvbuf, uint16_t mss)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	o.cfg.rcvbuf = rcvbuf;
	o.cfg.mss = mss;
	k = kit_accepted(&o);
	k->slow_reader = true;
	return k;
}

/* --- the sender: zero windows (3.8.6.1) --- */

/* F10: first after the RTO, then each time twice as long, up to the limit; never given up while the
 * peer answers (MUST-36). */
static void
f10_zero_window_probes(void **state)
{
	struct kit *k = plain();
	double wait = 300;

	(void)state;
	in(k, ". 1 ack 1 win 0");
	kit_send(k, 5000);
	expect_silence(k);
	for (unsigned i = 0; i < 40; i++) {
		expect_after(k, wait, 2, ". 1(1) ack 1");
		expect_silence(k);
		in(k, ". 1 ack 1 win 0");
		expect_silence(k);
		wait = wait * 2 > 120000 ? 120000 : wait * 2;
	}
	expect_events(k, 0);
	expect_state(k, TCP_ESTABLISHED);
	assert_int_equal(k->ctx.stats.window_probes_out, 40);
	assert_int_equal(k->ctx.stats.rto_expired, 0);
	in(k, ". 1 ack 1 win 65535");
	expect(k, ". 1(1000) ack 1");
	kit_delete(k);
}

/* A peer that does not answer at all is gone: R2. */
static void
f10_probes_without_an_answer(void **state)
{
	struct kit *k = plain();

	(void)state;
	in(k, ". 1 ack 1 win 0");
	kit_send(k, 5000);
	kit_run_ms(k, 3600e3);
	expect_gone(k);
	assert_true(k->events & TCP_EV_TIMEOUT);
	assert_in_range(k->n_sent, 10, 20);
	kit_delete(k);
}

/* The window update was lost: the probe finds out. */
static void
f10_lost_window_update(void **state)
{
	struct kit *k = plain();

	(void)state;
	in(k, ". 1 ack 1 win 0");
	kit_send(k, 2001);
	kit_wait(k, 1000);
	expect(k, ". 1(1) ack 1");
	in(k, ". 1 ack 2 win 10000"); /* took the octet of the probe */
	expect(k, ". 2(1000) ack 1");
	expect(k, "P. 1002(1000) ack 1");
	in(k, ". 1 ack 2002 win 10000");
	kit_run_ms(k, 5000);
	expect_idle(k);
	kit_delete(k);
}

/* The probe's octet is taken, the window stays shut: on with the next. */
static void
f10_probe_taken_octet_by_octet(void **state)
{
	struct kit *k = plain();

	(void)state;
	in(k, ". 1 ack 1 win 0");
	kit_send(k, 3);
	for (unsigned i = 1; i <= 3; i++) {
		kit_wait(k, 200000);
		expect(k, ". %u(1) ack 1", i);
		in(k, ". 1 ack %u win 0", i + 1);
	}
	expect_silence_for(k, 300000);
	expect_idle(k);
	kit_delete(k);
}

static void
f10_fin_into_a_zero_window(void **state)
{
	struct kit *k = plain();

	(void)state;
	in(k, ". 1 ack 1 win 0");
	kit_close(k);
	expect_silence(k);
	kit_wait(k, 1000);
	expect(k, "F. 1 ack 1");
	in(k, ". 1 ack 1 win 0"); /* no place for it */
	kit_wait(k, 3000);
	expect(k, "F. 1 ack 1");
	in(k, ". 1 ack 2 win 0");
	expect_state(k, TCP_FIN_WAIT_2);
	kit_delete(k);
}

/* An idle connection has no probes to send. */
static void
no_probe_without_data(void **state)
{
	struct kit *k = plain();

	(void)state;
	in(k, ". 1 ack 1 win 0");
	expect_silence_for(k, 3600e3);
	expect_state(k, TCP_ESTABLISHED);
	expect_idle(k);
	kit_delete(k);
}

/* MUST-30: RST, and ACKs of ours, count at a zero window of our own as well. */
static void
c6_our_window_is_zero(void **state)
{
	struct kit *k = slow_receiver(1000, 1000);

	(void)state;
	in(k, ". 1(1000) ack 1");
	kit_wait(k, 50);
	expect(k, ". 1 ack 1001 win 0");
	in(k, ". 1001(1) ack 1"); /* a probe */
	expect(k, ". 1 ack 1001 win 0");
	assert_int_equal(k->rx_len, 1000);
	in(k, "F. 1001 ack 1");
	expect(k, ". 1 ack 1001 win 0");
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1001 win 0");
	in(k, ". 1001 ack 101");
	assert_int_equal(kit_act(k)->sndq.len, 0);
	in(k, "R 1001");
	expect_gone(k);
	kit_delete(k);
}

/* --- the sender: windows that shrink (F11, MUST-34) --- */

static void
f11_window_shrinks(void **state)
{
	struct kit *k = plain();

	(void)state;
	kit_send(k, 8000);
	assert_int_equal(k->n_sent, 8);
	k->next = k->n_sent;
	in(k, ". 1 ack 1001 win 3000"); /* edge from 65536 back to 4001 */
	kit_send(k, 8000);
	expect_silence(k);
	in(k, ". 1 ack 4001 win 3000");
	expect_silence(k);
	in(k, ". 1 ack 8001 win 3000");
	expect(k, ". 8001(1000) ack 1");
	expect(k, ". 9001(1000) ack 1");
	expect(k, ". 10001(1000) ack 1");
	expect_silence(k);
	kit_delete(k);
}

static void
window_from_old_segments_is_ignored(void **state)
{
	struct kit *k = plain();

	(void)state;
	kit_send(k, 4000); /* keeps a block: SND.WL1, SND.WL2 */
	in(k, ". 1(10) ack 2001 win 5000");
	assert_int_equal(k->t->snd_wnd, 5000);
	in(k, ". 11(10) ack 2001 win 6000");
	assert_int_equal(k->t->snd_wnd, 6000);
	in(k, ". 11 ack 1001 win 100"); /* older ACK */
	assert_int_equal(k->t->snd_wnd, 6000);
	in(k, ". 1(25) ack 2001 win 200"); /* older octets, with a new one behind them */
	assert_int_equal(k->t->snd_wnd, 6000);
	in(k, ". 26 ack 2001 win 7000");
	assert_int_equal(k->t->snd_wnd, 7000);
	kit_delete(k);
}

/* The peer's repeated octets bring a new ACK: left of SND.WL1, but the latest window there is. The
 * edge must not follow SND.UNA. */
static void
window_with_repeated_octets(void **state)
{
	struct kit *k = plain();

	(void)state;
	in(k, ". 101(100) ack 1 win 3000"); /* moves SND.WL1 on */
	kit_send(k, 10000);
	in(k, ". 101 ack 1 win 3000");
	k->n_sent = k->next = 0;
	in(k, ". 1(100) ack 2001 win 1000");
	assert_int_equal(k->t->snd_wnd, 1000);
	expect(k, ". 3001 ack 201"); /* nothing beyond 3001 */
	expect_silence(k);
	kit_delete(k);
}

/* --- the sender: Nagle, silly windows, PSH --- */

static void
f12_nagle(void **state)
{
	struct kit *k = plain();

	(void)state;
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1");
	kit_send(k, 100);
	kit_send(k, 100);
	expect_silence(k);
	kit_send(k, 900);
	expect(k, ". 101(1000) ack 1"); /* a whole segment goes */
	expect_silence(k);
	in(k, ". 1 ack 101");
	expect_silence(k); /* 1000 are still out */
	in(k, ". 1 ack 1101");
	expect(k, "P. 1101(100) ack 1");
	kit_delete(k);
}

static void
f12_nodelay(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	for (unsigned by_config = 0; by_config < 2; by_config++) {
		o.cfg.nagle = !by_config;
		o.profile.nodelay = !by_config;
		k = kit_established(&o);
		for (unsigned i = 0; i < 5; i++) {
			kit_send(k, 10);
			expect(k, "P. %u(10) ack 1", 1 + i * 10);
		}
		kit_delete(k);
	}
}

/* MUST-61 */
static void
f12_push_on_the_last(void **state)
{
	struct kit *k = plain();

	(void)state;
	kit_send(k, 2000);
	kit_close(k);
	assert_int_equal(k->sent[0].seg.flags & TCP_PSH, 0);
	assert_true(k->sent[1].seg.flags & TCP_PSH);
	kit_delete(k);
}

/* MUST-38: not a piece of what fits, unless it is half of the largest window seen. */
static void
sender_silly_window(void **state)
{
	struct kit *k = plain();

	(void)state;
	in(k, ". 1 ack 1 win 4000");
	kit_send(k, 10000);
	assert_int_equal(k->n_sent, 4);
	k->next = k->n_sent;
	in(k, ". 1 ack 1001 win 3100"); /* 100 usable */
	expect_silence(k);
	in(k, ". 1 ack 2001 win 2100");
	expect_silence(k);
	in(k, ". 1 ack 2001 win 3000"); /* a whole segment */
	expect(k, ". 4001(1000) ack 1");
	kit_delete(k);
}

static void
half_of_the_largest_window(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.peer_wnd = 600; /* never a whole segment */
	k = kit_established(&o);
	kit_send(k, 2000);
	expect(k, ". 1(600) ack 1");
	in(k, ". 1 ack 601 win 200");
	expect_silence(k);
	in(k, ". 1 ack 601 win 300");
	expect(k, ". 601(300) ack 1");
	kit_delete(k);
}

/* A window that stays silly must not stop the connection for good: what fits goes after the RTO. */
static void
silly_window_forever(void **state)
{
	struct kit *k = plain();
	unsigned at = 1001;

	(void)state;
	kit_send(k, 1500); /* 500 wait for Nagle */
	in(k, ". 1 ack 1001 win 100");
	k->next = k->n_sent;
	for (unsigned i = 0; i < 5; i++) {
		assert_true(kit_wait(k, 200000) > (i < 4 ? 100 : -1)); /* the last fits */
		expect(k, ". %u(100) ack 1", at);
		at += 100;
		in(k, ". 1 ack %u win 100", at);
	}
	kit_run_ms(k, 5000);
	expect_idle(k);
	kit_delete(k);
}

/* --- the receiver (3.8.6.2.2) --- */

static void
c7_window_updates(void **state)
{
	static const struct {
		uint32_t rcvbuf;
		uint16_t mss;
		uint32_t worth; /* min(half the buffer, MSS) */
	} t[] = {{10000, 1000, 1000}, {10000, 1460, 1460}, {1000, 1000, 500},
		 {100, 1000, 50},     {65535, 1460, 1460}, {4, 1000, 2}};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		struct kit *k = slow_receiver(t[i].rcvbuf, t[i].mss);
		uint32_t read = 0;

		for (uint32_t at = 0, n; at < t[i].rcvbuf; at += n) {
			n = t[i].rcvbuf - at < 1460 ? t[i].rcvbuf - at : 1460;
			in(k, ". %u(%u) ack 1", 1 + at, n);
		}
		kit_run_ms(k, 50);
		assert_int_equal(k->sent[k->n_sent - 1].seg.wnd, 0);
		k->next = k->n_sent;
		while (k->next == k->n_sent) {
			kit_read(k, 1);
			read++;
		}
		assert_int_equal(read, t[i].worth);
		expect(k, ". 1 ack %u win %u", t[i].rcvbuf + 1, t[i].worth);
		while (read < t[i].rcvbuf) {
			kit_read(k, 1);
			read++;
		}
		assert_in_range(k->n_sent - k->next, t[i].rcvbuf / t[i].worth - 2,
				t[i].rcvbuf / t[i].worth);
		kit_delete(k);
	}
}

/* MUST-39: no silly window is offered while the buffer is almost full. */
static void
c7_no_silly_windows(void **state)
{
	struct kit *k = slow_receiver(8000, 1000);

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		in(k, ". %u(1000) ack 1", 1 + i * 1000);
	kit_run_ms(k, 50);
	for (unsigned i = 0; i < 100; i++) {
		kit_read(k, 9);
		in(k, ". 8001(1) ack 1"); /* the peer probes */
		assert_int_equal(k->sent[k->n_sent - 1].seg.wnd, 0);
	}
	kit_read(k, 100);
	assert_int_equal(k->sent[k->n_sent - 1].seg.wnd, 1000);
	kit_delete(k);
}

/* SHLD-14, RFC 7323 2.4: the right edge never moves left, whatever the shift rounds. */
static void
c7_edge_never_moves_left(void **state)
{
	static const uint32_t rcvbufs[] = {70000, 100001, 262143, 1000003, 16777216};

	(void)state;
	for (size_t b = 0; b < N_OF(rcvbufs); b++) {
		struct kit_opts o = {.no_ts = true};
		struct kit *k;
		uint32_t edge = 0, at = 1, x = 77;
		unsigned ws;

		tcp_config_default(&o.cfg);
		o.cfg.rcvbuf = rcvbufs[b];
		o.profile.quickack = true;
		k = kit_accepted(&o);
		k->slow_reader = true;
		ws = k->t->scales >> 4;
		edge = k->t->rcv_adv;
		for (unsigned i = 0; i < 3000; i++) {
			x = x * 1664525 + 1013904223;
			const unsigned n = 1 + (x >> 8) % 1400;
			const struct tcp_seg *last;

			if ((x >> 24) % 4 == 0 && tcp_rcvq(&k->ctx, k->t) != NULL) {
				const uint32_t have = tcp_rcvq(&k->ctx, k->t)->len;

				kit_read(k, (x >> 4) % (have + 1));
			} else if (seq_leq(k->irs + at + n, k->t->rcv_adv)) {
				in(k, ". %u(%u) ack 1", at, n);
				at += n;
			}
			if (k->n_sent == 0)
				continue;
			last = &k->sent[k->n_sent - 1].seg;
			/* RFC 7323 2.4: what the shift cuts off may come and go */
			assert_true(seq_geq(last->ack + ((uint32_t)last->wnd << ws) + (1u << ws),
					    edge + 1));
			assert_true(seq_geq(k->t->rcv_adv, edge));
			edge = k->t->rcv_adv;
			assert_true(edge - last->ack <= rcvbufs[b] + (1u << ws));
			k->n_sent = k->next = 0;
		}
		kit_read(k, tcp_rcvq(&k->ctx, k->t) ? tcp_rcvq(&k->ctx, k->t)->len : 0);
		kit_delete(k);
	}
}

/* Rounding up to the shift, octet after octet, must not keep the window open for ever. */
static void
c7_rounding_does_not_add_up(void **state)
{
	struct kit_opts o = {.no_ts = true, .n_small = 1200};
	struct kit *k;
	uint32_t at = 1;

	(void)state;
	tcp_config_default(&o.cfg);
	o.cfg.rcvbuf = 140000; /* a shift of 2 */
	o.profile.quickack = true;
	k = kit_accepted(&o);
	k->slow_reader = true;
	for (; at + 1400 < 139800; at += 1400) {
		in(k, ". %u(1400) ack 1", at);
		k->n_sent = k->next = 0;
	}
	for (unsigned i = 0; i < 2000 && k->t->rcv_adv != k->t->rcv_nxt; i++, at++) {
		in(k, ". %u(1) ack 1", at);
		k->n_sent = k->next = 0;
	}
	assert_int_equal(k->t->rcv_adv, k->t->rcv_nxt);
	assert_in_range(k->rx_len, 140000, 140000 + 4);
	kit_read(k, k->rx_len);
	kit_delete(k);
}

/* What waits in the reassembly queue is inside the window: it does not take any from it. */
static void
held_octets_do_not_shrink_the_window(void **state)
{
	struct kit *k = slow_receiver(8000, 1000);

	(void)state;
	in(k, ". 1001(1000) ack 1");
	expect(k, ". 1 ack 1 win 8000");
	in(k, ". 5001(1000) ack 1");
	expect(k, ". 1 ack 1 win 8000");
	in(k, ". 1(1000) ack 1");
	expect(k, ". 1 ack 2001 win 6000");
	kit_read(k, 2000);
	kit_delete(k);
}

/* --- our window is shut: what counts all the same (RFC 9293 MUST-66, 3.10.7.4 first) --- */

static struct kit *
shut(void)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	o.cfg.rcvbuf = 1000;
	k = kit_accepted(&o);
	k->slow_reader = true;
	in(k, ". 1(1000) ack 1");
	expect_after(k, 40, 2, ". 1 ack 1001 win 0");
	return k;
}

/* Both ends have shut their windows and probe each other: the ACK fields of the probes are all they have. */
static void
shut_ack_of_a_probe_counts(void **state)
{
	struct kit *k = shut();

	(void)state;
	kit_send(k, 500);
	expect(k, "P. 1(500) ack 1001");
	in(k, ". 1001(1) ack 501");
	expect(k, ". 501 ack 1001 win 0");
	assert_int_equal(k->t->snd_una - k->iss, 501);
	assert_int_equal(k->rx_len, 1000);
	kit_delete(k);
}

/* Its window, too. */
static void
shut_window_of_a_probe_counts(void **state)
{
	struct kit *k = shut();

	(void)state;
	in(k, ". 1001 ack 1 win 0");
	kit_send(k, 500);
	expect_silence(k);
	in(k, ". 1001(1) ack 1 win 1000");
	expect(k, "P. 1(500) ack 1001 win 0");
	kit_delete(k);
}

/* A probe is no duplicate ACK. */
static void
shut_probes_are_no_duplicates(void **state)
{
	struct kit *k = shut();

	(void)state;
	kit_send(k, 3000);
	k->next = k->n_sent;
	for (unsigned i = 0; i < 5; i++) {
		in(k, ". 1001(1) ack 1");
		expect(k, ". 3001 ack 1001 win 0");
	}
	expect_silence(k);
	assert_int_equal(k->ctx.stats.dup_acks_in, 0);
	kit_delete(k);
}

static void
shut_reset_with_octets(void **state)
{
	struct kit *k = shut();

	(void)state;
	in(k, "R. 1001(10) ack 1");
	expect_gone(k);
	expect_events(k, TCP_EV_RESET | TCP_EV_CLOSED);
	kit_delete(k);
	k = shut();
	in(k, "R. 1002(10) ack 1"); /* not at the edge: RFC 5961 3.2 has nothing in the window */
	expect_silence(k);
	expect_state(k, TCP_ESTABLISHED);
	kit_delete(k);
}

/* A FIN occupies a number that is not in the window: it is answered, and comes again. */
static void
shut_fin_waits(void **state)
{
	struct kit *k = shut();

	(void)state;
	in(k, "F. 1001 ack 1");
	expect(k, ". 1 ack 1001 win 0");
	expect_events(k, 0);
	kit_read(k, 1000);
	expect(k, ". 1 ack 1001 win 1000");
	in(k, "F. 1001 ack 1");
	expect(k, ". 1 ack 1002");
	expect_events(k, TCP_EV_EOF);
	kit_delete(k);
}

/* Beyond the edge nothing counts. */
static void
shut_elsewhere_nothing_counts(void **state)
{
	struct kit *k = shut();

	(void)state;
	kit_send(k, 500);
	expect(k, "P. 1(500) ack 1001");
	in(k, ". 1002(1) ack 501");
	expect(k, ". 501 ack 1001 win 0");
	in(k, ". 500(2) ack 501");
	expect(k, ". 501 ack 1001 win 0");
	assert_int_equal(k->t->snd_una - k->iss, 1);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(f10_zero_window_probes),
	    cmocka_unit_test(f10_probes_without_an_answer),
	    cmocka_unit_test(f10_lost_window_update),
	    cmocka_unit_test(f10_probe_taken_octet_by_octet),
	    cmocka_unit_test(f10_fin_into_a_zero_window),
	    cmocka_unit_test(no_probe_without_data),
	    cmocka_unit_test(c6_our_window_is_zero),
	    cmocka_unit_test(f11_window_shrinks),
	    cmocka_unit_test(window_from_old_segments_is_ignored),
	    cmocka_unit_test(window_with_repeated_octets),
	    cmocka_unit_test(f12_nagle),
	    cmocka_unit_test(f12_nodelay),
	    cmocka_unit_test(f12_push_on_the_last),
	    cmocka_unit_test(sender_silly_window),
	    cmocka_unit_test(half_of_the_largest_window),
	    cmocka_unit_test(silly_window_forever),
	    cmocka_unit_test(c7_window_updates),
	    cmocka_unit_test(c7_no_silly_windows),
	    cmocka_unit_test(c7_edge_never_moves_left),
	    cmocka_unit_test(c7_rounding_does_not_add_up),
	    cmocka_unit_test(held_octets_do_not_shrink_the_window),
	    cmocka_unit_test(shut_ack_of_a_probe_counts),
	    cmocka_unit_test(shut_window_of_a_probe_counts),
	    cmocka_unit_test(shut_probes_are_no_duplicates),
	    cmocka_unit_test(shut_reset_with_octets),
	    cmocka_unit_test(shut_fin_waits),
	    cmocka_unit_test(shut_elsewhere_nothing_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
