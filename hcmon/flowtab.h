/* flowtab.h - the flows that are known, by 4-tuple: 40 octets each, and 4 to 8 for their place in the table. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_FLOWTAB_H
#define HCMON_FLOWTAB_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "wire/flow.h"

/* Side 0 is the tuple's local end, side 1 its remote end; the smaller (address, port) is side 0.
 *
 *	 0 tuple            12
 *	12 chain             4    next flow of the bucket
 *	16 nxt[2]            8    by sending side: highest sequence number seen, plus one
 *	24 list[2]           8    by sending side: items of its stream (item.h), mostly none
 *	32 last              4    when its last packet came, in ticks
 *	36 epoch             2    interval of its last packet, modulo 2^16
 *	38 state             1
 *	39 flags             1                                                                   */
struct flow_record {
	struct flow tuple;
	uint32_t chain;
	uint32_t nxt[2];
	uint32_t list[2];
	uint32_t last;
	uint16_t epoch;
	uint8_t state;
	uint8_t flags;
};
static_assert(sizeof(struct flow_record) == 40, "a flow is 40 octets");

enum flow_state {
	FLOW_FREE,
	FLOW_NEW, /* seen by SYN or SYN-ACK only */
	FLOW_OPEN,
	FLOW_CLOSED, /* by RST or two FINs; kept a little for what comes late */
};

enum flow_flag {
	FLOW_SEEN_0 = 0x01, /* nxt[0] is known */
	FLOW_SEEN_1 = 0x02,
	FLOW_FIN_0 = 0x04,
	FLOW_FIN_1 = 0x08,
	FLOW_CLIENT_KNOWN = 0x10,
	FLOW_CLIENT_1 = 0x20, /* side 1 is the client */
	FLOW_UNSURE = 0x40, /* requests may have passed unseen: what is matched now is ambiguous */
	FLOW_IGNORE = 0x80, /* no messages are looked for: not the server's port */
};

enum { FLOW_TICK_SHIFT = 20 /* a tick is 2^20 ns, about 1 ms: it wraps after 52 days */ };

/* A linear hash table (Litwin 1980): it grows by one bucket per flow, never pauses to be rebuilt,
 * and touches no memory before there are flows for it. */
struct flowtab {
	struct pool flows;
	uint32_t *heads;
	uint32_t n_buckets, max_buckets, mask;
	uint32_t hand; /* of the clock that looks for old flows */
	struct flow_key key;
};

/* Bytes that flowtab_init wants for up to max flows. */
size_t flowtab_bytes(uint32_t max);
void flowtab_init(struct flowtab *t, void *mem, uint32_t max, const uint8_t key[16]);

static inline struct flow_record *
flowtab_at(const struct flowtab *t, uint32_t h)
{
	return pool_at(&t->flows, h);
}

/* The tuple as it is stored; returns which side sent the packet from (laddr, lport). */
unsigned flow_canonical(struct flow *tuple);

uint32_t flowtab_hash(const struct flowtab *t, const struct flow *canonical);
/* For a burst: first the bucket, then, a little later, the flow that is first in it. */
void flowtab_prefetch_bucket(const struct flowtab *t, uint32_t hash);
void flowtab_prefetch_flow(const struct flowtab *t, uint32_t hash);

/* POOL_NONE when there is none. */
uint32_t flowtab_find(const struct flowtab *t, uint32_t hash, const struct flow *canonical);
/* A new flow, all zero but for its tuple, with empty lists; POOL_NONE when the table is full. The tuple must not be in it. */
uint32_t flowtab_insert(struct flowtab *t, uint32_t hash, const struct flow *canonical);
void flowtab_remove(struct flowtab *t, uint32_t h);

/* Whom to give up when the table is full: of the next few flows under a clock's hand a closed one, else one
 * that never opened, else the one that was silent longest. */
uint32_t flowtab_victim(struct flowtab *t, uint32_t now_tick);

#endif
