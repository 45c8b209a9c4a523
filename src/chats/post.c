/*
 * The outbox's mails on their way.
 *
 *   row locked -> message built -> SMTP -> accepted | refused | later -> committed -> next recipient
 *
 * The happy path is one transaction of the database around one of SMTP. Fails: a recipient refused for good
 * (5xx) is noted and never asked again; everything else is tried again, later and later, up to give_up_ms.
 * A wrong login or a missing server is such a thing too: somebody will put the settings right.
 * Invariant: no recipient is asked while anybody else holds the mail, and none whose answer is committed.
 */
#include "chats/post.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "upstream/mime.h"

#define XLSX_TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

enum {
    RETRY_MS = 60 * 1000,
    RETRY_MS_MAX = 3600 * 1000,
    UNSURE_MS = 10 * 60 *
                1000, /* a server that went silent after the message may still be busy with it */
    FILE_BYTES_MAX = 64 << 20
};
#define GIVE_UP_MS (UINT64_C(3) * 24 * 3600 * 1000)

/* ---- put ---- */

struct file_job {
    const char *path;
    struct buf *bytes;
    struct err err;
};

static int read_file(void *arg)
{
    struct file_job *job = arg;
    int fd = open(job->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(&job->err, -errno, "%s: %s", job->path, err_text(-errno));
    ssize_t n = 0;
    for (;;) {
        char *room = buf_room(job->bytes, 65536);
        n = room != NULL ? read(fd, room, 65536) : -1;
        if (n <= 0)
            break;
        buf_used(job->bytes, (size_t)n);
    }
    int r = n < 0 ? (job->bytes->failed ? E_LIMIT : -errno) : 0;
    close(fd);
    return r < 0 ? err_set(&job->err, r, "%s: %s", job->path, err_text(r)) : 0;
}

/* The same key and sender give the same id, so a mail that is put again after a crash is the same mail. */
static struct str message_id(struct arena *a, const struct post *p, struct str key)
{
    char hex[2 * SHA256_BYTES + 1];
    struct str sender = str_from(p->smtp.sender);
    size_t at = str_find(sender, STR("@"), 0);
    struct str all = arena_printf(a, "%" PRId64 "\n%.*s\n%s", p->tenant_id, STR_ARG(key),
                                  p->smtp.sender);
    sha256_hex(all, hex);
    return arena_printf(
        a, "<%.40s@%.*s>", hex,
        STR_ARG(at == SIZE_MAX ? STR("localhost") : str_sub(sender, at + 1, sender.len)));
}

int post_put(struct flow *f, const struct post *p, const struct post_item *item,
             struct outbox_known *ret_known)
{
    struct str *recipients, wrong;
    size_t count;
    smtp_recipients(&f->arena, p->recipients, &recipients, &count, &wrong);
    if (wrong.len > 0)
        log_error("post.recipients", "wrong=\"%.*s\"", STR_ARG(wrong));
    if (count == 0)
        return err_set(&f->err, E_CONFIG, "no recipients: set RECIPIENT_EMAILS");
    if (!mime_is_address(str_from(p->smtp.sender)))
        return err_set(&f->err, E_CONFIG, "no sender: set SENDER_EMAIL to a mail address");
    _cleanup_(buf_done) struct buf bytes = BUF_INIT(FILE_BYTES_MAX);
    if (item->path.len > 0) {
        struct file_job job = {.path = arena_text(&f->arena, item->path), .bytes = &bytes};
        int r = work_run(f, read_file, &job);
        if (r < 0 && job.err.code == r)
            f->err = job.err;
        if (r < 0)
            return r;
    }
    struct outbox_mail mail = {
        .dedupe_key = item->key,
        .sender = str_from(p->smtp.sender),
        .subject = item->letter->subject,
        .text = item->letter->text,
        .html = item->letter->html,
        .recipients = recipients,
        .recipient_count = count,
        .attachment = buf_view(&bytes),
        .file_name = item->path.len > 0 ? item->file_name : STR_NONE,
        .message_id = message_id(&f->arena, p, item->key),
    };
    int r = outbox_put(f, p->pool, p->tenant_id, &mail, ret_known);
    if (r == E_DB_RETRY) /* two of us at once: the other's row is there now */
        r = outbox_put(f, p->pool, p->tenant_id, &mail, ret_known);
    if (r >= 0 && ret_known->is_new)
        log_info("post.put", "mail=%" PRId64 " recipients=%zu attachment_bytes=%zu",
                 ret_known->mail_id, count, bytes.len);
    return r;
}

/* ---- send ---- */

static int build(struct flow *f, const struct post *p, const struct outbox_hold *h, struct buf *out)
{
    struct mime_mail m = {
        .from = h->mail.sender,
        .from_name = str_from(p->smtp.sender_name),
        .to = h->mail.recipients,
        .to_count = h->mail.recipient_count,
        .subject = h->mail.subject,
        .text = h->mail.text,
        .html = h->mail.html,
        .message_id = h->mail.message_id,
        .date_ms = h->created_at,
        .attachment = h->mail.attachment,
        .file_name = h->mail.file_name,
        .type = STR(XLSX_TYPE),
    };
    return mime_write(out, &m, &f->err);
}

static int64_t next_try(struct flow *f, const struct post *p, const struct outbox_hold *h,
                        bool unsure)
{
    uint64_t wait_ms = p->retry_ms ? p->retry_ms : RETRY_MS;
    for (int i = 0; i < h->attempt_count && wait_ms < RETRY_MS_MAX; i++)
        wait_ms *= 2;
    wait_ms = MIN(wait_ms, (uint64_t)RETRY_MS_MAX);
    if (unsure)
        wait_ms = MAX(wait_ms, (uint64_t)UNSURE_MS);
    return loop_wall_ms(f->loop) + (int64_t)wait_ms;
}

static bool remembers(const struct post_memory *m, int64_t mail_id)
{
    for (size_t i = 0; m && i < MIN(m->count, ARRAY_COUNT(m->mail_ids)); i++) {
        if (m->mail_ids[i] == mail_id)
            return true;
    }
    return false;
}

static void remember(struct post_memory *m, int64_t mail_id)
{
    if (m && !remembers(m, mail_id))
        m->mail_ids[m->count++ % ARRAY_COUNT(m->mail_ids)] = mail_id; /* the oldest goes */
}

/* One recipient of a held mail; *ret_busy: the server refuses this one for now. */
static int send_one(struct flow *f, const struct post *p, struct outbox_hold *h,
                    struct post_counts *counts, bool *ret_busy)
{
    _cleanup_(buf_done) struct buf message = BUF_INIT((size_t)FILE_BYTES_MAX * 2);
    bool unsure = false;
    int r = build(f, p, h, &message);
    if (r >= 0)
        r = smtp_send(f, &p->smtp, h->recipient, buf_view(&message), &unsure);
    if (r < 0 && flow_check(f) < 0)
        return -ECANCELED; /* nothing is noted: the row is free again, and due */
    if (r == 0) {
        counts->accepted++;
        log_info("post.sent", "mail=%" PRId64 " attempt=%d", h->mail_id, h->attempt_count + 1);
        return outbox_answer(f, h, OUTBOX_ACCEPTED, NULL, 0);
    }
    char error[256];
    snprintf(error, sizeof(error), "%s", f->err.msg);
    snprintf(counts->error, sizeof(counts->error), "%s", error);
    uint64_t give_up_ms = p->give_up_ms ? p->give_up_ms : GIVE_UP_MS;
    bool old = loop_wall_ms(f->loop) - h->created_at > (int64_t)give_up_ms;
    if (r == E_UPSTREAM_INPUT || r == E_INPUT || old) {
        counts->refused++;
        log_error("post.refused", "mail=%" PRId64 " error=\"%s\"", h->mail_id, error);
        return outbox_answer(f, h, OUTBOX_REFUSED, error, 0);
    }
    counts->later++;
    *ret_busy = r == E_UPSTREAM_BUSY;
    if (unsure)
        remember(p->memory, h->mail_id);
    log_warn(unsure ? "post.unsure" : "post.later", "mail=%" PRId64 " attempt=%d error=\"%s\"",
             h->mail_id, h->attempt_count + 1, error);
    return outbox_answer(f, h, OUTBOX_LATER, error, next_try(f, p, h, unsure));
}

/* The next recipient of a mail, past `skip` that have to wait: 1 when there may be more, 2 when this one has
 * to wait and the others need not. */
static int send_next(struct flow *f, const struct post *p, int64_t mail_id, int skip,
                     struct post_counts *counts)
{
    _cleanup_(outbox_done) struct outbox_hold h = OUTBOX_HOLD_INIT;
    int r = outbox_open(f, p->pool, p->tenant_id, mail_id, skip, &h);
    if (r != 0)
        return r < 0 ? r : 0;
    int64_t later = counts->later;
    bool busy = false;
    r = send_one(f, p, &h, counts, &busy);
    if (r < 0 || counts->later == later)
        return r < 0 ? r : 1;
    return busy ? 2 : 0;
}

static int send_mail(struct flow *f, const struct post *p, int64_t mail_id,
                     struct post_counts *counts)
{
    int64_t later = counts->later;
    int skip = 0, r;
    do {
        r = send_next(f, p, mail_id, skip, counts);
        skip += r == 2;
    } while (r > 0);
    if (r >= 0 && counts->later == later)
        counts->through++;
    return r;
}

int post_send(struct flow *f, const struct post *p, bool all, struct post_counts *ret_counts)
{
    int64_t *ids, now_ms = loop_wall_ms(f->loop);
    size_t count;
    *ret_counts = (struct post_counts){.accepted = 0};
    int64_t due_ms = all ? now_ms + INT64_C(366) * 24 * 3600 * 1000 : now_ms;
    int r = outbox_due(f, p->pool, p->tenant_id, due_ms, &ids, &count);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (all && remembers(p->memory, ids[i])) {
            ret_counts->later++;
            snprintf(ret_counts->error, sizeof(ret_counts->error),
                     "the server took the whole message and did not answer");
        } else {
            r = send_mail(f, p, ids[i], ret_counts);
        }
    }
    return r < 0 ? r : 0;
}
