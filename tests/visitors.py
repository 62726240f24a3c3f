"""A visitor of the site chat, spoken for by hand: one socket on /ws/visitor."""
import json
import time

from harness import until
from pace import patience
from wire import Closed, WebSocket


class Chat:
    """One socket, spoken to by hand."""

    def __init__(self, g, hello=True, origin=True, headers=None, **kw):
        self.g, self.kept = g, []
        self.ws = WebSocket("127.0.0.1", g.port, "/ws/visitor", origin=origin, headers=headers)
        self.ready = self.say_hello(**kw) if hello else None

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.ws.kill()

    def send(self, **f):
        self.ws.send(json.dumps(f))

    def get(self, *kinds, timeout=None):
        """The next frame of one of these types; others are kept for later."""
        timeout = timeout or patience()
        for f in self.kept:
            if f["type"] in kinds:
                self.kept.remove(f)
                return f
        end = time.monotonic() + timeout
        while True:
            f = json.loads(self.ws.recv(max(0.01, end - time.monotonic())))
            if f["type"] in kinds:
                return f
            self.kept.append(f)

    def nothing(self, *kinds, wait=0.5):
        try:
            f = self.get(*kinds, timeout=wait)
        except TimeoutError:
            return
        raise AssertionError(f"came: {f}")

    def say_hello(self, site="site", **kw):
        self.send(type="hello", v=1, site=site, **kw)
        return self.get("ready")

    def msg(self, text, cid=None, **kw):
        cid = cid or f"c{time.monotonic_ns()}"
        self.send(type="msg", cid=cid, text=text, **kw)
        return self.get("ack", "nack")

    def closed(self):
        """The code that the server closes with, and the error said before."""
        error = None
        try:
            while True:
                f = json.loads(self.ws.recv(patience()))
                error = f if f["type"] == "error" else error
        except Closed as e:
            return e.code, error and error["code"]


def texts(messages):
    return [m.get("text") for m in messages]


def thread_of(api, text):
    return until(lambda: [t for t in api.threads() if t["last"]["text"] == text], why=text)[0]["id"]


def answer(api, thread, text, **kw):
    return api.post(f"/threads/{thread}/messages",
                    {"id": f"k{time.monotonic_ns()}", "text": text, **kw})["message"]
