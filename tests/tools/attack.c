/* attack.c - a wire between clients and a server, and an attacker on it: floods, stalled peers, forged segments, bad frames. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "base/units.h"
#include "dp/dp.h"
#include "tests/tools/bad_frame.h"
#include "wire/build.h"
#include "wire/flow.h"
#include "wire/pkt.h"

static const char usage[] =
    "usage: attack MODE [options] CLIENTS SERVER\n"
    "  pass        nothing else: what the wire costs by itself\n"
    "  syn-flood   SYNs from 11/8\n"
    "  sockstress  -n peers from 10.64/10 connect, ask, and keep their window shut\n"
    "  slowloris   -n peers from 10.64/10 connect and send an octet of a request each 5 s\n"
    "  blind       RST, SYN, data and FIN with random numbers in the clients' names\n"
    "  bad-frames  -n frames of every kind of badness\n"
    "  -n COUNT  -r FRAMES_PER_S (0: as many as the server takes)  -w WAIT_S (before it begins)  "
    "-t SECONDS  -S SEED\n"
    "  -d SERVER_IP  -p PORT  -g GATEWAY_IP (ours: the server's way back)\n";

enum {
	FRAMES = 16384,
	ROOM = 2048,
	PEERS_MAX = 1 << 20,
	FLOWS = 1024,
	BURST = 32,
	PEER_PORT = 4096,
	OCTET_EVERY_S = 5,
	NET_PEERS = 0x0a400000,
	NET_FLOOD = 0x0b000000,
};

enum mode { PASS, SYN_FLOOD, SOCKSTRESS, SLOWLORIS, BLIND, BAD_FRAMES, N_MODES };
static const char *const mode_name[] = {"pass",	     "syn-flood", "sockstress",
					"slowloris", "blind",	  "bad-frames"};

struct peer {
	uint32_t seq, ack; /* next of ours, next of theirs */
	uint16_t port;	   /* counts up when it has been thrown out */
	bool established;
};

static struct opts {
	enum mode mode;
	uint64_t count, rate, wait_ns, end_ns, seed;
	uint32_t server_ip, gateway;
	uint16_t port;
} opt = {.count = 1000, .seed = 1, .server_ip = 0xc0a8030a, .gateway = 0xc0a803fe, .port = 80};

static const uint8_t our_mac[6] = {2, 0xba, 0xd0, 0, 0, 2};
static struct dp_port *clients, *server;
static uint8_t server_mac[6];
static bool knows_server;
static volatile sig_atomic_t stop;
static struct rng rng;
static struct peer *peers;
static struct flow flows[FLOWS]; /* of the clients, as they came by */
static unsigned n_flows;
static uint64_t sent, passed, answers, thrown_out, turn_at, next_peer, credit, credit_at;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
	dp_wake(0);
}

/* --- frames --- */

/* None is lost but for a port that is not there. */
static void
pass_on(struct dp_port *to, const struct frame *f, unsigned n)
{
	unsigned done = 0;

	while (done < n && dp_port_is_up(to) && !stop)
		done += dp_tx(to, 0, f + done, n - done);
	dp_frames_put(f + done, n - done);
	passed += done;
}

/* False: the server's ring is full. */
static bool
inject(const struct frame *f, unsigned n)
{
	unsigned done = dp_tx(server, 0, f, n);

	dp_frames_put(f + done, n - done);
	sent += done;
	return done == n;
}

static struct build_ip
ip_from(uint32_t src)
{
	struct build_ip ip = {.src = src, .dst = opt.server_ip, .ttl = 64};

	memcpy(ip.eth_dst, server_mac, 6);
	memcpy(ip.eth_src, our_mac, 6);
	return ip;
}

static void
send_segment(uint32_t src, uint16_t sport, const struct tcp_seg *seg, const char *text)
{
	const struct build_ip ip = ip_from(src);
	struct frame f;

	if (!dp_frames_get(&f, 1))
		return;
	f.len = (uint32_t)build_tcp(f.data, f.room, &ip, sport, opt.port, seg, text);
	inject(&f, 1);
}

static void
answer_arp(const struct pkt *k)
{
	struct frame f;

	if (!dp_frames_get(&f, 1))
		return;
	f.len = (uint32_t)build_arp(f.data, f.room, k->eth_src, 0, ARP_REPLY, our_mac, opt.gateway,
				    k->arp_sha, k->arp_spa);
	inject(&f, 1);
}

/* --- what the peers do --- */

static void
peer_connects(uint32_t i)
{
	struct peer *p = &peers[i];
	const struct tcp_seg syn = {.flags = TCP_SYN,
				    .seq = p->seq = (uint32_t)rng_u64(&rng),
				    .wnd = 1460,
				    .opts = TCP_OPT_MSS,
				    .mss = 1460};

	p->seq++;
	p->established = false;
	send_segment(NET_PEERS + i, p->port, &syn, NULL);
}

static void
peer_says(uint32_t i, const char *text)
{
	struct peer *p = &peers[i];
	const struct tcp_seg seg = {.flags = TCP_ACK | TCP_PSH,
				    .seq = p->seq,
				    .ack = p->ack,
				    .wnd = opt.mode == SLOWLORIS ? 1460 : 0,
				    .len = (uint16_t)strlen(text)};

	p->seq += seg.len;
	send_segment(NET_PEERS + i, p->port, &seg, text);
}

static void
peer_hears(uint32_t i, const struct tcp_seg *g)
{
	static const char request[] = "GET /100k HTTP/1.1\r\nHost: x\r\n\r\n",
			  begin[] = "GET / HTTP/1.1\r\nX: ";
	struct peer *p = &peers[i];

	answers++;
	if (g->flags & TCP_RST) {
		thrown_out += p->established;
		p->port++;
		peer_connects(i);
	} else if (g->flags & TCP_SYN) {
		p->ack = g->seq + 1;
		if (!p->established)
			peer_says(i, opt.mode == SLOWLORIS ? begin : request);
		p->established = true;
	} else if (tcp_seg_len(g) > 0) {
		/* Sockstress takes nothing; slowloris takes an early answer and FIN. */
		if (opt.mode == SLOWLORIS)
			p->ack = g->seq + tcp_seg_len(g);
		peer_says(i, "");
	}
}

static bool
is_ours(const struct pkt *k)
{
	if (k->kind == PKT_ARP && k->arp_op == ARP_REQUEST && k->arp_tpa == opt.gateway) {
		answer_arp(k);
		return true;
	}
	if (k->kind != PKT_TCP && k->kind != PKT_ICMP)
		return false;
	if (k->dst >> 24 == NET_FLOOD >> 24)
		return ++answers;
	if (k->dst >> 22 != NET_PEERS >> 22)
		return false;
	if (k->kind == PKT_TCP && peers && k->dst - NET_PEERS < opt.count &&
	    k->dport == peers[k->dst - NET_PEERS].port)
		peer_hears(k->dst - NET_PEERS, &k->tcp);
	return true;
}

/* --- the wire --- */

static bool
from_server(void)
{
	struct frame f[BURST], pass[BURST];
	unsigned n = dp_rx(server, 0, f, BURST), n_pass = 0;
	struct pkt k;

	for (unsigned i = 0; i < n; i++) {
		bool parsed = pkt_parse(&k, f[i].data, f[i].len, PKT_NO_CHECKSUM) == PKT_OK;

		if (parsed && !knows_server) {
			memcpy(server_mac, k.eth_src, 6);
			knows_server = true;
		}
		if (parsed && is_ours(&k))
			dp_frames_put(&f[i], 1);
		else
			pass[n_pass++] = f[i];
	}
	pass_on(clients, pass, n_pass);
	return n > 0;
}

static void
note_flow(const struct frame *f)
{
	struct pkt k;

	if (pkt_parse(&k, f->data, f->len, PKT_NO_CHECKSUM) == PKT_OK && k.kind == PKT_TCP)
		flows[n_flows++ % FLOWS] = (struct flow){k.src, k.dst, k.sport, k.dport};
}

static bool
from_clients(void)
{
	struct frame f[BURST];
	unsigned n = dp_rx(clients, 0, f, BURST);

	for (unsigned i = 0; i < n && opt.mode == BLIND; i++)
		note_flow(&f[i]);
	pass_on(server, f, n);
	return n > 0;
}

/* --- one frame of the attack --- */

static uint32_t
flood_frame(uint8_t *p)
{
	const struct build_ip ip = ip_from(NET_FLOOD | (uint32_t)(rng_u64(&rng) & 0xffffff));
	const struct tcp_seg syn = {.flags = TCP_SYN,
				    .seq = (uint32_t)rng_u64(&rng),
				    .wnd = 65535,
				    .opts =
					TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMP,
				    .mss = 1460,
				    .tsval = (uint32_t)turn_at};

	return (uint32_t)build_tcp(p, ROOM, &ip, (uint16_t)(1024 + rng_below(&rng, 60000)),
				   opt.port, &syn, NULL);
}

static uint32_t
blind_frame(uint8_t *p)
{
	static const uint8_t kinds[] = {TCP_RST,	   TCP_RST | TCP_ACK, TCP_SYN,
					TCP_ACK | TCP_PSH, TCP_FIN | TCP_ACK, TCP_SYN | TCP_ACK};
	const struct flow *f = &flows[rng_below(&rng, n_flows < FLOWS ? n_flows : FLOWS)];
	struct tcp_seg g = {.flags = kinds[rng_below(&rng, sizeof(kinds))],
			    .seq = (uint32_t)rng_u64(&rng),
			    .ack = (uint32_t)rng_u64(&rng),
			    .wnd = 1000};
	const struct build_ip ip = ip_from(f->laddr);

	if (g.flags & TCP_PSH)
		g.len = 16;
	return (uint32_t)build_tcp(p, ROOM, &ip, f->lport, f->rport, &g, "blindly injected");
}

static bool
flood(void)
{
	struct frame f[BURST];

	if (!dp_frames_get(f, BURST))
		return false;
	for (unsigned i = 0; i < BURST; i++)
		f[i].len = opt.mode == BLIND ? blind_frame(f[i].data)
			   : opt.mode == BAD_FRAMES
			       ? bad_frame(f[i].data, server_mac, opt.server_ip, opt.port, &rng)
			       : flood_frame(f[i].data);
	return inject(f, BURST);
}

/* Everybody in turn: connects, and then goes on being slow. */
static void
next_of_peers(void)
{
	uint32_t i = (uint32_t)(next_peer++ % opt.count);

	if (!peers[i].established)
		peer_connects(i);
	else if (opt.mode == SLOWLORIS)
		peer_says(i, "x");
}

/* How many frames the rate allows now. */
static uint64_t
allowance(void)
{
	uint64_t rate = opt.rate ? opt.rate : 100000;

	credit += (turn_at - credit_at) * rate;
	credit_at = turn_at;
	if (credit > 1000000000 * (uint64_t)BURST)
		credit = 1000000000 * (uint64_t)BURST;
	return credit / 1000000000;
}

static void
spend(uint64_t n)
{
	credit -= n * 1000000000;
}

static bool
attack(void)
{
	uint64_t n = allowance();

	switch (opt.mode) {
	case SOCKSTRESS:
	case SLOWLORIS:
		spend(n);
		for (uint64_t i = 0; i < n; i++)
			next_of_peers();
		return n > 0;
	case BLIND:
		if (n_flows == 0)
			return false;
		break;
	case BAD_FRAMES:
		if (sent >= opt.count)
			return false;
		break;
	default:
		break;
	}
	if (opt.rate && n < BURST)
		return false;
	if (opt.rate)
		spend(BURST);
	return flood();
}

static void
run(unsigned worker, void *arg)
{
	uint64_t begin = 0;

	(void)arg;
	dp_idle_add(worker, clients, 0);
	dp_idle_add(worker, server, 0);
	while (!stop && (opt.end_ns == 0 || dp_now_ns() < opt.end_ns)) {
		bool busy = from_server();

		busy |= from_clients();
		turn_at = dp_now_ns();
		if (knows_server && begin == 0)
			begin = credit_at = turn_at + opt.wait_ns;
		if (opt.mode != PASS && begin && turn_at >= begin)
			busy |= attack();
		dp_idle(worker, busy, turn_at + 1000000);
	}
}

static void
parse(int argc, char **argv)
{
	int c;

	for (opt.mode = 0; argc > 1 && opt.mode < N_MODES; opt.mode++)
		if (strcmp(argv[1], mode_name[opt.mode]) == 0)
			break;
	optind = 2;
	while ((c = getopt(argc, argv, "n:r:w:t:S:d:p:g:")) != -1)
		switch (c) {
		case 'n':
			opt.count = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			opt.rate = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			opt.wait_ns = (uint64_t)(atof(optarg) * 1e9);
			break;
		case 't':
			opt.end_ns = (uint64_t)(atof(optarg) * 1e9);
			break;
		case 'S':
			opt.seed = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			opt.port = (uint16_t)atoi(optarg);
			break;
		case 'd':
		case 'g':
			if (!units_parse_ipv4(optarg, c == 'd' ? &opt.server_ip : &opt.gateway))
				break;
			/* fall through */
		default:
			die_usage("%s", usage);
		}
	if (opt.mode == N_MODES || argc - optind != 2 || opt.count < 1 || opt.count > PEERS_MAX)
		die_usage("%s", usage);
}

static struct dp_port *
open_port(const char *name)
{
	const struct dp_port_conf conf = {.spec = name, .promiscuous = true, .queues = 1};
	char err[DP_ERRBUF];
	struct dp_port *port = dp_port_open(&conf, err);

	if (!port)
		die("%s", err);
	return port;
}

int
main(int argc, char **argv)
{
	char err[DP_ERRBUF];

	log_init("attack");
	parse(argc, argv);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (dp_init(&(struct dp_conf){.program = "attack", .frames = FRAMES, .huge = 0}, err))
		die("%s", err);
	clients = open_port(argv[optind]);
	server = open_port(argv[optind + 1]);
	rng_seed(&rng, opt.seed, 0);
	peers = calloc(opt.count, sizeof(*peers));
	for (uint64_t i = 0; i < opt.count; i++)
		peers[i].port = PEER_PORT;
	log_info("open");
	dp_run(run, NULL);
	printf("sent=%lu passed=%lu answers=%lu thrown_out=%lu\n", (unsigned long)sent,
	       (unsigned long)passed, (unsigned long)answers, (unsigned long)thrown_out);
	return 0;
}
