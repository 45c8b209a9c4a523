#pragma once
/* Where and how to connect: a connection string taken apart, so that names can be resolved without
 * blocking. For db/ only. */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

#define PG_ADDRESS_KEY_COUNT_MAX 64

struct pg_address {
    char *keywords[PG_ADDRESS_KEY_COUNT_MAX]; /* without host, hostaddr, port; owned */
    char *values[PG_ADDRESS_KEY_COUNT_MAX];
    size_t count;
    char *host, *hostaddr, *port; /* NULL when not given; lists with commas */
};

/* `url`: postgresql://... or keyword=value pairs. E_CONFIG; the text never repeats the URL, which may
 * hold a password. */
int pg_address_parse(struct pg_address *a, const char *url, const char *application_name,
                     struct err *err) _must_check_;
void pg_address_done(struct pg_address *a);
/* The i-th host and its port ("" means the default); false past the last. */
bool pg_address_at(const struct pg_address *a, size_t i, struct str *ret_host,
                   struct str *ret_port);
/* A unix socket's folder or abstract name: nothing to resolve. */
bool pg_address_is_local(struct str host);
