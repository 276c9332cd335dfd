/* opt.c - walks argv along one table of options. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/opt.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"

#ifndef VERSION
#define VERSION "0.1"
#endif

enum {
	OPT_MAX = 128,
	HELP_WIDTH = 80,
	HELP_COLUMN = 28, /* where the help text starts at most */
	ALLOWED_SIZE = 512,
	FLAG_SIZE = 96,
};

/* opt_given() asks about the last opt_parse(). */
static const struct opt *last_opts;
static bool given[OPT_MAX];

/* What the walk through argv has reached: [first, next) are operands that were passed over. */
struct walk {
	const struct opt_spec *spec;
	void *conf;
	char **argv;
	int argc, first, next;
};

static bool
is_in_range(const struct opt *o, double v)
{
	return o->max == 0 || (v >= o->min && v <= o->max);
}

static int
store_u64(const struct opt *o, const char *value, uint64_t *field)
{
	uint64_t v = 0;
	int rc;

	if (o->type == OPT_COUNT)
		rc = units_parse_count(value, &v);
	else if (o->type == OPT_BYTES)
		rc = units_parse_bytes(value, &v);
	else if (o->type == OPT_TIME)
		rc = units_parse_time(value, 1000000000, &v);
	else
		rc = units_parse_rate(value, &v);
	if (rc)
		return rc;
	if (!is_in_range(o, (double)v))
		return -ERANGE;
	*field = v;
	return 0;
}

static int
store_ratio(const struct opt *o, const char *value, double *field)
{
	double v;
	int rc = units_parse_ratio(value, &v);

	if (rc)
		return rc;
	if (!is_in_range(o, v))
		return -ERANGE;
	*field = v;
	return 0;
}

static int
store_choice(const char *choices, const char *value, int *field)
{
	const size_t len = strlen(value);
	int index = 0;

	for (const char *c = choices; *c; index++) {
		size_t n = strcspn(c, "|");

		if (n == len && memcmp(c, value, n) == 0) {
			*field = index;
			return 0;
		}
		c += n + (c[n] == '|');
	}
	return -EINVAL;
}

/* 0, or negative when value is not what the option wants; OPT_CALL then says in *wanted what is. */
static int
store(const struct opt *o, const char *value, void *conf, const char **wanted)
{
	void *field = (char *)conf + o->offset;

	*wanted = NULL;
	if (!*value)
		return -EINVAL;
	switch (o->type) {
	case OPT_BOOL:
		return store_choice("no|yes", value, &(int){0})
			   ? -EINVAL
			   : (*(bool *)field = *value == 'y', 0);
	case OPT_COUNT:
	case OPT_BYTES:
	case OPT_TIME:
	case OPT_RATE:
		return store_u64(o, value, field);
	case OPT_RATIO:
		return store_ratio(o, value, field);
	case OPT_IPV4:
		return units_parse_ipv4(value, field);
	case OPT_PREFIX: {
		struct opt_prefix *p = field;

		return units_parse_prefix(value, &p->addr, &p->len);
	}
	case OPT_STRING:
		*(const char **)field = value;
		return 0;
	case OPT_ENUM:
		return store_choice(o->choices, value, field);
	case OPT_CALL:
		*wanted = o->call(conf, value);
		return *wanted ? -EINVAL : 0;
	}
	return -EINVAL;
}

struct scale {
	double scale;
	const char *suffix;
};

static const struct scale count_scales[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
static const struct scale byte_scales[] = {
    {0x1p40, "T"}, {0x1p30, "G"}, {0x1p20, "M"}, {0x1p10, "k"}, {1, ""}};
static const struct scale time_scales[] = {{3600e9, "h"}, {60e9, "min"}, {1e9, "s"},
					   {1e6, "ms"},	  {1e3, "us"},	 {1, "ns"}};
static const struct scale rate_scales[] = {{1e9, "Gbit"}, {1e6, "Mbit"}, {1e3, "kbit"}, {1, "bit"}};
static const struct scale ratio_scales[] = {{0.01, "%"}};

/* How each type is called, and the units in which its range is said. */
static const struct {
	const char *noun, *metavar;
	const struct scale *scales;
	size_t n_scales;
} types[] = {
#define SCALES(t) t, sizeof(t) / sizeof(t[0])
    [OPT_BOOL] = {"yes or no", NULL, NULL, 0},
    [OPT_COUNT] = {"a number", "N", SCALES(count_scales)},
    [OPT_BYTES] = {"a size in bytes", "SIZE", SCALES(byte_scales)},
    [OPT_TIME] = {"a time", "TIME", SCALES(time_scales)},
    [OPT_RATE] = {"a rate", "RATE", SCALES(rate_scales)},
    [OPT_RATIO] = {"a ratio", "RATIO", SCALES(ratio_scales)},
    [OPT_IPV4] = {"an IPv4 address", "IP", NULL, 0},
    [OPT_PREFIX] = {"an IPv4 address with its prefix length", "IP/LEN", NULL, 0},
    [OPT_STRING] = {"a word, not empty", "STRING", NULL, 0},
    [OPT_ENUM] = {"one of", "WORD", NULL, 0},
    [OPT_CALL] = {"a value", "VALUE", NULL, 0},
#undef SCALES
};

/* In the largest unit in which v is a whole number: 1500ms, 64k, 5%. */
static void
print_exact(char *buf, size_t size, enum opt_type type, double v)
{
	const struct scale *s = types[type].scales;
	const struct scale *last = s + types[type].n_scales - 1;

	if (v == 0 && type != OPT_RATIO) {
		snprintf(buf, size, "0");
		return;
	}
	while (s < last && fmod(v, s->scale) != 0)
		s++;
	snprintf(buf, size, "%.15g%s", v / s->scale, s->suffix);
}

/* What the option would have taken. */
static const char *
describe(const struct opt *o, const char *wanted, char *buf, size_t size)
{
	double min = o->min, max = o->max;
	char low[32], high[32];

	if (wanted)
		return wanted;
	if (o->type == OPT_ENUM) {
		snprintf(buf, size, "one of %s", o->choices);
		return buf;
	}
	if (o->type == OPT_RATIO && max == 0)
		max = 1;
	if (!types[o->type].scales || max == 0)
		return types[o->type].noun;
	print_exact(low, sizeof(low), o->type, min);
	print_exact(high, sizeof(high), o->type, max);
	snprintf(buf, size, "%s from %s to %s", types[o->type].noun, low, high);
	return buf;
}

/* The user sees the flag as typed, and always its long name. */
static const char *
flag_name(const struct opt *o, bool by_letter, char *buf, size_t size)
{
	if (by_letter)
		snprintf(buf, size, "-%c (--%s)", o->letter, o->name);
	else
		snprintf(buf, size, "--%s", o->name);
	return buf;
}

static void
take_value(struct walk *w, const struct opt *o, bool by_letter, const char *value)
{
	char flag[FLAG_SIZE], allowed[ALLOWED_SIZE];
	const char *wanted;

	flag_name(o, by_letter, flag, sizeof(flag));
	if (!value)
		die_usage("%s: a value is missing: %s", flag,
			  describe(o, NULL, allowed, sizeof(allowed)));
	if (store(o, value, w->conf, &wanted))
		die_usage("%s: '%s' is not %s", flag, value,
			  describe(o, wanted, allowed, sizeof(allowed)));
	given[o - w->spec->opts] = true;
}

static void
take_bool(struct walk *w, const struct opt *o, bool v)
{
	*(bool *)((char *)w->conf + o->offset) = v;
	given[o - w->spec->opts] = true;
}

static const struct opt *
find_name(const struct opt *o, const char *name, size_t len)
{
	for (; o->name; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct opt *
find_letter(const struct opt *o, char letter)
{
	for (; o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static _Noreturn void
end_after_stdout(void)
{
	if (fflush(stdout) || ferror(stdout))
		die("stdout: %m");
	exit(EXIT_SUCCESS);
}

static _Noreturn void
show_help(const struct opt_spec *spec)
{
	opt_print_help(spec, stdout);
	end_after_stdout();
}

static _Noreturn void
show_version(void)
{
	printf("%s %s\n", log_program(), VERSION);
	end_after_stdout();
}

/* --name, --no-name, --name=value or --name value; returns how many of argv that was. */
static int
parse_long(struct walk *w, const char *arg)
{
	const char *name = arg + 2;
	const size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	const struct opt *o = find_name(w->spec->opts, name, len);
	bool on = true;

	if (!o && !strcmp(name, "help"))
		show_help(w->spec);
	if (!o && !strcmp(name, "version"))
		show_version();
	if (!o && len > 3 && !memcmp(name, "no-", 3)) {
		o = find_name(w->spec->opts, name + 3, len - 3);
		on = false;
	}
	if (!o || (!on && o->type != OPT_BOOL))
		die_usage("--%.*s: there is no such option", (int)len, name);
	if (o->type == OPT_BOOL) {
		if (value)
			die_usage("--%.*s: '%s' is too much: this option takes no value", (int)len,
				  name, value);
		take_bool(w, o, on);
		return 1;
	}
	take_value(w, o, false, value ? value : w->argv[w->next + 1]);
	return value ? 1 : 2;
}

/* -a, -abc, -nVALUE or -n VALUE */
static int
parse_letters(struct walk *w, const char *arg)
{
	for (const char *c = arg + 1; *c; c++) {
		const struct opt *o = find_letter(w->spec->opts, *c);

		if (!o && *c == 'h')
			show_help(w->spec);
		if (!o && *c == 'V')
			show_version();
		if (!o)
			die_usage("-%c: there is no such option", *c);
		if (o->type == OPT_BOOL) {
			take_bool(w, o, true);
			continue;
		}
		take_value(w, o, true, c[1] ? c + 1 : w->argv[w->next + 1]);
		return c[1] ? 1 : 2;
	}
	return 1;
}

/* Moves the n arguments at `next` before the operands that were passed over. */
static void
pass(struct walk *w, int n)
{
	for (int i = 0; i < n; i++) {
		char *arg = w->argv[w->next];

		memmove(w->argv + w->first + 1, w->argv + w->first,
			(size_t)(w->next - w->first) * sizeof(*w->argv));
		w->argv[w->first++] = arg;
		w->next++;
	}
}

static void
set_default(const struct opt *o, void *conf)
{
	const char *wanted;

	if (o->def && store(o, o->def, conf, &wanted)) {
		log_error("option table: --%s: the default '%s' is not allowed", o->name, o->def);
		abort();
	}
}

static void
set_defaults(const struct opt_spec *spec, void *conf)
{
	const struct opt *o;

	last_opts = spec->opts;
	memset(given, 0, sizeof(given));
	for (o = spec->opts; o->name; o++)
		if (o->type != OPT_CALL)
			set_default(o, conf);
	assert(o - spec->opts <= OPT_MAX);
}

/* Calls add up, so a default is only for the option that was not given. */
static void
set_call_defaults(const struct opt_spec *spec, void *conf)
{
	for (const struct opt *o = spec->opts; o->name; o++)
		if (o->type == OPT_CALL && !given[o - spec->opts])
			set_default(o, conf);
}

int
opt_parse(const struct opt_spec *spec, int argc, char **argv, void *conf, int *eal_argc,
	  char ***eal_argv)
{
	struct walk w = {
	    .spec = spec, .conf = conf, .argv = argv, .argc = argc, .first = 1, .next = 1};

	if (spec->eal) {
		*eal_argc = 0;
		*eal_argv = NULL;
	}
	set_defaults(spec, conf);
	while (w.next < w.argc) {
		char *arg = argv[w.next];

		if (!strcmp(arg, "--")) {
			pass(&w, 1);
			break;
		} else if (arg[0] != '-' || !arg[1]) {
			w.next++;
		} else if (spec->eal && !strcmp(arg, "--eal")) {
			*eal_argc = argc - w.next - 1;
			*eal_argv = argv + w.next + 1;
			argv[w.next] = NULL;
			w.argc = w.next;
		} else {
			pass(&w, arg[1] == '-' ? parse_long(&w, arg) : parse_letters(&w, arg));
		}
	}
	set_call_defaults(spec, conf);
	if (!spec->operands && w.first < w.argc)
		die_usage("'%s': this program takes no operands, only options", argv[w.first]);
	return w.first;
}

bool
opt_given(const char *name)
{
	const struct opt *o = find_name(last_opts, name, strlen(name));

	assert(o);
	return given[o - last_opts];
}

static int
print_flag(const struct opt *o, FILE *out)
{
	const char *metavar = o->metavar ? o->metavar : types[o->type].metavar;
	bool on = o->type == OPT_BOOL && o->def && *o->def == 'y';
	int n = o->letter ? fprintf(out, "  -%c, ", o->letter) : fprintf(out, "      ");

	n += fprintf(out, "--%s%s", on ? "[no-]" : "", o->name);
	if (o->type != OPT_BOOL)
		n += fprintf(out, " %s", metavar);
	return n;
}

/* Prints words from column `at` on, wrapped to start in HELP_COLUMN. */
static void
print_wrapped(FILE *out, int at, const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at > HELP_COLUMN && at + 1 + len > HELP_WIDTH)
			at = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
		else if (at > HELP_COLUMN)
			at += fprintf(out, " ");
		at += fprintf(out, "%.*s", len, text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void
print_option(const struct opt *o, FILE *out)
{
	char text[1024];
	int at = print_flag(o, out);

	if (at >= HELP_COLUMN - 1)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(out, "%*s", HELP_COLUMN - at, "");
	snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", o->help, o->type == OPT_ENUM ? ": " : "",
		 o->type == OPT_ENUM ? o->choices : "", o->def && o->type != OPT_BOOL ? " [" : "",
		 o->def && o->type != OPT_BOOL ? o->def : "",
		 o->def && o->type != OPT_BOOL ? "]" : "", "");
	print_wrapped(out, HELP_COLUMN, text);
}

void
opt_print_help(const struct opt_spec *spec, FILE *out)
{
	fprintf(out, "usage: %s\n%s\n\n", spec->usage, spec->summary);
	for (const struct opt *o = spec->opts; o->name; o++)
		if (o->help)
			print_option(o, out);
	fprintf(out, "  -h, --help, -V, --version\n");
	if (spec->eal)
		fprintf(out,
			"      --eal ARG ...         everything that follows goes to DPDK's EAL\n");
	if (spec->footer)
		fprintf(out, "\n%s", spec->footer);
}
