/* main.c - hcmon: opens what the flags ask for, watches, says what came of it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "hcmon/loop.h"

/* Bursts and the rings of a port. */
enum { FRAMES_PER_PORT = 8192 };

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
	dp_wake(0);
}

static void
catch_signals(void)
{
	struct sigaction end = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

static void
start_dp(const struct conf *c)
{
	char err[DP_ERRBUF];
	const struct dp_conf dc = {
	    .program = "hcmon",
	    .cores = c->cores,
	    .huge = opt_given("huge") ? c->huge : -1,
	    .frames = FRAMES_PER_PORT * c->n_ports,
	    .poll = c->poll,
	    .share = c->share,
	    .eal_argc = c->eal_argc,
	    .eal_argv = c->eal_argv,
	};

	if (dp_init(&dc, err))
		die("%s", err);
}

static void
open_ports(struct live *l, const struct conf *c)
{
	char err[DP_ERRBUF];

	for (unsigned i = 0; i < c->n_ports; i++) {
		const struct dp_port_conf pc = {
		    .spec = c->port[i], .promiscuous = true, .rx_only = true, .queues = 1};

		l->port[i] = dp_port_open(&pc, err);
		if (!l->port[i])
			die("%s", err);
		l->n_ports++;
		l->was_up[i] = dp_port_is_up(l->port[i]);
		for (uint16_t q = 0; q < dp_port_queues(l->port[i]); q++)
			dp_idle_add(0, l->port[i], q);
		log_info("watching %s%s", c->port[i],
			 l->was_up[i] ? "" : ", waiting for the other end");
	}
}

static int
watch_ports(struct monitor *m, const struct conf *c)
{
	struct live live = {.monitor = m, .stop = &stop};
	int status;

	start_dp(c);
	open_ports(&live, c);
	monitor_init(m, c);
	dp_run(loop_live, &live);
	status = monitor_finish(m);
	for (unsigned i = 0; i < live.n_ports; i++)
		dp_port_close(live.port[i]);
	dp_fini();
	return status;
}

int
main(int argc, char **argv)
{
	static struct monitor monitor;
	static struct conf conf;

	log_init(argv[0]);
	conf_read(&conf, argc, argv);
	catch_signals();
	return conf.read ? loop_file(&monitor, &conf, &stop) : watch_ports(&monitor, &conf);
}
