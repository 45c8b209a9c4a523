/*
 * Reads a finished workbook again: the library does not look at what its writes say, so a disk that was full
 * for a moment may leave a file that opens and lacks rows.
 *
 *   end record -> directory -> each part: inflate, CRC-32, and of sheets: rows counted, last tag seen
 *
 * The happy path reads the file once, 64 KiB at a time. Source: APPNOTE.TXT §4.3 (ZIP), RFC 1951.
 * Fails: -ENOSPC is the likely cause and is what is said when the disk is full now; else E_LIMIT with the
 * part's name. ZIP64 is not read, since the writer does not write it.
 * Invariant: nothing is trusted: sizes and places are checked against the file before they are used.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "chats/sheet.h"

enum { CHUNK_BYTES = 64 << 10, END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30 };

static const char end_tag[] = "</worksheet>";
static const char row_tag[] = "<row ";

struct part {
    char name[64];
    uint64_t at, packed_bytes, bytes;
    uint32_t crc;
    uint16_t method;
};

struct reader {
    int fd;
    uint64_t bytes;
    const char *path;
    struct err *err;
    unsigned char *in, *out;
    size_t row_seen; /* how much of row_tag matched */
    uint64_t row_count;
    char tail[sizeof(end_tag) - 1]; /* last bytes of the part */
};

static int broken(const struct reader *r, const char *what)
{
    return err_set(r->err, E_LIMIT, "%s: %s", r->path, what);
}

static bool read_at(const struct reader *r, uint64_t at, void *bytes, size_t len)
{
    return at <= r->bytes && len <= r->bytes - at &&
           pread(r->fd, bytes, len, (off_t)at) == (ssize_t)len;
}

static uint32_t small(const unsigned char *p, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = bytes; i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

/* Counts row tags and keeps the last bytes. */
static void look(struct reader *r, const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != (unsigned char)row_tag[r->row_seen])
            r->row_seen = 0; /* no byte but the first begins the tag again */
        if (p[i] == (unsigned char)row_tag[r->row_seen])
            r->row_seen++;
        if (r->row_seen == sizeof(row_tag) - 1) {
            r->row_count++;
            r->row_seen = 0;
        }
    }
    if (len >= sizeof(r->tail)) {
        memcpy(r->tail, p + len - sizeof(r->tail), sizeof(r->tail));
    } else {
        memmove(r->tail, r->tail + len, sizeof(r->tail) - len);
        memcpy(r->tail + sizeof(r->tail) - len, p, len);
    }
}

static int read_part(struct reader *r, const struct part *part)
{
    unsigned char local[LOCAL_BYTES];
    if (!read_at(r, part->at, local, sizeof(local)) || small(local, 4) != 0x04034b50)
        return broken(r, "a part is not where the directory says");
    uint64_t at = part->at + LOCAL_BYTES + small(local + 26, 2) + small(local + 28, 2);
    uint64_t left = part->packed_bytes, bytes = 0;
    uLong crc = crc32(0, NULL, 0);
    z_stream z = {.next_in = NULL};
    if (part->method != Z_DEFLATED || inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return broken(r, "a part is not deflated");
    r->row_count = r->row_seen = 0;
    int got = Z_OK;
    while (got == Z_OK && (left > 0 || z.avail_in > 0)) {
        if (z.avail_in == 0) {
            size_t n = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
            if (!read_at(r, at, r->in, n))
                break;
            at += n;
            left -= n;
            z.next_in = r->in;
            z.avail_in = (uInt)n;
        }
        z.next_out = r->out;
        z.avail_out = CHUNK_BYTES;
        got = inflate(&z, Z_NO_FLUSH);
        size_t n = CHUNK_BYTES - z.avail_out;
        crc = crc32(crc, r->out, (uInt)n);
        bytes += n;
        look(r, r->out, n);
    }
    inflateEnd(&z);
    if (got != Z_STREAM_END || bytes != part->bytes || crc != part->crc)
        return err_set(r->err, E_LIMIT, "%s: part %s was not written whole", r->path, part->name);
    return 0;
}

static int check_sheet(struct reader *r, const struct part *part, struct sheet *const *sheets,
                       size_t count)
{
    size_t number = 0;
    if (sscanf(part->name, "xl/worksheets/sheet%zu.xml", &number) != 1)
        return 0;
    if (number == 0 || number > count)
        return broken(r, "it has more sheets than were written");
    const struct sheet *s = sheets[number - 1];
    if (memcmp(r->tail, end_tag, sizeof(r->tail)) != 0)
        return err_set(r->err, E_LIMIT, "%s: sheet %s breaks off", r->path, s->name);
    if (r->row_count != s->row_count)
        return err_set(r->err, E_LIMIT,
                       "%s: sheet %s holds %" PRIu64 " rows of %" PRIu64 " written", r->path,
                       s->name, r->row_count, s->row_count);
    return 1;
}

static int check_file(struct reader *r, struct sheet *const *sheets, size_t count)
{
    unsigned char end[END_BYTES], entry[ENTRY_BYTES];
    if (r->bytes < END_BYTES || !read_at(r, r->bytes - END_BYTES, end, sizeof(end)) ||
        small(end, 4) != 0x06054b50)
        return broken(r, "it has no directory");
    uint64_t at = small(end + 16, 4);
    size_t sheet_count = 0;
    for (uint32_t left = small(end + 10, 2); left > 0; left--) {
        struct part part = {.name = ""};
        if (!read_at(r, at, entry, sizeof(entry)) || small(entry, 4) != 0x02014b50)
            return broken(r, "its directory breaks off");
        size_t name_len = small(entry + 28, 2);
        if (!read_at(r, at + ENTRY_BYTES, part.name, MIN(name_len, sizeof(part.name) - 1)))
            return broken(r, "its directory breaks off");
        part.method = (uint16_t)small(entry + 10, 2);
        part.crc = small(entry + 16, 4);
        part.packed_bytes = small(entry + 20, 4);
        part.bytes = small(entry + 24, 4);
        part.at = small(entry + 42, 4);
        at += ENTRY_BYTES + name_len + small(entry + 30, 2) + small(entry + 32, 2);
        int found = read_part(r, &part);
        if (found >= 0)
            found = check_sheet(r, &part, sheets, count);
        if (found < 0)
            return found;
        sheet_count += (size_t)found;
    }
    return sheet_count == count ? 0 : broken(r, "it lacks a sheet");
}

int book_check(const char *path, struct sheet *const *sheets, size_t count, struct err *err)
{
    struct reader r = {.fd = open(path, O_RDONLY | O_CLOEXEC), .path = path, .err = err};
    struct stat st;
    if (r.fd < 0 || fstat(r.fd, &st) < 0) {
        int code = -errno;
        if (r.fd >= 0)
            close(r.fd);
        return err_set(err, code, "%s: %s", path, err_text(code));
    }
    r.bytes = (uint64_t)st.st_size;
    r.in = mem_alloc(CHUNK_BYTES);
    r.out = mem_alloc(CHUNK_BYTES);
    int code = check_file(&r, sheets, count);
    mem_free(r.in);
    mem_free(r.out);
    close(r.fd);
    return code;
}
