/* pkt.c - frames taken apart: Ethernet, 802.1Q, ARP (RFC 826), IPv4 (RFC 791, 1122 3.2), ICMP, TCP, UDP. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/pkt.h"

#include "wire/bytes.h"
#include "wire/cksum.h"

enum { ARP_BYTES = 28, ICMP_HEADER_BYTES = 8, UDP_HEADER_BYTES = 8 };
enum { IP_DF = 0x4000, IP_MF = 0x2000, IP_OFFSET_MASK = 0x1fff };
enum { IPOPT_END = 0, IPOPT_NOP = 1, IPOPT_LSRR = 131, IPOPT_SSRR = 137 };

/* What an IPv4 header leaves for the layer above. */
struct l4 {
	const uint8_t *p;
	size_t have; /* octets that are there */
	size_t len;  /* octets by the IP total length; more than `have` only in truncated frames */
	bool first_fragment;
	bool verify; /* the checksum can and must be checked */
};

const char *
pkt_drop_name(enum pkt_drop drop)
{
	static const char *const name[PKT_N_DROPS] = {[PKT_OK] = "ok",
#define PKT_DROP_NAME(id, text) [PKT_DROP_##id] = text,
						      PKT_DROPS(PKT_DROP_NAME)
#undef PKT_DROP_NAME
	};

	return (unsigned)drop < PKT_N_DROPS ? name[drop] : "unknown";
}

static inline bool
l4_cksum_ok(const struct pkt *p, const struct l4 *l4, size_t len)
{
	uint32_t pseudo = cksum_pseudo(p->src, p->dst, p->proto, (uint16_t)len);

	return !l4->verify || cksum_fold(cksum_partial(l4->p, len, pseudo)) == 0;
}

static enum pkt_drop
parse_tcp(struct pkt *p, const struct l4 *l4)
{
	const uint8_t *t = l4->p;
	struct tcp_seg *seg = &p->tcp;
	size_t header;

	if (l4->have < TCP_HEADER_BYTES)
		return PKT_DROP_TCP_SHORT;
	header = (size_t)(t[12] >> 4) * 4;
	if (header < TCP_HEADER_BYTES || header > l4->len)
		return PKT_DROP_TCP_OFFSET;
	if (header > l4->have)
		return PKT_DROP_TCP_SHORT;
	p->sport = load_be16(t);
	p->dport = load_be16(t + 2);
	seg->seq = load_be32(t + 4);
	seg->ack = load_be32(t + 8);
	seg->flags = t[13];
	seg->wnd = load_be16(t + 14);
	seg->urg = load_be16(t + 18);
	seg->len = (uint16_t)(l4->len - header);
	seg->ecn = p->ecn;
	p->payload_off = (uint16_t)(p->l4_off + header);
	p->payload_len = seg->len;
	/* What stands before a malformed option is used, as RFC 9293 leaves open and others do. */
	(void)tcp_options_parse(seg, t + TCP_HEADER_BYTES, header - TCP_HEADER_BYTES);
	p->kind = PKT_TCP;
	return l4_cksum_ok(p, l4, l4->len) ? PKT_OK : PKT_DROP_TCP_CHECKSUM;
}

static enum pkt_drop
parse_udp(struct pkt *p, const struct l4 *l4)
{
	const uint8_t *u = l4->p;
	size_t len;

	if (l4->have < UDP_HEADER_BYTES)
		return PKT_DROP_UDP_SHORT;
	len = load_be16(u + 4);
	if (l4->first_fragment && len > l4->len)
		len = l4->len; /* the rest comes in the other fragments */
	if (len < UDP_HEADER_BYTES || len > l4->len)
		return PKT_DROP_UDP_LENGTH;
	p->sport = load_be16(u);
	p->dport = load_be16(u + 2);
	p->payload_off = (uint16_t)(p->l4_off + UDP_HEADER_BYTES);
	p->payload_len = (uint16_t)(len - UDP_HEADER_BYTES);
	p->kind = PKT_UDP;
	if (load_be16(u + 6) == 0) /* RFC 768: the sender made none */
		return PKT_OK;
	return l4_cksum_ok(p, l4, len) ? PKT_OK : PKT_DROP_UDP_CHECKSUM;
}

static enum pkt_drop
parse_icmp(struct pkt *p, const struct l4 *l4)
{
	const uint8_t *i = l4->p;

	if (l4->have < ICMP_HEADER_BYTES)
		return PKT_DROP_ICMP_SHORT;
	p->icmp_type = i[0];
	p->icmp_code = i[1];
	p->icmp_rest = load_be32(i + 4);
	p->payload_off = (uint16_t)(p->l4_off + ICMP_HEADER_BYTES);
	p->payload_len = (uint16_t)(l4->len - ICMP_HEADER_BYTES);
	p->kind = PKT_ICMP;
	if (l4->verify && cksum_fold(cksum_partial(i, l4->len, 0)) != 0)
		return PKT_DROP_ICMP_CHECKSUM;
	return PKT_OK;
}

/* Source routes are refused (RFC 1122 3.2.1.8 lets a host), all else is skipped by its length. */
static bool
ip_options_ok(const uint8_t *o, const uint8_t *end)
{
	while (o < end && *o != IPOPT_END) {
		if (*o == IPOPT_NOP) {
			o++;
			continue;
		}
		if (*o == IPOPT_LSRR || *o == IPOPT_SSRR)
			return false;
		if (end - o < 2 || o[1] < 2 || o[1] > end - o)
			return false;
		o += o[1];
	}
	return true;
}

/* RFC 1122 3.2.1.3: never as a source: this network, loopback, multicast, limited broadcast. */
static inline bool
ip_source_ok(uint32_t src)
{
	uint32_t net = src >> 24;

	return net != 0 && net != 127 && (net & 0xf0) != 0xe0 && src != UINT32_MAX;
}

/* Lengths and checksum of the header at h, of which `have` octets are there. */
static inline enum pkt_drop
ip_header_check(const uint8_t *h, size_t have, unsigned flags)
{
	size_t header, total;

	if (have < IP_HEADER_BYTES)
		return PKT_DROP_IP_SHORT;
	if (h[0] >> 4 != 4)
		return PKT_DROP_IP_VERSION;
	header = (size_t)(h[0] & 0xf) * 4;
	total = load_be16(h + 2);
	if (header < IP_HEADER_BYTES || header > total)
		return PKT_DROP_IP_HEADER;
	if (header > have || (total > have && !(flags & PKT_TRUNCATED)))
		return PKT_DROP_IP_SHORT;
	if (!(flags & PKT_NO_CHECKSUM) && cksum_fold(cksum_partial(h, header, 0)) != 0)
		return PKT_DROP_IP_CHECKSUM;
	if (header > IP_HEADER_BYTES && !ip_options_ok(h + IP_HEADER_BYTES, h + header))
		return PKT_DROP_IP_OPTION;
	return PKT_OK;
}

static inline void
read_ip(struct pkt *p, const uint8_t *h)
{
	p->dscp = h[1] >> 2;
	p->ecn = h[1] & 3;
	p->ip_id = load_be16(h + 4);
	p->ip_df = (h[6] & (IP_DF >> 8)) != 0;
	p->ttl = h[8];
	p->proto = h[9];
	p->src = load_be32(h + 12);
	p->dst = load_be32(h + 16);
}

static enum pkt_drop
parse_l4(struct pkt *p, const struct l4 *l4)
{
	switch (p->proto) {
	case IPPROTO_TCP_:
		return parse_tcp(p, l4);
	case IPPROTO_UDP_:
		return parse_udp(p, l4);
	case IPPROTO_ICMP_:
		return parse_icmp(p, l4);
	default:
		return PKT_DROP_IP_PROTOCOL;
	}
}

static enum pkt_drop
parse_ip(struct pkt *p, const uint8_t *h, size_t have, unsigned flags)
{
	enum pkt_drop drop = ip_header_check(h, have, flags);
	unsigned fragment;
	size_t header, total;
	struct l4 l4;

	if (drop != PKT_OK)
		return drop;
	read_ip(p, h);
	if (!(flags & PKT_ANY_SOURCE) && !ip_source_ok(p->src))
		return PKT_DROP_IP_ADDRESS;
	fragment = load_be16(h + 6) & (IP_MF | IP_OFFSET_MASK);
	if (fragment != 0 && (fragment != IP_MF || !(flags & PKT_TAKE_FRAGMENTS)))
		return PKT_DROP_IP_FRAGMENT;
	header = (size_t)(h[0] & 0xf) * 4;
	total = load_be16(h + 2);
	p->l4_off = (uint16_t)(p->l3_off + header);
	l4.p = h + header;
	l4.len = total - header;
	l4.have = (have < total ? have : total) - header; /* Ethernet padding is left out */
	l4.first_fragment = fragment != 0;
	l4.verify = fragment == 0 && !(flags & (PKT_NO_CHECKSUM | PKT_TRUNCATED));
	return parse_l4(p, &l4);
}

static enum pkt_drop
parse_arp(struct pkt *p, const uint8_t *a, size_t have)
{
	static const uint8_t ethernet_ipv4[6] = {0, 1, ETHERTYPE_IPV4 >> 8, 0, 6, 4};

	if (have < ARP_BYTES)
		return PKT_DROP_ARP_SHORT;
	if (memcmp(a, ethernet_ipv4, sizeof(ethernet_ipv4)) != 0)
		return PKT_DROP_ARP_FORMAT;
	p->arp_op = load_be16(a + 6);
	memcpy(p->arp_sha, a + 8, 6);
	p->arp_spa = load_be32(a + 14);
	memcpy(p->arp_tha, a + 18, 6);
	p->arp_tpa = load_be32(a + 24);
	p->kind = PKT_ARP;
	return PKT_OK;
}

enum pkt_drop
pkt_parse(struct pkt *p, const uint8_t *frame, size_t len, unsigned flags)
{
	size_t off = ETH_HEADER_BYTES;

	memset(p, 0, offsetof(struct pkt, src)); /* so that a drop can be printed */
	if (len < off)
		return PKT_DROP_ETH_SHORT;
	memcpy(p->eth_dst, frame, 6);
	memcpy(p->eth_src, frame + 6, 6);
	p->ethertype = load_be16(frame + 12);
	if (p->ethertype == ETHERTYPE_VLAN) {
		off += VLAN_TAG_BYTES;
		if (len < off)
			return PKT_DROP_ETH_SHORT;
		p->vlan = load_be16(frame + 14) & 0xfff;
		p->ethertype = load_be16(frame + 16);
	}
	p->l3_off = (uint16_t)off;
	if (p->ethertype == ETHERTYPE_IPV4)
		return parse_ip(p, frame + off, len - off, flags);
	if (p->ethertype == ETHERTYPE_ARP)
		return parse_arp(p, frame + off, len - off);
	return PKT_DROP_ETH_TYPE;
}
