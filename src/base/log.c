#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/wall.h"

/*
 * One event, one line, one write. The line is built in memory first, so lines of several threads or
 * of several processes on one pipe do not mix; a mutex covers the rare write that comes back short.
 *
 *   2026-11-20T16:43:00.123Z INFO  room.event flow=12 req=abc key=value
 *   {"time":"...","level":"info","event":"room.event","flow":12,"req":"abc","key":"value"}
 *
 * Control characters are escaped in both forms, so nothing that a peer sends can start a line or
 * move a terminal's cursor. A text over LOG_TEXT_BYTES is cut.
 *
 * A log that cannot be written never stops the server: when the reader of a pipe is slow, one wait
 * of at most LOG_WAIT_MS is made, and then the line is given up.
 */

#define LOG_TEXT_BYTES 3072
#define LOG_WAIT_MS 100

#define NAME_(symbol, text) [LOG_##symbol] = text,
static const char *const level_names[] = {LOG_LEVELS(NAME_)};
#undef NAME_

#define LEVEL_COUNT ARRAY_COUNT(level_names)

static _Atomic int level_min = LOG_INFO;
static atomic_bool as_json;
static _Atomic int out_fd = STDERR_FILENO;
static _Atomic uint64_t counts[LEVEL_COUNT];
static int file_fd = -1; /* under write_lock */
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local uint64_t context_flow;
static _Thread_local const char *context_request;

bool log_level_parse(struct str name, enum log_level *ret_level)
{
    static const struct {
        const char *name;
        enum log_level level;
    } names[] = {{"debug", LOG_DEBUG},     {"info", LOG_INFO},   {"warn", LOG_WARNING},
                 {"warning", LOG_WARNING}, {"error", LOG_ERROR}, {"critical", LOG_ERROR}};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_eq_nocase(name, str_from(names[i].name))) {
            *ret_level = names[i].level;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

void log_setup(const struct log_spec *spec)
{
    level_min = spec->level;
    as_json = spec->json;
    out_fd = spec->fd ? spec->fd : STDERR_FILENO;
}

bool log_enabled(enum log_level level)
{
    return (int)level >= level_min;
}

void log_context(uint64_t flow_id, const char *request_id)
{
    context_flow = flow_id;
    context_request = request_id;
}

uint64_t log_count(enum log_level level)
{
    return counts[level];
}

static void write_time(struct buf *line)
{
    struct wall_parts p = wall_split(wall_now_ms());
    buf_printf(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", p.year, p.month, p.day, p.hour,
               p.minute, p.second, p.ms);
}

/* Appends text on one line: control characters (C1 and line separators too) as \n or \u0085. */
static void escape(struct buf *line, struct str s)
{
    while (s.len > 0) {
        uint32_t cp;
        size_t used = str_decode(s, &cp);
        if (cp == '\n')
            buf_text(line, "\\n");
        else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029)
            buf_printf(line, "\\u%04" PRIx32, cp);
        else if (cp == 0xFFFD)
            buf_text(line, "\xEF\xBF\xBD");
        else
            buf_add(line, s.ptr, used);
        s = str_sub(s, used, SIZE_MAX);
    }
}

static void line_text(struct buf *line, enum log_level level, const char *event, struct str text)
{
    static const char *const upper[LEVEL_COUNT] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    write_time(line);
    buf_printf(line, " %s ", upper[level]);
    escape(line, str_from(event));
    if (context_flow)
        buf_printf(line, " flow=%" PRIu64, context_flow);
    if (context_request && context_request[0]) {
        buf_text(line, " req=");
        escape(line, str_from(context_request));
    }
    if (text.len) {
        buf_byte(line, ' ');
        escape(line, text);
    }
}

/* Cuts the next word off `rest`. Returns true and both parts for key=value or key="a b"; false with
 * the bare word in *ret_value. A quote ends at one that a blank or the end follows, since callers
 * put texts between quotes as they are. */
static bool next_pair(struct str *rest, struct str *ret_key, struct str *ret_value)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '=')
        len++;
    bool pair = len > 0 && len < rest->len && rest->ptr[len] == '=';
    *ret_key = str_sub(*rest, 0, pair ? len : 0);
    if (pair)
        *rest = str_sub(*rest, len + 1, SIZE_MAX);
    size_t at = 1;
    bool quoted = pair && rest->len > 0 && rest->ptr[0] == '"';
    while (quoted) {
        at = str_find(*rest, STR("\""), at);
        if (at == SIZE_MAX || at + 1 == rest->len || rest->ptr[at + 1] == ' ')
            break;
        at++;
    }
    if (quoted) {
        *ret_value = str_sub(*rest, 1, at == SIZE_MAX ? SIZE_MAX : at - 1);
        *rest = str_sub(*rest, at == SIZE_MAX ? SIZE_MAX : at + 1, SIZE_MAX);
    } else {
        size_t end = str_find(*rest, STR(" "), 0);
        *ret_value = str_sub(*rest, 0, end);
        *rest = str_sub(*rest, end, SIZE_MAX);
    }
    return pair;
}

static bool is_ours(struct str key)
{
    static const char *const names[] = {"time", "level", "event", "flow", "req", "msg"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (str_eq(key, str_from(names[i])))
            return true;
    return false;
}

/* Every pair becomes a member; words that are none are gathered in "msg". */
static void line_json(struct buf *line, enum log_level level, const char *event, struct str text)
{
    buf_text(line, "{\"time\":\"");
    write_time(line);
    buf_printf(line, "\",\"level\":\"%s\",\"event\":", level_names[level]);
    json_quote(line, str_from(event));
    if (context_flow)
        buf_printf(line, ",\"flow\":%" PRIu64, context_flow);
    if (context_request && context_request[0]) {
        buf_text(line, ",\"req\":");
        json_quote(line, str_from(context_request));
    }
    _cleanup_(buf_done) struct buf words = BUF_INIT(0);
    _cleanup_(buf_done) struct buf name = BUF_INIT(0);
    while (text.len > 0) {
        struct str key, value;
        if (next_pair(&text, &key, &value)) {
            buf_clear(&name);
            buf_str(&name, key);
            if (is_ours(key))
                buf_byte(&name, '_');
            buf_byte(line, ',');
            json_quote(line, buf_view(&name));
            buf_byte(line, ':');
            json_quote(line, value);
        } else if (value.len) {
            if (words.len)
                buf_byte(&words, ' ');
            buf_str(&words, value);
        }
        if (text.len > 0 && text.ptr[0] == ' ')
            text = str_sub(text, 1, SIZE_MAX);
    }
    if (words.len) {
        buf_text(line, ",\"msg\":");
        json_quote(line, buf_view(&words));
    }
    buf_byte(line, '}');
}

int log_also(int fd)
{
    pthread_mutex_lock(&write_lock);
    int before = file_fd;
    file_fd = fd;
    pthread_mutex_unlock(&write_lock);
    return before;
}

static void write_to(int fd, struct str line)
{
    bool waited = false;
    while (line.len > 0) {
        ssize_t n = write(fd, line.ptr, line.len);
        if (n >= 0) {
            line = str_sub(line, (size_t)n, SIZE_MAX);
            continue;
        }
        if (errno == EINTR)
            continue;
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        if (errno != EAGAIN || waited || poll(&p, 1, LOG_WAIT_MS) <= 0)
            break;
        waited = true;
    }
}

static void write_line(struct str line)
{
    pthread_mutex_lock(&write_lock);
    write_to(out_fd, line);
    if (file_fd >= 0)
        write_to(file_fd, line);
    pthread_mutex_unlock(&write_lock);
}

void log_write(enum log_level level, const char *event, const char *fmt, ...)
{
    if (!log_enabled(level))
        return;
    int errno_kept = errno;
    char text[LOG_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct str s = str_of(text, n < 0 ? 0 : MIN((size_t)n, sizeof(text) - 1));
    s.len -= n >= (int)sizeof(text) ? str_utf8_tail(s) : 0;
    _cleanup_(buf_done) struct buf line = BUF_INIT(0);
    if (as_json)
        line_json(&line, level, event, s);
    else
        line_text(&line, level, event, s);
    buf_byte(&line, '\n');
    write_line(buf_view(&line));
    counts[level]++;
    errno = errno_kept;
}
