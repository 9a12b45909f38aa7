/* reads_words.c - a row's names in the words of whoever asks; members that may be unknown. */
#include "server/dialect/answer_convert_private.h"
#include "server/reads_private.h"

#include <errno.h>
#include <string.h>

/* What an upstream speaks. A hit's row has none, and one may have left the configuration: then what
 * all upstreams speak, when that is one dialect, else the asker's own words. */
static enum config_dialect dialect_of(const struct reads_view *view, struct text upstream)
{
    const struct config_upstream *upstreams = view->config->upstream;
    enum config_dialect dialect =
        view->config->upstream_count > 0 ? upstreams[0].dialect : view->to;

    for (unsigned i = 0; i < view->config->upstream_count; i++) {
        if (upstream.len > 0 && strlen(upstreams[i].name) == upstream.len &&
            memcmp(upstreams[i].name, upstream.bytes, upstream.len) == 0)
            return upstreams[i].dialect;
        if (upstreams[i].dialect != dialect)
            dialect = view->to;
    }
    return dialect;
}

struct text reads_model(const struct reads_view *view, const struct ledger_row *row,
                        char buffer[ROW_NAME_MAX + 1])
{
    enum config_dialect from = dialect_of(view, row->upstream);
    const char *sort;

    if (row->model.len == 0) /* the client's words already */
        return row->model_requested;
    if (from == view->to || view->models == NULL)
        return row->model;
    model_map_model(view->models, from, view->to, row->model, false, buffer, &sort);
    return text_of(buffer);
}

/* As the client's answer had it: a name for OpenRouter's clients, a slug for Vercel's. */
struct text reads_provider(const struct reads_view *view, const struct ledger_row *row,
                           char buffer[ROW_NAME_MAX + 1])
{
    struct answer_conversion conversion = {
        .from = dialect_of(view, row->upstream), .to = view->to, .map = view->models};
    char said[ROW_NAME_MAX + 1];

    if (row->provider.len == 0 || row->provider.len > ROW_NAME_MAX ||
        conversion.from == conversion.to)
        return row->provider;
    memcpy(said, row->provider.bytes, row->provider.len);
    said[row->provider.len] = '\0';
    provider_convert(&conversion, said, buffer);
    return text_of(buffer);
}

int64_t reads_prompt(const struct usage *usage)
{
    int64_t sum = usage->prompt_tokens;
    bool overflow = false;

    if (sum < 0 || !usage->exclusive)
        return sum;
    if (usage->cached_tokens > 0)
        overflow |= __builtin_add_overflow(sum, usage->cached_tokens, &sum);
    if (usage->cache_write_tokens > 0)
        overflow |= __builtin_add_overflow(sum, usage->cache_write_tokens, &sum);
    return overflow ? USAGE_ABSENT : sum;
}

void reads_null(struct out *out, const char *name)
{
    out_name(out, name);
    out_text(out, "null");
}

void reads_text(struct out *out, const char *name, struct text text)
{
    if (text.len == 0) {
        reads_null(out, name);
        return;
    }
    out_name(out, name);
    out_string(out, text);
}

void reads_count(struct out *out, const char *name, int64_t count)
{
    if (count < 0) {
        reads_null(out, name);
        return;
    }
    out_name(out, name);
    out_number(out, count);
}

void reads_money(struct out *out, const char *name, struct maybe_money money)
{
    if (!money.known) {
        reads_null(out, name);
        return;
    }
    out_name(out, name);
    out_money(out, money.money);
}

void reads_bool(struct out *out, const char *name, bool value)
{
    out_name(out, name);
    out_text(out, value ? "true" : "false");
}
