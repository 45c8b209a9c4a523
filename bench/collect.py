#!/usr/bin/env python3
"""bench/collect.py [ROW...]: the collector's figures against the sandbox.

Rows: list, threads, budget, churn, kill (all when none is named). Each prints what was measured. TICKETS
sets the size of the walk without a budget (1,000,000), SEEDS and KILLS the rounds of churn and kill.
The window of the budget rows is 3 s instead of a minute on both sides: the clock runs 20 times as fast.
"""
import glob
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'tests', 'e2e'))
from collector import Sandbox, start, tickets_of  # noqa: E402  (tests and bench share it)

WINDOW_MS = 3000


def run(sandbox, *words, **settings):
    """(seconds, CPU seconds, peak RSS in MB, output)"""
    began = time.monotonic()
    process = start(sandbox, *words, **{'LOG_LEVEL': 'error', **settings})
    out, err = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit('%s: status %d\n%s%s' % (' '.join(words), process.returncode, out, err))
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, out


def bench_list(folder):
    """1,000,000 tickets without threads, and that memory does not grow."""
    count = int(os.environ.get('TICKETS', '1000000'))
    for n in (count // 10, count):
        shutil.rmtree(folder, True)
        with Sandbox(n) as sandbox:
            s, cpu, rss, _ = run(sandbox, 'collect', '--out', folder, '--no-conversations',
                                 '--no-export')
            verdict = run(sandbox, 'verify', folder)
        print('list     %8d tickets: %7.0f/s, %7.0f/s of CPU time, RSS %.0f MB; verify %.1f s: %s'
              % (n, n / s, n / cpu, rss, verdict[0], verdict[3].strip()))


def bench_threads(folder):
    count = int(os.environ.get('TICKETS', '1000000')) // 25
    with Sandbox(count) as sandbox:
        s, cpu, rss, _ = run(sandbox, 'collect', '--out', folder, '--no-export')
        calls = sandbox.stats()['calls']['conversations']
    print('threads  %8d tickets, %d calls: %7.0f/s, %7.0f/s of CPU time, RSS %.0f MB'
          % (count, calls, count / s, count / cpu, rss))


def bench_budget(folder):
    """Credits used of those allowed while it ran; calls against the lower bound of the work."""
    for rate, lists, count in ((200, 20, 5000), (400, 100, 8000), (700, 200, 12000)):
        shutil.rmtree(folder, True)
        with Sandbox(count, rate=rate, list_rate=lists, window_ms=WINDOW_MS) as sandbox:
            s, _, _, _ = run(sandbox, 'collect', '--out', folder, '--no-export',
                             FRESHDESK_RATE_PER_MINUTE=str(rate),
                             FRESHDESK_LIST_RATE_PER_MINUTE=str(lists),
                             FRESHDESK_RATE_WINDOW_MS=str(WINDOW_MS))
            stats = sandbox.stats()
        bound = 5 * count / 100 + stats['calls']['conversations']
        print('budget   %d/min, lists %d: %.1f %% used, %d times 429, credits %.3f x the bound'
              % (rate, lists, 100 * stats['credits'] / (rate * s * 1000 / WINDOW_MS),
                 stats['throttled'], stats['credits'] / bound))


def bench_churn(folder):
    seeds = int(os.environ.get('SEEDS', '20'))
    lost = twice = 0
    for seed in range(seeds):
        shutil.rmtree(folder, True)
        with Sandbox(20000, seed=seed, churn_per_s=50, api_latency_ms=15) as sandbox:
            run(sandbox, 'collect', '--out', folder, '--no-conversations', '--no-export')
        ids = [t['id'] for t in tickets_of(folder)]
        lost += 20000 - len(set(ids))
        twice += len(ids) - len(set(ids))
    print('churn    %d seeds of 20000 tickets, 50 changes/s: %d lost, %d twice' % (seeds, lost, twice))


def bench_kill(folder):
    kills = int(os.environ.get('KILLS', '50'))
    rng = random.Random(1)
    count, done = 60000, 0
    words = ('--no-conversations', '--no-export')
    with Sandbox(count, api_latency_ms=8) as sandbox:
        run(sandbox, 'collect', '--out', folder + '-calm', *words)
        calm = sandbox.stats()['calls']['tickets']
        while done < kills:
            process = start(sandbox, 'collect', '--out', folder, *words, COLLECT_SLICES='1', LOG_LEVEL='error')
            try:
                process.communicate(timeout=rng.uniform(0.03, 0.2))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                done += 1
        run(sandbox, 'collect', '--out', folder, *words)
        calls = sandbox.stats()['calls']['tickets'] - 2 * calm

    def read(path):
        tickets = []
        for name in glob.glob(path + '/tickets_chunk_*.json'):
            with open(name, encoding='utf-8') as f:
                tickets += [line.rstrip(',\n') for line in f if line[0] == '{']
        return sorted(tickets)

    same = read(folder) == read(folder + '-calm')
    print('kill     %d kills: the same set byte for byte: %s; %d list calls more, of them 2 a start '
          'ask for the present' % (done, 'yes' if same else 'NO', calls))
    shutil.rmtree(folder + '-calm', True)


def main():
    rows = {'list': bench_list, 'threads': bench_threads, 'budget': bench_budget,
            'churn': bench_churn, 'kill': bench_kill}
    home = tempfile.mkdtemp(prefix='collect-bench-')
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        for name in [word for word in sys.argv[1:] if word in rows] or rows:
            shutil.rmtree(home + '/archive', True)
            rows[name](home + '/archive')
            sys.stdout.flush()
    finally:
        shutil.rmtree(home, True)


if __name__ == '__main__':
    main()
