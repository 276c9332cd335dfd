/* link.h - the link between the hosts: what becomes of a frame, and when it arrives. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "world.h"

void link_begin(struct world *w);
/* Takes a frame, with its note, that host `from` has sent. */
void link_send(struct world *w, unsigned from, struct buf *b);
/* Puts a frame before host `to`, at once: by somebody who is on the link. */
void link_inject(struct world *w, unsigned to, struct buf *b);
/* When the next frame arrives; and that frame. */
uint64_t link_next(const struct link *l);
struct flight link_pop(struct link *l);
/* Frees all that is on its way. */
void link_clear(struct world *w);

#endif
