/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's place. */
#include "desk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/identity.h"
#include "storyfs/parse.h"
#include "upgrade.h"

int desk_open(struct desk *d, struct archive *a, enum tx_mode mode, struct buf *reason)
{
	int64_t now = clock_now_ms(), owner_id = 0;
	int r = upgrade_archive(a);

	*d = (struct desk){ .reason = reason };
	d->moment.ms = now - now % 1000;
	d->call.moment = &d->moment;
	if (r == 0)
		r = tx_begin(a, mode, &d->call.tx);
	if (r == 0)
		r = identity_get_owner(d->call.tx, &owner_id);
	d->call.who = (struct who){ .person_id = owner_id, .trusted = true };
	return r < 0 ? r : 0;
}

/* What is wrong, without V5's frame around it. */
static void add_words(const struct v5_error *error, struct buf *b)
{
	const char *words = error->requirement ? error->requirement : error->general_problem;

	buf_add_str(b, words ? words : error->error);
}

int desk_close(struct desk *d, int r)
{
	struct call *c = &d->call;

	if (c->error.code)
		add_words(&c->error, d->reason);
	if (c->tx && r == 0)
		r = tx_commit(c->tx);
	else if (c->tx)
		tx_abort(c->tx);
	record_unref(c->at[KIND_project]);
	ids_fini(&c->visible);
	v5_error_fini(&c->error);
	return r;
}

int desk_find(struct desk *d, const char *who, int64_t *ret_id)
{
	if (who)
		return identity_find(d->call.tx, who, ret_id, d->reason);
	*ret_id = d->call.who.person_id;
	return *ret_id ? 0
		       : desk_refuse(d, ENOENT,
				 "nobody is known to own this archive; say for whom: id, username, "
				 "e-mail or name (`storyfs user list`)");
}

static int refuse_project(struct desk *d, const char *word, const struct records *projects)
{
	scoped(buf_fini) struct buf all = BUF_INIT;

	each_record(project, projects) {
		buf_add_fmt(&all, "%s%s (%" PRId64 ")",
			all.len ? ", " : "; there are: ", record_text(project, F_project_name),
			record_id(project));
	}
	return desk_refuse(d, ENOENT, "the archive has no project '%s'%s", word, buf_str(&all));
}

int desk_find_project(struct desk *d, const char *word, struct record **ret)
{
	const struct query q = { .kind = KIND_project, .limit = -1 };
	scoped(records_fini) struct records projects = { 0 };
	const struct record *found = NULL;
	int64_t id = 0;
	bool is_id = parse_int(word, 1, INT64_MAX, &id);
	int r = tx_list(d->call.tx, &q, &projects);

	each_record(project, &projects) {
		if (is_id ? record_id(project) != id
			  : strcmp(record_text(project, F_project_name), word) != 0)
			continue;
		if (found)
			return desk_refuse(
				d, ENOTUNIQ, "there are several projects '%s'; use the id", word);
		found = project;
	}
	if (r == 0 && !found)
		return refuse_project(d, word, &projects);
	if (r == 0)
		*ret = record_ref(found);
	return r;
}

int desk_refuse(struct desk *d, int number, const char *fmt, ...)
{
	scoped(free_ptr) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	buf_add_str(d->reason, text ? text : "");
	return -number;
}
