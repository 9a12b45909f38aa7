/* request_spend.c - what a body may cost at most, and what must not be kept of it. */
#include "server/request.h"

#include <errno.h>
#include <string.h>

int64_t request_prompt_bound(struct text body)
{
    const char *at = body.bytes, *end = body.bytes + body.len;
    int64_t bound = (int64_t)body.len;

    while (at < end && (at = memmem(at, (size_t)(end - at), "\"http", 5)) != NULL) {
        bound += REQUEST_LINK_TOKENS;
        at += 5;
    }
    return bound;
}

/* --- zero data retention --- */

/* path[0] of object becomes an object in which path[1..] holds; the last one is true. */
static int write_with(struct out *out, const struct json_doc *doc, uint32_t object,
                      const char *const *path)
{
    uint32_t inner = object == JSON_NONE ? JSON_NONE : json_get(doc, object, path[0]);
    bool first = true;
    int result = 0;

    if (inner != JSON_NONE && doc->tokens[inner].type == JSON_NULL)
        inner = JSON_NONE;
    if (path[1] != NULL && inner != JSON_NONE && doc->tokens[inner].type != JSON_OBJECT)
        return -EINVAL;
    out_char(out, '{');
    for (uint32_t key = object == JSON_NONE ? JSON_NONE : json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1)) {
        if (json_string_is(doc, key, path[0]))
            continue;
        if (!first)
            out_char(out, ',');
        first = false;
        out_value(out, doc, key);
        out_char(out, ':');
        out_value(out, doc, key + 1);
    }
    out_name(out, path[0]);
    if (path[1] == NULL)
        out_text(out, "true");
    else
        result = write_with(out, doc, inner, path + 1); /* as deep as path is long */
    out_char(out, '}');
    return result;
}

int request_ask_zdr(const struct json_doc *doc, enum config_dialect dialect, struct out *out)
{
    static const char *const openrouter[] = {"provider", "zdr", NULL};
    static const char *const vercel[] = {"providerOptions", "gateway", "zeroDataRetention", NULL};
    int result = write_with(out, doc, 0, dialect == DIALECT_OPENROUTER ? openrouter : vercel);

    return result != 0 ? result : out->error;
}
