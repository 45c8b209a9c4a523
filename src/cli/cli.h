#pragma once
/*
 * The frame of the commands: one table {name, summary, usage, function}, options, settings, and how a
 * command gets a loop and the app it works with.
 *
 *   static int run(struct flow *f, struct app *app, void *arg);     // a flow like any other
 *   int cli_thing(struct cli *cli)
 *   {
 *       int64_t limit = 100;
 *       const struct cli_option options[] = {CLI_INT("--limit", &limit, 1, 500)};
 *       int r = cli_options(cli, options, ARRAY_COUNT(options));
 *       if (r != CLI_GO_ON)
 *           return r;
 *       r = cli_config(cli);
 *       return r != CLI_GO_ON ? r : cli_run(cli, "thing", run, &limit);
 *   }
 *
 * Results go to stdout, talk to stderr. Exit: 0 done, 1 failed, 2 usage or configuration.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/config.h"
#include "loop/flow.h"

struct app;
struct cli;

#define CLI_GO_ON (-1) /* no exit status: the command shall go on */

typedef int cli_fn(struct cli *cli); /* returns the exit status */

struct cli_command {
    const char *name;
    const char *summary; /* one line for the list */
    const char *usage;   /* what `NAME --help` prints: usage line, options, examples */
    cli_fn *run;
};

struct cli {
    struct arena arena; /* for words, settings and results; dies with the command */
    const struct cli_command *command;
    char **words; /* what follows the command's name; cli_options takes the options out */
    int word_count;
    struct config config; /* after cli_config */
    struct str dotenv;    /* the text of .env, likewise; in the arena */
};

/* The whole program: finds the command and runs it. */
int cli_main(int argc, char **argv);
extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;

/* ---- options: "--name value", "--name=value", "-x value", flags without a value ---- */

enum cli_option_kind { CLI_OPTION_FLAG, CLI_OPTION_INT, CLI_OPTION_TEXT };
struct cli_option {
    const char *name;
    enum cli_option_kind kind;
    void *
        value; /* bool, int64_t or const char *, by kind; left alone when the option is not given */
    int64_t min, max;
};
#define CLI_FLAG(option_name, bool_ptr)                                                            \
    {                                                                                              \
        .name = (option_name), .kind = CLI_OPTION_FLAG, .value = (bool_ptr)                        \
    }
#define CLI_INT(option_name, int64_ptr, least, most)                                               \
    {                                                                                              \
        .name = (option_name), .kind = CLI_OPTION_INT, .value = (int64_ptr), .min = (least),       \
        .max = (most)                                                                              \
    }
#define CLI_TEXT(option_name, text_ptr)                                                            \
    {                                                                                              \
        .name = (option_name), .kind = CLI_OPTION_TEXT, .value = (text_ptr)                        \
    }
/* Takes the options out of cli->words, which keeps the plain words in order. CLI_GO_ON, 0 after --help,
 * or 2 after telling what is wrong. "--" ends the options. */
int cli_options(struct cli *cli, const struct cli_option *options, size_t count) _must_check_;
/* Tells on stderr what is wrong and how the command is used; returns 2. */
int cli_usage(const struct cli *cli, const char *fmt, ...) _printf_(2, 3);

/* ---- settings and running ---- */

/* Reads environment and .env into cli->config and sets up the log. CLI_GO_ON, or 2 after naming every
 * fault. */
int cli_config(struct cli *cli) _must_check_;
/* Runs fn on a loop of its own with the app open; SIGINT and SIGTERM cancel it. Returns 0, or 1 after the
 * error was told on stderr. */
int cli_run(struct cli *cli, const char *name,
            int (*fn)(struct flow *f, struct app *app, void *arg), void *arg) _must_check_;
/* The same without the app: for commands that need only a loop. */
int cli_run_bare(struct cli *cli, const char *name, flow_fn *fn, void *arg) _must_check_;

/* ---- the commands ---- */

cli_fn cli_serve, cli_settings, cli_validate, cli_health, cli_status, cli_sync;
cli_fn cli_collect, cli_monitor, cli_verify;
cli_fn cli_batch, cli_missing, cli_report, cli_complete;
