/* model_user.c - the events of the model's user side: calls, emissions, time; RFC 9293 3.10.1 to 3.10.6, 3.10.8. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <string.h>

static void
open_conn(struct model_conn *conn, enum model_state state, uint32_t iss, uint32_t rcv_wnd)
{
	memset(conn, 0, sizeof(*conn));
	conn->state = state;
	conn->iss = conn->snd_una = iss;
	conn->snd_nxt = iss + 1;
	conn->rcv_wnd = rcv_wnd;
	conn->ts_offer = conn->ws_offer = true;
}

void
model_listen(struct model_conn *conn, uint32_t iss, uint32_t rcv_wnd)
{
	open_conn(conn, MODEL_LISTEN, iss, rcv_wnd);
	conn->passive = conn->listener = true;
}

void
model_connect(struct model_conn *conn, uint32_t iss, uint32_t rcv_wnd)
{
	open_conn(conn, MODEL_SYN_SENT, iss, rcv_wnd);
}

void
model_close(struct model_conn *conn, bool deaf)
{
	conn->deaf |= deaf;
	conn->fin_queued = true;
	switch (conn->state) {
	case MODEL_LISTEN:
	case MODEL_SYN_SENT:
		conn->state = MODEL_CLOSED;
		break;
	case MODEL_ESTABLISHED:
		conn->state = MODEL_FIN_WAIT_1;
		break;
	case MODEL_CLOSE_WAIT:
		conn->state = MODEL_LAST_ACK;
		break;
	default: /* SYN-RECEIVED: queued until ESTABLISHED; the others are closed */
		break;
	}
}

void
model_abort(struct model_conn *conn)
{
	conn->state = MODEL_CLOSED;
}

void
model_expire(struct model_conn *conn)
{
	conn->state = MODEL_CLOSED;
}

static void
emitted_fin(struct model_conn *conn, const struct tcp_seg *seg)
{
	conn->fin_sent = true;
	conn->fin_seq = seg->seq + seg->len;
	conn->fin_queued = true;
	if (conn->state == MODEL_SYN_RECEIVED || conn->state == MODEL_ESTABLISHED)
		conn->state = MODEL_FIN_WAIT_1;
	else if (conn->state == MODEL_CLOSE_WAIT)
		conn->state = MODEL_LAST_ACK;
}

/* The window's right edge: an endpoint may offer less than before, but what was offered once still counts
 * (RFC 7323 2.4). */
static void
emitted_ack(struct model_conn *conn, const struct tcp_seg *seg)
{
	uint32_t wnd = seg->flags & TCP_SYN ? seg->wnd : (uint32_t)seg->wnd << conn->rcv_wscale;
	uint32_t unacked = conn->rcv_nxt - seg->ack;

	conn->last_ack_sent = seg->ack;
	conn->owed_bytes = unacked;
	if (wnd > unacked && wnd - unacked > conn->rcv_wnd)
		conn->rcv_wnd = wnd - unacked;
}

/* Options are agreed if both ends have them on their SYNs (RFC 7323 2.2, 3.2). The first offer of a window is
 * not scaled. */
static void
emitted_syn(struct model_conn *conn, const struct tcp_seg *seg)
{
	bool stamped = (seg->opts & TCP_OPT_TIMESTAMP) != 0;

	conn->iss = conn->snd_una = seg->seq;
	conn->snd_nxt = seg->seq + tcp_seg_len(seg);
	conn->rcv_wnd = seg->wnd;
	conn->rcv_wscale = seg->opts & TCP_OPT_WSCALE ? seg->wscale : 0;
	if (seg->flags & TCP_ACK) {
		conn->ts_ok &= stamped;
		return;
	}
	conn->ts_offer = stamped;
	conn->ws_offer = (seg->opts & TCP_OPT_WSCALE) != 0;
}

void
model_emitted(struct model_conn *conn, const struct tcp_seg *seg)
{
	uint32_t end = seg->seq + tcp_seg_len(seg);

	if (conn->state == MODEL_CLOSED || (seg->flags & TCP_RST))
		return;
	if (seg->flags & TCP_SYN)
		emitted_syn(conn, seg);
	if (end - conn->snd_nxt <= UINT32_MAX / 2)
		conn->snd_nxt = end;
	if (seg->flags & TCP_FIN)
		emitted_fin(conn, seg);
	if (seg->flags & TCP_ACK)
		emitted_ack(conn, seg);
}

/* --- a reply and what it should be --- */

bool
model_reply_matches(const struct model_reply *reply, const struct tcp_seg *seg)
{
	uint8_t flags = seg->flags & (TCP_SYN | TCP_RST | TCP_ACK);
	bool seq =
	    reply->seq_after ? seg->seq - reply->seq - 1 <= UINT32_MAX / 2 : seg->seq == reply->seq;

	switch (reply->kind) {
	case MODEL_ACK:
		return flags == TCP_ACK && seq && seg->ack == reply->ack;
	case MODEL_RST:
		if (reply->or_rst_ack && flags == (TCP_RST | TCP_ACK))
			return seq && seg->ack == reply->ack;
		return flags == TCP_RST && seq;
	case MODEL_RST_ACK:
		return flags == (TCP_RST | TCP_ACK) && seq && seg->ack == reply->ack;
	case MODEL_SYN_ACK:
		return flags == (TCP_SYN | TCP_ACK) && seq && seg->ack == reply->ack;
	case MODEL_SILENCE:
	default:
		return false;
	}
}
