"""What strangers send, as the agent sees it: each mail of the corpus (tests/mails), and each monster that is made here, goes
from the server to its thread, its files to the disk, all of it to the card, and the trail tells its way (pains 7-13)."""

import base64
import email
import io
import json
import os
import random
import re
import zipfile

import pytest
from email_fakes import FakeMailbox
from harness import ROOT, SANITIZED, SLOWER, Gateway, children, until

SERVER = "mx.google.com"  # whose verdicts are believed
AS_READ = ("message_id", "quoted_at", "signature_at", "auto", "text_cut", "from", "sender", "to", "cc", "reply_to")
CORPUS = sorted((ROOT / "tests/mails").glob("*.eml"))
REFUSED = (".svg", ".html", ".exe", "image/svg+xml")


# --- mails that are too large to be kept in the tree ---


def head(name, kind='multipart/mixed; boundary="b"', more=""):
    return (f"From: {name}@made.test\r\nTo: support@example.test\r\n{more}Subject: {name}\r\nMIME-Version: 1.0\r\n"
            f"Date: Fri, 13 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{name}@made.test>\r\nContent-Type: {kind}\r\n\r\n")


def part(text, kind="text/plain; charset=utf-8", more=""):
    return f"--b\r\nContent-Type: {kind}\r\n{more}\r\n{text}\r\n"


def zip_bomb():
    """64 times 16 MB of nothing, packed twice."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("zeros", bytes(16 << 20))
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as z:
        for i in range(64):
            z.writestr(f"{i}.zip", inner.getvalue())
    return outer.getvalue()


def mail_in_mail(depth):
    """A mail with a file in a mail in a mail ..."""
    text = "At the bottom."
    for i in range(depth):
        text = head(f"within{i}", f'multipart/mixed; boundary="m{i}"') + f"--m{i}\r\n\r\nLevel {i}\r\n--m{i}\r\nContent-Type: " \
            f"{'message/rfc822' if i else 'text/csv; name=a.csv'}\r\n\r\n{text}\r\n--m{i}--\r\n"
    return text


def monsters():
    """{name: (mail, how its text begins, notes, names of files)}"""
    deep = "".join(f"--b{i}\r\nContent-Type: multipart/mixed; boundary=b{i + 1}\r\n\r\n" for i in range(5000))
    bomb = part(base64.encodebytes(zip_bomb()).decode(), "application/zip; name=bomb.zip", "Content-Transfer-Encoding: base64\r\n")
    mails = {
        "deep": (head("deep", "multipart/mixed; boundary=b0") + deep + "--b5000\r\n\r\nBottom\r\n",
                 "--b0", ["depth_cut", "parts_cut", "raw_text", "text_cut"], []),
        "wide": (head("wide") + part("The text.") + part("GIF", "image/gif; name=x.gif") * 100_000 + "--b--\r\n",
                 "The text.", ["parts_cut"], ["x.gif"] * 199),
        "within": (head("within") + part("See below.") + part(mail_in_mail(12), "message/rfc822") + "--b--\r\n",
                   "See below.", [], ["within11.eml"]),
        "matryoshka": (head("matryoshka") + part("See below.") + "--b\r\n" + "Content-Type: message/rfc822\r\n\r\n" * 20_000 +
                       "Subject: x\r\n\r\nx\r\n--b--\r\n", "See below.", [], ["message.eml"]),
        "header_long": (head("header_long", "text/plain", "X-Long: " + "0123456789" * 1_000_000 + "\r\n") + "The text.\r\n",
                        "The text.", ["headers_cut"], []),
        "headers_many": (head("headers_many", "text/plain", "X-Filler: nothing\r\n" * 200_000) + "The text.\r\n",
                         "The text.", ["headers_cut"], []),
        "line_long": (head("line_long", "text/plain; charset=utf-8") + "я" * (1 << 19) + "\r\n", "яяя", ["text_cut"], []),
        "html_long": (head("html_long", "text/html") + f"<div title='{'so ' * 40}'><p>&lt;x&gt;" * 32_000, "<x>",
                      ["html_cut", "text_cut", "text_from_html"], []),
        "bomb": (head("bomb") + part("See the file.") + bomb + "--b--\r\n", "See the file.", ["archive"], ["bomb.zip"]),
        "nothing": ("\r\n", "", ["no_date", "no_from"], [])}
    mails = {name: (raw.encode(), *wanted) for name, (raw, *wanted) in mails.items()}
    return mails | {"noise": (random.Random(5).randbytes(200_000), "", None, [])}


# --- who looks ---


class World(FakeMailbox):
    """All of these mails at once; then everybody looks."""

    def __init__(self, start, mails):
        super().__init__(start, extra=f'authserv_id = "{SERVER}"')
        self.mails, self.workers = mails, self.gateway.worker_pids()
        for raw in mails.values():
            self.imap.add(raw)
        until(lambda: len(self.all()) >= len(mails), 60 * SLOWER, 0.2, "for all mails")
        self.by_source = {self.download(m["email"]["source"]).content: m for m in self.all()}


@pytest.fixture(scope="module")
def corpus():
    made = []

    def start(**kw):
        made.append(Gateway(**kw))
        return made[-1].start()

    w = World(start, {p.stem: p.read_bytes() for p in CORPUS})
    yield w
    w.close()
    for g in made:
        g.destroy()


def check_file(w, file, name, data=None):
    """It is there as it was sent, or it says why not; no browser shows it as a page."""
    assert file["name"] == (name if len(name) <= 120 else name[:116] + name[-4:])
    if file.get("state"):
        assert file["state"] == "failed" and file["error"] and (name.endswith(REFUSED) or file["mime"] in REFUSED), file
        return
    assert not name.endswith(REFUSED)
    got = w.download(file["id"])
    assert len(got.content) == file["size"] and (data is None or got.content == data)
    assert got.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in got.headers["Content-Security-Policy"]
    picture = got.headers["Content-Type"].startswith("image/") and "svg" not in got.headers["Content-Type"]
    assert picture or got.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("name", [p.stem for p in CORPUS])
def test_corpus(corpus, name):
    """As tests/mails/NAME.json says that it is read (the unit tests see to that)."""
    m, wanted = corpus.by_source[corpus.mails[name]], json.loads((ROOT / f"tests/mails/{name}.json").read_text())
    assert m["text"] == wanted["text"] and m.get("subject", "") == wanted.get("subject", "")
    for key in AS_READ:
        assert m["email"].get(key) == wanted.get(key), key
    assert m["email"].get("notes", []) == wanted["notes"]
    sender = wanted.get("from", [{"address": "unknown@invalid"}])[0]["address"]
    assert m["from"]["address"] == sender.lower()
    verdicts = [a for a in wanted.get("auth", []) if a["server"] == SERVER]
    assert m["email"].get("auth") == ({k: v for k, v in verdicts[0].items() if k != "server"} if verdicts else None)
    files = [p for p in wanted["parts"] if p["what"] != "html"]
    assert len(m.get("attachments", [])) == len(files)
    for file, p in zip(m.get("attachments", []), files):
        check_file(corpus, file, p["name"], p["is"].encode() if "is" in p else None)
        assert file.get("cid") == p.get("cid")
    html = next((p for p in wanted["parts"] if p["what"] == "html"), None)
    assert bool(html) == ("html" in m["email"])
    if html:
        page = corpus.download(m["email"]["html"])
        assert len(page.content) == html["size"] and page.headers["Content-Disposition"].startswith("attachment")
    corpus.told([m])


def check_monster(w, name, raw, text, notes, files):
    m = w.by_source[raw]
    said = m["email"].get("notes", []) + (["text_cut"] if m["email"].get("text_cut") else [])
    assert m["text"].startswith(text) and [a["name"] for a in m.get("attachments", [])] == files
    assert notes is None or sorted(said) == notes, said
    for file in m.get("attachments", [])[:5]:
        check_file(w, file, file["name"])
    w.told([m])
    return m.get("attachments")


def test_monsters(start_gateway):
    """T22, T28: each is shown with what could be read of it and what was odd, with its bytes to the last; it ends neither its reader nor
    a worker, none comes twice, and the next one is served."""
    made = monsters()
    w = World(start_gateway, {name: raw for name, (raw, *_) in made.items()})
    files = {name: check_monster(w, name, *wanted) for name, wanted in made.items()}
    sent = email.message_from_bytes(made["bomb"][0]).get_payload()[1].get_payload(decode=True)
    assert w.download(files["bomb"][0]["id"]).content == sent
    assert w.download(files["within"][0]["id"]).content.decode().rstrip() == mail_in_mail(12).rstrip()
    assert w.gateway.worker_pids() == w.workers and "email.quarantined" not in w.gateway.log()
    w.write("the next one")
    assert len(w.all()) == len(made) + 1
    w.close()


def test_readers_are_shut_in(corpus):
    """Who reads mails has no way out: a seccomp filter, nothing to gain by exec, no files, no processes, little memory."""
    corpus.write("one more, for a reader that has nothing to do goes")
    readers = [p for worker in corpus.gateway.worker_pids() for p, _ in children(worker)]
    assert readers
    for pid in readers:
        status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
        limits = {line[:25].strip(): line[26:46].strip() for line in open(f"/proc/{pid}/limits").read().splitlines()[1:]}
        assert int(limits["Max open files"]) <= 8 and limits["Max processes"] == limits["Max file size"] == "0"
        assert SANITIZED or int(limits["Max address space"]) < 1 << 30
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert len([x for x in links if x.startswith("socket:")]) == 1  # to its worker


def test_every_note_has_words():
    """Whatever is said of a mail is said to the agent in both languages."""
    code = "".join(p.read_text() for p in (ROOT / "connectors/email").glob("email_*.c"))
    words = set(re.findall(r'note\((?:m|b->m|m->mail), "([a-z_]+)"', code)) | {"headers_cut", "headers_broken", "parts_cut", "nul_bytes"}
    words |= {"quarantined", "depth_cut", "encrypted", "signed"}
    ui = ROOT / "gateway/ui/inbox"
    listed = set(re.findall(r'"([a-z_]+)"', re.search(r"const NOTES = \[(.*?)\]", (ui / "mail.jsx").read_text(), re.S)[1]))
    assert words <= listed and len(words) > 20, words - listed
    for language in ("en", "ru"):
        texts = (ui / f"strings_{language}.mjs").read_text()
        assert not [w for w in listed if f'"mail.note.{w}": "' not in texts]
