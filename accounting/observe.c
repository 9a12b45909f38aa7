/* observe.c - the list of a row's observations: read strictly, written in one form. See observe.h.
 *
 *     [{"from":WORD,"at":NUMBER(,"billed":"D")(,"upstream":"D")(,"market":"D")(,"byok":true|false)
 *       (,"dropped":NUMBER)}(,{...})*]
 *
 * Members come in this order, "dropped" on the first only; numbers and decimals have one spelling.
 */
#include "accounting/observe.h"

#include "accounting/money_text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    DROPPED_MAX = 999999999,
    /* One observation with everything said: names, sums, "at" and "dropped". */
    ITEM_MAX = 96 + 3 * MONEY_TEXT_MAX + 20 + 9,
};
_Static_assert(2 * ITEM_MAX + 3 <= (int)ROW_OBSERVED_BYTES_MAX,
               "the first and the last always fit");

static const char *const names[OBSERVE_SOURCES] = {
    [OBSERVE_USAGE] = "usage",
    [OBSERVE_METADATA] = "metadata",
    [OBSERVE_CONFIGURED] = "configured",
    [OBSERVE_GENERATION] = "generation",
};

/* With room for the one that comes, before one goes. */
struct history {
    struct observation list[OBSERVATIONS_MAX + 1];
    size_t count;
    int64_t dropped;
};

const char *observe_source_name(enum observe_source source)
{
    assert((unsigned)source < OBSERVE_SOURCES);
    return names[source];
}

/* --- reading --- */

struct reader {
    const char *at, *end;
};

static bool take(struct reader *reader, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

static bool at_digit(const struct reader *reader)
{
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool take_number(struct reader *reader, int64_t max, int64_t *ret_number)
{
    const char *first = reader->at;
    int64_t number = 0;

    for (; at_digit(reader); reader->at++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *reader->at - '0', &number))
            return false;
    }
    if (reader->at == first || (*first == '0' && reader->at - first > 1) || number > max)
        return false;
    *ret_number = number;
    return true;
}

/* True where the member is not there, or is as it should be. */
static bool take_sum(struct reader *reader, const char *name, struct maybe_money *sum)
{
    const char *end;

    if (!take(reader, name))
        return true;
    sum->known = true;
    end = memchr(reader->at, '"', (size_t)(reader->end - reader->at));
    if (end == NULL || money_text_read(reader->at, (size_t)(end - reader->at), &sum->money) < 0)
        return false;
    reader->at = end + 1;
    return true;
}

static bool take_source(struct reader *reader, enum observe_source *ret_source)
{
    for (unsigned i = 0; i < OBSERVE_SOURCES; i++) {
        if (take(reader, names[i])) {
            *ret_source = (enum observe_source)i;
            return true;
        }
    }
    return false;
}

static bool says_anything(const struct observation *seen)
{
    return seen->billed.known || seen->upstream.known || seen->market.known || seen->byok >= 0;
}

static bool take_observation(struct reader *reader, struct observation *seen)
{
    *seen = (struct observation){.byok = -1};
    if (!take(reader, "{\"from\":\"") || !take_source(reader, &seen->source) ||
        !take(reader, "\",\"at\":") || !take_number(reader, INT64_MAX, &seen->at_ms) ||
        !take_sum(reader, ",\"billed\":\"", &seen->billed) ||
        !take_sum(reader, ",\"upstream\":\"", &seen->upstream) ||
        !take_sum(reader, ",\"market\":\"", &seen->market))
        return false;
    if (take(reader, ",\"byok\":true"))
        seen->byok = 1;
    else if (take(reader, ",\"byok\":false"))
        seen->byok = 0;
    return says_anything(seen);
}

static int read_history(struct text text, struct history *history)
{
    struct reader reader;

    history->count = 0;
    history->dropped = 0;
    if (text.len == 0)
        return 0;
    reader = (struct reader){text.bytes, text.bytes + text.len};
    if (text.len > ROW_OBSERVED_BYTES_MAX || !take(&reader, "["))
        return -EBADMSG;
    do {
        if (history->count == OBSERVATIONS_MAX ||
            !take_observation(&reader, &history->list[history->count]))
            return -EBADMSG;
        if (history->count++ == 0 && take(&reader, ",\"dropped\":") &&
            (!take_number(&reader, DROPPED_MAX, &history->dropped) || history->dropped == 0))
            return -EBADMSG;
        if (!take(&reader, "}"))
            return -EBADMSG;
    } while (take(&reader, ","));
    return take(&reader, "]") && reader.at == reader.end ? 0 : -EBADMSG;
}

int observe_parse(struct text text, struct observation list[OBSERVATIONS_MAX], size_t *ret_count)
{
    struct history history;
    int rc = read_history(text, &history);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < history.count; i++)
        list[i] = history.list[i];
    *ret_count = history.count;
    return 0;
}

/* --- writing --- */

struct printer {
    char *text;
    size_t size, len;
};

/* Counts on beyond the end, so that the caller learns that it did not fit. */
static void put(struct printer *printer, const char *text)
{
    size_t len = strlen(text);

    if (printer->len + len <= printer->size)
        memcpy(printer->text + printer->len, text, len);
    printer->len += len;
}

static void put_number(struct printer *printer, const char *name, int64_t number)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%lld", (long long)number);
    put(printer, name);
    put(printer, digits);
}

static void put_sum(struct printer *printer, const char *name, struct maybe_money sum)
{
    char decimal[MONEY_TEXT_MAX];

    if (!sum.known)
        return;
    money_print(sum.money, decimal);
    put(printer, name);
    put(printer, decimal);
    put(printer, "\"");
}

static void put_observation(struct printer *printer, const struct observation *seen)
{
    put(printer, "{\"from\":\"");
    put(printer, observe_source_name(seen->source));
    put_number(printer, "\",\"at\":", seen->at_ms);
    put_sum(printer, ",\"billed\":\"", seen->billed);
    put_sum(printer, ",\"upstream\":\"", seen->upstream);
    put_sum(printer, ",\"market\":\"", seen->market);
    if (seen->byok >= 0)
        put(printer, seen->byok != 0 ? ",\"byok\":true" : ",\"byok\":false");
}

/* 0 when it does not fit. */
static size_t print_history(const struct history *history, char text[ROW_OBSERVED_BYTES_MAX])
{
    struct printer printer = {text, ROW_OBSERVED_BYTES_MAX, 0};

    if (history->count > OBSERVATIONS_MAX)
        return 0;
    for (size_t i = 0; i < history->count; i++) {
        put(&printer, i == 0 ? "[" : ",");
        put_observation(&printer, &history->list[i]);
        if (i == 0 && history->dropped > 0)
            put_number(&printer, ",\"dropped\":", history->dropped);
        put(&printer, "}");
    }
    put(&printer, "]");
    return printer.len <= printer.size ? printer.len : 0;
}

/* --- what follows from them --- */

static bool same_sum(struct maybe_money a, struct maybe_money b)
{
    return a.known == b.known && (!a.known || money_compare(a.money, b.money) == 0);
}

static bool same_figures(const struct observation *a, const struct observation *b)
{
    return same_sum(a->billed, b->billed) && same_sum(a->upstream, b->upstream) &&
           same_sum(a->market, b->market) && a->byok == b->byok;
}

static void take_figures(struct observation *figures, const struct observation *seen)
{
    if (!figures->billed.known)
        figures->billed = seen->billed;
    if (!figures->upstream.known)
        figures->upstream = seen->upstream;
    if (!figures->market.known)
        figures->market = seen->market;
    if (figures->byok < 0)
        figures->byok = seen->byok;
}

void observe_figures(const struct observation *list, size_t count, struct observation *ret_figures)
{
    struct observation figures = {.byok = -1};

    for (unsigned rank = OBSERVE_SOURCES; rank-- > 0;) {
        for (size_t i = count; i-- > 0;) {
            if ((unsigned)list[i].source == rank)
                take_figures(&figures, &list[i]);
        }
    }
    /* Whoever said of a vendor's bill was wrong about the key that it goes to. */
    if (figures.byok == 0)
        figures.upstream.known = false;
    *ret_figures = figures;
}

/* Whether later ones of its source say all that this one does, so that no figure depends on it. */
static bool is_superseded(const struct history *history, size_t index)
{
    const struct observation *old = &history->list[index];
    struct observation later = {.byok = -1};

    for (size_t i = index + 1; i < history->count; i++) {
        if (history->list[i].source == old->source)
            take_figures(&later, &history->list[i]);
    }
    return (later.billed.known || !old->billed.known) &&
           (later.upstream.known || !old->upstream.known) &&
           (later.market.known || !old->market.known) && (later.byok >= 0 || old->byok < 0);
}

/* The first and the last stay. */
static void drop_one(struct history *history)
{
    size_t gone = 1;

    assert(history->count > 2);
    while (gone < history->count - 1 && !is_superseded(history, gone))
        gone++;
    if (gone == history->count - 1)
        gone = 1;
    history->count--;
    memmove(&history->list[gone], &history->list[gone + 1],
            (history->count - gone) * sizeof(history->list[0]));
    if (history->dropped < DROPPED_MAX)
        history->dropped++;
}

/* A row from before there were lists has its figures from the answer. */
static void begin_history(const struct ledger_row *row, struct history *history)
{
    struct observation first = {
        .source = OBSERVE_USAGE,
        .at_ms = row->created_at_ms > 0 ? row->created_at_ms : 0,
        .billed = row->billed,
        .upstream = row->upstream_cost,
        .market = row->market,
        .byok = row->byok,
    };

    if (first.billed.known || first.upstream.known || first.market.known)
        history->list[history->count++] = first;
}

static bool is_repeated(const struct history *history, const struct observation *seen)
{
    for (size_t i = history->count; i-- > 0;) {
        if (history->list[i].source == seen->source)
            return same_figures(&history->list[i], seen);
    }
    return false;
}

static void set_figures(struct ledger_row *row, const struct history *history)
{
    struct observation was = {.billed = row->billed,
                              .upstream = row->upstream_cost,
                              .market = row->market,
                              .byok = row->byok};
    struct observation is;

    observe_figures(history->list, history->count, &is);
    row->billed = is.billed;
    row->upstream_cost = is.upstream;
    row->market = is.market;
    row->byok = is.byok;
    if (history->count > 1 && !same_figures(&was, &is))
        row->version++;
}

int observe_add(struct ledger_row *row, const struct observation *seen,
                char buffer[ROW_OBSERVED_BYTES_MAX])
{
    struct history history;
    size_t len;
    int rc = read_history(row->observed, &history);

    assert((unsigned)seen->source < OBSERVE_SOURCES);
    assert(seen->at_ms >= 0);
    if (rc < 0)
        return rc;
    if (!says_anything(seen))
        return 0;
    if (row->observed.len == 0)
        begin_history(row, &history);
    if (is_repeated(&history, seen)) {
        if (row->observed.len > 0)
            return 0;
        history.count = 0; /* the row was given these figures beforehand: it is the same one */
    }
    history.list[history.count++] = *seen;
    while ((len = print_history(&history, buffer)) == 0)
        drop_one(&history);
    row->observed = (struct text){buffer, len};
    set_figures(row, &history);
    return 1;
}
