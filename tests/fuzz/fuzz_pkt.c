/* fuzz_pkt.c - libFuzzer: any octets as a frame, with every set of flags, printed; and as TCP options. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/build.h"
#include "wire/flow.h"
#include "wire/pkt.h"

/*
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Icommon tests/fuzz/fuzz_pkt.c \
 *	common/wire/[a-z]*.c -o fuzz_pkt && ./fuzz_pkt -max_len=256
 */
enum { ALL_FLAGS = 16, LINE = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_print(const struct pkt *p, size_t size)
{
	char *line = malloc(size);

	assert(pkt_print(line, size, p) == line);
	assert(strnlen(line, size) < size);
	free(line);
}

static void
check_parsed(const struct pkt *p, size_t size, unsigned flags)
{
	assert(p->kind != PKT_OTHER);
	if (p->kind == PKT_ARP)
		return;
	assert(p->l3_off < p->l4_off && p->l4_off < p->payload_off && p->payload_off <= size);
	assert((flags & PKT_TRUNCATED) || (size_t)p->payload_off + p->payload_len <= size);
}

/* What the parser takes from a segment without IP options, the builder makes again, and it parses alike. */
static void
check_rebuilt(const struct pkt *p, const uint8_t *frame)
{
	uint8_t *again = malloc(BUILD_TCP_MAX_HEADERS + (size_t)p->payload_len);
	struct build_ip ip = {.vlan = p->vlan, .src = p->src, .dst = p->dst, .ttl = p->ttl};
	struct pkt q;
	size_t n;

	n = build_tcp(again, BUILD_TCP_MAX_HEADERS + (size_t)p->payload_len, &ip, p->sport,
		      p->dport, &p->tcp, frame + p->payload_off);
	assert(pkt_parse(&q, again, n, PKT_ANY_SOURCE) == PKT_OK && q.kind == PKT_TCP);
	assert(q.sport == p->sport && q.dport == p->dport && q.tcp.seq == p->tcp.seq);
	assert(q.tcp.flags == p->tcp.flags && q.payload_len == p->payload_len);
	assert((q.tcp.opts | TCP_OPT_SACK) == (p->tcp.opts | TCP_OPT_SACK));
	assert(memcmp(again + q.payload_off, frame + p->payload_off, q.payload_len) == 0);
	free(again);
}

static void
check_options(const uint8_t *data, size_t size)
{
	struct tcp_seg s = {.flags = size > 0 ? data[0] : 0};
	uint8_t out[TCP_OPTIONS_MAX_BYTES];

	(void)tcp_options_parse(&s, data, size);
	assert(s.n_sack <= TCP_SACK_MAX && (s.n_sack > 0) == ((s.opts & TCP_OPT_SACK) != 0));
	assert(!(s.opts & TCP_OPT_WSCALE) || s.wscale <= TCP_WSCALE_MAX);
	assert(tcp_options_build(&s, out) == tcp_options_length(&s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (unsigned flags = 0; flags < ALL_FLAGS; flags++) {
		struct pkt p;
		enum pkt_drop drop = pkt_parse(&p, data, size, flags);

		assert((unsigned)drop < PKT_N_DROPS && pkt_drop_name(drop) != NULL);
		check_print(&p, LINE);
		check_print(&p, 1 + size % 80);
		if (drop != PKT_OK)
			continue;
		check_parsed(&p, size, flags);
		if (p.kind == PKT_TCP && (size_t)p.payload_off + p.payload_len <= size)
			check_rebuilt(&p, data);
	}
	check_options(data, size);
	return 0;
}
