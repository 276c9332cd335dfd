/* main.c - qstackd: opens what the flags ask for, runs the workers, says what came of it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "dp/dp.h"
#include "qstackd/conf.h"
#include "qstackd/worker.h"

/* Buffers for each worker: bursts of all ports, the stack's stock, and full transmit rings. */
enum { FRAMES_PER_WORKER = 8192, FRAMES_PER_PORT = 4096 };

static struct server server;

static void
on_signal(int sig)
{
	(void)sig;
	atomic_store(&server.stop, true);
	for (unsigned i = 0; i < server.n_workers; i++)
		dp_wake(i);
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
	    .program = "qstackd",
	    .cores = c->cores,
	    .huge = opt_given("huge") ? c->huge : -1,
	    .frames = FRAMES_PER_WORKER + FRAMES_PER_PORT * c->n_ports,
	    .poll = c->poll,
	    .share = c->share,
	    .eal_argc = c->eal_argc,
	    .eal_argv = c->eal_argv,
	};

	if (dp_init(&dc, err))
		die("%s", err);
}

static void
open_ports(const struct conf *c)
{
	char err[DP_ERRBUF], ip[32];

	for (unsigned i = 0; i < c->n_ports; i++) {
		const struct dp_port_conf pc = {
		    .spec = c->port[i].spec,
		    .queues = (uint16_t)server.n_workers,
		    .server = true,
		};

		server.port[i] = dp_port_open(&pc, err);
		if (!server.port[i])
			die("%s", err);
		server.n_ports++;
		server.port_was_up[i] = dp_port_is_up(server.port[i]);
		log_info("%s/%u on %s%s", units_print_ipv4(ip, sizeof(ip), c->port[i].ip.addr),
			 c->port[i].ip.len, c->port[i].spec,
			 server.port_was_up[i] ? "" : ", waiting for the other end");
	}
}

static void
start_workers(const struct conf *c)
{
	char mem[32];

	server.worker = calloc(server.n_workers, sizeof(*server.worker));
	if (!server.worker)
		die("no memory for %u workers", server.n_workers);
	for (unsigned i = 0; i < server.n_workers; i++) {
		int error = worker_init(&server.worker[i], &server, i);

		if (error)
			die("worker %u: %s (fewer --connections?)", i, strerror(-error));
	}
	for (unsigned i = 0; i < c->n_listens; i++)
		log_info("%s on TCP port %u", c->listen[i].app->name, c->listen[i].port);
	log_info("room for %llu connections (%s)", (unsigned long long)c->connections,
		 units_print_bytes(mem, sizeof(mem), (double)c->mem_bytes));
}

/* Buffers that the stack still has go back before the ports close. */
static void
release_worker(struct worker *w)
{
	struct frame f[DP_BURST];
	unsigned n;

	while ((n = stack_take_frames(w->stack, f, DP_BURST)) > 0)
		dp_frames_put(f, n);
	worker_release(w);
}

static int
finish(void)
{
	struct snapshot sum;

	server_snapshot(&server, &sum);
	report_write(&server.report, &sum, dp_now_ns(), dp_cpu_ns());
	int error = report_close(&server.report, &sum, dp_now_ns());

	for (unsigned i = 0; i < server.n_workers; i++)
		release_worker(&server.worker[i]);
	for (unsigned i = 0; i < server.n_ports; i++)
		dp_port_close(server.port[i]);
	dp_fini();
	free(server.worker);
	return error ? EXIT_ENVIRONMENT : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static struct conf conf;

	log_init(argv[0]);
	conf_read(&conf, argc, argv);
	server.conf = &conf;
	start_dp(&conf);
	server.n_workers = dp_n_workers();
	open_ports(&conf);
	start_workers(&conf);
	catch_signals();
	server.start_ns = dp_now_ns();
	report_open(&server.report, (enum record_format)conf.format, server.start_ns, dp_cpu_ns());
	dp_run(worker_loop, &server);
	return finish();
}
