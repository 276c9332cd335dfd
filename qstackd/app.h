/* app.h - what an application of qstackd is: one const struct of callbacks and 8 octets a connection. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef QSTACKD_APP_H
#define QSTACKD_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "host/stack.h"

/* What the flags say to applications. */
struct app_conf {
	uint32_t max_conns;	 /* connection handles stay below this, on each worker */
	uint32_t message_length; /* iot: octets of a message, 7 to 65279; 0: a segment is one */
	uint64_t http_size;	 /* http: octets of a body when the path does not say */
};

/* One list gives the struct, the record fields and their names. */
#define APP_STATS(X)                                            \
	X(requests, "requests that ask for an answer")          \
	X(heartbeats, "messages that ask for none")             \
	X(answers, "answers queued")                            \
	X(bad_requests, "requests that were not understood")    \
	X(late_requests, "requests that did not end in time")   \
	X(octets_read, "payload octets taken from connections") \
	X(octets_written, "payload octets queued to connections")

struct app_stats {
#define APP_STATS_MEMBER(name, help) uint64_t name;
	APP_STATS(APP_STATS_MEMBER)
#undef APP_STATS_MEMBER
};

/* An application as one worker runs it. Callbacks run to completion in the worker. */
struct app {
	const struct app_ops *ops;
	struct stack *stack;
	void *state; /* made by open */
	uint64_t now;
	struct app_stats stats;
};

struct app_ops {
	const char *name;
	uint16_t port; /* where it listens unless --listen says otherwise */
	bool quickack; /* its peers wait for ACKs, not only for answers */
	/* Any of these may be NULL, but for message. */
	int (*open)(struct app *a, const struct app_conf *conf); /* 0 or -errno */
	void (*release)(struct app *a);
	void (*accept)(struct app *a, uint32_t conn);
	/* Octets in order. Returns how many it took: the rest comes again, with what follows it, when the application
	 * has room to answer (after writable) or when more has arrived. */
	uint32_t (*message)(struct app *a, uint32_t conn, const uint8_t *data, uint32_t len);
	void (*writable)(struct app *a,
			 uint32_t conn);	     /* app_send had taken less than it was given */
	void (*eof)(struct app *a, uint32_t conn);   /* NULL: the connection is closed */
	void (*visit)(struct app *a, uint32_t conn); /* now and then: is it getting on? */
};

/* The registered applications, ending with NULL; a new one is a file and a row there. */
extern const struct app_ops *const app_table[];
const struct app_ops *app_find(const char *name);

/* Hands one event of the stack to the application. */
void app_event(struct app *a, const struct stack_event *ev);

/* --- for applications --- */

/* Queues octets (copied), counts them, and returns how many were taken. */
uint32_t app_send(struct app *a, uint32_t conn, const void *data, uint32_t len);
/* The connection's 8 octets. */
static inline uint64_t *
app_word(struct app *a, uint32_t conn)
{
	return stack_app(a->stack, conn);
}

#endif
