"""The nightly batch inside the server: two servers, a missed night, one run, its mails, status."""
import datetime
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import support  # noqa: E402
import test_mail  # noqa: E402

SEOUL = datetime.timezone(datetime.timedelta(hours=9))
NOW = datetime.datetime.now(SEOUL)
# Hours ago, so that no further time comes while the test runs.
DUE = (NOW - datetime.timedelta(hours=6)).replace(minute=0, second=0, microsecond=0)


@unittest.skipUnless(test_mail.has('aiosmtpd') and test_mail.has('openpyxl'), 'no aiosmtpd and openpyxl here')
class Schedule(test_mail.Fixture):
    day = (DUE.date() - datetime.timedelta(days=1)).isoformat()

    def serve(self):
        server = support.Server({**self.env, 'CRON_SCHEDULE': '0 %d * * *' % DUE.hour})
        self.addCleanup(server.process.kill)
        return server

    def row(self):
        return self.database.query("select next_at > now(), holder is null, coalesce(last_state, ''), run_count "
                                   "from deskstream.schedules where name = 'chats'").strip()

    def test_two_servers_one_missed_night(self):
        self.serve_mail()
        servers = [self.serve()]
        support.until(lambda: self.row() == 't|t||0')
        # Nobody was there at that time.
        self.database.query("update deskstream.schedules set next_at = '%s' where name = 'chats'" % DUE.isoformat())
        servers.append(self.serve())
        support.until(lambda: self.row() == 't|t|done|1', 100)
        self.assertEqual(sum(s.log().count('schedule.begin') for s in servers), 1)
        mails = self.mailer.mails()
        self.assertEqual({m['subject'] for m in mails}, {
            '✅ 채팅 키워드 배치 처리 완료 - ' + self.day, '📊 채팅 키워드 분류 보고서 - ' + self.day})
        self.assertEqual(len({(m['message-id'], m['x-to']) for m in mails}), len(mails))
        self.assertEqual(len(mails), 4)
        p = self.run_it('status', PORT=str(servers[0].port))
        self.assertRegex(p.stdout, r'예약: chats 0 %d \* \* \* \(Asia/Seoul\), 다음 \d{4}-\d\d-\d\d %02d:00'
                         % (DUE.hour, DUE.hour))
        self.assertRegex(p.stdout, r'이메일: 127.0.0.1, 대기 0건, 보냄 2건')
        for s in servers:
            self.assertEqual(s.stop(), 0)

    def test_wrong_expression(self):
        p = self.run_it('serve', CRON_SCHEDULE='0 25 * * *', PORT='0')
        self.assertEqual(p.returncode, 1)
        self.assertIn('CRON_SCHEDULE', p.stderr)
        self.assertIn('"25" is no hour', p.stderr)


if __name__ == '__main__':
    unittest.main()
