"""The sandbox as a strict client sees it: the helpdesk's rules, the model's events, faults, limits.

Each class starts a program of its own on a free port; nothing waits by the clock, replies are read
until they end.
"""
import base64
import concurrent.futures
import http.client
import json
import os
import signal
import socket
import subprocess
import unittest
import urllib.parse

BUILD = os.environ.get("DESKSTREAM_BUILD", "build/release")
KEY = "Basic " + base64.b64encode(b"demo:X").decode()
BEARER = {"Authorization": "Bearer nv-test", "Content-Type": "application/json"}
NOW = "2026-11-20T00:00:00Z"


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class SandboxCase(unittest.TestCase):
    options = []

    @classmethod
    def setUpClass(cls):
        cls.process = subprocess.Popen(
            [os.path.join(BUILD, "deskstream-sandbox"), "--port", "0", "--now", NOW,
             "--token-ms", "0", "--latency-ms", "0", "--rate", "0", "--list-rate", "0",
             *cls.options], stdout=subprocess.PIPE, text=True)
        line = cls.process.stdout.readline()
        cls.port = int(line.rsplit(":", 1)[1])

    @classmethod
    def tearDownClass(cls):
        cls.process.send_signal(signal.SIGTERM)
        code = cls.process.wait(20)
        cls.process.stdout.close()
        if code != 0:
            raise AssertionError(f"the sandbox ended with {code}")

    def tearDown(self):
        self.control(faults=[], reset_stats=True, reset_windows=True, rate=0, list_rate=0,
                     llm_rate=0, llm_tokens=0, tokens=0, token_ms=0, window_ms=60000,
                     list_calls=0, sse_space=0, sse_crlf=0, sse_signal=0, sse_split=0)

    def call(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def control(self, **knobs):
        reply = self.call("POST", "/sandbox/control", json.dumps(knobs))
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def stats(self):
        return self.call("GET", "/sandbox/stats").json()

    def desk(self, path, key=KEY, host="acme.freshdesk.com", **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        return self.call("GET", "/api/v2/" + path, None, {"Authorization": key, "Host": host})

    def chat(self, model="HCX-005", stream=False, headers=None, **body):
        body.setdefault("messages", [{"role": "user", "content": "안녕하세요"}])
        wanted = {**BEARER, **(headers or {})}
        if stream:
            wanted["Accept"] = "text/event-stream"
        return self.call("POST", "/v3/chat-completions/" + model, json.dumps(body), wanted)


def events(body):
    """[(name, data)] of an event stream with LF or CRLF, with or without a blank after colons."""
    found = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        fields = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        if "data" in fields:
            found.append((fields.get("event"), fields["data"]))
    return found


class HelpdeskTest(SandboxCase):
    options = ["--tickets", "3000"]

    def walk(self, **query):
        """All tickets by keyset on updated_at, as a collector does."""
        seen, since = {}, "1970-01-01T00:00:00Z"
        while True:
            page, fresh = 1, 0
            rows = self.desk("tickets", updated_since=since, order_by="updated_at",
                             order_type="asc", per_page=100, page=page, **query).json()
            for row in rows:
                fresh += row["id"] not in seen
                seen[row["id"]] = row
            if len(rows) < 100:
                return seen
            self.assertGreater(fresh, 0)
            since = rows[-1]["updated_at"]

    def test_every_ticket_is_listed_once(self):
        seen = self.walk()
        self.assertEqual(len(seen), 3000)
        ids = []
        for page in range(1, 32):
            ids += [row["id"] for row in self.desk(
                "tickets", updated_since="1970-01-01", per_page=100, page=page).json()]
        self.assertEqual(len(ids), 3000)
        self.assertEqual(sorted(ids), sorted(seen))
        self.assertEqual(ids, sorted(ids, reverse=True))

    def test_thirty_days_without_updated_since(self):
        rows = self.desk("tickets", per_page=100).json()
        self.assertTrue(0 < len(rows) < 100)
        self.assertTrue(all(row["created_at"] >= "2026-10-21" for row in rows))

    def test_updated_since_is_inclusive(self):
        row = self.desk("tickets", updated_since="2026-01-01", order_by="updated_at",
                        order_type="asc", per_page=1).json()[0]
        again = self.desk("tickets", updated_since=row["updated_at"], order_by="updated_at",
                          order_type="asc", per_page=1).json()[0]
        self.assertEqual(row["id"], again["id"])

    def test_bad_lists_are_refused(self):
        for query, field in (({"per_page": 101}, "per_page"), ({"page": 0}, "page"),
                             ({"page": "x"}, "page"), ({"order_by": "subject"}, "order_by"),
                             ({"updated_since": "yesterday"}, "updated_since"),
                             ({"include": "conversations"}, "include"), ({"page": 301}, "page")):
            with self.subTest(query):
                reply = self.desk("tickets", **query)
                self.assertEqual(reply.status, 400)
                self.assertEqual(reply.json()["description"], "Validation failed")
                self.assertEqual(reply.json()["errors"][0]["field"], field)
        self.assertIn("beyond the 300th page",
                      self.desk("tickets", page=301).json()["errors"][0]["message"])

    def test_link_header_until_the_last_page(self):
        reply = self.desk("tickets", updated_since="1970-01-01", per_page=100, page=29)
        self.assertIn('rel="next"', reply.headers["Link"])
        self.assertIn("page=30", reply.headers["Link"])
        reply = self.desk("tickets", updated_since="1970-01-01", per_page=100, page=30)
        self.assertIsNone(reply.headers["Link"])
        self.assertEqual(self.desk("tickets", updated_since="1970-01-01", per_page=100,
                                   page=31).json(), [])

    def test_includes_cost_credits(self):
        for path, query, cost in (("tickets", {}, 1), ("tickets", {"include": "stats"}, 3),
                                  ("tickets", {"include": "description,requester,stats"}, 7),
                                  ("tickets/1", {}, 1), ("tickets/1/conversations", {}, 1),
                                  ("tickets/1", {"include": "requester,company"}, 3)):
            with self.subTest(path=path, **query):
                reply = self.desk(path, **query)
                self.assertEqual(reply.status, 200)
                self.assertEqual(reply.headers["X-RateLimit-Used-CurrentRequest"], str(cost))
        row = self.desk("tickets", include="description,stats,requester").json()[0]
        self.assertTrue(row["description"].startswith("<div>"))
        self.assertIn("resolved_at", row["stats"])
        self.assertIn("@", row["requester"]["email"])
        self.assertNotIn("description", self.desk("tickets").json()[0])

    def test_limits(self):
        self.control(rate=10, list_rate=6, reset_windows=True)
        costs = [self.desk("tickets", include="stats").status for _ in range(3)]
        self.assertEqual(costs, [200, 200, 429])
        self.assertEqual([self.desk("agents/me").status for _ in range(5)],
                         [200, 200, 200, 200, 429])
        refused = self.desk("agents/me")
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.assertEqual(refused.headers["X-RateLimit-Remaining"], "0")
        self.assertEqual(refused.headers["X-RateLimit-Total"], "10")
        self.assertEqual(self.desk("agents/me", host="other.freshdesk.com").status, 200)
        self.assertEqual(self.stats()["throttled"], 3)
        self.assertEqual(self.stats()["list_throttled"], 1)

    def test_keys(self):
        for key, status in ((KEY, 200), ("Basic " + base64.b64encode(b"demo2:x").decode(), 200),
                            ("Basic " + base64.b64encode(b"wrong:X").decode(), 401),
                            ("Bearer demo", 401), ("", 401), ("Basic ###", 401)):
            with self.subTest(key):
                reply = self.desk("agents/me", key=key)
                self.assertEqual(reply.status, status)
                self.assertEqual(reply.headers["X-Deskstream-Sandbox"], "1")
                if status == 401:
                    self.assertEqual(reply.json()["code"], "invalid_credentials")

    def test_accounts_differ(self):
        subjects = [[row["subject"] for row in self.desk("tickets", host=host).json()]
                    for host in ("acme.freshdesk.com", "acme.freshdesk.com:443",
                                 "other.freshdesk.com")]
        self.assertEqual(subjects[0], subjects[1])
        self.assertNotEqual(subjects[0], subjects[2])

    def test_threads(self):
        long = next(row for row in self.walk().values()
                    if self.truth(row["id"])["conversations"] > 40)
        count = self.truth(long["id"])["conversations"]
        path = f"tickets/{long['id']}/conversations"
        first = self.desk(path)
        self.assertEqual(len(first.json()), 30)
        self.assertIn("page=2", first.headers["Link"])
        rows = [row for page in (1, 2) for row in self.desk(path, per_page=100, page=page).json()]
        self.assertEqual(len(rows), count)
        self.assertEqual(rows, sorted(rows, key=lambda row: row["created_at"]))
        self.assertTrue(any(row["private"] for row in rows))
        for row in rows:
            self.assertEqual("[internal#" in row["body_text"], row["private"])
        view = self.desk(f"tickets/{long['id']}", include="conversations").json()
        self.assertEqual(len(view["conversations"]), 10)

    def truth(self, ticket_id, domain="acme"):
        return self.call("GET", f"/sandbox/truth/{ticket_id}?domain={domain}.freshdesk.com").json()

    def test_the_unlisted(self):
        seen = self.walk()
        kinds = {}
        for number in range(1, 3000):
            if number not in seen:
                reply = self.call("GET", f"/sandbox/truth/{number}?domain=acme.freshdesk.com")
                kinds.setdefault(reply.json()["kind"] if reply.status == 200 else "gap",
                                 []).append(number)
        self.assertEqual(set(kinds), {"deleted", "spam", "archived", "gap"})
        archived = kinds["archived"][0]
        self.assertEqual(self.desk(f"tickets/{archived}").status, 404)
        self.assertTrue(self.desk(f"tickets/archived/{archived}").json()["archived"])
        self.assertEqual(self.desk(f"tickets/archived/{archived}/conversations").status, 200)
        missing = self.desk(f"tickets/{kinds['gap'][0]}")
        self.assertEqual((missing.status, missing.body), (404, b""))
        listed = self.desk("tickets", filter="deleted", updated_since="1970-01-01",
                           per_page=100).json()
        self.assertTrue(set(kinds["deleted"]) <= {row["id"] for row in listed})
        self.assertTrue(all(row["deleted"] for row in listed))

    def test_held_back(self):
        ids = self.call("GET", "/sandbox/holdout?n=20").json()["ids"]
        self.assertEqual(len(set(ids)), 20)
        for number in ids[:5]:
            self.assertIn(self.truth(number)["symptom"],
                          self.desk(f"tickets/{number}").json()["description_text"])

    def test_changes_come_last(self):
        first = self.desk("tickets", host="churn.freshdesk.com", updated_since="1970-01-01",
                          order_by="updated_at", order_type="asc", per_page=2).json()
        ids = [row["id"] for row in first]
        self.control(domain="churn", touch=[ids[0]], delete=[ids[1]])
        rows = self.desk("tickets", host="churn.freshdesk.com", updated_since=NOW,
                         order_by="updated_at", order_type="asc").json()
        self.assertEqual([row["id"] for row in rows], [ids[0]])
        deleted = self.desk("tickets", host="churn.freshdesk.com", filter="deleted",
                            updated_since=NOW).json()
        self.assertEqual([row["id"] for row in deleted], [ids[1]])

    def test_search(self):
        query = "\"created_at:>'2026-10-01' AND created_at:<'2026-10-31'\""
        rows, page = [], 1
        while True:
            reply = self.desk("search/tickets", query=query, page=page).json()
            rows += reply["results"]
            if len(reply["results"]) < 30 or page == 10:
                break
            page += 1
        self.assertEqual(len(rows), reply["total"])
        self.assertTrue(all("2026-10" in row["created_at"] for row in rows))
        both = self.desk("search/tickets", query='"(status:2 OR status:3) AND priority:>4"').json()
        self.assertTrue(both["results"])
        self.assertTrue(all(row["status"] in (2, 3) and row["priority"] == 4
                            for row in both["results"]))
        for bad in ("status:2", '"status:"', '"subject:x"', '"(status:2"', '"status:2 AND"'):
            with self.subTest(bad):
                self.assertEqual(self.desk("search/tickets", query=bad).status, 400)
        self.assertEqual(self.desk("search/tickets", query='"status:2"', page=11).status, 400)

    def test_solutions(self):
        articles, folders = {}, []
        for category in self.desk("solutions/categories").json():
            folders += self.desk(f"solutions/categories/{category['id']}/folders").json()
        for folder in list(folders):
            folders += self.desk(f"solutions/folders/{folder['id']}/subfolders").json()
        for folder in folders:
            rows = self.desk(f"solutions/folders/{folder['id']}/articles", per_page=100).json()
            self.assertEqual(len(rows), folder["articles_count"])
            articles.update((row["id"], row) for row in rows)
        self.assertEqual(len(articles), 120)
        self.assertEqual({folder["visibility"] for folder in folders}, {1, 2, 3})
        number, article = next(iter(articles.items()))
        self.assertEqual(self.desk(f"solutions/articles/{number}").json(), article)
        self.assertEqual(self.desk("solutions/articles/7").status, 404)
        self.assertTrue(self.desk("search/solutions", term="PAY-409").json())

    def test_small_routes(self):
        self.assertIn("contact", self.desk("agents/me").json())
        self.assertEqual(self.desk("account").json()["account_domain"], "acme.freshdesk.com")
        self.assertEqual(len(self.desk("agents").json()), 12)
        self.assertEqual(len(self.desk("groups").json()), 5)
        self.assertIn("6", self.desk("ticket_fields").json()[0]["choices"])
        self.assertEqual(self.desk("settings/helpdesk").json()["primary_language"], "ko")
        self.assertEqual(self.desk("nothing/here").status, 404)


DATA = ('<ticket id="1" status="open">\n이중 결제\n\n같은 주문에 결제가 두 번 되었습니다.\n</ticket>\n'
        '<source n="4" kind="kb">\n이중 결제 해결 방법\n'
        '1. 관리자 > 거래 내역에서 중복 건을 골라 전체 취소를 눌러 주세요.\n</source>\n'
        '<source n="7" kind="kb">\n배송\n물류센터 재고가 실제보다 많게 잡혀 출고가 늦어졌습니다.\n</source>\n')


def asked(task, extra=""):
    return [{"role": "system", "content": f"{extra}\n형식: {task}-v1"},
            {"role": "user", "content": DATA}]


class ModelTest(SandboxCase):
    def test_stream(self):
        for knobs in ({}, {"sse_space": 1}, {"sse_crlf": 1, "sse_split": 3}, {"sse_signal": 1}):
            with self.subTest(knobs):
                self.control(sse_space=0, sse_crlf=0, sse_signal=0, sse_split=0)
                self.control(**knobs)
                reply = self.chat(stream=True, messages=asked("summary"), maxTokens=500)
                self.assertEqual(reply.status, 200)
                self.assertTrue(reply.headers["Content-Type"].startswith("text/event-stream"))
                found = events(reply.body)
                tokens = [json.loads(data)["message"]["content"] for name, data in found
                          if name == "token"]
                results = [json.loads(data) for name, data in found if name == "result"]
                self.assertEqual(len(results), 1)
                self.assertEqual("".join(tokens), results[0]["message"]["content"])
                self.assertEqual(results[0]["finishReason"], "stop")
                self.assertEqual(results[0]["usage"]["completionTokens"], len(tokens))
                self.assertEqual(found[-1][0], "signal" if "sse_signal" in knobs else "result")
        self.assertEqual(self.stats()["streams_open"], 0)

    def test_formats(self):
        def text(task):
            return self.chat(messages=asked(task)).json()["result"]["message"]["content"]
        self.assertIn("긴급도: ", text("summary"))
        solutions = text("solutions")
        self.assertTrue(solutions.startswith("## 이중 결제 해결 방법"))
        self.assertIn("[4] <<관리자 > 거래 내역", solutions)
        self.assertNotIn("[7]", solutions)
        self.assertIn("[4]", text("answer"))
        self.assertNotIn("[4]", text("reply"))
        self.assertTrue(text("reply").startswith("안녕하세요"))

    def test_json_by_schema(self):
        schema = {"type": "object", "required": ["symptom", "steps"], "properties": {
            "symptom": {"type": "string"},
            "cause": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "urgency": {"type": "string", "enum": ["low", "high"]},
            "steps": {"type": "array", "maxItems": 2, "items": {"type": "object", "properties": {
                "text": {"type": "string"}, "source": {"type": "integer"},
                "quote": {"type": "string"}}}}}}
        body = {"messages": asked("json"), "maxCompletionTokens": 2000,
                "responseFormat": {"type": "json", "schema": schema}}
        value = json.loads(self.chat("HCX-007", thinking={"effort": "none"}, **body)
                           .json()["result"]["message"]["content"])
        self.assertEqual(value["symptom"], "같은 주문에 결제가 두 번 되었습니다.")
        self.assertIsNone(value["cause"])
        self.assertIn(value["urgency"], ("low", "high"))
        self.assertEqual([step["source"] for step in value["steps"]], [4])
        self.assertIn(value["steps"][0]["quote"], DATA)
        self.refused(self.chat("HCX-007", **body), "40001")
        self.refused(self.chat("HCX-005", **body), "40001")
        schema["additionalProperties"] = False
        self.refused(self.chat("HCX-007", thinking={"effort": "none"}, **body), "40055")

    def refused(self, reply, code, status=400):
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.json()["status"]["code"], code)

    def test_json_by_prompt(self):
        pattern = 'JSON {"symptom": "", "cause": null, "tags": [""], "urgency": "low|high"}'
        reply = self.chat(messages=asked("x", pattern)).json()
        value = json.loads(reply["result"]["message"]["content"])
        self.assertEqual(list(value), ["symptom", "cause", "tags", "urgency"])
        self.assertIn("double-charge", value["tags"])
        self.assertEqual(value["urgency"], "low")

    def test_parameters(self):
        for model, body, code in (
                ("HCX-005", {"topP": 0}, "40001"), ("HCX-005", {"temperature": 1.5}, "40001"),
                ("HCX-005", {"thinking": {"effort": "none"}}, "40001"),
                ("HCX-007", {"maxTokens": 10}, "40001"), ("HCX-005", {"maxTokens": 5000}, "40001"),
                ("HCX-999", {}, "40080"), ("HCX-003", {}, "40084"),
                ("HCX-005", {"messages": []}, "40001"),
                ("HCX-005", {"messages": [{"role": "system", "content": "a"}] * 2}, "40001"),
                ("HCX-005", {"messages": [{"role": "user", "content": "가" * 200000}]}, "40003")):
            with self.subTest(model=model, code=code):
                self.refused(self.chat(model, **body), code)
        self.refused(self.call("POST", "/v3/chat-completions/HCX-005", "{", BEARER), "40000")
        self.refused(self.call("POST", "/v3/chat-completions/HCX-005", "{}",
                               {"Authorization": "Bearer x"}), "40104", 401)

    def test_thinking_comes_first(self):
        found = [json.loads(data)["message"] for name, data in events(
            self.chat("HCX-007", stream=True).body) if name == "token"]
        kinds = ["thinkingContent" in message for message in found]
        self.assertTrue(kinds[0])
        self.assertFalse(kinds[-1])
        self.assertEqual(kinds, sorted(kinds, reverse=True))

    def test_length(self):
        self.control(tokens=50)
        reply = self.chat(stream=True, maxTokens=20)
        result = json.loads(events(reply.body)[-1][1])
        self.assertEqual(result["finishReason"], "length")
        self.assertEqual(result["usage"]["completionTokens"], 20)

    def test_limits(self):
        self.control(llm_rate=2, reset_windows=True)
        self.assertEqual([self.chat().status for _ in range(3)], [200, 200, 429])
        reply = self.chat()
        self.refused(reply, "42901", 429)
        self.assertEqual(reply.headers["x-ratelimit-remaining-requests"], "0")
        self.assertGreaterEqual(int(reply.headers["Retry-After"]), 1)
        self.control(llm_rate=0, llm_tokens=600, reset_windows=True)
        self.assertEqual([self.chat(maxTokens=512).status for _ in range(2)], [200, 429])

    def test_embeddings(self):
        def vector(text):
            reply = self.call("POST", "/v1/api-tools/embedding/v2", json.dumps({"text": text}),
                              BEARER)
            return reply.json()["result"]["embedding"]
        one, same, near, far = map(vector, ("카드 결제 거절", "카드 결제 거절", "카드 결제가 거절돼요",
                                            "배송이 늦어요"))
        self.assertEqual(len(one), 1024)
        self.assertEqual(one, same)
        self.assertFalse(0.9 < sum(x * x for x in one) < 1.1)
        self.assertGreater(sum(a * b for a, b in zip(one, near)),
                           sum(a * b for a, b in zip(one, far)))
        self.refused(self.call("POST", "/v1/api-tools/embedding/v2", '{"text":" "}', BEARER),
                     "40004")
        self.refused(self.call("POST", "/v1/api-tools/embedding/v2",
                               json.dumps({"text": "가" * 20000}), BEARER), "40003")
        reply = self.call("POST", "/v1/openai/embeddings", json.dumps(
            {"input": ["가나다", "카드 결제 거절"], "model": "bge-m3",
             "encoding_format": "float"}), BEARER).json()
        self.assertEqual(reply["data"][1]["embedding"], one)

    def openai(self, path="/v1/openai/chat/completions", **body):
        body.setdefault("messages", asked("summary"))
        body.setdefault("model", "HCX-005")
        return self.call("POST", path, json.dumps(body), BEARER)

    def test_openai(self):
        whole = self.openai().json()["choices"][0]["message"]["content"]
        found = events(self.openai(stream=True).body)
        self.assertEqual(found[-1][1], "[DONE]")
        chunks = [json.loads(data) for _, data in found[:-1]]
        self.assertEqual("".join(chunk["choices"][0]["delta"].get("content", "")
                                 for chunk in chunks), whole)
        self.assertEqual(chunks[-1]["choices"][0]["finish_reason"], "stop")
        refused = self.openai(stream=True, stream_options={"include_usage": True})
        self.assertEqual(refused.json()["error"]["code"], "40002")
        found = events(self.openai("/v1/chat/completions", stream=True,
                                   stream_options={"include_usage": True}).body)
        self.assertEqual(json.loads(found[-2][1])["choices"], [])
        self.assertGreater(json.loads(found[-2][1])["usage"]["completion_tokens"], 0)
        models = self.call("GET", "/v1/openai/models", None, BEARER).json()["data"]
        self.assertIn("HCX-005", [model["id"] for model in models])


class FaultTest(SandboxCase):
    def fault(self, kind, **rest):
        self.control(faults=[{"kind": kind, **rest}])

    def test_whole_answers(self):
        for kind, status in (("status:500", 500), ("status:403", 403), ("html", 502),
                             ("overload", 429), ("error", 500)):
            with self.subTest(kind):
                self.fault(kind, path="/api/v2/")
                self.assertEqual(self.desk("agents/me").status, status)
                self.assertEqual(self.chat().status, 200)
        self.fault("garbage", path="/api/v2/")
        with self.assertRaises(ValueError):
            self.desk("agents/me").json()
        self.fault("truncated", path="/api/v2/")
        with self.assertRaises(ValueError):
            self.desk("agents/me").json()

    def test_broken_connections(self):
        for kind in ("half", "reset"):
            with self.subTest(kind):
                self.fault(kind)
                with self.assertRaises((http.client.HTTPException, ConnectionError)):
                    self.desk("tickets")
                with self.assertRaises((http.client.HTTPException, ConnectionError)):
                    self.chat(stream=True)

    def test_streams(self):
        self.fault("error")
        self.control(tokens=20)
        found = events(self.chat(stream=True).body)
        self.assertEqual(found[-1][0], "error")
        self.assertEqual(json.loads(found[-1][1])["status"]["code"], "50000")
        self.fault("garbage")
        bad = 0
        for _, data in events(self.chat(stream=True).body):
            try:
                json.loads(data)
            except ValueError:
                bad += 1
        self.assertEqual(bad, 1)

    def test_counts_and_header(self):
        self.fault("status:503", after=1, count=2)
        self.assertEqual([self.desk("agents/me").status for _ in range(4)], [200, 503, 503, 200])
        reply = self.chat(headers={"X-Sandbox-Fault": "status:401"})
        self.assertEqual(reply.status, 401)
        self.assertEqual(self.stats()["faults"], 3)

    def test_bad_control(self):
        for body in ('{"rate":-1}', '{"nothing":1}', '{"faults":[{"kind":"x"}]}', '{"faults":3}'):
            with self.subTest(body):
                self.assertEqual(self.call("POST", "/sandbox/control", body).status, 422)

    def test_abandoned_stream_is_counted(self):
        self.control(tokens=100000, token_ms=5)
        body = json.dumps({"messages": [{"role": "user", "content": "x"}], "maxTokens": 4096})
        with socket.create_connection(("127.0.0.1", self.port)) as peer:
            peer.sendall(("POST /v3/chat-completions/HCX-005 HTTP/1.1\r\nHost: x\r\n"
                          "Authorization: Bearer nv-x\r\nAccept: text/event-stream\r\n"
                          f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
            got = b""
            while b"event:token" not in got:
                got += peer.recv(4096)
        stats = self.stats()
        while stats["streams_open"]:
            stats = self.stats()
        self.assertEqual(stats["streams_aborted"], 1)
        self.assertEqual(stats["streams_ended"], 0)


class CrowdTest(SandboxCase):
    def test_a_hundred_paced_streams_all_end(self):
        self.control(tokens=40, token_ms=3)
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            replies = list(pool.map(lambda _: self.chat(stream=True), range(100)))
        self.assertEqual({events(reply.body)[-1][0] for reply in replies}, {"result"})
        stats = self.stats()
        self.assertEqual((stats["streams_ended"], stats["streams_open"]), (100, 0))
        self.assertEqual(stats["tokens_sent"], 4000)


class ProgramTest(unittest.TestCase):
    def test_usage(self):
        program = os.path.join(BUILD, "deskstream-sandbox")
        self.assertEqual(subprocess.run([program, "--help"], capture_output=True).returncode, 0)
        for wrong in (["--tickets", "0"], ["--nothing", "1"], ["--port"], ["--rate=x"], ["x"]):
            with self.subTest(wrong):
                done = subprocess.run([program, *wrong], capture_output=True, text=True)
                self.assertEqual(done.returncode, 2)
                self.assertIn("usage:", done.stderr)

    def test_same_seed_same_texts(self):
        def first_page():
            class Case(SandboxCase):
                options = ["--seed", "5", "--tickets", "300"]
            Case.setUpClass()
            try:
                return Case().desk("tickets", include="description").body
            finally:
                Case.tearDownClass()
        self.assertEqual(first_page(), first_page())


if __name__ == "__main__":
    unittest.main()
