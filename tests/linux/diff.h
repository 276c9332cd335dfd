/* diff.h - the same segments and user calls for Linux and for our stack, and what each makes of them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LINUX_DIFF_H
#define LINUX_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "tcp/tcb.h"
#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/cksum.h"
#include "wire/pkt.h"

/*
 * Both hosts have the same MAC and IP address, each on a wire of its own with us at the other end. They
 * differ in what they choose themselves (initial sequence number, timestamps, window): a step is
 * written relative to that, and translated for each.
 */
enum {
	DIFF_ADDR = 0x0a5a0001,	   /* 10.90.0.1/16, both hosts */
	DIFF_GATEWAY = 0x0a5a00fe, /* we, on the wire */
	DIFF_FAR = 0x0a5b0100,	   /* 10.91/16: where our segments come from */
	DIFF_FAR_HOSTS = 60000,	   /* and, behind them, those of the rows */
	DIFF_PORT_NAGLE = 80,
	DIFF_PORT_NODELAY = 81,
	DIFF_PORT_CLOSED = 82,
	DIFF_WINDOW = 8192,
	DIFF_FRAME = 2048,
	DIFF_REPLIES = 64,
	DIFF_READ = 1 << 16,
};

extern const uint8_t diff_host_mac[6], diff_wire_mac[6];

/* What a step has brought about on one side. */
struct answer {
	unsigned n;
	struct pkt reply[DIFF_REPLIES];
	uint8_t frame[DIFF_REPLIES][DIFF_FRAME];
	uint32_t n_read; /* octets that the user got */
	uint8_t read[DIFF_READ];
	bool accepted, eof, reset, ended; /* since the connection began */
	enum tcp_state state;		  /* TCP_FREE: the user has no connection */
};

enum call { CALL_CONNECT, CALL_WRITE, CALL_PAUSE, CALL_RESUME, CALL_SHUTDOWN, CALL_ABORT };

/* One of the two hosts. */
struct host {
	const char *name;
	/* A new connection between them and (raddr, rport); ours is the local port. */
	void (*begin)(const struct flow *flow);
	void (*frame)(const uint8_t *frame, size_t len);
	/* Octets for CALL_WRITE are at data; returns how many were taken. */
	uint32_t (*call)(enum call call, const uint8_t *data, uint32_t len);
	/* All that has come of it. */
	void (*settle)(struct answer *a);
	void (*end)(void);
};

extern const struct host diff_linux, diff_ours;
void diff_linux_start(void);
void diff_ours_start(bool sack);
/* Our clock goes on. */
void diff_ours_wait(uint64_t ns);
/* NULL: the user has no connection. */
const struct tcb *diff_ours_tcb(void);

/* Of fragments that nobody has completed: time exceeded, half a minute later. */
static inline bool
is_late_fragment(const struct pkt *k)
{
	return k->kind == PKT_ICMP && k->icmp_type == 11 && k->icmp_code == 1;
}

/* What we, the peer, know of one side. */
struct view {
	bool has_iss, has_edge;
	uint32_t iss, nxt; /* relative to iss: the next octet that it will send */
	uint32_t rcv_nxt;  /* its last ACK */
	uint32_t edge;	   /* of its window */
	uint8_t wscale;
	uint32_t tsval; /* its last, and that of its SYN */
	uint32_t syn_tsval;
	bool timestamps; /* on its SYN,ACK */
};

enum relative {
	REL_ACK = 1,  /* ack and SACK blocks count from the side's ISS */
	REL_EDGE = 2, /* seq counts from the right edge of the side's window */
	REL_ECHO = 4, /* tsecr counts from the side's last TSval */
};

enum step_kind { STEP_SEGMENT, STEP_ICMP, STEP_CALL, STEP_RAW, STEP_WAIT };

struct step {
	enum step_kind kind;
	/* STEP_SEGMENT */
	struct tcp_seg seg;
	unsigned relative;
	bool from_other_port; /* of ours: no connection has it */
	uint16_t dport;	      /* 0: the connection's */
	uint8_t damage;	      /* octets of the TCP checksum to be wrong */
	uint8_t filler;	      /* instead of position-dependent octets; 0: none */
	uint8_t options[40];  /* instead of those of seg, when n_options > 0 */
	uint8_t n_options;
	size_t (*mangle)(uint8_t *frame, size_t len); /* last of all; the new length */
	uint8_t icmp_type, icmp_code; /* STEP_ICMP: about a segment of the host at seg.seq */
	uint16_t icmp_mtu;
	/* STEP_CALL */
	enum call call;
	uint32_t len;
	/* STEP_RAW: a whole frame, the same for both */
	uint8_t raw[DIFF_FRAME];
	size_t raw_len;
	/* STEP_WAIT: our clock only */
	uint64_t ns;
};

enum { DUEL_STEPS = 256, DUEL_NOTE = 512, DUEL_WINDOW = 60000 /* of ours, on the wire */ };

/* A connection, on both sides. */
struct duel {
	uint64_t seed, id;
	const char *row;  /* of the checklist, or NULL */
	struct flow flow; /* as the hosts see it */
	struct rng rng;
	uint32_t irs; /* our ISN */
	uint8_t our_wscale;
	uint8_t syn_opts; /* on our SYN */
	uint16_t mss;
	bool active, paused, connected, over;
	uint32_t written;     /* octets that the user has written */
	uint32_t acked;	      /* of what the hosts have sent, relative */
	uint32_t unread;      /* while paused */
	struct view view[2];  /* Linux, ours */
	struct view was[2];   /* before the last step */
	enum tcp_state state; /* ours, before the last step */
	uint32_t was_acked;   /* before the last step */
	/* has there been: octets out of order, FIN out of order, another window than the first, RST? */
	bool odd_queue, odd_fin, odd_window, odd_reset, odd_repeat;
	bool challenged; /* while half-open */
	struct answer now[2];
	/* its history, for who wants to see it */
	unsigned n_steps;
	char note[DUEL_STEPS][3][DUEL_NOTE]; /* the step, Linux's answer, ours */
	const char *what;		     /* what differed in the last step; NULL: nothing */
	bool has_begun;
	bool slow;    /* the last step differed, but Linux has had time for a timer */
	double since; /* when it began, by the real clock */
};

void duel_begin(struct duel *d, uint64_t seed, uint64_t id);
/* Takes the step on both sides and compares. False: the connection is over (a difference). */
bool duel_step(struct duel *d, const struct step *s);
void duel_end(struct duel *d);

/* The segment that is expected next: in order, acknowledging everything. */
struct step duel_segment(const struct duel *d, uint8_t flags, uint16_t len);
bool duel_send(struct duel *d, uint8_t flags, uint16_t len);
bool duel_call(struct duel *d, enum call call, uint32_t len);
/* The three segments, after which data can flow. opts: enum tcp_opt_flag of our SYN. */
bool duel_open(struct duel *d, uint8_t opts);

/* A STEP_SEGMENT as it arrived at one side, options by the letter; false: they are malformed. */
bool duel_arrived(const struct duel *d, unsigned side, const struct step *s, struct tcp_seg *g);
/* The frame of a STEP_SEGMENT for one side; its length. */
size_t duel_frame(const struct duel *d, unsigned side, const struct step *s, uint8_t *frame);
/* Lengths and checksums of an IPv4 and TCP frame of len octets. */
void diff_checksums(uint8_t *frame, size_t len);

/* --- comparison (diff_compare.c) --- */

/* NULL: the same; else what differs. Where it may go on, the views still agree. */
const char *diff_compare(const struct duel *d, const struct step *s);
void diff_note_step(char *to, const struct duel *d, const struct step *s);
void diff_note_answer(char *to, const struct duel *d, unsigned side);
/* What the wire shows of our own octets at this distance from the ISN. */
static inline uint8_t
diff_octet(uint32_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 7 + 1);
}

/* --- explanations (diff_explain.c) --- */

struct reason {
	const char *id; /* a row of DIFFERENCES */
	bool goes_on;	/* both sides are in the same state afterwards */
	bool (*fits)(const struct duel *d, const struct step *s);
};
/* NULL: nothing explains it. */
const struct reason *diff_explain(const struct duel *d, const struct step *s);
/* Every reason has its row in the file and every row its reason, else the program ends. */
void diff_explain_check(const char *path);
void diff_explain_count(const struct reason *r);
void diff_explain_report(void);

/* --- steps (diff_rows.c, diff_gen.c) --- */

/* The rows of the checklist; how many were played. */
unsigned diff_rows(struct duel *d, const char *only);
/* One connection of random steps; returns how many. */
unsigned diff_random(struct duel *d);

/* Counters, and what a difference leads to (diff.c). */
struct tally {
	uint64_t steps, duels, differences, slow, unexplained, segments[2], octets;
	bool trace; /* show every step */
};
extern struct tally diff_tally;
/* The real clock. */
double diff_seconds(void);
/* A connection, step by step, and how to play it again. */
void diff_show(const struct duel *d);
/* The step before differed: whether its connection goes on. */
bool diff_judge(struct duel *d, const struct step *s);

#endif
