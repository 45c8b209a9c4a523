/*
 * collect/gone.c: what no normal list shows: deleted, spam, archived; and tickets from an export file.
 *
 * Happy path: filter=deleted and filter=spam are walked like any list (keyset), but only ids are kept: each
 * is told to the ledger. With --archived, or when a second held more tickets than are listed, the ids up to the largest that nothing has explained are asked for
 * one by one, since archived tickets are in no list (freshdesk-api §3b). An account export's file is read
 * as a stream of tickets that need no call.
 * Fails as the calls do; an id that is not there is no failure.
 * Invariant: nothing that is held is dropped because it is gone: an archive keeps it.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "collect/walk.h"
#include "store/tickets.h"

#define PAGES_MAX 1000000
#define ROWS_MAX 100 /* of one answer that are marked: the vendor's most */

/* What PostgreSQL holds of them is deleted there, too. */
static int mark(struct flow *f, struct collector *c, const int64_t *ids, size_t count)
{
    unsigned attempt = 0;
    int r = 0;
    if (count == 0 || c->load.is_over)
        return 0;
    do {
        r = tickets_mark_deleted(f, c->deps->pool, c->deps->tenant_id, ids, count, NULL);
    } while (r < 0 && load_again(f, c, &attempt, &r));
    if (r >= 0 || r == -ECANCELED)
        return r;
    c->load.status = r; /* told at the end: the files are not to suffer */
    c->load.err = f->err;
    return 0;
}

static int tell_gone(struct flow *f, struct collector *c, enum window_kind kind, struct str body,
                     int64_t *anchor_s, size_t *ret_count, bool *ret_moved)
{
    struct buf *lines = arena_buf(&f->arena, 0);
    struct str text;
    int64_t before_s = *anchor_s, ids[ROWS_MAX];
    size_t id_count = 0;
    *ret_count = 0;
    for (size_t at = 0; items_next(body, &at, &text);) {
        struct item item;
        ++*ret_count;
        if (!item_read(text, &item))
            continue;
        *anchor_s = MAX(*anchor_s, item.updated_s);
        if (id_count < ROWS_MAX)
            ids[id_count++] = item.id;
        if (lines->len > 0)
            buf_byte(lines, '\n');
        buf_printf(lines, "{\"gone\":%" PRId64 ",\"kind\":\"%s\",\"at\":%" PRId64 "}", item.id,
                   window_kind_name(kind), item.updated_s);
        c->archive->gone_count++;
    }
    *ret_moved = *anchor_s > before_s;
    int r = lines->len ? writer_tell(f, &c->writer, buf_view(lines)) : 0;
    return r < 0 || !c->spec->to_postgres ? r : mark(f, c, ids, id_count);
}

struct gone {
    struct collector *c;
    enum window_kind kind;
};

static int gone_walk(struct flow *f, void *arg)
{
    const struct gone *g = arg;
    struct collector *c = g->c;
    int64_t anchor_s = 0;
    int page = 1;
    for (int n = 0; n < PAGES_MAX; n++) {
        struct freshdesk_raw raw;
        const struct ticket_list list = {
            .updated_since = (c->is_inclusive || anchor_s == 0 ? anchor_s : anchor_s - 1) * 1000,
            .page = page,
            .per_page = PAGE_ROWS,
            .filter = window_kind_name(g->kind),
        };
        int r = collect_gate(f, c);
        if (r >= 0)
            r = freshdesk_tickets_raw(f, c->deps->freshdesk, &c->deps->as, &list, &raw);
        size_t count;
        bool moved;
        int64_t next_s = anchor_s;
        if (r >= 0)
            r = tell_gone(f, c, g->kind, raw.body, &next_s, &count, &moved);
        if (r < 0)
            return r;
        bool more = raw.more || count >= PAGE_ROWS;
        page = moved ? 1 : page + 1;
        anchor_s = next_s;
        arena_reset(&f->arena);
        if (!more || page > PAGE_NUMBER_MAX)
            return 0;
    }
    return 0;
}

int gone_run(struct flow *f, struct collector *c)
{
    static const enum window_kind kinds[] = {WINDOW_DELETED, WINDOW_SPAM};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct gone g = {c, kinds[i]};
        _cleanup_(group_join) struct group group = GROUP_INIT(f);
        int r = group_spawn(&group, "collect.gone", gone_walk, &g);
        if (r >= 0)
            r = group_wait(f, &group);
        if (r == E_UPSTREAM_DENIED || r == E_UPSTREAM_INPUT || r == E_NOT_FOUND) {
            r = collect_skip(f, c, 0, window_kind_name(kinds[i])); /* others go on */
            if (r < 0)
                return r;
        } else if (r < 0) {
            return err_wrap(&f->err, r, "%s", window_kind_name(kinds[i]));
        }
    }
    return 0;
}

/* ---- archived, by id ---- */

struct probe {
    struct collector *c;
    struct window *window;
    int64_t id;
};

/* Deleted and spam are not looked for, only what a full second may hide. */
static bool is_gone(struct str object)
{
    struct str key, value;
    for (size_t at = 0; items_member(object, &at, &key, &value);)
        if ((str_eq(key, STR("deleted")) || str_eq(key, STR("spam")) ||
             str_eq(key, STR("archived"))) &&
            str_eq(value, STR("true")))
            return true;
    return false;
}

static int probe_run(struct flow *f, void *arg)
{
    const struct probe *p = arg;
    struct collector *c = p->c;
    struct freshdesk_raw raw;
    struct item item;
    int r = freshdesk_ticket_raw(f, c->deps->freshdesk, &c->deps->as, p->id, &raw);
    c->talk_count_now--;
    cond_broadcast(&c->talk_room);
    if (r == E_NOT_FOUND)
        return 0;
    if (r == E_UPSTREAM_DENIED)
        return collect_skip(f, c, p->id, "ticket");
    if (r < 0)
        return r;
    if (!c->spec->archived && (raw.archived || is_gone(raw.body)))
        return 0;
    return item_read(raw.body, &item) ? page_store_items(f, c, p->window, &item, 1) : 0;
}

struct gap_work {
    int64_t from, ids[256];
    size_t count;
    int64_t id_max;
};

static int find_gaps(struct archive *a, void *arg, struct err *err)
{
    struct gap_work *g = arg;
    g->count = 0;
    g->id_max = a->index.id_max;
    for (; g->from <= g->id_max && g->count < ARRAY_COUNT(g->ids); g->from++) {
        struct index_entry e;
        int r = index_get(&a->index, g->from, &e, err);
        if (r < 0)
            return r;
        if (!e.is_held)
            g->ids[g->count++] = g->from;
    }
    return 0;
}

static int probe_gaps(struct flow *f, struct collector *c, struct window *w, struct gap_work *gaps)
{
    struct probe *probes = ARENA_ARRAY(&f->arena, gaps->count + 1, struct probe);
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    for (size_t i = 0; i < gaps->count; i++) {
        while (c->talk_count_now >= c->thread_count) {
            int r = cond_wait(f, &c->talk_room);
            if (r < 0)
                return r;
        }
        probes[i] = (struct probe){c, w, gaps->ids[i]};
        c->talk_count_now++;
        int r = group_spawn(&g, "collect.probe", probe_run, &probes[i]);
        if (r < 0) {
            c->talk_count_now--;
            return group_wait(f, &g);
        }
    }
    return group_wait(f, &g);
}

int gaps_run(struct flow *f, struct collector *c)
{
    struct window *w;
    struct gap_work *gaps = mem_alloc(sizeof(*gaps));
    gaps->from = 1;
    int r = plan_add(f, c, WINDOW_IDS, 0, 0, &w);
    while (r >= 0) {
        r = writer_run(f, &c->writer, find_gaps, gaps);
        if (r < 0 || gaps->count == 0)
            break;
        r = collect_gate(f, c);
        if (r >= 0)
            r = probe_gaps(f, c, w, gaps);
        arena_reset(&f->arena);
    }
    mem_free(gaps);
    if (r >= 0)
        w->is_done = true;
    return r;
}

/* ---- an export's file ---- */

struct file_work {
    struct items_file file;
    struct buf texts;
    struct item items[PAGE_ROWS];
    size_t count, bad_count;
    struct err err;
};

/* A batch of tickets; their texts are copied since the file's buffer moves. */
static int read_batch(void *arg)
{
    struct file_work *w = arg;
    struct {
        size_t at, len;
    } places[PAGE_ROWS] = {0};
    w->count = 0;
    buf_clear(&w->texts);
    while (w->count < PAGE_ROWS) {
        struct str text, key, value;
        int r = items_file_next(&w->file, &text, &w->err);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        size_t at = 0; /* the account export wraps each: {"helpdesk_ticket":{...}} */
        if (items_member(text, &at, &key, &value) && str_eq(key, STR("helpdesk_ticket")))
            text = value;
        places[w->count].at = w->texts.len;
        places[w->count++].len = text.len;
        buf_str(&w->texts, text);
    }
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct str text = str_sub(buf_view(&w->texts), places[i].at, places[i].len);
        if (item_read(text, &w->items[kept]))
            kept++;
        else
            w->bad_count++;
    }
    bool ended = w->count == 0;
    w->count = kept;
    return ended ? 0 : 1;
}

static void file_work_done(struct file_work **w)
{
    items_file_close(&(*w)->file);
    buf_done(&(*w)->texts);
    mem_free(*w);
}

int export_file_run(struct flow *f, struct collector *c, const char *path)
{
    struct window *window;
    _cleanup_(file_work_done) struct file_work *w = mem_alloc(sizeof(*w));
    w->file.fd = -1;
    int r = items_file_open(&w->file, path, &f->err);
    if (r >= 0)
        r = plan_add(f, c, WINDOW_IMPORT, 0, 0, &window);
    while (r >= 0) {
        r = work_run(f, read_batch, w);
        if (r < 0)
            return err_wrap(&f->err, r, "%s: %s", path, w->err.msg);
        if (r == 0)
            break;
        r = page_store_items(f, c, window, w->items, w->count);
        arena_reset(&f->arena);
    }
    if (r >= 0 && w->bad_count > 0)
        log_warn("collect.export_file", "file=%s without_id=%zu", path, w->bad_count);
    return r;
}
