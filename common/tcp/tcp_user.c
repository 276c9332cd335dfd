/* tcp_user.c - SEND, RECEIVE, CLOSE, ABORT (RFC 9293 3.10). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

static bool
may_send(const struct tcb *t, const struct tcp_act *a)
{
	if (t->flags & TCB_CLOSE_DUE || (a && a->flags & TCP_ACT_FIN_QUEUED))
		return false;
	return t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED ||
	       t->state == TCP_ESTABLISHED || t->state == TCP_CLOSE_WAIT;
}

uint32_t
tcp_send_room(const struct tcp_ctx *ctx, const struct tcb *t)
{
	const struct tcp_act *a = act_of(ctx, t);
	uint32_t queued = a ? a->sndq.len : 0;

	if (!may_send(t, a) || queued >= ctx->cfg.sndbuf)
		return 0;
	return ctx->cfg.sndbuf - queued;
}

uint32_t
tcp_send(struct tcp_ctx *ctx, struct tcb *t, const uint8_t *data, uint32_t len, uint64_t now)
{
	uint32_t room = tcp_send_room(ctx, t);
	uint32_t n = len < room ? len : room;
	struct tcp_act *a;

	if (len == 0 || !may_send(t, act_of(ctx, t)) || !(a = act_get(ctx, t, now)))
		return 0;
	n = chain_append(&ctx->blocks, &a->sndq, data, n);
	if (n < len)
		a->flags |= TCP_ACT_WANT_ROOM;
	a->last_ns = now;
	return n;
}

void
tcp_want_room(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	struct tcp_act *a = may_send(t, act_of(ctx, t)) ? act_get(ctx, t, now) : NULL;

	if (a)
		a->flags |= TCP_ACT_WANT_ROOM;
}

struct chain *
tcp_rcvq(const struct tcp_ctx *ctx, const struct tcb *t)
{
	struct tcp_act *a = act_of(ctx, t);

	return a ? &a->rcvq : NULL;
}

struct chain *
tcp_rcvq_get(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	struct tcp_act *a = act_get(ctx, t, now);

	return a ? &a->rcvq : NULL;
}

void
tcp_received(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	if (may_receive(t) && window_growth(ctx, t) > 0)
		t->flags |= TCB_ACK_NOW;
	act_settle(ctx, t, now);
}

/* The FIN is queued, and kept in an active block until it is acknowledged. Without one the user's
 * wish is noted: nothing of ours is lost meanwhile, because nothing is queued. */
bool
close_now(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	struct tcp_act *a = act_get(ctx, t, now);

	if (!a)
		return false;
	t->flags &= (uint16_t)~TCB_CLOSE_DUE;
	a->flags |= TCP_ACT_FIN_QUEUED;
	a->flags &= ~(uint32_t)TCP_ACT_WANT_ROOM;
	a->last_ns = now;
	if (t->state == TCP_ESTABLISHED)
		set_state(t, TCP_FIN_WAIT_1);
	else if (t->state == TCP_CLOSE_WAIT)
		set_state(t, TCP_LAST_ACK);
	return true;
}

void
tcp_close(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	switch ((enum tcp_state)t->state) {
	case TCP_SYN_SENT:
		end_connection(ctx, t, 0, out);
		return;
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		break;
	default:
		return; /* closed before */
	}
	if (!close_now(ctx, t, now)) {
		t->flags |= TCB_CLOSE_DUE;
		tcb_touch(ctx, t, now);
	}
}

void
reset_peer(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	const struct tcp_act *a = act_of(ctx, t);

	if (emit(ctx, t, now, out, TCP_RST | TCP_ACK, a ? a->snd_max : t->snd_nxt))
		ctx->stats.resets_out++;
}

void
tcp_abort(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	if (t->state == TCP_CLOSED || t->state == TCP_FREE)
		return;
	/* RFC 9293 3.10.5 */
	if (t->state >= TCP_SYN_RECEIVED && t->state <= TCP_CLOSE_WAIT)
		reset_peer(ctx, t, now, out);
	end_connection(ctx, t, 0, out);
}
