/* parse_packet.c - packets of a script: attributes, ICMP, ARP, UDP, octets; TCP is in parse_tcp.c. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "tests/packet/parse.h"

#include "inet/icmp.h"

static const struct {
	const char *name;
	enum attr_kind kind;
} attrs[N_ATTRS] = {
#define PACKET_ATTR_ROW(id, name, kind) [ATTR_##id] = {name, kind},
    PACKET_ATTRS(PACKET_ATTR_ROW)
#undef PACKET_ATTR_ROW
};

static bool
parse_attr_value(struct scan *s, struct attrs *a, unsigned id)
{
	switch (attrs[id].kind) {
	case ATTR_FLAG:
		return true;
	case ATTR_NUMBER:
		return scan_number(s, &a->number[id], UINT32_MAX);
	case ATTR_ADDRESS:
		return scan_address(s, &a->number[id]);
	case ATTR_MAC:
		return scan_mac(s, id == ATTR_DMAC ? a->dmac : a->smac);
	case ATTR_HEX:
		return scan_hex(s, a->ipopt, sizeof(a->ipopt), &a->ipopt_len);
	case ATTR_PAIR:
		return scan_number(s, &a->number[id], UINT16_MAX) &&
		       scan_number(s, &a->frag_len, UINT16_MAX);
	}
	return false;
}

static bool
parse_attr(struct scan *s, struct attrs *a)
{
	char word[24];

	if (!scan_word(s, word, sizeof(word)))
		return false;
	for (unsigned id = 0; id < N_ATTRS; id++)
		if (strcmp(word, attrs[id].name) == 0) {
			a->given |= UINT64_C(1) << id;
			return parse_attr_value(s, a, id);
		}
	return scan_fail(s, "no attribute \"%s\"", word);
}

/* "[ttl 64, df]", when there */
static bool
parse_attrs(struct scan *s, struct attrs *a)
{
	if (!scan_take(s, "["))
		return true;
	do {
		if (!parse_attr(s, a))
			return false;
	} while (scan_take(s, ","));
	return scan_need(s, "]");
}

/* --- ICMP --- */

struct icmp_name {
	const char *name;
	uint8_t number;
};

static const struct icmp_name icmp_types[] = {
    {"echo_reply", 0},	     {"unreachable", 3},    {"source_quench", 4}, {"redirect", 5},
    {"echo_request", 8},     {"time_exceeded", 11}, {"parameter", 12},	  {"timestamp_request", 13},
    {"timestamp_reply", 14}, {"mask_request", 17},  {"mask_reply", 18},
};

static const struct icmp_name icmp_codes[] = {
    {"net_unreachable", 0},  {"host_unreachable", 1}, {"protocol_unreachable", 2},
    {"port_unreachable", 3}, {"frag_needed", 4},      {"source_route_failed", 5},
};

static bool
take_icmp_name(struct scan *s, const struct icmp_name *names, size_t n, uint8_t *number)
{
	for (size_t i = 0; i < n; i++)
		if (scan_take(s, names[i].name)) {
			*number = names[i].number;
			return true;
		}
	return false;
}

static bool
parse_small(struct scan *s, uint8_t *number)
{
	uint32_t n;

	if (!scan_number(s, &n, UINT8_MAX))
		return false;
	*number = (uint8_t)n;
	return true;
}

static bool
parse_icmp_type(struct scan *s, struct icmp_spec *i)
{
	if (scan_take(s, "type"))
		return parse_small(s, &i->type) &&
		       (!scan_take(s, "code") || parse_small(s, &i->code));
	if (!take_icmp_name(s, icmp_types, sizeof(icmp_types) / sizeof(icmp_types[0]), &i->type))
		return scan_fail(s, "no ICMP type \"%.20s\"", s->p);
	take_icmp_name(s, icmp_codes, sizeof(icmp_codes) / sizeof(icmp_codes[0]), &i->code);
	return true;
}

/* "[1:1001(1000)]": the segment that an error quotes */
static bool
parse_quote(struct scan *s, struct icmp_spec *i)
{
	uint32_t end, len;

	i->has_quote = true;
	if (!scan_number(s, &i->quoted_seq, UINT32_MAX) || !scan_need(s, ":") ||
	    !scan_number(s, &end, UINT32_MAX) || !scan_need(s, "(") ||
	    !scan_number(s, &len, UINT16_MAX) || !scan_need(s, ")"))
		return false;
	i->quoted_len = (uint16_t)len;
	return scan_need(s, "]");
}

static bool
parse_icmp(struct scan *s, struct icmp_spec *i)
{
	uint32_t n;

	if (!parse_icmp_type(s, i))
		return false;
	while (!scan_at_end(s)) {
		if (scan_take(s, "[")) {
			if (!parse_quote(s, i))
				return false;
			continue;
		}
		if (scan_take(s, "len")) {
			if (!scan_number(s, &n, UINT16_MAX))
				return false;
			i->len = (uint16_t)n;
			continue;
		}
		bool high = scan_take(s, "id");

		if (!high && !scan_take(s, "mtu") && !scan_take(s, "seq"))
			return scan_fail(s, "what is \"%.20s\" to ICMP?", s->p);
		if (!scan_number(s, &n, UINT16_MAX))
			return false;
		i->has_rest = true;
		i->rest |= high ? n << 16 : n;
	}
	return true;
}

/* --- ARP, UDP, octets --- */

static bool
parse_arp(struct scan *s, struct arp_spec *a)
{
	if (scan_take(s, "request"))
		a->op = ARP_REQUEST;
	else if (scan_take(s, "reply"))
		a->op = ARP_REPLY;
	else
		return scan_fail(s, "\"request\" or \"reply\" expected before \"%.20s\"", s->p);
	while (!scan_at_end(s)) {
		bool *has;
		uint32_t *ip = NULL;
		uint8_t *mac = NULL;

		if (scan_take(s, "psrc")) {
			has = &a->has_spa;
			ip = &a->spa;
		} else if (scan_take(s, "pdst")) {
			has = &a->has_tpa;
			ip = &a->tpa;
		} else if (scan_take(s, "hwsrc")) {
			has = &a->has_sha;
			mac = a->sha;
		} else if (scan_take(s, "hwdst")) {
			has = &a->has_tha;
			mac = a->tha;
		} else {
			return scan_fail(s, "what is \"%.20s\" to ARP?", s->p);
		}
		*has = true;
		if (!(ip ? scan_address(s, ip) : scan_mac(s, mac)))
			return false;
	}
	return true;
}

static bool
parse_udp(struct scan *s, struct udp_spec *u)
{
	uint32_t n;

	if (!scan_need(s, "len") || !scan_number(s, &n, UINT16_MAX))
		return false;
	u->len = (uint16_t)n;
	return true;
}

static bool
parse_flow(struct scan *s, unsigned *flow)
{
	uint32_t n = 1;

	if (scan_take(s, "@") && !scan_number(s, &n, 9))
		return false;
	*flow = n;
	return true;
}

bool
parse_packet(struct scan *s, struct packet_spec *p)
{
	if (!parse_flow(s, &p->flow) || !parse_attrs(s, &p->at))
		return false;
	if (scan_take(s, "icmp")) {
		p->kind = PACKET_ICMP;
		return parse_icmp(s, &p->icmp);
	}
	if (scan_take(s, "arp")) {
		p->kind = PACKET_ARP;
		return parse_arp(s, &p->arp);
	}
	if (scan_take(s, "udp")) {
		p->kind = PACKET_UDP;
		return parse_udp(s, &p->udp);
	}
	if (scan_take(s, "frame")) {
		p->kind = PACKET_RAW;
		if (p->out)
			return scan_fail(s, "octets cannot be expected");
		return scan_hex(s, p->raw.octets, sizeof(p->raw.octets), &p->raw.len);
	}
	p->kind = PACKET_TCP;
	return parse_tcp(s, &p->tcp);
}
