"""Collections on the server: POST /api/collect, its status and its end; POST /ingest in all its forms."""
import glob
import json
import os
import shutil
import unittest

from support import DEMO, Server as Again, Stack, call, until

THIRD = {'X-Freshdesk-Domain': 'third', 'X-Freshdesk-API-Key': 'demo'}
OTHER = {'X-Freshdesk-Domain': 'other', 'X-Freshdesk-API-Key': 'demo'}


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(('--tickets', '600', '--rate', '0', '--list-rate', '0', '--now',
                           '2026-11-20T00:00:00Z'),
                          FRESHDESK_RATE_PER_MINUTE=10000000, FRESHDESK_LIST_RATE_PER_MINUTE=10000000,
                          DISK_PAUSE_PERCENT=100, CHUNK_SIZE=250)

    @classmethod
    def tearDownClass(cls):
        assert cls.stack.stop() == 0, cls.stack.server.log()[-3000:]

    def status(self, headers=None):
        answer = self.stack.get('/api/collect/status', headers=headers or DEMO)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def ended(self, headers=None):
        until(lambda: not self.status(headers)['collection_in_progress'], 120)
        return self.status(headers)

    def folder(self, company):
        return os.path.join(self.stack.server.dir, 'var', 'collect', company)

    def slow(self, ms):
        self.stack.sandbox.control(api_latency_ms=ms)
        self.addCleanup(self.stack.sandbox.control, api_latency_ms=0)

    def test_whole(self):
        """C1, C7: a run in the background; one at a time; its files and its rows."""
        self.slow(1000)
        self.assertEqual(self.status()['status'], 'idle')
        answer = self.stack.post('/api/collect', {'to': 'postgres'})
        self.assertEqual(answer.status, 200, answer.body)
        started = answer.json()
        self.assertTrue(started['collection_in_progress'])
        again = self.stack.post('/api/collect', {})
        self.assertEqual(again.status, 409)
        self.assertIn('already in progress', again.detail)
        self.assertEqual(self.stack.get('/init/7').status, 200)  # the live sidebar meanwhile
        self.stack.sandbox.control(api_latency_ms=0)
        end = self.ended()
        self.assertEqual((end['status'], end['run_id'], end['progress'], end['error']),
                         ('completed', started['run_id'], 100, None))
        self.assertEqual(end['total_tickets_collected'], 600)
        self.assertEqual(end['rows_loaded'], 600)
        with open(self.folder('demo') + '/collection_stats.json', encoding='utf-8') as f:
            self.assertEqual(json.load(f)['total_tickets_collected'], 600)
        self.assertEqual(len(glob.glob(self.folder('demo') + '/tickets_chunk_*.json')), 3)
        self.assertEqual(self.stack.post('/api/collect/cancel').status, 404)

    def test_cancel_and_again(self):
        """A cancel keeps what was fetched; the next start goes on; tenants do not see one another."""
        self.slow(1500)
        self.assertEqual(self.stack.post('/api/collect', headers=OTHER).status, 200)
        until(lambda: self.status(OTHER)['total_tickets_collected'] > 0, 60)
        answer = call(self.stack.port, 'DELETE', '/api/collect', headers=OTHER)
        self.assertEqual(answer.status, 200, answer.body)
        end = self.ended(OTHER)
        self.assertEqual(end['status'], 'cancelled')
        self.assertLess(end['total_tickets_collected'], 600)
        held = end['total_tickets_collected']
        self.stack.sandbox.control(api_latency_ms=0)
        self.assertEqual(self.stack.post('/api/collect', headers=OTHER).status, 200)
        end = self.ended(OTHER)
        self.assertEqual((end['status'], end['total_tickets_collected']), ('completed', 600))
        self.assertLessEqual(end['tickets_new'], 600 - held)

    def test_not_valid(self):
        for body, status in (({'max_tickets': 'many'}, 422), ('[]', 422), ('{', 422),
                             ({'start_date': 'soon'}, 400),
                             ({'start_date': '2026-02-01', 'end_date': '2026-01-01'}, 400)):
            self.assertEqual(self.stack.post('/api/collect', body).status, status, body)
        nobody = {'X-Freshdesk-Domain': 'demo', 'X-Freshdesk-API-Key': 'wrong'}
        self.assertEqual(self.stack.post('/api/collect', {}, headers=nobody).status, 401)
        self.assertEqual(self.stack.get('/api/collect/status', headers=nobody).status, 401)

    def test_ingest(self):
        """L1-9: three bodies, one union of fields; whatever fails is 200 with success false."""
        fields = {'success', 'message', 'start_time', 'end_time', 'duration_seconds', 'error',
                  'documents_processed', 'tickets_processed', 'articles_processed', 'vectors_created',
                  'processing_time_seconds'}
        for body in ({'incremental': True, 'purge': False, 'process_attachments': True,
                      'force_rebuild': False, 'include_kb': False, 'max_tickets': 5},
                     {'data_types': ['tickets'], 'date_range': {'start': '2026-11-19', 'end': '2026-11-20'},
                      'batch_size': 1000},
                     {'start_date': '2026-11-19', 'end_date': '2026-11-20', 'include_attachments': False},
                     None):
            answer = self.stack.post('/ingest', body, headers=THIRD, timeout=120)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertLessEqual(fields, set(answer.json()))
            self.assertTrue(answer.json()['success'], answer.body)
        answer = self.stack.post('/ingest/', {'start_date': 'soon'})
        self.assertEqual((answer.status, answer.json()['success']), (200, False))
        self.assertTrue(answer.json()['error'])


class Stop(unittest.TestCase):
    def test_in_the_middle(self):
        """A server that stops ends its collection with progress saved; the next one goes on there."""
        stack = Stack(('--tickets', '400', '--rate', '0', '--list-rate', '0'),
                      FRESHDESK_RATE_PER_MINUTE=10000000, FRESHDESK_LIST_RATE_PER_MINUTE=10000000,
                      DISK_PAUSE_PERCENT=100)
        server = stack.server
        try:
            stack.sandbox.control(api_latency_ms=1000)
            self.assertEqual(stack.post('/api/collect', {}).status, 200)
            until(lambda: stack.get('/api/collect/status').json()['total_tickets_collected'] > 0, 60)
            self.assertEqual(server.stop(), 0, server.log()[-2000:])
            folder = os.path.join(server.dir, 'var', 'collect', 'demo')
            with open(folder + '/progress.json', encoding='utf-8') as f:
                held = json.load(f)['total_collected']
            self.assertTrue(0 < held < 400, held)
            stack.sandbox.control(api_latency_ms=0)
            stack.server = Again({**stack.env, 'VAR_DIR': os.path.join(server.dir, 'var')})
            self.assertEqual(stack.get('/api/collect/status').json()['status'], 'idle')
            self.assertEqual(stack.post('/api/collect', {}).status, 200)
            until(lambda: not stack.get('/api/collect/status').json()['collection_in_progress'], 120)
            end = stack.get('/api/collect/status').json()
            self.assertEqual((end['status'], end['total_tickets_collected']), ('completed', 400))
            self.assertLessEqual(end['tickets_new'], 400 - held)
        finally:
            status = stack.stop()
            shutil.rmtree(server.dir, True)
        self.assertEqual(status, 0)


if __name__ == '__main__':
    unittest.main()
