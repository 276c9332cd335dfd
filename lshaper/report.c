/* report.c - the fields of a record, and the table that ends a run. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "lshaper/report.h"

#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "lshaper/loop.h"

/* One record. Counts are of the interval; held_* is at its end. */
struct row {
	uint64_t time_ns;
	struct row_pipe {
		struct pipe_stats n;
		uint64_t missed;
		struct pipe_count held;
		uint64_t late_p50_ns, late_p99_ns, late_max_ns;
	} dir[DIRECTIONS];
	struct mirror_stats mirror;
	double cpu_percent;
};

#define AT(d, member)  offsetof(struct row, dir[d].member)
#define DROP(d, cause) AT(d, n.drop[PIPE_DROP_##cause].frames)
#define PIPE_FIELDS(d, p, from, to)                                                            \
	{p "_rx_frames", RECORD_U64, 0, AT(d, n.rx.frames), "received " from},                 \
	    {p "_rx_bytes", RECORD_U64, 0, AT(d, n.rx.bytes), "octets of these, without FCS"}, \
	    {p "_rx_missed", RECORD_U64, 0, AT(d, missed),                                     \
	     "lost " from " before lshaper saw them: no buffer, or too long"},                 \
	    {p "_tx_frames", RECORD_U64, 0, AT(d, n.tx.frames), "sent " to},                   \
	    {p "_tx_bytes", RECORD_U64, 0, AT(d, n.tx.bytes), "octets of these"},              \
	    {p "_drops_model", RECORD_U64, 0, DROP(d, MODEL), "lost as --drop asked"},         \
	    {p "_drops_hold_full", RECORD_U64, 0, DROP(d, HOLD_FULL),                          \
	     "lost because --hold was too small for delay times rate"},                        \
	    {p "_drops_tx_full", RECORD_U64, 0, DROP(d, TX_FULL),                              \
	     "lost because --hold was full while frames could not leave " to},                 \
	    {p "_drops_port_down", RECORD_U64, 0, DROP(d, PORT_DOWN),                          \
	     "lost because nobody was there " to},                                             \
	    {p "_drops_too_long", RECORD_U64, 0, DROP(d, TOO_LONG),                            \
	     "lost because they are longer than the MTU " to},                                 \
	    {p "_held_frames", RECORD_U64, 0, AT(d, held.frames), "held now"},                 \
	    {p "_held_bytes", RECORD_U64, 0, AT(d, held.bytes), "octets of these"},            \
	    {p "_late_us_p50", RECORD_NS_AS_US, 3, AT(d, late_p50_ns),                         \
	     "departure after the intended departure, median"},                                \
	    {p "_late_us_p99", RECORD_NS_AS_US, 3, AT(d, late_p99_ns),                         \
	     "the same, 99th percentile"},                                                     \
	{                                                                                      \
		p "_late_us_max", RECORD_NS_AS_US, 3, AT(d, late_max_ns), "the same, maximum"  \
	}

static const struct record_field fields[] = {
    {"time_s", RECORD_NS_AS_S, 3, offsetof(struct row, time_ns), "since the start"},
    PIPE_FIELDS(AB, "ab", "from A", "to B"),
    PIPE_FIELDS(BA, "ba", "from B", "to A"),
    {"mirror_frames", RECORD_U64, 0, offsetof(struct row, mirror.frames), "copies sent"},
    {"mirror_drops", RECORD_U64, 0, offsetof(struct row, mirror.drops),
     "copies dropped because the mirror had no room"},
    {"mirror_no_peer", RECORD_U64, 0, offsetof(struct row, mirror.no_peer),
     "frames not copied because nobody read the mirror"},
    {"cpu_percent", RECORD_F64, 1, offsetof(struct row, cpu_percent), "of one core"},
};

/* A terminal shows what fits on its lines. */
static const struct record_field text_fields[] = {
    {"time_s", RECORD_NS_AS_S, 3, offsetof(struct row, time_ns), NULL},
    {"ab_tx_frames", RECORD_U64, 0, AT(AB, n.tx.frames), NULL},
    {"ab_drops_model", RECORD_U64, 0, DROP(AB, MODEL), NULL},
    {"ab_late_us_p99", RECORD_NS_AS_US, 3, AT(AB, late_p99_ns), NULL},
    {"ba_tx_frames", RECORD_U64, 0, AT(BA, n.tx.frames), NULL},
    {"ba_drops_model", RECORD_U64, 0, DROP(BA, MODEL), NULL},
    {"ba_late_us_p99", RECORD_NS_AS_US, 3, AT(BA, late_p99_ns), NULL},
};

#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

void
report_open(struct report *r, const struct conf *conf, uint64_t now_ns)
{
	const bool text = conf->format == RECORD_TEXT;

	r->interval_ns = conf->interval_ns;
	r->last_ns = now_ns;
	r->next_ns = now_ns + conf->interval_ns;
	for (int d = 0; d < DIRECTIONS; d++)
		hist_reset(&r->late[d]);
	record_open(&r->out, stdout, (enum record_format)conf->format, text ? text_fields : fields,
		    text ? COUNT(text_fields) : COUNT(fields));
}

static void
sub_count(struct pipe_count *c, const struct pipe_count *before)
{
	c->frames -= before->frames;
	c->bytes -= before->bytes;
}

static void
fill_pipe(struct row_pipe *row, const struct pipe *p, const struct report_totals *now,
	  const struct report_totals *last, int d)
{
	const struct pipe_stats *before = &last->pipe[d];

	row->n = now->pipe[d];
	sub_count(&row->n.rx, &before->rx);
	sub_count(&row->n.tx, &before->tx);
	for (int i = 0; i < PIPE_DROPS; i++)
		sub_count(&row->n.drop[i], &before->drop[i]);
	row->missed = now->in[d].rx_missed + now->in[d].rx_oversize - last->in[d].rx_missed -
		      last->in[d].rx_oversize;
	row->held = pipe_held(p);
	row->late_p50_ns = hist_quantile(&p->late, 0.5);
	row->late_p99_ns = hist_quantile(&p->late, 0.99);
	row->late_max_ns = p->late.total ? p->late.max : UINT64_MAX;
}

static void
take_totals(const struct shaper *s, struct report_totals *t)
{
	for (int d = 0; d < DIRECTIONS; d++) {
		t->pipe[d] = s->path[d].pipe.stats;
		dp_port_stats(s->path[d].in, &t->in[d]);
	}
	t->mirror = s->mirror.stats;
	t->cpu_ns = dp_cpu_ns();
}

/* A pager, or a terminal after Ctrl-S, may not read for hours; the frames cannot wait for that. */
static bool
stdout_has_room(struct report *r)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (poll(&p, 1, 0) == 0) {
		if (!r->skipped++)
			log_warn("nobody reads the records now; going on without them");
		return false;
	}
	if (r->skipped)
		log_info("records are read again; the next one covers %u intervals",
			 r->skipped + 1);
	r->skipped = 0;
	return true;
}

void
report_interval(struct report *r, struct shaper *s, uint64_t now_ns)
{
	struct report_totals t;
	struct row row = {.time_ns = now_ns};

	r->next_ns += r->interval_ns;
	if (r->next_ns <= now_ns)
		r->next_ns = now_ns + r->interval_ns;
	if (now_ns == r->last_ns || !stdout_has_room(r))
		return;
	take_totals(s, &t);
	for (int d = 0; d < DIRECTIONS; d++) {
		struct pipe *p = &s->path[d].pipe;

		fill_pipe(&row.dir[d], p, &t, &r->last, d);
		hist_merge(&r->late[d], &p->late);
		hist_reset(&p->late);
	}
	row.mirror.frames = t.mirror.frames - r->last.mirror.frames;
	row.mirror.drops = t.mirror.drops - r->last.mirror.drops;
	row.mirror.no_peer = t.mirror.no_peer - r->last.mirror.no_peer;
	row.cpu_percent = 100 * (double)(t.cpu_ns - r->last.cpu_ns) / (double)(now_ns - r->last_ns);
	r->last = t;
	r->last_ns = now_ns;
	record_write(&r->out, &row);
}

/* "  what       1234       1234" */
static void
line(const char *what, uint64_t ab, uint64_t ba)
{
	fprintf(stderr, "  %-36s %14" PRIu64 " %14" PRIu64 "\n", what, ab, ba);
}

static void
late_line(const char *what, double ratio, const struct report *r)
{
	char ab[32] = "-", ba[32] = "-";

	if (r->late[AB].total)
		units_print_time(ab, sizeof(ab), hist_quantile(&r->late[AB], ratio));
	if (r->late[BA].total)
		units_print_time(ba, sizeof(ba), hist_quantile(&r->late[BA], ratio));
	fprintf(stderr, "  %-36s %14s %14s\n", what, ab, ba);
}

static uint64_t
missed(const struct dp_port_stats *in)
{
	return in->rx_missed + in->rx_oversize;
}

void
report_summary(struct report *r, const struct shaper *s)
{
	const struct pipe *ab = &s->path[AB].pipe, *ba = &s->path[BA].pipe;
	struct report_totals t;
	static const char *const causes[PIPE_DROPS] = {
	    [PIPE_DROP_MODEL] = "dropped as asked",
	    [PIPE_DROP_HOLD_FULL] = "dropped, --hold full",
	    [PIPE_DROP_TX_FULL] = "dropped, port slow and --hold full",
	    [PIPE_DROP_PORT_DOWN] = "dropped, port without peer",
	    [PIPE_DROP_TOO_LONG] = "dropped, longer than the MTU",
	};

	take_totals(s, &t);
	for (int d = 0; d < DIRECTIONS; d++)
		hist_merge(&r->late[d],
			   &s->path[d].pipe.late); /* of records that were not written */
	log_info("after %.1f s", (double)dp_now_ns() / 1e9);
	fprintf(stderr, "  %-36s %14s %14s\n", "", "A to B", "B to A");
	line("frames received", ab->stats.rx.frames, ba->stats.rx.frames);
	line("frames sent", ab->stats.tx.frames, ba->stats.tx.frames);
	for (int i = 0; i < PIPE_DROPS; i++)
		if (i == PIPE_DROP_MODEL || ab->stats.drop[i].frames || ba->stats.drop[i].frames)
			line(causes[i], ab->stats.drop[i].frames, ba->stats.drop[i].frames);
	line("held at the end", pipe_held(ab).frames, pipe_held(ba).frames);
	line("missed by the port", missed(&t.in[AB]), missed(&t.in[BA]));
	late_line("late by, median", 0.5, r);
	late_line("late by, 99 %", 0.99, r);
	late_line("late by, at most", 1, r);
	if (s->mirror.port)
		fprintf(stderr,
			"  mirror: %" PRIu64 " frames, %" PRIu64 " dropped, %" PRIu64
			" with nobody to read them\n",
			t.mirror.frames, t.mirror.drops, t.mirror.no_peer);
}

int
report_close(struct report *r)
{
	return record_close(&r->out) ? EXIT_ENVIRONMENT : 0;
}
