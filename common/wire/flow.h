/* flow.h - the 4-tuple that names a connection, and its hashes. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WIRE_FLOW_H
#define WIRE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/* Seen from the host that owns it: local, remote. Host order. */
struct flow {
	uint32_t laddr, raddr;
	uint16_t lport, rport;
};

static inline bool
flow_equal(const struct flow *a, const struct flow *b)
{
	return a->laddr == b->laddr && a->raddr == b->raddr && a->lport == b->lport &&
	       a->rport == b->rport;
}

struct flow_key {
	uint64_t k0, k1;
};

/* SipHash-1-3 (Aumasson, Bernstein 2012) of the 12 octets: nobody without the key can choose
 * collisions. */
uint64_t flow_hash(const struct flow_key *key, const struct flow *f);

/* A fixed, symmetric 32-bit hash: both ends and both directions agree, so it picks queues and flow
 * groups. It is not keyed and must not index a table that an attacker can fill. */
uint32_t flow_group_hash(const struct flow *f);

#endif
