/* match.c - each response finds the oldest request that the server had seen when it sent it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/match.h"

#include "tcp/seq.h"
#include "wire/tcp.h"

enum { ACK_DELAY_MAX_NS = 500000000 };

static inline unsigned
client_side(const struct flow_record *f)
{
	return (f->flags & FLOW_CLIENT_1) != 0;
}

static inline uint32_t *
client_list(struct flow_record *f)
{
	return &f->list[client_side(f)];
}

static inline uint32_t *
server_list(struct flow_record *f)
{
	return &f->list[!client_side(f)];
}

/* --- outcomes --- */

static void
count_outcome(struct track *t, enum rule_class class, enum track_outcome outcome)
{
	struct track_counters *c = &t->count;

	if (class == RULE_HEARTBEAT) {
		t->heartbeats_open--;
		c->heartbeats_acked += outcome == TRACK_MATCHED;
		c->heartbeats_unacked += outcome == TRACK_UNANSWERED;
		c->heartbeats_ambiguous += outcome == TRACK_AMBIGUOUS;
	} else {
		t->requests_open--;
		c->matched += outcome == TRACK_MATCHED;
		c->unanswered += outcome == TRACK_UNANSWERED;
		c->ambiguous += outcome == TRACK_AMBIGUOUS;
	}
}

static void
tell_sink(struct track *t, const struct flow_record *f, const struct item *it, uint64_t latency_ns,
	  enum track_outcome outcome)
{
	struct track_request r = {
	    .ts_ns = it->ts_ns,
	    .latency_ns = latency_ns,
	    .tuple = f->tuple,
	    .bytes = it->end - it->start,
	    .class = it->class,
	    .outcome = outcome,
	};

	if (client_side(f))
		r.tuple = (struct flow){.laddr = f->tuple.raddr,
					.raddr = f->tuple.laddr,
					.lport = f->tuple.rport,
					.rport = f->tuple.lport};
	t->sink(t->sink_arg, &r);
}

/* The request at *link is settled and leaves the list. end_ns: when its response or ACK came. */
static void
settle(struct track *t, struct flow_record *f, uint32_t *link, uint64_t end_ns,
       enum track_outcome outcome)
{
	const struct item it = *item_at(&t->items, *link);
	uint64_t latency_ns = UINT64_MAX;

	item_remove(&t->items, link);
	if (end_ns < it.ts_ns) /* time ran backwards in the capture */
		outcome = TRACK_AMBIGUOUS;
	if (outcome == TRACK_MATCHED) {
		latency_ns = end_ns - it.ts_ns;
		hist_record(&t->latency[it.class], latency_ns);
	}
	count_outcome(t, it.class, outcome);
	if (t->sink)
		tell_sink(t, f, &it, latency_ns, outcome);
}

/* --- requests --- */

/* A request that cannot be remembered, and makes doubtful all that is matched until the connection is quiet again. */
static void
give_up_request(struct track *t, struct flow_record *f, const struct item *it)
{
	f->flags |= FLOW_UNSURE;
	t->count.untracked++;
	count_outcome(t, it->class, TRACK_AMBIGUOUS);
	if (t->sink)
		tell_sink(t, f, it, UINT64_MAX, TRACK_AMBIGUOUS);
}

static bool
has_open_request(const struct track *t, struct flow_record *f)
{
	for (uint32_t h = *client_list(f); h != POOL_NONE; h = item_at(&t->items, h)->next) {
		const struct item *it = item_at(&t->items, h);

		if (it->kind == ITEM_REQUEST && it->class != RULE_HEARTBEAT)
			return true;
	}
	return false;
}

static void
open_request(struct track *t, struct flow_record *f, uint64_t now_ns,
	     const struct stream_range *range, enum rule_class class)
{
	const struct item it = {.ts_ns = now_ns,
				.start = range->start,
				.end = range->end,
				.kind = ITEM_REQUEST,
				.class = (uint8_t) class};

	if (class == RULE_HEARTBEAT) {
		t->count.heartbeats++;
		t->heartbeats_open++;
	} else {
		/* What went by unseen was answered, or this client would still wait. */
		if ((f->flags & FLOW_UNSURE) && !has_open_request(t, f))
			f->flags &= (uint8_t)~FLOW_UNSURE;
		t->count.requests++;
		t->requests_open++;
	}
	if (!item_insert(&t->items, client_list(f), &it))
		give_up_request(t, f, &it);
}

/* The last request that begins before `end`; NULL when there is none. */
static struct item *
request_before(const struct track *t, struct flow_record *f, uint32_t end)
{
	struct item *found = NULL;

	for (uint32_t h = *client_list(f); h != POOL_NONE; h = item_at(&t->items, h)->next) {
		struct item *it = item_at(&t->items, h);

		if (seq_geq(it->start, end))
			break;
		if (it->kind == ITEM_REQUEST)
			found = it;
	}
	return found;
}

static void
extend_request(struct item *it, const struct stream_range *range, uint64_t now_ns)
{
	it->end = seq_max(it->end, range->end);
	it->ts_ns = now_ns;
	if (it->flags & ITEM_ACKED) /* whatever was repeated had arrived */
		it->flags = 0;
}

/* The octets of the packet from `seq` on: how many were caught, and where. */
static const uint8_t *
payload_at(const struct track_packet *pkt, uint32_t seq, uint32_t *have)
{
	uint32_t skip = seq - pkt->seq - ((pkt->flags & TCP_SYN) != 0);

	*have = skip < pkt->have ? pkt->have - skip : 0;
	return *have ? pkt->payload + skip : NULL;
}

void
match_request(struct track *t, struct flow_record *f, const struct track_packet *pkt,
	      const struct stream_range *range)
{
	uint32_t have;
	const uint8_t *p = payload_at(pkt, range->start, &have);
	struct item *before;

	if (!t->rule.by_port && rule_kind(&t->rule, p, have) == RULE_REQUEST) {
		open_request(t, f, pkt->ts_ns, range, rule_class(&t->rule, p, have));
		return;
	}
	before = request_before(t, f, range->end);
	if (before && (t->rule.by_port || before->end == range->start))
		extend_request(before, range, pkt->ts_ns);
	else if (t->rule.by_port)
		open_request(t, f, pkt->ts_ns, range, rule_class(&t->rule, p, have));
}

/* RFC 9293 3.8.6.3: an ACK is delayed by less than half a second. One that comes later and covers octets behind the
 * heartbeat is theirs; the heartbeat's own went by unseen. */
static bool
is_acked_late(const struct item *it, uint32_t ack, uint64_t now_ns)
{
	return it->end != ack && now_ns > it->ts_ns && now_ns - it->ts_ns >= ACK_DELAY_MAX_NS;
}

void
match_acked(struct track *t, struct flow_record *f, uint32_t ack, uint64_t now_ns)
{
	uint32_t *link = client_list(f);

	while (*link != POOL_NONE && seq_lt(item_at(&t->items, *link)->start, ack)) {
		struct item *it = item_at(&t->items, *link);

		if (it->kind == ITEM_REQUEST && seq_leq(it->end, ack)) {
			if (it->class == RULE_HEARTBEAT) {
				bool doubtful =
				    (it->flags & ITEM_REPEATED) || is_acked_late(it, ack, now_ns);

				settle(t, f, link, now_ns,
				       doubtful ? TRACK_AMBIGUOUS : TRACK_MATCHED);
				continue;
			}
			it->flags |= ITEM_ACKED;
		}
		link = &it->next;
	}
}

void
match_repeated(struct track *t, struct flow_record *f, uint32_t seq, uint32_t end)
{
	for (uint32_t h = *client_list(f); h != POOL_NONE; h = item_at(&t->items, h)->next) {
		struct item *it = item_at(&t->items, h);

		if (it->kind == ITEM_REQUEST && !(it->flags & ITEM_ACKED) && seq_lt(seq, it->end) &&
		    seq_lt(it->start, end))
			it->flags |= ITEM_REPEATED;
	}
}

/* --- responses --- */

/* A response that began at ts_ns, sent when the server had seen the client's stream up to ack. */
static void
match(struct track *t, struct flow_record *f, uint32_t ack, uint64_t ts_ns)
{
	uint32_t *link = client_list(f);

	for (; *link != POOL_NONE; link = &item_at(&t->items, *link)->next) {
		const struct item *it = item_at(&t->items, *link);
		bool doubtful = (f->flags & FLOW_UNSURE) || (it->flags & ITEM_REPEATED);

		if (seq_geq(it->start, ack))
			break;
		if (it->kind != ITEM_REQUEST || it->class == RULE_HEARTBEAT)
			continue;
		t->count.responses++;
		settle(t, f, link, ts_ns, doubtful ? TRACK_AMBIGUOUS : TRACK_MATCHED);
		return;
	}
	if (!t->rule.by_port) {
		t->count.responses++;
		t->count.responses_unmatched++;
	}
}

static bool
has_gap_before(const struct track *t, struct flow_record *f, uint32_t seq)
{
	uint32_t h = *server_list(f);

	return h != POOL_NONE && seq_lt(item_at(&t->items, h)->start, seq);
}

void
match_response(struct track *t, struct flow_record *f, const struct track_packet *pkt,
	       const struct stream_range *range)
{
	const struct item early = {
	    .ts_ns = pkt->ts_ns, .start = range->start, .end = pkt->ack, .kind = ITEM_RESPONSE};
	uint32_t have;
	const uint8_t *p = payload_at(pkt, range->start, &have);

	if (!(pkt->flags & TCP_ACK))
		return;
	if (t->rule.by_port) {
		match(t, f, pkt->ack, pkt->ts_ns);
		return;
	}
	if (rule_kind(&t->rule, p, have) != RULE_RESPONSE)
		return;
	if (!has_gap_before(t, f, range->start)) {
		match(t, f, pkt->ack, pkt->ts_ns);
	} else if (!item_insert(&t->items, server_list(f), &early)) {
		f->flags |= FLOW_UNSURE;
		t->count.untracked++;
	}
}

void
match_waiting(struct track *t, struct flow_record *f)
{
	uint32_t *link = server_list(f);

	while (*link != POOL_NONE && item_at(&t->items, *link)->kind == ITEM_RESPONSE) {
		const struct item it = *item_at(&t->items, *link);

		item_remove(&t->items, link);
		match(t, f, it.end, it.ts_ns);
	}
}

void
match_lost_response(struct track *t, struct flow_record *f, uint64_t until_ns)
{
	uint32_t *link = client_list(f);

	while (*link != POOL_NONE) {
		struct item *it = item_at(&t->items, *link);

		if (it->kind == ITEM_REQUEST && it->class != RULE_HEARTBEAT &&
		    it->ts_ns <= until_ns)
			settle(t, f, link, UINT64_MAX, TRACK_AMBIGUOUS);
		else
			link = &it->next;
	}
}

void
match_settle(struct track *t, struct flow_record *f, enum track_outcome outcome)
{
	uint32_t *list = client_list(f);

	/* Responses may have passed unseen, or stand behind a gap that nothing will close any more. */
	if (outcome == TRACK_UNANSWERED &&
	    ((f->flags & FLOW_UNSURE) || *server_list(f) != POOL_NONE))
		outcome = TRACK_AMBIGUOUS;
	while (*list != POOL_NONE) {
		if (item_at(&t->items, *list)->kind == ITEM_REQUEST)
			settle(t, f, list, UINT64_MAX, outcome);
		else
			item_remove(&t->items, list);
	}
	list = server_list(f);
	while (*list != POOL_NONE)
		item_remove(&t->items, list);
}

enum rule_kind
match_label(const struct track *t, const struct track_packet *pkt)
{
	return rule_kind(&t->rule, pkt->payload, pkt->have);
}
