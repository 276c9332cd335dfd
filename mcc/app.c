/* app.c - messages from templates; answers of iot and echo. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/app.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcc/http.h"

/* Where things are in a message of iot and echo, and in an answer of iot. */
enum { AT_COUNTER = 0, AT_PRIORITY = 5, AT_LABEL = 6, AT_HEARTBEAT = 8 };
enum { LABEL_REQUEST = 2, LABEL_RESPONSE = 3, HEARTBEAT_MARK = 8 };
enum { HTTP_REQUEST_SIZE = 256 };

static void
fill_templates(struct app *a)
{
	uint8_t *heartbeat = a->message[false], *request = a->message[true];

	heartbeat[AT_LABEL] = request[AT_LABEL] = LABEL_REQUEST;
	heartbeat[AT_HEARTBEAT] = HEARTBEAT_MARK;
	request[AT_PRIORITY] = 1;
}

static void
fill_get(struct app *a, const char *host)
{
	char *text = (char *)a->message[true];
	int n =
	    snprintf(text, HTTP_REQUEST_SIZE,
		     "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: mcc\r\nAccept: */*\r\n\r\n", host);

	a->length = (uint32_t)n;
}

int
app_init(struct app *a, enum app_kind kind, uint32_t length, const char *host)
{
	*a = (struct app){.kind = kind, .length = kind == APP_HTTP ? HTTP_REQUEST_SIZE : length};
	a->message[false] = calloc(1, a->length);
	a->message[true] = calloc(1, a->length);
	if (!a->message[false] || !a->message[true]) {
		app_fini(a);
		return -ENOMEM;
	}
	if (kind == APP_HTTP)
		fill_get(a, host);
	else
		fill_templates(a);
	return 0;
}

void
app_fini(struct app *a)
{
	free(a->message[false]);
	free(a->message[true]);
	a->message[false] = a->message[true] = NULL;
}

const uint8_t *
app_message(struct app *a, uint32_t counter, bool request)
{
	uint8_t *m = a->message[request];

	if (a->kind != APP_HTTP) {
		counter = htole32(counter);
		memcpy(m + AT_COUNTER, &counter, sizeof(counter));
	}
	return m;
}

static enum answer_state
iot_take(struct answer *a, const uint8_t *data, uint32_t n)
{
	static const uint8_t start[AT_LABEL + 1] = "HTTP/";

	for (uint32_t i = 0; i < n && a->got + i <= AT_LABEL; i++) {
		const uint32_t at = a->got + i;

		if ((at < 5 && data[i] != start[at]) ||
		    (at == AT_LABEL && data[i] != LABEL_RESPONSE))
			return ANSWER_BAD;
	}
	a->got += n;
	return a->got == APP_IOT_ANSWER ? ANSWER_WHOLE : ANSWER_PART;
}

static enum answer_state
echo_take(struct answer *a, const uint8_t *data, uint32_t n, const uint8_t *message,
	  uint32_t length)
{
	if (memcmp(message + a->got, data, n) != 0)
		return ANSWER_BAD;
	a->got += n;
	return a->got == length ? ANSWER_WHOLE : ANSWER_PART;
}

enum answer_state
app_take(struct app *a, struct answer *answer, uint32_t counter, bool request, const uint8_t *data,
	 uint32_t len, uint32_t *used)
{
	const uint32_t length = a->kind == APP_IOT ? APP_IOT_ANSWER : a->length;

	if (a->kind == APP_HTTP)
		return http_take(answer, data, len, used);
	*used = len < length - answer->got ? len : length - answer->got;
	if (a->kind == APP_IOT)
		return iot_take(answer, data, *used);
	return echo_take(answer, data, *used, app_message(a, counter, request), length);
}

bool
app_ends_at_eof(const struct app *a, const struct answer *answer)
{
	return a->kind == APP_HTTP && http_ends_at_eof(answer);
}

bool
app_is_refusal(const struct answer *answer)
{
	return answer->status >= 400;
}
