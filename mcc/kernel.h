/* kernel.h - one thread's connections as non-blocking sockets under epoll. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_KERNEL_H
#define MCC_KERNEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "mcc/client.h"
#include "mcc/conf.h"
#include "mcc/exchange.h"

enum sock_state { SOCK_NONE, SOCK_OPENING, SOCK_OPEN };

/* A connection. While a message has left in part, the rest is made again from its epoch and class. */
struct sock {
	uint64_t word; /* the client's */
	int fd;
	uint32_t out_epoch, out_at; /* octets of it that have left; 0: nothing waits */
	uint8_t state;		    /* enum sock_state */
	bool out_request;
};

struct kernel {
	const struct conf *conf;
	struct client client;
	struct exchange *exchange;
	struct carrier_stats stats;
	struct sockaddr_in dest;
	struct sock *socks; /* connection n is at n / threads */
	uint8_t *buffer;
	int epoll;
	unsigned thread;
	uint64_t thought; /* answers that were worked on, --think-time */
};

/* kernel_sock.c: what happens on one socket */
void sock_open(struct kernel *k, uint32_t number);
void sock_send(struct kernel *k, const struct schedule_message *m);
void sock_event(struct kernel *k, uint32_t number, uint32_t events);
void sock_close(struct kernel *k, uint32_t number);
uint64_t kernel_now_ns(void);

#endif
