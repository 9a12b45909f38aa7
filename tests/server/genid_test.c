#include "server/genid.h"

#include "accounting/ledger_find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void openrouter_ids_have_its_form_and_never_repeat(void **state)
{
    static struct genid genid;
    char first[GENID_MAX + 1], again[GENID_MAX + 1];

    (void)state;
    genid_init(&genid);
    genid_openrouter(&genid, INT64_C(1779358422999), first);
    for (int i = 0; i < 2000; i++) { /* across several refills of the pool */
        genid_openrouter(&genid, INT64_C(1779358422999), again);
        assert_int_equal(strlen(again), GENID_OPENROUTER_LEN);
        assert_memory_equal(again, "gen-1779358422-", 15);
        assert_int_equal(strspn(again + 15, base62), 20);
        assert_string_not_equal(first, again);
        memcpy(first, again, sizeof first);
    }
}

/* 62 does not divide 64: the first characters would be twice as likely by a remainder. With 200,000
 * characters each comes 3,226 times give or take 56; ten of those are allowed. */
static void every_character_is_as_likely(void **state)
{
    static struct genid genid;
    char id[GENID_MAX + 1];
    unsigned counts[256] = {0};

    (void)state;
    genid_init(&genid);
    for (int i = 0; i < 10000; i++) {
        genid_openrouter(&genid, INT64_C(1779358422000), id);
        for (int j = 15; j < GENID_OPENROUTER_LEN; j++)
            counts[(unsigned char)id[j]]++;
    }
    for (size_t i = 0; base62[i] != '\0'; i++)
        assert_in_range(counts[(unsigned char)base62[i]], 2660, 3790);
}

/* Rows of hits are found by it. */
static void both_forms_carry_their_time(void **state)
{
    static struct genid genid;
    char id[GENID_MAX + 1];
    int64_t from_ms = 0, span_ms = 0;

    (void)state;
    genid_init(&genid);
    genid_openrouter(&genid, INT64_C(1795215111123), id);
    assert_true(ledger_id_time(text_of(id), &from_ms, &span_ms));
    assert_int_equal(from_ms, INT64_C(1795215111000));
    assert_int_equal(span_ms, 1000);
    genid_vercel(&genid, INT64_C(1795215111123), id);
    assert_true(ledger_id_time(text_of(id), &from_ms, &span_ms));
    assert_int_equal(from_ms, INT64_C(1795215111123));
    assert_int_equal(span_ms, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openrouter_ids_have_its_form_and_never_repeat),
        cmocka_unit_test(every_character_is_as_likely),
        cmocka_unit_test(both_forms_carry_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
