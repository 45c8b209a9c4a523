/*
 * collect/index.c: the scratch table of held tickets.
 *
 *   byte 8*id:  | updated_s, 32 bits | talks, files, 1 bit each | chunk + 1, 30 bits |     0: not held
 *
 * Happy path: one pread or pwrite an id, all in the page cache. Fails with the system's code.
 * Invariant: nothing is kept here that the ledger does not tell; a lost index costs nothing.
 */
#include "collect/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

#define TALKS_BIT UINT32_C(0x80000000)
#define FILES_BIT UINT32_C(0x40000000)

int index_open(struct index *x, const char *dir, struct err *err)
{
    *x = (struct index){.fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (x->fd < 0) { /* not every file system has files without a name */
        struct buf path = BUF_INIT(0);
        buf_printf(&path, "%s/.index.XXXXXX", dir);
        x->fd = mkstemp(path.ptr);
        if (x->fd >= 0)
            unlink(path.ptr);
        buf_done(&path);
    }
    return x->fd < 0 ? err_set(err, -errno, "%s: %s", dir, err_text(-errno)) : 0;
}

void index_close(struct index *x)
{
    if (x->fd >= 0)
        close(x->fd);
    x->fd = -1;
}

static int check(int64_t id, struct err *err)
{
    if (id > 0 && id < INDEX_ID_MAX)
        return 0;
    return err_set(err, E_LIMIT, "%lld is no ticket id", (long long)id);
}

int index_get(const struct index *x, int64_t id, struct index_entry *ret_entry, struct err *err)
{
    uint32_t cell[2] = {0, 0};
    int r = check(id, err);
    if (r < 0)
        return r;
    ssize_t n = id > x->id_max ? 0 : pread(x->fd, cell, sizeof(cell), id * (int64_t)sizeof(cell));
    if (n < 0)
        return err_set(err, -errno, "the index: %s", err_text(-errno));
    *ret_entry = (struct index_entry){.updated_s = cell[0],
                                      .chunk = (cell[1] & ~(TALKS_BIT | FILES_BIT)) - 1,
                                      .is_held = cell[1] != 0,
                                      .has_talks = (cell[1] & TALKS_BIT) != 0,
                                      .has_files = (cell[1] & FILES_BIT) != 0};
    return 0;
}

int index_put(struct index *x, int64_t id, const struct index_entry *entry, struct err *err)
{
    int r = check(id, err);
    if (r < 0)
        return r;
    uint32_t cell[2] = {(uint32_t)entry->updated_s,
                        entry->is_held ? (entry->chunk + 1) | (entry->has_talks ? TALKS_BIT : 0) |
                                             (entry->has_files ? FILES_BIT : 0)
                                       : 0};
    if (pwrite(x->fd, cell, sizeof(cell), id * (int64_t)sizeof(cell)) != (ssize_t)sizeof(cell))
        return err_set(err, errno ? -errno : -EIO, "the index: %s", err_text(-errno));
    x->id_max = id > x->id_max ? id : x->id_max;
    return 0;
}
