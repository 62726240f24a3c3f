"""HTTP/1.1 for the fakes: a small asyncio server with keep-alive, chunked bodies, and answers that can
be spoilt on purpose. Also a client for webhooks. Nothing of any one messenger in here."""

import asyncio
import json
import urllib.parse

BODY_MAX = 60 << 20


class Request:
    __slots__ = ("method", "path", "query", "headers", "body")

    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path, _, self.query = target.partition("?")


class Answer:
    """status and body; spoil: None, "lose" (closed without a word), "reset" (thrown away, as a machine that fell), "cut"
    (half of it) or "trickle" (a byte a second)."""

    __slots__ = ("status", "body", "type", "headers", "spoil")

    def __init__(self, status, body, type="application/json", headers=(), spoil=None):
        self.status, self.type, self.headers, self.spoil = status, type, headers, spoil
        self.body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()


class TooLarge(Exception):
    pass


async def read_head(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head[:-4].split(b"\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    return lines[0].decode("latin-1"), headers


async def read_body(reader, headers, most=BODY_MAX):
    if headers.get("transfer-encoding", "").lower() == "chunked":
        parts, total = [], 0
        while True:
            n = int((await reader.readline()).split(b";")[0], 16)
            total += n
            if total > most:
                raise TooLarge
            parts.append(await reader.readexactly(n))
            await reader.readexactly(2)
            if n == 0:
                return b"".join(parts)
    n = int(headers.get("content-length", 0))
    if n > most:
        raise TooLarge
    return await reader.readexactly(n) if n else b""


async def serve_one(reader, writer, handler, most):
    """False: the connection is to be closed."""
    try:
        line, headers = await read_head(reader)
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
        return False
    method, target, _ = line.split(" ", 2)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        body = await read_body(reader, headers, most)
    except TooLarge:
        writer.write(b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: text/html\r\n"
                     b"Content-Length: 24\r\nConnection: close\r\n\r\n<h1>413 Too Large</h1>\r\n")
        return False
    answer = await handler(Request(method, target, headers, body))
    if answer.spoil == "reset":
        writer.transport.abort()
        return False
    if answer.spoil == "lose":
        return False
    head = [f"HTTP/1.1 {answer.status} X", f"Content-Type: {answer.type}",
            f"Content-Length: {len(answer.body)}", *answer.headers]
    out = "\r\n".join(head).encode() + b"\r\n\r\n" + answer.body
    if answer.spoil == "cut":
        writer.write(out[: len(out) - max(1, len(answer.body) // 2)])
        return False
    for i in range(len(out) if answer.spoil == "trickle" else 0):
        writer.write(out[i : i + 1])
        await asyncio.sleep(1)
    writer.write(b"" if answer.spoil == "trickle" else out)
    await writer.drain()
    return headers.get("connection", "").lower() != "close"


async def serve(handler, host, port, body_max=BODY_MAX):
    async def on_connection(reader, writer):
        try:
            while await serve_one(reader, writer, handler, body_max):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(on_connection, host, port, limit=1 << 20, backlog=4096)


class Poster:
    """Posts to one address over kept connections."""

    def __init__(self, url):
        self.host, self.port, self.tls, self.path = _address(url)
        self.idle = []

    async def post(self, body, headers, timeout):
        """(status, headers); raises OSError or asyncio.TimeoutError."""
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                break
            writer.close()
        else:
            reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
        try:
            lines = [f"POST {self.path} HTTP/1.1", f"Host: {self.host}:{self.port}",
                     "Content-Type: application/json", f"Content-Length: {len(body)}",
                     *(f"{k}: {v}" for k, v in headers.items())]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            line, answered = await asyncio.wait_for(read_head(reader), timeout)
            await asyncio.wait_for(read_body(reader, answered), timeout)
        except asyncio.IncompleteReadError as e:
            writer.close()
            raise ConnectionError("closed instead of an answer") from e
        except BaseException:
            writer.close()
            raise
        if answered.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.idle.append((reader, writer))
        return int(line.split(" ")[1]), answered


def _address(url):
    """(host, port, TLS or None, path with query)"""
    u = urllib.parse.urlsplit(url)
    tls = True if u.scheme == "https" else None
    return u.hostname, u.port or (443 if tls else 80), tls, (u.path or "/") + (f"?{u.query}" if u.query else "")


async def get(url):
    """(status, headers, body); raises OSError."""
    host, port, tls, path = _address(url)
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        line, headers = await read_head(reader)
        return int(line.split(" ")[1]), headers, await read_body(reader, headers)
    except asyncio.IncompleteReadError as e:
        raise ConnectionError("closed instead of an answer") from e
    finally:
        writer.close()


def multipart(request):
    """The parts of a form: (name, file name or None, type or None, bytes)."""
    boundary = request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, data = part[2:-2].partition(b"\r\n\r\n")
        fields = head.decode()
        kind = next((line.partition(":")[2].strip() for line in fields.split("\r\n")
                     if line.lower().startswith("content-type:")), None)
        yield _attribute(fields, "name"), _attribute(fields, "filename"), kind, data


def parse_form(request):
    """Parameters of a request and its files: ({name: text or JSON value}, {part: (file name, bytes)}).
    Raises ValueError for what is malformed."""
    params = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
    files = {}
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        if request.body:
            value = json.loads(request.body)
            if not isinstance(value, dict):
                raise ValueError("can't parse JSON object")
            params.update(value)
    elif kind.startswith("application/x-www-form-urlencoded"):
        params.update(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
    elif kind.startswith("multipart/form-data"):
        for name, file_name, _, data in multipart(request):
            if file_name is None:
                params[name] = data.decode()
            else:
                files[name] = (file_name, data)
    return params, files


def part_type(request, part):
    """The Content-Type of one file of a multipart body, "" none."""
    boundary = request.headers.get("content-type", "").partition("boundary=")[2].strip('"').encode()
    for chunk in request.body.split(b"--" + boundary)[1:-1]:
        fields = chunk[2:-2].partition(b"\r\n\r\n")[0].decode()
        if _attribute(fields, "name") == part:
            types = [line.partition(":")[2].strip() for line in fields.split("\r\n")
                     if line.lower().startswith("content-type:")]
            return types[0] if types else ""
    return ""


def _attribute(head, name):
    mark = f' {name}="'
    at = head.find(mark)
    if at < 0:
        return None
    out, i = [], at + len(mark)
    while i < len(head) and head[i] != '"':
        if head[i] == "\\" and i + 1 < len(head):
            i += 1
        out.append(head[i])
        i += 1
    return "".join(out)
