/* test_log.c - base/log.h: what stands on stderr, and with which status a program ends. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>

#include "base/log.h"
#include "capture.h"

static void
speak(void *arg)
{
	enum log_level level = *(enum log_level *)arg;

	log_init("/usr/local/bin/tool");
	log_set_level(level);
	log_error("bad %d", 1);
	log_warn("odd %s", "2");
	log_info("so");
	log_debug("deep");
}

static void
test_levels(void **state)
{
	static const char *const want[] = {
	    [LOG_ERROR] = "tool: bad 1\n",
	    [LOG_WARN] = "tool: bad 1\ntool: warning: odd 2\n",
	    [LOG_INFO] = "tool: bad 1\ntool: warning: odd 2\ntool: so\n",
	    [LOG_DEBUG] = "tool: bad 1\ntool: warning: odd 2\ntool: so\ntool: debug: deep\n",
	};
	struct captured c;

	(void)state;
	for (enum log_level level = LOG_ERROR; level <= LOG_DEBUG; level++) {
		capture(&c, speak, &level);
		assert_string_equal(c.err, want[level]);
		assert_string_equal(c.out, "");
	}
}

/* A line stays a line, whatever is in it and however long it is. */
static void
speak_at_length(void *arg)
{
	char text[5000];

	(void)arg;
	log_init("tool");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
	log_info("%.*s", 1015, text); /* fits to the byte */
	log_info("%.*s", 1016, text);
	log_info("%.*s", 1017, text);
	log_info("a\nb\tc\x1b[1m\x7f\xc3\xa4");
	log_info("%s", "");
}

static void
test_one_line_each(void **state)
{
	struct captured c;
	char *line;

	(void)state;
	capture(&c, speak_at_length, NULL);
	line = strtok(c.err, "\n");
	assert_int_equal(strlen(line), 1022);
	assert_string_equal(line + 1019, "...");
	line = strtok(NULL, "\n");
	assert_int_equal(strlen(line), 6 + 1015);
	assert_null(strchr(line, '.'));
	line = strtok(NULL, "\n");
	assert_int_equal(strlen(line), 6 + 1016);
	assert_null(strchr(line, '.'));
	line = strtok(NULL, "\n");
	assert_int_equal(strlen(line), 1022);
	assert_string_equal(line + 1018, "x...");
	assert_string_equal(strtok(NULL, "\n"), "tool: a?b?c?[1m?\xc3\xa4");
	assert_string_equal(strtok(NULL, "\n"), "tool: ");
}

static void
speak_of_errno(void *arg)
{
	(void)arg;
	log_init("tool");
	errno = ENOENT;
	log_error("x: %m");
	printf("%d", errno == ENOENT);
	fclose(stderr);
	close(STDERR_FILENO);
	errno = ENOENT;
	log_error("into the void");
	printf("%d", errno == ENOENT);
}

static void
test_errno_is_kept(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, speak_of_errno, NULL);
	assert_string_equal(c.err, "tool: x: No such file or directory\n");
	assert_string_equal(c.out, "11");
}

static void
end_by_user(void *arg)
{
	(void)arg;
	log_init("tool");
	log_set_level(LOG_ERROR);
	printf("flushed");
	die_usage("--x: '%s' is wrong", "y");
}

static void
end_by_machine(void *arg)
{
	(void)arg;
	log_init("tool");
	log_set_level(LOG_ERROR);
	printf("flushed");
	die("no memory: buy some");
}

static void
test_ends(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, end_by_user, NULL);
	assert_int_equal(c.status, EXIT_USAGE);
	assert_string_equal(c.err, "tool: --x: 'y' is wrong\ntool: see 'tool --help'\n");
	assert_string_equal(c.out, "flushed");
	capture(&c, end_by_machine, NULL);
	assert_int_equal(c.status, EXIT_ENVIRONMENT);
	assert_string_equal(c.err, "tool: no memory: buy some\n");
	assert_string_equal(c.out, "flushed");
}

static void
test_program_name(void **state)
{
	(void)state;
	log_init("plain");
	assert_string_equal(log_program(), "plain");
	log_init("./relative/name");
	assert_string_equal(log_program(), "name");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_levels),	  cmocka_unit_test(test_one_line_each),
	    cmocka_unit_test(test_errno_is_kept), cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_program_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
