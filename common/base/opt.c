/* opt.c - walks argv along one table of options. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/opt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/opt_value.h"

#ifndef VERSION
#define VERSION "0.1"
#endif

enum {
	OPT_MAX = 128,
	HELP_WIDTH = 80,
	HELP_COLUMN = 28, /* where the help text starts */
	ALLOWED_SIZE = 512,
	FLAG_SIZE = 96,
	HELP_TEXT = 512,
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
	const char *wanted = NULL;

	flag_name(o, by_letter, flag, sizeof(flag));
	opt_value_describe(o, allowed, sizeof(allowed));
	if (!value)
		die_usage("%s: the value is missing: %s", flag, allowed);
	if (!opt_value_store(o, value, w->conf, &wanted))
		die_usage("%s: '%.300s' is not %s", flag, value, wanted ? wanted : allowed);
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

	if (o->def && !opt_value_store(o, o->def, conf, &wanted)) {
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
	bool on = o->type == OPT_BOOL && o->def && *o->def == 'y';
	int n = o->letter ? fprintf(out, "  -%c, ", o->letter) : fprintf(out, "      ");

	n += fprintf(out, "--%s%s", on ? "[no-]" : "", o->name);
	if (o->type != OPT_BOOL)
		n += fprintf(out, " %s", opt_value_metavar(o));
	return n;
}

/* Prints words in columns HELP_COLUMN to HELP_WIDTH; the first line has got there already. */
static void
print_wrapped(FILE *out, const char *text)
{
	int at = HELP_COLUMN;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at > HELP_COLUMN && at + 1 + len > HELP_WIDTH)
			at = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1; /* less the LF */
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
	char text[HELP_TEXT], choices[HELP_TEXT] = "", def[HELP_TEXT] = "";
	int at = print_flag(o, out);

	if (at >= HELP_COLUMN - 1)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(out, "%*s", HELP_COLUMN - at, "");
	if (o->type == OPT_ENUM)
		snprintf(choices, sizeof(choices), ": %s", o->choices);
	if (o->def && o->type != OPT_BOOL)
		snprintf(def, sizeof(def), " [%s]", o->def);
	snprintf(text, sizeof(text), "%s%.200s%.200s", o->help, choices, def);
	print_wrapped(out, text);
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
