/* tcp_syn_sent.c - SEGMENT ARRIVES in SYN-SENT (RFC 9293 3.10.7.3). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"
#include "tcp/input.h"

/* Our SYN left with an offer of `rcv_adv - rcv_nxt` octets, before rcv_nxt was known. */
static void
learn_irs(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *syn)
{
	uint32_t offered = t->rcv_adv - t->rcv_nxt;
	struct tcp_act *a = act_of(ctx, t);

	t->rcv_nxt = syn->seq + 1;
	t->rcv_adv = t->rcv_nxt + offered;
	take_syn_options(ctx, t, syn);
	ecn_take_syn(ctx, t, syn);
	t->snd_wnd = snd_scaled(t, syn);
	a->snd_wl1 = syn->seq;
	a->snd_wl2 = syn->flags & TCP_ACK ? syn->ack : t->snd_una;
	a->max_wnd = t->snd_wnd;
}

/* The peer has answered our SYN. */
static void
connected(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	take_rtt(ctx, t, act_of(ctx, t), seg, now);
	t->snd_una = seg->ack;
	enter_established(ctx, t, now, out);
	t->flags |= TCB_ACK_NOW;
}

/* Both ends opened at once: our SYN again, now with an ACK. */
static void
simultaneous_open(struct tcp_ctx *ctx, struct tcb *t)
{
	struct tcp_act *a = act_of(ctx, t);

	set_state(t, TCP_SYN_RECEIVED);
	a->rexmt_now = true;
	a->flags &= ~(uint32_t)TCP_ACT_TIMING;
}

/* RFC 3168 6.1.1.1: a SYN that asked for ECN and was refused is tried once more without. */
static bool
try_without_ecn(const struct tcp_ctx *ctx, struct tcb *t)
{
	struct tcp_act *a = act_of(ctx, t);

	if (!(t->flags & TCB_ECT))
		return false;
	a->flags |= TCP_ACT_SYN_REXMT;
	a->flags &= ~(uint32_t)TCP_ACT_TIMING;
	a->rexmt_now = true;
	return true;
}

void
input_syn_sent(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	       struct tcp_out *out)
{
	bool is_ack = seg->flags & TCP_ACK;

	/* First, check the ACK bit. */
	if (is_ack && !is_syn_acked(t, seg)) {
		ctx->stats.drop_ack++;
		send_reset_for(ctx, seg, out);
		return;
	}
	/* Second, check the RST bit. */
	if (seg->flags & TCP_RST) {
		if (is_ack && !try_without_ecn(ctx, t))
			end_connection(ctx, t, TCP_EV_RESET, out);
		else if (!is_ack)
			ctx->stats.drop_reset_sequence++;
		return;
	}
	/* Fourth, check the SYN bit. Octets and FIN on it are left for the peer to repeat. */
	if (!(seg->flags & TCP_SYN)) {
		ctx->stats.drop_sequence++;
		return;
	}
	learn_irs(ctx, t, seg);
	if (is_ack)
		connected(ctx, t, seg, now, out);
	else
		simultaneous_open(ctx, t);
}
