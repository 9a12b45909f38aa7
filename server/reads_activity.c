/* reads_activity.c - GET activity: the asking key's rows by day, model and provider (openrouter
 * section 5.4). Hits count as requests, and besides under `cached_requests`; what is not known to
 * be billed adds nothing, and how many requests that were says `unbilled_requests`. */
#include "server/reads_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct activity {
    struct reads_view view;
    struct tally *tally;
};

struct activity *activity_new(const struct reads_view *view)
{
    struct activity *activity = calloc(1, sizeof *activity);

    if (activity == NULL)
        return NULL;
    activity->view = *view;
    activity->tally = tally_new(READS_GROUPS_MAX);
    if (activity->tally == NULL) {
        free(activity);
        return NULL;
    }
    return activity;
}

void activity_free(struct activity *activity)
{
    if (activity == NULL)
        return;
    tally_free(activity->tally);
    free(activity);
}

int activity_add(struct activity *activity, const struct ledger_row *row)
{
    char model[ROW_NAME_MAX + 1], provider[ROW_NAME_MAX + 1], day[READS_DAY_TEXT + 1];
    struct ledger_row counted = *row;
    struct text values[3];

    counted.usage.prompt_tokens = reads_prompt(&row->usage);
    if (row->byok != 1) /* what a gateway's own key cost upstream is not the client's */
        counted.upstream_cost.known = false;
    values[0] = (struct text){day, reads_print_day(row->created_at_ms, false, day)};
    values[1] = reads_model(&activity->view, row, model);
    values[2] = reads_provider(&activity->view, row, provider);
    tally_next_row(activity->tally);
    return tally_add(activity->tally, values, 3, &counted);
}

static void print_text(struct out *out, const char *name, struct text text)
{
    out_name(out, name);
    out_string(out, text);
}

/* Sums that the schema wants as numbers: of nothing they are 0. */
static void print_sum(struct out *out, const char *name, struct maybe_money sum)
{
    sum.known = true;
    reads_money(out, name, sum);
}

static void print_count(struct out *out, const char *name, int64_t sum)
{
    reads_count(out, name, sum < 0 ? 0 : sum);
}

static void print_group(const struct tally_group *group, struct out *out)
{
    struct text model = tally_value(group, 1), provider = tally_value(group, 2);

    out_next(out);
    out_char(out, '{');
    print_text(out, "date", tally_value(group, 0));
    print_text(out, "model", model);
    print_text(out, "model_permaslug", model);
    print_text(out, "endpoint_id", provider);
    print_text(out, "provider_name", provider);
    print_sum(out, "usage", group->money[TALLY_BILLED]);
    print_sum(out, "byok_usage_inference", group->money[TALLY_UPSTREAM]);
    print_count(out, "requests", group->requests);
    print_count(out, "cached_requests", group->hits);
    print_count(out, "unbilled_requests", group->unbilled);
    print_count(out, "prompt_tokens", group->tokens[TALLY_PROMPT]);
    print_count(out, "completion_tokens", group->tokens[TALLY_COMPLETION]);
    print_count(out, "reasoning_tokens", group->tokens[TALLY_REASONING]);
    out_char(out, '}');
}

void activity_print(struct activity *activity, struct out *out)
{
    size_t count;
    struct tally_group *const *groups = tally_sort(activity->tally, &count);

    out_text(out, "{\"data\":[");
    for (size_t i = count; i > 0; i--) /* the latest day first */
        print_group(groups[i - 1], out);
    out_text(out, "]}");
}

static int add(void *arg, const struct ledger_row *row)
{
    return activity_add(arg, row);
}

void reads_ask_activity(struct reads_job *job)
{
    struct activity *activity = activity_new(&job->view);
    struct ledger_range range = {
        .key_id = text_of(job->key_id),
        .from_ms = job->query.activity.from_ms,
        .to_ms = job->query.activity.to_ms,
        .wait_ms = READS_WAIT_MS,
        .stop = reads_stopping(job->reads),
    };
    int result = -ENOMEM;

    if (activity != NULL)
        result = ledger_scan_range(reads_gateway(job->reads)->ledger, &range, add, activity);
    if (result == 0)
        activity_print(activity, &job->reply.body);
    else
        reads_ledger_error(&job->reply, result);
    activity_free(activity);
}
