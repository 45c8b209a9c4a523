/*
 * collect/files.c: blocking file helpers.
 *
 * Happy path: temporary name, write, fsync, rename, fsync of the folder: a reader sees the old file or the
 * new one, whole, also after a power cut.
 * Fails with the system's code (-ENOSPC, -EACCES...) and the file's name in the message; what was begun is
 * removed.
 * Invariant: nothing here is called on the loop's thread.
 */
#include "collect/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"

#define FLUSH_BYTES ((size_t)256 * 1024)

static int fail(struct err *err, const char *path)
{
    int r = -errno;
    return err_set(err, r, "%s: %s", path, err_text(r));
}

int file_write(int fd, struct str bytes, struct err *err)
{
    int r = fault_check("file.write", -ENOSPC);
    if (r < 0)
        return err_set(err, r, "writing: %s", err_text(r));
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, -errno, "writing: %s", err_text(-errno));
        bytes = str_sub(bytes, (size_t)n, bytes.len);
    }
    return 0;
}

int file_sync_dir(const char *path, struct err *err)
{
    char *dir = mem_strdup(path);
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) < 0 ? fail(err, path) : 0;
    if (fd >= 0)
        close(fd);
    mem_free(dir);
    return r;
}

int file_read(const char *path, size_t bytes_max, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : fail(err, path);
    int r = 0;
    for (;;) {
        char *room = buf_room(out, 65536);
        ssize_t n = room ? read(fd, room, 65536) : 0;
        if (n < 0)
            r = fail(err, path);
        if (n <= 0)
            break;
        buf_used(out, (size_t)n);
        if (out->len > bytes_max) {
            r = err_set(err, E_LIMIT, "%s is over %zu bytes", path, bytes_max);
            break;
        }
    }
    close(fd);
    return r;
}

int file_make_dir(const char *path, struct err *err)
{
    char *part = mem_strdup(path);
    int r = 0;
    for (char *p = part + 1; r >= 0; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            r = fail(err, part);
        *p = kept;
        if (kept == '\0')
            break;
    }
    mem_free(part);
    return r;
}

/* ---- whole or not at all ---- */

int file_out_open(struct file_out *o, const char *path, struct err *err)
{
    struct buf name = BUF_INIT(0);
    buf_printf(&name, "%s.tmp", path);
    *o = (struct file_out){.path = mem_strdup(path), .temporary = mem_strdup(name.ptr)};
    buf_done(&name);
    o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return o->fd < 0 ? fail(err, o->temporary) : 0;
}

int file_out_flush(struct file_out *o, bool all, struct err *err)
{
    if (o->buf.len == 0 || (!all && o->buf.len < FLUSH_BYTES))
        return 0;
    o->bytes += o->buf.len;
    int r = file_write(o->fd, buf_view(&o->buf), err);
    buf_clear(&o->buf);
    return r < 0 ? err_wrap(err, r, "%s", o->temporary) : 0;
}

int file_out_commit(struct file_out *o, struct err *err)
{
    int r = file_out_flush(o, true, err);
    if (r < 0)
        return r;
    if (fsync(o->fd) < 0)
        return fail(err, o->temporary);
    close(o->fd);
    o->fd = -1;
    if (rename(o->temporary, o->path) < 0) {
        r = fail(err, o->path);
        unlink(o->temporary);
        return r;
    }
    return file_sync_dir(o->path, err);
}

void file_out_close(struct file_out *o)
{
    if (o->fd >= 0) {
        close(o->fd);
        unlink(o->temporary);
    }
    o->fd = -1;
    mem_free(o->path);
    mem_free(o->temporary);
    o->path = o->temporary = NULL;
    buf_done(&o->buf);
}

int file_replace(const char *path, struct str bytes, struct err *err)
{
    _cleanup_(file_out_close) struct file_out o = FILE_OUT_INIT;
    int r = file_out_open(&o, path, err);
    if (r < 0)
        return r;
    buf_str(&o.buf, bytes);
    return file_out_commit(&o, err);
}
