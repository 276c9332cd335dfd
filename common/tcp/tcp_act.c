/* tcp_act.c - active blocks: made when something is in flight, given back when nothing is. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

static uint32_t
handle_of(const struct tcp_ctx *ctx, const struct tcb *t)
{
	return (uint32_t)(((const uint8_t *)t - ctx->tcbs->mem) / ctx->tcbs->size);
}

struct tcp_act *
act_get(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	struct tcp_act *a = act_of(ctx, t);

	if (a)
		return a;
	uint32_t h = pool_get(&ctx->acts);

	if (h == POOL_NONE) {
		ctx->stats.drop_no_active++;
		return NULL;
	}
	a = pool_at(&ctx->acts, h);
	/* The islands themselves are not cleared: n_runs says that there are none. */
	a->flags = 0;
	snd_init(ctx, t, a);
	a->rcvq = CHAIN_EMPTY;
	a->delack_at = TCP_NEVER;
	tcb_note_age(ctx, t, now);
	a->last_ns = now;
	a->fin_held = a->n_runs = a->n_recent = 0;
	a->runs_block = POOL_NONE;
	a->tcb = handle_of(ctx, t);
	wheel_node_init(&a->timer);
	if (is_half_open(t))
		half_open_promote(ctx, t, a, now);
	if (t->flags & TCB_ACK_DELAYED)
		a->delack_at = now + ctx->cfg.delack_ns;
	t->act = h;
	return a;
}

void
act_put(struct tcp_ctx *ctx, struct tcb *t)
{
	struct tcp_act *a = act_of(ctx, t);
	uint32_t h = t->act;

	if (!a)
		return;
	snd_free(ctx, a);
	chain_free(&ctx->blocks, &a->rcvq);
	reass_free(ctx, a);
	t->srtt = compact_time(a->srtt_us);
	t->rttvar = compact_time(a->rttvar_us);
	t->ssthresh = compact_window(a->ssthresh);
	if (a->cwnd < cc_initial_window(ctx, t))
		t->flags |= TCB_LOW_WINDOW;
	else
		t->flags &= (uint16_t)~TCB_LOW_WINDOW;
	if (wheel_is_armed(&a->timer))
		wheel_del(&ctx->wheel, h);
	t->act = TCB_IDLE | ms_of(a->last_ns);
	pool_put(&ctx->acts, h);
}

bool
act_is_idle(const struct tcb *t, const struct tcp_act *a)
{
	return is_synchronized(t) && t->snd_una == a->snd_max && a->sndq.len == 0 &&
	       a->rcvq.len == 0 && a->n_runs == 0 && !a->fin_held &&
	       !(a->flags & (TCP_ACT_WANT_ROOM | TCP_ACT_FIN_QUEUED));
}

/* A window that is not the initial one is kept for one RTO of silence (RFC 5681 4.1), and so is what a loss probe may yet bring. */
void
act_settle(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	struct tcp_act *a = act_of(ctx, t);

	if (!a || !act_is_idle(t, a))
		return;
	bool has_nothing = a->cwnd == cc_initial_window(ctx, t) && !(a->flags & TCP_ACT_PROBE_OUT);

	if (has_nothing || now >= a->last_ns + rto_of(ctx, a) || t->state == TCP_TIME_WAIT)
		act_put(ctx, t);
}

void
tcb_touch(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	struct tcp_act *a = act_of(ctx, t);

	if (a)
		a->last_ns = now;
	else
		t->act = TCB_IDLE | ms_of(now);
}

uint32_t
tcb_quiet_ms(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	const struct tcp_act *a = act_of(ctx, t);

	if (a) {
		uint64_t ms = now > a->last_ns ? (now - a->last_ns) / NS_PER_MS : 0;

		return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
	}
	return (ms_of(now) - t->act) & ~TCB_IDLE;
}

uint64_t
tcb_after_activity(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t span, uint64_t now)
{
	const struct tcp_act *a = act_of(ctx, t);

	if (a)
		return a->last_ns + span;
	uint64_t last = now - now % NS_PER_MS - (uint64_t)tcb_quiet_ms(ctx, t, now) * NS_PER_MS;

	return last + span + NS_PER_MS;
}

/* The clock of a connection without a block comes around after 24.8 days: tcp_sweep looks in before. */
void
tcb_note_age(const struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	if (t->flags & TCB_TIMESTAMPS && tcb_quiet_ms(ctx, t, now) >= TCP_PAWS_IDLE_MS)
		t->flags |= TCB_OLD_STAMP;
}
