/* icmp.h - echo replies, errors that we send, errors about what we sent (RFC 792, 1122 3.2.2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef INET_ICMP_H
#define INET_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include "inet/addr.h"
#include "inet/limit.h"
#include "wire/flow.h"
#include "wire/pkt.h"

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO_REQUEST = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
};

enum icmp_unreachable_code {
	ICMP_NET_UNREACHABLE = 0,
	ICMP_HOST_UNREACHABLE = 1,
	ICMP_PROTOCOL_UNREACHABLE = 2,
	ICMP_PORT_UNREACHABLE = 3,
	ICMP_FRAGMENTATION_NEEDED = 4,
};

/* clang-format off */
#define ICMP_STATS(X)                                                                              \
	X(echo_in) X(echo_out) X(errors_in) X(errors_out)                                          \
	X(drop_rate)  /* answers above the limit */                                                \
	X(drop_rules) /* answers that RFC 1122 forbids: to broadcasts, about errors */             \
	X(drop_size)  /* an echo that does not fit into one packet of ours */                      \
	X(drop_quote) /* errors that quote nothing of ours, or too little */                       \
	X(ignored)    /* source quench (RFC 6633), redirect, timestamp, mask and all else */
/* clang-format on */

struct icmp_stats {
#define ICMP_STATS_MEMBER(name) uint64_t name;
	ICMP_STATS(ICMP_STATS_MEMBER)
#undef ICMP_STATS_MEMBER
};

struct icmp_state {
	struct limit echo, error;
	uint16_t mtu;
	struct icmp_stats stats;
};

/* Answers a second to one source, at most: 0 for none at all. */
struct icmp_conf {
	uint16_t mtu;
	struct flow_key key;		   /* of the limits; zero by default */
	uint32_t echo_per_s, echo_burst;   /* 10000, 1000 */
	uint32_t error_per_s, error_burst; /* 1000, 50 */
};
void icmp_conf_default(struct icmp_conf *c, uint16_t mtu);
void icmp_init(struct icmp_state *s, const struct icmp_conf *c);

/* A message to be sent: the arguments of build_icmp. body points into the received frame. */
struct icmp_msg {
	uint32_t src, dst;
	uint8_t tos, type, code;
	uint32_t rest;
	const uint8_t *body;
	uint16_t len;
};

/* p is `frame` parsed, not with PKT_TRUNCATED. */

/* The answer to an echo request of a single host to a single address of ours; false: none. */
bool icmp_echo_reply(struct icmp_state *s, const struct netif_addrs *a, const struct pkt *p,
		     const uint8_t *frame, uint64_t now_ns, struct icmp_msg *m);

/* Destination unreachable, about a UDP or TCP packet; false where RFC 1122 3.2.2 or the limit forbids
 * it. */
bool icmp_unreachable(struct icmp_state *s, const struct netif_addrs *a, const struct pkt *p,
		      const uint8_t *frame, enum icmp_unreachable_code code, uint64_t now_ns,
		      struct icmp_msg *m);

/* An error about a packet that we sent, as far as the quote shows it. */
struct icmp_error {
	uint8_t type, code;
	uint8_t proto;	  /* of the quoted packet: TCP or UDP */
	uint16_t mtu;	  /* with ICMP_FRAGMENTATION_NEEDED; 0: an old router did not say */
	struct flow flow; /* as our connection has it: we are local */
	uint32_t seq;	  /* of the quoted TCP segment, else 0 */
};
/* Reads unreachable, time exceeded and parameter problem. False: another type, or the quote is no TCP
 * or UDP packet that the receiver of the error can have sent. Whether to believe it is TCP's decision
 * (RFC 5927). */
bool icmp_error_parse(struct icmp_state *s, const struct pkt *p, const uint8_t *frame,
		      struct icmp_error *e);

#endif
