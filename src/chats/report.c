/*
 * The report of a span.
 *
 *   figures (SQL) -> book_open (thread) -> page (SQL) -> book_details (thread) -> ... -> book_commit (thread)
 *
 * The happy path holds one page of questions at a time. Figures and pages are separate snapshots; when the
 * pages do not hold as many questions as the figures say, a run has been at work meanwhile and all is made
 * again, at most three times.
 * Fails: E_NOT_FOUND for an empty span; -ENOSPC and the like with the path. A folder that cannot be written
 * to is replaced by /tmp, as the old system did, and said so.
 * Invariant: nothing under the report's name but a whole report.
 */
#include "chats/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define NAME_PREFIX "채팅키워드분류보고서_"
#define NAME_SUFFIX ".xlsx"

enum { TRIES_MAX = 3 };

struct str report_name(struct arena *a, struct day from, struct day to)
{
    char first[11], last[11];
    day_text(from, first);
    day_text(to, last);
    if (from.number == to.number)
        return arena_printf(a, NAME_PREFIX "%s" NAME_SUFFIX, first);
    return arena_printf(a, NAME_PREFIX "%s_to_%s" NAME_SUFFIX, first, last);
}

bool report_is_name(struct str name)
{
    struct day day;
    if (!str_starts(name, STR(NAME_PREFIX)) || !str_ends(name, STR(NAME_SUFFIX)))
        return false;
    struct str middle = str_sub(name, sizeof(NAME_PREFIX) - 1, name.len);
    middle.len -= sizeof(NAME_SUFFIX) - 1;
    if (middle.len == 10)
        return day_parse(middle, &day);
    return middle.len == 24 && day_parse(str_sub(middle, 0, 10), &day) &&
           str_eq(str_sub(middle, 10, 4), STR("_to_")) && day_parse(str_sub(middle, 14, 10), &day);
}

/* ---- work off the loop ---- */

struct job {
    struct book *book;
    const char *path;
    const struct chat_figures *figures;
    const struct chat_detail *rows;
    size_t count;
    struct err err;
};

static int job_open(void *arg)
{
    struct job *job = arg;
    return book_open(job->path, job->figures, &job->book, &job->err);
}
static int job_details(void *arg)
{
    struct job *job = arg;
    return book_details(job->book, job->rows, job->count, &job->err);
}
static int job_doubts(void *arg)
{
    struct job *job = arg;
    return book_doubts(job->book, job->rows, job->count, &job->err);
}
static int job_commit(void *arg)
{
    struct job *job = arg;
    return book_commit(job->book, &job->err);
}
static void job_done(struct job *job)
{
    book_free(job->book);
}

static int job_run(struct flow *f, struct job *job, int (*fn)(void *arg))
{
    job->err = (struct err){0};
    int r = work_run(f, fn, job);
    if (r < 0 && job->err.code == r)
        f->err = job->err;
    return r;
}

static int write_pages(struct flow *f, const struct report_spec *spec, struct job *job,
                       enum chat_pages_of which, int64_t *ret_count)
{
    _cleanup_(chat_pages_done) struct chat_pages pages = CHAT_PAGES_INIT;
    int r = chat_pages_open(f, &spec->figures, which, &pages);
    int64_t total = 0;
    while (r >= 0) {
        r = chat_pages_next(f, &pages);
        if (r <= 0)
            break;
        job->rows = pages.details;
        job->count = (size_t)r;
        total += r;
        r = job_run(f, job, which == CHAT_PAGES_ALL ? job_details : job_doubts);
    }
    *ret_count = total;
    return r;
}

/* 1 when the results changed meanwhile. */
static int make_once(struct flow *f, const struct report_spec *spec, struct str path,
                     struct report_file *ret_file)
{
    struct report_file file = {.path = path};
    int r = chat_figures_get(f, &spec->figures, &file.figures);
    if (r < 0)
        return r;
    file.figures.organisation = str_from(spec->organisation);
    _cleanup_(job_done) struct job job = {.path = arena_text(&f->arena, path),
                                          .figures = &file.figures};
    int64_t doubts = 0;
    r = job_run(f, &job, job_open);
    if (r >= 0)
        r = write_pages(f, spec, &job, CHAT_PAGES_DOUBTS, &doubts);
    if (r >= 0)
        r = write_pages(f, spec, &job, CHAT_PAGES_ALL, &file.detail_count);
    if (r < 0)
        return r;
    const struct chat_sum *sum = &file.figures.sum;
    if (file.detail_count != sum->classified_questions + sum->failed_questions)
        return 1;
    r = job_run(f, &job, job_commit);
    if (r >= 0)
        *ret_file = file;
    return r;
}

/* ---- the place ---- */

struct place {
    const char *dir, *path;
    uint64_t bytes;
    int64_t days, now_ms;
    struct err err;
};

static int make_dir(void *arg)
{
    struct place *place = arg;
    char part[4096];
    snprintf(part, sizeof(part), "%s", place->dir);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return err_set(&place->err, -errno, "%s: %s", part, err_text(-errno));
        *p = kept;
        if (kept == '\0')
            break;
    }
    if (access(place->dir, W_OK | X_OK) < 0)
        return err_set(&place->err, -errno, "%s: %s", place->dir, err_text(-errno));
    return 0;
}

static int get_size(void *arg)
{
    struct place *place = arg;
    struct stat st;
    place->bytes = stat(place->path, &st) == 0 ? (uint64_t)st.st_size : 0;
    return 0;
}

/* The folder of the settings, or /tmp when that one may not be written to. */
static int choose_dir(struct flow *f, const char *dir, const char **ret_dir, bool *ret_elsewhere)
{
    struct place place = {.dir = dir[0] != '\0' ? dir : "."};
    *ret_dir = place.dir;
    int r = work_run(f, make_dir, &place);
    if (r >= 0)
        return 0;
    if (r != -EACCES && r != -EPERM && r != -EROFS && r != -ENOTDIR) {
        if (place.err.code == r)
            f->err = place.err;
        return r;
    }
    log_warn("report.place", "error=\"%s\" instead=/tmp", place.err.msg);
    *ret_dir = "/tmp";
    *ret_elsewhere = true;
    return 0;
}

int report_make(struct flow *f, const struct report_spec *spec, struct report_file *ret_file)
{
    const char *dir;
    bool elsewhere = false;
    int r = choose_dir(f, spec->dir, &dir, &elsewhere);
    if (r < 0)
        return err_wrap(&f->err, r, "report");
    struct str name = report_name(&f->arena, spec->figures.from, spec->figures.to);
    struct str path = arena_printf(&f->arena, "%s/%.*s", dir, STR_ARG(name));
    r = 1;
    for (int tries = 0; r == 1 && tries < TRIES_MAX; tries++)
        r = make_once(f, spec, path, ret_file);
    if (r == 1)
        return err_set(&f->err, E_BUSY, "report: the results kept changing while it was made");
    if (r == E_NOT_FOUND)
        return r; /* the old system's sentence, as it is */
    if (r < 0)
        return err_wrap(&f->err, r, "report");
    struct place place = {.path = arena_text(&f->arena, path)};
    r = work_run(f, get_size, &place);
    if (r < 0)
        return err_wrap(&f->err, r, "report");
    ret_file->bytes = place.bytes;
    ret_file->name = name;
    ret_file->elsewhere = elsewhere;
    log_info("report.made",
             "path=\"%.*s\" questions=%" PRId64 " chats=%" PRId64 " failed=%" PRId64
             " bytes=%" PRIu64,
             STR_ARG(path), ret_file->figures.sum.question_count, ret_file->figures.sum.chat_count,
             ret_file->figures.sum.failed_questions, ret_file->bytes);
    return 0;
}

/* ---- clean-up ---- */

static int clean(void *arg)
{
    struct place *place = arg;
    DIR *d = opendir(place->dir);
    int count = 0;
    if (d == NULL)
        return errno == ENOENT ? 0 : -errno;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        struct stat st;
        if (!report_is_name(str_from(e->d_name)) ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        int64_t age_ms = place->now_ms - (int64_t)st.st_mtime * 1000;
        if (age_ms > place->days * 86400000 && unlinkat(dirfd(d), e->d_name, 0) == 0)
            count++;
    }
    closedir(d);
    return count;
}

int report_clean(struct flow *f, const char *dir, int64_t days, int64_t now_ms)
{
    struct place place = {.dir = dir[0] != '\0' ? dir : ".", .days = days, .now_ms = now_ms};
    if (days <= 0)
        return 0;
    int r = work_run(f, clean, &place);
    if (r > 0)
        log_info("report.clean", "removed=%d days=%" PRId64, r, days);
    return r;
}
