"""A gateway with a WhatsApp number on the fake, and short words for what tests do with both."""

from fakes.whatsapp import FakeWhatsApp
from harness import CONFIG, SLOWER, until
from told import Told

TOKEN = "EAA" + "x" * 40
BODY = {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is ready.", "example": {"body_text": [["Ann", "17"]]}}


class WhatsApp(Told):
    def __init__(self, start_gateway, extra="", config=CONFIG, more="", number=None, **kw):
        self.fake = FakeWhatsApp()
        self.app = self.fake.app()
        self.number = self.fake.number(**(number or {}))
        self.waba = self.number.waba
        self.token = self.fake.token(TOKEN)
        self.fake.template(self.waba, "order_ready", components=[BODY, {"type": "FOOTER", "text": "The shop"}])
        self.section = (
            f'whatsapp "main" {{{{ token = "{TOKEN}" phone_number_id = "{self.number.id}" waba_id = "{self.waba.id}" '
            f'app_secret = "{self.app.secret}" verify_token = "a-word-of-ours" api_url = "{self.fake.url}" {extra} }}}}\n')
        public = 'public_url = "http://127.0.0.1:{port}"\n'
        self.gateway = start_gateway(config=public + config + self.section + more, **kw)
        self.api = self.gateway.login()
        self.wait_ready()

    def close(self):
        self.fake.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """What every scene owes: the fake was asked nothing wrong, and nothing reached a client twice."""
        self.close()
        assert not self.fake.problems, self.fake.problems[:5]
        assert not self.fake.twice()

    def channel(self, name="main"):
        return next(c for c in self.api.get("/channels")["channels"] if c["name"] == name)

    def wait_ready(self):
        until(lambda: self.channel()["state"] == "ready", 20 * SLOWER, why="for the number")

    def user(self, phone="4917600000", name="Ann", **kw):
        """The chat of a person with the number."""
        return self.fake.user(phone, name, **kw).chat(self.number)

    def thread_of(self, name):
        return next((t["id"] for t in self.api.threads() if t["client"]["name"] == name), None)

    def thread(self, name="Ann"):
        return next((t for t in self.api.threads() if t["client"]["name"] == name), None)

    def messages(self, name="Ann"):
        thread = self.thread_of(name)
        return self.api.messages(thread) if thread else []

    def got(self, name="Ann", n=1, timeout=15, what=lambda m: m["direction"] == "in"):
        """The thread once it has n messages of this kind."""
        return until(lambda: (lambda ms: ms if len(ms) >= n else None)([m for m in self.messages(name) if what(m)]),
                     timeout * SLOWER, why=f"for {n} messages of {name}")

    def last(self, name="Ann"):
        return self.messages(name)[-1]

    def message(self, thread, message_id):
        return next(m for m in self.api.messages(thread) if m["id"] == message_id)

    def say(self, thread, body, status=("sent", "delivered", "read"), timeout=15):
        """An agent's answer, once it has one of these statuses."""
        wanted = (status,) if isinstance(status, str) else status
        m = self.api.post(f"/threads/{thread}/messages", body)["message"]
        return until(lambda: next((x for x in self.api.messages(thread) if x["id"] == m["id"] and
                                   x["status"] in wanted), None), timeout * SLOWER, why=f"for {wanted}")

    def upload(self, name, data):
        return self.api.post(f"/media?name={name}", None, data=data)["media"]["id"]

    def card(self):
        """The messages on the cards, by id, as they are now."""
        return {m["id"]: m for m in self.gateway.card_messages()}

    def trail(self, message_id):
        return [t["what"] for t in self.api.get(f"/messages/{message_id}/trace")["trail"]]
