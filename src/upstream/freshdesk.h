#pragma once
/*
 * Freshdesk REST API v2 (reference freshdesk-api.md). One account per domain, shared by all keys of it:
 * the limit is the account's. Ids are int64. Results live in the flow's arena.
 * The address is https://<domain>/api/v2, or base_url with the domain in the Host header.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "upstream/account.h"

struct freshdesk; /* one for the app: all domains */
struct freshdesk_spec {
    struct web *web;
    const char *base_url;                                /* "" for the real one */
    uint32_t per_minute, list_per_minute, share_percent; /* 0: learn */
    uint32_t window_ms;                                  /* of the limits; 0: 60,000 */
    uint32_t retry_count;                                /* of bulk calls; 0: 10 */
};
struct freshdesk *freshdesk_new(struct loop *l, const struct freshdesk_spec *spec);
void freshdesk_free(struct freshdesk *fd);

/* Whose account, with which key, how urgent. Borrowed for each call. */
struct freshdesk_as {
    struct str domain; /* "acme.freshdesk.com", validated by freshdesk_domain_parse */
    struct str api_key;
    enum priority priority;
};

/* Normalises what users type: "acme", "ACME.freshdesk.com", "https://acme.freshdesk.com/x" (legacy-contracts
 * §1.3). E_INPUT for anything that is not a name under freshdesk.com: no request is ever made for it. */
int freshdesk_domain_parse(struct arena *a, struct str text, struct str *ret_domain,
                           struct str *ret_company, struct err *err) _must_check_;

struct ticket {
    int64_t id;
    struct str subject, description, description_text, type;
    int status, priority, source; /* vendor's numbers, unknown ones kept */
    int64_t requester_id, responder_id, group_id, company_id; /* 0: null */
    bool spam, deleted;
    struct str *tags;
    size_t tag_count;
    int64_t created_at, updated_at; /* unix ms */
    struct json json;               /* the vendor's whole object */
};
struct conversation {
    int64_t id, ticket_id, user_id;
    struct str body_text; /* from body when the vendor sent none */
    bool incoming, is_private;
    int source;
    int64_t created_at, updated_at;
    struct json json;
};
struct article {
    int64_t id, folder_id, category_id;
    struct str title, description, description_text, folder_name, category_name;
    int status, type, visibility; /* status 1 draft, 2 published; visibility of its folder */
    struct str *tags;
    size_t tag_count;
    int64_t created_at, updated_at;
    struct json json;
};

/* Fills a struct from the vendor's JSON; for stored copies and webhooks too. E_JSON when id is missing. */
int ticket_from_json(struct arena *a, struct json v, struct ticket *ret_ticket, struct err *err)
    _must_check_;
int conversation_from_json(struct arena *a, struct json v, struct conversation *ret_talk,
                           struct err *err) _must_check_;
int article_from_json(struct arena *a, struct json v, struct article *ret_article, struct err *err)
    _must_check_;
const char *ticket_status_name(int status); /* "open", ..., "custom" */

/* GET /tickets/{id}: 1 credit. E_NOT_FOUND; archived tickets are looked up once more by the archived path. */
int freshdesk_ticket(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                     int64_t id, struct ticket *ret_ticket) _must_check_;
/* GET /tickets/{id}/conversations?per_page=100, all pages, oldest first. */
int freshdesk_conversations(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                            int64_t ticket_id, struct conversation **ret_talks, size_t *ret_count)
    _must_check_;

/* One page of GET /tickets?order_by=updated_at&order_type=asc&include=...; page from 1. */
struct ticket_list {
    int64_t updated_since; /* unix ms; WALL_NONE: 1970, so that the 30-day window never applies */
    int page, per_page;    /* per_page 0: 100 */
    bool description, stats, requester;
    const char *filter; /* NULL, "deleted", "spam" */
    bool descending;
    const char *order_by; /* NULL: updated_at */
};
struct ticket_page {
    struct ticket *tickets;
    size_t count;
    bool more; /* a next page exists (Link header, or a full page) */
};
int freshdesk_tickets(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                      const struct ticket_list *list, struct ticket_page *ret_page) _must_check_;
/* Search by query (inside the quotes), one page of 30; total is the vendor's count. */
int freshdesk_search(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                     struct str query, int page, struct ticket_page *ret_page, int64_t *ret_total)
    _must_check_;

/* The same as the vendor sent it, checked to be JSON: for who keeps answers without reading them. What is not
 * JSON is asked for again like any failed call. Texts live in the flow's arena. */
struct freshdesk_raw {
    struct str body; /* one array, or one object */
    size_t count;    /* entries of a thread; 0 for pages, which are not taken apart */
    bool more;       /* a Link header names a next page */
    bool archived;   /* found under its archived path */
};
int freshdesk_tickets_raw(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                          const struct ticket_list *list, struct freshdesk_raw *ret) _must_check_;
/* One ticket with its attachments; archived ones too. E_NOT_FOUND. */
int freshdesk_ticket_raw(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                         int64_t id, struct freshdesk_raw *ret) _must_check_;
/* All entries of a thread in one array, oldest first as the vendor lists them. E_NOT_FOUND. */
int freshdesk_conversations_raw(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                                int64_t ticket_id, struct freshdesk_raw *ret) _must_check_;

/* The bytes of an attachment, by its attachment_url: not at the account's host, without key, no credit. Only https
 * to named public hosts, or the stand-in's own address; redirects are checked the same way. E_INPUT for other
 * addresses; E_UPSTREAM_DENIED when the address has expired (they are signed for minutes): ask the ticket or
 * thread for a fresh one. */
struct freshdesk_file;
int freshdesk_file_open(struct flow *f, struct freshdesk *fd, struct str url, uint64_t bytes_max,
                        struct freshdesk_file **ret_file) _must_check_;
/* > 0 a piece, borrowed until the next call; 0 the end; < 0. */
int freshdesk_file_next(struct flow *f, struct freshdesk_file *file, struct str *ret_piece)
    _must_check_;
void freshdesk_file_close(struct freshdesk_file **file); /* _cleanup_; NULL is fine */

/* Walks categories, folders, subfolders and articles; gives each folder's articles to `each`, whose error
 * ends the walk. Folders that fail are named through `failed` (may be NULL) and passed over; 401 ends. */
struct article_visitor {
    int (*each)(struct flow *f, struct article_visitor *v, struct article *articles, size_t count);
    void (*failed)(struct article_visitor *v, int64_t folder_id, const struct err *err);
};
int freshdesk_articles(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                       struct article_visitor *visitor) _must_check_;
/* GET /agents/me: proves the key. E_UPSTREAM_AUTH when it is wrong. */
int freshdesk_me(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                 struct json *ret_me) _must_check_;

/* For /metrics and /health: calls `each` for every account seen. */
void freshdesk_each_account(struct freshdesk *fd, void (*each)(void *context, struct account *a),
                            void *context);
