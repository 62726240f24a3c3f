"""The configurations of docker/ together, without containers: Redis, the gateway and nginx with TLS, as
a browser meets them."""
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile

import pytest
import requests
import wire
from harness import ROOT, SLOWER, Gateway, free_port, until

DOCKER = ROOT / "docker"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000100000000376ef9240000000a"
                    "49444154789c636000000002000148afa4710000000049454e44ae426082")


class House:
    """What compose.yml starts, on ports of this machine."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sb-docker-"))
        self.started, self.gateway = [], None
        self.redis_port, self.https, self.http = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.https}"

    def run(self, *args):
        log = open(self.folder / (pathlib.Path(args[0]).name + ".log"), "ab")
        self.started.append(subprocess.Popen(args, stdout=log, stderr=log, cwd=self.folder))
        log.close()

    def start(self):
        conf = (DOCKER / "redis.conf").read_text()
        assert "dir /data" in conf and "port 6379" in conf
        path = self.folder / "redis.conf"
        path.write_text(conf.replace("dir /data", f"dir {self.folder}").replace(
            "port 6379", f"port {self.redis_port}\nbind 127.0.0.1"))
        self.run("redis-server", str(path))
        until(lambda: socket.create_connection(("127.0.0.1", self.redis_port), 1).close() or True, 10)
        self.start_gateway()
        self.start_nginx()
        return self

    def start_gateway(self):
        conf = (DOCKER / "switchboard.conf").read_text()
        g = Gateway(admin=False, env={"PUBLIC_URL": self.url, "FRONT_SUBNET": "127.0.0.0/8",
                                      "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}"})
        text = conf.replace("0.0.0.0:8080", f"127.0.0.1:{g.port}").replace("/var/lib/switchboard/data", str(g.data))
        g.config_path.write_text(text + "\nworkers = 1\n")
        self.gateway = g.start()
        g.make_admin()

    def start_nginx(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", "privkey.pem", "-out", "fullchain.pem", "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1"], cwd=self.folder, check=True, capture_output=True)
        conf = (DOCKER / "nginx.conf").read_text()
        for was, now in (("/etc/nginx/tls", str(self.folder)), ("http://gateway:8080", self.gateway.url),
                         ("listen 443", f"listen 127.0.0.1:{self.https}"), ("listen 80", f"listen 127.0.0.1:{self.http}"),
                         ("/var/www/acme", str(self.folder / "acme")), ("worker_rlimit_nofile 65536;", ""),
                         ("worker_connections 20000", "worker_connections 200")):
            assert was in conf, was
            conf = conf.replace(was, now)
        (self.folder / "nginx.conf").write_text(conf)
        self.nginx = ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"),
                      "-g", f"daemon off; pid {self.folder}/nginx.pid; error_log stderr;"]
        subprocess.run([*self.nginx, "-t"], check=True, capture_output=True)
        self.run(*self.nginx)
        until(lambda: self.get("/healthz").status_code == 200, 10, why="for nginx")

    def get(self, path, **kw):
        return self.ask("GET", path, **kw)

    def ask(self, method, path, **kw):
        kw.setdefault("timeout", 20)
        return requests.request(method, self.url + path, verify=self.folder / "fullchain.pem", **kw)

    def stop(self):
        if self.gateway:
            self.gateway.destroy()
        for p in reversed(self.started):
            p.terminate()
            p.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def house():
    h = House()
    yield h.start()
    h.stop()


class TlsSocket(wire.WebSocket):
    """The same client through TLS."""

    def __init__(self, house, path, cookie=""):
        plain = socket.create_connection
        context = ssl.create_default_context(cafile=house.folder / "fullchain.pem")
        context.set_alpn_protocols(["http/1.1"])
        try:
            socket.create_connection = lambda to, timeout=None: context.wrap_socket(
                plain(to, timeout=timeout), server_hostname="127.0.0.1")
            super().__init__("127.0.0.1", house.https, path, {"Cookie": cookie, "Origin": house.url}, origin=False)
        finally:
            socket.create_connection = plain


def heard(ws, kind):
    while True:
        f = json.loads(ws.recv(10))
        if f["type"] == kind:
            return f


def nginx_says(house, path, tls=True):
    """What nginx answers itself: no affair of the gateway's documents."""
    if tls:
        context = ssl.create_default_context(cafile=house.folder / "fullchain.pem")
        c = http.client.HTTPSConnection("127.0.0.1", house.https, timeout=10, context=context)
    else:
        c = http.client.HTTPConnection("127.0.0.1", house.http, timeout=10)
    c.request("GET", path)
    r = c.getresponse()
    r.text = r.read().decode()
    c.close()
    return r


def signed_in(house):
    s = requests.Session()
    s.verify, s.trust_env = str(house.folder / "fullchain.pem"), False
    s.headers["Origin"] = house.url
    r = s.post(house.url + "/api/v1/session", json={"name": "admin", "password": Gateway.PASSWORD}, timeout=20)
    assert r.status_code == 200 and "Secure" in r.headers["Set-Cookie"], r.text
    return s


def test_the_gateway_finds_everything_good(house):
    p = house.gateway.cli("doctor")
    for good in ("appendonly yes", "appendfsync always", "maxmemory-policy noeviction",
                 "no-appendfsync-on-rewrite no"):
        assert f"ok    Redis has {good}" in p.stdout, p.stdout


def test_plain_http_leads_to_tls(house):
    r = nginx_says(house, "/x?y=1", tls=False)
    assert r.status == 301 and r.headers["Location"] == "https://127.0.0.1/x?y=1"
    (house.folder / "acme/.well-known/acme-challenge").mkdir(parents=True)
    (house.folder / "acme/.well-known/acme-challenge/token").write_text("proof")
    for path in (house.folder, *house.folder.glob("acme/**/*")):
        os.chmod(path, 0o755)  # nginx's workers are somebody else
    r = nginx_says(house, "/.well-known/acme-challenge/token", tls=False)
    assert r.text == "proof"


def test_pages_and_metrics(house):
    r = house.get("/")
    assert r.status_code == 200 and "max-age" in r.headers["Strict-Transport-Security"]
    assert nginx_says(house, "/metrics").status == 404
    assert house.get("/readyz").json()["ready"] is True


def test_a_talk_through_the_proxy(house):
    s = signed_in(house)
    cookie = "; ".join(f"{c.name}={c.value}" for c in s.cookies)
    agent = TlsSocket(house, "/ws/agent", cookie)
    agent.send('{"type":"hello"}')
    heard(agent, "ready")
    visitor = TlsSocket(house, "/ws/visitor")
    visitor.send('{"type":"hello","site":"site"}')
    heard(visitor, "ready")
    visitor.send('{"type":"msg","cid":"c1","text":"through nginx"}')
    heard(visitor, "ack")
    assert heard(agent, "message")["message"]["text"] == "through nginx"
    agent.kill()
    visitor.kill()


def test_files_up_to_the_limit(house):
    s = signed_in(house)
    r = s.post(house.url + "/api/v1/media?name=a.png", data=PNG, timeout=20)
    assert r.status_code == 201, r.text
    got = s.get(house.url + "/api/v1/media/" + r.json()["media"]["id"], timeout=20)
    assert got.content == PNG
    whole = b"x" * (20 << 20)
    assert s.post(house.url + "/api/v1/media?name=a", data=whole, timeout=60).status_code == 201
    r = s.post(house.url + "/api/v1/media?name=a", data=whole + b"x", timeout=60)
    assert r.status_code == 413 and r.json()["code"] == "too_large"


def test_a_gateway_that_is_away_is_said(house):
    """During an upgrade: 503 with Retry-After, as documented; then everything goes on."""
    house.gateway.stop()
    for method, path, body in (("GET", "/api/v1/threads", None), ("POST", "/hooks/loopback/test", b"{}")):
        r = house.ask(method, path, data=body)
        assert r.status_code == 503 and r.json()["code"] == "unavailable" and r.headers["Retry-After"] == "1"
    house.gateway.start()
    assert signed_in(house).get(house.url + "/api/v1/counts", timeout=10).status_code == 200


def test_who_asks_is_known_and_cannot_be_forged(house):
    """nginx replaces what a stranger says of himself, so that limits by address hold: wrong passwords
    from ever other "addresses" are throttled as from one."""
    def wrong(i):
        return house.ask("POST", "/api/v1/session", json={"name": f"guess-{i}", "password": "x" * 10},
                         headers={"X-Forwarded-For": f"203.0.113.{i}", "Origin": house.url}).status_code
    codes = []
    while codes[-1:] != [429] and len(codes) < 40 * SLOWER:  # tries come back where they are slow
        codes.append(wrong(len(codes)))
    assert codes[0] == 401 and codes[-1] == 429, codes


def test_early_refusals_reach_the_client(house):
    """An upload that is refused while it is still coming in is answered as such, and not by nginx's
    502: the gateway reads on until the client has heard it."""
    def upload(path, **kw):
        return house.ask("POST", path, data=b"x" * 4_000_000, **kw).status_code
    assert [upload("/api/v1/media?name=a.bin", headers={"Origin": house.url}) for _ in range(12)] == [401] * 12
    assert [upload("/hooks/loopback/test") for _ in range(12)] == [413] * 12
