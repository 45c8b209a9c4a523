#pragma once
/* The helpdesk side: Freshdesk's REST API v2 as reference/freshdesk-api describes it. */
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "sandbox/sandbox.h"
#include "sandbox/world.h"

/* Begins a helpdesk call: faults, rate window, credentials. ANSWERED: done (401, 429, fault). */
int desk_begin(struct call *c, struct sandbox *sb, struct flow *f, struct http_exchange *x,
               enum endpoint endpoint, int64_t cost) _must_check_;
/* {"description":"Validation failed","errors":[{field,message,code}]}, status 400 (shape A). */
int desk_invalid(struct call *c, const char *field, const char *message, const char *code)
    _must_check_;
/* {"code","message"} (shape B). */
int desk_refuse(struct call *c, int status, const char *code, const char *message) _must_check_;
/* 404 with an empty body. */
int desk_not_found(struct call *c) _must_check_;

/* A whole number from the query; false (and 400 answered into *ret_r) when it is none or out of
 * range. Absent: `otherwise`. */
bool desk_number(struct call *c, const char *name, int64_t otherwise, int64_t least, int64_t most,
                 int64_t *ret_value, int *ret_r);

enum include {
    INCLUDE_STATS = 1,
    INCLUDE_REQUESTER = 2,
    INCLUDE_DESCRIPTION = 4,
    INCLUDE_CONVERSATIONS = 8,
    INCLUDE_COMPANY = 16
};
/* Bits of `include`; -1 for an unknown word or one not in `allowed`. */
int desk_includes(struct str text, int allowed);

void desk_write_ticket(struct jw *w, const char *key, const struct ticket *t, int includes,
                       bool is_view, int64_t port);
void desk_write_entry(struct jw *w, const struct ticket *t, uint32_t number, int64_t port);
void desk_write_agent(struct jw *w, const char *key, uint32_t agent);
void desk_write_time(struct jw *w, const char *key, int64_t at_s);

int desk_list(struct flow *f, struct http_exchange *x, void *context);
int desk_view(struct flow *f, struct http_exchange *x, void *context);
int desk_conversations(struct flow *f, struct http_exchange *x, void *context);
int desk_archived(struct flow *f, struct http_exchange *x, void *context);
int desk_archived_conversations(struct flow *f, struct http_exchange *x, void *context);
int desk_search(struct flow *f, struct http_exchange *x, void *context);
int desk_categories(struct flow *f, struct http_exchange *x, void *context);
int desk_category(struct flow *f, struct http_exchange *x, void *context);
int desk_folders(struct flow *f, struct http_exchange *x, void *context);
int desk_folder(struct flow *f, struct http_exchange *x, void *context);
int desk_subfolders(struct flow *f, struct http_exchange *x, void *context);
int desk_articles(struct flow *f, struct http_exchange *x, void *context);
int desk_article(struct flow *f, struct http_exchange *x, void *context);
int desk_search_solutions(struct flow *f, struct http_exchange *x, void *context);
int desk_me(struct flow *f, struct http_exchange *x, void *context);
int desk_agents(struct flow *f, struct http_exchange *x, void *context);
int desk_agent(struct flow *f, struct http_exchange *x, void *context);
int desk_groups(struct flow *f, struct http_exchange *x, void *context);
int desk_account(struct flow *f, struct http_exchange *x, void *context);
int desk_ticket_fields(struct flow *f, struct http_exchange *x, void *context);
int desk_settings(struct flow *f, struct http_exchange *x, void *context);
int desk_contact(struct flow *f, struct http_exchange *x, void *context);
int desk_attachment(struct flow *f, struct http_exchange *x, void *context);
int desk_unknown(struct flow *f, struct http_exchange *x, void *context);
