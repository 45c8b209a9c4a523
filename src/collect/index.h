#pragma once
/*
 * Which version of each ticket is held, and where: 8 bytes an id in a scratch file without a name, read and
 * written by position, so that memory stays flat whatever the number of tickets. Ticket ids are small
 * numbers counted up per account (freshdesk-api §1); the file is sparse where they have gaps.
 * Made anew from the ledger at every start. Blocking: for pool threads.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define INDEX_ID_MAX (INT64_C(1) << 36)

struct index {
    int fd;
    int64_t id_max; /* largest id ever put */
};
struct index_entry {
    int64_t updated_s;
    uint32_t chunk;
    bool is_held, has_talks, has_files;
};
int index_open(struct index *x, const char *dir, struct err *err) _must_check_;
void index_close(struct index *x);
/* E_LIMIT for an id no account has. */
int index_get(const struct index *x, int64_t id, struct index_entry *ret_entry, struct err *err)
    _must_check_;
int index_put(struct index *x, int64_t id, const struct index_entry *entry, struct err *err)
    _must_check_;
