/* results.h - what became of connections and messages: counters that add up, and latencies. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_RESULTS_H
#define MCC_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hist.h"

/* How an attempt to open a connection ended. */
enum outcome {
	OUTCOME_REFUSED,     /* its SYN was answered by a RST */
	OUTCOME_UNREACHABLE, /* no way to the server, or no source port */
	OUTCOME_TIMED_OUT,   /* no answer to the SYN, or no ACK later */
	OUTCOME_RESET,	     /* established, then reset by the server */
	OUTCOME_EOF,	     /* established, then closed by the server */
	OUTCOME_BROKEN,	     /* the server sent what is no answer, so we reset it */
	OUTCOME_CLOSED,	     /* by us, at the end */
	OUTCOMES
};

enum message_class { CLASS_HEARTBEAT, CLASS_REQUEST, CLASSES };

/* Since the start. At any time opened = opening + established + the sum of ended[], and where a class is settled by something that can be
 * seen, sent = settled + lost + outstanding. */
struct counters {
	uint64_t opened; /* attempts, reopened ones included */
	uint64_t reopened;
	uint64_t connected; /* handshakes completed */
	uint64_t ended[OUTCOMES];
	uint64_t sent[CLASSES];
	uint64_t settled[CLASSES]; /* answered; heartbeats of iot: acknowledged */
	uint64_t lost[CLASSES];	   /* the connection ended, or the run, before they were settled */
	uint64_t unsent;	   /* due, but the connection was not there or took no more */
	uint64_t refusals;	   /* http answers with a status of 400 or more */
	/* now */
	uint64_t opening, established, outstanding[CLASSES];
};

/* Plain sums, gauges too. */
void counters_add(struct counters *into, const struct counters *c);
/* settled_classes: bit per enum message_class whose messages can be seen to be settled. */
bool counters_add_up(const struct counters *c, unsigned settled_classes);
/* Attempts that ended otherwise than by us. */
uint64_t counters_lost_connections(const struct counters *c);

struct latencies {
	struct hist connect;		/* SYN to ESTABLISHED */
	struct hist intended[CLASSES];	/* from when the message was due */
	struct hist departure[CLASSES]; /* from when it left */
};

void latencies_reset(struct latencies *l);
/* Costs nothing for what is empty. */
void latencies_merge(struct latencies *into, const struct latencies *from);

#endif
