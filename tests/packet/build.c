/* build.c - frames as a script wants them, faults included; shares no code with the stack's own builder. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/build.h"

#include <assert.h>
#include <string.h>

#include "wire/bytes.h"
#include "wire/cksum.h"

enum { L4_MAX = 9000, IP_BYTES = 20, TCP_BYTES = 20, ICMP_BYTES = 8, UDP_BYTES = 8 };
enum { FRAG_MF = 0x2000, FRAG_DF = 0x4000 };

static struct ends
ends_of(struct world *w, const struct packet_spec *p)
{
	const struct flow *f = &flow_at(w, p->flow)->tuple;

	return (struct ends){
	    .src = attr_or(&p->at, ATTR_SRC, f->raddr),
	    .dst = attr_or(&p->at, ATTR_DST, f->laddr),
	    .sport = (uint16_t)attr_or(&p->at, ATTR_SPORT, f->rport),
	    .dport = (uint16_t)attr_or(&p->at, ATTR_DPORT, f->lport),
	};
}

/* --- ICMP, UDP --- */

static void
put_ip(uint8_t *h, uint8_t proto, uint32_t src, uint32_t dst, size_t total)
{
	memset(h, 0, IP_BYTES);
	h[0] = 0x45;
	store_be16(h + 2, (uint16_t)total);
	h[8] = 64;
	h[9] = proto;
	store_be32(h + 12, src);
	store_be32(h + 16, dst);
	store_be16(h + 10, cksum_fold(cksum_partial(h, IP_BYTES, 0)));
}

/* A segment of the tested side, as far as an error quotes it: IP header and 8 octets. */
static size_t
put_quote(struct world *w, const struct packet_spec *p, uint8_t *to)
{
	const struct flow_state *f = flow_at(w, p->flow);
	const uint32_t seq = p->icmp.quoted_seq;

	put_ip(to, IPPROTO_TCP_, f->tuple.laddr, f->tuple.raddr,
	       (size_t)IP_BYTES + TCP_BYTES + p->icmp.quoted_len);
	to += IP_BYTES;
	store_be16(to, f->tuple.lport);
	store_be16(to + 2, f->tuple.rport);
	store_be32(to + 4, attr_given(&p->at, ATTR_ABS) ? seq : f->iss + seq);
	return IP_BYTES + 8;
}

static size_t
put_icmp(struct world *w, const struct packet_spec *p, uint8_t *l4)
{
	const struct icmp_spec *i = &p->icmp;
	size_t len = ICMP_BYTES;

	l4[0] = i->type;
	l4[1] = i->code;
	store_be16(l4 + 2, 0);
	store_be32(l4 + 4, i->rest);
	if (i->has_quote)
		len += put_quote(w, p, l4 + len);
	for (unsigned k = 0; k < i->len; k++)
		l4[len++] = stream_in(k);
	store_be16(l4 + 2, (uint16_t)(cksum_fold(cksum_partial(l4, len, 0)) ^
				      (attr_given(&p->at, ATTR_BADCSUM) ? 0x5a5a : 0)));
	return len;
}

static size_t
put_udp(const struct packet_spec *p, const struct ends *e, uint8_t *l4)
{
	const size_t len = (size_t)UDP_BYTES + p->udp.len;

	store_be16(l4, e->sport);
	store_be16(l4 + 2, e->dport);
	store_be16(l4 + 4, (uint16_t)len);
	store_be16(l4 + 6, 0); /* no checksum (RFC 768) */
	memset(l4 + UDP_BYTES, 'u', p->udp.len);
	return len;
}

/* --- IP and Ethernet --- */

static uint8_t
tos_of(const struct attrs *a)
{
	uint32_t tos = attr_or(a, ATTR_TOS, 0);

	if (attr_given(a, ATTR_ECT0))
		tos |= ECN_ECT0;
	if (attr_given(a, ATTR_ECT1))
		tos |= ECN_ECT1;
	if (attr_given(a, ATTR_CE))
		tos |= ECN_CE;
	return (uint8_t)tos;
}

/* Which part of an IP payload of l4_len octets this packet carries. */
struct part {
	size_t off, len;
	uint16_t field;
};

static struct part
part_of(const struct attrs *a, size_t l4_len)
{
	struct part part = {.len = l4_len, .field = attr_given(a, ATTR_DF) ? FRAG_DF : 0};

	if (attr_given(a, ATTR_FRAG)) {
		part.off = a->number[ATTR_FRAG];
		part.len = a->frag_len;
		part.field |= (uint16_t)(part.off / 8);
		if (part.off + part.len < l4_len)
			part.field |= FRAG_MF;
	}
	if (attr_given(a, ATTR_MF))
		part.field |= FRAG_MF;
	return part;
}

/* What lies past the payload's end is zeros. */
static size_t
put_ip_packet(uint8_t *h, const struct attrs *a, const struct ends *e, uint8_t proto,
	      const uint8_t *l4, size_t l4_len)
{
	const size_t header = IP_BYTES + ((a->ipopt_len + 3) & ~(size_t)3);
	const struct part part = part_of(a, l4_len);
	const size_t there = part.off >= l4_len		    ? 0
			     : part.off + part.len > l4_len ? l4_len - part.off
							    : part.len;

	memset(h, 0, header + part.len);
	h[0] = (uint8_t)(attr_or(a, ATTR_VERSION, 4) << 4 |
			 attr_or(a, ATTR_IHL, (uint32_t)header / 4));
	h[1] = tos_of(a);
	store_be16(h + 2, (uint16_t)attr_or(a, ATTR_TOTLEN, (uint32_t)(header + part.len)));
	store_be16(h + 4, (uint16_t)attr_or(a, ATTR_ID, 0));
	store_be16(h + 6, part.field);
	h[8] = (uint8_t)attr_or(a, ATTR_TTL, 64);
	h[9] = (uint8_t)attr_or(a, ATTR_PROTO, proto);
	store_be32(h + 12, e->src);
	store_be32(h + 16, e->dst);
	memcpy(h + IP_BYTES, a->ipopt, a->ipopt_len);
	store_be16(h + 10, (uint16_t)(cksum_fold(cksum_partial(h, header, 0)) ^
				      (attr_given(a, ATTR_BADIPCSUM) ? 0x5a5a : 0)));
	memcpy(h + header, l4 + part.off, there);
	return header + part.len;
}

static size_t
put_arp(const struct packet_spec *p, uint8_t *a)
{
	const struct arp_spec *s = &p->arp;

	store_be16(a, 1);
	store_be16(a + 2, ETHERTYPE_IPV4);
	a[4] = (uint8_t)attr_or(&p->at, ATTR_HWLEN, 6);
	a[5] = 4;
	store_be16(a + 6, (uint16_t)attr_or(&p->at, ATTR_OP, s->op));
	memcpy(a + 8, s->has_sha ? s->sha : world_peer_mac, 6);
	store_be32(a + 14, s->spa);
	memset(a + 18, 0, 6);
	if (s->has_tha)
		memcpy(a + 18, s->tha, 6);
	store_be32(a + 24, s->tpa);
	return 28;
}

static uint8_t *
put_ethernet(struct world *w, uint8_t *p, const struct attrs *a, uint16_t ethertype)
{
	const uint32_t vlan = attr_or(a, ATTR_VLAN, w->conf->vlan);

	memcpy(p, attr_given(a, ATTR_DMAC) ? a->dmac : world_local_mac, 6);
	memcpy(p + 6, attr_given(a, ATTR_SMAC) ? a->smac : world_peer_mac, 6);
	p += 12;
	if (vlan != 0) {
		store_be16(p, ETHERTYPE_VLAN);
		store_be16(p + 2, (uint16_t)vlan);
		p += 4;
	}
	store_be16(p, (uint16_t)attr_or(a, ATTR_ETHERTYPE, ethertype));
	return p + 2;
}

static size_t
put_packet(struct world *w, const struct packet_spec *p, uint8_t *at)
{
	const struct ends e = ends_of(w, p);
	uint8_t l4[L4_MAX];

	switch (p->kind) {
	case PACKET_TCP:
		return put_ip_packet(at, &p->at, &e, IPPROTO_TCP_, l4,
				     build_tcp_segment(w, p, &e, l4));
	case PACKET_ICMP:
		return put_ip_packet(at, &p->at, &e, IPPROTO_ICMP_, l4, put_icmp(w, p, l4));
	case PACKET_UDP:
		return put_ip_packet(at, &p->at, &e, IPPROTO_UDP_, l4, put_udp(p, &e, l4));
	default:
		return put_arp(p, at);
	}
}

uint32_t
packet_build(struct world *w, const struct packet_spec *p, uint8_t *buf, size_t room)
{
	uint8_t *at = buf;

	assert(room >= 256);
	if (p->kind == PACKET_RAW) {
		memcpy(buf, p->raw.octets, p->raw.len);
		return (uint32_t)p->raw.len;
	}
	at = put_ethernet(w, buf, &p->at, p->kind == PACKET_ARP ? ETHERTYPE_ARP : ETHERTYPE_IPV4);
	at += put_packet(w, p, at);
	for (uint32_t pad = attr_or(&p->at, ATTR_PAD, 0); pad > 0; pad--)
		*at++ = 0x99;

	const uint32_t len = (uint32_t)(at - buf), cut = attr_or(&p->at, ATTR_CUT, len);

	return cut < len ? cut : len;
}
