/* client.h - what the connections of one thread do, whatever carries them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_CLIENT_H
#define MCC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "mcc/app.h"
#include "mcc/pending.h"
#include "mcc/reopen.h"
#include "mcc/results.h"
#include "mcc/schedule.h"

/*
 * The carrier (native.c: our stack, kernel.c: sockets) asks what is due, does it, and tells what happened. It keeps 8 octets for each connection, the
 * word, which is 0 before the connection is opened and belongs to this module until it is over.
 *
 *	set-up -> settle -> load -> drain -> close -> done
 */
enum client_phase { PHASE_SETUP, PHASE_SETTLE, PHASE_LOAD, PHASE_DRAIN, PHASE_CLOSE, PHASE_DONE };
const char *client_phase_name(enum client_phase p);

struct client_conf {
	enum app_kind app;
	uint32_t length;
	const char *host;
	struct schedule_conf schedule;
	uint64_t duration_ns; /* from the start, set-up included; 0: until told to stop */
	bool acks_are_seen;   /* the carrier calls client_acked */
	void *(*reserve)(
	    size_t bytes); /* zero-filled, lazily backed memory; NULL and errno on failure */
};

enum { CLIENT_SPARE_MESSAGES = 1 << 20 }; /* unsettled at a time beyond one for each connection */

struct client {
	struct client_conf conf;
	struct app app;
	struct schedule schedule;
	struct pending pending;
	struct reopen reopen;
	struct counters counters;
	struct latencies
	    *latency; /* of the interval; the owner may point it elsewhere between calls */
	unsigned by_answer, by_ack; /* enum pending_class: what settles which messages */
	enum client_phase phase;
	uint64_t now, end_ns, phase_end_ns;
	uint64_t next_close; /* number */
};

/* 0 or -errno. */
int client_init(struct client *c, const struct client_conf *conf, uint64_t start_ns,
		struct latencies *latency);

/* First in each turn. Moves on to the next phase where it is time. */
void client_turn(struct client *c, uint64_t now);
/* Between turns, for a carrier whose events do not all happen at one time. */
static inline void
client_tell_time(struct client *c, uint64_t now)
{
	c->now = c->pending.now_ns = now;
}
/* Ends the load: no more openings, no more messages; what is unsettled is waited for. */
void client_stop(struct client *c);
/* When something will be due; `now` or before: something is. */
uint64_t client_due(const struct client *c);

/* --- connections --- */

/* The number of a connection to open now; false: none is due. client_opening or client_not_opened follows. */
bool client_next_open(struct client *c, uint32_t *number);
void client_opening(struct client *c, uint64_t *word);
/* The SYN could not be sent; to be tried again, or client_not_opened. */
void client_not_opening(struct client *c, uint64_t *word);
void client_not_opened(struct client *c, uint32_t number);
void client_connected(struct client *c, uint64_t *word);
/* It is over, before or after it was established. */
void client_failed(struct client *c, uint64_t *word, uint32_t number, enum outcome why);
void client_ended(struct client *c, uint64_t *word, uint32_t number, enum outcome why);

/* The number of the next connection that is to be closed, if it is there; false: none now. */
bool client_next_close(struct client *c, uint32_t *number);
/* Many are reset rather than closed, so that it takes seconds. */
bool client_resets(const struct client *c);

/* --- messages --- */

/* The next message that is due; false: none. After it was sent, or given up: schedule_advance(&c->schedule). */
bool client_next_message(struct client *c, struct schedule_message *m);
/* Before it is sent: remembers it. False: it must not be sent. */
bool client_sending(struct client *c, uint64_t *word, const struct schedule_message *m);
/* It was not sent after all, and will be tried again: there was no memory for it. */
void client_take_back(struct client *c, uint64_t *word, const struct schedule_message *m);
/* The connection is not there, or takes nothing. */
void client_unsent(struct client *c);

static inline const uint8_t *
client_octets(struct client *c, const struct schedule_message *m)
{
	return app_message(&c->app, m->epoch, m->request);
}

/* Octets from the server. False: they are no answer to anything; reset the connection, client_ended(OUTCOME_BROKEN). */
bool client_data(struct client *c, uint64_t *word, uint32_t number, const uint8_t *data,
		 uint32_t len);
/* The server has closed his side: client_ended(OUTCOME_EOF) when it is over. */
void client_eof(struct client *c, uint64_t *word, uint32_t number);
/* Answers so far, to whatever is answered. */
static inline uint64_t
client_answers(const struct client *c)
{
	return c->counters.settled[CLASS_REQUEST] +
	       (c->by_answer & PENDING_HEARTBEAT ? c->counters.settled[CLASS_HEARTBEAT] : 0);
}
/* All that was sent is acknowledged. */
void client_acked(struct client *c, uint64_t *word, uint32_t number);

#endif
