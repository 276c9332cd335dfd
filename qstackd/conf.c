/* conf.c - qstackd's flags: the option table, and what follows from it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/conf.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/opt_rows.h"
#include "base/units.h"
#include "dp/dp.h"

enum { CONF_MIN_CONNECTIONS = 1024 };

/* How many of a small server's connections may be active when there is memory for it: as many as come in a second or so, because
 * those whose handshake a late server has not finished are active. */
enum { CONF_ACTIVE_WANTED = 65536, CONF_ACTIVE_PART = 16 };
static const uint64_t max_connections = UINT64_C(1) << 28;

static const char default_port[] = "memif:server,server";
static const char default_ip[] = "192.168.3.10/24";

static const char *
add_port(void *conf, const char *value)
{
	struct conf *c = conf;

	dp_port_need_spec("--port", value);
	if (c->n_ports == STACK_MAX_NETIFS)
		return "at most 8 ports";
	c->port[c->n_ports++] = (struct conf_port){.spec = value};
	return NULL;
}

/* --ip and --gateway before any --port are the default port's. */
static struct conf_port *
last_port(struct conf *c)
{
	if (c->n_ports == 0)
		c->port[c->n_ports++] = (struct conf_port){.spec = default_port};
	return &c->port[c->n_ports - 1];
}

static const char *
set_ip(void *conf, const char *value)
{
	struct opt_prefix *ip = &last_port(conf)->ip;

	if (units_parse_prefix(value, &ip->addr, &ip->len) || !addr_is_unicast(ip->addr) ||
	    ip->len < 8)
		return "a host address and its net, as 192.168.3.10/24";
	return NULL;
}

static const char *
set_gateway(void *conf, const char *value)
{
	uint32_t *gateway = &last_port(conf)->gateway;

	if (units_parse_ipv4(value, gateway) || !addr_is_unicast(*gateway))
		return "an IPv4 address";
	return NULL;
}

static void
add_listen(struct conf *c, const struct app_ops *app, uint16_t port, const char *words)
{
	if (c->n_listens == CONF_MAX_LISTENS)
		die_usage("--listen: at most %d listeners", CONF_MAX_LISTENS);
	for (unsigned i = 0; i < c->n_listens; i++)
		if (c->listen[i].port == port)
			die_usage("--listen: port %u is already %s's", port,
				  c->listen[i].app->name);
	c->listen[c->n_listens++] = (struct conf_listen){.app = app, .port = port, .words = words};
}

/* The last --app without a --listen of its own listens where it usually does. */
static void
finish_app(struct conf *c)
{
	if (c->last_app && !c->app_listens)
		add_listen(c, c->last_app, c->last_app->port, "");
}

static const char *
set_app(void *conf, const char *value)
{
	struct conf *c = conf;
	const struct app_ops *app = app_find(value);

	if (!app)
		return "iot, echo, http or sink";
	finish_app(c);
	c->last_app = app;
	c->app_listens = false;
	return NULL;
}

/* ",cc=newreno,shed-idle" for one listener. NULL, or what would have been right. */
static const char *
read_words(struct conf_listen *l, const char *words)
{
	char word[64];

	while (*words == ',') {
		size_t len = strcspn(++words, ",");
		const char *right = NULL;

		if (len >= sizeof(word))
			return "shorter words behind the port";
		memcpy(word, words, len);
		word[len] = '\0';
		words += len;
		if (!strcmp(word, "shed-idle"))
			l->shed_idle = true;
		else
			right = tcp_flags_word(&l->tcp, word);
		if (right)
			return right;
	}
	return NULL;
}

static const char *
set_listen(void *conf, const char *value)
{
	struct conf *c = conf;
	struct conf_listen trial = {.port = 0};
	size_t len = strcspn(value, ",");
	const char *right;
	uint64_t port;
	char number[16];

	snprintf(number, sizeof(number), "%.*s", (int)len, value);
	if (units_parse_count(number, &port) || port < 1 || port > UINT16_MAX)
		return "a TCP port from 1 to 65535";
	right = read_words(&trial, value + len);
	if (right)
		return right;
	if (!c->last_app)
		c->last_app = app_table[0];
	add_listen(c, c->last_app, (uint16_t)port, value + len);
	c->app_listens = true;
	return NULL;
}

#define FIELD(member) .offset = offsetof(struct conf, member)

static const struct opt options[] = {
    {.name = "port",
     .type = OPT_CALL,
     .call = add_port,
     .metavar = "SPEC",
     .help = "where frames come from; may be repeated [memif:server,server]"},
    {.name = "ip",
     .type = OPT_CALL,
     .call = set_ip,
     .metavar = "ADDR/LEN",
     .help = "address on the port before it [192.168.3.10/24]"},
    {.name = "gateway",
     .type = OPT_CALL,
     .call = set_gateway,
     .metavar = "ADDR",
     .help = "next hop of that port to other nets"},
    {.name = "app",
     .type = OPT_CALL,
     .call = set_app,
     .metavar = "NAME",
     .help = "iot, echo, http or sink; may be repeated [iot]"},
    {.name = "listen",
     .type = OPT_CALL,
     .call = set_listen,
     .metavar = "PORT[,WORDS]",
     .help = "TCP port of the app before it, as 80,cc=newreno [iot, http 80, echo 7, sink 9]"},
    {.name = "message-length",
     .type = OPT_COUNT,
     FIELD(message_length),
     .metavar = "N",
     .def = "0",
     .min = 0,
     .max = 65279,
     .help = "iot: octets of a message; 0: a segment is a message"},
    {.name = "http-size",
     .type = OPT_BYTES,
     FIELD(http_size),
     .metavar = "SIZE",
     .def = "64",
     .min = 0,
     .max = (1 << 29) - 1,
     .help = "http: body when the path is not a size (/1500, /64k, /100M)"},
    {.name = "connections",
     .letter = 'c',
     .type = OPT_COUNT,
     FIELD(connections),
     .metavar = "N",
     .min = CONF_MIN_CONNECTIONS,
     .max = 1 << 28,
     .help = "most connections to hold [as many as --mem holds]"},
    {.name = "delayed-ack",
     .type = OPT_TIME,
     FIELD(delack_ns),
     .metavar = "TIME",
     .def = "40ms",
     .min = 0,
     .max = 500e6,
     .help = "longest delay of an ACK (iot: none)"},
    {.name = "time-wait",
     .type = OPT_TIME,
     FIELD(time_wait_ns),
     .metavar = "TIME",
     .def = "60s",
     .min = 1e6,
     .max = 600e9,
     .help = "length of TIME-WAIT"},
    {.name = "request-time",
     .type = OPT_TIME,
     FIELD(request_ns),
     .metavar = "TIME",
     .def = "30s",
     .min = 0,
     .max = 86400e9,
     .help = "http: a request is complete in this, twice it at most; 0: never"},
    OPT_ROWS_TCP(struct conf, tcp, "request"),
    {.name = "shed-idle",
     .type = OPT_BOOL,
     FIELD(shed_idle),
     .help = "when all places are taken, end the longest idle connection"},
    {.name = "cores",
     .type = OPT_STRING,
     FIELD(cores),
     .metavar = "LIST",
     .help = "a worker on each of these cores [one worker, not pinned]"},
    {.name = "mem",
     .letter = 'm',
     .type = OPT_BYTES,
     FIELD(mem_bytes),
     .metavar = "SIZE",
     .min = 16 << 20,
     .max = 1e15,
     .help = "memory for connections [half of what is free]"},
    OPT_ROW_HUGE(struct conf, huge),
    OPT_ROW_POLL(struct conf, poll),
    OPT_ROW_SHARE(struct conf, share),
    OPT_ROW_INTERVAL(struct conf, interval_ns),
    OPT_ROW_DURATION(struct conf, duration_ns),
    OPT_ROW_FORMAT(struct conf, format, ""),
    OPT_ROW_QUIET(struct conf, quiet),
    OPT_ROW_VERBOSE(struct conf, verbose),
    {0},
};

const struct opt_spec conf_spec = {
    .usage = "qstackd [options]",
    .summary = "Serves TCP on a user-space stack: up to tens of millions of connections.",
    .opts = options,
    .footer = "Example: qstackd --port af_packet:veth1 --ip 10.1.0.2/24 --app http --app echo\n"
	      "Ports are described in qstackd(8).\n",
    .eal = true,
};

static void
complete_ports(struct conf *c)
{
	for (unsigned i = 0; i < c->n_ports; i++) {
		struct conf_port *p = &c->port[i];

		if (p->ip.addr)
			continue;
		if (i > 0)
			die_usage("--port %s: needs an --ip of its own after it", p->spec);
		units_parse_prefix(default_ip, &p->ip.addr, &p->ip.len);
	}
}

/* What is not said behind a listener's port is said for all. */
static void
complete_listens(struct conf *c)
{
	for (unsigned i = 0; i < c->n_listens; i++) {
		struct conf_listen *l = &c->listen[i];

		l->tcp = c->tcp;
		l->shed_idle = c->shed_idle;
		read_words(l, l->words);
	}
}

/* What so many connections can take at most, that many of them active at a time. */
static uint64_t
bytes_of(uint64_t connections, uint64_t active)
{
	struct stack_conf sc;

	stack_conf_default(&sc);
	sc.max_conns = (uint32_t)connections;
	sc.max_active = (uint32_t)active;
	return stack_bytes(&sc);
}

static uint64_t
bytes_of_connections(uint64_t n)
{
	return bytes_of(n, n / CONF_ACTIVE_PART);
}

/* The most connections, from least on, that --mem holds; least when not even those. */
static uint64_t
connections_in(uint64_t mem, uint64_t least)
{
	uint64_t low = least, high = max_connections;

	while (low < high) {
		uint64_t middle = (low + high + 1) / 2;

		if (bytes_of_connections(middle) <= mem)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void
complete_connections(struct conf *c)
{
	if (c->mem_bytes == 0)
		c->mem_bytes = mem_available() / 2;
	if (c->connections == 0)
		c->connections = connections_in(c->mem_bytes, CONF_MIN_CONNECTIONS);
	uint64_t need = bytes_of_connections(c->connections);

	if (need > c->mem_bytes && opt_given("mem"))
		die_usage(
		    "--connections: %llu need %llu MiB (%llu octets each), --mem allows %llu MiB",
		    (unsigned long long)c->connections, (unsigned long long)(need >> 20),
		    (unsigned long long)(need / c->connections),
		    (unsigned long long)(c->mem_bytes >> 20));
}

/* One in sixteen, which is in what the connections need, and more for what is left. */
static void
complete_active(struct conf *c)
{
	const uint64_t wanted =
	    c->connections < CONF_ACTIVE_WANTED ? c->connections : CONF_ACTIVE_WANTED;

	c->active = c->connections / CONF_ACTIVE_PART;
	while (c->active < wanted &&
	       bytes_of(c->connections, c->active + c->active / 4 + 1) <= c->mem_bytes)
		c->active += c->active / 4 + 1;
	if (c->active > c->connections)
		c->active = c->connections;
}

void
conf_read(struct conf *c, int argc, char **argv)
{
	*c = (struct conf){0};
	opt_parse(&conf_spec, argc, argv, c, &c->eal_argc, &c->eal_argv);
	last_port(c); /* there is always one */
	complete_ports(c);
	if (!c->last_app)
		c->last_app = app_table[0];
	finish_app(c);
	complete_listens(c);
	if (c->message_length > 0 && c->message_length < 7)
		die_usage("--message-length: '%llu': a message has 7 to 65279 octets, or 0 for a "
			  "segment each",
			  (unsigned long long)c->message_length);
	complete_connections(c);
	complete_active(c);
	if (!opt_given("format"))
		c->format = (int)record_default_format();
	if (c->verbose)
		log_set_level(LOG_DEBUG);
	else if (c->quiet)
		log_set_level(LOG_WARN);
}
