/* report.h - qstackd's records and its last words. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef QSTACKD_REPORT_H
#define QSTACKD_REPORT_H

#include <stdint.h>

#include "base/record.h"
#include "host/stack.h"
#include "qstackd/app.h"

/* What a worker says of itself, copied as a whole; in a sum, what the ports and the buffers say, too. */
struct snapshot {
	struct stack_stats stack;
	struct app_stats app;
	uint64_t rx_missed;
	uint32_t frames_free;
};

struct report {
	struct record_out out;
	uint64_t start_ns, last_ns;
	uint64_t last_cpu_ns;
	struct snapshot last;
};

void snapshot_add(struct snapshot *sum, const struct snapshot *s);

void report_open(struct report *r, enum record_format format, uint64_t now, uint64_t cpu_ns);
/* One record: `sum` over all workers, rates since the record before. */
void report_write(struct report *r, const struct snapshot *sum, uint64_t now, uint64_t cpu_ns);
/* The summary on stderr; 0 or -errno when records did not reach stdout. */
int report_close(struct report *r, const struct snapshot *sum, uint64_t now);

#endif
