/* diff_ours.c - our stack on a wire in memory; its clock goes on by so much a step. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff.h"

#include "stack_kit.h"

enum { STEP_NS = 20000, CONNS = 4096 };
#define BETWEEN_NS (2 * KIT_SECOND)

static struct kit_host *host;
static struct answer *answer;
static struct flow flow;
static uint64_t now;
static uint32_t conn;
static uint32_t stray = UINT32_MAX; /* of the same 4-tuple, after the end */
static bool has_conn, is_known, is_going_on, paused, accepted, eof, reset, ended;

/* Of a connection before. */
static bool
is_late(const struct pkt *k)
{
	return (k->kind == PKT_TCP && k->dst != flow.raddr) || is_late_fragment(k);
}

static void
capture(struct kit_host *h, const struct frame *f, uint64_t at)
{
	(void)h, (void)at;
	assert(answer->n < DIFF_REPLIES && f->len <= DIFF_FRAME);
	memcpy(answer->frame[answer->n], f->data, f->len);
	pkt_parse(&answer->reply[answer->n], f->data, f->len, 0);
	answer->n += !is_late(&answer->reply[answer->n]);
}

static void
take(const uint8_t *data, uint32_t len)
{
	assert(answer->n_read + len <= DIFF_READ);
	memcpy(answer->read + answer->n_read, data, len);
	answer->n_read += len;
}

static void
take_kept(void)
{
	const uint8_t *data;
	uint32_t len;

	while ((len = stack_read(host->s, conn, &data)) > 0) {
		take(data, len);
		stack_read_done(host->s, conn, len);
	}
}

static void
on_event(struct kit_host *h, const struct stack_event *ev, uint64_t at)
{
	(void)at;
	if (ended && ev->type == STACK_ACCEPTED)
		stray = ev->conn;
	if (ended || (is_known && ev->conn != conn))
		return; /* not the one that is watched */
	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
		accepted = has_conn = is_known = true;
		conn = ev->conn;
		break;
	case STACK_DATA:
		if (paused)
			stack_keep(h->s, ev, ev->len);
		else
			take(ev->data, ev->len);
		break;
	case STACK_READABLE:
		if (!paused)
			take_kept();
		break;
	case STACK_EOF:
		eof = true;
		break;
	case STACK_FAILED:
	case STACK_CLOSED:
		reset |= ev->why != STACK_WHY_NONE && ev->why != STACK_WHY_ABORT;
		ended = true;
		has_conn = false;
		break;
	default:
		break;
	}
}

static void
add_listener(uint16_t port, bool nodelay)
{
	const struct stack_listener l = {.port = port,
					 .profile = {.quickack = true, .nodelay = nodelay}};
	int row = stack_listen(host->s, &l);

	assert(row > 0);
	(void)row;
}

void
diff_ours_start(bool sack)
{
	struct stack_netif_conf nc = {.mtu = 1500};
	struct stack_conf c;
	int err;

	kit_conf(&c);
	c.max_conns = CONNS;
	c.tcp.rcvbuf = DIFF_WINDOW;
	c.tcp.sack = sack;
	c.tcp.mss = 1460;
	c.profile.quickack = c.profile.nodelay = true;
	c.now = now = KIT_SECOND;
	host = calloc(1, sizeof(*host));
	host->burst = KIT_BURST;
	host->on_event = on_event;
	host->on_tx = capture;
	host->s = stack_new(&c);
	memcpy(nc.mac, diff_host_mac, 6);
	err = addr_add_range(&nc.addrs, DIFF_ADDR, 1, 16);
	err |= addr_set_gateway(&nc.addrs, DIFF_GATEWAY);
	err |= stack_add_netif(host->s, &nc);
	assert(err == 0);
	(void)err;
	add_listener(DIFF_PORT_NAGLE, false);
	add_listener(DIFF_PORT_NODELAY, true);
}

void
diff_ours_wait(uint64_t ns)
{
	now += ns;
}

const struct tcb *
diff_ours_tcb(void)
{
	return has_conn ? stack_tcb(host->s, conn) : NULL;
}

static void
ours_frame(const uint8_t *frame, size_t len)
{
	kit_send(host, frame, (uint32_t)len, 0, now);
}

/* The gateway's answers to its ARP are the wire's business. */
static bool
answer_arp(const struct answer *a, unsigned i)
{
	const struct pkt *k = &a->reply[i];
	uint8_t frame[64];

	if (k->kind != PKT_ARP || k->arp_op != ARP_REQUEST || k->arp_tpa != DIFF_GATEWAY)
		return k->kind == PKT_ARP && k->arp_op == ARP_REQUEST;
	ours_frame(frame, build_arp(frame, sizeof(frame), diff_host_mac, 0, ARP_REPLY,
				    diff_wire_mac, DIFF_GATEWAY, diff_host_mac, DIFF_ADDR));
	return true;
}

static bool
take_arp_out(struct answer *a)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < a->n; i++) {
		if (answer_arp(a, i))
			continue;
		if (kept != i) {
			a->reply[kept] = a->reply[i];
			memcpy(a->frame[kept], a->frame[i], DIFF_FRAME);
		}
		kept++;
	}
	bool any = kept < a->n;

	a->n = kept;
	return any;
}

static void
ours_begin(const struct flow *f)
{
	static struct answer nothing;

	/* What connections before have left happens unseen. */
	now += BETWEEN_NS;
	answer = &nothing;
	nothing.n = nothing.n_read = 0;
	stack_resolve(host->s, DIFF_GATEWAY, now);
	for (bool busy = true; busy;) {
		busy = kit_turn(host, now);
		busy |= take_arp_out(&nothing);
		nothing.n = 0;
		now += STEP_NS;
	}
	flow = *f;
	has_conn = is_known = is_going_on = false;
	paused = accepted = eof = reset = ended = false;
}

static uint32_t
ours_call(enum call call, const uint8_t *data, uint32_t len)
{
	const struct stack_open o = {.flow = flow};

	switch (call) {
	case CALL_CONNECT:
		has_conn = is_known = stack_connect(host->s, &o, now, &conn) == 0;
		return 0;
	case CALL_WRITE:
		return has_conn ? stack_send(host->s, conn, data, len) : 0;
	case CALL_PAUSE:
		paused = true;
		return 0;
	case CALL_RESUME:
		paused = false;
		return 0;
	case CALL_SHUTDOWN:
		if (has_conn)
			stack_close(host->s, conn, now);
		return 0;
	case CALL_ABORT:
		if (has_conn)
			stack_abort(host->s, conn, now);
		return 0;
	}
	return 0;
}

/* To the user TIME-WAIT is the end. */
static enum tcp_state
user_state(void)
{
	if (!has_conn)
		return ended && is_known ? TCP_CLOSED : TCP_FREE;
	enum tcp_state state = stack_tcb(host->s, conn)->state;

	return state == TCP_TIME_WAIT ? TCP_CLOSED : state;
}

static void
ours_settle(struct answer *a)
{
	a->n = 0;
	a->n_read = 0;
	a->eof &= is_going_on;
	is_going_on = true;
	answer = a;
	now += STEP_NS;
	if (has_conn && !paused)
		take_kept();
	while (kit_turn(host, now) || take_arp_out(a))
		;
	stack_check(host->s);
	a->accepted = accepted;
	a->eof |= eof && !paused && !reset;
	a->reset = reset;
	a->state = user_state();
	a->ended = a->state == TCP_CLOSED;
}

static void
ours_end(void)
{
	if (has_conn)
		stack_abort(host->s, conn, now);
	has_conn = false;
	if (stray != UINT32_MAX)
		stack_abort(host->s, stray, now);
	stray = UINT32_MAX;
}

const struct host diff_ours = {
    .name = "ours",
    .begin = ours_begin,
    .frame = ours_frame,
    .call = ours_call,
    .settle = ours_settle,
    .end = ours_end,
};
