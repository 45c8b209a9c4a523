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

enum { COUNT_DEFAULT = 5, COUNT_MAX = 20, SOURCES_MAX = 6 };

static int clamp_count(int wanted)
{
    return wanted <= 0 ? COUNT_DEFAULT : MIN(wanted, COUNT_MAX);
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
    int r = v->help->similar ? found_send_tickets(f, v->run, found) : 0;
    if (r >= 0 && (v->help->kb || v->help->solutions))
        r = found_send_articles(f, v->run, found);
    return r < 0 ? run_section_failed(f, v->run, SECTION_SIMILAR, r) : r;
}

int similar_flow(struct flow *f, void *view)
{
    struct ticket_view *v = view;
    struct found found = {.ticket_count = 0};
    int r = run_progress(f, v->run, "similar_tickets", 60, "유사한 티켓을 찾는 중입니다",
                         "Looking for similar tickets");
    if (r < 0)
        return r;
    int status = find_similar(f, v, &found);
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
    if (r >= 0 && status >= 0 && v->help->solutions)
        r = run_progress(f, v->run, "solutions", 90, "해결책을 정리하는 중입니다",
                         "Writing the solutions");
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

/* A section that cannot begin (too many flows) is told like one that failed. */
static int section_begin(struct flow *f, struct group *g, struct ticket_view *v, enum section s,
                         flow_fn *fn)
{
    int r = group_spawn(g, s == SECTION_SUMMARY ? "assist.summary" : "assist.similar", fn, v);
    if (r >= 0)
        return 0;
    err_set(&f->err, r, "%s", err_text(r));
    return run_section_failed(f, v->run, s, r);
}

int assist_ticket(struct flow *f, struct assist *a, const struct caller *who,
                  const struct ticket_help *help, struct sink *out)
{
    struct run run;
    run_begin(f, &run, a, who, help->language, out);
    run.ticket_id = help->ticket_id;
    int r = run_meta(f, &run, "ticket");
    if (r >= 0)
        r = run_progress(f, &run, "ticket_fetch", 10, "티켓을 불러오는 중입니다",
                         "Loading the ticket");
    if (r < 0)
        return r;
    struct ticket_view view = {.run = &run, .help = help, .arena = &f->arena};
    _cleanup_(group_join) struct group sections = GROUP_INIT_ALL(f); /* the others go on */
    view.summary_over = !help->summary;
    if (help->summary)
        r = section_begin(f, &sections, &view, SECTION_SUMMARY, summary_flow);
    if (r < 0)
        return r;
    view.summary_over |= sections.count == 0;
    r = read_ticket(f, &run, help->ticket_id, &view.ticket);
    if (r < 0)
        return r;
    view.has_ticket = true;
    cond_broadcast(&view.ticket_came);
    if (help->full_ticket)
        r = send_ticket(f, &run, &view.ticket);
    if (r >= 0 && (help->similar || help->solutions || help->kb))
        r = section_begin(f, &sections, &view, SECTION_SIMILAR, similar_flow);
    if (r >= 0)
        r = group_wait(f, &sections);
    if (r < 0)
        return r;
    struct str context_id = arena_printf(&f->arena, "ctx_%" PRId64 "_%" PRId64, help->ticket_id,
                                         loop_wall_ms(f->loop) / 1000);
    r = context_keep(f, &run, context_id, view.summary, view.sources);
    if (r < 0)
        r = run_section_failed(f, &run, SECTION_OTHER, r);
    if (r >= 0)
        r = run_progress(f, &run, "complete", 100, "완료되었습니다", "Complete");
    return r < 0 ? r : run_done(f, &run, context_id);
}
