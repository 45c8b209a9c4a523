#pragma once
/*
 * The stand-in of Freshdesk and of CLOVA Studio as one program: its settings, its accounts and what
 * each route shares. Every answer carries `X-Deskstream-Sandbox: 1`.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "http/server.h"
#include "loop/flow.h"
#include "sandbox/fault.h"
#include "sandbox/limit.h"
#include "sandbox/world.h"

/* What may be changed while the program runs (POST /sandbox/control), each also an option. Columns:
 * field, JSON name, default, least, most, help. */
#define KNOB_TABLE(X)                                                                              \
    X(rate, "rate", 700, 0, 1000000, "Freshdesk credits a window and account; 0: no limit")        \
    X(list_rate, "list_rate", 200, 0, 1000000, "of these for the tickets list; 0: no limit")       \
    X(list_calls, "list_calls", 0, 0, 1, "1: the list limit counts calls, not credits")            \
    X(window_ms, "window_ms", 60000, 10, 3600000, "length of a rate window")                       \
    X(api_latency_ms, "api_latency_ms", 0, 0, 600000, "first byte of helpdesk and embedding")      \
    X(latency_ms, "latency_ms", 150, 0, 600000, "first byte of a chat answer")                     \
    X(token_ms, "token_ms", 12, 0, 60000, "between two tokens of a stream")                        \
    X(tokens, "tokens", 0, 0, 100000, "exactly so many tokens in plain answers; 0: as it comes")   \
    X(llm_rate, "llm_rate", 0, 0, 1000000, "model calls a window and model; 0: no limit")          \
    X(llm_tokens, "llm_tokens", 0, 0, 100000000, "model tokens a window and model; 0: no limit")   \
    X(sse_space, "sse_space", 0, 0, 1, "1: a blank after the colon of stream fields")              \
    X(sse_crlf, "sse_crlf", 0, 0, 1, "1: stream lines end in CR LF")                               \
    X(sse_signal, "sse_signal", 0, 0, 1, "1: a last signal event [DONE]")                          \
    X(sse_split, "sse_split", 0, 0, 1000, "so many bytes a write of a stream; 0: one event")       \
    X(sort_misorder, "sort_misorder", 0, 0, 100, "% of sorted chats' calls with answers swapped")  \
    X(sort_drop, "sort_drop", 0, 0, 100, "% of these calls that leave a chat out")                 \
    X(sort_invent, "sort_invent", 0, 0, 100, "% of these calls with a category not listed")        \
    X(sort_prose, "sort_prose", 0, 0, 100, "% of these calls that are answered in prose")          \
    X(sort_cut, "sort_cut", 0, 0, 100, "% of these calls whose answer breaks off")                 \
    X(sort_misquote, "sort_misquote", 0, 0, 100, "% of these calls with a quote nobody wrote")     \
    X(sort_stuck, "sort_stuck", 0, 0, 100, "% of chats that are answered in prose each time")      \
    X(churn_per_s, "churn_per_s", 0, 0, 10000, "tickets of each account changed a second")         \
    X(page_max, "page_max", 300, 1, 1000000, "pages of one list")

#define KNOB_FIELD_(field, name, otherwise, least, most, help) int64_t field;
struct knobs {
    KNOB_TABLE(KNOB_FIELD_)
};
#undef KNOB_FIELD_

#define ENDPOINT_TABLE(X)                                                                          \
    X(TICKETS, "tickets")                                                                          \
    X(TICKET, "ticket")                                                                            \
    X(CONVERSATIONS, "conversations")                                                              \
    X(SEARCH, "search")                                                                            \
    X(SOLUTIONS, "solutions")                                                                      \
    X(HELPDESK, "helpdesk")                                                                        \
    X(CHAT, "chat")                                                                                \
    X(EMBEDDING, "embedding")                                                                      \
    X(MODEL, "model")
#define ENDPOINT_ENUM_(symbol, name) ENDPOINT_##symbol,
enum endpoint { ENDPOINT_TABLE(ENDPOINT_ENUM_) ENDPOINT_COUNT };
#undef ENDPOINT_ENUM_

struct counters {
    uint64_t calls[ENDPOINT_COUNT];
    uint64_t credits, throttled, list_throttled, llm_throttled, refused, faults;
    uint64_t streams_begun, streams_ended, streams_aborted, answers_aborted, tokens_sent;
    uint64_t tickets_written, changed;
    uint64_t sort_calls, sort_chats; /* calls that sort chats; chats in them */
    uint64_t streams_open, streams_open_max;
};

struct account {
    struct world world;
    struct limit all, list;
    uint64_t calls;
    char domain[64]; /* first label: "demo" */
};

#define ACCOUNT_COUNT_MAX 256
#define MODEL_COUNT 8

struct sandbox {
    struct loop *loop;
    struct http_server *server;
    struct knobs knobs;
    struct fault_rules faults;
    struct counters counters;
    struct account *accounts[ACCOUNT_COUNT_MAX];
    size_t account_count;
    struct limit model_calls[MODEL_COUNT], model_tokens[MODEL_COUNT];
    uint64_t seed;
    uint32_t ticket_count, burst;
    int64_t now_s; /* of the sandbox when it began; moves on with the loop's clock */
    int64_t end_s; /* when the last base ticket was updated */
    int64_t began_ms;
    uint64_t serial; /* ids of answers */
};

int64_t sandbox_now_s(const struct sandbox *sb);
/* The account that the Host header names: the first label of a domain; addresses and localhost are
 * "demo". Made at first use; NULL when there are too many. */
struct account *sandbox_account(struct sandbox *sb, const struct http_request *rq);
struct account *sandbox_account_named(struct sandbox *sb, struct str host);
void sandbox_done(struct sandbox *sb);

/* ---- one call ---- */

struct call {
    struct sandbox *sb;
    struct flow *f;
    struct http_exchange *x;
    const struct http_request *rq;
    struct account *account; /* helpdesk calls */
    struct fault fault;      /* FAULT_NONE, or one for the answer to act on */
    enum endpoint endpoint;
};

#define ANSWERED 1

/* Counts, waits the latency, applies faults. ANSWERED: done; 0: go on; < 0: the client left. */
int call_begin(struct call *c, struct sandbox *sb, struct flow *f, struct http_exchange *x,
               enum endpoint endpoint, int64_t latency_ms) _must_check_;
/* Answers JSON; acts on faults that cut or slow the body. */
int call_json(struct call *c, int status, struct buf *json) _must_check_;

extern const struct http_route sandbox_routes[];
size_t sandbox_route_count(void);

/* Appends a "Link: next" header for the same target at page `next`. */
void call_link_next(struct call *c, int64_t next);
