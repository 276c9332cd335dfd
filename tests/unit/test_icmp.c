/* test_icmp.c - echo, unreachable, their limits, and errors whose quotes lie. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "guard.h"
#include "inet/icmp.h"
#include "wire/build.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define US	       IP(10, 0, 0, 1)
#define PEER	       IP(10, 0, 0, 2)
#define SECOND	       UINT64_C(1000000000)

enum { MTU = 1500, ROOM = 2048 };

struct fixture {
	struct icmp_state icmp;
	struct netif_addrs addrs;
	struct build_ip ip; /* from the peer to us */
	struct icmp_msg msg;
	uint8_t frame[ROOM];
	struct pkt p;
};

static int
setup(void **state)
{
	static struct fixture f;
	struct icmp_conf conf;

	f = (struct fixture){
	    .ip = {.eth_dst = {2, 0, 0, 0, 0, 1}, .src = PEER, .dst = US, .ttl = 64},
	};
	icmp_conf_default(&conf, MTU);
	icmp_init(&f.icmp, &conf);
	assert_int_equal(addr_add_range(&f.addrs, US, 1, 24), 0);
	*state = &f;
	return 0;
}

/* --- echo --- */

static bool
echo(struct fixture *f, uint8_t type, uint8_t code, uint16_t len, uint64_t now)
{
	static uint8_t data[ROOM];
	size_t n;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	n = build_icmp(f->frame, ROOM, &f->ip, type, code, 0x00070009, data, len);
	assert_int_equal(pkt_parse(&f->p, f->frame, n, PKT_ANY_SOURCE), PKT_OK);
	return icmp_echo_reply(&f->icmp, &f->addrs, &f->p, f->frame, now, &f->msg);
}

static void
test_echo(void **state)
{
	struct fixture *f = *state;

	f->ip.tos = 0xb8 | ECN_CE;
	assert_true(echo(f, ICMP_ECHO_REQUEST, 0, 56, 0));
	assert_int_equal(f->msg.src, US);
	assert_int_equal(f->msg.dst, PEER);
	assert_int_equal(f->msg.type, ICMP_ECHO_REPLY);
	assert_int_equal(f->msg.code, 0);
	assert_int_equal(f->msg.rest, 0x00070009);
	assert_int_equal(f->msg.tos, 0xb8);
	assert_int_equal(f->msg.len, 56);
	assert_ptr_equal(f->msg.body, f->frame + 14 + 20 + 8);
	assert_int_equal(f->icmp.stats.echo_in, 1);
	assert_int_equal(f->icmp.stats.echo_out, 1);
}

static void
test_echo_sizes(void **state)
{
	struct fixture *f = *state;

	assert_true(echo(f, ICMP_ECHO_REQUEST, 0, 0, 0));
	assert_int_equal(f->msg.len, 0);
	assert_true(echo(f, ICMP_ECHO_REQUEST, 0, MTU - 28, 0));
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, MTU - 27, 0));
	assert_int_equal(f->icmp.stats.drop_size, 1);
}

static void
test_echo_is_not_answered(void **state)
{
	struct fixture *f = *state;

	assert_false(echo(f, ICMP_ECHO_REPLY, 0, 8, 0));
	assert_false(echo(f, ICMP_ECHO_REQUEST, 1, 8, 0));
	assert_int_equal(f->icmp.stats.echo_in, 0);
	f->ip.dst = IP(10, 0, 0, 255);
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	f->ip.dst = UINT32_MAX;
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	f->ip.dst = IP(224, 0, 0, 1);
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	f->ip.dst = PEER;
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	f->ip.dst = US;
	f->ip.eth_dst[0] = 1; /* sent to many by the link */
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	f->ip.eth_dst[0] = 2;
	f->ip.src = IP(10, 0, 0, 255);
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	f->ip.src = US;
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	f->ip.src = 0;
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	assert_int_equal(f->icmp.stats.drop_rules, 8);
	assert_int_equal(f->icmp.stats.echo_out, 0);
}

/* The burst at once, then the rate, and the burst again after a rest. */
static void
test_echo_rate(void **state)
{
	struct fixture *f = *state;
	unsigned sent = 0;

	for (unsigned i = 0; i < 1200; i++)
		sent += echo(f, ICMP_ECHO_REQUEST, 0, 8, 5 * SECOND);
	assert_int_equal(sent, 1000);
	assert_int_equal(f->icmp.stats.drop_rate, 200);
	for (unsigned i = 1; i <= 5000; i++) /* 50,000 a second for a tenth of a second */
		sent += echo(f, ICMP_ECHO_REQUEST, 0, 8, 5 * SECOND + i * SECOND / 50000);
	assert_int_equal(sent, 1000 + 1000);
	sent = 0;
	for (unsigned i = 0; i < 1200; i++)
		sent += echo(f, ICMP_ECHO_REQUEST, 0, 8, 60 * SECOND);
	assert_int_equal(sent, 1000);
}

static void
test_rates_of_one_and_none(void **state)
{
	struct fixture *f = *state;
	const struct icmp_conf one = {.mtu = MTU, .echo_per_s = 1, .echo_burst = 0};
	const struct icmp_conf none = {.mtu = MTU, .echo_burst = 100};

	icmp_init(&f->icmp, &one);
	assert_true(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, SECOND - 1));
	assert_true(echo(f, ICMP_ECHO_REQUEST, 0, 8, SECOND));
	icmp_init(&f->icmp, &none);
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 0));
	assert_false(echo(f, ICMP_ECHO_REQUEST, 0, 8, 1000 * SECOND));
}

/* --- unreachable --- */

static bool
unreachable(struct fixture *f, uint16_t len, uint64_t now)
{
	static const uint8_t data[ROOM] = {1, 2, 3};
	size_t n = build_udp(f->frame, ROOM, &f->ip, 5000, 7, data, len);

	memset(f->frame + n, 0xee, 18); /* padding is not quoted */
	assert_int_equal(pkt_parse(&f->p, f->frame, n + 18, PKT_ANY_SOURCE), PKT_OK);
	return icmp_unreachable(&f->icmp, &f->addrs, &f->p, f->frame, ICMP_PORT_UNREACHABLE, now,
				&f->msg);
}

static void
test_unreachable(void **state)
{
	struct fixture *f = *state;

	f->ip.vlan = 5;
	assert_true(unreachable(f, 3, 0));
	assert_int_equal(f->msg.src, US);
	assert_int_equal(f->msg.dst, PEER);
	assert_int_equal(f->msg.type, 3);
	assert_int_equal(f->msg.code, 3);
	assert_int_equal(f->msg.rest, 0);
	assert_ptr_equal(f->msg.body, f->frame + 18);
	assert_int_equal(f->msg.len, 20 + 8 + 3);
	assert_true(unreachable(f, 520, 0)); /* the packet that just fits into 576 */
	assert_int_equal(f->msg.len, 548);
	assert_true(unreachable(f, 1400, 0));
	assert_int_equal(f->msg.len, 548);
	assert_int_equal(f->icmp.stats.errors_out, 3);
}

static void
test_unreachable_is_not_sent(void **state)
{
	struct fixture *f = *state;

	f->ip.dst = IP(10, 0, 0, 255);
	assert_false(unreachable(f, 3, 0));
	f->ip.dst = IP(224, 0, 0, 251);
	assert_false(unreachable(f, 3, 0));
	f->ip.dst = US;
	f->ip.eth_dst[0] = 0xff;
	assert_false(unreachable(f, 3, 0));
	f->ip.eth_dst[0] = 2;
	f->ip.src = IP(127, 0, 0, 1);
	assert_false(unreachable(f, 3, 0));
	f->ip.src = IP(240, 0, 0, 1);
	assert_false(unreachable(f, 3, 0));
	f->ip.src = PEER;
	assert_int_equal(f->icmp.stats.drop_rules, 5);
	/* never about ICMP: it could be an error */
	(void)echo(f, ICMP_UNREACHABLE, 3, 28, 0);
	assert_false(icmp_unreachable(&f->icmp, &f->addrs, &f->p, f->frame, ICMP_PORT_UNREACHABLE,
				      0, &f->msg));
	assert_int_equal(f->icmp.stats.drop_rules, 6);
	assert_int_equal(f->icmp.stats.errors_out, 0);
}

static void
test_unreachable_rate(void **state)
{
	struct fixture *f = *state;
	unsigned sent = 0;

	for (unsigned i = 0; i < 100; i++)
		sent += unreachable(f, 3, SECOND);
	assert_int_equal(sent, 50);
	assert_false(unreachable(f, 3, SECOND + 999999));
	assert_true(unreachable(f, 3, SECOND + 1000000));
	/* echoes have a bucket of their own */
	assert_true(echo(f, ICMP_ECHO_REQUEST, 0, 8, SECOND));
}

/* --- errors that arrive --- */

/* What we would have sent: a TCP segment to the peer. */
static size_t
our_segment(uint8_t *packet)
{
	const struct build_ip ip = {.src = US, .dst = PEER, .ttl = 64};
	const struct tcp_seg seg = {.seq = 0xdeadbeef, .flags = TCP_ACK};
	uint8_t frame[128];
	size_t n = build_tcp(frame, sizeof(frame), &ip, 40000, 80, &seg, NULL);

	memcpy(packet, frame + 14, n - 14);
	return n - 14;
}

/* An error that quotes `len` octets at q, in a frame that ends at a guard page. */
static bool
error(struct fixture *f, uint8_t type, uint8_t code, uint32_t rest, const uint8_t *q, size_t len,
      struct icmp_error *e)
{
	size_t n = 14 + 20 + 8 + len;
	uint8_t *frame = guard_alloc(n);
	bool ok;

	assert_int_equal(build_icmp(frame, n, &f->ip, type, code, rest, q, (uint16_t)len), n);
	assert_int_equal(pkt_parse(&f->p, frame, n, PKT_ANY_SOURCE), PKT_OK);
	ok = icmp_error_parse(&f->icmp, &f->p, frame, e);
	guard_free(frame, n);
	return ok;
}

static void
test_error(void **state)
{
	struct fixture *f = *state;
	struct icmp_error e;
	uint8_t q[64];

	assert_int_equal(our_segment(q), 40);
	f->ip.src = IP(172, 16, 0, 1); /* a router */
	assert_true(error(f, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 1400, q, 28, &e));
	assert_int_equal(e.type, 3);
	assert_int_equal(e.code, 4);
	assert_int_equal(e.mtu, 1400);
	assert_int_equal(e.proto, IPPROTO_TCP_);
	assert_int_equal(e.flow.laddr, US);
	assert_int_equal(e.flow.raddr, PEER);
	assert_int_equal(e.flow.lport, 40000);
	assert_int_equal(e.flow.rport, 80);
	assert_int_equal(e.seq, 0xdeadbeef);
	assert_true(error(f, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 1400, q, 40, &e));
	assert_int_equal(e.mtu, 0);
	assert_true(error(f, ICMP_TIME_EXCEEDED, 0, 0, q, 28, &e));
	assert_true(error(f, ICMP_PARAMETER, 0, 0, q, 28, &e));
	assert_int_equal(f->icmp.stats.errors_in, 4);
	assert_int_equal(f->icmp.stats.drop_quote, 0);
}

static void
test_error_about_udp(void **state)
{
	struct fixture *f = *state;
	struct icmp_error e;
	uint8_t q[64];

	our_segment(q);
	q[9] = IPPROTO_UDP_;
	assert_true(error(f, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, q, 28, &e));
	assert_int_equal(e.proto, IPPROTO_UDP_);
	assert_int_equal(e.flow.rport, 80);
	assert_int_equal(e.seq, 0);
}

static void
test_error_with_ip_options(void **state)
{
	struct fixture *f = *state;
	struct icmp_error e;
	uint8_t q[128] = {0};

	our_segment(q);
	memmove(q + 60, q + 20, 20);
	memset(q + 20, 1, 40);
	q[0] = 0x4f;
	assert_true(error(f, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0, q, 68, &e));
	assert_int_equal(e.seq, 0xdeadbeef);
	assert_false(error(f, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0, q, 67, &e));
}

static const struct quote_row {
	const char *name;
	uint8_t at, value;
} quote_rows[] = {
    {"version 6", 0, 0x65},
    {"header of 16", 0, 0x44},
    {"header past the quote", 0, 0x48},
    {"icmp", 9, 1},
    {"another protocol", 9, 47},
    {"second fragment", 7, 1},
    {"last fragment", 6, 0x1f},
    {"not from us", 12, 11},
};

static void
test_error_with_bad_quote(void **state)
{
	struct fixture *f = *state;
	struct icmp_error e;
	uint8_t q[64];

	for (size_t i = 0; i < sizeof(quote_rows) / sizeof(quote_rows[0]); i++) {
		our_segment(q);
		q[quote_rows[i].at] = quote_rows[i].value;
		if (error(f, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0, q, 28, &e))
			fail_msg("%s", quote_rows[i].name);
	}
	our_segment(q);
	for (size_t len = 0; len < 28; len++)
		assert_false(error(f, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0, q, len, &e));
	assert_int_equal(f->icmp.stats.drop_quote, sizeof(quote_rows) / sizeof(quote_rows[0]) + 28);
}

static void
test_not_an_error(void **state)
{
	static const uint8_t types[] = {0, 4, 5, 8, 9, 13, 40, 255};
	struct fixture *f = *state;
	struct icmp_error e;
	uint8_t q[64];

	our_segment(q);
	for (size_t i = 0; i < sizeof(types); i++)
		assert_false(error(f, types[i], 0, 0, q, 28, &e));
	assert_int_equal(f->icmp.stats.errors_in, 0);
	(void)unreachable(f, 3, 0); /* UDP */
	assert_false(icmp_error_parse(&f->icmp, &f->p, f->frame, &e));
}

static void
test_random_quotes(void **state)
{
	struct fixture *f = *state;
	unsigned taken = 0;
	struct rng r;

	rng_seed(&r, 1, 7);
	for (unsigned i = 0; i < 20000; i++) {
		struct icmp_error e;
		uint8_t q[64];
		size_t len = rng_below(&r, 41);

		our_segment(q);
		for (uint64_t n = rng_below(&r, 4); n > 0; n--)
			q[rng_below(&r, 40)] = (uint8_t)rng_u64(&r);
		taken += error(f, ICMP_UNREACHABLE, (uint8_t)rng_u64(&r), 0, q, len, &e);
	}
	assert_in_range(taken, 1000, 19000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_echo, setup),
	    cmocka_unit_test_setup(test_echo_sizes, setup),
	    cmocka_unit_test_setup(test_echo_is_not_answered, setup),
	    cmocka_unit_test_setup(test_echo_rate, setup),
	    cmocka_unit_test_setup(test_rates_of_one_and_none, setup),
	    cmocka_unit_test_setup(test_unreachable, setup),
	    cmocka_unit_test_setup(test_unreachable_is_not_sent, setup),
	    cmocka_unit_test_setup(test_unreachable_rate, setup),
	    cmocka_unit_test_setup(test_error, setup),
	    cmocka_unit_test_setup(test_error_about_udp, setup),
	    cmocka_unit_test_setup(test_error_with_ip_options, setup),
	    cmocka_unit_test_setup(test_error_with_bad_quote, setup),
	    cmocka_unit_test_setup(test_not_an_error, setup),
	    cmocka_unit_test_setup(test_random_quotes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
