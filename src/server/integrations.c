/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integrations are kept and given back; nothing is asked of the systems that they name. Passwords
 * and tokens are taken and never told. Members see, nested in stories, which integration it is;
 * how it is set up is for the project's owners.
 */
#include "integrations.h"

#include <jansson.h>

#include "change.h"
#include "initial.h"
#include "input.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"

/* In the order of schema.def's integration_type. */
static const struct {
	const char *kind;
	const char *story_name; /* what the other system calls its stories */
} types[] = {
	{ "bugzilla_integration", "bug" },
	{ "get_satisfaction_integration", "topic" },
	{ "jira_integration", "issue" },
	{ "lighthouse_integration", "ticket" },
	{ "other_integration", "story" },
	{ "zendesk_integration", "ticket" },
};

enum { TYPE_OF_OTHER = 4 };

/* What follows from the type and from what is set. */
static void set_derived(struct record *integration)
{
	int64_t type = record_int(integration, F_integration_type, TYPE_OF_OTHER);
	bool is_other = type == TYPE_OF_OTHER;

	record_set_text(integration, F_integration_kind, types[type].kind);
	record_set_text(integration, F_integration_story_name, types[type].story_name);
	record_set_int(integration, F_integration_is_other, is_other);
	record_set_int(integration, F_integration_can_import,
		!is_other || record_has(integration, F_integration_import_api_url));
}

/* ---- endpoints ---- */

int integrations_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *integration = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = initial_make(c, patch, &integration);
	if (r < 0)
		return r;
	record_set_int(integration, F_integration_project_id, call_project_id(c));
	set_derived(integration);
	r = tx_put(c->tx, integration);
	return r < 0 ? r : answer_record(c, integration);
}

int integrations_update(struct call *c)
{
	const struct record *old = c->at[KIND_integration];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	set_derived(now);
	if (change_differs(old, now, -1, -1)) {
		initial_touch(now, call_now_ms(c));
		r = tx_put(c->tx, now);
	}
	return r < 0 ? r : answer_record(c, now);
}

/* Stories keep the id of what they came from. */
int integrations_delete(struct call *c)
{
	int r = tx_delete(c->tx, KIND_integration, record_id(c->at[KIND_integration]));

	return r < 0 ? r : answer_nothing(c);
}

/* Nobody here can ask the other system. */
int integrations_list_stories(struct call *c)
{
	struct records none = { 0 };

	return answer_records(c, KIND_external_story, &none);
}

/* ---- who may see what ---- */

static bool is_setting(int f)
{
	switch (f) {
	case F_integration_id:
	case F_integration_kind:
	case F_integration_project_id:
	case F_integration_type:
	case F_integration_name:
	case F_integration_active:
	case F_integration_can_import:
	case F_integration_is_other:
	case F_integration_story_name:
	case F_integration_created_at:
	case F_integration_updated_at:
		return false;
	default:
		return true;
	}
}

static int is_owner(struct call *c, int64_t project_id)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	int64_t n = 0;

	if (c->who.trusted)
		return 1;
	query_where(&q, F_project_membership_project_id, OP_EQ, project_id);
	query_where(&q, F_project_membership_person_id, OP_EQ, c->who.person_id);
	query_where(&q, F_project_membership_role, OP_EQ, ROLE_OWNER);
	int r = tx_count(c->tx, &q, &n);

	return r < 0 ? r : n > 0;
}

int integrations_hide(struct call *c, struct records *list, int f)
{
	for (size_t i = 0; is_setting(f) && i < list->n; i++) {
		struct record *r = list->items[i];
		int owner = is_owner(c, record_int(r, F_integration_project_id, 0));

		if (owner < 0)
			return owner;
		if (owner)
			continue;
		record_clear(r, f);
		record_set_extra(r, NULL);
	}
	return 0;
}
