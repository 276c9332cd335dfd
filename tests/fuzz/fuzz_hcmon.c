/* fuzz_hcmon.c - libFuzzer: any octets as frames, and as packets of few connections; every invariant holds. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hcmon/report.h"
#include "hcmon/tap.h"
#include "hcmon/track.h"

/*
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -std=gnu11 -D_GNU_SOURCE -Icommon -I. \
 *	tests/fuzz/fuzz_hcmon.c hcmon/{rule,flowtab,item,stream,match,conn,track,track_check,tap,report,fields}.c \
 *	common/wire/[a-z]*.c common/base/{hist,units,units_print}.c -lm -o fuzz_hcmon && ./fuzz_hcmon -max_len=1024
 */
enum { MAX_FLOWS = 8, CHECK_EVERY = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *p, *end;
};

static struct track track;
static struct report report;
static void *mem;

static uint8_t
next_octet(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static uint16_t
next_u16(struct input *in)
{
	uint16_t high = next_octet(in);

	return (uint16_t)(high << 8 | next_octet(in));
}

static void
count_request(void *arg, const struct track_request *r)
{
	uint64_t *settled = arg;

	assert(r->bytes > 0 && r->class < RULE_N_CLASSES);
	assert((r->outcome == TRACK_MATCHED) == (r->latency_ns != UINT64_MAX));
	++*settled;
}

static void
init(struct input *in, uint64_t *settled)
{
	struct track_conf conf = {
	    .max_flows = MAX_FLOWS, .key = {7}, .sink = count_request, .sink_arg = settled};
	uint8_t flags = next_octet(in);

	assert(rule_set_parse(&conf.rule.request, "0,2"));
	assert(rule_set_parse(&conf.rule.response, "1,3"));
	assert(rule_set_parse(&conf.rule.high, "1"));
	assert(rule_ports_parse(&conf.rule, "80,1025"));
	conf.rule.label_offset = 6;
	conf.rule.prio_offset = 5;
	conf.rule.by_port = flags & 1;
	conf.rule.has_prio = flags & 2;
	conf.rule.low_until_ack = flags & 4;
	if (!mem)
		mem = aligned_alloc(64, track_bytes(MAX_FLOWS));
	track_init(&track, &conf, mem);
}

/* A packet of one of 32 tuples, its numbers near the wrap, its payload in memory of exactly its size. */
static void
play_packet(struct input *in, uint64_t *now_ns)
{
	const uint8_t who = next_octet(in), what = next_octet(in), lengths = next_octet(in);
	const uint8_t labels = next_octet(in);
	struct track_packet p = {
	    .tuple = {0x0a000001, 0x0a000002, (uint16_t)(1024 + (who >> 1 & 15)), 80}};
	uint8_t *payload;

	if (who & 1)
		p.tuple = (struct flow){0x0a000002, 0x0a000001, 80, p.tuple.lport};
	p.flags = what;
	p.seq = (uint32_t)(int16_t)next_u16(in) << (who >> 7 ? 16 : 0);
	p.ack = (uint32_t)(int16_t)next_u16(in) << (who >> 6 & 1 ? 16 : 0);
	p.len = lengths & 31;
	p.have = lengths & 128 ? p.len / 2 : p.len;
	p.ts_ns = *now_ns += (uint64_t)(int8_t)next_octet(in) * 100000000;
	payload = malloc(p.have ? p.have : 1);
	memset(payload, labels & 3, p.have);
	if (p.have > 5)
		payload[5] = labels >> 2 & 1;
	p.payload = payload;
	track_packets(&track, &p, 1);
	free(payload);
}

/* Frames, each after its length. */
static void
play_frames(struct input *in)
{
	struct tap tap = {.verify_checksums = next_octet(in) & 1};
	struct track_packet p;
	uint64_t n = 0;

	while (in->p < in->end) {
		size_t len = next_u16(in) % 1600, left = (size_t)(in->end - in->p);
		uint32_t have = (uint32_t)(len < left ? len : left);
		uint8_t *frame = malloc(have ? have : 1);

		memcpy(frame, in->p, have);
		in->p += have;
		if (tap_read(&tap, frame, have, (uint32_t)len, &p)) {
			p.ts_ns = n * 1000;
			track_packets(&track, &p, 1);
		}
		free(frame);
		n++;
	}
	assert(tap.frames == n);
}

static void
play_packets(struct input *in)
{
	uint64_t now_ns = UINT64_C(1) << 60;

	for (unsigned i = 0; in->p < in->end; i++) {
		play_packet(in, &now_ns);
		if (i % CHECK_EVERY == 0) {
			track_check(&track);
			track_expire(&track, now_ns);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct report_state state = {0};
	struct report_row row;
	uint64_t settled = 0;

	init(&in, &settled);
	if (next_octet(&in) & 1)
		play_frames(&in);
	else
		play_packets(&in);
	track_check(&track);
	track_finish(&track);
	track_check(&track);
	assert(settled == track.count.matched + track.count.unanswered + track.count.ambiguous +
			      track.count.heartbeats_acked + track.count.heartbeats_unacked +
			      track.count.heartbeats_ambiguous);
	state.count = track.count;
	report_init(&report);
	report_interval(&report, &track, &state, 1, &row);
	return 0;
}
