/* reserve.c - an octet acknowledged is never lost: memory to keep it is set aside before. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/group.h"

/* Large blocks that len octets may need, the room in the last block of the queue left out. */
static uint32_t
blocks_for(uint32_t len)
{
	return (len + BLOCK_LARGE_ROOM - 1) / BLOCK_LARGE_ROOM;
}

static uint32_t
n_free(const struct pool *p)
{
	return p->max - p->in_use;
}

void
reserve_fill(struct group *g, uint32_t n)
{
	struct reserve *r = &g->reserve;
	struct pool *acts = &g->ctx.acts, *large = &g->ctx.blocks.large;
	uint32_t want_acts = r->acts_due + n;
	uint32_t want_blocks = r->blocks_due + n * blocks_for(g->ctx.cfg.mss);

	while (r->n_acts < want_acts && r->n_acts < r->max_acts && n_free(acts) > 0)
		r->act[r->n_acts++] = pool_get(acts);
	while (r->n_blocks < want_blocks && r->n_blocks < r->max_blocks && n_free(large) > 0)
		r->block[r->n_blocks++] = pool_get(large);
}

bool
reserve_promise(struct group *g, uint32_t len)
{
	struct reserve *r = &g->reserve;

	if (r->acts_due >= r->n_acts || r->blocks_due + blocks_for(len) > r->n_blocks)
		return false;
	r->acts_due++;
	r->blocks_due += blocks_for(len);
	return true;
}

void
reserve_settle(struct group *g, uint32_t len)
{
	g->reserve.acts_due--;
	g->reserve.blocks_due -= blocks_for(len);
}

static struct chain *
queue_of(struct group *g, struct tcb *t, uint64_t now)
{
	struct reserve *r = &g->reserve;

	if (!tcb_is_active(t) && n_free(&g->ctx.acts) == 0 && r->n_acts > 0)
		pool_put(&g->ctx.acts, r->act[--r->n_acts]);
	return tcp_rcvq_get(&g->ctx, t, now);
}

bool
reserve_keep(struct group *g, struct tcb *t, const uint8_t *data, uint32_t len, uint64_t now)
{
	struct reserve *r = &g->reserve;
	struct pool *large = &g->ctx.blocks.large;
	struct chain *q = queue_of(g, t, now);

	while (n_free(large) < blocks_for(len) && r->n_blocks > 0)
		pool_put(large, r->block[--r->n_blocks]);
	return q != NULL && chain_append(&g->ctx.blocks, q, data, len) == len;
}

bool
reserve_keep_chain(struct group *g, struct tcb *t, struct chain *c, uint64_t now)
{
	struct chain *q = queue_of(g, t, now);

	if (q == NULL)
		return false;
	chain_link(&g->ctx.blocks, q, c);
	return true;
}
