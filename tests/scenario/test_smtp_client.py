"""Sending to a mail server with TLS and logins (the unit test's program sends; SMTP_URL has it do that only).
F37: the reply is lost after the commit. F48: certificates that do not hold."""

import os
import pathlib
import subprocess

import pytest
from fakes.smtp import FakeSmtp
from harness import SLOWER, until
from mail_servers import MailServers

SWITCHBOARD = os.environ.get("SWITCHBOARD", "build/switchboard")
UNIT = pathlib.Path(SWITCHBOARD).parent / "unit" / "net_smtp_client_test"
ACCEPTED, RETRY, REFUSED, DENIED, AMBIGUOUS = range(5)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    for name, san in (("good", "IP:127.0.0.1,DNS:localhost"), ("other", "DNS:mail.example.org")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=fake",
                        "-addext", f"subjectAltName={san}", "-keyout", folder / f"{name}.key",
                        "-out", folder / f"{name}.pem"], check=True, capture_output=True)  # fmt: skip
    return folder


def send_to(url, ca=None, count=1, **login):
    env = {k: v for k, v in os.environ.items() if not k.startswith("SMTP_")}
    env |= {"SMTP_URL": url, "SMTP_COUNT": str(count)} | {f"SMTP_{k.upper()}": v for k, v in login.items()}
    if ca:
        env["SMTP_CA"] = str(ca)
    out = subprocess.run([UNIT], env=env, check=True, capture_output=True, text=True, timeout=60 * SLOWER).stdout
    rows = [line.split(" ", 2) for line in out.splitlines()]
    return [(int(a), int(b), c) for a, b, c in rows]


def send(fake, ca=None, count=1, **login):
    rows = send_to(fake.url, ca, count, **login)
    assert fake.problems == []
    return rows


def fake(certificates, tls, name="good", **more):
    return FakeSmtp(tls=tls, cert=certificates / f"{name}.pem", key=certificates / f"{name}.key", **more)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls_and_login(certificates, tls):
    with fake(certificates, tls, users={"support": "secret"}) as smtp:
        rows = send(smtp, certificates / "good.pem", count=3, user="support", password="secret")
        assert [r[:2] for r in rows] == [(ACCEPTED, 250)] * 3
        assert len(smtp.accepted) == 3 and smtp.connections == 1
        mail = smtp.accepted[0]
        assert mail.tls and mail.user == "support" and mail.helo == "gw.example.com"
        assert mail.raw == b"Subject: x\r\n\r\nHello\r\n.\r\n..dots\r\n"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_certificate_is_verified(certificates, tls):
    with fake(certificates, tls, users={"support": "secret"}) as smtp:
        (outcome, code, text), = send(smtp, None, user="support", password="secret")
        assert (outcome, code) == (RETRY, 0) and "certificate" in text
        assert not [c for _, c in smtp.commands if c.startswith("AUTH")]
    with fake(certificates, tls, name="other", users={"support": "secret"}) as smtp:  # of another host
        (outcome, _, text), = send(smtp, certificates / "other.pem", user="support", password="secret")
        assert outcome == RETRY and text
        assert smtp.accepted == [] and not [c for _, c in smtp.commands if c.startswith("AUTH")]


def test_starttls_stripped(certificates):
    with fake(certificates, "stripped", users={"support": "secret"}) as smtp:
        (outcome, _, text), = send(smtp, certificates / "good.pem", user="support", password="secret")
        assert outcome == RETRY and "TLS" in text
        assert not [c for _, c in smtp.commands if c.startswith(("AUTH", "MAIL"))]
    with fake(certificates, "starttls", users={"support": "secret"}) as smtp:
        smtp.fault("starttls", reply="454 4.7.0 TLS not available")
        (outcome, code, _), = send(smtp, certificates / "good.pem", user="support", password="secret")
        assert outcome == RETRY
        assert not [c for _, c in smtp.commands if c.startswith(("AUTH", "MAIL"))]


def test_logins(certificates):
    ca = certificates / "good.pem"
    with fake(certificates, "implicit", users={"support": "secret"}, tokens={"support": "at-1"}) as smtp:
        assert send(smtp, ca, user="support", password="wrong")[0][:2] == (DENIED, 535)
        assert send(smtp, ca, user="support", bearer="at-1")[0][0] == ACCEPTED
        assert send(smtp, ca, user="support", bearer="at-0")[0][:2] == (DENIED, 535)
        smtp.fault("auth", reply="454 4.7.0 Temporary authentication failure", times=1)
        assert send(smtp, ca, user="support", password="secret")[0][:2] == (RETRY, 454)
        assert send(smtp, ca)[0][:2] == (DENIED, 530)
        assert len(smtp.accepted) == 1


@pytest.mark.parametrize("fault, outcome, code, held", [
    (dict(stage="greeting", kind="reply_and_drop", reply="421 4.3.2 Busy"), RETRY, 421, 0),
    (dict(stage="connect", kind="drop"), RETRY, 0, 0),
    (dict(stage="rcpt", reply="451 4.7.1 Greylisted"), RETRY, 451, 0),
    (dict(stage="rcpt", reply="452 4.5.3 Too many"), RETRY, 452, 0),
    (dict(stage="rcpt", reply="550 5.1.1 Unknown"), REFUSED, 550, 0),
    (dict(stage="data", kind="drop"), RETRY, 0, 0),
    (dict(stage="end", reply="554 5.7.1 Spam"), REFUSED, 554, 0),
    (dict(stage="end", kind="drop"), AMBIGUOUS, 0, 0),
    (dict(stage="end", kind="take_and_drop"), AMBIGUOUS, 0, 1),
    (dict(stage="end", kind="take_and_reply", reply="451 4.3.0 Later"), RETRY, 451, 1),
    (dict(stage="end", kind="slow", ms=500), ACCEPTED, 250, 1),
])  # fmt: skip
def test_faults(certificates, fault, outcome, code, held):
    with fake(certificates, "implicit", users={"support": "secret"}) as smtp:
        smtp.fault(**fault)
        assert send(smtp, certificates / "good.pem", user="support", password="secret")[0][:2] == (outcome, code)
        assert len(smtp.accepted) == held


def test_postfix():
    with MailServers() as mail:
        who = {"user": mail.address("support"), "from": mail.address("support"), "to": mail.address("alice")}
        for url in (mail.submission_url, mail.smtps_url):
            rows = send_to(url, mail.ca_file, count=2, password=mail.PASSWORD, **who)
            assert [r[:2] for r in rows] == [(ACCEPTED, 250)] * 2
            assert send_to(url, mail.ca_file, bearer=mail.token("support"), **who)[0][:2] == (ACCEPTED, 250)
            assert send_to(url, mail.ca_file, password="wrong", **who)[0][:2] == (DENIED, 535)
            assert send_to(url, mail.ca_file, bearer=mail.token("support", -60), **who)[0][:2] == (DENIED, 535)
            assert send_to(url, password=mail.PASSWORD, **who)[0][0] == RETRY  # whose authority we do not know
        nobody = who | {"to": mail.address("nobody")}
        assert send_to(mail.submission_url, mail.ca_file, password=mail.PASSWORD, **nobody)[0][:2] == (REFUSED, 550)
        assert send_to(mail.smtp_url, to=mail.address("alice"))[0][:2] == (ACCEPTED, 250)  # no login, loopback
        mails = until(lambda: len(found := mail.mails("alice")) == 7 and found)
        assert all(raw.endswith(b"\r\n\r\nHello\r\n.\r\n..dots\r\n") for _, _, raw in mails)
