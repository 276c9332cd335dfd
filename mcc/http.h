/* http.h - finds the end of an HTTP/1.x answer in a stream of octets (RFC 9112). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_HTTP_H
#define MCC_HTTP_H

#include "mcc/app.h"

enum { HTTP_HEAD_MAX = 65536 };

/* As app_take. Content-Length, chunked, bodiless status codes, and bodies that end with the connection. */
enum answer_state http_take(struct answer *a, const uint8_t *data, uint32_t len, uint32_t *used);
bool http_ends_at_eof(const struct answer *a);

#endif
