/* app_sink.c - discard (RFC 863): takes everything, answers nothing. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/app.h"

static uint32_t
sink_message(struct app *a, uint32_t conn, const uint8_t *data, uint32_t len)
{
	(void)a;
	(void)conn;
	(void)data;
	return len;
}

const struct app_ops app_sink = {
    .name = "sink",
    .port = 9,
    .message = sink_message,
};
