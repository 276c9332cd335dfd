/* test_addr.c - our addresses, subnets, broadcasts and next hops. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inet/addr.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct add_row {
	const char *name;
	uint32_t base, count;
	uint8_t prefix_len;
	int want;
} add_rows[] = {
    {"one", IP(192, 168, 3, 10), 1, 24, 0},
    {"230 clients", IP(192, 168, 3, 11), 230, 24, 0},
    {"all hosts of a net", IP(10, 0, 0, 1), 254, 24, 0},
    {"a /32", IP(10, 0, 0, 0), 1, 32, 0},
    {"both of a /31", IP(10, 0, 0, 0), 2, 31, 0},
    {"a million", IP(10, 0, 0, 1), 1000000, 8, 0},
    {"none", IP(192, 168, 3, 10), 0, 24, -EINVAL},
    {"prefix 33", IP(192, 168, 3, 10), 1, 33, -EINVAL},
    {"the network address", IP(192, 168, 3, 0), 1, 24, -EINVAL},
    {"the broadcast address", IP(192, 168, 3, 255), 1, 24, -EINVAL},
    {"up to the broadcast address", IP(192, 168, 3, 250), 6, 24, -EINVAL},
    {"into the next subnet", IP(192, 168, 3, 250), 10, 24, -EINVAL},
    {"two of a /32", IP(10, 0, 0, 0), 2, 32, -EINVAL},
    {"past the last address", UINT32_MAX, 2, 0, -EINVAL},
    {"more than there are", IP(10, 0, 0, 1), UINT32_MAX, 0, -EINVAL},
    {"this network", IP(0, 1, 2, 3), 1, 8, -EINVAL},
    {"loopback", IP(127, 0, 0, 1), 1, 8, -EINVAL},
    {"multicast", IP(224, 0, 0, 5), 1, 24, -EINVAL},
    {"reserved", IP(240, 0, 0, 5), 1, 24, -EINVAL},
};

static void
test_add_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(add_rows) / sizeof(add_rows[0]); i++) {
		const struct add_row *r = &add_rows[i];
		struct netif_addrs a = {0};

		if (addr_add_range(&a, r->base, r->count, r->prefix_len) != r->want)
			fail_msg("%s", r->name);
		assert_int_equal(a.n_ranges, r->want == 0);
	}
}

/* 192.168.3.10, 192.168.3.100 to .109, 10.1.0.1 to 10.1.0.3; gateway 192.168.3.1. */
static struct netif_addrs
sample(void)
{
	struct netif_addrs a = {0};

	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 10), 1, 24), 0);
	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 100), 10, 24), 0);
	assert_int_equal(addr_add_range(&a, IP(10, 1, 0, 1), 3, 16), 0);
	assert_int_equal(addr_set_gateway(&a, IP(192, 168, 3, 1)), 0);
	return a;
}

static void
test_overlap(void **state)
{
	struct netif_addrs a = sample();

	(void)state;
	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 10), 1, 24), -EEXIST);
	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 9), 2, 24), -EEXIST);
	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 109), 2, 24), -EEXIST);
	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 90), 30, 24), -EEXIST);
	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 102), 2, 24), -EEXIST);
	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 110), 1, 24), 0);
	assert_int_equal(addr_add_range(&a, IP(192, 168, 3, 99), 1, 24), 0);
}

static void
test_too_many(void **state)
{
	struct netif_addrs a = {0};

	(void)state;
	for (uint32_t i = 0; i < ADDR_MAX_RANGES; i++)
		assert_int_equal(addr_add_range(&a, IP(10, 0, i, 1), 1, 24), 0);
	assert_int_equal(addr_add_range(&a, IP(10, 1, 0, 1), 1, 24), -ENOSPC);
	assert_int_equal(a.n_ranges, ADDR_MAX_RANGES);
}

static void
test_gateway(void **state)
{
	struct netif_addrs a = sample();

	(void)state;
	assert_int_equal(addr_set_gateway(&a, IP(192, 168, 4, 1)), -EINVAL);
	assert_int_equal(addr_set_gateway(&a, IP(192, 168, 3, 10)), -EINVAL);
	assert_int_equal(addr_set_gateway(&a, IP(192, 168, 3, 255)), -EINVAL);
	assert_int_equal(addr_set_gateway(&a, 0), -EINVAL);
	assert_int_equal(a.gateway, IP(192, 168, 3, 1));
	assert_int_equal(addr_set_gateway(&a, IP(10, 1, 255, 254)), 0);
}

static void
test_local(void **state)
{
	struct netif_addrs a = sample(), none = {0};

	(void)state;
	assert_true(addr_is_local(&a, IP(192, 168, 3, 10)));
	assert_false(addr_is_local(&a, IP(192, 168, 3, 9)));
	assert_false(addr_is_local(&a, IP(192, 168, 3, 11)));
	assert_false(addr_is_local(&a, IP(192, 168, 3, 99)));
	assert_true(addr_is_local(&a, IP(192, 168, 3, 100)));
	assert_true(addr_is_local(&a, IP(192, 168, 3, 109)));
	assert_false(addr_is_local(&a, IP(192, 168, 3, 110)));
	assert_true(addr_is_local(&a, IP(10, 1, 0, 3)));
	assert_false(addr_is_local(&a, 0));
	assert_false(addr_is_local(&a, UINT32_MAX));
	assert_false(addr_is_local(&none, 0));
}

static void
test_local_by_number(void **state)
{
	struct netif_addrs a = sample(), none = {0};

	(void)state;
	assert_int_equal(addr_local(&a, 0), IP(192, 168, 3, 10));
	assert_int_equal(addr_local(&a, 1), IP(192, 168, 3, 100));
	assert_int_equal(addr_local(&a, 10), IP(192, 168, 3, 109));
	assert_int_equal(addr_local(&a, 11), IP(10, 1, 0, 1));
	assert_int_equal(addr_local(&a, 13), IP(10, 1, 0, 3));
	assert_int_equal(addr_local(&a, 14), 0);
	assert_int_equal(addr_local(&a, UINT32_MAX), 0);
	assert_int_equal(addr_local(&none, 0), 0);
}

static const struct kind_row {
	uint32_t ip;
	bool unicast, multicast, broadcast, on_link;
	uint32_t next_hop;
} kind_rows[] = {
    {IP(192, 168, 3, 77), true, false, false, true, IP(192, 168, 3, 77)},
    {IP(192, 168, 3, 1), true, false, false, true, IP(192, 168, 3, 1)},
    {IP(192, 168, 3, 255), true, false, true, true, 0},
    {IP(192, 168, 3, 0), true, false, true, true, 0},
    {IP(192, 168, 2, 255), true, false, false, false, IP(192, 168, 3, 1)},
    {IP(10, 1, 255, 255), true, false, true, true, 0},
    {IP(10, 1, 0, 0), true, false, true, true, 0},
    {IP(10, 1, 3, 255), true, false, false, true, IP(10, 1, 3, 255)},
    {IP(8, 8, 8, 8), true, false, false, false, IP(192, 168, 3, 1)},
    {IP(223, 255, 255, 254), true, false, false, false, IP(192, 168, 3, 1)},
    {IP(224, 0, 0, 1), false, true, false, false, 0},
    {IP(239, 255, 255, 255), false, true, false, false, 0},
    {IP(240, 0, 0, 1), false, false, false, false, 0},
    {UINT32_MAX, false, false, true, false, 0},
    {IP(127, 0, 0, 1), false, false, false, false, 0},
    {0, false, false, false, false, 0},
};

static void
test_kinds(void **state)
{
	struct netif_addrs a = sample();

	(void)state;
	for (size_t i = 0; i < sizeof(kind_rows) / sizeof(kind_rows[0]); i++) {
		const struct kind_row *r = &kind_rows[i];

		if (addr_is_unicast(r->ip) != r->unicast ||
		    addr_is_multicast(r->ip) != r->multicast ||
		    addr_is_broadcast(&a, r->ip) != r->broadcast ||
		    addr_is_on_link(&a, r->ip) != r->on_link ||
		    addr_next_hop(&a, r->ip) != r->next_hop)
			fail_msg("%08x", r->ip);
	}
}

/* RFC 3021: no broadcast address on a link of two. */
static void
test_point_to_point(void **state)
{
	struct netif_addrs a = {0};

	(void)state;
	assert_int_equal(addr_add_range(&a, IP(10, 0, 0, 0), 1, 31), 0);
	assert_false(addr_is_broadcast(&a, IP(10, 0, 0, 1)));
	assert_int_equal(addr_next_hop(&a, IP(10, 0, 0, 1)), IP(10, 0, 0, 1));
	assert_int_equal(addr_set_gateway(&a, IP(10, 0, 0, 1)), 0);
	assert_int_equal(addr_next_hop(&a, IP(10, 0, 0, 2)), IP(10, 0, 0, 1));
}

static void
test_no_gateway(void **state)
{
	struct netif_addrs a = {0};

	(void)state;
	assert_int_equal(addr_add_range(&a, IP(10, 0, 0, 1), 1, 24), 0);
	assert_int_equal(addr_next_hop(&a, IP(10, 0, 1, 1)), 0);
	assert_int_equal(addr_next_hop(&a, IP(10, 0, 0, 2)), IP(10, 0, 0, 2));
}

/* Everything is on the link, as behind a proxy that answers for all. */
static void
test_prefix_0(void **state)
{
	struct netif_addrs a = {0};

	(void)state;
	assert_int_equal(addr_add_range(&a, IP(10, 0, 0, 1), 1, 0), 0);
	assert_int_equal(addr_next_hop(&a, IP(10, 0, 0, 2)), IP(10, 0, 0, 2));
	assert_int_equal(addr_next_hop(&a, IP(8, 8, 8, 8)), IP(8, 8, 8, 8));
	assert_int_equal(addr_next_hop(&a, UINT32_MAX), 0);
}

static void
test_source(void **state)
{
	struct netif_addrs a = sample(), none = {0}, one = {0};

	(void)state;
	assert_int_equal(addr_add_range(&one, IP(10, 0, 0, 1), 1, 24), 0);
	assert_int_equal(addr_source(&one, IP(8, 8, 8, 8)), IP(10, 0, 0, 1));
	assert_int_equal(addr_source(&a, IP(192, 168, 3, 200)), IP(192, 168, 3, 10));
	assert_int_equal(addr_source(&a, IP(10, 1, 9, 9)), IP(10, 1, 0, 1));
	assert_int_equal(addr_source(&a, IP(8, 8, 8, 8)), IP(192, 168, 3, 10));
	assert_int_equal(addr_source(&none, IP(8, 8, 8, 8)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_add_range),  cmocka_unit_test(test_overlap),
	    cmocka_unit_test(test_too_many),   cmocka_unit_test(test_gateway),
	    cmocka_unit_test(test_local),      cmocka_unit_test(test_local_by_number),
	    cmocka_unit_test(test_kinds),      cmocka_unit_test(test_point_to_point),
	    cmocka_unit_test(test_no_gateway), cmocka_unit_test(test_prefix_0),
	    cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
