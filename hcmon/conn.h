/* conn.h - flows come and go: met, open, closed, used again, evicted (used by track.c only). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_CONN_H
#define HCMON_CONN_H

#include "hcmon/track.h"

/* One packet in the making. */
struct step {
	struct track *t;
	const struct track_packet *pkt;
	struct flow_record *f;
	uint32_t h;
	unsigned side; /* that sent it */
};

static inline uint32_t
conn_tick_of(uint64_t ns)
{
	return (uint32_t)(ns >> FLOW_TICK_SHIFT);
}

static inline bool
conn_is_client(const struct flow_record *f, unsigned side)
{
	return side == ((f->flags & FLOW_CLIENT_1) != 0);
}

static inline void
conn_set_client(struct flow_record *f, unsigned side)
{
	f->flags &= (uint8_t)~FLOW_CLIENT_1;
	f->flags |= (uint8_t)(FLOW_CLIENT_KNOWN | (side ? FLOW_CLIENT_1 : 0));
}

/* A record for a flow that is not known yet, when it is worth one: false when not. Sets s->h and s->f. */
bool conn_begin(struct step *s, uint32_t hash, const struct flow *canonical);
void conn_open(struct step *s);
void conn_close(struct step *s);
/* The tuple begins a new life: all that was known is settled. */
void conn_restart(struct step *s);

/* The flow that closed first is forgotten, unless its tuple is in use again. */
void conn_pop_closed(struct track *t);

#endif
