/* stack_pair.h - a server and a client in memory, and what a test wants to know of their connections. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_STACK_PAIR_H
#define TEST_STACK_PAIR_H

#include "unit.h"

#include <errno.h>

#include "stack_kit.h"
#include "wire/build.h"
#include "wire/pkt.h"

enum { PORT_ECHO = 7, PORT_MUTE = 9, SERVER = 0x0a000001, CLIENT = 0x0a000101 };

/* What the client's side of a test has seen. */
struct seen {
	unsigned connected, failed, eof, closed, sent, writable, why;
	uint32_t octets;
	uint8_t data[4096];
	uint64_t app;
	uint64_t connected_at;
};

struct pair {
	struct kit_host *server, *client;
	struct seen seen;
	unsigned accepted, ended; /* at the server */
	unsigned syns;
	bool unchecked; /* too many connections to look at all of them after each turn */
	uint64_t now;
};

static inline void
on_server_event(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct pair *p = h->arg;

	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
		p->accepted++;
		assert_int_equal(ev->app, 0);
		*stack_app(h->s, ev->conn) = 1000 + ev->listener;
		break;
	case STACK_DATA:
		assert_int_equal(ev->app, 1000 + ev->listener);
		if (ev->listener == 1)
			assert_int_equal(stack_send(h->s, ev->conn, ev->data, ev->len), ev->len);
		break;
	case STACK_EOF:
		stack_close(h->s, ev->conn, now);
		break;
	case STACK_CLOSED:
		p->ended++;
		break;
	default:
		break;
	}
}

static inline void
on_client_event(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct pair *p = h->arg;
	struct seen *s = &p->seen;

	assert_int_equal(ev->listener, 0);
	s->app = ev->app;
	switch ((enum stack_event_type)ev->type) {
	case STACK_CONNECTED:
		s->connected++;
		s->connected_at = now;
		break;
	case STACK_DATA:
		if (s->octets + ev->len <= sizeof(s->data))
			memcpy(s->data + s->octets, ev->data, ev->len);
		s->octets += ev->len;
		break;
	case STACK_EOF:
		s->eof++;
		break;
	case STACK_WRITABLE:
		s->writable++;
		break;
	case STACK_SENT:
		s->sent++;
		break;
	case STACK_FAILED:
		assert_int_equal(stack_tcb(h->s, ev->conn)->flow.laddr, CLIENT);
		assert_int_equal(*stack_app(h->s, ev->conn), ev->app);
		s->failed++;
		s->why = ev->why;
		break;
	case STACK_CLOSED:
		assert_int_equal(stack_tcb(h->s, ev->conn)->flow.laddr, CLIENT);
		assert_int_equal(*stack_app(h->s, ev->conn), ev->app);
		s->closed++;
		s->why = ev->why;
		break;
	default:
		break;
	}
}

static inline void
count_syn(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct pair *p = h->arg;
	struct pkt k;

	(void)now;
	assert_int_equal(pkt_parse(&k, f->data, f->len, 0), PKT_OK);
	p->syns += k.kind == PKT_TCP && k.tcp.flags == TCP_SYN;
}

static inline void
start(struct pair *p, const struct stack_conf *c)
{
	struct stack_listener echo = {.port = PORT_ECHO}, mute = {.port = PORT_MUTE};

	memset(p, 0, sizeof(*p));
	p->now = KIT_SECOND;
	p->server = kit_host(c, 1, SERVER, 1);
	p->client = kit_host(c, 2, CLIENT, 10);
	kit_join(p->server, p->client);
	p->server->arg = p->client->arg = p;
	p->server->on_event = on_server_event;
	p->client->on_event = on_client_event;
	p->client->on_tx = count_syn;
	assert_int_equal(stack_listen(p->server->s, &echo), 1);
	assert_int_equal(stack_listen(p->server->s, &mute), 2);
}

static inline void
start_default(struct pair *p)
{
	struct stack_conf c;

	kit_conf(&c);
	c.now = KIT_SECOND;
	start(p, &c);
}

static inline void
run(struct pair *p, uint64_t ns)
{
	uint64_t until = p->now + ns;

	kit_run(p->client, p->server, p->now, until, !p->unchecked, NULL);
	p->now = until;
}

static inline void
stop(struct pair *p)
{
	kit_free(p->server);
	kit_free(p->client);
}

static inline struct stack_open
open_to(uint16_t lport, uint16_t port)
{
	return (struct stack_open){
	    .flow = {.laddr = CLIENT, .raddr = SERVER, .lport = lport, .rport = port},
	    .app = 77,
	};
}

static inline uint32_t
open_conn(struct pair *p, uint16_t lport, uint16_t port)
{
	struct stack_open o = open_to(lport, port);
	uint32_t id;

	assert_int_equal(stack_connect(p->client->s, &o, p->now, &id), 0);
	return id;
}

/* Nothing of a connection may be left once TIME-WAIT is over. */
static inline void
assert_empty(const struct kit_host *h)
{
	struct stack_stats st;

	stack_check(h->s);
	stack_stats(h->s, &st);
	assert_int_equal(st.conns, 0);
	assert_int_equal(st.established, 0);
	assert_int_equal(st.half_open, 0);
	assert_int_equal(st.time_wait, 0);
	assert_int_equal(st.active, 0);
}

static inline void
on_keeper_event(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct pair *p = h->arg;

	(void)now;
	if (ev->type == STACK_DATA)
		stack_keep(h->s, ev, ev->len - 1);
	p->accepted += ev->type == STACK_ACCEPTED;
	p->ended += ev->type == STACK_CLOSED;
	p->seen.eof += ev->type == STACK_EOF;
	p->seen.app = ev->conn;
}

#endif
