/* build.h - headers written from host-order fields, checksums included. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WIRE_BUILD_H
#define WIRE_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "wire/tcp.h"

/* What an IPv4 frame needs below its transport header. */
struct build_ip {
	uint8_t eth_dst[6], eth_src[6];
	uint16_t vlan; /* 0: untagged */
	uint32_t src, dst;
	uint8_t ttl, tos; /* tos: of a TCP segment the upper six bits; the others are seg->ecn */
	uint16_t id;	  /* DF is always set */
};

enum { BUILD_TCP_MAX_HEADERS = 14 + 4 + 20 + 20 + 40, BUILD_MIN_FRAME = 60 };

/* Each writes a whole frame at `p` and returns its length (unpadded). `room` is checked by assert: the
 * caller knows its buffers. The payload is copied after the headers; NULL when it is already in place
 * (build_tcp_payload_offset tells where) or absent with length 0. */
size_t build_tcp(uint8_t *p, size_t room, const struct build_ip *ip, uint16_t sport, uint16_t dport,
		 const struct tcp_seg *seg, const void *payload);
size_t build_tcp_payload_offset(const struct build_ip *ip, const struct tcp_seg *seg);
size_t build_udp(uint8_t *p, size_t room, const struct build_ip *ip, uint16_t sport, uint16_t dport,
		 const void *payload, uint16_t len);
/* rest: octets 4 to 7 of the ICMP header. */
size_t build_icmp(uint8_t *p, size_t room, const struct build_ip *ip, uint8_t type, uint8_t code,
		  uint32_t rest, const void *body, uint16_t len);
size_t build_arp(uint8_t *p, size_t room, const uint8_t eth_dst[6], uint16_t vlan, uint16_t op,
		 const uint8_t sha[6], uint32_t spa, const uint8_t tha[6], uint32_t tpa);

#endif
