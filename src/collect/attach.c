/*
 * collect/attach.c: a ticket's files.
 *
 *   view of the ticket (1 credit): its own attachments    thread: those of its entries, told by the list
 *   each: there in its size? -> done    else stream -> .tmp -> size checked -> fsync -> rename
 *
 * Addresses are signed for minutes: one that is refused is asked for again, once. Breaks, short files and an
 * upstream at fault are tried again up to TRIES_MAX times.
 * Fails by what ends a run, and a full disk; else the file is named and the ticket goes on without it.
 * Invariant: nothing is written outside attachments/<number>/ of the folder, whatever a file is called.
 */
#include "collect/attach.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/log.h"
#include "collect/files.h"

#define TRIES_MAX 4
#define TRY_MS 500
#define SHIELD_MS 60000
#define PIECE_BYTES ((size_t)256 * 1024)
#define FILE_BYTES_MAX (UINT64_C(1) << 30)
#define UNTOLD_BYTES_MAX (UINT64_C(100) << 20) /* of a file whose size is not told */
#define NAME_BYTES_MAX 150
#define ENDING_BYTES_MAX 16

struct file {
    int64_t id;
    int64_t size; /* < 0: not told */
    struct str name, url;
    bool in_thread;
};
struct files {
    struct file *items;
    size_t count, cap;
};

/* ---- names ---- */

void attach_name(struct str name, struct buf *out)
{
    size_t before = out->len;
    while (name.len > 0 && (name.ptr[0] == '.' || name.ptr[0] == ' '))
        name = str_sub(name, 1, name.len);
    struct str ending = STR_NONE;
    for (size_t i = name.len; i > 1 && name.len - i < ENDING_BYTES_MAX; i--)
        if (name.ptr[i - 1] == '.') {
            ending = str_sub(name, i - 1, name.len);
            break;
        }
    struct str stem = str_cut_utf8(str_sub(name, 0, name.len - ending.len),
                                   NAME_BYTES_MAX - ending.len);
    const struct str parts[] = {stem, ending};
    for (size_t k = 0; k < ARRAY_COUNT(parts); k++)
        for (size_t i = 0; i < parts[k].len; i++) {
            unsigned char b = (unsigned char)parts[k].ptr[i];
            bool bad = b < ' ' || b == 0x7f || b == '/' || b == '\\' || b == ':' || b == '*' ||
                       b == '?' || b == '"' || b == '<' || b == '>' || b == '|';
            buf_byte(out, bad ? '_' : (char)b);
        }
    if (out->len == before)
        buf_text(out, "file");
}

/* ---- which ---- */

static void add(struct arena *a, struct files *list, struct json v, bool in_thread)
{
    struct json size = json_get(v, "size");
    struct file file = {
        .id = json_i64(json_get(v, "id"), 0),
        .size = json_i64(json_is_num(size) ? size : json_get(v, "file_size"), -1),
        .name = json_str(json_get(v, "name")),
        .url = json_str(json_get(v, "attachment_url")),
        .in_thread = in_thread,
    };
    if (file.id <= 0 || file.url.len == 0)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].id == file.id)
            return;
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        list->items = arena_resize(a, list->items, list->cap * sizeof(file), cap * sizeof(file));
        list->cap = cap;
    }
    list->items[list->count++] = file;
}

/* The value of an object's member "attachments"; "" when it has none. */
static struct str attachments_of(struct str object)
{
    struct str key, value;
    for (size_t at = 0; items_member(object, &at, &key, &value);)
        if (str_eq(key, STR("attachments")) && value.ptr[0] == '[')
            return value;
    return STR_NONE;
}

static void gather(struct arena *a, struct files *list, struct str array, bool in_thread)
{
    struct json v;
    struct err ignored = {0};
    if (array.len <= 2 || json_parse(a, array, &v, &ignored) < 0)
        return;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        add(a, list, it.value, in_thread);
}

static void gather_thread(struct arena *a, struct files *list, struct str talks)
{
    struct str entry;
    for (size_t at = 0; items_next(talks, &at, &entry);)
        gather(a, list, attachments_of(entry), true);
}

/* A fresh address. False when the file is not there any more. */
static int ask_again(struct flow *f, struct collector *c, int64_t ticket_id, struct file *file)
{
    struct files list = {.count = 0};
    struct freshdesk_raw raw;
    int r = file->in_thread
                ? freshdesk_conversations_raw(f, c->deps->freshdesk, &c->deps->as, ticket_id, &raw)
                : freshdesk_ticket_raw(f, c->deps->freshdesk, &c->deps->as, ticket_id, &raw);
    if (r < 0)
        return r;
    if (file->in_thread)
        gather_thread(&f->arena, &list, raw.body);
    else
        gather(&f->arena, &list, attachments_of(raw.body), false);
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].id == file->id) {
            file->url = list.items[i].url;
            return 0;
        }
    return err_set(&f->err, E_NOT_FOUND, "attachment %" PRId64 " is not there any more", file->id);
}

/* ---- one file ---- */

struct disk_work {
    struct file_out out;
    const char *dir, *path;
    int64_t size; /* looked for */
    enum { DISK_LOOK, DISK_OPEN, DISK_WRITE, DISK_COMMIT, DISK_CLOSE } what;
    struct err err;
};

/* DISK_LOOK: 1 when the file is there in its size. */
static int disk_job(void *arg)
{
    struct disk_work *w = arg;
    struct stat st;
    int r = 0;
    switch (w->what) {
    case DISK_LOOK:
        return stat(w->path, &st) == 0 && S_ISREG(st.st_mode) &&
               (w->size < 0 ? st.st_size > 0 : st.st_size == w->size);
    case DISK_OPEN:
        r = file_make_dir(w->dir, &w->err);
        return r < 0 ? r : file_out_open(&w->out, w->path, &w->err);
    case DISK_WRITE: return file_out_flush(&w->out, true, &w->err);
    case DISK_COMMIT: return file_out_commit(&w->out, &w->err);
    case DISK_CLOSE: file_out_close(&w->out); return 0;
    }
    return 0;
}

static int disk(struct flow *f, struct disk_work *w, int what)
{
    w->what = what;
    w->err.msg[0] = '\0';
    int r = work_run(f, disk_job, w);
    return r < 0 && w->err.msg[0] ? err_set(&f->err, r, "%s", w->err.msg) : r;
}

static int stream(struct flow *f, struct collector *c, const struct file *file, struct disk_work *w)
{
    _cleanup_(freshdesk_file_close) struct freshdesk_file *from = NULL;
    uint64_t bytes_max = file->size >= 0 ? (uint64_t)file->size + 1 : UNTOLD_BYTES_MAX, bytes = 0;
    if (bytes_max > FILE_BYTES_MAX)
        return err_set(&f->err, E_LIMIT, "attachment %" PRId64 " is too large", file->id);
    int r = freshdesk_file_open(f, c->deps->freshdesk, file->url, bytes_max, &from);
    if (r >= 0)
        r = disk(f, w, DISK_OPEN);
    while (r >= 0) {
        struct str piece;
        r = freshdesk_file_next(f, from, &piece);
        if (r <= 0)
            break;
        bytes += piece.len;
        buf_str(&w->out.buf, piece);
        if (w->out.buf.len >= PIECE_BYTES)
            r = disk(f, w, DISK_WRITE);
    }
    if (r >= 0 && file->size >= 0 && bytes != (uint64_t)file->size)
        return err_set(&f->err, E_TRUNCATED,
                       "attachment %" PRId64 " has %" PRIu64 " bytes, %" PRId64 " were told",
                       file->id, bytes, file->size);
    r = r < 0 ? r : disk(f, w, DISK_COMMIT);
    c->file_bytes += r >= 0 ? bytes : 0;
    return r;
}

static int fetch_once(struct flow *f, struct collector *c, const struct file *file,
                      struct disk_work *w)
{
    int r = collect_gate(f, c);
    if (r >= 0)
        r = stream(f, c, file, w);
    struct err kept = f->err;
    _cleanup_(shield_done) struct shield s = flow_shield(f, SHIELD_MS);
    if (disk(f, w, DISK_CLOSE) < 0)
        log_debug("collect.file", "id=%" PRId64 " was not closed", file->id);
    w->out = (struct file_out)FILE_OUT_INIT;
    f->err = kept;
    return r;
}

static int fetch(struct flow *f, struct collector *c, int64_t ticket_id, struct file *file)
{
    struct buf *path = arena_buf(&f->arena, 0), *dir = arena_buf(&f->arena, 0);
    buf_printf(dir, "%s/attachments/%" PRId64, c->archive->dir, ticket_id);
    buf_printf(path, "%s/%" PRId64 "_", dir->ptr, file->id);
    attach_name(file->name, path);
    struct disk_work w = {
        .out = FILE_OUT_INIT, .dir = dir->ptr, .path = path->ptr, .size = file->size};
    int r = disk(f, &w, DISK_LOOK);
    bool asked = false;
    for (int n = 0; r == 0 && n < TRIES_MAX; n++) {
        r = fetch_once(f, c, file, &w);
        if (r >= 0)
            break;
        if (r == E_UPSTREAM_DENIED && !asked) {
            asked = true;
            r = ask_again(f, c, ticket_id, file);
        } else if ((err_retryable(r) || r == E_TRUNCATED) && n + 1 < TRIES_MAX) {
            r = flow_sleep(f, (uint64_t)TRY_MS << n);
        }
    }
    if (r >= 0)
        c->file_count++;
    return MIN(r, 0);
}

/* ---- all of a ticket ---- */

static bool ends_all(int r)
{
    return r == E_UPSTREAM_AUTH || r == -ECANCELED || r == -ENOSPC || r == -EDQUOT || r == -EROFS ||
           r == E_CIRCUIT;
}

static int fetch_all(struct flow *f, struct collector *c, struct record *record, struct files *list)
{
    for (size_t i = 0; i < list->count; i++) {
        int r = fetch(f, c, record->item.id, &list->items[i]);
        if (r >= 0)
            continue;
        if (ends_all(r))
            return r;
        err_wrap(&f->err, r, "attachment %" PRId64, list->items[i].id);
        r = collect_skip(f, c, record->item.id, "attachment");
        if (r < 0)
            return r;
    }
    return 0;
}

int attach_fetch(struct flow *f, struct collector *c, struct record *record)
{
    struct files list = {.count = 0};
    struct freshdesk_raw raw;
    if (c->files_denied)
        return 0;
    int r = freshdesk_ticket_raw(f, c->deps->freshdesk, &c->deps->as, record->item.id, &raw);
    if (r < 0) {
        if (ends_all(r))
            return r;
        if (r == E_UPSTREAM_DENIED) {
            log_warn("collect.denied", "resource=tickets/ID error=\"%s\"", f->err.msg);
            c->files_denied = true;
        }
        return collect_skip(f, c, record->item.id, "attachments");
    }
    record->files = attachments_of(raw.body);
    if (record->files.len == 0)
        record->files = STR("[]");
    gather(&f->arena, &list, record->files, false);
    gather_thread(&f->arena, &list, record->talks);
    r = fetch_all(f, c, record, &list);
    record->has_files = r >= 0;
    return r;
}
