/* Builds a peer's script out of exchanges and runs one case on it, with a web client ready. */
#include "support/vendor.h"

#include <string.h>

#include "base/arena.h"

#define STEPS_EACH 6

struct vendor_run {
    const struct exchange *talk;
    size_t count;
    bool fresh;
    vendor_fn *fn;
};

static struct peer_step send_step(struct str bytes, bool split)
{
    return (struct peer_step){split ? PEER_ACT_SPLIT : PEER_ACT_SEND, bytes.ptr, bytes.len, 1};
}

static size_t steps_of(struct arena *a, const struct exchange *x, struct peer_step *steps)
{
    size_t n = 0;
    struct str body = x->body ? str_of(x->body, x->body_len ? x->body_len : strlen(x->body))
                              : STR_NONE;
    if (x->want)
        steps[n++] = (struct peer_step){PEER_ACT_EXPECT, x->want, strlen(x->want), 0};
    steps[n++] = (struct peer_step)PEER_EXPECT("\r\n\r\n");
    if (x->want_body)
        steps[n++] = (struct peer_step){PEER_ACT_EXPECT, x->want_body, strlen(x->want_body), 0};
    if (x->silent)
        return n;
    if (x->reset) {
        steps[n++] = (struct peer_step)PEER_RESET();
        return n;
    }
    struct str head = arena_printf(a, "HTTP/1.1 %d Said\r\n%s", x->status ? x->status : 200,
                                   x->headers ? x->headers : "Content-Type: application/json\r\n");
    head = x->cut || x->open
               ? arena_printf(a, "%.*sConnection: close\r\n\r\n", STR_ARG(head))
               : arena_printf(a, "%.*sContent-Length: %zu\r\n\r\n", STR_ARG(head), body.len);
    steps[n++] = send_step(head, false);
    if (body.len > 0)
        steps[n++] = send_step(body, x->split);
    if (x->cut)
        steps[n++] = (struct peer_step)PEER_CLOSE();
    return n;
}

static int run_case(struct flow *f, void *arg)
{
    const struct vendor_run *run = arg;
    struct peer_script *scripts = ARENA_ARRAY(&f->arena, run->count, struct peer_script);
    size_t script_count = 0;
    struct peer_step *steps = ARENA_ARRAY(&f->arena, run->count * STEPS_EACH, struct peer_step);
    for (size_t i = 0; i < run->count; i++) {
        size_t n = steps_of(&f->arena, &run->talk[i], steps);
        bool begins = script_count == 0 || run->fresh || run->talk[i - 1].cut ||
                      run->talk[i - 1].reset;
        if (begins)
            scripts[script_count++] = (struct peer_script){.steps = steps};
        scripts[script_count - 1].step_count += n;
        steps += n;
    }
    struct vendor_case vc = {.peer = peer_open(f->loop, scripts, script_count)};
    vc.url = peer_url(f, vc.peer, "").ptr;
    int r = web_new(f->loop, &(struct web_spec){0}, &vc.web, &f->err);
    if (r >= 0)
        r = run->fn(f, &vc);
    web_close_all(f, vc.web);
    web_free(vc.web);
    peer_close(f, vc.peer);
    return r;
}

void vendor_run(const char *name, const struct exchange *talk, size_t count, bool fresh,
                vendor_fn *fn)
{
    struct vendor_run run = {talk, count, fresh, fn};
    torture_run(name, run_case, &run);
}

size_t vendor_seen(const struct vendor_case *vc, const char *text)
{
    struct str all = peer_received(vc->peer), needle = str_from(text);
    size_t count = 0;
    for (size_t at = 0; (at = str_find(all, needle, at)) != SIZE_MAX; at += needle.len)
        count++;
    return count;
}
