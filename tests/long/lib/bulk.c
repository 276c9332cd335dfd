/* bulk.c - bulk transfers by Linux's own sockets, for so many seconds: what was acknowledged, or came and was right. */
/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: bulk sink ADDR PORT\n"
    "       bulk send ADDR PORT FLOWS SECONDS    prints the octets acknowledged, a line a flow\n"
    "       bulk get ADDR PORT FLOWS SECONDS     GET /500000000; prints the octets of the body, a "
    "line a flow\n"
    "A body is lines of 16 octets that say where they are (000000000000032), and each octet is "
    "checked.\n";

enum { MAX_FLOWS = 256, BUFFER = 1 << 16, LINE = 16, EVENTS = 64 };

struct flow {
	int fd;
	bool in_body, over;
	uint64_t octets;   /* of the body */
	unsigned newlines; /* together, at the end of the head */
};

static struct flow flows[MAX_FLOWS];
static struct pollfd polls[MAX_FLOWS];
static char buffer[BUFFER];

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in
address(char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};

	if (inet_pton(AF_INET, argv[2], &a.sin_addr) != 1)
		fail(argv[2]);
	return a;
}

static void
sink_all(int listener)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, got[EVENTS];
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int n = epoll_wait(ep, got, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			ev.data.fd = got[i].data.fd;
			if (ev.data.fd == listener) {
				ev.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
				epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
			} else if (read(ev.data.fd, buffer, sizeof(buffer)) <= 0 &&
				   errno != EAGAIN) {
				close(ev.data.fd);
			}
		}
	}
}

static void
sink(char **argv)
{
	struct sockaddr_in a = address(argv);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0)
		fail("listen");
	sink_all(fd);
}

static int
open_flow(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0)
		fail("cubic");
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 && errno != EINPROGRESS)
		fail("connect");
	return fd;
}

static void
send_some(struct flow *f)
{
	ssize_t n = send(f->fd, buffer, sizeof(buffer), MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		perror("send");
		f->over = true;
	}
}

static void
write_line(char line[LINE], uint64_t offset)
{
	line[LINE - 1] = '\n';
	for (int i = LINE - 2; i >= 0; i--, offset /= 10)
		line[i] = (char)('0' + offset % 10);
}

/* The octets of the body are right, or the program ends. */
static void
check(struct flow *f, const char *p, size_t len)
{
	char line[LINE];

	while (len > 0) {
		size_t at = f->octets % LINE, n = LINE - at < len ? LINE - at : len;

		write_line(line, f->octets - at);
		if (memcmp(p, line + at, n) != 0) {
			fprintf(stderr, "an octet of the body near %llu is wrong\n",
				(unsigned long long)f->octets);
			exit(1);
		}
		f->octets += n;
		p += n;
		len -= n;
	}
}

static void
get_some(struct flow *f)
{
	static const char request[] = "GET /500000000 HTTP/1.1\r\nHost: x\r\n\r\n";
	ssize_t n, i = 0;

	if (f->newlines == 0 && !f->in_body && f->octets == 0) {
		if (send(f->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
			fail("request");
		f->newlines = 1;
		return;
	}
	n = recv(f->fd, buffer, sizeof(buffer), 0);
	if (n <= 0) {
		f->over = n == 0 || errno != EAGAIN;
		return;
	}
	for (; i < n && !f->in_body; i++) {
		f->newlines = buffer[i] == '\n'	  ? f->newlines + 1
			      : buffer[i] == '\r' ? f->newlines
						  : 1;
		f->in_body = f->newlines == 3;
	}
	check(f, buffer + i, (size_t)(n - i));
}

static uint64_t
acknowledged(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_bytes_acked;
}

static void
run(char **argv, bool sending)
{
	struct sockaddr_in a = address(argv);
	int n = atoi(argv[4]);
	double end = seconds() + atof(argv[5]), left;

	if (n < 1 || n > MAX_FLOWS)
		fail("flows");
	for (int i = 0; i < n; i++)
		polls[i] = (struct pollfd){.fd = flows[i].fd = open_flow(&a), .events = POLLOUT};
	while ((left = end - seconds()) > 0) {
		poll(polls, (nfds_t)n, (int)(left * 1000) + 1);
		for (int i = 0; i < n; i++) {
			if (!polls[i].revents)
				continue;
			sending ? send_some(&flows[i]) : get_some(&flows[i]);
			polls[i].events = sending ? POLLOUT : POLLIN;
			polls[i].fd = flows[i].over ? -1 : flows[i].fd;
		}
	}
	for (int i = 0; i < n; i++)
		printf("%llu\n",
		       (unsigned long long)(sending ? acknowledged(flows[i].fd) : flows[i].octets));
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "sink") == 0)
		sink(argv);
	else if (argc == 6 && strcmp(argv[1], "send") == 0)
		run(argv, true);
	else if (argc == 6 && strcmp(argv[1], "get") == 0)
		run(argv, false);
	else
		fputs(usage, stderr);
	return argc == 6 ? 0 : 2;
}
