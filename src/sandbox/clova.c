#include "sandbox/model.h"

#include <stdio.h>

#include "sandbox/features.h"

/*
 * CLOVA Studio's native routes: chat v3, embedding v2, token counts.
 *
 * Requests are checked the way the service does: ranges, clashes (thinking, responseFormat), which
 * model takes which field, one system message. A clash is 400 / 40001 and names the field. What a real
 * schema mode does not know is 40055. Answers are {status, result} or events when Accept asks for them.
 */

/* The field's number in least..most, or absent. `over`: least itself is not allowed. */
static bool in_range(struct json body, const char *key, double least, double most, bool over)
{
    struct json v = json_get(body, key);
    if (!json_exists(v) || json_is_null(v))
        return true;
    double value = json_f64(v, -1e9);
    return json_is_num(v) && value <= most && (over ? value > least : value >= least);
}

static const char *bad_sampling(struct json body)
{
    if (!in_range(body, "topP", 0, 1, true))
        return "topP";
    if (!in_range(body, "topK", 0, 128, false))
        return "topK";
    if (!in_range(body, "temperature", 0, 1, false))
        return "temperature";
    if (!in_range(body, "repetitionPenalty", 0, 2, true))
        return "repetitionPenalty";
    if (!in_range(body, "seed", 0, 4294967295.0, false))
        return "seed";
    struct json stop = json_get(body, "stop");
    return json_exists(stop) && !json_is_null(stop) && !json_is_arr(stop) ? "stop" : NULL;
}

static int refuse_field(struct chat *chat, const char *field)
{
    char message[160];
    snprintf(message, sizeof(message), "Invalid parameter: %s", field);
    return model_refuse(&chat->call, chat->wire, 400, "40001", message);
}

/* Output limit and the thinking and schema rules of the model. */
static int read_modes(struct chat *chat)
{
    struct json body = chat->body, format = json_get(body, "responseFormat");
    bool thinker = model_is_thinker(chat->model);
    struct str effort = json_str(json_path(body, "thinking.effort"));
    if (json_exists(json_get(body, "thinking")) && !thinker)
        return refuse_field(chat, "thinking");
    if (json_exists(format) && !thinker)
        return refuse_field(chat, "responseFormat");
    if (json_exists(json_get(body, "maxTokens")) && thinker)
        return refuse_field(chat, "maxTokens");
    if (json_exists(json_get(body, "maxCompletionTokens")) && !thinker)
        return refuse_field(chat, "maxCompletionTokens");
    chat->thinking = thinker && !str_eq(effort, STR("none"));
    if (effort.len && !str_eq(effort, STR("none")) && !str_eq(effort, STR("low")) &&
        !str_eq(effort, STR("medium")) && !str_eq(effort, STR("high")))
        return refuse_field(chat, "thinking.effort");
    if (json_exists(format) && chat->thinking)
        return refuse_field(chat, "thinking, responseFormat");
    if (json_exists(format) && json_count(json_get(body, "tools")))
        return refuse_field(chat, "tools, responseFormat");
    if (chat->thinking && json_count(json_get(body, "stop")))
        return refuse_field(chat, "thinking, stop");
    const char *limit = thinker ? "maxCompletionTokens" : "maxTokens";
    chat->output_max = json_i64(json_get(body, limit), chat->thinking ? 5120 : 512);
    if (chat->output_max < 1 || chat->output_max > model_output_max(chat->model))
        return refuse_field(chat, limit);
    if (!json_exists(format))
        return 0;
    chat->prompt.schema = json_get(format, "schema");
    struct str fault = schema_fault(chat->prompt.schema);
    if (!str_eq(json_str(json_get(format, "type")), STR("json")) ||
        !json_is_obj(chat->prompt.schema) || fault.len)
        return model_refuse(&chat->call, chat->wire, 400, "40055",
                            fault.len ? "Unsupported response schema keyword"
                                      : "Unsupported response schema");
    return 0;
}

static int read_chat(struct chat *chat)
{
    struct call *c = &chat->call;
    if (json_parse(&c->f->arena, c->rq->body, &chat->body, &c->f->err) < 0 ||
        !json_is_obj(chat->body))
        return model_refuse(c, chat->wire, 400, "40000", "Bad request");
    chat->model_index = model_index(chat->model);
    if (chat->model_index < 0 || str_eq(chat->model, STR("bge-m3")))
        return model_refuse(c, chat->wire, 400, "40080", "Unknown model");
    if (chat->model_index == 3 || chat->model_index == 4)
        return model_refuse(c, chat->wire, 400, "40084", "Unsupported API for this model");
    const char *bad = bad_sampling(chat->body);
    if (bad)
        return refuse_field(chat, bad);
    int r = chat_messages(chat);
    if (r == 0)
        r = read_modes(chat);
    if (r != 0)
        return r;
    int64_t context = str_eq(chat->model, STR("HCX-DASH-002")) ? 32000 : 128000;
    if (chat->prompt_tokens + chat->output_max > context)
        return model_refuse(c, chat->wire, 400, "40003", "Context length exceeded");
    int64_t seed = json_i64(json_get(chat->body, "seed"), 0);
    chat->seed = seed ? seed : (int64_t)(world_hash(c->sb->seed, ++c->sb->serial) & 0xffffffff);
    return 0;
}

int clova_chat(struct flow *f, struct http_exchange *x, void *context)
{
    struct sandbox *sb = context;
    struct chat *chat = ARENA_NEW(&f->arena, struct chat);
    chat->wire = WIRE_CLOVA;
    chat->model = http_param(x, "model");
    int r = model_begin(&chat->call, WIRE_CLOVA, sb, f, x, ENDPOINT_CHAT, 0);
    if (r == 0)
        r = read_chat(chat);
    if (r == 0)
        r = model_take(&chat->call, WIRE_CLOVA, chat->model_index,
                       chat->prompt_tokens + chat->output_max);
    if (r == 0 && sb->knobs.latency_ms)
        r = flow_sleep(f, (uint64_t)sb->knobs.latency_ms);
    if (r != 0)
        return r;
    struct str accept = http_header(chat->call.rq, "accept");
    chat->streamed = str_find(accept, STR("text/event-stream"), 0) != SIZE_MAX;
    return chat_answer(chat);
}

/* ---- embeddings and counts ---- */

static int read_text(struct call *c, struct str *ret_text)
{
    struct json body;
    if (json_parse(&c->f->arena, c->rq->body, &body, &c->f->err) < 0)
        return model_refuse(c, WIRE_CLOVA, 400, "40000", "Bad request");
    if (!json_is_str(json_get(body, "text")))
        return model_refuse(c, WIRE_CLOVA, 400, "40001", "Invalid parameter: text");
    *ret_text = json_str(json_get(body, "text"));
    if (!str_trim(*ret_text).len)
        return model_refuse(c, WIRE_CLOVA, 400, "40004", "Text is empty");
    if (token_estimate(*ret_text) > 8192)
        return model_refuse(c, WIRE_CLOVA, 400, "40003", "Text too long");
    return 0;
}

int clova_embedding(struct flow *f, struct http_exchange *x, void *context)
{
    struct sandbox *sb = context;
    struct call c;
    struct str text = STR_NONE;
    int r = model_begin(&c, WIRE_CLOVA, sb, f, x, ENDPOINT_EMBEDDING, sb->knobs.api_latency_ms);
    if (r == 0)
        r = read_text(&c, &text);
    if (r == 0)
        r = model_take(&c, WIRE_CLOVA, model_index(STR("bge-m3")), token_estimate(text));
    if (r != 0)
        return r;
    float *vector = ARENA_ARRAY(&f->arena, FEATURE_DIM, float);
    features_of(text, vector);
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_raw(&w, "status", STR("{\"code\":\"20000\",\"message\":\"OK\"}"));
    jw_obj(&w, "result");
    jw_arr(&w, "embedding");
    for (size_t i = 0; i < FEATURE_DIM; i++)
        jw_f64(&w, NULL, (double)vector[i], 6);
    jw_end_arr(&w);
    jw_i64(&w, "inputTokens", token_estimate(text));
    jw_end_obj(&w);
    jw_end_obj(&w);
    return call_json(&c, 200, &out);
}

int clova_tokenize(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    struct str text = STR_NONE;
    int r = model_begin(&c, WIRE_CLOVA, context, f, x, ENDPOINT_MODEL, 0);
    if (r == 0)
        r = read_text(&c, &text);
    if (r != 0)
        return r;
    struct buf out = BUF_INIT(0);
    buf_printf(
        &out,
        "{\"status\":{\"code\":\"20000\",\"message\":\"OK\"},\"result\":{\"numTokens\":%lld}}",
        (long long)token_estimate(text));
    return call_json(&c, 200, &out);
}
