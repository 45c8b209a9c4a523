/*
 * cli/monitor.c: `deskstream monitor [-w]`: how far the collection in this folder is, in the old words
 * (legacy-contracts §4.5).
 *
 * The happy path: the PID file, progress.json, the chunks (in the root and in raw_data), disk and load, the
 * log's last lines. With -w the screen is cleared and it is told again every 300 seconds.
 * Fails never by what is missing: that is what it tells. Invariant: nothing is written.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli.h"
#include "collect/files.h"

#define AGAIN_MS 300000
#define LOG_BYTES_MAX ((size_t)64 << 20)
#define PROGRESS_BYTES_MAX ((size_t)64 << 20)
#define LOG_LINES 5

struct job {
    const char *dir;
    bool again;
};
struct chunks {
    uint64_t count, bytes;
    char last[512]; /* the newest by name */
};

static void show_process(void)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(0);
    struct err err;
    int64_t pid;
    if (file_read("freshdesk_collection.pid", 64, &text, &err) < 0 ||
        !str_to_i64(str_trim(buf_view(&text)), &pid) || pid <= 0) {
        puts("PID 파일을 찾을 수 없습니다. 프로세스가 실행 중이 아닙니다.");
        return;
    }
    if (kill((pid_t)pid, 0) == 0 || errno == EPERM)
        printf("수집 프로세스 실행 중 (PID: %" PRId64 ")\n", pid);
    else
        puts("수집 프로세스가 종료되었습니다!");
}

static void show_progress(const char *dir)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(0);
    struct err err;
    struct arena arena;
    struct json v;
    char path[1024];
    snprintf(path, sizeof(path), "%s/progress.json", dir);
    if (file_read(path, PROGRESS_BYTES_MAX, &text, &err) < 0)
        return;
    arena_init(&arena, 0);
    if (json_parse(&arena, buf_view(&text), &v, &err) >= 0)
        printf("진행 상황:\n  total_collected: %" PRId64 "\n  last_updated: %.*s\n",
               json_i64(json_get(v, "total_collected"), 0),
               STR_ARG(json_str(json_get(v, "last_updated"))));
    arena_done(&arena);
}

static void count_chunks(const char *dir, struct chunks *c)
{
    DIR *folder = opendir(dir);
    if (folder == NULL)
        return;
    for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
        struct stat st;
        char path[2048];
        if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
            continue;
        if (!strstr(e->d_name, "_chunk_") || !str_ends(str_from(e->d_name), STR(".json")) ||
            stat(path, &st) < 0)
            continue;
        c->count++;
        c->bytes += (uint64_t)st.st_size;
        if (strcmp(e->d_name, c->last) > 0)
            snprintf(c->last, sizeof(c->last), "%s", e->d_name);
    }
    closedir(folder);
}

static void show_chunks(const char *dir)
{
    static const char *const folders[] = {"",
                                          "/raw_data/tickets",
                                          "/raw_data/ticket_details",
                                          "/raw_data/conversations",
                                          "/raw_data/attachments",
                                          "/raw_data/knowledge_base"};
    struct chunks c = {0};
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s%s", dir, folders[i]);
        count_chunks(path, &c);
    }
    if (c.count == 0) {
        puts("아직 저장된 청크가 없습니다.");
        return;
    }
    printf("저장된 청크 수: %" PRIu64 "\n마지막 청크: %s\n총 데이터 크기: %.1fM\n", c.count, c.last,
           (double)c.bytes / (1 << 20));
}

static void show_machine(void)
{
    struct statvfs s;
    double load[1] = {0};
    puts("시스템 리소스:");
    if (getloadavg(load, 1) == 1)
        printf("  load: %.2f\n", load[0]);
    if (statvfs(".", &s) == 0 && s.f_blocks > 0)
        printf("  disk: %.0f%% (%.1fG free)\n",
               100.0 * (double)(s.f_blocks - s.f_bfree) / (double)s.f_blocks,
               (double)s.f_bavail * (double)s.f_frsize / (1 << 30));
}

static void show_log(void)
{
    static const char *const names[] = {"freshdesk_full_collection.log",
                                        "freshdesk_collection.log"};
    _cleanup_(buf_done) struct buf text = BUF_INIT(0);
    struct err err;
    puts("최근 로그 (마지막 5줄):");
    for (size_t i = 0; i < ARRAY_COUNT(names) && text.len == 0; i++)
        if (file_read(names[i], LOG_BYTES_MAX, &text, &err) < 0)
            buf_clear(&text);
    size_t at = text.len;
    for (int lines = 0; at > 0; at--) {
        if (text.ptr[at - 1] == '\n' && at < text.len && ++lines == LOG_LINES)
            break;
    }
    printf("%.*s", STR_ARG(str_sub(buf_view(&text), at, text.len)));
}

static void show(const char *dir)
{
    char date[64];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Z %Y", &tm);
    printf("===== %s =====\n", date);
    show_process();
    show_progress(dir);
    show_chunks(dir);
    show_machine();
    show_log();
    puts("-----------------------------------");
    fflush(stdout);
}

static int monitor(struct flow *f, void *arg)
{
    const struct job *j = arg;
    for (;;) {
        if (j->again)
            fputs("\033[H\033[2J", stdout);
        show(j->dir);
        if (!j->again) {
            puts("계속 모니터링하려면: ./monitor_collection.sh -w");
            return 0;
        }
        int r = flow_sleep(f, AGAIN_MS);
        if (r < 0)
            return r;
    }
}

int cli_monitor(struct cli *cli)
{
    struct job job = {.dir = "freshdesk_full_data"};
    const struct cli_option options[] = {CLI_FLAG("-w", &job.again), CLI_TEXT("--out", &job.dir)};
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count > 0)
        return cli_usage(cli, "what is \"%s\"?", cli->words[0]);
    return cli_run_bare(cli, "monitor", monitor, &job);
}
