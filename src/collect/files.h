#pragma once
/* Small blocking helpers around files, for pool threads: whole writes, atomic replacement, folders. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Writes all of it at the file's end or position. */
int file_write(int fd, struct str bytes, struct err *err) _must_check_;
/* Replaces a file: temporary file beside it, fsync, rename, fsync of the folder. */
int file_replace(const char *path, struct str bytes, struct err *err) _must_check_;
/* fsync of the folder that holds `path`. */
int file_sync_dir(const char *path, struct err *err) _must_check_;
/* Reads a file of at most `bytes_max`. -ENOENT without a message when there is none. */
int file_read(const char *path, size_t bytes_max, struct buf *out, struct err *err) _must_check_;
/* mkdir -p. */
int file_make_dir(const char *path, struct err *err) _must_check_;

/* A file that becomes visible under its name only when whole:
 * open -> out_* -> file_out_commit; closing before that removes it. */
struct file_out {
    int fd;
    char *path, *temporary;
    struct buf buf; /* written out when over 256 KiB */
    uint64_t bytes;
};
#define FILE_OUT_INIT                                                                              \
    {                                                                                              \
        .fd = -1                                                                                   \
    }
int file_out_open(struct file_out *o, const char *path, struct err *err) _must_check_;
/* Call now and then: hands what is in o->buf to the kernel when it is much. */
int file_out_flush(struct file_out *o, bool all, struct err *err) _must_check_;
int file_out_commit(struct file_out *o, struct err *err) _must_check_;
void file_out_close(struct file_out *o); /* _cleanup_ */
