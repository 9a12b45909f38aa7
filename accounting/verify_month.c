/* verify_month.c - a month's rows, once, in order; then what they come to. */
#include "accounting/verify_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct text no_id;

static int begin(struct verify_month *month)
{
    int result;
    ledger_month_name(month->one->from_ms, month->name);
    month->sums_fit = true;
    month->ids.room_max = VERIFY_IDS_ROOM;
    places_init(&month->places, true);
    result = verify_open_load(month);
    if (result == 0)
        result = tree_init(&month->tree);
    if (result == 0 && verify_is_sealed(month->one))
        result = verify_marks_begin(month);
    return result;
}

static void release(struct verify_month *month)
{
    tree_release(&month->tree);
    verify_marks_release(&month->marks);
    verify_hours_release(&month->hours);
    verify_ids_release(&month->ids);
    places_release(&month->places);
    free(month->open);
}

/* --- rows --- */

static void seal_row(struct verify_month *month, const struct ledger_ref *ref, const uint8_t *bytes,
                     size_t len)
{
    uint8_t leaf[TREE_HASH];
    if (!verify_is_sealed(month->one))
        return;
    tree_leaf(&month->tree, ref, bytes, len, leaf);
    tree_add_leaf(&month->tree, leaf);
    verify_marks_add(month, ref, leaf);
}

static int take_row(struct verify_month *month, const struct ledger_ref *ref,
                    const struct ledger_row *row)
{
    int result = 0;
    if (month->sums_fit && verify_sums_row(&month->sums, row) < 0) {
        verify_complain(month, ref, row->id, "makes sums that do not fit");
        month->sums_fit = false;
    }
    verify_index_row(month, ref, row);
    if (row->corrects.len > 0)
        result = verify_correction(month, ref, row);
    return result == 0 ? verify_ids_row(month, row) : result;
}

static int on_row(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct verify_month *month = arg;
    struct verify_row check = {
        .ref = ref,
        .bytes = bytes,
        .len = len,
        .tolerance_ppm = month->verify->order->tolerance_ppm,
        .early = verify_is_early(month->verify, ref),
    };
    struct ledger_row row;
    bool decoded;
    const char *law = verify_row(&check, &decoded, &row);
    int result;
    if (month->rows > 0 && verify_ref_compare(&month->last, ref) >= 0)
        verify_complain(month, ref, no_id, "does not come after the row before it");
    if (law != NULL)
        verify_complain(month, ref, decoded ? row.id : no_id, "%s", law);
    seal_row(month, ref, bytes, len);
    if (month->rows++ == 0)
        month->first = *ref;
    month->last = *ref;
    month->unreadable += !decoded;
    result = verify_places_row(month, ref, decoded ? &row : NULL);
    if (result == 0)
        result = verify_hours_row(month, ref, decoded ? &row : NULL);
    if (result == 0 && decoded)
        result = take_row(month, ref, &row);
    return result;
}

/* --- the whole --- */

/* Where the database itself cannot be read on, nothing that follows says more. */
static int read_rows(struct verify_month *month, bool *ret_whole)
{
    int result = ledger_reader_raw(month->verify->reader, month->one->from_ms, month->one->to_ms,
                                   on_row, month);
    *ret_whole = result == 0;
    if (result != -EBADMSG)
        return result;
    verify_complain(month, month->rows > 0 ? &month->last : NULL, no_id,
                    "what is stored behind it is neither a row nor rows");
    return 0;
}

static int verify_rows(struct verify_month *month)
{
    bool whole;
    int result = read_rows(month, &whole);
    if (result < 0 || !whole)
        return result;
    result = verify_places_end(month);
    if (result == 0)
        result = verify_hours_end(month);
    if (result == 0)
        result = verify_index_end(month);
    if (result == 0)
        result = verify_ids_end(month);
    if (result == 0 && month->unreadable == 0 && month->sums_fit)
        result = verify_export(month);
    if (result == 0 && verify_is_sealed(month->one)) {
        verify_marks_end(month);
        verify_head_rows(month);
    }
    return result;
}

/* Rows that were dropped after their export: only the head is left, and no lane can be followed
 * through them. */
static void verify_dropped(struct verify_month *month)
{
    struct verify *verify = month->verify;
    if (!month->one->seal.has_export)
        verify_complain(month, NULL, no_id, "its rows are gone, though no export was made of them");
    if (month->open_count > 0)
        verify_complain(month, &month->open[0].ref, no_id, "is still open in a month without rows");
    places_release(&verify->places);
    places_init(&verify->places, true);
}

static int any_row(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    (void)arg;
    (void)ref;
    (void)bytes;
    (void)len;
    return 1;
}

static int was_dropped(const struct verify_month *month, bool *ret_dropped)
{
    int result;
    *ret_dropped = false;
    if (!verify_is_sealed(month->one) || month->one->seal.rows == 0)
        return 0;
    result = ledger_reader_raw(month->verify->reader, month->one->from_ms, month->one->to_ms,
                               any_row, NULL);
    *ret_dropped = result == 0;
    return result < 0 && result != -EBADMSG ? result : 0;
}

static void conclude(struct verify_month *month, bool dropped)
{
    struct verify *verify = month->verify;
    struct verify_result *result = verify->result;
    uint64_t rows = dropped ? month->one->seal.rows : month->rows;
    const char *state = dropped                         ? "closed, rows dropped after their export"
                        : month->one->head != HEAD_NONE ? "closed"
                                                        : "open";
    fprintf(verify->out, "%s: %llu row%s, %s, ", month->name, (unsigned long long)rows,
            rows == 1 ? "" : "s", state);
    if (month->complaints == 0)
        fprintf(verify->out, "%s\n", dropped ? "the head holds" : "all laws hold");
    else
        fprintf(verify->out, "%llu breach%s of a law\n", (unsigned long long)month->complaints,
                month->complaints == 1 ? "" : "es");
    if (result->complaints == 0 && month->complaints > 0)
        snprintf(result->first, sizeof(result->first), "%s", month->worst_text);
    result->months++;
    result->rows += dropped ? 0 : month->rows;
    result->complaints += month->complaints;
}

int verify_month(struct verify *verify, size_t index)
{
    struct verify_month *month = calloc(1, sizeof(*month));
    bool dropped = false;
    int result;
    if (month == NULL)
        return -ENOMEM;
    month->verify = verify;
    month->one = &verify->months[index];
    result = begin(month);
    if (result == 0 && verify->stray) {
        verify->stray = false; /* said once */
        verify_complain(month, NULL, no_id, "the index of ids names rows in months without any");
    }
    if (result == 0)
        verify_head_alone(month);
    if (result == 0)
        result = was_dropped(month, &dropped);
    if (result == 0 && dropped)
        verify_dropped(month);
    else if (result == 0)
        result = verify_rows(month);
    if (result == 0)
        conclude(month, dropped);
    release(month);
    free(month);
    return result;
}
