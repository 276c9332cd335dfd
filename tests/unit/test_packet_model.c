/* test_packet_model.c - the packet model over several segments: windows, gaps, timestamps, open and close. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "model_kit.h"

/* --- windows --- */

static struct model_conn
after_window(uint32_t seq, uint32_t ack, uint16_t wnd)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct tcp_seg seg = segment(A, seq, ack, 9);

	c.snd_wl1 = 1301;
	c.snd_wl2 = 5450;
	seg.wnd = wnd;
	step(&c, seg);
	return c;
}

static void
window_needs_news(void **unused)
{
	(void)unused;
	assert_int_equal(after_window(1301, 5450, 7).snd_wnd, 7);
	assert_int_equal(after_window(1301, 5449, 7).snd_wnd, WND);
	assert_int_equal(after_window(1300, 5450, 7).snd_wnd, WND);
	assert_int_equal(after_window(1302, 5449, 7).snd_wnd, 7);
	assert_int_equal(after_window(1302, 5449, 7).snd_wl2, 5449);
	assert_int_equal(after_window(1302, 5401, 7).snd_wnd, 7); /* SND.UNA =< SEG.ACK */
	assert_int_equal(after_window(1302, 5400, 7).snd_wnd, WND);
	assert_int_equal(after_window(1301, 5450, 2000).max_snd_wnd, 2000);
	assert_int_equal(after_window(1301, 5450, 7).max_snd_wnd, WND);
}

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

static void
zero_window_hears_the_rest(void **unused)
{
	struct model_conn c = conn_in(MODEL_LAST_ACK);
	struct tcp_seg urgent = segment(A | U, 1301, 5401, 1);
	struct model_answer a;

	(void)unused;
	c.rcv_wnd = 0;
	a = step(&c, segment(A, 1302, 5502, 1));
	assert_int_equal(c.state, MODEL_CLOSED);
	assert_int_equal(a.reply.duty, MODEL_MAY);
	c = conn_in(MODEL_ESTABLISHED);
	c.rcv_wnd = 0;
	urgent.urg = 1;
	a = step(&c, urgent); /* MUST-66 */
	assert_true(a.effects.urgent);
	assert_int_equal(a.reply.duty, MODEL_LIMITED);
	assert_int_equal(c.rcv_nxt, 1301);
	urgent.ack = 5502;
	c.urgent = false;
	a = step(&c, urgent);
	assert_false(a.effects.urgent);
	a = step(&c, segment(S | A, 1301, 5501, 0));
	assert_reply(&a, MODEL_ACK, 5501, 1301);
	assert_int_equal(c.snd_una, 5401);
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

/* In any order, and over one another. */
static void
held_ranges_stay_sorted(void **unused)
{
	static const uint16_t order[] = {60, 20, 40, 80, 10, 61, 30, 50, 70};
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct model_answer a = {0};

	(void)unused;
	for (unsigned i = 0; i < N_OF(order); i++)
		a = step(&c, segment(A, 1301u + order[i], 5401, 5));
	assert_int_equal(a.effects.held, 5);
	assert_int_equal(c.n_held, 8); /* 60 to 66 is one */
	for (unsigned i = 1; i < c.n_held; i++)
		assert_true(c.held[i - 1].end < c.held[i].start);
	assert_int_equal(c.held[5].end, 1367);
	a = step(&c, segment(A, 1313, 5401, 60)); /* 12 to 72 */
	assert_int_equal(a.effects.held, 60 - 3 - 5 - 5 - 5 - 5 - 6 - 2);
	assert_int_equal(c.n_held, 2);
	a = step(&c, segment(A, 1301, 5401, 10));
	assert_int_equal(a.effects.delivered, 75);
	assert_int_equal(c.held[0].start, 1381);
}

/* What lies beyond a FIN is nothing. */
static void
fin_ends_what_is_held(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);

	(void)unused;
	step(&c, segment(A, 1302, 5401, 5));
	step(&c, segment(A | F, 1301, 5401, 0));
	assert_int_equal(c.n_held, 0);
	assert_int_equal(c.rcv_nxt, 1302);
	assert_int_equal(c.state, MODEL_CLOSE_WAIT);
	assert_false(c.held_fin);
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
	a = departing(c, seg, MODEL_CH_TS_RECENT_EARLY);
	assert_int_equal(a.after.ts_recent, TS + 1000);
}

/* As Linux has it: a tick older passes, and does not become TS.Recent. */
static void
paws_with_slack(void **unused)
{
	struct model_conn c = conn_with_ts(MODEL_ESTABLISHED);

	(void)unused;
	c.paws_slack = 1;
	step(&c, stamped(A, 1301, 5501, 10, TS - 2));
	assert_int_equal(c.rcv_nxt, 1301);
	step(&c, stamped(A, 1301, 5501, 10, TS - 1));
	assert_int_equal(c.rcv_nxt, 1311);
	assert_int_equal(c.ts_recent, TS);
}

static void
third_ack_brings_a_timestamp(void **unused)
{
	struct model_conn c = conn_in(MODEL_LISTEN);

	(void)unused;
	step(&c, stamped(S, 1000, 0, 0, TS));
	assert_true(c.ts_recent_valid);
	step(&c, stamped(A, 1001, 5001, 0, TS + 4));
	assert_int_equal(c.ts_recent, TS + 4);
	step(&c, stamped(A, 1001, 5001, 10, TS + 3));
	assert_int_equal(c.rcv_nxt, 1001);
	c.ts_recent_valid = false;
	step(&c, stamped(A, 1001, 5001, 10, TS + 3));
	assert_true(c.ts_recent_valid);
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
	d.rcv_wscale = 5;
	step(&d, syn);
	assert_false(d.ts_ok);
	assert_int_equal(d.snd_wscale, 0);
	assert_int_equal(d.rcv_wscale, 0);
	c = conn_in(MODEL_TIME_WAIT); /* a new connection has the same offers */
	c.ts_offer = false;
	step(&c, stamped(S, 9000, 0, 0, 33));
	assert_int_equal(c.state, MODEL_SYN_RECEIVED);
	assert_false(c.ts_ok);
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

/* Each end hears what the RFC has it told, once. */
static void
establishment_is_told(void **unused)
{
	struct model_conn c = conn_in(MODEL_SYN_SENT);
	struct model_answer a = step(&c, segment(S | A, 1000, 5001, 0));

	(void)unused;
	assert_true(a.effects.established);
	assert_false(c.passive);
	assert_int_equal(c.last_ack_sent, 1001);
	c = conn_in(MODEL_LISTEN);
	c.passive = false;
	a = step(&c, segment(S, 1000, 0, 0));
	assert_false(a.effects.established);
	assert_int_equal(c.last_ack_sent, 1001);
	assert_int_equal(c.snd_nxt, 5001);
	a = step(&c, segment(R, 1001, 0, 0)); /* a listener is not told */
	assert_false(a.effects.refused || a.effects.reset);
	assert_int_equal(c.state, MODEL_LISTEN);
}

static void
urgent_with_syn_ack(void **unused)
{
	struct model_conn c = conn_in(MODEL_SYN_SENT);
	struct tcp_seg seg = segment(S | A | U, 1000, 5001, 0);

	(void)unused;
	seg.urg = 3;
	assert_true(step(&c, seg).effects.urgent);
	assert_int_equal(c.rcv_up, 1004);
}

static void
fin_with_the_first_syn(void **unused)
{
	struct model_conn c = conn_in(MODEL_SYN_SENT);
	struct model_answer a = step(&c, segment(S | F, 1000, 0, 5));

	(void)unused;
	assert_reply(&a, MODEL_SYN_ACK, ISS, 1001);
	a = step(&c, segment(A, 1001, 5001, 0));
	assert_int_equal(a.effects.delivered, 5);
	assert_true(a.effects.eof);
	assert_int_equal(c.state, MODEL_CLOSE_WAIT);
	assert_int_equal(c.rcv_nxt, 1007);
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
	    cmocka_unit_test(window_needs_news),
	    cmocka_unit_test(window_follows_wl1_and_wl2),
	    cmocka_unit_test(zero_window_hears_acks),
	    cmocka_unit_test(zero_window_hears_the_rest),
	    cmocka_unit_test(gaps_are_filled),
	    cmocka_unit_test(held_ranges_stay_sorted),
	    cmocka_unit_test(fin_ends_what_is_held),
	    cmocka_unit_test(no_more_than_can_be_held),
	    cmocka_unit_test(every_second_segment),
	    cmocka_unit_test(paws),
	    cmocka_unit_test(missing_timestamp),
	    cmocka_unit_test(forged_timestamp),
	    cmocka_unit_test(paws_with_slack),
	    cmocka_unit_test(third_ack_brings_a_timestamp),
	    cmocka_unit_test(time_wait_by_timestamp),
	    cmocka_unit_test(options_are_agreed),
	    cmocka_unit_test(simultaneous_open),
	    cmocka_unit_test(establishment_is_told),
	    cmocka_unit_test(urgent_with_syn_ack),
	    cmocka_unit_test(fin_with_the_first_syn),
	    cmocka_unit_test(simultaneous_close),
	    cmocka_unit_test(passive_close),
	    cmocka_unit_test(early_close),
	    cmocka_unit_test(answers_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
