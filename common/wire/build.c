/* build.c - frames from host-order fields: Ethernet, 802.1Q, RFC 791, 9293, 768, 792, 826. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/build.h"

#include <assert.h>

#include "wire/bytes.h"
#include "wire/cksum.h"
#include "wire/pkt.h"

enum { UDP_HEADER_BYTES = 8, ICMP_HEADER_BYTES = 8, ARP_BYTES = 28, IP_DF = 0x4000 };

static inline size_t
eth_length(uint16_t vlan)
{
	return vlan != 0 ? ETH_HEADER_BYTES + VLAN_TAG_BYTES : ETH_HEADER_BYTES;
}

static inline uint8_t *
put_eth(uint8_t *p, const uint8_t dst[6], const uint8_t src[6], uint16_t vlan, uint16_t ethertype)
{
	memcpy(p, dst, 6);
	memcpy(p + 6, src, 6);
	p += 12;
	if (vlan != 0) {
		store_be16(p, ETHERTYPE_VLAN);
		store_be16(p + 2, vlan);
		p += VLAN_TAG_BYTES;
	}
	store_be16(p, ethertype);
	return p + 2;
}

/* The header checksum is summed from the fields: faster than reading back what was just written. */
static inline uint8_t *
put_ip(uint8_t *p, const struct build_ip *ip, uint8_t ecn, uint8_t proto, size_t l4_len)
{
	uint16_t version_tos = (uint16_t)(0x4500 | ip->tos | ecn);
	uint16_t total = (uint16_t)(IP_HEADER_BYTES + l4_len);
	uint16_t ttl_proto = (uint16_t)(ip->ttl << 8 | proto);
	uint32_t sum =
	    cksum_pseudo(ip->src, ip->dst, 0, total) + version_tos + ip->id + IP_DF + ttl_proto;

	assert(l4_len <= UINT16_MAX - IP_HEADER_BYTES);
	store_be16(p, version_tos);
	store_be16(p + 2, total);
	store_be16(p + 4, ip->id);
	store_be16(p + 6, IP_DF);
	store_be16(p + 8, ttl_proto);
	store_be16(p + 10, cksum_fold(sum));
	store_be32(p + 12, ip->src);
	store_be32(p + 16, ip->dst);
	return p + IP_HEADER_BYTES;
}

/* Ethernet and IPv4 headers in front of l4_len octets; where those go. */
static inline uint8_t *
put_below(uint8_t *p, size_t room, const struct build_ip *ip, uint8_t ecn, uint8_t proto,
	  size_t l4_len)
{
	assert(eth_length(ip->vlan) + IP_HEADER_BYTES + l4_len <= room);
	p = put_eth(p, ip->eth_dst, ip->eth_src, ip->vlan, ETHERTYPE_IPV4);
	return put_ip(p, ip, ecn, proto, l4_len);
}

static inline uint16_t
l4_cksum(const struct build_ip *ip, uint8_t proto, const uint8_t *l4, size_t l4_len)
{
	return cksum_fold(
	    cksum_partial(l4, l4_len, cksum_pseudo(ip->src, ip->dst, proto, (uint16_t)l4_len)));
}

size_t
build_tcp_payload_offset(const struct build_ip *ip, const struct tcp_seg *seg)
{
	return eth_length(ip->vlan) + IP_HEADER_BYTES + TCP_HEADER_BYTES + tcp_options_length(seg);
}

size_t
build_tcp(uint8_t *p, size_t room, const struct build_ip *ip, uint16_t sport, uint16_t dport,
	  const struct tcp_seg *seg, const void *payload)
{
	size_t header = TCP_HEADER_BYTES + tcp_options_length(seg), l4_len = header + seg->len;
	uint8_t *t = put_below(p, room, ip, seg->ecn, IPPROTO_TCP_, l4_len);

	store_be16(t, sport);
	store_be16(t + 2, dport);
	store_be32(t + 4, seg->seq);
	store_be32(t + 8, seg->ack);
	store_be16(t + 12, (uint16_t)(header << 10 | seg->flags));
	store_be16(t + 14, seg->wnd);
	store_be16(t + 16, 0);
	store_be16(t + 18, seg->urg);
	tcp_options_build(seg, t + TCP_HEADER_BYTES);
	if (payload != NULL)
		memcpy(t + header, payload, seg->len);
	store_be16(t + 16, l4_cksum(ip, IPPROTO_TCP_, t, l4_len));
	return (size_t)(t - p) + l4_len;
}

size_t
build_udp(uint8_t *p, size_t room, const struct build_ip *ip, uint16_t sport, uint16_t dport,
	  const void *payload, uint16_t len)
{
	size_t l4_len = (size_t)UDP_HEADER_BYTES + len;
	uint8_t *u = put_below(p, room, ip, 0, IPPROTO_UDP_, l4_len);
	uint16_t sum;

	store_be16(u, sport);
	store_be16(u + 2, dport);
	store_be16(u + 4, (uint16_t)l4_len);
	store_be16(u + 6, 0);
	if (payload != NULL)
		memcpy(u + UDP_HEADER_BYTES, payload, len);
	sum = l4_cksum(ip, IPPROTO_UDP_, u, l4_len);
	store_be16(u + 6, sum != 0 ? sum : 0xffff); /* RFC 768: zero means none */
	return (size_t)(u - p) + l4_len;
}

size_t
build_icmp(uint8_t *p, size_t room, const struct build_ip *ip, uint8_t type, uint8_t code,
	   uint32_t rest, const void *body, uint16_t len)
{
	size_t l4_len = (size_t)ICMP_HEADER_BYTES + len;
	uint8_t *i = put_below(p, room, ip, 0, IPPROTO_ICMP_, l4_len);

	i[0] = type;
	i[1] = code;
	store_be16(i + 2, 0);
	store_be32(i + 4, rest);
	if (body != NULL)
		memcpy(i + ICMP_HEADER_BYTES, body, len);
	store_be16(i + 2, cksum_fold(cksum_partial(i, l4_len, 0)));
	return (size_t)(i - p) + l4_len;
}

size_t
build_arp(uint8_t *p, size_t room, const uint8_t eth_dst[6], uint16_t vlan, uint16_t op,
	  const uint8_t sha[6], uint32_t spa, const uint8_t tha[6], uint32_t tpa)
{
	uint8_t *a;

	assert(eth_length(vlan) + ARP_BYTES <= room);
	a = put_eth(p, eth_dst, sha, vlan, ETHERTYPE_ARP);
	store_be16(a, 1); /* hardware: Ethernet */
	store_be16(a + 2, ETHERTYPE_IPV4);
	a[4] = 6;
	a[5] = 4;
	store_be16(a + 6, op);
	memcpy(a + 8, sha, 6);
	store_be32(a + 14, spa);
	memcpy(a + 18, tha, 6);
	store_be32(a + 24, tpa);
	return (size_t)(a - p) + ARP_BYTES;
}
