/*
 * What a run needs to know beforehand: which categories, and what it would cost.
 *
 * Happy path: the source's table of categories names them, the file adds a hint to each that it knows; without
 * rows in the table the file alone counts. An estimate counts the day at its source and multiplies.
 * Fails with E_CONFIG for a file or table that cannot be used. Invariant: nothing is asked of a model; only our
 * own table of categories may be written, once, when it is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "chats/batch.h"
#include "upstream/llm.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static int read_file(struct flow *f, const char *path, struct str *ret_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(&f->err, E_CONFIG, "categories: %s: %s", path, strerror(errno));
    struct buf *text = arena_buf(&f->arena, FILE_BYTES_MAX);
    ssize_t n = 0;
    for (char *room = buf_room(text, 4096); room; room = buf_room(text, 4096)) {
        n = read(fd, room, 4096);
        if (n <= 0)
            break;
        buf_used(text, (size_t)n);
    }
    int problem = n < 0 ? errno : 0;
    close(fd);
    if (problem || text->failed)
        return err_set(&f->err, E_CONFIG, "categories: %s: %s", path,
                       problem ? strerror(problem) : "the file is too long");
    *ret_text = buf_view(text);
    return 0;
}

static int read_own_file(struct flow *f, const char *path, struct taxonomy *ret_taxonomy)
{
    struct str text = STR_NONE;
    if (!path[0]) {
        taxonomy_shipped(&f->arena, ret_taxonomy);
        return 0;
    }
    int r = read_file(f, path, &text);
    if (r >= 0)
        r = taxonomy_parse(&f->arena, text, ret_taxonomy, &f->err);
    return r < 0 ? err_wrap(&f->err, r, "%s", path) : 0;
}

static int without_excluded(struct flow *f, const struct batch_categories_spec *spec,
                            const struct taxonomy *file, struct taxonomy *ret_taxonomy)
{
    return taxonomy_from_table(&f->arena, taxonomy_rows(&f->arena, file), file->count, file,
                               spec->excluded, ret_taxonomy, &f->err);
}

int batch_categories(struct flow *f, struct chat_source *source,
                     const struct batch_categories_spec *spec, struct taxonomy *ret_taxonomy)
{
    struct taxonomy file = {.items = NULL};
    struct chat_category *rows = NULL;
    size_t count = 0;
    int r = read_own_file(f, spec->path, &file);
    if (r < 0)
        return r;
    if (strcmp(spec->from, "file") == 0)
        return without_excluded(f, spec, &file, ret_taxonomy);
    if (spec->own)
        r = chat_categories_seed(f, spec->pool, spec->tenant_id, taxonomy_rows(&f->arena, &file),
                                 file.count);
    if (r >= 0)
        r = chat_source_categories(f, source, &rows, &count);
    if (r < 0)
        return err_wrap(&f->err, r, "categories");
    if (count == 0 && strcmp(spec->from, "auto") == 0) {
        log_warn("batch.categories", "table=empty used=file");
        return without_excluded(f, spec, &file, ret_taxonomy);
    }
    return taxonomy_from_table(&f->arena, rows, count, &file, spec->excluded, ret_taxonomy,
                               &f->err);
}

int batch_estimate(struct flow *f, const struct batch *b, struct day day,
                   struct batch_estimate *ret_estimate)
{
    struct batch_estimate e = {.call_count = 0};
    int r = chat_source_size(f, b->source, day, &e.size);
    if (r < 0)
        return err_wrap(&f->err, r, "read chats");
    int64_t each = (int64_t)b->chats_per_call, questions = e.size.question_count;
    e.call_count = (questions + each - 1) / each;
    /* 0.75 tokens a character (llm-apis §9.2), and the tags around each chat. */
    e.prompt_tokens = e.call_count * classifier_base_tokens(&b->classifier) +
                      e.size.char_count * 3 / 4 + questions * 12;
    e.completion_tokens = questions * (ANSWER_TOKENS * 3 / 5) + e.call_count * 10;
    e.cost_krw = llm_cost_krw(b->model, e.prompt_tokens, e.completion_tokens);
    *ret_estimate = e;
    return 0;
}
