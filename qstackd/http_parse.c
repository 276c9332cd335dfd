/* http_parse.c - an HTTP/1.x request read octet by octet (RFC 9112). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/http_parse.h"

#include <string.h>

enum phase {
	START, /* empty lines before the request line are skipped (RFC 9112 2.2) */
	METHOD,
	TARGET_START,
	TARGET,
	VERSION,
	LINE_END, /* of the request line: CR or LF */
	LINE_LF,  /* after a CR: LF */
	FIELD,	  /* first octet of a field line, or the empty line */
	END_LF,	  /* CR of the empty line is there */
	NAME,
	VALUE_START, /* optional white space before a value */
	VALUE,
	VALUE_SKIP, /* a token of the value that is none of our words */
};

static const char *const methods[] = {"GET", "HEAD", NULL};
static const char *const names[] = {"connection", "content-length", "host", "transfer-encoding",
				    NULL};
static const char *const tokens[] = {"close", "keep-alive", NULL};
enum { NAME_CONNECTION = 1, NAME_CONTENT_LENGTH = 2, NAME_HOST = 4, NAME_TRANSFER_ENCODING = 8 };
enum { TOKEN_CLOSE = 1, TOKEN_KEEP_ALIVE = 2 };

/* The words that begin with what `left` match so far and go on with c at `position`. */
static unsigned
match_octet(const char *const *words, unsigned left, unsigned position, uint8_t c)
{
	unsigned still = 0;

	for (unsigned i = 0; words[i]; i++)
		if (left & (1u << i) && (uint8_t)words[i][position] == c)
			still |= 1u << i;
	return still;
}

/* The word that ends at `position`, as a bit; 0: none. */
static unsigned
match_end(const char *const *words, unsigned left, unsigned position)
{
	return match_octet(words, left, position, 0);
}

static void
start_word(struct http_parse *p)
{
	p->position = 0;
	p->words = 15;
}

/* More octets than any word has: the position stays, nothing matches. */
static void
match(struct http_parse *p, const char *const *words, uint8_t c)
{
	p->words = c ? match_octet(words, p->words, p->position, c) & 15u : 0;
	if (p->words)
		p->position++;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* RFC 9110 5.6.2 */
static bool
is_token(uint8_t c)
{
	return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static enum http_result
in_method(struct http_parse *p, uint8_t c)
{
	if (c == ' ') {
		unsigned method = match_end(methods, p->words, p->position);

		if (!method)
			return HTTP_NO_METHOD;
		p->is_head = method == 2;
		p->phase = TARGET_START;
		return HTTP_MORE;
	}
	if (!is_token(c))
		return HTTP_BAD;
	match(p, methods, c);
	return HTTP_MORE;
}

static enum http_result
in_size(struct http_parse *p, uint8_t c)
{
	uint64_t size = p->size;

	if (c >= '0' && c <= '9') {
		size = size * 10 + (uint64_t)(c - '0');
	} else {
		p->path_ended = 1;
		if (!p->has_size || c == '?')
			return HTTP_MORE;
		if (c == 'k')
			size *= 1000;
		else if (c == 'M')
			size *= 1000000;
		else
			return p->has_size = 0, HTTP_MORE; /* a name that begins with digits */
	}
	if (size > HTTP_SIZE_MAX)
		return HTTP_BAD;
	p->size = size & HTTP_SIZE_MAX;
	p->has_size = 1;
	return HTTP_MORE;
}

static enum http_result
in_target(struct http_parse *p, uint8_t c)
{
	if (c == ' ') {
		p->phase = VERSION;
		p->position = 0;
		return HTTP_MORE;
	}
	if (c <= ' ' || c >= 0x7f)
		return HTTP_BAD;
	return p->path_ended ? HTTP_MORE : in_size(p, c);
}

static enum http_result
in_version(struct http_parse *p, uint8_t c)
{
	static const char version[] = "HTTP/1.";

	if (p->position < sizeof(version) - 1)
		return c == (uint8_t)version[p->position++] ? HTTP_MORE : HTTP_BAD;
	if (c != '0' && c != '1')
		return HTTP_BAD;
	p->is_1_0 = c == '0';
	p->phase = LINE_END;
	return HTTP_MORE;
}

static enum http_result
line_end(struct http_parse *p, uint8_t c)
{
	if (c == '\r' && p->phase != LINE_LF)
		p->phase = LINE_LF;
	else if (c == '\n')
		p->phase = FIELD;
	else
		return HTTP_BAD;
	return HTTP_MORE;
}

/* RFC 9112 3.2: a request of HTTP/1.1 without Host is none. */
static enum http_result
head_end(struct http_parse *p, uint8_t c)
{
	if (c != '\n')
		return HTTP_BAD;
	return p->is_1_0 || p->has_host ? HTTP_OK : HTTP_BAD;
}

static enum http_result
in_field(struct http_parse *p, uint8_t c)
{
	if (c == '\r') {
		p->phase = END_LF;
		return HTTP_MORE;
	}
	if (c == '\n')
		return head_end(p, c);
	if (!is_token(c)) /* white space here would be an obsolete folded line (RFC 9112 5.2) */
		return HTTP_BAD;
	p->phase = NAME;
	start_word(p);
	match(p, names, lower(c));
	return HTTP_MORE;
}

static enum http_result
in_name(struct http_parse *p, uint8_t c)
{
	if (c != ':') {
		match(p, names, lower(c));
		return is_token(c) ? HTTP_MORE : HTTP_BAD;
	}
	p->words = match_end(names, p->words, p->position) & 15u;
	if (p->words == NAME_HOST)
		p->has_host = 1;
	if (p->words == NAME_TRANSFER_ENCODING)
		return HTTP_BAD; /* bodies are not taken, and must not be read as requests */
	p->phase = VALUE_START;
	/* From here on position tells which field this is. */
	p->position = p->words;
	return HTTP_MORE;
}

static void
token_done(struct http_parse *p)
{
	unsigned token = match_end(tokens, p->words, p->position);

	p->close |= token == TOKEN_CLOSE;
	p->keep_alive |= token == TOKEN_KEEP_ALIVE;
}

/* Connection: a list of tokens. */
static enum http_result
in_tokens(struct http_parse *p, uint8_t c)
{
	if (c == ' ' || c == '\t' || c == ',' || c == '\r' || c == '\n') {
		token_done(p);
		start_word(p);
		return c == '\r' || c == '\n' ? line_end(p, c) : HTTP_MORE;
	}
	match(p, tokens, lower(c));
	return c < ' ' || c == 0x7f ? HTTP_BAD : HTTP_MORE;
}

static enum http_result
in_value_skip(struct http_parse *p, uint8_t c)
{
	if (c == '\r' || c == '\n')
		return line_end(p, c);
	return (c < ' ' && c != '\t') || c == 0x7f ? HTTP_BAD : HTTP_MORE;
}

static enum http_result
in_value_start(struct http_parse *p, uint8_t c)
{
	if (c == ' ' || c == '\t')
		return HTTP_MORE;
	if (p->position == NAME_CONNECTION) {
		p->phase = VALUE;
		start_word(p);
		return in_tokens(p, c);
	}
	if (p->position == NAME_CONTENT_LENGTH && c != '\r' && c != '\n')
		return c == '0' ? HTTP_MORE : HTTP_BAD; /* no bodies but the empty one */
	p->phase = VALUE_SKIP;
	return in_value_skip(p, c);
}

static enum http_result
in_start(struct http_parse *p, uint8_t c)
{
	if (c == '\r' || c == '\n')
		return HTTP_MORE;
	if (!is_token(c))
		return HTTP_BAD;
	p->phase = METHOD;
	start_word(p);
	match(p, methods, c);
	return HTTP_MORE;
}

static enum http_result
step(struct http_parse *p, uint8_t c)
{
	switch ((enum phase)p->phase) {
	case START:
		return in_start(p, c);
	case METHOD:
		return in_method(p, c);
	case TARGET_START:
		p->phase = TARGET;
		return c == '/' ? HTTP_MORE : HTTP_BAD;
	case TARGET:
		return in_target(p, c);
	case VERSION:
		return in_version(p, c);
	case LINE_END:
	case LINE_LF:
		return line_end(p, c);
	case FIELD:
		return in_field(p, c);
	case END_LF:
		return head_end(p, c);
	case NAME:
		return in_name(p, c);
	case VALUE_START:
		return in_value_start(p, c);
	case VALUE:
		return in_tokens(p, c);
	case VALUE_SKIP:
		return in_value_skip(p, c);
	}
	return HTTP_BAD;
}

enum http_result
http_parse(struct http_parse *p, const uint8_t *data, uint32_t len, uint32_t *taken)
{
	for (uint32_t i = 0; i < len; i++) {
		enum http_result r = p->octets < HTTP_HEAD_MAX ? step(p, data[i]) : HTTP_BAD;

		p->octets = (p->octets + 1) & HTTP_HEAD_MAX;
		if (r != HTTP_MORE) {
			*taken = i + 1;
			return r;
		}
	}
	*taken = len;
	return HTTP_MORE;
}
