/* conf.c - the option table, and the rules between flags. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "lshaper/conf.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opt_rows.h"
#include "base/opt.h"
#include "base/record.h"
#include "dp/dp.h"

#define DELAY_MAX_NS 3600e9
#define HOLD_MIN     (1 << 20)
#define HOLD_MAX     (1ull << 40)

static const char *
call_port(void *conf, const char *value)
{
	struct conf *c = conf;

	dp_port_need_spec("--port", value);
	if (c->n_ports == DIRECTIONS)
		die_usage("--port: '%s' is a third port; there are two, A and B", value);
	c->port[c->n_ports++] = value;
	return NULL;
}

static const char *
call_mirror(void *conf, const char *value)
{
	struct conf *c = conf;

	c->mirror = strcmp(value, "none") ? value : NULL;
	if (c->mirror)
		dp_port_need_spec("--mirror", value);
	return NULL;
}

static const char *
call_cores(void *conf, const char *value)
{
	static char wanted[80];
	const long n = sysconf(_SC_NPROCESSORS_CONF);
	char *end;
	unsigned long core = strtoul(value, &end, 10);

	if (value[0] >= '0' && value[0] <= '9' && !*end && core < (unsigned long)n) {
		((struct conf *)conf)->cores = value;
		return NULL;
	}
	snprintf(wanted, sizeof(wanted), "one core from 0 to %ld (it does both directions)", n - 1);
	return wanted;
}

#define FIELD(name) offsetof(struct conf, name)
#define DELAY(flag, at, text)                                                                   \
	{                                                                                       \
		.name = flag, .type = OPT_TIME, .offset = at, .max = DELAY_MAX_NS, .help = text \
	}
#define DROP(flag, at, text)                                                          \
	{                                                                             \
		.name = flag, .type = OPT_RATIO, .offset = at, .max = 1, .help = text \
	}

static const struct opt opts[] = {
    {.name = "port",
     .type = OPT_CALL,
     .metavar = "SPEC",
     .call = call_port,
     .help = "port A (clients), then port B (server): give it twice"},
    {.name = "mirror",
     .type = OPT_CALL,
     .metavar = "SPEC",
     .call = call_mirror,
     .def = "memif:mirror,server",
     .help = "port that gets a copy of what passes port B, or none"},
    {.name = "mirror-full",
     .type = OPT_ENUM,
     .offset = FIELD(mirror_full),
     .choices = "block|drop",
     .def = "drop",
     .help = "when the mirror has no room: traffic waits, or the copy is dropped"},
    DELAY("delay", FIELD(delay_ns), "hold each frame that long, both directions [0]"),
    DELAY("delay-ab", FIELD(impair[AB].delay_ns), "the same from A to B, in place of --delay"),
    DELAY("delay-ba", FIELD(impair[BA].delay_ns), "the same from B to A"),
    DROP("drop", FIELD(drop), "lose that share of the frames, both directions [0]"),
    DROP("drop-ab", FIELD(impair[AB].drop), "the same from A to B, in place of --drop"),
    DROP("drop-ba", FIELD(impair[BA].drop), "the same from B to A"),
    {.name = "seed",
     .type = OPT_COUNT,
     .offset = FIELD(seed),
     .def = "1",
     .help = "of the random numbers: the same seed loses the same frames"},
    {.name = "hold",
     .type = OPT_BYTES,
     .offset = FIELD(hold_bytes),
     .def = "64M",
     .min = HOLD_MIN,
     .max = HOLD_MAX,
     .help = "memory for held frames, each direction"},
    {.name = "cores",
     .type = OPT_CALL,
     .metavar = "LIST",
     .call = call_cores,
     .help = "the core to run on [any]"},
    OPT_ROW_HUGE(struct conf, huge_flag),
    OPT_ROW_POLL(struct conf, poll),
    OPT_ROW_SHARE(struct conf, share),
    OPT_ROW_INTERVAL(struct conf, interval_ns),
    OPT_ROW_FORMAT(struct conf, format, ""),
    OPT_ROW_DURATION(struct conf, duration_ns),
    OPT_ROW_QUIET(struct conf, quiet),
    OPT_ROW_VERBOSE(struct conf, verbose),
    {.name = NULL},
};

static const struct opt_spec spec = {
    .usage = "lshaper [options]",
    .summary = "Puts the delay and the loss of a WAN between two ports, frame by frame.",
    .opts = opts,
    .footer =
	"  lshaper --delay 50ms --drop 1%\n"
	"  lshaper --port af_packet:veth1 --port af_packet:veth2 --mirror none --delay-ab 20ms\n"
	"Without --port: A is memif:client, B is memif:server, of this machine's other tools.\n",
    .eal = true,
};

/* The flag of one direction goes before that of both, in whatever order they were typed. */
static void
apply_both(struct conf *c)
{
	static const char *const delay[] = {"delay-ab", "delay-ba"};
	static const char *const drop[] = {"drop-ab", "drop-ba"};

	for (int d = 0; d < DIRECTIONS; d++) {
		if (!opt_given(delay[d]))
			c->impair[d].delay_ns = c->delay_ns;
		if (!opt_given(drop[d]))
			c->impair[d].drop = c->drop;
	}
}

static void
apply_ports(struct conf *c)
{
	if (c->n_ports == 1)
		die_usage("--port: '%s' is port A; give --port a second time for port B",
			  c->port[AB]);
	if (c->n_ports == 0) {
		c->port[AB] = "memif:client,server";
		c->port[BA] = "memif:server";
	}
	if (!strcmp(c->port[AB], c->port[BA]))
		die_usage("--port: '%s' is given twice; A and B are two ports", c->port[AB]);
	for (int d = 0; c->mirror && d < DIRECTIONS; d++)
		if (!strcmp(c->mirror, c->port[d]))
			die_usage("--mirror: '%s' is port %c already", c->mirror, "AB"[d]);
}

void
conf_parse(struct conf *c, int argc, char **argv)
{
	*c = (struct conf){0};
	opt_parse(&spec, argc, argv, c, &c->eal_argc, &c->eal_argv);
	apply_both(c);
	apply_ports(c);
	if (!opt_given("format"))
		c->format = (int)record_default_format();
	c->huge = opt_given("huge") ? c->huge_flag : -1;
	if (c->verbose)
		log_set_level(LOG_DEBUG);
	else if (c->quiet)
		log_set_level(LOG_WARN);
}
