/* answer.c - frames that no connection sends: ARP, ICMP, RST, and the engine's immediate ACKs. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/internal.h"

#include <assert.h>
#include <string.h>

enum { ARP_FRAME_BYTES = 14 + 4 + 28, ICMP_HEADERS_BYTES = 14 + 4 + 20 + 8 };

/* They wait in line with the connections that have work, so that frames leave in the order of their
 * causes. */

/* An empty frame of at least `need` octets, which stays in the stock until it is committed. */
static struct frame *
begin(struct stack *s, size_t need)
{
	struct frame *f = s->n_stock > 0 ? &s->stock[s->n_stock - 1] : NULL;

	if (f != NULL && f->room >= need && s->n_answers < STACK_ANSWERS)
		return f;
	s->stats.drop_no_frame++;
	return NULL;
}

static void
commit(struct stack *s, struct frame *f, const struct netif *nif, size_t len)
{
	f->len = (uint32_t)len;
	f->port = (uint8_t)(nif - s->netif);
	s->answer[(s->answer_head + s->n_answers++) & (STACK_ANSWERS - 1)] = *f;
	s->n_stock--;
	fifo_push(&s->work, WORK_ANSWER, 0);
}

void
answer_leave(struct stack *s)
{
	const struct frame *f = &s->answer[s->answer_head];
	struct netif *nif = &s->netif[f->port];

	assert(s->n_answers > 0);
	s->n_answers--;
	s->answer_head = (s->answer_head + 1) & (STACK_ANSWERS - 1);
	if (netif_tx_room(nif) > 0) {
		netif_tx_push(nif, f);
		return;
	}
	s->stats.drop_no_frame++;
	s->stock[s->n_stock++] = *f;
}

/* Their places in the line go with them. */
void
answer_discard_all(struct stack *s)
{
	for (uint32_t n = s->work.n; n > 0; n--) {
		uint32_t id = fifo_pop(&s->work);

		if (id != WORK_ANSWER)
			fifo_push(&s->work, id, 0);
	}
	for (; s->n_answers > 0; s->n_answers--) {
		s->stock[s->n_stock++] = s->answer[s->answer_head];
		s->answer_head = (s->answer_head + 1) & (STACK_ANSWERS - 1);
	}
}

/* What building an answer has shown to be unknown is asked for right behind it. */
static void
ask_neighbours(struct stack *s, struct netif *nif)
{
	while (neigh_deadline(&nif->neighbours) <= s->now && s->n_stock > 0 &&
	       s->n_answers < STACK_ANSWERS) {
		struct frame *f = &s->stock[s->n_stock - 1];
		size_t len = netif_next_request(nif, s->now, f->data, f->room);

		if (len == 0)
			return;
		commit(s, f, nif, len);
		s->stats.arp_out++;
	}
}

/* Where a neighbour is not known yet, the answer to a packet goes back to the station that it came
 * from. */
static bool
fill_ip(struct stack *s, struct netif *nif, struct build_ip *ip, uint32_t src, uint32_t dst,
	uint8_t tos, const struct pkt *p)
{
	uint8_t mac[6];

	if (netif_resolve(nif, dst, s->now, mac) != NEIGH_FOUND) {
		if (p->eth_src[0] & 1) {
			s->stats.drop_no_neighbour++;
			return false;
		}
		memcpy(mac, p->eth_src, 6);
	}
	netif_fill_ip(nif, ip, src, dst, mac, tos);
	return true;
}

static void
answer_segment(struct stack *s, struct netif *nif, const struct flow *f, const struct tcp_seg *seg,
	       uint8_t tos, const struct pkt *p)
{
	struct frame *frame = begin(s, BUILD_TCP_MAX_HEADERS);
	struct build_ip ip;

	if (frame == NULL || !fill_ip(s, nif, &ip, f->laddr, f->raddr, tos, p))
		return;
	assert(seg->len == 0);
	commit(s, frame, nif,
	       build_tcp(frame->data, frame->room, &ip, f->lport, f->rport, seg, NULL));
	s->stats.tcp_out++;
	ask_neighbours(s, nif);
}

void
answer_segments(struct stack *s, struct netif *nif, const struct flow *f, uint8_t tos,
		const struct pkt *p)
{
	for (unsigned i = 0; i < s->out.n_segs; i++)
		answer_segment(s, nif, f, &s->out.seg[i], tos, p);
}

void
answer_reset(struct stack *s, struct netif *nif, const struct flow *f, const struct pkt *p)
{
	struct tcp_seg rst;

	if (!tcp_reset_for(&p->tcp, &rst))
		return;
	if (s->conf.resets_per_s > 0 && !limit_take(&s->resets, f->raddr, s->now)) {
		s->stats.drop_rate_limit++;
		return;
	}
	answer_segment(s, nif, f, &rst, 0, p);
}

void
answer_arp(struct stack *s, struct netif *nif, const struct arp_msg *m)
{
	struct frame *f = begin(s, ARP_FRAME_BYTES);

	if (f == NULL)
		return;
	commit(s, f, nif, arp_build(f->data, f->room, m, nif->conf.mac, nif->conf.vlan));
	s->stats.arp_out++;
}

void
answer_icmp(struct stack *s, struct netif *nif, const struct icmp_msg *m, const struct pkt *p)
{
	struct frame *f = begin(s, (size_t)ICMP_HEADERS_BYTES + m->len);
	struct build_ip ip;

	if (f == NULL || !fill_ip(s, nif, &ip, m->src, m->dst, m->tos, p))
		return;
	commit(s, f, nif,
	       build_icmp(f->data, f->room, &ip, m->type, m->code, m->rest, m->body, m->len));
	s->stats.icmp_out++;
	ask_neighbours(s, nif);
}
