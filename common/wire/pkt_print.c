/* pkt_print.c - a packet as one line in the manner of tcpdump -S: for logs, tests and people. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "wire/pkt.h"

/* Text appended to a buffer that may be too small: what does not fit is cut. */
struct line {
	char *at;
	size_t room; /* the final NUL included */
};

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = (size_t)vsnprintf(l->at, l->room, fmt, ap);
	va_end(ap);
	if (n >= l->room)
		n = l->room > 0 ? l->room - 1 : 0;
	l->at += n;
	l->room -= n;
}

static void
add_ip(struct line *l, uint32_t ip)
{
	add(l, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 0xff, ip >> 8 & 0xff, ip & 0xff);
}

static void
add_mac(struct line *l, const uint8_t m[6])
{
	add(l, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void
add_ports(struct line *l, const struct pkt *p)
{
	add(l, "IP ");
	add_ip(l, p->src);
	add(l, ".%u > ", p->sport);
	add_ip(l, p->dst);
	add(l, ".%u: ", p->dport);
}

static void
add_flags(struct line *l, uint8_t flags)
{
	static const char letter[8] = {'F', 'S', 'R', 'P', '.', 'U', 'E', 'W'};

	add(l, "Flags [");
	for (unsigned i = 0; i < 8; i++)
		if (flags & 1u << i)
			add(l, "%c", letter[i]);
	add(l, flags == 0 ? "none]" : "]");
}

static void
add_sack(struct line *l, const struct tcp_seg *s, const char *sep)
{
	add(l, "%ssack %u ", sep, s->n_sack);
	for (unsigned i = 0; i < s->n_sack && i < TCP_SACK_MAX; i++)
		add(l, "{%u:%u}", s->sack[i].start, s->sack[i].end);
}

static void
add_options(struct line *l, const struct tcp_seg *s)
{
	const char *sep = "";

	add(l, ", options [");
	if (s->opts & TCP_OPT_MSS) {
		add(l, "mss %u", s->mss);
		sep = ",";
	}
	if (s->opts & TCP_OPT_SACK_PERMITTED) {
		add(l, "%ssackOK", sep);
		sep = ",";
	}
	if (s->opts & TCP_OPT_TIMESTAMP) {
		add(l, "%sTS val %u ecr %u", sep, s->tsval, s->tsecr);
		sep = ",";
	}
	if (s->opts & TCP_OPT_WSCALE) {
		add(l, "%swscale %u", sep, s->wscale);
		sep = ",";
	}
	if (s->opts & TCP_OPT_SACK)
		add_sack(l, s, sep);
	add(l, "]");
}

static void
add_tcp(struct line *l, const struct pkt *p)
{
	const struct tcp_seg *s = &p->tcp;

	add_ports(l, p);
	add_flags(l, s->flags);
	if (s->len > 0)
		add(l, ", seq %u:%u", s->seq, s->seq + s->len);
	else if (s->flags & (TCP_SYN | TCP_FIN | TCP_RST))
		add(l, ", seq %u", s->seq);
	if (s->flags & TCP_ACK)
		add(l, ", ack %u", s->ack);
	add(l, ", win %u", s->wnd);
	if (s->flags & TCP_URG)
		add(l, ", urg %u", s->urg);
	if (s->opts != 0)
		add_options(l, s);
	add(l, ", length %u", s->len);
}

static void
add_icmp(struct line *l, const struct pkt *p)
{
	unsigned high = p->icmp_rest >> 16, low = p->icmp_rest & 0xffff;

	add(l, "IP ");
	add_ip(l, p->src);
	add(l, " > ");
	add_ip(l, p->dst);
	if ((p->icmp_type == 8 || p->icmp_type == 0) && p->icmp_code == 0)
		add(l, ": ICMP echo %s, id %u, seq %u", p->icmp_type == 8 ? "request" : "reply",
		    high, low);
	else if (p->icmp_type == 3 && p->icmp_code == 4)
		add(l, ": ICMP unreachable - need to frag (mtu %u)", low);
	else
		add(l, ": ICMP type %u code %u", p->icmp_type, p->icmp_code);
	add(l, ", length %u", p->payload_len + 8u);
}

static void
add_arp(struct line *l, const struct pkt *p)
{
	if (p->arp_op == ARP_REQUEST) {
		add(l, "ARP, Request who-has ");
		add_ip(l, p->arp_tpa);
		add(l, " tell ");
		add_ip(l, p->arp_spa);
	} else if (p->arp_op == ARP_REPLY) {
		add(l, "ARP, Reply ");
		add_ip(l, p->arp_spa);
		add(l, " is-at ");
		add_mac(l, p->arp_sha);
	} else {
		add(l, "ARP, op %u", p->arp_op);
	}
}

char *
pkt_print(char *buf, size_t size, const struct pkt *p)
{
	struct line l = {buf, size};

	if (p->vlan != 0)
		add(&l, "vlan %u, ", p->vlan);
	switch (p->kind) {
	case PKT_TCP:
		add_tcp(&l, p);
		break;
	case PKT_UDP:
		add_ports(&l, p);
		add(&l, "UDP, length %u", p->payload_len);
		break;
	case PKT_ICMP:
		add_icmp(&l, p);
		break;
	case PKT_ARP:
		add_arp(&l, p);
		break;
	case PKT_OTHER:
		add_mac(&l, p->eth_src);
		add(&l, " > ");
		add_mac(&l, p->eth_dst);
		add(&l, ", ethertype 0x%04x", p->ethertype);
		break;
	}
	return buf;
}
