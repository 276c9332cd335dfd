/* match.c - whether a frame that the stack has sent is the one that the script expects. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "tests/packet/world.h"
#include "wire/bytes.h"

/* Says what differs; false. */
#define DIFFERS(...) (snprintf(why, size, __VA_ARGS__), false)

/* --- IP --- */

static bool
match_ip(const struct attrs *a, const struct pkt *p, char *why, size_t size)
{
	static const struct {
		enum packet_attr attr;
		enum ip_ecn ecn;
	} ecn[] = {
	    {ATTR_NOECN, ECN_NOT}, {ATTR_ECT0, ECN_ECT0}, {ATTR_ECT1, ECN_ECT1}, {ATTR_CE, ECN_CE}};
	bool given = attr_given(a, ATTR_TOS);

	if (attr_given(a, ATTR_TTL) && p->ttl != a->number[ATTR_TTL])
		return DIFFERS("ttl is %u", p->ttl);
	if (attr_given(a, ATTR_ID) && p->ip_id != a->number[ATTR_ID])
		return DIFFERS("id is %u", p->ip_id);
	if (attr_given(a, ATTR_TOS) && (uint32_t)(p->dscp << 2 | p->ecn) != a->number[ATTR_TOS])
		return DIFFERS("tos is %u", p->dscp << 2 | p->ecn);
	if (attr_given(a, ATTR_DF) && !p->ip_df)
		return DIFFERS("DF is not set");
	if (attr_given(a, ATTR_SRC) && p->src != a->number[ATTR_SRC])
		return DIFFERS("the source address is another");
	if (attr_given(a, ATTR_DST) && p->dst != a->number[ATTR_DST])
		return DIFFERS("the destination address is another");
	for (unsigned i = 0; i < sizeof(ecn) / sizeof(ecn[0]); i++)
		if (attr_given(a, ecn[i].attr)) {
			given = true;
			if (p->ecn != ecn[i].ecn)
				return DIFFERS("the ECN field is %u", p->ecn);
		}
	if (!given && p->ecn != ECN_NOT)
		return DIFFERS("the ECN field is %u, no bracket says so", p->ecn);
	return true;
}

/* --- options: the same ones with the same values; their order and NOPs are free --- */

static bool
match_sack(const struct opt_spec *o, const struct tcp_seg *s, uint32_t base, char *why, size_t size)
{
	if (s->n_sack != o->n)
		return DIFFERS("%u SACK blocks instead of %u", s->n_sack, o->n);
	for (unsigned i = 0; i < o->n; i++)
		if (s->sack[i].start - base != o->sack[i].start ||
		    s->sack[i].end - base != o->sack[i].end)
			return DIFFERS("SACK block %u is %u:%u", i + 1, s->sack[i].start - base,
				       s->sack[i].end - base);
	return true;
}

static bool
match_ts(const struct opt_spec *o, const struct tcp_seg *s, uint32_t base, char *why, size_t size)
{
	if (!o->any_a && s->tsval - base != o->a)
		return DIFFERS("TS val is %u", s->tsval - base);
	if (!o->any_b && s->tsecr != o->b)
		return DIFFERS("TS ecr is %u", s->tsecr);
	return true;
}

static bool
match_option(const struct world *w, const struct opt_spec *o, const struct tcp_seg *s,
	     const struct flow_state *f, unsigned *seen, char *why, size_t size)
{
	switch (o->kind) {
	case OPT_MSS:
		*seen |= TCP_OPT_MSS;
		return o->any_a || !(s->opts & TCP_OPT_MSS) || s->mss == o->a ||
		       DIFFERS("mss is %u", s->mss);
	case OPT_WSCALE:
		*seen |= TCP_OPT_WSCALE;
		return o->any_a || !(s->opts & TCP_OPT_WSCALE) || s->wscale == o->a ||
		       DIFFERS("wscale is %u", s->wscale);
	case OPT_SACKOK:
		*seen |= TCP_OPT_SACK_PERMITTED;
		return true;
	case OPT_TS:
		*seen |= TCP_OPT_TIMESTAMP;
		return match_ts(o, s, f->ts_base, why, size);
	case OPT_SACK:
		*seen |= TCP_OPT_SACK;
		return match_sack(o, s, w->conf->irs, why, size);
	default:
		return true;
	}
}

static bool
match_options(const struct world *w, const struct tcp_spec *t, const struct tcp_seg *s,
	      const struct flow_state *f, char *why, size_t size)
{
	unsigned seen = 0;

	if (t->any_opts)
		return true;
	for (unsigned i = 0; i < t->n_opts; i++)
		if (!match_option(w, &t->opt[i], s, f, &seen, why, size))
			return false;
	return seen == s->opts ||
	       DIFFERS("the options are others (%#x, expected %#x)", s->opts, seen);
}

/* --- TCP --- */

static bool
match_tcp(struct world *w, const struct packet_spec *e, const struct pkt *p, char *why, size_t size)
{
	const struct flow_state *f = flow_at(w, e->flow);
	const struct tcp_spec *t = &e->tcp;
	const struct tcp_seg *s = &p->tcp;
	const bool is_abs = attr_given(&e->at, ATTR_ABS);
	const uint32_t seq = s->seq - (is_abs || !f->has_iss ? 0 : f->iss);
	const uint32_t ack = s->ack - (is_abs ? 0 : w->conf->irs);

	if (flow_find(w, p->src, p->sport, p->dst, p->dport) != e->flow &&
	    !attr_given(&e->at, ATTR_DST))
		return DIFFERS("it belongs to flow %u",
			       flow_find(w, p->src, p->sport, p->dst, p->dport));
	if (s->flags != t->flags)
		return DIFFERS("the flags are others");
	if (seq != t->seq || s->len != t->len)
		return DIFFERS("the sequence numbers are %u:%u(%u)", seq, seq + s->len, s->len);
	if (t->has_ack && ack != t->ack)
		return DIFFERS("ack is %u", ack);
	if (t->has_win && s->wnd != t->win)
		return DIFFERS("win is %u", s->wnd);
	if (s->urg != (t->has_urg ? t->urg : 0))
		return DIFFERS("urg is %u", s->urg);
	return match_options(w, t, s, f, why, size);
}

static bool
match_icmp(const struct packet_spec *e, const struct pkt *p, const uint8_t *data, char *why,
	   size_t size)
{
	const struct icmp_spec *i = &e->icmp;

	if (p->icmp_type != i->type || p->icmp_code != i->code)
		return DIFFERS("type is %u, code %u", p->icmp_type, p->icmp_code);
	if (i->has_rest && p->icmp_rest != i->rest)
		return DIFFERS("id or MTU, and sequence, are %#x", p->icmp_rest);
	if (i->type != 0)
		return true;
	if (p->payload_len != i->len)
		return DIFFERS("%u octets of data", p->payload_len);
	for (unsigned k = 0; k < i->len; k++)
		if (data[p->payload_off + k] != stream_in(k))
			return DIFFERS("octet %u of the data is another", k);
	return true;
}

static bool
match_arp(const struct packet_spec *e, const struct pkt *p, char *why, size_t size)
{
	const struct arp_spec *a = &e->arp;

	if (p->arp_op != a->op || (a->has_spa && p->arp_spa != a->spa) ||
	    (a->has_tpa && p->arp_tpa != a->tpa) ||
	    (a->has_sha && memcmp(p->arp_sha, a->sha, 6) != 0) ||
	    (a->has_tha && memcmp(p->arp_tha, a->tha, 6) != 0))
		return DIFFERS("it is another ARP message");
	return true;
}

/* A SYN that begins a connection gives the numbers their new base before it is compared. */
static void
take_new_iss(struct world *w, const struct packet_spec *e, const struct pkt *p)
{
	struct flow_state *f = flow_at(w, e->flow);

	if (!attr_given(&e->at, ATTR_NEWISS) || p->kind != PKT_TCP || !(p->tcp.flags & TCP_SYN))
		return;
	f->iss_advance = (int32_t)(p->tcp.seq - f->snd_max);
	f->iss = f->snd_max = p->tcp.seq;
	f->has_iss = true;
	f->has_ts = false;
}

bool
packet_match(struct world *w, const struct packet_spec *e, const uint8_t *data, uint32_t len,
	     char *why, size_t size)
{
	static const enum pkt_kind kinds[] = {[PACKET_TCP] = PKT_TCP,
					      [PACKET_ICMP] = PKT_ICMP,
					      [PACKET_ARP] = PKT_ARP,
					      [PACKET_UDP] = PKT_UDP};
	struct pkt p;

	pkt_parse(&p, data, len, 0);
	if (p.kind != kinds[e->kind])
		return DIFFERS("it is of another protocol");
	take_new_iss(w, e, &p);
	if (!packet_note(w, data, len))
		return DIFFERS("%s", w->why);
	if (attr_given(&e->at, ATTR_DMAC) && memcmp(p.eth_dst, e->at.dmac, 6) != 0)
		return DIFFERS("the destination MAC address is another");
	if (p.kind != PKT_ARP && !match_ip(&e->at, &p, why, size))
		return false;
	switch (e->kind) {
	case PACKET_TCP:
		return match_tcp(w, e, &p, why, size);
	case PACKET_ICMP:
		return match_icmp(e, &p, data, why, size);
	case PACKET_ARP:
		return match_arp(e, &p, why, size);
	default:
		return true;
	}
}

/* --- what a frame tells of its flow --- */

/* Its octets are those that the user wrote there: also when they are sent again (RFC 2525 2.4). */
static bool
check_payload(struct world *w, unsigned no, const struct pkt *p, const uint8_t *data)
{
	const struct flow_state *f = flow_at(w, no);
	const struct sock *k = sock_of_flow(w, no);
	const uint32_t at = p->tcp.seq - f->iss - 1;

	if (k && p->tcp.len > 0 && at + p->tcp.len > k->tx_written)
		world_fail(w, "octets are sent that the user has not written (%u of %u)",
			   at + p->tcp.len, k->tx_written);
	for (uint32_t i = 0; i < p->tcp.len && !w->failed; i++)
		if (data[p->payload_off + i] != stream_out(at + i))
			world_fail(w, "octet %u of the stream sent is not the one written", at + i);
	return !w->failed;
}

bool
packet_note(struct world *w, const uint8_t *data, uint32_t len)
{
	struct pkt p;
	struct flow_state *f;
	unsigned no;

	pkt_parse(&p, data, len, 0);
	if (p.kind != PKT_TCP)
		return true;
	no = flow_find(w, p.src, p.sport, p.dst, p.dport);
	if (no == 0)
		return true;
	f = flow_at(w, no);
	if (p.tcp.flags & TCP_SYN && !f->has_iss) {
		f->iss = f->snd_max = p.tcp.seq;
		f->has_iss = true;
	}
	if (p.tcp.opts & TCP_OPT_TIMESTAMP && !f->has_ts) {
		/* Its clock shows 0 at time 0 of the script. */
		f->ts_base = p.tcp.tsval - (uint32_t)(world_now_us(w) / 1000);
		f->has_ts = true;
	}
	if (!(p.tcp.flags & TCP_RST) && (int32_t)(p.tcp.seq + tcp_seg_len(&p.tcp) - f->snd_max) > 0)
		f->snd_max = p.tcp.seq + tcp_seg_len(&p.tcp);
	return !f->has_iss || check_payload(w, no, &p, data);
}
