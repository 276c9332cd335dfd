/* tcp_loss.c - connections with SACK: what an ACK says of losses (RFC 6675, 8985, 2018, 2883). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/recover.h"

/* --- taking in --- */

/* RFC 2883 4: the first block reports octets that came twice when it lies below the ACK (no more
 * than a window) or inside of the second. */
static bool
is_dsack(const struct tcp_act *a, const struct tcp_seg *seg)
{
	const struct tcp_sack_block *b = seg->sack;
	uint32_t window = a->max_wnd > UINT16_MAX ? a->max_wnd : UINT16_MAX;

	if (!seq_lt(b[0].start, b[0].end))
		return false;
	if (seq_leq(b[0].end, seg->ack))
		return seq_geq(b[0].start, seg->ack - window);
	return seg->n_sack > 1 && seq_leq(b[1].start, b[0].start) && seq_leq(b[0].end, b[1].end);
}

static void
take_block(struct tcp_ctx *ctx, struct tcp_act *a, const struct tcp_sack_block *b,
	   struct loss_news *n)
{
	uint32_t before = n->board.octets;

	/* Not of what is in flight: too old, invented, or empty. */
	if (!seq_lt(b->start, b->end) || seq_lt(b->start, a->board.start) ||
	    seq_gt(b->end, a->snd_max)) {
		ctx->stats.sack_blocks_bad++;
		return;
	}
	board_sacked(&a->board, &ctx->blocks, b->start, b->end, &n->board);
	ctx->stats.sack_blocks_in += n->board.octets != before;
}

static void
take_blocks(struct tcp_ctx *ctx, struct tcp_act *a, const struct tcp_seg *seg, struct loss_news *n)
{
	uint32_t before = n->board.octets;
	unsigned first = 0;

	if (seg->n_sack > 0 && is_dsack(a, seg)) {
		ctx->stats.dsack_in++;
		n->dsack = seg->sack[0];
		first = 1;
	}
	if (a->board.n == 0)
		return;
	for (unsigned i = first; i < seg->n_sack; i++)
		take_block(ctx, a, &seg->sack[i], n);
	if (n->board.octets != before && a->dup_acks < UINT8_MAX)
		a->dup_acks++;
}

/* RTT of what was sent last of all that has arrived; of what was sent twice only when a timestamp
 * says that the later copy was answered. For SRTT one measurement a round trip counts, for which
 * the gains of RFC 6298 are made (RFC 7323 G asks for smaller ones where every ACK counts). */
static void
measure(const struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg, uint64_t now,
	struct loss_news *n)
{
	const struct board_news *b = &n->board;
	uint32_t sent_us;

	if (b->timed)
		sent_us = b->timed_us;
	else if (b->again && t->flags & TCB_TIMESTAMPS && seg->opts & TCP_OPT_TIMESTAMP &&
		 !rack_is_ambiguous(t, a, seg, b->again_us, now))
		sent_us = b->again_us;
	else
		return;
	n->rtt_us = us_of(now) - sent_us;
	if (n->rtt_us == 0)
		n->rtt_us = 1;
	rack_note_rtt(a, n->rtt_us, now);
	a->flags &= ~(uint32_t)TCP_ACT_PROBED;
	if (now / 1000 - n->rtt_us < a->rtt_at / 1000 && a->backoff == 0)
		return; /* left before the last measurement was made */
	a->rtt_at = now;
	rtt_sample(a, n->rtt_us);
}

void
loss_take(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
	  uint64_t now, struct loss_news *n)
{
	*n = (struct loss_news){
	    .una = t->snd_una,
	    .flight = a->snd_max - t->snd_una,
	    .pipe = in_flight(t, a),
	    .outstanding = a->snd_max - t->snd_una - a->board.sacked,
	};
	if (seq_gt(seg->ack, t->snd_una)) {
		board_acked(&a->board, &ctx->blocks, seg->ack, &n->board);
		a->dup_acks = 0;
	}
	if (seg->opts & TCP_OPT_SACK)
		take_blocks(ctx, a, seg, n);
	measure(t, a, seg, now, n);
}

/* --- recovery --- */

static void
reduce(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint32_t flight, uint64_t now)
{
	uint32_t used = flight < a->cwnd ? flight : a->cwnd;

	undo_arm(ctx, t, a, used, now);
	/* RFC 3168 6.1.2: one response for a window, to ECE or to a loss. */
	if (a->flags & TCP_ACT_ECN_REDUCED && seq_lt(t->snd_una, a->ecn_end))
		a->ssthresh = a->cwnd;
	else
		cc_reduce(ctx, t, a, used);
}

/* RFC 6675 5 (4), with RACK's idea of a loss. */
static void
enter_recovery(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct loss_news *n,
	       uint64_t now)
{
	reduce(ctx, t, a, n->flight, now);
	a->recover = a->snd_max;
	a->flags |= TCP_ACT_RECOVERY;
	a->flags &= ~(uint32_t)TCP_ACT_PROBE_OUT; /* this is the response to what it has found */
	ctx->stats.fast_retransmits++;
	prr_begin(a, n->outstanding);
}

/* RFC 6675 5 (A): all that was in flight at the beginning is acknowledged. True: this ACK ended a
 * fast recovery. */
static bool
leave_recovery(const struct tcb *t, struct tcp_act *a)
{
	bool was_fast = a->flags & TCP_ACT_RECOVERY;

	if (!(a->flags & (TCP_ACT_RECOVERY | TCP_ACT_LOSS)) || seq_lt(t->snd_una, a->recover))
		return false;
	if (was_fast)
		a->cwnd = a->ssthresh; /* RFC 9937 6.2 */
	a->flags &= ~(uint32_t)(TCP_ACT_RECOVERY | TCP_ACT_LOSS);
	rack_left_recovery(a);
	return was_fast;
}

/* A probe has repaired a loss: as after a recovery, only that there is nothing left to repair. */
static void
respond_to_probe(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct loss_news *n,
		 uint64_t now)
{
	if (a->flags & (TCP_ACT_RECOVERY | TCP_ACT_LOSS))
		return;
	reduce(ctx, t, a, n->flight, now);
	a->flags &= ~(uint32_t)TCP_ACT_UNDO;
	if (a->cwnd > a->ssthresh)
		a->cwnd = a->ssthresh;
}

static void
set_timer(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t reordering_us,
	  bool has_moved, uint64_t now)
{
	if (reordering_us > 0) {
		a->loss_at = now + reordering_us * 1000ull;
		a->flags &= ~(uint32_t)TCP_ACT_PROBE_TIMER;
		return;
	}
	if (!(a->flags & TCP_ACT_PROBE_TIMER))
		a->loss_at = TCP_NEVER;
	if (has_moved || a->board.sacked > 0)
		tlp_schedule(ctx, t, a, now);
}

/* The window that this ACK leaves. */
static void
set_window(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a,
	   const struct loss_news *n, bool has_left, bool has_lost, uint64_t now)
{
	uint32_t acked = t->snd_una - n->una;

	if (a->flags & TCP_ACT_RECOVERY)
		prr_acked(t, a, n->board.octets, acked > 0 && !has_lost);
	else if (acked > 0 && !has_left)
		cc_grow(ctx, t, a, acked, n->pipe, n->rtt_us, now);
}

void
loss_conclude(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
	      uint64_t now, const struct loss_news *n)
{
	bool has_moved = t->snd_una != n->una, has_left, has_lost;
	uint32_t lost, reordering_us;

	rack_update(t, a, seg, n, now);
	has_left = has_moved && undo_acked(ctx, t, a, seg, n->board.octets, now);
	has_left |= has_moved && leave_recovery(t, a);
	if (has_moved)
		a->recover = seq_max(a->recover, t->snd_una - 1); /* never half the space behind */
	rack_adapt(t, a, !is_empty_block(&n->dsack) && !(a->flags & TCP_ACT_PROBE_OUT));
	if (tlp_acked(t, a, seg, n))
		respond_to_probe(ctx, t, a, n, now);
	lost = a->board.lost;
	reordering_us = rack_detect(ctx, t, a, now);
	has_lost = a->board.lost > lost;
	if (has_lost && !(a->flags & (TCP_ACT_RECOVERY | TCP_ACT_LOSS)))
		enter_recovery(ctx, t, a, n, now);
	set_window(ctx, t, a, n, has_left, has_lost, now);
	set_timer(ctx, t, a, reordering_us, has_moved, now);
}

/* --- timers --- */

/* Time has run out for what was thought to be reordered (RFC 8985 6.2 step 5). */
static void
reordering_expired(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now)
{
	const struct loss_news n = {
	    .una = t->snd_una,
	    .flight = a->snd_max - t->snd_una,
	    .outstanding = a->snd_max - t->snd_una - a->board.sacked,
	};
	uint32_t lost = a->board.lost, again_us;

	a->loss_at = TCP_NEVER;
	again_us = rack_detect(ctx, t, a, now);
	if (a->board.lost > lost && !(a->flags & (TCP_ACT_RECOVERY | TCP_ACT_LOSS)))
		enter_recovery(ctx, t, a, &n, now);
	if (a->flags & TCP_ACT_RECOVERY && a->prr.out == 0)
		prr_acked(t, a, 0, false);
	set_timer(ctx, t, a, again_us, false, now);
}

void
loss_timer_expired(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now,
		   struct tcp_out *out)
{
	if (a->flags & TCP_ACT_PROBE_TIMER)
		tlp_send(ctx, t, a, now, out);
	else
		reordering_expired(ctx, t, a, now);
}

/* What was reported still counts (RFC 6675 5.1), unless the peer shows that it has thrown it away:
 * then all of it is as if it had never been reported (RFC 2018 8). */
void
loss_timeout(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now)
{
	undo_arm(ctx, t, a, a->snd_max - t->snd_una, now);
	cc_timeout(ctx, t, a);
	if (board_is_reneged(&a->board, &ctx->blocks)) {
		ctx->stats.sack_reneged++;
		board_forget_reports(&a->board, &ctx->blocks);
	}
	rack_timeout(ctx, t, a, now);
	a->flags |= TCP_ACT_LOSS;
	a->flags &= ~(uint32_t)(TCP_ACT_PROBE_OUT | TCP_ACT_PROBE_TIMER);
	a->loss_at = TCP_NEVER;
}
