/* loop.c - the loop: what is due leaves, what has arrived is judged, then rest. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "lshaper/loop.h"

#include <signal.h>

#include "base/log.h"
#include "lshaper/copy.h"

_Static_assert((int)PIPE_BURST == (int)DP_BURST && (int)PIPE_QUEUES == (int)DP_MAX_QUEUES,
	       "pipe.h knows no dp.h");

enum {
	DRAIN_NS = 1000000000, /* after a signal */
};

static volatile sig_atomic_t stop;

void
loop_stop(void)
{
	stop = 1;
	dp_wake(0);
}

/* Queue i goes to queue i, where the far port has as many. */
static uint16_t
out_queue(const struct path *w, uint16_t queue)
{
	const uint16_t n = dp_port_queues(w->out);

	if (queue >= n)
		queue = (uint16_t)(queue % n);
	return queue;
}

/* Frames that need not wait go as they came, without a copy. */
static void
send_now(struct shaper *s, struct path *w, uint16_t queue, const struct pipe_out *out,
	 uint64_t due_ns)
{
	struct frame copy[DP_BURST];
	unsigned copies = 0, taken;

	if (!dp_port_is_up(w->out)) {
		pipe_lose(&w->pipe, out->now, out->n_now);
		dp_frames_put(out->now, out->n_now);
		return;
	}
	if (w->mirror_out)
		copies = mirror_copy(&s->mirror, out->now, out->n_now, copy);
	taken = dp_tx(w->out, out_queue(w, queue), out->now, out->n_now);
	pipe_sent(&w->pipe, queue, out->now, out->n_now, taken, due_ns, dp_now_ns());
	dp_frames_put(out->now + taken, out->n_now - taken);
	if (w->mirror_out)
		mirror_send(&s->mirror, queue, copy, copies, taken);
}

/* What has arrived: judged, then held, sent or dropped. */
static bool
forward(struct shaper *s, struct path *w, uint16_t queue)
{
	struct frame f[DP_BURST];
	struct pipe_out out;
	const unsigned n = dp_rx(w->in, queue, f, DP_BURST);
	const uint64_t now_ns = dp_now_ns();

	if (!n)
		return false;
	if (w->mirror_in)
		mirror_frames(&s->mirror, queue, f, n);
	pipe_arrive(&w->pipe, queue, f, n, now_ns, &out);
	if (out.n_now)
		send_now(s, w, queue, &out, now_ns);
	if (out.n_done)
		dp_frames_put(out.done, out.n_done);
	return true;
}

static unsigned
send_copies(struct path *w, uint16_t queue, const struct frame *held, unsigned n)
{
	struct frame f[DP_BURST];
	unsigned taken;

	if (!copy_frames(f, held, n))
		return 0;
	taken = dp_tx(w->out, out_queue(w, queue), f, n);
	dp_frames_put(f + taken, n - taken);
	return taken;
}

/* What is due: copied out of the hold queue and sent; what the port does not take stays. */
static bool
release(struct shaper *s, struct path *w, uint16_t queue, uint64_t now_ns)
{
	struct frame held[DP_BURST];
	const unsigned n = pipe_due(&w->pipe, queue, now_ns, held);
	unsigned taken;

	if (!n)
		return false;
	if (!dp_port_is_up(w->out)) {
		pipe_expire(&w->pipe, queue, n);
		return true;
	}
	taken = send_copies(w, queue, held, n);
	if (w->mirror_out && taken)
		mirror_frames(&s->mirror, queue, held, taken);
	pipe_leave(&w->pipe, queue, n, taken, dp_now_ns());
	return taken > 0;
}

/* One turn over both directions and all queues; true when a frame moved. */
static bool
turn(struct shaper *s, uint64_t now_ns)
{
	bool busy = false;

	for (int d = 0; d < DIRECTIONS; d++) {
		struct path *w = &s->path[d];

		for (uint16_t q = 0; q < PIPE_QUEUES; q++)
			if (mirror_is_clear(&s->mirror, now_ns))
				busy |= release(s, w, q, now_ns);
		/* dp_idle wants to know that queues which the peer did not bring are empty. */
		for (uint16_t q = 0; q < PIPE_QUEUES && !s->draining; q++)
			if ((q < dp_port_queues(w->in) || !busy) &&
			    mirror_is_clear(&s->mirror, now_ns))
				busy |= forward(s, w, q);
		pipe_check(&w->pipe);
	}
	return busy;
}

/* Says who comes and who goes. */
static void
watch(struct watched_port *w)
{
	const char *spec = dp_port_name(w->port);
	bool up = dp_port_is_up(w->port);

	if (w->said == (up ? UP : DOWN))
		return;
	if (up)
		log_info("%s: %s is there, on %s", w->name, w->peer, spec);
	else if (w->said == UNKNOWN)
		log_info("%s: waiting for %s on %s", w->name, w->peer, spec);
	else
		log_info("%s: %s is gone; waiting for it on %s", w->name, w->peer, spec);
	w->said = up ? UP : DOWN;
}

/* After a signal or --duration the held frames have a second to leave, after the end of files all
 * the time they need. */
static bool
is_done(struct shaper *s, uint64_t now_ns)
{
	bool at_end = dp_port_at_end(s->path[AB].in) && dp_port_at_end(s->path[BA].in);
	const bool told = stop || now_ns >= s->end_ns;

	if (told && s->drain_ns == UINT64_MAX)
		s->drain_ns = now_ns + DRAIN_NS;
	s->draining = told || at_end;
	if (!s->draining || now_ns >= s->drain_ns)
		return s->draining;
	return !pipe_held(&s->path[AB].pipe).frames && !pipe_held(&s->path[BA].pipe).frames &&
	       mirror_is_clear(&s->mirror, now_ns);
}

/* When the next held frame may leave; while all waits for the mirror, when to try that again. */
static uint64_t
next_departure(const struct shaper *s, uint64_t now_ns)
{
	const uint64_t ab_ns = pipe_next_ns(&s->path[AB].pipe, now_ns);
	const uint64_t ba_ns = pipe_next_ns(&s->path[BA].pipe, now_ns);

	if (s->mirror.n_wait)
		return now_ns + PIPE_RETRY_NS;
	return ab_ns < ba_ns ? ab_ns : ba_ns;
}

/* Until a frame may be there, the next departure, the next record, or the end. */
static void
rest(const struct shaper *s, bool busy, uint64_t now_ns)
{
	const uint64_t end_ns = s->draining ? s->drain_ns : s->end_ns;
	uint64_t next_ns = next_departure(s, now_ns);

	if (next_ns <= now_ns + s->spin_ns) {
		dp_idle(0, true, next_ns); /* gives way to others, but does not sleep */
		return;
	}
	if (next_ns != UINT64_MAX)
		next_ns -= s->spin_ns;
	if (s->report.next_ns < next_ns)
		next_ns = s->report.next_ns;
	if (end_ns < next_ns)
		next_ns = end_ns;
	dp_idle(0, busy, next_ns);
}

void
loop_run(unsigned worker, void *shaper)
{
	struct shaper *s = shaper;
	uint64_t now_ns = dp_now_ns();

	if (worker)
		return;
	while (!is_done(s, now_ns)) {
		bool busy = turn(s, now_ns);

		now_ns = dp_now_ns();
		if (now_ns >= s->report.next_ns)
			report_interval(&s->report, s, now_ns);
		for (int i = 0; i < WATCHED && s->watched[i].port; i++)
			watch(&s->watched[i]);
		rest(s, busy, now_ns);
		now_ns = dp_now_ns();
	}
	report_interval(&s->report, s, dp_now_ns());
}
