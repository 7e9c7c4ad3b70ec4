/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why something was refused, as `.error` has it: field, what was written, rule, accepted values,
 * whether it was sent, next move. */
#include <string.h>

#include "shown.h"
#include "storyfs/clock.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 400 };

/* How much of a text is shown: cut between characters, where it has some. */
static size_t shown_length(const char *data, size_t len)
{
	if (len <= SHOWN_BYTES)
		return len;
	for (size_t n = SHOWN_BYTES; n > SHOWN_BYTES - 4; n--) {
		if (text_is_valid(data, n))
			return n;
	}
	return SHOWN_BYTES;
}

/* What was written, in one line of valid UTF-8. */
static void add_shown(struct buf *b, const char *data, size_t len)
{
	size_t shown = shown_length(data, len);
	bool is_text = text_is_valid(data, shown);

	if (!len)
		buf_add_str(b, "(nothing)");
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)data[i];

		/* What a terminal takes for control in UTF-8, U+0080 to U+009F. */
		if (is_text && c == 0xc2 && (unsigned char)data[i + 1] < 0xa0) {
			buf_add_fmt(b, "\\x%02x", (unsigned char)data[++i]);
			continue;
		}
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_text))
			buf_add_fmt(b, c == '\n' ? "\\n" : "\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
	if (shown < len)
		buf_add_fmt(b, "... (%zu bytes in all)", len);
}

/* What V5 gives a value by itself always has one. */
static bool can_be_none(const struct field *field)
{
	return !(field->flags & FIELD_REQ) && !field->initial;
}

static void add_accepted(struct buf *b, const struct field *field)
{
	buf_add_str(b, "accepted: ");
	plain_describe(field, b);
	if (field->max)
		buf_add_fmt(b, ", at most %zu characters", field->max);
	buf_add_str(b, can_be_none(field) ? "; empty for none\n" : ", never empty\n");
}

/* A status is an answer. */
static const char *sent_words(const struct refused_save *r)
{
	if (r->sent == SENT_REQUEST && api_is_outcome_unknown(r->error))
		return "once; what became of it is unknown";
	return r->sent == SENT_REQUEST && r->v5->status ? "once; the server refused it" : "nothing";
}

char *explain_refusal(const struct refused_save *r)
{
	struct buf b = BUF_INIT;
	char now[CLOCK_ISO_SIZE];
	bool unknown = api_is_outcome_unknown(r->error);

	clock_format_iso(clock_now_ms(), now);
	buf_add_fmt(&b, "%s: not %s (%s), %s\n", r->name, r->what, strerrordesc_np(-r->error), now);
	if (r->data) {
		buf_add_str(&b, "wrote: ");
		add_shown(&b, r->data, r->len);
		buf_add_char(&b, '\n');
	}
	buf_add_str(&b, buf_str(r->reason));
	if (r->v5->code != V5_OK)
		v5_error_add_text(r->v5, &b);
	if (r->accepted)
		buf_add_fmt(&b, "accepted: %s\n", r->accepted);
	else if (r->field)
		add_accepted(&b, r->field);
	if (r->sent != SENT_UNTOLD)
		buf_add_fmt(&b, "sent: %s\n", sent_words(r));
	buf_add_fmt(&b, "next: %s\n", unknown ? r->next_unknown : r->next);
	return buf_take(&b);
}
