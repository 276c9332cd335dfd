/* test_dp_doorbell.c - dp/doorbell.h: two ends that agree, ring and die; peers that talk nonsense. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dp/doorbell.h"

static char path[64];
static struct bell server, client;
static int listener;

static int
begin(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_dp_doorbell.%d", (int)getpid());
	unlink(path);
	assert_int_equal(bell_init(&server), 0);
	assert_int_equal(bell_init(&client), 0);
	listener = bell_listen(path);
	assert_true(listener >= 0);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	bell_fini(&server);
	bell_fini(&client);
	close(listener);
	unlink(path);
	return 0;
}

static int
pick_up(void)
{
	int conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	assert_true(conn >= 0);
	return conn;
}

static void
agree(uint16_t wanted, uint16_t offered)
{
	assert_int_equal(bell_dial(&client, path, wanted, 2048), 0);
	assert_int_equal(bell_read_answer(&client), BELL_WAIT);
	assert_int_equal(bell_admit(&server, pick_up(), offered, true), BELL_AGREED);
	assert_int_equal(bell_read_answer(&client), BELL_AGREED);
}

static uint64_t
rings(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void
both_agree_on_the_smaller_number(void **state)
{
	static const uint16_t cases[][3] = {{1, 1, 1}, {8, 8, 8}, {8, 1, 1}, {2, 5, 2}};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		agree(cases[i][0], cases[i][1]);
		assert_int_equal(server.queues, cases[i][2]);
		assert_int_equal(client.queues, cases[i][2]);
		assert_int_equal(server.slot_bytes, 2048);
		bell_hang_up(&client);
		assert_true(bell_is_dead(&server));
		bell_hang_up(&server);
	}
}

static void
each_flag_and_event_has_its_counterpart(void **state)
{
	(void)state;
	agree(3, 3);
	for (unsigned q = 0; q < 3; q++) {
		uint64_t one = 1;

		*bell_my_flag(&server, true, q) = 10 + q;
		*bell_my_flag(&client, false, q) = 20 + q;
		assert_int_equal(write(client.peer_event[q], &one, sizeof(one)), sizeof(one));
		assert_int_equal(rings(server.my_event[q]), 1);
		assert_int_equal(write(server.peer_event[q], &one, sizeof(one)), sizeof(one));
		assert_int_equal(rings(client.my_event[q]), 1);
	}
	for (unsigned q = 0; q < 3; q++) {
		assert_int_equal(*bell_peer_flag(&client, false, q), 10 + q);
		assert_int_equal(*bell_peer_flag(&server, true, q), 20 + q);
	}
	assert_null(bell_my_flag(&server, true, 3));
	assert_null(bell_peer_flag(&client, false, 3));
	bell_hang_up(&server);
	assert_null(bell_my_flag(&server, true, 0));
	assert_true(bell_is_dead(&client));
}

static void
a_second_client_is_told_so(void **state)
{
	struct bell second;

	(void)state;
	assert_int_equal(bell_init(&second), 0);
	agree(2, 2);
	assert_int_equal(bell_dial(&second, path, 2, 2048), 0);
	assert_int_equal(bell_admit(&server, pick_up(), 2, true), BELL_BUSY);
	assert_int_equal(bell_read_answer(&second), BELL_BUSY);
	bell_hang_up(&second);
	assert_false(bell_is_dead(&server));
	assert_false(bell_is_dead(&client));

	/* Not yet free, though nobody is on the line: the old client's rings still stand. */
	bell_hang_up(&client);
	bell_hang_up(&server);
	assert_int_equal(bell_dial(&second, path, 2, 2048), 0);
	assert_int_equal(bell_admit(&server, pick_up(), 2, false), BELL_BUSY);
	assert_int_equal(bell_read_answer(&second), BELL_BUSY);
	bell_fini(&second);
}

static void
nobody_there(void **state)
{
	char missing[80];

	(void)state;
	snprintf(missing, sizeof(missing), "%s.x", path);
	assert_int_equal(bell_dial(&client, missing, 1, 2048), -ENOENT);
	assert_false(bell_is_served(missing));
	assert_true(bell_is_served(path));
	close(listener);
	listener = -1;
	assert_int_equal(bell_dial(&client, path, 1, 2048), -ECONNREFUSED);
	assert_false(bell_is_served(path));
	assert_int_equal(client.conn, -1);
	assert_null(client.page);
}

static void
a_server_that_closes_unheard(void **state)
{
	(void)state;
	assert_int_equal(bell_dial(&client, path, 1, 2048), 0);
	close(pick_up());
	assert_int_equal(bell_read_answer(&client), BELL_GONE);
}

/* --- hostile peers: raw messages as in doorbell.c --- */

struct raw {
	uint64_t magic;
	uint32_t queues, slot_bytes;
};

static uint64_t
magic(void)
{
	struct raw raw = {0};
	int conn;

	assert_int_equal(bell_dial(&client, path, 1, 2048), 0);
	conn = pick_up();
	assert_int_equal(recv(conn, &raw, sizeof(raw), 0), sizeof(raw));
	close(conn);
	bell_hang_up(&client);
	return raw.magic;
}

static int
page_of(size_t bytes, int seals)
{
	int fd = memfd_create("page", MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void
send_raw(int conn, const void *buf, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(16 * sizeof(int))];
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
	assert_int_equal(sendmsg(conn, &mh, 0), len);
}

static size_t
open_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
nonsense_is_refused_and_leaks_nothing(void **state)
{
	const uint64_t right = magic();
	const int seal = F_SEAL_SHRINK;
	int page = page_of(4096, seal), unsealed = page_of(4096, 0), small = page_of(100, seal);
	int event = eventfd(0, EFD_NONBLOCK);
	const struct {
		struct raw raw;
		size_t len;
		int fds[12];
		size_t n;
	} cases[] = {
	    {{right, 1, 2048}, sizeof(struct raw), {unsealed, event}, 2},
	    {{right, 1, 2048}, sizeof(struct raw), {small, event}, 2},
	    {{right, 1, 2048}, sizeof(struct raw), {event, page}, 2},
	    {{right, 1, 2048}, sizeof(struct raw), {page}, 1},
	    {{right, 1, 2048}, sizeof(struct raw), {page, event, event}, 3},
	    {{right, 1, 2048}, sizeof(struct raw), {0}, 0},
	    {{right, 0, 2048}, sizeof(struct raw), {page}, 1},
	    {{right, 9, 2048},
	     sizeof(struct raw),
	     {page, event, event, event, event, event, event, event, event, event},
	     10},
	    {{right, UINT32_MAX, 2048}, sizeof(struct raw), {page, event}, 2},
	    {{right + 1, 1, 2048}, sizeof(struct raw), {page, event}, 2},
	    {{right, 1, 2048}, 1, {page, event}, 2},
	    {{right, 1, 2048}, sizeof(struct raw) - 1, {page, event}, 2},
	};
	size_t before = open_fds();

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
		send_raw(pair[0], &cases[i].raw, cases[i].len, cases[i].fds, cases[i].n);
		if (bell_admit(&server, pair[1], 2, true) == BELL_AGREED)
			fail_msg("case %zu was admitted", i);
		assert_int_equal(server.conn, -1);
		assert_null(server.page);
		close(pair[0]);
		assert_int_equal(open_fds(), before);
	}
	close(page);
	close(unsealed);
	close(small);
	close(event);
}

static void
nonsense_as_an_answer(void **state)
{
	const uint64_t right = magic();
	int event = eventfd(0, EFD_NONBLOCK);
	const int fds[2] = {event, event};
	const struct {
		struct raw raw;
		size_t n;
		enum bell_answer answer;
	} cases[] = {
	    {{right, 1, 0}, 1, BELL_AGREED}, {{right, 0, 0}, 0, BELL_BUSY},
	    {{right, 0, 0}, 1, BELL_GONE},   {{right, 1, 0}, 0, BELL_GONE},
	    {{right, 2, 0}, 1, BELL_GONE},   {{right, 1, 0}, 2, BELL_GONE},
	    {{right, 99, 0}, 1, BELL_GONE},  {{right + 1, 1, 0}, 1, BELL_GONE},
	    {{right, 2, 0}, 2, BELL_GONE},
	};
	size_t before = open_fds();

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		int conn;

		assert_int_equal(bell_dial(&client, path, 1, 2048), 0);
		conn = pick_up();
		send_raw(conn, &cases[i].raw, sizeof(struct raw), fds, cases[i].n);
		assert_int_equal(bell_read_answer(&client), cases[i].answer);
		close(conn);
		bell_hang_up(&client);
		assert_int_equal(open_fds(), before);
	}
	close(event);
}

static void
words_after_the_agreement_end_it(void **state)
{
	(void)state;
	agree(1, 1);
	assert_false(bell_is_dead(&server));
	assert_int_equal(send(client.conn, "x", 1, 0), 1);
	assert_true(bell_is_dead(&server));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(both_agree_on_the_smaller_number, begin, end),
	    cmocka_unit_test_setup_teardown(each_flag_and_event_has_its_counterpart, begin, end),
	    cmocka_unit_test_setup_teardown(a_second_client_is_told_so, begin, end),
	    cmocka_unit_test_setup_teardown(nobody_there, begin, end),
	    cmocka_unit_test_setup_teardown(a_server_that_closes_unheard, begin, end),
	    cmocka_unit_test_setup_teardown(nonsense_is_refused_and_leaks_nothing, begin, end),
	    cmocka_unit_test_setup_teardown(nonsense_as_an_answer, begin, end),
	    cmocka_unit_test_setup_teardown(words_after_the_agreement_end_it, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
