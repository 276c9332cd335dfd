/* conf.c - hcmon's flags: the option table, and what follows from it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/conf.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opt_rows.h"
#include "base/units.h"
#include "dp/dp.h"

static const char octets[] = "octets, as 0,2 or 0x16";

static const char *
add_port(void *conf, const char *value)
{
	struct conf *c = conf;

	dp_port_need_spec("--port", value);
	if (c->n_ports == CONF_MAX_PORTS)
		return "more: 8 ports at most";
	c->port[c->n_ports++] = value;
	return NULL;
}

static const char *
set_server_ports(void *conf, const char *value)
{
	struct rule *rule = &((struct conf *)conf)->rule;

	rule->by_port = true;
	return rule_ports_parse(rule, value) ? NULL : "1 to 8 TCP ports, as 80 or 80,443";
}

static const char *
set_request(void *conf, const char *value)
{
	return rule_set_parse(&((struct conf *)conf)->rule.request, value) ? NULL : octets;
}

static const char *
set_response(void *conf, const char *value)
{
	return rule_set_parse(&((struct conf *)conf)->rule.response, value) ? NULL : octets;
}

static const char *
set_prio(void *conf, const char *value)
{
	return rule_set_parse(&((struct conf *)conf)->rule.high, value) ? NULL : octets;
}

static const char *
set_core(void *conf, const char *value)
{
	static char wanted[64];
	long n = sysconf(_SC_NPROCESSORS_CONF);
	uint64_t core;

	if (units_parse_count(value, &core) == 0 && core < (uint64_t)n) {
		((struct conf *)conf)->cores = value;
		return NULL;
	}
	snprintf(wanted, sizeof(wanted), "one core from 0 to %ld", n - 1);
	return wanted;
}

#define FIELD(member) .offset = offsetof(struct conf, member)

static const struct opt options[] = {
    {.name = "port",
     .type = OPT_CALL,
     .call = add_port,
     .metavar = "SPEC",
     .def = "memif:mirror,rsize=16384",
     .help = "where the copy of the traffic comes from; may be repeated"},
    {.name = "read",
     .letter = 'r',
     .type = OPT_STRING,
     FIELD(read),
     .metavar = "FILE",
     .help = "a capture file (pcap, pcapng; - is stdin) instead of a port"},
    {.name = "server-port",
     .type = OPT_CALL,
     .call = set_server_ports,
     .metavar = "LIST",
     .help = "payload to these ports is a request, the first payload back its response"},
    {.name = "label-offset",
     .type = OPT_COUNT,
     FIELD(label_offset),
     .metavar = "N",
     .def = "6",
     .min = 0,
     .max = RULE_MAX_OFFSET,
     .help = "else: this octet of each segment tells what it is"},
    {.name = "request-label",
     .type = OPT_CALL,
     .call = set_request,
     .metavar = "LIST",
     .def = "0,2",
     .help = "its values in requests"},
    {.name = "response-label",
     .type = OPT_CALL,
     .call = set_response,
     .metavar = "LIST",
     .def = "1,3",
     .help = "its values in responses"},
    {.name = "prio-offset",
     .type = OPT_COUNT,
     FIELD(prio_offset),
     .metavar = "N",
     .def = "5",
     .min = 0,
     .max = RULE_MAX_OFFSET,
     .help = "this octet of a request tells its priority"},
    {.name = "prio-label",
     .type = OPT_CALL,
     .call = set_prio,
     .metavar = "LIST",
     .def = "1",
     .help = "its values in requests of high priority"},
    {.name = "low-until",
     .type = OPT_ENUM,
     FIELD(low_until),
     .metavar = "WORD",
     .choices = "ack|response",
     .def = "ack",
     .help = "a low-priority message waits for its"},
    {.name = "verify-checksums",
     .type = OPT_BOOL,
     FIELD(verify_checksums),
     .help = "drop frames with a wrong checksum"},
    {.name = "cdf",
     .type = OPT_STRING,
     FIELD(cdf),
     .metavar = "FILE",
     .help = "write the distribution of the run (- is stdout, instead of records)"},
    {.name = "requests",
     .type = OPT_STRING,
     FIELD(requests),
     .metavar = "FILE",
     .help = "write a line for each request"},
    {.name = "total",
     .type = OPT_STRING,
     FIELD(total),
     .metavar = "FILE",
     .help = "write the record of the whole run"},
    {.name = "gnuplot",
     .type = OPT_BOOL,
     FIELD(gnuplot),
     .help = "draw: hcmon --gnuplot | gnuplot (short for --format gnuplot)"},
    {.name = "cores",
     .type = OPT_CALL,
     .call = set_core,
     .metavar = "LIST",
     .help = "the core to run on [any]"},
    {.name = "mem",
     .letter = 'm',
     .type = OPT_BYTES,
     FIELD(mem_bytes),
     .metavar = "SIZE",
     .def = "1G",
     .min = 1 << 20,
     .max = 1e15,
     .help = "for flows, taken as they come"},
    OPT_ROW_HUGE(struct conf, huge),
    OPT_ROW_POLL(struct conf, poll),
    OPT_ROW_SHARE(struct conf, share),
    OPT_ROW_INTERVAL(struct conf, interval_ns),
    OPT_ROW_DURATION(struct conf, duration_ns),
    OPT_ROW_FORMAT(struct conf, format, "|gnuplot"),
    OPT_ROW_QUIET(struct conf, quiet),
    OPT_ROW_VERBOSE(struct conf, verbose),
    {0},
};

const struct opt_spec conf_spec = {
    .usage = "hcmon [options]",
    .summary = "Measures every request's latency on the server side, from a copy of the traffic.",
    .opts = options,
    .footer = "Example: hcmon -r web.pcap --server-port 80 --cdf - | scripts/plot-cdf > cdf.png\n"
	      "Ports are described in qstackd(8).\n",
    .eal = true,
};

static void
check_source(const struct conf *c)
{
	if (!c->read)
		return;
	if (opt_given("port"))
		die_usage("--port and --read: one or the other");
	if (c->eal_argv)
		die_usage("--eal and --read: a file needs no EAL");
}

static bool
overlap(const struct rule_set *a, const struct rule_set *b)
{
	return (a->bits[0] & b->bits[0]) || (a->bits[1] & b->bits[1]) ||
	       (a->bits[2] & b->bits[2]) || (a->bits[3] & b->bits[3]);
}

/* Priorities belong to the labels; where requests are told by port, only on demand. */
static void
complete_rule(struct conf *c)
{
	struct rule *r = &c->rule;
	const bool prio = opt_given("prio-offset") || opt_given("prio-label");

	if (r->by_port && (opt_given("label-offset") || opt_given("request-label") ||
			   opt_given("response-label")))
		die_usage("--server-port and labels: requests are told by one or the other");
	if (!r->by_port && overlap(&r->request, &r->response))
		die_usage("--response-label: a value is also in --request-label");
	if (opt_given("low-until") && r->by_port && !prio)
		die_usage("--low-until: --server-port knows no priority without --prio-offset");
	r->label_offset = (uint16_t)c->label_offset;
	r->prio_offset = (uint16_t)c->prio_offset;
	r->has_prio = !r->by_port || prio;
	/* A message found by direction alone does get a response, unless told otherwise. */
	r->low_until_ack = c->low_until == 0 && (!r->by_port || opt_given("low-until"));
}

static bool
is_stdout(const char *file)
{
	return file && strcmp(file, "-") == 0;
}

static void
complete_outputs(struct conf *c)
{
	if (c->gnuplot && opt_given("format") && c->format != CONF_FORMAT_GNUPLOT)
		die_usage("--gnuplot and --format: one or the other");
	if (c->gnuplot)
		c->format = CONF_FORMAT_GNUPLOT;
	else if (!opt_given("format"))
		c->format = (int)record_default_format();
	if (is_stdout(c->requests) || is_stdout(c->total))
		die_usage("--%s: '-' is not a file: stdout is for records or --cdf",
			  is_stdout(c->requests) ? "requests" : "total");
	if (is_stdout(c->cdf) && c->format == CONF_FORMAT_GNUPLOT)
		die_usage("--cdf -: stdout is for gnuplot's commands");
}

void
conf_read(struct conf *c, int argc, char **argv)
{
	*c = (struct conf){0};
	opt_parse(&conf_spec, argc, argv, c, &c->eal_argc, &c->eal_argv);
	check_source(c);
	complete_rule(c);
	complete_outputs(c);
	if (c->verbose)
		log_set_level(LOG_DEBUG);
	else if (c->quiet)
		log_set_level(LOG_WARN);
}
