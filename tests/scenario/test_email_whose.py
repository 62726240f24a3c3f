"""Whose dialogue a mail belongs to, and who is believed: senders, verdicts of the receiving server, marks that were guessed,
ids that are empty, addresses beyond ASCII (pains 8-12; email.md 9.1, 9.4)."""

import re

import pytest
from email_fakes import US, FakeMailbox
from fakes.imap import FakeImap
from fakes.smtp import FakeSmtp
from harness import SLOWER, Gateway, until

SERVER = "mx.example.test"


@pytest.fixture(scope="module")
def start():
    made = []

    def start(**kw):
        made.append(Gateway(**kw))
        return made[-1].start()

    yield start
    for g in made:
        g.destroy()


@pytest.fixture(scope="module")
def world(start):
    w = FakeMailbox(start, f'plus_address = yes authserv_id = "{SERVER}"')
    yield w
    w.close()


class Names:
    """Other people for each test."""

    number = 0

    def __init__(self):
        Names.number += 1
        for name in ("ann", "bob", "carol"):
            setattr(self, name, f"{name}{Names.number}@clients.test")


@pytest.fixture
def who():
    return Names()


def sent(w, text):
    """What the SMTP server has of an answer."""
    mail = next(m for m in w.smtp.accepted if (m.message.get_body(("plain",)).get_content().split("\n")[0].strip() == text))
    assert not w.smtp.problems
    return mail


# --- what the receiving server found ---

VERDICTS = {
    "good": ([f"{SERVER}; dkim=pass header.d=clients.test; spf=pass smtp.mailfrom=ann@clients.test; dmarc=pass (p=REJECT)"],
             {"dmarc": "pass", "spf": "pass", "dkim": "pass"}),
    "bad": ([f"{SERVER} 1;\r\n\tspf=softfail (mx: domain of; x) smtp.mailfrom=x@y;\r\n\tdmarc=fail header.from=clients.test"],
            {"dmarc": "fail", "spf": "softfail"}),
    "name in capitals": ([f"{SERVER.upper()}; dmarc=Pass"], {"dmarc": "pass"}),
    "one of two signatures": ([f"{SERVER}; dkim=fail header.d=a; dkim=pass header.d=b"], {"dkim": "pass"}),
    "nothing looked at": ([f"{SERVER}; none"], {}),
    "another server": (["mx.evil.test; dmarc=pass; spf=pass"], None),
    "names like ours": ([f"{SERVER}.evil.test; dmarc=pass", f"x{SERVER}; dmarc=pass", f"evil.test/{SERVER}; dmarc=pass"], None),
    "ours in a comment": ([f"({SERVER}) evil.test ({SERVER}); dmarc=pass"], None),
    "forged below ours": ([f"{SERVER}; dmarc=fail; spf=none", f"{SERVER}; dmarc=pass; spf=pass; dkim=pass"],
                          {"dmarc": "fail", "spf": "none"}),
    "forged below another's": (["relay.test; spf=pass", f"{SERVER}; dmarc=fail", f"{SERVER}; dmarc=pass"], {"dmarc": "fail"}),
    "forged within": ([f'{SERVER}; dmarc=fail reason="x; dmarc=pass" (; dmarc=pass;) header.from="a;dmarc=pass"@b; dmarc=pass'],
                      {"dmarc": "fail"}),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_verdicts(world, who, case):
    """Only the topmost header that bears the configured name is believed, to the word."""
    headers, wanted = VERDICTS[case]
    m = world.write(f"verdict {case}", sender=who.ann, headers=[("Authentication-Results", h) for h in headers])
    assert m["email"].get("auth") == wanted
    world.told([m])


def test_sender_found_false(world, who):
    """Whoever is found to be somebody else does not get into a dialogue by a mark that he has: not as one who took part, and
    not as ourselves."""
    m = world.write("a dialogue", sender=who.ann, headers=[("Cc", who.bob)])
    world.say(m["thread"], {"text": f"to both {who.ann}", "reply_all": True})
    mark = sent(world, f"to both {who.ann}").message["Message-ID"]
    verdict = ("Authentication-Results", f"{SERVER}; dmarc=fail")
    answer = [verdict, ("In-Reply-To", mark), ("References", mark)]
    for sender in (who.bob, US):
        false = world.write(f"false {sender}", sender=sender, headers=answer)
        assert false["thread"] != m["thread"] and false["direction"] == "in"
        assert false["email"]["warning"] == "stranger" and false["email"]["related"] == m["thread"]
    true = world.write(f"true {who.bob}", sender=who.bob, headers=answer[1:])
    assert true["thread"] == m["thread"] and true["author"]["address"] == who.bob and "warning" not in true["email"]


# --- senders ---


def test_reply_to(world, who):
    """The client is who wrote; the answer goes where he wants it."""
    m = world.write("answer elsewhere", sender=f"Ann <{who.ann}>", headers=[("Reply-To", f"Office <{who.bob}>, {who.carol}")])
    assert m["from"]["address"] == who.ann and [p["address"] for p in m["email"]["reply_to"]] == [who.bob, who.carol]
    assert m["email"]["from"] == [{"name": "Ann", "address": who.ann}]
    world.say(m["thread"], {"text": "as you like"})
    mail = sent(world, "as you like")
    assert mail.recipients == [who.bob, who.carol]
    assert world.write("from the office", sender=who.bob, headers=[("In-Reply-To", mail.message["Message-ID"])])["thread"] == m["thread"]
    world.told([m])


def test_reply_all(world, who):
    """Cc is kept; an answer to all leaves nobody out, names nobody twice, and not us."""
    m = world.write("to many", sender=who.ann, to=f"{US}, Bob <{who.bob}>, support+x@example.test",
                    headers=[("Cc", f"{who.carol}, {who.bob.upper()}, undisclosed-recipients:;")])
    assert [p["address"] for p in m["email"]["cc"]] == [who.carol, who.bob.upper()]
    world.say(m["thread"], {"text": "to all of you", "reply_all": True})
    mail = sent(world, "to all of you")
    assert sorted(a.lower() for a in mail.recipients) == sorted([who.ann, who.bob, who.carol])
    assert [a.addr_spec for a in mail.message["To"].addresses] == [who.ann]


def test_subject_alone(world, who):
    """The same subject never brings two people together."""
    subject = f"Order {who.ann}"
    first = world.write("about it", sender=who.ann, subject=subject)
    others = [world.write(f"{i} {subject}", sender=s, subject=f"Re: {subject}") for i, s in enumerate((who.bob, who.carol))]
    assert len({m["thread"] for m in (first, *others)}) == 3
    assert not any("warning" in m["email"] or "related" in m["email"] for m in others)
    assert world.write("something new", sender=who.ann, subject="Other")["thread"] == first["thread"]


def test_empty_ids(world, who):
    """Nothing is found by an id that is none; and what has no id can be answered."""
    empty = [("In-Reply-To", "<>"), ("References", "<> <> \r\n <>")]
    ms = [world.write(f"empty {s}", sender=s, headers=empty, message_id=i) for s, i in
          ((who.ann, "<>"), (who.bob, ""), (who.carol, None))]
    assert len({m["thread"] for m in ms}) == 3
    assert not any("message_id" in m["email"] or "references" in m["email"] or "warning" in m["email"] for m in ms)
    for m in ms:
        text = f"to {m['from']['address']}"
        world.say(m["thread"], {"text": text})
        mail = sent(world, text).message
        assert mail["Message-ID"] and mail["In-Reply-To"] is None and mail["References"] is None
        back = world.write(f"back {m['from']['address']}", sender=m["from"]["address"], message_id=None,
                           headers=[("In-Reply-To", mail["Message-ID"])])
        assert back["thread"] == m["thread"]
    world.told(ms)


FOUND = {  # by what an answer finds its dialogue: headers, of our mark and the id of the client's own mail
    "In-Reply-To": lambda mark, id: [("In-Reply-To", mark)],
    "References": lambda mark, id: [("References", f"<a@b> {mark}")],
    "deep in References": lambda mark, id: [("In-Reply-To", "<x@y>"), ("References", f"{mark} <a@b> <c@d>\r\n\t<x@y>")],
    "its domain changed": lambda mark, id: [("In-Reply-To", mark.replace("@example.test", "@relay.test"))],
    "in capitals": lambda mark, id: [("In-Reply-To", mark.upper())],
    "without brackets": lambda mark, id: [("In-Reply-To", mark.strip("<>"))],
    "in many words": lambda mark, id: [("In-Reply-To", f'Your message of "Fri" {mark} (x)')],
    "the client's own id": lambda mark, id: [("In-Reply-To", id)],
}


@pytest.mark.parametrize("how", FOUND)
def test_found(world, who, how):
    """Whoever took part finds the dialogue by any id of it, whatever others made of it on the way."""
    m = world.write(f"found by {how}", sender=who.ann, headers=[("Cc", who.bob)], message_id=f"<own-{who.ann}>")
    world.say(m["thread"], {"text": f"answer by {how}", "reply_all": True})
    mark = sent(world, f"answer by {how}").message["Message-ID"]
    got = world.write(f"bob by {how}", sender=who.bob, subject="Other", headers=FOUND[how](mark, f"<own-{who.ann}>"))
    assert got["thread"] == m["thread"] and got["author"]["address"] == who.bob and "warning" not in got["email"]


def test_same_id(world, who):
    """A Message-ID that stands in two mails does not make them one; the same mail is one, whatever came with it on the way."""
    same = f"<same-{who.ann}>"
    first = world.mail("first", sender=who.ann, message_id=same)
    for raw in (first, b"Received: by another way\r\n" + first, world.mail("second", sender=who.ann, message_id=same)):
        world.imap.add(raw)
    second = world.got("second")
    world.write("third", sender=who.ann)
    assert [m["text"].strip() for m in world.api.messages(second["thread"])] == ["first", "second", "third"]


GUESSES = {
    "the last letter": lambda mark: re.sub(r".@", lambda m: ("1" if m[0] != "1@" else "2") + "@", mark),
    "the number": lambda mark: re.sub(r"\.(\d+)\.", lambda m: f".{int(m[1]) + 1}.", mark),
    "the thread": lambda mark: mark[:20] + ("0" if mark[20] != "0" else "1") + mark[21:],
    "no seal": lambda mark: re.sub(r"\.[a-z0-9]+@", ".@", mark),
    "cut": lambda mark: mark[:40] + ">",
}


@pytest.mark.parametrize("guess", GUESSES)
def test_guessed_marks(world, who, guess):
    """A mark that is not to the letter ours leads nowhere: the guesser has his own dialogue, and learns of no other."""
    m = world.write(f"mine {guess}", sender=who.ann)
    world.say(m["thread"], {"text": f"yours {guess}"})
    mail = sent(world, f"yours {guess}").message
    mark, address = mail["Message-ID"], mail["Reply-To"].addresses[0].addr_spec
    assert GUESSES[guess](mark) != mark
    to = re.sub(r".@", "a@" if address[-len("x@example.test")] != "a" else "b@", address)
    got = world.write(f"guess {guess}", sender=who.carol, to=f"{US}, {to}",
                      headers=[("In-Reply-To", GUESSES[guess](mark)), ("References", f"<a@b> {GUESSES[guess](mark)}")])
    assert got["thread"] != m["thread"] and not {"warning", "related"} & set(got["email"])


# --- bounces that are none ---


BOUNCES = {  # of a stranger, who knows what the test says: headers, then what stands where a server would return our mail
    "failed recipients": (["X-Failed-Recipients: {client}"], ""),
    "a report from a person": (['Content-Type: multipart/report; report-type=delivery-status; boundary="b"'], ""),
    "a forged path below ours": (["Return-Path: <{stranger}>", "Return-Path: <>", "X-Failed-Recipients: {client}"], ""),
    "a server by its name, found false": ([f"Authentication-Results: {SERVER}; dmarc=fail", "Return-Path: <>", "From: MAILER-DAEMON@clients.test",
                                           "X-Failed-Recipients: {client}"], ""),
    "of somebody else": (["Return-Path: <>", "From: MAILER-DAEMON@mx.test", "X-Failed-Recipients: {stranger}"], "x"),
}


def bounce(headers, mark, to, client, stranger):
    """As a server says it: to read, for programs, and the returned mail."""
    lines = [h.format(client=client, stranger=stranger) for h in headers]
    if not any(line.startswith("From:") for line in lines):
        lines.append(f"From: {stranger}")
    failed = stranger if "X-Failed-Recipients: {stranger}" in headers else client
    head = "\r\n".join([*lines, f"To: {to}", f"Subject: Undelivered {stranger}", f"Message-ID: <b{abs(hash((stranger, *lines)))}@x.test>"])
    words = f"{failed}\r\n550 5.1.1 No such user of {stranger}\r\n\r\nMessage-ID: {mark}\r\n"
    if "multipart/report" not in head:
        return f"{head}\r\n\r\n{words}".encode()
    return (f"{head}\r\n\r\n--b\r\n\r\n{words}\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
            f"Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"Message-ID: {mark}\r\n\r\n--b--\r\n").encode()


@pytest.mark.parametrize("case", BOUNCES)
@pytest.mark.parametrize("knows", ["message-id", "reply address"])
def test_who_is_no_mail_server(world, who, case, knows):
    """Our mark is known to whoever got the mail. What no server sent, or says something of others than the mail went to, is a
    mail like any other: shown, in a dialogue of its own unless it is a bounce of our very mail, and settles nothing."""
    headers, at_home = BOUNCES[case]
    thread = world.write(f"hello {who.ann}", who.ann)["thread"]
    out = world.say(thread, {"text": f"answer to {who.ann}"})
    mail = sent(world, f"answer to {who.ann}")
    mark, to = (mail.message["Message-ID"], US) if knows == "message-id" else ("<none@x.test>", mail.message["Reply-To"])
    world.imap.add(bounce(headers, mark, to, who.ann, who.bob))
    m = until(lambda: next(m for m in world.all() if m["subject"] == f"Undelivered {who.bob}"), 20 * SLOWER)
    assert (m["thread"] == thread) == bool(at_home and knows == "message-id"), m
    assert world.message(thread, out["id"])["status"] == "sent" and "recipients" not in world.message(thread, out["id"])


def test_who_is_one(world, who):
    """The same words of a mail server, about whom the mail went to: that recipient has failed, and only he."""
    thread = world.write(f"hello {who.ann}", who.ann, headers=[("Cc", who.bob)])["thread"]
    out = world.say(thread, {"text": f"answer to {who.ann}", "cc": [who.bob]})
    mark = sent(world, f"answer to {who.ann}").message["Message-ID"]
    server = ["Return-Path: <>", "From: MAILER-DAEMON@mx.test"]
    world.imap.add(bounce([*server, "X-Failed-Recipients: {stranger}"], mark, US, who.ann, who.carol))  # whom it did not go to
    world.imap.add(bounce([*server, "X-Failed-Recipients: {stranger}"], mark, US, who.ann, who.bob))
    status = until(lambda: (lambda r: r if r.get(who.bob) == "failed" else None)(
        {r["address"]: r["status"] for r in world.message(thread, out["id"])["recipients"]}), 20 * SLOWER)
    assert status == {who.ann: "sent", who.bob: "failed"}
    out = world.say(thread, {"text": f"again to {who.ann}"})
    mark = sent(world, f"again to {who.ann}").message["Message-ID"]
    world.imap.add(bounce([*server, "X-Failed-Recipients: {client}"], mark, US, who.ann.upper(), f"x{who.carol}"))
    until(lambda: world.message(thread, out["id"])["status"] == "failed", 20 * SLOWER)


# --- addresses beyond ASCII ---


@pytest.mark.parametrize("written, identity, envelope", [
    ("Пётр <пётр@почта.рф>", "пётр@xn--80a1acny.xn--p1ai", "пётр@xn--80a1acny.xn--p1ai"),
    ("Ann <ann@почта.рф>", "ann@xn--80a1acny.xn--p1ai", "ann@xn--80a1acny.xn--p1ai"),
    ("Ann <ANN@XN--80A1ACNY.xn--p1ai>", "ann@xn--80a1acny.xn--p1ai", "ANN@xn--80a1acny.xn--p1ai"),
    ("=?utf-8?B?0J/RkdGC0YA=?= <o'neil+x@büro.test>", "o'neil+x@xn--bro-hoa.test", "o'neil+x@xn--bro-hoa.test")])
def test_international(world, written, identity, envelope):
    """RFC 6531, 6532, 5891: a sender in any script is one client however his domain is written, and can be answered."""
    text = f"from {written}"
    m = world.write(text, sender=written)
    local, domain = m["email"]["from"][0]["address"].split("@")
    assert m["from"]["address"] == identity == f"{local.lower()}@{domain.encode('idna').decode().lower()}"
    world.say(m["thread"], {"text": f"to {written}", "cc": ["ты@почта.рф"] if not envelope.isascii() else []})
    mail = sent(world, f"to {written}")
    assert mail.recipients[0] == envelope
    last = [line for n, line in world.smtp.commands if n == mail.connection and line.startswith("MAIL")][-1]
    assert ("SMTPUTF8" in last) == (not envelope.isascii())
    back = world.write(f"again {written}", sender=written, headers=[("In-Reply-To", mail.message["Message-ID"])])
    assert back["thread"] == m["thread"]
    world.told([m, back])


def test_one_client_of_one_domain(world):
    """почта.рф and xn--80a1acny.xn--p1ai are one domain."""
    a, b = (world.write(f"written {s}", sender=s) for s in ("eva@почта.рф", "Eva@xn--80a1acny.XN--P1AI"))
    assert a["thread"] == b["thread"]


def test_our_own_domain(start):
    """A mailbox of an international domain, whose server cannot do SMTPUTF8: answers to its mark are found however the domain
    is written; who cannot be written to is said, in words."""
    ours = "support@почта.рф"
    w = FakeMailbox(start, "plus_address = yes", addresses=(ours,), imap=FakeImap(users={"support@xn--80a1acny.xn--p1ai": "secret"}),
                    smtp=FakeSmtp(users={"support@xn--80a1acny.xn--p1ai": "secret"}, utf8=False))
    m = w.write("to a domain of letters", to=ours, headers=[("Cc", "bob@clients.test")])
    w.say(m["thread"], {"text": "an answer", "reply_all": True})
    mail = sent(w, "an answer")
    assert mail.recipients == ["ann@example.test", "bob@clients.test"]
    address = mail.message["Reply-To"].addresses[0].addr_spec
    assert address.endswith("@xn--80a1acny.xn--p1ai") and mail.raw.isascii()
    for i, to in enumerate((address, address.replace("xn--80a1acny.xn--p1ai", "почта.рф"))):
        assert w.write(f"bob {i}", sender="bob@clients.test", to=to)["thread"] == m["thread"]
    peter = w.write("из другого мира", sender="пётр@почта.рф", to=ours)
    failed = w.say(peter["thread"], {"text": "Здравствуйте"}, "failed")
    assert "SMTPUTF8" in failed["error"]["text"] and failed["error"]["permanent"]
    w.close()
