/* native.h - one thread's connections on our own stack. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_NATIVE_H
#define MCC_NATIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dp/dp.h"
#include "host/stack.h"
#include "mcc/client.h"
#include "mcc/conf.h"
#include "mcc/exchange.h"
#include "mcc/report.h"

#define NO_CONN UINT32_MAX

struct native_run;

struct native {
	struct native_run *run;
	const struct conf *conf;
	struct client client;
	struct exchange *exchange;
	struct carrier_stats stats;
	struct stack *stack;
	uint32_t *slots;   /* handles by number / shards, see native_conn.c */
	uint32_t *numbers; /* numbers by handle */
	unsigned thread;
	uint32_t shards; /* threads in use */

	bool wire_was_up;
	bool blocked;	 /* the wire or the stack takes no more for now */
	bool has_number; /* a connection that could not be opened for want of memory */
	uint32_t number;
	uint32_t sent;	  /* octets of the next message that the stack has taken; 0 mostly */
	uint64_t thought; /* answers that were worked on, --think-time */
};

/* What the threads have in common. */
struct native_run {
	const struct conf *conf;
	struct report *report;
	struct dp_port *port;
	struct native *threads;
	unsigned n; /* threads in use: one for each queue of the wire at most */
	atomic_uint ready;
	atomic_bool go, gave_up;
	const char *peer;
	uint64_t start_ns, give_up_ns;
};

/* native_conn.c: what is due, and what has happened. They return true when they did something. */
bool native_open_due(struct native *n);
bool native_send_due(struct native *n);
bool native_close_due(struct native *n);
void native_event(struct native *n, const struct stack_event *ev);
/* Those that are still there get a RST. */
void native_abort_rest(struct native *n);

/* loop.c: a turn with or without a load; the whole run of a thread */
void native_turn(struct native *n, bool loaded);
void native_loop(unsigned worker, void *run);

/* native.c: until the next hop is known and all threads are here. False: told to stop before that. */
bool native_meet(struct native *n);

/* wire.c: opens the port that is meant, and waits until somebody is there. NULL: told to stop before that. */
struct dp_port *wire_open(const struct conf *c, uint64_t give_up_ns, const char **peer);
const char *wire_name(const struct dp_port *port);
/* In each turn: says when the peer has gone or has come back, and tells who is there now our addresses. */
void wire_watch(struct native *n);

#endif
