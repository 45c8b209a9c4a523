"""What the end-to-end tests share: a database of their own, the sandbox, the server, and small clients.

    stack = Stack()            # starts all three on free ports
    stack.get('/health')       # -> Reply(status, headers, body)
    stack.stop()               # ends them; tells whether the server ended cleanly

TEST_DATABASE_URL (set by tools/with-pg.sh) names the cluster; each Stack makes a database in it.
Nothing here waits for a fixed time: it polls for what it needs until a deadline.
"""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('DESKSTREAM_BUILD', os.path.join(ROOT, 'build'))
DEMO = {'X-Freshdesk-Domain': 'demo', 'X-Freshdesk-API-Key': 'demo'}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def until(what, seconds=30.0):
    """Calls `what` until it gives something true."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('not so within %g s: %r' % (seconds, what))
        time.sleep(0.02)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        return self.json()['detail']


def call(port, method, path, body=None, headers=None, timeout=60):
    """One exchange on a connection of its own."""
    c = http.client.HTTPConnection('127.0.0.1', port, timeout=timeout)
    try:
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return Reply(r.status, r.headers, r.read())
    finally:
        c.close()


class Database:
    """A database of its own in the test cluster."""

    def __init__(self):
        self.base = os.environ['TEST_DATABASE_URL']
        self.name = 'e2e_%d_%d' % (os.getpid(), time.monotonic_ns())
        self.sql('create database %s' % self.name)
        parts = urllib.parse.urlsplit(self.base)
        self.url = urllib.parse.urlunsplit(parts._replace(path='/' + self.name))
        if self.base.startswith('postgresql:///') or '@/' in self.base:
            self.url = re.sub(r'(@/|:///)[^?]*', lambda m: m.group(1) + self.name, self.base, count=1)

    def sql(self, text, url=None):
        return subprocess.run(['psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', url or self.base,
                               '-c', text], check=True, capture_output=True, text=True).stdout

    def query(self, text):
        return self.sql(text, self.url)

    def drop(self):
        self.sql('drop database if exists %s with (force)' % self.name)


class Sandbox:
    def __init__(self, *options):
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.path.join(BUILD, 'deskstream-sandbox'), '--port', str(self.port), *options],
            stdout=self.log, stderr=self.log, cwd=ROOT)
        until(self.listens)
        self.url = 'http://127.0.0.1:%d' % self.port

    def listens(self):
        assert self.process.poll() is None, 'the sandbox has ended'
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', self.port)) == 0

    def control(self, **knobs):
        r = call(self.port, 'POST', '/sandbox/control', knobs)
        assert r.status == 200, r.body
        return r

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Server:
    """`deskstream serve` on a free port, its log in a file."""

    def __init__(self, env, ready=True):
        self.dir = tempfile.mkdtemp(prefix='deskstream-e2e-')
        self.log_path = os.path.join(self.dir, 'log')
        self.kept_log = None
        clean = {k: v for k, v in os.environ.items()
                 if k in ('PATH', 'HOME', 'LANG', 'TMPDIR') or k.endswith('SAN_OPTIONS')}
        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen([os.path.join(BUILD, 'deskstream'), 'serve'], cwd=self.dir,
                                            env={**clean, 'PORT': '0', **env}, stdout=log, stderr=log)
        self.port = int(until(self.listen_line).group(1))
        if ready:
            until(lambda: call(self.port, 'GET', '/health/ready').status == 200)

    def log(self):
        if self.kept_log is not None:
            return self.kept_log
        with open(self.log_path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def listen_line(self):
        found = re.search(r'serve\.listen .*url=http://127\.0\.0\.1:(\d+)', self.log())
        assert found or self.process.poll() is None, self.log()
        return found

    def rss_kib(self):
        with open('/proc/%d/status' % self.process.pid, encoding='ascii') as f:
            return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))

    def stop(self, how=signal.SIGTERM):
        """Ends the server; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(40)


class Stack:
    def __init__(self, sandbox=(), **settings):
        self.database = Database()
        self.sandbox = self.server = None
        try:
            self.sandbox = Sandbox(*sandbox)
            self.env = {
                'DATABASE_URL': self.database.url,
                'SANDBOX': '1',
                'FRESHDESK_BASE_URL': self.sandbox.url,
                'HCX_BASE_URL': self.sandbox.url,
                'HCX_CHAT_API_KEY': 'nv-sandbox',
                'HCX_MAX_REQUESTS_PER_MINUTE': '60000',
                'HCX_MAX_TOKENS_PER_MINUTE': '100000000',
                'EMBEDDING_MAX_REQUESTS_PER_MINUTE': '60000',
                'EMBEDDING_MAX_TOKENS_PER_MINUTE': '100000000',
                'DRAIN_MS': '5000',
                **{k: str(v) for k, v in settings.items()},
            }
            self.server = Server(self.env)
        except BaseException:
            self.stop()
            raise

    @property
    def port(self):
        return self.server.port

    def get(self, path, headers=DEMO, **more):
        return call(self.port, 'GET', path, headers=headers, **more)

    def post(self, path, body=None, headers=DEMO, **more):
        return call(self.port, 'POST', path, body, headers=headers, **more)

    def run(self, *words, **env):
        """A command of the program with the stack's settings; (status, stdout, stderr)."""
        p = subprocess.run([os.path.join(BUILD, 'deskstream'), *words], cwd=self.server.dir,
                           env={**os.environ, **self.env, 'PORT': str(self.port), **env},
                           capture_output=True, text=True, timeout=110, check=False)
        return p.returncode, p.stdout, p.stderr

    def stop(self):
        """Ends everything; returns the server's exit status."""
        status = None
        if self.server is not None:
            status = self.server.stop()
            self.server.kept_log = self.server.log()
            shutil.rmtree(self.server.dir)
        if self.sandbox is not None:
            self.sandbox.stop()
        self.database.drop()
        return status


def data_events(body):
    """The objects of a stream of data lines; checks that there is nothing else in it."""
    events = []
    text = body.decode()
    assert '\r' not in text
    for block in text.split('\n\n')[:-1]:
        assert block.startswith('data: ') and '\n' not in block, block
        events.append('[DONE]' if block == 'data: [DONE]' else json.loads(block[6:]))
    assert text.endswith('\n\n')
    return events


def full_events(body):
    """(id, event, object) of a full stream; comments are passed over."""
    events = []
    for block in body.decode().split('\n\n')[:-1]:
        fields = dict(line.split(': ', 1) for line in block.split('\n') if not line.startswith(':'))
        if fields:
            events.append((fields['id'], fields['event'], json.loads(fields['data'])))
    return events


def raw(port, request, half_close=False):
    """Sends bytes as they are; returns all that comes until the server closes or has said something
    and waits for more."""
    with socket.create_connection(('127.0.0.1', port), timeout=20) as s:
        got = b''
        try:
            s.sendall(request)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            for piece in iter(lambda: s.recv(65536), b''):
                got += piece
        except (ConnectionError, socket.timeout):
            if not got:
                got = late(s)
        return got


def late(s):
    """What a server said before it closed upon bytes that it did not want."""
    try:
        return s.recv(65536)
    except OSError:
        return b''


def stream_of(reply, may_be_json=False):
    """The objects of a full stream. A refusal before the stream is [] (checked for its shape)."""
    if reply.headers['Content-Type'].startswith('application/json'):
        assert may_be_json or reply.status in (401, 404), (reply.status, reply.body)
        assert reply.status >= 400 and reply.detail, reply.body
        return []
    assert reply.status == 200, reply.body
    assert reply.body.startswith(b'retry: ') and reply.body.endswith(b'\n\n'), reply.body[-300:]
    return [e[2] for e in full_events(reply.body.split(b'\n', 1)[1])]


def section_errors(events):
    return {e['section'] for e in events if e['type'] == 'error'}
