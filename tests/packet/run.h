/* run.h - a script is played against the stack. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_RUN_H
#define PACKET_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct packet_run_opts {
	bool verbose; /* the trace is shown of what passes, too */
	uint32_t
	    before_wrap; /* both sides begin so many numbers before 2^32, unless the script names its own; 0: as it is */
};

/* Loads and plays the script. On failure `report` gets script, line, what was expected and what came, and the trace
 * so far. */
bool packet_run_file(const char *path, const struct packet_run_opts *o, FILE *report);

#endif
