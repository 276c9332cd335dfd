/* diff_rows.c - the behaviour checklist, row by row: connections from LISTEN to the end. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/linux/diff_rows.h"

#include <string.h>

enum { TRIES = 5 };

const uint8_t all_opts = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMP;

bool
at(struct duel *d, uint8_t flags, int32_t seq, int32_t ack, uint16_t len)
{
	struct step s = duel_segment(d, flags, len);

	s.seg.seq += (uint32_t)seq;
	s.seg.ack += (uint32_t)ack;
	return duel_step(d, &s);
}

/* --- A: no connection, LISTEN, SYN-RECEIVED --- */

static void
closed_port(struct duel *d)
{
	struct step s;

	d->flow.lport = DIFF_PORT_CLOSED;
	duel_send(d, TCP_SYN, 0);	 /* A1 */
	duel_send(d, TCP_SYN, 10);	 /* A1 */
	s = duel_segment(d, TCP_ACK, 0); /* A2 */
	s.seg.ack = 777;
	duel_step(d, &s);
	duel_send(d, TCP_RST, 0);		      /* A3 */
	duel_send(d, TCP_FIN | TCP_PSH | TCP_URG, 5); /* A4 */
	duel_send(d, TCP_SYN | TCP_FIN, 0);
	duel_send(d, TCP_RST | TCP_ACK, 0);
}

static void
options_answered(struct duel *d) /* A5 */
{
	d->syn_opts = all_opts;
	d->our_wscale = 7;
	duel_send(d, TCP_SYN, 0);
}

static void
no_options(struct duel *d) /* A6 */
{
	duel_open(d, 0);
	duel_call(d, CALL_WRITE, 3000);
}

static void
text_on_syn(struct duel *d) /* A7 */
{
	duel_send(d, TCP_SYN, 100);
	duel_send(d, TCP_ACK, 0);
	duel_send(d, TCP_ACK | TCP_PSH, 100);
	duel_send(d, TCP_ACK | TCP_PSH, 10);
}

static void
ack_to_listen(struct duel *d) /* A3, A8 */
{
	duel_send(d, TCP_ACK, 0);
	duel_send(d, TCP_SYN | TCP_ACK, 0);
	duel_send(d, TCP_RST, 0);
	duel_send(d, TCP_ACK, 1000);
}

static void
odd_flags_to_listen(struct duel *d) /* A9 */
{
	duel_send(d, TCP_SYN | TCP_FIN, 0);
	duel_send(d, TCP_SYN | TCP_RST, 0);
	duel_send(d, TCP_RST | TCP_FIN, 0);
	duel_send(d, TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK, 0);
	duel_open(d, all_opts);
}

static void
null_to_listen(struct duel *d) /* A9 */
{
	duel_send(d, 0, 0);
}

static void
xmas_to_listen(struct duel *d) /* A9 */
{
	duel_send(d, TCP_FIN | TCP_PSH | TCP_URG, 0);
}

static void
syn_twice(struct duel *d) /* A11 */
{
	d->syn_opts = TCP_OPT_MSS;
	duel_send(d, TCP_SYN, 0);
	duel_send(d, TCP_SYN, 0);
	duel_send(d, TCP_ACK, 0);
	duel_send(d, TCP_ACK, 10);
}

static void
syn_of_another(struct duel *d) /* A12 */
{
	duel_send(d, TCP_SYN, 0);
	at(d, TCP_SYN, 5000, 0, 0);
}

static void
wrong_third_ack(struct duel *d) /* A13 */
{
	duel_send(d, TCP_SYN, 0);
	at(d, TCP_ACK, 0, 1, 0);
	at(d, TCP_ACK, 0, -1, 0);
	duel_send(d, TCP_ACK, 0);
	duel_send(d, TCP_ACK, 5);
}

static void
reset_half_open(struct duel *d) /* A14 */
{
	duel_send(d, TCP_SYN, 0);
	at(d, TCP_RST, 100, 0, 0);
	duel_send(d, TCP_ACK, 0);
}

static void
reset_half_open_exactly(struct duel *d) /* A14 */
{
	duel_send(d, TCP_SYN, 0);
	at(d, TCP_RST, 0, 0, 0);
	duel_send(d, TCP_ACK, 0);
}

static void
third_ack_with_text(struct duel *d) /* A15 */
{
	d->syn_opts = all_opts;
	duel_send(d, TCP_SYN, 0);
	duel_send(d, TCP_ACK | TCP_PSH, 20);
	duel_send(d, TCP_ACK | TCP_PSH, 20);
}

static void
third_ack_with_fin(struct duel *d)
{
	duel_send(d, TCP_SYN, 0);
	duel_send(d, TCP_ACK | TCP_FIN, 20);
	duel_call(d, CALL_SHUTDOWN, 0);
	duel_send(d, TCP_ACK, 0);
}

/* --- E: close --- */

static void
passive_close(struct duel *d) /* E1 */
{
	duel_open(d, all_opts);
	duel_send(d, TCP_FIN | TCP_ACK, 10);
	duel_call(d, CALL_WRITE, 500);
	duel_call(d, CALL_SHUTDOWN, 0);
	duel_send(d, TCP_ACK, 0);
	duel_send(d, TCP_ACK, 0);
}

static void
active_close(struct duel *d) /* E1, E3 */
{
	duel_open(d, all_opts);
	duel_call(d, CALL_SHUTDOWN, 0);
	duel_send(d, TCP_ACK, 0);
	duel_send(d, TCP_ACK, 700);
	duel_send(d, TCP_FIN | TCP_ACK, 0);
	at(d, TCP_FIN | TCP_ACK, -1, 0, 0);
	at(d, TCP_ACK, -100, 0, 50);
}

static void
simultaneous_close(struct duel *d) /* E2 */
{
	duel_open(d, all_opts);
	duel_call(d, CALL_SHUTDOWN, 0);
	at(d, TCP_FIN | TCP_ACK, 0, -1, 0);
	duel_send(d, TCP_ACK, 0);
	at(d, TCP_FIN | TCP_ACK, -1, 0, 0);
}

static void
time_wait_reused(struct duel *d) /* E3, RFC 6191 */
{
	struct step s;

	duel_open(d, all_opts);
	duel_call(d, CALL_SHUTDOWN, 0);
	duel_send(d, TCP_FIN | TCP_ACK, 0);
	s = duel_segment(d, TCP_SYN, 0);
	s.seg.seq = d->view[1].rcv_nxt + 100000;
	s.seg.tsval += 5000;
	s.relative = 0;
	duel_step(d, &s);
}

static void
time_wait_old_syn(struct duel *d) /* E3 */
{
	duel_open(d, 0);
	duel_call(d, CALL_SHUTDOWN, 0);
	duel_send(d, TCP_FIN | TCP_ACK, 0);
	at(d, TCP_SYN, -100000, 0, 0);
}

static void
close_in_syn_sent(struct duel *d) /* E6 */
{
	d->active = true;
	duel_call(d, CALL_CONNECT, 0);
	duel_call(d, CALL_ABORT, 0);
}

static void
active_open(struct duel *d)
{
	d->active = true;
	d->our_wscale = 3;
	duel_open(d, all_opts);
	duel_call(d, CALL_WRITE, 2000);
	duel_send(d, TCP_ACK, 300);
	duel_call(d, CALL_SHUTDOWN, 0);
	duel_send(d, TCP_FIN | TCP_ACK, 0);
}

static void
refused(struct duel *d)
{
	d->active = true;
	duel_call(d, CALL_CONNECT, 0);
	at(d, TCP_RST, 0, 0, 0);
	at(d, TCP_RST | TCP_ACK, 0, 5, 0);
	at(d, TCP_ACK, 0, 5, 0);
	duel_send(d, TCP_RST | TCP_ACK, 0);
}

static void
simultaneous_open(struct duel *d)
{
	d->active = true;
	d->syn_opts = TCP_OPT_MSS | TCP_OPT_TIMESTAMP | TCP_OPT_SACK_PERMITTED | TCP_OPT_WSCALE;
	duel_call(d, CALL_CONNECT, 0);
	duel_send(d, TCP_SYN, 0);
	duel_send(d, TCP_SYN | TCP_ACK, 0);
	duel_send(d, TCP_ACK, 10);
}

const struct row rows_states[] = {
    {"A1-A4", closed_port},
    {"A5", options_answered},
    {"A6", no_options},
    {"A7", text_on_syn},
    {"A8", ack_to_listen},
    {"A9", odd_flags_to_listen},
    {"A9-null", null_to_listen},
    {"A9-xmas", xmas_to_listen},
    {"A11", syn_twice},
    {"A12", syn_of_another},
    {"A13", wrong_third_ack},
    {"A14", reset_half_open},
    {"A14-exact", reset_half_open_exactly},
    {"A15", third_ack_with_text},
    {"A15-fin", third_ack_with_fin},
    {"E1-passive", passive_close},
    {"E1-active", active_close},
    {"E2", simultaneous_close},
    {"E3", time_wait_reused},
    {"E3-old", time_wait_old_syn},
    {"E6", close_in_syn_sent},
    {"open-active", active_open},
    {"open-refused", refused},
    {"open-both", simultaneous_open},
    {0},
};

/* Again, when the machine was too busy to tell. */
static void
play_row(struct duel *d, const struct row *r, unsigned n)
{
	for (unsigned tries = 0; tries < TRIES; tries++) {
		duel_begin(d, 0, n);
		d->flow.raddr = DIFF_FAR + DIFF_FAR_HOSTS + n;
		d->flow.rport = (uint16_t)(d->flow.rport + tries);
		d->row = r->id;
		r->play(d);
		duel_end(d);
		if (!d->slow)
			return;
	}
}

unsigned
diff_rows(struct duel *d, const char *only)
{
	const struct row *const all[] = {rows_states, rows_segments, rows_packets};
	unsigned n = 0;

	for (unsigned i = 0; i < 3; i++)
		for (const struct row *r = all[i]; r->id; r++) {
			if (only && strcmp(only, r->id) != 0)
				continue;
			play_row(d, r, n++);
			if (only)
				diff_show(d);
		}
	return n;
}
