#pragma once
/* Who asks: the tenant a request was proved to belong to, and the credentials it brought. Made by
 * assist/access.c (or by a command from the configuration), borrowed by every service call. */
#include <stdint.h>

#include "base/str.h"

struct caller {
    int64_t tenant_id;
    struct str company; /* "acme" */
    struct str domain;  /* "acme.freshdesk.com" */
    struct str api_key; /* Freshdesk's; a secret: never logged, never in an answer */
};
