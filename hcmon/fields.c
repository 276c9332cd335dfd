/* fields.c - the columns of a record, in order, with their help. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/report.h"

#define AT(member) .offset = offsetof(struct report_row, member)
#define U64(n, m, h)                                            \
	{                                                       \
		.name = n, .type = RECORD_U64, AT(m), .help = h \
	}
#define F64(n, m, d, h)                                                      \
	{                                                                    \
		.name = n, .type = RECORD_F64, .digits = d, AT(m), .help = h \
	}
#define US(n, m, h)                                                  \
	{                                                            \
		.name = n, .type = RECORD_NS_AS_US, AT(m), .help = h \
	}
#define SECONDS(n, m, h)                                            \
	{                                                           \
		.name = n, .type = RECORD_NS_AS_S, AT(m), .help = h \
	}
#define COUNTER(member, help) U64(#member, count.member, help),
#define LATENCY(prefix, member, what)                                   \
	US(prefix "_p50", member.p50, what ": median"),                 \
	    US(prefix "_p90", member.p90, what ": 90 % are not above"), \
	    US(prefix "_p99", member.p99, what ": 99 %"),               \
	    US(prefix "_p999", member.p999, what ": 99.9 %"),           \
	    US(prefix "_max", member.max, what ": the largest")
#define DROP(id, text) U64("drop_" text, drops[PKT_DROP_##id], "frames not taken: " text),

const struct record_field report_fields[] = {
    SECONDS("time_s", time_ns, "end of the interval, since the start"),
    U64("flows_open", flows_open, "connections open at the end"),
    U64("flows_active", flows_active, "flows with a packet in the interval"),
    F64("conns_per_s", conns_per_s, 1, "conns_opened per second"),
    F64("requests_per_s", requests_per_s, 1, "requests per second"),
    F64("heartbeats_per_s", heartbeats_per_s, 1, "heartbeats per second"),
    F64("bps", bps, 0, "bits per second, of whole frames"),
    LATENCY("latency_us", latency, "request to response, all"),
    LATENCY("high_us", high, "request to response, high priority"),
    LATENCY("low_us", low, "request to response, low priority"),
    LATENCY("ack_us", ack, "heartbeat to its ACK"),
    U64("requests_open", requests_open, "requests without response at the end"),
    U64("heartbeats_open", heartbeats_open, "heartbeats without ACK at the end"),
    TRACK_COUNTERS(COUNTER) U64("pkts", pkts, "frames seen"),
    U64("bytes", bytes, "octets of the frames seen"),
    U64("other", other, "frames that are well-formed, but not TCP"),
    U64("missed", missed, "frames that the port lost for want of buffers or room"),
    US("stamp_us_p99", stamp_p99_ns, "live: uncertainty of time stamps, 99 %"),
    US("stamp_us_max", stamp_max_ns, "live: uncertainty of time stamps, the largest"),
    U64("dropped", dropped, "frames not taken, all reasons"),
    PKT_DROPS(DROP)};
const unsigned report_n_fields = sizeof(report_fields) / sizeof(report_fields[0]);

const struct record_field report_text_fields[] = {
    SECONDS("time_s", time_ns, ""),	     U64("flows_open", flows_open, ""),
    F64("conns_per_s", conns_per_s, 0, ""),  F64("requests_per_s", requests_per_s, 0, ""),
    US("latency_us_p50", latency.p50, ""),   US("latency_us_p99", latency.p99, ""),
    US("ack_us_p99", ack.p99, ""),	     U64("unanswered", count.unanswered, ""),
    U64("tap_losses", count.tap_losses, ""),
};
const unsigned report_n_text_fields = sizeof(report_text_fields) / sizeof(report_text_fields[0]);
