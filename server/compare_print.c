/* compare_print.c - results as a table for people and as JSON lines for machines. */
#include "server/compare.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { SHOWN_MAX = 48, CELL_MAX = 64 };

/* --- the table --- */

static void print_ms(int64_t us, bool sign, char cell[CELL_MAX])
{
    int64_t tenths = us < 0 ? (50 - us) / 100 : (us + 50) / 100;

    snprintf(cell, CELL_MAX, "%s%" PRId64 ".%" PRId64,
             us < 0 ? "-"
             : sign ? "+"
                    : "",
             tenths / 10, tenths % 10);
}

static void print_time(int64_t us, char cell[CELL_MAX])
{
    if (us < 0)
        snprintf(cell, CELL_MAX, "-");
    else
        print_ms(us, false, cell);
}

static void print_money(const struct maybe_money *money, bool sign, char cell[CELL_MAX])
{
    char text[MONEY_TEXT_MAX];

    if (!money->known) {
        snprintf(cell, CELL_MAX, "-");
        return;
    }
    money_print(money->money, text);
    snprintf(cell, CELL_MAX, "%s%s", sign && money->money.femto >= 0 ? "+" : "", text);
}

/* Bytes of the UTF-8 character that begins here; it is valid, a JSON string was read. */
static size_t character(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The beginning, without anything that a terminal would obey. */
static void print_shown(const char *bytes, size_t len, FILE *out)
{
    size_t at = 0;

    for (unsigned i = 0; i < SHOWN_MAX && at < len; i++) {
        unsigned char first = (unsigned char)bytes[at];
        size_t size = character(first);
        bool control = first < ' ' || first == 0x7f ||
                       (first == 0xc2 && at + 1 < len && (unsigned char)bytes[at + 1] < 0xa0);

        if (size > len - at)
            break;
        if (control)
            fputc(' ', out);
        else
            fwrite(bytes + at, 1, size, out);
        at += size;
    }
    if (at < len)
        fputs("...", out);
}

void compare_print_head(const struct compare_widths *widths, bool baseline, FILE *out)
{
    fprintf(out, "%-*s  %-*s  %-*s  %-12s  %8s  %8s  %14s  %14s  %7s", widths->prompt, "PROMPT",
            widths->model, "MODEL", widths->upstream, "UPSTREAM", "PROVIDER", "FIRST ms",
            "TOTAL ms", "COST USD", "ESTIMATED USD", "HIT ms");
    if (baseline)
        fprintf(out, "  %14s  %9s  %9s  %-7s", "COST +-", "FIRST +-", "TOTAL +-", "AS THEN");
    fputs("  ANSWER\n", out);
}

static void print_difference(const struct compare_difference *difference, FILE *out)
{
    char cost[CELL_MAX], first[CELL_MAX] = "-", total[CELL_MAX] = "-";

    print_money(&difference->cost, true, cost);
    if (difference->first_known)
        print_ms(difference->first_us, true, first);
    if (difference->total_known)
        print_ms(difference->total_us, true, total);
    fprintf(out, "  %14s  %9s  %9s  %-7s", cost, first, total,
            !difference->found        ? "-"
            : difference->same_answer ? "same"
                                      : "differs");
}

void compare_print_row(const struct compare_widths *widths, const struct compare_result *result,
                       const struct compare_difference *difference, FILE *out)
{
    char first[CELL_MAX], total[CELL_MAX], hit[CELL_MAX], cost[CELL_MAX], estimate[CELL_MAX];

    print_time(result->first_us, first);
    print_time(result->total_us, total);
    print_time(result->hit_us, hit);
    print_money(&result->reported, false, cost);
    print_money(&result->estimated, false, estimate);
    fprintf(out, "%-*s  %-*s  %-*s  %-12.12s  %8s  %8s  %14s  %14s  %7s", widths->prompt,
            result->prompt, widths->model, result->model, widths->upstream, result->upstream,
            result->provider[0] != '\0' ? result->provider : "-", first, total, cost, estimate,
            hit);
    if (difference != NULL)
        print_difference(difference, out);
    fputs("  ", out);
    if (result->error[0] != '\0') {
        fputs("! ", out);
        print_shown(result->error, strlen(result->error), out);
    } else {
        print_shown(result->answer.bytes, result->answer.len, out);
    }
    fputc('\n', out);
}

/* --- JSON --- */

/* Microseconds as milliseconds with three decimals, which is exact. */
static void add_ms(struct out *line, const char *name, bool known, int64_t us)
{
    char text[32];
    uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

    out_name(line, name);
    if (!known) {
        out_text(line, "null");
        return;
    }
    snprintf(text, sizeof(text), "%s%" PRIu64 ".%03" PRIu64, us < 0 ? "-" : "", size / 1000,
             size % 1000);
    out_text(line, text);
}

static void add_money(struct out *line, const char *name, const struct maybe_money *money)
{
    out_name(line, name);
    if (!money->known) {
        out_text(line, "null");
        return;
    }
    out_char(line, '"');
    out_money(line, money->money);
    out_char(line, '"');
}

static void add_text(struct out *line, const char *name, const char *text)
{
    out_name(line, name);
    if (text[0] == '\0')
        out_text(line, "null");
    else
        out_string(line, text_of(text));
}

static void add_count(struct out *line, const char *name, int64_t count)
{
    out_name(line, name);
    if (count == USAGE_ABSENT)
        out_text(line, "null");
    else
        out_number(line, count);
}

static void add_difference(struct out *line, const struct compare_difference *difference)
{
    out_name(line, "baseline");
    if (!difference->found) {
        out_text(line, "null");
        return;
    }
    out_char(line, '{');
    add_money(line, "cost_difference", &difference->cost);
    add_ms(line, "first_token_ms_difference", difference->first_known, difference->first_us);
    add_ms(line, "total_ms_difference", difference->total_known, difference->total_us);
    out_name(line, "same_answer");
    out_text(line, difference->same_answer ? "true" : "false");
    out_char(line, '}');
}

int compare_print_json(const struct compare_result *result,
                       const struct compare_difference *difference, FILE *out)
{
    struct out line = OUT_INIT;
    int error;

    out_char(&line, '{');
    add_text(&line, "prompt", result->prompt);
    add_text(&line, "model", result->model);
    add_text(&line, "upstream", result->upstream);
    out_name(&line, "status");
    out_number(&line, result->status);
    add_text(&line, "provider", result->provider);
    add_text(&line, "served_model", result->served);
    out_name(&line, "cached");
    out_text(&line, result->cached ? "true" : "false");
    add_ms(&line, "first_token_ms", result->first_us >= 0, result->first_us);
    add_ms(&line, "total_ms", result->total_us >= 0, result->total_us);
    add_ms(&line, "hit_ms", result->hit_us >= 0, result->hit_us);
    add_money(&line, "cost_reported", &result->reported);
    add_money(&line, "cost_estimated", &result->estimated);
    add_count(&line, "prompt_tokens", result->usage.prompt_tokens);
    add_count(&line, "completion_tokens", result->usage.completion_tokens);
    add_text(&line, "error", result->error);
    out_name(&line, "answer");
    out_string(&line, (struct text){result->answer.bytes, result->answer.len});
    if (difference != NULL)
        add_difference(&line, difference);
    out_text(&line, "}\n");
    error = line.error;
    if (error == 0 && fwrite(line.bytes, 1, line.len, out) != line.len)
        error = -EIO;
    out_release(&line);
    return error;
}
