/* test_units.c - base/units.h: what is read, what is refused, what is printed. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/units.h"

#define UNTOUCHED UINT64_C(0x5ca1ab1e)

typedef int parse_u64(const char *s, uint64_t *out);

struct u64_case {
	const char *text;
	int rc;
	uint64_t value;
};

/* A copy of the string that ends where the next page cannot be read. */
static const char *
guarded(const char *s)
{
	static char *page;
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	const size_t n = strlen(s) + 1;

	if (!page) {
		page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		assert_ptr_not_equal(page, MAP_FAILED);
		assert_int_equal(mprotect(page + size, size, PROT_NONE), 0);
	}
	return memcpy(page + size - n, s, n);
}

static void
check_u64(parse_u64 *parse, const struct u64_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v = UNTOUCHED;
		int rc = parse(guarded(c[i].text), &v);

		if (rc != c[i].rc || v != (rc ? UNTOUCHED : c[i].value))
			fail_msg("'%s': %d, %" PRIu64, c[i].text, rc, v);
	}
}

/* Strings that no number parser may take, whatever its units. */
static const struct u64_case never[] = {
    {"", -EINVAL, 0},	   {" ", -EINVAL, 0},	       {"-1", -EINVAL, 0},
    {"+1", -EINVAL, 0},	   {" 1", -EINVAL, 0},	       {"1 ", -EINVAL, 0},
    {"1\n", -EINVAL, 0},   {"0x10", -EINVAL, 0},       {"1e3", -EINVAL, 0},
    {"inf", -EINVAL, 0},   {"nan", -EINVAL, 0},	       {"1,5k", -EINVAL, 0},
    {".", -EINVAL, 0},	   {"1.", -EINVAL, 0},	       {"1.k", -EINVAL, 0},
    {"1.2.3", -EINVAL, 0}, {"k", -EINVAL, 0},	       {"1kk", -EINVAL, 0},
    {"1 k", -EINVAL, 0},   {"1x", -EINVAL, 0},	       {"--1", -EINVAL, 0},
    {"1-", -EINVAL, 0},	   {"1k1", -EINVAL, 0},	       {"99999999999999999999x", -EINVAL, 0},
    {"\xff", -EINVAL, 0},  {"1\xc2\xb5s", -EINVAL, 0},
};

static void
test_count(void **state)
{
	static const struct u64_case cases[] = {
	    {"0", 0, 0},
	    {"10", 0, 10},
	    {"007", 0, 7},
	    {"10k", 0, 10000},
	    {"10K", 0, 10000},
	    {"1.5M", 0, 1500000},
	    {".5k", 0, 500},
	    {"2G", 0, 2000000000},
	    {"1.1G", 0, 1100000000},
	    {"3T", 0, UINT64_C(3000000000000)},
	    {"1Ki", 0, 1024},
	    {"1.5Mi", 0, 1572864},
	    {"1Gi", 0, 1 << 30},
	    {"1.0", 0, 1},
	    {"1.00000000000000000000000", 0, 1},
	    {"0.000k", 0, 0},
	    {"1.0004k", 0, 1000},
	    {"1.0005k", 0, 1001},
	    {"18446744073709551615", 0, UINT64_MAX},
	    {"18446744073709551.615k", 0, UINT64_MAX},
	    {"0000000000000000000000000000001", 0, 1},
	    {"18446744073709551616", -ERANGE, 0},
	    {"18446744073709551.616k", -ERANGE, 0},
	    {"18446744.073709551616T", -ERANGE, 0},
	    {"99999999999999999999999999", -ERANGE, 0},
	    {"20000000000000000k", -ERANGE, 0},
	    {"0.0001k", -ERANGE, 0},
	    {"0.000000000000000000000001k", -ERANGE, 0},
	    {"0.5", -EINVAL, 0},
	    {"1.5", -EINVAL, 0},
	    {"1.0000000000000000000000001", -EINVAL, 0},
	    {"1m", -EINVAL, 0},
	    {"1kB", -EINVAL, 0},
	    {"1s", -EINVAL, 0},
	};

	(void)state;
	check_u64(units_parse_count, cases, N_OF(cases));
	check_u64(units_parse_count, never, N_OF(never));
}

static void
test_bytes(void **state)
{
	static const struct u64_case cases[] = {
	    {"1500", 0, 1500},
	    {"1500B", 0, 1500},
	    {"64k", 0, 65536},
	    {"64K", 0, 65536},
	    {"64KiB", 0, 65536},
	    {"64kiB", 0, 65536},
	    {"64kB", 0, 64000},
	    {"2MiB", 0, 2097152},
	    {"2Mi", 0, 2097152},
	    {"2MB", 0, 2000000},
	    {"512m", 0, 512 << 20},
	    {"8G", 0, UINT64_C(8) << 30},
	    {"8g", 0, UINT64_C(8) << 30},
	    {"8GB", 0, UINT64_C(8000000000)},
	    {"1.5G", 0, UINT64_C(3) << 29},
	    {"0.1k", 0, 102},
	    {"1T", 0, UINT64_C(1) << 40},
	    {"16777215T", 0, UINT64_C(16777215) << 40},
	    {"16777216T", -ERANGE, 0},
	    {"16777215.9999999999999999999T", -ERANGE, 0},
	    {"8Gb", -EINVAL, 0},
	    {"8gib", -EINVAL, 0},
	    {"8bit", -EINVAL, 0},
	    {"1.5B", -EINVAL, 0},
	};

	(void)state;
	check_u64(units_parse_bytes, cases, N_OF(cases));
	check_u64(units_parse_bytes, never, N_OF(never));
}

static int
parse_seconds(const char *s, uint64_t *out)
{
	return units_parse_time(s, 1000000000, out);
}

static int
parse_unit_time(const char *s, uint64_t *out)
{
	return units_parse_time(s, 0, out);
}

static void
test_time(void **state)
{
	static const struct u64_case cases[] = {
	    {"50ns", 0, 50},
	    {"250us", 0, 250000},
	    {"1.5ms", 0, 1500000},
	    {"10s", 0, UINT64_C(10000000000)},
	    {"2min", 0, UINT64_C(120000000000)},
	    {"1h", 0, UINT64_C(3600000000000)},
	    {"1.5h", 0, UINT64_C(5400000000000)},
	    {"0.3us", 0, 300},
	    {"1.000000001s", 0, 1000000001},
	    {"0.3333333333333s", 0, 333333333},
	    {"0.6666666666666s", 0, 666666667},
	    {"0ms", 0, 0},
	    {"0", 0, 0},
	    {"5124096h", -ERANGE, 0},
	    {"18446744073.709551616s", -ERANGE, 0},
	    {"0.0001us", -ERANGE, 0},
	    {"1.5ns", -EINVAL, 0},
	    {"10m", -EINVAL, 0},
	    {"10S", -EINVAL, 0},
	    {"10ms5us", -EINVAL, 0},
	};
	static const struct u64_case bare[] = {
	    {"30", 0, UINT64_C(30000000000)},
	    {"0.25", 0, 250000000},
	    {"18446744073", 0, UINT64_C(18446744073000000000)},
	    {"18446744074", -ERANGE, 0},
	    {"99999999999999999999", -ERANGE, 0},
	};
	static const struct u64_case refused[] = {
	    {"30", -EINVAL, 0},
	    {"0.25", -EINVAL, 0},
	    {"99999999999999999999", -EINVAL, 0},
	};

	(void)state;
	check_u64(parse_seconds, cases, N_OF(cases));
	check_u64(parse_unit_time, cases, N_OF(cases));
	check_u64(parse_seconds, never, N_OF(never));
	check_u64(parse_seconds, bare, N_OF(bare));
	check_u64(parse_unit_time, refused, N_OF(refused));
}

static void
test_rate(void **state)
{
	static const struct u64_case cases[] = {
	    {"10Gbit", 0, UINT64_C(10000000000)},
	    {"10gbit", 0, UINT64_C(10000000000)},
	    {"1.5mbit", 0, 1500000},
	    {"64kbit", 0, 64000},
	    {"100Mbps", 0, 100000000},
	    {"100Mbit/s", 0, 100000000},
	    {"9600", 0, 9600},
	    {"9600bit/s", 0, 9600},
	    {"1T", 0, UINT64_C(1000000000000)},
	    {"20000000Tbit", -ERANGE, 0},
	    {"1.5bit", -EINVAL, 0},
	    {"1/s", -EINVAL, 0},
	    {"1bit/", -EINVAL, 0},
	    {"1bit/s/s", -EINVAL, 0},
	    {"1MB", -EINVAL, 0},
	    {"1Mibit", -EINVAL, 0},
	    {"1kbitkbitkbit", -EINVAL, 0},
	};

	(void)state;
	check_u64(units_parse_rate, cases, N_OF(cases));
	check_u64(units_parse_rate, never, N_OF(never));
}

/* Whatever a person can write down exactly is read exactly. */
static void
test_fractions_are_exact(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 0);
	for (int i = 0; i < 100000; i++) {
		uint64_t want = rng_u64(&r) >> rng_below(&r, 64), got = UNTOUCHED;
		char text[64];

		snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64 "s", want / 1000000000,
			 want % 1000000000);
		assert_int_equal(units_parse_time(text, 0, &got), 0);
		assert_true(got == want);
		snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64 "M", want / 1000000,
			 want % 1000000);
		assert_int_equal(units_parse_count(text, &got), 0);
		assert_true(got == want);
	}
}

static void
test_ratio(void **state)
{
	static const struct {
		const char *text;
		int rc;
		double value;
	} cases[] = {
	    {"0", 0, 0},	   {"1", 0, 1},
	    {"5%", 0, 0.05},	   {"0.05", 0, 0.05},
	    {".5", 0, 0.5},	   {"100%", 0, 1},
	    {"12.5%", 0, 0.125},   {"1e-3", 0, 0.001},
	    {"1E-3", 0, 0.001},	   {"1e+0", 0, 1},
	    {"1.5", -ERANGE, 0},   {"100.1%", -ERANGE, 0},
	    {"1e999", -ERANGE, 0}, {"1e-999", -ERANGE, 0},
	    {"", -EINVAL, 0},	   {"%", -EINVAL, 0},
	    {"-0.5", -EINVAL, 0},  {"-0", -EINVAL, 0},
	    {"+0.5", -EINVAL, 0},  {" 0.5", -EINVAL, 0},
	    {"0.5 ", -EINVAL, 0},  {"5 %", -EINVAL, 0},
	    {"5%%", -EINVAL, 0},   {"1e", -EINVAL, 0},
	    {"0x1", -EINVAL, 0},   {"0x.8p0", -EINVAL, 0},
	    {"nan", -EINVAL, 0},   {"inf", -EINVAL, 0},
	    {"0.5k", -EINVAL, 0},  {"0,5", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		double v = 42;
		int rc = units_parse_ratio(guarded(cases[i].text), &v);

		if (rc != cases[i].rc || v != (rc ? 42 : cases[i].value))
			fail_msg("'%s': %d, %.17g", cases[i].text, rc, v);
	}
}

static void
test_prefix(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint32_t addr;
		uint8_t len;
	} cases[] = {
	    {"192.168.3.10/24", 0, 0xc0a8030a, 24},
	    {"192.168.3.10", 0, 0xc0a8030a, 32},
	    {"0.0.0.0/0", 0, 0, 0},
	    {"255.255.255.255/32", 0, 0xffffffff, 32},
	    {"10.0.0.0/8", 0, 0x0a000000, 8},
	    {"10.0.0.0/33", -ERANGE, 0, 0},
	    {"10.0.0.0/100", -ERANGE, 0, 0},
	    {"10.0.0.0/99999999999999999999", -ERANGE, 0, 0},
	    {"10.0.0.0/", -EINVAL, 0, 0},
	    {"10.0.0.0/-1", -EINVAL, 0, 0},
	    {"10.0.0.0/08", -EINVAL, 0, 0},
	    {"10.0.0.0/8x", -EINVAL, 0, 0},
	    {"10.0.0.0/8/8", -EINVAL, 0, 0},
	    {"10.0.0.0/24x", -EINVAL, 0, 0},
	    {"10.0.0.0/123x", -EINVAL, 0, 0},
	    {"10.0.0/8", -EINVAL, 0, 0},
	    {"10.0.0.0.0", -EINVAL, 0, 0},
	    {"256.0.0.1", -EINVAL, 0, 0},
	    {"010.0.0.1", -EINVAL, 0, 0},
	    {"1.2.3.4 ", -EINVAL, 0, 0},
	    {" 1.2.3.4", -EINVAL, 0, 0},
	    {"1.2.3.", -EINVAL, 0, 0},
	    {"::1", -EINVAL, 0, 0},
	    {"localhost", -EINVAL, 0, 0},
	    {"111.111.111.1111111111", -EINVAL, 0, 0},
	    {"/24", -EINVAL, 0, 0},
	    {"", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		uint32_t addr = 7;
		uint8_t len = 77;
		int rc = units_parse_prefix(guarded(cases[i].text), &addr, &len);

		if (rc != cases[i].rc || addr != (rc ? 7 : cases[i].addr) ||
		    len != (rc ? 77 : cases[i].len))
			fail_msg("'%s': %d, %08x/%u", cases[i].text, rc, addr, len);
	}
}

static void
test_print_scaled(void **state)
{
	static const struct {
		double v;
		const char *count, *bytes, *rate;
	} cases[] = {
	    {0, "0", "0 B", "0 bit/s"},
	    {1, "1", "1 B", "1 bit/s"},
	    {0.5, "0.50", "0.50 B", "0.50 bit/s"},
	    {999, "999", "999 B", "999 bit/s"},
	    {999.4, "999", "999 B", "999 bit/s"},
	    {999.7, "1.00k", "1000 B", "1.00 kbit/s"},
	    {1000, "1.00k", "1000 B", "1.00 kbit/s"},
	    {1024, "1.02k", "1.00 KiB", "1.02 kbit/s"},
	    {1500000, "1.50M", "1.43 MiB", "1.50 Mbit/s"},
	    {9.42e9, "9.42G", "8.77 GiB", "9.42 Gbit/s"},
	    {999960, "1.00M", "977 KiB", "1.00 Mbit/s"},
	    {-1500, "-1.50k", "-1.46 KiB", "-1.50 kbit/s"},
	    {1e30, "1e+18T", "9.09e+17 TiB", "1e+18 Tbit/s"},
	    {INFINITY, "infT", "inf TiB", "inf Tbit/s"},
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		assert_string_equal(units_print_count(buf, sizeof(buf), cases[i].v),
				    cases[i].count);
		assert_string_equal(units_print_bytes(buf, sizeof(buf), cases[i].v),
				    cases[i].bytes);
		assert_string_equal(units_print_rate(buf, sizeof(buf), cases[i].v), cases[i].rate);
	}
}

static void
test_print_time(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
	    {0, "0 ns"},
	    {999, "999 ns"},
	    {1000, "1.000 us"},
	    {9999, "9.999 us"},
	    {99994, "99.99 us"},
	    {99996, "100.0 us"},
	    {250300, "250.3 us"},
	    {999949, "999.9 us"},
	    {999951, "1.000 ms"},
	    {1500000, "1.500 ms"},
	    {UINT64_C(1000000000), "1.000 s"},
	    {UINT64_C(59990000000), "59.99 s"},
	    {UINT64_C(60000000000), "1.000 min"},
	    {UINT64_C(3599800000000), "1.000 h"},
	    {UINT64_C(5400000000000), "1.500 h"},
	    {UINT64_MAX, "5124095.6 h"},
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++)
		assert_string_equal(units_print_time(buf, sizeof(buf), cases[i].ns), cases[i].text);
}

static void
test_print_fits_in_32(void **state)
{
	static const double extremes[] = {
	    -1.7976931348623157e308, -1e17, -999999, 5e-324, 1e17, NAN};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < N_OF(extremes); i++) {
		assert_true(strlen(units_print_count(buf, sizeof(buf), extremes[i])) < 32);
		assert_true(strlen(units_print_bytes(buf, sizeof(buf), extremes[i])) < 32);
		assert_true(strlen(units_print_rate(buf, sizeof(buf), extremes[i])) < 32);
	}
	assert_string_equal(units_print_ipv4(buf, sizeof(buf), 0xc0a8030a), "192.168.3.10");
	assert_string_equal(units_print_ipv4(buf, sizeof(buf), UINT32_MAX), "255.255.255.255");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_count),      cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_time),       cmocka_unit_test(test_rate),
	    cmocka_unit_test(test_ratio),      cmocka_unit_test(test_fractions_are_exact),
	    cmocka_unit_test(test_prefix),     cmocka_unit_test(test_print_scaled),
	    cmocka_unit_test(test_print_time), cmocka_unit_test(test_print_fits_in_32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
