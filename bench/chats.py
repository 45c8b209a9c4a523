"""Bench: the chat batch against a model that answers in 600 ms.

    chats.py BUILD_DIR [--chats 10000] [--rate 60] [--minutes 3]

Our own tables in a database of its own, the sandbox as the model, and `deskstream batch` with 32 calls under way:
  speed    no limit: a day of chats; chats and questions a minute
  budget   RATE calls a minute, the same limit at the sandbox: the share of it used in MINUTES, refused calls
Each answer is held against the sandbox's truth. Aims: >= 1,000 chats a minute; >= 97 %, none refused, none mislabelled.
--rounds and --seconds are taken for run.sh's sake and mean nothing here.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--rounds")
    p.add_argument("--seconds")
    p.add_argument("--chats", type=int, default=10000)
    p.add_argument("--rate", type=int, default=60)
    p.add_argument("--minutes", type=float, default=3)
    return p.parse_args()


class Desk:
    """A database with chats, the model, and the program with its settings."""

    def __init__(self, support, build):
        self.support, self.program = support, os.path.join(build, "deskstream")
        self.database = support.Database()
        self.sandbox = support.Sandbox("--latency_ms", "600", "--token_ms", "0")
        self.dir = tempfile.mkdtemp(prefix="deskstream-bench-")
        self.truth = {}

    def begin(self, *words, **settings):
        env = {**os.environ, "DATABASE_URL": self.database.url, "HCX_BASE_URL": self.sandbox.url,
               "HCX_CHAT_API_KEY": "nv-sandbox", "HCX_MAX_TOKENS_PER_MINUTE": "100000000",
               "HCX_MAX_REQUESTS_PER_MINUTE": "100000", **settings}
        with open(os.path.join(self.dir, "out"), "ab") as out:
            return subprocess.Popen([self.program, *words], cwd=self.dir, env=env, stdout=out, stderr=out)

    def call(self, method, path, body=None):
        return self.support.call(self.sandbox.port, method, path, body).json()

    def fill(self, day, count):
        rows = self.call("GET", "/sandbox/chats?day=%s&n=%d" % (day, count))
        self.truth.update((r["text"], r["category_id"]) for r in rows)
        path = os.path.join(self.dir, "chats.sql")
        text = json.dumps([{"t": r["text"], "at": r["created_at"] + "+09"} for r in rows], ensure_ascii=False)
        with open(path, "w", encoding="utf-8") as f:
            f.write("set deskstream.tenant_id = '1'; insert into deskstream.chats (tenant_id, input_text, created_at) "
                    "select 1, v->>'t', (v->>'at')::timestamptz from jsonb_array_elements('%s') v;"
                    % text.replace("'", "''"))
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.database.url, "-f", path], check=True)

    def wrong(self):
        text = self.database.query("set deskstream.tenant_id = '1'; select coalesce(json_agg(json_build_object('t', "
                                   "input_text, 'c', category_id)), '[]') from deskstream.chat_results "
                                   "where state = 'classified'")
        rows = json.loads(text)
        return sum(self.truth[r["t"]] != r["c"] for r in rows), len(rows)

    def stop(self):
        self.sandbox.stop()
        self.database.drop()


def speed(desk, count):
    desk.fill("2024-03-15", count)
    began = time.monotonic()
    status = desk.begin("batch", "-d", "2024-03-15").wait(1200)
    spent = time.monotonic() - began
    wrong, questions = desk.wrong()
    print("speed   %d chats, %d questions in %.1f s: %.0f chats/min, %.0f questions/min; status %d, %d mislabelled   %s"
          % (count, questions, spent, 60 * count / spent, 60 * questions / spent, status, wrong,
             "met" if count * 60 / spent >= 1000 and wrong == 0 and status == 0 else "MISSED"))


def budget(desk, rate, minutes):
    desk.fill("2024-03-16", int(rate * (minutes + 1) * 5 * 5 / 3))
    desk.call("POST", "/sandbox/control", {"llm_rate": rate, "reset_stats": True, "reset_windows": True})
    process = desk.begin("batch", "-d", "2024-03-16", HCX_MAX_REQUESTS_PER_MINUTE=str(rate))
    desk.support.until(lambda: desk.call("GET", "/sandbox/stats")["sort_calls"] >= 3)
    first, began = desk.call("GET", "/sandbox/stats"), time.monotonic()
    time.sleep(60 * minutes)
    last, spent = desk.call("GET", "/sandbox/stats"), time.monotonic() - began
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    used = (last["sort_calls"] - first["sort_calls"]) / (rate * spent / 60)
    print("budget  %d calls in %.1f s of %d a minute: %.1f %% used, %d refused, %d mislabelled   %s"
          % (last["sort_calls"] - first["sort_calls"], spent, rate, 100 * used, last["llm_throttled"],
             desk.wrong()[0], "met" if used >= 0.97 and last["llm_throttled"] == 0 else "MISSED"))


def main():
    args = arguments()
    os.environ["DESKSTREAM_BUILD"] = os.path.abspath(args.build)
    sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
    import support
    desk = Desk(support, os.environ["DESKSTREAM_BUILD"])
    try:
        assert desk.begin("batch", "-d", "2024-03-14").wait(120) == 0  # makes the tables
        speed(desk, args.chats)
        budget(desk, args.rate, args.minutes)
    finally:
        desk.stop()
    return 0


if __name__ == "__main__":
    if not os.environ.get("TEST_DATABASE_URL"):
        os.execv(os.path.join(ROOT, "tools", "with-pg.sh"), ["with-pg.sh", sys.executable, *sys.argv])
    sys.exit(main())
