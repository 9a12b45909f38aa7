/* verify_heads.c - seals: each by itself, against the one before it, against its rows. */
#include "accounting/verify_private.h"

#include "accounting/ledger_close.h"
#include "accounting/ledger_place.h"
#include "accounting/ledger_proof.h"

#include <errno.h>
#include <string.h>

static const struct text no_id;

int verify_heads_load(struct verify *verify)
{
    int found = ledger_reader_closed_before(verify->reader, &verify->closed_before_ms);
    if (found < 0)
        return found;
    for (size_t i = 0; i < verify->month_count; i++) {
        struct verify_one *one = &verify->months[i];
        int result = ledger_reader_seal(verify->reader, one->from_ms, &one->seal);
        if (result < 0 && result != -ENOENT && result != -EBADMSG)
            return result;
        one->head = result == 0 ? HEAD_THERE : result == -ENOENT ? HEAD_NONE : HEAD_BROKEN;
        if (one->head != HEAD_NONE)
            verify->sealed = i + 1;
        if (one->head == HEAD_THERE && !verify->has_key) {
            memcpy(verify->key, one->seal.key, SEAL_KEY);
            verify->has_key = true;
        }
    }
    if (verify->order->trusted_key != NULL) {
        memcpy(verify->key, verify->order->trusted_key, SEAL_KEY);
        verify->has_key = true;
    }
    return 0;
}

/* The hash of the head before this one; zeroes: there is none. False: it cannot be known. */
static bool previous_hash(const struct verify *verify, const struct verify_one *one,
                          uint8_t hash[TREE_HASH])
{
    memset(hash, 0, TREE_HASH);
    for (const struct verify_one *at = one; at > verify->months;) {
        at--;
        if (at->head == HEAD_BROKEN)
            return false;
        if (at->head == HEAD_NONE)
            continue; /* a month without a head says so itself */
        seal_hash(&at->seal, hash);
        break;
    }
    return true;
}

void verify_head_alone(struct verify_month *month)
{
    const struct verify *verify = month->verify;
    const struct verify_one *one = month->one;
    uint8_t hash[TREE_HASH];
    if (one->head == HEAD_BROKEN)
        verify_complain(month, NULL, no_id, "its head cannot be read");
    else if (one->head == HEAD_NONE && one < verify->months + verify->sealed)
        verify_complain(month, NULL, no_id, "it has no head, though a later month is closed");
    else if (one->head == HEAD_NONE && one->to_ms <= verify->closed_before_ms)
        verify_complain(month, NULL, no_id,
                        "it has no head, though its closing had begun: close it again (where no "
                        "closing was interrupted, somebody took its head away)");
    if (one->head != HEAD_THERE)
        return;
    if (strcmp(one->seal.month, month->name) != 0)
        verify_complain(month, NULL, no_id, "its head is that of %s", one->seal.month);
    if (memcmp(one->seal.key, verify->key, SEAL_KEY) != 0)
        verify_complain(month, NULL, no_id, "its head was signed by another key");
    if (!seal_verify(&one->seal))
        verify_complain(month, NULL, no_id, "the signature of its head does not hold");
    if (previous_hash(verify, one, hash) && memcmp(hash, one->seal.previous, TREE_HASH) != 0)
        verify_complain(month, NULL, no_id, "its head does not follow the one before it");
    if (one->seal.closed_ms < one->to_ms)
        verify_complain(month, NULL, no_id, "it was closed before it was over");
}

static void compare_sum(struct verify_month *month, const char *name, unsigned money,
                        struct money sealed)
{
    unsigned column = TALLY_TOKENS + money;
    char was[MONEY_TEXT_MAX], is[MONEY_TEXT_MAX];
    if (month->sums_fit && money_compare(month->sums.sum[column], sealed) == 0)
        return;
    money_print(sealed, was);
    money_print(month->sums.sum[column], is);
    verify_complain(month, NULL, no_id, "its rows have %s %s, its head says %s", name, is, was);
}

static void compare_place(struct verify_month *month, const char *name, const struct ledger_ref *is,
                          const struct ledger_ref *sealed)
{
    if (verify_ref_compare(is, sealed) == 0)
        return;
    verify_complain(month, NULL, no_id, "its %s row is at %lld/%llu, its head says %lld/%llu", name,
                    (long long)is->created_at_ms, (unsigned long long)is->sequence,
                    (long long)sealed->created_at_ms, (unsigned long long)sealed->sequence);
}

static void compare_count(struct verify_month *month, const char *name, uint64_t is,
                          uint64_t sealed)
{
    if (is != sealed)
        verify_complain(month, NULL, no_id, "it has %llu %s, its head says %llu",
                        (unsigned long long)is, name, (unsigned long long)sealed);
}

void verify_head_rows(struct verify_month *month)
{
    const struct seal *seal = &month->one->seal;
    uint8_t root[TREE_HASH];
    compare_count(month, "rows", month->rows, seal->rows);
    compare_place(month, "first", &month->first, &seal->first);
    compare_place(month, "last", &month->last, &seal->last);
    compare_count(month, "places", places_issued(&month->places), seal->issued);
    compare_sum(month, "booked_usd", TALLY_BOOKED, seal->booked);
    compare_sum(month, "billed_usd", TALLY_BILLED, seal->billed);
    compare_sum(month, "saved_usd", TALLY_SAVED, seal->saved);
    tree_root(&month->tree, root);
    if (memcmp(root, seal->root, TREE_HASH) != 0)
        verify_complain(month, NULL, no_id, "its rows are not those that were sealed");
}

/* --- corrections --- */

struct search {
    const struct ledger_ref *ref;
    bool found;
};

static int look(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct search *search = arg;
    (void)bytes;
    (void)len;
    search->found = verify_ref_compare(ref, search->ref) == 0;
    return search->found;
}

static const struct verify_one *month_of(const struct verify *verify, int64_t ms)
{
    for (size_t i = verify->month_count; i > 0; i--)
        if (verify->months[i - 1].from_ms <= ms && ms < verify->months[i - 1].to_ms)
            return &verify->months[i - 1];
    return NULL;
}

static int any_row(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    (void)arg;
    (void)ref;
    (void)bytes;
    (void)len;
    return 1;
}

int verify_correction(struct verify_month *month, const struct ledger_ref *ref,
                      const struct ledger_row *row)
{
    struct verify *verify = month->verify;
    struct ledger_ref corrected;
    struct search search = {&corrected, false};
    const struct verify_one *one;
    int result;
    if (ledger_place_parse(row->corrects, &corrected) < 0)
        return 0; /* said by verify_row() */
    one = month_of(verify, corrected.created_at_ms);
    if (one == NULL || !verify_is_closed(verify, one)) {
        verify_complain(month, ref, row->id, "corrects a row of a month that is not closed");
        return 0;
    }
    result = ledger_reader_raw(verify->reader, corrected.created_at_ms, corrected.created_at_ms + 1,
                               look, &search);
    if (result == 0)
        result = ledger_reader_raw(verify->reader, one->from_ms, one->to_ms, any_row, NULL);
    else if (search.found)
        return 0;
    if (result == 1) /* else the whole month was dropped */
        verify_complain(month, ref, row->id, "corrects a row that is not there");
    return result < 0 && result != -EBADMSG ? result : 0;
}
