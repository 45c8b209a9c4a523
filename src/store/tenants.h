#pragma once
/* Who the tenants are: one row a Freshdesk account, made on first sight. */
#include <stdint.h>

#include "db/pg.h"

struct tenant {
    int64_t id;
    struct str company; /* "acme": the key */
    struct str domain;  /* "acme.freshdesk.com" */
};
/* Finds or makes the tenant of a company, its partitions too; a changed domain is noted. Strings in the
 * flow's arena. One round trip when it is known already. */
int tenants_get_or_create(struct flow *f, struct pg_pool *p, struct str company, struct str domain,
                          struct tenant *ret_tenant) _must_check_;
/* All tenants, oldest first, in the flow's arena. */
int tenants_all(struct flow *f, struct pg_pool *p, struct tenant **ret_tenants, size_t *ret_count)
    _must_check_;
