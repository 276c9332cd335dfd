/* main.c - lshaper, a WAN between two ports: open, run, sum up. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/units.h"
#include "dp/dp.h"
#include "lshaper/conf.h"
#include "lshaper/loop.h"

enum {
	FRAMES = 8192, /* rings and bursts of three ports; none is held while a frame is delayed */
	ETHER_BYTES = 18, /* with a VLAN tag */
	SPIN_NS = 100000, /* a sleep ends late by some tens of us */
};

static struct shaper shaper; /* has histograms: too large for the stack */

static void
on_signal(int sig)
{
	(void)sig;
	loop_stop();
}

static void
catch_signals(void)
{
	struct sigaction stop = {.sa_handler = on_signal};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
start_dp(const struct conf *c)
{
	char err[DP_ERRBUF];
	const struct dp_conf conf = {
	    .program = "lshaper",
	    .cores = c->cores,
	    .huge = c->huge,
	    .frames = FRAMES,
	    .poll = c->poll,
	    .share = c->share,
	    .eal_argc = c->eal_argc,
	    .eal_argv = c->eal_argv,
	};

	if (dp_init(&conf, err))
		die("%s", err);
}

/* How many queues a memif has is for its peer to say, each time it comes; of a NIC one will do. */
static uint16_t
most_queues(const char *spec)
{
	return strncmp(spec, "memif:", 6) ? 1 : DP_MAX_QUEUES;
}

static struct dp_port *
open_port(const char *spec, bool server)
{
	char err[DP_ERRBUF];
	const struct dp_port_conf conf = {
	    .spec = spec, .promiscuous = true, .queues = most_queues(spec), .server = server};
	struct dp_port *port = dp_port_open(&conf, err);

	if (!port)
		die("%s", err);
	return port;
}

/* Who is at the other end is known of the default wires only. */
static void
watch_ports(struct shaper *s)
{
	static const char other[] = "the other end";

	s->watched[0] = (struct watched_port){s->path[AB].in, "port A",
					      opt_given("port") ? other : "mcc", UNKNOWN};
	s->watched[1] = (struct watched_port){s->path[BA].in, "port B",
					      opt_given("port") ? other : "qstackd", UNKNOWN};
	s->watched[2] = (struct watched_port){s->mirror.port, "mirror",
					      opt_given("mirror") ? other : "hcmon", UNKNOWN};
}

static void
open_ports(struct shaper *s, const struct conf *c)
{
	struct dp_port *a = open_port(c->port[AB], true), *b = open_port(c->port[BA], false);

	for (int d = 0; d < DIRECTIONS; d++) {
		struct path *w = &s->path[d];

		w->in = d == AB ? a : b;
		w->out = d == AB ? b : a;
		w->mirror_in = c->mirror && d == BA;
		w->mirror_out = c->mirror && d == AB;
		for (uint16_t q = 0; q < most_queues(c->port[d]); q++)
			dp_idle_add(0, w->in, q);
	}
	if (c->mirror)
		s->mirror.port = open_port(c->mirror, true);
	s->mirror.block = c->mirror_full == MIRROR_BLOCK;
	watch_ports(s);
}

static void
open_pipes(struct shaper *s, const struct conf *c)
{
	char hold[32];

	if (DIRECTIONS * c->hold_bytes > mem_available())
		log_warn("--hold %s for each direction is more than the memory that is free",
			 units_print_bytes(hold, sizeof(hold), (double)c->hold_bytes));
	for (int d = 0; d < DIRECTIONS; d++) {
		const struct pipe_conf conf = {
		    .impair = c->impair[d],
		    .seed = c->seed,
		    .direction = (unsigned)d,
		    .hold_bytes = c->hold_bytes,
		    .n_queues = DP_MAX_QUEUES,
		    .max_bytes = dp_port_mtu(s->path[d].out) + ETHER_BYTES,
		};

		if (pipe_init(&s->path[d].pipe, &conf))
			die("cannot reserve %s of address space: give a smaller --hold",
			    units_print_bytes(hold, sizeof(hold), (double)c->hold_bytes));
	}
}

static void
close_all(struct shaper *s)
{
	for (int i = 0; i < WATCHED && s->watched[i].port; i++)
		dp_port_close(s->watched[i].port);
	for (int d = 0; d < DIRECTIONS; d++)
		pipe_fini(&s->path[d].pipe);
	dp_fini();
}

int
main(int argc, char **argv)
{
	struct conf conf;

	log_init(argv[0]);
	conf_parse(&conf, argc, argv);
	start_dp(&conf);
	open_ports(&shaper, &conf);
	open_pipes(&shaper, &conf);
	catch_signals();
	shaper.spin_ns = conf.share ? 0 : SPIN_NS;
	shaper.drain_ns = UINT64_MAX;
	shaper.end_ns = conf.duration_ns ? dp_now_ns() + conf.duration_ns : UINT64_MAX;
	report_open(&shaper.report, &conf, dp_now_ns());
	dp_run(loop_run, &shaper);
	if (!conf.quiet)
		report_summary(&shaper.report, &shaper);
	close_all(&shaper);
	return report_close(&shaper.report);
}
