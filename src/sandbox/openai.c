#include "sandbox/model.h"

#include "sandbox/features.h"

/*
 * The OpenAI-compatible routes, twice: under /v1/openai/ as CLOVA Studio offers them (fields it does
 * not know are 400 / 40002, stream_options among them; float embeddings only) and under /v1/ as a
 * plain compatible server (unknown fields are ignored, usage in the stream when asked).
 */

static bool is_clova_route(const struct call *c)
{
    return str_starts(c->rq->path, STR("/v1/openai/"));
}

static const char *unsupported(struct json body)
{
    static const char *const keys[] = {"stream_options",
                                       "frequency_penalty",
                                       "presence_penalty",
                                       "logit_bias",
                                       "logprobs",
                                       "top_logprobs",
                                       "user",
                                       "store",
                                       "metadata",
                                       "service_tier",
                                       "prediction",
                                       "audio",
                                       "modalities",
                                       "prompt_cache_key",
                                       "safety_identifier",
                                       "web_search_options"};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        if (json_exists(json_get(body, keys[i])))
            return keys[i];
    return NULL;
}

static int read_format(struct chat *chat)
{
    struct json format = json_get(chat->body, "response_format");
    if (!json_exists(format) || json_is_null(format))
        return 0;
    struct str type = json_str(json_get(format, "type"));
    if (str_eq(type, STR("json_schema"))) {
        chat->prompt.schema = json_path(format, "json_schema.schema");
        return 0;
    }
    if (str_eq(type, STR("json_object")) && !chat->native_openai) {
        chat->prompt.wants_json = true;
        return 0;
    }
    return model_refuse(&chat->call, WIRE_OPENAI, 400, "40001",
                        "Invalid parameter: response_format");
}

static int read_chat(struct chat *chat)
{
    struct call *c = &chat->call;
    if (json_parse(&c->f->arena, c->rq->body, &chat->body, &c->f->err) < 0 ||
        !json_is_obj(chat->body))
        return model_refuse(c, WIRE_OPENAI, 400, "40000", "Bad request");
    if (chat->native_openai && unsupported(chat->body))
        return model_refuse(c, WIRE_OPENAI, 400, "40002", unsupported(chat->body));
    chat->model = json_str(json_get(chat->body, "model"));
    chat->model_index = model_index(chat->model);
    if (!chat->native_openai && chat->model.len && chat->model_index < 0)
        chat->model_index = model_index(STR("gpt-sandbox"));
    if (chat->model_index < 0)
        return model_refuse(c, WIRE_OPENAI, chat->native_openai ? 400 : 404,
                            chat->native_openai ? "40080" : "model_not_found", "Unknown model");
    int r = chat_messages(chat);
    if (r == 0)
        r = read_format(chat);
    if (r != 0)
        return r;
    chat->output_max = json_i64(json_get(chat->body, "max_completion_tokens"),
                                json_i64(json_get(chat->body, "max_tokens"), 512));
    if (chat->output_max < 1)
        return model_refuse(c, WIRE_OPENAI, 400, "40001", "Invalid parameter: max_tokens");
    chat->streamed = json_bool(json_get(chat->body, "stream"), false);
    chat->usage_wanted = json_bool(json_path(chat->body, "stream_options.include_usage"), false);
    return 0;
}

int openai_chat(struct flow *f, struct http_exchange *x, void *context)
{
    struct sandbox *sb = context;
    struct chat *chat = ARENA_NEW(&f->arena, struct chat);
    chat->wire = WIRE_OPENAI;
    int r = model_begin(&chat->call, WIRE_OPENAI, sb, f, x, ENDPOINT_CHAT, 0);
    if (r != 0)
        return r;
    chat->native_openai = is_clova_route(&chat->call);
    r = read_chat(chat);
    if (r == 0)
        r = model_take(&chat->call, WIRE_OPENAI, chat->model_index,
                       chat->prompt_tokens + chat->output_max);
    if (r == 0 && sb->knobs.latency_ms)
        r = flow_sleep(f, (uint64_t)sb->knobs.latency_ms);
    return r != 0 ? r : chat_answer(chat);
}

/* ---- embeddings ---- */

#define INPUT_COUNT_MAX 2048

static void write_vector(struct call *c, struct jw *w, struct str text, int64_t index)
{
    float *vector = ARENA_ARRAY(&c->f->arena, FEATURE_DIM, float);
    features_of(text, vector);
    jw_obj(w, NULL);
    jw_text(w, "object", "embedding");
    jw_i64(w, "index", index);
    jw_arr(w, "embedding");
    for (size_t i = 0; i < FEATURE_DIM; i++)
        jw_f64(w, NULL, (double)vector[i], 6);
    jw_end_arr(w);
    jw_end_obj(w);
}

static int check_inputs(struct call *c, struct json body, int64_t *ret_tokens)
{
    struct json input = json_get(body, "input");
    struct str format = json_str(json_get(body, "encoding_format"));
    if (!str_eq(format, STR("float")))
        return model_refuse(c, WIRE_OPENAI, 400, "40001",
                            "Invalid parameter: encoding_format (float only)");
    if (json_i64(json_get(body, "dimensions"), FEATURE_DIM) != FEATURE_DIM)
        return model_refuse(c, WIRE_OPENAI, 400, "40001", "Invalid parameter: dimensions");
    bool one = json_is_str(input);
    if (!one && (!json_count(input) || json_count(input) > INPUT_COUNT_MAX))
        return model_refuse(c, WIRE_OPENAI, 400, "40001", "Invalid parameter: input");
    *ret_tokens = token_estimate(json_str(input));
    for (struct json_iter it = json_iter(input); !one && json_next(&it);) {
        if (!str_trim(json_str(it.value)).len)
            return model_refuse(c, WIRE_OPENAI, 400, "40004", "Text is empty");
        *ret_tokens += token_estimate(json_str(it.value));
    }
    if (one && !str_trim(json_str(input)).len)
        return model_refuse(c, WIRE_OPENAI, 400, "40004", "Text is empty");
    return 0;
}

int openai_embeddings(struct flow *f, struct http_exchange *x, void *context)
{
    struct sandbox *sb = context;
    struct call c;
    struct json body;
    int64_t tokens = 0;
    int r = model_begin(&c, WIRE_OPENAI, sb, f, x, ENDPOINT_EMBEDDING, sb->knobs.api_latency_ms);
    if (r != 0)
        return r;
    if (json_parse(&f->arena, c.rq->body, &body, &f->err) < 0)
        return model_refuse(&c, WIRE_OPENAI, 400, "40000", "Bad request");
    r = check_inputs(&c, body, &tokens);
    if (r == 0)
        r = model_take(&c, WIRE_OPENAI, model_index(STR("bge-m3")), tokens);
    if (r != 0)
        return r;
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    struct json input = json_get(body, "input");
    int64_t index = 0;
    jw_obj(&w, NULL);
    jw_text(&w, "object", "list");
    jw_arr(&w, "data");
    if (json_is_str(input))
        write_vector(&c, &w, json_str(input), 0);
    for (struct json_iter it = json_iter(input); json_is_arr(input) && json_next(&it);)
        write_vector(&c, &w, json_str(it.value), index++);
    jw_end_arr(&w);
    jw_str(&w, "model", json_str(json_get(body, "model")));
    jw_obj(&w, "usage");
    jw_i64(&w, "prompt_tokens", tokens);
    jw_i64(&w, "total_tokens", tokens);
    jw_end_obj(&w);
    jw_end_obj(&w);
    return call_json(&c, 200, &out);
}

int openai_models(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int r = model_begin(&c, WIRE_OPENAI, context, f, x, ENDPOINT_MODEL, 0);
    if (r != 0)
        return r;
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_text(&w, "object", "list");
    jw_arr(&w, "data");
    for (int i = 0; model_name(i).len; i++) {
        jw_obj(&w, NULL);
        jw_str(&w, "id", model_name(i));
        jw_text(&w, "object", "model");
        jw_text(&w, "owned_by", "sandbox");
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_end_obj(&w);
    return call_json(&c, 200, &out);
}
