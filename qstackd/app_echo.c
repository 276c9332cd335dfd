/* app_echo.c - echo (RFC 862): what comes goes back; what has no room to go back waits, and stops the peer. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "qstackd/app.h"

static uint32_t
echo_message(struct app *a, uint32_t conn, const uint8_t *data, uint32_t len)
{
	uint32_t taken = app_send(a, conn, data, len);

	a->stats.requests++;
	if (taken > 0)
		a->stats.answers++;
	return taken;
}

const struct app_ops app_echo = {
    .name = "echo",
    .port = 7,
    .message = echo_message,
};
