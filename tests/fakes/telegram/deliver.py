"""Webhooks: updates are posted in order within a chat, one at a time, several chats at once; what fails
is tried again with growing delays, and holds back only its chat."""

import asyncio

from ..wire import Poster
from .world import now


class Deliverer:
    def __init__(self, fake, bot):
        self.fake, self.bot = fake, bot
        self.task = None
        self.busy = {}

    def start(self):
        self.stop()
        self.task = asyncio.ensure_future(self.run(Poster(self.bot.webhook["url"])))

    def stop(self):
        if self.task:
            self.task.cancel()
            self.task = None
        for task in self.busy.values():
            task.cancel()
        self.busy = {}

    async def run(self, poster):
        while True:
            for update in list(self.bot.updates):
                if len(self.busy) >= self.bot.webhook["max_connections"]:
                    break
                if update[2] not in self.busy:
                    self.busy[update[2]] = asyncio.ensure_future(self.deliver(poster, update))
            self.bot.arrived.clear()
            try:
                await asyncio.wait_for(self.bot.arrived.wait(), 0.2)
            except asyncio.TimeoutError:
                pass

    async def deliver(self, poster, update):
        delay = 0.0
        headers = {}
        if self.bot.webhook.get("secret"):
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.bot.webhook["secret"]
        while True:
            try:
                status, answered = await poster.post(update[3], headers, 60)
                self.fake.deliveries.append((update[0], status))
                if 200 <= status < 300:
                    break
                self.bot.last_error = (now(), f"Wrong response from the webhook: {status} X")
                after = answered.get("retry-after", "")
                wait = min(3600, int(after)) if after.isdigit() else None
            except asyncio.TimeoutError:
                self.bot.last_error, wait = (now(), "Read timeout expired"), None
            except OSError as e:
                refused = isinstance(e, ConnectionRefusedError)
                self.bot.last_error = (now(), "Connection refused" if refused else "Connection reset by peer")
                wait = None
            delay = min(60.0, delay * 2 or 1.0)
            await asyncio.sleep((delay if wait is None else wait) / self.fake.speed)
        if update in self.bot.updates:
            self.bot.updates.remove(update)
            self.bot.confirmed += 1
        if self.fake.repeat and self.fake.faults.rng.random() < self.fake.repeat:
            await poster.post(update[3], headers, 60)  # it does so when an answer came late
        del self.busy[update[2]]
        self.bot.arrived.set()
