/* frag.h - IPv4 fragments put together again, within limits (RFC 791 3.2, 1122 3.3.2, 3128, 5722). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef INET_FRAG_H
#define INET_FRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/pkt.h"

/*
 * A table per interface of datagrams that are not complete, each with room for the longest one. What
 * comes out is a frame like any other, in memory of the table's.
 *
 * Nobody needs fragments much, and they have been used against everybody, so: a datagram in which two
 * fragments overlap is given up with all that is still to come of it (RFC 5722), and so is one whose
 * lengths contradict each other; first fragments that hide a transport header are not taken (RFC 3128); a
 * source has no more than its share of the table, and a full table takes no new datagram. A fragment
 * costs no more than a look at all slots, and at its own octets.
 */
#define FRAG_TIMEOUT_NS (UINT64_C(30) * 1000000000) /* RFC 1122 3.3.2 would have 60 to 120 s */

enum { FRAG_MIN_SLOTS = 4 };

/* clang-format off */
#define FRAG_STATS(X)                                                                              \
	X(in) X(reassembled)                                                                       \
	X(duplicates)	/* the same octets again: no harm */                                       \
	X(drop_overlap) /* fragments that overlap, and what comes of their datagrams afterwards */ \
	X(drop_format)	/* too short, too long, contradicting each other */                        \
	X(drop_source)	/* the source's oldest, for its next one */                                \
	X(drop_full)	/* no slot for one more datagram */                                        \
	X(drop_timeout) /* datagrams that were not complete in time */
/* clang-format on */

struct frag_stats {
#define FRAG_STATS_MEMBER(name) uint64_t name;
	FRAG_STATS(FRAG_STATS_MEMBER)
#undef FRAG_STATS_MEMBER
};

struct frag_slot;

struct frag_table {
	struct frag_slot *slot; /* the caller's memory; an octet is touched when it is needed */
	uint32_t n_slots, n_used, n_done;
	uint64_t next_ns; /* nothing is due before */
	struct frag_stats stats;
};

size_t frag_table_bytes(uint32_t n_slots);
/* mem: frag_table_bytes(n_slots), aligned for uint64_t. */
void frag_table_init(struct frag_table *t, void *mem, uint32_t n_slots);

/* p is what pkt_parse made of `frame` before it said PKT_DROP_IP_FRAGMENT, and for us. When the datagram is
 * complete: its frame, of *whole_len octets, without the parts of IP's header that speak of fragments;
 * valid until frag_recycle. Else NULL. */
uint8_t *frag_input(struct frag_table *t, const struct pkt *p, const uint8_t *frame,
		    uint64_t now_ns, uint32_t *whole_len);

/* Frames that were handed out are no longer used. */
void frag_recycle(struct frag_table *t);
/* Gives up what was not complete in time; to be called at frag_deadline. */
void frag_expire(struct frag_table *t, uint64_t now_ns);
static inline uint64_t
frag_deadline(const struct frag_table *t)
{
	return t->next_ns;
}

#endif
