/* arp.h - ARP messages in and out: resolution, answers, defence (RFC 826, 1122 2.3.2, 5227). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef INET_ARP_H
#define INET_ARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inet/addr.h"
#include "inet/neigh.h"
#include "wire/pkt.h"

/*
 * One neighbour table per interface. No I/O and no clock: ARP packets and `now_ns` in, messages to be
 * sent out.
 *
 *	neigh_lookup()		on each packet; asks for the request that it needs
 *	neigh_next_request()	once neigh_deadline() has passed: the requests due, until false
 *	arp_input()		on each ARP packet: the answer, and whose address is known now
 *
 * Nothing waits inside: a packet without a neighbour is the caller's to drop or keep, and arp_input
 * says when to try again.
 */

#define ARP_DEFEND_NS (UINT64_C(10) * 1000000000) /* DEFEND_INTERVAL of RFC 5227 1.1 */

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
