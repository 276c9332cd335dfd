/* report.h - the thread of control: a record each interval on stdout, summaries on stderr. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_REPORT_H
#define MCC_REPORT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/record.h"
#include "mcc/conf.h"
#include "mcc/exchange.h"

struct report {
	const struct conf *conf;
	struct record_out out;
	pthread_t thread;
	sem_t posted;
	struct exchange *exchange; /* one for each thread of load */
	unsigned threads; /* in use: fewer than were asked for when the wire has fewer queues */
	unsigned settled_classes; /* enum pending_class, or-ed */
	uint64_t start_ns;	  /* of the set-up */
	uint64_t resident_before; /* bytes, without connections */

	/* of the reporter alone */
	struct latencies *interval, *total;
	struct counters now, before;
	struct carrier_stats carrier;
	enum client_phase phase;
	uint64_t now_ns, before_ns, cpu_before_ns, next_log_ns;
	double mem_per_conn;
	bool stopped; /* by a signal: connections still opening are not a failure */
};

/* Memory and the exchanges. 0 or -ENOMEM. */
int report_init(struct report *r, const struct conf *c);
/* Starts the reporter: the set-up begins at start_ns with so many threads of load, each of which publishes to its exchange. */
int report_start(struct report *r, unsigned threads, unsigned settled_classes, uint64_t start_ns);
/* After the last exchange_finish: waits for the last record, prints the summary, gives the exit status. */
int report_finish(struct report *r, bool stopped);
void report_fini(struct report *r);

/* The table behind the records, for the man page's test. */
const struct record_field *report_fields(unsigned *n);

#endif
