/* tcp_input.c - SEGMENT ARRIVES in the synchronized states and SYN-RECEIVED (RFC 9293 3.10.7.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"
#include "tcp/input.h"

/* Each step returns whether the next one is to be taken. */

/* --- first: sequence number, timestamps --- */

/* RFC 7323 5: a segment older than what we have seen is a ghost. */
static bool
is_paws_failure(const struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now)
{
	if (seq_geq(seg->tsval, t->ts_recent))
		return false;
	tcb_note_age(ctx, t, now);
	return !(t->flags & TCB_OLD_STAMP);
}

/* RFC 7323 4.3 (2): the timestamp that an ACK will echo is that of the first segment it answers.
 * Only after the ACK field was found right: a forged segment that moved it forward would have PAWS
 * drop all that is real. */
static void
update_ts_recent(struct tcb *t, const struct tcp_seg *seg)
{
	if (!(t->flags & TCB_TIMESTAMPS) || !(seg->opts & TCP_OPT_TIMESTAMP))
		return;
	bool ack_owed = t->flags & (TCB_ACK_NOW | TCB_ACK_DELAYED);

	bool newer = seq_geq(seg->tsval, t->ts_recent) || t->flags & TCB_OLD_STAMP;

	if (!seq_leq(seg->seq, t->rcv_nxt) || ack_owed || !newer)
		return;
	t->ts_recent = seg->tsval;
	t->flags &= (uint16_t)~TCB_OLD_STAMP;
}

/* What is not acceptable is answered by an ACK, at once when it repeats octets (RFC 2883 4.1). When
 * it is a bare ACK itself, not too often, lest two ends that disagree answer each other for ever.
 */
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
		/* RFC 7323 3.2: once agreed on, always there. A SYN comes from a peer that has
		 * forgotten us, and gets its challenge (RFC 5961 4.2). */
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

/* Both ends have opened at once: the peer's SYN,ACK repeats his SYN, which is left of the window,
 * and acknowledges ours. */
static bool
is_simultaneous_answer(const struct tcb *t, const struct tcp_seg *seg)
{
	return t->state == TCP_SYN_RECEIVED && !(t->flags & TCB_PASSIVE) && seg->flags & TCP_SYN &&
	       seg->flags & TCP_ACK && seg->seq + 1 == t->rcv_nxt && is_syn_acked(t, seg);
}

/* The four cases of RFC 9293 3.4, with two allowances. A segment without octets, but no
 * RST, may stand at the right edge, where a peer that has used up our window sends his ACKs from. And when the window is
 * shut, one with octets may stand where they would go: it probes, and its ACK, URG and RST count
 * (MUST-66); of the octets none are inside. */
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
		return first < wnd || (first == wnd && (wnd == 0 || !(seg->flags & TCP_RST)));
	if (wnd == 0)
		return first == 0 && !(seg->flags & TCP_SYN);
	return first < wnd || last < wnd;
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
	/* A keepalive probe stands there. An idle peer may send nothing else for weeks, and his
	 * clock goes on. */
	if (seg->seq + 1 == t->rcv_nxt && !(seg->flags & TCP_SYN))
		update_ts_recent(t, seg);
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

/* Whatever is right is a sign of life. The time of last activity stays where it ends the
 * connection, or times an ACK. */
static void
note_life(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	bool was_probed = t->probes > 0;

	t->probes = 0;
	if (t->state == TCP_FIN_WAIT_2 || t->state == TCP_TIME_WAIT || t->flags & TCB_ACK_DELAYED)
		return;
	if (was_probed || !tcb_is_active(t))
		tcb_touch(ctx, t, now);
}

/* Sixth to eighth, and what is to be told about them at once. */
static void
take_text(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, bool is_shut, uint64_t now,
	  struct tcp_out *out)
{
	struct tcp_sack_block dup;
	bool tell;

	take_urgent(ctx, t, seg, out);
	if (is_shut)
		return;
	ecn_take_mark(ctx, t, seg);
	tell = process_text(ctx, t, seg, now, &dup, out);
	check_fin(ctx, t, seg, now, out);
	if (tell)
		send_dsack(ctx, t, &dup, now, out);
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
	/* Nothing of it can be taken. */
	bool is_shut = t->rcv_adv == t->rcv_nxt && tcp_seg_len(seg) > 0;

	if (!check_timestamp(ctx, t, seg, now, out) || !check_sequence(ctx, t, seg, now, out) ||
	    !check_rst(ctx, t, seg, now, out) || !check_syn(ctx, t, seg, now, out) ||
	    !check_ack(ctx, t, seg, now, out))
		return;
	update_ts_recent(t, seg);
	note_life(ctx, t, now);
	ecn_take_echo(ctx, t, seg, now);
	if (is_shut) {
		ctx->stats.drop_window += seg->len;
		t->flags |= TCB_ACK_NOW;
	}
	/* Octets on a SYN are left for the peer to repeat. */
	if (may_receive(t) && !(seg->flags & TCP_SYN))
		take_text(ctx, t, seg, is_shut, now, out);
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
