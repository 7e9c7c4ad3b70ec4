/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status, newline, body of an answer: an error has an errno and words, and is sent on as V5 would.
 */
#include <assert.h>
#include <jansson.h>

#include "storyfs/error.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(free_ptr) char *line = fuzz_take_line(&data, &size);
	scoped(v5_error_fini) struct v5_error e = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;
	int64_t status;

	if (!line || !parse_int(line, INT32_MIN, INT32_MAX, &status))
		return 0;
	int r = v5_error_decode((int)status, (const char *)data, size, &e);

	assert(r < 0 && r == v5_error_errno(&e));
	assert(e.error && text_is_valid(e.error, strlen(e.error)));
	v5_error_add_text(&e, &text);
	assert(text_is_valid(text.data, text.len));
	json_t *object = v5_error_encode(&e);

	assert(json_is_string(json_object_get(object, "code")));
	assert(json_is_string(json_object_get(object, "error")));
	assert(json_array_size(json_object_get(object, "validation_errors")) ==
		e.n_validation_errors);
	json_decref(object);
	return 0;
}
