/*
 * http/gzip.c: compresses answers, and reads what clients say about it.
 *
 * The happy path: a text body is deflated into one buffer, at a quick level on the loop when it is small
 * (64 KiB take about half a millisecond at level 1), at a thorough one in the thread pool otherwise.
 * Fails by: the flow being cancelled while the pool works; zlib running out of memory ends the process
 * like any small allocation. Invariant: the input stays untouched until the work has ended, since the
 * flow waits for it.
 */
#include <assert.h>
#include <zlib.h>

#include "http/internal.h"

#define WORK_BYTES_MIN ((size_t)64 * 1024)
#define LEVEL_QUICK 1
#define LEVEL_THOROUGH 6

struct gzip_job {
    struct str body;
    struct buf *out;
    int level;
};

static int gzip_run(void *arg)
{
    struct gzip_job *job = arg;
    z_stream z = {0};
    int r = deflateInit2(&z, job->level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    assert(r == Z_OK);
    /* deflateBound counts the gzip wrapper once the stream is set up for it. */
    size_t room = deflateBound(&z, job->body.len);
    z.next_in = (Bytef *)(uintptr_t)job->body.ptr;
    z.avail_in = (uInt)job->body.len;
    z.next_out = (Bytef *)buf_room(job->out, room);
    z.avail_out = (uInt)room;
    r = deflate(&z, Z_FINISH);
    assert(r == Z_STREAM_END);
    buf_used(job->out, z.total_out);
    deflateEnd(&z);
    return 0;
}

int http_gzip(struct flow *f, struct str body, struct buf *out)
{
    assert(body.len < UINT32_MAX / 2);
    bool large = body.len > WORK_BYTES_MIN;
    struct gzip_job job = {body, out, large ? LEVEL_THOROUGH : LEVEL_QUICK};
    return large ? work_run(f, gzip_run, &job) : gzip_run(&job);
}

/* Is the weight of "gzip;q=0.5" above 0? Without one it is 1. */
static bool weight_is_positive(struct str parameters)
{
    struct str part;
    while (str_cut(&parameters, ';', &part)) {
        part = str_trim(part);
        if (!str_starts_nocase(part, STR("q=")))
            continue;
        for (size_t i = 2; i < part.len; i++) {
            if (part.ptr[i] >= '1' && part.ptr[i] <= '9')
                return true;
        }
        return false;
    }
    return true;
}

bool http_accepts_gzip(struct str accept_encoding)
{
    bool any = false;
    struct str item;
    while (str_cut(&accept_encoding, ',', &item)) {
        struct str coding = STR("");
        if (!str_cut(&item, ';', &coding))
            continue;
        coding = str_trim(coding);
        if (str_eq_nocase(coding, STR("gzip")) || str_eq_nocase(coding, STR("x-gzip")))
            return weight_is_positive(item);
        if (str_eq(coding, STR("*")))
            any = weight_is_positive(item);
    }
    return any;
}

bool http_type_is_text(const char *content_type)
{
    static const char *const types[] = {
        "text/",           "application/json", "application/javascript", "application/problem+json",
        "application/xml", "image/svg+xml"};
    struct str given = str_from(content_type);
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_starts_nocase(given, str_from(types[i])))
            return !str_starts_nocase(given, STR("text/event-stream"));
    }
    return false;
}
