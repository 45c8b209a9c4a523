#pragma once
/*
 * Sidebar help: an opened ticket (summary, similar tickets, solutions), a free question, a reply draft.
 * Each is one call that sends events to a sink and returns when the last one is sent.
 *
 * Events (one JSON object each, its `type` is the event's name; design §5, docs/api.md):
 *   meta            run_id, kind, ticket_id, language, sandbox
 *   progress        stage, percent, progress (the same, old name), message
 *   ticket          ticket (the vendor's whole object); only when asked for
 *   summary.delta   text                summary          text, key_points[], sentiment, urgency
 *   similar_tickets items[]: id, subject, status, priority, score, similarity, updated_at, url, why[],
 *                   symptom, cause, resolution; degraded, nothing_synced
 *   kb_documents    items[]: id, title, excerpt, url, score, visibility
 *   solution.delta  text                solutions        items[]: title, steps[]: text, source, quote;
 *                                                        sources[]: n, kind, id, title, url;
 *                                                        dropped_quotes, generated
 *   answer.delta    text                answer           text, citations[]: n, kind, id, title, url
 *   reply.delta     text                reply            text, context_id
 *   usage           calls, prompt_tokens, completion_tokens, cost_krw, estimated, model
 *   error           section, code, message, retryable, status
 *   done            context_id, timings{section: ms}, ok
 * A fault of one section is an error event of that section and the others go on. A fault of the whole run
 * is returned, after meta, as the function's result; the caller tells the reader.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/caller.h"
#include "loop/sink.h"

struct assist;
struct embedder;
struct freshdesk;
struct llm;
struct pg_pool;
struct vectors;

struct assist_spec {
    struct pg_pool *pool;
    struct vectors *vectors;
    struct freshdesk *freshdesk;
    struct llm *llm;
    struct embedder *embedder;
    const char *language; /* when none is asked for: "ko" */
    bool sandbox;
    size_t search_count_max; /* retrievals at a time; each asks the database four times at once */
    bool skips_vectors, skips_text; /* of retrieval: both false is hybrid */
};
struct assist *assist_new(struct loop *l, const struct assist_spec *spec);
void assist_free(struct assist *a);

struct ticket_help {
    int64_t ticket_id;
    bool summary, similar, solutions; /* sections wanted */
    bool kb;                          /* kb_documents; implied by solutions */
    bool full_ticket;                 /* the ticket event */
    bool strict_order;                /* summary, similar_tickets, solutions one after the other */
    int ticket_count, kb_count;       /* 1..20; 0: 5 */
    struct str language;              /* "ko", "en"; empty: the default */
};
/* E_NOT_FOUND when there is no such ticket. */
int assist_ticket(struct flow *f, struct assist *a, const struct caller *who,
                  const struct ticket_help *help, struct sink *out) _must_check_;

struct question {
    struct str text;
    int64_t ticket_id;                            /* 0: none */
    bool tickets, solutions, images, attachments; /* content types; none set: all */
    int count;                                    /* sources; 0: 5 */
    struct str instructions, intent, language;
};
int assist_question(struct flow *f, struct assist *a, const struct caller *who,
                    const struct question *q, struct sink *out) _must_check_;

struct search_wish {
    struct str text;
    int ticket_count, kb_count; /* 0: none of them; at most 20 */
};
/* Search alone: sends similar_tickets and kb_documents, no model writes anything. E_INPUT: empty text. */
int assist_search(struct flow *f, struct assist *a, const struct caller *who,
                  const struct search_wish *wish, struct sink *out) _must_check_;

struct reply_wish {
    struct str context_id; /* or ticket_id */
    int64_t ticket_id;
    struct str style, tone, instructions, language;
    bool greeting, signature, steps;
};
/* E_INPUT when the context is unknown or expired and no ticket is named. */
int assist_reply(struct flow *f, struct assist *a, const struct caller *who,
                 const struct reply_wish *wish, struct sink *out) _must_check_;

/* Checks of the assist's parts for /health: each appends a member to `out`. */
struct assist_health {
    int database, vectors, llm, freshdesk; /* 0 or the error */
    double database_ms, vectors_ms;
    struct str vectors_note, vectors_home, llm_providers;
};
int assist_health(struct flow *f, struct assist *a, struct assist_health *ret_health) _must_check_;
