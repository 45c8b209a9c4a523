"""What clients of the old servers rely on, sentence by sentence of legacy-contracts §1 and §2, against the
real program. test_server.py has the first look at each line; here are the shapes, types and texts."""
import re
import unittest

from support import DEMO, Stack, call, data_events, raw, until

PLACE = '첨부파일 위치 정보(ticket_id 또는 conversation_id)가 필요합니다'
CHAT = '/v3/chat-completions'
NUMBER = (int, float)


class Case(unittest.TestCase):
    stack = None
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(('--tickets', '300', '--rate', '0', '--list-rate', '0', '--latency-ms', '5',
                           '--token-ms', '0'), **cls.settings)

    @classmethod
    def tearDownClass(cls):
        status = cls.stack.stop()
        log = cls.stack.server.log()
        assert status == 0, log[-3000:]
        assert 'ERROR: ' not in log and 'runtime error' not in log, log[-5000:]

    def check(self, value, shape, where='answer'):
        """`shape`: a type or several, a list of one shape, an object of shapes; '?' allows null."""
        if isinstance(shape, dict):
            self.assertIsInstance(value, dict, where)
            for key, inner in shape.items():
                self.assertIn(key.rstrip('?'), value, where)
                if not (key.endswith('?') and value[key[:-1]] is None):
                    self.check(value[key.rstrip('?')], inner, '%s.%s' % (where, key))
        elif isinstance(shape, list):
            self.assertIsInstance(value, list, where)
            for i, item in enumerate(value):
                self.check(item, shape[0], '%s[%d]' % (where, i))
        else:
            self.assertIsInstance(value, shape, where)
            self.assertFalse(isinstance(value, bool) and shape in (int, NUMBER), where)


class Shapes(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for kind in ('tickets', 'kb'):
            r = cls.stack.post('/api/sync/%s?limit=300&wait=true' % kind, timeout=110)
            assert r.status == 200 and r.json()['success'], r.body

    def test_init(self):
        """L1-1, L1-8: the union of both generations' items."""
        r = self.stack.get('/init/1').json()
        self.check(r, {
            'ticket_id': str, 'ticket_data': {'id': int, 'subject': str, 'description_text': str},
            'ticket_summary': {'ticket_summary': str, 'key_points': [str], 'sentiment': str,
                               'priority_recommendation?': str, 'category_suggestion?': [str],
                               'customer_summary?': str, 'request_summary?': str, 'urgency_level': str},
            'similar_tickets': [{
                'id': str, 'title': str, 'issue': str, 'solution': str, 'ticket_url': str,
                'similarity_score': NUMBER, 'ticket_summary': str, 'tenant_id': str, 'platform': str,
                'platform_neutral_key': str, 'subject': str, 'content': str, 'score': NUMBER,
                'has_attachments': bool, 'has_inline_images': bool, 'attachment_count': int,
                'platform_metadata': dict, 'metadata': dict}],
            'kb_documents': [{
                'id': str, 'title': str, 'doc_summary': str, 'url': str, 'source_type': str,
                'similarity_score': NUMBER, 'content': str, 'source_id': str, 'source_url': str,
                'relevance_score': NUMBER, 'doc_type': str, 'score': NUMBER}],
            'context_id': str,
            'metadata': {'duration_ms': int, 'similar_tickets_count': int, 'kb_docs_count': int,
                         'task_times': {'summary': NUMBER, 'similar_tickets': NUMBER,
                                        'kb_documents': NUMBER}},
            'tenant_id': str, 'platform': str, 'success': bool, 'summary': str,
            'execution_time': NUMBER, 'error?': str})
        self.assertTrue(r['similar_tickets'] and r['kb_documents'], r)
        for item in r['similar_tickets'] + r['kb_documents']:
            self.assertTrue(0 <= item['similarity_score'] <= 1 and 0 <= item['relevance_score'] <= 100, item)
        self.assertNotIn('1', [t['id'] for t in r['similar_tickets']])
        self.assertEqual(r['metadata']['similar_tickets_count'], len(r['similar_tickets']))

    def test_init_as_a_stream(self):
        """L1-14: July's bar runs to its end and never back."""
        for path in ('/init/2?stream=true', '/init/2/stream'):
            events = data_events(self.stack.get(path).body)
            steps = [e for e in events if e['type'] == 'progress']
            self.check(steps, [{'stage': str, 'progress': int, 'message': str}])
            told = [e['progress'] for e in steps]
            self.assertEqual((told[0], told[-1], told), (10, 100, sorted(told)))
            self.assertEqual((events[0]['type'], events[-1]['type']), ('meta', 'done'))
        july = {'X-Tenant-ID': 'demo', 'X-Platform': 'freshdesk', 'X-API-Key': 'demo', 'X-Domain': 'demo'}
        events = data_events(self.stack.get('/init/2', july).body)
        self.assertEqual(events[-2:], [{'type': 'done'}, '[DONE]'])
        self.assertIn('ticket_summary_chunk', [e['type'] for e in events[:-1]])

    def test_query(self):
        """L1-5: the answer and its numbers."""
        r = self.stack.post('/query', {'query': '로그인 오류', 'ticket_id': 3, 'intent': 'recommend'}).json()
        self.check(r, {
            'answer': str,
            'context_docs': [{'title': str, 'content': str, 'source_id': str, 'source_url': str,
                              'relevance_score': NUMBER, 'doc_type': str}],
            'context_images': [{'name': str, 'url': str, 'content_type': str, 'doc_index': int}],
            'metadata': {
                'duration_ms': int, 'search_time_ms': int, 'context_time_ms': int, 'llm_time_ms': int,
                'model_used': str, 'token_count': int, 'context_docs_count': int, 'search_intent': str,
                'content_types': [str], 'ticket_id': str,
                'optimization': {'original_docs_count': int, 'after_top_k_count': int,
                                 'after_deduplication_count': int, 'after_relevance_extraction_count': int,
                                 'final_optimized_docs_count': int, 'token_count': int}}})
        self.assertEqual(r['metadata']['search_intent'], 'recommend')
        self.assertTrue(r['metadata']['model_used'].startswith('HCX-'), r['metadata'])
        self.assertLessEqual(r['metadata']['search_time_ms'] + r['metadata']['llm_time_ms'],
                             r['metadata']['duration_ms'])
        self.assertTrue(r['context_docs'])
        r = self.stack.post('/query', {'query': 'x', 'type': ['attachments']}).json()
        self.assertEqual((r['metadata']['content_types'], r['metadata']['llm_time_ms']), (['attachments'], 0))

    def stages(self, path, body):
        events = data_events(self.stack.post(path, body).body)
        return [(e['stage'], e['progress']) for e in events if e['type'] == 'progress'], events

    def test_stages(self):
        """L1-13: the stages of June's streams, with and without a ticket."""
        first, rest = [('initialization', 10)], [('embedding', 30), ('searching', 50), ('context_building', 70),
                                                 ('generating', 85), ('complete', 100)]
        self.assertEqual(self.stages('/query/stream', {'query': 'x'})[0], first + rest)
        self.assertEqual(self.stages('/query/stream', {'query': 'x', 'ticket_id': 1})[0],
                         first + [('ticket_loading', 20)] + rest)
        self.assertEqual(self.stages('/generate_reply/stream', {'ticket_id': 1})[0],
                         [('context_validation', 20), ('extracting_context', 40), ('preparing_generation', 60),
                          ('generating_reply', 80), ('complete', 100)])

    def test_drafts(self):
        """L1-7, L1-8: the context is found by its id, or is the ticket's newest, or is made."""
        context = self.stack.get('/init/6').json()['context_id']
        shape = {'reply_text': str, 'reply': str, 'context_id': str, 'context_docs': [dict],
                 'similar_tickets': [dict], 'related_docs': [dict],
                 'metadata': {'duration_ms': int, 'context_time_ms': int, 'llm_time_ms': int,
                              'model_used': str, 'paragraph_count': int, 'context_optimization': dict,
                              'token_count': int, 'optimized_docs_count': int, 'style': str, 'tone': str,
                              'generated_at': str}}
        bodies = [({'context_id': context, 'style': 'friendly', 'tone': 'direct', 'instructions': 'short',
                    'include_greeting': False, 'include_signature': False}, context),
                  ({'ticket_id': '6', 'context': {'x': 1}, 'tone': 'empathetic'}, context),
                  ({'query': '답장', 'context_id': context, 'company_id': 'demo'}, context),
                  ({'ticket_id': 7}, '')]
        for body, want in bodies:
            for path in ('/generate_reply', '/reply', '/api/reply'):
                r = self.stack.post(path, body)
                self.assertEqual(r.status, 200, r.body)
                self.check(r.json(), shape)
                self.assertEqual(r.json()['context_id'], want)
                self.assertLessEqual(max(len(r.json()['similar_tickets']), len(r.json()['related_docs'])), 3)
        self.assertEqual(r.json()['metadata']['style'], 'professional')
        events = data_events(self.stack.post('/generate_reply/stream', bodies[0][0]).body)
        self.check(events[-3]['data'], shape)

    def test_searches(self):
        """§1.5, §1.6: the searches of June."""
        r = self.stack.get('/similar_tickets/1').json()
        self.check(r, {'ticket_id': str, 'similar_tickets': [{
            'id': str, 'title': str, 'similarity_score': NUMBER, 'ticket_url': str, 'ticket_summary': str}]})
        self.assertTrue(0 < len(r['similar_tickets']) <= 5 and r['ticket_id'] == '1', r)
        for item in r['similar_tickets']:
            self.assertNotEqual(item['id'], '1')
            self.assertEqual(item['ticket_url'], 'https://demo.freshdesk.com/a/tickets/' + item['id'])
            self.assertLessEqual(len(item['ticket_summary']), 203)
        r = self.stack.get('/api/related_docs/1').json()
        self.check(r, {'ticket_id': str, 'related_documents': [{
            'id': str, 'title': str, 'doc_summary': str, 'url': str, 'source_type': str,
            'similarity_score': NUMBER}]})
        self.assertTrue(0 < len(r['related_documents']) <= 5, r)
        for item in r['related_documents']:
            self.assertEqual(item['url'], 'https://demo.freshdesk.com/support/solutions/articles/' + item['id'])
            self.assertLessEqual(len(item['doc_summary']), 203)
        r = self.stack.post('/search_query', {'query': '결제가 두 번 되었습니다', 'top_k': 4}).json()
        self.check(r, {'query': str, 'total_results': int, 'search_time_ms': int, 'results': [{
            'id': str, 'title': str, 'content_summary': str, 'source_type': str, 'url': str,
            'similarity_score': NUMBER, 'metadata': dict}]})
        self.assertEqual((r['total_results'], len(r['results'])), (4, 4))
        scores = [item['similarity_score'] for item in r['results']]
        self.assertEqual(scores, sorted(scores, reverse=True))
        r = self.stack.post('/search_query', {'query': 'login', 'type': ['solutions']}).json()
        self.assertEqual({item['source_type'] for item in r['results']}, {'kb'})
        for path in ('/similar_tickets/99999999', '/related_docs/99999999'):
            r = self.stack.get(path)
            self.assertEqual((r.status, r.detail), (404, '티켓 ID 99999999를 찾을 수 없습니다.'))
        self.assertEqual(self.stack.post('/search_query', {}).detail[0]['loc'], ['body', 'query'])
        self.assertEqual(self.stack.post('/search_query', {'query': ' '}).status, 400)
        self.assertEqual(self.stack.get('/similar_tickets/1', {**DEMO, 'X-Freshdesk-API-Key': 'no'}).status, 401)

    def test_sync(self):
        """L1-16 to L1-19: exact texts; what is in the way is told before a bad date."""
        ge = {'type': 'greater_than_equal', 'loc': ['query', 'limit'], 'input': '0', 'ctx': {'ge': 1},
              'msg': 'Input should be greater than or equal to 1'}
        le = {'type': 'less_than_equal', 'loc': ['query', 'limit'], 'input': '501', 'ctx': {'le': 500},
              'msg': 'Input should be less than or equal to 500'}
        junk = {'type': 'int_parsing', 'loc': ['query', 'limit'], 'input': 'x',
                'msg': 'Input should be a valid integer, unable to parse string as an integer'}
        for limit, want in (('0', ge), ('501', le), ('x', junk)):
            for path in ('/api/sync/tickets', '/api/v1/sync/kb'):
                r = self.stack.post('%s?limit=%s&since=invalid-date' % (path, limit))
                self.assertEqual((r.status, r.detail), (422, [want]))
        for since in ('invalid-date', '1700000000', '2024-01-01T10:00:00+09:00'):
            r = self.stack.post('/api/sync/kb?since=' + since)
            self.assertEqual((r.status, r.detail),
                             (400, "Invalid ISO timestamp format for 'since' parameter"), since)
        for since in ('2024-01-01', '20240101', '2024-01-01T10:00', '2024-01-01T10:00:00.5Z', '',
                      '2024-01-01T10:00:00%2B09:00'):
            r = self.stack.post('/api/sync/kb?limit=1&wait=true&since=' + since)
            self.assertEqual((r.status, r.json()['errors']), (200, []), since)
        self.stack.sandbox.control(latency_ms=6000)
        try:
            self.assertEqual(self.stack.post('/api/sync/tickets?limit=500').json()['items_synced'], 0)
            for query in ('', '?since=2024-01-01', '?since=invalid-date'):
                r = self.stack.post('/api/sync/tickets' + query)
                self.assertEqual((r.status, r.detail), (409, 'Ticket sync already in progress'), query)
            self.assertIs(self.stack.get('/api/sync/status').json()['sync_in_progress'], True)
            self.assertEqual(self.stack.post('/api/sync/kb?since=invalid-date').status, 400)
        finally:
            self.stack.sandbox.control(latency_ms=0)
        until(lambda: not self.stack.get('/api/sync/status').json()['sync_in_progress'], 110)
        r = self.stack.get('/api/v1/sync/status').json()
        self.check(r, {'last_ticket_sync': str, 'last_kb_sync': str, 'total_tickets': int,
                       'total_kb_articles': int, 'sync_in_progress': bool})
        self.assertRegex(r['last_ticket_sync'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$')
        logged = self.stack.database.query("set deskstream.tenant_id = '1'; select distinct collection, item_type "
                                           "from deskstream.sync_logs order by 1")
        self.assertEqual(logged.split(), ['kb_procedures|kb_article', 'support_tickets|ticket'])


class Files(Case):
    """L1-12"""

    def found(self):
        """(ticket, its files) with one at the ticket, and with one in the thread."""
        own = talk = None
        for ticket in range(1, 200):
            r = self.stack.get('/attachments?ticket_id=%d' % ticket)
            if r.status == 404:
                continue
            for file in r.json()['attachments']:
                if file['conversation_id'] is None:
                    own = own or (ticket, file)
                else:
                    talk = talk or (ticket, file)
            if own and talk:
                return own, talk
        raise AssertionError('the sandbox has no files')

    def test_one_file(self):
        card = {'id': int, 'name': str, 'content_type': str, 'size': int, 'ticket_id': int}
        for ticket, file in self.found():
            place = '?ticket_id=%d' % ticket
            base = '/attachments/%d' % file['id']
            r = self.stack.get(base + '/download-url' + place + '&conversation_id=5').json()
            self.check(r, {**card, 'download_url': str, 'expires_at': str, 'conversation_id?': int})
            self.assertEqual((r['expires_at'], r['id'], r['ticket_id']), ('5분 후 만료', file['id'], ticket))
            self.assertEqual(r['conversation_id'], file['conversation_id'])
            self.assertTrue(r['download_url'].startswith(self.stack.sandbox.url), r)
            r = self.stack.get('/api' + base + '/metadata' + place).json()
            self.check(r, card)
            self.assertNotIn('download_url', r)
            r = self.stack.get(base + place).json()
            self.check(r, {**card, 'download_url': str, 'platform': str, 'company_id': str})
            self.assertEqual((r['platform'], r['company_id']), ('freshdesk', 'demo'))
            for path in ('/attachments/url/', '/attachments/freshdesk-url/'):
                r = self.stack.get('%s%d%s' % (path, file['id'], place)).json()
                self.check(r, {'attachment_id': int, 'download_url': str})
            r = self.stack.get('/attachments/metadata/%d%s' % (file['id'], place)).json()
            self.assertEqual(r['id'], file['id'])

    def test_download(self):
        """Through the server, as something to save: a stranger's page must not run on this origin."""
        for ticket, file in self.found():
            url = re.match(r'http://127\.0\.0\.1:(\d+)(/.*)', file['download_url'])
            want = call(int(url.group(1)), 'GET', url.group(2)).body
            for path in ('/attachments/%d/download', '/attachments/download/%d'):
                r = self.stack.get((path + '?ticket_id=%d') % (file['id'], ticket))
                self.assertEqual((r.status, r.body, r.headers['Content-Type']), (200, want, 'image/png'))
                self.assertEqual(r.headers['Content-Disposition'], "attachment; filename*=UTF-8''screenshot.png")
                self.assertIn('sandbox', r.headers['Content-Security-Policy'])
                self.assertEqual(r.headers['X-Content-Type-Options'], 'nosniff')
        try:
            for kind in ('status:403', 'status:500'):
                self.stack.sandbox.control(faults=[{'path': '/sandbox/attachments/', 'kind': kind}])
                r = self.stack.get('/attachments/%d/download?ticket_id=%d' % (file['id'], ticket))
                self.assertEqual((r.status, r.detail), (502, 'Freshdesk 서버 오류'), kind)
        finally:
            self.stack.sandbox.control(faults=[])

    def test_several(self):
        ticket, file = self.found()[0]
        r = self.stack.get('/attachments/bulk-urls?attachment_ids=%d,2,%d&ticket_id=%d'
                           % (file['id'], file['id'], ticket))
        self.assertEqual(r.status, 200, r.body)
        r = r.json()
        self.assertEqual(sorted(r), sorted(['2', str(file['id'])]))
        self.assertEqual((r[str(file['id'])]['success'], r[str(file['id'])]['data']['download_url']),
                         (True, file['download_url']))
        self.assertEqual(r['2'], {'success': False, 'error': '첨부파일을 찾을 수 없습니다'})
        r = self.stack.get('/attachments?ticket_id=%d&limit=1' % ticket).json()
        self.check(r, {'attachments': [dict], 'total': int, 'ticket_id': int, 'platform': str,
                       'company_id': str})
        self.assertEqual(len(r['attachments']), 1)

    def test_refusals(self):
        for path in ('/attachments/9/download-url', '/attachments/9', '/attachments/9/metadata',
                     '/attachments/9/download', '/attachments/bulk-urls?attachment_ids=1,2', '/attachments',
                     '/attachments/9?ticket_id='):
            r = self.stack.get(path, {})  # before anybody asks who it is
            self.assertEqual((r.status, r.detail), (400, PLACE), path)
        r = self.stack.get('/attachments/9?conversation_id=5')
        self.assertEqual(r.status, 400)
        self.assertTrue(r.detail.startswith(PLACE), r.detail)
        for ids in ('', 'x', '1,x', '1,,2', ','.join(map(str, range(101)))):
            r = self.stack.get('/attachments/bulk-urls?ticket_id=1&attachment_ids=' + ids)
            self.assertEqual(r.status, 400, ids)
        self.assertEqual(self.stack.get('/attachments/bulk-urls?ticket_id=1&attachment_ids=x').detail,
                         '유효하지 않은 첨부파일 ID 형식')
        for path in ('/attachments/9?ticket_id=1', '/attachments/0?ticket_id=1', '/attachments/-1?ticket_id=1',
                     '/attachments/9?ticket_id=99999999', '/attachments?ticket_id=99999999'):
            r = self.stack.get(path)
            self.assertEqual((r.status, r.detail), (404, '첨부파일을 찾을 수 없습니다'), path)
        self.assertEqual(self.stack.get('/attachments/x?ticket_id=1').status, 422)
        self.assertEqual(self.stack.get('/attachments/9?ticket_id=x').detail[0]['loc'], ['query', 'ticket_id'])
        self.assertEqual(self.stack.get('/attachments?ticket_id=1&limit=101').status, 422)
        wrong = {**DEMO, 'X-Freshdesk-API-Key': 'wrong'}
        self.assertEqual(self.stack.get('/attachments/9?ticket_id=1', wrong).status, 401)

    def test_another_account_has_its_own(self):
        ticket, file = self.found()[0]
        other = {'X-Freshdesk-Domain': 'acme', 'X-Freshdesk-API-Key': 'acme'}
        r = self.stack.get('/attachments/%d?ticket_id=%d' % (file['id'], ticket), other)
        self.assertTrue(r.status != 200 or 'acme' == r.json()['company_id'], r.body)

    def test_freshdesk_troubles(self):
        ticket, file = self.found()[0]
        path = '/attachments/%d?ticket_id=%d' % (file['id'], ticket)
        try:
            for kind, status, text in (('status:500', 502, 'Freshdesk 서버 오류'),
                                       ('status:429', 429, 'API 요청 한도 초과')):
                self.stack.sandbox.control(faults=[{'path': '/api/v2/tickets/', 'kind': kind}])
                r = self.stack.get(path, timeout=110)
                self.assertEqual((r.status, r.detail), (status, text))
                r = self.stack.get('/attachments/bulk-urls?attachment_ids=1&ticket_id=%d' % ticket, timeout=110)
                self.assertEqual(r.status, 200)
                self.assertIs(r.json()['1']['success'], False)
        finally:
            self.stack.sandbox.control(faults=[])


class OwnAccount(Case):
    """A server with an account in its settings, as the old ones had."""
    settings = {'FRESHDESK_DOMAIN': 'demo', 'FRESHDESK_API_KEY': 'demo'}

    def test_cron_lines(self):
        """L1-16, L1-17: curl -X POST as cron sends it: no header of ours, no body, no Content-Length."""
        for path in (b'/api/sync/kb?limit=1', b'/api/sync/tickets?since=2024-01-01T00:00:00Z&limit=1',
                     b'/api/v1/sync/kb?since=2024-01-01T00:00:00Z&limit=1'):
            ask = b'POST %s HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: curl/8\r\nAccept: */*\r\n' \
                  b'Connection: close\r\n\r\n' % path
            answer = until(lambda a=ask: (lambda r: None if b' 409 ' in r[:20] else r)(raw(self.stack.port, a)))
            self.assertTrue(answer.startswith(b'HTTP/1.1 200 '), answer)
            self.assertIn(b'"success":true,"items_synced":0,"last_sync_time":"', answer)

    def test_nobody_named(self):
        """L1-3: without headers the account of the settings is meant, with a foreign name it is not."""
        self.assertEqual(self.stack.get('/init/1?include_summary=false', {}).json()['tenant_id'], 'demo')
        self.assertEqual(self.stack.get('/init/1', {'X-Freshdesk-Domain': 'acme'}).status, 400)
        self.assertEqual(self.stack.get('/api/sync/status', {'X-Company-ID': 'acme'}).status, 200)

    def test_model_away(self):
        """What the old servers said when the model failed; every stream still ends for every parser."""
        self.assertEqual(self.stack.get('/init/1').status, 200)
        self.stack.sandbox.control(faults=[{'path': CHAT, 'kind': 'status:400'}])
        r = self.stack.get('/init/1').json()
        self.assertEqual(r['ticket_summary']['key_points'], ['요약 생성 오류', '수동 검토 필요'])
        self.assertTrue(r['ticket_summary']['ticket_summary'])
        self.assertTrue(r['error'])
        r = self.stack.post('/query', {'query': 'x'})
        self.assertEqual(r.status, 500)
        self.assertTrue(r.detail.startswith('LLM 호출 중 오류가 발생했습니다: '), r.detail)
        r = self.stack.post('/generate_reply', {'ticket_id': 1})
        self.assertEqual(r.status, 200)
        self.assertIn('오류', r.json()['reply_text'])
        self.assertTrue(r.json()['metadata']['error'])
        for path, body, text in (('/query/stream', {'query': 'x'}, '쿼리 처리 중 오류가 발생했습니다: '),
                                 ('/reply/stream', {'ticket_id': 1}, '응답 생성 중 오류가 발생했습니다: ')):
            r = self.stack.post(path, body)
            events = data_events(r.body)
            self.assertEqual((r.status, events[-1], events[-2]['type']), (200, {'type': 'done'}, 'error'))
            self.assertTrue(events[-2]['message'].startswith(text), events[-2])
            self.assertRegex(events[-2]['timestamp'], r'^\d{4}-\d\d-\d\dT')
        self.stack.sandbox.control(faults=[])


if __name__ == '__main__':
    unittest.main()
