/* test_stack_conn.c - connections between two stacks: opened, closed, refused, limited. */
/* SPDX-License-Identifier: BSD-3-Clause */
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

static void
on_server_event(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct pair *p = h->arg;

	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
		p->accepted++;
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

static void
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
		s->failed++;
		s->why = ev->why;
		break;
	case STACK_CLOSED:
		s->closed++;
		s->why = ev->why;
		break;
	default:
		break;
	}
}

static void
count_syn(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct pair *p = h->arg;
	struct pkt k;

	(void)now;
	assert_int_equal(pkt_parse(&k, f->data, f->len, 0), PKT_OK);
	p->syns += k.kind == PKT_TCP && k.tcp.flags == TCP_SYN;
}

static void
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

static void
start_default(struct pair *p)
{
	struct stack_conf c;

	kit_conf(&c);
	c.now = KIT_SECOND;
	start(p, &c);
}

static void
run(struct pair *p, uint64_t ns)
{
	uint64_t until = p->now + ns;

	kit_run(p->client, p->server, p->now, until, !p->unchecked, NULL);
	p->now = until;
}

static void
stop(struct pair *p)
{
	kit_free(p->server);
	kit_free(p->client);
}

static struct stack_open
open_to(uint16_t lport, uint16_t port)
{
	return (struct stack_open){
	    .flow = {.laddr = CLIENT, .raddr = SERVER, .lport = lport, .rport = port},
	    .app = 77,
	};
}

static uint32_t
open_conn(struct pair *p, uint16_t lport, uint16_t port)
{
	struct stack_open o = open_to(lport, port);
	uint32_t id;

	assert_int_equal(stack_connect(p->client->s, &o, p->now, &id), 0);
	return id;
}

/* Nothing of a connection may be left once TIME-WAIT is over. */
static void
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

static void
test_echo(void **state)
{
	struct pair p;
	uint32_t id;
	struct stack_stats st;

	(void)state;
	start_default(&p);
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.connected, 1);
	assert_int_equal(p.seen.app, 77);
	assert_int_equal(p.accepted, 1);
	/* Neither ARP nor anything else has cost a retransmission's time. */
	assert_true(p.seen.connected_at < KIT_SECOND + KIT_MS);
	assert_int_equal(p.syns, 1);
	assert_int_equal(stack_send(p.client->s, id, "hello, world", 12), 12);
	run(&p, 100 * KIT_MS);
	assert_int_equal(p.seen.octets, 12);
	assert_memory_equal(p.seen.data, "hello, world", 12);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.established, 1);
	assert_int_equal(stack_next_conn(p.client->s, 0), id);
	assert_int_equal(stack_next_conn(p.client->s, id + 1), UINT32_MAX);
	stack_close(p.client->s, id, p.now);
	run(&p, 100 * KIT_MS);
	assert_int_equal(p.seen.eof, 1);
	assert_int_equal(p.seen.closed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_NONE);
	assert_int_equal(p.ended, 1);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.time_wait, 1);
	assert_int_equal(st.tcp.segs_retransmitted, 0);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.client);
	assert_empty(p.server);
	stop(&p);
}

/* --- opening that fails --- */

static void
test_refused(void **state)
{
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_default(&p);
	open_conn(&p, 5000, 4242);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.failed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_RESET);
	assert_int_equal(p.seen.closed, 0);
	stack_stats(p.server->s, &st);
	assert_int_equal(st.drop_no_listener, 1);
	assert_empty(p.client);
	assert_empty(p.server);
	stop(&p);
}

/* Nobody has the address: ARP gives up, TCP times out. */
static void
test_nobody_there(void **state)
{
	struct stack_open o = open_to(5000, PORT_ECHO);
	struct stack_conf c;
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.now = KIT_SECOND;
	c.tcp.syn_retries = 2;
	start(&p, &c);
	o.flow.raddr = SERVER + 5;
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), 0);
	run(&p, 20 * KIT_SECOND);
	assert_int_equal(p.seen.failed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_TIMEOUT);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.drop_no_neighbour, 3);
	assert_int_equal(st.tcp_out, 0);
	assert_in_range(st.arp_out, 10 + 3, 10 + 12); /* 10 addresses announced */
	assert_empty(p.client);
	stop(&p);
}

/* A neighbour that answers late costs the time that it takes to answer, and not a SYN's
 * time-out. */
static void
test_late_neighbour(void **state)
{
	struct pair p;

	(void)state;
	start_default(&p);
	p.client->wire.delay_ns = p.server->wire.delay_ns = 100 * KIT_MS;
	for (uint16_t i = 0; i < 100; i++)
		open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);
	run(&p, 405 * KIT_MS);
	assert_int_equal(p.seen.connected, 100);
	assert_int_equal(p.syns, 100);
	stop(&p);
}

static void
test_connect_errors(void **state)
{
	struct stack_open o = open_to(5000, PORT_ECHO);
	struct stack_conf c;
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.max_conns = 3;
	start(&p, &c);
	o.flow.laddr = SERVER;
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), -ENETUNREACH);
	o = open_to(5000, PORT_ECHO);
	o.flow.raddr = 0x08080808; /* no gateway */
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), -ENETUNREACH);
	for (uint16_t i = 0; i < 3; i++)
		open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);
	o = open_to(5001, PORT_ECHO);
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), -EADDRINUSE);
	o = open_to(5003, PORT_ECHO);
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), -ENOBUFS);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.drop_max_conns, 1);
	stop(&p);
}

/* The user's own end before the peer has answered is no failure. */
static void
test_close_while_opening(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	id = open_conn(&p, 5000, PORT_ECHO);
	stack_close(p.client->s, id, p.now);
	run(&p, KIT_MS);
	assert_int_equal(p.seen.closed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_NONE);
	id = open_conn(&p, 5001, PORT_ECHO);
	stack_abort(p.client->s, id, p.now);
	run(&p, KIT_MS);
	assert_int_equal(p.seen.closed, 2);
	assert_int_equal(p.seen.why, STACK_WHY_ABORT);
	assert_int_equal(p.seen.connected + p.seen.failed, 0);
	assert_empty(p.client);
	stop(&p);
}

/* Both call each other with the same tuple. */
static void
test_simultaneous_open(void **state)
{
	struct stack_open o = open_to(5000, 6000), back;
	struct pair p;
	uint32_t a, b;

	(void)state;
	start_default(&p);
	p.client->wire.delay_ns = p.server->wire.delay_ns = KIT_MS;
	open_conn(&p, 1, PORT_MUTE); /* so that both know where the other is */
	run(&p, 10 * KIT_MS);
	back = o;
	back.flow = (struct flow){.laddr = SERVER, .raddr = CLIENT, .lport = 6000, .rport = 5000};
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &a), 0);
	assert_int_equal(stack_connect(p.server->s, &back, p.now, &b), 0);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.connected, 2);
	assert_int_equal(stack_tcb(p.client->s, a)->state, TCP_ESTABLISHED);
	assert_int_equal(stack_tcb(p.server->s, b)->state, TCP_ESTABLISHED);
	stop(&p);
}

/* --- ending --- */

static void
test_abort(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	stack_send(p.client->s, id, "lost", 4);
	stack_abort(p.client->s, id, p.now);
	assert_int_equal(stack_send(p.client->s, id, "x", 1), 0);
	assert_int_equal(stack_send_room(p.client->s, id), 0);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.closed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_ABORT);
	assert_int_equal(p.ended, 1);
	assert_empty(p.client);
	assert_empty(p.server);
	stop(&p);
}

/* More aborts at once than there are frames for RSTs and places for events: all are told, and all
 * RSTs leave. */
static void
test_abort_many(void **state)
{
	struct stack_conf c;
	struct pair p;

	(void)state;
	kit_conf(&c);
	c.max_conns = 10000;
	c.max_active = c.max_half_open = 8000;
	start(&p, &c);
	p.unchecked = true;
	for (uint16_t i = 0; i < 6000; i++)
		open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);
	run(&p, 2 * KIT_MS);
	assert_int_equal(p.seen.connected, 6000);
	for (uint32_t id = 0; (id = stack_next_conn(p.client->s, id)) != UINT32_MAX; id++)
		stack_abort(p.client->s, id, p.now);
	run(&p, 2 * KIT_MS);
	assert_int_equal(p.seen.closed, 6000);
	assert_int_equal(p.ended, 6000);
	assert_empty(p.client);
	assert_empty(p.server);
	stop(&p);
}

/* The server never closes: FIN-WAIT-2 ends by itself. */
static void
test_fin_wait_2(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	p.server->on_event = NULL;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	stack_close(p.client->s, id, p.now);
	run(&p, 59 * KIT_SECOND);
	assert_int_equal(stack_tcb(p.client->s, id)->state, TCP_FIN_WAIT_2);
	assert_int_equal(p.seen.closed, 0);
	run(&p, 2 * KIT_SECOND);
	assert_int_equal(p.seen.closed, 1);
	assert_empty(p.client);
	stop(&p);
}

static void
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

/* EOF, and then the end, wait until what was kept has been read. */
static void
test_eof_after_data(void **state)
{
	const uint8_t *data;
	struct pair p;
	uint32_t id, conn;

	(void)state;
	start_default(&p);
	p.server->on_event = on_keeper_event;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	conn = (uint32_t)p.seen.app;
	stack_close(p.server->s, conn,
		    p.now); /* so that the client's FIN leads to TIME-WAIT here */
	run(&p, 10 * KIT_MS);
	stack_send(p.client->s, id, "abcdef", 6);
	stack_close(p.client->s, id, p.now);
	p.seen.eof = 0;
	run(&p, 10 * KIT_MS);
	assert_int_equal(stack_tcb(p.server->s, conn)->state, TCP_TIME_WAIT);
	assert_int_equal(p.seen.eof, 0);
	assert_int_equal(p.ended, 0);
	assert_int_equal(stack_read(p.server->s, conn, &data), 5);
	assert_memory_equal(data, "bcdef", 5);
	stack_read_done(p.server->s, conn, 2);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.eof, 0);
	assert_int_equal(stack_read(p.server->s, conn, &data), 3);
	stack_read_done(p.server->s, conn, 3);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.eof, 1);
	assert_int_equal(p.ended, 1);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.server);
	assert_empty(p.client);
	stop(&p);
}

/* Users who close, abort or go on without ever reading what they kept. */
static void
test_never_read(void **state)
{
	struct pair p;
	uint32_t id[4], conn[4];

	(void)state;
	start_default(&p);
	p.server->on_event = on_keeper_event;
	for (unsigned i = 0; i < 4; i++) {
		id[i] = open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
		run(&p, KIT_MS);
		conn[i] = (uint32_t)p.seen.app;
		stack_send(p.client->s, id[i], "abcdef", 6);
	}
	run(&p, 10 * KIT_MS);
	stack_close(p.server->s, conn[0], p.now);
	stack_abort(p.server->s, conn[1], p.now);
	stack_close(p.client->s, id[0], p.now);
	stack_abort(p.client->s, id[2], p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.ended, 2); /* 1 by our abort, 2 by the peer's */
	run(&p, 61 * KIT_SECOND);
	assert_int_equal(p.ended, 3); /* 0 at the end of TIME-WAIT */
	stack_abort(p.client->s, id[3], p.now);
	run(&p, KIT_MS);
	assert_int_equal(p.ended, 4);
	assert_empty(p.server);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.client);
	stop(&p);
}

/* The user ends the connection while he is told of its octets. */
static void
on_rude_event(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct pair *p = h->arg;

	p->accepted += ev->type == STACK_ACCEPTED;
	p->ended += ev->type == STACK_CLOSED;
	if (ev->type == STACK_DATA) {
		stack_abort(h->s, ev->conn, now);
		stack_keep(h->s, ev, ev->len);
		assert_int_equal(stack_send(h->s, ev->conn, "x", 1), 0);
		stack_close(h->s, ev->conn, now);
		stack_abort(h->s, ev->conn, now);
	}
	assert_int_not_equal(ev->type, STACK_EOF);
}

static void
test_abort_in_handler(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	p.server->on_event = on_rude_event;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	for (unsigned i = 0; i < 3; i++)
		stack_send(p.client->s, id, p.seen.data, 1448);
	stack_close(p.client->s, id, p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.ended, 1);
	assert_int_equal(p.seen.why, STACK_WHY_RESET);
	assert_empty(p.server);
	assert_empty(p.client);
	stop(&p);
}

/* --- TIME-WAIT --- */

/* The server closes first, so that TIME-WAIT is his; the client comes again from the same port. */
static void
test_time_wait_reuse(void **state)
{
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	for (unsigned round = 1; round <= 5; round++) {
		id = open_conn(&p, 5000, PORT_ECHO);
		run(&p, 10 * KIT_MS);
		assert_int_equal(p.seen.connected, round);
		stack_close(p.server->s, stack_next_conn(p.server->s, 0), p.now);
		run(&p, 10 * KIT_MS);
		stack_close(p.client->s, id, p.now);
		run(&p, 10 * KIT_MS);
		assert_int_equal(p.ended, round);
		assert_int_equal(p.seen.closed, round);
		stack_stats(p.server->s, &st);
		assert_int_equal(st.time_wait, 1);
		assert_int_equal(st.conns, 1);
	}
	assert_int_equal(p.syns, 5);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.server);
	assert_empty(p.client);
	stop(&p);
}

/* A new connection is worth more than the memory of an old one. */
static void
test_time_wait_cut(void **state)
{
	struct stack_stats st;
	struct stack_conf c;
	struct pair p;

	(void)state;
	kit_conf(&c);
	c.max_conns = 8;
	start(&p, &c);
	for (uint16_t i = 0; i < 20; i++) {
		uint32_t id = open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);

		run(&p, 10 * KIT_MS);
		stack_close(p.client->s, id, p.now);
		run(&p, 10 * KIT_MS);
	}
	assert_int_equal(p.seen.closed, 20);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.conns, 8);
	assert_int_equal(st.time_wait_cut, 12);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.client);
	stop(&p);
}

/* --- limits --- */

static void
inject_syn(struct pair *p, uint32_t from, uint16_t sport)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .src = from,
	    .dst = SERVER,
	    .ttl = 64,
	};
	struct tcp_seg seg = {.seq = sport, .flags = TCP_SYN, .wnd = 1000};
	uint8_t frame[128];
	size_t len;

	memcpy(ip.eth_src, mac, 6);
	len = build_tcp(frame, sizeof(frame), &ip, sport, PORT_ECHO, &seg, NULL);
	kit_send(p->server, frame, (uint32_t)len, 0, p->now);
}

/* A flood of SYNs from nowhere: the table of half-open connections stays within its limit, and a
 * client that is there gets in. Those that never answer are gone in the end, and nobody was told of
 * them. */
static void
test_half_open(void **state)
{
	struct stack_stats st;
	struct stack_conf c;
	struct pair p;

	(void)state;
	kit_conf(&c);
	c.max_half_open = 50;
	c.tcp.synack_retries = 2;
	start(&p, &c);
	for (uint16_t i = 0; i < 500; i++)
		inject_syn(&p, SERVER + 100, (uint16_t)(1000 + i));
	open_conn(&p, 5000, PORT_ECHO);
	run(&p, 100 * KIT_MS);
	assert_int_equal(p.seen.connected, 1);
	stack_stats(p.server->s, &st);
	assert_in_range(st.half_open, 1, 50 * 2 + 1024);
	if (c.group_bits == 0)
		assert_int_equal(st.half_open + st.drop_half_open, 500);
	run(&p, 20 * KIT_SECOND);
	stack_stats(p.server->s, &st);
	assert_int_equal(st.half_open, 0);
	assert_int_equal(st.conns, 1);
	assert_int_equal(p.accepted, 1);
	assert_int_equal(p.ended, 0);
	stop(&p);
}

/* --- smaller things --- */

static uint64_t last_ack_at;

static void
note_ack(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct pkt k;

	(void)h;
	assert_int_equal(pkt_parse(&k, f->data, f->len, 0), PKT_OK);
	if (k.kind == PKT_TCP)
		last_ack_at = now;
}

/* An octet that has no answer is acknowledged after the delay, and not much later; with quickack at
 * once. */
static void
test_delayed_ack(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	p.server->on_tx = note_ack;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 100 * KIT_MS);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t at = p.now;

		stack_send(p.client->s, id, "x", 1);
		run(&p, 100 * KIT_MS);
		assert_in_range(last_ack_at, at + 39 * KIT_MS, at + 43 * KIT_MS);
	}
	stop(&p);
}

static void
test_notify_sent(void **state)
{
	struct stack_open o = open_to(5000, PORT_MUTE);
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	o.notify_sent = true;
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), 0);
	run(&p, 10 * KIT_MS);
	stack_send(p.client->s, id, "x", 1);
	run(&p, 20 * KIT_MS);
	assert_int_equal(p.seen.sent, 0);
	run(&p, 30 * KIT_MS);
	assert_int_equal(p.seen.sent, 1);
	stop(&p);
}

/* No active block is left: who wants to send is told when there is one again. */
static void
test_starved(void **state)
{
	struct stack_conf c;
	struct pair p;
	uint32_t id[8], taken = 0;

	(void)state;
	kit_conf(&c);
	c.max_active = 8; /* two of them in reserve */
	start(&p, &c);
	for (unsigned i = 0; i < 8; i++) {
		id[i] = open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
		run(&p, KIT_MS);
	}
	run(&p, 100 * KIT_MS);
	p.client->on_event = NULL;
	for (unsigned i = 0; i < 8; i++)
		taken += stack_send(p.client->s, id[i], "x", 1);
	if (c.group_bits == 0)
		assert_int_equal(taken, 6);
	p.client->on_event = on_client_event;
	run(&p, 5 * KIT_MS);
	assert_int_equal(p.seen.writable, 0);
	run(&p, KIT_SECOND); /* the ACKs come, blocks are given back */
	assert_int_equal(p.seen.writable, 8 - taken);
	stop(&p);
}

static void *
refuse(size_t bytes)
{
	(void)bytes;
	return NULL;
}

/* Every active block is bound: nothing new is opened, an idle connection can only be aborted, and
 * octets still find the one that was held back for them. When users read, all goes on. */
static void
test_no_active(void **state)
{
	struct stack_open o = open_to(6000, PORT_MUTE);
	struct stack_conf c;
	struct stack_stats st;
	const uint8_t *data;
	struct pair p;
	uint32_t id[6], conn[6], late;

	(void)state;
	if (kit_group_bits > 0)
		return; /* the blocks would be in other groups */
	kit_conf(&c);
	c.max_active = 4; /* one of them in reserve */
	start(&p, &c);
	p.server->on_event = on_keeper_event;
	for (unsigned i = 0; i < 6; i++) {
		id[i] = open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
		run(&p, KIT_MS);
		conn[i] = (uint32_t)p.seen.app;
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(stack_send(p.client->s, id[i], "ab", 2), 2);
		run(&p, 100 * KIT_MS);
	}
	/* Four keep an octet; the fifth's were lost, and are sent again and again. */
	stack_stats(p.server->s, &st);
	assert_true(st.drop_no_memory > 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(stack_read(p.server->s, conn[i], &data), i < 4);
	o.flow = (struct flow){.laddr = SERVER, .raddr = CLIENT, .lport = 6000, .rport = 6000};
	assert_int_equal(stack_connect(p.server->s, &o, p.now, &late), -ENOBUFS);
	assert_int_equal(
	    stack_connect(
		p.client->s,
		&(struct stack_open){
		    .flow = {.laddr = CLIENT, .raddr = SERVER, .lport = 5100, .rport = PORT_MUTE}},
		p.now, &late),
	    0);
	run(&p, 10 * KIT_MS);
	assert_int_equal(stack_tcb(p.client->s, late)->state, TCP_SYN_SENT);
	stack_close(p.server->s, conn[5], p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.why, STACK_WHY_RESET);
	for (unsigned i = 0; i < 4; i++)
		stack_read_done(p.server->s, conn[i], 1);
	run(&p, 5 * KIT_SECOND);
	assert_int_equal(stack_read(p.server->s, conn[4], &data), 1);
	assert_int_equal(data[0], 'b');
	assert_int_equal(stack_tcb(p.client->s, late)->state, TCP_ESTABLISHED);
	stop(&p);
}

/* A gap is filled and the connection reset in one burst: what is in order is told, what was held
 * goes with it. */
static void
test_reset_behind_gap(void **state)
{
	struct stack_open o = open_to(5000, PORT_MUTE);
	struct kit_frame gap;
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	o.nodelay = true;
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), 0);
	run(&p, 100 * KIT_MS);
	for (unsigned i = 0; i < 3; i++)
		stack_send(p.client->s, id, p.seen.data, 1448);
	kit_turn(p.client, p.now);
	assert_int_equal(p.server->n_flight, 3);
	gap = p.server->flight[0];
	p.server->n_flight = 2;
	memmove(p.server->flight, p.server->flight + 1, 2 * sizeof(gap));
	kit_turn(p.server, p.now);
	stack_check(p.server->s);
	stack_abort(p.client->s, id, p.now);
	p.client->n_in = 0;
	kit_turn(p.client, p.now);
	assert_int_equal(p.server->n_flight, 1);
	kit_send(p.server, gap.data, gap.len, 0, p.now - 1);
	free(gap.data);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.ended, 1);
	stack_stats(p.server->s, &st);
	assert_int_equal(st.tcp.octets_in, 3 * 1448);
	assert_empty(p.server);
	stop(&p);
}

/* Octets that still come put the end of FIN-WAIT-2 off. */
static void
test_fin_wait_2_goes_on(void **state)
{
	struct pair p;
	uint32_t id, conn;

	(void)state;
	start_default(&p);
	p.server->on_event = on_keeper_event;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	conn = (uint32_t)p.seen.app;
	stack_close(p.client->s, id, p.now);
	run(&p, 30 * KIT_SECOND);
	assert_int_equal(stack_send(p.server->s, conn, "more", 4), 4);
	run(&p, 50 * KIT_SECOND);
	assert_int_equal(p.seen.octets, 4);
	assert_int_equal(stack_tcb(p.client->s, id)->state, TCP_FIN_WAIT_2);
	run(&p, 15 * KIT_SECOND);
	assert_int_equal(p.seen.closed, 1);
	assert_empty(p.client);
	stop(&p);
}

/* Where the line of delayed ACKs is full, one is sent at once. */
static void
test_delayed_acks_full(void **state)
{
	struct stack_conf c;
	struct pair p;
	uint32_t id, conn;

	(void)state;
	if (kit_group_bits > 0)
		return; /* no group is that small */
	kit_conf(&c);
	c.max_conns = 1;
	start(&p, &c);
	p.server->on_event = on_keeper_event;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 100 * KIT_MS);
	conn = (uint32_t)p.seen.app;
	p.server->on_tx = note_ack;
	/* One octet each: nothing is kept, so that there is no active block. */
	stack_send(p.client->s, id, "1", 1);
	run(&p, 5 * KIT_MS);
	stack_send(p.server->s, conn, "2", 1); /* with the ACK */
	run(&p, 5 * KIT_MS);
	assert_true(p.now - last_ack_at < 6 * KIT_MS);
	stack_send(p.client->s, id, "3", 1); /* ACKs the server's octet, too */
	run(&p, KIT_MS);
	assert_true(p.now - last_ack_at <= KIT_MS);
	stop(&p);
}

static void
test_no_memory_at_all(void **state)
{
	struct stack_conf c;

	(void)state;
	kit_conf(&c);
	c.reserve = refuse;
	errno = 0;
	assert_null(stack_new(&c));
	assert_int_equal(errno, ENOMEM);
}

static void
test_listeners(void **state)
{
	struct stack_listener l = {.port = PORT_ECHO, .quickack = true, .nodelay = true};
	struct stack_conf c;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.max_listeners = 5;
	start(&p, &c);
	assert_int_equal(stack_listen(p.server->s, &l), -EADDRINUSE);
	l.addr = SERVER;
	l.notify_sent = true;
	assert_int_equal(stack_listen(p.server->s, &l), 3); /* more exact than row 1 */
	l.port = PORT_ECHO + 256 * 3;
	assert_int_equal(stack_listen(p.server->s, &l), 4);
	l.port = 0;
	assert_int_equal(stack_listen(p.server->s, &l), -EINVAL);
	l.port = 80;
	assert_int_equal(stack_listen(p.server->s, &l), 5);
	l.port = 81;
	assert_int_equal(stack_listen(p.server->s, &l), -ENOSPC);
	open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	id = stack_next_conn(p.server->s, 0);
	assert_int_equal(*stack_app(p.server->s, id), 1003);
	assert_int_equal(stack_tcb(p.server->s, id)->flags & (TCB_QUICKACK | TCB_NODELAY),
			 TCB_QUICKACK | TCB_NODELAY);
	assert_true(id < stack_conn_limit(p.server->s));
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_echo),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_late_neighbour),
	    cmocka_unit_test(test_connect_errors),
	    cmocka_unit_test(test_close_while_opening),
	    cmocka_unit_test(test_simultaneous_open),
	    cmocka_unit_test(test_abort),
	    cmocka_unit_test(test_abort_many),
	    cmocka_unit_test(test_fin_wait_2),
	    cmocka_unit_test(test_eof_after_data),
	    cmocka_unit_test(test_never_read),
	    cmocka_unit_test(test_abort_in_handler),
	    cmocka_unit_test(test_time_wait_reuse),
	    cmocka_unit_test(test_time_wait_cut),
	    cmocka_unit_test(test_half_open),
	    cmocka_unit_test(test_delayed_ack),
	    cmocka_unit_test(test_notify_sent),
	    cmocka_unit_test(test_starved),
	    cmocka_unit_test(test_no_active),
	    cmocka_unit_test(test_reset_behind_gap),
	    cmocka_unit_test(test_fin_wait_2_goes_on),
	    cmocka_unit_test(test_delayed_acks_full),
	    cmocka_unit_test(test_no_memory_at_all),
	    cmocka_unit_test(test_listeners),
	};
	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	kit_group_bits = 4;
	return failed + cmocka_run_group_tests_name("16 groups", tests, NULL, NULL);
}
