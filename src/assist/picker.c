/*
 * assist/picker.c: the newest tickets, so that a page can offer some to open.
 *
 * The happy path: the stored tickets, newest first. While nothing has been synced yet, one page of
 * Freshdesk's list instead. Fails by: the database or Freshdesk being away.
 * Invariant: one event is sent, and nothing is written.
 */
#include "assist/picker.h"

#include "assist/run.h"
#include "base/wall.h"

struct card {
    int64_t id, updated_at;
    struct str subject;
    int status, priority;
};

static void write_card(struct jw *w, const struct card *c)
{
    _cleanup_(buf_done) struct buf at = BUF_INIT(64);
    jw_obj(w, NULL);
    jw_i64(w, "id", c->id);
    jw_str(w, "subject", c->subject);
    jw_text(w, "status", ticket_status_name(c->status));
    jw_i64(w, "priority", c->priority);
    if (c->updated_at != WALL_NONE)
        wall_write(&at, c->updated_at);
    jw_str_or_null(w, "updated_at", buf_view(&at));
    jw_end_obj(w);
}

static int write_live(struct flow *f, struct assist *a, const struct caller *who, int limit,
                      struct jw *w)
{
    struct freshdesk_as as = {
        .domain = who->domain, .api_key = who->api_key, .priority = PRIORITY_LIVE};
    struct ticket_list list = {
        .updated_since = WALL_NONE, .page = 1, .per_page = limit, .descending = true};
    struct ticket_page page;
    int r = freshdesk_tickets(f, a->spec.freshdesk, &as, &list, &page);
    for (size_t i = 0; r >= 0 && i < page.count; i++) {
        const struct ticket *t = &page.tickets[i];
        write_card(w, &(struct card){t->id, t->updated_at, t->subject, t->status, t->priority});
    }
    return r;
}

int assist_tickets(struct flow *f, struct assist *a, const struct caller *who, int limit,
                   struct sink *out)
{
    struct ticket_card *cards = NULL;
    size_t count = 0;
    int r = tickets_newest(f, a->spec.pool, who->tenant_id, limit, &cards, &count);
    if (r < 0)
        return r;
    struct buf *json = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(json);
    jw_obj(&w, NULL);
    jw_text(&w, "type", "tickets");
    jw_arr(&w, "tickets");
    for (size_t i = 0; i < count; i++) {
        const struct ticket_card *t = &cards[i];
        write_card(&w, &(struct card){t->id, t->updated_at, t->subject, t->status, t->priority});
    }
    if (count == 0)
        r = write_live(f, a, who, limit, &w);
    if (r < 0)
        return r;
    jw_end_arr(&w);
    jw_end_obj(&w);
    return sink_send(f, out, "tickets", buf_view(json));
}
