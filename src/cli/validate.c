/*
 * cli/validate.c: `deskstream config validate`: really connects to each dependency and reports them all.
 *
 *   ok    what it is   what it said          failed    what it is   why, and what to do
 *
 * The happy path: one check after another, each under its own deadline; a failure is a line, not the end.
 * Fails by: any dependency that does not work (status 1). Invariant: nothing is written anywhere; models
 * are asked for a few tokens only.
 */
#include <inttypes.h>
#include <stdio.h>

#include "app.h"
#include "app_chats.h"
#include "app_reports.h"
#include "base/json.h"
#include "cli/cli.h"
#include "store/upkeep.h"
#include "store/vectors.h"
#include "upstream/freshdesk.h"
#include "upstream/llm.h"

#define CHECK_MS 20000

struct report {
    size_t failed_count;
};

static void good(const char *what, struct str said)
{
    printf("\u2705 %-12s %.*s\n", what, STR_ARG(said));
}

static void bad(struct report *report, const char *what, const char *why, const char *advice)
{
    report->failed_count++;
    printf("\u274c %-12s %s\n   %-12s \u2192 %s\n", what, why, "", advice);
}

/* Does not work, and need not for what these settings are for. */
static void doubt(const char *what, const char *why, const char *advice)
{
    printf("\u2753 %-12s %s\n   %-12s \u2192 %s\n", what, why, "", advice);
}

/* An .env of the old chat batch: its model classifies, and nothing is searched. */
static bool is_batch_only(const struct config *c)
{
    return c->chat_url[0] != '\0' && c->freshdesk_domain[0] == '\0';
}

/* What .env says in vain: no fault, since old files say much that is not for us. */
static void doubt_settings(struct flow *f, struct cli *cli)
{
    struct buf *doubts = arena_buf(&f->arena, 0);
    config_doubts(&f->arena, cli->dotenv, doubts);
    struct str rest = buf_view(doubts), one;
    while (str_cut(&rest, '\n', &one))
        printf("\u2753 %-12s %.*s\n", ".env", STR_ARG(one));
}

static void check_postgres(struct flow *f, struct app *app, struct report *report)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    struct str version = STR_NONE;
    if (store_health(f, app->pool, &version) < 0)
        bad(report, "Postgres", f->err.msg,
            "start it, or check DATABASE_URL; `make run` starts a private one");
    else
        good("Postgres", version);
}

static void check_vectors(struct flow *f, struct app *app, struct report *report)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    struct str note = STR_NONE, home = str_from(vectors_home(app->vectors));
    int r = vectors_health(f, app->vectors, &note);
    bool says_home = str_starts(note, home);
    if (r == E_DB_AWAY)
        bad(report, "Vectors", "they lie in Postgres", "see Postgres");
    else if (r < 0)
        bad(report, "Vectors", f->err.msg,
            app->qdrant != NULL ? "check QDRANT_URL and QDRANT_API_KEY; Qdrant 1.16 or later"
                                : "install pgvector 0.7 or later, then start the server once");
    else
        good("Vectors", says_home ? note
                                  : arena_printf(&f->arena, "%.*s%s%.*s", STR_ARG(home),
                                                 note.len > 0 ? ": " : "", STR_ARG(note)));
}

static void check_freshdesk(struct flow *f, struct app *app, struct report *report)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    struct freshdesk_as as = {.api_key = str_from(app->config->freshdesk_api_key),
                              .priority = PRIORITY_LIVE};
    struct str company;
    struct json me;
    if (app->config->freshdesk_domain[0] == '\0' || as.api_key.len == 0) {
        good("Freshdesk", STR("no account in the settings: each request must bring its own"));
        return;
    }
    int r = freshdesk_domain_parse(&f->arena, str_from(app->config->freshdesk_domain), &as.domain,
                                   &company, &f->err);
    if (r >= 0)
        r = freshdesk_me(f, app->freshdesk, &as, &me);
    if (r == E_UPSTREAM_AUTH)
        bad(report, "Freshdesk", f->err.msg,
            "set FRESHDESK_API_KEY to the key on your Freshdesk profile page");
    else if (r < 0)
        bad(report, "Freshdesk", f->err.msg, "check FRESHDESK_DOMAIN and the network");
    else
        good("Freshdesk", arena_printf(&f->arena, "%.*s", STR_ARG(as.domain)));
}

/* One provider alone, with a question that costs next to nothing. */
static int ask_provider(struct flow *f, struct llm *m, struct str *ret_said)
{
    const struct llm_message messages[] = {{"user", STR("Say OK.")}};
    struct llm_spec spec = {.task = "validate",
                            .priority = PRIORITY_LIVE,
                            .messages = messages,
                            .message_count = ARRAY_COUNT(messages),
                            .max_tokens = 8};
    _cleanup_(llm_close) struct llm_stream s = LLM_STREAM_INIT;
    struct str delta;
    int r = llm_open(f, m, &spec, &s);
    while (r >= 0) {
        r = llm_next(f, &s, &delta);
        if (r == 0)
            break;
    }
    if (r >= 0)
        *ret_said = arena_printf(&f->arena, "%s answers",
                                 s.usage.model != NULL ? s.usage.model : "the model");
    return r;
}

static void check_models(struct flow *f, struct app *app, struct report *report)
{
    struct str rest = str_from(app->config->llm_order), name;
    size_t count = 0;
    while (str_cut(&rest, ',', &name)) {
        name = str_trim(name);
        struct llm_provider *p = app_provider(f->loop, app->web, app->config, name);
        if (p == NULL)
            continue;
        count++;
        _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
        struct llm *m = llm_new(f->loop);
        llm_add(m, p);
        const char *what = arena_text(&f->arena, name);
        struct str said;
        if (ask_provider(f, m, &said) < 0)
            bad(report, what, f->err.msg, "check this provider's key, address and model name");
        else
            good(what, said);
        llm_free(m);
    }
    if (count == 0)
        bad(report, "Models", "no language model has a key",
            "set HCX_CHAT_API_KEY or OPENAI_API_KEY");
}

static void check_embedder(struct flow *f, struct app *app, struct report *report)
{
    const struct config *c = app->config;
    if (c->embedding_base_url[0] == '\0' && c->hcx_api_key[0] == '\0') {
        bad(report, "Embeddings", "no key: search finds by words alone, not by meaning",
            "set HCX_CHAT_API_KEY, or EMBEDDING_BASE_URL");
        return;
    }
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    float *vector = ARENA_ARRAY(&f->arena, EMBED_DIMENSIONS, float);
    int r = embed_text(f, app->embedder, PRIORITY_LIVE, STR("hello"), vector);
    if (r < 0 && is_batch_only(c))
        doubt("Embeddings", f->err.msg, "the chat batch needs none, searches would");
    else if (r < 0)
        bad(report, "Embeddings", f->err.msg,
            "check HCX_CHAT_API_KEY, or EMBEDDING_BASE_URL with its key and model");
    else
        good("Embeddings", str_from(embedder_model(app->embedder)));
}

/* The chats' database with every table and column of the settings; reads nothing, writes nothing. */
static void check_chats(struct flow *f, struct app *app, struct report *report)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    if (app->config->chat_url[0] == '\0') {
        good("Chats", STR("our own tables in Postgres (ENGINE_FOR_SQLALCHEMY names no other)"));
        return;
    }
    struct str note;
    int r = app_chats_check(f, app->config, &note);
    if (r == E_DB)
        bad(report, "Chats", f->err.msg,
            "check user and password, DB_TABLE_* and DB_COLUMN_*, and the right to read them");
    else if (r < 0)
        bad(report, "Chats", f->err.msg,
            "check ENGINE_FOR_SQLALCHEMY, ORG_TIMEZONE and the network");
    else
        good("Chats", note);
}

static void check_mail(struct flow *f, struct app *app, struct report *report)
{
    const struct config *c = app->config;
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    struct str *recipients, wrong;
    struct smtp smtp;
    size_t count;
    if (!c->email_enabled || (c->sender_email[0] == '\0' && c->recipient_emails[0] == '\0')) {
        good("Mail", c->email_enabled ? STR("no sender in the settings: nothing is mailed")
                                      : STR("switched off (EMAIL_ENABLED)"));
        return;
    }
    smtp_recipients(&f->arena, str_from(c->recipient_emails), &recipients, &count, &wrong);
    int r = app_smtp(f, c, &smtp);
    if (r >= 0)
        r = smtp_check(f, &smtp);
    if (r < 0)
        bad(report, "Mail", f->err.msg,
            r == E_UPSTREAM_AUTH ? "check SENDER_EMAIL (or SMTP_USER) and SENDER_PASSWORD"
                                 : "check SMTP_SERVER, SMTP_PORT and SMTP_SECURITY");
    else if (wrong.len > 0 || count == 0)
        bad(report, "Mail", count == 0 ? "no recipients" : arena_text(&f->arena, wrong),
            "set RECIPIENT_EMAILS to addresses with commas between");
    else
        good("Mail", arena_printf(&f->arena, "%s:%d takes our login, %zu recipients", smtp.host,
                                  smtp.port, count));
}

static int validate(struct flow *f, void *arg)
{
    struct cli *cli = arg;
    struct report report = {0};
    _cleanup_(app_close) struct app app = APP_INIT;
    good("Settings", STR("every value is valid"));
    doubt_settings(f, cli);
    int r = app_open(f, &cli->config, NULL, &app);
    if (r < 0)
        return r;
    check_postgres(f, &app, &report);
    check_vectors(f, &app, &report);
    check_chats(f, &app, &report);
    check_freshdesk(f, &app, &report);
    check_models(f, &app, &report);
    check_embedder(f, &app, &report);
    check_mail(f, &app, &report);
    r = flow_check(f);
    if (r < 0)
        return r;
    if (report.failed_count > 0)
        return err_set(&f->err, E_CONFIG, "%zu of these do not work", report.failed_count);
    return 0;
}

int cli_validate(struct cli *cli)
{
    int r = cli_config(cli);
    if (r != CLI_GO_ON)
        return r == 2 ? 1 : r; /* the old command's status; its callers look at it */
    return cli_run_bare(cli, "validate", validate, cli);
}
