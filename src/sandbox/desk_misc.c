#include "sandbox/desk.h"

#include <inttypes.h>

#include "sandbox/people.h"

/*
 * The small helpdesk routes: who am I, agents, groups, account, fields, settings, one contact, an
 * attachment's bytes. Each is one credit (attachments none, as they come from another host there).
 */

static int begin(struct call *c, void *context, struct flow *f, struct http_exchange *x)
{
    return desk_begin(c, context, f, x, ENDPOINT_HELPDESK, 1);
}

static int answer_text(struct flow *f, struct http_exchange *x, void *context, struct str json)
{
    struct call c;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    struct buf out = BUF_INIT(0);
    buf_str(&out, json);
    return call_json(&c, 200, &out);
}

static int answer_agent(struct call *c, uint32_t agent)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    desk_write_agent(&w, NULL, agent);
    return call_json(c, 200, &out);
}

int desk_me(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int r = begin(&c, context, f, x);
    return r != 0 ? r : answer_agent(&c, 1);
}

int desk_agent(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int64_t id;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    if (!str_to_i64(http_param(x, "id"), &id) || id <= AGENT_ID_BASE ||
        id > AGENT_ID_BASE + AGENT_COUNT)
        return desk_not_found(&c);
    return answer_agent(&c, (uint32_t)(id - AGENT_ID_BASE));
}

int desk_agents(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    struct str page;
    bool first = !http_query(&f->arena, c.rq, "page", &page) || str_eq(page, STR("1"));
    jw_arr(&w, NULL);
    for (uint32_t i = 1; first && i <= AGENT_COUNT; i++)
        desk_write_agent(&w, NULL, i);
    jw_end_arr(&w);
    return call_json(&c, 200, &out);
}

int desk_groups(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_arr(&w, NULL);
    for (uint32_t i = 0; i < GROUP_COUNT; i++) {
        jw_obj(&w, NULL);
        jw_i64(&w, "id", GROUP_ID_BASE + i);
        jw_text(&w, "name", group_name(i));
        jw_null(&w, "description");
        jw_null(&w, "escalate_to");
        jw_text(&w, "created_at", "2023-11-01T00:00:00Z");
        jw_text(&w, "updated_at", "2023-11-01T00:00:00Z");
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    return call_json(&c, 200, &out);
}

int desk_account(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_i64(&w, "account_id", (int64_t)(str_hash(str_from(c.account->domain)) % 9000000 + 1000000));
    jw_text(&w, "account_name", "Nuri sandbox");
    jw_fmt(&w, "account_domain", "%s.freshdesk.com", c.account->domain);
    jw_text(&w, "tier_type", "Forest");
    jw_text(&w, "data_center", "IND");
    jw_text(&w, "timezone", "Seoul");
    jw_obj(&w, "total_agents");
    jw_i64(&w, "full_time", AGENT_COUNT);
    jw_i64(&w, "occasional", 0);
    jw_end_obj(&w);
    jw_end_obj(&w);
    return call_json(&c, 200, &out);
}

int desk_settings(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_text(
        f, x, context,
        STR("{\"primary_language\":\"ko\",\"supported_languages\":[\"en\"],"
            "\"portal_languages\":[\"ko\",\"en\"],\"help_widget_languages\":[\"ko\"]}"));
}

int desk_ticket_fields(struct flow *f, struct http_exchange *x, void *context)
{
    return answer_text(
        f, x, context,
        STR("[{\"id\":158000011001,\"name\":\"status\",\"label\":\"Status\",\"type\":"
            "\"default_status\",\"default\":true,\"choices\":{\"2\":[\"Open\",\"Being Processed\"],"
            "\"3\":[\"Pending\",\"Awaiting your Reply\"],\"4\":[\"Resolved\",\"This ticket has "
            "been "
            "Resolved\"],\"5\":[\"Closed\",\"This ticket has been Closed\"],\"6\":[\"Waiting on "
            "Customer\",\"Awaiting your Reply\"],\"7\":[\"Waiting on Third Party\",\"Being "
            "Processed\"]}},{\"id\":158000011002,\"name\":\"priority\",\"label\":\"Priority\","
            "\"type\":\"default_priority\",\"default\":true,\"choices\":{\"Low\":1,\"Medium\":2,"
            "\"High\":3,\"Urgent\":4}},{\"id\":158000011003,\"name\":\"ticket_type\",\"label\":"
            "\"Type\",\"type\":\"default_ticket_type\",\"default\":true,\"choices\":[\"Question\","
            "\"Incident\",\"Problem\",\"Feature Request\",\"Refund\"]},{\"id\":158000011004,"
            "\"name\":\"cf_product\",\"label\":\"Product\",\"type\":\"custom_dropdown\","
            "\"default\":false,\"choices\":[\"NuriShop\",\"NuriPay\",\"NuriHub\",\"NuriSync\","
            "\"NuriTalk\",\"NuriApp\"]}]"));
}

int desk_contact(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int64_t id;
    int r = begin(&c, context, f, x);
    if (r != 0)
        return r;
    const struct world *world = &c.account->world;
    if (!str_to_i64(http_param(x, "id"), &id) || id < REQUESTER_ID_BASE ||
        id >= REQUESTER_ID_BASE + world->requester_count)
        return desk_not_found(&c);
    uint32_t requester = (uint32_t)(id - REQUESTER_ID_BASE);
    uint32_t company = requester % world->company_count;
    struct buf out = BUF_INIT(0), text = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_i64(&w, "id", id);
    person_name(&text, requester, LANG_KO);
    jw_str(&w, "name", buf_view(&text));
    buf_clear(&text);
    person_email(&text, requester, company);
    jw_str(&w, "email", buf_view(&text));
    jw_i64(&w, "company_id", COMPANY_ID_BASE + company);
    jw_text(&w, "language", "ko");
    jw_bool(&w, "active", true);
    jw_end_obj(&w);
    buf_done(&text);
    return call_json(&c, 200, &out);
}

/* A grey pixel. */
int desk_attachment(struct flow *f, struct http_exchange *x, void *context)
{
    static const char png[] =
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0\x3a\x7e\x9b\x55"
        "\0\0\0\nIDAT\x78\x9c\x63\x68\0\0\0\x82\0\x81\x77\xcd\x72\xb6\0\0\0\0IEND\xae\x42\x60\x82";
    struct call c;
    int r = call_begin(&c, context, f, x, ENDPOINT_HELPDESK, 0);
    return r != 0 ? r : http_answer(f, x, 200, "image/png", str_of(png, sizeof(png) - 1));
}

int desk_unknown(struct flow *f, struct http_exchange *x, void *context)
{
    struct call c;
    int r = begin(&c, context, f, x);
    return r != 0 ? r : desk_not_found(&c);
}
