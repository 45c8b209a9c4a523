"""Bench: a relay as most teams write it: FastAPI with StreamingResponse, httpx upstream, one uvicorn worker.
relay_fastapi.py PORT UPSTREAM_PORT      needs fastapi, httpx and uvicorn"""
import json
import sys
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

PORT, UPSTREAM = int(sys.argv[1]), int(sys.argv[2])
URL = f"http://127.0.0.1:{UPSTREAM}/v3/chat-completions/HCX-005"


@asynccontextmanager
async def lifespan(running):
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=4096)
    async with httpx.AsyncClient(limits=limits, timeout=None) as client:
        running.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/{rest:path}")
async def relay(request: Request):
    payload = {"messages": [{"role": "user", "content": (await request.body()).decode()}]}

    async def events():
        async with app.state.client.stream("POST", URL, json=payload, headers={"accept": "text/event-stream"}) as up:
            async for line in up.aiter_lines():
                if not line.startswith("data:"):
                    continue
                event = json.loads(line[5:])
                if event.get("usage"):
                    continue
                out = json.dumps({"type": "answer.delta", "text": event["message"]["content"]}, ensure_ascii=False)
                yield f"event: token\ndata: {out}\n\n"
        yield 'event: done\ndata: {"type":"done"}\n\n'

    return StreamingResponse(events(), media_type="text/event-stream")


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error", access_log=False, backlog=4096)
