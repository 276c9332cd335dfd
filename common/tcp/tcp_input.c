/* tcp_input.c - SEGMENT ARRIVES in the synchronized states and SYN-RECEIVED (RFC 9293 3.10.7.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"
#include "tcp/input.h"

/* Each step returns whether the next one is to be taken. */

/* --- first: sequence number, timestamps --- */

/* RFC 7323 5: a segment older than what we have seen is a ghost. */
static bool
is_paws_failure(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_seg *seg,
		uint64_t now)
{
	return seq_lt(seg->tsval, t->ts_recent) && tcb_quiet_ms(ctx, t, now) < TCP_PAWS_IDLE_MS;
}

/* What is not acceptable is answered by an ACK, at once when it repeats octets (RFC 2883 4.1). When it is a bare ACK itself, not too often, lest
 * two ends that disagree answer each other for ever. */
static void
answer_unacceptable(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		    struct tcp_out *out)
{
	struct tcp_sack_block dup = old_octets(ctx, t, seg);

	if (!is_empty_block(&dup))
		send_dsack(ctx, t, &dup, now, out);
	else if (tcp_seg_len(seg) > 0)
		t->flags |= TCB_ACK_NOW;
	else
		challenge_ack(ctx, t, now, out);
}

static bool
check_timestamp(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		struct tcp_out *out)
{
	if (!(t->flags & TCB_TIMESTAMPS) || seg->flags & TCP_RST)
		return true;
	if (!(seg->opts & TCP_OPT_TIMESTAMP)) {
		/* RFC 7323 3.2: once agreed on, always there. A SYN comes from a peer that has forgotten us, and gets
		 * its challenge (RFC 5961 4.2). */
		if (seg->flags & TCP_SYN)
			return true;
		ctx->stats.drop_paws++;
		return false;
	}
	if (is_paws_failure(ctx, t, seg, now)) {
		ctx->stats.drop_paws++;
		answer_unacceptable(ctx, t, seg, now, out);
		return false;
	}
	return true;
}

/* Both ends have opened at once: the peer's SYN,ACK repeats his SYN, which is left of the window, and acknowledges ours. */
static bool
is_simultaneous_answer(const struct tcb *t, const struct tcp_seg *seg)
{
	return t->state == TCP_SYN_RECEIVED && seg->flags & TCP_SYN && seg->flags & TCP_ACK &&
	       seg->seq + 1 == t->rcv_nxt;
}

/* The four cases of RFC 9293 3.4, with one allowance: a segment without octets may stand at the right edge, where a peer that has used up our
 * window sends his ACKs from. */
static bool
is_acceptable(const struct tcb *t, const struct tcp_seg *seg)
{
	if (is_simultaneous_answer(t, seg))
		return true;
	uint32_t len = tcp_seg_len(seg);
	uint32_t wnd = t->rcv_adv - t->rcv_nxt;
	uint32_t first = seg->seq - t->rcv_nxt;
	uint32_t last = first + len - 1;

	if (len == 0)
		return first <= wnd;
	return wnd > 0 && (first < wnd || last < wnd);
}

static bool
check_sequence(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	       struct tcp_out *out)
{
	if (is_acceptable(t, seg))
		return true;
	if (seg->flags & TCP_RST) {
		ctx->stats.drop_reset_sequence++;
		return false;
	}
	ctx->stats.drop_sequence++;
	answer_unacceptable(ctx, t, seg, now, out);
	/* The peer's FIN again: our ACK was lost (RFC 9293 3.10.7.4, eighth). */
	if (t->state == TCP_TIME_WAIT && seg->flags & TCP_FIN &&
	    seg->seq + tcp_seg_len(seg) == t->rcv_nxt)
		tcb_touch(ctx, t, now);
	return false;
}

/* A SYN that comes again in SYN-RECEIVED is answered by the same SYN,ACK. */
static bool
is_repeated_syn(const struct tcb *t, const struct tcp_seg *seg)
{
	return t->state == TCP_SYN_RECEIVED &&
	       (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN &&
	       seg->seq + 1 == t->rcv_nxt;
}

/* RFC 7323 4.3 (2): the timestamp that an ACK will echo is that of the first segment it answers. Only after the ACK field was found right: a
 * forged segment that moved it forward would have PAWS drop all that is real. */
static void
update_ts_recent(struct tcb *t, const struct tcp_seg *seg)
{
	if (!(t->flags & TCB_TIMESTAMPS) || !(seg->opts & TCP_OPT_TIMESTAMP))
		return;
	bool ack_owed = t->flags & (TCB_ACK_NOW | TCB_ACK_DELAYED);

	if (seq_leq(seg->seq, t->rcv_nxt) && !ack_owed && seq_geq(seg->tsval, t->ts_recent))
		t->ts_recent = seg->tsval;
}

/* --- second: RST (RFC 5961 3.2) --- */

static bool
check_rst(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	if (!(seg->flags & TCP_RST))
		return true;
	if (t->state == TCP_TIME_WAIT)
		return false; /* RFC 1337: not assassinated */
	if (seg->seq == t->rcv_nxt) {
		end_connection(ctx, t, TCP_EV_RESET, out);
	} else {
		ctx->stats.drop_reset_sequence++;
		challenge_ack(ctx, t, now, out);
	}
	return false;
}

/* --- fourth: SYN (RFC 5961 4.2) --- */

static bool
check_syn(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	if (!(seg->flags & TCP_SYN))
		return true;
	if (is_simultaneous_answer(t, seg))
		return true;
	challenge_ack(ctx, t, now, out);
	return false;
}

static void
in_synchronized(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		struct tcp_out *out)
{
	if (is_repeated_syn(t, seg)) {
		update_ts_recent(t, seg); /* lest the peer measures from his first SYN on */
		if (tcb_is_active(t))
			act_of(ctx, t)->rexmt_now = true;
		else
			half_open_syn_again(t);
		return;
	}
	if (!check_timestamp(ctx, t, seg, now, out) || !check_sequence(ctx, t, seg, now, out) ||
	    !check_rst(ctx, t, seg, now, out) || !check_syn(ctx, t, seg, now, out) ||
	    !check_ack(ctx, t, seg, now, out))
		return;
	update_ts_recent(t, seg);
	/* Octets on a SYN are left for the peer to repeat. */
	if (!may_receive(t) || seg->flags & TCP_SYN)
		return;
	struct tcp_sack_block dup;
	bool tell = process_text(ctx, t, seg, now, &dup, out);

	check_fin(ctx, t, seg, now, out);
	if (tell)
		send_dsack(ctx, t, &dup, now, out);
}

void
tcp_input(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	assert(t->state != TCP_FREE && t->state != TCP_CLOSED);
	ctx->stats.segs_in++;
	if (t->state == TCP_SYN_SENT)
		input_syn_sent(ctx, t, seg, now, out);
	else
		in_synchronized(ctx, t, seg, now, out);
	act_settle(ctx, t, now);
}
