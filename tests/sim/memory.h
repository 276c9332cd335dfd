/* memory.h - memory for stacks that live for a millisecond. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct stack;

/* For struct stack_conf. Two stacks may live at a time. */
void *memory_reserve(size_t bytes);
void memory_release(void *p, size_t bytes);
/* Before each stack_free. */
void memory_clean(struct stack *s);

/* These octets in a block of just that size where a sanitizer watches, else where they are. */
uint8_t *memory_exact(uint8_t *data, size_t len);
void memory_exact_free(uint8_t *copy, const uint8_t *data);

#endif
