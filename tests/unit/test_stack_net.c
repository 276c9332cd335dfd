/* test_stack_net.c - a stack and its link: ARP, ICMP, what it answers and what it does not take. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>

#include "inet/icmp.h"
#include "stack_kit.h"
#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/pkt.h"

enum { US = 0x0a000001, PEER = 0x0a000501, CAPTURED = 1024 };

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 9};
static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

/* What left, in order. */
static struct pkt out[CAPTURED];
static unsigned n_out;
static struct kit_host *h;
static uint64_t now;

static void
capture_tx(struct kit_host *host, const struct frame *f, uint64_t at)
{
	struct pkt *p = &out[n_out];

	(void)host;
	(void)at;
	assert_true(n_out < CAPTURED);
	assert_int_equal(pkt_parse(p, f->data, f->len, 0), PKT_OK);
	if (p->kind == PKT_ARP && p->arp_op == ARP_REQUEST && p->arp_spa == p->arp_tpa)
		return; /* announcements have a test of their own */
	n_out++;
}

static int
begin(void **state)
{
	struct stack_conf c;
	struct stack_listener l = {.port = 7};

	(void)state;
	kit_conf(&c);
	c.max_conns = 2000;
	c.max_half_open = c.max_half_open_per_source = 2000;
	now = c.now = KIT_SECOND;
	h = kit_host(&c, 1, US, 230);
	h->on_tx = capture_tx;
	n_out = 0;
	assert_int_equal(stack_listen(h->s, &l), 1);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	stack_check(h->s);
	kit_free(h);
	return 0;
}

static void
turns(void)
{
	/* Not for ever: what waits for a port of which nothing is taken waits. */
	for (unsigned i = 0; i < 40 && kit_turn(h, now); i++)
		stack_check(h->s);
}

static struct stack_stats
stats(void)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	return st;
}

static void
give(const uint8_t *data, size_t len)
{
	kit_send(h, data, (uint32_t)len, 0, now);
	turns();
}

static struct build_ip
from_peer(uint32_t dst)
{
	struct build_ip ip = {.src = PEER, .dst = dst, .ttl = 64};

	memcpy(ip.eth_dst, our_mac, 6);
	memcpy(ip.eth_src, peer_mac, 6);
	return ip;
}

static void
give_arp(const uint8_t eth_dst[6], uint16_t op, uint32_t spa, uint32_t tpa)
{
	uint8_t f[64];

	give(f, build_arp(f, sizeof(f), eth_dst, 0, op, peer_mac, spa, our_mac, tpa));
}

static void
give_tcp(const struct build_ip *ip, uint16_t dport, const struct tcp_seg *seg)
{
	uint8_t f[1600];

	give(f, build_tcp(f, sizeof(f), ip, 5555, dport, seg, NULL));
}

/* --- ARP --- */

/* Each of our addresses is answered for, and no other. */
static void
test_arp_answers(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 230; i += 229) {
		n_out = 0;
		give_arp(broadcast, ARP_REQUEST, PEER, US + i);
		assert_int_equal(n_out, 1);
		assert_int_equal(out[0].arp_op, ARP_REPLY);
		assert_int_equal(out[0].arp_spa, US + i);
		assert_memory_equal(out[0].arp_sha, our_mac, 6);
		assert_memory_equal(out[0].eth_dst, peer_mac, 6);
	}
	n_out = 0;
	give_arp(broadcast, ARP_REQUEST, PEER, US + 230);
	assert_int_equal(n_out, 0);
}

static void
test_announcements(void **state)
{
	struct stack_stats st;

	(void)state;
	turns();
	st = stats();
	assert_int_equal(st.arp_out, 230);
	stack_announce(h->s, 0);
	turns();
	st = stats();
	assert_int_equal(st.arp_out, 460);
	assert_int_equal(n_out, 0);
}

static void
test_resolve(void **state)
{
	(void)state;
	assert_false(stack_resolve(h->s, PEER, now));
	turns();
	assert_int_equal(n_out, 1);
	assert_int_equal(out[0].arp_tpa, PEER);
	give_arp(our_mac, ARP_REPLY, PEER, US);
	assert_true(stack_resolve(h->s, PEER, now));
	assert_false(stack_resolve(h->s, 0x08080808, now));
}

/* --- what is not for us --- */

static void
test_not_ours(void **state)
{
	struct build_ip ip = from_peer(US);
	struct tcp_seg syn = {.flags = TCP_SYN, .wnd = 1000};
	uint8_t f[64];

	(void)state;
	ip.eth_dst[5] = 77; /* another station's */
	give_tcp(&ip, 7, &syn);
	memcpy(ip.eth_dst, broadcast, 6);
	give_tcp(&ip, 7, &syn);
	ip = from_peer(US + 230); /* another host's */
	give_tcp(&ip, 7, &syn);
	ip = from_peer(0x0a00ffff); /* the subnet's broadcast address */
	give_tcp(&ip, 7, &syn);
	ip = from_peer(US);
	ip.vlan = 5;
	give_tcp(&ip, 7, &syn);
	assert_int_equal(stats().drop_not_ours, 5);
	ip = from_peer(US);
	ip.src = US + 1; /* LAND */
	give_tcp(&ip, 7, &syn);
	ip.src = 0x0a00ffff;
	give_tcp(&ip, 7, &syn);
	assert_int_equal(stats().drop[PKT_DROP_IP_ADDRESS], 2);
	memset(f, 0, sizeof(f));
	for (uint32_t len = 0; len < sizeof(f); len++)
		give(f, len);
	assert_int_equal(stats().drop[PKT_DROP_ETH_SHORT], 14);
	assert_int_equal(stats().drop[PKT_DROP_ETH_TYPE], 50);
	assert_int_equal(n_out, 0);
	assert_int_equal(stats().conns, 0);
}

/* --- checksums --- */

static void
give_bad_syn(uint8_t flags)
{
	struct build_ip ip = from_peer(US);
	struct tcp_seg syn = {.flags = TCP_SYN, .wnd = 1000};
	uint8_t data[64];
	struct frame f = {.data = data, .flags = flags};

	f.len = (uint32_t)build_tcp(data, sizeof(data), &ip, 5555, 7, &syn, NULL);
	data[f.len - 4] ^= 1; /* in the checksum */
	stack_input(h->s, now, &f, 1);
}

static void
test_checksums(void **state)
{
	(void)state;
	give_bad_syn(0);
	assert_int_equal(stats().drop[PKT_DROP_TCP_CHECKSUM], 1);
	assert_int_equal(stats().half_open, 0);
	give_bad_syn(FRAME_CKSUM_GOOD);
	assert_int_equal(stats().half_open, 1);
}

/* --- several interfaces, one of them in a VLAN and with trusted checksums --- */

static void
test_second_netif(void **state)
{
	struct stack_netif_conf nc;
	struct build_ip ip = from_peer(0x0a020001);
	struct tcp_seg syn = {.flags = TCP_SYN, .wnd = 1000};
	const struct frame *f;
	struct pkt p;
	uint8_t data[128];
	size_t len;

	(void)state;
	kit_netif(&nc, 1, US + 7, 1);
	assert_int_equal(stack_add_netif(h->s, &nc), -EADDRINUSE);
	kit_netif(&nc, 2, 0x0a020001, 1);
	nc.vlan = 5000;
	assert_int_equal(stack_add_netif(h->s, &nc), -EINVAL);
	nc.vlan = 42;
	nc.trust_checksums = true;
	nc.mtu = 1000;
	assert_int_equal(stack_add_netif(h->s, &nc), 1);
	turns();
	assert_int_equal(stack_tx(h->s, 1, &f), 1); /* the announcement */
	free(f[0].handle);
	stack_tx_done(h->s, 1, 1);
	memcpy(ip.eth_dst, nc.mac, 6);
	ip.src = 0x0a020505;
	ip.vlan = 42;
	len = build_tcp(data, sizeof(data), &ip, 5555, 7, &syn, NULL);
	data[len - 4] ^= 1;
	kit_send(h, data, (uint32_t)len, 1, now);
	turns();
	assert_int_equal(stats().half_open, 1);
	/* The neighbour is asked for, by the right interface, from the right address. */
	assert_int_equal(stack_tx(h->s, 1, &f), 1);
	assert_int_equal(pkt_parse(&p, f[0].data, f[0].len, 0), PKT_OK);
	assert_int_equal(p.vlan, 42);
	assert_int_equal(p.arp_tpa, 0x0a020505);
	assert_int_equal(p.arp_spa, 0x0a020001);
	free(f[0].handle);
	stack_tx_done(h->s, 1, 1);
	len = build_arp(data, sizeof(data), nc.mac, 42, ARP_REPLY, peer_mac, 0x0a020505, nc.mac,
			0x0a020001);
	kit_send(h, data, (uint32_t)len, 1, now);
	turns();
	assert_int_equal(stack_tx(h->s, 1, &f), 1);
	assert_int_equal(pkt_parse(&p, f[0].data, f[0].len, 0), PKT_OK);
	assert_int_equal(p.tcp.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(p.tcp.mss, 960);
	assert_int_equal(p.vlan, 42);
	/* The wrong way in: the host is strict about which interface has which address. */
	ip.vlan = 0;
	memcpy(ip.eth_dst, our_mac, 6);
	give_tcp(&ip, 7, &syn);
	assert_int_equal(stats().drop_not_ours, 1);
	h->n_frames -= 2; /* the test took them itself */
}

static void
take_second(unsigned n)
{
	const struct frame *f;

	assert_true(stack_tx(h->s, 1, &f) >= n);
	for (unsigned i = 0; i < n; i++)
		free(f[i].handle);
	h->n_frames -= n;
	stack_tx_done(h->s, 1, n);
}

/* A port that is full holds up those who need it, and nobody else. */
static void
test_full_netif(void **state)
{
	struct stack_netif_conf nc;
	struct build_ip ip = from_peer(0x0a020001), other = from_peer(US);
	struct tcp_seg syn = {.flags = TCP_SYN, .wnd = 1000};
	const struct frame *f;
	uint8_t data[128];
	size_t len;

	(void)state;
	kit_netif(&nc, 2, 0x0a020001, 1);
	assert_int_equal(stack_add_netif(h->s, &nc), 1);
	turns();
	take_second(1); /* the announcement */
	memcpy(ip.eth_dst, nc.mac, 6);
	ip.src = 0x0a020505;
	len = build_arp(data, sizeof(data), nc.mac, 0, ARP_REQUEST, peer_mac, ip.src, nc.mac,
			0x0a020001);
	kit_send(h, data, (uint32_t)len, 1, now);
	give_arp(broadcast, ARP_REQUEST, PEER, US);
	take_second(1);
	n_out = 0;
	for (uint16_t i = 0; i < 1700; i++) {
		len = build_tcp(data, sizeof(data), &ip, (uint16_t)(1000 + i), 7, &syn, NULL);
		kit_send(h, data, (uint32_t)len, 1, now);
	}
	turns();
	turns();
	assert_int_equal(stack_tx(h->s, 1, &f), 512);
	assert_int_equal(stats().half_open, 1700);
	give_tcp(&other, 7, &syn);
	assert_int_equal(n_out, 1);
	assert_int_equal(out[0].tcp.flags, TCP_SYN | TCP_ACK);
	/* Room comes piece by piece. */
	for (unsigned left = 1700; left > 0; left -= 100) {
		take_second(100);
		turns();
		assert_int_equal(stack_tx(h->s, 1, &f), left - 100 < 512 ? left - 100 : 512);
	}
	assert_int_equal(stats().tcp.segs_retransmitted, 0);
	assert_int_equal(stats().drop_tx, 0);
}

static void
test_too_many_netifs(void **state)
{
	struct stack_netif_conf nc;

	(void)state;
	for (uint32_t i = 1; i < STACK_MAX_NETIFS; i++) {
		kit_netif(&nc, 2, 0x0a100001 + (i << 16), 1);
		assert_int_equal(stack_add_netif(h->s, &nc), i);
	}
	kit_netif(&nc, 2, 0x0a200001, 1);
	assert_int_equal(stack_add_netif(h->s, &nc), -ENOSPC);
}

/* --- answers --- */

static void
test_ping(void **state)
{
	struct build_ip ip = from_peer(US + 100);
	uint8_t f[1600], body[1000];
	size_t len;

	(void)state;
	for (unsigned i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)i;
	len = build_icmp(f, sizeof(f), &ip, ICMP_ECHO_REQUEST, 0, 0x12345678, body, sizeof(body));
	give(f, len);
	/* Nobody has told us where the peer is, but his packet came from somewhere. */
	assert_int_equal(n_out, 2);
	assert_int_equal(out[0].kind, PKT_ICMP);
	assert_int_equal(out[0].icmp_type, ICMP_ECHO_REPLY);
	assert_int_equal(out[0].icmp_rest, 0x12345678);
	assert_int_equal(out[0].payload_len, sizeof(body));
	assert_int_equal(out[0].src, US + 100);
	assert_memory_equal(out[0].eth_dst, peer_mac, 6);
	assert_int_equal(out[1].arp_tpa, PEER);
}

static void
test_udp(void **state)
{
	struct build_ip ip = from_peer(US);
	uint8_t f[128];

	(void)state;
	give(f, build_udp(f, sizeof(f), &ip, 1000, 53, "question", 8));
	assert_int_equal(out[0].icmp_type, ICMP_UNREACHABLE);
	assert_int_equal(out[0].icmp_code, ICMP_PORT_UNREACHABLE);
	assert_int_equal(out[0].payload_len, 28 + 8);
}

/* RFC 9293 3.10.7.1 */
static void
test_closed_port(void **state)
{
	struct build_ip ip = from_peer(US);
	struct tcp_seg seg = {.seq = 1000, .ack = 5000, .wnd = 1000};

	(void)state;
	give_arp(broadcast, ARP_REQUEST, PEER, US);
	n_out = 0;
	seg.flags = TCP_SYN;
	give_tcp(&ip, 8, &seg);
	assert_int_equal(n_out, 1);
	assert_int_equal(out[0].tcp.flags, TCP_RST | TCP_ACK);
	assert_int_equal(out[0].tcp.ack, 1001);
	assert_int_equal(out[0].sport, 8);
	seg.flags = TCP_ACK;
	give_tcp(&ip, 7, &seg);
	assert_int_equal(n_out, 2);
	assert_int_equal(out[1].tcp.flags, TCP_RST);
	assert_int_equal(out[1].tcp.seq, 5000);
	seg.flags = TCP_SYN | TCP_ACK;
	give_tcp(&ip, 7, &seg);
	assert_int_equal(n_out, 3);
	seg.flags = TCP_RST;
	give_tcp(&ip, 7, &seg);
	seg.flags = TCP_SYN | TCP_FIN;
	give_tcp(&ip, 7, &seg);
	assert_int_equal(n_out, 3);
	assert_int_equal(stats().drop_no_listener, 1);
	assert_int_equal(stats().drop_no_connection, 3);
	assert_int_equal(stats().drop_bad_syn, 1);
	assert_int_equal(stats().conns, 0);
}

static void
test_reset_limit(void **state)
{
	struct build_ip ip = from_peer(US);
	struct tcp_seg seg = {.flags = TCP_SYN, .wnd = 1000};
	struct stack_conf c;
	struct stack_stats st;

	end(state);
	kit_conf(&c);
	c.resets_per_s = 10000;
	h = kit_host(&c, 1, US, 1);
	for (unsigned i = 0; i < 3000; i++)
		give_tcp(&ip, 8, &seg);
	st = stats();
	assert_int_equal(st.tcp_out + st.drop_rate_limit, 3000);
	assert_in_range(st.tcp_out, 1000, 1002);
	now += KIT_SECOND;
	give_tcp(&ip, 8, &seg);
	assert_int_equal(stats().tcp_out, st.tcp_out + 1);
}

/* Out of empty frames, answers are left out and counted; connections wait. */
static void
test_no_frames(void **state)
{
	struct build_ip ip = from_peer(US);
	struct tcp_seg seg = {.seq = 9, .flags = TCP_SYN, .wnd = 1000};

	(void)state;
	turns();
	give_arp(broadcast, ARP_REQUEST, PEER, US);
	n_out = 0;
	for (struct frame f; stack_take_frames(h->s, &f, 1) > 0; h->n_frames--)
		free(f.handle);
	h->poor = true;
	give_arp(broadcast, ARP_REQUEST, PEER, US);
	give_tcp(&ip, 8, &seg);
	give_tcp(&ip, 7, &seg);
	assert_int_equal(n_out, 0);
	assert_int_equal(stats().drop_no_frame, 2);
	assert_true(stack_output(h->s, now));
	h->poor = false;
	turns();
	assert_int_equal(n_out, 1);
	assert_int_equal(out[0].tcp.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(stats().tcp.segs_retransmitted, 0);
}

/* A port that takes nothing: what waits becomes stale, the stack goes on, and nothing is lost but
 * frames. */
static void
test_stuck_port(void **state)
{
	struct build_ip ip = from_peer(US);
	struct tcp_seg seg = {.flags = TCP_SYN, .wnd = 1000};
	const struct frame *f;

	(void)state;
	turns();
	h->deaf = true;
	for (unsigned i = 0; i < 2000; i++) {
		now += KIT_MS / 10;
		give_tcp(&ip, 8, &seg);
		assert_true(stack_tx(h->s, 0, &f) <= 512);
	}
	assert_true(stats().drop_no_frame > 1000);
	assert_int_equal(stats().drop_tx, 0);
	now += 200 * KIT_MS;
	turns();
	assert_true(stats().drop_tx >= 512);
	h->deaf = false;
	n_out = 0;
	give_tcp(&ip, 8, &seg);
	assert_in_range(n_out, 1, 2);
}

/* --- ICMP errors reach the connection that they quote, if it can be it --- */

static void
give_error(uint8_t code, uint16_t mtu, const struct pkt *quoted, uint32_t seq)
{
	struct build_ip ip = from_peer(US), q = {.src = US, .dst = quoted->dst, .ttl = 60};
	struct tcp_seg seg = {.seq = seq};
	uint8_t inner[128], f[256];

	build_tcp(inner, sizeof(inner), &q, quoted->sport, quoted->dport, &seg, NULL);
	give(f, build_icmp(f, sizeof(f), &ip, ICMP_UNREACHABLE, code, mtu, inner + 14, 28));
}

static void
test_icmp_errors(void **state)
{
	struct stack_open o = {
	    .flow = {.laddr = US, .raddr = PEER, .lport = 4000, .rport = 80},
	};
	struct stack_stats st;
	uint32_t id;

	(void)state;
	give_arp(broadcast, ARP_REQUEST, PEER, US);
	n_out = 0;
	assert_int_equal(stack_connect(h->s, &o, now, &id), 0);
	turns();
	assert_int_equal(out[0].tcp.flags, TCP_SYN);
	give_error(ICMP_PORT_UNREACHABLE, 0, &out[0], out[0].tcp.seq + 1000);
	out[0].sport++; /* no connection of ours */
	give_error(ICMP_PORT_UNREACHABLE, 0, &out[0], out[0].tcp.seq);
	out[0].sport--;
	assert_int_equal(stack_tcb(h->s, id)->state, TCP_SYN_SENT);
	give_error(ICMP_PORT_UNREACHABLE, 0, &out[0], out[0].tcp.seq);
	assert_int_equal(stack_tcb(h->s, id)->state, TCP_FREE);
	st = stats();
	assert_int_equal(st.conns, 0);
	assert_int_equal(st.icmp_in, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_arp_answers, begin, end),
	    cmocka_unit_test_setup_teardown(test_announcements, begin, end),
	    cmocka_unit_test_setup_teardown(test_resolve, begin, end),
	    cmocka_unit_test_setup_teardown(test_not_ours, begin, end),
	    cmocka_unit_test_setup_teardown(test_checksums, begin, end),
	    cmocka_unit_test_setup_teardown(test_second_netif, begin, end),
	    cmocka_unit_test_setup_teardown(test_full_netif, begin, end),
	    cmocka_unit_test_setup_teardown(test_too_many_netifs, begin, end),
	    cmocka_unit_test_setup_teardown(test_ping, begin, end),
	    cmocka_unit_test_setup_teardown(test_udp, begin, end),
	    cmocka_unit_test_setup_teardown(test_closed_port, begin, end),
	    cmocka_unit_test_setup_teardown(test_reset_limit, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_frames, begin, end),
	    cmocka_unit_test_setup_teardown(test_stuck_port, begin, end),
	    cmocka_unit_test_setup_teardown(test_icmp_errors, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
