/* loop.c - what a worker of qstackd does, turn by turn. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/worker.h"

#include "base/log.h"

enum { FRAMES_BATCH = 64 };

/* A burst from each port's queue of this worker. */
static unsigned
receive(const struct worker *w, struct frame *frames)
{
	const struct server *server = w->server;
	unsigned n = 0;

	for (unsigned p = 0; p < server->n_ports; p++) {
		if (w->id >= dp_port_queues(server->port[p]))
			continue;
		unsigned got = dp_rx(server->port[p], (uint16_t)w->id, frames + n, DP_BURST);

		for (unsigned i = 0; i < got; i++)
			frames[n++].port = (uint8_t)p;
	}
	return n;
}

static unsigned
transmit(const struct worker *w)
{
	const struct server *server = w->server;
	unsigned sent = 0;

	for (unsigned p = 0; p < server->n_ports; p++) {
		const struct frame *f;
		unsigned n = stack_tx(w->stack, p, &f);

		if (n == 0 || w->id >= dp_port_queues(server->port[p]))
			continue;
		unsigned taken = dp_tx(server->port[p], (uint16_t)w->id, f, n);

		stack_tx_done(w->stack, p, taken);
		sent += taken;
	}
	return sent;
}

static void
stock_frames(const struct worker *w)
{
	struct frame f[FRAMES_BATCH];
	unsigned n = stack_frames_short(w->stack);

	if (n > FRAMES_BATCH)
		n = FRAMES_BATCH;
	if (n > 0 && dp_frames_get(f, n))
		stack_give_frames(w->stack, f, n);
}

static void
applications(struct worker *w, uint64_t now)
{
	const struct stack_event *ev;

	while ((ev = stack_next_event(w->stack))) {
		struct app *a = &w->app[ev->listener];

		a->now = now;
		app_event(a, ev);
	}
}

/* RFC 5227 2.4: it is for people to find out who is right. */
static void
warn_of_conflicts(struct server *server, const struct snapshot *sum)
{
	uint64_t n = sum->stack.arp_conflicts_self;

	if (n > server->conflicts)
		log_warn("another station on the link uses an address of ours (%llu ARP messages)",
			 (unsigned long long)n);
	server->conflicts = n;
}

/* Worker 0 keeps the clock of the whole program, and an eye on its ports. */
static void
report_if_due(struct worker *w, uint64_t now)
{
	struct server *server = w->server;
	const struct conf *c = server->conf;

	worker_publish(w, now);
	if (w->id != 0)
		return;
	worker_watch_ports(w);
	if (c->duration_ns && now - server->start_ns >= c->duration_ns)
		atomic_store(&server->stop, true);
	if (now - server->report.last_ns >= c->interval_ns) {
		struct snapshot sum;

		server_snapshot(server, &sum);
		report_write(&server->report, &sum, now, dp_cpu_ns());
		warn_of_conflicts(server, &sum);
	}
}

static uint64_t
next_report(const struct worker *w)
{
	uint64_t due = w->next_publish_ns;
	uint64_t record = w->server->report.last_ns + w->server->conf->interval_ns;

	return w->id == 0 && record < due ? record : due;
}

void
worker_loop(unsigned id, void *arg)
{
	struct server *server = arg;
	struct worker *w = &server->worker[id];
	struct frame frames[STACK_MAX_NETIFS * DP_BURST];

	while (!atomic_load_explicit(&server->stop, memory_order_relaxed)) {
		stock_frames(w);
		uint64_t now = dp_now_ns();
		unsigned n = receive(w, frames);

		stack_input(w->stack, now, frames, n);
		uint64_t deadline = stack_timers(w->stack, now);

		applications(w, now);
		bool more = stack_output(w->stack, now);
		unsigned sent = transmit(w);

		dp_frames_put(frames, n);
		report_if_due(w, now);
		uint64_t report = next_report(w);

		dp_idle(id, n > 0 || sent > 0 || more, deadline < report ? deadline : report);
	}
	w->next_publish_ns = 0;
	worker_publish(w, dp_now_ns());
}
