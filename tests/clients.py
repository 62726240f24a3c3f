"""An agent's page and a visitor's widget as programs: they keep cursors, replay, resend."""
import base64
import collections
import hashlib
import hmac
import json
import random
import threading
import time

import requests
import wire
from pace import patience


def own_id():
    return "0" + "".join(random.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=25))


class Authenticator:
    """An app with a secret: each code is given out once, as the gateway takes each once."""

    def __init__(self, secret):
        self.key, self.last = base64.b32decode(secret), 0

    def at(self, step):
        mac = hmac.new(self.key, step.to_bytes(8, "big"), hashlib.sha1).digest()
        number = int.from_bytes(mac[(at := mac[-1] & 15):at + 4], "big") & 0x7fffffff
        return f"{number % 1000000:06}"

    def code(self):
        """This step's, or the next one's, which a clock that is fast would show. A third within a minute waits."""
        self.last = max(self.last + 1, int(time.time() // 30))
        time.sleep(max(0, (self.last - 1) * 30 - time.time()))
        return self.at(self.last)

    def wrong(self):
        now = int(time.time() // 30)
        near = [self.at(step) for step in range(now - 3, now + 4)]
        return next(c for c in (f"{n:06}" for n in range(20)) if c not in near)


class Api:
    """REST by session cookie or token; problems raise unless asked not to."""

    def __init__(self, url, token=None):
        self.url, self.http = url, requests.Session()
        self.http.headers["Origin"] = url
        self.http.trust_env = False
        self.agent, self.name = None, None
        if token:
            self.http.headers["Authorization"] = "Bearer " + token
        self.token = token

    def login(self, name, password, code=None):
        body = {"name": name, "password": password, **({"code": code} if code else {})}
        r = self.http.post(self.url + "/api/v1/session", json=body, timeout=30)
        assert r.status_code == 200, (r.status_code, r.text)
        self.agent, self.name = r.json()["agent"], name
        return self

    @property
    def cookie(self):
        return "; ".join(f"{c.name}={c.value}" for c in self.http.cookies if c.name == "sb_session")

    def second_factor(self, password):
        """Turns it on: the authenticator, and the recovery codes."""
        app = Authenticator(self.post("/session/second-factor", {"password": password})["secret"])
        return app, self.post("/session/second-factor/confirm", {"code": app.code()})["recovery_codes"]

    def ask(self, method, path, **kw):
        kw.setdefault("timeout", patience())
        return self.http.request(method, self.url + "/api/v1" + path, **kw)

    def _good(self, r):
        if r.status_code >= 300:
            raise AssertionError(f"{r.request.method} {r.request.path_url}: {r.status_code} {r.text}")
        return r.json() if r.content else None

    def get(self, path, **params):
        return self._good(self.ask("GET", path, params=params))

    def post(self, path, body=None, **kw):
        return self._good(self.ask("POST", path, json=body, **kw))

    def patch(self, path, body):
        return self._good(self.ask("PATCH", path, json=body))

    def messages(self, thread):
        """The whole thread, ascending, page by page."""
        got, before = [], None
        while True:
            page = self.get(f"/threads/{thread}/messages", limit=100,
                            **({"before": before} if before else {}))
            got = page["messages"] + got
            before = page["next"]
            if not before:
                return got

    def threads(self, view="all", **params):
        got, cursor = [], None
        while True:
            page = self.get("/threads", view=view, limit=100,
                            **params, **({"cursor": cursor} if cursor else {}))
            got += page["threads"]
            cursor = page["next"]
            if not cursor:
                return got


class Reconnecting(threading.Thread):
    """A socket that comes back by itself, with backoff, until stop()."""

    path = "/"

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.ws, self.stopping = gateway, None, False
        self.lock, self.changed = threading.RLock(), threading.Condition()
        self.connects, self.closes, self.failure = 0, [], None
        self.ready = threading.Event()

    def headers(self):
        return {}

    def run(self):
        wait = 0.05
        while not self.stopping:
            try:
                self.ws = wire.WebSocket("127.0.0.1", self.gateway.port, self.path, self.headers())
                self.connects += 1
                self.send(self.hello())
                while not self.stopping:
                    try:
                        text = self.ws.recv(1.0)
                    except TimeoutError:
                        self.tick()
                        continue
                    f = json.loads(text)
                    with self.changed:
                        self.on_frame(f)
                        self.changed.notify_all()
                    if f["type"] == "ready":
                        wait = 0.05
                        self.ready.set()
                    if f["type"] in ("ready", "reset") and self.ready.is_set():
                        self.on_ready()
            except wire.Refused as e:
                self.closes.append(("refused", e.status))
            except wire.Closed as e:
                self.closes.append(("closed", e.code))
            except (OSError, TimeoutError) as e:
                self.closes.append(("io", str(e)))
            except Exception as e:  # a test must see what its own client did wrong
                self.failure = e
                raise
            finally:
                self.ready.clear()
                if self.ws:
                    self.ws.kill()
            if not self.stopping:
                time.sleep(wait * (0.5 + random.random()))
                wait = min(wait * 2, 1.0)

    def send(self, frame):
        with self.lock:
            self.ws.send(json.dumps(frame))

    def try_send(self, frame):
        try:
            self.send(frame)
            return True
        except (OSError, AttributeError):
            return False

    def tick(self):
        pass

    def on_ready(self):
        pass

    def wait(self, what, timeout=15, why=""):
        """Until what() is true; the frames' thread wakes us."""
        return self._wait(what, patience(timeout), why)

    def _wait(self, what, timeout, why=""):
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                got = what()
                if got:
                    return got
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"waited {timeout} s in vain {why}: {self}")
                self.changed.wait(min(left, 0.5))

    def cut(self):
        """Loses the connection as a train in a tunnel does."""
        if self.ws:
            self.ws.cut()

    def stop(self):
        self.stopping = True
        self.cut()
        if self.is_alive():
            self.join(5)


class Agent(Reconnecting):
    """The inbox page: messages keyed by thread and seq, one cursor a shard."""

    path = "/ws/agent"

    def __init__(self, gateway, api):
        super().__init__(gateway)
        self.api, self.epoch, self.places = api, None, {}
        self.screen = collections.defaultdict(dict)  # thread -> seq -> message
        self.threads, self.answers, self.events = {}, {}, []
        self.stale = False
        self.resets, self.store_up, self.online, self.typing = 0, None, [], []
        self.keep_events = True

    def __repr__(self):
        return f"Agent({self.api.name}, connects={self.connects}, closes={self.closes[-3:]})"

    def headers(self):
        return {"Cookie": self.api.cookie}

    def hello(self):
        f = {"type": "hello"}
        if self.epoch:
            f["cursor"] = self.epoch + ";" + ",".join(f"{s}:{i}" for s, i in self.places.items())
        return f

    def take_cursor(self, text):
        assert ";" in text, "ready or reset without a cursor"
        self.epoch, rest = text.split(";", 1)
        self.places = dict(p.split(":", 1) for p in rest.split(",") if p)

    def on_frame(self, f):
        kind = f["type"]
        if self.keep_events:
            self.events.append(f)
        if kind == "ready":
            self.take_cursor(f["cursor"])
            self.online, self.store_up = f["online"], f.get("store")
        elif kind == "reset":
            self.resets += 1
            self.take_cursor(f["cursor"])
            self.stale = True
        elif kind in ("message", "status"):
            self.show(f["message"])
        elif kind == "presence":
            self.online = f["online"]
        elif kind == "store":
            self.store_up = f["up"]
        elif kind == "typing":
            self.typing.append(f)
        elif kind in ("ok", "error") and f.get("id"):
            self.answers[f["id"]] = f
        if f.get("thread") and isinstance(f["thread"], dict):
            self.threads[f["thread"]["id"]] = f["thread"]
        if kind not in ("ready", "reset") and f.get("cursor"):
            shard, place = f["cursor"].split(":", 1)
            self.places[shard] = place

    def show(self, message):
        self.screen[message["thread"]][message["seq"]] = message

    def on_ready(self):
        """After a reset everything is read anew; when that fails, the next connection does it."""
        if not self.stale:
            return
        try:
            whole = {t["id"]: self.api.messages(t["id"]) for t in self.api.threads()}
        except (AssertionError, OSError):
            self.ready.clear()
            self.cut()
            return
        with self.changed:
            for m in (m for messages in whole.values() for m in messages):
                self.show(m)
            self.stale = False
            self.changed.notify_all()

    def command(self, type_, timeout=None, **fields):
        """Sends a command until it is answered, under one id."""
        timeout = timeout or patience()
        ident, end = fields.pop("id", None) or own_id(), time.monotonic() + timeout
        while time.monotonic() < end:
            if not self.ready.wait(0.2) or not self.try_send({"type": type_, "id": ident, **fields}):
                continue
            try:
                answer = self._wait(lambda: self.answers.get(ident), 2)
            except AssertionError:
                continue
            if answer["type"] == "error" and answer["code"] in ("unavailable", "busy", "timeout"):
                self.answers.pop(ident)
                time.sleep(0.1)
                continue
            return answer
        raise AssertionError(f"{type_} was not answered in {timeout} s: {self}")

    def status(self, thread, seq):
        """What the screen says, None before the message is on it: its event may come after the answer to a command."""
        return self.screen[thread].get(seq, {}).get("status")

    def find(self, thread, text):
        return [m for m in self.screen[thread].values() if m.get("text") == text]


class Visitor(Reconnecting):
    """The widget: an outbox of own ids, sent one after another, each again until its tick."""

    path = "/ws/visitor"

    def __init__(self, gateway, site="site", name=None, user=None, origin=None):
        super().__init__(gateway)
        self.site, self.user, self.page_name = site, user, name
        self.token, self.visitor, self.cursor = None, None, None
        self.outbox = collections.OrderedDict()  # cid -> text
        self.acks, self.acked_order, self.nacks = {}, [], []
        self.screen, self.read_seq, self.errors, self.typing = {}, 0, [], []
        self.sent_at, self.window, self.hold_until = {}, 1, 0
        self.ways_on = {}  # id -> URL of a messenger

    def __repr__(self):
        return f"Visitor({self.visitor}, connects={self.connects}, closes={self.closes[-3:]}, " \
               f"errors={self.errors[-2:]}, nacks={self.nacks[-2:]}, outbox={len(self.outbox)})"

    def hello(self):
        f = {"type": "hello", "site": self.site, "v": 1,
             "page": {"url": self.gateway.url + "/demo", "title": "Demo", "locale": "en"}}
        if self.token:
            f["token"] = self.token
        if self.cursor is not None:
            f["cursor"] = self.cursor
        if self.user:
            f["user"] = self.user
        return f

    def on_frame(self, f):
        kind = f["type"]
        if kind == "ready":
            self.visitor, self.token = f["visitor"], f["token"]
            self.cursor, self.read_seq = f["cursor"], f.get("read_seq", 0)
            for m in f["messages"]:
                self.show(m)
        elif kind == "msg":
            self.show(f["message"])
        elif kind == "ack":
            if f["cid"] not in self.acks:
                self.acks[f["cid"]] = f
                self.acked_order.append(f["cid"])
            elif self.acks[f["cid"]]["id"] != f["id"]:
                self.failure = AssertionError(f"two ids for {f['cid']}")
            self.outbox.pop(f["cid"], None)
            self.flush()
        elif kind == "nack":
            self.nacks.append(f)
            if "retry_after_ms" in f:  # not stored, or nobody knows: the same cid again
                self.hold_until = time.monotonic() + min(0.5, f["retry_after_ms"] / 1000)
                self.sent_at.pop(f["cid"], None)
            else:
                self.outbox.pop(f["cid"], None)
        elif kind == "status":
            self.read_seq = max(self.read_seq, f["upto"])
        elif kind == "typing":
            self.typing.append(f["on"])
        elif kind == "error":
            self.errors.append(f)
        elif kind == "continue":
            self.ways_on[f["id"]] = f["url"]

    def show(self, message):
        self.screen[message["seq"]] = message
        self.cursor = max(self.cursor or 0, message["seq"])
        if message["direction"] == "out":
            self.try_send({"type": "delivered", "upto": message["seq"]})

    def on_ready(self):
        self.sent_at.clear()
        self.flush()

    def tick(self):
        self.flush()

    def say(self, text, cid=None):
        cid = cid or own_id()
        with self.changed:
            self.outbox[cid] = text
        self.flush()
        return cid

    def flush(self):
        if not self.ready.is_set() or time.monotonic() < self.hold_until:
            return
        with self.changed:
            for cid, text in list(self.outbox.items())[:self.window]:
                if time.monotonic() - self.sent_at.get(cid, -99) > 3:
                    self.sent_at[cid] = time.monotonic()
                    self.try_send({"type": "msg", "cid": cid, "text": text})

    def say_and_wait(self, text, timeout=15):
        cid = self.say(text)
        return self.wait(lambda: self.acks.get(cid), timeout, f"for the tick of {text!r}")
