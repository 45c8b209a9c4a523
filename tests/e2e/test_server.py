"""The API against the real program, a real PostgreSQL and the sandbox: R1-R6, O6 and the lines of the old
clients' checklist (legacy-contracts §7) that concern these endpoints; each test names its lines."""
import concurrent.futures
import gzip
import http.client
import os
import shutil
import signal
import socket
import subprocess
import unittest

from support import DEMO, ROOT, Stack, call, data_events, full_events, until

NEED = 'Freshdesk 도메인과 API 키가 필요합니다. 헤더 또는 환경변수로 제공해주세요.'
NO_CONTEXT = '유효하지 않은 컨텍스트 ID입니다. 먼저 /init 엔드포인트를 호출해주세요.'


class Case(unittest.TestCase):
    stack = None

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(('--tickets', '300', '--latency-ms', '20', '--token-ms', '1'),
                          ADMIN_TOKEN='secret')

    @classmethod
    def tearDownClass(cls):
        status = cls.stack.stop()
        log = cls.stack.server.log()
        assert status == 0, log[-3000:]
        assert 'ERROR: ' not in log and 'runtime error' not in log, log[-5000:]


class Init(Case):
    def test_get_and_post_give_the_same_shape(self):
        """L1-1"""
        a, b = self.stack.get('/init/1'), self.stack.post('/init/1')
        self.assertEqual((a.status, b.status), (200, 200), a.body)
        a, b = a.json(), b.json()
        self.assertEqual(sorted(a), sorted(b))
        self.assertEqual(a['ticket_id'], '1')
        self.assertEqual(a['ticket_data'], b['ticket_data'])
        self.assertEqual(a['ticket_data']['id'], 1)
        self.assertIn('subject', a['ticket_data'])
        self.assertRegex(a['context_id'], r'^ctx_1_\d+$')
        self.assertIsInstance(a['ticket_summary']['ticket_summary'], str)
        self.assertIsInstance(a['ticket_summary']['key_points'], list)
        for key in ('summary', 'similar_tickets', 'kb_documents'):
            self.assertIn(key, a['metadata']['task_times'])

    def test_parts_can_be_left_out(self):
        """L1-1"""
        r = self.stack.get('/init/2?include_kb_docs=false&include_summary=false').json()
        self.assertEqual(r['kb_documents'], [])
        self.assertIsNone(r['ticket_summary'])

    def test_domain_forms_and_header_generations(self):
        """L1-2, L1-3"""
        for domain in ('demo', 'demo.freshdesk.com', 'https://demo.freshdesk.com/x', ' DEMO '):
            r = self.stack.get('/api/tickets?limit=1', {**DEMO, 'X-Freshdesk-Domain': domain})
            self.assertEqual(r.status, 200, (domain, r.body))
        july = {'X-Tenant-ID': 'demo', 'X-Platform': 'freshdesk', 'X-API-Key': 'demo', 'X-Domain': 'demo'}
        self.assertEqual(self.stack.get('/api/tickets?limit=1', july).status, 200)
        r = self.stack.get('/init/1', {**july, 'Accept': 'application/json'})
        self.assertEqual(r.json()['tenant_id'], 'demo')

    def test_nothing_known_about_the_caller(self):
        """L1-3"""
        r = self.stack.get('/init/1', {})
        self.assertEqual((r.status, r.detail), (400, NEED))

    def test_wrong_key_foreign_host_unknown_ticket(self):
        r = self.stack.get('/init/1', {**DEMO, 'X-Freshdesk-API-Key': 'wrong'})
        self.assertEqual(r.status, 401, r.body)
        for domain in ('evil.example.com', '127.0.0.1', 'http://evil.example.com/.freshdesk.com',
                       'a@evil.example.com', 'x.freshdesk.com.evil.example'):
            r = self.stack.get('/init/1', {**DEMO, 'X-Freshdesk-Domain': domain})
            self.assertEqual(r.status, 400, (domain, r.body))
        r = self.stack.get('/init/99999999')
        self.assertEqual((r.status, r.detail), (404, '티켓 ID 99999999를 찾을 수 없습니다.'))

    def test_stream_of_data_lines(self):
        """L1-14"""
        r = self.stack.post('/init/3/stream')
        self.assertEqual(r.status, 200, r.body)
        self.assertTrue(r.headers['Content-Type'].startswith('text/event-stream'))
        events = data_events(r.body)
        kinds = [e['type'] for e in events]
        self.assertEqual(kinds[0], 'meta')
        self.assertEqual(kinds[-3:], ['result', 'complete', 'done'])
        self.assertEqual(events[-1], {'type': 'done'})
        self.assertEqual(events[-2]['data'], events[-3]['data'])
        self.assertIn('summary', kinds)
        similar = next(e for e in events if e['type'] == 'similar_tickets')
        self.assertEqual(len(similar['items']), len(similar['content']))
        self.assertEqual(self.stack.get('/init/3/stream').status, 200)

    def test_full_stream(self):
        r = self.stack.post('/v1/tickets/4/assist')
        self.assertEqual(r.status, 200, r.body)
        self.assertIn(b'\nevent: meta\n', r.body)
        self.assertTrue(r.body.startswith(b'retry: '))
        events = full_events(r.body.replace(b'retry: 2000\n', b'', 1))
        self.assertEqual(events[0][1], 'meta')
        self.assertEqual(events[-1][1], 'done')
        self.assertEqual([e[1] for e in events], [e[2]['type'] for e in events])
        self.assertEqual([int(e[0]) for e in events], list(range(1, len(events) + 1)))
        names = [e[1] for e in events]
        for name in ('summary', 'similar_tickets', 'usage'):
            self.assertIn(name, names)

    def test_unknown_ticket_on_streams(self):
        events = data_events(self.stack.get('/init/99999999/stream').body)
        self.assertEqual(events[-1], {'type': 'done'})
        self.assertEqual(events[-2]['type'], 'error')
        self.assertEqual(events[-2]['status'], 404)
        r = self.stack.post('/v1/tickets/99999999/assist')
        self.assertEqual(full_events(r.body.replace(b'retry: 2000\n', b'', 1))[-1][2]['status'], 404)


class Query(Case):
    def test_bare_and_full_bodies(self):
        """L1-5, L1-6"""
        r = self.stack.post('/query', {'query': '로그인이 안 됩니다'})
        self.assertEqual(r.status, 200, r.body)
        r = r.json()
        self.assertTrue(r['answer'])
        self.assertIsInstance(r['context_docs'], list)
        self.assertIn('optimization', r['metadata'])
        full = {'query': 'login fails', 'top_k': '3', 'answer_instructions': None, 'ticket_id': '1',
                'company_id': 'demo', 'type': ['tickets', 'solutions', 'images', 'attachments'],
                'intent': 'search', 'search_types': ['ticket'], 'min_similarity': 0.5, 'agent_mode': True,
                'chat_history': [], 'unknown': {'x': 1}}
        self.assertEqual(self.stack.post('/query', full).status, 200)
        r = self.stack.post('/query', {'query': 'x', 'type': ['images']})
        self.assertEqual(r.status, 200, r.body)
        self.assertTrue(r.json()['answer'].startswith('첨부 파일 및 이미지 정보만 요청하셨습니다.\n'))

    def test_stream_ends_for_every_parser(self):
        """L1-13, L1-14"""
        events = data_events(self.stack.post('/query/stream', {'query': 'x y z'}).body)
        self.assertEqual([e['type'] for e in events[-3:]], ['result', 'complete', 'done'])
        self.assertTrue(any(e['type'] == 'answer.delta' for e in events))
        for body in ({'query': 'x', 'stream_response': True},):
            events = data_events(self.stack.post('/query', body).body)
            self.assertEqual(events[-2:], [{'type': 'done'}, '[DONE]'])
            self.assertTrue(any(e['type'] == 'answer_chunk' for e in events[:-2]))
        events = data_events(self.stack.post('/query/stream', {'query': 'x', 'ticket_id': 99999999}).body)
        self.assertEqual([e['type'] for e in events[-2:]], ['error', 'done'])

    def test_full_stream(self):
        r = self.stack.post('/v1/query', {'query': 'how do I reset a password'})
        events = full_events(r.body.replace(b'retry: 2000\n', b'', 1))
        self.assertEqual((events[0][1], events[-1][1]), ('meta', 'done'))

    def test_faults_have_the_old_shape(self):
        """Issue 2, bad input"""
        rows = [
            ({'query': 5}, {'type': 'string_type', 'loc': ['body', 'query'],
                            'msg': 'Input should be a valid string', 'input': 5}),
            ({'a': 1}, {'type': 'missing', 'loc': ['body', 'query'], 'msg': 'Field required',
                        'input': {'a': 1}}),
            ({'query': 'x', 'top_k': 'many'}, {
                'type': 'int_parsing', 'loc': ['body', 'top_k'], 'input': 'many',
                'msg': 'Input should be a valid integer, unable to parse string as an integer'}),
            ({'query': 'x', 'type': ['tickets', 7]}, {
                'type': 'string_type', 'loc': ['body', 'type', 1],
                'msg': 'Input should be a valid string', 'input': 7}),
        ]
        for body, want in rows:
            for path in ('/query', '/query/stream', '/v1/query'):
                r = self.stack.post(path, body, {})  # checked before the caller is
                self.assertEqual((r.status, r.detail), (422, [want]), path)
        r = self.stack.post('/query', '{broken')
        self.assertEqual(r.status, 422)
        self.assertEqual((r.detail[0]['type'], r.detail[0]['loc'][0]), ('json_invalid', 'body'))
        self.assertEqual(self.stack.post('/query').detail[0]['loc'], ['body'])


class Drafts(Case):
    def test_by_context_and_by_ticket(self):
        """L1-7, L1-8"""
        context = self.stack.get('/init/5').json()['context_id']
        r = self.stack.post('/generate_reply', {'context_id': context})
        self.assertEqual(r.status, 200, r.body)
        r = r.json()
        self.assertTrue(r['reply'])
        self.assertEqual(r['reply'], r['reply_text'])
        self.assertEqual(r['context_id'], context)
        events = data_events(self.stack.post('/reply', {'ticket_id': 5, 'stream_response': True}).body)
        self.assertEqual(events[-2:], [{'type': 'done'}, '[DONE]'])
        self.assertTrue(events[-3]['data']['reply_text'])
        events = data_events(self.stack.post('/generate_reply/stream', {'context_id': context}).body)
        self.assertEqual([e['type'] for e in events[-3:]], ['result', 'complete', 'done'])
        r = self.stack.post('/v1/reply', {'ticket_id': 5, 'tone': 'direct'})
        self.assertEqual(full_events(r.body.replace(b'retry: 2000\n', b'', 1))[-1][1], 'done')

    def test_unknown_context(self):
        """L1-7, L1-13"""
        r = self.stack.post('/generate_reply', {'context_id': 'ctx_9_9'})
        self.assertEqual((r.status, r.detail), (400, NO_CONTEXT))
        r = self.stack.post('/generate_reply/stream', {'context_id': 'ctx_9_9'})
        events = data_events(r.body)
        self.assertEqual(r.status, 200)
        self.assertIn('컨텍스트 ID ctx_9_9를 찾을 수 없습니다.', events[-2]['message'])
        self.assertEqual(events[-1], {'type': 'done'})
        self.assertEqual(self.stack.post('/generate_reply', {}).detail[0]['loc'], ['body', 'context_id'])


class Around(Case):
    def test_health_and_metrics(self):
        """L1-10, L1-11"""
        r = self.stack.get('/health', {**DEMO, 'X-Company-ID': 'demo'})
        self.assertEqual(r.status, 200)
        self.assertEqual(sorted(r.json()['components']), ['freshdesk', 'llm', 'postgres', 'vectors'])
        self.assertEqual(sorted(r.json()['services'])[:2], ['cache', 'llm'])
        self.assertEqual(self.stack.get('/health/live').status, 200)
        r = self.stack.get('/metrics')
        self.assertTrue(r.headers['Content-Type'].startswith('text/plain; version=0.0.4'))
        for line in r.body.decode().splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) .*|[a-z_]+(\{.*\})? -?[0-9.e+-]+)$')

    def test_preflight_and_cors(self):
        """L1-4"""
        ask = {'Origin': 'https://acme.freshdesk.com', 'Access-Control-Request-Method': 'POST',
               'Access-Control-Request-Headers':
                   'ngrok-skip-browser-warning, x-freshdesk-domain, x-freshdesk-api-key, content-type'}
        for path in ('/init/1', '/query/stream', '/nowhere', '/api/sync/tickets'):
            r = call(self.stack.port, 'OPTIONS', path, headers=ask)
            self.assertEqual(r.status, 200)
            self.assertEqual(r.headers['Access-Control-Allow-Origin'], '*')
            self.assertIn('ngrok-skip-browser-warning', r.headers['Access-Control-Allow-Headers'])
            self.assertIsNone(r.headers['Access-Control-Allow-Credentials'])
        r = self.stack.get('/health')
        self.assertEqual(r.headers['Access-Control-Expose-Headers'], 'X-Request-Id')

    def test_aliases_head_gzip(self):
        """L1-15"""
        self.assertEqual(self.stack.get('/api/init/1?include_summary=false').status, 200)
        self.assertEqual(self.stack.post('/api/query', {'query': 5}).status, 422)
        self.assertEqual(self.stack.get('/api/health').status, 200)
        r = call(self.stack.port, 'HEAD', '/metrics')
        self.assertEqual((r.status, r.body), (200, b''))
        r = self.stack.get('/metrics', {'Accept-Encoding': 'gzip'})
        self.assertEqual(r.headers['Content-Encoding'], 'gzip')
        self.assertIn(b'deskstream_flows', gzip.decompress(r.body))

    def test_limits_of_requests(self):
        r = self.stack.get('/health', {'X-Long': 'x' * (1 << 20)})
        self.assertEqual(r.status, 431)
        r = call(self.stack.port, 'DELETE', '/query')
        self.assertEqual((r.status, r.headers["Allow"]), (405, "POST"))
        self.assertEqual(self.stack.get('/nowhere/at/all').status, 404)

    def test_debug_wants_the_token(self):
        self.assertEqual(self.stack.get('/debug/flows').status, 401)
        r = self.stack.get('/debug/flows', {'Authorization': 'Bearer secret'})
        self.assertEqual(r.status, 200)
        self.assertIn(b'serve', r.body)

    def test_commands(self):
        status, out, err = self.stack.run('health', '--ready')
        self.assertEqual((status, out), (0, ''), err)
        status, out, _ = self.stack.run('status')
        self.assertEqual(status, 0, out)
        status, out, err = self.stack.run('config', 'validate')
        self.assertEqual(status, 0, out + err)
        status, out, err = self.stack.run('config', 'validate', HCX_CHAT_API_KEY='wrong',
                                          DATABASE_URL='postgresql://127.0.0.1:1/x')
        self.assertEqual(status, 1)
        self.assertGreaterEqual(out.count('\u274c'), 3, out)
        self.assertEqual(self.stack.run('serve', '--nope')[0], 2)
        status, out, err = self.stack.run('config', 'validate', DATABASE_URL='mysql://x')
        self.assertEqual(status, 1)
        self.assertIn('DATABASE_URL: not an address of PostgreSQL', out + err)
        for command in ('status', 'health'):
            status, out, err = self.stack.run(command, PORT='1')
            self.assertEqual(status, 1)
            self.assertIn('no server answers on http://127.0.0.1:1: start it', out + err)
        status, _, err = self.stack.run('serve', PORT='http', LOG_LEVEL='loud')
        self.assertEqual(status, 2)
        self.assertTrue('PORT' in err and 'LOG_LEVEL' in err, err)

    def test_one_event_one_write(self):
        """L1-14: each event arrives whole; a chunk of the transfer holds whole events."""
        s = socket.create_connection(('127.0.0.1', self.stack.port), timeout=60)
        s.sendall(b'POST /query/stream HTTP/1.1\r\nHost: x\r\nX-Freshdesk-Domain: demo\r\n'
                  b'X-Freshdesk-API-Key: demo\r\nConnection: close\r\nContent-Length: 13\r\n\r\n'
                  b'{"query":"x"}')
        raw = b''
        for piece in iter(lambda: s.recv(65536), b''):
            raw += piece
        s.close()
        body = raw.split(b'\r\n\r\n', 1)[1]
        while True:
            size, body = body.split(b'\r\n', 1)
            n = int(size, 16)
            if n == 0:
                break
            self.assertTrue(body[:n].startswith(b'data: ') and body[:n].endswith(b'\n\n'))
            self.assertEqual(body[:n].count(b'\n\n'), 1)
            body = body[n + 2:]


class Sync(Case):
    def test_start_shapes(self):
        """L1-16, L1-17, L1-19"""
        for path in ('/api/sync/tickets?limit=10', '/api/sync/kb?limit=500',
                     '/api/v1/sync/tickets?since=2024-01-01T00:00:00Z&limit=10'):
            r = until(lambda p=path: (lambda x: x if x.status != 409 else None)(self.stack.post(p)))
            self.assertEqual(r.status, 200, r.body)
            r = r.json()
            self.assertEqual((r['success'], r['items_synced'], r['errors']), (True, 0, []))
            self.assertRegex(r['last_sync_time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$')
        r = self.stack.get('/api/sync/status')
        self.assertEqual(sorted(r.json()), ['last_kb_sync', 'last_ticket_sync', 'sync_in_progress',
                                            'total_kb_articles', 'total_tickets'])

    def test_bad_parameters(self):
        """L1-18"""
        rows = [('0', 'greater_than_equal', {'ge': 1}), ('501', 'less_than_equal', {'le': 500}),
                ('x', 'int_parsing', None)]
        for limit, kind, ctx in rows:
            r = self.stack.post('/api/sync/tickets?limit=' + limit)
            self.assertEqual(r.status, 422)
            self.assertEqual((r.detail[0]['type'], r.detail[0]['loc'], r.detail[0].get('ctx')),
                             (kind, ['query', 'limit'], ctx))
        r = self.stack.post('/api/sync/kb?since=invalid-date')
        self.assertEqual((r.status, r.detail),
                         (400, "Invalid ISO timestamp format for 'since' parameter"))


class Crowd(unittest.TestCase):
    def test_many_streams_and_drain(self):
        """R10, O6: 300 streams complete; SIGTERM in the middle of others lets them finish."""
        stack = Stack(('--tickets', '400', '--rate', '0', '--list-rate', '0', '--latency-ms', '200',
                       '--token-ms', '1'), DRAIN_MS='20000')
        try:
            ids = [t['id'] for t in stack.get('/api/tickets?limit=100').json()['tickets']] * 3
            with concurrent.futures.ThreadPoolExecutor(300) as pool:
                bodies = list(pool.map(lambda i: stack.post('/v1/tickets/%d/assist' % i, timeout=100).body,
                                       ids))
            self.assertEqual(sum(b'\nevent: done\n' in b for b in bodies), 300, ids[:5])
            c = http.client.HTTPConnection('127.0.0.1', stack.port, timeout=60)
            c.request('POST', '/v1/tickets/%d/assist' % ids[0], headers=DEMO)
            r = c.getresponse()
            self.assertTrue(r.readline())
            stack.server.process.send_signal(signal.SIGTERM)
            self.assertIn(b'\nevent: done\n', r.read())
            stack.server.process.wait(40)  # stop() would send a second signal
        finally:
            status = stack.stop()
        self.assertEqual(status, 0, stack.server.log()[-3000:])


class Outage(unittest.TestCase):
    def test_postgres_away_and_back(self):
        """R4, O6: readiness tells, liveness does not; the server recovers by itself."""
        where = os.path.join(ROOT, 'build', 'pg-e2e-%d' % os.getpid())
        url = subprocess.run(['tools/pg.sh', 'start', where, 'fast'], cwd=ROOT, check=True,
                             capture_output=True, text=True).stdout.strip()
        stack = None
        try:
            stack = Stack(('--tickets', '100'), DATABASE_URL=url)
            self.assertEqual(stack.get('/init/1').status, 200)
            subprocess.run(['tools/pg.sh', 'stop', where], cwd=ROOT, check=True)
            self.assertEqual(stack.get('/health/ready').status, 503)
            self.assertEqual(stack.get('/health').status, 200)
            self.assertEqual(stack.get('/health/live').status, 200)
            self.assertEqual(stack.get('/api/tickets').status, 503)
            subprocess.run(['tools/pg.sh', 'start', where, 'fast'], cwd=ROOT, check=True,
                           capture_output=True)
            until(lambda: stack.get('/health/ready').status == 200)
            self.assertEqual(stack.get('/init/1').status, 200)
        finally:
            if stack:
                self.assertEqual(stack.stop(), 0)
            subprocess.run(['tools/pg.sh', 'stop', where], cwd=ROOT, check=False)
            shutil.rmtree(where)


if __name__ == '__main__':
    unittest.main()
