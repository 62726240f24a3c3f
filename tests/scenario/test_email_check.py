"""`doctor` and the page's Check for a mailbox: login, IDLE that tells, a mail to itself; what is wrong is said in words, and
nobody sees the mail: no thread, no answer, nothing left behind."""

import re
import threading
import time

import pytest
from email_world import Delivered, FakeMailbox, Mailbox, section
from fakes.smtp import FakeSmtp
from harness import CONFIG, SLOWER, Gateway, until
from mail_servers import MailServers

GOOD = re.compile(r'ok +email "\S+": a mail to itself arrived after [\d.]+ s, and IDLE told of it')


@pytest.fixture(scope="module")
def servers():
    with MailServers([f"{kind}{i}" for i in range(1, 21) for kind in ("support", "alice")]) as m:
        yield m


class People:
    number = 0

    def __init__(self):
        People.number += 1
        self.support, self.alice = f"support{People.number}", f"alice{People.number}"


@pytest.fixture
def who():
    return People()


@pytest.fixture
def doctor():
    """Runs it for one e-mail section, with no gateway there; its lines about the channel."""
    made = []

    def run(text, *args):
        made.append(Gateway(config=CONFIG + text, admin=False))
        p = made[-1].cli("doctor", *args, check=False)
        run.code = p.returncode
        return "\n".join(line for line in p.stdout.splitlines() if "email " in line)

    yield run
    for g in made:
        g.destroy()


# --- real servers ---

@pytest.mark.parametrize("processed", ["leave", "seen", "keyword", "move"])
def test_with_a_gateway(start_gateway, servers, who, processed):
    """The gateway that follows the mailbox sees the mail, too, and takes it for what it is."""
    with servers.imap(who.support) as c:
        c.create("Done")
    extra = f'processed = "{processed}"' + (' processed_name = "Done"' if processed in ("move", "keyword") else "")
    w = Mailbox(start_gateway, mail=servers, channels=[who.support], extra=extra)
    for _ in range(3):
        out = w.gateway.cli("doctor", f"--wait={20 * SLOWER}").stdout
        assert GOOD.search(out) and "mail goes out through" in out, out
    assert not w.mail.mails(who.support) and not w.mail.mails(who.support, "Done")
    w.write(who.alice, who.support, "a client's")
    assert [m["text"].strip() for m in w.got(who.alice)] == ["a client's"]
    assert [t["id"] for t in w.api.threads()] == [w.thread_of(who.alice)]
    assert w.quiet() and w.channel(who.support)["state"] == "ready"
    assert not w.mail.mails(who.alice), "nobody answers it"


def test_a_copy_elsewhere(start_gateway, servers, who):
    """A rule of the server puts a copy into another mailbox of ours: no client's message there either."""
    with FakeSmtp(users={servers.address(who.support): servers.PASSWORD}) as smtp:
        sections = section(servers, who.support, smtp=smtp.url) + section(servers, who.alice)
        w = Mailbox(start_gateway, mail=servers, channels=[who.support, who.alice], sections=sections)
        smtp.accepted = Delivered(lambda raw: [servers.append(u, raw) for u in (who.alice, who.support)])
        out = w.gateway.cli("doctor", f"--wait={20 * SLOWER}").stdout
        assert f'email "{who.support}": a mail to itself arrived' in out
        w.mail.append(who.alice, w.compose("ann", who.alice, "a client's").as_bytes())
        assert w.got("ann")[0]["text"].strip() == "a client's"  # what came before it was looked at
        assert len(w.api.threads()) == 1


def test_by_the_api(start_gateway, servers, who):
    """The page's Check does the same."""
    w = Mailbox(start_gateway, mail=servers, channels=[who.support])
    report = w.api.post(f"/channels/{who.support}/check", {})["report"]
    assert [line["level"] for line in report if "a mail to itself arrived" in line["text"]] == ["ok"], report
    assert not w.mail.mails(who.support) and w.quiet() and not w.api.threads()


def test_a_strangers_mark(start_gateway, servers, who):
    """Who writes such a Message-ID or header, but cannot make the mark, is a client like any other."""
    w = Mailbox(start_gateway, mail=servers, channels=[who.support])
    mark = "check.01jdfx3t5kabcdefghj0123401.0123456789abcdef"
    for sender in (who.alice, who.support):
        m = w.compose(sender, who.support, f"I am {sender}", headers=[("X-Switchboard", mark), ("Auto-Submitted", "auto-generated")])
        m.replace_header("Message-ID", f"<{mark}@{w.mail.DOMAIN}>")
        w.mail.submit(sender, [w.mail.address(who.support)], m.as_bytes())
    for sender in (who.alice, who.support):
        assert w.got(sender)[0]["text"].strip() == f"I am {sender}"
    assert len(w.mail.mails(who.support)) == 2


def test_wrong_address(doctor, servers, who):
    """The login is one mailbox's, the address another's, or nobody's."""
    text = section(servers, who.support).replace(f'address = "{servers.address(who.support)}"',
                                                 f'address = "%s" user = "{servers.address(who.support)}"')
    out = doctor(text % servers.address(who.alice), "--wait=3")
    assert doctor.code == 1 and "did not arrive in INBOX within 3 s - is `address` this very mailbox's?" in out
    until(lambda: servers.mails(who.alice), 20 * SLOWER)  # it went there
    out = doctor(text % "nobody@example.test")
    assert doctor.code == 1 and "550" in out and "is `address` right" in out and "arrive" not in out


def test_vanished(doctor, servers, who):
    """What the SMTP server takes and nobody delivers is missed, in so many seconds."""
    with FakeSmtp(users={servers.address(who.support): servers.PASSWORD}) as smtp:
        out = doctor(section(servers, who.support, smtp=smtp.url), "--wait=2")
        assert doctor.code == 1 and "was sent, and did not arrive in INBOX within 2 s" in out and "spam" in out
        m = smtp.accepted[0].message
        assert m["Auto-Submitted"] == "auto-generated" and m["Message-ID"].startswith("<check.")
        assert smtp.accepted[0].recipients == [servers.address(who.support)] == [smtp.accepted[0].sender]


def test_without_a_mail(doctor, servers, who):
    """--no-mail: IDLE and both logins are tried, and nothing is sent."""
    out = doctor(section(servers, who.support), "--no-mail")
    assert "the server takes IDLE" in out and "no mail was sent" in out and "mail to itself" not in out
    assert not servers.mails(who.support)


def test_login_refused(doctor, servers, who):
    out = doctor(section(servers, who.support).replace(servers.PASSWORD, "wrong"))
    assert doctor.code == 1 and out.count("check user and password") == 2 and "mail to itself" not in out


def test_stopped_meanwhile(start_gateway, servers, who):
    """A worker that has to go ends the check: nobody waits for it, nothing leaks."""
    with FakeSmtp(users={servers.address(who.support): servers.PASSWORD}) as smtp:
        w = Mailbox(start_gateway, mail=servers, channels=[who.support],
                    sections=section(servers, who.support, smtp=smtp.url))
        agent = w.gateway.login()
        t = threading.Thread(target=lambda: agent.ask("POST", f"/channels/{who.support}/check", json={}))
        t.start()
        until(lambda: smtp.accepted, 20 * SLOWER)
        began = time.monotonic()
        w.gateway.stop()
        assert time.monotonic() - began < 9 * SLOWER
        t.join(20)


# --- servers that lack something ---

@pytest.fixture
def fakes(doctor):
    """The report of doctor, with the fakes at hand."""
    made = []

    def check(*args, before=None, **kw):
        made.append(FakeMailbox(**kw))
        check.imap, check.smtp = made[-1].imap, made[-1].smtp
        if before:
            before(check.imap, check.smtp)
        return doctor(made[-1].section, *args)

    yield check
    for f in made:
        f.close()


@pytest.mark.parametrize("processed", ["leave", "seen", "move"])
def test_it_stays(start_gateway, processed):
    """The mail cannot be removed: the gateway goes over it, neither shows nor marks nor moves it, nor what a server reports of
    it; clients' mails are treated as ever."""
    f = FakeMailbox(capabilities="IMAP4rev1 AUTH=PLAIN IDLE MOVE", extra=f'processed = "{processed}" processed_name = "Done"')
    f.imap.boxes["Done"] = type(f.imap.boxes["INBOX"])()
    try:
        g = start_gateway(config=CONFIG + f.section)
        api = g.login()
        until(lambda: {c["name"]: c["state"] for c in api.get("/channels")["channels"]}["s"] == "ready", 20 * SLOWER)
        out = g.cli("doctor", f"--wait={20 * SLOWER}").stdout
        assert GOOD.search(out) and "stays in the mailbox" in out
        mark = f.smtp.accepted[0].message["Message-ID"]
        f.imap.add((f"From: <mailer-daemon@example.test>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report;"
                    f" report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nNo.\r\n--b\r\nContent-Type: message/delivery-status\r\n"
                    f"\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; s@example.test\r\nAction: failed\r\nStatus: 5.0.0\r\n"
                    f"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {mark}\r\n\r\n--b--\r\n").encode())
        f.imap.add(b"From: ann@example.test\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n")
        until(lambda: [m["text"].strip() for t in api.threads() for m in api.messages(t["id"])] == ["hello"], 20 * SLOWER)
        inbox, done = f.imap.boxes["INBOX"].mails, f.imap.boxes["Done"].mails
        if processed != "leave":
            until(lambda: any(b"<1@x>" in m.raw for m in done) or any(m.flags for m in inbox), 20 * SLOWER)
        ours = [m for m in inbox if mark.encode() in m.raw and b"delivery-status" not in m.raw]
        assert len(ours) == 1 and not ours[0].flags
        assert g.log_path.read_text(errors="replace").count("email.check") == 2
        assert len(api.threads()) == 1
    finally:
        f.close()


def test_fakes_are_good(fakes, doctor):
    assert GOOD.search(fakes("--wait=20")) and doctor.code == 0
    assert not fakes.imap.boxes["INBOX"].mails and not fakes.smtp.problems


def test_smtp_refuses(fakes, doctor):
    """The server's words, and what they mean: not the login, but the address."""
    out = fakes(before=lambda i, s: s.fault("rcpt", reply="550 5.7.1 Sender not allowed here"))
    assert doctor.code == 1 and "Sender not allowed here" in out and "may this user send under it" in out
    assert "the server takes IDLE" in out and "arrive" not in out


def test_smtp_puts_off(fakes, doctor):
    out = fakes(before=lambda i, s: s.fault("mail", reply="451 4.3.2 Come back later"))
    assert doctor.code == 1 and "Come back later" in out and "some minutes" in out


def test_no_idle(fakes, doctor):
    out = fakes("--wait=20", capabilities="IMAP4rev1 AUTH=PLAIN UIDPLUS")
    assert "the server has no IDLE" in out and re.search(r"arrived after [\d.]+ s$", out, re.M) and doctor.code == 0
    assert not fakes.imap.commands("IDLE")


def test_idle_refused(fakes, doctor):
    out = fakes("--wait=20", before=lambda i, s: i.fault("no", at="IDLE", text="not today"))
    assert "offers IDLE and refuses it" in out and "not today" in out and "a mail to itself arrived" in out


def test_idle_tells_nothing(fakes, doctor):
    """The mail is there, but nobody told: a warning with what helps."""
    out = fakes("--wait=3", before=lambda i, s: setattr(i, "mute", True))
    assert "IDLE did not tell of it" in out and "idle_renew" in out and doctor.code == 0
    assert not fakes.imap.boxes["INBOX"].mails


def test_in_spam(fakes, doctor):
    out = fakes("--wait=2", put=lambda i: lambda raw: i.add(raw, "Junk"))
    assert doctor.code == 1 and "was put into the folder for spam" in out
    assert not fakes.imap.boxes["Junk"].mails


def test_moved_by_another(fakes, doctor):
    """Somebody moves what comes, before it can be looked at: it is found where it was moved to."""
    def put(i):
        i.boxes["Done"] = type(i.boxes["INBOX"])()
        return lambda raw: i.add(raw, "Done")

    out = fakes("--wait=2", put=put, extra='processed = "move" processed_name = "Done"')
    assert doctor.code == 0 and "arrived, and was moved to Done" in out and not fakes.imap.boxes["Done"].mails
    out = fakes("--wait=2", put=put)  # not said to be moved: not known
    assert doctor.code == 1 and "did not arrive" in out


def test_no_uidplus(fakes, doctor):
    """A plain EXPUNGE would take others' mails along: it stays, and that is said."""
    out = fakes("--wait=20", capabilities="IMAP4rev1 AUTH=PLAIN IDLE")
    assert GOOD.search(out) and "stays in the mailbox" in out and len(fakes.imap.boxes["INBOX"].mails) == 1


def test_no_uidnext(fakes, doctor):
    """Where new mails begin is found out when the server does not say."""
    def before(i, s):
        i.says_uidnext = False
        for _ in range(3):
            i.add(b"Subject: old\r\n\r\nold\r\n")

    assert GOOD.search(fakes("--wait=20", before=before)) and len(fakes.imap.boxes["INBOX"].mails) == 3
    assert "UID SEARCH UID 4:*" in fakes.imap.commands()


def test_no_folder(fakes, doctor):
    """SMTP is looked at all the same."""
    out = fakes(extra='folder = "Nope"')
    assert doctor.code == 1 and "check folder" in out and "no mail was sent" in out and not fakes.smtp.accepted


def test_nobody_listens(doctor):
    box = FakeMailbox()
    box.close()
    out = doctor(box.section)
    assert doctor.code == 1 and out.count("nothing listens there: check host and port") == 2


def test_without_a_mail_or_idle(fakes, doctor):
    out = fakes("--no-mail", capabilities="IMAP4rev1 AUTH=PLAIN")
    assert "the server has no IDLE" in out and "no mail was sent" in out
    out = fakes("--no-mail", before=lambda i, s: i.fault("no", at="IDLE", text="not today"))
    assert "offers IDLE and refuses it" in out and "not today" in out and "no mail was sent" in out
    assert not fakes.smtp.accepted


def test_others_come_between(fakes, doctor):
    """New mails of many others before and behind it: it is found, and they stay."""
    def put(i):
        def deliver(raw):
            for n in range(120):
                i.add(b"Message-ID: <%d@x>\r\nSubject: hi\r\n\r\nhello\r\n" % n)
                if n == 60:
                    i.add(raw)
        return deliver

    assert GOOD.search(fakes("--wait=20", put=put)) and len(fakes.imap.boxes["INBOX"].mails) == 120


def test_comes_back(fakes, doctor):
    """A report about our mail is not our mail."""
    def put(i):
        return lambda raw: i.add(b"From: mailer-daemon@example.test\r\nSubject: Undeliverable\r\n\r\nIt says:\r\n" + raw)

    out = fakes("--wait=20", put=put)
    assert doctor.code == 1 and "a mail to itself came back: the report lies in INBOX" in out


@pytest.mark.parametrize("when", ["before", "after", "idle_only"])
def test_the_session_ends(fakes, doctor, when):
    """SMTP is judged all the same."""
    def put(i):
        return lambda raw: i.hang_up()

    if when == "before":  # ... the SMTP server answers
        out = fakes("--wait=20", put=put)
    elif when == "after":
        out = fakes("--wait=20", before=lambda i, s: i.fault("bye", at="UID FETCH"))
    else:
        out = fakes("--no-mail", before=lambda i, s: i.fault("bye", at="IDLE"))
    assert doctor.code == 1 and out.count("while mail was waited for") == 1
    assert ("no mail was sent" if when == "idle_only" else "mail goes out through") in out


@pytest.mark.long
def test_silence(fakes, doctor):
    """A server that says nothing any more is given up, and doctor ends."""
    out = fakes("--wait=2", before=lambda i, s: i.fault("silence", at="IDLE"))
    assert doctor.code == 1 and "while mail was waited for" in out and "fell silent" in out


def test_lost_answer(fakes, doctor):
    """The SMTP server falls silent after the end of data: the mail's arrival says what became of it."""
    out = fakes("--wait=20", before=lambda i, s: s.fault("end", kind="take_and_drop"))
    assert "warn" in out and "a mail to itself arrived" in out
