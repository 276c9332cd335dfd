/* tcp_isn.c - initial sequence numbers and timestamp offsets that only we can predict (RFC 6528, 7323 5.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

#include <string.h>

enum { ISN_TICK_NS = 4000 }; /* RFC 9293 3.4.1 */

static uint64_t
keyed_hash(const struct tcp_ctx *ctx, const struct tcb *t)
{
	struct flow_key key;

	memcpy(&key, ctx->secret, sizeof(key));
	return flow_hash(&key, &t->flow);
}

uint32_t
isn(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	return (uint32_t)(now / ISN_TICK_NS) + (uint32_t)keyed_hash(ctx, t);
}

uint32_t
timestamp_offset(const struct tcp_ctx *ctx, const struct tcb *t)
{
	return (uint32_t)(keyed_hash(ctx, t) >> 32);
}
