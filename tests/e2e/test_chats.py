"""The chat batch as an old installation runs it: the real program, run_batch.sh, a real MariaDB with the old three
tables, and the sandbox as the model, whose chats have a known category. Covers B1, B2, B3, L1 (30, 32-35, 37)."""
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse

from support import BUILD, ROOT, Database, Sandbox, call, until
from test_mail import PYTHON, Mailer, attachment, has

DAY = '2024-03-15'
PROGRAM = os.path.join(BUILD, 'deskstream')
RUN_BATCH = os.path.join(ROOT, 'config', 'scripts', 'run_batch.sh')
CATEGORIES = ['학교폭력', '교권보호 (교육활동 보호)', '학생 생활', '평가(성적) 관련', '전학, 편입', '입학 관련',
              '검정고시', '교원 임용고시 관련', '제 증명 관련', '정보공개', '기타']


def quoted(text):
    """Byte for byte: the client would change line ends."""
    return "convert(x'%s' using utf8mb4)" % text.encode().hex()


class Office:
    """A database of the old system, a folder with its .env, and the model."""

    made = 0

    def __init__(self, **settings):
        Office.made += 1
        self.name = 'chats_e2e_%d_%d' % (os.getpid(), Office.made)
        self.dir = tempfile.mkdtemp(prefix='deskstream-chats-')
        self.database = Database()
        self.sandbox = None
        self.sql('create database %s character set utf8mb4' % self.name, 'mysql')
        self.sql('create table chattings (chatting_pk int primary key auto_increment, input_text text, '
                 'created_at datetime, key (created_at));'
                 'create table admin_categories (category_id int primary key, category_name varchar(100));'
                 'create table admin_chat_keywords (id int primary key auto_increment, query_text text, '
                 'keyword varchar(100), category_id int, query_count int, created_at datetime, '
                 'batch_created_at datetime);'
                 'insert into admin_categories values '
                 + ','.join('(%d,%s)' % (i + 1, quoted(n)) for i, n in enumerate(CATEGORIES)))
        self.sandbox = Sandbox('--latency_ms', '5', '--token_ms', '0')
        url = os.environ['TEST_MARIADB_URL']
        parts = urllib.parse.urlsplit(url)
        self.env = {
            'ENGINE_FOR_SQLALCHEMY': urllib.parse.urlunsplit(parts._replace(path='/' + self.name)),
            'CRON_SCHEDULE': '0 1 * * *',  # as the old files have it, without quotes
            'DATABASE_URL': self.database.url,
            'HCX_BASE_URL': self.sandbox.url,
            'HCX_CHAT_API_KEY': 'nv-sandbox',
            'HCX_MAX_REQUESTS_PER_MINUTE': '100000',
            'HCX_MAX_TOKENS_PER_MINUTE': '100000000',
            'BATCH_RETRY_DELAY': '0',
            'EMAIL_ENABLED': 'false',
            **{k: str(v) for k, v in settings.items()},
        }
        with open(os.path.join(self.dir, '.env'), 'w', encoding='utf-8') as f:
            f.writelines('%s=%s\n' % row for row in self.env.items())

    def sql(self, text, database=None):
        return subprocess.run(
            ['mariadb', '--no-defaults', '-u', 'root', '-S', os.environ['TEST_MARIADB_DIR'] + '/s',
             '--default-character-set=utf8mb4', '-N', '-B', '-r', database or self.name],
            input=text, check=True, capture_output=True, text=True).stdout

    def fill(self, count, edges=0):
        """Chats of the day; returns {text: category id}."""
        rows = call(self.sandbox.port, 'GET', '/sandbox/chats?day=%s&n=%d&edges=%d'
                    % (DAY, count, edges)).json()
        for at in range(0, len(rows), 500):
            self.sql('insert into chattings (input_text, created_at) values ' + ','.join(
                '(%s,%s)' % (quoted(r['text']), quoted(r['created_at'])) for r in rows[at:at + 500]))
        return {r['text']: r['category_id'] for r in rows}

    def stats(self):
        return call(self.sandbox.port, 'GET', '/sandbox/stats').json()

    def begin(self, *words, script=False, **env):
        clean = {k: v for k, v in os.environ.items()
                 if k in ('PATH', 'HOME', 'LANG', 'TMPDIR') or k.endswith('SAN_OPTIONS')}
        return subprocess.Popen([RUN_BATCH if script else PROGRAM, *words], cwd=self.dir,
                                env={**clean, 'DESKSTREAM': PROGRAM, **env}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words, **more):
        p = self.begin(*words, **more)
        out, err = p.communicate(timeout=300)
        return p.returncode, out, err

    def results(self):
        """What our own tables hold of the day: [{text, state, category_id, chat_count, reason}]."""
        # Superusers pass over row-level security; the tests' role does not, so the tenant is named.
        text = self.database.query(
            "set deskstream.tenant_id = '1'; select coalesce(json_agg(json_build_object('text', input_text, "
            "'state', state, 'category_id', category_id, 'chat_count', chat_count, 'reason', reason)), '[]') "
            "from deskstream.chat_results where day = '%s'" % DAY)
        return json.loads(text)

    def keywords(self):
        """{text: {category ids}} of what was written back for the day, and how many rows there are."""
        rows = self.sql("select json_object('t', query_text, 'c', category_id, 'k', keyword, 'n', query_count) "
                        "from admin_chat_keywords where created_at = '%s 00:00:00'" % DAY).splitlines()
        found = {}
        for row in map(json.loads, rows):
            assert 1 <= len(row['k']) <= 100 and row['n'] >= 1, row
            found.setdefault(row['t'], set()).add(row['c'])
        return found, len(rows)

    def close(self):
        if self.sandbox is not None:
            self.sandbox.stop()
        self.sql('drop database %s' % self.name, 'mysql')
        self.database.drop()
        shutil.rmtree(self.dir)


@unittest.skipUnless(os.environ.get('TEST_MARIADB_URL') and os.environ.get('TEST_MARIADB_DIR'),
                     'no MariaDB (TEST_MARIADB_URL)')
class Chats(unittest.TestCase):
    def office(self, **settings):
        office = Office(**settings)
        self.addCleanup(office.close)
        return office

    def check(self, office, truth, count):
        """In = classified + failed, nothing mislabelled, every failure with a reason, all written back."""
        results = office.results()
        self.assertEqual({r['text'] for r in results}, set(truth))
        self.assertEqual(sum(r['chat_count'] for r in results), count)
        self.assertLessEqual({r['state'] for r in results}, {'classified', 'failed'})
        wrong = [r for r in results if r['state'] == 'classified' and r['category_id'] != truth[r['text']]]
        self.assertEqual(wrong, [])
        self.assertTrue(all(r['reason'] for r in results if r['state'] == 'failed'))
        written, _ = office.keywords()
        good = {r['text']: {r['category_id']} for r in results if r['state'] == 'classified'}
        self.assertEqual(written, good)
        return [r for r in results if r['state'] == 'failed']

    def recount(self, office, path, counts):
        """The workbook by openpyxl, and by LibreOffice where it is installed: in = classified + failed."""
        p = subprocess.run([PYTHON, os.path.join(ROOT, 'tests/unit/chats/book.py'), path, *map(str, counts),
                            '--plain'], capture_output=True, text=True, check=False)
        self.assertEqual(p.returncode, 0, p.stderr)
        if not shutil.which('soffice'):
            return
        p = subprocess.run(['soffice', '-env:UserInstallation=file://' + office.dir + '/office', '--headless',
                            '--convert-to', 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,1',
                            '--outdir', office.dir, path], capture_output=True, text=True, check=False)
        sheets = [n for n in os.listdir(office.dir) if n.endswith('.csv')]
        self.assertTrue(sheets, p.stdout + p.stderr)
        with open(os.path.join(office.dir, sheets[0]), encoding='utf-8') as f:
            cover = {r[0]: r[1:4] for r in csv.reader(f) if r}
        whole, done, failed = ([int(c.replace(',', '')) for c in cover[k][:2]]
                               for k in ('접수 (In)', '분류 완료', '분류 실패'))
        self.assertEqual(whole, counts[:2])
        self.assertEqual(whole, [a + b for a, b in zip(done, failed)])

    def mailed_office(self):
        mailer = Mailer()
        self.addCleanup(mailer.stop)
        return mailer, self.office(SMTP_SERVER='127.0.0.1', SMTP_PORT=mailer.port, EMAIL_ENABLED='true',
                                   SENDER_EMAIL='bot@example.com', RECIPIENT_EMAILS='a@example.com')

    @unittest.skipUnless(has('aiosmtpd') and has('openpyxl'), 'no aiosmtpd and openpyxl here')
    def test_ten_thousand(self):
        mailer, office = self.mailed_office()
        truth = office.fill(10000, edges=1)
        office.sandbox.control(sort_stuck=1)
        status, out, err = office.run('complete', DAY, script=True)
        self.assertEqual(status, 0, (out, err))
        self.assertRegex(out, r'(?m)^✅ %s: 상담 10000건' % DAY)
        self.assertEqual(len(re.findall(r'🎉.*완료', out)), 1)  # what check_logs.sh counts
        failed = self.check(office, truth, 10000)
        mails = mailer.mails()
        self.assertEqual([m['subject'] for m in mails], ['✅ 채팅 키워드 배치 처리 완료 - ' + DAY,
                                                         '📊 채팅 키워드 분류 보고서 - ' + DAY])
        name, data = attachment(mails[-1])
        self.assertEqual(name, '채팅키워드분류보고서_%s.xlsx' % DAY)
        path = os.path.join(office.dir, 'received.xlsx')
        with open(path, 'wb') as f:
            f.write(data)
        self.recount(office, path, [len(truth), 10000, len(failed)])

    @unittest.skipUnless(has('aiosmtpd'), 'no aiosmtpd here')
    def test_again(self):
        mailer, office = self.mailed_office()
        truth = office.fill(300, edges=1)
        office.sandbox.control(sort_stuck=5)
        status, out, err = office.run('complete', DAY, script=True)
        self.assertEqual(status, 0, (out, err))
        failed, (_, rows) = self.check(office, truth, 300), office.keywords()
        self.assertEqual(len(mailer.mails()), 2)
        office.sandbox.control(sort_stuck=0)
        asked = office.stats()['sort_chats']  # only what failed is asked again, and what changed is mailed
        status, out, err = office.run('complete', DAY, script=True)
        self.assertEqual(status, 0, (out, err))
        self.assertLessEqual(office.stats()['sort_chats'] - asked, len(failed))
        left, (_, more) = self.check(office, truth, 300), office.keywords()
        self.assertTrue(all(not r['text'].strip() for r in left))
        self.assertGreater(more, rows)
        self.assertEqual(len(mailer.mails()), 4)
        asked = office.stats()['sort_calls']  # nothing has changed: nothing is asked, written twice or mailed
        status, out, err = office.run('complete', DAY, script=True)
        self.assertEqual((status, len(mailer.mails())), (0, 4), (out, err))
        self.assertEqual((office.stats()['sort_calls'], office.keywords()[1]), (asked, more))

    def test_bad_model(self):
        office = self.office()
        truth = office.fill(1500, edges=1)
        office.sandbox.control(sort_misorder=30, sort_drop=20, sort_invent=20, sort_prose=10,
                               sort_cut=10, sort_misquote=10, sort_stuck=2)
        status, out, err = office.run('batch', '-d', DAY)
        self.assertEqual(status, 0, (out, err))
        failed = self.check(office, truth, 1500)
        self.assertGreater(len(failed), 0)
        office.sandbox.control(sort_misorder=0, sort_drop=0, sort_invent=0, sort_prose=0, sort_cut=0,
                               sort_misquote=0, sort_stuck=0, reset_stats=True)
        status, out, _ = office.run('missing', 'auto', '-s', DAY, '-e', DAY)
        self.assertEqual(status, 0, out)
        self.assertLessEqual(office.stats()['sort_chats'], len(failed))  # only those are asked again
        left = self.check(office, truth, 1500)
        self.assertTrue(all(not r['text'].strip() for r in left), left)  # nothing to classify in them

    def test_killed_and_stopped(self):
        office = self.office()
        truth = office.fill(1200)
        for how in (signal.SIGKILL, signal.SIGTERM):
            # 24 calls are answered; when all eight workers hang in the next ones, all 24 are kept.
            office.sandbox.control(faults=[{'path': '/v3/', 'kind': 'timeout', 'probability': 1,
                                            'after': 24, 'count': -1}])
            begun = office.stats()['calls']['chat']
            p = office.begin('batch', '-d', DAY, '--workers', '8')
            until(lambda n=begun + 32: office.stats()['calls']['chat'] >= n)
            p.send_signal(how)
            out, err = p.communicate(timeout=60)
            self.assertEqual(p.returncode, -9 if how == signal.SIGKILL else 1, (out, err))
            if how == signal.SIGTERM:
                self.assertIn('❌ 작업 실패!', out)
        office.sandbox.control(faults=[])
        known = sum(r['state'] == 'classified' for r in office.results())
        self.assertEqual(known, 2 * 24 * 5)
        status, out, err = office.run('batch', '-d', DAY)
        self.assertEqual(status, 0, (out, err))
        self.assertIn('이미 분류됨 %d개' % known, out)
        self.assertEqual(self.check(office, truth, 1200), [])
        self.assertEqual(office.stats()['sort_chats'], len(truth))  # each is paid for once

    def test_mariadb_goes_away(self):
        office = self.office()
        truth = office.fill(400)
        office.sandbox.control(latency_ms=100)
        p = office.begin('batch', '-d', DAY, '--workers', '4')
        until(lambda: office.stats()['sort_calls'] >= 5)
        subprocess.run([os.path.join(ROOT, 'tests/mariadb/server.sh'), 'restart', os.environ['TEST_MARIADB_DIR']],
                       check=True, capture_output=True)
        out, err = p.communicate(timeout=200)
        self.assertEqual(p.returncode, 0, (out, err))
        self.assertEqual(self.check(office, truth, 400), [])

    def test_model_refuses_the_key(self):
        office = self.office(HCX_CHAT_API_KEY='wrong')
        truth = office.fill(50)
        status, out, err = office.run('batch', DAY, DAY, script=True)
        self.assertEqual(status, 1, (out, err))
        self.assertEqual(len(re.findall(r'❌.*실패', out)), 1)
        self.assertIn('failed_dates: ' + DAY, out)
        status, out, err = office.run('complete', DAY, script=True)
        self.assertEqual(status, 1, (out, err))
        self.assertIn('failed_dates: ' + DAY, out)
        failed = self.check(office, truth, 50)
        self.assertEqual(len(failed), len(truth))

    def test_missing_and_dry_run(self):
        office = self.office()
        truth = office.fill(300)
        status, out, _ = office.run('batch', '-d', DAY, '--dry-run')
        self.assertEqual((status, office.stats()['sort_calls'], office.results()), (0, 0, []), out)
        self.assertIn('상담 300건', out)
        status, out, _ = office.run('missing', 'check', '-s', DAY, '-e', DAY)
        self.assertEqual(status, 0, out)  # the old one crashed here
        self.assertIn('누락된 질문 %d개 (상담 300건)' % len(truth), out)
        status, out, err = office.run('missing', DAY, DAY, script=True)
        self.assertEqual(status, 0, (out, err))
        self.check(office, truth, 300)
        paid = office.stats()['sort_calls']
        office.sql("delete from admin_chat_keywords where category_id = 7")
        status, out, _ = office.run('missing', 'process', '-s', DAY, '-e', DAY)
        self.assertEqual(status, 0, out)
        self.check(office, truth, 300)
        self.assertEqual(office.stats()['sort_calls'], paid)  # our own tables still know

    def test_categories(self):
        office = self.office()
        truth = office.fill(200)
        office.sql("update admin_categories set category_id = category_id + 500 where category_id <> 11;"
                   "delete from admin_categories where category_id = 507")
        status, out, err = office.run('batch', '-d', DAY)
        self.assertEqual(status, 0, (out, err))
        want = {t: {11 if c in (7, 11) else c + 500} for t, c in truth.items()}
        self.assertEqual(office.keywords()[0], want)

    def test_words_and_statuses(self):
        office = self.office()
        status, out, err = office.run('status')  # a new container's health, before the first night
        self.assertEqual(status, 0, (out, err))
        self.assertIn('첫 실행이', out)
        for want, words in ((2, ['batch', '-d', 'someday']), (2, ['batch', '--nonsense']),
                            (2, ['missing', 'check', '-s', DAY]), (1, ['missing']),
                            (2, ['batch', '-s', DAY, '-e', '2024-03-14']),
                            (0, ['batch', '--help']), (0, ['batch', '-d', DAY])):
            status, out, err = office.run(*words)
            self.assertEqual(status, want, (words, out, err))
        self.assertIn('해당 기간(%s)에 처리할 상담이 없습니다.' % DAY, out)
        status, out, err = office.run('complete', DAY, script=True)  # a day without chats is no failure
        self.assertEqual(status, 0, (out, err))
        self.assertIn('해당 기간(%s ~ %s)에 분류된 데이터가 없습니다.' % (DAY, DAY), out + err)
        status, out, err = office.run('batch', '-d', DAY, PARALLEL_MAX_WORKERS='many')
        self.assertEqual(status, 1, (out, err))
        self.assertIn('PARALLEL_MAX_WORKERS', err)
        for words in ([], ['nonsense'], ['batch', DAY]):
            status, _, err = office.run(*words, script=True)
            self.assertEqual(status, 1, words)
            self.assertIn('사용법', err)
        for want, words in ((1, ['config']), (0, ['config', 'show'])):
            status, out, err = office.run(*words)
            self.assertEqual(status, want, (words, out, err))
        for group in ('병렬 처리', '배치', '이메일', '도커'):
            self.assertIn(group, out)
        office.sandbox.control(faults=[{'path': '/v1/api-tools/embedding', 'kind': 'status:404', 'probability': 1,
                                        'count': -1}])
        status, out, err = office.run('config', 'validate')  # a key for chats alone will do
        self.assertEqual(status, 0, (out, err))
        self.assertIn('❓ Embeddings', out)
        office.sandbox.control(faults=[])
        status, out, err = office.run('config', 'validate', PARALLEL_MAX_WORKERS='many')
        self.assertEqual(status, 1, (out, err))
        old = subprocess.run(['python3', os.path.join(ROOT, 'config', 'scripts', 'cli.py'), 'batch', '-d', 'x'],
                             env={**os.environ, 'DESKSTREAM': PROGRAM}, cwd=office.dir, check=False,
                             capture_output=True)
        self.assertEqual(old.returncode, 2, old)
        status, out, err = office.run('status', script=True)
        self.assertEqual(status, 0, (out, err))  # no server runs, and the batch needs none
        self.assertIn('📋 시스템 상태:', out)
        self.assertRegex(out, r'✅ 데이터베이스: .*MariaDB')
        status, out, _ = office.run('status', ENGINE_FOR_SQLALCHEMY='mysql://x:y@127.0.0.1:1/z')
        self.assertEqual(status, 1, out)
        self.assertIn('❌ 데이터베이스', out)
        status, out, _ = office.run('batch', '-d', DAY, ENGINE_FOR_SQLALCHEMY='mysql://x:y@127.0.0.1:1/z')
        self.assertEqual(status, 1, out)


if __name__ == '__main__':
    unittest.main()
