/* conf.h - mcc's flags, checked, and what follows from them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_CONF_H
#define MCC_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/opt.h"
#include "host/tcp_flags.h"
#include "mcc/client.h"
#include "mcc/tuples.h"

/* mtcp is what MCC called its own stack. */
enum conf_stack { STACK_DPDK, STACK_MTCP, STACK_KERNEL };

struct conf {
	/* load */
	uint64_t conns, burst, length;
	uint64_t epoch_ns, setup_ns, wait_ns, duration_ns, think_ns;
	double ratio;
	uint64_t priority_level, seed;
	int app; /* enum app_kind */
	/* addresses */
	uint32_t dest, gateway;
	struct opt_prefix ip;
	uint64_t dest_port, ips;
	/* carrier */
	int stack;	  /* enum conf_stack */
	const char *port; /* NULL: the shaper's wire, or the server's */
	uint64_t smp;
	const char *cores;
	int huge; /* -1: when there are some */
	bool huge_flag, poll, share;
	int eal_argc;
	char **eal_argv;
	struct tcp_flags tcp;
	uint64_t mem_bytes; /* 0: what is free */
	/* reports */
	uint64_t interval_ns, log_duration_ns;
	int format;
	bool check, quiet, verbose;
	/* derived */
	bool bind_sources; /* kernel: addresses were asked for */
	unsigned threads;  /* of load */
	struct tuples tuples;
	char host[32]; /* dest, with its port where it is not 80 */
};

/* Ends the program where something is wrong. */
void conf_parse(struct conf *c, int argc, char **argv);
/* The table, for --help and the tests. */
const struct opt_spec *conf_spec(void);
/* What will be done, for --check. */
void conf_print(const struct conf *c, FILE *out);
/* For one of so many threads. */
void conf_client(const struct conf *c, unsigned thread, unsigned threads,
		 struct client_conf *client);

#endif
