#include "server/request_log.h"

#include "cache/json.h"
#include "cache/store.h"
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIR_BYTES = 4096 };

struct request_log {
    struct store *store;
    int64_t retention_ms;
    size_t body_max;
};

int request_log_open(const struct config *config, struct request_log **ret_log,
                     const char **ret_note, char *error, size_t error_size)
{
    struct request_log *log;
    char dir[DIR_BYTES];
    struct store_options options = {
        .dir = dir,
        .disk_bytes = config->request_log.disk_bytes,
        .entry_bytes_max = (size_t)config->limits.body_bytes,
        .tape_bytes = (size_t)config->limits.buffered_bytes,
    };
    int result;

    *ret_log = NULL;
    *ret_note = NULL;
    if (!config->request_log.enabled)
        return 0;
    log = calloc(1, sizeof *log);
    if (log == NULL)
        return -ENOMEM;
    snprintf(dir, sizeof dir, "%s/requests", config->data_dir);
    log->retention_ms = (int64_t)config->request_log.retention_s * 1000;
    log->body_max = (size_t)config->limits.body_bytes;
    result = store_open(&options, &log->store, ret_note, error, error_size);
    if (result != 0) {
        free(log);
        return result;
    }
    *ret_log = log;
    return 0;
}

void request_log_close(struct request_log *log)
{
    if (log == NULL)
        return;
    store_close(log->store);
    free(log);
}

void request_log_tick(struct request_log *log, int64_t now_ms)
{
    if (log != NULL)
        store_tick(log->store, now_ms);
}

void request_log_seal(struct worker *worker, struct text api_key, struct request_seal *ret_seal)
{
    key_hasher_name(worker->ledger_names, "request log", api_key.bytes, api_key.len,
                    ret_seal->bytes);
}

/* The seal names the client, too: another client's row of the same id is another entry. */
static struct key key_of(const struct request_seal *seal, struct text id)
{
    static const char domain[] = "request log";
    uint8_t text[sizeof domain + sizeof seal->bytes + ROW_ID_MAX];
    struct key key;

    if (id.len > ROW_ID_MAX)
        id.len = ROW_ID_MAX;
    memcpy(text, domain, sizeof domain);
    memcpy(text + sizeof domain, seal->bytes, sizeof seal->bytes);
    memcpy(text + sizeof domain + sizeof seal->bytes, id.bytes, id.len);
    SHA256(text, sizeof domain + sizeof seal->bytes + id.len, key.bytes);
    OPENSSL_cleanse(text, sizeof text);
    return key;
}
_Static_assert(KEY_BYTES == SHA256_DIGEST_LENGTH, "a key is a SHA-256");
_Static_assert(sizeof(struct request_seal) == sizeof(struct store_seal), "a seal is 32 bytes");

/* --- keeping --- */

static bool looks_like_json(struct text body)
{
    size_t at = 0;

    while (at < body.len && strchr(" \t\r\n", body.bytes[at]) != NULL && body.bytes[at] != '\0')
        at++;
    return at < body.len && body.bytes[at] == '{';
}

/* A flight of its own that lands at once. */
static void store(struct request_log *log, const struct store_query *query, struct text body)
{
    struct store_entry entry = {query->now_ms, query->now_ms + log->retention_ms};
    struct store_answer answer;
    struct store_waiter waiter = {NULL, NULL}; /* a refresh never waits */
    uint64_t wake;
    bool whole;

    if (store_find(log->store, query, &waiter, &answer) != 0)
        return;
    assert(answer.found == STORE_LEAD);
    tape_begin(answer.tape, "json", 4);
    whole = tape_append(answer.tape, body.bytes, body.len, NULL, 0, &wake) == 0;
    tape_end(answer.tape, whole ? TAPE_WHOLE : TAPE_FAILED, NULL, 0);
    store_land(log->store, answer.flight, whole && !tape_is_window(answer.tape), &entry, NULL, 0);
    tape_unref(answer.tape);
}

void request_log_keep(struct request_log *log, struct worker *worker, struct text id,
                      struct text api_key, struct text body)
{
    struct request_seal seal;
    struct store_seal store_seal;
    struct key key;
    struct store_query query = {
        .key = &key, .seal = &store_seal, .mode = STORE_REFRESH, .now_ms = worker_now_ms(worker)};

    if (log == NULL || id.len == 0 || body.len > log->body_max || !looks_like_json(body))
        return;
    request_log_seal(worker, api_key, &seal);
    memcpy(store_seal.bytes, seal.bytes, sizeof store_seal.bytes);
    key = key_of(&seal, id);
    store(log, &query, body);
    OPENSSL_cleanse(&seal, sizeof seal);
    OPENSSL_cleanse(&store_seal, sizeof store_seal);
}

/* --- reading --- */

struct request_read {
    struct store_waiter waiter; /* first: the store hands it back */
    struct request_log *log;
    struct worker *worker;
    struct key key;
    struct store_seal seal;
    void (*done)(void *arg, struct worker *worker, struct text body);
    void *arg;
};

/* What it is given back as JSON must be some: a damaged entry is none. */
static void give(struct request_read *read, const char *bytes, size_t len)
{
    struct json_doc doc;
    struct text body = {bytes, len};

    json_doc_init(&doc);
    if (len > 0 && json_parse(&doc, bytes, len, NULL) != 0)
        body = (struct text){NULL, 0};
    json_doc_release(&doc);
    read->done(read->arg, read->worker, body);
}

static void give_tape(struct request_read *read, struct tape *tape)
{
    struct tape_stamp stamp = {0};
    struct tape_reader reader;
    size_t size, len = 0, got = 0;
    char *bytes;

    if (tape_reader_init(&reader, tape, TAPE_REPLAY, &stamp) != 0) {
        give(read, NULL, 0);
        return;
    }
    size = (size_t)tape_remaining(&reader);
    bytes = malloc(size > 0 ? size : 1);
    while (bytes != NULL && len < size &&
           tape_read(&reader, read->worker->index, bytes + len, size - len, &got) ==
               TAPE_READ_BYTES)
        len += got;
    give(read, bytes, bytes != NULL && len == size ? size : 0);
    if (bytes != NULL)
        OPENSSL_cleanse(bytes, size);
    free(bytes);
    tape_reader_release(&reader);
}

static void look(struct request_read *read, bool retry);

static void look_again(void *arg, struct worker *worker)
{
    (void)worker;
    look(arg, true);
}

/* On any thread. */
static void wake(struct store_waiter *waiter)
{
    struct request_read *read = (struct request_read *)waiter;

    worker_post_function(read->worker, look_again, read);
}

/* take: read, once it is answered. */
static void look(struct request_read *read, bool retry)
{
    struct store_query query = {
        .key = &read->key,
        .seal = &read->seal,
        .now_ms = worker_now_ms(read->worker),
        .mode = STORE_ONLY_CACHED,
        .retry = retry,
    };
    struct store_answer answer = {.found = STORE_ABSENT};

    read->waiter = (struct store_waiter){wake, NULL};
    if (store_find(read->log->store, &query, &read->waiter, &answer) == 0 &&
        answer.found == STORE_WAIT)
        return;
    if (answer.found == STORE_HIT)
        give_tape(read, answer.tape);
    else
        give(read, NULL, 0);
    tape_unref(answer.tape);
    OPENSSL_cleanse(read, sizeof *read);
    free(read);
}

void request_log_read(struct request_log *log, struct worker *worker, struct text id,
                      const struct request_seal *seal,
                      void (*done)(void *arg, struct worker *worker, struct text body), void *arg)
{
    struct request_read *read = log != NULL ? calloc(1, sizeof *read) : NULL;

    if (read == NULL) {
        done(arg, worker, (struct text){NULL, 0});
        return;
    }
    read->log = log;
    read->worker = worker;
    read->key = key_of(seal, id);
    memcpy(read->seal.bytes, seal->bytes, sizeof read->seal.bytes);
    read->done = done;
    read->arg = arg;
    look(read, false);
}
