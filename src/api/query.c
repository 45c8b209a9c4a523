/*
 * api/query.c: free questions: /query, /query/stream, /v1/query.
 *
 * The happy path: the body is checked (every field of every client generation, unknown ones passed over),
 * the caller proved, and the assist service answers to a reader. /query is JSON unless stream_response or
 * ?stream=true asks for the stream.
 * Fails by: 422, 400/401, 404 for a ticket that does not exist, 500 with the old text when the model
 * failed; on streams an error event. Invariant: content types the service does not know are passed over.
 */
#include <errno.h>

#include "api/input.h"
#include "api/reader.h"
#include "assist/assist.h"

struct wish {
    struct question question;
    struct json types;
    bool stream;
};

static void read_types(struct json types, struct question *q)
{
    for (struct json_iter it = json_iter(types); json_next(&it);) {
        struct str name = json_str(it.value);
        q->tickets = q->tickets || str_starts(name, STR("ticket"));
        q->solutions = q->solutions || str_starts(name, STR("solution")) ||
                       str_eq(name, STR("kb")) || str_eq(name, STR("kb_documents"));
        q->images = q->images || str_starts(name, STR("image"));
        q->attachments = q->attachments || str_starts(name, STR("attachment"));
    }
}

static void read_wish(struct input *in, enum reader_kind kind, struct wish *wish)
{
    input_body(in, INPUT_REQUIRED);
    struct question *q = &wish->question;
    *q = (struct question){
        .text = input_text(in, "query", INPUT_REQUIRED),
        .ticket_id = input_id(in, "ticket_id"),
        .instructions = input_text(in, "answer_instructions", INPUT_OPTIONAL),
        .intent = input_text(in, "intent", INPUT_OPTIONAL),
        .language = input_text(in, "language", INPUT_OPTIONAL),
    };
    /* As the old model had it: no bounds, so what is out of ours is brought into them. */
    int64_t count = input_int(in, "top_k", kind == READER_FULL ? 5 : 3);
    q->count = (int)(count < 1 ? 1 : count > 20 ? 20 : count);
    wish->types = input_texts(in, "type");
    read_types(wish->types, q);
    wish->stream = input_bool(in, "stream_response", false);
}

static int run_question(struct flow *f, struct reader *rd, const struct question *q)
{
    if (str_trim(q->text).len == 0)
        return err_set(&f->err, E_INPUT, "질문이 비어 있습니다 (query is empty)");
    _cleanup_(deadline_done) struct deadline d = deadline(
        f, (uint64_t)rd->api->spec.config->assist_timeout_ms);
    return assist_question(f, rd->api->spec.assist, rd->who, q, &rd->sink);
}

static int answer_json(struct flow *f, struct reader *rd, const struct wish *wish)
{
    int r = run_question(f, rd, &wish->question);
    if (r < 0) {
        r = reader_failed(f, rd, r);
        /* The model's own refusals carry another status (run_own_fault): this one is Freshdesk's. */
        bool refused = (r == E_UPSTREAM_AUTH || r == E_UPSTREAM_DENIED) && f->err.http == 0;
        bool ours = refused || r == E_INPUT || r == E_NOT_FOUND || r == E_DB_AWAY ||
                    r == -ECANCELED || r == E_OVERLOAD;
        if (!ours) {
            err_wrap(&f->err, r, "LLM 호출 중 오류가 발생했습니다");
            f->err.http = 500;
        }
        return r;
    }
    return reader_answer(f, rd);
}

static int answer(struct flow *f, struct api *a, struct http_exchange *x, enum reader_kind kind)
{
    struct input in;
    struct wish wish = {.types = JSON_NONE};
    struct caller who;
    input_begin(&in, f, x);
    read_wish(&in, kind, &wish);
    if (kind == READER_GATHER && (input_query_bool(&in, "stream", false) || wish.stream))
        kind = READER_LEGACY;
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    _cleanup_(reader_done) struct reader rd = READER_INIT;
    rd.who = &who;
    rd.ticket_id = wish.question.ticket_id;
    rd.intent = wish.question.intent;
    rd.types = wish.types;
    rd.with_done_mark = wish.stream;
    reader_begin(&rd, f, a, x, kind, RUN_QUESTION);
    if (kind == READER_GATHER)
        return answer_json(f, &rd, &wish);
    return reader_end(f, &rd, run_question(f, &rd, &wish.question));
}

int on_query(struct flow *f, struct http_exchange *x, void *context)
{
    return answer(f, context, x, READER_GATHER);
}

int on_query_stream(struct flow *f, struct http_exchange *x, void *context)
{
    return answer(f, context, x, READER_LEGACY);
}

int on_v1_query(struct flow *f, struct http_exchange *x, void *context)
{
    return answer(f, context, x, READER_FULL);
}
