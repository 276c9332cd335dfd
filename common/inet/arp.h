/* arp.h - neighbours and how their MAC addresses are learned (RFC 826, 1122 2.3.2, 5227). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef INET_ARP_H
#define INET_ARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inet/addr.h"
#include "wire/pkt.h"

/*
 * One table per interface. No I/O and no clock: ARP packets and `now_ns` in, messages to be sent out.
 *
 *	neigh_lookup()		on each packet; asks for the request that it needs
 *	neigh_next_request()	once neigh_deadline() has passed: the requests due, until false
 *	arp_input()		on each ARP packet: the answer, and whose address is known now
 *
 * Nothing waits inside: a packet without a neighbour is the caller's to drop or keep, and arp_input
 * says when to try again.
 */

enum neigh_state {
	NEIGH_FREE,
	NEIGH_INCOMPLETE, /* asked, at most NEIGH_TRIES times */
	NEIGH_FAILED,	  /* nobody answered; asked again when wanted */
	NEIGH_REACHABLE,
	NEIGH_STALE, /* still used, while it is asked whether it is there */
};

enum {
	NEIGH_TRIES = 3,
	NEIGH_MIN_ENTRIES = 16,
	NEIGH_MAX_ENTRIES = 32768,
};

#define NEIGH_REACHABLE_NS (UINT64_C(60) * 1000000000)
#define NEIGH_ASK_NS	   UINT64_C(1000000000)	       /* RFC 1122 2.3.2.1: per destination */
#define ARP_DEFEND_NS	   (UINT64_C(10) * 1000000000) /* DEFEND_INTERVAL of RFC 5227 1.1 */

struct neigh {
	uint32_t ip;
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
	X(malformed)	  /* other operations, senders that cannot be */
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
	uint16_t head, tail;  /* to be asked, next due first */
	uint64_t defended_ns; /* when we last defended an address of ours; 0: never */
	struct neigh_stats stats;
};

size_t neigh_table_bytes(uint32_t n_entries);
/* mem: neigh_table_bytes(n_entries), aligned for uint64_t. n_entries is a power of two in the limits
 * above; four times as many as neighbours are expected (1024 suits most). */
void neigh_table_init(struct neigh_table *t, void *mem, uint32_t n_entries);

enum neigh_result {
	NEIGH_FOUND,
	NEIGH_PENDING,	   /* being asked for: see neigh_next_request */
	NEIGH_UNREACHABLE, /* has not answered, or there is no room; may be tried again */
};
/* The MAC address of a next hop (see addr_next_hop). */
enum neigh_result neigh_lookup(struct neigh_table *t, uint32_t ip, uint64_t now_ns, uint8_t mac[6]);

/* An ARP message to send; the sender's MAC address is the interface's. */
struct arp_msg {
	uint8_t eth_dst[6];
	uint16_t op;
	uint32_t spa, tpa;
	uint8_t tha[6];
};
/* The frame of m; its length (see build_arp). */
size_t arp_build(uint8_t *p, size_t room, const struct arp_msg *m, const uint8_t mac[6],
		 uint16_t vlan);

/* When neigh_next_request has something to do; UINT64_MAX: nothing. */
uint64_t neigh_deadline(const struct neigh_table *t);
/* The next request that is due, counted as sent; false: none is. */
bool neigh_next_request(struct neigh_table *t, const struct netif_addrs *a, uint64_t now_ns,
			struct arp_msg *m);

struct arp_result {
	bool send; /* msg: an answer, or the defence of an address of ours */
	struct arp_msg msg;
	uint32_t resolved; /* an address that was waited for is known now; 0: none */
};
/* Takes an ARP packet (kind PKT_ARP) that came to the interface with this MAC address and these
 * addresses. Answers for all of them. Learns who asks us; a known neighbour's MAC address is only
 * replaced when the old one no longer answers. */
void arp_input(struct neigh_table *t, const struct netif_addrs *a, const uint8_t mac[6],
	       const struct pkt *p, uint64_t now_ns, struct arp_result *r);

/* Tells everybody that `ip` is ours: for each address when the interface comes up (RFC 5227 2.3). */
void arp_announce(struct arp_msg *m, uint32_t ip);

#endif
