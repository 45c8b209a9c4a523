"""O1, O2: `make run` and `make stop` as a newcomer calls them, with a private PostgreSQL and the sandbox."""
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from collector import ended
from support import DEMO, ROOT, call, free_port, full_events


class Run(unittest.TestCase):
    def setUp(self):
        self.var = tempfile.mkdtemp(prefix='run-')
        os.chmod(self.var, 0o755)  # PostgreSQL is another user when we are root
        self.port = free_port()
        self.addCleanup(shutil.rmtree, self.var, True)
        self.addCleanup(self.run_sh, 'stop')

    def run_sh(self, word):
        """tools/run.sh as make calls it, with no setting of ours but these."""
        env = {k: v for k, v in os.environ.items() if k in ('PATH', 'HOME', 'LANG', 'USER', 'TMPDIR')}
        env.update(VAR_DIR=self.var, PORT=str(self.port), DETACH='1')
        with open(self.var + '/said', 'w+b') as said:  # not a pipe: what goes on running would hold it
            status = subprocess.run(['tools/run.sh', word], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                    stdout=said, stderr=said, check=False).returncode
            said.seek(0)
            return status, said.read().decode()

    def pids(self):
        found = {}
        for name in os.listdir(self.var + '/run'):
            if name.endswith('.pid'):
                with open(os.path.join(self.var, 'run', name), encoding='ascii') as f:
                    found[name[:-4]] = int(f.read().split()[0])
        with open(self.var + '/pg/data/postmaster.pid', encoding='ascii') as f:
            found['postgres'] = int(f.readline())
        return found

    def test_first_sidebar(self):
        status, said = self.run_sh('start')
        self.assertEqual(status, 0, said)
        self.assertIn('Deskstream is ready on http://127.0.0.1:%d (sandbox' % self.port, said)
        r = call(self.port, 'POST', '/v1/tickets/1/assist', headers=DEMO)
        events = {name: data for _, name, data in full_events(r.body)}
        for name in ('meta', 'summary.delta', 'summary', 'similar_tickets', 'solution.delta', 'solutions', 'done'):
            self.assertIn(name, events)
        self.assertGreater(len(events['similar_tickets']['items']), 0)
        self.assertGreater(len(events['solutions']['items'][0]['steps']), 0)
        self.assertGreater(len(events['solutions']['sources']), 0)

        status, said = self.run_sh('start')
        self.assertEqual(status, 0, said)
        self.assertIn('runs already', said)

        pids = self.pids()
        self.assertLessEqual({'server', 'sandbox', 'postgres'}, set(pids))
        self.assertEqual(self.run_sh('stop')[0], 0)
        for name, pid in pids.items():
            self.assertTrue(ended(pid), name)
        with socket.socket() as s:
            self.assertNotEqual(s.connect_ex(('127.0.0.1', self.port)), 0)


if __name__ == '__main__':
    unittest.main()
