/* tcp_play.h - a sender and its ACKs as one line of text, in segments: "s 10; a 0 2-4; > 1 11". */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TCP_PLAY_H
#define TEST_TCP_PLAY_H

#include "unit.h"

#include "tcp_states.h"

/*
 * Segment i is octets (i - 1) * 1000 + 1 to i * 1000 of the stream; the MSS is 1000, the RTT of the handshake 100 ms, so IW is 10
 * segments and RTO 300 ms. Commands, separated by ';':
 *
 *	s N		the user sends N segments		o N	N octets
 *	a N [BLOCK]..	an ACK of N segments with SACK blocks: "3-5" segments 3 to 5, "@1-501" octets
 *	A OCTET [BLOCK].. an ACK of this number		d	the same ACK again, without blocks
 *	w MS		time passes, timers fire		x	the user closes
 *	v N		the peer's window from now on		t MS	its next ACK echoes what we stamped MS ago
 *	> [SEGMENT]..	since the last '>' exactly these were sent: "3", "4-7", "@301+200" (and +F for a FIN)
 *	? NAME VALUE	cwnd ssthresh pipe lost (octets), rec rto fast tlp undo rexmt reneged bad dsack probes (counts), mult, state
 */
struct play {
	const char *name, *script;
	bool timestamps;
	enum tcp_cc cc;
	uint64_t user_timeout_ns;
};

static inline struct kit *
play_sender(const struct play *p)
{
	struct kit_opts o = kit_plain();

	o.cfg.sack = true;
	o.cfg.sndbuf = 1 << 20;
	o.n_large = 2000;
	o.rtt_ms = 100;
	o.no_ts = !p->timestamps;
	o.peer_mss = p->timestamps ? 1012 : 1000;
	o.profile.cc = (uint8_t)p->cc;
	o.profile.user_timeout_ns = p->user_timeout_ns;
	return kit_established(&o);
}

static inline uint32_t
play_count(const struct kit *k, const char *name)
{
	const struct tcp_stats *s = &k->ctx.stats;
	struct tcp_info info = {.cwnd = 0};

	if (k->t)
		tcp_get_info(&k->ctx, k->t, &info);
	if (strcmp(name, "cwnd") == 0)
		return info.cwnd;
	if (strcmp(name, "ssthresh") == 0)
		return info.ssthresh;
	if (strcmp(name, "pipe") == 0)
		return info.in_flight;
	if (strcmp(name, "lost") == 0)
		return info.lost;
	if (strcmp(name, "rec") == 0)
		return info.in_recovery;
	if (strcmp(name, "mult") == 0)
		return kit_act(k)->rack.reo_wnd_mult;
	if (strcmp(name, "rto") == 0)
		return (uint32_t)s->rto_expired;
	if (strcmp(name, "fast") == 0)
		return (uint32_t)s->fast_retransmits;
	if (strcmp(name, "tlp") == 0)
		return (uint32_t)s->loss_probes_out;
	if (strcmp(name, "undo") == 0)
		return (uint32_t)s->spurious_recoveries;
	if (strcmp(name, "rexmt") == 0)
		return (uint32_t)s->segs_retransmitted;
	if (strcmp(name, "reneged") == 0)
		return (uint32_t)s->sack_reneged;
	if (strcmp(name, "bad") == 0)
		return (uint32_t)s->sack_blocks_bad;
	if (strcmp(name, "dsack") == 0)
		return (uint32_t)s->dsack_in;
	if (strcmp(name, "probes") == 0)
		return (uint32_t)s->window_probes_out;
	if (strcmp(name, "state") == 0)
		return k->t ? k->t->state : 0;
	fail_msg("no count \"%s\"", name);
	return 0;
}

static inline void
play_ack(struct kit *k, uint32_t ack, char *blocks, int64_t *echo_ms)
{
	struct tcp_seg seg = kit_peer_seg(k, ". 1 ack 0");
	char *rest, *word;

	seg.ack = k->iss + ack;
	if (*echo_ms >= 0)
		seg.tsecr = (uint32_t)(k->now / KIT_MS) + k->t->ts_offset - (uint32_t)*echo_ms;
	*echo_ms = -1;
	for (word = strtok_r(blocks, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		struct tcp_sack_block *b = &seg.sack[seg.n_sack++];
		unsigned from, to;

		assert_true(seg.n_sack <= TCP_SACK_MAX);
		if (sscanf(word, "@%u-%u", &from, &to) == 2)
			*b = (struct tcp_sack_block){k->iss + from, k->iss + to};
		else if (sscanf(word, "%u-%u", &from, &to) == 2)
			*b = (struct tcp_sack_block){k->iss + (from - 1) * 1000 + 1,
						     k->iss + to * 1000 + 1};
		else
			fail_msg("block \"%s\"", word);
		seg.opts |= TCP_OPT_SACK;
	}
	kit_input(k, &seg);
}

static inline void
play_show(const struct kit *k, unsigned from, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = 0;
	for (unsigned i = from; i < k->n_sent && at < size; i++) {
		const struct tcp_seg *s = &k->sent[i].seg;

		at += (size_t)snprintf(buf + at, size - at, " %u+%u%s@%.3f", s->seq - k->iss,
				       s->len, s->flags & TCP_FIN ? "F" : "",
				       (double)k->sent[i].at / 1e6 - 1e6);
	}
}

static inline bool
play_is_next(struct kit *k, uint32_t seq, uint32_t len, bool fin)
{
	const struct tcp_seg *s = &k->sent[k->next].seg;

	if (k->next == k->n_sent || s->seq - k->iss != seq || s->len != len ||
	    fin != ((s->flags & TCP_FIN) != 0))
		return false;
	k->next++;
	return true;
}

static inline bool
play_expect(struct kit *k, char *list)
{
	char *rest, *word;

	for (word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		unsigned from, to;
		char fin = 0;

		if (sscanf(word, "@%u+%u%c", &from, &to, &fin) >= 2) {
			if (!play_is_next(k, from, to, fin == 'F'))
				return false;
			continue;
		}
		if (sscanf(word, "%u-%u", &from, &to) == 1)
			to = from;
		for (; from <= to; from++)
			if (!play_is_next(k, (from - 1) * 1000 + 1, 1000, false))
				return false;
	}
	return k->next == k->n_sent;
}

static inline void
play_step(struct kit *k, const struct play *p, char *step, int64_t *echo_ms)
{
	char letter = *step, *arg = step + 1, name[32], shown[2000];
	const unsigned from = k->next;
	char *blocks;
	unsigned value;

	while (*arg == ' ')
		arg++;
	switch (letter) {
	case 's':
		assert_int_equal(kit_send(k, (uint32_t)atoi(arg) * 1000), atoi(arg) * 1000);
		break;
	case 'o':
		kit_send(k, (uint32_t)atoi(arg));
		break;
	case 'a':
	case 'A':
		value = (unsigned)strtoul(arg, &blocks, 10);
		play_ack(k, letter == 'a' ? value * 1000 + 1 : value, blocks, echo_ms);
		break;
	case 'd':
		play_ack(k, k->t->snd_una - k->iss, arg, echo_ms);
		break;
	case 'w':
		kit_run_ms(k, atof(arg));
		break;
	case 'x':
		kit_close(k);
		break;
	case 'v':
		k->peer_wnd = (uint16_t)atoi(arg);
		break;
	case 't':
		*echo_ms = atoi(arg);
		break;
	case '>':
		if (!play_expect(k, arg)) {
			play_show(k, from, shown, sizeof(shown));
			fail_msg("%s: sent since%s", p->name, shown);
		}
		k->n_sent = k->next = 0;
		break;
	case '?':
		if (sscanf(arg, "%31s %u", name, &value) != 2)
			fail_msg("\"%s\"", step);
		if (play_count(k, name) != value)
			fail_msg("%s: %s is %u, not %u", p->name, name, play_count(k, name), value);
		break;
	default:
		fail_msg("%s: step \"%s\"", p->name, step);
	}
}

/* A cmocka test whose initial state is a row. */
static inline void
play_row(void **state)
{
	const struct play *p = *state;
	struct kit *k = play_sender(p);
	char copy[1000], *rest, *step;
	int64_t echo_ms = -1;

	assert_true(strlen(p->script) < sizeof(copy));
	strcpy(copy, p->script);
	for (step = strtok_r(copy, ";", &rest); step; step = strtok_r(NULL, ";", &rest)) {
		while (*step == ' ')
			step++;
		play_step(k, p, step, &echo_ms);
	}
	kit_delete(k);
}

static inline int
play_all(const struct play *rows, size_t n)
{
	struct CMUnitTest *tests = calloc(n, sizeof(*tests));
	int failed;

	if (!tests)
		return 1;
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){
		    .name = rows[i].name, .test_func = play_row, .initial_state = (void *)&rows[i]};
	failed = _cmocka_run_group_tests("rows", tests, n, NULL, NULL);
	free(tests);
	return failed;
}

#endif
