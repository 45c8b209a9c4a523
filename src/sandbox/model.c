#include "sandbox/model.h"

#include <stdio.h>

/*
 * What the model routes share: the key, the windows of calls and tokens per model, errors in both
 * shapes, and reading messages.
 *
 * Tokens are taken as input estimate plus requested output, as the service is said to count. With
 * llm_rate and llm_tokens at 0 nothing is limited and no limit headers are sent.
 */

static const char *const models[MODEL_COUNT] = {
    "HCX-005", "HCX-DASH-002", "HCX-007", "HCX-003", "HCX-DASH-001", "bge-m3", "gpt-sandbox"};

struct str model_name(int index)
{
    return index >= 0 && index < MODEL_COUNT ? str_from(models[index]) : STR_NONE;
}

int model_index(struct str name)
{
    for (int i = 0; i < MODEL_COUNT && models[i]; i++)
        if (str_eq(name, str_from(models[i])))
            return i;
    return -1;
}

bool model_is_thinker(struct str name)
{
    return str_eq(name, STR("HCX-007"));
}

int64_t model_output_max(struct str name)
{
    return model_is_thinker(name) ? 32768 : 4096;
}

int model_refuse(struct call *c, enum wire wire, int http, const char *code, const char *message)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_obj(&w, wire == WIRE_OPENAI ? "error" : "status");
    if (wire == WIRE_OPENAI) {
        jw_text(&w, "message", message);
        jw_null(&w, "type");
        jw_null(&w, "param");
        jw_text(&w, "code", code);
    } else {
        jw_text(&w, "code", code);
        jw_text(&w, "message", message);
    }
    jw_end_obj(&w);
    jw_end_obj(&w);
    int r = call_json(c, http, &out);
    return r < 0 ? r : ANSWERED;
}

int model_begin(struct call *c, enum wire wire, struct sandbox *sb, struct flow *f,
                struct http_exchange *x, enum endpoint endpoint, int64_t latency_ms)
{
    int r = call_begin(c, sb, f, x, endpoint, latency_ms);
    if (r != 0)
        return r;
    struct str key = http_header(c->rq, "authorization");
    if (str_starts_nocase(key, STR("Bearer ")) &&
        (str_starts(str_sub(key, 7, key.len), STR("nv-")) ||
         str_starts(str_sub(key, 7, key.len), STR("sk-"))))
        return 0;
    sb->counters.refused++;
    return model_refuse(c, wire, 401, key.len ? "40104" : "40100",
                        key.len ? "API key is invalid" : "Unauthorized");
}

static void number_header(struct call *c, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    http_set_header(c->x, name, str_from(text));
}

int model_take(struct call *c, enum wire wire, int model_index, int64_t tokens)
{
    struct sandbox *sb = c->sb;
    const struct knobs *k = &sb->knobs;
    int64_t now_ms = (int64_t)loop_now_ms(sb->loop);
    struct limit *calls = &sb->model_calls[model_index], *sum = &sb->model_tokens[model_index];
    bool fits = limit_fits(calls, now_ms, k->window_ms, k->llm_rate, 1);
    bool sum_fits = limit_fits(sum, now_ms, k->window_ms, k->llm_tokens, tokens);
    if (fits && sum_fits) {
        (void)limit_take(calls, now_ms, k->window_ms, k->llm_rate, 1);
        (void)limit_take(sum, now_ms, k->window_ms, k->llm_tokens, tokens);
    }
    if (k->llm_rate) {
        number_header(c, "x-ratelimit-limit-requests", k->llm_rate);
        number_header(c, "x-ratelimit-remaining-requests", limit_left(calls, k->llm_rate));
        number_header(c, "x-ratelimit-reset-requests", limit_retry_s(calls, now_ms));
    }
    if (k->llm_tokens) {
        number_header(c, "x-ratelimit-limit-tokens", k->llm_tokens);
        number_header(c, "x-ratelimit-remaining-tokens", limit_left(sum, k->llm_tokens));
        number_header(c, "x-ratelimit-reset-tokens", limit_retry_s(sum, now_ms));
    }
    if (fits && sum_fits)
        return 0;
    sb->counters.llm_throttled++;
    number_header(c, "Retry-After", limit_retry_s(fits ? sum : calls, now_ms));
    return model_refuse(c, wire, 429, "42901", "Too many requests - rate exceeded");
}

/* ---- messages ---- */

/* A string, or an array of {"type":"text","text"} parts, joined. False: neither. */
static bool content_text(struct json content, struct buf *out)
{
    if (json_is_str(content)) {
        buf_str(out, json_str(content));
        return true;
    }
    if (!json_is_arr(content) || !json_count(content))
        return false;
    for (struct json_iter it = json_iter(content); json_next(&it);) {
        buf_str(out, json_str(json_get(it.value, "text")));
        buf_byte(out, '\n');
    }
    return true;
}

/* User text without what stands in the data tags: where instructions may be. */
static void add_outside(struct buf *out, struct str user)
{
    size_t tag = str_find(user, STR("<ticket"), 0);
    size_t source = str_find(user, STR("<source"), 0), chat = str_find(user, STR("<chat"), 0);
    buf_str(out, str_sub(user, 0, MIN(MIN(tag, source), chat)));
    buf_byte(out, '\n');
    static const char *const closers[] = {"</ticket>", "</source>", "</question>", "</chat>"};
    size_t behind = 0;
    for (size_t i = 0; i < ARRAY_COUNT(closers); i++) {
        size_t at = 0;
        while ((at = str_find(user, str_from(closers[i]), at)) != SIZE_MAX) {
            at += str_from(closers[i]).len;
            behind = MAX(behind, at);
        }
    }
    if (behind)
        buf_str(out, str_sub(user, behind, user.len));
}

int chat_messages(struct chat *chat)
{
    struct call *c = &chat->call;
    struct arena *a = &c->f->arena;
    struct buf *instructions = arena_buf(a, 0), *user = NULL;
    struct json messages = json_get(chat->body, "messages");
    int systems = 0;
    if (!json_is_arr(messages) || !json_count(messages))
        return model_refuse(c, chat->wire, 400, "40001", "Invalid parameter: messages");
    for (struct json_iter it = json_iter(messages); json_next(&it);) {
        struct str role = json_str(json_get(it.value, "role"));
        struct buf *text = arena_buf(a, 0);
        bool known = str_eq(role, STR("system")) || str_eq(role, STR("user")) ||
                     str_eq(role, STR("assistant")) || str_eq(role, STR("tool"));
        if (!known || !content_text(json_get(it.value, "content"), text))
            return model_refuse(c, chat->wire, 400, "40001", "Invalid parameter: messages");
        chat->prompt_tokens += token_estimate(buf_view(text)) + 15;
        if (str_eq(role, STR("system"))) {
            buf_str(instructions, buf_view(text));
            buf_byte(instructions, '\n');
            systems++;
        } else if (str_eq(role, STR("user"))) {
            user = text;
        }
    }
    if (chat->wire == WIRE_CLOVA && systems > 1)
        return model_refuse(c, chat->wire, 400, "40001",
                            "Invalid parameter: messages (more than one system message)");
    if (!user)
        return model_refuse(c, chat->wire, 400, "40004", "Text is empty");
    chat->prompt.user = buf_view(user);
    add_outside(instructions, chat->prompt.user);
    chat->prompt.instructions = buf_view(instructions);
    chat->prompt.wants_json = str_find(chat->prompt.instructions, STR("JSON"), 0) != SIZE_MAX;
    return 0;
}
