/* track.c - connections as a bystander sees them (RFC 9293 3.3.2), each packet fed to streams and matching. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/track.h"

#include <assert.h>
#include <string.h>

#include "hcmon/conn.h"
#include "hcmon/match.h"
#include "hcmon/stream.h"
#include "tcp/seq.h"
#include "wire/tcp.h"

/* A repeated SYN-ACK is this near to what is known of the connection; a new one is not (RFC 6528). */
enum { SAME_CONNECTION = 1 << 16 };
enum { ITEMS_MIN = 4096, FLOWS_PER_ITEM = 8 };

/* --- memory --- */

static uint32_t
items_for(uint32_t max_flows)
{
	uint32_t n = max_flows / FLOWS_PER_ITEM;

	return n > ITEMS_MIN ? n : ITEMS_MIN;
}

static size_t
align64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

size_t
track_bytes(uint32_t max_flows)
{
	return align64(flowtab_bytes(max_flows)) +
	       align64(items_for(max_flows) * sizeof(struct item)) +
	       TRACK_CLOSED_MAX * sizeof(uint32_t);
}

uint32_t
track_flows_in(uint64_t bytes)
{
	const uint64_t fixed = track_bytes(0);
	const uint64_t per_flow =
	    sizeof(struct flow_record) + sizeof(uint32_t) + sizeof(struct item) / FLOWS_PER_ITEM;
	uint64_t n = bytes > fixed ? (bytes - fixed) / per_flow : 0;

	if (n < 1024)
		return 1024;
	return n < POOL_NONE / 2 ? (uint32_t)n : POOL_NONE / 2;
}

void
track_init(struct track *t, const struct track_conf *conf, void *mem)
{
	const uint32_t max = conf->max_flows, n_items = items_for(max);
	uint8_t *p = mem;

	memset(t, 0, sizeof(*t));
	t->rule = conf->rule;
	t->sink = conf->sink;
	t->sink_arg = conf->sink_arg;
	flowtab_init(&t->flows, p, max, conf->key);
	p += align64(flowtab_bytes(max));
	pool_init(&t->items, p, sizeof(struct item), n_items);
	p += align64(n_items * sizeof(struct item));
	t->closed = (uint32_t *)(void *)p;
	for (unsigned i = 0; i < RULE_N_CLASSES; i++)
		hist_reset(&t->latency[i]);
}

/* --- segments --- */

static inline bool
is_near(uint32_t nxt, uint32_t first)
{
	return nxt - first < SAME_CONNECTION;
}

static inline bool
is_seen(const struct flow_record *f, unsigned side)
{
	return (f->flags & FLOW_SEEN_0 << side) != 0;
}

static inline void
set_next(struct flow_record *f, unsigned side, uint32_t nxt)
{
	f->nxt[side] = nxt;
	f->flags |= (uint8_t)(FLOW_SEEN_0 << side);
}

/* A SYN on an open connection is left to the server to judge (RFC 5961 4): only its SYN-ACK shows that it is a new one. */
static void
take_syn(struct step *s)
{
	const uint32_t first = s->pkt->seq + 1;
	struct flow_record *f = s->f;

	s->t->count.syns++;
	if (f->state == FLOW_CLOSED || (f->state == FLOW_NEW && is_seen(f, s->side) &&
					f->nxt[s->side] != first && s->pkt->len == 0))
		conn_restart(s);
	if (!is_seen(f, s->side))
		set_next(f, s->side, first);
	else if (f->nxt[s->side] == first)
		s->t->count.retransmissions++;
}

static void
take_syn_ack(struct step *s)
{
	const uint32_t first = s->pkt->seq + 1;
	struct flow_record *f = s->f;
	const unsigned client = !s->side;
	const bool known = is_seen(f, s->side);
	const bool same = (!known || is_near(f->nxt[s->side], first)) &&
			  (!is_seen(f, client) || is_near(f->nxt[client], s->pkt->ack));

	if (same && known)
		s->t->count.retransmissions++;
	if (same && known)
		return;
	if (!same)
		conn_restart(s);
	set_next(f, s->side, first);
	if (!is_seen(f, client))
		set_next(f, client, s->pkt->ack);
}

/* The side's stream proves what the other side has, and what the tap has missed. */
static void
take_ack(struct step *s)
{
	const struct track_packet *pkt = s->pkt;
	const unsigned other = !s->side;
	struct track *t = s->t;
	struct stream_loss loss;
	bool lost;

	lost = stream_acked(&t->items, s->f, other, pkt->ack, pkt->ts_ns, &loss);
	if (lost) {
		t->count.tap_losses++;
		t->count.tap_lost_bytes += loss.octets;
	}
	if (!(s->f->flags & FLOW_CLIENT_KNOWN))
		return;
	if (!conn_is_client(s->f, s->side)) {
		if (lost)
			s->f->flags |= FLOW_UNSURE;
		match_acked(t, s->f, pkt->ack, pkt->ts_ns);
	} else if (lost) {
		match_lost_response(t, s->f, loss.until_ns);
		match_waiting(t, s->f);
	}
}

static void
learn_client(struct step *s)
{
	enum rule_kind kind;

	if ((s->f->flags & FLOW_CLIENT_KNOWN) || s->t->rule.by_port)
		return;
	kind = match_label(s->t, s->pkt);
	if (kind != RULE_NONE)
		conn_set_client(s->f, kind == RULE_REQUEST ? s->side : !s->side);
}

static void
count_news(struct track *t, const struct stream_news *news)
{
	t->count.retransmissions += news->repeated;
	t->count.out_of_order += news->late;
}

static bool
is_label_cut(const struct step *s)
{
	const uint32_t offset = s->t->rule.label_offset;

	return !s->t->rule.by_port && s->pkt->have <= offset && s->pkt->len > offset;
}

static void
take_payload(struct step *s)
{
	const struct track_packet *pkt = s->pkt;
	const uint32_t seq = pkt->seq + ((pkt->flags & TCP_SYN) != 0), end = seq + pkt->len;
	struct stream_news news;
	bool from_client;

	learn_client(s);
	s->t->count.labels_cut += is_label_cut(s);
	stream_receive(&s->t->items, s->f, s->side, seq, end, pkt->ts_ns, &news);
	count_news(s->t, &news);
	if (news.lost)
		s->f->flags |= FLOW_UNSURE;
	if (!(s->f->flags & FLOW_CLIENT_KNOWN) || (s->f->flags & FLOW_IGNORE))
		return;
	from_client = conn_is_client(s->f, s->side);
	if (from_client && news.repeated)
		match_repeated(s->t, s->f, seq, end);
	for (unsigned i = 0; i < news.n; i++) {
		if (from_client)
			match_request(s->t, s->f, pkt, &news.range[i]);
		else
			match_response(s->t, s->f, pkt, &news.range[i]);
	}
	if (!from_client)
		match_waiting(s->t, s->f);
}

static void
take_fin(struct step *s)
{
	const uint32_t seq = s->pkt->seq + s->pkt->len;
	struct stream_news news;

	stream_receive(&s->t->items, s->f, s->side, seq, seq + 1, s->pkt->ts_ns, &news);
	if (news.lost)
		s->f->flags |= FLOW_UNSURE;
	if ((s->f->flags & FLOW_CLIENT_KNOWN) && !conn_is_client(s->f, s->side))
		match_waiting(s->t, s->f);
	if (s->pkt->len == 0)
		count_news(s->t, &news);
	s->f->flags |= (uint8_t)(FLOW_FIN_0 << s->side);
	if ((s->f->flags & FLOW_FIN_0) && (s->f->flags & FLOW_FIN_1))
		conn_close(s);
}

static void
take_segment(struct step *s)
{
	const uint8_t flags = s->pkt->flags;

	if (flags & TCP_RST) {
		s->t->count.resets++;
		conn_close(s);
		return;
	}
	if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		take_syn(s);
	else if (flags & TCP_SYN)
		take_syn_ack(s);
	else if (s->pkt->len || conn_is_client(s->f, s->side) || (flags & TCP_FIN))
		conn_open(s);
	if (flags & TCP_ACK)
		take_ack(s);
	if (s->pkt->len)
		take_payload(s);
	if (flags & TCP_FIN)
		take_fin(s);
}

static void
note_activity(struct step *s)
{
	if (s->f->epoch != s->t->epoch)
		s->t->flows_active++;
	s->f->epoch = s->t->epoch;
	s->f->last = conn_tick_of(s->pkt->ts_ns);
}

static void
take_packet(struct track *t, const struct track_packet *pkt, const struct flow *canonical,
	    uint32_t hash, unsigned side)
{
	struct step s = {.t = t, .pkt = pkt, .side = side};

	s.h = flowtab_find(&t->flows, hash, canonical);
	if (s.h != POOL_NONE) {
		s.f = flowtab_at(&t->flows, s.h);
	} else if (!conn_begin(&s, hash, canonical)) {
		t->count.resets += (pkt->flags & TCP_RST) != 0;
		return;
	}
	note_activity(&s);
	take_segment(&s);
}

void
track_packets(struct track *t, const struct track_packet *p, unsigned n)
{
	struct flow canonical[TRACK_BURST];
	uint32_t hash[TRACK_BURST];
	uint8_t side[TRACK_BURST];

	assert(n <= TRACK_BURST);
	for (unsigned i = 0; i < n; i++) {
		canonical[i] = p[i].tuple;
		side[i] = (uint8_t)flow_canonical(&canonical[i]);
		hash[i] = flowtab_hash(&t->flows, &canonical[i]);
		flowtab_prefetch_bucket(&t->flows, hash[i]);
	}
	for (unsigned i = 0; i < n; i++)
		flowtab_prefetch_flow(&t->flows, hash[i]);
	for (unsigned i = 0; i < n; i++)
		take_packet(t, &p[i], &canonical[i], hash[i], side[i]);
}

void
track_expire(struct track *t, uint64_t now_ns)
{
	const uint32_t linger = conn_tick_of(TRACK_LINGER_NS);

	while (t->closed_head != t->closed_tail) {
		uint32_t h = t->closed[t->closed_head % TRACK_CLOSED_MAX];
		const struct flow_record *f = flowtab_at(&t->flows, h);

		if (f->state == FLOW_CLOSED &&
		    (int32_t)(conn_tick_of(now_ns) - f->last) < (int32_t)linger)
			break;
		conn_pop_closed(t);
	}
}

void
track_interval(struct track *t)
{
	t->epoch++;
	t->flows_active = 0;
	for (unsigned i = 0; i < RULE_N_CLASSES; i++)
		hist_reset(&t->latency[i]);
}

void
track_finish(struct track *t)
{
	while (t->closed_head != t->closed_tail)
		conn_pop_closed(t);
}
