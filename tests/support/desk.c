/* The sandbox as a peer: made like its own program does, but on the loop under test. */
#include "support/desk.h"

#include "base/mem.h"
#include "sandbox/control.h"
#include "sandbox/family.h"
#include "sandbox/features.h"
#include "sandbox/sandbox.h"

struct desk {
    struct sandbox sandbox;
};

void desk_warm(void)
{
    features_warm();
}

void desk_forget(void)
{
    family_done();
}

int desk_open(struct flow *f, uint32_t ticket_count, struct desk **ret_desk)
{
    struct desk *d = mem_alloc(sizeof(*d));
    struct sandbox *sb = &d->sandbox;
    sb->loop = f->loop;
    knobs_init(&sb->knobs);
    sb->knobs.rate = sb->knobs.list_rate = 0;
    sb->seed = 60;
    sb->ticket_count = ticket_count;
    sb->burst = 1;
    sb->began_ms = (int64_t)loop_now_ms(f->loop);
    sb->now_s = sb->end_s = loop_wall_ms(f->loop) / 1000;
    struct http_server_spec spec = {.host = "127.0.0.1",
                                    .routes = sandbox_routes,
                                    .route_count = sandbox_route_count(),
                                    .context = sb};
    int r = http_server_open(f, &spec, &sb->server);
    if (r < 0)
        mem_free(d);
    else
        *ret_desk = d;
    return r;
}

void desk_close(struct flow *f, struct desk *d)
{
    if (!d)
        return;
    http_server_drain(f, d->sandbox.server, 0);
    http_server_free(d->sandbox.server);
    sandbox_done(&d->sandbox);
    mem_free(d);
}

int desk_faults(struct flow *f, struct desk *d, const char *rules)
{
    struct json v;
    int r = json_parse(&f->arena, str_from(rules), &v, &f->err);
    return r < 0 ? r : fault_rules_read(&d->sandbox.faults, v, &f->err);
}

bool desk_delete(struct desk *d, int64_t ticket_id)
{
    struct account *a = sandbox_account_named(&d->sandbox, STR("demo"));
    return a && world_delete(&a->world, ticket_id, sandbox_now_s(&d->sandbox));
}

int desk_port(const struct desk *d)
{
    return http_server_port(d->sandbox.server);
}

uint64_t desk_embed_calls(const struct desk *d)
{
    return d->sandbox.counters.calls[ENDPOINT_EMBEDDING];
}

uint64_t desk_thread_calls(const struct desk *d)
{
    return d->sandbox.counters.calls[ENDPOINT_CONVERSATIONS];
}
