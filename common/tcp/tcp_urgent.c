/* tcp_urgent.c - the urgent mechanism, both ways (RFC 9293 3.8.5, 6093). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

/*
 * The pointer names the octet after the last urgent one (MUST-62). Urgent octets stay in line with
 * the others; the user learns where they end (MUST-31, -32). The point that was told last is kept
 * while there is an active block: without one, each segment with URG tells anew.
 */

void
take_urgent(struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_seg *seg,
	    struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);
	uint32_t up = seg->seq + seg->urg;
	uint32_t unread = t->rcv_nxt - (a ? a->rcvq.len : 0);

	if (!(seg->flags & TCP_URG) || seq_leq(up, unread))
		return; /* consumed already, or a pointer of 0 */
	if (a) {
		if (a->flags & TCP_ACT_URGENT_IN && seq_leq(up, a->rcv_up))
			return;
		a->rcv_up = up;
		a->flags |= TCP_ACT_URGENT_IN;
	}
	ctx->stats.urgent_in++;
	out->events |= TCP_EV_URGENT;
	out->urgent = up - unread;
}

void
urgent_settle(const struct tcb *t, struct tcp_act *a)
{
	if (a->flags & TCP_ACT_URGENT_IN && seq_geq(t->rcv_nxt, a->rcv_up))
		a->flags &= ~(uint32_t)TCP_ACT_URGENT_IN;
}

void
put_urgent(const struct tcb *t, struct tcp_act *a, struct tcp_seg *s)
{
	if (!(a->flags & TCP_ACT_URGENT_OUT) || s->flags & (TCP_SYN | TCP_RST))
		return;
	if (seq_geq(t->snd_una, a->snd_up)) {
		a->flags &= ~(uint32_t)TCP_ACT_URGENT_OUT;
	} else if (seq_lt(s->seq, a->snd_up)) {
		uint32_t ahead = a->snd_up - s->seq;

		s->flags |= TCP_URG;
		s->urg = ahead < UINT16_MAX ? (uint16_t)ahead : UINT16_MAX;
	}
}

void
tcp_send_urgent(const struct tcp_ctx *ctx, struct tcb *t)
{
	struct tcp_act *a = act_of(ctx, t);

	if (!a || a->sndq.len == 0)
		return;
	a->snd_up = snd_data_end(t, a);
	a->flags |= TCP_ACT_URGENT_OUT;
	/* When its window is shut the peer is told by a bare ACK. */
	if (is_synchronized(t) && seq_lt(a->snd_max, a->snd_up))
		t->flags |= TCB_ACK_NOW;
}
