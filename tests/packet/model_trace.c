/* model_trace.c - watches one end of a connection: emissions against the model, RFC 9293 3.8 and 3.10. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/model_trace.h"

#include <string.h>

static const char *const fault_names[] = {
    [MODEL_FINE] = "fine",
    [MODEL_FAULT_GAP] = "starts beyond everything sent",
    [MODEL_FAULT_ISS] = "SYN with another number",
    [MODEL_FAULT_WINDOW] = "text beyond the offered window",
    [MODEL_FAULT_AFTER_FIN] = "text after the FIN, or the FIN moved",
    [MODEL_FAULT_ACKED] = "sends again what is acknowledged",
    [MODEL_FAULT_EDGE] = "takes back window",
    [MODEL_FAULT_ACK_BACK] = "ACK goes back",
    [MODEL_FAULT_ACK] = "acknowledges what did not arrive",
    [MODEL_FAULT_SACK] = "SACK of what did not arrive",
    [MODEL_FAULT_STATE] = "not to be sent in this state",
    [MODEL_FAULT_NO_STAMP] = "timestamp missing",
    [MODEL_FAULT_STAMP_BACK] = "TSval goes back",
    [MODEL_FAULT_ECHO] = "TSecr is not TS.Recent",
    [MODEL_FAULT_RST] = "RST that nothing called for",
    [MODEL_FAULT_RST_FOR_RST] = "RST for a RST",
    [MODEL_FAULT_TOO_MANY] = "three replies to one segment",
    [MODEL_FAULT_LATE] = "text not acknowledged in time",
};

const char *
model_fault_name(enum model_fault fault)
{
	return fault_names[fault];
}

static bool
before(uint32_t a, uint32_t b)
{
	return a - b > UINT32_MAX / 2;
}

static uint32_t
later(uint32_t a, uint32_t b)
{
	return before(a, b) ? b : a;
}

void
model_trace_open(struct model_trace *trace, const struct model_conn *conn, uint32_t choices)
{
	memset(trace, 0, sizeof(*trace));
	trace->choices = choices;
	trace->n = 1;
	memcpy(trace->tcbs, conn, sizeof(*conn));
}

/* --- arrivals --- */

static void
add_tcb(struct model_trace *t, const struct model_conn *conn)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!memcmp(&t->tcbs[i], conn, sizeof(*conn)))
			return;
	if (t->n < MODEL_TRACE_TCBS)
		memcpy(&t->tcbs[t->n++], conn, sizeof(*conn));
}

static void
add_rst(struct model_trace *t, const struct model_reply *r)
{
	if ((r->kind != MODEL_RST && r->kind != MODEL_RST_ACK) || t->n_rsts == MODEL_TRACE_RSTS)
		return;
	for (unsigned i = 0; i < t->n_rsts; i++)
		if (!memcmp(&t->rsts[i], r, sizeof(*r)))
			return;
	t->rsts[t->n_rsts++] = *r;
}

static void
step_tcb(struct model_trace *t, struct model_conn *conn, const struct tcp_seg *seg)
{
	bool could_begin = conn->state == MODEL_LISTEN || conn->state == MODEL_TIME_WAIT;
	struct model_result r;

	model_step(conn, seg, &r);
	for (unsigned i = 0; i < r.n; i++) {
		if (r.answers[i].choices & ~t->choices)
			continue;
		t->anew |= could_begin && r.answers[i].after.state == MODEL_SYN_RECEIVED;
		add_tcb(t, &r.answers[i].after);
		add_rst(t, &r.answers[i].reply);
	}
}

/* What the peer offers and acknowledges, if it can be about us. The window of a stale segment counts too: it was
 * offered once. */
static void
note_offer(struct model_trace *t, const struct tcp_seg *seg)
{
	uint32_t wnd =
	    seg->flags & TCP_SYN ? seg->wnd : (uint32_t)seg->wnd << t->tcbs[0].snd_wscale;

	if (!t->sent || !(seg->flags & TCP_ACK) || seg->flags & TCP_RST)
		return;
	if (before(seg->ack, t->iss) || before(t->snd_max, seg->ack))
		return;
	t->edge = t->edge_known ? later(t->edge, seg->ack + wnd) : seg->ack + wnd;
	t->edge_known = true;
	t->acked = later(t->acked, seg->ack);
}

enum model_fault
model_trace_idle(struct model_trace *t, uint64_t now_ns)
{
	if (!t->owed_since_ns || now_ns <= t->owed_since_ns + MODEL_TRACE_LATE_NS)
		return MODEL_FINE;
	t->owed_since_ns = now_ns; /* said once per 500 ms */
	return MODEL_FAULT_LATE;
}

enum model_fault
model_trace_arrived(struct model_trace *t, uint64_t now_ns, const struct tcp_seg *seg)
{
	enum model_fault fault = model_trace_idle(t, now_ns);
	struct model_conn old[MODEL_TRACE_TCBS];
	unsigned n_old = t->n;

	memcpy(old, t->tcbs, n_old * sizeof(*old));
	t->n = 0;
	for (unsigned i = 0; i < n_old; i++)
		step_tcb(t, &old[i], seg);
	t->replies = 0;
	t->rst_arrived = (seg->flags & TCP_RST) != 0;
	note_offer(t, seg);
	if (t->tcbs[0].state < MODEL_ESTABLISHED || t->tcbs[0].owed_bytes == 0)
		t->owed_since_ns = 0;
	else if (!t->owed_since_ns)
		t->owed_since_ns = now_ns;
	return fault;
}

/* --- emissions: what holds whatever the TCB --- */

/* Into a closed window, or to keep a connection alive: an octet, old or new. */
static bool
is_probe(const struct model_trace *t, const struct tcp_seg *seg)
{
	return seg->len <= 1 && (seg->seq == t->edge || seg->seq + 1 == t->acked);
}

static enum model_fault
check_sender(const struct model_trace *t, const struct tcp_seg *seg)
{
	uint32_t end = seg->seq + seg->len;

	if (seg->flags & TCP_SYN)
		return t->sent && !t->anew && seg->seq != t->iss ? MODEL_FAULT_ISS : MODEL_FINE;
	if (t->sent && before(t->snd_max, seg->seq))
		return MODEL_FAULT_GAP;
	if (t->fin_sent && seg->flags & TCP_FIN && end != t->fin_seq)
		return MODEL_FAULT_AFTER_FIN;
	if (seg->len == 0 || is_probe(t, seg))
		return MODEL_FINE;
	if (t->fin_sent && before(t->fin_seq, end))
		return MODEL_FAULT_AFTER_FIN;
	if (t->edge_known && before(t->edge, end))
		return MODEL_FAULT_WINDOW;
	return before(t->acked, end) ? MODEL_FINE : MODEL_FAULT_ACKED;
}

static enum model_fault
check_receiver(const struct model_trace *t, const struct tcp_seg *seg)
{
	uint8_t shift = t->tcbs[0].rcv_wscale;
	uint32_t edge = seg->ack + ((uint32_t)seg->wnd << shift), slack = (1u << shift) - 1;

	if (seg->flags & TCP_SYN)
		return MODEL_FINE;
	if (t->tcbs[0].ts_ok && !(seg->opts & TCP_OPT_TIMESTAMP))
		return MODEL_FAULT_NO_STAMP;
	if (t->stamped && seg->opts & TCP_OPT_TIMESTAMP && before(seg->tsval, t->last_tsval))
		return MODEL_FAULT_STAMP_BACK;
	if (!t->announced || !(seg->flags & TCP_ACK))
		return MODEL_FINE;
	if (before(seg->ack, t->last_ack))
		return MODEL_FAULT_ACK_BACK;
	/* Rounding to the scale may seem to take a little back (RFC 7323 2.4). */
	return before(edge + slack, t->last_edge) ? MODEL_FAULT_EDGE : MODEL_FINE;
}

static bool
same_pure_ack(const struct tcp_seg *a, const struct tcp_seg *b)
{
	return a->flags == TCP_ACK && b->flags == TCP_ACK && a->len == 0 && b->len == 0 &&
	       a->seq == b->seq && a->ack == b->ack && a->wnd == b->wnd;
}

/* --- emissions: what depends on the TCB --- */

static bool
sack_received(const struct model_conn *c, const struct tcp_sack_block *b)
{
	if (!before(b->start, c->irs + 1) && before(b->start, b->end) &&
	    !before(c->rcv_nxt, b->end))
		return true; /* DSACK, RFC 2883 */
	for (unsigned i = 0; i < c->n_held; i++) {
		uint32_t end = c->held[i].end;
		if (c->held_fin && c->held_fin_seq == end)
			end++;
		if (!before(b->start, c->held[i].start) && !before(end, b->end))
			return before(b->start, b->end);
	}
	return c->held_fin && b->start == c->held_fin_seq && b->end == b->start + 1;
}

static enum model_fault
check_handshake(const struct model_conn *c, const struct tcp_seg *seg)
{
	uint8_t flags = seg->flags & (TCP_SYN | TCP_ACK);

	if (c->state == MODEL_SYN_SENT)
		return flags == TCP_SYN ? MODEL_FINE : MODEL_FAULT_STATE;
	if (c->state != MODEL_SYN_RECEIVED || !(flags & TCP_ACK) || seg->len > 0)
		return MODEL_FAULT_STATE;
	return seg->ack == c->rcv_nxt ? MODEL_FINE : MODEL_FAULT_ACK;
}

static enum model_fault
check_tcb(const struct model_trace *t, const struct model_conn *c, const struct tcp_seg *seg)
{
	if (c->state < MODEL_ESTABLISHED)
		return check_handshake(c, seg);
	if ((seg->flags & (TCP_SYN | TCP_ACK)) != TCP_ACK)
		return MODEL_FAULT_STATE;
	if (before(c->rcv_nxt, seg->ack))
		return MODEL_FAULT_ACK;
	if (c->ts_ok &&
	    (before(c->ts_recent, seg->tsecr) || (t->echoed && before(seg->tsecr, t->last_tsecr))))
		return MODEL_FAULT_ECHO;
	if (!(seg->opts & TCP_OPT_SACK))
		return MODEL_FINE;
	for (unsigned i = 0; i < seg->n_sack; i++)
		if (!sack_received(c, &seg->sack[i]))
			return MODEL_FAULT_SACK;
	return MODEL_FINE;
}

/* Strikes out; if no TCB is left, what was wrong with the likeliest. */
static enum model_fault
strike_out(struct model_trace *t, const struct tcp_seg *seg)
{
	enum model_fault first = MODEL_FINE;
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++) {
		enum model_fault f = check_tcb(t, &t->tcbs[i], seg);
		if (i == 0)
			first = f;
		if (f == MODEL_FINE)
			memmove(&t->tcbs[n++], &t->tcbs[i], sizeof(*t->tcbs));
	}
	if (n == 0)
		return first;
	t->n = n;
	return MODEL_FINE;
}

/* --- emissions: resets --- */

static enum model_fault
emitted_rst(struct model_trace *t, const struct tcp_seg *seg)
{
	for (unsigned i = 0; i < t->n_rsts; i++)
		if (model_reply_matches(&t->rsts[i], seg)) {
			t->rsts[i] = t->rsts[--t->n_rsts];
			return MODEL_FINE;
		}
	if (t->aborted) {
		t->aborted = false;
		return MODEL_FINE;
	}
	return t->rst_arrived ? MODEL_FAULT_RST_FOR_RST : MODEL_FAULT_RST;
}

/* A SYN of a new connection: nothing of the one before it counts. */
static void
begin_anew(struct model_trace *t, uint32_t iss)
{
	t->sent = true;
	t->anew = t->edge_known = t->fin_sent = t->announced = t->stamped = t->echoed = false;
	t->iss = t->acked = iss;
	t->snd_max = iss + 1;
}

static void
note_sent(struct model_trace *t, const struct tcp_seg *seg)
{
	if (seg->flags & TCP_SYN && (!t->sent || seg->seq != t->iss))
		begin_anew(t, seg->seq);
	t->snd_max = later(t->snd_max, seg->seq + tcp_seg_len(seg));
	if (seg->flags & TCP_FIN) {
		t->fin_sent = true;
		t->fin_seq = seg->seq + seg->len;
	}
	if (seg->opts & TCP_OPT_TIMESTAMP) {
		t->stamped = true;
		t->last_tsval = seg->tsval;
	}
}

static void
note_ack(struct model_trace *t, uint64_t now_ns, const struct tcp_seg *seg)
{
	uint8_t shift = seg->flags & TCP_SYN ? 0 : t->tcbs[0].rcv_wscale;
	uint32_t edge = seg->ack + ((uint32_t)seg->wnd << shift);

	t->last_edge = t->announced ? later(t->last_edge, edge) : edge;
	t->last_ack = seg->ack;
	t->announced = true;
	if (seg->opts & TCP_OPT_TIMESTAMP) {
		t->last_tsecr = seg->tsecr;
		t->echoed = true;
	}
	t->owed_since_ns = t->tcbs[0].owed_bytes > 0 ? now_ns : 0;
}

/* One segment may be answered twice (once for what it is, once for what became readable), not more. */
static bool
too_many(struct model_trace *t, const struct tcp_seg *seg)
{
	bool keepalive = seg->seq + 1 == t->snd_max;

	t->replies = t->replies > 0 && same_pure_ack(&t->last, seg) ? t->replies + 1 : 1;
	t->last = *seg;
	return t->replies > MODEL_TRACE_REPLIES && !keepalive;
}

enum model_fault
model_trace_emitted(struct model_trace *t, uint64_t now_ns, const struct tcp_seg *seg)
{
	enum model_fault fault = model_trace_idle(t, now_ns);

	if (seg->flags & TCP_RST)
		return emitted_rst(t, seg);
	if (!fault)
		fault = check_sender(t, seg);
	if (!fault)
		fault = check_receiver(t, seg);
	if (!fault)
		fault = strike_out(t, seg);
	for (unsigned i = 0; i < t->n; i++)
		model_emitted(&t->tcbs[i], seg);
	note_sent(t, seg);
	if (seg->flags & TCP_ACK)
		note_ack(t, now_ns, seg);
	if (too_many(t, seg) && !fault)
		fault = MODEL_FAULT_TOO_MANY;
	return fault;
}

/* --- the user, and time --- */

void
model_trace_close(struct model_trace *t, bool deaf)
{
	for (unsigned i = 0; i < t->n; i++)
		model_close(&t->tcbs[i], deaf);
}

void
model_trace_abort(struct model_trace *t)
{
	t->aborted = true;
	model_trace_expire(t);
}

void
model_trace_expire(struct model_trace *t)
{
	t->n = 1;
	model_expire(&t->tcbs[0]);
	t->owed_since_ns = 0;
}
