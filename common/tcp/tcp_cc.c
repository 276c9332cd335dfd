/* tcp_cc.c - windows and thresholds: NewReno's (RFC 5681, 3465), CUBIC's (9438, 9406). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

/* Segments that one ACK may open the window by in slow start: L of RFC 3465 2.2, and of RFC 9406
 * 4.2 without pacing. */
enum { NEWRENO_L = 2, HYSTART_L = 8, CSS_GROWTH_DIVISOR = 4 };

static bool
is_cubic(const struct tcp_ctx *ctx, const struct tcb *t)
{
	return profile_of(ctx, t)->cc == TCP_CC_CUBIC;
}

/* ssthresh is as high as can be (RFC 5681 3.1): the first slow start, which HyStart++ watches. */
static bool
is_first_slow_start(const struct tcp_act *a)
{
	return a->ssthresh == UINT32_MAX;
}

uint32_t
cc_initial_window(const struct tcp_ctx *ctx, const struct tcb *t)
{
	uint32_t mss = effective_mss(t), segments = ctx->cfg.initial_window;
	uint32_t limit = segments * 1460 > 2 * mss ? segments * 1460 : 2 * mss;

	return segments * mss < limit ? segments * mss : limit; /* RFC 6928 2 */
}

/* What the algorithm keeps is written when first wanted: most connections never come so far. */
static void
prepare(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a)
{
	if (a->ready & TCP_READY_CC)
		return;
	a->ready |= TCP_READY_CC;
	if (!is_cubic(ctx, t))
		a->acked_octets = 0;
	else if (is_first_slow_start(a))
		hystart_init(&a->hystart, a->snd_max);
	else
		cubic_init(&a->cubic);
}

/* --- growing --- */

/* A window that is not used up says nothing about the path (RFC 7661 explains): it does not
 * grow. */
static bool
is_window_used(const struct tcb *t, const struct tcp_act *a, uint32_t flight)
{
	if (a->cwnd < a->ssthresh)
		return 2 * flight >= a->cwnd;
	return flight + effective_mss(t) > a->cwnd;
}

static void
avoid(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t acked,
      uint64_t now)
{
	uint32_t mss = effective_mss(t);

	if (is_cubic(ctx, t)) {
		a->cwnd = cubic_avoid(&a->cubic, a->cwnd, acked, mss, a->srtt_us, ms_of(now));
		return;
	}
	a->acked_octets += acked; /* RFC 3465 2.1 */
	if (a->acked_octets >= a->cwnd) {
		a->acked_octets -= a->cwnd;
		a->cwnd += mss;
	}
}

/* By how much one ACK may open the window in slow start; 0: slow start is over. */
static uint32_t
slow_start_gain(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t acked,
		uint32_t rtt_us)
{
	uint32_t mss = effective_mss(t);
	uint32_t most = (is_cubic(ctx, t) ? HYSTART_L : NEWRENO_L) * mss;

	if (seq_lt(t->snd_una, a->recover)) /* RFC 3465 2.3: while a timeout is being repaired */
		most = mss;
	if (acked > most)
		acked = most;
	if (!is_cubic(ctx, t) || !is_first_slow_start(a))
		return acked;
	switch (hystart_ack(&a->hystart, t->snd_una, a->snd_max, rtt_us)) {
	case HYSTART_DONE:
		return 0;
	case HYSTART_CONSERVATIVE:
		return acked / CSS_GROWTH_DIVISOR + 1;
	default:
		return acked;
	}
}

void
cc_grow(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t acked,
	uint32_t flight, uint32_t rtt_us, uint64_t now)
{
	if (!is_window_used(t, a, flight)) {
		if (a->ready & TCP_READY_CC && is_cubic(ctx, t) && !is_first_slow_start(a))
			cubic_limited(&a->cubic, ms_of(now));
		return;
	}
	prepare(ctx, t, a);
	if (a->cwnd >= a->ssthresh) {
		avoid(ctx, t, a, acked, now);
		return;
	}
	uint32_t gain = slow_start_gain(ctx, t, a, acked, rtt_us);

	a->cwnd += gain;
	if (gain == 0) { /* RFC 9406 4.2 */
		a->ssthresh = a->cwnd;
		cubic_init(&a->cubic);
	}
}

/* --- shrinking --- */

/* RFC 5681 (4) */
static uint32_t
half_of(const struct tcb *t, uint32_t flight)
{
	uint32_t least = 2u * effective_mss(t);

	return flight / 2 > least ? flight / 2 : least;
}

static uint32_t
reduced(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t flight,
	bool is_timeout)
{
	uint32_t mss = effective_mss(t);

	prepare(ctx, t, a);
	if (!is_cubic(ctx, t)) {
		a->acked_octets = 0;
		return half_of(t, flight);
	}
	if (is_first_slow_start(a))
		cubic_init(&a->cubic);
	return is_timeout ? cubic_timeout(&a->cubic, a->cwnd, flight, mss)
			  : cubic_reduce(&a->cubic, a->cwnd, flight, mss);
}

void
cc_reduce(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t flight)
{
	a->ssthresh = reduced(ctx, t, a, flight, false);
}

void
cc_timeout(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a)
{
	uint32_t flight = a->snd_max - t->snd_una;

	/* RFC 5681 3.1: not again for the same segment; and never up while a loss is being
	 * repaired. */
	if (a->flags & TCP_ACT_RECOVERY) {
		uint32_t half = half_of(t, flight);

		a->ssthresh = a->ssthresh < half ? a->ssthresh : half;
	} else if (a->unanswered == 0) {
		a->ssthresh = reduced(ctx, t, a, flight, true);
	}
	a->cwnd = effective_mss(t);
	a->recover = a->snd_max; /* RFC 6582 4 */
	a->dup_acks = 0;
	a->flags &= ~(uint32_t)TCP_ACT_RECOVERY;
}

void
cc_ecn_reduce(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now)
{
	bool is_reduced = a->flags & TCP_ACT_ECN_REDUCED && seq_lt(t->snd_una, a->ecn_end);

	(void)now;
	/* Not before the peer could have heard of the last one, nor while a loss in the same window
	 * has reduced it. */
	if (is_reduced || a->flags & (TCP_ACT_CWR_DUE | TCP_ACT_RECOVERY | TCP_ACT_LOSS) ||
	    seq_lt(t->snd_una, a->recover))
		return;
	cc_reduce(ctx, t, a, a->cwnd);
	if (a->cwnd > a->ssthresh)
		a->cwnd = a->ssthresh;
	a->ecn_end = a->snd_max;
	a->flags |= TCP_ACT_ECN_REDUCED | TCP_ACT_CWR_DUE;
}
