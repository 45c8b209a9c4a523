/*
 * The section "summary": what the ticket is about, while the model writes it.
 *
 * Happy path: the thread is fetched while the first flow fetches the ticket; when both are there the model
 * writes (format summary-v1 of config/prompts), each piece is a delta, and at the end one event holds the
 * whole with its key points. A model that ignores the format still gives a summary: then all is text.
 * Invariant: however it ends, summary_over is set and those who wait for their turn are woken.
 */
#include "assist/run.h"

enum { SUMMARY_TOKENS = 512, KEY_POINTS_MAX = 8 };

struct summary_listener {
    struct listener listener;
    struct run *run;
};

static int on_piece(struct flow *f, struct listener *l, struct str piece)
{
    struct summary_listener *s = container_of(l, struct summary_listener, listener);
    return run_delta(f, s->run, "summary.delta", piece);
}

struct summary {
    struct buf *text;
    struct str points[KEY_POINTS_MAX];
    size_t point_count;
    struct str sentiment, urgency;
};

/* "감정: 부정적" or "Sentiment: negative": the part behind the label. */
static bool take_label(struct str line, struct str ko, struct str en, struct str *ret_value)
{
    struct str label = str_starts(line, ko) ? ko : en;
    if (!str_starts_nocase(line, label))
        return false;
    struct str rest = str_trim(str_sub(line, label.len, line.len));
    if (!str_starts(rest, STR(":")))
        return false;
    *ret_value = str_trim(str_sub(rest, 1, rest.len));
    return true;
}

static void summary_parse(struct arena *a, struct str text, struct summary *ret_summary)
{
    struct summary s = {.text = arena_buf(a, 0)};
    struct str line;
    while (str_cut(&text, '\n', &line)) {
        line = str_trim(line);
        bool is_point = str_starts(line, STR("- ")) || str_starts(line, STR("* "));
        if (is_point && s.point_count < KEY_POINTS_MAX) {
            s.points[s.point_count++] = str_trim(str_sub(line, 2, line.len));
        } else if (line.len && !take_label(line, STR("감정"), STR("sentiment"), &s.sentiment) &&
                   !take_label(line, STR("긴급도"), STR("urgency"), &s.urgency)) {
            if (s.text->len)
                buf_byte(s.text, '\n');
            buf_str(s.text, line);
        }
    }
    *ret_summary = s;
}

static int send_summary(struct flow *f, struct run *run, const struct summary *s)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "summary");
    jw_str(w, "text", buf_view(s->text));
    jw_arr(w, "key_points");
    for (size_t i = 0; i < s->point_count; i++)
        jw_str(w, NULL, s->points[i]);
    jw_end_arr(w);
    jw_str_or_null(w, "sentiment", s->sentiment);
    jw_str_or_null(w, "urgency", s->urgency);
    return notice_send(f, run, &n);
}

static int write_summary(struct flow *f, struct ticket_view *v)
{
    struct conversation *talks;
    size_t talk_count;
    int r = read_talks(f, v->run, v->help->ticket_id, &talks, &talk_count);
    while (r >= 0 && !v->has_ticket)
        r = cond_wait(f, &v->ticket_came);
    if (r < 0)
        return r;
    r = run_progress(f, v->run, "analysis", 20, "티켓을 요약하는 중입니다",
                     "Summarising the ticket");
    if (r < 0)
        return r;
    struct buf *user = arena_buf(&f->arena, 0);
    prompt_ticket(user, &v->ticket, talks, talk_count, false);
    struct ask ask = {.task = "summary",
                      .user = buf_view(user),
                      .ticket_id = v->ticket.id,
                      .max_tokens = SUMMARY_TOKENS,
                      .temperature = 0.2};
    struct summary_listener to = {.listener.hear = on_piece, .run = v->run};
    struct str text;
    r = model_tell(f, v->run, &ask, &to.listener, &text);
    if (r < 0)
        return r;
    struct summary summary;
    summary_parse(&f->arena, text, &summary);
    v->summary = arena_str(v->arena, buf_view(summary.text));
    run_section_done(f, v->run, SECTION_SUMMARY);
    return send_summary(f, v->run, &summary);
}

int summary_flow(struct flow *f, void *view)
{
    struct ticket_view *v = view;
    int r = write_summary(f, v);
    if (r < 0)
        r = run_section_failed(f, v->run, SECTION_SUMMARY, r);
    v->summary_over = true;
    cond_broadcast(&v->summary_ended);
    return r;
}
