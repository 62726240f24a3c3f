"""A gateway with a Telegram bot on the fake, and short words for what tests do with both."""

from fakes.telegram import FakeTelegram
from harness import CONFIG, SLOWER, until
from told import Told

TOKEN = "123456789:AAE" + "x" * 32


class Telegram(Told):
    def __init__(self, start_gateway, mode="polling", extra="", config=CONFIG, local=False, **kw):
        self.fake = FakeTelegram(local=local)
        self.bot = self.fake.bot(TOKEN, username="shop_bot", first_name="Shop")
        section = (f'telegram "sales" {{{{ token = "{TOKEN}" api_url = "{self.fake.url}" mode = "{mode}" '
                   f'{extra} }}}}\n')
        public = 'public_url = "http://127.0.0.1:{port}"\n' if mode == "webhook" else ""
        self.gateway = start_gateway(config=public + config + section, **kw)
        self.api = self.gateway.login()
        self.wait_ready()

    def close(self):
        self.fake.close()

    def channel(self):
        return next(c for c in self.api.get("/channels")["channels"] if c["name"] == "sales")

    def wait_ready(self):
        until(lambda: self.channel()["state"] == "ready", 20 * SLOWER, why="for the bot")

    def user(self, user_id=42, first_name="Ann", **kw):
        """The chat of a person with the bot."""
        return self.fake.user(user_id, first_name, **kw).chat(self.bot)

    def thread_of(self, name):
        return next((t["id"] for t in self.api.threads() if t["client"]["name"] == name), None)

    def messages(self, name="Ann"):
        thread = self.thread_of(name)
        return self.api.messages(thread) if thread else []

    def got(self, name="Ann", n=1, timeout=15, what=lambda m: m["direction"] == "in"):
        """The thread once it has n messages of this kind."""
        return until(lambda: (lambda ms: ms if len(ms) >= n else None)([m for m in self.messages(name) if what(m)]),
                     timeout * SLOWER, why=f"for {n} messages of {name}")

    def last(self, name="Ann"):
        return self.messages(name)[-1]

    def say(self, thread, body, status="sent", timeout=15):
        """An agent's answer, once it has this status."""
        m = self.api.post(f"/threads/{thread}/messages", body)["message"]
        return until(lambda: next((x for x in self.api.messages(thread) if x["id"] == m["id"] and
                                   x["status"] == status), None), timeout * SLOWER, why=f"for {status}")

    def upload(self, name, data):
        return self.api.post(f"/media?name={name}", None, data=data)["media"]["id"]

    def message(self, thread, message_id):
        return next(m for m in self.api.messages(thread) if m["id"] == message_id)

    def card(self):
        """The messages on the cards, by id, as they are now."""
        return {m["id"]: m for m in self.gateway.card_messages()}

    def trail(self, message_id):
        return [t["what"] for t in self.api.get(f"/messages/{message_id}/trace")["trail"]]
