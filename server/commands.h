/* commands.h - the subcommands of tollgate. Each gets the arguments behind its name, prints errors
 * on stderr, and returns the exit code: 0 ok, 1 failed, 2 misuse.
 */
#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_MISUSE = 2 };

int command_serve(int argc, char **argv);
int command_check(int argc, char **argv);
int command_export(int argc, char **argv);
int command_prices(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_report(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_rerate(int argc, char **argv);
int command_reconcile(int argc, char **argv);
int command_close(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_keys(int argc, char **argv);

#endif
