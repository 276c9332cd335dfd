/* model.c - RFC 9293 3.10.7, SEGMENT ARRIVES, step by step, with 5961, 7323, 1337 and 6191. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/model.h"

#include <assert.h>
#include <string.h>

/* One walk of one segment through the steps. Which of the permitted ways it goes is given from outside:
 * taken has the choices in which to depart, asked collects those that the walk came upon. */
struct walk {
	const struct tcp_seg *seg;
	struct model_answer *answer;
	struct model_conn *c; /* answer->after */
	uint32_t taken, asked;
	bool ts_due; /* SEG.TSval is to become TS.Recent */
};

/* A step either hands the segment on or is done with it. */
enum verdict { DONE, NEXT };

/* --- sequence numbers, RFC 9293 3.4 --- */

static bool
seq_lt(uint32_t a, uint32_t b)
{
	return a - b > UINT32_MAX / 2;
}

static bool
seq_le(uint32_t a, uint32_t b)
{
	return !seq_lt(b, a);
}

/* from =< x < from + n */
static bool
seq_within(uint32_t x, uint32_t from, uint32_t n)
{
	return x - from < n;
}

static uint32_t
seq_min(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? a : b;
}

static uint32_t
seq_max(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? b : a;
}

/* --- words of the steps --- */

static bool
chosen(struct walk *w, enum model_choice choice)
{
	w->asked |= 1u << choice;
	return (w->taken & 1u << choice) != 0;
}

static bool
has(const struct walk *w, enum tcp_flag flag)
{
	return (w->seg->flags & flag) != 0;
}

static void
reply(struct walk *w, enum model_reply_kind kind, enum model_duty duty, uint32_t seq, uint32_t ack)
{
	struct model_reply *r = &w->answer->reply;

	r->kind = kind;
	r->duty = duty;
	r->seq = seq;
	r->ack = ack;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; two ACKs for one segment are one (MUST-58), of the stricter duty. */
static void
reply_ack(struct walk *w, enum model_duty duty)
{
	const struct model_reply *r = &w->answer->reply;

	if (r->kind == MODEL_ACK && r->duty < duty)
		duty = r->duty;
	reply(w, MODEL_ACK, duty, w->c->snd_nxt, w->c->rcv_nxt);
}

/* <SEQ=SEG.ACK><CTL=RST> */
static void
reply_rst(struct walk *w)
{
	reply(w, MODEL_RST, MODEL_NOW, w->seg->ack, 0);
}

static void
enter_time_wait(struct walk *w)
{
	w->c->state = MODEL_TIME_WAIT;
	w->answer->effects.time_wait = MODEL_2MSL_START;
}

static bool
fin_acked(const struct model_conn *c)
{
	return c->fin_sent && seq_lt(c->fin_seq, c->snd_una);
}

/* The peer's FIN has been passed: nothing more can come from it. */
static bool
stream_ended(const struct model_conn *c)
{
	return c->state >= MODEL_CLOSE_WAIT;
}

/* SND.WND, WL1, WL2; MAX.SND.WND of RFC 5961 5.2. A window on a SYN is not scaled (RFC 7323 2.2). */
static void
set_window(struct walk *w)
{
	struct model_conn *c = w->c;

	c->snd_wnd = has(w, TCP_SYN) ? w->seg->wnd : (uint32_t)w->seg->wnd << c->snd_wscale;
	c->snd_wl1 = w->seg->seq;
	c->snd_wl2 = has(w, TCP_ACK) ? w->seg->ack : 0;
	if (c->max_snd_wnd < c->snd_wnd)
		c->max_snd_wnd = c->snd_wnd;
}

static void
take_timestamp(struct walk *w)
{
	if (!w->ts_due)
		return;
	w->ts_due = false;
	w->c->ts_recent = w->seg->tsval;
	w->c->ts_recent_valid = true;
}

/* The segment is thrown away, because of its place or of what it says. RFC 7323 4.3 takes its timestamp all
 * the same; 5.3 puts R3 behind the check of the place (R2), but before all others. A forged or old segment
 * should not move TS.Recent. */
static enum verdict
discard(struct walk *w)
{
	if (w->ts_due && chosen(w, MODEL_CH_TS_RECENT_EARLY))
		take_timestamp(w);
	w->ts_due = false;
	return DONE;
}

/* --- what arrived beyond RCV.NXT --- */

/* Keeps [start, end), SHLD-31. */
static void
hold(struct walk *w, uint32_t start, uint32_t end)
{
	struct model_conn *c = w->c;
	struct model_range all = {start, end}, kept[MODEL_HELD_MAX];
	uint32_t fresh = end - start;
	unsigned n = 0, at = 0;

	for (unsigned i = 0; i < c->n_held; i++) {
		struct model_range r = c->held[i];
		if (seq_lt(r.end, start) || seq_lt(end, r.start)) {
			kept[n++] = r;
			continue;
		}
		fresh -= seq_min(r.end, end) - seq_max(r.start, start);
		all.start = seq_min(all.start, r.start);
		all.end = seq_max(all.end, r.end);
	}
	if (n == MODEL_HELD_MAX)
		return;
	while (at < n && seq_lt(kept[at].start, all.start))
		at++;
	memcpy(c->held, kept, at * sizeof(*kept));
	c->held[at] = all;
	memcpy(c->held + at + 1, kept + at, (n - at) * sizeof(*kept));
	c->n_held = n + 1;
	w->answer->effects.held = fresh;
	w->answer->effects.held_seq = start;
}

/* Moves RCV.NXT to at least end, and over what is held there. The right edge of the window stays. */
static void
advance(struct walk *w, uint32_t end)
{
	struct model_conn *c = w->c;
	uint32_t from = c->rcv_nxt, moved;

	c->rcv_nxt = seq_max(c->rcv_nxt, end);
	while (c->n_held > 0 && seq_le(c->held[0].start, c->rcv_nxt)) {
		c->rcv_nxt = seq_max(c->rcv_nxt, c->held[0].end);
		memmove(c->held, c->held + 1, --c->n_held * sizeof(*c->held));
	}
	moved = c->rcv_nxt - from;
	c->rcv_wnd -= moved < c->rcv_wnd ? moved : c->rcv_wnd;
	c->owed_bytes += moved;
}

/* --- eighth, check the FIN bit --- */

static void
eighth_fin(struct walk *w)
{
	struct model_conn *c = w->c;

	c->n_held = 0;
	c->held_fin = false;
	advance(w, c->rcv_nxt + 1);
	w->answer->effects.eof = true;
	reply_ack(w, MODEL_DELAYED);
	switch (c->state) {
	case MODEL_ESTABLISHED:
		c->state = MODEL_CLOSE_WAIT;
		return;
	case MODEL_FIN_WAIT_1: /* had our FIN been acknowledged, the fifth step had left this state */
		c->state = MODEL_CLOSING;
		return;
	default:
		enter_time_wait(w);
	}
}

/* A FIN, or text, at or beyond the end that an earlier FIN has set: "this should not occur". Nothing comes
 * of it; that the peer is told where we are is allowed, as in MAY-13. */
static void
after_the_end(struct walk *w, bool text, bool fin, bool at_edge)
{
	if (!text && !fin && at_edge)
		return;
	if (fin && w->c->state == MODEL_TIME_WAIT && !w->answer->effects.time_wait)
		w->answer->effects.time_wait = MODEL_2MSL_MAY_RESTART;
	if (fin && !text && at_edge && chosen(w, MODEL_CH_SECOND_FIN)) {
		advance(w, w->c->rcv_nxt + 1);
		reply_ack(w, MODEL_DELAYED);
		return;
	}
	reply_ack(w, MODEL_MAY);
}

/* --- seventh, process the segment text --- */

/* When is text that moved RCV.NXT to be acknowledged? */
static enum model_duty
text_duty(const struct model_conn *c, bool fills_gap)
{
	if (fills_gap) /* RFC 5681 4.2: at once */
		return MODEL_NOW;
	if (c->rcv_mss > 0 && c->owed_bytes >= 2u * c->rcv_mss) /* SHLD-19 */
		return MODEL_NOW;
	return MODEL_DELAYED; /* MUST-40, SHLD-18 */
}

static void
in_order(struct walk *w, uint32_t end)
{
	struct model_conn *c = w->c;
	uint32_t from = c->rcv_nxt;
	bool gap = end != from && c->n_held > 0;

	advance(w, end);
	w->answer->effects.delivered_at = from - (c->irs + 1);
	w->answer->effects.delivered = c->rcv_nxt - from;
	if (c->rcv_nxt != from)
		reply_ack(w, text_duty(c, gap));
	if (c->held_fin && c->held_fin_seq == c->rcv_nxt)
		eighth_fin(w);
}

/* RFC 5681 4.2 wants a duplicate ACK at once for text out of order; MAY-13 allows one for anything. */
static void
out_of_order(struct walk *w, uint32_t start, uint32_t end, bool fin)
{
	bool something = start != end || fin;

	reply_ack(w, something ? MODEL_NOW : MODEL_MAY);
	if (!something || chosen(w, MODEL_CH_NOT_HELD))
		return;
	if (start != end)
		hold(w, start, end);
	if (fin) {
		w->c->held_fin = true;
		w->c->held_fin_seq = end;
	}
}

/* RFC 1122 4.2.2.13, SHLD-3: text for a user who closed for good is lost, and the peer is told so. */
static void
lost_text(struct walk *w)
{
	reply(w, MODEL_RST, MODEL_NOW, w->c->snd_nxt, w->c->rcv_nxt);
	w->answer->reply.or_rst_ack = true;
	w->answer->effects.reset_may = true;
	w->c->state = MODEL_CLOSED;
}

/* From the first octet at seq; the SYN is off already. Only what lies in the window counts, of text and of
 * FIN. */
static void
seventh_text(struct walk *w, uint32_t seq)
{
	struct model_conn *c = w->c;
	uint32_t right = c->rcv_nxt + c->rcv_wnd, last = seq + w->seg->len;
	uint32_t start = seq_min(seq_max(seq, c->rcv_nxt), right);
	uint32_t end = seq_max(seq_min(last, right), start);
	bool fin = has(w, TCP_FIN) && seq_within(last, c->rcv_nxt, c->rcv_wnd);

	if (stream_ended(c)) {
		after_the_end(w, end != start, fin, seq == c->rcv_nxt);
	} else if (c->deaf && end != start && !chosen(w, MODEL_CH_LOST_TEXT_TAKEN)) {
		lost_text(w);
	} else if (start != c->rcv_nxt) {
		out_of_order(w, start, end, fin);
	} else {
		c->held_fin |= fin;
		c->held_fin_seq = fin ? last : c->held_fin_seq;
		in_order(w, end);
	}
}

/* --- sixth, check the URG bit --- */

/* SEG.UP names the octet after the urgent data (MUST-62). */
static void
sixth_urg(struct walk *w, uint32_t seq)
{
	struct model_conn *c = w->c;
	uint32_t up = seq + w->seg->urg;

	if (!has(w, TCP_URG) || stream_ended(c) || !seq_lt(c->urgent ? c->rcv_up : c->rcv_nxt, up))
		return;
	w->answer->effects.urgent = !c->urgent;
	c->urgent = true;
	c->rcv_up = up;
}

/* --- fifth, check the ACK field --- */

/* RFC 5961 5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT */
static bool
ack_plausible(const struct model_conn *c, uint32_t ack)
{
	uint32_t from = c->snd_una - c->max_snd_wnd;

	return ack - from <= c->snd_nxt - from;
}

/* The processing of ESTABLISHED, which every later state shares. */
static void
established_ack(struct walk *w)
{
	struct model_conn *c = w->c;
	const struct tcp_seg *seg = w->seg;

	if (seq_lt(seg->ack, c->snd_una))
		return; /* an old duplicate: ignored */
	c->snd_una = seg->ack;
	if (seq_lt(c->snd_wl1, seg->seq) ||
	    (c->snd_wl1 == seg->seq && seq_le(c->snd_wl2, seg->ack)))
		set_window(w);
}

/* SYN-RECEIVED. A reset answers an ACK of something else and leaves the half-open as it is (9293 3.5.2, group
 * 2); RFC 5961's range comes first in the text of 9293, and asks for an ACK where it fails. */
static enum verdict
syn_received_ack(struct walk *w)
{
	struct model_conn *c = w->c;
	uint32_t ack = w->seg->ack;

	if (!ack_plausible(c, ack) && chosen(w, MODEL_CH_BAD_ACK_CHALLENGE)) {
		reply_ack(w, MODEL_LIMITED);
		return discard(w);
	}
	if (!seq_lt(c->snd_una, ack) || !seq_le(ack, c->snd_nxt)) {
		reply_rst(w);
		return discard(w);
	}
	take_timestamp(w);
	c->state = c->fin_queued ? MODEL_FIN_WAIT_1 : MODEL_ESTABLISHED;
	w->answer->effects.established = true;
	c->snd_una = ack;
	set_window(w);
	return NEXT;
}

static enum verdict
fifth_ack(struct walk *w)
{
	struct model_conn *c = w->c;

	if (!has(w, TCP_ACK))
		return discard(w);
	if (c->state == MODEL_SYN_RECEIVED)
		return syn_received_ack(w);
	if (!ack_plausible(c, w->seg->ack)) {
		reply_ack(w, MODEL_LIMITED);
		return discard(w);
	}
	take_timestamp(w);
	established_ack(w);
	if (!fin_acked(c))
		return c->state == MODEL_CLOSING ? DONE : NEXT; /* CLOSING: "ignore the segment" */
	switch (c->state) {
	case MODEL_FIN_WAIT_1:
		c->state = MODEL_FIN_WAIT_2;
		return NEXT;
	case MODEL_CLOSING:
		enter_time_wait(w);
		return NEXT;
	case MODEL_LAST_ACK:
		c->state = MODEL_CLOSED;
		return DONE;
	default:
		return NEXT;
	}
}

/* --- fourth, check the SYN bit --- */

/* RFC 5961 4.2 answers any SYN with a challenge ACK. 9293 has a passive SYN-RECEIVED go back to LISTEN. */
static enum verdict
fourth_syn(struct walk *w)
{
	struct model_conn *c = w->c;

	if (!has(w, TCP_SYN))
		return NEXT;
	if (c->state == MODEL_SYN_RECEIVED && c->passive &&
	    !chosen(w, MODEL_CH_SYN_RCVD_CHALLENGE)) {
		c->state = MODEL_LISTEN;
		return DONE;
	}
	reply_ack(w, MODEL_LIMITED);
	return discard(w);
}

/* --- second, check the RST bit --- */

static void
reset(struct walk *w)
{
	struct model_conn *c = w->c;
	struct model_effects *e = &w->answer->effects;

	if (c->state == MODEL_SYN_RECEIVED)
		e->refused = !c->passive;
	else if (c->state <= MODEL_CLOSE_WAIT)
		e->reset = true;
	else
		e->reset_may = true;
	c->state = c->state == MODEL_SYN_RECEIVED && c->passive ? MODEL_LISTEN : MODEL_CLOSED;
}

/* The three checks of RFC 5961 3.2; SEG.SEQ alone counts. They hold at window zero too (MUST-66). RFC 1337:
 * in TIME-WAIT no reset is heeded, lest an old one end the wait. */
static enum verdict
second_rst(struct walk *w)
{
	struct model_conn *c = w->c;
	uint32_t seq = w->seg->seq;

	if (!has(w, TCP_RST))
		return NEXT;
	if (seq != c->rcv_nxt && !seq_within(seq, c->rcv_nxt, c->rcv_wnd))
		return DONE;
	if (c->state == MODEL_TIME_WAIT && !chosen(w, MODEL_CH_TW_RST))
		return DONE;
	if (seq == c->rcv_nxt) {
		reset(w);
		return DONE;
	}
	reply_ack(w, MODEL_LIMITED);
	return DONE;
}

/* --- first, check sequence number --- */

/* Table 6 of RFC 9293. */
static bool
acceptable(const struct model_conn *c, const struct tcp_seg *seg)
{
	uint32_t len = tcp_seg_len(seg);

	if (c->rcv_wnd == 0)
		return len == 0 && seg->seq == c->rcv_nxt;
	return seq_within(seg->seq, c->rcv_nxt, c->rcv_wnd) ||
	       (len > 0 && seq_within(seg->seq + len - 1, c->rcv_nxt, c->rcv_wnd));
}

/* Our SYN,ACK crossed with the peer's, or both ends resend a FIN or probe the other: the ACK field of a segment
 * that touches the window from the left is worth reading (9293 A.2). The reply stays. */
static void
read_old_ack(struct walk *w)
{
	struct model_conn *c = w->c;
	uint32_t ack = w->seg->ack;
	bool good = has(w, TCP_ACK) && seq_le(c->snd_una, ack) && seq_le(ack, c->snd_nxt);
	bool syn_received = c->state == MODEL_SYN_RECEIVED;
	bool touches =
	    w->seg->seq + 1 == c->rcv_nxt || w->seg->seq + tcp_seg_len(w->seg) == c->rcv_nxt;

	if (!good || !touches || (syn_received && ack == c->snd_una))
		return;
	if (has(w, TCP_SYN) && (!syn_received || c->passive))
		return;
	if (!chosen(w, has(w, TCP_SYN) ? MODEL_CH_CROSSED_SYN_ACK : MODEL_CH_OLD_ACK_READ))
		return;
	fifth_ack(w);
	if (c->state == MODEL_CLOSED || has(w, TCP_SYN)) /* nobody left to reply; nothing to say */
		w->answer->reply.duty = MODEL_MAY;
}

/* "An acknowledgment should be sent in reply"; to the very SYN that began this, many say SYN,ACK again. */
static enum verdict
unacceptable(struct walk *w)
{
	const struct model_conn *c = w->c;
	bool same_syn = c->state == MODEL_SYN_RECEIVED && w->seg->seq == c->irs &&
			has(w, TCP_SYN) && !has(w, TCP_ACK);

	if (same_syn && chosen(w, MODEL_CH_SYN_ACK_AGAIN))
		reply(w, MODEL_SYN_ACK, MODEL_LIMITED, c->iss, c->rcv_nxt);
	else
		reply_ack(w, MODEL_LIMITED);
	return DONE;
}

static enum verdict
out_of_window(struct walk *w)
{
	const struct model_conn *c = w->c;
	const struct tcp_seg *seg = w->seg;

	unacceptable(w);
	/* The peer's FIN again: it did not get our last ACK, the wait begins anew (MUST-13). */
	if (c->state == MODEL_TIME_WAIT && has(w, TCP_FIN) &&
	    seg->seq + tcp_seg_len(seg) == c->rcv_nxt)
		w->answer->effects.time_wait = MODEL_2MSL_RESTART;
	discard(w);
	if (w->answer->reply.kind == MODEL_ACK)
		read_old_ack(w);
	return DONE;
}

/* Nothing fits a window of zero, but ACK and URG are processed all the same (9293 3.10.7.4, MUST-66). */
static enum verdict
zero_window(struct walk *w)
{
	reply_ack(w, MODEL_LIMITED);
	if (has(w, TCP_SYN) || chosen(w, MODEL_CH_ZERO_WINDOW_DEAF))
		return DONE;
	if (fifth_ack(w) == NEXT)
		sixth_urg(w, w->seg->seq);
	if (w->c->state == MODEL_CLOSED)
		w->answer->reply.duty = MODEL_MAY;
	return DONE;
}

/* RFC 7323 5.3: R1 before the window, R3 after it. */
static enum verdict
paws(struct walk *w)
{
	const struct tcp_seg *seg = w->seg;
	const struct model_conn *c = w->c;
	bool present = (seg->opts & TCP_OPT_TIMESTAMP) != 0, older;

	if (!c->ts_ok || has(w, TCP_RST))
		return NEXT;
	if (!present) /* 3.2 */
		return chosen(w, MODEL_CH_TS_MISSING_TAKEN) ? NEXT : DONE;
	if (c->ts_recent_valid && seq_lt(seg->tsval + c->paws_slack, c->ts_recent))
		return unacceptable(w);
	older = c->ts_recent_valid && seq_le(seg->tsval, c->ts_recent);
	w->ts_due = !older && seq_le(seg->seq, c->last_ack_sent);
	return NEXT;
}

static enum verdict
first_sequence(struct walk *w)
{
	const struct model_conn *c = w->c;

	if (paws(w) == DONE)
		return DONE;
	if (has(w, TCP_RST) || acceptable(c, w->seg))
		return NEXT;
	if (c->rcv_wnd == 0 && w->seg->seq == c->rcv_nxt)
		return zero_window(w);
	return out_of_window(w);
}

/* --- 3.10.7.4, other states --- */

static void
other_states(struct walk *w)
{
	if (first_sequence(w) == DONE || second_rst(w) == DONE || fourth_syn(w) == DONE ||
	    fifth_ack(w) == DONE)
		return;
	sixth_urg(w, w->seg->seq);
	seventh_text(w, w->seg->seq);
}

/* --- a SYN that begins a connection --- */

static void
take_syn(struct walk *w)
{
	struct model_conn *c = w->c;
	const struct tcp_seg *seg = w->seg;

	c->irs = seg->seq;
	c->rcv_nxt = seg->seq + 1;
	c->last_ack_sent = c->rcv_nxt;
	c->ts_ok = c->ts_offer && (seg->opts & TCP_OPT_TIMESTAMP);
	c->ts_recent_valid = c->ts_ok;
	c->ts_recent = c->ts_ok ? seg->tsval : 0;
	if (!c->ws_offer || !(seg->opts & TCP_OPT_WSCALE)) /* RFC 7323 2.2: both ends or none */
		c->snd_wscale = c->rcv_wscale = 0;
	else
		c->snd_wscale = seg->wscale;
	c->max_snd_wnd = 0;
	set_window(w);
}

/* What came with the SYN waits for ESTABLISHED. */
static void
queue_rest(struct walk *w)
{
	uint32_t end = w->c->rcv_nxt + w->seg->len;

	if ((w->seg->len == 0 && !has(w, TCP_FIN)) || chosen(w, MODEL_CH_SYN_TEXT_DROPPED))
		return;
	if (w->seg->len > 0)
		hold(w, w->c->rcv_nxt, seq_min(end, w->c->rcv_nxt + w->c->rcv_wnd));
	w->c->held_fin = has(w, TCP_FIN) && w->seg->len <= w->c->rcv_wnd;
	w->c->held_fin_seq = end;
}

static void
enter_syn_received(struct walk *w)
{
	struct model_conn *c = w->c;

	c->state = MODEL_SYN_RECEIVED;
	c->snd_una = c->iss;
	c->snd_nxt = c->iss + 1;
	reply(w, MODEL_SYN_ACK, MODEL_NOW, c->iss, c->rcv_nxt);
	queue_rest(w);
}

/* --- TIME-WAIT and SYN: 9293 MAY-2, RFC 6191 2 --- */

static bool
begins_anew(const struct model_conn *c, const struct tcp_seg *seg)
{
	bool stamped = c->ts_offer && (seg->opts & TCP_OPT_TIMESTAMP);
	bool beyond = seq_le(c->rcv_nxt, seg->seq); /* the last number seen was the FIN's */

	if (!c->listener || (seg->flags & TCP_FIN))
		return false;
	if (!stamped)
		return beyond;
	if (!c->ts_ok || seq_lt(c->ts_recent, seg->tsval))
		return true;
	return seg->tsval == c->ts_recent && beyond;
}

static void
time_wait_syn(struct walk *w)
{
	struct model_conn *c = w->c, old = *c;

	if (!begins_anew(c, w->seg) || chosen(w, MODEL_CH_TW_NO_REUSE)) {
		if (!chosen(w, MODEL_CH_TW_SYN_SILENCE))
			reply_ack(w, MODEL_LIMITED);
		return;
	}
	model_listen(c, old.snd_nxt, old.rcv_wnd);
	c->ts_offer = old.ts_offer;
	c->ws_offer = old.ws_offer;
	take_syn(w);
	enter_syn_received(w);
	w->answer->reply.seq = old.snd_nxt - 1;
	w->answer->reply.seq_after = true;
}

/* --- 3.10.7.3, SYN-SENT --- */

static void
syn_sent_rst(struct walk *w)
{
	struct model_conn *c = w->c;

	if (!has(w, TCP_ACK))
		return;
	if (w->seg->seq != c->rcv_nxt && chosen(w, MODEL_CH_SYN_SENT_RST_SEQ))
		return;
	c->state = MODEL_CLOSED;
	w->answer->effects.reset = true;
}

static void
syn_sent_established(struct walk *w)
{
	struct model_conn *c = w->c;
	bool rest = w->seg->len > 0 || has(w, TCP_FIN) || has(w, TCP_URG);

	c->snd_una = w->seg->ack;
	c->state = MODEL_ESTABLISHED;
	w->answer->effects.established = true;
	if (rest && !chosen(w, MODEL_CH_SYN_TEXT_DROPPED)) {
		sixth_urg(w, c->rcv_nxt);
		seventh_text(w, c->rcv_nxt);
	}
	if (c->state != MODEL_CLOSED)
		reply_ack(w, MODEL_NOW);
}

static void
syn_sent(struct walk *w)
{
	struct model_conn *c = w->c;
	uint32_t ack = w->seg->ack;

	if (has(w, TCP_ACK) && !(seq_lt(c->iss, ack) && seq_le(ack, c->snd_nxt))) {
		if (!has(w, TCP_RST))
			reply_rst(w);
		return;
	}
	if (has(w, TCP_RST)) {
		syn_sent_rst(w);
		return;
	}
	if (!has(w, TCP_SYN))
		return;
	take_syn(w);
	if (has(w, TCP_ACK))
		syn_sent_established(w);
	else
		enter_syn_received(w); /* simultaneous open, MUST-10 */
}

/* --- 3.10.7.2, LISTEN --- */

static void
listening(struct walk *w)
{
	if (has(w, TCP_RST))
		return;
	if (has(w, TCP_ACK)) {
		reply_rst(w);
		return;
	}
	if (!has(w, TCP_SYN) || (has(w, TCP_FIN) && !chosen(w, MODEL_CH_SYN_FIN_TAKEN)))
		return;
	w->c->passive = true;
	take_syn(w);
	enter_syn_received(w);
}

/* --- 3.10.7.1, CLOSED --- */

static void
closed(struct walk *w)
{
	if (has(w, TCP_RST))
		return;
	if (has(w, TCP_ACK))
		reply_rst(w);
	else
		reply(w, MODEL_RST_ACK, MODEL_NOW, 0, w->seg->seq + tcp_seg_len(w->seg));
}

static void
segment_arrives(struct walk *w)
{
	switch (w->c->state) {
	case MODEL_CLOSED:
		closed(w);
		break;
	case MODEL_LISTEN:
		listening(w);
		break;
	case MODEL_SYN_SENT:
		syn_sent(w);
		break;
	case MODEL_TIME_WAIT:
		if ((w->seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
			time_wait_syn(w);
		else
			other_states(w);
		break;
	default:
		other_states(w);
	}
	/* An ACK that was owed before may go out at any time. */
	if (w->answer->reply.kind == MODEL_SILENCE && w->c->state >= MODEL_ESTABLISHED &&
	    w->c->owed_bytes > 0)
		reply_ack(w, MODEL_MAY);
}

/* --- all permitted walks --- */

static bool
alike(const struct model_answer *a, const struct model_answer *b)
{
	return !memcmp(&a->reply, &b->reply, sizeof(a->reply)) &&
	       !memcmp(&a->effects, &b->effects, sizeof(a->effects)) &&
	       !memcmp(&a->after, &b->after, sizeof(a->after));
}

static void
keep(struct model_result *result, const struct model_answer *answer)
{
	for (unsigned i = 0; i < result->n; i++)
		if (alike(&result->answers[i], answer))
			return;
	assert(result->n < MODEL_ANSWERS_MAX);
	memcpy(&result->answers[result->n++], answer, sizeof(*answer));
}

/* Walks with the choices in taken, then departs in each choice that the walk came upon and that is neither
 * taken nor settled: every set of departures is walked once. */
static void
explore(const struct model_conn *before, const struct tcp_seg *seg, uint32_t taken,
	uint32_t settled, struct model_result *result)
{
	struct model_answer answer;
	struct walk w = {.seg = seg, .answer = &answer, .c = &answer.after, .taken = taken};

	memset(&answer, 0, sizeof(answer));
	memcpy(&answer.after, before, sizeof(*before));
	segment_arrives(&w);
	answer.choices = taken;
	keep(result, &answer);
	for (uint32_t bit = 1; bit < 1u << MODEL_N_CHOICES; bit <<= 1) {
		if (!(w.asked & bit & ~taken & ~settled))
			continue;
		explore(before, seg, taken | bit, settled, result);
		settled |= bit;
	}
}

void
model_step(struct model_conn *conn, const struct tcp_seg *seg, struct model_result *result)
{
	memset(result, 0, sizeof(*result));
	explore(conn, seg, 0, 0, result);
	memcpy(conn, &result->answers[0].after, sizeof(*conn));
}
