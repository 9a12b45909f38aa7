/* seal.c - the text of a head, and its signature. The key file is seal_key.c's. */
#include "accounting/seal.h"

#include "accounting/ledger_month.h"
#include "accounting/money_text.h"
#include "accounting/seal_key.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const char title[] = "tollgate ledger head 1\n";

/* --- writing --- */

struct printer {
    char *at, *end;
};

static void put(struct printer *printer, const char *bytes, size_t len)
{
    assert(len <= (size_t)(printer->end - printer->at));
    memcpy(printer->at, bytes, len);
    printer->at += len;
}

static void put_word(struct printer *printer, const char *word)
{
    put(printer, word, strlen(word));
}

/* As every line begins. */
static void put_name(struct printer *printer, const char *name)
{
    put_word(printer, name);
    put(printer, " ", 1);
}

static void put_number(struct printer *printer, const char *name, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)number);
    put_name(printer, name);
    put(printer, text, (size_t)len);
}

static void put_ref(struct printer *printer, const char *name, const struct ledger_ref *ref)
{
    char text[48];
    int len = snprintf(text, sizeof(text), "%lld/%llu\n", (long long)ref->created_at_ms,
                       (unsigned long long)ref->sequence);
    put_name(printer, name);
    put(printer, text, (size_t)len);
}

static void put_hex(struct printer *printer, const char *name, const uint8_t *bytes, size_t len)
{
    char text[2 * SEAL_SIGNATURE + 1];
    assert(len <= SEAL_SIGNATURE);
    seal_hex(bytes, len, text);
    text[2 * len] = '\n';
    put_name(printer, name);
    put(printer, text, 2 * len + 1);
}

static void put_money(struct printer *printer, const char *name, struct money money)
{
    char text[MONEY_TEXT_MAX + 1];
    size_t len = money_print(money, text);
    text[len] = '\n';
    put_name(printer, name);
    put(printer, text, len + 1);
}

/* Milliseconds as 2026-12-01T00:12:13.123Z. */
static void put_time(struct printer *printer, const char *name, int64_t ms)
{
    struct ledger_date date = ledger_date_of(ms);
    unsigned of_day = (unsigned)(ms - ledger_date_ms(date));
    char text[64];
    int len = snprintf(text, sizeof(text), "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ\n", date.year,
                       date.month, date.day, of_day / 3600000, of_day / 60000 % 60,
                       of_day / 1000 % 60, of_day % 1000);
    assert(ms >= 0 && ms < LEDGER_TIME_END_MS);
    put_name(printer, name);
    put(printer, text, (size_t)len);
}

size_t seal_print(const struct seal *seal, bool with_signature, char text[SEAL_TEXT_MAX])
{
    struct printer printer = {text, text + SEAL_TEXT_MAX};
    put(&printer, title, sizeof(title) - 1);
    put_name(&printer, "month");
    put(&printer, seal->month, SEAL_MONTH_MAX - 1);
    put_word(&printer, "\n");
    put_number(&printer, "rows", seal->rows);
    put_ref(&printer, "first", &seal->first);
    put_ref(&printer, "last", &seal->last);
    put_number(&printer, "issued", seal->issued);
    put_hex(&printer, "root", seal->root, TREE_HASH);
    put_hex(&printer, "previous", seal->previous, TREE_HASH);
    if (seal->has_export)
        put_hex(&printer, "export", seal->export_hash, TREE_HASH);
    else
        put_word(&printer, "export -\n");
    put_money(&printer, "booked", seal->booked);
    put_money(&printer, "billed", seal->billed);
    put_money(&printer, "saved", seal->saved);
    put_time(&printer, "closed", seal->closed_ms);
    put_hex(&printer, "key", seal->key, SEAL_KEY);
    if (with_signature)
        put_hex(&printer, "signature", seal->signature, SEAL_SIGNATURE);
    return (size_t)(printer.at - text);
}

/* --- reading: only what seal_print() writes, so that a head has one text --- */

struct reader {
    const char *at, *end;
};

static bool take(struct reader *reader, const char *bytes, size_t len)
{
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, bytes, len) != 0)
        return false;
    reader->at += len;
    return true;
}

static bool take_word(struct reader *reader, const char *word)
{
    return take(reader, word, strlen(word));
}

static bool take_name(struct reader *reader, const char *name)
{
    return take_word(reader, name) && take_word(reader, " ");
}

/* Digits; whether they are the number's one form is seen when the whole is printed again. */
static bool take_digits(struct reader *reader, uint64_t *ret_number)
{
    const char *from = reader->at;
    uint64_t number = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(*reader->at - '0'), &number))
            return false;
    }
    *ret_number = number;
    return reader->at > from;
}

static bool take_number(struct reader *reader, const char *name, uint64_t *ret_number)
{
    return take_name(reader, name) && take_digits(reader, ret_number) && take_word(reader, "\n");
}

static bool take_ref(struct reader *reader, const char *name, struct ledger_ref *ret_ref)
{
    uint64_t ms;
    if (!take_name(reader, name) || !take_digits(reader, &ms) || ms >= LEDGER_TIME_END_MS ||
        !take_word(reader, "/") || !take_digits(reader, &ret_ref->sequence))
        return false;
    ret_ref->created_at_ms = (int64_t)ms;
    return take_word(reader, "\n");
}

static bool take_hex(struct reader *reader, const char *name, uint8_t *bytes, size_t len)
{
    if (!take_name(reader, name) || (size_t)(reader->end - reader->at) < 2 * len ||
        seal_unhex(reader->at, bytes, len) < 0)
        return false;
    reader->at += 2 * len;
    return take_word(reader, "\n");
}

static bool take_money(struct reader *reader, const char *name, struct money *ret_money)
{
    const char *end;
    if (!take_name(reader, name))
        return false;
    end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    if (end == NULL || money_text_read(reader->at, (size_t)(end - reader->at), ret_money) < 0)
        return false;
    reader->at = end + 1;
    return true;
}

static bool take_part(struct reader *reader, size_t digits, const char *behind, int64_t *ret_part)
{
    int64_t part = 0;
    if ((size_t)(reader->end - reader->at) < digits)
        return false;
    for (; digits > 0; digits--, reader->at++) {
        if (*reader->at < '0' || *reader->at > '9')
            return false;
        part = 10 * part + (*reader->at - '0');
    }
    *ret_part = part;
    return take_word(reader, behind);
}

static bool take_time(struct reader *reader, const char *name, int64_t *ret_ms)
{
    int64_t year, month, day, hour, minute, second, ms;
    if (!take_name(reader, name) || !take_part(reader, 4, "-", &year) ||
        !take_part(reader, 2, "-", &month) || !take_part(reader, 2, "T", &day) ||
        !take_part(reader, 2, ":", &hour) || !take_part(reader, 2, ":", &minute) ||
        !take_part(reader, 2, ".", &second) || !take_part(reader, 3, "Z\n", &ms))
        return false;
    if (year < 1970 || month < 1 || month > 12)
        return false;
    *ret_ms = ledger_date_ms((struct ledger_date){(int)year, (unsigned)month, (unsigned)day}) +
              ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    return *ret_ms >= 0 && *ret_ms < LEDGER_TIME_END_MS;
}

static bool take_month(struct reader *reader, char month[SEAL_MONTH_MAX])
{
    int64_t from_ms, to_ms;
    if (!take_name(reader, "month") || reader->end - reader->at < SEAL_MONTH_MAX - 1 ||
        ledger_month_parse(reader->at, SEAL_MONTH_MAX - 1, &from_ms, &to_ms) < 0)
        return false;
    memcpy(month, reader->at, SEAL_MONTH_MAX - 1);
    month[SEAL_MONTH_MAX - 1] = 0;
    reader->at += SEAL_MONTH_MAX - 1;
    return take_word(reader, "\n");
}

static bool take_export(struct reader *reader, struct seal *seal)
{
    if (take_word(reader, "export -\n"))
        return true;
    seal->has_export = true;
    return take_hex(reader, "export", seal->export_hash, TREE_HASH);
}

static bool take_all(struct reader *reader, struct seal *seal)
{
    return take(reader, title, sizeof(title) - 1) && take_month(reader, seal->month) &&
           take_number(reader, "rows", &seal->rows) && take_ref(reader, "first", &seal->first) &&
           take_ref(reader, "last", &seal->last) && take_number(reader, "issued", &seal->issued) &&
           take_hex(reader, "root", seal->root, TREE_HASH) &&
           take_hex(reader, "previous", seal->previous, TREE_HASH) && take_export(reader, seal) &&
           take_money(reader, "booked", &seal->booked) &&
           take_money(reader, "billed", &seal->billed) &&
           take_money(reader, "saved", &seal->saved) &&
           take_time(reader, "closed", &seal->closed_ms) &&
           take_hex(reader, "key", seal->key, SEAL_KEY) &&
           take_hex(reader, "signature", seal->signature, SEAL_SIGNATURE) &&
           reader->at == reader->end;
}

int seal_parse(const char *text, size_t len, struct seal *ret_seal)
{
    struct reader reader = {text, text + len};
    struct seal seal = {0};
    char again[SEAL_TEXT_MAX];
    if (len > SEAL_TEXT_MAX || !take_all(&reader, &seal))
        return -EBADMSG;
    /* Leading zeros, "-0", the 31st of February: each value has one form. */
    if (seal_print(&seal, true, again) != len || memcmp(again, text, len) != 0)
        return -EBADMSG;
    *ret_seal = seal;
    return 0;
}

/* --- signing --- */

void seal_hash(const struct seal *seal, uint8_t ret_hash[TREE_HASH])
{
    char text[SEAL_TEXT_MAX];
    size_t len = seal_print(seal, false, text);
    unsigned hash_len = 0;
    int done = EVP_Digest(text, len, ret_hash, &hash_len, EVP_sha256(), NULL);
    assert(done == 1);
    assert(hash_len == TREE_HASH);
}

int seal_sign(struct seal *seal, const struct seal_signer *signer)
{
    struct seal signed_seal = *seal;
    char text[SEAL_TEXT_MAX];
    size_t len;
    int result;
    seal_signer_key(signer, signed_seal.key);
    len = seal_print(&signed_seal, false, text);
    result = seal_signer_sign(signer, text, len, signed_seal.signature);
    if (result == 0)
        *seal = signed_seal;
    return result;
}

bool seal_verify(const struct seal *seal)
{
    char text[SEAL_TEXT_MAX];
    size_t len = seal_print(seal, false, text);
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, seal->key, SEAL_KEY);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool valid = key != NULL && context != NULL &&
                 EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                 EVP_DigestVerify(context, seal->signature, SEAL_SIGNATURE,
                                  (const unsigned char *)text, len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return valid;
}
