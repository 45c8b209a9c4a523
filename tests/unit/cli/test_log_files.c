/* Daily log files: a new day, a file that is large, the oldest part goes. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/base/check.h"

#include "base/log.h"
#include "cli/log_files.h"

static char dir[] = "/tmp/deskstream-logs-XXXXXX";

static long size_of(const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void test_turn(void **state)
{
    (void)state;
    struct zone *seoul = zone_fixed(9 * 3600);
    struct log_files l = {
        .dir = dir, .name = "deskstream.log", .zone = seoul, .bytes_max = 200, .part_count_max = 3};
    struct err err = {0};
    int64_t at_ms = INT64_C(1710515400000); /* 2024-03-15 15:10 UTC, the 16th in Seoul */
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log_setup(&(struct log_spec){.level = LOG_INFO, .fd = quiet});
    CHECK("opened", log_files_turn(&l, at_ms - 3600000, &err) == 0);
    log_info("test.before", "n=1");
    CHECK("before midnight", size_of("deskstream_20240315.log") > 0);
    CHECK("next day", log_files_turn(&l, at_ms, &err) == 0);
    long kept = size_of("deskstream_20240315.log");
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 5; k++)
            log_info("test.line", "part=%d line=%d", i, k);
        CHECK("turned", log_files_turn(&l, at_ms + i, &err) == 0);
    }
    CHECK("the day before rests", size_of("deskstream_20240315.log") == kept);
    CHECK("a new one", size_of("deskstream_20240316.log") == 0);
    CHECK("three parts",
          size_of("deskstream_20240316.log.1") > 200 && size_of("deskstream_20240316.log.3") > 200);
    CHECK("no fourth", size_of("deskstream_20240316.log.4") < 0);
    l.dir = "/proc/no";
    l.path[0] = '\0';
    CHECK("no folder", log_files_turn(&l, at_ms, &err) < 0 && strstr(err.msg, "/proc/no") != NULL);
    log_files_done(&l);
    log_setup(&(struct log_spec){.level = LOG_INFO});
    close(quiet);
    zone_free(seoul);
    DIR *d = opendir(dir);
    for (struct dirent *e = d ? readdir(d) : NULL; e != NULL; e = readdir(d)) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_turn)};
    if (mkdtemp(dir) == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
