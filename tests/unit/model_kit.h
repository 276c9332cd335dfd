/* model_kit.h - an endpoint in each state, in small numbers, for the tests of the packet model. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_MODEL_KIT_H
#define TEST_MODEL_KIT_H

#include "unit.h"

#include "model.h"

enum { S = TCP_SYN, A = TCP_ACK, F = TCP_FIN, R = TCP_RST, P = TCP_PSH, U = TCP_URG };
enum { ISS = 5000, IRS = 1000, WND = 1000, TS = 70000 };

/* 300 octets received; 500 sent, 100 of them not acknowledged, with our FIN behind them where the state wants
 * it. RCV.NXT is 1301, or 1302 after the peer's FIN; SND.UNA 5401, SND.NXT 5501. */
static inline struct model_conn
conn_in(enum model_state state)
{
	struct model_conn c;

	if (state == MODEL_SYN_SENT)
		model_connect(&c, ISS, WND);
	else
		model_listen(&c, ISS, WND);
	c.state = state;
	if (state < MODEL_SYN_RECEIVED)
		return c;
	c.irs = IRS;
	c.rcv_nxt = IRS + 1;
	c.snd_wnd = c.max_snd_wnd = WND;
	if (state >= MODEL_ESTABLISHED) {
		c.rcv_nxt = state >= MODEL_CLOSE_WAIT ? 1302 : 1301;
		c.snd_una = 5401;
		c.snd_nxt = 5501;
	}
	if (state > MODEL_ESTABLISHED && state != MODEL_CLOSE_WAIT) {
		c.fin_queued = c.fin_sent = true;
		c.fin_seq = c.snd_nxt++;
	}
	if (state == MODEL_FIN_WAIT_2 || state == MODEL_TIME_WAIT)
		c.snd_una = c.snd_nxt;
	c.snd_wl1 = c.rcv_nxt - 1;
	c.snd_wl2 = c.snd_una;
	c.last_ack_sent = c.rcv_nxt;
	return c;
}

static inline struct model_conn
conn_with_ts(enum model_state state)
{
	struct model_conn c = conn_in(state);

	c.ts_ok = c.ts_recent_valid = true;
	c.ts_recent = TS;
	return c;
}

static inline struct tcp_seg
segment(uint8_t flags, uint32_t seq, uint32_t ack, uint16_t len)
{
	return (struct tcp_seg){.flags = flags, .seq = seq, .ack = ack, .len = len, .wnd = WND};
}

static inline struct tcp_seg
stamped(uint8_t flags, uint32_t seq, uint32_t ack, uint16_t len, uint32_t tsval)
{
	struct tcp_seg seg = segment(flags, seq, ack, len);

	seg.opts = TCP_OPT_TIMESTAMP;
	seg.tsval = tsval;
	return seg;
}

/* The first answer. */
static inline struct model_answer
step(struct model_conn *c, struct tcp_seg seg)
{
	struct model_result r;

	model_step(c, &seg, &r);
	return r.answers[0];
}

/* The answer that departs in this one choice; fails if it is not permitted. */
static inline struct model_answer
departing(struct model_conn c, struct tcp_seg seg, enum model_choice choice)
{
	struct model_result r;

	model_step(&c, &seg, &r);
	for (unsigned i = 0; i < r.n; i++)
		if (r.answers[i].choices == 1u << choice)
			return r.answers[i];
	fail_msg("not permitted: %s", model_choice_name(choice));
	return r.answers[0];
}

static inline void
assert_reply(const struct model_answer *a, enum model_reply_kind kind, uint32_t seq, uint32_t ack)
{
	assert_int_equal(a->reply.kind, kind);
	assert_int_equal(a->reply.seq, seq);
	assert_int_equal(a->reply.ack, ack);
}

#endif
