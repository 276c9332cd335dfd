/* script.c - a file becomes a list of events, or an error "file:line: what is wrong". */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/packet/parse.h"

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	long size;

	if (!f)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0 &&
	    (text = calloc(1, (size_t)size + 1)) != NULL &&
	    fread(text, 1, (size_t)size, f) != (size_t)size) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

/* Comments become blanks; both kinds of them, but not inside strings. */
static void
blank_comments(char *p)
{
	bool in_string = false;

	for (; *p; p++) {
		if (*p == '"' || *p == '\n')
			in_string = *p == '"' && !in_string;
		if (in_string)
			continue;
		if (p[0] == '/' && p[1] == '/') {
			while (*p && *p != '\n')
				*p++ = ' ';
			p--;
		} else if (p[0] == '/' && p[1] == '*') {
			char *end = strstr(p + 2, "*/");

			for (end = end ? end + 2 : p + strlen(p); p < end; p++)
				if (*p != '\n')
					*p = ' ';
			p--;
		}
	}
}

static int
count_lines(const char *text)
{
	int n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Room for as many events as there are lines, and where each line begins; text stays whole until it is parsed. */
static bool
make_room(struct script *s)
{
	s->n_lines = count_lines(s->text);
	s->line = calloc((size_t)s->n_lines + 1, sizeof(*s->line));
	s->event = calloc((size_t)s->n_lines, sizeof(*s->event));
	return s->line && s->event;
}

static void
split_lines(struct script *s)
{
	char *rest = s->text;

	for (int n = 1; rest; n++)
		s->line[n] = strsep(&rest, "\n");
}

/* --- one line --- */

/* "0.1", "+.1", "0.1~0.2", "+.1~+.2", "*" */
static bool
parse_when(struct scan *s, struct when *w)
{
	if (scan_take(s, "*")) {
		w->any = true;
		return true;
	}
	w->relative = scan_take(s, "+");
	if (!scan_seconds(s, &w->from_us))
		return false;
	w->to_us = w->from_us;
	if (!scan_take(s, "~"))
		return true;
	w->has_range = true;
	if (scan_take(s, "+") != w->relative)
		return scan_fail(s, "both ends of a range are relative, or none is");
	if (!scan_seconds(s, &w->to_us))
		return false;
	return w->to_us >= w->from_us || scan_fail(s, "a range that ends before it begins");
}

static bool
parse_what(struct scan *s, struct event_spec *e)
{
	char name[24];

	e->packet.out = *s->p == '>';
	if (scan_take(s, "<") || scan_take(s, ">")) {
		e->kind = EVENT_PACKET;
		return parse_packet(s, &e->packet);
	}
	memset(&e->packet, 0, sizeof(e->packet));
	if (!scan_word(s, name, sizeof(name)))
		return false;
	if (strcmp(name, "expect") == 0) {
		e->kind = EVENT_CHECK;
		return parse_check(s, &e->check);
	}
	e->kind = EVENT_CALL;
	return parse_call(s, name, &e->call);
}

static bool
parse_line(struct script *s, struct scan *c)
{
	struct event_spec *e = &s->event[s->n_events];

	if (scan_at_end(c))
		return true;
	if (c->p[0] == '-')
		return s->n_events > 0 ? scan_fail(c, "options come before the first event")
				       : parse_option(c, &s->conf);
	e->line = c->line;
	if (!parse_when(c, &e->when) || !parse_what(c, e))
		return false;
	if ((e->when.any || e->when.has_range) && !(e->kind == EVENT_PACKET && e->packet.out))
		return scan_fail(c, "only what is expected may come at any time or in a range");
	s->n_events++;
	return true;
}

static bool
parse_lines(struct script *s, char *error, size_t error_size)
{
	char *bare = strdup(s->text), *rest = bare;
	bool good = bare != NULL;

	if (bare)
		blank_comments(bare);
	for (int n = 1; good && rest; n++) {
		struct scan c;

		scan_begin(&c, s->path, n, strsep(&rest, "\n"), error, error_size);
		good = parse_line(s, &c);
		if (good && !scan_at_end(&c))
			good = scan_fail(&c, "\"%.30s\" is left over", c.p);
	}
	free(bare);
	if (good && s->n_events == 0) {
		snprintf(error, error_size, "%s: no event", s->path);
		return false;
	}
	return good;
}

struct script *
script_load(const char *path, char *error, size_t error_size)
{
	struct script *s = calloc(1, sizeof(*s));

	error[0] = 0;
	if (!s)
		return NULL;
	snprintf(s->path, sizeof(s->path), "%s", path);
	script_conf_default(&s->conf);
	s->text = read_file(path);
	if (!s->text) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		script_free(s);
		return NULL;
	}
	if (!make_room(s) || !parse_lines(s, error, error_size)) {
		script_free(s);
		return NULL;
	}
	split_lines(s);
	return s;
}

void
script_free(struct script *s)
{
	free(s->text);
	free(s->line);
	free(s->event);
	free(s);
}
