/* gnuplot.c - two to four panels, on a screen if gnuplot has one, else as text in the terminal. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/gnuplot.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"

/* gnuplot ends at its first error when it reads from a pipe, so nothing here may be one: ranges are always given, and
 * a curve without points is not drawn. GNUTERM, as ever, overrides the choice of a terminal. */
static const char preamble[] =
    "has(t) = strstrt(GPVAL_TERMINALS . \" \", \" \" . t . \" \") > 0\n"
    "screen = system('echo \"$DISPLAY$WAYLAND_DISPLAY\"')\n"
    "chosen = system('echo \"$GNUTERM\"')\n"
    "lines = system('{ stty size </dev/tty; } 2>/dev/null || echo 0 0')\n"
    "tty = word(lines, 1) > 9 && word(lines, 2) > 39\n"
    "if (!tty) { lines = '32 100' }\n"
    "if (strlen(chosen) == 0) {\n"
    "  if (strlen(screen) > 0 && has('qt')) {\n"
    "    set terminal qt size 1200,800 font 'Sans,10' title 'hcmon' noraise persist\n"
    "  } else { if (strlen(screen) > 0 && has('x11')) {\n"
    "    set terminal x11 size 1200,800 title 'hcmon' noraise persist\n"
    "  } else {\n"
    "    set terminal dumb\n"
    "  } }\n"
    "}\n"
    "text = GPVAL_TERM eq 'dumb'\n"
    "if (text) {\n"
    "  eval sprintf('set terminal dumb size %d,%d noenhanced %s', \\\n"
    "    word(lines, 2) + 0, word(lines, 1) - 1, tty ? 'ansi' : 'mono')\n"
    "}\n"
    "set print '-'\n"
    "set border 3\n"
    "set tics nomirror\n"
    "if (!text) { set grid lw 1 lc rgb '#d0d0d0' }\n"
    "set key noenhanced Left reverse samplen 2\n"
    "set style line 1 lw 2 lc rgb '#555555'\n"
    "set style line 2 lw 2 lc rgb '#c0392b'\n"
    "set style line 3 lw 2 lc rgb '#2471a3'\n"
    "set style line 4 lw 2 lc rgb '#1e8449'\n";

static const struct {
	const char *title;
	unsigned style;
} curves[CDF_N_CURVES] = {
    [CDF_TOTAL] = {"all responses", 1},
    [CDF_HIGH] = {"high: response", 2},
    [CDF_LOW] = {"low: response", 3},
    [CDF_ACK] = {"low: heartbeat to ACK", 4},
};

/* The panel of the distribution ends above 99.999 %, at the maximum. */
static const double top_height = 5.4;

struct span {
	double low, high;
};

static void
widen(struct span *s, double v)
{
	if (!(v > 0))
		return;
	if (s->high == 0 || v < s->low)
		s->low = v;
	if (v > s->high)
		s->high = v;
}

/* Of what the history shows. */
struct extent {
	struct span response_us, ack_us, flows, rate;
};

/* Full decades, so that the picture does not jump. */
static struct span
decades(struct span s)
{
	if (s.high == 0)
		return (struct span){1, 1000};
	s.low = pow(10, floor(log10(s.low)));
	s.high = pow(10, ceil(log10(s.high * 1.01)));
	return s;
}

static double
us_of(uint64_t ns)
{
	return ns == UINT64_MAX ? (double)NAN : (double)ns / 1e3;
}

void
gnuplot_open(struct gnuplot *g, FILE *out)
{
	memset(g, 0, sizeof(*g));
	g->out = out;
	setvbuf(out, NULL, _IOFBF, 1 << 16);
	fputs(preamble, out);
}

static unsigned
n_points(const struct gnuplot *g)
{
	return g->n < GNUPLOT_HISTORY ? g->n : GNUPLOT_HISTORY;
}

/* The i-th point that is remembered, oldest first. */
static const struct gnuplot_point *
point(const struct gnuplot *g, unsigned i)
{
	return &g->history[(g->n - n_points(g) + i) % GNUPLOT_HISTORY];
}

/* Each further nine has the same height. */
static bool
write_curve(const struct gnuplot *g, unsigned c, const struct hist *h, struct span *span)
{
	unsigned digits;
	double ratio;

	if (h->total == 0)
		return false;
	fprintf(g->out, "$cdf%u << END\n", c);
	for (unsigned i = 1; (ratio = cdf_ratio(i, &digits)) >= 0; i++) {
		double us = us_of(hist_quantile(h, ratio));

		if (!(us > 0))
			continue; /* has no place on a logarithmic axis */
		widen(span, us);
		fprintf(g->out, "%.3f %.5f\n", us, ratio < 1 ? -log10(1 - ratio) : top_height);
	}
	fputs("END\n", g->out);
	return span->high > 0;
}

/* gnuplot's own word for "no value here" is NaN. */
static void
write_history(const struct gnuplot *g, struct extent *e)
{
	fputs("$time << END\n", g->out);
	for (unsigned i = 0; i < n_points(g); i++) {
		const struct gnuplot_point *p = point(g, i);

		widen(&e->response_us, p->p50_us);
		widen(&e->response_us, p->p99_us);
		widen(&e->ack_us, p->ack_us);
		widen(&e->flows, p->flows_open);
		widen(&e->rate, p->messages_per_s);
		fprintf(g->out, "%.3f %.0f %.1f %.1f %.3f %.3f %.3f\n", p->time_s, p->flows_open,
			p->requests_per_s, p->messages_per_s, p->p50_us, p->p99_us, p->ack_us);
	}
	fputs("END\n", g->out);
}

static void
draw_distribution(const struct gnuplot *g, const bool has[CDF_N_CURVES], struct span us)
{
	const char *separator = "plot ";

	us = decades(us);
	fprintf(g->out,
		"set title 'distribution since the start, us'\n"
		"set logscale x; set xrange [%g:%g]; set yrange [0:%g]; set format x '%%.6g'\n"
		"set ytics ('0' 0, '50' 0.30103, '90' 1, '99' 2, '99.9' 3, '99.99' 4, "
		"'99.999' 5, 'max' %g)\n"
		"if (text) { set key bottom right } else { set key top left }\n",
		us.low, us.high, top_height, top_height);
	for (unsigned c = 0; c < CDF_N_CURVES; c++) {
		if (!has[c])
			continue;
		fprintf(g->out, "%s$cdf%u with lines ls %u title '%s'", separator, c,
			curves[c].style, curves[c].title);
		separator = ", ";
	}
	fputs(separator[0] == 'p' ? "plot 0 notitle\n" : "\n", g->out);
	fputs("unset logscale x; set ytics autofreq\n", g->out);
}

static void
set_time_axis(const struct gnuplot *g)
{
	double from = point(g, 0)->time_s, to = point(g, n_points(g) - 1)->time_s;

	fprintf(g->out,
		"set xrange [%g:%g]; set format x '%%g s'\nif (text) { set key bottom right } else "
		"{ set key top left }\n",
		from, to > from ? to : from + 1);
}

static void
draw_latency(const struct gnuplot *g, const struct extent *e)
{
	const bool responses = e->response_us.high > 0, acks = e->ack_us.high > 0;
	struct span us = e->response_us;

	widen(&us, e->ack_us.low);
	widen(&us, e->ack_us.high);
	us = decades(us);
	fprintf(g->out,
		"set title 'latency of each interval, us'\n"
		"set logscale y; set yrange [%g:%g]; set format y '%%.6g'\nplot ",
		us.low, us.high);
	if (responses)
		fputs("$time using 1:6 with lines ls 2 title 'response p99', "
		      "$time using 1:5 with lines ls 1 title 'response p50'",
		      g->out);
	if (acks)
		fprintf(g->out, "%s$time using 1:7 with lines ls 4 title 'ACK p99'",
			responses ? ", " : "");
	fputs(responses || acks ? "\n" : "1 notitle\n", g->out);
	fputs("unset logscale y\n", g->out);
}

static void
draw_line(const struct gnuplot *g, const char *title, double high, const char *plot)
{
	fprintf(g->out, "set title '%s'; set yrange [0:%g]; set format y '%s'\nplot %s\n", title,
		high > 0 ? high * 1.2 : 1, high < 10000 ? "%.6g" : "%.1s%c", plot);
}

static void
begin_picture(const struct gnuplot *g, const struct report_row *row)
{
	char time[32], flows[32], rate[32];

	fprintf(g->out,
		"if (text && tty) { print \"\\033[H\\033[2J\" }\n"
		"set multiplot layout 2,(text ? 1 : 2) title "
		"'hcmon: %s, %s connections open, %s requests/s' noenhanced\n",
		units_print_time(time, sizeof(time), row->time_ns),
		units_print_count(flows, sizeof(flows), (double)row->flows_open),
		units_print_count(rate, sizeof(rate),
				  isfinite(row->requests_per_s) ? row->requests_per_s : 0));
}

static void
draw(struct gnuplot *g, const struct report_row *row, const struct hist *const curve[CDF_N_CURVES])
{
	struct extent extent = {0};
	struct span us = {0};
	bool has[CDF_N_CURVES];

	for (unsigned c = 0; c < CDF_N_CURVES; c++)
		has[c] = write_curve(g, c, curve[c], &us);
	has[CDF_TOTAL] = has[CDF_TOTAL] && !(has[CDF_HIGH] && !has[CDF_LOW]);
	write_history(g, &extent);
	begin_picture(g, row);
	draw_distribution(g, has, us);
	set_time_axis(g);
	draw_latency(g, &extent);
	fputs("if (!text) {\n", g->out);
	draw_line(g, "connections open", extent.flows.high,
		  "$time using 1:2 with lines ls 3 notitle");
	draw_line(g, "per second", extent.rate.high,
		  "$time using 1:4 with lines ls 4 title 'all messages', "
		  "$time using 1:3 with lines ls 2 title 'requests'");
	fputs("}\nunset multiplot\n", g->out);
}

void
gnuplot_draw(struct gnuplot *g, const struct report_row *row,
	     const struct hist *const curve[CDF_N_CURVES])
{
	if (g->failed)
		return;
	g->history[g->n++ % GNUPLOT_HISTORY] = (struct gnuplot_point){
	    .time_s = (double)row->time_ns / 1e9,
	    .flows_open = (double)row->flows_open,
	    .requests_per_s = row->requests_per_s,
	    .messages_per_s = row->requests_per_s + row->heartbeats_per_s,
	    .p50_us = us_of(row->latency.p50),
	    .p99_us = us_of(row->latency.p99),
	    .ack_us = us_of(row->ack.p99),
	};
	draw(g, row, curve);
	if (fflush(g->out) || ferror(g->out)) {
		g->failed = true;
		log_info("nobody draws the pictures any more; going on without them");
	}
}
