/*
 * A free question: search, then an answer with numbered citations.
 *
 * Happy path: (ticket) -> embedding and searches -> answer.delta... answer -> usage, done, with a progress
 * event before each stage. Only attachments or images asked for: they are listed, no model is asked. Nothing
 * found: the model says what is missing. A model that fails ends the run: there is no other section.
 * Invariant: a citation in `citations` exists; numbers the model invented are not among them.
 */
#include "assist/run.h"

enum { ANSWER_TOKENS = 1024, SOURCES_MAX = 10, QUESTION_BYTES_MAX = 8000 };

struct answer_listener {
    struct listener listener;
    struct run *run;
};

static int on_piece(struct flow *f, struct listener *l, struct str piece)
{
    struct answer_listener *s = container_of(l, struct answer_listener, listener);
    return run_delta(f, s->run, "answer.delta", piece);
}

/* Is "[n]" in the text? */
static bool is_cited(struct arena *a, struct str text, int n)
{
    return str_find(text, arena_printf(a, "[%d]", n), 0) != SIZE_MAX;
}

static void write_attachments(struct jw *w, struct json list, bool images)
{
    struct json_iter it = json_iter(list);
    while (json_next(&it)) {
        struct str type = json_str(json_get(it.value, "content_type"));
        if (images != str_starts(type, STR("image/")))
            continue;
        jw_obj(w, NULL);
        jw_str(w, "name", json_str(json_get(it.value, "name")));
        jw_str(w, "url", json_str(json_get(it.value, "attachment_url")));
        jw_str(w, "content_type", type);
        jw_i64(w, "id", json_i64(json_get(it.value, "id"), 0));
        jw_end_obj(w);
    }
}

static int send_answer(struct flow *f, struct run *run, struct str text, const struct ticket *t,
                       const struct source *sources, size_t count)
{
    struct source *cited = ARENA_ARRAY(&f->arena, count, struct source);
    size_t cited_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_cited(&f->arena, text, sources[i].n))
            cited[cited_count++] = sources[i];
    }
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "answer");
    jw_str(w, "text", text);
    sources_write(w, "citations", cited, cited_count);
    jw_raw(w, "sources", sources_json(&f->arena, sources, count));
    jw_arr(w, "images");
    if (t)
        write_attachments(w, json_get(t->json, "attachments"), true);
    jw_end_arr(w);
    jw_arr(w, "attachments");
    if (t)
        write_attachments(w, json_get(t->json, "attachments"), false);
    jw_end_arr(w);
    return notice_send(f, run, &n);
}

static int write_answer(struct flow *f, struct run *run, const struct question *q,
                        const struct ticket *t, const struct source *sources, size_t count,
                        struct str *ret_text)
{
    struct buf *user = arena_buf(&f->arena, 0);
    if (t)
        prompt_ticket(user, t, NULL, 0, false);
    prompt_sources(user, sources, count);
    prompt_data(user, "question", q->text, QUESTION_BYTES_MAX);
    if (q->instructions.len)
        prompt_data(user, "context", q->instructions, 2000);
    struct ask ask = {.task = "answer",
                      .user = buf_view(user),
                      .ticket_id = q->ticket_id,
                      .max_tokens = ANSWER_TOKENS,
                      .temperature = 0.2,
                      .sources = sources_json(&f->arena, sources, count)};
    struct answer_listener to = {.listener.hear = on_piece, .run = run};
    return model_tell(f, run, &ask, &to.listener, ret_text);
}

/* Only files are asked for: they are listed. */
static bool wants_files_only(const struct question *q)
{
    return (q->images || q->attachments) && !q->tickets && !q->solutions;
}

/* What to look for: the question, with what the open ticket is about, since "how was this solved
 * before?" finds nothing by itself. */
static struct str search_text_of(struct flow *f, const struct question *q, const struct ticket *t)
{
    if (!t)
        return q->text;
    return arena_printf(&f->arena, "%.*s\n\n%.*s\n\n%.*s", STR_ARG(q->text), STR_ARG(t->subject),
                        STR_ARG(t->description_text));
}

static int find_sources(struct flow *f, struct run *run, const struct question *q,
                        const struct ticket *t, struct source *ret_sources, size_t *ret_count)
{
    bool all = !q->tickets && !q->solutions;
    int count = q->count <= 0 ? 5 : MIN(q->count, SOURCES_MAX);
    struct wanted wanted = {.text = search_text_of(f, q, t),
                            .exclude_id = q->ticket_id,
                            .ticket_count = all || q->tickets ? count : 0,
                            .article_count = all || q->solutions ? count : 0};
    struct found found;
    int r = retrieve(f, run, &wanted, &found);
    if (r < 0)
        return r;
    if (found.search_status < 0) {
        f->err = found.search_err;
        r = run_section_failed(f, run, SECTION_SIMILAR, found.search_status);
    }
    *ret_count = found_sources(f, run, &found, (size_t)count, false, ret_sources);
    run_section_done(f, run, SECTION_SIMILAR);
    return r;
}

static int answer(struct flow *f, struct run *run, const struct question *q, const struct ticket *t)
{
    struct source sources[SOURCES_MAX];
    size_t count = 0;
    struct str text = run_is_korean(run) ? STR("첨부 파일 및 이미지 정보만 요청하셨습니다.\n")
                                         : STR("Only attachments and images were asked for.\n");
    int r = run_progress(f, run, "embedding", 30, "질문을 분석하는 중입니다",
                         "Reading the question");
    if (r >= 0)
        r = run_progress(f, run, "searching", 50, "관련 자료를 찾는 중입니다", "Searching");
    if (r >= 0 && !wants_files_only(q))
        r = find_sources(f, run, q, t, sources, &count);
    if (r >= 0)
        r = run_progress(f, run, "context_building", 70, "자료를 정리하는 중입니다",
                         "Putting the sources together");
    if (r >= 0)
        r = run_progress(f, run, "generating", 85, "답변을 작성하는 중입니다",
                         "Writing the answer");
    if (r >= 0 && !wants_files_only(q))
        r = write_answer(f, run, q, t, sources, count, &text);
    if (r < 0)
        return r;
    r = send_answer(f, run, text, t, sources, count);
    if (r >= 0)
        r = run_progress(f, run, "complete", 100, "완료되었습니다", "Complete");
    return r;
}

int assist_question(struct flow *f, struct assist *a, const struct caller *who,
                    const struct question *q, struct sink *out)
{
    struct run run;
    run_begin(f, &run, a, who, q->language, out);
    run.ticket_id = q->ticket_id;
    int r = run_meta(f, &run, "question");
    if (r >= 0)
        r = run_progress(f, &run, "initialization", 10, "요청을 준비하는 중입니다", "Starting");
    struct ticket ticket;
    if (r >= 0 && q->ticket_id)
        r = run_progress(f, &run, "ticket_loading", 20, "티켓을 불러오는 중입니다",
                         "Loading the ticket");
    if (r >= 0 && q->ticket_id)
        r = read_ticket(f, &run, q->ticket_id, &ticket);
    if (r >= 0)
        r = answer(f, &run, q, q->ticket_id ? &ticket : NULL);
    return r < 0 ? r : run_done(f, &run, STR_NONE);
}
