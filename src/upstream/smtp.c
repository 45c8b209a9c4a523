/*
 * The mail server of the settings.
 *
 * The happy path fills the call of net/mail.h from the settings. Fails as that does; without a server or
 * sender E_CONFIG. Invariant: a password goes over an encrypted connection only, unless SMTP_SECURITY says none.
 */
#include "upstream/smtp.h"

#include <string.h>

#include "net/mail.h"
#include "upstream/mime.h"

bool smtp_security_parse(struct str s, enum smtp_security *ret_security)
{
    static const struct {
        struct str name;
        enum smtp_security security;
    } names[] = {{STR("auto"), SMTP_AUTO},
                 {STR("starttls"), SMTP_STARTTLS},
                 {STR("tls"), SMTP_TLS},
                 {STR("none"), SMTP_PLAIN}};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (!str_eq_nocase(s, names[i].name))
            continue;
        *ret_security = names[i].security;
        return true;
    }
    return false;
}

static bool has(const struct str *items, size_t count, struct str s)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(items[i], s))
            return true;
    return false;
}

void smtp_recipients(struct arena *a, struct str list, struct str **ret_items, size_t *ret_count,
                     struct str *ret_wrong)
{
    struct buf *flat = arena_buf(a, 0), *wrong = arena_buf(a, 0);
    size_t most = 1;
    for (size_t i = 0; i < list.len; i++) {
        bool between = strchr(",;\n\r", list.ptr[i]) != NULL && list.ptr[i] != '\0';
        buf_byte(flat, between ? ',' : list.ptr[i]);
        most += between;
    }
    struct str *items = ARENA_ARRAY(a, most, struct str), rest = buf_view(flat), item;
    size_t count = 0;
    while (str_cut(&rest, ',', &item)) {
        item = str_trim(item);
        size_t open = str_find(item, STR("<"), 0), close = str_find(item, STR(">"), 0);
        if (open != SIZE_MAX && close != SIZE_MAX && close > open)
            item = str_trim(str_sub(item, open + 1, close - open - 1));
        if (item.len == 0 || has(items, count, item))
            continue;
        if (mime_is_address(item))
            items[count++] = item;
        else
            buf_printf(wrong, "%s%.*s", wrong->len > 0 ? ", " : "", STR_ARG(item));
    }
    *ret_items = items;
    *ret_count = count;
    *ret_wrong = buf_view(wrong);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

static enum mail_security security_of(const struct smtp *s)
{
    switch (s->security) {
    case SMTP_STARTTLS: return MAIL_STARTTLS;
    case SMTP_TLS: return MAIL_TLS;
    case SMTP_PLAIN: return MAIL_PLAIN;
    case SMTP_AUTO: break;
    }
    if (s->port == 465)
        return MAIL_TLS;
    return is_loopback(s->host) ? MAIL_LOCAL : MAIL_STARTTLS;
}

static int fill_call(struct flow *f, const struct smtp *s, struct mail_call *ret_call)
{
    if (s->host[0] == '\0')
        return err_set(&f->err, E_CONFIG, "no mail server: set SMTP_SERVER");
    if (!mime_is_address(str_from(s->sender)))
        return err_set(&f->err, E_CONFIG, "no sender: set SENDER_EMAIL to a mail address");
    *ret_call = (struct mail_call){
        .host = s->host,
        .port = s->port,
        .security = security_of(s),
        .user = s->user[0] != '\0' ? s->user : s->sender,
        .password = s->password,
        .ca_file = s->ca_file,
        .from = s->sender,
        .connect_ms = MIN(s->timeout_ms, 15000u),
        .answer_ms = s->timeout_ms,
    };
    return 0;
}

int smtp_send(struct flow *f, const struct smtp *s, struct str to, struct str message,
              bool *ret_unsure)
{
    struct mail_call call;
    struct mail_answer answer;
    *ret_unsure = false;
    int r = fill_call(f, s, &call);
    if (r < 0)
        return r;
    call.to = arena_text(&f->arena, to);
    call.message = message;
    r = mail_send(f, &call, &answer);
    *ret_unsure = r < 0 && answer.whole_sent && r != E_UPSTREAM_INPUT && r != E_UPSTREAM_BUSY;
    return r;
}

int smtp_check(struct flow *f, const struct smtp *s)
{
    struct mail_call call;
    struct mail_answer answer;
    int r = fill_call(f, s, &call);
    return r < 0 ? r : mail_send(f, &call, &answer);
}
