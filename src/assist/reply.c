/*
 * A reply draft to the customer.
 *
 * Happy path: context (by id, or the ticket's newest, or made anew by a search) -> the ticket with its
 * public thread -> reply.delta... reply -> usage, done, with a progress event before each stage.
 * An unknown context without a ticket is E_INPUT with the old text. A failed model ends the run.
 * Invariant: private notes and sources that customers may not see never reach the prompt.
 */
#include <inttypes.h>

#include "assist/run.h"

enum { REPLY_TOKENS = 1000, SOURCES_MAX = 6 };

struct reply_listener {
    struct listener listener;
    struct run *run;
};

static int on_piece(struct flow *f, struct listener *l, struct str piece)
{
    struct reply_listener *s = container_of(l, struct reply_listener, listener);
    return run_delta(f, s->run, "reply.delta", piece);
}

static size_t context_sources(struct json context, struct source *ret_sources)
{
    size_t count = 0;
    struct json_iter it = json_iter(json_get(context, "sources"));
    while (json_next(&it) && count < SOURCES_MAX) {
        struct json v = it.value;
        bool kb = str_eq(json_str(json_get(v, "kind")), STR("kb"));
        bool is_public = json_bool(json_get(v, "public"), false);
        if (kb && !is_public)
            continue;
        ret_sources[count] = (struct source){.n = (int)count + 1,
                                             .kb = kb,
                                             .is_public = is_public,
                                             .id = json_i64(json_get(v, "id"), 0),
                                             .title = json_str(json_get(v, "title")),
                                             .text = json_str(json_get(v, "text")),
                                             .url = json_str(json_get(v, "url")),
                                             .score = json_f64(json_get(v, "score"), 0)};
        count++;
    }
    return count;
}

static struct str wish_text(struct arena *a, const struct reply_wish *wish, bool is_korean)
{
    struct buf *out = arena_buf(a, 0);
    buf_printf(out, is_korean ? "문체: %.*s\n어조: %.*s\n" : "style: %.*s\ntone: %.*s\n",
               STR_ARG(wish->style), STR_ARG(wish->tone));
    buf_text(out, wish->greeting ? (is_korean ? "인사말로 시작\n" : "begin with a greeting\n")
                                 : (is_korean ? "인사말 없이\n" : "no greeting\n"));
    buf_text(out, wish->signature
                      ? (is_korean ? "맺음말과 서명으로 끝내기\n" : "end with a closing\n")
                      : (is_korean ? "서명 없이\n" : "no closing or signature\n"));
    if (wish->steps)
        buf_text(out, is_korean ? "해결 단계를 번호 목록으로 포함\n" : "include numbered steps\n");
    buf_str(out, str_cut_utf8(wish->instructions, 2000));
    return buf_view(out);
}

static int send_reply(struct flow *f, struct run *run, struct str text, struct str context_id,
                      const struct source *sources, size_t count)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "reply");
    jw_str(w, "text", text);
    jw_str(w, "context_id", context_id);
    jw_raw(w, "sources", sources_json(&f->arena, sources, count));
    return notice_send(f, run, &n);
}

/* What the reply stands on: the kept context's sources, or a fresh search. */
static int find_sources(struct flow *f, struct run *run, struct json context,
                        const struct ticket *t, struct source *ret_sources, size_t *ret_count)
{
    if (json_exists(context)) {
        *ret_count = context_sources(context, ret_sources);
        return 0;
    }
    struct wanted wanted = {.text = arena_printf(&f->arena, "%.*s\n\n%.*s", STR_ARG(t->subject),
                                                 STR_ARG(t->description_text)),
                            .exclude_id = t->id,
                            .ticket_count = 3,
                            .article_count = 3};
    struct found found;
    int r = retrieve(f, run, &wanted, &found);
    if (r < 0)
        return r;
    *ret_count = found_sources(f, run, &found, SOURCES_MAX, true, ret_sources);
    run_section_done(f, run, SECTION_SIMILAR);
    return 0;
}

/* Empty when there is none: the draft was made from a fresh search. */
static struct str context_id_of(struct json context)
{
    return json_str(json_get(context, "id"));
}

static int write_reply(struct flow *f, struct run *run, const struct reply_wish *wish,
                       struct json context)
{
    struct ticket ticket;
    struct conversation *talks;
    size_t talk_count, source_count = 0;
    struct source sources[SOURCES_MAX];
    int r = read_ticket(f, run, run->ticket_id, &ticket);
    if (r >= 0)
        r = read_talks(f, run, run->ticket_id, &talks, &talk_count);
    if (r >= 0)
        r = run_progress(f, run, "preparing_generation", 60, "자료를 정리하는 중입니다",
                         "Putting the sources together");
    if (r >= 0)
        r = find_sources(f, run, context, &ticket, sources, &source_count);
    if (r >= 0)
        r = run_progress(f, run, "generating_reply", 80, "답변을 작성하는 중입니다",
                         "Writing the reply");
    if (r < 0)
        return r;
    struct buf *user = arena_buf(&f->arena, 0);
    prompt_ticket(user, &ticket, talks, talk_count, true);
    prompt_sources(user, sources, source_count);
    prompt_data(user, "context", wish_text(&f->arena, wish, run_is_korean(run)), 4000);
    struct ask ask = {.task = "reply",
                      .user = buf_view(user),
                      .ticket_id = run->ticket_id,
                      .max_tokens = REPLY_TOKENS,
                      .temperature = 0.3,
                      .sources = sources_json(&f->arena, sources, source_count)};
    struct reply_listener to = {.listener.hear = on_piece, .run = run};
    struct str text;
    r = model_tell(f, run, &ask, &to.listener, &text);
    if (r >= 0)
        r = send_reply(f, run, text, context_id_of(context), sources, source_count);
    if (r >= 0)
        r = run_progress(f, run, "complete", 100, "완료되었습니다", "Complete");
    return r;
}

/* The kept context; none (JSON_NONE) when only a ticket was named and it has none. */
static int find_context(struct flow *f, struct run *run, const struct reply_wish *wish,
                        struct json *ret_context)
{
    *ret_context = JSON_NONE;
    int r = context_find(f, run, wish->context_id, wish->ticket_id, ret_context);
    if (r >= 0)
        run->ticket_id = json_i64(json_get(*ret_context, "ticket_id"), wish->ticket_id);
    if (r != E_NOT_FOUND)
        return r;
    run->ticket_id = wish->ticket_id;
    if (wish->ticket_id)
        return 0;
    return err_set(&f->err, E_INPUT,
                   "유효하지 않은 컨텍스트 ID입니다. 먼저 /init 엔드포인트를 호출해주세요.");
}

int assist_reply(struct flow *f, struct assist *a, const struct caller *who,
                 const struct reply_wish *wish, struct sink *out)
{
    struct run run;
    struct json context;
    run_begin(f, &run, a, who, wish->language, out);
    run.ticket_id = wish->ticket_id;
    int r = run_meta(f, &run, "reply");
    if (r >= 0)
        r = run_progress(f, &run, "context_validation", 20, "요청을 확인하는 중입니다",
                         "Checking the request");
    if (r >= 0)
        r = find_context(f, &run, wish, &context);
    if (r >= 0)
        r = run_progress(f, &run, "extracting_context", 40, "티켓을 불러오는 중입니다",
                         "Loading the ticket");
    if (r >= 0)
        r = write_reply(f, &run, wish, context);
    return r < 0 ? r : run_done(f, &run, context_id_of(context));
}
