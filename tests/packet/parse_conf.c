/* parse_conf.c - the preamble: "--rcvbuf=65536", one option a line. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/packet/parse.h"

enum value_kind {
	VALUE_U8,
	VALUE_U16,
	VALUE_U32,
	VALUE_TIME,
	VALUE_BOOL,
	VALUE_ADDRESS,
	VALUE_ECN,
	VALUE_CC
};

#define CONF(member)  offsetof(struct script_conf, member)
#define STACK(member) CONF(stack.member)
#define TCP(member)   CONF(stack.tcp.member)

static const struct {
	const char *name;
	size_t at;
	enum value_kind kind;
} options[] = {
    /* the script */
    {"tolerance_usecs", CONF(tolerance_us), VALUE_U32},
    {"late_usecs", CONF(late_us), VALUE_U32},
    {"start_secs", CONF(start_s), VALUE_U32},
    {"local_ip", CONF(local), VALUE_ADDRESS},
    {"remote_ip", CONF(remote), VALUE_ADDRESS},
    {"gateway_ip", CONF(gateway), VALUE_ADDRESS},
    {"prefix_len", CONF(prefix_len), VALUE_U32},
    {"port", CONF(port), VALUE_U16},
    {"mtu", CONF(mtu), VALUE_U32},
    {"vlan", CONF(vlan), VALUE_U32},
    {"irs", CONF(irs), VALUE_U32},
    {"arp_visible", CONF(arp_visible), VALUE_BOOL},
    {"reads_at_once", CONF(reads_at_once), VALUE_BOOL},
    {"closes_at_once", CONF(closes_at_once), VALUE_BOOL},
    /* the host */
    {"max_conns", STACK(max_conns), VALUE_U32},
    {"max_active", STACK(max_active), VALUE_U32},
    {"blocks_small", STACK(blocks_small), VALUE_U32},
    {"blocks_large", STACK(blocks_large), VALUE_U32},
    {"max_half_open", STACK(max_half_open), VALUE_U32},
    {"max_half_open_per_source", STACK(max_half_open_per_source), VALUE_U32},
    {"resets_per_s", STACK(resets_per_s), VALUE_U32},
    {"nodelay", STACK(profile.nodelay), VALUE_BOOL}, /* of listen() and connect() */
    {"quickack", STACK(profile.quickack), VALUE_BOOL},
    {"ecn", STACK(profile.ecn), VALUE_ECN},
    {"dscp", STACK(profile.dscp), VALUE_U8},
    {"cc", STACK(profile.cc), VALUE_CC},
    {"user_timeout", STACK(profile.user_timeout_ns), VALUE_TIME},
    {"idle", STACK(profile.idle_ns), VALUE_TIME},
    {"keepalive", STACK(profile.keepalive_ns), VALUE_TIME},
    {"keepalive_interval", STACK(profile.keepalive_interval_ns), VALUE_TIME},
    {"keepalive_count", STACK(profile.keepalive_count), VALUE_U8},
    /* TCP */
    {"rcvbuf", TCP(rcvbuf), VALUE_U32},
    {"sndbuf", TCP(sndbuf), VALUE_U32},
    {"mss", TCP(mss), VALUE_U16},
    {"initial_window", TCP(initial_window), VALUE_U8},
    {"timestamps", TCP(timestamps), VALUE_BOOL},
    {"window_scale", TCP(window_scale), VALUE_BOOL},
    {"sack", TCP(sack), VALUE_BOOL},
    {"nagle", TCP(nagle), VALUE_BOOL},
    {"delack", TCP(delack_ns), VALUE_TIME},
    {"rto_min", TCP(rto_min_ns), VALUE_TIME},
    {"rto_max", TCP(rto_max_ns), VALUE_TIME},
    {"rto_initial", TCP(rto_initial_ns), VALUE_TIME},
    {"syn_retries", TCP(syn_retries), VALUE_U8},
    {"synack_retries", TCP(synack_retries), VALUE_U8},
    {"retries", TCP(retries), VALUE_U8},
    {"time_wait", TCP(time_wait_ns), VALUE_TIME},
    {"fin_wait_2", TCP(fin_wait_2_ns), VALUE_TIME},
};

static void *
reserve(size_t bytes)
{
	return calloc(1, bytes);
}

static void
release(void *p, size_t bytes)
{
	(void)bytes;
	free(p);
}

void
script_conf_default(struct script_conf *c)
{
	memset(c, 0, sizeof(*c));
	stack_conf_default(&c->stack);
	c->stack.max_conns = 64;
	c->stack.max_active = 64;
	c->stack.blocks_small = 512;
	c->stack.blocks_large = 512;
	c->stack.reserve = reserve;
	c->stack.release = release;
	for (unsigned i = 0; i < sizeof(c->stack.secret); i++)
		c->stack.secret[i] = (uint8_t)(i * 29 + 5);
	c->local = UINT32_C(0xc0a80001);
	c->remote = UINT32_C(0xc0a80002);
	c->prefix_len = 16;
	c->mtu = 1500;
	c->port = 8080;
	c->tolerance_us = 10;
	c->late_us = 1100; /* a tick of the wheel is 1048.576 us */
	c->start_s = 1000;
}

/* "200ms", "3s" */
static bool
parse_time(struct scan *s, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
	char *end;
	const double n = strtod(s->p, &end);

	if (end == s->p || n < 0)
		return scan_fail(s, "time expected before \"%.20s\"", s->p);
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*ns = (uint64_t)(n * (double)units[i].ns);
			s->p = end + strlen(end);
			return true;
		}
	return scan_fail(s, "a time needs ns, us, ms or s: \"%.20s\"", s->p);
}

static bool
parse_bool(struct scan *s, bool *to)
{
	*to = scan_take(s, "on") || scan_take(s, "1");
	return *to || scan_take(s, "off") || scan_take(s, "0") ||
	       scan_fail(s, "on or off expected before \"%.20s\"", s->p);
}

static bool
parse_ecn(struct scan *s, uint8_t *to)
{
	*to = scan_take(s, "off")      ? TCP_ECN_OFF
	      : scan_take(s, "on")     ? TCP_ECN_REQUEST
	      : scan_take(s, "always") ? TCP_ECN_ALWAYS
				       : UINT8_MAX;
	return *to != UINT8_MAX ||
	       scan_fail(s, "off, on or always expected before \"%.20s\"", s->p);
}

static bool
parse_cc(struct scan *s, uint8_t *to)
{
	*to = scan_take(s, "cubic")	? TCP_CC_CUBIC
	      : scan_take(s, "newreno") ? TCP_CC_NEWRENO
					: UINT8_MAX;
	return *to != UINT8_MAX || scan_fail(s, "cubic or newreno expected before \"%.20s\"", s->p);
}

static bool
parse_option_value(struct scan *s, void *to, enum value_kind kind)
{
	uint32_t n;

	switch (kind) {
	case VALUE_U8:
		if (!scan_number(s, &n, UINT8_MAX))
			return false;
		*(uint8_t *)to = (uint8_t)n;
		return true;
	case VALUE_U16:
		if (!scan_number(s, &n, UINT16_MAX))
			return false;
		*(uint16_t *)to = (uint16_t)n;
		return true;
	case VALUE_U32:
		return scan_number(s, to, UINT32_MAX);
	case VALUE_TIME:
		return parse_time(s, to);
	case VALUE_BOOL:
		return parse_bool(s, to);
	case VALUE_ADDRESS:
		return scan_address(s, to);
	case VALUE_ECN:
		return parse_ecn(s, to);
	case VALUE_CC:
		return parse_cc(s, to);
	}
	return false;
}

bool
parse_option(struct scan *s, struct script_conf *c)
{
	char name[32];

	if (!scan_need(s, "--") || !scan_word(s, name, sizeof(name)) || !scan_need(s, "="))
		return false;
	if (strcmp(name, "iss") == 0) {
		c->has_iss = true;
		return scan_number(s, &c->iss, UINT32_MAX);
	}
	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(name, options[i].name) == 0)
			return parse_option_value(s, (char *)c + options[i].at, options[i].kind);
	return scan_fail(s, "no option --%s", name);
}
