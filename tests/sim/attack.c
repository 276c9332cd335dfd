/* attack.c - forged segments: of one who sees nothing (RFC 5961, 5927), or has the numbers almost right. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/attack.h"

#include <string.h>

#include "draw.h"
#include "host.h"
#include "inet/icmp.h"
#include "link.h"
#include "tcp/seq.h"
#include "user.h"
#include "wire/build.h"
#include "wire/bytes.h"

void
attack_begin(struct world *w)
{
	rng_seed(&w->attack, w->seed, 5000);
	w->attack_at = NEVER;
	if (w->k.attack_ns > 0)
		w->attack_at = w->start + rng_below(&w->attack, 2 * w->k.attack_ns);
	for (unsigned i = 0; i < SIM_AMBUSHES; i++)
		w->ambushed[i] = w->k.ambush[i].event == COVER_N_EVENTS;
	w->dark_until = 0;
}

static void
fill_ip(const struct flow *f, unsigned to, struct build_ip *ip)
{
	*ip = (struct build_ip){.src = f->raddr, .dst = f->laddr, .ttl = 64};
	memcpy(ip->eth_dst, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)to}, 6);
	memcpy(ip->eth_src, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(1 - to)}, 6);
}

/* --- segments --- */

/* Inside the window at best, never where it begins or may begin by the time that this arrives;
 * acknowledging what was never sent, or long ago. */
static void
forge_numbers(struct world *w, const struct tcb *t, const struct end *peer, struct tcp_seg *s)
{
	struct rng *r = &w->attack;
	const uint32_t sent = peer->have_iss ? seq_max(t->rcv_nxt, peer->snd_max) : t->rcv_nxt;
	const uint32_t wnd = t->rcv_adv - sent, some = 1 + (uint32_t)rng_below(r, 1000);

	s->seq = sent + (UINT32_C(1) << 30) + (uint32_t)rng_below(r, UINT32_C(1) << 31);
	if (wnd < UINT32_C(1) << 30 && rng_chance(r, 0.8))
		s->seq = sent + 2 + (uint32_t)rng_below(r, wnd + 2);
	s->ack = t->snd_una - some;
	if (s->len > 0 || s->flags & (TCP_FIN | TCP_SYN) || rng_chance(r, 0.3))
		s->ack = t->snd_nxt + (UINT32_C(1) << 30) + some;
	if (t->flags & TCB_TIMESTAMPS && !(s->flags & TCP_SYN)) {
		s->opts |= TCP_OPT_TIMESTAMP;
		s->tsval = t->ts_recent;
	}
}

static void
forge_flags(struct rng *r, enum cover_event e, struct tcp_seg *s)
{
	static const uint8_t flags[] = {
	    [COVER_SYN] = TCP_SYN,	     [COVER_SYN_ACK] = TCP_SYN | TCP_ACK,
	    [COVER_ACK] = TCP_ACK,	     [COVER_DATA] = TCP_ACK | TCP_PSH,
	    [COVER_FIN] = TCP_FIN | TCP_ACK, [COVER_RST] = TCP_RST,
	};

	*s = (struct tcp_seg){.flags = flags[e], .wnd = (uint16_t)rng_below(r, 65536)};
	if (e == COVER_DATA || (e == COVER_FIN && rng_chance(r, 0.5)))
		s->len = (uint16_t)(1 + rng_below(r, 40));
	if (e == COVER_RST && rng_chance(r, 0.3))
		s->flags |= TCP_ACK;
}

static void
send_segment(struct world *w, unsigned to, const struct flow *f, int conn, const struct tcp_seg *s)
{
	static const uint8_t junk[64] = "what nobody has said";
	struct buf *b = buf_get(w);
	struct build_ip ip;

	fill_ip(f, to, &ip);
	b->note = (struct note){.kind = PKT_TCP,
				.forged = true,
				.flags = s->flags,
				.seq = s->seq,
				.len = s->len,
				.from = (uint8_t)(1 - to),
				.conn = (int16_t)conn};
	b->len = (uint32_t)build_tcp(b->data, BUF_ROOM, &ip, f->rport, f->lport, s, junk);
	w->r->forged++;
	link_inject(w, to, b);
}

/* In the name of a connection of ours. A SYN in SYN-SENT is believed (RFC 9293 3.10.7.3): none
 * there. In TIME-WAIT one that is new begins a new connection: an old one. */
static void
forge_for(struct world *w, unsigned to, int i, enum cover_event e)
{
	const struct flow f = flow_of(&w->conn[i], to);
	const struct tcb *t = host_tcb(host_at(w, to), &f, NULL);
	struct tcp_seg s;

	if (t == NULL || (t->state == TCP_SYN_SENT && e == COVER_SYN))
		return;
	forge_flags(&w->attack, e, &s);
	forge_numbers(w, t, &w->conn[i].end[1 - to], &s);
	if (t->state == TCP_SYN_SENT)
		s.ack = t->snd_nxt + (UINT32_C(1) << 30) + (uint32_t)rng_below(&w->attack, 1000);
	if (t->state >= TCP_FIN_WAIT_1 && e == COVER_SYN)
		s.seq = t->rcv_nxt - 1 - (uint32_t)rng_below(&w->attack, 1000);
	send_segment(w, to, &f, i, &s);
}

/* From nowhere, to a port that listens or does not. */
static void
forge_stranger(struct world *w, unsigned to, uint16_t port, enum cover_event e)
{
	struct rng *r = &w->attack;
	const struct flow f = {HOST_ADDR + to, HOST_ADDR + 1 - to, port,
			       (uint16_t)(PORT_STRANGE + rng_below(r, 1000))};
	struct tcp_seg s;

	forge_flags(r, e, &s);
	s.seq = (uint32_t)rng_u64(r);
	s.ack = (uint32_t)rng_u64(r);
	send_segment(w, to, &f, -1, &s);
}

/* --- ICMP errors --- */

static void
send_error(struct world *w, unsigned to, const struct flow *f, int conn, uint32_t seq)
{
	struct rng *r = &w->attack;
	const uint8_t type =
	    PICK(r, ICMP_UNREACHABLE, ICMP_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_PARAMETER);
	const uint8_t code = (uint8_t)rng_below(r, type == ICMP_UNREACHABLE ? 14 : 2);
	const uint32_t mtu = PICK(r, 0u, 68u, 552u, 1000u, 1500u, 65535u);
	uint8_t quote[28] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 63, 6};
	struct buf *b = buf_get(w);
	struct build_ip ip;

	store_be32(quote + 12, f->laddr);
	store_be32(quote + 16, f->raddr);
	store_be16(quote + 20, f->lport);
	store_be16(quote + 22, f->rport);
	store_be32(quote + 24, seq);
	fill_ip(f, to, &ip);
	b->note = (struct note){
	    .kind = PKT_ICMP, .forged = true, .from = (uint8_t)(1 - to), .conn = (int16_t)conn};
	b->len = (uint32_t)build_icmp(b->data, BUF_ROOM, &ip, type, code,
				      code == ICMP_FRAGMENTATION_NEEDED ? mtu : 0, quote, 28);
	if (conn >= 0 && type == ICMP_UNREACHABLE)
		w->conn[conn].end[to].icmp_hit = true;
	w->r->forged++;
	link_inject(w, to, b);
}

static void
forge_error(struct world *w, unsigned to, int i)
{
	const struct flow f = flow_of(&w->conn[i], to);
	const struct tcb *t = host_tcb(host_at(w, to), &f, NULL);
	uint32_t seq = (uint32_t)rng_u64(&w->attack);

	if (t != NULL && rng_chance(&w->attack, 0.6))
		seq = t->snd_una;
	send_error(w, to, &f, i, seq);
}

/* --- when --- */

void
attack_run(struct world *w)
{
	struct rng *r = &w->attack;
	const unsigned to = (unsigned)rng_below(r, 2);
	const enum cover_event e = (enum cover_event)rng_below(r, COVER_ICMP + 1);
	const int i = (int)rng_below(r, w->n_conns);

	/* Ever more seldom: he has all the time there is. */
	w->k.attack_ns += w->k.attack_ns / 8;
	w->attack_at = w->t + 1 + rng_below(r, 2 * w->k.attack_ns);
	if (w->healed)
		w->attack_at = NEVER;
	else if (e == COVER_ICMP)
		forge_error(w, to, i);
	else if (rng_chance(r, 0.2))
		forge_stranger(w, to, PICK(r, PORT_OPEN, PORT_SHUT), e);
	else
		forge_for(w, to, i, e);
}

static void
spring(struct world *w, unsigned to, int i, enum cover_event event)
{
	struct host *h = host_at(w, to);
	struct pair *c = &w->conn[i];
	struct end *e = &c->end[to];

	switch (event) {
	case COVER_ICMP:
		forge_error(w, to, i);
		return;
	case COVER_TIMEOUT: /* nothing passes for a while */
		w->dark_until = w->t + 3 * S;
		return;
	case COVER_SEND:
		e->write_at = w->t;
		break;
	case COVER_RECEIVE:
		e->read_at = w->t;
		break;
	case COVER_CLOSE:
		e->close_at = w->t;
		break;
	case COVER_ABORT:
		e->abort_at = w->t;
		break;
	default:
		forge_for(w, to, i, event);
		return;
	}
	h->wake = w->t;
}

/* Where there is no connection. */
static void
spring_at_nobody(struct world *w, enum cover_state state, enum cover_event event)
{
	const unsigned to = (unsigned)rng_below(&w->attack, 2);
	const uint16_t port = state == COVER_LISTEN ? PORT_OPEN : PORT_SHUT;
	const struct flow f = {HOST_ADDR + to, HOST_ADDR + 1 - to, port, PORT_STRANGE};

	if (event < COVER_ICMP)
		forge_stranger(w, to, port, event);
	else if (event == COVER_ICMP)
		send_error(w, to, &f, -1, (uint32_t)rng_u64(&w->attack));
}

/* True when it has happened. */
static bool
lie_in_wait(struct world *w, enum cover_state state, enum cover_event event)
{
	for (unsigned i = 0; i < w->n_conns; i++)
		for (unsigned to = 0; to < 2; to++) {
			const struct flow f = flow_of(&w->conn[i], to);

			if (event >= COVER_SEND && !w->conn[i].end[to].has_id)
				continue;
			if (host_state(host_at(w, to), &f) != state)
				continue;
			spring(w, to, (int)i, event);
			return true;
		}
	return false;
}

void
attack_ambush(struct world *w)
{
	for (unsigned i = 0; i < SIM_AMBUSHES; i++) {
		const enum cover_state state = w->k.ambush[i].state;
		const enum cover_event event = w->k.ambush[i].event;

		if (w->ambushed[i])
			continue;
		if (state <= COVER_LISTEN)
			spring_at_nobody(w, state, event);
		else if (!lie_in_wait(w, state, event))
			continue;
		w->ambushed[i] = true;
		w->r->ambushes++;
	}
}

/* --- without effect --- */

/* Connections that were silent for too long: that is found out in any turn. */
static uint64_t
count_ended(const struct host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	return st.tcp.keepalive_ended + st.tcp.idle_ended;
}

void
attack_before(const struct host *h, const struct world *w, const struct buf *b,
	      struct attack_before *before)
{
	const struct tcb *t = NULL;
	struct flow f;

	before->is_there = false;
	if (b->note.conn < 0 || b->note.kind != PKT_TCP)
		return;
	f = flow_of(&w->conn[b->note.conn], h->side);
	t = host_tcb(h, &f, NULL);
	if (t == NULL)
		return;
	before->is_there = true;
	before->tcb = *t;
	before->ended = count_ended(h);
}

void
attack_after(const struct host *h, const struct world *w, const struct buf *b,
	     const struct attack_before *before)
{
	const struct tcb *t, *was = &before->tcb;
	struct flow f;

	/* A FIN that has waited for memory may leave now, too. */
	if (!before->is_there || count_ended(h) > before->ended || w->k.whole)
		return;
	f = flow_of(&w->conn[b->note.conn], h->side);
	t = host_tcb(h, &f, NULL);
	CHECK(w, t != NULL && t->state == was->state && t->rcv_nxt == was->rcv_nxt &&
		     t->snd_una == was->snd_una && t->snd_wnd == was->snd_wnd);
}
