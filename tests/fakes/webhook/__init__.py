"""A receiver of Standard Webhooks, as a careful company would write it: it believes nothing that is not signed, and
does what comes twice once."""

import asyncio
import base64
import collections
import hashlib
import hmac
import json
import random
import time

import requests

from ..server import FakeServer
from ..wire import Answer

TOLERANCE = 300
TYPES = {"test", "client.updated", "client.merged", "client.unmerged", "message.created", "message.updated", "reply.failed"}


def signature(secret, id, timestamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


class Receiver(FakeServer):
    """events: what took effect, in order. calls: each request as (time, status, id). Troubles are given to `spoil`: a
    function of the event that returns None or an Answer; `after` ones have taken effect before the answer is spoilt."""

    def __init__(self, secrets, port=0):
        self.secrets, self.events, self.calls, self.refused = list(secrets), [], [], []
        self.seen, self.spoil, self.after, self.delay = {}, None, None, 0
        self.cards, self.urls = {}, {}  # client -> card, and where a person sees it
        self.files = {}  # path -> Answer: what may be fetched from here
        super().__init__(port)

    def refuse(self, status, why):
        self.refused.append(why)
        return Answer(status, {"error": why})

    async def _handle(self, request):
        delay = self.delay(request) if callable(self.delay) else self.delay
        if delay:
            await asyncio.sleep(delay)
        answer = self.judge(request)
        self.calls.append((time.monotonic(), answer.status, request.headers.get("webhook-id")))
        return answer

    def judge(self, request):
        h = request.headers
        if request.method == "GET" and request.path in self.files:
            return self.files[request.path]
        if request.method != "POST" or request.path != "/in":
            return self.refuse(404, f"nothing at {request.method} {request.path}")
        if h.get("content-type") != "application/json":
            return self.refuse(415, "application/json is due")
        id, at = h.get("webhook-id", ""), h.get("webhook-timestamp", "")
        if not id or "." in id or not at.isdigit() or abs(int(at) - time.time()) > TOLERANCE:
            return self.refuse(400, f"webhook-id {id!r} or webhook-timestamp {at!r} is wrong")
        given = h.get("webhook-signature", "").split(" ")
        if not any(hmac.compare_digest(signature(s, id, at, request.body), g) for s in self.secrets for g in given):
            return self.refuse(401, "no signature is ours")
        event = json.loads(request.body)
        if set(event) != {"type", "timestamp", "data"} or event["type"] not in TYPES:
            return self.refuse(400, f"no event: {event}")
        spoilt = self.spoil(event) if self.spoil else None
        if spoilt:
            return spoilt
        if id not in self.seen:
            self.seen[id] = request.body
            self.events.append(event)
        elif json.loads(self.seen[id])["data"] != event["data"] and event["type"] == "message.created":
            return self.refuse(422, f"{id} came before with another content")
        spoilt = self.after(event) if self.after else None
        client = event["data"].get("client", {})
        client = client.get("id") if isinstance(client, dict) else None
        card = {k: v for k, v in (("id", self.cards.get(client)), ("url", self.urls.get(client))) if v is not None}
        return spoilt or Answer(200, {"card": card} if card else {"ok": True})

    # --- what a test asks ---

    def messages(self, kind="message.created"):
        return self.do(lambda: [e["data"]["message"] for e in self.events if e["type"] == kind])

    def by_thread(self):
        threads = collections.defaultdict(list)
        for m in self.messages():
            threads[m["thread"]].append(m["seq"])
        return threads

    def clients(self):
        return self.do(lambda: [e["data"]["client"] for e in self.events if e["type"] == "client.updated"])

    def of(self, kind):
        return self.do(lambda: [e["data"] for e in self.events if e["type"] == kind])


class Sender:
    """The way back: posts events as Standard Webhooks has it."""

    def __init__(self, gateway, secret, target="erp"):
        self.url, self.secret, self.n = f"{gateway.url}/hooks/webhook/{target}", secret, 0
        self.http = requests.Session()
        self.http.trust_env = False

    def send(self, kind, data, id=None, at=None, secret=None, raw=None, **headers):
        self.n += 1
        id, at = id or f"evt_{self.n}_{random.random()}".replace(".", ""), str(int(time.time()) if at is None else at)
        body = json.dumps({"type": kind, "data": data}).encode() if raw is None else raw
        signed = {"webhook-id": id, "webhook-timestamp": at, "content-type": "application/json",
                  "webhook-signature": signature(secret or self.secret, id, at, body), **headers}
        return self.http.post(self.url, data=body, headers=signed, timeout=30)

    def reply(self, text, id, **data):
        r = self.send("message.reply", {"id": id, "text": text, **data})
        assert r.status_code == 200, r.text
        return r
