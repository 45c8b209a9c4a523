#include "sandbox/desk.h"

#include <string.h>

#include "base/wall.h"
#include "sandbox/people.h"

/*
 * GET /search/tickets?query="...": a subset of the query language over the computed tickets.
 *
 *   or   := and ("OR" and)*        and := term ("AND" term)*
 *   term := "(" or ")" | field ":" [">" | "<"] value        value := number | 'text' | null
 *
 * Fields: status, priority, type, tag, agent_id, group_id, created_at, updated_at (whole UTC days; >
 * and < include the day). 30 rows a page, pages 1..10, `total` is the true count. A conjunction's
 * created_at bounds the walk; it yields every some thousand tickets so that others are served.
 * Bad syntax or an unknown field is 400 in shape A.
 */

#define TERM_MAX 24
#define PER_PAGE 30
#define PAGE_MAX 10
#define YIELD_EVERY 5000
#define DAY_S 86400

enum term_field { STATUS, PRIORITY, TYPE, TAG, AGENT, GROUP, CREATED, UPDATED, FIELD_COUNT };
static const char *const fields[FIELD_COUNT] = {"status",   "priority", "type",       "tag",
                                                "agent_id", "group_id", "created_at", "updated_at"};

struct term {
    enum term_field field;
    char op; /* '=', '>' (from), '<' (to) */
    bool is_null;
    int64_t number; /* or the day's first second */
    struct str text;
};

/* The tree as postfix: a term's number, or AND, OR. */
enum { OP_AND = -1, OP_OR = -2 };

struct query {
    struct str rest;
    struct term terms[TERM_MAX];
    size_t term_count;
    int8_t code[2 * TERM_MAX];
    size_t code_count;
    bool bad, has_or;
};

static void blank(struct query *q)
{
    while (q->rest.len && q->rest.ptr[0] == ' ')
        q->rest = str_sub(q->rest, 1, q->rest.len);
}

static bool eat(struct query *q, const char *word)
{
    blank(q);
    if (!str_starts(q->rest, str_from(word)))
        return false;
    q->rest = str_sub(q->rest, strlen(word), q->rest.len);
    return true;
}

static struct str take_value(struct query *q)
{
    if (eat(q, "'")) {
        struct str text = STR_NONE;
        if (str_find(q->rest, STR("'"), 0) == SIZE_MAX || !str_cut(&q->rest, '\'', &text))
            q->bad = true;
        return text;
    }
    size_t n = 0;
    while (n < q->rest.len && q->rest.ptr[n] != ' ' && q->rest.ptr[n] != ')')
        n++;
    struct str text = str_sub(q->rest, 0, n);
    q->rest = str_sub(q->rest, n, q->rest.len);
    return text;
}

static void read_value(struct query *q, struct term *t)
{
    t->text = take_value(q);
    t->is_null = str_eq(t->text, STR("null"));
    if (t->is_null || t->field == TYPE || t->field == TAG)
        return;
    int64_t at_ms;
    if (t->field == CREATED || t->field == UPDATED) {
        if (t->text.len != 10 || !wall_parse_iso(t->text, &at_ms))
            q->bad = true;
        else
            t->number = at_ms / 1000;
        return;
    }
    if (!str_to_i64(t->text, &t->number))
        q->bad = true;
}

static void read_term(struct query *q)
{
    struct term *t = &q->terms[q->term_count];
    size_t field = 0;
    blank(q);
    for (; field < FIELD_COUNT; field++)
        if (str_starts(q->rest, str_from(fields[field])) && q->rest.len > strlen(fields[field]) &&
            q->rest.ptr[strlen(fields[field])] == ':')
            break;
    if (field == FIELD_COUNT || q->term_count == TERM_MAX) {
        q->bad = true;
        return;
    }
    q->rest = str_sub(q->rest, strlen(fields[field]) + 1, q->rest.len);
    *t = (struct term){.field = (enum term_field)field, .op = '='};
    if (eat(q, ">"))
        t->op = '>';
    else if (eat(q, "<"))
        t->op = '<';
    read_value(q, t);
    q->code[q->code_count++] = (int8_t)q->term_count++;
}

static void read_or(struct query *q, int depth);

static void read_and(struct query *q, int depth)
{
    for (int n = 0; !q->bad; n++) {
        if (eat(q, "(")) {
            read_or(q, depth + 1);
            if (!q->bad && !eat(q, ")"))
                q->bad = true;
        } else {
            read_term(q);
        }
        if (n && !q->bad)
            q->code[q->code_count++] = OP_AND;
        if (!eat(q, "AND"))
            return;
    }
}

static void read_or(struct query *q, int depth)
{
    if (depth > 8)
        q->bad = true;
    for (int n = 0; !q->bad; n++) {
        read_and(q, depth);
        if (n && !q->bad)
            q->code[q->code_count++] = OP_OR;
        if (!eat(q, "OR"))
            return;
        q->has_or = true;
    }
}

/* ---- matching ---- */

static bool compare(const struct term *t, int64_t value)
{
    if (t->op == '>')
        return value >= t->number;
    return t->op == '<' ? value <= t->number : value == t->number;
}

static bool in_days(const struct term *t, int64_t at_s)
{
    if (t->op == '>')
        return at_s >= t->number;
    if (t->op == '<')
        return at_s < t->number + DAY_S;
    return at_s >= t->number && at_s < t->number + DAY_S;
}

static bool term_fits(const struct term *term, const struct ticket *t)
{
    switch (term->field) {
    case STATUS: return compare(term, t->status);
    case PRIORITY: return compare(term, t->priority);
    case TYPE: return str_eq(term->text, str_from(ticket_type_name(t->type)));
    case TAG: return str_eq(term->text, str_from(family_at(t->family)->tag));
    case AGENT:
        return term->is_null ? t->agent == 0 : t->agent && compare(term, AGENT_ID_BASE + t->agent);
    case GROUP: return !term->is_null && compare(term, GROUP_ID_BASE + t->group);
    case CREATED: return in_days(term, t->created_s);
    case UPDATED: return in_days(term, t->updated_s);
    default: return false;
    }
}

static bool query_fits(const struct query *q, const struct ticket *t)
{
    bool stack[2 * TERM_MAX + 1] = {false};
    size_t top = 0;
    for (size_t i = 0; i < q->code_count; i++) {
        if (q->code[i] >= 0) {
            stack[top++] = term_fits(&q->terms[q->code[i]], t);
            continue;
        }
        bool b = stack[--top], a = stack[--top];
        stack[top++] = q->code[i] == OP_AND ? a && b : a || b;
    }
    return top == 1 && stack[0];
}

static void bound(const struct query *q, const struct world *w, uint32_t *ret_from,
                  uint32_t *ret_to)
{
    *ret_from = 0;
    *ret_to = w->spec.ticket_count;
    for (size_t i = 0; i < q->term_count && !q->has_or; i++) {
        const struct term *t = &q->terms[i];
        if (t->field != CREATED)
            continue;
        if (t->op != '<')
            *ret_from = MAX(*ret_from, world_index_from(w, t->number));
        if (t->op != '>')
            *ret_to = MIN(*ret_to, world_index_from(w, t->number + DAY_S));
    }
}

static int answer(struct call *c, const struct query *q, int64_t page)
{
    const struct world *world = &c->account->world;
    uint32_t from, to;
    int64_t total = 0, first = (page - 1) * PER_PAGE;
    _cleanup_(buf_done) struct buf rows = BUF_INIT(0);
    struct jw w = JW_INIT(&rows);
    bound(q, world, &from, &to);
    jw_arr(&w, NULL);
    for (uint32_t i = to; i-- > from;) {
        struct ticket t;
        world_ticket(world, i, &t);
        if (t.kind == TICKET_LISTED && query_fits(q, &t)) {
            if (total >= first && total < first + PER_PAGE)
                desk_write_ticket(&w, NULL, &t, INCLUDE_DESCRIPTION, false, 0);
            total++;
        }
        if (i % YIELD_EVERY != 0)
            continue;
        int r = flow_yield(c->f);
        if (r < 0)
            return r;
    }
    jw_end_arr(&w);
    struct buf out = BUF_INIT(0);
    struct jw o = JW_INIT(&out);
    jw_obj(&o, NULL);
    jw_raw(&o, "results", buf_view(&rows));
    jw_i64(&o, "total", total);
    jw_end_obj(&o);
    return call_json(c, 200, &out);
}

int desk_search(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    struct str text;
    int64_t page;
    int r = desk_begin(&c, context, f, x, ENDPOINT_SEARCH, 1);
    if (r != 0)
        return r;
    if (!desk_number(&c, "page", 1, 1, PAGE_MAX, &page, &r))
        return r;
    if (!http_query(&f->arena, c.rq, "query", &text) || text.len < 3 || text.ptr[0] != '"' ||
        text.ptr[text.len - 1] != '"' || text.len > 514)
        return desk_invalid(&c, "query",
                            "The query must be in double quotes and at most 512 characters",
                            "invalid_value");
    struct query *q = ARENA_NEW(&f->arena, struct query);
    q->rest = str_sub(text, 1, text.len - 2);
    read_or(q, 0);
    blank(q);
    if (q->bad || q->rest.len)
        return desk_invalid(&c, "query", "The query is not valid", "invalid_field");
    return answer(&c, q, page);
}
