/* worker.c - one core's stack, applications and counters. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/worker.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"

/* RSTs to one source: enough for a client that still has all the connections of a server that has gone. */
enum { PUBLISH_NS = 50 * 1000 * 1000, RESETS_PER_S = 100000 };

static void
stack_conf_fill(struct stack_conf *sc, const struct server *server)
{
	const struct conf *c = server->conf;

	stack_conf_default(sc);
	sc->max_conns = (uint32_t)((c->connections + server->n_workers - 1) / server->n_workers);
	sc->max_active = (uint32_t)((c->active + server->n_workers - 1) / server->n_workers);
	sc->tcp.delack_ns = c->delack_ns;
	sc->tcp.time_wait_ns = c->time_wait_ns;
	tcp_flags_fill(&c->tcp, &sc->tcp);
	sc->resets_per_s = RESETS_PER_S;
	sc->reserve = mem_reserve;
	sc->release = mem_release;
	sc->now = dp_now_ns();
	rng_secret(sc->secret);
}

static int
add_ports(struct worker *w)
{
	const struct server *server = w->server;

	for (unsigned i = 0; i < server->n_ports; i++) {
		const struct conf_port *p = &server->conf->port[i];
		struct stack_netif_conf nc = {
		    .mtu = dp_port_mtu(server->port[i]),
		    .trust_checksums = dp_port_partial_checksums(server->port[i]),
		};

		memcpy(nc.mac, dp_port_mac(server->port[i]), sizeof(nc.mac));
		if (addr_add_range(&nc.addrs, p->ip.addr, 1, p->ip.len))
			die_usage("--ip: not a host address of its net (port %s)", p->spec);
		if (p->gateway && addr_set_gateway(&nc.addrs, p->gateway))
			die_usage("--gateway: not a neighbour of --ip (port %s)", p->spec);
		int row = stack_add_netif(w->stack, &nc);

		if (row < 0)
			return row;
		if (w->id < dp_port_queues(server->port[i]))
			dp_idle_add(w->id, server->port[i], (uint16_t)w->id);
	}
	return 0;
}

static int
add_apps(struct worker *w, const struct app_conf *ac)
{
	const struct conf *c = w->server->conf;

	for (unsigned i = 0; i < c->n_listens; i++) {
		const struct app_ops *ops = c->listen[i].app;
		struct stack_listener l = {
		    .port = c->listen[i].port,
		    .profile.quickack = ops->quickack,
		    .shed_idle = c->listen[i].shed_idle,
		    .visit_ns = ops->visit ? c->request_ns : 0,
		};

		tcp_flags_fill_profile(&c->listen[i].tcp, &l.profile);
		int row = stack_listen(w->stack, &l);

		if (row < 0)
			return row;
		struct app *a = &w->app[row];

		*a = (struct app){.ops = ops, .stack = w->stack};
		if ((unsigned)row > w->n_apps)
			w->n_apps = (unsigned)row;
		int error = ops->open ? ops->open(a, ac) : 0;

		if (error) {
			a->ops = NULL;
			return error;
		}
	}
	return 0;
}

int
worker_init(struct worker *w, struct server *server, unsigned id)
{
	struct stack_conf sc;
	const struct conf *c = server->conf;

	*w = (struct worker){.id = id, .server = server};
	stack_conf_fill(&sc, server);
	w->stack = stack_new(&sc);
	if (!w->stack)
		return -errno;

	struct app_conf ac = {.max_conns = sc.max_conns,
			      .message_length = (uint32_t)c->message_length,
			      .http_size = c->http_size};
	int error = add_ports(w);

	if (!error)
		error = add_apps(w, &ac);
	if (error)
		worker_release(w);
	return error;
}

void
worker_release(struct worker *w)
{
	for (unsigned i = 1; i <= w->n_apps; i++)
		if (w->app[i].ops && w->app[i].ops->release)
			w->app[i].ops->release(&w->app[i]);
	w->n_apps = 0;
	if (w->stack)
		stack_free(w->stack);
	w->stack = NULL;
}

void
worker_watch_ports(const struct worker *w)
{
	struct server *server = w->server;

	for (unsigned p = 0; p < server->n_ports; p++) {
		struct dp_port *port = server->port[p];
		const bool up = dp_port_is_up(port);

		if (up == server->port_was_up[p])
			continue;
		server->port_was_up[p] = up;
		if (up)
			stack_announce(w->stack, p);
		log_info("%s: the other end is %s", dp_port_name(port),
			 up ? "there" : "gone; waiting for it");
	}
}

static void
take_snapshot(const struct worker *w, struct snapshot *s)
{
	*s = (struct snapshot){0};
	stack_stats(w->stack, &s->stack);
	for (unsigned i = 1; i <= w->n_apps; i++) {
		const struct snapshot one = {.app = w->app[i].stats};

		snapshot_add(s, &one);
	}
}

void
worker_publish(struct worker *w, uint64_t now)
{
	if (now < w->next_publish_ns)
		return;
	unsigned other = 1 - atomic_load_explicit(&w->latest, memory_order_relaxed);

	take_snapshot(w, &w->copy[other]);
	atomic_store_explicit(&w->latest, other, memory_order_release);
	w->next_publish_ns = now + PUBLISH_NS;
}

void
server_snapshot(const struct server *server, struct snapshot *sum)
{
	*sum = (struct snapshot){0};
	for (unsigned i = 0; i < server->n_workers; i++) {
		const struct worker *w = &server->worker[i];
		unsigned latest = atomic_load_explicit(&w->latest, memory_order_acquire);

		snapshot_add(sum, &w->copy[latest]);
	}
	for (unsigned p = 0; p < server->n_ports; p++) {
		struct dp_port_stats ps;

		dp_port_stats(server->port[p], &ps);
		sum->rx_missed += ps.rx_missed + ps.rx_oversize;
	}
	sum->frames_free = dp_frames_free();
}
