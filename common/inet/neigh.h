/* neigh.h - which MAC address a next hop has, as far as we know (RFC 826, 1122 2.3.2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef INET_NEIGH_H
#define INET_NEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum neigh_state {
	NEIGH_FREE,
	NEIGH_INCOMPLETE, /* asked for, at most NEIGH_TRIES times */
	NEIGH_FAILED,	  /* nobody answered; asked for again when wanted */
	NEIGH_REACHABLE,
	NEIGH_STALE, /* still used, while it is asked whether it is there */
};

enum {
	NEIGH_TRIES = 3,
	NEIGH_MIN_ENTRIES = 16,
	NEIGH_MAX_ENTRIES = 32768,
};

#define NEIGH_REACHABLE_NS (UINT64_C(60) * 1000000000)
#define NEIGH_ASK_NS	   UINT64_C(1000000000) /* RFC 1122 2.3.2.1: per destination */

struct neigh {
	uint32_t ip; /* 0 in a free slot */
	uint8_t mac[6];
	uint8_t state;	     /* enum neigh_state */
	uint8_t tries;	     /* requests sent since it was last known to be there */
	uint16_t prev, next; /* in the list of those to be asked */
	uint64_t until_ns;   /* REACHABLE: becomes stale then; else: the next request is due */
	uint64_t used_ns;    /* last lookup, to a second; 0: never, only learned */
};

/* clang-format off */
#define NEIGH_STATS(X)                                                                             \
	X(requests_in) X(replies_in) X(requests_out) X(replies_out)                                \
	X(probes_out)	  /* unicast requests to stale neighbours */                               \
	X(resolved) X(learned) X(confirmed)                                                        \
	X(failed)	  /* nobody answered a resolution */                                       \
	X(expired)	  /* a stale neighbour did not answer */                                   \
	X(refused)	  /* no room for one more, or too many unanswered */                       \
	X(conflicts)	  /* a second MAC address claims a neighbour's address */                  \
	X(conflicts_self) /* somebody claims an address of ours */                                 \
	X(defended)                                                                                \
	X(unsolicited)	  /* replies about somebody we do not know */                              \
	X(malformed)	  /* other operations, senders that cannot be */                           \
	X(own)		  /* our own messages come back */
/* clang-format on */

struct neigh_stats {
#define NEIGH_STATS_MEMBER(name) uint64_t name;
	NEIGH_STATS(NEIGH_STATS_MEMBER)
#undef NEIGH_STATS_MEMBER
};

struct neigh_table {
	struct neigh *slot; /* the caller's memory */
	uint32_t n_slots;
	uint32_t shift; /* of the hash */
	uint32_t n_incomplete;
	uint16_t head, tail;   /* to be asked, next due first */
	uint64_t defend_at_ns; /* an address of ours is not defended again before */
	struct neigh_stats stats;
};

size_t neigh_table_bytes(uint32_t n_entries);
/* mem: neigh_table_bytes(n_entries), aligned for uint64_t. n_entries is a power of two in the limits
 * above; four times as many as neighbours are expected (1024 suits most). */
void neigh_table_init(struct neigh_table *t, void *mem, uint32_t n_entries);

enum neigh_result {
	NEIGH_FOUND,
	NEIGH_PENDING,	   /* being asked for: neigh_deadline() has come nearer */
	NEIGH_UNREACHABLE, /* has not answered, or there is no room; may be tried again */
};
/* The MAC address of a next hop (see addr_next_hop). */
enum neigh_result neigh_lookup(struct neigh_table *t, uint32_t ip, uint64_t now_ns, uint8_t mac[6]);

/* When a request is due; UINT64_MAX: none is. */
uint64_t neigh_deadline(const struct neigh_table *t);

/* For arp.c. */

/* Whom to ask now, once for each (STALE by unicast, else by broadcast); NULL: nobody. */
const struct neigh *neigh_next_due(struct neigh_table *t, uint64_t now_ns);

enum neigh_heard {
	NEIGH_UNKNOWN,	/* no entry for this address */
	NEIGH_RESOLVED, /* was waited for */
	NEIGH_KNOWN,
};
/* A neighbour says that ip has this MAC address. */
enum neigh_heard neigh_hear(struct neigh_table *t, uint32_t ip, const uint8_t mac[6],
			    uint64_t now_ns);
/* Remembers one that is not known yet, if there is room that nobody needs. */
void neigh_learn(struct neigh_table *t, uint32_t ip, const uint8_t mac[6], uint64_t now_ns);

#endif
