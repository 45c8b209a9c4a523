#pragma once
/*
 * One line an event: time, level, room.event, flow id, then key=value pairs.
 *   log_info("collect.page", "ticket=%" PRId64 " page=%d", id, page);
 * Values with spaces are quoted by the caller's format (key="..."). No secrets, no ticket text above
 * debug. Text or JSON lines by config. Goes to stderr in one write a line. Thread-safe.
 * The flow that runs sets the context (flow id, request id), so that nobody passes it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/str.h"

#define LOG_LEVELS(X) X(DEBUG, "debug") X(INFO, "info") X(WARNING, "warn") X(ERROR, "error")
#define LOG_ENUM_(symbol, text) LOG_##symbol,
enum log_level { LOG_LEVELS(LOG_ENUM_) };
#undef LOG_ENUM_

/* Accepts the old names too (DEBUG, INFO, WARNING, ERROR, CRITICAL), any case. False: unknown. */
bool log_level_parse(struct str name, enum log_level *ret_level);
const char *log_level_name(enum log_level level);

struct log_spec {
    enum log_level level;
    bool json;
    int fd; /* 0 means stderr */
};
void log_setup(const struct log_spec *spec);
/* Lines go to this file as well; -1: no longer. Returns the one before (or -1), which the caller closes:
 * nobody writes to it any more. */
int log_also(int fd);
bool log_enabled(enum log_level level);

/* Context of the running flow, set by loop/flow.c; thread-local. request_id may be NULL and is
 * borrowed until the next call. */
void log_context(uint64_t flow_id, const char *request_id);

void log_write(enum log_level level, const char *event, const char *fmt, ...) _printf_(3, 4);
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG))                                                                \
            log_write(LOG_DEBUG, __VA_ARGS__);                                                     \
    } while (0)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* How many lines of each level were written since start; for /metrics. */
uint64_t log_count(enum log_level level);
