/* build_tcp.c - TCP segments as a script wants them: options in the order given, any checksum. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <string.h>

#include "tests/packet/build.h"
#include "wire/bytes.h"
#include "wire/cksum.h"

enum { TCP_BYTES = 20 };

static uint8_t *
put_sack(uint8_t *o, const struct opt_spec *s, uint32_t base)
{
	*o++ = OPT_SACK;
	*o++ = (uint8_t)(2 + 8 * s->n);
	for (unsigned i = 0; i < s->n; i++, o += 8) {
		store_be32(o, base + s->sack[i].start);
		store_be32(o + 4, base + s->sack[i].end);
	}
	return o;
}

static uint8_t *
put_ts(uint8_t *o, const struct opt_spec *s, const struct flow_state *f, bool is_ack)
{
	*o++ = OPT_TS;
	*o++ = 10;
	store_be32(o, s->a);
	store_be32(o + 4, is_ack && f->has_ts ? f->ts_base + s->b : s->b);
	return o + 8;
}

static uint8_t *
put_option(uint8_t *o, const struct opt_spec *s, const struct flow_state *f, bool is_ack)
{
	switch (s->kind) {
	case OPT_MSS:
		store_be16(o, OPT_MSS << 8 | 4);
		store_be16(o + 2, (uint16_t)s->a);
		return o + 4;
	case OPT_WSCALE:
		store_be16(o, OPT_WSCALE << 8 | 3);
		o[2] = (uint8_t)s->a;
		return o + 3;
	case OPT_SACKOK:
		store_be16(o, OPT_SACKOK << 8 | 2);
		return o + 2;
	case OPT_SACK:
		return put_sack(o, s, f->iss);
	case OPT_TS:
		return put_ts(o, s, f, is_ack);
	case OPT_RAW:
		memcpy(o, s->raw, s->n);
		return o + s->n;
	default: /* EOL, NOP */
		*o = (uint8_t)s->kind;
		return o + 1;
	}
}

static size_t
put_options(uint8_t *at, const struct tcp_spec *t, const struct flow_state *f)
{
	uint8_t *o = at;

	for (unsigned i = 0; i < t->n_opts; i++)
		o = put_option(o, &t->opt[i], f, t->flags & TCP_ACK);
	while ((o - at) % 4 != 0)
		*o++ = OPT_EOL;
	assert(o - at <= 40);
	return (size_t)(o - at);
}

static void
put_payload(uint8_t *to, const struct tcp_spec *t, uint32_t peer_isn)
{
	const uint32_t at = t->seq + ((t->flags & TCP_SYN) != 0) - peer_isn - 1;
	const size_t n = strlen(t->data);

	for (uint32_t i = 0; i < t->len; i++)
		to[i] = n > 0 ? (uint8_t)t->data[i % n] : stream_in(at + i);
}

/* The sum over pseudo-header and l4, whose checksum field is 0: the right one, or the one that is asked for. */
static uint16_t
tcp_sum(uint8_t *l4, size_t len, const struct ends *e, const struct attrs *at)
{
	const uint32_t pseudo = cksum_pseudo(e->src, e->dst, IPPROTO_TCP_, (uint16_t)len);
	uint16_t sum = cksum_fold(cksum_partial(l4, len, pseudo));

	if (attr_given(at, ATTR_CSUM)) { /* urg makes up for the difference */
		const uint32_t wanted = at->number[ATTR_CSUM];
		const uint32_t urg = (UINT32_C(0xffff) + sum - wanted % 0xffff) % 0xffff;

		store_be16(l4 + 18, (uint16_t)urg);
		return (uint16_t)wanted;
	}
	return attr_given(at, ATTR_BADCSUM) ? (uint16_t)(sum ^ 0x5a5a) : sum;
}

/* The peer's stream begins behind this SYN, unless it is one thrown into a connection. */
static void
note_peer_isn(struct world *w, const struct packet_spec *p)
{
	const struct tcb *t = flow_tcb(w, p->flow);

	if (p->tcp.flags & TCP_SYN && (!t || t->state == TCP_SYN_SENT || t->state == TCP_TIME_WAIT))
		flow_at(w, p->flow)->peer_isn = p->tcp.seq;
}

size_t
build_tcp_segment(struct world *w, const struct packet_spec *p, const struct ends *e, uint8_t *l4)
{
	const struct flow_state *f = flow_at(w, p->flow);
	const struct tcp_spec *t = &p->tcp;
	const bool is_abs = attr_given(&p->at, ATTR_ABS);

	note_peer_isn(w, p);

	const size_t header = TCP_BYTES + put_options(l4 + TCP_BYTES, t, f);
	const uint32_t doff = attr_or(&p->at, ATTR_DOFF, (uint32_t)header / 4);

	store_be16(l4, e->sport);
	store_be16(l4 + 2, e->dport);
	store_be32(l4 + 4, is_abs ? t->seq : w->conf->irs + t->seq);
	store_be32(l4 + 8, !t->has_ack ? 0 : is_abs ? t->ack : f->iss + t->ack);
	store_be16(l4 + 12, (uint16_t)(doff << 12 | t->flags));
	store_be16(l4 + 14, t->win);
	store_be16(l4 + 16, 0);
	store_be16(l4 + 18, t->urg);
	put_payload(l4 + header, t, f->peer_isn);
	store_be16(l4 + 16, tcp_sum(l4, header + t->len, e, &p->at));
	return header + t->len;
}
