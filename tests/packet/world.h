/* world.h - one stack in virtual time, the wire before it, and the peer's and users' side of both. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_WORLD_H
#define PACKET_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "host/stack.h"
#include "tests/packet/bulk.h"
#include "tests/packet/script.h"

enum { WORLD_FLOWS = 10, WORLD_SENT = 1024, WORLD_SOCKS = 32, WORLD_ROOM = 9100 };

/* What the script calls a flow: a tuple, and what its numbers count from. */
struct flow_state {
	bool active; /* opened by connect() */
	struct flow tuple;
	bool has_iss, has_ts;
	uint32_t iss, ts_base;
	int64_t iss_advance; /* of the last new ISS beyond the highest number sent before */
	uint32_t snd_max;
	uint32_t peer_isn; /* as in the script: of the SYN that began its side */
};

/* A frame that the stack has sent and the script has not come to yet. */
struct sent_frame {
	int64_t at_us;
	bool by_timer; /* nothing but time caused it */
	uint8_t *data; /* of exactly its length */
	uint32_t len;
};

/* What a system call of the script names by a number. */
enum sock_kind { SOCK_FREE, SOCK_OPEN, SOCK_LISTENER, SOCK_CONN };

struct sock {
	enum sock_kind kind;
	int fd; /* as in the script; -1: not accepted yet */
	struct tcp_profile profile;
	int listener; /* row */
	uint16_t port;
	/* a connection */
	unsigned flow;
	uint32_t conn;
	bool connected, eof, over, closed; /* closed: by the user */
	int error;			   /* errno of its end */
	uint32_t rx_read, tx_written;	   /* octets of each stream */
	uint32_t rx_at_once;		   /* read when they came, for read() to count */
};

struct world {
	const struct script_conf *conf;
	struct stack *s;
	uint64_t epoch, now; /* ns; epoch is time 0 of the script */
	uint64_t deadline;
	bool stimulus; /* a frame or a call has come since all was quiet */
	uint32_t n_frames;
	struct flow_state flow[WORLD_FLOWS];
	struct sock sock[WORLD_SOCKS];
	struct sent_frame sent[WORLD_SENT]; /* [head, tail) */
	unsigned head, tail;
	struct frame reply[16]; /* of the peer's ARP */
	unsigned n_replies;
	bool arp_seen; /* the script is told of ARP */
	uint32_t secret_no;
	struct bulk bulk;
	bool failed; /* content of a stream was wrong */
	char why[256];
};

extern const uint8_t world_peer_mac[6], world_local_mac[6];

struct world *world_new(const struct script_conf *c);
void world_free(struct world *w);
/* The machine starts anew, with another secret. */
void world_reboot(struct world *w, uint32_t secret_no);

int64_t world_now_us(const struct world *w);
/* Time goes on until then; with stop_at_frame, until a frame has been sent. */
void world_run_until(struct world *w, int64_t us, bool stop_at_frame);
/* A frame arrives. */
void world_inject(struct world *w, const uint8_t *data, uint32_t len);
/* After a call of the user: all that follows at once. */
void world_settle(struct world *w);
/* The next frame sent, or NULL; taken off by world_sent_done. */
const struct sent_frame *world_sent(const struct world *w);
void world_sent_done(struct world *w);
/* Content of a stream that is not what it must be. */
__attribute__((format(printf, 2, 3))) void world_fail(struct world *w, const char *format, ...);

/* --- flows (flow.c) --- */

/* Which flow a packet of the tested side belongs to; 0: none. */
unsigned flow_find(const struct world *w, uint32_t laddr, uint16_t lport, uint32_t raddr,
		   uint16_t rport);
struct flow_state *flow_at(struct world *w, unsigned no);
void flow_init(struct world *w);
/* The tuple of a flow that connect() opens, to this address and port. */
void flow_connect(struct world *w, unsigned no, uint32_t raddr, uint16_t rport);
/* Its tcb, dead or alive; NULL: none. */
const struct tcb *flow_tcb(const struct world *w, unsigned no);
const struct tcp_ctx *flow_ctx(const struct world *w, unsigned no);

/* Octet `at` of the stream towards the tested side, and of the other one. */
uint8_t stream_in(uint32_t at);
uint8_t stream_out(uint32_t at);

/* --- system calls (sock.c) --- */

struct call_result {
	int64_t value;
	int error; /* errno, 0 for none */
};
/* False: the call cannot be made (why in w->why). */
bool sock_call(struct world *w, const struct call_spec *c, struct call_result *r);
void sock_event(struct world *w, const struct stack_event *ev);
const struct sock *sock_of_flow(const struct world *w, unsigned no);
/* "EAGAIN"; "" for 0. */
const char *error_name(int error);
int error_number(const char *name);

/* --- frames (build.c, show.c, match.c) --- */

/* Octets of what the script injects. */
uint32_t packet_build(struct world *w, const struct packet_spec *p, uint8_t *buf, size_t room);
/* In the script's notation. */
char *packet_show(const struct world *w, const uint8_t *data, uint32_t len, bool out, char *buf,
		  size_t size);
/* Whether a frame is what was expected; if not, `why` says what differs. */
bool packet_match(struct world *w, const struct packet_spec *p, const uint8_t *data, uint32_t len,
		  char *why, size_t size);
/* What the frame tells of its flow: ISS, timestamps. Checks its payload. False: w->why. */
bool packet_note(struct world *w, const uint8_t *data, uint32_t len);

/* --- named values (value.c) --- */

/* False: no such name. */
bool value_get(struct world *w, unsigned flow, const char *name, int64_t *value);
/* A number, a state's name or an error's. */
bool value_parse(const char *text, int64_t *value);

#endif
