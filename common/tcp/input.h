/* input.h - what the files that take segments in share. Private to common/tcp. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_INPUT_H
#define TCP_INPUT_H

#include "tcp/tcp.h"

/* seg acknowledges our SYN, which has been sent. */
static inline bool
is_syn_acked(const struct tcb *t, const struct tcp_seg *seg)
{
	return t->snd_nxt != t->snd_una && seg->ack == t->snd_nxt;
}

/* RFC 9293 3.10.7.3 */
void input_syn_sent(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		    struct tcp_out *out);

/* Steps of 3.10.7.4; false: nothing follows. */
bool check_ack(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	       struct tcp_out *out);
/* What of seg lies before rcv_nxt, counted; empty: nothing, or nothing that the peer could have
 * sent lately. */
struct tcp_sack_block old_octets(struct tcp_ctx *ctx, const struct tcb *t,
				 const struct tcp_seg *seg);
/* Takes what is inside the window. True: that is to be told to the sender at once, each segment
 * apart. He counts what comes out of order (RFC 5681 4.2, 2018 4), and wants to hear of octets that
 * came twice, *dup (RFC 2883 4). */
bool process_text(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		  struct tcp_sack_block *dup, struct tcp_out *out);
void check_fin(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	       struct tcp_out *out);

#endif
