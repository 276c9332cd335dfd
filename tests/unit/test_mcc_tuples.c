/* test_mcc_tuples.c - every connection has a 4-tuple of its own, and too many are refused with the arithmetic. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcc/tuples.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct tuples_conf seed = {
    .base = IP(192, 168, 3, 11),
    .prefix_len = 24,
    .ips = 230,
    .conns = 10368000,
    .dest = IP(192, 168, 3, 10),
};

static void
every_tuple_is_distinct(void **state)
{
	static const uint32_t ips[] = {1, 2, 3, 7, 230};
	char err[TUPLES_ERRBUF];
	struct tuples t;

	(void)state;
	for (unsigned i = 0; i < sizeof(ips) / sizeof(*ips); i++) {
		struct tuples_conf c = seed;
		const uint32_t n = ips[i] * TUPLES_PORTS;
		uint8_t *seen = calloc(n, 1);

		c.ips = ips[i];
		c.conns = n;
		assert_null(tuples_init(&t, &c, err));
		for (uint32_t j = 0; j < n; j++) {
			const uint32_t addr = tuples_addr(&t, j);
			const uint16_t port = tuples_port(&t, j);
			uint32_t at = (addr - c.base) * TUPLES_PORTS + port - TUPLES_FIRST_PORT;

			if (addr < c.base || addr - c.base >= ips[i] || port < TUPLES_FIRST_PORT ||
			    seen[at] || tuples_number(&t, addr, port) != j)
				fail_msg("ips %u, number %u", ips[i], j);
			seen[at] = 1;
		}
		free(seen);
	}
}

static void
the_seeds_command_line_fits(void **state)
{
	char err[TUPLES_ERRBUF];
	struct tuples t;

	(void)state;
	assert_null(tuples_init(&t, &seed, err));
	assert_int_equal(tuples_addr(&t, 0), IP(192, 168, 3, 11));
	assert_int_equal(tuples_port(&t, 0), 1024);
	assert_int_equal(tuples_addr(&t, 10367999), IP(192, 168, 3, 11) + 10367999 % 230);
	assert_int_equal(tuples_port(&t, 10367999), 1024 + 10367999 / 230);
}

static void
too_many_are_refused_with_the_arithmetic(void **state)
{
	char err[TUPLES_ERRBUF];
	struct tuples_conf c = seed;
	struct tuples t;

	(void)state;
	c.ips = 2;
	c.conns = 2 * TUPLES_PORTS;
	assert_null(tuples_init(&t, &c, err));
	c.conns++;
	assert_non_null(tuples_init(&t, &c, err));
	assert_string_equal(err, "129025 connections: 2 source addresses x 64512 ports are 129024; "
				 "--ips 3 or more are needed");
}

static void
addresses_stay_inside_their_network(void **state)
{
	char err[TUPLES_ERRBUF];
	struct tuples_conf c = seed;
	struct tuples t;

	(void)state;
	c.ips = 244; /* .11 to .254 */
	assert_null(tuples_init(&t, &c, err));
	c.ips = 245;
	assert_non_null(tuples_init(&t, &c, err));
	assert_non_null(strstr(err, "244 are left"));
	c = (struct tuples_conf){.base = IP(10, 0, 0, 1), .prefix_len = 32, .ips = 1, .conns = 1};
	assert_null(tuples_init(&t, &c, err));
	c.prefix_len = 31; /* RFC 3021: both are hosts */
	assert_null(tuples_init(&t, &c, err));
}

static void
neither_server_nor_gateway_is_a_source(void **state)
{
	char err[TUPLES_ERRBUF];
	struct tuples_conf c = seed;
	struct tuples t;

	(void)state;
	c.dest = IP(192, 168, 3, 240);
	assert_non_null(tuples_init(&t, &c, err));
	assert_non_null(strstr(err, "include that of the server"));
	c.dest = IP(192, 168, 3, 241);
	assert_null(tuples_init(&t, &c, err));
	c.gateway = IP(192, 168, 3, 100);
	assert_non_null(tuples_init(&t, &c, err));
	assert_non_null(strstr(err, "include that of the gateway"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_tuple_is_distinct),
	    cmocka_unit_test(the_seeds_command_line_fits),
	    cmocka_unit_test(too_many_are_refused_with_the_arithmetic),
	    cmocka_unit_test(addresses_stay_inside_their_network),
	    cmocka_unit_test(neither_server_nor_gateway_is_a_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
