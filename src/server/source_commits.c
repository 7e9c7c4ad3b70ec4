/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commits of a version control system, as post-receive hooks tell them: each story that the message
 * names in brackets, `[finishes #5 #6]`, gets a comment, and a new state if a verb says so. A hook
 * cannot be asked back: what a state's rules do not allow is left, and the comment comes anyway.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "comments.h"
#include "route.h"
#include "shape.h"
#include "story.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/parse.h"

enum { MAX_STORIES = 100, MAX_MESSAGE = 16000 };

static const struct {
	const char *word;
	enum story_state state;
} verbs[] = {
	{ "fix", STATE_FINISHED },
	{ "fixes", STATE_FINISHED },
	{ "fixed", STATE_FINISHED },
	{ "finish", STATE_FINISHED },
	{ "finishes", STATE_FINISHED },
	{ "finished", STATE_FINISHED },
	{ "complete", STATE_FINISHED },
	{ "completes", STATE_FINISHED },
	{ "completed", STATE_FINISHED },
	{ "deliver", STATE_DELIVERED },
	{ "delivers", STATE_DELIVERED },
	{ "delivered", STATE_DELIVERED },
};

/* Whose commits they are, by where the commit is to be seen. */
static const struct {
	const char *host, *type;
} commit_types[] = {
	{ "github", "github" },
	{ "gitlab", "gitlab" },
	{ "bitbucket", "bitbucket" },
};

/* ---- what the message names ---- */

/* A story and the state that it is to have; -1: its own. */
struct mention {
	int64_t story_id;
	int state;
};

struct mentions {
	struct mention items[MAX_STORIES];
	size_t n;
};

static int find_verb(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strlen(verbs[i].word) == len && strncasecmp(word, verbs[i].word, len) == 0)
			return (int)verbs[i].state;
	}
	return -1;
}

/* False when there are more than a commit may name. Of two verbs for a story the later counts. */
static bool add_mention(struct mentions *m, int64_t story_id, int state)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->items[i].story_id != story_id)
			continue;
		if (state >= 0)
			m->items[i].state = state;
		return true;
	}
	if (m->n == MAX_STORIES)
		return false;
	m->items[m->n++] = (struct mention){ story_id, state };
	return true;
}

static size_t word_length(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && isalnum((unsigned char)p[n]))
		n++;
	return n;
}

/* The verb that stands in the brackets, -1 for none. */
static int verb_within(const char *p, const char *end)
{
	int state = -1;

	while (p < end) {
		size_t n = word_length(p, end);
		int verb = find_verb(p, n);

		state = verb >= 0 ? verb : state;
		p += n ? n : 1;
	}
	return state;
}

/* What stands between two brackets. */
static bool read_brackets(const char *p, const char *end, struct mentions *ret)
{
	int state = verb_within(p, end);

	while (p < end) {
		size_t n = *p == '#' ? word_length(p + 1, end) : 0;
		scoped(free_ptr) char *number = xstrndup(p + 1, n);
		int64_t id;

		if (n && parse_int(number, 1, INT64_MAX, &id) && !add_mention(ret, id, state))
			return false;
		p += 1 + n;
	}
	return true;
}

static bool read_message(const char *message, struct mentions *ret)
{
	const char *open = message;

	while ((open = strchr(open, '['))) {
		size_t n = strcspn(open + 1, "[]");

		if (open[1 + n] == ']' && !read_brackets(open + 1, open + 1 + n, ret))
			return false;
		open += 1 + n;
	}
	return true;
}

/* ---- who and what ---- */

/* The member of the call's project with just this name; who asks when there is none. */
static int find_author(struct call *c, const char *name, int64_t *ret)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(records_fini) struct records members = { 0 };

	*ret = c->who.person_id;
	query_where(&q, F_project_membership_project_id, OP_EQ, call_project_id(c));
	int r = *name ? tx_list(c->tx, &q, &members) : 0;

	for (size_t i = 0; r >= 0 && i < members.n; i++) {
		scoped(record_unref) struct record *person = NULL;

		r = tx_get(c->tx, KIND_person,
			record_int(members.items[i], F_project_membership_person_id, 0), &person);
		if (r == 0 && strcmp(record_text(person, F_person_name), name) == 0) {
			*ret = record_id(person);
			return 0;
		}
	}
	return r < 0 ? r : 0;
}

/* Not in the middle of a character. */
static size_t shown_length(const char *message)
{
	size_t n = strlen(message);

	if (n <= MAX_MESSAGE)
		return n;
	for (n = MAX_MESSAGE; n && ((unsigned char)message[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

static void set_type(const struct record *commit, struct record *comment)
{
	const char *url = record_text(commit, F_source_commit_url);

	for (size_t i = 0; i < sizeof(commit_types) / sizeof(*commit_types); i++) {
		if (strcasestr(url, commit_types[i].host)) {
			record_set_text(comment, F_comment_commit_type, commit_types[i].type);
			return;
		}
	}
}

static struct record *make_comment(const struct record *commit)
{
	struct record *comment = record_new(KIND_comment);
	const char *message = record_text(commit, F_source_commit_message);
	const char *author = record_text(commit, F_source_commit_author);
	const char *url = record_text(commit, F_source_commit_url);
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_fmt(&text, "Commit by %s\n", *author ? author : "somebody");
	if (*url)
		buf_add_fmt(&text, "%s\n", url);
	buf_add_char(&text, '\n');
	buf_add(&text, message, shown_length(message));
	record_set_text(comment, F_comment_text, text.data);
	if (record_has(commit, F_source_commit_commit_id))
		record_set_text(comment, F_comment_commit_identifier,
			record_text(commit, F_source_commit_commit_id));
	set_type(commit, comment);
	return comment;
}

/* ---- one story ---- */

/* What is done in one step is accepted at once; a commit takes no story back. -1: stays. */
static int next_state(const struct record *story, int wanted)
{
	int64_t state = record_int(story, F_story_current_state, STATE_UNSCHEDULED);
	int64_t type = record_int(story, F_story_story_type, STORY_TYPE_FEATURE);

	if (wanted < 0 || state == STATE_ACCEPTED || state == STATE_DELIVERED || state == wanted)
		return -1;
	if (type == STORY_TYPE_CHORE || type == STORY_TYPE_RELEASE)
		return STATE_ACCEPTED;
	if (type == STORY_TYPE_FEATURE && !record_has(story, F_story_estimate))
		return -1;
	return wanted;
}

static int set_state(struct call *c, struct record **story, int wanted)
{
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	struct story_request req = { .patch = patch, .group = -1 };
	struct record *now = NULL;
	int state = next_state(*story, wanted);

	if (state < 0)
		return 0;
	record_set_int(patch, F_story_current_state, state);
	int r = story_update(c, &req, *story, &now);

	if (r < 0)
		return r;
	record_unref(*story);
	*story = now;
	return 0;
}

/* As the author, so that what happened is told of who did it. */
static int tell_story(struct call *c, const struct record *commit, int state, struct record **story)
{
	scoped(record_unref) struct record *comment = make_comment(commit);
	int64_t asking = c->who.person_id;
	int64_t author = 0;
	int r = find_author(c, record_text(commit, F_source_commit_author), &author);

	if (r < 0)
		return r;
	c->who.person_id = author;
	r = comments_write(c, *story, comment, NULL);
	if (r == 0)
		r = set_state(c, story, state);
	c->who.person_id = asking;
	return r;
}

/* The story, in its project, for whoever may write there. */
static int find_story(struct call *c, int64_t id, struct record **ret)
{
	scoped(record_unref) struct record *story = NULL;
	int r = tx_get(c->tx, KIND_story, id, &story);

	if (r > 0)
		return v5_error_set(&c->error, V5_unfound_resource);
	if (r == 0)
		r = auth_enter_project(c, record_int(story, F_story_project_id, 0));
	if (r == 0 && c->role == ROLE_VIEWER)
		return auth_refuse(c);
	if (r == 0)
		*ret = take_ptr(story);
	return r;
}

/* ---- the endpoint ---- */

/* One that is not there, or not the caller's to write, keeps the others from nothing. */
static int tell_stories(
	struct call *c, const struct record *commit, const struct mentions *m, struct records *ret)
{
	for (size_t i = 0; i < m->n; i++) {
		struct record *story = NULL;
		int r = find_story(c, m->items[i].story_id, &story);

		if (r < 0 && !c->error.code)
			return r;
		if (r < 0)
			continue;
		v5_error_fini(&c->error);
		c->error = (struct v5_error){ 0 };
		r = tell_story(c, commit, m->items[i].state, &story);
		records_add(ret, story);
		if (r < 0)
			return r;
	}
	return ret->n || !m->n ? 0 : v5_error_errno(&c->error);
}

/* The version in the headers is that of one project, if it is about one. */
static void forget_project(struct call *c, const struct records *stories)
{
	bool one = stories->n > 0;

	for (size_t i = 1; i < stories->n; i++)
		one &= record_int(stories->items[i], F_story_project_id, 0) ==
		       record_int(stories->items[0], F_story_project_id, 0);
	if (one && call_project_id(c) == record_int(stories->items[0], F_story_project_id, 0))
		return;
	record_unref(c->at[KIND_project]);
	c->at[KIND_project] = NULL;
}

int source_commits_create(struct call *c)
{
	const struct value *given = &c->given[P_source_commit_source_commit];
	scoped(records_fini) struct records stories = { 0 };
	struct mentions mentions = { .n = 0 };

	if (given->state != VALUE_SET)
		return v5_error_problem(
			&c->error, "this endpoint requires the parameter: source_commit");
	int r = check_patch(given->record, &c->error);

	if (r < 0)
		return r;
	if (!read_message(record_text(given->record, F_source_commit_message), &mentions))
		return v5_error_problem(
			&c->error, "a commit can name at most %d stories", MAX_STORIES);
	r = tell_stories(c, given->record, &mentions, &stories);
	if (r < 0)
		return r;
	v5_error_fini(&c->error);
	c->error = (struct v5_error){ 0 };
	forget_project(c, &stories);
	return answer_records(c, KIND_story, &stories);
}
