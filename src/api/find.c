/*
 * api/find.c: the searches of the June client that ask no model to write (legacy-contracts §1.6):
 * /similar_tickets/{id}, /related_docs/{id} and /search_query.
 *
 * The happy path: the first two are an opened ticket of which only one part is wanted; the third searches
 * tickets and articles for a text. What comes is written in the old shapes, best first.
 * Fails by: 422, 400/401, 404 for a ticket that does not exist, 503 while the stores are away.
 * Invariant: the ticket itself is never among those similar to it.
 */
#include <errno.h>
#include <stdlib.h>

#include "api/input.h"
#include "api/reader.h"
#include "assist/assist.h"

enum { SIMILAR_MAX = 5, RELATED_MAX = 5, RELATED_LEAST = 3, RESULTS_MAX = 20 };
#define RELATED_NEARNESS 0.25 /* as many as reach it, else the first RELATED_LEAST */

/* The first `max` characters, with "..." when that is not all. */
static void write_cut(struct jw *w, const char *key, struct str text, size_t max)
{
    size_t at = 0, count = 0;
    while (at < text.len && count < max) {
        for (at++; at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80;)
            at++;
        count++;
    }
    if (at == text.len)
        jw_str(w, key, text);
    else
        jw_fmt(w, key, "%.*s...", STR_ARG(str_sub(text, 0, at)));
}

static struct str text_of(struct json item, const char *key)
{
    return json_str(json_get(item, key));
}

/* ---- of a ticket ---- */

static void write_similar(struct jw *w, struct json item)
{
    jw_obj(w, NULL);
    shape_id(w, "id", json_get(item, "id"));
    jw_str(w, "title", text_of(item, "subject"));
    jw_str(w, "issue", text_of(item, "symptom"));
    jw_str(w, "solution", text_of(item, "resolution"));
    write_cut(w, "ticket_summary", text_of(item, "symptom"), 200);
    jw_str(w, "ticket_url", text_of(item, "url"));
    jw_f64(w, "similarity_score", shape_nearness(item), 3);
    jw_end_obj(w);
}

static void write_related(struct jw *w, struct json item)
{
    jw_obj(w, NULL);
    shape_id(w, "id", json_get(item, "id"));
    jw_str(w, "title", text_of(item, "title"));
    write_cut(w, "doc_summary", text_of(item, "excerpt"), 200);
    jw_str(w, "url", text_of(item, "url"));
    jw_text(w, "source_type", "kb");
    jw_f64(w, "similarity_score", shape_nearness(item), 3);
    jw_end_obj(w);
}

static size_t related_count(struct json items)
{
    size_t near = 0;
    for (struct json_iter it = json_iter(items); json_next(&it);)
        near += shape_nearness(it.value) >= RELATED_NEARNESS;
    return near > 0 ? MIN(near, RELATED_MAX) : RELATED_LEAST;
}

static void write_of_ticket(struct jw *w, const struct reader *rd, bool kb)
{
    struct json items = json_get(kb ? rd->gather.kb : rd->gather.similar, "items");
    size_t max = kb ? related_count(items) : SIMILAR_MAX;
    jw_obj(w, NULL);
    jw_fmt(w, "ticket_id", "%lld", (long long)rd->ticket_id);
    jw_arr(w, kb ? "related_documents" : "similar_tickets");
    for (struct json_iter it = json_iter(items); json_next(&it) && it.index < max;) {
        if (kb)
            write_related(w, it.value);
        else
            write_similar(w, it.value);
    }
    jw_end_arr(w);
    jw_end_obj(w);
}

static int answer_of_ticket(struct flow *f, struct api *a, struct http_exchange *x, bool kb)
{
    struct input in;
    struct caller who;
    input_begin(&in, f, x);
    struct ticket_help help = {.ticket_id = input_path_id(&in, "ticket_id"),
                               .similar = !kb,
                               .kb = kb,
                               .ticket_count = SIMILAR_MAX,
                               .kb_count = RELATED_MAX};
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    _cleanup_(reader_done) struct reader rd = READER_INIT;
    rd.who = &who;
    rd.ticket_id = help.ticket_id;
    reader_begin(&rd, f, a, x, READER_GATHER, RUN_TICKET);
    r = reader_ticket(f, &rd, &help);
    if (r < 0)
        return r;
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    write_of_ticket(&w, &rd, kb);
    return http_answer_json(f, x, 200, buf_view(out));
}

int on_similar_tickets(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_of_ticket(f, context, x, false);
}

int on_related_docs(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_of_ticket(f, context, x, true);
}

/* ---- of a text ---- */

struct result {
    struct json item;
    bool kb;
    double near;
};

static int nearest_first(const void *a, const void *b)
{
    const struct result *x = a, *y = b;
    return (x->near < y->near) - (x->near > y->near);
}

static size_t add_results(struct json items, bool kb, struct result *results, size_t count)
{
    for (struct json_iter it = json_iter(items); json_next(&it) && count < 2 * RESULTS_MAX;)
        results[count++] = (struct result){it.value, kb, shape_nearness(it.value)};
    return count;
}

static void write_result(struct jw *w, const struct result *result)
{
    struct json item = result->item;
    bool kb = result->kb;
    jw_obj(w, NULL);
    shape_id(w, "id", json_get(item, "id"));
    jw_str(w, "title", text_of(item, kb ? "title" : "subject"));
    write_cut(w, "content_summary", text_of(item, kb ? "excerpt" : "symptom"), 300);
    jw_text(w, "source_type", kb ? "kb" : "ticket");
    jw_str(w, "url", text_of(item, "url"));
    jw_f64(w, "similarity_score", result->near, 3);
    jw_json(w, "created_at", json_get(item, "created_at"));
    jw_obj(w, "metadata");
    jw_json(w, "status", json_get(item, "status"));
    jw_json(w, "updated_at", json_get(item, "updated_at"));
    jw_end_obj(w);
    jw_end_obj(w);
}

static void write_results(struct jw *w, const struct reader *rd, struct str query, size_t max)
{
    struct result results[2 * RESULTS_MAX];
    size_t count = add_results(json_get(rd->gather.similar, "items"), false, results, 0);
    count = add_results(json_get(rd->gather.kb, "items"), true, results, count);
    qsort(results, count, sizeof(results[0]), nearest_first);
    count = MIN(count, max);
    jw_obj(w, NULL);
    jw_str(w, "query", query);
    jw_arr(w, "results");
    for (size_t i = 0; i < count; i++)
        write_result(w, &results[i]);
    jw_end_arr(w);
    jw_i64(w, "total_results", (int64_t)count);
    jw_i64(w, "search_time_ms", (int64_t)shape_elapsed_ms(rd));
    jw_end_obj(w);
}

static bool has_kind(struct json kinds, const char *name)
{
    for (struct json_iter it = json_iter(kinds); json_next(&it);) {
        if (str_starts(json_str(it.value), str_from(name)))
            return true;
    }
    return false;
}

int on_search_query(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct input in;
    struct caller who;
    input_begin(&in, f, x);
    input_body(&in, INPUT_REQUIRED);
    struct search_wish wish = {.text = input_text(&in, "query", INPUT_REQUIRED)};
    int64_t top = input_int(&in, "top_k", 3);
    struct json kinds = input_texts(&in, "type");
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    int count = (int)MAX(1, MIN(top, RESULTS_MAX));
    bool tickets = has_kind(kinds, "ticket"), kb = has_kind(kinds, "solution");
    wish.ticket_count = tickets || !kb ? count : 0;
    wish.kb_count = kb || !tickets ? count : 0;
    _cleanup_(reader_done) struct reader rd = READER_INIT;
    rd.who = &who;
    reader_begin(&rd, f, a, x, READER_GATHER, RUN_QUESTION);
    _cleanup_(deadline_done) struct deadline d = deadline(
        f, (uint64_t)a->spec.config->assist_timeout_ms);
    r = assist_search(f, a->spec.assist, &who, &wish, &rd.sink);
    if (r < 0)
        return reader_failed(f, &rd, r);
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    write_results(&w, &rd, wish.text, (size_t)count);
    return http_answer_json(f, x, 200, buf_view(out));
}
