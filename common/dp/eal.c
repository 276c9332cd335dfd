/* eal.c - starts and ends EAL, without a word on the terminal. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_lcore.h>

enum { MIN_FRAMES = 1024 /* rings of the drivers, caches, a burst of each worker */ };

static bool started;

/* EAL's threads inherit a mask without signals: they are for the tool's own thread. EAL makes an
 * empty directory per process under RUNTIME_DIRECTORY and leaves it there, even without shared
 * configuration; it goes on when it cannot. */
static int
start_quietly(struct eal_args *a)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");
	char *saved = dir ? strdup(dir) : NULL;
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	setenv("RUNTIME_DIRECTORY", "/dev/null", 1);
	rc = rte_eal_init(a->n, a->v);
	if (saved)
		setenv("RUNTIME_DIRECTORY", saved, 1);
	else
		unsetenv("RUNTIME_DIRECTORY");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(saved);
	return rc;
}

/* Fewer cores than two pollers, or a kernel that may put another on ours: be polite. */
static bool
must_share(const struct dp_conf *conf)
{
	return conf->share || !conf->cores || sysconf(_SC_NPROCESSORS_ONLN) <= 2;
}

int
dp_init(const struct dp_conf *conf, char *err)
{
	uint32_t frames = RTE_MAX(conf->frames, (uint32_t)MIN_FRAMES);
	static struct eal_args a; /* EAL keeps it */
	int workers, rc;

	eal_log_capture();
	eal_log_mark();
	clock_start();
	workers = eal_args_build(&a, conf, frames, err);
	if (workers < 0)
		return -1;
	if (start_quietly(&a) < 0) {
		snprintf(err, DP_ERRBUF, "DPDK does not start: %s",
			 eal_log_reason("it gives no reason"));
		return -1;
	}
	started = true;
	rc = frames_init(frames, conf->frame_bytes, rte_lcore_count());
	if (rc < 0) {
		snprintf(err, DP_ERRBUF, "no memory for %u packet buffers: %s", frames,
			 strerror(-rc));
		return -1;
	}
	if (idle_init(rte_lcore_count(), conf->poll, must_share(conf)) < 0) {
		snprintf(err, DP_ERRBUF, "no file descriptors for %u workers: %s",
			 rte_lcore_count(), strerror(errno));
		return -1;
	}
	clock_calibrate();
	return 0;
}

/* Without rte_eal_cleanup(): it unmaps EAL's memory under the feet of EAL's own interrupt thread,
 * and has nothing else to do for a process that shares nothing and ends. */
void
dp_fini(void)
{
	if (!started)
		return;
	started = false;
	for (unsigned i = 0; i < DP_MAX_PORTS; i++)
		if (dp_ports[i])
			dp_port_close(dp_ports[i]);
	idle_fini();
}
