/* test_tcp_handshake.c - opening, both ways and at once (RFC 9293 3.5, 3.10.7). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>

#include "tcp_states.h"

/* --- no connection (3.10.7.1) --- */

static void
reset_for(const char *text, const char *answer)
{
	const struct note n = note_parse(text), e = note_parse(answer ? answer : "0 0");
	struct tcp_seg rst;

	memset(&rst, 0x5a, sizeof(rst));
	assert_int_equal(tcp_reset_for(&n.seg, &rst), answer != NULL);
	if (!answer)
		return;
	assert_int_equal(rst.flags, e.seg.flags);
	assert_int_equal(rst.seq, e.seg.seq);
	if (e.seg.flags & TCP_ACK)
		assert_int_equal(rst.ack, e.seg.ack);
	assert_int_equal(rst.len, 0);
	assert_int_equal(rst.wnd, 0);
	assert_int_equal(rst.opts, 0);
}

static void
a1_syn_to_closed(void **state)
{
	(void)state;
	reset_for("S 5000", "R. 0 ack 5001");
	reset_for("S 5000(10) mss 1460 ws 7 ts 1:0", "R. 0 ack 5011");
	reset_for("S 4294967295", "R. 0 ack 0");
}

static void
a2_ack_to_closed(void **state)
{
	(void)state;
	reset_for(". 5000 ack 777", "R 777");
	reset_for("F. 5000(100) ack 777", "R 777");
	reset_for("S. 5000 ack 777", "R 777"); /* A8 */
	reset_for(". 5000(1400) ack 0", "R 0");
}

static void
a3_reset_to_closed(void **state)
{
	(void)state;
	reset_for("R 5000", NULL);
	reset_for("R. 5000 ack 777", NULL);
	reset_for("SR. 5000 ack 777", NULL);
}

static void
a4_no_ack_to_closed(void **state)
{
	(void)state;
	reset_for("FPU 5000", "R. 0 ack 5001");
	reset_for("0 5000(7)", "R. 0 ack 5007");
	reset_for("SF 5000(7)", "R. 0 ack 5009");
}

/* --- active open --- */

static void
active_open(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	kit_run_ms(k, 30);
	k->have_ts = true;
	in(k, "S. 0 ack 1 mss 1460 ws 0 sackok");
	expect(k, ". 1 ack 1");
	expect_silence(k);
	expect_events(k, TCP_EV_ESTABLISHED);
	expect_state(k, TCP_ESTABLISHED);
	assert_int_equal(k->ctx.stats.opened_active, 1);
	assert_int_equal(k->ctx.stats.established, 1);
	kit_delete(k);
}

static void
syn_is_retransmitted_then_given_up(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		expect_after(k, 1000.0 * (1 << i), 2, "S 0");
		expect_silence(k);
	}
	assert_int_equal(k->ctx.stats.segs_retransmitted, 6);
	kit_run_ms(k, 63990);
	expect_state(k, TCP_SYN_SENT);
	kit_run_ms(k, 12);
	expect_silence(k);
	expect_gone(k);
	expect_events(k, TCP_EV_TIMEOUT | TCP_EV_CLOSED);
	assert_int_equal(k->ctx.stats.open_failed, 1);
	assert_int_equal(k->ctx.stats.timed_out, 1);
	kit_delete(k);
}

/* 3.10.7.3, first: SEG.ACK =< ISS or > SND.NXT gets a RST; the attempt goes on. */
static void
syn_sent_bad_ack(void **state)
{
	static const int acks[] = {0, -1, 2, 1000, -100000};

	(void)state;
	for (size_t i = 0; i < N_OF(acks); i++) {
		struct kit *k = kit_syn_sent(NULL);

		in(k, "S. 0 ack %d", acks[i]);
		expect(k, "R %d plain nots", acks[i]);
		in(k, ". 500 ack %d", acks[i]);
		expect(k, "R %d", acks[i]);
		in(k, "R. 0 ack %d", acks[i]);
		expect_silence(k);
		expect_state(k, TCP_SYN_SENT);
		in(k, "S. 0 ack 1");
		expect(k, ". 1 ack 1");
		expect_state(k, TCP_ESTABLISHED);
		kit_delete(k);
	}
}

static void
syn_sent_reset(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	in(k, "R 0"); /* no ACK: anybody could have sent it */
	expect_state(k, TCP_SYN_SENT);
	expect_silence(k);
	in(k, "R. 0 ack 1");
	expect_gone(k);
	expect_silence(k);
	expect_events(k, TCP_EV_RESET | TCP_EV_CLOSED);
	assert_int_equal(k->ctx.stats.open_failed, 1);
	assert_int_equal(k->ctx.stats.reset_by_peer, 1);
	kit_delete(k);
}

/* 3.10.7.3, fifth: neither SYN nor RST. */
static void
syn_sent_without_syn(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	in(k, ". 1 ack 1");
	in(k, "F. 1(10) ack 1");
	in(k, "0 1(10)");
	expect_silence(k);
	expect_state(k, TCP_SYN_SENT);
	assert_int_equal(k->rx_len, 0);
	kit_delete(k);
}

static void
syn_ack_with_data_and_fin(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	in(k, "S. 0(100) ack 1 mss 1460");
	expect_events(k, TCP_EV_ESTABLISHED);
	assert_true(k->rx_len == 0 || k->rx_len == 100);
	expect(k, ". 1 ack %u", 1 + k->rx_len);
	in(k, "F. 1(100) ack 1"); /* again, and FIN */
	assert_int_equal(k->rx_len, 100);
	expect(k, ". 1 ack 102");
	expect_state(k, TCP_CLOSE_WAIT);
	kit_delete(k);
}

/* SEND in SYN-SENT queues (3.10.2) or refuses; what was taken leaves after the handshake. */
static void
send_in_syn_sent(void **state)
{
	struct kit *k = kit_syn_sent(NULL);
	const uint32_t taken = kit_send(k, 100);

	(void)state;
	expect_silence(k);
	in(k, "S. 0 ack 1 mss 1460");
	expect(k, ". 1%s ack 1", taken > 0 ? "(100)" : "");
	kit_delete(k);
}

/* 3.5 figure 7. */
static void
simultaneous_open(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	in(k, "S 0 mss 1460 ws 0 sackok");
	expect(k, "S. 0 ack 1 mss 1460");
	expect_state(k, TCP_SYN_RECEIVED);
	in(k, "S. 0 ack 1 mss 1460 ws 0 sackok");
	expect_state(k, TCP_ESTABLISHED);
	expect_events(k, TCP_EV_ESTABLISHED);
	in(k, ". 1(10) ack 1");
	assert_int_equal(k->rx_len, 10);
	kit_send(k, 10);
	kit_run_ms(k, 0);
	kit_delete(k);
}

/* The peer's SYN,ACK was lost: a bare ACK of our SYN,ACK is as good. */
static void
simultaneous_open_by_ack(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	in(k, "S 0 mss 1460");
	expect(k, "S. 0 ack 1");
	in(k, ". 1 ack 1");
	expect_silence(k);
	expect_state(k, TCP_ESTABLISHED);
	kit_delete(k);
}

static void
simultaneous_open_retransmits_syn_ack(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	in(k, "S 0 mss 1460");
	expect(k, "S. 0 ack 1");
	assert_true(kit_wait(k, 3100) > 0);
	expect(k, "S. 0 ack 1");
	kit_delete(k);
}

/* A17, RFC 6298 5.7 and 5681 3.1. */
static void
a17_after_a_lost_syn(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_syn_sent(&o);

	(void)state;
	expect_after(k, 1000, 2, "S 0");
	kit_run_ms(k, 10);
	in(k, "S. 0 ack 1 mss 1000");
	expect(k, ". 1 ack 1");
	kit_send(k, 5000);
	expect(k, ". 1(1000) ack 1"); /* IW 1 */
	expect_silence(k);
	expect_after(k, 3000, 2, ". 1(1000) ack 1"); /* RTO 3 s */
	kit_delete(k);
}

static void
a17_after_a_lost_syn_ack(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_syn_received(&o);

	(void)state;
	expect_after(k, 1000, 2, "S. 0 ack 1");
	in(k, ". 1 ack 1");
	kit_send(k, 5000);
	expect(k, ". 1(1000) ack 1");
	expect_silence(k);
	expect_after(k, 3000, 2, ". 1(1000) ack 1");
	kit_delete(k);
}

/* ... also when the connection idled before the first octets, and its active block was gone. */
static void
a17_first_data_after_idling(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_syn_sent(&o);

	(void)state;
	expect_after(k, 1000, 2, "S 0");
	in(k, "S. 0 ack 1 mss 1000");
	expect(k, ". 1 ack 1");
	kit_run_ms(k, 60000);
	expect_idle(k);
	kit_send(k, 5000);
	expect(k, ". 1(1000) ack 1");
	expect_silence(k);
	expect_after(k, 3000, 2, ". 1(1000) ack 1");
	kit_delete(k);
}

/* --- passive open --- */

static void
passive_open(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	expect_silence(k);
	in(k, ". 1 ack 1");
	expect_silence(k);
	expect_events(k, TCP_EV_ESTABLISHED);
	assert_true(k->t->flags & TCB_PASSIVE);
	assert_int_equal(k->ctx.stats.opened_passive, 1);
	assert_int_equal(k->ctx.stats.established, 1);
	kit_delete(k);
}

static void
a7_syn_with_data(void **state)
{
	struct kit *k = kit_passive(NULL, "S 0(100) mss 1460");

	(void)state;
	assert_int_equal(k->rx_len, 0);
	in(k, ". 1(100) ack 1");
	assert_int_equal(k->rx_len, 100);
	expect_after(k, 0, 42, ". 1 ack 101");
	kit_delete(k);
}

static void
a11_same_syn_again(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		kit_run_ms(k, 100);
		in(k, "S 0 mss 1460 ws 0 sackok");
		expect(k, "S. 0 ack 1 mss 1460");
		expect_silence(k);
	}
	expect_state(k, TCP_SYN_RECEIVED);
	in(k, ". 1 ack 1");
	expect_state(k, TCP_ESTABLISHED);
	assert_int_equal(k->ctx.stats.opened_passive, 1);
	kit_delete(k);
}

/* The peer's second SYN was answered: the echo is of that one (RFC 7323 4.3). */
static void
a11_echo_of_the_latest_syn(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	kit_run_ms(k, 500);
	in(k, "S 0 mss 1460 ws 0 sackok");
	assert_int_equal(k->sent[k->next].seg.tsecr, kit_peer_tsval(k));
	kit_delete(k);
}

/* An old duplicate or a forgery: the half-open connection is not moved by it. */
static void
a12_other_syn(void **state)
{
	static const int seqs[] = {-100000, -1, 1, 100, 200000};

	(void)state;
	for (size_t i = 0; i < N_OF(seqs); i++) {
		struct kit *k = kit_syn_received(NULL);

		in(k, "S %d mss 1460", seqs[i]);
		assert_true(k->n_sent - k->next <= 1);
		expect_state(k, TCP_SYN_RECEIVED);
		in(k, ". 1 ack 1");
		expect_state(k, TCP_ESTABLISHED);
		kit_delete(k);
	}
}

static void
a13_bad_third_ack(void **state)
{
	static const int acks[] = {0, 2, 1000, -1, -70000};

	(void)state;
	for (size_t i = 0; i < N_OF(acks); i++) {
		struct kit *k = kit_syn_received(NULL);

		in(k, ". 1 ack %d", acks[i]);
		expect(k, "R %d plain nots", acks[i]);
		expect_state(k, TCP_SYN_RECEIVED);
		in(k, ". 1 ack 1");
		expect_state(k, TCP_ESTABLISHED);
		kit_delete(k);
	}
}

static void
a14_reset_in_syn_received(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	in(k, "R 100"); /* in the window, not exact: challenge ACK */
	expect(k, ". 1 ack 1");
	in(k, "R 100000");
	in(k, "R 0");
	expect_silence(k);
	expect_state(k, TCP_SYN_RECEIVED);
	in(k, "R 1");
	expect_silence(k);
	expect_gone(k);
	assert_int_equal(k->events & TCP_EV_CLOSED, TCP_EV_CLOSED);
	kit_delete(k);
}

static void
a15_third_ack_with_data(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	in(k, "P. 1(20) ack 1");
	expect_events(k, TCP_EV_ESTABLISHED);
	assert_int_equal(k->rx_len, 20);
	expect_after(k, 0, 42, ". 1 ack 21");
	kit_delete(k);
}

static void
third_ack_with_fin(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	in(k, "F. 1(20) ack 1");
	expect_events(k, TCP_EV_ESTABLISHED | TCP_EV_EOF);
	expect_state(k, TCP_CLOSE_WAIT);
	expect(k, ". 1 ack 22");
	kit_delete(k);
}

/* The bare third ACK was lost, and so was the first data segment. */
static void
third_ack_out_of_order(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	in(k, ". 101(100) ack 1");
	expect_state(k, TCP_ESTABLISHED);
	expect(k, ". 1 ack 1");
	assert_int_equal(k->rx_len, 0);
	in(k, ". 1(100) ack 1");
	assert_int_equal(k->rx_len, 200);
	expect(k, ". 1 ack 201");
	kit_delete(k);
}

static void
a16_syn_ack_backoff(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		expect_after(k, 1000.0 * (1 << i), 2, "S. 0 ack 1 mss 1460");
		expect_silence(k);
	}
	kit_run_ms(k, 33000);
	expect_silence(k);
	expect_gone(k);
	expect_events(k, TCP_EV_TIMEOUT | TCP_EV_CLOSED);
	assert_int_equal(k->ctx.stats.open_failed, 1);
	kit_delete(k);
}

static void
syn_received_without_ack(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	in(k, "0 1(10)");
	in(k, "F 1");
	expect_silence(k);
	expect_state(k, TCP_SYN_RECEIVED);
	assert_int_equal(k->rx_len, 0);
	kit_delete(k);
}

/* SYN and SYN,ACK carry no data of ours even when some is queued. */
static void
no_data_on_syn(void **state)
{
	struct kit *k = kit_syn_received(NULL);
	const uint32_t taken = kit_send(k, 100);

	(void)state;
	expect_silence(k);
	expect_after(k, 1000, 2, "S. 0(0) ack 1");
	in(k, ". 1 ack 1");
	if (taken > 0)
		expect(k, ". 1(100) ack 1");
	kit_delete(k);
}

/* --- a half-open connection is its tcb and no more (RFC 4987 3.3) --- */

/* One that has a user after all goes on where it was: its timer, its count, its measurement. */
static void
half_open_gets_a_user(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_syn_received(&o);

	(void)state;
	expect_idle(k);
	expect_after(k, 1000, 2, "S. 0 ack 1");
	expect_idle(k);
	kit_run_ms(k, 500);
	assert_int_equal(kit_send(k, 100), 100);
	assert_int_equal(k->ctx.acts.in_use, 1);
	expect_after(k, 1500, 2, "S. 0 ack 1");
	in(k, ". 1 ack 1");
	expect(k, ". 1(100) ack 1");
	kit_delete(k);
}

static void
half_open_is_closed(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	kit_run_ms(k, 30);
	kit_close(k);
	expect_silence(k);
	in(k, ". 1 ack 1");
	expect(k, "F. 1 ack 1");
	expect_state(k, TCP_FIN_WAIT_1);
	kit_delete(k);
}

/* The round trip of the handshake is known afterwards, and is not when two SYN,ACKs are out. */
static void
half_open_measures(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_syn_received(&o);

	(void)state;
	kit_run_ms(k, 300);
	in(k, ". 1 ack 1");
	expect_idle(k);
	kit_send(k, 10);
	expect(k, ". 1(10) ack 1");
	expect_after(k, 899, 3, ". 1(10) ack 1"); /* 300 + 4 * 150, less 0.05 % */
	kit_delete(k);

	k = kit_syn_received(&o);
	kit_run_ms(k, 300);
	in(k, "S 0 mss 1000");
	expect(k, "S. 0 ack 1");
	in(k, ". 1 ack 1");
	kit_send(k, 10);
	expect(k, ". 1(10) ack 1");
	expect_after(k, 1000, 2, ". 1(10) ack 1");
	kit_delete(k);
}

/* The timestamp tells which SYN,ACK was answered (RFC 7323 4). */
static void
half_open_measures_by_timestamp(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	expect_after(k, 1000, 2, "S. 0 ack 1");
	kit_run_ms(k, 200);
	in(k, ". 1 ack 1");
	kit_send(k, 10);
	expect(k, ". 1(10) ack 1");
	expect_after(k, 600, 4, ". 1(10) ack 1");
	kit_delete(k);
}

/* A repeated SYN is answered, but keeps nothing alive. */
static void
half_open_is_not_kept_by_syns(void **state)
{
	struct kit *k = kit_syn_received(NULL);
	uint64_t end = k->now + 64000 * KIT_MS;

	(void)state;
	while (k->t && k->now < end) {
		in(k, "S 0 mss 1460 ws 0 sackok");
		kit_run_ms(k, 300);
	}
	expect_gone(k);
	assert_in_range(k->now - (end - 64000 * KIT_MS), 62900 * KIT_MS, 63400 * KIT_MS);
	kit_forget(k);
	kit_delete(k);
}

/* Without room it waits for room; its time is counted from when it left. */
static void
half_open_waits_for_room(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct tcp_seg syn = kit_peer_seg(k, "S 0 mss 1460");

	(void)state;
	tcp_out_init(&k->out, 0);
	tcp_open_passive(&k->ctx, k->t, &syn, k->now, &k->out);
	kit_take(k, NULL);
	assert_true(tcp_wants_output(&k->ctx, k->t));
	in(k, ". 1 ack 1"); /* of what was never sent */
	assert_int_equal(k->sent[k->next++].seg.flags, TCP_RST);
	expect(k, "S. 0 ack 1");
	expect_state(k, TCP_SYN_RECEIVED);
	kit_delete(k);
}

/* --- no memory --- */

static void
no_active_block(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct tcp_seg syn = kit_peer_seg(k, "S 0 mss 1460");
	uint32_t all[4];

	(void)state;
	for (unsigned i = 0; i < N_OF(all); i++)
		all[i] = pool_get(&k->ctx.acts);
	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), -ENOBUFS);
	assert_int_equal(k->out.n_segs, 0);
	memset(k->t, 0, sizeof(*k->t));
	/* A passive one needs none, not even when it is established. */
	assert_int_equal(tcp_open_passive(&k->ctx, k->t, &syn, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "S. 0 ack 1");
	in(k, ". 1 ack 1");
	expect_events(k, TCP_EV_ESTABLISHED);
	for (unsigned i = 0; i < N_OF(all); i++)
		pool_put(&k->ctx.acts, all[i]);
	expect_idle(k);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a1_syn_to_closed),
	    cmocka_unit_test(a2_ack_to_closed),
	    cmocka_unit_test(a3_reset_to_closed),
	    cmocka_unit_test(a4_no_ack_to_closed),
	    cmocka_unit_test(active_open),
	    cmocka_unit_test(syn_is_retransmitted_then_given_up),
	    cmocka_unit_test(syn_sent_bad_ack),
	    cmocka_unit_test(syn_sent_reset),
	    cmocka_unit_test(syn_sent_without_syn),
	    cmocka_unit_test(syn_ack_with_data_and_fin),
	    cmocka_unit_test(send_in_syn_sent),
	    cmocka_unit_test(simultaneous_open),
	    cmocka_unit_test(simultaneous_open_by_ack),
	    cmocka_unit_test(simultaneous_open_retransmits_syn_ack),
	    cmocka_unit_test(a17_after_a_lost_syn),
	    cmocka_unit_test(a17_after_a_lost_syn_ack),
	    cmocka_unit_test(a17_first_data_after_idling),
	    cmocka_unit_test(passive_open),
	    cmocka_unit_test(a7_syn_with_data),
	    cmocka_unit_test(a11_same_syn_again),
	    cmocka_unit_test(a11_echo_of_the_latest_syn),
	    cmocka_unit_test(a12_other_syn),
	    cmocka_unit_test(a13_bad_third_ack),
	    cmocka_unit_test(a14_reset_in_syn_received),
	    cmocka_unit_test(a15_third_ack_with_data),
	    cmocka_unit_test(third_ack_with_fin),
	    cmocka_unit_test(third_ack_out_of_order),
	    cmocka_unit_test(a16_syn_ack_backoff),
	    cmocka_unit_test(syn_received_without_ack),
	    cmocka_unit_test(no_data_on_syn),
	    cmocka_unit_test(half_open_gets_a_user),
	    cmocka_unit_test(half_open_is_closed),
	    cmocka_unit_test(half_open_measures),
	    cmocka_unit_test(half_open_measures_by_timestamp),
	    cmocka_unit_test(half_open_is_not_kept_by_syns),
	    cmocka_unit_test(half_open_waits_for_room),
	    cmocka_unit_test(no_active_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
