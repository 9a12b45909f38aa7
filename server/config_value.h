/* config_value.h - the strict scalars of the configuration: text in, exact value out, and back.
 *
 * Nothing is guessed: `maybe` is no boolean, `12junk` no number, 010 neither eight nor ten. Whole
 * numbers that do not fit 64 bits saturate, which every range refuses. No floating point.
 * Private to server/config*.c and their tests.
 */
#ifndef SERVER_CONFIG_VALUE_H
#define SERVER_CONFIG_VALUE_H

#include "accounting/money.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONFIG_HOST_MAX = 253,
    CONFIG_TEXT_MAX = 4096, /* of any value but these two */
    CONFIG_PROSE_MAX = 64 * 1024,
    CONFIG_JSON_MAX = 256 * 1024,
    CONFIG_JSON_DEPTH_MAX = 16,
    CONFIG_NUMBER_SIZE = 40, /* any printed number with its unit */
    CONFIG_LABEL_MAX = 128,  /* bytes; a ledger row has room for them */
    CONFIG_TAG_MAX = 64,     /* characters (vercel-ai-gateway-api.md section 1) */
    CONFIG_MEMBERS_MAX = 8,  /* parts of a dotted path */
    CONFIG_PPM_PERCENT = 10000,
};

/* 0 or -EINVAL: the text has not the form. */
int config_flag_parse(const char *text, uint64_t *ret_flag);      /* on off true false yes no */
int config_count_parse(const char *text, uint64_t *ret_count);    /* digits */
int config_size_parse(const char *text, uint64_t *ret_bytes);     /* 256MiB; plain is bytes */
int config_span_parse(const char *text, uint64_t *ret_ms);        /* 500ms 30s 5m 1h; unit needed */
int config_period_parse(const char *text, uint64_t *ret_seconds); /* 30s 5m 1h 7d; unit needed */
int config_percent_parse(const char *text, uint64_t *ret_ppm);    /* 0.1%; up to 4 decimals */
int config_months_parse(const char *text, uint64_t *ret_months);  /* 24 months; plain is months */
/* 2.50: up to 15 digits, never rounded. */
int config_money_parse(const char *text, struct money *ret_money);

/* The shortest text that parses to the same value. */
void config_size_print(uint64_t bytes, char text[CONFIG_NUMBER_SIZE]);
void config_span_print(uint64_t ms, char text[CONFIG_NUMBER_SIZE]);
void config_period_print(uint64_t seconds, char text[CONFIG_NUMBER_SIZE]);
void config_percent_print(uint64_t ppm, char text[CONFIG_NUMBER_SIZE]);
void config_months_print(uint64_t months, char text[CONFIG_NUMBER_SIZE]);

struct config_address {
    char host[CONFIG_HOST_MAX + 1]; /* without brackets */
    uint16_t port;
    bool loopback;
};

/* The checks of text return NULL, or what the value must be ("must be host:port ..."), static. */
const char *config_address_parse(const char *text, struct config_address *ret_address);
const char *config_url_check(const char *text, size_t *ret_len); /* length without slashes at end */
const char *config_name_check(const char *text);
const char *config_variable_check(const char *text); /* name of an environment variable */
const char *config_path_check(const char *text);
const char *config_model_check(const char *text);   /* id of a model */
const char *config_pattern_check(const char *text); /* the same, `*` allowed */
const char *config_label_check(const char *text);   /* a line of text */
const char *config_tag_check(const char *text);
const char *config_digest_check(const char *text);  /* sha256: and 64 hex digits */
const char *config_members_check(const char *text); /* usage.cost_nano_usd */

#endif
