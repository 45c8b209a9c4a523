/*
 * collect/ledger.c: reads the ledger back, and makes one for an archive that has none.
 *
 * Happy path: the file is read line by line in blocks; each line's first member names its kind; windows,
 * chunks and the index are as they were when the last line was written. A line that a kill cut off is
 * dropped. An archive of the old collector has chunk files only: their tickets are read and told.
 * Fails by: files that cannot be read; a line that is no JSON in the middle (E_JSON).
 * Invariant: replaying changes nothing on disk but to cut off an unfinished last line.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "collect/archive.h"
#include "collect/files.h"

#define BLOCK_BYTES ((size_t)256 * 1024)
#define LINE_BYTES_MAX ((size_t)16 << 20)

static int64_t number(struct str line, const char *name)
{
    struct str key, value;
    int64_t n = 0;
    for (size_t at = 0; items_member(line, &at, &key, &value);)
        if (str_eq(key, str_from(name)))
            return str_to_i64(value, &n) ? n : 0;
    return 0;
}

static struct str member(struct str line, const char *name)
{
    struct str key, value;
    for (size_t at = 0; items_member(line, &at, &key, &value);)
        if (str_eq(key, str_from(name)))
            return value.len >= 2 && value.ptr[0] == '"' ? str_sub(value, 1, value.len - 2) : value;
    return STR_NONE;
}

static bool is_true(struct str value)
{
    return str_eq(value, STR("true")) || str_eq(value, STR("1"));
}

/* ---- lines ---- */

static int take_run(struct archive *a, struct str line, struct err *err)
{
    (void)err;
    a->run = (struct run){.number = (uint32_t)number(line, "run"),
                          .from_s = number(line, "from"),
                          .to_s = number(line, "to"),
                          .newest_s = number(line, "newest"),
                          .talks = is_true(member(line, "talks")),
                          .files = is_true(member(line, "files"))};
    snprintf(a->run.mode, sizeof(a->run.mode), "%.*s", STR_ARG(member(line, "mode")));
    return 0;
}

static int take_window(struct archive *a, struct str line, struct err *err)
{
    int64_t n = number(line, "window");
    if (n < 0 || n > (int64_t)a->window_count)
        return err_set(err, E_JSON, "window %lld out of order", (long long)n);
    struct window *w = archive_window(a, (uint32_t)n);
    w->run = (uint32_t)number(line, "run");
    w->from_s = w->since_s = number(line, "from");
    w->to_s = number(line, "to");
    for (int k = WINDOW_TICKETS; k <= WINDOW_IMPORT; k++)
        if (str_eq(member(line, "kind"), str_from(window_kind_name(k))))
            w->kind = k;
    return 0;
}

static int take_held(struct archive *a, struct str line, struct err *err)
{
    struct str key, value, ids = STR_NONE, times = STR_NONE, id_text, time_text;
    int64_t window = -1, chunk = -1, end = 0;
    bool talks = false, files = false;
    for (size_t at = 0; items_member(line, &at, &key, &value);) {
        bool good = true;
        if (str_eq(key, STR("held")))
            good = str_to_i64(value, &window);
        else if (str_eq(key, STR("chunk")))
            good = str_to_i64(value, &chunk);
        else if (str_eq(key, STR("end")))
            good = str_to_i64(value, &end);
        else if (str_eq(key, STR("talks")))
            talks = is_true(value);
        else if (str_eq(key, STR("files")))
            files = is_true(value);
        else if (str_eq(key, STR("ids")))
            ids = value;
        else if (str_eq(key, STR("at")))
            times = value;
        if (!good)
            return err_set(err, E_JSON, "a number is none");
    }
    if (window < 0 || window >= (int64_t)a->window_count || chunk < 0 || chunk > 100000000)
        return err_set(err, E_JSON, "window or chunk is not known");
    size_t at_id = 0, at_time = 0;
    while (items_next(ids, &at_id, &id_text) && items_next(times, &at_time, &time_text)) {
        int64_t id, updated_s;
        if (!str_to_i64(id_text, &id) || !str_to_i64(time_text, &updated_s))
            return err_set(err, E_JSON, "a number is none");
        struct index_entry entry = {.updated_s = updated_s,
                                    .chunk = (uint32_t)chunk,
                                    .is_held = true,
                                    .has_talks = talks,
                                    .has_files = files};
        archive_chunk(a, (size_t)chunk);
        int r = archive_hold(a, id, &entry, err);
        if (r < 0)
            return r;
        archive_count(a, a->windows[window], id, updated_s);
    }
    archive_chunk(a, (size_t)chunk)->end = (uint64_t)end;
    return 0;
}

static int take_seen(struct archive *a, struct str line, struct err *err)
{
    (void)err;
    int64_t n = number(line, "seen");
    if (n >= 0 && n < (int64_t)a->window_count)
        a->windows[n]->since_s = number(line, "since");
    return 0;
}

static int take_done(struct archive *a, struct str line, struct err *err)
{
    int64_t n = number(line, "done");
    if (n < 0 || n >= (int64_t)a->window_count)
        return 0;
    struct window *w = a->windows[n];
    char hash[20];
    snprintf(hash, sizeof(hash), "%016" PRIx64, w->hash);
    if (w->kind == WINDOW_TICKETS && !str_eq(member(line, "hash"), str_from(hash)))
        return err_set(err, E_JSON, "window %lld: hash %.*s was told, its tickets give %s",
                       (long long)n, STR_ARG(member(line, "hash")), hash);
    w->is_done = true;
    return 0;
}

static int take_file(struct archive *a, struct str line, struct err *err)
{
    int64_t n = number(line, "file");
    struct str path = member(line, "path");
    if (n < 0 || n > 100000000 || path.len == 0)
        return err_set(err, E_JSON, "a chunk without number or path");
    struct chunk *c = archive_chunk(a, (size_t)n);
    mem_free(c->path);
    struct buf text = BUF_INIT(0);
    buf_str(&text, path);
    c->path = mem_strdup(text.ptr);
    buf_done(&text);
    c->is_sealed = true;
    c->is_old = is_true(member(line, "old"));
    return 0;
}

static int take_crowded(struct archive *a, struct str line, struct err *err)
{
    (void)line;
    (void)err;
    a->run.is_crowded = true;
    return 0;
}

static int take_archive(struct archive *a, struct str line, struct err *err)
{
    (void)err;
    snprintf(a->id, sizeof(a->id), "%.*s", STR_ARG(member(line, "archive")));
    return 0;
}

static int take_tidy(struct archive *a, struct str line, struct err *err)
{
    (void)err;
    int64_t n = number(line, "tidy");
    if (n < 0 || n >= (int64_t)a->chunk_count)
        return 0;
    a->stale_count -= a->chunks[n].stale;
    a->chunks[n].stale = 0;
    a->chunks[n].tidy_count++;
    a->chunks[n].count = (uint32_t)number(line, "count");
    return 0;
}

static int take_skip(struct archive *a, struct str line, struct err *err)
{
    (void)line;
    (void)err;
    a->skip_count++;
    return 0;
}

static int take_gone(struct archive *a, struct str line, struct err *err)
{
    (void)line;
    (void)err;
    a->gone_count++;
    return 0;
}

static int take_planned(struct archive *a, struct str line, struct err *err)
{
    (void)err;
    a->run.is_planned = number(line, "planned") == a->run.number;
    return 0;
}

static int take_end(struct archive *a, struct str line, struct err *err)
{
    (void)err;
    a->run.is_complete = true;
    a->run.newest_s = number(line, "newest");
    return 0;
}

static int take_line(struct archive *a, struct str line, struct err *err)
{
    static const struct {
        struct str kind;
        int (*take)(struct archive *a, struct str line, struct err *err);
    } kinds[] = {
        {STR("held"), take_held},       {STR("seen"), take_seen},
        {STR("window"), take_window},   {STR("done"), take_done},
        {STR("file"), take_file},       {STR("tidy"), take_tidy},
        {STR("skip"), take_skip},       {STR("gone"), take_gone},
        {STR("run"), take_run},         {STR("end"), take_end},
        {STR("planned"), take_planned}, {STR("archive"), take_archive},
        {STR("crowded"), take_crowded},
    };
    struct str key, value;
    size_t at = 0;
    if (!items_member(line, &at, &key, &value))
        return err_set(err, E_JSON, "no JSON object");
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        if (str_eq(key, kinds[i].kind))
            return kinds[i].take(a, line, err);
    return 0; /* a later version's line */
}

/* ---- the file ---- */

int ledger_replay(struct archive *a, bool repair, struct err *err)
{
    _cleanup_(buf_done) struct buf buf = BUF_INIT(LINE_BYTES_MAX + BLOCK_BYTES);
    uint64_t whole = 0, line_number = 0;
    for (;;) {
        char *room = buf_room(&buf, BLOCK_BYTES);
        if (room == NULL)
            return err_set(err, E_JSON, "ledger.jsonl: line %" PRIu64 " has no end",
                           line_number + 1);
        ssize_t n = read(a->ledger_fd, room, BLOCK_BYTES);
        if (n < 0)
            return err_set(err, -errno, "ledger.jsonl: %s", err_text(-errno));
        if (n == 0)
            break;
        buf_used(&buf, (size_t)n);
        size_t at = 0;
        for (;;) {
            struct str rest = str_sub(buf_view(&buf), at, buf.len);
            const char *end = memchr(rest.ptr, '\n', rest.len);
            if (end == NULL)
                break;
            line_number++;
            int r = take_line(a, str_of(rest.ptr, (size_t)(end - rest.ptr)), err);
            if (r < 0)
                return err_wrap(err, r, "ledger.jsonl: line %" PRIu64, line_number);
            at += (size_t)(end - rest.ptr) + 1;
        }
        buf_drop(&buf, at);
        whole += at;
    }
    if (buf.len > 0 && repair && ftruncate(a->ledger_fd, (off_t)whole) < 0)
        return err_set(err, -errno, "ledger.jsonl: %s", err_text(-errno));
    return 0;
}

/* ---- an archive without a ledger ---- */

struct names {
    char **items;
    size_t count;
};

static void names_done(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        mem_free(n->items[i]);
    mem_free(n->items);
}

static bool is_chunk_name(struct str name, const char *prefix)
{
    struct str rest = str_sub(name, strlen(prefix), name.len);
    if (!str_starts(name, str_from(prefix)) || !str_ends(rest, STR(".json")))
        return false;
    int64_t n;
    return str_to_i64(str_sub(rest, 0, rest.len - 5), &n);
}

static void list_chunks(const struct archive *a, const char *folder, const char *prefix,
                        struct names *names)
{
    _cleanup_(mem_freep) char *path = archive_path(a, folder);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (!is_chunk_name(str_from(e->d_name), prefix))
            continue;
        struct buf name = BUF_INIT(0);
        buf_printf(&name, "%s%s%s", folder, folder[0] ? "/" : "", e->d_name);
        names->items = mem_realloc(names->items, (names->count + 1) * sizeof(char *));
        names->items[names->count++] = mem_strdup(name.ptr);
        buf_done(&name);
    }
    closedir(dir);
}

static int by_name(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

/* One line of the ledger for each ticket: old archives are read once. */
static int import_item(struct archive *a, size_t number, const struct item *item, struct err *err)
{
    struct index_entry old, entry = {.updated_s = item->updated_s,
                                     .chunk = (uint32_t)number,
                                     .is_held = true,
                                     .has_talks = item->talks.len > 0,
                                     .has_files = item->has_files};
    int r = index_get(&a->index, item->id, &old, err);
    if (r < 0)
        return r == E_LIMIT ? 0 : r;
    bool better = !old.is_held || item->updated_s > old.updated_s ||
                  (item->updated_s == old.updated_s && entry.has_talks && !old.has_talks);
    if (!better)
        return 0;
    archive_count(a, a->windows[0], item->id, item->updated_s);
    buf_printf(&a->lines,
               "{\"held\":0,\"chunk\":%zu,\"end\":0,\"talks\":%d,\"files\":%d,\"ids\":[%" PRId64
               "],\"at\":[%" PRId64 "]}\n",
               number, entry.has_talks, entry.has_files, item->id, item->updated_s);
    return archive_hold(a, item->id, &entry, err);
}

static int import_chunk(struct archive *a, const char *name, struct err *err)
{
    size_t number = a->chunk_count;
    struct chunk *c = archive_chunk(a, number);
    _cleanup_(mem_freep) char *path = archive_path(a, name);
    _cleanup_(items_file_close) struct items_file file = ITEMS_FILE_INIT;
    mem_free(c->path);
    c->path = mem_strdup(name);
    c->is_sealed = c->is_old = true;
    buf_printf(&a->lines, "{\"file\":%zu,\"path\":\"%s\",\"old\":true}\n", number, name);
    int r = items_file_open(&file, path, err);
    while (r >= 0) {
        struct str text;
        struct item item;
        r = items_file_next(&file, &text, err);
        if (r == E_JSON) {
            log_warn("collect.import", "file=%s error=\"%s\"", name, err->msg);
            break;
        }
        if (r <= 0)
            break;
        if (item_read(text, &item))
            r = import_item(a, number, &item, err);
        if (r >= 0 && a->lines.len > BLOCK_BYTES)
            r = archive_tell(a, err);
    }
    return r < 0 && r != E_JSON ? err_wrap(err, r, "%s", name) : archive_tell(a, err);
}

int archive_import(struct archive *a, struct err *err)
{
    static const char *const folders[] = {"", "raw_data/tickets", "raw_data/ticket_details"};
    static const char *const prefixes[] = {"tickets_chunk_", "tickets_chunk_",
                                           "ticket_details_chunk_"};
    _cleanup_(names_done) struct names names = {.items = NULL};
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        size_t before = names.count;
        list_chunks(a, folders[i], prefixes[i], &names);
        if (names.count > before)
            qsort(&names.items[before], names.count - before, sizeof(char *), by_name);
    }
    struct window *w = archive_window(a, 0); /* window 0: what was here before */
    w->kind = WINDOW_IMPORT;
    w->is_done = true;
    buf_text(&a->lines, "{\"window\":0,\"run\":0,\"kind\":\"import\",\"from\":0,\"to\":0}\n");
    int r = archive_tell(a, err);
    for (size_t i = 0; r >= 0 && i < names.count; i++)
        r = import_chunk(a, names.items[i], err);
    if (r < 0)
        return r;
    buf_printf(&a->lines, "{\"done\":0,\"count\":%" PRIu64 ",\"hash\":\"%016" PRIx64 "\"}\n",
               w->count, w->hash);
    r = archive_tell(a, err);
    return r < 0 || a->ledger_fd < 0 ? r : archive_sync(a, err);
}
