/*
 * Sync of the knowledge base: the tree of categories, folders and articles, a page of articles at a time.
 *
 * The happy path: articles that are published and not older than `since` are compared by hash; those due get
 * texts and vectors. `since` is judged here, since the vendor has no such filter; articles without a date are
 * kept. A limit counts articles that were due, so that later runs take up the rest.
 * Fails per article, and per folder (named, passed over). Articles that are stored but were not seen are
 * removed only after a walk that saw every folder.
 * Invariant: a draft counts as not seen, so an article that is unpublished is removed.
 */
#include "sync/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wall.h"
#include "store/articles.h"

enum { STATUS_DRAFT = 1, ENOUGH = 1 };

struct kb {
    struct article_visitor visitor;
    struct run *run;
    int64_t *seen; /* ids; heap */
    size_t seen_count, seen_cap;
    int64_t left; /* articles that may still be written; < 0: no limit */
    bool enough;  /* the limit ended the walk */
    bool has_holes;
};

static void kb_done(struct kb *kb)
{
    mem_free(kb->seen);
}

static void see(struct kb *kb, int64_t id)
{
    if (kb->seen_count == kb->seen_cap) {
        kb->seen_cap = kb->seen_cap ? kb->seen_cap * 2 : 256;
        kb->seen = mem_realloc(kb->seen, kb->seen_cap * sizeof(*kb->seen));
    }
    kb->seen[kb->seen_count++] = id;
}

static struct str payload_of(struct arena *a, const struct article *v)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_fmt(&w, "article_id", "%" PRId64, v->id);
    jw_str(&w, "title", v->title);
    jw_str(&w, "description", v->description_text);
    jw_fmt(&w, "content", "%.*s\n\n%.*s", STR_ARG(v->title), STR_ARG(v->description_text));
    jw_i64(&w, "folder_id", v->folder_id);
    jw_i64(&w, "category_id", v->category_id);
    jw_i64(&w, "status", v->status);
    jw_json(&w, "created_at", json_get(v->json, "created_at"));
    jw_json(&w, "updated_at", json_get(v->json, "updated_at"));
    jw_arr(&w, "tags");
    for (size_t i = 0; i < v->tag_count; i++)
        jw_str(&w, NULL, v->tags[i]);
    jw_end_arr(&w);
    jw_end_obj(&w);
    struct str text = arena_str(a, buf_view(&out));
    buf_done(&out);
    return text;
}

/* ---- a piece of a page ---- */

static int count_works(struct flow *f, struct kb *kb, const struct work *works, size_t count)
{
    struct run *run = kb->run;
    for (size_t i = 0; i < count; i++) {
        if (works[i].status >= 0) {
            run->written_count++;
            continue;
        }
        int r = run_fail_item(f, run, works[i].result.id, works[i].reason);
        if (r < 0)
            return r;
    }
    return 0;
}

static int upsert(struct flow *f, struct run *run, const struct article *items, size_t count,
                  struct item_result *ret_results)
{
    return PATIENT(f, articles_upsert(f, run->sync->deps.pool, run->who->tenant_id, run->salt,
                                      items, count, ret_results));
}

/* Stores the piece and writes what is due of it. */
static int write_piece(struct flow *f, struct kb *kb, const struct article *items, size_t count)
{
    struct run *run = kb->run;
    struct item_result *results = ARENA_ARRAY(&f->arena, count, struct item_result);
    int r = upsert(f, run, items, count, results);
    if ((r == E_DB || r == E_LIMIT) && count == 1) {
        run->done_count++;
        return run_fail_item(f, run, items[0].id, arena_str(&f->arena, str_from(f->err.msg)));
    }
    for (size_t i = 0; (r == E_DB || r == E_LIMIT) && i < count; i++) {
        int one = write_piece(f, kb, &items[i], 1);
        if (one < 0)
            return one;
        if (i + 1 == count)
            return 0;
    }
    if (r < 0)
        return r;
    struct work *works = ARENA_ARRAY(&f->arena, count, struct work);
    size_t due = 0;
    for (size_t i = 0; i < count; i++) {
        run->done_count++;
        if (results[i].state == ITEM_UNCHANGED) {
            run->skipped_count++;
            continue;
        }
        struct work *w = &works[due++];
        split_article(&f->arena, &items[i], &w->texts);
        w->result = results[i];
        w->payload = payload_of(&f->arena, &items[i]);
        w->updated_at = items[i].updated_at;
    }
    if (kb->left > 0)
        kb->left -= MIN(kb->left, (int64_t)due);
    int64_t embedded;
    r = items_write(f, run, works, due, &embedded);
    return r < 0 ? r : count_works(f, kb, works, due);
}

/* ---- the walk ---- */

static int on_articles(struct flow *f, struct article_visitor *v, struct article *articles,
                       size_t count)
{
    struct kb *kb = container_of(v, struct kb, visitor);
    struct run *run = kb->run;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (articles[i].status == STATUS_DRAFT)
            continue;
        see(kb, articles[i].id);
        if (run->wish.since != WALL_NONE && articles[i].updated_at != WALL_NONE &&
            articles[i].updated_at < run->wish.since)
            continue;
        articles[n++] = articles[i];
    }
    run->fetched_count += (int64_t)n;
    run->total_count = MAX(run->total_count, run->fetched_count);
    for (size_t at = 0; at < n;) {
        size_t piece = kb->left < 0 ? n - at : MIN(n - at, (size_t)kb->left);
        int r = piece > 0 ? write_piece(f, kb, articles + at, piece) : 0;
        if (r < 0)
            return r;
        at += piece;
        if (kb->left == 0) {
            kb->enough = true;
            return err_set(&f->err, -ECANCELED, "enough");
        }
    }
    int r = run_save(f, run);
    return r < 0 ? r : run_tell(f, run, "sync.progress", "running");
}

static void on_failed(struct article_visitor *v, int64_t folder_id, const struct err *err)
{
    struct kb *kb = container_of(v, struct kb, visitor);
    struct run *run = kb->run;
    kb->has_holes = true;
    run->failed_count++;
    run_note(run,
             arena_printf(&run->flow->arena, "Failed to fetch KB articles: folder %" PRId64 ": %s",
                          folder_id, err->msg[0] ? err->msg : err_text(err->code)));
    log_warn("sync.folder", "run=%s folder=%" PRId64 " why=\"%s\"", run->id, folder_id, err->msg);
}

static int by_id(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* Those that are stored and were not seen. */
static int drop_missing(struct flow *f, struct kb *kb)
{
    struct run *run = kb->run;
    const struct sync_deps *deps = &run->sync->deps;
    int64_t *ids;
    size_t count, n = 0;
    int r = PATIENT(f, articles_ids(f, deps->pool, run->who->tenant_id, &ids, &count));
    if (r < 0 || count == 0)
        return r;
    if (kb->seen_count == 0) { /* more likely a key that may not see them than an emptied base */
        run_note(run,
                 STR("Failed to fetch KB articles: none are listed; the stored ones are kept"));
        return 0;
    }
    qsort(kb->seen, kb->seen_count, sizeof(*kb->seen), by_id);
    for (size_t i = 0; i < count; i++) {
        if (!bsearch(&ids[i], kb->seen, kb->seen_count, sizeof(*kb->seen), by_id))
            ids[n++] = ids[i];
    }
    if (n == 0)
        return 0;
    r = PATIENT(f, vectors_delete(f, deps->vectors, &run->tenant, run->collection, ids, n));
    if (r < 0)
        return r;
    log_info("sync.deleted", "run=%s articles=%zu", run->id, n);
    r = PATIENT(f, articles_mark_deleted(f, deps->pool, run->who->tenant_id, ids, n, NULL));
    return r < 0 ? r
                 : PATIENT(f, sync_retry_drop(f, deps->pool, run->who->tenant_id, run->collection,
                                              ids, n));
}

int kb_walk(struct flow *f, struct run *run)
{
    _cleanup_(kb_done) struct kb kb = {
        .visitor = {.each = on_articles, .failed = on_failed},
        .run = run,
        .left = run->wish.limit > 0 ? run->wish.limit : -1,
    };
    int r = freshdesk_articles(f, run->sync->deps.freshdesk, &run->as, &kb.visitor);
    if (kb.enough)
        return flow_check(f);
    if (r < 0)
        return err_wrap(&f->err, r, "Failed to fetch KB articles");
    return kb.has_holes ? 0 : drop_missing(f, &kb);
}
