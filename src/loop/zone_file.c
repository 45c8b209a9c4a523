/*
 * loop/zone_file.c: the files behind time zones.
 *
 * The happy path reads /usr/share/zoneinfo/Asia/Seoul whole and hands it to the parser. Blocking, but of a
 * few kilobytes and at start only.
 * Fails by E_CONFIG: a name that could leave the folder, no such file, a file that is no time zone; the
 * message says which package brings them.
 */
#include "loop/zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"

enum { NAME_BYTES_MAX = 64, FILE_BYTES_MAX = 1 << 20 };

static bool is_name(struct str name)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX || name.ptr[0] == '/' || name.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '/' && c != '_' && c != '+' && c != '-')
            return false;
    }
    return true;
}

static bool read_file(const char *dir, struct str name, struct buf *out)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(name));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    buf_clear(out);
    ssize_t n = 0;
    for (;;) {
        char *room = buf_room(out, 4096);
        n = room ? read(fd, room, 4096) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        buf_used(out, (size_t)n);
    }
    close(fd);
    return n == 0 && out->len > 0;
}

int zone_load(const char *name, struct zone **ret_zone, struct err *err)
{
    int r = fault_check("zone.load", E_CONFIG);
    if (r < 0)
        return err_set(err, r, "time zone %s: not read", name);
    struct str s = str_from(name);
    if (str_starts(s, STR(":")))
        s = str_sub(s, 1, s.len);
    if (s.len == 0 || str_eq(s, STR("UTC")) || str_eq(s, STR("GMT"))) {
        *ret_zone = zone_fixed(0);
        return 0;
    }
    if (!is_name(s))
        return err_set(err, E_CONFIG, "\"%.*s\" is not the name of a time zone (like Asia/Seoul)",
                       STR_ARG(str_cut_utf8(s, 80)));
    const char *dirs[] = {getenv("TZDIR"), "/usr/share/zoneinfo", "/usr/lib/zoneinfo"};
    _cleanup_(buf_done) struct buf bytes = BUF_INIT(FILE_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(dirs); i++) {
        if (dirs[i] == NULL || dirs[i][0] == '\0' || !read_file(dirs[i], s, &bytes))
            continue;
        r = zone_parse(buf_view(&bytes), ret_zone, err);
        return r < 0
                   ? err_set(err, E_CONFIG, "%s/%.*s is not a time zone file", dirs[i], STR_ARG(s))
                   : r;
    }
    return err_set(err, E_CONFIG, "there is no time zone \"%.*s\" here (package tzdata)",
                   STR_ARG(s));
}
