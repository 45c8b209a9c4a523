/*
 * api/shape.c: the shapes of the old answers, as the union of what every generation of clients reads
 * (legacy-contracts §1.6-1.8, §1.12).
 *
 * The happy path: the gathered events are walked and written with old and new names side by side: id and
 * source_id, title and subject, similarity_score (0..1) and relevance_score (0..100), reply and reply_text.
 * Fails by: nothing; what is missing becomes null, an empty list or the old fallback text.
 * Invariant: a field that an old client reads is there with its old type, whatever the service sent.
 */
#include <inttypes.h>

#include "api/reader.h"
#include "base/wall.h"

enum { REPLY_SOURCES_MAX = 3 }; /* similar_tickets and related_docs of a draft, each */

double shape_elapsed_ms(const struct reader *rd)
{
    return (double)(loop_now_ns(rd->flow->loop) - rd->begin_ns) / 1e6;
}

void shape_id(struct jw *w, const char *key, struct json v)
{
    if (json_is_str(v))
        jw_str(w, key, json_str(v));
    else
        jw_fmt(w, key, "%" PRId64, json_i64(v, 0));
}

double shape_nearness(struct json item)
{
    double s = json_f64(json_get(item, "similarity"), 0);
    if (s <= 0)
        s = json_f64(json_get(item, "score"), 0);
    return s < 0 ? 0 : s > 1 ? 1 : s;
}

static void write_text(struct jw *w, const char *key, struct json v, const char *otherwise)
{
    struct str text = json_str(v);
    jw_str(w, key, text.len > 0 ? text : str_from(otherwise));
}

/* ---- items ---- */

static struct str company(const struct reader *rd)
{
    return rd->who != NULL ? rd->who->company : STR("");
}

static void write_similar(struct jw *w, const struct reader *rd, struct json item)
{
    struct json id = json_get(item, "id");
    double near = shape_nearness(item);
    jw_obj(w, NULL);
    shape_id(w, "id", id);
    shape_id(w, "source_id", id);
    jw_str(w, "tenant_id", company(rd));
    jw_text(w, "platform", "freshdesk");
    jw_fmt(w, "platform_neutral_key", "%.*s:freshdesk:%" PRId64, STR_ARG(company(rd)),
           json_i64(id, 0));
    jw_str(w, "title", json_str(json_get(item, "subject")));
    jw_str(w, "subject", json_str(json_get(item, "subject")));
    write_text(w, "content", json_get(item, "symptom"), "");
    write_text(w, "issue", json_get(item, "symptom"), "");
    write_text(w, "solution", json_get(item, "resolution"), "");
    write_text(w, "ticket_summary", json_get(item, "symptom"), "");
    jw_json(w, "symptom", json_get(item, "symptom"));
    jw_json(w, "cause", json_get(item, "cause"));
    jw_json(w, "resolution", json_get(item, "resolution"));
    jw_str(w, "ticket_url", json_str(json_get(item, "url")));
    jw_str(w, "url", json_str(json_get(item, "url")));
    jw_f64(w, "similarity_score", near, 4);
    jw_f64(w, "relevance_score", near * 100, 1);
    jw_f64(w, "score", json_f64(json_get(item, "score"), near), 4);
    jw_json(w, "status", json_get(item, "status"));
    jw_json(w, "priority", json_get(item, "priority"));
    jw_json(w, "updated_at", json_get(item, "updated_at"));
    jw_json(w, "why", json_get(item, "why"));
    jw_text(w, "doc_type", "ticket");
    jw_text(w, "source_type", "ticket");
    jw_bool(w, "has_attachments", false);
    jw_bool(w, "has_inline_images", false);
    jw_i64(w, "attachment_count", 0);
    jw_raw(w, "platform_metadata", STR("{}"));
    jw_raw(w, "metadata", STR("{}"));
    jw_end_obj(w);
}

static void write_document(struct jw *w, struct json item)
{
    struct json id = json_get(item, "id");
    double near = shape_nearness(item);
    jw_obj(w, NULL);
    shape_id(w, "id", id);
    shape_id(w, "source_id", id);
    jw_str(w, "title", json_str(json_get(item, "title")));
    write_text(w, "content", json_get(item, "excerpt"), "");
    write_text(w, "doc_summary", json_get(item, "excerpt"), "");
    jw_str(w, "url", json_str(json_get(item, "url")));
    jw_str(w, "source_url", json_str(json_get(item, "url")));
    jw_text(w, "source_type", "kb");
    jw_text(w, "doc_type", "kb");
    jw_f64(w, "similarity_score", near, 4);
    jw_f64(w, "relevance_score", near * 100, 1);
    jw_f64(w, "score", json_f64(json_get(item, "score"), near), 4);
    jw_json(w, "visibility", json_get(item, "visibility"));
    jw_json(w, "created_at", json_get(item, "created_at"));
    jw_json(w, "updated_at", json_get(item, "updated_at"));
    jw_end_obj(w);
}

/* At most `max` items of an event. */
static void write_items(struct jw *w, const char *key, const struct reader *rd, struct json event,
                        bool kb, size_t max)
{
    jw_arr(w, key);
    for (struct json_iter it = json_iter(json_get(event, "items")); json_next(&it);) {
        if (it.index >= max)
            break;
        if (kb)
            write_document(w, it.value);
        else
            write_similar(w, rd, it.value);
    }
    jw_end_arr(w);
}

/* A source of an answer or a reply as DocumentInfo. */
static void write_source(struct jw *w, struct json s)
{
    struct str kind = json_str(json_get(s, "kind"));
    double near = shape_nearness(s);
    jw_obj(w, NULL);
    jw_json(w, "n", json_get(s, "n"));
    shape_id(w, "id", json_get(s, "id"));
    shape_id(w, "source_id", json_get(s, "id"));
    jw_str(w, "title", json_str(json_get(s, "title")));
    jw_str(w, "content", json_str(json_get(s, "text")));
    jw_str(w, "url", json_str(json_get(s, "url")));
    jw_str(w, "source_url", json_str(json_get(s, "url")));
    jw_f64(w, "relevance_score", near * 100, 1);
    jw_f64(w, "similarity_score", near, 4);
    jw_str(w, "doc_type", kind);
    jw_str(w, "source_type", kind);
    jw_end_obj(w);
}

/* `sources` when the service tells them all, else what was cited. */
static struct json sources_of(struct json event)
{
    struct json all = json_get(event, "sources");
    return json_is_arr(all) ? all : json_get(event, "citations");
}

/* At most `max` of a kind; NULL: of any. */
static void write_sources(struct jw *w, const char *key, struct json event, const char *kind,
                          size_t max)
{
    jw_arr(w, key);
    for (struct json_iter it = json_iter(sources_of(event)); json_next(&it) && max > 0;) {
        if (kind != NULL && !str_eq(json_str(json_get(it.value, "kind")), str_from(kind)))
            continue;
        write_source(w, it.value);
        max--;
    }
    jw_end_arr(w);
}

/* ---- /init ---- */

static void write_summary(struct jw *w, const struct gather *g)
{
    struct json error = gather_error(g, "summary");
    if (!json_exists(g->summary) && !json_exists(error)) {
        jw_null(w, "ticket_summary");
        return;
    }
    bool failed = !json_exists(g->summary);
    jw_obj(w, "ticket_summary");
    write_text(w, "ticket_summary", json_get(g->summary, "text"),
               "요약을 생성하지 못했습니다. 티켓 내용을 직접 확인해 주세요.");
    if (failed)
        jw_raw(w, "key_points", STR("[\"요약 생성 오류\",\"수동 검토 필요\"]"));
    else if (json_is_arr(json_get(g->summary, "key_points")))
        jw_json(w, "key_points", json_get(g->summary, "key_points"));
    else
        jw_raw(w, "key_points", STR("[]"));
    write_text(w, "sentiment", json_get(g->summary, "sentiment"), "중립적");
    jw_json(w, "priority_recommendation", json_get(g->summary, "priority_recommendation"));
    jw_json(w, "category_suggestion", json_get(g->summary, "category_suggestion"));
    jw_json(w, "customer_summary", json_get(g->summary, "customer_summary"));
    jw_json(w, "request_summary", json_get(g->summary, "request_summary"));
    write_text(w, "urgency_level", json_get(g->summary, "urgency"), "보통");
    if (failed)
        jw_str(w, "error", json_str(json_get(error, "message")));
    jw_end_obj(w);
}

/* The vendor's ticket whole, with an id. */
static void write_ticket(struct jw *w, const struct reader *rd)
{
    struct json ticket = json_get(rd->gather.ticket, "ticket");
    if (json_is_obj(ticket) && json_exists(json_get(ticket, "id"))) {
        jw_json(w, "ticket_data", ticket);
        return;
    }
    jw_obj(w, "ticket_data");
    jw_i64(w, "id", rd->ticket_id);
    for (struct json_iter it = json_iter(ticket); json_next(&it);)
        jw_json(w, arena_text(&rd->flow->arena, it.key), it.value);
    jw_end_obj(w);
}

static void write_context_id(struct jw *w, const struct reader *rd)
{
    struct str id = json_str(json_get(rd->gather.done, "context_id"));
    if (id.len == 0)
        id = json_str(json_get(rd->gather.reply, "context_id"));
    if (id.len > 0)
        jw_str(w, "context_id", id);
    else if (rd->context_id.len > 0 || rd->run == RUN_REPLY)
        jw_str(w, "context_id", rd->context_id);
    else
        jw_fmt(w, "context_id", "ctx_%" PRId64 "_%" PRId64, rd->ticket_id,
               loop_wall_ms(rd->flow->loop) / 1000);
}

static void write_seconds(struct jw *w, const char *key, struct json timings, const char *section)
{
    jw_f64(w, key, json_f64(json_get(timings, section), 0) / 1000, 3);
}

static void write_init(struct jw *w, const struct reader *rd)
{
    const struct gather *g = &rd->gather;
    struct json timings = json_get(g->done, "timings");
    jw_bool(w, "success", true);
    jw_fmt(w, "ticket_id", "%" PRId64, rd->ticket_id);
    jw_str(w, "tenant_id", company(rd));
    jw_text(w, "platform", "freshdesk");
    write_ticket(w, rd);
    write_summary(w, g);
    jw_str_or_null(w, "summary", json_str(json_get(g->summary, "text")));
    write_items(w, "similar_tickets", rd, g->similar, false, SIZE_MAX);
    write_items(w, "kb_documents", rd, g->kb, true, SIZE_MAX);
    if (json_exists(g->solutions)) {
        jw_json(w, "solutions", json_get(g->solutions, "items"));
        jw_json(w, "sources", json_get(g->solutions, "sources"));
    }
    write_context_id(w, rd);
    jw_obj(w, "metadata");
    jw_i64(w, "duration_ms", (int64_t)shape_elapsed_ms(rd));
    jw_i64(w, "similar_tickets_count", (int64_t)json_count(json_get(g->similar, "items")));
    jw_i64(w, "kb_docs_count", (int64_t)json_count(json_get(g->kb, "items")));
    jw_obj(w, "task_times");
    write_seconds(w, "summary", timings, "summary");
    write_seconds(w, "similar_tickets", timings, "similar_tickets");
    write_seconds(w, "kb_documents", timings, "similar_tickets");
    jw_end_obj(w);
    jw_arr(w, "errors");
    for (size_t i = 0; i < g->error_count; i++)
        jw_json(w, NULL, g->errors[i]);
    jw_end_arr(w);
    jw_end_obj(w);
    jw_f64(w, "execution_time", shape_elapsed_ms(rd) / 1000, 3);
    jw_null(w, "search_quality_score");
    jw_json(w, "error", json_get(g->error_count > 0 ? g->errors[0] : JSON_NONE, "message"));
}

/* ---- /query and /reply ---- */

static void write_tokens(struct jw *w, const struct gather *g)
{
    int64_t in = json_i64(json_get(g->usage, "prompt_tokens"), 0);
    int64_t out = json_i64(json_get(g->usage, "completion_tokens"), 0);
    jw_i64(w, "token_count", in + out);
    jw_json(w, "model_used", json_get(g->usage, "model"));
    jw_json(w, "usage", g->usage);
}

/* Searching ends where the model begins; without a model nothing was written. */
static void write_times(struct jw *w, const struct gather *g, const char *search_key)
{
    struct json timings = json_get(g->done, "timings");
    double search_ms = json_f64(json_get(timings, "similar_tickets"), 0);
    double total_ms = json_f64(json_get(timings, "total"), 0);
    bool asked = json_i64(json_get(g->usage, "calls"), 0) > 0;
    jw_i64(w, search_key, (int64_t)search_ms);
    jw_i64(w, "llm_time_ms", asked ? (int64_t)(total_ms - search_ms) : 0);
}

static void write_optimization(struct jw *w, const char *key, size_t count, const struct gather *g)
{
    jw_obj(w, key);
    jw_i64(w, "original_docs_count", (int64_t)count);
    jw_i64(w, "after_top_k_count", (int64_t)count);
    jw_i64(w, "after_deduplication_count", (int64_t)count);
    jw_i64(w, "after_relevance_extraction_count", (int64_t)count);
    jw_i64(w, "final_optimized_docs_count", (int64_t)count);
    jw_i64(w, "token_count", json_i64(json_get(g->usage, "prompt_tokens"), 0));
    jw_end_obj(w);
}

static void write_images(struct jw *w, struct json answer)
{
    jw_arr(w, "context_images");
    for (struct json_iter it = json_iter(json_get(answer, "images")); json_next(&it);) {
        jw_obj(w, NULL);
        jw_json(w, "name", json_get(it.value, "name"));
        jw_json(w, "url", json_get(it.value, "url"));
        jw_json(w, "content_type", json_get(it.value, "content_type"));
        jw_i64(w, "doc_index", 0);
        jw_text(w, "source_type", "ticket");
        shape_id(w, "source_id", json_get(it.value, "id"));
        jw_json(w, "title", json_get(it.value, "name"));
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

static void write_answer(struct jw *w, const struct reader *rd)
{
    const struct gather *g = &rd->gather;
    size_t count = json_count(sources_of(g->answer));
    jw_str(w, "answer", json_str(json_get(g->answer, "text")));
    write_sources(w, "context_docs", g->answer, NULL, SIZE_MAX);
    write_images(w, g->answer);
    if (json_is_arr(json_get(g->answer, "citations")))
        jw_json(w, "citations", json_get(g->answer, "citations"));
    if (json_is_arr(json_get(g->answer, "attachments")))
        jw_json(w, "attachments", json_get(g->answer, "attachments"));
    jw_obj(w, "metadata");
    jw_i64(w, "duration_ms", (int64_t)shape_elapsed_ms(rd));
    write_times(w, g, "search_time_ms");
    jw_i64(w, "context_time_ms", 0);
    write_tokens(w, g);
    jw_i64(w, "context_docs_count", (int64_t)count);
    jw_str(w, "search_intent", rd->intent.len > 0 ? rd->intent : STR("search"));
    if (json_is_arr(rd->types))
        jw_json(w, "content_types", rd->types);
    else
        jw_raw(w, "content_types", STR("[\"tickets\",\"solutions\",\"images\",\"attachments\"]"));
    if (rd->ticket_id != 0)
        jw_fmt(w, "ticket_id", "%" PRId64, rd->ticket_id);
    else
        jw_null(w, "ticket_id");
    write_optimization(w, "optimization", count, g);
    jw_end_obj(w);
}

static int64_t paragraph_count(struct str text)
{
    int64_t count = str_trim(text).len > 0 ? 1 : 0;
    size_t at = 0;
    while ((at = str_find(text, STR("\n\n"), at)) != SIZE_MAX) {
        count++;
        at += 2;
    }
    return count;
}

static void write_reply(struct jw *w, const struct reader *rd)
{
    const struct gather *g = &rd->gather;
    struct str text = json_str(json_get(g->reply, "text"));
    size_t count = json_count(sources_of(g->reply));
    _cleanup_(buf_done) struct buf now = BUF_INIT(64);
    wall_write(&now, loop_wall_ms(rd->flow->loop));
    jw_str(w, "reply", text);
    jw_str(w, "reply_text", text);
    write_context_id(w, rd);
    write_sources(w, "context_docs", g->reply, NULL, SIZE_MAX);
    write_sources(w, "similar_tickets", g->reply, "ticket", REPLY_SOURCES_MAX);
    write_sources(w, "related_docs", g->reply, "kb", REPLY_SOURCES_MAX);
    jw_obj(w, "metadata");
    jw_i64(w, "duration_ms", (int64_t)shape_elapsed_ms(rd));
    write_times(w, g, "context_time_ms");
    write_tokens(w, g);
    jw_str(w, "style", rd->style);
    jw_str(w, "tone", rd->tone);
    jw_str(w, "generated_at", buf_view(&now));
    jw_i64(w, "paragraph_count", paragraph_count(text));
    write_optimization(w, "context_optimization", count, g);
    jw_i64(w, "optimized_docs_count", (int64_t)count);
    jw_end_obj(w);
}

void shape_result(struct jw *w, const char *key, const struct reader *rd)
{
    jw_obj(w, key);
    switch (rd->run) {
    case RUN_TICKET: write_init(w, rd); break;
    case RUN_QUESTION: write_answer(w, rd); break;
    case RUN_REPLY: write_reply(w, rd); break;
    }
    jw_end_obj(w);
}

/* ---- single events ---- */

/* Chunk names that October's clients know; NULL: the event's own name. */
static const char *october_name(const struct reader *rd, const char *event)
{
    static const char *const rows[][2] = {{"answer.delta", "answer_chunk"},
                                          {"reply.delta", "content"},
                                          {"summary.delta", "ticket_summary_chunk"}};
    for (size_t i = 0; rd->with_done_mark && i < ARRAY_COUNT(rows); i++) {
        if (strcmp(event, rows[i][0]) == 0)
            return rows[i][1];
    }
    return NULL;
}

static void write_members(struct jw *w, const struct reader *rd, struct json v)
{
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (!str_eq(it.key, STR("type")))
            jw_json(w, arena_text(&rd->flow->arena, it.key), it.value);
    }
}

void shape_event(struct jw *w, const struct reader *rd, const char *event, struct json v)
{
    const char *october = october_name(rd, event);
    jw_obj(w, NULL);
    jw_text(w, "type", october != NULL ? october : event);
    if (str_ends(str_from(event), STR(".delta"))) {
        jw_str(w, "text", json_str(json_get(v, "text")));
        jw_str(w, "content", json_str(json_get(v, "text")));
        jw_end_obj(w);
        return;
    }
    write_members(w, rd, v);
    if (strcmp(event, "summary") == 0) {
        jw_str(w, "content", json_str(json_get(v, "text")));
        jw_fmt(w, "ticket_id", "%" PRId64, rd->ticket_id);
    } else if (strcmp(event, "similar_tickets") == 0) {
        write_items(w, "content", rd, v, false, SIZE_MAX);
    } else if (strcmp(event, "kb_documents") == 0) {
        write_items(w, "content", rd, v, true, SIZE_MAX);
    } else if (strcmp(event, "error") == 0) {
        _cleanup_(buf_done) struct buf now = BUF_INIT(64);
        wall_write(&now, loop_wall_ms(rd->flow->loop));
        jw_str(w, "timestamp", buf_view(&now));
    }
    jw_end_obj(w);
}
