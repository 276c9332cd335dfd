/* model.h - what RFC 9293 3.10.7 asks of one TCP endpoint when a segment arrives; shares nothing with common/tcp. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_MODEL_H
#define PACKET_MODEL_H

#include "wire/tcp.h"

/*
 * The oracle of the packet tests: RFC 9293 3.10.7 as changed by RFC 5961 (challenge ACKs), 7323 (timestamps,
 * PAWS), 1337 (RST in TIME-WAIT) and 6191 (SYN in TIME-WAIT), with the acknowledgement rules of 5681 4.2 and
 * 9293 3.8.6.3. It was written from these texts alone.
 *
 * A struct model_conn is the abstract TCB. model_step() takes it over one arriving segment and says what the
 * endpoint has to do. Where the documents leave a choice, or contradict each other, the result holds every
 * permitted answer; enum model_choice names the places. answers[0] is what we would do, and what *conn is left
 * in; a driver whose endpoint took another permitted way goes on with *conn = answers[i].after.
 *
 * Not here: retransmission, congestion control, what is sent because a window opened, and time. 2MSL, delayed
 * ACKs and the like appear as duties.
 */

enum model_state {
	MODEL_CLOSED, /* no TCB: also "gone" after a reset or the last ACK */
	MODEL_LISTEN, /* after a reset in passive SYN-RECEIVED: the half-open is gone, the listener stands */
	MODEL_SYN_SENT,
	MODEL_SYN_RECEIVED,
	MODEL_ESTABLISHED,
	MODEL_FIN_WAIT_1,
	MODEL_FIN_WAIT_2,
	MODEL_CLOSE_WAIT,
	MODEL_CLOSING,
	MODEL_LAST_ACK,
	MODEL_TIME_WAIT,
	MODEL_N_STATES,
};

enum {
	MODEL_HELD_MAX = 64,
	MODEL_ANSWERS_MAX = 16,
};

struct model_range {
	uint32_t start, end; /* [start, end) */
};

/* Fields that a state does not define are not read in it: CLOSED reads none, LISTEN iss (what the SYN,ACK will
 * carry), rcv_wnd and the two offers, SYN-SENT nothing of the peer but rcv_nxt and rcv_wnd as they stand, 0
 * usually. Windows are in octets, scaled. */
struct model_conn {
	enum model_state state;
	bool passive;  /* came from LISTEN */
	bool listener; /* a passive OPEN stands on this port: SYNs in TIME-WAIT may begin anew */

	uint32_t iss, snd_una, snd_nxt;
	uint32_t snd_wnd, snd_wl1, snd_wl2;
	uint32_t max_snd_wnd;	   /* MAX.SND.WND of RFC 5961 5.2 */
	bool fin_queued, fin_sent; /* the user closed; the FIN was emitted */
	uint32_t fin_seq;	   /* its number, if sent */

	uint32_t irs, rcv_nxt, rcv_wnd;
	uint32_t last_ack_sent; /* RFC 7323 4.3 */
	uint32_t owed_bytes;	/* sequence space taken but not yet acknowledged: an ACK is owed */
	uint16_t rcv_mss;	/* a full-sized segment of the peer (0: unknown), RFC 5681 4.2 */
	bool deaf;		/* the user closed for good, nobody reads any more (SHLD-3) */
	bool urgent;		/* in urgent mode, up to rcv_up */
	uint32_t rcv_up;
	unsigned n_held; /* beyond rcv_nxt, sorted, apart */
	struct model_range held[MODEL_HELD_MAX];
	bool held_fin; /* a FIN beyond rcv_nxt, at held_fin_seq */
	uint32_t held_fin_seq;

	bool ts_offer, ws_offer; /* before the handshake: we send or accept the option */
	bool ts_ok;		 /* timestamps agreed */
	bool ts_recent_valid;	 /* false after 24 days of idleness, RFC 7323 5.5 */
	uint32_t ts_recent;
	uint32_t paws_slack; /* a TSval so much older passes: 0 by RFC 7323, 1 in Linux */
	uint8_t snd_wscale;  /* shift for windows that arrive */
	uint8_t rcv_wscale;  /* shift for windows that we announce */
};

enum model_reply_kind {
	MODEL_SILENCE,
	MODEL_ACK, /* seq, ack; may ride on data that goes out anyway */
	MODEL_RST, /* seq, and no ACK flag */
	MODEL_RST_ACK,
	MODEL_SYN_ACK,
};

enum model_duty {
	MODEL_NOW,     /* sent before anything else arrives */
	MODEL_DELAYED, /* within 500 ms, alone, cumulative or on data (9293 MUST-40) */
	MODEL_LIMITED, /* now, but a rate limit may withhold it (RFC 5961 7, 7323 5.3 by analogy) */
	MODEL_MAY,     /* may be sent or not (9293 MAY-13, or owed from before) */
};

struct model_reply {
	enum model_reply_kind kind;
	enum model_duty duty; /* of no meaning for MODEL_SILENCE */
	uint32_t seq, ack;
	bool seq_after;	 /* TIME-WAIT reuse: any seq greater than this one (9293 MAY-2) */
	bool or_rst_ack; /* MODEL_RST of a live connection: RST,ACK with this seq does as well */
};

enum model_2msl {
	MODEL_2MSL_NONE,
	MODEL_2MSL_START,
	MODEL_2MSL_RESTART,
	MODEL_2MSL_MAY_RESTART,
};

/* What the user comes to know. */
struct model_effects {
	uint32_t delivered;    /* octets that became readable, */
	uint32_t delivered_at; /* from this offset in the stream (0: octet irs + 1) */
	uint32_t held;	       /* octets newly held beyond a gap, */
	uint32_t held_seq;     /* from here */
	bool established;
	bool eof;	/* "connection closing" */
	bool reset;	/* "connection reset" */
	bool reset_may; /* the user has closed already: may be told */
	bool refused;	/* "connection refused" */
	bool urgent;	/* told of urgent data, up to conn.rcv_up */
	enum model_2msl time_wait;
};

/* The places where more than one answer is right. An answer has the bit of each choice in which it departs
 * from the first answer's reading. */
enum model_choice {
	MODEL_CH_TS_MISSING_TAKEN, /* agreed timestamp missing: take the segment; 7323 3.2 drops it */
	MODEL_CH_TS_RECENT_EARLY,  /* TS.Recent also from a segment that is discarded (7323 4.3) */
	MODEL_CH_SYN_ACK_AGAIN,	   /* SYN-RECEIVED, the same SYN: SYN,ACK again; 9293 has ACK */
	MODEL_CH_CROSSED_SYN_ACK,  /* SYN-RECEIVED, SYN,ACK at IRS: its ACK counts (9293 Fig. 8) */
	MODEL_CH_OLD_ACK_READ,	   /* touches the window from the left: its ACK counts (9293 A.2) */
	MODEL_CH_ZERO_WINDOW_DEAF, /* RCV.WND = 0: the ACK of a segment with text is not read */
	MODEL_CH_SYN_RCVD_CHALLENGE, /* SYN-RECEIVED, SYN in window: ACK; 9293 goes back to LISTEN */
	MODEL_CH_BAD_ACK_CHALLENGE,  /* SYN-RECEIVED, bad ACK: ACK (5961 5.2); 9293 3.5.2 has RST */
	MODEL_CH_SYN_SENT_RST_SEQ,   /* SYN-SENT: RST only at RCV.NXT, as 9293 takes from 5961 */
	MODEL_CH_SYN_TEXT_DROPPED,   /* what comes with a SYN is left for the peer to send again */
	MODEL_CH_SYN_FIN_TAKEN,	     /* SYN,FIN in LISTEN: taken as 9293 has it; we drop it */
	MODEL_CH_NOT_HELD,	     /* beyond a gap: dropped; SHLD-31 holds it */
	MODEL_CH_SECOND_FIN, /* a FIN after the FIN: RCV.NXT passes it, 9293's eighth step to the letter */
	MODEL_CH_LOST_TEXT_TAKEN, /* text for a user who is gone: acknowledged; SHLD-3 sends RST */
	MODEL_CH_TW_RST,	  /* TIME-WAIT: RST as 9293 has it; RFC 1337 ignores it */
	MODEL_CH_TW_NO_REUSE,	  /* TIME-WAIT, a SYN that might begin anew does not (MAY-2) */
	MODEL_CH_TW_SYN_SILENCE,  /* TIME-WAIT, a SYN not taken: 6191 is silent; 5961 challenges */
	MODEL_N_CHOICES,
};

struct model_answer {
	uint32_t choices; /* bits 1 << enum model_choice */
	struct model_reply reply;
	struct model_effects effects;
	struct model_conn after; /* state, snd_una, snd_wnd, rcv_nxt, ts_recent, ... */
};

struct model_result {
	unsigned n; /* at least 1; no two alike */
	struct model_answer answers[MODEL_ANSWERS_MAX];
};

/* SEGMENT ARRIVES. The checksum was right and the ports match. *conn becomes answers[0].after. */
void model_step(struct model_conn *conn, const struct tcp_seg *seg, struct model_result *result);

/* The user's calls (RFC 9293 3.10.1 to 3.10.5). iss is the number that the endpoint picked or will pick;
 * rcv_wnd what it has room for. Options: conn->ts_offer and ws_offer are set to true; change them afterwards. */
void model_listen(struct model_conn *conn, uint32_t iss, uint32_t rcv_wnd);
void model_connect(struct model_conn *conn, uint32_t iss, uint32_t rcv_wnd);
/* CLOSE; deaf: nobody will read what still comes. */
void model_close(struct model_conn *conn, bool deaf);
void model_abort(struct model_conn *conn);
/* The 2MSL timer ran out, or the endpoint gave the connection up. */
void model_expire(struct model_conn *conn);

/* The endpoint emitted a segment of this connection (not a reset for nobody): SND.NXT, the FIN's number,
 * Last.ACK.sent, RCV.WND and what is owed follow from it. */
void model_emitted(struct model_conn *conn, const struct tcp_seg *seg);

/* True if seg, emitted as the direct answer, is the reply that the answer asks for. Silence matches no
 * segment. */
bool model_reply_matches(const struct model_reply *reply, const struct tcp_seg *seg);

const char *model_state_name(enum model_state state);
const char *model_choice_name(enum model_choice choice);
/* "ESTABLISHED, ACK seq=5 ack=7 (delayed), delivers 10 at 0 [choice, ...]"; cut to size, as snprintf. */
int model_answer_print(char *buf, size_t size, const struct model_answer *answer);
/* The answers, one "permitted: " line each. */
int model_result_print(char *buf, size_t size, const struct model_result *result);

#endif
