/* tcp_ecn.c - explicit congestion notification: agreed on, echoed, heeded (RFC 3168 6.1; 8311). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

/*
 * Two flags of the tcb say how far it goes. TCB_ECN: what routers mark on the peer's octets is
 * echoed. TCB_ECT: and ours may be marked. In SYN-SENT they say what our SYN asks for. A SYN sent
 * again does without, lest somebody in between drops those that ask (6.1.1.1): then ours may never
 * be marked, but if the first SYN arrived after all and the peer has agreed, he may have his own
 * marked, and those must be echoed (6.1.1).
 */
enum { TCP_ECE_CWR = TCP_ECE | TCP_CWR };

uint8_t
ecn_syn_flags(const struct tcp_ctx *ctx, struct tcb *t)
{
	const struct tcp_act *a = act_of(ctx, t);

	if (t->state == TCP_SYN_RECEIVED)
		return t->flags & TCB_ECT ? TCP_ECE : 0;
	if (a && a->flags & TCP_ACT_SYN_REXMT) {
		t->flags &= (uint16_t)~TCB_ECT;
		return 0;
	}
	if (profile_of(ctx, t)->ecn != TCP_ECN_ALWAYS)
		return 0;
	t->flags |= TCB_ECN | TCB_ECT;
	return TCP_ECE_CWR;
}

void
ecn_take_syn(const struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *syn)
{
	unsigned flags = syn->flags & TCP_ECE_CWR;

	if (syn->flags & TCP_ACK) {
		/* Both flags are not an answer, but our own thrown back. */
		if (flags != TCP_ECE)
			t->flags &= (uint16_t) ~(TCB_ECN | TCB_ECT);
	} else if (flags != TCP_ECE_CWR) {
		t->flags &= (uint16_t) ~(TCB_ECN | TCB_ECT);
	} else if (t->state != TCP_SYN_SENT && profile_of(ctx, t)->ecn != TCP_ECN_OFF) {
		t->flags |= TCB_ECN | TCB_ECT; /* else both have opened: what our SYN said holds */
	}
}

/* CWR is from before the mark that the same segment may carry (6.1.3). */
void
ecn_take_mark(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg)
{
	if (!(t->flags & TCB_ECN))
		return;
	if (seg->flags & TCP_CWR)
		t->flags &= (uint16_t)~TCB_ECE_OWED;
	if (seg->ecn == ECN_CE && seg->len > 0) {
		t->flags |= TCB_ECE_OWED;
		ctx->stats.ce_in += seg->len;
	}
}

void
ecn_take_echo(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now)
{
	struct tcp_act *a = act_of(ctx, t);

	if (a && t->flags & TCB_ECT && (seg->flags & (TCP_ECE | TCP_SYN)) == TCP_ECE)
		cc_ecn_reduce(ctx, t, a, now);
}
