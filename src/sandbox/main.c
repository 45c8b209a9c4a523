#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/wall.h"
#include "sandbox/control.h"
#include "sandbox/features.h"

/*
 * deskstream-sandbox: Freshdesk and HyperCLOVA X, made up, on one port.
 *
 *   options -> world of tickets -> HTTP server -> "listening on http://127.0.0.1:PORT" -> SIGTERM
 *
 * Exit 0 after a stop signal, 1 when the port cannot be had, 2 on wrong usage. Nothing is written to
 * disk, nothing is asked from any network. --seed, --tickets and --now decide all texts and times.
 */

#define DAY_MS INT64_C(86400000)

struct options {
    const char *host;
    int64_t port, tickets, seed, burst;
    int64_t now_ms; /* WALL_NONE: the machine's clock, base data end at the last midnight UTC */
    struct knobs knobs;
};

static void usage(FILE *to)
{
    fprintf(to, "usage: deskstream-sandbox [options]\n"
                "A stand-in of Freshdesk and CLOVA Studio with made-up data. API key: demo.\n\n"
                "  --host H          address to listen on (127.0.0.1)\n"
                "  --port N          0 picks one (8089)\n"
                "  --tickets N       1 to 5000000 (2000)\n"
                "  --seed N          of all texts (60)\n"
                "  --now TIME        ISO time at start; default: now, data end at midnight UTC\n"
                "  --burst N         so many tickets share each updated_at second (1)\n\n"
                "Each of these can be changed by POST /sandbox/control, too:\n");
#define KNOB_HELP_(field, name, otherwise, least, most, help)                                      \
    fprintf(to, "  --%-15s %s (%d)\n", name, help, otherwise);
    KNOB_TABLE(KNOB_HELP_)
#undef KNOB_HELP_
    fprintf(to, "Names may be written with - or _.\n");
}

static bool read_own(struct options *o, struct str name, const char *value)
{
    int64_t number = 0;
    bool whole = str_to_i64(str_from(value), &number);
    if (str_eq(name, STR("host"))) {
        o->host = value;
        return true;
    }
    if (str_eq(name, STR("now")))
        return wall_parse_iso(str_from(value), &o->now_ms);
    if (str_eq(name, STR("port"))) {
        o->port = number;
        return whole && number >= 0 && number <= 65535;
    }
    if (str_eq(name, STR("tickets"))) {
        o->tickets = number;
        return whole && number >= 1 && number <= TICKETS_MAX;
    }
    if (str_eq(name, STR("seed"))) {
        o->seed = number;
        return whole;
    }
    if (str_eq(name, STR("burst"))) {
        o->burst = number;
        return whole && number >= 1 && number <= 1000000;
    }
    return whole && knob_set(&o->knobs, name, number);
}

/* 0; 1: help was asked for; -1: wrong usage, told. */
static int read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        char name[64];
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return 1;
        const char *value = strchr(argv[i], '=');
        size_t len = value ? (size_t)(value - argv[i]) : strlen(argv[i]);
        if (strncmp(argv[i], "--", 2) != 0 || len < 3 || len - 2 >= sizeof(name) ||
            (!value && i + 1 == argc)) {
            fprintf(stderr, "%s: unknown option, or its value is missing\n", argv[i]);
            return -1;
        }
        value = value ? value + 1 : argv[++i];
        for (size_t k = 2; k <= len; k++)
            name[k - 2] = k == len ? '\0'
                          : argv[i - (value == argv[i])][k] == '-'
                              ? '_'
                              : argv[i - (value == argv[i])][k];
        if (!read_own(o, str_from(name), value)) {
            fprintf(stderr, "--%s %s: unknown option, or out of range\n", name, value);
            return -1;
        }
    }
    return 0;
}

static struct sandbox *sandbox_new(struct loop *l, const struct options *o)
{
    struct sandbox *sb = mem_alloc(sizeof(*sb));
    sb->loop = l;
    sb->knobs = o->knobs;
    sb->seed = (uint64_t)o->seed;
    sb->ticket_count = (uint32_t)o->tickets;
    sb->burst = (uint32_t)o->burst;
    sb->began_ms = (int64_t)loop_now_ms(l);
    sb->faults.rng.state = sb->seed + 1;
    int64_t wall_ms = loop_wall_ms(l);
    if (o->now_ms == WALL_NONE) {
        sb->now_s = wall_ms / 1000;
        sb->end_s = (wall_ms - wall_ms % DAY_MS) / 1000;
    } else {
        sb->now_s = sb->end_s = o->now_ms / 1000;
    }
    return sb;
}

/* Answers until a stop signal. */
static int run(struct flow *f, struct sandbox *sb, const struct options *o)
{
    static const int signals[] = {SIGINT, SIGTERM};
    printf("listening on http://%s:%d\n", o->host, http_server_port(sb->server));
    fflush(stdout);
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    group_spawn(&g, "churn", control_churn, sb);
    return signal_wait(f, signals, ARRAY_COUNT(signals));
}

static int serve(struct flow *f, void *arg)
{
    const struct options *o = arg;
    struct sandbox *sb = sandbox_new(f->loop, o);
    struct http_server_spec spec = {.host = o->host,
                                    .port = (int)o->port,
                                    .routes = sandbox_routes,
                                    .route_count = sandbox_route_count(),
                                    .context = sb,
                                    .connection_count_max = 8192,
                                    .header_bytes_max = 65536,
                                    .body_bytes_max = 1 << 20,
                                    .idle_timeout_ms = 120000,
                                    .request_timeout_ms = 60000,
                                    .slow_reader_ms = 600000};
    features_warm(); /* counts its documents before anybody waits for it */
    int r = http_server_open(f, &spec, &sb->server);
    if (r >= 0) {
        r = run(f, sb, o);
        _cleanup_(shield_done) struct shield s = flow_shield(f, 5000);
        http_server_drain(f, sb->server, 200);
    } else {
        err_wrap(&f->err, r, "listen on %s:%d", o->host, (int)o->port);
    }
    http_server_free(sb->server);
    sandbox_done(sb);
    mem_free(sb);
    return r < 0 ? r : 0;
}

int main(int argc, char **argv)
{
    struct options o = {.host = "127.0.0.1",
                        .port = 8089,
                        .tickets = 2000,
                        .seed = 60,
                        .burst = 1,
                        .now_ms = WALL_NONE};
    knobs_init(&o.knobs);
    int r = read_options(argc, argv, &o);
    if (r != 0) {
        usage(r > 0 ? stdout : stderr);
        return r > 0 ? 0 : 2;
    }
    log_setup(&(struct log_spec){.level = LOG_WARNING});
    struct loop *l = loop_new(&(struct loop_spec){.flow_count_max = 8192});
    struct err err = {0};
    r = loop_run(l, "sandbox", serve, &o, &err);
    loop_free(l);
    family_done();
    if (r < 0) {
        fprintf(stderr, "deskstream-sandbox: %s\n", err.msg);
        return 1;
    }
    return 0;
}
