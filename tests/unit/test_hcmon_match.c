/* test_hcmon_match.c - requests, heartbeats and responses by the label rule, seen by a bystander. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon_world.h"

static struct world w;

static int
setup(void **state)
{
	struct rule rule = label_rule();

	(void)state;
	world_init(&w, &rule, 64);
	handshake(&w);
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
request_is_timed_to_its_response(void **state)
{
	(void)state;
	at_us(&w, 100);
	client(&w, 0, 0, TCP_ACK | TCP_PSH, REQUEST, MSG_BYTES);
	assert_int_equal(w.t->requests_open, 1);
	at_us(&w, 350);
	server(&w, 0, 20, TCP_ACK | TCP_PSH, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 250);
	assert_int_equal(w.log[0].bytes, MSG_BYTES);
	assert_int_equal(w.log[0].ts_ns, 1000100000);
	assert_int_equal(w.t->latency[RULE_HIGH].total, 1);
	assert_int_equal(w.t->latency[RULE_HIGH].max, 250000);
	assert_int_equal(w.t->count.requests, 1);
	assert_int_equal(w.t->count.responses, 1);
	assert_int_equal(w.t->items.in_use, 0);
}

static void
heartbeat_is_timed_to_its_ack(void **state)
{
	(void)state;
	at_us(&w, 100);
	client(&w, 0, 0, TCP_ACK | TCP_PSH, HEARTBEAT, MSG_BYTES);
	assert_int_equal(w.t->heartbeats_open, 1);
	server(&w, 0, 19, TCP_ACK, NULL, 0);
	assert_int_equal(w.t->heartbeats_open, 1);
	at_us(&w, 140);
	server(&w, 0, 20, TCP_ACK, NULL, 0);
	assert_matched(&w, 0, RULE_HEARTBEAT, 40);
	assert_int_equal(w.t->count.requests, 0);
	assert_int_equal(w.t->count.heartbeats_acked, 1);
	assert_int_equal(w.t->latency[RULE_HEARTBEAT].total, 1);
}

/* A server may wait half a second with its ACK, not longer: then the tap has missed it. */
static void
ack_of_a_later_message_is_not_the_heartbeats(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK | TCP_PSH, HEARTBEAT, MSG_BYTES);
	at_us(&w, 499999);
	client(&w, 20, 0, TCP_ACK | TCP_PSH, HEARTBEAT, MSG_BYTES);
	server(&w, 0, 40, TCP_ACK, NULL, 0);
	assert_matched(&w, 0, RULE_HEARTBEAT, 499999);
	assert_matched(&w, 1, RULE_HEARTBEAT, 0);
	client(&w, 40, 0, TCP_ACK | TCP_PSH, HEARTBEAT, MSG_BYTES);
	at_us(&w, 10499999);
	client(&w, 60, 0, TCP_ACK | TCP_PSH, HEARTBEAT, MSG_BYTES);
	at_us(&w, 10500009);
	server(&w, 0, 80, TCP_ACK, NULL, 0);
	assert_outcome(&w, 2, TRACK_AMBIGUOUS);
	assert_matched(&w, 3, RULE_HEARTBEAT, 10);
	client(&w, 80, 0, TCP_ACK | TCP_PSH, HEARTBEAT, MSG_BYTES);
	at_us(&w, 20500009);
	server(&w, 0, 100, TCP_ACK, NULL, 0); /* late, but no other's */
	assert_matched(&w, 4, RULE_HEARTBEAT, 10000000);
}

static void
low_request_may_want_a_response(void **state)
{
	(void)state;
	w.t->rule.low_until_ack = false;
	client(&w, 0, 0, TCP_ACK, HEARTBEAT, MSG_BYTES);
	server(&w, 0, 20, TCP_ACK, NULL, 0);
	assert_int_equal(w.t->requests_open, 1);
	at_us(&w, 77);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_LOW, 77);
	assert_int_equal(w.t->count.heartbeats, 0);
}

static void
response_passes_over_heartbeats(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, HEARTBEAT, MSG_BYTES);
	at_us(&w, 10);
	client(&w, 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 30);
	server(&w, 0, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HEARTBEAT, 30); /* the response's ACK covers it */
	assert_matched(&w, 1, RULE_HIGH, 20);
	assert_int_equal(w.t->count.responses_unmatched, 0);
}

static void
several_outstanding_are_answered_in_order(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		at_us(&w, (uint64_t)i * 10);
		client(&w, i * 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	}
	assert_int_equal(w.t->requests_open, 5);
	for (int i = 0; i < 5; i++) {
		at_us(&w, 1000 + (uint64_t)i);
		server(&w, i * 20, 100, TCP_ACK, RESPONSE, MSG_BYTES);
		assert_matched(&w, (unsigned)i, RULE_HIGH, 1000 + (uint64_t)i - (uint64_t)i * 10);
	}
}

static void
response_answers_only_what_the_server_had(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 5);
	server(&w, 0, 0, TCP_ACK, RESPONSE, MSG_BYTES); /* its ACK tells that nothing had arrived */
	assert_int_equal(w.t->count.responses_unmatched, 1);
	assert_int_equal(w.t->requests_open, 1);
	at_us(&w, 9);
	server(&w, 20, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 9);
}

static void
segment_without_label_continues_the_message(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 50);
	client(&w, 20, 0, TCP_ACK, NO_LABEL, MSG_BYTES);
	at_us(&w, 60);
	server(&w, 0, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	server(&w, 20, 40, TCP_ACK, NO_LABEL, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 10); /* from its last octet */
	assert_int_equal(w.log[0].bytes, 40);
	assert_int_equal(w.t->count.responses, 1);
	client(&w, 40, 40, TCP_ACK, NO_LABEL, MSG_BYTES); /* continues nothing */
	assert_int_equal(w.t->count.requests, 1);
}

static void
repeated_before_its_ack_is_ambiguous(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 200000);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 200100);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_outcome(&w, 0, TRACK_AMBIGUOUS);
	assert_int_equal(w.t->count.requests, 1);
	assert_int_equal(w.t->count.retransmissions, 1);
	assert_int_equal(w.t->latency[RULE_HIGH].total, 0);
}

static void
repeated_after_its_ack_is_not(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	server(&w, 0, 20, TCP_ACK, NULL, 0);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 300);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 300);
}

static void
repeated_response_counts_once(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 10);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_int_equal(w.t->count.responses, 1);
	assert_int_equal(w.t->count.responses_unmatched, 0);
	assert_int_equal(w.t->count.retransmissions, 1);
}

/* A repeated message and a new one in one segment: the new one's label is looked for where it begins. */
static void
new_octets_behind_repeated_ones_are_a_message(void **state)
{
	uint8_t both[2 * MSG_BYTES];

	(void)state;
	memcpy(both, HEARTBEAT, MSG_BYTES);
	memcpy(both + MSG_BYTES, REQUEST, MSG_BYTES);
	client(&w, 0, 0, TCP_ACK, HEARTBEAT, MSG_BYTES);
	server(&w, 0, 20, TCP_ACK, NULL, 0);
	at_us(&w, 5);
	client(&w, 0, 0, TCP_ACK, both, sizeof(both));
	assert_int_equal(w.t->count.retransmissions, 1);
	assert_int_equal(w.t->count.requests, 1);
	at_us(&w, 6);
	server(&w, 0, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 1, RULE_HIGH, 1);
}

static void
requests_out_of_order(void **state)
{
	(void)state;
	at_us(&w, 10);
	client(&w, 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 15);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	assert_int_equal(w.t->count.out_of_order, 1);
	assert_int_equal(w.t->count.retransmissions, 0);
	at_us(&w, 100);
	server(&w, 0, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	server(&w, 20, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 85);
	assert_matched(&w, 1, RULE_HIGH, 90);
}

/* The second response overtakes the first: it must wait for it, and keeps its own time. */
static void
responses_out_of_order(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	client(&w, 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	client(&w, 40, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 100);
	server(&w, 20, 60, TCP_ACK, RESPONSE, MSG_BYTES);
	server(&w, 40, 60, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_int_equal(w.n_log, 0);
	at_us(&w, 120);
	server(&w, 0, 60, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_int_equal(w.n_log, 3);
	assert_matched(&w, 0, RULE_HIGH, 120);
	assert_matched(&w, 1, RULE_HIGH, 100);
	assert_matched(&w, 2, RULE_HIGH, 100);
	assert_int_equal(w.t->items.in_use, 0);
}

/* A gap filled from the middle leaves two. */
static void
gap_is_split_and_closed(void **state)
{
	(void)state;
	client(&w, 60, 0, TCP_ACK, REQUEST, MSG_BYTES);
	client(&w, 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	assert_int_equal(w.t->items.in_use, 4);
	client(&w, 40, 0, TCP_ACK, REQUEST, MSG_BYTES);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	assert_int_equal(w.t->items.in_use, 4);
	assert_int_equal(w.t->count.out_of_order, 3);
	for (int i = 0; i < 4; i++)
		server(&w, i * 20, 80, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_int_equal(w.t->count.matched, 4);
	assert_int_equal(w.t->items.in_use, 0);
}

static void
tap_misses_a_request(void **state)
{
	(void)state;
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_int_equal(w.t->count.tap_losses, 1);
	assert_int_equal(w.t->count.tap_lost_bytes, 20);
	assert_int_equal(w.t->count.responses_unmatched, 1);
	client(&w, 20, 20, TCP_ACK, REQUEST, MSG_BYTES); /* the next one is measured as ever */
	at_us(&w, 30);
	server(&w, 20, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 30);
}

static void
tap_misses_a_response(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 900);
	client(&w, 20, 20, TCP_ACK, REQUEST, MSG_BYTES);
	assert_outcome(&w, 0, TRACK_AMBIGUOUS);
	at_us(&w, 910);
	server(&w, 20, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 1, RULE_HIGH, 10);
}

/* One response of three is lost to the tap; which requests the others answer cannot be known. */
static void
tap_misses_a_response_in_a_pipeline(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		client(&w, i * 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 10);
	server(&w, 0, 60, TCP_ACK, RESPONSE, MSG_BYTES);
	server(&w, 40, 60, TCP_ACK, RESPONSE, MSG_BYTES);
	client(&w, 60, 60, TCP_ACK, NULL, 0);
	assert_matched(&w, 0, RULE_HIGH, 10);
	assert_outcome(&w, 1, TRACK_AMBIGUOUS);
	assert_outcome(&w, 2, TRACK_AMBIGUOUS);
	assert_int_equal(w.t->count.tap_lost_bytes, 20);
	assert_int_equal(w.t->items.in_use, 0);
}

/* A lost request makes those beside it doubtful, until the connection was quiet. */
static void
tap_misses_a_request_in_a_pipeline(void **state)
{
	(void)state;
	client(&w, 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	server(&w, 0, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_outcome(&w, 0, TRACK_AMBIGUOUS);
	server(&w, 20, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_int_equal(w.t->count.responses_unmatched, 1);
	client(&w, 40, 40, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 44);
	server(&w, 40, 60, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 1, RULE_HIGH, 44);
}

/* As long as an earlier request waits, the connection was not quiet. */
static void
doubt_stays_while_a_request_waits(void **state)
{
	(void)state;
	client(&w, 20, 0, TCP_ACK, REQUEST, MSG_BYTES); /* the one before it was not seen */
	server(&w, 0, 40, TCP_ACK, NULL, 0);
	client(&w, 40, 0, TCP_ACK, REQUEST, MSG_BYTES);
	for (int i = 0; i < 3; i++)
		server(&w, i * 20, 60, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_outcome(&w, 0, TRACK_AMBIGUOUS);
	assert_outcome(&w, 1, TRACK_AMBIGUOUS);
	assert_int_equal(w.t->count.responses_unmatched, 1);
}

/* What was lost had been sent before it was missed: a request after that was not answered by it. */
static void
loss_touches_only_what_was_before_it(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 10);
	server(&w, 20, 20, TCP_ACK, NO_LABEL, MSG_BYTES);
	at_us(&w, 20);
	client(&w, 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 30);
	client(&w, 40, 40, TCP_ACK, NULL, 0);
	assert_outcome(&w, 0, TRACK_AMBIGUOUS);
	assert_int_equal(w.t->requests_open, 1);
	at_us(&w, 50);
	server(&w, 40, 40, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 1, RULE_HIGH, 30);
}

/* The numbers are more than any window further on: much was not seen, nothing can be told of it. */
static void
numbers_far_ahead(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	client(&w, (int)3000000000u, 0, TCP_ACK, REQUEST, MSG_BYTES);
	assert_int_equal(w.t->count.requests, 2);
	assert_int_equal(w.t->count.retransmissions, 0);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_outcome(&w, 0, TRACK_AMBIGUOUS);
}

static void
open_and_unanswered_are_not_the_same(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	client(&w, 20, 0, TCP_ACK, HEARTBEAT, MSG_BYTES);
	track_finish(w.t);
	assert_int_equal(w.t->requests_open, 1);
	assert_int_equal(w.t->count.unanswered, 0);
	server(&w, 0, 0, TCP_RST, NULL, 0);
	assert_int_equal(w.t->requests_open, 1); /* the response may be on its way */
	track_finish(w.t);
	assert_outcome(&w, 0, TRACK_UNANSWERED);
	assert_int_equal(w.t->count.unanswered, 1);
	assert_int_equal(w.t->count.heartbeats_unacked, 1);
}

static void
response_behind_the_fins_is_taken(void **state)
{
	(void)state;
	client(&w, 0, 0, TCP_ACK | TCP_FIN, REQUEST, MSG_BYTES);
	at_us(&w, 3);
	server(&w, 20, 21, TCP_ACK | TCP_FIN, NULL, 0); /* overtakes the response */
	assert_int_equal(w.t->flows_open, 0);
	at_us(&w, 4);
	server(&w, 0, 21, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, 0, RULE_HIGH, 4);
}

static void
time_that_runs_backwards_is_ambiguous(void **state)
{
	(void)state;
	at_us(&w, 100);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 99);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_outcome(&w, 0, TRACK_AMBIGUOUS);
}

/* More requests than are remembered for one connection: all are counted, none is matched wrongly. */
static void
too_many_outstanding(void **state)
{
	const int n = 300;

	(void)state;
	for (int i = 0; i < n; i++)
		client(&w, i * 20, 0, TCP_ACK, REQUEST, MSG_BYTES);
	assert_int_equal(w.t->count.untracked, n - 256);
	for (int i = 0; i < n; i++)
		server(&w, i * 20, n * 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_int_equal(w.t->count.requests, n);
	assert_int_equal(w.t->count.ambiguous, n);
	assert_int_equal(w.t->count.responses_unmatched, n - 256);
	client(&w, n * 20, n * 20, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 8);
	server(&w, n * 20, n * 20 + 20, TCP_ACK, RESPONSE, MSG_BYTES);
	assert_matched(&w, (unsigned)n, RULE_HIGH, 8);
}

static void
cut_packets_have_no_label(void **state)
{
	struct track_packet p = {.ts_ns = w.now_ns,
				 .tuple = w.tuple,
				 .seq = w.c_iss + 1,
				 .ack = w.s_iss + 1,
				 .len = MSG_BYTES,
				 .have = 6,
				 .payload = REQUEST,
				 .flags = TCP_ACK};

	(void)state;
	give(&w, &p);
	assert_int_equal(w.t->count.requests, 0);
	assert_int_equal(w.t->count.labels_cut, 1);
	assert_int_equal(w.t->count.tap_losses, 0);
	p.seq += MSG_BYTES;
	p.have = 7;
	give(&w, &p);
	assert_int_equal(w.t->count.requests, 1);
	p.seq += MSG_BYTES;
	p.have = 0;
	p.payload = NULL;
	give(&w, &p);
	assert_int_equal(w.t->count.requests, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(request_is_timed_to_its_response),
	    T(heartbeat_is_timed_to_its_ack),
	    T(ack_of_a_later_message_is_not_the_heartbeats),
	    T(low_request_may_want_a_response),
	    T(response_passes_over_heartbeats),
	    T(several_outstanding_are_answered_in_order),
	    T(response_answers_only_what_the_server_had),
	    T(segment_without_label_continues_the_message),
	    T(repeated_before_its_ack_is_ambiguous),
	    T(repeated_after_its_ack_is_not),
	    T(repeated_response_counts_once),
	    T(new_octets_behind_repeated_ones_are_a_message),
	    T(requests_out_of_order),
	    T(responses_out_of_order),
	    T(gap_is_split_and_closed),
	    T(tap_misses_a_request),
	    T(tap_misses_a_response),
	    T(tap_misses_a_response_in_a_pipeline),
	    T(tap_misses_a_request_in_a_pipeline),
	    T(doubt_stays_while_a_request_waits),
	    T(loss_touches_only_what_was_before_it),
	    T(numbers_far_ahead),
	    T(open_and_unanswered_are_not_the_same),
	    T(response_behind_the_fins_is_taken),
	    T(time_that_runs_backwards_is_ambiguous),
	    T(too_many_outstanding),
	    T(cut_packets_have_no_label),
	};

	return cmocka_run_group_tests_name("hcmon_match", tests, NULL, NULL);
}
