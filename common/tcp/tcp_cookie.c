/* tcp_cookie.c - SYN cookies: what there is no room to remember, the peer sends back (RFC 4987 3.6). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

#include <string.h>

#include "base/rng.h"

/*
 * The ISS of such a SYN,ACK:
 *
 *	31                             5    4   3..1   0
 *	| MAC                           | TS | MSS | slot |
 *
 * The MAC, of 27 bits, is SipHash of the 4-tuple, the peer's ISN and the five bits below it, under a key that is made for each slot of
 * time from the secret: a number is good in its slot and in the next one. The options that MSS leaves out travel in the low bits of our timestamp, which
 * the peer echoes; without timestamps window scaling, SACK and ECN are not agreed on.
 *
 *	5     4      3..0
 *	| ECN | SACK | window scale, 15: none |
 */
enum {
	COOKIE_SLOT_S = 32,
	COOKIE_SLOT_BIT = 0x01,
	COOKIE_MSS_SHIFT = 1,
	COOKIE_MSS_MASK = 0x0e,
	COOKIE_TS = 0x10,
	COOKIE_LOW_BITS = 0x1f,
	ECHO_BITS = 0x3f,
	ECHO_NO_WSCALE = 15,
	ECHO_WSCALE = 0x0f,
	ECHO_SACK = 0x10,
	ECHO_ECN = 0x20,
};
#define COOKIE_SLOT_NS (COOKIE_SLOT_S * UINT64_C(1000000000))

/* The largest that is not above the peer's is what he gets. 1460 and 1440 are Ethernet, with IPv4 and IPv6; 1452 PPPoE; 1360 to
 * 1400 tunnels; 536 and 1220 the least that links must carry. */
static const uint16_t mss_of[8] = {TCP_MIN_MSS, 536, 1220, 1360, 1400, 1440, 1452, 1460};

static uint64_t
slot_of(uint64_t now)
{
	return now / COOKIE_SLOT_NS;
}

/* A peer cannot tell one key from the other, nor either from the secret. */
static void
make_key(const struct tcp_ctx *ctx, uint64_t slot, uint8_t key[16])
{
	uint8_t label[16] = "cookie?";
	uint64_t half;

	memcpy(label + 8, &slot, 8);
	for (unsigned i = 0; i < 2; i++) {
		label[6] = (uint8_t)('0' + i);
		half = siphash24(ctx->secret, label, sizeof(label));
		memcpy(key + 8 * i, &half, 8);
	}
}

/* Made once a slot: the two that are live stay side by side. */
static const uint8_t *
key_of(struct tcp_ctx *ctx, uint64_t slot)
{
	struct tcp_cookies *c = &ctx->cookies;
	unsigned i = slot & 1;

	if (c->slot[i] != slot + 1) {
		c->slot[i] = slot + 1; /* 0: none yet */
		make_key(ctx, slot, c->key[i]);
	}
	return c->key[i];
}

static uint32_t
cookie(struct tcp_ctx *ctx, const struct flow *f, uint32_t irs, uint32_t low, uint64_t slot)
{
	uint8_t message[sizeof(*f) + 5];
	uint32_t mac;

	memcpy(message, f, sizeof(*f));
	memcpy(message + sizeof(*f), &irs, 4);
	message[sizeof(*f) + 4] = (uint8_t)low;
	mac = (uint32_t)siphash24(key_of(ctx, slot), message, sizeof(message));
	return (mac & ~(uint32_t)COOKIE_LOW_BITS) | low;
}

static uint32_t
mss_index(uint16_t mss)
{
	uint32_t i = 7;

	while (i > 0 && mss_of[i] > mss)
		i--;
	return i;
}

static bool
has_timestamps(const struct tcp_ctx *ctx, const struct tcp_seg *seg)
{
	return seg->opts & TCP_OPT_TIMESTAMP && ctx->cfg.timestamps;
}

/* The SYN as it will be remembered. */
static struct tcp_seg
remembered(const struct tcp_ctx *ctx, const struct tcp_seg *syn)
{
	uint16_t mss = syn->opts & TCP_OPT_MSS && syn->mss > 0 ? syn->mss : TCP_DEFAULT_MSS;
	struct tcp_seg s = *syn;

	s.mss = mss_of[mss_index(mss)];
	s.opts |= TCP_OPT_MSS;
	if (!has_timestamps(ctx, syn)) {
		s.opts = TCP_OPT_MSS;
		s.flags = TCP_SYN;
	}
	return s;
}

/* Our timestamp, with what was agreed on in its low bits: back to where it fits, never ahead of the clock. */
static uint32_t
put_echo(uint32_t tsval, const struct tcb *t)
{
	uint32_t bits = t->flags & TCB_WSCALE ? t->scales & ECHO_WSCALE : ECHO_NO_WSCALE;

	if (t->flags & TCB_SACK)
		bits |= ECHO_SACK;
	if (t->flags & TCB_ECN)
		bits |= ECHO_ECN;
	uint32_t echo = (tsval & ~(uint32_t)ECHO_BITS) | bits;

	return seq_gt(echo, tsval) ? echo - (ECHO_BITS + 1) : echo;
}

void
tcp_cookie_answer(struct tcp_ctx *ctx, const struct flow *f, uint8_t profile,
		  const struct tcp_seg *syn, uint64_t now, struct tcp_out *out)
{
	struct tcb t = {.flow = *f, .profile = profile}; /* for the length of this call */
	struct tcp_seg known = remembered(ctx, syn), *s;
	uint32_t low = mss_index(known.mss) << COOKIE_MSS_SHIFT;

	open_passive(ctx, &t, &known, now);
	low |= slot_of(now) & COOKIE_SLOT_BIT;
	if (t.flags & TCB_TIMESTAMPS)
		low |= COOKIE_TS;
	s = emit(ctx, &t, now, out, TCP_SYN | TCP_ACK, cookie(ctx, f, syn->seq, low, slot_of(now)));
	if (!s)
		return;
	if (t.flags & TCB_TIMESTAMPS)
		s->tsval = put_echo(s->tsval, &t);
	ctx->cookies.until = now + 2 * COOKIE_SLOT_NS;
	ctx->stats.segs_in++;
}

/* Of the two slots that are live, the one that the cookie names; UINT64_MAX: there was none yet. */
static uint64_t
slot_named(uint32_t iss, uint64_t now)
{
	uint64_t slot = slot_of(now);

	return slot - ((slot ^ iss) & COOKIE_SLOT_BIT);
}

/* Our clock when the SYN,ACK left, as the peer echoes it, is within the time that a cookie lasts. */
static bool
is_echo_recent(const struct tcp_ctx *ctx, const struct flow *f, uint32_t tsecr, uint64_t now)
{
	const struct tcb t = {.flow = *f};
	uint32_t age_ms = ms_of(now) + timestamp_offset(ctx, &t) - tsecr;

	return age_ms <= 2 * COOKIE_SLOT_S * 1000;
}

bool
tcp_cookie_check(struct tcp_ctx *ctx, const struct flow *f, const struct tcp_seg *seg, uint64_t now)
{
	uint32_t iss = seg->ack - 1, low = iss & COOKIE_LOW_BITS;
	bool echoes = has_timestamps(ctx, seg);

	if (echoes != ((low & COOKIE_TS) != 0))
		return false;
	if (echoes && !is_echo_recent(ctx, f, seg->tsecr, now))
		return false;
	return cookie(ctx, f, seg->seq - 1, low, slot_named(iss, now)) == iss;
}

/* The SYN again, from what the ACK brings back. */
static struct tcp_seg
recalled(const struct tcp_ctx *ctx, const struct tcp_seg *ack)
{
	uint32_t iss = ack->ack - 1;
	struct tcp_seg syn = {
	    .seq = ack->seq - 1,
	    .flags = TCP_SYN,
	    .opts = TCP_OPT_MSS,
	    .mss = mss_of[(iss & COOKIE_MSS_MASK) >> COOKIE_MSS_SHIFT],
	};

	if (!has_timestamps(ctx, ack))
		return syn;
	syn.opts |= TCP_OPT_TIMESTAMP;
	syn.tsval = ack->tsval;
	if ((ack->tsecr & ECHO_WSCALE) != ECHO_NO_WSCALE) {
		syn.opts |= TCP_OPT_WSCALE;
		syn.wscale = ack->tsecr & ECHO_WSCALE;
	}
	if (ack->tsecr & ECHO_SACK)
		syn.opts |= TCP_OPT_SACK_PERMITTED;
	if (ack->tsecr & ECHO_ECN)
		syn.flags |= TCP_ECE | TCP_CWR;
	return syn;
}

void
tcp_open_cookie(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *ack, uint64_t now)
{
	const struct tcp_seg syn = recalled(ctx, ack);
	uint32_t offered = ctx->cfg.rcvbuf < UINT16_MAX ? ctx->cfg.rcvbuf : UINT16_MAX;

	open_passive(ctx, t, &syn, now);
	t->snd_una = ack->ack - 1;
	t->snd_nxt = ack->ack;
	t->rcv_adv = t->rcv_nxt + offered;
	half_open_sent(t, now);
	ctx->stats.opened_passive++;
}
