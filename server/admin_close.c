#include "server/admin_close.h"

#include "accounting/export.h"
#include "accounting/ledger_find.h"
#include "server/admin_file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    WAIT_MS = 5000,  /* for rows to come out of the lanes */
    CLOSE_TRIES = 2, /* the first makes the month stand still, so the second is exact */
    TIME_TEXT = 32,
};

_Static_assert((int)ADMIN_FILE_HASH == (int)TREE_HASH, "both are SHA-256");

struct closing {
    struct ledger *ledger;
    const struct admin_close_order *order;
    struct admin_error *error;
    struct ledger_reader *reader;
    struct admin_file file;
    uint8_t root[TREE_HASH], hash[TREE_HASH]; /* of the rows; of the export */
    bool made;                                /* the export: it was not there before */
};

/* --- the export --- */

static int add_leaf(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    tree_add(arg, ref, bytes, len);
    return 0;
}

static int read_root(struct closing *closing, uint8_t ret_root[TREE_HASH])
{
    struct tree tree;
    int result = tree_init(&tree);

    if (result != 0)
        return result;
    result = ledger_reader_raw(closing->reader, closing->order->from_ms, closing->order->to_ms,
                               add_leaf, &tree);
    if (result == 0)
        tree_root(&tree, ret_root);
    tree_release(&tree);
    return result;
}

/* Before a month's worth of rows is read in vain. */
static int refuse_closed(struct closing *closing)
{
    struct seal seal;
    int result = ledger_reader_seal(closing->reader, closing->order->from_ms, &seal);

    if (result == -ENOENT)
        return 0;
    if (result != 0)
        return admin_error_ledger(closing->error, result, "");
    return admin_error_set(closing->error, 409, "closed", "%s: it is closed already",
                           closing->order->month);
}

struct open_items {
    uint64_t holds, rows;
};

static int count_item(void *arg, bool is_hold, const struct ledger_ref *ref,
                      const struct ledger_row *row)
{
    struct open_items *items = arg;

    (void)ref;
    if (is_hold)
        items->holds++;
    else if (row == NULL || row->verdict == VERDICT_PENDING)
        items->rows++;
    return 0;
}

static int refuse_open_items(struct closing *closing)
{
    const struct admin_close_order *order = closing->order;
    struct open_items items = {0, 0};
    int result =
        ledger_reader_open_items(closing->reader, order->from_ms, order->to_ms, count_item, &items);

    if (result != 0)
        return admin_error_ledger(closing->error, result, "");
    if (items.holds > 0)
        return admin_error_set(closing->error, 409, "open",
                               "%s: %llu requests of it have not ended; try again when they have",
                               order->month, (unsigned long long)items.holds);
    if (items.rows > 0 && !order->with_pending)
        return admin_error_set(closing->error, 409, "pending",
                               "%s: the costs of %llu of its requests are still to come; wait for "
                               "them, or close it with pending rows: what comes later is booked as "
                               "a correction in the open month",
                               order->month, (unsigned long long)items.rows);
    return 0;
}

static int refuse_file(struct closing *closing, int result)
{
    const char *path = closing->order->export_path;

    if (result == -EEXIST)
        return admin_error_set(closing->error, 409, "file_exists",
                               "%s (or .part or .head beside it) is there already: remove it or "
                               "name another file",
                               path);
    return admin_error_set(closing->error, 400, "file", "%s: %s", path, strerror(-result));
}

/* The root is of before: when it is that of the seal, too, nothing changed between the two. */
static int write_export(struct closing *closing)
{
    const struct admin_close_order *order = closing->order;
    int result = admin_file_begin(&closing->file, order->export_path);

    if (result != 0)
        return refuse_file(closing, result);
    result = read_root(closing, closing->root);
    if (result == 0)
        result = export_rows(closing->reader, order->from_ms, order->to_ms, EXPORT_CSV,
                             closing->file.stream);
    if (result != 0)
        return admin_error_ledger(closing->error, result, "");
    result = admin_file_sync(&closing->file, closing->hash);
    if (result == 0)
        result = admin_file_finish(&closing->file, closing->hash);
    closing->made = result == 0;
    return result >= 0 ? 0 : refuse_file(closing, result);
}

static int head_path(const struct closing *closing, char path[4096])
{
    int len = snprintf(path, 4096, "%s.head", closing->order->export_path);

    return len < 4096 ? 0 : -ENAMETOOLONG;
}

/* Steps 1 to 4. */
static int prepare_export(struct closing *closing)
{
    char head[4096];
    int result = head_path(closing, head);

    if (result == 0 && access(head, F_OK) == 0)
        result = -EEXIST;
    if (result != 0)
        return refuse_file(closing, result);
    result = ledger_reader_within(closing->ledger, WAIT_MS, closing->order->stop, &closing->reader);
    if (result != 0)
        return admin_error_ledger(closing->error, result, "");
    result = refuse_closed(closing);
    if (result == 0)
        result = refuse_open_items(closing);
    if (result == 0)
        result = write_export(closing);
    if (result != 0)
        admin_file_abandon(&closing->file);
    ledger_reader_close(closing->reader);
    return result;
}

/* --- closing --- */

static int refuse_close(struct closing *closing, int result, const char *text)
{
    if (text[0] == '\0')
        text = strerror(-result);
    switch (result) {
    case -EBUSY:
        return admin_error_set(closing->error, 409, "pending", "%s", text);
    case -EEXIST:
        return admin_error_set(closing->error, 409, "closed", "%s", text);
    case -EAGAIN:
        return admin_error_set(closing->error, 409, "earlier_month_open", "%s", text);
    case -EINVAL:
        return admin_error_set(closing->error, 409, "not_over", "%s", text);
    default:
        return admin_error_set(closing->error, 500, "ledger", "%s", text);
    }
}

static int write_head(struct closing *closing, const struct seal *seal)
{
    const struct admin_close_order *order = closing->order;
    char head[SEAL_TEXT_MAX], path[4096];
    int result = head_path(closing, path);

    if (result == 0)
        result = admin_file_write(path, head, seal_print(seal, true, head));
    if (result == 0)
        return 0;
    return admin_error_set(closing->error, 500, "head_not_written",
                           "%s is closed and exported, but its head could not be written to "
                           "%s.head: %s; GET /ledger/months has it",
                           order->month, order->export_path, strerror(-result));
}

/* Nothing was sealed for certain. After a failure of the disk there may be a seal all the same, and
 * the export is what it names. */
static bool is_refusal(int result)
{
    return result == -EBUSY || result == -EAGAIN || result == -EINVAL || result == -ESTALE;
}

/* Steps 5 and 6, with an export or without. 1: the export is of other rows. */
static int close_month(struct closing *closing, const struct seal_signer *signer, bool exported,
                       bool again, struct seal *ret_seal)
{
    const struct admin_close_order *order = closing->order;
    struct ledger_close_order close_order = {
        .month_from_ms = order->from_ms,
        .now_ms = order->now_ms,
        .signer = signer,
        .export_hash = exported ? closing->hash : NULL,
        .expected_root = exported ? closing->root : NULL,
        .with_pending = order->with_pending,
    };
    char text[512] = "";
    int result = ledger_close_month(closing->ledger, &close_order, ret_seal, text, sizeof text);

    if (result == 0)
        return exported ? write_head(closing, ret_seal) : 0;
    if (closing->made && is_refusal(result))
        unlink(order->export_path); /* no head names it, and the next try begins anew */
    return result == -ESTALE && again ? 1 : refuse_close(closing, result, text);
}

static int export_and_close(struct closing *closing, const struct seal_signer *signer,
                            struct seal *ret_seal)
{
    int result = 1;

    for (int i = 1; i <= CLOSE_TRIES && result == 1; i++) {
        result = prepare_export(closing);
        if (result == 0 && i == 1 && closing->order->on_exported != NULL)
            closing->order->on_exported(closing->order->arg);
        if (result == 0)
            result = close_month(closing, signer, true, i < CLOSE_TRIES, ret_seal);
    }
    return result;
}

int admin_close(struct ledger *ledger, const struct admin_close_order *order, struct seal *ret_seal,
                struct admin_error *error)
{
    struct closing closing = {.ledger = ledger, .order = order, .error = error};
    bool exports = order->export_path != NULL && order->export_path[0] != '\0';
    struct seal_signer *signer = NULL;
    char text[512] = "";
    int result = seal_signer_open(order->data_dir, &signer, text, sizeof text);

    if (result != 0)
        return admin_error_set(error, 409, result == -ENOENT ? "no_signing_key" : "signing_key",
                               "%s", text[0] != '\0' ? text : strerror(-result));
    if (order->now_ms < order->to_ms)
        result = admin_error_set(error, 409, "not_over", "%s: the month is not over", order->month);
    else if (exports)
        result = export_and_close(&closing, signer, ret_seal);
    else
        result = close_month(&closing, signer, false, false, ret_seal);
    seal_signer_free(signer);
    return result;
}

/* --- printing the head --- */

static void print_hex(struct out *out, const char *name, const uint8_t hash[TREE_HASH])
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * TREE_HASH];

    for (size_t i = 0; i < TREE_HASH; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 15];
    }
    out_name(out, name);
    out_string(out, (struct text){hex, sizeof hex});
}

static void print_count(struct out *out, const char *name, uint64_t count)
{
    out_name(out, name);
    out_number(out, (int64_t)count);
}

/* Decimals are strings, as in the JSON lines. */
static void print_money(struct out *out, const char *name, struct money money)
{
    char text[MONEY_TEXT_MAX];

    out_name(out, name);
    out_string(out, (struct text){text, money_print(money, text)});
}

static void print_time(struct out *out, const char *name, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[TIME_TEXT];
    struct tm tm;
    size_t len;

    gmtime_r(&seconds, &tm);
    len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, sizeof text - len, ".%03dZ", (int)(ms % 1000));
    out_name(out, name);
    out_string(out, text_of(text));
}

void admin_close_print(const struct seal *seal, struct out *out)
{
    char head[SEAL_TEXT_MAX];
    size_t len = seal_print(seal, true, head);

    out_char(out, '{');
    out_name(out, "month");
    out_string(out, text_of(seal->month));
    out_name(out, "closed");
    out_text(out, "true");
    print_time(out, "closed_at", seal->closed_ms);
    print_count(out, "rows", seal->rows);
    print_count(out, "issued", seal->issued);
    print_money(out, "booked_usd", seal->booked);
    print_money(out, "billed_usd", seal->billed);
    print_money(out, "saved_usd", seal->saved);
    print_hex(out, "root", seal->root);
    print_hex(out, "previous", seal->previous);
    if (seal->has_export) {
        print_hex(out, "export", seal->export_hash);
    } else {
        out_name(out, "export");
        out_text(out, "null");
    }
    out_name(out, "head");
    out_string(out, (struct text){head, len});
    out_char(out, '}');
}
