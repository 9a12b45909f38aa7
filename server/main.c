#include "server/commands.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *does;
} commands[] = {
    {"serve", command_serve, "run the gateway in the foreground"},
    {"check", command_check, "validate configuration, prices and model ids"},
    {"export", command_export, "write a month of the ledger as CSV, JSON lines or FOCUS"},
    {"report", command_report, "spend, savings and drift of a month, for people or as JSON"},
    {"explain", command_explain, "one request's whole story"},
    {"verify", command_verify, "recheck every law of the ledger from its rows"},
    {"close", command_close, "seal a month under a signed head"},
    {"reconcile", command_reconcile, "compare a month with the vendor's own bill"},
    {"rerate", command_rerate, "what a month would have cost under another price table"},
    {"backup", command_backup, "a consistent copy of the ledger, while serving too"},
    {"prices", command_prices, "import price tables, show a model's price"},
    {"keys", command_keys, "make virtual keys and the key that signs closed months"},
    {"compare", command_compare, "ask the same of several upstreams and models, side by side"},
};

static void print_help(FILE *out)
{
    fputs("usage: tollgate COMMAND [options]\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].does);
    fputs("\ntollgate COMMAND --help tells more. tollgate --version prints the version.\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_MISUSE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("tollgate " TOLLGATE_VERSION);
        return EXIT_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "tollgate: there is no command \"%s\"; tollgate --help lists them\n", argv[1]);
    return EXIT_MISUSE;
}
