/* loop.c - what hcmon does with live ports, turn by turn. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/loop.h"

#include "base/log.h"

/* Frames of a burst came between two looks at the queue: so uncertain is their stamp. */
struct look {
	uint64_t last_ns[CONF_MAX_PORTS][DP_MAX_QUEUES];
};

static unsigned
receive(struct live *l, struct look *look, unsigned p, uint16_t queue)
{
	struct monitor *m = l->monitor;
	uint64_t *last_ns = &look->last_ns[p][queue], now;
	struct frame f[DP_BURST];
	unsigned n = dp_rx(l->port[p], queue, f, DP_BURST);

	now = dp_now_ns();
	for (unsigned i = 0; i < n; i++)
		monitor_frame(m, f[i].data, f[i].len, f[i].len, now);
	monitor_flush(m);
	if (n) {
		dp_frames_put(f, n);
		hist_record(&m->report.stamp, now - *last_ns);
	}
	*last_ns = now;
	return n;
}

static unsigned
receive_all(struct live *l, struct look *look)
{
	unsigned n = 0;

	for (unsigned p = 0; p < l->n_ports; p++)
		for (uint16_t q = 0; q < dp_port_queues(l->port[p]); q++)
			n += receive(l, look, p, q);
	return n;
}

/* Says when the other end of a wire comes or goes. */
static void
watch_ports(struct live *l)
{
	for (unsigned p = 0; p < l->n_ports; p++) {
		bool up = dp_port_is_up(l->port[p]);

		if (up != l->was_up[p])
			log_info("%s: %s", dp_port_name(l->port[p]),
				 up ? "the other end is there" : "the other end went away");
		l->was_up[p] = up;
	}
}

static bool
all_at_end(struct live *l)
{
	for (unsigned p = 0; p < l->n_ports; p++)
		if (!dp_port_at_end(l->port[p]))
			return false;
	return true;
}

static void
count_missed(struct live *l)
{
	struct dp_port_stats s;

	l->monitor->missed = 0;
	for (unsigned p = 0; p < l->n_ports; p++) {
		dp_port_stats(l->port[p], &s);
		l->monitor->missed += s.rx_missed + s.rx_oversize;
	}
}

static uint64_t
end_of(const struct live *l)
{
	const struct monitor *m = l->monitor;

	return m->conf->duration_ns ? m->start_ns + m->conf->duration_ns : UINT64_MAX;
}

void
loop_live(unsigned worker, void *arg)
{
	struct live *l = arg;
	struct monitor *m = l->monitor;
	struct look look = {0};
	uint64_t now = dp_now_ns();

	if (worker != 0)
		return;
	monitor_start(m, now);
	for (unsigned p = 0; p < l->n_ports; p++)
		for (uint16_t q = 0; q < dp_port_queues(l->port[p]); q++)
			look.last_ns[p][q] = now;
	while (!*l->stop && now < end_of(l)) {
		unsigned n = receive_all(l, &look);

		now = dp_now_ns();
		watch_ports(l);
		if (now >= m->next_ns)
			count_missed(l);
		monitor_advance(m, now);
		if (n == 0 && all_at_end(l))
			break;
		dp_idle(worker, n > 0, m->next_ns < end_of(l) ? m->next_ns : end_of(l));
	}
	count_missed(l);
}
