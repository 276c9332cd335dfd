/* tcp_undo.c - windows reduced for nothing are restored: Eifel (RFC 3522, 4015). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/recover.h"

/*
 * The first ACK of new octets after a retransmission tells by the timestamp it echoes which copy it
 * answers. When that is one older than the retransmission, nothing was lost: a timeout came too
 * early, or what was taken for a hole was reordering. So one ACK decides, without waiting for
 * D-SACK's. A peer that lies can keep its sender fast, as it can by acknowledging what it did not
 * get.
 */

static uint32_t
timestamp(const struct tcb *t, uint64_t now)
{
	return ms_of(now) + t->ts_offset;
}

/* The curve of CUBIC is known: the first slow start is over. */
static bool
has_cubic(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_act *a)
{
	return profile_of(ctx, t)->cc == TCP_CC_CUBIC && a->ready & TCP_READY_CC &&
	       a->ssthresh != UINT32_MAX;
}

void
undo_arm(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t flight,
	 uint64_t now)
{
	if (!(t->flags & TCB_TIMESTAMPS) || a->flags & TCP_ACT_UNDO)
		return;
	a->flags |= TCP_ACT_UNDO;
	a->undo = (struct tcp_undo){
	    .ts = timestamp(t, now),
	    .ssthresh = flight > a->ssthresh ? flight : a->ssthresh, /* RFC 4015 3 (0) */
	};
	if (!has_cubic(ctx, t, a))
		return;
	a->undo.w_max = a->cubic.w_max;
	a->undo.prior = a->cubic.prior;
	a->undo.begun = a->cubic.begun;
}

static void
restore(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a)
{
	a->ssthresh = a->undo.ssthresh;
	if (a->ssthresh == UINT32_MAX)
		a->ready &= (uint8_t)~TCP_READY_CC; /* HyStart++ begins anew */
	if (!has_cubic(ctx, t, a))
		return;
	/* RFC 9438 4.9: the curve goes on as if nothing had happened. */
	a->cubic.w_max = a->undo.w_max;
	a->cubic.prior = a->undo.prior;
	a->cubic.begun = a->undo.begun;
}

bool
undo_acked(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
	   uint32_t acked, uint64_t now)
{
	uint32_t most = cc_initial_window(ctx, t), flight;

	if (!(a->flags & TCP_ACT_UNDO))
		return false;
	a->flags &= ~(uint32_t)TCP_ACT_UNDO;
	if (!(seg->opts & TCP_OPT_TIMESTAMP) || !seq_lt(seg->tsecr, a->undo.ts) ||
	    !(a->flags & (TCP_ACT_RECOVERY | TCP_ACT_LOSS)))
		return false;
	ctx->stats.spurious_recoveries++;
	if (has_board(t))
		board_find_lost(&a->board, &ctx->blocks);
	else
		t->snd_nxt = a->snd_max; /* RFC 4015 3.2: on with new octets */
	restore(ctx, t, a);
	flight = in_flight(t, a) + (acked < most ? acked : most); /* (4) */
	a->cwnd = a->cwnd > flight ? a->cwnd : flight;
	a->recover = t->snd_una - 1;
	a->dup_acks = 0;
	a->rexmt_now = false;
	a->flags &= ~(uint32_t)(TCP_ACT_RECOVERY | TCP_ACT_LOSS);
	a->rack.reordering_seen = true;
	if (in_flight(t, a) > 0) {
		a->flags &= ~(uint32_t)TCP_ACT_PERSIST;
		a->rexmt_at = now + rto_of(ctx, a);
	}
	return true;
}
