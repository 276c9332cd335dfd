/* host.h - a host of the world: its stack, its clock, its port, and a turn of its loop. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "world.h"

enum { PORT_OPEN = 7, PORT_SHUT = 9, PORT_FIRST = 20000, PORT_OTHER = 30000, PORT_STRANGE = 40000 };
enum { HOST_ADDR = 0x0a000001 }; /* of host 0; host 1 is the next */

void host_begin(struct world *w, unsigned side);
/* All must be as before the first connection; frees the stack. */
void host_end(struct world *w, unsigned side);
/* Without a look. */
void host_free(struct world *w, unsigned side);

/* What its clock says at world time t; and when, at the earliest, it will say `at`. */
uint64_t host_clock(const struct host *h, uint64_t t);
uint64_t host_world_time(const struct host *h, uint64_t at);
void host_jump(struct world *w, struct host *h);

/* A turn with these frames, or (n 0) for timers and users. True: something moved. */
bool host_turn(struct world *w, struct host *h, struct buf *const *in, unsigned n);

/* Its tcb for this flow; NULL: none. */
struct tcb *host_tcb(const struct host *h, const struct flow *f, struct tcp_ctx **ctx);
/* Segments that the engine has sent, and the host could not. */
unsigned host_unsent(const struct host *h);
uint32_t host_conns(const struct host *h);
/* Octets that wait for the user. */
uint32_t host_unread(const struct host *h, uint32_t id);
enum cover_state host_state(const struct host *h, const struct flow *f);

static inline struct host *
host_at(const struct world *w, unsigned side)
{
	return (struct host *)&w->host[side];
}

#endif
