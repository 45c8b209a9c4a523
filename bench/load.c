/*
 * Bench: the clients. One epoll loop, `streams` connections, each posts the prompt and reads its events. Prints
 * one JSON line: what came in the measured window, the CPU time the given processes used in it, delays (from the
 * instant in the event to its reading) and the times to the first event.
 *
 *   load PORT STREAMS EVENTS INTERVAL_US BURST SECONDS [PID,PID...]     measures, after WARM_SECONDS
 *   load PORT STREAMS EVENTS INTERVAL_US BURST SECONDS hold             prints "ready" once every stream has
 *                                                                      an event, then reads on; for memory
 *   load PORT STREAMS EVENTS INTERVAL_US BURST SECONDS leave            ends without reading on; for leavers
 *
 * Requests are repeated on the same connection until the time is up. CPU time is the scheduler's own count
 * (/proc/PID/task/TID/schedstat, ns), read by this process at both ends of the window, so that numerator and
 * denominator cover the same time. A connection that breaks is a fault and stays closed.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { SAMPLES_MAX = 2 * 1024 * 1024, TAIL = 64, READ_BYTES = 256 * 1024 };
#define WARM_SECONDS 1.5

struct stream {
    int fd;
    uint64_t sent_ns;
    bool first_seen;
    char tail[TAIL + 1]; /* end of what was read, so that marks split by reads are found */
    size_t tail_len;
};

struct samples {
    uint32_t *values;
    size_t count;
};

static struct samples delays_us, firsts_us;
static size_t event_count, request_count, fault_count, seen_count;
static bool measuring;
static char request[1024];
static size_t request_len;

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* ---- CPU time ---- */

static uint64_t task_ns(const char *pid, const char *tid)
{
    char path[320], text[64] = "";
    snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    return n > 0 ? strtoull(text, NULL, 10) : 0;
}

static uint64_t process_ns(const char *pid)
{
    char path[64];
    uint64_t total = 0;
    snprintf(path, sizeof(path), "/proc/%s/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *e; tasks && (e = readdir(tasks)) != NULL;)
        total += e->d_name[0] == '.' ? 0 : task_ns(pid, e->d_name);
    if (tasks)
        closedir(tasks);
    return total;
}

static uint64_t cpu_ns(const char *pids)
{
    uint64_t total = 0;
    while (*pids) {
        char pid[16];
        size_t len = strcspn(pids, ",");
        snprintf(pid, sizeof(pid), "%.*s", (int)len, pids);
        total += process_ns(pid);
        pids += len + (pids[len] == ',');
    }
    return total;
}

/* ---- samples ---- */

static void sample(struct samples *s, uint64_t ns)
{
    if (measuring && s->count < SAMPLES_MAX)
        s->values[s->count++] = (uint32_t)(ns / 1000);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t percentile(struct samples *s, double p)
{
    qsort(s->values, s->count, sizeof(*s->values), by_value);
    return s->count ? s->values[(size_t)((double)(s->count - 1) * p)] : 0;
}

/* ---- streams ---- */

static void post(struct stream *s)
{
    s->sent_ns = now_ns();
    s->first_seen = false;
    s->tail_len = 0;
    if (write(s->fd, request, request_len) != (ssize_t)request_len)
        fault_count++;
}

static void mark(struct stream *s, const char *at)
{
    uint64_t now = now_ns(), then = strtoull(at, NULL, 10);
    event_count += measuring;
    sample(&delays_us, now - then);
    if (!s->first_seen) {
        sample(&firsts_us, now - s->sent_ns);
        seen_count++;
    }
    s->first_seen = true;
}

/* Marks are "t=" and twenty digits. False when the peer has gone. */
static bool read_stream(struct stream *s, bool again)
{
    static char bytes[TAIL + READ_BYTES + 1];
    memcpy(bytes, s->tail, s->tail_len);
    ssize_t n = read(s->fd, bytes + s->tail_len, READ_BYTES);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    size_t len = s->tail_len + (size_t)n;
    bytes[len] = '\0';
    char *at = bytes, *rest = bytes;
    while ((at = memmem(at, (size_t)(bytes + len - at), "t=0", 3)) != NULL &&
           at + 22 <= bytes + len) {
        mark(s, at + 2);
        at = rest = at + 22;
    }
    if (memmem(rest, (size_t)(bytes + len - rest), "\r\n0\r\n\r\n", 7)) {
        request_count += measuring;
        if (again)
            post(s);
        return true;
    }
    s->tail_len = (size_t)(bytes + len - rest) < TAIL ? (size_t)(bytes + len - rest) : TAIL;
    memcpy(s->tail, bytes + len - s->tail_len, s->tail_len);
    return true;
}

static int connect_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        perror("load: connect");
        exit(1);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void read_until(int poll_fd, uint64_t end_ns, bool again)
{
    for (uint64_t now = now_ns(); now < end_ns; now = now_ns()) {
        struct epoll_event events[256];
        uint64_t left_ms = (end_ns - now) / 1000000;
        int n = epoll_wait(poll_fd, events, 256, left_ms < 50 ? (int)left_ms : 50);
        for (int i = 0; i < n; i++) {
            struct stream *s = events[i].data.ptr;
            if (s->fd >= 0 && !read_stream(s, again)) {
                fault_count++;
                close(s->fd);
                s->fd = -1;
            }
        }
    }
}

/* The clients come one after the other, and each is heard while the next one comes. */
static struct stream *open_all(int poll_fd, int port, size_t count)
{
    struct stream *all = mem_alloc(count * sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        all[i].fd = connect_to(port);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, all[i].fd, &e);
        post(&all[i]);
        read_until(poll_fd, now_ns() + 100000, true);
    }
    return all;
}

static void measure(int poll_fd, double seconds, const char *pids)
{
    read_until(poll_fd, now_ns() + (uint64_t)(WARM_SECONDS * 1e9), true);
    uint64_t cpu_before = cpu_ns(pids), began_ns = now_ns();
    measuring = true;
    read_until(poll_fd, began_ns + (uint64_t)(seconds * 1e9), true);
    measuring = false;
    uint64_t cpu = cpu_ns(pids) - cpu_before, took_ns = now_ns() - began_ns;
    uint32_t p50 = percentile(&delays_us, 0.5), p99 = percentile(&delays_us, 0.99);
    printf("{\"events\":%zu,\"requests\":%zu,\"faults\":%zu,\"seconds\":%.4f,\"cpu_seconds\":%.6f,"
           "\"p50_us\":%u,"
           "\"p99_us\":%u,\"first_p50_us\":%u,\"first_p99_us\":%u}\n",
           event_count, request_count, fault_count, (double)took_ns / 1e9, (double)cpu / 1e9, p50,
           p99, percentile(&firsts_us, 0.5), percentile(&firsts_us, 0.99));
}

int main(int argc, char **argv)
{
    if (argc < 7)
        return 2;
    int port = (int)strtol(argv[1], NULL, 10);
    size_t count = strtoul(argv[2], NULL, 10);
    double seconds = strtod(argv[6], NULL);
    const char *mode = argc > 7 ? argv[7] : "";
    char body[256];
    int body_len = snprintf(body, sizeof(body), "events=%s interval_us=%s burst=%s", argv[3],
                            argv[4], argv[5]);
    request_len = (size_t)snprintf(request, sizeof(request),
                                   "POST /v3/chat-completions/HCX-005 HTTP/1.1\r\nHost: bench\r\n"
                                   "Content-Length: %d\r\n\r\n%s",
                                   body_len, body);
    delays_us.values = mem_alloc(SAMPLES_MAX * sizeof(uint32_t));
    firsts_us.values = mem_alloc(SAMPLES_MAX * sizeof(uint32_t));
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct stream *all = open_all(poll_fd, port, count);
    uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9);
    if (strcmp(mode, "hold") == 0) {
        while (seen_count < count && now_ns() < end_ns)
            read_until(poll_fd, now_ns() + 10000000, true);
        puts(seen_count < count ? "late" : "ready");
        fflush(stdout);
        read_until(poll_fd, now_ns() + (uint64_t)(seconds * 1e9), true);
        printf("%zu\n", fault_count);
    } else if (strcmp(mode, "leave") == 0) {
        read_until(poll_fd, end_ns, true);
        printf("%zu\n", fault_count);
    } else {
        measure(poll_fd, seconds, mode);
    }
    mem_free(all);
    mem_free(delays_us.values);
    mem_free(firsts_us.values);
    return 0;
}
