/* tcp_newreno.c - congestion control: RFC 5681, NewReno (6582), limited transmit (3042), byte counting (3465). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

enum { DUP_ACK_THRESHOLD = 3 };

uint32_t
cc_initial_window(const struct tcp_ctx *ctx, const struct tcb *t)
{
	uint32_t mss = effective_mss(t), segments = ctx->cfg.initial_window;
	uint32_t limit = segments * 1460 > 2 * mss ? segments * 1460 : 2 * mss;

	return segments * mss < limit ? segments * mss : limit; /* RFC 6928 2 */
}

/* The new ssthresh (RFC 5681 (4)). */
static uint32_t
half_of(const struct tcb *t, uint32_t flight)
{
	uint32_t least = 2u * effective_mss(t);

	return flight / 2 > least ? flight / 2 : least;
}

static void
grow(const struct tcb *t, struct tcp_act *a, uint32_t acked)
{
	uint32_t mss = effective_mss(t);

	if (a->cwnd < a->ssthresh) {
		/* RFC 3465 2.2: L = 2, and 1 while a timeout is being repaired (2.3). */
		uint32_t limit = seq_lt(t->snd_una, a->recover) ? mss : 2 * mss;

		a->cwnd += acked < limit ? acked : limit;
		return;
	}
	a->acked_octets += acked; /* RFC 3465 2.1 */
	if (a->acked_octets >= a->cwnd) {
		a->acked_octets -= a->cwnd;
		a->cwnd += mss;
	}
}

/* A window that is not used up says nothing about the path (RFC 7661 explains): it does not grow. */
static bool
is_window_used(const struct tcb *t, const struct tcp_act *a, uint32_t flight)
{
	if (a->cwnd < a->ssthresh)
		return 2 * flight >= a->cwnd;
	return flight + effective_mss(t) > a->cwnd;
}

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
		a->acked_octets = 0;
		return false;
	}
	a->cwnd = a->cwnd > acked + mss ? a->cwnd - acked : mss;
	if (acked >= mss)
		a->cwnd += mss;
	return true;
}

bool
cc_acked(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint32_t acked, uint32_t flight)
{
	(void)ctx;
	a->dup_acks = 0;
	if (a->flags & TCP_ACT_RECOVERY)
		return recovery_acked(t, a, acked);
	/* Left behind by half the sequence space it would seem to be ahead. */
	a->recover = seq_max(a->recover, t->snd_una - 1);
	if (is_window_used(t, a, flight))
		grow(t, a, acked);
	return false;
}

bool
cc_duplicate(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a)
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
	a->ssthresh = half_of(t, seq_min(a->snd_max, t->snd_una + a->cwnd) - t->snd_una);
	a->recover = a->snd_max;
	a->cwnd = a->ssthresh + DUP_ACK_THRESHOLD * effective_mss(t);
	a->flags |= TCP_ACT_RECOVERY;
	ctx->stats.fast_retransmits++;
	return true;
}

void
cc_timeout(struct tcb *t, struct tcp_act *a)
{
	if (a->unanswered == 0) /* RFC 5681 3.1: not again for the same segment */
		a->ssthresh = half_of(t, a->snd_max - t->snd_una);
	a->cwnd = effective_mss(t);
	a->acked_octets = 0;
	a->recover = a->snd_max; /* RFC 6582 4 */
	a->dup_acks = 0;
	a->flags &= ~(uint32_t)TCP_ACT_RECOVERY;
}

void
cc_ecn_reduce(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now)
{
	bool is_reduced = a->flags & TCP_ACT_ECN_REDUCED && seq_lt(t->snd_una, a->ecn_end);

	(void)ctx;
	(void)now;
	/* Not before the peer could have heard of the last one, nor while a loss in the same window has reduced it. */
	if (is_reduced || a->flags & (TCP_ACT_CWR_DUE | TCP_ACT_RECOVERY) ||
	    seq_lt(t->snd_una, a->recover))
		return;
	a->ssthresh = half_of(t, a->cwnd);
	a->cwnd = a->ssthresh;
	a->acked_octets = 0;
	a->ecn_end = a->snd_max;
	a->flags |= TCP_ACT_ECN_REDUCED | TCP_ACT_CWR_DUE;
}

uint32_t
cc_window(const struct tcb *t, const struct tcp_act *a)
{
	/* RFC 3042: the first two duplicates each let one new segment out. */
	if (!(a->flags & TCP_ACT_RECOVERY) && a->dup_acks > 0 && a->dup_acks < DUP_ACK_THRESHOLD &&
	    t->snd_nxt == a->snd_max)
		return a->cwnd + a->dup_acks * (uint32_t)effective_mss(t);
	return a->cwnd;
}
