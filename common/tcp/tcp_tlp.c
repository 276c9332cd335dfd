/* tcp_tlp.c - a loss at the end of a flight: a probe brings the ACK that tells (RFC 8985 7). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/recover.h"

/* A probe is never due earlier than this: timers are not finer. */
#define PTO_MIN_NS	 (2ull * NS_PER_MS)
#define PTO_WITHOUT_RTT	 (1000ull * NS_PER_MS)
#define MAX_ACK_DELAY_NS (200ull * NS_PER_MS) /* TLP.max_ack_delay */

/* RFC 8985 7.2 */
static uint64_t
probe_timeout(const struct tcb *t, const struct tcp_act *a)
{
	uint64_t pto = PTO_WITHOUT_RTT;

	if (a->srtt_us > 0) {
		pto = 2000ull * a->srtt_us;
		/* Octets that fit into one segment may wait for a delayed ACK. */
		if (in_flight(t, a) <= effective_mss(t))
			pto += MAX_ACK_DELAY_NS;
	}
	return pto < PTO_MIN_NS ? PTO_MIN_NS : pto;
}

/* Nothing is lost or out of order, no probe is out, and RTT was measured since the last one (7.2,
 * 7.3). */
static bool
may_probe(const struct tcb *t, const struct tcp_act *a)
{
	const uint32_t prevents =
	    TCP_ACT_RECOVERY | TCP_ACT_LOSS | TCP_ACT_PERSIST | TCP_ACT_PROBE_OUT | TCP_ACT_PROBED;

	return a->board.n > 0 && a->board.sacked == 0 && a->board.lost == 0 &&
	       !(a->flags & prevents) && t->snd_una != a->snd_max && a->rexmt_at != TCP_NEVER;
}

void
tlp_schedule(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint64_t now)
{
	uint64_t at;

	(void)ctx;
	if (a->loss_at != TCP_NEVER && !(a->flags & TCP_ACT_PROBE_TIMER))
		return; /* RACK waits for reordering */
	a->flags &= ~(uint32_t)TCP_ACT_PROBE_TIMER;
	a->loss_at = TCP_NEVER;
	if (!may_probe(t, a))
		return;
	at = now + probe_timeout(t, a);
	a->loss_at = at < a->rexmt_at ? at : a->rexmt_at;
	a->flags |= TCP_ACT_PROBE_TIMER;
}

/* RFC 8985 7.4.2 */
bool
tlp_acked(struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg, const struct loss_news *n)
{
	bool is_plain_duplicate = t->snd_una == n->una && !(seg->opts & TCP_OPT_SACK) &&
				  tcp_seg_len(seg) == 0 && snd_scaled(t, seg) == t->snd_wnd;

	if (!(a->flags & TCP_ACT_PROBE_OUT) || seq_lt(seg->ack, a->probe_end))
		return false;
	if (!(a->flags & TCP_ACT_PROBE_AGAIN) ||
	    (!is_empty_block(&n->dsack) && n->dsack.end == a->probe_end) || is_plain_duplicate) {
		a->flags &=
		    ~(uint32_t)TCP_ACT_PROBE_OUT; /* both copies arrived: nothing was lost */
		return false;
	}
	if (seg->ack == a->probe_end)
		return false; /* not decided yet */
	a->flags &= ~(uint32_t)TCP_ACT_PROBE_OUT;
	return true;
}

/* The next octets if there are any that the peer takes, else the last segment again; cwnd is not
 * asked (7.3). */
static bool
send_probe(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now, struct tcp_out *out)
{
	uint32_t mss = effective_mss(t), end = snd_data_end(t, a);
	uint32_t edge = t->snd_una + t->snd_wnd;

	a->flags &= ~(uint32_t)TCP_ACT_PROBE_AGAIN;
	if (seq_lt(a->snd_max, end) && seq_lt(a->snd_max, edge)) {
		uint32_t len = seq_min(end, edge) - a->snd_max;

		return send_segment(ctx, t, a, a->snd_max, len < mss ? len : mss, false, now, out);
	}
	uint32_t seq = seq_max(a->last_seg, t->snd_una);
	bool fin = a->snd_max != seq_min(a->snd_max, end);
	uint32_t len = a->snd_max - fin - seq;

	if (len > mss) {
		seq += len - mss;
		len = mss;
	}
	if (seq_gt(a->snd_max, edge))
		return false; /* the window has shrunk: he would not look at it */
	a->flags |= TCP_ACT_PROBE_AGAIN;
	return send_segment(ctx, t, a, seq, len, fin, now, out);
}

void
tlp_send(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now, struct tcp_out *out)
{
	a->flags &= ~(uint32_t)TCP_ACT_PROBE_TIMER;
	a->loss_at = TCP_NEVER;
	if (!may_probe(t, a))
		return;
	if (send_probe(ctx, t, a, now, out)) {
		ctx->stats.loss_probes_out++;
		a->probe_end = a->snd_max;
		a->flags |= TCP_ACT_PROBE_OUT | TCP_ACT_PROBED;
	}
	a->rexmt_at = now + rto_of(ctx, a); /* whether it was sent or not (7.3) */
}
