/* wire.c - which port is meant when none is named: the shaper's wire, or the server's own. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "mcc/carrier.h"
#include "mcc/native.h"

/* Short rings: a burst is to wait here, where it is counted as late, rather than on the wire, where it is counted against the
 * server. At 128 frames the server is never without work for want of frames. */
static const char shaper_wire[] = "memif:client,rsize=128";
static const char server_wire[] = "memif:server,rsize=128";

enum { POLL_US = 10000, QUIET_NS = 300000000 /* before it is said that mcc waits */ };
/* A shaper that is started together with mcc is waited for so long, though the server is there already. */
#define GRACE_NS UINT64_C(2000000000)

static struct dp_port *
try_open(const struct conf *c, const char *spec, char *err)
{
	const struct dp_port_conf pc = {.spec = spec, .queues = (uint16_t)c->threads};

	return dp_port_open(&pc, err);
}

static struct dp_port *
open_port(const struct conf *c, const char *spec)
{
	char err[DP_ERRBUF];
	struct dp_port *port = try_open(c, spec, err);

	if (!port)
		die("%s", err);
	return port;
}

static bool
must_end(uint64_t give_up_ns)
{
	return carrier_is_stopped() || dp_now_ns() >= give_up_ns;
}

/* Once, when it takes longer than a moment. */
static void
say_waiting(bool *said, uint64_t since_ns, const char *what)
{
	if (*said || dp_now_ns() - since_ns < QUIET_NS)
		return;
	log_info("waiting for %s", what);
	*said = true;
}

static struct dp_port *
wait_for_named(const struct conf *c, uint64_t give_up_ns)
{
	struct dp_port *port = open_port(c, c->port);
	const uint64_t since_ns = dp_now_ns();
	bool said = false;
	char what[128];

	snprintf(what, sizeof(what), "the other end of %s", c->port);
	while (!dp_port_is_up(port)) {
		if (must_end(give_up_ns))
			return NULL;
		say_waiting(&said, since_ns, what);
		usleep(POLL_US);
	}
	return port;
}

/* The two wires, and since when somebody is on the server's. */
struct choice {
	struct dp_port *shaper, *server;
	uint64_t server_since_ns;
};

/* A shaper that is just starting has the server's wire already, and will be on its own in a moment: that is no failure. */
static bool
server_is_up(struct choice *ch, const struct conf *c)
{
	char err[DP_ERRBUF];

	if (!ch->server) {
		ch->server = try_open(c, server_wire, err);
		if (!ch->server)
			log_debug("%s", err);
	}
	if (!ch->server || !dp_port_is_up(ch->server)) {
		ch->server_since_ns = UINT64_MAX;
		return false;
	}
	if (ch->server_since_ns == UINT64_MAX)
		ch->server_since_ns = dp_now_ns();
	return true;
}

static struct dp_port *
choose(struct dp_port *taken, struct dp_port *other)
{
	if (other)
		dp_port_close(other);
	return taken;
}

/* The shaper comes first; the server's own wire is taken when somebody has been there for the grace and no shaper came. */
static struct dp_port *
wait_for_default(const struct conf *c, uint64_t give_up_ns)
{
	struct choice ch = {.shaper = open_port(c, shaper_wire)};
	const uint64_t since_ns = dp_now_ns();
	bool said = false, said_grace = false;

	while (!must_end(give_up_ns)) {
		const uint64_t now = dp_now_ns();

		if (dp_port_is_up(ch.shaper))
			return choose(ch.shaper, ch.server);
		if (now - since_ns < QUIET_NS)
			;
		else if (!server_is_up(&ch, c))
			say_waiting(&said, since_ns,
				    "lshaper on memif:client, or qstackd on memif:server");
		else if (now > ch.server_since_ns + GRACE_NS)
			break;
		else
			say_waiting(&said_grace, ch.server_since_ns,
				    "lshaper on memif:client, for a moment; qstackd is there");
		usleep(POLL_US);
	}
	if (carrier_is_stopped() || !server_is_up(&ch, c))
		return NULL;
	return choose(ch.server, ch.shaper);
}

/* As people know it. */
const char *
wire_name(const struct dp_port *port)
{
	const char *spec = dp_port_name(port);

	if (strcmp(spec, shaper_wire) == 0)
		return "memif:client";
	return strcmp(spec, server_wire) == 0 ? "memif:server" : spec;
}

struct dp_port *
wire_open(const struct conf *c, uint64_t give_up_ns, const char **peer)
{
	struct dp_port *port =
	    c->port ? wait_for_named(c, give_up_ns) : wait_for_default(c, give_up_ns);

	if (!port)
		return NULL;
	*peer = c->port					       ? "the other end"
		: strcmp(dp_port_name(port), shaper_wire) == 0 ? "lshaper"
							       : "qstackd";
	log_info("on %s, %s is there", wire_name(port), *peer);
	return port;
}

void
wire_watch(struct native *n)
{
	const struct dp_port *port = n->run->port;
	const bool up = dp_port_is_up(n->run->port);

	if (up == n->wire_was_up)
		return;
	n->wire_was_up = up;
	if (up)
		stack_announce(n->stack, 0);
	if (n->thread > 0)
		return;
	if (up)
		log_info("%s is back on %s", n->run->peer, wire_name(port));
	else
		log_warn("%s is gone; waiting for it on %s", n->run->peer, wire_name(port));
}
