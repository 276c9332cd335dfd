/* model_trace.h - watches one end of a connection: is what it emits permitted, given what arrived there? */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_MODEL_TRACE_H
#define PACKET_MODEL_TRACE_H

#include "model.h"

/*
 * Fed with every segment that arrives at an endpoint and every one that it emits, in their order, a trace holds
 * all TCBs that the endpoint may have by the model: an arrival takes each of them to its permitted answers, an
 * emission strikes those out that it contradicts. When none is left, the emission was a fault. A connection that
 * is seen at both ends has two traces.
 *
 * An endpoint may take several arrivals before it emits (RFC 9293 MUST-58), so a reply is not asked for at
 * once: acknowledgements must come within 500 ms, and what is emitted must be true.
 */

enum {
	MODEL_TRACE_TCBS = 16,
	MODEL_TRACE_RSTS = 8,
	MODEL_TRACE_REPLIES = 2, /* to one arrival */
};

#define MODEL_TRACE_LATE_NS UINT64_C(500000000) /* 9293 MUST-40 */

enum model_fault {
	MODEL_FINE,
	MODEL_FAULT_GAP,	 /* starts beyond everything sent */
	MODEL_FAULT_ISS,	 /* SYN with another number */
	MODEL_FAULT_WINDOW,	 /* text beyond every right edge offered, and no probe */
	MODEL_FAULT_AFTER_FIN,	 /* text after our FIN, or the FIN moved */
	MODEL_FAULT_ACKED,	 /* sends again what is acknowledged, and is no probe */
	MODEL_FAULT_EDGE,	 /* takes back window (SHLD-14) */
	MODEL_FAULT_ACK_BACK,	 /* SEG.ACK less than before */
	MODEL_FAULT_ACK,	 /* acknowledges what did not arrive */
	MODEL_FAULT_SACK,	 /* reports what did not arrive */
	MODEL_FAULT_STATE,	 /* nothing like it may be sent in this state */
	MODEL_FAULT_NO_STAMP,	 /* agreed timestamp missing */
	MODEL_FAULT_STAMP_BACK,	 /* TSval less than before */
	MODEL_FAULT_ECHO,	 /* TSecr not between the last one and TS.Recent */
	MODEL_FAULT_RST,	 /* RST that nothing called for */
	MODEL_FAULT_RST_FOR_RST, /* answers a RST with one */
	MODEL_FAULT_TOO_MANY,	 /* a third identical ACK for one arrival */
	MODEL_FAULT_LATE,	 /* text not acknowledged within 500 ms */
	MODEL_N_FAULTS,
};

struct model_trace {
	uint32_t choices; /* in which this endpoint may depart: bits 1 << enum model_choice */
	unsigned n;
	struct model_conn tcbs[MODEL_TRACE_TCBS]; /* likeliest first */

	/* as sender */
	bool sent, edge_known, fin_sent, anew; /* anew: a SYN with a new ISS is due */
	uint32_t iss, snd_max, acked, edge, fin_seq;
	/* as receiver */
	bool announced, stamped, echoed;
	uint32_t last_ack, last_edge, last_tsval, last_tsecr;
	uint64_t owed_since_ns; /* 0: nothing is owed */

	unsigned replies;    /* identical pure ACKs since the last arrival */
	struct tcp_seg last; /* emitted */
	bool rst_arrived;    /* the last arrival was a RST */
	bool aborted;	     /* the user called ABORT: one RST is free */
	unsigned n_rsts;
	struct model_reply rsts[MODEL_TRACE_RSTS]; /* that arrivals call for */
};

/* conn: as model_listen or model_connect left it. Of the choices, name those that the endpoint is known to make
 * (or all): the fewer, the sharper the trace. */
void model_trace_open(struct model_trace *trace, const struct model_conn *conn, uint32_t choices);

/* Times are in nanoseconds, not less than 1 and never less than before. */
enum model_fault model_trace_arrived(struct model_trace *trace, uint64_t now_ns,
				     const struct tcp_seg *seg);
enum model_fault model_trace_emitted(struct model_trace *trace, uint64_t now_ns,
				     const struct tcp_seg *seg);
/* Nothing happened until now. */
enum model_fault model_trace_idle(struct model_trace *trace, uint64_t now_ns);

void model_trace_close(struct model_trace *trace, bool deaf);
void model_trace_abort(struct model_trace *trace);
/* 2MSL ran out, or the endpoint gave up: there is no TCB any more. */
void model_trace_expire(struct model_trace *trace);

const char *model_fault_name(enum model_fault fault);

#endif
