/* addr.h - which IPv4 addresses are ours on an interface, and who the next hop is (RFC 1122 3.3). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef INET_ADDR_H
#define INET_ADDR_H

#include <stdbool.h>
#include <stdint.h>

enum { ADDR_MAX_RANGES = 16 };

/* `count` addresses of ours from `base` on, all in one subnet. Host order everywhere. */
struct addr_range {
	uint32_t base, count;
	uint32_t mask; /* of the subnet: 0xffffff00 for /24 */
};

/* Plain data: zero it, then add to it. */
struct netif_addrs {
	uint32_t gateway; /* 0: none */
	uint32_t n_ranges;
	struct addr_range range[ADDR_MAX_RANGES];
};

/* 0; -EINVAL: empty, past the subnet's last host address (network and broadcast address are no
 * host's, except with /31 and /32, RFC 3021), or not unicast; -EEXIST: overlaps another range;
 * -ENOSPC: ADDR_MAX_RANGES are there. */
int addr_add_range(struct netif_addrs *a, uint32_t base, uint32_t count, uint8_t prefix_len);
/* 0; -EINVAL: not on a subnet of ours, or one of our own addresses. Ranges come first. */
int addr_set_gateway(struct netif_addrs *a, uint32_t gateway);

/* The ith of all our addresses, in the order in which they were added; 0 past the last. */
uint32_t addr_local(const struct netif_addrs *a, uint32_t i);

static inline bool
addr_is_local(const struct netif_addrs *a, uint32_t ip)
{
	for (uint32_t i = 0; i < a->n_ranges; i++)
		if (ip - a->range[i].base < a->range[i].count)
			return true;
	return false;
}

static inline bool
addr_is_multicast(uint32_t ip)
{
	return ip >> 28 == 0xe;
}

/* May name one host: not in 0/8, 127/8, multicast, 240/4 (RFC 1122 3.2.1.3). */
static inline bool
addr_is_unicast(uint32_t ip)
{
	return ip >> 24 != 0 && ip >> 24 != 127 && ip < UINT32_C(0xe0000000);
}

/* In a subnet of ours (our own addresses included). */
bool addr_is_on_link(const struct netif_addrs *a, uint32_t ip);
/* 255.255.255.255, or all host bits 1 or (the old form, RFC 1122 3.3.6) 0 in a subnet of ours. */
bool addr_is_broadcast(const struct netif_addrs *a, uint32_t ip);
/* Whose MAC address a packet to dst wants: dst itself on a subnet of ours, else the gateway; 0: there
 * is no way, or dst is no single host. */
uint32_t addr_next_hop(const struct netif_addrs *a, uint32_t dst);
/* An address of ours to speak to `hop` from: the first one in its subnet, else the first of all; 0
 * when we have none. */
uint32_t addr_source(const struct netif_addrs *a, uint32_t hop);

#endif
