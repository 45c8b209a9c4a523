/*
 * app_reports.c: reports and mails, out of the settings.
 *
 * The happy path: a report is made, its mail is put under a key made of span and results, and the outbox is
 * sent. A mail server that is away for a moment is asked again twice; then the mail waits, and the next
 * command or the server sends it.
 * Fails: see app_reports.h. Invariant: with EMAIL_ENABLED=false nothing is put and nothing is sent.
 */
#include "app_reports.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "app.h"
#include "base/log.h"

#define KEEP_EVERY_MS 30000

enum { PROMPT_TRIES = 3, PROMPT_WAIT_MS = 500, OUTBOX_DAYS = 90 };

int app_smtp(struct flow *f, const struct config *config, struct smtp *ret_smtp)
{
    struct smtp s = {
        .host = config->smtp_server,
        .port = (int)config->smtp_port,
        .user = config->smtp_user,
        .password = config->sender_password,
        .ca_file = config->smtp_ca_file,
        .sender = config->sender_email,
        .sender_name = config->sender_name,
        .timeout_ms = (uint32_t)config->email_timeout_s * 1000,
    };
    if (!smtp_security_parse(str_from(config->smtp_security), &s.security))
        return err_set(&f->err, E_CONFIG, "SMTP_SECURITY is auto, starttls, tls or none");
    *ret_smtp = s;
    return 0;
}

static int make_post(struct flow *f, struct app *app, int64_t tenant_id, struct post *ret_post)
{
    struct post p = {.pool = app->pool,
                     .tenant_id = tenant_id,
                     .memory = &app->post_memory,
                     .recipients = str_from(app->config->recipient_emails)};
    int r = app_smtp(f, app->config, &p.smtp);
    if (r >= 0)
        *ret_post = p;
    return r;
}

/* ---- reports ---- */

static struct chat_figures_spec figures_of(struct flow *f, struct app *app, struct app_chats *chats,
                                           struct day from, struct day to)
{
    return (struct chat_figures_spec){
        .pool = app->pool,
        .tenant_id = chats->tenant_id,
        .from = from,
        .to = to,
        .zone = app_chats_zone(app->config),
        .categories = taxonomy_rows(&f->arena, &chats->taxonomy),
        .category_count = chats->taxonomy.count,
        .default_category_id = app->config->default_category_id,
    };
}

int app_report_make(struct flow *f, struct app *app, struct app_chats *chats, struct day from,
                    struct day to, struct report_file *ret_file)
{
    struct report_spec spec = {
        .figures = figures_of(f, app, chats, from, to),
        .dir = app->config->report_dir,
        .organisation = app->config->org_name,
    };
    return report_make(f, &spec, ret_file);
}

int app_reports_clean(struct flow *f, struct app *app)
{
    if (!app->config->report_clean)
        return 0;
    return report_clean(f, app->config->report_dir, app->config->report_clean_days,
                        loop_wall_ms(f->loop));
}

/* ---- mails ---- */

/* A few tries at once, since most refusals are short; the outbox has the rest. */
static int send_promptly(struct flow *f, const struct post *p, struct app_mailed *mailed)
{
    struct post_counts counts = {.accepted = 0};
    for (int i = 0; i < PROMPT_TRIES; i++) {
        int r = i == 0 ? 0 : flow_sleep(f, (uint64_t)PROMPT_WAIT_MS << i);
        if (r >= 0)
            r = post_send(f, p, true, &counts);
        if (r < 0)
            return r;
        if (counts.later == 0)
            break;
    }
    snprintf(mailed->error, sizeof(mailed->error), "%s", counts.error);
    mailed->sent = counts.later == 0 && counts.refused == 0;
    return 0;
}

/* Where a workbook is that is too large to send. */
static struct str place_of(struct arena *a, const struct config *c, const struct report_file *file)
{
    if (c->report_link[0] == '\0')
        return file->path;
    struct buf *link = arena_buf(a, 0);
    buf_text(link, c->report_link);
    if (!str_ends(buf_view(link), STR("/")))
        buf_byte(link, '/');
    buf_percent(link, file->name, "");
    return buf_view(link);
}

static bool fits(const struct config *c, const struct report_file *file)
{
    return file->bytes <= (uint64_t)c->email_attachment_mb_max << 20;
}

static int put_and_send(struct flow *f, struct app *app, int64_t tenant_id,
                        const struct post_item *item, struct app_mailed *ret_mailed)
{
    struct post p;
    struct outbox_known known;
    *ret_mailed = (struct app_mailed){.disabled = !app->config->email_enabled};
    if (ret_mailed->disabled)
        return 0;
    int r = make_post(f, app, tenant_id, &p);
    if (r >= 0)
        r = post_put(f, &p, item, &known);
    if (r < 0)
        return err_wrap(&f->err, r, "mail");
    ret_mailed->known = !known.is_new && !str_eq(known.state, STR("queued"));
    ret_mailed->known_at = known.sent_at;
    return send_promptly(f, &p, ret_mailed);
}

int app_report_mail(struct flow *f, struct app *app, struct app_chats *chats,
                    const struct report_file *file, bool again, struct app_mailed *ret_mailed)
{
    const struct chat_figures *fig = &file->figures;
    struct arena *a = &f->arena;
    struct letter letter;
    bool attached = fits(app->config, file);
    struct letter_report in = {.figures = fig,
                               .file_name = file->name,
                               .file_bytes = file->bytes,
                               .instead = attached ? STR_NONE : place_of(a, app->config, file)};
    letter_report(a, &in, &letter);
    struct post_item item = {
        .key = arena_printf(a, "report:%.*s:%.*s:%.*s", STR_ARG(fig->from), STR_ARG(fig->to),
                            STR_ARG(fig->version)),
        .letter = &letter,
        .path = attached ? file->path : STR_NONE,
        .file_name = file->name,
    };
    if (again)
        item.key = arena_printf(a, "%.*s:%" PRId64, STR_ARG(item.key), loop_wall_ms(f->loop));
    return put_and_send(f, app, chats->tenant_id, &item, ret_mailed);
}

static int64_t local_of(const struct zone *z, int64_t at_ms)
{
    return at_ms == WALL_NONE ? at_ms : at_ms + (int64_t)zone_offset_s(z, at_ms) * 1000;
}

int app_batch_mail(struct flow *f, struct app *app, struct app_chats *chats, struct day from,
                   struct day to, const struct letter_batch *in, const struct report_file *file,
                   struct app_mailed *ret_mailed)
{
    struct letter_batch local = *in;
    struct arena *a = &f->arena;
    struct letter letter;
    bool attached = file != NULL && fits(app->config, file);
    local.started_at = local_of(chats->zone, in->started_at);
    local.finished_at = local_of(chats->zone, in->finished_at);
    letter_batch(a, &local, &letter);
    struct post_item item = {.letter = &letter};
    struct str version;
    struct chat_figures_spec spec = figures_of(f, app, chats, from, to);
    int r = chat_figures_version(f, &spec, &version);
    if (r < 0)
        return r;
    if (in->failed)
        item.key = arena_printf(a, "failed:%.*s:%" PRId64, STR_ARG(in->period), in->started_at);
    else
        item.key = arena_printf(a, "batch:%.*s:%.*s", STR_ARG(in->period), STR_ARG(version));
    if (attached) {
        item.path = file->path;
        item.file_name = file->name;
    }
    return put_and_send(f, app, chats->tenant_id, &item, ret_mailed);
}

/* ---- without chats at hand ---- */

static int open_chats(struct flow *f, struct app *app, struct app_chats *chats)
{
    return app_chats_open_source(f, app, chats);
}

int app_failure_mail(struct flow *f, struct app *app, struct str period, const char *error)
{
    _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
    struct letter_batch letter = {.failed = true,
                                  .period = period,
                                  .started_at = loop_wall_ms(f->loop),
                                  .finished_at = WALL_NONE,
                                  .error = str_from(error)};
    struct app_mailed mailed;
    const struct day no_day = {0};
    int r = open_chats(f, app, &chats);
    return r < 0 ? r : app_batch_mail(f, app, &chats, no_day, no_day, &letter, NULL, &mailed);
}

static int send_due(struct flow *f, struct app *app)
{
    _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
    struct post p;
    struct post_counts counts;
    int r = open_chats(f, app, &chats);
    if (r >= 0)
        r = make_post(f, app, chats.tenant_id, &p);
    if (r >= 0)
        r = post_send(f, &p, false, &counts);
    return r < 0 ? r : outbox_clean(f, app->pool, chats.tenant_id, OUTBOX_DAYS);
}

struct once {
    struct app *app;
};

/* A flow of its own for each look, so that its arena ends with it. */
static int send_once(struct flow *f, void *arg)
{
    struct once *once = arg;
    int r = send_due(f, once->app);
    if (r < 0 && !flow_is_cancelled(f))
        log_warn("post.keep", "error=\"%s\"", f->err.msg);
    return r;
}

int app_post_keep(struct flow *f, void *arg)
{
    struct once once = {.app = arg};
    if (!once.app->config->email_enabled)
        return 0;
    for (;;) {
        int r = flow_sleep(f, KEEP_EVERY_MS);
        if (r < 0)
            return r;
        if (!once.app->ready)
            continue;
        _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
        r = group_spawn(&g, "post.send", send_once, &once);
        if (r >= 0)
            r = group_wait(f, &g);
        if (flow_is_cancelled(f))
            return -ECANCELED;
    }
}
