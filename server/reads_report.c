/* reads_report.c - GET report: the asking key's rows in Vercel's grouping (vercel section 10).
 *
 * A sum of which no row knows the value is left out where the schema allows it. `total_cost` must
 * be there: it is the sum of what is known, and `unbilled_count` says of how many requests it is
 * not. What this gateway does not record (zero data retention) is "unknown", never "false".
 */
#include "server/reads_private.h"

#include "accounting/export_tags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct report {
    struct reads_view view;
    struct report_query query;
    struct tally *tally;
    char tag[ROW_TAGS_BYTES_MAX];
};

struct report *report_new(const struct reads_view *view, const struct report_query *query)
{
    struct report *report = calloc(1, sizeof *report);

    if (report == NULL)
        return NULL;
    report->view = *view;
    report->query = *query;
    report->tally = tally_new(READS_GROUPS_MAX);
    if (report->tally == NULL) {
        free(report);
        return NULL;
    }
    return report;
}

void report_free(struct report *report)
{
    if (report == NULL)
        return;
    tally_free(report->tally);
    free(report);
}

/* --- filters --- */

static bool is(struct text text, const char *value)
{
    return text.len == strlen(value) && memcmp(text.bytes, value, text.len) == 0;
}

/* A filter may name a model as the row has it, or in the words of whoever asks. */
static bool passes(const char *filter, struct text stored, struct text shown)
{
    return filter[0] == '\0' || is(stored, filter) || is(shown, filter);
}

static bool has_tag(struct report *report, struct text tags, struct text wanted)
{
    struct export_tags_walk walk = export_tags_walk(tags);
    size_t len;

    while (export_tags_next(&walk, report->tag, &len) == 1)
        if (len == wanted.len && memcmp(report->tag, wanted.bytes, len) == 0)
            return true;
    return false;
}

static bool passes_tags(struct report *report, struct text tags)
{
    const char *at = report->query.tags;
    bool any = false;

    if (at[0] == '\0')
        return true;
    if (tags.len == 0 || !export_tags_valid(tags))
        return false;
    while (*at != '\0') {
        struct text wanted = {at, strcspn(at, ",")};
        bool has = wanted.len == 0 ? report->query.all_tags : has_tag(report, tags, wanted);
        if (has != report->query.all_tags)
            return has; /* any: one is enough; all: one that lacks is */
        any |= has;
        at += wanted.len;
        at += *at == ',';
    }
    return any;
}

/* --- groups --- */

static struct text credential_of(const struct ledger_row *row)
{
    return row->byok == 1 ? TEXT("byok") : row->byok == 0 ? TEXT("system") : TEXT("");
}

static int add_tagged(struct report *report, const struct ledger_row *row)
{
    struct export_tags_walk walk;
    struct text tag = TEXT("");
    size_t len;
    int result = 0;

    if (row->tags.len == 0 || !export_tags_valid(row->tags))
        return tally_add(report->tally, &tag, 1, row);
    walk = export_tags_walk(row->tags);
    while (result == 0 && export_tags_next(&walk, report->tag, &len) == 1) {
        tag = (struct text){report->tag, len};
        result = tally_add(report->tally, &tag, 1, row);
    }
    return result;
}

int report_add(struct report *report, const struct ledger_row *row)
{
    char model_buffer[ROW_NAME_MAX + 1], provider_buffer[ROW_NAME_MAX + 1];
    const struct report_query *query = &report->query;
    struct ledger_row counted = *row;
    char day[READS_DAY_TEXT + 1];
    struct text values[REPORT_GROUPS] = {
        [REPORT_DAY] = {day, reads_print_day(row->created_at_ms, query->by_hour, day)},
        [REPORT_USER] = row->user,
        [REPORT_MODEL] = reads_model(&report->view, row, model_buffer),
        [REPORT_PROVIDER] = reads_provider(&report->view, row, provider_buffer),
        [REPORT_CREDENTIAL] = credential_of(row),
        [REPORT_ZDR] = TEXT("unknown"),
        [REPORT_KEY_NAME] = row->client.len > 0 ? row->client : row->key_id,
    };

    if (!passes(query->user, row->user, row->user) ||
        !passes(query->model, row->model, values[REPORT_MODEL]) ||
        !passes(query->provider, row->provider, values[REPORT_PROVIDER]) ||
        (query->byok >= 0 && row->byok != query->byok) || !passes_tags(report, row->tags))
        return 0;
    counted.usage.prompt_tokens = reads_prompt(&row->usage);
    tally_next_row(report->tally);
    if (query->group == REPORT_TAG)
        return add_tagged(report, &counted);
    return tally_add(report->tally, &values[query->group], 1, &counted);
}

/* --- the answer --- */

static const char *key_name(const struct report_query *query)
{
    static const char *const names[REPORT_GROUPS] = {
        [REPORT_DAY] = "day",
        [REPORT_USER] = "user",
        [REPORT_MODEL] = "model",
        [REPORT_TAG] = "tag",
        [REPORT_PROVIDER] = "provider",
        [REPORT_CREDENTIAL] = "credential_type",
        [REPORT_ZDR] = "zero_data_retention",
        [REPORT_KEY_NAME] = "api_key_name",
    };
    return query->by_hour ? "hour" : names[query->group];
}

static void print_known(struct out *out, const char *name, int64_t count)
{
    if (count >= 0)
        reads_count(out, name, count);
}

static void print_group(const struct report_query *query, const struct tally_group *group,
                        struct out *out)
{
    struct text key = tally_value(group, 0);
    struct maybe_money total = group->money[TALLY_BILLED];

    total.known = true;
    out_next(out);
    out_char(out, '{');
    /* Whose key paid is one of two words or not known; the schema has no third. */
    if (query->group != REPORT_CREDENTIAL || key.len > 0) {
        out_name(out, key_name(query));
        out_string(out, key);
    }
    reads_money(out, "total_cost", total);
    if (group->money[TALLY_MARKET].known)
        reads_money(out, "market_cost", group->money[TALLY_MARKET]);
    if (group->money[TALLY_BILLED].known)
        reads_money(out, "gateway_cost", group->money[TALLY_BILLED]);
    print_known(out, "input_tokens", group->tokens[TALLY_PROMPT]);
    print_known(out, "output_tokens", group->tokens[TALLY_COMPLETION]);
    print_known(out, "cached_input_tokens", group->tokens[TALLY_CACHED]);
    print_known(out, "cache_creation_input_tokens", group->tokens[TALLY_CACHE_WRITE]);
    print_known(out, "reasoning_tokens", group->tokens[TALLY_REASONING]);
    reads_count(out, "request_count", group->requests);
    reads_count(out, "cached_request_count", group->hits);
    reads_count(out, "unbilled_count", group->unbilled);
    out_char(out, '}');
}

void report_print(struct report *report, struct out *out)
{
    size_t count;
    struct tally_group *const *groups = tally_sort(report->tally, &count);

    out_text(out, "{\"results\":[");
    for (size_t i = 0; i < count; i++)
        print_group(&report->query, groups[i], out);
    out_text(out, "]}");
}

static int add(void *arg, const struct ledger_row *row)
{
    return report_add(arg, row);
}

void reads_ask_report(struct reads_job *job)
{
    struct report *report = report_new(&job->view, &job->query.report);
    struct ledger_range range = {
        .key_id = text_of(job->key_id),
        .from_ms = job->query.report.from_ms,
        .to_ms = job->query.report.to_ms,
        .wait_ms = READS_WAIT_MS,
        .stop = reads_stopping(job->reads),
    };
    int result = -ENOMEM;

    if (report != NULL)
        result = ledger_scan_range(reads_gateway(job->reads)->ledger, &range, add, report);
    if (result == 0)
        report_print(report, &job->reply.body);
    else
        reads_ledger_error(&job->reply, result);
    report_free(report);
}
