/* fuzz_options.c - libFuzzer: TCP options, read, written and read again (RFC 9293 3.1, 7323, 2018). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "wire/tcp.h"

/* The input: the segment's flags, then the octets of its options. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_fields(const struct tcp_seg *s)
{
	const uint8_t of_syn = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED;

	assert(s->n_sack <= TCP_SACK_MAX && (s->n_sack > 0) == ((s->opts & TCP_OPT_SACK) != 0));
	assert(!(s->opts & TCP_OPT_WSCALE) || s->wscale <= TCP_WSCALE_MAX);
	assert(s->flags & TCP_SYN || !(s->opts & of_syn));
}

/* What was understood is written, and understood alike; SACK blocks as far as there is room. */
static void
check_again(const struct tcp_seg *s)
{
	struct tcp_seg again = {.flags = s->flags};
	uint8_t out[TCP_OPTIONS_MAX_BYTES];
	size_t len = tcp_options_build(s, out);

	assert(len <= sizeof(out) && len % 4 == 0 && len == tcp_options_length(s));
	assert(tcp_options_parse(&again, out, len));
	assert((again.opts | TCP_OPT_SACK) == (s->opts | TCP_OPT_SACK));
	assert(again.n_sack <= s->n_sack);
	assert(memcmp(again.sack, s->sack, again.n_sack * sizeof(s->sack[0])) == 0);
	if (s->opts & TCP_OPT_MSS)
		assert(again.mss == s->mss);
	if (s->opts & TCP_OPT_WSCALE)
		assert(again.wscale == s->wscale);
	if (s->opts & TCP_OPT_TIMESTAMP)
		assert(again.tsval == s->tsval && again.tsecr == s->tsecr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_seg s = {.flags = size > 0 ? data[0] : 0};
	const size_t len = size > 1 ? size - 1 : 0;

	if (len > TCP_OPTIONS_MAX_BYTES)
		return 0;
	(void)tcp_options_parse(&s, data + (size > 1), len);
	check_fields(&s);
	check_again(&s);
	return 0;
}
