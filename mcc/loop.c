/* loop.c - the loop of a thread over our own stack. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/carrier.h"
#include "mcc/native.h"

enum {
	FRAMES_BATCH = 64,
	LOOK_NS = 10000000,  /* while there is no load yet */
	BLOCKED_NS = 200000, /* nothing wakes us when the wire has room again */
	SPIN_NS =
	    100000, /* a sleep ends late by some tens of us: the last part before a departure is spun */
};

static void
stock_frames(struct stack *s)
{
	struct frame f[FRAMES_BATCH];
	unsigned n = stack_frames_short(s);

	if (n > FRAMES_BATCH)
		n = FRAMES_BATCH;
	if (n > 0 && dp_frames_get(f, n))
		stack_give_frames(s, f, n);
}

/* How many left. With frames still there, or with work for which there are no frames, the client is to wait. */
static unsigned
transmit(struct native *n, uint64_t now)
{
	const bool more = stack_output(n->stack, now);
	const struct frame *f;
	unsigned waiting = stack_tx(n->stack, 0, &f), taken = 0;

	if (waiting > 0)
		taken = dp_tx(n->run->port, (uint16_t)n->thread, f, waiting);
	stack_tx_done(n->stack, 0, taken);
	n->blocked = taken < waiting || (more && waiting == 0);
	return taken;
}

/* What the client has to do now; true when it did something. */
static bool
load(struct native *n)
{
	bool busy = native_open_due(n);

	busy |= native_send_due(n);
	busy |= native_close_due(n);
	return busy;
}

/* --think-time: the thread is busy so long for each answer, as MCC was. */
static void
think(struct native *n)
{
	const uint64_t answers = client_answers(&n->client);
	const uint64_t until = dp_now_ns() + (answers - n->thought) * n->conf->think_ns;

	n->thought = answers;
	while (n->conf->think_ns && dp_now_ns() < until)
		;
}

static void
take_stats(struct native *n)
{
	struct stack_stats st;

	stack_stats(n->stack, &st);
	n->stats.retransmitted = st.tcp.segs_retransmitted;
}

static void
publish(struct native *n)
{
	take_stats(n);
	exchange_publish(n->exchange, &n->client, &n->stats);
}

static void
rest(struct native *n, bool busy, uint64_t now, uint64_t deadline)
{
	const uint64_t due = client_due(&n->client), next = n->exchange->next_ns;

	if (due <= now + SPIN_NS && due > now && !n->blocked) {
		dp_idle(n->thread, true, due); /* gives way to others, but does not sleep */
		return;
	}
	if (n->blocked)
		deadline = now + BLOCKED_NS;
	else if (due < deadline)
		deadline = due;
	dp_idle(n->thread, busy, next < deadline ? next : deadline);
}

void
native_turn(struct native *n, bool loaded)
{
	const struct stack_event *ev;
	struct frame frames[DP_BURST];
	uint64_t now, deadline;
	unsigned received, sent;
	bool busy = false;

	stock_frames(n->stack);
	received = dp_rx(n->run->port, (uint16_t)n->thread, frames, DP_BURST);
	now = dp_now_ns();
	stack_input(n->stack, now, frames, received);
	deadline = stack_timers(n->stack, now);
	if (loaded)
		client_turn(&n->client, now);
	while ((ev = stack_next_event(n->stack)))
		native_event(n, ev);
	if (loaded)
		busy = load(n);
	sent = transmit(n, now);
	dp_frames_put(frames, received);
	busy |= received > 0 || sent > 0;
	wire_watch(n);
	if (loaded) {
		think(n);
		if (exchange_is_due(n->exchange, now, busy || n->blocked))
			publish(n);
		rest(n, busy, now, deadline);
	} else {
		dp_idle(n->thread, busy, now + LOOK_NS);
	}
}

void
native_loop(unsigned worker, void *arg)
{
	struct native_run *r = arg;
	struct native *n = &r->threads[worker];

	if (worker >= r->n || !native_meet(n))
		return;
	while (n->client.phase != PHASE_DONE) {
		if (carrier_is_stopped())
			client_stop(&n->client);
		native_turn(n, true);
	}
	client_tell_time(&n->client, dp_now_ns());
	native_abort_rest(n);
	native_turn(n, false);
	take_stats(n);
	exchange_finish(n->exchange, &n->client, &n->stats);
}
