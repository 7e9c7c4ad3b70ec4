/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the V5 token comes from; the first source that is given counts (settings.h: what was said
 *in a place that counts less is not given):
 *
 *	token_command              a shell command that prints it
 *	token_file                 a file that nobody else may read
 *	$CREDENTIALS_DIRECTORY/token   systemd's credentials
 *	$STORYFS_TOKEN             taken out of the environment when it is read
 *	token = ... in the config file, if nobody else may read that
 *
 * It is never taken from an argument, and never logged.
 */
#ifndef STORYFS_APP_CREDENTIAL_H
#define STORYFS_APP_CREDENTIAL_H

#include <stdbool.h>

#include "storyfs/buf.h"

struct credential;

/* Which of the two that the environment holds counts, by its name as above; NULL: there is none.
 * For the life of the program. */
const char *credential_from_environment(void);
/* All may be NULL; copied. What the environment holds is moved out of it now. */
struct credential *credential_new(const char *command, const char *file, const char *from_config);
void credential_free(struct credential *t);

/* Append it, asking its source the first time; nothing when there is no source. -EACCES for a file
 * that others may read, -ETIMEDOUT for a command that takes longer than 30 s, -EINVAL for what is
 * no token; the reason is logged. Any thread. For curl_config.get_token. */
int credential_get(void *data, struct buf *ret);
/* The server refused it: ask the source again. True when another came. For api_config.renew_token.
 */
bool credential_renew(void *data);

SCOPED_PTR(struct credential, credential_free);

#endif
