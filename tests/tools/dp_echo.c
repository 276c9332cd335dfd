/* dp_echo.c - a test's hand on any port: echo, generate, sink, forward, or measure round trips. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dp/dp.h"

static const char usage[] =
    "usage: dp_echo MODE [options] SPEC [SPEC]\n"
    "  echo      sends back what comes, addresses swapped\n"
    "  sink      counts what comes, checks the sequence of generate's frames\n"
    "  generate  sends numbered frames, until all -n are taken\n"
    "  pump      generate, and sink until all have come back\n"
    "  ping      one frame at a time, prints the round trips\n"
    "  forward   between two ports\n"
    "  -t SEC  -n FRAMES  -l OCTETS  -i PAUSE_US (ping)  -q QUEUES  -f BUFFERS  -B FRAME_OCTETS\n"
    "  -c CORES  -s (server)  -p (poll)  -y (share)  -P (promiscuous)  -H 0|1 (hugepages)  -v\n";

enum { ETHER_BYTES = 14, ETHER_TYPE = 0x88b5 /* for experiments, IEEE 802 */ };

static struct opts {
	const char *mode, *cores;
	double seconds;
	uint64_t frames;
	uint32_t length, buffers, frame_bytes;
	uint64_t pause_ns;
	uint16_t queues;
	int huge;
	bool server, poll, share, promiscuous;
} opt = {.seconds = 1, .length = 60, .buffers = 8192, .queues = 1, .huge = -1};

static struct dp_port *ports[2];
static unsigned n_ports;
static volatile sig_atomic_t stop;
static uint64_t end_ns;

/* What a worker's run has to show. */
struct tally {
	uint64_t rx, tx, gaps, dropped, foreign;
	uint64_t next_seq;
	bool done;
	uint64_t *rtt;
	unsigned n_rtt;
};

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
	for (unsigned i = 0; i < DP_MAX_WORKERS; i++)
		dp_wake(i);
}

static bool
is_over(void)
{
	return stop || dp_now_ns() >= end_ns;
}

/* --- frames --- */

static void
fill(struct frame *f, uint64_t seq)
{
	f->len = opt.length;
	memset(f->data, 0, f->len < 64 ? f->len : 64);
	memset(f->data, 0xff, 6);
	memcpy(f->data + 6, dp_port_mac(ports[0]), 6);
	f->data[12] = ETHER_TYPE >> 8;
	f->data[13] = ETHER_TYPE & 0xff;
	memcpy(f->data + ETHER_BYTES, &seq, sizeof(seq));
}

static bool
read_seq(const struct frame *f, uint64_t *seq)
{
	if (f->len < ETHER_BYTES + sizeof(*seq) || f->data[12] != ETHER_TYPE >> 8 ||
	    f->data[13] != (ETHER_TYPE & 0xff))
		return false;
	memcpy(seq, f->data + ETHER_BYTES, sizeof(*seq));
	return true;
}

static void
swap_macs(struct frame *f)
{
	uint8_t mac[6];

	memcpy(mac, f->data, 6);
	memcpy(f->data, f->data + 6, 6);
	memcpy(f->data + 6, mac, 6);
}

static void
count(struct tally *t, const struct frame *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t seq;

		if (!read_seq(&f[i], &seq)) {
			t->foreign++;
			continue;
		}
		t->gaps += seq != t->next_seq;
		t->next_seq = seq + 1;
		t->rx++;
	}
}

/* --- modes: one turn each; true when something was done --- */

static void
send_all(struct tally *t, struct dp_port *port, uint16_t q, struct frame *f, unsigned n)
{
	unsigned sent = 0;

	while (sent < n && !is_over()) {
		sent += dp_tx(port, q, f + sent, n - sent);
		if (sent < n && !dp_port_is_up(port))
			break;
		if (sent < n)
			dp_idle(q, true, 0); /* the reader may want this core */
	}
	t->tx += sent;
	t->dropped += n - sent;
	dp_frames_put(f + sent, n - sent);
}

static bool
turn_echo(struct tally *t, uint16_t q)
{
	struct frame f[DP_BURST];
	unsigned n = dp_rx(ports[0], q, f, DP_BURST);

	for (unsigned i = 0; i < n; i++)
		swap_macs(&f[i]);
	t->rx += n;
	if (n)
		send_all(t, ports[0], q, f, n);
	return n > 0;
}

static bool
turn_forward(struct tally *t, uint16_t q)
{
	unsigned total = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct frame f[DP_BURST];
		unsigned n = dp_rx(ports[i], q, f, DP_BURST);

		t->rx += n;
		if (n)
			send_all(t, ports[!i], q, f, n);
		total += n;
	}
	return total > 0;
}

static bool
turn_sink(struct tally *t, uint16_t q)
{
	struct frame f[DP_BURST];
	unsigned n = dp_rx(ports[0], q, f, DP_BURST);

	count(t, f, n);
	dp_frames_put(f, n);
	t->done = (opt.frames && t->rx >= opt.frames) || dp_port_at_end(ports[0]);
	return n > 0;
}

static bool
turn_generate(struct tally *t, uint16_t q)
{
	struct frame f[DP_BURST];
	uint64_t left = opt.frames ? opt.frames - t->tx : DP_BURST;
	unsigned n = left < DP_BURST ? (unsigned)left : DP_BURST, sent;

	t->done = n == 0;
	if (t->done || !dp_port_is_up(ports[0]) || !dp_frames_get(f, n))
		return false;
	for (unsigned i = 0; i < n; i++)
		fill(&f[i], t->tx + i);
	sent = dp_tx(ports[0], q, f, n);
	dp_frames_put(f + sent, n - sent);
	t->tx += sent;
	return sent > 0;
}

static bool
turn_pump(struct tally *t, uint16_t q)
{
	bool did = turn_generate(t, q);
	struct frame f[DP_BURST];
	unsigned n = dp_rx(ports[0], q, f, DP_BURST);

	count(t, f, n);
	dp_frames_put(f, n);
	t->done = opt.frames && t->rx >= opt.frames;
	return did || n;
}

static const struct mode {
	const char *name;
	bool (*turn)(struct tally *t, uint16_t q);
} modes[] = {
    {"echo", turn_echo}, {"sink", turn_sink},	    {"generate", turn_generate},
    {"pump", turn_pump}, {"forward", turn_forward},
};

static struct tally tallies[DP_MAX_WORKERS];

/* Worker w has queue w of each port. */
static void
work(unsigned worker, void *arg)
{
	const struct mode *mode = arg;
	struct tally *t = &tallies[worker];
	uint16_t q = (uint16_t)worker;

	for (unsigned i = 0; i < n_ports; i++)
		dp_idle_add(worker, ports[i], q);
	while (!is_over() && !t->done)
		dp_idle(worker, mode->turn(t, q), end_ns);
}

/* --- ping: a frame, its echo, a pause --- */

static bool
await_echo(struct tally *t, uint64_t seq, uint64_t sent_ns)
{
	while (!is_over() && dp_now_ns() - sent_ns < 1000000000) {
		struct frame f[DP_BURST];
		unsigned n = dp_rx(ports[0], 0, f, DP_BURST);
		bool found = false;

		for (unsigned i = 0; i < n; i++) {
			uint64_t got;

			found |= read_seq(&f[i], &got) && got == seq;
		}
		dp_frames_put(f, n);
		t->rx += found;
		if (found)
			return true;
		dp_idle(0, false, sent_ns + 1000000000);
	}
	return false;
}

static void
ping(unsigned worker, void *arg)
{
	struct tally *t = &tallies[worker];

	(void)arg;
	dp_idle_add(worker, ports[0], 0);
	while (!is_over() && t->n_rtt < opt.frames) {
		uint64_t start = dp_now_ns(), now;
		struct frame f;

		if (!dp_port_is_up(ports[0]) || !dp_frames_get(&f, 1)) {
			dp_idle(worker, false, end_ns);
			continue;
		}
		fill(&f, t->tx);
		if (dp_tx(ports[0], 0, &f, 1) == 1) {
			t->tx++;
			if (await_echo(t, t->tx - 1, start))
				t->rtt[t->n_rtt++] = dp_now_ns() - start;
		} else {
			dp_frames_put(&f, 1);
		}
		while ((now = dp_now_ns()) < start + opt.pause_ns && !is_over())
			dp_idle(worker, false, start + opt.pause_ns);
	}
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* --- main --- */

static void
parse(int argc, char **argv)
{
	int c;

	opt.mode = argc > 1 ? argv[1] : "";
	optind = 2;
	while ((c = getopt(argc, argv, "t:n:l:i:q:f:B:c:spyPH:v")) != -1) {
		switch (c) {
		case 't':
			opt.seconds = atof(optarg);
			break;
		case 'n':
			opt.frames = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			opt.length = (uint32_t)atoi(optarg);
			break;
		case 'i':
			opt.pause_ns = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'q':
			opt.queues = (uint16_t)atoi(optarg);
			break;
		case 'f':
			opt.buffers = (uint32_t)atoi(optarg);
			break;
		case 'B':
			opt.frame_bytes = (uint32_t)atoi(optarg);
			break;
		case 'c':
			opt.cores = optarg;
			break;
		case 's':
			opt.server = true;
			break;
		case 'p':
			opt.poll = true;
			break;
		case 'y':
			opt.share = true;
			break;
		case 'P':
			opt.promiscuous = true;
			break;
		case 'H':
			opt.huge = atoi(optarg);
			break;
		case 'v':
			log_set_level(LOG_DEBUG);
			break;
		default:
			die_usage("%s", usage);
		}
	}
	if (optind == argc || argc - optind > 2)
		die_usage("%s", usage);
}

static void
report(double elapsed_s)
{
	struct tally sum = {0};
	struct dp_port_stats s;

	for (unsigned w = 0; w < dp_n_workers(); w++) {
		sum.rx += tallies[w].rx;
		sum.tx += tallies[w].tx;
		sum.gaps += tallies[w].gaps;
		sum.dropped += tallies[w].dropped;
		sum.foreign += tallies[w].foreign;
	}
	dp_port_stats(ports[0], &s);
	printf("rx=%" PRIu64 " tx=%" PRIu64 " gaps=%" PRIu64 " dropped=%" PRIu64 " foreign=%" PRIu64
	       " rx_mpps=%.3f tx_mpps=%.3f cpu_pct=%.1f missed=%" PRIu64 " oversize=%" PRIu64
	       " too_long=%" PRIu64 " full=%" PRIu64 " reconnects=%" PRIu64
	       " queues=%u free=%u total=%u mtu=%u up=%d\n",
	       sum.rx, sum.tx, sum.gaps, sum.dropped, sum.foreign,
	       (double)s.rx_frames / elapsed_s / 1e6, (double)s.tx_frames / elapsed_s / 1e6,
	       (double)dp_cpu_ns() / elapsed_s / 1e7, s.rx_missed, s.rx_oversize, s.tx_oversize,
	       s.tx_full, s.reconnects, dp_port_queues(ports[0]), dp_frames_free(),
	       dp_frames_total(), dp_port_mtu(ports[0]), dp_port_is_up(ports[0]));
	if (tallies[0].n_rtt) {
		unsigned n = tallies[0].n_rtt;

		qsort(tallies[0].rtt, n, sizeof(uint64_t), compare);
		printf("rtt_us_p50=%.1f rtt_us_p99=%.1f rtt_us_max=%.1f n=%u\n",
		       (double)tallies[0].rtt[n / 2] / 1e3,
		       (double)tallies[0].rtt[n * 99 / 100] / 1e3,
		       (double)tallies[0].rtt[n - 1] / 1e3, n);
	}
}

static void
run(void)
{
	if (strcmp(opt.mode, "ping") == 0) {
		if (!opt.frames)
			opt.frames = 1000;
		tallies[0].rtt = calloc(opt.frames, sizeof(uint64_t));
		dp_run(ping, NULL);
		return;
	}
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(opt.mode, modes[i].name) == 0) {
			dp_run(work, (void *)(uintptr_t)&modes[i]);
			return;
		}
	die_usage("%s", usage);
}

int
main(int argc, char **argv)
{
	char err[DP_ERRBUF];
	uint64_t start;

	log_init("dp_echo");
	parse(argc, argv);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	if (dp_init(&(struct dp_conf){.program = "dp_echo",
				      .cores = opt.cores,
				      .huge = opt.huge,
				      .frames = opt.buffers,
				      .frame_bytes = opt.frame_bytes,
				      .poll = opt.poll,
				      .share = opt.share},
		    err) < 0)
		die("%s", err);
	for (; optind < argc; optind++) {
		ports[n_ports] = dp_port_open(&(struct dp_port_conf){.spec = argv[optind],
								     .promiscuous = opt.promiscuous,
								     .queues = opt.queues,
								     .server = opt.server},
					      err);
		if (!ports[n_ports])
			die("%s", err);
		log_info("%s open, %s", dp_port_name(ports[n_ports]),
			 dp_port_is_up(ports[n_ports]) ? "up" : "waiting for its peer");
		n_ports++;
	}
	start = dp_now_ns();
	end_ns = start + (uint64_t)(opt.seconds * 1e9);
	run();
	report((double)(dp_now_ns() - start) / 1e9);
	dp_fini();
	return 0;
}
