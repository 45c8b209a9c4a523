/*
 * cli/sync.c: `deskstream sync tickets|kb`: a run in the foreground, with its progress.
 *
 * The happy path: one line that is drawn again each second on a terminal (bar, rate, time left, share of the
 * Freshdesk budget in use), plain lines every few seconds otherwise; at the end the counts on stdout.
 * With --from the tickets come from a collected folder. Another run of the kind is waited for as long as a
 * killed one seems alive. Exit 0: done, also when single items failed (they are named); 1: the run failed;
 * 2: usage.
 * Invariant: stdout gets the result only; all talk goes to stderr.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "base/json.h"
#include "base/wall.h"
#include "cli/cli.h"
#include "collect/reader.h"
#include "loop/sink.h"
#include "store/tickets.h"
#include "sync/sync.h"
#include "upstream/freshdesk.h"

enum { BAR_WIDTH = 24, PLAIN_EVERY_MS = 5000, BUSY_WAIT_MS = 20000, BUSY_POLL_MS = 1000 };

struct cli_sync {
    struct sync_wish wish;
    const char *domain;
    const char *from; /* an archive's folder; NULL: Freshdesk */
};

struct screen {
    struct sink sink;
    struct app *app;
    bool is_terminal, is_drawn;
    uint64_t told_ms; /* of the last plain line */
};

/* ---- progress ---- */

struct budget {
    double used, per_window;
};

static void add_account(void *context, struct account *a)
{
    struct budget *b = context;
    struct bucket_stats s = bucket_stats(account_bucket(a));
    b->per_window += s.per_window[0];
    b->used += s.per_window[0] - MIN(s.level[0], s.per_window[0]);
}

static void write_clock(struct buf *out, double seconds)
{
    int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        buf_printf(out, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    else
        buf_printf(out, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

static void write_bar(struct buf *out, int64_t done, int64_t total)
{
    int filled = total > 0 ? (int)(MIN(done, total) * BAR_WIDTH / total) : 0;
    buf_text(out, "[");
    for (int i = 0; i < BAR_WIDTH; i++)
        buf_text(out, i < filled ? "#" : ".");
    buf_printf(out, "] %3d%% ", total > 0 ? (int)(MIN(done, total) * 100 / total) : 0);
}

static void write_progress(struct buf *out, struct screen *s, struct json v)
{
    struct budget budget = {0, 0};
    freshdesk_each_account(s->app->freshdesk, add_account, &budget);
    int64_t done = json_i64(json_get(v, "done"), 0), total = json_i64(json_get(v, "total"), 0);
    if (s->is_terminal)
        write_bar(out, done, total);
    buf_printf(out, "%.*s %" PRId64, STR_ARG(json_str(json_get(v, "kind"))), done);
    if (total > 0)
        buf_printf(out, "/%" PRId64, total);
    buf_printf(out, " new %" PRId64 " same %" PRId64 " failed %" PRId64,
               json_i64(json_get(v, "written"), 0), json_i64(json_get(v, "skipped"), 0),
               json_i64(json_get(v, "failed"), 0));
    if (json_is_num(json_get(v, "embedded")))
        buf_printf(out, " embedded %" PRId64, json_i64(json_get(v, "embedded"), 0));
    buf_printf(out, "  %.1f/s", json_f64(json_get(v, "rate_per_s"), 0));
    if (json_is_num(json_get(v, "eta_s"))) {
        buf_text(out, "  left ");
        write_clock(out, json_f64(json_get(v, "eta_s"), 0));
    }
    struct json wait = json_get(v, "waiting");
    if (json_is_obj(wait))
        buf_printf(out, "  waits for %.*s (%.0f/min)", STR_ARG(json_str(json_get(wait, "account"))),
                   json_f64(json_get(wait, "per_minute"), 0));
    if (budget.per_window > 0)
        buf_printf(out, "  budget %.0f%% of %.0f/min", 100 * budget.used / budget.per_window,
                   budget.per_window);
}

static void clear_line(struct screen *s)
{
    if (s->is_drawn)
        fputs("\r\033[K", stderr);
    s->is_drawn = false;
}

static int on_event(struct flow *f, struct sink *sink, const char *event, struct str text)
{
    struct screen *s = container_of(sink, struct screen, sink);
    struct arena a;
    struct err ignored;
    struct json v;
    arena_init(&a, 0);
    if (json_parse(&a, text, &v, &ignored) < 0)
        v = JSON_NONE;
    if (strcmp(event, "sync.error") == 0) {
        clear_line(s);
        fprintf(stderr, "%.*s\n", STR_ARG(json_str(json_get(v, "message"))));
    } else if (strcmp(event, "sync.progress") == 0) {
        uint64_t now_ms = loop_now_ms(f->loop);
        if (s->is_terminal || s->told_ms == 0 || now_ms - s->told_ms >= PLAIN_EVERY_MS) {
            struct buf line = BUF_INIT(0);
            write_progress(&line, s, v);
            clear_line(s);
            fprintf(stderr, "%.*s%s", STR_ARG(buf_view(&line)), s->is_terminal ? "" : "\n");
            s->is_drawn = s->is_terminal;
            s->told_ms = now_ms;
            buf_done(&line);
        }
    }
    arena_done(&a);
    return 0;
}

/* ---- the run ---- */

/* A run that was killed looks alive for some seconds. */
static int run_when_free(struct flow *f, struct app *app, const struct caller *who,
                         const struct cli_sync *s, struct screen *screen,
                         struct sync_result *ret_result)
{
    for (uint64_t waited_ms = 0;; waited_ms += BUSY_POLL_MS) {
        int r = sync_run(f, app->sync, who, &s->wish, &screen->sink, ret_result);
        if (r != E_BUSY || waited_ms >= BUSY_WAIT_MS)
            return r;
        if (waited_ms == 0)
            fprintf(stderr, "%s; waiting for its end\n", f->err.msg);
        r = flow_sleep(f, BUSY_POLL_MS);
        if (r < 0)
            return r;
    }
}

/* ---- from an archive ---- */

struct from_archive {
    struct sync_source source;
    struct reader reader;
};

static int next_from_archive(struct flow *f, struct sync_source *s, size_t count_max,
                             struct ticket_item **ret_items, size_t *ret_count)
{
    struct from_archive *a = container_of(s, struct from_archive, source);
    struct reading *readings;
    int r = reader_next(f, &a->reader, count_max, &readings, ret_count);
    if (r <= 0)
        return r;
    *ret_items = ARENA_ARRAY(&f->arena, MAX(*ret_count, 1), struct ticket_item);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_items)[i] = (struct ticket_item){
            .ticket = &readings[i].ticket,
            .talks = readings[i].talks,
            .talk_count = readings[i].talk_count,
            .has_talks = readings[i].has_talks,
        };
    return 1;
}

static void from_archive_done(struct from_archive *a)
{
    reader_close(&a->reader);
}

static int open_archive(struct flow *f, struct from_archive *a, const char *dir)
{
    int r = reader_open(f, &a->reader, dir);
    if (r < 0)
        return r;
    const struct archive *archive = a->reader.archive;
    const struct run *run = &archive->run;
    if (archive->held_count > 0 && archive->talk_count == 0)
        return err_set(&f->err, E_INPUT, "%s was collected without conversations", dir);
    bool whole = run->is_complete && run->talks && run->from_s == 0 && run->to_s == 0 &&
                 strcmp(run->mode, "full") == 0;
    a->source.count = (int64_t)archive->held_count;
    a->source.covers_until = whole ? run->newest_s * 1000 : WALL_NONE;
    return 0;
}

static int run_sync(struct flow *f, struct app *app, void *arg)
{
    const struct cli_sync *s = arg;
    struct caller who;
    int r = app_caller(f, app, &who);
    if (r < 0)
        return r;
    struct screen screen = {
        .sink = {.send = on_event}, .app = app, .is_terminal = isatty(STDERR_FILENO) == 1};
    uint64_t began_ns = loop_now_ns(f->loop);
    struct sync_result result;
    _cleanup_(from_archive_done) struct from_archive archive = {.source.next = next_from_archive,
                                                                .reader = READER_INIT};
    struct cli_sync wish = *s;
    if (s->from) {
        r = open_archive(f, &archive, s->from);
        if (r < 0)
            return r;
        wish.wish.source = &archive.source;
    }
    r = run_when_free(f, app, &who, &wish, &screen, &result);
    clear_line(&screen);
    if (r < 0)
        return r;
    printf("%s: %" PRId64 " seen, %" PRId64 " written, %" PRId64 " unchanged, %" PRId64
           " failed, %" PRId64 " texts embedded, in %.1f s\n",
           s->wish.kind == SYNC_KB ? "kb" : "tickets", result.total_count, result.written_count,
           result.skipped_count, result.failed_count, result.embedded_count,
           (double)(loop_now_ns(f->loop) - began_ns) / 1e9);
    if (!result.success)
        return err_set(&f->err, E_UPSTREAM, "nothing could be synced");
    return 0;
}

int cli_sync(struct cli *cli)
{
    struct cli_sync s = {.wish = {.since = WALL_NONE}};
    int64_t limit = 0;
    const char *since = NULL;
    const struct cli_option options[] = {CLI_INT("--limit", &limit, 1, INT32_MAX),
                                         CLI_TEXT("--since", &since), CLI_TEXT("--from", &s.from),
                                         CLI_TEXT("--domain", &s.domain)};
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count != 1 && !(s.from && cli->word_count == 0))
        return cli_usage(cli, "say what to sync: tickets or kb");
    const char *what = cli->word_count == 1 ? cli->words[0] : "tickets";
    if (strcmp(what, "tickets") == 0)
        s.wish.kind = SYNC_TICKETS;
    else if (strcmp(what, "kb") == 0)
        s.wish.kind = SYNC_KB;
    else
        return cli_usage(cli, "what is \"%s\"?", what);
    if (since && !wall_parse_iso(str_from(since), &s.wish.since))
        return cli_usage(cli, "--since takes a time like 2026-01-31T10:00:00Z, not \"%s\"", since);
    if (s.from && (since || limit > 0 || s.wish.kind != SYNC_TICKETS))
        return cli_usage(cli, "--from DIR takes all tickets of a folder: no --since, no --limit");
    s.wish.limit = (int)limit;
    r = cli_config(cli);
    if (r != CLI_GO_ON)
        return r;
    if (s.domain)
        cli->config.freshdesk_domain = s.domain;
    return cli_run(cli, "sync", run_sync, &s);
}
