/* sim_cost.h - what an answer costs: list prices times the tokens that the simulator made up.
 *
 * Written apart from accounting/estimate on purpose: the gateway's estimate is tested against this,
 * so the two must not share a formula. Amounts are 128-bit integers of 1e-15 USD.
 */
#ifndef TESTS_SIM_COST_H
#define TESTS_SIM_COST_H

#include "accounting/price.h"
#include "tests/sim/sim_text.h"

#include <stdbool.h>
#include <stdint.h>

enum { SIM_TOKENS_MAX = 1000000000 }; /* of each kind; keeps every product far inside 128 bits */

struct sim_tokens {
    int64_t written_1h; /* of those written: kept for an hour */
    int64_t searches;
    int64_t prompt;     /* cache reads and writes included */
    int64_t completion; /* reasoning included */
    int64_t cached;
    int64_t written;
    int64_t reasoning;
};

/* How list prices become what is billed. */
struct sim_billing {
    __int128 surcharge; /* per request */
    __int128 factor;    /* on the list price, in 1e-15: 9e14 is a discount of ten per cent */
    __int128 market;    /* instead of the list price; negative: as listed */
    __int128 billed;    /* instead of what follows from it; negative: as it does */
    bool byok;          /* the vendor bills its client itself; the gateway bills the surcharge */
};

enum sim_cost_format {
    SIM_COST_NUMBER,   /* as JavaScript prints it: 9e-7 below 1e-6, plain from there */
    SIM_COST_EXPONENT, /* always with an exponent */
    SIM_COST_STRING,   /* plain decimal in quotes */
};

struct sim_costs {
    bool known; /* false: the model has no price; every amount is 0 */
    __int128 market;
    __int128 market_output; /* the part of it that output makes */
    __int128 cost;          /* inference as the gateway bills it: 0 under BYOK */
    __int128 input;
    __int128 output; /* input + output = cost */
    __int128 surcharge;
    __int128 gateway;  /* cost + surcharge */
    __int128 upstream; /* BYOK only: what the vendor bills */
};

/* borrow: price, NULL for a model without one; service_tier: whose rates, NULL for the standard
 * ones.
 */
struct sim_costs sim_cost_of(const struct price *price, const char *service_tier,
                             const struct sim_tokens *tokens, const struct sim_billing *billing);

/* The same for what is billed by the call: `market` at list price, all of it input. */
struct sim_costs sim_cost_flat(__int128 market, const struct sim_billing *billing);

/* Plain decimal, "0.0000032". */
void sim_cost_plain(struct sim_text *text, __int128 femto);
/* A JSON value in the given format. */
void sim_cost_json(struct sim_text *text, __int128 femto, enum sim_cost_format format);

#endif
