/* focus.c - from rows to a dataset that was checked: first the corrections of closed months, whose
 * charges lie before all others, then the month hour by hour. */
#include "accounting/focus.h"

#include "accounting/focus_check.h"
#include "accounting/focus_meta.h"
#include "accounting/focus_print.h"
#include "accounting/focus_use.h"
#include "accounting/ledger_close.h"
#include "accounting/ledger_place.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { HOUR_MS = 3600000, MONTHS_MAX = 1200 /* a hundred years */ };

struct dataset {
    bool early; /* a month before is closed: its corrections are read first */
    struct focus_book book;
    struct focus_printer *printer;
    const struct focus_order *order;
    int64_t hour_ms; /* of the lines that are gathered */
    uint64_t lines;
    char first[ROW_PLACE_MAX], last[ROW_PLACE_MAX], root[2 * TREE_HASH + 1];
};

/* --- rows --- */

/* True for a correction of an earlier month, which is charged in the hour of what it corrects. Any
 * other is charged in its own. */
static bool is_early(const struct dataset *dataset, const struct ledger_row *row, int64_t *ret_ms)
{
    struct ledger_ref ref;
    if (!dataset->early || row->corrects.len == 0 || ledger_place_parse(row->corrects, &ref) < 0 ||
        ref.created_at_ms >= dataset->order->from_ms)
        return false;
    *ret_ms = ref.created_at_ms;
    return true;
}

static int64_t hour_of(int64_t ms)
{
    return ms - ms % HOUR_MS;
}

/* --- lines --- */

static int put_lines(struct dataset *dataset)
{
    struct focus_line *const *sorted;
    size_t count = 0;
    int result = 0;
    if (!focus_lines_empty(dataset->book.lines))
        result = focus_lines_sort(dataset->book.lines, &sorted, &count);
    for (size_t i = 0; i < count && result == 0; i++)
        result = focus_print_line(dataset->printer, sorted[i]);
    dataset->lines += count;
    focus_lines_clear(dataset->book.lines);
    return result;
}

static int take_correction(void *arg, const struct ledger_row *row)
{
    struct dataset *dataset = arg;
    int64_t ms;
    if (!is_early(dataset, row, &ms))
        return 0;
    return focus_use(&dataset->book, row, hour_of(ms));
}

/* Corrections of earlier months were read before; one that was recorded since is not in the
 * dataset, and not in the truth either. */
static int take_row(void *arg, const struct ledger_row *row)
{
    struct dataset *dataset = arg;
    int64_t ms, hour_ms = hour_of(row->created_at_ms);
    if (is_early(dataset, row, &ms))
        return 0;
    if (hour_ms != dataset->hour_ms) {
        int result = put_lines(dataset);
        if (result < 0)
            return result;
        dataset->hour_ms = hour_ms;
    }
    return focus_use(&dataset->book, row, hour_ms);
}

/* Only closed months are corrected: where none is, the month is read once. */
static int look_for_closed(struct dataset *dataset, struct ledger_reader *reader)
{
    int64_t months[MONTHS_MAX];
    size_t count;
    struct seal seal;
    int result = ledger_reader_months(reader, months, MONTHS_MAX, &count);
    for (size_t i = 0; i < count && result == 0 && !dataset->early; i++) {
        if (months[i] >= dataset->order->from_ms)
            break;
        result = ledger_reader_seal(reader, months[i], &seal);
        dataset->early = result == 0;
        if (result == -ENOENT)
            result = 0;
    }
    return result;
}

static int put_all(struct dataset *dataset, struct ledger_reader *reader)
{
    const struct focus_order *order = dataset->order;
    int result = look_for_closed(dataset, reader);
    focus_print_head(dataset->printer);
    if (result == 0 && dataset->early)
        result = ledger_reader_rows(reader, order->from_ms, order->to_ms, take_correction, dataset);
    if (result == 0)
        result = put_lines(dataset);
    if (result == 0)
        result = ledger_reader_rows(reader, order->from_ms, order->to_ms, take_row, dataset);
    return result == 0 ? put_lines(dataset) : result;
}

/* --- the dataset --- */

static int read_seal(struct dataset *dataset, struct ledger_reader *reader)
{
    struct seal seal;
    int result = ledger_reader_seal(reader, dataset->order->from_ms, &seal);
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    ledger_place_print(&seal.first, dataset->first);
    ledger_place_print(&seal.last, dataset->last);
    for (unsigned i = 0; i < TREE_HASH; i++)
        snprintf(dataset->root + 2 * (size_t)i, 3, "%02x", seal.root[i]);
    return 0;
}

static bool is_valid(const struct focus_order *order)
{
    return order->account_id != NULL && order->account_id[0] != 0 &&
           strlen(order->account_id) <= ROW_NAME_MAX &&
           (order->account_name == NULL || strlen(order->account_name) <= ROW_NAME_MAX) &&
           order->from_ms < order->to_ms;
}

static int write_lines(struct dataset *dataset, struct ledger_reader *reader, FILE *out)
{
    const struct focus_order *order = dataset->order;
    struct focus_frame frame = {
        .from_ms = order->from_ms,
        .to_ms = order->to_ms,
        .account_id = text_of(order->account_id),
        .account_name = text_of(order->account_name != NULL ? order->account_name : ""),
    };
    int result = read_seal(dataset, reader), finished;
    if (result < 0)
        return result;
    frame.first = text_of(dataset->first);
    frame.last = text_of(dataset->last);
    frame.root = text_of(dataset->root);
    dataset->book.lines = focus_lines_new();
    dataset->printer = focus_printer_new(out, order->profile, order->form, &frame);
    result = dataset->book.lines != NULL && dataset->printer != NULL ? put_all(dataset, reader)
                                                                     : -ENOMEM;
    finished = dataset->printer != NULL ? focus_printer_finish(dataset->printer) : 0;
    focus_lines_free(dataset->book.lines);
    return result < 0 ? result : finished;
}

static void put_summary(const struct focus_truth *truth, uint64_t lines, FILE *notes)
{
    fprintf(notes, "focus: %llu lines for %lld requests\n", (unsigned long long)lines,
            (long long)truth->requests);
    if (truth->pending > 0)
        fprintf(notes, "focus: %lld of them are pending: their estimate is in it\n",
                (long long)truth->pending);
    if (truth->unknown > 0)
        fprintf(notes, "focus: the cost of %lld more is not known: they are not in it\n",
                (long long)truth->unknown);
    if (truth->other_tokens > 0)
        fprintf(notes, "focus: %lld were rated by other token counts than their rows have\n",
                (long long)truth->other_tokens);
}

/* Reads back what was written and leaves the file at its end. */
static int check_written(const struct focus_order *order, const struct focus_truth *truth,
                         FILE *out, off_t start, FILE *notes)
{
    struct focus_check check;
    int result;
    if (fseeko(out, start, SEEK_SET) != 0)
        return -EIO;
    result = focus_check_file(order, truth, out, notes, &check);
    if (fseeko(out, 0, SEEK_END) != 0)
        return -EIO;
    if (result < 0)
        return result;
    return check.failed > 0 ? -EBADMSG : 0;
}

int focus_export(struct ledger_reader *reader, const struct focus_order *order, FILE *out,
                 FILE *metadata, FILE *notes)
{
    struct dataset *dataset;
    off_t start = ftello(out);
    int result;
    if (!is_valid(order))
        return -EINVAL;
    if (start < 0)
        return -EIO;
    dataset = calloc(1, sizeof(*dataset));
    if (dataset == NULL)
        return -ENOMEM;
    dataset->order = order;
    dataset->book.order = order;
    dataset->hour_ms = -1;
    result = write_lines(dataset, reader, out);
    if (result == -E2BIG)
        fprintf(notes, "focus: the lines of one hour take more than %d MiB\n",
                FOCUS_LINES_BYTES_MAX / 1024 / 1024);
    if (result == 0 && metadata != NULL)
        result = focus_meta_write(order, &dataset->book.truth, dataset->lines, metadata);
    if (result == 0) {
        put_summary(&dataset->book.truth, dataset->lines, notes);
        result = check_written(order, &dataset->book.truth, out, start, notes);
    }
    free(dataset);
    return result;
}

/* --- the validator alone --- */

/* Lines are thrown away as their hours end: what is left is the truth. */
static int sum_row(void *arg, const struct ledger_row *row)
{
    struct dataset *dataset = arg;
    int64_t hour_ms = hour_of(row->created_at_ms);
    if (hour_ms != dataset->hour_ms)
        focus_lines_clear(dataset->book.lines);
    dataset->hour_ms = hour_ms;
    return focus_use(&dataset->book, row, hour_ms);
}

int focus_validate(struct ledger_reader *reader, const struct focus_order *order, FILE *in,
                   FILE *notes, struct focus_check *ret_check)
{
    struct dataset *dataset;
    int result;
    if (reader == NULL)
        return focus_check_file(order, NULL, in, notes, ret_check);
    dataset = calloc(1, sizeof(*dataset));
    if (dataset == NULL)
        return -ENOMEM;
    dataset->order = order;
    dataset->book.order = order;
    dataset->book.lines = focus_lines_new();
    result = dataset->book.lines != NULL
                 ? ledger_reader_rows(reader, order->from_ms, order->to_ms, sum_row, dataset)
                 : -ENOMEM;
    focus_lines_free(dataset->book.lines);
    if (result == 0)
        result = focus_check_file(order, &dataset->book.truth, in, notes, ret_check);
    free(dataset);
    return result;
}
