/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs user`: the people of an archive, and their tokens. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "storyfs/archive.h"
#include "storyfs/clock.h"
#include "storyfs/identity.h"
#include "storyfs/text.h"
#include "storyfs/token.h"

static enum exit_code fail(const struct arguments *args, int e, struct buf *reason)
{
	if (!reason->len)
		buf_add_fmt(reason, "%s: %s", args->operands[0], text_errno(e));
	fprintf(stderr, "storyfs: %s: %s%s", args->command->name, reason->data,
		reason->data[reason->len - 1] == '\n' ? "" : "\n");
	return EXIT_FAILED;
}

/* ---- user token ---- */

static int find_person(
	const struct arguments *args, struct tx *tx, int64_t *ret_id, struct buf *reason)
{
	if (args->n_operands > 1)
		return identity_find(tx, args->operands[1], ret_id, reason);
	int e = identity_get_owner(tx, ret_id);

	if (e <= 0)
		return e;
	buf_add_str(reason, "nobody is known to own this archive; say for whom: id, username, "
			    "e-mail or name (`storyfs user list`)");
	return -ENOENT;
}

static int give_token(const struct arguments *args, struct archive *archive,
	char ret_token[TOKEN_SIZE], struct buf *reason)
{
	scoped(tx_abort) struct tx *tx = NULL;
	char digest[TOKEN_DIGEST_SIZE];
	int64_t id = 0;
	int e = tx_begin(archive, TX_WRITE, &tx);

	if (e == 0)
		e = find_person(args, tx, &id, reason);
	if (e == 0)
		e = token_make(ret_token);
	if (e < 0)
		return e;
	token_digest(ret_token, digest);
	e = tx_put_token(tx,
		&(struct token){ .sha256 = digest, .person_id = id, .created_ms = clock_now_ms() });
	return e < 0 ? e : tx_commit(take_ptr(tx));
}

enum exit_code run_user_token(const struct arguments *args)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(archive_close) struct archive *archive = NULL;
	char token[TOKEN_SIZE];
	int e = archive_open(args->operands[0], ARCHIVE_EXISTING, &archive, &reason);

	if (e == 0)
		e = give_token(args, archive, token, &reason);
	if (e < 0)
		return fail(args, e, &reason);
	puts(token);
	return EXIT_DONE;
}

/* ---- user list ---- */

static int list_people(struct archive *archive, struct records *ret, int64_t *ret_owner)
{
	const struct query q = { .kind = KIND_person, .limit = -1 };
	scoped(tx_abort) struct tx *tx = NULL;
	int e = tx_begin(archive, TX_READ, &tx);

	if (e == 0)
		e = tx_list(tx, &q, ret);
	if (e == 0)
		e = identity_get_owner(tx, ret_owner);
	return e < 0 ? e : 0;
}

enum exit_code run_user_list(const struct arguments *args)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(archive_close) struct archive *archive = NULL;
	scoped(records_fini) struct records people = { 0 };
	int64_t owner = 0;
	int e = archive_open(args->operands[0], ARCHIVE_EXISTING, &archive, &reason);

	if (e == 0)
		e = list_people(archive, &people, &owner);
	if (e < 0)
		return fail(args, e, &reason);
	each_record(person, &people) {
		printf("%" PRId64 "\t%s\t%s\t%s%s\n", record_id(person),
			record_text(person, F_person_username), record_text(person, F_person_email),
			record_text(person, F_person_name),
			record_id(person) == owner ? "\towner" : "");
	}
	return EXIT_DONE;
}
