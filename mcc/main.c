/* main.c - mcc, a load of millions of clients: parse, carry, report. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "mcc/carrier.h"

static void
on_signal(int sig)
{
	(void)sig;
	carrier_stop();
}

/* The first signal ends the load in order, the second the program. */
static void
catch_signals(void)
{
	const struct sigaction stop = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	static struct report report;
	bool ran;
	int status = EXIT_SUCCESS;

	log_init(argv[0]);
	conf_parse(&conf, argc, argv);
	if (conf.check) {
		conf_print(&conf, stdout);
		return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_SUCCESS;
	}
	catch_signals();
	if (report_init(&report, &conf))
		die("no memory for the histograms");
	ran = conf.stack == STACK_KERNEL ? kernel_run(&conf, &report) : native_run(&conf, &report);
	if (ran)
		status = report_finish(&report, carrier_is_stopped());
	report_fini(&report);
	return status;
}
