/*
 * Bench: a model that speaks CLOVA's stream. Answers POST on any path with `events` token events of about 120
 * bytes of data, each a chunk of its own carrying the instant it was written (CLOCK_MONOTONIC, ns), then the
 * result event. GET answers how many streams are open, for the row of abandoned ones.
 *
 *   upstream PORT     the prompt asks: "events=100 interval_us=5000 burst=1"
 *
 * The pace is in the prompt, so that every relay passes it on without knowing of it. interval_us=0 writes as
 * fast as the reader takes; burst events leave in one write. It shares a CPU with the clients, so it is one bare
 * epoll loop: the first event leaves at once, the second at a random part of the interval, so that streams that
 * began together do not stay in step and a relay's delay is not that of the queue in front of it.
 * Fails by closing: a broken request, a peer that has gone. Invariant: a paced stream is in the heap exactly
 * while it waits for its instant; one whose socket is full waits for EPOLLOUT instead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { REQUEST_BYTES_MAX = 16384, BURST_MAX = 16, EVENT_BYTES_MAX = 320, STREAMS_MAX = 20000 };

struct stream {
    int fd;
    char *in; /* the request so far; NULL while none has begun */
    size_t in_len;
    int64_t events_left; /* -1: no answer is open */
    uint64_t interval_ns, next_ns;
    int burst;
    bool began;     /* the first event has left */
    size_t heap_at; /* 1-based; 0: not waiting */
    char *rest;     /* what the socket did not take */
    size_t rest_len;
};

static int poll_fd;
static size_t open_count;
static struct stream *heap[STREAMS_MAX + 1];
static size_t heap_count;
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* ---- who is next ---- */

static void heap_place(size_t at, struct stream *s)
{
    heap[at] = s;
    s->heap_at = at;
}

static void heap_sift(size_t at)
{
    struct stream *s = heap[at];
    for (; at > 1 && heap[at / 2]->next_ns > s->next_ns; at /= 2)
        heap_place(at, heap[at / 2]);
    for (;;) {
        size_t child = at * 2;
        if (child < heap_count && heap[child + 1]->next_ns < heap[child]->next_ns)
            child++;
        if (child > heap_count || heap[child]->next_ns >= s->next_ns)
            break;
        heap_place(at, heap[child]);
        at = child;
    }
    heap_place(at, s);
}

static void heap_push(struct stream *s)
{
    if (heap_count == STREAMS_MAX)
        abort();
    heap_place(++heap_count, s);
    heap_sift(heap_count);
}

static void heap_remove(struct stream *s)
{
    size_t at = s->heap_at;
    if (at == 0)
        return;
    s->heap_at = 0;
    struct stream *last = heap[heap_count--];
    if (last == s)
        return;
    heap_place(at, last);
    heap_sift(at);
}

/* ---- writing ---- */

static void stream_close(struct stream *s)
{
    heap_remove(s);
    if (s->events_left >= 0)
        open_count--;
    close(s->fd);
    mem_free(s->in);
    mem_free(s->rest);
    mem_free(s);
}

static void watch(struct stream *s, bool writing)
{
    struct epoll_event e = {.events = EPOLLIN | (writing ? EPOLLOUT : 0u), .data.ptr = s};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, s->fd, &e);
}

/* False when the peer has gone. */
static bool put(struct stream *s, const char *bytes, size_t len)
{
    ssize_t n = send(s->fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        return false;
    size_t sent = n > 0 ? (size_t)n : 0;
    if (sent == len)
        return true;
    s->rest_len = len - sent;
    s->rest = mem_alloc(s->rest_len);
    memcpy(s->rest, bytes + sent, s->rest_len);
    watch(s, true);
    return true;
}

static size_t chunk(char *out, size_t room, const char *event)
{
    return (size_t)snprintf(out, room, "%zx\r\n%s\r\n", strlen(event), event);
}

static size_t token(char *out, size_t room)
{
    char event[EVENT_BYTES_MAX];
    snprintf(
        event, sizeof(event),
        "id: 1\nevent:token\ndata:{\"message\":{\"role\":\"assistant\",\"content\":\"t=%020" PRIu64
        " 안녕하세요 hello\"},\"finishReason\":null,\"usage\":null}\n\n",
        now_ns());
    return chunk(out, room, event);
}

static size_t result(char *out, size_t room)
{
    size_t len = chunk(
        out, room,
        "id: 2\nevent:result\ndata:{\"message\":{\"role\":\"assistant\",\"content\":\"all\"},"
        "\"finishReason\":\"stop\",\"usage\":{\"promptTokens\":10,\"completionTokens\":10,"
        "\"totalTokens\":20}}\n\n");
    return len + (size_t)snprintf(out + len, room - len, "0\r\n\r\n");
}

/* Writes what is due and plans what comes next; the stream may be gone afterwards. */
static void stream_step(struct stream *s)
{
    char out[(BURST_MAX + 2) * EVENT_BYTES_MAX];
    size_t len = 0;
    for (int i = 0; i < s->burst && s->events_left > 0; i++, s->events_left--)
        len += token(out + len, sizeof(out) - len);
    if (s->events_left == 0) {
        len += result(out + len, sizeof(out) - len);
        s->events_left = -1;
        open_count--;
    } else {
        s->next_ns += s->began || s->interval_ns == 0 ? s->interval_ns
                                                      : random_next() % s->interval_ns;
        s->began = true;
    }
    if (!put(s, out, len))
        stream_close(s);
    else if (s->events_left > 0 && !s->rest)
        heap_push(s);
}

static void on_writable(struct stream *s)
{
    char *rest = s->rest;
    size_t len = s->rest_len;
    s->rest = NULL;
    watch(s, false);
    bool good = put(s, rest, len);
    mem_free(rest);
    if (!good)
        stream_close(s);
    else if (s->events_left > 0 && !s->rest)
        heap_push(s);
}

/* ---- requests ---- */

static int64_t number_after(const char *text, const char *key, int64_t otherwise)
{
    const char *at = strstr(text, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : otherwise;
}

static void answer(struct stream *s, const char *request, const char *body)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    char text[128];
    if (strncmp(request, "GET ", 4) == 0) {
        int len = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%7zu\n",
                           open_count);
        put(s, text, (size_t)len); /* a peer that has gone is read as such */
        return;
    }
    s->events_left = number_after(body, "events=", 10);
    s->interval_ns = (uint64_t)number_after(body, "interval_us=", 0) * 1000;
    s->burst = (int)number_after(body, "burst=", 1);
    s->burst = s->burst < 1 ? 1 : s->burst > BURST_MAX ? BURST_MAX : s->burst;
    s->next_ns = now_ns();
    s->began = false;
    open_count++;
    put(s, head, sizeof(head) - 1);
    stream_step(s);
}

/* Bytes of a whole request at the front, 0: more is needed. */
static size_t request_whole(const struct stream *s, const char **ret_body)
{
    const char *end = strstr(s->in, "\r\n\r\n");
    if (!end)
        return 0;
    *ret_body = end + 4;
    const char *length = strcasestr(s->in, "content-length:");
    size_t want = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
    size_t whole = (size_t)(end + 4 - s->in) + want;
    return s->in_len >= whole ? whole : 0;
}

static void on_readable(struct stream *s)
{
    if (!s->in)
        s->in = mem_alloc(REQUEST_BYTES_MAX + 1);
    ssize_t n = read(s->fd, s->in + s->in_len, REQUEST_BYTES_MAX - s->in_len);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            stream_close(s);
        return;
    }
    s->in_len += (size_t)n;
    s->in[s->in_len] = '\0';
    const char *body;
    if (request_whole(s, &body) == 0)
        return; /* a request longer than the buffer reads 0 bytes next and is closed */
    char *in = TAKE(s->in);
    s->in_len = 0;
    answer(s, in, body);
    mem_free(in);
}

static void on_connection(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct stream *s = mem_alloc(sizeof(*s));
        s->fd = fd;
        s->events_left = -1;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e);
    }
}

static int listen_on(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0) {
        perror("upstream: listen");
        exit(1);
    }
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e);
    return fd;
}

/* One batch: what came, then what is due. A closed stream gets no later event of the same batch, since each
 * descriptor is in a batch once. */
static void turn(int listener)
{
    struct epoll_event events[256];
    uint64_t now = now_ns();
    uint64_t wait_ns = heap_count == 0          ? 1000000000
                       : heap[1]->next_ns > now ? heap[1]->next_ns - now
                                                : 0;
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000),
                            .tv_nsec = (long)(wait_ns % 1000000000)};
    int n = epoll_pwait2(poll_fd, events, 256, &wait, NULL);
    for (int i = 0; i < n; i++) {
        struct stream *s = events[i].data.ptr;
        if (!s)
            on_connection(listener);
        else if (events[i].events & EPOLLOUT && s->rest)
            on_writable(s);
        else
            on_readable(s);
    }
    now = now_ns();
    for (size_t due = heap_count; due > 0 && heap_count > 0 && heap[1]->next_ns <= now; due--) {
        struct stream *s = heap[1];
        heap_remove(s);
        stream_step(s);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on((int)strtol(argv[1], NULL, 10));
    for (;;)
        turn(listener);
}
