/* track.h - follows connections from a copy of their packets: who is open, and how long each request took. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_TRACK_H
#define HCMON_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hist.h"
#include "base/pool.h"
#include "hcmon/flowtab.h"
#include "hcmon/rule.h"

/* One TCP packet. The payload pointer is needed only during the call. */
struct track_packet {
	uint64_t ts_ns;
	struct flow tuple; /* laddr, lport: its source */
	uint32_t seq, ack;
	uint32_t len;  /* payload octets on the wire */
	uint32_t have; /* of which so many are at payload */
	const uint8_t *payload;
	uint8_t flags; /* enum tcp_flag */
};

/* Counted since track_init. The list gives the struct, the records' columns and the summary. Two ledgers add up at
 * any time: requests   = matched + unanswered + ambiguous + requests_open,
 *           heartbeats = heartbeats_acked + heartbeats_unacked + heartbeats_ambiguous + heartbeats_open. */
#define TRACK_COUNTERS(X)                                                                          \
	X(conns_opened, "connections established, or met by their traffic")                        \
	X(conns_closed, "connections ended: FIN both ways, RST, or tuple used again")              \
	X(syns, "SYN segments of clients, repeated ones included")                                 \
	X(resets, "RST segments")                                                                  \
	X(requests, "requests to which a response is due")                                         \
	X(responses, "beginnings of responses")                                                    \
	X(matched, "requests whose response began")                                                \
	X(unanswered, "requests whose connection ended without response")                          \
	X(ambiguous, "requests whose response cannot be told for certain")                         \
	X(responses_unmatched, "responses to nothing that was seen")                               \
	X(heartbeats, "low-priority messages that wait for their ACK only")                        \
	X(heartbeats_acked, "heartbeats acknowledged")                                             \
	X(heartbeats_unacked, "heartbeats whose connection ended without ACK")                     \
	X(heartbeats_ambiguous, "heartbeats seen again before their ACK, or whose ACK was missed") \
	X(retransmissions, "segments with octets seen before")                                     \
	X(out_of_order, "segments that came after later ones")                                     \
	X(tap_losses, "ACKs of octets that were never seen")                                       \
	X(tap_lost_bytes, "octets acknowledged but never seen")                                    \
	X(flows_evicted, "open flows given up to make room")                                       \
	X(flows_refused, "SYNs that found the table full of open flows")                           \
	X(untracked, "requests and responses for which there was no room")                         \
	X(labels_cut, "segments cut in the capture before their label")

struct track_counters {
#define TRACK_FIELD(name, help) uint64_t name;
	TRACK_COUNTERS(TRACK_FIELD)
#undef TRACK_FIELD
};

enum track_outcome { TRACK_MATCHED, TRACK_UNANSWERED, TRACK_AMBIGUOUS };

/* A request or heartbeat of which all is known that will be. */
struct track_request {
	uint64_t ts_ns; /* of its last octet */
	uint64_t
	    latency_ns; /* to the first octet of its response, or to its ACK; UINT64_MAX unless matched */
	struct flow tuple; /* laddr, lport: the client */
	uint32_t bytes;	   /* payload of the request */
	enum rule_class class;
	enum track_outcome outcome;
};
typedef void track_sink_fn(void *arg, const struct track_request *r);

struct track_conf {
	struct rule rule;
	uint32_t max_flows;
	uint8_t key[16];     /* of the flow table's hash: secret, or fixed in tests */
	track_sink_fn *sink; /* NULL, or told of each request as it is settled */
	void *sink_arg;
};

enum { TRACK_BURST = 32, TRACK_CLOSED_MAX = 1 << 16 };
#define TRACK_LINGER_NS UINT64_C(5000000000) /* a closed flow is kept so long, for late packets */

/* One owner; no allocation, no clock, no I/O: time is what the packets say. */
struct track {
	struct flowtab flows;
	struct pool items;
	struct rule rule;
	track_sink_fn *sink;
	void *sink_arg;
	uint32_t *closed; /* ring of flows that ended, oldest first */
	uint32_t closed_head, closed_tail;
	uint16_t epoch; /* interval, modulo 2^16 */
	uint64_t flows_open, flows_peak,
	    flows_active; /* now; at most; with a packet in this interval */
	uint64_t requests_open, heartbeats_open;
	struct track_counters count;
	struct hist latency
	    [RULE_N_CLASSES]; /* of what was matched since track_interval; heartbeats: time to ACK */
};

/* Memory for max_flows flows; touched only as flows come. And the other way round, at least 1024 flows. */
size_t track_bytes(uint32_t max_flows);
uint32_t track_flows_in(uint64_t bytes);
/* mem: track_bytes() octets, zero or not, aligned to 64. t itself is some 1.2 MB. */
void track_init(struct track *t, const struct track_conf *conf, void *mem);

/* Up to TRACK_BURST packets in the order of their arrival. Anything may be in them. */
void track_packets(struct track *t, const struct track_packet *p, unsigned n);

/* Forgets flows that closed TRACK_LINGER_NS ago: once per interval, or more often. */
void track_expire(struct track *t, uint64_t now_ns);
/* Starts a new interval: latency[] and flows_active begin anew. */
void track_interval(struct track *t);
/* No more packets: closed flows are settled. What open ones still wait for stays open. */
void track_finish(struct track *t);

/* Walks everything and asserts every invariant, the ledgers among them (tests). */
void track_check(const struct track *t);

#endif
