/* test_tcp_options.c - TCP options read from hostile octets and written for peers. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "guard.h"
#include "wire/tcp.h"

#define OCTETS(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

#define MSS1460	   2, 4, 0x05, 0xb4
#define WSCALE7	   3, 3, 7
#define SACKOK	   4, 2
#define TIMESTAMPS 8, 10, 0, 0, 0, 1, 0, 0, 0, 2
#define BLOCK	   0, 0, 0, 3, 0, 0, 0, 4

enum {
	NO = 0,
	MSS = TCP_OPT_MSS,
	WS = TCP_OPT_WSCALE,
	OK = TCP_OPT_SACK_PERMITTED,
	TS = TCP_OPT_TIMESTAMP,
	SK = TCP_OPT_SACK
};

static const struct row {
	const char *name;
	const uint8_t *p;
	size_t len;
	uint8_t flags;
	bool well_formed;
	uint8_t opts;
	uint16_t mss;
	uint8_t wscale, n_sack;
} rows[] = {
    {"mss", OCTETS(MSS1460), TCP_SYN, true, .opts = MSS, .mss = 1460},
    {"linux syn", OCTETS(MSS1460, SACKOK, TIMESTAMPS, 1, WSCALE7), TCP_SYN, true,
     .opts = MSS | OK | TS | WS, .mss = 1460, .wscale = 7},
    {"syn,ack too", OCTETS(MSS1460), TCP_SYN | TCP_ACK, true, .opts = MSS, .mss = 1460},
    {"not from other segments", OCTETS(MSS1460, WSCALE7, SACKOK), TCP_ACK, true, .opts = NO},
    {"mss 0 is for TCP to judge", OCTETS(2, 4, 0, 0), TCP_SYN, true, .opts = MSS},
    {"a second mss replaces the first", OCTETS(2, 4, 1, 0, MSS1460), TCP_SYN, true, .opts = MSS,
     .mss = 1460},
    {"wscale 15 is taken as 14", OCTETS(3, 3, 15), TCP_SYN, true, .opts = WS, .wscale = 14},
    {"wscale 255", OCTETS(3, 3, 255), TCP_SYN, true, .opts = WS, .wscale = 14},
    {"timestamps, aligned", OCTETS(1, 1, TIMESTAMPS), TCP_ACK, true, .opts = TS},
    {"timestamps, not aligned", OCTETS(TIMESTAMPS, 1, 1), TCP_ACK, true, .opts = TS},
    {"timestamps in a syn", OCTETS(1, 1, TIMESTAMPS), TCP_SYN, true, .opts = TS},
    {"one sack block", OCTETS(1, 1, 5, 10, BLOCK), TCP_ACK, true, .opts = SK, .n_sack = 1},
    {"four sack blocks", OCTETS(5, 34, BLOCK, BLOCK, BLOCK, BLOCK), TCP_ACK, true, .opts = SK,
     .n_sack = 4},
    {"sack and timestamps", OCTETS(1, 1, TIMESTAMPS, 1, 1, 5, 26, BLOCK, BLOCK, BLOCK), TCP_ACK,
     true, .opts = TS | SK, .n_sack = 3},
    {"unknown kinds", OCTETS(254, 4, 9, 9, 34, 2, MSS1460), TCP_SYN, true, .opts = MSS,
     .mss = 1460},
    {"nothing after the end", OCTETS(0, MSS1460), TCP_SYN, true, .opts = NO},
    {"all no-operation", OCTETS(1, 1, 1, 1, 1, 1, 1, 1), TCP_SYN, true, .opts = NO},
    {"kind without length", OCTETS(MSS1460, 2), TCP_SYN, false, .opts = MSS, .mss = 1460},
    {"length 0", OCTETS(MSS1460, 3, 0, 7, SACKOK), TCP_SYN, false, .opts = MSS, .mss = 1460},
    {"length 1", OCTETS(MSS1460, 3, 1, 7, SACKOK), TCP_SYN, false, .opts = MSS, .mss = 1460},
    {"past the end", OCTETS(2, 4, 5), TCP_SYN, false, .opts = NO},
    {"unknown kind past the end", OCTETS(77, 5, 1, 1), TCP_SYN, false, .opts = NO},
    {"unknown kind, length 0", OCTETS(77, 0, 1, 1), TCP_SYN, false, .opts = NO},
    {"mss of length 3", OCTETS(2, 3, 5, 1), TCP_SYN, false, .opts = NO},
    {"mss of length 5", OCTETS(2, 5, 5, 1, 1), TCP_SYN, false, .opts = NO},
    {"mss of length 3, no syn", OCTETS(2, 3, 5, 1, 1, 1, TIMESTAMPS), TCP_ACK, false, .opts = NO},
    {"wscale of length 2", OCTETS(3, 2, 1, 1), TCP_SYN, false, .opts = NO},
    {"wscale of length 4", OCTETS(3, 4, 1, 1), TCP_SYN, false, .opts = NO},
    {"sack permitted of length 3", OCTETS(4, 3, 1, 1), TCP_SYN, false, .opts = NO},
    {"timestamps of length 9", OCTETS(8, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1), TCP_ACK, false,
     .opts = NO},
    {"sack without blocks", OCTETS(5, 2, 1, 1), TCP_ACK, false, .opts = NO},
    {"sack with half a block", OCTETS(5, 14, BLOCK, 0, 0, 0, 0), TCP_ACK, false, .opts = NO},
    {"sack of length 9", OCTETS(5, 9, 0, 0, 0, 0, 0, 0, 0), TCP_ACK, false, .opts = NO},
    {"no octets", (const uint8_t *)"", 0, TCP_SYN, true, .opts = NO},
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		uint8_t *p = guard_copy(r->p, r->len);
		struct tcp_seg s = {.flags = r->flags, .opts = 0xff, .n_sack = 9};

		if (tcp_options_parse(&s, p, r->len) != r->well_formed || s.opts != r->opts ||
		    ((s.opts & MSS) && s.mss != r->mss) ||
		    ((s.opts & WS) && s.wscale != r->wscale) || s.n_sack != r->n_sack)
			fail_msg("%s", r->name);
		if ((s.opts & TS) && (s.tsval != 1 || s.tsecr != 2))
			fail_msg("%s: timestamps", r->name);
		for (unsigned b = 0; b < s.n_sack; b++)
			if (s.sack[b].start != 3 || s.sack[b].end != 4)
				fail_msg("%s: block %u", r->name, b);
		guard_free(p, r->len);
	}
}

/* No more than the 40 octets that a header can hold are read, whatever the caller says. */
static void
test_parse_is_bounded(void **state)
{
	uint8_t p[44];
	struct tcp_seg s = {.flags = TCP_SYN};

	(void)state;
	memset(p, 1, sizeof(p));
	memcpy(p + 40, OCTETS(MSS1460));
	assert_true(tcp_options_parse(&s, p, sizeof(p)));
	assert_int_equal(s.opts, 0);
}

static const struct build_row {
	const char *name;
	struct tcp_seg seg;
	const uint8_t *p;
	size_t len;
} build_rows[] = {
    {"none", {.flags = TCP_ACK}, (const uint8_t *)"", 0},
    {"mss", {.opts = MSS, .mss = 1460}, OCTETS(MSS1460)},
    {"syn",
     {.opts = MSS | WS | OK | TS, .mss = 1460, .wscale = 7, .tsval = 1, .tsecr = 2},
     OCTETS(MSS1460, SACKOK, TIMESTAMPS, 1, WSCALE7)},
    {"syn without timestamps",
     {.opts = MSS | WS | OK, .mss = 1460, .wscale = 7},
     OCTETS(MSS1460, 1, 1, SACKOK, 1, WSCALE7)},
    {"timestamps", {.opts = TS, .tsval = 1, .tsecr = 2}, OCTETS(1, 1, TIMESTAMPS)},
    {"sack",
     {.opts = SK, .n_sack = 2, .sack = {{3, 4}, {3, 4}}},
     OCTETS(1, 1, 5, 18, BLOCK, BLOCK)},
    {"three blocks fit beside timestamps",
     {.opts = SK | TS,
      .tsval = 1,
      .tsecr = 2,
      .n_sack = 4,
      .sack = {{3, 4}, {3, 4}, {3, 4}, {7, 8}}},
     OCTETS(1, 1, TIMESTAMPS, 1, 1, 5, 26, BLOCK, BLOCK, BLOCK)},
    {"sack without blocks is left out", {.opts = SK, .n_sack = 0}, (const uint8_t *)"", 0},
    {"a wrong count is limited",
     {.opts = SK, .n_sack = 200, .sack = {{3, 4}, {3, 4}, {3, 4}, {3, 4}}},
     OCTETS(1, 1, 5, 34, BLOCK, BLOCK, BLOCK, BLOCK)},
};

static void
test_build(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(build_rows) / sizeof(build_rows[0]); i++) {
		const struct build_row *r = &build_rows[i];
		uint8_t *p = guard_alloc(r->len);

		if (tcp_options_length(&r->seg) != r->len ||
		    tcp_options_build(&r->seg, p) != r->len || memcmp(p, r->p, r->len) != 0)
			fail_msg("%s", r->name);
		guard_free(p, r->len);
	}
}

static void
test_round_trip(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 3);
	for (unsigned i = 0; i < 20000; i++) {
		struct tcp_seg a = {.flags = TCP_SYN,
				    .opts = (uint8_t)rng_below(&r, 0x20),
				    .mss = (uint16_t)rng_u64(&r),
				    .wscale = (uint8_t)rng_below(&r, 15),
				    .tsval = (uint32_t)rng_u64(&r),
				    .tsecr = (uint32_t)rng_u64(&r),
				    .n_sack = (uint8_t)(1 + rng_below(&r, 4))};
		struct tcp_seg b = {.flags = TCP_SYN};
		uint8_t p[TCP_OPTIONS_MAX_BYTES];
		size_t len;

		for (unsigned s = 0; s < 4; s++)
			a.sack[s] =
			    (struct tcp_sack_block){(uint32_t)rng_u64(&r), (uint32_t)rng_u64(&r)};
		len = tcp_options_build(&a, p);
		assert_true(len <= sizeof(p) && len % 4 == 0);
		assert_int_equal(len, tcp_options_length(&a));
		assert_true(tcp_options_parse(&b, p, len));
		assert_int_equal(b.opts, a.opts);
		if (a.opts & MSS)
			assert_int_equal(b.mss, a.mss);
		if (a.opts & WS)
			assert_int_equal(b.wscale, a.wscale);
		if (a.opts & TS) {
			assert_int_equal(b.tsval, a.tsval);
			assert_int_equal(b.tsecr, a.tsecr);
		}
		assert_in_range(b.n_sack, (a.opts & SK) != 0, a.n_sack);
		assert_memory_equal(b.sack, a.sack, b.n_sack * sizeof(a.sack[0]));
	}
}

static void
test_random_octets(void **state)
{
	uint8_t *end = guard_alloc(40) + 40;
	struct rng r;

	(void)state;
	rng_seed(&r, 2, 3);
	for (unsigned i = 0; i < 200000; i++) {
		size_t len = rng_below(&r, 41);
		struct tcp_seg s = {.flags = (uint8_t)rng_u64(&r)};

		for (size_t o = 0; o < len; o++) /* small numbers are kinds and lengths */
			(end - len)[o] = (uint8_t)(rng_u64(&r) & (i % 2 == 0 ? 0x0f : 0xff));
		(void)tcp_options_parse(&s, end - len, len);
		assert_true(s.n_sack <= TCP_SACK_MAX && (s.n_sack > 0) == ((s.opts & SK) != 0));
		assert_true(!(s.opts & WS) || s.wscale <= TCP_WSCALE_MAX);
	}
	guard_free(end - 40, 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),	  cmocka_unit_test(test_parse_is_bounded),
	    cmocka_unit_test(test_build),	  cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_random_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
