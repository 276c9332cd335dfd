/* hcmon_world.h - a tracker and a connection whose packets a test writes down one by one. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_WORLD_H
#define HCMON_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hcmon/track.h"
#include "wire/tcp.h"

enum { WORLD_LOG = 1024, MSG_BYTES = 20 };

struct world {
	struct track *t;
	void *mem;
	uint64_t now_ns;
	struct flow tuple; /* laddr: the client */
	uint32_t c_iss, s_iss;
	struct track_request log[WORLD_LOG];
	unsigned n_log;
};

static inline void
world_sink(void *arg, const struct track_request *r)
{
	struct world *w = arg;

	w->log[w->n_log++ % WORLD_LOG] = *r;
}

static inline struct rule
label_rule(void)
{
	struct rule r = {
	    .label_offset = 6, .prio_offset = 5, .has_prio = true, .low_until_ack = true};

	assert_true(rule_set_parse(&r.request, "0,2"));
	assert_true(rule_set_parse(&r.response, "1,3"));
	assert_true(rule_set_parse(&r.high, "1"));
	return r;
}

static inline struct rule
port_rule(void)
{
	struct rule r = {.by_port = true};

	assert_true(rule_ports_parse(&r, "80,8080"));
	return r;
}

static inline void
world_init(struct world *w, const struct rule *rule, uint32_t max_flows)
{
	struct track_conf conf = {.rule = *rule,
				  .max_flows = max_flows,
				  .key = {1, 2, 3},
				  .sink = world_sink,
				  .sink_arg = w};

	memset(w, 0, sizeof(*w));
	w->t = malloc(sizeof(*w->t));
	w->mem = aligned_alloc(64, track_bytes(max_flows));
	assert_non_null(w->t);
	assert_non_null(w->mem);
	memset(w->mem, 0xa5, track_bytes(max_flows));
	track_init(w->t, &conf, w->mem);
	w->now_ns = UINT64_C(1000000000);
	w->tuple = (struct flow){0xc0a8030b, 0xc0a8030a, 1025, 80};
	w->c_iss = 0xfffffff0; /* the numbers wrap after 15 octets */
	w->s_iss = 0x7ffffff8;
}

static inline void
world_fini(struct world *w)
{
	track_check(w->t);
	free(w->mem);
	free(w->t);
}

static inline void
at_us(struct world *w, uint64_t us)
{
	w->now_ns = UINT64_C(1000000000) + us * 1000;
}

static inline void
give(struct world *w, const struct track_packet *p)
{
	track_packets(w->t, p, 1);
	track_check(w->t);
}

/* seq and ack count from the first octet of data, as packetdrill and tcpdump show them, but that SYN is -1. */
static inline void
client(struct world *w, int seq, int ack, uint8_t flags, const void *payload, uint32_t len)
{
	struct track_packet p = {.ts_ns = w->now_ns,
				 .tuple = w->tuple,
				 .seq = w->c_iss + 1 + (uint32_t)seq,
				 .ack = flags & TCP_ACK ? w->s_iss + 1 + (uint32_t)ack : 0,
				 .len = len,
				 .have = len,
				 .payload = payload,
				 .flags = flags};

	give(w, &p);
}

static inline void
server(struct world *w, int seq, int ack, uint8_t flags, const void *payload, uint32_t len)
{
	struct track_packet p = {
	    .ts_ns = w->now_ns,
	    .tuple = {w->tuple.raddr, w->tuple.laddr, w->tuple.rport, w->tuple.lport},
	    .seq = w->s_iss + 1 + (uint32_t)seq,
	    .ack = flags & TCP_ACK ? w->c_iss + 1 + (uint32_t)ack : 0,
	    .len = len,
	    .have = len,
	    .payload = payload,
	    .flags = flags};

	give(w, &p);
}

/* Messages of the iot protocol, MSG_BYTES long. */
static const uint8_t REQUEST[MSG_BYTES] = {1, 0, 0, 0, 0, 1, 2};
static const uint8_t HEARTBEAT[MSG_BYTES] = {1, 0, 0, 0, 0, 0, 2, 0, 8};
static const uint8_t RESPONSE[MSG_BYTES] = "HTTP/1\003";
static const uint8_t NO_LABEL[MSG_BYTES] = "xxxxxxxxxxxxxxxxxxx";

static inline void
handshake(struct world *w)
{
	client(w, -1, 0, TCP_SYN, NULL, 0);
	server(w, -1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	client(w, 0, 0, TCP_ACK, NULL, 0);
}

/* The i-th request was matched with this latency. */
static inline void
assert_matched(const struct world *w, unsigned i, enum rule_class class, uint64_t latency_us)
{
	assert_true(i < w->n_log);
	assert_int_equal(w->log[i].outcome, TRACK_MATCHED);
	assert_int_equal(w->log[i].class, class);
	assert_int_equal(w->log[i].latency_ns, latency_us * 1000);
	assert_true(flow_equal(&w->log[i].tuple, &w->tuple));
}

static inline void
assert_outcome(const struct world *w, unsigned i, enum track_outcome outcome)
{
	assert_true(i < w->n_log);
	assert_int_equal(w->log[i].outcome, outcome);
	assert_true(w->log[i].latency_ns == UINT64_MAX);
}

#endif
