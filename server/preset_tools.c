#include "server/preset_tools.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_MAX = 64, IDENTITY_MAX = TYPE_MAX + 1 + ROW_NAME_MAX };

struct tool {
    uint32_t value;
    bool known; /* the request brings it */
    size_t len; /* 0: equal to none */
    char identity[IDENTITY_MAX];
};

/* "type\0name", or nothing when it has neither or they are too long. */
static size_t identify(enum row_api api, const struct json_doc *doc, uint32_t value,
                       char identity[IDENTITY_MAX])
{
    static const char *const names[] = {"name", "server_label"};
    char type_scratch[TYPE_MAX], name_scratch[ROW_NAME_MAX];
    struct text type = api == API_MESSAGES ? TEXT("custom") : TEXT("function"), name = {"", 0};
    uint32_t has_type = json_get(doc, value, "type");
    uint32_t has_name = json_get(doc, json_get(doc, value, "function"), "name");
    for (size_t i = 0; has_name == JSON_NONE && i < sizeof(names) / sizeof(names[0]); i++)
        has_name = json_get(doc, value, names[i]);
    if (has_type == JSON_NONE && has_name == JSON_NONE)
        return 0;
    if (has_type != JSON_NONE &&
        json_string(doc, has_type, type_scratch, TYPE_MAX, &type.bytes, &type.len) != 0)
        return 0;
    if (has_name != JSON_NONE &&
        json_string(doc, has_name, name_scratch, ROW_NAME_MAX, &name.bytes, &name.len) != 0)
        return 0;
    if (type.len > TYPE_MAX || name.len > ROW_NAME_MAX)
        return 0;
    memcpy(identity, type.bytes, type.len);
    identity[type.len] = '\0';
    memcpy(identity + type.len + 1, name.bytes, name.len);
    return type.len + 1 + name.len;
}

static int compare(const void *a, const void *b)
{
    const struct tool *one = *(struct tool *const *)a, *other = *(struct tool *const *)b;
    if (one->len != other->len)
        return one->len > other->len ? 1 : -1;
    return memcmp(one->identity, other->identity, one->len);
}

/* Marks every one of the sorted that is this tool. */
static void mark(struct tool *const *sorted, size_t count, struct tool *tool)
{
    size_t low = 0, high = count;
    while (low < high) { /* the first that is not below it */
        size_t middle = low + (high - low) / 2;
        if (compare(&sorted[middle], &tool) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && !sorted[low]->known && compare(&sorted[low], &tool) == 0; low++)
        sorted[low]->known = true;
}

static void mark_all(enum row_api api, const struct json_doc *doc, uint32_t own,
                     struct tool *const *sorted, size_t count)
{
    for (uint32_t i = json_first(doc, own); i != JSON_NONE; i = json_next(doc, own, i)) {
        struct tool tool = {.value = i};
        tool.len = identify(api, doc, i, tool.identity);
        if (tool.len > 0)
            mark(sorted, count, &tool);
    }
}

static void write_united(const struct json_doc *doc, uint32_t own, const struct json_doc *other,
                         const struct tool *tools, size_t count, struct out *out)
{
    bool first = json_first(doc, own) == JSON_NONE;
    out_span(out, doc, doc->tokens[own].start, doc->tokens[own].end - 1);
    for (size_t i = 0; i < count; i++) {
        if (tools[i].known)
            continue;
        if (!first)
            out_char(out, ',');
        out_value(out, other, tools[i].value);
        first = false;
    }
    out_char(out, ']');
}

int preset_tools_unite(enum row_api api, const struct json_doc *doc, uint32_t own,
                       const struct json_doc *preset_doc, uint32_t preset, struct out *out)
{
    struct tool *tools, **sorted;
    size_t count = 0, at = 0;
    assert(doc->tokens[own].type == JSON_ARRAY);
    assert(preset_doc->tokens[preset].type == JSON_ARRAY);
    for (uint32_t i = json_first(preset_doc, preset); i != JSON_NONE;
         i = json_next(preset_doc, preset, i))
        count++;
    tools = calloc(count + 1, sizeof(tools[0]));
    sorted = calloc(count + 1, sizeof(struct tool *));
    if (tools == NULL || sorted == NULL) {
        free(tools);
        free(sorted);
        return -ENOMEM;
    }
    for (uint32_t i = json_first(preset_doc, preset); i != JSON_NONE;
         i = json_next(preset_doc, preset, i), at++) {
        tools[at].value = i;
        tools[at].len = identify(api, preset_doc, i, tools[at].identity);
        sorted[at] = &tools[at];
    }
    qsort(sorted, count, sizeof(sorted[0]), compare);
    mark_all(api, doc, own, sorted, count);
    write_united(doc, own, preset_doc, tools, count, out);
    free(tools);
    free(sorted);
    return out->error;
}
