/* bad_frame.h - one frame of a kind that a host must throw away, or survive: truncated, lying, overlapping, forged. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TOOLS_BAD_FRAME_H
#define TOOLS_BAD_FRAME_H

#include <string.h>

#include "base/rng.h"
#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/cksum.h"
#include "wire/pkt.h"

enum { BAD_ROOM = 1514, BAD_IP = ETH_HEADER_BYTES, BAD_L4 = BAD_IP + IP_HEADER_BYTES };

struct bad {
	uint8_t *p;
	size_t len;
	struct build_ip ip;
	uint16_t sport, port;
	struct rng *rng;
};

static inline uint32_t
bad_below(struct bad *b, uint32_t n)
{
	return (uint32_t)rng_below(b->rng, n);
}

static inline void
bad_ip_sum(struct bad *b)
{
	size_t header = (b->p[BAD_IP] & 15u) * 4;

	if (BAD_IP + header > b->len)
		return;
	store_be16(b->p + BAD_IP + 10, 0);
	store_be16(b->p + BAD_IP + 10, cksum_fold(cksum_partial(b->p + BAD_IP, header, 0)));
}

static inline void
bad_tcp_sum(struct bad *b)
{
	uint16_t l4 = (uint16_t)(b->len - BAD_L4);
	uint32_t pseudo = cksum_pseudo(load_be32(b->p + BAD_IP + 12), load_be32(b->p + BAD_IP + 16),
				       IPPROTO_TCP_, l4);

	store_be16(b->p + BAD_L4 + 16, 0);
	store_be16(b->p + BAD_L4 + 16, cksum_fold(cksum_partial(b->p + BAD_L4, l4, pseudo)));
	bad_ip_sum(b);
}

static inline void
bad_segment(struct bad *b, struct tcp_seg g)
{
	static const uint8_t text[1460];

	b->len = build_tcp(b->p, BAD_ROOM, &b->ip, b->sport, b->port, &g, text);
}

/* A sound SYN or data segment, to be spoilt. */
static inline void
bad_sound(struct bad *b)
{
	bad_segment(b, (struct tcp_seg){.flags = bad_below(b, 2) ? TCP_SYN : TCP_ACK,
					.seq = (uint32_t)rng_u64(b->rng),
					.ack = (uint32_t)rng_u64(b->rng),
					.wnd = 1000,
					.opts = TCP_OPT_MSS,
					.mss = (uint16_t)rng_u64(b->rng),
					.len = (uint16_t)bad_below(b, 1400)});
}

/* --- IP --- */

static inline void
bad_header(struct bad *b)
{
	uint8_t *ip = b->p + BAD_IP;

	bad_sound(b);
	switch (bad_below(b, 6)) {
	case 0:
		ip[0] = (uint8_t)rng_u64(b->rng); /* version and header length */
		break;
	case 1:
		store_be16(ip + 2, (uint16_t)rng_u64(b->rng));
		break;
	case 2:
		ip[10] ^= 0x5a;
		return;
	case 3:
		store_be32(ip + 12, bad_below(b, 2) ? 0xe0000001 : 0x7f000001);
		break;
	case 4:
		store_be32(ip + 12, b->ip.dst); /* from itself */
		break;
	default:
		ip[9] = (uint8_t)rng_u64(b->rng); /* protocol */
	}
	bad_ip_sum(b);
}

/* Fragments: whole, overlapping, past the end, never completed. */
static inline void
bad_fragment(struct bad *b)
{
	bad_sound(b);
	store_be16(b->p + BAD_IP + 4, (uint16_t)bad_below(b, 8));
	store_be16(b->p + BAD_IP + 6,
		   (uint16_t)(bad_below(b, 4) ? bad_below(b, 64) | 0x2000 : rng_u64(b->rng)));
	bad_ip_sum(b);
}

static inline void
bad_ip_options(struct bad *b)
{
	uint8_t *ip = b->p + BAD_IP;
	unsigned words = 1 + bad_below(b, 10);

	bad_segment(b, (struct tcp_seg){.flags = TCP_SYN});
	memmove(ip + 20 + words * 4, ip + 20, b->len - BAD_L4);
	for (unsigned i = 0; i < words * 4; i++)
		ip[20 + i] =
		    (uint8_t)(bad_below(b, 2) ? rng_u64(b->rng) : 131 /* loose source route */);
	ip[0] = (uint8_t)(0x45 + words);
	b->len += words * 4;
	store_be16(ip + 2, (uint16_t)(b->len - BAD_IP));
	bad_ip_sum(b);
}

/* --- TCP --- */

static inline void
bad_offset(struct bad *b)
{
	bad_sound(b);
	b->p[BAD_L4 + 12] = (uint8_t)(rng_u64(b->rng) & 0xf0);
	bad_tcp_sum(b);
}

static inline void
bad_checksum(struct bad *b)
{
	bad_sound(b);
	b->p[BAD_L4 + 16] ^= 1;
}

static inline void
bad_options(struct bad *b)
{
	bad_segment(b, (struct tcp_seg){.flags = TCP_SYN,
					.opts = TCP_OPT_MSS | TCP_OPT_TIMESTAMP | TCP_OPT_WSCALE});
	for (size_t i = BAD_L4 + 20; i < b->len; i++)
		b->p[i] = (uint8_t)(bad_below(b, 2) ? rng_u64(b->rng) : bad_below(b, 9));
	bad_tcp_sum(b);
}

static inline void
bad_sack(struct bad *b)
{
	struct tcp_seg g = {
	    .flags = TCP_ACK, .opts = TCP_OPT_SACK, .n_sack = 4, .ack = (uint32_t)rng_u64(b->rng)};

	for (unsigned i = 0; i < 4; i++) {
		g.sack[i].start = (uint32_t)rng_u64(b->rng);
		g.sack[i].end = g.sack[i].start + bad_below(b, 16) - 8;
	}
	bad_segment(b, g);
}

static inline void
bad_flags(struct bad *b)
{
	bad_segment(b, (struct tcp_seg){.flags = (uint8_t)rng_u64(b->rng),
					.seq = (uint32_t)rng_u64(b->rng),
					.ack = (uint32_t)rng_u64(b->rng),
					.urg = (uint16_t)rng_u64(b->rng),
					.len = (uint16_t)bad_below(b, 100)});
}

/* --- others --- */

static inline void
bad_icmp(struct bad *b)
{
	uint8_t body[64];

	for (unsigned i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)rng_u64(b->rng);
	body[0] = bad_below(b, 4) ? 0x45 : body[0];
	body[9] = IPPROTO_TCP_;
	store_be32(body + 12, b->ip.dst);
	b->len =
	    build_icmp(b->p, BAD_ROOM, &b->ip, (uint8_t)(bad_below(b, 2) ? 3 : bad_below(b, 20)),
		       (uint8_t)(bad_below(b, 2) ? 4 : bad_below(b, 16)), (uint32_t)rng_u64(b->rng),
		       body, (uint16_t)bad_below(b, sizeof(body)));
}

static inline void
bad_udp(struct bad *b)
{
	static const uint8_t text[100];

	b->len = build_udp(b->p, BAD_ROOM, &b->ip, 53, b->port, text, (uint16_t)bad_below(b, 100));
	store_be16(b->p + BAD_L4 + 4, (uint16_t)rng_u64(b->rng));
}

static inline void
bad_arp(struct bad *b)
{
	b->len = build_arp(b->p, BAD_ROOM, b->ip.eth_dst, 0, (uint16_t)bad_below(b, 4),
			   b->ip.eth_src, b->ip.src, b->ip.eth_dst, b->ip.dst);
	b->p[BAD_IP + bad_below(b, 8)] = (uint8_t)rng_u64(b->rng);
}

static inline void
bad_vlan(struct bad *b)
{
	b->ip.vlan = (uint16_t)(1 + bad_below(b, 4094));
	bad_sound(b);
}

static inline void
bad_truncated(struct bad *b)
{
	bad_sound(b);
	b->len = 1 + bad_below(b, (uint32_t)b->len);
}

static inline void
bad_noise(struct bad *b)
{
	b->len = 14 + bad_below(b, 200);
	for (size_t i = 12; i < b->len; i++)
		b->p[i] = (uint8_t)rng_u64(b->rng);
	memcpy(b->p, b->ip.eth_dst, 6);
	memcpy(b->p + 6, b->ip.eth_src, 6);
}

/* Writes it at p (room BAD_ROOM); returns its length, padded as the wire wants. */
static inline uint32_t
bad_frame(uint8_t *p, const uint8_t mac[6], uint32_t ip, uint16_t port, struct rng *rng)
{
	static void (*const kinds[])(struct bad *) = {
	    bad_header,	 bad_fragment, bad_ip_options, bad_offset, bad_checksum,
	    bad_options, bad_sack,     bad_flags,      bad_icmp,   bad_udp,
	    bad_arp,	 bad_vlan,     bad_truncated,  bad_noise,
	};
	struct bad b = {.p = p,
			.ip = {.eth_src = {2, 0xba, 0xd0, 0, 0, 2}, .dst = ip, .ttl = 64},
			.sport = (uint16_t)(1024 + rng_below(rng, 60000)),
			.port = port,
			.rng = rng};

	memcpy(b.ip.eth_dst, mac, 6);
	b.ip.src = 0x0b000000 | (uint32_t)(rng_u64(rng) & 0xffffff);
	kinds[rng_below(rng, sizeof(kinds) / sizeof(kinds[0]))](&b);
	if (b.len < 14)
		b.len = 14;
	return (uint32_t)b.len;
}

#endif
