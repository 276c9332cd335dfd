/* tuples.h - a connection's number is its source address and port: arithmetic, no table. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_TUPLES_H
#define MCC_TUPLES_H

#include <stdint.h>

enum { TUPLES_FIRST_PORT = 1024, TUPLES_LAST_PORT = 65535, TUPLES_ERRBUF = 200 };
enum { TUPLES_PORTS = TUPLES_LAST_PORT - TUPLES_FIRST_PORT + 1 };

/* Number n is address base + n % ips and port 1024 + n / ips, so that all addresses share the load from the
 * first connection on. */
struct tuples {
	uint32_t base; /* host order */
	uint32_t ips;
};

struct tuples_conf {
	uint32_t base;	    /* first source address */
	uint8_t prefix_len; /* of its network */
	uint64_t ips;
	uint64_t conns;
	uint32_t dest, gateway; /* gateway 0: none */
};

/* NULL, or err (TUPLES_ERRBUF octets): why so many connections, or these addresses, cannot be had, with the arithmetic. */
const char *tuples_init(struct tuples *t, const struct tuples_conf *c, char *err);

uint32_t tuples_addr(const struct tuples *t, uint32_t number);
uint16_t tuples_port(const struct tuples *t, uint32_t number);
/* The number of a tuple that tuples_addr and tuples_port gave. */
uint32_t tuples_number(const struct tuples *t, uint32_t addr, uint16_t port);

#endif
