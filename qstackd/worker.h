/* worker.h - what runs on one core: a stack, the applications on it, and its queues of the ports. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef QSTACKD_WORKER_H
#define QSTACKD_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dp/dp.h"
#include "host/stack.h"
#include "qstackd/app.h"
#include "qstackd/conf.h"
#include "qstackd/report.h"

struct worker {
	unsigned id;
	struct stack *stack;
	struct app
	    app[CONF_MAX_LISTENS + 1]; /* by row of the stack's listener table; row 0 unused */
	unsigned n_apps;
	struct server *server;

	/* Its counters for the reporter: `latest` says which copy is whole; the worker writes the other. */
	struct snapshot copy[2];
	atomic_uint latest;
	uint64_t next_publish_ns;
};

/* The whole program. */
struct server {
	const struct conf *conf;
	struct dp_port *port[STACK_MAX_NETIFS];
	bool port_was_up[STACK_MAX_NETIFS]; /* worker 0 watches */
	uint64_t conflicts;		    /* of our addresses, as last said */
	unsigned n_ports, n_workers;
	struct worker *worker; /* n_workers of them */
	uint64_t start_ns;
	struct report report; /* worker 0 writes it */
	atomic_bool stop;
};

/* 0, or -errno with a word on stderr. */
int worker_init(struct worker *w, struct server *server, unsigned id);
void worker_release(struct worker *w);
void worker_publish(struct worker *w, uint64_t now);
/* Of one worker, which polls queue 0 of every port: says who comes and goes; who comes is told our addresses. */
void worker_watch_ports(const struct worker *w);
/* The sum over all workers of what they published last. */
void server_snapshot(const struct server *server, struct snapshot *sum);

/* loop.c */
void worker_loop(unsigned id, void *server);

#endif
