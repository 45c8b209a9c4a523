/*
 * cli/log_files.c: the server's log in daily files.
 *
 * The happy path: the day's file is opened for appending and given to the log beside standard error; every few
 * seconds its size and the date are looked at. Fails at start by a folder that cannot be written to; later a
 * failure is logged and the file before stays in use.
 * Invariant: a line is never split over two files, since the log changes its file between lines.
 */
#include "cli/log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "loop/zone_file.h"

enum { LOOK_MS = 5000 };

static bool day_path(const struct log_files *l, int64_t now_ms, char *ret_path, size_t size)
{
    char day[11];
    zone_day(l->zone, now_ms, 0, day);
    struct str name = str_from(l->name);
    if (str_ends(name, STR(".log")))
        name.len -= 4;
    int n = snprintf(ret_path, size, "%s/%.*s_%.4s%.2s%.2s.log", l->dir, STR_ARG(name), day,
                     day + 5, day + 8);
    return n > 0 && (size_t)n < size;
}

/* path.2 -> path.3, path.1 -> path.2, path -> path.1 */
static void move_up(const char *path, int part_count_max)
{
    char from[1040], to[1040];
    for (int i = part_count_max - 1; i >= 0; i--) {
        snprintf(to, sizeof(to), "%s.%d", path, i + 1);
        if (i > 0)
            snprintf(from, sizeof(from), "%s.%d", path, i);
        else
            snprintf(from, sizeof(from), "%s", path);
        if (rename(from, to) < 0 && errno != ENOENT)
            log_warn("log.turn", "path=\"%s\" error=\"%s\"", from, err_text(-errno));
    }
}

int log_files_turn(struct log_files *l, int64_t now_ms, struct err *err)
{
    char path[sizeof(l->path)];
    struct stat st;
    if (!day_path(l, now_ms, path, sizeof(path)))
        return err_set(err, -ENAMETOOLONG, "the name of the log file is too long");
    bool large = stat(path, &st) == 0 && (uint64_t)st.st_size >= l->bytes_max;
    if (!large && strcmp(path, l->path) == 0)
        return 0;
    if (mkdir(l->dir, 0777) < 0 && errno != EEXIST)
        return err_set(err, -errno, "%s: %s", l->dir, err_text(-errno));
    if (large)
        move_up(path, l->part_count_max);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        return err_set(err, -errno, "%s: %s", path, err_text(-errno));
    int before = log_also(fd);
    if (before >= 0)
        close(before);
    memcpy(l->path, path, sizeof(path));
    return 0;
}

static int look(struct flow *f, void *arg)
{
    struct log_files *l = arg;
    for (;;) {
        int r = flow_sleep(f, LOOK_MS);
        if (r < 0)
            return r;
        if (log_files_turn(l, loop_wall_ms(f->loop), &f->err) < 0)
            log_warn("log.turn", "error=\"%s\"", f->err.msg);
    }
}

int log_files_open(struct flow *f, const struct config *c, struct group *group,
                   struct log_files *ret_files)
{
    struct log_files *l = ret_files;
    if (!c->log_files)
        return 0;
    int r = zone_load(c->timezone, &l->own_zone, &f->err);
    if (r < 0)
        return r;
    l->dir = c->log_dir;
    l->name = c->log_file;
    l->zone = l->own_zone;
    l->bytes_max = (uint64_t)c->log_file_mb_max << 20;
    l->part_count_max = (int)c->log_file_count;
    r = log_files_turn(l, loop_wall_ms(f->loop), &f->err);
    return r < 0 ? err_wrap(&f->err, r, "LOG_DIR") : group_spawn(group, "log.files", look, l);
}

void log_files_done(struct log_files *l)
{
    int fd = log_also(-1);
    if (fd >= 0)
        close(fd);
    zone_free(l->own_zone);
}
