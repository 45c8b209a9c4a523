#pragma once
/*
 * Language models behind one interface: the router tries its providers in order; each provider is one
 * vendor file (clova.c, openai.c, anthropic.c later).
 *
 *   _cleanup_(llm_close) struct llm_stream s = LLM_STREAM_INIT;
 *   r = llm_open(f, router, &spec, &s);
 *   while (r >= 0 && (r = llm_next(f, &s, &delta)) > 0) ...
 *
 * Never retries or changes provider after the first visible token; before it, both. A stream that ends
 * without the vendor's end mark is E_TRUNCATED. Deltas are whole UTF-8 (half characters are held back).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "upstream/account.h"

struct llm_message {
    const char *role; /* "system" (at most one, first), "user", "assistant" */
    struct str text;
};
struct llm_spec {
    const char *task; /* "summary", "answer"...: for accounting and logs */
    enum priority priority;
    const struct llm_message *messages;
    size_t message_count;
    int max_tokens;     /* output; reserved in the token bucket: set it tightly */
    double temperature; /* 0..1 */
    struct str schema;  /* JSON schema of the answer, for llm_json; else empty */
    int ask_count_max;  /* of llm_json: how often one provider is asked, 0: 3; 1: never again */
};
struct llm_usage {
    int64_t prompt_tokens, completion_tokens;
    bool estimated;               /* the vendor gave none */
    const char *provider, *model; /* static or the router's */
    struct str finish_reason;     /* "stop", "length"... */
    uint64_t first_token_ns, total_ns;
    double cost_krw; /* by the price table; 0 when unknown */
};

struct llm_provider; /* made by clova_new, openai_new... */
struct llm_call;     /* a vendor's open stream */
struct llm_provider_ops {
    int (*open)(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                struct llm_call **ret_call);
    int (*next)(struct flow *f, struct llm_call *c, struct str *ret_delta);
    void (*close)(struct llm_call *c);
    /* One object that fits spec->schema; at most 2 re-asks with the validation errors. Adds to
     * *ret_usage, also when it fails. */
    int (*json)(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                struct json *ret_value, struct llm_usage *ret_usage);
    void (*free)(struct llm_provider *p);
    void (*each_account)(struct llm_provider *p, void (*each)(void *context, struct account *a),
                         void *context);
};
struct llm_provider {
    const struct llm_provider_ops *ops;
    const char *name; /* "clova" */
};
struct llm_call {
    struct llm_provider *provider;
    struct llm_usage usage; /* complete once next gave 0 */
};

struct llm;
struct llm *llm_new(struct loop *l);                 /* the router */
void llm_add(struct llm *m, struct llm_provider *p); /* takes it; in the order of trial */
void llm_free(struct llm *m);
size_t llm_provider_count(const struct llm *m);
void llm_each_account(struct llm *m, void (*each)(void *context, struct account *a), void *context);

struct llm_stream {
    struct llm_call *call;
    struct str first; /* the first delta, read by llm_open before it returns */
    bool has_first;
    struct llm_usage usage; /* valid after llm_next gave 0, or on close as far as known */
};
#define LLM_STREAM_INIT                                                                            \
    {                                                                                              \
        .call = NULL                                                                               \
    }
/* Returns once the first token (or the end) has arrived. E_CONFIG when there is no provider. */
int llm_open(struct flow *f, struct llm *m, const struct llm_spec *spec,
             struct llm_stream *ret_stream) _must_check_;
int llm_next(struct flow *f, struct llm_stream *s, struct str *ret_delta) _must_check_;
void llm_close(struct llm_stream *s);
/* E_MODEL when no provider gave an object that fits. *ret_usage is the sum of all that was answered and so
 * paid for, also after a failure: what a caller counts as cost. */
int llm_json(struct flow *f, struct llm *m, const struct llm_spec *spec, struct json *ret_value,
             struct llm_usage *ret_usage) _must_check_;

/* Upper estimate of tokens, for reservations: UTF-8 bytes / 4, at least 1 (llm-apis §9.2). */
int64_t llm_token_estimate(struct str text);
/* Won by the price table (llm-apis §1.2), VAT excluded; 0 for a model it does not know. */
double llm_cost_krw(const char *model, int64_t prompt_tokens, int64_t completion_tokens);
/* Checks v against the subset of JSON schema that llm-apis §9.1 names; faults go to `ret_faults`, one a line. */
bool llm_schema_check(struct str schema, struct json v, struct arena *a, struct buf *ret_faults);

/* ---- embeddings ---- */

#define EMBED_DIMENSIONS 1024

struct embedder;
struct embedder_spec {
    struct web *web;
    const char *base_url, *api_key, *model;
    bool openai; /* OpenAI-compatible /embeddings, else CLOVA's native v2 */
    double per_minute, tokens_per_minute;
};
struct embedder *embedder_new(struct loop *l, const struct embedder_spec *spec);
void embedder_free(struct embedder *e);
struct account *embedder_account(struct embedder *e);
const char *embedder_model(const struct embedder *e);
/* One text to a unit-length vector. Text is cut to 8,192 tokens (estimated) on a code point. Empty text is
 * E_INPUT. ret_vector holds EMBED_DIMENSIONS floats. */
int embed_text(struct flow *f, struct embedder *e, enum priority p, struct str text,
               float *ret_vector) _must_check_;
/* Several texts; one call for OpenAI-compatible servers (<= 32 a call), else parallel calls. */
int embed_texts(struct flow *f, struct embedder *e, enum priority p, const struct str *texts,
                size_t count, float *ret_vectors) _must_check_;

/* ---- vendors ---- */

struct clova_spec {
    struct web *web;
    const char *base_url, *api_key, *model, *json_model;
    double per_minute, tokens_per_minute;
    uint32_t first_token_ms, idle_ms;
};
struct llm_provider *clova_new(struct loop *l, const struct clova_spec *spec);
struct openai_spec {
    struct web *web;
    const char *base_url, *api_key, *model;
    double per_minute, tokens_per_minute;
    uint32_t first_token_ms, idle_ms;
};
struct llm_provider *openai_new(struct loop *l, const struct openai_spec *spec);
