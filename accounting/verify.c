/* verify.c - the months, one after the other, and what is said about them. */
#include "accounting/verify.h"

#include "accounting/verify_private.h"

#include <assert.h>
#include <errno.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int verify_ref_compare(const struct ledger_ref *a, const struct ledger_ref *b)
{
    if (a->created_at_ms != b->created_at_ms)
        return a->created_at_ms < b->created_at_ms ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

/* --- complaints --- */

/* An id may be anything: what a terminal could take for more than text is shown as a dot. */
static size_t put_id(char *to, size_t size, struct text id)
{
    size_t len = id.len < VERIFY_ID_TEXT ? id.len : VERIFY_ID_TEXT;
    if (len + 1 >= size)
        return 0;
    to[0] = ' ';
    for (size_t i = 0; i < len; i++)
        to[i + 1] = id.bytes[i] > ' ' && id.bytes[i] < 0x7f ? id.bytes[i] : '.';
    return len + 1;
}

static size_t put_place(char *to, size_t size, const struct verify_month *month,
                        const struct ledger_ref *ref, struct text id)
{
    int len = ref == NULL
                  ? snprintf(to, size, "%s", month->name)
                  : snprintf(to, size, "%s: %lld/%llu", month->name, (long long)ref->created_at_ms,
                             (unsigned long long)ref->sequence);
    assert(len > 0 && (size_t)len < size);
    return (size_t)len + put_id(to + len, id.len > 0 ? size - (size_t)len : 0, id);
}

/* Of the month's complaints the one about its first row is kept; what concerns no row comes last.
 */
static void keep_worst(struct verify_month *month, const struct ledger_ref *ref, const char *text)
{
    static const struct ledger_ref none = {INT64_MAX, UINT64_MAX};
    if (ref == NULL)
        ref = &none;
    if (month->worst_text[0] != '\0' && verify_ref_compare(&month->worst, ref) <= 0)
        return;
    month->worst = *ref;
    snprintf(month->worst_text, sizeof(month->worst_text), "%s", text);
}

void verify_complain(struct verify_month *month, const struct ledger_ref *ref, struct text id,
                     const char *format, ...)
{
    const struct verify_order *order = month->verify->order;
    unsigned max = order->complaints_max > 0 ? order->complaints_max : 20;
    char text[sizeof(month->worst_text)];
    size_t len = put_place(text, sizeof(text) - 2, month, ref, id);
    va_list arguments;
    text[len++] = ':';
    text[len++] = ' ';
    va_start(arguments, format);
    vsnprintf(text + len, sizeof(text) - len, format, arguments);
    va_end(arguments);
    keep_worst(month, ref, text);
    if (month->complaints++ < max)
        fprintf(month->verify->out, "%s\n", text);
}

/* --- the months --- */

static int add_month(struct verify *verify, int64_t ms)
{
    struct verify_one *one = verify->months, *end = one + verify->month_count;
    int64_t from_ms, to_ms;
    ledger_month_range(ms, &from_ms, &to_ms);
    while (one < end && one->from_ms < from_ms)
        one++;
    if (one < end && one->from_ms == from_ms)
        return 0;
    if (verify->month_count == VERIFY_MONTHS_MAX)
        return -E2BIG;
    memmove(one + 1, one, (size_t)(end - one) * sizeof(*one));
    *one = (struct verify_one){.from_ms = from_ms, .to_ms = to_ms};
    verify->month_count++;
    return 0;
}

/* Those that have rows or a head, and those in which a lane gave its last place: should all rows of
 * one be gone, it is still looked at. */
static int load_months(struct verify *verify)
{
    int64_t *from_ms = malloc(VERIFY_MONTHS_MAX * sizeof(*from_ms));
    size_t count = 0;
    int result = -ENOMEM;
    verify->months = calloc(VERIFY_MONTHS_MAX, sizeof(*verify->months));
    if (from_ms != NULL && verify->months != NULL)
        result = ledger_reader_months(verify->reader, from_ms, VERIFY_MONTHS_MAX, &count);
    for (size_t i = 0; result == 0 && i < count; i++)
        result = add_month(verify, from_ms[i]);
    for (size_t i = 0; result == 0 && i < verify->end_count; i++) {
        int64_t ms = verify->ends[i].ref.created_at_ms;
        if (ms >= 0 && ms < LEDGER_TIME_END_MS)
            result = add_month(verify, ms);
    }
    free(from_ms);
    return result;
}

static void choose_months(struct verify *verify)
{
    for (size_t i = 0; i < verify->month_count; i++) {
        if (verify->months[i].to_ms <= verify->order->from_ms)
            verify->first = i + 1;
        if (verify->months[i].from_ms < verify->order->to_ms)
            verify->end = i + 1;
    }
    if (verify->end < verify->first)
        verify->end = verify->first;
}

static int begin(struct verify *verify)
{
    int result;
    if (RAND_bytes((unsigned char *)verify->salt, sizeof(verify->salt)) != 1)
        return -EIO;
    result = verify_ends_load(verify);
    if (result == 0)
        result = load_months(verify);
    choose_months(verify);
    if (result == 0)
        result = verify_heads_load(verify);
    if (result == 0)
        result = verify_index_load(verify);
    if (result == 0)
        result = verify_places_begin(verify);
    return result;
}

static void release(struct verify *verify)
{
    for (size_t i = 0; i < verify->month_count; i++)
        free(verify->months[i].index);
    places_release(&verify->places);
    free(verify->months);
    free(verify->ends);
}

int verify_ledger(struct ledger_reader *reader, const struct verify_order *order, FILE *out,
                  struct verify_result *ret_result)
{
    struct verify_result found = {0};
    struct verify verify = {.reader = reader, .order = order, .out = out, .result = &found};
    int result;
    assert(order->tolerance_ppm >= 0);
    result = begin(&verify);
    for (size_t i = verify.first; result == 0 && i < verify.end; i++)
        result = verify_month(&verify, i);
    release(&verify);
    if (result < 0)
        return result;
    if (fflush(out) != 0)
        return -EIO;
    *ret_result = found;
    return found.complaints > 0 ? -EBADMSG : 0;
}
