/* bad_server.c - a TCP server that answers well, badly or not at all: what a load generator has to live with. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64, BUFFER = 65536, IOT_ANSWER = 146, MAX_FDS = 50000 };

static char buffer[BUFFER];
static unsigned messages[MAX_FDS]; /* by descriptor */

/* False: the connection is over. */
typedef bool on_data_fn(int fd, const char *data, ssize_t n);

static void
say(int fd, const void *data, size_t n)
{
	if (send(fd, data, n, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		perror("send");
}

static bool
echo(int fd, const char *data, ssize_t n)
{
	say(fd, data, (size_t)n);
	return true;
}

/* One message is one segment; only requests are answered. */
static bool
iot(int fd, const char *data, ssize_t n)
{
	char answer[IOT_ANSWER] = "HTTP/1.1 200 OK\r\n";

	answer[6] = 3;
	if (n > 5 && data[5] == 1)
		say(fd, answer, sizeof(answer));
	return true;
}

static bool
dribble(int fd, const char *data, ssize_t n)
{
	for (ssize_t i = 0; i < n; i++)
		say(fd, data + i, 1);
	return true;
}

static bool
mute(int fd, const char *data, ssize_t n)
{
	(void)fd;
	(void)data;
	(void)n;
	return true;
}

static bool
reset(int fd, const char *data, ssize_t n)
{
	const struct linger now = {.l_onoff = 1};

	if (++messages[fd] % 3)
		return echo(fd, data, n);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return false;
}

static bool
hang_up(int fd, const char *data, ssize_t n)
{
	echo(fd, data, n);
	return ++messages[fd] % 3 != 0;
}

/* Its own side is closed, the connection stays. */
static bool
half_close(int fd, const char *data, ssize_t n)
{
	echo(fd, data, n);
	shutdown(fd, SHUT_WR);
	return true;
}

static bool
garbage(int fd, const char *data, ssize_t n)
{
	(void)data;
	(void)n;
	say(fd, "\0\1\2 what?", 10);
	return true;
}

/* Never reads: not called. */
static bool
stall(int fd, const char *data, ssize_t n)
{
	return mute(fd, data, n);
}

/* Twice what was asked for. */
static bool
chatter(int fd, const char *data, ssize_t n)
{
	echo(fd, data, n);
	return echo(fd, data, n);
}

static const struct {
	const char *name;
	on_data_fn *on_data;
} modes[] = {
    {"echo", echo},	  {"iot", iot},		{"dribble", dribble}, {"mute", mute},
    {"reset", reset},	  {"hang-up", hang_up}, {"half", half_close}, {"garbage", garbage},
    {"chatter", chatter}, {"stall", stall},
};

static int
listen_on(const char *address, unsigned port)
{
	const struct sockaddr_in a = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = inet_addr(address)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) || listen(fd, 4096)) {
		perror("listen");
		exit(1);
	}
	return fd;
}

static void
add(int epoll, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
}

static void
take(int epoll, int listener, on_data_fn *on_data)
{
	int fd = accept(listener, NULL, NULL), one = 1;

	if (fd < 0)
		return;
	if (fd >= MAX_FDS) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	messages[fd] = 0;
	if (on_data != stall)
		add(epoll, fd);
}

static void
serve(int fd, on_data_fn *on_data)
{
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	if (n <= 0 || !on_data(fd, buffer, n))
		close(fd);
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	struct epoll_event events[EVENTS];
	on_data_fn *on_data = NULL;
	int epoll = epoll_create1(0), listener;

	for (size_t i = 0; argc >= 3 && i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(argv[2], modes[i].name))
			on_data = modes[i].on_data;
	if (!on_data) {
		fprintf(stderr, "usage: %s port mode [address]\n", argv[0]);
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < MAX_FDS ? files.rlim_max : MAX_FDS;
	setrlimit(RLIMIT_NOFILE, &files);
	listener = listen_on(argc > 3 ? argv[3] : "127.0.0.1", (unsigned)atoi(argv[1]));
	add(epoll, listener);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				take(epoll, listener, on_data);
			else
				serve(events[i].data.fd, on_data);
		}
	}
}
