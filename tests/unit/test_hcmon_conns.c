/* test_hcmon_conns.c - which connections are open, told from SYN, FIN, RST and traffic; and what a full table does. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon_world.h"

static struct world w;

static int
setup(void **state)
{
	struct rule rule = label_rule();

	(void)state;
	world_init(&w, &rule, 64);
	return 0;
}

static int
setup_ports(void **state)
{
	struct rule rule = port_rule();

	(void)state;
	world_init(&w, &rule, 64);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_fini(&w);
	return 0;
}

static void
assert_conns(unsigned open, unsigned opened, unsigned closed)
{
	assert_int_equal(w.t->flows_open, open);
	assert_int_equal(w.t->count.conns_opened, opened);
	assert_int_equal(w.t->count.conns_closed, closed);
}

static void
from_syn_to_fin(void **state)
{
	(void)state;
	client(&w, -1, 0, TCP_SYN, NULL, 0);
	assert_conns(0, 0, 0);
	server(&w, -1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	assert_conns(0, 0, 0);
	client(&w, 0, 0, TCP_ACK, NULL, 0);
	assert_conns(1, 1, 0);
	client(&w, 0, 0, TCP_FIN | TCP_ACK, NULL, 0);
	assert_conns(1, 1, 0);
	server(&w, 0, 1, TCP_ACK, NULL, 0);
	server(&w, 0, 1, TCP_FIN | TCP_ACK, NULL, 0);
	assert_conns(0, 1, 1);
	client(&w, 1, 1, TCP_ACK, NULL, 0);
	server(&w, 0, 1, TCP_FIN | TCP_ACK, NULL, 0);
	assert_conns(0, 1, 1);
	assert_int_equal(w.t->count.syns, 1);
	assert_int_equal(w.t->count.retransmissions, 1);
	assert_int_equal(w.t->count.tap_losses, 0);
	w.now_ns += TRACK_LINGER_NS - 5000000;
	track_expire(w.t, w.now_ns);
	assert_int_equal(w.t->flows.flows.in_use, 1);
	w.now_ns += 10000000;
	track_expire(w.t, w.now_ns);
	assert_int_equal(w.t->flows.flows.in_use, 0);
}

static void
reset_ends_it(void **state)
{
	(void)state;
	handshake(&w);
	server(&w, 0, 0, TCP_RST | TCP_ACK, NULL, 0);
	server(&w, 0, 0, TCP_RST | TCP_ACK, NULL, 0);
	assert_conns(0, 1, 1);
	assert_int_equal(w.t->count.resets, 2);
}

static void
refused_was_never_open(void **state)
{
	(void)state;
	client(&w, -1, 0, TCP_SYN, NULL, 0);
	server(&w, -1, 0, TCP_RST | TCP_ACK, NULL, 0);
	assert_conns(0, 0, 0);
	assert_int_equal(w.t->count.resets, 1);
	client(&w, -1, 0, TCP_SYN, NULL, 0); /* the same numbers, a second try */
	server(&w, -1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	client(&w, 0, 0, TCP_ACK, NULL, 0);
	assert_conns(1, 1, 0);
	assert_int_equal(w.t->count.syns, 2);
}

static void
repeated_handshake_counts_once(void **state)
{
	(void)state;
	client(&w, -1, 0, TCP_SYN, NULL, 0);
	client(&w, -1, 0, TCP_SYN, NULL, 0);
	server(&w, -1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	server(&w, -1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	client(&w, 0, 0, TCP_ACK, NULL, 0);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	server(&w, -1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	assert_conns(1, 1, 0);
	assert_int_equal(w.t->count.retransmissions, 3);
	assert_int_equal(w.t->requests_open, 1);
	assert_int_equal(w.t->count.syns, 2);
}

static void
syn_ack_alone_tells_who_is_who(void **state)
{
	(void)state;
	server(&w, -1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	client(&w, 0, 0, TCP_ACK, NULL, 0);
	assert_conns(1, 1, 0);
	server(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES); /* a request's label, but from the server */
	assert_int_equal(w.t->count.requests, 0);
}

static void
met_mid_stream(void **state)
{
	(void)state;
	client(&w, 5000, 70, TCP_ACK, NULL, 0);
	server(&w, 70, 5000, TCP_ACK | TCP_FIN, NULL, 0);
	client(&w, 70, 70, TCP_RST, NULL, 0);
	assert_int_equal(w.t->flows.flows.in_use, 0); /* nothing that carries traffic */
	assert_int_equal(w.t->count.resets, 1);
	client(&w, 5000, 70, TCP_ACK, REQUEST, MSG_BYTES);
	assert_conns(1, 1, 0);
	at_us(&w, 12);
	server(&w, 70, 5020, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 12);
	assert_int_equal(w.t->count.tap_losses, 0);
}

static void
met_at_a_response(void **state)
{
	(void)state;
	server(&w, 70, 5020, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_conns(1, 1, 0);
	assert_int_equal(w.t->count.responses_unmatched, 1);
	client(&w, 5020, 90, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 2);
	server(&w, 90, 5040, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 2);
}

static void
tuple_used_again_after_fin(void **state)
{
	(void)state;
	handshake(&w);
	client(&w, 0, 0, TCP_FIN | TCP_ACK, REQUEST, MSG_BYTES);
	server(&w, 0, 21, TCP_FIN | TCP_ACK, NULL, 0);
	w.c_iss += 1000000;
	w.s_iss += 3000000;
	handshake(&w);
	assert_conns(1, 2, 1);
	assert_outcome(&w, 0, TRACK_UNANSWERED);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 6);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 1, RULE_HIGH, 6);
	w.now_ns += 10 * TRACK_LINGER_NS;
	track_expire(w.t, w.now_ns);
	assert_conns(1, 2, 1); /* the first life's end does not end the second */
}

/* A SYN that does not belong to the connection changes nothing, unless the server answers it. */
static void
tuple_used_again_while_open(void **state)
{
	uint32_t c_iss = w.c_iss;

	(void)state;
	handshake(&w);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	w.c_iss += 500000;
	client(&w, -1, 0, TCP_SYN, NULL, 0);
	w.c_iss = c_iss;
	at_us(&w, 5);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 5);
	assert_conns(1, 1, 0);
	w.c_iss += 500000;
	w.s_iss += 900000;
	handshake(&w);
	assert_conns(1, 2, 1);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 7);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 1, RULE_HIGH, 2);
	w.c_iss += 700000; /* a server that has not moved on */
	handshake(&w);
	assert_conns(1, 3, 2);
}

static void
activity_is_counted_once_per_interval(void **state)
{
	(void)state;
	handshake(&w);
	w.tuple.lport++;
	handshake(&w);
	assert_int_equal(w.t->flows_active, 2);
	track_interval(w.t);
	assert_int_equal(w.t->flows_active, 0);
	client(&w, 0, 0, TCP_ACK, NULL, 0);
	client(&w, 0, 0, TCP_ACK, NULL, 0);
	assert_int_equal(w.t->flows_active, 1);
	assert_int_equal(w.t->flows_open, 2);
}

static void
data_in_the_syn(void **state)
{
	(void)state;
	client(&w, -1, 0, TCP_SYN, REQUEST, MSG_BYTES);
	at_us(&w, 4);
	server(&w, -1, 20, TCP_SYN | TCP_ACK, NULL, 0);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 4);
	assert_int_equal(w.t->count.tap_losses, 0);
}

static void
full_table_gives_up_the_oldest(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 64; i++) {
		w.tuple.lport = (uint16_t)(2000 + i);
		handshake(&w);
		w.now_ns += 10000000;
	}
	w.tuple.lport = 2000;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES); /* the first is now the youngest */
	w.tuple.lport = 3000;
	handshake(&w); /* not worth an open flow, but its payload is */
	assert_int_equal(w.t->count.flows_refused, 2);
	assert_conns(64, 64, 0);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	assert_int_equal(w.t->flows.flows.in_use, 64);
	assert_conns(64, 65, 0);
	w.tuple.lport = 2001; /* was the oldest: it is met again by its traffic */
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	assert_conns(64, 66, 0);
	assert_int_equal(w.t->count.flows_evicted, 2);
	assert_int_equal(w.t->count.ambiguous, 0);
}

static void
syn_flood_evicts_no_open_flow(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 32; i++) {
		w.tuple.lport = (uint16_t)(2000 + i);
		handshake(&w);
	}
	w.now_ns += 60000000000;
	for (uint16_t i = 0; i < 10000; i++) {
		w.tuple.lport = (uint16_t)(3000 + i);
		client(&w, -1, 0, TCP_SYN, NULL, 0);
	}
	assert_conns(32, 32, 0);
	assert_int_equal(w.t->count.flows_evicted, 0);
	assert_int_equal(w.t->flows.flows.in_use, 64);
}

static void
evicted_requests_are_ambiguous(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 65; i++) {
		w.tuple.lport = (uint16_t)(2000 + i);
		handshake(&w);
		client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
		w.now_ns += 10000000;
	}
	assert_int_equal(w.t->count.flows_evicted, 1);
	assert_outcome(&w, 0, TRACK_AMBIGUOUS);
	assert_int_equal(w.t->requests_open, 64);
}

static void
table_grows_and_shrinks(void **state)
{
	struct rule rule = label_rule();
	struct world big;

	(void)state;
	world_init(&big, &rule, 20000);
	for (unsigned i = 0; i < 20000; i++) {
		struct track_packet p = {
		    .ts_ns = big.now_ns,
		    .tuple = {0x0a000000 + i / 100, 0x0a800001, (uint16_t)(1024 + i % 100), 80},
		    .flags = TCP_SYN};

		track_packets(big.t, &p, 1);
	}
	track_check(big.t);
	assert_int_equal(big.t->flows.flows.in_use, 20000);
	assert_int_equal(big.t->flows.n_buckets, 20000);
	for (unsigned i = 0; i < 20000; i += 2) {
		struct track_packet p = {
		    .ts_ns = big.now_ns,
		    .tuple = {0x0a000000 + i / 100, 0x0a800001, (uint16_t)(1024 + i % 100), 80},
		    .flags = TCP_RST};

		track_packets(big.t, &p, 1);
	}
	track_expire(big.t, big.now_ns + 2 * TRACK_LINGER_NS);
	assert_int_equal(big.t->flows.flows.in_use, 10000);
	world_fini(&big);
}

/* --- the rule by ports --- */

static void
ports_first_payload_back(void **state)
{
	(void)state;
	handshake(&w);
	client(&w, 0, 0, TCP_ACK, "GET", 3);
	at_us(&w, 10);
	client(&w, 3, 0, TCP_ACK, " /\r\n", 4); /* the request's second segment */
	at_us(&w, 40);
	server(&w, 0, 7, TCP_ACK, NULL, 0);
	server(&w, 0, 7, TCP_ACK, "HTTP", 4);
	at_us(&w, 50);
	server(&w, 4, 7, TCP_ACK, "/1.1", 4);
	assert_matched(&w, 0, RULE_PLAIN, 30);
	assert_int_equal(w.log[0].bytes, 7);
	assert_int_equal(w.t->count.requests, 1);
	assert_int_equal(w.t->count.responses, 1);
	client(&w, 7, 8, TCP_ACK, "GET", 3);
	at_us(&w, 51);
	server(&w, 8, 10, TCP_ACK, "HTTP", 4);
	assert_matched(&w, 1, RULE_PLAIN, 1);
	assert_int_equal(w.t->count.responses_unmatched, 0);
}

static void
ports_server_that_speaks_first(void **state)
{
	(void)state;
	handshake(&w);
	server(&w, 0, 0, TCP_ACK, "220 hello", 9);
	assert_int_equal(w.t->count.responses, 0);
	client(&w, 0, 9, TCP_ACK, "EHLO", 4);
	at_us(&w, 3);
	server(&w, 9, 4, TCP_ACK, "250", 3);
	assert_matched(&w, 0, RULE_PLAIN, 3);
}

static void
ports_tell_the_server_mid_stream(void **state)
{
	(void)state;
	w.tuple.rport = 8080;
	server(&w, 100, 50, TCP_ACK, "more of a body", 14);
	client(&w, 50, 114, TCP_ACK, "GET", 3);
	at_us(&w, 9);
	server(&w, 114, 53, TCP_ACK, "HTTP", 4);
	assert_matched(&w, 0, RULE_PLAIN, 9);
}

static void
ports_of_others_are_no_servers(void **state)
{
	(void)state;
	w.tuple.rport = 443;
	handshake(&w);
	client(&w, 0, 0, TCP_ACK, "hello", 5);
	server(&w, 0, 5, TCP_ACK, "hello", 5);
	assert_int_equal(w.t->count.requests, 0);
	assert_int_equal(w.t->flows_open, 1);
}

/* Response before the whole of a request has passed: the rest of it is a request of its own. */
static void
ports_early_response(void **state)
{
	(void)state;
	handshake(&w);
	client(&w, 0, 0, TCP_ACK, "POST", 4);
	at_us(&w, 2);
	server(&w, 0, 4, TCP_ACK, "100 go on", 9);
	assert_matched(&w, 0, RULE_PLAIN, 2);
	client(&w, 4, 9, TCP_ACK, "body", 4);
	at_us(&w, 3);
	server(&w, 9, 8, TCP_ACK, "200 thanks", 10);
	assert_matched(&w, 1, RULE_PLAIN, 1);
}

static void
ports_priority_when_asked_for(void **state)
{
	(void)state;
	w.t->rule.has_prio = true;
	w.t->rule.prio_offset = 1;
	assert_true(rule_set_parse(&w.t->rule.high, "0x45"));
	handshake(&w);
	client(&w, 0, 0, TCP_ACK, "GET", 3);
	server(&w, 0, 3, TCP_ACK, "ok", 2);
	client(&w, 3, 2, TCP_ACK, "PUT", 3);
	server(&w, 2, 6, TCP_ACK, "ok", 2);
	assert_matched(&w, 0, RULE_HIGH, 0);
	assert_matched(&w, 1, RULE_LOW, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define P(f) cmocka_unit_test_setup_teardown(f, setup_ports, teardown)
	const struct CMUnitTest tests[] = {
	    T(from_syn_to_fin),
	    T(reset_ends_it),
	    T(refused_was_never_open),
	    T(repeated_handshake_counts_once),
	    T(syn_ack_alone_tells_who_is_who),
	    T(met_mid_stream),
	    T(met_at_a_response),
	    T(tuple_used_again_after_fin),
	    T(tuple_used_again_while_open),
	    T(activity_is_counted_once_per_interval),
	    T(data_in_the_syn),
	    T(full_table_gives_up_the_oldest),
	    T(syn_flood_evicts_no_open_flow),
	    T(evicted_requests_are_ambiguous),
	    T(table_grows_and_shrinks),
	    P(ports_first_payload_back),
	    P(ports_server_that_speaks_first),
	    P(ports_tell_the_server_mid_stream),
	    P(ports_of_others_are_no_servers),
	    P(ports_early_response),
	    P(ports_priority_when_asked_for),
	};

	return cmocka_run_group_tests_name("hcmon_conns", tests, NULL, NULL);
}
