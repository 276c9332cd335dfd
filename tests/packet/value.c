/* value.c - what "expect NAME" can look at: counters, gauges, and fields of a connection. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/packet/world.h"
#include "tcp/seq.h"

/* A connection as it is looked at: the tcb, its active block if it has one. */
struct view {
	const struct tcp_ctx *ctx;
	const struct tcb *t;
	const struct tcp_act *a;
	const struct flow_state *f;
	uint32_t irs;
};

static int64_t
get_state(const struct view *v)
{
	return v->t ? v->t->state : TCP_CLOSED;
}

static int64_t
get_cwnd_octets(const struct view *v)
{
	return v->a ? v->a->cwnd : 0;
}

static uint32_t
segment_octets(const struct tcb *t)
{
	return t->flags & TCB_TIMESTAMPS ? t->mss - 12u : t->mss;
}

static int64_t
get_cwnd(const struct view *v)
{
	return v->a ? v->a->cwnd / segment_octets(v->t) : 0;
}

static int64_t
get_ssthresh(const struct view *v)
{
	return v->a ? v->a->ssthresh / segment_octets(v->t) : 0;
}

static int64_t
get_mss(const struct view *v)
{
	return v->t ? v->t->mss : 0;
}

static int64_t
get_srtt_us(const struct view *v)
{
	return v->a ? v->a->srtt_us : 0;
}

static int64_t
get_snd_una(const struct view *v)
{
	return v->t ? v->t->snd_una - v->f->iss : 0;
}

static int64_t
get_snd_nxt(const struct view *v)
{
	return v->t ? v->t->snd_nxt - v->f->iss : 0;
}

static int64_t
get_snd_wnd(const struct view *v)
{
	return v->t ? v->t->snd_wnd : 0;
}

static int64_t
get_rcv_nxt(const struct view *v)
{
	return v->t ? v->t->rcv_nxt - v->irs : 0;
}

static int64_t
get_rcv_wnd(const struct view *v)
{
	return v->t ? v->t->rcv_adv - v->t->rcv_nxt : 0;
}

static int64_t
get_active_block(const struct view *v)
{
	return v->a != NULL;
}

static int64_t
get_iss_advance(const struct view *v)
{
	return v->f->iss_advance;
}

static const struct {
	const char *name;
	int64_t (*get)(const struct view *);
} fields[] = {
    {"state", get_state},
    {"cwnd", get_cwnd},
    {"cwnd_octets", get_cwnd_octets},
    {"ssthresh", get_ssthresh},
    {"mss", get_mss},
    {"srtt_us", get_srtt_us},
    {"snd_una", get_snd_una},
    {"snd_nxt", get_snd_nxt},
    {"snd_wnd", get_snd_wnd},
    {"rcv_nxt", get_rcv_nxt},
    {"rcv_wnd", get_rcv_wnd},
    {"active_block", get_active_block},
    {"iss_advance", get_iss_advance},
};

static bool
get_field(struct world *w, unsigned flow, const char *name, int64_t *value)
{
	struct view v = {.ctx = flow_ctx(w, flow),
			 .t = flow_tcb(w, flow),
			 .f = flow_at(w, flow),
			 .irs = w->conf->irs};

	if (v.t && tcb_is_active(v.t))
		v.a = pool_at(&v.ctx->acts, v.t->act);
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, name) == 0) {
			*value = fields[i].get(&v);
			return true;
		}
	return false;
}

/* What the user of the flow's connection has been told. */
static bool
get_told(const struct world *w, unsigned flow, const char *name, int64_t *value)
{
	const struct sock *k = sock_of_flow(w, flow);

	if (strcmp(name, "connected") == 0)
		*value = k && k->connected;
	else if (strcmp(name, "eof") == 0)
		*value = k && k->eof;
	else if (strcmp(name, "over") == 0)
		*value = k && k->over;
	else if (strcmp(name, "error") == 0)
		*value = k ? k->error : 0;
	else
		return false;
	return true;
}

static bool
get_counter(const struct world *w, const char *name, int64_t *value)
{
	struct stack_stats st;

	stack_stats(w->s, &st);
	for (unsigned i = 0; i < PKT_N_DROPS; i++)
		if (strcmp(pkt_drop_name((enum pkt_drop)i), name) == 0) {
			*value = (int64_t)st.drop[i];
			return true;
		}
#define COUNTER(member, text)                  \
	if (strcmp(name, text) == 0) {         \
		*value = (int64_t)(st.member); \
		return true;                   \
	}
#define TCP_COUNTER(member)   COUNTER(tcp.member, #member)
#define STACK_COUNTER(member) COUNTER(member, #member)
	TCP_STATS(TCP_COUNTER)
	STACK_STATS(STACK_COUNTER)
	STACK_COUNTER(conns)
	STACK_COUNTER(half_open)
	STACK_COUNTER(time_wait)
	STACK_COUNTER(active)
	COUNTER(established, "open") /* gauge; "established" counts entries into the state */
#undef COUNTER
	return false;
}

bool
value_get(struct world *w, unsigned flow, const char *name, int64_t *value)
{
	return get_field(w, flow, name, value) || get_told(w, flow, name, value) ||
	       get_counter(w, name, value);
}

bool
value_parse(const char *text, int64_t *value)
{
	char *end;

	*value = strtoll(text, &end, 0);
	if (end != text && *end == 0)
		return true;
	for (enum tcp_state s = TCP_CLOSED; s < TCP_N_STATES; s++)
		if (strcmp(tcp_state_name(s), text) == 0) {
			*value = s;
			return true;
		}
	*value = error_number(text);
	return *value >= 0;
}
