/* app_iot.c - the IoT front end of MCCBench: requests are answered, heartbeats are stored. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qstackd/store.h"

/* Octets of a message (iotepserver and mcc agree on them): [5] tells requests from heartbeats, [6] is 2 in what the client
 * sends and 3 in the answer. The first six are the value that is stored. */
enum { IOT_PRIORITY = 5, IOT_DIRECTION = 6, IOT_HEAD = 6 };
enum { IOT_REQUEST = 1, IOT_ANSWER = 3 };

/* iotepserver's answer has these header fields and 146 octets, the last 20 of them whatever its buffer held. Ours is as long, and its
 * Content-Length is true. Octet 6 replaces the point of HTTP/1.1: that is the protocol. */
#define IOT_HTTP                                              \
	"HTTP/1.1 200 OK\r\nDate: 25.11.1985\r\n"             \
	"Server: Webserver on Middlebox TCP (Ubuntu)\r\n"     \
	"Content-Length: 21\r\nConnection: keepalive\r\n\r\n" \
	"{\"result\":\"success\"}\n"
enum { IOT_ANSWER_BYTES = 146 };
_Static_assert(sizeof(IOT_HTTP) - 1 == IOT_ANSWER_BYTES, "the length is part of the protocol");

struct iot {
	struct store store;
	uint32_t message_length;
	uint8_t answer[IOT_ANSWER_BYTES];
};

/* The 8 octets of a connection. */
struct iot_part {
	uint16_t got; /* octets of a message that has come in part; 0: between messages */
	uint8_t head[IOT_HEAD];
};
_Static_assert(sizeof(struct iot_part) == sizeof(uint64_t), "it lives in the connection");

/* got >= IOT_ANSWERING: that many octets (low half) of an answer have been taken by the send queue. */
enum { IOT_ANSWERING = 0xff00, IOT_MESSAGE_MAX = IOT_ANSWERING - 1 };

static int
iot_open(struct app *a, const struct app_conf *conf)
{
	struct iot *iot = malloc(sizeof(*iot));

	if (!iot)
		return -ENOMEM;
	int error = store_init(&iot->store, conf->max_conns);

	if (error) {
		free(iot);
		return error;
	}
	iot->message_length = conf->message_length;
	memcpy(iot->answer, IOT_HTTP, IOT_ANSWER_BYTES);
	iot->answer[IOT_DIRECTION] = IOT_ANSWER;
	a->state = iot;
	return 0;
}

static void
iot_release(struct app *a)
{
	struct iot *iot = a->state;

	store_release(&iot->store);
	free(iot);
}

/* iotepserver keeps the head as a C string: it ends at the first zero. */
static unsigned
string_length(const uint8_t *head)
{
	const uint8_t *zero = memchr(head, 0, IOT_HEAD);

	return zero ? (unsigned)(zero - head) : IOT_HEAD;
}

/* The three operations of iotepserver on each message: GET 1, SET 1 (its first octet counted up), GET 2. */
static void
store_message(struct store *s, uint32_t id, const uint8_t *head)
{
	uint8_t value[STORE_VALUE_MAX] = {0};
	int len = store_get(s, 1, id, value);

	if (len < 0) {
		store_set(s, 1, id, head, string_length(head));
	} else {
		value[0]++;
		store_set(s, 1, id, value, len > 0 ? (unsigned)len : 1);
	}
	store_get(s, 2, id, value);
}

/* Queues the answer from octet `sent` on; false when the send queue took only a part. */
static bool
send_answer(struct app *a, uint32_t conn, struct iot_part *part, uint32_t sent)
{
	const struct iot *iot = a->state;

	sent += app_send(a, conn, iot->answer + sent, IOT_ANSWER_BYTES - sent);
	if (sent < IOT_ANSWER_BYTES) {
		part->got = (uint16_t)(IOT_ANSWERING | sent);
		return false;
	}
	part->got = 0;
	a->stats.answers++;
	return true;
}

static void
handle_message(struct app *a, uint32_t conn, struct iot_part *part, const uint8_t *head)
{
	struct iot *iot = a->state;

	part->got = 0;
	store_message(&iot->store, conn, head);
	if (head[IOT_PRIORITY] == IOT_REQUEST) {
		a->stats.requests++;
		send_answer(a, conn, part, 0);
	} else {
		a->stats.heartbeats++;
	}
}

/* Takes octets towards a message of fixed length that starts or goes on here; returns how many. */
static uint32_t
take_part(struct app *a, uint32_t conn, struct iot_part *part, const uint8_t *data, uint32_t len)
{
	const struct iot *iot = a->state;
	uint32_t want = iot->message_length - part->got;
	uint32_t n = len < want ? len : want;

	for (uint32_t i = part->got; i < IOT_HEAD && i - part->got < n; i++)
		part->head[i] = data[i - part->got];
	part->got = (uint16_t)(part->got + n);
	if (part->got == iot->message_length) {
		uint8_t head[IOT_HEAD];

		memcpy(head, part->head, IOT_HEAD);
		handle_message(a, conn, part, head);
	}
	return n;
}

static uint32_t
take_segment(struct app *a, uint32_t conn, struct iot_part *part, const uint8_t *data, uint32_t len)
{
	if (len < IOT_HEAD)
		a->stats.bad_requests++;
	else
		handle_message(a, conn, part, data);
	return len;
}

static uint32_t
iot_message(struct app *a, uint32_t conn, const uint8_t *data, uint32_t len)
{
	const struct iot *iot = a->state;
	struct iot_part part;
	uint32_t taken = 0;

	memcpy(&part, app_word(a, conn), sizeof(part));
	while (taken < len && part.got < IOT_ANSWERING)
		taken += iot->message_length > 0
			     ? take_part(a, conn, &part, data + taken, len - taken)
			     : take_segment(a, conn, &part, data + taken, len - taken);
	memcpy(app_word(a, conn), &part, sizeof(part));
	return taken;
}

static void
iot_writable(struct app *a, uint32_t conn)
{
	struct iot_part part;

	memcpy(&part, app_word(a, conn), sizeof(part));
	if (part.got < IOT_ANSWERING)
		return;
	send_answer(a, conn, &part, part.got & 0xff);
	memcpy(app_word(a, conn), &part, sizeof(part));
}

const struct app_ops app_iot = {
    .name = "iot",
    .port = 80,
    .quickack = true,
    .open = iot_open,
    .release = iot_release,
    .message = iot_message,
    .writable = iot_writable,
};
