/* monitor.h - the way of a frame through hcmon: tap, tracker, record; the same for ports and files. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_MONITOR_H
#define HCMON_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/record.h"
#include "hcmon/conf.h"
#include "hcmon/gnuplot.h"
#include "hcmon/report.h"
#include "hcmon/reqlog.h"
#include "hcmon/track.h"

struct monitor {
	const struct conf *conf;
	struct track *track;
	void *track_mem;
	size_t track_bytes;
	struct tap tap;
	uint64_t missed; /* frames lost by the port: the live loop keeps it */

	struct track_packet batch[TRACK_BURST];
	unsigned n_batch;

	bool started;
	uint64_t start_ns, now_ns,
	    next_ns; /* of the first frame; the latest; end of the interval */

	struct report report;
	struct record_out records, requests;
	FILE *cdf, *requests_file, *total; /* NULL: not asked for */
	struct gnuplot gnuplot;
};

/* Opens what is to be written and takes memory; ends the program when that is not possible. */
void monitor_init(struct monitor *m, const struct conf *conf);

/* Time begins here: with the first frame of a file, or now. */
void monitor_start(struct monitor *m, uint64_t now_ns);
/* It is now_ns: intervals that ended by then are reported. */
void monitor_advance(struct monitor *m, uint64_t now_ns);
/* A frame that came at now_ns; data must stay until monitor_flush, which comes by itself before TRACK_BURST frames
 * are waiting for it, and at the end of an interval. True when it does the next time. */
void monitor_frame(struct monitor *m, const uint8_t *data, uint32_t caplen, uint32_t len,
		   uint64_t now_ns);
void monitor_flush(struct monitor *m);

/* The last record, the files, the summary. Exit status: 1 when something could not be written. */
int monitor_finish(struct monitor *m);

#endif
