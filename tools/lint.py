#!/usr/bin/env python3
"""tools/lint.py [ROOT]: the house rules that text alone can show.

Prints one line a fault, `file:line: rule: message`, and exits 1 when there was one. Rules: room,
system, sql, banned, typedef, pragma, opening, file-size, function-size, words, big-file, paths.
Comments and string contents are blanked before code is judged, so neither can raise a false alarm.
A line whose own comment, or the comment line above it, says `lint-allow(rule): why` is let through.
"""
import os
import re
import subprocess
import sys

CODE = ('.c', '.h')
TEXT = CODE + ('.py', '.sh', '.js', '.mjs', '.css')
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
BYTES_MAX = 1 << 20

BANNED = {
    'sprintf': 'use snprintf or struct buf', 'vsprintf': 'use vsnprintf or struct buf',
    'strcpy': 'use struct buf', 'strcat': 'use struct buf', 'strncpy': 'use struct buf',
    'strncat': 'use struct buf', 'stpcpy': 'use struct buf', 'gets': 'never',
    'atoi': 'use the checked parsers of base/str.h', 'atol': 'use base/str.h',
    'atoll': 'use base/str.h', 'atof': 'use base/str.h',
    'gmtime': 'use gmtime_r', 'localtime': 'use localtime_r', 'ctime': 'not reentrant',
    'asctime': 'not reentrant', 'strtok': 'use base/str.h',
    'alloca': 'use the arena', 'sleep': 'blocks the loop', 'usleep': 'blocks the loop',
    'nanosleep': 'blocks the loop', 'system': 'blocks the loop', 'popen': 'blocks the loop',
    'curl_easy_perform': 'blocks the loop', 'curl_multi_wait': 'blocks the loop',
    'curl_multi_poll': 'blocks the loop', 'PQexec': 'blocks the loop',
    'PQexecParams': 'blocks the loop', 'PQexecPrepared': 'blocks the loop',
    'PQprepare': 'blocks the loop', 'PQconnectdb': 'blocks the loop',
    'PQconnectdbParams': 'blocks the loop', 'PQsetdbLogin': 'blocks the loop',
}
ALLOCATORS = ('malloc', 'calloc', 'realloc', 'reallocarray', 'strdup', 'strndup', 'asprintf',
              'vasprintf', 'aligned_alloc', 'posix_memalign')
# Addresses of package registries, and folders of one person's machine. Written as patterns, so
# that this file itself does not hold what it looks for.
HOSTS = re.compile(r'(?:[\w-]+\.)?(?:debian\.org|ubuntu\.com|npmjs\.org|npmjs\.com|pypi\.org|'
                   r'pythonhosted\.org|docker\.io|ghcr\.io|quay\.io|crates\.io|golang\.org)\b')
PATHS = re.compile(r'(?<![\w.-])/(?:work/(?:wt|main|shared)|home/[a-z_][\w-]*|Users/[A-Za-z]\w*)\b')
WORDS = re.compile(r'\b(?:TODO|FIXME|XXX|HACK)\b')
SKIP_DIRS = {'.git', 'build', 'var', 'node_modules', '__pycache__'}

faults = 0


def fault(path, line, rule, message, raw=None):
    """Reports a fault, unless the line or the one above allows the rule with a reason."""
    global faults
    if raw is not None:
        mark = re.compile(r'lint-allow\(%s\): \S' % re.escape(rule))
        for i in (line - 1, line - 2):
            if 0 <= i < len(raw) and mark.search(raw[i]):
                return
    faults += 1
    print('%s:%d: %s: %s' % (path, line, rule, message))


def blank(text):
    """(code, strings): the text with comments and literals blanked, and each string literal with
    its line. Lines and columns stay as they are."""
    out, strings = [], []
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    at = 0
    for m in token.finditer(text):
        out.append(text[at:m.start()])
        s = m.group()
        if s[0] == '"':
            strings.append((text.count('\n', 0, m.start()) + 1, s[1:-1]))
            out.append('"' + ' ' * (len(s) - 2) + '"')
        else:
            out.append(re.sub(r'[^\n]', ' ', s))
        at = m.end()
    out.append(text[at:])
    return ''.join(out), strings


def read_rooms(root):
    rooms, headers = {}, {}
    with open(os.path.join(root, 'tools/rooms.txt'), encoding='utf-8') as f:
        for line in f:
            line = line.split('#')[0].strip()
            if not line:
                continue
            name, _, rest = line.partition(':')
            (headers if name.startswith('<') else rooms)[name.strip('<> ')] = set(rest.split())
    return rooms, headers


def room_of(path):
    """The room of a path under src/; a file right in src/ is "main" or "app"."""
    parts = path.split('/')
    return parts[1] if len(parts) > 2 else ('main' if parts[1].startswith('main') else 'app')


def check_includes(path, raw, rooms, headers):
    room = room_of(path)
    if room not in rooms:
        fault(path, 1, 'room', 'room "%s" is not in tools/rooms.txt' % room)
        return
    may = rooms[room]
    for n, line in enumerate(raw, 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not m:
            continue
        kind, name = m.groups()
        if kind == '<':
            if name in headers and room not in headers[name]:
                fault(path, n, 'system', '%s/ may not include <%s>' % (room, name), raw)
            continue
        target = name.split('/')[0] if '/' in name else 'app'
        if target not in rooms:
            fault(path, n, 'room', 'write "room/file.h"; "%s" is no room' % target, raw)
        elif target != room and '*' not in may and target not in may:
            fault(path, n, 'room', '%s/ may not include %s/' % (room, target), raw)


def check_code(path, raw, code, strings):
    room = room_of(path)
    call = re.compile(r'(?<![\w.>])(\w+)\s*\(')
    for n, line in enumerate(code.split('\n'), 1):
        for m in call.finditer(line):
            name = m.group(1)
            if name in BANNED:
                fault(path, n, 'banned', '%s: %s' % (name, BANNED[name]), raw)
            elif name in ALLOCATORS and room != 'base':
                fault(path, n, 'banned', '%s outside base/: use mem_alloc or the arena' % name, raw)
        if re.match(r'\s*typedef\s+(struct|enum|union)\b', line):
            fault(path, n, 'typedef', 'structs, enums and unions keep their tag', raw)
    if room not in ('store', 'db'):
        for n, s in strings:
            if re.match(r'\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|COPY)\s', s):
                fault(path, n, 'sql', 'SQL lives in store/ and db/', raw)
    if path.endswith('.h') and not re.search(r'^#pragma once$', code, re.M):
        fault(path, 1, 'pragma', 'a header says #pragma once')


def check_opening(path, text):
    """A .c opens with a comment, before or right after its includes; in src/ with enough lines to
    say what, how and what may fail."""
    m = re.match(r'(?:\s*#[^\n]*\n)*\s*(/\*.*?\*/)', text, re.S)
    if not m:
        fault(path, 1, 'opening', 'a .c opens with a comment that says what the file is for')
    elif path.startswith('src/'):
        lines = m.group(1).count('\n') + 1
        if lines < 4:
            fault(path, 1, 'opening', 'the opening comment has %d lines, want 5 to 20' % lines)


def check_functions(path, raw, code):
    lines = code.split('\n')
    start = None
    for n, line in enumerate(lines):
        if line.rstrip() == '{':
            start = n
        elif line.startswith('}') and start is not None:
            length = n - start + 1
            if length > FUNCTION_LINES_MAX and not is_state_machine(raw, start):
                fault(path, start + 1, 'function-size', '%d lines, limit %d (a state machine\'s '
                      'switch says so in the comment above)' % (length, FUNCTION_LINES_MAX), raw)
            start = None


def is_state_machine(raw, brace):
    """Does the comment right above the function whose brace is in that line say so?"""
    i = brace - 1
    while i >= 0 and raw[i].strip() and '*/' not in raw[i]:
        i -= 1
    comment = []
    while i >= 0 and raw[i].strip():
        comment.append(raw[i])
        if '/*' in raw[i]:
            break
        i -= 1
    return 'state machine' in ' '.join(comment).lower()


def files(root):
    """Every file that is or would be committed, relative to root."""
    try:
        out = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                             cwd=root, check=True, capture_output=True).stdout.decode()
        found = [p for p in out.split('\0') if p]
    except (OSError, subprocess.CalledProcessError):
        found = []
        for base, dirs, names in os.walk(root):
            dirs[:] = [d for d in dirs if d not in SKIP_DIRS]
            found += [os.path.relpath(os.path.join(base, n), root) for n in names]
    return sorted(p for p in set(found) if os.path.isfile(os.path.join(root, p)))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else '.'
    rooms, headers = read_rooms(root)
    for path in files(root):
        full = os.path.join(root, path)
        if os.path.getsize(full) > BYTES_MAX:
            fault(path, 1, 'big-file', 'over 1 MiB')
            continue
        try:
            with open(full, encoding='utf-8') as f:
                text = f.read()
        except UnicodeDecodeError:
            continue
        raw = text.split('\n')
        for n, line in enumerate(raw, 1):
            if PATHS.search(line):
                fault(path, n, 'paths', 'a path of one machine: %s' % PATHS.search(line).group(), raw)
            if HOSTS.search(line):
                fault(path, n, 'paths', 'a registry\'s address: %s' % HOSTS.search(line).group(), raw)
        if not path.endswith(TEXT):
            continue
        if len(raw) - 1 > FILE_LINES_MAX:
            fault(path, FILE_LINES_MAX + 1, 'file-size', '%d lines, limit %d'
                  % (len(raw) - 1, FILE_LINES_MAX), raw)
        if path != 'tools/lint.py' and path != 'tools/test-lint.sh':
            for n, line in enumerate(raw, 1):
                if WORDS.search(line):
                    fault(path, n, 'words', '%s: open an issue instead' % WORDS.search(line).group(),
                          raw)
        if path.endswith(CODE):
            code, strings = blank(text)
            if path.endswith('.c'):
                check_opening(path, text)
            if path.startswith('src/'):
                check_includes(path, raw, rooms, headers)
                check_code(path, raw, code, strings)
                check_functions(path, raw, code)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
