/* addr.c - our own addresses, subnets and next hops (RFC 1122 3.3.1, 3.3.6; RFC 3021). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "inet/addr.h"

#include <errno.h>
#include <stddef.h>

static uint32_t
prefix_mask(uint8_t len)
{
	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

/* Network and broadcast address of a subnet that has them: with /31 and /32 all are hosts. */
static bool
is_subnet_broadcast(uint32_t mask, uint32_t ip)
{
	return ~mask > 1 && ((ip | mask) == UINT32_MAX || (ip & ~mask) == 0);
}

static bool
is_host_range(uint32_t base, uint32_t count, uint32_t mask)
{
	uint32_t last = base + (count - 1);

	return count > 0 && last >= base && ((base ^ last) & mask) == 0 && addr_is_unicast(base) &&
	       addr_is_unicast(last) && !is_subnet_broadcast(mask, base) &&
	       !is_subnet_broadcast(mask, last);
}

int
addr_add_range(struct netif_addrs *a, uint32_t base, uint32_t count, uint8_t prefix_len)
{
	uint32_t mask;

	if (prefix_len > 32)
		return -EINVAL;
	mask = prefix_mask(prefix_len);
	if (!is_host_range(base, count, mask))
		return -EINVAL;
	for (uint32_t i = 0; i < a->n_ranges; i++)
		if (base - a->range[i].base < a->range[i].count || a->range[i].base - base < count)
			return -EEXIST;
	if (a->n_ranges == ADDR_MAX_RANGES)
		return -ENOSPC;
	a->range[a->n_ranges++] = (struct addr_range){base, count, mask};
	return 0;
}

/* The first subnet of ours that ip is in. */
static const struct addr_range *
find_subnet(const struct netif_addrs *a, uint32_t ip)
{
	for (uint32_t i = 0; i < a->n_ranges; i++)
		if (((ip ^ a->range[i].base) & a->range[i].mask) == 0)
			return &a->range[i];
	return NULL;
}

int
addr_set_gateway(struct netif_addrs *a, uint32_t gateway)
{
	if (!addr_is_unicast(gateway) || !addr_is_on_link(a, gateway) ||
	    addr_is_local(a, gateway) || addr_is_broadcast(a, gateway))
		return -EINVAL;
	a->gateway = gateway;
	return 0;
}

uint32_t
addr_local(const struct netif_addrs *a, uint32_t i)
{
	for (uint32_t r = 0; r < a->n_ranges; i -= a->range[r++].count)
		if (i < a->range[r].count)
			return a->range[r].base + i;
	return 0;
}

bool
addr_is_on_link(const struct netif_addrs *a, uint32_t ip)
{
	return find_subnet(a, ip) != NULL;
}

bool
addr_is_broadcast(const struct netif_addrs *a, uint32_t ip)
{
	const struct addr_range *r = find_subnet(a, ip);

	return ip == UINT32_MAX || (r != NULL && is_subnet_broadcast(r->mask, ip));
}

/* RFC 1122 3.3.1.1 */
uint32_t
addr_next_hop(const struct netif_addrs *a, uint32_t dst)
{
	if (!addr_is_unicast(dst) || addr_is_broadcast(a, dst))
		return 0;
	return addr_is_on_link(a, dst) ? dst : a->gateway;
}

uint32_t
addr_source(const struct netif_addrs *a, uint32_t hop)
{
	const struct addr_range *r = find_subnet(a, hop);

	if (r != NULL)
		return r->base;
	return a->n_ranges > 0 ? a->range[0].base : 0;
}
