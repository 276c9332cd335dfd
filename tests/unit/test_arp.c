/* test_arp.c - what we answer, what we believe, and whom we ask. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "inet/arp.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define US	       IP(10, 0, 0, 10) /* to .14, and 10.0.1.1 to .3 in another subnet */
#define PEER	       IP(10, 0, 0, 2)
#define SECOND	       UINT64_C(1000000000)
#define START	       (100 * SECOND)

enum { SLOTS = 64 };

struct fixture {
	struct neigh slots[SLOTS];
	struct neigh_table table;
	struct netif_addrs addrs;
	struct arp_result r;
};

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2},
		     other_mac[6] = {2, 0, 0, 0, 0, 3},
		     everybody[6] = {255, 255, 255, 255, 255, 255}, nobody[6];

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	neigh_table_init(&f.table, f.slots, SLOTS);
	assert_int_equal(addr_add_range(&f.addrs, US, 5, 24), 0);
	assert_int_equal(addr_add_range(&f.addrs, IP(10, 0, 1, 1), 3, 24), 0);
	*state = &f;
	return 0;
}

static void
input(struct fixture *f, uint16_t op, const uint8_t sha[6], uint32_t spa, uint32_t tpa,
      uint64_t now)
{
	struct pkt p = {.kind = PKT_ARP, .arp_op = op, .arp_spa = spa, .arp_tpa = tpa};

	memcpy(p.arp_sha, sha, 6);
	arp_input(&f->table, &f->addrs, our_mac, &p, now, &f->r);
}

static bool
known(struct fixture *f, uint32_t ip, uint64_t now, const uint8_t want[6])
{
	uint8_t mac[6];

	return neigh_lookup(&f->table, ip, now, mac) == NEIGH_FOUND && memcmp(mac, want, 6) == 0;
}

static void
test_answers_for_all(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 8; i++) {
		uint32_t ip = addr_local(&f->addrs, i);

		input(f, ARP_REQUEST, peer_mac, PEER, ip, START);
		assert_true(f->r.send);
		assert_int_equal(f->r.msg.op, ARP_REPLY);
		assert_int_equal(f->r.msg.spa, ip);
		assert_int_equal(f->r.msg.tpa, PEER);
		assert_memory_equal(f->r.msg.tha, peer_mac, 6);
		assert_memory_equal(f->r.msg.eth_dst, peer_mac, 6);
		assert_int_equal(f->r.resolved, 0);
	}
	assert_int_equal(f->table.stats.requests_in, 8);
	assert_int_equal(f->table.stats.replies_out, 8);
}

static void
test_silent_for_others(void **state)
{
	static const uint32_t others[] = {US - 1, US + 5,    IP(10, 0, 1, 4), IP(10, 0, 0, 255),
					  0,	  UINT32_MAX};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		input(f, ARP_REQUEST, peer_mac, PEER, others[i], START);
		assert_false(f->r.send);
	}
	assert_int_equal(f->table.stats.learned, 0);
}

/* RFC 5227: who asks before he takes an address has none yet. */
static void
test_probe(void **state)
{
	struct fixture *f = *state;

	input(f, ARP_REQUEST, peer_mac, 0, US + 1, START);
	assert_true(f->r.send);
	assert_int_equal(f->r.msg.spa, US + 1);
	assert_int_equal(f->r.msg.tpa, 0);
	assert_memory_equal(f->r.msg.eth_dst, peer_mac, 6);
	input(f, ARP_REQUEST, peer_mac, 0, PEER, START);
	assert_false(f->r.send);
	assert_int_equal(f->table.stats.learned, 0);
}

static void
test_learns_who_asks_for_us(void **state)
{
	struct fixture *f = *state;

	input(f, ARP_REQUEST, peer_mac, PEER, US, START);
	assert_true(known(f, PEER, START, peer_mac));
	input(f, ARP_REQUEST, other_mac, IP(10, 0, 0, 3), PEER, START);
	assert_int_equal(f->table.stats.learned, 1);
	input(f, ARP_REQUEST, other_mac, IP(172, 16, 0, 3), US, START); /* not of this link */
	assert_true(f->r.send);
	assert_int_equal(f->table.stats.learned, 1);
}

static void
test_resolution(void **state)
{
	struct fixture *f = *state;
	struct arp_msg m;
	uint8_t mac[6];

	assert_int_equal(neigh_lookup(&f->table, PEER, START, mac), NEIGH_PENDING);
	assert_true(neigh_next_request(&f->table, &f->addrs, START, &m));
	assert_int_equal(m.op, ARP_REQUEST);
	assert_int_equal(m.spa, US);
	assert_int_equal(m.tpa, PEER);
	assert_memory_equal(m.eth_dst, everybody, 6);
	assert_memory_equal(m.tha, nobody, 6);
	assert_false(neigh_next_request(&f->table, &f->addrs, START, &m));
	input(f, ARP_REPLY, peer_mac, PEER, US, START + 1);
	assert_false(f->r.send);
	assert_int_equal(f->r.resolved, PEER);
	assert_true(known(f, PEER, START + 2, peer_mac));
	input(f, ARP_REPLY, peer_mac, PEER, US, START + 3);
	assert_int_equal(f->r.resolved, 0);
	assert_int_equal(f->table.stats.requests_out, 1);
	assert_int_equal(f->table.stats.replies_in, 2);
}

static void
test_source_is_of_the_same_subnet(void **state)
{
	struct fixture *f = *state;
	struct arp_msg m;
	uint8_t mac[6];

	(void)neigh_lookup(&f->table, IP(10, 0, 1, 200), START, mac);
	assert_true(neigh_next_request(&f->table, &f->addrs, START, &m));
	assert_int_equal(m.spa, IP(10, 0, 1, 1));
}

/* The other end asks for us while we wait for it: one message answers both. */
static void
test_resolved_by_request(void **state)
{
	struct fixture *f = *state;
	uint8_t mac[6];

	assert_int_equal(neigh_lookup(&f->table, PEER, START, mac), NEIGH_PENDING);
	input(f, ARP_REQUEST, peer_mac, PEER, US, START + 1);
	assert_true(f->r.send);
	assert_int_equal(f->r.resolved, PEER);
	assert_true(known(f, PEER, START + 2, peer_mac));
}

static void
test_resolved_by_announcement(void **state)
{
	struct fixture *f = *state;
	uint8_t mac[6];

	assert_int_equal(neigh_lookup(&f->table, PEER, START, mac), NEIGH_PENDING);
	input(f, ARP_REQUEST, peer_mac, PEER, PEER, START + 1);
	assert_false(f->r.send);
	assert_int_equal(f->r.resolved, PEER);
}

static void
test_unicast_probe(void **state)
{
	struct fixture *f = *state;
	uint64_t old = START + NEIGH_REACHABLE_NS;
	struct arp_msg m;

	input(f, ARP_REQUEST, peer_mac, PEER, US, START);
	assert_true(known(f, PEER, old, peer_mac));
	assert_true(neigh_next_request(&f->table, &f->addrs, old, &m));
	assert_memory_equal(m.eth_dst, peer_mac, 6);
	assert_int_equal(m.tpa, PEER);
	assert_int_equal(f->table.stats.probes_out, 1);
	assert_int_equal(f->table.stats.requests_out, 0);
}

static void
test_unsolicited(void **state)
{
	struct fixture *f = *state;

	input(f, ARP_REPLY, other_mac, PEER, US, START);     /* nobody has asked */
	input(f, ARP_REPLY, other_mac, PEER, PEER, START);   /* gratuitous */
	input(f, ARP_REQUEST, other_mac, PEER, PEER, START); /* announced */
	assert_int_equal(f->table.stats.unsolicited, 2);
	assert_false(known(f, PEER, START, other_mac));
}

/* Neither replies nor announcements move a neighbour that we talk to. */
static void
test_no_poisoning(void **state)
{
	struct fixture *f = *state;
	uint64_t now = START + 5 * SECOND;

	input(f, ARP_REQUEST, peer_mac, PEER, US, START);
	assert_true(known(f, PEER, now, peer_mac));
	input(f, ARP_REPLY, other_mac, PEER, US, now);
	assert_int_equal(f->r.resolved, 0);
	input(f, ARP_REQUEST, other_mac, PEER, PEER, now);
	input(f, ARP_REQUEST, other_mac, PEER, US, now);
	assert_true(f->r.send); /* who asks is answered */
	assert_memory_equal(f->r.msg.eth_dst, other_mac, 6);
	assert_true(known(f, PEER, now, peer_mac));
	assert_int_equal(f->table.stats.conflicts, 3);
}

static void
test_defence(void **state)
{
	struct fixture *f = *state;

	input(f, ARP_REQUEST, other_mac, US + 2, US + 2, START);
	assert_true(f->r.send);
	assert_int_equal(f->r.msg.op, ARP_REQUEST);
	assert_int_equal(f->r.msg.spa, US + 2);
	assert_int_equal(f->r.msg.tpa, US + 2);
	assert_memory_equal(f->r.msg.eth_dst, everybody, 6);
	assert_int_equal(f->r.resolved, 0);
	input(f, ARP_REPLY, other_mac, US, PEER, START + 10 * SECOND - 1);
	assert_false(f->r.send);
	input(f, ARP_REQUEST, other_mac, US, US + 1, START + 10 * SECOND - 1);
	assert_false(f->r.send);
	input(f, ARP_REPLY, other_mac, US, PEER, START + 10 * SECOND);
	assert_true(f->r.send);
	assert_int_equal(f->table.stats.conflicts_self, 4);
	assert_int_equal(f->table.stats.defended, 2);
	assert_false(known(f, US, START, other_mac));
}

static void
test_own_messages(void **state)
{
	struct fixture *f = *state;

	input(f, ARP_REQUEST, our_mac, US, US, START);
	assert_false(f->r.send);
	input(f, ARP_REQUEST, our_mac, US, US + 1, START);
	assert_false(f->r.send);
	assert_int_equal(f->table.stats.own, 2);
	assert_int_equal(f->table.stats.conflicts_self, 0);
}

static void
test_malformed(void **state)
{
	static const uint8_t group[6] = {3, 0, 0, 0, 0, 2};
	struct fixture *f = *state;

	input(f, 3, peer_mac, PEER, US, START);
	assert_false(f->r.send);
	input(f, 0, peer_mac, PEER, US, START);
	assert_false(f->r.send);
	input(f, ARP_REQUEST, group, PEER, US, START);
	assert_false(f->r.send);
	input(f, ARP_REQUEST, everybody, PEER, US, START);
	assert_false(f->r.send);
	input(f, ARP_REQUEST, nobody, PEER, US, START);
	assert_false(f->r.send);
	input(f, ARP_REPLY, peer_mac, 0, US, START);
	input(f, ARP_REQUEST, peer_mac, IP(10, 0, 0, 255), US, START);
	assert_false(f->r.send);
	input(f, ARP_REQUEST, peer_mac, IP(224, 0, 0, 1), US, START);
	input(f, ARP_REQUEST, peer_mac, IP(127, 0, 0, 1), US, START);
	input(f, ARP_REQUEST, peer_mac, UINT32_MAX, US, START);
	assert_false(f->r.send);
	assert_int_equal(f->table.stats.malformed, 10);
	assert_int_equal(f->table.stats.learned, 0);
}

static void
test_announcement_on_the_wire(void **state)
{
	uint8_t frame[64];
	struct arp_msg m;
	struct pkt p;

	(void)state;
	arp_announce(&m, US);
	assert_int_equal(arp_build(frame, sizeof(frame), &m, our_mac, 7), 46);
	assert_int_equal(pkt_parse(&p, frame, 46, 0), PKT_OK);
	assert_int_equal(p.kind, PKT_ARP);
	assert_int_equal(p.vlan, 7);
	assert_memory_equal(p.eth_dst, everybody, 6);
	assert_memory_equal(p.eth_src, our_mac, 6);
	assert_memory_equal(p.arp_sha, our_mac, 6);
	assert_memory_equal(p.arp_tha, nobody, 6);
	assert_int_equal(p.arp_op, ARP_REQUEST);
	assert_int_equal(p.arp_spa, US);
	assert_int_equal(p.arp_tpa, US);
}

/* Two hosts with nothing between them find each other. */
static void
test_two_hosts(void **state)
{
	static struct fixture a, b;
	struct fixture *ends[2] = {&a, &b};
	uint8_t frame[64], mac[6];
	struct arp_msg m;
	struct pkt p;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		neigh_table_init(&ends[i]->table, ends[i]->slots, SLOTS);
		assert_int_equal(addr_add_range(&ends[i]->addrs, PEER + i, 1, 24), 0);
	}
	assert_int_equal(neigh_lookup(&a.table, PEER + 1, START, mac), NEIGH_PENDING);
	assert_true(neigh_next_request(&a.table, &a.addrs, START, &m));
	assert_int_equal(pkt_parse(&p, frame, arp_build(frame, 64, &m, peer_mac, 0), 0), PKT_OK);
	arp_input(&b.table, &b.addrs, other_mac, &p, START, &b.r);
	assert_true(b.r.send);
	assert_int_equal(pkt_parse(&p, frame, arp_build(frame, 64, &b.r.msg, other_mac, 0), 0),
			 PKT_OK);
	arp_input(&a.table, &a.addrs, peer_mac, &p, START, &a.r);
	assert_false(a.r.send);
	assert_int_equal(a.r.resolved, PEER + 1);
	assert_true(known(&a, PEER + 1, START, other_mac));
	assert_true(known(&b, PEER, START, peer_mac)); /* without asking */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_answers_for_all, setup),
	    cmocka_unit_test_setup(test_silent_for_others, setup),
	    cmocka_unit_test_setup(test_probe, setup),
	    cmocka_unit_test_setup(test_learns_who_asks_for_us, setup),
	    cmocka_unit_test_setup(test_resolution, setup),
	    cmocka_unit_test_setup(test_source_is_of_the_same_subnet, setup),
	    cmocka_unit_test_setup(test_resolved_by_request, setup),
	    cmocka_unit_test_setup(test_resolved_by_announcement, setup),
	    cmocka_unit_test_setup(test_unicast_probe, setup),
	    cmocka_unit_test_setup(test_unsolicited, setup),
	    cmocka_unit_test_setup(test_no_poisoning, setup),
	    cmocka_unit_test_setup(test_defence, setup),
	    cmocka_unit_test_setup(test_own_messages, setup),
	    cmocka_unit_test_setup(test_malformed, setup),
	    cmocka_unit_test(test_announcement_on_the_wire),
	    cmocka_unit_test(test_two_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
