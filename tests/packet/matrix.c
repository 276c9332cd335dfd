/* matrix.c - the cells of the packet matrix: names, segments, and TCBs that stand in for an endpoint. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/matrix.h"

#include <stdio.h>

static const struct {
	const char *name;
	uint8_t flags;
	uint16_t len;
} kinds[] = {
    [MATRIX_SYN] = {"SYN", TCP_SYN, 0},
    [MATRIX_SYN_ACK] = {"SYN+ACK", TCP_SYN | TCP_ACK, 0},
    [MATRIX_ACK] = {"ACK", TCP_ACK, 0},
    [MATRIX_DATA] = {"data+ACK", TCP_ACK, MATRIX_TEXT_BYTES},
    [MATRIX_FIN] = {"FIN+ACK", TCP_FIN | TCP_ACK, 0},
    [MATRIX_RST] = {"RST", TCP_RST, 0},
    [MATRIX_RST_ACK] = {"RST+ACK", TCP_RST | TCP_ACK, 0},
    [MATRIX_DATA_FIN] = {"data+FIN+ACK", TCP_FIN | TCP_ACK, MATRIX_TEXT_BYTES},
    [MATRIX_DATA_NO_ACK] = {"data", 0, MATRIX_TEXT_BYTES},
};

static const char *const seq_names[] = {"left", "straddle", "exact", "inside", "right"};
static const char *const ack_names[] = {"old", "same", "new", "unsent"};
static const char *const ts_names[] = {"off", "on", "old", "missing"};

const unsigned matrix_count =
    MODEL_N_STATES * MATRIX_N_KINDS * MATRIX_N_SEQS * MATRIX_N_ACKS * MATRIX_N_TSS;

/* The next digit of i, in base n. */
static unsigned
digit(unsigned *i, unsigned n)
{
	unsigned d = *i % n;

	*i /= n;
	return d;
}

void
matrix_cell(unsigned i, struct matrix_cell *out)
{
	out->ts = digit(&i, MATRIX_N_TSS);
	out->ack = digit(&i, MATRIX_N_ACKS);
	out->seq = digit(&i, MATRIX_N_SEQS);
	out->kind = digit(&i, MATRIX_N_KINDS);
	out->state = digit(&i, MODEL_N_STATES);
	out->core = out->kind <= MATRIX_DATA_FIN && out->ts <= MATRIX_TS_ON;
	snprintf(out->name, sizeof(out->name), "%s %s seq:%s ack:%s ts:%s",
		 model_state_name(out->state), kinds[out->kind].name, seq_names[out->seq],
		 ack_names[out->ack], ts_names[out->ts]);
}

static uint32_t
segment_seq(const struct matrix_cell *cell, const struct model_conn *conn, uint32_t len)
{
	switch (cell->seq) {
	case MATRIX_SEQ_LEFT:
		return conn->rcv_nxt - MATRIX_FAR - len;
	case MATRIX_SEQ_STRADDLE:
		return conn->rcv_nxt - (len > 1 ? MATRIX_TEXT_BYTES / 2 : 1);
	case MATRIX_SEQ_INSIDE:
		return conn->rcv_nxt + MATRIX_GAP;
	case MATRIX_SEQ_RIGHT:
		return conn->rcv_nxt + conn->rcv_wnd;
	default:
		return conn->rcv_nxt;
	}
}

static uint32_t
segment_ack(const struct matrix_cell *cell, const struct model_conn *conn)
{
	switch (cell->ack) {
	case MATRIX_ACK_OLD:
		return conn->snd_una - 1;
	case MATRIX_ACK_NEW:
		return conn->snd_nxt;
	case MATRIX_ACK_UNSENT:
		return conn->snd_nxt + 1;
	default:
		return conn->snd_una;
	}
}

void
matrix_segment(const struct matrix_cell *cell, const struct model_conn *conn, struct tcp_seg *out)
{
	*out = (struct tcp_seg){.flags = kinds[cell->kind].flags, .len = kinds[cell->kind].len};
	out->seq = segment_seq(cell, conn, tcp_seg_len(out));
	out->ack = segment_ack(cell, conn);
	out->wnd = MATRIX_WND;
	if (cell->ts != MATRIX_TS_ON && cell->ts != MATRIX_TS_OLD)
		return;
	out->opts = TCP_OPT_TIMESTAMP;
	out->tsval = cell->ts == MATRIX_TS_ON ? conn->ts_recent + 1 : conn->ts_recent - 1;
	out->tsecr = MATRIX_TSECR;
}

/* --- TCBs --- */

enum { SENT_BYTES = 500, UNACKED_BYTES = 100, RECEIVED_BYTES = 300, WND_BYTES = 1000 };

static void
fill_handshaken(struct model_conn *c)
{
	c->irs = 0xffffff00;
	c->rcv_nxt = c->last_ack_sent = c->irs + 1;
	c->snd_wl1 = c->irs;
	c->snd_wl2 = c->iss;
	c->snd_wnd = c->max_snd_wnd = WND_BYTES;
}

static void
fill_synchronized(struct model_conn *c)
{
	c->rcv_nxt = c->last_ack_sent = c->irs + 1 + RECEIVED_BYTES;
	c->snd_nxt = c->iss + 1 + SENT_BYTES;
	c->snd_una = c->snd_nxt - UNACKED_BYTES;
	c->snd_wl1 = c->rcv_nxt - 1;
	c->snd_wl2 = c->snd_una;
}

/* Our FIN, and the peer's, as far as the state has seen them. */
static void
fill_fins(struct model_conn *c)
{
	bool ours = c->state != MODEL_ESTABLISHED && c->state != MODEL_CLOSE_WAIT;

	if (c->state >= MODEL_CLOSE_WAIT)
		c->last_ack_sent = ++c->rcv_nxt;
	if (!ours)
		return;
	c->fin_queued = c->fin_sent = true;
	c->fin_seq = c->snd_nxt++;
	if (c->state == MODEL_FIN_WAIT_2 || c->state == MODEL_TIME_WAIT)
		c->snd_una = c->snd_nxt;
}

void
matrix_conn(const struct matrix_cell *cell, struct model_conn *out)
{
	if (cell->state == MODEL_SYN_SENT)
		model_connect(out, 0xfffffff0, WND_BYTES);
	else
		model_listen(out, 0xfffffff0, WND_BYTES);
	out->state = cell->state;
	out->ts_offer = cell->ts != MATRIX_TS_OFF;
	if (cell->state < MODEL_SYN_RECEIVED)
		return;
	out->ts_ok = out->ts_recent_valid = out->ts_offer;
	out->ts_recent = out->ts_ok ? 5000 : 0;
	fill_handshaken(out);
	if (cell->state == MODEL_SYN_RECEIVED)
		return;
	fill_synchronized(out);
	fill_fins(out);
}
