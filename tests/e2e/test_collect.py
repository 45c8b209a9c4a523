"""deskstream collect against the sandbox: C1-C6, and lines 23-29 of L1."""
import collections
import csv
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from collector import PROGRAM, Case, Sandbox, ended, wait_for

ROUNDS = int(os.environ.get('COLLECT_ROUNDS', '0'))  # more kills and seeds than `make test` runs
COLUMNS = ('id,subject,description_text,status,priority,type,created_at,updated_at,requester_id,'
           'responder_id,company_id,product_id,source,tags,conversations_count,attachments_count')


class Files(Case):
    def test_full(self):
        """C2, C3, L1-28, L1-29: all files, names and shapes."""
        with Sandbox(1200) as sandbox:
            self.collect(sandbox, '--full', CHUNK_SIZE='500')
        self.assertEqual([os.path.basename(p)
                          for p in sorted(glob.glob(self.dir + '/tickets_chunk_*'))],
                         ['tickets_chunk_%04d.json' % i for i in range(3)])
        tickets = self.chunks()
        self.check_once(tickets, 1200)
        for t in tickets:
            self.assertIn('description', t)
            self.assertIsInstance(t['conversations'], list)
        self.check_once(self.merged(), 1200)
        with open(self.dir + '/collection_stats.json', encoding='utf-8') as f:
            stats = json.load(f)
        self.assertEqual(stats['total_tickets_collected'], 1200)
        self.assertEqual(stats['chunks_created'], 3)
        self.assertTrue(stats['collection_completed'])
        with open(self.dir + '/progress.json', encoding='utf-8') as f:
            progress = json.load(f)
        self.assertEqual(progress['total_collected'], 1200)
        self.assertEqual(progress['chunks_completed'], ['0000', '0001', '0002'])
        with open(self.dir + '/tickets_export.csv', 'rb') as f:
            self.assertEqual(f.read(3), b'\xef\xbb\xbf')
        with open(self.dir + '/tickets_export.csv', encoding='utf-8-sig', newline='') as f:
            rows = list(csv.reader(f))
        self.assertEqual(','.join(rows[0]), COLUMNS)
        self.assertEqual(len(rows), 1201)
        by_id = {str(t['id']): t for t in tickets}
        for row in rows[1:]:
            t = by_id[row[0]]
            self.assertEqual(row[1], t['subject'])
            self.assertEqual(row[2], t['description_text'])
            self.assertEqual(row[13], ','.join(t['tags']))
            self.assertEqual(int(row[14]), len(t['conversations']))
        with open(self.dir + '/summary_report.json', encoding='utf-8') as f:
            summary = json.load(f)
        self.assertEqual(summary['total_tickets'], 1200)
        self.assertEqual(sum(summary['status_distribution'].values()), 1200)
        self.assertEqual(summary['conversation_stats']['total_conversations'],
                         sum(len(t['conversations']) for t in tickets))

    def test_quick_test_and_limit(self):
        """C1: 100 tickets; a limit is met exactly; then the rest."""
        with Sandbox(900) as sandbox:
            self.collect(sandbox, '--test', '--no-conversations')
            self.check_once(self.merged(), 100)
            self.collect(sandbox, '--max-tickets', '250', '--no-conversations')
            self.check_once(self.merged(), 250)
            self.collect(sandbox, '--no-conversations')
            self.check_once(self.merged(), 900)

    def test_again_fetches_only_changes(self):
        """A complete archive is brought up to date; the newest version counts, once."""
        with Sandbox(700) as sandbox:
            self.collect(sandbox, '--full')
            calls = sandbox.stats()['calls']
            some = [t['id'] for t in self.chunks()[:5]]
            sandbox.control(touch=some)
            self.collect(sandbox, '--full')
            more = sandbox.stats()['calls']
            self.assertLess(more['tickets'] - calls['tickets'], 12)
            self.assertEqual(more['conversations'] - calls['conversations'], 5)
            self.check_once(self.chunks(), 700)
            self.check_once(self.merged(), 700)
            changed = [t for t in self.merged() if t['updated_at'] >= '2026-11-20']
            self.assertEqual(sorted(t['id'] for t in changed), sorted(some))

    def test_many_in_one_second(self):
        """C2: thousands of tickets in each second; the anchor cannot move on page 1."""
        with Sandbox(5000, burst=1700) as sandbox:
            self.collect(sandbox, '--no-conversations')
        self.check_once(self.chunks(), 5000)

    def test_crowded_second(self):
        """C2: more tickets in one second than 300 pages show: none is missing, none is there twice."""
        with Sandbox(66000, burst=32000) as sandbox:
            _, err = self.collect(sandbox, '--no-conversations', '--no-export')
            self.assertIn('collect.crowded', err)
            process = self.start(sandbox, 'verify', self.dir, '--recount')
            out, err = process.communicate()
            self.assertEqual(process.returncode, 0, out + err)
            self.assertIn('66000 expected, 66000 held, 0 unexplained', out)
        tickets = self.chunks()
        self.check_once(tickets, 66000)
        seconds = collections.Counter(t['updated_at'] for t in tickets)
        self.assertGreater(seconds.most_common(1)[0][1], 30000)

    def test_every_entry(self):
        """What is not asked for has no entries: private notes are there, too."""
        with Sandbox(400) as sandbox:
            self.collect(sandbox, '--full', '--no-export')
            private = 0
            for t in self.chunks():
                ids = [e['id'] for e in t['conversations']]
                self.assertEqual(ids, [e['id'] for e in sandbox.thread(t['id'])], t['id'])
                private += bool(ids) and all(e['private'] for e in t['conversations'])
        self.assertGreater(private, 0)

    def test_dates(self):
        with Sandbox(3000) as sandbox:
            self.collect(sandbox, '--no-conversations')
            days = sorted(t['updated_at'][:10] for t in self.chunks())
            start, end = days[1000], days[2000]
            want = sum(start <= d <= end for d in days)
            self.dir += '-part'
            self.collect(sandbox, '--no-conversations', '--start-date', start, '--end-date', end)
        self.check_once(self.chunks(), want)

    def test_old_archive(self):
        """L1-27: chunks of the old collector in the root and in raw_data, old progress.json."""
        with Sandbox(800) as sandbox:
            self.collect(sandbox, '--full')
            tickets = self.chunks()
            shutil.rmtree(self.dir)
            os.makedirs(self.dir + '/raw_data/tickets')
            old = {'tickets_chunk_0000.json': tickets[:200],
                   'tickets_chunk_0001.json': tickets[200:400],
                   'raw_data/tickets/tickets_chunk_0000.json': tickets[350:500]}
            for name, part in old.items():
                with open(os.path.join(self.dir, name), 'w', encoding='utf-8') as f:
                    json.dump(part, f, ensure_ascii=False, indent=2)
            with open(self.dir + '/progress.json', 'w', encoding='utf-8') as f:
                json.dump({'last_updated': '2024-05-01T10:00:00.123456', 'total_collected': 450,
                           'chunks_completed': ['0000', '0001'], 'completed_ranges': []}, f)
            before = {name: os.stat(os.path.join(self.dir, name)).st_mtime_ns for name in old}
            calls = sandbox.stats()['calls']['conversations']
            self.collect(sandbox, '--resume')
            calls = sandbox.stats()['calls']['conversations'] - calls
        self.assertLessEqual(calls, 310)
        self.assertEqual({name: os.stat(os.path.join(self.dir, name)).st_mtime_ns for name in old},
                         before)
        merged = self.merged()
        self.check_once(merged, 800)
        by_id = {t['id']: t for t in tickets}
        for t in merged:
            self.assertEqual(t, by_id[t['id']])


class Breaks(Case):
    def undisturbed(self, sandbox, *words):
        kept, self.dir = self.dir, self.dir + '-calm'
        self.collect(sandbox, *words)
        tickets = sorted(json.dumps(t, sort_keys=True) for t in self.merged())
        self.dir = kept
        return tickets

    def test_kill(self):
        """C3: kill -9 at random moments; the same set, at most one page again for each kill."""
        kills = ROUNDS or 8
        rng = random.Random(4)
        with Sandbox(6000, api_latency_ms=4) as sandbox:
            words = ('--no-conversations',)
            want = self.undisturbed(sandbox, *words)
            pages = sandbox.stats()['calls']['tickets']
            done = 0
            for _ in range(kills):
                process = self.start(sandbox, 'collect', '--out', self.dir, '--no-export', *words,
                                     CHUNK_SIZE='500', COLLECT_SLICES='1')
                try:
                    process.communicate(timeout=rng.uniform(0.02, 0.25))
                    break
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    done += 1
            self.collect(sandbox, *words, CHUNK_SIZE='500')
            again = sandbox.stats()['calls']['tickets'] - 2 * pages
        self.assertEqual(sorted(json.dumps(t, sort_keys=True) for t in self.merged()), want)
        self.check_once(self.chunks(), 6000)
        # Each start asks two questions and looks for the windows' ends; besides that, one page.
        self.assertLessEqual(again, 6 * (done + 1))

    def test_kill_with_threads(self):
        rng = random.Random(5)
        with Sandbox(600, api_latency_ms=2) as sandbox:
            want = self.undisturbed(sandbox)
            threads = sandbox.stats()['calls']['conversations']
            for _ in range(ROUNDS or 6):
                process = self.start(sandbox, 'collect', '--out', self.dir, '--no-export')
                try:
                    process.communicate(timeout=rng.uniform(0.05, 0.2))
                    break
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
            self.collect(sandbox)
            threads = sandbox.stats()['calls']['conversations'] - 2 * threads
        self.assertEqual(sorted(json.dumps(t, sort_keys=True) for t in self.merged()), want)
        self.assertLessEqual(threads, 64 * (ROUNDS or 6))

    def test_term(self):
        """L1-24: SIGTERM stops cleanly with progress saved; --resume goes on."""
        with Sandbox(3000, api_latency_ms=100) as sandbox:
            process = self.start(sandbox, 'collect', '--out', self.dir)
            wait_for(lambda: glob.glob(self.dir + '/*.part'))
            process.send_signal(signal.SIGTERM)
            process.communicate()
            self.assertNotEqual(process.returncode, -signal.SIGTERM)
            with open(self.dir + '/progress.json', encoding='utf-8') as f:
                held = json.load(f)['total_collected']
            self.assertGreater(held, 0)
            self.assertLess(held, 3000)
            sandbox.control(api_latency_ms=0)
            self.collect(sandbox, '--resume')
        self.check_once(self.merged(), 3000)

    def test_churn(self):
        """C2: tickets change during the walk; nothing is lost, nothing is there twice."""
        for seed in range(ROUNDS or 3):
            with self.subTest(seed=seed), Sandbox(8000, seed=seed, churn_per_s=50,
                                                  api_latency_ms=10) as sandbox:
                shutil.rmtree(self.dir, True)
                self.collect(sandbox, '--no-conversations')
                self.check_once(self.chunks(), 8000)
                self.check_once(self.merged(), 8000)

    def test_faults(self):
        """Resets, half answers, HTML pages, broken JSON and 500s are tried again; all is there."""
        with Sandbox(2000) as sandbox:
            sandbox.control(faults=[{'path': '/api/v2/', 'kind': kind, 'probability': p}
                                    for kind, p in (('status:500', .01), ('reset', .01),
                                                    ('half', .005), ('html', .005),
                                                    ('truncated', .005), ('garbage', .005))])
            _, err = self.collect(sandbox)
            self.assertIn('0 left out', err)
            sandbox.control(faults=[])
            self.check_once(self.merged(), 2000)

    def test_unauthorised(self):
        """A 401 in the middle stops at once; then it goes on."""
        with Sandbox(2000) as sandbox:
            sandbox.control(faults=[{'path': '/api/v2/', 'kind': 'status:401', 'probability': 1,
                                     'after': 500}])
            _, err = self.collect(sandbox, status=1)
            self.assertIn('401', err)
            self.assertLess(sandbox.stats()['calls']['conversations'], 600)
            sandbox.control(faults=[])
            self.collect(sandbox, '--resume')
            self.check_once(self.merged(), 2000)

    def test_forbidden_and_missing(self):
        """403 on deleted tickets: others go on. 404 on a thread: named, the ticket is kept."""
        with Sandbox(500) as sandbox:
            sandbox.control(faults=[{'path': '/api/v2/tickets/7/conversations',
                                     'kind': 'status:404', 'probability': 1},
                                    {'path': '/api/v2/tickets/archived/7/', 'kind': 'status:404',
                                     'probability': 1}])
            _, err = self.collect(sandbox)
        self.check_once(self.merged(), 500)
        self.assertIn('1 left out', err)
        skips = self.lines('skip')
        self.assertEqual([(s['skip'], s['what']) for s in skips], [(7, 'conversations')])

    def test_disk_mark(self):
        """C4: a disk at its mark stops before anything is fetched, and says so."""
        with Sandbox(50) as sandbox:
            _, err = self.collect(sandbox, status=1, DISK_PAUSE_PERCENT='1')
            self.assertIn('DISK_PAUSE_PERCENT', err)
            self.assertEqual(sandbox.stats()['calls']['tickets'], 0)

    def test_full_disk(self):
        """A write that fails stops the run; after room was made it goes on, nothing is lost."""
        with Sandbox(3000) as sandbox:
            limited = ['bash', '-c', 'ulimit -f 2000; trap "" XFSZ; exec "$@"', 'bash', PROGRAM]
            process = self.start(sandbox, 'collect', '--out', self.dir, '--no-conversations',
                                 '--no-export', program=limited)
            _, err = process.communicate()
            self.assertEqual(process.returncode, 1, err)
            self.collect(sandbox, '--resume', '--no-conversations')
        self.check_once(self.merged(), 3000)
        self.check_once(self.chunks(), 3000)


class Commands(Case):
    def run_in(self, sandbox, *words, status=0, **settings):
        process = self.start(sandbox, *words, **settings)
        out, err = process.communicate()
        self.assertEqual(process.returncode, status, out + err)
        return out

    def test_verify(self):
        """C6: expected, held, unexplained; a second count; each difference explained or named."""
        with Sandbox(400) as sandbox:
            self.collect(sandbox, '--no-conversations')
            good = '400 expected, 400 held, 0 unexplained'
            self.assertIn(good, self.run_in(sandbox, 'verify', self.dir))
            self.assertIn(good, self.run_in(sandbox, 'verify', self.dir, '--recount'))
            gone = self.chunks()[10]['id']
            sandbox.control(delete=[gone])
            out = self.run_in(sandbox, 'verify', self.dir, '--recount')
            self.assertIn('ticket %d: held: deleted' % gone, out)
            self.assertIn(good, out)
            path = self.dir + '/tickets_chunk_0000.json'
            tickets = self.chunks()
            lost = tickets.pop(5)['id']
            with open(path, 'w', encoding='utf-8') as f:
                json.dump(tickets, f)
            out = self.run_in(sandbox, 'verify', self.dir, status=1)
            self.assertIn('ticket %d: told by the ledger, not in the files' % lost, out)
            self.assertIn('400 expected, 399 held, 1 unexplained', out)

    def test_menu(self):
        """L1-26: the old menu on a terminal: a bad choice, the quick test; then the end."""
        with Sandbox(300) as sandbox:
            for answers, want in ((b'9\n4\n', '종료합니다.'), (b'2\n', '총 티켓 수: 100')):
                ours, theirs = os.openpty()
                environment = dict(os.environ, FRESHDESK_DOMAIN='acme', FRESHDESK_API_KEY='demo',
                                   FRESHDESK_BASE_URL=sandbox.url, DISK_PAUSE_PERCENT='100',
                                   FRESHDESK_RATE_PER_MINUTE='1000000',
                                   FRESHDESK_LIST_RATE_PER_MINUTE='1000000')
                process = subprocess.Popen([PROGRAM, 'collect'], cwd=self.home, stdin=theirs,
                                           env=environment, text=True, stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL)
                os.write(ours, answers)
                out, _ = process.communicate()
                os.close(ours)
                os.close(theirs)
                self.assertEqual(process.returncode, 0)
                for text in ('Freshdesk 대용량 티켓 수집기', '1. 전체 수집 (무제한)',
                             '2. 빠른 테스트 (100건)', '3. 중단된 수집 재개', '4. 종료',
                             '선택하세요 (1-4): ', want):
                    self.assertIn(text, out)
            self.assertTrue(os.path.exists(self.home + '/freshdesk_full_data/all_tickets.json'))

    def test_archived(self):
        """Tickets that no list shows are found by id."""
        with Sandbox(300) as sandbox:
            self.collect(sandbox, '--archived')
            held = {t['id']: t for t in self.merged()}
        archived = [t for t in held.values() if t.get('archived')]
        self.assertGreater(len(archived), 0)
        self.check_once(self.merged(), 300 + len(archived) +
                        sum(1 for t in held.values() if t.get('deleted') or t.get('spam')))

    def test_export_file(self):
        """The account export's file first; only the rest is asked for."""
        with Sandbox(300) as sandbox:
            self.collect(sandbox)
            tickets = self.merged()
            name = self.home + '/export.json'
            with open(name, 'w', encoding='utf-8') as f:
                json.dump([{'helpdesk_ticket': t} for t in tickets[:200]], f)
            self.dir += '-export'
            calls = sandbox.stats()['calls']['conversations']
            self.collect(sandbox, '--from-export', name)
            self.assertLessEqual(sandbox.stats()['calls']['conversations'] - calls, 110)  # long threads have two pages
        self.check_once(self.merged(), 300)

    def test_old_settings(self):
        """L1-22: the old .env with its two vector switches is read; they change nothing."""
        with Sandbox(120) as sandbox:
            with open(self.home + '/.env', 'w', encoding='utf-8') as f:
                f.write('FRESHDESK_DOMAIN=acme\nFRESHDESK_API_KEY=demo\nRESET_VECTORDB=true\n'
                        'SKIP_VECTORDB_CONFIRMATION=true\nCHUNK_SIZE=50\nREQUEST_DELAY=0.01\n'
                        'MAX_RETRIES=10\nSAVE_INTERVAL=500\nFRESHDESK_BASE_URL=%s\n' % sandbox.url)
            environment = {k: v for k, v in os.environ.items() if k in ('PATH', 'HOME', 'TMPDIR')
                           or k.endswith('SAN_OPTIONS')}
            done = subprocess.run([PROGRAM, 'collect', '--quick-test', '--reset-vectordb', '--no-backup',
                                   '--force'], cwd=self.home, env={**environment, 'DISK_PAUSE_PERCENT': '100'},
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.dir = self.home + '/freshdesk_full_data'
        self.check_once(self.merged(), 100)
        self.assertEqual(len(glob.glob(self.dir + '/tickets_chunk_*.json')), 2)

    def test_background(self):
        """C1: by the program itself: its own session, log and PID file; the result files at its end."""
        with Sandbox(300) as sandbox:
            out = self.run_in(sandbox, 'collect', '--full', '--background', '--share', '50')
            self.assertIn('로그: tail -f freshdesk_full_collection.log', out)
            with open(self.home + '/freshdesk_collection.pid', encoding='ascii') as f:
                pid = int(f.read())
            wait_for(lambda: ended(pid))
            with open(self.home + '/freshdesk_full_collection.log', encoding='utf-8') as f:
                log = f.read()
        self.dir = self.home + '/freshdesk_full_data'
        self.assertIn('300 tickets held', log)
        self.check_once(self.merged(), 300)

    def test_scripts_and_monitor(self):
        """L1-23, L1-24, L1-25: the old names, the PID file, the lines of the monitor."""
        scripts = os.path.abspath('config/scripts')
        with Sandbox(3000, api_latency_ms=100) as sandbox:
            environment = dict(os.environ, DESKSTREAM=PROGRAM, FRESHDESK_DOMAIN='acme',
                               FRESHDESK_API_KEY='demo', FRESHDESK_BASE_URL=sandbox.url,
                               FRESHDESK_RATE_PER_MINUTE='1000000', DISK_PAUSE_PERCENT='100',
                               FRESHDESK_LIST_RATE_PER_MINUTE='1000000')

            def script(name):
                done = subprocess.run([os.path.join(scripts, name)], cwd=self.home, text=True,
                                      env=environment, stdin=subprocess.DEVNULL,
                                      capture_output=True, check=True)
                return done.stdout

            out = script('monitor_collection.sh')
            self.assertIn('PID 파일을 찾을 수 없습니다. 프로세스가 실행 중이 아닙니다.', out)
            self.assertIn('아직 저장된 청크가 없습니다.', out)
            self.assertIn('중지: kill $(cat freshdesk_collection.pid)', script('run_full_collection.sh'))
            with open(self.home + '/freshdesk_collection.pid', encoding='ascii') as f:
                pid = int(f.read())
            self.assertIn('수집 프로세스 실행 중 (PID: %d)' % pid, script('monitor_collection.sh'))
            wait_for(lambda: glob.glob(self.home + '/freshdesk_full_data/*.part'))
            again = self.start(sandbox, 'collect', '--background')
            _, err = again.communicate()
            self.assertEqual(again.returncode, 1)
            self.assertIn('(PID: %d)' % pid, err)
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda: ended(pid))
            with open(self.home + '/freshdesk_full_collection.log', encoding='utf-8') as f:
                self.assertIn('not complete', f.read())
            out = script('monitor_collection.sh')
            self.assertIn('진행 상황:', out)
            self.assertIn('최근 로그 (마지막 5줄):', out)
            self.assertIn('계속 모니터링하려면:', out)
            self.assertTrue(os.path.exists(self.home + '/freshdesk_full_data/progress.json'))


if __name__ == '__main__':
    unittest.main()
