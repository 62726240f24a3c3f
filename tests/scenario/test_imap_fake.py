"""The IMAP fake itself, through Python's client: honest when nothing is asked of it, and each lie as told."""
import imaplib

import pytest

from fakes.imap import FakeImap

MAIL = b"Subject: hi\r\n\r\nA1 OK done\r\n* BYE\r\n"


@pytest.fixture
def imap():
    with FakeImap(users={"u": "p"}, tokens={"u": "t"}) as f:
        yield f


def client(f):
    c = imaplib.IMAP4(f.host, f.port, timeout=5)
    c.login("u", "p")
    c.select("INBOX")
    return c


def bodies(c, uids="1:*"):
    return [p[1] for p in c.uid("FETCH", uids, "(UID BODY.PEEK[])")[1] if isinstance(p, tuple)]


def test_honest(imap):
    assert [imap.add(MAIL), imap.add(b"two", uid=7)] == [1, 7]
    c = client(imap)
    assert c.response("UIDVALIDITY")[1] == [b"1000"]
    assert c.uid("SEARCH", "UID", "9:*")[1] == [b"7"]  # the trap
    assert bodies(c) == [MAIL, b"two"]
    assert c.uid("FETCH", "1", "(BODY.PEEK[]<8.2>)")[1][0][1] == b" h"
    c.uid("STORE", "1", "+FLAGS.SILENT", "(\\Seen)")
    c.uid("MOVE", "1", "Junk")
    assert imap.boxes["Junk"].mails[0].flags == {"\\Seen"} and len(imap.boxes["INBOX"].mails) == 1
    assert c.append("Sent", "\\Seen", None, MAIL)[0] == "OK" and imap.boxes["Sent"].mails[0].raw == MAIL
    imap.renew()
    c.select("INBOX")
    assert c.response("UIDVALIDITY")[1] == [b"1001"] and c.uid("SEARCH", "ALL")[1] == [b"1"]
    assert imap.commands("LOGIN") == ["LOGIN ..."]


def test_tokens(imap):
    c = imaplib.IMAP4(imap.host, imap.port, timeout=5)
    with pytest.raises(imaplib.IMAP4.error):
        c.authenticate("XOAUTH2", lambda x: "" if x else "user=u\1auth=Bearer wrong\1\1")
    c = imaplib.IMAP4(imap.host, imap.port, timeout=5)
    assert c.authenticate("XOAUTH2", lambda x: "user=u\1auth=Bearer t\1\1")[0] == "OK"


def test_lies(imap):
    imap.add(MAIL)
    imap.add(b"two")
    c = client(imap)
    imap.fault("no", "UID FETCH", text="[SERVERBUG] no")
    assert c.uid("FETCH", "1", "(UID)")[0] == "NO"
    imap.fault("withhold", "UID FETCH")
    assert bodies(c) == []
    imap.fault("slices", "UID FETCH")
    assert bodies(c) == [MAIL, b"two"]
    imap.fault("reverse", "UID FETCH")
    assert bodies(c) == [b"two", MAIL]
    imap.fault("say", "UID FETCH", text="* 5 EXISTS\r\n* OK [ALERT] full\r\n")
    assert bodies(c) == [MAIL, b"two"] and c.response("EXISTS")[1][-1] == b"5"
    imap.fault("literals", "UID FETCH")
    assert any(p[1] == b"\\Seen" for p in c.uid("FETCH", "1", "(UID INTERNALDATE)")[1] if isinstance(p, tuple))
    imap.fault("uid_last", "UID FETCH")
    assert c.uid("FETCH", "1", "(UID BODY.PEEK[])")[1][1] == b" UID 1)"
    imap.fault("drop", "UID FETCH", after=50)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        bodies(c)
    c = client(imap)
    imap.fault("bye", "NOOP", text="autologout")
    with pytest.raises(imaplib.IMAP4.abort):
        c.noop()
    c = client(imap)
    c.sock.settimeout(0.2)
    imap.fault("silence", "NOOP")
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        c.noop()
