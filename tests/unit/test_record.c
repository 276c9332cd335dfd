/* test_record.c - base/record.h: the three formats, hostile strings, and readers that go away. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>

#include "base/record.h"
#include "base/rng.h"
#include "capture.h"

struct row {
	const char *name;
	uint64_t frames;
	uint32_t peers;
	double loss;
	uint64_t rtt_ns, uptime_ns;
};

static const struct record_field fields[] = {
    {"name", RECORD_STR, 0, offsetof(struct row, name), "who"},
    {"frames", RECORD_U64, 0, offsetof(struct row, frames), "how many"},
    {"peers", RECORD_U32, 0, offsetof(struct row, peers), "with whom"},
    {"loss_ratio", RECORD_F64, 3, offsetof(struct row, loss), "how well"},
    {"rtt_us_p99", RECORD_NS_AS_US, 0, offsetof(struct row, rtt_ns), "how fast"},
    {"uptime_s", RECORD_NS_AS_S, 0, offsetof(struct row, uptime_ns), "how long"},
};

static const struct row plain = {"a",	     18446744073709551615u, 4294967295u, 0.0625, 1234567,
				 61000500000};
static const struct row none = {NULL, 0, 0, NAN, UINT64_MAX, UINT64_MAX};

static char *text;
static size_t text_size;

/* What n rows look like; valid until the next call. */
static const char *
render(enum record_format format, const struct record_field *f, unsigned n_fields, const void *rows,
       size_t row_size, unsigned n)
{
	struct record_out r;
	FILE *file;

	free(text);
	file = open_memstream(&text, &text_size);
	record_open(&r, file, format, f, n_fields);
	for (unsigned i = 0; i < n; i++)
		record_write(&r, (const char *)rows + i * row_size);
	assert_int_equal(record_close(&r), 0);
	fclose(file);
	return text;
}

static const char *
render_row(enum record_format format, const struct row *row)
{
	return render(format, fields, N_OF(fields), row, 0, 1);
}

static const char *
render_string(enum record_format format, const char *s)
{
	static const struct record_field one = {"s", RECORD_STR, 0, 0, "a string"};

	return render(format, &one, 1, &s, 0, 1);
}

static void
test_csv(void **state)
{
	(void)state;
	assert_string_equal(render_row(RECORD_CSV, &plain),
			    "name,frames,peers,loss_ratio,rtt_us_p99,uptime_s\n"
			    "a,18446744073709551615,4294967295,0.062,1234.567,61.001\n");
	assert_string_equal(render_row(RECORD_CSV, &none),
			    "name,frames,peers,loss_ratio,rtt_us_p99,uptime_s\n,0,0,,,\n");
}

static void
test_json(void **state)
{
	(void)state;
	assert_string_equal(render_row(RECORD_JSON, &plain),
			    "{\"name\":\"a\",\"frames\":18446744073709551615,\"peers\":4294967295,"
			    "\"loss_ratio\":0.062,\"rtt_us_p99\":1234.567,\"uptime_s\":61.001}\n");
	assert_string_equal(render_row(RECORD_JSON, &none),
			    "{\"name\":\"\",\"frames\":0,\"peers\":0,\"loss_ratio\":null,"
			    "\"rtt_us_p99\":null,\"uptime_s\":null}\n");
}

static void
test_text(void **state)
{
	(void)state;
	assert_string_equal(render_row(RECORD_TEXT, &none),
			    "    name   frames    peers loss_ratio rtt_us_p99 uptime_s\n"
			    "       -        0        0          -          -        -\n");
	assert_non_null(
	    strstr(render_row(RECORD_TEXT, &plain),
		   "       a 18446744073709551615 4294967295      0.062   1234.567   61.001\n"));
	assert_string_equal(render_string(RECORD_TEXT, "a\tb\nc\x1b[2J"), "       s\na?b?c?[2J\n");
}

static void
test_header_once(void **state)
{
	const struct row rows[3] = {plain, none, plain};
	const char *s = render(RECORD_CSV, fields, N_OF(fields), rows, sizeof(rows[0]), 3);
	int lines = 0;

	(void)state;
	for (const char *p = s; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 4);
	assert_null(strstr(s + 1, "name,"));
	assert_string_equal(render(RECORD_CSV, fields, N_OF(fields), rows, sizeof(rows[0]), 0), "");
}

static void
test_numbers(void **state)
{
	static const struct record_field f[] = {
	    {"d", RECORD_F64, 6, 0, ""},
	    {"us", RECORD_NS_AS_US, 0, 8, ""},
	    {"s", RECORD_NS_AS_S, 0, 8, ""},
	};
	static const struct {
		double d;
		uint64_t ns;
		const char *line;
	} cases[] = {
	    {0, 0, "0.000000,0.000,0.000"},
	    {-1.5, 1, "-1.500000,0.001,0.000"},
	    {1e15, 999999, "1000000000000000.000000,999.999,0.001"},
	    {INFINITY, 499999, ",499.999,0.000"},
	    {-INFINITY, 500000, ",500.000,0.001"},
	    {NAN, UINT64_MAX - 1, ",18446744073709551.614,18446744073.710"},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		const char *s = render(RECORD_CSV, f, N_OF(f), &cases[i], 0, 1);

		assert_memory_equal(s, "d,us,s\n", 7);
		assert_int_equal(strlen(s), 7 + strlen(cases[i].line) + 1);
		assert_memory_equal(s + 7, cases[i].line, strlen(cases[i].line));
	}
}

/* The largest doubles with the most digits that the table can ask for. */
static void
test_longest_number(void **state)
{
	static const struct record_field f = {"d", RECORD_F64, 255, 0, ""};
	static const double d = -1.7976931348623157e308;

	(void)state;
	assert_true(strlen(render(RECORD_CSV, &f, 1, &d, 0, 1)) > 310);
}

static void
test_json_escapes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", "\"\""},
	    {"plain", "\"plain\""},
	    {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
	    {"\n\r\t\b\f\x01\x1f", "\"\\u000a\\u000d\\u0009\\u0008\\u000c\\u0001\\u001f\""},
	    {"\x7f", "\"\x7f\""},
	    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
	    /* Not UTF-8: a stray byte, overlong forms, a surrogate, beyond U+10FFFF, cut off. */
	    {"\x80z", "\"\\ufffdz\""},
	    {"\xc0\xaf", "\"\\ufffd\\ufffd\""},
	    {"\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\""},
	    {"\xf0\x80\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
	    {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	    {"\xf5\xff", "\"\\ufffd\\ufffd\""},
	    {"\xe2\x82", "\"\\ufffd\\ufffd\""},
	    {"\xe2\x82\"", "\"\\ufffd\\ufffd\\\"\""},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		char want[128];

		snprintf(want, sizeof(want), "{\"s\":%s}\n", cases[i].out);
		assert_string_equal(render_string(RECORD_JSON, cases[i].in), want);
	}
}

/* A reader by the letter of RFC 4180, but for LF: the one field after the header line, unquoted. */
static void
read_csv_field(const char *s, char *out)
{
	bool quoted = *s == '"';

	for (s += quoted; *s; s++) {
		if (quoted && *s == '"' && *++s != '"')
			break;
		if (!quoted && *s == '\n')
			break;
		assert_true(quoted || !strchr(",\"\r", *s));
		*out++ = *s;
	}
	*out = '\0';
	assert_string_equal(s, "\n");
}

static void
test_csv_quoting(void **state)
{
	static const char alphabet[] = "ab ,\"\r\n;'\t\xff";
	struct rng r;

	(void)state;
	assert_string_equal(render_string(RECORD_CSV, "a,\"b\""), "s\n\"a,\"\"b\"\"\"\n");
	assert_string_equal(render_string(RECORD_CSV, "a b;c"), "s\na b;c\n");
	rng_seed(&r, 5, 0);
	for (int i = 0; i < 20000; i++) {
		char in[16], out[64];
		size_t n = rng_below(&r, sizeof(in));

		for (size_t j = 0; j < n; j++)
			in[j] = alphabet[rng_below(&r, sizeof(alphabet) - 1)];
		in[n] = '\0';
		read_csv_field(render_string(RECORD_CSV, in) + 2, out);
		assert_string_equal(in, out);
	}
}

/* Each record is in the file as soon as it is written. */
static void
test_line_buffered(void **state)
{
	struct record_out r;
	char buf[512];
	int fd[2];
	FILE *file;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	file = fdopen(fd[1], "w");
	record_open(&r, file, RECORD_JSON, fields, N_OF(fields));
	for (int i = 0; i < 3; i++) {
		record_write(&r, &plain);
		n = read(fd[0], buf, sizeof(buf));
		assert_true(n > 0 && buf[n - 1] == '\n');
	}
	fclose(file);
	close(fd[0]);
}

struct outcome {
	const char *path; /* NULL: a pipe that nobody reads */
	int rc;
};

/* Writes five records where they cannot go; stdout tells how it went. */
static void
write_in_vain(void *arg)
{
	struct outcome *o = arg;
	struct record_out r;
	FILE *file;
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	if (o->path) {
		file = fopen(o->path, "w");
	} else {
		if (pipe(fd))
			return;
		close(fd[0]);
		file = fdopen(fd[1], "w");
	}
	record_open(&r, file, RECORD_CSV, fields, N_OF(fields));
	for (int i = 0; i < 5; i++)
		record_write(&r, &plain);
	printf("%d %d %d %llu\n", record_close(&r), r.failed, r.error,
	       (unsigned long long)r.dropped);
	printf("%d\n", fclose(file)); /* nothing is left to be written */
}

static void
test_reader_goes_away(void **state)
{
	struct outcome o = {.path = NULL};
	struct captured c;
	char want[64];

	(void)state;
	capture(&c, write_in_vain, &o);
	assert_int_equal(c.status, 0);
	snprintf(want, sizeof(want), "0 1 %d 5\n0\n", EPIPE);
	assert_string_equal(c.out, want);
	assert_ptr_equal(strchr(c.err, '\n'), c.err + strlen(c.err) - 1); /* one line */
}

static void
test_disk_full(void **state)
{
	struct outcome o = {.path = "/dev/full"};
	struct captured c;
	char want[64];

	(void)state;
	capture(&c, write_in_vain, &o);
	assert_int_equal(c.status, 0);
	snprintf(want, sizeof(want), "-%d 1 %d 5\n0\n", ENOSPC, ENOSPC);
	assert_string_equal(c.out, want);
	assert_non_null(strstr(c.err, "No space left on device\n"));
	assert_non_null(strstr(c.err, "5 records were not written\n"));
}

/* Reads one record, then goes away. */
static void
lose_reader_midway(void *arg)
{
	struct record_out r;
	char buf[4096];
	int fd[2];
	FILE *file;

	(void)arg;
	signal(SIGPIPE, SIG_IGN);
	if (pipe(fd))
		return;
	file = fdopen(fd[1], "w");
	record_open(&r, file, RECORD_CSV, fields, N_OF(fields));
	record_write(&r, &plain);
	printf("%d ", read(fd[0], buf, sizeof(buf)) > 0);
	close(fd[0]);
	record_write(&r, &plain);
	record_write(&r, &plain);
	printf("%d %llu\n", record_close(&r), (unsigned long long)r.dropped);
}

/* Once a record is given up, no piece of it follows when there is room again. */
static void
lose_record_for_a_while(void *arg)
{
	char junk[4096] = {0};
	struct record_out r;
	int fd[2];
	FILE *file;

	(void)arg;
	if (pipe2(fd, O_NONBLOCK))
		return;
	while (write(fd[1], junk, sizeof(junk)) > 0)
		;
	file = fdopen(fd[1], "w");
	record_open(&r, file, RECORD_JSON, fields, N_OF(fields));
	record_write(&r, &plain);
	while (read(fd[0], junk, sizeof(junk)) > 0)
		;
	record_write(&r, &plain);
	printf("%d ", record_close(&r));
	printf("%d ", fclose(file));
	printf("%zd\n", read(fd[0], junk, sizeof(junk)));
}

static void
test_no_pieces(void **state)
{
	struct captured c;
	char want[32];

	(void)state;
	capture(&c, lose_record_for_a_while, NULL);
	snprintf(want, sizeof(want), "-%d 0 0\n", EAGAIN);
	assert_string_equal(c.out, want);
}

static void
test_failure_midway(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, lose_reader_midway, NULL);
	assert_string_equal(c.out, "1 0 2\n");
	assert_ptr_equal(strchr(c.err, '\n'), c.err + strlen(c.err) - 1);
}

static int
release_text(void **state)
{
	(void)state;
	free(text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_csv),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_header_once),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_longest_number),
	    cmocka_unit_test(test_json_escapes),
	    cmocka_unit_test(test_csv_quoting),
	    cmocka_unit_test(test_line_buffered),
	    cmocka_unit_test(test_reader_goes_away),
	    cmocka_unit_test(test_disk_full),
	    cmocka_unit_test(test_no_pieces),
	    cmocka_unit_test(test_failure_midway),
	};

	return cmocka_run_group_tests(tests, NULL, release_text);
}
