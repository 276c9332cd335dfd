/* conf.h - hcmon's flags. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_CONF_H
#define HCMON_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"
#include "base/record.h"
#include "hcmon/rule.h"

enum { CONF_MAX_PORTS = 8, CONF_FORMAT_GNUPLOT = RECORD_JSON + 1 };

struct conf {
	const char *port[CONF_MAX_PORTS];
	unsigned n_ports;
	const char *read; /* capture file, or NULL: ports */
	struct rule rule;
	uint64_t label_offset, prio_offset;
	int low_until;
	bool verify_checksums;
	const char *cdf, *requests, *total; /* files to write, or NULL */
	int format;			    /* enum record_format, or CONF_FORMAT_GNUPLOT */
	bool gnuplot;
	const char *cores;
	uint64_t mem_bytes;
	bool huge, poll, share;
	uint64_t interval_ns, duration_ns;
	bool quiet, verbose;
	int eal_argc;
	char **eal_argv;
};

extern const struct opt_spec conf_spec;

/* Ends the program when the flags are wrong. */
void conf_read(struct conf *c, int argc, char **argv);

#endif
