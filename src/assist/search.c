/*
 * assist/search.c: what a search found, told as events; and the search alone, without a model's words.
 *
 * The happy path: retrieve, then one event with the tickets and one with the articles, best first.
 * Fails by: E_INPUT for an empty text, what retrieve says. A way of searching that failed while another
 * worked is an error event of the section, and `degraded` in what follows.
 * Invariant: items say why they were found, and how near they are.
 */
#include "assist/run.h"
#include "base/wall.h"

static void write_why(struct jw *w, unsigned why)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{WHY_SYMPTOM, "symptom"}, {WHY_CAUSE, "cause"},   {WHY_RESOLUTION, "resolution"},
                 {WHY_TEXT, "text"},       {WHY_SOLVED, "solved"}, {WHY_RECENT, "recent"}};
    jw_arr(w, "why");
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (why & names[i].bit)
            jw_text(w, NULL, names[i].name);
    }
    jw_end_arr(w);
}

static void write_time(struct jw *w, const char *key, int64_t at_ms)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(64);
    if (at_ms == WALL_NONE)
        jw_null(w, key);
    else {
        wall_write(&text, at_ms);
        jw_str(w, key, buf_view(&text));
    }
}

static void write_ticket_item(struct flow *f, struct run *run, struct jw *w,
                              const struct found_ticket *t)
{
    jw_obj(w, NULL);
    jw_i64(w, "id", t->card.id);
    jw_str(w, "subject", t->card.subject);
    jw_text(w, "status", ticket_status_name(t->card.status));
    jw_i64(w, "priority", t->card.priority);
    jw_f64(w, "score", t->score, 4);
    jw_f64(w, "similarity", t->similarity, 4);
    write_time(w, "updated_at", t->card.updated_at);
    jw_str(w, "url", ticket_url(&f->arena, run->who, t->card.id));
    write_why(w, t->why);
    jw_str_or_null(w, "symptom", str_cut_utf8(t->card.symptom, 600));
    jw_str_or_null(w, "cause", str_cut_utf8(t->card.cause, 600));
    jw_str_or_null(w, "resolution", str_cut_utf8(t->card.resolution, 1200));
    jw_end_obj(w);
}

int found_send_tickets(struct flow *f, struct run *run, const struct found *found)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "similar_tickets");
    jw_arr(w, "items");
    for (size_t i = 0; i < found->ticket_count; i++)
        write_ticket_item(f, run, w, &found->tickets[i]);
    jw_end_arr(w);
    jw_bool(w, "degraded", found->search_status < 0);
    jw_bool(w, "nothing_synced", found->nothing_synced);
    run_section_done(f, run, SECTION_SIMILAR);
    return notice_send(f, run, &n);
}

int found_send_articles(struct flow *f, struct run *run, const struct found *found)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "kb_documents");
    jw_arr(w, "items");
    for (size_t i = 0; i < found->article_count; i++) {
        const struct found_article *a = &found->articles[i];
        jw_obj(w, NULL);
        jw_i64(w, "id", a->card.id);
        jw_str(w, "title", a->card.title);
        jw_str(w, "excerpt", str_cut_utf8(a->card.body_text, 600));
        jw_str(w, "url", article_url(&f->arena, run->who, a->card.id));
        jw_f64(w, "score", a->score, 4);
        jw_f64(w, "similarity", a->similarity, 4);
        jw_i64(w, "visibility", a->card.visibility);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    jw_bool(w, "degraded", found->search_status < 0);
    return notice_send(f, run, &n);
}

int assist_search(struct flow *f, struct assist *a, const struct caller *who,
                  const struct search_wish *wish, struct sink *out)
{
    struct run run;
    struct found found;
    struct wanted wanted = {
        .text = wish->text, .ticket_count = wish->ticket_count, .article_count = wish->kb_count};
    if (str_trim(wish->text).len == 0)
        return err_set(&f->err, E_INPUT, "the search text is empty");
    run_begin(f, &run, a, who, STR(""), out);
    int r = retrieve(f, &run, &wanted, &found);
    if (r >= 0 && found.search_status < 0) {
        f->err = found.search_err;
        r = run_section_failed(f, &run, SECTION_SIMILAR, found.search_status);
    }
    if (r >= 0 && wish->ticket_count > 0)
        r = found_send_tickets(f, &run, &found);
    if (r >= 0 && wish->kb_count > 0)
        r = found_send_articles(f, &run, &found);
    return MIN(r, 0);
}
