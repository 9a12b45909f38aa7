/* focus_vendor.c - point 14: what the dataset says that the gateway bills, by model, against what
 * the gateway's own report says. A difference is listed, never hidden, and fails nothing: which
 * side is right is not for a validator to say (`tollgate reconcile` looks for the cause).
 *
 * The report is Vercel's GET /v1/report by model or OpenRouter's GET /activity: an object with
 * "results" or "data", an array of objects with "model" and the first of "gateway_cost",
 * "total_cost", "usage" and "cost" that is there.
 */
#include "accounting/focus_check.h"

#include "accounting/focus_text.h"
#include "accounting/price_json.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

enum { LISTED_MAX = 1000 };

struct sum {
    struct text model; /* of the report's text */
    struct money ours, theirs;
};

struct focus_vendor {
    struct json_object *root;
    struct sum *sums; /* sorted by model, each once */
    size_t count;
    struct money others; /* ours, of models that the report does not name */
    uint64_t other_lines;
    bool overflow;
};

static void add(struct focus_vendor *vendor, struct money *sum, struct money part)
{
    if (money_add(*sum, part, sum) < 0)
        vendor->overflow = true;
}

/* --- the report --- */

static int read_cost(struct json_object *item, struct money *ret_cost)
{
    static const char *const names[] = {"gateway_cost", "total_cost", "usage", "cost"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct json_object *value;
        const char *text;
        if (!json_object_object_get_ex(item, names[i], &value) || value == NULL)
            continue;
        text = json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                            : json_object_to_json_string(value);
        return money_parse(text, strlen(text), ret_cost, NULL);
    }
    return -EINVAL;
}

static int read_item(struct json_object *item, struct sum *sum)
{
    struct json_object *model;
    if (!json_object_is_type(item, json_type_object) ||
        !json_object_object_get_ex(item, "model", &model) ||
        !json_object_is_type(model, json_type_string) || read_cost(item, &sum->theirs) < 0)
        return -EINVAL;
    sum->model =
        (struct text){json_object_get_string(model), (size_t)json_object_get_string_len(model)};
    return 0;
}

static int compare_sums(const void *left, const void *right)
{
    const struct sum *a = left, *b = right;
    return focus_compare(a->model, b->model);
}

/* Days, users, ... of one model are one sum. */
static void fold(struct focus_vendor *vendor)
{
    size_t kept = 0;
    if (vendor->count == 0)
        return;
    qsort(vendor->sums, vendor->count, sizeof(*vendor->sums), compare_sums);
    for (size_t i = 1; i < vendor->count; i++) {
        if (focus_compare(vendor->sums[kept].model, vendor->sums[i].model) == 0)
            add(vendor, &vendor->sums[kept].theirs, vendor->sums[i].theirs);
        else
            vendor->sums[++kept] = vendor->sums[i];
    }
    vendor->count = kept + 1;
}

static int read_report(struct focus_vendor *vendor, char *error, size_t error_size)
{
    struct json_object *list = NULL;
    if (!json_object_is_type(vendor->root, json_type_object) ||
        (!json_object_object_get_ex(vendor->root, "results", &list) &&
         !json_object_object_get_ex(vendor->root, "data", &list)) ||
        !json_object_is_type(list, json_type_array)) {
        snprintf(error, error_size, "neither \"results\" nor \"data\" is a list");
        return -EINVAL;
    }
    vendor->sums = calloc(json_object_array_length(list) + 1, sizeof(*vendor->sums));
    if (vendor->sums == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        if (read_item(json_object_array_get_idx(list, i), &vendor->sums[i]) < 0) {
            snprintf(error, error_size, "item %zu has no model or no cost: group it by model", i);
            return -EINVAL;
        }
        vendor->count++;
    }
    fold(vendor);
    return 0;
}

int focus_vendor_new(const char *report, size_t len, struct focus_vendor **ret_vendor, char *error,
                     size_t error_size)
{
    struct price_place place = {.error = error, .error_size = error_size};
    struct focus_vendor *vendor = calloc(1, sizeof(*vendor));
    int result = -ENOMEM;
    if (vendor == NULL)
        return result;
    result = price_json_parse(&place, report, len, &vendor->root);
    if (result == 0)
        result = read_report(vendor, error, error_size);
    if (result < 0) {
        if (error[0] == 0)
            snprintf(error, error_size, "%s", strerror(-result));
        focus_vendor_free(vendor);
        return result;
    }
    *ret_vendor = vendor;
    return 0;
}

void focus_vendor_free(struct focus_vendor *vendor)
{
    if (vendor == NULL)
        return;
    json_object_put(vendor->root);
    free(vendor->sums);
    free(vendor);
}

/* --- ours --- */

/* Lines that the model's vendor invoices are in no gateway's report. */
static bool is_gateways(const struct focus_checker *checker)
{
    struct text issuer = focus_cell(checker, FOCUS_INVOICE_ISSUER_NAME);
    struct text service = focus_cell(checker, FOCUS_SERVICE_NAME);
    if (focus_compare(service, TEXT("Vercel AI Gateway")) == 0)
        service = TEXT("Vercel");
    return focus_compare(issuer, service) == 0;
}

void focus_vendor_add(struct focus_vendor *vendor, const struct focus_checker *checker)
{
    struct sum wanted = {.model = focus_cell(checker, FOCUS_RESOURCE_NAME)}, *sum = NULL;
    struct money billed;
    if (!is_gateways(checker) || !checker->read[FOCUS_BILLED_COST] ||
        focus_decimal_money(&checker->number[FOCUS_BILLED_COST], &billed) < 0)
        return;
    if (vendor->count > 0)
        sum = bsearch(&wanted, vendor->sums, vendor->count, sizeof(*vendor->sums), compare_sums);
    if (sum != NULL) {
        add(vendor, &sum->ours, billed);
        return;
    }
    vendor->other_lines++;
    add(vendor, &vendor->others, billed);
}

/* --- both --- */

static void list_sum(struct focus_vendor *vendor, const struct sum *sum, FILE *notes)
{
    char ours[MONEY_TEXT_MAX], theirs[MONEY_TEXT_MAX], text[MONEY_TEXT_MAX];
    struct money difference = {0};
    if (money_subtract(sum->ours, sum->theirs, &difference) < 0)
        vendor->overflow = true;
    money_print(sum->ours, ours);
    money_print(sum->theirs, theirs);
    money_print(difference, text);
    fputs("focus: report ", notes);
    for (size_t i = 0; i < sum->model.len; i++)
        fputc((unsigned char)sum->model.bytes[i] < 0x20 ? '?' : sum->model.bytes[i], notes);
    fprintf(notes, ": %s here, %s there, difference %s\n", ours, theirs, text);
}

void focus_vendor_list(struct focus_checker *checker, FILE *notes)
{
    struct focus_vendor *vendor = checker->vendor;
    struct focus_finding *finding = &checker->findings[POINT_VENDOR];
    char others[MONEY_TEXT_MAX];
    size_t differ = 0;
    for (size_t i = 0; i < vendor->count; i++) {
        if (money_compare(vendor->sums[i].ours, vendor->sums[i].theirs) == 0)
            continue;
        if (differ++ < LISTED_MAX)
            list_sum(vendor, &vendor->sums[i], notes);
    }
    money_print(vendor->others, others);
    if (vendor->other_lines > 0)
        fprintf(notes, "focus: report does not name the models of %llu lines: %s here\n",
                (unsigned long long)vendor->other_lines, others);
    if (vendor->overflow)
        focus_fault(checker, POINT_VENDOR, "a sum does not fit");
    snprintf(finding->note, sizeof(finding->note), "%zu of %zu models differ", differ,
             vendor->count);
}
