/* doorbell.h - PATH.wake, a socket beside each memif: wakes a sleeping end, agrees on queues. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_DOORBELL_H
#define DP_DOORBELL_H

#include <stdbool.h>
#include <stdint.h>

#include "dp/dp.h"

/* The client dials, says how many queues it wants, and passes a page of flags and one eventfd per
 * queue. The server answers with the number both can, and its own eventfds; or that it is busy with
 * another client. After that nothing is said: an end that is gone is an end of file.
 *
 * An end about to sleep raises its queue's flag in the page, and looks into the ring once more; the
 * other, having put frames there, lowers the flag if it is up, and writes to the eventfd. */
struct bell {
	int conn;	     /* -1: nobody */
	uint16_t queues;     /* asked for, then agreed */
	uint32_t slot_bytes; /* of the rings, which are the client's */
	struct bell_page *page;
	int my_event[DP_MAX_QUEUES];   /* that the other end writes to; for the port's life */
	int peer_event[DP_MAX_QUEUES]; /* -1: none */
};

enum bell_answer { BELL_GONE, BELL_WAIT, BELL_BUSY, BELL_AGREED };

int bell_init(struct bell *b);
void bell_fini(struct bell *b);

/* A listening socket at path, or -errno. */
int bell_listen(const char *path);
/* Whether somebody listens at path. */
bool bell_is_served(const char *path);

/* Client: 0, or -errno when nobody is there; then poll the answer. */
int bell_dial(struct bell *b, const char *path, uint16_t queues, uint32_t slot_bytes);
enum bell_answer bell_read_answer(struct bell *b);

/* Server: reads the hello on a connection. BELL_AGREED: it is b's now and has been answered.
 * Otherwise the connection has been closed, but for BELL_WAIT. */
enum bell_answer bell_admit(struct bell *b, int conn, uint16_t queues, bool free_now);

/* True when the other end has closed. */
bool bell_is_dead(const struct bell *b);
void bell_hang_up(struct bell *b);

/* The flag of queue q at our end (we raise it) and at theirs (we lower it and ring). */
uint32_t *bell_my_flag(const struct bell *b, bool server, unsigned q);
uint32_t *bell_peer_flag(const struct bell *b, bool server, unsigned q);

#endif
