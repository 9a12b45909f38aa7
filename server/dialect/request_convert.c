#include "server/dialect/request_convert_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- model and fallbacks --- */

static void set_model(struct convert *convert)
{
    const struct request_conversion *order = convert->order;

    if (order->model.len > 0 &&
        !convert_is_text(convert->doc, json_get(convert->doc, 0, "model"), order->model))
        convert_say_text(convert, "model", order->model);
}

/* The places where a body may list other models. */
struct model_places {
    uint32_t models, fallbacks, gateway; /* JSON_NONE: nothing is said there */
    unsigned count;
};

static struct model_places find_models(const struct convert *convert)
{
    const struct json_doc *doc = convert->doc;
    bool vercel = convert->from == DIALECT_VERCEL || convert->to == DIALECT_VERCEL;
    struct model_places places = {
        .models = json_get(doc, 0, "models"),
        .fallbacks = convert->api == API_MESSAGES ? json_get(doc, 0, "fallbacks") : JSON_NONE,
        .gateway = vercel ? json_get(doc, convert_own_gateway(convert), "models") : JSON_NONE,
    };
    uint32_t *const each[] = {&places.models, &places.fallbacks, &places.gateway};

    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        if (convert_is_nothing(doc, *each[i]))
            *each[i] = JSON_NONE;
        else
            places.count++;
    }
    return places;
}

/* list: of texts, or of objects with a model. */
static bool is_list(const struct convert *convert, uint32_t list)
{
    const struct json_doc *doc = convert->doc;
    unsigned at = 0;

    if (!convert_is(doc, list, JSON_ARRAY))
        return false;
    for (uint32_t element = json_first(doc, list); element != JSON_NONE;
         element = json_next(doc, list, element), at++) {
        uint32_t model =
            convert_is(doc, element, JSON_OBJECT) ? json_get(doc, element, "model") : element;

        if (at == convert->order->model_count ||
            !convert_is_text(doc, model, convert->order->models[at]))
            return false;
    }
    return at == convert->order->model_count;
}

static bool models_are_in_place(const struct convert *convert, const struct model_places *places)
{
    if (convert->from != convert->to)
        return false;
    if (convert->order->model_count == 0)
        return places->count == 0;
    if (places->count != 1)
        return false;
    return is_list(convert, places->models != JSON_NONE      ? places->models
                            : places->fallbacks != JSON_NONE ? places->fallbacks
                                                             : places->gateway);
}

static void write_models(const struct convert *convert, struct out *out)
{
    out_char(out, '[');
    for (unsigned i = 0; i < convert->order->model_count; i++) {
        out_next(out);
        out_string(out, convert->order->models[i]);
    }
    out_char(out, ']');
}

/* One list, in one place: where a client of Vercel had it at the top it stays there. */
static void set_models(struct convert *convert)
{
    struct model_places places = find_models(convert);
    bool none = convert->order->model_count == 0, vercel = convert->to == DIALECT_VERCEL;
    bool at_top = convert->from == DIALECT_VERCEL && places.models != JSON_NONE &&
                  places.gateway == JSON_NONE;

    if (models_are_in_place(convert, &places))
        return;
    convert_drop(convert, "models");
    if (convert->api == API_MESSAGES)
        convert_drop(convert, "fallbacks");
    if (vercel && !none && !at_top)
        write_models(convert, convert_route(convert, "models"));
    else if (vercel && places.gateway != JSON_NONE)
        convert_unroute(convert, "models");
    if (none || (vercel && !at_top))
        return;
    if (convert->from != convert->to && !vercel &&
        (convert->to == DIALECT_OPENAI || convert->api == API_EMBEDDINGS)) {
        convert_warn(convert, "models"); /* neither tries more than one */
        return;
    }
    write_models(convert, convert_say(convert, "models"));
    convert_said(convert);
}

/* --- user --- */

/* To Vercel: wherever it is said, and where it is not, in the api's own member if it has one. */
static void set_user_for_vercel(struct convert *convert)
{
    const struct json_doc *doc = convert->doc;
    struct text user = convert->order->user;
    uint32_t top = json_get(doc, 0, "user");
    uint32_t gateway = json_get(doc, convert_own_gateway(convert), "user");
    bool has_member = convert->api != API_MESSAGES && convert->api != API_EMBEDDINGS;
    bool moves = !has_member && convert->from != DIALECT_VERCEL && convert_is_said(doc, top);

    if (user.len == 0) {
        if (moves && !convert_is_said(doc, gateway))
            out_value(convert_route(convert, "user"), doc, top);
        return;
    }
    if (convert_is_said(doc, top) && !moves && !convert_is_text(doc, top, user))
        convert_say_text(convert, "user", user);
    if (convert_is_said(doc, gateway) && !convert_is_text(doc, gateway, user))
        out_string(convert_route(convert, "user"), user);
    if ((convert_is_said(doc, top) && !moves) || convert_is_said(doc, gateway))
        return;
    if (has_member)
        convert_say_text(convert, "user", user);
    else
        out_string(convert_route(convert, "user"), user);
}

/* Anthropic's own member for it. */
static int set_user_id(struct convert *convert, struct text header, uint32_t body)
{
    const struct json_doc *doc = convert->doc;
    uint32_t metadata = json_get(doc, 0, "metadata"), id = json_get(doc, metadata, "user_id");
    struct convert_members members = {.count = 0};
    struct out *out;
    int error = 0;

    if (header.len == 0 && !convert_is_said(doc, body))
        return 0;
    if (header.len > 0 && convert_is_text(doc, id, header))
        return 0;
    if ((convert_is_said(doc, metadata) && !convert_is(doc, metadata, JSON_OBJECT)) ||
        (convert_is_said(doc, id) && header.len == 0)) {
        convert_warn(convert, "user");
        return 0;
    }
    if (convert_is_said(doc, metadata))
        error = convert_fold(convert, metadata, &members);
    out = convert_say(convert, "metadata");
    out_char(out, '{');
    for (size_t i = 0; i < members.count; i++) {
        if (!json_string_is(doc, members.at[i].key, "user_id"))
            convert_splice(convert, &members.at[i], out);
    }
    out_name(out, "user_id");
    if (header.len > 0)
        out_string(out, header);
    else
        out_value(out, doc, body);
    out_char(out, '}');
    convert_said(convert);
    return error;
}

static int set_user(struct convert *convert)
{
    const struct json_doc *doc = convert->doc;
    struct text user = convert->order->user;
    uint32_t top = json_get(doc, 0, "user");
    uint32_t gateway = convert->from != convert->to
                           ? json_get(doc, convert_own_gateway(convert), "user")
                           : JSON_NONE;

    if (convert->to == DIALECT_VERCEL) {
        set_user_for_vercel(convert);
        return 0;
    }
    if (convert->to == DIALECT_OPENAI && convert->api == API_MESSAGES) {
        bool moves = convert->from == DIALECT_OPENROUTER && convert_is_said(doc, top);

        return set_user_id(convert, user, moves ? top : gateway);
    }
    if (user.len > 0 && !convert_is_text(doc, top, user))
        convert_say_text(convert, "user", user);
    else if (user.len == 0 && !convert_is_said(doc, top) && convert_is_said(doc, gateway))
        convert_say_value(convert, "user", gateway);
    return 0;
}

/* --- rules of an upstream --- */

/* Beyond any number of tokens, and no sum of three of them overflows. */
enum { TOKENS_MANY = 1 << 30 };

static int64_t tokens_of(const struct json_doc *doc, uint32_t token)
{
    int64_t tokens = 0;
    int error = json_int64(doc, token, &tokens);

    if (error == -ERANGE || tokens > TOKENS_MANY)
        return TOKENS_MANY;
    return error != 0 || tokens < 0 ? 0 : tokens;
}

/* Anthropic's messages need it; OpenRouter's do not. A thinking budget is part of it. */
static void set_max_tokens(struct convert *convert)
{
    const struct json_doc *doc = convert->doc;
    char path[32];

    if (convert->api != API_MESSAGES || convert->from != DIALECT_OPENROUTER ||
        convert->to == DIALECT_OPENROUTER || convert_is_said(doc, json_get(doc, 0, "max_tokens")))
        return;
    convert->max_tokens =
        REQUEST_DEFAULT_MAX_TOKENS +
        tokens_of(doc, json_get(doc, json_get(doc, 0, "thinking"), "budget_tokens"));
    out_number(convert_say(convert, "max_tokens"), convert->max_tokens);
    convert_said(convert);
    snprintf(path, sizeof(path), "max_tokens=%lld", (long long)convert->max_tokens);
    convert_warn(convert, path);
}

/* All that the answer may hold; on chat and responses reasoning comes on top. */
static int64_t tokens_asked_for(const struct convert *convert)
{
    const struct json_doc *doc = convert->doc;
    int64_t reasoning = tokens_of(doc, json_get(doc, json_get(doc, 0, "reasoning"), "max_tokens"));
    int64_t thinking = tokens_of(doc, json_get(doc, json_get(doc, 0, "thinking"), "budget_tokens"));
    int64_t either = tokens_of(doc, json_get(doc, 0, "max_tokens"));
    int64_t other = tokens_of(doc, json_get(doc, 0, "max_completion_tokens"));

    switch (convert->api) {
    case API_CHAT:
        return (either > other ? either : other) + reasoning + thinking;
    case API_RESPONSES:
        return tokens_of(doc, json_get(doc, 0, "max_output_tokens")) + reasoning;
    case API_MESSAGES:
        return convert->max_tokens > 0 ? convert->max_tokens : either;
    default:
        return 0;
    }
}

static bool asks_for_claude(const struct convert *convert)
{
    static const char prefix[] = "anthropic/";
    bool claude = convert_is_claude(convert);

    for (unsigned i = 0; i < convert->order->model_count && !claude; i++) {
        struct text model = convert->order->models[i];

        claude =
            model.len >= sizeof(prefix) - 1 && memcmp(model.bytes, prefix, sizeof(prefix) - 1) == 0;
    }
    return claude;
}

/* vercel-ai-gateway-api.md section 2: such a request is refused unless it streams. */
static void set_assemble(struct convert *convert)
{
    if (convert->to != DIALECT_VERCEL ||
        convert_is(convert->doc, json_get(convert->doc, 0, "stream"), JSON_TRUE) ||
        tokens_asked_for(convert) <= REQUEST_PLAIN_MAX_TOKENS || !asks_for_claude(convert))
        return;
    convert->assemble = true;
    out_text(convert_say(convert, "stream"), "true");
    convert_said(convert);
}

/* Both gateways send usage with every stream; others only when asked, and we have to book it. */
static int set_include_usage(struct convert *convert)
{
    const struct json_doc *doc = convert->doc;
    uint32_t options = json_get(doc, 0, "stream_options");
    struct convert_members members = {.count = 0};
    struct out *out;
    int error = 0;

    if (convert->to != DIALECT_OPENAI ||
        (convert->api != API_CHAT && convert->api != API_COMPLETIONS) ||
        !convert_is(doc, json_get(doc, 0, "stream"), JSON_TRUE) ||
        convert_is(doc, json_get(doc, options, "include_usage"), JSON_TRUE))
        return 0;
    if (convert_is_said(doc, options) && !convert_is(doc, options, JSON_OBJECT))
        return convert_malformed(convert, "stream_options", "an object");
    if (convert_is_said(doc, options))
        error = convert_fold(convert, options, &members);
    out = convert_say(convert, "stream_options");
    out_char(out, '{');
    for (size_t i = 0; i < members.count; i++) {
        if (!json_string_is(doc, members.at[i].key, "include_usage"))
            convert_splice(convert, &members.at[i], out);
    }
    out_name(out, "include_usage");
    out_text(out, "true}");
    convert_said(convert);
    return error;
}

/* :nitro and :floor, unless the request itself says how to sort. */
static void set_sort(struct convert *convert)
{
    const char *sort = convert->order->sort;
    uint32_t own = json_get(convert->doc, convert_own_gateway(convert), "sort");

    if (sort == NULL || convert->to != DIALECT_VERCEL || convert_routes(convert, "sort") ||
        convert_is_said(convert->doc, own))
        return;
    out_string(convert_route(convert, "sort"), text_of(sort));
}

/* --- the passes --- */

static bool is_known_api(enum row_api api)
{
    return api == API_CHAT || api == API_RESPONSES || api == API_MESSAGES ||
           api == API_EMBEDDINGS || api == API_COMPLETIONS;
}

static void init(struct convert *convert, const struct request_conversion *order)
{
    memset(convert, 0, sizeof(*convert));
    convert->order = order;
    convert->doc = order->doc;
    convert->to = order->to;
    convert->from = order->from == DIALECT_OPENAI && order->to != DIALECT_OPENAI
                        ? DIALECT_OPENROUTER
                        : order->from;
    convert->api = order->api;
    convert->effort = convert->mark = JSON_NONE;
    convert->reasoning.effort = convert->reasoning.max_tokens = JSON_NONE;
    convert->reasoning.summary = JSON_NONE;
    convert->reasoning.enabled = -1;
}

static void release(struct convert *convert)
{
    out_release(&convert->words);
    out_release(&convert->routing);
}

static int translate(struct convert *convert)
{
    int error;

    assert(convert->order->map != NULL);
    error = convert_apply(convert, convert_table_of(convert->from, convert->to), &convert->members);
    if (error != 0)
        return error;
    error = convert_reasoning(convert);
    return error != 0 ? error : convert_messages(convert);
}

/* The first pass. */
static int prepare(struct convert *convert)
{
    int error = 0;

    if (!convert_is(convert->doc, convert->doc->count > 0 ? 0 : JSON_NONE, JSON_OBJECT))
        return convert_malformed(convert, "the body", "a JSON object");
    error = convert_fold(convert, 0, &convert->members);
    if (error != 0)
        return error;
    set_model(convert);
    if (!is_known_api(convert->api))
        return 0;
    if (convert->from != convert->to)
        error = translate(convert);
    if (error != 0)
        return error;
    set_models(convert);
    set_sort(convert);
    set_max_tokens(convert);
    set_assemble(convert);
    error = set_user(convert);
    if (error == 0)
        error = set_include_usage(convert);
    return error != 0 ? error : convert_routing(convert);
}

static bool is_changed(const struct convert *convert)
{
    if (convert->members.folded || convert->say_count > 0 || convert->rewrite)
        return true;
    for (size_t i = 0; i < convert->members.count; i++) {
        if (convert->members.at[i].gone)
            return true;
    }
    return false;
}

static struct convert_say *say_of(struct convert *convert, uint32_t key)
{
    for (size_t i = 0; i < convert->say_count; i++) {
        if (json_string_is(convert->doc, key, convert->say[i].name))
            return &convert->say[i];
    }
    return NULL;
}

static void write_say(const struct convert *convert, struct convert_say *say, struct out *out)
{
    assert(!say->written && say->from <= say->to && say->to <= convert->words.len);
    out_name(out, say->name);
    out_bytes(out, convert->words.bytes + say->from, say->to - say->from);
    say->written = true;
}

/* The second pass. */
static int write_body(struct convert *convert, struct out *out)
{
    int error = 0;

    out_char(out, '{');
    for (size_t i = 0; error == 0 && i < convert->members.count; i++) {
        const struct convert_member *member = &convert->members.at[i];
        struct convert_say *say = say_of(convert, member->key);

        if (say != NULL) {
            write_say(convert, say, out);
        } else if (member->gone) {
            continue;
        } else if (convert->rewrite && json_string_is(convert->doc, member->key, "messages")) {
            out_name(out, "messages");
            error = convert_write_messages(convert, member->value, out);
        } else {
            convert_splice(convert, member, out);
        }
    }
    for (size_t i = 0; error == 0 && i < convert->say_count; i++) {
        if (!convert->say[i].written)
            write_say(convert, &convert->say[i], out);
    }
    out_char(out, '}');
    return error;
}

int request_convert(struct request_conversion *conversion, struct out *out)
{
    struct convert convert;
    size_t before = out->len;
    int error;

    init(&convert, conversion);
    error = prepare(&convert);
    if (error == 0 && (convert.words.error != 0 || convert.routing.error != 0))
        error = -ENOMEM;
    if (error == 0 && is_changed(&convert))
        error = write_body(&convert, out);
    else if (error == 0)
        out_value(out, conversion->doc, 0);
    if (error == 0)
        error = out->error;
    if (error != 0)
        out->len = before;
    conversion->assemble = error == 0 && convert.assemble;
    memcpy(conversion->warning, convert.warning, sizeof(conversion->warning));
    memcpy(conversion->detail, convert.detail, sizeof(conversion->detail));
    release(&convert);
    return error;
}

bool request_needs_no_conversion(const struct request_conversion *conversion)
{
    struct convert convert;
    bool needless;

    if (conversion->from != conversion->to)
        return false;
    init(&convert, conversion);
    needless = prepare(&convert) == 0 && !is_changed(&convert);
    release(&convert);
    return needless;
}
