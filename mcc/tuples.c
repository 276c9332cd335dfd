/* tuples.c - numbers connections by source address and port. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/tuples.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/units.h"

static bool
contains(const struct tuples_conf *c, uint32_t addr)
{
	return addr >= c->base && addr - c->base < c->ips;
}

/* Addresses from base to the last host of its network; a /31 and a /32 have no broadcast address (RFC 3021). */
static uint64_t
addresses_left(const struct tuples_conf *c)
{
	const uint64_t size = UINT64_C(1) << (32 - c->prefix_len);
	const uint64_t at = c->base & (size - 1);

	return size - at - (c->prefix_len < 31);
}

static const char *
check_addresses(const struct tuples_conf *c, char *err)
{
	char addr[32];

	units_print_ipv4(addr, sizeof(addr), c->base);
	if (c->ips > addresses_left(c))
		snprintf(err, TUPLES_ERRBUF,
			 "%" PRIu64 " source addresses from %s on do not fit into its /%u: %" PRIu64
			 " are left there",
			 c->ips, addr, c->prefix_len, addresses_left(c));
	else if (contains(c, c->dest) || (c->gateway && contains(c, c->gateway)))
		snprintf(err, TUPLES_ERRBUF,
			 "the %" PRIu64 " source addresses from %s on include that of the %s",
			 c->ips, addr, contains(c, c->dest) ? "server" : "gateway");
	else
		return NULL;
	return err;
}

const char *
tuples_init(struct tuples *t, const struct tuples_conf *c, char *err)
{
	const uint64_t capacity = c->ips * TUPLES_PORTS;

	if (check_addresses(c, err))
		return err;
	if (c->conns > capacity) {
		snprintf(err, TUPLES_ERRBUF,
			 "%" PRIu64 " connections: %" PRIu64
			 " source addresses x %d ports are %" PRIu64 "; --ips %" PRIu64
			 " or more are needed",
			 c->conns, c->ips, TUPLES_PORTS, capacity,
			 (c->conns + TUPLES_PORTS - 1) / TUPLES_PORTS);
		return err;
	}
	*t = (struct tuples){.base = c->base, .ips = (uint32_t)c->ips};
	return NULL;
}

uint32_t
tuples_addr(const struct tuples *t, uint32_t number)
{
	return t->base + number % t->ips;
}

uint16_t
tuples_port(const struct tuples *t, uint32_t number)
{
	return (uint16_t)(TUPLES_FIRST_PORT + number / t->ips);
}

uint32_t
tuples_number(const struct tuples *t, uint32_t addr, uint16_t port)
{
	return (uint32_t)(port - TUPLES_FIRST_PORT) * t->ips + (addr - t->base);
}
