/* conn.c - which flows are worth a record, and which gives way when there is no room. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/conn.h"

#include "hcmon/match.h"
#include "wire/tcp.h"

static void
forget(struct track *t, uint32_t h, enum track_outcome outcome)
{
	struct flow_record *f = flowtab_at(&t->flows, h);

	match_settle(t, f, outcome);
	if (f->state == FLOW_OPEN)
		t->flows_open--;
	flowtab_remove(&t->flows, h);
}

/* The oldest in the ring of closed flows goes, unless its tuple is in use again. */
void
conn_pop_closed(struct track *t)
{
	uint32_t h = t->closed[t->closed_head++ % TRACK_CLOSED_MAX];

	if (flowtab_at(&t->flows, h)->state == FLOW_CLOSED)
		forget(t, h, TRACK_UNANSWERED);
}

static void
push_closed(struct track *t, uint32_t h)
{
	if (t->closed_tail - t->closed_head == TRACK_CLOSED_MAX)
		conn_pop_closed(t);
	t->closed[t->closed_tail++ % TRACK_CLOSED_MAX] = h;
}

/* Makes room for one flow. A SYN is not worth an open flow: a flood of them would empty the table;
 * if it leads to anything, the connection is met again by its payload. */
static bool
evict(struct track *t, const struct track_packet *pkt)
{
	uint32_t h = flowtab_victim(&t->flows, conn_tick_of(pkt->ts_ns));
	enum flow_state state = flowtab_at(&t->flows, h)->state;

	if (state == FLOW_OPEN && pkt->len == 0) {
		t->count.flows_refused++;
		return false;
	}
	t->count.flows_evicted += state == FLOW_OPEN;
	forget(t, h, state == FLOW_CLOSED ? TRACK_UNANSWERED : TRACK_AMBIGUOUS);
	return true;
}

/* Who is the server, from what the first packet tells: the rule's ports, else SYN or SYN-ACK. */
static void
guess_client(struct step *s)
{
	const struct track_packet *pkt = s->pkt;
	const bool syn = (pkt->flags & TCP_SYN) != 0, ack = (pkt->flags & TCP_ACK) != 0;

	if (s->t->rule.by_port) {
		bool from = rule_is_server_port(&s->t->rule, pkt->tuple.lport);
		bool to = rule_is_server_port(&s->t->rule, pkt->tuple.rport);

		if (!from && !to)
			s->f->flags |= FLOW_IGNORE;
		if (from != to) {
			conn_set_client(s->f, to ? s->side : !s->side);
			return;
		}
		if (to && !syn) {
			conn_set_client(s->f, s->side);
			return;
		}
	}
	if (syn)
		conn_set_client(s->f, ack ? !s->side : s->side);
}

/* A flow is worth a record when it has payload, or begins. */
bool
conn_begin(struct step *s, uint32_t hash, const struct flow *canonical)
{
	struct track *t = s->t;

	if (!(s->pkt->flags & TCP_SYN) && s->pkt->len == 0)
		return false;
	if (s->pkt->flags & TCP_RST)
		return false;
	s->h = flowtab_insert(&t->flows, hash, canonical);
	if (s->h == POOL_NONE && evict(t, s->pkt))
		s->h = flowtab_insert(&t->flows, hash, canonical);
	if (s->h == POOL_NONE) {
		t->count.syns += (s->pkt->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
		return false;
	}
	s->f = flowtab_at(&t->flows, s->h);
	s->f->epoch = (uint16_t)(t->epoch - 1);
	guess_client(s);
	return true;
}

void
conn_open(struct step *s)
{
	if (s->f->state != FLOW_NEW)
		return;
	s->f->state = FLOW_OPEN;
	if (++s->t->flows_open > s->t->flows_peak)
		s->t->flows_peak = s->t->flows_open;
	s->t->count.conns_opened++;
}

void
conn_close(struct step *s)
{
	if (s->f->state == FLOW_CLOSED)
		return;
	if (s->f->state == FLOW_OPEN) {
		s->t->flows_open--;
		s->t->count.conns_closed++;
	}
	s->f->state = FLOW_CLOSED;
	push_closed(s->t, s->h);
}

/* A closed flow's place in the ring of closed ones does no harm: conn_pop_closed() looks at the state. */
void
conn_restart(struct step *s)
{
	match_settle(s->t, s->f, TRACK_UNANSWERED);
	if (s->f->state == FLOW_OPEN) {
		s->t->flows_open--;
		s->t->count.conns_closed++;
	}
	s->f->state = FLOW_NEW;
	s->f->flags = 0;
	guess_client(s);
}
