#pragma once
/* What the collector's commands share: a client of the configured account, without the database. */
#include "base/config.h"
#include "collect/collect.h"

struct collector_parts {
    struct flow *flow;
    struct web *web;
    struct freshdesk *freshdesk;
    struct collect_deps deps;
};
#define COLLECTOR_PARTS_INIT                                                                       \
    {                                                                                              \
        .flow = NULL                                                                               \
    }
/* E_CONFIG without an account. Closed also after a failure. */
int collector_open(struct flow *f, const struct config *c, struct collector_parts *ret)
    _must_check_;
void collector_close(struct collector_parts *p); /* _cleanup_ */
int collector_as(struct flow *f, const struct config *c, struct freshdesk_as *ret_as) _must_check_;
