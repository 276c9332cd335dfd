/* diff_reasons_out.c - differences in what is sent, and in what the user is told. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff_reasons.h"

bool
why_nagle(const struct duel *d, const struct step *s)
{
	const struct answer *l = of_linux(d);
	const struct tcb *t = diff_ours_tcb();

	(void)s;
	return t && d->flow.lport == DIFF_PORT_NAGLE && l->n >= of_ours(d)->n && carries_data(l) &&
	       l->reply[l->n - 1].tcp.len < t->mss &&
	       (l->n > of_ours(d)->n || !carries_data(of_ours(d)));
}

bool
why_write_early(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_CALL && s->call == CALL_WRITE &&
	       (d->state == TCP_SYN_SENT || d->state == TCP_SYN_RECEIVED);
}

/* One segment more than Linux, into a window that is now full. */
bool
why_silly(const struct duel *d, const struct step *s)
{
	const struct answer *l = of_linux(d), *o = of_ours(d);
	const struct tcb *t = diff_ours_tcb();

	(void)s;
	return t && o->n > 0 && o->n >= l->n && o->reply[o->n - 1].tcp.len > 0 &&
	       o->reply[o->n - 1].tcp.len < t->mss && t->snd_nxt - t->snd_una == t->snd_wnd;
}

/* Windows have changed, and what may be sent now differs. */
bool
why_window_taken(const struct duel *d, const struct step *s)
{
	(void)s;
	return d->odd_window && (carries_data(of_linux(d)) || carries_data(of_ours(d)));
}

/* Linux's cwnd grows by all that is acknowledged, however much at once. */
bool
why_growth(const struct duel *d, const struct step *s)
{
	const struct tcb *t = diff_ours_tcb();

	(void)s;
	return t && is_held_back(d) && t->snd_nxt - t->snd_una > 8u * t->mss;
}

/* The window has been taken back behind SND.NXT: Linux's ACK is at its edge. */
bool
why_seq_in_window(const struct duel *d, const struct step *s)
{
	(void)s;
	return d->odd_window && strcmp(d->what, "seq") == 0 && of_linux(d)->reply[0].tcp.len == 0;
}

/* Octets have been repeated, now or before: what may be sent depends on it from then on. */
bool
why_recovery(const struct duel *d, const struct step *s)
{
	(void)s;
	return d->odd_repeat && (carries_data(of_linux(d)) || carries_data(of_ours(d)));
}

bool
why_abort_closing(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_CALL && s->call == CALL_ABORT && is_silence(of_ours(d)) &&
	       (d->state == TCP_LAST_ACK || d->state == TCP_CLOSING);
}

/* Linux waits until it could send more at once. */
bool
why_deferred(const struct duel *d, const struct step *s)
{
	const struct tcb *t = diff_ours_tcb();

	(void)s;
	return t && of_linux(d)->n < of_ours(d)->n && carries_data(of_ours(d)) &&
	       t->snd_nxt - t->snd_una > 3u * t->mss;
}

bool
why_end_unread(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_CALL && s->call == CALL_RESUME && of_ours(d)->ended &&
	       of_linux(d)->n_read > 0 && of_ours(d)->n_read == 0;
}

bool
why_window_update(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_CALL && s->call == CALL_RESUME && is_silence(of_linux(d)) &&
	       is_ack(of_ours(d)) && same_user(d);
}

/* The same data, and an ACK by itself before or after it on one side. */
bool
why_ack_apart(const struct duel *d, const struct step *s)
{
	unsigned n = same_data(d);

	(void)s;
	return n > 0 && !data_segment(of_linux(d), n) && !data_segment(of_ours(d), n) &&
	       of_linux(d)->n != of_ours(d)->n && same_user(d);
}

/* Full segments of ours have no room for SACK blocks. */
bool
why_sack_on_data(const struct duel *d, const struct step *s)
{
	const struct tcp_seg *l = &of_linux(d)->reply[0].tcp, *o = &of_ours(d)->reply[0].tcp;

	(void)s;
	return of_linux(d)->n > 0 && of_ours(d)->n > 0 && l->n_sack > o->n_sack && o->len > 0;
}

bool
why_close_early(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_CALL && s->call == CALL_SHUTDOWN && d->state == TCP_SYN_SENT;
}

bool
why_reset_unread(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_CALL && s->call == CALL_RESUME && of_ours(d)->reset &&
	       of_linux(d)->n_read > 0 && of_ours(d)->n_read == 0;
}
