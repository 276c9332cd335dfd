/* http_parse.h - an HTTP/1.x request read octet by octet into 8 octets of state (RFC 9112). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef QSTACKD_HTTP_PARSE_H
#define QSTACKD_HTTP_PARSE_H

#include <stdbool.h>
#include <stdint.h>

enum { HTTP_HEAD_MAX = 8191, HTTP_SIZE_MAX = (1 << 29) - 1 };

/* All zero: before a request. GET and HEAD without a body are understood. A path that is a number ("/1500", "/64k", "/100M",
 * powers of 1000) asks for a body of that size. */
struct http_parse {
	uint64_t answering : 1; /* the user's: this is no request's state but his own */
	uint64_t phase : 4;
	uint64_t position : 5; /* in the word that is being matched */
	uint64_t words : 4;    /* which words still match */
	uint64_t is_head : 1;
	uint64_t is_1_0 : 1;
	uint64_t close : 1;	 /* Connection: close */
	uint64_t keep_alive : 1; /* Connection: keep-alive */
	uint64_t has_host : 1;
	uint64_t has_size : 1;	 /* size was in the path */
	uint64_t path_ended : 1; /* nothing more of the path is looked at */
	uint64_t octets : 13;	 /* of the request so far */
	uint64_t size : 29;
	uint64_t visited : 1; /* the user's: it was there when he looked after it last */
};
_Static_assert(sizeof(struct http_parse) == sizeof(uint64_t), "it lives in the connection");

enum http_result {
	HTTP_MORE,	      /* all octets taken, the request goes on */
	HTTP_OK = 200,	      /* a request is complete; *taken says where it ends */
	HTTP_BAD = 400,	      /* it is none */
	HTTP_NO_METHOD = 405, /* a method other than GET and HEAD */
};

/* Reads up to len octets; after a result other than HTTP_MORE the caller looks at p and zeroes it. */
enum http_result http_parse(struct http_parse *p, const uint8_t *data, uint32_t len,
			    uint32_t *taken);

/* RFC 9112 9.3 */
static inline bool
http_is_persistent(const struct http_parse *p)
{
	return !p->close && (!p->is_1_0 || p->keep_alive);
}

#endif
