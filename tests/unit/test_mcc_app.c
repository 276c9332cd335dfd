/* test_mcc_app.c - messages to the byte, and answers cut anywhere, followed by more, or wrong. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "mcc/app.h"
#include "mcc/http.h"

/* Octets are handed over in blocks of exact size, so that a sanitizer sees a read past their end. */
static enum answer_state
take_exact(struct app *app, struct answer *answer, uint32_t counter, bool request,
	   const uint8_t *data, uint32_t len, uint32_t *used)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum answer_state state;

	memcpy(copy, data, len);
	state = app_take(app, answer, counter, request, copy, len, used);
	free(copy);
	return state;
}

/* Feeds `data` in pieces of `piece` octets; returns the state and how much of it was used in all. */
static enum answer_state
feed(struct app *app, struct answer *answer, const void *data, uint32_t len, uint32_t piece,
     uint32_t *used)
{
	enum answer_state state = ANSWER_PART;

	for (*used = 0; *used < len && state == ANSWER_PART;) {
		const uint32_t left = len - *used, n = left < piece ? left : piece;
		uint32_t now;

		state = take_exact(app, answer, 7, true, (const uint8_t *)data + *used, n, &now);
		assert_true(now <= n);
		assert_true(state != ANSWER_PART || now == n);
		*used += now;
	}
	return state;
}

static void
messages_are_those_of_the_original(void **state)
{
	uint8_t expect[200] = {0x04, 0x03, 0x02, 0x01, 0, 1, 2};
	struct app app;

	(void)state;
	assert_int_equal(app_init(&app, APP_IOT, 200, NULL), 0);
	assert_int_equal(app.length, 200);
	assert_memory_equal(app_message(&app, 0x01020304, true), expect, 200);
	expect[5] = 0;
	expect[8] = 8;
	assert_memory_equal(app_message(&app, 0x01020304, false), expect, 200);
	assert_true(app_is_answered(&app, true));
	assert_false(app_is_answered(&app, false));
	app_fini(&app);
}

static void
iot_answers_end_after_146_octets(void **state)
{
	uint8_t stream[2 * APP_IOT_ANSWER] = {0};
	struct app app;
	uint32_t used;

	(void)state;
	app_init(&app, APP_IOT, 16, NULL);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(stream + i * APP_IOT_ANSWER, "HTTP/1\003", 7);
		stream[i * APP_IOT_ANSWER + 5] = '1';
	}
	for (uint32_t piece = 1; piece <= sizeof(stream); piece++) {
		struct answer a = {0};

		assert_int_equal(feed(&app, &a, stream, sizeof(stream), piece, &used),
				 ANSWER_WHOLE);
		assert_int_equal(used, APP_IOT_ANSWER);
	}
	app_fini(&app);
}

static void
iot_answers_are_looked_at(void **state)
{
	static const unsigned wrong[] = {0, 1, 2, 3, 4, 6};
	struct app app;
	uint32_t used;

	(void)state;
	app_init(&app, APP_IOT, 16, NULL);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		uint8_t data[APP_IOT_ANSWER] = "HTTP/1\003";

		data[wrong[i]] ^= 1;
		for (uint32_t piece = 1; piece <= 8; piece++) {
			struct answer a = {0};

			assert_int_equal(feed(&app, &a, data, sizeof(data), piece, &used),
					 ANSWER_BAD);
		}
	}
	app_fini(&app);
}

static void
echo_wants_the_very_same_octets(void **state)
{
	struct answer a;
	struct app app;
	uint8_t data[100], other[100];
	uint32_t used;

	(void)state;
	app_init(&app, APP_ECHO, 100, NULL);
	assert_true(app_is_answered(&app, false));
	memcpy(data, app_message(&app, 7, true), 100);
	memcpy(other, app_message(&app, 8, true), 100); /* the template has moved on */
	for (uint32_t piece = 1; piece <= 100; piece++) {
		a = (struct answer){0};
		assert_int_equal(feed(&app, &a, data, 100, piece, &used), ANSWER_WHOLE);
		assert_int_equal(used, 100);
		a = (struct answer){0};
		assert_int_equal(feed(&app, &a, other, 100, piece, &used), ANSWER_BAD);
	}
	data[99] = 1;
	a = (struct answer){0};
	assert_int_equal(feed(&app, &a, data, 100, 33, &used), ANSWER_BAD);
	app_fini(&app);
}

struct http_case {
	const char *text;
	enum answer_state state;
	uint32_t status;
	int rest; /* octets that belong to what follows */
};

#define OK "HTTP/1.1 200 OK\r\n"

static const struct http_case http_cases[] = {
    {OK "Content-Length: 5\r\n\r\nhello", ANSWER_WHOLE, 200, 0},
    {OK "Content-Length: 5\r\n\r\nhelloHTTP", ANSWER_WHOLE, 200, 4},
    {OK "Server: x\r\ncontent-LENGTH:5  \r\nDate: now\r\n\r\nhello", ANSWER_WHOLE, 200, 0},
    {"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", ANSWER_WHOLE, 200, 0},
    {"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n", ANSWER_WHOLE, 404, 0},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ANSWER_WHOLE, 200, 0},
    {"HTTP/1.1 204 No Content\r\n\r\nHTTP", ANSWER_WHOLE, 204, 4},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", ANSWER_WHOLE, 304, 0},
    {"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", ANSWER_WHOLE, 200, 0},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ANSWER_WHOLE, 200, 0},
    {OK "Transfer-Encoding: gzip, Chunked\r\n\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\nZ",
     ANSWER_WHOLE, 200, 1},
    {OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", ANSWER_WHOLE,
     200, 0},
    {OK "Content-Lengthy: 3\r\nX-Content-Length: 9\r\nContent-Length: 1\r\n\r\nx", ANSWER_WHOLE,
     200, 0},
    {OK "Content-Length: 6\r\n\r\nhello", ANSWER_PART, 200, 0},
    {OK "\r\nuntil the end", ANSWER_PART, 200, 0},
    {OK "Transfer-Encoding: gzip\r\n\r\nuntil the end", ANSWER_PART, 200, 0},
    {OK "Content-Length: -1\r\n\r\n", ANSWER_BAD, 200, 0},
    {OK "Content-Length: 1 2\r\n\r\n", ANSWER_BAD, 200, 0},
    {OK "Content-Length:\r\n\r\n", ANSWER_BAD, 200, 0},
    {OK "Content-Length: 99999999999999999999\r\n\r\n", ANSWER_BAD, 200, 0},
    {OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", ANSWER_BAD, 200, 0},
    {OK "no colon\r\n\r\n", ANSWER_BAD, 200, 0},
    {OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", ANSWER_BAD, 200, 0},
    {OK "Transfer-Encoding: chunked\r\n\r\n\r\n", ANSWER_BAD, 200, 0},
    {OK "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", ANSWER_BAD, 200, 0},
    {OK "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", ANSWER_BAD, 200, 0},
    {"HTTP/1.1 20\r\n", ANSWER_BAD, 0, 0},
    {"HTTP/1.1 2x0 OK\r\n", ANSWER_BAD, 0, 0},
    {"HTTP/2 200\r\n", ANSWER_BAD, 0, 0},
    {"GET / HTTP/1.1\r\n", ANSWER_BAD, 0, 0},
    {"\r\n\r\n", ANSWER_BAD, 0, 0},
};

static void
http_answers_end_where_rfc_9112_says(void **state)
{
	struct app app;

	(void)state;
	app_init(&app, APP_HTTP, 0, "192.168.3.10");
	for (unsigned i = 0; i < sizeof(http_cases) / sizeof(*http_cases); i++) {
		const struct http_case *c = &http_cases[i];
		const uint32_t len = (uint32_t)strlen(c->text);

		for (uint32_t piece = 1; piece <= len; piece++) {
			struct answer a = {0};
			uint32_t used;

			if (feed(&app, &a, c->text, len, piece, &used) != c->state)
				fail_msg("case %u in pieces of %u", i, piece);
			if (c->state == ANSWER_WHOLE)
				assert_int_equal(len - used, c->rest);
			if (c->status)
				assert_int_equal(a.status, c->status);
			assert_int_equal(app_is_refusal(&a), c->status >= 400);
		}
	}
	app_fini(&app);
}

static void
http_bodies_may_end_with_the_connection(void **state)
{
	struct answer a = {0}, b = {0};
	struct app app;
	uint32_t used;

	(void)state;
	app_init(&app, APP_HTTP, 0, "192.168.3.10:8080");
	assert_string_equal((const char *)app_message(&app, 1, true),
			    "GET / HTTP/1.1\r\nHost: 192.168.3.10:8080\r\nUser-Agent: mcc\r\n"
			    "Accept: */*\r\n\r\n");
	assert_int_equal(app.length, strlen((const char *)app_message(&app, 1, true)));
	assert_false(app_ends_at_eof(&app, &a));
	feed(&app, &a, OK "\r\nabc", 22, 5, &used);
	assert_true(app_ends_at_eof(&app, &a));
	feed(&app, &b, OK "Content-Length: 9\r\n\r\nabc", 41, 5, &used);
	assert_false(app_ends_at_eof(&app, &b));
	app_fini(&app);
}

static void
an_endless_head_is_no_answer(void **state)
{
	struct answer a = {0};
	struct app app;
	uint32_t used = 0, total = 0;
	enum answer_state s;

	(void)state;
	app_init(&app, APP_HTTP, 0, "x");
	assert_int_equal(feed(&app, &a, OK, 17, 17, &used), ANSWER_PART);
	do {
		s = feed(&app, &a, "X: 0123456789\r\n", 15, 15, &used);
		total += used;
	} while (s == ANSWER_PART && total < 2 * HTTP_HEAD_MAX);
	assert_int_equal(s, ANSWER_BAD);
	assert_in_range(total, HTTP_HEAD_MAX - 100, HTTP_HEAD_MAX + 100);
	app_fini(&app);
}

/* 200,000 answers with octets changed at random: any verdict, but always within the octets given, and the same however they are cut. */
static void
mutated_answers_do_no_harm(void **state)
{
	static const enum app_kind kinds[] = {APP_IOT, APP_ECHO, APP_HTTP};
	const char *text =
	    OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
	const uint32_t len = (uint32_t)strlen(text);
	struct app app[3];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1, 0);
	for (unsigned k = 0; k < 3; k++)
		app_init(&app[k], kinds[k], 16, "x");
	for (unsigned i = 0; i < 200000; i++) {
		struct answer a = {0}, b = {0};
		uint32_t used_a, used_b;
		enum answer_state s;
		char copy[128];

		memcpy(copy, text, len);
		for (unsigned n = 0; n < 1 + i % 3; n++)
			copy[rng_below(&rng, len)] = (char)rng_u64(&rng);
		s = feed(&app[i % 3], &a, copy, len, 1 + (uint32_t)rng_below(&rng, 20), &used_a);
		if (feed(&app[i % 3], &b, copy, len, len, &used_b) != s || used_a > len ||
		    (s == ANSWER_WHOLE && used_a != used_b))
			fail_msg("mutation %u", i);
	}
	for (unsigned k = 0; k < 3; k++)
		app_fini(&app[k]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_are_those_of_the_original),
	    cmocka_unit_test(iot_answers_end_after_146_octets),
	    cmocka_unit_test(iot_answers_are_looked_at),
	    cmocka_unit_test(echo_wants_the_very_same_octets),
	    cmocka_unit_test(http_answers_end_where_rfc_9112_says),
	    cmocka_unit_test(http_bodies_may_end_with_the_connection),
	    cmocka_unit_test(an_endless_head_is_no_answer),
	    cmocka_unit_test(mutated_answers_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
