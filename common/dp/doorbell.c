/* doorbell.c - the socket beside a memif: eventfds and a page of flags passed over SCM_RIGHTS. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, LINE_BYTES = 64, MAX_FDS = DP_MAX_QUEUES + 1, BACKLOG = 4 };

#define MAGIC UINT64_C(0x3165627741633031) /* says which protocol and which version of it */

struct hello {
	uint64_t magic;
	uint32_t queues;
	uint32_t slot_bytes;
};

struct answer {
	uint64_t magic;
	uint32_t queues; /* 0: busy */
	uint32_t pad;
};

/* Each flag on a line of its own, or two receivers would fight over it. */
struct bell_page {
	struct {
		uint32_t sleeping;
		uint8_t pad[LINE_BYTES - sizeof(uint32_t)];
	} side[2][DP_MAX_QUEUES];
};
_Static_assert(sizeof(struct bell_page) <= PAGE_BYTES, "one page");

/* --- messages with file descriptors --- */

static void
close_all(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static int
send_with_fds(int conn, const void *buf, size_t len, const int *fds, unsigned n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} ctl = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n) {
		struct cmsghdr *c;

		mh.msg_control = ctl.buf;
		mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(conn, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len ? 0 : -errno;
}

/* Adds those of c to the n that were there; what is too many is closed, but counted. */
static unsigned
keep_fds(struct cmsghdr *c, int fds[MAX_FDS], unsigned n)
{
	size_t bytes = c->cmsg_len - CMSG_LEN(0);

	for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
		if (n < MAX_FDS)
			fds[n] = fd;
		else
			close(fd);
		n++;
	}
	return n;
}

/* The number of descriptors that came along, or -errno; -EPROTO when it is not a message of this
 * size. */
static int
recv_with_fds(int conn, void *buf, size_t len, int fds[MAX_FDS])
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} ctl;
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = ctl.buf,
			    .msg_controllen = sizeof(ctl.buf)};
	ssize_t got = recvmsg(conn, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	unsigned n = 0;

	if (got < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = keep_fds(c, fds, n);
	}
	if (n <= MAX_FDS && got == (ssize_t)len && !(mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return (int)n;
	close_all(fds, n < MAX_FDS ? n : MAX_FDS);
	return -EPROTO;
}

/* --- sockets --- */

/* A socket for path, or -errno. */
static int
address(const char *path, struct sockaddr_un *sun)
{
	int fd;

	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(sun->sun_path))
		return -ENAMETOOLONG;
	strcpy(sun->sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

int
bell_listen(const char *path)
{
	struct sockaddr_un sun;
	int fd = address(path, &sun), rc;

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static int
dial(const char *path)
{
	struct sockaddr_un sun;
	int fd = address(path, &sun), rc;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* A full backlog is a listener too. */
bool
bell_is_served(const char *path)
{
	int fd = dial(path);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EAGAIN;
}

/* --- the bell --- */

int
bell_init(struct bell *b)
{
	b->conn = -1;
	b->page = NULL;
	for (unsigned q = 0; q < DP_MAX_QUEUES; q++)
		b->my_event[q] = b->peer_event[q] = -1;
	for (unsigned q = 0; q < DP_MAX_QUEUES; q++) {
		b->my_event[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (b->my_event[q] < 0)
			return -errno;
	}
	return 0;
}

void
bell_hang_up(struct bell *b)
{
	close_all(&b->conn, 1);
	close_all(b->peer_event, DP_MAX_QUEUES);
	if (b->page)
		munmap(b->page, PAGE_BYTES);
	b->page = NULL;
	b->queues = 0;
}

void
bell_fini(struct bell *b)
{
	bell_hang_up(b);
	close_all(b->my_event, DP_MAX_QUEUES);
}

/* Sealed, so that no peer can shrink it under our feet. */
static int
make_page(struct bell *b)
{
	int fd = memfd_create("doorbell", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, PAGE_BYTES) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		b->page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (b->page != MAP_FAILED)
			return fd;
		b->page = NULL;
	}
	close(fd);
	return -ENOMEM;
}

static bool
map_page(struct bell *b, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size != PAGE_BYTES ||
	    !(fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK))
		return false;
	b->page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b->page != MAP_FAILED)
		return true;
	b->page = NULL;
	return false;
}

static void
keep_peer_events(struct bell *b, const int *fds, unsigned n)
{
	for (unsigned q = 0; q < n; q++) {
		b->peer_event[q] = fds[q];
		fcntl(fds[q], F_SETFL, O_RDWR | O_NONBLOCK); /* never wait for a peer */
	}
}

int
bell_dial(struct bell *b, const char *path, uint16_t queues, uint32_t slot_bytes)
{
	struct hello hello = {.magic = MAGIC, .queues = queues, .slot_bytes = slot_bytes};
	int fds[MAX_FDS], rc;

	rc = dial(path);
	if (rc < 0)
		return rc;
	b->conn = rc;
	b->queues = queues;
	b->slot_bytes = slot_bytes;
	fds[0] = rc = make_page(b);
	if (rc >= 0) {
		memcpy(fds + 1, b->my_event, queues * sizeof(int));
		rc = send_with_fds(b->conn, &hello, sizeof(hello), fds, queues + 1u);
		close(fds[0]);
	}
	if (rc < 0)
		bell_hang_up(b);
	return rc;
}

enum bell_answer
bell_read_answer(struct bell *b)
{
	struct answer a;
	int fds[MAX_FDS], n = recv_with_fds(b->conn, &a, sizeof(a), fds);

	if (n == -EAGAIN || n == -EINTR)
		return BELL_WAIT;
	if (n < 0)
		return BELL_GONE;
	if (a.magic == MAGIC && a.queues == 0 && n == 0)
		return BELL_BUSY;
	if (a.magic != MAGIC || a.queues > b->queues || (unsigned)n != a.queues || n == 0) {
		close_all(fds, (unsigned)n);
		return BELL_GONE;
	}
	b->queues = (uint16_t)n;
	keep_peer_events(b, fds, (unsigned)n);
	return BELL_AGREED;
}

static bool
is_sound(const struct hello *h, int n)
{
	return h->magic == MAGIC && h->queues >= 1 && h->queues <= DP_MAX_QUEUES &&
	       (unsigned)n == h->queues + 1;
}

enum bell_answer
bell_admit(struct bell *b, int conn, uint16_t queues, bool free_now)
{
	struct answer a = {.magic = MAGIC};
	struct hello h;
	int fds[MAX_FDS], n = recv_with_fds(conn, &h, sizeof(h), fds);

	if (n == -EAGAIN || n == -EINTR)
		return BELL_WAIT;
	if (n < 0) {
		close(conn);
		return BELL_GONE;
	}
	if (!is_sound(&h, n) || !free_now || b->conn >= 0 || !map_page(b, fds[0])) {
		send_with_fds(conn, &a, sizeof(a), NULL, 0);
		close_all(fds, (unsigned)n);
		close(conn);
		return BELL_BUSY;
	}
	close(fds[0]);
	b->conn = conn;
	keep_peer_events(b, fds + 1, h.queues);
	b->slot_bytes = h.slot_bytes;
	b->queues = h.queues < queues ? (uint16_t)h.queues : queues;
	a.queues = b->queues;
	if (send_with_fds(conn, &a, sizeof(a), b->my_event, b->queues) == 0)
		return BELL_AGREED;
	bell_hang_up(b);
	return BELL_GONE;
}

/* Nothing more may come: end of file, an error and a further message are all the end. */
bool
bell_is_dead(const struct bell *b)
{
	char c;

	return b->conn >= 0 &&
	       !(recv(b->conn, &c, 1, MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR));
}

uint32_t *
bell_my_flag(const struct bell *b, bool server, unsigned q)
{
	return b->page && q < b->queues ? &b->page->side[server][q].sleeping : NULL;
}

uint32_t *
bell_peer_flag(const struct bell *b, bool server, unsigned q)
{
	return b->page && q < b->queues ? &b->page->side[!server][q].sleeping : NULL;
}
