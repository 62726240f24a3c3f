"""A small blocking websocket client and raw HTTP helpers, so that tests see every byte.

It knows only RFC 6455 framing; what the frames mean is in clients.py.
"""
import base64
import hashlib
import os
import select
import socket
import struct
import time

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    def __init__(self, code, reason=""):
        super().__init__(f"closed {code} {reason}")
        self.code, self.reason = code, reason


class Refused(Exception):
    def __init__(self, status, body=b""):
        super().__init__(f"handshake refused with {status}: {body[:200]!r}")
        self.status, self.body = status, body


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length_as=None):
    """One client frame; length_as forces the 7, 16 or 64 bit form."""
    head = bytearray([(0x80 if fin else 0) | (rsv << 4) | opcode])
    n = len(payload)
    form = length_as or (7 if n < 126 else 16 if n < 65536 else 64)
    bit = 0x80 if masked else 0
    if form == 7:
        head.append(bit | n)
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack("!H", n)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", n)
    if not masked:
        return bytes(head) + payload
    key = os.urandom(4)
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(
        (key * (n // 4 + 1))[:n], "big")).to_bytes(n, "big") if n else b""
    return bytes(head) + key + body


class WebSocket:
    watcher = None  # of contract.py: is told of each text, in both directions

    def __init__(self, host, port, path, headers=None, timeout=10, origin=True):
        self.sock = socket.create_connection((host, port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data, self.parts, self.code, self.reason = b"", [], None, ""
        self.path, self.strange = path.split("?")[0], {}
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket",
                 "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if origin:
            lines.append(f"Origin: http://{host}:{port}" if origin is True else f"Origin: {origin}")
        lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
        try:
            self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            while b"\r\n\r\n" not in self.data:
                got = self.sock.recv(65536)
                if not got:
                    raise Refused(0, self.data)
                self.data += got
            head, self.data = self.data.split(b"\r\n\r\n", 1)
            status = int(head.split(b" ", 2)[1])
            if status != 101:
                raise Refused(status, self.data)
            accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest())
            if accept not in head:
                raise Refused(101, b"wrong Sec-WebSocket-Accept")
        except BaseException:
            self.sock.close()
            raise
        self.sock.settimeout(timeout)

    def send(self, text):
        if self.watcher:
            self.watcher.says(self, text)
        self.sock.sendall(frame(TEXT, text.encode() if isinstance(text, str) else text))

    def raw(self, data):
        self.sock.sendall(data)

    def _need(self, n, end):
        while len(self.data) < n:
            left = None if end is None else max(0, end - time.monotonic())
            if self.sock.fileno() < 0:
                raise Closed(1006, "cut by the test")
            if not select.select([self.sock], [], [], left)[0]:
                raise TimeoutError("no frame came")
            got = self.sock.recv(262144)
            if not got:
                raise Closed(self.code or 1006, self.reason)
            self.data += got

    def next_frame(self, timeout=10):
        """(fin, opcode, payload) of the next frame, whatever it is."""
        end = None if timeout is None else time.monotonic() + timeout
        self._need(2, end)
        first, second = self.data[0], self.data[1]
        n, at = second & 127, 2
        if second & 128:
            raise AssertionError("the server masked a frame")
        if n == 126:
            self._need(4, end)
            n, at = struct.unpack("!H", self.data[2:4])[0], 4
        elif n == 127:
            self._need(10, end)
            n, at = struct.unpack("!Q", self.data[2:10])[0], 10
        self._need(at + n, end)
        payload, self.data = self.data[at:at + n], self.data[at + n:]
        return bool(first & 128), first & 15, payload

    def recv(self, timeout=10):
        """The next text; answers pings; raises Closed."""
        end = time.monotonic() + timeout if timeout is not None else None
        while True:
            left = None if end is None else max(0, end - time.monotonic())
            fin, op, payload = self.next_frame(left)
            if op == PING:
                self.sock.sendall(frame(PONG, payload))
            elif op == CLOSE:
                self.code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                self.reason = payload[2:].decode("utf-8", "replace")
                try:
                    self.sock.sendall(frame(CLOSE, payload[:2]))
                except OSError:
                    pass
                raise Closed(self.code, self.reason)
            elif op in (TEXT, BINARY, 0):
                self.parts.append(payload)
                if fin:
                    whole, self.parts = b"".join(self.parts), []
                    text = whole.decode("utf-8")
                    if self.watcher:
                        self.watcher.hears(self, text)
                    return text

    def close(self, code=1000):
        try:
            self.sock.sendall(frame(CLOSE, struct.pack("!H", code)))
        except OSError:
            pass
        self.kill()

    def kill(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def cut(self):
        """For another thread than the reading one, which then sees the end."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def raw_http(host, port, data, timeout=5, half_close=False):
    """Sends bytes as they are and returns all that comes back until the end or the timeout."""
    out = b""
    with socket.create_connection((host, port), timeout=timeout) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            while True:
                got = s.recv(65536)
                if not got:
                    break
                out += got
        except (TimeoutError, ConnectionError):
            pass
    return out


def statuses(answer):
    """Status codes of the responses in raw bytes."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]
