#include "server/admin_requests.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct ledger_ref ref;
    uint8_t *bytes; /* owned */
    size_t len, size;
};

struct page {
    const struct admin_query *query;
    FILE *out;
    struct kept *ring;     /* of `wanted` rows: the last of a window that match */
    size_t wanted, size;   /* size: how many were allocated */
    uint64_t matched;      /* in this window */
    uint64_t window, read; /* rows seen: in this window, in all */
    size_t printed;
    struct ledger_ref last; /* that was printed */
};

/* --- reading a window --- */

static bool is_before(const struct ledger_ref *a, const struct ledger_ref *b)
{
    if (a->created_at_ms != b->created_at_ms)
        return a->created_at_ms < b->created_at_ms;
    return a->sequence < b->sequence;
}

static bool same(struct text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

static int keep(struct page *page, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct kept *kept = &page->ring[page->matched % page->wanted];

    if (kept->size < len) {
        uint8_t *larger = realloc(kept->bytes, len);
        if (larger == NULL)
            return -ENOMEM;
        kept->bytes = larger;
        kept->size = len;
    }
    memcpy(kept->bytes, bytes, len);
    kept->len = len;
    kept->ref = *ref;
    page->matched++;
    return 0;
}

/* 1: what follows is on the page before this one. */
static int take(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct page *page = arg;
    const struct admin_after *after = &page->query->after;
    struct ledger_row row;

    page->window++;
    if (after->kind == ADMIN_AFTER_PLACE && !is_before(ref, &after->place))
        return 1;
    if (row_decode(bytes, len, &row) != 0)
        return 0;
    if (after->kind == ADMIN_AFTER_ID && ref->created_at_ms >= after->place.created_at_ms &&
        (same(row.id, after->id) || same(row.upstream_id, after->id)))
        return 1;
    if (!admin_filter_matches(&page->query->filter, &row))
        return 0;
    return keep(page, ref, bytes, len);
}

/* --- printing it --- */

/* What is not among the columns of an export comes first. */
static void print_besides(const struct ledger_ref *ref, const struct ledger_row *row,
                          struct out *out)
{
    char place[ADMIN_PLACE_MAX];
    const char *cause = cause_name(row->cause);

    admin_place_print(ref, place);
    out_char(out, '{');
    out_name(out, "place");
    out_string(out, text_of(place));
    out_name(out, "cause");
    if (cause[0] != '\0')
        out_string(out, text_of(cause));
    else
        out_text(out, "null");
    out_name(out, "version");
    out_number(out, row->version);
    out_name(out, "corrects");
    if (row->corrects.len > 0)
        out_string(out, row->corrects);
    else
        out_text(out, "null");
    out_char(out, ',');
}

/* Through memory: export_row_json() flushes what it is given, and a page is to leave in chunks. */
static int print_columns(const struct ledger_row *row, struct out *out)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&bytes, &len);
    int result;

    if (memory == NULL)
        return -ENOMEM;
    result = export_row_json(row, memory);
    if (fclose(memory) != 0 && result == 0)
        result = -ENOMEM;
    if (result == 0) {
        assert(len > 2 && bytes[0] == '{');
        out_bytes(out, bytes + 1, len - 1);
    }
    free(bytes);
    return result;
}

static int print_row(struct page *page, const struct kept *kept)
{
    struct out text = OUT_INIT;
    struct ledger_row row;
    int result = row_decode(kept->bytes, kept->len, &row);

    assert(result == 0); /* it was when it was taken */
    if (page->printed > 0)
        out_char(&text, ',');
    print_besides(&kept->ref, &row, &text);
    result = print_columns(&row, &text);
    if (result == 0)
        result = text.error;
    if (result == 0 && fwrite(text.bytes, 1, text.len, page->out) != text.len)
        result = -EIO;
    out_release(&text);
    page->printed++;
    page->last = kept->ref;
    return result;
}

static int print_window(struct page *page)
{
    uint64_t count = page->matched < page->wanted ? page->matched : page->wanted;
    int result = 0;

    for (uint64_t i = 0; i < count && result == 0; i++)
        result = print_row(page, &page->ring[(page->matched - 1 - i) % page->wanted]);
    return result;
}

/* --- the page --- */

/* Reads [from, to) and prints what it has for the page. */
static int do_window(struct page *page, const struct admin_rows *rows, int64_t from_ms,
                     int64_t to_ms)
{
    int result;

    page->wanted = page->query->limit - page->printed;
    page->matched = page->window = 0;
    assert(page->wanted > 0 && page->wanted <= page->size);
    result = rows->raw(rows->arg, from_ms, to_ms, take, page);
    page->read += page->window;
    return result < 0 ? result : print_window(page);
}

static int64_t first_end(const struct admin_query *query)
{
    const struct admin_after *after = &query->after;
    int64_t end = query->to_ms;

    if (after->kind != ADMIN_AFTER_NOTHING && after->place.created_at_ms < end)
        end = after->place.created_at_ms + 1;
    return end;
}

static int read_windows(struct page *page, const struct admin_rows *rows, int64_t *ret_end_ms)
{
    const struct admin_query *query = page->query;
    int64_t width = ADMIN_WINDOW_MIN_MS, end = first_end(query);
    int result = 0;

    while (end > query->from_ms && page->printed < query->limit && page->read < ADMIN_SCAN_MAX) {
        int64_t begin = end - query->from_ms > width ? end - width : query->from_ms;
        result = do_window(page, rows, begin, end);
        if (result != 0)
            break;
        if (page->window < ADMIN_WINDOW_ROWS)
            width = width < ADMIN_WINDOW_MAX_MS / 2 ? width * 2 : ADMIN_WINDOW_MAX_MS;
        end = begin;
    }
    *ret_end_ms = end;
    return result;
}

/* Where the next page goes on; false: there is none. */
static bool next_place(const struct page *page, int64_t end_ms, struct ledger_ref *ret_place)
{
    bool full = page->printed == page->query->limit;

    if (end_ms <= page->query->from_ms && (!full || page->matched <= page->wanted))
        return false;
    *ret_place = full ? page->last : (struct ledger_ref){.created_at_ms = end_ms};
    return true;
}

int admin_requests_write(const struct admin_rows *rows, const struct admin_query *query, FILE *out)
{
    struct page page = {.query = query, .out = out, .size = query->limit};
    struct ledger_ref next;
    char place[ADMIN_PLACE_MAX];
    int64_t end_ms;
    int result;

    assert(query->limit > 0 && query->limit <= ADMIN_LIMIT_MAX);
    page.ring = calloc(page.size, sizeof *page.ring);
    if (page.ring == NULL)
        return -ENOMEM;
    fprintf(out, "{\"month\":\"%s\",\"data\":[", query->month);
    result = read_windows(&page, rows, &end_ms);
    if (result == 0 && next_place(&page, end_ms, &next)) {
        admin_place_print(&next, place);
        fprintf(out, "],\"next\":\"%s\"}\n", place);
    } else if (result == 0) {
        fputs("],\"next\":null}\n", out);
    }
    for (size_t i = 0; i < page.size; i++)
        free(page.ring[i].bytes);
    free(page.ring);
    return result == 0 && ferror(out) ? -EIO : result;
}
