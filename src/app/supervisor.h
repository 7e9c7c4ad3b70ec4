/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager that started us, if one did and wants to know: sd_notify(3)'s protocol, one
 * datagram to $NOTIFY_SOCKET. */
#ifndef STORYFS_APP_SUPERVISOR_H
#define STORYFS_APP_SUPERVISOR_H

/* `READY=1`, `STOPPING=1`, ..., a line each. Nothing happens when nobody wants to know; never
 * waits. */
void supervisor_tell(const char *state);

#endif
