"""collect --to postgres and sync --from: C7, and that the ledger's promise holds in the database, too."""
import json
import os
import random
import shutil
import subprocess
import unittest

from collector import Case, Sandbox
from support import Database

SETTINGS = {'SANDBOX': '1', 'HCX_CHAT_API_KEY': 'nv-sandbox', 'HCX_MAX_REQUESTS_PER_MINUTE': '100000',
            'EMBEDDING_MAX_REQUESTS_PER_MINUTE': '100000',
            'EMBEDDING_MAX_TOKENS_PER_MINUTE': '100000000', 'LOG_LEVEL': 'warn'}


class Load(Case):
    def setUp(self):
        super().setUp()
        self.database = Database()
        self.addCleanup(self.database.drop)

    def load(self, sandbox, *words, **settings):
        return self.collect(sandbox, '--to', 'postgres', *words,
                            **{**SETTINGS, 'DATABASE_URL': self.database.url,
                               'HCX_BASE_URL': sandbox.url, **settings})

    def query(self, text):
        """As the one tenant there is: row-level security is on for everybody."""
        tenant = self.database.query('select id from deskstream.tenants').strip()
        return self.database.query('set deskstream.tenant_id = %s; %s' % (tenant, text))

    def count(self, table, where='true'):
        return int(self.query('select count(*) from deskstream.%s where %s' % (table, where)))

    def sync(self, sandbox, *words, status=0):
        process = self.start(sandbox, 'sync', *words,
                             **{**SETTINGS, 'DATABASE_URL': self.database.url,
                                'HCX_BASE_URL': sandbox.url})
        out, err = process.communicate()
        self.assertEqual(process.returncode, status, out + err)
        return out + err

    def check_same(self):
        """Every ticket of the archive is in the database, in its version, with its whole thread."""
        archive = {t['id']: (t['updated_at'], len(t['conversations'])) for t in self.merged()}
        rows = self.query(
            "select t.id, to_char(t.updated_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
            '(select count(*) from deskstream.conversations c where c.ticket_id = t.id) '
            'from deskstream.tickets t where not t.deleted')
        stored = {}
        for row in rows.splitlines():
            number, at, talks = row.split('|')
            stored[int(number)] = (at, int(talks))
        gone = {line['gone'] for line in self.lines('gone')}
        self.assertEqual({k: v for k, v in archive.items() if k not in gone},
                         {k: v for k, v in stored.items() if k not in gone})
        self.assertEqual(self.count('ticket_texts'), len(stored))
        self.assertEqual(self.count('tickets', "raw ? 'conversations'"), 0)

    def test_whole(self):
        """Rows, threads and texts in the same pass; again writes only what changed; deleted ones are marked."""
        with Sandbox(1500) as sandbox:
            _, err = self.load(sandbox, '--full', CHUNK_SIZE='400')
            self.assertIn('1500 rows written', err)
            self.check_same()
            _, err = self.load(sandbox, '--full')
            self.assertIn(' 0 rows written', err)
            some = [t['id'] for t in self.merged()[:4]]
            sandbox.control(touch=some)
            _, err = self.load(sandbox, '--full')
            self.assertIn(' 4 rows written', err)
            self.check_same()
            sandbox.control(delete=some[:2])
            self.load(sandbox, '--full')
            self.check_same()
            self.assertEqual(self.count('tickets', 'deleted and id in (%d, %d)' % tuple(some[:2])), 2)

    def test_files_first_then_rows(self):
        """An archive that is there already is loaded without a second download."""
        with Sandbox(900) as sandbox:
            self.collect(sandbox, '--full', CHUNK_SIZE='250')
            before = sandbox.stats()['calls']['conversations']
            self.load(sandbox, '--full')
            self.assertEqual(sandbox.stats()['calls']['conversations'], before)
        self.check_same()

    def test_without_threads(self):
        """Tickets alone; threads that are stored stay as they are."""
        with Sandbox(300) as sandbox:
            self.load(sandbox, '--full')
            talks = self.count('conversations')
            shutil.rmtree(self.dir)
            self.load(sandbox, '--full', '--no-conversations')
        self.assertGreater(talks, 0)
        self.assertEqual(self.count('conversations'), talks)
        self.assertEqual(self.count('tickets'), 300)

    def test_killed_anywhere(self):
        """C3, C7: kill -9 at random moments; in the end nothing is lost and nothing there twice."""
        rng = random.Random(7)
        with Sandbox(4000, api_latency_ms=2) as sandbox:
            for _ in range(8):
                process = self.start(sandbox, 'collect', '--out', self.dir, '--to', 'postgres',
                                     **{**SETTINGS, 'DATABASE_URL': self.database.url,
                                        'HCX_BASE_URL': sandbox.url, 'CHUNK_SIZE': '300'})
                try:
                    process.communicate(timeout=rng.uniform(0.2, 1.2))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
            self.load(sandbox, '--full', CHUNK_SIZE='300')
        self.check_once(self.merged(), 4000)
        self.check_same()

    def test_vectors_from_files(self):
        """C7: vectors of a whole archive without a second download; then only what changed is asked for."""
        with Sandbox(450) as sandbox:
            self.collect(sandbox, '--full', CHUNK_SIZE='180')
            calls = sandbox.stats()['calls']
            self.assertIn(' 450 written, 0 unchanged, 0 failed', self.sync(sandbox, '--from', self.dir))
            after = sandbox.stats()['calls']
            for kind in ('tickets', 'conversations'):
                self.assertEqual(calls[kind], after[kind], kind)
            self.check_same()
            self.assertGreaterEqual(self.count('vectors_tickets'), 450)
            self.assertIn(' 0 written, 450 unchanged', self.sync(sandbox, 'tickets', '--from', self.dir))
            some = [t['id'] for t in self.merged()[:3]]
            sandbox.control(touch=some)
            self.assertIn(' 3 written', self.sync(sandbox, 'tickets'))
            self.assertEqual(sandbox.stats()['calls']['conversations'], after['conversations'] + 3)
            # The files are older than the rows now: those stay.
            self.assertIn(' 0 written, 450 unchanged', self.sync(sandbox, '--from', self.dir))
            changed = self.count('tickets', "updated_at >= '2026-11-20'")
            self.assertGreaterEqual(changed, 3)

    def test_vectors_after_rows(self):
        """First --to postgres, then sync --from: rows stay, vectors are made."""
        with Sandbox(250) as sandbox:
            self.load(sandbox, '--full')
            self.assertEqual(self.count('vectors_tickets'), 0)
            self.assertIn(' 250 written', self.sync(sandbox, '--from', self.dir))
            self.assertGreaterEqual(self.count('vectors_tickets'), 250)
            self.assertEqual(self.count('tickets', 'synced_hash = content_hash'), 250)

    def test_vectors_from_what(self):
        """No folder; a folder without threads; options that mean nothing."""
        with Sandbox(60) as sandbox:
            self.assertIn('there is no archive', self.sync(sandbox, '--from', self.dir, status=1))
            self.collect(sandbox, '--no-conversations', '--no-export')
            self.assertIn('without conversations', self.sync(sandbox, '--from', self.dir, status=1))
            self.sync(sandbox, '--from', self.dir, '--limit', '3', status=2)
            self.sync(sandbox, 'kb', '--from', self.dir, status=2)

    def test_rows_lost(self):
        """A database that lost rows (a restored backup) is filled again."""
        with Sandbox(700) as sandbox:
            self.load(sandbox, '--full')
            self.query('delete from deskstream.conversations; delete from deskstream.tickets '
                                'where id % 3 = 0; delete from deskstream.ticket_texts')
            self.query("update deskstream.tickets set content_hash = ''")
            self.load(sandbox, '--full')
        self.check_same()

    def test_database_away(self):
        """No database: told at once, nothing is begun."""
        with Sandbox(100) as sandbox:
            _, err = self.load(sandbox, '--test', status=1,
                               DATABASE_URL='postgresql://127.0.0.1:1/none?connect_timeout=2')
        self.assertIn('deskstream collect:', err)
        self.assertFalse(os.path.exists(self.dir + '/all_tickets.json'))

    def test_refused_alone(self):
        """A ticket that the database refuses is named; the others are loaded."""
        with Sandbox(200) as sandbox:
            self.collect(sandbox, '--full', '--no-export')
            path = self.dir + '/tickets_chunk_0000.json'
            with open(path, encoding='utf-8') as f:
                tickets = json.load(f)
            bad = tickets[5]['id']
            self.load(sandbox, '--full', '--no-export')
            self.query('truncate deskstream.tickets, deskstream.conversations, '
                                'deskstream.ticket_texts, deskstream.collect_loads')
            self.query('alter table deskstream.tickets add check (id <> %d)' % bad)
            self.load(sandbox, '--full', '--no-export')
        self.assertEqual(self.count('tickets'), 199)
        self.assertEqual([line['skip'] for line in self.lines('skip') if line['what'] == 'postgres'],
                         [bad])


if __name__ == '__main__':
    unittest.main()
