#pragma once
/* Inside the Freshdesk files only: one GET, and paging by it. */
#include "upstream/freshdesk.h"

#define FRESHDESK_PER_PAGE 100
#define FRESHDESK_PAGE_COUNT_MAX 300 /* the vendor's own stop; ours for everything else */

struct freshdesk_get {
    const char *name; /* "freshdesk.ticket" */
    struct str path;  /* "/tickets/1", with its query */
    double cost;      /* credits; 0: 1 */
    bool is_list;     /* counts against the ticket-list sub-limit too */
    bool plain;       /* do not ask for a compressed body */
    account_check_fn *check;
    struct json *ret_json; /* freshdesk_get's own */
};
struct freshdesk_reply {
    struct web_reply web;
    int status; /* of the last answer, also when the call failed; 0: none came */
    bool has_next;
};
/* The answer as it came; its body in the flow's arena. */
int freshdesk_send(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                   const struct freshdesk_get *get, struct freshdesk_reply *ret) _must_check_;
struct web *freshdesk_web(const struct freshdesk *fd);
const char *freshdesk_base_url(const struct freshdesk *fd); /* "" for the real one */
/* The stand-in is reached without TLS, so it is near: compression only costs time. */
bool freshdesk_is_near(const struct freshdesk *fd);
/* Path and query of a list page; returns what it costs. */
double freshdesk_list_path(struct arena *a, const struct ticket_list *list, struct str *ret_path);
struct freshdesk_answer {
    struct json json; /* in the flow's arena */
    int status;       /* of the last answer, also when the call failed; 0: none came */
    bool has_next;    /* Link: rel="next" */
};
/* E_PROTOCOL when a 2xx body is not JSON. */
int freshdesk_get(struct flow *f, struct freshdesk *fd, const struct freshdesk_as *as,
                  const struct freshdesk_get *get, struct freshdesk_answer *ret_answer)
    _must_check_;
/* True when the ticket may be found under its archived path: 404, or a redirect (which is never followed). */
bool freshdesk_is_elsewhere(int code, const struct freshdesk_answer *answer);
