"""A gateway with mailboxes on real servers of its own, and short words for what tests do with both."""

import email
import email.policy
import email.utils
import time
from email.message import EmailMessage

from fakes.imap import FakeImap
from fakes.smtp import FakeSmtp
from harness import CONFIG, SLOWER, until
from mail_servers import MailServers


def section(mail, user="support", name=None, extra="", imap=None, smtp=None):
    name = name or user
    return (f'email "{name}" {{{{ address = "{mail.address(user)}" name = "{user.title()}" '
            f'imap_url = "{imap or mail.imaps_url}" smtp_url = "{smtp or mail.submission_url}" '
            f'password = "{mail.PASSWORD}" ca_file = "{mail.ca_file}" allow_private = yes {extra} }}}}\n')


class Mailbox:
    """The gateway follows support@; alice and bob are clients whose mail goes through the same servers."""

    def __init__(self, start_gateway, extra="", mail=None, users=("support", "sales", "alice", "bob", "carol"),
                 channels=("support",), sections=None, before=None, config=CONFIG, **kw):
        self.mail = mail or MailServers(users)
        if before:
            before(self.mail)
        self.channels = channels
        text = sections or "".join(section(self.mail, c, extra=extra) for c in channels)
        self.gateway = start_gateway(config=config + text, **kw)
        self.api = self.gateway.login()
        self.wait_ready()

    def close(self):
        self.mail.close()

    def channel(self, name="support"):
        return next(c for c in self.api.get("/channels")["channels"] if c["name"] == name)

    def wait_ready(self, timeout=20):
        for name in self.channels:
            until(lambda: self.channel(name)["state"] == "ready", timeout * SLOWER, why=f"for the mailbox {name}")

    # --- clients ---

    def compose(self, sender="alice", to="support", text="Hello", subject="A question", html=None, files=(), cc=(),
                answers=None, headers=()):
        m = EmailMessage(policy=email.policy.SMTP)
        m["From"] = email.utils.formataddr((sender.title(), self.mail.address(sender)))
        m["To"] = to if "@" in to else self.mail.address(to)
        if cc:
            m["Cc"] = ", ".join(self.mail.address(c) for c in cc)
        m["Subject"] = subject
        m["Date"] = email.utils.formatdate(localtime=True)
        m["Message-ID"] = email.utils.make_msgid(domain=self.mail.DOMAIN)
        if answers is not None:
            m["In-Reply-To"] = answers["Message-ID"]
            m["References"] = ((answers["References"] or "") + " " + answers["Message-ID"]).strip()
        for name, value in headers:
            m[name] = value
        m.set_content(text)
        if html:
            m.add_alternative(html, subtype="html")
        for name, kind, data in files:
            m.add_attachment(data, maintype=kind.split("/")[0], subtype=kind.split("/")[1], filename=name)
        return m

    def write(self, sender="alice", to="support", text="Hello", **kw):
        """Sends it through Postfix; returns the mail."""
        m = self.compose(sender, to, text, **kw)
        people = [m["To"]] + ([a.strip() for a in m["Cc"].split(",")] if m["Cc"] else [])
        self.mail.submit(sender, people, m.as_bytes())
        return m

    def inbox(self, user="alice", n=1, timeout=20):
        """What a client finds in his mailbox, strictly parsed, once there are n mails."""
        got = until(lambda: (lambda ms: ms if len(ms) >= n else None)(self.mail.mails(user)), timeout * SLOWER,
                    0.1, f"for {n} mails in {user}'s mailbox")
        return [strict(raw) for _, _, raw in got]

    # --- threads ---

    def thread_of(self, user="alice"):
        address = self.mail.address(user) if "@" not in user else user
        for t in self.api.threads():
            client = self.api.get(f"/threads/{t['id']}")["client"]
            if any(i["kind"] == "email" and i["address"] == address for i in client["identities"]):
                return t["id"]
        return None

    def messages(self, user="alice"):
        thread = self.thread_of(user)
        return self.api.messages(thread) if thread else []

    def got(self, user="alice", n=1, timeout=20, what=lambda m: m["direction"] == "in"):
        return until(lambda: (lambda ms: ms if len(ms) >= n else None)([m for m in self.messages(user) if what(m)]),
                     timeout * SLOWER, 0.05, f"for {n} messages of {user}")

    def say(self, thread, body, status="sent", timeout=20):
        m = self.api.post(f"/threads/{thread}/messages", body)["message"]
        return until(lambda: next((x for x in self.api.messages(thread) if x["id"] == m["id"] and
                                   x["status"] == status), None), timeout * SLOWER, why=f"for {status}")

    def upload(self, name, data):
        return self.api.post(f"/media?name={name}", None, data=data)["media"]["id"]

    def download(self, media):
        return self.api.ask("GET", f"/media/{media}").content

    def card(self):
        return {m["id"]: m for m in self.gateway.card_messages()}

    def quiet(self, seconds=1.0):
        """Nothing more comes."""
        before = sum(len(self.api.messages(t["id"])) for t in self.api.threads())
        time.sleep(seconds)
        return sum(len(self.api.messages(t["id"])) for t in self.api.threads()) == before


def strict(raw):
    """Parsed without a defect in any part or header."""
    m = email.message_from_bytes(raw, policy=email.policy.default)
    for part in m.walk():
        assert not part.defects, (part.get_content_type(), part.defects)
        for name, value in part.items():
            assert not value.defects, (name, value, value.defects)
    return m


class Delivered(list):
    """What the SMTP fake accepted goes to `put`."""

    def __init__(self, put):
        super().__init__()
        self.put = put

    def append(self, mail):
        super().append(mail)
        self.put(mail.raw)


class FakeMailbox:
    """An IMAP and an SMTP server; what the second takes goes to `put`, by default to the first."""

    def __init__(self, put=None, extra="", **imap):
        self.imap = FakeImap(users={"s@example.test": "secret"}, **imap)
        self.smtp = FakeSmtp(users={"s@example.test": "secret"})
        self.smtp.accepted = Delivered(put(self.imap) if put else self.imap.add)
        self.section = (f'email "s" {{{{ address = "s@example.test" imap_url = "imap+plain://127.0.0.1:{self.imap.port}" '
                        f'smtp_url = "{self.smtp.url}" password = "secret" allow_private = yes {extra} }}}}\n')

    def close(self):
        self.imap.close()
        self.smtp.close()
