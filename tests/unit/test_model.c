/* test_model.c - the packet model against rows written by hand from RFC 9293 3.10.7 and its amendments. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "model_kit.h"

/* --- one segment, one answer --- */

enum expected { SILENCE, ACK_NOW, ACK_LATER, ACK_LIMITED, ACK_MAY, RESET, RESET_ACK, SYN_ACK };

struct row {
	const char *rule;
	unsigned from;
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t len;
	unsigned to; /* enum model_state */
	enum expected reply;
	uint32_t number;   /* the reply's ACK field; RESET: its SEQ */
	uint32_t una, nxt; /* SND.UNA and RCV.NXT after; 0: as before */
};

/* Short, that a row be a line. */
enum {
	CLO = MODEL_CLOSED,
	LIS = MODEL_LISTEN,
	SST = MODEL_SYN_SENT,
	SRC = MODEL_SYN_RECEIVED,
	EST = MODEL_ESTABLISHED,
	FW1 = MODEL_FIN_WAIT_1,
	FW2 = MODEL_FIN_WAIT_2,
	CWT = MODEL_CLOSE_WAIT,
	CLG = MODEL_CLOSING,
	LAS = MODEL_LAST_ACK,
	TWT = MODEL_TIME_WAIT,
};

static const struct row rows[] = {
    {"A1: SYN to a closed port", CLO, S, 900, 0, 0, CLO, RESET_ACK, 901, 0, 0},
    {"A1: SYN and text", CLO, S, 900, 0, 10, CLO, RESET_ACK, 911, 0, 0},
    {"A2: ACK to a closed port", CLO, A, 900, 777, 0, CLO, RESET, 777, 0, 0},
    {"A2: SYN,ACK to a closed port", CLO, S | A, 9, 777, 0, CLO, RESET, 777, 0, 0},
    {"A3: RST to a closed port", CLO, R, 900, 0, 0, CLO, SILENCE, 0, 0, 0},
    {"A3: RST,ACK to a closed port", CLO, R | A, 9, 777, 0, CLO, SILENCE, 0, 0, 0},
    {"A4: FIN,PSH,URG", CLO, F | P | U, 900, 0, 5, CLO, RESET_ACK, 906, 0, 0},
    {"A3: RST to LISTEN", LIS, R, 900, 0, 0, LIS, SILENCE, 0, 0, 0},
    {"A5: SYN to LISTEN", LIS, S, 900, 0, 0, SRC, SYN_ACK, 901, ISS, 901},
    {"A7: SYN and text", LIS, S, 900, 0, 99, SRC, SYN_ACK, 901, ISS, 901},
    {"A8: ACK to LISTEN", LIS, A, 900, 777, 0, LIS, RESET, 777, 0, 0},
    {"A8: SYN,ACK to LISTEN", LIS, S | A, 900, 777, 0, LIS, RESET, 777, 0, 0},
    {"A9: SYN,FIN", LIS, S | F, 900, 0, 0, LIS, SILENCE, 0, 0, 0},
    {"A9: SYN,RST", LIS, S | R, 900, 0, 0, LIS, SILENCE, 0, 0, 0},
    {"A9: no flags", LIS, 0, 900, 0, 0, LIS, SILENCE, 0, 0, 0},
    {"A9: FIN,PSH,URG", LIS, F | P | U, 900, 0, 0, LIS, SILENCE, 0, 0, 0},

    {"3.10.7.3: ACK of nothing", SST, A, 900, ISS, 0, SST, RESET, ISS, 0, 0},
    {"3.10.7.3: ACK of more", SST, S | A, 9, 5002, 0, SST, RESET, 5002, 0, 0},
    {"3.10.7.3: bad ACK, RST", SST, R | A, 9, 5002, 0, SST, SILENCE, 0, 0, 0},
    {"3.10.7.3: RST,ACK", SST, R | A, 0, 5001, 0, CLO, SILENCE, 0, 0, 0},
    {"3.10.7.3: RST", SST, R, 0, 5001, 0, SST, SILENCE, 0, 0, 0},
    {"3.10.7.3: SYN,ACK", SST, S | A, 9, 5001, 0, EST, ACK_NOW, 10, 5001, 10},
    {"3.10.7.3: and text", SST, S | A, 9, 5001, 5, EST, ACK_NOW, 15, 5001, 15},
    {"3.10.7.3: and FIN", SST, S | A | F, 9, 5001, 0, CWT, ACK_NOW, 11, 5001, 11},
    {"MUST-10: SYN", SST, S, 9, 0, 0, SRC, SYN_ACK, 10, ISS, 10},
    {"3.10.7.3: good ACK alone", SST, A, 9, 5001, 0, SST, SILENCE, 0, 0, 0},
    {"3.10.7.3: FIN", SST, F, 9, 0, 0, SST, SILENCE, 0, 0, 0},

    {"A11: the SYN again", SRC, S, 1000, 0, 0, SRC, ACK_LIMITED, 1001, 0, 0},
    {"A12: another SYN", SRC, S, 1500, 0, 0, LIS, SILENCE, 0, 0, 0},
    {"A12: a SYN far off", SRC, S, 90000, 0, 0, SRC, ACK_LIMITED, 1001, 0, 0},
    {"A13: ACK of more", SRC, A, 1001, 5002, 0, SRC, RESET, 5002, 0, 0},
    {"A13: ACK of nothing", SRC, A, 1001, 5000, 0, SRC, RESET, 5000, 0, 0},
    {"A14: RST, exact", SRC, R, 1001, 0, 0, LIS, SILENCE, 0, 0, 0},
    {"A14: RST, inside", SRC, R, 1002, 0, 0, SRC, ACK_LIMITED, 1001, 0, 0},
    {"A15: ACK", SRC, A, 1001, 5001, 0, EST, SILENCE, 0, 5001, 0},
    {"A15: and text", SRC, A, 1001, 5001, 20, EST, ACK_LATER, 1021, 5001, 1021},
    {"eighth: and FIN", SRC, A | F, 1001, 5001, 0, CWT, ACK_LATER, 1002, 5001, 1002},
    {"fifth: FIN, no ACK", SRC, F, 1001, 0, 0, SRC, SILENCE, 0, 0, 0},

    {"C1: text", EST, A, 1301, 5401, 10, EST, ACK_LATER, 1311, 0, 1311},
    {"C2: beyond a gap", EST, A, 1401, 5401, 100, EST, ACK_NOW, 1301, 0, 0},
    {"C3: left overlap", EST, A, 1296, 5401, 10, EST, ACK_LATER, 1306, 0, 1306},
    {"C3: all old", EST, A, 1291, 5501, 10, EST, ACK_LIMITED, 1301, 0, 0},
    {"C5: beyond", EST, A, 2301, 5501, 10, EST, ACK_LIMITED, 1301, 0, 0},
    {"C5: over the edge", EST, A, 1301, 5401, 1400, EST, ACK_LATER, 2301, 0, 2301},
    {"C5: FIN over the edge", EST, A | F, 1301, 5401, 1000, EST, ACK_LATER, 2301, 0, 2301},
    {"C8: ACK of more", EST, A, 1301, 5502, 10, EST, ACK_LIMITED, 1301, 0, 0},
    {"C8: ACK too old", EST, A, 1301, 4400, 10, EST, ACK_LIMITED, 1301, 0, 0},
    {"5961 5.2: oldest ACK", EST, A, 1301, 4401, 10, EST, ACK_LATER, 1311, 0, 1311},
    {"fifth: part", EST, A, 1301, 5450, 0, EST, SILENCE, 0, 5450, 0},
    {"fifth: all", EST, A, 1301, 5501, 0, EST, SILENCE, 0, 5501, 0},
    {"C9: no ACK", EST, 0, 1301, 5501, 10, EST, SILENCE, 0, 0, 0},
    {"C10: FIN", EST, A | F, 1301, 5401, 0, CWT, ACK_LATER, 1302, 0, 1302},
    {"C10: text and FIN", EST, A | F, 1301, 5501, 9, CWT, ACK_LATER, 1311, 5501, 1311},
    {"C10: FIN beyond a gap", EST, A | F, 1401, 5401, 0, EST, ACK_NOW, 1301, 0, 0},
    {"C16: keepalive", EST, A, 1300, 5401, 0, EST, ACK_LIMITED, 1301, 0, 0},
    {"C16: with an octet", EST, A, 1300, 5401, 1, EST, ACK_LIMITED, 1301, 0, 0},
    {"MAY-13: ACK ahead", EST, A, 1350, 5501, 0, EST, ACK_MAY, 1301, 5501, 0},
    {"D1: RST, exact", EST, R, 1301, 0, 0, CLO, SILENCE, 0, 0, 0},
    {"D1: RST,ACK of anything", EST, R | A, 1301, 9, 0, CLO, SILENCE, 0, 0, 0},
    {"D2: RST, inside", EST, R, 1302, 0, 0, EST, ACK_LIMITED, 1301, 0, 0},
    {"D2: RST, last octet", EST, R, 2300, 0, 0, EST, ACK_LIMITED, 1301, 0, 0},
    {"D3: RST, left", EST, R, 1300, 0, 0, EST, SILENCE, 0, 0, 0},
    {"D3: RST, right", EST, R, 2301, 0, 0, EST, SILENCE, 0, 0, 0},
    {"D3: RST with text", EST, R, 1296, 0, 10, EST, SILENCE, 0, 0, 0},
    {"D4: SYN inside", EST, S, 1400, 0, 0, EST, ACK_LIMITED, 1301, 0, 0},
    {"D4: SYN elsewhere", EST, S, 90000, 0, 0, EST, ACK_LIMITED, 1301, 0, 0},
    {"D4: SYN,ACK again", EST, S | A, 1000, 5001, 0, EST, ACK_LIMITED, 1301, 0, 0},

    {"FIN-WAIT-1: FIN acked", FW1, A, 1301, 5502, 0, FW2, SILENCE, 0, 5502, 0},
    {"FIN-WAIT-1: text acked", FW1, A, 1301, 5501, 0, FW1, SILENCE, 0, 5501, 0},
    {"FIN-WAIT-1: text", FW1, A, 1301, 5401, 5, FW1, ACK_LATER, 1306, 0, 1306},
    {"E2: FIN crosses", FW1, A | F, 1301, 5501, 0, CLG, ACK_LATER, 1302, 5501, 1302},
    {"FIN-WAIT-1: FIN for FIN", FW1, A | F, 1301, 5502, 0, TWT, ACK_LATER, 1302, 5502, 1302},
    {"FIN-WAIT-2: text", FW2, A, 1301, 5502, 5, FW2, ACK_LATER, 1306, 0, 1306},
    {"FIN-WAIT-2: FIN", FW2, A | F, 1301, 5502, 0, TWT, ACK_LATER, 1302, 0, 1302},
    {"FIN-WAIT-2: RST", FW2, R, 1301, 0, 0, CLO, SILENCE, 0, 0, 0},
    {"CLOSE-WAIT: the FIN again", CWT, A | F, 1301, 5401, 0, CWT, ACK_LIMITED, 1302, 0, 0},
    {"CLOSE-WAIT: ACK", CWT, A, 1302, 5501, 0, CWT, SILENCE, 0, 5501, 0},
    {"C11: text after the FIN", CWT, A, 1302, 5401, 9, CWT, ACK_MAY, 1302, 0, 0},
    {"CLOSING: FIN acked", CLG, A, 1302, 5502, 0, TWT, SILENCE, 0, 5502, 0},
    {"CLOSING: FIN not acked", CLG, A, 1302, 5501, 0, CLG, SILENCE, 0, 5501, 0},
    {"CLOSING: RST", CLG, R, 1302, 0, 0, CLO, SILENCE, 0, 0, 0},
    {"LAST-ACK: FIN acked", LAS, A, 1302, 5502, 0, CLO, SILENCE, 0, 5502, 0},
    {"LAST-ACK: text acked", LAS, A, 1302, 5501, 0, LAS, SILENCE, 0, 5501, 0},
    {"LAST-ACK: the FIN again", LAS, A | F, 1301, 5401, 0, LAS, ACK_LIMITED, 1302, 0, 0},
    {"E3: the FIN again", TWT, A | F, 1301, 5502, 0, TWT, ACK_LIMITED, 1302, 0, 0},
    {"E3: old text", TWT, A, 1201, 5502, 50, TWT, ACK_LIMITED, 1302, 0, 0},
    {"E3: SYN, smaller", TWT, S, 1200, 0, 0, TWT, ACK_LIMITED, 1302, 0, 0},
    {"E3: SYN, greater", TWT, S, 9000, 0, 0, SRC, SYN_ACK, 9001, 5502, 9001},
    {"E4: RST, exact", TWT, R, 1302, 0, 0, TWT, SILENCE, 0, 0, 0},
    {"E4: RST, inside", TWT, R, 1400, 0, 0, TWT, SILENCE, 0, 0, 0},
    {"TIME-WAIT: ACK", TWT, A, 1302, 5502, 0, TWT, SILENCE, 0, 0, 0},
    {"TIME-WAIT: ACK of more", TWT, A, 1302, 5503, 0, TWT, ACK_LIMITED, 1302, 0, 0},
};

static bool
reply_is(const struct row *row, const struct model_conn *before, const struct model_reply *r)
{
	static const enum model_duty duties[] = {[ACK_NOW] = MODEL_NOW,
						 [ACK_LATER] = MODEL_DELAYED,
						 [ACK_LIMITED] = MODEL_LIMITED,
						 [ACK_MAY] = MODEL_MAY};

	switch (row->reply) {
	case SILENCE:
		return r->kind == MODEL_SILENCE;
	case RESET:
		return r->kind == MODEL_RST && r->seq == row->number && r->duty == MODEL_NOW;
	case RESET_ACK:
		return r->kind == MODEL_RST_ACK && r->seq == 0 && r->ack == row->number;
	case SYN_ACK:
		return r->kind == MODEL_SYN_ACK && r->ack == row->number && r->duty == MODEL_NOW;
	default:
		return r->kind == MODEL_ACK && r->seq == before->snd_nxt && r->ack == row->number &&
		       r->duty == duties[row->reply];
	}
}

static void
rows_hold(void **unused)
{
	char text[400];

	(void)unused;
	for (const struct row *row = rows; row < rows + N_OF(rows); row++) {
		const struct model_conn before = conn_in(row->from);
		struct model_conn c = before;
		struct model_answer a = step(&c, segment(row->flags, row->seq, row->ack, row->len));
		uint32_t una = row->una ? row->una : before.snd_una;
		uint32_t nxt = row->nxt ? row->nxt : before.rcv_nxt;

		model_answer_print(text, sizeof(text), &a);
		if (c.state != row->to || !reply_is(row, &before, &a.reply) || c.snd_una != una ||
		    c.rcv_nxt != nxt)
			fail_msg("%s: %s", row->rule, text);
	}
}

/* --- one segment, other answers --- */

static void
syn_received_has_choices(void **unused)
{
	struct model_conn c = conn_in(MODEL_SYN_RECEIVED);
	struct model_answer a;

	(void)unused;
	a = departing(c, segment(S, 1000, 0, 0), MODEL_CH_SYN_ACK_AGAIN);
	assert_reply(&a, MODEL_SYN_ACK, ISS, 1001);
	assert_int_equal(a.reply.duty, MODEL_LIMITED);
	a = departing(c, segment(S, 1500, 0, 0), MODEL_CH_SYN_RCVD_CHALLENGE);
	assert_reply(&a, MODEL_ACK, 5001, 1001);
	assert_int_equal(a.after.state, MODEL_SYN_RECEIVED);
	a = departing(c, segment(A, 1001, 5002, 0), MODEL_CH_BAD_ACK_CHALLENGE);
	assert_reply(&a, MODEL_ACK, 5001, 1001);
	assert_int_equal(a.reply.duty, MODEL_LIMITED);
}

/* An active SYN-RECEIVED: no LISTEN to go back to. */
static void
active_syn_received(void **unused)
{
	struct model_conn c = conn_in(MODEL_SYN_RECEIVED), d;
	struct model_answer a;

	(void)unused;
	c.passive = c.listener = false;
	d = c;
	a = step(&d, segment(R, 1001, 0, 0));
	assert_int_equal(d.state, MODEL_CLOSED);
	assert_true(a.effects.refused);
	d = c;
	a = step(&d, segment(S, 1500, 0, 0));
	assert_int_equal(d.state, MODEL_SYN_RECEIVED);
	assert_reply(&a, MODEL_ACK, 5001, 1001);
}

static void
listen_may_take_syn_fin(void **unused)
{
	struct model_answer a;

	(void)unused;
	a = departing(conn_in(MODEL_LISTEN), segment(S | F, 900, 0, 0), MODEL_CH_SYN_FIN_TAKEN);
	assert_int_equal(a.after.state, MODEL_SYN_RECEIVED);
	assert_reply(&a, MODEL_SYN_ACK, ISS, 901);
}

static void
listen_may_drop_text(void **unused)
{
	struct model_conn c = conn_in(MODEL_LISTEN);
	struct model_answer a;

	(void)unused;
	a = departing(c, segment(S, 900, 0, 10), MODEL_CH_SYN_TEXT_DROPPED);
	assert_int_equal(a.after.n_held, 0);
	a = step(&c, segment(S, 900, 0, 10));
	assert_int_equal(a.effects.held, 10);
	a = step(&c, segment(A, 901, 5001, 0));
	assert_int_equal(a.effects.delivered, 10);
	assert_int_equal(a.effects.delivered_at, 0);
	assert_reply(&a, MODEL_ACK, 5001, 911);
}

static void
reset_in_syn_sent_may_want_rcv_nxt(void **unused)
{
	struct model_conn c = conn_in(MODEL_SYN_SENT), d = c;
	struct model_answer a;

	(void)unused;
	a = departing(c, segment(R | A, 900, 5001, 0), MODEL_CH_SYN_SENT_RST_SEQ);
	assert_int_equal(a.after.state, MODEL_SYN_SENT);
	a = step(&d, segment(R | A, 900, 5001, 0));
	assert_true(a.effects.reset);
	assert_int_equal(d.state, MODEL_CLOSED);
}

static void
gap_may_not_be_held(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED), d = c;
	struct model_answer a;

	(void)unused;
	a = departing(c, segment(A, 1401, 5401, 50), MODEL_CH_NOT_HELD);
	assert_int_equal(a.after.n_held, 0);
	assert_reply(&a, MODEL_ACK, 5501, 1301);
	a = step(&d, segment(A, 1401, 5401, 50));
	assert_int_equal(a.effects.held, 50);
	assert_int_equal(a.effects.held_seq, 1401);
}

static void
old_ack_may_be_read(void **unused)
{
	struct model_answer a;

	(void)unused;
	a = departing(conn_in(MODEL_CLOSING), segment(A | F, 1301, 5502, 0), MODEL_CH_OLD_ACK_READ);
	assert_int_equal(a.after.state, MODEL_TIME_WAIT);
	assert_reply(&a, MODEL_ACK, 5502, 1302);
	a = departing(conn_in(MODEL_CLOSING), segment(A | F, 1252, 5502, 49),
		      MODEL_CH_OLD_ACK_READ);
	assert_int_equal(a.after.state, MODEL_TIME_WAIT);
	a = departing(conn_in(MODEL_LAST_ACK), segment(A | F, 1301, 5502, 0),
		      MODEL_CH_OLD_ACK_READ);
	assert_int_equal(a.after.state, MODEL_CLOSED);
	assert_int_equal(a.reply.duty, MODEL_MAY);
}

/* Only a good ACK, and only the octet before the window. */
static void
old_ack_is_not_always_read(void **unused)
{
	static const struct tcp_seg segs[] = {
	    {.flags = A, .seq = 1301, .ack = 5503, .wnd = 9},
	    {.flags = A, .seq = 1301, .ack = 5400},
	    {.flags = A, .seq = 1300, .ack = 5502},
	    {.flags = 0, .seq = 1301, .ack = 5502},
	    {.flags = S | A, .seq = 1301, .ack = 5502},
	};
	struct model_result r;
	struct model_conn c;

	(void)unused;
	for (unsigned i = 0; i < N_OF(segs); i++) {
		c = conn_in(MODEL_CLOSING);
		model_step(&c, &segs[i], &r);
		assert_int_equal(r.n, 1);
	}
	c = conn_in(MODEL_SYN_RECEIVED);
	model_step(&c, &(struct tcp_seg){.flags = A, .seq = 1000, .ack = ISS}, &r);
	assert_int_equal(r.n, 1);
	model_step(&c, &(struct tcp_seg){.flags = S | A, .seq = 1000, .ack = 5001}, &r);
	assert_int_equal(r.n, 1); /* from LISTEN nothing crosses */
}

static void
second_fin_may_be_passed(void **unused)
{
	struct model_conn c = conn_in(MODEL_CLOSE_WAIT), d = c;
	struct model_answer a;

	(void)unused;
	a = departing(c, segment(A | F, 1302, 5401, 0), MODEL_CH_SECOND_FIN);
	assert_int_equal(a.after.rcv_nxt, 1303);
	assert_int_equal(a.after.state, MODEL_CLOSE_WAIT);
	a = step(&d, segment(A | F, 1302, 5401, 0));
	assert_int_equal(d.rcv_nxt, 1302);
	assert_false(a.effects.eof);
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_NONE);
	c = conn_in(MODEL_TIME_WAIT);
	a = step(&c, segment(A, 1302, 5502, 5));
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_NONE);
	a = step(&c, segment(A | F, 1302, 5502, 5));
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_MAY_RESTART);
	c = conn_in(MODEL_CLOSING);
	a = step(&c, segment(A | F, 1302, 5502, 5));
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_START);
}

static void
time_wait_may_heed_rst(void **unused)
{
	struct model_conn c = conn_in(MODEL_TIME_WAIT);
	struct model_answer a;

	(void)unused;
	a = departing(c, segment(R, 1302, 0, 0), MODEL_CH_TW_RST);
	assert_int_equal(a.after.state, MODEL_CLOSED);
	a = departing(c, segment(R, 1310, 0, 0), MODEL_CH_TW_RST);
	assert_int_equal(a.after.state, MODEL_TIME_WAIT);
	assert_reply(&a, MODEL_ACK, 5502, 1302);
}

static void
time_wait_need_not_begin_anew(void **unused)
{
	struct model_conn c = conn_in(MODEL_TIME_WAIT);
	struct model_answer a;

	(void)unused;
	a = departing(c, segment(S, 9000, 0, 0), MODEL_CH_TW_NO_REUSE);
	assert_int_equal(a.after.state, MODEL_TIME_WAIT);
	assert_reply(&a, MODEL_ACK, 5502, 1302);
	a = departing(c, segment(S, 1200, 0, 0), MODEL_CH_TW_SYN_SILENCE);
	assert_int_equal(a.reply.kind, MODEL_SILENCE);
	c.listener = false;
	a = step(&c, segment(S, 9000, 0, 0));
	assert_reply(&a, MODEL_ACK, 5502, 1302);
}

/* The new numbers lie beyond the old ones, MAY-2. */
static void
new_iss_lies_beyond(void **unused)
{
	struct model_conn c = conn_in(MODEL_TIME_WAIT);
	struct model_answer a = step(&c, segment(S, 9000, 0, 0));
	struct tcp_seg syn_ack = segment(S | A, 5502, 9001, 0);

	(void)unused;
	assert_true(model_reply_matches(&a.reply, &syn_ack));
	syn_ack.seq = 90000;
	assert_true(model_reply_matches(&a.reply, &syn_ack));
	model_emitted(&c, &syn_ack);
	assert_int_equal(c.iss, 90000);
	assert_int_equal(c.snd_nxt, 90001);
	syn_ack.seq = 5501;
	assert_false(model_reply_matches(&a.reply, &syn_ack));
}

/* SHLD-3: who reads no more tells the sender so. */
static void
text_for_nobody(void **unused)
{
	struct model_conn c = conn_in(MODEL_FIN_WAIT_2), d;
	struct tcp_seg rst = segment(R, 5502, 0, 0), rst_ack = segment(R | A, 5502, 1301, 0);
	struct model_answer a;

	(void)unused;
	c.deaf = true;
	d = c;
	a = step(&d, segment(A, 1301, 5502, 10));
	assert_int_equal(d.state, MODEL_CLOSED);
	assert_int_equal(a.reply.duty, MODEL_NOW);
	assert_true(a.effects.reset_may);
	assert_true(model_reply_matches(&a.reply, &rst));
	assert_true(model_reply_matches(&a.reply, &rst_ack));
	a = departing(c, segment(A, 1301, 5502, 10), MODEL_CH_LOST_TEXT_TAKEN);
	assert_reply(&a, MODEL_ACK, 5502, 1311);
	a = step(&c, segment(A | F, 1301, 5502, 0));
	assert_int_equal(c.state, MODEL_TIME_WAIT);
}

/* --- reset and end as the user sees them --- */

static void
user_is_told(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct model_answer a = step(&c, segment(R, 1301, 0, 0));

	(void)unused;
	assert_true(a.effects.reset);
	c = conn_in(MODEL_LAST_ACK);
	a = step(&c, segment(R, 1302, 0, 0));
	assert_false(a.effects.reset);
	assert_true(a.effects.reset_may);
	c = conn_in(MODEL_ESTABLISHED);
	a = step(&c, segment(A | F, 1301, 5401, 7));
	assert_true(a.effects.eof);
	assert_int_equal(a.effects.delivered, 7);
	assert_int_equal(a.effects.delivered_at, 300);
	c = conn_in(MODEL_FIN_WAIT_2);
	a = step(&c, segment(A | F, 1301, 5502, 0));
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_START);
	a = step(&c, segment(A | F, 1301, 5502, 0));
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_RESTART);
	a = step(&c, segment(A, 1301, 5502, 1)); /* no FIN */
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_NONE);
	a = step(&c, segment(A | F, 1201, 5502, 0)); /* not the FIN */
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_NONE);
	c = conn_in(MODEL_CLOSE_WAIT);
	a = step(&c, segment(A | F, 1301, 5401, 0));
	assert_int_equal(a.effects.time_wait, MODEL_2MSL_NONE);
	a = step(&c, segment(R, 1302, 0, 0));
	assert_true(a.effects.reset);
}

static void
urgent_is_told_once(void **unused)
{
	struct model_conn c = conn_in(MODEL_ESTABLISHED);
	struct tcp_seg seg = segment(A | U, 1301, 5401, 10);
	struct model_answer a;

	(void)unused;
	seg.urg = 5;
	a = step(&c, seg);
	assert_true(a.effects.urgent);
	assert_int_equal(c.rcv_up, 1306);
	assert_int_equal(a.effects.delivered, 10);
	seg.seq = 1311;
	a = step(&c, seg);
	assert_false(a.effects.urgent);
	assert_int_equal(c.rcv_up, 1316);
	c = conn_in(MODEL_CLOSE_WAIT);
	seg.seq = 1302;
	assert_false(step(&c, seg).effects.urgent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_hold),
	    cmocka_unit_test(syn_received_has_choices),
	    cmocka_unit_test(active_syn_received),
	    cmocka_unit_test(listen_may_take_syn_fin),
	    cmocka_unit_test(listen_may_drop_text),
	    cmocka_unit_test(reset_in_syn_sent_may_want_rcv_nxt),
	    cmocka_unit_test(gap_may_not_be_held),
	    cmocka_unit_test(old_ack_may_be_read),
	    cmocka_unit_test(old_ack_is_not_always_read),
	    cmocka_unit_test(second_fin_may_be_passed),
	    cmocka_unit_test(time_wait_may_heed_rst),
	    cmocka_unit_test(time_wait_need_not_begin_anew),
	    cmocka_unit_test(new_iss_lies_beyond),
	    cmocka_unit_test(text_for_nobody),
	    cmocka_unit_test(user_is_told),
	    cmocka_unit_test(urgent_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
