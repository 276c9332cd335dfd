/* test_packet_scripts.c - every script of tests/packet is a test; wrong scripts are told where they are wrong. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <glob.h>

#include "tests/packet/run.h"
#include "tests/packet/script.h"

static const struct packet_run_opts as_it_is = {.before_wrap = 0};
static glob_t scripts;

static void
test_script(void **state)
{
	assert_true(packet_run_file(*state, &as_it_is, stderr));
}

/* Row C13 of the checklist: whatever holds elsewhere holds where sequence numbers wrap. */
static void
test_all_scripts_across_the_wrap(void **state)
{
	static const uint32_t before[] = {1, 2, 3, 4, 1000, 1001, 1460, 1461};
	unsigned failed = 0;

	(void)state;
	for (unsigned i = 0; i < N_OF(before); i++)
		for (size_t k = 0; k < scripts.gl_pathc; k++)
			failed += !packet_run_file(
			    scripts.gl_pathv[k],
			    &(struct packet_run_opts){.before_wrap = before[i]}, stderr);
	assert_int_equal(failed, 0);
}

/* --- the checklist: 90 rows, and the 18 known problems of RFC 2525 --- */

static bool
has_script(const char *folder, const char *row)
{
	char pattern[128];
	glob_t g;
	int result;

	snprintf(pattern, sizeof(pattern), "tests/packet/%s%s{,_*}.pkt", folder, row);
	result = glob(pattern, GLOB_BRACE, NULL, &g);
	globfree(&g);
	return result == 0;
}

static void
expect_row(const char *row)
{
	if (!has_script("", row) && !has_script("pending/", row))
		fail_msg("no script for %s", row);
}

static void
test_every_row_of_the_checklist_has_a_script(void **state)
{
	static const struct {
		char letter;
		unsigned n;
	} parts[] = {{'A', 18}, {'B', 11}, {'C', 16}, {'D', 7}, {'E', 6}, {'F', 18}, {'G', 14}};
	char row[32];

	(void)state;
	for (unsigned i = 0; i < N_OF(parts); i++)
		for (unsigned n = 1; n <= parts[i].n; n++) {
			snprintf(row, sizeof(row), "%c%u", parts[i].letter, n);
			expect_row(row);
		}
	for (unsigned n = 1; n <= 18; n++) {
		snprintf(row, sizeof(row), "p2525_%02u", n);
		expect_row(row);
	}
}

/* What the stack does not do yet is well-formed all the same. */
static void
test_pending_scripts_can_be_read(void **state)
{
	char error[512];
	glob_t g;

	(void)state;
	if (glob("tests/packet/pending/*.pkt", 0, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct script *s = script_load(g.gl_pathv[i], error, sizeof(error));

		if (!s)
			fail_msg("%s", error);
		script_free(s);
	}
	globfree(&g);
}

/* --- the parser's errors --- */

static void
expect_error(const char *text, const char *wanted)
{
	char path[] = "/tmp/packet_script.XXXXXX", error[512], full[560];
	const int fd = mkstemp(path);
	FILE *f;

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
	snprintf(full, sizeof(full), "%s:%s", path, wanted);
	assert_null(script_load(path, error, sizeof(error)));
	remove(path);
	assert_string_equal(error, full);
}

static void
test_parser_says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
	    {"// nothing\n", " no event"},
	    {"0 < S 0:10(9)\n", "1: 0:10(9) does not add up"},
	    {"\n\n0 < SX 0:0(0)\n", "3: no TCP flag 'X' in \"SX\""},
	    {"0 < S 0:0(0) <mss>\n", "1: number expected before \">\""},
	    {"0 < S 0:0(0) <foo 1>\n", "1: no TCP option \"foo 1>\""},
	    {"0 < S 0:0(0) win 65536\n", "1: 65536 is more than 65535"},
	    {"0 < [foo] S 0:0(0)\n", "1: no attribute \"foo\""},
	    {"0 < icmp pong\n", "1: no ICMP type \"pong\""},
	    {"x < S 0:0(0)\n", "1: time expected before \"x < S 0:0(0)\""},
	    {"0~1 < S 0:0(0)\n", "1: only what is expected may come at any time or in a range"},
	    {"2~1 > S 0:0(0)\n", "1: a range that ends before it begins"},
	    {"--mss=0x10000\n", "1: 65536 is more than 65535"},
	    {"--delack=4\n", "1: a time needs ns, us, ms or s: \"4\""},
	    {"--nothing=4\n", "1: no option --nothing"},
	    {"0 < S 0:0(0)\n--mss=1\n", "2: options come before the first event"},
	    {"0 listen(3, 1\n", "1: \")\" expected before \"end of line\""},
	    {"0 expect cwnd 10\n", "1: comparison expected before \"10\""},
	    {"0 expect cwnd == 10 11\n", "1: \"11\" is left over"},
	};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++)
		expect_error(rows[i].text, rows[i].error);
}

/* --- what the runner must find --- */

static void
expect_failure(const char *text, const char *wanted)
{
	char path[] = "/tmp/packet_script.XXXXXX", *report = NULL;
	size_t size = 0;
	const int fd = mkstemp(path);
	FILE *f, *to = open_memstream(&report, &size);

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
	assert_false(packet_run_file(path, &as_it_is, to));
	fclose(to);
	remove(path);
	if (!strstr(report, wanted))
		fail_msg("\"%s\" is not in: %s", wanted, report);
	free(report);
}

#define LISTEN "0 socket(..., SOCK_STREAM, 0) = 3\n0 bind(3, ..., ...) = 0\n0 listen(3, 1) = 0\n"
#define SYN    LISTEN "0 < S 0:0(0) win 1000\n"

static void
test_runner_finds_what_is_not_as_expected(void **state)
{
	static const struct {
		const char *text, *report;
	} rows[] = {
	    {SYN "+0 > S. 0:0(0) ack 2 <...>\n", ":5: another frame was sent at 0.000000"},
	    {SYN "+0 > S. 0:0(0) ack 1 win 1 <...>\n", "win is 65535"},
	    {SYN "+0 > S. 0:0(0) ack 1\n", "the options are others"},
	    {SYN "+0 > S. 0:0(0) ack 1 <mss 1000>\n", "mss is 1460"},
	    {SYN "+0 > . 0:0(0) ack 1 <...>\n", "the flags are others"},
	    {SYN "+.1 > S. 0:0(0) ack 1 <...>\n", "it was sent at 0.000000, expected at 0.100000"},
	    {SYN "+.00002 > S. 0:0(0) ack 1 <...>\n", "it was sent at 0.000000"},
	    {SYN "+0 > [ect0] S. 0:0(0) ack 1 <...>\n", "the ECN field is 0"},
	    {SYN "+0 > @2 S. 0:0(0) ack 1 <...>\n", "it belongs to flow 1"},
	    {SYN "+0 < . 1:1(0) ack 1 win 10\n", "before this, a frame was sent at 0.000000"},
	    {SYN, "after this, a frame was sent at 0.000000: > S. 0:0(0) ack 1 win 65535 <mss"},
	    {LISTEN "+0 > . 0:0(0) ack 1\n", "nothing was sent until 1.000000"},
	    {LISTEN "+0 accept(3, ..., ...) = 4\n", "it returned -1 EAGAIN"},
	    {LISTEN "+0 expect conns == 1\n", "conns is 0"},
	    {LISTEN "+0 expect state == ESTABLISHED\n", "state is CLOSED"},
	    {LISTEN "+0 expect bananas == 1\n", "nothing is called \"bananas\""},
	    {"1 expect conns == 0\n0.5 expect conns == 0\n", "but it is 1.000000 already"},
	};

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++)
		expect_failure(rows[i].text, rows[i].report);
}

int
main(void)
{
	static const struct CMUnitTest own[] = {
	    cmocka_unit_test(test_parser_says_what_is_wrong_and_where),
	    cmocka_unit_test(test_runner_finds_what_is_not_as_expected),
	    cmocka_unit_test(test_all_scripts_across_the_wrap),
	    cmocka_unit_test(test_every_row_of_the_checklist_has_a_script),
	    cmocka_unit_test(test_pending_scripts_can_be_read),
	};
	struct CMUnitTest *tests;
	int failed;

	if (glob("tests/packet/*.pkt", 0, NULL, &scripts) != 0) {
		fprintf(stderr, "no script in tests/packet: run it from the top of the source\n");
		return 1;
	}
	tests = calloc(scripts.gl_pathc + N_OF(own), sizeof(*tests));
	assert_non_null(tests);
	memcpy(tests, own, sizeof(own));
	for (size_t i = 0; i < scripts.gl_pathc; i++)
		tests[N_OF(own) + i] =
		    (struct CMUnitTest){strrchr(scripts.gl_pathv[i], '/') + 1, test_script, NULL,
					NULL, scripts.gl_pathv[i]};
	failed = _cmocka_run_group_tests("packet scripts", tests, scripts.gl_pathc + N_OF(own),
					 NULL, NULL);
	globfree(&scripts);
	free(tests);
	return failed;
}
