/* opt_value.h - one value of an option: read, checked, and described to who typed it wrong. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_OPT_VALUE_H
#define BASE_OPT_VALUE_H

#include <stddef.h>

#include "base/opt.h"

/* Reads value into its field of conf. False when the option does not take it; the field is then as
 * before, and *wanted is what an OPT_CALL said would have been right, NULL for the other types. */
bool opt_value_store(const struct opt *o, const char *value, void *conf, const char **wanted);

/* "a ratio from 0% to 100%" */
void opt_value_describe(const struct opt *o, char *buf, size_t size);

/* What stands for the value in --help; NULL for OPT_BOOL. */
const char *opt_value_metavar(const struct opt *o);

#endif
