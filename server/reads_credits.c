/* reads_credits.c - an upstream's credits in the other vendor's shape (vercel section 10), exact to
 * the last digit: what is only moved is spliced, what is computed is computed in money.h. */
#include "server/reads_private.h"

#include <errno.h>
#include <string.h>

/* A decimal as a string or a number; the raw digits. */
static bool read_decimal(const struct json_doc *doc, uint32_t token, struct text *ret_text,
                         struct money *ret_money)
{
    size_t from, to;

    if (token == JSON_NONE)
        return false;
    from = doc->tokens[token].start;
    to = doc->tokens[token].end;
    if (doc->tokens[token].type == JSON_STRING && !doc->tokens[token].escaped) {
        from++;
        to--;
    } else if (doc->tokens[token].type != JSON_NUMBER) {
        return false;
    }
    *ret_text = (struct text){doc->text + from, to - from};
    return money_parse(ret_text->bytes, ret_text->len, ret_money, NULL) == 0;
}

/* Digits that came in a string may not be a JSON number ("007"); then the value is printed. */
static void print_number(struct out *out, const char *name, struct text digits, struct money money)
{
    bool zero_first = digits.len > 1 && digits.bytes[0] == '0' && digits.bytes[1] >= '0' &&
                      digits.bytes[1] <= '9';

    out_name(out, name);
    if (zero_first || digits.bytes[0] == '-')
        out_money(out, money);
    else
        out_bytes(out, digits.bytes, digits.len);
}

/* An exponent is no plain notation: then the value is printed. */
static void print_string(struct out *out, const char *name, struct text digits, struct money money)
{
    bool plain = memchr(digits.bytes, 'e', digits.len) == NULL &&
                 memchr(digits.bytes, 'E', digits.len) == NULL;

    out_name(out, name);
    out_char(out, '"');
    if (plain)
        out_bytes(out, digits.bytes, digits.len);
    else
        out_money(out, money);
    out_char(out, '"');
}

static int from_vercel(const struct json_doc *doc, struct out *out)
{
    struct text balance_text, used_text;
    struct money balance, used, total;

    if (!read_decimal(doc, json_get(doc, 0, "balance"), &balance_text, &balance) ||
        !read_decimal(doc, json_get(doc, 0, "total_used"), &used_text, &used) ||
        money_add(balance, used, &total) != 0)
        return -EBADMSG;
    out_text(out, "{\"data\":{");
    reads_money(out, "total_credits", (struct maybe_money){true, total});
    print_number(out, "total_usage", used_text, used);
    out_text(out, "}}");
    return 0;
}

static int from_openrouter(const struct json_doc *doc, uint32_t data, struct out *out)
{
    struct text total_text, used_text;
    struct money total, used, balance;

    if (!read_decimal(doc, json_get(doc, data, "total_credits"), &total_text, &total) ||
        !read_decimal(doc, json_get(doc, data, "total_usage"), &used_text, &used) ||
        money_subtract(total, used, &balance) != 0)
        return -EBADMSG;
    out_char(out, '{');
    out_name(out, "balance");
    out_char(out, '"');
    out_money(out, balance);
    out_char(out, '"');
    print_string(out, "total_used", used_text, used);
    out_char(out, '}');
    return 0;
}

int reads_tightest(const struct budget_state states[BUDGET_PERIODS], struct money *ret_left)
{
    struct money left;
    int tightest = -1;

    for (int i = 0; i < BUDGET_PERIODS; i++) {
        if (!states[i].limited || money_subtract(states[i].limit, states[i].spent, &left) != 0)
            continue;
        if (left.femto < 0)
            left.femto = 0;
        if (tightest >= 0 && money_compare(left, *ret_left) >= 0)
            continue;
        tightest = i;
        *ret_left = left;
    }
    return tightest;
}

int reads_print_own_credits(const struct budget_state states[BUDGET_PERIODS],
                            enum config_dialect to, struct out *out)
{
    struct money left = {0};
    int tightest = reads_tightest(states, &left);

    if (tightest < 0)
        return -ENOENT;
    if (to == DIALECT_OPENROUTER) {
        out_text(out, "{\"data\":{");
        reads_money(out, "total_credits", (struct maybe_money){true, states[tightest].limit});
        reads_money(out, "total_usage", (struct maybe_money){true, states[tightest].spent});
        out_text(out, "}}");
        return 0;
    }
    out_text(out, "{\"balance\":\"");
    out_money(out, left);
    out_text(out, "\",\"total_used\":\"");
    out_money(out, states[tightest].spent);
    out_text(out, "\"}");
    return 0;
}

int reads_print_credits(struct text answer, enum config_dialect to, struct out *out)
{
    struct json_doc doc;
    uint32_t data;
    bool wants_data = to == DIALECT_OPENROUTER;
    int result = -EBADMSG;

    json_doc_init(&doc);
    if (answer.len > 0 && json_parse(&doc, answer.bytes, answer.len, NULL) == 0) {
        data = json_get(&doc, 0, "data");
        if ((data != JSON_NONE) == wants_data &&
            (data != JSON_NONE || json_get(&doc, 0, "balance") != JSON_NONE)) {
            out_bytes(out, answer.bytes, answer.len); /* it is in these words already */
            result = 0;
        } else if (data != JSON_NONE) {
            result = from_openrouter(&doc, data, out);
        } else {
            result = from_vercel(&doc, out);
        }
    }
    json_doc_release(&doc);
    return result;
}
