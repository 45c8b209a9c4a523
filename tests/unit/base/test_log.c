#include "unit/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"

/* Log lines through a pipe: both formats, one line an event whatever is in it, levels and counts. */

static int ends[2];

static int setup(void **state)
{
    (void)state;
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

static int teardown(void **state)
{
    (void)state;
    log_setup(&(struct log_spec){.level = LOG_INFO});
    log_context(0, NULL);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void text_mode(enum log_level level)
{
    log_setup(&(struct log_spec){.level = level, .fd = ends[1]});
}

static void json_mode(void)
{
    log_setup(&(struct log_spec){.level = LOG_DEBUG, .json = true, .fd = ends[1]});
}

/* What was written since the last call. */
static struct str written(void)
{
    static char text[70000];
    ssize_t n = read(ends[0], text, sizeof(text));
    return str_of(text, n < 0 ? 0 : (size_t)n);
}

static size_t line_count(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += s.ptr[i] == '\n';
    return count;
}

static void test_text_line(void **state)
{
    (void)state;
    text_mode(LOG_INFO);
    log_context(12, "abc");
    log_info("room.event", "key=%s n=%d", "value", 3);
    struct str s = written();
    /* 2026-11-20T16:43:00.123Z */
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    for (size_t i = 0; i < sizeof(shape) - 1; i++)
        CHECK("time", shape[i] == 'd' ? s.ptr[i] >= '0' && s.ptr[i] <= '9' : s.ptr[i] == shape[i]);
    CHECK_STR("rest", str_sub(s, sizeof(shape) - 1, SIZE_MAX),
              STR(" INFO  room.event flow=12 req=abc key=value n=3\n"));
    log_context(0, NULL);
    log_error("room.event", "%s", "");
    CHECK_STR("bare", str_sub(written(), sizeof(shape) - 1, SIZE_MAX), STR(" ERROR room.event\n"));
}

static void test_one_event_is_one_line(void **state)
{
    (void)state;
    static const char *const rows[] = {"a=1\nb=2",
                                       "\r\n2026-01-01T00:00:00.000Z ERROR fake",
                                       "\x1b[2J",
                                       "\x7f\x01",
                                       ("\xc2\x9b"
                                        "2J"),
                                       "\xe2\x80\xa8x",
                                       "\xff\xfe",
                                       "k=\"\n\" z"};
    for (int json = 0; json < 2; json++) {
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            json ? json_mode() : text_mode(LOG_DEBUG);
            log_context(1, rows[i]);
            log_warn("x.y", "%s", rows[i]);
            struct str s = written();
            CHECK_I64(rows[i], line_count(s), 1);
            CHECK(rows[i], str_ends(s, STR("\n")) && str_is_utf8(s));
            for (size_t k = 0; k + 1 < s.len; k++)
                CHECK(rows[i], (unsigned char)s.ptr[k] >= 0x20);
        }
    }
}

static void test_json_line(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want; /* want: what follows the event */
    } rows[] = {
        {"key=value n=3", ",\"key\":\"value\",\"n\":\"3\"}"},
        {"msg=\"two words\" k=v", ",\"msg_\":\"two words\",\"k\":\"v\"}"},
        {"plain text k=v more", ",\"k\":\"v\",\"msg\":\"plain text more\"}"},
        {"e=\"said \"no\"!\" k=v", ",\"e\":\"said \\\"no\\\"!\",\"k\":\"v\"}"},
        {"e=\"open k=v", ",\"e\":\"open k=v\"}"},
        {"e=\"\" f= g", ",\"e\":\"\",\"f\":\"\",\"msg\":\"g\"}"},
        {"a=b=c =x", ",\"a\":\"b=c\",\"msg\":\"=x\"}"},
        {"time=1 level=2 event=3 flow=4 req=5",
         ",\"time_\":\"1\",\"level_\":\"2\",\"event_\":\"3\",\"flow_\":\"4\",\"req_\":\"5\"}"},
        {"  spaces   k=v  ", ",\"k\":\"v\",\"msg\":\"spaces\"}"},
        {"e=\"", ",\"e\":\"\"}"},
        {"", "}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        json_mode();
        log_context(0, NULL);
        log_warn("x.y", "%s", rows[i].in);
        struct str s = str_trim(written());
        size_t at = str_find(s, STR("\"event\":\"x.y\""), 0);
        CHECK(rows[i].in, at != SIZE_MAX);
        CHECK_STR(rows[i].in, str_sub(s, at + strlen("\"event\":\"x.y\""), SIZE_MAX),
                  str_from(rows[i].want));
        struct arena a;
        arena_init(&a, 0);
        struct json v;
        CHECK_I64(rows[i].in, json_parse(&a, s, &v, NULL), 0);
        CHECK_STR(rows[i].in, json_str(json_get(v, "level")), STR("warn"));
        arena_done(&a);
    }
    log_context(7, "r-1");
    log_info("x.y", "a=1");
    CHECK("context",
          str_find(written(), STR(",\"flow\":7,\"req\":\"r-1\",\"a\":\"1\"}"), 0) != SIZE_MAX);
}

static void test_levels_and_counts(void **state)
{
    (void)state;
    text_mode(LOG_WARNING);
    uint64_t info = log_count(LOG_INFO), warn = log_count(LOG_WARNING);
    assert_false(log_enabled(LOG_INFO));
    errno = EBADF;
    log_info("x.y", "k=v");
    log_debug("x.y", "k=v");
    log_warn("x.y", "k=v");
    assert_int_equal(errno, EBADF);
    assert_int_equal(line_count(written()), 1);
    assert_int_equal(log_count(LOG_INFO), info);
    assert_int_equal(log_count(LOG_WARNING), warn + 1);
}

static void test_level_names(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool ok;
        enum log_level want;
    } rows[] = {{"debug", true, LOG_DEBUG},     {"INFO", true, LOG_INFO},
                {"Warning", true, LOG_WARNING}, {"warn", true, LOG_WARNING},
                {"ERROR", true, LOG_ERROR},     {"CRITICAL", true, LOG_ERROR},
                {"", false, LOG_DEBUG},         {"loud", false, LOG_DEBUG}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        enum log_level level = LOG_DEBUG;
        CHECK_I64(rows[i].in, log_level_parse(str_from(rows[i].in), &level), rows[i].ok);
        CHECK_I64(rows[i].in, level, rows[i].want);
    }
    assert_string_equal(log_level_name(LOG_WARNING), "warn");
}

static void test_long_line_is_cut_on_a_code_point(void **state)
{
    (void)state;
    char text[9001] = "";
    for (size_t at = 0; at + 3 < sizeof(text); at += 3)
        memcpy(text + at, "\xED\x95\x9C", 3);
    text_mode(LOG_INFO);
    for (int pad = 0; pad < 3; pad++) {
        log_info("x.y", "%.*s%s", pad, "aa", text);
        struct str s = written();
        assert_int_equal(line_count(s), 1);
        assert_in_range(s.len, 3000, 3200);
        assert_int_equal(str_find(s, STR("\xEF\xBF\xBD"), 0), SIZE_MAX); /* nothing was torn */
    }
}

/* A reader who has stopped: the pipe is full, lines are given up, the caller goes on. */
static void test_full_pipe_does_not_stop_us(void **state)
{
    (void)state;
    static char fill[65536];
    while (write(ends[1], fill, sizeof(fill)) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    text_mode(LOG_INFO);
    uint64_t before = log_count(LOG_INFO);
    log_info("x.y", "k=v");
    assert_int_equal(log_count(LOG_INFO), before + 1);
    while (written().len > 0)
        ;
    log_info("x.y", "k=v");
    assert_int_equal(line_count(written()), 1);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 100; i++)
        log_info("x.y", "thread=%s", (const char *)arg);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    text_mode(LOG_INFO);
    pthread_t threads[3];
    static char names[][8] = {"one", "two", "three"};
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, names[i]), 0);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    struct str rest = written(), line;
    size_t count = 0;
    while (str_cut(&rest, '\n', &line)) {
        count++;
        assert_true(str_find(line, STR(" INFO  x.y thread="), 0) == 24);
    }
    assert_int_equal(count, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_event_is_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_levels_and_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_line_is_cut_on_a_code_point, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_pipe_does_not_stop_us, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
