/*
 * collect/guard.c: keeps a run from filling the disk or the memory.
 *
 * Happy path: before the start the space is estimated from what is known and compared; during the run the
 * disk and the memory are looked at every few seconds. A disk at the mark pauses the run until there is room
 * again; memory above its mark is told once and the run goes on with fewer pages and threads at once.
 * Fails only at the start, with -ENOSPC, when the disk is at its mark already.
 * Invariant: intervals are taken from the monotonic clock, times from the vendor: clock jumps change
 * nothing but what is printed; they are told.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "collect/walk.h"

#define EVERY_MS 2000
#define TICKET_BYTES UINT64_C(6000) /* usual ticket with its thread */
#define CLOCK_JUMP_MS 60000

struct look {
    const struct collect_sensors *sensors;
    const char *dir;
    uint64_t free_bytes;
    uint32_t used_percent, memory_percent;
};

static int look_at_disk(struct look *d)
{
    struct statvfs s;
    if (d->sensors)
        return d->sensors->disk(d->sensors, d->dir, &d->free_bytes, &d->used_percent);
    if (statvfs(d->dir, &s) < 0)
        return -errno;
    uint64_t used = s.f_blocks - s.f_bfree, all = used + s.f_bavail;
    d->free_bytes = (uint64_t)s.f_bavail * s.f_frsize;
    d->used_percent = all ? (uint32_t)((used * 100 + all - 1) / all) : 0;
    return 0;
}

/* Used share of the machine's memory, or of the container's when that is less; 0 when it is not told. */
static uint32_t memory_percent(void)
{
    char text[4096];
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    uint64_t values[2] = {0, 0};
    static const struct str names[] = {STR("MemTotal:"), STR("MemAvailable:")};
    struct str rest = str_of(text, (size_t)n), line;
    while (str_cut(&rest, '\n', &line))
        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
            if (!str_starts(line, names[i]))
                continue;
            struct str number = str_trim(str_sub(line, names[i].len, line.len));
            int64_t kb;
            if (str_to_i64(str_sub(number, 0, str_find(number, STR(" "), 0)), &kb))
                values[i] = (uint64_t)kb;
        }
    return values[0] ? (uint32_t)((values[0] - MIN(values[1], values[0])) * 100 / values[0]) : 0;
}

static int look(void *arg)
{
    struct look *d = arg;
    int r = look_at_disk(d);
    d->memory_percent = d->sensors ? d->sensors->memory_percent(d->sensors) : memory_percent();
    return r;
}

int guard_preflight(struct flow *f, struct collector *c)
{
    struct look d = {.sensors = c->deps->sensors, .dir = c->archive->dir};
    int r = work_run(f, look, &d);
    if (r < 0)
        return err_wrap(&f->err, r, "the disk under %s", c->archive->dir);
    uint64_t tickets = c->spec->ticket_count_max ? c->spec->ticket_count_max
                                                 : c->archive->held_count;
    log_info("collect.disk", "free_mb=%" PRIu64 " used_percent=%" PRIu32 " estimate_mb=%" PRIu64,
             d.free_bytes >> 20, d.used_percent, (tickets * TICKET_BYTES * 2) >> 20);
    if (c->spec->disk_pause_percent < 100 && d.used_percent >= c->spec->disk_pause_percent)
        return err_set(&f->err, -ENOSPC,
                       "the disk under %s is %" PRIu32 " %% full; %" PRIu32 " %% is the mark "
                       "(DISK_PAUSE_PERCENT)",
                       c->archive->dir, d.used_percent, c->spec->disk_pause_percent);
    if (c->spec->ticket_count_max && tickets * TICKET_BYTES * 2 > d.free_bytes)
        log_warn("collect.disk", "error=\"less room than %" PRIu64 " tickets usually need\"",
                 tickets);
    return 0;
}

static void mind_disk(struct collector *c, const struct look *d)
{
    bool full = c->spec->disk_pause_percent < 100 && d->used_percent >= c->spec->disk_pause_percent;
    if (full == c->is_paused)
        return;
    c->is_paused = full;
    if (full) {
        log_warn("collect.paused", "disk_percent=%" PRIu32, d->used_percent);
    } else {
        log_info("collect.resumed", "disk_percent=%" PRIu32, d->used_percent);
        cond_broadcast(&c->resumed);
    }
}

static void mind_memory(struct collector *c, uint32_t percent)
{
    bool tight = percent >= c->spec->memory_warn_percent;
    uint32_t threads = tight ? MAX(c->spec->thread_count / 4, 1u) : MAX(c->spec->thread_count, 1u);
    if (threads == c->thread_count)
        return;
    c->thread_count = threads;
    if (tight)
        log_warn("collect.memory", "used_percent=%" PRIu32 " threads=%" PRIu32, percent, threads);
    cond_broadcast(&c->talk_room);
}

int guard_run(struct flow *f, void *arg)
{
    struct collector *c = arg;
    int64_t wall_ms = loop_wall_ms(f->loop);
    uint64_t now_ms = loop_now_ms(f->loop);
    for (;;) {
        int r = flow_sleep(f, EVERY_MS); /* the preflight has looked just now */
        if (r < 0)
            return r;
        struct look d = {.sensors = c->deps->sensors, .dir = c->archive->dir};
        r = work_run(f, look, &d);
        if (r == -ECANCELED)
            return r;
        if (r >= 0)
            mind_disk(c, &d);
        mind_memory(c, d.memory_percent);
        int64_t jump_ms = (loop_wall_ms(f->loop) - wall_ms) -
                          (int64_t)(loop_now_ms(f->loop) - now_ms);
        if (jump_ms > CLOCK_JUMP_MS || jump_ms < -CLOCK_JUMP_MS)
            log_warn("collect.clock", "jumped_ms=%" PRId64, jump_ms);
        wall_ms = loop_wall_ms(f->loop);
        now_ms = loop_now_ms(f->loop);
    }
}
