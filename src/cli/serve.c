/*
 * cli/serve.c: `deskstream serve`: the server, until a signal stops it.
 *
 *   first flow:  app_open -> api_open -> wait for a stop -> drain (DRAIN_MS) -> cancel -> app_close
 *     keepers:   migrations and housekeeping         background runs of sync
 *     watchers:  signals
 *
 * The happy path: the server listens before Postgres is there, so that health checks are answered; the
 * schema is made in the background with retries. SIGINT and SIGTERM drain; a second one ends the process at
 * once. SIGUSR1 lists the flows in the log.
 * Fails by: an address that is taken, settings that contradict each other (status 1).
 * Invariant: every flow has ended and every handle is closed when the loop is freed.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "app.h"
#include "app_reports.h"
#include "app_schedule.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/log_files.h"

struct serve {
    const struct config *config;
    struct cond stop;
    int stop_signal; /* 0: none yet */
};

static void list_flows(struct flow *f)
{
    struct buf *text = arena_buf(&f->arena, 0);
    loop_list_flows(f->loop, text);
    struct str rest = buf_view(text), line;
    while (str_cut(&rest, '\n', &line))
        log_info("serve.flow", "%.*s", STR_ARG(line));
}

static int watch(struct flow *f, void *arg)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGUSR1};
    struct serve *serve = arg;
    for (;;) {
        int number = signal_wait(f, signals, ARRAY_COUNT(signals));
        if (number < 0)
            return number;
        if (number == SIGUSR1) {
            list_flows(f);
            continue;
        }
        if (serve->stop_signal != 0) {
            log_warn("serve.kill", "signal=%d", number);
            _exit(128 + number);
        }
        serve->stop_signal = number;
        cond_broadcast(&serve->stop);
    }
}

static bool is_ready(void *context, struct err *ret_why)
{
    const struct app *app = context;
    if (!app->ready && app->away.msg[0] != '\0')
        *ret_why = app->away;
    else if (!app->ready)
        err_set(ret_why, E_DB_AWAY, "the schema is being made");
    return app->ready;
}

static int wait_stop(struct flow *f, struct serve *serve)
{
    while (serve->stop_signal == 0) {
        int r = cond_wait(f, &serve->stop);
        if (r < 0)
            return r;
    }
    return 0;
}

static int serve_app(struct flow *f, struct serve *serve, struct app *app, struct group *keepers)
{
    const struct config *c = serve->config;
    struct api_spec spec = {
        .config = c,
        .access = app->access,
        .assist = app->assist,
        .sync = app->sync,
        .collect = app->collect,
        .version = APP_VERSION,
        .context = app,
        .ready = is_ready,
        .metrics = app_metrics,
    };
    struct api *api = NULL;
    int r = group_spawn(keepers, "app.keep", app_keep, app);
    if (r >= 0)
        r = group_spawn(keepers, "app.post", app_post_keep, app);
    if (r >= 0)
        r = api_open(f, &spec, &api);
    if (r < 0)
        return r;
    bool six = strchr(c->host, ':') != NULL;
    log_info("serve.listen", "url=http://%s%s%s:%d version=%s pid=%d sandbox=%d", six ? "[" : "",
             c->host, six ? "]" : "", api_port(api), APP_VERSION, (int)getpid(), c->sandbox);
    r = wait_stop(f, serve);
    log_info("serve.stop", "signal=%d drain_ms=%" PRId64, serve->stop_signal, c->drain_ms);
    api_drain(f, api, (uint32_t)c->drain_ms);
    api_free(api);
    return r;
}

static int serve_run(struct flow *f, void *arg)
{
    struct serve *serve = arg;
    _cleanup_(group_join) struct group watchers = GROUP_INIT_ALL(f);
    int r = group_spawn(&watchers, "serve.signals", watch, serve);
    if (r < 0)
        return r;
    /* Released in reverse: background flows end before the parts they use. */
    _cleanup_(app_close) struct app app = APP_INIT;
    _cleanup_(log_files_done) struct log_files logs = LOG_FILES_INIT;
    _cleanup_(app_schedule_freep) struct app_schedule *schedule = NULL;
    _cleanup_(group_join) struct group keepers = GROUP_INIT_ALL(f);
    r = log_files_open(f, serve->config, &keepers, &logs);
    if (r >= 0)
        r = app_open(f, serve->config, &keepers, &app);
    if (r >= 0)
        r = app_schedule_open(f, &app, &keepers, &schedule);
    return r < 0 ? r : serve_app(f, serve, &app, &keepers);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("serve.descriptors", "error=\"%s\"", err_text(-errno));
}

int cli_serve(struct cli *cli)
{
    int r = cli_options(cli, NULL, 0);
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count > 0)
        return cli_usage(cli, "what is \"%s\"?", cli->words[0]);
    r = cli_config(cli);
    if (r != CLI_GO_ON)
        return r;
    raise_descriptor_limit();
    struct loop_spec spec = {.flow_count_max = (size_t)cli->config.flow_count_max};
    struct loop *l = loop_new(&spec);
    struct serve serve = {.config = &cli->config};
    struct err err = {0};
    r = loop_run(l, "serve", serve_run, &serve, &err);
    loop_free(l);
    if (r < 0) {
        fprintf(stderr, "deskstream serve: %s\n", err.msg[0] != '\0' ? err.msg : err_text(r));
        return 1;
    }
    log_info("serve.end", "signal=%d", serve.stop_signal);
    return 0;
}
