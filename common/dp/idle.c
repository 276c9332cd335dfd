/* idle.c - what a worker does when it has nothing to do: spin a little, yield, sleep until rung. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_pause.h>

enum {
	SPIN_NS = 50 * 1000,	/* after the last work: a wake costs about as much */
	YIELD_NS = 10 * 1000,	/* a busy worker gives way to others this often */
	SHORTEST_NS = 5 * 1000, /* not worth a system call */
	FIRST_STEP_NS = 50 * 1000,
	LONGEST_STEP_NS = 1000 * 1000, /* ports that cannot wake us are looked at this often */
	LONGEST_NS = 100 * 1000 * 1000,
	MAX_WATCHES = DP_MAX_PORTS * DP_MAX_QUEUES,
};

struct watch {
	struct dp_port *port;
	uint16_t queue;
};

struct idler {
	int wake_fd;
	bool armed; /* doorbells are set; another look at the rings, then sleep */
	bool tuned; /* this thread's timers are exact */
	bool idle;
	unsigned unlooked; /* turns that did not look at every ring since */
	uint64_t since_ns; /* idle since */
	uint64_t yielded_ns;
	uint64_t step_ns;
	unsigned n;
	struct watch watch[MAX_WATCHES];
} __rte_cache_aligned;

static struct idler *idlers;
static unsigned n_idlers;
static bool never_sleep, sharing;

int
idle_init(unsigned workers, bool poll, bool share)
{
	idlers = aligned_alloc(RTE_CACHE_LINE_SIZE, workers * sizeof(*idlers));
	if (!idlers)
		return -1;
	memset(idlers, 0, workers * sizeof(*idlers));
	never_sleep = poll;
	sharing = share;
	for (unsigned i = 0; i < workers; i++) {
		idlers[i].wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (idlers[i].wake_fd < 0)
			return -1;
		n_idlers = i + 1;
	}
	return 0;
}

void
idle_fini(void)
{
	unsigned n = n_idlers;

	n_idlers = 0;
	for (unsigned i = 0; i < n; i++)
		close(idlers[i].wake_fd);
	free(idlers);
	idlers = NULL;
}

void
dp_wake(unsigned worker)
{
	uint64_t one = 1;
	int saved = errno;

	/* A full counter is a worker that will wake anyway. */
	if (worker < n_idlers && write(idlers[worker].wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void
idle_wake_all(void)
{
	for (unsigned i = 0; i < n_idlers; i++)
		dp_wake(i);
}

void
dp_idle_add(unsigned worker, struct dp_port *port, uint16_t queue)
{
	struct idler *w = &idlers[worker];

	if (w->n < MAX_WATCHES)
		w->watch[w->n++] = (struct watch){.port = port, .queue = queue};
}

void
idle_forget(const struct dp_port *port)
{
	for (unsigned i = 0; i < n_idlers; i++) {
		struct idler *w = &idlers[i];
		unsigned kept = 0;

		for (unsigned j = 0; j < w->n; j++)
			if (w->watch[j].port != port)
				w->watch[kept++] = w->watch[j];
		w->n = kept;
	}
}

/* --- doorbells --- */

static void
set_flag(const struct watch *at, uint32_t value)
{
	struct dp_side *rx = &at->port->q[at->queue].rx;

	if (!port_enter(at->port, at->queue, &rx->busy))
		return;
	if (rx->sleeping)
		__atomic_store_n(rx->sleeping, value, __ATOMIC_SEQ_CST);
	port_leave(&rx->busy);
}

static void
arm(struct idler *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		w->watch[i].port->q[w->watch[i].queue].rx.empty = false;
		set_flag(&w->watch[i], 1);
	}
	w->armed = true;
	w->unlooked = 0;
}

static void
disarm(struct idler *w)
{
	for (unsigned i = 0; i < w->n; i++)
		set_flag(&w->watch[i], 0);
	w->armed = false;
}

/* Every ring was looked into since the flags went up. */
static bool
is_sure(const struct idler *w)
{
	for (unsigned i = 0; i < w->n; i++)
		if (!w->watch[i].port->q[w->watch[i].queue].rx.empty)
			return false;
	return true;
}

/* A port that may have frames and cannot say so. Not: a wire without a peer, which will wake us. */
static bool
needs_steps(const struct watch *at)
{
	const struct dp_port *port = at->port;

	if (port->spec.kind == PORT_NULL || port->at_end)
		return false;
	if (port->memif)
		return dp_port_is_up(at->port) && at->queue < port->queues &&
		       !port->q[at->queue].rx.sleeping;
	return port->q[at->queue].rx.event < 0;
}

/* --- sleeping --- */

static void
drain(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return; /* somebody was faster, or nothing was there */
}

static unsigned
gather(const struct idler *w, struct pollfd *fds, bool *steps)
{
	unsigned n = 0;

	fds[n++] = (struct pollfd){.fd = w->wake_fd, .events = POLLIN};
	*steps = false;
	for (unsigned i = 0; i < w->n; i++) {
		const struct watch *at = &w->watch[i];

		*steps |= needs_steps(at);
		if (at->port->q[at->queue].rx.event >= 0)
			fds[n++] = (struct pollfd){.fd = at->port->q[at->queue].rx.event,
						   .events = POLLIN};
	}
	return n;
}

/* Only eventfds are to be read; the fds of drivers are their own. One of these that has nothing but
 * an error to report would keep us awake: it is given up, and its port looked at in steps. */
static void
drain_events(struct idler *w, const struct pollfd *fds, unsigned n)
{
	drain(w->wake_fd);
	for (unsigned i = 0; i < w->n; i++) {
		struct dp_side *rx = &w->watch[i].port->q[w->watch[i].queue].rx;

		if (w->watch[i].port->memif && rx->event >= 0)
			drain(rx->event);
		for (unsigned j = 1; j < n; j++)
			if (fds[j].fd == rx->event && (fds[j].revents & ~POLLIN) &&
			    !kernel_if_clear_error(rx->event))
				rx->event = -1;
	}
}

static void
sleep_until(struct idler *w, uint64_t now, uint64_t deadline_ns, bool sure)
{
	uint64_t ns = RTE_MIN(deadline_ns - now, (uint64_t)LONGEST_NS);
	struct pollfd fds[1 + MAX_WATCHES];
	bool steps;
	unsigned n = gather(w, fds, &steps);
	struct timespec ts;

	if (steps || !sure) {
		ns = RTE_MIN(ns, w->step_ns);
		w->step_ns = RTE_MIN(2 * w->step_ns, (uint64_t)LONGEST_STEP_NS);
	}
	if (ns < SHORTEST_NS)
		return;
	if (!w->tuned) {
		prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* the default is 50 us late */
		w->tuned = true;
	}
	ts = (struct timespec){.tv_sec = 0, .tv_nsec = (long)ns};
	if (ppoll(fds, n, &ts, NULL) <= 0)
		return;
	drain_events(w, fds, n);
	disarm(w);
}

static void
relax(void)
{
	if (sharing)
		sched_yield();
	else
		rte_pause();
}

static void
note_work(struct idler *w)
{
	uint64_t now;

	w->idle = false;
	if (w->armed)
		disarm(w);
	if (!sharing)
		return;
	now = dp_now_ns();
	if (now - w->yielded_ns < YIELD_NS)
		return;
	sched_yield();
	w->yielded_ns = now;
}

void
dp_idle(unsigned worker, bool did_work, uint64_t next_deadline_ns)
{
	struct idler *w = &idlers[worker];
	uint64_t now;
	bool sure;

	if (did_work) {
		note_work(w);
		return;
	}
	now = dp_now_ns();
	if (!w->idle) {
		w->idle = true;
		w->since_ns = now;
		w->step_ns = FIRST_STEP_NS;
	}
	if (never_sleep || now - w->since_ns < SPIN_NS) {
		relax();
		return;
	}
	if (next_deadline_ns <= now)
		return;
	if (!w->armed) {
		arm(w);
		return;
	}
	sure = is_sure(w);
	if (!sure && w->unlooked++ == 0)
		return;
	sleep_until(w, now, next_deadline_ns, sure);
}
