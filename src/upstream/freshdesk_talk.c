/*
 * The conversations of one ticket, all pages, oldest first.
 *
 * Happy path: GET /tickets/{id}/conversations?per_page=100, page after page while a Link header says so or
 * the page was full. Full means 100 rows, or 30: whether per_page is obeyed here is not documented.
 * Fails with E_NOT_FOUND when neither the ticket nor an archived one has a list; E_LIMIT past 300 pages.
 * Invariant: no entry twice, and the walk ends even when the peer repeats one page for ever: a page that
 * brings nothing new is the last.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "upstream/freshdesk_call.h"

#define PER_PAGE_DEFAULT 30

struct talk_list {
    struct conversation *items; /* heap while it grows */
    size_t count, cap;
};

static void talk_list_done(struct talk_list *l)
{
    mem_free(l->items);
}

static int by_age(const void *left, const void *right)
{
    const struct conversation *a = left, *b = right;
    if (a->created_at != b->created_at)
        return a->created_at < b->created_at ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static int by_id(const void *left, const void *right)
{
    const struct conversation *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* Adds a page; returns how many entries were new. Items stay sorted by id meanwhile. */
static size_t talk_list_add(struct flow *f, struct talk_list *l, struct json page)
{
    size_t old_count = l->count, added = 0;
    struct err ignored;
    for (struct json_iter it = json_iter(page); json_next(&it);) {
        struct conversation c;
        if (conversation_from_json(&f->arena, it.value, &c, &ignored) < 0)
            continue;
        if (old_count > 0 && bsearch(&c, l->items, old_count, sizeof(c), by_id))
            continue;
        if (l->count == l->cap) {
            l->cap = l->cap ? l->cap * 2 : 128;
            l->items = mem_realloc(l->items, l->cap * sizeof(c));
        }
        l->items[l->count++] = c;
        added++;
    }
    if (added > 0)
        qsort(l->items, l->count, sizeof(l->items[0]), by_id);
    return added;
}

static int pages(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                 const char *base, int64_t ticket_id, struct talk_list *l,
                 struct freshdesk_answer *ret_last)
{
    for (int page = 1; page <= FRESHDESK_PAGE_COUNT_MAX; page++) {
        const struct freshdesk_get get = {
            .name = "freshdesk.conversations",
            .path = arena_printf(&f->arena, "%s/%" PRId64 "/conversations?per_page=%d&page=%d",
                                 base, ticket_id, FRESHDESK_PER_PAGE, page),
        };
        int r = freshdesk_get(f, fd, as, &get, ret_last);
        if (r < 0)
            return r;
        if (!json_is_arr(ret_last->json))
            return err_set(&f->err, E_PROTOCOL, "not a list");
        size_t count = json_count(ret_last->json);
        bool full = count >= FRESHDESK_PER_PAGE || count == PER_PAGE_DEFAULT;
        if (talk_list_add(f, l, ret_last->json) == 0 || (!ret_last->has_next && !full))
            return 0;
    }
    return err_set(&f->err, E_LIMIT, "over %d pages", FRESHDESK_PAGE_COUNT_MAX);
}

int freshdesk_conversations(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                            int64_t ticket_id, struct conversation **ret_talks, size_t *ret_count)
{
    _cleanup_(talk_list_done) struct talk_list list = {.items = NULL};
    struct freshdesk_answer last = {.json = JSON_NONE};
    int r = pages(f, fd, as, "/tickets", ticket_id, &list, &last);
    if (list.count == 0 && freshdesk_is_elsewhere(r, &last)) {
        r = pages(f, fd, as, "/tickets/archived", ticket_id, &list, &last);
        if (freshdesk_is_elsewhere(r, &last))
            return err_set(&f->err, E_NOT_FOUND,
                           "ticket %" PRId64 " has no conversations: not found", ticket_id);
    }
    if (r < 0)
        return err_wrap(&f->err, r, "conversations of ticket %" PRId64, ticket_id);
    if (list.count > 0)
        qsort(list.items, list.count, sizeof(list.items[0]), by_age);
    *ret_talks = list.count ? arena_copy(&f->arena, list.items, list.count * sizeof(list.items[0]))
                            : NULL;
    *ret_count = list.count;
    return 0;
}
