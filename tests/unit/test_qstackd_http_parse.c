/* test_qstackd_http_parse.c - requests of HTTP/1.x, whole and cut at every octet (RFC 9112). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "qstackd/http_parse.h"

struct row {
	const char *request;
	enum http_result result;
	uint64_t size;
	bool has_size, is_head, persistent;
};

#define HOST "Host: a\r\n"
static const struct row rows[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 0, false, false, true},
    {"HEAD / HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 0, false, true, true},
    {"GET / HTTP/1.0\r\n\r\n", HTTP_OK, 0, false, false, false},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", HTTP_OK, 0, false, false, true},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", HTTP_OK, 0, false, false, false},
    {"GET / HTTP/1.1\r\n" HOST "Connection:x, cLoSe \r\n\r\n", HTTP_OK, 0, false, false, false},
    {"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", HTTP_OK, 0, false, false, true},
    {"GET / HTTP/1.1\r\n" HOST "Connection: clos\r\n\r\n", HTTP_OK, 0, false, false, true},
    {"GET / HTTP/1.1\r\n" HOST "Connection:\r\n\r\n", HTTP_OK, 0, false, false, true},
    {"GET / HTTP/1.1\r\n" HOST "X-Connection: close\r\n\r\n", HTTP_OK, 0, false, false, true},
    {"GET /1500 HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 1500, true, false, true},
    {"GET /64k HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 64000, true, false, true},
    {"GET /100M?x=1 HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 100000000, true, false, true},
    {"GET /0 HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 0, true, false, true},
    {"GET /9lives HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 0, false, false, true},
    {"GET /index.html HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 0, false, false, true},
    {"GET / HTTP/1.1\r\nhOST:\ta\r\n\r\n", HTTP_OK, 0, false, false, true},
    {"GET / HTTP/1.1\n"
     "Host: a\n\n",
     HTTP_OK, 0, false, false, true},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", HTTP_OK, 0, false, false, true},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", HTTP_OK, 0, false, false, true},
    {"POST / HTTP/1.1\r\n" HOST "\r\n", HTTP_NO_METHOD, 0, false, false, false},
    {"GETS / HTTP/1.1\r\n" HOST "\r\n", HTTP_NO_METHOD, 0, false, false, false},
    {"GE / HTTP/1.1\r\n" HOST "\r\n", HTTP_NO_METHOD, 0, false, false, false},
    {"get / HTTP/1.1\r\n" HOST "\r\n", HTTP_NO_METHOD, 0, false, false, false},
    {"GET / HTTP/1.1\r\n\r\n", HTTP_BAD, 0, false, false, false},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD, 0, false, false, false},
    {"GET x HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD, 0, false, false, false},
    {"GET /\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/2.0\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.2\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.10\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.1\r\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.1\r\nHost\r\n\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", HTTP_BAD, 0, false, false,
     false},
    {"GET /\x01 HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD, 0, false, false, false},
    {"GET / HTTP/1.1\r\nX: \x01\r\n\r\n", HTTP_BAD, 0, false, false, false},
    {"GET /536870912 HTTP/1.1\r\n", HTTP_BAD, 0, false, false, false},
    {"GET /99999999999999999999 HTTP/1.1\r\n", HTTP_BAD, 0, false, false, false},
    {"GET /99999M HTTP/1.1\r\n", HTTP_BAD, 0, false, false, false},
    {"\x16\x03\x01", HTTP_BAD, 0, false, false, false},
};

static void
check_row(const struct row *r, const struct http_parse *p, enum http_result result, uint32_t taken)
{
	assert_int_equal(result, r->result);
	if (result != HTTP_OK)
		return;
	assert_int_equal(taken, strlen(r->request));
	assert_int_equal(p->has_size, r->has_size);
	if (r->has_size)
		assert_int_equal(p->size, r->size);
	assert_int_equal(p->is_head, r->is_head);
	assert_int_equal(http_is_persistent(p), r->persistent);
}

static void
test_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_parse p = {0};
		uint32_t taken = 0, len = (uint32_t)strlen(rows[i].request);

		enum http_result r = http_parse(&p, (const uint8_t *)rows[i].request, len, &taken);

		check_row(&rows[i], &p, r, taken);
	}
}

/* The same, cut in two at every place, and octet by octet. */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *request = (const uint8_t *)rows[i].request;
		uint32_t len = (uint32_t)strlen(rows[i].request);

		for (uint32_t cut = 0; cut <= len; cut++) {
			struct http_parse p = {0};
			uint32_t taken = 0;
			enum http_result r = http_parse(&p, request, cut, &taken);

			if (r == HTTP_MORE) {
				assert_int_equal(taken, cut);
				r = http_parse(&p, request + cut, len - cut, &taken);
				taken += cut;
			}
			check_row(&rows[i], &p, r, taken);
		}
	}
}

static void
test_pipelined(void **state)
{
	static const char two[] = "GET /1 HTTP/1.1\r\n" HOST "\r\nHEAD /2 HTTP/1.1\r\n" HOST "\r\n";
	struct http_parse p = {0};
	uint32_t first, second;

	(void)state;
	assert_int_equal(http_parse(&p, (const uint8_t *)two, sizeof(two) - 1, &first), HTTP_OK);
	assert_int_equal(p.size, 1);
	p = (struct http_parse){0};
	assert_int_equal(http_parse(&p, (const uint8_t *)two + first,
				    (uint32_t)sizeof(two) - 1 - first, &second),
			 HTTP_OK);
	assert_int_equal(p.size, 2);
	assert_true(p.is_head);
	assert_int_equal(first + second, sizeof(two) - 1);
}

/* A request that never ends is refused at HTTP_HEAD_MAX octets. */
static void
test_endless(void **state)
{
	static const char start[] = "GET / HTTP/1.1\r\nX: ";
	struct http_parse p = {0};
	uint32_t taken, total = sizeof(start) - 1;
	enum http_result r = http_parse(&p, (const uint8_t *)start, total, &taken);

	(void)state;
	while (r == HTTP_MORE && total < 2 * HTTP_HEAD_MAX) {
		r = http_parse(&p, (const uint8_t *)"a", 1, &taken);
		total++;
	}
	assert_int_equal(r, HTTP_BAD);
	assert_int_equal(total, HTTP_HEAD_MAX + 1);
}

static void
test_random(void **state)
{
	struct rng rng;
	unsigned ok = 0;

	(void)state;
	rng_seed(&rng, 1, 0);
	for (unsigned i = 0; i < 200000; i++) {
		char text[128];
		const struct row *r = &rows[rng_below(&rng, 20)];
		uint32_t len = (uint32_t)strlen(r->request), taken;
		struct http_parse p = {0};

		memcpy(text, r->request, len);
		text[rng_below(&rng, len)] = (char)rng_below(&rng, 256);
		ok += http_parse(&p, (const uint8_t *)text, len, &taken) == HTTP_OK;
		assert_in_range(taken, 1, len);
	}
	assert_in_range(ok, 20000, 180000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),     cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_pipelined), cmocka_unit_test(test_endless),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
