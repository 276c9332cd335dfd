/* flow.c - hashes of a 4-tuple: SipHash-1-3 (Aumasson, Bernstein 2012), keyed; and a symmetric one. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/flow.h"

static inline uint64_t
rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 = rotl(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 = rotl(s->v2, 32);
}

static inline void
sip_block(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

/* The message is laddr, raddr, lport, rport, each least significant octet first: 12 octets, so
 * exactly one full block and a last one that carries the length in its top octet. */
uint64_t
flow_hash(const struct flow_key *key, const struct flow *f)
{
	struct sip s = {
	    .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
	    .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
	    .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
	    .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
	};

	sip_block(&s, f->laddr | (uint64_t)f->raddr << 32);
	sip_block(&s, f->lport | (uint64_t)f->rport << 16 | UINT64_C(12) << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* The two ends, smaller one first, are the same numbers from either side; each end is 48 bits. Odd
 * multipliers and the shift between them let every bit of both reach the upper half. */
uint32_t
flow_group_hash(const struct flow *f)
{
	uint64_t l = (uint64_t)f->laddr << 16 | f->lport;
	uint64_t r = (uint64_t)f->raddr << 16 | f->rport;
	uint64_t low = l < r ? l : r, high = l < r ? r : l;
	uint64_t h = low * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32) + high;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(h >> 32);
}
