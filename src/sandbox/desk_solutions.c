#include "sandbox/desk.h"

#include "sandbox/articles.h"
#include "sandbox/compose.h"

/*
 * The solutions tree: categories, folders, subfolders, articles, and keyword search.
 *
 * Bodies come in the folder's list of articles; lists are paged (30, at most 100) with a Link header.
 * Each route also answers with a language code at the end of its path: Korean is the primary
 * language, English the other; any other code is 404. No updated_since and no sort, as with the
 * vendor. Unknown ids are 404 with an empty body.
 */

#define KB_CREATED_S INT64_C(1704067200) /* 2024-01-01 */

static int begin(struct call *c, void *context, struct flow *f, struct http_exchange *x)
{
    int r = desk_begin(c, context, f, x, ENDPOINT_SOLUTIONS, 1);
    if (r != 0)
        return r;
    struct str lang = http_param(x, "lang");
    if (lang.len && !str_eq(lang, STR("ko")) && !str_eq(lang, STR("en")))
        return desk_not_found(c);
    return 0;
}

/* The number behind an id of the path; false: not one of ours. */
static bool number_of(struct call *c, int64_t base, uint32_t count, uint32_t *ret_n)
{
    int64_t id;
    if (!str_to_i64(http_param(c->x, "id"), &id) || id < base || id >= base + count)
        return false;
    *ret_n = (uint32_t)(id - base);
    return true;
}

static void write_category(struct jw *w, uint32_t area)
{
    jw_obj(w, NULL);
    jw_i64(w, "id", CATEGORY_ID_BASE + area);
    jw_text(w, "name", area_name((enum area)area, LANG_KO));
    jw_text(w, "description", area_name((enum area)area, LANG_EN));
    jw_null(w, "visible_in_portals");
    desk_write_time(w, "created_at", KB_CREATED_S);
    desk_write_time(w, "updated_at", KB_CREATED_S + 86400 * (int64_t)area);
    jw_end_obj(w);
}

static void write_folder(struct jw *w, uint32_t n)
{
    uint32_t area = n / FOLDERS_PER_AREA, folder = n % FOLDERS_PER_AREA;
    struct buf name = BUF_INIT(0);
    folder_name(folder, &name);
    jw_obj(w, NULL);
    jw_i64(w, "id", FOLDER_ID_BASE + n);
    jw_str(w, "name", buf_view(&name));
    jw_null(w, "description");
    if (folder == 3)
        jw_i64(w, "parent_folder_id", FOLDER_ID_BASE + area * FOLDERS_PER_AREA);
    else
        jw_null(w, "parent_folder_id");
    jw_i64(w, "category_id", CATEGORY_ID_BASE + area);
    jw_i64(w, "visibility", folder_visibility(folder));
    jw_i64(w, "articles_count", folder_article_count(folder));
    jw_i64(w, "sub_folders_count", folder == 0);
    jw_raw(w, "hierarchy", STR("[]"));
    jw_raw(w, "company_ids", STR("[]"));
    jw_raw(w, "contact_segment_ids", STR("[]"));
    jw_raw(w, "company_segment_ids", STR("[]"));
    desk_write_time(w, "created_at", KB_CREATED_S);
    desk_write_time(w, "updated_at", KB_CREATED_S + 86400 * (int64_t)n);
    jw_end_obj(w);
    buf_done(&name);
}

static void write_hierarchy(struct jw *w, const struct article *a)
{
    struct buf name = BUF_INIT(0);
    folder_name(a->folder, &name);
    jw_arr(w, "hierarchy");
    for (int level = 0; level < 2; level++) {
        jw_obj(w, NULL);
        jw_i64(w, "level", level);
        jw_text(w, "type", level ? "folder" : "category");
        jw_obj(w, "data");
        jw_i64(w, "id",
               level ? FOLDER_ID_BASE + a->area * FOLDERS_PER_AREA + a->folder
                     : CATEGORY_ID_BASE + a->area);
        jw_text(w, "name", level ? name.ptr : area_name((enum area)a->area, LANG_KO));
        jw_text(w, "language", "ko");
        jw_end_obj(w);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    buf_done(&name);
}

static void write_article(struct jw *w, const struct article *a, bool found)
{
    const struct family *f = family_at(a->family);
    struct buf text = BUF_INIT(0), html = BUF_INIT(0);
    jw_obj(w, NULL);
    jw_i64(w, "id", a->id);
    jw_i64(w, "type", 1);
    jw_i64(w, "status", 2);
    jw_i64(w, "agent_id", INT64_C(1070040306601));
    jw_i64(w, "category_id", CATEGORY_ID_BASE + a->area);
    jw_i64(w, "folder_id", FOLDER_ID_BASE + a->area * FOLDERS_PER_AREA + a->folder);
    article_title(a, &text);
    jw_str(w, "title", buf_view(&text));
    buf_clear(&text);
    article_text(a, &text);
    text_html(buf_view(&text), &html);
    jw_str(w, "description", buf_view(&html));
    jw_str(w, "description_text", str_trim(buf_view(&text)));
    jw_arr(w, "tags");
    jw_text(w, NULL, f->tag);
    jw_text(w, NULL, f->product);
    jw_end_arr(w);
    jw_raw(w, "seo_data",
           STR("{\"meta_title\":null,\"meta_description\":null,"
               "\"meta_keywords\":null}"));
    jw_i64(w, "hits", (a->id * 37) % 900);
    jw_i64(w, "thumbs_up", (a->id * 13) % 60);
    jw_i64(w, "thumbs_down", (a->id * 7) % 9);
    write_hierarchy(w, a);
    if (found) {
        buf_clear(&text);
        folder_name(a->folder, &text);
        jw_i64(w, "folder_visibility", folder_visibility(a->folder));
        jw_str(w, "folder_name", buf_view(&text));
        jw_text(w, "category_name", area_name((enum area)a->area, LANG_KO));
        jw_fmt(w, "path", "%lld", (long long)a->id);
        jw_i64(w, "language_id", a->lang == LANG_KO ? 18 : 6);
    }
    desk_write_time(w, "created_at", KB_CREATED_S);
    desk_write_time(w, "updated_at", KB_CREATED_S + 3600 * (a->id % 9000));
    jw_end_obj(w);
    buf_done(&text);
    buf_done(&html);
}

/* ---- lists ---- */

typedef void write_fn(struct jw *w, const uint32_t *numbers, size_t n);

static void category_row(struct jw *w, const uint32_t *numbers, size_t n)
{
    write_category(w, numbers[n]);
}

static void folder_row(struct jw *w, const uint32_t *numbers, size_t n)
{
    write_folder(w, numbers[n]);
}

static void article_row(struct jw *w, const uint32_t *numbers, size_t n)
{
    struct article a;
    article_at(numbers[n], &a);
    write_article(w, &a, false);
}

static int answer_list(struct call *c, write_fn *row, const uint32_t *numbers, size_t count)
{
    int64_t page, per_page;
    int r = 0;
    if (!desk_number(c, "per_page", 30, 1, 100, &per_page, &r) ||
        !desk_number(c, "page", 1, 1, INT32_MAX, &page, &r))
        return r;
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_arr(&w, NULL);
    size_t from = (size_t)((page - 1) * per_page), end = MIN(from + (size_t)per_page, count);
    for (size_t i = from; i < end; i++)
        row(&w, numbers, i);
    jw_end_arr(&w);
    if (end < count && from < end)
        call_link_next(c, page + 1);
    return call_json(c, 200, &out);
}

int desk_categories(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int r = begin(&c, context, f, x);
    uint32_t numbers[AREA_COUNT];
    for (uint32_t i = 0; i < AREA_COUNT; i++)
        numbers[i] = i;
    return r != 0 ? r : answer_list(&c, category_row, numbers, AREA_COUNT);
}

int desk_folders(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    uint32_t area, numbers[3];
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    if (!number_of(&c, CATEGORY_ID_BASE, AREA_COUNT, &area))
        return desk_not_found(&c);
    for (uint32_t i = 0; i < 3; i++)
        numbers[i] = area * FOLDERS_PER_AREA + i;
    return answer_list(&c, folder_row, numbers, 3);
}

int desk_subfolders(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    uint32_t n;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    if (!number_of(&c, FOLDER_ID_BASE, AREA_COUNT * FOLDERS_PER_AREA, &n))
        return desk_not_found(&c);
    uint32_t sub = n + 3;
    return answer_list(&c, folder_row, &sub, n % FOLDERS_PER_AREA == 0 ? 1 : 0);
}

int desk_articles(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    uint32_t n, numbers[ARTICLES_PER_AREA];
    size_t count = 0;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    if (!number_of(&c, FOLDER_ID_BASE, AREA_COUNT * FOLDERS_PER_AREA, &n))
        return desk_not_found(&c);
    uint32_t first = n / FOLDERS_PER_AREA * ARTICLES_PER_AREA;
    for (uint32_t i = first; i < first + ARTICLES_PER_AREA; i++) {
        struct article a;
        article_at(i, &a);
        if (a.folder == n % FOLDERS_PER_AREA)
            numbers[count++] = i;
    }
    return answer_list(&c, article_row, numbers, count);
}

/* ---- single ones ---- */

static int answer_one(struct flow *f, struct http_exchange *x, void *context, int64_t base,
                      uint32_t count, write_fn *row)
{
    struct call c;
    uint32_t n;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    if (!number_of(&c, base, count, &n))
        return desk_not_found(&c);
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    row(&w, &n, 0);
    return call_json(&c, 200, &out);
}

int desk_category(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_one(f, x, context, CATEGORY_ID_BASE, AREA_COUNT, category_row);
}

int desk_folder(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_one(f, x, context, FOLDER_ID_BASE, AREA_COUNT * FOLDERS_PER_AREA, folder_row);
}

int desk_article(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_one(f, x, context, ARTICLE_ID_BASE, ARTICLE_COUNT, article_row);
}

int desk_search_solutions(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    struct str term;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    if (!http_query(&f->arena, c.rq, "term", &term) || !term.len)
        return desk_invalid(&c, "term", "It should not be blank", "missing_field");
    struct buf out = BUF_INIT(0), text = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_arr(&w, NULL);
    size_t found = 0;
    for (uint32_t i = 0; i < ARTICLE_COUNT && found < 30; i++) {
        struct article a;
        article_at(i, &a);
        buf_clear(&text);
        article_title(&a, &text);
        article_text(&a, &text);
        if (str_find(buf_view(&text), term, 0) == SIZE_MAX)
            continue;
        write_article(&w, &a, true);
        found++;
    }
    jw_end_arr(&w);
    buf_done(&text);
    return call_json(&c, 200, &out);
}
