/* icmp.c - what an ICMP message means for a host, and which ones it may send (RFC 792, 1122 3.2.2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "inet/icmp.h"

#include <string.h>

#include "wire/bytes.h"

enum {
	ICMP_HEADER_BYTES = 8,
	ICMP_ERROR_MAX_BYTES = 576, /* RFC 1812 4.3.2.3: as much of the packet as fits */
	QUOTED_L4_MIN_BYTES = 8,    /* RFC 792 */
};

void
icmp_conf_default(struct icmp_conf *c, uint16_t mtu)
{
	*c = (struct icmp_conf){
	    .mtu = mtu,
	    .echo_per_s = 10000,
	    .echo_burst = 1000,
	    .error_per_s = 1000,
	    .error_burst = 50,
	};
}

void
icmp_init(struct icmp_state *s, const struct icmp_conf *c)
{
	*s = (struct icmp_state){.mtu = c->mtu};
	limit_init(&s->echo, c->echo_per_s, c->echo_burst, &c->key);
	limit_init(&s->error, c->error_per_s, c->error_burst, &c->key);
}

/* RFC 1122 3.2.2: nothing is sent about a packet for many, on the link or in IP, nor to a source that
 * is no single host. */
static bool
may_answer(const struct netif_addrs *a, const struct pkt *p)
{
	return (p->eth_dst[0] & 1) == 0 && addr_is_local(a, p->dst) && addr_is_unicast(p->src) &&
	       !addr_is_broadcast(a, p->src) && !addr_is_local(a, p->src);
}

static bool
count_drop(uint64_t *counter)
{
	++*counter;
	return false;
}

bool
icmp_echo_reply(struct icmp_state *s, const struct netif_addrs *a, const struct pkt *p,
		const uint8_t *frame, uint64_t now_ns, struct icmp_msg *m)
{
	if (p->kind != PKT_ICMP || p->icmp_type != ICMP_ECHO_REQUEST || p->icmp_code != 0)
		return false;
	s->stats.echo_in++;
	if (!may_answer(a, p))
		return count_drop(&s->stats.drop_rules);
	if (IP_HEADER_BYTES + ICMP_HEADER_BYTES + p->payload_len > s->mtu)
		return count_drop(&s->stats.drop_size);
	if (!limit_take(&s->echo, p->src, now_ns))
		return count_drop(&s->stats.drop_rate);
	/* RFC 1122 3.2.2.6: from the address that was asked, with all of its data, and the same TOS */
	*m = (struct icmp_msg){
	    .src = p->dst,
	    .dst = p->src,
	    .tos = (uint8_t)(p->dscp << 2),
	    .type = ICMP_ECHO_REPLY,
	    .rest = p->icmp_rest,
	    .body = frame + p->payload_off,
	    .len = p->payload_len,
	};
	s->stats.echo_out++;
	return true;
}

bool
icmp_unreachable(struct icmp_state *s, const struct netif_addrs *a, const struct pkt *p,
		 const uint8_t *frame, enum icmp_unreachable_code code, uint64_t now_ns,
		 struct icmp_msg *m)
{
	size_t quote = (size_t)p->payload_off + p->payload_len - p->l3_off;
	size_t most = ICMP_ERROR_MAX_BYTES - IP_HEADER_BYTES - ICMP_HEADER_BYTES;

	/* UDP and TCP only, so never about an ICMP error (RFC 1122 3.2.2) */
	if ((p->kind != PKT_UDP && p->kind != PKT_TCP) || !may_answer(a, p))
		return count_drop(&s->stats.drop_rules);
	if (!limit_take(&s->error, p->src, now_ns))
		return count_drop(&s->stats.drop_rate);
	*m = (struct icmp_msg){
	    .src = p->dst,
	    .dst = p->src,
	    .type = ICMP_UNREACHABLE,
	    .code = (uint8_t)code,
	    .body = frame + p->l3_off,
	    .len = (uint16_t)(quote < most ? quote : most),
	};
	s->stats.errors_out++;
	return true;
}

/* The packet that an error quotes: `len` octets at q. */
static bool
read_quote(struct icmp_error *e, const uint8_t *q, size_t len, uint32_t receiver)
{
	const uint8_t *l4;
	size_t header;

	if (len < IP_HEADER_BYTES || q[0] >> 4 != 4)
		return false;
	header = (size_t)(q[0] & 0xf) * 4;
	if (header < IP_HEADER_BYTES || len < header + QUOTED_L4_MIN_BYTES)
		return false;
	if ((load_be16(q + 6) & 0x1fff) != 0) /* a later fragment has no ports */
		return false;
	e->proto = q[9];
	e->flow.laddr = load_be32(q + 12);
	e->flow.raddr = load_be32(q + 16);
	if ((e->proto != IPPROTO_TCP_ && e->proto != IPPROTO_UDP_) || e->flow.laddr != receiver)
		return false;
	l4 = q + header;
	e->flow.lport = load_be16(l4);
	e->flow.rport = load_be16(l4 + 2);
	e->seq = e->proto == IPPROTO_TCP_ ? load_be32(l4 + 4) : 0;
	return true;
}

bool
icmp_error_parse(struct icmp_state *s, const struct pkt *p, const uint8_t *frame,
		 struct icmp_error *e)
{
	if (p->kind != PKT_ICMP)
		return false;
	/* Source quench is not among them (RFC 6633 3), nor a redirect: there is one way out. */
	if (p->icmp_type != ICMP_UNREACHABLE && p->icmp_type != ICMP_TIME_EXCEEDED &&
	    p->icmp_type != ICMP_PARAMETER) {
		s->stats.ignored += p->icmp_type != ICMP_ECHO_REQUEST;
		return false;
	}
	s->stats.errors_in++;
	*e = (struct icmp_error){.type = p->icmp_type, .code = p->icmp_code};
	if (e->type == ICMP_UNREACHABLE && e->code == ICMP_FRAGMENTATION_NEEDED)
		e->mtu = (uint16_t)p->icmp_rest; /* RFC 1191 4 */
	if (!read_quote(e, frame + p->payload_off, p->payload_len, p->dst))
		return count_drop(&s->stats.drop_quote);
	return true;
}
