#pragma once
/* The model side: CLOVA Studio's native API and the OpenAI-compatible one. */
#include "sandbox/brain.h"
#include "sandbox/sandbox.h"

enum wire { WIRE_CLOVA, WIRE_OPENAI };

/* One chat call, read and checked. */
struct chat {
    struct call call;
    enum wire wire;
    bool native_openai; /* under /v1/openai/: CLOVA's own compatible route, with its refusals */
    struct str model;
    int model_index; /* in the table of models; window of its own */
    struct json body;
    struct prompt prompt;
    bool streamed, thinking, usage_wanted;
    int64_t output_max, seed, prompt_tokens;
    struct str answer;
    char id[48];
};

/* {"status":{code,message}} or {"error":{...}} by wire. ANSWERED or < 0. */
int model_refuse(struct call *c, enum wire wire, int http, const char *code, const char *message)
    _must_check_;
/* Bearer nv-*; 401 else. */
int model_begin(struct call *c, enum wire wire, struct sandbox *sb, struct flow *f,
                struct http_exchange *x, enum endpoint endpoint, int64_t latency_ms) _must_check_;
/* Takes one call and so many tokens of the model's window; 42901 else. Sets x-ratelimit-*. */
int model_take(struct call *c, enum wire wire, int model_index, int64_t tokens) _must_check_;
/* Index of a model in the table, or -1. */
int model_index(struct str name);
struct str model_name(int index);       /* empty past the end */
bool model_is_thinker(struct str name); /* HCX-007 */
int64_t model_output_max(struct str name);

/* Messages to prompt; 40001 and the like. */
int chat_messages(struct chat *chat) _must_check_;
/* Thinks up the answer and sends it, streamed or whole. */
int chat_answer(struct chat *chat) _must_check_;

int clova_chat(struct flow *f, struct http_exchange *x, void *context);
int clova_embedding(struct flow *f, struct http_exchange *x, void *context);
int clova_tokenize(struct flow *f, struct http_exchange *x, void *context);
int openai_chat(struct flow *f, struct http_exchange *x, void *context);
int openai_embeddings(struct flow *f, struct http_exchange *x, void *context);
int openai_models(struct flow *f, struct http_exchange *x, void *context);
