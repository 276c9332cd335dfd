/* reqlog.h - one line per request: when, who, how long. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_REQLOG_H
#define HCMON_REQLOG_H

#include <stdint.h>

#include "base/record.h"
#include "hcmon/track.h"

enum { REQLOG_END_BYTES = 24 /* 255.255.255.255:65535 */ };

struct reqlog_row {
	double time_s;
	const char *client, *server, *class, *outcome;
	uint64_t latency_ns;
	uint32_t bytes;
};

extern const struct record_field reqlog_fields[];
extern const unsigned reqlog_n_fields;

/* Fills row; the addresses are printed into buf. */
void reqlog_row(struct reqlog_row *row, char buf[2][REQLOG_END_BYTES],
		const struct track_request *r, uint64_t start_ns);

#endif
