"""The whole program treated badly: issue 2's "Bad input" and more, against a real PostgreSQL and the
sandbox. Each class starts what it needs once; whatever a scenario does, the server must live on, answer
in the documented shape, end every stream and stop cleanly. Sync and crowds: test_faults_load.py."""
import concurrent.futures
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import unittest

from support import (DEMO, ROOT, Sandbox, Server, Stack, call, data_events, free_port, raw,
                     section_errors, stream_of, until)

CHAT, EMBED, DESK = '/v3/chat-completions', '/v1/api-tools/embedding', '/api/v2/tickets/'
FAST = ('--tickets', '300', '--rate', '0', '--list-rate', '0', '--latency-ms', '5', '--token-ms', '0')


def clean_end(server, status):
    """What every server must show at its end, also under the sanitizers."""
    log = server.log()
    assert status == 0, (status, log[-3000:])
    assert 'ERROR: ' not in log and 'runtime error' not in log and 'Assertion' not in log, log[-6000:]


class Case(unittest.TestCase):
    stack = None

    @classmethod
    def tearDownClass(cls):
        if cls.stack:
            clean_end(cls.stack.server, cls.stack.stop())


# ---------------------------------------------------------------- bad input

FOREIGN = ['evil.example.com', 'evil.example.com.', '127.0.0.1', '127.0.0.1:80', '[::1]', 'http://[::1]/',
           'http://169.254.169.254/latest/meta-data', 'http://evil.example.com/.freshdesk.com',
           'http://evil.example.com/?x=.freshdesk.com', 'http://evil.example.com#.freshdesk.com',
           'https://demo.freshdesk.com@evil.example.com', 'demo@evil.example.com',
           'evil.example.com\\.freshdesk.com', 'demo.freshdesk.com.evil.example', 'demo.freshdesk.co',
           'demo..freshdesk.com', '.freshdesk.com', 'freshdesk.com', 'evil.example.com/.freshdesk.com',
           'evil.example.com%00.freshdesk.com', 'evil.example.com%2f.freshdesk.com',
           'ftp://evil.example.com', '//evil.example.com', 'https://', '0x7f.1',
           'demo.freshdesk.com evil.example.com', 'demo.freshdesk.com,evil.example.com', 'd', '-', '..',
           'de_mo', 'evil\t.example.com', 'x' * 300, 'evil\xe3.example.com']


class BadInput(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(FAST, ADMIN_TOKEN='secret-admin-token')
        assert cls.stack.get('/api/tickets?limit=1').status == 200  # the key is proved

    def calls(self):
        s = call(self.stack.sandbox.port, 'GET', '/sandbox/stats').json()
        return s['calls'], s['refused']

    def test_foreign_hosts_are_never_called(self):
        before = self.calls()
        for domain in FOREIGN:
            for path in ('/init/1', '/v1/tickets/1/assist', '/api/sync/status'):
                r = self.stack.get(path, {**DEMO, 'X-Freshdesk-Domain': domain.encode('latin-1')})
                self.assertEqual(r.status, 400, (domain, path, r.body))
                self.assertIsInstance(r.detail, str)
        self.assertEqual(self.calls(), before)

    def test_wrong_key_everywhere(self):
        wrong = {**DEMO, 'X-Freshdesk-API-Key': 'wrong'}
        rows = [('GET', '/init/1', None), ('POST', '/init/1/stream', None),
                ('POST', '/v1/tickets/1/assist', None), ('POST', '/query', {'query': 'x'}),
                ('POST', '/query/stream', {'query': 'x'}), ('POST', '/v1/query', {'query': 'x'}),
                ('POST', '/generate_reply', {'ticket_id': 1}), ('POST', '/reply/stream', {'ticket_id': 1}),
                ('POST', '/v1/reply', {'ticket_id': 1}), ('POST', '/api/sync/tickets', None),
                ('POST', '/api/sync/kb', None), ('GET', '/api/sync/status', None),
                ('GET', '/api/sync/events', None), ('GET', '/api/tickets', None),
                ('GET', '/api/sync/status/5f1c7d1e-0000-4000-8000-000000000000', None)]
        for method, path, body in rows:
            r = call(self.stack.port, method, path, body, wrong)
            self.assertEqual((r.status, r.headers['Content-Type'].split(';')[0]),
                             (401, 'application/json'), (path, r.body))
            self.assertIsInstance(r.detail, str)
            self.assertNotIn('wrong', r.detail)

    def test_unknown_account(self):
        """A tenant that nobody knows: the sandbox has every account, so its key tells."""
        r = self.stack.get('/init/1', {'X-Freshdesk-Domain': 'nobody', 'X-Freshdesk-API-Key': 'guess'})
        self.assertEqual(r.status, 401, r.body)

    def test_unknown_tickets(self):
        for id in ('99999999', '0', '-1', '9223372036854775807'):
            r = self.stack.get('/init/' + id)
            self.assertEqual(r.status, 404, (id, r.body))
            self.assertIsInstance(r.detail, str)
            events = stream_of(self.stack.post('/v1/tickets/%s/assist' % id))
            self.assertEqual([e['type'] for e in events][-1], 'error') if events else None
        for id in ('99999999999999999999', 'x', '1;x', '1%00', '%EF%BC%91', '1e3', '1.0'):
            r = self.stack.get('/init/' + id)
            self.assertIn(r.status, (400, 404, 422), (id, r.body))
            self.assertTrue(r.detail)

    def test_bad_bodies(self):
        rows = ['', '{', '[]', 'null', '5', '"x"', '{"query":}', '{"query":"x"', '{"query":"\xff"}',
                '{"query":"\\ud800"}', '{"query":null}', '{"query":5}', '{"query":["x"]}', '{"query":{}}',
                '{"query":true}', '{"a":1}', '{"query":"x","top_k":"many"}', '{"query":"x","top_k":1.5}',
                '{"query":"x","top_k":99999999999999999999999}',
                '{"query":"x","type":"tickets"}', '{"query":"x","type":[7]}', '{"query":"x","ticket_id":[]}',
                '\x00', '{"query":"x"}}', '[' * 100000]
        for body in rows:
            for path in ('/query', '/query/stream', '/v1/query'):
                r = self.stack.post(path, body.encode('latin-1'))
                if body == '{"query":"x","type":"tickets"}' and r.status == 200:
                    continue
                self.assertEqual(r.status, 422, (body[:40], path, r.body[:200]))
                for fault in r.detail:
                    self.assertLessEqual({'type', 'loc', 'msg'}, set(fault), fault)
        for body in ('{"context_id":5}', '{"context_id":"x","tone":{}}', '{"include_greeting":"perhaps"}', '{}'):
            r = self.stack.post('/generate_reply', body)
            self.assertEqual(r.status, 422, (body, r.body))
        for query in ('limit=0', 'limit=501', 'limit=-1', 'limit=x', 'limit=1e2', 'limit=%00', 'limit=',
                      'limit=99999999999999999999', 'wait=perhaps'):
            r = self.stack.post('/api/sync/tickets?' + query)
            self.assertIn(r.status, (422,) if query != 'limit=' else (200, 409, 422), (query, r.body))
        for since in ('x', '0', '1700000000', '2024-13-01', '2024-01-01T10:00:00+09:00', '%00', '9999999-01-01'):
            r = self.stack.post('/api/sync/tickets?since=' + since)
            self.assertEqual(r.status, 400, (since, r.body))

    def test_nul_bytes_and_odd_texts(self):
        """What JSON and UTF-8 allow must pass; PostgreSQL takes no NUL in a text."""
        for text in ('a\x00b', '\x00', '\ufffe\uffff', '\u202e\u200b', '가' * 4000, "'; drop table x; --",
                     '%s%n%d', ' ', '\U0001f600' * 50, '\x1b[31m'):
            r = self.stack.post('/query', {'query': text})
            self.assertIn(r.status, (400,) if text == ' ' else (200, 422), (text[:20], r.body[:300]))
            events = stream_of(self.stack.post('/v1/query', {'query': text}), may_be_json=True)
            self.assertTrue(not events or events[-1]['type'] == 'done', (text[:20], events[-2:]))
        for text in ('ctx_1\x00', '\x00', "'", 'ctx_' + '9' * 500, 'ctx_가'):
            r = self.stack.post('/generate_reply', {'context_id': text})
            self.assertEqual(r.status, 400, (text[:20], r.body))
        r = self.stack.post('/generate_reply', {'ticket_id': 1, 'tone': '\x00', 'instructions': 'a\x00b'})
        self.assertEqual(r.status, 200, r.body)

    def test_sizes(self):
        port = self.stack.port
        self.assertTrue(raw(port, b'GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ' + b'x' * (1 << 20) + b'\r\n\r\n')
                        .startswith(b'HTTP/1.1 431 '))
        self.assertTrue(raw(port, b'GET /' + b'x' * (1 << 20) + b' HTTP/1.1\r\nHost: x\r\n\r\n')[9:12]
                        in (b'431', b'414'))
        self.assertTrue(raw(port, b'GET /health HTTP/1.1\r\nHost: x\r\n' + b'A: b\r\n' * 200000 + b'\r\n')
                        .startswith(b'HTTP/1.1 431 '))
        head = b'POST /query HTTP/1.1\r\nHost: x\r\nX-Freshdesk-Domain: demo\r\nX-Freshdesk-API-Key: demo\r\n'
        self.assertTrue(raw(port, head + b'Content-Length: 5000000\r\n\r\n').startswith(b'HTTP/1.1 413 '))
        chunk = b'10000\r\n' + b' ' * 65536 + b'\r\n'
        self.assertTrue(raw(port, head + b'Transfer-Encoding: chunked\r\n\r\n' + chunk * 80)
                        .startswith(b'HTTP/1.1 413 '))
        for more in (b'Content-Length: 99999999999999999999\r\n', b'Content-Length: -1\r\n',
                     b'Content-Length: 3\r\nContent-Length: 5\r\n',
                     b'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n',
                     b'Transfer-Encoding: gzip\r\n'):
            answer = raw(port, head + more + b'\r\n{}\n', half_close=True)
            self.assertTrue(answer[9:10] == b'4' or answer[9:12] == b'501' or answer == b'', (more, answer[:100]))
        r = self.stack.post('/query', b'x' * 5000000)
        self.assertEqual(r.status, 413, r.body)
        self.assertIsInstance(r.detail, str)

    def test_methods_and_lines(self):
        for method, path in (('DELETE', '/query'), ('PUT', '/init/1'), ('GET', '/query'), ('PATCH', '/health'),
                             ('GET', '/api/sync/tickets'), ('POST', '/api/sync/status'), ('PROPFIND', '/')):
            r = call(self.stack.port, method, path, headers=DEMO)
            self.assertEqual(r.status, 405, (method, path, r.body))
            self.assertTrue(r.headers['Allow'])
            self.assertIsInstance(r.detail, str)
        for path in ('/init/%', '/init/%zz', '/init/%4', '/%', '/init/1?limit=%zz', '/init/1/../../etc/passwd',
                     '/..%2f..%2fetc%2fpasswd', '/init//stream', '/a%00b', '/v1/tickets/%2e%2e/assist',
                     '/.env', '/%2e%2e/%2e%2e/etc/passwd'):
            r = self.stack.get(path)
            self.assertIn(r.status, (200,) if '?' in path else (400, 404, 422), (path, r.body[:200]))
            self.assertNotIn(b'root:', r.body)
        for bytes_ in (b'\r\n\r\n\x00', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'GET\r\n\r\n',
                       b'GET / HTTP/9.9\r\n\r\n', b'GET / HTTP/1.1\r\nHost x\r\n\r\n', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
                       b'GET http://evil.example.com/health HTTP/1.1\r\nHost: x\r\n\r\n' + b'\xff' * 10,
                       b'GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n', b'GET / HTTP/1.1\r\n : x\r\n\r\n',
                       b'GET / HTTP/1.1\r\nHost: x\nSet-Cookie: a=b\r\n\r\n'):
            answer = raw(self.stack.port, bytes_, half_close=True)
            self.assertTrue(answer == b'' or answer.startswith((b'HTTP/1.1 4', b'HTTP/1.1 5', b'HTTP/1.1 200')),
                            (bytes_, answer[:100]))

    def test_request_ids_and_event_ids(self):
        for id in ('ok-1', 'a b', 'x"y level=error event=faked', 'a\tb', '<script>', 'z' * 5000, '\xe3\xff', '%0d%0aA: b'):
            r = self.stack.get('/health', {'X-Request-Id': id.encode('latin-1')})
            self.assertEqual(r.status, 200)
            self.assertRegex(r.headers['X-Request-Id'], r'^[A-Za-z0-9._:-]{1,128}$', id)
        answer = raw(self.stack.port, b'GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\rSet-Cookie: b=c\r\n'
                     b'Connection: close\r\n\r\n')
        self.assertNotIn(b'Set-Cookie', answer)
        for id in ('garbage', '-1', '0', '99999999999999999999999', "'; drop table x", '\xe3', '1' * 5000):
            events = stream_of(self.stack.post('/v1/tickets/1/assist?after=%00',
                                               headers={**DEMO, 'Last-Event-ID': id.encode('latin-1')}))
            self.assertEqual(events[-1]['type'], 'done', (id, events[-2:]))
        self.assertNotIn('faked', re.sub(r'\\"', '', self.stack.server.log()).replace('"x"y', ''))

    def test_every_route_is_documented(self):
        """docs/openapi.json names what src/api/routes.c serves, and nothing else."""
        with open(os.path.join(ROOT, 'src/api/routes.c'), encoding='utf-8') as f:
            text = f.read()
        served = set()
        for kind, method, path in re.findall(r'^\s+(ROUTE|BOTH)\("([A-Z]+)",\s*"([^"]+)"', text, re.M):
            served.add((method.lower(), path))
            if kind == 'BOTH':
                served.add((method.lower(), '/api' + path))
        with open(os.path.join(ROOT, 'docs/openapi.json'), encoding='utf-8') as f:
            paths = json.load(f)['paths']
        told = {(method, path) for path, row in paths.items() for method in row
                if method in ('get', 'post', 'put', 'delete', 'patch')}
        self.assertGreater(len(served), 40)
        self.assertEqual(sorted(served - told), [])
        self.assertEqual(sorted(told - served), [])


# ---------------------------------------------------------------- stores that are away

class PostgresAway(unittest.TestCase):
    def pg(self, what):
        return subprocess.run(['tools/pg.sh', what, self.where, 'fast'], cwd=ROOT, check=True,
                              capture_output=True, text=True).stdout.strip()

    def test_before_and_during_a_stream(self):
        self.where = os.path.join(ROOT, 'build', 'pg-faults-%d' % os.getpid())
        url = self.pg('start')
        self.addCleanup(shutil.rmtree, self.where)
        self.addCleanup(lambda: subprocess.run(['tools/pg.sh', 'stop', self.where], cwd=ROOT, check=False))
        stack = Stack(FAST, DATABASE_URL=url)
        try:
            self.away(stack)
        finally:
            status = stack.stop()
        clean_end(stack.server, status)

    def away(self, stack):
        self.assertEqual(stack.get('/init/1').status, 200)
        stack.sandbox.control(token_ms=40)
        with socket.create_connection(('127.0.0.1', stack.port), timeout=60) as s:
            s.sendall(b'POST /v1/tickets/1/assist HTTP/1.1\r\nHost: x\r\nX-Freshdesk-Domain: demo\r\n'
                      b'X-Freshdesk-API-Key: demo\r\nConnection: close\r\n\r\n')
            got = b''
            while b'event: summary.delta' not in got:
                got += s.recv(65536)
            self.pg('stop')
            for piece in iter(lambda: s.recv(65536), b''):
                got += piece
        self.assertRegex(got.decode(), r'\nevent: (done|error)\n(?!.*\nevent: )(?s:.)*$')
        stack.sandbox.control(token_ms=0)
        for method, path, body in (('POST', '/api/sync/tickets', None), ('GET', '/api/sync/status', None),
                                   ('POST', '/generate_reply', {'context_id': 'ctx_1_1'}),
                                   ('GET', '/api/tickets', None), ('GET', '/health/ready', None)):
            r = call(stack.port, method, path, body, DEMO)
            self.assertEqual(r.status, 503, (path, r.body))
            self.assertNotIn(b'socket', r.body, path)  # where the database is
        r = stack.get('/init/1')  # the ticket is Freshdesk's, the summary the model's
        self.assertIn(r.status, (200, 503), r.body)
        for path, body in (('/v1/tickets/2/assist', None), ('/v1/query', {'query': 'x'}),
                           ('/v1/reply', {'ticket_id': 1})):
            events = stream_of(stack.post(path, body), may_be_json=True)
            self.assertTrue(not events or events[-1]['type'] in ('done', 'error'), events[-2:])
        fresh = stack.get('/init/1', {'X-Freshdesk-Domain': 'other', 'X-Freshdesk-API-Key': 'demo'})
        self.assertEqual(fresh.status, 503, fresh.body)
        self.assertEqual(stack.get('/health').json()['components']['postgres']['status'], 'unhealthy')
        self.pg('start')
        until(lambda: stack.get('/health/ready').status == 200)
        events = stream_of(stack.post('/v1/tickets/1/assist'))
        self.assertEqual((events[-1]['type'], events[-1]['ok']), ('done', True), events[-3:])
        self.assertEqual(stack.post('/api/sync/tickets?limit=5&wait=true').status, 200)


class BrokenQdrant(http.server.BaseHTTPRequestHandler):
    """Answers with what the settings' path says: /500, /garbage, /html; /never keeps its clients waiting."""
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        size = int(self.headers.get('Content-Length') or 0)
        self.rfile.read(size)
        if self.path[1] == 'n':
            self.rfile.read(1)  # until the client leaves
            self.close_connection = True
            return
        body = {'5': b'{"status":{"error":"boom"}}', 'g': b'\x01\xff{]]', 'h': b'<html>502</html>'}[self.path[1]]
        self.send_response(500 if self.path[1] == '5' else 200)
        self.send_header('Content-Type', 'text/html' if self.path[1] == 'h' else 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = do_DELETE = do_GET

    def log_message(self, *args):
        pass


class VectorsAway(unittest.TestCase):
    def test_full_text_takes_over(self):
        stack = Stack(FAST)
        front = http.server.ThreadingHTTPServer(('127.0.0.1', 0), BrokenQdrant)
        threading.Thread(target=front.serve_forever, daemon=True).start()
        try:
            r = stack.post('/api/sync/tickets?limit=200&wait=true')
            self.assertEqual(r.json()['items_written'], 200, r.body)
            base = 'http://127.0.0.1:%d/' % front.server_port
            homes = ['http://127.0.0.1:%d' % free_port(), base + '500', base + 'garbage', base + 'html', base + 'never']
            with concurrent.futures.ThreadPoolExecutor(len(homes)) as pool:
                for one in [pool.submit(self.away, stack, home) for home in homes]:
                    one.result()
        finally:
            front.shutdown()
            front.server_close()
            status = stack.stop()
        clean_end(stack.server, status)

    def away(self, stack, home):
        server = Server({**stack.env, 'QDRANT_URL': home}, ready=False)
        try:
            events = stream_of(call(server.port, 'POST', '/v1/tickets/1/assist', headers=DEMO))
            self.assertEqual([e['type'] for e in events][-1], 'done', (home, events[-2:]))
            self.assertIn('summary', [e['type'] for e in events])
            self.assertLessEqual({'similar_tickets', 'solutions'}, section_errors(events), home)
            similar = next(e for e in events if e['type'] == 'similar_tickets')
            self.assertTrue(similar['degraded'], home)
            self.assertGreater(len(similar['items']), 0, home)
            r = call(server.port, 'GET', '/init/1', headers=DEMO)
            self.assertEqual(r.status, 200, (home, r.body))
            self.assertTrue(r.json()['ticket_summary']['ticket_summary'])
            health = call(server.port, 'GET', '/health').json()
            self.assertEqual(health['components']['vectors']['status'], 'unhealthy', home)
            self.assertNotEqual(health['status'], 'healthy')
            self.assertEqual(call(server.port, 'GET', '/health/ready').status, 503, home)
            for path in ('/api/sync/kb?limit=5', '/api/sync/tickets?wait=true'):
                r = call(server.port, 'POST', path, headers=DEMO)
                self.assertEqual(r.status, 503, (home, r.body))
                self.assertTrue(r.detail)
        finally:
            status = server.stop()
        clean_end(server, status)


# ---------------------------------------------------------------- upstreams that fail

KINDS = ['status:500', 'status:429', 'status:401', 'status:403', 'timeout', 'garbage', 'half', 'reset', 'html',
         'error', 'overload', 'slow', 'truncated']


class UpstreamFaults(Case):
    """One sandbox and one server a kind of fault, all on one database."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(FAST, LLM_FIRST_TOKEN_TIMEOUT_MS=1000, LLM_IDLE_TIMEOUT_MS=1000)
        for path in ('/api/sync/tickets?limit=100&wait=true', '/api/sync/kb?limit=50&wait=true'):
            assert cls.stack.post(path).status == 200

    def each(self, kinds, scenario):
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            for kind, one in [(k, pool.submit(self.one, k, scenario)) for k in kinds]:
                with self.subTest(kind=kind):
                    one.result()

    def one(self, kind, scenario):
        sandbox = Sandbox(*FAST)
        server = None
        try:
            server = Server({**self.stack.env, 'FRESHDESK_BASE_URL': sandbox.url, 'HCX_BASE_URL': sandbox.url})
            assert call(server.port, 'GET', '/api/tickets?limit=1', headers=DEMO).status == 200
            scenario(kind, sandbox, server)
            sandbox.control(faults=[])
            assert call(server.port, 'GET', '/health/live').status == 200
        finally:
            status = server.stop() if server else None
            sandbox.stop()
        clean_end(server, status)

    def assist(self, server, id=1):
        events = stream_of(call(server.port, 'POST', '/v1/tickets/%d/assist' % id, headers=DEMO, timeout=110))
        self.assertEqual(sum(e['type'] in ('done', 'error') and e.get('section') in (None, 'run')
                             for e in events), 1, events[-3:])
        return events

    def test_models(self):
        self.each(KINDS, self.model)

    def model(self, kind, sandbox, server):
        sandbox.control(faults=[{'path': CHAT, 'kind': kind, 'after': 1, 'count': 1}])
        if kind == 'slow':
            sandbox.control(tokens=20)
        events = self.assist(server)
        self.assertEqual(events[-1]['type'], 'done', events[-2:])
        self.assertLessEqual(len(section_errors(events)), 1, events)
        self.assertIn('similar_tickets', [e['type'] for e in events])
        if kind == 'slow':
            return
        sandbox.control(faults=[{'path': CHAT, 'kind': kind}])
        events = self.assist(server, 2)
        self.assertEqual(events[-1]['type'], 'done', events[-2:])
        types = [e['type'] for e in events]
        self.assertIn('similar_tickets', types)
        self.assertIn('kb_documents', types)
        self.assertIn('summary', section_errors(events), events)
        self.assertFalse(events[-1]['ok'])
        for e in events:
            if e['type'] == 'error':
                self.assertTrue(e['message'] and e['code'] and 400 <= e['status'] <= 599, e)
                self.assertNotIn('<html', e['message'])
                self.assertNotIn('nv-sandbox', e['message'])
        rows = [('GET', '/init/2', None), ('POST', '/generate_reply', {'ticket_id': 2}),
                ('POST', '/query', {'query': '로그인'}), ('POST', '/query/stream', {'query': 'x'})]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            init, draft, answer, stream = pool.map(
                lambda row: call(server.port, *row, DEMO, timeout=110), rows)
        self.assertEqual(init.status, 200, init.body)
        self.assertEqual(init.json()['ticket_summary']['key_points'], ['요약 생성 오류', '수동 검토 필요'])
        self.assertEqual(draft.status, 200, draft.body)
        self.assertTrue(draft.json()['metadata']['error'])
        self.assertIn(answer.status, (200, 429, 500, 502, 503, 504), answer.body)
        self.assertTrue(answer.json())
        self.assertEqual(data_events(stream.body)[-1], {'type': 'done'})

    def test_embeddings(self):
        self.each([k for k in KINDS if k not in ('slow', 'error')], self.embedding)

    def embedding(self, kind, sandbox, server):
        sandbox.control(faults=[{'path': EMBED, 'kind': kind}])
        events = self.assist(server)
        types = [e['type'] for e in events]
        self.assertEqual(types[-1], 'done', events[-2:])
        self.assertIn('summary', types)
        self.assertNotIn('summary', section_errors(events))
        self.assertIn('similar_tickets', section_errors(events))
        similar = next(e for e in events if e['type'] == 'similar_tickets')
        self.assertTrue(similar['degraded'])
        self.assertGreater(len(similar['items']), 0)

    def test_freshdesk(self):
        self.each([k for k in KINDS if k not in ('status:401', 'status:403', 'slow')], self.desk)

    def desk(self, kind, sandbox, server):
        ids = [int(i) for i in self.tenant_sql('select id from deskstream.tickets order by id limit 2').split()]
        other = {'X-Freshdesk-Domain': 'other', 'X-Freshdesk-API-Key': 'demo'}
        sandbox.control(faults=[{'path': DESK, 'kind': kind}, {'path': '/api/v2/agents/me', 'kind': kind}])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            stored = pool.submit(self.assist, server, ids[0])
            absent = pool.submit(call, server.port, 'GET', '/init/77777777', headers=DEMO, timeout=110)
            # A crowd waits for one proof of who it is, not for one each.
            proofs = [pool.submit(call, server.port, 'GET', '/init/1', headers=other) for _ in range(6)]
            events, absent, proofs = stored.result(), absent.result(), [p.result() for p in proofs]
        types = [e['type'] for e in events]
        self.assertEqual(types[-1], 'done', (kind, events[-2:]))
        self.assertLessEqual({'summary', 'similar_tickets', 'kb_documents'}, set(types))
        self.assertEqual(section_errors(events), set())
        away = (429, 500, 502, 503, 504)
        # Half of "no such ticket" still has its status.
        self.assertIn(absent.status, (404,) if kind in ('half', 'truncated') else away, (kind, absent.body))
        for r in proofs:
            self.assertIn(r.status, away, (kind, r.body))

    def tenant_sql(self, text):
        return self.stack.database.query("set deskstream.tenant_id = '1'; " + text)


if __name__ == '__main__':
    unittest.main()
