"""A day's chats to a mailed workbook: `complete` and `report` of the real program, a real SMTP server.

The chats lie in a SQLite file in the old tables. Servers that refuse for a while, drop the connection after
the data, demand STARTTLS and a login; a full disk; a mail that is put twice. What arrives is opened with
openpyxl, and with LibreOffice where that is installed, and recounted.
"""
import csv
import email
import email.policy
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import support  # noqa: E402

DAY = '2024-03-15'
PYTHON = '/usr/bin/python3'
HERE = os.path.dirname(os.path.abspath(__file__))


def has(module):
    return subprocess.run([PYTHON, '-c', 'import ' + module], capture_output=True,
                          check=False).returncode == 0


class Mailer:
    """tests/e2e/mailer.py with a folder of its own."""

    def __init__(self, tls=False):
        self.dir = tempfile.mkdtemp(prefix='deskstream-mail-')
        self.mode('ok')
        if tls:
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj',
                            '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
                            '-keyout', self.dir + '/key.pem', '-out', self.dir + '/cert.pem'],
                           check=True, capture_output=True)
        self.log = open(self.dir + '/log', 'wb')
        self.process = subprocess.Popen([PYTHON, HERE + '/mailer.py', self.dir], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = int(self.process.stdout.readline() or 0)

    def mode(self, name):
        with open(self.dir + '/mode.part', 'w', encoding='utf-8') as f:
            f.write(name)
        os.rename(self.dir + '/mode.part', self.dir + '/mode')

    def mails(self):
        """What was taken, in order, parsed."""
        names = sorted((n for n in os.listdir(self.dir) if n.endswith('.eml')), key=lambda n: int(n[:-4]))
        found = []
        for n in names:
            with open(os.path.join(self.dir, n), 'rb') as f:
                found.append(email.message_from_binary_file(f, policy=email.policy.default))
        return found

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def attachment(mail):
    found = [p for p in mail.walk() if p.get_content_disposition() == 'attachment']
    assert len(found) == 1, found
    return found[0].get_filename(), found[0].get_payload(decode=True)


class Fixture(unittest.TestCase):
    """A day of chats in a SQLite file, the sandbox, a database; no tests of its own."""
    day = DAY

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='deskstream-chats-')
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.database = support.Database()
        self.addCleanup(self.database.drop)
        self.sandbox = support.Sandbox('--latency_ms', '0')
        self.addCleanup(self.sandbox.stop)
        self.mailer = None
        self.env = {
            'DATABASE_URL': self.database.url, 'HCX_BASE_URL': self.sandbox.url,
            'HCX_CHAT_API_KEY': 'nv-sandbox', 'HCX_MAX_REQUESTS_PER_MINUTE': '60000',
            'HCX_MAX_TOKENS_PER_MINUTE': '100000000', 'TZ': 'Asia/Seoul', 'EMAIL_TIMEOUT': '10',
            'ENGINE_FOR_SQLALCHEMY': 'sqlite:///' + self.dir + '/chats.db',
            'REPORT_OUTPUT_DIR': self.dir + '/reports', 'SENDER_EMAIL': 'bot@example.com',
            'RECIPIENT_EMAILS': 'a@example.com, 김담당 <b@example.com>', 'ORG_NAME': '한빛 교육청',
        }
        self.rows = self.fill(120)

    def fill(self, count):
        reply = support.call(self.sandbox.port, 'GET',
                             '/sandbox/chats?day=%s&n=%d&form=csv' % (self.day, count))
        rows = list(csv.DictReader(io.StringIO(reply.body.decode())))
        self.assertEqual(len(rows), count)
        db = sqlite3.connect(self.dir + '/chats.db')
        db.execute('create table chattings (chatting_pk integer primary key, input_text text, created_at datetime)')
        db.execute('create table admin_categories (category_id integer, category_name varchar(100))')
        db.execute('create table admin_chat_keywords (query_text text, keyword varchar(100), category_id int, '
                   'query_count int, created_at datetime, batch_created_at datetime)')
        db.executemany('insert into chattings values (:chatting_pk, :input_text, :created_at)', rows)
        db.executemany('insert into admin_categories values (?, ?)',
                       sorted({(int(r['category_id']), r['category']) for r in rows}))
        db.commit()
        db.close()
        return rows

    def serve_mail(self, tls=False):
        self.mailer = Mailer(tls)
        self.addCleanup(self.mailer.stop)
        self.env.update(SMTP_SERVER='127.0.0.1', SMTP_PORT=str(self.mailer.port))
        if tls:
            self.env.update(SMTP_SERVER='localhost', SMTP_CA_FILE=self.mailer.dir + '/cert.pem',
                            SENDER_PASSWORD='right-secret')

    def run_it(self, *words, **env):
        clean = {k: v for k, v in os.environ.items()
                 if k in ('PATH', 'HOME', 'LANG', 'TMPDIR') or k.endswith('SAN_OPTIONS')}
        return subprocess.run([os.path.join(support.BUILD, 'deskstream'), *words], cwd=self.dir,
                              env={**clean, **self.env, **env}, capture_output=True, text=True,
                              timeout=300, check=False)

    def sql(self, text):
        tenant = self.database.query('select id from deskstream.tenants').strip()
        return self.database.query("set deskstream.tenant_id = '%s'; %s" % (tenant, text)).strip()


@unittest.skipUnless(has('aiosmtpd') and has('openpyxl'), 'no aiosmtpd and openpyxl here')
class Mail(Fixture):
    def recount(self, name, data):
        """The workbook with openpyxl, and by LibreOffice as CSV: in = classified + failed."""
        self.assertEqual(name, '채팅키워드분류보고서_%s.xlsx' % DAY)
        path = os.path.join(self.dir, 'received.xlsx')
        with open(path, 'wb') as f:
            f.write(data)
        counts = [int(n) for n in self.sql(
            "select count(*), sum(chat_count), count(*) filter (where state = 'failed') "
            "from deskstream.chat_results where day = '%s'" % DAY).split('|')]
        self.assertEqual(counts[0], len({r['input_text'] for r in self.rows}))
        self.assertEqual(counts[1], len(self.rows))
        p = subprocess.run([PYTHON, os.path.join(HERE, '..', 'unit', 'chats', 'book.py'), path,
                            *map(str, counts), '--plain'], capture_output=True, text=True, check=False)
        self.assertEqual(p.returncode, 0, p.stderr)
        if shutil.which('soffice'):
            p = subprocess.run(['soffice', '-env:UserInstallation=file://' + self.dir + '/office', '--headless',
                                '--convert-to', 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,1',
                                '--outdir', self.dir, path], capture_output=True, text=True, timeout=170, check=False)
            sheet = [n for n in os.listdir(self.dir) if n.startswith('received') and n.endswith('.csv')]
            self.assertTrue(sheet, p.stdout + p.stderr)
            with open(os.path.join(self.dir, sheet[0]), encoding='utf-8') as f:
                cover = {r[0]: r[1:4] for r in csv.reader(f) if r}
            whole = [int(c.replace(',', '')) for c in cover['접수 (In)'][:2]]
            done = [int(c.replace(',', '')) for c in cover['분류 완료'][:2]]
            failed = [int(c.replace(',', '')) for c in cover['분류 실패'][:2]]
            self.assertEqual(whole, [counts[0], counts[1]])
            self.assertEqual(whole, [a + b for a, b in zip(done, failed)])
            self.assertIn('일치', cover['검산'][2])

    def test_complete(self):
        self.serve_mail()
        p = self.run_it('complete', DAY)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertIn('🎉 작업 완료!', p.stdout)
        mails = self.mailer.mails()
        self.assertEqual(sorted((m['subject'].split(' -')[0], m['x-to']) for m in mails),
                         sorted((s, t) for s in ('✅ 채팅 키워드 배치 처리 완료', '📊 채팅 키워드 분류 보고서')
                                for t in ('a@example.com', 'b@example.com')))
        for m in mails:
            self.assertEqual(m['subject'].split(' - ')[1], DAY)
            self.assertEqual(m['to'], 'a@example.com, b@example.com')
            kinds = [part.get_content_type() for part in m.walk() if not part.is_multipart()]
            self.assertEqual(kinds[:2], ['text/plain', 'text/html'])
            self.assertIn('120건', m.get_body(('plain',)).get_content())
            self.assertIn('120건', m.get_body(('html',)).get_content())
            self.assertEqual(m.defects, [])
            self.recount(*attachment(m)) if m is mails[-1] else attachment(m)
        self.assertEqual(len({m['message-id'] for m in mails}), 2)
        written = sqlite3.connect(self.dir + '/chats.db').execute('select count(*) from admin_chat_keywords').fetchone()[0]
        self.assertGreater(written, 0)
        # The same again: nothing is asked, nothing is mailed; --resend mails once more.
        p = self.run_it('complete', DAY)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertIn('이미 보냈', p.stdout)
        self.assertEqual(len(self.mailer.mails()), 4)
        p = self.run_it('report', '-d', DAY, '--resend')
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertEqual(len(self.mailer.mails()), 6)
        self.assertEqual(os.listdir(self.dir + '/reports'), ['채팅키워드분류보고서_%s.xlsx' % DAY])
        # Off is off; too large is told by its place.
        p = self.run_it('report', '-d', DAY, '--resend', EMAIL_ENABLED='false')
        self.assertEqual((p.returncode, len(self.mailer.mails())), (0, 6), p.stdout)
        p = self.run_it('report', '-d', DAY, '--resend', EMAIL_MAX_ATTACHMENT_MB='0',
                        REPORT_LINK_BASE='https://files.example/r')
        last = self.mailer.mails()[-1]
        self.assertFalse([x for x in last.walk() if x.get_content_disposition() == 'attachment'])
        self.assertIn('https://files.example/r/%EC%B1%84', last.get_body(('plain',)).get_content())

    def test_refused_then_taken(self):
        """Refused for a while, then dropped after the data, then taken: each recipient once."""
        self.serve_mail()
        self.mailer.mode('refuse')
        p = self.run_it('complete', DAY)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertIn('아직 다 보내지 못했습니다', p.stdout)
        self.assertEqual(self.mailer.mails(), [])
        self.assertEqual(self.sql('select count(*) from deskstream.outbox where state = $$queued$$'), '2')
        self.mailer.mode('drop')
        p = self.run_it('report', '-d', DAY, '--email')
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertEqual(self.mailer.mails(), [])
        self.assertTrue(os.path.getsize(self.mailer.dir + '/dropped') > 0)
        self.mailer.mode('ok')
        p = self.run_it('report', '-d', DAY, '--email')
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        mails = self.mailer.mails()
        self.assertEqual(len(mails), 4)
        self.assertEqual(len({(m['message-id'], m['x-to']) for m in mails}), 4)
        self.assertEqual(self.sql('select count(*) from deskstream.outbox where state = $$sent$$'), '2')

    def test_tls_login(self):
        self.serve_mail(tls=True)
        self.env['RECIPIENT_EMAILS'] = 'a@example.com, nobody@example.com'
        p = self.run_it('report', '-d', DAY, '--email', SENDER_PASSWORD='wrong-secret')
        self.assertNotIn('wrong-secret', p.stdout + p.stderr)
        p = self.run_it('complete', DAY)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertEqual({(m['x-to'], m['x-tls']) for m in self.mailer.mails()}, {('a@example.com', 'True')})
        self.assertEqual(len(self.mailer.mails()), 2)
        refused = self.sql('select array_to_string(refused, $$,$$) from deskstream.outbox').split()
        self.assertEqual(refused, ['nobody@example.com'] * 2)
        # A certificate that nobody vouches for is none, where one is demanded.
        p = self.run_it('report', '-d', DAY, '--resend', SMTP_CA_FILE='', SMTP_SECURITY='starttls')
        self.assertIn('아직 다 보내지 못했습니다', p.stdout)
        self.assertEqual(len(self.mailer.mails()), 2)

    def test_validate(self):
        self.serve_mail(tls=True)
        p = self.run_it('config', 'validate')
        self.assertRegex(p.stdout, r'✅ Mail +localhost:\d+ takes our login, 2 recipients')
        p = self.run_it('config', 'validate', SENDER_PASSWORD='wrong-secret')
        self.assertRegex(p.stdout, r'❌ Mail ')
        self.assertEqual(p.returncode, 1)

    def test_full_disk(self):
        """Files may not grow: the report fails clearly and the next run finishes without paying again."""
        self.serve_mail()
        self.assertEqual(self.run_it('batch', '-d', DAY).returncode, 0)
        p = subprocess.run(['bash', '-c', 'trap "" XFSZ; ulimit -f 16; exec "$0" report -d %s --email' % DAY,
                            os.path.join(support.BUILD, 'deskstream')], cwd=self.dir,
                           env={**os.environ, **self.env}, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(p.returncode, 1, p.stdout + p.stderr)
        self.assertRegex(p.stdout + p.stderr, '채팅키워드분류보고서_.*(File too large|No space left)')
        self.assertEqual((os.listdir(self.dir + '/reports'), self.mailer.mails()), ([], []))
        calls = self.sql('select sum(call_count) from deskstream.batch_runs')
        p = self.run_it('complete', DAY)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertEqual(self.sql('select sum(call_count) from deskstream.batch_runs'), calls)
        self.assertIn('📊 채팅 키워드 분류 보고서 - ' + DAY, [m['subject'] for m in self.mailer.mails()])

    def test_failure_mail(self):
        """A batch that cannot read its chats mails why."""
        self.serve_mail()
        os.unlink(self.dir + '/chats.db')
        p = self.run_it('complete', DAY)
        self.assertEqual(p.returncode, 1)
        self.assertIn('❌ 작업 실패!', p.stdout)
        mails = self.mailer.mails()
        self.assertEqual({m['subject'] for m in mails}, {'❌ 채팅 키워드 배치 처리 실패 - ' + DAY})
        self.assertIn('오류 정보', mails[0].get_body(('plain',)).get_content())


if __name__ == '__main__':
    unittest.main()
