/* request_convert_reasoning.c - how much a model may think, and how much it may say, in the words
 * of the upstream. See request_convert_private.h.
 *
 * OpenRouter and Vercel share `reasoning`; a generic upstream has `reasoning_effort` (chat) or the
 * `effort` and `summary` of `reasoning` (responses). A budget in tokens has no form there: the
 * upstream is asked for a medium effort, with a warning. */
#include "server/dialect/request_convert_private.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where several say it, the first does. */
static void gather(struct convert *convert, uint32_t *place, uint32_t value, const char *path)
{
    if (!convert_is_said(convert->doc, value))
        return;
    if (*place == JSON_NONE)
        *place = value;
    if (convert->reasoning.path == NULL)
        convert->reasoning.path = path;
}

static void gather_switch(struct convert *convert, int enabled, const char *path)
{
    if (convert->reasoning.enabled == -1)
        convert->reasoning.enabled = enabled;
    if (convert->reasoning.path == NULL)
        convert->reasoning.path = path;
}

/* --- `reasoning` for a generic upstream --- */

static int take_effort(struct convert *convert, uint32_t value)
{
    gather(convert, &convert->reasoning.effort, value, "reasoning");
    return CONVERT_GONE;
}

static int take_max_tokens(struct convert *convert, uint32_t value)
{
    gather(convert, &convert->reasoning.max_tokens, value, "reasoning");
    return CONVERT_GONE;
}

static int take_summary(struct convert *convert, uint32_t value)
{
    gather(convert, &convert->reasoning.summary, value, "reasoning");
    return CONVERT_GONE;
}

static int take_enabled(struct convert *convert, uint32_t value)
{
    if (convert_is(convert->doc, value, JSON_TRUE))
        gather_switch(convert, 1, "reasoning");
    else if (convert_is(convert->doc, value, JSON_FALSE))
        gather_switch(convert, 0, "reasoning");
    return CONVERT_GONE;
}

static const struct convert_rule reasoning_rules[] = {
    {"effort", CONVERT_ALL, CONVERT_TAKE, take_effort, NULL},
    {"max_tokens", CONVERT_ALL, CONVERT_TAKE, take_max_tokens, NULL},
    {"summary", CONVERT_ALL, CONVERT_TAKE, take_summary, NULL},
    {"enabled", CONVERT_ALL, CONVERT_TAKE, take_enabled, NULL},
};
static const struct convert_table reasoning_table = {"reasoning.", reasoning_rules,
                                                     COUNT(reasoning_rules), CONVERT_WARN, NULL};

int convert_take_reasoning(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;
    struct convert_members members;
    int error;

    if (!convert_is_said(doc, value))
        return CONVERT_GONE;
    if (!convert_is(doc, value, JSON_OBJECT))
        return convert_malformed(convert, "reasoning", "an object");
    if (convert->api == API_RESPONSES && json_get(doc, value, "max_tokens") == JSON_NONE &&
        json_get(doc, value, "enabled") == JSON_NONE &&
        json_get(doc, value, "exclude") == JSON_NONE)
        return CONVERT_KEPT; /* OpenAI's own words */
    error = convert_fold(convert, value, &members);
    if (error == 0)
        error = convert_apply(convert, &reasoning_table, &members);
    return error != 0 ? error : CONVERT_GONE;
}

/* OpenRouter's old switch: false means to think, and not to show it. */
int convert_take_include_reasoning(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;
    uint32_t reasoning = json_get(doc, 0, "reasoning");
    struct convert_members members = {.count = 0};
    struct out *out;
    int error = 0;

    if (!convert_is(doc, value, JSON_FALSE))
        return CONVERT_GONE;
    if (convert->to == DIALECT_OPENAI) {
        convert_warn(convert, "include_reasoning");
        return CONVERT_GONE;
    }
    if (convert_is_said(doc, json_get(doc, reasoning, "exclude")))
        return CONVERT_GONE;
    if (convert_is_said(doc, reasoning) && !convert_is(doc, reasoning, JSON_OBJECT))
        return convert_malformed(convert, "reasoning", "an object");
    if (convert_is_said(doc, reasoning))
        error = convert_fold(convert, reasoning, &members);
    out = convert_say(convert, "reasoning");
    out_char(out, '{');
    for (size_t i = 0; i < members.count; i++) {
        if (!json_string_is(doc, members.at[i].key, "exclude"))
            convert_splice(convert, &members.at[i], out);
    }
    out_name(out, "exclude");
    out_text(out, "true}");
    convert_said(convert);
    return error != 0 ? error : CONVERT_GONE;
}

/* --- Vercel's other words --- */

static bool gather_thinking(struct convert *convert, uint32_t value, const char *budget,
                            const char *path)
{
    const struct json_doc *doc = convert->doc;
    uint32_t type = json_get(doc, value, "type");

    if (json_string_is(doc, type, "disabled"))
        gather_switch(convert, 0, path);
    else if (convert_is_said(doc, json_get(doc, value, budget)))
        gather(convert, &convert->reasoning.max_tokens, json_get(doc, value, budget), path);
    else if (json_string_is(doc, type, "enabled") || json_string_is(doc, type, "adaptive"))
        gather_switch(convert, 1, path);
    else
        return false;
    return true;
}

int convert_take_thinking(struct convert *convert, uint32_t value)
{
    if (!convert_is_nothing(convert->doc, value) &&
        !gather_thinking(convert, value, "budget_tokens", "thinking"))
        convert_warn(convert, "thinking");
    return CONVERT_GONE;
}

static int take_option_thinking(struct convert *convert, uint32_t value)
{
    static const char path[] = "providerOptions.anthropic.thinking";

    if (!convert_is_nothing(convert->doc, value) &&
        !gather_thinking(convert, value, "budgetTokens", path))
        convert_warn(convert, path);
    return CONVERT_GONE;
}

/* What Claude's vendor calls effort both OpenRouter and OpenAI call verbosity. */
static int take_option_effort(struct convert *convert, uint32_t value)
{
    if (convert_is_nothing(convert->doc, value))
        return CONVERT_GONE;
    if (convert->api != API_CHAT || convert_has(convert, "verbosity"))
        convert_warn(convert, "providerOptions.anthropic.effort");
    else
        convert_say_value(convert, "verbosity", value);
    return CONVERT_GONE;
}

static int take_option_reasoning_effort(struct convert *convert, uint32_t value)
{
    gather(convert, &convert->reasoning.effort, value, "providerOptions.openai.reasoningEffort");
    return CONVERT_GONE;
}

static int take_option_summary(struct convert *convert, uint32_t value)
{
    gather(convert, &convert->reasoning.summary, value, "providerOptions.openai.reasoningSummary");
    return CONVERT_GONE;
}

static const struct convert_rule anthropic_rules[] = {
    {"thinking", CONVERT_ALL, CONVERT_TAKE, take_option_thinking, NULL},
    {"effort", CONVERT_ALL, CONVERT_TAKE, take_option_effort, NULL},
};
static const struct convert_rule openai_rules[] = {
    {"reasoningEffort", CONVERT_ALL, CONVERT_TAKE, take_option_reasoning_effort, NULL},
    {"reasoningSummary", CONVERT_ALL, CONVERT_TAKE, take_option_summary, NULL},
};
static const struct convert_table anthropic_table = {"providerOptions.anthropic.", anthropic_rules,
                                                     COUNT(anthropic_rules), CONVERT_WARN, NULL};
static const struct convert_table openai_table = {"providerOptions.openai.", openai_rules,
                                                  COUNT(openai_rules), CONVERT_WARN, NULL};

static int take_vendor(struct convert *convert, uint32_t value, const struct convert_table *table,
                       const char *path)
{
    struct convert_members members;
    int error;

    if (convert_is_nothing(convert->doc, value))
        return CONVERT_GONE;
    if (!convert_is(convert->doc, value, JSON_OBJECT))
        return convert_malformed(convert, path, "an object");
    error = convert_fold(convert, value, &members);
    if (error == 0)
        error = convert_apply(convert, table, &members);
    return error != 0 ? error : CONVERT_GONE;
}

int convert_take_anthropic(struct convert *convert, uint32_t value)
{
    return take_vendor(convert, value, &anthropic_table, "providerOptions.anthropic");
}

int convert_take_openai(struct convert *convert, uint32_t value)
{
    return take_vendor(convert, value, &openai_table, "providerOptions.openai");
}

/* --- verbosity for Vercel --- */

int convert_take_verbosity(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;
    uint32_t options = json_get(doc, 0, "providerOptions");

    if (!convert_is_claude(convert) || !convert_is_said(doc, value))
        return CONVERT_KEPT;
    if (convert_is_said(doc, json_get(doc, json_get(doc, options, "anthropic"), "effort")))
        convert_warn(convert, "verbosity");
    else
        convert->effort = value;
    return CONVERT_GONE;
}

/* --- what was gathered --- */

static void say_for_openrouter(struct convert *convert)
{
    struct out *out = convert_say(convert, "reasoning");

    out_char(out, '{');
    if (convert->reasoning.effort != JSON_NONE) {
        out_name(out, "effort");
        out_value(out, convert->doc, convert->reasoning.effort);
    } else if (convert->reasoning.max_tokens != JSON_NONE) {
        out_name(out, "max_tokens");
        out_value(out, convert->doc, convert->reasoning.max_tokens);
    } else if (convert->reasoning.enabled != -1) {
        out_name(out, "enabled");
        out_text(out, convert->reasoning.enabled == 1 ? "true" : "false");
    }
    if (convert->reasoning.summary != JSON_NONE) {
        out_name(out, "summary");
        out_value(out, convert->doc, convert->reasoning.summary);
    }
    out_char(out, '}');
    convert_said(convert);
}

static bool says_effort(const struct convert *convert)
{
    return convert->reasoning.effort != JSON_NONE || convert->reasoning.max_tokens != JSON_NONE ||
           convert->reasoning.enabled != -1;
}

/* Off beats how much. Medium is what OpenRouter takes when nothing more is said. */
static void write_effort(const struct convert *convert, struct out *out)
{
    if (convert->reasoning.enabled == 0)
        out_text(out, "\"none\"");
    else if (convert->reasoning.effort != JSON_NONE)
        out_value(out, convert->doc, convert->reasoning.effort);
    else
        out_text(out, "\"medium\"");
}

static void say_for_chat(struct convert *convert)
{
    if (convert->reasoning.summary != JSON_NONE)
        convert_warn(convert, "reasoning.summary");
    if (!says_effort(convert))
        return;
    write_effort(convert, convert_say(convert, "reasoning_effort"));
    convert_said(convert);
}

static void say_for_responses(struct convert *convert)
{
    struct out *out = convert_say(convert, "reasoning");

    out_char(out, '{');
    if (says_effort(convert)) {
        out_name(out, "effort");
        write_effort(convert, out);
    }
    if (convert->reasoning.summary != JSON_NONE) {
        out_name(out, "summary");
        out_value(out, convert->doc, convert->reasoning.summary);
    }
    out_char(out, '}');
    convert_said(convert);
}

static void say_for_generic(struct convert *convert)
{
    if (convert->reasoning.max_tokens != JSON_NONE && convert->reasoning.enabled != 0 &&
        convert->reasoning.effort == JSON_NONE)
        convert_warn(convert, "reasoning.max_tokens");
    if (convert->api == API_RESPONSES)
        say_for_responses(convert);
    else
        say_for_chat(convert);
}

/* --- a model that does not reason --- */

/* What the client itself says. */
enum stance { SAYS_NOTHING, SAYS_OFF, SAYS_ON };

static enum stance stance_of_effort(const struct json_doc *doc, uint32_t effort)
{
    if (!convert_is_said(doc, effort))
        return SAYS_NOTHING;
    return json_string_is(doc, effort, "none") ? SAYS_OFF : SAYS_ON;
}

/* Anything that cannot be read counts as said: the upstream will judge it. */
static enum stance stance_of_reasoning(const struct json_doc *doc, uint32_t reasoning)
{
    uint32_t enabled = json_get(doc, reasoning, "enabled");
    uint32_t effort = json_get(doc, reasoning, "effort");

    if (!convert_is_said(doc, reasoning))
        return SAYS_NOTHING;
    if (!convert_is(doc, reasoning, JSON_OBJECT))
        return SAYS_ON;
    if (convert_is(doc, enabled, JSON_FALSE) || json_string_is(doc, effort, "none"))
        return SAYS_OFF;
    return convert_is_said(doc, enabled) || convert_is_said(doc, effort) ||
                   convert_is_said(doc, json_get(doc, reasoning, "max_tokens"))
               ? SAYS_ON
               : SAYS_NOTHING;
}

static enum stance stance_of_thinking(const struct json_doc *doc)
{
    uint32_t thinking = json_get(doc, 0, "thinking");

    if (convert_is_nothing(doc, thinking))
        return SAYS_NOTHING;
    return json_string_is(doc, json_get(doc, thinking, "type"), "disabled") ? SAYS_OFF : SAYS_ON;
}

/* Of what say_for_openrouter() will say. */
static enum stance stance_of_gathered(const struct convert *convert)
{
    if (convert->reasoning.effort != JSON_NONE)
        return stance_of_effort(convert->doc, convert->reasoning.effort);
    if (convert->reasoning.max_tokens != JSON_NONE || convert->reasoning.enabled == 1)
        return SAYS_ON;
    return convert->reasoning.enabled == 0 ? SAYS_OFF : SAYS_NOTHING;
}

/* own: the body has OpenRouter's own words, which stay. */
static enum stance stance(const struct convert *convert, bool own)
{
    const struct json_doc *doc = convert->doc;
    enum stance reasoning, effort;

    if (convert->api == API_MESSAGES)
        return stance_of_thinking(doc);
    if (!own)
        return stance_of_gathered(convert);
    reasoning = stance_of_reasoning(doc, json_get(doc, 0, "reasoning"));
    effort = stance_of_effort(doc, json_get(doc, 0, "reasoning_effort"));
    return reasoning > effort ? reasoning : effort;
}

/* xai/grok-4-fast-non-reasoning is x-ai/grok-4-fast that does not reason. */
static bool is_off(const struct convert *convert, uint32_t model)
{
    char scratch[ROW_NAME_MAX + 1];
    struct text id;

    return model != JSON_NONE &&
           json_string(convert->doc, model, scratch, sizeof(scratch), &id.bytes, &id.len) == 0 &&
           model_map_means_reasoning_off(convert->order->map, id);
}

static bool has_off(const struct convert *convert, uint32_t list)
{
    const struct json_doc *doc = convert->doc;

    if (!convert_is(doc, list, JSON_ARRAY))
        return false;
    for (uint32_t at = json_first(doc, list); at != JSON_NONE; at = json_next(doc, list, at)) {
        if (is_off(convert, convert_is(doc, at, JSON_OBJECT) ? json_get(doc, at, "model") : at))
            return true;
    }
    return false;
}

/* A switch is for all models of a request: a fallback's cannot be said. */
static void warn_of_fallbacks(struct convert *convert)
{
    const struct json_doc *doc = convert->doc;

    if (convert->order->model_count > 0 &&
        (has_off(convert, json_get(doc, 0, "models")) ||
         has_off(convert, json_get(doc, convert_own_gateway(convert), "models"))))
        convert_warn(convert, "models");
}

/* The client's own object, which says nothing of it, with the switch. */
static int merge_switch(struct convert *convert)
{
    const struct json_doc *doc = convert->doc;
    struct convert_members members;
    int error = convert_fold(convert, json_get(doc, 0, "reasoning"), &members);
    struct out *out;

    if (error != 0)
        return error;
    out = convert_say(convert, "reasoning");
    out_char(out, '{');
    for (size_t i = 0; i < members.count; i++) {
        if (!json_string_is(doc, members.at[i].key, "enabled"))
            convert_splice(convert, &members.at[i], out);
    }
    out_name(out, "enabled");
    out_text(out, "false}");
    convert_said(convert);
    return 0;
}

static int heed_model(struct convert *convert, bool own)
{
    enum stance said = stance(convert, own);
    bool hears =
        convert->api == API_CHAT || convert->api == API_RESPONSES || convert->api == API_MESSAGES;

    if (convert->to != DIALECT_OPENROUTER || convert->from != DIALECT_VERCEL || !hears ||
        said == SAYS_OFF || convert->order->model.len == 0)
        return 0;
    if (!is_off(convert, json_get(convert->doc, 0, "model"))) {
        warn_of_fallbacks(convert);
    } else if (said == SAYS_ON) {
        convert_warn(convert, "model");
    } else if (convert->api == API_MESSAGES) {
        out_text(convert_say(convert, "thinking"), "{\"type\":\"disabled\"}");
        convert_said(convert);
    } else if (own) {
        return merge_switch(convert);
    } else {
        gather_switch(convert, 0, "model");
    }
    return 0;
}

int convert_reasoning(struct convert *convert)
{
    bool own = convert_has(convert, "reasoning_effort") || convert_has(convert, "reasoning");
    int error;

    if (own && convert->reasoning.path != NULL)
        convert_warn(convert, convert->reasoning.path);
    error = heed_model(convert, own);
    if (error != 0 || own || convert->reasoning.path == NULL)
        return error;
    if (convert->to == DIALECT_OPENROUTER)
        say_for_openrouter(convert);
    else
        say_for_generic(convert);
    return 0;
}

bool request_reasoning_is_off(const struct json_doc *doc)
{
    uint32_t reasoning = json_get(doc, 0, "reasoning");

    return convert_is(doc, json_get(doc, reasoning, "enabled"), JSON_FALSE) ||
           json_string_is(doc, json_get(doc, reasoning, "effort"), "none") ||
           json_string_is(doc, json_get(doc, 0, "reasoning_effort"), "none") ||
           json_string_is(doc, json_get(doc, json_get(doc, 0, "thinking"), "type"), "disabled");
}
