"""A server in front of another one, which passes everything on but for what a test wants to go wrong: for real
servers, which cannot be asked to misbehave."""

import asyncio
import time
import urllib.parse

from . import wire
from .server import FakeServer


class Proxy(FakeServer):
    """before(request) -> None, or an Answer instead of the server's. after(request, answer) -> None, or the Answer
    that is given though the server has done what was asked. calls: (time, request)."""

    def __init__(self, upstream, port=0):
        u = urllib.parse.urlsplit(upstream)
        self.host_up, self.port_up = u.hostname, u.port
        self.before, self.after, self.calls, self.delay = None, None, [], 0
        super().__init__(port)

    async def _handle(self, request):
        self.calls.append((time.monotonic(), request))
        if self.delay:
            await asyncio.sleep(self.delay)
        answer = self.before(request) if self.before else None
        if answer:
            return answer
        answer = await self._ask(request)
        return (self.after(request, answer) if self.after else None) or answer

    async def _ask(self, request):
        reader, writer = await asyncio.open_connection(self.host_up, self.port_up)
        try:
            target = request.path + ("?" + request.query if request.query else "")
            lines = [f"{request.method} {target} HTTP/1.1", f"Host: {self.host_up}:{self.port_up}",
                     f"Content-Length: {len(request.body)}", "Connection: close"]
            lines += [f"{k}: {v}" for k, v in request.headers.items()
                      if k not in ("host", "content-length", "connection", "transfer-encoding", "expect")]
            writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body)
            line, headers = await wire.read_head(reader)
            if "content-length" in headers or "transfer-encoding" in headers:
                body = await wire.read_body(reader, headers)
            else:
                body = await reader.read()
            return wire.Answer(int(line.split(" ")[1]), body, type=headers.get("content-type", ""))
        finally:
            writer.close()
