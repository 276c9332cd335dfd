/* model_print.c - the model's states, choices and answers in words. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const state_names[] = {
    [MODEL_CLOSED] = "CLOSED",		 [MODEL_LISTEN] = "LISTEN",
    [MODEL_SYN_SENT] = "SYN-SENT",	 [MODEL_SYN_RECEIVED] = "SYN-RECEIVED",
    [MODEL_ESTABLISHED] = "ESTABLISHED", [MODEL_FIN_WAIT_1] = "FIN-WAIT-1",
    [MODEL_FIN_WAIT_2] = "FIN-WAIT-2",	 [MODEL_CLOSE_WAIT] = "CLOSE-WAIT",
    [MODEL_CLOSING] = "CLOSING",	 [MODEL_LAST_ACK] = "LAST-ACK",
    [MODEL_TIME_WAIT] = "TIME-WAIT",
};

static const char *const choice_names[] = {
    [MODEL_CH_TS_MISSING_TAKEN] = "missing timestamp taken",
    [MODEL_CH_TS_RECENT_EARLY] = "TS.Recent from a discarded segment",
    [MODEL_CH_SYN_ACK_AGAIN] = "SYN,ACK again",
    [MODEL_CH_CROSSED_SYN_ACK] = "crossed SYN,ACK taken",
    [MODEL_CH_OLD_ACK_READ] = "ACK read left of the window",
    [MODEL_CH_ZERO_WINDOW_DEAF] = "ACK not read at window zero",
    [MODEL_CH_SYN_RCVD_CHALLENGE] = "SYN challenged in SYN-RECEIVED",
    [MODEL_CH_BAD_ACK_CHALLENGE] = "bad ACK challenged in SYN-RECEIVED",
    [MODEL_CH_SYN_SENT_RST_SEQ] = "RST in SYN-SENT only at RCV.NXT",
    [MODEL_CH_SYN_TEXT_DROPPED] = "text with SYN dropped",
    [MODEL_CH_SYN_FIN_TAKEN] = "SYN,FIN taken",
    [MODEL_CH_NOT_HELD] = "not held beyond a gap",
    [MODEL_CH_SECOND_FIN] = "second FIN passed",
    [MODEL_CH_LOST_TEXT_TAKEN] = "text for nobody acknowledged",
    [MODEL_CH_TW_RST] = "RST heeded in TIME-WAIT",
    [MODEL_CH_TW_NO_REUSE] = "no new connection from TIME-WAIT",
    [MODEL_CH_TW_SYN_SILENCE] = "SYN not answered in TIME-WAIT",
};

static const char *const duty_names[] = {
    [MODEL_NOW] = "now",
    [MODEL_DELAYED] = "delayed",
    [MODEL_LIMITED] = "now, rate limited",
    [MODEL_MAY] = "optional",
};

struct text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *format, ...)
{
	size_t at = t->len < t->size ? t->len : t->size;
	va_list args;

	va_start(args, format);
	t->len += (size_t)vsnprintf(t->buf + at, t->size - at, format, args);
	va_end(args);
}

const char *
model_state_name(enum model_state state)
{
	return state_names[state];
}

const char *
model_choice_name(enum model_choice choice)
{
	return choice_names[choice];
}

static void
add_reply(struct text *t, const struct model_reply *r)
{
	static const char *const kinds[] = {"silence", "ACK", "RST", "RST,ACK", "SYN,ACK"};

	add(t, ", %s", kinds[r->kind]);
	if (r->kind == MODEL_SILENCE)
		return;
	add(t, " seq%s%" PRIu32, r->seq_after ? ">" : "=", r->seq);
	if (r->kind != MODEL_RST)
		add(t, " ack=%" PRIu32, r->ack);
	add(t, " (%s)", duty_names[r->duty]);
}

static void
add_effects(struct text *t, const struct model_effects *e)
{
	static const char *const waits[] = {"", ", 2MSL starts", ", 2MSL restarts",
					    ", 2MSL may restart"};

	if (e->established)
		add(t, ", established");
	if (e->delivered)
		add(t, ", delivers %" PRIu32 " at %" PRIu32, e->delivered, e->delivered_at);
	if (e->held)
		add(t, ", holds %" PRIu32 " from seq %" PRIu32, e->held, e->held_seq);
	if (e->urgent)
		add(t, ", urgent");
	if (e->eof)
		add(t, ", EOF");
	if (e->reset)
		add(t, ", reset");
	if (e->refused)
		add(t, ", refused");
	add(t, "%s", waits[e->time_wait]);
}

static void
add_answer(struct text *t, const struct model_answer *a)
{
	const struct model_conn *c = &a->after;
	const char *before = " [";

	add(t, "%s", model_state_name(c->state));
	add_reply(t, &a->reply);
	add_effects(t, &a->effects);
	if (c->state >= MODEL_ESTABLISHED)
		add(t, ", una=%" PRIu32 " wnd=%" PRIu32 " nxt=%" PRIu32, c->snd_una, c->snd_wnd,
		    c->rcv_nxt);
	if (c->state >= MODEL_ESTABLISHED && c->ts_ok)
		add(t, " ts=%" PRIu32, c->ts_recent);
	for (enum model_choice i = 0; i < MODEL_N_CHOICES; i++)
		if (a->choices & 1u << i) {
			add(t, "%s%s", before, model_choice_name(i));
			before = "; ";
		}
	if (a->choices)
		add(t, "]");
}

int
model_answer_print(char *buf, size_t size, const struct model_answer *answer)
{
	struct text t = {.buf = buf, .size = size};

	add_answer(&t, answer);
	return (int)t.len;
}

int
model_result_print(char *buf, size_t size, const struct model_result *result)
{
	struct text t = {.buf = buf, .size = size};

	for (unsigned i = 0; i < result->n; i++) {
		add(&t, "permitted: ");
		add_answer(&t, &result->answers[i]);
		add(&t, "\n");
	}
	return (int)t.len;
}
