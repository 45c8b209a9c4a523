/*
 * Freshdesk's JSON into our structs: tickets, conversations, articles; from the API, from stored copies
 * and from webhooks.
 *
 * Happy path: every field we use is copied out, the whole object is kept beside it.
 * Fails with E_JSON only when there is no id; any other field may be missing, null or of an odd type and
 * then reads as empty (freshdesk-api §3: null fields are sent as null, due_by may vanish, old rows differ).
 * Invariant: texts live in the given arena or in the parsed document; times are unix ms or WALL_NONE.
 */
#include "base/html.h"
#include "base/wall.h"
#include "upstream/freshdesk.h"

/* Ids come as numbers; webhooks and old exports hold them as text. 0 for null and for junk. */
static int64_t id_of(struct json v)
{
    int64_t id;
    if (json_is_str(v) && str_to_i64(str_trim(json_str(v)), &id))
        return id;
    return json_i64(v, 0);
}

static int number_of(struct json v)
{
    int64_t n = id_of(v);
    return n < INT32_MIN || n > INT32_MAX ? 0 : (int)n;
}

static int64_t time_of(struct json v)
{
    int64_t at_ms;
    return wall_parse_iso(str_trim(json_str(v)), &at_ms) ? at_ms : WALL_NONE;
}

static struct str *tags_of(struct arena *a, struct json v, size_t *ret_count)
{
    size_t count = 0;
    struct str *tags = NULL;
    if (json_is_arr(v) && json_count(v) > 0)
        tags = ARENA_ARRAY(a, json_count(v), struct str);
    for (struct json_iter it = json_iter(v); tags && json_next(&it);)
        if (json_is_str(it.value))
            tags[count++] = json_str(it.value);
    *ret_count = count;
    return tags;
}

/* The plain text the vendor sent, else made from its HTML. */
static struct str plain_of(struct arena *a, struct json text, struct json html)
{
    struct str plain = json_str(text);
    struct str markup = json_str(html);
    if (str_trim(plain).len > 0 || str_trim(markup).len == 0)
        return plain;
    struct buf out = BUF_INIT(0);
    html_to_text(&out, markup);
    struct str made = arena_str(a, buf_view(&out));
    buf_done(&out);
    return made;
}

int ticket_from_json(struct arena *a, struct json v, struct ticket *ret_ticket, struct err *err)
{
    struct ticket t = {
        .id = id_of(json_get(v, "id")),
        .subject = json_str(json_get(v, "subject")),
        .description = json_str(json_get(v, "description")),
        .description_text = plain_of(a, json_get(v, "description_text"),
                                     json_get(v, "description")),
        .type = json_str(json_get(v, "type")),
        .status = number_of(json_get(v, "status")),
        .priority = number_of(json_get(v, "priority")),
        .source = number_of(json_get(v, "source")),
        .requester_id = id_of(json_get(v, "requester_id")),
        .responder_id = id_of(json_get(v, "responder_id")),
        .group_id = id_of(json_get(v, "group_id")),
        .company_id = id_of(json_get(v, "company_id")),
        .spam = json_bool(json_get(v, "spam"), false),
        .deleted = json_bool(json_get(v, "deleted"), false),
        .created_at = time_of(json_get(v, "created_at")),
        .updated_at = time_of(json_get(v, "updated_at")),
        .json = v,
    };
    if (t.id <= 0)
        return err_set(err, E_JSON, "a ticket without an id");
    t.tags = tags_of(a, json_get(v, "tags"), &t.tag_count);
    *ret_ticket = t;
    return 0;
}

int conversation_from_json(struct arena *a, struct json v, struct conversation *ret_talk,
                           struct err *err)
{
    struct conversation c = {
        .id = id_of(json_get(v, "id")),
        .ticket_id = id_of(json_get(v, "ticket_id")),
        .user_id = id_of(json_get(v, "user_id")),
        .body_text = plain_of(a, json_get(v, "body_text"), json_get(v, "body")),
        .incoming = json_bool(json_get(v, "incoming"), false),
        /* A note whose flag is unreadable counts as private: it must never reach a customer. */
        .is_private = json_bool(json_get(v, "private"), number_of(json_get(v, "source")) == 2),
        .source = number_of(json_get(v, "source")),
        .created_at = time_of(json_get(v, "created_at")),
        .updated_at = time_of(json_get(v, "updated_at")),
        .json = v,
    };
    if (c.id <= 0)
        return err_set(err, E_JSON, "a conversation without an id");
    *ret_talk = c;
    return 0;
}

int article_from_json(struct arena *a, struct json v, struct article *ret_article, struct err *err)
{
    struct json visibility = json_get(v, "folder_visibility");
    struct article t = {
        .id = id_of(json_get(v, "id")),
        .folder_id = id_of(json_get(v, "folder_id")),
        .category_id = id_of(json_get(v, "category_id")),
        .title = json_str(json_get(v, "title")),
        .description = json_str(json_get(v, "description")),
        .description_text = plain_of(a, json_get(v, "description_text"),
                                     json_get(v, "description")),
        .folder_name = json_str(json_get(v, "folder_name")),
        .category_name = json_str(json_get(v, "category_name")),
        .status = number_of(json_get(v, "status")),
        .type = number_of(json_get(v, "type")),
        .visibility = number_of(json_exists(visibility) ? visibility : json_get(v, "visibility")),
        .created_at = time_of(json_get(v, "created_at")),
        .updated_at = time_of(json_get(v, "updated_at")),
        .json = v,
    };
    if (t.id <= 0)
        return err_set(err, E_JSON, "an article without an id");
    t.tags = tags_of(a, json_get(v, "tags"), &t.tag_count);
    *ret_article = t;
    return 0;
}

const char *ticket_status_name(int status)
{
    static const char *const names[] = {
        "open", "pending", "resolved", "closed", "waiting_on_customer", "waiting_on_third_party"};
    if (status < 2 || status >= 2 + (int)ARRAY_COUNT(names))
        return "custom";
    return names[status - 2];
}
