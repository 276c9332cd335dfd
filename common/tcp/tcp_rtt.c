/* tcp_rtt.c - round-trip time and retransmission timeout (RFC 6298). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

enum { CLOCK_GRANULARITY_US = 1000 }; /* of timestamps; G in the RFC */

void
rtt_sample(struct tcp_act *a, uint32_t us)
{
	a->backoff = 0; /* only a measurement ends it (RFC 6298 5, Karn's algorithm) */
	if (us == 0)
		us = 1;	       /* srtt 0 means none */
	if (a->srtt_us == 0) { /* (2.2) */
		a->srtt_us = us;
		a->rttvar_us = us / 2;
		return;
	}
	uint32_t error = us > a->srtt_us ? us - a->srtt_us : a->srtt_us - us;

	a->rttvar_us =
	    (uint32_t)((3ull * a->rttvar_us + error) / 4); /* (2.3): beta 1/4, alpha 1/8 */
	a->srtt_us = (uint32_t)((7ull * a->srtt_us + us) / 8);
	if (a->srtt_us == 0)
		a->srtt_us = 1;
}

#define RTO_AFTER_LOST_SYN_NS (3000ull * NS_PER_MS)

uint64_t
rto_of(const struct tcp_ctx *ctx, const struct tcp_act *a)
{
	uint64_t rto = ctx->cfg.rto_initial_ns; /* (2.1) */

	if (a->srtt_us > 0) {
		uint64_t spread = 4ull * a->rttvar_us;

		if (spread < CLOCK_GRANULARITY_US)
			spread = CLOCK_GRANULARITY_US;
		rto = (a->srtt_us + spread) * 1000;
	} else if (a->flags & TCP_ACT_SLOW_RTO && rto < RTO_AFTER_LOST_SYN_NS) {
		rto = RTO_AFTER_LOST_SYN_NS; /* (5.7) */
	}
	if (rto < ctx->cfg.rto_min_ns) /* (2.4), with a smaller minimum than the RFC's second */
		rto = ctx->cfg.rto_min_ns;
	for (unsigned i = 0; i < a->backoff && rto < ctx->cfg.rto_max_ns; i++)
		rto *= 2;					      /* (5.5) */
	return rto < ctx->cfg.rto_max_ns ? rto : ctx->cfg.rto_max_ns; /* (2.5) */
}

/* A measurement, if seg->ack gives one: the segment that is being timed, or, while retransmissions
 * make that ambiguous, the timestamp that comes back, coarse as it is (RFC 6298 3, 7323 4). */
void
take_rtt(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a,
	 const struct tcp_seg *seg, uint64_t now)
{
	if (a->flags & TCP_ACT_TIMING) {
		if (seq_leq(seg->ack, a->rtt_seq))
			return;
		a->flags &= ~(uint32_t)TCP_ACT_TIMING;
		rtt_sample(a, (uint32_t)((now - a->rtt_at) / 1000));
	} else if (a->backoff > 0 && t->flags & TCB_TIMESTAMPS && seg->opts & TCP_OPT_TIMESTAMP &&
		   seg->tsecr != 0) {
		uint32_t ms = ms_of(now) + t->ts_offset - seg->tsecr;

		if (ms < ctx->cfg.rto_max_ns / NS_PER_MS)
			rtt_sample(a, ms * 1000);
	}
}
