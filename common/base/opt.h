/* opt.h - one table of options gives parsing, ranges, --help and the man page's OPTIONS. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum opt_type {
	OPT_BOOL,   /* bool: no value; --no-NAME clears it; as a default "yes" or "no" */
	OPT_COUNT,  /* uint64_t: 10k, 1.5M */
	OPT_BYTES,  /* uint64_t: 8G */
	OPT_TIME,   /* uint64_t nanoseconds: 250us; a bare number is in seconds */
	OPT_RATE,   /* uint64_t bit/s: 10Gbit */
	OPT_RATIO,  /* double 0..1: 5% or 0.05 */
	OPT_IPV4,   /* uint32_t, host order */
	OPT_PREFIX, /* struct opt_prefix */
	OPT_STRING, /* const char *, points into argv */
	OPT_ENUM,   /* int: index of the word in `choices` ("text|csv|json") */
	OPT_CALL,   /* calls `call` each time: options that may be repeated or have a grammar */
};

struct opt_prefix {
	uint32_t addr; /* host order, host bits kept: 192.168.3.10/24 is an address and its net */
	uint8_t len;
};

/* Reads `value` into conf. Returns NULL, or what would have been right ("host:port"). */
typedef const char *opt_call_fn(void *conf, const char *value);

struct opt {
	const char *name; /* long name, without the dashes */
	char letter;	  /* short name or 0 */
	enum opt_type type;
	size_t offset;	     /* of the field in the tool's conf struct (OPT_CALL: unused) */
	const char *metavar; /* in --help: SPEC, N, TIME */
	const char *def; /* default, as the user would type it; NULL: none. Parsed like a flag. */
	double min, max; /* allowed range in base units, inclusive; max 0: no range; or INFINITY */
	const char *choices; /* OPT_ENUM */
	opt_call_fn *call;   /* OPT_CALL */
	const char *help;    /* one phrase, lower case, no full stop; NULL hides it from --help */
};

struct opt_spec {
	const char *usage;	/* "qstackd [options]" */
	const char *summary;	/* one sentence */
	const struct opt *opts; /* ends with a row whose name is NULL */
	const char *footer;	/* example lines under the options; may be NULL */
	bool operands;		/* operands allowed; else the first is an error */
	bool eal;		/* "--eal ARG ..." takes everything that follows, verbatim */
};

/* Sets the defaults in conf (fields of options without one stay as they are), then reads argv. The
 * last of several occurrences counts; names are not abbreviated; the default of an OPT_CALL is read
 * at the end, when the option was not given. -h, --help and -V, --version are built in: stdout,
 * exit 0. A wrong flag or value ends the program by die_usage with flag, value and what is allowed.
 * Returns the index in argv of the first operand (argv is permuted as by getopt_long); operands end
 * at a NULL. With spec->eal, *eal_argc and *eal_argv name what followed --eal (0 and NULL when
 * absent). */
int opt_parse(const struct opt_spec *spec, int argc, char **argv, void *conf, int *eal_argc,
	      char ***eal_argv);

/* True when the user gave the option (by long name) on the last opt_parse. */
bool opt_given(const char *name);

/* The --help text (also used by the test that compares it with the man page). */
void opt_print_help(const struct opt_spec *spec, FILE *out);

#endif
