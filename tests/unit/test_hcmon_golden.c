/* test_hcmon_golden.c - the captures in tests/golden/hcmon are these packets; hcmon.bats compares what hcmon says of them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pcapfile.h"
#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/pkt.h"

/* GOLDEN_UPDATE=1 in the environment writes the captures instead of comparing. */
static const char folder[] = "tests/golden/hcmon";

enum { CLIENT = 0x0a000001, SERVER = 0x0a000064, SNAPLEN = 65535, START_S = 1700000000 };

struct tape {
	struct pcapfile_writer *w;
	uint64_t us; /* since START_S */
	uint32_t c_iss, s_iss;
	uint16_t c_port, s_port, vlan;
	uint32_t snaplen;
	uint8_t frame[2048];
	size_t len;
};

static void
put_frame(struct tape *t)
{
	uint32_t len = (uint32_t)t->len;

	pcapfile_write(t->w, UINT64_C(1000000000) * START_S + t->us * 1000, t->frame,
		       len < t->snaplen ? len : t->snaplen, len);
	t->us += 10;
}

static void
build(struct tape *t, bool from_client, int seq, int ack, uint8_t flags, const void *payload,
      uint16_t len)
{
	struct build_ip ip = {.eth_dst = {2, 0, 0, 0, 0, 2},
			      .eth_src = {2, 0, 0, 0, 0, 1},
			      .vlan = t->vlan,
			      .src = from_client ? CLIENT : SERVER,
			      .dst = from_client ? SERVER : CLIENT,
			      .ttl = 64};
	uint32_t mine = from_client ? t->c_iss : t->s_iss,
		 other = from_client ? t->s_iss : t->c_iss;
	struct tcp_seg seg = {.seq = mine + 1 + (uint32_t)seq,
			      .ack = flags & TCP_ACK ? other + 1 + (uint32_t)ack : 0,
			      .wnd = 1000,
			      .flags = flags,
			      .len = len};

	t->len = build_tcp(t->frame, sizeof(t->frame), &ip, from_client ? t->c_port : t->s_port,
			   from_client ? t->s_port : t->c_port, &seg, payload);
}

/* Offsets count from the first octet of data; a SYN is at -1. */
static void
c(struct tape *t, int seq, int ack, uint8_t flags, const void *payload, uint16_t len)
{
	build(t, true, seq, ack, flags, payload, len);
	put_frame(t);
}

static void
s(struct tape *t, int seq, int ack, uint8_t flags, const void *payload, uint16_t len)
{
	build(t, false, seq, ack, flags, payload, len);
	put_frame(t);
}

static void
handshake(struct tape *t)
{
	c(t, -1, 0, TCP_SYN, NULL, 0);
	s(t, -1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	c(t, 0, 0, TCP_ACK, NULL, 0);
}

static const uint8_t request[20] = {1, 0, 0, 0, 0, 1, 2};
static const uint8_t heartbeat[20] = {1, 0, 0, 0, 0, 0, 2, 0, 8};
static const uint8_t response[30] = "HTTP/1\003 200 OK";

/* Two connections of the iot protocol, one in a VLAN, closed by FIN both ways and by RST. */
static void
iot(struct tape *t)
{
	handshake(t);
	t->us = 1000;
	c(t, 0, 0, TCP_ACK | TCP_PSH, heartbeat, 20);
	t->us = 1040;
	s(t, 0, 20, TCP_ACK, NULL, 0);
	t->us = 2000;
	c(t, 20, 0, TCP_ACK | TCP_PSH, request, 20);
	t->us = 2250;
	s(t, 0, 40, TCP_ACK | TCP_PSH, response, 30);
	c(t, 40, 30, TCP_ACK, NULL, 0);
	t->c_port++;
	t->vlan = 7;
	t->us = 500000;
	handshake(t);
	c(t, 0, 0, TCP_ACK | TCP_PSH, request, 20);
	t->us = 1500000; /* the second interval */
	s(t, 0, 20, TCP_ACK | TCP_PSH, response, 30);
	c(t, 20, 30, TCP_RST | TCP_ACK, NULL, 0);
	t->c_port--;
	t->vlan = 0;
	c(t, 40, 30, TCP_FIN | TCP_ACK, NULL, 0);
	s(t, 30, 41, TCP_FIN | TCP_ACK, NULL, 0);
	c(t, 41, 31, TCP_ACK, NULL, 0);
}

/* Sequence numbers wrap; requests come late and twice, responses overtake each other. */
static void
lossy(struct tape *t)
{
	t->c_iss = 0xffffffe0;
	t->s_iss = 0xffffffd0;
	handshake(t);
	t->us = 1000;
	c(t, 20, 0, TCP_ACK, request, 20); /* overtakes the first */
	t->us = 1100;
	c(t, 0, 0, TCP_ACK, request, 20);
	t->us = 1500;
	s(t, 30, 40, TCP_ACK, response, 30); /* of the second, overtakes */
	t->us = 1600;
	s(t, 0, 40, TCP_ACK, response, 30);
	t->us = 2000;
	c(t, 40, 60, TCP_ACK, request, 20);
	t->us = 202000;
	c(t, 40, 60, TCP_ACK, request, 20); /* again, no ACK in between: ambiguous */
	t->us = 202100;
	s(t, 60, 60, TCP_ACK, response, 30);
	t->us = 203000;
	s(t, 60, 60, TCP_ACK, response, 30); /* again */
	c(t, 60, 90, TCP_ACK, request, 20);
	s(t, 90, 80, TCP_ACK, NULL, 0);
	c(t, 60, 90, TCP_ACK, request, 20); /* again, but after its ACK */
	t->us = 203900;
	s(t, 90, 80, TCP_ACK, response, 30);
}

/* What the tap did not see shows in the ACKs of it. */
static void
taploss(struct tape *t)
{
	handshake(t);
	s(t, 0, 20, TCP_ACK, response, 30); /* its request is missing */
	c(t, 20, 30, TCP_ACK, request, 20);
	c(t, 40, 60, TCP_ACK, request, 20); /* acknowledges a response that is missing */
	t->us = 500;
	s(t, 60, 60, TCP_ACK, response, 30);
	c(t, 60, 90, TCP_ACK, request, 20); /* no response until the connection is reset */
	s(t, 90, 80, TCP_RST | TCP_ACK, NULL, 0);
	c(t, 80, 90, TCP_ACK, NULL, 0);
}

/* By port: two requests on one connection, a body of several segments; another server port is not looked at. */
static void
http(struct tape *t)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	static const uint8_t body[1000] = "HTTP/1.1 200 OK\r\n";

	handshake(t);
	t->us = 100;
	c(t, 0, 0, TCP_ACK | TCP_PSH, get, 10);
	t->us = 150;
	c(t, 10, 0, TCP_ACK | TCP_PSH, get + 10, 17);
	t->us = 200;
	s(t, 0, 27, TCP_ACK, NULL, 0);
	t->us = 400;
	s(t, 0, 27, TCP_ACK, body, 1000);
	s(t, 1000, 27, TCP_ACK, body, 1000);
	s(t, 2000, 27, TCP_ACK | TCP_PSH, body, 500);
	c(t, 27, 2500, TCP_ACK, NULL, 0);
	t->us = 900;
	c(t, 27, 2500, TCP_ACK | TCP_PSH, get, 27);
	t->us = 933;
	s(t, 2500, 54, TCP_ACK | TCP_PSH, body, 200);
	c(t, 54, 2700, TCP_ACK | TCP_PSH, get, 27); /* still open at the end */
	t->s_port = 443;
	handshake(t);
	c(t, 0, 0, TCP_ACK | TCP_PSH, get, 27);
	s(t, 0, 27, TCP_ACK | TCP_PSH, body, 100);
}

/* Begins in the middle; the tuple is used again, first after RST, then without any end of the old connection. */
static void
midstream(struct tape *t)
{
	c(t, 5000, 700, TCP_ACK, NULL, 0); /* nothing known, nothing carried: no flow */
	s(t, 700, 5000, TCP_ACK, response, 30);
	t->us = 1000;
	c(t, 5000, 730, TCP_ACK, request, 20);
	t->us = 1700;
	s(t, 730, 5020, TCP_ACK, response, 30);
	c(t, 5020, 760, TCP_RST, NULL, 0);
	t->c_iss += 1000000;
	t->s_iss += 2000000;
	handshake(t);
	c(t, 0, 0, TCP_ACK, request, 20);
	t->c_iss += 1000000;
	t->s_iss += 2000000;
	handshake(t);
	t->us = 3000;
	c(t, 0, 0, TCP_ACK, request, 20);
	t->us = 3111;
	s(t, 0, 20, TCP_ACK, response, 30);
}

static void
put_bytes(struct tape *t, const void *p, size_t len)
{
	memset(t->frame, 0, 64);
	memcpy(t->frame, p, len);
	t->len = len;
	put_frame(t);
}

/* Everything that is not a whole TCP segment over IPv4 has a name. */
static void
odd(struct tape *t)
{
	static const uint8_t ipv6[60] = {[12] = 0x86, [13] = 0xdd, [14] = 0x60};
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1}, none[6];
	struct build_ip ip = {.src = CLIENT, .dst = SERVER, .ttl = 64};

	t->len =
	    build_arp(t->frame, sizeof(t->frame), none, 0, ARP_REQUEST, mac, CLIENT, none, SERVER);
	put_frame(t);
	t->len = build_udp(t->frame, sizeof(t->frame), &ip, 53, 53, "query", 5);
	put_frame(t);
	t->len = build_icmp(t->frame, sizeof(t->frame), &ip, 8, 0, 1, "ping", 4);
	put_frame(t);
	put_bytes(t, ipv6, sizeof(ipv6));
	put_bytes(t, ipv6, 10);
	handshake(t);
	build(t, true, 0, 0, TCP_ACK, request, 20); /* a second fragment */
	store_be16(t->frame + 20, 100);
	put_frame(t);
	build(t, true, 0, 0, TCP_ACK, request, 20); /* IP version 5 */
	t->frame[14] = 0x55;
	put_frame(t);
	build(t, true, 0, 0, TCP_ACK, request, 20); /* a data offset of 3 words */
	t->frame[14 + 20 + 12] = 0x30;
	put_frame(t);
	build(t, true, 0, 0, TCP_ACK, request, 20); /* the checksum that a veth leaves behind */
	t->frame[14 + 20 + 16] ^= 0xff;
	put_frame(t);
	t->us = 800;
	s(t, 0, 20, TCP_ACK, response, 30);
	t->snaplen = 60; /* cut before the label, header whole */
	c(t, 20, 30, TCP_ACK, request, 20);
	t->snaplen = 50; /* cut in the header */
	c(t, 40, 30, TCP_ACK, request, 20);
	t->snaplen = SNAPLEN;
}

/* A silence of two days, stamps that run backwards. */
static void
clock_(struct tape *t)
{
	handshake(t);
	c(t, 0, 0, TCP_ACK, request, 20);
	t->us += 2500000;
	s(t, 0, 20, TCP_ACK, response, 30);
	t->us += UINT64_C(2) * 86400 * 1000000;
	c(t, 20, 30, TCP_ACK, request, 20);
	t->us -= 500000;
	s(t, 30, 40, TCP_ACK, response, 30);
	t->us -= 3000000;
	c(t, 40, 60, TCP_ACK, request, 20);
	t->us += 100;
	s(t, 60, 60, TCP_ACK, response, 30);
}

static size_t
read_file(const char *path, uint8_t *buf, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		fail_msg("%s is missing: make it with GOLDEN_UPDATE=1", path);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

static void
record(const char *path, void (*play)(struct tape *t))
{
	char err[PCAPFILE_ERRBUF];
	struct tape t = {.c_iss = 1000,
			 .s_iss = 5000,
			 .c_port = 1025,
			 .s_port = 80,
			 .snaplen = SNAPLEN,
			 .w = pcapfile_create(path, SNAPLEN, err)};

	if (!t.w)
		fail_msg("%s", err);
	play(&t);
	assert_int_equal(pcapfile_finish(t.w), 0);
}

static void
check(const char *name, void (*play)(struct tape *t))
{
	static uint8_t want[65536], got[65536];
	char golden[128], fresh[] = "/tmp/golden.XXXXXX";
	size_t n_want, n_got;

	snprintf(golden, sizeof(golden), "%s/%s.pcap", folder, name);
	if (getenv("GOLDEN_UPDATE")) {
		record(golden, play);
		return;
	}
	close(mkstemp(fresh));
	record(fresh, play);
	n_want = read_file(golden, want, sizeof(want));
	n_got = read_file(fresh, got, sizeof(got));
	unlink(fresh);
	assert_int_equal(n_got, n_want);
	assert_memory_equal(got, want, n_want);
}

#define GOLDEN(name, play)                            \
	static void name(void **state)                \
	{                                             \
		(void)state;                          \
		check(strchr(#name, 0x5f) + 1, play); \
	}
GOLDEN(hcmon_iot, iot)
GOLDEN(hcmon_lossy, lossy)
GOLDEN(hcmon_taploss, taploss)
GOLDEN(hcmon_http, http)
GOLDEN(hcmon_midstream, midstream)
GOLDEN(hcmon_odd, odd)
GOLDEN(hcmon_lenient, odd) /* the same, without --verify-checksums */
GOLDEN(hcmon_clock, clock_)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hcmon_iot),       cmocka_unit_test(hcmon_lossy),
	    cmocka_unit_test(hcmon_http),      cmocka_unit_test(hcmon_taploss),
	    cmocka_unit_test(hcmon_odd),       cmocka_unit_test(hcmon_lenient),
	    cmocka_unit_test(hcmon_midstream), cmocka_unit_test(hcmon_clock),
	};

	return cmocka_run_group_tests_name("hcmon_golden", tests, NULL, NULL);
}
