/*
 * Workbooks: made, read again by book_check, and, where openpyxl is there, recounted by it
 * (tests/unit/chats/book.py). BOOK_KEEP=path keeps the sample that docs/ shows.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/wall.h"
#include "chats/book.h"
#include "unit/chats/sample.h"

static char dir[] = "/tmp/deskstream-book-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static size_t file_count(void)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    size_t count = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

static int make(const char *path, const struct sample *sample, size_t row_limit, struct err *err)
{
    _cleanup_(book_freep) struct book *b = NULL;
    int r = book_open(path, &sample->figures, &b, err);
    if (r < 0)
        return r;
    book_row_limit(b, row_limit);
    for (size_t at = 0; r >= 0 && at < sample->detail_count; at += 500)
        r = book_details(b, sample->details + at, MIN(sample->detail_count - at, (size_t)500), err);
    for (size_t i = 0; r >= 0 && i < sample->detail_count; i++)
        if (sample->details[i].failed || sample->details[i].confidence < 0.6)
            r = book_doubts(b, &sample->details[i], 1, err);
    return r < 0 ? r : book_commit(b, err);
}

/* Python's exit status: 0 good, 77 no openpyxl. */
static void recount(const char *path, const struct sample *s)
{
    char questions[32], chats[32], failed[32];
    snprintf(questions, sizeof(questions), "%zu", s->detail_count);
    snprintf(chats, sizeof(chats), "%lld", (long long)s->figures.sum.chat_count);
    snprintf(failed, sizeof(failed), "%lld", (long long)s->figures.sum.failed_questions);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/usr/bin/python3", "python3", "tests/unit/chats/book.py", path, questions, chats,
              failed, (char *)NULL);
        _exit(77);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        print_message("no python3 with openpyxl here: not recounted\n");
    else
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_day(void **state)
{
    (void)state;
    struct sample s;
    struct err err = {0};
    sample_init(&s, 400);
    const char *kept = getenv("BOOK_KEEP");
    const char *path = kept != NULL ? kept : path_of("채팅키워드분류보고서_2024-03-15.xlsx");
    if (make(path, &s, 0, &err) < 0)
        fail_msg("%s", err.msg);
    recount(path, &s);
    if (kept == NULL) {
        assert_int_equal(file_count(), 1); /* no temporary file stays */
        unlink(path);
    }
    sample_done(&s);
}

/* Rows past the limit go to further sheets. */
static void test_split(void **state)
{
    (void)state;
    struct sample s;
    struct err err = {0};
    sample_init(&s, 250);
    const char *path = path_of("split.xlsx");
    if (make(path, &s, 100, &err) < 0)
        fail_msg("%s", err.msg);
    recount(path, &s);
    unlink(path);
    sample_done(&s);
}

static void test_empty(void **state)
{
    (void)state;
    struct sample s;
    struct err err = {0};
    sample_init(&s, 0);
    const char *path = path_of("empty.xlsx");
    if (make(path, &s, 0, &err) < 0)
        fail_msg("%s", err.msg);
    recount(path, &s);
    unlink(path);
    sample_done(&s);
}

static void test_no_place(void **state)
{
    (void)state;
    struct sample s;
    struct err err = {0};
    sample_init(&s, 3);
    assert_int_equal(make(path_of("none/x.xlsx"), &s, 0, &err), -ENOENT);
    assert_non_null(strstr(err.msg, "none/x.xlsx"));
    assert_int_equal(file_count(), 0);
    sample_done(&s);
}

/* Files may not grow past a few kilobytes, as on a full disk: a clear error, nothing left behind, and the
 * next try is good. */
static void test_full(void **state)
{
    (void)state;
    struct sample s;
    struct err err = {0};
    sample_init(&s, 5000);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    const size_t limits[] = {4096, 65536, 400000};
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        small = old;
        small.rlim_cur = limits[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int r = make(path_of("full.xlsx"), &s, 0, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        if (r != -EFBIG && r != -ENOSPC)
            fail_msg("%zu bytes: %d %s", limits[i], r, err.msg);
        assert_non_null(strstr(err.msg, "full.xlsx"));
        assert_int_equal(file_count(), 0);
    }
    assert_int_equal(make(path_of("full.xlsx"), &s, 0, &err), 0);
    assert_int_equal(file_count(), 1);
    unlink(path_of("full.xlsx"));
    sample_done(&s);
}

/* A book given up leaves neither a file nor an open descriptor. */
static void test_given_up(void **state)
{
    (void)state;
    struct sample s;
    struct err err = {0};
    sample_init(&s, 50);
    int before = open("/dev/null", O_RDONLY);
    close(before);
    for (int i = 0; i < 3; i++) {
        struct book *b = NULL;
        assert_int_equal(book_open(path_of("up.xlsx"), &s.figures, &b, &err), 0);
        assert_int_equal(book_details(b, s.details, s.detail_count, &err), 0);
        book_free(b);
    }
    int after = open("/dev/null", O_RDONLY);
    close(after);
    assert_int_equal(before, after);
    assert_int_equal(file_count(), 0);
    sample_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_day),   cmocka_unit_test(test_split),
        cmocka_unit_test(test_empty), cmocka_unit_test(test_no_place),
        cmocka_unit_test(test_full),  cmocka_unit_test(test_given_up),
    };
    if (mkdtemp(dir) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
