/* bench_ledger.c - a month of the ledger: how fast it is written, summed, reported, exported,
 * verified.
 *
 *     bench_ledger DIR ROWS      DIR must not exist; six rows of ten are hits
 *
 * Prints one line for each piece: rows a second by the wall and by processor time, and the peak of
 * memory. The rows look like those of a gateway: ids, models, rated lines, one observation.
 */
#include "accounting/export.h"
#include "accounting/ledger_rollup.h"
#include "accounting/report.h"
#include "accounting/verify.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MONTH_MS INT64_C(1790812800000) /* 2026-10-01 */
#define SPAN_MS (INT64_C(30) * 24 * 3600 * 1000)

struct watch {
    struct timespec wall, cpu;
};

static struct watch start(void)
{
    struct watch watch;

    clock_gettime(CLOCK_MONOTONIC, &watch.wall);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &watch.cpu);
    return watch;
}

static int64_t since_us(const struct timespec *from, clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (now.tv_sec - from->tv_sec) * 1000000 + (now.tv_nsec - from->tv_nsec) / 1000;
}

static void tell(const char *what, const struct watch *watch, int64_t rows)
{
    int64_t wall = since_us(&watch->wall, CLOCK_MONOTONIC) + 1;
    int64_t cpu = since_us(&watch->cpu, CLOCK_PROCESS_CPUTIME_ID) + 1;
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("%-10s %8lld ms  %8lld rows/s  (by processor time %8lld)  peak %ld MiB\n", what,
           (long long)(wall / 1000), (long long)(rows * 1000000 / wall),
           (long long)(rows * 1000000 / cpu), usage.ru_maxrss / 1024);
    fflush(stdout);
}

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(-result));
    exit(1);
}

static struct maybe_money usd(int64_t nano)
{
    return (struct maybe_money){true, {(__int128)nano * 1000000}};
}

static struct ledger_row make_row(int64_t number, char id[64], char key[64])
{
    static const char *const models[] = {"openai/gpt-4.1-nano", "anthropic/claude-haiku-4.5",
                                         "zai/glm-5.3", "google/gemini-2.5-flash"};
    struct ledger_row row;

    row_init(&row);
    snprintf(id, 64, "gen_01KYE%021lld", (long long)number);
    snprintf(key, 64, "%032llx", (unsigned long long)(number % 50));
    row.id = text_of(id);
    row.key_id = text_of(key);
    row.api = API_CHAT;
    row.model = row.model_requested = text_of(models[number % 4]);
    row.provider = TEXT("openai");
    row.upstream = TEXT("vercel");
    row.finish_reason = TEXT("stop");
    row.service_tier = TEXT("default");
    row.app = TEXT("bench");
    row.status = 200;
    row.latency_ms = 900 + number % 500;
    row.ttft_ms = 200 + number % 300;
    row.rating = TEXT("1;0:0:120:1400000000;1:1:16:4400000000;2:2:9000:260000000");
    return row;
}

static void make_hit(struct ledger_row *row)
{
    const struct maybe_money zero = {true, {0}};

    row->cache = CACHE_HIT;
    row->source_id = TEXT("gen_01KYEXAMPLE0000000000000AA");
    row->usage.prompt_tokens = row->usage.completion_tokens = row->usage.cached_tokens = 0;
    row->usage.cache_write_tokens = row->usage.reasoning_tokens = 0;
    row->billed = row->upstream_cost = row->market = zero;
    row->estimated = row->booked = row->difference = zero;
    row->saved = usd(2578400);
    row->verdict = VERDICT_FREE;
}

static void make_miss(struct ledger_row *row)
{
    row->cache = CACHE_MISS;
    row->upstream_id = row->id;
    row->usage.prompt_tokens = 9120;
    row->usage.completion_tokens = 16;
    row->usage.cached_tokens = 9000;
    row->billed = row->market = row->estimated = row->booked = usd(2578400);
    row->difference = usd(0);
    row->verdict = VERDICT_MATCHED;
    row->byok = 0;
    row->observed = TEXT("[{\"from\":\"usage\",\"at\":1790812800000,\"billed\":\"0.0025784\","
                         "\"market\":\"0.0025784\",\"byok\":false}]");
    row->price_hash = TEXT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
}

static void write_row(struct ledger *ledger, int64_t number, int64_t rows)
{
    struct ledger_lane *lane = ledger_lane(ledger, (unsigned)(number % 2));
    int64_t now_ms = MONTH_MS + (int64_t)((__int128)SPAN_MS * number / rows);
    struct ledger_hold hold;
    char id[64], key[64];
    struct ledger_row row = make_row(number, id, key);
    int result;

    if (number % 10 < 6) {
        make_hit(&row);
        while ((result = ledger_append(lane, &row, now_ms, NULL)) == -ENOSPC)
            ledger_kick(lane); /* the journal is full: the writer is behind */
    } else {
        while ((result = ledger_hold(lane, &row, now_ms, &hold)) == -ENOSPC)
            ledger_kick(lane);
        make_miss(&row);
        if (result == 0)
            ledger_post(lane, &hold, &row);
    }
    must(result, "write");
    if (number % 64 == 0)
        ledger_kick(lane);
}

static struct ledger *open_ledger(const char *dir)
{
    struct ledger_options options = {.dir = dir, .lanes = 2, .now_ms = MONTH_MS + SPAN_MS};
    struct ledger *ledger;
    char error[512] = "";
    int result = ledger_open(&options, &ledger, error, sizeof error);

    must(result, error[0] != '\0' ? error : "open");
    return ledger;
}

static void fill(const char *dir, int64_t rows)
{
    struct ledger *ledger = open_ledger(dir);
    struct watch watch = start();

    for (int64_t i = 0; i < rows; i++)
        write_row(ledger, i, rows);
    ledger_close(ledger);
    tell("write", &watch, rows);
}

static void sum(const char *dir, int64_t rows)
{
    struct ledger *ledger = open_ledger(dir);
    struct watch watch = start();
    unsigned made;

    must(ledger_rollup_run(ledger, MONTH_MS + 2 * SPAN_MS, 2000, &made), "rollup");
    tell("rollups", &watch, rows);
    ledger_close(ledger);
}

static void read_back(const char *dir, int64_t rows)
{
    struct report_order order = {.from_ms = MONTH_MS,
                                 .to_ms = MONTH_MS + SPAN_MS + 86400000,
                                 .now_ms = MONTH_MS + 2 * SPAN_MS};
    struct verify_order check = {.from_ms = order.from_ms,
                                 .to_ms = order.to_ms,
                                 .now_ms = order.now_ms,
                                 .tolerance_ppm = 1000};
    enum export_key by = EXPORT_MODEL;
    FILE *out = fopen("/dev/null", "w");
    struct ledger_reader *reader;
    struct verify_result verified;
    char error[512] = "";
    struct watch watch;

    must(ledger_reader_open(dir, order.now_ms, &reader, error, sizeof error), error);
    watch = start();
    must(report_write(reader, &order, out), "report");
    tell("report", &watch, rows);
    watch = start();
    must(export_rows(reader, order.from_ms, order.to_ms, EXPORT_CSV, out), "export");
    tell("csv", &watch, rows);
    watch = start();
    must(export_rows(reader, order.from_ms, order.to_ms, EXPORT_JSONL, out), "export");
    tell("jsonl", &watch, rows);
    watch = start();
    must(export_groups(reader, order.from_ms, order.to_ms, &by, 1, EXPORT_CSV, out), "groups");
    tell("--by model", &watch, rows);
    watch = start();
    must(verify_ledger(reader, &check, stdout, &verified), "verify");
    tell("verify", &watch, rows);
    ledger_reader_close(reader);
    fclose(out);
}

int main(int argc, char **argv)
{
    int64_t rows = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;

    if (rows <= 0) {
        fputs("usage: bench_ledger DIR ROWS\n", stderr);
        return 2;
    }
    fill(argv[1], rows);
    sum(argv[1], rows);
    read_back(argv[1], rows);
    return 0;
}
