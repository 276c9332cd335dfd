/* report.h - a record per interval and one for the whole run: one table of fields gives CSV, JSON, text and man page. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_REPORT_H
#define HCMON_REPORT_H

#include <stdio.h>

#include "base/hist.h"
#include "base/record.h"
#include "hcmon/tap.h"
#include "hcmon/track.h"

/* Nanoseconds; UINT64_MAX when nothing was measured. */
struct report_latency {
	uint64_t p50, p90, p99, p999, max;
};

struct report_row {
	uint64_t time_ns; /* its end, since the start */
	uint64_t flows_open, flows_active, requests_open, heartbeats_open;
	double conns_per_s, requests_per_s, heartbeats_per_s, bps;
	struct report_latency latency, high, low, ack;
	struct track_counters count;
	uint64_t pkts, bytes, other, missed, dropped;
	uint64_t drops[PKT_N_DROPS];
	uint64_t stamp_p99_ns, stamp_max_ns;
};

extern const struct record_field report_fields[];
extern const unsigned report_n_fields;
/* The few that fit on a terminal's line. */
extern const struct record_field report_text_fields[];
extern const unsigned report_n_text_fields;

/* Everything that is counted, at one moment. */
struct report_state {
	struct track_counters count;
	struct tap tap;
	uint64_t missed; /* by the port */
};

/* What a record is computed from, and what the run adds up to. */
struct report {
	struct report_state last;
	uint64_t last_ns, last_active;
	struct hist total[RULE_N_CLASSES];
	struct hist stamp, stamp_total; /* how uncertain the stamps of live packets are */
	struct hist scratch;
};

void report_init(struct report *r);
/* The record of the interval that ends at now_ns (since the start); the tracker's histograms are added to the total. */
void report_interval(struct report *r, const struct track *t, const struct report_state *now,
		     uint64_t now_ns, struct report_row *row);
/* The record of the whole run, up to the last interval. */
void report_total(struct report *r, const struct track *t, struct report_row *row);

/* Latencies of all answered requests of the run. */
const struct hist *report_answered(struct report *r);

/* A table for people. */
void report_summary(struct report *r, const struct track *t, FILE *out);

#endif
