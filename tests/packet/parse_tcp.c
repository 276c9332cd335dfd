/* parse_tcp.c - TCP segments of a script: "P. 1:101(100) ack 1 win 500 <nop,nop,TS val 1 ecr 2>". */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "tests/packet/parse.h"

static bool
parse_flags(struct scan *s, uint8_t *flags)
{
	static const char letters[] = "FSRP.UEW"; /* in the order of the bits */
	char run[16];

	if (!scan_run(s, run, sizeof(run)))
		return false;
	*flags = 0;
	for (const char *c = strcmp(run, "-") == 0 ? "" : run; *c; c++) {
		const char *at = strchr(letters, *c);

		if (!at)
			return scan_fail(s, "no TCP flag '%c' in \"%s\"", *c, run);
		*flags |= (uint8_t)(1u << (at - letters));
	}
	return true;
}

/* "1:101(100)": the end must be right, SYN and FIN not counted. */
static bool
parse_sequence(struct scan *s, struct tcp_spec *t)
{
	uint32_t end, len;

	if (!scan_number(s, &t->seq, UINT32_MAX) || !scan_need(s, ":") ||
	    !scan_number(s, &end, UINT32_MAX) || !scan_need(s, "(") ||
	    !scan_number(s, &len, UINT16_MAX) || !scan_need(s, ")"))
		return false;
	t->len = (uint16_t)len;
	return t->seq + len == end || scan_fail(s, "%u:%u(%u) does not add up", t->seq, end, len);
}

/* A value, or "..." */
static bool
parse_value(struct scan *s, uint32_t *n, bool *any)
{
	*any = scan_take(s, "...");
	return *any || scan_number(s, n, UINT32_MAX);
}

static bool
parse_sack(struct scan *s, struct opt_spec *o)
{
	o->kind = OPT_SACK;
	while (scan_at_digit(s)) {
		if (o->n == sizeof(o->sack) / sizeof(o->sack[0]))
			return scan_fail(s, "too many SACK blocks");
		if (!scan_number(s, &o->sack[o->n].start, UINT32_MAX) || !scan_need(s, ":") ||
		    !scan_number(s, &o->sack[o->n].end, UINT32_MAX))
			return false;
		o->n++;
	}
	return true;
}

static bool
parse_option_octets(struct scan *s, struct opt_spec *o)
{
	size_t len;

	o->kind = OPT_RAW;
	if (!scan_hex(s, o->raw, sizeof(o->raw), &len))
		return false;
	o->n = (unsigned)len;
	return true;
}

static bool
parse_tcp_option(struct scan *s, struct opt_spec *o)
{
	*o = (struct opt_spec){.kind = OPT_NOP};
	if (scan_take(s, "nop"))
		return true;
	if (scan_take(s, "eol")) {
		o->kind = OPT_EOL;
		return true;
	}
	if (scan_take(s, "sackOK")) {
		o->kind = OPT_SACKOK;
		return true;
	}
	if (scan_take(s, "mss")) {
		o->kind = OPT_MSS;
		return parse_value(s, &o->a, &o->any_a);
	}
	if (scan_take(s, "wscale")) {
		o->kind = OPT_WSCALE;
		return parse_value(s, &o->a, &o->any_a);
	}
	if (scan_take(s, "TS")) {
		o->kind = OPT_TS;
		return scan_need(s, "val") && parse_value(s, &o->a, &o->any_a) &&
		       scan_need(s, "ecr") && parse_value(s, &o->b, &o->any_b);
	}
	if (scan_take(s, "sack"))
		return parse_sack(s, o);
	if (scan_take(s, "raw"))
		return parse_option_octets(s, o);
	return scan_fail(s, "no TCP option \"%.20s\"", s->p);
}

/* "<...>" leaves them open; no brackets: there are none. */
static bool
parse_tcp_options(struct scan *s, struct tcp_spec *t)
{
	if (!scan_take(s, "<"))
		return true;
	if (scan_take(s, "...")) {
		t->any_opts = true;
		return scan_need(s, ">");
	}
	do {
		if (t->n_opts == SPEC_OPTS_MAX)
			return scan_fail(s, "too many options");
		if (!parse_tcp_option(s, &t->opt[t->n_opts++]))
			return false;
	} while (scan_take(s, ","));
	return scan_need(s, ">");
}

static bool
parse_field(struct scan *s, const char *name, bool *has, uint16_t *value)
{
	uint32_t n;

	if (!scan_take(s, name))
		return true;
	if (!scan_number(s, &n, UINT16_MAX))
		return false;
	*has = true;
	*value = (uint16_t)n;
	return true;
}

bool
parse_tcp(struct scan *s, struct tcp_spec *t)
{
	if (!parse_flags(s, &t->flags) || !parse_sequence(s, t))
		return false;
	if (scan_take(s, "ack")) {
		t->has_ack = true;
		if (!scan_number(s, &t->ack, UINT32_MAX))
			return false;
	}
	if (!parse_field(s, "win", &t->has_win, &t->win) ||
	    !parse_field(s, "urg", &t->has_urg, &t->urg) || !parse_tcp_options(s, t))
		return false;
	if (*s->p == '"')
		return scan_string(s, t->data, sizeof(t->data));
	return true;
}
