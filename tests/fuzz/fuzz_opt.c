/* fuzz_opt.c - libFuzzer: any command line against a table with an option of each type. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"

/* The input is argv: words that end with an LF. Whatever ends the program (--help, a wrong value)
 * comes back here instead: the Makefile wraps die_usage and exit. */
enum { WORDS = 40 };

struct conf {
	bool on, off;
	uint64_t count, bytes, time, rate;
	double ratio;
	uint32_t addr;
	struct opt_prefix prefix;
	const char *text;
	int word;
	unsigned calls;
};

static jmp_buf ended;
static bool parsing;
static FILE *nowhere;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
_Noreturn void __wrap_die_usage(const char *format, ...);
_Noreturn void __wrap_exit(int status);
_Noreturn void __real_exit(int status);

/* The message must be printable to its end. */
_Noreturn void
__wrap_die_usage(const char *format, ...)
{
	char message[4096];
	va_list ap;

	va_start(ap, format);
	assert(vsnprintf(message, sizeof(message), format, ap) > 0);
	va_end(ap);
	longjmp(ended, 1);
}

_Noreturn void
__wrap_exit(int status)
{
	if (!parsing)
		__real_exit(status);
	assert(status == 0);
	longjmp(ended, 1);
}

static const char *
call(void *conf, const char *value)
{
	((struct conf *)conf)->calls++;
	return value[0] == '!' ? "anything without !" : NULL;
}

#define AT(field) offsetof(struct conf, field)

static const struct opt opts[] = {
    {.name = "on", .letter = 'o', .type = OPT_BOOL, .offset = AT(on), .def = "yes", .help = "on"},
    {.name = "off", .type = OPT_BOOL, .offset = AT(off), .help = "off"},
    {.name = "count",
     .letter = 'c',
     .type = OPT_COUNT,
     .offset = AT(count),
     .min = 1,
     .max = 1e6,
     .help = "count"},
    {.name = "bytes",
     .letter = 'b',
     .type = OPT_BYTES,
     .offset = AT(bytes),
     .def = "64k",
     .help = "bytes"},
    {.name = "time",
     .letter = 't',
     .type = OPT_TIME,
     .offset = AT(time),
     .max = 3600e9,
     .help = "time"},
    {.name = "rate", .letter = 'r', .type = OPT_RATE, .offset = AT(rate), .help = "rate"},
    {.name = "ratio", .type = OPT_RATIO, .offset = AT(ratio), .max = 1, .help = "ratio"},
    {.name = "addr", .letter = 'a', .type = OPT_IPV4, .offset = AT(addr), .help = "address"},
    {.name = "prefix", .letter = 'p', .type = OPT_PREFIX, .offset = AT(prefix), .help = "prefix"},
    {.name = "text", .letter = 'x', .type = OPT_STRING, .offset = AT(text), .help = "text"},
    {.name = "word",
     .letter = 'w',
     .type = OPT_ENUM,
     .offset = AT(word),
     .choices = "text|csv|json",
     .def = "csv",
     .help = "word"},
    {.name = "call", .letter = 'C', .type = OPT_CALL, .call = call, .def = "again", .help = "call"},
    {.name = NULL},
};

static void
check(const struct conf *c, int argc, char **argv, int first, int eal_argc, char **eal_argv)
{
	assert(first >= 1 && first <= argc);
	assert(!opt_given("count") || (c->count >= 1 && c->count <= 1000000));
	assert(c->time <= UINT64_C(3600000000000) && c->ratio >= 0 && c->ratio <= 1);
	assert(c->prefix.len <= 32 && c->word >= 0 && c->word <= 2 && c->calls > 0);
	assert(!opt_given("text") || c->text != NULL);
	assert(eal_argc >= 0 && eal_argc < argc &&
	       (eal_argc == 0 || eal_argv + eal_argc == argv + argc));
}

static void
parse(int argc, char **argv)
{
	const struct opt_spec spec = {
	    .usage = "fuzz [options]",
	    .summary = "Takes anything.",
	    .opts = opts,
	    .operands = argc % 2,
	    .eal = argc % 3,
	};
	struct conf c = {0};
	char **eal_argv = NULL;
	int eal_argc = 0, first;

	parsing = true;
	if (setjmp(ended) == 0) {
		first = opt_parse(&spec, argc, argv, &c, &eal_argc, &eal_argv);
		check(&c, argc, argv, first, eal_argc, eal_argv);
	}
	parsing = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[WORDS + 1] = {(char[]){"fuzz"}};
	int argc = 1;

	if (nowhere == NULL) /* --help writes */
		nowhere = freopen("/dev/null", "w", stdout);
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *word = strtok(text, "\n"); word != NULL && argc < WORDS;
	     word = strtok(NULL, "\n"))
		argv[argc++] = word;
	parse(argc, argv);
	free(text);
	return 0;
}
