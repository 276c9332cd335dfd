/* tcp_check.c - what must hold of a connection at all times, and what reports show of it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/recover.h"

static uint32_t
chain_octets(const struct tcp_ctx *ctx, const struct chain *c)
{
	uint32_t sum = 0, h = c->head, last = POOL_NONE;

	while (h != POOL_NONE) {
		const struct block *b = block_at(&ctx->blocks, h);

		assert(b->len > 0 && (uint32_t)b->off + b->len <= block_room(h));
		sum += b->len;
		last = h;
		h = b->next;
	}
	assert(last == c->tail);
	return sum;
}

static void
check_runs(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_act *a)
{
	uint32_t before = t->rcv_nxt;

	assert(a->n_runs <= TCP_RUNS_MAX && a->n_recent <= TCP_SACK_RECENT);
	assert(a->n_runs <= TCP_RUNS_INLINE || a->runs_block != POOL_NONE);
	assert(a->n_runs > 0 || (a->runs_block == POOL_NONE && a->n_recent == 0));
	for (unsigned i = 0; i < a->n_runs; i++) {
		const struct tcp_run *r = &reass_runs(ctx, a)[i];
		const struct chain octets = {r->head, r->tail, r->end - r->start};

		assert(seq_lt(before, r->start) && seq_lt(r->start, r->end));
		assert(seq_leq(r->end, t->rcv_adv));
		assert(chain_octets(ctx, &octets) == octets.len);
		before = r->end;
	}
}

/* The scoreboard covers what is not acknowledged, and no more. */
static void
check_board(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a)
{
	board_check(&a->board, &ctx->blocks);
	if (!has_board(t)) {
		assert(a->board.n == 0 && a->loss_at == TCP_NEVER);
		return;
	}
	assert(t->snd_nxt == a->snd_max);
	if (t->snd_una == a->snd_max) {
		assert(a->board.n == 0 && a->loss_at == TCP_NEVER);
		return;
	}
	assert(a->board.start == t->snd_una);
	assert(board_end(&a->board, &ctx->blocks) == a->snd_max);
	if (a->flags & (TCP_ACT_RECOVERY | TCP_ACT_LOSS))
		assert(seq_gt(a->recover, t->snd_una) && seq_leq(a->recover, a->snd_max));
	if (a->flags & TCP_ACT_PERSIST)
		assert(in_flight(t, a) == 0);
}

static void
check_active(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a)
{
	assert(pool_at(ctx->tcbs, a->tcb) == (const void *)t);
	assert(seq_leq(t->snd_nxt, a->snd_max));
	assert(chain_octets(ctx, &a->sndq) == a->sndq.len && a->sndq.len <= ctx->cfg.sndbuf);
	assert(chain_octets(ctx, &a->rcvq) == a->rcvq.len);
	if (is_synchronized(t)) /* before, neither is known */
		assert(a->cwnd >= effective_mss(t));
	check_runs(ctx, t, a);
	/* What is in flight is queued, or SYN, or FIN. */
	assert(a->snd_max - t->snd_una <= a->sndq.len + 1);
	/* Something in flight is timed, unless it is about to be sent again. */
	if (in_flight(t, a) > 0)
		assert(a->rexmt_at != TCP_NEVER || a->rexmt_now);
	check_board(ctx, t, a);
	if (t->flags & TCB_ACK_DELAYED)
		assert(a->delack_at != TCP_NEVER || t->flags & TCB_ACK_NOW);
}

void
tcp_check(const struct tcp_ctx *ctx, const struct tcb *t)
{
	struct tcp_act *a = act_of(ctx, t);

	if (t->state == TCP_FREE || t->state == TCP_CLOSED) {
		assert(!a);
		return;
	}
	assert(t->state < TCP_N_STATES);
	assert(seq_leq(t->snd_una, t->snd_nxt));
	assert(seq_leq(t->rcv_nxt, t->rcv_adv));
	assert(t->flags & TCB_ECN || !(t->flags & (TCB_ECT | TCB_ECE_OWED)));
	assert(t->mss >= TCP_MIN_MSS || t->mss == ctx->cfg.mss);
	if (a)
		check_active(ctx, t, a);
	else if (is_half_open(t))
		assert(t->snd_nxt - t->snd_una <= 1);
	else
		assert(is_synchronized(t) && t->snd_una == t->snd_nxt);
}

void
tcp_get_info(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_info *info)
{
	const struct tcp_act *a = act_of(ctx, t);

	*info = (struct tcp_info){.cwnd = 0};
	if (!a)
		return;
	info->cwnd = a->cwnd;
	info->ssthresh = a->ssthresh;
	info->in_flight = in_flight(t, a);
	info->lost = a->board.lost;
	info->srtt_us = a->srtt_us;
	info->rttvar_us = a->rttvar_us;
	info->rto_us = (uint32_t)(rto_of(ctx, a) / 1000);
	info->in_recovery = a->flags & (TCP_ACT_RECOVERY | TCP_ACT_LOSS);
}
