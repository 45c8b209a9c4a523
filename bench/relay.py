"""Bench: what relaying a model's stream costs, ours beside a floor, nginx, Node, asyncio and FastAPI, in one run.

    relay.py BUILD_DIR [--rounds N] [--seconds S] [--only NAME,NAME]

Phases: A 20 streams x 200 events/s, a new request every 40 events; B 100 streams x 200/s; G 2,000 streams x 5/s;
H 16 streams unpaced, 16 events a write; D one-event answers, 16 clients; memory at 0, 500 and 2,000 idle streams;
X streams still open upstream 0.1 s after their 50 clients left. Rounds are interleaved and medians printed.

The relay under test is pinned to one CPU, upstream and clients to the other. CPU is the scheduler's count for the
relay's processes over exactly the time the events were counted in. Delays are from the instant the upstream wrote
the event to the client's reading; "direct" is the same without a relay, and "added" is the difference to its
median. At over 80 % utilisation delays mean nothing and are not judged. kB per stream is the slope between 500 and
2,000 streams.
"""
import argparse
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PIP = ["fastapi==0.115.*", "httpx==0.28.*", "uvicorn==0.32.*"]
PACED = {"A": (20, 40, 5000, 1), "B": (100, 1000000, 5000, 1), "G": (2000, 1000000, 200000, 1),
         "H": (16, 20000, 0, 16)}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port):
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"bench: nothing listens on port {port}")


def get_number(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return int(answer.read())


def family(pid):
    """The process and its children."""
    found = [pid]
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                if int(f.read().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(entry))
        except (OSError, IndexError):
            pass
    return found


def rss_kb(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))
    return total


def python_with_fastapi(build):
    """An interpreter that has FastAPI: the machine's, or one of a venv in the build directory; None without."""
    probe = ["-c", "import fastapi, httpx, uvicorn"]
    venv = f"{build}/bench/venv"
    for python in (sys.executable, f"{venv}/bin/python"):
        if os.path.exists(python) and subprocess.run([python, *probe], capture_output=True).returncode == 0:
            return python
    try:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True, capture_output=True, timeout=60)
        subprocess.run([f"{venv}/bin/pip", "install", "-q", "--no-input", *PIP], check=True, capture_output=True,
                       timeout=120)
    except (subprocess.SubprocessError, OSError):
        shutil.rmtree(venv, ignore_errors=True)
        return None
    return f"{venv}/bin/python"


class Relay:
    def __init__(self, name, command):
        self.name, self.command = name, command

    def __enter__(self):
        self.port = free_port()
        self.process = subprocess.Popen(["taskset", "-c", "0", *self.command(self.port)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_port(self.port)
        self.pids = family(self.process.pid)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Bench:
    def __init__(self, build, seconds):
        self.build, self.seconds = build, seconds
        self.tmp = f"{build}/bench/tmp"
        os.makedirs(self.tmp, exist_ok=True)
        self.up_port = free_port()
        self.upstream = subprocess.Popen(["taskset", "-c", "1", f"{build}/bench/upstream", str(self.up_port)])
        wait_port(self.up_port)
        self.skipped = []

    def close(self):
        self.upstream.terminate()
        self.upstream.wait()

    def relays(self):
        b, up = self.build, self.up_port
        url = f"http://127.0.0.1:{up}"
        found = [
            Relay("deskstream", lambda p: [f"{b}/bench/relay", str(p), url]),
            Relay("floor", lambda p: [f"{b}/bench/floor", str(p), url]),
        ]
        nginx = next((n for n in ("build/deps/nginx/usr/sbin/nginx", "/usr/sbin/nginx") if os.path.exists(n)), None)
        node, fastapi = shutil.which("node"), python_with_fastapi(b)
        rows = [("nginx", nginx, lambda p: self.nginx(os.path.abspath(nginx), p)),
                ("node", node, lambda p: [node, f"{HERE}/relay_node.mjs", str(p), str(up)]),
                ("asyncio", True, lambda p: [sys.executable, f"{HERE}/relay_asyncio.py", str(p), str(up)]),
                ("fastapi", fastapi, lambda p: [fastapi, f"{HERE}/relay_fastapi.py", str(p), str(up)])]
        for name, have, command in rows:
            if have:
                found.append(Relay(name, command))
            else:
                self.skipped.append(name)
        return found

    def nginx(self, nginx, port):
        tmp, conf = self.tmp, f"{self.tmp}/nginx-{port}.conf"
        with open(conf, "w") as f:
            f.write(f"""daemon off; master_process off; pid {tmp}/nginx-{port}.pid; error_log /dev/null;
events {{ worker_connections 10000; }}
http {{ access_log off; client_body_temp_path {tmp}; proxy_temp_path {tmp}; fastcgi_temp_path {tmp};
  uwsgi_temp_path {tmp}; scgi_temp_path {tmp};
  upstream u {{ server 127.0.0.1:{self.up_port}; keepalive 512; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; tcp_nodelay on; keepalive_requests 1000000;
    location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; }} }} }}""")
        return [nginx, "-c", conf]

    def load(self, port, streams, events, interval_us, burst, seconds, mode=""):
        return subprocess.Popen(["taskset", "-c", "1", f"{self.build}/bench/load", str(port), str(streams),
                                 str(events), str(interval_us), str(burst), str(seconds)] + ([mode] if mode else []),
                                stdout=subprocess.PIPE, text=True)

    def paced(self, port, pids, phase):
        streams, events, interval_us, burst = PACED[phase]
        run = self.load(port, streams, events, interval_us, burst, self.seconds, ",".join(map(str, pids)))
        out = json.loads(run.communicate()[0])
        used = out["cpu_seconds"]
        return {"us": used / max(out["events"], 1) * 1e6, "p50": out["p50_us"], "p99": out["p99_us"],
                "first": out["first_p50_us"], "util": used / out["seconds"], "faults": out["faults"],
                "rate": out["events"] / out["seconds"]}

    def short(self, relay):
        run = self.load(relay.port, 16, 1, 0, 1, self.seconds, ",".join(map(str, relay.pids)))
        out = json.loads(run.communicate()[0])
        return {"us": out["cpu_seconds"] / max(out["requests"], 1) * 1e6, "faults": out["faults"],
                "rate": out["requests"] / out["seconds"]}

    def memory(self, relay, streams):
        run = self.load(relay.port, streams, 1000000, 200000, 1, 3, "hold")
        run.stdout.readline()
        time.sleep(2)
        kb = rss_kb(relay.pids)
        return kb, int(run.communicate()[0])

    def abandoned(self, relay):
        self.load(relay.port, 50, 1000000, 20000, 1, 1, "leave").communicate()
        time.sleep(0.1)
        return get_number(self.up_port, "/open")


def measure(bench, relay):
    row = {}
    with relay:
        time.sleep(0.3)
        row["rest_mb"] = rss_kb(relay.pids) / 1024
        for phase in ("B", "A", "H"):
            row[phase] = bench.paced(relay.port, relay.pids, phase)
            if relay.name == "deskstream" and phase == "B":
                row["stall_us"] = get_number(relay.port, "/stall")
        row["D"] = bench.short(relay)
    with relay:
        kb500, faults = bench.memory(relay, 500)
        kb2000, more = bench.memory(relay, 2000)
        row["mem"] = {"m500": kb500 / 1024, "m2000": kb2000 / 1024, "kb": (kb2000 - kb500) / 1500,
                      "faults": faults + more}
        row["G"] = bench.paced(relay.port, relay.pids, "G")
        if relay.name == "deskstream":
            row["stall_us"] = max(row["stall_us"], get_number(relay.port, "/stall"))
        row["X"] = bench.abandoned(relay)
    return row


def measure_direct(bench):
    return {phase: bench.paced(bench.up_port, [], phase) for phase in ("A", "B")}


class Table:
    def __init__(self, results):
        self.results = results

    def of(self, name, *path):
        """Median over the rounds; None for what was not measured."""
        values = []
        for row in self.results.get(name, []):
            for key in path:
                row = row.get(key) if isinstance(row, dict) else None
            if row is not None:
                values.append(row)
        return statistics.median(values) if values else None

    def added(self, name, phase, key):
        base, value = self.of("direct", phase, "first" if key == "first" else "p50"), self.of(name, phase, key)
        return None if base is None or value is None else max(value - base, 0)

    def text(self, value, digits=1):
        return "-" if value is None else f"{value:.{digits}f}"

    def rows(self):
        yield ("relay", "B us", "util", "A us", "G us", "H us", "D us", "first +us", "A +p50/p99", "B +p50/p99", "rest MB",
               "500", "2000", "kB/stream", "X", "faults")
        for name in self.results:
            if name == "direct":
                continue
            t = lambda *path, d=1: self.text(self.of(name, *path), d)  # noqa: E731
            plus = lambda phase, key: self.text(self.added(name, phase, key), 0)  # noqa: E731
            faults = sum(row[p]["faults"] for row in self.results[name] for p in ("A", "B", "H", "D", "G", "mem"))
            yield (name, t("B", "us"), t("B", "util", d=2), t("A", "us"), t("G", "us"), t("H", "us", d=2), t("D", "us"),
                   plus("A", "first"), plus("A", "p50") + "/" + plus("A", "p99"),
                   plus("B", "p50") + "/" + plus("B", "p99"), t("rest_mb"), t("mem", "m500"), t("mem", "m2000"),
                   t("mem", "kb"), t("X", d=0), str(faults))

    def aims(self):
        """(what, ours, the most it may be, what the limit is made of)"""
        us = "deskstream"

        def against(what, path, *limits):
            value = self.of(us, *path)
            for factor, name in limits:
                other = self.of(name, *path)
                if value is not None and other is not None:
                    yield what, value, factor * other, f"{factor} x {name}"

        yield from against("CPU per paced event, 100 x 200/s, us", ("B", "us"), (1.3, "floor"), (0.55, "node"),
                           (0.2, "fastapi"))
        yield from against("CPU per paced event, 2,000 x 5/s, us", ("G", "us"), (1.3, "floor"))
        yield "CPU per unpaced event, us", self.of(us, "H", "us"), 1.0, ""
        yield from against("CPU per unpaced event, us", ("H", "us"), (0.6, "node"))
        yield from against("CPU per streamed request, us", ("D", "us"), (2.0, "floor"), (0.7, "node"), (0.05, "fastapi"))
        for what, phase, key, factor in (("added delay p50, us", "B", "p50", 1.3), ("added delay p99, us", "B", "p99", 2),
                                         ("added to the first event, us", "A", "first", 2)):
            value, other = self.added(us, phase, key), self.added("nginx", phase, key)
            busy = max(self.of(n, phase, "util") or 0 for n in (us, "nginx")) > 0.8
            if value is not None and other is not None and not busy:
                yield what, value, factor * other, f"{factor} x nginx"
        yield from against("memory per stream, kB", ("mem", "kb"), (1.25, "floor"), (0.65, "node"))
        yield "memory per stream, kB", self.of(us, "mem", "kb"), 24, ""
        yield "memory at rest, MB", self.of(us, "rest_mb"), 20, ""
        yield "longest turn of the loop under B and G, ms", (self.of(us, "stall_us") or 0) / 1000, 5, ""
        yield "abandoned upstream streams", self.of(us, "X"), 0, ""

    def show(self):
        rows = list(self.rows())
        widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
        for r in rows:
            print("  ".join([r[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(r[1:], widths[1:])]))
        print(f"direct, without a relay: B p50/p99 {self.text(self.of('direct', 'B', 'p50'), 0)}/"
              f"{self.text(self.of('direct', 'B', 'p99'), 0)} us, first event "
              f"{self.text(self.of('direct', 'A', 'first'), 0)} us; longest turn of our loop "
              f"{self.text(self.of('deskstream', 'stall_us'), 0)} us\n")
        met = missed = 0
        for what, value, limit, why in self.aims():
            if value is None:
                continue
            good = value <= limit
            met, missed = met + good, missed + (not good)
            print(f"{'met   ' if good else 'MISSED'}  {what}: {value:.2f}, at most {limit:.2f}{f' ({why})' if why else ''}")
        print(f"aims: {met} met, {missed} missed")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("build")
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--seconds", type=float, default=4)
    args.add_argument("--only", default="")
    o = args.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(os.path.abspath(o.build), o.seconds)
    results = {"direct": []}
    try:
        relays = [r for r in bench.relays() if not o.only or r.name in o.only.split(",")]
        for number in range(o.rounds):
            results["direct"].append(measure_direct(bench))
            for relay in relays:
                print(f"round {number + 1} of {o.rounds}: {relay.name}", file=sys.stderr)
                results.setdefault(relay.name, []).append(measure(bench, relay))
    finally:
        bench.close()
    Table(results).show()
    for name in bench.skipped:
        print(f"skipped: {name} (not on this machine and could not be had)")


main()
