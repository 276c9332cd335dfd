/* app.h - the applications: what a connection says, and how an answer is told from what follows it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_APP_H
#define MCC_APP_H

#include <stdbool.h>
#include <stdint.h>

enum app_kind { APP_IOT, APP_ECHO, APP_HTTP };
#define APP_NAMES "iot|echo|http" /* for OPT_ENUM, in enum order */

enum { APP_LENGTH_MIN = 9, APP_LENGTH_MAX = 16384, APP_IOT_ANSWER = 146 };

/*
 * iot	  Messages of `length` octets: [0..3] counter, little-endian, [5] 1 request 0 heartbeat, [6] 2, [8] 8 in heartbeats, the rest 0.
 *	  A request is answered by 146 octets that begin with "HTTP/" and have 3 at [6]; a heartbeat is not answered.
 * echo	  The same messages; each comes back as it was sent.
 * http	  GET; every message is a request, answered by an HTTP/1.x message (RFC 9112).
 */
struct app {
	enum app_kind kind;
	uint32_t length;
	uint8_t *message[2]; /* of heartbeats, of requests */
};

/* length is not used by http, host (numeric, with a port where it is not 80) only by it. 0 or -ENOMEM. */
int app_init(struct app *a, enum app_kind kind, uint32_t length, const char *host);
void app_fini(struct app *a);

/* a->length octets, valid until the next call. */
const uint8_t *app_message(struct app *a, uint32_t counter, bool request);

static inline bool
app_is_answered(const struct app *a, bool request)
{
	return request || a->kind == APP_ECHO;
}

/* An answer of which a part has come; all zero before its first octet. */
struct answer {
	uint64_t left;	 /* http: octets of the body or chunk to come */
	uint32_t got;	 /* octets taken so far; http: of the head */
	uint16_t status; /* http: status code, 0 until it is known */
	uint8_t phase;	 /* http.c */
	uint8_t at, names, flags;
};

enum answer_state { ANSWER_PART, ANSWER_WHOLE, ANSWER_BAD };

/* Takes octets up to the end of the answer to message (counter, request); *used says how many. After ANSWER_PART all were used. */
enum answer_state app_take(struct app *a, struct answer *answer, uint32_t counter, bool request,
			   const uint8_t *data, uint32_t len, uint32_t *used);
/* The peer has closed his side: is this an answer that ends so? */
bool app_ends_at_eof(const struct app *a, const struct answer *answer);
/* Does the (whole) answer say that the request was not served: a status of 400 or more? */
bool app_is_refusal(const struct answer *answer);

#endif
