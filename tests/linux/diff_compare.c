/* diff_compare.c - are two answers the same, but for what each host may choose? And how they are shown. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where a host ends a write's last segment with PSH is its own affair (RFC 9293 3.9.1.2). */
enum { FLAGS_COMPARED = 0xff & ~TCP_PSH };

static const uint8_t *
payload(const struct answer *a, unsigned i)
{
	return a->frame[i] + a->reply[i].payload_off;
}

/* A RST may echo a number of ours, which is the same for both. */
static bool
same_seq(const struct duel *d, uint32_t a, uint32_t b)
{
	return a == b || a - d->view[0].iss == b - d->view[1].iss;
}

/* What stood at one host's right edge stood as far from the other's. */
static uint32_t
edge_shift(const struct duel *d, const struct step *s)
{
	return s->relative & REL_EDGE ? d->was[0].edge - d->was[1].edge : 0;
}

static bool
same_sack(const struct duel *d, const struct step *s, const struct tcp_seg *a,
	  const struct tcp_seg *b)
{
	uint32_t shift = edge_shift(d, s);

	if (a->n_sack != b->n_sack)
		return false;
	for (unsigned i = 0; i < a->n_sack; i++) {
		uint32_t start = a->sack[i].start - b->sack[i].start;
		uint32_t end = a->sack[i].end - b->sack[i].end;

		if ((start != 0 && start != shift) || (end != 0 && end != shift))
			return false;
	}
	return true;
}

static const char *
compare_segments(const struct duel *d, const struct step *s, const struct tcp_seg *a,
		 const struct tcp_seg *b)
{
	if ((a->flags & FLAGS_COMPARED) != (b->flags & FLAGS_COMPARED))
		return "flags";
	if (!(a->flags & TCP_SYN && s->from_other_port) && !same_seq(d, a->seq, b->seq))
		return "seq";
	if (a->flags & TCP_ACK && a->ack - b->ack != 0 && a->ack - b->ack != edge_shift(d, s))
		return "ack";
	if (a->len != b->len)
		return "length";
	if (a->flags & TCP_RST)
		return NULL; /* nobody reads the rest of it */
	if (a->opts != b->opts)
		return "options";
	if (a->opts & TCP_OPT_MSS && a->mss != b->mss)
		return "mss";
	if (a->opts & TCP_OPT_TIMESTAMP && a->tsecr != b->tsecr)
		return "tsecr";
	if (!same_sack(d, s, a, b))
		return "sack";
	if ((a->wnd == 0) != (b->wnd == 0))
		return "window";
	if (a->flags & TCP_URG && a->urg != b->urg)
		return "urgent pointer";
	return NULL;
}

static const char *
compare_reply(const struct duel *d, const struct step *s, unsigned i)
{
	const struct answer *l = &d->now[0], *o = &d->now[1];
	const struct pkt *a = &l->reply[i], *b = &o->reply[i];
	const char *what = NULL;

	if (a->kind != b->kind)
		return "kind";
	if (a->kind != PKT_ARP && (a->src != b->src || a->dst != b->dst))
		return "addresses";
	if (a->kind == PKT_TCP) {
		if (a->sport != b->sport || a->dport != b->dport)
			return "ports";
		what = compare_segments(d, s, &a->tcp, &b->tcp);
	} else if (a->kind == PKT_ICMP) {
		if (a->icmp_type != b->icmp_type || a->icmp_code != b->icmp_code ||
		    a->icmp_rest != b->icmp_rest)
			return "icmp";
	} else if (a->kind == PKT_ARP) {
		if (a->arp_op != b->arp_op || a->arp_spa != b->arp_spa || a->arp_tpa != b->arp_tpa)
			return "arp";
	}
	if (!what && a->kind != PKT_ARP &&
	    (a->payload_len != b->payload_len ||
	     memcmp(payload(l, i), payload(o, i), a->payload_len) != 0))
		return "octets sent";
	return what;
}

static const char *
compare_user(const struct answer *l, const struct answer *o)
{
	if (l->accepted != o->accepted)
		return "accepted";
	if (l->n_read != o->n_read)
		return "octets read";
	if (memcmp(l->read, o->read, l->n_read) != 0)
		return "content read";
	if (l->eof != o->eof)
		return "end of file";
	if (l->ended != o->ended || l->state != o->state)
		return "state";
	if (l->reset != o->reset)
		return "reset told";
	return NULL;
}

const char *
diff_compare(const struct duel *d, const struct step *s)
{
	const struct answer *l = &d->now[0], *o = &d->now[1];
	const char *what;

	if (l->n != o->n)
		return "number of answers";
	for (unsigned i = 0; i < l->n; i++)
		if ((what = compare_reply(d, s, i)) != NULL)
			return what;
	return compare_user(l, o);
}

/* --- words --- */

struct words {
	char *at;
	size_t room;
};

static void __attribute__((format(printf, 2, 3))) say(struct words *w, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(w->at, w->room, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= w->room)
		n = (int)w->room - 1;
	w->at += n;
	w->room -= (size_t)n;
}

static void
say_segment(struct words *w, const struct tcp_seg *g, int32_t seq, int64_t ack)
{
	static const char letter[] = "FSRPAUEC";

	for (unsigned i = 0; i < 8; i++)
		if (g->flags >> i & 1)
			say(w, "%c", letter[i]);
	say(w, " %d+%u", seq, g->len);
	if (g->flags & TCP_ACK)
		say(w, " ack %lld", (long long)ack);
	say(w, " win %u", g->wnd);
	if (g->flags & TCP_URG)
		say(w, " urg %u", g->urg);
	if (g->opts & TCP_OPT_MSS)
		say(w, " mss %u", g->mss);
	if (g->opts & TCP_OPT_WSCALE)
		say(w, " ws %u", g->wscale);
	if (g->opts & TCP_OPT_SACK_PERMITTED)
		say(w, " sackOK");
	if (g->opts & TCP_OPT_TIMESTAMP)
		say(w, " ts %u %u", g->tsval, g->tsecr);
}

static const char *const call_name[] = {"connect", "write", "pause", "resume", "shutdown", "abort"};

void
diff_note_step(char *to, const struct duel *d, const struct step *s)
{
	struct words w = {to, DUEL_NOTE};
	const struct tcp_seg *g = &s->seg;

	*to = '\0';
	switch (s->kind) {
	case STEP_SEGMENT:
		say_segment(&w, g, (int32_t)(s->relative & REL_EDGE ? g->seq : g->seq - d->irs),
			    g->ack);
		say(&w, "%s%s%s", s->relative & REL_EDGE ? " seq from edge" : "",
		    s->relative & REL_ACK ? "" : " ack absolute",
		    s->from_other_port ? " other port" : "");
		for (unsigned i = 0; i < g->n_sack; i++)
			say(&w, " sack %u:%u", g->sack[i].start, g->sack[i].end);
		if (s->damage || s->n_options)
			say(&w, " damage %u options %u", s->damage, s->n_options);
		break;
	case STEP_CALL:
		say(&w, "%s %u", call_name[s->call], s->len);
		break;
	case STEP_ICMP:
		say(&w, "icmp %u/%u mtu %u about %u+%u", s->icmp_type, s->icmp_code, s->icmp_mtu,
		    g->seq, g->len);
		break;
	case STEP_RAW:
		say(&w, "frame of %zu octets", s->raw_len);
		break;
	case STEP_WAIT:
		say(&w, "%llu ns pass", (unsigned long long)s->ns);
		break;
	}
}

static void
say_reply(struct words *w, const struct duel *d, const struct pkt *k, const struct view *v)
{
	if (k->kind != PKT_TCP) {
		say(w, "%s %u/%u; ", k->kind == PKT_ICMP ? "icmp" : "kind", k->icmp_type,
		    k->icmp_code);
		return;
	}
	say_segment(w, &k->tcp, (int32_t)(k->tcp.seq - v->iss),
		    (int64_t)(int32_t)(k->tcp.ack - d->irs));
	for (unsigned j = 0; j < k->tcp.n_sack; j++)
		say(w, " sack %d:%d", (int32_t)(k->tcp.sack[j].start - d->irs),
		    (int32_t)(k->tcp.sack[j].end - d->irs));
	say(w, "; ");
}

void
diff_note_answer(char *to, const struct duel *d, unsigned side)
{
	const struct answer *a = &d->now[side];
	struct words w = {to, DUEL_NOTE};

	*to = '\0';
	for (unsigned i = 0; i < a->n; i++)
		say_reply(&w, d, &a->reply[i], &d->view[side]);
	if (a->n == 0)
		say(&w, "silence; ");
	if (a->n_read)
		say(&w, "read %u ", a->n_read);
	say(&w, "%s%s%s%s%s", a->state == TCP_FREE ? "-" : tcp_state_name(a->state),
	    a->accepted ? " accepted" : "", a->eof ? " eof" : "", a->reset ? " reset" : "",
	    a->ended ? " ended" : "");
}
