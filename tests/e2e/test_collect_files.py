"""collect --attachments against a desk of our own that hands out odd names, stale addresses and traps."""
import collections
import http.server
import json
import os
import signal
import threading
import unittest

from collector import Case, Sandbox, wait_for

ODD = {501: '../../etc/passwd', 502: '환불 영수증.pdf', 503: '.hidden', 504: 'a/b\\c:d*?.png',
       505: '가' * 200 + '.docx', 506: '', 507: 'same.txt', 508: 'same.txt', 509: 'new\nline\u0000.txt'}


class Desk:
    """One page of tickets. `files` says by id what is served: bytes, or a list of what each call gives."""

    def __init__(self, tickets, attachments, files, talks=None):
        self.tickets, self.attachments, self.files, self.talks = tickets, attachments, files, talks or {}
        self.calls = collections.Counter()
        self.fresh = 0  # addresses carry a number; the views raise it
        self.gate = threading.Event()
        self.gate.set()
        desk = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                desk.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = 'http://127.0.0.1:%d' % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def described(self, rows):
        return [{**row, 'attachment_url': row.get('attachment_url') or
                 '%s/files/%d?v=%d' % (self.url, row['id'], self.fresh)} for row in rows]

    def thread_of(self, number):
        return [{'id': 9000 + number, 'body_text': 'hello', 'private': False, 'attachments':
                 self.described(self.talks.get(number, []))}]

    def answer(self, handler):
        path, _, query = handler.path.partition('?')
        parts = path.strip('/').split('/')
        if parts[0] == 'files':
            self.file(handler, int(parts[1]))
            return
        number = int(parts[3]) if len(parts) > 3 else 0
        if len(parts) == 5:
            self.calls['conversations'] += 1
            self.fresh += 1
            self.send(handler, self.thread_of(number) if 'page=1' in query.split('&') else [])
        elif len(parts) == 4:
            self.calls['view'] += 1
            self.fresh += 1
            row = next(t for t in self.tickets if t['id'] == number)
            self.send(handler, {**row, 'attachments': self.described(self.attachments.get(number, []))})
        elif 'filter=' in query or ('page=' in query and 'page=1' not in query.split('&')):
            self.send(handler, [])
        else:
            since = query.partition('updated_since=')[2].partition('&')[0].replace('%3A', ':')
            rows = sorted((t for t in self.tickets if t['updated_at'] > since),
                          key=lambda t: t['updated_at'], reverse='order_type=desc' in query)
            size = int(query.partition('per_page=')[2].partition('&')[0] or 30)
            self.send(handler, rows[:size])

    def file(self, handler, number):
        self.calls[number] += 1
        what = self.files[number]
        if isinstance(what, list):
            what = what[min(self.calls[number], len(what)) - 1]
        if what == 'wait':
            self.gate.wait(60)
            what = b'late'
        if isinstance(what, int):
            self.send(handler, {'code': 'expired'}, what)
        elif isinstance(what, str):
            handler.send_response(302)
            handler.send_header('Location', what)
            handler.send_header('Content-Length', '0')
            handler.end_headers()
        else:
            self.bytes(handler, 200, what)

    def send(self, handler, value, status=200):
        self.bytes(handler, status, json.dumps(value).encode(), 'application/json')

    @staticmethod
    def bytes(handler, status, body, kind='application/octet-stream'):
        try:
            handler.send_response(status)
            handler.send_header('Content-Type', kind)
            handler.send_header('Content-Length', str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            pass


def ticket(number):
    return {'id': number, 'subject': 'ticket %d' % number, 'status': 2, 'priority': 1, 'source': 1,
            'description_text': 'text', 'created_at': '2026-01-01T00:00:00Z',
            'updated_at': '2026-01-02T00:00:%02dZ' % number}


def row(number, body, **more):
    return {'id': number, 'name': ODD.get(number, 'file-%d.bin' % number), 'size': len(body),
            'content_type': 'application/octet-stream', **more}


class Files(Case):
    def fetched(self):
        """{path under attachments/: bytes}"""
        found = {}
        for folder, _, names in os.walk(self.dir + '/attachments'):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, 'rb') as f:
                    found[os.path.relpath(path, self.dir + '/attachments')] = f.read()
        return found

    def everything(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.home)
                      for folder, _, names in os.walk(self.home) for name in names)

    def test_names(self):
        """Every name becomes a file in its ticket's folder, and nowhere else."""
        bodies = {n: b'%d' % n * 3 for n in ODD}
        with Desk([ticket(1), ticket(2)], {1: [row(n, bodies[n]) for n in list(ODD)[:5]]}, bodies,
                  {2: [row(n, bodies[n]) for n in list(ODD)[5:]]}) as desk:
            _, err = self.collect(desk, '--attachments')
        self.assertIn('9 attachments', err)
        found = self.fetched()
        self.assertEqual(sorted(found.values()), sorted(bodies.values()))
        self.assertEqual({path: found[path] for path in ('1/501__.._etc_passwd', '1/502_환불 영수증.pdf',
                                                         '1/503_hidden', '1/504_a_b_c_d__.png',
                                                         '2/506_file', '2/507_same.txt', '2/508_same.txt',
                                                         '2/509_new_line_.txt')},
                         {path: bodies[n] for path, n in zip(
                             ('1/501__.._etc_passwd', '1/502_환불 영수증.pdf', '1/503_hidden',
                              '1/504_a_b_c_d__.png', '2/506_file', '2/507_same.txt', '2/508_same.txt',
                              '2/509_new_line_.txt'), (501, 502, 503, 504, 506, 507, 508, 509))})
        for path in found:
            self.assertLess(len(os.path.basename(path).encode()), 200)
        self.assertTrue(all(path.startswith('archive/') for path in self.everything()))
        by_id = {t['id']: t for t in self.merged()}
        self.assertEqual(len(by_id[1]['attachments']), 5)
        self.assertEqual(by_id[1]['attachments_dir'], 'attachments/1')
        with open(self.dir + '/collection_stats.json', encoding='utf-8') as f:
            self.assertEqual(json.load(f)['raw_data_stats']['attachments_collected'], 9)

    def test_troubles(self):
        """Stale addresses are asked for again; breaks and short files are tried again; the rest is named."""
        good = b'x' * 300000
        files = {601: [403, good], 602: [good[:10], good], 603: 403, 604: [503, 503, good], 605: good,
                 606: [410, good]}
        rows = [row(n, good) for n in files]
        with Desk([ticket(1)], {1: rows[:5]}, files, {1: rows[5:]}) as desk:
            self.collect(desk, '--attachments')
            self.assertEqual(desk.calls[601], 2)
            self.assertEqual(desk.calls[603], 2)
        found = self.fetched()
        self.assertEqual(set(found), {'1/%d_file-%d.bin' % (n, n) for n in (601, 602, 604, 605, 606)})
        self.assertEqual(set(found.values()), {good})
        skips = [line for line in self.lines('skip') if line['what'] == 'attachment']
        self.assertEqual(len(skips), 1)
        self.assertEqual(skips[0]['skip'], 1)
        self.assertIn('603', skips[0]['why'])

    def test_traps(self):
        """No address of an attachment makes us call our own network."""
        with Desk([], {}, {1: b'secret'}) as inner:
            traps = ['http://127.0.0.1:%d/files/1' % inner.server.server_port,
                     'https://127.0.0.1:%d/files/1' % inner.server.server_port,
                     'https://127.0.0.1/files/1', 'https://[::1]/files/1', 'https://localhost/files/1',
                     'https://0x7f.1/files/1', 'https://2130706433/files/1', 'file:///etc/passwd',
                     'http://169.254.169.254/latest/meta-data', 'https://user@127.0.0.1/files/1',
                     'https://ip6-localhost.localdomain/files/1', 'gopher://127.0.0.1/1', 'not an address']
            rows = [row(700 + i, b'secret', attachment_url=url) for i, url in enumerate(traps)]
            with Desk([ticket(1)], {1: [*rows, row(800, b'secret')]}, {800: traps[0]}) as desk:
                _, err = self.collect(desk, '--attachments')
            self.assertEqual(sum(inner.calls.values()), 0)
        self.assertEqual(self.fetched(), {})
        self.assertEqual(len(self.lines('skip')), len(traps) + 1)
        self.assertIn('0 attachments', err)

    def test_killed_and_again(self):
        """A kill in a file leaves no half of it; the next run fetches what is missing, once."""
        files = {901: b'first', 902: ['wait', b'late']}
        with Desk([ticket(1), ticket(2)], {1: [row(901, b'first')], 2: [row(902, b'late')]}, files) as desk:
            desk.gate.clear()
            process = self.start(desk, 'collect', '--out', self.dir, '--attachments', COLLECT_THREADS='1')
            wait_for(lambda: desk.calls[902])
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.assertEqual(set(self.fetched()), {'1/901_file-901.bin'})
            desk.gate.set()
            self.collect(desk, '--attachments')
            self.assertEqual(desk.calls[901], 1)
            self.assertEqual(self.fetched(), {'1/901_file-901.bin': b'first', '2/902_file-902.bin': b'late'})
            views = desk.calls['view']
            self.collect(desk, '--attachments')
            self.assertEqual(desk.calls['view'], views)

    def test_of_the_sandbox(self):
        """A whole account; then an archive that was collected without its files gets them."""
        with Sandbox(150) as sandbox:
            self.collect(sandbox, '--full')
            self.collect(sandbox, '--full', '--attachments')
            self.check_once(self.merged(), 150)
            want = {'%d/%d_%s' % (t['id'], a['id'], a['name']): a['size'] for t in self.merged()
                    for part in [t, *t['conversations']] for a in part['attachments']}
            self.assertGreater(len(want), 20)
            self.assertEqual({path: len(body) for path, body in self.fetched().items()}, want)
            process = self.start(sandbox, 'verify', self.dir)
            out, err = process.communicate()
            self.assertEqual(process.returncode, 0, out + err)


if __name__ == '__main__':
    unittest.main()
