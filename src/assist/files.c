/*
 * assist/files.c: the files of one ticket.
 *
 * The happy path: the ticket is read live, then its thread; each attachment of either is one row. Addresses are
 * Freshdesk's, signed and soon stale, so nothing is stored; bytes go from one piece to the next, never whole.
 * Fails by: what Freshdesk answers; E_NOT_FOUND for a ticket or a file it does not have; E_UPSTREAM for bytes
 * that are not to be had. Invariant: which address may be called is upstream/freshdesk_file.c's to say.
 * Source: Freshdesk API, "View a ticket", "List all conversations of a ticket".
 */
#include "assist/files.h"

#include <assert.h>
#include <inttypes.h>

#include "assist/run.h"

enum { FILES_MAX = 1000, READ_MS = 20000 };
#define FILE_BYTES_MAX (100u << 20)

struct shelf {
    struct attachment *files;
    size_t count;
    int64_t only_id;
};

/* Only what may stand in a header. */
static struct str url_of(struct json v)
{
    struct str url = json_str(json_get(v, "attachment_url"));
    if (!str_starts_nocase(url, STR("https://")) && !str_starts_nocase(url, STR("http://")))
        return STR("");
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] <= ' ' || url.ptr[i] > '~')
            return STR("");
    }
    return url;
}

static void add_files(struct shelf *shelf, struct json list, int64_t conversation_id)
{
    for (struct json_iter it = json_iter(list); json_next(&it) && shelf->count < FILES_MAX;) {
        int64_t id = json_i64(json_get(it.value, "id"), 0);
        if (id == 0 || (shelf->only_id != 0 && id != shelf->only_id))
            continue;
        struct json size = json_get(it.value, "size");
        if (!json_exists(size))
            size = json_get(it.value, "file_size"); /* as some answers name it */
        shelf->files[shelf->count++] = (struct attachment){
            .id = id,
            .size = json_i64(size, 0),
            .conversation_id = conversation_id,
            .name = json_str(json_get(it.value, "name")),
            .content_type = json_str(json_get(it.value, "content_type")),
            .url = url_of(it.value),
        };
    }
}

int assist_attachments(struct flow *f, struct assist *a, const struct caller *who,
                       int64_t ticket_id, int64_t only_id, struct attachment **ret_files,
                       size_t *ret_count)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, READ_MS);
    struct freshdesk_as as = {
        .domain = who->domain, .api_key = who->api_key, .priority = PRIORITY_LIVE};
    struct shelf shelf = {.files = ARENA_ARRAY(&f->arena, FILES_MAX, struct attachment),
                          .only_id = only_id};
    struct ticket ticket;
    int r = freshdesk_ticket(f, a->spec.freshdesk, &as, ticket_id, &ticket);
    if (r < 0)
        return r;
    add_files(&shelf, json_get(ticket.json, "attachments"), 0);
    if (only_id == 0 || shelf.count == 0) {
        struct conversation *talks;
        size_t talk_count;
        r = freshdesk_conversations(f, a->spec.freshdesk, &as, ticket_id, &talks, &talk_count);
        if (r < 0)
            return r;
        for (size_t i = 0; i < talk_count; i++)
            add_files(&shelf, json_get(talks[i].json, "attachments"), talks[i].id);
    }
    if (only_id != 0 && shelf.count == 0)
        return err_set(&f->err, E_NOT_FOUND, "ticket %" PRId64 " has no attachment %" PRId64,
                       ticket_id, only_id);
    *ret_files = shelf.files;
    *ret_count = shelf.count;
    return 0;
}

/* Nothing was given yet, so the fault may be told as an answer of its own. */
static int file_open(struct flow *f, struct assist *a, const struct attachment *file,
                     struct freshdesk_file **ret_source)
{
    int r = freshdesk_file_open(f, a->spec.freshdesk, file->url, FILE_BYTES_MAX, ret_source);
    if (r == E_INPUT || r == E_UPSTREAM_DENIED)
        r = E_UPSTREAM; /* the address is not the reader's fault, nor is its key */
    return r < 0 ? err_wrap(&f->err, r, "attachment %" PRId64, file->id) : 0;
}

int assist_attachment_read(struct flow *f, struct assist *a, const struct caller *who,
                           int64_t ticket_id, int64_t id, struct file_taker *to)
{
    struct attachment *file = NULL;
    size_t count;
    struct str piece;
    int r = assist_attachments(f, a, who, ticket_id, id, &file, &count);
    if (r < 0)
        return r;
    assert(file != NULL); /* one id was asked for, and it was found */
    _cleanup_(freshdesk_file_close) struct freshdesk_file *source = NULL;
    r = file_open(f, a, file, &source);
    if (r >= 0)
        r = to->begin(f, to, file);
    while (r >= 0) {
        r = freshdesk_file_next(f, source, &piece);
        if (r <= 0)
            break;
        r = to->piece(f, to, piece);
    }
    return r;
}
