#pragma once
/* The server's log in files as well: one a day, turned over when large (FILE_LOG, LOG_DIR, LOG_FILE,
 * MAX_LOG_SIZE_MB, LOG_BACKUP_COUNT). */
#include <stdint.h>

#include "base/zone.h"
#include "loop/flow.h"

struct config;

struct log_files {
    const char *dir,
        *name; /* "deskstream.log" becomes deskstream_20240315.log, then ..log.1, ..log.2 */
    const struct zone *zone;
    struct zone *own_zone;
    uint64_t bytes_max;
    int part_count_max;
    char path[1024]; /* of the open file; "" before the first */
};
#define LOG_FILES_INIT                                                                             \
    {                                                                                              \
        .dir = NULL                                                                                \
    }
/* Opens the day's file when there is none, another day has begun, or it is over its size; the older parts of
 * a day move up and the oldest goes. Blocking, short. */
int log_files_turn(struct log_files *l, int64_t now_ms, struct err *err) _must_check_;
/* By the settings; looks again every few seconds in a flow of `group`. Nothing when FILE_LOG is off. */
int log_files_open(struct flow *f, const struct config *c, struct group *group,
                   struct log_files *ret_files) _must_check_;
void log_files_done(struct log_files *l); /* cleanup; after the group */
