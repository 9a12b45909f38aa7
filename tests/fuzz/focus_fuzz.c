/* focus_fuzz.c - any bytes are a FOCUS dataset that holds or one that does not, said in time and
 * the same way twice: the first byte chooses the form and the version, the rest is the file. A
 * number that is read is equal to itself, and to itself times one; a report of any bytes is
 * compared or refused. */
#include "accounting/focus_check.h"
#include "accounting/focus_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static struct focus_check check_bytes(const struct focus_order *order, const uint8_t *data,
                                      size_t len)
{
    struct focus_check check = {0};
    FILE *in = fmemopen((void *)(uintptr_t)data, len, "r"), *notes = fopen("/dev/null", "w");
    require(in != NULL && notes != NULL);
    require(focus_validate(NULL, order, in, notes, &check) == 0);
    fclose(in);
    fclose(notes);
    return check;
}

static void check_file(uint8_t choice, const uint8_t *data, size_t len)
{
    struct focus_order order = {
        .from_ms = INT64_C(1793491200000),
        .to_ms = INT64_C(1796083200000),
        .profile = (choice & 1) != 0 ? FOCUS_1_4 : FOCUS_1_2,
        .form = (choice & 2) != 0 ? FOCUS_JSONL : FOCUS_CSV,
    };
    struct focus_check once, twice;
    uint64_t ends = 0;
    if ((choice & 4) != 0) {
        order.vendor_report = (const char *)data;
        order.vendor_report_len = len;
    }
    once = check_bytes(&order, data, len);
    twice = check_bytes(&order, data, len);
    for (size_t i = 0; i < len; i++)
        ends += data[i] == '\n';
    require(once.lines <= ends + 1);
    require(once.failed == (unsigned)__builtin_popcount(once.points));
    require((once.points & ~((1u << FOCUS_POINTS) - 2)) == 0);
    require(once.points == twice.points && once.lines == twice.lines);
}

static void check_number(const char *bytes, size_t len)
{
    static const struct focus_decimal one = {.count = 1, .limb = {1}};
    struct focus_decimal number;
    struct money money;
    if (focus_decimal_parse((struct text){bytes, len}, &number) != 0)
        return;
    require(focus_decimal_compare(&number, &number) == 0);
    require(focus_decimal_is_product(&number, &one, &number));
    require(focus_decimal_is_product(&one, &number, &number));
    if (focus_decimal_money(&number, &money) == 0) {
        char text[MONEY_TEXT_MAX];
        struct focus_decimal again;
        size_t printed = money_print(money, text);
        require(focus_decimal_parse((struct text){text, printed}, &again) == 0);
        require(focus_decimal_compare(&number, &again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    check_file(data[0], data + 1, len - 1);
    check_number((const char *)data + 1, len - 1);
    focus_json_is_flat((struct text){(const char *)data + 1, len - 1});
    return 0;
}
