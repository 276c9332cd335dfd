/* test_opt.c - base/opt.h: what a command line means, and what a wrong one is told. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "base/opt.h"
#include "base/record.h"
#include "capture.h"

enum { ARGS_MAX = 16, PORTS_MAX = 4 };

struct conf {
	uint64_t connections, memory, delay_ns, rate_bps;
	double request_ratio;
	bool poll, share;
	uint32_t dest;
	struct opt_prefix ip;
	const char *output;
	int format;
	const char *ports[PORTS_MAX];
	int n_ports;
};

static const char *
add_port(void *conf, const char *value)
{
	struct conf *c = conf;

	if (c->n_ports == PORTS_MAX || !strchr(value, ':'))
		return "a port such as memif:NAME";
	c->ports[c->n_ports++] = value;
	return NULL;
}

#define AT(field) offsetof(struct conf, field)
static const struct opt table[] = {
    {"connections", 'c', OPT_COUNT, AT(connections), "N", "10k", 1, 16e6, .help = "connections"},
    {"memory", 'm', OPT_BYTES, AT(memory), .min = 1 << 20, .max = INFINITY, .help = "memory"},
    {"delay", 0, OPT_TIME, AT(delay_ns), .def = "50ms", .max = 3600e9, .help = "added delay"},
    {"rate", 0, OPT_RATE, AT(rate_bps), .min = 64e3, .max = 1.5e9, .help = "bottleneck"},
    {"request-ratio", 'r', OPT_RATIO, AT(request_ratio), .def = "5%", .help = "requests"},
    {"poll", 'P', OPT_BOOL, AT(poll), .help = "never sleep"},
    {"share", 's', OPT_BOOL, AT(share), .def = "yes", .help = "yield after a burst"},
    {"dest", 0, OPT_IPV4, AT(dest), .help = "server"},
    {"ip", 0, OPT_PREFIX, AT(ip), .def = "192.168.3.10/24", .help = "own address and net"},
    {"output", 'o', OPT_STRING, AT(output), "FILE", .help = "where to"},
    {"format", 0, OPT_ENUM, AT(format), "FORMAT", "csv", .choices = RECORD_FORMATS, .help = "form"},
    {"port", 'p', OPT_CALL, .metavar = "SPEC", .def = "memif:wire", .call = add_port,
     .help = "port"},
    {"trial", 0, OPT_COUNT, AT(connections), .help = NULL},
    {0},
};

static const struct opt_spec no_operands = {
    "test [options]", "Tests options.", table, NULL, false, false};
static const struct opt_spec with_all = {
    "test [options] FILE", "Tests options.", table, "Example:\n  test -c 10k\n", true, true};

struct run {
	const struct opt_spec *spec;
	int argc;
	char *argv[ARGS_MAX + 1];
	struct conf conf;
	int first, eal_argc;
	char **eal_argv;
};

/* Splits words at single blanks; "''" is an empty word. */
static void
set_args(struct run *r, const struct opt_spec *spec, char *line)
{
	static char name[] = "test";

	memset(r, 0, sizeof(*r));
	r->spec = spec;
	r->argv[r->argc++] = name;
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		assert_true(r->argc < ARGS_MAX);
		r->argv[r->argc++] = strcmp(word, "''") ? word : word + 2;
	}
}

static void
parse(void *arg)
{
	struct run *r = arg;

	log_init("/usr/bin/test");
	r->first = opt_parse(r->spec, r->argc, r->argv, &r->conf, &r->eal_argc, &r->eal_argv);
}

/* Lines that are taken, in this process. */
static struct run *
take(const struct opt_spec *spec, const char *line)
{
	static char copy[512];
	static struct run r;

	snprintf(copy, sizeof(copy), "%s", line);
	set_args(&r, spec, copy);
	parse(&r);
	return &r;
}

static struct conf *
taken(const char *line)
{
	return &take(&no_operands, line)->conf;
}

static struct captured *
run_in_child(const struct opt_spec *spec, const char *line)
{
	static struct captured c;
	char copy[512];
	struct run r;

	snprintf(copy, sizeof(copy), "%s", line);
	set_args(&r, spec, copy);
	capture(&c, parse, &r);
	return &c;
}

static void
test_defaults(void **state)
{
	struct conf *c = taken("");

	(void)state;
	assert_int_equal(c->connections, 10000);
	assert_int_equal(c->memory, 0);
	assert_int_equal(c->delay_ns, 50000000);
	assert_true(c->request_ratio == 0.05);
	assert_false(c->poll);
	assert_true(c->share);
	assert_int_equal(c->ip.addr, 0xc0a8030a);
	assert_int_equal(c->ip.len, 24);
	assert_int_equal(c->format, RECORD_CSV);
	assert_null(c->output);
	assert_int_equal(c->n_ports, 1);
	assert_string_equal(c->ports[0], "memif:wire");
	assert_false(opt_given("connections"));
	assert_false(opt_given("port"));
}

static void
test_every_type(void **state)
{
	struct conf *c;

	(void)state;
	assert_int_equal(taken("--connections 1.5M")->connections, 1500000);
	assert_int_equal(taken("--memory 8G")->memory, UINT64_C(8) << 30);
	assert_int_equal(taken("--delay 250us")->delay_ns, 250000);
	assert_int_equal(taken("--delay 0")->delay_ns, 0);
	assert_int_equal(taken("--delay 1h")->delay_ns, UINT64_C(3600000000000));
	assert_int_equal(taken("--delay 2")->delay_ns, UINT64_C(2000000000));
	assert_int_equal(taken("--rate 1.5Gbit")->rate_bps, 1500000000);
	assert_true(taken("--request-ratio 100%")->request_ratio == 1);
	assert_int_equal(taken("--dest 10.0.0.1")->dest, 0x0a000001);
	c = taken("--ip 10.1.2.3/8");
	assert_int_equal(c->ip.addr, 0x0a010203);
	assert_int_equal(c->ip.len, 8);
	assert_int_equal(taken("--format json")->format, RECORD_JSON);
	assert_int_equal(taken("--format text")->format, RECORD_TEXT);
	assert_string_equal(taken("--output -")->output, "-");
}

static void
test_spellings(void **state)
{
	(void)state;
	assert_int_equal(taken("--connections=5")->connections, 5);
	assert_int_equal(taken("-c 5")->connections, 5);
	assert_int_equal(taken("-c5")->connections, 5);
	assert_int_equal(taken("-Pc5")->connections, 5);
	assert_true(taken("-Pc 5")->poll);
	assert_string_equal(taken("-o=x")->output, "=x");
	assert_string_equal(taken("--output=a=b")->output, "a=b");
	assert_string_equal(taken("--output --poll")->output, "--poll");
	assert_true(taken("--poll")->poll);
	assert_false(taken("--no-share")->share);
	assert_int_equal(taken("--trial 3")->connections, 3);
}

static void
test_last_one_counts(void **state)
{
	(void)state;
	assert_int_equal(taken("-c 5 --connections 6 -c7")->connections, 7);
	assert_false(taken("--poll --no-poll")->poll);
	assert_true(taken("--no-share --share")->share);
	assert_true(taken("--format json --format csv")->format == RECORD_CSV);
}

static void
test_calls_add_up_and_replace_the_default(void **state)
{
	struct conf *c = taken("--port tap:a -p pci:b --port=pcap:c");

	(void)state;
	assert_int_equal(c->n_ports, 3);
	assert_string_equal(c->ports[0], "tap:a");
	assert_string_equal(c->ports[1], "pci:b");
	assert_string_equal(c->ports[2], "pcap:c");
}

static void
test_given(void **state)
{
	(void)state;
	taken("-c 10k --no-share --port tap:a");
	assert_true(opt_given("connections"));
	assert_true(opt_given("share"));
	assert_true(opt_given("port"));
	assert_false(opt_given("delay"));
	taken("");
	assert_false(opt_given("connections"));
}

/* Operands move behind the options and keep their order. */
static void
test_operands(void **state)
{
	struct run *r = take(&with_all, "a -c 5 b --poll - -P c -- -c --eal d");
	static const char *const want[] = {"a", "b", "-", "c", "-c", "--eal", "d"};

	(void)state;
	assert_int_equal(r->conf.connections, 5);
	assert_true(r->conf.poll);
	assert_int_equal(r->argc - r->first, N_OF(want));
	for (size_t i = 0; i < N_OF(want); i++)
		assert_string_equal(r->argv[(size_t)r->first + i], want[i]);
	assert_null(r->eal_argv);
	assert_int_equal(r->eal_argc, 0);

	r = take(&with_all, "-c 5");
	assert_int_equal(r->first, r->argc);
	assert_null(r->argv[r->first]);
}

static void
test_eal_takes_the_rest(void **state)
{
	struct run *r = take(&with_all, "-c 5 file --eal -l 1 --help -- --eal x");
	static const char *const want[] = {"-l", "1", "--help", "--", "--eal", "x"};

	(void)state;
	assert_int_equal(r->conf.connections, 5);
	assert_string_equal(r->argv[r->first], "file");
	assert_null(r->argv[r->first + 1]);
	assert_int_equal(r->eal_argc, N_OF(want));
	for (size_t i = 0; i < N_OF(want); i++)
		assert_string_equal(r->eal_argv[i], want[i]);
	assert_null(r->eal_argv[N_OF(want)]);

	r = take(&with_all, "--eal");
	assert_int_equal(r->eal_argc, 0);
	assert_non_null(r->eal_argv);
}

/* Each wrong line: exit 2, nothing on stdout, and the first line on stderr word for word. */
static void
test_refusals(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
	    {"--request-ratio 1.5", "--request-ratio: '1.5' is not a ratio from 0% to 100%"},
	    {"-r 1.5", "-r (--request-ratio): '1.5' is not a ratio from 0% to 100%"},
	    {"--connections 0", "--connections: '0' is not a number from 1 to 16M"},
	    {"--connections 17M", "--connections: '17M' is not a number from 1 to 16M"},
	    {"--connections -5", "--connections: '-5' is not a number from 1 to 16M"},
	    {"--connections=", "--connections: '' is not a number from 1 to 16M"},
	    {"--connections 99999999999999999999",
	     "--connections: '99999999999999999999' is not a number from 1 to 16M"},
	    {"--connections 10x", "--connections: '10x' is not a number from 1 to 16M"},
	    {"-c5x", "-c (--connections): '5x' is not a number from 1 to 16M"},
	    {"-cP", "-c (--connections): 'P' is not a number from 1 to 16M"},
	    {"--trial x", "--trial: 'x' is not a number"},
	    {"--memory 1k", "--memory: '1k' is not a size in bytes of at least 1M"},
	    {"--delay 2h", "--delay: '2h' is not a time from 0 to 1h"},
	    {"--delay 5m", "--delay: '5m' is not a time from 0 to 1h"},
	    {"--rate 10Gbit", "--rate: '10Gbit' is not a rate from 64kbit to 1500Mbit"},
	    {"--dest server", "--dest: 'server' is not an IPv4 address"},
	    {"--ip 10.0.0.1/33", "--ip: '10.0.0.1/33' is not an IPv4 address and prefix length "
				 "(192.168.3.10/24)"},
	    {"--output ''", "--output: '' is not a word"},
	    {"--format xml", "--format: 'xml' is not one of text|csv|json"},
	    {"--format te", "--format: 'te' is not one of text|csv|json"},
	    {"--format text|csv", "--format: 'text|csv' is not one of text|csv|json"},
	    {"--port wire", "--port: 'wire' is not a port such as memif:NAME"},
	    {"--port ''", "--port: '' is not a value"},
	    {"--connections", "--connections: the value is missing: a number from 1 to 16M"},
	    {"-c", "-c (--connections): the value is missing: a number from 1 to 16M"},
	    {"--poll=1", "--poll: '1' is too much: this option takes no value"},
	    {"--no-share=", "--no-share: '' is too much: this option takes no value"},
	    {"--conn 5", "--conn: there is no such option"},
	    {"--connectionss 5", "--connectionss: there is no such option"},
	    {"--no-connections", "--no-connections: there is no such option"},
	    {"--no-no-share", "--no-no-share: there is no such option"},
	    {"--no-", "--no-: there is no such option"},
	    {"--=5", "--: there is no such option"},
	    {"--eal x", "--eal: there is no such option"},
	    {"--helpme", "--helpme: there is no such option"},
	    {"-Px", "-x: there is no such option"},
	    {"-5", "-5: there is no such option"},
	    {"--poll stray", "'stray': this program takes no operands, only options"},
	    {"-- stray", "'stray': this program takes no operands, only options"},
	    {"-", "'-': this program takes no operands, only options"},
	    {"--\x1b[2J\n", "--?[2J?: there is no such option"},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct captured *c = run_in_child(&no_operands, cases[i].line);
		char want[512];

		snprintf(want, sizeof(want), "test: %s\ntest: see 'test --help'\n",
			 cases[i].message);
		assert_string_equal(c->err, want);
		assert_string_equal(c->out, "");
		assert_int_equal(c->status, EXIT_USAGE);
	}
}

/* A value of any length is refused in one line that still says what is allowed. */
static void
test_long_value(void **state)
{
	static char value[5000];
	struct run r = {.spec = &no_operands, .argc = 3, .argv = {"test", "-c", value}};
	struct captured c;

	(void)state;
	memset(value, '9', sizeof(value) - 1);
	capture(&c, parse, &r);
	assert_int_equal(c.status, EXIT_USAGE);
	assert_non_null(strstr(c.err, "99' is not a number from 1 to 16M\n"));
}

static const char help_text[] =
    "usage: test [options] FILE\n"
    "Tests options.\n"
    "\n"
    "  -c, --connections N       connections [10k]\n"
    "  -m, --memory SIZE         memory\n"
    "      --delay TIME          added delay [50ms]\n"
    "      --rate RATE           bottleneck\n"
    "  -r, --request-ratio RATIO\n"
    "                            requests [5%]\n"
    "  -P, --poll                never sleep\n"
    "  -s, --[no-]share          yield after a burst\n"
    "      --dest IP             server\n"
    "      --ip IP/LEN           own address and net [192.168.3.10/24]\n"
    "  -o, --output FILE         where to\n"
    "      --format FORMAT       form: text|csv|json [csv]\n"
    "  -p, --port SPEC           port [memif:wire]\n"
    "  -h, --help, -V, --version\n"
    "      --eal ARG ...         everything that follows goes to DPDK's EAL\n"
    "\n"
    "Example:\n"
    "  test -c 10k\n";

static void
test_help(void **state)
{
	static const char *const lines[] = {"--help", "-h", "-Ph", "-c 5 --help --nonsense",
					    "x -h"};

	(void)state;
	for (size_t i = 0; i < N_OF(lines); i++) {
		struct captured *c = run_in_child(&with_all, lines[i]);

		assert_int_equal(c->status, 0);
		assert_string_equal(c->out, help_text);
		assert_string_equal(c->err, "");
	}
}

static void
test_version(void **state)
{
	(void)state;
	assert_string_equal(run_in_child(&with_all, "--version")->out, "test 0.1\n");
	assert_string_equal(run_in_child(&with_all, "-V")->out, "test 0.1\n");
}

static void
help_into_full_disk(void *arg)
{
	assert_non_null(freopen("/dev/full", "w", stdout));
	parse(arg);
}

static void
test_help_on_full_disk(void **state)
{
	struct run r = {.spec = &with_all, .argc = 2, .argv = {"test", "--help"}};
	struct captured c;

	(void)state;
	capture(&c, help_into_full_disk, &r);
	assert_int_equal(c.status, EXIT_ENVIRONMENT);
	assert_string_equal(c.err, "test: stdout: No space left on device\n");
}

/* Help of any length is wrapped: no line beyond column 80, and all its words are there. */
static void
test_help_is_wrapped(void **state)
{
	static const struct opt wide[] = {
	    {"a-name-that-leaves-no-room-for-anything-else", 'a', OPT_STRING, 0, "WITH-METAVAR",
	     "and-a-default-of-some-length",
	     .help = "one two three four five six seven eight nine ten eleven twelve thirteen "
		     "fourteen fifteen sixteen seventeen eighteen nineteen twenty"},
	    {"b", 'b', OPT_STRING, 0,
	     .help = "exactly as many columns as there are on a line: 80!"},
	    {"c", 'c', OPT_STRING, 0,
	     .help = "exactly as many columns as there are on a line: 80! x"},
	    {0},
	};
	static const struct opt_spec spec = {"wide", "Is wide.", wide, NULL, false, false};
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	opt_print_help(&spec, f);
	fclose(f);
	assert_non_null(strstr(text, "nineteen twenty"));
	assert_non_null(strstr(text, "[and-a-default-of-some-length]\n"));
	assert_non_null(strstr(text, "there are on a line: 80!\n"));
	assert_non_null(strstr(text, "80!\n                            x\n"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 80);
	free(text);
}

static void
parse_bad_default(void *arg)
{
	static const struct opt bad[] = {
	    {"n", 0, OPT_COUNT, AT(connections), .def = "0", .min = 1, .max = 2, .help = "n"}, {0}};
	static const struct opt_spec spec = {"bad", "Is bad.", bad, NULL, false, false};
	struct run r = {.spec = &spec, .argc = 1, .argv = {"test"}};

	(void)arg;
	parse(&r);
}

/* A mistake in the table is found by the first run, not by the user. */
static void
test_bad_default_aborts(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, parse_bad_default, NULL);
	assert_int_equal(c.status, -1);
	assert_string_equal(c.err, "test: option table: --n: the default '0' is not allowed\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_every_type),
	    cmocka_unit_test(test_spellings),
	    cmocka_unit_test(test_last_one_counts),
	    cmocka_unit_test(test_calls_add_up_and_replace_the_default),
	    cmocka_unit_test(test_given),
	    cmocka_unit_test(test_operands),
	    cmocka_unit_test(test_eal_takes_the_rest),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_long_value),
	    cmocka_unit_test(test_help),
	    cmocka_unit_test(test_version),
	    cmocka_unit_test(test_help_on_full_disk),
	    cmocka_unit_test(test_help_is_wrapped),
	    cmocka_unit_test(test_bad_default_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
