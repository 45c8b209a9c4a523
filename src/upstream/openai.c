/*
 * Chat by the OpenAI-compatible interface: OpenAI itself, vLLM, Ollama, llama.cpp, LM Studio, CLOVA's own
 * /v1/openai.
 *
 * Happy path: POST {base}/chat/completions with stream true; chunks carry choices[0].delta.content, one of
 * them a finish_reason, one (any, the last wins) the usage; [DONE] ends it.
 * Servers differ in which fields they take: a field that is refused (stream_options, max_tokens,
 * temperature, response_format) is left out from then on and the call is sent again.
 * Fails as llm_refine says; an error object in a chunk, an `error:` line, error_message: all fail the call.
 * A stream that ends without finish_reason and without [DONE] is E_TRUNCATED, as is one that says [DONE]
 * without ever having said anything.
 * Invariant: usage is replaced, never summed; choices[0] only after a look at the count.
 * Source: llm-apis §5.
 */
#include "upstream/llm_vendor.h"

#include <string.h>

#include "base/mem.h"
#include "upstream/account_secret.h"
#include "upstream/reply.h"

#define WINDOW_MS 60000
#define TOKENS_DEFAULT 1000
#define TOKENS_MAX 16384
#define WHOLE_MS 120000
#define WHOLE_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define ADAPT_COUNT_MAX 4

struct openai {
    struct llm_provider provider; /* first */
    char *base_url, *api_key, *model;
    struct account *account;
    uint32_t first_token_ms, idle_ms;
    /* Learned: what this server does not take. */
    bool no_stream_options, no_temperature, no_response_format, completion_tokens;
};

/* ---- the request ---- */

struct question {
    const struct llm_message *messages;
    size_t count;
    int max_tokens;
    double temperature;
    enum priority priority;
    bool streamed;
    struct str schema; /* empty: none */
};

static struct str body_of(struct flow *f, const struct openai *o, const struct question *q)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_text(&w, "model", o->model);
    llm_messages_write(&w, q->messages, q->count);
    jw_i64(&w, o->completion_tokens ? "max_completion_tokens" : "max_tokens", q->max_tokens);
    if (!o->no_temperature)
        jw_f64(&w, "temperature", MIN(MAX(q->temperature, 0), 1), 2);
    jw_bool(&w, "stream", q->streamed);
    if (q->streamed && !o->no_stream_options) {
        jw_obj(&w, "stream_options");
        jw_bool(&w, "include_usage", true);
        jw_end_obj(&w);
    }
    if (q->schema.len > 0 && !o->no_response_format) {
        jw_obj(&w, "response_format");
        jw_text(&w, "type", "json_schema");
        jw_obj(&w, "json_schema");
        jw_text(&w, "name", "answer");
        jw_raw(&w, "schema", q->schema);
        jw_end_obj(&w);
        jw_end_obj(&w);
    }
    jw_end_obj(&w);
    struct str body = arena_str(&f->arena, buf_view(&out));
    buf_done(&out);
    return body;
}

static void prepare(struct flow *f, struct openai *o, const struct question *q, struct llm_try *t)
{
    size_t count = 0;
    struct web_header *headers = ARENA_ARRAY(&f->arena, 3, struct web_header);
    headers[count++] = (struct web_header){STR("Content-Type"), STR("application/json")};
    headers[count++] = (struct web_header){STR("Accept"), q->streamed ? STR("text/event-stream")
                                                                      : STR("application/json")};
    if (o->api_key[0])
        headers[count++] = (struct web_header){STR("Authorization"),
                                               arena_printf(&f->arena, "Bearer %s", o->api_key)};
    *t = (struct llm_try){
        .call = {.priority = q->priority,
                 .request = {.method = "POST",
                             .url = arena_printf(&f->arena, "%s/chat/completions", o->base_url),
                             .headers = headers,
                             .header_count = count,
                             .body = body_of(f, o, q),
                             .bytes_max = WHOLE_BYTES_MAX,
                             .first_byte_ms = q->streamed ? o->first_token_ms : 0,
                             .idle_ms = q->streamed ? o->idle_ms : 0},
                 .timeout_ms = q->streamed ? o->first_token_ms : WHOLE_MS,
                 .name = q->streamed ? "openai.stream" : "openai.chat"},
    };
    llm_reserve(t, o->account, llm_prompt_estimate(q->messages, q->count), q->max_tokens);
}

/* True when the refusal named a field that can be left out: it is from now on. */
static bool adapt(struct openai *o, const struct llm_try *t, const struct err *err)
{
    struct str text = str_from(err->msg);
    if (t->status != 400 && t->status != 422 && t->status != 404)
        return false;
    struct {
        struct str word;
        bool *flag;
    } fields[] = {{STR("stream_options"), &o->no_stream_options},
                  {STR("response_format"), &o->no_response_format},
                  {STR("json_schema"), &o->no_response_format},
                  {STR("temperature"), &o->no_temperature},
                  {STR("max_tokens"), &o->completion_tokens}};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++)
        if (str_find(text, fields[i].word, 0) != SIZE_MAX && !*fields[i].flag) {
            *fields[i].flag = true;
            return true;
        }
    if (t->code == 40055 && !o->no_response_format) { /* CLOVA: this schema is beyond it */
        o->no_response_format = true;
        return true;
    }
    if (t->code == 40002 && !o->no_stream_options) { /* CLOVA: a field it does not name */
        o->no_stream_options = true;
        return true;
    }
    return false;
}

/* ---- streams ---- */

static void take_usage(struct llm_feed *feed, struct json v)
{
    struct json usage = json_get(v, "usage");
    if (json_is_obj(usage))
        llm_feed_usage(feed, json_get(usage, "prompt_tokens"),
                       json_get(usage, "completion_tokens"));
}

static int on_done(struct llm_feed *feed, struct err *err)
{
    if (feed->text_bytes == 0 && feed->held.len == 0 && !feed->has_finish)
        return err_set(err, E_TRUNCATED, "the model ended without having said anything");
    feed->ended = true;
    return 0;
}

static int on_event(struct llm_feed *feed, const struct event *e, struct err *err)
{
    struct json v;
    struct err reason = {.code = 0};
    struct str data = str_trim(e->data);
    bool is_error = str_eq(e->name, STR("error"));
    if (data.len == 0)
        return 0;
    if (str_eq(data, STR("[DONE]")))
        return on_done(feed, err);
    if (json_parse_lax(&feed->arena, data, &v, &reason) < 0) {
        if (is_error && account_tells_secret(&feed->sent.call.request, data))
            return err_set(err, E_UPSTREAM, "the model failed: %s", account_hidden_text);
        if (is_error)
            return err_set(err, E_UPSTREAM, "the model failed: %.*s",
                           STR_ARG(str_cut_utf8(data, 180)));
        return err_set(err, E_PROTOCOL, "an event that is not JSON: %s", reason.msg);
    }
    if (is_error || llm_is_error(v))
        return llm_refuse(&feed->sent, err, v);
    take_usage(feed, v);
    struct json choices = json_get(v, "choices");
    if (!json_is_arr(choices) || json_count(choices) == 0)
        return 0;
    struct json choice = json_path(choices, "0");
    if (json_i64(json_get(choice, "index"), 0) != 0)
        return 0; /* a second answer, which nobody asked for */
    llm_delta_add(&feed->held, json_str(json_path(choice, "delta.content")));
    llm_feed_finish(feed, json_str(json_get(choice, "finish_reason")));
    return 0;
}

static int on_whole(struct llm_feed *feed, struct json body, struct err *err)
{
    struct json choice = json_path(body, "choices.0");
    if (!json_is_obj(choice))
        return err_set(err, E_PROTOCOL, "no choices in the answer");
    llm_delta_add(&feed->held, json_str(json_path(choice, "message.content")));
    llm_feed_finish(feed, json_str(json_get(choice, "finish_reason")));
    take_usage(feed, body);
    return 0;
}

static int open_once(struct flow *f, struct openai *o, const struct question *q,
                     struct llm_feed **ret_feed, struct llm_try *ret_try)
{
    struct llm_feed *feed = mem_alloc(sizeof(*feed));
    feed->call.provider = &o->provider;
    feed->call.usage.provider = o->provider.name;
    feed->call.usage.model = o->model;
    feed->account = o->account;
    feed->first_token_ms = o->first_token_ms;
    feed->prompt_estimate = llm_prompt_estimate(q->messages, q->count);
    feed->on_event = on_event;
    feed->on_whole = on_whole;
    prepare(f, o, q, &feed->sent);
    int r = llm_feed_open(f, feed);
    if (r < 0) {
        *ret_try = feed->sent;
        llm_feed_free(feed);
        return r;
    }
    *ret_feed = feed;
    return 0;
}

static int openai_open(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                       struct llm_call **ret_call)
{
    struct openai *o = container_of(p, struct openai, provider);
    struct llm_message *messages = arena_copy(&f->arena, spec->messages,
                                              spec->message_count * sizeof(spec->messages[0]));
    struct question q = {.messages = messages,
                         .count = spec->message_count,
                         .max_tokens = spec->max_tokens > 0 ? MIN(spec->max_tokens, TOKENS_MAX)
                                                            : TOKENS_DEFAULT,
                         .temperature = spec->temperature,
                         .priority = spec->priority,
                         .streamed = true};
    struct llm_feed *feed = NULL;
    bool was_cut = false;
    for (int i = 0; i <= ADAPT_COUNT_MAX; i++) {
        struct llm_try t;
        int r = open_once(f, o, &q, &feed, &t);
        if (r >= 0)
            break;
        bool again = r == E_UPSTREAM_INPUT && i < ADAPT_COUNT_MAX && adapt(o, &t, &f->err);
        if (!again && r == E_UPSTREAM_INPUT && !was_cut && llm_is_too_long(&t, &f->err))
            again = was_cut = llm_messages_cut(&f->arena, messages, spec->message_count);
        if (!again)
            return r;
    }
    if (!feed)
        return err_set(&f->err, E_UPSTREAM_INPUT, "the server takes none of our requests");
    *ret_call = &feed->call;
    return 0;
}

static int openai_next(struct flow *f, struct llm_call *call, struct str *ret_delta)
{
    return llm_feed_next(f, container_of(call, struct llm_feed, call), ret_delta);
}

static void openai_close(struct llm_call *call)
{
    llm_feed_free(container_of(call, struct llm_feed, call));
}

/* ---- whole answers and objects ---- */

struct openai_asker {
    struct llm_asker asker; /* first */
    struct openai *openai;
    const struct llm_spec *spec;
};

static int read_answer(struct flow *f, struct openai *o, struct llm_try *t, struct str body,
                       struct llm_answer *ret_answer)
{
    struct json v;
    int r = reply_json(f, body, &v);
    if (r < 0)
        return r;
    struct json choice = json_path(v, "choices.0");
    struct json in = json_path(v, "usage.prompt_tokens"),
                out = json_path(v, "usage.completion_tokens");
    if (llm_is_error(v))
        return llm_refuse(t, &f->err, v);
    if (!json_is_obj(choice))
        return err_set(&f->err, E_PROTOCOL, "no choices in the answer");
    struct llm_usage *u = &ret_answer->usage;
    ret_answer->text = json_str(json_path(choice, "message.content"));
    u->provider = o->provider.name;
    u->model = o->model;
    u->finish_reason = llm_finish_reason(json_str(json_get(choice, "finish_reason")));
    u->estimated = !json_is_num(in);
    u->prompt_tokens = json_i64(in, t->reserved);
    u->completion_tokens = json_i64(out, llm_token_estimate(ret_answer->text));
    u->cost_krw = llm_cost_krw(u->model, u->prompt_tokens, u->completion_tokens);
    if (!u->estimated)
        llm_settle(t, o->account, u->prompt_tokens);
    return 0;
}

static int ask(struct flow *f, struct llm_asker *a, const struct llm_message *messages,
               size_t count, int max_tokens, struct llm_answer *ret_answer)
{
    struct openai_asker *k = container_of(a, struct openai_asker, asker);
    struct openai *o = k->openai;
    struct llm_message *mine = arena_copy(&f->arena, messages, count * sizeof(messages[0]));
    struct question q = {.messages = mine,
                         .count = count,
                         .max_tokens = max_tokens,
                         .temperature = k->spec->temperature,
                         .priority = k->spec->priority,
                         .schema = k->spec->schema};
    bool was_cut = false;
    for (int i = 0;; i++) {
        struct llm_try t;
        struct web_reply reply;
        uint64_t start_ns = loop_now_ns(f->loop);
        prepare(f, o, &q, &t);
        int r = account_fetch(f, o->account, &t.call, &reply);
        if (r >= 0) {
            r = read_answer(f, o, &t, reply.body, ret_answer);
            ret_answer->usage.total_ns = loop_now_ns(f->loop) - start_ns;
            ret_answer->usage.first_token_ns = ret_answer->usage.total_ns;
            return r;
        }
        r = llm_refine(f, &t, r);
        bool again = r == E_UPSTREAM_INPUT && i < ADAPT_COUNT_MAX && adapt(o, &t, &f->err);
        if (!again && r == E_UPSTREAM_INPUT && !was_cut && llm_is_too_long(&t, &f->err))
            again = was_cut = llm_messages_cut(&f->arena, mine, count);
        if (!again)
            return r;
    }
}

static int openai_json(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                       struct json *ret_value, struct llm_usage *ret_usage)
{
    struct openai_asker k = {.asker = {.ask = ask, .tokens_max = TOKENS_MAX},
                             .openai = container_of(p, struct openai, provider),
                             .spec = spec};
    return llm_json_ask(f, &k.asker, spec, ret_value, ret_usage);
}

/* ---- life ---- */

static void openai_free(struct llm_provider *p)
{
    struct openai *o = container_of(p, struct openai, provider);
    account_free(o->account);
    mem_free(o->base_url);
    mem_free(o->api_key);
    mem_free(o->model);
    mem_free(o);
}

static void openai_each_account(struct llm_provider *p,
                                void (*each)(void *context, struct account *a), void *context)
{
    each(context, container_of(p, struct openai, provider)->account);
}

/* CLOVA's OpenAI route refuses stream_options; OpenAI's reasoning models refuse max_tokens and temperature. */
static void presume(struct openai *o)
{
    static const struct str thinking[] = {STR("o1"), STR("o3"), STR("o4"), STR("gpt-5")};
    o->no_stream_options = str_find(str_from(o->base_url), STR("ntruss.com"), 0) != SIZE_MAX ||
                           str_ends(str_from(o->base_url), STR("/v1/openai"));
    for (size_t i = 0; i < ARRAY_COUNT(thinking); i++)
        if (str_starts(str_from(o->model), thinking[i]))
            o->completion_tokens = o->no_temperature = true;
}

struct llm_provider *openai_new(struct loop *l, const struct openai_spec *spec)
{
    static const struct llm_provider_ops ops = {.open = openai_open,
                                                .next = openai_next,
                                                .close = openai_close,
                                                .json = openai_json,
                                                .free = openai_free,
                                                .each_account = openai_each_account};
    struct openai *o = mem_alloc(sizeof(*o));
    o->provider = (struct llm_provider){.ops = &ops, .name = "openai"};
    o->base_url = mem_strdup(spec->base_url);
    for (size_t len = strlen(o->base_url); len > 0 && o->base_url[len - 1] == '/';)
        o->base_url[--len] = '\0';
    o->api_key = mem_strdup(spec->api_key ? spec->api_key : "");
    o->model = mem_strdup(spec->model);
    o->first_token_ms = spec->first_token_ms ? spec->first_token_ms : 30000;
    o->idle_ms = spec->idle_ms ? spec->idle_ms : 45000;
    presume(o);
    struct account_spec account = {
        .name = "openai",
        .web = spec->web,
        .learn = llm_learn,
        .bucket = {.name = "openai",
                   .limits = {[LLM_LIMIT_CALLS] = {"calls",
                                                   spec->per_minute > 0 ? spec->per_minute : 500,
                                                   WINDOW_MS},
                              [LLM_LIMIT_TOKENS] = {"tokens",
                                                    spec->tokens_per_minute > 0
                                                        ? spec->tokens_per_minute
                                                        : 200000,
                                                    WINDOW_MS}},
                   .limit_count = 2},
    };
    o->account = account_new(l, &account);
    return &o->provider;
}
