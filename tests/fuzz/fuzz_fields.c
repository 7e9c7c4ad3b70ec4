/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `fields` parameter: a refusal points into the text, and an answer holds what it says. */
#include <assert.h>
#include <jansson.h>

#include "storyfs/alloc.h"
#include "storyfs/json.h"

#include "fuzz.h"

static const char story[] =
	"{\"id\":1,\"name\":\"n\",\"estimate\":2,\"owner_ids\":[3],\"owned_by_id\":3,"
	"\"owners\":[{\"id\":3,\"name\":\"o\"}],\"owned_by\":{\"id\":3,\"name\":\"o\"},"
	"\"labels\":[{\"id\":5,\"name\":\"l\",\"counts\":{\"x\":1}}],\"label_ids\":[5],"
	"\"comments\":[{\"id\":6,\"text\":\"t\",\"file_attachments\":[{\"id\":7}]}],\"new\":8}";

static void project(const struct record *r, const struct fields *f)
{
	json_t *object = json_from_record(r, f, 0);
	const char *key;
	json_t *value;

	assert(json_object_get(object, "id"));
	json_object_foreach(object, key, value)
	{
		int i = schema_find_field(KIND_story, key);
		bool wanted = i >= 0 ? fields_wants(f, KIND_story, i)
				     : fields_has_default(f) || fields_has(f, key);

		assert(wanted);
		assert(!json_is_null(value));
	}
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(free_ptr) char *text = xstrndup((const char *)data, size);
	size_t at = SIZE_MAX;
	scoped(fields_free) struct fields *f = fields_parse(text, &at);
	scoped(record_unref) struct record *r = NULL;

	if (!f) {
		assert(at <= strlen(text));
		return 0;
	}
	for (enum kind k = KIND_none + 1; k < N_KINDS; k++) {
		each_field(i, k)
			assert(!(schema_field(k, i)->flags & FIELD_HIDDEN) ||
				!fields_wants(f, k, i));
	}
	assert(json_read_record(KIND_story, story, strlen(story), NULL, &r) == 0);
	project(r, f);
	return 0;
}
