/* sim_embeddings.c - vectors that depend on the input alone, so that two runs, and two spellings of
 * one request, give the same. See sim_forms.h.
 *
 * Each element is a whole number of 1/128 between -1 and 1: exact as a decimal and as the 32-bit
 * float that base64 carries.
 */
#include "tests/sim/sim_forms.h"

#include <string.h>

enum {
    DIMENSIONS_USUAL = 8,
    DIMENSIONS_MAX = 4096,
    UNITS = 128,           /* an element is this many parts of one */
    UNIT_DECIMALS = 78125, /* 1/128 in 1e-7 */
};

static uint64_t seed_of(h2o_iovec_t input)
{
    uint64_t seed = 0xcbf29ce484222325u;

    for (size_t i = 0; i < input.len; i++)
        seed = (seed ^ (uint8_t)input.base[i]) * 0x100000001b3u;
    return seed;
}

/* Element `at` in 1/128. */
static int element(uint64_t seed, int64_t at)
{
    uint64_t mixed = seed + (uint64_t)(at + 1) * 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (int)((mixed ^ mixed >> 31) % (2 * UNITS + 1)) - UNITS;
}

static void element_decimal(struct sim_text *text, int units)
{
    int size = units < 0 ? -units : units;
    char digits[7];
    int rest = size % UNITS * UNIT_DECIMALS;

    sim_text_str(text, units < 0 ? "-" : "");
    sim_text_int(text, size / UNITS);
    if (rest == 0)
        return;
    for (size_t i = sizeof(digits); i > 0; i--) {
        digits[i - 1] = (char)('0' + rest % 10);
        rest /= 10;
    }
    sim_text_str(text, ".");
    sim_text_add(text, digits, sizeof(digits));
}

static int64_t dimensions_of(const struct sim_plan *plan)
{
    int64_t wanted = plan->request.dimensions;

    if (wanted < 1)
        return DIMENSIONS_USUAL;
    return wanted < DIMENSIONS_MAX ? wanted : DIMENSIONS_MAX;
}

static void vector_write(struct sim_text *text, h2o_iovec_t input, int64_t dimensions)
{
    uint64_t seed = seed_of(input);

    sim_text_str(text, "[");
    for (int64_t i = 0; i < dimensions; i++) {
        sim_text_str(text, i > 0 ? "," : "");
        element_decimal(text, element(seed, i));
    }
    sim_text_str(text, "]");
}

static void vector_base64(struct sim_text *text, h2o_iovec_t input, int64_t dimensions)
{
    uint64_t seed = seed_of(input);
    uint8_t bytes[DIMENSIONS_MAX * 4];

    for (int64_t i = 0; i < dimensions; i++) {
        float value = (float)element(seed, i) / (float)UNITS;
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        for (int64_t byte = 0; byte < 4; byte++)
            bytes[i * 4 + byte] = (uint8_t)(bits >> (8 * byte));
    }
    sim_text_str(text, "\"");
    sim_text_base64(text, bytes, (size_t)dimensions * 4);
    sim_text_str(text, "\"");
}

static void usage(struct sim_text *body, const struct sim_plan *plan)
{
    const struct sim_tokens *tokens = &plan->tokens;

    sim_json(body, ",'usage':{'prompt_tokens':%i,'total_tokens':%i", tokens->prompt,
             tokens->prompt + tokens->completion);
    if (plan->dialect == SIM_OPENROUTER)
        sim_openrouter_costs(body, plan, "prompt", "completions");
    sim_text_str(body, "}");
}

void sim_embeddings_json(struct sim_text *body, const struct sim_plan *plan,
                         const struct sim_moment *moment)
{
    int64_t dimensions = dimensions_of(plan);

    sim_text_str(body, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < plan->request.input_count; i++) {
        sim_json(body, "%r{'object':'embedding','index':%i,'embedding':", i > 0 ? "," : "",
                 (int64_t)i);
        (plan->request.base64 ? vector_base64 : vector_write)(body, plan->request.inputs[i],
                                                              dimensions);
        sim_text_str(body, "}");
    }
    sim_json(body, "],'model':%v", &plan->model);
    usage(body, plan);
    if (plan->dialect == SIM_VERCEL)
        sim_vercel_metadata_member(body, plan, moment);
    if (plan->dialect == SIM_OPENROUTER)
        sim_json(body, ",'provider':%v,'id':%j", &plan->provider, moment->id);
    sim_text_str(body, "}");
}

void sim_ai_embeddings_json(struct sim_text *body, const struct sim_plan *plan,
                            const struct sim_moment *moment)
{
    int64_t dimensions = dimensions_of(plan);

    sim_text_str(body, "{\"embeddings\":[");
    for (size_t i = 0; i < plan->request.input_count; i++) {
        sim_text_str(body, i > 0 ? "," : "");
        vector_write(body, plan->request.inputs[i], dimensions);
    }
    sim_json(body, "],'usage':{'tokens':%i},'warnings':[]", plan->tokens.prompt);
    sim_vercel_metadata_member(body, plan, moment);
    sim_text_str(body, "}");
}
