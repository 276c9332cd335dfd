/* tcp_state.c - a connection's states and its end (RFC 9293 3.3.2), and an engine's beginning. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

#include <string.h>

const char *
tcp_state_name(enum tcp_state state)
{
	static const char *const names[TCP_N_STATES] = {
	    [TCP_FREE] = "FREE",
	    [TCP_CLOSED] = "CLOSED",
	    [TCP_SYN_SENT] = "SYN-SENT",
	    [TCP_SYN_RECEIVED] = "SYN-RECEIVED",
	    [TCP_ESTABLISHED] = "ESTABLISHED",
	    [TCP_FIN_WAIT_1] = "FIN-WAIT-1",
	    [TCP_FIN_WAIT_2] = "FIN-WAIT-2",
	    [TCP_CLOSE_WAIT] = "CLOSE-WAIT",
	    [TCP_CLOSING] = "CLOSING",
	    [TCP_LAST_ACK] = "LAST-ACK",
	    [TCP_TIME_WAIT] = "TIME-WAIT",
	};

	return state < TCP_N_STATES ? names[state] : "?";
}

void
set_state(struct tcb *t, enum tcp_state state)
{
	t->state = state & 15;
}

void
end_connection(struct tcp_ctx *ctx, struct tcb *t, uint32_t events, struct tcp_out *out)
{
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		ctx->stats.open_failed++;
	if (events & TCP_EV_RESET)
		ctx->stats.reset_by_peer++;
	if (events & TCP_EV_TIMEOUT)
		ctx->stats.timed_out++;
	ctx->stats.closed++;
	act_put(ctx, t);
	set_state(t, TCP_CLOSED);
	out->events |= TCP_EV_CLOSED | events;
}

void
tell_trouble(const struct tcp_ctx *ctx, const struct tcb *t, uint16_t what, struct tcp_out *out)
{
	if (!profile_of(ctx, t)->notify_trouble)
		return;
	out->events |= TCP_EV_TROUBLE;
	out->trouble = what;
}

void
enter_established(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);

	set_state(t, TCP_ESTABLISHED);
	ctx->stats.established++;
	a->backoff = a->unanswered = 0;
	a->rexmt_now = false;
	a->rexmt_at = TCP_NEVER;
	a->last_ns = now;
	/* RFC 5681 3.1: one segment when the SYN or its answer had to be repeated. */
	a->cwnd = cc_initial_window(ctx, t);
	if (a->flags & TCP_ACT_SYN_REXMT) {
		a->cwnd = effective_mss(t);
		a->flags |= TCP_ACT_SLOW_RTO;
	}
	a->recover = t->snd_una - 1;
	if (a->flags & TCP_ACT_FIN_QUEUED)
		set_state(t, TCP_FIN_WAIT_1); /* closed before it was open (RFC 9293 3.10.4) */
	out->events |= TCP_EV_ESTABLISHED;
}

void
enter_time_wait(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	set_state(t, TCP_TIME_WAIT);
	tcb_touch(ctx, t, now);
	out->events |= TCP_EV_TIME_WAIT;
}

void
tcp_config_default(struct tcp_config *c)
{
	*c = (struct tcp_config){
	    .rcvbuf = 64 << 10,
	    .sndbuf = 64 << 10,
	    .mss = 1460,
	    .initial_window = 10,
	    .timestamps = true,
	    .window_scale = true,
	    .sack = true,
	    .nagle = true,
	    .delack_ns = 40ull * NS_PER_MS,
	    .rto_min_ns = 200ull * NS_PER_MS,
	    .rto_max_ns = 120000ull * NS_PER_MS,
	    .rto_initial_ns = 1000ull * NS_PER_MS,
	    .syn_retries = 6,
	    .synack_retries = 5,
	    .retries = 15,
	    .time_wait_ns = 60000ull * NS_PER_MS,
	    .fin_wait_2_ns = 60000ull * NS_PER_MS,
	};
}

static uint64_t
acts_bytes(uint32_t n_acts)
{
	return ((uint64_t)n_acts * sizeof(struct tcp_act) + 63) & ~63ull;
}

uint64_t
tcp_ctx_bytes(uint32_t n_acts, uint32_t n_small, uint32_t n_large)
{
	return acts_bytes(n_acts) + block_pools_bytes(n_small, n_large);
}

void
tcp_ctx_init(struct tcp_ctx *ctx, const struct tcp_config *cfg, const uint8_t secret[16],
	     struct pool *tcbs, void *mem, uint32_t n_acts, uint32_t n_small, uint32_t n_large,
	     uint64_t now)
{
	/* Timers of about 1 ms: RTO and delayed ACK need no finer ones. */
	enum { TICK_SHIFT = 20 };
	static const struct tcp_profile plain;

	memset(ctx, 0, sizeof(*ctx));
	ctx->cfg = *cfg;
	if (ctx->cfg.profiles == NULL)
		ctx->cfg.profiles = &plain;
	memcpy(ctx->secret, secret, sizeof(ctx->secret));
	ctx->tcbs = tcbs;
	pool_init(&ctx->acts, mem, sizeof(struct tcp_act), n_acts);
	block_pools_init(&ctx->blocks, (uint8_t *)mem + acts_bytes(n_acts), n_small, n_large);
	wheel_init(&ctx->wheel, mem, sizeof(struct tcp_act), offsetof(struct tcp_act, timer),
		   TICK_SHIFT, now);
}
