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

/* What is not acceptable is answered by an ACK. When it is a bare ACK itself, not too often, lest two ends that disagree answer
 * each other for ever. */
static void
answer_unacceptable(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		    struct tcp_out *out)
{
	if (tcp_seg_len(seg) > 0)
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
	ctx->stats.duplicate_octets_in += seg->len;
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

/* --- fifth: ACK --- */

static void
update_send_window(struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg, bool is_new_ack)
{
	/* RFC 9293 3.10.7.4, and one case more: octets that the peer repeats are left of SND.WL1, but when they bring a new ACK its window is
	 * the latest. To keep the old one would move the right edge with SND.UNA, beyond what was offered. */
	if (a && !is_new_ack && !seq_lt(a->snd_wl1, seg->seq) &&
	    !(a->snd_wl1 == seg->seq && seq_leq(a->snd_wl2, seg->ack)))
		return;
	t->snd_wnd = snd_scaled(t, seg);
	if (!a)
		return;
	a->snd_wl1 = seg->seq;
	a->snd_wl2 = seg->ack;
	if (t->snd_wnd > a->max_wnd)
		a->max_wnd = t->snd_wnd;
	if (a->flags & TCP_ACT_PERSIST && t->snd_wnd > 0) {
		/* Open again: the probe's octet goes out anew with the rest. */
		a->flags &= ~(uint32_t)TCP_ACT_PERSIST;
		a->rexmt_at = TCP_NEVER;
		a->backoff = 0;
		t->snd_nxt = t->snd_una;
	}
}

static bool
ack_syn_received(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		 struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);

	if (!is_syn_acked(t, seg)) {
		ctx->stats.drop_ack++;
		send_reset_for(ctx, seg, out);
		return false;
	}
	take_rtt(ctx, t, a, seg, now);
	t->snd_una = seg->ack;
	enter_established(ctx, t, now, out);
	t->snd_wnd = snd_scaled(t, seg);
	a->snd_wl1 = seg->seq;
	a->snd_wl2 = seg->ack;
	a->max_wnd = t->snd_wnd;
	return true;
}

/* A measurement, if seg->ack gives one: the segment that is being timed, or, while retransmissions make that ambiguous, the timestamp that
 * comes back, coarse as it is (RFC 6298 3, 7323 4). */
void
take_rtt(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a,
	 const struct tcp_seg *seg, uint64_t now)
{
	if (a->flags & TCP_ACT_TIMING) {
		if (seq_leq(seg->ack, a->rtt_seq))
			return;
		a->flags &= ~(uint32_t)TCP_ACT_TIMING;
		rtt_sample(a, (uint32_t)((now - a->rtt_at) / 1000));
	} else if (a->backoff > 0 && t->flags & TCB_TIMESTAMPS && seg->opts & TCP_OPT_TIMESTAMP &&
		   seg->tsecr != 0) {
		uint32_t ms = ms_of(now) + t->ts_offset - seg->tsecr;

		if (ms < ctx->cfg.rto_max_ns / NS_PER_MS)
			rtt_sample(a, ms * 1000);
	}
}

static void
tell_user_of_ack(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t octets,
		 struct tcp_out *out)
{
	if (octets == 0)
		return;
	if (a->sndq.len == 0 && t->flags & TCB_NOTIFY_SENT)
		out->events |= TCP_EV_SENT;
	if (a->flags & TCP_ACT_WANT_ROOM && a->sndq.len <= ctx->cfg.sndbuf / 2) {
		a->flags &= ~(uint32_t)TCP_ACT_WANT_ROOM;
		out->events |= TCP_EV_WRITABLE;
	}
}

/* snd_una moves to seg->ack. */
static void
new_ack(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
	uint64_t now, struct tcp_out *out)
{
	uint32_t acked = seg->ack - t->snd_una;
	uint32_t flight = a->snd_max - t->snd_una;
	uint32_t octets = acked < a->sndq.len ? acked : a->sndq.len;

	take_rtt(ctx, t, a, seg, now);
	if (acked > a->sndq.len)
		a->flags &= ~(uint32_t)TCP_ACT_FIN_QUEUED; /* the one more was FIN's */
	chain_trim_front(&ctx->blocks, &a->sndq, octets);
	t->snd_una = seg->ack;
	t->snd_nxt = seq_max(t->snd_nxt, t->snd_una);
	a->unanswered = 0;
	a->rexmt_now = cc_acked(ctx, t, a, acked, flight);
	if (a->sndq.len == 0 && !(a->flags & TCP_ACT_FIN_QUEUED))
		a->flags &= ~(uint32_t)TCP_ACT_PERSIST; /* the probe was all there was */
	if (!(a->flags & TCP_ACT_PERSIST))		/* RFC 6298 (5.2), (5.3) */
		a->rexmt_at = t->snd_una == a->snd_max ? TCP_NEVER : now + rto_of(ctx, a);
	tell_user_of_ack(ctx, t, a, octets, out);
}

/* RFC 5681 2: something is in flight, no octets, no FIN, the same number, the same window. */
static bool
is_duplicate_ack(const struct tcb *t, const struct tcp_act *a, const struct tcp_seg *seg)
{
	return seg->ack == t->snd_una && t->snd_una != a->snd_max && tcp_seg_len(seg) == 0 &&
	       snd_scaled(t, seg) == t->snd_wnd && !(a->flags & TCP_ACT_PERSIST);
}

/* FIN keeps the active block until it is acknowledged. */
static bool
is_fin_acked(const struct tcp_act *a)
{
	return !a || !(a->flags & TCP_ACT_FIN_QUEUED);
}

/* What the acknowledgement of our FIN brings about; false: the connection is over. */
static bool
advance_closing(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	if (t->state < TCP_FIN_WAIT_1 || !is_fin_acked(act_of(ctx, t)))
		return true;
	switch ((enum tcp_state)t->state) {
	case TCP_FIN_WAIT_1:
		set_state(t, TCP_FIN_WAIT_2);
		tcb_touch(ctx, t, now); /* its time begins, however long the FIN has waited */
		return true;
	case TCP_CLOSING:
		enter_time_wait(ctx, t, now, out);
		return true;
	case TCP_LAST_ACK:
		end_connection(ctx, t, 0, out);
		return false;
	default:
		return true;
	}
}

/* RFC 5961 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. */
static bool
is_ack_in_range(const struct tcb *t, const struct tcp_act *a, const struct tcp_seg *seg)
{
	uint32_t snd_max = a ? a->snd_max : t->snd_nxt;
	uint32_t max_wnd = a ? a->max_wnd : t->snd_wnd;

	if (max_wnd < UINT16_MAX)
		max_wnd = UINT16_MAX;
	return seq_leq(seg->ack, snd_max) && seq_geq(seg->ack, t->snd_una - max_wnd);
}

static bool
check_ack(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	if (!(seg->flags & TCP_ACK)) {
		ctx->stats.drop_no_ack++;
		return false;
	}
	if (t->state == TCP_SYN_RECEIVED)
		return ack_syn_received(ctx, t, seg, now, out);

	struct tcp_act *a = act_of(ctx, t);

	if (!is_ack_in_range(t, a, seg)) {
		ctx->stats.drop_ack++;
		challenge_ack(ctx, t, now, out);
		return false;
	}
	bool is_new_ack = seq_gt(seg->ack, t->snd_una);

	t->flags &= (uint16_t)~TCB_CHALLENGED;
	if (a) {
		/* A closed window that is confirmed may last (RFC 9293 MUST-36). */
		if (a->flags & TCP_ACT_PERSIST)
			a->unanswered = 0;
		if (is_new_ack) {
			new_ack(ctx, t, a, seg, now, out);
		} else if (is_duplicate_ack(t, a, seg)) {
			ctx->stats.dup_acks_in++;
			if (cc_duplicate(ctx, t, a))
				a->rexmt_now = true;
		}
	}
	if (seq_geq(seg->ack, t->snd_una))
		update_send_window(t, a, seg, is_new_ack);
	return advance_closing(ctx, t, now, out);
}

/* --- seventh: the segment's octets --- */

static void
owe_ack(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	struct tcp_act *a = act_of(ctx, t);

	if (t->flags & (TCB_QUICKACK | TCB_ACK_DELAYED) || ctx->cfg.delack_ns == 0) {
		t->flags |= TCB_ACK_NOW; /* at least every second segment (RFC 9293 SHLD-19) */
		return;
	}
	if (t->flags & TCB_ACK_NOW)
		return;
	t->flags |= TCB_ACK_DELAYED;
	ctx->stats.acks_delayed++;
	if (a)
		a->delack_at = now + ctx->cfg.delack_ns;
}

static void
take_in_order(struct tcp_ctx *ctx, struct tcb *t, uint16_t off, uint16_t len, uint64_t now,
	      struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);

	out->deliver_off = off;
	out->deliver_len = len;
	t->rcv_nxt += len;
	tcb_touch(ctx, t, now);
	if (a && a->n_runs > 0) {
		reass_drain(ctx, t, a, out);
		t->flags |= TCB_ACK_NOW; /* RFC 5681 4.2: a hole is filled */
	} else {
		owe_ack(ctx, t, now);
	}
	ctx->stats.octets_in += len + out->drained.len;
}

/* Each one is told to the sender at once and apart: he counts duplicates (RFC 5681 4.2). */
static void
take_out_of_order(struct tcp_ctx *ctx, struct tcb *t, uint32_t seq, uint16_t off, uint16_t len,
		  uint64_t now, struct tcp_out *out)
{
	struct tcp_act *a = act_get(ctx, t, now);

	ctx->stats.out_of_order_in++;
	if (a)
		reass_hold(ctx, a, seq, off, len, out);
	send_ack(ctx, t, now, out);
}

/* Takes what is inside the window; *end becomes the end of what was looked at. */
static void
process_text(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	     struct tcp_out *out)
{
	uint32_t seq = seg->seq, end = seg->seq + seg->len;
	uint16_t off = 0;

	if (seg->len == 0)
		return;
	if (seq_lt(seq, t->rcv_nxt)) {
		uint32_t old = t->rcv_nxt - seq;

		ctx->stats.duplicate_octets_in += old < seg->len ? old : seg->len;
		t->flags |= TCB_ACK_NOW;
		if (old >= seg->len)
			return;
		off = (uint16_t)old;
		seq = t->rcv_nxt;
	}
	if (seq_gt(end, t->rcv_adv)) {
		ctx->stats.drop_window += end - t->rcv_adv;
		t->flags |= TCB_ACK_NOW;
		end = t->rcv_adv;
	}
	const struct tcp_act *a = act_of(ctx, t);

	if (a && a->fin_held) /* nothing follows a FIN */
		end = seq_min(end, a->fin_seq);
	if (seq_geq(seq, end))
		return;
	if (seq == t->rcv_nxt)
		take_in_order(ctx, t, off, (uint16_t)(end - seq), now, out);
	else
		take_out_of_order(ctx, t, seq, off, (uint16_t)(end - seq), now, out);
}

/* --- eighth: FIN --- */

static void
process_fin(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);

	if (a)
		reass_free(ctx, a); /* octets beyond a FIN are nobody's */
	t->rcv_nxt++;
	t->rcv_adv = seq_max(t->rcv_adv, t->rcv_nxt);
	t->flags |= TCB_ACK_NOW;
	tcb_touch(ctx, t, now);
	out->events |= TCP_EV_EOF;
	if (t->state == TCP_ESTABLISHED)
		set_state(t, TCP_CLOSE_WAIT);
	else if (t->state == TCP_FIN_WAIT_1)
		set_state(t, TCP_CLOSING);
	else
		enter_time_wait(ctx, t, now, out);
}

static void
check_fin(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	uint32_t fin_seq = seg->seq + seg->len;
	struct tcp_act *a = act_of(ctx, t);

	if (a && a->fin_held && t->rcv_nxt == a->fin_seq) {
		a->fin_held = false;
		process_fin(ctx, t, now, out);
		return;
	}
	if (!(seg->flags & TCP_FIN))
		return;
	if (fin_seq == t->rcv_nxt) {
		process_fin(ctx, t, now, out);
	} else if (seq_gt(fin_seq, t->rcv_nxt) && seq_lt(fin_seq, t->rcv_adv)) {
		a = act_get(ctx, t, now);
		if (a && !reass_reaches_beyond(a, fin_seq)) {
			a->fin_held = true;
			a->fin_seq = fin_seq;
		}
		if (seg->len == 0)
			send_ack(ctx, t, now, out);
	}
}

static void
in_synchronized(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		struct tcp_out *out)
{
	if (is_repeated_syn(t, seg)) {
		update_ts_recent(t, seg); /* lest the peer measures from his first SYN on */
		act_of(ctx, t)->rexmt_now = true;
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
	process_text(ctx, t, seg, now, out);
	check_fin(ctx, t, seg, now, out);
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
