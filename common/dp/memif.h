/* memif.h - a wire: one end of a memif, its doorbell, and the state of its coming and going. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_MEMIF_H
#define DP_MEMIF_H

#include <semaphore.h>
#include <sys/types.h>

#include "dp/doorbell.h"
#include "dp/internal.h"

enum memif_state {
	ABSENT,	 /* nobody there */
	DIALED,	 /* client: waits for the server's answer at the doorbell */
	STARTED, /* client: the driver has been started, waits for the link */
	LINKED,
};

enum memif_verdict { UNTRIED, NOBODY, TAKEN, AGREED };

struct memif {
	struct dp_port *port;
	bool server;
	uint16_t wanted;	/* queues */
	uint32_t slot_bytes;	/* of our rings, if we are the client */
	enum memif_state state; /* client */
	uint64_t since_ns;
	unsigned ups; /* how often the link came up */
	/* between the control thread and others: atomic */
	enum memif_verdict verdict; /* client: of the last attempt */
	bool closing;
	sem_t closed;
	pid_t pid;	      /* that opened it */
	int listener, caller; /* server: doorbell's socket, and who has not said hello yet */
	struct bell bell;
	char path[PORT_SOCKET_BYTES + 8], wake[PORT_SOCKET_BYTES + 16];
};

/* memif.c: hands the wire to the control thread, which brings it up and keeps it up. */
void memif_start(struct memif *w);

/* memif_path.c: the sockets' names, and the address that goes with them. */
int memif_find_paths(struct memif *w, char *err);
void memif_derive_mac(struct memif *w);

#endif
