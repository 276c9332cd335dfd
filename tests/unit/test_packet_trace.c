/* test_packet_trace.c - the trace finds each fault that it names, and none in what is right. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "model_kit.h"

#include "model_trace.h"

#define MS  UINT64_C(1000000)
#define ALL (~0u)

struct world {
	struct model_trace trace;
	uint64_t now_ns;
};

static enum model_fault
in(struct world *w, struct tcp_seg seg)
{
	w->now_ns += MS;
	return model_trace_arrived(&w->trace, w->now_ns, &seg);
}

static enum model_fault
out(struct world *w, struct tcp_seg seg)
{
	w->now_ns += MS;
	return model_trace_emitted(&w->trace, w->now_ns, &seg);
}

static void
assert_fault(enum model_fault is, enum model_fault want)
{
	if (is != want)
		fail_msg("%s, not %s", model_fault_name(is), model_fault_name(want));
}

static void
fine(enum model_fault fault)
{
	assert_fault(fault, MODEL_FINE);
}

/* A server that has accepted: RCV.NXT 1001, SND.NXT 5001, WND either way. */
static struct world
accepted(void)
{
	struct world w = {.now_ns = 1};
	struct model_conn c;

	model_listen(&c, 0, WND);
	model_trace_open(&w.trace, &c, 0);
	fine(in(&w, segment(S, IRS, 0, 0)));
	fine(out(&w, segment(S | A, ISS, 1001, 0)));
	fine(in(&w, segment(A, 1001, 5001, 0)));
	return w;
}

/* The same with timestamps; ours are 100 and more, the peer's TS and more. */
static struct tcp_seg
echoing(uint8_t flags, uint32_t seq, uint32_t ack, uint16_t len, uint32_t tsval, uint32_t tsecr)
{
	struct tcp_seg seg = stamped(flags, seq, ack, len, tsval);

	seg.tsecr = tsecr;
	return seg;
}

static struct world
accepted_with_ts(void)
{
	struct world w = {.now_ns = 1};
	struct model_conn c;

	model_listen(&c, 0, WND);
	model_trace_open(&w.trace, &c, 0);
	fine(in(&w, stamped(S, IRS, 0, 0, TS)));
	fine(out(&w, echoing(S | A, ISS, 1001, 0, 100, TS)));
	fine(in(&w, echoing(A, 1001, 5001, 0, TS + 1, 100)));
	return w;
}

static struct tcp_seg
sack(uint32_t ack, uint32_t start, uint32_t end)
{
	struct tcp_seg seg = segment(A, 5001, ack, 0);

	seg.opts = TCP_OPT_SACK;
	seg.n_sack = 1;
	seg.sack[0] = (struct tcp_sack_block){start, end};
	return seg;
}

/* --- what is right --- */

static void
served_and_closed(void **unused)
{
	struct world w = accepted();

	(void)unused;
	fine(in(&w, segment(A | P, 1001, 5001, 100)));
	fine(out(&w, segment(A | P, 5001, 1101, 500)));
	fine(out(&w, segment(A | F, 5501, 1101, 0)));
	assert_int_equal(w.trace.tcbs[0].state, MODEL_FIN_WAIT_1);
	fine(out(&w, segment(A | P, 5001, 1101, 500))); /* again */
	fine(in(&w, segment(A, 1101, 5502, 0)));
	fine(in(&w, segment(A | F, 1101, 5502, 0)));
	fine(out(&w, segment(A, 5502, 1102, 0)));
	assert_int_equal(w.trace.tcbs[0].state, MODEL_TIME_WAIT);
	fine(in(&w, segment(A | F, 1101, 5502, 0)));
	fine(out(&w, segment(A, 5502, 1102, 0)));
	model_trace_expire(&w.trace);
	fine(in(&w, segment(A, 1102, 5502, 0)));
	fine(out(&w, segment(R, 5502, 0, 0)));
}

static void
connected_and_closed(void **unused)
{
	struct world w = {.now_ns = 1};
	struct model_conn c;

	(void)unused;
	model_connect(&c, 0, WND);
	model_trace_open(&w.trace, &c, 0);
	fine(out(&w, segment(S, ISS, 0, 0)));
	fine(out(&w, segment(S, ISS, 0, 0)));
	fine(in(&w, segment(S | A, IRS, 5001, 0)));
	fine(out(&w, segment(A, 5001, 1001, 0)));
	fine(in(&w, segment(A | F, 1001, 5001, 10)));
	fine(out(&w, segment(A | F, 5001, 1012, 10)));
	assert_int_equal(w.trace.tcbs[0].state, MODEL_LAST_ACK);
	fine(in(&w, segment(A, 1012, 5012, 0)));
	assert_int_equal(w.trace.tcbs[0].state, MODEL_CLOSED);
}

static void
loss_is_reported(void **unused)
{
	struct world w = accepted();

	(void)unused;
	fine(in(&w, segment(A, 1101, 5001, 100)));
	fine(out(&w, sack(1001, 1101, 1201)));
	fine(in(&w, segment(A | F, 1201, 5001, 100)));
	fine(out(&w, sack(1001, 1101, 1302))); /* the FIN is in it */
	fine(in(&w, segment(A, 1001, 5001, 100)));
	fine(out(&w, segment(A, 5001, 1302, 0)));
	fine(in(&w, segment(A, 1001, 5001, 100)));
	fine(out(&w, sack(1302, 1001, 1101))); /* DSACK */
	assert_int_equal(w.trace.tcbs[0].state, MODEL_CLOSE_WAIT);
}

static void
probes_are_fine(void **unused)
{
	struct world w = accepted();

	(void)unused;
	fine(out(&w, segment(A, 5001, 1001, WND)));
	fine(out(&w, segment(A, 6001, 1001, 1))); /* window probe */
	fine(in(&w, segment(A, 1001, 6001, 0)));
	for (unsigned i = 0; i < 5; i++)
		fine(out(&w, segment(A, 6001, 1001, 0))); /* keepalive: SND.NXT - 1 */
	w = accepted();
	fine(out(&w, segment(A, 5001, 1001, 100)));
	fine(in(&w, segment(A, 1001, 5101, 0)));
	fine(out(&w, segment(A, 5100, 1001, 1))); /* with an octet */
	assert_fault(out(&w, segment(A, 5099, 1001, 1)), MODEL_FAULT_ACKED);
}

/* Every arrival may be answered. */
static void
replies_count_from_the_arrival(void **unused)
{
	struct world w = accepted();

	(void)unused;
	for (unsigned i = 0; i < 4; i++) {
		fine(in(&w, segment(A, 900, 5001, 10)));
		fine(out(&w, segment(A, 5001, 1001, 0)));
	}
	fine(in(&w, segment(A, 1001, 5001, 0)));
	for (uint32_t i = 0; i < 4; i++) /* text is no reply */
		fine(out(&w, segment(A, 5001 + i, 1001, 1)));
}

static void
bare_fin_is_reported(void **unused)
{
	struct world w = accepted();

	(void)unused;
	fine(in(&w, segment(A | F, 1101, 5001, 0)));
	fine(out(&w, sack(1001, 1101, 1102)));
	assert_fault(out(&w, sack(1001, 1101, 1103)), MODEL_FAULT_SACK);
	assert_fault(out(&w, sack(1001, 1102, 1103)), MODEL_FAULT_SACK);
	w = accepted();
	fine(in(&w, segment(A, 1101, 5001, 10)));
	fine(in(&w, segment(A | F, 1131, 5001, 0)));
	assert_fault(out(&w, sack(1001, 1101, 1112)), MODEL_FAULT_SACK);
}

/* Offers of segments that cannot be about us. */
static void
false_offers(void **unused)
{
	struct tcp_seg wide = segment(A, 1001, 5001, 0);
	struct world w = accepted();

	(void)unused;
	wide.wnd = 9999;
	wide.ack = 5002;
	fine(in(&w, wide));
	wide.ack = 4000;
	fine(in(&w, wide));
	wide.ack = 5001;
	wide.flags = R | A;
	wide.seq = 900;
	fine(in(&w, wide));
	wide.flags = 0;
	fine(in(&w, wide));
	assert_fault(out(&w, segment(A, 5001, 1001, WND + 1)), MODEL_FAULT_WINDOW);
}

static void
text_for_nobody(void **unused)
{
	struct world w = accepted();

	(void)unused;
	model_trace_close(&w.trace, true);
	fine(out(&w, segment(A | F, 5001, 1001, 0)));
	fine(in(&w, segment(A, 1001, 5002, 10)));
	fine(out(&w, segment(R, 5002, 0, 0)));
	assert_int_equal(w.trace.tcbs[0].state, MODEL_CLOSED);
}

static void
end_of_all(void **unused)
{
	struct world w = accepted();

	(void)unused;
	w.trace.choices = ALL;
	fine(in(&w, segment(A, 1101, 5001, 10)));
	fine(in(&w, segment(A, 1001, 5001, 10)));
	model_trace_abort(&w.trace);
	assert_int_equal(w.trace.n, 1);
	fine(model_trace_idle(&w.trace, w.now_ns + 501 * MS));
	fine(out(&w, segment(R | A, 5001, 1001, 0)));
	fine(in(&w, segment(A, 1011, 5001, 10))); /* nobody there */
	fine(out(&w, segment(R, 5001, 0, 0)));
	assert_fault(out(&w, segment(A, 5001, 1001, 0)), MODEL_FAULT_STATE);
	w = accepted();
	fine(in(&w, segment(A, 1001, 5001, 10)));
	fine(in(&w, segment(R, 1011, 0, 0)));
	fine(model_trace_idle(&w.trace, w.now_ns + 501 * MS));
}

/* More resets called for than are remembered. */
static void
many_resets(void **unused)
{
	struct world w = accepted();

	(void)unused;
	model_trace_expire(&w.trace);
	for (uint32_t i = 0; i <= MODEL_TRACE_RSTS; i++)
		fine(in(&w, segment(A, 1001, 100 + i, 0)));
	assert_int_equal(w.trace.n_rsts, MODEL_TRACE_RSTS);
	for (uint32_t i = 0; i < MODEL_TRACE_RSTS; i++)
		fine(out(&w, segment(R, 100 + i, 0, 0)));
	fine(in(&w, segment(S, 900, 0, 0)));
	fine(out(&w, segment(R | A, 0, 901, 0)));
}

static void
window_scale(void **unused)
{
	struct world w = {.now_ns = 1};
	struct tcp_seg syn = segment(S, IRS, 0, 0), syn_ack = segment(S | A, ISS, 1001, 0);
	struct tcp_seg ack = segment(A, 5001, 1106, 0);
	struct model_conn c;

	(void)unused;
	syn.opts = syn_ack.opts = TCP_OPT_WSCALE;
	syn.wscale = 2;
	syn_ack.wscale = 3;
	model_listen(&c, 0, WND);
	model_trace_open(&w.trace, &c, 0);
	fine(in(&w, syn));
	fine(out(&w, syn_ack));
	fine(in(&w, segment(A, 1001, 5001, 0)));
	fine(out(&w, segment(A, 5001, 1001, 4 * WND)));
	assert_fault(out(&w, segment(A, 9001, 1001, 2)), MODEL_FAULT_WINDOW);
	fine(in(&w, segment(A, 1001, 5001, 105)));
	ack.wnd = WND - 14; /* 7 octets less by rounding */
	ack.seq = 9003;
	fine(out(&w, ack));
	ack.wnd = WND - 15;
	assert_fault(out(&w, ack), MODEL_FAULT_EDGE);
}

/* RFC 6191: the second connection has numbers of its own. */
static void
begins_anew(void **unused)
{
	struct world w = accepted();

	(void)unused;
	fine(out(&w, segment(A | F, 5001, 1001, 0)));
	fine(in(&w, segment(A | F, 1001, 5002, 0)));
	fine(out(&w, segment(A, 5002, 1002, 0)));
	fine(in(&w, segment(S, 900000, 0, 0)));
	fine(out(&w, segment(S | A, 700000, 900001, 0)));
	fine(in(&w, segment(A, 900001, 700001, 0)));
	fine(out(&w, segment(A, 700001, 900001, 10)));
	assert_fault(out(&w, segment(S | A, 5000, 900001, 0)), MODEL_FAULT_ISS);
}

/* Of the permitted ways, what is emitted tells which was gone. */
static void
emissions_decide(void **unused)
{
	struct world w = accepted();

	(void)unused;
	w.trace.choices = ALL;
	fine(in(&w, segment(A, 1101, 5001, 100)));
	assert_int_equal(w.trace.n, 2);
	fine(out(&w, sack(1001, 1101, 1201)));
	assert_int_equal(w.trace.n, 1);
	fine(in(&w, segment(A, 1301, 5001, 100)));
	assert_int_equal(w.trace.n, 2);
	fine(in(&w, segment(A, 1001, 5001, 100)));
	fine(in(&w, segment(A, 1201, 5001, 100)));
	assert_int_equal(w.trace.n, 2);
	fine(out(&w, segment(A, 5001, 1401, 0)));
	assert_int_equal(w.trace.n, 1);
	assert_int_equal(w.trace.tcbs[0].rcv_nxt, 1401);
}

/* --- what is wrong --- */

static void
wrong_numbers(void **unused)
{
	struct world w = accepted();

	(void)unused;
	assert_fault(out(&w, segment(A, 5002, 1001, 10)), MODEL_FAULT_GAP);
	w = accepted();
	assert_fault(out(&w, segment(S | A, ISS + 1, 1001, 0)), MODEL_FAULT_ISS);
	w = accepted();
	assert_fault(out(&w, segment(A, 5001, 1001, WND + 1)), MODEL_FAULT_WINDOW);
	w = accepted();
	fine(out(&w, segment(A, 5001, 1001, 100)));
	fine(in(&w, segment(A, 1001, 5101, 0)));
	assert_fault(out(&w, segment(A, 5001, 1001, 100)), MODEL_FAULT_ACKED);
}

static void
wrong_fin(void **unused)
{
	struct world w = accepted();

	(void)unused;
	fine(out(&w, segment(A | F, 5001, 1001, 10)));
	fine(out(&w, segment(A, 5012, 1001, 0)));
	fine(out(&w, segment(A | F, 5001, 1001, 10)));
	assert_fault(out(&w, segment(A, 5011, 1001, 10)), MODEL_FAULT_AFTER_FIN);
	w = accepted();
	fine(out(&w, segment(A | F, 5001, 1001, 10)));
	assert_fault(out(&w, segment(A | F, 5001, 1001, 9)), MODEL_FAULT_AFTER_FIN);
}

static void
wrong_acks(void **unused)
{
	struct world w = accepted();

	(void)unused;
	assert_fault(out(&w, segment(A, 5001, 1002, 0)), MODEL_FAULT_ACK);
	w = accepted();
	fine(in(&w, segment(A, 1001, 5001, 10)));
	fine(out(&w, segment(A, 5001, 1011, 0)));
	assert_fault(out(&w, segment(A, 5001, 1010, 0)), MODEL_FAULT_ACK_BACK);
	w = accepted();
	fine(in(&w, segment(A, 1101, 5001, 10)));
	assert_fault(out(&w, sack(1001, 1101, 1112)), MODEL_FAULT_SACK);
	w = accepted();
	fine(in(&w, segment(A, 1001, 5001, 10)));
	assert_fault(out(&w, sack(1011, 1000, 1011)), MODEL_FAULT_SACK);
	w = accepted();
	fine(in(&w, segment(A, 2001, 5001, 10))); /* beyond the window: not taken */
	assert_fault(out(&w, sack(1001, 2001, 2011)), MODEL_FAULT_SACK);
}

static void
wrong_window(void **unused)
{
	struct world w = accepted();
	struct tcp_seg seg = segment(A, 5001, 1001, 0);

	(void)unused;
	seg.wnd = WND - 1;
	assert_fault(out(&w, seg), MODEL_FAULT_EDGE);
}

static void
wrong_state(void **unused)
{
	struct world w = {.now_ns = 1};
	struct model_conn c;

	(void)unused;
	model_listen(&c, 0, WND);
	model_trace_open(&w.trace, &c, 0);
	assert_fault(out(&w, segment(A, 5001, 1001, 0)), MODEL_FAULT_STATE);
	fine(in(&w, segment(S, IRS, 0, 0)));
	fine(out(&w, segment(S | A, ISS, 1001, 0)));
	assert_fault(out(&w, segment(A, 5001, 1001, 10)), MODEL_FAULT_STATE);
	w = accepted();
	assert_fault(out(&w, segment(0, 5001, 1001, 10)), MODEL_FAULT_STATE);
}

static void
wrong_resets(void **unused)
{
	struct world w = accepted();

	(void)unused;
	assert_fault(out(&w, segment(R, 5001, 0, 0)), MODEL_FAULT_RST);
	fine(in(&w, segment(R, 1001, 0, 0)));
	assert_fault(out(&w, segment(R, 0, 0, 0)), MODEL_FAULT_RST_FOR_RST);
	fine(in(&w, segment(A, 1001, 7777, 0)));
	assert_fault(out(&w, segment(R, 7778, 0, 0)), MODEL_FAULT_RST);
	fine(out(&w, segment(R, 7777, 0, 0)));
	assert_fault(out(&w, segment(R, 7777, 0, 0)), MODEL_FAULT_RST);
	w = accepted();
	model_trace_abort(&w.trace);
	fine(out(&w, segment(R | A, 5001, 1001, 0)));
	assert_fault(out(&w, segment(R | A, 5001, 1001, 0)), MODEL_FAULT_RST);
}

static void
wrong_timestamps(void **unused)
{
	struct world w = accepted_with_ts();

	(void)unused;
	fine(out(&w, echoing(A, 5001, 1001, 0, 101, TS + 1)));
	assert_fault(out(&w, segment(A, 5001, 1001, 5)), MODEL_FAULT_NO_STAMP);
	w = accepted_with_ts();
	assert_fault(out(&w, echoing(A, 5001, 1001, 5, 99, TS)), MODEL_FAULT_STAMP_BACK);
	w = accepted_with_ts();
	assert_fault(out(&w, echoing(A, 5001, 1001, 5, 101, TS + 2)), MODEL_FAULT_ECHO);
	w = accepted_with_ts();
	assert_fault(out(&w, echoing(A, 5001, 1001, 5, 101, TS - 1)), MODEL_FAULT_ECHO);
}

static void
too_many_and_too_late(void **unused)
{
	struct world w = accepted();

	(void)unused;
	fine(in(&w, segment(A, 1101, 5001, 10)));
	fine(out(&w, segment(A, 5001, 1001, 0)));
	fine(out(&w, segment(A, 5001, 1001, 0)));
	assert_fault(out(&w, segment(A, 5001, 1001, 0)), MODEL_FAULT_TOO_MANY);
	w = accepted();
	fine(in(&w, segment(A, 1001, 5001, 10)));
	fine(model_trace_idle(&w.trace, w.now_ns + 500 * MS));
	assert_fault(model_trace_idle(&w.trace, w.now_ns + 501 * MS), MODEL_FAULT_LATE);
	w = accepted();
	fine(in(&w, segment(A, 1001, 5001, 10)));
	fine(out(&w, segment(A, 5001, 1011, 0)));
	fine(model_trace_idle(&w.trace, w.now_ns + 501 * MS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(served_and_closed),
	    cmocka_unit_test(connected_and_closed),
	    cmocka_unit_test(loss_is_reported),
	    cmocka_unit_test(probes_are_fine),
	    cmocka_unit_test(replies_count_from_the_arrival),
	    cmocka_unit_test(bare_fin_is_reported),
	    cmocka_unit_test(false_offers),
	    cmocka_unit_test(text_for_nobody),
	    cmocka_unit_test(end_of_all),
	    cmocka_unit_test(many_resets),
	    cmocka_unit_test(window_scale),
	    cmocka_unit_test(begins_anew),
	    cmocka_unit_test(emissions_decide),
	    cmocka_unit_test(wrong_numbers),
	    cmocka_unit_test(wrong_fin),
	    cmocka_unit_test(wrong_acks),
	    cmocka_unit_test(wrong_window),
	    cmocka_unit_test(wrong_state),
	    cmocka_unit_test(wrong_resets),
	    cmocka_unit_test(wrong_timestamps),
	    cmocka_unit_test(too_many_and_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
