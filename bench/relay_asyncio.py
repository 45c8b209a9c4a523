"""Bench: a relay on Python's asyncio alone (no framework): one upstream POST per client, each event's JSON decoded
and written into a new event.    relay_asyncio.py PORT UPSTREAM_PORT"""
import asyncio
import json
import sys

PORT, UPSTREAM = int(sys.argv[1]), int(sys.argv[2])


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return await reader.readexactly(length)


async def relay(writer, body):
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", UPSTREAM)
    try:
        payload = json.dumps({"messages": [{"role": "user", "content": body.decode()}]}).encode()
        up_writer.write(b"POST /v3/chat-completions/HCX-005 HTTP/1.1\r\nHost: u\r\nAccept: text/event-stream\r\n"
                        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload)
        await up_reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            size = int((await up_reader.readline()).strip(), 16)
            chunk = await up_reader.readexactly(size + 2)
            if size == 0:
                break
            for line in chunk[:-2].split(b"\n"):
                if not line.startswith(b"data:"):
                    continue
                event = json.loads(line[5:])
                if event.get("usage"):
                    continue
                out = json.dumps({"type": "answer.delta", "text": event["message"]["content"]}, ensure_ascii=False)
                data = f"event: token\ndata: {out}\n\n".encode()
                writer.write(b"%x\r\n" % len(data) + data + b"\r\n")
            await writer.drain()
        last = b'event: done\ndata: {"type":"done"}\n\n'
        writer.write(b"%x\r\n" % len(last) + last + b"\r\n0\r\n\r\n")
    finally:
        up_writer.close()


async def serve(reader, writer):
    try:
        while True:
            await relay(writer, await read_request(reader))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT, backlog=4096)
    async with server:
        await server.serve_forever()


asyncio.run(main())
