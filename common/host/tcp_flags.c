/* tcp_flags.c - flags about TCP become configuration, for all connections or for those of one listener. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/tcp_flags.h"

#include <string.h>

#include "base/units.h"
#include "tcp/tcp.h"

void
tcp_flags_fill(const struct tcp_flags *f, struct tcp_config *c)
{
	c->sack = f->sack;
	c->timestamps = f->timestamps;
}

void
tcp_flags_fill_profile(const struct tcp_flags *f, struct tcp_profile *p)
{
	p->cc = (uint8_t)f->cc;
	p->ecn = (uint8_t)f->ecn;
	p->keepalive_ns = f->keepalive_ns;
	p->user_timeout_ns = f->user_timeout_ns;
	p->idle_ns = f->idle_ns;
}

/* Which of the words in `choices` ("a|b|c") value is; -1: none. */
static int
find_word(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (int i = 0;; i++) {
		size_t word = strcspn(choices, "|");

		if (word == len && strncmp(choices, value, len) == 0)
			return i;
		if (choices[word] == '\0')
			return -1;
		choices += word + 1;
	}
}

static const char *
set_word(int *to, const char *choices, const char *value)
{
	int i = find_word(choices, value);

	if (i < 0)
		return choices;
	*to = i;
	return NULL;
}

static const char *
set_time(uint64_t *to, const char *value)
{
	uint64_t ns;

	if (units_parse_time(value, UINT64_C(1000000000), &ns) || ns > TCP_FLAGS_LONGEST_NS)
		return "a time of at most 10 days";
	*to = ns;
	return NULL;
}

/* What stands behind `name=`; NULL: it is another name. */
static const char *
value_of(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

const char *
tcp_flags_word(struct tcp_flags *f, const char *word)
{
	const char *value;

	if ((value = value_of(word, "cc")))
		return set_word(&f->cc, TCP_CC_WORDS, value);
	if ((value = value_of(word, "ecn")))
		return set_word(&f->ecn, TCP_ECN_WORDS, value);
	if ((value = value_of(word, "keepalive")))
		return set_time(&f->keepalive_ns, value);
	if ((value = value_of(word, "user-timeout")))
		return set_time(&f->user_timeout_ns, value);
	if ((value = value_of(word, "idle")))
		return set_time(&f->idle_ns, value);
	return "PORT[,cc=|ecn=|keepalive=|user-timeout=|idle=...][,shed-idle]";
}
