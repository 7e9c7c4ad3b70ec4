/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time zones by their Olson names, out of the system's tzdata; independent of TZ. */
#ifndef STORYFS_SERVER_ZONE_H
#define STORYFS_SERVER_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#define ZONE_OFFSET_SIZE sizeof("-12:00")

/* Seconds east of Greenwich at an instant; false when the system knows no such zone. */
bool zone_offset(const char *olson_name, int64_t at_ms, int32_t *ret_seconds);
/* As V5 writes it: `-07:00`; `+00:00` for an unknown zone. */
void zone_format_offset(const char *olson_name, int64_t at_ms, char ret_text[ZONE_OFFSET_SIZE]);

#endif
