/* kernel.c - the load over ordinary sockets: threads, limits, and the loop. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "mcc/carrier.h"

enum {
	EVENTS = 64, /* a turn takes so many at most, */
	OPENS = 16,
	SENDS = 32, /* and does so much of each kind, so that nothing waits for long */
	CLOSES = 64,
	SPARE_FILES = 64,
	BUFFER_BYTES = 65536,
	LONGEST_SLEEP_NS = 100000000,
};

/* --- what the machine must have --- */

static void
check_files(const struct conf *c)
{
	const rlim_t need = c->conns + SPARE_FILES;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= need)
		return;
	limit.rlim_cur = need;
	if (limit.rlim_max < need)
		limit.rlim_max = need; /* root may */
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	die("%" PRIu64
	    " sockets need %ju open files, the limit is %ju: raise it (ulimit -n %ju, as root; "
	    "sysctl fs.nr_open bounds it)",
	    c->conns, (uintmax_t)need, (uintmax_t)limit.rlim_max, (uintmax_t)need);
}

/* Ports that connect() may choose for one address. */
static uint64_t
ephemeral_ports(void)
{
	unsigned low = 32768, high = 60999; /* Linux's own default */
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	if (f) {
		if (fscanf(f, "%u %u", &low, &high) != 2 || high < low)
			low = high = 0;
		fclose(f);
	}
	return high - low + 1;
}

static void
check_ports(const struct conf *c)
{
	const uint64_t ips = c->bind_sources ? c->ips : 1, ports = ephemeral_ports();
	const bool loopback = c->dest >> 24 == 127;

	if (c->conns <= ips * ports)
		return;
	die("%" PRIu64 " connections: %" PRIu64 " source address%s x %" PRIu64 " ports are %" PRIu64
	    ": add --ip %s --ips %" PRIu64 ", or widen net.ipv4.ip_local_port_range",
	    c->conns, ips, ips == 1 ? "" : "es", ports, ips * ports,
	    loopback ? "127.0.0.11/8" : "FIRST/LEN", (c->conns + ports - 1) / ports);
}

/* The first and the last address must be this machine's. */
static void
check_sources(const struct conf *c)
{
	const uint32_t ends[] = {c->ip.addr, c->ip.addr + (uint32_t)c->ips - 1};
	char addr[32];

	for (unsigned i = 0; c->bind_sources && i < 2; i++) {
		const struct sockaddr_in a = {.sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(ends[i])};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int err = bind(fd, (const struct sockaddr *)&a, sizeof(a)) ? errno : 0;

		close(fd);
		units_print_ipv4(addr, sizeof(addr), ends[i]);
		if (err)
			die("--ip, --ips: %s: %s; add it (ip address add %s/%u dev IFACE)", addr,
			    strerror(err), addr, c->ip.len);
	}
}

/* --- the loop --- */

static bool
open_due(struct kernel *k)
{
	uint32_t number;
	unsigned n = 0;

	while (n < OPENS && client_next_open(&k->client, &number)) {
		client_tell_time(&k->client, kernel_now_ns());
		sock_open(k, number);
		n++;
	}
	return n > 0;
}

static bool
send_due(struct kernel *k)
{
	struct schedule_message m;
	unsigned n = 0;

	while (n < SENDS && client_next_message(&k->client, &m)) {
		client_tell_time(&k->client, kernel_now_ns());
		sock_send(k, &m);
		schedule_advance(&k->client.schedule);
		n++;
	}
	return n > 0;
}

static bool
close_due(struct kernel *k)
{
	uint32_t number;
	unsigned n = 0;

	while (n < CLOSES && client_next_close(&k->client, &number)) {
		sock_close(k, number);
		n++;
	}
	return n > 0;
}

/* --think-time: the thread is busy so long for each answer, as MCC was. */
static void
think(struct kernel *k)
{
	const uint64_t answers = client_answers(&k->client);
	const uint64_t until = kernel_now_ns() + (answers - k->thought) * k->conf->think_ns;

	k->thought = answers;
	while (k->conf->think_ns && kernel_now_ns() < until)
		;
}

static void
sleep_and_take_events(struct kernel *k, bool busy)
{
	struct epoll_event events[EVENTS];
	struct timespec ts = {0};
	const uint64_t now = kernel_now_ns(), due = client_due(&k->client);
	const uint64_t next = due < k->exchange->next_ns ? due : k->exchange->next_ns;
	int n;

	if (!busy && !k->conf->poll && next > now)
		ts.tv_nsec = (long)(next - now < LONGEST_SLEEP_NS ? next - now : LONGEST_SLEEP_NS);
	n = epoll_pwait2(k->epoll, events, EVENTS, &ts, NULL);
	for (int i = 0; i < n; i++) {
		client_tell_time(&k->client, kernel_now_ns());
		sock_event(k, events[i].data.u32, events[i].events);
	}
}

static void *
kernel_loop(void *arg)
{
	struct kernel *k = arg;

	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	while (k->client.phase != PHASE_DONE) {
		bool busy;

		client_turn(&k->client, kernel_now_ns());
		if (carrier_is_stopped())
			client_stop(&k->client);
		busy = open_due(k);
		busy |= send_due(k);
		busy |= close_due(k);
		sleep_and_take_events(k, busy);
		think(k);
		if (exchange_is_due(k->exchange, k->client.now, busy))
			exchange_publish(k->exchange, &k->client, &k->stats);
	}
	exchange_finish(k->exchange, &k->client, &k->stats);
	return NULL;
}

/* --- threads --- */

static void
init_thread(struct kernel *k, const struct conf *c, unsigned thread, uint64_t start_ns,
	    struct exchange *x)
{
	struct client_conf cc;

	*k = (struct kernel){.conf = c, .exchange = x, .thread = thread};
	k->dest = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)c->dest_port),
				       .sin_addr.s_addr = htonl(c->dest)};
	conf_client(c, thread, c->threads, &cc);
	k->buffer = malloc(BUFFER_BYTES);
	k->socks = calloc(c->conns / c->threads + 1, sizeof(*k->socks));
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k->epoll < 0)
		die("epoll_create1: %m");
	if (!k->buffer || !k->socks || client_init(&k->client, &cc, start_ns, x->side[0]))
		die("no memory for %" PRIu64 " connections", c->conns);
	exchange_start(x, &k->client, start_ns);
}

static void
free_thread(struct kernel *k)
{
	close(k->epoll);
	free(k->buffer);
	free(k->socks);
	app_fini(&k->client.app);
}

bool
kernel_run(const struct conf *c, struct report *r)
{
	struct kernel *k = calloc(c->threads, sizeof(*k));
	pthread_t *threads = calloc(c->threads, sizeof(*threads));
	uint64_t start_ns;

	if (!k || !threads)
		die("no memory");
	check_ports(c);
	check_sources(c);
	check_files(c);
	start_ns = kernel_now_ns();
	for (unsigned i = 0; i < c->threads; i++)
		init_thread(&k[i], c, i, start_ns, &r->exchange[i]);
	if (report_start(r, c->threads, k[0].client.by_answer, start_ns))
		die("cannot start a thread: %m");
	for (unsigned i = 1; i < c->threads; i++)
		if (pthread_create(&threads[i], NULL, kernel_loop, &k[i]))
			die("cannot start a thread: %m");
	kernel_loop(&k[0]);
	for (unsigned i = 1; i < c->threads; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < c->threads; i++)
		free_thread(&k[i]);
	free(threads);
	free(k);
	return true;
}
