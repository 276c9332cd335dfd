/* user.h - the users at both ends: they open, write, read, close, and check what they get. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_USER_H
#define SIM_USER_H

#include "world.h"

/* Once in a process. */
void user_make_content(void);
/* n octets (at most 32768) of what `side` of this connection writes, from `position` on. */
const uint8_t *user_content(const struct world *w, const struct pair *c, unsigned side,
			    uint32_t position);

void user_begin(struct world *w);
void user_event(struct world *w, struct host *h, const struct stack_event *ev);
/* Does what is due at this host. */
void user_act(struct world *w, struct host *h);
uint64_t user_next(const struct world *w, unsigned side);

/* Calls out of turn, by whoever lies in ambush. */
void user_send(struct world *w, struct host *h, struct pair *c, struct end *e);
void user_read(struct world *w, struct host *h, struct pair *c, struct end *e);
void user_close(struct world *w, struct host *h, struct pair *c, struct end *e);
void user_abort(struct world *w, struct host *h, struct pair *c, struct end *e);

/* At the end: everybody has got what is due to him, or there is a reason. */
void user_end(struct world *w);

#endif
