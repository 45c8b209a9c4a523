/*
 * api/reply.c: reply drafts: /generate_reply, /reply, their streams, /v1/reply.
 *
 * The happy path: a context of an earlier /init, or a ticket, is named; the assist service writes the draft
 * to a reader. The JSON answer has reply and reply_text; /reply streams when stream_response or
 * ?stream=true asks for it.
 * Fails by: 422 when neither context_id nor ticket_id is given, 400 for an unknown context. A model that
 * failed is HTTP 200 with the error in reply_text and metadata.error, as the old server answered.
 * Invariant: what a client says in `context` is told to the model as instructions, never as sources.
 */
#include <errno.h>

#include "api/input.h"
#include "api/reader.h"
#include "assist/assist.h"

static void read_wish(struct input *in, struct reply_wish *wish, bool *ret_stream)
{
    input_body(in, INPUT_REQUIRED);
    *wish = (struct reply_wish){
        .ticket_id = input_id(in, "ticket_id"),
        .style = input_text(in, "style", INPUT_OPTIONAL),
        .tone = input_text(in, "tone", INPUT_OPTIONAL),
        .instructions = input_text(in, "instructions", INPUT_OPTIONAL),
        .language = input_text(in, "language", INPUT_OPTIONAL),
        .greeting = input_bool(in, "include_greeting", true),
        .signature = input_bool(in, "include_signature", true),
        .steps = input_bool(in, "include_solution_steps", true),
    };
    wish->context_id = input_text(in, "context_id",
                                  wish->ticket_id != 0 ? INPUT_OPTIONAL : INPUT_REQUIRED);
    if (wish->instructions.len == 0 && json_is_str(json_get(in->body, "query")))
        wish->instructions = json_str(json_get(in->body, "query"));
    if (wish->instructions.len == 0 && json_is_str(json_get(in->body, "context")))
        wish->instructions = json_str(json_get(in->body, "context"));
    if (wish->style.len == 0)
        wish->style = STR("professional");
    if (wish->tone.len == 0)
        wish->tone = STR("helpful");
    *ret_stream = input_bool(in, "stream_response", false);
}

static int run_reply(struct flow *f, struct reader *rd, const struct reply_wish *wish)
{
    _cleanup_(deadline_done) struct deadline d = deadline(
        f, (uint64_t)rd->api->spec.config->assist_timeout_ms);
    return assist_reply(f, rd->api->spec.assist, rd->who, wish, &rd->sink);
}

/* The model failed: 200, told in the text. */
static int answer_failure(struct flow *f, struct reader *rd)
{
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    const char *why = err_public(&f->err, f->err.code);
    struct str text = arena_printf(&f->arena, "응답 생성 중 오류가 발생했습니다: %s", why);
    jw_obj(&w, NULL);
    jw_str(&w, "reply", text);
    jw_str(&w, "reply_text", text);
    jw_str(&w, "context_id", rd->context_id);
    jw_raw(&w, "context_docs", STR("[]"));
    jw_obj(&w, "metadata");
    jw_text(&w, "error", why);
    jw_text(&w, "code", err_name(f->err.code));
    jw_end_obj(&w);
    jw_end_obj(&w);
    return http_answer_json(f, rd->exchange, 200, buf_view(out));
}

static int answer_json(struct flow *f, struct reader *rd, const struct reply_wish *wish)
{
    int r = run_reply(f, rd, wish);
    if (r < 0) {
        r = reader_failed(f, rd, r);
        if (r == E_INPUT)
            return err_set(
                &f->err, r,
                "유효하지 않은 컨텍스트 ID입니다. 먼저 /init 엔드포인트를 호출해주세요.");
        bool refused = (r == E_UPSTREAM_AUTH || r == E_UPSTREAM_DENIED) && f->err.http == 0;
        bool ours = refused || r == E_NOT_FOUND || r == E_DB_AWAY || r == E_OVERLOAD ||
                    r == -ECANCELED;
        return ours ? r : answer_failure(f, rd);
    }
    return reader_answer(f, rd);
}

static int answer(struct flow *f, struct api *a, struct http_exchange *x, enum reader_kind kind)
{
    struct input in;
    struct reply_wish wish;
    struct caller who;
    bool stream;
    input_begin(&in, f, x);
    read_wish(&in, &wish, &stream);
    if (kind == READER_GATHER && (input_query_bool(&in, "stream", false) || stream))
        kind = READER_LEGACY;
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    _cleanup_(reader_done) struct reader rd = READER_INIT;
    rd.who = &who;
    rd.ticket_id = wish.ticket_id;
    rd.style = wish.style;
    rd.tone = wish.tone;
    rd.context_id = wish.context_id;
    rd.with_done_mark = stream;
    reader_begin(&rd, f, a, x, kind, RUN_REPLY);
    if (kind == READER_GATHER)
        return answer_json(f, &rd, &wish);
    return reader_end(f, &rd, run_reply(f, &rd, &wish));
}

int on_reply(struct flow *f, struct http_exchange *x, void *context)
{
    return answer(f, context, x, READER_GATHER);
}

int on_reply_stream(struct flow *f, struct http_exchange *x, void *context)
{
    return answer(f, context, x, READER_LEGACY);
}

int on_v1_reply(struct flow *f, struct http_exchange *x, void *context)
{
    return answer(f, context, x, READER_FULL);
}
