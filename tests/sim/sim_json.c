/* sim_json.c - see sim_json.h. */
#include "tests/sim/sim_json.h"

#include <stdarg.h>
#include <stdlib.h>

static void string_or_null(struct sim_text *text, const char *value)
{
    if (value != NULL)
        sim_text_json_str(text, value);
    else
        sim_text_str(text, "null");
}

static void directive(struct sim_text *text, char kind, va_list *arguments)
{
    const h2o_iovec_t *value;
    const __int128 *amount;
    const uint8_t *bytes;

    switch (kind) {
    case 'j':
        string_or_null(text, va_arg(*arguments, const char *));
        break;
    case 'v':
        value = va_arg(*arguments, const h2o_iovec_t *);
        sim_text_json(text, value->base, value->len);
        break;
    case 'e':
        value = va_arg(*arguments, const h2o_iovec_t *);
        sim_text_escaped(text, value->base, value->len);
        break;
    case 'r':
        sim_text_str(text, va_arg(*arguments, const char *));
        break;
    case 'i':
        sim_text_int(text, va_arg(*arguments, int64_t));
        break;
    case 'b':
        sim_text_str(text, va_arg(*arguments, int) != 0 ? "true" : "false");
        break;
    case 'd':
        sim_cost_json(text, *va_arg(*arguments, const __int128 *), SIM_COST_STRING);
        break;
    case 'n':
        amount = va_arg(*arguments, const __int128 *);
        sim_cost_json(text, *amount, (enum sim_cost_format)va_arg(*arguments, int));
        break;
    case 'h':
        bytes = va_arg(*arguments, const uint8_t *);
        sim_text_hex(text, bytes, va_arg(*arguments, size_t));
        break;
    default:
        abort();
    }
}

void sim_json(struct sim_text *text, const char *template, ...)
{
    const char *at = template;
    va_list arguments;

    va_start(arguments, template);
    while (*at != '\0') {
        size_t plain = 0;
        while (at[plain] != '\0' && at[plain] != '\'' && at[plain] != '%')
            plain++;
        sim_text_add(text, at, plain);
        at += plain;
        if (*at == '\'') {
            sim_text_add(text, "\"", 1);
            at++;
        } else if (*at == '%') {
            directive(text, at[1], &arguments);
            at += 2;
        }
    }
    va_end(arguments);
}
