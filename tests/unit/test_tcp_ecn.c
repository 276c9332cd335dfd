/* test_tcp_ecn.c - explicit congestion notification: agreed on, echoed, heeded (RFC 3168). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

static struct kit_opts
ecn_opts(enum tcp_ecn ecn)
{
	struct kit_opts o = kit_plain();

	o.profile.ecn = ecn;
	return o;
}

/* A connection that the peer opened with ECN. */
static struct kit *
accepted(void)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_REQUEST);
	struct kit *k = kit_new(&o);
	const struct tcp_seg syn = kit_peer_seg(k, "SEW 0 mss 1000 ws 0 sackok");

	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_passive(&k->ctx, k->t, &syn, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "SE. 0 ack 1 noect");
	in(k, ". 1 ack 1");
	expect_state(k, TCP_ESTABLISHED);
	kit_forget(k);
	return k;
}

/* One that we opened with it. */
static struct kit *
connected(void)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_ALWAYS);
	struct kit *k = kit_new(&o);

	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "SEW 0 noect");
	in(k, "SE. 0 ack 1 mss 1000 ws 0 sackok");
	expect(k, ". 1 ack 1 noect");
	kit_forget(k);
	return k;
}

/* --- 6.1.1: the handshake --- */

/* B11; what the peer's SYN says against what the listener wants. */
static void
b11_listener(void **state)
{
	static const struct {
		const char *syn;
		enum tcp_ecn ecn;
		const char *answer;
		bool agreed;
	} rows[] = {
	    {"SEW 0", TCP_ECN_OFF, "S. 0 ack 1", false},
	    {"SEW 0", TCP_ECN_REQUEST, "SE. 0 ack 1", true},
	    {"SEW 0", TCP_ECN_ALWAYS, "SE. 0 ack 1", true},
	    {"S 0", TCP_ECN_ALWAYS, "S. 0 ack 1", false},
	    {"SE 0", TCP_ECN_REQUEST, "S. 0 ack 1", false},
	    {"SW 0", TCP_ECN_REQUEST, "S. 0 ack 1", false},
	    {"SEW 0 ect0", TCP_ECN_REQUEST, "SE. 0 ack 1", true},
	};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		const struct kit_opts o = ecn_opts(rows[i].ecn);
		struct kit *k = kit_new(&o);
		const struct tcp_seg syn = kit_peer_seg(k, rows[i].syn);

		tcp_out_init(&k->out, k->room);
		assert_int_equal(tcp_open_passive(&k->ctx, k->t, &syn, k->now, &k->out), 0);
		kit_after(k, NULL);
		expect(k, "%s noect", rows[i].answer);
		in(k, ". 1 ack 1");
		kit_send(k, 100);
		expect(k, "P. 1(100) ack 1 %s", rows[i].agreed ? "ect0" : "noect");
		kit_delete(k);
	}
}

/* What may come back for our SYN: only ECE alone agrees; both are our own flags thrown back. */
static void
answers_to_our_syn(void **state)
{
	static const struct {
		const char *answer;
		bool agreed;
	} rows[] = {{"SE. 0 ack 1", true},
		    {"S. 0 ack 1", false},
		    {"SEW. 0 ack 1", false},
		    {"SW. 0 ack 1", false}};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		const struct kit_opts o = ecn_opts(TCP_ECN_ALWAYS);
		struct kit *k = kit_new(&o);

		tcp_out_init(&k->out, k->room);
		assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
		kit_after(k, NULL);
		expect(k, "SEW 0 noect");
		in(k, "%s", rows[i].answer);
		expect(k, ". 1 ack 1 noect");
		kit_send(k, 100);
		expect(k, "P. 1(100) ack 1 %s", rows[i].agreed ? "ect0" : "noect");
		in(k, ". 1(10) ack 101 ce");
		expect_after(k, 40, 2, rows[i].agreed ? ".E 101 ack 11" : ". 101 ack 11");
		kit_delete(k);
	}
}

/* On request only: our own SYN does not ask, whatever comes back. */
static void
not_asked_for(void **state)
{
	(void)state;
	for (unsigned ecn = 0; ecn < 2; ecn++) {
		const struct kit_opts o = ecn_opts(ecn ? TCP_ECN_REQUEST : TCP_ECN_OFF);
		struct kit *k = kit_syn_sent(&o);

		in(k, "SE. 0 ack 1");
		expect(k, ". 1 ack 1");
		kit_send(k, 100);
		expect(k, "P. 1(100) ack 1 noect");
		in(k, ". 1(10) ack 101 ce");
		expect_after(k, 40, 2, ". 101 ack 11");
		kit_delete(k);
	}
}

/* 6.1.1.1: a SYN that is sent again does not ask. */
static void
lost_syn_is_repeated_without(void **state)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_ALWAYS);
	struct kit *k = kit_new(&o);

	(void)state;
	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "SEW 0");
	expect_after(k, 1000, 2, "S 0");
	expect_after(k, 2000, 2, "S 0");
	in(k, "S. 0 ack 1");
	expect(k, ". 1 ack 1");
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1 noect");
	kit_delete(k);
}

/* 6.1.1: the first SYN had arrived after all. Ours may not be marked, the peer's may, and are
 * echoed. */
static void
late_agreement_is_for_the_peer_only(void **state)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_ALWAYS);
	struct kit *k = kit_new(&o);

	(void)state;
	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "SEW 0");
	expect_after(k, 1000, 2, "S 0");
	in(k, "SE. 0 ack 1");
	expect(k, ". 1 ack 1");
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1 noect");
	in(k, ". 1(10) ack 101 ce");
	expect_after(k, 40, 2, ".E 101 ack 11");
	kit_delete(k);
}

/* 6.1.1.1: refused, perhaps by somebody who dislikes the flags: once more without. */
static void
refused_syn_is_repeated_without(void **state)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_ALWAYS);
	struct kit *k = kit_new(&o);

	(void)state;
	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "SEW 0");
	in(k, "R. 0 ack 1");
	expect(k, "S 0");
	expect_state(k, TCP_SYN_SENT);
	in(k, "R. 0 ack 1");
	expect_gone(k);
	expect_events(k, TCP_EV_RESET | TCP_EV_CLOSED);
	kit_delete(k);
}

static void
synack_sent_again_says_the_same(void **state)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_REQUEST);
	struct kit *k = kit_new(&o);
	const struct tcp_seg syn = kit_peer_seg(k, "SEW 0 mss 1000");

	(void)state;
	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_passive(&k->ctx, k->t, &syn, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "SE. 0 ack 1 noect");
	expect_after(k, 1000, 2, "SE. 0 ack 1 noect");
	kit_delete(k);
}

/* Both ends open at once, and both ask. */
static void
simultaneous_open(void **state)
{
	static const char *const syns[] = {"SEW 0 mss 1000", "S 0 mss 1000"};

	(void)state;
	for (unsigned asks = 0; asks < 2; asks++) {
		const struct kit_opts o = ecn_opts(TCP_ECN_ALWAYS);
		struct kit *k = kit_new(&o);

		tcp_out_init(&k->out, k->room);
		assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
		kit_after(k, NULL);
		expect(k, "SEW 0");
		in(k, "%s", syns[asks]);
		expect(k, asks == 0 ? "SE. 0 ack 1" : "S. 0 ack 1");
		in(k, "S. 0 ack 1");
		expect_state(k, TCP_ESTABLISHED);
		kit_forget(k);
		kit_send(k, 100);
		expect(k, "P. 1(100) ack 1 %s", asks == 0 ? "ect0" : "noect");
		kit_delete(k);
	}
}

/* --- 6.1.3: the receiver --- */

/* ECE on every ACK from the mark on, until CWR comes. */
static void
mark_is_echoed_until_cwr(void **state)
{
	struct kit *k = accepted();

	(void)state;
	in(k, ". 1(1000) ack 1 ect0");
	in(k, ". 1001(1000) ack 1 ce");
	expect(k, ".E 1 ack 2001 noect");
	in(k, ". 2001(1000) ack 1 ect0");
	in(k, ". 3001(1000) ack 1 ect0");
	expect(k, ".E 1 ack 4001");
	kit_send(k, 100); /* on octets, too */
	expect(k, "P.E 1(100) ack 4001 ect0");
	in(k, "W. 4001(1000) ack 101 ect0");
	in(k, ". 5001(1000) ack 101 ect0");
	expect(k, ". 101 ack 6001");
	assert_int_equal(k->ctx.stats.ce_in, 1000);
	kit_delete(k);
}

/* A segment with CWR that is marked itself starts anew. */
static void
mark_beside_cwr(void **state)
{
	struct kit *k = accepted();

	(void)state;
	in(k, ". 1(1000) ack 1 ce");
	in(k, "W. 1001(1000) ack 1 ce");
	expect(k, ".E 1 ack 2001");
	kit_delete(k);
}

/* Out of order, too: the ACK that it causes at once has ECE. */
static void
mark_out_of_order(void **state)
{
	struct kit *k = accepted();

	(void)state;
	in(k, ". 1001(1000) ack 1 ce");
	expect(k, ".E 1 ack 1");
	kit_delete(k);
}

/* Marks count on octets that are taken: not on bare ACKs, nor outside the window (6.1.5). */
static void
marks_that_do_not_count(void **state)
{
	struct kit *k = accepted();

	(void)state;
	in(k, ". 1 ack 1 ce");
	in(k, ". 1(1000) ack 1");
	in(k, ". 1001(1000) ack 1");
	expect(k, ". 1 ack 2001");
	in(k, ". 1(1000) ack 1 ce"); /* old */
	expect(k, ". 1 ack 2001");
	in(k, ". 900001(1000) ack 1 ce"); /* beyond the window */
	expect(k, ". 1 ack 2001");
	in(k, ". 2001(1000) ack 50000 ce"); /* acknowledges what was never sent */
	expect(k, ". 1 ack 2001");
	kit_delete(k);
}

/* Not agreed on: a mark is somebody's mistake. */
static void
marks_without_agreement(void **state)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_REQUEST);
	struct kit *k = kit_accepted(&o);

	(void)state;
	in(k, ". 1(1000) ack 1 ce");
	in(k, ". 1001(1000) ack 1 ce");
	expect(k, ". 1 ack 2001");
	kit_delete(k);
}

/* Without an active block, as an idle connection is, the echo lasts. */
static void
echo_outlives_the_active_block(void **state)
{
	struct kit *k = accepted();

	(void)state;
	in(k, ". 1(1000) ack 1 ce");
	expect_after(k, 40, 2, ".E 1 ack 1001");
	assert_false(tcb_is_active(k->t));
	kit_run_ms(k, 60000);
	in(k, ". 1001(1000) ack 1");
	expect_after(k, 40, 2, ".E 1 ack 2001");
	in(k, "W. 2001(1000) ack 1");
	expect_after(k, 40, 2, ". 1 ack 3001");
	kit_delete(k);
}

static void
rst_and_fin(void **state)
{
	struct kit *k = accepted();

	(void)state;
	in(k, ". 1(1000) ack 1 ce");
	in(k, "F. 1001 ack 1");
	expect(k, ".E 1 ack 1002");
	kit_close(k);
	expect(k, "F.E 1 ack 1002 noect");
	kit_abort(k);
	expect_silence(k);
	k = (kit_delete(k), accepted());
	in(k, ". 1(1000) ack 1 ce");
	kit_abort(k);
	expect(k, "R. 1 ack 1001 noect");
	kit_delete(k);
}

/* --- 6.1.2: the sender --- */

/* F17; new octets may be marked; bare ACKs, retransmissions, and probes not (6.1.4 to 6.1.6). */
static void
f17_what_may_be_marked(void **state)
{
	struct kit *k = connected();

	(void)state;
	kit_send(k, 2000);
	expect(k, ". 1(1000) ack 1 ect0");
	expect(k, "P. 1001(1000) ack 1 ect0");
	kit_wait(k, 3000);
	for (unsigned i = k->next; i < k->n_sent; i++)
		assert_int_equal(k->sent[i].seg.ecn, ECN_NOT);
	assert_true(k->n_sent > k->next);
	k->next = k->n_sent;
	in(k, ". 1(10) ack 2001 win 0");
	expect_after(k, 40, 2, ". 2001 ack 11 noect");
	kit_send(k, 10);
	expect_silence(k);
	kit_wait(k, 10000);
	expect(k, ". 2001(1) ack 11 noect"); /* persist */
	kit_delete(k);
}

/* One reduction for a window, and CWR on the next new octets, once. */
static void
f17_echo_is_answered_by_cwr(void **state)
{
	struct kit *k = connected();
	uint32_t cwnd;

	(void)state;
	kit_send(k, 10000);
	cwnd = kit_act(k)->cwnd;
	k->next = k->n_sent;
	in(k, ".E 1 ack 2001");
	assert_true(kit_act(k)->cwnd < cwnd);
	assert_int_equal(kit_act(k)->ssthresh, kit_act(k)->cwnd);
	cwnd = kit_act(k)->cwnd;
	in(k, ".E 1 ack 3001");
	in(k, ".E 1 ack 4001");
	assert_int_equal(kit_act(k)->cwnd, cwnd);
	in(k, ". 1 ack 10001");
	kit_forget(k);
	kit_send(k, 2000);
	expect(k, "W. 10001(1000) ack 1 ect0");
	expect(k, "P. 11001(1000) ack 1 ect0");
	kit_delete(k);
}

/* ECE from a peer that never agreed, or on a segment that is not acceptable, means nothing. */
static void
echoes_that_do_not_count(void **state)
{
	struct kit_opts o = ecn_opts(TCP_ECN_REQUEST);
	struct kit *k = kit_established(&o);
	uint32_t cwnd;

	(void)state;
	kit_send(k, 10000);
	cwnd = kit_act(k)->cwnd;
	in(k, ".E 1 ack 1");
	assert_int_equal(kit_act(k)->cwnd, cwnd);
	kit_delete(k);
	k = connected();
	kit_send(k, 10000);
	cwnd = kit_act(k)->cwnd;
	in(k, ".E 900000 ack 2001"); /* outside the window */
	in(k, ".E 1 ack 60000");     /* acknowledges what was never sent */
	assert_int_equal(kit_act(k)->cwnd, cwnd);
	kit_delete(k);
}

/* A peer that says ECE for ever slows us down; it does not stop us. */
static void
endless_echo(void **state)
{
	struct kit *k = connected();
	uint32_t acked = 1;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		if (k->tx_len < 60000)
			kit_send(k, 5000);
		kit_run_ms(k, 10);
		for (unsigned s = 0; s < k->n_sent; s++)
			acked = seq_max(acked, k->sent[s].seg.seq - k->iss + k->sent[s].seg.len);
		kit_forget(k);
		in(k, "E. 1 ack %u", acked);
		assert_true(!tcb_is_active(k->t) || kit_act(k)->cwnd >= 1000);
	}
	assert_int_equal(acked, k->tx_len + 1);
	kit_delete(k);
}

/* All eight patterns of the two flags and an ACK on a connection that has agreed: none does harm.
 */
static void
strange_flags(void **state)
{
	static const char *const flags[] = {".", "E.", "W.", "EW.", "EW", "E", "W", "EWU."};

	(void)state;
	for (unsigned i = 0; i < N_OF(flags); i++) {
		struct kit *k = connected();

		kit_send(k, 3000);
		in(k, "%s 1(100) ack 1001 urg 0", flags[i]);
		in(k, "%s 1(100) ack 2001", flags[i]);
		in(k, ". 101(100) ack 3001");
		expect_state(k, TCP_ESTABLISHED);
		assert_true(k->rx_len == 200 || !strchr(flags[i], '.'));
		kit_delete(k);
	}
}

/* Ours are never marked then, so ECE is about nothing of ours. */
static void
late_agreement_and_echo(void **state)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_ALWAYS);
	struct kit *k = kit_new(&o);
	uint32_t ssthresh;

	(void)state;
	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
	kit_after(k, NULL);
	kit_run_ms(k, 1500);
	in(k, "SE. 0 ack 1 mss 1000");
	kit_send(k, 10000);
	ssthresh = kit_act(k)->ssthresh;
	in(k, ".E 1 ack 1");
	assert_int_equal(kit_act(k)->ssthresh, ssthresh);
	kit_delete(k);
}

/* We would agree, but our own SYN has not asked, and it has left already. */
static void
simultaneous_open_not_asked(void **state)
{
	const struct kit_opts o = ecn_opts(TCP_ECN_REQUEST);
	struct kit *k = kit_syn_sent(&o);

	(void)state;
	in(k, "SEW 0 mss 1000");
	expect(k, "S. 0 ack 1");
	in(k, "S. 0 ack 1");
	expect_state(k, TCP_ESTABLISHED);
	kit_forget(k);
	kit_send(k, 100);
	expect(k, "P. 1(100) ack 1 noect");
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(b11_listener),
	    cmocka_unit_test(answers_to_our_syn),
	    cmocka_unit_test(not_asked_for),
	    cmocka_unit_test(lost_syn_is_repeated_without),
	    cmocka_unit_test(late_agreement_is_for_the_peer_only),
	    cmocka_unit_test(refused_syn_is_repeated_without),
	    cmocka_unit_test(synack_sent_again_says_the_same),
	    cmocka_unit_test(simultaneous_open),
	    cmocka_unit_test(mark_is_echoed_until_cwr),
	    cmocka_unit_test(mark_beside_cwr),
	    cmocka_unit_test(mark_out_of_order),
	    cmocka_unit_test(marks_that_do_not_count),
	    cmocka_unit_test(marks_without_agreement),
	    cmocka_unit_test(echo_outlives_the_active_block),
	    cmocka_unit_test(rst_and_fin),
	    cmocka_unit_test(f17_what_may_be_marked),
	    cmocka_unit_test(f17_echo_is_answered_by_cwr),
	    cmocka_unit_test(echoes_that_do_not_count),
	    cmocka_unit_test(endless_echo),
	    cmocka_unit_test(strange_flags),
	    cmocka_unit_test(late_agreement_and_echo),
	    cmocka_unit_test(simultaneous_open_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
