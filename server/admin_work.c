/* admin_work.c - what the admin address's jobs do, each on a thread of its own. */
#include "server/admin_private.h"

#include "accounting/explain.h"
#include "accounting/ledger_month.h"
#include "accounting/report.h"
#include "server/admin_close.h"
#include "server/admin_requests.h"
#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- readers --- */

static struct ledger *ledger_of(const struct admin_job *job)
{
    return job->admin->gateway->ledger;
}

static int open_reader(struct admin_job *job, struct ledger_reader **ret_reader)
{
    int result = ledger_reader_within(ledger_of(job), ADMIN_WAIT_MS, &job->stop, ret_reader);

    return result == 0 ? 0 : admin_error_ledger(&job->error, result, "");
}

/* take: reader. */
static int done(struct admin_job *job, struct ledger_reader *reader, int result)
{
    ledger_reader_close(reader);
    return result == 0 ? 0 : admin_error_ledger(&job->error, result, "");
}

static int flush_out(struct admin_job *job, struct out *text, FILE *out)
{
    int result = text->error;

    if (result == 0 && fwrite(text->bytes, 1, text->len, out) != text->len)
        result = -ECANCELED; /* whoever asked is gone */
    out_release(text);
    return result == 0 ? 0 : admin_error_ledger(&job->error, result, "");
}

/* --- report, explain, months --- */

int admin_work_report(struct admin_job *job, FILE *out)
{
    const struct admin_query *query = &job->ask.query;
    struct report_order order = {
        .from_ms = query->from_ms,
        .to_ms = query->to_ms,
        .against_from_ms = query->against_from_ms,
        .against_to_ms = query->against_to_ms,
        .by = query->by_count > 0 ? query->by : NULL,
        .by_count = query->by_count,
        .json = true,
        .now_ms = admin_wall_ms(),
    };
    struct ledger_reader *reader;

    if (open_reader(job, &reader) != 0)
        return -1;
    if (export_groups_overlap(query->by, query->by_count))
        job->warning = "requests with several tags count in each of them";
    return done(job, reader, report_write(reader, &order, out));
}

int admin_work_request(struct admin_job *job, FILE *out)
{
    struct explain_order order = {.id = text_of(job->ask.id), .json = true};
    struct ledger_reader *reader;
    int result;

    if (open_reader(job, &reader) != 0)
        return -1;
    result = explain_write(reader, &order, out);
    if (result == -ENOENT) {
        ledger_reader_close(reader);
        return admin_error_set(&job->error, 404, "not_found", "there is no request with this id");
    }
    return done(job, reader, result);
}

static int print_month(struct ledger_reader *reader, int64_t from_ms, struct out *out)
{
    struct seal seal;
    char name[LEDGER_MONTH_NAME];
    int result = ledger_reader_seal(reader, from_ms, &seal);

    if (result != 0 && result != -ENOENT)
        return result;
    out_next(out);
    if (result == 0) {
        admin_close_print(&seal, out);
        return 0;
    }
    ledger_month_name(from_ms, name);
    out_char(out, '{');
    out_name(out, "month");
    out_string(out, text_of(name));
    out_name(out, "closed");
    out_text(out, "false}");
    return 0;
}

int admin_work_months(struct admin_job *job, FILE *out)
{
    static const size_t months_max = ADMIN_MONTHS_MAX;
    int64_t *months = calloc(months_max, sizeof *months);
    struct ledger_reader *reader;
    struct out text = OUT_INIT;
    size_t count = 0;
    int result = -ENOMEM;

    if (open_reader(job, &reader) != 0) {
        free(months);
        return -1;
    }
    if (months != NULL)
        result = ledger_reader_months(reader, months, months_max, &count);
    out_text(&text, "{\"data\":[");
    for (size_t i = 0; i < count && result == 0; i++)
        result = print_month(reader, months[i], &text);
    out_text(&text, "]}\n");
    free(months);
    if (done(job, reader, result) == 0)
        return flush_out(job, &text, out);
    out_release(&text);
    return -1;
}

/* --- requests --- */

static int read_raw(void *arg, int64_t from_ms, int64_t to_ms,
                    int (*fn)(void *arg, const struct ledger_ref *ref, const uint8_t *bytes,
                              size_t len),
                    void *fn_arg)
{
    return ledger_reader_raw(arg, from_ms, to_ms, fn, fn_arg);
}

/* Where a page goes on that is told by an id. */
static int find_after(struct ledger_reader *reader, struct admin_after *after)
{
    uint8_t *buffer = malloc(ROW_ENCODED_MAX);
    struct ledger_row row;
    int result = -ENOMEM;

    if (buffer != NULL)
        result = ledger_reader_find(reader, text_of(after->id), buffer, &row);
    if (result == 0)
        after->place.created_at_ms = row.created_at_ms;
    free(buffer);
    return result;
}

int admin_work_requests(struct admin_job *job, FILE *out)
{
    struct admin_query *query = &job->ask.query;
    struct ledger_reader *reader;
    int result = 0;

    if (open_reader(job, &reader) != 0)
        return -1;
    if (query->after.kind == ADMIN_AFTER_ID)
        result = find_after(reader, &query->after);
    if (result == -ENOENT) {
        ledger_reader_close(reader);
        return admin_error_set(&job->error, 404, "not_found",
                               "there is no request with the id in `after`");
    }
    if (result == 0) {
        struct admin_rows rows = {.raw = read_raw, .arg = reader};
        result = admin_requests_write(&rows, query, out);
    }
    return done(job, reader, result);
}

/* --- export --- */

static void name_file(struct admin_job *job, const char *extension)
{
    snprintf(job->disposition, sizeof job->disposition, "attachment; filename=\"tollgate-%s%s.%s\"",
             job->ask.query.month, job->ask.query.by_count > 0 ? "-groups" : "", extension);
}

/* Who invoices for what an upstream served. */
/* The dataset is validated before a byte of it leaves, and for that it must be read back: a file
 * without a name, on the disk that has the ledger. */
static FILE *open_scratch(const struct config *config)
{
    int fd = open(config->data_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    FILE *file;

    if (fd < 0) {
        char path[4096];
        if (snprintf(path, sizeof path, "%s/admin-export.XXXXXX", config->data_dir) >=
            (int)sizeof path)
            return NULL;
        fd = mkostemp(path, O_CLOEXEC); /* 0600 */
        if (fd >= 0)
            unlink(path);
    }
    if (fd < 0)
        return NULL;
    file = fdopen(fd, "w+");
    if (file == NULL)
        close(fd);
    return file;
}

static int copy_out(FILE *from, FILE *to)
{
    char bytes[16 * 1024];
    size_t got;

    rewind(from);
    while ((got = fread(bytes, 1, sizeof bytes, from)) > 0)
        if (fwrite(bytes, 1, got, to) != got)
            return -ECANCELED;
    return ferror(from) ? -EIO : 0;
}

static int write_focus(struct admin_job *job, struct ledger_reader *reader, FILE *scratch,
                       char **notes)
{
    const struct config *config = job->admin->gateway->config;
    const struct admin_query *query = &job->ask.query;
    struct focus_order order = {
        .from_ms = query->from_ms,
        .to_ms = query->to_ms,
        .profile = query->profile,
        .form = FOCUS_CSV,
        .savings = query->savings,
        .account_id = config->ledger.account,
        .account_name = config->ledger.account_name,
        .gateway = config->upstream_count > 0 ? config_bills_as(&config->upstream[0]) : "",
        .gateway_of = config_invoice_issuer,
        .gateway_arg = (void *)(uintptr_t)config, /* it only reads it */
        .now_ms = admin_wall_ms(),
    };
    size_t len = 0;
    FILE *told = open_memstream(notes, &len);
    int result = -ENOMEM;

    if (told != NULL)
        result = focus_export(reader, &order, scratch, NULL, told);
    if (told != NULL && fclose(told) != 0 && result == 0)
        result = -ENOMEM;
    return result;
}

/* The validator has a line for each of its points: from the first that failed on. */
static const char *first_failure(const char *notes)
{
    const char *failed = notes != NULL ? strstr(notes, " FAILED ") : NULL;

    if (failed == NULL)
        return notes != NULL ? notes : "";
    while (failed > notes && failed[-1] != '\n')
        failed--;
    return failed;
}

static int export_focus(struct admin_job *job, struct ledger_reader *reader, FILE *out)
{
    FILE *scratch = open_scratch(job->admin->gateway->config);
    char *notes = NULL;
    int result = -EIO;

    if (scratch != NULL)
        result = write_focus(job, reader, scratch, &notes);
    if (result == -EBADMSG)
        result = admin_error_set(&job->error, 500, "focus_invalid",
                                 "the dataset does not pass its own validator: %s",
                                 first_failure(notes));
    else if (result == 0)
        result = copy_out(scratch, out);
    free(notes);
    if (scratch != NULL)
        fclose(scratch);
    return result;
}

int admin_work_export(struct admin_job *job, FILE *out)
{
    const struct admin_query *query = &job->ask.query;
    enum export_format format = query->format == ADMIN_JSONL ? EXPORT_JSONL : EXPORT_CSV;
    struct ledger_reader *reader;
    int result;

    if (open_reader(job, &reader) != 0)
        return -1;
    job->type = format == EXPORT_JSONL ? "application/x-ndjson" : "text/csv; charset=utf-8";
    name_file(job, query->format == ADMIN_FOCUS ? "focus.csv"
                   : format == EXPORT_JSONL     ? "jsonl"
                                                : "csv");
    if (export_groups_overlap(query->by, query->by_count))
        job->warning = "requests with several tags count in each of them";
    if (query->format == ADMIN_FOCUS)
        result = export_focus(job, reader, out);
    else if (query->by_count > 0)
        result = export_groups(reader, query->from_ms, query->to_ms, query->by, query->by_count,
                               format, out);
    else
        result = export_rows(reader, query->from_ms, query->to_ms, format, out);
    if (job->error.status == 0)
        return done(job, reader, result);
    ledger_reader_close(reader);
    return -1;
}

/* --- close and backup --- */

int admin_work_close(struct admin_job *job, FILE *out)
{
    const struct admin_close_body *body = &job->ask.close;
    struct admin_close_order order = {
        .data_dir = job->admin->gateway->config->data_dir,
        .month = body->month,
        .from_ms = body->from_ms,
        .to_ms = body->to_ms,
        .now_ms = admin_wall_ms(),
        .with_pending = body->with_pending,
        .export_path = body->export_path,
        .stop = &job->stop,
    };
    struct out text = OUT_INIT;
    struct seal seal;

    if (admin_close(ledger_of(job), &order, &seal, &job->error) != 0) {
        log_line(LOG_WARNING, "month_not_closed", LOG_TEXT("month", body->month),
                 LOG_TEXT("why", job->error.message));
        return -1;
    }
    log_line(LOG_INFO, "month_closed", LOG_TEXT("month", body->month),
             LOG_NUMBER("rows", seal.rows));
    admin_close_print(&seal, &text);
    out_char(&text, '\n');
    return flush_out(job, &text, out);
}

int admin_work_backup(struct admin_job *job, FILE *out)
{
    const char *dir = job->ask.backup.dir;
    struct out text = OUT_INIT;

    if (admin_backup(ledger_of(job), job->admin->gateway->config->data_dir, dir, &job->error) !=
        0) {
        log_line(LOG_WARNING, "backup_failed", LOG_TEXT("dir", dir),
                 LOG_TEXT("why", job->error.message));
        return -1;
    }
    log_line(LOG_INFO, "backup_made", LOG_TEXT("dir", dir));
    admin_backup_print(dir, &text);
    out_char(&text, '\n');
    return flush_out(job, &text, out);
}
