/*
 * Freshdesk's answers as they came: pages of tickets, single tickets and threads, checked to be whole JSON
 * of the right kind but not taken apart.
 *
 * Happy path: the body is parsed once, off the loop when it is large, only to know that it is
 * whole; then its text is handed on byte for byte.
 * Fails as account_call says. A body that is not JSON, or another kind of JSON, is E_PROTOCOL and tried
 * again by the account's retry loop, since proxies answer so for moments.
 * Invariant: a thread of several pages becomes one array; a page that repeats the one before it ends it.
 */
#include <inttypes.h>

#include "upstream/freshdesk_call.h"
#include "upstream/reply.h"

#define CHECK_INLINE_BYTES_MAX ((size_t)16 * 1024)
#define PER_PAGE_DEFAULT 30

struct check_work {
    struct str body;
    bool is_array;
    struct err err;
};

static int check(void *arg)
{
    struct check_work *w = arg;
    struct arena a;
    struct json v;
    arena_init(&a, 0);
    int r = json_parse(&a, w->body, &v, &w->err);
    if (r >= 0) {
        w->is_array = json_is_arr(v);
        if (!w->is_array && !json_is_obj(v))
            r = err_set(&w->err, E_JSON, "neither a list nor an object");
    }
    arena_done(&a);
    return r;
}

static int check_reply(struct flow *f, const struct web_reply *reply, bool wants_array)
{
    struct check_work w = {.body = reply->body};
    int r = w.body.len <= CHECK_INLINE_BYTES_MAX ? check(&w) : work_run(f, check, &w);
    if (r == E_JSON)
        return err_set(&f->err, E_PROTOCOL, "the answer is not JSON: %s", w.err.msg);
    if (r < 0)
        return r;
    if (w.is_array != wants_array)
        return err_set(&f->err, E_PROTOCOL, "the answer is not %s",
                       wants_array ? "a list" : "an object");
    return 0;
}

static int check_list(struct flow *f, const struct account_call *call,
                      const struct web_reply *reply)
{
    (void)call;
    return check_reply(f, reply, true);
}

static int check_object(struct flow *f, const struct account_call *call,
                        const struct web_reply *reply)
{
    (void)call;
    return check_reply(f, reply, false);
}

/* How many items an array has whose text was checked before: by its brackets and strings alone. */
static size_t count_items(struct str body)
{
    size_t depth = 0, count = 0;
    bool item = false;
    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        if (c == '"') {
            item |= depth == 1;
            for (i++; i < body.len && body.ptr[i] != '"'; i++)
                i += body.ptr[i] == '\\';
        } else if (c == '[' || c == '{') {
            item |= depth == 1;
            depth++;
        } else if (c == ']' || c == '}') {
            depth--;
        } else if (depth == 1 && c == ',') {
            count++;
        } else if (depth == 1 && (unsigned char)c > ' ') {
            item = true;
        }
    }
    return count + item;
}

int freshdesk_tickets_raw(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                          const struct ticket_list *list, struct freshdesk_raw *ret)
{
    struct freshdesk_reply reply;
    struct freshdesk_get get = {.name = "freshdesk.tickets",
                                .is_list = true,
                                .plain = freshdesk_is_near(fd),
                                .check = check_list};
    get.cost = freshdesk_list_path(&f->arena, list, &get.path);
    int r = freshdesk_send(f, fd, as, &get, &reply);
    if (r < 0)
        return err_wrap(&f->err, r, "tickets page %d", MAX(list->page, 1));
    *ret = (struct freshdesk_raw){.body = reply.web.body, .more = reply.has_next};
    return 0;
}

int freshdesk_ticket_raw(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                         int64_t id, struct freshdesk_raw *ret)
{
    static const char *const bases[] = {"/tickets", "/tickets/archived"};
    for (size_t i = 0; i < ARRAY_COUNT(bases); i++) {
        struct freshdesk_reply reply;
        const struct freshdesk_get get = {
            .name = "freshdesk.ticket",
            .path = arena_printf(&f->arena, "%s/%" PRId64, bases[i], id),
            .plain = freshdesk_is_near(fd),
            .check = check_object,
        };
        int r = freshdesk_send(f, fd, as, &get, &reply);
        const struct freshdesk_answer answer = {.status = reply.status};
        if (freshdesk_is_elsewhere(r, &answer))
            continue;
        if (r < 0)
            return err_wrap(&f->err, r, "ticket %" PRId64, id);
        *ret = (struct freshdesk_raw){.body = reply.web.body, .count = 1, .archived = i > 0};
        return 0;
    }
    return err_set(&f->err, E_NOT_FOUND, "there is no ticket %" PRId64, id);
}

/* The inside of an array's text. */
static struct str inside(struct str body)
{
    body = str_trim(body);
    return body.len < 2 ? STR_NONE : str_trim(str_sub(body, 1, body.len - 2));
}

static int thread(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                  const char *base, int64_t ticket_id, struct freshdesk_raw *ret, int *ret_status)
{
    struct buf *all = NULL;
    struct str before = STR_NONE;
    for (int page = 1; page <= FRESHDESK_PAGE_COUNT_MAX; page++) {
        struct freshdesk_reply reply;
        const struct freshdesk_get get = {
            .name = "freshdesk.conversations",
            .path = arena_printf(&f->arena, "%s/%" PRId64 "/conversations?per_page=%d&page=%d",
                                 base, ticket_id, FRESHDESK_PER_PAGE, page),
            .plain = freshdesk_is_near(fd),
            .check = check_list,
        };
        int r = freshdesk_send(f, fd, as, &get, &reply);
        *ret_status = reply.status;
        if (r < 0)
            return r;
        struct str body = reply.web.body;
        size_t count = count_items(body);
        bool last = count == 0 || str_eq(body, before) ||
                    (!reply.has_next && count < FRESHDESK_PER_PAGE && count != PER_PAGE_DEFAULT);
        if (page == 1 && last) {
            *ret = (struct freshdesk_raw){.body = str_trim(body), .count = count};
            return 0;
        }
        if (all == NULL)
            all = arena_buf(&f->arena, 0);
        if (count > 0 && !str_eq(body, before)) {
            buf_byte(all, page == 1 ? '[' : ',');
            buf_str(all, inside(body));
            ret->count += count;
        }
        before = body;
        if (last) {
            buf_byte(all, ']');
            ret->body = buf_view(all);
            return 0;
        }
    }
    return err_set(&f->err, E_LIMIT, "over %d pages", FRESHDESK_PAGE_COUNT_MAX);
}

int freshdesk_conversations_raw(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                                int64_t ticket_id, struct freshdesk_raw *ret)
{
    static const char *const bases[] = {"/tickets", "/tickets/archived"};
    for (size_t i = 0; i < ARRAY_COUNT(bases); i++) {
        struct freshdesk_answer answer = {.status = 0};
        struct freshdesk_raw got = {.archived = i > 0};
        int r = thread(f, fd, as, bases[i], ticket_id, &got, &answer.status);
        if (freshdesk_is_elsewhere(r, &answer) && got.count == 0)
            continue;
        if (r < 0)
            return err_wrap(&f->err, r, "conversations of ticket %" PRId64, ticket_id);
        *ret = got;
        return 0;
    }
    return err_set(&f->err, E_NOT_FOUND, "ticket %" PRId64 " has no conversations: not found",
                   ticket_id);
}
