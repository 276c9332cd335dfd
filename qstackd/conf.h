/* conf.h - qstackd's flags. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef QSTACKD_CONF_H
#define QSTACKD_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"
#include "base/record.h"
#include "host/stack.h"
#include "host/tcp_flags.h"
#include "qstackd/app.h"

enum { CONF_MAX_LISTENS = 32 };

struct conf_port {
	const char *spec;
	struct opt_prefix ip; /* addr 0: none given */
	uint32_t gateway;     /* 0: none */
};

struct conf_listen {
	const struct app_ops *app;
	uint16_t port;
	const char *words; /* behind the port, each with its comma */
	struct tcp_flags tcp;
	bool shed_idle;
};

struct conf {
	struct conf_port port[STACK_MAX_NETIFS];
	unsigned n_ports;
	struct conf_listen listen[CONF_MAX_LISTENS];
	unsigned n_listens;
	const struct app_ops *last_app; /* of --app; the next --listen is for it */
	bool app_listens;		/* it has one */

	uint64_t connections; /* 0: as many as mem holds */
	uint64_t active;      /* of them, at a time */
	uint64_t mem_bytes;   /* 0: half of what is free */
	uint64_t message_length;
	uint64_t http_size;
	uint64_t delack_ns;
	uint64_t time_wait_ns;
	uint64_t request_ns; /* 0: a request may take for ever */
	struct tcp_flags tcp;
	bool shed_idle;

	const char *cores;
	uint64_t interval_ns, duration_ns;
	int format;
	bool huge, poll, share, quiet, verbose;
	int eal_argc;
	char **eal_argv;
};

extern const struct opt_spec conf_spec;

/* Reads and completes the flags; ends the program when one is wrong. */
void conf_read(struct conf *c, int argc, char **argv);

#endif
