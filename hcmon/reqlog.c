/* reqlog.c - requests as rows for record.h. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/reqlog.h"

#include <stdio.h>

#define AT(member) .offset = offsetof(struct reqlog_row, member)

const struct record_field reqlog_fields[] = {
    {"time_s", RECORD_F64, 9, AT(time_s), "when the request's last octet passed, since the start"},
    {"client", RECORD_STR, 0, AT(client), "address and port of the client"},
    {"server", RECORD_STR, 0, AT(server), "address and port of the server"},
    {"class", RECORD_STR, 0, AT(class), "plain, high, low or heartbeat"},
    {"outcome", RECORD_STR, 0, AT(outcome), "matched, unanswered or ambiguous"},
    {"latency_us", RECORD_NS_AS_US, 0, AT(latency_ns),
     "to the first octet of the response, or to the heartbeat's ACK"},
    {"bytes", RECORD_U32, 0, AT(bytes), "payload of the request"},
};
const unsigned reqlog_n_fields = sizeof(reqlog_fields) / sizeof(reqlog_fields[0]);

static const char *
print_end(char *buf, uint32_t addr, uint16_t port)
{
	snprintf(buf, REQLOG_END_BYTES, "%u.%u.%u.%u:%u", addr >> 24, addr >> 16 & 0xff,
		 addr >> 8 & 0xff, addr & 0xff, port);
	return buf;
}

void
reqlog_row(struct reqlog_row *row, char buf[2][REQLOG_END_BYTES], const struct track_request *r,
	   uint64_t start_ns)
{
	static const char *const outcomes[] = {[TRACK_MATCHED] = "matched",
					       [TRACK_UNANSWERED] = "unanswered",
					       [TRACK_AMBIGUOUS] = "ambiguous"};

	*row = (struct reqlog_row){
	    .time_s = (double)(int64_t)(r->ts_ns - start_ns) / 1e9,
	    .client = print_end(buf[0], r->tuple.laddr, r->tuple.lport),
	    .server = print_end(buf[1], r->tuple.raddr, r->tuple.rport),
	    .class = rule_class_name(r->class),
	    .outcome = outcomes[r->outcome],
	    .latency_ns = r->latency_ns,
	    .bytes = r->bytes,
	};
}
