/* test_stack_frag.c - a host whose peer's packets come in fragments (RFC 791 3.2, 1122 3.3.2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack_pair.h"

#include "wire/bytes.h"
#include "wire/cksum.h"

enum { ETH = 14, IP = 20 };

static struct {
	uint32_t size; /* octets of a fragment, a multiple of 8 */
	bool reversed, twice;
	uint16_t id;
} cut;

static void
send_part(struct kit_host *to, const uint8_t *data, uint32_t total, uint32_t off, uint64_t at)
{
	uint32_t len = total - off < cut.size ? total - off : cut.size;
	uint8_t f[ETH + IP + 1600];

	memcpy(f, data, ETH + IP);
	memcpy(f + ETH + IP, data + ETH + IP + off, len);
	store_be16(f + ETH + 2, (uint16_t)(IP + len));
	store_be16(f + ETH + 4, cut.id);
	store_be16(f + ETH + 6, (uint16_t)(off / 8 | (off + len < total ? 0x2000 : 0)));
	store_be16(f + ETH + 10, 0);
	store_be16(f + ETH + 10, cksum_fold(cksum_partial(f + ETH, IP, 0)));
	kit_send(to, f, ETH + IP + len, 0, at);
}

/* Instead of the frame, its parts. */
static void
in_fragments(struct kit_host *h, const struct frame *f, uint64_t now)
{
	uint32_t total = f->len - ETH - IP, parts = (total + cut.size - 1) / cut.size;

	if (load_be16(f->data + 12) != ETHERTYPE_IPV4 || total <= cut.size) {
		kit_send(h->peer, f->data, f->len, 0, now);
		return;
	}
	cut.id++;
	for (uint32_t i = 0; i < parts; i++) {
		uint32_t part = cut.reversed ? parts - 1 - i : i;

		send_part(h->peer, f->data, total, part * cut.size, now);
		if (cut.twice)
			send_part(h->peer, f->data, total, part * cut.size, now);
	}
}

static struct stack_stats
stats_of(const struct kit_host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	return st;
}

/* An echo of n octets, of which those to the server come in parts. */
static void
echo(uint32_t n)
{
	static uint8_t data[4096];
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	start_default(&p);
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	p.client->wire.loss = 1;
	p.client->on_tx = in_fragments;
	for (uint32_t i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 13 + i / 256);
	assert_int_equal(stack_send(p.client->s, id, data, n), n);
	run(&p, 2 * KIT_SECOND);
	assert_int_equal(p.seen.octets, n);
	assert_memory_equal(p.seen.data, data, n);
	st = stats_of(p.server);
	assert_true(st.frags_reassembled > 0);
	assert_int_equal(st.drop_frag_overlap + st.drop_frag_format + st.drop_frag_timeout, 0);
	assert_int_equal(st.tcp.segs_retransmitted, 0);
	assert_int_equal(stats_of(p.client).frags_in, 0); /* we never send any */
	stop(&p);
}

static void
test_tcp(void **state)
{
	(void)state;
	cut.reversed = cut.twice = false;
	for (cut.size = 40; cut.size <= 1440; cut.size += 200)
		echo(4000);
}

static void
test_tcp_reversed(void **state)
{
	(void)state;
	cut.reversed = true;
	for (cut.size = 40; cut.size <= 1440; cut.size += 200)
		echo(4000);
	cut.reversed = false;
}

static void
test_tcp_twice(void **state)
{
	(void)state;
	cut.twice = true;
	cut.size = 80;
	echo(3000);
	cut.twice = false;
}

static void
on_keeper(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	(void)now;
	if (ev->type == STACK_DATA)
		stack_keep(h->s, ev, ev->len);
}

/* Octets handed up lie in the table's memory, and are kept from there. */
static void
test_kept(void **state)
{
	const uint8_t *octets;
	struct pair p;
	uint32_t id, conn, len;

	(void)state;
	cut.size = 8 * 13;
	start_default(&p);
	p.server->on_event = on_keeper;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	p.client->wire.loss = 1;
	p.client->on_tx = in_fragments;
	for (unsigned i = 0; i < 5; i++) {
		uint8_t data[1000];

		memset(data, 'a' + (int)i, sizeof(data));
		assert_int_equal(stack_send(p.client->s, id, data, sizeof(data)), sizeof(data));
		run(&p, 100 * KIT_MS);
	}
	conn = stack_next_conn(p.server->s, 0);
	for (uint32_t at = 0; at < 5000; at += len) {
		len = stack_read(p.server->s, conn, &octets);
		assert_true(len > 0);
		for (uint32_t i = 0; i < len; i++)
			assert_int_equal(octets[i], 'a' + (at + i) / 1000);
		stack_read_done(p.server->s, conn, len);
	}
	stop(&p);
}

static unsigned n_replies;
static uint32_t reply_octets;

static void
note_reply(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct pkt k;

	(void)h;
	(void)now;
	if (pkt_parse(&k, f->data, f->len, 0) != PKT_OK || k.kind != PKT_ICMP)
		return;
	n_replies++;
	reply_octets = k.payload_len;
}

static size_t
build_ping(uint8_t *f, size_t room, uint32_t to, uint16_t octets)
{
	static const uint8_t body[1500];
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .eth_src = {2, 0, 0, 0, 0, 2},
	    .src = CLIENT,
	    .dst = to,
	    .ttl = 64,
	};

	return build_icmp(f, room, &ip, 8, 0, 0x00010001, body, octets);
}

/* A ping in parts is answered in one packet, if it fits into one. */
static void
test_ping(void **state)
{
	uint8_t f[2000];
	struct pair p;
	uint32_t len;

	(void)state;
	n_replies = 0;
	start_default(&p);
	p.server->on_tx = note_reply;
	cut.size = 400;
	len = (uint32_t)build_ping(f, sizeof(f), SERVER, 1400);
	in_fragments(p.client, &(struct frame){.data = f, .len = len}, p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(n_replies, 1);
	assert_int_equal(reply_octets, 1400);
	stop(&p);
}

/* Not to us, or of another network: the table stays empty. */
static void
test_not_ours(void **state)
{
	uint8_t f[2000];
	struct pair p;
	uint32_t len;

	(void)state;
	start_default(&p);
	cut.size = 400;
	len = (uint32_t)build_ping(f, sizeof(f), SERVER + 1, 1400);
	in_fragments(p.client, &(struct frame){.data = f, .len = len}, p.now);
	len = (uint32_t)build_ping(f, sizeof(f), SERVER, 1400);
	f[5] = 9; /* MAC */
	in_fragments(p.client, &(struct frame){.data = f, .len = len}, p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(stats_of(p.server).frags_in, 0);
	assert_int_equal(stats_of(p.server).drop_not_ours, 8);
	stop(&p);
}

/* Of a connection to nobody, an answer to the whole; to parts alone there is none (RFC 1122 3.2.2). */
static void
test_no_answer_to_parts(void **state)
{
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .eth_src = {2, 0, 0, 0, 0, 2},
	    .src = CLIENT,
	    .dst = SERVER,
	    .ttl = 64,
	};
	static const uint8_t body[1000];
	uint8_t f[2000];
	struct pair p;
	uint32_t len;

	(void)state;
	n_replies = 0;
	start_default(&p);
	p.server->on_tx = note_reply;
	cut.size = 400;
	len = (uint32_t)build_udp(f, sizeof(f), &ip, 1000, 53, body, sizeof(body));
	cut.id++;
	send_part(p.server, f, len - ETH - IP, 400, p.now);
	send_part(p.server, f, len - ETH - IP, 800, p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(n_replies, 0);
	send_part(p.server, f, len - ETH - IP, 0, p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(n_replies, 1);
	run(&p, 40 * KIT_SECOND);
	assert_int_equal(stats_of(p.server).drop_frag_timeout, 0);
	send_part(p.server, f, len - ETH - IP, 400, p.now);
	run(&p, 40 * KIT_SECOND);
	assert_int_equal(stats_of(p.server).drop_frag_timeout, 1);
	stop(&p);
}

/* A checksum that is wrong in the whole. */
static void
test_bad_checksum(void **state)
{
	uint8_t f[2000];
	struct pair p;
	uint32_t len;

	(void)state;
	n_replies = 0;
	start_default(&p);
	p.server->on_tx = note_reply;
	cut.size = 400;
	len = (uint32_t)build_ping(f, sizeof(f), SERVER, 1400);
	f[len - 1] ^= 1;
	in_fragments(p.client, &(struct frame){.data = f, .len = len}, p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(n_replies, 0);
	assert_int_equal(stats_of(p.server).drop[PKT_DROP_ICMP_CHECKSUM], 1);
	stop(&p);
}

/* 100,000 parts of datagrams that never end: a connection goes on as if nothing was. */
static void
test_flood(void **state)
{
	struct rng r;
	uint8_t f[2000];
	struct pair p;
	uint32_t id, len;

	(void)state;
	rng_seed(&r, 3, 3);
	start_default(&p);
	p.unchecked = true;
	p.server->burst = KIT_BURST;
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	cut.size = 8;
	len = (uint32_t)build_ping(f, sizeof(f), SERVER, 64);
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned k = 0; k < 1000; k++) {
			cut.id = (uint16_t)rng_u64(&r);
			store_be32(f + ETH + 12, CLIENT + 20 + (uint32_t)rng_below(&r, 100));
			send_part(p.server, f, len - ETH - IP, 8 * (uint32_t)rng_below(&r, 8),
				  p.now);
		}
		assert_int_equal(stack_send(p.client->s, id, "0123456789", 10), 10);
		run(&p, 10 * KIT_MS);
	}
	run(&p, KIT_SECOND);
	stack_check(p.server->s);
	assert_int_equal(p.seen.octets, 1000);
	assert_int_equal(stats_of(p.client).tcp.segs_retransmitted, 0);
	assert_int_equal(stats_of(p.server).frags_in, 100000);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tcp),
	    cmocka_unit_test(test_tcp_reversed),
	    cmocka_unit_test(test_tcp_twice),
	    cmocka_unit_test(test_kept),
	    cmocka_unit_test(test_ping),
	    cmocka_unit_test(test_not_ours),
	    cmocka_unit_test(test_no_answer_to_parts),
	    cmocka_unit_test(test_bad_checksum),
	    cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
