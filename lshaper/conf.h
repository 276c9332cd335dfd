/* conf.h - what lshaper was asked to do. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LSHAPER_CONF_H
#define LSHAPER_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "lshaper/impair.h"

enum { AB, BA, DIRECTIONS }; /* port A to port B, and back */

struct conf {
	const char *port[DIRECTIONS]; /* A, B: where the frames of AB, of BA come from */
	unsigned n_ports;
	const char *mirror; /* NULL: none */
	int mirror_full;    /* enum mirror_full */
	struct impair_conf impair[DIRECTIONS];
	uint64_t seed;
	uint64_t hold_bytes; /* of each direction */

	const char *cores;
	int huge; /* as in struct dp_conf */
	bool poll, share;
	uint64_t interval_ns, duration_ns; /* duration 0: until a signal */
	int format;
	bool quiet, verbose;
	int eal_argc;
	char **eal_argv;

	/* as typed, before the rules between flags are applied */
	uint64_t delay_ns;
	double drop;
	bool huge_flag;
};

enum mirror_full { MIRROR_BLOCK, MIRROR_DROP };

/* Ends the program on a wrong flag. */
void conf_parse(struct conf *c, int argc, char **argv);

#endif
