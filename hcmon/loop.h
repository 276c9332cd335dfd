/* loop.h - the two sources of frames: live ports, and a capture file. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_LOOP_H
#define HCMON_LOOP_H

#include <signal.h>

#include "dp/dp.h"
#include "hcmon/monitor.h"

struct live {
	struct monitor *monitor;
	struct dp_port *port[CONF_MAX_PORTS];
	bool was_up[CONF_MAX_PORTS];
	unsigned n_ports;
	const volatile sig_atomic_t *stop;
};

/* A dp_run() function; arg is a struct live. Until *stop, --duration, or the end of every port. */
void loop_live(unsigned worker, void *arg);

/* Reads conf->read from beginning to end, and reports. Exit status: 0; 1 when the file is damaged (what came before is reported); 2 when it is no capture file. */
int loop_file(struct monitor *m, const struct conf *conf, const volatile sig_atomic_t *stop);

#endif
