#include "accounting/focus_file.h"

#include "accounting/export_tags.h"
#include "accounting/focus_json.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

static int fail(struct focus_file *file, const char *why)
{
    snprintf(file->fault, sizeof(file->fault), "line %llu: %s", (unsigned long long)file->line,
             why);
    return -EBADMSG;
}

static int read_failed(const struct focus_file *file)
{
    return ferror(file->in) ? -EIO : 0;
}

static bool is_utf8(struct text text)
{
    for (size_t i = 0; i < text.len;) {
        size_t size = export_utf8(text.bytes + i, text.len - i);
        if (size == 0)
            return false;
        i += size;
    }
    return true;
}

static int put(struct focus_file *file, int c)
{
    if (file->used == FOCUS_RECORD_MAX)
        return fail(file, "longer than 64 KiB");
    file->text[file->used++] = (char)c;
    return 0;
}

/* --- CSV --- */

/* What ends a field. */
enum end { END_COMMA = ',', END_LINE = '\n', END_FILE = EOF };

/* A line end may be LF or CRLF, the same one throughout. */
static int take_line_end(struct focus_file *file, int c, int *ret_end)
{
    if (c == '\r') {
        if (getc_unlocked(file->in) != '\n')
            return fail(file, "a carriage return that ends no line");
    }
    if (file->line_end != 0 && file->line_end != c)
        return fail(file, "its end is not that of the lines before it");
    file->line_end = c;
    *ret_end = END_LINE;
    return 0;
}

static int take_end(struct focus_file *file, int c, int *ret_end)
{
    if (c == ',' || c == EOF) {
        *ret_end = c;
        return 0;
    }
    if (c == '\n' || c == '\r')
        return take_line_end(file, c, ret_end);
    return fail(file, "text behind a closing quote");
}

static int take_quoted(struct focus_file *file, int *ret_end)
{
    for (;;) {
        int result, c = getc_unlocked(file->in);
        if (c == EOF)
            return fail(file, "a quote that is not closed");
        if (c == '"') {
            c = getc_unlocked(file->in);
            if (c != '"')
                return take_end(file, c, ret_end);
        }
        result = put(file, c);
        if (result < 0)
            return result;
    }
}

static int take_plain(struct focus_file *file, int c, int *ret_end)
{
    while (c != ',' && c != '\n' && c != '\r' && c != EOF) {
        int result = c == '"' ? fail(file, "a quote inside a field") : put(file, c);
        if (result < 0)
            return result;
        c = getc_unlocked(file->in);
    }
    return take_end(file, c, ret_end);
}

static int take_field(struct focus_file *file, int c, int *ret_end)
{
    size_t start = file->used;
    unsigned field = file->fields_read;
    int result;
    if (field == FOCUS_FIELDS_MAX)
        return fail(file, "more than 256 fields");
    file->quoted[field] = c == '"';
    result = c == '"' ? take_quoted(file, ret_end) : take_plain(file, c, ret_end);
    if (result < 0)
        return result;
    file->fields[field] = (struct text){file->text + start, file->used - start};
    file->fields_read++;
    return is_utf8(file->fields[field]) ? 0 : fail(file, "not UTF-8");
}

/* 1: the fields of one line. */
static int read_fields(struct focus_file *file)
{
    int end = END_COMMA, c = getc_unlocked(file->in);
    file->used = 0;
    file->fields_read = 0;
    if (c == EOF)
        return read_failed(file);
    file->line++;
    for (; end == END_COMMA; c = end == END_COMMA ? getc_unlocked(file->in) : 0) {
        int result = take_field(file, c, &end);
        if (result < 0)
            return ferror(file->in) ? -EIO : result;
    }
    return ferror(file->in) ? -EIO : 1;
}

/* --- names --- */

static bool is_ours(struct text name)
{
    return name.len > 2 && memcmp(name.bytes, "x_", 2) == 0;
}

static void note_name(struct focus_file *file, struct text name, enum focus_column column,
                      bool *behind_ours)
{
    bool ours = is_ours(name);
    if (column != FOCUS_COLUMNS) {
        file->twice |= file->present[column];
        file->present[column] = true;
    }
    if (ours)
        *behind_ours = true;
    else if (*behind_ours)
        file->misplaced = true;
    if (!ours && (name.len == 0 || !isupper((unsigned char)name.bytes[0])))
        file->foreign = true;
}

static int read_header(struct focus_file *file)
{
    bool behind_ours = false;
    int result = read_fields(file);
    if (result == 0)
        return fail(file, "there is no header");
    if (result < 0)
        return result;
    if (file->fields[0].len >= 3 && memcmp(file->fields[0].bytes, "\xef\xbb\xbf", 3) == 0)
        return fail(file, "it begins with a byte order mark");
    file->field_count = file->fields_read;
    for (unsigned i = 0; i < file->field_count; i++) {
        file->columns[i] = focus_column_find(file->fields[i].bytes, file->fields[i].len);
        note_name(file, file->fields[i], file->columns[i], &behind_ours);
    }
    return 0;
}

static int next_csv(struct focus_file *file)
{
    int result = read_fields(file);
    if (result <= 0)
        return result;
    if (file->fields_read != file->field_count)
        return fail(file, "it has not as many fields as the header");
    for (unsigned i = 0; i < file->field_count; i++) {
        enum focus_column column = file->columns[i];
        if (column == FOCUS_COLUMNS)
            continue;
        if (file->fields[i].len > 0)
            file->cells.cell[column] = file->fields[i];
        else
            file->empty[column] = file->quoted[i];
    }
    return 1;
}

/* --- JSON lines --- */

static int read_text(struct focus_file *file)
{
    int result = 0, c = getc_unlocked(file->in);
    file->used = 0;
    if (c == EOF)
        return read_failed(file);
    file->line++;
    for (; c != EOF && c != '\n' && result == 0; c = getc_unlocked(file->in))
        result = put(file, c);
    if (result < 0)
        return result;
    return ferror(file->in) ? -EIO : 1;
}

/* Decimals are strings, so that nobody makes doubles of them. */
static bool is_typed(const struct focus_column_info *info, struct json_object *value)
{
    switch ((enum focus_type)info->type) {
    case FOCUS_COUNT:
        return json_object_is_type(value, json_type_int);
    case FOCUS_JSON:
        return json_object_is_type(value, json_type_object);
    case FOCUS_STRING:
    case FOCUS_DECIMAL:
    case FOCUS_TIME:
        break;
    }
    return json_object_is_type(value, json_type_string);
}

static void take_value(struct focus_file *file, enum focus_column column, struct json_object *value)
{
    struct text text;
    if (value == NULL)
        return;
    if (!is_typed(focus_column_info(column), value))
        file->wrong[column] = true;
    if (json_object_is_type(value, json_type_string))
        text =
            (struct text){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
    else
        text = text_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE));
    if (text.len > 0)
        file->cells.cell[column] = text;
    else
        file->empty[column] = true;
}

static int next_jsonl(struct focus_file *file)
{
    struct text text;
    bool behind_ours = false;
    int result = read_text(file);
    if (result <= 0)
        return result;
    json_object_put(file->root);
    file->root = NULL;
    text = (struct text){file->text, file->used};
    if (!is_utf8(text))
        return fail(file, "not UTF-8");
    if (focus_json_object(text, &file->root) < 0)
        return fail(file, "not a JSON object whose keys stand once");
    memset(file->present, 0, sizeof(file->present));
    json_object_object_foreach(file->root, name, value)
    {
        enum focus_column column = focus_column_find(name, strlen(name));
        note_name(file, text_of(name), column, &behind_ours);
        if (column != FOCUS_COLUMNS)
            take_value(file, column, value);
    }
    return 1;
}

/* --- */

int focus_file_open(FILE *in, enum focus_form form, struct focus_file **ret_file)
{
    struct focus_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return -ENOMEM;
    file->in = in;
    file->form = form;
    *ret_file = file;
    return form == FOCUS_CSV ? read_header(file) : 0;
}

void focus_file_close(struct focus_file *file)
{
    if (file == NULL)
        return;
    json_object_put(file->root);
    free(file);
}

int focus_file_next(struct focus_file *file)
{
    int result;
    memset(&file->cells, 0, sizeof(file->cells));
    memset(file->empty, 0, sizeof(file->empty));
    memset(file->wrong, 0, sizeof(file->wrong));
    result = file->form == FOCUS_CSV ? next_csv(file) : next_jsonl(file);
    if (result == 1)
        file->lines++;
    assert(result <= 1);
    return result;
}
