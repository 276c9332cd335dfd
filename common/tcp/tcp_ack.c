/* tcp_ack.c - fifth: the ACK field of a segment (RFC 9293 3.10.7.4; 5961 5.2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"
#include "tcp/input.h"
#include "tcp/recover.h"

static void
update_send_window(struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg, bool is_new_ack)
{
	/* RFC 9293 3.10.7.4, and one case more: octets that the peer repeats are left of SND.WL1,
	 * but when they bring a new ACK its window is the latest. To keep the old one would move
	 * the right edge with SND.UNA, beyond what was offered. */
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
		/* Open again: the probe's octet goes out anew with the rest; a scoreboard has it as
		 * lost. */
		a->flags &= ~(uint32_t)TCP_ACT_PERSIST;
		a->rexmt_at = TCP_NEVER;
		a->backoff = 0;
		if (!has_board(t))
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

static void
tell_user_of_ack(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t octets,
		 struct tcp_out *out)
{
	if (octets == 0)
		return;
	if (a->sndq.len == 0 && profile_of(ctx, t)->notify_sent)
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
	uint32_t octets = acked < a->sndq.len ? acked : a->sndq.len;

	if (acked > a->sndq.len)
		a->flags &= ~(uint32_t)TCP_ACT_FIN_QUEUED; /* the one more was FIN's */
	chain_trim_front(&ctx->blocks, &a->sndq, octets);
	t->snd_una = seg->ack;
	t->snd_nxt = seq_max(t->snd_nxt, t->snd_una);
	a->unanswered = 0;
	a->moved_ns = now;
	a->rexmt_now = false;
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

static void
ack_with_board(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
	       uint64_t now, struct tcp_out *out)
{
	struct loss_news news;

	if (t->snd_una == a->snd_max && seg->n_sack == 0 && !(a->flags & TCP_ACT_PROBE_OUT))
		return; /* nothing is in flight, nor was sent for nothing */
	ctx->stats.dup_acks_in += is_duplicate_ack(t, a, seg);
	loss_take(ctx, t, a, seg, now, &news);
	if (seg->ack != t->snd_una)
		new_ack(ctx, t, a, seg, now, out);
	loss_conclude(ctx, t, a, seg, now, &news);
}

static void
ack_without_board(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
		  uint64_t now, struct tcp_out *out)
{
	uint32_t acked = seg->ack - t->snd_una, flight = a->snd_max - t->snd_una;

	if (acked > 0) {
		take_rtt(ctx, t, a, seg, now);
		new_ack(ctx, t, a, seg, now, out);
		if (!undo_acked(ctx, t, a, seg, acked, now))
			a->rexmt_now = newreno_acked(ctx, t, a, acked, flight, now);
	} else if (is_duplicate_ack(t, a, seg)) {
		ctx->stats.dup_acks_in++;
		if (newreno_duplicate(ctx, t, a, now))
			a->rexmt_now = true;
	}
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

bool
check_ack(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	if (!(seg->flags & TCP_ACK)) {
		ctx->stats.drop_no_ack++;
		return false;
	}
	if (is_half_open(t))
		return half_open_ack(ctx, t, seg, now, out);
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
		if (seq_geq(seg->ack, t->snd_una))
			(has_board(t) ? ack_with_board : ack_without_board)(ctx, t, a, seg, now,
									    out);
	}
	if (seq_geq(seg->ack, t->snd_una))
		update_send_window(t, a, seg, is_new_ack);
	return advance_closing(ctx, t, now, out);
}
