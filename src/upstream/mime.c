/*
 * Mails as they travel.
 *
 *   multipart/mixed
 *     multipart/alternative      text/plain, text/html, both base64
 *     the attachment             base64
 *
 * The happy path writes into one buffer. Boundaries come from the Message-ID, so that the same mail is the
 * same bytes in every try.
 * Fails: an address that is none (E_INPUT); the rest is made harmless: header texts lose their control
 * characters, and bodies are base64, so that no byte of theirs means anything to SMTP.
 * Invariant: nothing of the caller's stands unencoded in a header but addresses that were checked.
 */
#include "upstream/mime.h"

#include <stdio.h>

#include "base/crypto.h"
#include "base/wall.h"

enum { WORD_BYTES = 45, LINE_BYTES = 57, ADDRESS_BYTES_MAX = 254 };

bool mime_is_address(struct str s)
{
    size_t at = str_find(s, STR("@"), 0);
    if (at == SIZE_MAX || at == 0 || at + 1 >= s.len || s.len > ADDRESS_BYTES_MAX ||
        str_find(s, STR("@"), at + 1) != SIZE_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= 0x20 || c >= 0x7f || memchr("<>(),;:\\\"[]", c, 11) != NULL)
            return false;
    }
    return s.ptr[s.len - 1] != '.' && s.ptr[at + 1] != '.';
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || (unsigned char)s.ptr[i] >= 0x7f)
            return false;
    return str_find(s, STR("=?"), 0) == SIZE_MAX;
}

/* A header's text: as it is when ASCII and short, else encoded words of at most 75 characters, each whole
 * code points, on lines of their own (RFC 2047 §2, §5). */
static void write_text(struct buf *out, struct str text)
{
    struct buf clean = BUF_INIT(0);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_byte(&clean, c < 0x20 || c == 0x7f ? ' ' : text.ptr[i]);
    }
    struct str rest = buf_view(&clean);
    if (is_plain(rest) && rest.len <= 60) {
        buf_str(out, rest);
        rest.len = 0;
    }
    for (bool first = true; rest.len > 0; first = false) {
        struct str word = str_cut_utf8(rest, WORD_BYTES);
        buf_text(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        buf_base64(out, word.ptr, word.len);
        buf_text(out, "?=");
        rest = str_sub(rest, word.len, rest.len);
    }
    buf_done(&clean);
}

static void write_base64(struct buf *out, struct str bytes)
{
    while (bytes.len > 0) {
        struct str line = str_sub(bytes, 0, LINE_BYTES);
        buf_base64(out, line.ptr, line.len);
        buf_text(out, "\r\n");
        bytes = str_sub(bytes, line.len, bytes.len);
    }
}

static void write_part(struct buf *out, const char *boundary, const char *type, struct str body)
{
    buf_printf(
        out, "--%s\r\nContent-Type: %s; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        boundary, type);
    write_base64(out, body);
}

static void write_date(struct buf *out, int64_t date_ms)
{
    /* "Fri, 15 Mar 2024 01:02:03 GMT" with the zone as RFC 5322 wants it */
    struct buf date = BUF_INIT(0);
    wall_write_http(&date, date_ms);
    struct str text = buf_view(&date);
    buf_text(out, "Date: ");
    buf_str(out, str_ends(text, STR(" GMT")) ? str_sub(text, 0, text.len - 4) : text);
    buf_text(out, " +0000\r\n");
    buf_done(&date);
}

static int write_addresses(struct buf *out, const struct mime_mail *m, struct err *err)
{
    if (!mime_is_address(m->from))
        return err_set(err, E_INPUT, "\"%.*s\" is not a mail address",
                       STR_ARG(str_cut_utf8(m->from, 100)));
    buf_text(out, "From: ");
    if (m->from_name.len > 0) {
        write_text(out, m->from_name);
        buf_byte(out, ' ');
    }
    buf_printf(out, "<%.*s>\r\nTo: ", STR_ARG(m->from));
    for (size_t i = 0; i < m->to_count; i++) {
        if (!mime_is_address(m->to[i]))
            return err_set(err, E_INPUT, "\"%.*s\" is not a mail address",
                           STR_ARG(str_cut_utf8(m->to[i], 100)));
        buf_printf(out, "%s<%.*s>", i > 0 ? ",\r\n " : "", STR_ARG(m->to[i]));
    }
    buf_text(out, "\r\n");
    return 0;
}

static void write_attachment(struct buf *out, const char *boundary, const struct mime_mail *m)
{
    buf_printf(out, "--%s\r\nContent-Type: %.*s;\r\n name=\"", boundary, STR_ARG(m->type));
    write_text(out, m->file_name); /* for readers that know no RFC 2231 */
    buf_text(out, "\"\r\nContent-Transfer-Encoding: base64\r\n"
                  "Content-Disposition: attachment;\r\n filename*=UTF-8''");
    buf_percent(out, m->file_name, "");
    buf_text(out, "\r\n\r\n");
    write_base64(out, m->attachment);
}

int mime_write(struct buf *out, const struct mime_mail *m, struct err *err)
{
    char hex[2 * SHA256_BYTES + 1], mixed[40], alternative[40];
    sha256_hex(m->message_id, hex);
    snprintf(mixed, sizeof(mixed), "=_m%.24s", hex);
    snprintf(alternative, sizeof(alternative), "=_a%.24s", hex + 24);
    write_date(out, m->date_ms);
    int r = write_addresses(out, m, err);
    if (r < 0)
        return r;
    buf_text(out, "Subject: ");
    write_text(out, m->subject);
    buf_printf(out,
               "\r\nMessage-ID: %.*s\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n",
               STR_ARG(m->message_id));
    bool attached = m->file_name.len > 0;
    if (attached)
        buf_printf(out,
                   "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n"
                   "--%s\r\n",
                   mixed, mixed);
    buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", alternative);
    write_part(out, alternative, "text/plain", m->text);
    if (m->html.len > 0)
        write_part(out, alternative, "text/html", m->html);
    buf_printf(out, "--%s--\r\n", alternative);
    if (attached) {
        write_attachment(out, mixed, m);
        buf_printf(out, "--%s--\r\n", mixed);
    }
    return out->failed ? err_set(err, E_LIMIT, "the mail is too large") : 0;
}
