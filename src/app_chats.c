/*
 * app_chats.c: the chat batch's parts out of the settings.
 *
 * The tenant is that of FRESHDESK_DOMAIN, without asking Freshdesk; with no account in the settings it is one
 * named "chats". Fails by settings that name no zone, no database, no categories (E_CONFIG), or the source
 * being away. Invariant: the source is closed before the app's pool is.
 */
#include "app_chats.h"

#include <strings.h>

#include "app.h"
#include "loop/zone_file.h"
#include "store/tenants.h"
#include "upstream/freshdesk.h"
#include "upstream/llm.h"

const char *app_chats_zone(const struct config *config)
{
    return config->org_timezone[0] ? config->org_timezone : config->timezone;
}

const char *app_chats_model(const struct config *config)
{
    struct str rest = str_from(config->llm_order), name;
    while (str_cut(&rest, ',', &name)) {
        name = str_trim(name);
        if (str_eq(name, STR("clova")) && config->hcx_api_key[0])
            return config->hcx_json_model[0] ? config->hcx_json_model : config->hcx_model;
        if (str_eq(name, STR("openai")) && config->openai_api_key[0])
            return config->openai_model;
    }
    return "";
}

static int find_tenant(struct flow *f, struct app *app, int64_t *ret_id)
{
    struct str domain = STR("chats"), company = STR("chats");
    struct tenant tenant;
    int r = 0;
    if (app->config->freshdesk_domain[0])
        r = freshdesk_domain_parse(&f->arena, str_from(app->config->freshdesk_domain), &domain,
                                   &company, &f->err);
    if (r >= 0)
        r = tenants_get_or_create(f, app->pool, company, domain, &tenant);
    if (r >= 0)
        *ret_id = tenant.id;
    return r;
}

int app_chats_open_source(struct flow *f, struct app *app, struct app_chats *ret_chats)
{
    struct app_chats *c = ret_chats;
    *c = (struct app_chats){.flow = f};
    int r = zone_load(app_chats_zone(app->config), &c->zone, &f->err);
    if (r >= 0)
        r = find_tenant(f, app, &c->tenant_id);
    if (r < 0)
        return r;
    struct chat_source_spec spec = {.url = str_from(app->config->chat_url),
                                    .zone = c->zone,
                                    .zone_name = str_from(app_chats_zone(app->config)),
                                    .pool = app->pool,
                                    .tenant_id = c->tenant_id};
    chat_names_from(app->config, &spec.names);
    return chat_source_new(f->loop, &spec, &c->source, &f->err);
}

static int check_source(struct flow *f, const struct config *config, const struct zone *zone,
                        struct str *ret_note)
{
    struct chat_source_spec spec = {
        .url = str_from(config->chat_url),
        .zone = zone,
        .zone_name = str_from(app_chats_zone(config)),
    };
    chat_names_from(config, &spec.names);
    struct chat_source *source = NULL;
    int r = chat_source_new(f->loop, &spec, &source, &f->err);
    if (r >= 0)
        r = chat_source_check(f, source, ret_note);
    struct err kept = f->err;
    chat_source_close(f, source);
    f->err = kept;
    return r;
}

int app_chats_check(struct flow *f, const struct config *config, struct str *ret_note)
{
    struct zone *zone = NULL;
    int r = zone_load(app_chats_zone(config), &zone, &f->err);
    if (r >= 0)
        r = check_source(f, config, zone, ret_note);
    zone_free(zone);
    return r;
}

static int find_categories(struct flow *f, struct app *app, struct app_chats *c)
{
    const struct batch_categories_spec spec = {
        .from = app->config->categories_from,
        .path = app->config->categories_file,
        .excluded = str_from(app->config->excluded_categories),
        .own = app->config->chat_url[0] == '\0',
        .pool = app->pool,
        .tenant_id = c->tenant_id,
    };
    return batch_categories(f, c->source, &spec, &c->taxonomy);
}

int app_chats_open(struct flow *f, struct app *app, struct app_chats *ret_chats)
{
    const struct config *config = app->config;
    struct app_chats *c = ret_chats;
    int r = app_chats_open_source(f, app, c);
    if (r >= 0)
        r = find_categories(f, app, c);
    if (r < 0)
        return r;
    struct classifier classifier = {
        .llm = app->llm,
        .taxonomy = &c->taxonomy,
        .language = strcasecmp(config->language, "en") == 0 ? "en" : "ko",
        .retry_count = config->batch_retry_count,
        .tokens_max = config->hcx_max_tokens,
    };
    bool is_number = str_to_double(str_from(config->hcx_temperature), &classifier.temperature);
    if (!is_number)
        return err_set(&f->err, E_CONFIG, "HCX_TEMPERATURE is not a number");
    classifier_init(&f->arena, &classifier);
    c->batch = (struct batch){
        .pool = app->pool,
        .tenant_id = c->tenant_id,
        .source = c->source,
        .classifier = classifier,
        .model = app_chats_model(config),
        .call_count_max = (size_t)config->batch_call_count_max,
        .chats_per_call = classifier_room(&classifier, (size_t)config->chats_per_call),
        .page_size = (size_t)config->batch_page_size,
        .retry_ms = (uint64_t)config->batch_retry_s * 1000,
        .away_ms = (uint64_t)config->batch_timeout_s * 1000,
        .default_category_id = config->default_category_id,
    };
    return 0;
}

void app_chats_close(struct app_chats *c)
{
    if (c->flow == NULL)
        return;
    chat_source_close(c->flow, c->source);
    zone_free(c->zone);
    *c = (struct app_chats)APP_CHATS_INIT;
}
