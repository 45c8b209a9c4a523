/*
 * app_parts.c: what app.c needs to know from the settings: where the database and the vectors are, and
 * which language models there are.
 *
 * The private cluster's place is read as tools/pg.sh wrote it: VAR_DIR/pg/where names the folder, whose
 * socket lies in <folder>/socket, or under /var/tmp when that path would be too long for a socket.
 * Fails by: neither DATABASE_URL nor a private cluster (E_CONFIG). Models without a key do not exist.
 * Invariant: nothing is connected here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "app.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collect.h"
#include "upstream/llm.h"

#define SOCKET_PATH_BYTES_MAX 107

/* First line of a small file; false when it cannot be read. */
static bool read_line(struct arena *a, const char *path, struct str *ret_line)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char *text = arena_alloc(a, PATH_MAX);
    ssize_t n = read(fd, text, PATH_MAX - 1);
    close(fd);
    if (n <= 0)
        return false;
    struct str all = str_of(text, (size_t)n);
    size_t end = str_find(all, STR("\n"), 0);
    *ret_line = str_sub(all, 0, end);
    return true;
}

static struct str private_url(struct arena *a, struct str dir, struct str place)
{
    struct str sockets = arena_printf(a, "%.*s/socket", STR_ARG(place));
    if (sockets.len + strlen("/.s.PGSQL.5432.lock") > SOCKET_PATH_BYTES_MAX) {
        char hex[2 * SHA256_BYTES + 1];
        sha256_hex(dir, hex);
        sockets = arena_printf(a, "/var/tmp/deskstream-%.16s-s", hex);
    }
    struct buf *url = arena_buf(a, 0);
    buf_text(url, "postgresql://deskstream@/deskstream?host=");
    buf_percent(url, sockets, "/");
    return buf_view(url);
}

int app_database_url(struct arena *a, const struct config *config, struct str *ret_url,
                     struct err *err)
{
    if (config->database_url[0] != '\0') {
        *ret_url = str_from(config->database_url);
        return 0;
    }
    struct str dir = arena_printf(a, "%s/pg", config->var_dir);
    if (dir.ptr[0] != '/') {
        char *here = arena_alloc(a, PATH_MAX);
        if (getcwd(here, PATH_MAX) == NULL)
            return err_set(err, -errno, "the working directory: %s", err_text(-errno));
        dir = arena_printf(a, "%s/%.*s", here, STR_ARG(dir));
    }
    struct str place;
    if (!read_line(a, arena_text(a, arena_printf(a, "%.*s/where", STR_ARG(dir))), &place))
        return err_set(err, E_CONFIG,
                       "no database: set DATABASE_URL, or make a private one with "
                       "`tools/pg.sh start` (there is none in %.*s)",
                       STR_ARG(dir));
    *ret_url = private_url(a, dir, place);
    return 0;
}

struct str app_qdrant_url(struct arena *a, const struct config *config)
{
    if (config->qdrant_url[0] != '\0' || config->qdrant_host[0] == '\0')
        return str_from(config->qdrant_url);
    if (str_find(str_from(config->qdrant_host), STR("://"), 0) != SIZE_MAX)
        return str_from(config->qdrant_host);
    return arena_printf(a, "%s://%s:%d", config->qdrant_https ? "https" : "http",
                        config->qdrant_host, (int)config->qdrant_port);
}

static struct llm_provider *clova(struct loop *l, struct web *web, const struct config *c)
{
    struct clova_spec spec = {
        .web = web,
        .base_url = c->hcx_base_url,
        .api_key = c->hcx_api_key,
        .model = c->hcx_model,
        .json_model = c->hcx_json_model,
        .per_minute = (double)c->hcx_per_minute,
        .tokens_per_minute = (double)c->hcx_tokens_per_minute,
        .first_token_ms = (uint32_t)c->first_token_timeout_ms,
        .idle_ms = (uint32_t)c->token_timeout_ms,
    };
    return c->hcx_api_key[0] != '\0' ? clova_new(l, &spec) : NULL;
}

static struct llm_provider *openai(struct loop *l, struct web *web, const struct config *c)
{
    struct openai_spec spec = {
        .web = web,
        .base_url = c->openai_base_url,
        .api_key = c->openai_api_key,
        .model = c->openai_model,
        .per_minute = (double)c->hcx_per_minute,
        .tokens_per_minute = (double)c->hcx_tokens_per_minute,
        .first_token_ms = (uint32_t)c->first_token_timeout_ms,
        .idle_ms = (uint32_t)c->token_timeout_ms,
    };
    return c->openai_api_key[0] != '\0' ? openai_new(l, &spec) : NULL;
}

struct llm_provider *app_provider(struct loop *l, struct web *web, const struct config *config,
                                  struct str name)
{
    if (str_eq(name, STR("clova")))
        return clova(l, web, config);
    if (str_eq(name, STR("openai")))
        return openai(l, web, config);
    if (str_eq(name, STR("anthropic"))) {
        if (config->anthropic_api_key[0] != '\0')
            log_warn("app.models", "provider=anthropic error=\"not in this version; left out\"");
        return NULL;
    }
    log_warn("app.models", "provider=%.*s error=\"LLM_ORDER names a provider that is not known\"",
             STR_ARG(name));
    return NULL;
}

int app_collect_spec(const struct config *c, struct collect_spec *ret_spec, struct err *err)
{
    double delay_s = 0;
    if (c->request_delay[0] && (!str_to_double(str_from(c->request_delay), &delay_s) ||
                                !(delay_s >= 0 && delay_s <= 3600)))
        return err_set(err, E_CONFIG, "REQUEST_DELAY is a number of seconds, not \"%s\"",
                       c->request_delay);
    *ret_spec = (struct collect_spec){
        .chunk_size = (uint32_t)c->chunk_size,
        .save_interval = (uint32_t)c->save_interval,
        .delay_ms = (uint32_t)(delay_s * 1000),
        .slice_count = (uint32_t)c->collect_slice_count,
        .thread_count = (uint32_t)c->collect_thread_count,
        .disk_pause_percent = (uint32_t)c->disk_pause_percent,
        .memory_warn_percent = (uint32_t)c->memory_warn_percent,
    };
    return 0;
}
