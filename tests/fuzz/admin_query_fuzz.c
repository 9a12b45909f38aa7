/* admin_query_fuzz.c - laws of what anybody may send to the admin address: a question is within
 * its bounds or refused with a reason; a place prints as it was read; a path is absolute; no name
 * but loopback's is local, and no token but the token opens. The first byte chooses the path. */
#include "server/admin_query.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_told(const struct admin_error *error)
{
    require(error->status == 400 && error->message[0] != '\0');
    require(memchr(error->message, '\0', sizeof error->message) != NULL);
}

static void check_query(enum admin_route route, struct text text)
{
    const int64_t now_ms = INT64_C(1795215111123);
    struct admin_query query;
    struct admin_error error = {.status = 0};
    char place[ADMIN_PLACE_MAX];

    if (admin_query_parse(route, text, now_ms, &query, &error) != 0) {
        require_told(&error);
        return;
    }
    require(query.from_ms < query.to_ms && strlen(query.month) == 7);
    require(query.against_from_ms <= query.against_to_ms);
    require(query.limit >= 1 && query.limit <= ADMIN_LIMIT_MAX);
    require(query.by_count <= EXPORT_KEYS);
    for (size_t i = 0; i < query.by_count; i++)
        for (size_t j = 0; j < i; j++)
            require(query.by[i] != query.by[j]);
    for (size_t i = 0; i < ADMIN_TEXTS; i++)
        require(memchr(query.filter.text[i], '\0', sizeof query.filter.text[i]) != NULL);
    if (query.after.kind == ADMIN_AFTER_PLACE) {
        char again[ADMIN_PLACE_MAX + 8] = "after=";
        struct admin_query read;
        memcpy(again + 6, place, admin_place_print(&query.after.place, place) + 1);
        require(admin_query_parse(ADMIN_REQUESTS, text_of(again), now_ms, &read, &error) == 0);
        require(read.after.kind == ADMIN_AFTER_PLACE);
        require(read.after.place.created_at_ms == query.after.place.created_at_ms);
        require(read.after.place.sequence == query.after.place.sequence);
    }
}

static void check_path(struct text text)
{
    struct text rest = {"", 0};
    enum admin_route route = admin_route_find(text, &rest);
    char id[ROW_ID_MAX + 1];

    require(route < ADMIN_ROUTES);
    if (route != ADMIN_REQUEST)
        rest = text;
    if (admin_path_id(rest, id) == 0)
        require(id[0] != '\0' && strlen(id) <= ROW_ID_MAX);
}

static void require_path(const char *path)
{
    require(path[0] == '/' && strlen(path) < ADMIN_PATH_MAX);
    require(strstr(path, "/../") == NULL);
    require(strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static void check_bodies(struct text text)
{
    struct admin_error error = {.status = 0};
    struct admin_close_body close;
    struct admin_backup_body backup;

    if (admin_close_parse(text, &close, &error) == 0) {
        require(close.from_ms < close.to_ms && strlen(close.month) == 7);
        if (close.export_path[0] != '\0') {
            require_path(close.export_path);
            require(strcmp(close.export_path + strlen(close.export_path) - 4, ".csv") == 0);
        }
    } else {
        require_told(&error);
    }
    if (admin_backup_parse(text, &backup, &error) == 0)
        require_path(backup.dir);
}

static void check_caller(struct text text)
{
    uint8_t digest[ADMIN_DIGEST];

    admin_token_digest(TEXT("the token"), digest);
    require(!admin_token_matches(digest, text) ||
            (text.len == 16 && memcmp(text.bytes + 7, "the token", 9) == 0));
    if (text.len > 0 && admin_host_is_local(text))
        require(text.bytes[0] == 'l' || text.bytes[0] == 'L' || text.bytes[0] == '[' ||
                memcmp(text.bytes, "127.", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct text text;

    if (len == 0)
        return 0;
    text = (struct text){(const char *)data + 1, len - 1};
    check_query((enum admin_route)(1 + data[0] % (ADMIN_ROUTES - 1)), text);
    check_path(text);
    check_bodies(text);
    check_caller(text);
    return 0;
}
