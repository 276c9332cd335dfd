/* exchange.h - a load thread's results, handed to the reporter once an interval, without a lock. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_EXCHANGE_H
#define MCC_EXCHANGE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mcc/client.h"

/* What the carrier knows beside the client. */
struct carrier_stats {
	uint64_t retransmitted; /* segments, since the start */
};

/*
 * The thread fills one set of histograms while the reporter reads the other; at the end of an interval, if the reporter has done with his, they
 * change sides. `full` says whose turn it is: what is below it belongs to the reporter while it is set.
 */
struct exchange {
	sem_t *posted; /* the reporter waits here for all threads */
	struct latencies *side[2];
	unsigned filling;
	uint64_t interval_ns, next_ns;

	atomic_bool full;
	bool last; /* the thread has ended */
	uint64_t now_ns;
	enum client_phase phase;
	struct counters counters;
	struct carrier_stats carrier;
	struct latencies *latency;

	bool ended; /* the reporter's: has seen the last */
};

/* 0 or -ENOMEM. */
int exchange_init(struct exchange *x, sem_t *posted, uint64_t interval_ns);
void exchange_fini(struct exchange *x);

/* The thread's side. The first interval begins at `now`. */
void exchange_start(struct exchange *x, struct client *c, uint64_t now);
/* At the end of the interval, or when a burst that is being sent then is over, but not much later. */
static inline bool
exchange_is_due(const struct exchange *x, uint64_t now, bool busy)
{
	return now >= x->next_ns && (!busy || now - x->next_ns >= x->interval_ns / 8);
}
/* Does nothing when the reporter is late: the next record covers more. */
void exchange_publish(struct exchange *x, struct client *c, const struct carrier_stats *s);
/* The last one; waits for the reporter. */
void exchange_finish(struct exchange *x, struct client *c, const struct carrier_stats *s);

/* The reporter's side: after one post for each thread. Empty histograms go back. */
void exchange_return(struct exchange *x);

#endif
