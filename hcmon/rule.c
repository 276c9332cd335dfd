/* rule.c - messages told by labels or by ports, as the originals' setting.cfg describes them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/rule.h"

#include <errno.h>
#include <stdlib.h>

static bool
set_has(const struct rule_set *s, uint8_t v)
{
	return (s->bits[v / 64] >> (v % 64) & 1) != 0;
}

const char *rule_class_name(enum rule_class class)
{
	static const char *const names[RULE_N_CLASSES] = {"plain", "high", "low", "heartbeat"};

	return names[class];
}

enum rule_kind
rule_kind(const struct rule *r, const uint8_t *p, uint32_t have)
{
	if (have <= r->label_offset)
		return RULE_NONE;
	if (set_has(&r->request, p[r->label_offset]))
		return RULE_REQUEST;
	return set_has(&r->response, p[r->label_offset]) ? RULE_RESPONSE : RULE_NONE;
}

enum rule_class
rule_class(const struct rule *r, const uint8_t *p, uint32_t have)
{
	if (!r->has_prio)
		return RULE_PLAIN;
	if (have > r->prio_offset && set_has(&r->high, p[r->prio_offset]))
		return RULE_HIGH;
	return r->low_until_ack ? RULE_HEARTBEAT : RULE_LOW;
}

bool
rule_is_server_port(const struct rule *r, uint16_t port)
{
	for (unsigned i = 0; i < r->n_ports; i++)
		if (r->ports[i] == port)
			return true;
	return false;
}

/* One number of a comma-separated list, up to max; NULL when there is none, else what follows it. */
static const char *
parse_item(const char *s, unsigned long max, unsigned long *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return NULL;
	errno = 0;
	*v = strtoul(s, &end, 0);
	if (errno || *v > max || (*end && *end != ','))
		return NULL;
	return end;
}

bool
rule_set_parse(struct rule_set *s, const char *text)
{
	struct rule_set set = {0};
	unsigned long v;

	for (;;) {
		text = parse_item(text, UINT8_MAX, &v);
		if (!text)
			return false;
		set.bits[v / 64] |= UINT64_C(1) << (v % 64);
		if (!*text++)
			break;
	}
	*s = set;
	return true;
}

bool
rule_ports_parse(struct rule *r, const char *text)
{
	unsigned long v;

	r->n_ports = 0;
	for (;;) {
		text = parse_item(text, UINT16_MAX, &v);
		if (!text || v == 0 || r->n_ports == RULE_MAX_PORTS)
			return false;
		r->ports[r->n_ports++] = (uint16_t)v;
		if (!*text++)
			return true;
	}
}
