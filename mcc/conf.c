/* conf.c - the option table, and the rules between flags. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/conf.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/opt_rows.h"
#include "base/record.h"
#include "base/units.h"
#include "dp/dp.h"
#include "inet/addr.h"

#define NS_PER_S UINT64_C(1000000000)

enum { SETUP_PER_S = 50000 /* connections, when -s is not given */ };
enum { BYTES_PER_CONN = 96 };
enum { KEEP_CLASS = 0 /* of --priority-level */ };

static const char *
call_port(void *conf, const char *value)
{
	dp_port_need_spec("--port", value);
	((struct conf *)conf)->port = value;
	return NULL;
}

/* MCC's unit is the nanosecond. */
static const char *
call_think(void *conf, const char *value)
{
	uint64_t ns;

	if (units_parse_time(value, 1, &ns) || ns > NS_PER_S)
		return "a time from 0 to 1s (a bare number is in ns)";
	((struct conf *)conf)->think_ns = ns;
	return NULL;
}

#define FIELD(name) offsetof(struct conf, name)

static const struct opt opts[] = {
    {"conn", 'c', OPT_COUNT, FIELD(conns), "N", "1", 1, INT32_MAX, .help = "connections"},
    {"burst", 'b', OPT_COUNT, FIELD(burst), "N", NULL, 1, INT32_MAX,
     .help = "messages sent together [conn / epoch]"},
    {"epoch", 'e', OPT_TIME, FIELD(epoch_ns), NULL, "60", 1e3, 1e15,
     .help = "each connection sends once in this time"},
    {"setup-time", 's', OPT_TIME, FIELD(setup_ns), NULL, NULL, 0, 1e15,
     .help = "to open connections evenly in [50k/s, 1s or more]"},
    {"wait-time", 'w', OPT_TIME, FIELD(wait_ns), NULL, "1", 0, 1e15,
     .help = "between set-up and the first burst"},
    {"duration", 'd', OPT_TIME, FIELD(duration_ns), NULL, NULL, 1e6, 1e18,
     .help = "of the run, set-up included [until SIGINT]"},
    {"length", 'l', OPT_BYTES, FIELD(length), "N", "16", APP_LENGTH_MIN, APP_LENGTH_MAX,
     .help = "octets of a message"},
    {"request-ratio", 'r', OPT_RATIO, FIELD(ratio), "R", "1.0", 0, 1,
     .help = "requests among messages; others are heartbeats"},
    {"priority-level", 'p', OPT_COUNT, FIELD(priority_level), "0-2", "1", 0, 2,
     .help = "draw requests: 0 once for all; 1, 2 each burst"},
    {"think-time", 't', OPT_CALL, 0, "TIME", NULL, .call = call_think,
     .help = "work on each answer (bare number: ns) [0]"},
    {"app", 0, OPT_ENUM, FIELD(app), NULL, "iot", .choices = APP_NAMES, .help = "to speak"},
    {"seed", 0, OPT_COUNT, FIELD(seed), NULL, "1", .help = "of the draws"},
    {"dest", 0, OPT_IPV4, FIELD(dest), NULL, "192.168.3.10", .help = "server"},
    {"dest-port", 0, OPT_COUNT, FIELD(dest_port), "PORT", "80", 1, 65535, .help = "and its port"},
    {"ip", 0, OPT_PREFIX, FIELD(ip), "IP/LEN", "192.168.3.11/24",
     .help = "first source address and net"},
    {"ips", 0, OPT_COUNT, FIELD(ips), "N", "230", 1, 1 << 24, .help = "source addresses"},
    {"gateway", 0, OPT_IPV4, FIELD(gateway), "IP", NULL, .help = "on the way to other networks"},
    {"network-stack", 0, OPT_ENUM, FIELD(stack), NULL, "dpdk", .choices = "dpdk|mtcp|kernel",
     .help = "whose TCP (mtcp is dpdk)"},
    {"port", 0, OPT_CALL, 0, "SPEC", NULL, .call = call_port,
     .help = "wire [memif:client with lshaper, else memif:server]"},
    {"smp", 0, OPT_COUNT, FIELD(smp), "N", "1", 1, 4096,
     .help = "threads: 1 of control, N-1 of load; at most cores"},
    {"log-duration", 0, OPT_TIME, FIELD(log_duration_ns), NULL, "10", 1e6, 1e18,
     .help = "between summaries on stderr"},
    {"check", 0, OPT_BOOL, FIELD(check), .help = "say what would be done, and end"},
    OPT_ROWS_TCP(struct conf, tcp, "off"),
    {"mem", 'm', OPT_BYTES, FIELD(mem_bytes), "SIZE", NULL, 16 << 20, 1e15,
     .help = "memory for connections [what is free]"},
    {"cores", 0, OPT_STRING, FIELD(cores), "LIST", NULL, .help = "to run on [any]"},
    OPT_ROW_HUGE(struct conf, huge_flag),
    OPT_ROW_POLL(struct conf, poll),
    OPT_ROW_SHARE(struct conf, share),
    OPT_ROW_INTERVAL(struct conf, interval_ns),
    OPT_ROW_FORMAT(struct conf, format, ""),
    {"quiet", 'q', OPT_BOOL, FIELD(quiet), .help = "errors and the final summary only"},
    OPT_ROW_VERBOSE(struct conf, verbose),
    {0},
};

static const struct opt_spec spec = {
    .usage = "mcc [options]",
    .summary = "Holds millions of TCP connections to a server and loads them in bursts.",
    .opts = opts,
    .footer = "  mcc -c 100000 --dest 192.168.3.10\n"
	      "  mcc -c 2000 -e 1 --network-stack kernel --app http --dest 127.0.0.1 -d 5\n",
    .eal = true,
};

const struct opt_spec *
conf_spec(void)
{
	return &spec;
}

/* Integer arithmetic, rounded up: c/e connections a second. */
static uint64_t
default_burst(const struct conf *c)
{
	return (uint64_t)(((unsigned __int128)c->conns * NS_PER_S + c->epoch_ns - 1) / c->epoch_ns);
}

static void
fill_load(struct conf *c)
{
	if (!opt_given("burst"))
		c->burst = default_burst(c);
	if (c->burst > c->conns)
		c->burst = c->conns;
	if (!opt_given("setup-time")) {
		c->setup_ns = c->conns * (NS_PER_S / SETUP_PER_S);
		if (c->setup_ns < NS_PER_S)
			c->setup_ns = NS_PER_S;
	}
	if (!opt_given("format"))
		c->format = (int)record_default_format();
}

static void
refuse(const char *flag, const char *with)
{
	if (opt_given(flag))
		die_usage("--%s has no meaning with %s", flag, with);
}

static void
check_http(const struct conf *c)
{
	if (c->app != APP_HTTP)
		return;
	refuse("length", "--app http: a message is a GET");
	if (c->ratio < 1)
		die_usage("--request-ratio: '%g' is not 1: with --app http every message is a "
			  "request",
			  c->ratio);
}

static void
check_network(const struct conf *c)
{
	const uint32_t mask = c->ip.len ? UINT32_MAX << (32 - c->ip.len) : 0;
	char dest[32], ip[32];

	units_print_ipv4(dest, sizeof(dest), c->dest);
	units_print_ipv4(ip, sizeof(ip), c->ip.addr);
	if (c->ip.len < 8)
		die_usage("--ip: '%s/%u' is not an address with a network of /8 to /32", ip,
			  c->ip.len);
	if (c->stack == STACK_KERNEL) {
		if (c->dest == 0 || c->dest >= UINT32_C(0xe0000000))
			die_usage("--dest: '%s' is not the address of a host", dest);
		return;
	}
	if (!addr_is_unicast(c->dest))
		die_usage("--dest: '%s' is not the address of a host on a wire%s", dest,
			  c->dest >> 24 == 127 ? "; use --network-stack kernel" : "");
	if (!addr_is_unicast(c->ip.addr))
		die_usage("--ip: '%s' is not the address of a host", ip);
	if (((c->dest ^ c->ip.addr) & mask) && !c->gateway)
		die_usage("--dest: %s is not in the network of --ip %s/%u: --gateway is needed",
			  dest, ip, c->ip.len);
	if (c->gateway && ((c->gateway ^ c->ip.addr) & mask))
		die_usage("--gateway: it is not in the network of --ip %s/%u", ip, c->ip.len);
}

static void
check_kernel(const struct conf *c)
{
	static const char *const foreign[] = {
	    "port", "gateway",	  "cores",     "huge",	       "share", "cc", "ecn",
	    "sack", "timestamps", "keepalive", "user-timeout", "idle",	"mem"};

	if (c->stack != STACK_KERNEL)
		return;
	for (unsigned i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		refuse(foreign[i], "--network-stack kernel");
	if (c->eal_argc)
		die_usage("--eal has no meaning with --network-stack kernel");
}

/* The kernel picks ports; it is asked again, and with its own arithmetic, in kernel.c. */
static void
check_tuples(struct conf *c)
{
	const struct tuples_conf t = {.base = c->ip.addr,
				      .prefix_len = c->ip.len,
				      .ips = c->ips,
				      .conns = c->conns,
				      .dest = c->dest,
				      .gateway = c->gateway};
	char err[TUPLES_ERRBUF];

	c->bind_sources = opt_given("ip") || opt_given("ips");
	if (c->stack == STACK_KERNEL && !c->bind_sources)
		return;
	if (tuples_init(&c->tuples, &t, err))
		die_usage("%s", err);
}

/* For the built-in stack; the kernel's sockets take memory of the kernel. */
static void
check_memory(const struct conf *c)
{
	const double need = (double)c->conns * BYTES_PER_CONN;
	const double has = (double)(c->mem_bytes ? c->mem_bytes : mem_available());
	char a[32], b[32];

	if (c->stack == STACK_KERNEL || need <= has)
		return;
	die_usage("%" PRIu64 " connections of %d bytes need %s; %s %s: fewer (--conn)", c->conns,
		  BYTES_PER_CONN, units_print_bytes(a, sizeof(a), need),
		  units_print_bytes(b, sizeof(b), has),
		  c->mem_bytes ? "are allowed by --mem" : "of memory are free");
}

/* MCC's --smp counts one thread of control. */
static void
count_threads(struct conf *c)
{
	const long online = sysconf(_SC_NPROCESSORS_ONLN);
	const uint64_t cores = online > 0 ? (uint64_t)online : 1;
	const uint64_t wanted = c->smp > 1 ? c->smp - 1 : 1;

	c->threads = (unsigned)(wanted < cores ? wanted : cores);
	if (c->threads > c->conns)
		c->threads = (unsigned)c->conns;
	if (wanted > cores)
		log_info("--smp %" PRIu64 " wants %" PRIu64 " threads of load; here are %" PRIu64
			 " cores, so %u",
			 c->smp, wanted, cores, c->threads);
}

static void
print_host(struct conf *c)
{
	char addr[20];

	units_print_ipv4(addr, sizeof(addr), c->dest);
	if (c->dest_port == 80)
		snprintf(c->host, sizeof(c->host), "%s", addr);
	else
		snprintf(c->host, sizeof(c->host), "%s:%" PRIu64, addr, c->dest_port);
}

void
conf_parse(struct conf *c, int argc, char **argv)
{
	memset(c, 0, sizeof(*c));
	opt_parse(&spec, argc, argv, c, &c->eal_argc, &c->eal_argv);
	log_set_level(c->verbose ? LOG_DEBUG : c->quiet ? LOG_ERROR : LOG_INFO);
	c->huge = opt_given("huge") ? c->huge_flag : -1;
	fill_load(c);
	check_http(c);
	check_kernel(c);
	check_network(c);
	check_tuples(c);
	check_memory(c);
	count_threads(c);
	print_host(c);
}

void
conf_client(const struct conf *c, unsigned thread, unsigned threads, struct client_conf *client)
{
	*client = (struct client_conf){
	    .app = (enum app_kind)c->app,
	    .length = (uint32_t)c->length,
	    .host = c->host,
	    .schedule = {.conns = (uint32_t)c->conns,
			 .burst = (uint32_t)c->burst,
			 .epoch_ns = c->epoch_ns,
			 .setup_ns = c->setup_ns,
			 .wait_ns = c->wait_ns,
			 .request_ppb = (uint32_t)lround(c->ratio * PICKS_ONE),
			 .keep_class = c->priority_level == KEEP_CLASS,
			 .seed = c->seed,
			 .shard = thread,
			 .shards = threads},
	    .duration_ns = c->duration_ns,
	    .acks_are_seen = c->stack != STACK_KERNEL,
	    .reserve = mem_reserve,
	};
}

static void
print_addresses(const struct conf *c, FILE *out)
{
	char first[32], last[32];

	fprintf(out, "connections  %" PRIu64 " to %s", c->conns, c->host);
	if (c->stack == STACK_KERNEL && !c->bind_sources) {
		fprintf(out, "\n");
		return;
	}
	units_print_ipv4(first, sizeof(first), c->ip.addr);
	units_print_ipv4(last, sizeof(last), c->ip.addr + (uint32_t)c->ips - 1);
	fprintf(out, " from %s to %s", first, last);
	if (c->stack != STACK_KERNEL)
		fprintf(out, ", ports %d to %u", TUPLES_FIRST_PORT,
			tuples_port(&c->tuples, (uint32_t)c->conns - 1));
	fprintf(out, "\n");
}

static void
print_load(const struct conf *c, FILE *out)
{
	static const char *const apps[] = {"iot", "echo", "http"};
	char epoch[32], setup[32], wait[32], every[32];
	const uint64_t blocks = (c->conns - 1) / c->burst + 1;

	units_print_time(setup, sizeof(setup), c->setup_ns);
	units_print_time(wait, sizeof(wait), c->wait_ns);
	units_print_time(epoch, sizeof(epoch), c->epoch_ns);
	units_print_time(every, sizeof(every), c->epoch_ns / blocks);
	fprintf(out, "set-up       in %s, one each %g us; then %s of quiet\n", setup,
		(double)c->setup_ns / 1e3 / (double)c->conns, wait);
	fprintf(out,
		"load         %" PRIu64 " bursts of %" PRIu64 " in each epoch of %s: one each %s\n",
		blocks, c->burst, epoch, every);
	fprintf(out, "messages     %s, ", apps[c->app]);
	if (c->app == APP_HTTP)
		fprintf(out, "GET\n");
	else
		fprintf(out, "%" PRIu64 " octets, %g%% requests\n", c->length, c->ratio * 100);
}

void
conf_print(const struct conf *c, FILE *out)
{
	const char *wire = c->port ? c->port : "memif:client, or memif:server";
	char duration[32] = "until SIGINT";

	if (c->duration_ns)
		units_print_time(duration, sizeof(duration), c->duration_ns);
	print_addresses(c, out);
	print_load(c, out);
	fprintf(out, "duration     %s\n", duration);
	fprintf(out, "carried by   %s, %u thread%s of load\n",
		c->stack == STACK_KERNEL ? "the kernel's sockets" : wire, c->threads,
		c->threads == 1 ? "" : "s");
}
