#pragma once
/*
 * How events of a service reach the one who asked: three sinks in one struct.
 *
 *   READER_FULL    /v1: server-sent events as they come, with names and ids; last one done or error
 *   READER_LEGACY  other streams: data lines only, old shapes beside the new ones; at the end result and
 *                  complete with the same data, then {"type":"done"} (legacy-contracts §1.12-1.13)
 *   READER_GATHER  nothing is sent; the events make one JSON answer
 *
 *   _cleanup_(reader_done) struct reader rd = READER_INIT;
 *   reader_begin(&rd, f, a, x, READER_LEGACY, RUN_QUESTION);
 *   r = assist_question(f, a->spec.assist, &who, &q, &rd.sink);
 *   return reader_end(f, &rd, r);
 */
#include "api/internal.h"
#include "base/json.h"
#include "http/sse.h"
#include "loop/sink.h"

enum reader_kind { READER_FULL, READER_LEGACY, READER_GATHER };

#define GATHER_ERRORS_MAX 16

/* Whole events, parsed; JSON_NONE: not come. In the arena of the flow that began the reader. */
struct gather {
    struct json meta, ticket, summary, similar, kb, solutions, answer, reply, usage, done;
    struct json errors[GATHER_ERRORS_MAX];
    size_t error_count;
};
/* The error of a section; JSON_NONE when it had none. */
struct json gather_error(const struct gather *g, const char *section);

struct reader {
    struct sink sink;
    enum reader_kind kind;
    enum run_kind run;
    struct api *api;
    struct http_exchange *exchange;
    struct flow *flow;
    struct sse sse;
    struct gather gather;
    const struct caller *who;
    struct str style, tone, context_id; /* of a wanted reply */
    struct str intent;                  /* of a question */
    struct json types;                  /* content types a question asked for */
    int64_t ticket_id;
    uint64_t begin_ns;
    bool
        with_done_mark; /* READER_LEGACY: `data: [DONE]` after the last event, and October's chunk names */
};
#define READER_INIT                                                                                \
    {                                                                                              \
        .sse = SSE_INIT                                                                            \
    }
void reader_begin(struct reader *rd, struct flow *f, struct api *a, struct http_exchange *x,
                  enum reader_kind kind, enum run_kind run);
/* Ends a stream: `status` is what the service returned. A failure becomes the last event, or, when
 * nothing was sent yet on /v1, the handler's error. Not for READER_GATHER. */
int reader_end(struct flow *f, struct reader *rd, int status) _must_check_;
void reader_done(struct reader *rd);
/* A run of READER_GATHER that failed: counted, and told in the words old clients know; may change f->err. */
int reader_failed(struct flow *f, struct reader *rd, int status);
/* Answers what was gathered as one JSON object. */
int reader_answer(struct flow *f, struct reader *rd) _must_check_;

/* ---- init.c ---- */

struct ticket_help;
/* An opened ticket to a READER_GATHER, under the deadline of such runs. Errors are ready to be returned by a
 * handler, counted and in the old words. */
int reader_ticket(struct flow *f, struct reader *rd, const struct ticket_help *help) _must_check_;

/* ---- shape.c: the old shapes ---- */

double shape_elapsed_ms(const struct reader *rd);
/* An id as text, whatever it was. */
void shape_id(struct jw *w, const char *key, struct json v);
/* How near an item is, 0..1. */
double shape_nearness(struct json item);

/* The whole answer of /init, /query, /reply as one object: for JSON answers and for `result`. */
void shape_result(struct jw *w, const char *key, const struct reader *rd);
/* An event as READER_LEGACY sends it; `v` is the event parsed. */
void shape_event(struct jw *w, const struct reader *rd, const char *event, struct json v);
