/* app_http.c - a web server for GET and HEAD: keep-alive, pipelining, bodies of any asked size (RFC 9110, 9112). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qstackd/http_parse.h"

/* The 8 octets of a connection hold the request while it comes in (struct http_parse), and this while it is answered. */
struct http_answer {
	uint64_t answering : 1; /* 1 */
	uint64_t close : 1;	/* afterwards */
	uint64_t is_head : 1;	/* no body */
	uint64_t is_error : 1;	/* size is the status; no body */
	uint64_t closed : 1;	/* all is sent, and FIN after it */
	uint64_t size : 29;
	uint64_t sent : 30; /* octets of head and body that the send queue has taken */
};
_Static_assert(sizeof(struct http_answer) == sizeof(uint64_t), "it lives in the connection");

union http_word {
	uint64_t word;
	struct http_parse parse;
	struct http_answer answer;
};

/* A body is lines of 16 octets that say where they are ("000000000000032\n"), so that whoever compares sees what is missing; it is
 * sent from a chunk that is written anew for each place. */
enum { HTTP_LINE = 16, HTTP_CHUNK = 4096, HTTP_HEAD_ROOM = 192, HTTP_SENT_MAX = (1 << 30) - 1 };

struct http {
	uint64_t size;		   /* when the path does not say */
	uint8_t small[HTTP_CHUNK]; /* the first chunk, which most bodies fit in */
};

static void
write_lines(uint8_t *to, uint64_t offset, unsigned lines)
{
	for (unsigned i = 0; i < lines; i++, offset += HTTP_LINE, to += HTTP_LINE) {
		uint64_t v = offset;

		to[HTTP_LINE - 1] = '\n';
		for (int j = HTTP_LINE - 2; j >= 0; j--, v /= 10)
			to[j] = (uint8_t)('0' + v % 10);
	}
}

static int
http_open(struct app *a, const struct app_conf *conf)
{
	struct http *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->size = conf->http_size;
	write_lines(h->small, 0, HTTP_CHUNK / HTTP_LINE);
	a->state = h;
	return 0;
}

static void
http_release(struct app *a)
{
	free(a->state);
}

static const char *
reason(unsigned status)
{
	return status == HTTP_OK	  ? "OK"
	       : status == HTTP_NO_METHOD ? "Method Not Allowed"
					  : "Bad Request";
}

/* The same octets for the same answer, so that a head sent in part can go on. */
static uint32_t
write_head(char head[HTTP_HEAD_ROOM], const struct http_answer *w)
{
	unsigned status = w->is_error ? (unsigned)w->size : HTTP_OK;
	unsigned long long size = w->is_error ? 0 : (unsigned long long)w->size;
	int len =
	    snprintf(head, HTTP_HEAD_ROOM,
		     "HTTP/1.1 %u %s\r\nServer: qstackd\r\n%sContent-Length: %llu\r\n"
		     "Connection: %s\r\n\r\n",
		     status, reason(status), status == HTTP_NO_METHOD ? "Allow: GET, HEAD\r\n" : "",
		     size, w->close ? "close" : "keep-alive");

	return (uint32_t)len;
}

static bool
send_part(struct app *a, uint32_t conn, struct http_answer *w, const void *data, uint32_t len)
{
	uint32_t taken = app_send(a, conn, data, len);

	w->sent = (w->sent + taken) & HTTP_SENT_MAX;
	return taken == len;
}

/* The part of the body's current chunk that is still to be sent. */
static bool
send_chunk(struct app *a, uint32_t conn, struct http_answer *w, uint64_t offset)
{
	struct http *h = a->state;
	uint8_t chunk[HTTP_CHUNK];
	const uint8_t *from = h->small;
	uint64_t start = offset - offset % HTTP_CHUNK, end = start + HTTP_CHUNK;

	if (end > w->size)
		end = w->size;
	if (start > 0) {
		write_lines(chunk, start, HTTP_CHUNK / HTTP_LINE);
		from = chunk;
	}
	return send_part(a, conn, w, from + (offset - start), (uint32_t)(end - offset));
}

/* Goes on with the answer; true when all of it is queued. */
static bool
send_answer(struct app *a, uint32_t conn, struct http_answer *w)
{
	char head[HTTP_HEAD_ROOM];
	uint32_t head_len = write_head(head, w);

	if (w->sent < head_len &&
	    !send_part(a, conn, w, head + w->sent, head_len - (uint32_t)w->sent))
		return false;
	if (w->is_head || w->is_error)
		return true;
	while (w->sent - head_len < w->size)
		if (!send_chunk(a, conn, w, w->sent - head_len))
			return false;
	return true;
}

/* True when the connection is ready for its next request. */
static bool
answer(struct app *a, uint32_t conn, union http_word *word)
{
	bool close = word->answer.close;

	if (!send_answer(a, conn, &word->answer))
		return false;
	a->stats.answers++;
	if (close) {
		stack_close(a->stack, conn, a->now);
		word->answer.closed = 1;
		return false;
	}
	word->word = 0;
	return true;
}

static void
start_answer(struct app *a, union http_word *word, enum http_result result)
{
	const struct http *h = a->state;
	struct http_parse p = word->parse;
	bool ok = result == HTTP_OK;

	if (ok)
		a->stats.requests++;
	else
		a->stats.bad_requests++;
	word->word = 0;
	word->answer.answering = 1;
	word->answer.close = !ok || !http_is_persistent(&p);
	word->answer.is_error = !ok;
	word->answer.is_head = ok && p.is_head;
	word->answer.size =
	    (ok ? (p.has_size ? p.size : h->size) : (uint64_t)result) & HTTP_SIZE_MAX;
}

static uint32_t
http_message(struct app *a, uint32_t conn, const uint8_t *data, uint32_t len)
{
	union http_word word = {.word = *app_word(a, conn)};
	uint32_t taken = 0;

	while (taken < len && !word.answer.answering) {
		uint32_t n;
		enum http_result result = http_parse(&word.parse, data + taken, len - taken, &n);

		taken += n;
		if (result == HTTP_MORE)
			continue;
		start_answer(a, &word, result);
		answer(a, conn, &word);
	}
	if (word.answer.answering && word.answer.closed)
		taken = len; /* after Connection: close nothing counts */
	*app_word(a, conn) = word.word;
	return taken;
}

static void
http_writable(struct app *a, uint32_t conn)
{
	union http_word word = {.word = *app_word(a, conn)};

	if (!word.answer.answering || word.answer.closed)
		return;
	answer(a, conn, &word);
	*app_word(a, conn) = word.word;
}

/* A client that has said all may still wait for its answer. */
static void
http_eof(struct app *a, uint32_t conn)
{
	union http_word word = {.word = *app_word(a, conn)};

	if (!word.answer.answering) {
		stack_close(a->stack, conn, a->now);
		return;
	}
	word.answer.close = 1;
	*app_word(a, conn) = word.word;
}

/* Slowloris: a request that was there already at the last visit, and is not complete yet, has had its time. */
static void
http_visit(struct app *a, uint32_t conn)
{
	union http_word word = {.word = *app_word(a, conn)};

	if (word.word == 0 || word.answer.answering)
		return;
	if (word.parse.visited) {
		a->stats.late_requests++;
		stack_abort(a->stack, conn, a->now);
		return;
	}
	word.parse.visited = 1;
	*app_word(a, conn) = word.word;
}

const struct app_ops app_http = {
    .name = "http",
    .port = 80,
    .open = http_open,
    .release = http_release,
    .message = http_message,
    .writable = http_writable,
    .eof = http_eof,
    .visit = http_visit,
};
