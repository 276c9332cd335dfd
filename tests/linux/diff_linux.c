/* diff_linux.c - the kernel's TCP behind a tap, in a network namespace that ends with the program. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define TAP "diff0"

enum { RCVBUF = 1 << 20, BACKLOG = 1024, FENCE_ID = 0xfe9c, FENCE_WAIT_MS = 1000 };

/* What would answer later than at once, or remember other connections, is off. */
static const char *const settings[] = {
    "net.ipv6.conf.all.disable_ipv6=1",
    "net.ipv6.conf.default.disable_ipv6=1",
    "net.ipv4.tcp_timestamps=1",
    "net.ipv4.tcp_sack=1",
    "net.ipv4.tcp_dsack=1",
    "net.ipv4.tcp_ecn=0",
    "net.ipv4.tcp_syncookies=0",
    "net.ipv4.tcp_no_metrics_save=1",
    "net.ipv4.tcp_invalid_ratelimit=0",
    "net.ipv4.tcp_early_retrans=0",
    "net.ipv4.tcp_autocorking=0",
    "net.ipv4.tcp_mtu_probing=0",
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.ip_local_port_range=1024 1030",
};

static int tap = -1, listener[2] = {-1, -1}, conn = -1;
static struct flow flow;
static uint16_t fence_seq;
static bool accepted, eof, reset, ended, paused;

static void
run(const char *command)
{
	if (system(command) != 0)
		die("'%s' failed: iproute2 and root are needed", command);
}

static void
set(const char *setting)
{
	char path[128], value[64];
	FILE *f;

	if (sscanf(setting, "%127[^=]=%63[^\n]", path, value) != 2)
		die("setting '%s'", setting);
	for (char *p = path; *p; p++)
		if (*p == '.')
			*p = '/';
	char file[160];
	snprintf(file, sizeof(file), "/proc/sys/%s", path);
	f = fopen(file, "w");
	if (!f || fprintf(f, "%s\n", value) < 0 || fclose(f) != 0)
		log_debug("%s: %s", file, strerror(errno)); /* not in every kernel */
}

static void
open_tap(void)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), TAP);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &ifr) < 0)
		die("/dev/net/tun: %s: root is needed", strerror(errno));
}

static void
set_option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) < 0)
		die("setsockopt %d: %s", name, strerror(errno));
}

/* The window that is advertised is DIFF_WINDOW as long as the user reads. */
static int
make_socket(bool nodelay)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF);
	set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	set_option(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, DIFF_WINDOW);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, nodelay);
	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0)
		die("congestion control cubic: %s", strerror(errno));
	return fd;
}

static void
bind_to(int fd, uint16_t port)
{
	const struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(DIFF_ADDR)};

	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		die("bind %u: %s", port, strerror(errno));
}

void
diff_linux_start(void)
{
	static const uint16_t port[2] = {DIFF_PORT_NAGLE, DIFF_PORT_NODELAY};

	if (unshare(CLONE_NEWNET) < 0)
		die("a network namespace: %s: root is needed", strerror(errno));
	for (unsigned i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		set(settings[i]);
	open_tap();
	run("ip link set lo up && ip link set " TAP " address 02:00:00:00:00:01 up"
	    " && ip addr add 10.90.0.1/16 dev " TAP
	    " && ip neigh add 10.90.0.254 lladdr 02:00:00:00:00:fe nud permanent dev " TAP
	    " && ip route add default via 10.90.0.254 dev " TAP " quickack 1");
	for (unsigned i = 0; i < 2; i++) {
		listener[i] = make_socket(port[i] == DIFF_PORT_NODELAY);
		bind_to(listener[i], port[i]);
		if (listen(listener[i], BACKLOG) < 0)
			die("listen: %s", strerror(errno));
	}
}

static void
put(const uint8_t *frame, size_t len)
{
	if (write(tap, frame, len) < 0 && errno != EINVAL)
		die("%s: %s", TAP, strerror(errno));
}

static void
accept_it(void)
{
	for (unsigned i = 0; i < 2 && conn < 0; i++)
		conn = accept4(listener[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	accepted |= conn >= 0;
}

static void
close_now(void)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	setsockopt(conn, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(conn);
	conn = -1;
	ended = true;
}

static void
linux_begin(const struct flow *f)
{
	flow = *f;
	while (accept_it(), conn >= 0)
		close_now(); /* came after the end of the one before */
	accepted = eof = reset = ended = paused = false;
}

/* --- the user --- */

static void
connect_out(void)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(flow.rport),
				       .sin_addr.s_addr = htonl(flow.raddr)};

	conn = make_socket(true);
	bind_to(conn, flow.lport);
	if (connect(conn, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		die("connect: %s", strerror(errno));
}

static uint32_t
linux_call(enum call call, const uint8_t *data, uint32_t len)
{
	ssize_t n;

	switch (call) {
	case CALL_CONNECT:
		connect_out();
		return 0;
	case CALL_WRITE:
		n = conn < 0 ? -1 : send(conn, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		return n < 0 ? 0 : (uint32_t)n;
	case CALL_PAUSE:
	case CALL_RESUME:
		paused = call == CALL_PAUSE;
		return 0;
	case CALL_SHUTDOWN:
		if (conn >= 0)
			shutdown(conn, SHUT_WR);
		return 0;
	case CALL_ABORT:
		if (conn >= 0)
			close_now();
		return 0;
	}
	return 0;
}

static void
read_it(struct answer *a)
{
	while (!paused && a->n_read < DIFF_READ) {
		ssize_t n = recv(conn, a->read + a->n_read, DIFF_READ - a->n_read, 0);

		if (n > 0) {
			a->n_read += (uint32_t)n;
			continue;
		}
		if (n == 0)
			eof |= !reset;
		else if (errno != EAGAIN && errno != ENOTCONN)
			reset = true;
		return;
	}
}

static enum tcp_state
state_of(int fd)
{
	/* by the numbers of the kernel; TIME-WAIT and CLOSED are one to the user */
	static const enum tcp_state state[] = {
	    [1] = TCP_ESTABLISHED, [2] = TCP_SYN_SENT, [3] = TCP_SYN_RECEIVED, [4] = TCP_FIN_WAIT_1,
	    [5] = TCP_FIN_WAIT_2,  [6] = TCP_CLOSED,   [7] = TCP_CLOSED,       [8] = TCP_CLOSE_WAIT,
	    [9] = TCP_LAST_ACK,	   [10] = TCP_FREE,    [11] = TCP_CLOSING,
	};
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || info.tcpi_state > 11)
		return TCP_FREE;
	return state[info.tcpi_state];
}

static int
error_of(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? 0 : err;
}

/* --- the wire --- */

/* Everything that the kernel has sent before it answers this echo is of the step before. */
static void
put_fence(void)
{
	const struct build_ip ip = {.src = DIFF_GATEWAY, .dst = DIFF_ADDR, .ttl = 64};
	struct build_ip fence = ip;
	uint8_t frame[64];

	memcpy(fence.eth_dst, diff_host_mac, 6);
	memcpy(fence.eth_src, diff_wire_mac, 6);
	put(frame, build_icmp(frame, sizeof(frame), &fence, 8, 0,
			      (uint32_t)FENCE_ID << 16 | ++fence_seq, NULL, 0));
}

static bool
is_fence(const struct pkt *k)
{
	return k->kind == PKT_ICMP && k->icmp_type == 0 &&
	       k->icmp_rest == ((uint32_t)FENCE_ID << 16 | fence_seq);
}

/* Of a connection before. */
static bool
is_late(const struct pkt *k)
{
	return (k->kind == PKT_TCP && k->dst != flow.raddr) || is_late_fragment(k);
}

static void
drain(struct answer *a)
{
	struct pollfd p = {.fd = tap, .events = POLLIN};

	for (;;) {
		if (a->n == DIFF_REPLIES)
			die("more than %d answers to one step", DIFF_REPLIES);
		ssize_t n = read(tap, a->frame[a->n], DIFF_FRAME);

		if (n < 0 && errno != EAGAIN)
			die(TAP ": %s", strerror(errno));
		if (n < 0) {
			if (poll(&p, 1, FENCE_WAIT_MS) != 1)
				die("the kernel does not answer an echo");
			continue;
		}
		pkt_parse(&a->reply[a->n], a->frame[a->n], (size_t)n, 0);
		if (is_fence(&a->reply[a->n]))
			return;
		a->n += !is_late(&a->reply[a->n]);
	}
}

static void
linux_settle(struct answer *a)
{
	a->n = 0;
	a->n_read = 0;
	if (conn < 0 && !ended)
		accept_it();
	if (conn >= 0)
		read_it(a);
	put_fence();
	drain(a);
	a->state = conn >= 0 ? state_of(conn) : ended ? TCP_CLOSED : TCP_FREE;
	if (conn >= 0 && !reset && a->state == TCP_CLOSED)
		reset = error_of(conn) != 0;
	ended |= a->state == TCP_CLOSED;
	a->accepted = accepted;
	a->eof = eof;
	a->reset = reset;
	a->ended = ended;
}

static void
linux_end(void)
{
	if (conn >= 0)
		linux_call(CALL_ABORT, NULL, 0);
}

const struct host diff_linux = {
    .name = "Linux",
    .begin = linux_begin,
    .frame = put,
    .call = linux_call,
    .settle = linux_settle,
    .end = linux_end,
};
