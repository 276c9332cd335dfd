/* sock.h - the numbers by which a script names sockets. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_SOCK_H
#define PACKET_SOCK_H

#include "tests/packet/world.h"

struct sock *sock_new(struct world *w, enum sock_kind kind, int fd);
/* NULL (and w->why) when there is none with this number. */
struct sock *sock_find(struct world *w, int64_t fd);
/* The connection that the stack knows by this handle; NULL: its user has ended it. */
struct sock *sock_by_conn(struct world *w, uint32_t conn);

/* Octets kept by the stack, up to max, are read and checked; text: what they must be. */
uint32_t sock_take(struct world *w, struct sock *k, uint32_t max, const char *text);

#endif
