#include "sandbox/chats.h"
#include "sandbox/control.h"

#include <inttypes.h>
#include <string.h>

#include "base/wall.h"

/*
 * GET /sandbox/chats?day=2024-03-15&n=10000&form=json|csv&edges=0|1: the chats of a day with their
 * true categories, for filling a chat table and for checking what became of them.
 *
 *   json   [{"id","text","created_at","question","category_id","category"}, ...]
 *   csv    chatting_pk,input_text,created_at,category_id,category
 *
 * Always the same for a seed, a day and an n. A wrong word is 422.
 */

#define CHATS_MAX 100000
#define DAY_MS INT64_C(86400000)

enum form { FORM_JSON, FORM_CSV };
static const char *const form_names[] = {"json", "csv"};

struct listing {
    int64_t day_ms, count;
    enum form form;
    bool edges;
};

static bool read_number(struct flow *f, const struct http_request *rq, const char *name,
                        int64_t most, int64_t *value)
{
    struct str text;
    if (!http_query(&f->arena, rq, name, &text))
        return true;
    return str_to_i64(text, value) && *value >= 0 && *value <= most;
}

static int read_listing(struct flow *f, const struct http_request *rq, struct listing *l)
{
    struct str text;
    int64_t edges = 0;
    if (http_query(&f->arena, rq, "day", &text) &&
        (text.len != 10 || !wall_parse_iso(text, &l->day_ms)))
        return err_set(&f->err, E_SCHEMA, "day must be a date like 2024-03-15");
    if (!read_number(f, rq, "n", CHATS_MAX, &l->count) || !read_number(f, rq, "edges", 1, &edges))
        return err_set(&f->err, E_SCHEMA, "n must be 0 to %d, edges 0 or 1", CHATS_MAX);
    l->edges = edges == 1;
    if (!http_query(&f->arena, rq, "form", &text))
        return 0;
    for (size_t i = 0; i < ARRAY_COUNT(form_names); i++)
        if (str_eq(text, str_from(form_names[i]))) {
            l->form = (enum form)i;
            return 0;
        }
    return err_set(&f->err, E_SCHEMA, "form must be json or csv");
}

/* "2024-03-15 09:01:02", as DATETIME columns take it. */
static void write_time(struct buf *out, int64_t at_ms)
{
    struct wall_parts t = wall_split(at_ms);
    buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.day, t.hour, t.minute,
               t.second);
}

static void write_quoted(struct buf *out, struct str text)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_byte(out, '"');
        buf_byte(out, text.ptr[i]);
    }
    buf_byte(out, '"');
}

static void write_row(struct buf *out, struct jw *w, const struct listing *l,
                      const struct chat_line *c)
{
    int64_t at_ms = l->day_ms + c->at_s * 1000;
    if (l->form == FORM_JSON) {
        struct buf at = BUF_INIT(0);
        write_time(&at, at_ms);
        jw_obj(w, NULL);
        jw_i64(w, "id", c->id);
        jw_str(w, "text", c->text);
        jw_str(w, "created_at", buf_view(&at));
        jw_i64(w, "question", c->question);
        jw_i64(w, "category_id", topic_id(c->topic));
        jw_text(w, "category", topic_name(c->topic));
        jw_end_obj(w);
        buf_done(&at);
        return;
    }
    buf_printf(out, "%" PRId64 ",", c->id);
    write_quoted(out, c->text);
    buf_byte(out, ',');
    write_time(out, at_ms);
    buf_printf(out, ",%d,\"%s\"\r\n", topic_id(c->topic), topic_name(c->topic));
}

int control_chats(struct flow *f, struct http_exchange *x, void *context)
{
    static const char *const types[] = {"application/json", "text/csv; charset=utf-8"};
    const struct sandbox *sb = context;
    struct listing l = {.count = 1000};
    l.day_ms = sandbox_now_s(sb) * 1000 / DAY_MS * DAY_MS;
    int r = read_listing(f, http_request_of(x), &l);
    if (r < 0)
        return r;
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    if (l.form == FORM_JSON)
        jw_arr(&w, NULL);
    else if (l.form == FORM_CSV)
        buf_text(&out, "chatting_pk,input_text,created_at,category_id,category\r\n");
    struct arena scratch;
    arena_init(&scratch, 0);
    for (int64_t i = 0; i < l.count; i++) {
        struct chat_line line;
        chat_line_make(&scratch, sb->seed, l.day_ms / DAY_MS, (uint32_t)i, (uint32_t)l.count,
                       l.edges, &line);
        write_row(&out, &w, &l, &line);
        if (i % 100 == 99)
            arena_reset(&scratch);
    }
    arena_done(&scratch);
    if (l.form == FORM_JSON)
        jw_end_arr(&w);
    http_set_header(x, "X-Deskstream-Sandbox", STR("1"));
    return http_answer(f, x, 200, types[l.form], buf_view(&out));
}
