/* report.c - qstackd's records and its last words. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/report.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/units.h"

struct row {
	uint64_t time_ns;
	uint64_t conns, established, half_open, time_wait, active;
	uint64_t accepted, closed, resets_in, resets_out;
	double accepted_per_s, requests_per_s;
	uint64_t requests, heartbeats, answers, bad_requests;
	uint64_t rx_frames, tx_frames;
	double rx_bps, tx_bps;
	uint64_t segs_retransmitted, drops, rx_missed, frames_free;
	uint64_t mem_bytes;
	double mem_bytes_per_conn, cpu_percent;
};

#define F(type_, digits_, name_, member, help_)                       \
	{                                                             \
		.name = name_, .type = type_, .digits = digits_,      \
		.offset = offsetof(struct row, member), .help = help_ \
	}

static const struct record_field fields[] = {
    F(RECORD_NS_AS_S, 0, "time_s", time_ns, "since the start"),
    F(RECORD_U64, 0, "conns", conns, "connections held, TIME-WAIT included"),
    F(RECORD_U64, 0, "established", established, "of them ESTABLISHED or closing"),
    F(RECORD_U64, 0, "half_open", half_open, "of them SYN-RECEIVED"),
    F(RECORD_U64, 0, "time_wait", time_wait, "of them TIME-WAIT"),
    F(RECORD_U64, 0, "active", active, "of them with something in flight, held or unread"),
    F(RECORD_U64, 0, "accepted", accepted, "connections established since the start"),
    F(RECORD_F64, 1, "accepted_per_s", accepted_per_s, "in this interval"),
    F(RECORD_U64, 0, "closed", closed, "connections ended since the start"),
    F(RECORD_U64, 0, "resets_in", resets_in, "of them reset by the peer"),
    F(RECORD_U64, 0, "resets_out", resets_out, "RST segments sent"),
    F(RECORD_U64, 0, "requests", requests, "since the start"),
    F(RECORD_F64, 1, "requests_per_s", requests_per_s, "in this interval"),
    F(RECORD_U64, 0, "heartbeats", heartbeats, "messages that ask for no answer"),
    F(RECORD_U64, 0, "answers", answers, "since the start"),
    F(RECORD_U64, 0, "bad_requests", bad_requests, "requests that were not understood"),
    F(RECORD_U64, 0, "rx_frames", rx_frames, "since the start"),
    F(RECORD_U64, 0, "tx_frames", tx_frames, "since the start"),
    F(RECORD_F64, 0, "rx_bps", rx_bps, "bit/s of frames in this interval"),
    F(RECORD_F64, 0, "tx_bps", tx_bps, "bit/s of frames in this interval"),
    F(RECORD_U64, 0, "segs_retransmitted", segs_retransmitted, "since the start"),
    F(RECORD_U64, 0, "drops", drops,
      "frames and segments not taken, all reasons; the summary names them"),
    F(RECORD_U64, 0, "rx_missed", rx_missed,
      "frames that a port lost for want of room or buffers, or as too long"),
    F(RECORD_U64, 0, "frames_free", frames_free, "packet buffers that nobody holds now"),
    F(RECORD_U64, 0, "mem_bytes", mem_bytes, "memory that connections have touched so far"),
    F(RECORD_F64, 1, "mem_bytes_per_conn", mem_bytes_per_conn, "that over the connections held"),
    F(RECORD_F64, 1, "cpu_percent", cpu_percent, "of one core, in this interval"),
};

/* Every counter of the stack by its name, for sums, differences and the summary. Gauges are added as well. */
struct counter {
	const char *name;
	size_t offset;
};

#define STACK_COUNTER(name) {#name, offsetof(struct stack_stats, name)},
static const struct counter stack_counters[] = {STACK_STATS(STACK_COUNTER)};
#define TCP_COUNTER(name) {#name, offsetof(struct stack_stats, tcp.name)},
static const struct counter tcp_counters[] = {TCP_STATS(TCP_COUNTER)};
#define APP_COUNTER(name, help) {#name, offsetof(struct app_stats, name)},
static const struct counter app_counters[] = {APP_STATS(APP_COUNTER)};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t *
member(void *base, const struct counter *c)
{
	return (uint64_t *)((uint8_t *)base + c->offset);
}

static uint64_t
value(const void *base, const struct counter *c)
{
	return *(const uint64_t *)((const uint8_t *)base + c->offset);
}

static void
add_counters(void *sum, const void *from, const struct counter *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*member(sum, &c[i]) += value(from, &c[i]);
}

void
snapshot_add(struct snapshot *sum, const struct snapshot *s)
{
	add_counters(&sum->stack, &s->stack, stack_counters, COUNT(stack_counters));
	add_counters(&sum->stack, &s->stack, tcp_counters, COUNT(tcp_counters));
	add_counters(&sum->app, &s->app, app_counters, COUNT(app_counters));
	for (unsigned i = 0; i < PKT_N_DROPS; i++)
		sum->stack.drop[i] += s->stack.drop[i];
	sum->stack.conns += s->stack.conns;
	sum->stack.established += s->stack.established;
	sum->stack.half_open += s->stack.half_open;
	sum->stack.time_wait += s->stack.time_wait;
	sum->stack.active += s->stack.active;
	sum->stack.active_peak += s->stack.active_peak;
	sum->stack.mem_bytes += s->stack.mem_bytes;
}

static bool
is_drop(const struct counter *c)
{
	return !strncmp(c->name, "drop_", 5);
}

static uint64_t
sum_drops(const struct stack_stats *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNT(stack_counters); i++)
		if (is_drop(&stack_counters[i]))
			sum += value(s, &stack_counters[i]);
	for (size_t i = 0; i < COUNT(tcp_counters); i++)
		if (is_drop(&tcp_counters[i]))
			sum += value(s, &tcp_counters[i]);
	for (unsigned i = PKT_OK + 1; i < PKT_N_DROPS; i++)
		sum += s->drop[i];
	return sum;
}

void
report_open(struct report *r, enum record_format format, uint64_t now, uint64_t cpu_ns)
{
	*r = (struct report){.start_ns = now, .last_ns = now, .last_cpu_ns = cpu_ns};
	record_open(&r->out, stdout, format, fields, COUNT(fields));
}

static void
fill_totals(struct row *row, const struct snapshot *s)
{
	row->conns = s->stack.conns;
	row->established = s->stack.established;
	row->half_open = s->stack.half_open;
	row->time_wait = s->stack.time_wait;
	row->active = s->stack.active;
	row->accepted = s->stack.tcp.established;
	row->closed = s->stack.tcp.closed;
	row->resets_in = s->stack.tcp.reset_by_peer;
	row->resets_out = s->stack.tcp.resets_out;
	row->requests = s->app.requests;
	row->heartbeats = s->app.heartbeats;
	row->answers = s->app.answers;
	row->bad_requests = s->app.bad_requests;
	row->rx_frames = s->stack.rx_frames;
	row->tx_frames = s->stack.tx_frames;
	row->segs_retransmitted = s->stack.tcp.segs_retransmitted;
	row->drops = sum_drops(&s->stack);
	row->rx_missed = s->rx_missed;
	row->frames_free = s->frames_free;
	row->mem_bytes = s->stack.mem_bytes;
	row->mem_bytes_per_conn =
	    (double)s->stack.mem_bytes / (s->stack.conns ? s->stack.conns : 1);
}

static double
per_second(uint64_t now, uint64_t before, double seconds)
{
	return (double)(now - before) / seconds;
}

void
report_write(struct report *r, const struct snapshot *sum, uint64_t now, uint64_t cpu_ns)
{
	double seconds = (double)(now - r->last_ns) / 1e9;
	struct row row = {.time_ns = now - r->start_ns};

	if (now == r->last_ns)
		return;
	fill_totals(&row, sum);
	row.accepted_per_s =
	    per_second(sum->stack.tcp.established, r->last.stack.tcp.established, seconds);
	row.requests_per_s = per_second(sum->app.requests, r->last.app.requests, seconds);
	row.rx_bps = 8 * per_second(sum->stack.rx_octets, r->last.stack.rx_octets, seconds);
	row.tx_bps = 8 * per_second(sum->stack.tx_octets, r->last.stack.tx_octets, seconds);
	row.cpu_percent = 100 * (double)(cpu_ns - r->last_cpu_ns) / 1e9 / seconds;
	record_write(&r->out, &row);
	r->last = *sum;
	r->last_ns = now;
	r->last_cpu_ns = cpu_ns;
}

static void
say_drops(const struct stack_stats *s)
{
	for (unsigned i = PKT_OK + 1; i < PKT_N_DROPS; i++)
		if (s->drop[i])
			log_info("  %-24s %12llu", pkt_drop_name((enum pkt_drop)i),
				 (unsigned long long)s->drop[i]);
	for (size_t i = 0; i < COUNT(stack_counters); i++)
		if (is_drop(&stack_counters[i]) && value(s, &stack_counters[i]))
			log_info("  %-24s %12llu", stack_counters[i].name,
				 (unsigned long long)value(s, &stack_counters[i]));
	for (size_t i = 0; i < COUNT(tcp_counters); i++)
		if (is_drop(&tcp_counters[i]) && value(s, &tcp_counters[i]))
			log_info("  tcp_%-20s %12llu", tcp_counters[i].name,
				 (unsigned long long)value(s, &tcp_counters[i]));
}

int
report_close(struct report *r, const struct snapshot *sum, uint64_t now)
{
	char mem[32];
	const struct stack_stats *s = &sum->stack;

	log_info("served %.1f s: %llu connections accepted, %llu ended, %u held now",
		 (double)(now - r->start_ns) / 1e9, (unsigned long long)s->tcp.established,
		 (unsigned long long)s->tcp.closed, s->conns);
	log_info("%llu requests, %llu answers, %llu heartbeats, %llu not understood",
		 (unsigned long long)sum->app.requests, (unsigned long long)sum->app.answers,
		 (unsigned long long)sum->app.heartbeats,
		 (unsigned long long)sum->app.bad_requests);
	log_info("%llu frames in, %llu out, %llu segments retransmitted, connection memory %s",
		 (unsigned long long)s->rx_frames, (unsigned long long)s->tx_frames,
		 (unsigned long long)s->tcp.segs_retransmitted,
		 units_print_bytes(mem, sizeof(mem), (double)s->mem_bytes));
	if (sum->rx_missed)
		log_info("%llu frames missed by the ports", (unsigned long long)sum->rx_missed);
	if (sum_drops(s))
		log_info("not taken, by reason:");
	say_drops(s);
	return record_close(&r->out);
}
