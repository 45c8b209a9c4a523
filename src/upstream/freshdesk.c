/*
 * Freshdesk REST API v2, reading only.
 *
 * Happy path: one account (bucket, breaker, retries) per domain, made when the domain is first called and
 * shared by all keys of it, since the vendor limits the account, not the key. Costs are credits: a list
 * page is 1 + 2 per include, everything else 1; X-RateLimit-Used-CurrentRequest corrects what we guessed.
 * Starts at 50 a minute and learns from X-RateLimit-Total. Whether the ticket-list sub-limit counts calls or
 * credits is not documented: we count credits, the dearer reading, so that a peer of either kind never
 * answers 429.
 * Fails as account_call says; E_PROTOCOL for bodies that are not the JSON we expect; E_OVERLOAD when more
 * domains are busy at once than we keep.
 * Invariant: only hosts that freshdesk_domain_parse makes are ever called.
 */
#include "upstream/freshdesk.h"

#include <assert.h>
#include <inttypes.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/wall.h"
#include "upstream/freshdesk_call.h"
#include "upstream/reply.h"

#define ACCOUNT_COUNT_MAX 1024
#define CATCH_UP_PERCENT 25 /* a run that waits for its first lists uses its minute all the same */
#define START_PER_MINUTE 50 /* the trial plan's, the smallest there is */
#define WINDOW_MS 60000     /* unless the account is counted otherwise (freshdesk-api §2) */
#define BODY_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define QUERY_BYTES_MAX 512 /* of a search, by the vendor */
#define HOLD_UNTOLD_MS 60000
#define RETRY_COUNT 10 /* of bulk calls */

enum { LIMIT_CALLS, LIMIT_LISTS };

struct domain_account {
    struct account *account;
    char *name;
    size_t user_count; /* calls under way; may be dropped at 0 */
    uint64_t used_ns;
};
struct freshdesk {
    struct loop *loop;
    struct web *web;
    char *base_url; /* "" for the real one; without its last slash */
    uint32_t per_minute, list_per_minute, share_percent, window_ms, retry_count;
    struct map accounts; /* domain -> struct domain_account */
};
/* The account hands `call` back to learn, which finds the rest around it. */
struct get_call {
    struct account_call call;
    const struct freshdesk *freshdesk;
    struct json *ret_json; /* of freshdesk_get */
    int status;
};

struct freshdesk *freshdesk_new(struct loop *l, const struct freshdesk_spec *spec)
{
    struct freshdesk *fd = mem_alloc(sizeof(*fd));
    fd->loop = l;
    fd->web = spec->web;
    fd->base_url = mem_strdup(spec->base_url ? spec->base_url : "");
    for (size_t len = strlen(fd->base_url); len > 0 && fd->base_url[len - 1] == '/';)
        fd->base_url[--len] = '\0';
    fd->per_minute = spec->per_minute;
    fd->list_per_minute = spec->list_per_minute;
    fd->share_percent = spec->share_percent;
    fd->window_ms = spec->window_ms ? spec->window_ms : WINDOW_MS;
    fd->retry_count = spec->retry_count ? spec->retry_count : RETRY_COUNT;
    map_init(&fd->accounts);
    return fd;
}

static void domain_account_free(struct domain_account *d)
{
    assert(d->user_count == 0);
    account_free(d->account);
    mem_free(d->name);
    mem_free(d);
}

void freshdesk_free(struct freshdesk *fd)
{
    if (!fd)
        return;
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(&fd->accounts, &at, &key, &value))
        domain_account_free(value);
    map_done(&fd->accounts);
    mem_free(fd->base_url);
    mem_free(fd);
}

void freshdesk_each_account(struct freshdesk *fd, void (*each)(void *context, struct account *a),
                            void *context)
{
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(&fd->accounts, &at, &key, &value))
        each(context, ((struct domain_account *)value)->account);
}

/* ---- limits ---- */

/* Ticket lists a minute that go with a total (freshdesk-api §2); totals between two plans take the lower
 * plan's. Totals under the smallest paid plan have no sub-limit of their own. */
static double lists_for(double total)
{
    static const struct {
        double total, lists;
    } plans[] = {{2000, 400}, {1000, 300}, {700, 200}, {400, 100}, {200, 20}};
    for (size_t i = 0; i < ARRAY_COUNT(plans); i++)
        if (total >= plans[i].total)
            return plans[i].lists;
    return total;
}

static void learn(struct bucket *b, const struct web_reply *reply, const struct account_call *call)
{
    struct get_call *c = container_of((struct account_call *)(uintptr_t)call, struct get_call,
                                      call);
    c->status = reply->status;
    double total = reply_number(reply, "X-RateLimit-Total");
    double remaining = reply_number(reply, "X-RateLimit-Remaining");
    double used = reply_number(reply, "X-RateLimit-Used-CurrentRequest");
    if (used >= 0 && used <= 100 && used != call->cost[LIMIT_CALLS]) {
        double by = used - call->cost[LIMIT_CALLS];
        bucket_correct(b, LIMIT_CALLS, by);
        if (call->cost[LIMIT_LISTS] > 0)
            bucket_correct(b, LIMIT_LISTS, by);
    }
    if (total >= 1 || remaining >= 0)
        bucket_learn(b, LIMIT_CALLS, total >= 1 ? total : -1, remaining);
    if (total >= 1 && c->freshdesk->list_per_minute == 0)
        bucket_learn(b, LIMIT_LISTS, lists_for(total), -1);
}

/* ---- accounts by domain ---- */

/* Drops the account that was idle longest. False when all are busy. */
static bool evict(struct freshdesk *fd)
{
    struct str oldest_key = STR_NONE, key;
    struct domain_account *oldest = NULL;
    size_t at = 0;
    void *value;
    while (map_next(&fd->accounts, &at, &key, &value)) {
        struct domain_account *d = value;
        if (d->user_count == 0 && (!oldest || d->used_ns < oldest->used_ns)) {
            oldest = d;
            oldest_key = key;
        }
    }
    if (!oldest)
        return false;
    map_take(&fd->accounts, oldest_key);
    domain_account_free(oldest);
    return true;
}

/* Borrowed while its user_count is raised. NULL when too many domains are busy. */
static struct domain_account *account_for(struct freshdesk *fd, struct str domain)
{
    struct domain_account *d = map_get(&fd->accounts, domain);
    if (d)
        return d;
    if (fd->accounts.count >= ACCOUNT_COUNT_MAX && !evict(fd))
        return NULL;
    struct buf name = BUF_INIT(0);
    buf_printf(&name, "freshdesk %.*s", STR_ARG(domain));
    d = mem_alloc(sizeof(*d));
    d->name = mem_strdup(name.ptr);
    buf_done(&name);
    double total = fd->per_minute ? fd->per_minute : START_PER_MINUTE;
    double lists = fd->list_per_minute ? fd->list_per_minute : lists_for(total);
    struct account_spec spec = {
        .name = d->name,
        .web = fd->web,
        .learn = learn,
        .hold_default_ms = HOLD_UNTOLD_MS,
        .bucket = {.name = d->name,
                   .limits = {{"calls", total, fd->window_ms}, {"lists", lists, fd->window_ms}},
                   .limit_count = 2,
                   .catch_up_percent = CATCH_UP_PERCENT,
                   .share_percent = fd->share_percent},
    };
    d->account = account_new(fd->loop, &spec);
    map_put(&fd->accounts, domain, d);
    return d;
}

/* ---- one call ---- */

static bool key_is_good(struct str key)
{
    for (size_t i = 0; i < key.len; i++)
        if ((unsigned char)key.ptr[i] <= ' ' || (unsigned char)key.ptr[i] >= 0x7f ||
            key.ptr[i] == ':')
            return false;
    return key.len > 0 && key.len <= 256;
}

static bool has_next_link(const struct web_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        struct str value = reply->headers[i].value;
        if (str_eq_nocase(reply->headers[i].name, STR("Link")) &&
            (str_find(value, STR("rel=\"next\""), 0) != SIZE_MAX ||
             str_find(value, STR("rel=next"), 0) != SIZE_MAX))
            return true;
    }
    return false;
}

static struct str url_of(struct arena *a, const struct freshdesk *fd, struct str domain,
                         struct str path)
{
    struct str base = str_from(fd->base_url);
    if (base.len == 0)
        return arena_printf(a, "https://%.*s/api/v2%.*s", STR_ARG(domain), STR_ARG(path));
    const char *version = str_ends(base, STR("/api/v2")) ? "" : "/api/v2";
    return arena_printf(a, "%.*s%s%.*s", STR_ARG(base), version, STR_ARG(path));
}

static struct str authorization_of(struct arena *a, struct str api_key)
{
    struct buf pair = BUF_INIT(0);
    struct buf out = BUF_INIT(0);
    buf_str(&pair, api_key);
    buf_text(&pair, ":X");
    buf_text(&out, "Basic ");
    buf_base64(&out, pair.ptr, pair.len);
    struct str made = arena_str(a, buf_view(&out));
    buf_done(&pair);
    buf_done(&out);
    return made;
}

/* Further tries by urgency: a reader waits for live calls, nobody for bulk ones. */
static uint32_t retries_of(const struct freshdesk *fd, enum priority p)
{
    return p == PRIORITY_LIVE ? 2 : p == PRIORITY_FRESH ? 3 : fd->retry_count;
}

int freshdesk_send(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                   const struct freshdesk_get *get, struct freshdesk_reply *ret)
{
    struct str domain, company;
    *ret = (struct freshdesk_reply){.status = 0};
    int r = freshdesk_domain_parse(&f->arena, as->domain, &domain, &company, &f->err);
    if (r < 0)
        return r;
    if (!key_is_good(as->api_key))
        return err_set(&f->err, E_UPSTREAM_AUTH, "the Freshdesk API key is missing or malformed");
    struct domain_account *d = account_for(fd, domain);
    if (!d)
        return err_set(&f->err, E_OVERLOAD, "too many Freshdesk accounts are busy");
    double cost = get->cost > 0 ? get->cost : 1;
    struct web_header headers[] = {
        {STR("Authorization"), authorization_of(&f->arena, as->api_key)},
        {STR("Accept"), STR("application/json")},
        {STR("Host"), domain},
    };
    struct get_call c = {
        .freshdesk = fd,
        .ret_json = get->ret_json,
        .call = {.priority = as->priority,
                 .cost = {cost, get->is_list ? cost : 0},
                 .request = {.method = "GET",
                             .url = url_of(&f->arena, fd, domain, get->path),
                             .headers = headers,
                             .header_count = ARRAY_COUNT(headers),
                             .bytes_max = BODY_BYTES_MAX,
                             .gzip = !get->plain},
                 .retry_count = retries_of(fd, as->priority),
                 .check = get->check,
                 .name = get->name},
    };
    d->user_count++;
    d->used_ns = loop_now_ns(fd->loop);
    r = account_fetch(f, d->account, &c.call, &ret->web);
    d->user_count--;
    ret->status = c.status;
    if (r >= 0)
        ret->has_next = has_next_link(&ret->web);
    return r;
}

/* A body that is no JSON is a proxy's, for moments (a page about maintenance): tried again like a 502. */
static int check_json(struct flow *f, const struct account_call *call,
                      const struct web_reply *reply)
{
    struct get_call *c = container_of((struct account_call *)(uintptr_t)call, struct get_call,
                                      call);
    struct str body = reply->status == 204 ? STR("[]")
                                           : reply->body; /* no content: an empty list */
    return reply_json(f, body, c->ret_json);
}

int freshdesk_get(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                  const struct freshdesk_get *get, struct freshdesk_answer *ret_answer)
{
    struct freshdesk_reply reply;
    struct freshdesk_get parsed = *get;
    *ret_answer = (struct freshdesk_answer){.json = JSON_NONE};
    parsed.check = check_json;
    parsed.ret_json = &ret_answer->json;
    int r = freshdesk_send(f, fd, as, &parsed, &reply);
    ret_answer->status = reply.status;
    ret_answer->has_next = r >= 0 && reply.has_next;
    return r;
}

struct web *freshdesk_web(const struct freshdesk *fd)
{
    return fd->web;
}

const char *freshdesk_base_url(const struct freshdesk *fd)
{
    return fd->base_url;
}

bool freshdesk_is_near(const struct freshdesk *fd)
{
    return str_starts_nocase(str_from(fd->base_url), STR("http:"));
}

bool freshdesk_is_elsewhere(int code, const struct freshdesk_answer *answer)
{
    return code == E_NOT_FOUND || (code < 0 && answer->status >= 300 && answer->status < 400);
}

/* ---- calls ---- */

int freshdesk_ticket(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                     int64_t id, struct ticket *ret_ticket)
{
    struct freshdesk_answer answer;
    struct freshdesk_get get = {.name = "freshdesk.ticket",
                                .path = arena_printf(&f->arena, "/tickets/%" PRId64, id)};
    int r = freshdesk_get(f, fd, as, &get, &answer);
    if (freshdesk_is_elsewhere(r, &answer)) {
        /* What the vendor answers for an archived id is not documented: 404 or a redirect. */
        get.path = arena_printf(&f->arena, "/tickets/archived/%" PRId64, id);
        r = freshdesk_get(f, fd, as, &get, &answer);
        if (freshdesk_is_elsewhere(r, &answer))
            return err_set(&f->err, E_NOT_FOUND, "there is no ticket %" PRId64, id);
    }
    if (r < 0)
        return err_wrap(&f->err, r, "ticket %" PRId64, id);
    r = ticket_from_json(&f->arena, answer.json, ret_ticket, &f->err);
    return r < 0
               ? err_set(&f->err, E_PROTOCOL, "ticket %" PRId64 ": the answer is not a ticket", id)
               : 0;
}

int freshdesk_me(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                 struct json *ret_me)
{
    struct freshdesk_answer answer;
    const struct freshdesk_get get = {.name = "freshdesk.me", .path = STR("/agents/me")};
    int r = freshdesk_get(f, fd, as, &get, &answer);
    if (r < 0)
        return r;
    if (!json_is_obj(answer.json))
        return err_set(&f->err, E_PROTOCOL, "agents/me is not an object");
    *ret_me = answer.json;
    return 0;
}

/* The tickets of an array; items that are none are left out. */
static void tickets_of(struct flow *f, struct json items, struct ticket_page *ret_page)
{
    size_t count = json_count(items);
    struct ticket *tickets = count ? ARENA_ARRAY(&f->arena, count, struct ticket) : NULL;
    struct err ignored;
    for (struct json_iter it = json_iter(items); json_next(&it);)
        if (ticket_from_json(&f->arena, it.value, &tickets[ret_page->count], &ignored) >= 0)
            ret_page->count++;
    ret_page->tickets = tickets;
}

double freshdesk_list_path(struct arena *a, const struct ticket_list *list, struct str *ret_path)
{
    const struct {
        bool wanted;
        const char *name;
    } includes[] = {
        {list->description, "description"}, {list->requester, "requester"}, {list->stats, "stats"}};
    struct buf out = BUF_INIT(0);
    double cost = 1;
    buf_printf(&out, "/tickets?order_by=%s&order_type=%s&per_page=%d&page=%d&updated_since=",
               list->order_by ? list->order_by : "updated_at", list->descending ? "desc" : "asc",
               list->per_page > 0 ? MIN(list->per_page, FRESHDESK_PER_PAGE) : FRESHDESK_PER_PAGE,
               MAX(list->page, 1));
    wall_write(&out, MAX(list->updated_since, 0)); /* WALL_NONE: 1970 */
    if (list->filter)
        buf_printf(&out, "&filter=%s", list->filter);
    for (size_t i = 0; i < ARRAY_COUNT(includes); i++) {
        if (!includes[i].wanted)
            continue;
        buf_printf(&out, "%s%s", cost > 1 ? "," : "&include=", includes[i].name);
        cost += 2;
    }
    *ret_path = arena_str(a, buf_view(&out));
    buf_done(&out);
    return cost;
}

int freshdesk_tickets(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                      const struct ticket_list *list, struct ticket_page *ret_page)
{
    struct freshdesk_answer answer;
    struct freshdesk_get get = {.name = "freshdesk.tickets", .is_list = true};
    get.cost = freshdesk_list_path(&f->arena, list, &get.path);
    int r = freshdesk_get(f, fd, as, &get, &answer);
    if (r < 0)
        return err_wrap(&f->err, r, "tickets page %d", MAX(list->page, 1));
    if (!json_is_arr(answer.json))
        return err_set(&f->err, E_PROTOCOL, "tickets page %d: not a list", MAX(list->page, 1));
    size_t per_page = list->per_page > 0 ? (size_t)MIN(list->per_page, FRESHDESK_PER_PAGE)
                                         : FRESHDESK_PER_PAGE;
    *ret_page = (struct ticket_page){.more = answer.has_next ||
                                             json_count(answer.json) >= per_page};
    tickets_of(f, answer.json, ret_page);
    return 0;
}

int freshdesk_search(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                     struct str query, int page, struct ticket_page *ret_page, int64_t *ret_total)
{
    if (query.len == 0 || query.len + 2 > QUERY_BYTES_MAX ||
        str_find(query, STR("\""), 0) != SIZE_MAX)
        return err_set(&f->err, E_INPUT, "a search is 1 to %d bytes without quotes",
                       QUERY_BYTES_MAX - 2);
    if (page < 1 || page > 10)
        return err_set(&f->err, E_INPUT, "a search has pages 1 to 10");
    struct buf path = BUF_INIT(0);
    buf_text(&path, "/search/tickets?query=%22");
    buf_percent(&path, query, "");
    buf_printf(&path, "%%22&page=%d", page);
    struct freshdesk_answer answer;
    const struct freshdesk_get get = {.name = "freshdesk.search",
                                      .path = arena_str(&f->arena, buf_view(&path))};
    buf_done(&path);
    int r = freshdesk_get(f, fd, as, &get, &answer);
    if (r < 0)
        return err_wrap(&f->err, r, "search page %d", page);
    struct json results = json_get(answer.json, "results");
    if (!json_is_arr(results))
        return err_set(&f->err, E_PROTOCOL, "search page %d: no results in the answer", page);
    *ret_page = (struct ticket_page){.count = 0};
    tickets_of(f, results, ret_page);
    *ret_total = json_i64(json_get(answer.json, "total"), (int64_t)json_count(results));
    ret_page->more = page < 10 && json_count(results) > 0 && *ret_total > (int64_t)page * 30;
    return 0;
}
