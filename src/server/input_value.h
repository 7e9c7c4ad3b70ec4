/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One parameter read as its field's type, nested resources and all. */
#ifndef STORYFS_SERVER_INPUT_VALUE_H
#define STORYFS_SERVER_INPUT_VALUE_H

#include "params.h"
#include "storyfs/error.h"
#include "storyfs/record.h"

/* What was given is there. Refused with V5's error when it is none of the type. */
int input_value_read(const struct field *field, const struct param_value *given,
	struct v5_error *error, struct value *ret);

#endif
