/* tcp_open.c - how connections begin: OPEN, and a SYN for a listener (RFC 9293 3.5, 3.10.1, 3.10.7.2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

#include <errno.h>

/* The smallest shift that makes the whole receive buffer expressible (RFC 7323 2.3). */
static unsigned
own_shift(const struct tcp_ctx *ctx)
{
	unsigned shift = 0;

	if (!ctx->cfg.window_scale)
		return 0;
	while (shift < TCP_WSCALE_MAX && ctx->cfg.rcvbuf >> shift > UINT16_MAX)
		shift++;
	return shift;
}

/* Options are agreed on when both SYNs carry them. tcb->flags say what ours asks for, and afterwards what holds. */
void
take_syn_options(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *syn)
{
	uint16_t mss = syn->opts & TCP_OPT_MSS && syn->mss > 0 ? syn->mss : TCP_DEFAULT_MSS;

	if (mss < TCP_MIN_MSS)
		mss = TCP_MIN_MSS;
	t->mss = mss < ctx->cfg.mss ? mss : ctx->cfg.mss;
	if (syn->opts & TCP_OPT_WSCALE && ctx->cfg.window_scale) {
		t->flags |= TCB_WSCALE;
		t->scales = (uint8_t)(own_shift(ctx) << 4 | syn->wscale);
	} else {
		t->scales = 0;
	}
	if (!(syn->opts & TCP_OPT_SACK_PERMITTED))
		t->flags &= (uint16_t)~TCB_SACK;
	if (!(syn->opts & TCP_OPT_TIMESTAMP)) {
		t->flags &= (uint16_t)~TCB_TIMESTAMPS;
	} else if (t->flags & TCB_TIMESTAMPS) {
		t->ts_recent = syn->tsval;
	}
}

/* What both ways of opening set. The caller may have put a floor for the ISS into snd_nxt (RFC 9293 MAY-2). */
static void
begin(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	uint32_t floor = t->snd_nxt;
	uint32_t iss = isn(ctx, t, now);

	if (floor != 0 && seq_leq(iss, floor))
		iss = floor + UINT16_MAX;
	t->act = TCB_IDLE | ms_of(now);
	t->snd_una = t->snd_nxt = iss;
	t->snd_wnd = 0;
	t->ssthresh = UINT8_MAX;
	t->srtt = t->rttvar = 0;
	t->mss = ctx->cfg.mss < TCP_DEFAULT_MSS ? ctx->cfg.mss : TCP_DEFAULT_MSS;
	t->ts_offset = timestamp_offset(ctx, t);
	if (ctx->cfg.timestamps)
		t->flags |= TCB_TIMESTAMPS;
	if (ctx->cfg.sack)
		t->flags |= TCB_SACK;
	/* Until the peer has answered, `scales` holds what our SYN offers. */
	t->scales = (uint8_t)(own_shift(ctx) << 4);
}

int
tcp_open_active(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	struct tcp_act *a;

	t->rcv_nxt = t->rcv_adv = 0;
	begin(ctx, t, now);
	a = act_get(ctx, t, now);
	if (!a)
		return -ENOBUFS;
	a->rexmt_now = true; /* the SYN leaves by tcp_output */
	set_state(t, TCP_SYN_SENT);
	ctx->stats.opened_active++;
	tcp_output(ctx, t, now, out);
	return 0;
}

void
open_passive(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *syn, uint64_t now)
{
	t->rcv_nxt = t->rcv_adv =
	    syn->seq + 1; /* octets on the SYN are not taken: the peer repeats them */
	begin(ctx, t, now);
	take_syn_options(ctx, t, syn);
	ecn_take_syn(ctx, t, syn);
	t->flags |= TCB_PASSIVE;
	t->snd_wnd = syn->wnd;
	set_state(t, TCP_SYN_RECEIVED);
	half_open_begin(t, now);
}

int
tcp_open_passive(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		 struct tcp_out *out)
{
	open_passive(ctx, t, seg, now);
	ctx->stats.opened_passive++;
	ctx->stats.segs_in++;
	tcp_output(ctx, t, now, out);
	return 0;
}

bool
tcp_time_wait_may_reuse(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_seg *seg,
			uint32_t *iss_floor)
{
	(void)ctx;
	if (t->state != TCP_TIME_WAIT || (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	*iss_floor = t->snd_nxt;
	/* RFC 6191: a later timestamp, or the same and a later sequence number. */
	if (t->flags & TCB_TIMESTAMPS && seg->opts & TCP_OPT_TIMESTAMP) {
		if (seg->tsval != t->ts_recent)
			return seq_gt(seg->tsval, t->ts_recent);
	}
	return seq_gt(seg->seq, t->rcv_nxt);
}
