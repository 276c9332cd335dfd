/* units.h - numbers with units, as people type and read them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* All parsers read the whole string, return 0, or -EINVAL (not of this form) or -ERANGE (does
 * not fit); *out is untouched on failure. Fractions are exact to the last unit ("1.5M"). A
 * negative number is -EINVAL. */

/* 10, 10k, 1.5M, 2G: powers of 1000; Ki, Mi, Gi: powers of 1024. */
int units_parse_count(const char *s, uint64_t *out);

/* Bytes: 1500, 64k, 2MiB, 8G (powers of 1024 for k M G T with or without iB, as in -m 8G;
 * kB MB GB are powers of 1000). */
int units_parse_bytes(const char *s, uint64_t *out);

/* Nanoseconds: 250us, 1.5ms, 10s, 2min, 1h, 50ns. A bare number is in `bare_ns` units (1e9 for
 * seconds); bare_ns 0 refuses a bare number other than 0. */
int units_parse_time(const char *s, uint64_t bare_ns, uint64_t *out_ns);

/* Bits per second: 10Gbit, 1.5mbit, 64kbit, 100Mbps; a bare number is bit/s. */
int units_parse_rate(const char *s, uint64_t *out_bps);

/* A ratio from 0 to 1: 5%, 0.05, 1e-3. */
int units_parse_ratio(const char *s, double *out);

/* IPv4 address in host order; "a.b.c.d/len" for the prefix form (len 0..32; absent = 32). */
int units_parse_ipv4(const char *s, uint32_t *out);
int units_parse_prefix(const char *s, uint32_t *addr, uint8_t *len);

/* Printing for people; each returns buf. 32 bytes are enough for any value. */
char *units_print_count(char *buf, size_t size, double v);   /* 1.50M */
char *units_print_bytes(char *buf, size_t size, double v);   /* 1.50 GiB */
char *units_print_time(char *buf, size_t size, uint64_t ns); /* 250.3 us */
char *units_print_rate(char *buf, size_t size, double bps);  /* 9.42 Gbit/s */
char *units_print_ipv4(char *buf, size_t size, uint32_t addr);

#endif
