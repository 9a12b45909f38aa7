/* text.h - a borrowed slice of bytes. Threads: values only. */
#ifndef ACCOUNTING_TEXT_H
#define ACCOUNTING_TEXT_H

#include <stddef.h>
#include <string.h>

struct text {
    const char *bytes; /* not NUL-terminated; NULL and 0: not known */
    size_t len;
};
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})
/* borrow: a NUL-terminated text. */
static inline struct text text_of(const char *bytes)
{
    return (struct text){bytes, strlen(bytes)};
}

#endif
