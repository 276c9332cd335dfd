/* tcp_half_open.c - SYN-RECEIVED from a listener, in the 64 octets of the tcb (RFC 4987 3.3, 9293 3.10.7.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

/*
 * Anybody can cause a half-open connection, so it must cost little: no active block. What its one segment, the SYN,ACK, needs is in
 * the tcb already; three numbers more lie where nothing is measured yet:
 *
 *	srtt, rttvar	when the SYN,ACK was sent, in microseconds, modulo 2^32
 *	ssthresh	how often it was sent again, and the two bits below
 *
 * Its deadlines are equal delays for each such count, so the host keeps lines of them, not timers. A connection that both ends opened at
 * once has a block from its SYN-SENT and keeps it: all here is for those that have none.
 */
enum {
	RETRIES_MASK = 0x3f,
	SYNACK_DUE = 0x40, /* to be sent with the next output */
	NOT_TIMED =
	    0x80, /* sent twice for one SYN: whose the ACK is could not be told (RFC 6298 3) */
};

static uint32_t
us_of(uint64_t now)
{
	return (uint32_t)(now / NS_PER_US);
}

static uint32_t
sent_us(const struct tcb *t)
{
	return (uint32_t)t->srtt << 16 | t->rttvar;
}

static void
set_sent(struct tcb *t, uint64_t now)
{
	t->srtt = (uint16_t)(us_of(now) >> 16);
	t->rttvar = (uint16_t)us_of(now);
}

static uint32_t
elapsed_us(const struct tcb *t, uint64_t now)
{
	return us_of(now) - sent_us(t);
}

static bool
is_sent(const struct tcb *t)
{
	return t->snd_nxt != t->snd_una;
}

unsigned
tcp_half_open_retries(const struct tcb *t)
{
	return t->ssthresh & RETRIES_MASK;
}

void
half_open_begin(struct tcb *t, uint64_t now)
{
	set_sent(t, now);
	t->ssthresh = SYNACK_DUE;
}

void
half_open_sent(struct tcb *t, uint64_t now)
{
	set_sent(t, now);
	t->ssthresh = NOT_TIMED;
}

/* A SYN that is answered again does not keep us half-open longer. */
void
half_open_syn_again(struct tcb *t)
{
	t->ssthresh |= SYNACK_DUE;
}

bool
half_open_wants_output(const struct tcb *t)
{
	return t->ssthresh & SYNACK_DUE || t->flags & TCB_ACK_NOW;
}

bool
half_open_output(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	if (!(t->ssthresh & SYNACK_DUE)) {
		if (t->flags & TCB_ACK_NOW)
			send_ack(ctx, t, now, out);
		return t->flags & TCB_ACK_NOW;
	}
	if (!emit(ctx, t, now, out, TCP_SYN | TCP_ACK, t->snd_una))
		return true;
	t->ssthresh &= (uint8_t)~SYNACK_DUE;
	if (is_sent(t)) {
		t->ssthresh |= NOT_TIMED;
		ctx->stats.segs_retransmitted++;
		return false;
	}
	t->snd_nxt = t->snd_una + 1;
	if (tcp_half_open_retries(t) == 0)
		set_sent(t, now);
	return false;
}

/* The first delay is RFC 6298 (2.1), each one after it twice as long (5.5). */
static uint64_t
delay_of(const struct tcp_ctx *ctx, const struct tcb *t)
{
	uint64_t delay = ctx->cfg.rto_initial_ns;

	for (unsigned i = tcp_half_open_retries(t); i > 0 && delay < ctx->cfg.rto_max_ns; i--)
		delay *= 2;
	return delay < ctx->cfg.rto_max_ns ? delay : ctx->cfg.rto_max_ns;
}

/* Never early: the microsecond that has begun is not over. */
uint64_t
half_open_deadline(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	uint64_t sent = now - now % NS_PER_US - (uint64_t)elapsed_us(t, now) * NS_PER_US;

	return sent + NS_PER_US + delay_of(ctx, t);
}

void
half_open_timeout(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	unsigned retries = tcp_half_open_retries(t);

	if (retries >= ctx->cfg.synack_retries || retries == RETRIES_MASK) {
		end_connection(ctx, t, TCP_EV_TIMEOUT, out);
		return;
	}
	ctx->stats.rto_expired++;
	set_sent(t, now);
	t->ssthresh = (uint8_t)((retries + 1) | NOT_TIMED | SYNACK_DUE);
	half_open_output(ctx, t, now, out);
}

/* The handshake's round trip, 0: it cannot be told. After a retransmission only the timestamp that comes back can tell (RFC 7323 4). */
static uint32_t
handshake_us(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_seg *seg,
	     uint64_t now)
{
	uint32_t us = elapsed_us(t, now), ms;

	if (!(t->ssthresh & NOT_TIMED))
		return us > 0 ? us : 1;
	if (tcp_half_open_retries(t) == 0 || !(t->flags & TCB_TIMESTAMPS) ||
	    !(seg->opts & TCP_OPT_TIMESTAMP) || seg->tsecr == 0)
		return 0;
	ms = ms_of(now) + t->ts_offset - seg->tsecr;
	return ms == 0 ? 1 : ms < ctx->cfg.rto_max_ns / NS_PER_MS ? ms * 1000 : 0;
}

/* Our SYN is acknowledged: ESTABLISHED, and still without an active block. */
static void
establish(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	uint32_t us = handshake_us(ctx, t, seg, now);

	t->flags &= (uint16_t)~TCB_LOW_WINDOW;
	if (tcp_half_open_retries(t) > 0) /* RFC 5681 3.1: one segment, to begin with */
		t->flags |= TCB_LOW_WINDOW;
	t->srtt = compact_time(us);
	t->rttvar = compact_time(us / 2); /* RFC 6298 (2.2) */
	t->ssthresh = UINT8_MAX;
	t->snd_una = seg->ack;
	t->snd_wnd = snd_scaled(t, seg);
	set_state(t, TCP_ESTABLISHED);
	tcb_touch(ctx, t, now);
	ctx->stats.established++;
	out->events |= TCP_EV_ESTABLISHED;
}

bool
half_open_ack(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	      struct tcp_out *out)
{
	if (!is_sent(t) || seg->ack != t->snd_nxt) {
		ctx->stats.drop_ack++;
		send_reset_for(ctx, seg, out);
		return false;
	}
	establish(ctx, t, seg, now, out);
	return true;
}

void
half_open_promote(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint64_t now)
{
	unsigned retries = tcp_half_open_retries(t);

	a->srtt_us = a->rttvar_us = 0;
	a->ssthresh = UINT32_MAX;
	a->backoff = a->unanswered = (uint8_t)retries;
	a->rexmt_now = t->ssthresh & SYNACK_DUE;
	if (is_sent(t))
		a->rexmt_at = half_open_deadline(ctx, t, now);
	if (retries > 0)
		a->flags |= TCP_ACT_SYN_REXMT;
	if (is_sent(t) && !(t->ssthresh & NOT_TIMED)) {
		a->flags |= TCP_ACT_TIMING;
		a->rtt_seq = t->snd_una;
		a->rtt_at = now - (uint64_t)elapsed_us(t, now) * NS_PER_US;
	}
}
