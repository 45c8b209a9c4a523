/*
 * The section "solutions": fixes from the knowledge base and past tickets, written by the model, each step
 * with its source.
 *
 * Happy path: prompt with the ticket and the numbered sources -> deltas while the model writes -> one event
 * with the checked items. A model that says no source fits gives an empty list. When the model fails or writes nothing usable, the items are copied from the
 * sources and say so (generated: false). No source at all: an empty list, no model is asked.
 */
#include "assist/run.h"
#include "assist/steps.h"

enum { SOLUTION_TOKENS = 900 };

struct solution_listener {
    struct listener listener;
    struct run *run;
    struct steps_reader reader;
};

static int on_piece(struct flow *f, struct listener *l, struct str piece)
{
    struct solution_listener *s = container_of(l, struct solution_listener, listener);
    _cleanup_(buf_done) struct buf show = BUF_INIT(0);
    steps_feed(&s->reader, piece, &show);
    return show.len ? run_delta(f, s->run, "solution.delta", buf_view(&show)) : 0;
}

static void write_item(struct jw *w, const struct solution *item)
{
    jw_obj(w, NULL);
    jw_str(w, "title", item->title);
    jw_arr(w, "steps");
    for (size_t i = 0; i < item->step_count; i++) {
        jw_obj(w, NULL);
        jw_str(w, "text", item->steps[i].text);
        jw_i64(w, "source", item->steps[i].source);
        jw_str_or_null(w, "quote", item->steps[i].quote);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    jw_end_obj(w);
}

static void listener_done(struct solution_listener *s)
{
    steps_done(&s->reader);
}

static int send_solutions(struct flow *f, struct run *run, const struct steps_reader *reader,
                          bool generated)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "solutions");
    jw_arr(w, "items");
    for (size_t i = 0; i < reader->item_count; i++)
        write_item(w, &reader->items[i]);
    jw_end_arr(w);
    sources_write(w, "sources", reader->sources, reader->source_count);
    jw_bool(w, "generated", generated);
    jw_i64(w, "dropped_quotes", reader->dropped_quotes);
    jw_i64(w, "dropped_steps", reader->dropped_steps);
    return notice_send(f, run, &n);
}

/* Lets the model write; its failure is told, what it wrote before stays. */
static int write_solutions(struct flow *f, struct run *run, const struct ticket *t,
                           struct solution_listener *s)
{
    struct buf *user = arena_buf(&f->arena, 0);
    prompt_ticket(user, t, NULL, 0, false);
    prompt_sources(user, s->reader.sources, s->reader.source_count);
    struct ask ask = {
        .task = "solutions",
        .user = buf_view(user),
        .ticket_id = t->id,
        .max_tokens = SOLUTION_TOKENS,
        .temperature = 0.1,
        .sources = sources_json(&f->arena, s->reader.sources, s->reader.source_count),
    };
    struct str text;
    int r = model_tell(f, run, &ask, &s->listener, &text);
    if (r < 0)
        r = run_section_failed(f, run, SECTION_SOLUTIONS, r);
    if (r < 0)
        return r;
    _cleanup_(buf_done) struct buf show = BUF_INIT(0);
    steps_finish(&s->reader, &show);
    return show.len ? run_delta(f, run, "solution.delta", buf_view(&show)) : 0;
}

int solutions_run(struct flow *f, struct run *run, const struct ticket *t,
                  const struct source *sources, size_t source_count)
{
    _cleanup_(listener_done) struct solution_listener s = {.listener.hear = on_piece, .run = run};
    steps_init(&s.reader, &f->arena, sources, source_count);
    int r = source_count ? write_solutions(f, run, t, &s) : 0;
    if (r < 0)
        return r;
    bool generated = s.reader.item_count > 0 || s.reader.none;
    if (!generated)
        steps_extract(&s.reader);
    r = send_solutions(f, run, &s.reader, generated);
    run_section_done(f, run, SECTION_SOLUTIONS);
    return r;
}
