/* tcp_timer.c - the one next deadline, and what happens then (RFC 6298 5, 9293 3.8.6.1, 3.10.8). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/recover.h"

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When TIME-WAIT or FIN-WAIT-2 has lasted long enough. */
static uint64_t
wait_ends(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	uint64_t span;

	if (t->state == TCP_TIME_WAIT)
		span = ctx->cfg.time_wait_ns;
	else if (t->state == TCP_FIN_WAIT_2)
		span = ctx->cfg.fin_wait_2_ns;
	else
		return TCP_NEVER;
	return tcb_after_activity(ctx, t, span, now);
}

static uint64_t
idle_deadline(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	if (t->state == TCP_SYN_RECEIVED)
		return half_open_deadline(ctx, t, now);
	uint64_t when = TCP_NEVER;

	if (t->flags & TCB_ACK_DELAYED)
		when = tcb_after_activity(ctx, t, ctx->cfg.delack_ns, now);
	if (t->flags & TCB_CLOSE_DUE)
		when =
		    earlier(when, tcb_after_activity(ctx, t, TCP_ROOM_RETRY_MS * NS_PER_MS, now));
	return when;
}

/* The user's own limit for data that is not acknowledged (RFC 9293 3.9.1, 5482). */
static uint64_t
user_timeout(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_act *a)
{
	uint64_t limit = profile_of(ctx, t)->user_timeout_ns;

	if (limit == 0 || a->rexmt_at == TCP_NEVER || !is_synchronized(t))
		return TCP_NEVER;
	return a->moved_ns + limit;
}

static uint64_t
active_deadline(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_act *a)
{
	uint64_t when = earlier(earlier(a->rexmt_at, a->loss_at), a->delack_at);

	when = earlier(when, user_timeout(ctx, t, a));
	if (act_is_idle(t, a))
		when = earlier(when, a->last_ns + rto_of(ctx, a));
	if (a->flags & TCP_ACT_WANT_ROOM && a->sndq.len == 0)
		when = earlier(when, a->last_ns + (uint64_t)TCP_ROOM_RETRY_MS * NS_PER_MS);
	return when;
}

uint64_t
tcp_deadline(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	const struct tcp_act *a = act_of(ctx, t);

	if (t->state == TCP_FREE || t->state == TCP_CLOSED)
		return TCP_NEVER;
	return earlier(earlier(wait_ends(ctx, t, now), silence_deadline(ctx, t, now)),
		       a ? active_deadline(ctx, t, a) : idle_deadline(ctx, t, now));
}

/* How often something is sent before the connection is given up. */
static unsigned
max_retries(const struct tcp_ctx *ctx, const struct tcb *t)
{
	if (t->state == TCP_SYN_SENT)
		return ctx->cfg.syn_retries;
	if (t->state == TCP_SYN_RECEIVED)
		return ctx->cfg.synack_retries;
	return ctx->cfg.retries;
}

static void
count_expiry(struct tcp_act *a)
{
	if (a->backoff < UINT8_MAX)
		a->backoff++;
	if (a->unanswered < UINT8_MAX)
		a->unanswered++;
}

/* The first octets that are not acknowledged are to be sent again: without SACK, and then all
 * others. */
static void
back_to_first(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now)
{
	if (has_board(t)) {
		loss_timeout(ctx, t, a, now);
		a->rexmt_now = true;
		return;
	}
	undo_arm(ctx, t, a, a->snd_max - t->snd_una, now);
	cc_timeout(ctx, t, a);
	a->flags |= TCP_ACT_LOSS;
	t->snd_nxt = t->snd_una;
	a->rexmt_now = false;
}

/* RFC 6298 (5.4) to (5.7) */
static void
rexmt_expired(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now)
{
	ctx->stats.rto_expired++;
	a->rexmt_at = TCP_NEVER;
	if (is_synchronized(t)) {
		back_to_first(ctx, t, a, now);
		count_expiry(a);
		return; /* tcp_output sends it, and starts the timer with the back-off */
	}
	a->flags |= TCP_ACT_SYN_REXMT;
	a->flags &= ~(uint32_t)TCP_ACT_TIMING;
	count_expiry(a);
	a->rexmt_now = true;
	a->rexmt_at = now + rto_of(ctx, a);
}

/* One octet, or as many as a silly window takes, from the first that is not acknowledged; FIN when
 * there is nothing else. */
static void
send_probe(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now, struct tcp_out *out)
{
	uint32_t len = t->snd_wnd > 1 ? t->snd_wnd : 1;
	uint32_t mss = effective_mss(t);

	if (len > a->sndq.len)
		len = a->sndq.len;
	if (len > mss)
		len = mss;
	bool fin = len == 0 && a->flags & TCP_ACT_FIN_QUEUED;
	struct tcp_seg *s = emit(ctx, t, now, out, TCP_ACK, t->snd_una);

	if (!s)
		return;
	ctx->stats.window_probes_out++;
	s->len = (uint16_t)len;
	if (fin) {
		s->flags |= TCP_FIN;
		a->flags |= TCP_ACT_FIN_SENT;
	}
	a->flags &= ~(uint32_t)TCP_ACT_TIMING;
	t->snd_nxt = seq_max(t->snd_nxt, t->snd_una + len + fin);
	if (has_board(t) && seq_gt(t->snd_nxt, a->snd_max)) {
		/* It waits as before: a probe is not in flight. */
		if (a->board.n == 0)
			a->board.start = t->snd_una;
		board_sent(&a->board, &ctx->blocks, t->snd_nxt, us_of(now));
		board_lose_all(&a->board, &ctx->blocks);
	}
	rack_start(a, t->snd_una, now); /* a closed window may last for hours */
	a->snd_max = seq_max(a->snd_max, t->snd_nxt);
}

static void
persist_expired(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now,
		struct tcp_out *out)
{
	send_probe(ctx, t, a, now, out);
	count_expiry(a);
	a->rexmt_at = now + rto_of(ctx, a);
}

/* False: the connection is over. */
static bool
rexmt_timeout(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now,
	      struct tcp_out *out)
{
	bool is_over = user_timeout(ctx, t, a) <= now;

	if (a->loss_at <= now && !is_over)
		loss_timer_expired(ctx, t, a, now, out); /* before RTO, which it may put off */
	if (a->rexmt_at > now && !is_over)
		return true;
	if (is_over || a->unanswered >= max_retries(ctx, t)) { /* R2 (RFC 9293 3.8.3) */
		end_connection(ctx, t, TCP_EV_TIMEOUT, out);
		return false;
	}
	if (a->flags & TCP_ACT_PERSIST)
		persist_expired(ctx, t, a, now, out);
	else
		rexmt_expired(ctx, t, a, now);
	if (a->unanswered == TCP_R1)
		tell_trouble(ctx, t, 0, out); /* RFC 9293 SHLD-9 */
	return true;
}

static void
active_timeout(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now,
	       struct tcp_out *out)
{
	if (!rexmt_timeout(ctx, t, a, now, out))
		return;
	if (a->delack_at <= now) {
		a->delack_at = TCP_NEVER;
		t->flags |= TCB_ACK_NOW;
	}
	if (a->flags & TCP_ACT_WANT_ROOM && a->sndq.len == 0 &&
	    a->last_ns + (uint64_t)TCP_ROOM_RETRY_MS * NS_PER_MS <= now) {
		a->flags &= ~(uint32_t)TCP_ACT_WANT_ROOM;
		a->last_ns = now;
		out->events |= TCP_EV_WRITABLE;
	}
}

void
tcp_timeout(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);
	uint64_t deadline = tcp_deadline(ctx, t, now);

	if (deadline > now)
		return;
	if (wait_ends(ctx, t, now) <= now) {
		end_connection(ctx, t, 0, out);
		return;
	}
	if (!silence_timeout(ctx, t, now, out))
		return;
	if (a)
		active_timeout(ctx, t, a, now, out);
	else if (t->state == TCP_SYN_RECEIVED)
		half_open_timeout(ctx, t, now, out);
	else if (t->flags & TCB_ACK_DELAYED)
		t->flags |= TCB_ACK_NOW;
	if (t->flags & TCB_CLOSE_DUE && t->state != TCP_CLOSED && !close_now(ctx, t, now))
		tcb_touch(ctx, t, now);
	if (t->state != TCP_CLOSED)
		tcp_output(ctx, t, now, out);
}
