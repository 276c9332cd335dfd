/* knobs_print.c - a scenario on one line: what is not as in the calmest one. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "knobs.h"

static void
number(FILE *to, const char *name, uint64_t n, uint64_t otherwise)
{
	if (n != otherwise)
		fprintf(to, " %s=%llu", name, (unsigned long long)n);
}

static void
chance(FILE *to, const char *name, double p)
{
	if (p > 0)
		fprintf(to, " %s=%.3f", name, p);
}

static void
span(FILE *to, const char *name, uint64_t ns, uint64_t otherwise)
{
	if (ns != otherwise && ns != UINT64_MAX)
		fprintf(to, " %s=%.9gms", name, (double)ns / 1e6);
}

static void
print_link(const struct link_knobs *l, FILE *to)
{
	static const char *const kinds[] = {"constant", "uniform", "exponential", "bimodal",
					    "step"};

	span(to, "delay", l->delay_ns, UINT64_MAX);
	chance(to, "loss", l->loss);
	chance(to, "bad_enter", l->bad_enter);
	chance(to, "bad_leave", l->bad_leave);
	chance(to, "bad_loss", l->bad_loss);
	chance(to, "ack_loss", l->ack_loss);
	chance(to, "syn_loss", l->syn_loss);
	chance(to, "octets_loss", l->octets_loss);
	chance(to, "dup", l->dup);
	chance(to, "reorder", l->reorder);
	span(to, "reorder", l->reorder_ns, 0);
	chance(to, "corrupt", l->corrupt);
	chance(to, "tamper", l->tamper);
	chance(to, "truncate", l->truncate);
	chance(to, "mark", l->mark);
	if (l->jitter_ns > 0)
		fprintf(to, " jitter=%s%s", kinds[l->delay_kind], l->fifo ? ",fifo" : "");
	span(to, "jitter", l->jitter_ns, 0);
	number(to, "rate_bps", l->rate_bps, 0);
	number(to, "queue", l->queue_bytes, 0);
	number(to, l->mtu_icmp ? "mtu_told" : "mtu_silent", l->mtu, 0);
}

static void
print_host(const struct host_knobs *h, FILE *to)
{
	const struct tcp_config *c = &h->conf.tcp;
	struct tcp_config d;

	tcp_config_default(&d);
	number(to, "mtu", h->mtu, 1500);
	number(to, "mss", c->mss, d.mss);
	number(to, "rcvbuf", c->rcvbuf, d.rcvbuf);
	number(to, "sndbuf", c->sndbuf, d.sndbuf);
	number(to, "iw", c->initial_window, d.initial_window);
	number(to, "ts", c->timestamps, d.timestamps);
	number(to, "ws", c->window_scale, d.window_scale);
	number(to, "sack", c->sack, d.sack);
	number(to, "nagle", c->nagle, d.nagle);
	number(to, "nodelay", h->profile.nodelay, 0);
	number(to, "quickack", h->profile.quickack, 0);
	number(to, "notify_sent", h->profile.notify_sent, 0);
	span(to, "delack", c->delack_ns, d.delack_ns);
	span(to, "rto_min", c->rto_min_ns, d.rto_min_ns);
	span(to, "rto_max", c->rto_max_ns, d.rto_max_ns);
	span(to, "time_wait", c->time_wait_ns, d.time_wait_ns);
	span(to, "fin_wait_2", c->fin_wait_2_ns, d.fin_wait_2_ns);
	number(to, "retries", c->retries, d.retries);
	number(to, "ecn", h->profile.ecn, 0);
	span(to, "keepalive", h->profile.keepalive_ns, 0);
	span(to, "keepalive_interval", h->profile.keepalive_interval_ns, 0);
	number(to, "keepalive_count", h->profile.keepalive_count, 0);
	span(to, "idle", h->profile.idle_ns, 0);
	number(to, "cc", h->profile.cc, 0);
	span(to, "user_timeout", h->profile.user_timeout_ns, 0);
	number(to, "max_half_open", h->conf.max_half_open, h->conf.max_conns);
	if (h->poor_memory)
		fprintf(to, " acts=%u small=%u large=%u", h->conf.max_active, h->conf.blocks_small,
			h->conf.blocks_large);
	number(to, "group_bits", h->conf.group_bits, 0);
	if (h->skew_ppm != 0)
		fprintf(to, " skew_ppm=%d", h->skew_ppm);
	span(to, "jump_at", h->jump_at, UINT64_MAX);
	span(to, "jump", h->jump_ns, 0);
	if (h->wrap != WRAP_NONE)
		fprintf(to, " wrap=%s-%u", h->wrap == WRAP_SEQUENCE ? "seq" : "ts", h->wrap_lead);
	number(to, "stock", h->stock, 64);
	span(to, "refuse_at", h->refuse_at, UINT64_MAX);
	span(to, "refuse_until", h->refuse_until, 0);
	span(to, "poor_at", h->poor_at, UINT64_MAX);
	span(to, "poor_until", h->poor_until, 0);
	if (h->starve_steps > 0)
		fprintf(to, " starve=%llu+%u", (unsigned long long)h->starve_step, h->starve_steps);
}

static void
print_end(const struct end_knobs *e, FILE *to)
{
	fprintf(to, " %s=%u", e->opens ? "opens" : "listens", e->total);
	number(to, "write_chunk", e->write_chunk, 32768);
	number(to, "read_chunk", e->read_chunk, 65536);
	span(to, "write_pause", e->write_pause, 0);
	span(to, "read_pause", e->read_pause, 0);
	span(to, "close_pause", e->close_pause, 0);
	span(to, "abort_at", e->abort_at, UINT64_MAX);
	fprintf(to, "%s%s%s%s%s", e->keeps ? " keeps" : "", e->early_write ? " early_write" : "",
		e->early_close ? " early_close" : "", e->close_after_eof ? " close_after_eof" : "",
		e->late_calls ? " late_calls" : "");
}

void
knobs_print(const struct knobs *k, FILE *to)
{
	for (unsigned i = 0; i < 2; i++) {
		fprintf(to, "%c:", "AB"[i]);
		print_host(&k->host[i], to);
		fprintf(to, "; %s:", i ? "B->A" : "A->B");
		print_link(&k->link[i], to);
		fprintf(to, "; ");
	}
	for (unsigned i = 0; i < SIM_HOLES && k->hole[i].to > 0; i++)
		fprintf(to, "hole=%.0f..%.0fms ", (double)k->hole[i].from / 1e6,
			(double)k->hole[i].to / 1e6);
	fprintf(to, "heal=%.0fs batch=%u%s", (double)k->heal_at / 1e9, k->batch,
		k->distinct ? ",distinct" : "");
	span(to, "attack", k->attack_ns, 0);
	for (unsigned i = 0; i < SIM_AMBUSHES; i++)
		if (k->ambush[i].event != COVER_N_EVENTS)
			fprintf(to, " ambush=%s,%s", cover_state_name(k->ambush[i].state),
				cover_event_name(k->ambush[i].event));
	for (unsigned i = 0; i < k->n_conns; i++) {
		const struct conn_knobs *c = &k->conn[i];

		fprintf(to, "; conn %u:%s", i, c->refused ? " refused" : "");
		span(to, "close_both_at", c->close_both_at, UINT64_MAX);
		print_end(&c->end[0], to);
		fprintf(to, ",");
		print_end(&c->end[1], to);
	}
	fprintf(to, "\n");
}
