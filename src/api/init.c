/*
 * api/init.c: an opened ticket: /init/{id}, its stream, and /v1/tickets/{id}/assist.
 *
 * The happy path: id and query are checked, the caller proved, then the assist service sends its events to
 * a reader of the right dialect. GET /init/{id} is one JSON answer unless stream=true, an Accept of
 * text/event-stream or the July header set asks for the stream.
 * Fails by: 422, 400/401, 404 for a ticket that does not exist (JSON), or an error event (streams).
 * Invariant: nothing is streamed before the caller is proved.
 */
#include "api/input.h"
#include "api/reader.h"
#include "assist/assist.h"

#define ITEMS_MAX 20

static void read_help(struct input *in, bool stream, struct ticket_help *help)
{
    int64_t top = input_query_int(in, "top_k", 0, 1, ITEMS_MAX);
    bool kb = input_query_bool(in, "include_kb_docs", true);
    *help = (struct ticket_help){
        .ticket_id = input_path_id(in, "ticket_id"),
        .summary = input_query_bool(in, "include_summary", true),
        .similar = input_query_bool(in, "include_similar_tickets", true),
        .kb = kb,
        .solutions = input_query_bool(in, "include_solutions", stream && kb),
        .ticket_count = (int)input_query_int(in, "top_k_tickets", top, 1, ITEMS_MAX),
        .kb_count = (int)input_query_int(in, "top_k_kb", top, 1, ITEMS_MAX),
        .strict_order = str_eq(input_query_text(in, "order"), STR("strict")),
        .language = input_query_text(in, "ui_language"),
    };
    if (help->language.len == 0)
        help->language = input_query_text(in, "language");
    if (help->language.len == 0)
        help->language = str_sub(http_header(in->request, "x-locale"), 0, 2);
}

/* E_NOT_FOUND for what can be no ticket's id, without asking anyone. */
static int run_ticket(struct flow *f, struct reader *rd, const struct ticket_help *help)
{
    if (help->ticket_id <= 0)
        return err_set(&f->err, E_NOT_FOUND, "티켓 ID %lld를 찾을 수 없습니다.",
                       (long long)help->ticket_id);
    _cleanup_(deadline_done) struct deadline d = deadline(
        f, (uint64_t)rd->api->spec.config->assist_timeout_ms);
    return assist_ticket(f, rd->api->spec.assist, rd->who, help, &rd->sink);
}

int reader_ticket(struct flow *f, struct reader *rd, const struct ticket_help *help)
{
    int r = run_ticket(f, rd, help);
    if (r >= 0)
        return r;
    r = reader_failed(f, rd, r);
    if (err_http(r) == 500)
        err_wrap(&f->err, r, "초기화 중 오류가 발생했습니다");
    return r;
}

static int answer_json(struct flow *f, struct api *a, struct http_exchange *x, struct input *in)
{
    struct ticket_help help;
    struct caller who;
    read_help(in, false, &help);
    if (input_is_bad(in))
        return input_refuse(f, x, in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    help.full_ticket = true;
    _cleanup_(reader_done) struct reader rd = READER_INIT;
    rd.who = &who;
    rd.ticket_id = help.ticket_id;
    reader_begin(&rd, f, a, x, READER_GATHER, RUN_TICKET);
    r = reader_ticket(f, &rd, &help);
    if (r < 0)
        return r;
    return reader_answer(f, &rd);
}

static int answer_stream(struct flow *f, struct api *a, struct http_exchange *x, struct input *in,
                         enum reader_kind kind)
{
    struct ticket_help help;
    struct caller who;
    read_help(in, true, &help);
    help.full_ticket = kind == READER_LEGACY || input_query_bool(in, "include_ticket", false);
    if (input_is_bad(in))
        return input_refuse(f, x, in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    _cleanup_(reader_done) struct reader rd = READER_INIT;
    rd.who = &who;
    rd.ticket_id = help.ticket_id;
    reader_begin(&rd, f, a, x, kind, RUN_TICKET);
    return reader_end(f, &rd, run_ticket(f, &rd, &help));
}

static bool accepts(const struct http_request *rq, const char *type)
{
    return str_find(http_header(rq, "accept"), str_from(type), 0) != SIZE_MAX;
}

int on_init(struct flow *f, struct http_exchange *x, void *context)
{
    const struct http_request *rq = http_request_of(x);
    struct input in;
    input_begin(&in, f, x);
    bool july = claim_is_july(rq) && !accepts(rq, "application/json");
    bool stream = input_query_bool(&in, "stream", july || accepts(rq, "text/event-stream"));
    return stream ? answer_stream(f, context, x, &in, READER_LEGACY)
                  : answer_json(f, context, x, &in);
}

int on_init_stream(struct flow *f, struct http_exchange *x, void *context)
{
    struct input in;
    input_begin(&in, f, x);
    return answer_stream(f, context, x, &in, READER_LEGACY);
}

int on_v1_assist(struct flow *f, struct http_exchange *x, void *context)
{
    struct input in;
    input_begin(&in, f, x);
    return answer_stream(f, context, x, &in, READER_FULL);
}
