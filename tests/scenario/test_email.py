"""E-mail against real Dovecot and Postfix: mails in with all their parts, answers out, threads that hold, and
what happens to a mailbox while nobody looks (rows F01-F04, T05-T08; pains 7-13, 22)."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse

import pytest
from email_world import Mailbox, section, strict
from harness import SLOWER, children, until
from mail_servers import MailServers

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000" "1f15c4890000000d49444154789c6300010000050001"
                    "0d0a2db40000000049454e44ae426082")


@pytest.fixture(scope="module")
def servers():
    """One Dovecot and Postfix for all; each test has people of its own."""
    with MailServers([f"{kind}{i}" for i in range(1, 41) for kind in ("support", "sales", "alice", "bob", "carol")]) as m:
        yield m


@pytest.fixture
def world(start_gateway, servers):
    made = []

    def make(**kw):
        w = Mailbox(start_gateway, mail=servers, **kw)
        made.append(w)
        return w

    yield make


class People:
    """support7, alice7, ... of one test."""

    number = 0

    def __init__(self):
        People.number += 1
        for kind in ("support", "sales", "alice", "bob", "carol"):
            setattr(self, kind, f"{kind}{People.number}")


@pytest.fixture
def who():
    return People()


def test_there_and_back(world, who):
    """Done-when 1: in with all parts, the answer threads in the client's mailbox, his answer in the same thread."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "Where is my order?\n\n-- \nAlice", subject="Заказ № 7",
            html='<p>Where is <b>my</b> order?</p><img src="cid:x">', files=[
                ("счёт.pdf", "application/pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"), ("dot.png", "image/png", PNG)])
    m = w.got(who.alice)[0]
    assert m["subject"] == "Заказ № 7" and m["text"].startswith("Where is my order?")
    assert m["from"]["address"] == w.mail.address(who.alice) and m["from"]["name"] == who.alice.title()
    assert [(a["name"], a["mime"], a["kind"]) for a in m["attachments"]] == [
        ("счёт.pdf", "application/pdf", "document"), ("dot.png", "image/png", "image")]
    assert w.download(m["attachments"][1]["id"]) == PNG
    assert b"<b>my</b>" in w.download(m["email"]["html"])
    assert strict(w.download(m["email"]["source"]))["Subject"] == "Заказ № 7"
    assert m["text"].encode()[m["email"]["signature_at"]:].startswith(b"-- ")
    file = w.upload("answer.txt", b"on its way\n")
    out = w.say(m["thread"], {"text": "It left today.", "attachments": [file]})
    assert out["external_id"]
    reply = w.inbox(who.alice)[0]
    assert reply["In-Reply-To"] == f"<{m['email']['message_id']}>" and reply["Subject"] == "Re: Заказ № 7"
    assert reply["From"].addresses[0].addr_spec == w.mail.address(who.support)
    body = reply.get_body(("plain",)).get_content()
    assert body.startswith("It left today.") and "> Where is my order?" in body.replace("\r\n", "\n")
    assert [a.get_filename() for a in reply.iter_attachments()] == ["answer.txt"]
    w.write(who.alice, who.support, "Thank you!", subject="Re: Заказ № 7", answers=reply)
    ms = w.got(who.alice, 2)
    assert [x["text"].strip() for x in ms][1] == "Thank you!"
    card = until(lambda: (lambda c: c if m["id"] in c else None)(w.card()), 20 * SLOWER)
    assert card[m["id"]]["subject"] == "Заказ № 7"
    w.gateway.traced(m["id"], "stored", "attached")


@pytest.mark.parametrize("client", ["swaks", "curl"])
def test_a_real_client_there_and_back(world, who, client, tmp_path):
    """Done-when 1 with mail programs of others: text and file are there, the answer is at his, and what he answers to that comes
    into the same thread."""
    w = world(channels=[who.support])
    ann, us = w.mail.address(who.alice), w.mail.address(who.support)
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)

    def send(subject, text, *headers):
        if client == "swaks":
            run = ["swaks", "--server", f"127.0.0.1:{w.mail.smtp_port}", "--from", ann, "--to", us, "--header", f"Subject: {subject}",
                   "--body", text, "--attach-type", "image/png", "--attach-name", "dot.png", "--attach", f"@{picture}"]
            run += [x for h in headers for x in ("--add-header", h)]
        else:
            letter = ["-H", f"Subject: {subject}", "-H", f"From: {ann}", "-H", f"To: {us}", *(x for h in headers for x in ("-H", h)),
                      "-F", "=(;type=multipart/mixed", "-F", f"={text};type=text/plain",
                      "-F", f"=@{picture};type=image/png;filename=dot.png;encoder=base64", "-F", "=)"]
            run = ["curl", "-sS", f"smtp://127.0.0.1:{w.mail.smtp_port}/client.test", "--mail-from", ann, "--mail-rcpt", us, *letter]
        subprocess.run(run, check=True, capture_output=True, timeout=60)

    send("Order 7", "Where is it?")
    m = w.got(who.alice)[0]
    assert m["subject"] == "Order 7" and m["text"].strip() == "Where is it?" and m["from"]["address"] == ann
    assert [(a["name"], a["mime"]) for a in m["attachments"]] == [("dot.png", "image/png")]
    assert w.download(m["attachments"][0]["id"]) == PNG
    w.say(m["thread"], {"text": "On its way."})
    answer = w.inbox(who.alice)[0]
    assert answer["Subject"] == "Re: Order 7" and not answer.defects
    if m["email"].get("message_id"):  # curl writes none
        assert answer["In-Reply-To"] == f"<{m['email']['message_id']}>"
    send("Re: Order 7", "Thank you", f"In-Reply-To: {answer['Message-ID']}", f"References: {answer['Message-ID']}")
    ms = w.got(who.alice, 2)
    assert [x["text"].strip() for x in ms] == ["Where is it?", "Thank you"] and {x["thread"] for x in ms} == {m["thread"]}


def test_picture_in_an_answer(world, who):
    """A picture that the agent's HTML names stands in it (multipart/related); other files are attachments."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "How does it look?")
    thread = w.got(who.alice)[0]["thread"]
    shown, other = w.upload("dot.png", PNG), w.upload("note.txt", b"see above\n")
    w.say(thread, {"text": "So:", "html": f'<p>So: <img src="cid:{shown}" alt="dot"></p>', "attachments": [shown, other]})
    answer = w.inbox(who.alice)[0]
    assert [f.get_filename() for f in answer.iter_attachments()] == ["note.txt"]
    related = answer.get_body(("related",))
    page, picture = related.iter_parts()
    assert related.get_content_type() == "multipart/related" and f'src="cid:{shown}"' in page.get_content()
    assert picture["Content-ID"] == f"<{shown}>" and picture.get_content_disposition() == "inline"
    assert picture.get_content() == PNG


def test_without_a_quote(world, who):
    """What is answered is quoted below, unless the agent leaves it out; only mail knows that key."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "A long story")
    thread = w.got(who.alice)[0]["thread"]
    w.say(thread, {"text": "quoted"})
    w.say(thread, {"text": "bare", "no_quote": True})
    texts = [m.get_body(("plain",)).get_content() for m in w.inbox(who.alice, 2)]
    bare, quoted = sorted(texts)  # Postfix delivers them in the order it likes
    assert quoted.startswith("quoted") and "A long story" in quoted and bare.strip() == "bare"


def test_sent_copy(world, who):
    """What was sent lies in the mailbox's own folder for it, the same mail to the byte's id."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "Hi")
    m = w.got(who.alice)[0]
    out = w.say(m["thread"], {"text": "Hello Alice"})
    copy = until(lambda: w.mail.mails(who.support, "Sent"), 20 * SLOWER)[0]
    assert strict(copy[2])["Message-ID"] == f"<{out['external_id']}>" and "\\Seen" in copy[1]


def test_while_nobody_looked(world, who):
    """Pain 8: after downtime everything that waited is fetched, in order."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "first")
    w.got(who.alice)
    w.gateway.stop()
    for i in range(5):
        w.mail.append(who.support, w.compose(who.alice, who.support, f"waited {i}").as_bytes())
    w.gateway.start()
    w.api = w.gateway.login()
    ms = w.got(who.alice, 6)
    assert [m["text"].strip() for m in ms] == ["first"] + [f"waited {i}" for i in range(5)]


def test_first_connection(world, who, servers):
    """The first time nothing old becomes a dialogue; with since_days the newest do."""
    old = Mailbox.compose
    for user in (who.support, who.sales):
        m = old(type("W", (), {"mail": servers})(), who.alice, user, f"old of {user}")
        servers.append(user, m.as_bytes())
    sections = section(servers, who.support) + section(servers, who.sales, extra="since_days = 3")
    w = world(channels=[who.support, who.sales], sections=sections)
    assert [m["text"].strip() for m in w.got(who.alice)] == [f"old of {who.sales}"]
    assert w.quiet()


def test_uidvalidity(world, who):
    """Another UIDVALIDITY: all uids are new ones, no mail comes twice, none is missed (CW9, FreeScout 4748)."""
    w = world(channels=[who.support])
    for i in range(3):
        w.write(who.alice, who.support, f"before {i}")
        w.got(who.alice, i + 1)  # Postfix keeps no order
    w.mail.stop_dovecot()
    box = w.mail.folder / "mail" / w.mail.address(who.support)
    for f in box.glob("dovecot*"):
        f.unlink() if f.is_file() else shutil.rmtree(f)
    w.mail.start_dovecot()
    w.mail.append(who.support, w.compose(who.alice, who.support, "after").as_bytes())
    ms = w.got(who.alice, 4, timeout=40)
    assert [m["text"].strip() for m in ms] == ["before 0", "before 1", "before 2", "after"]
    assert w.quiet() and "uidvalidity_changed" in w.gateway.log()


def test_moved_away_and_back(world, who):
    """A mail that was moved and comes back has another uid; it is the same mail."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "once")
    w.got(who.alice)
    with w.mail.imap(who.support) as c:
        c.select("INBOX")
        uid = c.uid("SEARCH", "ALL")[1][0].split()[-1]
        assert c.uid("MOVE", uid, "Junk")[0] == "OK"
        c.select("Junk")
        uid = c.uid("SEARCH", "ALL")[1][0].split()[-1]
        assert c.uid("MOVE", uid, "INBOX")[0] == "OK"
    w.write(who.alice, who.support, "another")
    assert [m["text"].strip() for m in w.got(who.alice, 2)] == ["once", "another"]
    assert w.quiet()


def test_no_message_id(world, who):
    """Pain 9, 10: mails without or with an empty Message-ID are told apart, and never match anything."""
    w = world(channels=[who.support])
    for i, more in enumerate(["", "Message-ID: <>\r\n", "Message-ID:\r\nIn-Reply-To: <>\r\nReferences: <>\r\n"]):
        sender = (who.alice, who.bob, who.carol)[i]
        raw = f"From: {w.mail.address(sender)}\r\nTo: {w.mail.address(who.support)}\r\n{more}Subject: {i}\r\n\r\nbare {i}\r\n"
        for _ in range(2):  # twice the same: one mail
            w.mail.append(who.support, raw.encode())
    for i, sender in enumerate((who.alice, who.bob, who.carol)):
        assert [m["text"].strip() for m in w.got(sender)] == [f"bare {i}"]
    assert w.quiet()


def test_colleague_and_stranger(world, who):
    """Whoever took part may answer in the dialogue; a stranger who has its ids may not."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "We both ask", cc=[who.bob])
    m = w.got(who.alice)[0]
    assert [c["address"] for c in m["email"]["cc"]] == [w.mail.address(who.bob)]
    w.say(m["thread"], {"text": "To both", "reply_all": True})
    theirs = w.inbox(who.bob, 2)[1]
    assert {a.addr_spec for a in theirs["Cc"].addresses} == {w.mail.address(who.bob)}
    w.write(who.bob, who.support, "Bob here", answers=theirs)
    ms = w.got(who.alice, 2)
    assert ms[1]["text"].strip() == "Bob here" and ms[1]["author"]["address"] == w.mail.address(who.bob)
    w.write(who.carol, who.support, "I guess", answers=theirs)
    own = w.got(who.carol)[0]
    assert own["thread"] != m["thread"] and own["email"]["warning"] == "stranger"
    assert len(w.got(who.alice, 2)) == 2


def test_reply_address(world, who):
    """With plus-addresses the answer names its thread by itself, even when all headers are gone (libredesk 176)."""
    w = world(channels=[who.support], extra="plus_address = yes")
    w.write(who.alice, who.support, "A question")
    m = w.got(who.alice)[0]
    w.say(m["thread"], {"text": "An answer", "cc": [w.mail.address(who.bob)]})
    reply = w.inbox(who.bob)[0]
    to = reply["Reply-To"].addresses[0].addr_spec
    assert to.startswith(who.support + "+")
    w.write(who.bob, to, "From Bob, without any reference", subject="something else")
    assert w.got(who.alice, 2)[1]["author"]["address"] == w.mail.address(who.bob)
    local, domain = to.split("@")
    w.write(who.carol, f"{local[:-2]}aa@{domain}", "a guess")
    assert w.got(who.carol)[0]["thread"] != m["thread"]


def test_two_mailboxes(world, who):
    """Pain 12: the same mail to two of our mailboxes is there in both, and they know of each other."""
    w = world(channels=[who.support, who.sales])
    m = w.compose(who.alice, who.support, "to both of you", cc=[who.sales])
    w.mail.submit(who.alice, [w.mail.address(who.support), w.mail.address(who.sales)], m.as_bytes())
    ms = w.got(who.alice, 2)
    assert {x["channel"] for x in ms} == {who.support, who.sales}
    assert ms[1]["email"]["copy_of"] == ms[0]["id"] and "copy_of" not in ms[0]["email"]


def test_automatic_answer(world, who):
    """RFC 3834: an automatic answer is shown, wakes nobody, and is never answered."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "Question")
    m = w.got(who.alice)[0]
    w.say(m["thread"], {"text": "Answer"})
    reply = w.inbox(who.alice)[0]
    w.api.patch(f"/threads/{m['thread']}", {"state": "closed"})
    w.write(who.alice, who.support, "I am away", subject="Out of office", answers=reply,
            headers=[("Auto-Submitted", "auto-replied")])
    ms = w.got(who.alice, 2)
    assert ms[1]["email"]["auto"] == "reply"
    assert w.api.get(f"/threads/{m['thread']}")["thread"]["state"] == "closed"


def test_bounce(world, who):
    """Pain 13: what could not be delivered says so at its message, with the reason in words (RFC 3464)."""
    w = world(channels=[who.support])
    raw = w.compose(who.alice, who.support, "Please answer elsewhere",
                    headers=[("Reply-To", "gone@outside.test")]).as_bytes()
    w.mail.submit(who.alice, [w.mail.address(who.support)], raw)
    m = w.got(who.alice)[0]
    w.mail.write_outside({"gone@outside.test": "550 5.1.1 No such user here"})
    out = w.api.post(f"/threads/{m['thread']}/messages", {"text": "Into the void"})["message"]
    failed = until(lambda: next((x for x in w.api.messages(m["thread"]) if x["id"] == out["id"] and
                                 x["status"] == "failed"), None), 40 * SLOWER, why="for the bounce")
    assert "no such mailbox" in failed["error"]["text"] and "gone@outside.test" in failed["error"]["text"]
    assert w.thread_of(f"mailer-daemon@{w.mail.DOMAIN}") is None


def test_wrong_password(world, who):
    """The admin reads what is wrong and what to do; with the right one all goes on by itself."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "one")
    w.got(who.alice)
    w.gateway.stop()
    w.mail.write_users("changed")
    w.gateway.start()
    w.api = w.gateway.login()
    until(lambda: w.channel(who.support)["state"] == "lost", 20 * SLOWER)
    out = w.gateway.cli("doctor", check=False).stdout
    assert "check user and password" in out
    w.mail.write_users()
    until(lambda: "mail comes in from" in w.gateway.cli("doctor", check=False).stdout, 30 * SLOWER)


def test_processed(world, who, servers):
    """What is in its thread is marked or moved, as the admin wants it."""
    sections = section(servers, who.support, extra='processed = "move" processed_name = "Done"') + \
        section(servers, who.sales, extra='processed = "seen"')
    with servers.imap(who.support) as c:
        c.create("Done")
    w = world(channels=[who.support, who.sales], sections=sections)
    w.write(who.alice, who.support, "to be moved")
    w.write(who.alice, who.sales, "to be seen")
    w.got(who.alice, 2)
    until(lambda: len(w.mail.mails(who.support, "Done")) == 1, 20 * SLOWER)
    until(lambda: "\\Seen" in w.mail.mails(who.sales)[0][1], 20 * SLOWER)
    w.write(who.alice, who.support, "more")
    w.got(who.alice, 3)


def test_large_mail(world, who):
    """A mail above max_size is shown, cut, with a note; the next one comes too."""
    w = world(channels=[who.support], extra='max_size = "200K"')
    big = w.compose(who.alice, who.support, "See the file",
                    files=[("big.bin", "application/octet-stream", b"\x00\x01" * 400_000)])
    w.mail.submit(who.alice, [w.mail.address(who.support)], big.as_bytes())
    w.write(who.alice, who.support, "small")
    big = next(m for m in w.got(who.alice, 2) if m["text"].strip() != "small")
    assert "mail_cut" in big["email"]["notes"] and big["text"].startswith("See the file")


@pytest.mark.parametrize("kill", ["worker", "redis"])
def test_killed_in_between(world, who, kill):
    """T20: kill -9 while a hundred mails come in: each once, in order."""
    w = world(channels=[who.support])
    for i in range(100):
        w.mail.append(who.support, w.compose(who.alice, who.support, f"mail {i}").as_bytes())
        if i in (30, 60):
            w.gateway.kill_worker(index=i // 30 - 1) if kill == "worker" else w.gateway.kill_redis()
    w.gateway.wait_ready(30 * SLOWER)
    ms = w.got(who.alice, 100, timeout=60)
    assert [m["text"].strip() for m in ms] == [f"mail {i}" for i in range(100)]
    assert w.quiet()


def reading_children(w):
    """(pid) of the processes that read mails."""
    return [p for worker in w.gateway.worker_pids() for p, _ in children(worker)]


def stopped_readers(w, who):
    """Both processes that the mailbox's worker has for reading stand still; whoever began last is asked first. The second is
    there only once the first was busy when a mail came: so they come all at once."""
    workers = w.gateway.worker_pids()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    for i in range(8):
        w.mail.append(who.support, w.compose(who.bob, who.support, f"{i} " + "many words " * 3000).as_bytes())
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    pids = until(lambda: (lambda p: p if len(p) == 2 else None)(sorted(reading_children(w))), 20 * SLOWER)
    w.got(who.bob, 8)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


@pytest.mark.parametrize("deaths", [1, 2])
def test_quarantine(world, who, deaths):
    """A mail that ends its reader is read by another; one that ends that, too, is shown with its bytes, under its sender; the
    next one is served."""
    w = world(channels=[who.support])
    pids = stopped_readers(w, who)
    w.mail.append(who.support, w.compose(who.alice, who.support, "poison").as_bytes())
    for n in range(deaths):
        time.sleep(3 * SLOWER)  # until it has the mail
        os.kill(pids.pop(), signal.SIGKILL)
        until(lambda: w.gateway.log().count("email.read_again" if n == 0 else "email.quarantined") == 1, 20 * SLOWER)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    m = w.got(who.alice)[0]
    if deaths == 1:
        assert m["text"].strip() == "poison" and not m["email"].get("notes") and "email.quarantined" not in w.gateway.log()
    else:
        assert m["email"]["notes"] == ["quarantined"] and m["text"] == ""
        assert strict(w.download(m["email"]["source"]))["Subject"] == "A question"
    w.write(who.alice, who.support, "next")
    assert w.got(who.alice, 2)[1]["text"].strip() == "next"


def test_empty_file(world, who):
    """An attachment without a byte is shown, and says so."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "see", files=[("empty.txt", "application/octet-stream", b"")])
    a = w.got(who.alice)[0]["attachments"][0]
    assert a["name"] == "empty.txt" and a["state"] == "failed" and "empty" in a["error"]


def test_refused_type(world, who):
    """What the settings refuse (SVG, HTML, programs) is shown as such, and lies in the mail's source."""
    w = world(channels=[who.support])
    w.write(who.alice, who.support, "see", files=[("x.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
                                                  ("ok.txt", "application/octet-stream", b"fine\n")])
    m = w.got(who.alice)[0]
    assert [a.get("state") for a in m["attachments"]] == ["failed", None]
    assert b"x.svg" in w.download(m["email"]["source"])


class TokenServer(http.server.BaseHTTPRequestHandler):
    """A token endpoint (RFC 6749, 6): strict, gives a new refresh token each time."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        world = self.server
        good = (form.get("grant_type") == ["refresh_token"] and form.get("client_id") == ["app"] and
                form.get("refresh_token") == [world.refresh])
        world.asked += 1
        if good:
            world.refresh, world.good_until = f"refresh-{world.asked}", time.time() + world.lasts
            body = {"access_token": world.mail.token(world.user), "token_type": "Bearer", "expires_in": world.lasts,
                    "refresh_token": world.refresh}
        else:
            world.refused += 1
            body = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        text = json.dumps(body).encode()
        self.send_response(200 if good else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def tokens(servers, who):
    """Its endpoint; sections: of a mailbox that gets its tokens there."""
    server = http.server.HTTPServer(("127.0.0.1", 0), TokenServer)
    server.mail, server.user, server.refresh, server.asked, server.refused, server.lasts = servers, who.support, "refresh-0", 0, 0, 3600
    threading.Thread(target=server.serve_forever, daemon=True).start()
    oauth = f'token_url = "http://127.0.0.1:{server.server_port}/token" client_id = "app" client_secret = "s" refresh_token = "refresh-0"'
    server.sections = section(servers, who.support).replace(f'password = "{servers.PASSWORD}"', oauth)
    yield server
    server.shutdown()


def test_oauth2(world, who, tokens):
    """In and out by access tokens, which all workers share, also after a restart."""
    w = world(channels=[who.support], sections=tokens.sections)
    w.write(who.alice, who.support, "by token")
    m = w.got(who.alice)[0]
    w.say(m["thread"], {"text": "so is this"})
    assert w.inbox(who.alice)[0].get_body(("plain",)).get_content().startswith("so is this")
    report = w.api.post(f"/channels/{who.support}/check", {})["report"]
    assert [line["level"] for line in report if "and IDLE told of it" in line["text"]] == ["ok"], report
    w.gateway.restart()
    w.api = w.gateway.login()
    w.wait_ready()
    assert tokens.asked == 1 and tokens.refused == 0  # one access token for all workers, and the next ones


def test_oauth2_changes(world, who, tokens):
    """A refresh token that the provider changed is kept over a restart; a revoked one is said to the admin, and the one that
    he then writes down is taken."""
    tokens.lasts = 2
    w = world(channels=[who.support], sections=tokens.sections)
    for refresh, state in ((None, "ready"), ("revoked", "lost"), ("anew", "ready")):
        tokens.refresh = refresh or tokens.refresh
        asked = tokens.asked
        w.gateway.stop()
        if refresh == "anew":
            w.gateway.config_text = w.gateway.config_text.replace("refresh-0", "anew")
            w.gateway.write_config()
        until(lambda: time.time() > tokens.good_until, 10 * SLOWER)
        w.gateway.start()
        w.api = w.gateway.login()
        until(lambda: tokens.asked > asked, 30 * SLOWER, why="for a token")  # until then the state is that of before
        until(lambda: w.channel(who.support)["state"] == state, 30 * SLOWER)
        assert (tokens.refused > 0) == (refresh is not None)
    assert "refresh-" not in w.gateway.log()


def test_oauth2_and_doctor(world, who, tokens):
    """A refresh token that is good once: doctor and the gateway change it in turn, and what either got the other has. Where it
    could not be kept it is not used."""
    tokens.lasts = 2
    w = world(channels=[who.support], sections=tokens.sections)
    for i in range(3):
        until(lambda: time.time() > tokens.good_until, 10 * SLOWER)
        asked = tokens.asked
        out = w.gateway.cli("doctor", "--no-mail", check=False).stdout
        assert "is good (no mail was sent)" in out and "refresh-" not in out, out
        assert tokens.asked > asked
        until(lambda: time.time() > tokens.good_until, 10 * SLOWER)
        w.write(who.alice, who.support, f"mail {i}")
        w.say(w.got(who.alice, i + 1)[0]["thread"], {"text": f"answer {i}"})
    assert tokens.refused == 0
    w.gateway.stop()
    asked = tokens.asked
    out = w.gateway.cli("doctor", "--no-mail").stdout
    assert "OAuth2 cannot be tried" in out and tokens.asked == asked
    w.gateway.start()
    w.api = w.gateway.login()
    w.wait_ready()
    assert tokens.refused == 0
