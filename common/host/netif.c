/* netif.c - next hops, announcements, frames that wait for the port (RFC 1122 2, 3.3.1). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/netif.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { TTL = 64, MIN_MTU = 68, MAX_VLAN = 4094 };

size_t
netif_bytes(void)
{
	return neigh_table_bytes(NETIF_NEIGHBOURS) + frag_table_bytes(NETIF_FRAGMENTED);
}

int
netif_init(struct netif *n, const struct stack_netif_conf *c, const struct flow_key *key, void *mem)
{
	struct icmp_conf ic;

	if (c->addrs.n_ranges == 0 || c->mtu < MIN_MTU || c->vlan > MAX_VLAN || c->mac[0] & 1)
		return -EINVAL;
	*n = (struct netif){.conf = *c};
	neigh_table_init(&n->neighbours, mem, NETIF_NEIGHBOURS);
	frag_table_init(&n->frags, (uint8_t *)mem + neigh_table_bytes(NETIF_NEIGHBOURS),
			NETIF_FRAGMENTED);
	icmp_conf_default(&ic, c->mtu);
	ic.key = *key;
	icmp_init(&n->icmp, &ic);
	return 0;
}

enum neigh_result
netif_resolve(struct netif *n, uint32_t dst, uint64_t now, uint8_t mac[6])
{
	uint32_t hop = addr_next_hop(&n->conf.addrs, dst);
	enum neigh_result r;

	if (hop == 0)
		return NEIGH_UNREACHABLE;
	if (hop == n->hop && now == n->hop_at) {
		memcpy(mac, n->hop_mac, 6);
		return NEIGH_FOUND;
	}
	r = neigh_lookup(&n->neighbours, hop, now, mac);
	if (r == NEIGH_FOUND) {
		n->hop = hop;
		n->hop_at = now;
		memcpy(n->hop_mac, mac, 6);
	}
	return r;
}

void
netif_tx_push(struct netif *n, const struct frame *f)
{
	assert(n->n_tx < NETIF_TX_MAX);
	if (n->tx_head + n->n_tx == 2 * NETIF_TX_MAX) {
		memmove(n->tx, n->tx + n->tx_head, n->n_tx * sizeof(n->tx[0]));
		n->tx_head = 0;
	}
	n->tx[n->tx_head + n->n_tx++] = *f;
}

void
netif_tx_taken(struct netif *n, uint32_t taken)
{
	assert(taken <= n->n_tx);
	n->n_tx -= taken;
	n->tx_head = n->n_tx > 0 ? n->tx_head + taken : 0;
	if (taken > 0)
		n->tx_stuck_ns = 0;
}

size_t
netif_next_request(struct netif *n, uint64_t now, uint8_t *p, size_t room)
{
	struct arp_msg m;

	if (!neigh_next_request(&n->neighbours, &n->conf.addrs, now, &m))
		return 0;
	return arp_build(p, room, &m, n->conf.mac, n->conf.vlan);
}

size_t
netif_next_announcement(struct netif *n, uint8_t *p, size_t room)
{
	struct arp_msg m;
	uint32_t ip;

	if (n->announce == UINT32_MAX)
		return 0;
	ip = addr_local(&n->conf.addrs, n->announce);
	if (ip == 0) {
		n->announce = UINT32_MAX;
		return 0;
	}
	n->announce++;
	arp_announce(&m, ip);
	return arp_build(p, room, &m, n->conf.mac, n->conf.vlan);
}

uint64_t
netif_timers(struct netif *n, uint64_t now)
{
	uint64_t arp = neigh_deadline(&n->neighbours), frags;

	frag_expire(&n->frags, now);
	frags = frag_deadline(&n->frags);
	return arp < frags ? arp : frags;
}

bool
netif_has_given_up(struct netif *n)
{
	uint64_t failed = n->neighbours.stats.failed;
	bool more = failed != n->failed;

	n->failed = failed;
	return more;
}

void
netif_fill_ip(const struct netif *n, struct build_ip *ip, uint32_t src, uint32_t dst,
	      const uint8_t mac[6], uint8_t tos)
{
	*ip = (struct build_ip){
	    .vlan = n->conf.vlan, .src = src, .dst = dst, .ttl = TTL, .tos = tos,
	    /* id 0: with DF set it means nothing (RFC 6864 4.1), and gives nothing away. */
	};
	memcpy(ip->eth_dst, mac, 6);
	memcpy(ip->eth_src, n->conf.mac, 6);
}
