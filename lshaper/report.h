/* report.h - a record of every interval on stdout, and the summary at the end on stderr. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LSHAPER_REPORT_H
#define LSHAPER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hist.h"
#include "base/record.h"
#include "dp/dp.h"
#include "lshaper/conf.h"
#include "lshaper/mirror.h"
#include "lshaper/pipe.h"

struct shaper;

/* What is counted since the start; a record is the difference of two. */
struct report_totals {
	struct pipe_stats pipe[DIRECTIONS];
	struct dp_port_stats in[DIRECTIONS];
	struct mirror_stats mirror;
	uint64_t cpu_ns;
};

struct report {
	struct record_out out;
	uint64_t interval_ns, next_ns, last_ns;
	struct report_totals last;
	struct hist late[DIRECTIONS]; /* of all intervals that have ended */
	unsigned skipped;	      /* records, since the reader of stdout stopped reading */
};

void report_open(struct report *r, const struct conf *conf, uint64_t now_ns);

/* Writes the record of the time since the last one, and begins the next. Never waits for the
 * reader of stdout: its record is skipped, and the next one covers both intervals. */
void report_interval(struct report *r, struct shaper *s, uint64_t now_ns);

/* Once, before the ports close. */
void report_summary(struct report *r, const struct shaper *s);
/* The exit status. */
int report_close(struct report *r);

#endif
