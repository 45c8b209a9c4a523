/*
 * The knowledge base: categories, their folders, subfolders to any depth, and each folder's articles.
 *
 * Happy path: all folders are listed into a queue; each page of articles is fetched, parsed and given to
 * the visitor inside a child flow, whose memory goes with it, so that a knowledge base of any size is
 * walked in flat memory.
 * A folder that fails (a 403 after a change of plan, a 5xx that outlived its retries) is named and passed
 * over; refused credentials, a cancel, a deadline and the visitor's own error end the walk.
 * Invariant: every folder id is visited once, so a tree with cycles ends.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/mem.h"
#include "upstream/freshdesk_call.h"

struct folder {
    int64_t id, category_id;
    struct str name, category_name; /* in the walk's arena */
    int visibility;
    bool no_children; /* the vendor said so: saves a call */
};
struct walk {
    struct freshdesk *freshdesk;
    const struct freshdesk_as *as;
    struct article_visitor *visitor;
    struct folder *folders; /* queue and visited set in one */
    size_t count, cap;
};

static void walk_done(struct walk *w)
{
    mem_free(w->folders);
}

/* True when the walk must end; otherwise names the folder. */
static bool is_final(struct flow *f, struct walk *w, int64_t folder_id, int r)
{
    if (r == E_UPSTREAM_AUTH || r == -ECANCELED || flow_check(f) < 0)
        return true;
    if (w->visitor->failed)
        w->visitor->failed(w->visitor, folder_id, &f->err);
    return false;
}

static bool walk_has(const struct walk *w, int64_t id)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->folders[i].id == id)
            return true;
    return false;
}

static void walk_add(struct flow *f, struct walk *w, struct json v, int64_t category_id,
                     struct str category_name)
{
    int64_t id = json_i64(json_get(v, "id"), 0);
    if (id <= 0 || walk_has(w, id))
        return;
    if (w->count == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 64;
        w->folders = mem_realloc(w->folders, w->cap * sizeof(w->folders[0]));
    }
    struct json children = json_get(v, "sub_folders_count");
    w->folders[w->count++] = (struct folder){
        .id = id,
        .category_id = category_id,
        .name = arena_str(&f->arena, json_str(json_get(v, "name"))),
        .category_name = category_name,
        .visibility = (int)json_i64(json_get(v, "visibility"), 0),
        .no_children = json_is_int(children) && json_i64(children, 1) == 0,
    };
}

/* One page of any list; *ret_more: another may follow. */
static int list_page(struct flow *f, struct walk *w, const char *name, struct str path, int page,
                     struct json *ret_items, bool *ret_more)
{
    struct freshdesk_answer answer;
    const struct freshdesk_get get = {
        .name = name,
        .path = arena_printf(&f->arena, "%.*s?per_page=%d&page=%d", STR_ARG(path),
                             FRESHDESK_PER_PAGE, page),
    };
    int r = freshdesk_get(f, w->freshdesk, w->as, &get, &answer);
    if (r < 0)
        return err_wrap(&f->err, r, "%.*s", STR_ARG(path));
    if (!json_is_arr(answer.json))
        return err_set(&f->err, E_PROTOCOL, "%.*s: not a list", STR_ARG(path));
    size_t count = json_count(answer.json);
    *ret_items = answer.json;
    *ret_more = count > 0 && (answer.has_next || count >= FRESHDESK_PER_PAGE);
    return 0;
}

/* Lists folders under `path` into the queue. */
static int list_folders(struct flow *f, struct walk *w, struct str path, int64_t category_id,
                        struct str category_name)
{
    bool more = true;
    for (int page = 1; more && page <= FRESHDESK_PAGE_COUNT_MAX; page++) {
        struct json items = JSON_NONE;
        size_t old_count = w->count;
        int r = list_page(f, w, "freshdesk.folders", path, page, &items, &more);
        if (r < 0)
            return r;
        for (struct json_iter it = json_iter(items); json_next(&it);)
            walk_add(f, w, it.value, category_id, category_name);
        if (w->count == old_count)
            break; /* nothing new: the last page, or a peer that repeats itself */
    }
    return 0;
}

/* ---- articles of one folder, a child flow a page ---- */

struct page_job {
    struct walk *walk;
    struct folder folder;
    int page;
    int64_t first_id; /* in: of the page before; out: of this one */
    bool more;
    int visitor_status; /* < 0: the visitor's own error, which ends the walk */
};

static int page_run(struct flow *f, void *arg)
{
    struct page_job *job = arg;
    struct json items = JSON_NONE;
    struct str path = arena_printf(&f->arena, "/solutions/folders/%" PRId64 "/articles",
                                   job->folder.id);
    int r = list_page(f, job->walk, "freshdesk.articles", path, job->page, &items, &job->more);
    if (r < 0)
        return r;
    size_t count = 0;
    struct article *articles = ARENA_ARRAY(&f->arena, json_count(items) + 1, struct article);
    struct err ignored;
    for (struct json_iter it = json_iter(items); json_next(&it);) {
        struct article *t = &articles[count];
        if (article_from_json(&f->arena, it.value, t, &ignored) < 0)
            continue;
        count++;
        t->folder_id = t->folder_id > 0 ? t->folder_id : job->folder.id;
        t->category_id = t->category_id > 0 ? t->category_id : job->folder.category_id;
        t->folder_name = job->folder.name;
        t->category_name = job->folder.category_name;
        t->visibility = job->folder.visibility;
    }
    if (count == 0 || articles[0].id == job->first_id) {
        job->more = false; /* empty, or the page before once more */
        return 0;
    }
    job->first_id = articles[0].id;
    struct article_visitor *visitor = job->walk->visitor;
    job->visitor_status = visitor->each(f, visitor, articles, count);
    return job->visitor_status;
}

static int folder_articles(struct flow *f, struct walk *w, const struct folder *folder,
                           int *ret_visitor_status)
{
    struct page_job job = {.walk = w, .folder = *folder, .page = 1, .more = true};
    int r = 0;
    for (; r >= 0 && job.more && job.page <= FRESHDESK_PAGE_COUNT_MAX; job.page++) {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        r = group_spawn(&g, "freshdesk.articles", page_run, &job);
        if (r >= 0)
            r = group_wait(f, &g);
    }
    *ret_visitor_status = job.visitor_status;
    return r;
}

static int list_categories(struct flow *f, struct walk *w)
{
    bool more = true;
    int64_t first_id = 0;
    for (int page = 1; more && page <= FRESHDESK_PAGE_COUNT_MAX; page++) {
        struct json items = JSON_NONE;
        int r = list_page(f, w, "freshdesk.categories", STR("/solutions/categories"), page, &items,
                          &more);
        if (r < 0)
            return r;
        int64_t id = json_i64(json_path(items, "0.id"), 0);
        if (page > 1 && id == first_id)
            break;
        first_id = id;
        for (struct json_iter it = json_iter(items); json_next(&it);) {
            int64_t category_id = json_i64(json_get(it.value, "id"), 0);
            if (category_id <= 0)
                continue;
            struct str path = arena_printf(&f->arena, "/solutions/categories/%" PRId64 "/folders",
                                           category_id);
            r = list_folders(f, w, path, category_id, json_str(json_get(it.value, "name")));
            if (r < 0 && is_final(f, w, category_id, r))
                return r;
        }
    }
    return 0;
}

int freshdesk_articles(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                       struct article_visitor *visitor)
{
    _cleanup_(walk_done) struct walk w = {.freshdesk = fd, .as = as, .visitor = visitor};
    int r = list_categories(f, &w);
    if (r < 0)
        return r;
    for (size_t i = 0; i < w.count; i++) { /* the queue grows while it is walked */
        const struct folder folder = w.folders[i];
        int visitor_status = 0;
        r = folder_articles(f, &w, &folder, &visitor_status);
        if (visitor_status < 0)
            return visitor_status;
        if (r < 0 && is_final(f, &w, folder.id, r))
            return r;
        if (folder.no_children)
            continue;
        struct str path = arena_printf(&f->arena, "/solutions/folders/%" PRId64 "/subfolders",
                                       folder.id);
        r = list_folders(f, &w, path, folder.category_id, folder.category_name);
        if (r == E_NOT_FOUND)
            continue; /* accounts without nested folders */
        if (r < 0 && is_final(f, &w, folder.id, r))
            return r;
    }
    return 0;
}
