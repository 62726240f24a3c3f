"""Each mail that the unit test composes is read by another library, which finds nothing to complain of."""

import email
import email.policy
import os
import pathlib
import subprocess

import pytest

SWITCHBOARD = os.environ.get("SWITCHBOARD", "build/switchboard")
UNIT = pathlib.Path(SWITCHBOARD).parent / "unit" / "email_compose_test"


@pytest.fixture(scope="module")
def mails(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mails")
    subprocess.run([UNIT], env={**os.environ, "EMAIL_MAILS": str(folder)}, check=True, capture_output=True)
    raw = {p.stem.rsplit("-", 1)[0]: p.read_bytes() for p in folder.iterdir()}
    assert len(raw) > 20
    return raw


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def words(part):
    return part.get_content().replace("\r\n", "\n")  # what came as bytes keeps its line ends


def test_no_defects(mails):
    for name, raw in mails.items():
        for part in read(raw).walk():
            assert not part.defects, (name, part.defects)
            for key, value in part.items():
                if name != "smtputf8":  # RFC 6532, which this library takes for a defect
                    assert not getattr(value, "defects", ()), (name, key, value.defects)
            if not part.is_multipart():
                part.get_content()


def test_headers_are_those_we_wrote(mails):
    known = {"date", "from", "reply-to", "subject", "to", "cc", "message-id", "in-reply-to", "references",
             "auto-submitted", "x-auto-response-suppress", "precedence", "x-switchboard", "mime-version",
             "content-type", "content-transfer-encoding"}  # fmt: skip
    for name, raw in mails.items():
        keys = [k.lower() for k in read(raw).keys()]
        assert set(keys) <= known and len(keys) == len(set(keys)), (name, keys)
        assert raw.isascii() or name == "smtputf8", name


def test_what_comes_back(mails):
    m = read(mails["cyrillic"])
    assert m["Subject"] == "Заказ №7 — принят, и тема эта длинная настолько, что складывается 😀"
    who = m["From"].addresses[0]
    assert who.addr_spec == "support@example.com"
    # This library keeps the spaces between encoded words of a name (RFC 2047 6.2 does not).
    assert " ".join(who.display_name.split()) == 'Поддержка "Магазин", отдел; <x@y>'
    m = read(mails["specials"])
    assert m["From"].addresses[0].display_name == 'Doe, Jane (Sales) "JD"'
    assert words(read(mails["cyrillic_text"])) == "Привет\n.\nFrom me\n"
    assert words(read(mails["mostly_ascii"])) == "café = cheap\n.\n..\ntrailing \nFrom me\n"
    assert words(read(mails["long_line"]).get_body(("plain",))) == "a" * 200000 + "\n"
    assert read(mails["long_words"])["Subject"] == "x" * 500
    assert set(read(mails["long_words_cyrillic"])["Subject"]) == {"ж"}
    assert words(read(mails["alternative"]).get_body(("plain",))) == "Hello you\n"


def test_files_come_back(mails):
    m = read(mails["files"])
    assert m.get_content_type() == "multipart/mixed"
    body = m.get_body(("related",))
    assert body.get_param("type") == "text/html"
    cat = body.get_payload()[1]
    assert cat["Content-ID"] == "<cat.1@x>" and cat.get_content_disposition() == "inline"
    files = list(m.iter_attachments())
    assert [f.get_filename() for f in files] == [
        "note.txt", "счёт за июль с очень длинным именем, которое не помещается.pdf", "old.eml", "odd"]  # fmt: skip
    assert all(f.get_payload(decode=True) == b"one\n.\nFrom two\0\xff" for f in files)
    assert read(mails["long_name"]).get_payload()[1].get_filename().endswith("яя.docx")
