/* parse_call.c - system calls and checks: "read(4, ..., 100) = 100", "expect cwnd == 10". */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tests/packet/parse.h"

static bool
parse_address_arg(struct scan *s, struct arg *a)
{
	uint32_t ip, port = 0;

	a->kind = ARG_ADDRESS;
	if (!scan_need(s, "@") || !scan_address(s, &ip))
		return false;
	a->number = ip;
	if (scan_take(s, ":") && !scan_number(s, &port, UINT16_MAX))
		return false;
	a->port = (uint16_t)port;
	return true;
}

static bool
parse_arg(struct scan *s, struct arg *a)
{
	if (scan_take(s, "...")) {
		a->kind = ARG_ANY;
		return true;
	}
	if (*s->p == '"') {
		a->kind = ARG_TEXT;
		return scan_string(s, a->text, sizeof(a->text));
	}
	if (*s->p == '@')
		return parse_address_arg(s, a);
	if (scan_take(s, "[")) /* setsockopt's value */
		return parse_arg(s, a) && scan_need(s, "]");
	if (scan_at_digit(s) || *s->p == '-') {
		a->kind = ARG_NUMBER;
		return scan_signed(s, &a->number);
	}
	a->kind = ARG_NAME;
	return scan_word(s, a->text, sizeof(a->text));
}

static bool
parse_args(struct scan *s, struct call_spec *c)
{
	if (scan_take(s, ")"))
		return true;
	do {
		if (c->n_args == CALL_ARGS_MAX)
			return scan_fail(s, "too many arguments");
		if (!parse_arg(s, &c->arg[c->n_args++]))
			return false;
	} while (scan_take(s, ","));
	return scan_need(s, ")");
}

bool
parse_call(struct scan *s, const char *name, struct call_spec *c)
{
	snprintf(c->name, sizeof(c->name), "%s", name);
	if (!scan_need(s, "(") || !parse_args(s, c) || !scan_need(s, "="))
		return false;
	c->any_result = scan_take(s, "...");
	if (!c->any_result && !scan_signed(s, &c->result))
		return false;
	if (!scan_at_end(s) && !scan_word(s, c->error, sizeof(c->error)))
		return false;
	if (scan_take(s, "(")) { /* what the error says, as strace prints it */
		const char *end = strchr(s->p, ')');

		if (!end)
			return scan_need(s, ")");
		s->p = end;
		return scan_take(s, ")");
	}
	return true;
}

bool
parse_check(struct scan *s, struct check_spec *c)
{
	static const struct {
		const char *text;
		enum check_op op;
	} ops[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE},
		   {">=", OP_GE}, {"<", OP_LT},	 {">", OP_GT}};
	uint32_t flow = 1;

	if (scan_take(s, "@") && !scan_number(s, &flow, 9))
		return false;
	c->flow = flow;
	if (!scan_word(s, c->name, sizeof(c->name)))
		return false;
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (scan_take(s, ops[i].text)) {
			c->op = ops[i].op;
			return scan_word(s, c->value, sizeof(c->value));
		}
	return scan_fail(s, "comparison expected before \"%.20s\"", s->p);
}
