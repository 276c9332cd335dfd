/* diff_rows_segments.c - the behaviour checklist: options, the receive path, blind attacks, the sender. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff_rows.h"

#include <string.h>

/* --- B: options and header --- */

static bool
with_options(struct duel *d, uint8_t flags, uint16_t len, const uint8_t *options, uint8_t n)
{
	struct step s = duel_segment(d, flags, len);

	memcpy(s.options, options, n);
	s.n_options = n;
	return duel_step(d, &s);
}

static void
bad_lengths(struct duel *d) /* B1 */
{
	static const uint8_t zero[] = {2, 0, 5, 0xb4}, one[] = {8, 1, 1, 1}, past[] = {3, 40, 7, 1},
			     short_mss[] = {2, 3, 5, 1};

	d->flow.lport = DIFF_PORT_CLOSED;
	with_options(d, TCP_SYN, 0, zero, sizeof(zero));
	with_options(d, TCP_SYN, 0, one, sizeof(one));
	with_options(d, TCP_SYN, 0, past, sizeof(past));
	with_options(d, TCP_SYN, 0, short_mss, sizeof(short_mss));
}

static void
unknown_kind(struct duel *d) /* B2 */
{
	static const uint8_t options[] = {200, 4, 9, 9, 1, 2, 4, 4, 0, 1, 1, 1};

	with_options(d, TCP_SYN, 0, options, sizeof(options));
	duel_send(d, TCP_ACK, 0);
	duel_call(d, CALL_WRITE, 2000);
}

static void
only_nops(struct duel *d) /* B2 */
{
	static const uint8_t nops[40] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

	with_options(d, TCP_SYN, 0, nops, sizeof(nops));
	duel_send(d, TCP_ACK, 0);
	duel_send(d, TCP_ACK, 10);
}

static void
scale_of_15(struct duel *d) /* B3 */
{
	static const uint8_t options[] = {1, 3, 3, 15};

	with_options(d, TCP_SYN, 0, options, sizeof(options));
	duel_send(d, TCP_ACK, 0);
	duel_call(d, CALL_WRITE, 100);
}

static void
mss_of(struct duel *d, uint16_t mss)
{
	d->mss = mss;
	duel_open(d, TCP_OPT_MSS);
	duel_call(d, CALL_WRITE, 200);
}

static void
mss_88(struct duel *d) /* B4 */
{
	mss_of(d, 88);
}

static void
mss_65535(struct duel *d) /* B4 */
{
	mss_of(d, 65535);
}

static void
damaged(struct duel *d) /* B6 */
{
	struct step s;

	duel_open(d, all_opts);
	s = duel_segment(d, TCP_ACK, 101);
	s.damage = 1;
	duel_step(d, &s);
	duel_send(d, TCP_ACK, 101);
}

static void
mss_later(struct duel *d) /* B7 */
{
	struct step s;

	duel_open(d, TCP_OPT_MSS);
	s = duel_segment(d, TCP_ACK, 10);
	s.seg.opts |= TCP_OPT_MSS;
	s.seg.mss = 100;
	duel_step(d, &s);
	duel_call(d, CALL_WRITE, 1000);
}

/* --- C: the receive path --- */

static void
in_order(struct duel *d) /* C1, B8 */
{
	duel_open(d, all_opts);
	for (uint16_t i = 1; i < 20; i++)
		duel_send(d, TCP_ACK, (uint16_t)(i * 70));
}

static void
out_of_order(struct duel *d) /* C2 */
{
	duel_open(d, all_opts);
	at(d, TCP_ACK, 100, 0, 100);
	at(d, TCP_ACK, 300, 0, 100);
	at(d, TCP_ACK, 300, 0, 100);
	at(d, TCP_ACK, 500, 0, 100);
	at(d, TCP_ACK, 700, 0, 100);
	at(d, TCP_ACK, 0, 0, 100);
	at(d, TCP_ACK, 0, 0, 100);
	at(d, TCP_ACK, 0, 0, 400);
}

static void
left_overlap(struct duel *d) /* C3 */
{
	duel_open(d, all_opts);
	duel_send(d, TCP_ACK, 100);
	at(d, TCP_ACK, -5, 0, 10);
	at(d, TCP_ACK, -50, 0, 20);
}

static void
other_content(struct duel *d) /* C4 */
{
	struct step s;

	duel_open(d, TCP_OPT_MSS);
	s = duel_segment(d, TCP_ACK, 50);
	s.seg.seq += 50;
	s.filler = 'B';
	duel_step(d, &s);
	s = duel_segment(d, TCP_ACK, 80);
	s.filler = 'A';
	duel_step(d, &s);
}

static void
beyond_edge(struct duel *d) /* C5 */
{
	struct step s;

	duel_open(d, all_opts);
	s = duel_segment(d, TCP_ACK, 100);
	s.relative |= REL_EDGE;
	s.seg.seq = 0;
	duel_step(d, &s);
	s.seg.seq = 5000;
	duel_step(d, &s);
	duel_send(d, TCP_ACK, 10);
}

static void
bad_acks(struct duel *d) /* C8, F15 */
{
	duel_open(d, TCP_OPT_MSS);
	duel_call(d, CALL_WRITE, 1000);
	at(d, TCP_ACK, 0, 1, 10);
	at(d, TCP_ACK, 0, 100000, 10);
	at(d, TCP_ACK, 0, -200000, 10);
	duel_send(d, TCP_ACK, 10);
}

static void
without_ack(struct duel *d) /* C9 */
{
	duel_open(d, all_opts);
	duel_send(d, TCP_PSH, 10);
	duel_send(d, 0, 10);
	duel_send(d, TCP_FIN, 0);
	duel_send(d, TCP_ACK, 10);
}

static void
fin_out_of_order(struct duel *d) /* C10 */
{
	duel_open(d, all_opts);
	at(d, TCP_FIN | TCP_ACK, 100, 0, 50);
	duel_send(d, TCP_ACK, 100);
}

static void
text_after_fin(struct duel *d) /* C11 */
{
	duel_open(d, all_opts);
	duel_send(d, TCP_FIN | TCP_ACK, 10);
	duel_send(d, TCP_ACK, 10);
}

static void
urgent(struct duel *d, uint16_t pointer, uint8_t flags)
{
	struct step s;

	duel_open(d, all_opts);
	s = duel_segment(d, flags, 10);
	s.seg.urg = pointer;
	duel_step(d, &s);
	duel_send(d, TCP_ACK, 10);
}

static void
urgent_5(struct duel *d) /* C12 */
{
	urgent(d, 5, TCP_URG | TCP_ACK);
}

static void
urgent_far(struct duel *d) /* C12 */
{
	urgent(d, 65535, TCP_URG | TCP_ACK);
}

static void
urgent_no_flag(struct duel *d) /* C12 */
{
	urgent(d, 5, TCP_ACK);
}

static void
wrap(struct duel *d) /* C13 */
{
	d->irs = 0u - 2;
	out_of_order(d);
	at(d, TCP_ACK, -200, 0, 100);
	duel_send(d, TCP_FIN | TCP_ACK, 100);
}

static void
paws(struct duel *d) /* C14 */
{
	struct step s;

	duel_open(d, all_opts);
	duel_send(d, TCP_ACK, 10);
	s = duel_segment(d, TCP_ACK, 10);
	s.seg.tsval -= 100;
	duel_step(d, &s);
	s.seg.flags = TCP_RST;
	s.seg.len = 0;
	duel_step(d, &s);
}

static void
no_timestamp(struct duel *d) /* C15 */
{
	struct step s;

	duel_open(d, all_opts);
	s = duel_segment(d, TCP_ACK, 10);
	s.seg.opts = 0;
	duel_step(d, &s);
}

static void
keepalive(struct duel *d) /* C16 */
{
	duel_open(d, all_opts);
	duel_send(d, TCP_ACK, 10);
	at(d, TCP_ACK, -1, 0, 0);
	diff_ours_wait(600000000);
	at(d, TCP_ACK, -1, 0, 1);
}

/* --- D: blind attacks, resets --- */

static void
reset_exact(struct duel *d) /* D1 */
{
	duel_open(d, all_opts);
	at(d, TCP_RST, 0, 0, 0);
	duel_send(d, TCP_ACK, 0);
}

static void
reset_in_window(struct duel *d) /* D2, D3 */
{
	duel_open(d, all_opts);
	at(d, TCP_RST, -1, 0, 0);
	at(d, TCP_RST, 100000, 0, 0);
	at(d, TCP_RST, 1, 0, 0);
	diff_ours_wait(600000000);
	at(d, TCP_RST, 100, 0, 0);
	duel_send(d, TCP_ACK, 10);
}

static void
syn_in_established(struct duel *d) /* D4 */
{
	struct step s;

	duel_open(d, TCP_OPT_MSS);
	duel_send(d, TCP_SYN, 0);
	for (int32_t seq = -100000; seq <= 100000; seq += 50000) {
		diff_ours_wait(600000000);
		s = duel_segment(d, TCP_SYN, 0);
		s.seg.seq = d->view[1].rcv_nxt + (uint32_t)seq;
		duel_step(d, &s);
	}
	diff_ours_wait(600000000);
	at(d, TCP_SYN | TCP_ACK, 0, 0, 0);
	duel_send(d, TCP_ACK, 10);
}

static void
abort_by_user(struct duel *d) /* D6 */
{
	duel_open(d, all_opts);
	duel_call(d, CALL_WRITE, 100);
	duel_call(d, CALL_ABORT, 0);
}

/* --- F: the sender --- */

static void
initial_window(struct duel *d) /* F1 */
{
	d->flow.lport = DIFF_PORT_NODELAY;
	duel_open(d, TCP_OPT_MSS);
	duel_call(d, CALL_WRITE, 20 * 1460);
}

static void
three_duplicates(struct duel *d) /* F3 */
{
	d->flow.lport = DIFF_PORT_NODELAY;
	duel_open(d, TCP_OPT_MSS);
	duel_call(d, CALL_WRITE, 10 * 1460);
	for (unsigned i = 0; i < 3; i++)
		at(d, TCP_ACK, 0, -10 * 1460, 0);
}

static void
window_taken_back(struct duel *d) /* F11 */
{
	struct step s;

	d->flow.lport = DIFF_PORT_NODELAY;
	duel_open(d, TCP_OPT_MSS);
	duel_call(d, CALL_WRITE, 3000);
	s = duel_segment(d, TCP_ACK, 10);
	s.seg.wnd = 0;
	duel_step(d, &s);
	duel_call(d, CALL_WRITE, 1000);
	s = duel_segment(d, TCP_ACK, 10);
	duel_step(d, &s);
}

static void
nodelay(struct duel *d) /* F12 */
{
	d->flow.lport = DIFF_PORT_NODELAY;
	duel_open(d, all_opts);
	for (unsigned i = 0; i < 5; i++)
		duel_call(d, CALL_WRITE, 10);
}

static void
nagle(struct duel *d) /* F12 */
{
	duel_open(d, all_opts);
	for (unsigned i = 0; i < 5; i++)
		duel_call(d, CALL_WRITE, 10);
	duel_send(d, TCP_ACK, 0);
}

const struct row rows_segments[] = {
    {"B1", bad_lengths},
    {"B2", unknown_kind},
    {"B2-nops", only_nops},
    {"B3", scale_of_15},
    {"B4-88", mss_88},
    {"B4-65535", mss_65535},
    {"B6", damaged},
    {"B7", mss_later},
    {"C1", in_order},
    {"C2", out_of_order},
    {"C3", left_overlap},
    {"C4", other_content},
    {"C5", beyond_edge},
    {"C8", bad_acks},
    {"C9", without_ack},
    {"C10", fin_out_of_order},
    {"C11", text_after_fin},
    {"C12-5", urgent_5},
    {"C12-far", urgent_far},
    {"C12-no-flag", urgent_no_flag},
    {"C13", wrap},
    {"C14", paws},
    {"C15", no_timestamp},
    {"C16", keepalive},
    {"D1", reset_exact},
    {"D2-D3", reset_in_window},
    {"D4", syn_in_established},
    {"D6", abort_by_user},
    {"F1", initial_window},
    {"F3", three_duplicates},
    {"F11", window_taken_back},
    {"F12-nodelay", nodelay},
    {"F12-nagle", nagle},
    {0},
};
