#!/usr/bin/env python3
"""Qdrant's REST calls that the store uses, answered by the real engine (qdrant-edge-py).

    front.py [--port 0] [--url-file FILE]

The engine is the vendor's own, embedded: storing, filtering, scoring, indexing and point ids are what a
server does. This front only translates JSON and statuses; it listens on loopback, keeps everything
in a directory of its own and drops it at the end. What a call does not know it refuses (400), so a
test cannot pass by being ignored. One lock a process: the engine is not asked to be parallel here.
"""
import argparse
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import qdrant_edge as edge

VERSION = "1.19.0"  # of the REST shapes followed here
LOCK = threading.Lock()
COLLECTIONS = {}
ROOT = None


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Collection:
    def __init__(self, name, body):
        known(body, "vectors", "hnsw_config", "on_disk_payload", "optimizers_config", "metadata")
        self.name = name
        self.body = body
        self.indexes = {}
        vectors = {}
        for vector, spec in body["vectors"].items():
            known(spec, "size", "distance", "on_disk")
            vectors[vector] = edge.EdgeVectorParams(
                spec["size"], getattr(edge.Distance, spec["distance"]), on_disk=spec.get("on_disk"))
        hnsw = body.get("hnsw_config", {})
        known(hnsw, "m", "payload_m", "ef_construct", "full_scan_threshold")
        config = edge.EdgeConfig(
            vectors=vectors,
            on_disk_payload=body.get("on_disk_payload"),
            hnsw_config=edge.HnswIndexConfig(
                hnsw.get("m", 16), hnsw.get("ef_construct", 100),
                hnsw.get("full_scan_threshold", 10000), payload_m=hnsw.get("payload_m")))
        self.path = os.path.join(ROOT, "%s-%s" % (name, uuid.uuid4().hex))
        os.mkdir(self.path)
        self.shard = edge.EdgeShard.create(self.path, config)

    def close(self):
        self.shard.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def info(self):
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": self.shard.count(edge.CountRequest(exact=True)),
            "segments_count": 1,
            "config": {
                "params": {"vectors": self.body["vectors"]},
                "hnsw_config": self.body.get("hnsw_config", {}),
            },
            "payload_schema": {
                field: {"data_type": schema["type"], "params": schema, "points": 0}
                for field, schema in self.indexes.items()
            },
        }


def known(body, *names):
    for name in body:
        if name not in names:
            raise Refused(400, "this front does not know %r" % name)


def point_id(value):
    if isinstance(value, int) and value >= 0:
        return value
    if isinstance(value, str):
        try:
            return str(uuid.UUID(value))
        except ValueError:
            pass
    raise Refused(400, "value %r is not a valid point ID" % (value,))


def condition(body):
    if "has_id" in body:
        known(body, "has_id")
        return edge.HasIdCondition({as_id(point_id(v)) for v in body["has_id"]})
    known(body, "key", "match")
    known(body["match"], "value")
    return edge.FieldCondition(body["key"], match=edge.MatchValue(body["match"]["value"]))


def as_id(value):
    return value if isinstance(value, int) else uuid.UUID(value)


def filter_of(body):
    if body is None:
        return None
    known(body, "must", "must_not", "should")
    return edge.Filter(**{k: [condition(c) for c in v] for k, v in body.items()})


def query_of(c, body):
    known(body, "query", "using", "limit", "offset", "filter", "params", "with_payload",
          "with_vector", "score_threshold")
    params = body.get("params") or {}
    known(params, "hnsw_ef", "exact")
    wanted = body.get("with_payload", False)
    if isinstance(wanted, list):
        wanted = edge.PayloadSelector.Include(wanted)
    elif isinstance(wanted, dict):
        known(wanted, "include")
        wanted = edge.PayloadSelector.Include(wanted["include"])
    if body["using"] not in c.body["vectors"]:
        raise Refused(400, "Wrong input: Not existing vector name error: %s" % body["using"])
    if len(body["query"]) != c.body["vectors"][body["using"]]["size"]:
        raise Refused(400, "Wrong input: Vector dimension error")
    return edge.QueryRequest(
        body.get("limit", 10),
        offset=body.get("offset"),
        query=edge.Query.Nearest(body["query"], using=body["using"]),
        filter=filter_of(body.get("filter")),
        params=edge.SearchParams(hnsw_ef=params.get("hnsw_ef"), exact=params.get("exact", False)),
        with_payload=wanted,
        score_threshold=body.get("score_threshold"))


def hit(p):
    return {"id": p.id if isinstance(p.id, int) else str(p.id), "version": p.version,
            "score": p.score, "payload": p.payload}


# ---- calls: each gets the collection (or its name), the body and the query; gives `result` ----

def collection_create(name, body, _):
    if name in COLLECTIONS:
        raise Refused(409, "Wrong input: Collection `%s` already exists!" % name)
    COLLECTIONS[name] = Collection(name, body)
    return True


def collection_drop(name, _, __):
    c = COLLECTIONS.pop(name, None)
    if c:
        c.close()
    return c is not None


def collection_get(c, _, __):
    return c.info()


def index_create(c, body, _):
    known(body, "field_name", "field_schema")
    schema = body["field_schema"]
    if isinstance(schema, str):
        schema = {"type": schema}
    known(schema, "type", "is_tenant")
    if schema["type"] != "keyword":
        raise Refused(400, "this front knows keyword indexes only")
    c.shard.update(edge.UpdateOperation.create_field_index(
        body["field_name"], edge.KeywordIndexParams(is_tenant=schema.get("is_tenant"))))
    c.indexes[body["field_name"]] = schema
    return {"operation_id": 1, "status": "completed"}


def vector_create(c, body, _, name):
    known(body, "dense")
    spec = body["dense"]
    known(spec, "size", "distance")
    c.shard.update(edge.UpdateOperation.create_dense_vector(
        name, spec["size"], getattr(edge.Distance, spec["distance"])))
    c.body["vectors"][name] = spec
    return True


def points_put(c, body, _):
    known(body, "points")
    points = []
    for p in body["points"]:
        known(p, "id", "vector", "payload")
        for name, values in p["vector"].items():
            if name not in c.body["vectors"]:
                raise Refused(400, "Wrong input: Not existing vector name error: %s" % name)
            if len(values) != c.body["vectors"][name]["size"]:
                raise Refused(400, "Wrong input: Vector dimension error: expected dim: %d, got %d"
                              % (c.body["vectors"][name]["size"], len(values)))
        points.append(edge.Point(as_id(point_id(p["id"])), p["vector"], p.get("payload")))
    c.shard.update(edge.UpdateOperation.upsert_points(points))
    return {"operation_id": 1, "status": "completed"}


def points_delete(c, body, _):
    known(body, "points", "filter")
    if "filter" in body:
        c.shard.update(edge.UpdateOperation.delete_points_by_filter(filter_of(body["filter"])))
    else:
        c.shard.update(edge.UpdateOperation.delete_points(
            [as_id(point_id(v)) for v in body["points"]]))
    return {"operation_id": 1, "status": "completed"}


def points_query_batch(c, body, _):
    known(body, "searches")
    return [{"points": [hit(p) for p in c.shard.query(query_of(c, s))]} for s in body["searches"]]


def points_count(c, body, _):
    known(body, "filter", "exact")
    return {"count": c.shard.count(edge.CountRequest(
        exact=body.get("exact", True), filter=filter_of(body.get("filter"))))}


def points_get(c, body, _):
    known(body, "ids", "with_payload", "with_vector")
    found = c.shard.retrieve([as_id(point_id(v)) for v in body["ids"]],
                             body.get("with_payload", True), body.get("with_vector", False))
    return [{"id": p.id if isinstance(p.id, int) else str(p.id), "payload": p.payload,
             "vector": p.vector} for p in found]


def optimize(c, _, __):
    """Not a call of Qdrant: builds indexes now, which a server does by itself."""
    return c.shard.optimize()


CALLS = [
    ("PUT", r"/collections/([^/]+)", collection_create, "name"),
    ("DELETE", r"/collections/([^/]+)", collection_drop, "name"),
    ("GET", r"/collections/([^/]+)", collection_get, "collection"),
    ("PUT", r"/collections/([^/]+)/index", index_create, "collection"),
    ("PUT", r"/collections/([^/]+)/vectors/([^/]+)", vector_create, "collection"),
    ("PUT", r"/collections/([^/]+)/points", points_put, "collection"),
    ("POST", r"/collections/([^/]+)/points", points_get, "collection"),
    ("POST", r"/collections/([^/]+)/points/delete", points_delete, "collection"),
    ("POST", r"/collections/([^/]+)/points/query/batch", points_query_batch, "collection"),
    ("POST", r"/collections/([^/]+)/points/count", points_count, "collection"),
    ("POST", r"/test/optimize/([^/]+)", optimize, "collection"),
]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def handle_call(self):
        began = time.monotonic()
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        if url.path == "/":
            self.answer(200, {"title": "qdrant - vector search engine", "version": VERSION})
            return
        try:
            for method, pattern, fn, wants in CALLS:
                m = re.fullmatch(pattern, url.path)
                if m is None or method != self.command:
                    continue
                try:
                    body = json.loads(raw) if raw else {}
                except ValueError as e:
                    raise Refused(400, "Format error in JSON body: %s" % e) from e
                with LOCK:
                    subject = m.group(1)
                    if wants == "collection":
                        if subject not in COLLECTIONS:
                            raise Refused(404, "Not found: Collection `%s` doesn't exist!" % subject)
                        subject = COLLECTIONS[subject]
                    result = fn(subject, body, parse_qs(url.query), *m.groups()[1:])
                self.answer(200, {"result": result, "status": "ok",
                                  "time": time.monotonic() - began})
                return
            self.answer(404, {"status": {"error": "Not found"}, "time": 0.0})
        except Refused as e:
            self.answer(e.status, {"status": {"error": str(e)}, "time": 0.0})
        except (KeyError, TypeError, ValueError) as e:
            self.answer(400, {"status": {"error": "Wrong input: %r" % e}, "time": 0.0})
        except Exception as e:  # the engine's own
            self.answer(500, {"status": {"error": "Service internal error: %s" % e}, "time": 0.0})

    do_GET = do_PUT = do_POST = do_DELETE = handle_call


def main():
    global ROOT
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--url-file")
    args = parser.parse_args()
    ROOT = tempfile.mkdtemp(prefix="deskstream-qdrant-")
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    url = "http://127.0.0.1:%d" % server.server_address[1]
    if args.url_file:
        with open(args.url_file + ".new", "w", encoding="utf-8") as f:
            f.write(url + "\n")
        os.rename(args.url_file + ".new", args.url_file)
    print(url, flush=True)
    try:
        server.serve_forever()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        for c in list(COLLECTIONS.values()):
            c.close()
        shutil.rmtree(ROOT, ignore_errors=True)


if __name__ == "__main__":
    main()
