/* matrix_judge.h - what the engine did in a cell of the matrix, held against what the model permits. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_MATRIX_JUDGE_H
#define TEST_MATRIX_JUDGE_H

#include "unit.h"

#include "tcp/tcp.h"
#include "tcp_note.h"
#include "tests/packet/matrix.h"

enum { SHOWN = 20 }; /* mismatches that are printed */

/* What the engine did. */
struct seen {
	enum model_state state; /* CLOSED: gone */
	unsigned n;
	struct tcp_seg seg[8]; /* at once */
	bool acked_later;      /* an ACK of rcv_nxt within 500 ms */
	uint32_t events, delivered, snd_una, snd_wnd, rcv_nxt, ts_recent;
	unsigned n_held;
	struct model_range held[4];
	bool put_off;	/* 2MSL began anew */
	bool half_open; /* it came from a listener: whose end nobody is told */
};

static unsigned n_judged, n_mismatches, n_deviations, choices_taken[MODEL_N_CHOICES];

/* --- what the engine does on purpose --- */

#define ANY	  0xffffffffu
#define ONE(x)	  (1u << (x))
#define TWO(x, y) (ONE(x) | ONE(y))

/* How the engine may differ from the model where it deviates: nothing else is let pass. */
enum licence {
	AS_IF_EXACT = 0x01,  /* as if the segment began at RCV.NXT */
	OTHER_WINDOW = 0x02, /* SND.WND is not compared */
	OTHER_STAMP = 0x04,  /* TS.Recent is not compared */
	ANYTHING = 0x08,
};

struct deviation {
	uint32_t states, kinds, seqs, acks, tss;
	unsigned licence;
	const char *clause, *reason;
	unsigned met;
};

static struct deviation deviations[] = {
    {ANY, ONE(MATRIX_ACK), ONE(MATRIX_SEQ_RIGHT), ANY, ANY,
     AS_IF_EXACT | OTHER_STAMP | OTHER_WINDOW, "RFC 9293 3.4",
     "a segment without octets may stand at the right edge: a peer that has used up our window "
     "sends "
     "his ACKs from there",
     0},
    {ANY, TWO(MATRIX_DATA, MATRIX_DATA_FIN), ONE(MATRIX_SEQ_STRADDLE), ANY, ANY, OTHER_WINDOW,
     "RFC 9293 3.10.7.4, fifth",
     "the window of a segment that begins with old octets is as old as they are: SEG.SEQ is held "
     "against SND.WL1 before it is trimmed",
     0},
    {ANY, TWO(MATRIX_ACK, MATRIX_FIN) | TWO(MATRIX_DATA, MATRIX_DATA_FIN), ANY, ONE(MATRIX_ACK_NEW),
     ANY, OTHER_WINDOW, "RFC 9293 3.10.7.4, fifth",
     "the window of a new ACK is the latest, though SND.WL1 is ahead of it: to keep the old one "
     "would move "
     "the right edge beyond what was offered",
     0},
    {.clause = NULL},
};

static inline struct deviation *
find_deviation(const struct matrix_cell *c)
{
	for (struct deviation *d = deviations; d->clause; d++)
		if (d->states >> c->state & 1 && d->kinds >> c->kind & 1 && d->seqs >> c->seq & 1 &&
		    d->acks >> c->ack & 1 && d->tss >> c->ts & 1)
			return d;
	return NULL;
}

/* --- comparing --- */

static inline bool
reply_is(const struct model_reply *r, const struct seen *s)
{
	if (r->kind == MODEL_SILENCE)
		return s->n == 0;
	for (unsigned i = 0; i < s->n; i++)
		if (!model_reply_matches(r, &s->seg[i]))
			return false;
	if (s->n > 0)
		return s->n == 1;
	return r->duty == MODEL_MAY || (r->duty == MODEL_DELAYED && s->acked_later);
}

static inline bool
effects_are(const struct model_effects *e, const struct seen *s)
{
	const bool reset = (s->events & TCP_EV_RESET) != 0;

	return e->delivered == s->delivered &&
	       e->established == ((s->events & TCP_EV_ESTABLISHED) != 0) &&
	       e->eof == ((s->events & TCP_EV_EOF) != 0) &&
	       (e->reset_may || s->half_open || reset == (e->reset || e->refused)) &&
	       (e->time_wait == MODEL_2MSL_START) == ((s->events & TCP_EV_TIME_WAIT) != 0) &&
	       (e->time_wait == MODEL_2MSL_MAY_RESTART ||
		(e->time_wait == MODEL_2MSL_RESTART) == s->put_off);
}

static inline bool
held_is(const struct model_conn *c, const struct seen *s)
{
	if (c->n_held != s->n_held)
		return false;
	for (unsigned i = 0; i < s->n_held; i++)
		if (c->held[i].start != s->held[i].start || c->held[i].end != s->held[i].end)
			return false;
	return true;
}

static inline bool
tcb_is(const struct model_answer *a, const struct seen *s, unsigned licence)
{
	const struct model_conn *c = &a->after;

	if (s->state <= MODEL_LISTEN) /* there is none */
		return c->state <= MODEL_LISTEN;
	if (c->state != s->state || c->rcv_nxt != s->rcv_nxt || !held_is(c, s))
		return false;
	/* A connection in place of one in TIME-WAIT: the model leaves its ISS open. */
	if (c->snd_una != s->snd_una && !a->reply.seq_after)
		return false;
	return (licence & OTHER_WINDOW || c->snd_wnd == s->snd_wnd) &&
	       (licence & OTHER_STAMP || !c->ts_ok || c->ts_recent == s->ts_recent);
}

static inline const struct model_answer *
find_answer(const struct model_result *r, const struct seen *s, unsigned licence)
{
	for (unsigned i = 0; i < r->n; i++)
		if (reply_is(&r->answers[i].reply, s) && effects_are(&r->answers[i].effects, s) &&
		    tcb_is(&r->answers[i], s, licence))
			return &r->answers[i];
	return NULL;
}

static inline void
show_mismatch(const struct matrix_cell *c, const char *variant, const struct model_conn *before,
	      const struct model_result *r, const struct seen *s)
{
	char text[4096], note[256];

	model_result_print(text, sizeof(text), r);
	print_error("%s (%s)\n%s  engine: %s, events %#x, delivers %u, una %u nxt %u wnd %u ts %u "
		    "held %u%s%s\n",
		    c->name, variant, text, model_state_name(s->state), s->events, s->delivered,
		    s->snd_una - before->iss, s->rcv_nxt - before->irs, s->snd_wnd,
		    s->ts_recent - before->ts_recent, s->n_held, s->put_off ? ", 2MSL anew" : "",
		    s->acked_later ? ", ACK later" : "");
	for (unsigned i = 0; i < s->n; i++)
		print_error("    sends %s\n",
			    note_print(note, sizeof(note), &s->seg[i], before->iss, before->irs));
	if (r->n > 0) {
		const struct model_conn *a = &r->answers[0].after;

		print_error("  model: %s, una %u nxt %u wnd %u ts %u held %u; iss %u irs %u\n",
			    model_state_name(a->state), a->snd_una - before->iss,
			    a->rcv_nxt - before->irs, a->snd_wnd, a->ts_recent - before->ts_recent,
			    a->n_held, before->iss, before->irs);
	}
}

static inline bool
is_deviation(const struct matrix_cell *c, const struct model_conn *before,
	     const struct tcp_seg *seg, const struct seen *s)
{
	struct deviation *d = find_deviation(c);
	struct model_conn conn = *before;
	struct tcp_seg other = *seg;
	struct model_result r;

	if (!d)
		return false;
	if (d->licence & AS_IF_EXACT)
		other.seq = before->rcv_nxt;
	model_step(&conn, &other, &r);
	if (!(d->licence & ANYTHING) && !find_answer(&r, s, d->licence))
		return false;
	d->met++;
	n_deviations++;
	return true;
}

/* What the model permits for the segment, and what was seen. */
static inline void
judge(const struct matrix_cell *c, const char *variant, const struct model_conn *before,
      const struct tcp_seg *seg, const struct seen *s)
{
	struct model_conn conn = *before;
	struct model_result r;
	const struct model_answer *a;

	model_step(&conn, seg, &r);
	a = find_answer(&r, s, 0);
	n_judged++;
	if (a) {
		for (unsigned i = 0; i < MODEL_N_CHOICES; i++)
			choices_taken[i] += a->choices >> i & 1;
	} else if (!is_deviation(c, before, seg, s)) {
		if (n_mismatches++ < SHOWN)
			show_mismatch(c, variant, before, &r, s);
	}
}

static inline void
judge_report(void)
{
	print_message("%u cells judged %u times: %u named deviations, %u mismatches\n",
		      matrix_count, n_judged, n_deviations, n_mismatches);
	if (!getenv("PACKET_VERBOSE"))
		return;
	for (const struct deviation *d = deviations; d->clause; d++)
		print_message("  %4u times: %s: %s\n", d->met, d->clause, d->reason);
	for (enum model_choice i = 0; i < MODEL_N_CHOICES; i++)
		print_message("  %4u times: %s\n", choices_taken[i], model_choice_name(i));
}

#endif
