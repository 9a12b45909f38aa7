#include "accounting/report_grid.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static const char unknown[] = "-";

void report_grid_init(struct report_grid *grid, const enum report_align *aligns, size_t columns)
{
    assert(columns > 0 && columns <= REPORT_COLUMNS_MAX);
    memset(grid, 0, sizeof(*grid));
    grid->columns = columns;
    memcpy(grid->aligns, aligns, columns * sizeof(*aligns));
}

void report_grid_release(struct report_grid *grid)
{
    free(grid->bytes);
    grid->bytes = NULL;
    grid->len = grid->size = 0;
}

/* How far a cell reaches to the left and to the right of its column's point. */
static void reach(enum report_align align, const char *cell, size_t *ret_left, size_t *ret_right)
{
    size_t len = strlen(cell);
    size_t whole = align == REPORT_POINT ? strcspn(cell, ".") : len;

    *ret_left = report_width(cell, whole);
    *ret_right = report_width(cell + whole, len - whole);
}

static void widen(struct report_grid *grid, const char *cell)
{
    size_t column = grid->cells % grid->columns, left, right;

    if (grid->cells < grid->columns) {
        grid->heading[column] = report_width(cell, strlen(cell));
        return;
    }
    reach(grid->aligns[column], cell, &left, &right);
    if (left > grid->left[column])
        grid->left[column] = left;
    if (right > grid->right[column])
        grid->right[column] = right;
}

void report_grid_word(struct report_grid *grid, const char *word)
{
    size_t len = strlen(word) + 1;

    if (grid->error != 0)
        return;
    if (len > grid->size - grid->len) {
        size_t size = 2 * grid->size + len + 1024;
        char *bytes = realloc(grid->bytes, size);
        if (bytes == NULL) {
            grid->error = -ENOMEM;
            return;
        }
        grid->bytes = bytes;
        grid->size = size;
    }
    memcpy(grid->bytes + grid->len, word, len);
    grid->len += len;
    widen(grid, word);
    grid->cells++;
}

void report_grid_headings(struct report_grid *grid, const char *const *names)
{
    for (size_t i = 0; i < grid->columns; i++)
        report_grid_word(grid, names[i]);
}

void report_grid_name(struct report_grid *grid, struct text name)
{
    char plain[REPORT_PLAIN_SIZE(REPORT_NAME_WIDTH) + 3];
    bool cut = name.len > REPORT_NAME_WIDTH;
    size_t len;

    if (cut) { /* between two characters */
        name.len = REPORT_NAME_WIDTH;
        while (name.len > 0 && ((unsigned char)name.bytes[name.len] & 0xc0) == 0x80)
            name.len--;
    }
    len = report_plain(name, plain, sizeof(plain) - 3);
    if (cut)
        memcpy(plain + len, "...", 4);
    report_grid_word(grid, len > 0 || cut ? plain : unknown);
}

void report_grid_count(struct report_grid *grid, int64_t count)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, count);
    report_grid_word(grid, count >= 0 ? text : unknown);
}

void report_grid_money(struct report_grid *grid, const struct maybe_money *money)
{
    char text[MONEY_TEXT_MAX];

    report_money(money, unknown, text);
    report_grid_word(grid, text);
}

void report_grid_percent(struct report_grid *grid, __int128 part, __int128 whole)
{
    char text[REPORT_PERCENT_SIZE];

    report_percent(part, whole, text);
    report_grid_word(grid, text[0] != '\0' ? text : unknown);
}

/* A heading over numbers stands at their right end. Blanks wait until something follows them, so
 * that no line ends in any. */
static void put_cell(const struct report_grid *grid, size_t column, const char *cell, bool heading,
                     size_t *blanks, FILE *out)
{
    size_t body = grid->left[column] + grid->right[column], before = 0, left, right;
    size_t width = grid->heading[column] > body ? grid->heading[column] : body;

    reach(grid->aligns[column], cell, &left, &right);
    if (grid->aligns[column] != REPORT_LEFT)
        before = heading ? width - left - right : width - body + grid->left[column] - left;
    *blanks += (column == 0 ? 2 : 3) + before;
    if (cell[0] != '\0') {
        fprintf(out, "%*s%s", (int)*blanks, "", cell);
        *blanks = 0;
    }
    *blanks += width - before - left - right;
}

int report_grid_print(const struct report_grid *grid, FILE *out)
{
    const char *cell = grid->bytes;
    size_t blanks = 0;

    if (grid->error != 0)
        return grid->error;
    assert(grid->cells % grid->columns == 0);
    for (size_t i = 0; i < grid->cells; i++) {
        put_cell(grid, i % grid->columns, cell, i < grid->columns, &blanks, out);
        if ((i + 1) % grid->columns == 0) {
            fputc('\n', out);
            blanks = 0;
        }
        cell += strlen(cell) + 1;
    }
    return 0;
}
