/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs user`: the people of an archive, and what they log in with. */
#include <bsd/readpassphrase.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "storyfs/archive.h"
#include "storyfs/enrol.h"

enum { PASSWORD_BYTES = 1024 };

static enum enrol_form form_of(const struct arguments *args)
{
	return arguments_have(args, OPTION_json) ? ENROL_JSON : ENROL_TEXT;
}

static const char *person_of(const struct arguments *args)
{
	return args->n_operands > 1 ? args->operands[1] : NULL;
}

/* What was done is printed, or why not. */
static enum exit_code finish(
	const struct arguments *args, int e, const struct buf *text, struct buf *reason)
{
	if (e == 0) {
		fputs(buf_str(text), stdout);
		return EXIT_DONE;
	}
	if (!reason->len)
		buf_add_fmt(reason, "%s: %s", args->operands[0], archive_explain(e));
	fprintf(stderr, "storyfs: %s: %s%s", args->command->name, reason->data,
		reason->data[reason->len - 1] == '\n' ? "" : "\n");
	return EXIT_FAILED;
}

/* Open the archive, do it, finish. */
static enum exit_code run(
	const struct arguments *args, int (*act)(const struct arguments *args, struct archive *a,
					      struct buf *ret, struct buf *reason))
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(archive_close) struct archive *archive = NULL;
	int e = archive_open(args->operands[0], ARCHIVE_EXISTING, &archive, &reason);

	if (e == 0)
		e = act(args, archive, &text, &reason);
	return finish(args, e, &text, &reason);
}

/* ---- add, list, remove ---- */

static int add(const struct arguments *args, struct archive *a, struct buf *ret, struct buf *reason)
{
	const struct enrolment who = {
		.name = args->operands[1],
		.email = args->values[OPTION_email],
		.username = args->values[OPTION_username],
		.initials = args->values[OPTION_initials],
		.projects = args->values[OPTION_project],
		.role = args->values[OPTION_role],
	};

	return enrol_add(a, &who, form_of(args), ret, reason);
}

enum exit_code run_user_add(const struct arguments *args)
{
	return run(args, add);
}

static int list(
	const struct arguments *args, struct archive *a, struct buf *ret, struct buf *reason)
{
	return enrol_list(a, form_of(args), ret, reason);
}

enum exit_code run_user_list(const struct arguments *args)
{
	return run(args, list);
}

static int take_out(
	const struct arguments *args, struct archive *a, struct buf *ret, struct buf *reason)
{
	(void)ret;
	return enrol_remove(a, args->operands[1], reason);
}

enum exit_code run_user_remove(const struct arguments *args)
{
	return run(args, take_out);
}

/* ---- token ---- */

static int token(
	const struct arguments *args, struct archive *a, struct buf *ret, struct buf *reason)
{
	char made[TOKEN_SIZE];

	if (arguments_have(args, OPTION_list))
		return enrol_list_tokens(a, person_of(args), form_of(args), ret, reason);
	if (arguments_have(args, OPTION_revoke))
		return enrol_revoke_token(a, person_of(args), args->values[OPTION_revoke], reason);
	int e = enrol_make_token(a, person_of(args), args->values[OPTION_label], made, reason);

	if (e == 0)
		buf_add_fmt(ret,
			arguments_have(args, OPTION_json) ? "{\"token\":\"%s\"}\n" : "%s\n", made);
	return e;
}

enum exit_code run_user_token(const struct arguments *args)
{
	return run(args, token);
}

/* ---- password ---- */

/* A line of standard input; on a terminal, asked for without echo. */
static int ask(const char *prompt, char *ret, struct buf *reason)
{
	int flags = isatty(STDIN_FILENO) ? RPP_ECHO_OFF : RPP_STDIN;

	if (readpassphrase(prompt, ret, PASSWORD_BYTES, flags))
		return 0;
	buf_add_str(reason, "the password cannot be read");
	return -EIO;
}

static int read_password(char *ret, struct buf *reason)
{
	char again[PASSWORD_BYTES];
	int e = ask("New password: ", ret, reason);

	if (e < 0 || !isatty(STDIN_FILENO))
		return e;
	e = ask("Again: ", again, reason);
	if (e == 0 && strcmp(ret, again) != 0) {
		buf_add_str(reason, "these are two; nothing was changed");
		e = -EINVAL;
	}
	explicit_bzero(again, sizeof(again));
	return e;
}

static int password(
	const struct arguments *args, struct archive *a, struct buf *ret, struct buf *reason)
{
	char text[PASSWORD_BYTES] = "";
	bool gone = arguments_have(args, OPTION_remove);
	int e = gone ? 0 : read_password(text, reason);

	(void)ret;
	if (e == 0)
		e = enrol_set_password(a, person_of(args), gone ? NULL : text, reason);
	explicit_bzero(text, sizeof(text));
	return e;
}

enum exit_code run_user_password(const struct arguments *args)
{
	return run(args, password);
}
