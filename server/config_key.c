/* config_key.c - one row of the table at work: text into its field and back, what a value must be,
 * and its line of documentation. */
#include "server/config_table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(enum config_dialect) == sizeof(unsigned), "a choice is stored as unsigned");
_Static_assert(sizeof(enum config_durability) == sizeof(unsigned),
               "a choice is stored as unsigned");
_Static_assert(sizeof(enum config_cost_unit) == sizeof(unsigned), "a choice is stored as unsigned");

static bool is_money(enum config_type type)
{
    return type == CONFIG_MONEY || type == CONFIG_BUDGET;
}

static void print_number(enum config_type type, uint64_t value, char text[CONFIG_NUMBER_SIZE])
{
    if (type == CONFIG_SIZE)
        config_size_print(value, text);
    else if (type == CONFIG_SPAN)
        config_span_print(value, text);
    else if (type == CONFIG_PERIOD)
        config_period_print(value, text);
    else if (type == CONFIG_PERCENT)
        config_percent_print(value, text);
    else if (type == CONFIG_MONTHS)
        config_months_print(value, text);
    else
        snprintf(text, CONFIG_NUMBER_SIZE, "%" PRIu64, value);
}

/* "vercel, openrouter or openai" */
static void print_choices(const struct config_key *key, char *text, size_t size)
{
    size_t len = 0;
    text[0] = '\0';
    for (unsigned i = 0; key->choices[i] != NULL; i++) {
        const char *between = i == 0 ? "" : key->choices[i + 1] == NULL ? " or " : ", ";
        int added = snprintf(text + len, size - len, "%s%s", between, key->choices[i]);
        assert(added > 0);
        len += (size_t)added;
        assert(len < size);
    }
}

/* "0, or 1MiB to 1TiB", empty for what has no range. */
static void print_range(const struct config_key *key, char *text, size_t size)
{
    char min[CONFIG_NUMBER_SIZE], max[CONFIG_NUMBER_SIZE];
    text[0] = '\0';
    if (key->type == CONFIG_CHOICE) {
        print_choices(key, text, size);
        return;
    }
    if (is_money(key->type)) {
        snprintf(text, size, "%s %" PRIu64 " USD", key->or_zero ? "0 to" : "more than 0, up to",
                 key->max);
        return;
    }
    if (key->max == 0 || key->type > CONFIG_CHOICE)
        return;
    print_number(key->type, key->min, min);
    print_number(key->type, key->max, max);
    snprintf(text, size, "%s%s to %s%s", key->or_zero ? "0, or " : "", min, max,
             key->type == CONFIG_SECONDS ? " seconds" : "");
}

static void print_form(const struct config_key *key, char want[CONFIG_WANT_SIZE])
{
    char range[128];
    const char *example = key->example != NULL ? key->example : key->fallback;
    const char *form[CONFIG_TYPES] = {
        [CONFIG_FLAG] = "must be on or off (or true, false, yes, no)",
        [CONFIG_MAYBE] = "must be on or off (or true, false, yes, no)",
        [CONFIG_COUNT] = "must be a whole number",
        [CONFIG_SIZE] = "must be a size in B, KiB, MiB, GiB or TiB, such as",
        [CONFIG_SECONDS] = "must be whole seconds, or a duration in s, m or h, such as",
        [CONFIG_PERIOD] = "must be a duration with its unit, s, m, h or d, such as",
        [CONFIG_SPAN] = "must be a duration with its unit, ms, s, m or h, such as",
        [CONFIG_PERCENT] = "must be a percentage with its %, up to 4 decimals, such as",
        [CONFIG_MONTHS] = "must be months, such as",
        [CONFIG_CHOICE] = "must be",
        [CONFIG_MONEY] = "must be a sum in USD of up to 15 digits, such as",
        [CONFIG_BUDGET] = "must be a sum in USD of up to 15 digits, such as",
    };
    assert(form[key->type] != NULL);
    assert(example != NULL);
    print_range(key, range, sizeof(range));
    if (key->type == CONFIG_FLAG || key->type == CONFIG_MAYBE)
        snprintf(want, CONFIG_WANT_SIZE, "%s", form[key->type]);
    else if (key->type == CONFIG_CHOICE)
        snprintf(want, CONFIG_WANT_SIZE, "%s %s", form[key->type], range);
    else if (key->type == CONFIG_COUNT)
        snprintf(want, CONFIG_WANT_SIZE, "%s, %s", form[key->type], range);
    else
        snprintf(want, CONFIG_WANT_SIZE, "%s %s; %s", form[key->type], example, range);
}

static int parse_choice(const struct config_key *key, const char *text, uint64_t *ret_value)
{
    for (unsigned i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(text, key->choices[i]) == 0) {
            *ret_value = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_seconds(const char *text, uint64_t *ret_seconds)
{
    uint64_t ms;
    if (config_count_parse(text, ret_seconds) == 0)
        return 0;
    if (config_span_parse(text, &ms) < 0 || (ms != UINT64_MAX && ms % 1000 != 0))
        return -EINVAL;
    *ret_seconds = ms / 1000;
    return 0;
}

static int parse_number(const struct config_key *key, const char *text, uint64_t *ret_value)
{
    switch (key->type) {
    case CONFIG_FLAG:
    case CONFIG_MAYBE:
        return config_flag_parse(text, ret_value);
    case CONFIG_COUNT:
        return config_count_parse(text, ret_value);
    case CONFIG_SIZE:
        return config_size_parse(text, ret_value);
    case CONFIG_SECONDS:
        return parse_seconds(text, ret_value);
    case CONFIG_PERIOD:
        return config_period_parse(text, ret_value);
    case CONFIG_SPAN:
        if (key->or_zero && strcmp(text, "0") == 0) { /* nothing has no unit */
            *ret_value = 0;
            return 0;
        }
        return config_span_parse(text, ret_value);
    case CONFIG_PERCENT:
        return config_percent_parse(text, ret_value);
    case CONFIG_MONTHS:
        return config_months_parse(text, ret_value);
    default:
        assert(key->type == CONFIG_CHOICE);
        return parse_choice(key, text, ret_value);
    }
}

static void store_number(const struct config_key *key, void *base, uint64_t value)
{
    char *field = (char *)base + key->at;
    unsigned narrow = (unsigned)value;
    int64_t wide = (int64_t)value;
    bool flag = value != 0;
    if (key->type == CONFIG_FLAG)
        memcpy(field, &flag, sizeof(flag));
    else if (key->type == CONFIG_SIZE)
        memcpy(field, &value, sizeof(value));
    else if (key->type == CONFIG_PERCENT)
        memcpy(field, &wide, sizeof(wide));
    else
        memcpy(field, &narrow, sizeof(narrow));
}

static uint64_t load_number(const struct config_key *key, const void *base)
{
    const char *field = (const char *)base + key->at;
    unsigned narrow;
    uint64_t wide;
    bool flag;
    if (key->type == CONFIG_FLAG) {
        memcpy(&flag, field, sizeof(flag));
        return flag;
    }
    if (key->type == CONFIG_SIZE || key->type == CONFIG_PERCENT) {
        memcpy(&wide, field, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, field, sizeof(narrow));
    return narrow;
}

static int set_number(const struct config_key *key, void *base, const char *text,
                      char want[CONFIG_WANT_SIZE])
{
    char range[128];
    uint64_t value;
    if (parse_number(key, text, &value) < 0) {
        print_form(key, want);
        return -EINVAL;
    }
    if (key->max != 0 && !(key->or_zero && value == 0) && (value < key->min || value > key->max)) {
        print_range(key, range, sizeof(range));
        snprintf(want, CONFIG_WANT_SIZE, "must be %s", range);
        return -EINVAL;
    }
    store_number(key, base, value);
    return 0;
}

static int set_money(const struct config_key *key, void *base, const char *text,
                     char want[CONFIG_WANT_SIZE])
{
    struct maybe_money budget = {.known = true};
    char *field = (char *)base + key->at, range[128];
    struct money max;
    if (config_money_parse(text, &budget.money) < 0) {
        print_form(key, want);
        return -EINVAL;
    }
    max = (struct money){(__int128)key->max * 1000 * 1000 * 1000 * 1000 * 1000};
    if (money_compare(budget.money, max) > 0 || (budget.money.femto == 0 && !key->or_zero)) {
        print_range(key, range, sizeof(range));
        snprintf(want, CONFIG_WANT_SIZE, "must be %s", range);
        return -EINVAL;
    }
    if (key->type == CONFIG_BUDGET)
        memcpy(field, &budget, sizeof(budget));
    else
        memcpy(field, &budget.money, sizeof(budget.money));
    return 0;
}

/* take: value. */
static int replace_text(void *field, char *value)
{
    char *old;
    if (value == NULL)
        return -ENOMEM;
    memcpy(&old, field, sizeof(old));
    free(old);
    memcpy(field, &value, sizeof(value));
    return 0;
}

static int add_string(const struct config_key *key, void *base, const char *text,
                      char want[CONFIG_WANT_SIZE])
{
    struct config_strings *strings = (struct config_strings *)(void *)((char *)base + key->at);
    const char *complaint = key->item_check(text);
    assert(key->max <= CONFIG_STRINGS_MAX);
    if (complaint != NULL) {
        snprintf(want, CONFIG_WANT_SIZE, "%s", complaint);
        return -EINVAL;
    }
    assert(strings->count < key->max);
    strings->item[strings->count] = strdup(text);
    if (strings->item[strings->count] == NULL)
        return -ENOMEM;
    strings->count++;
    return 0;
}

static int set_address(const struct config_key *key, void *base, const char *text,
                       char want[CONFIG_WANT_SIZE])
{
    struct config_address address;
    const char *complaint = config_address_parse(text, &address);
    int error;
    if (complaint != NULL) {
        snprintf(want, CONFIG_WANT_SIZE, "%s", complaint);
        return -EINVAL;
    }
    error = replace_text((char *)base + key->at, strdup(address.host));
    if (error < 0)
        return error;
    memcpy((char *)base + key->at_port, &address.port, sizeof(address.port));
    memcpy((char *)base + key->at_loopback, &address.loopback, sizeof(address.loopback));
    return 0;
}

/* directory and the relative path behind it. Leading ./ and ../ are resolved, which is exact
 * because the directory holds no symbolic link; so messages show plain paths. */
static char *resolve_path(const char *directory, const char *path)
{
    size_t len = strlen(directory);
    char *resolved = NULL;
    if (path[0] == '/')
        return strdup(path);
    for (;;) {
        if (strncmp(path, "./", 2) == 0) {
            path += 2;
        } else if (strncmp(path, "../", 3) == 0) {
            path += 3;
            while (len > 0 && directory[len - 1] != '/')
                len--;
            len -= len > 0 ? 1 : 0;
        } else if (path[0] == '/') {
            path++;
        } else {
            break;
        }
    }
    if (len == 1 && directory[0] == '/')
        len = 0;
    if (asprintf(&resolved, "%.*s/%s", (int)len, directory, path) < 0)
        return NULL;
    return resolved;
}

/* What a path became is checked again: the directory in front of it may be long or odd. */
static int set_path(void *field, const char *directory, const char *text,
                    char want[CONFIG_WANT_SIZE])
{
    char *path = resolve_path(directory, text);
    const char *complaint = path != NULL ? config_path_check(path) : NULL;
    if (complaint == NULL)
        return replace_text(field, path);
    free(path);
    snprintf(want, CONFIG_WANT_SIZE, "%s, its directory included", complaint);
    return -EINVAL;
}

static const char *(*const checks[CONFIG_TYPES])(const char *text) = {
    [CONFIG_NAME] = config_name_check,       [CONFIG_VARIABLE] = config_variable_check,
    [CONFIG_PATH] = config_path_check,       [CONFIG_MODEL] = config_model_check,
    [CONFIG_LABEL] = config_label_check,     [CONFIG_DIGEST] = config_digest_check,
    [CONFIG_MEMBERS] = config_members_check,
};

static int set_text(const struct config_key *key, void *base, const char *directory,
                    const char *text, char want[CONFIG_WANT_SIZE])
{
    void *field = (char *)base + key->at;
    size_t len = strlen(text);
    const char *complaint;
    if (key->type == CONFIG_URL)
        complaint = config_url_check(text, &len);
    else if (checks[key->type] != NULL)
        complaint = checks[key->type](text);
    else
        complaint = len > 0 ? NULL : "must not be empty; write something or remove the line";
    if (complaint != NULL) {
        snprintf(want, CONFIG_WANT_SIZE, "%s", complaint);
        return -EINVAL;
    }
    if (key->type == CONFIG_PATH)
        return set_path(field, directory, text, want);
    return replace_text(field, strndup(text, len));
}

int config_key_set(const struct config_key *key, void *base, const char *directory,
                   const char *text, char want[CONFIG_WANT_SIZE])
{
    if (key->type == CONFIG_ADDRESS)
        return set_address(key, base, text, want);
    if (key->type == CONFIG_STRINGS)
        return add_string(key, base, text, want);
    if (is_money(key->type))
        return set_money(key, base, text, want);
    if (key->type >= CONFIG_URL)
        return set_text(key, base, directory, text, want);
    return set_number(key, base, text, want);
}

/* Numbers have a default, or they may be left out and say so by a value that is none. */
static bool number_is_set(const struct config_key *key, const void *base)
{
    if (key->type == CONFIG_MAYBE)
        return (int)load_number(key, base) >= 0;
    return key->fallback != NULL || key->required || load_number(key, base) >= key->min;
}

static const char *get_money(const struct config_key *key, const void *base,
                             char scratch[CONFIG_HOST_MAX + 16])
{
    const char *field = (const char *)base + key->at;
    struct maybe_money money = {.known = true};
    if (key->type == CONFIG_BUDGET)
        memcpy(&money, field, sizeof(money));
    else
        memcpy(&money.money, field, sizeof(money.money));
    if (!money.known)
        return NULL;
    money_print(money.money, scratch);
    return scratch;
}

const char *config_key_get(const struct config_key *key, const void *base,
                           char scratch[CONFIG_HOST_MAX + 16])
{
    const char *text;
    uint16_t port;
    assert(key->type != CONFIG_STRINGS);
    if (key->type >= CONFIG_ADDRESS) {
        memcpy(&text, (const char *)base + key->at, sizeof(text));
        if (text == NULL || key->type != CONFIG_ADDRESS)
            return text;
        memcpy(&port, (const char *)base + key->at_port, sizeof(port));
        snprintf(scratch, CONFIG_HOST_MAX + 16, strchr(text, ':') != NULL ? "[%s]:%u" : "%s:%u",
                 text, (unsigned)port);
        return scratch;
    }
    if (is_money(key->type))
        return get_money(key, base, scratch);
    if (!number_is_set(key, base))
        return NULL;
    if (key->type == CONFIG_FLAG || key->type == CONFIG_MAYBE)
        return load_number(key, base) != 0 ? "on" : "off";
    if (key->type == CONFIG_CHOICE)
        return key->choices[load_number(key, base)];
    print_number(key->type, load_number(key, base), scratch);
    return scratch;
}

void config_key_describe(const struct config_key *key, FILE *out)
{
    static const char *const types[CONFIG_TYPES] = {
        [CONFIG_FLAG] = "on or off",
        [CONFIG_MAYBE] = "on or off",
        [CONFIG_COUNT] = "whole number",
        [CONFIG_SIZE] = "size in B, KiB, MiB, GiB or TiB; plain: bytes",
        [CONFIG_SECONDS] = "duration in s, m or h; plain: seconds",
        [CONFIG_PERIOD] = "duration in s, m, h or d",
        [CONFIG_SPAN] = "duration in ms, s, m or h",
        [CONFIG_PERCENT] = "percentage, up to 4 decimals",
        [CONFIG_MONTHS] = "months, as in 24 months",
        [CONFIG_CHOICE] = "one of",
        [CONFIG_MONEY] = "USD, up to 15 digits",
        [CONFIG_BUDGET] = "USD, up to 15 digits",
        [CONFIG_ADDRESS] = "host:port",
        [CONFIG_URL] = "URL",
        [CONFIG_NAME] = "1 to 32 of a-z, 0-9, _ and -",
        [CONFIG_VARIABLE] = "name of an environment variable",
        [CONFIG_PATH] = "path, relative to this file",
        [CONFIG_MODEL] = "id of a model",
        [CONFIG_LABEL] = "text of up to 128 bytes",
        [CONFIG_DIGEST] = "sha256: and 64 hex digits",
        [CONFIG_MEMBERS] = "up to 8 names with dots between them",
        [CONFIG_TEXT] = "text of up to 64KiB",
        [CONFIG_JSON] = "mapping, up to 16 deep",
        [CONFIG_STRINGS] = "list of up to",
    };
    char range[128];
    print_range(key, range, sizeof(range));
    if (key->type == CONFIG_STRINGS)
        snprintf(range, sizeof(range), "%" PRIu64 " %s", key->max, key->items);
    fprintf(out, "%s%s%s", types[key->type],
            key->type == CONFIG_CHOICE || key->type == CONFIG_STRINGS ? " " : "; ", range);
    if (range[0] != '\0')
        fputs("; ", out);
    if (key->fallback != NULL)
        fprintf(out, "default %s", key->fallback);
    else
        fprintf(out, "%s, such as %s", key->required ? "required" : "no default", key->example);
}
