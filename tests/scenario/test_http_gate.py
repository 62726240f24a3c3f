"""What strangers may send to the port: smuggling, slowness, size, depth. F27-F30. The gateway
answers 4xx or hangs up, and serves others meanwhile."""
import json
import os
import socket
import threading
import time

import pytest
from harness import SLOWER, patience, until
from wire import raw_http, statuses


@pytest.fixture(scope="module")
def g(shared):
    shared.hook({"from": {"address": "1", "name": "n"}, "id": "first", "text": "x"})
    return shared


def ask(g, data, **kw):
    """The answer up to the end, for which the gateway cares."""
    return raw_http("127.0.0.1", g.port, data, patience(), **kw)


def rss(g):
    total = 0
    for pid in g.worker_pids():
        with open(f"/proc/{pid}/status") as f:
            total += next(int(x.split()[1]) for x in f if x.startswith("VmRSS"))
    return total / 1024




def hidden(who):
    """A good request to hide behind a bad one."""
    body = json.dumps({"from": {"address": who, "name": who}, "id": "1", "text": "x"}).encode()
    return (b"POST /hooks/loopback/test HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def arrived(g, who):
    return any(t["client"]["name"] == who for t in g.login().threads())


HOOK = b"POST /hooks/loopback/test HTTP/1.1\r\nHost: x\r\n"
SET = {
    "two lengths": HOOK + b"Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}",
    "two equal lengths": HOOK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "list of lengths": HOOK + b"Content-Length: 2, 2\r\n\r\n{}",
    "length and chunked": HOOK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": HOOK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "chunked twice": HOOK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "strange encoding": HOOK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": HOOK + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "tab before chunked": HOOK + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"POST /hooks/loopback/test HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}",
    "bare LF in one line": HOOK + b"A: b\nContent-Length: 2\r\n\r\n{}",
    "bare CR": HOOK + b"A: b\rContent-Length: 2\r\n\r\n{}",
    "space before colon": b"POST /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
    "length space colon": HOOK + b"Content-Length : 2\r\n\r\n{}",
    "folded line": HOOK + b"A: b\r\n c\r\n\r\n",
    "negative length": HOOK + b"Content-Length: -1\r\n\r\n",
    "plus length": HOOK + b"Content-Length: +2\r\n\r\n{}",
    "hex length": HOOK + b"Content-Length: 0x2\r\n\r\n{}",
    "huge length": HOOK + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "empty length": HOOK + b"Content-Length:\r\n\r\n{}",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "NUL in a value": b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
    "NUL in the target": b"GET /heal\x00thz HTTP/1.1\r\nHost: x\r\n\r\n",
    "control in the target": b"GET /heal\x01thz HTTP/1.1\r\nHost: x\r\n\r\n",
    "two spaces": b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "tab in the line": b"GET\t/healthz\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /healthz\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "empty name": b"GET /healthz HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    "name with a space": b"GET /healthz HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
    "no colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(64),
    "random": os.urandom(256) + b"\r\n\r\n",
    "h2c": b"GET /ws/agent HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
           b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
}


@pytest.mark.parametrize("name", SET)
def test_smuggling_set(g, name):
    """Refused, the connection closed, and what is behind it never seen as a request."""
    got = ask(g, SET[name] + hidden("evil " + name))
    codes = statuses(got)
    assert all(400 <= c < 600 and c != 503 for c in codes) and len(codes) <= 1, (codes, got[:400])
    assert not arrived(g, "evil " + name)


@pytest.mark.parametrize("method", ["get", "TRACE", "BREW", "PROPFIND"])
def test_other_methods(g, method):
    got = ask(g, f"{method} /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert statuses(got) in ([405], [501], [400])


def test_keepalive_later_request_is_judged_too(g):
    good = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for name in ("two lengths", "length and chunked", "space before colon", "bare LF in one line"):
        codes = statuses(ask(g, good + SET[name] + hidden("later " + name)))
        assert codes[0] == 200 and all(400 <= c < 500 for c in codes[1:]), (name, codes)
        assert not arrived(g, "later " + name)


GOOD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def kept(g):
    """A connection that has had one answer and waits for the next request."""
    s = socket.create_connection(("127.0.0.1", g.port), timeout=patience())
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert one_answer(s, GOOD) == 200
    return s


def one_answer(s, *pieces):
    """The status of the next answer, whose body comes with the same turn or a few later."""
    for p in pieces:
        s.sendall(p)
        if len(pieces) > 1:
            time.sleep(0.02)
    got = b""
    while b"\r\n\r\n" not in got:
        data = s.recv(65536)
        assert data, got
        got += data
    head, body = got.split(b"\r\n\r\n", 1)
    left = int(head.lower().split(b"content-length:")[1].split()[0]) - len(body)
    while left > 0:
        left -= len(s.recv(left))
    return int(head.split()[1])


@pytest.mark.parametrize("name", SET)
def test_smuggling_set_after_an_answer(g, name):
    """The same on a connection that was good so far, and the client has waited for its answer."""
    with kept(g) as s:
        got = b""
        try:
            s.sendall(SET[name] + hidden("evil later " + name))
            while True:
                data = s.recv(65536)
                if not data:
                    break
                got += data
        except ConnectionError:
            pass
        codes = statuses(got)
    assert all(400 <= c < 600 and c != 503 for c in codes) and len(codes) <= 1, (codes, got[:400])
    assert not arrived(g, "evil later " + name)


def test_kept_connection_stays(g):
    """Whoever keeps to the rules keeps the connection, however the bytes come."""
    post = hidden("kept")
    with kept(g) as s:
        for pieces in ([GOOD], [post], [GOOD[:1], GOOD[1:30], GOOD[30:]], [post[:90], post[90:]],
                       [post[:-5], post[-5:]], [post[i:i + 7] for i in range(0, len(post), 7)],
                       [GOOD[:-1], GOOD[-1:]], [GOOD]):
            assert one_answer(s, *pieces) == 200
        time.sleep(1.2)
        assert one_answer(s, GOOD) == 200
        s.sendall(post + GOOD)
        assert one_answer(s) == 200


def test_half_a_request_behind_a_good_one(g):
    """What comes with a request and cannot be looked at any more is not read; nothing is lost."""
    with kept(g) as s:
        s.sendall(GOOD + hidden("half")[:40])
        assert one_answer(s) == 200
        s.settimeout(patience())
        assert s.recv(1000) == b""
    assert not arrived(g, "half")


def test_hidden_behind_a_chunked_body(g):
    """Where it ends only the library knows: what stands there already is not taken for a request,
    what comes after the answer is."""
    body = b'{"from":{"address":"1","name":"n"},"id":"in chunks","text":"x"}'
    post = (HOOK + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert statuses(ask(g, post + hidden("behind chunks"))) == [200, 408]
    assert not arrived(g, "behind chunks")
    with kept(g) as s:
        assert [one_answer(s, post), one_answer(s, post), one_answer(s, GOOD)] == [200] * 3


def test_pipelined_good_ones_are_answered(g):
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(ask(g, one * 9 + last)) == [200] * 10


def test_chunked_body(g):
    body = b'{"from":{"address":"1","name":"n"},"id":"chunks","text":"in chunks"}'
    parts = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7])
                     for i in range(0, len(body), 7))
    got = ask(g, HOOK + b"Connection: close\r\nContent-Type: application/json\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n")
    assert statuses(got) == [200], got


def test_byte_by_byte(g):
    with socket.create_connection(("127.0.0.1", g.port)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for b in b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
            s.sendall(bytes([b]))
            time.sleep(0.002)
        assert statuses(s.recv(4096)) == [200]


def test_big_head(g):
    got = ask(g, b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 100000 + b"\r\n\r\n")
    assert statuses(got) in ([431], [400], [])
    got = ask(g, b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(got) in ([414], [431], [400], [])


def test_many_headers(g):
    got = ask(g, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 1000 + b"\r\n")
    assert statuses(got) in ([431], [400], [200], [])


def test_announced_100_megabytes(g):
    got = ask(g, HOOK + b"Content-Type: application/json\r\nContent-Length: 104857600\r\n\r\n{")
    assert statuses(got) == [413], got[:200]


def test_sent_100_megabytes(g):
    """Chunked without an end: cut at the limit; memory stays."""
    before = rss(g)
    with socket.create_connection(("127.0.0.1", g.port), timeout=10) as s:
        s.sendall(HOOK + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 100 << 20:
                s.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
                sent += 65536
        except OSError:
            pass
        try:
            got = s.recv(65536)
        except OSError:
            got = b""
    assert sent < 100 << 20 or statuses(got) == [413]
    assert rss(g) - before < 8 * (20 if SLOWER > 1 else 1)


DEEP = {
    "arrays": b"[" * 100000,
    "closed arrays": b"[" * 50000 + b"]" * 50000,
    "objects": b'{"a":' * 50000,
    "double keys": b'{"id":"1","id":"2","from":{"address":"1","name":"n"},"text":"x"}',
    "NUL": b'{"id":"n1","from":{"address":"1","name":"n"},"text":"a\\u0000b"}',
    "raw NUL": b'{"id":"n2","from":{"address":"1","name":"n"},"text":"a\x00b"}',
    "bad UTF-8": b'{"id":"n3","from":{"address":"1","name":"n"},"text":"\xff\xfe"}',
    "overlong": b'{"id":"n4","from":{"address":"1","name":"n"},"text":"\xc0\xaf"}',
    "lone surrogate": b'{"id":"n5","from":{"address":"1","name":"n"},"text":"\\ud800"}',
    "1e999": b'{"id":1e999,"from":{"address":"1","name":"n"},"text":"x"}',
    "not JSON": b"hello",
    "empty": b"",
    "null": b"null",
    "array": b"[]",
    "number": b"1",
    "trailing": b'{"id":"n6","from":{"address":"1","name":"n"},"text":"x"} {}',
    "wrong types": b'{"id":{},"from":[],"text":1}',
}


@pytest.mark.parametrize("name", DEEP)
def test_bad_json(g, name):
    body = DEEP[name]
    got = ask(g, HOOK + b"Connection: close\r\nContent-Type: application/json\r\n"
              b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    assert statuses(got) in ([400], [413], [422]), got[:300]
    problem = json.loads(got.split(b"\r\n\r\n", 1)[1])
    assert problem["status"] in (400, 413, 422) and problem["detail"]


def test_million_characters(g):
    r = g.hook({"from": {"address": "1", "name": "n"}, "id": "million", "text": "x" * 1000000})
    assert r.status_code in (200, 400, 413)
    assert g.hook({"from": {"address": "1", "name": "n"}, "id": "after", "text": "x"}).ok


class Quiet(threading.Thread):
    """Ordinary traffic; remembers how long each request took."""

    def __init__(self, g):
        super().__init__(daemon=True)
        self.g, self.end, self.times, self.bad = g, False, [], []

    def run(self):
        n = 0
        while not self.end:
            n += 1
            began = time.monotonic()
            try:
                r = self.g.hook({"from": {"address": "q", "name": "q"}, "id": f"{began}", "text": "x"})
                if r.status_code != 200:
                    self.bad.append(r.status_code)
            except OSError as e:
                self.bad.append(str(e))
            self.times.append(time.monotonic() - began)
            time.sleep(0.005)

    def stop(self):
        self.end = True
        self.join()

    def slow_ones(self):
        """How long one in a hundred took at least."""
        return sorted(self.times)[int(len(self.times) * 0.99) - 1]


def test_slow_strangers(start_gateway):
    """F29: slow-loris, half-open and idle sockets are closed at the limits, others do not notice."""
    g = start_gateway(sets=["limits.head_timeout=1s", "limits.body_idle_timeout=1s",
                            "limits.connections_per_ip=5000"])
    alone = Quiet(g)
    alone.start()
    until(lambda: len(alone.times) >= 100)
    alone.stop()
    quiet, socks = Quiet(g), []
    quiet.start()
    for i in range(400):
        s = socket.create_connection(("127.0.0.1", g.port), timeout=20)
        kind = i % 4
        if kind == 1:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
        elif kind == 2:
            s.sendall(HOOK + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        elif kind == 3:
            s.sendall(b"GET /ws/visitor HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n")
        socks.append(s)

    def closed():
        left = 0
        for s in socks:
            s.settimeout(0)
            try:
                while s.recv(4096):
                    pass
            except BlockingIOError:
                left += 1
            except OSError:
                pass
        return left == 0
    try:
        for _ in range(30):  # the loris adds a byte now and then
            for s in socks[1::4]:
                try:
                    s.settimeout(0)
                    s.send(b"a")
                except OSError:
                    pass
            time.sleep(0.05)
        until(closed, 15 * SLOWER, 0.2, "for the slow ones to be closed")
    finally:
        quiet.stop()
        for s in socks:
            s.close()
    assert not quiet.bad, quiet.bad[:5]
    usual, slow = alone.slow_ones(), quiet.slow_ones()
    assert slow < 0.25 * SLOWER or slow < 3 * usual, (usual, slow, sorted(quiet.times)[-5:])


def test_connections_of_one_address_are_bounded(start_gateway):
    g = start_gateway(workers=1, sets=["limits.connections_per_ip=20"])
    socks = [socket.create_connection(("127.0.0.1", g.port)) for _ in range(60)]
    shut = set()

    def look():
        for s in socks:
            s.settimeout(0)
            try:
                s.recv(1000)
                shut.add(s)
            except BlockingIOError:
                pass
            except OSError:
                shut.add(s)
        return len(shut) >= 40

    until(look, why="for the end of all but twenty")
    assert len(shut) == 40
    for s in socks:
        s.close()
    until(g.is_ready)
