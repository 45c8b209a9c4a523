#include "sandbox/desk.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/wall.h"
#include "sandbox/compose.h"
#include "sandbox/people.h"

/*
 * Tickets, thread entries and agents as the helpdesk's JSON.
 *
 * Field names, nulls and number ranges are those of the API reference: ids of people go past 2^32,
 * times are UTC with whole seconds. A list row has no attachments and no description unless asked.
 * Hot: a list page writes a hundred rows, so nothing is parsed or allocated but the output buffer
 * (and a scratch buffer where a text is needed twice).
 */

void desk_write_time(struct jw *w, const char *key, int64_t at_s)
{
    struct wall_parts p = wall_split(at_s * 1000);
    char text[24] = "0000-00-00T00:00:00Z";
    int year = p.year;
    for (int i = 3; i >= 0; i--, year /= 10)
        text[i] = (char)('0' + year % 10);
    const int two[5] = {p.month, p.day, p.hour, p.minute, p.second};
    for (int i = 0; i < 5; i++) {
        text[5 + i * 3] = (char)('0' + two[i] / 10 % 10);
        text[6 + i * 3] = (char)('0' + two[i] % 10);
    }
    jw_str(w, key, str_of(text, 20));
}

static void write_requester(struct jw *w, const struct ticket *t)
{
    struct buf text = BUF_INIT(0);
    jw_obj(w, "requester");
    jw_i64(w, "id", REQUESTER_ID_BASE + t->requester);
    person_name(&text, t->requester, t->lang);
    jw_str(w, "name", buf_view(&text));
    buf_clear(&text);
    person_email(&text, t->requester, t->company);
    jw_str(w, "email", buf_view(&text));
    jw_null(w, "mobile");
    jw_null(w, "phone");
    jw_end_obj(w);
    buf_done(&text);
}

static void write_company(struct jw *w, const struct ticket *t)
{
    struct buf text = BUF_INIT(0);
    jw_obj(w, "company");
    jw_i64(w, "id", COMPANY_ID_BASE + t->company);
    company_name(&text, t->company, t->lang);
    jw_str(w, "name", buf_view(&text));
    jw_end_obj(w);
    buf_done(&text);
}

static bool is_done(const struct ticket *t)
{
    return t->status == STATUS_RESOLVED || t->status == STATUS_CLOSED;
}

static void time_or_null(struct jw *w, const char *key, int64_t at_s, bool known)
{
    if (known)
        desk_write_time(w, key, at_s);
    else
        jw_null(w, key);
}

static void write_stats(struct jw *w, const struct ticket *t)
{
    int64_t first = 0, agent = 0, customer = 0;
    uint32_t count = MIN(t->conversation_count, 12U);
    for (uint32_t i = 0; i < count; i++) {
        struct entry e;
        ticket_entry(t, i, &e);
        if (e.incoming) {
            customer = e.at_s;
        } else if (!e.is_private) {
            first = first ? first : e.at_s;
            agent = e.at_s;
        }
    }
    jw_obj(w, "stats");
    time_or_null(w, "agent_responded_at", agent, agent != 0);
    time_or_null(w, "requester_responded_at", customer, customer != 0);
    time_or_null(w, "first_responded_at", first, first != 0);
    desk_write_time(w, "status_updated_at", t->updated_s);
    jw_null(w, "reopened_at");
    time_or_null(w, "resolved_at", t->updated_s, is_done(t));
    time_or_null(w, "closed_at", t->updated_s, t->status == STATUS_CLOSED);
    time_or_null(w, "pending_since", t->updated_s, t->status == STATUS_PENDING);
    jw_end_obj(w);
}

static void write_bodies(struct jw *w, struct str text, const char *html_key, const char *text_key)
{
    struct buf html = BUF_INIT(0);
    text_html(text, &html);
    jw_str(w, html_key, buf_view(&html));
    jw_str(w, text_key, str_trim(text));
    buf_done(&html);
}

static void write_attachments(struct jw *w, int64_t id, bool has_one, int64_t at_s, int64_t port)
{
    jw_arr(w, "attachments");
    if (has_one) {
        jw_obj(w, NULL);
        jw_i64(w, "id", INT64_C(158000000000) + id);
        jw_text(w, "name", "screenshot.png");
        jw_text(w, "content_type", "image/png");
        jw_i64(w, "size", 67); /* of desk_attachment's pixel */
        jw_fmt(w, "attachment_url",
               "http://127.0.0.1:%" PRId64 "/sandbox/attachments/%" PRId64 "/screenshot.png", port,
               id);
        jw_null(w, "thumb_url");
        desk_write_time(w, "created_at", at_s);
        desk_write_time(w, "updated_at", at_s);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

static void null_or_id(struct jw *w, const char *key, int64_t base, int64_t n, bool known)
{
    if (known)
        jw_i64(w, key, base + n);
    else
        jw_null(w, key);
}

static void empty_lists(struct jw *w)
{
    static const char *const keys[] = {"cc_emails", "fwd_emails", "reply_cc_emails",
                                       "ticket_cc_emails", "ticket_bcc_emails"};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        jw_raw(w, keys[i], STR("[]"));
}

static void write_properties(struct jw *w, const struct ticket *t)
{
    const struct family *f = family_at(t->family);
    jw_bool(w, "fr_escalated", t->hash % 23 == 0);
    jw_bool(w, "nr_escalated", false);
    jw_bool(w, "spam", t->kind == TICKET_SPAM);
    if (t->kind == TICKET_DELETED)
        jw_bool(w, "deleted", true);
    if (t->kind == TICKET_ARCHIVED)
        jw_bool(w, "archived", true);
    jw_i64(w, "email_config_id", INT64_C(158000012345));
    null_or_id(w, "group_id", GROUP_ID_BASE, t->group, true);
    jw_i64(w, "priority", t->priority);
    jw_i64(w, "requester_id", REQUESTER_ID_BASE + t->requester);
    null_or_id(w, "responder_id", AGENT_ID_BASE, t->agent, t->agent != 0);
    jw_i64(w, "source", t->source);
    jw_i64(w, "company_id", COMPANY_ID_BASE + t->company);
    jw_i64(w, "status", t->status);
    jw_null(w, "association_type");
    jw_null(w, "product_id");
    jw_i64(w, "id", t->id);
    jw_text(w, "type", ticket_type_name(t->type));
    jw_raw(w, "to_emails", STR("[\"help@nuri.example\"]"));
    jw_text(w, "support_email", "help@nuri.example");
    desk_write_time(w, "due_by", t->created_s + (5 - t->priority) * INT64_C(86400));
    desk_write_time(w, "fr_due_by", t->created_s + (5 - t->priority) * INT64_C(21600));
    jw_bool(w, "is_escalated", t->hash % 29 == 0 && !is_done(t));
    jw_arr(w, "tags");
    jw_text(w, NULL, f->tag);
    if (t->hash % 5 == 0)
        jw_text(w, NULL, t->lang == LANG_KO ? "한국어" : "english");
    if (t->priority == 4)
        jw_text(w, NULL, "vip");
    jw_end_arr(w);
    jw_obj(w, "custom_fields");
    jw_text(w, "cf_product", f->product);
    jw_text(w, "cf_language", t->lang == LANG_KO ? "ko" : "en");
    jw_null(w, "cf_order_number");
    jw_end_obj(w);
    desk_write_time(w, "created_at", t->created_s);
    desk_write_time(w, "updated_at", t->updated_s);
    jw_null(w, "associated_tickets_count");
}

void desk_write_ticket(struct jw *w, const char *key, const struct ticket *t, int includes,
                       bool is_view, int64_t port)
{
    struct buf text = BUF_INIT(0);
    jw_obj(w, key);
    empty_lists(w);
    write_properties(w, t);
    ticket_subject(t, &text);
    jw_str(w, "subject", buf_view(&text));
    if (includes & INCLUDE_DESCRIPTION) {
        buf_clear(&text);
        ticket_text(t, &text);
        write_bodies(w, buf_view(&text), "description", "description_text");
    }
    buf_done(&text);
    if (is_view) {
        write_attachments(w, t->id, ticket_has_attachment(t), t->created_s, port);
        jw_null(w, "source_additional_info");
    }
    if (includes & INCLUDE_STATS)
        write_stats(w, t);
    if (includes & INCLUDE_REQUESTER)
        write_requester(w, t);
    if (includes & INCLUDE_COMPANY)
        write_company(w, t);
    if (includes & INCLUDE_CONVERSATIONS) {
        jw_arr(w, "conversations");
        for (uint32_t i = 0; i < MIN(t->conversation_count, 10U); i++)
            desk_write_entry(w, t, i, port);
        jw_end_arr(w);
    }
    jw_end_obj(w);
}

void desk_write_entry(struct jw *w, const struct ticket *t, uint32_t number, int64_t port)
{
    struct entry e;
    ticket_entry(t, number, &e);
    struct buf text = BUF_INIT(0);
    entry_text(t, &e, &text);
    jw_obj(w, NULL);
    write_bodies(w, buf_view(&text), "body", "body_text");
    jw_i64(w, "id", e.id);
    jw_bool(w, "incoming", e.incoming);
    jw_bool(w, "private", e.is_private);
    jw_i64(w, "user_id",
           e.incoming ? REQUESTER_ID_BASE + t->requester : AGENT_ID_BASE + MAX(t->agent, 1));
    jw_text(w, "support_email", e.is_private ? NULL : "help@nuri.example");
    jw_i64(w, "source", e.is_private ? 2 : 0);
    jw_i64(w, "category", e.is_private ? 2 : e.incoming ? 1 : 3);
    buf_clear(&text);
    if (!e.is_private)
        person_email(&text, t->requester, t->company);
    jw_arr(w, "to_emails");
    if (text.len && !e.incoming)
        jw_str(w, NULL, buf_view(&text));
    else if (e.incoming)
        jw_text(w, NULL, "help@nuri.example");
    jw_end_arr(w);
    if (e.is_private)
        jw_null(w, "from_email");
    else if (e.incoming)
        jw_str(w, "from_email", buf_view(&text));
    else
        jw_text(w, "from_email", "help@nuri.example");
    jw_raw(w, "cc_emails", STR("[]"));
    jw_raw(w, "bcc_emails", STR("[]"));
    jw_null(w, "email_failure_count");
    jw_null(w, "outgoing_failures");
    desk_write_time(w, "created_at", e.at_s);
    desk_write_time(w, "updated_at", e.at_s);
    jw_null(w, "last_edited_at");
    jw_null(w, "last_edited_user_id");
    write_attachments(w, e.id, e.has_attachment, e.at_s, port);
    jw_raw(w, "cloud_files", STR("[]"));
    jw_i64(w, "ticket_id", t->id);
    jw_null(w, "source_additional_info");
    jw_end_obj(w);
    buf_done(&text);
}

void desk_write_agent(struct jw *w, const char *key, uint32_t agent)
{
    jw_obj(w, key);
    jw_bool(w, "available", agent % 3 != 0);
    jw_bool(w, "occasional", false);
    jw_i64(w, "id", AGENT_ID_BASE + agent);
    jw_i64(w, "ticket_scope", 1);
    jw_arr(w, "group_ids");
    jw_i64(w, NULL, GROUP_ID_BASE + agent % GROUP_COUNT);
    jw_end_arr(w);
    jw_raw(w, "role_ids", STR("[158000077001]"));
    jw_text(w, "type", "support_agent");
    jw_null(w, "signature");
    jw_obj(w, "contact");
    jw_bool(w, "active", true);
    jw_text(w, "email", agent_email(agent));
    jw_text(w, "name", agent_name(agent));
    jw_text(w, "language", "ko");
    jw_text(w, "time_zone", "Seoul");
    jw_null(w, "job_title");
    jw_null(w, "phone");
    jw_end_obj(w);
    jw_text(w, "created_at", "2023-11-01T00:00:00Z");
    jw_text(w, "updated_at", "2026-01-05T02:11:09Z");
    jw_end_obj(w);
}
