/* gnuplot.h - the run as pictures: gnuplot's commands with the data in them, drawn anew for each interval. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_GNUPLOT_H
#define HCMON_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>

#include "hcmon/cdf.h"
#include "hcmon/report.h"

enum { GNUPLOT_HISTORY = 300 };

struct gnuplot {
	FILE *out;
	unsigned n; /* intervals so far */
	struct gnuplot_point {
		double time_s, flows_open, requests_per_s, messages_per_s, p50_us, p99_us, ack_us;
	} history[GNUPLOT_HISTORY];
	bool failed;
};

void gnuplot_open(struct gnuplot *g, FILE *out);
/* One more interval; curves of the whole run. */
void gnuplot_draw(struct gnuplot *g, const struct report_row *row,
		  const struct hist *const curve[CDF_N_CURVES]);

#endif
