/* watch.c - the rules of RFC 9293, 7323 and 2018 that an onlooker can hold the stacks to. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/watch.h"

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "host/internal.h"
#include "tcp/seq.h"
#include "user.h"
#include "wire/bytes.h"

/* --- states --- */

#define TO(state) (1u << TCP_##state)

/* What one call may lead to (RFC 9293 figure 5): a segment with ACK and FIN takes two steps. */
static const uint16_t may_become[TCP_N_STATES] = {
    [TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSE_WAIT) | TO(CLOSED),
    [TCP_SYN_RECEIVED] =
	TO(ESTABLISHED) | TO(CLOSE_WAIT) | TO(FIN_WAIT_1) | TO(CLOSING) | TO(CLOSED),
    [TCP_ESTABLISHED] = TO(CLOSE_WAIT) | TO(FIN_WAIT_1) | TO(CLOSED),
    [TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
    [TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [TCP_LAST_ACK] = TO(CLOSED),
    [TCP_TIME_WAIT] = TO(CLOSED),
};

/* `calls` calls: as many steps. */
static bool
is_way(uint8_t from, uint8_t to, unsigned calls)
{
	unsigned reached = 1u << from;

	for (unsigned n = 0; n < calls && n < TCP_N_STATES; n++)
		for (unsigned s = 0, now = reached; s < TCP_N_STATES; s++)
			if (now & 1u << s)
				reached |= may_become[s];
	return reached & 1u << to;
}

static void
watch_state(struct world *w, const struct host *h, struct end *e, unsigned calls)
{
	const struct tcb *t = stack_tcb(h->s, e->id);

	CHECK(w, t->state == e->state || is_way(e->state, t->state, calls));
	if (t->snd_una != e->last_una)
		e->in_vain = 0;
	e->last_una = t->snd_una;
	if (t->state == TCP_CLOSED)
		return; /* e->state: what it was in when it ended */
	e->state = t->state;
	e->shift = t->scales >> 4;
}

void
watch_states(struct world *w, struct host *h, unsigned calls)
{
	for (unsigned i = 0; i < w->n_conns; i++)
		if (w->conn[i].end[h->side].has_id)
			watch_state(w, h, &w->conn[i].end[h->side], calls);
}

/* --- what has arrived --- */

static void
add_range(struct end *e, uint32_t start, uint32_t end)
{
	unsigned i = 0, n = 0;

	for (unsigned k = 0; k < e->n_ranges; k++) { /* what it touches becomes part of it */
		const struct range *r = &e->range[k];

		if (seq_gt(r->start, end) || seq_lt(r->end, start)) {
			e->range[n++] = *r;
			continue;
		}
		start = seq_min(start, r->start);
		end = seq_max(end, r->end);
	}
	if (n == SIM_RANGES) { /* too many islands to tell apart: the two first become one */
		e->range[1].start = e->range[0].start;
		memmove(e->range, e->range + 1, --n * sizeof(e->range[0]));
	}
	while (i < n && seq_lt(e->range[i].start, start))
		i++;
	memmove(e->range + i + 1, e->range + i, (n - i) * sizeof(e->range[0]));
	e->range[i] = (struct range){start, end};
	e->n_ranges = n + 1;
}

static bool
has_arrived(const struct end *e, uint32_t start, uint32_t end)
{
	for (unsigned i = 0; i < e->n_ranges; i++)
		if (seq_leq(e->range[i].start, start) && seq_leq(end, e->range[i].end))
			return true;
	return false;
}

void
watch_arrives(struct world *w, struct host *h, const struct buf *b)
{
	const struct note *n = &b->note;
	struct end *e = n->conn >= 0 ? &w->conn[n->conn].end[h->side] : NULL;

	/* Two flips in an IP header may make a fragment, which waits for others. */
	h->spoilt_in += n->caught && (b->len < 22 || (load_be16(b->data + 20) & 0x3fff) == 0);
	if (n->kind != PKT_TCP || n->caught)
		return;
	h->tcp_in++;
	if (n->flags & TCP_RST)
		h->rst_in++;
	else
		h->other_in++;
	if (e == NULL || n->flags & TCP_RST)
		return;
	/* What somebody has made up may be reported as a duplicate (RFC 2883). */
	e->deceived |= n->forged || n->spoilt;
	if (n->forged)
		return;
	if (n->len > 0)
		add_range(e, n->seq, n->seq + n->len);
	e->peer_fin |= (n->flags & TCP_FIN) != 0;
}

/* --- what is sent --- */

static bool
has_lied(const struct world *w, unsigned side)
{
	return w->k.link[side].tamper > 0;
}

static void
check_octets(const struct world *w, const struct pair *c, unsigned side, const struct pkt *p,
	     const struct buf *b)
{
	const struct end *e = &c->end[side], *peer = &c->end[1 - side];
	const struct tcp_seg *s = &p->tcp;
	const uint32_t at = s->seq - e->iss - 1;
	const uint16_t least = peer->mss > 60 ? peer->mss : 60;

	if (s->len == 0)
		return;
	CHECK(w, !(s->flags & (TCP_SYN | TCP_RST)) && s->flags & TCP_ACK);
	CHECK(w, at + s->len <= e->written);
	CHECK(w, s->len <= least && s->len <= w->k.host[side].conf.tcp.mss);
	CHECK(w, memcmp(b->data + p->payload_off, user_content(w, c, side, at), s->len) == 0);
}

/* New octets are in the peer's window; a probe, and FIN, are one beyond. */
static void
check_window(const struct world *w, const struct pair *c, unsigned side, const struct tcp_seg *s)
{
	const struct end *e = &c->end[side], *peer = &c->end[1 - side];
	const uint32_t end = s->seq + tcp_seg_len(s);

	if (tcp_seg_len(s) == 0 || s->flags & TCP_SYN)
		return;
	CHECK(w, seq_gt(s->seq, e->iss) && e->have_iss);
	if (seq_leq(end, e->snd_max) || has_lied(w, 1 - side))
		return;
	CHECK(w, peer->have_edge && seq_leq(end, peer->edge + 1));
}

/* Nothing is acknowledged that the user has not, or will not get; nothing is taken back. */
static void
check_ack(const struct world *w, const struct host *h, const struct pair *c, struct end *e,
	  const struct tcp_seg *s)
{
	const struct end *peer = &c->end[1 - h->side];
	const uint32_t octets = s->ack - peer->iss - 1;

	if (!peer->opened) /* any of his cookies */
		return;
	CHECK(w, peer->have_iss && seq_leq(s->ack, peer->snd_max));
	/* What was answered at once may leave behind what the rest of a burst has brought, or what
	 * a line that stood still has sent since. */
	CHECK(w, !e->have_ack || seq_geq(s->ack, e->last_ack) || !w->k.distinct);
	e->last_ack = e->have_ack ? seq_max(e->last_ack, s->ack) : s->ack;
	e->have_ack = true;
	if (e->has_id && !e->aborted && stack_tcb(h->s, e->id)->state != TCP_CLOSED)
		CHECK(w, octets <= e->read + host_unread(h, e->id) + e->peer_fin);
}

static void
check_edge(const struct world *w, const struct host *h, const struct pair *c, struct end *e,
	   const struct tcp_seg *s)
{
	const struct flow f = flow_of(c, h->side);
	const struct tcb *t = e->has_id ? NULL : host_tcb(h, &f, NULL); /* half-open, TIME-WAIT */
	const unsigned scale = t != NULL ? t->scales >> 4 : e->shift;
	const unsigned shift = s->flags & TCP_SYN ? 0 : scale;
	const uint32_t unit = UINT32_C(1) << shift, edge = s->ack + ((uint32_t)s->wnd << shift);

	if (!(s->flags & TCP_SYN) && w->k.distinct) /* a SYN cannot say more than 65535 */
		CHECK(w, !e->have_edge || seq_gt(edge + unit, e->edge));
	CHECK(w, edge - s->ack <= h->k->conf.tcp.rcvbuf + unit);
	e->edge = e->have_edge ? seq_max(e->edge, edge) : edge;
	e->have_edge = true;
}

static void
check_options(const struct world *w, const struct host *h, struct end *e, const struct tcp_seg *s)
{
	const bool live = e->has_id && !(s->flags & TCP_SYN);
	const uint16_t agreed = live ? stack_tcb(h->s, e->id)->flags : 0;

	if (!(s->flags & TCP_SYN))
		CHECK(w, (s->opts & ~(TCP_OPT_TIMESTAMP | TCP_OPT_SACK)) == 0);
	if (live) {
		CHECK(w, !(agreed & TCB_TIMESTAMPS) == !(s->opts & TCP_OPT_TIMESTAMP));
		CHECK(w, agreed & TCB_SACK || !(s->opts & TCP_OPT_SACK));
	}
	for (unsigned i = 0; s->opts & TCP_OPT_SACK && i < s->n_sack; i++)
		if (i > 0 || !e->deceived || seq_gt(s->sack[i].end, s->ack))
			CHECK(w, has_arrived(e, s->sack[i].start, s->sack[i].end));
	if (!(s->opts & TCP_OPT_TIMESTAMP))
		return;
	CHECK(w, !e->have_tsval || seq_geq(s->tsval, e->tsval) || !w->k.distinct);
	e->tsval = s->tsval;
	e->have_tsval = true;
}

/* RFC 3168 6.1.4 to 6.1.6: only octets that are sent for the first time may be marked, on a
 * connection that has agreed to it. */
static void
check_ecn(const struct world *w, const struct host *h, const struct end *e, const struct pkt *p)
{
	const struct tcp_seg *s = &p->tcp;

	if (p->ecn == ECN_NOT)
		return;
	CHECK(w, p->ecn == ECN_ECT0 && s->len > 0);
	CHECK(w, !e->has_id || stack_tcb(h->s, e->id)->flags & TCB_ECT);
	CHECK(w, seq_geq(s->seq, e->snd_max));
}

/* A SYN,ACK may be one of several that a listener gives out before one of them is taken. */
static void
note_syn(const struct world *w, struct end *e, const struct tcp_seg *s)
{
	CHECK(w, !e->has_id || !e->have_iss || e->iss == s->seq);
	if (!e->have_iss || e->iss != s->seq) {
		e->have_edge = e->have_tsval = e->have_ack = false;
		e->snd_max = s->seq + 1;
	}
	e->iss = s->seq;
	e->have_iss = true;
	if (s->opts & TCP_OPT_MSS)
		e->mss = s->mss;
}

/* An old or a forged SYN has found the listener when all was over: it comes to nothing. */
static bool
is_ghost(const struct host *h, const struct pair *c, const struct end *e, uint8_t flags)
{
	const struct flow f = flow_of(c, h->side);
	const enum cover_state s = host_state(h, &f);

	return e->over && (flags & TCP_SYN || (s > COVER_LISTEN && s < COVER_TIME_WAIT));
}

static void
watch_segment(struct world *w, struct host *h, struct pair *c, const struct pkt *p,
	      const struct buf *b)
{
	struct end *e = &c->end[h->side];
	const struct tcp_seg *s = &p->tcp;

	CHECK(w, !(s->flags & TCP_RST) || s->len == 0);
	if (s->flags & TCP_RST || is_ghost(h, c, e, s->flags))
		return;
	if (s->flags & TCP_SYN)
		note_syn(w, e, s);
	check_octets(w, c, h->side, p, b);
	check_window(w, c, h->side, s);
	if (s->flags & TCP_ACK) {
		check_ack(w, h, c, e, s);
		check_edge(w, h, c, e, s);
	}
	check_options(w, h, e, s);
	check_ecn(w, h, e, p);
	e->snd_max = seq_max(e->snd_max, s->seq + tcp_seg_len(s));
	if (tcp_seg_len(s) > 0)
		e->in_vain++;
}

/* FNV-1a by words. */
static void
add_hash(struct world *w, const struct buf *b)
{
	uint64_t hash = w->hash ^ (w->t - w->start), word;
	uint32_t i = 0;

	for (; i + 8 <= b->len; i += 8) {
		memcpy(&word, b->data + i, 8);
		hash = (hash ^ word) * UINT64_C(0x100000001b3);
	}
	for (; i < b->len; i++)
		hash = (hash ^ b->data[i]) * UINT64_C(0x100000001b3);
	w->hash = hash ^ hash >> 32;
}

/* Ports name the connection. */
static int
pair_of(const struct world *w, const struct pkt *p)
{
	const unsigned port = p->sport >= PORT_FIRST ? p->sport : p->dport;
	const unsigned i = port < PORT_STRANGE ? port % 10000 : SIM_CONNS;

	return port >= PORT_FIRST && i < w->n_conns ? (int)i : -1;
}

void
watch_sent(struct world *w, struct host *h, struct buf *b)
{
	struct pkt p;
	int i = -1;

	add_hash(w, b);
	w->r->frames++;
	CHECK(w, pkt_parse(&p, b->data, b->len, 0) == PKT_OK);
	if (p.kind == PKT_TCP) {
		i = pair_of(w, &p);
		h->rst_out += (p.tcp.flags & TCP_RST) != 0;
		h->bare_out += p.tcp.len == 0 && !(p.tcp.flags & (TCP_SYN | TCP_FIN));
		if (i >= 0)
			watch_segment(w, h, &w->conn[i], &p, b);
	}
	b->note = (struct note){.kind = (uint8_t)p.kind,
				.from = (uint8_t)h->side,
				.conn = (int16_t)i,
				.flags = p.tcp.flags,
				.seq = p.tcp.seq,
				.len = p.tcp.len};
}

/* --- turns --- */

void
watch_turn(struct world *w, struct host *h)
{
	/* A RST answers no RST (RFC 9293 3.5.2): only other segments, a user who aborts, and
	 * memory that is not there. */
	CHECK(w, h->rst_out == 0 || h->rst_in == 0 || h->other_in > 0 || h->acts_of_user > 0);
	h->rst_in = h->other_in = h->rst_out = 0;
	CHECK(w, h->bare_out <= 2 * h->tcp_in + 2 * h->acts_of_user + 2 * h->timeouts + 2);
}

void
watch_trace(const struct world *w, unsigned side, const char *what, const struct buf *b)
{
	char line[300];
	struct pkt p;
	enum pkt_drop drop = pkt_parse(&p, b->data, b->len, 0);

	if (drop == PKT_OK)
		world_say(w, side, "%s %s", what, pkt_print(line, sizeof(line), &p));
	else
		world_say(w, side, "%s %u octets: %s", what, b->len, pkt_drop_name(drop));
}
