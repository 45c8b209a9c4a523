"""What the tests and the bench of the collector share: the sandbox with its knobs, the program, an archive.

    with Sandbox(1200, burst=3) as sandbox:
        process = start(sandbox, 'collect', '--out', folder)
"""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

BUILD = os.environ.get('DESKSTREAM_BUILD', 'build')
PROGRAM = os.path.abspath(os.path.join(BUILD, 'deskstream'))
SANDBOX = os.path.abspath(os.path.join(BUILD, 'deskstream-sandbox'))


def wait_for(happened):
    """Until it has happened, or a long time has passed: then what is asserted next says so."""
    end = time.monotonic() + 60
    while not happened() and time.monotonic() < end:
        time.sleep(0.02)


def ended(pid):
    """Gone, or not waited for by the parent it now has."""
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii') as f:
            return f.read().rpartition(')')[2].split()[0] == 'Z'
    except FileNotFoundError:
        return True


class Sandbox:
    """The stand-in on a free port."""

    def __init__(self, tickets, **knobs):
        options = {'rate': 0, 'list_rate': 0, 'now': '2026-11-20T00:00:00Z'}
        options.update(knobs)
        words = [SANDBOX, '--port', '0', '--tickets', str(tickets)]
        for name, value in options.items():
            words += ['--' + name, str(value)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def control(self, **values):
        request = urllib.request.Request(self.url + '/sandbox/control',
                                         json.dumps(values).encode(), {'Host': 'acme.freshdesk.com'})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def thread(self, ticket):
        """All entries of a ticket, as the API tells them."""
        entries = []
        for page in range(1, 300):
            request = urllib.request.Request('%s/api/v2/tickets/%d/conversations?per_page=100&page=%d'
                                             % (self.url, ticket, page),
                                             headers={'Authorization': 'Basic ZGVtbzpY',
                                                      'Host': 'acme.freshdesk.com'})
            with urllib.request.urlopen(request) as answer:
                rows = json.load(answer)
            entries += rows
            if len(rows) < 100:
                break
        return entries

    def stats(self):
        with urllib.request.urlopen(self.url + '/sandbox/stats') as answer:
            return json.load(answer)


def start(sandbox, *words, program=None, home=None, **settings):
    """The program, at work on the sandbox without a limit of its own."""
    environment = dict(os.environ, FRESHDESK_DOMAIN='acme', FRESHDESK_API_KEY='demo',
                       FRESHDESK_BASE_URL=sandbox.url, FRESHDESK_RATE_PER_MINUTE='10000000',
                       FRESHDESK_LIST_RATE_PER_MINUTE='10000000', DISK_PAUSE_PERCENT='100')
    environment.update(settings)
    return subprocess.Popen([*(program or [PROGRAM]), *words], cwd=home, env=environment, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def tickets_of(folder):
    """All that lies in the chunk files of an archive."""
    tickets = []
    for path in sorted(glob.glob(folder + '/tickets_chunk_*.json')):
        with open(path, encoding='utf-8') as f:
            tickets += json.load(f)
    return tickets


class Case(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix='collect-')
        self.addCleanup(shutil.rmtree, self.home, True)
        self.dir = os.path.join(self.home, 'archive')

    def start(self, sandbox, *words, **options):
        return start(sandbox, *words, home=self.home, **options)

    def collect(self, sandbox, *words, status=0, **settings):
        process = self.start(sandbox, 'collect', '--out', self.dir, *words, **settings)
        out, err = process.communicate()
        self.assertEqual(process.returncode, status, out + err)
        return out, err

    def chunks(self):
        return tickets_of(self.dir)

    def merged(self):
        with open(self.dir + '/all_tickets.json', encoding='utf-8') as f:
            return json.load(f)

    def lines(self, kind):
        with open(self.dir + '/ledger.jsonl', encoding='utf-8') as f:
            return [line for line in map(json.loads, f) if kind in line]

    def check_once(self, tickets, count):
        ids = [t['id'] for t in tickets]
        self.assertEqual(len(ids), len(set(ids)), 'a ticket is there twice')
        self.assertEqual(len(ids), count)
