/* build.h - the parts of which frames of a script are built. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_BUILD_H
#define PACKET_BUILD_H

#include "tests/packet/world.h"

/* Addresses and ports on the wire. */
struct ends {
	uint32_t src, dst;
	uint16_t sport, dport;
};

/* A TCP header and payload, checksum included, at l4; its length. */
size_t build_tcp_segment(struct world *w, const struct packet_spec *p, const struct ends *e,
			 uint8_t *l4);

#endif
