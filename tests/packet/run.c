/* run.c - the events of a script one by one: injected, called, expected; and the trace of what happened. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/run.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/packet/world.h"

enum { TRACE_SHOWN = 40, PATIENCE_US = 1000000 };

/* One playing of one script. */
struct play {
	const struct script *script;
	struct world *w;
	const struct event_spec *e; /* the present one */
	int64_t last_us;	    /* when the one before it came */
	FILE *trace;		    /* in memory */
	char *trace_text;
	size_t trace_size;
	FILE *report;
};

__attribute__((format(printf, 2, 3))) static void
note(struct play *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(p->trace, "  %12.6f ", (double)world_now_us(p->w) / 1e6);
	vfprintf(p->trace, format, ap);
	fputc('\n', p->trace);
	va_end(ap);
}

static void
show_trace(struct play *p, unsigned lines)
{
	const char *at;

	fflush(p->trace);
	at = p->trace_text + p->trace_size;
	for (; at > p->trace_text && lines > 0; at--)
		lines -= at[-1] == '\n' && at != p->trace_text + p->trace_size;
	if (at > p->trace_text)
		at += 2; /* behind the newline that ended the search */
	fputs(at, p->report);
}

/* Says what went wrong at the present line; false. */
__attribute__((format(printf, 2, 3))) static bool
wrong(struct play *p, const char *format, ...)
{
	va_list ap;

	fprintf(p->report, "%s:%d: ", p->script->path, p->e->line);
	va_start(ap, format);
	vfprintf(p->report, format, ap);
	va_end(ap);
	fprintf(p->report, "\n    %s\n  trace:\n", p->script->line[p->e->line]);
	show_trace(p, TRACE_SHOWN);
	return false;
}

static const char *
shown(const struct play *p, const struct sent_frame *f, char *buf, size_t size)
{
	packet_note(p->w, f->data, f->len);
	return packet_show(p->w, f->data, f->len, true, buf, size);
}

/* --- when --- */

static int64_t
due_us(const struct play *p, int64_t us)
{
	return p->e->when.relative ? p->last_us + us : us;
}

/* Time goes on to the event, in silence. */
static bool
wait_until_due(struct play *p)
{
	const int64_t due = due_us(p, p->e->when.from_us);
	char buf[256];

	if (due < world_now_us(p->w))
		return wrong(p, "this should be at %.6f, but it is %.6f already", (double)due / 1e6,
			     (double)world_now_us(p->w) / 1e6);
	world_run_until(p->w, due, true);
	if (world_sent(p->w))
		return wrong(p, "before this, a frame was sent at %.6f: %s",
			     (double)world_sent(p->w)->at_us / 1e6,
			     shown(p, world_sent(p->w), buf, sizeof(buf)));
	return !p->w->failed || wrong(p, "%s", p->w->why);
}

/* Within the tolerance; what a timer causes may be as late as its wheel's tick. */
static bool
is_in_time(const struct play *p, const struct sent_frame *f)
{
	const struct when *t = &p->e->when;
	const struct script_conf *c = p->w->conf;
	const int64_t from = due_us(p, t->from_us) - c->tolerance_us;
	const int64_t to =
	    due_us(p, t->to_us) + c->tolerance_us + (f->by_timer && !t->has_range ? c->late_us : 0);

	return t->any || (f->at_us >= from && f->at_us <= to);
}

/* --- packets --- */

static bool
play_expected(struct play *p)
{
	const struct when *t = &p->e->when;
	const int64_t patience = t->any ? INT64_C(3600000000) : PATIENCE_US;
	const struct sent_frame *f;
	char why[256], buf[256];

	world_run_until(p->w, (t->any ? world_now_us(p->w) : due_us(p, t->to_us)) + patience, true);
	if (p->w->failed)
		return wrong(p, "%s", p->w->why);
	f = world_sent(p->w);
	if (!f)
		return wrong(p, "nothing was sent until %.6f", (double)world_now_us(p->w) / 1e6);
	const bool same = packet_match(p->w, &p->e->packet, f->data, f->len, why, sizeof(why));

	note(p, "%s", shown(p, f, buf, sizeof(buf)));
	if (!same)
		return wrong(p, "another frame was sent at %.6f: %s; %s", (double)f->at_us / 1e6,
			     buf, why);
	if (!is_in_time(p, f))
		return wrong(p, "it was sent at %.6f, expected at %.6f", (double)f->at_us / 1e6,
			     (double)due_us(p, t->from_us) / 1e6);
	p->last_us = f->at_us;
	world_sent_done(p->w);
	return true;
}

static bool
play_injected(struct play *p)
{
	uint8_t frame[WORLD_ROOM];
	char buf[256];
	uint32_t len;

	if (!wait_until_due(p))
		return false;
	len = packet_build(p->w, &p->e->packet, frame, sizeof(frame));
	note(p, "%s", packet_show(p->w, frame, len, false, buf, sizeof(buf)));
	world_inject(p->w, frame, len);
	return !p->w->failed || wrong(p, "%s", p->w->why);
}

/* --- calls and checks --- */

/* A line without its time. */
static const char *
what_of(const char *line)
{
	line += strspn(line, " \t");
	line += strcspn(line, " \t");
	return line + strspn(line, " \t");
}

static bool
play_call(struct play *p)
{
	const struct call_spec *c = &p->e->call;
	struct call_result r;

	if (!wait_until_due(p))
		return false;
	note(p, "%s", what_of(p->script->line[p->e->line]));
	if (!sock_call(p->w, c, &r))
		return wrong(p, "%s", p->w->why);
	if (!c->any_result && (r.value != c->result || strcmp(error_name(r.error), c->error) != 0))
		return wrong(p, "it returned %lld %s", (long long)r.value, error_name(r.error));
	return true;
}

static bool
compare(int64_t a, enum check_op op, int64_t b)
{
	switch (op) {
	case OP_EQ:
		return a == b;
	case OP_NE:
		return a != b;
	case OP_LT:
		return a < b;
	case OP_LE:
		return a <= b;
	case OP_GT:
		return a > b;
	case OP_GE:
		return a >= b;
	}
	return false;
}

static bool
play_check(struct play *p)
{
	const struct check_spec *c = &p->e->check;
	int64_t is, wanted;

	if (!wait_until_due(p))
		return false;
	if (!value_get(p->w, c->flow, c->name, &is))
		return wrong(p, "nothing is called \"%s\"", c->name);
	if (!value_parse(c->value, &wanted))
		return wrong(p, "\"%s\" is no number, state or error", c->value);
	note(p, "%s is %lld", c->name, (long long)is);
	if (compare(is, c->op, wanted))
		return true;
	if (strcmp(c->name, "state") == 0)
		return wrong(p, "state is %s", tcp_state_name((enum tcp_state)is));
	return wrong(p, "%s is %lld", c->name, (long long)is);
}

static bool
play_event(struct play *p)
{
	if (p->e->kind == EVENT_PACKET && p->e->packet.out)
		return play_expected(p);
	const bool good = p->e->kind == EVENT_PACKET ? play_injected(p)
			  : p->e->kind == EVENT_CALL ? play_call(p)
						     : play_check(p);

	p->last_us = world_now_us(p->w);
	return good;
}

/* Nothing may be left when the script is over. */
static bool
play_end(struct play *p)
{
	char buf[256];

	if (p->w->failed)
		return wrong(p, "%s", p->w->why);
	if (world_sent(p->w))
		return wrong(p, "after this, a frame was sent at %.6f: %s",
			     (double)world_sent(p->w)->at_us / 1e6,
			     shown(p, world_sent(p->w), buf, sizeof(buf)));
	return true;
}

static bool
play_script(struct play *p)
{
	for (unsigned i = 0; i < p->script->n_events; i++) {
		p->e = &p->script->event[i];
		if (!play_event(p))
			return false;
	}
	return play_end(p);
}

static void
set_wrap(struct script_conf *c, uint32_t before_wrap)
{
	if (before_wrap == 0 || c->has_iss || c->irs != 0)
		return;
	c->has_iss = true;
	c->iss = c->irs = -before_wrap;
}

bool
packet_run_file(const char *path, const struct packet_run_opts *o, FILE *report)
{
	char error[512];
	struct script *s = script_load(path, error, sizeof(error));
	struct play p = {.script = s, .report = report};
	bool good;

	if (!s) {
		fprintf(report, "%s\n", error);
		return false;
	}
	set_wrap(&s->conf, o->before_wrap);
	p.trace = open_memstream(&p.trace_text, &p.trace_size);
	p.w = world_new(&s->conf);
	p.e = s->event;
	good = p.w->failed ? wrong(&p, "%s", p.w->why) : play_script(&p);
	if (good && o->verbose) {
		fprintf(report, "%s\n", path);
		show_trace(&p, UINT32_MAX);
	}
	fclose(p.trace);
	free(p.trace_text);
	world_free(p.w);
	script_free(s);
	return good;
}
