"""A gateway whose mailbox is on fakes: what the server took for whom, and what the message says of each."""

from collections import Counter

from email_fakes import US, FakeMailbox
from fakes.smtp import FakeSmtp
from harness import SLOWER, until


class FakeWorld(FakeMailbox):
    """The gateway follows support@ on fakes; ann has written; answers go to her and whoever is in cc."""

    copies = ""

    def __init__(self, start_gateway, extra='retry = "1s"', smtp=None, first=None, **kw):
        super().__init__(start_gateway, extra, smtp=FakeSmtp(users={US: "secret"}, **(smtp or {})), **kw)
        self.deliver(first or "From: Ann <ann@example.test>\r\nMessage-ID: <1@x>\r\nSubject: One\r\n\r\nHello\r\n")
        self.thread = until(lambda: self.api.threads(), 20 * SLOWER)[0]["id"]

    def deliver(self, text):
        self.imap.add(text.encode())

    def say(self, text, cc=(), **more):
        body = {"text": text, "cc": [f"{c}@example.test" for c in cc], **more}
        return self.api.post(f"/threads/{self.thread}/messages", body)["message"]["id"]

    def message(self, mid):
        return next(m for m in self.api.messages(self.thread) if m["id"] == mid)

    def until_status(self, mid, status, timeout=30):
        return until(lambda: (lambda m: m if m["status"] == status else None)(self.message(mid)), timeout * SLOWER,
                     0.05, f"for {status}")

    def until_recipients(self, mid, timeout=30, **want):
        """want: ann="sent", bob="queued"; returns them by name."""
        def look():
            got = {r["address"].split("@")[0]: r for r in self.message(mid).get("recipients", [])}
            assert {n: r["status"] for n, r in got.items()} == want, got
            return got
        return until(look, timeout * SLOWER, 0.05, f"for {want}")

    def ledger(self, text):
        """name -> how often the server took this mail for it; one Message-ID."""
        mails = [m for m in self.smtp.accepted if m.message.get_body(("plain",)).get_content().startswith(text)]
        assert len({m.message["Message-ID"] for m in mails}) <= 1
        return dict(Counter(r.split("@")[0] for m in mails for r in m.recipients))

    def events(self):
        return [m["event"]["text"] for m in self.api.messages(self.thread)
                if m["direction"] == "event" and m["event"].get("what") == "undelivered"]
