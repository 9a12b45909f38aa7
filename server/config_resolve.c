/* config_resolve.c - what routes and presets mean: names of upstreams into indices, parameters that
 * a body can take, and each preset's version. */
#include "server/config_draft.h"
#include "server/dialect/out.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { TOOLS_MAX = 128, NAMES_SIZE = CONFIG_UPSTREAMS_MAX * (32 + 2) };

/* --- routes --- */

void config_complain_upstream(struct config_draft *draft, enum config_group group, const char *name,
                              unsigned index, unsigned item, const char *text)
{
    const struct config *config = draft->config;
    const char *near = NULL;
    unsigned line = config_draft_line(draft, group, name, index), best = 99;
    char names[NAMES_SIZE] = "", shown[CONFIG_SHOWN_SIZE];
    size_t len = 0;
    config_key_show(&config_keys[config_key_find(group, name)], (int)index, shown);
    for (unsigned i = 0; i < config->upstream_count; i++) {
        const char *known = config->upstream[i].name;
        if (known == NULL)
            continue;
        if (config_is_near(text, known, &best))
            near = known;
        len +=
            (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len > 0 ? ", " : "", known);
        assert(len < sizeof(names));
    }
    if (near != NULL)
        config_complain(draft, line, "%s[%u] names no upstream; did you mean %s?", shown, item,
                        near);
    else
        config_complain(draft, line, "%s[%u] names no upstream; there are %s", shown, item, names);
}

unsigned config_upstream_find(const struct config *config, const char *name)
{
    unsigned i = 0;
    while (i < config->upstream_count &&
           (config->upstream[i].name == NULL || strcmp(config->upstream[i].name, name) != 0))
        i++;
    return i;
}

static bool is_in(const struct config_route *route, unsigned upstream)
{
    for (unsigned i = 0; i < route->upstream_count; i++) {
        if (route->upstream[i] == upstream)
            return true;
    }
    return false;
}

static void resolve_upstreams(struct config_draft *draft, unsigned n)
{
    struct config_route *route = &draft->config->route[n];
    for (unsigned item = 0; item < route->upstreams.count; item++) {
        const char *name = route->upstreams.item[item];
        unsigned upstream = config_upstream_find(draft->config, name);
        if (upstream == draft->config->upstream_count)
            config_complain_upstream(draft, CONFIG_ROUTES, "upstreams", n, item, name);
        else if (is_in(route, upstream))
            config_complain(draft, config_draft_line(draft, CONFIG_ROUTES, "upstreams", n),
                            "routes[%u].upstreams[%u] was named before; remove one", n, item);
        else
            route->upstream[route->upstream_count++] = upstream;
    }
    /* Not when it was stated badly: then nothing is known about it. */
    if (config_draft_states(draft, CONFIG_ROUTES, "upstreams", n))
        return;
    for (unsigned i = 0; i < draft->config->upstream_count; i++)
        route->upstream[route->upstream_count++] = i;
}

static void check_route(struct config_draft *draft, unsigned n)
{
    struct config_route *route = &draft->config->route[n];
    resolve_upstreams(draft, n);
    if (route->split_ppm > 0 && route->upstream_count == 1 && route->upstreams.count <= 1)
        config_complain(draft, config_draft_line(draft, CONFIG_ROUTES, "split", n),
                        "routes[%u].split needs at least two upstreams; name a second one under "
                        "upstreams or remove split",
                        n);
}

/* --- presets --- */

/* Members of a body that parameters may not state, and what to do instead. */
static const char *const refused[][2] = {
    {"model", "state model beside parameters"},
    {"preset", "one preset cannot name another"},
    {"messages", "state system_prompt beside parameters"},
    {"system", "state system_prompt beside parameters"},
    {"instructions", "state system_prompt beside parameters"},
    {"input", "it is the request itself"},
    {"prompt", "it is the request itself"},
    {"stream", "only the client knows what it can read"},
    {"cache_enabled", "state it beside parameters"},
    {"cache_ttl_seconds", "state it beside parameters"},
};

static void check_members(struct config_draft *draft, unsigned n, const struct json_doc *doc)
{
    unsigned line = config_draft_line(draft, CONFIG_PRESETS, "parameters", n);
    uint32_t tools = json_get(doc, 0, "tools");
    unsigned count = 0;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (json_get(doc, 0, refused[i][0]) != JSON_NONE)
            config_complain(draft, line, "presets[%u].parameters may not state %s: %s", n,
                            refused[i][0], refused[i][1]);
    }
    if (json_get(doc, 0, "models") != JSON_NONE &&
        draft->config->preset[n].fallback_models.count > 0)
        config_complain(draft, line,
                        "presets[%u] states models under parameters and fallback_models, which "
                        "mean the same; keep one",
                        n);
    if (tools == JSON_NONE)
        return;
    if (doc->tokens[tools].type != JSON_ARRAY)
        config_complain(draft, line, "presets[%u].parameters: tools must be a list of tools", n);
    for (uint32_t i = json_first(doc, tools); i != JSON_NONE; i = json_next(doc, tools, i))
        count++;
    if (doc->tokens[tools].type == JSON_ARRAY && count > TOOLS_MAX)
        config_complain(draft, line, "presets[%u].parameters: tools may have at most %d elements",
                        n, TOOLS_MAX);
}

struct name {
    const char *text; /* with its quotes; written by us, so equal names are equal bytes */
    size_t len;
};

static int compare_names(const void *a, const void *b)
{
    const struct name *one = a, *other = b;
    if (one->len != other->len)
        return one->len > other->len ? 1 : -1;
    return memcmp(one->text, other->text, one->len);
}

static void complain_twice(struct config_draft *draft, unsigned n, const struct name *name)
{
    bool visible = name->len <= 48;
    for (size_t i = 0; i < name->len; i++)
        visible = visible && name->text[i] >= ' ' && name->text[i] <= '~';
    config_complain(draft, config_draft_line(draft, CONFIG_PRESETS, "parameters", n),
                    "presets[%u].parameters states %.*s twice; keep one", n,
                    visible ? (int)name->len : 8, visible ? name->text : "a member");
}

/* names: room for as many as the document has tokens. */
static void check_twice(struct config_draft *draft, unsigned n, const struct json_doc *doc,
                        uint32_t object, struct name *names)
{
    size_t count = 0;
    for (uint32_t key = json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1)) {
        const struct json_token *token = &doc->tokens[key];
        names[count++] = (struct name){doc->text + token->start, token->end - token->start};
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (compare_names(&names[i - 1], &names[i]) == 0)
            complain_twice(draft, n, &names[i]);
    }
}

static void check_parameters(struct config_draft *draft, unsigned n)
{
    const char *json = draft->config->preset[n].parameters;
    struct name *names = NULL;
    struct json_doc doc;
    int error;
    if (json == NULL)
        return;
    json_doc_init(&doc);
    error = json_parse(&doc, json, strlen(json), NULL);
    assert(error == 0 || error == -ENOMEM); /* written by config_json.c */
    if (error == 0)
        names = malloc(doc.count * sizeof(names[0]));
    if (names == NULL) {
        draft->error = -ENOMEM;
        goto out;
    }
    assert(doc.tokens[0].type == JSON_OBJECT);
    check_members(draft, n, &doc);
    for (uint32_t i = 0; i < doc.count; i++) {
        if (doc.tokens[i].type == JSON_OBJECT)
            check_twice(draft, n, &doc, i, names);
    }
out:
    free(names);
    json_doc_release(&doc);
}

/* Length and bytes, so that no two presets write the same; "-": absent. */
static void add_part(struct out *out, const char *text)
{
    if (text == NULL) {
        out_char(out, '-');
        return;
    }
    out_number(out, (int64_t)strlen(text));
    out_char(out, ':');
    out_text(out, text);
}

static void set_version(struct config_draft *draft, unsigned n)
{
    struct config_preset *preset = &draft->config->preset[n];
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct out out = OUT_INIT;
    add_part(&out, preset->name);
    add_part(&out, preset->model);
    add_part(&out, preset->system_prompt);
    add_part(&out, preset->parameters);
    out_number(&out, preset->fallback_models.count);
    out_char(&out, ' ');
    for (unsigned i = 0; i < preset->fallback_models.count; i++)
        add_part(&out, preset->fallback_models.item[i]);
    out_number(&out, preset->cache_enabled);
    out_char(&out, ' ');
    out_number(&out, preset->cache_ttl_s);
    if (out.error < 0 || EVP_Digest(out.bytes, out.len, digest, NULL, EVP_sha256(), NULL) != 1)
        draft->error = -ENOMEM;
    for (size_t i = 0; draft->error == 0 && i < (sizeof(preset->version) - 1) / 2; i++)
        snprintf(preset->version + 2 * i, 3, "%02x", digest[i]);
    out_release(&out);
}

void config_resolve(struct config_draft *draft)
{
    for (unsigned n = 0; n < draft->config->route_count; n++)
        check_route(draft, n);
    for (unsigned n = 0; n < draft->config->preset_count; n++) {
        check_parameters(draft, n);
        set_version(draft, n);
    }
}
