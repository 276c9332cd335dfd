/* tcp_note.h - segments written as text in tests: "P. 1(100) ack 1 win 500 ts 7:9". */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TCP_NOTE_H
#define TEST_TCP_NOTE_H

#include "unit.h"

#include "wire/tcp.h"

/*
 * FLAGS SEQ[(LEN)] [ack N] [win N] [urg N] [mss N] [ws N] [sackok] [ts VAL[:ECR]] [nots] [plain]
 *	[sack A-B[,A-B]...] [nosack] [ect0] [ect1] [ce] [noect]
 *
 * Flags are the letters S F R P . U E W (. is ACK), or 0 for none. SEQ and ack count from the
 * initial sequence numbers: 0 is the SYN, 1 the first octet; a RST to nobody has absolute numbers.
 * In an expectation only what is written is compared, but flags (P only when written) and LEN
 * always are; `plain` expects no option besides timestamps, `nots` no timestamps.
 */
enum note_given {
	NOTE_ACK = 0x01,
	NOTE_WIN = 0x02,
	NOTE_TS = 0x04,
	NOTE_ECR = 0x08,
	NOTE_NO_TS = 0x10,
	NOTE_PLAIN = 0x20,
	NOTE_MSS = 0x40,
	NOTE_WS = 0x80,
	NOTE_SACKOK = 0x100,
	NOTE_URG = 0x200,
	NOTE_SACK = 0x400,
	NOTE_NO_SACK = 0x800,
	NOTE_ECN = 0x1000,
};

struct note {
	struct tcp_seg seg; /* numbers relative as written */
	unsigned given;	    /* enum note_given */
};

static const char note_letters[] = "FSRP.UEW"; /* in the order of the flag bits */

static inline uint32_t
note_number(const char *word, const char *text)
{
	char *end;
	long long n = word ? strtoll(word, &end, 0) : 0;

	if (!word || end == word)
		fail_msg("number missing in \"%s\"", text);
	return (uint32_t)n;
}

static inline uint8_t
note_flags(const char *word, const char *text)
{
	unsigned flags = 0;

	for (; *word && *word != '0'; word++) {
		const char *at = strchr(note_letters, *word);

		if (!at)
			fail_msg("flag '%c' in \"%s\"", *word, text);
		flags |= 1u << (at - note_letters);
	}
	return (uint8_t)flags;
}

/* "1-101,201-301" */
static inline void
note_sack(struct note *n, char *list, const char *text)
{
	struct tcp_seg *s = &n->seg;
	char *rest, *block;

	n->given |= NOTE_SACK;
	s->opts |= TCP_OPT_SACK;
	for (block = strtok_r(list, ",", &rest); block; block = strtok_r(NULL, ",", &rest)) {
		char *dash = strchr(block + 1, '-');

		if (!dash || s->n_sack == TCP_SACK_MAX)
			fail_msg("SACK blocks in \"%s\"", text);
		s->sack[s->n_sack].end = note_number(dash + 1, text);
		*dash = 0;
		s->sack[s->n_sack++].start = note_number(block, text);
	}
}

static inline bool
note_ecn(struct note *n, const char *word)
{
	static const char *const names[] = {"noect", "ect1", "ect0", "ce"}; /* RFC 3168 5 */

	for (unsigned i = 0; i < 4; i++)
		if (strcmp(word, names[i]) == 0) {
			n->seg.ecn = (uint8_t)i;
			n->given |= NOTE_ECN;
			return true;
		}
	return false;
}

static inline void
note_option(struct note *n, const char *word, char **rest, const char *text)
{
	struct tcp_seg *s = &n->seg;

	if (strcmp(word, "ack") == 0) {
		s->ack = note_number(strtok_r(NULL, " ", rest), text);
		n->given |= NOTE_ACK;
	} else if (strcmp(word, "win") == 0) {
		s->wnd = (uint16_t)note_number(strtok_r(NULL, " ", rest), text);
		n->given |= NOTE_WIN;
	} else if (strcmp(word, "urg") == 0) {
		s->urg = (uint16_t)note_number(strtok_r(NULL, " ", rest), text);
		n->given |= NOTE_URG;
	} else if (strcmp(word, "mss") == 0) {
		s->mss = (uint16_t)note_number(strtok_r(NULL, " ", rest), text);
		n->given |= NOTE_MSS;
		s->opts |= TCP_OPT_MSS;
	} else if (strcmp(word, "ws") == 0) {
		s->wscale = (uint8_t)note_number(strtok_r(NULL, " ", rest), text);
		n->given |= NOTE_WS;
		s->opts |= TCP_OPT_WSCALE;
	} else if (strcmp(word, "sackok") == 0) {
		n->given |= NOTE_SACKOK;
		s->opts |= TCP_OPT_SACK_PERMITTED;
	} else if (strcmp(word, "sack") == 0) {
		note_sack(n, strtok_r(NULL, " ", rest), text);
	} else if (strcmp(word, "nosack") == 0) {
		n->given |= NOTE_NO_SACK;
	} else if (note_ecn(n, word)) {
		return;
	} else if (strcmp(word, "nots") == 0) {
		n->given |= NOTE_NO_TS;
	} else if (strcmp(word, "plain") == 0) {
		n->given |= NOTE_PLAIN;
	} else {
		fail_msg("word \"%s\" in \"%s\"", word, text);
	}
}

static inline void
note_timestamps(struct note *n, const char *word, const char *text)
{
	const char *colon = word ? strchr(word, ':') : NULL;

	n->seg.tsval = note_number(word, text);
	n->seg.opts |= TCP_OPT_TIMESTAMP;
	n->given |= NOTE_TS;
	if (colon) {
		n->seg.tsecr = note_number(colon + 1, text);
		n->given |= NOTE_ECR;
	}
}

static inline struct note
note_parse(const char *text)
{
	struct note n = {.given = 0};
	char copy[256], *rest, *word, *paren;

	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	word = strtok_r(copy, " ", &rest);
	if (!word)
		fail_msg("empty segment");
	n.seg.flags = note_flags(word, text);
	word = strtok_r(NULL, " ", &rest);
	n.seg.seq = note_number(word, text);
	paren = strchr(word, '(');
	if (paren)
		n.seg.len = (uint16_t)note_number(paren + 1, text);
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		if (strcmp(word, "ts") == 0)
			note_timestamps(&n, strtok_r(NULL, " ", &rest), text);
		else
			note_option(&n, word, &rest, text);
	}
	return n;
}

/* As note_parse reads it; numbers relative to the bases. */
static inline const char *
note_print(char *buf, size_t size, const struct tcp_seg *s, uint32_t seq_base, uint32_t ack_base)
{
	char flags[16];
	unsigned n = 0;
	int at;

	for (unsigned i = 0; i < 8; i++)
		if (s->flags & 1u << i)
			flags[n++] = note_letters[i];
	flags[n] = 0;
	at = snprintf(buf, size, "%s %d(%u)", n ? flags : "0", (int)(s->seq - seq_base), s->len);
	if (s->flags & TCP_ACK)
		at += snprintf(buf + at, size - (size_t)at, " ack %d", (int)(s->ack - ack_base));
	at += snprintf(buf + at, size - (size_t)at, " win %u", s->wnd);
	if (s->flags & TCP_URG)
		at += snprintf(buf + at, size - (size_t)at, " urg %u", s->urg);
	if (s->opts & TCP_OPT_MSS)
		at += snprintf(buf + at, size - (size_t)at, " mss %u", s->mss);
	if (s->opts & TCP_OPT_WSCALE)
		at += snprintf(buf + at, size - (size_t)at, " ws %u", s->wscale);
	if (s->opts & TCP_OPT_SACK_PERMITTED)
		at += snprintf(buf + at, size - (size_t)at, " sackok");
	if (s->opts & TCP_OPT_TIMESTAMP)
		at += snprintf(buf + at, size - (size_t)at, " ts %u:%u", s->tsval, s->tsecr);
	for (unsigned i = 0; i < s->n_sack; i++)
		at +=
		    snprintf(buf + at, size - (size_t)at, "%s%d-%d", i ? "," : " sack ",
			     (int)(s->sack[i].start - ack_base), (int)(s->sack[i].end - ack_base));
	if (s->ecn)
		snprintf(buf + at, size - (size_t)at, " %s",
			 s->ecn == 3   ? "ce"
			 : s->ecn == 2 ? "ect0"
				       : "ect1");
	return buf;
}

static inline bool
note_matches_sack(const struct note *n, const struct tcp_seg *s, uint32_t ack_base)
{
	if (n->given & NOTE_NO_SACK && s->opts & TCP_OPT_SACK)
		return false;
	if (!(n->given & NOTE_SACK))
		return true;
	if (s->n_sack != n->seg.n_sack)
		return false;
	for (unsigned i = 0; i < s->n_sack; i++)
		if (s->sack[i].start - ack_base != n->seg.sack[i].start ||
		    s->sack[i].end - ack_base != n->seg.sack[i].end)
			return false;
	return true;
}

/* Whether s, its numbers made relative, is what was expected. */
static inline bool
note_matches(const struct note *n, const struct tcp_seg *s, uint32_t seq_base, uint32_t ack_base)
{
	const struct tcp_seg *e = &n->seg;
	const uint8_t mind = (uint8_t) ~(e->flags & TCP_PSH ? 0u : TCP_PSH);

	if ((s->flags & mind) != (e->flags & mind) || s->seq - seq_base != e->seq ||
	    s->len != e->len)
		return false;
	if ((n->given & NOTE_ACK && s->ack - ack_base != e->ack) ||
	    (n->given & NOTE_WIN && s->wnd != e->wnd) || (n->given & NOTE_URG && s->urg != e->urg))
		return false;
	if (!note_matches_sack(n, s, ack_base) || (n->given & NOTE_ECN && s->ecn != e->ecn))
		return false;
	if ((e->opts & ~s->opts) != 0 || (n->given & NOTE_NO_TS && s->opts & TCP_OPT_TIMESTAMP))
		return false;
	if (n->given & NOTE_PLAIN && (s->opts & ~TCP_OPT_TIMESTAMP & ~e->opts) != 0)
		return false;
	return !((n->given & NOTE_MSS && s->mss != e->mss) ||
		 (n->given & NOTE_WS && s->wscale != e->wscale) ||
		 (n->given & NOTE_TS && s->tsval != e->tsval) ||
		 (n->given & NOTE_ECR && s->tsecr != e->tsecr));
}

#endif
