#pragma once
/* The audit of language models: what was asked, with which sources, what came, what it cost. */
#include <stdint.h>

#include "db/pg.h"
#include "upstream/llm.h"

struct llm_record {
    const char *task;
    int64_t ticket_id; /* 0: none */
    const struct llm_message *messages;
    size_t message_count;
    struct str sources; /* JSON array of what was given as sources; "" is [] */
    struct str reply;
    struct llm_usage usage;
    struct str error; /* "" when it succeeded */
};
/* request_id is the flow's. */
int llm_calls_add(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                  const struct llm_record *record) _must_check_;
struct llm_total {
    struct str task, model;
    int64_t call_count, failed_count, prompt_tokens, completion_tokens;
    double cost_krw;
};
/* Sums by task and model since `since` (unix ms); arena. */
int llm_calls_totals(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t since,
                     struct llm_total **ret_totals, size_t *ret_count) _must_check_;
