"""docker/examples: each receiver takes what the real gateway sends, and nothing that is forged, old, or there already."""
import base64
import http.client
import json
import os
import pathlib
import subprocess
import time

import pytest
from fakes.webhook import signature
from harness import CONFIG, SLOWER, free_port, until

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "docker" / "examples"
CGI = pathlib.Path(__file__).resolve().parent.parent / "cgi_host.py"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Receiver:
    def __init__(self, command, folder):
        self.command, self.folder, self.port = command, folder, free_port()
        self.folder.mkdir()
        self.start()

    def start(self):
        self.process = subprocess.Popen([*self.command, str(self.port), str(self.folder)],
                                        env={**os.environ, "WEBHOOK_SECRET": SECRET})
        until(lambda: self.post(b"{}", sign=False) == 401, 20 * SLOWER, why="for the receiver")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def post(self, body, id="m1", at=None, secret=SECRET, sign=True, more=None):
        at = str(int(time.time()) if at is None else at)
        headers = {"webhook-id": id, "webhook-timestamp": at, "content-type": "application/json"}
        if sign:
            headers["webhook-signature"] = signature(secret, id, at, body)
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            c.request("POST", "/", body, {**headers, **(more or {})})
            return c.getresponse().status
        finally:
            c.close()

    def events(self):
        return {p.stem: json.loads(p.read_bytes()) for p in self.folder.glob("*.json")}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The example in C, as its first lines say."""
    out = tmp_path_factory.mktemp("receiver") / "receiver"
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", str(out), str(EXAMPLES / "receiver.c"), "-lsodium"], check=True)
    return out


@pytest.fixture(params=["python", "node", "c"])
def receiver(request, built, tmp_path):
    command = {"python": ["/usr/bin/python3", str(EXAMPLES / "receiver.py")], "c": ["/usr/bin/python3", str(CGI), str(built)],
               "node": ["node", str(EXAMPLES / "receiver.mjs")]}[request.param]
    r = Receiver(command, tmp_path / "events")
    yield r
    r.stop()


def test_a_receiver_takes_what_is_signed_and_nothing_else(receiver):
    body = json.dumps({"type": "test", "data": {"text": "привет"}}).encode()
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    assert receiver.post(body) == 200 and receiver.events() == {"m1": json.loads(body)}
    now = int(time.time())
    refused = [receiver.post(body, "m2", secret=other), receiver.post(body, "m3", sign=False),
               receiver.post(body, "m4", at=now - 400), receiver.post(body, "m5", at=now + 400),
               receiver.post(body, "m6", more={"webhook-id": "m7"}),
               receiver.post(body, "m8", at=now, more={"webhook-timestamp": str(now + 1)}),
               receiver.post(body, "m9", at=now, more={"webhook-signature": signature(SECRET, "m9", str(now), body)[:-1]}),
               receiver.post(body, "m10", more={"webhook-signature": "v1,"})]
    assert refused == [401] * len(refused) and list(receiver.events()) == ["m1"]
    both = " ".join(signature(s, "m11", str(now), body) for s in (other, SECRET))  # while a key is changed
    assert receiver.post(body, "m11", at=now, more={"webhook-signature": both}) == 200
    assert receiver.post(body, "m12", at=now - 200) == 200  # a clock may be off a little


def test_what_comes_twice_is_one_event_also_after_a_restart(receiver):
    first = b'{"type":"test","data":1}'
    assert receiver.post(first) == 200 and receiver.post(first) == 200
    made = (receiver.folder / "m1.json").stat().st_mtime_ns
    receiver.stop()
    receiver.start()
    assert receiver.post(first) == 200 and (receiver.folder / "m1.json").stat().st_mtime_ns == made
    assert len(receiver.events()) == 1


def test_it_lives_through_nonsense(receiver):
    for headers, body in (({"webhook-timestamp": "x"}, b"{}"), ({"webhook-id": ""}, b""), ({}, b"x" * (2 << 20)),
                          ({"webhook-signature": "v1,é".encode("latin-1")}, b"{}")):
        try:
            receiver.post(body, "bad", sign=False, more=headers)
        except (OSError, http.client.HTTPException):
            pass  # it may hang up
    assert receiver.post(b"{}", "good") == 200 and list(receiver.events()) == ["good"]


def test_the_real_gateway(receiver, start_gateway):
    g = start_gateway(config=CONFIG + f'webhook "erp" {{{{\n  url = "http://127.0.0.1:{receiver.port}/"\n'
                      f'  secret = {{{{"{SECRET}"}}}}\n  allow_private = true\n}}}}\n')
    for n in range(5):
        for who in ("ann", "bob"):
            assert g.hook({"from": {"address": who, "name": who}, "id": f"{who}{n}", "text": f"{who} {n}"}).ok

    def messages():
        events = [e["data"]["message"] for e in receiver.events().values() if e["type"] == "message.created"]
        return sorted((m["thread"], m["seq"], m["text"]) for m in events)
    until(lambda: len(messages()) == 10, 30 * SLOWER)
    for who in ("ann", "bob"):
        assert [t for _, _, t in messages() if t.startswith(who)] == [f"{who} {n}" for n in range(5)]
    trial = g.login().ask("POST", "/targets/erp/test", json={}).json()
    assert trial["ok"] and "event=crm" not in g.log()
