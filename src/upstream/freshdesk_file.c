/*
 * Attachments' bytes, streamed from where the vendor keeps them (an object store, by signed addresses).
 *
 * Happy path: the address is judged by its text, then by what its name resolves to when the socket is opened
 * (net/address.h), so that neither a forged answer nor a name server sends us into our own network.
 * Fails with E_INPUT on addresses that are not called at all; E_UPSTREAM_DENIED on 400, 401, 403, 404 and 410, which
 * object stores give for expired signatures; E_UPSTREAM on other statuses; E_LIMIT, E_TRUNCATED by the body.
 * Invariant: no credentials are sent.
 */
#include <inttypes.h>

#include "net/web.h"
#include "upstream/freshdesk_call.h"

enum { REDIRECT_COUNT_MAX = 3, FILE_IDLE_MS = 30000, HOST_BYTES_MAX = 253 };

struct freshdesk_file {
    struct web_stream stream;
};

/* Scheme, host and port of the stand-in, when there is one, and the address is under it. */
static bool is_of_stand_in(const struct freshdesk *fd, struct str url)
{
    struct str base = str_from(freshdesk_base_url(fd));
    size_t scheme = str_find(base, STR("://"), 0);
    if (base.len == 0 || scheme == SIZE_MAX)
        return false;
    size_t end = str_find(base, STR("/"), scheme + 3);
    struct str origin = str_sub(base, 0, end == SIZE_MAX ? base.len : end);
    return str_starts(url, origin) && url.len > origin.len && url.ptr[origin.len] == '/';
}

/* https, a name of letters, digits, dots and hyphens with a letter in its last label, no port, no user. */
static bool is_named_host(struct str url)
{
    if (!str_starts_nocase(url, STR("https://")))
        return false;
    struct str rest = str_sub(url, 8, url.len);
    size_t len = 0;
    bool has_dot = false, has_letter = false; /* of the last label */
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?' && rest.ptr[len] != '#') {
        char c = rest.ptr[len++];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-')
            return false;
        has_dot |= c == '.';
        has_letter = c == '.' ? false : has_letter || letter;
    }
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= ' ' || (unsigned char)url.ptr[i] == 0x7f)
            return false;
    return len > 0 && len <= HOST_BYTES_MAX && has_dot && has_letter && rest.ptr[0] != '.';
}

static int open_one(struct flow *f, struct freshdesk *fd, struct str url, uint64_t bytes_max,
                    struct web_stream *ret_stream)
{
    bool near = is_of_stand_in(fd, url);
    if (!near && !is_named_host(url))
        return err_set(&f->err, E_INPUT, "the attachment's address is not called");
    const struct web_request rq = {
        .method = "GET",
        .url = url,
        .bytes_max = (size_t)MIN(bytes_max, (uint64_t)SIZE_MAX / 2),
        .idle_ms = FILE_IDLE_MS,
        .public_only = !near,
    };
    return web_open(f, freshdesk_web(fd), &rq, ret_stream);
}

static int judge(struct flow *f, const struct web_reply *reply)
{
    switch (reply->status) {
    case 200: return 0;
    case 400:
    case 401:
    case 403:
    case 404:
    case 410:
        return err_set(&f->err, E_UPSTREAM_DENIED, "the attachment's address gives %d",
                       reply->status);
    default: return err_set(&f->err, E_UPSTREAM, "the attachment: HTTP %d", reply->status);
    }
}

int freshdesk_file_open(struct flow *f, struct freshdesk *fd, struct str url, uint64_t bytes_max,
                        struct freshdesk_file **ret_file)
{
    for (int n = 0; n <= REDIRECT_COUNT_MAX; n++) {
        struct freshdesk_file *file = ARENA_NEW(&f->arena, struct freshdesk_file);
        int r = open_one(f, fd, url, bytes_max, &file->stream);
        if (r < 0)
            return r;
        int status = file->stream.reply.status;
        struct str next = arena_str(&f->arena, web_header_find(&file->stream.reply, "Location"));
        if (status >= 301 && status <= 308 && status != 304 && next.len > 0) {
            web_close(&file->stream);
            url = next;
            continue;
        }
        r = judge(f, &file->stream.reply);
        if (r < 0) {
            web_close(&file->stream);
            return r;
        }
        *ret_file = file;
        return 0;
    }
    return err_set(&f->err, E_UPSTREAM, "the attachment: over %d redirects", REDIRECT_COUNT_MAX);
}

int freshdesk_file_next(struct flow *f, struct freshdesk_file *file, struct str *ret_piece)
{
    return web_next(f, &file->stream, ret_piece);
}

void freshdesk_file_close(struct freshdesk_file **file)
{
    if (*file)
        web_close(&(*file)->stream);
    *file = NULL;
}
