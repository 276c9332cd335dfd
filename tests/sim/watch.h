/* watch.h - what must hold of each frame that is sent, seen from outside; and of each state. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include "world.h"

/* A stack has sent b: checks it, fills its note in. */
void watch_sent(struct world *w, struct host *h, struct buf *b);
/* b is about to be handed to a stack. */
void watch_arrives(struct world *w, struct host *h, const struct buf *b);
/* States, after `calls` calls of a stack. */
void watch_states(struct world *w, struct host *h, unsigned calls);
/* After a turn: replies in measure. */
void watch_turn(struct world *w, struct host *h);
/* Prints b in the trace. */
void watch_trace(const struct world *w, unsigned side, const char *what, const struct buf *b);

#endif
