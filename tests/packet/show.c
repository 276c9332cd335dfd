/* show.c - frames of the trace, in the notation of the scripts. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/world.h"

struct text {
	char *buf;
	size_t size, at;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->buf + t->at, t->size - t->at, format, ap);
	va_end(ap);
	t->at = n < 0 || t->at + (size_t)n >= t->size ? t->size - 1 : t->at + (size_t)n;
}

/* What the numbers of a segment count from. */
struct bases {
	uint32_t seq, ack, tsval, tsecr;
};

static struct bases
bases_of(const struct world *w, unsigned no, bool out)
{
	const struct flow_state *f = &w->flow[no];
	const struct bases b = {.seq = w->conf->irs,
				.ack = f->has_iss ? f->iss : 0,
				.tsecr = f->has_ts ? f->ts_base : 0};

	return out ? (struct bases){b.ack, b.seq, b.tsecr, 0} : b;
}

static void
show_options(struct text *t, const struct tcp_seg *s, const struct bases *b)
{
	const char *comma = "";

	add(t, " <");
	if (s->opts & TCP_OPT_MSS) {
		add(t, "mss %u", s->mss);
		comma = ",";
	}
	if (s->opts & TCP_OPT_SACK_PERMITTED) {
		add(t, "%ssackOK", comma);
		comma = ",";
	}
	if (s->opts & TCP_OPT_TIMESTAMP) {
		add(t, "%sTS val %u ecr %u", comma, s->tsval - b->tsval,
		    s->flags & TCP_ACK ? s->tsecr - b->tsecr : s->tsecr);
		comma = ",";
	}
	if (s->opts & TCP_OPT_WSCALE) {
		add(t, "%swscale %u", comma, s->wscale);
		comma = ",";
	}
	if (s->opts & TCP_OPT_SACK) {
		add(t, "%ssack", comma);
		for (unsigned i = 0; i < s->n_sack; i++)
			add(t, " %u:%u", s->sack[i].start - b->ack, s->sack[i].end - b->ack);
	}
	add(t, ">");
}

static void
show_tcp(struct text *t, const struct world *w, const struct pkt *p, bool out)
{
	static const char letters[] = "FSRP\0UEW"; /* in the order of the bits; ACK comes last */
	const struct tcp_seg *s = &p->tcp;
	const unsigned no = out ? flow_find(w, p->src, p->sport, p->dst, p->dport)
				: flow_find(w, p->dst, p->dport, p->src, p->sport);
	const struct bases b = bases_of(w, no, out);

	if (no != 1)
		add(t, "@%u ", no);
	if (p->ecn != ECN_NOT)
		add(t, "[%s] ", p->ecn == ECN_ECT0 ? "ect0" : p->ecn == ECN_CE ? "ce" : "ect1");
	for (unsigned i = 0; i < 8; i++)
		if (s->flags & 1u << i && letters[i])
			add(t, "%c", letters[i]);
	add(t, "%s", s->flags & TCP_ACK ? "." : s->flags == 0 ? "-" : "");
	add(t, " %u:%u(%u)", s->seq - b.seq, s->seq - b.seq + s->len, s->len);
	if (s->flags & TCP_ACK)
		add(t, " ack %u", s->ack - b.ack);
	add(t, " win %u", s->wnd);
	if (s->flags & TCP_URG || s->urg != 0)
		add(t, " urg %u", s->urg);
	if (s->opts)
		show_options(t, s, &b);
}

static void
show_address(struct text *t, uint32_t ip)
{
	add(t, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

static void
show_arp(struct text *t, const struct pkt *p)
{
	const uint8_t *m = p->arp_sha;

	add(t, "arp %s psrc ", p->arp_op == ARP_REQUEST ? "request" : "reply");
	show_address(t, p->arp_spa);
	add(t, " hwsrc %02x:%02x:%02x:%02x:%02x:%02x pdst ", m[0], m[1], m[2], m[3], m[4], m[5]);
	show_address(t, p->arp_tpa);
}

char *
packet_show(const struct world *w, const uint8_t *data, uint32_t len, bool out, char *buf,
	    size_t size)
{
	struct text t = {.buf = buf, .size = size};
	struct pkt p;
	const enum pkt_drop drop = pkt_parse(&p, data, len, PKT_ANY_SOURCE);

	buf[0] = 0;
	add(&t, "%c ", out ? '>' : '<');
	if (p.kind == PKT_TCP)
		show_tcp(&t, w, &p, out);
	else if (p.kind == PKT_ARP)
		show_arp(&t, &p);
	else if (p.kind == PKT_ICMP)
		add(&t, "icmp type %u code %u id %u seq %u len %u", p.icmp_type, p.icmp_code,
		    p.icmp_rest >> 16, p.icmp_rest & 0xffff, p.payload_len);
	else
		add(&t, "frame of %u octets", len);
	if (drop != PKT_OK)
		add(&t, " (%s)", pkt_drop_name(drop));
	return buf;
}
