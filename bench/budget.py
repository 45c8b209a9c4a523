"""Bench: how much of Freshdesk's minute a sync uses, and what a sidebar opened meanwhile waits.

    budget.py BUILD_DIR [--tickets 2000] [--rate 400] [--list-rate 100]

A database of its own, the sandbox with real minutes and limits, and the server; runs of POST /api/sync/tickets
(500 tickets each, the most that one may ask for) until every ticket is there. Every ten seconds one /init without
summary is opened. Nothing of the limits is told to the server: it learns them from the answers' headers.

Printed: credits the sandbox counted against rate x time, refused calls, and the openings' times, which hold the
wait for a turn and all else. Aims: >= 95 % of the budget, no 429, each opening < 300 ms.
--rounds and --seconds are taken for run.sh's sake and mean nothing here: one run lasts some six minutes.
"""
import argparse
import os
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
RUN_TICKETS_MAX = 500


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--rounds")
    p.add_argument("--seconds")
    p.add_argument("--tickets", type=int, default=2000)
    p.add_argument("--rate", type=int, default=400)
    p.add_argument("--list-rate", type=int, default=100)
    return p.parse_args()


def sync_all(support, stack, count):
    """Runs one after the other; the tickets written."""
    written = 0
    for _ in range(-(-count // RUN_TICKETS_MAX)):
        r = support.call(stack.port, "POST", "/api/sync/tickets?since=2000-01-01&limit=%d&wait=true" % RUN_TICKETS_MAX,
                         headers=support.DEMO, timeout=600)
        assert r.status == 200, r.body
        written += r.json()["items_synced"]
    return written


def openings(support, stack, busy):
    """Milliseconds of an opening every ten seconds while the sync is busy."""
    spent = []
    while busy.is_alive():
        busy.join(10)
        if busy.is_alive():
            began = time.monotonic()
            r = stack.get("/init/%d?include_summary=false" % (7 + len(spent)))
            assert r.status in (200, 404), r.body
            spent.append(1000 * (time.monotonic() - began))
    return spent


def main():
    a = arguments()
    os.environ["DESKSTREAM_BUILD"] = os.path.abspath(a.build)
    if "TEST_DATABASE_URL" not in os.environ:
        os.execv(os.path.join(ROOT, "tools/with-pg.sh"),
                 ["tools/with-pg.sh", sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))
    import support  # pylint: disable=import-outside-toplevel
    stack = support.Stack(("--tickets", str(a.tickets), "--latency-ms", "0", "--token-ms", "0",
                           "--rate", str(a.rate), "--list-rate", str(a.list_rate)),
                          FRESHDESK_DOMAIN="demo", FRESHDESK_API_KEY="demo")
    try:
        written = []
        began = time.monotonic()
        busy = threading.Thread(target=lambda: written.append(sync_all(support, stack, a.tickets)))
        busy.start()
        waits = openings(support, stack, busy)
        busy.join()
        seconds = time.monotonic() - began
        stats = support.call(stack.sandbox.port, "GET", "/sandbox/stats").json()
    finally:
        stack.stop()
    share = stats["credits"] / (a.rate * seconds / 60)
    print("%8s %9s %9s %8s %8s %6s %12s %10s" % (
        "tickets", "seconds", "credits", "a minute", "budget", "429s", "init median", "init max"))
    print("%8d %9.1f %9d %8.1f %7.1f%% %6d %9.1f ms %7.1f ms" % (
        written[0], seconds, stats["credits"], stats["credits"] / seconds * 60, 100 * share,
        stats["throttled"] + stats["list_throttled"], statistics.median(waits), max(waits)))
    for met, what in ((share >= .95, ">= 95 % of the budget"),
                      (stats["throttled"] + stats["list_throttled"] == 0, "no call refused"),
                      (max(waits) < 300, "an opening in the middle < 300 ms")):
        print("%-8s %s" % ("met" if met else "NOT MET", what))


if __name__ == "__main__":
    main()
