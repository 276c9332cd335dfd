/* app.c - from the stack's events to an application's callbacks. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/app.h"

#include <string.h>

extern const struct app_ops app_iot, app_echo, app_http, app_sink;

const struct app_ops *const app_table[] = {&app_iot, &app_echo, &app_http, &app_sink, NULL};

const struct app_ops *
app_find(const char *name)
{
	for (unsigned i = 0; app_table[i]; i++)
		if (!strcmp(app_table[i]->name, name))
			return app_table[i];
	return NULL;
}

uint32_t
app_send(struct app *a, uint32_t conn, const void *data, uint32_t len)
{
	uint32_t taken = stack_send(a->stack, conn, data, len);

	a->stats.octets_written += taken;
	return taken;
}

static uint32_t
deliver(struct app *a, uint32_t conn, const uint8_t *data, uint32_t len)
{
	uint32_t taken = a->ops->message(a, conn, data, len);

	a->stats.octets_read += taken;
	return taken;
}

/* What is kept comes in pieces as they lie in memory; an application that takes only a part of one has reached its limit. */
static void
deliver_kept(struct app *a, uint32_t conn)
{
	const uint8_t *data;
	uint32_t len;

	while ((len = stack_read(a->stack, conn, &data)) > 0) {
		uint32_t taken = deliver(a, conn, data, len);

		if (taken > 0)
			stack_read_done(a->stack, conn, taken);
		if (taken < len)
			return;
	}
}

static void
event_data(struct app *a, const struct stack_event *ev)
{
	uint32_t taken = deliver(a, ev->conn, ev->data, ev->len);

	if (taken < ev->len)
		stack_keep(a->stack, ev, ev->len - taken);
}

static void
event_eof(struct app *a, const struct stack_event *ev)
{
	if (a->ops->eof)
		a->ops->eof(a, ev->conn);
	else
		stack_close(a->stack, ev->conn, a->now);
}

void
app_event(struct app *a, const struct stack_event *ev)
{
	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
		if (a->ops->accept)
			a->ops->accept(a, ev->conn);
		break;
	case STACK_DATA:
		event_data(a, ev);
		break;
	case STACK_READABLE:
		deliver_kept(a, ev->conn);
		break;
	case STACK_WRITABLE:
		if (a->ops->writable)
			a->ops->writable(a, ev->conn);
		deliver_kept(a, ev->conn);
		break;
	case STACK_EOF:
		event_eof(a, ev);
		break;
	case STACK_VISIT:
		if (a->ops->visit)
			a->ops->visit(a, ev->conn);
		break;
	case STACK_CONNECTED: /* a server opens nothing */
	case STACK_FAILED:
	case STACK_SENT:
	case STACK_CLOSED: /* the 8 octets end with the connection; there is nothing to release */
		break;
	}
}
