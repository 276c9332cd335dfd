/* track_check.c - every invariant of the tracker, walked and asserted (tests and fuzzing). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>

#include "hcmon/item.h"
#include "hcmon/track.h"

struct census {
	uint64_t flows, open, items, requests, heartbeats;
};

static void
check_list(const struct track *t, const struct flow_record *f, unsigned side, struct census *c)
{
	const unsigned client = (f->flags & FLOW_CLIENT_1) != 0;

	for (uint32_t h = f->list[side]; h != POOL_NONE; h = item_at(&t->items, h)->next) {
		const struct item *it = item_at(&t->items, h);

		c->items++;
		assert(c->items <= t->items.in_use);
		assert(it->kind == ITEM_GAP || it->kind == ITEM_REQUEST ||
		       it->kind == ITEM_RESPONSE);
		if (it->kind == ITEM_RESPONSE)
			assert(side != client && h != f->list[side]);
		if (it->kind != ITEM_REQUEST)
			continue;
		assert(side == client && (f->flags & FLOW_CLIENT_KNOWN));
		c->requests += it->class != RULE_HEARTBEAT;
		c->heartbeats += it->class == RULE_HEARTBEAT;
	}
}

static void
check_flow(const struct track *t, uint32_t h, struct census *c)
{
	const struct flow_record *f = flowtab_at(&t->flows, h);

	assert(f->state <= FLOW_CLOSED);
	if (f->state == FLOW_FREE)
		return;
	assert(flowtab_find(&t->flows, flowtab_hash(&t->flows, &f->tuple), &f->tuple) == h);
	c->flows++;
	c->open += f->state == FLOW_OPEN;
	check_list(t, f, 0, c);
	check_list(t, f, 1, c);
}

static void
check_histograms(const struct track *t)
{
	const struct track_counters *k = &t->count;

	assert(t->latency[RULE_HEARTBEAT].total <= k->heartbeats_acked);
	assert(t->latency[RULE_PLAIN].total + t->latency[RULE_HIGH].total +
		   t->latency[RULE_LOW].total <=
	       k->matched);
}

void
track_check(const struct track *t)
{
	const struct track_counters *k = &t->count;
	struct census c = {0};

	for (uint32_t h = 0; h < t->flows.flows.fresh; h++)
		check_flow(t, h, &c);
	assert(c.flows == t->flows.flows.in_use);
	assert(c.items == t->items.in_use);
	assert(c.open == t->flows_open);
	assert(c.requests == t->requests_open);
	assert(c.heartbeats == t->heartbeats_open);
	assert(k->requests == k->matched + k->unanswered + k->ambiguous + t->requests_open);
	assert(k->heartbeats == k->heartbeats_acked + k->heartbeats_unacked +
				    k->heartbeats_ambiguous + t->heartbeats_open);
	assert(k->conns_opened == k->conns_closed + t->flows_open + k->flows_evicted);
	check_histograms(t);
}
