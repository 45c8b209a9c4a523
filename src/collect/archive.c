/*
 * collect/archive.c: writes tickets into chunk files and tells the ledger.
 *
 * Happy path: a batch's tickets are appended to the open chunk's part file, then one write to the ledger
 * tells which they are and where the part now ends. A full chunk gets its closing bracket, is synced and
 * renamed. Killed anywhere, the next start cuts the part back to what the ledger tells.
 * Fails with -ENOSPC and other codes of the system: nothing that was told before is touched.
 * Invariant: the ledger is written after the bytes it tells of, and synced after them.
 */
#include "collect/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/map.h"
#include "base/mem.h"
#include "collect/files.h"

#define HEAD "[\n"
#define GLUE ",\n"
#define TAIL "\n]\n"

const char *window_kind_name(enum window_kind k)
{
    static const char *const names[] = {"tickets", "deleted", "spam", "ids", "import"};
    return names[k];
}

char *archive_path(const struct archive *a, const char *name)
{
    struct buf path = BUF_INIT(0);
    buf_printf(&path, "%s/%s", a->dir, name);
    char *made = mem_strdup(path.ptr);
    buf_done(&path);
    return made;
}

uint64_t archive_hash(int64_t id, int64_t updated_s)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)updated_s;
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}

struct chunk *archive_chunk(struct archive *a, size_t number)
{
    if (number >= a->chunk_count) {
        a->chunks = mem_realloc(a->chunks, (number + 1) * sizeof(a->chunks[0]));
        memset(&a->chunks[a->chunk_count], 0, (number + 1 - a->chunk_count) * sizeof(a->chunks[0]));
        a->chunk_count = number + 1;
    }
    struct chunk *c = &a->chunks[number];
    if (c->path == NULL) {
        char name[48];
        snprintf(name, sizeof(name), "tickets_chunk_%04zu.json", number);
        c->path = mem_strdup(name);
    }
    return c;
}

struct window *archive_window(struct archive *a, uint32_t number)
{
    while (number >= a->window_count) {
        a->windows = mem_realloc(a->windows, (a->window_count + 1) * sizeof(a->windows[0]));
        struct window *w = mem_alloc(sizeof(*w));
        w->number = (uint32_t)a->window_count;
        a->windows[a->window_count++] = w;
    }
    return a->windows[number];
}

void archive_count(struct archive *a, struct window *w, int64_t id, int64_t updated_s)
{
    (void)a;
    w->count++;
    w->hash += archive_hash(id, updated_s);
}

int archive_hold(struct archive *a, int64_t id, const struct index_entry *entry, struct err *err)
{
    struct index_entry old;
    int r = index_get(&a->index, id, &old, err);
    if (r < 0)
        return r;
    if (old.is_held) {
        archive_chunk(a, old.chunk)->stale++;
        a->stale_count++;
        a->talk_count -= old.has_talks;
    } else {
        a->held_count++;
    }
    a->talk_count += entry->has_talks;
    archive_chunk(a, entry->chunk)->count++;
    return index_put(&a->index, id, entry, err);
}

/* ---- writing ---- */

static void group_end(struct archive *a)
{
    if (a->group.count == 0)
        return;
    struct chunk *c = archive_chunk(a, (size_t)a->group.chunk);
    buf_printf(&a->lines,
               "{\"held\":%" PRIu32 ",\"chunk\":%" PRId64 ",\"end\":%" PRIu64 ",\"n\":%" PRIu32
               ",\"talks\":%d,%s\"ids\":[",
               a->group.window, a->group.chunk, c->end, c->count, a->group.talks,
               a->group.files ? "\"files\":1," : "");
    buf_str(&a->lines, buf_view(&a->group.ids));
    buf_text(&a->lines, "],\"at\":[");
    buf_str(&a->lines, buf_view(&a->group.times));
    buf_text(&a->lines, "]}\n");
    buf_clear(&a->group.ids);
    buf_clear(&a->group.times);
    a->group.count = 0;
}

static void group_add(struct archive *a, const struct record *rec)
{
    if (a->group.count > 0 &&
        (a->group.window != rec->window || a->group.chunk != a->open_chunk ||
         a->group.talks != rec->has_talks || a->group.files != rec->has_files))
        group_end(a);
    a->group.window = rec->window;
    a->group.chunk = a->open_chunk;
    a->group.talks = rec->has_talks;
    a->group.files = rec->has_files;
    if (a->group.count++ > 0) {
        buf_byte(&a->group.ids, ',');
        buf_byte(&a->group.times, ',');
    }
    buf_i64(&a->group.ids, rec->item.id);
    buf_i64(&a->group.times, rec->item.updated_s);
}

/* First the bytes, then the word about them. */
static int write_out(struct archive *a, struct err *err)
{
    int r = 0;
    group_end(a);
    if (a->part.len > 0)
        r = file_write(a->part_fd, buf_view(&a->part), err);
    if (r >= 0 && a->lines.len > 0)
        r = file_write(a->ledger_fd, buf_view(&a->lines), err);
    buf_clear(&a->part);
    buf_clear(&a->lines);
    return r;
}

int archive_tell(struct archive *a, struct err *err)
{
    if (a->ledger_fd >= 0)
        return write_out(a, err);
    buf_clear(&a->lines);
    return 0;
}

static char *part_path(struct archive *a, const struct chunk *c)
{
    char *path = archive_path(a, c->path);
    struct buf part = BUF_INIT(0);
    buf_printf(&part, "%s.part", path);
    mem_free(path);
    path = mem_strdup(part.ptr);
    buf_done(&part);
    return path;
}

static int open_chunk(struct archive *a, struct err *err)
{
    size_t number = a->chunk_count;
    struct chunk *c = archive_chunk(a, number);
    for (;; c = archive_chunk(a, ++number)) { /* never over a file that somebody else put there */
        _cleanup_(mem_freep) char *whole = archive_path(a, c->path);
        if (access(whole, F_OK) < 0)
            break;
    }
    _cleanup_(mem_freep) char *path = part_path(a, c);
    a->part_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (a->part_fd < 0)
        return err_set(err, -errno, "%s: %s", path, err_text(-errno));
    a->open_chunk = (int64_t)number;
    return 0;
}

int archive_seal(struct archive *a, struct err *err)
{
    int r = write_out(a, err);
    if (r < 0 || a->open_chunk < 0)
        return r;
    struct chunk *c = archive_chunk(a, (size_t)a->open_chunk);
    _cleanup_(mem_freep) char *from = part_path(a, c);
    _cleanup_(mem_freep) char *to = archive_path(a, c->path);
    r = file_write(a->part_fd, STR(TAIL), err);
    if (r < 0)
        return r;
    if (fdatasync(a->part_fd) < 0 || rename(from, to) < 0)
        return err_set(err, -errno, "%s: %s", to, err_text(-errno));
    r = file_sync_dir(to, err);
    if (r < 0)
        return r;
    close(a->part_fd);
    a->part_fd = -1;
    c->is_sealed = true;
    buf_printf(&a->lines, "{\"file\":%" PRId64 ",\"path\":\"%s\",\"count\":%" PRIu32 "}\n",
               a->open_chunk, c->path, c->count);
    a->open_chunk = -1;
    r = write_out(a, err);
    return r < 0 ? r : archive_sync(a, err);
}

static void append_ticket(struct archive *a, struct chunk *c, const struct record *rec)
{
    size_t before = a->part.len;
    struct str text = rec->item.text;
    bool adds_talks = rec->has_talks && rec->item.talks.len == 0;
    bool adds_files = rec->has_files && !rec->item.has_files;
    buf_text(&a->part, c->end == 0 ? HEAD : GLUE);
    buf_str(&a->part, adds_talks || adds_files ? str_trim(str_sub(text, 0, text.len - 1)) : text);
    if (adds_files) {
        if (!rec->item.has_attachments) {
            buf_text(&a->part, ",\"attachments\":");
            buf_str(&a->part, rec->files);
        }
        buf_printf(&a->part, ",\"attachments_dir\":\"attachments/%" PRId64 "\"", rec->item.id);
    }
    if (adds_talks) {
        buf_text(&a->part, ",\"conversations\":");
        buf_str(&a->part, rec->talks);
    }
    if (adds_talks || adds_files)
        buf_byte(&a->part, '}');
    c->end += a->part.len - before;
}

/* Whether what is held is as new, and has all that the record has, or a thread that it lacks. */
static bool is_enough(const struct index_entry *old, const struct record *rec)
{
    if (!old->is_held || old->updated_s < rec->item.updated_s)
        return false;
    if (old->has_talks != rec->has_talks)
        return old->has_talks;
    return old->has_files || !rec->has_files;
}

static int put_ticket(struct archive *a, struct record *rec, struct err *err)
{
    struct index_entry old;
    rec->is_written = false;
    int r = index_get(&a->index, rec->item.id, &old, err);
    if (r == E_LIMIT) {
        a->skip_count++;
        buf_printf(&a->lines, "{\"skip\":%" PRId64 ",\"what\":\"ticket\",\"why\":\"%s\"}\n",
                   rec->item.id, err->msg);
        return 0;
    }
    if (r < 0)
        return r;
    if (is_enough(&old, rec))
        return 0;
    if (!old.is_held && a->ticket_count_max > 0 && a->held_count >= a->ticket_count_max) {
        a->is_full = true;
        return 0;
    }
    if (a->open_chunk < 0) {
        r = open_chunk(a, err);
        if (r < 0)
            return r;
    }
    append_ticket(a, archive_chunk(a, (size_t)a->open_chunk), rec);
    const struct index_entry entry = {.updated_s = rec->item.updated_s,
                                      .chunk = (uint32_t)a->open_chunk,
                                      .is_held = true,
                                      .has_talks = rec->has_talks,
                                      .has_files = rec->has_files};
    r = archive_hold(a, rec->item.id, &entry, err);
    if (r < 0)
        return r;
    group_add(a, rec);
    rec->is_written = true;
    a->is_full = a->ticket_count_max > 0 && a->held_count >= a->ticket_count_max;
    return archive_chunk(a, (size_t)a->open_chunk)->count >= a->chunk_size ? archive_seal(a, err)
                                                                           : 0;
}

int archive_write(struct archive *a, struct list *records, struct err *err)
{
    list_each (node, records) {
        struct record *rec = list_entry(node, struct record, node);
        int r = 0;
        if (rec->kind == RECORD_TICKET) {
            r = put_ticket(a, rec, err);
        } else {
            group_end(a);
            buf_str(&a->lines, rec->line);
            buf_byte(&a->lines, '\n');
        }
        if (r < 0)
            return r;
    }
    return write_out(a, err);
}

int archive_sync(struct archive *a, struct err *err)
{
    if ((a->part_fd >= 0 && fdatasync(a->part_fd) < 0) || fdatasync(a->ledger_fd) < 0)
        return err_set(err, -errno, "%s: %s", a->dir, err_text(-errno));
    return 0;
}

/* ---- opening ---- */

/* The chunk that was open when the last process ended: cut back to what the ledger tells. */
static int reopen_part(struct archive *a, size_t number, struct err *err)
{
    struct chunk *c = &a->chunks[number];
    _cleanup_(mem_freep) char *part = part_path(a, c);
    _cleanup_(mem_freep) char *whole = archive_path(a, c->path);
    a->open_chunk = (int64_t)number;
    a->part_fd = open(part, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (a->part_fd < 0 && errno == ENOENT && access(whole, R_OK) == 0) {
        c->is_sealed = true; /* renamed, but the ledger had no time to tell */
        a->open_chunk = -1;
        buf_printf(&a->lines, "{\"file\":%zu,\"path\":\"%s\",\"count\":%" PRIu32 "}\n", number,
                   c->path, c->count);
        return write_out(a, err);
    }
    off_t size = a->part_fd < 0 ? -1 : lseek(a->part_fd, 0, SEEK_END);
    if (size < (off_t)c->end) {
        a->was_damaged = true;
        return 0;
    }
    if (ftruncate(a->part_fd, (off_t)c->end) < 0)
        return err_set(err, -errno, "%s: %s", part, err_text(-errno));
    if (c->count < a->chunk_size)
        return 0;
    return archive_seal(a, err);
}

static int lock(struct archive *a, struct err *err)
{
    _cleanup_(mem_freep) char *path = archive_path(a, ".lock");
    a->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (a->lock_fd < 0)
        return err_set(err, -errno, "%s: %s", path, err_text(-errno));
    if (flock(a->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, E_BUSY, "%s: another process collects into this folder", a->dir);
    return 0;
}

/* What the ledger told of the lost chunk is not held: every window is walked again, so that it comes back.
 * What lies whole in other chunks is recognised and not fetched again. */
static int recover(struct archive *a, struct err *err)
{
    _cleanup_(mem_freep) char *ledger = archive_path(a, "ledger.jsonl");
    _cleanup_(mem_freep) char *aside = archive_path(a, "ledger.damaged.jsonl");
    _cleanup_(mem_freep) char *part = part_path(a, &a->chunks[a->open_chunk]);
    if (rename(ledger, aside) < 0 || (unlink(part) < 0 && errno != ENOENT))
        return err_set(err, -errno, "%s: %s", a->dir, err_text(-errno));
    return 0;
}

/* The name by which stores remember what they have of it. */
static int name_archive(struct archive *a, struct err *err)
{
    if (a->id[0] != '\0')
        return 0;
    uuid_v4(a->id);
    buf_printf(&a->lines, "{\"archive\":\"%s\"}\n", a->id);
    return write_out(a, err);
}

static int open_once(struct archive *a, const struct archive_spec *spec, struct err *err)
{
    _cleanup_(mem_freep) char *ledger = archive_path(a, "ledger.jsonl");
    int r = index_open(&a->index, a->dir, err);
    if (r < 0)
        return r;
    bool is_new = access(ledger, F_OK) < 0;
    if (!is_new || !spec->read_only) {
        a->ledger_fd = open(
            ledger, (spec->read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_APPEND | O_CLOEXEC, 0666);
        if (a->ledger_fd < 0)
            return err_set(err, -errno, "%s: %s", ledger, err_text(-errno));
    }
    r = is_new ? archive_import(a, err) : ledger_replay(a, !spec->read_only, err);
    if (r >= 0 && !spec->read_only)
        r = name_archive(a, err);
    if (is_new)
        return r;
    for (size_t i = 0; r >= 0 && !spec->read_only && i < a->chunk_count; i++)
        if (!a->chunks[i].is_sealed && a->chunks[i].count > 0 && i + 1 == a->chunk_count)
            r = reopen_part(a, i, err);
    return r;
}

int archive_open(struct archive *a, const struct archive_spec *spec, struct err *err)
{
    *a = (struct archive)ARCHIVE_INIT;
    a->dir = mem_strdup(spec->dir);
    a->chunk_size = spec->chunk_size;
    int r = 0;
    if (!spec->read_only) {
        r = file_make_dir(a->dir, err);
        if (r >= 0)
            r = lock(a, err);
    } else if (access(a->dir, R_OK | X_OK) < 0) {
        r = err_set(err, E_NOT_FOUND, "%s: there is no archive", a->dir);
    }
    if (r >= 0)
        r = open_once(a, spec, err);
    if (r < 0 || !a->was_damaged)
        return r;
    r = recover(a, err);
    if (r < 0)
        return r;
    archive_close(a);
    r = archive_open(a, spec, err);
    return r;
}

void archive_close(struct archive *a)
{
    for (size_t i = 0; i < a->chunk_count; i++)
        mem_free(a->chunks[i].path);
    for (size_t i = 0; i < a->window_count; i++)
        mem_free(a->windows[i]);
    mem_free(a->chunks);
    mem_free(a->windows);
    int *const fds[] = {&a->part_fd, &a->ledger_fd, &a->lock_fd};
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++)
        if (*fds[i] >= 0)
            close(*fds[i]);
    index_close(&a->index);
    buf_done(&a->part);
    buf_done(&a->lines);
    buf_done(&a->group.ids);
    buf_done(&a->group.times);
    mem_free(a->dir);
    *a = (struct archive)ARCHIVE_INIT;
}

/* ---- reading back ---- */

/* 1 for the version that counts: the one the index tells. */
static int is_current(struct archive *a, size_t chunk, const struct item *item, struct err *err)
{
    struct index_entry e;
    int r = index_get(&a->index, item->id, &e, err);
    return r < 0 ? r
                 : e.is_held && e.chunk == chunk && e.updated_s == item->updated_s &&
                       e.has_talks == (item->talks.len > 0) && e.has_files == item->has_files;
}

static bool is_first(struct map *seen, int64_t id)
{
    struct str key = str_of(&id, sizeof(id));
    if (map_get(seen, key))
        return false;
    map_put(seen, key, seen);
    return true;
}

int archive_each_of(struct archive *a, size_t number, struct archive_visitor *v, struct err *err)
{
    struct chunk *c = &a->chunks[number];
    _cleanup_(items_file_close) struct items_file file = ITEMS_FILE_INIT;
    _cleanup_(mem_freep) char *path = c->is_sealed ? archive_path(a, c->path) : part_path(a, c);
    _cleanup_(map_done) struct map seen; /* an old chunk may hold one ticket twice */
    map_init(&seen);
    int r = items_file_open(&file, path, err);
    for (uint32_t n = 0; r >= 0; n++) {
        struct str text;
        struct item item;
        if (!c->is_sealed && n == c->count)
            return 0; /* an open chunk has no end yet */
        r = items_file_next(&file, &text, err);
        if (r == E_JSON && c->is_old)
            return 0; /* cut off by the old collector; what was whole is counted */
        if (r <= 0)
            return r < 0 ? err_wrap(err, r, "%s", c->path) : 0;
        if (!item_read(text, &item))
            continue;
        r = is_current(a, number, &item, err);
        if (r > 0 && c->is_old && !is_first(&seen, item.id))
            continue;
        if (r > 0)
            r = v->each(v, &item, err);
    }
    return r;
}

int archive_each(struct archive *a, struct archive_visitor *v, struct err *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < a->chunk_count; i++)
        if (a->chunks[i].count > 0)
            r = archive_each_of(a, i, v, err);
    return r;
}

struct tidy {
    struct archive_visitor visitor;
    struct file_out out;
    uint32_t count;
};

static int tidy_one(struct archive_visitor *v, const struct item *item, struct err *err)
{
    struct tidy *t = container_of(v, struct tidy, visitor);
    buf_text(&t->out.buf, t->count++ == 0 ? HEAD : GLUE);
    buf_str(&t->out.buf, item->text);
    return file_out_flush(&t->out, false, err);
}

static void tidy_done(struct tidy *t)
{
    file_out_close(&t->out);
}

int archive_tidy(struct archive *a, struct err *err)
{
    for (size_t i = 0; i < a->chunk_count; i++) {
        struct chunk *c = &a->chunks[i];
        if (c->stale == 0 || c->is_old || !c->is_sealed)
            continue;
        _cleanup_(tidy_done) struct tidy t = {.visitor = {.each = tidy_one}, .out = FILE_OUT_INIT};
        _cleanup_(mem_freep) char *path = archive_path(a, c->path);
        int r = file_out_open(&t.out, path, err);
        if (r >= 0)
            r = archive_each_of(a, i, &t.visitor, err);
        if (r < 0)
            return r;
        buf_text(&t.out.buf, t.count == 0 ? "[]\n" : TAIL);
        r = file_out_commit(&t.out, err);
        if (r < 0)
            return r;
        a->stale_count -= c->stale;
        c->stale = 0;
        c->tidy_count++;
        c->count = t.count;
        buf_printf(&a->lines, "{\"tidy\":%zu,\"count\":%" PRIu32 "}\n", i, t.count);
        r = write_out(a, err);
        if (r < 0)
            return r;
    }
    return archive_sync(a, err);
}
