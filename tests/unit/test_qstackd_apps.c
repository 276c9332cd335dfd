/* test_qstackd_apps.c - the applications over a stack made here, whose send queue has as much room as the test says. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "qstackd/app.h"

/* One connection. What is sent piles up in `sent`; `room` limits how much of it is taken. */
struct stack {
	uint64_t word;
	uint8_t sent[1 << 16];
	uint32_t n_sent, room;
	uint8_t kept[1 << 16];
	uint32_t n_kept;
	bool closed, aborted;
};

uint64_t *
stack_app(struct stack *s, uint32_t conn)
{
	assert_int_equal(conn, 1);
	return &s->word;
}

uint32_t
stack_send(struct stack *s, uint32_t conn, const void *data, uint32_t len)
{
	uint32_t n = len < s->room ? len : s->room;

	assert_int_equal(conn, 1);
	assert_false(s->closed);
	memcpy(s->sent + s->n_sent, data, n);
	s->n_sent += n;
	s->room -= n;
	return n;
}

void
stack_keep(struct stack *s, const struct stack_event *ev, uint32_t len)
{
	assert_true(len <= ev->len);
	memcpy(s->kept + s->n_kept, ev->data + ev->len - len, len);
	s->n_kept += len;
}

uint32_t
stack_read(struct stack *s, uint32_t conn, const uint8_t **data)
{
	(void)conn;
	*data = s->kept;
	return s->n_kept < 100 ? s->n_kept : 100; /* in pieces, as blocks are */
}

void
stack_read_done(struct stack *s, uint32_t conn, uint32_t n)
{
	(void)conn;
	memmove(s->kept, s->kept + n, s->n_kept - n);
	s->n_kept -= n;
}

void
stack_abort(struct stack *s, uint32_t conn, uint64_t now)
{
	(void)now;
	assert_int_equal(conn, 1);
	s->aborted = true;
}

void
stack_close(struct stack *s, uint32_t conn, uint64_t now)
{
	(void)conn;
	(void)now;
	s->closed = true;
}

static struct stack fake;
static struct app app;

static void
start(const char *name, const struct app_conf *conf)
{
	fake = (struct stack){.room = UINT32_MAX};
	app = (struct app){.ops = app_find(name), .stack = &fake};
	assert_non_null(app.ops);
	if (app.ops->open)
		assert_int_equal(app.ops->open(&app, conf), 0);
}

static void
stop(void)
{
	if (app.ops->release)
		app.ops->release(&app);
}

/* Octets arrive as the stack hands them up: behind what is kept, else by reference. */
static void
arrive(const void *data, uint32_t len)
{
	struct stack_event ev = {.conn = 1, .type = STACK_DATA, .data = data, .len = len};

	if (fake.n_kept > 0) {
		memcpy(fake.kept + fake.n_kept, data, len);
		fake.n_kept += len;
		ev.type = STACK_READABLE;
	}
	app_event(&app, &ev);
}

static void
event(enum stack_event_type type)
{
	app_event(&app, &(struct stack_event){.conn = 1, .type = (uint8_t)type});
}

static const uint8_t request[16] = {1, 0, 0, 0, 0, 1, 2};
static const uint8_t heartbeat[16] = {2, 0, 0, 0, 0, 0, 2, 0, 8};

static void
assert_iot_answers(unsigned n)
{
	assert_int_equal(fake.n_sent, n * 146);
	for (unsigned i = 0; i < n; i++) {
		const char *a = (const char *)fake.sent + i * 146;

		assert_memory_equal(a, "HTTP/1\003", 7);
		assert_memory_equal(a + 7, "1 200 OK\r\nDate: 25.11.1985\r\n", 28);
		const char *body = strstr(a, "\r\n\r\n");

		assert_non_null(body);
		assert_int_equal(body + 4 + 21 - a, 146); /* Content-Length is true */
		assert_non_null(strstr(a, "Content-Length: 21\r\n"));
	}
}

static void
test_iot_segments(void **state)
{
	(void)state;
	start("iot", &(struct app_conf){.max_conns = 16});
	arrive(heartbeat, sizeof(heartbeat));
	assert_int_equal(fake.n_sent, 0);
	arrive(request, sizeof(request));
	assert_iot_answers(1);
	arrive("short", 5);
	assert_iot_answers(1);
	assert_int_equal(app.stats.requests, 1);
	assert_int_equal(app.stats.heartbeats, 1);
	assert_int_equal(app.stats.bad_requests, 1);
	event(STACK_EOF);
	assert_true(fake.closed);
	stop();
}

/* Messages of fixed length, cut at random places, answered into a send queue that is short of room. */
static void
test_iot_messages(void **state)
{
	enum { N = 300 };
	uint8_t stream[N * sizeof(request)];
	struct rng rng;
	uint32_t done = 0;

	(void)state;
	rng_seed(&rng, 3, 0);
	for (unsigned i = 0; i < N; i++)
		memcpy(stream + i * 16, i % 3 ? heartbeat : request, 16);
	start("iot", &(struct app_conf){.max_conns = 16, .message_length = 16});
	while (done < sizeof(stream)) {
		uint32_t n = 1 + (uint32_t)rng_below(&rng, 40);

		if (n > sizeof(stream) - done)
			n = (uint32_t)sizeof(stream) - done;
		fake.room = (uint32_t)rng_below(&rng, 200);
		arrive(stream + done, n);
		done += n;
		if (rng_chance(&rng, 0.5)) {
			fake.room = (uint32_t)rng_below(&rng, 2000);
			event(STACK_WRITABLE);
		}
	}
	fake.room = UINT32_MAX;
	event(STACK_WRITABLE);
	assert_int_equal(fake.n_kept, 0);
	assert_iot_answers(N / 3);
	assert_int_equal(app.stats.requests, N / 3);
	assert_int_equal(app.stats.answers, N / 3);
	assert_int_equal(app.stats.heartbeats, N - N / 3);
	stop();
}

static void
test_echo(void **state)
{
	char text[2000];

	(void)state;
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	start("echo", NULL);
	fake.room = 700;
	arrive(text, 1000);
	assert_int_equal(fake.n_sent, 700);
	assert_int_equal(fake.n_kept, 300);
	arrive(text + 1000, 1000);
	assert_int_equal(fake.n_sent, 700);
	fake.room = 550;
	event(STACK_WRITABLE);
	fake.room = 2000;
	event(STACK_WRITABLE);
	assert_int_equal(fake.n_sent, 2000);
	assert_memory_equal(fake.sent, text, 2000);
	stop();
}

#define GET(path, more) "GET " path " HTTP/1.1\r\nHost: x\r\n" more "\r\n"

static void
send_text(const char *text)
{
	arrive(text, (uint32_t)strlen(text));
}

/* Where the body of the first answer from octet `from` begins; checks its length. */
static uint32_t
body_at(uint32_t from, unsigned size)
{
	char want[64];
	const char *head = (const char *)fake.sent + from;
	const char *end = strstr(head, "\r\n\r\n");

	assert_non_null(end);
	snprintf(want, sizeof(want), "\r\nContent-Length: %u\r\n", size);
	assert_non_null(strstr(head, want));
	return (uint32_t)(end + 4 - (const char *)fake.sent);
}

static void
check_body(const uint8_t *body, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		char line[17];

		snprintf(line, sizeof(line), "%015u\n", i - i % 16);
		assert_int_equal(body[i], line[i % 16]);
	}
}

static void
test_http_pipeline(void **state)
{
	(void)state;
	start("http", &(struct app_conf){.http_size = 5});
	send_text(GET("/", "") GET("/33", "") "HEAD /7 HTTP/1.1\r\nHost: x\r\n\r\n" GET(
	    "/2", "Connection: close\r\n") "junk");
	uint32_t at = body_at(0, 5);

	check_body(fake.sent + at, 5);
	at = body_at(at + 5, 33);
	check_body(fake.sent + at, 33);
	at = body_at(at + 33, 7); /* HEAD: no body */
	at = body_at(at, 2);
	check_body(fake.sent + at, 2);
	assert_int_equal(at + 2, fake.n_sent);
	assert_true(fake.closed);
	assert_int_equal(app.stats.requests, 4);
	assert_int_equal(app.stats.answers, 4);
	assert_int_equal(app.stats.bad_requests, 0);
	stop();
}

/* A body of some chunks into a send queue that takes a little at a time, a second request waiting behind it. */
static void
test_http_little_room(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 4, 0);
	start("http", &(struct app_conf){.http_size = 5});
	fake.room = 0;
	send_text(GET("/20k", "") GET("/1", ""));
	assert_int_equal(fake.n_sent, 0);
	for (unsigned i = 0; i < 1000 && app.stats.answers < 2; i++) {
		fake.room = 1 + (uint32_t)rng_below(&rng, 300);
		event(STACK_WRITABLE);
	}
	uint32_t at = body_at(0, 20000);

	check_body(fake.sent + at, 20000);
	at = body_at(at + 20000, 1);
	assert_int_equal(at + 1, fake.n_sent);
	assert_false(fake.closed);
	stop();
}

static void
test_http_errors(void **state)
{
	(void)state;
	start("http", &(struct app_conf){.http_size = 5});
	send_text("BREW / HTTP/1.1\r\n\r\n");
	assert_memory_equal(fake.sent, "HTTP/1.1 405 ", 13);
	assert_true(fake.closed);
	stop();
	start("http", &(struct app_conf){.http_size = 5});
	send_text("GET / FTP\r\n\r\n");
	assert_memory_equal(fake.sent, "HTTP/1.1 400 ", 13);
	assert_true(fake.closed);
	send_text(GET("/", "")); /* after the end nothing is answered */
	body_at(0, 0);
	assert_int_equal(app.stats.answers, 1);
	stop();
}

/* The client has closed his side and still gets all of his answer. */
static void
test_http_half_close(void **state)
{
	(void)state;
	start("http", &(struct app_conf){.http_size = 5});
	fake.room = 50;
	send_text(GET("/1000", ""));
	event(STACK_EOF);
	assert_false(fake.closed);
	fake.room = 5000;
	event(STACK_WRITABLE);
	assert_true(fake.closed);
	check_body(fake.sent + body_at(0, 1000), 1000);
	stop();
}

/* A request has the time between two visits to be complete, and an idle connection all the time that it likes. */
static void
test_http_slow_request(void **state)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

	(void)state;
	start("http", &(struct app_conf){.http_size = 5});
	for (unsigned i = 0; i < 5; i++)
		event(STACK_VISIT);
	arrive(get, 10);
	event(STACK_VISIT);
	arrive(get + 10, sizeof(get) - 11);
	assert_int_equal(app.stats.answers, 1);
	event(STACK_VISIT);
	arrive(get, 4);
	event(STACK_VISIT);
	assert_false(fake.aborted);
	arrive(get + 4, 1);
	event(STACK_VISIT);
	assert_true(fake.aborted);
	assert_int_equal(app.stats.late_requests, 1);
	stop();
}

/* One that is answered slowly has not asked slowly. */
static void
test_http_slow_answer(void **state)
{
	static const char get[] = "GET /1000 HTTP/1.1\r\nHost: a\r\n\r\n";

	(void)state;
	start("http", &(struct app_conf){.http_size = 5});
	fake.room = 10;
	arrive(get, sizeof(get) - 1);
	for (unsigned i = 0; i < 5; i++)
		event(STACK_VISIT);
	assert_false(fake.aborted);
	fake.room = 1 << 15;
	event(STACK_WRITABLE);
	assert_int_equal(app.stats.answers, 1);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_iot_segments),
	    cmocka_unit_test(test_iot_messages),
	    cmocka_unit_test(test_echo),
	    cmocka_unit_test(test_http_pipeline),
	    cmocka_unit_test(test_http_little_room),
	    cmocka_unit_test(test_http_errors),
	    cmocka_unit_test(test_http_half_close),
	    cmocka_unit_test(test_http_slow_request),
	    cmocka_unit_test(test_http_slow_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
