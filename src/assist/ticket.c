/*
 * The main flow: an opened ticket.
 *
 *   meta -> ticket ------------------> similar_tickets -> kb_documents -> solutions -> usage, done
 *        \-> thread -> summary.delta... summary (when ticket and thread are there)
 *
 * Happy path: assist_ticket reads top to bottom. A section that fails is an error event and the others go
 * on; no ticket, a reader that left or the run's deadline end the whole. Invariant: nothing is sent after
 * done, and no child lives when assist_ticket returns.
 */
#include <inttypes.h>

#include "assist/run.h"
#include "base/wall.h"

enum { COUNT_DEFAULT = 5, COUNT_MAX = 20, SOURCES_MAX = 6 };

static int clamp_count(int wanted)
{
    return wanted <= 0 ? COUNT_DEFAULT : MIN(wanted, COUNT_MAX);
}

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

static int send_tickets(struct flow *f, struct run *run, const struct found *found)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "similar_tickets");
    jw_arr(w, "items");
    for (size_t i = 0; i < found->ticket_count; i++)
        write_ticket_item(f, run, w, &found->tickets[i]);
    jw_end_arr(w);
    jw_bool(w, "degraded", found->search_status < 0);
    run_section_done(f, run, SECTION_SIMILAR);
    return notice_send(f, run, &n);
}

static int send_articles(struct flow *f, struct run *run, const struct found *found)
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

/* A way to search failed: each section that would have used it says why. */
static int tell_degraded(struct flow *f, struct ticket_view *v, const struct found *found)
{
    int r = 0;
    f->err = found->search_err;
    if (v->help->similar || !v->help->solutions)
        r = run_section_failed(f, v->run, SECTION_SIMILAR, found->search_status);
    f->err = found->search_err;
    if (r >= 0 && v->help->solutions)
        r = run_section_failed(f, v->run, SECTION_SOLUTIONS, found->search_status);
    return r;
}

static int find_similar(struct flow *f, struct ticket_view *v, struct found *ret_found)
{
    bool wants_kb = v->help->kb || v->help->solutions;
    struct wanted wanted = {
        .text = arena_printf(&f->arena, "%.*s\n\n%.*s", STR_ARG(v->ticket.subject),
                             STR_ARG(v->ticket.description_text)),
        .exclude_id = v->ticket.id,
        .ticket_count = v->help->similar || v->help->solutions ? clamp_count(v->help->ticket_count)
                                                               : 0,
        .article_count = wants_kb ? clamp_count(v->help->kb_count) : 0,
    };
    return retrieve(f, v->run, &wanted, ret_found);
}

static int show_solutions(struct flow *f, struct ticket_view *v, const struct found *found)
{
    struct source sources[SOURCES_MAX];
    size_t count = found_sources(f, v->run, found, SOURCES_MAX, false, sources);
    v->sources = arena_str(v->arena, sources_json(&f->arena, sources, count));
    if (!v->help->solutions)
        return 0;
    int r = solutions_run(f, v->run, &v->ticket, sources, count);
    return r < 0 ? run_section_failed(f, v->run, SECTION_SOLUTIONS, r) : r;
}

static int show_found(struct flow *f, struct ticket_view *v, const struct found *found)
{
    int r = v->help->similar ? send_tickets(f, v->run, found) : 0;
    if (r >= 0 && (v->help->kb || v->help->solutions))
        r = send_articles(f, v->run, found);
    return r < 0 ? run_section_failed(f, v->run, SECTION_SIMILAR, r) : r;
}

int similar_flow(struct flow *f, void *view)
{
    struct ticket_view *v = view;
    struct found found = {.ticket_count = 0};
    int status = find_similar(f, v, &found), r = 0;
    if (status < 0) {
        found.search_status = status;
        found.search_err = f->err;
    }
    while (r >= 0 && v->help->strict_order && !v->summary_over)
        r = cond_wait(f, &v->summary_ended);
    if (r >= 0 && found.search_status < 0)
        r = tell_degraded(f, v, &found);
    if (r >= 0 && status >= 0)
        r = show_found(f, v, &found);
    if (r >= 0 && status >= 0)
        r = show_solutions(f, v, &found);
    return MIN(r, 0);
}

static int send_ticket(struct flow *f, struct run *run, const struct ticket *t)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    jw_json(notice_begin(&n, "ticket"), "ticket", t->json);
    return notice_send(f, run, &n);
}

int assist_ticket(struct flow *f, struct assist *a, const struct caller *who,
                  const struct ticket_help *help, struct sink *out)
{
    struct run run;
    run_begin(f, &run, a, who, help->language, out);
    run.ticket_id = help->ticket_id;
    int r = run_meta(f, &run, "ticket");
    if (r < 0)
        return r;
    struct ticket_view view = {.run = &run, .help = help, .arena = &f->arena};
    _cleanup_(group_join) struct group sections = GROUP_INIT(f);
    view.summary_over = !help->summary;
    if (help->summary)
        group_spawn(&sections, "assist.summary", summary_flow, &view);
    r = read_ticket(f, &run, help->ticket_id, &view.ticket);
    if (r < 0)
        return err_wrap(&f->err, r, "ticket %" PRId64, help->ticket_id);
    view.has_ticket = true;
    cond_broadcast(&view.ticket_came);
    if (help->full_ticket)
        r = send_ticket(f, &run, &view.ticket);
    if (r >= 0 && (help->similar || help->solutions || help->kb))
        group_spawn(&sections, "assist.similar", similar_flow, &view);
    if (r >= 0)
        r = group_wait(f, &sections);
    if (r < 0)
        return r;
    struct str context_id = arena_printf(&f->arena, "ctx_%" PRId64 "_%" PRId64, help->ticket_id,
                                         loop_wall_ms(f->loop) / 1000);
    r = context_keep(f, &run, context_id, view.summary, view.sources);
    if (r < 0)
        r = run_section_failed(f, &run, SECTION_OTHER, r);
    return r < 0 ? r : run_done(f, &run, context_id);
}
