"""Webhooks: bodies as Meta makes them (ASCII, slashes escaped), signed, several events in one where they wait, tried
again with growing delays until somebody says 200; one after the other, or (fake.ordered False) in no order."""

import asyncio
import hashlib
import hmac
import json

from ..wire import Poster

BATCH = 50


def encode(payload):
    return json.dumps(payload, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode()


def signature(secret, body, how):
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if how == "none":
        return {}
    if how == "wrong":
        mac = mac[::-1]
    return {"X-Hub-Signature-256": "sha256=" + (mac[:40] if how == "truncated" else mac)}


def merge(changes):
    """Changes (account, field, value) as one body: those of one number and field side by side in one value."""
    entries = {}
    for waba, field, value in changes:
        entry = entries.setdefault(waba, {"id": waba, "changes": []})
        last = entry["changes"][-1] if entry["changes"] else None
        if last and last["field"] == field == "messages" and last["value"].get("metadata") == value.get("metadata"):
            for key in ("contacts", "messages", "statuses", "errors"):
                if key in value:
                    last["value"].setdefault(key, []).extend(value[key])
        else:
            copied = {k: list(v) if isinstance(v, list) else v for k, v in value.items()}
            entry["changes"].append({"field": field, "value": copied})
    return {"object": "whatsapp_business_account", "entry": list(entries.values())}


class Deliverer:
    """Posts what happens to one URL."""

    def __init__(self, fake, url, app):
        self.fake, self.app, self.poster = fake, app, Poster(url)
        self.waiting, self.planned, self.busy = [], False, set()

    def add(self, change):
        self.waiting.append(change)
        if not self.planned:
            self.planned = True
            asyncio.get_event_loop().call_soon(self.flush)

    def flush(self):
        self.planned = False
        while self.waiting and not (self.fake.ordered and self.busy):
            n = BATCH if self.fake.batch else 1
            part, self.waiting = self.waiting[:n], self.waiting[n:]
            task = asyncio.ensure_future(self.deliver(encode(merge(part))))
            self.busy.add(task)
            task.add_done_callback(self.ended)

    def ended(self, task):
        self.busy.discard(task)
        self.flush()

    async def deliver(self, body):
        delay = 0.5
        headers = {"User-Agent": "facebookexternalua", **signature(self.app.secret, body, self.fake.sign)}
        while True:
            try:
                status, _ = await self.poster.post(body, headers, 20)
                self.fake.webhooks.append(status)
                if status == 200 or self.fake.sign != "good":
                    break
            except (OSError, asyncio.TimeoutError):
                pass
            delay = min(60.0, delay * 2)
            await asyncio.sleep(delay / self.fake.speed)
        if self.fake.repeat and self.fake.faults.rng.random() < self.fake.repeat:
            await asyncio.sleep(self.fake.faults.rng.random())
            try:
                await self.poster.post(body, headers, 20)
            except (OSError, asyncio.TimeoutError):
                pass

    def stop(self):
        for task in list(self.busy):
            task.cancel()
