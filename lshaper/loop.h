/* loop.h - two ports, the pipe of each direction between them, the mirror; the loop over all. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LSHAPER_LOOP_H
#define LSHAPER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "dp/dp.h"
#include "lshaper/conf.h"
#include "lshaper/mirror.h"
#include "lshaper/pipe.h"
#include "lshaper/report.h"

/* One direction. */
struct path {
	struct dp_port *in, *out;
	bool mirror_in, mirror_out; /* which end is port B */
	struct pipe pipe;
};

struct watched_port {
	struct dp_port *port;
	const char *name, *peer;
	enum { UNKNOWN, DOWN, UP } said;
};

enum { WATCHED = 3 };

struct shaper {
	struct path path[DIRECTIONS];
	struct mirror mirror;
	struct report report;
	struct watched_port watched[WATCHED]; /* A, B, mirror (its port may be NULL) */
	uint64_t spin_ns;  /* before a departure: no sleep any more, which could end late */
	uint64_t end_ns;   /* --duration, else UINT64_MAX */
	uint64_t drain_ns; /* when to stop at the latest, else UINT64_MAX */
	bool draining;	   /* nothing more is received */
};

/* Runs until a signal, the end of both files or --duration, and then until what is held has left
 * or a second has passed. For dp_run. */
void loop_run(unsigned worker, void *shaper);

/* From a signal handler: receive nothing more, let the held frames leave, and end. */
void loop_stop(void);

#endif
