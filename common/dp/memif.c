/* memif.c - a wire between two processes: brought up, and up again after either end has gone. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/memif.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_alarm.h>
#include <rte_ethdev.h>

#include "base/log.h"

/* DPDK's memif driver handles its control messages in EAL's interrupt thread, which also unmaps the
 * rings when the peer goes; a client it never reconnects. So all that follows, but for opening,
 * runs in that thread, from an alarm: nothing here needs a lock against the driver. Two of the
 * driver's functions are wrapped by the linker (see Makefile), because it tells nobody when a link
 * comes and goes, and unmaps rings that a worker may be reading. */
int __real_memif_connect(struct rte_eth_dev *dev);
int __wrap_memif_connect(struct rte_eth_dev *dev);
void __real_memif_free_regions(struct rte_eth_dev *dev);
void __wrap_memif_free_regions(struct rte_eth_dev *dev);

enum {
	SOON_US = 1000,		/* a handshake is under way */
	RETRY_US = 20 * 1000,	/* nobody there */
	LISTEN_US = 10 * 1000,	/* a server without a client */
	STEADY_US = 100 * 1000, /* connected: only refuses others */
	ANSWER_NS = 1000 * 1000 * 1000,
	LINK_NS = 200 * 1000 * 1000,
};

static struct memif *wires[DP_MAX_PORTS];

static void tick(void *arg);

/* --- the link, as the driver sees it --- */

static void
look_soon(void)
{
	rte_eal_alarm_cancel(tick, NULL);
	rte_eal_alarm_set(1, tick, NULL);
}

/* Which queues may be polled, and whom to ring: before the link is shown as up. A peer without a
 * doorbell cannot tell its queues: DPDK's driver would read ring 0 through every queue that the
 * peer does not have. */
static void
set_up(struct memif *w)
{
	struct dp_port *port = w->port;
	bool belled = w->bell.conn >= 0;

	for (unsigned q = 0; q < DP_MAX_QUEUES; q++) {
		port->q[q].rx.event = belled ? w->bell.my_event[q] : -1;
		port->q[q].rx.sleeping = bell_my_flag(&w->bell, w->server, q);
		port->q[q].tx.event = w->bell.peer_event[q];
		port->q[q].tx.sleeping = bell_peer_flag(&w->bell, w->server, q);
	}
	port->queues = belled ? w->bell.queues : RTE_MAX(port->spec.queues, 1);
	port->tx_max_bytes = belled ? w->bell.slot_bytes : w->slot_bytes;
	w->ups++;
	log_debug("%s: linked, %u queues%s", port->text, port->queues,
		  belled ? "" : ", peer has no doorbell");
	__atomic_store_n(&port->up, true, __ATOMIC_SEQ_CST);
}

static void
set_down(struct memif *w)
{
	struct dp_port *port = w->port;

	port_set_down(port);
	for (unsigned q = 0; q < DP_MAX_QUEUES; q++)
		port->q[q].rx.sleeping = port->q[q].tx.sleeping = NULL;
	log_debug("%s: link lost", port->text);
}

static void
follow_links(void)
{
	for (unsigned i = 0; i < DP_MAX_PORTS; i++) {
		struct memif *w = __atomic_load_n(&wires[i], __ATOMIC_ACQUIRE);
		struct rte_eth_link link;

		if (!w || rte_eth_link_get_nowait(w->port->id, &link) < 0 ||
		    link.link_status == w->port->up)
			continue;
		if (link.link_status)
			set_up(w);
		else
			set_down(w);
		idle_wake_all();
	}
	look_soon();
}

int
__wrap_memif_connect(struct rte_eth_dev *dev)
{
	int rc = __real_memif_connect(dev);

	follow_links();
	return rc;
}

/* The driver has marked the link as down, and is about to unmap the rings. */
void
__wrap_memif_free_regions(struct rte_eth_dev *dev)
{
	follow_links();
	__real_memif_free_regions(dev);
}

/* --- client --- */

static void
start_over(struct memif *w)
{
	rte_eth_dev_stop(w->port->id);
	bell_hang_up(&w->bell);
	w->state = ABSENT;
}

static void
judge(struct memif *w, enum memif_verdict v)
{
	__atomic_store_n(&w->verdict, v, __ATOMIC_RELEASE);
}

static unsigned
start_client(struct memif *w, uint16_t queues)
{
	if (port_start_driver(w->port, queues) < 0) {
		start_over(w);
		return RETRY_US;
	}
	w->state = STARTED;
	w->since_ns = dp_now_ns();
	return SOON_US;
}

/* Somebody else's memif has no doorbell; a server of ours has one before it has a memif socket. */
static unsigned
call_server(struct memif *w)
{
	int rc = bell_dial(&w->bell, w->wake, w->wanted, w->slot_bytes);

	if (rc == 0) {
		w->state = DIALED;
		w->since_ns = dp_now_ns();
		return SOON_US;
	}
	if ((rc == -ENOENT || rc == -ECONNREFUSED) && bell_is_served(w->path)) {
		judge(w, AGREED);
		return start_client(w, RTE_MAX(w->port->spec.queues, 1));
	}
	judge(w, NOBODY);
	return RETRY_US;
}

static unsigned
hear_answer(struct memif *w)
{
	enum bell_answer a = bell_read_answer(&w->bell);

	if (a == BELL_AGREED) {
		judge(w, AGREED);
		return start_client(w, w->bell.queues);
	}
	if (a == BELL_WAIT && dp_now_ns() - w->since_ns < ANSWER_NS)
		return SOON_US;
	judge(w, a == BELL_BUSY ? TAKEN : NOBODY);
	start_over(w);
	return RETRY_US;
}

static unsigned
serve_client_end(struct memif *w)
{
	switch (w->state) {
	case ABSENT:
		return call_server(w);
	case DIALED:
		return hear_answer(w);
	case STARTED:
		if (w->port->up)
			w->state = LINKED;
		else if (dp_now_ns() - w->since_ns > LINK_NS)
			start_over(w);
		return SOON_US;
	case LINKED:
		if (w->port->up)
			return STEADY_US;
		start_over(w);
		return SOON_US;
	}
	return RETRY_US;
}

/* --- server --- */

static bool
hear_caller(struct memif *w)
{
	if (w->caller < 0) {
		w->caller = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		w->since_ns = dp_now_ns();
	}
	if (w->caller < 0)
		return false;
	if (bell_admit(&w->bell, w->caller, w->wanted, !w->port->up) != BELL_WAIT) {
		w->caller = -1;
	} else if (dp_now_ns() - w->since_ns > ANSWER_NS) {
		close(w->caller);
		w->caller = -1;
	}
	return true;
}

static unsigned
serve_server_end(struct memif *w)
{
	bool busy;

	/* While the link stands its worker may be in the page; the driver will notice in a moment,
	 * too. */
	if (!w->port->up && bell_is_dead(&w->bell))
		bell_hang_up(&w->bell);
	busy = hear_caller(w);
	if (busy || (w->bell.conn >= 0 && !w->port->up))
		return SOON_US;
	return w->port->up ? STEADY_US : LISTEN_US;
}

/* --- the control thread --- */

static void
end_wire(struct memif *w)
{
	if (w->port->up)
		set_down(w);
	rte_eth_dev_stop(w->port->id);
	driver_remove(w->port); /* unlinks a server's socket */
	if (w->caller >= 0)
		close(w->caller);
	if (w->listener >= 0) {
		unlink(w->wake);
		close(w->listener);
	}
	bell_fini(&w->bell);
	sem_post(&w->closed);
}

static void
tick(void *arg)
{
	unsigned next_us = STEADY_US;
	bool any = false;

	(void)arg;
	for (unsigned i = 0; i < DP_MAX_PORTS; i++) {
		struct memif *w = __atomic_load_n(&wires[i], __ATOMIC_ACQUIRE);
		unsigned us;

		if (!w)
			continue;
		if (__atomic_load_n(&w->closing, __ATOMIC_ACQUIRE)) {
			wires[i] = NULL;
			end_wire(w);
			continue;
		}
		us = w->server ? serve_server_end(w) : serve_client_end(w);
		next_us = RTE_MIN(next_us, us);
		any = true;
	}
	rte_eal_alarm_cancel(tick, NULL);
	if (any)
		rte_eal_alarm_set(next_us, tick, NULL);
}

/* --- from other threads --- */

/* A tool that gives up by exit() leaves no socket behind, either; its children are not to touch
 * it. */
static void
sweep(void)
{
	for (unsigned i = 0; i < DP_MAX_PORTS; i++)
		if (wires[i] && wires[i]->server && wires[i]->pid == getpid()) {
			unlink(wires[i]->path);
			unlink(wires[i]->wake);
		}
}

void
memif_start(struct memif *w)
{
	static bool sweeps;

	if (!sweeps && atexit(sweep) == 0)
		sweeps = true;
	w->pid = getpid();
	for (unsigned i = 0; i < DP_MAX_PORTS; i++) {
		if (wires[i])
			continue;
		__atomic_store_n(&wires[i], w, __ATOMIC_RELEASE);
		break;
	}
	look_soon();
}

/* The control thread takes it down: only there is the driver at rest. */
void
memif_close(struct dp_port *port)
{
	struct memif *w = port->memif;

	__atomic_store_n(&w->closing, true, __ATOMIC_RELEASE);
	look_soon();
	while (sem_wait(&w->closed) < 0 && errno == EINTR)
		;
	sem_destroy(&w->closed);
	free(w);
}

uint64_t
memif_reconnects(const struct dp_port *port)
{
	return port->memif->ups > 1 ? port->memif->ups - 1 : 0;
}
