/* diff_gen.c - random steps that know what the connection expects, and miss it on purpose. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff.h"

#include <assert.h>

enum {
	STEPS_MIN = 5,
	STEPS_SPREAD = 30,
	GAP_MAX = 2500,	   /* within every window */
	UNREAD_MAX = 2500, /* while the user does not read */
	FLIGHT_MAX = 9000, /* not acknowledged: below the initial window */
	FLIGHT_SEGMENTS = 6,
	WRITE_MAX = 4000,
};

static uint32_t
below(struct duel *d, uint32_t n)
{
	return (uint32_t)rng_below(&d->rng, n);
}

#define PICK(d, ...)                                                           \
	({                                                                     \
		const int64_t pick_[] = {__VA_ARGS__};                         \
		pick_[below(d, (uint32_t)(sizeof(pick_) / sizeof(pick_[0])))]; \
	})

static uint32_t
outstanding(const struct duel *d)
{
	return d->view[1].nxt - d->acked;
}

/* --- what is expected --- */

static uint16_t
some_length(struct duel *d)
{
	uint32_t most = d->paused ? 500 : 1400;

	return (uint16_t)(below(d, 3) ? 1 + below(d, most) : PICK(d, 0, 1, 2, 100));
}

static bool
send_data(struct duel *d)
{
	if (d->paused && d->unread > UNREAD_MAX)
		return duel_call(d, CALL_RESUME, 0);
	const struct step s =
	    duel_segment(d, (uint8_t)PICK(d, TCP_ACK, TCP_ACK | TCP_PSH), some_length(d));

	d->unread += s.seg.len;
	return duel_step(d, &s);
}

static bool
send_ack(struct duel *d)
{
	struct step s = duel_segment(d, TCP_ACK, 0);

	if (outstanding(d) > 1 && below(d, 2))
		s.seg.ack = d->acked + 1 + below(d, outstanding(d));
	return duel_step(d, &s);
}

static bool
send_fin(struct duel *d)
{
	const struct step s = duel_segment(d, TCP_FIN | TCP_ACK, below(d, 2) ? 0 : some_length(d));

	return duel_step(d, &s);
}

static bool send_odd(struct duel *d);

static bool
write_some(struct duel *d)
{
	uint32_t n = below(d, 2) ? (uint32_t)PICK(d, 1, 100, 536, 1448, 1460, 2921)
				 : 1 + below(d, WRITE_MAX);

	if (n > FLIGHT_SEGMENTS * d->mss && below(d, 20))
		n = d->mss;

	if (d->now[1].state == TCP_SYN_SENT && below(d, 10))
		return send_odd(d);
	if (outstanding(d) + n > FLIGHT_MAX ||
	    (outstanding(d) > 0 && outstanding(d) + n > FLIGHT_SEGMENTS * (d->mss - 12u)))
		return send_ack(d);
	return duel_call(d, CALL_WRITE, n);
}

static bool
pause_or_resume(struct duel *d)
{
	d->unread = 0;
	return duel_call(d, d->paused ? CALL_RESUME : CALL_PAUSE, 0);
}

/* --- and what is not --- */

static void
miss_seq(struct duel *d, struct step *s)
{
	int32_t len = s->seg.len;

	if (s->relative & REL_EDGE)
		return;
	if (!d->paused && d->view[0].has_edge && below(d, 4) == 0) {
		s->relative |= REL_EDGE;
		s->seg.seq = (uint32_t)PICK(d, -1, 0, 1, -2, 100, 5000);
		return;
	}
	s->seg.seq += below(d, 3) == 0
			  ? 1 + below(d, GAP_MAX)
			  : (uint32_t)PICK(d, -1, 1, -len, 1 - len, -len - 1, -(len / 2), -5000,
					   -100000, 0x40000000, 0x7fffffff, 100);
}

static void
miss_ack(struct duel *d, struct step *s)
{
	uint32_t una = d->acked, nxt = d->view[1].nxt;

	s->relative |= REL_ACK;
	s->seg.ack =
	    (uint32_t)PICK(d, una, una + 1, nxt - 1, nxt + 1, nxt + 5000, una - 1, una - 100,
			   una - 70000, nxt + 0x40000000, nxt + 0x80000000, una, una);
}

static void
miss_flags(struct duel *d, struct step *s)
{
	s->seg.flags = (uint8_t)PICK(
	    d, TCP_RST, TCP_RST | TCP_ACK, TCP_SYN, TCP_SYN | TCP_ACK, TCP_FIN, 0,
	    TCP_FIN | TCP_ACK, TCP_PSH, TCP_URG | TCP_ACK, TCP_SYN | TCP_FIN, TCP_SYN | TCP_RST,
	    TCP_FIN | TCP_RST | TCP_ACK, 0x3f, TCP_ECE | TCP_ACK, TCP_CWR | TCP_ACK);
	if (s->seg.flags & TCP_SYN && below(d, 2)) {
		s->seg.opts |= d->syn_opts;
		s->seg.mss = d->mss;
		s->seg.seq = below(d, 2) ? d->irs : s->seg.seq;
	}
	if (s->seg.flags & TCP_URG)
		s->seg.urg = (uint16_t)PICK(d, 0, 1, s->seg.len, s->seg.len + 1, 65535);
}

static void
miss_time(struct duel *d, struct step *s)
{
	switch (below(d, 5)) {
	case 0:
		s->seg.opts ^= TCP_OPT_TIMESTAMP;
		break;
	case 1:
		s->seg.tsecr += (uint32_t)PICK(d, 1, -1, -100, 100000);
		break;
	case 2:
		s->seg.tsecr = 0;
		s->relative &= ~(unsigned)REL_ECHO;
		break;
	default:
		s->seg.tsval +=
		    (uint32_t)PICK(d, -1, -100, -1000000, 1000000, 0x7fff0000, 0x80010000);
	}
}

static void
add_sack(struct duel *d, struct step *s)
{
	uint32_t una = d->acked, room = outstanding(d) + 1;

	s->relative |= REL_ACK;
	if (s->seg.flags & TCP_ACK && below(d, 2))
		s->seg.ack = una;
	s->seg.opts |= TCP_OPT_SACK;
	s->seg.n_sack = (uint8_t)(1 + below(d, 3));
	for (unsigned i = 0; i < s->seg.n_sack; i++) {
		struct tcp_sack_block *b = &s->seg.sack[i];

		b->start = una + below(d, room);
		b->end = b->start + 1 + below(d, room);
		if (below(d, 6) == 0)
			b->start += (uint32_t)PICK(d, -1, -5000, 5000, 100000, 0x7fffffff);
	}
}

static void
miss_options(struct duel *d, struct step *s)
{
	s->n_options = (uint8_t)(4 * (1 + below(d, 10)));
	for (unsigned i = 0; i < s->n_options; i++)
		s->options[i] = below(d, 2) ? (uint8_t)PICK(d, 0, 1, 2, 3, 4, 5, 8, 10, 200)
					    : (uint8_t)below(d, 256);
}

/* Both are in different places now, even if it does not show: octets near the edge of the window, or with an
 * ACK or options that only one of them takes. */
static bool
splits(const struct duel *d, const struct step *s)
{
	if (s->relative & REL_ACK && s->seg.flags & TCP_ACK &&
	    (int32_t)(s->seg.ack - d->was_acked) < 0)
		return true;
	/* Linux looks at timestamps before there is a connection. */
	if (d->state == TCP_FREE && s->seg.opts & TCP_OPT_TIMESTAMP &&
	    (s->seg.tsecr != 0 || !(s->relative & REL_ECHO) || s->seg.tsval != 999 + d->n_steps))
		return true;
	if (s->from_other_port && s->seg.flags & TCP_SYN)
		return true;
	if (s->seg.seq + 1 == d->was[1].rcv_nxt ||
	    (s->seg.len > 0 && s->seg.seq + tcp_seg_len(&s->seg) == d->was[1].rcv_nxt))
		return true;
	if (s->n_options > 0 || (d->syn_opts & ~s->seg.opts & TCP_OPT_TIMESTAMP))
		return true;
	return s->relative & REL_EDGE && (s->seg.len > 0 || s->seg.flags & (TCP_SYN | TCP_FIN));
}

static bool
send_odd(struct duel *d)
{
	struct step s = duel_segment(d, TCP_ACK, some_length(d));

	for (unsigned n = 1 + (below(d, 4) == 0); n > 0; n--)
		switch (below(d, 16)) {
		case 0 ... 4:
			miss_seq(d, &s);
			break;
		case 5 ... 6:
			miss_ack(d, &s);
			break;
		case 7 ... 9:
			miss_flags(d, &s);
			break;
		case 10 ... 11:
			miss_time(d, &s);
			break;
		case 12:
			add_sack(d, &s);
			break;
		case 13:
			s.seg.wnd = (uint16_t)PICK(d, 0, 1, 100, 1460, 5000, 65535);
			break;
		case 14:
			miss_options(d, &s);
			break;
		default:
			s.from_other_port = below(d, 2);
			s.dport = s.from_other_port && below(d, 2) ? DIFF_PORT_CLOSED : 0;
			s.damage = s.from_other_port ? 0 : (uint8_t)below(d, 3);
		}
	d->unread += s.seg.len;
	return duel_step(d, &s) && !splits(d, &s);
}

/* --- a connection --- */

static bool
some_step(struct duel *d)
{
	switch (below(d, 100)) {
	case 0 ... 19:
		return send_data(d);
	case 20 ... 31:
		return send_ack(d);
	case 32 ... 46:
		return write_some(d);
	case 47 ... 49:
		return pause_or_resume(d);
	case 50 ... 51:
		return duel_call(d, CALL_SHUTDOWN, 0);
	case 52:
		return duel_call(d, CALL_ABORT, 0) && false;
	case 53 ... 56:
		return send_fin(d);
	default:
		return send_odd(d);
	}
}

static void
choose(struct duel *d)
{
	d->syn_opts =
	    (uint8_t)((below(d, 20) ? TCP_OPT_MSS : 0) | (below(d, 2) ? TCP_OPT_WSCALE : 0) |
		      (below(d, 3) ? TCP_OPT_SACK_PERMITTED : 0) |
		      (below(d, 3) ? TCP_OPT_TIMESTAMP : 0));
	d->mss = (uint16_t)PICK(d, 1460, 1460, 1460, 536, 1000, 1300, below(d, 4) ? 1200 : 100);
	d->our_wscale = (uint8_t)PICK(d, 0, 1, 7, 14);
	if (below(d, 4) == 0)
		d->irs = 0u - below(d, 3000);
	d->active = below(d, 5) == 0;
	if (below(d, 4) && !d->active)
		d->flow.lport = DIFF_PORT_NODELAY;
}

unsigned
diff_random(struct duel *d)
{
	unsigned before = d->n_steps;
	bool go = true;

	choose(d);
	if (below(d, 8))
		go = duel_open(d, d->syn_opts);
	else if (d->active)
		go = duel_call(d, CALL_CONNECT, 0);
	for (unsigned n = STEPS_MIN + below(d, STEPS_SPREAD); go && n > 0; n--)
		go = some_step(d) && (!d->now[1].ended || below(d, 4));
	duel_end(d);
	return d->n_steps - before;
}
