"""The mail servers of the tests themselves: what is sent through Postfix lies in Dovecot, in TLS that their own
authority vouches for, and nothing leaves."""
import imaplib
import smtplib
import ssl
import subprocess

import pytest

from harness import until
from mail_servers import MailServers

MAIL = b"From: Alice <alice@example.test>\r\nTo: support@example.test\r\nSubject: Hello\r\n\r\nA004 OK done\r\n.\r\n"


@pytest.fixture(scope="module")
def mail():
    with MailServers() as m:
        yield m


def test_submitted_mail_arrives(mail):
    mail.submit("alice", [mail.address("support")], MAIL)
    [(_, flags, raw)] = until(lambda: mail.mails("support"))
    assert raw.endswith(b"\r\n\r\nA004 OK done\r\n.\r\n") and b"Delivered-To: support@example.test" in raw
    assert "\\Seen" not in flags


def test_swaks_delivers_with_a_tag_in_the_address(mail):
    subprocess.run(["swaks", "--server", f"127.0.0.1:{mail.smtp_port}", "--from", "bob@elsewhere.test",
                    "--to", "bob+sb-1@example.test", "--header", "Subject: tagged", "--suppress-data"],
                   check=True, capture_output=True, timeout=30)
    [(_, _, raw)] = until(lambda: mail.mails("bob"))
    assert b"Subject: tagged" in raw and b"bob+sb-1@example.test" in raw


def test_nothing_leaves(mail):
    with pytest.raises(smtplib.SMTPRecipientsRefused):  # for strangers not even this far
        mail.receive("bob@elsewhere.test", ["x@outside.test"], MAIL)
    mail.write_outside({"x@outside.test": "550 5.1.1 No such user here"})
    mail.submit("alice", ["x@outside.test"], MAIL)
    [(_, _, raw)] = until(lambda: mail.mails("alice"))
    assert b"multipart/report" in raw and b"Status: 5.1.1" in raw


def test_unknown_people_are_refused(mail):
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mail.receive("bob@elsewhere.test", ["nobody@example.test"], MAIL)


def test_tls_is_verified(mail):
    with pytest.raises(ssl.SSLCertVerificationError):
        imaplib.IMAP4_SSL("localhost", mail.imaps_port, ssl_context=ssl.create_default_context())
    plain = imaplib.IMAP4("localhost", mail.imap_port)
    assert "STARTTLS" in plain.capabilities
    plain.starttls(mail.tls())
    assert plain.login(mail.address("support"), mail.PASSWORD)[0] == "OK"
    plain.logout()


def test_idle_special_use_and_uidplus(mail):
    with mail.imap("support") as c:
        words = set(c.capability()[1][0].decode().split())
        assert {"IDLE", "MOVE", "UIDPLUS", "SPECIAL-USE", "LITERAL+", "ID"} <= words
        assert any(b"\\Sent" in line and b"Sent" in line for line in c.list()[1])


def test_access_tokens(mail):
    def login(token):
        c = imaplib.IMAP4_SSL("localhost", mail.imaps_port, ssl_context=mail.tls())
        text = f"user={mail.address('support')}\1auth=Bearer {token}\1\1"
        return c.authenticate("XOAUTH2", lambda challenge: "" if challenge else text)

    assert login(mail.token("support"))[0] == "OK"
    for token in (mail.token("support", -60), mail.token("alice"), "nonsense"):
        with pytest.raises(imaplib.IMAP4.error):
            login(token)


def test_uidvalidity_changes_with_a_new_folder():
    with MailServers(smtp=False, format="mdbox") as m:
        m.append("alice", MAIL)
        with m.imap("alice") as c:
            c.create("Box")
            c.select("Box")
            first = c.response("UIDVALIDITY")[1][0]
        m.doveadm("mailbox", "delete", "-u", m.address("alice"), "Box")
        m.doveadm("mailbox", "create", "-u", m.address("alice"), "Box")
        with m.imap("alice") as c:
            c.select("Box")
            assert c.response("UIDVALIDITY")[1][0] != first


def test_stops_and_leaves_nothing():
    with MailServers() as m:
        folder = m.folder
    assert not folder.exists()
    left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True).stdout
    assert left == ""
