/* tcp_newreno.c - recovery without SACK: NewReno (RFC 6582), limited transmit (3042). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"
#include "tcp/recover.h"

enum { DUP_ACK_THRESHOLD = 3 };

/* RFC 6582 3.2 steps 4 and 5: an ACK while in recovery. */
static bool
recovery_acked(struct tcb *t, struct tcp_act *a, uint32_t acked)
{
	uint32_t mss = effective_mss(t);
	uint32_t flight = a->snd_max - t->snd_una;

	if (seq_geq(t->snd_una, a->recover)) {
		uint32_t deflated = (flight > mss ? flight : mss) + mss;

		a->flags &= ~(uint32_t)TCP_ACT_RECOVERY;
		a->cwnd = a->ssthresh < deflated ? a->ssthresh : deflated;
		return false;
	}
	a->cwnd = a->cwnd > acked + mss ? a->cwnd - acked : mss;
	if (acked >= mss)
		a->cwnd += mss;
	return true;
}

bool
newreno_acked(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint32_t acked,
	      uint32_t flight, uint64_t now)
{
	a->dup_acks = 0;
	if (a->flags & TCP_ACT_RECOVERY)
		return recovery_acked(t, a, acked);
	if (seq_geq(t->snd_una, a->recover))
		a->flags &= ~(uint32_t)TCP_ACT_LOSS;
	/* Left behind by half the sequence space it would seem to be ahead. */
	a->recover = seq_max(a->recover, t->snd_una - 1);
	cc_grow(ctx, t, a, acked, flight, 0, now);
	return false;
}

bool
newreno_duplicate(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now)
{
	if (a->flags & TCP_ACT_RECOVERY) {
		if (a->cwnd <= t->snd_wnd) /* more would be of no use, and one day wrap */
			a->cwnd +=
			    effective_mss(t); /* RFC 5681 3.2 (4): one has left the network */
		return false;
	}
	if (a->dup_acks < UINT8_MAX)
		a->dup_acks++;
	/* RFC 6582 3.2 (1): not when the duplicates may stem from what a timeout has sent again. */
	if (a->dup_acks != DUP_ACK_THRESHOLD || seq_leq(t->snd_una, a->recover))
		return false;
	/* What limited transmit has sent beyond cwnd does not count (RFC 5681 3.2 (2)). */
	uint32_t flight = seq_min(a->snd_max, t->snd_una + a->cwnd) - t->snd_una;

	undo_arm(ctx, t, a, flight, now);
	cc_reduce(ctx, t, a, flight);
	a->recover = a->snd_max;
	a->cwnd = a->ssthresh + DUP_ACK_THRESHOLD * effective_mss(t);
	a->flags |= TCP_ACT_RECOVERY;
	ctx->stats.fast_retransmits++;
	return true;
}

uint32_t
newreno_window(const struct tcb *t, const struct tcp_act *a)
{
	/* RFC 3042: the first two duplicates each let one new segment out. */
	if (!(a->flags & TCP_ACT_RECOVERY) && a->dup_acks > 0 && a->dup_acks < DUP_ACK_THRESHOLD &&
	    t->snd_nxt == a->snd_max)
		return a->cwnd + a->dup_acks * (uint32_t)effective_mss(t);
	return a->cwnd;
}
