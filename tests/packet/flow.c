/* flow.c - the script's flows: their tuples, and where their connections are in the stack. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/world.h"

#include "host/internal.h"

enum { PEER_PORT = 40000, LOCAL_PORT = 50000 };

uint8_t
stream_in(uint32_t at)
{
	return (uint8_t)(at * 167 + (at >> 8) * 13 + 1);
}

uint8_t
stream_out(uint32_t at)
{
	return (uint8_t)(at * 59 + (at >> 8) * 7 + 200);
}

void
flow_init(struct world *w)
{
	for (unsigned i = 0; i < WORLD_FLOWS; i++)
		w->flow[i].tuple = (struct flow){
		    .laddr = w->conf->local,
		    .raddr = w->conf->remote,
		    .lport = w->conf->port,
		    .rport = (uint16_t)(PEER_PORT + i),
		};
}

void
flow_connect(struct world *w, unsigned no, uint32_t raddr, uint16_t rport)
{
	struct flow_state *f = &w->flow[no];

	f->active = true;
	f->tuple.raddr = raddr;
	f->tuple.rport = rport;
	f->tuple.lport = (uint16_t)(LOCAL_PORT + no);
}

struct flow_state *
flow_at(struct world *w, unsigned no)
{
	return &w->flow[no];
}

unsigned
flow_find(const struct world *w, uint32_t laddr, uint16_t lport, uint32_t raddr, uint16_t rport)
{
	const struct flow f = {.laddr = laddr, .lport = lport, .raddr = raddr, .rport = rport};

	for (unsigned i = 1; i < WORLD_FLOWS; i++)
		if (flow_equal(&f, &w->flow[i].tuple))
			return i;
	return 0;
}

const struct tcp_ctx *
flow_ctx(const struct world *w, unsigned no)
{
	return &group_of(w->s, &w->flow[no].tuple)->ctx;
}

const struct tcb *
flow_tcb(const struct world *w, unsigned no)
{
	const struct flow *f = &w->flow[no].tuple;
	const struct group *g = group_of(w->s, f);
	const uint32_t slot = conntab_find(&g->conntab, flow_hash(&w->s->key, f), f);

	return slot == POOL_NONE ? NULL : group_tcb(g, slot);
}
