/* test_hcmon_model.c - random connections over two bad links with a tap between them, against a model that remembers all. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon_world.h"

#include "base/rng.h"
#include "tcp/seq.h"

/*
 *	client ---- link ---- tap ---- link ---- server
 *
 * Both ends keep one segment per message part, acknowledge what they have in order, and send again what is not
 * acknowledged. Links lose and delay, so packets overtake each other; the tap may miss some. The model notes for each
 * octet when the tap first saw it: the truth about each request follows without any sequence arithmetic.
 */

enum { PARTS = 512, STREAM = 32768, EVENTS = 8192, CONNS = 6, REQUESTS = 256 };
enum { MS = 1000000, RTO_NS = 40 * MS };
enum { PART_NONE, PART_REQUEST, PART_HEARTBEAT, PART_RESPONSE, PART_MORE, PART_FIN };

struct part {
	uint32_t off, len;
	uint8_t kind;
};

struct end {
	struct part parts[PARTS];
	unsigned n_parts;
	uint32_t length, una, rcv_nxt; /* offsets */
	bool got[STREAM];
	uint64_t seen_ns[STREAM]; /* by the tap, 0: never */
	uint64_t rexmt_ns;
	uint32_t iss;
};

struct request {
	uint32_t off, len, response_off;
	bool answered_on_wire, repeated, heartbeat;
	uint64_t acked_ns; /* when the tap first saw an ACK of it */
};

struct conn {
	struct flow tuple;
	struct end end[2]; /* client, server */
	struct request req[REQUESTS];
	unsigned n_req, todo, max_outstanding;
	uint64_t next_send_ns, over_ns;
	bool established, dead, counted_open, counted_closed, tap_fin[2];
	unsigned n_served;
};

struct event {
	uint64_t at_ns;
	uint64_t order;
	struct track_packet pkt;
	uint8_t payload[96];
	uint8_t conn, from;
	uint32_t life;
	bool past_tap;
};

struct sim {
	struct rng rng;
	struct world w;
	struct conn conn[CONNS];
	uint32_t life[CONNS];
	struct event *heap;
	unsigned n_events;
	uint64_t order, now_ns;
	uint64_t
	    tap_ns; /* of the packet at the tap: never twice the same, so that it names a request */
	double loss, tap_loss, jitter, reset;
	unsigned pipeline;
	/* verdicts */
	uint64_t opened, closed, requests, heartbeats;
	uint64_t checked, wrong, resolved[3], beats[3];
};

/* --- events --- */

static bool
earlier(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void
push(struct sim *s, const struct event *e)
{
	unsigned i = s->n_events++;

	assert_true(s->n_events < EVENTS);
	s->heap[i] = *e;
	s->heap[i].order = s->order++;
	while (i && earlier(&s->heap[i], &s->heap[(i - 1) / 2])) {
		struct event tmp = s->heap[i];

		s->heap[i] = s->heap[(i - 1) / 2];
		s->heap[(i - 1) / 2] = tmp;
		i = (i - 1) / 2;
	}
}

static struct event
pop(struct sim *s)
{
	struct event top = s->heap[0];
	unsigned i = 0;

	s->heap[0] = s->heap[--s->n_events];
	for (;;) {
		unsigned c = 2 * i + 1;
		struct event tmp;

		if (c >= s->n_events)
			return top;
		if (c + 1 < s->n_events && earlier(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (!earlier(&s->heap[c], &s->heap[i]))
			return top;
		tmp = s->heap[i];
		s->heap[i] = s->heap[c];
		s->heap[c] = tmp;
		i = c;
	}
}

static uint64_t
link_delay(struct sim *s)
{
	uint64_t d = MS + rng_below(&s->rng, 1000);

	if (rng_chance(&s->rng, s->jitter))
		d += rng_below(&s->rng, 6 * MS);
	return d;
}

/* --- the two ends --- */

static void
transmit(struct sim *s, unsigned c, unsigned from, uint32_t off, uint8_t flags,
	 const struct part *part)
{
	struct conn *k = &s->conn[c];
	const struct end *me = &k->end[from], *peer = &k->end[!from];
	struct event e = {.conn = (uint8_t)c, .from = (uint8_t)from, .life = s->life[c]};
	static const uint8_t label[] = {0, 2, 2, 3, 'x', 0};

	e.pkt.tuple = k->tuple;
	if (from)
		e.pkt.tuple =
		    (struct flow){k->tuple.raddr, k->tuple.laddr, k->tuple.rport, k->tuple.lport};
	e.pkt.seq = me->iss + off;
	e.pkt.ack = flags & TCP_ACK ? peer->iss + peer->rcv_nxt : 0;
	/* the peer's rcv_nxt counts what this end has got: kept at the sender's struct for brevity */
	e.pkt.flags = flags;
	if (part && part->kind != PART_FIN) {
		e.pkt.len = part->len;
		memset(e.payload, 'x', sizeof(e.payload));
		e.payload[5] = part->kind == PART_REQUEST;
		e.payload[6] = label[part->kind];
	}
	e.at_ns = s->now_ns + link_delay(s);
	if (!(flags & (TCP_SYN | TCP_RST)) && rng_chance(&s->rng, s->loss))
		return;
	push(s, &e);
}

static void
send_part(struct sim *s, unsigned c, unsigned from, const struct part *p)
{
	uint8_t flags = TCP_ACK;

	if (p->kind == PART_FIN)
		flags |= TCP_FIN;
	transmit(s, c, from, p->off, flags, p);
	if (!s->conn[c].end[from].rexmt_ns)
		s->conn[c].end[from].rexmt_ns = s->now_ns + RTO_NS;
}

static uint32_t
add_part(struct sim *s, unsigned c, unsigned from, uint8_t kind, uint32_t len)
{
	struct end *e = &s->conn[c].end[from];
	struct part *p = &e->parts[e->n_parts++];

	assert_true(e->n_parts < PARTS && e->length + len < STREAM);
	*p = (struct part){.off = e->length, .len = len, .kind = kind};
	e->length += len;
	send_part(s, c, from, p);
	return p->off;
}

static void
client_message(struct sim *s, unsigned c)
{
	struct conn *k = &s->conn[c];
	bool beat = rng_chance(&s->rng, 0.4);
	uint32_t len = 10 + (uint32_t)rng_below(&s->rng, 50);
	struct request *r = &k->req[k->n_req++];

	*r = (struct request){.len = len, .heartbeat = beat};
	r->off = add_part(s, c, 0, beat ? PART_HEARTBEAT : PART_REQUEST, len);
	k->todo--;
}

/* The server has the client's stream up to here: each whole request is answered in up to three parts. */
static void
serve(struct sim *s, unsigned c)
{
	struct conn *k = &s->conn[c];

	while (k->n_served < k->n_req) {
		struct request *r = &k->req[k->n_served];

		if (r->off + r->len > k->end[0].rcv_nxt)
			return;
		k->n_served++;
		if (r->heartbeat)
			continue;
		r->answered_on_wire = true;
		r->response_off =
		    add_part(s, c, 1, PART_RESPONSE, 10 + (uint32_t)rng_below(&s->rng, 50));
		for (uint64_t more = rng_below(&s->rng, 3); more; more--)
			add_part(s, c, 1, PART_MORE, 8 + (uint32_t)rng_below(&s->rng, 50));
	}
}

/* A segment reaches its end. k->end[from].rcv_nxt is what the other end has of from's stream. */
static void
deliver(struct sim *s, const struct event *e)
{
	struct conn *k = &s->conn[e->conn];
	struct end *from = &k->end[e->from], *to = &k->end[!e->from];
	const uint32_t off = e->pkt.seq - from->iss, old = from->rcv_nxt;
	const uint32_t len = e->pkt.len + ((e->pkt.flags & TCP_FIN) != 0);
	uint32_t ack = e->pkt.ack - to->iss;

	if (e->pkt.flags & (TCP_SYN | TCP_RST))
		return;
	for (uint32_t i = 0; i < len; i++)
		from->got[off + i] = true;
	while (from->got[from->rcv_nxt])
		from->rcv_nxt++;
	if (ack > to->una && ack <= to->length) {
		to->una = ack;
		to->rexmt_ns = to->una == to->length ? 0 : s->now_ns + RTO_NS;
	}
	if (!len)
		return;
	if (e->from == 0 && from->rcv_nxt != old)
		serve(s, e->conn);
	transmit(s, e->conn, !e->from, to->length, TCP_ACK, NULL);
}

/* --- the tap, and the model beside it --- */

static void
model_ack(struct conn *k, uint32_t off, uint64_t now_ns)
{
	for (unsigned i = 0; i < k->n_req; i++)
		if (!k->req[i].acked_ns && k->req[i].off + k->req[i].len <= off)
			k->req[i].acked_ns = now_ns;
}

static void
model_sees(struct sim *s, const struct event *e)
{
	struct conn *k = &s->conn[e->conn];
	struct end *from = &k->end[e->from];
	const uint32_t off = e->pkt.seq - from->iss;

	if (e->pkt.flags & TCP_RST) {
		s->closed += k->counted_open && !k->counted_closed;
		k->counted_closed = true;
		return;
	}
	if (e->from == 0 && !(e->pkt.flags & TCP_SYN) && !k->counted_open && !k->counted_closed) {
		k->counted_open = true;
		s->opened++;
	}
	if (e->from == 1 && !(e->pkt.flags & TCP_SYN))
		model_ack(k, e->pkt.ack - k->end[0].iss, s->tap_ns);
	for (unsigned i = 0; e->from == 0 && e->pkt.len && i < k->n_req; i++)
		if (k->req[i].off == off && from->seen_ns[off] && !k->req[i].acked_ns)
			k->req[i].repeated = true;
	for (uint32_t i = 0; i < e->pkt.len + ((e->pkt.flags & TCP_FIN) != 0); i++)
		if (!from->seen_ns[off + i])
			from->seen_ns[off + i] = s->tap_ns;
	if (e->pkt.flags & TCP_FIN)
		k->tap_fin[e->from] = true;
	if (k->tap_fin[0] && k->tap_fin[1] && !k->counted_closed) {
		k->counted_closed = true;
		s->closed++;
	}
}

static void
at_tap(struct sim *s, struct event *e)
{
	s->tap_ns = s->now_ns > s->tap_ns ? s->now_ns : s->tap_ns + 1;
	if (s->tap_loss == 0 || !rng_chance(&s->rng, s->tap_loss)) {
		model_sees(s, e);
		e->pkt.ts_ns = s->tap_ns;
		e->pkt.have = e->pkt.len;
		e->pkt.payload = e->payload;
		track_packets(s->w.t, &e->pkt, 1);
	}
	if (!(e->pkt.flags & (TCP_SYN | TCP_RST)) && rng_chance(&s->rng, s->loss))
		return;
	e->past_tap = true;
	e->at_ns = s->now_ns + link_delay(s);
	push(s, e);
}

/* --- verdict --- */

static struct sim sim; /* world_sink's log is too short for a long run */

/* The connection ended with a gap in what the tap saw of the server. */
static bool
has_hole(const struct conn *k)
{
	const struct end *e = &k->end[1];
	uint32_t last = e->length;

	while (last && !e->seen_ns[last - 1])
		last--;
	while (last && e->seen_ns[last - 1])
		last--;
	return last != 0;
}

/* What the tracker says of a request must be what the model knows of it. */
static void
judge(void *arg, const struct track_request *r)
{
	struct sim *s = arg;

	s->checked++;
	if (r->class == RULE_HEARTBEAT)
		s->beats[r->outcome]++;
	else
		s->resolved[r->outcome]++;
	for (unsigned c = 0; c < CONNS; c++) {
		struct conn *k = &s->conn[c];

		if (!flow_equal(&k->tuple, &r->tuple))
			continue;
		for (unsigned i = 0; i < k->n_req; i++) {
			const struct request *q = &k->req[i];
			uint64_t seen = k->end[0].seen_ns[q->off], end_ns;

			if (seen != r->ts_ns || q->len != r->bytes ||
			    q->heartbeat != (r->class == RULE_HEARTBEAT))
				continue;
			end_ns = q->heartbeat	       ? q->acked_ns
				 : q->answered_on_wire ? k->end[1].seen_ns[q->response_off]
						       : 0;
			if (r->outcome == TRACK_MATCHED)
				s->wrong += end_ns != r->ts_ns + r->latency_ns || q->repeated;
			else if (s->tap_loss == 0)
				s->wrong += r->outcome == TRACK_AMBIGUOUS
						? !q->repeated && !has_hole(k)
						: end_ns != 0;
			return;
		}
	}
	s->wrong++; /* there was no such request */
}

/* --- lives of a connection --- */

static void
begin_life(struct sim *s, unsigned c)
{
	struct conn *k = &s->conn[c];
	struct flow tuple = {0x0a000001, 0x0a000002 + c % 2, (uint16_t)(1000 + c), 80};

	if (c & 1) /* so that either side may be the smaller one */
		tuple.laddr = 0x0b000001;
	memset(k, 0, sizeof(*k));
	s->life[c]++;
	k->tuple = tuple;
	/* one before offset 0 is the SYN */
	k->end[0].iss = rng_chance(&s->rng, 0.5) ? (uint32_t)rng_u64(&s->rng) : 0u - 40;
	k->end[1].iss = rng_chance(&s->rng, 0.5) ? (uint32_t)rng_u64(&s->rng) : 0u - 60;
	k->todo = 1 + (unsigned)rng_below(&s->rng, 40);
	k->max_outstanding = 1 + (unsigned)rng_below(&s->rng, s->pipeline);
	transmit(s, c, 0, UINT32_MAX, TCP_SYN, NULL);
	s->now_ns +=
	    20 * MS; /* the handshake is not what is tried here: it passes in order, unhurt */
	while (s->n_events && s->heap[0].at_ns <= s->now_ns) {
		struct event e = pop(s);

		if (!e.past_tap && e.life == s->life[e.conn])
			at_tap(s, &e);
		else if (e.life == s->life[e.conn])
			deliver(s, &e);
	}
	transmit(s, c, 1, UINT32_MAX, TCP_SYN | TCP_ACK, NULL);
	k->next_send_ns = s->now_ns + 20 * MS;
}

static unsigned
outstanding(const struct conn *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->n_req; i++) {
		const struct request *r = &k->req[i];

		if (r->heartbeat)
			n += k->end[0].una < r->off + r->len;
		else
			n += !r->answered_on_wire || k->end[1].rcv_nxt <= r->response_off;
	}
	return n;
}

static void
retransmit(struct sim *s, unsigned c, unsigned from)
{
	struct end *e = &s->conn[c].end[from];

	if (!e->rexmt_ns || s->now_ns < e->rexmt_ns)
		return;
	e->rexmt_ns = 0;
	for (unsigned i = 0; i < e->n_parts; i++)
		if (e->parts[i].off + e->parts[i].len > e->una)
			send_part(s, c, from, &e->parts[i]);
}

static bool
is_over(const struct conn *k)
{
	return k->dead || (k->tap_fin[0] && k->tap_fin[1] && k->end[0].una == k->end[0].length &&
			   k->end[1].una == k->end[1].length);
}

static bool
has_fin(const struct end *e)
{
	return e->n_parts && e->parts[e->n_parts - 1].kind == PART_FIN;
}

/* Once a millisecond each connection does what is due. False when its life is over, and so long ago
 * that the tracker has settled what it left. */
static bool
turn(struct sim *s, unsigned c)
{
	struct conn *k = &s->conn[c];

	if (is_over(k)) {
		if (!k->over_ns)
			k->over_ns = s->now_ns;
		return s->now_ns < k->over_ns + TRACK_LINGER_NS + 100 * MS;
	}
	if (s->now_ns < k->next_send_ns)
		return true;
	if (!k->established) {
		k->established = true;
		transmit(s, c, 0, 0, TCP_ACK, NULL);
	}
	retransmit(s, c, 0);
	retransmit(s, c, 1);
	if (rng_chance(&s->rng, s->reset)) {
		k->dead = true;
		transmit(s, c, (unsigned)rng_below(&s->rng, 2), k->end[0].length, TCP_RST, NULL);
		return true;
	}
	if (k->todo && outstanding(k) < k->max_outstanding && rng_chance(&s->rng, 0.3))
		client_message(s, c);
	if (!k->todo && !has_fin(&k->end[0]) && rng_chance(&s->rng, 0.1))
		add_part(s, c, 0, PART_FIN, 1);
	if (has_fin(&k->end[0]) && k->end[0].rcv_nxt == k->end[0].length && !has_fin(&k->end[1]))
		add_part(s, c, 1, PART_FIN, 1);
	return true;
}

/* What the links deliver until then. */
static void
drain(struct sim *s, uint64_t until_ns)
{
	while (s->n_events && s->heap[0].at_ns <= until_ns) {
		struct event e = pop(s);

		s->now_ns = e.at_ns > s->now_ns ? e.at_ns : s->now_ns;
		if (e.life != s->life[e.conn])
			continue;
		if (e.past_tap)
			deliver(s, &e);
		else
			at_tap(s, &e);
	}
	s->now_ns = until_ns;
}

static void
account(struct sim *s, unsigned c)
{
	const struct conn *k = &s->conn[c];

	for (unsigned i = 0; i < k->n_req; i++) {
		if (!k->end[0].seen_ns[k->req[i].off])
			continue;
		s->requests += !k->req[i].heartbeat;
		s->heartbeats += k->req[i].heartbeat;
	}
}

static void
run(struct sim *s, uint64_t seed, unsigned lives)
{
	struct rule rule = label_rule();

	s->heap = malloc(EVENTS * sizeof(*s->heap));
	rng_seed(&s->rng, seed, 7);
	world_init(&s->w, &rule, 64);
	s->w.t->sink = judge;
	s->w.t->sink_arg = s;
	s->now_ns = UINT64_C(1000000000);
	for (unsigned c = 0; c < CONNS; c++)
		begin_life(s, c);
	while (lives) {
		drain(s, s->now_ns + MS);
		track_expire(s->w.t, s->now_ns);
		for (unsigned c = 0; c < CONNS; c++) {
			if (turn(s, c))
				continue;
			account(s, c);
			begin_life(s, c);
			track_check(s->w.t);
			lives--;
		}
	}
	for (unsigned c = 0; c < CONNS; c++)
		account(s, c);
	track_finish(s->w.t);
	track_check(s->w.t);
}

static void
stop(struct sim *s)
{
	world_fini(&s->w);
	free(s->heap);
}

static void
report(const struct sim *s, const char *name)
{
	const struct track_counters *k = &s->w.t->count;

	print_message("%s: %lu requests: %lu matched, %lu ambiguous, %lu unanswered, %lu open; %lu "
		      "heartbeats: %lu acked; %lu retransmissions, %lu out of order, %lu tap "
		      "losses; %lu wrong\n",
		      name, k->requests, k->matched, k->ambiguous, k->unanswered,
		      s->w.t->requests_open, k->heartbeats, k->heartbeats_acked, k->retransmissions,
		      k->out_of_order, k->tap_losses, s->wrong);
}

static void
everything_seen_is_exact(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		const struct track_counters *k;

		memset(&sim, 0, sizeof(sim));
		sim.loss = 0.01 * (double)seed;
		sim.jitter = 0.3;
		sim.reset = 0.001;
		sim.pipeline = 8;
		run(&sim, seed, 60);
		k = &sim.w.t->count;
		report(&sim, "no tap loss");
		assert_int_equal(sim.wrong, 0);
		assert_int_equal(k->requests, sim.requests);
		assert_int_equal(k->heartbeats, sim.heartbeats);
		assert_int_equal(k->conns_opened, sim.opened);
		assert_int_equal(k->conns_closed, sim.closed);
		assert_int_equal(k->tap_losses, 0);
		assert_int_equal(k->responses_unmatched, 0);
		assert_true(k->matched > 200 && k->out_of_order > 20 && k->retransmissions > 20);
		stop(&sim);
	}
}

/* With one request at a time nothing that the tap misses may lead to a wrong figure. */
static void
tap_loss_never_lies_without_pipelining(void **state)
{
	(void)state;
	for (uint64_t seed = 20; seed < 28; seed++) {
		memset(&sim, 0, sizeof(sim));
		sim.loss = 0.01;
		sim.jitter = 0.1;
		sim.tap_loss = 0.02;
		sim.reset = 0.0005;
		sim.pipeline = 1;
		run(&sim, seed, 60);
		report(&sim, "tap loss");
		assert_int_equal(sim.wrong, 0);
		assert_true(sim.w.t->count.tap_losses > 10);
		assert_true(sim.w.t->count.matched > sim.w.t->count.requests * 8 / 10);
		stop(&sim);
	}
}

static void
tap_loss_with_pipelining_rarely_lies(void **state)
{
	uint64_t wrong = 0, matched = 0;

	(void)state;
	for (uint64_t seed = 40; seed < 48; seed++) {
		memset(&sim, 0, sizeof(sim));
		sim.loss = 0.01;
		sim.jitter = 0.2;
		sim.tap_loss = 0.02;
		sim.reset = 0.0005;
		sim.pipeline = 8;
		run(&sim, seed, 60);
		report(&sim, "tap loss, pipelined");
		wrong += sim.wrong;
		matched += sim.w.t->count.matched;
		stop(&sim);
	}
	assert_true(matched > 1000);
	assert_true(wrong * 100 <= matched);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_seen_is_exact),
	    cmocka_unit_test(tap_loss_never_lies_without_pipelining),
	    cmocka_unit_test(tap_loss_with_pipelining_rarely_lies),
	};

	return cmocka_run_group_tests_name("hcmon_model", tests, NULL, NULL);
}
