/*
 * HyperCLOVA X by CLOVA Studio's own API, v3 (and v1 for HCX-003 and HCX-DASH-001).
 *
 * Happy path: POST {base}/v3/chat-completions/{model} with Accept: text/event-stream; `token` events carry
 * deltas, `result` carries the whole text once more with usage and finish reason and is the end. The result's
 * text is never appended, unless no token came before it.
 * Objects: HCX-007 with responseFormat and thinking off; other models by prompt (llm_json.c).
 * Fails as llm_refine says; an `error` event or a status object in any event fails the call although HTTP said
 * 200; a stream without `result` is E_TRUNCATED. 40003 (context) cuts the input once.
 * Invariant: one system message a request; thinking text is never given out. Limits are per model, so each
 * model has an account of its own.
 * Source: api.ncloud-docs.com clovastudio-chatcompletionsv3 (-so, -thinking), seen 2026-08.
 */
#include "upstream/llm_vendor.h"

#include <strings.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "upstream/reply.h"

#define WINDOW_MS 60000
#define TOKENS_DEFAULT 1000
#define WHOLE_MS 120000 /* an answer that is not streamed */
#define WHOLE_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct clova_model {
    const char *name;
    char *account_name;
    struct account *account;
    bool is_v1;      /* the old API with other field names */
    bool thinks;     /* HCX-007: thinking.effort and maxCompletionTokens */
    bool has_schema; /* takes responseFormat */
    int tokens_max;
};
struct clova {
    struct llm_provider provider; /* first */
    char *base_url, *api_key, *model_name, *json_model_name;
    struct clova_model chat, json; /* json.account NULL: none, or the same model */
    uint32_t first_token_ms, idle_ms;
    bool json_refused; /* the JSON model is unknown to this key */
};

/* ---- the request ---- */

static bool starts_nocase(const char *text, struct str prefix)
{
    return str_starts_nocase(str_from(text), prefix);
}

static void body_write(struct buf *out, const struct clova_model *m,
                       const struct llm_message *messages, size_t count, int max_tokens,
                       double temperature, struct json schema)
{
    struct jw w = JW_INIT(out);
    bool for_json = json_exists(schema);
    jw_obj(&w, NULL);
    llm_messages_write(&w, messages, count);
    jw_i64(&w, m->thinks ? "maxCompletionTokens" : "maxTokens", max_tokens);
    jw_f64(&w, "temperature", MIN(MAX(temperature, m->is_v1 ? 0.01 : 0), 1), 2);
    jw_f64(&w, "topP", 0.8, 1);
    jw_i64(&w, "topK", 0);
    if (!m->is_v1) /* v1's repeatPenalty has another scale: its default stays */
        jw_f64(&w, "repetitionPenalty", for_json ? 1.0 : 1.1, 1);
    if (m->thinks) {
        jw_obj(&w, "thinking");
        jw_text(&w, "effort", "none");
        jw_end_obj(&w);
    }
    if (for_json) {
        struct buf reduced = BUF_INIT(0);
        llm_schema_reduce(&reduced, schema);
        jw_obj(&w, "responseFormat");
        jw_text(&w, "type", "json");
        jw_raw(&w, "schema", buf_view(&reduced));
        jw_end_obj(&w);
        buf_done(&reduced);
    }
    jw_bool(&w, "includeAiFilters", false);
    jw_end_obj(&w);
}

static int tokens_of(const struct clova_model *m, int max_tokens)
{
    return MIN(max_tokens > 0 ? max_tokens : TOKENS_DEFAULT, m->tokens_max);
}

/* Fills `t` with one call; all of it lives in the flow's arena. */
static void prepare(struct flow *f, struct clova *c, const struct clova_model *m, struct llm_try *t,
                    enum priority priority, struct str body, bool streamed)
{
    char uuid[37];
    uuid_v4(uuid);
    struct web_header *headers = ARENA_ARRAY(&f->arena, 4, struct web_header);
    headers[0] = (struct web_header){STR("Authorization"),
                                     arena_printf(&f->arena, "Bearer %s", c->api_key)};
    headers[1] = (struct web_header){STR("Content-Type"), STR("application/json")};
    headers[2] = (struct web_header){STR("Accept"),
                                     streamed ? STR("text/event-stream") : STR("application/json")};
    headers[3] = (struct web_header){STR("X-NCP-CLOVASTUDIO-REQUEST-ID"),
                                     arena_printf(&f->arena, "ds-%s", uuid)};
    *t = (struct llm_try){
        .call = {.priority = priority,
                 .request = {.method = "POST",
                             .url = arena_printf(&f->arena, "%s/%s/chat-completions/%s",
                                                 c->base_url, m->is_v1 ? "v1" : "v3", m->name),
                             .headers = headers,
                             .header_count = 4,
                             .body = body,
                             .bytes_max = WHOLE_BYTES_MAX,
                             .first_byte_ms = streamed ? c->first_token_ms : 0,
                             .idle_ms = streamed ? c->idle_ms : 0},
                 .timeout_ms = streamed ? c->first_token_ms : WHOLE_MS,
                 .name = streamed ? "clova.stream" : "clova.chat"},
    };
}

static struct str body_of(struct flow *f, const struct clova_model *m,
                          const struct llm_message *messages, size_t count, int max_tokens,
                          double temperature, struct json schema)
{
    struct buf out = BUF_INIT(0);
    body_write(&out, m, messages, count, max_tokens, temperature, schema);
    struct str body = arena_str(&f->arena, buf_view(&out));
    buf_done(&out);
    return body;
}

/* ---- streams ---- */

static void take_usage(struct llm_feed *feed, struct json v)
{
    struct json usage = json_get(v, "usage");
    if (json_is_obj(usage))
        llm_feed_usage(feed, json_get(usage, "promptTokens"), json_get(usage, "completionTokens"));
    else
        llm_feed_usage(feed, json_get(v, "inputLength"), json_get(v, "outputLength")); /* v1 */
}

static struct str finish_of(struct json v)
{
    struct str reason = json_str(json_get(v, "finishReason"));
    return reason.len > 0 ? reason : json_str(json_get(v, "stopReason"));
}

/* The end state; its text counts only when nothing came before it. */
static void take_result(struct llm_feed *feed, struct json v)
{
    if (feed->text_bytes == 0 && feed->held.len == 0)
        llm_delta_add(&feed->held, json_str(json_path(v, "message.content")));
    llm_feed_finish(feed, finish_of(v));
    take_usage(feed, v);
    feed->ended = true;
}

static int on_event(struct llm_feed *feed, const struct event *e, struct err *err)
{
    struct json v;
    struct err reason = {.code = 0};
    struct str data = str_trim(e->data);
    if (data.len == 0 || str_eq(e->name, STR("signal")) || str_eq(data, STR("[DONE]")))
        return 0;
    if (json_parse_lax(&feed->arena, data, &v, &reason) < 0)
        return err_set(err, E_PROTOCOL, "an event that is not JSON: %s", reason.msg);
    if (str_eq(e->name, STR("error")) || llm_is_error(v))
        return llm_refuse(&feed->sent, err, v);
    if (json_is_obj(json_get(v, "result"))) {
        take_result(feed, json_get(v, "result"));
        return 0;
    }
    if (str_eq(e->name, STR("result"))) {
        take_result(feed, v);
        return 0;
    }
    if (!json_is_obj(json_get(v, "message")) || (e->name.len > 0 && !str_eq(e->name, STR("token"))))
        return 0;
    struct str content = json_str(json_path(v, "message.content"));
    int64_t so_far = feed->text_bytes + (int64_t)feed->held.len;
    bool unnamed_result = e->name.len == 0 && finish_of(v).len > 0;
    if (unnamed_result && so_far > 0 && (int64_t)content.len >= so_far) {
        take_result(feed, v);
        return 0;
    }
    llm_delta_add(&feed->held, content);
    take_usage(feed, v);
    if (unnamed_result)
        llm_feed_finish(feed, finish_of(v));
    return 0;
}

static int on_whole(struct llm_feed *feed, struct json body, struct err *err)
{
    struct json result = json_get(body, "result");
    if (!json_is_obj(result))
        return err_set(err, E_PROTOCOL, "no result in the answer");
    take_result(feed, result);
    return 0;
}

static int open_once(struct flow *f, struct clova *c, const struct llm_spec *spec,
                     const struct llm_message *messages, struct llm_feed **ret_feed,
                     bool *ret_too_long)
{
    struct clova_model *m = &c->chat;
    int max_tokens = tokens_of(m, spec->max_tokens);
    struct llm_feed *feed = mem_alloc(sizeof(*feed));
    feed->call.provider = &c->provider;
    feed->call.usage.provider = c->provider.name;
    feed->call.usage.model = m->name;
    feed->account = m->account;
    feed->first_token_ms = c->first_token_ms;
    feed->prompt_estimate = llm_prompt_estimate(messages, spec->message_count);
    feed->on_event = on_event;
    feed->on_whole = on_whole;
    struct str body = body_of(f, m, messages, spec->message_count, max_tokens, spec->temperature,
                              JSON_NONE);
    prepare(f, c, m, &feed->sent, spec->priority, body, true);
    llm_reserve(&feed->sent, m->account, feed->prompt_estimate, max_tokens);
    int r = llm_feed_open(f, feed);
    if (r >= 0)
        r = llm_feed_prime(
            f, feed); /* whether 40003 comes as a status or an event is not documented */
    if (r < 0) {
        *ret_too_long = llm_is_too_long(&feed->sent, &f->err);
        llm_feed_free(feed);
        return r;
    }
    *ret_feed = feed;
    return 0;
}

static int clova_open(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                      struct llm_call **ret_call)
{
    struct clova *c = container_of(p, struct clova, provider);
    struct llm_message *messages = arena_copy(&f->arena, spec->messages,
                                              spec->message_count * sizeof(spec->messages[0]));
    struct llm_feed *feed = NULL;
    bool too_long = false;
    int r = open_once(f, c, spec, messages, &feed, &too_long);
    if (r == E_UPSTREAM_INPUT && too_long &&
        llm_messages_cut(&f->arena, messages, spec->message_count))
        r = open_once(f, c, spec, messages, &feed, &too_long);
    if (r < 0)
        return r;
    *ret_call = &feed->call;
    return 0;
}

static int clova_next(struct flow *f, struct llm_call *call, struct str *ret_delta)
{
    return llm_feed_next(f, container_of(call, struct llm_feed, call), ret_delta);
}

static void clova_close(struct llm_call *call)
{
    llm_feed_free(container_of(call, struct llm_feed, call));
}

/* ---- whole answers and objects ---- */

struct clova_asker {
    struct llm_asker asker; /* first */
    struct clova *clova;
    struct clova_model *model;
    const struct llm_spec *spec;
    struct json schema; /* for responseFormat; missing in prompt mode */
    int64_t code;       /* of the last refusal */
};

static int read_answer(struct flow *f, struct clova_asker *k, struct llm_try *t, struct str body,
                       int64_t prompt_estimate, struct llm_answer *ret_answer)
{
    struct json v;
    int r = reply_json(f, body, &v);
    if (r < 0)
        return r;
    struct json result = json_get(v, "result");
    if (llm_is_error(v))
        return llm_refuse(t, &f->err, v);
    if (!json_is_obj(result))
        return err_set(&f->err, E_PROTOCOL, "no result in the answer");
    struct json in = json_path(result, "usage.promptTokens"),
                out = json_path(result, "usage.completionTokens");
    if (!json_is_num(in)) {
        in = json_get(result, "inputLength");
        out = json_get(result, "outputLength");
    }
    struct llm_usage *u = &ret_answer->usage;
    ret_answer->text = json_str(json_path(result, "message.content"));
    u->provider = k->clova->provider.name;
    u->model = k->model->name;
    u->finish_reason = llm_finish_reason(finish_of(result));
    u->estimated = !json_is_num(in);
    u->prompt_tokens = json_i64(in, prompt_estimate);
    u->completion_tokens = json_i64(out, llm_token_estimate(ret_answer->text));
    u->cost_krw = llm_cost_krw(u->model, u->prompt_tokens, u->completion_tokens);
    if (!u->estimated)
        llm_settle(t, k->model->account, u->prompt_tokens);
    return 0;
}

static int ask_once(struct flow *f, struct clova_asker *k, const struct llm_message *messages,
                    size_t count, int max_tokens, struct llm_answer *ret_answer, bool *ret_too_long)
{
    struct llm_try t;
    struct web_reply reply;
    int64_t estimate = llm_prompt_estimate(messages, count);
    max_tokens = tokens_of(k->model, max_tokens);
    struct str body = body_of(f, k->model, messages, count, max_tokens, k->spec->temperature,
                              k->schema);
    prepare(f, k->clova, k->model, &t, k->spec->priority, body, false);
    llm_reserve(&t, k->model->account, estimate, max_tokens);
    uint64_t start_ns = loop_now_ns(f->loop);
    int r = account_fetch(f, k->model->account, &t.call, &reply);
    if (r < 0) {
        r = llm_refine(f, &t, r);
        k->code = t.code;
        *ret_too_long = llm_is_too_long(&t, &f->err);
        return r;
    }
    r = read_answer(f, k, &t, reply.body, estimate, ret_answer);
    if (r < 0) {
        k->code = t.code;
        *ret_too_long = llm_is_too_long(&t, &f->err);
    }
    ret_answer->usage.total_ns = loop_now_ns(f->loop) - start_ns;
    ret_answer->usage.first_token_ns = ret_answer->usage.total_ns;
    return r;
}

static int ask(struct flow *f, struct llm_asker *a, const struct llm_message *messages,
               size_t count, int max_tokens, struct llm_answer *ret_answer)
{
    struct clova_asker *k = container_of(a, struct clova_asker, asker);
    bool too_long = false;
    int r = ask_once(f, k, messages, count, max_tokens, ret_answer, &too_long);
    if (r != E_UPSTREAM_INPUT || !too_long)
        return r;
    struct llm_message *shorter = arena_copy(&f->arena, messages, count * sizeof(messages[0]));
    if (!llm_messages_cut(&f->arena, shorter, count))
        return r;
    return ask_once(f, k, shorter, count, max_tokens, ret_answer, &too_long);
}

static int by_prompt(struct flow *f, struct clova *c, const struct llm_spec *spec,
                     struct json *ret_value, struct llm_usage *ret_usage)
{
    struct clova_model *m = c->json.account && !c->json.has_schema ? &c->json : &c->chat;
    struct clova_asker k = {.asker = {.ask = ask, .tokens_max = m->tokens_max},
                            .clova = c,
                            .model = m,
                            .spec = spec,
                            .schema = JSON_NONE};
    return llm_json_ask(f, &k.asker, spec, ret_value, ret_usage);
}

static int clova_json(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                      struct json *ret_value, struct llm_usage *ret_usage)
{
    struct clova *c = container_of(p, struct clova, provider);
    struct clova_model *m = c->json.account ? &c->json : &c->chat;
    struct clova_asker k = {.asker = {.ask = ask, .tokens_max = m->tokens_max, .by_schema = true},
                            .clova = c,
                            .model = m,
                            .spec = spec};
    if (!m->has_schema || c->json_refused || spec->schema.len == 0)
        return by_prompt(f, c, spec, ret_value, ret_usage);
    int r = json_parse(&f->arena, spec->schema, &k.schema, &f->err);
    if (r < 0)
        return err_wrap(&f->err, E_CONFIG, "the schema of %s", spec->task);
    r = llm_json_ask(f, &k.asker, spec, ret_value, ret_usage);
    if (r != E_UPSTREAM_INPUT)
        return r;
    /* The schema (40055), the field (40001, 40009) or the model (4008x) is refused: the plain way is left. */
    c->json_refused = k.code >= 40080 && k.code <= 40084;
    return by_prompt(f, c, spec, ret_value, ret_usage);
}

/* ---- life ---- */

static void model_init(struct clova_model *m, struct loop *l, const struct clova_spec *spec,
                       const char *name)
{
    struct buf text = BUF_INIT(0);
    m->name = name;
    m->is_v1 = starts_nocase(name, STR("HCX-003")) || starts_nocase(name, STR("HCX-DASH-001"));
    m->thinks = starts_nocase(name, STR("HCX-007"));
    m->has_schema = !m->is_v1 && !starts_nocase(name, STR("HCX-005")) &&
                    !starts_nocase(name, STR("HCX-DASH"));
    m->tokens_max = m->thinks ? 32768 : 4096;
    buf_printf(&text, "clova %s", name);
    m->account_name = mem_strdup(text.ptr);
    buf_done(&text);
    struct account_spec account = {
        .name = m->account_name,
        .web = spec->web,
        .learn = llm_learn,
        .bucket = {.name = m->account_name,
                   .limits = {[LLM_LIMIT_CALLS] = {"calls", MAX(spec->per_minute, 1), WINDOW_MS},
                              [LLM_LIMIT_TOKENS] = {"tokens", MAX(spec->tokens_per_minute, 1000),
                                                    WINDOW_MS}},
                   .limit_count = 2},
    };
    m->account = account_new(l, &account);
}

static void model_done(struct clova_model *m)
{
    account_free(m->account);
    mem_free(m->account_name);
}

static void clova_free(struct llm_provider *p)
{
    struct clova *c = container_of(p, struct clova, provider);
    model_done(&c->chat);
    if (c->json.account)
        model_done(&c->json);
    mem_free(c->base_url);
    mem_free(c->api_key);
    mem_free(c->model_name);
    mem_free(c->json_model_name);
    mem_free(c);
}

static void clova_each_account(struct llm_provider *p,
                               void (*each)(void *context, struct account *a), void *context)
{
    struct clova *c = container_of(p, struct clova, provider);
    each(context, c->chat.account);
    if (c->json.account)
        each(context, c->json.account);
}

struct llm_provider *clova_new(struct loop *l, const struct clova_spec *spec)
{
    static const struct llm_provider_ops ops = {.open = clova_open,
                                                .next = clova_next,
                                                .close = clova_close,
                                                .json = clova_json,
                                                .free = clova_free,
                                                .each_account = clova_each_account};
    struct clova *c = mem_alloc(sizeof(*c));
    c->provider = (struct llm_provider){.ops = &ops, .name = "clova"};
    c->base_url = mem_strdup(spec->base_url);
    for (size_t len = strlen(c->base_url); len > 0 && c->base_url[len - 1] == '/';)
        c->base_url[--len] = '\0';
    c->api_key = mem_strdup(spec->api_key);
    c->model_name = mem_strdup(spec->model);
    c->json_model_name = mem_strdup(spec->json_model ? spec->json_model : "");
    c->first_token_ms = spec->first_token_ms ? spec->first_token_ms : 30000;
    c->idle_ms = spec->idle_ms ? spec->idle_ms : 45000;
    model_init(&c->chat, l, spec, c->model_name);
    if (c->json_model_name[0] && strcasecmp(c->json_model_name, c->model_name) != 0)
        model_init(&c->json, l, spec, c->json_model_name);
    return &c->provider;
}
