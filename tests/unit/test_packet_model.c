/* test_packet_model.c - the packet model over several segments: windows, gaps, timestamps, open and close. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "model_kit.h"

/* --- windows --- */

static void
window_follows_wl1_and_wl2(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct tcp_seg seg = segment(A, 1301, 5450, 0);

	(void)unused;
	c.snd_wscale = 3;
	seg.wnd = 50;
	step(&c, seg);
	assert_int_equal(c.snd_wnd, 400);
	seg.seq = 1300; /* older than WL1: straddles */
	seg.len = 9;
	seg.wnd = 70;
	seg.ack = 5460;
	step(&c, seg);
	assert_int_equal(c.snd_una, 5460);
	assert_int_equal(c.snd_wnd, 400);
	seg = segment(A, 1309, 5400, 0); /* an old ACK */
	step(&c, seg);
	assert_int_equal(c.snd_wnd, 400);
	assert_int_equal(c.max_snd_wnd, WND);
}

static void
zero_window_hears_acks(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED), d;
	struct model_answer a;

	(void)unused;
	c.rcv_wnd = 0;
	d = c;
	a = step(&d, segment(A, 1301, 5501, 1)); /* C6: a probe */
	assert_reply(&a, MODEL_ACK, 5501, 1301);
	assert_int_equal(a.effects.delivered, 0);
	assert_int_equal(d.snd_una, 5501);
	a = departing(c, segment(A, 1301, 5501, 1), MODEL_CH_ZERO_WINDOW_DEAF);
	assert_int_equal(a.after.snd_una, 5401);
	d = c;
	a = step(&d, segment(A, 1301, 5501, 0));
	assert_int_equal(a.reply.kind, MODEL_SILENCE);
	assert_int_equal(d.snd_una, 5501);
	d = c;
	step(&d, segment(R, 1301, 0, 0)); /* MUST-66 */
	assert_int_equal(d.state, MODEL_CLOSED);
	d = c;
	a = step(&d, segment(A, 1302, 5501, 0));
	assert_reply(&a, MODEL_ACK, 5501, 1301);
	assert_int_equal(d.snd_una, 5401);
}

/* --- text in pieces --- */

static void
gaps_are_filled(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct model_answer a;

	(void)unused;
	step(&c, segment(A, 1321, 5401, 10));
	step(&c, segment(A, 1341, 5401, 10));
	assert_int_equal(c.n_held, 2);
	a = step(&c, segment(A, 1326, 5401, 20)); /* 1331 to 1341 are new */
	assert_int_equal(c.n_held, 1);
	assert_int_equal(a.effects.held, 10);
	a = step(&c, segment(A | F, 1351, 5401, 4));
	assert_true(c.held_fin);
	a = step(&c, segment(A, 1301, 5401, 10));
	assert_int_equal(a.effects.delivered, 10);
	assert_int_equal(a.reply.duty, MODEL_NOW); /* part of a gap, RFC 5681 4.2 */
	a = step(&c, segment(A, 1311, 5401, 10));
	assert_int_equal(a.effects.delivered, 44);
	assert_int_equal(a.effects.delivered_at, 310);
	assert_true(a.effects.eof);
	assert_reply(&a, MODEL_ACK, 5501, 1356);
	assert_int_equal(c.state, MODEL_CLOSE_WAIT);
	assert_int_equal(c.rcv_wnd, WND - 55);
}

static void
no_more_than_can_be_held(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct model_answer a = {0};

	(void)unused;
	for (uint32_t i = 0; i <= MODEL_HELD_MAX; i++)
		a = step(&c, segment(A, 1311 + 2 * i, 5401, 1));
	assert_int_equal(c.n_held, MODEL_HELD_MAX);
	assert_int_equal(a.effects.held, 0);
	assert_reply(&a, MODEL_ACK, 5501, 1301);
}

/* SHLD-19; what was acknowledged is no longer owed. */
static void
every_second_segment(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct tcp_seg ack = segment(A, 5501, 1501, 0);
	struct model_answer a;

	(void)unused;
	c.rcv_mss = 100;
	assert_int_equal(step(&c, segment(A, 1301, 5401, 100)).reply.duty, MODEL_DELAYED);
	a = step(&c, segment(A, 1401, 5401, 0)); /* owed still */
	assert_reply(&a, MODEL_ACK, 5501, 1401);
	assert_int_equal(a.reply.duty, MODEL_MAY);
	assert_int_equal(step(&c, segment(A, 1401, 5401, 100)).reply.duty, MODEL_NOW);
	model_emitted(&c, &ack);
	assert_int_equal(step(&c, segment(A, 1501, 5401, 0)).reply.kind, MODEL_SILENCE);
	assert_int_equal(c.last_ack_sent, 1501);
	assert_int_equal(c.rcv_wnd, WND);
}

/* --- timestamps, RFC 7323 --- */

static void
paws(void **unused)
{
	struct model_conn c = conn_with_ts(MODEL_ESTABLISHED), d = c;
	struct model_answer a;

	(void)unused;
	a = step(&d, stamped(A, 1301, 5501, 10, TS - 1)); /* C14, R1 */
	assert_reply(&a, MODEL_ACK, 5501, 1301);
	assert_int_equal(d.snd_una, 5401);
	a = step(&d, stamped(R, 1301, 0, 0, TS - 1)); /* no reset is too old */
	assert_int_equal(d.state, MODEL_CLOSED);
	d = c;
	a = step(&d, stamped(A, 1301, 5501, 10, TS + 1)); /* R3 */
	assert_int_equal(a.effects.delivered, 10);
	assert_int_equal(d.ts_recent, TS + 1);
	a = step(&d, stamped(A, 1311, 5501, 10, TS + 2)); /* beyond Last.ACK.sent, 4.3 */
	assert_int_equal(a.effects.delivered, 10);
	assert_int_equal(d.ts_recent, TS + 1);
	d = c;
	step(&d, stamped(A, 1351, 5501, 10, TS + 2));
	assert_int_equal(d.ts_recent, TS);
	d = c;
	d.ts_recent_valid = false; /* 24 days */
	a = step(&d, stamped(A, 1301, 5501, 10, TS - 9));
	assert_int_equal(a.effects.delivered, 10);
	assert_int_equal(d.ts_recent, TS - 9);
}

static void
missing_timestamp(void **unused)
{
	struct model_conn c = conn_with_ts(MODEL_ESTABLISHED), d = c;
	struct model_answer a;

	(void)unused;
	a = step(&d, segment(A, 1301, 5501, 10)); /* C15, 3.2 */
	assert_int_equal(a.reply.kind, MODEL_SILENCE);
	assert_int_equal(d.rcv_nxt, 1301);
	a = departing(c, segment(A, 1301, 5501, 10), MODEL_CH_TS_MISSING_TAKEN);
	assert_int_equal(a.after.rcv_nxt, 1311);
	step(&d, segment(R, 1301, 0, 0));
	assert_int_equal(d.state, MODEL_CLOSED);
}

static void
forged_timestamp(void **unused)
{
	struct model_conn c = conn_with_ts(MODEL_ESTABLISHED), d = c;
	struct tcp_seg seg = stamped(A, 1301, 9999, 10, TS + 1000);
	struct model_answer a;

	(void)unused;
	step(&d, seg);
	assert_int_equal(d.ts_recent, TS);
	a = departing(c, seg, MODEL_CH_TS_RECENT_EARLY);
	assert_int_equal(a.after.ts_recent, TS + 1000);
	seg.seq = 1200; /* not acceptable: R2 before R3 */
	step(&d, seg);
	assert_int_equal(d.ts_recent, TS);
}

/* RFC 6191 2, both SYNs older by number. */
static void
time_wait_by_timestamp(void **unused)
{
	struct model_conn c = conn_with_ts(MODEL_TIME_WAIT), d = c;

	(void)unused;
	step(&d, stamped(S, 1200, 0, 0, TS + 1));
	assert_int_equal(d.state, MODEL_SYN_RECEIVED);
	assert_int_equal(d.ts_recent, TS + 1);
	d = c;
	step(&d, stamped(S, 1200, 0, 0, TS));
	assert_int_equal(d.state, MODEL_TIME_WAIT);
	step(&d, stamped(S, 1302, 0, 0, TS));
	assert_int_equal(d.state, MODEL_SYN_RECEIVED);
	d = c;
	step(&d, stamped(S, 9000, 0, 0, TS - 1));
	assert_int_equal(d.state, MODEL_TIME_WAIT);
	step(&d, segment(S, 9000, 0, 0));
	assert_int_equal(d.state, MODEL_SYN_RECEIVED);
	assert_false(d.ts_ok);
	d = conn_in(MODEL_TIME_WAIT);
	step(&d, stamped(S, 1200, 0, 0, 5));
	assert_int_equal(d.state, MODEL_SYN_RECEIVED);
}

static void
options_are_agreed(void **unused)
{
	struct model_conn c = conn_in(MODEL_LISTEN), d = c;
	struct tcp_seg syn = stamped(S, 900, 0, 0, 33);

	(void)unused;
	syn.opts |= TCP_OPT_WSCALE;
	syn.wscale = 7;
	step(&d, syn);
	assert_true(d.ts_ok);
	assert_int_equal(d.ts_recent, 33);
	assert_int_equal(d.snd_wscale, 7);
	assert_int_equal(d.snd_wnd, WND); /* not scaled on a SYN */
	step(&d, stamped(A, 901, 5001, 0, 33));
	assert_int_equal(d.snd_wnd, WND << 7);
	d = c;
	d.ts_offer = d.ws_offer = false;
	step(&d, syn);
	assert_false(d.ts_ok);
	assert_int_equal(d.snd_wscale, 0);
}

/* --- conversations --- */

/* RFC 9293 Figure 8. */
static void
simultaneous_open(void **unused)
{
	struct tcp_seg syn = segment(S, ISS, 0, 0), syn_ack = segment(S | A, ISS, 1001, 0);
	struct model_conn c;
	struct model_answer a;

	(void)unused;
	model_connect(&c, ISS, WND);
	model_emitted(&c, &syn);
	a = step(&c, segment(S, 1000, 0, 0));
	assert_true(model_reply_matches(&a.reply, &syn_ack));
	model_emitted(&c, &syn_ack);
	a = departing(c, segment(S | A, 1000, 5001, 0), MODEL_CH_CROSSED_SYN_ACK);
	assert_int_equal(a.after.state, MODEL_ESTABLISHED);
	a = step(&c, segment(S | A, 1000, 5001, 0)); /* to the letter: an ACK, and no more */
	assert_int_equal(c.state, MODEL_SYN_RECEIVED);
	assert_reply(&a, MODEL_ACK, 5001, 1001);
	a = step(&c, segment(A, 1001, 5001, 0));
	assert_int_equal(c.state, MODEL_ESTABLISHED);
	assert_true(a.effects.established);
}

static void
simultaneous_close(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct tcp_seg fin = segment(A | F, 5501, 1301, 0);

	(void)unused;
	model_close(&c, false);
	assert_int_equal(c.state, MODEL_FIN_WAIT_1);
	model_emitted(&c, &fin);
	assert_int_equal(c.snd_nxt, 5502);
	step(&c, segment(A | F, 1301, 5501, 0));
	assert_int_equal(c.state, MODEL_CLOSING);
	step(&c, segment(A, 1302, 5502, 0));
	assert_int_equal(c.state, MODEL_TIME_WAIT);
	model_expire(&c);
	assert_int_equal(c.state, MODEL_CLOSED);
}

static void
passive_close(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct tcp_seg fin = segment(A | F, 5501, 1302, 20);

	(void)unused;
	step(&c, segment(A | F, 1301, 5501, 0));
	model_close(&c, false);
	assert_int_equal(c.state, MODEL_LAST_ACK);
	model_emitted(&c, &fin);
	assert_int_equal(c.fin_seq, 5521);
	step(&c, segment(A, 1302, 5521, 0));
	assert_int_equal(c.state, MODEL_LAST_ACK);
	step(&c, segment(A, 1302, 5522, 0));
	assert_int_equal(c.state, MODEL_CLOSED);
}

/* E6: CLOSE before the handshake ends. */
static void
early_close(void **unused)
{
	struct model_conn c = conn_in(MODEL_SYN_RECEIVED);

	(void)unused;
	model_close(&c, false);
	assert_int_equal(c.state, MODEL_SYN_RECEIVED);
	step(&c, segment(A, 1001, 5001, 0));
	assert_int_equal(c.state, MODEL_FIN_WAIT_1);
	c = conn_in(MODEL_SYN_SENT);
	model_close(&c, false);
	assert_int_equal(c.state, MODEL_CLOSED);
	c = conn_in(MODEL_ESTABLISHED);
	model_abort(&c);
	assert_int_equal(c.state, MODEL_CLOSED);
}

static void
answers_in_words(void **unused)
{
	struct model_conn c = conn_in(MODEL_TIME_WAIT);
	struct tcp_seg rst = segment(R, 1302, 0, 0);
	struct model_result r;
	char text[200];

	(void)unused;
	model_step(&c, &rst, &r);
	model_result_print(text, sizeof(text), &r);
	assert_string_equal(text, "permitted: TIME-WAIT, silence, una=5502 wnd=1000 nxt=1302\n"
				  "permitted: CLOSED, silence [RST heeded in TIME-WAIT]\n");
	assert_true(model_answer_print(text, 10, &r.answers[0]) > 10);
	assert_string_equal(text, "TIME-WAIT");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(window_follows_wl1_and_wl2),
	    cmocka_unit_test(zero_window_hears_acks),
	    cmocka_unit_test(gaps_are_filled),
	    cmocka_unit_test(no_more_than_can_be_held),
	    cmocka_unit_test(every_second_segment),
	    cmocka_unit_test(paws),
	    cmocka_unit_test(missing_timestamp),
	    cmocka_unit_test(forged_timestamp),
	    cmocka_unit_test(time_wait_by_timestamp),
	    cmocka_unit_test(options_are_agreed),
	    cmocka_unit_test(simultaneous_open),
	    cmocka_unit_test(simultaneous_close),
	    cmocka_unit_test(passive_close),
	    cmocka_unit_test(early_close),
	    cmocka_unit_test(answers_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
