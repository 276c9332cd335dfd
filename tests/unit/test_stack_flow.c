/* test_stack_flow.c - octets, each checked, while readers stop, frames are lost, memory runs out. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "stack_kit.h"
#include "wire/build.h"
#include "wire/pkt.h"

enum { PORT = 7, SERVER = 0x0a000001, CLIENT = 0x0a000101, STREAMS_MAX = 64 };

/* The client sends `total` octets on each connection and checks what comes back. */
struct stream {
	uint32_t conn, sent, got;
	bool connected, eof, over, lost;
};

struct world {
	struct kit_host *client, *server;
	struct stream stream[STREAMS_MAX];
	unsigned n, checked_every, turn;
	uint32_t total;
	uint64_t now;
	unsigned server_over;
	/* The server's reader: 0 echoes at once, else it keeps all and reads when told to. */
	bool lazy;
	struct rng rng;
};

/* The octets of a stream, by their position and by the stream. */
static uint8_t
octet(unsigned stream, uint32_t i)
{
	return (uint8_t)((i * 2654435761u >> 13) + stream);
}

static void
check_octets(unsigned stream, uint32_t from, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (data[i] != octet(stream, from + i))
			fail_msg("stream %u: octet %u is wrong", stream, from + i);
}

/* --- the server: what it cannot send back it keeps --- */

static void
echo_kept(struct kit_host *h, uint32_t conn, uint32_t most)
{
	const uint8_t *data;
	uint32_t len, taken;

	while (most > 0 && (len = stack_read(h->s, conn, &data)) > 0) {
		taken = stack_send(h->s, conn, data, len < most ? len : most);
		stack_read_done(h->s, conn, taken);
		most -= taken;
		if (taken == 0)
			return;
	}
}

static void
on_server(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct world *w = h->arg;
	uint32_t taken;

	switch ((enum stack_event_type)ev->type) {
	case STACK_DATA:
		assert_true(ev->len > 0);
		taken = w->lazy ? 0 : stack_send(h->s, ev->conn, ev->data, ev->len);
		stack_keep(h->s, ev, ev->len - taken);
		break;
	case STACK_READABLE:
	case STACK_WRITABLE:
		if (!w->lazy)
			echo_kept(h, ev->conn, UINT32_MAX);
		break;
	case STACK_EOF:
		assert_int_equal(stack_read(h->s, ev->conn, &(const uint8_t *){0}), 0);
		stack_close(h->s, ev->conn, now);
		break;
	case STACK_CLOSED:
		w->server_over++;
		break;
	default:
		break;
	}
}

/* --- the client --- */

static void
feed(struct world *w, unsigned i)
{
	struct stream *st = &w->stream[i];
	uint8_t data[3000];

	while (st->sent < w->total) {
		uint32_t n = 1 + (uint32_t)rng_below(&w->rng, sizeof(data)), taken;

		if (n > w->total - st->sent)
			n = w->total - st->sent;
		for (uint32_t k = 0; k < n; k++)
			data[k] = octet(i, st->sent + k);
		taken = stack_send(w->client->s, st->conn, data, n);
		st->sent += taken;
		if (taken < n)
			return;
	}
}

static void
receive(struct world *w, unsigned i, const uint8_t *data, uint32_t len, uint64_t now)
{
	struct stream *st = &w->stream[i];

	check_octets(i, st->got, data, len);
	st->got += len;
	assert_true(st->got <= st->sent);
	if (st->got == w->total)
		stack_close(w->client->s, st->conn, now);
}

static void
on_client(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct world *w = h->arg;
	unsigned i = (unsigned)ev->app;
	const uint8_t *data;
	uint32_t len, kept;

	switch ((enum stack_event_type)ev->type) {
	case STACK_CONNECTED:
		w->stream[i].connected = true;
		feed(w, i);
		break;
	case STACK_WRITABLE:
		feed(w, i);
		break;
	case STACK_DATA: /* sometimes a part is left for later */
		kept = rng_below(&w->rng, 4) == 0 ? (uint32_t)rng_below(&w->rng, ev->len) : 0;
		receive(w, i, ev->data, ev->len - kept, now);
		stack_keep(h->s, ev, kept);
		break;
	case STACK_READABLE:
		while ((len = stack_read(h->s, ev->conn, &data)) > 0) {
			receive(w, i, data, len, now);
			stack_read_done(h->s, ev->conn, len);
		}
		break;
	case STACK_EOF:
		assert_int_equal(w->stream[i].got, w->total);
		w->stream[i].eof = true;
		break;
	case STACK_CLOSED:
	case STACK_FAILED:
		w->stream[i].over = true;
		w->stream[i].lost = ev->why != STACK_WHY_NONE;
		break;
	default:
		break;
	}
}

static void
start(struct world *w, const struct stack_conf *client, const struct stack_conf *server, unsigned n,
      uint32_t total)
{
	struct stack_listener l = {.port = PORT};

	memset(w, 0, sizeof(*w));
	w->n = n;
	w->total = total;
	w->now = KIT_SECOND;
	w->checked_every = 1;
	rng_seed(&w->rng, 5, 0);
	w->client = kit_host(client, 2, CLIENT, 1);
	w->server = kit_host(server, 1, SERVER, 1);
	kit_join(w->client, w->server);
	w->client->arg = w->server->arg = w;
	w->client->on_event = on_client;
	w->server->on_event = on_server;
	assert_int_equal(stack_listen(w->server->s, &l), 1);
}

static void
connect_all(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct stack_open o = {
		    .flow = {.laddr = CLIENT,
			     .raddr = SERVER,
			     .lport = (uint16_t)(2000 + i),
			     .rport = PORT},
		    .app = i,
		};

		assert_int_equal(stack_connect(w->client->s, &o, w->now, &w->stream[i].conn), 0);
	}
}

static struct stack_conf
conf(void)
{
	struct stack_conf c;

	kit_conf(&c);
	c.now = KIT_SECOND;
	return c;
}

/* What is kept is looked at when something moves; a client whose last octets are kept must look
 * himself. */
static void
read_kept(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		const uint8_t *data;
		uint32_t len;

		if (!w->stream[i].connected || w->stream[i].over)
			continue;
		len = stack_read(w->client->s, w->stream[i].conn, &data);
		if (len == 0)
			continue;
		receive(w, i, data, len, w->now);
		stack_read_done(w->client->s, w->stream[i].conn, len);
	}
}

static void
step(struct world *w)
{
	bool busy = kit_turn(w->client, w->now);
	uint64_t a, b;

	busy |= kit_turn(w->server, w->now);
	read_kept(w);
	if (++w->turn % w->checked_every == 0) {
		stack_check(w->client->s);
		stack_check(w->server->s);
	}
	if (busy)
		return;
	a = kit_next(w->client);
	b = kit_next(w->server);
	a = a < b ? a : b;
	w->now = a > w->now && a < w->now + KIT_MS ? a : w->now + KIT_MS / 2;
}

static bool
all_over(const struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		if (!w->stream[i].over)
			return false;
	return w->server_over == w->n;
}

static void
run(struct world *w, uint64_t seconds)
{
	uint64_t until = w->now + seconds * KIT_SECOND;

	while (w->now < until && !all_over(w))
		step(w);
	if (!all_over(w)) {
		kit_show(w->client);
		kit_show(w->server);
		fail_msg("not over after %u s", (unsigned)seconds);
	}
}

static void
assert_all_done(const struct world *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		assert_int_equal(w->stream[i].got, w->total);
		assert_true(w->stream[i].eof);
		assert_false(w->stream[i].lost);
	}
}

static void
stop(struct world *w)
{
	struct stack_stats st;
	uint64_t until = w->now + 130 * KIT_SECOND;

	kit_run(w->client, w->server, w->now, until, false, NULL);
	stack_check(w->client->s);
	stack_check(w->server->s);
	stack_stats(w->client->s, &st);
	assert_int_equal(st.conns + st.active, 0);
	stack_stats(w->server->s, &st);
	assert_int_equal(st.conns + st.active, 0);
	kit_free(w->client);
	kit_free(w->server);
}

/* --- a quiet network --- */

static void
test_echo(void **state)
{
	struct stack_conf c = conf();
	struct stack_stats st;
	struct world w;

	(void)state;
	start(&w, &c, &c, 20, 200000);
	connect_all(&w);
	run(&w, 100);
	assert_all_done(&w);
	stack_stats(w.client->s, &st);
	assert_int_equal(st.tcp.segs_retransmitted, 0);
	assert_int_equal(st.tcp.octets_out, 20 * 200000);
	stop(&w);
}

/* A reader that stops until the window is shut, and goes on: 10 MB, one way and back. */
static void
test_lazy_reader(void **state)
{
	struct stack_conf c = conf();
	struct stack_stats st;
	struct world w;
	uint64_t wake;

	(void)state;
	start(&w, &c, &c, 1, 10 << 20);
	w.checked_every = 50;
	w.client->wire.delay_ns = w.server->wire.delay_ns = KIT_MS;
	w.lazy = true;
	connect_all(&w);
	wake = w.now + 500 * KIT_MS;
	while (!all_over(&w) && w.now < 1000 * KIT_SECOND) {
		uint32_t conn = stack_next_conn(w.server->s, 0);

		step(&w);
		if (w.now < wake || conn == UINT32_MAX)
			continue;
		echo_kept(w.server, conn, 20000 + (uint32_t)rng_below(&w.rng, 100000));
		wake = w.now + rng_below(&w.rng, 200) * KIT_MS;
	}
	assert_all_done(&w);
	stack_stats(w.client->s, &st);
	assert_true(st.tcp.window_probes_out > 0);
	stop(&w);
}

/* --- a bad one --- */

static void
lossy(uint64_t seed, unsigned n, uint32_t total, const struct kit_wire *wire)
{
	struct stack_conf c = conf();
	struct world w;

	start(&w, &c, &c, n, total);
	w.checked_every = 20;
	w.client->wire = w.server->wire = *wire;
	rng_seed(&w.client->rng, seed, 1);
	rng_seed(&w.server->rng, seed, 2);
	connect_all(&w);
	run(&w, 3000);
	assert_all_done(&w);
	stop(&w);
}

static void
test_loss(void **state)
{
	const struct kit_wire wire = {.delay_ns = 5 * KIT_MS, .loss = 0.02};

	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		lossy(seed, 8, 100000, &wire);
}

static void
test_reordering(void **state)
{
	const struct kit_wire wire = {
	    .delay_ns = 5 * KIT_MS,
	    .jitter_ns = 5 * KIT_MS,
	    .loss = 0.01,
	    .duplicate = 0.05,
	    .corrupt = 0.01,
	};

	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		lossy(seed, 8, 100000, &wire);
}

/* --- little memory --- */

/* Far too few active blocks and blocks for what is going on: slow, but everything arrives. */
static void
test_little_memory(void **state)
{
	struct stack_conf c = conf(), few = conf();
	struct stack_stats st;
	struct world w;

	(void)state;
	few.max_active = 24;
	few.blocks_small = 16;
	few.blocks_large = 40;
	few.max_half_open = 64;
	start(&w, &c, &few, 30, 20000);
	w.client->wire.delay_ns = w.server->wire.delay_ns = KIT_MS;
	w.client->wire.loss = w.server->wire.loss = 0.02;
	connect_all(&w);
	run(&w, 3000);
	assert_all_done(&w);
	stack_stats(w.server->s, &st);
	if (kit_group_bits == 0) /* each of several has more than its share */
		assert_true(st.tcp.drop_no_active + st.tcp.drop_no_block + st.drop_no_memory > 0);
	stop(&w);
}

/* Both ends, both ways. */
static void
test_little_memory_everywhere(void **state)
{
	struct stack_conf few = conf();
	struct world w;

	(void)state;
	few.max_active = 40;
	few.blocks_small = 16;
	few.blocks_large = 64;
	start(&w, &few, &few, 20, 50000);
	w.client->wire.delay_ns = w.server->wire.delay_ns = KIT_MS;
	connect_all(&w);
	run(&w, 3000);
	assert_all_done(&w);
	stop(&w);
}

/* --- few frames, and a port that takes none for a while --- */

static void
test_few_frames(void **state)
{
	struct stack_conf c = conf();
	struct stack_stats st;
	struct world w;

	(void)state;
	start(&w, &c, &c, 10, 50000);
	w.client->ration = w.server->ration = 3;
	connect_all(&w);
	run(&w, 3000);
	assert_all_done(&w);
	stack_stats(w.server->s, &st);
	assert_int_equal(st.tcp.segs_retransmitted, 0);
	stop(&w);
}

static void
test_deaf_port(void **state)
{
	struct stack_conf c = conf();
	struct world w;

	(void)state;
	start(&w, &c, &c, 30, 100000);
	w.client->wire.delay_ns = w.server->wire.delay_ns = KIT_MS;
	connect_all(&w);
	while (!all_over(&w) && w.now < 1000 * KIT_SECOND) {
		w.server->deaf = w.now / (7 * KIT_MS) % 3 == 0;
		w.client->deaf = w.now / (300 * KIT_MS) % 4 == 1;
		step(&w);
		if (w.server->deaf || w.client->deaf)
			w.now += KIT_MS / 10;
	}
	assert_all_done(&w);
	stop(&w);
}

/* --- what does not belong there --- */

static void
random_frame(struct rng *r, uint8_t *f, uint32_t len)
{
	static const uint8_t head[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};

	for (uint32_t i = 0; i < len; i++)
		f[i] = (uint8_t)rng_u64(r);
	if (len >= 14 && rng_chance(r, 0.9))
		memcpy(f, head, 14);
	if (len >= 34 && rng_chance(r, 0.8))
		f[14] = 0x45;
}

/* Well-formed but for what it says: some connection's tuple, and nonsense. */
static uint32_t
forged_frame(struct rng *r, uint8_t *f, uint32_t room)
{
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .eth_src = {2, 0, 0, 0, 0, 2},
	    .src = CLIENT,
	    .dst = SERVER,
	    .ttl = 64,
	};
	struct tcp_seg seg = {
	    .seq = (uint32_t)rng_u64(r),
	    .ack = (uint32_t)rng_u64(r),
	    .flags = (uint8_t)rng_u64(r),
	    .wnd = (uint16_t)rng_u64(r),
	    .len = (uint16_t)rng_below(r, 200),
	    .opts = (uint8_t)rng_below(r, 32),
	    .n_sack = (uint8_t)rng_below(r, 4),
	    .tsval = (uint32_t)rng_u64(r),
	};

	return (uint32_t)build_tcp(f, room, &ip, (uint16_t)(2000 + rng_below(r, 12)), PORT, &seg,
				   f + 700);
}

static unsigned n_strange;

/* Beside each frame to the server a strange one: random, forged, or the real one cut or with octets
 * changed. */
static void
add_strange(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct world *w = h->arg;
	struct rng *r = &w->rng;
	uint8_t data[1600];
	uint32_t len;

	for (unsigned k = 0; k < 30 && h->peer->n_flight < 10000; k++, n_strange++) {
		switch (rng_below(r, 3)) {
		case 0:
			len = (uint32_t)rng_below(r, 200);
			random_frame(r, data, len);
			break;
		case 1:
			len = forged_frame(r, data, sizeof(data));
			break;
		default:
			len = 1 + (uint32_t)rng_below(r, f->len);
			memcpy(data, f->data, len);
			for (unsigned i = 0; i < 3; i++)
				data[rng_below(r, len)] ^= (uint8_t)(1 + rng_below(r, 255));
			break;
		}
		kit_send(h->peer, data, len, 0, now);
	}
}

static void
test_strange_frames(void **state)
{
	struct stack_conf c = conf();
	struct world w;

	(void)state;
	n_strange = 0;
	start(&w, &c, &c, 10, 250000);
	w.checked_every = 20;
	w.client->on_tx = add_strange;
	w.server->burst = KIT_BURST;
	connect_all(&w);
	run(&w, 3000);
	assert_all_done(&w);
	assert_true(n_strange >= 100000);
	w.client->on_tx = NULL;
	stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_echo),	   cmocka_unit_test(test_lazy_reader),
	    cmocka_unit_test(test_loss),	   cmocka_unit_test(test_reordering),
	    cmocka_unit_test(test_little_memory),  cmocka_unit_test(test_little_memory_everywhere),
	    cmocka_unit_test(test_few_frames),	   cmocka_unit_test(test_deaf_port),
	    cmocka_unit_test(test_strange_frames),
	};

	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	kit_group_bits = 4;
	return failed + cmocka_run_group_tests_name("16 groups", tests, NULL, NULL);
}
