/* http.c - an HTTP/1.x answer, octet by octet through its head and in strides through its body (RFC 9112). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/http.h"

#include <string.h>

enum phase {
	STATUS_LINE,
	NAME,
	VALUE_OTHER,
	VALUE_LENGTH,
	VALUE_CODING,
	BODY,	     /* `left` octets, then the end */
	BODY_TO_EOF, /* RFC 9112 6.3 (8) */
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_DATA,
	CHUNK_END,
	TRAILER,
};

enum flag { HAS_LENGTH = 1, CHUNKED = 2 };

/* The fields that say where the body ends. answer.names holds those that may still be what is read. */
enum name { CONTENT_LENGTH = 1, TRANSFER_ENCODING = 2 };
static const char content_length[] = "content-length", transfer_encoding[] = "transfer-encoding";
static const char chunked[] = "chunked";
enum { NO_MATCH = UINT8_MAX };

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static void
enter(struct answer *a, enum phase phase)
{
	a->phase = (uint8_t)phase;
	a->at = 0;
	a->names = CONTENT_LENGTH | TRANSFER_ENCODING;
}

static enum answer_state
end_of_head(struct answer *a)
{
	if (a->status >= 100 && a->status < 200) { /* interim: the answer is still to come */
		*a = (struct answer){.got = a->got};
		return ANSWER_PART;
	}
	if (a->status == 204 || a->status == 304)
		return ANSWER_WHOLE;
	if (a->flags & CHUNKED) { /* overrides the length, RFC 9112 6.3 (3) */
		a->left = 0;
		enter(a, CHUNK_SIZE);
	} else if (a->flags & HAS_LENGTH) {
		if (a->left == 0)
			return ANSWER_WHOLE;
		enter(a, BODY);
	} else {
		enter(a, BODY_TO_EOF);
	}
	return ANSWER_PART;
}

/* HTTP/1.1 200 whatever */
static enum answer_state
status_line(struct answer *a, uint8_t c)
{
	static const char start[] = "HTTP/1.";

	if (c == '\n' && a->at >= 12)
		enter(a, NAME);
	else if (a->at < 7 ? c != (uint8_t)start[a->at] : a->at == 8 && c != ' ')
		return ANSWER_BAD;
	else if ((a->at == 7 || (a->at >= 9 && a->at < 12)) && !is_digit(c))
		return ANSWER_BAD;
	else {
		if (a->at >= 9 && a->at < 12)
			a->status = (uint16_t)(a->status * 10 + (c - '0'));
		if (a->at < 13)
			a->at++;
	}
	return ANSWER_PART;
}

static bool
still(const char *word, size_t len, uint8_t at, uint8_t c)
{
	return at < len && (uint8_t)word[at] == lower(c);
}

static enum answer_state
end_of_name(struct answer *a)
{
	const uint8_t at = a->at, names = a->names;

	enter(a, VALUE_OTHER);
	if ((names & CONTENT_LENGTH) && at == sizeof(content_length) - 1) {
		/* Two lengths could frame the stream two ways: RFC 9112 6.3 (5). */
		if (a->flags & HAS_LENGTH)
			return ANSWER_BAD;
		a->phase = VALUE_LENGTH;
	} else if ((names & TRANSFER_ENCODING) && at == sizeof(transfer_encoding) - 1) {
		a->phase = VALUE_CODING;
	}
	return ANSWER_PART;
}

static enum answer_state
field_name(struct answer *a, uint8_t c)
{
	if (c == '\n')
		return a->at == 0 ? end_of_head(a) : ANSWER_BAD;
	if (c == ':')
		return end_of_name(a);
	if (!still(content_length, sizeof(content_length) - 1, a->at, c))
		a->names &= (uint8_t)~CONTENT_LENGTH;
	if (!still(transfer_encoding, sizeof(transfer_encoding) - 1, a->at, c))
		a->names &= (uint8_t)~TRANSFER_ENCODING;
	if (a->at < NO_MATCH)
		a->at++;
	return ANSWER_PART;
}

/* answer.at: 0 before the digits, 1 in them, 2 behind. */
static enum answer_state
value_length(struct answer *a, uint8_t c)
{
	if (c == '\n') {
		if (!(a->flags & HAS_LENGTH))
			return ANSWER_BAD;
		enter(a, NAME);
	} else if (is_digit(c)) {
		if (a->at == 2 || a->left > (UINT64_MAX - 9) / 10)
			return ANSWER_BAD;
		a->left = a->left * 10 + (uint64_t)(c - '0');
		a->flags |= HAS_LENGTH;
		a->at = 1;
	} else if (c != ' ' && c != '\t') {
		return ANSWER_BAD;
	} else if (a->at == 1) {
		a->at = 2;
	}
	return ANSWER_PART;
}

/* Only the last coding matters: it is "chunked", or the body has no length of its own. */
static enum answer_state
value_coding(struct answer *a, uint8_t c)
{
	if (c == '\n') {
		if (a->at == sizeof(chunked) - 1)
			a->flags |= CHUNKED;
		enter(a, NAME);
	} else if (c == ',') {
		a->at = 0;
	} else if (c != ' ' && c != '\t') {
		a->at =
		    still(chunked, sizeof(chunked) - 1, a->at, c) ? (uint8_t)(a->at + 1) : NO_MATCH;
	}
	return ANSWER_PART;
}

static enum answer_state
end_of_chunk_size(struct answer *a)
{
	enter(a, a->left ? CHUNK_DATA : TRAILER);
	return ANSWER_PART;
}

static enum answer_state
chunk_size(struct answer *a, uint8_t c)
{
	const uint8_t l = lower(c);

	if (is_digit(c) || (l >= 'a' && l <= 'f')) {
		if (a->left >> 60)
			return ANSWER_BAD;
		a->left = a->left << 4 | (uint64_t)(is_digit(c) ? c - '0' : l - 'a' + 10);
		a->at = 1;
		return ANSWER_PART;
	}
	if (a->at == 0)
		return ANSWER_BAD;
	if (c == '\n')
		return end_of_chunk_size(a);
	a->phase = CHUNK_EXTENSION;
	return ANSWER_PART;
}

static enum answer_state
trailer(struct answer *a, uint8_t c)
{
	if (c != '\n') {
		a->at = 1;
		return ANSWER_PART;
	}
	if (a->at == 0)
		return ANSWER_WHOLE;
	a->at = 0;
	return ANSWER_PART;
}

static enum answer_state
take_octet(struct answer *a, uint8_t c)
{
	switch ((enum phase)a->phase) {
	case STATUS_LINE:
		return status_line(a, c);
	case NAME:
		return field_name(a, c);
	case VALUE_LENGTH:
		return value_length(a, c);
	case VALUE_CODING:
		return value_coding(a, c);
	case VALUE_OTHER:
		if (c == '\n')
			enter(a, NAME);
		return ANSWER_PART;
	case CHUNK_SIZE:
		return chunk_size(a, c);
	case CHUNK_EXTENSION:
		return c == '\n' ? end_of_chunk_size(a) : ANSWER_PART;
	case CHUNK_END:
		enter(a, CHUNK_SIZE);
		return c == '\n' ? ANSWER_PART : ANSWER_BAD;
	case TRAILER:
		return trailer(a, c);
	case BODY:
	case BODY_TO_EOF:
	case CHUNK_DATA:
		break;
	}
	return ANSWER_BAD;
}

/* As many octets of body as there are; the rest of the answer, if any, goes on octet by octet. */
static uint32_t
take_body(struct answer *a, uint32_t len, enum answer_state *state)
{
	const uint32_t n = a->left < len ? (uint32_t)a->left : len;

	if (a->phase == BODY_TO_EOF)
		return len;
	a->left -= n;
	if (a->left == 0) {
		if (a->phase == BODY)
			*state = ANSWER_WHOLE;
		enter(a, CHUNK_END);
	}
	return n;
}

enum answer_state
http_take(struct answer *a, const uint8_t *data, uint32_t len, uint32_t *used)
{
	enum answer_state state = ANSWER_PART;
	uint32_t i = 0;

	while (i < len && state == ANSWER_PART) {
		if (a->phase == BODY || a->phase == BODY_TO_EOF || a->phase == CHUNK_DATA) {
			i += take_body(a, len - i, &state);
			continue;
		}
		/* A CR stands before LF only; who sends it elsewhere is not worth a phase. */
		if (data[i] != '\r')
			state = take_octet(a, data[i]);
		i++;
		if (a->phase <= VALUE_CODING && ++a->got > HTTP_HEAD_MAX)
			state = ANSWER_BAD;
	}
	*used = i;
	return state;
}

bool
http_ends_at_eof(const struct answer *a)
{
	return a->phase == BODY_TO_EOF;
}
