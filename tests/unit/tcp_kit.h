/* tcp_kit.h - one connection of the engine in virtual time; segments in and out as text. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TCP_KIT_H
#define TEST_TCP_KIT_H

#include "unit.h"

#include "tcp/seq.h"
#include "tcp/tcp.h"
#include "tcp_note.h"

enum { KIT_SENT_MAX = 512, KIT_RX_MAX = 1 << 20, KIT_TCBS = 8 };

#define KIT_MS UINT64_C(1000000)
#define KIT_S  (1000 * KIT_MS)

static const uint8_t kit_secret[16] = "not a secret...";

/* How the connection is made; zero fields take the defaults of kit_opts_fill. */
struct kit_opts {
	struct tcp_config cfg; /* rcvbuf 0: tcp_config_default */
	uint32_t n_acts, n_small, n_large;
	uint64_t start;	   /* time of the beginning */
	uint32_t irs;	   /* the peer's initial sequence number */
	uint16_t peer_wnd; /* in its segments, unscaled */
	uint16_t peer_mss; /* in its SYN; 0: 1460 */
	struct tcp_profile profile;
	double rtt_ms;			    /* between our SYN and its answer */
	uint8_t peer_ws;		    /* in its SYN */
	bool no_mss, no_ws, no_ts, no_sack; /* its SYN comes without */
};

struct kit_sent {
	struct tcp_seg seg;
	uint64_t at;
};

/*
 * The host around the connection, reduced: it delivers at once (or, as a slow reader, keeps what
 * arrives in the receive queue), calls tcp_output after every call, checks the content of
 * everything by its position in the stream, and frees the tcb at TCP_EV_CLOSED.
 */
struct kit {
	struct tcp_ctx ctx;
	struct tcp_profile profile;
	struct pool tcbs;
	void *mem, *tcb_mem;
	struct tcb *t; /* NULL when it is over */
	uint32_t h;
	uint64_t now;
	uint32_t iss, irs;
	bool have_iss;		  /* our SYN has been seen */
	uint32_t peer_ts, ts_ecr; /* the peer's timestamp clock at time 0, last TSval of ours */
	bool have_ts;		  /* the peer puts timestamps on its segments */
	uint16_t peer_wnd;
	uint32_t events;	  /* since kit_events() */
	uint32_t rx_len;	  /* octets delivered in order, all checked */
	uint32_t rx_read;	  /* of those, read by the slow reader */
	uint32_t tx_len;	  /* octets handed to tcp_send */
	bool slow_reader, corked; /* corked: tcp_output is left to the test */
	unsigned room;		  /* per tcp_output call */
	struct kit_sent sent[KIT_SENT_MAX];
	unsigned n_sent, next; /* sent[next] is the next to be expected */
	struct tcp_out out;
};

/* Content of both streams: which octet stands at which position. */
static inline uint8_t
kit_rx_octet(uint32_t at)
{
	return (uint8_t)(at * 167 + (at >> 8) * 13 + 1);
}

static inline uint8_t
kit_tx_octet(uint32_t at)
{
	return (uint8_t)(at * 59 + (at >> 8) * 7 + 200);
}

/* --- the host's part --- */

static inline void
kit_rx_check(struct kit *k, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (data[i] != kit_rx_octet(k->rx_len + i))
			fail_msg("octet %u of the stream is wrong", k->rx_len + i);
	k->rx_len += len;
}

static inline void
kit_deliver(struct kit *k, const uint8_t *data, uint32_t len)
{
	if (len == 0)
		return;
	kit_rx_check(k, data, len);
	if (k->slow_reader) {
		struct chain *q = tcp_rcvq_get(&k->ctx, k->t, k->now);

		assert_non_null(q);
		assert_int_equal(chain_append(&k->ctx.blocks, q, data, len), len);
	} else {
		k->rx_read += len;
	}
}

static inline void
kit_deliver_drained(struct kit *k, struct chain *c)
{
	const uint32_t len = c->len;

	if (len == 0)
		return;
	for (uint32_t h = c->head; h != POOL_NONE; h = block_at(&k->ctx.blocks, h)->next) {
		const struct block *b = block_at(&k->ctx.blocks, h);

		kit_rx_check(k, b->data + b->off, b->len);
	}
	if (k->slow_reader) {
		chain_link(&k->ctx.blocks, tcp_rcvq_get(&k->ctx, k->t, k->now), c);
	} else {
		k->rx_read += len;
		chain_free(&k->ctx.blocks, c);
	}
}

static inline void
kit_tx_check(struct kit *k, const struct tcp_seg *s)
{
	uint8_t data[65536];
	const uint32_t at = s->seq + ((s->flags & TCP_SYN) != 0) - k->iss - 1;

	if (s->len == 0)
		return;
	assert_true(at + s->len <= k->tx_len);
	tcp_sndq_copy(&k->ctx, k->t, s->seq, s->len, data);
	for (uint32_t i = 0; i < s->len; i++)
		if (data[i] != kit_tx_octet(at + i))
			fail_msg("octet %u of what is sent is wrong", at + i);
}

static inline void
kit_record(struct kit *k, const struct tcp_seg *s)
{
	if (s->flags & TCP_SYN && !k->have_iss) {
		k->iss = s->seq;
		k->have_iss = true;
	}
	assert_true(s->urg == 0 || s->flags & TCP_URG);
	assert_true((s->n_sack > 0) == ((s->opts & TCP_OPT_SACK) != 0));
	assert_true(s->len == 0 || s->len + tcp_options_length(s) <= k->t->mss); /* RFC 6691 */
	kit_tx_check(k, s);
	if (s->opts & TCP_OPT_TIMESTAMP)
		k->ts_ecr = s->tsval;
	assert_true(k->n_sent < KIT_SENT_MAX);
	k->sent[k->n_sent++] = (struct kit_sent){*s, k->now};
}

static inline void
kit_free_tcb(struct kit *k)
{
	assert_int_equal(k->t->state, TCP_CLOSED);
	assert_false(tcb_is_active(k->t));
	k->t->state = TCP_FREE;
	pool_put(&k->tcbs, k->h);
	k->t = NULL;
}

/* What the host does with k->out after any call. */
static inline void
kit_take(struct kit *k, const uint8_t *arrived)
{
	struct tcp_out *o = &k->out;

	assert_true(o->n_segs <= o->room);
	for (unsigned i = 0; i < o->n_segs; i++)
		kit_record(k, &o->seg[i]);
	if (o->deliver_len > 0)
		kit_deliver(k, arrived + o->deliver_off, o->deliver_len);
	tcp_hold(&k->ctx, o, arrived);
	kit_deliver_drained(k, &o->drained);
	k->events |= o->events;
	if (o->events & TCP_EV_CLOSED)
		kit_free_tcb(k);
	else
		tcp_check(&k->ctx, k->t);
}

/* Lets it send all that it may. */
static inline void
kit_output(struct kit *k)
{
	bool more = true;

	for (unsigned calls = 0; more && k->t; calls++) {
		const bool wanted = tcp_wants_output(&k->ctx, k->t);
		const uint64_t due = tcp_deadline(&k->ctx, k->t, k->now);

		tcp_out_init(&k->out, k->room);
		more = tcp_output(&k->ctx, k->t, k->now, &k->out);
		if (!wanted) /* a host may leave the call out then */
			assert_true(k->out.n_segs == 0 &&
				    tcp_deadline(&k->ctx, k->t, k->now) == due);
		assert_true(!more || k->out.n_segs == k->room);
		kit_take(k, NULL);
		assert_true(calls < 1000);
	}
}

static inline void
kit_after(struct kit *k, const uint8_t *arrived)
{
	kit_take(k, arrived);
	if (k->t && !k->corked)
		kit_output(k);
}

/* --- time --- */

/* Fires the next timer if it is due by `limit`. */
static inline bool
kit_fire(struct kit *k, uint64_t limit)
{
	const uint64_t at = k->t ? tcp_deadline(&k->ctx, k->t, k->now) : UINT64_MAX;

	if (at > limit)
		return false;
	k->now = at > k->now ? at : k->now;
	tcp_out_init(&k->out, k->room);
	tcp_timeout(&k->ctx, k->t, k->now, &k->out);
	kit_after(k, NULL);
	return true;
}

/* Runs until `until`, timers included. */
static inline void
kit_run_until(struct kit *k, uint64_t until)
{
	unsigned stuck = 0;
	uint64_t last = k->now;

	while (kit_fire(k, until)) {
		stuck = k->now == last ? stuck + 1 : 0;
		last = k->now;
		if (stuck > 10)
			fail_msg("a deadline that does not pass at %llu ns",
				 (unsigned long long)k->now);
	}
	k->now = until > k->now ? until : k->now;
}

static inline void
kit_run_ms(struct kit *k, double ms)
{
	kit_run_until(k, k->now + (uint64_t)(ms * 1e6));
}

/* --- segments in --- */

static inline uint32_t
kit_peer_tsval(const struct kit *k)
{
	return k->peer_ts + (uint32_t)(k->now / KIT_MS);
}

/* Absolute numbers; payload by position, from malloc memory of exact size. (Inlined for an empty
 * segment, gcc 12 finds the loop writing past it.) */
__attribute__((noinline, unused)) static void
kit_input(struct kit *k, const struct tcp_seg *s)
{
	uint8_t *payload = malloc(s->len);
	const uint32_t at = s->seq + ((s->flags & TCP_SYN) != 0) - k->irs - 1;

	assert_non_null(payload);
	for (uint32_t i = 0; i < s->len; i++)
		payload[i] = kit_rx_octet(at + i);
	tcp_out_init(&k->out, k->room);
	tcp_input(&k->ctx, k->t, s, k->now, &k->out);
	kit_after(k, payload);
	free(payload);
}

/* As the peer would send it. */
static inline struct tcp_seg
kit_peer_seg(const struct kit *k, const char *text)
{
	struct note n = note_parse(text);

	n.seg.seq += k->irs;
	if (n.seg.flags & TCP_ACK)
		n.seg.ack += k->iss;
	for (unsigned i = 0; i < n.seg.n_sack; i++) {
		n.seg.sack[i].start += k->iss;
		n.seg.sack[i].end += k->iss;
	}
	if (!(n.given & NOTE_WIN))
		n.seg.wnd = k->peer_wnd;
	if (k->have_ts && !(n.given & (NOTE_TS | NOTE_NO_TS))) {
		n.seg.opts |= TCP_OPT_TIMESTAMP;
		n.seg.tsval = kit_peer_tsval(k);
		n.seg.tsecr = n.seg.flags & TCP_ACK ? k->ts_ecr : 0;
	}
	return n.seg;
}

__attribute__((format(printf, 2, 3))) static inline void
in(struct kit *k, const char *format, ...)
{
	char text[256];
	struct tcp_seg seg;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	assert_non_null(k->t);
	seg = kit_peer_seg(k, text);
	kit_input(k, &seg);
}

/* --- segments out --- */

static inline const char *
kit_print(const struct kit *k, char *buf, size_t size, const struct tcp_seg *s)
{
	return note_print(buf, size, s, k->iss, k->irs);
}

static inline void
kit_show_sent(const struct kit *k, unsigned from)
{
	char buf[256];

	for (unsigned i = from; i < k->n_sent; i++)
		print_error("    sent at %.3f ms: %s\n", (double)k->sent[i].at / 1e6,
			    kit_print(k, buf, sizeof(buf), &k->sent[i].seg));
}

static inline void
kit_expect(struct kit *k, const char *text, const char *file, int line)
{
	const struct note n = note_parse(text);

	if (k->next < k->n_sent && note_matches(&n, &k->sent[k->next].seg, k->iss, k->irs)) {
		k->next++;
		return;
	}
	print_error("expected: %s; then came%s\n", text, k->next < k->n_sent ? ":" : " nothing");
	kit_show_sent(k, k->next);
	_fail(file, line);
}

/* The next segment sent is this one. */
#define expect(k, ...)                                       \
	do {                                                 \
		char text_[256];                             \
		snprintf(text_, sizeof(text_), __VA_ARGS__); \
		kit_expect(k, text_, __FILE__, __LINE__);    \
	} while (0)

static inline void
kit_expect_silence(struct kit *k, const char *file, int line)
{
	if (k->next == k->n_sent)
		return;
	print_error("expected silence, but:\n");
	kit_show_sent(k, k->next);
	_fail(file, line);
}

/* Nothing (more) has been sent. */
#define expect_silence(k) kit_expect_silence(k, __FILE__, __LINE__)

/* Nothing has been sent, and nothing is in the next `ms`. */
#define expect_silence_for(k, ms)                          \
	do {                                               \
		kit_expect_silence(k, __FILE__, __LINE__); \
		kit_run_ms(k, ms);                         \
		kit_expect_silence(k, __FILE__, __LINE__); \
	} while (0)

/* Time goes on until something is sent, at most `ms`; returns after how many ms it was, or -1. */
static inline double
kit_wait(struct kit *k, double ms)
{
	const uint64_t start = k->now, limit = k->now + (uint64_t)(ms * 1e6);

	while (k->next == k->n_sent && kit_fire(k, limit))
		;
	return k->next < k->n_sent ? (double)(k->sent[k->next].at - start) / 1e6 : -1;
}

static inline void
kit_expect_after(struct kit *k, double ms, double slack, const char *text, const char *file,
		 int line)
{
	const double took = kit_wait(k, ms + slack + 1000);

	kit_expect(k, text, file, line);
	if (took >= ms - 0.001 && took <= ms + slack)
		return;
	print_error("\"%s\" came after %.3f ms, expected %.3f to %.3f\n", text, took, ms,
		    ms + slack);
	_fail(file, line);
}

/* The next segment is sent after `ms` (not earlier, at most `slack` ms later) and is this one. */
#define expect_after(k, ms, slack, ...)                                    \
	do {                                                               \
		char text_[256];                                           \
		snprintf(text_, sizeof(text_), __VA_ARGS__);               \
		kit_expect_after(k, ms, slack, text_, __FILE__, __LINE__); \
	} while (0)

static inline void
kit_expect_events(struct kit *k, uint32_t events, const char *file, int line)
{
	const uint32_t got = k->events;

	k->events = 0;
	if (got == events)
		return;
	print_error("events %#x, expected %#x\n", got, events);
	_fail(file, line);
}

/* These events, all of them and no other, have come since the last time. */
#define expect_events(k, ev) kit_expect_events(k, ev, __FILE__, __LINE__)

#define expect_state(k, s) \
	assert_string_equal((k)->t ? tcp_state_name((k)->t->state) : "gone", tcp_state_name(s))
#define expect_gone(k) assert_null((k)->t)

/* Forgets what was sent and reported so far. */
static inline void
kit_forget(struct kit *k)
{
	k->n_sent = k->next = 0;
	k->events = 0;
}

/* --- user calls --- */

/* Queues n octets; returns how many were taken. */
static inline uint32_t
kit_send(struct kit *k, uint32_t n)
{
	uint8_t *data = malloc(n);
	uint32_t taken;

	assert_non_null(data);
	for (uint32_t i = 0; i < n; i++)
		data[i] = kit_tx_octet(k->tx_len + i);
	taken = tcp_send(&k->ctx, k->t, data, n, k->now);
	free(data);
	assert_true(taken <= n);
	k->tx_len += taken;
	tcp_check(&k->ctx, k->t);
	if (!k->corked)
		kit_output(k);
	return taken;
}

/* The slow reader takes n octets off the receive queue. */
static inline void
kit_read(struct kit *k, uint32_t n)
{
	struct chain *q = tcp_rcvq(&k->ctx, k->t);

	assert_non_null(q);
	assert_true(n <= q->len);
	chain_trim_front(&k->ctx.blocks, q, n);
	k->rx_read += n;
	tcp_received(&k->ctx, k->t, k->now);
	tcp_check(&k->ctx, k->t);
	if (!k->corked)
		kit_output(k);
}

static inline void
kit_close(struct kit *k)
{
	tcp_out_init(&k->out, k->room);
	tcp_close(&k->ctx, k->t, k->now, &k->out);
	kit_after(k, NULL);
}

static inline void
kit_abort(struct kit *k)
{
	tcp_out_init(&k->out, k->room);
	tcp_abort(&k->ctx, k->t, k->now, &k->out);
	kit_after(k, NULL);
}

static inline void
kit_icmp(struct kit *k, uint8_t type, uint8_t code, uint16_t mtu, uint32_t seq)
{
	tcp_out_init(&k->out, k->room);
	tcp_icmp_error(&k->ctx, k->t, type, code, mtu, k->iss + seq, k->now, &k->out);
	kit_after(k, NULL);
}

static inline struct tcp_act *
kit_act(const struct kit *k)
{
	assert_true(tcb_is_active(k->t));
	return pool_at(&k->ctx.acts, k->t->act);
}

static inline void
kit_expect_idle(const struct kit *k, const char *file, int line)
{
	if (k->ctx.acts.in_use == 0 && k->ctx.blocks.small.in_use == 0 &&
	    k->ctx.blocks.large.in_use == 0)
		return;
	print_error("in use: %u active blocks, %u small and %u large blocks\n", k->ctx.acts.in_use,
		    k->ctx.blocks.small.in_use, k->ctx.blocks.large.in_use);
	_fail(file, line);
}

/* Everything taken from the pools has been given back. */
#define expect_idle(k) kit_expect_idle(k, __FILE__, __LINE__)

#endif
