/* tcp_sndq.c - the sending half of an active block, and its queue of octets. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

#include <string.h>

/* An idle connection of long standing starts with what its last block left behind. Of the window
 * only this survives: whether it was below the initial one (RFC 5681 4.1: RW = min(IW, cwnd)), and
 * then it starts from one segment. */
static void
restore(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a)
{
	a->srtt_us = expand_time(t->srtt);
	a->rttvar_us = expand_time(t->rttvar);
	a->ssthresh = expand_window(t->ssthresh);
	a->cwnd = cc_initial_window(ctx, t);
	if (t->flags & TCB_LOW_WINDOW) {
		a->cwnd = effective_mss(t);
		if (a->srtt_us == 0) /* nothing has been sent since the SYN was lost */
			a->flags |= TCP_ACT_SLOW_RTO;
	}
}

void
snd_init(struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a)
{
	a->snd_max = t->snd_nxt;
	a->recover = t->snd_nxt - 1;
	a->snd_wl1 = t->rcv_nxt;
	a->snd_wl2 = t->snd_una;
	a->max_wnd = t->snd_wnd;
	a->sndq = CHAIN_EMPTY;
	a->dup_acks = a->backoff = a->unanswered = 0;
	a->rexmt_now = false;
	a->rexmt_at = a->loss_at = TCP_NEVER;
	a->rtt_at = a->moved_ns = 0;
	board_init(&a->board, t->snd_una);
	a->rack = (struct tcp_rack){.reo_wnd_mult = 1};
	a->ready = 0;
	restore(ctx, t, a);
}

void
snd_free(struct tcp_ctx *ctx, struct tcp_act *a)
{
	chain_free(&ctx->blocks, &a->sndq);
	board_free(&a->board, &ctx->blocks);
}

void
snd_resend_all(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a)
{
	if (has_board(t))
		board_lose_all(&a->board, &ctx->blocks);
	else
		t->snd_nxt = t->snd_una;
}

uint32_t
snd_data_start(const struct tcb *t)
{
	return t->snd_una + (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED);
}

uint32_t
snd_data_end(const struct tcb *t, const struct tcp_act *a)
{
	return snd_data_start(t) + a->sndq.len;
}

/* --- reading it --- */

/*
 * A long queue is not walked from its head for each segment: two cursors stand where the last
 * segment ended, one for new octets and one for retransmissions. A cursor holds as long as the
 * octet before it is in the queue.
 */
static bool
is_usable(const struct tcp_act *a, unsigned i, uint32_t start, uint32_t seq)
{
	return a->ready & TCP_READY_CURSOR << i && seq_gt(a->cursor[i].seq, start) &&
	       seq_leq(a->cursor[i].seq, seq);
}

static struct tcp_cursor
nearest(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_act *a, uint32_t seq)
{
	uint32_t start = snd_data_start(t);
	struct tcp_cursor best = {a->sndq.head, start, block_at(&ctx->blocks, a->sndq.head)->off};

	for (unsigned i = 0; i < 2; i++)
		if (is_usable(a, i, start, seq) && seq_gt(a->cursor[i].seq, best.seq))
			best = a->cursor[i];
	return best;
}

/* The first one is where new octets end. */
static void
leave_cursor(const struct tcb *t, struct tcp_act *a, uint32_t seq, const struct tcp_cursor *c)
{
	bool is_new = !(a->ready & TCP_READY_CURSOR) || seq_geq(seq, a->cursor[0].seq) ||
		      seq_leq(a->cursor[0].seq, snd_data_start(t));
	unsigned i = is_new ? 0 : 1;

	a->cursor[i] = *c;
	a->ready |= (uint8_t)(TCP_READY_CURSOR << i);
}

/* Copies len octets from where c stands (nowhere: to NULL, only to get there), and moves it. */
static void
advance(const struct block_pools *p, struct tcp_cursor *c, uint32_t len, uint8_t *to)
{
	const struct block *b = block_at(p, c->block);

	c->seq += len;
	while (len > 0) {
		uint32_t n = (uint32_t)b->off + b->len - c->at;

		if (n == 0) {
			c->block = b->next;
			b = block_at(p, c->block);
			c->at = b->off;
			continue;
		}
		if (n > len)
			n = len;
		if (to) {
			memcpy(to, b->data + c->at, n);
			to += n;
		}
		c->at += n;
		len -= n;
	}
}

void
tcp_sndq_copy(const struct tcp_ctx *ctx, const struct tcb *t, uint32_t seq, uint32_t len,
	      uint8_t *to)
{
	struct tcp_act *a = act_of(ctx, t);

	if (len == 0)
		return;
	assert(seq_leq(snd_data_start(t), seq) && seq_leq(seq + len, snd_data_end(t, a)));
	struct tcp_cursor c = nearest(ctx, t, a, seq);

	advance(&ctx->blocks, &c, seq - c.seq, NULL);
	advance(&ctx->blocks, &c, len, to);
	if (a->sndq.head != a->sndq.tail)
		leave_cursor(t, a, seq, &c);
}
