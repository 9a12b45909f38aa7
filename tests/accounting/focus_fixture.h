/* focus_fixture.h - what the tests of FOCUS datasets share: rows in a ledger, the dataset made of
 * them, its lines by column. */
#ifndef TESTS_ACCOUNTING_FOCUS_FIXTURE_H
#define TESTS_ACCOUNTING_FOCUS_FIXTURE_H

#include "accounting/focus.h"
#include "accounting/ledger_close.h"
#include "accounting/ledger_month.h"

#include "tests/accounting/ledger_fixture.h"

/* 2026-11-01, 2026-12-01 */
static const int64_t focus_from_ms = INT64_C(1793491200000), focus_to_ms = INT64_C(1796083200000);
static const int64_t focus_october_ms = INT64_C(1790812800000);
enum { FOCUS_FIXTURE_HOUR_MS = 3600000 };

static inline struct focus_order focus_order(void)
{
    return (struct focus_order){
        .from_ms = focus_from_ms,
        .to_ms = focus_to_ms,
        .account_id = "team-1",
        .account_name = "The Team",
        .gateway = "Vercel",
        .now_ms = fixture_now_ms,
    };
}

static inline struct text focus_text(const char *text)
{
    return (struct text){text, text != NULL ? strlen(text) : 0};
}

/* A paid row: rated by the rating's text (NULL: unpriced), billed in 1e-15 USD. */
static inline struct ledger_row focus_row(const char *model, const char *rating, int64_t billed)
{
    struct ledger_row row;
    row_init(&row);
    row.created_at_ms = fixture_now_ms;
    row.api = API_CHAT;
    row.model = focus_text(model);
    row.provider = TEXT("zai");
    row.upstream = TEXT("vercel");
    row.key_id = TEXT("k1");
    row.cache = CACHE_MISS;
    row.status = 200;
    row.rating = focus_text(rating);
    row.billed = fixture_money(billed);
    row.booked = row.billed;
    row.verdict = rating != NULL ? VERDICT_MATCHED : VERDICT_UNPRICED;
    return row;
}

/* Rows must come oldest first: the ledger's time never goes back. */
static inline void focus_write(const struct fixture *fixture, const struct ledger_row *rows,
                               size_t count)
{
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger;
    options.now_ms = 0;
    ledger = fixture_open(&options);
    for (size_t i = 0; i < count; i++) {
        struct ledger_lane *lane = ledger_lane(ledger, 0);
        while (ledger_append(lane, &rows[i], rows[i].created_at_ms, NULL) != 0) {
            ledger_kick(lane);
            poll(NULL, 0, 1);
        }
    }
    ledger_close(ledger);
}

/* Closes the month that begins then. */
static inline struct seal focus_close(const struct fixture *fixture, int64_t month_from_ms,
                                      int64_t now_ms)
{
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger_close_order close = {.month_from_ms = month_from_ms, .now_ms = now_ms};
    struct seal_signer *signer;
    struct ledger *ledger;
    struct seal seal;
    uint8_t key[SEAL_KEY];
    char error[256] = "";
    assert_int_equal(seal_signer_make(fixture->root, key, error, sizeof(error)), 0);
    assert_int_equal(seal_signer_open(fixture->root, &signer, error, sizeof(error)), 0);
    options.now_ms = now_ms;
    ledger = fixture_open(&options);
    close.signer = signer;
    if (ledger_close_month(ledger, &close, &seal, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    ledger_close(ledger);
    seal_signer_free(signer);
    return seal;
}

struct focus_dataset {
    char *text, *notes, *metadata;
    int result;
};

static inline void focus_free(struct focus_dataset *dataset)
{
    free(dataset->text);
    free(dataset->notes);
    free(dataset->metadata);
}

static inline char *focus_slurp(FILE *file)
{
    long len;
    char *text;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    len = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)len + 1);
    assert_int_equal(fread(text, 1, (size_t)len, file), len);
    fclose(file);
    return text;
}

static inline struct focus_dataset focus_make(const struct fixture *fixture,
                                              const struct focus_order *order)
{
    struct focus_dataset dataset = {0};
    struct ledger_reader *reader;
    FILE *out = tmpfile(), *notes = tmpfile(), *metadata = tmpfile();
    char error[256];
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
    dataset.result = focus_export(reader, order, out, metadata, notes);
    ledger_reader_close(reader);
    dataset.text = focus_slurp(out);
    dataset.notes = focus_slurp(notes);
    dataset.metadata = focus_slurp(metadata);
    return dataset;
}

/* The dataset, which passes its own validator. */
static inline struct focus_dataset focus_good(const struct fixture *fixture,
                                              const struct focus_order *order)
{
    struct focus_dataset dataset = focus_make(fixture, order);
    if (dataset.result != 0)
        fail_msg("%d: %s%s", dataset.result, dataset.notes, dataset.text);
    return dataset;
}

/* --- a CSV by line and column --- */

enum { FOCUS_CELL_MAX = 4096 };

/* Copies field `index` of a line, unquoted; false when there are not as many. */
static inline bool focus_field(const char *line, size_t index, char cell[FOCUS_CELL_MAX])
{
    for (size_t field = 0;; field++) {
        size_t len = 0;
        bool quoted = *line == '"';
        line += quoted;
        while (quoted ? !(line[0] == '"' && line[1] != '"') : *line != ',' && *line != '\n') {
            if (*line == 0)
                return false;
            line += quoted && *line == '"';
            assert_true(len + 1 < FOCUS_CELL_MAX);
            cell[len++] = *line++;
        }
        line += quoted;
        cell[len] = 0;
        if (field == index)
            return true;
        if (*line != ',')
            return false;
        line++;
    }
}

/* Behind the line that begins at text; a quoted line end is none. */
static inline const char *focus_skip(const char *text)
{
    bool quoted = false;
    for (; *text != '\n' || quoted; text++) {
        assert_true(*text != 0);
        quoted ^= *text == '"';
    }
    return text + 1;
}

static inline size_t focus_count(const char *csv)
{
    size_t lines = 0;
    for (; *csv != 0; csv = focus_skip(csv))
        lines++;
    return lines - 1;
}

static inline const char *focus_line_at(const char *csv, size_t line)
{
    for (; line > 0; line--)
        csv = focus_skip(csv);
    return csv;
}

/* The cell of a data line, from 1. */
static inline const char *focus_at(const char *csv, size_t line, const char *column)
{
    static char cells[8][FOCUS_CELL_MAX];
    static unsigned turn;
    char name[FOCUS_CELL_MAX], *cell = cells[turn++ % 8];
    size_t index = 0;
    while (focus_field(csv, index, name) && strcmp(name, column) != 0)
        index++;
    if (strcmp(name, column) != 0)
        fail_msg("there is no column %s", column);
    assert_true(focus_field(focus_line_at(csv, line), index, cell));
    return cell;
}

/* The one line with that SkuId. */
static inline size_t focus_sku(const char *csv, const char *sku)
{
    size_t found = 0, count = focus_count(csv);
    for (size_t i = 1; i <= count; i++) {
        if (strcmp(focus_at(csv, i, "SkuId"), sku) != 0)
            continue;
        if (found != 0)
            fail_msg("%s is there twice:\n%s", sku, csv);
        found = i;
    }
    if (found == 0)
        fail_msg("%s is not there:\n%s", sku, csv);
    return found;
}

static inline void assert_cell(const char *csv, size_t line, const char *column, const char *want)
{
    const char *got = focus_at(csv, line, column);
    if (strcmp(got, want) != 0)
        fail_msg("line %zu, %s: %s, not %s", line, column, got, want);
}

#endif
