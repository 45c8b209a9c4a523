/*
 * Texts to vectors: CLOVA Studio's embedding v2 (bge-m3, one text a call) or an OpenAI-compatible server.
 *
 * Happy path: the text is cut to 8,192 tokens, sent, and its vector of 1,024 numbers is brought to unit
 * length: CLOVA's are not. Several texts go 32 a call where the server takes arrays, else in parallel calls.
 * Fails with E_INPUT for empty text, E_PROTOCOL for vectors of another length, of zeros, or with numbers that
 * are none (a base64 mix-up shows here), else as account_call says. Text that is still too long for the
 * server's own count is cut in half and sent once more.
 * Invariant: what is written to ret_vector has length 1; it is written on success only.
 * Source: api.ncloud-docs.com clovastudio-embeddingv2; OpenAI embeddings; llm-apis §2, §5.1.
 */
#include "upstream/llm_vendor.h"

#include <math.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "upstream/reply.h"

#define WINDOW_MS 60000
#define TOKENS_MAX 8192
#define BATCH_COUNT_MAX 32
#define BATCH_BYTES_MAX ((size_t)512 * 1024)
#define PARALLEL_COUNT_MAX 32
#define TRY_MS 30000
#define REPLY_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct embedder {
    struct loop *loop;
    char *base_url, *api_key, *model;
    bool openai;
    bool refuses_arrays; /* learned: one text a call */
    struct account *account;
};

struct embedder *embedder_new(struct loop *l, const struct embedder_spec *spec)
{
    struct embedder *e = mem_alloc(sizeof(*e));
    e->loop = l;
    e->base_url = mem_strdup(spec->base_url);
    for (size_t len = strlen(e->base_url); len > 0 && e->base_url[len - 1] == '/';)
        e->base_url[--len] = '\0';
    e->api_key = mem_strdup(spec->api_key ? spec->api_key : "");
    e->model = mem_strdup(spec->model && spec->model[0] ? spec->model : "bge-m3");
    e->openai = spec->openai;
    struct account_spec account = {
        .name = "embed",
        .web = spec->web,
        .learn = llm_learn,
        .bucket = {.name = "embed",
                   .limits = {[LLM_LIMIT_CALLS] = {"calls", MAX(spec->per_minute, 1), WINDOW_MS},
                              [LLM_LIMIT_TOKENS] = {"tokens", MAX(spec->tokens_per_minute, 1000),
                                                    WINDOW_MS}},
                   .limit_count = 2,
                   .waiting_count_max = 100000},
    };
    e->account = account_new(l, &account);
    return e;
}

void embedder_free(struct embedder *e)
{
    if (!e)
        return;
    account_free(e->account);
    mem_free(e->base_url);
    mem_free(e->api_key);
    mem_free(e->model);
    mem_free(e);
}

struct account *embedder_account(struct embedder *e)
{
    return e->account;
}

const char *embedder_model(const struct embedder *e)
{
    return e->model;
}

/* ---- the request ---- */

static struct str body_of(struct flow *f, const struct embedder *e, const struct str *texts,
                          size_t count)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    if (!e->openai) {
        jw_str(&w, "text", texts[0]);
    } else {
        jw_text(&w, "model", e->model);
        jw_text(&w, "encoding_format", "float");
        if (count == 1)
            jw_str(&w, "input", texts[0]);
        else
            jw_arr(&w, "input");
        for (size_t i = 0; count > 1 && i < count; i++)
            jw_str(&w, NULL, texts[i]);
        if (count > 1)
            jw_end_arr(&w);
    }
    jw_end_obj(&w);
    struct str body = arena_str(&f->arena, buf_view(&out));
    buf_done(&out);
    return body;
}

static void prepare(struct flow *f, const struct embedder *e, enum priority p, struct str body,
                    struct llm_try *t)
{
    char uuid[37];
    size_t count = 0;
    struct web_header *headers = ARENA_ARRAY(&f->arena, 4, struct web_header);
    headers[count++] = (struct web_header){STR("Content-Type"), STR("application/json")};
    headers[count++] = (struct web_header){STR("Accept"), STR("application/json")};
    if (e->api_key[0])
        headers[count++] = (struct web_header){STR("Authorization"),
                                               arena_printf(&f->arena, "Bearer %s", e->api_key)};
    if (!e->openai) {
        uuid_v4(uuid);
        headers[count++] = (struct web_header){STR("X-NCP-CLOVASTUDIO-REQUEST-ID"),
                                               arena_printf(&f->arena, "ds-%s", uuid)};
    }
    *t = (struct llm_try){
        .call = {.priority = p,
                 .request = {.method = "POST",
                             .url = arena_printf(&f->arena, "%s%s", e->base_url,
                                                 e->openai ? "/embeddings"
                                                           : "/v1/api-tools/embedding/v2"),
                             .headers = headers,
                             .header_count = count,
                             .body = body,
                             .bytes_max = REPLY_BYTES_MAX,
                             .gzip = true},
                 .retry_count = p == PRIORITY_LIVE ? 2 : 4,
                 .timeout_ms = TRY_MS,
                 .name = "embed.text"},
    };
}

/* ---- the answer ---- */

static int read_vector(struct flow *f, struct json v, float *ret_vector)
{
    float vector[EMBED_DIMENSIONS];
    double sum = 0;
    int count = json_floats(v, vector, EMBED_DIMENSIONS);
    if (count != EMBED_DIMENSIONS)
        return err_set(&f->err, E_PROTOCOL, "an embedding of %zu numbers, want %d", json_count(v),
                       EMBED_DIMENSIONS);
    for (int i = 0; i < EMBED_DIMENSIONS; i++)
        sum += (double)vector[i] * (double)vector[i];
    if (!isfinite(sum) || sum < 1e-24)
        return err_set(&f->err, E_PROTOCOL, "an embedding without a direction");
    double scale = 1 / sqrt(sum);
    for (int i = 0; i < EMBED_DIMENSIONS; i++)
        ret_vector[i] = (float)((double)vector[i] * scale);
    return 0;
}

/* data[] in any order: index says which text; a list without indices is taken as it comes. */
static int read_list(struct flow *f, struct json v, size_t count, float *ret_vectors)
{
    struct json data = json_get(v, "data");
    if (!json_is_arr(data) || json_count(data) != count)
        return err_set(&f->err, E_PROTOCOL, "%zu embeddings for %zu texts", json_count(data),
                       count);
    bool *seen = ARENA_ARRAY(&f->arena, count, bool);
    for (struct json_iter it = json_iter(data); json_next(&it);) {
        int64_t index = json_i64(json_get(it.value, "index"), (int64_t)it.index);
        if (index < 0 || index >= (int64_t)count || seen[index])
            return err_set(&f->err, E_PROTOCOL, "embeddings with wrong indices");
        seen[index] = true;
        int r = read_vector(f, json_get(it.value, "embedding"),
                            ret_vectors + (size_t)index * EMBED_DIMENSIONS);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_reply(struct flow *f, const struct embedder *e, struct llm_try *t, struct str body,
                      size_t count, float *ret_vectors)
{
    struct json v;
    int r = reply_json(f, body, &v);
    if (r < 0)
        return r;
    if (llm_is_error(v))
        return llm_refuse(t, &f->err, v);
    if (!e->openai) {
        llm_settle(t, e->account, json_i64(json_path(v, "result.inputTokens"), 0));
        return read_vector(f, json_path(v, "result.embedding"), ret_vectors);
    }
    llm_settle(t, e->account, json_i64(json_path(v, "usage.prompt_tokens"), 0));
    return read_list(f, v, count, ret_vectors);
}

/* One call. *ret_too_long on failure: the server counts more tokens than it takes. */
static int send_texts(struct flow *f, struct embedder *e, enum priority p, const struct str *texts,
                      size_t count, float *ret_vectors, bool *ret_too_long)
{
    struct llm_try t;
    struct web_reply reply;
    int64_t tokens = 0;
    for (size_t i = 0; i < count; i++)
        tokens += llm_token_estimate(texts[i]);
    prepare(f, e, p, body_of(f, e, texts, count), &t);
    llm_reserve(&t, e->account, tokens, 0);
    *ret_too_long = false;
    int r = account_fetch(f, e->account, &t.call, &reply);
    if (r < 0) {
        r = llm_refine(f, &t, r);
        *ret_too_long = r == E_UPSTREAM_INPUT && llm_is_too_long(&t, &f->err);
        return r;
    }
    r = read_reply(f, e, &t, reply.body, count, ret_vectors);
    *ret_too_long = r == E_UPSTREAM_INPUT && llm_is_too_long(&t, &f->err);
    return r;
}

/* ---- texts ---- */

static int check_text(struct flow *f, struct str text)
{
    if (str_trim(text).len == 0)
        return err_set(&f->err, E_INPUT, "there is no text to embed");
    return 0;
}

static struct str cut_text(struct str text)
{
    return str_cut_utf8(text, (size_t)TOKENS_MAX * 4);
}

int embed_text(struct flow *f, struct embedder *e, enum priority p, struct str text,
               float *ret_vector)
{
    bool too_long;
    int r = check_text(f, text);
    if (r < 0)
        return r;
    struct str cut = cut_text(text);
    r = send_texts(f, e, p, &cut, 1, ret_vector, &too_long);
    if (r < 0 && too_long && cut.len > 64) {
        cut = str_cut_utf8(cut, cut.len / 2);
        r = send_texts(f, e, p, &cut, 1, ret_vector, &too_long);
    }
    return r < 0 ? err_wrap(&f->err, r, "embed") : 0;
}

/* ---- several texts: a child flow a call ---- */

struct batch {
    struct embedder *embedder;
    enum priority priority;
    const struct str *texts;
    size_t count;
    float *vectors;
};

static int one_by_one(struct flow *f, const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        int r = embed_text(f, b->embedder, b->priority, b->texts[i],
                           b->vectors + i * EMBED_DIMENSIONS);
        if (r < 0)
            return r;
    }
    return 0;
}

static int batch_run(struct flow *f, void *arg)
{
    const struct batch *b = arg;
    struct embedder *e = b->embedder;
    bool too_long;
    if (b->count == 1 || e->refuses_arrays)
        return one_by_one(f, b);
    struct str *cut = ARENA_ARRAY(&f->arena, b->count, struct str);
    for (size_t i = 0; i < b->count; i++)
        cut[i] = cut_text(b->texts[i]);
    int r = send_texts(f, e, b->priority, cut, b->count, b->vectors, &too_long);
    if (r != E_UPSTREAM_INPUT)
        return r < 0 ? err_wrap(&f->err, r, "embed %zu texts", b->count) : 0;
    /* One text is too long, or arrays are not taken here (not documented for CLOVA's OpenAI route). */
    e->refuses_arrays = e->refuses_arrays || !too_long;
    return one_by_one(f, b);
}

/* How many texts from `from` go into one call. */
static size_t batch_size(const struct embedder *e, const struct str *texts, size_t count)
{
    size_t bytes = 0, n = 0;
    if (!e->openai || e->refuses_arrays)
        return 1;
    while (n < count && n < BATCH_COUNT_MAX) {
        bytes += MIN(texts[n].len, (size_t)TOKENS_MAX * 4);
        if (n > 0 && bytes > BATCH_BYTES_MAX)
            break;
        n++;
    }
    return n;
}

int embed_texts(struct flow *f, struct embedder *e, enum priority p, const struct str *texts,
                size_t count, float *ret_vectors)
{
    for (size_t i = 0; i < count; i++) {
        int r = check_text(f, texts[i]);
        if (r < 0)
            return r;
    }
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    for (size_t at = 0; at < count;) {
        struct batch *b = ARENA_NEW(&f->arena, struct batch);
        *b = (struct batch){.embedder = e,
                            .priority = p,
                            .texts = texts + at,
                            .count = batch_size(e, texts + at, count - at),
                            .vectors = ret_vectors + at * EMBED_DIMENSIONS};
        int r = group_room(f, &g, PARALLEL_COUNT_MAX);
        if (r >= 0)
            r = group_spawn(&g, "embed.texts", batch_run, b);
        if (r < 0)
            return r;
        at += b->count;
    }
    return group_wait(f, &g);
}
