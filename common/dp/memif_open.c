/* memif_open.c - opening one end of a wire: role, sockets' names, the driver's device. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/memif.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { OPEN_TRIES_MS = 1500, DEFAULT_BSIZE = 2048, DEFAULT_RSIZE = 1024 };

static int
probe(struct memif *w, char *err)
{
	const struct port_spec *s = &w->port->spec;
	const uint8_t *mac = w->port->mac.addr_bytes;
	uint32_t rsize = s->rsize ? s->rsize : DEFAULT_RSIZE;
	char args[256];

	snprintf(args, sizeof(args),
		 "role=%s,id=0,socket-abstract=no,socket=%s,bsize=%u,rsize=%u,"
		 "mac=%02x:%02x:%02x:%02x:%02x:%02x",
		 w->server ? "server" : "client", w->path, w->slot_bytes,
		 (unsigned)__builtin_ctz(rsize), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return driver_probe_vdev(w->port, "net_memif", args, err);
}

/* Takes the sockets' names. What a killed server left behind answers no call; the directory's lock
 * keeps two new servers from sweeping away each other's. */
static int
take_names(struct memif *w, char *err)
{
	char dir[PATH_MAX];
	int lock, rc = -1;

	snprintf(dir, sizeof(dir), "%.*s/", (int)(strrchr(w->path, '/') - w->path), w->path);
	lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock >= 0)
		flock(lock, LOCK_EX);
	if (bell_is_served(w->wake) || bell_is_served(w->path)) {
		port_refuse(w->port, err,
			    "another program serves this wire; stop it or name another");
	} else {
		unlink(w->wake);
		unlink(w->path);
		w->listener = bell_listen(w->wake);
		if (w->listener >= 0)
			rc = probe(w, err);
		else
			port_refuse(w->port, err, "%s: %s", w->wake, strerror(-w->listener));
	}
	if (lock >= 0)
		close(lock);
	if (rc < 0 && w->listener >= 0)
		unlink(w->wake);
	return rc;
}

static int
open_ends(struct memif *w, char *err)
{
	int rc;

	if (!w->server)
		return probe(w, err);
	if (take_names(w, err) < 0)
		return -1;
	rc = port_start_driver(w->port, w->wanted);
	if (rc == 0)
		return 0;
	port_refuse(w->port, err, "does not start: %s", strerror(-rc));
	driver_remove(w->port);
	unlink(w->wake);
	return -1;
}

/* So that a tool which has just opened its port knows whether somebody is there. False: the wire
 * is taken. A client that was killed a moment ago may still hold it, so that is not believed at
 * once. */
static bool
await_first_try(struct memif *w)
{
	enum memif_verdict verdict = UNTRIED;

	for (unsigned ms = 0; ms < OPEN_TRIES_MS && !dp_port_is_up(w->port); ms++) {
		verdict = __atomic_load_n(&w->verdict, __ATOMIC_ACQUIRE);
		if (verdict == NOBODY)
			break;
		usleep(1000);
	}
	return dp_port_is_up(w->port) || verdict != TAKEN;
}

static int
shape(struct memif *w, const struct dp_port_conf *conf)
{
	struct dp_port *port = w->port;
	const uint32_t header = RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;

	w->server = port->spec.role == PORT_ROLE_DEFAULT ? conf->server
							 : port->spec.role == PORT_ROLE_SERVER;
	w->wanted = port->spec.queues ? port->spec.queues : RTE_MAX(conf->queues, 1);
	w->wanted = RTE_MIN(w->wanted, DP_MAX_QUEUES);
	w->listener = w->caller = -1;
	port->queues = w->wanted;
	port->max_bytes = frames_room();
	port->mtu = RTE_ETHER_MTU;
	w->slot_bytes = port->spec.bsize ? port->spec.bsize : DEFAULT_BSIZE;
	if (w->slot_bytes > DEFAULT_BSIZE)
		port->mtu = (uint16_t)(RTE_MIN(w->slot_bytes, frames_room()) - header);
	return bell_init(&w->bell);
}

static void
free_wire(struct memif *w)
{
	if (w->listener >= 0)
		close(w->listener);
	bell_fini(&w->bell);
	sem_destroy(&w->closed);
	free(w);
}

int
memif_open(struct dp_port *port, const struct dp_port_conf *conf, char *err)
{
	struct memif *w = calloc(1, sizeof(*w));

	if (!w || sem_init(&w->closed, 0, 0) < 0) {
		free(w);
		return port_refuse(port, err, "no memory");
	}
	w->port = port;
	port->memif = w;
	if (shape(w, conf) < 0) {
		port_refuse(w->port, err, "no file descriptors: 'ulimit -n'");
		goto fail;
	}
	if (memif_find_paths(w, err) < 0)
		goto fail;
	memif_derive_mac(w);
	if (open_ends(w, err) < 0)
		goto fail;
	memif_start(w);
	if (w->server || await_first_try(w))
		return 0;
	port_refuse(w->port, err, "the wire is taken by another client; name another wire");
	memif_close(port);
	return -1;
fail:
	free_wire(w);
	return -1;
}
