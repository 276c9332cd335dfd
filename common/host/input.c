/* input.c - a burst of frames, stage by stage: parsed, looked up, prefetched, handed on. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/internal.h"

#include <assert.h>

enum { PREFETCH_AHEAD = 4, ANSWER_SEGS = 4, ACT_LINES = 3, CACHE_LINE = 64 };

/* Frames that passed the first stage, in their order. */
struct burst {
	unsigned n;
	const struct frame *frame[STACK_BURST];
	struct pkt pkt[STACK_BURST];
	struct flow flow[STACK_BURST]; /* TCP */
	uint64_t hash[STACK_BURST];
	uint32_t guess[STACK_BURST];
	const struct tcp_act *act[STACK_BURST];
	struct frame whole[STACK_BURST]; /* frames that were put together from fragments */
};

/* --- first stage: what kind of packet, and is it for us --- */

/* RFC 1122 4.2.3.10, 3.2.1.3: TCP wants a single station at both ends, and ICMP and UDP here get
 * nothing from others. */
static bool
is_for_us(struct stack *s, const struct netif *nif, const struct pkt *p)
{
	const struct netif_addrs *a = &nif->conf.addrs;
	bool same_mac = memcmp(p->eth_dst, nif->conf.mac, 6) == 0;

	if (p->vlan != nif->conf.vlan) {
		s->stats.drop_not_ours++;
		return false;
	}
	if (p->kind == PKT_ARP)
		return true;
	if (!same_mac || !addr_is_local(a, p->dst)) {
		s->stats.drop_not_ours++;
		return false;
	}
	if (addr_is_local(a, p->src) || addr_is_broadcast(a, p->src)) {
		s->stats.drop[PKT_DROP_IP_ADDRESS]++;
		return false;
	}
	return true;
}

/* A fragment that completes its datagram stands for the whole from here on; false: nothing comes of it now. Its
 * checksum was beyond the port. */
static __attribute__((noinline)) bool
put_together(struct stack *s, struct burst *b, struct netif *nif, const struct frame **f)
{
	struct frame *whole = &b->whole[b->n];
	struct pkt *p = &b->pkt[b->n];
	enum pkt_drop drop;

	if (!is_for_us(s, nif, p))
		return false;
	*whole = (struct frame){.port = (*f)->port};
	whole->data = frag_input(&nif->frags, p, (*f)->data, s->now, &whole->len);
	if (whole->data == NULL)
		return false;
	*f = whole;
	drop =
	    pkt_parse(p, whole->data, whole->len, nif->conf.trust_checksums ? PKT_NO_CHECKSUM : 0);
	s->stats.drop[drop] += drop != PKT_OK;
	return drop == PKT_OK;
}

static void
parse(struct stack *s, struct burst *b, const struct frame *f)
{
	struct netif *nif = &s->netif[f->port];
	struct pkt *p = &b->pkt[b->n];
	bool trusted = nif->conf.trust_checksums || f->flags & FRAME_CKSUM_GOOD;
	enum pkt_drop drop;

	assert(f->port < s->n_netifs);
	s->stats.rx_frames++;
	s->stats.rx_octets += f->len;
	drop = pkt_parse(p, f->data, f->len, trusted ? PKT_NO_CHECKSUM : 0);
	if (drop == PKT_DROP_IP_FRAGMENT) {
		if (put_together(s, b, nif, &f))
			b->frame[b->n++] = f;
		return;
	}
	if (drop != PKT_OK) {
		s->stats.drop[drop]++;
		return;
	}
	if (is_for_us(s, nif, p))
		b->frame[b->n++] = f;
}

static void
parse_all(struct stack *s, struct burst *b, const struct frame *f, unsigned n)
{
	b->n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			__builtin_prefetch(f[i + PREFETCH_AHEAD].data);
		parse(s, b, &f[i]);
	}
}

/* --- stages two to five: bucket, tcb, active block, send queue on their way to the cache --- */

static void
hash_all(struct stack *s, struct burst *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct pkt *p = &b->pkt[i];

		if (p->kind != PKT_TCP)
			continue;
		b->flow[i] = (struct flow){
		    .laddr = p->dst,
		    .raddr = p->src,
		    .lport = p->dport,
		    .rport = p->sport,
		};
		b->hash[i] = flow_hash(&s->key, &b->flow[i]);
		conntab_prefetch(&group_of(s, &b->flow[i])->conntab, b->hash[i]);
	}
}

static void
guess_all(struct stack *s, struct burst *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct group *g;

		b->guess[i] = POOL_NONE;
		if (b->pkt[i].kind != PKT_TCP)
			continue;
		g = group_of(s, &b->flow[i]);
		b->guess[i] = conntab_guess(&g->conntab, b->hash[i]);
		if (b->guess[i] != POOL_NONE)
			__builtin_prefetch(group_tcb(g, b->guess[i]), 1);
	}
}

/* The active block of the one that it most likely is; NULL: none. */
static const struct tcp_act *
guess_act(const struct stack *s, const struct burst *b, unsigned i)
{
	const struct group *g;
	const struct tcb *t;

	if (b->guess[i] == POOL_NONE)
		return NULL;
	g = group_of(s, &b->flow[i]);
	t = group_tcb(g, b->guess[i]);
	if (group_is_dead(t) || !tcb_is_active(t))
		return NULL;
	return pool_at(&g->ctx.acts, t->act);
}

static void
prefetch_acts(const struct stack *s, struct burst *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct tcp_act *a = guess_act(s, b, i);

		b->act[i] = a;
		for (unsigned line = 0; a != NULL && line < ACT_LINES; line++)
			__builtin_prefetch((const uint8_t *)a + (size_t)line * CACHE_LINE, 1);
	}
}

/* What an ACK will take off the send queue. */
static void
prefetch_blocks(const struct stack *s, const struct burst *b)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->act[i] != NULL && b->act[i]->sndq.head != POOL_NONE)
			__builtin_prefetch(
			    block_at(&group_of(s, &b->flow[i])->ctx.blocks, b->act[i]->sndq.head),
			    1);
}

/* --- last stage: TCP --- */

/* Without memory to keep them, a segment's octets are lost, but what it acknowledges may free some.
 * Its FIN is lost with them. */
static bool
strip_octets(struct stack *s, const struct conn *c, struct tcp_seg *seg)
{
	s->stats.drop_no_memory++;
	if (!(seg->flags & TCP_ACK) || (int32_t)(seg->ack - c->t->snd_una) <= 0)
		return false; /* without octets it would pass for a duplicate ACK */
	seg->len = 0;
	seg->flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	return true;
}

static unsigned
answer_room(const struct stack *s)
{
	uint32_t room = STACK_ANSWERS - s->n_answers;

	if (room > s->n_stock)
		room = s->n_stock;
	return room < ANSWER_SEGS ? room : ANSWER_SEGS;
}

static void
segment_arrives(struct stack *s, struct netif *nif, const struct conn *c, struct pkt *p,
		const uint8_t *payload)
{
	enum tcp_state was = c->t->state;
	uint16_t len = p->tcp.len;
	bool promised = len > 0 && reserve_promise(c->g, len);
	const struct flow f = c->t->flow;

	if (len > 0 && !promised && !strip_octets(s, c, &p->tcp))
		return;
	tcp_out_init(&s->out, answer_room(s));
	tcp_input(&c->g->ctx, c->t, &p->tcp, s->now, &s->out);
	if (promised)
		reserve_settle(c->g, len);
	if (s->out.deliver_len > 0)
		reserve_promise(c->g, s->out.deliver_len); /* less than before: it cannot fail */
	tcp_hold(&c->g->ctx, &s->out, payload);
	conn_work(s, c);
	answer_segments(s, nif, &f, conn_tos(c), p);
	conn_after(s, c, was, payload);
}

static bool
is_syn(const struct tcp_seg *seg)
{
	return (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* Half-open connections are for the taking by anybody who can send a SYN, so there is a limit, and
 * one for each source. Those that are there are not given up for those that come: under a flood
 * newcomers are as likely to be real. What there is no place for is a cookie. */
static bool
may_be_half_open(struct stack *s, const struct flow *f)
{
	if (s->half_open.total >= s->conf.max_half_open)
		return false;
	if (sources_count(&s->half_open, f->raddr) < s->conf.max_half_open_per_source)
		return true;
	s->stats.half_open_source++;
	return false;
}

static void
send_cookie(struct stack *s, struct netif *nif, const struct flow *f, uint8_t row,
	    const struct pkt *p)
{
	tcp_out_init(&s->out, answer_room(s));
	tcp_cookie_answer(&group_of(s, f)->ctx, f, row, &p->tcp, s->now, &s->out);
	answer_segments(s, nif, f, 0, p);
	s->stats.syn_cookies_sent++;
}

/* A SYN alone, from who knows where, ends nothing: when all places are taken it gets a cookie if there is somebody
 * whose place the ACK will take. A cookie's ISS cannot be above a floor, so what follows a connection in
 * TIME-WAIT takes its place for certain. */
static void
open_passive(struct stack *s, struct netif *nif, const struct flow *f, uint8_t row,
	     const struct pkt *p, uint32_t iss_floor)
{
	struct conn c;

	if (iss_floor == 0 &&
	    (!may_be_half_open(s, f) || (!conn_is_room_for(s, f) && shed_has_candidates(s)))) {
		send_cookie(s, nif, f, row, p);
		return;
	}
	if (!conn_new(s, f, s->now, &c))
		return;
	c.t->profile = row;
	c.t->snd_nxt = iss_floor;
	tcp_out_init(&s->out, 0);
	tcp_open_passive(&c.g->ctx, c.t, &p->tcp, s->now, &s->out);
	lists_add(c.g, c.slot, s->now);
	conn_work(s, &c);
}

/* An ACK that answers a cookie makes the connection that its SYN did not. */
static bool
open_by_cookie(struct stack *s, struct netif *nif, const struct flow *f, struct pkt *p,
	       const uint8_t *payload)
{
	struct tcp_ctx *ctx = &group_of(s, f)->ctx;
	struct conn c;
	uint8_t row;

	if ((p->tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_ACK ||
	    !tcp_cookies_are_out(ctx, s->now))
		return false;
	row = listen_find(&s->listeners, f->laddr, f->lport);
	if (row == 0)
		return false;
	if (!tcp_cookie_check(ctx, f, &p->tcp, s->now)) {
		s->stats.syn_cookies_bad++;
		return false;
	}
	if (!conn_new(s, f, s->now, &c))
		return true; /* the peer repeats what he has to say, until there is room */
	c.t->profile = row;
	tcp_open_cookie(ctx, c.t, &p->tcp, s->now);
	lists_add(c.g, c.slot, s->now);
	s->stats.syn_cookies_ok++;
	segment_arrives(s, nif, &c, p, payload);
	return true;
}

/* RFC 9293 3.10.7.1 and .2: CLOSED, and LISTEN */
static void
no_connection(struct stack *s, struct netif *nif, const struct flow *f, struct pkt *p,
	      const uint8_t *payload, uint32_t iss_floor)
{
	uint8_t row = 0;

	if (!(p->tcp.flags & (TCP_ACK | TCP_RST)))
		row = listen_find(&s->listeners, f->laddr, f->lport);
	if (row != 0 && (p->tcp.flags & (TCP_SYN | TCP_FIN)) != TCP_SYN) {
		s->stats.drop_bad_syn++; /* 3.10.7.2, fourth */
	} else if (row != 0) {
		open_passive(s, nif, f, row, p, iss_floor);
	} else if (!open_by_cookie(s, nif, f, p, payload)) {
		if (is_syn(&p->tcp))
			s->stats.drop_no_listener++;
		else
			s->stats.drop_no_connection++;
		answer_reset(s, nif, f, p);
	}
}

/* RFC 9293 MAY-2: a new connection takes the place of one in TIME-WAIT. The user of the old one is
 * told its end if he has not been yet. */
static bool
reuse_time_wait(struct stack *s, const struct conn *c, const struct pkt *p, uint32_t *iss_floor)
{
	enum tcp_state was = c->t->state;

	if (was != TCP_TIME_WAIT || p->tcp.flags & TCP_FIN ||
	    listen_find(&s->listeners, c->t->flow.laddr, c->t->flow.lport) == 0 ||
	    !tcp_time_wait_may_reuse(&c->g->ctx, c->t, &p->tcp, iss_floor))
		return false;
	tcp_out_init(&s->out, 0);
	tcp_abort(&c->g->ctx, c->t, s->now, &s->out);
	conn_after(s, c, was, NULL);
	return true;
}

/* The guess is nearly always right, and its flow is in the cache already. */
static uint32_t
look_up(const struct group *g, const struct burst *b, unsigned i)
{
	uint32_t guess = b->guess[i];

	if (guess != POOL_NONE && !group_is_dead(group_tcb(g, guess)) &&
	    flow_equal(&group_tcb(g, guess)->flow, &b->flow[i]))
		return guess;
	return conntab_find(&g->conntab, b->hash[i], &b->flow[i]);
}

static void
tcp_in(struct stack *s, struct netif *nif, struct burst *b, unsigned i)
{
	const struct flow *f = &b->flow[i];
	struct group *g = group_of(s, f);
	uint32_t slot = look_up(g, b, i);
	uint32_t iss_floor = 0;
	struct pkt *p = &b->pkt[i];
	const uint8_t *payload = b->frame[i]->data + p->payload_off;
	struct conn c;

	s->stats.tcp_in++;
	if (!events_have_room(s)) {
		s->stats.drop_event++;
		return;
	}
	if (slot != POOL_NONE) {
		c = conn_at(s, g, slot);
		if (!reuse_time_wait(s, &c, p, &iss_floor)) {
			segment_arrives(s, nif, &c, p, payload);
			return;
		}
	}
	no_connection(s, nif, f, p, payload, iss_floor);
}

/* --- last stage: all else --- */

static void
arp_in(struct stack *s, struct netif *nif, const struct pkt *p)
{
	struct arp_result r;

	s->stats.arp_in++;
	arp_input(&nif->neighbours, &nif->conf.addrs, nif->conf.mac, p, s->now, &r);
	if (r.send)
		answer_arp(s, nif, &r.msg);
	if (r.resolved != 0)
		work_kick(s, r.resolved);
}

static void
icmp_error_in(struct stack *s, const struct icmp_error *e)
{
	struct group *g = group_of(s, &e->flow);
	uint32_t slot;
	struct conn c;
	enum tcp_state was;

	if (e->proto != IPPROTO_TCP_ || !events_have_room(s))
		return;
	slot = conntab_find(&g->conntab, flow_hash(&s->key, &e->flow), &e->flow);
	if (slot == POOL_NONE)
		return;
	c = conn_at(s, g, slot);
	was = c.t->state;
	tcp_out_init(&s->out, 0);
	tcp_icmp_error(&g->ctx, c.t, e->type, e->code, e->mtu, e->seq, s->now, &s->out);
	conn_work(s, &c);
	conn_after(s, &c, was, NULL);
}

static void
icmp_in(struct stack *s, struct netif *nif, const struct pkt *p, const uint8_t *frame)
{
	struct icmp_msg m;
	struct icmp_error e;

	s->stats.icmp_in++;
	if (icmp_echo_reply(&nif->icmp, &nif->conf.addrs, p, frame, s->now, &m))
		answer_icmp(s, nif, &m, p);
	else if (icmp_error_parse(&nif->icmp, p, frame, &e))
		icmp_error_in(s, &e);
}

/* Nobody here listens to UDP. */
static void
udp_in(struct stack *s, struct netif *nif, const struct pkt *p, const uint8_t *frame)
{
	struct icmp_msg m;

	s->stats.udp_in++;
	if (icmp_unreachable(&nif->icmp, &nif->conf.addrs, p, frame, ICMP_PORT_UNREACHABLE, s->now,
			     &m))
		answer_icmp(s, nif, &m, p);
}

static void
process(struct stack *s, struct burst *b, unsigned i)
{
	const struct frame *f = b->frame[i];
	struct netif *nif = &s->netif[f->port];
	const struct pkt *p = &b->pkt[i];

	switch (p->kind) {
	case PKT_TCP:
		tcp_in(s, nif, b, i);
		break;
	case PKT_ARP:
		arp_in(s, nif, p);
		break;
	case PKT_ICMP:
		icmp_in(s, nif, p, f->data);
		break;
	case PKT_UDP:
		udp_in(s, nif, p, f->data);
		break;
	case PKT_OTHER:
		break;
	}
}

void
stack_input(struct stack *s, uint64_t now, const struct frame *f, unsigned n)
{
	struct burst b;

	if (s->over != NO_CONN)
		event_end_handle(s);
	s->now = now;
	for (unsigned i = 0; i < s->n_netifs; i++)
		frag_recycle(&s->netif[i].frags);
	for (unsigned i = 0; i < s->n_groups; i++)
		reserve_fill(&s->group[i], n);
	while (n > 0) {
		unsigned part = n < STACK_BURST ? n : STACK_BURST;

		parse_all(s, &b, f, part);
		hash_all(s, &b);
		guess_all(s, &b);
		prefetch_acts(s, &b);
		prefetch_blocks(s, &b);
		for (unsigned i = 0; i < b.n; i++)
			process(s, &b, i);
		f += part;
		n -= part;
	}
}
