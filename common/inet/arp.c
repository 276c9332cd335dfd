/* arp.c - ARP messages: what they say about neighbours, and what we answer (RFC 826, 5227). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "inet/arp.h"

#include <string.h>

#include "wire/build.h"

static const uint8_t eth_broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

size_t
arp_build(uint8_t *p, size_t room, const struct arp_msg *m, const uint8_t mac[6], uint16_t vlan)
{
	return build_arp(p, room, m->eth_dst, vlan, m->op, mac, m->spa, m->tha, m->tpa);
}

/* RFC 5227 2.3: a request in which both protocol addresses are the sender's. */
void
arp_announce(struct arp_msg *m, uint32_t ip)
{
	*m = (struct arp_msg){.op = ARP_REQUEST, .spa = ip, .tpa = ip};
	memcpy(m->eth_dst, eth_broadcast, 6);
}

bool
neigh_next_request(struct neigh_table *t, const struct netif_addrs *a, uint64_t now_ns,
		   struct arp_msg *m)
{
	const struct neigh *n = neigh_next_due(t, now_ns);

	if (n == NULL)
		return false;
	*m = (struct arp_msg){.op = ARP_REQUEST, .spa = addr_source(a, n->ip), .tpa = n->ip};
	if (n->state == NEIGH_STALE) { /* RFC 1122 2.3.2.1 (2): unicast poll */
		memcpy(m->eth_dst, n->mac, 6);
		t->stats.probes_out++;
	} else {
		memcpy(m->eth_dst, eth_broadcast, 6);
		t->stats.requests_out++;
	}
	return true;
}

/* A station, or one that asks whether an address is free (0: RFC 5227 1.1, ARP Probe). */
static bool
sender_ok(const struct netif_addrs *a, const struct pkt *p)
{
	static const uint8_t zero[6];

	if ((p->arp_sha[0] & 1) != 0 || memcmp(p->arp_sha, zero, 6) == 0)
		return false;
	if (p->arp_spa == 0)
		return p->arp_op == ARP_REQUEST;
	return addr_is_unicast(p->arp_spa) && !addr_is_broadcast(a, p->arp_spa);
}

/* Somebody uses an address of ours. RFC 5227 2.4 (c): we keep it, and say so, but not too often. */
static void
defend(struct neigh_table *t, uint32_t ip, uint64_t now_ns, struct arp_result *r)
{
	t->stats.conflicts_self++;
	if (now_ns < t->defend_at_ns)
		return;
	t->defend_at_ns = now_ns + ARP_DEFEND_NS;
	t->stats.defended++;
	r->send = true;
	arp_announce(&r->msg, ip);
}

static void
answer(struct neigh_table *t, const struct pkt *p, struct arp_result *r)
{
	t->stats.replies_out++;
	r->send = true;
	r->msg = (struct arp_msg){.op = ARP_REPLY, .spa = p->arp_tpa, .tpa = p->arp_spa};
	memcpy(r->msg.eth_dst, p->arp_sha, 6);
	memcpy(r->msg.tha, p->arp_sha, 6);
}

/* RFC 826, "Packet Reception": a known sender is brought up to date by any message, an unknown one is
 * only remembered when he asks for us, because then he is about to talk to us. */
static void
hear_sender(struct neigh_table *t, const struct netif_addrs *a, const struct pkt *p, bool for_us,
	    uint64_t now_ns, struct arp_result *r)
{
	switch (neigh_hear(t, p->arp_spa, p->arp_sha, now_ns)) {
	case NEIGH_RESOLVED:
		r->resolved = p->arp_spa;
		break;
	case NEIGH_UNKNOWN:
		if (p->arp_op == ARP_REPLY)
			t->stats.unsolicited++;
		else if (for_us && addr_is_on_link(a, p->arp_spa))
			neigh_learn(t, p->arp_spa, p->arp_sha, now_ns);
		break;
	case NEIGH_KNOWN:
		break;
	}
}

void
arp_input(struct neigh_table *t, const struct netif_addrs *a, const uint8_t mac[6],
	  const struct pkt *p, uint64_t now_ns, struct arp_result *r)
{
	bool for_us = addr_is_local(a, p->arp_tpa);

	*r = (struct arp_result){0};
	t->stats.requests_in += p->arp_op == ARP_REQUEST;
	t->stats.replies_in += p->arp_op == ARP_REPLY;
	if ((p->arp_op != ARP_REQUEST && p->arp_op != ARP_REPLY) || !sender_ok(a, p)) {
		t->stats.malformed++;
		return;
	}
	if (memcmp(p->arp_sha, mac, 6) == 0) {
		t->stats.own++;
		return;
	}
	if (addr_is_local(a, p->arp_spa)) {
		defend(t, p->arp_spa, now_ns, r);
		return;
	}
	if (p->arp_spa != 0)
		hear_sender(t, a, p, for_us, now_ns, r);
	if (p->arp_op == ARP_REQUEST && for_us)
		answer(t, p, r);
}
