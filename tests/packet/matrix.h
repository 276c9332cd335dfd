/* matrix.h - every state against every kind of segment: the cells, and the segments that they stand for. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_MATRIX_H
#define PACKET_MATRIX_H

#include "model.h"

/* Of 11 states x 9 kinds x 5 positions x 4 acknowledgements x 4 timestamps every combination is a cell. The
 * first eight kinds with timestamps off and on are the 3,520 core cells. */

enum matrix_kind {
	MATRIX_SYN,
	MATRIX_SYN_ACK,
	MATRIX_ACK,
	MATRIX_DATA,
	MATRIX_FIN,
	MATRIX_RST,
	MATRIX_RST_ACK,
	MATRIX_DATA_FIN,
	MATRIX_DATA_NO_ACK, /* text without the ACK flag */
	MATRIX_N_KINDS,
};

/* Where the segment begins, seen from RCV.NXT. In states that have none (CLOSED, LISTEN, SYN-SENT) the
 * conn's rcv_nxt and rcv_wnd are read as they stand, and must not matter. */
enum matrix_seq {
	MATRIX_SEQ_LEFT,     /* ends MATRIX_FAR octets before RCV.NXT */
	MATRIX_SEQ_STRADDLE, /* half of the text before RCV.NXT; if at most a SYN or FIN: RCV.NXT - 1 */
	MATRIX_SEQ_EXACT,  /* RCV.NXT */
	MATRIX_SEQ_INSIDE, /* MATRIX_GAP octets beyond RCV.NXT, all of it in the window */
	MATRIX_SEQ_RIGHT,  /* RCV.NXT + RCV.WND: the first octet out of the window */
	MATRIX_N_SEQS,
};

/* The ACK field; also filled in where the flag is off, and must then not matter. */
enum matrix_ack {
	MATRIX_ACK_OLD,	   /* SND.UNA - 1: stays within MAX.SND.WND */
	MATRIX_ACK_SAME,   /* SND.UNA */
	MATRIX_ACK_NEW,	   /* SND.NXT: all that was sent, our FIN with it */
	MATRIX_ACK_UNSENT, /* SND.NXT + 1 */
	MATRIX_N_ACKS,
};

enum matrix_ts {
	MATRIX_TS_OFF, /* not agreed, not on the segment */
	MATRIX_TS_ON,  /* agreed (LISTEN, SYN-SENT: offered) and on the segment, TS.Recent + 1 */
	MATRIX_TS_OLD, /* agreed and on the segment, TS.Recent - 1 */
	MATRIX_TS_MISSING, /* agreed and not on the segment */
	MATRIX_N_TSS,
};

enum {
	MATRIX_TEXT_BYTES =
	    20, /* of the kinds with data: fewer than MATRIX_WND_BYTES - MATRIX_GAP */
	MATRIX_FAR = 100,
	MATRIX_GAP = 50,
	MATRIX_WND = 900,      /* window field of every segment */
	MATRIX_TSECR = 0x5ec7, /* TSecr: a driver with a clock writes its own over it */
	MATRIX_NAME_BYTES = 80,
};

struct matrix_cell {
	enum model_state state;
	enum matrix_kind kind;
	enum matrix_seq seq;
	enum matrix_ack ack;
	enum matrix_ts ts;
	bool core;		      /* one of the 3,520 */
	char name[MATRIX_NAME_BYTES]; /* "FIN-WAIT-1 data+ACK seq:inside ack:new ts:on" */
};

extern const unsigned matrix_count;

void matrix_cell(unsigned i, struct matrix_cell *out);

/* The segment of a cell for a connection that is in the cell's state; conn->rcv_wnd at least 200 octets in the
 * synchronized states. */
void matrix_segment(const struct matrix_cell *cell, const struct model_conn *conn,
		    struct tcp_seg *out);

/* A TCB to stand in for an endpoint in the cell's state: passive, 500 octets sent after the SYN, the last 100 of
 * them (and our FIN, where the state waits for its ACK) not yet acknowledged, 300 received and acknowledged;
 * sequence numbers near the wrap. A driver makes its own from its endpoint's numbers. */
void matrix_conn(const struct matrix_cell *cell, struct model_conn *out);

#endif
