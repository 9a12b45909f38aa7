#include "server/late_savings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct money usd(int64_t units)
{
    return (struct money){.femto = units};
}

static int64_t known(struct late_savings *savings, const char *id)
{
    struct maybe_money money = late_savings_get(savings, text_of(id));

    return money.known ? (int64_t)money.money.femto : -1;
}

static void what_was_put_is_got(void **state)
{
    struct late_savings *savings = late_savings_new();
    char long_id[ROW_ID_MAX + 2];

    (void)state;
    assert_non_null(savings);
    assert_int_equal(known(savings, "gen-1"), -1);
    late_savings_put(savings, TEXT("gen-1"), usd(5));
    late_savings_put(savings, TEXT("gen-12"), usd(7));
    late_savings_put(savings, TEXT("free"), usd(0));
    assert_int_equal(known(savings, "gen-1"), 5);
    assert_int_equal(known(savings, "gen-12"), 7);
    assert_int_equal(known(savings, "free"), 0);
    assert_int_equal(known(savings, "gen-"), -1);
    late_savings_put(savings, TEXT("gen-1"), usd(6));
    assert_int_equal(known(savings, "gen-1"), 6);
    late_savings_put(savings, TEXT(""), usd(6));
    assert_int_equal(known(savings, ""), -1);
    memset(long_id, 'x', sizeof long_id);
    long_id[ROW_ID_MAX + 1] = '\0';
    late_savings_put(savings, text_of(long_id), usd(6));
    assert_int_equal(known(savings, long_id), -1);
    long_id[ROW_ID_MAX] = '\0';
    late_savings_put(savings, text_of(long_id), usd(8));
    assert_int_equal(known(savings, long_id), 8);
    late_savings_free(savings);
}

/* Never more than the maximum, the latest among them, and each with its own figure. */
static void the_oldest_leave(void **state)
{
    enum { PUT = LATE_SAVINGS_MAX * 2, LATEST = 1000 };
    struct late_savings *savings = late_savings_new();
    unsigned left = 0;
    char id[32];

    (void)state;
    for (int i = 0; i < PUT; i++) {
        snprintf(id, sizeof id, "gen-%d", i);
        late_savings_put(savings, text_of(id), usd(i));
    }
    for (int i = 0; i < PUT; i++) {
        int64_t money;
        snprintf(id, sizeof id, "gen-%d", i);
        money = known(savings, id);
        assert_true(money == -1 || money == i);
        left += money == i;
        if (i >= PUT - LATEST)
            assert_int_equal(money, i);
    }
    assert_in_range(left, LATE_SAVINGS_MAX * 9 / 10, LATE_SAVINGS_MAX);
    late_savings_free(savings);
}

static void a_row_saves_what_it_cost(void **state)
{
    struct ledger_row row;

    (void)state;
    row_init(&row);
    assert_false(late_savings_of(&row).known);
    row.upstream_cost = (struct maybe_money){.known = true, .money = usd(3)};
    assert_false(late_savings_of(&row).known);
    row.billed = (struct maybe_money){.known = true, .money = usd(4)};
    assert_true(late_savings_of(&row).known);
    assert_int_equal((int64_t)late_savings_of(&row).money.femto, 7);
    row.upstream_cost.known = false;
    assert_int_equal((int64_t)late_savings_of(&row).money.femto, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_got),
        cmocka_unit_test(the_oldest_leave),
        cmocka_unit_test(a_row_saves_what_it_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
