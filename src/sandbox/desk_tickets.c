#include "sandbox/desk.h"

#include <stdio.h>
#include <string.h>

#include "base/wall.h"
#include "sandbox/listing.h"
#include "sandbox/people.h"

/*
 * GET /tickets, /tickets/{id}, /tickets/{id}/conversations and the archived ones.
 *
 * The list's rules that clients trip over are kept: without updated_since only tickets of the last
 * 30 days, per_page over 100 is 400, page 301 is 400 with the vendor's words, includes cost credits
 * (list 1 + 2 each, view 1 + 1 each), a Link header while there is more. updated_since is inclusive.
 * An archived id is 404 here and found under /tickets/archived. Errors are answers; < 0 only when the
 * client left.
 */

#define MONTH_S (INT64_C(30) * 86400)

static int list_cost(int includes)
{
    int cost = 1;
    for (int bits = includes; bits; bits &= bits - 1)
        cost += 2;
    return cost;
}

/* The include list has to be known before credits are taken: a wrong one costs one. */
static int includes_of(struct flow *f, const struct http_request *rq, int allowed)
{
    struct str text;
    return http_query(&f->arena, rq, "include", &text) ? desk_includes(text, allowed) : 0;
}

static int read_filter(struct call *c, struct list_query *q)
{
    struct str text;
    if (!http_query(&c->f->arena, c->rq, "filter", &text))
        return 0;
    if (str_eq(text, STR("deleted")))
        q->kind = TICKET_DELETED;
    else if (str_eq(text, STR("spam")))
        q->kind = TICKET_SPAM;
    else if (str_eq(text, STR("new_and_my_open")) || str_eq(text, STR("watching")))
        q->open_only = true;
    else
        return desk_invalid(c, "filter",
                            "It should be one of these values: "
                            "'new_and_my_open,watching,spam,deleted'",
                            "invalid_value");
    return 0;
}

static int read_order(struct call *c, struct list_query *q)
{
    struct str text;
    q->descending = true;
    if (http_query(&c->f->arena, c->rq, "order_by", &text)) {
        if (str_eq(text, STR("updated_at")))
            q->order = LIST_UPDATED;
        else if (!str_eq(text, STR("created_at")) && !str_eq(text, STR("due_by")) &&
                 !str_eq(text, STR("status")))
            return desk_invalid(c, "order_by",
                                "It should be one of these values: "
                                "'due_by,created_at,updated_at,status'",
                                "invalid_value");
    }
    if (http_query(&c->f->arena, c->rq, "order_type", &text)) {
        if (!str_eq(text, STR("asc")) && !str_eq(text, STR("desc")))
            return desk_invalid(c, "order_type", "It should be one of these values: 'asc,desc'",
                                "invalid_value");
        q->descending = str_eq(text, STR("desc"));
    }
    return 0;
}

static int read_people(struct call *c, struct list_query *q)
{
    int r = 0;
    int64_t id;
    if (!desk_number(c, "requester_id", 0, 1, INT64_MAX, &id, &r))
        return r;
    q->requester = id ? MAX(id - REQUESTER_ID_BASE, 0) : -1;
    if (!desk_number(c, "company_id", 0, 1, INT64_MAX, &id, &r))
        return r;
    q->company = id ? MAX(id - COMPANY_ID_BASE, 0) : -1;
    return 0;
}

static int read_query(struct call *c, struct list_query *q)
{
    struct str text;
    *q = (struct list_query){.created_from_s = LIST_ANY, .updated_from_s = LIST_ANY};
    int64_t at_ms;
    if (http_query(&c->f->arena, c->rq, "updated_since", &text)) {
        if (!wall_parse_iso(text, &at_ms))
            return desk_invalid(c, "updated_since",
                                "It should be in the 'combined date and time ISO8601' format",
                                "invalid_date");
        q->updated_from_s = at_ms / 1000;
    } else {
        q->created_from_s = sandbox_now_s(c->sb) - MONTH_S;
    }
    int r = read_filter(c, q);
    if (r == 0)
        r = read_order(c, q);
    if (r == 0)
        r = read_people(c, q);
    return r;
}

static int read_page(struct call *c, int64_t per_page_default, int64_t *ret_page,
                     int64_t *ret_per_page)
{
    int r = 0;
    if (!desk_number(c, "per_page", per_page_default, 1, 100, ret_per_page, &r))
        return r;
    if (!desk_number(c, "page", 1, 1, INT32_MAX, ret_page, &r))
        return r;
    return 0;
}

static int write_page(struct call *c, const struct list_query *q, int includes, int64_t page,
                      int64_t per_page)
{
    struct listing l;
    listing_open(&l, &c->account->world, q);
    size_t all = listing_count(&l), from = (size_t)((page - 1) * per_page);
    size_t end = MIN(from + (size_t)per_page, all);
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_arr(&w, NULL);
    for (size_t i = from; i < end; i++) {
        struct ticket t;
        listing_at(&l, i, &t);
        desk_write_ticket(&w, NULL, &t, includes, false, 0);
        c->sb->counters.tickets_written++;
    }
    jw_end_arr(&w);
    listing_done(&l);
    if (end < all && from < all)
        call_link_next(c, page + 1);
    return call_json(c, 200, &out);
}

int desk_list(struct flow *f, struct http_exchange *x, void *context)
{
    const int allowed = INCLUDE_STATS | INCLUDE_REQUESTER | INCLUDE_DESCRIPTION | INCLUDE_COMPANY;
    struct call c;
    int includes = includes_of(f, http_request_of(x), allowed);
    int r = desk_begin(&c, context, f, x, ENDPOINT_TICKETS, includes < 0 ? 1 : list_cost(includes));
    if (r != 0)
        return r;
    if (includes < 0)
        return desk_invalid(&c, "include",
                            "It should be one of these values: 'requester,stats,description'",
                            "invalid_value");
    struct list_query q;
    int64_t page = 1, per_page = 30;
    r = read_query(&c, &q);
    if (r == 0)
        r = read_page(&c, 30, &page, &per_page);
    if (r != 0)
        return r;
    if (page > c.sb->knobs.page_max)
        return desk_invalid(&c, "page",
                            "You cannot access tickets beyond the 300th page. Please provide a "
                            "smaller page number.",
                            "invalid_value");
    return write_page(&c, &q, includes, page, per_page);
}

/* ---- one ticket ---- */

static bool find(struct call *c, bool archived, struct ticket *ret_ticket)
{
    int64_t id;
    if (!str_to_i64(http_param(c->x, "id"), &id))
        return false;
    return world_find(&c->account->world, id, ret_ticket) &&
           (ret_ticket->kind == TICKET_ARCHIVED) == archived;
}

static int view(struct flow *f, struct http_exchange *x, void *context, bool archived)
{
    const int allowed = INCLUDE_STATS | INCLUDE_REQUESTER | INCLUDE_CONVERSATIONS | INCLUDE_COMPANY;
    struct call c;
    struct ticket t;
    int includes = includes_of(f, http_request_of(x), allowed), cost = 1;
    for (int bits = MAX(includes, 0); bits; bits &= bits - 1)
        cost++;
    int r = desk_begin(&c, context, f, x, ENDPOINT_TICKET, cost);
    if (r != 0)
        return r;
    if (includes < 0)
        return desk_invalid(
            &c, "include",
            "It should be one of these values: 'conversations,requester,company,stats'",
            "invalid_value");
    if (!find(&c, archived, &t))
        return desk_not_found(&c);
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    desk_write_ticket(&w, NULL, &t, includes | INCLUDE_DESCRIPTION, true,
                      http_server_port(c.sb->server));
    return call_json(&c, 200, &out);
}

int desk_view(struct flow *f, struct http_exchange *x, void *context)
{
    return view(f, x, context, false);
}

int desk_archived(struct flow *f, struct http_exchange *x, void *context)
{
    return view(f, x, context, true);
}

static int conversations(struct flow *f, struct http_exchange *x, void *context, bool archived)
{
    struct call c;
    struct ticket t;
    int64_t page = 1, per_page = 30;
    int r = desk_begin(&c, context, f, x, ENDPOINT_CONVERSATIONS, 1);
    if (r == 0)
        r = read_page(&c, 30, &page, &per_page);
    if (r != 0)
        return r;
    if (!find(&c, archived, &t))
        return desk_not_found(&c);
    int64_t from = (page - 1) * per_page, end = MIN(from + per_page, t.conversation_count);
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_arr(&w, NULL);
    for (int64_t i = from; i < end; i++)
        desk_write_entry(&w, &t, (uint32_t)i, http_server_port(c.sb->server));
    jw_end_arr(&w);
    if (end < t.conversation_count && from < end)
        call_link_next(&c, page + 1);
    return call_json(&c, 200, &out);
}

int desk_conversations(struct flow *f, struct http_exchange *x, void *context)
{
    return conversations(f, x, context, false);
}

int desk_archived_conversations(struct flow *f, struct http_exchange *x, void *context)
{
    return conversations(f, x, context, true);
}
