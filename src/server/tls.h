/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's certificate and its key, read from PEM files and read again while connections live.
 * There is one in a process: the callback by which libmicrohttpd has GnuTLS ask for it carries
 * nothing to tell several apart.
 */
#ifndef STORYFS_SERVER_TLS_H
#define STORYFS_SERVER_TLS_H

#include "storyfs/buf.h"
#include "storyfs/scope.h"

/* Only what is still safe: TLS 1.2 and 1.3. In GnuTLS's words. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* Read both; from now on they are what handshakes get. When it fails, what was there stays. -EACCES
 * (also when others may read the key), -ENOENT, -EBADMSG, with the reason appended to ret_reason.
 */
int tls_load(const char *cert_file, const char *key_file, struct buf *ret_reason);
/* No connection is left. */
void tls_unload(void);
/* GnuTLS's gnutls_certificate_retrieve_function2, as a function without its types. */
void *tls_callback(void);

#endif
