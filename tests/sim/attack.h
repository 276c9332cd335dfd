/* attack.h - somebody who sends segments in the name of others, and an event that waits for its state. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_ATTACK_H
#define SIM_ATTACK_H

#include "world.h"

void attack_begin(struct world *w);
/* A forged segment, if one is due. */
void attack_run(struct world *w);
/* The event that this scenario has in store, once a connection is in the state for it. */
void attack_ambush(struct world *w);

/* What a forged segment must leave as it was. */
struct attack_before {
	struct tcb tcb;
	bool is_there;
	uint64_t ended;
};
void attack_before(const struct host *h, const struct world *w, const struct buf *b,
		   struct attack_before *before);
void attack_after(const struct host *h, const struct world *w, const struct buf *b,
		  const struct attack_before *before);

#endif
