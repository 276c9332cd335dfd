/* tcp_keepalive.c - what is due in long silence (RFC 9293 3.8.4, 7323 5.5). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

/*
 * All of it counts from the last activity, which probes of ours do not move: the number of those
 * that were not answered, four bits of the tcb, says when the next one is due. So an idle
 * connection needs no active block for it, and no timer: tcp_sweep.
 */

/* Where no other timer would notice that the peer is gone. */
static bool
may_be_silent(const struct tcb *t)
{
	return t->state == TCP_ESTABLISHED || t->state == TCP_CLOSE_WAIT;
}

/* What is in flight, or waits for the peer's window, is asked after anyway (MUST-26). */
static bool
has_nothing_to_send(const struct tcb *t, const struct tcp_act *a)
{
	return !a || (a->sndq.len == 0 && t->snd_una == a->snd_max);
}

static uint64_t
probe_span(const struct tcp_profile *p, const struct tcb *t)
{
	uint64_t interval = p->keepalive_interval_ns;

	if (interval == 0)
		interval = TCP_KEEPALIVE_INTERVAL_NS;
	return p->keepalive_ns + t->probes * interval;
}

static unsigned
max_probes(const struct tcp_profile *p)
{
	unsigned count = p->keepalive_count;

	if (count == 0)
		return TCP_KEEPALIVE_COUNT;
	return count < TCP_KEEPALIVE_COUNT_MAX ? count : TCP_KEEPALIVE_COUNT_MAX;
}

static uint64_t
idle_ends(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	uint64_t span = profile_of(ctx, t)->idle_ns;

	return span == 0 ? TCP_NEVER : tcb_after_activity(ctx, t, span, now);
}

static uint64_t
probe_due(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	const struct tcp_profile *p = profile_of(ctx, t);

	if (p->keepalive_ns == 0 || !has_nothing_to_send(t, act_of(ctx, t)))
		return TCP_NEVER;
	return tcb_after_activity(ctx, t, probe_span(p, t), now);
}

uint64_t
silence_deadline(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	uint64_t idle, probe;

	if (!may_be_silent(t))
		return TCP_NEVER;
	idle = idle_ends(ctx, t, now);
	probe = probe_due(ctx, t, now);
	return idle < probe ? idle : probe;
}

/* No octets (SHLD-12), and left of the peer's window: he must answer (3.10.7.4, first). */
static void
send_keepalive(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	const struct tcp_act *a = act_of(ctx, t);
	struct tcp_seg *s = emit(ctx, t, now, out, TCP_ACK, (a ? a->snd_max : t->snd_nxt) - 1);

	if (!s)
		return;
	put_sack(ctx, t, s);
	t->probes = (t->probes + 1) & 15;
	ctx->stats.keepalives_out++;
}

bool
silence_timeout(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	if (!may_be_silent(t))
		return true;
	if (idle_ends(ctx, t, now) <= now) {
		ctx->stats.idle_ended++;
		reset_peer(ctx, t, now, out);
		end_connection(ctx, t, TCP_EV_TIMEOUT, out);
		return false;
	}
	if (probe_due(ctx, t, now) > now)
		return true;
	/* Never for one alone (MUST-29). */
	if (t->probes >= max_probes(profile_of(ctx, t))) {
		ctx->stats.keepalive_ended++;
		end_connection(ctx, t, TCP_EV_TIMEOUT, out);
		return false;
	}
	send_keepalive(ctx, t, now, out);
	return true;
}

bool
tcp_sweep(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	if (t->state == TCP_FREE || t->state == TCP_CLOSED)
		return false;
	tcb_note_age(ctx, t, now);
	return tcp_deadline(ctx, t, now) <= now;
}
