/* tap.c - parses leniently: a monitor judges nobody's source address or unfinished checksum. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/tap.h"

static unsigned
parse_flags(const struct tap *t, bool cut)
{
	unsigned flags = PKT_ANY_SOURCE | PKT_TAKE_FRAGMENTS;

	if (!t->verify_checksums)
		flags |= PKT_NO_CHECKSUM;
	return cut ? flags | PKT_TRUNCATED : flags;
}

bool
tap_read(struct tap *t, const uint8_t *data, uint32_t caplen, uint32_t len, struct track_packet *p)
{
	struct pkt pkt;
	enum pkt_drop drop = pkt_parse(&pkt, data, caplen, parse_flags(t, caplen < len));
	uint32_t caught;

	t->frames++;
	t->bytes += len;
	if (drop != PKT_OK) {
		t->drops[drop]++;
		return false;
	}
	if (pkt.kind != PKT_TCP) {
		t->other++;
		return false;
	}
	caught = caplen > pkt.payload_off ? caplen - pkt.payload_off : 0;
	p->tuple = (struct flow){
	    .laddr = pkt.src, .raddr = pkt.dst, .lport = pkt.sport, .rport = pkt.dport};
	p->seq = pkt.tcp.seq;
	p->ack = pkt.tcp.ack;
	p->flags = pkt.tcp.flags;
	p->len = pkt.payload_len;
	p->have = caught < p->len ? caught : p->len;
	p->payload = data + pkt.payload_off;
	return true;
}
