/*
 * cli/cli.c: the table of commands and the way into each.
 *
 * The happy path: the first word names a command; its function reads its options, then the settings,
 * then runs a flow on a loop of its own and returns the exit status.
 *
 * Fails by: an unknown command, option or value, which is told on stderr with the usage (status 2), and
 * by settings that are not valid: every fault is told at once (status 2).
 *
 * Invariant: nothing but cli_main ends the program, so arenas and loops are always released.
 */
#include "cli/cli.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "app.h"
#include "base/log.h"

#define DOTENV_BYTES_MAX (1u << 20)

extern char **environ;

const struct cli_command cli_commands[] = {
    {"serve", "serve the API, the streams and the page",
     "usage: deskstream serve\n"
     "\n"
     "Listens on HOST:PORT (127.0.0.1:8000). SIGINT or SIGTERM lets open streams finish for "
     "DRAIN_MS,\n"
     "a second signal ends at once; SIGUSR1 lists what runs in the log.\n"
     "\n"
     "examples:\n"
     "  deskstream serve\n"
     "  PORT=9000 LOG_LEVEL=debug deskstream serve\n",
     cli_serve},
    {"collect", "fetch the whole account into a folder of files",
     "usage: deskstream collect [--test | --full | --resume] [OPTIONS]\n"
     "\n"
     "  --test               the first 100 tickets (also --quick-test)\n"
     "  --full               everything; the default where there is no terminal\n"
     "  --resume             go on where the last run stopped (a full run does so, too)\n"
     "  --max-tickets N      at most N tickets\n"
     "  --start-date D       only tickets updated since that day (UTC)\n"
     "  --end-date D         only tickets updated until that day\n"
     "  --out DIR            the folder (freshdesk_full_data)\n"
     "  --no-conversations   tickets only: far fewer calls\n"
     "  --attachments        the files, too: a credit more for each ticket\n"
     "  --archived           look by id for tickets that no list shows\n"
     "  --from-export FILE   begin with a JSON file of the account export\n"
     "  --to postgres        load tickets, threads and texts into the database in the same pass\n"
     "  --no-export          do not make all_tickets.json, tickets_export.csv, "
     "summary_report.json\n"
     "  --gzip               all_tickets.json.gz, too\n"
     "  --background         go on without the terminal: log freshdesk_full_collection.log, "
     "process\n"
     "                       in freshdesk_collection.pid, both in this folder\n"
     "  --share PERCENT      of the account's calls, when a server uses it, too (100)\n"
     "\n"
     "On a terminal without options it asks. SIGTERM and ctrl-C stop it with progress saved; a "
     "killed\n"
     "run loses nothing. The old names of the options are taken, too.\n"
     "\n"
     "examples:\n"
     "  deskstream collect --test --out /tmp/try\n"
     "  deskstream collect --full --no-conversations\n"
     "  deskstream collect --resume\n",
     cli_collect},
    {"monitor", "tell how far the collection in this folder is",
     "usage: deskstream monitor [-w] [--out DIR]\n"
     "\n"
     "  -w         again every 300 seconds, on a cleared screen\n"
     "  --out DIR  the collection's folder (freshdesk_full_data)\n"
     "\n"
     "examples:\n"
     "  deskstream monitor\n",
     cli_monitor},
    {"verify", "check that a collected folder is complete",
     "usage: deskstream verify [DIR] [--recount]\n"
     "\n"
     "  DIR        the collection's folder (freshdesk_full_data)\n"
     "  --recount  count the account a second way, by search totals of each day, and explain "
     "every\n"
     "             difference; a call a day\n"
     "\n"
     "Ends with \"N expected, N held, 0 unexplained\" and status 0, or names what is missing.\n"
     "\n"
     "examples:\n"
     "  deskstream verify\n"
     "  deskstream verify /srv/archive --recount\n",
     cli_verify},
    {"batch", "classify the chats of a day",
     "usage: deskstream batch [-d DAY | -s DAY -e DAY] [OPTIONS]\n"
     "\n"
     "  -d, --date DAY         2024-03-15, yesterday or today; without a day: yesterday\n"
     "  -s, --start-date DAY   with -e: every day of the range, one after the other\n"
     "  -e, --end-date DAY\n"
     "  --workers N            calls under way at once (PARALLEL_MAX_WORKERS)\n"
     "  --chunk-size N         questions taken from the queue at a time (PARALLEL_CHUNK_SIZE)\n"
     "  --email                mail the result with its workbook\n"
     "  --dry-run              count the chats and tell what they would cost; no call is made\n"
     "\n"
     "Reads the chats of ENGINE_FOR_SQLALCHEMY (else our own tables), asks the model for those "
     "that "
     "have\n"
     "no answer yet and writes the classification back. It may be stopped or killed at any time: "
     "the next\n"
     "run pays for nothing twice. --parallel and --start-index of old scripts are taken and not "
     "needed.\n"
     "Ends with \"🎉 작업 완료!\" and status 0, or \"❌ 작업 실패!\" and status 1.\n"
     "\n"
     "examples:\n"
     "  deskstream batch\n"
     "  deskstream batch -d 2024-03-15 --email\n"
     "  deskstream batch -s 2024-03-01 -e 2024-03-31 --dry-run\n",
     cli_batch},
    {"missing", "find and classify chats that were left out",
     "usage: deskstream missing check|process|auto -s DAY -e DAY [--email]\n"
     "\n"
     "  check      tells how many questions of each day have no classification\n"
     "  process    classifies these and checks again\n"
     "  auto       check, then process where something is missing\n"
     "\n"
     "examples:\n"
     "  deskstream missing check -s 2024-03-01 -e 2024-03-31\n"
     "  deskstream missing auto -s 2024-03-15 -e 2024-03-15 --email\n",
     cli_missing},
    {"report", "write the workbook of a day, a week or a month",
     "usage: deskstream report [-d DAY | -s DAY -e DAY] [--email] [-o DIR]\n"
     "\n"
     "  -d, --date DAY         2024-03-15, yesterday, today, this-week, last-week, this-month,\n"
     "                         last-month (weeks begin on Monday); without a day: yesterday\n"
     "  -s, --start-date DAY   with -e: a range\n"
     "  -e, --end-date DAY\n"
     "  --email                mail it to RECIPIENT_EMAILS; the same results are mailed once\n"
     "  --resend               mail it once more\n"
     "  -o, --output DIR       the folder, instead of REPORT_OUTPUT_DIR\n"
     "\n"
     "examples:\n"
     "  deskstream report\n"
     "  deskstream report -d last-week --email\n",
     cli_report},
    {"complete", "classify a day, write its report and mail both",
     "usage: deskstream complete [DAY [LAST]] [--resend]\n"
     "\n"
     "  DAY        2024-03-15 or yesterday; without it: yesterday\n"
     "  LAST       every day of the range, one after the other\n"
     "  --resend   mail the report once more\n"
     "\n"
     "The nightly batch by hand. It goes on where an earlier one stopped: nothing is paid or "
     "mailed "
     "twice.\n"
     "\n"
     "examples:\n"
     "  deskstream complete\n"
     "  deskstream complete 2024-03-15\n",
     cli_complete},
    {"config", "show, check and document the settings",
     "usage: deskstream config show | validate | docs\n"
     "\n"
     "  show       every setting, its value (secrets masked) and where it came from\n"
     "  validate   connects to every dependency and tells which work; status 1 when one does not\n"
     "  docs       the page docs/config.md, from the table the program itself reads\n"
     "\n"
     "Settings come from the environment, then from .env in this directory.\n"
     "\n"
     "examples:\n"
     "  deskstream config show | grep FRESHDESK\n"
     "  deskstream config validate\n"
     "  deskstream config docs > docs/config.md\n",
     cli_settings},
    {"health", "ask the server on HOST:PORT whether it lives",
     "usage: deskstream health [--ready]\n"
     "\n"
     "  --ready    ask whether it can do its work (Postgres and vectors answer), not only whether "
     "it\n"
     "             lives\n"
     "\n"
     "Ends with status 0 when the answer is yes. Made for health checks of containers.\n"
     "\n"
     "examples:\n"
     "  deskstream health && echo up\n"
     "  PORT=9000 deskstream health --ready\n",
     cli_health},
    {"sync", "fetch tickets or articles from Freshdesk and make them searchable",
     "usage: deskstream sync tickets|kb [--limit N] [--since D] [--domain D]\n"
     "       deskstream sync --from DIR [--domain D]\n"
     "\n"
     "  --from DIR   tickets of a folder that `deskstream collect` filled: nothing is downloaded\n"
     "  --limit N    at most N items; without --since tickets begin at the oldest\n"
     "  --since D    only what changed since D (2026-01-31, 2026-01-31T10:00:00Z); tickets that "
     "an\n"
     "               earlier run with --since left over because of its limit come first\n"
     "  --domain D   the Freshdesk account, instead of FRESHDESK_DOMAIN\n"
     "\n"
     "Without options a run goes on where the last one ended. What did not change is passed over; "
     "it\n"
     "may be stopped at any time.\n"
     "\n"
     "examples:\n"
     "  deskstream sync tickets --limit 500\n"
     "  deskstream sync kb\n"
     "  deskstream sync --from freshdesk_full_data\n",
     cli_sync},
    {"status", "show how the chat batch, the running server and their parts are",
     "usage: deskstream status\n"
     "\n"
     "Checks the settings and both databases, then asks the server on HOST:PORT; one line a part. "
     "Status 1\n"
     "when something does not work; a server that does not run counts only where no chat database "
     "is set.\n"
     "\n"
     "examples:\n"
     "  deskstream status\n",
     cli_status},
};
const size_t cli_command_count = ARRAY_COUNT(cli_commands);

static void help(FILE *out)
{
    fputs("Deskstream: help for Freshdesk agents while they read a ticket.\n"
          "\n"
          "usage: deskstream COMMAND [OPTIONS]\n"
          "\n",
          out);
    for (size_t i = 0; i < cli_command_count; i++)
        fprintf(out, "  %-10s %s\n", cli_commands[i].name, cli_commands[i].summary);
    fputs(
        "\n"
        "`deskstream COMMAND --help` tells more. Settings are read from the environment and from\n"
        ".env in this directory; `deskstream config show` prints them.\n",
        out);
}

static bool is_word(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static const struct cli_command *find(const char *name)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (strcmp(name, cli_commands[i].name) == 0)
            return &cli_commands[i];
    }
    return NULL;
}

int cli_main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return 2;
    }
    if (is_word(argv[1], "--version", "-V")) {
        printf("deskstream %s\n", APP_VERSION);
        return 0;
    }
    bool wants_help = is_word(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0;
    if (wants_help && argc == 2) {
        help(stdout);
        return 0;
    }
    const char *name = wants_help ? argv[2] : argv[1];
    struct cli cli = {.command = find(name)};
    if (cli.command == NULL) {
        fprintf(stderr, "deskstream: there is no command \"%s\"\n\n", name);
        help(stderr);
        return 2;
    }
    if (wants_help) {
        fputs(cli.command->usage, stdout);
        return 0;
    }
    arena_init(&cli.arena, 0);
    cli.word_count = argc - 2;
    cli.words = ARENA_ARRAY(&cli.arena, (size_t)argc, char *);
    memcpy(cli.words, argv + 2, (size_t)cli.word_count * sizeof(argv[0]));
    int status = cli.command->run(&cli);
    arena_done(&cli.arena);
    if (fflush(stdout) != 0 && status == 0) {
        fprintf(stderr, "deskstream: standard output: %s\n", strerror(errno));
        status = 1;
    }
    return status;
}

/* ---- options ---- */

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "deskstream %s: ", cli->command->name);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n\n%s", cli->command->usage);
    return 2;
}

static const struct cli_option *find_option(const struct cli_option *options, size_t count,
                                            struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, str_from(options[i].name)))
            return &options[i];
    }
    return NULL;
}

static int set_option(const struct cli *cli, const struct cli_option *o, const char *value)
{
    if (o->kind == CLI_OPTION_TEXT) {
        *(const char **)o->value = value;
        return CLI_GO_ON;
    }
    int64_t number;
    if (!str_to_i64(str_from(value), &number) || number < o->min || number > o->max)
        return cli_usage(cli, "%s takes a number from %" PRId64 " to %" PRId64 ", not \"%s\"",
                         o->name, o->min, o->max, value);
    *(int64_t *)o->value = number;
    return CLI_GO_ON;
}

/* One option at words[*at]; moves *at past its value. */
static int take_option(struct cli *cli, const struct cli_option *options, size_t count, int *at)
{
    struct str word = str_from(cli->words[*at]);
    size_t equals = str_starts(word, STR("--")) ? str_find(word, STR("="), 0) : SIZE_MAX;
    struct str name = equals == SIZE_MAX ? word : str_sub(word, 0, equals);
    const struct cli_option *o = find_option(options, count, name);
    if (o == NULL)
        return cli_usage(cli, "there is no option \"%.*s\"", STR_ARG(name));
    if (o->kind == CLI_OPTION_FLAG) {
        if (equals != SIZE_MAX)
            return cli_usage(cli, "%s takes no value", o->name);
        *(bool *)o->value = true;
        return CLI_GO_ON;
    }
    if (equals != SIZE_MAX)
        return set_option(cli, o, cli->words[*at] + equals + 1);
    if (*at + 1 >= cli->word_count)
        return cli_usage(cli, "%s needs a value", o->name);
    *at += 1;
    return set_option(cli, o, cli->words[*at]);
}

int cli_options(struct cli *cli, const struct cli_option *options, size_t count)
{
    int kept = 0;
    bool plain = false;
    for (int i = 0; i < cli->word_count; i++) {
        char *word = cli->words[i];
        if (plain || word[0] != '-' || word[1] == '\0') {
            cli->words[kept++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            plain = true;
            continue;
        }
        if (is_word(word, "--help", "-h")) {
            fputs(cli->command->usage, stdout);
            return 0;
        }
        int r = take_option(cli, options, count, &i);
        if (r != CLI_GO_ON)
            return r;
    }
    cli->word_count = kept;
    return CLI_GO_ON;
}

/* ---- settings ---- */

/* The text of .env; empty when there is none. < 0 when it is there but cannot be read. */
static int read_dotenv(struct arena *a, struct str *ret_text)
{
    *ret_text = STR_NONE;
    int fd = open(".env", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    struct buf *text = arena_buf(a, DOTENV_BYTES_MAX);
    int r = 0;
    for (;;) {
        char *room = buf_room(text, 4096);
        if (room == NULL) {
            r = -EFBIG;
            break;
        }
        ssize_t n = read(fd, room, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            r = n < 0 ? -errno : 0;
            break;
        }
        buf_used(text, (size_t)n);
    }
    close(fd);
    *ret_text = buf_view(text);
    return r;
}

int cli_config(struct cli *cli)
{
    struct str file;
    int r = read_dotenv(&cli->arena, &file);
    if (r < 0) {
        fprintf(stderr, "deskstream: .env: %s\n", err_text(r));
        return 2;
    }
    cli->dotenv = file;
    struct buf *faults = arena_buf(&cli->arena, 0);
    r = config_read(&cli->arena, environ, file, &cli->config, faults);
    if (r < 0) {
        struct str text = buf_view(faults);
        fprintf(stderr, "deskstream: the configuration is not valid\n%.*s", STR_ARG(text));
        if (!str_ends(text, STR("\n")))
            fputc('\n', stderr);
        return 2;
    }
    struct log_spec spec = {.json = strcmp(cli->config.log_format, "json") == 0};
    bool known = log_level_parse(str_from(cli->config.log_level), &spec.level);
    assert(known); /* config_read has checked it */
    log_setup(&spec);
    return CLI_GO_ON;
}
