/* focus_json.h - JSON as the validator reads it: strict, and without repeated keys. json-c does the
 * reading; what it lets pass is closed here. Threads: pure functions. */
#ifndef ACCOUNTING_FOCUS_JSON_H
#define ACCOUNTING_FOCUS_JSON_H

#include "accounting/text.h"

#include <stdbool.h>

struct json_object;

/* The text as one object. -EBADMSG: it is none, or one of its own keys stands twice; -ENOMEM.
 * give: *ret_object. */
int focus_json_object(struct text text, struct json_object **ret_object);

/* True when the text is a flat object on one line: values are strings, numbers, booleans or null;
 * keys are sorted and unique; there is no white space around them, and one spelling. */
bool focus_json_is_flat(struct text text);

#endif
