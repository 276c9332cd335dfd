/* test_hcmon_report.c - rules as typed, frames as tapped, records as differences, percentiles as written. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon_world.h"

#include <math.h>

#include "hcmon/cdf.h"
#include "hcmon/report.h"
#include "hcmon/reqlog.h"
#include "wire/build.h"

static void
sets_of_octets(void **state)
{
	static const char *const wrong[] = {"",	    "x",     "1,",  ",1",
					    "256",  "-1",    "1;2", "0x1g",
					    "1,,2", "0x100", " 1",  "99999999999999999999"};
	struct rule rule = {0};
	const uint8_t p[] = {0, 1, 2, 64, 255};

	(void)state;
	assert_true(rule_set_parse(&rule.request, "0,2,0xff"));
	assert_true(rule_set_parse(&rule.response, "64"));
	for (unsigned i = 0; i < sizeof(p); i++) {
		rule.label_offset = (uint16_t)i;
		assert_int_equal(rule_kind(&rule, p, sizeof(p)), i == 1	  ? RULE_NONE
								 : i == 3 ? RULE_RESPONSE
									  : RULE_REQUEST);
		assert_int_equal(rule_kind(&rule, p, i), RULE_NONE); /* not caught */
	}
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(rule_set_parse(&rule.request, wrong[i]));
	rule.label_offset = 2;
	assert_int_equal(rule_kind(&rule, p, sizeof(p)), RULE_REQUEST); /* as it was */
}

static void
lists_of_ports(void **state)
{
	static const char *const wrong[] = {"", "0", "65536", "80,", "http", "1,2,3,4,5,6,7,8,9"};
	struct rule rule = {0};

	(void)state;
	assert_true(rule_ports_parse(&rule, "1,2,3,4,5,6,7,65535"));
	assert_true(rule_is_server_port(&rule, 65535));
	assert_false(rule_is_server_port(&rule, 8));
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(rule_ports_parse(&rule, wrong[i]));
}

static void
classes(void **state)
{
	struct rule rule = label_rule();

	(void)state;
	assert_int_equal(rule_class(&rule, REQUEST, MSG_BYTES), RULE_HIGH);
	assert_int_equal(rule_class(&rule, REQUEST, 5),
			 RULE_HEARTBEAT); /* cut: not known to be high */
	assert_int_equal(rule_class(&rule, HEARTBEAT, MSG_BYTES), RULE_HEARTBEAT);
	rule.low_until_ack = false;
	assert_int_equal(rule_class(&rule, HEARTBEAT, MSG_BYTES), RULE_LOW);
	rule.has_prio = false;
	assert_int_equal(rule_class(&rule, REQUEST, MSG_BYTES), RULE_PLAIN);
}

static size_t
build(uint8_t *frame, size_t room)
{
	const struct build_ip ip = {.src = 0x0a000001, .dst = 0x0a000002, .ttl = 64};
	const struct tcp_seg seg = {
	    .seq = 100, .ack = 200, .flags = TCP_ACK | TCP_PSH, .len = MSG_BYTES, .wnd = 1000};

	return build_tcp(frame, room, &ip, 1025, 80, &seg, REQUEST);
}

/* A frame cut at each of its octets: no octet is read that is not there. */
static void
frames_cut_anywhere(void **state)
{
	uint8_t whole[128];
	const size_t len = build(whole, sizeof(whole));
	const uint32_t headers = (uint32_t)len - MSG_BYTES;
	struct tap tap = {0};

	(void)state;
	for (uint32_t n = 0; n <= len; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		struct track_packet p;

		memcpy(cut, whole, n);
		if (tap_read(&tap, cut, n, (uint32_t)len, &p)) {
			assert_true(n >= headers);
			assert_int_equal(p.len, MSG_BYTES);
			assert_int_equal(p.have, n - headers);
			assert_memory_equal(p.payload, REQUEST, p.have);
			assert_int_equal(p.seq, 100);
			assert_int_equal(p.ack, 200);
			assert_int_equal(p.tuple.laddr, 0x0a000001);
			assert_int_equal(p.tuple.rport, 80);
		} else {
			assert_true(n < headers);
		}
		free(cut);
	}
	assert_int_equal(tap.frames, len + 1);
	assert_int_equal(tap.bytes, (len + 1) * len);
}

static void
padding_is_no_payload(void **state)
{
	const struct build_ip ip = {.src = 1, .dst = 2, .ttl = 64};
	const struct tcp_seg seg = {.flags = TCP_ACK};
	uint8_t frame[60] = {0};
	struct tap tap = {0};
	struct track_packet p;

	(void)state;
	build_tcp(frame, sizeof(frame), &ip, 1025, 80, &seg, NULL);
	assert_true(tap_read(&tap, frame, sizeof(frame), sizeof(frame), &p));
	assert_int_equal(p.len, 0);
	assert_int_equal(p.have, 0);
}

static void
checksums_on_demand(void **state)
{
	struct tap tap = {0};
	struct track_packet p;
	uint8_t frame[128];
	uint32_t len = (uint32_t)build(frame, sizeof(frame));

	(void)state;
	frame[len - 1] ^= 1;
	assert_true(tap_read(&tap, frame, len, len, &p));
	tap.verify_checksums = true;
	assert_false(tap_read(&tap, frame, len, len, &p));
	assert_int_equal(tap.drops[PKT_DROP_TCP_CHECKSUM], 1);
}

static void
records_are_differences(void **state)
{
	struct rule rule = label_rule();
	struct report *r = malloc(sizeof(*r));
	struct report_state now = {0};
	struct report_row row;
	struct world w;

	(void)state;
	world_init(&w, &rule, 64);
	report_init(r);
	handshake(&w);
	client(&w, 0, 0, TCP_ACK, REQUEST, MSG_BYTES);
	at_us(&w, 250);
	server(&w, 0, 20, TCP_ACK, RESPONSE, MSG_BYTES);
	now.count = w.t->count;
	now.tap.frames = 5;
	now.tap.bytes = 1000;
	report_interval(r, w.t, &now, 500000000, &row);
	track_interval(w.t);
	assert_int_equal(row.pkts, 5);
	assert_int_equal(row.count.requests, 1);
	assert_true(row.requests_per_s == 2 && row.bps == 16000);
	assert_int_equal(row.high.p50, 250000);
	assert_int_equal(row.latency.max, 250000);
	assert_true(row.ack.p50 == UINT64_MAX && row.low.max == UINT64_MAX);

	client(&w, 20, 20, TCP_ACK, HEARTBEAT, MSG_BYTES);
	at_us(&w, 290);
	server(&w, 20, 40, TCP_ACK, NULL, 0);
	now.count = w.t->count;
	now.tap.frames = 7;
	report_interval(r, w.t, &now, 500000000, &row); /* of no length */
	assert_int_equal(row.pkts, 2);
	assert_int_equal(row.count.requests, 0);
	assert_true(isnan(row.requests_per_s));
	assert_true(row.high.p50 == UINT64_MAX);
	assert_int_equal(row.ack.p99, 40000);

	report_total(r, w.t, &row);
	assert_int_equal(row.pkts, 7);
	assert_int_equal(row.count.requests, 1);
	assert_int_equal(row.high.p99, 250000);
	assert_int_equal(row.ack.p99, 40000);
	assert_int_equal(report_answered(r)->total, 1); /* an ACK is no answer */
	free(r);
	world_fini(&w);
}

static void
every_counter_is_a_column(void **state)
{
	unsigned found = 0;

	(void)state;
#define COUNT(counter, text)                           \
	for (unsigned i = 0; i < report_n_fields; i++) \
		found += strcmp(report_fields[i].name, #counter) == 0;
	TRACK_COUNTERS(COUNT)
#undef COUNT
	assert_int_equal(found, sizeof(struct track_counters) / sizeof(uint64_t));
	for (unsigned i = 0; i < report_n_fields; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(report_fields[i].name, report_fields[j].name);
}

static void
percentiles_rise(void **state)
{
	unsigned digits, n = 0;
	double last = -1, ratio;

	(void)state;
	for (; (ratio = cdf_ratio(n, &digits)) >= 0; n++) {
		char text[32];

		assert_true(ratio > last && ratio <= 1);
		last = ratio;
		/* The digits are enough to tell it from its neighbours. */
		snprintf(text, sizeof(text), "%.*f", (int)digits, ratio * 100);
		assert_true(fabs(strtod(text, NULL) - ratio * 100) < 1e-9);
	}
	assert_true(last == 1);
	assert_int_equal(n, 128);
}

static void
requests_as_rows(void **state)
{
	const struct track_request r = {.ts_ns = 5000000123,
					.latency_ns = 42,
					.tuple = {0x0a000001, 0xfffefdfc, 65535, 80},
					.bytes = 9,
					.class = RULE_HEARTBEAT,
					.outcome = TRACK_UNANSWERED};
	char buf[2][REQLOG_END_BYTES];
	struct reqlog_row row;

	(void)state;
	reqlog_row(&row, buf, &r, 5000000000);
	assert_true(fabs(row.time_s - 123e-9) < 1e-15);
	assert_string_equal(row.client, "10.0.0.1:65535");
	assert_string_equal(row.server, "255.254.253.252:80");
	assert_string_equal(row.class, "heartbeat");
	assert_string_equal(row.outcome, "unanswered");
	reqlog_row(&row, buf, &r, 6000000123); /* time went backwards */
	assert_true(row.time_s == -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sets_of_octets),
	    cmocka_unit_test(lists_of_ports),
	    cmocka_unit_test(classes),
	    cmocka_unit_test(frames_cut_anywhere),
	    cmocka_unit_test(padding_is_no_payload),
	    cmocka_unit_test(checksums_on_demand),
	    cmocka_unit_test(records_are_differences),
	    cmocka_unit_test(every_counter_is_a_column),
	    cmocka_unit_test(percentiles_rise),
	    cmocka_unit_test(requests_as_rows),
	};

	return cmocka_run_group_tests_name("hcmon_report", tests, NULL, NULL);
}
