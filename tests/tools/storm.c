/* storm.c - sends random and mutated frames into a Linux interface: storm IFACE COUNT SEED DST_MAC DST_IP PORT. For tests, in namespaces only. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rng.h"
#include "base/units.h"
#include "wire/build.h"
#include "wire/pkt.h"

enum { FRAME_MAX = 1514, BURST = 32, PAUSE_US = 300 };

struct target {
	uint8_t mac[6];
	uint32_t ip;
	uint16_t port;
};

static const uint8_t own_mac[6] = {0x02, 0xba, 0xd0, 0, 0, 1};

static struct build_ip
ip_to(const struct target *t, struct rng *rng)
{
	struct build_ip ip = {
	    .src = (t->ip & 0xffffff00) | (uint32_t)(100 + rng_below(rng, 100)),
	    .dst = t->ip,
	    .ttl = 64,
	    .tos = (uint8_t)rng_u64(rng),
	    .vlan = (uint16_t)(rng_chance(rng, 0.05) ? 1 + rng_below(rng, 4094) : 0),
	};

	memcpy(ip.eth_dst, t->mac, sizeof(ip.eth_dst));
	memcpy(ip.eth_src, own_mac, sizeof(ip.eth_src));
	return ip;
}

static size_t
make_tcp(uint8_t *frame, const struct target *t, struct rng *rng, const uint8_t *noise)
{
	const struct build_ip ip = ip_to(t, rng);
	struct tcp_seg seg = {
	    .seq = (uint32_t)rng_u64(rng),
	    .ack = (uint32_t)rng_u64(rng),
	    .wnd = (uint16_t)rng_u64(rng),
	    .flags = (uint8_t)(rng_chance(rng, 0.3) ? TCP_SYN : rng_u64(rng)),
	    .opts = (uint8_t)(rng_u64(rng) & 15),
	    .mss = (uint16_t)rng_u64(rng),
	    .wscale = (uint8_t)rng_below(rng, 15),
	    .urg = (uint16_t)rng_u64(rng),
	    .len = (uint16_t)(rng_chance(rng, 0.5) ? 0 : rng_below(rng, 1400)),
	};

	return build_tcp(frame, FRAME_MAX, &ip, (uint16_t)(1024 + rng_below(rng, 1000)),
			 (uint16_t)(rng_chance(rng, 0.8) ? t->port : rng_u64(rng)), &seg, noise);
}

static size_t
make_other(uint8_t *frame, const struct target *t, struct rng *rng, const uint8_t *noise)
{
	const struct build_ip ip = ip_to(t, rng);
	uint16_t len = (uint16_t)rng_below(rng, 1400);

	switch (rng_below(rng, 3)) {
	case 0:
		return build_udp(frame, FRAME_MAX, &ip, (uint16_t)rng_u64(rng),
				 (uint16_t)rng_u64(rng), noise, len);
	case 1:
		return build_icmp(frame, FRAME_MAX, &ip, (uint8_t)rng_below(rng, 20),
				  (uint8_t)rng_below(rng, 16), (uint32_t)rng_u64(rng), noise, len);
	default:
		return build_arp(frame, FRAME_MAX, t->mac, 0, (uint16_t)rng_below(rng, 4), own_mac,
				 ip.src, t->mac, t->ip);
	}
}

/* A frame that is well-formed or was so before some of its octets, or its length, were changed, or that never was. */
static size_t
make_frame(uint8_t *frame, const struct target *t, struct rng *rng)
{
	uint8_t noise[FRAME_MAX];

	for (unsigned i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)rng_u64(rng);
	if (rng_chance(rng, 0.1)) {
		size_t len = 14 + rng_below(rng, FRAME_MAX - 13);

		memcpy(frame, noise, len);
		memcpy(frame, t->mac, sizeof(t->mac));
		return len;
	}
	size_t len = rng_chance(rng, 0.7) ? make_tcp(frame, t, rng, noise)
					  : make_other(frame, t, rng, noise);

	for (uint64_t n = rng_below(rng, 4); n > 0; n--)
		frame[rng_below(rng, len < 80 ? len : 80)] = (uint8_t)rng_u64(rng);
	if (rng_chance(rng, 0.1))
		len = 14 + rng_below(rng, len - 13);
	return len;
}

static int
open_interface(const char *name)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (to.sll_ifindex == 0 || fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		die("%s: %s", name, strerror(errno));
	return fd;
}

int
main(int argc, char **argv)
{
	struct target t;
	struct rng rng;
	uint8_t frame[FRAME_MAX];
	unsigned long refused = 0;

	log_init(argv[0]);
	if (argc != 7 ||
	    sscanf(argv[4], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &t.mac[0], &t.mac[1], &t.mac[2],
		   &t.mac[3], &t.mac[4], &t.mac[5]) != 6 ||
	    units_parse_ipv4(argv[5], &t.ip))
		die_usage("usage: storm IFACE COUNT SEED DST_MAC DST_IP PORT");
	t.port = (uint16_t)atoi(argv[6]);
	rng_seed(&rng, strtoull(argv[3], NULL, 0), 0);
	int fd = open_interface(argv[1]);

	for (unsigned long i = 0, count = strtoul(argv[2], NULL, 0); i < count; i++) {
		size_t len = make_frame(frame, &t, &rng);

		refused += send(fd, frame, len, 0) != (ssize_t)len;
		if (i % BURST == BURST - 1)
			usleep(PAUSE_US);
	}
	close(fd);
	if (refused)
		log_info("%lu frames were refused by the kernel", refused);
	return 0;
}
