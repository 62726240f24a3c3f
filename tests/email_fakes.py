"""A gateway with mailboxes on servers that do as the test says (fakes/imap, fakes/smtp), and short words for what tests do
with them."""

from fakes.imap import FakeImap
from fakes.smtp import FakeSmtp
from harness import CONFIG, SLOWER, until
from told import Told

US = "support@example.test"


class FakeMailbox(Told):
    fetches, repeats = False, True  # the files of a mail come with it; a Message-ID is one mail
    copies = 'sent_copy = "none" '  # of what is sent, in the mailbox

    def __init__(self, start, extra="", addresses=(US,), imap=None, smtp=None, config=CONFIG, ready=True, **kw):
        """start: as start_gateway. addresses: one mailbox each, named after its local part; they share the servers and so the
        folder INBOX."""
        self.imap = imap or FakeImap(users={a: "secret" for a in addresses})
        self.smtp = smtp or FakeSmtp(users={a: "secret" for a in addresses})
        self.sections = "".join(self.section(a, extra) for a in addresses)
        self.gateway = start(config=config + self.sections, **kw)
        self.api, self.n = self.gateway.login(), 0
        self.names = [a.split("@")[0] for a in addresses]
        if ready:
            self.wait_ready()

    def section(self, address, extra=""):
        return (f'email "{address.split("@")[0]}" {{{{ address = "{address}" imap_url = "imap+plain://127.0.0.1:{self.imap.port}" '
                f'smtp_url = "{self.smtp.url}" password = "secret" allow_private = yes {self.copies}{extra} }}}}\n')

    def close(self):
        self.imap.close()
        self.smtp.close()

    def channel(self, name="support"):
        return next(c for c in self.api.get("/channels")["channels"] if c["name"] == name)

    def wait_ready(self, timeout=20):
        for name in self.names:
            until(lambda: self.channel(name)["state"] == "ready", timeout * SLOWER, why=f"for the mailbox {name}")

    # --- mails ---

    def mail(self, text, sender="Ann <ann@example.test>", headers=(), to=US, subject="A question", **kw):
        """Bytes of a plain mail. headers: (name, value) that stand before all others; message_id=None: without one."""
        self.n += 1
        own = {"From": sender, "To": to, "Subject": subject, "Message-ID": kw.get("message_id", f"<{self.n}@clients.test>"),
               "Content-Type": "text/plain; charset=utf-8"}
        lines = [f"{k}: {v}" for k, v in [*headers, *own.items()] if v is not None]
        return ("\r\n".join(lines) + f"\r\n\r\n{text}\r\n").encode()

    def write(self, text, *args, **kw):
        """A mail arrives, and is in its thread."""
        self.imap.add(self.mail(text, *args, **kw))
        return self.got(text)

    # --- threads ---

    def all(self, direction="in"):
        """Every message, thread by thread."""
        return [m for t in self.api.threads() for m in self.api.messages(t["id"]) if m["direction"] == direction]

    def texts(self):
        return [m["text"].strip() for m in self.all()]

    def got(self, text, timeout=20):
        return until(lambda: next(m for m in self.all() if m["text"].strip() == text), timeout * SLOWER, 0.05, f"for {text!r}")

    def until_texts(self, texts, timeout=20):
        """These, each once, in any order."""
        until(lambda: sorted(self.texts()) == sorted(texts), timeout * SLOWER, 0.05, f"for {texts}")

    def say(self, thread, body, status="sent", timeout=20):
        m = self.api.post(f"/threads/{thread}/messages", body)["message"]
        return until(lambda: next(x for x in self.api.messages(thread) if x["id"] == m["id"] and x["status"] == status),
                     timeout * SLOWER, why=f"for {status}")

    def message(self, thread, message_id):
        return next(m for m in self.api.messages(thread) if m["id"] == message_id)

    def trail(self, message_id):
        return [t["what"] for t in self.api.get(f"/messages/{message_id}/trace")["trail"]]

    def download(self, media):
        return self.api.ask("GET", f"/media/{media}")


class Mailboxes(FakeMailbox):
    """One gateway with a mailbox on each of several IMAP servers: {name: its settings}. In each lies an old mail that somebody
    has marked as deleted."""

    OLD = b"Subject: old\r\n\r\nold\r\n"

    def __init__(self, start, boxes, common="", before=(), **kw):
        """before: (mail, when) that lie in each before the gateway starts."""
        self.boxes = boxes
        self.imaps = {n: FakeImap(users={f"{n}@example.test": "secret"}) for n in boxes}
        for imap in self.imaps.values():
            imap.add(self.OLD, flags=["\\Deleted"], when=0)
            for raw, when in before:
                imap.add(raw, when=when)
        super().__init__(start, common, addresses=[f"{n}@example.test" for n in boxes], imap=next(iter(self.imaps.values())), **kw)

    def section(self, address, extra=""):
        name = address.split("@")[0]
        text = super().section(address, f"{extra} {self.boxes[name]}")
        return text.replace(f":{self.imap.port}", f":{self.imaps[name].port}")

    def close(self):
        for imap in self.imaps.values():
            imap.close()
        super().close()

    def add(self, name, text, **kw):
        """A mail for that mailbox."""
        return self.imaps[name].add(self.mail(text, sender=f"{name}@clients.test", to=f"{name}@example.test"), **kw)

    def texts_of(self, name):
        """What is in its threads, in their order."""
        return [m["text"].strip() for m in self.all() if m["channel"] == name]
