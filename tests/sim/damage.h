/* damage.h - frames that are not as they were sent. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_DAMAGE_H
#define SIM_DAMAGE_H

#include "world.h"

/* Flips bits, changes fields, cuts; as the knobs say. */
void damage_maybe(struct world *w, const struct link_knobs *k, struct rng *r, struct buf *b);
/* "Fragmentation needed" about b, from the router that its receiver would be. */
void damage_too_big(struct buf *error, const struct buf *b, uint16_t mtu);
/* Makes the checksums of an IPv4 frame right: header, and TCP. */
void damage_fix_checksums(struct buf *b);
/* A router that is congested: CE, where the sender knows what that means (RFC 3168 5). */
void damage_mark(struct buf *b);

#endif
