#pragma once
/* The newest tickets of a tenant, for a page that lets one choose. */
#include "assist/assist.h"

/* Sends one event `tickets` {"type","tickets":[{id, subject, status, priority, updated_at}]}: the newest that
 * are stored, or, while nothing is stored yet, Freshdesk's first page. `limit` 1..100. */
int assist_tickets(struct flow *f, struct assist *a, const struct caller *who, int limit,
                   struct sink *out) _must_check_;
