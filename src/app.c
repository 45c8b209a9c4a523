/*
 * app.c: makes the parts, gives each the ones it needs, and takes them down in reverse.
 *
 *   web -> pool -> qdrant -> vectors -> freshdesk -> llm, embedder -> access, assist, sync, collect
 *
 * The happy path: app_open only makes things; the first call of each connects. app_prepare brings the
 * schema up to date; the server does that in the background (app_keep), so it answers health checks
 * while Postgres is still away.
 * Fails by: a libcurl that cannot serve, a database address that cannot be read, no database at all.
 * Invariant: parts that hold a pointer to another are freed before it; no flow uses them any more, since
 * the groups that run flows are joined before app_close.
 */
#include "app.h"

#include <inttypes.h>

#include "assist/access.h"
#include "assist/assist.h"
#include "base/log.h"
#include "collect/jobs.h"
#include "db/migrate.h"
#include "db/pg.h"
#include "net/web.h"
#include "store/upkeep.h"
#include "store/vectors.h"
#include "sync/sync.h"
#include "upstream/freshdesk.h"
#include "upstream/llm.h"
#include "upstream/qdrant.h"

#define PREPARE_RETRY_MS_MAX 10000
#define MAINTAIN_EVERY_MS 60000
#define UPKEEP_EVERY_MS (24u * 3600 * 1000)

static int open_stores(struct flow *f, struct app *app)
{
    const struct config *c = app->config;
    struct str url;
    int r = app_database_url(&f->arena, c, &url, &f->err);
    if (r < 0)
        return r;
    struct pg_spec pg = {
        .url = arena_text(&f->arena, url),
        .connection_count_max = (size_t)c->db_connection_count_max,
        .statement_timeout_ms = (uint32_t)c->db_statement_timeout_ms,
        .application_name = "deskstream",
    };
    r = pg_pool_new(f->loop, &pg, &app->pool, &f->err);
    if (r < 0)
        return err_wrap(&f->err, r, "DATABASE_URL");
    struct str qdrant_url = app_qdrant_url(&f->arena, c);
    if (qdrant_url.len == 0) {
        app->vectors = vectors_new_pg(f->loop, app->pool, (size_t)c->vector_exact_rows_max);
        return 0;
    }
    struct qdrant_spec spec = {
        .web = app->web,
        .url = arena_text(&f->arena, qdrant_url),
        .api_key = c->qdrant_api_key,
    };
    app->qdrant = qdrant_new(f->loop, &spec);
    app->vectors = vectors_new_qdrant(f->loop, app->qdrant);
    return 0;
}

static void open_models(struct flow *f, struct app *app)
{
    const struct config *c = app->config;
    app->llm = llm_new(f->loop);
    struct str rest = str_from(c->llm_order), name;
    while (str_cut(&rest, ',', &name)) {
        struct llm_provider *p = app_provider(f->loop, app->web, c, str_trim(name));
        if (p != NULL)
            llm_add(app->llm, p);
    }
    bool openai = c->embedding_base_url[0] != '\0';
    struct embedder_spec spec = {
        .web = app->web,
        .base_url = openai ? c->embedding_base_url : c->hcx_base_url,
        .api_key = openai ? c->embedding_api_key : c->hcx_api_key,
        .model = c->embedding_model,
        .openai = openai,
        .per_minute = (double)c->embedding_per_minute,
        .tokens_per_minute = (double)c->embedding_tokens_per_minute,
    };
    app->embedder = embedder_new(f->loop, &spec);
}

static int open_collect(struct flow *f, struct app *app, struct group *group)
{
    struct collect_jobs_deps jobs = {
        .deps = {.freshdesk = app->freshdesk,
                 .web = app->web,
                 .pool = app->pool,
                 .salt = sync_salt(&f->arena, app->sync),
                 .make_texts = sync_texts},
        .group = group,
    };
    int r = app_collect_spec(app->config, &jobs.spec, &f->err);
    if (r < 0)
        return r;
    jobs.spec.dir = arena_printf(&f->arena, "%s/collect", app->config->var_dir).ptr;
    app->collect = collect_jobs_new(f->loop, &jobs);
    return 0;
}

static void open_services(struct flow *f, struct app *app, struct group *group)
{
    const struct config *c = app->config;
    struct access_spec access = {
        .freshdesk = app->freshdesk,
        .pool = app->pool,
        .domain = c->freshdesk_domain,
        .api_key = c->freshdesk_api_key,
        .company = c->company_id,
    };
    app->access = access_new(f->loop, &access);
    struct assist_spec assist = {
        .pool = app->pool,
        .vectors = app->vectors,
        .freshdesk = app->freshdesk,
        .llm = app->llm,
        .embedder = app->embedder,
        .language = c->language,
        .sandbox = c->sandbox,
        .search_count_max = (size_t)c->db_connection_count_max / 2,
        .skips_vectors = strcmp(c->retrieval_mode, "text") == 0,
        .skips_text = strcmp(c->retrieval_mode, "vectors") == 0,
    };
    app->assist = assist_new(f->loop, &assist);
    struct sync_deps sync = {
        .pool = app->pool,
        .vectors = app->vectors,
        .freshdesk = app->freshdesk,
        .embedder = app->embedder,
        .llm = c->sync_extract ? app->llm : NULL,
        .group = group,
        .embed_count_max = (int)c->sync_embed_count_max,
        .thread_count_max = (int)c->sync_thread_count_max,
    };
    app->sync = sync_new(f->loop, &sync);
}

int app_open(struct flow *f, const struct config *config, struct group *group, struct app *ret_app)
{
    struct app *app = ret_app;
    app->flow = f;
    app->config = config;
    struct web_spec web = {.user_agent = "deskstream/" APP_VERSION};
    int r = web_new(f->loop, &web, &app->web, &f->err);
    if (r >= 0)
        r = open_stores(f, app);
    if (r < 0)
        return r;
    struct freshdesk_spec spec = {
        .web = app->web,
        .base_url = config->freshdesk_base_url,
        .per_minute = (uint32_t)config->freshdesk_per_minute,
        .list_per_minute = (uint32_t)config->freshdesk_list_per_minute,
        .share_percent = (uint32_t)config->freshdesk_share_percent,
        .window_ms = (uint32_t)config->freshdesk_window_ms,
        .retry_count = (uint32_t)config->retry_count_max,
    };
    app->freshdesk = freshdesk_new(f->loop, &spec);
    open_models(f, app);
    open_services(f, app, group);
    return open_collect(f, app, group);
}

void app_close(struct app *app)
{
    if (app->flow == NULL)
        return;
    collect_jobs_free(app->collect);
    sync_free(app->sync);
    assist_free(app->assist);
    access_free(app->access);
    embedder_free(app->embedder);
    llm_free(app->llm);
    freshdesk_free(app->freshdesk);
    vectors_free(app->vectors);
    qdrant_free(app->qdrant);
    if (app->pool != NULL)
        pg_pool_close(app->flow, app->pool);
    pg_pool_free(app->pool);
    if (app->web != NULL)
        web_close_all(app->flow, app->web);
    web_free(app->web);
    *app = (struct app)APP_INIT;
}

static int prepare(struct flow *f, struct app *app)
{
    int applied = 0;
    int r = migrate_run(f, app->pool, &applied);
    if (r < 0)
        return r;
    if (applied > 0)
        log_info("app.migrate", "applied=%d", applied);
    r = store_upkeep(f, app->pool);
    return r < 0 ? r : vectors_prepare(f, app->vectors);
}

int app_prepare(struct flow *f, struct app *app)
{
    int r = prepare(f, app);
    app->ready = r >= 0;
    if (r < 0)
        err_set(&app->away, r, "%s", f->err.msg);
    return r;
}

static int prepare_until_good(struct flow *f, struct app *app)
{
    for (uint64_t ms = 250;; ms = MIN(ms * 2, (uint64_t)PREPARE_RETRY_MS_MAX)) {
        int r = app_prepare(f, app);
        if (r >= 0)
            log_info("app.ready", "vectors=%s", vectors_home(app->vectors));
        if (r >= 0 || flow_is_cancelled(f))
            return r;
        log_warn("app.prepare", "error=\"%s\" retry_ms=%" PRIu64, f->err.msg, ms);
        r = flow_sleep(f, ms);
        if (r < 0)
            return r;
    }
}

int app_keep(struct flow *f, void *arg)
{
    struct app *app = arg;
    int r = prepare_until_good(f, app);
    if (r < 0)
        return r;
    for (uint64_t upkeep_ms = loop_now_ms(f->loop);;) {
        r = flow_sleep(f, MAINTAIN_EVERY_MS);
        if (r < 0)
            return r;
        r = vectors_maintain(f, app->vectors);
        if (r < 0 && !flow_is_cancelled(f))
            log_warn("app.maintain", "error=\"%s\"", f->err.msg);
        if (loop_now_ms(f->loop) - upkeep_ms < UPKEEP_EVERY_MS)
            continue;
        r = store_upkeep(f, app->pool);
        if (r >= 0)
            upkeep_ms = loop_now_ms(f->loop);
        else if (!flow_is_cancelled(f))
            log_warn("app.upkeep", "error=\"%s\"", f->err.msg);
    }
}

int app_caller(struct flow *f, struct app *app, struct caller *ret_caller)
{
    if (app->config->freshdesk_domain[0] == '\0' || app->config->freshdesk_api_key[0] == '\0')
        return err_set(&f->err, E_CONFIG,
                       "no Freshdesk account: set FRESHDESK_DOMAIN and FRESHDESK_API_KEY");
    struct access_claim claim = {.domain = STR_NONE};
    return access_prove(f, app->access, &claim, ret_caller);
}
