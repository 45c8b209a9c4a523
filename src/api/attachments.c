/*
 * api/attachments.c: the files of a ticket, as three generations of clients ask for them
 * (legacy-contracts §1.11): one by its id, all of a ticket, the addresses of several at once.
 *
 * The happy path: the ticket is named by ticket_id (Freshdesk has no call for a file by its own id), its
 * files are read live, and the one that was asked for is told with its signed address.
 * Fails by: 422 for an id that is no number, 400 without a ticket or with a bad list of ids, 404, 429, 502, each
 * with the old text. Invariant: a file is a stranger's: it is handed out as something to save, never as a
 * page of this origin.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "api/input.h"
#include "api/internal.h"
#include "assist/files.h"

enum { BULK_MAX = 100, LIST_DEFAULT = 20, LIST_MAX = 100 };

struct place {
    int64_t ticket_id, conversation_id; /* conversation_id 0: not told */
};

/* Where the file hangs. The conversation alone is no way to it: Freshdesk gives threads by ticket only. */
static int read_place(struct flow *f, struct input *in, struct place *ret_place)
{
    static const char *const names[] = {"ticket_id", "conversation_id"};
    int64_t ids[2] = {0, 0};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (input_query_text(in, names[i]).len > 0)
            ids[i] = input_query_int(in, names[i], 0, INT64_MIN, INT64_MAX);
    }
    *ret_place = (struct place){ids[0], ids[1]};
    if (input_is_bad(in) || ids[0] != 0)
        return 0;
    return err_set(&f->err, E_INPUT,
                   "첨부파일 위치 정보(ticket_id 또는 conversation_id)가 필요합니다%s",
                   ids[1] != 0 ? ": conversation_id alone is not enough, add ticket_id" : "");
}

/* The texts that old clients know. */
static int file_error(struct flow *f, int r)
{
    if (r == E_NOT_FOUND)
        return err_set(&f->err, r, "첨부파일을 찾을 수 없습니다");
    if (r == E_RATE)
        return err_set(&f->err, r, "API 요청 한도 초과");
    if (r < 0 && err_http(r) == 502)
        return err_set(&f->err, r, "Freshdesk 서버 오류");
    return r;
}

/* ---- one file ---- */

enum form { FORM_URL, FORM_METADATA, FORM_CARD, FORM_SHORT };

static void write_members(struct jw *w, const struct attachment *file, const struct place *place,
                          const struct caller *who, enum form form)
{
    jw_i64(w, "id", file->id);
    if (form == FORM_SHORT)
        jw_i64(w, "attachment_id", file->id);
    jw_str(w, "name", file->name);
    jw_str(w, "content_type", file->content_type);
    jw_i64(w, "size", file->size);
    if (form != FORM_METADATA) {
        jw_str_or_null(w, "download_url", file->url);
        jw_text(w, "expires_at", "5분 후 만료");
    }
    jw_i64(w, "ticket_id", place->ticket_id);
    if (file->conversation_id != 0)
        jw_i64(w, "conversation_id", file->conversation_id);
    else
        jw_null(w, "conversation_id");
    if (form == FORM_CARD) {
        jw_text(w, "platform", "freshdesk");
        jw_str(w, "company_id", who->company);
    }
}

/* Which file of whom. 0 when the request can be answered; else it is, or with an error to be returned: > 0, < 0. */
static int read_request(struct flow *f, struct api *a, struct http_exchange *x, int64_t *ret_id,
                        struct place *ret_place, struct caller *ret_who)
{
    struct input in;
    input_begin(&in, f, x);
    *ret_id = input_path_id(&in, "attachment_id");
    int r = read_place(f, &in, ret_place);
    if (input_is_bad(&in)) {
        r = input_refuse(f, x, &in);
        return r < 0 ? r : 1;
    }
    if (r >= 0)
        r = claim_caller(f, a, x, ret_who);
    if (r < 0)
        return r;
    return *ret_id != 0 ? 0 : file_error(f, E_NOT_FOUND); /* 0 would ask for all */
}

static int answer_file(struct flow *f, struct api *a, struct http_exchange *x, enum form form)
{
    int64_t id;
    struct place place;
    struct caller who;
    struct attachment *files;
    size_t count;
    int r = read_request(f, a, x, &id, &place, &who);
    if (r != 0)
        return MIN(r, 0);
    r = assist_attachments(f, a->spec.assist, &who, place.ticket_id, id, &files, &count);
    if (r < 0)
        return file_error(f, r);
    http_set_header(x, "Cache-Control", STR("no-store")); /* addresses expire */
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    write_members(&w, &files[0], &place, &who, form);
    jw_end_obj(&w);
    return http_answer_json(f, x, 200, buf_view(out));
}

int on_attachment(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_file(f, context, x, FORM_CARD);
}

int on_attachment_url(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_file(f, context, x, FORM_URL);
}

int on_attachment_short_url(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_file(f, context, x, FORM_SHORT);
}

int on_attachment_metadata(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_file(f, context, x, FORM_METADATA);
}

/* ---- the bytes ---- */

struct download {
    struct file_taker taker;
    struct http_exchange *exchange;
};

/* A media type as the vendor told it, or the one that nothing opens. */
static const char *media_type(struct arena *a, struct str told)
{
    for (size_t i = 0; i < told.len; i++) {
        char c = told.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && strchr("/+.-", c) == NULL)
            return "application/octet-stream";
    }
    return told.len > 0 ? arena_text(a, told) : "application/octet-stream";
}

/* The file is a stranger's: it is saved under its name (RFC 6266), and never shown or run as a page of ours. */
static int on_begin(struct flow *f, struct file_taker *t, const struct attachment *file)
{
    struct http_exchange *x = container_of(t, struct download, taker)->exchange;
    struct buf *name = arena_buf(&f->arena, 0);
    buf_text(name, "attachment; filename*=UTF-8''");
    buf_percent(name, file->name.len > 0 ? file->name : STR("file"), "");
    http_set_header(x, "Content-Disposition", buf_view(name));
    http_set_header(x, "X-Content-Type-Options", STR("nosniff"));
    http_set_header(x, "Content-Security-Policy", STR("default-src 'none'; sandbox"));
    http_set_header(x, "Cache-Control", STR("no-store"));
    return http_stream_begin(f, x, 200, media_type(&f->arena, file->content_type));
}

static int on_piece(struct flow *f, struct file_taker *t, struct str piece)
{
    return http_stream_write(f, container_of(t, struct download, taker)->exchange, piece);
}

int on_attachment_download(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    int64_t id;
    struct place place;
    struct caller who;
    int r = read_request(f, a, x, &id, &place, &who);
    if (r != 0)
        return MIN(r, 0);
    struct download d = {.taker = {.begin = on_begin, .piece = on_piece}, .exchange = x};
    r = assist_attachment_read(f, a->spec.assist, &who, place.ticket_id, id, &d.taker);
    return r < 0 ? file_error(f, r) : http_stream_end(f, x);
}

/* ---- all of a ticket ---- */

int on_attachments(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct input in;
    struct place place;
    struct caller who;
    struct attachment *files;
    size_t count;
    input_begin(&in, f, x);
    size_t limit = (size_t)input_query_int(&in, "limit", LIST_DEFAULT, 1, LIST_MAX);
    int r = read_place(f, &in, &place);
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    if (r >= 0)
        r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    r = assist_attachments(f, a->spec.assist, &who, place.ticket_id, 0, &files, &count);
    if (r < 0)
        return file_error(f, r);
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    jw_arr(&w, "attachments");
    for (size_t i = 0; i < MIN(count, limit); i++) {
        jw_obj(&w, NULL);
        write_members(&w, &files[i], &place, &who, FORM_CARD);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_i64(&w, "total", (int64_t)count);
    jw_i64(&w, "ticket_id", place.ticket_id);
    jw_text(&w, "platform", "freshdesk");
    jw_str(&w, "company_id", who.company);
    jw_end_obj(&w);
    http_set_header(x, "Cache-Control", STR("no-store"));
    return http_answer_json(f, x, 200, buf_view(out));
}

/* ---- several at once ---- */

static bool has_id(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

/* Each once: they become the keys of the answer. */
static int read_ids(struct flow *f, struct str list, int64_t *ret_ids, size_t *ret_count)
{
    struct str one;
    size_t count = 0;
    while (str_cut(&list, ',', &one)) {
        if (count == BULK_MAX)
            return err_set(&f->err, E_INPUT, "at most %d attachment_ids", BULK_MAX);
        if (!str_to_i64(str_trim(one), &ret_ids[count]))
            return err_set(&f->err, E_INPUT, "유효하지 않은 첨부파일 ID 형식");
        if (!has_id(ret_ids, count, ret_ids[count]))
            count++;
    }
    *ret_count = count;
    return count > 0 ? 0 : err_set(&f->err, E_INPUT, "유효하지 않은 첨부파일 ID 형식");
}

static const struct attachment *file_of(const struct attachment *files, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i].id == id)
            return &files[i];
    }
    return NULL;
}

/* `why` is told of ids that the ticket does not have, or of all when it could not be read. */
static void write_bulk(struct jw *w, const int64_t *ids, size_t id_count,
                       const struct attachment *files, size_t count, const struct place *place,
                       const char *why)
{
    char key[24];
    jw_obj(w, NULL);
    for (size_t i = 0; i < id_count; i++) {
        const struct attachment *file = file_of(files, count, ids[i]);
        snprintf(key, sizeof(key), "%" PRId64, ids[i]);
        jw_obj(w, key);
        jw_bool(w, "success", file != NULL);
        if (file != NULL) {
            jw_obj(w, "data");
            write_members(w, file, place, NULL, FORM_URL);
            jw_end_obj(w);
        } else {
            jw_text(w, "error", why);
        }
        jw_end_obj(w);
    }
    jw_end_obj(w);
}

int on_attachments_bulk(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct input in;
    struct place place;
    struct caller who;
    int64_t ids[BULK_MAX];
    size_t id_count = 0, count = 0;
    struct attachment *files = NULL;
    input_begin(&in, f, x);
    int r = read_place(f, &in, &place);
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    if (r >= 0)
        r = read_ids(f, input_query_text(&in, "attachment_ids"), ids, &id_count);
    if (r >= 0)
        r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    r = assist_attachments(f, a->spec.assist, &who, place.ticket_id, 0, &files, &count);
    if (r == -ECANCELED)
        return r;
    r = file_error(f, r < 0 ? r : E_NOT_FOUND);
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    write_bulk(&w, ids, id_count, files, count, &place, err_public(&f->err, r));
    http_set_header(x, "Cache-Control", STR("no-store"));
    return http_answer_json(f, x, 200, buf_view(out));
}
