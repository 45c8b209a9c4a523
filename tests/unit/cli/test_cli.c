/*
 * tests/unit/cli/test_cli.c: options of commands, and docs/config.md, which must be what the program
 * prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct cli_command command = {"thing", "does a thing", "usage: thing\n", NULL};

/* Runs the options of `words` (NULL-ended); returns what cli_options returned. */
static int options(char **words, int64_t *limit, bool *flag, const char **text, struct cli *cli)
{
    const struct cli_option rows[] = {
        CLI_INT("--limit", limit, 1, 500),
        CLI_FLAG("--all", flag),
        CLI_TEXT("-o", text),
    };
    *cli = (struct cli){.command = &command, .words = words};
    while (words[cli->word_count] != NULL)
        cli->word_count++;
    return cli_options(cli, rows, ARRAY_COUNT(rows));
}

static void options_are_taken_out(void **state)
{
    (void)state;
    int64_t limit = 100;
    bool flag = false;
    const char *text = "";
    struct cli cli;
    char *words[] = {(char[]){"one"},   (char[]){"--limit"}, (char[]){"7"},
                     (char[]){"--all"}, (char[]){"-o"},      (char[]){"x"},
                     (char[]){"--"},    (char[]){"--two"},   NULL};
    assert_int_equal(options(words, &limit, &flag, &text, &cli), CLI_GO_ON);
    assert_int_equal(limit, 7);
    assert_true(flag);
    assert_string_equal(text, "x");
    assert_int_equal(cli.word_count, 2);
    assert_string_equal(cli.words[0], "one");
    assert_string_equal(cli.words[1], "--two");
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"--limit", NULL, NULL},    {"--limit", "0", NULL}, {"--limit", "501", NULL},
        {"--limit=x", NULL, NULL},  {"--nope", NULL, NULL}, {"--all=1", NULL, NULL},
        {"--limit=7x", NULL, NULL}, {"-o", NULL, NULL},     {"--limi", "7", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t limit = 100;
        bool flag = false;
        const char *text = "";
        struct cli cli;
        char *words[3];
        memcpy(words, rows[i], sizeof(words));
        int r = options(words, &limit, &flag, &text, &cli);
        if (r != 2)
            fail_msg("row %s: got %d, want 2", rows[i][0], r);
        assert_int_equal(limit, 100);
    }
}

static void config_page_is_fresh(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct buf *want = arena_buf(&a, 0), *got = arena_buf(&a, 0);
    config_docs(want);
    int fd = open("docs/config.md", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (;;) {
        char *room = buf_room(got, 4096);
        ssize_t n = read(fd, room, 4096);
        assert_true(n >= 0);
        if (n == 0)
            break;
        buf_used(got, (size_t)n);
    }
    close(fd);
    if (!str_eq(buf_view(got), buf_view(want)))
        fail_msg("docs/config.md is old: deskstream config docs > docs/config.md");
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_out),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(config_page_is_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
