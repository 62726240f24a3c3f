"""E-mail in the inbox, in a real browser: names never hide addresses, quotes are folded, HTML is a press away and can do
nothing, pictures of others wait to be asked for, answers have a subject and copies (pains 7 to 13)."""
import http.server
import json
import struct
import subprocess
import threading
import time
import zlib

import pytest
import requests
from harness import ROOT, Gateway, until
from inbox import Inbox
from mails import MAIL_CONFIG, Mails
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ATTACKS = sorted((ROOT / "tests/mails/attacks").glob("*.html"))
BATCH = 42


def png(width, height, rgb):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    row = b"\0" + bytes(rgb) * width
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b""))


BANNER = png(120, 60, (200, 60, 60))


class Canary:
    """A server of somebody else: counts what it is asked. Has a picture at every address, unless it is told to have
    none but its pages."""

    def __init__(self, pictures=True):
        canary = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                canary.asked.append((self.command, self.path, dict(self.headers)))
                body = canary.pages.get(self.path, BANNER if pictures else b"")
                self.send_response(200 if pictures or self.path in canary.pages else 404)
                kind = "image/png" if isinstance(body, bytes) else "text/javascript" if self.path.endswith(".js") else "text/html"
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body.encode() if isinstance(body, str) else body)
            do_POST = do_HEAD = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def process_request(self, *a):  # also what then says nothing, or TLS
                canary.connected += 1
                super().process_request(*a)
        self.asked, self.pages, self.connected = [], {}, 0
        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def attack(self, path):
        return path.read_bytes().replace(b"canary.example", self.host.encode())

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def canary():
    c = Canary()
    yield c
    c.close()


@pytest.fixture(scope="module")
def gateway():
    g = Gateway(config=MAIL_CONFIG).start()
    yield g
    g.destroy()


@pytest.fixture
def mails(gateway):
    return Mails(gateway)


@pytest.fixture
def inbox(gateway, browsers):
    return Inbox(browsers.open(gateway.url + "/"), gateway).sign_in()


def opened(inbox, thread, seq=1):
    inbox.open_thread(thread)
    return inbox.one(f'[data-seq="{seq}"]')


def in_mail(inbox, article):
    """Shows the mail's HTML and goes into its innermost frame."""
    inbox.until(lambda: [b for b in article.find_elements(By.CSS_SELECTOR, ".mail-tools [role=radio]") if b.text == "HTML"],
                why="for the way to show HTML")[0].click()
    into_frame(inbox)


def into_frame(inbox):
    inbox.d.switch_to.default_content()
    frame = inbox.one(".mail-frame[data-loaded]", 15)
    inbox.d.switch_to.frame(frame)
    inbox.d.switch_to.frame(inbox.one("iframe"))
    inbox.one("body > .sb-mail")


def out(inbox):
    inbox.d.switch_to.default_content()


# --- what a mail tells ---------------------------------------------------------------------------

@pytest.mark.parametrize("width", [1280, 390])
def test_addresses_warnings_and_folds(mails, gateway, browsers, width):
    other = mails.put(sender=f"bob{width}@example.org", name="Bob", text="mine")
    own, quote, signature = "Добрый день!\n\nWhere is my order?\n", "\n> On Monday you wrote:\n> soon\n", "-- \nAnn Lee\nThe Lees\n"
    said = mails.put(
        sender=f"eve{width}@evil.example", name="security@bank.example", subject="Re: Заказ 17 <b>x</b>", text=own + signature + quote,
        signature_at=len(own.encode()), quoted_at=len((own + signature).encode()),
        to=[{"name": "The Shop", "address": "shop@example.com"}, {"address": "two@example.com"}, {"address": "three@example.com"}],
        cc=[{"name": "Cy", "address": "cy@example.net"}], reply_to=[{"address": "other@evil.example"}],
        auth={"dmarc": "fail", "spf": "pass", "dkim": "none"}, notes=["charset_guessed", "brand_new_word"],
        warning="stranger", related=other["thread"], source=b"From: eve\r\n\r\ntext")
    i = Inbox(browsers.open(gateway.url + "/", width=width), gateway).sign_in()
    m = opened(i, said["thread"])
    assert "Re: Заказ 17 <b>x</b>" in m.text, "a subject's markup is text"
    assert f"eve{width}@evil.example" in m.text and "security@bank.example" not in m.find_element(By.CSS_SELECTOR, ".mail-people").text
    for words in ("DMARC failed", "encoding of its letters was guessed", "brand new word", "reply address of another dialogue",
                  "other@evil.example", "Where is my order?", "and 2 more"):
        assert words in m.text, words
    assert "The Lees" not in m.text and "you wrote" not in m.text
    m.find_element(By.CSS_SELECTOR, ".mail-fold").click()
    i.until(lambda: "The Lees" in m.text and "you wrote" in m.text)
    m.find_element(By.CSS_SELECTOR, ".mail-more").click()
    i.until(lambda: "Cy <cy@example.net>" in m.text and "DMARC fail" in m.text and "three@example.com" in m.text)
    assert m.find_element(By.LINK_TEXT, "Open that dialogue").get_attribute("href").endswith("#/t/" + other["thread"])
    source = m.find_element(By.CSS_SELECTOR, ".mail-source").get_attribute("href")
    assert mails.api.ask("GET", source.split("/api/v1")[1]).content == b"From: eve\r\n\r\ntext"
    wide = i.d.execute_script("const l = document.querySelector('#log'); return [l.scrollWidth, l.clientWidth]")
    assert wide[0] <= wide[1], f"the dialogue is wider than its place: {wide}"
    i.shots_of_thread("mail-stranger")


def test_an_automatic_reply_is_folded(mails, inbox):
    said = mails.put(sender="away@example.org", subject="Away", text="I am at the sea", auto="reply")
    m = opened(inbox, said["thread"])
    assert "Automatic reply" in m.text and "at the sea" not in m.text
    m.find_element(By.CSS_SELECTOR, ".mail-fold").click()
    inbox.until(lambda: "at the sea" in m.text)


# --- HTML ----------------------------------------------------------------------------------------

HTML = """<html><body bgcolor="#eef6ee"><h1 style="color:#b00000;background:url(http://{host}/css.png)">Sale</h1>
<p>Dear <b>Ann</b>, look: <img src="cid:logo%40mail" alt="logo" width="80" height="40"><img src="http://{host}/banner.png?q=1" alt="Banner" width="300" height="90">
<img src="http://{host}/pixel.gif" width="1" height="1"></p>
<p><a id="good" href="https://shop.example/x">Our shop</a> <a href="https://evil.example/login">https://www.bank.example/login</a></p></body></html>"""


@pytest.mark.parametrize("width", [1280, 390])
def test_html_is_shown_and_pictures_wait(mails, gateway, browsers, canary, width):
    files = [(png(80, 40, (40, 80, 200)), "logo.png", "logo@mail"), (png(30, 30, (1, 2, 3)), "photo.png", None)]
    said = mails.put(sender=f"html{width}@example.org", subject="Sale", text="The plain text", html=HTML.format(host=canary.host), files=files)
    i = Inbox(browsers.open(gateway.url + "/", width=width), gateway).sign_in()
    m = opened(i, said["thread"])
    assert "The plain text" in m.text and len(m.find_elements(By.CSS_SELECTOR, ".picture")) == 2
    in_mail(i, m)
    h1 = i.one("h1")
    assert h1.text == "Sale" and h1.value_of_css_property("color") == "rgba(176, 0, 0, 1)"
    assert i.one(".sb-mail").value_of_css_property("background-color") == "rgba(238, 246, 238, 1)"
    logo = i.one("img")
    assert logo.get_attribute("src").startswith("data:image/png;base64,") and logo.get_property("naturalWidth") == 80
    assert [e.text for e in i.all(".sb-picture")] == ["Banner"], "the tracker is gone, the banner waits"
    links = i.all("a")
    assert [a.get_attribute("href") for a in links] == ["https://shop.example/x", "https://evil.example/login"]
    assert all(a.get_attribute("target") == "_blank" and "noopener" in a.get_attribute("rel") and a.get_attribute("title") == a.get_attribute("href") for a in links)
    assert [e.text for e in i.all(".sb-leads")] == ["leads to evil.example"]
    assert not i.d.execute_script("return document.querySelectorAll('[id],[name]:not(meta)').length")
    out(i)
    assert len(m.find_elements(By.CSS_SELECTOR, ".picture")) == 1, "what the HTML shows is not shown twice"
    assert "1 picture of another server" in m.text and "1 tracker" in m.text
    assert not canary.asked
    m.find_element(By.CSS_SELECTOR, ".mail-bar button").click()
    assert "will learn" in i.one("dialog").text and not canary.asked
    i.click("dialog .button-main")
    until(lambda: canary.asked, 10, why="for the picture")
    i.shots_of_thread("mail-html")
    into_frame(i)
    i.until(lambda: [p for p in i.all("img") if p.get_property("naturalWidth") == 120])
    assert [a[1] for a in canary.asked] == ["/banner.png?q=1"], "neither the tracker nor the style's picture"
    heard = {k.lower() for k in canary.asked[0][2]}
    assert not heard & {"referer", "cookie", "origin", "authorization"}, heard
    out(i)
    [b for b in m.find_elements(By.CSS_SELECTOR, ".mail-tools [role=radio]") if b.text == "Text"][0].click()
    i.until(lambda: "The plain text" in m.text and not i.all(".mail-frame"))


def test_frames_are_of_no_origin_and_without_scripts(mails, inbox, gateway):
    said = mails.put(sender="frame@example.org", text="x", html="<p>x</p>")
    in_mail(inbox, opened(inbox, said["thread"]))
    out(inbox)
    frame = inbox.one(".mail-frame")
    assert frame.get_attribute("sandbox") == "allow-scripts allow-popups allow-popups-to-escape-sandbox"
    inbox.d.switch_to.frame(frame)
    assert inbox.d.execute_script("return [self.origin, [...document.querySelectorAll('iframe')].map(f => f.sandbox.value).join()]") == [
        "null", "allow-popups allow-popups-to-escape-sandbox"]
    with pytest.raises(Exception, match="(?i)access|sandbox|cookie"):
        inbox.d.execute_script("return document.cookie")
    out(inbox)
    for path, pictures in (("/mail", "img-src data:;"), ("/mail-pictures", "img-src data: https: http:;")):
        policy = requests.get(gateway.url + path, timeout=5).headers["Content-Security-Policy"]
        assert pictures in policy and policy.startswith("sandbox allow-scripts") and "same-origin" not in policy
        assert "default-src 'none'" in policy and "form-action 'none'" in policy and "frame-ancestors 'self'" in policy


def test_a_missing_html_is_told(mails, inbox, browsers):
    browsers.allowed.append("404 (Not Found)")
    said = mails.put(sender="gone@example.org", text="only text")
    mails.change(said["thread"], said["seq"], {"email": {"from": [], "html": "01M84DM5EGXX078JEX5YT2BT08"}})
    m = opened(inbox, said["thread"])
    html = ".mail-tools .modes [role=radio]:last-child"
    inbox.until(lambda: m.find_elements(By.CSS_SELECTOR, html), why="for the choice")[0].click()
    inbox.until(lambda: "could not be loaded" in m.text)


# --- attacks -------------------------------------------------------------------------------------

LISTEN = "addEventListener('message', (e) => { if (e.data === 'pwned') window.pwned = (window.pwned || 0) + 1; });"


def test_attacks_are_many():
    assert len(ATTACKS) >= 200
    assert len({p.read_bytes() for p in ATTACKS}) >= 200


def test_the_sanitizer_alone_stops_every_attack(browsers, canary, tmp_path):
    """T23: without a sandbox and without a policy, which would both stop the same again."""
    entry = tmp_path / "entry.mjs"
    entry.write_text(f'export {{ clean }} from "{ROOT}/gateway/ui/mail/clean.mjs";')
    built = subprocess.run(["node_modules/.bin/esbuild", str(entry), "--bundle", "--format=iife", "--global-name=mail"],
                           capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert built.returncode == 0, built.stderr
    home = Canary(pictures=False)
    home.pages.update({"/": "<!doctype html><meta charset=utf-8><script src=/mail.js></script>", "/mail.js": LISTEN + built.stdout})
    browsers.allowed.append("")
    try:
        d = browsers.open(f"http://{home.host}/")
        d.set_script_timeout(60)
        control = d.execute_async_script(SHOW, ["<img src=x onerror=top.postMessage(`pwned`,`*`)>", f"<img src=http://{canary.host}/control>"], None, True)
        assert control["pwned"] == 1 and canary.asked, "the test could not have failed"
        canary.asked.clear()
        canary.connected = 0
        everyone = [(p.name, canary.attack(p).decode("utf-8", "replace")) for p in ATTACKS]
        home.asked.clear()
        for some in batches(everyone):
            look(d, some, {"pictures": False})
        assert not canary.asked and not canary.connected, canary.asked[:5]
        with_pictures = [a for a in everyone if canary.host in a[1] and ("img" in a[1] or "image" in a[1])]
        for some in batches(with_pictures):
            look(d, some, {"pictures": True})
        assert not [a for a in canary.asked if a[0] != "GET" or "image" not in a[2].get("Accept", "")]
        assert not home.asked, home.asked[:5]
    finally:
        home.close()


def batches(things):
    return [things[n:n + BATCH] for n in range(0, len(things), BATCH)]


def look(driver, attacks, options):
    got = driver.execute_async_script(SHOW, [text for _, text in attacks], options, False)
    assert got["shown"] == len(attacks)
    assert got["pwned"] == 0, ("a script ran", [name for name, _ in attacks])
    assert not got["bad"], [(attacks[n][0], what) for n, what in got["bad"]][:10]


# Puts each text into a frame of its own (cleaned, unless raw), pokes at all that is in it, and looks.
SHOW = """
const [texts, options, raw, done] = arguments;
const bad = [];
window.pwned = 0;
const SAFE = /^(https?|mailto|tel):/;
const events = ["click", "mouseover", "focus", "focusin", "load", "error", "toggle", "animationstart", "submit", "pointerenter", "wheel", "copy"];
const cleaned = texts.map((text, n) => {
    if (raw) return text;
    const { body } = mail.clean(text, { ...options, cids: new Map(), words: { picture: "picture", leads: "{host}" } });
    return "<!doctype html><meta charset=utf-8>" + body.outerHTML;
});
let waiting = cleaned.length;
const poke = (doc, n) => {
    doc.addEventListener("click", (e) => e.preventDefault(), true);
    for (const el of doc.querySelectorAll("body, body *")) {
        if (el.namespaceURI !== "http://www.w3.org/1999/xhtml") bad.push([n, "namespace " + el.nodeName]);
        for (const { name, value } of el.attributes) {
            if (/^on|srcset|^form|^action|^background$|^ping$|^id$|^name$|^data-/.test(name)) bad.push([n, name]);
            if (name === "style" && /url|position|expression|@|image|var\\(|\\\\/i.test(value)) bad.push([n, value]);
            if (name === "class" && !/^sb-/.test(value)) bad.push([n, "class " + value]);
            if (name === "src" && !/^data:image\\/(png|jpeg|gif|webp|avif|bmp);base64,/.test(value) && !(options.pictures && /^https?:/.test(value))) bad.push([n, value]);
            if (name === "href" && !SAFE.test(value)) bad.push([n, value]);
        }
        if (el.localName === "a" && el.hasAttribute("href") && !SAFE.test(el.protocol)) bad.push([n, el.protocol]);
        for (const name of events) el.dispatchEvent(new Event(name, { cancelable: true }));
    }
};
cleaned.forEach((html, n) => {
    const frame = document.createElement("iframe");
    frame.style.cssText = "width:300px;height:60px;border:0";
    frame.onload = () => {
        if (!raw) poke(frame.contentDocument, n);
        if (--waiting === 0) setTimeout(() => { const shown = document.querySelectorAll("iframe").length; document.body.replaceChildren(); done({ pwned: window.pwned, bad, shown }); }, 150);
    };
    frame.srcdoc = html;
    document.body.append(frame);
});
"""


def requested(driver):
    """Addresses that the browser has asked for since the last call, of all frames."""
    found = []
    for entry in driver.get_log("performance"):
        m = json.loads(entry["message"])["message"]
        if m["method"] == "Network.requestWillBeSent":
            found.append(m["params"]["request"]["url"])
    return found


def show_all(mails, inbox, canary, attacks, sender):
    """Each attack as a mail with its HTML shown."""
    threads = {}
    for n, path in enumerate(attacks):
        said = mails.put(sender=f"{sender}{n // BATCH}@example.org", subject=path.name, text="x", html=canary.attack(path))
        threads.setdefault(said["thread"], []).append(said["seq"])
    inbox.sign_in()
    inbox.d.execute_script(LISTEN)
    for thread, seqs in threads.items():
        inbox.open_thread(thread)
        inbox.until(lambda: set(inbox.seqs()) >= set(seqs), 15, "for all mails")
        inbox.d.execute_script("for (const b of document.querySelectorAll('.mail-tools .modes [role=radio]:last-child')) b.click()")
        inbox.until(lambda: len(inbox.all(".mail-frame[data-loaded]")) == len(seqs), 30, "for all frames")
    time.sleep(0.5)
    assert sum(map(len, threads.values())) == len(attacks)
    assert not inbox.d.execute_script("return window.pwned"), "a script ran"
    assert not canary.asked and not canary.connected, canary.asked[:5]
    assert inbox.d.current_url.startswith(inbox.g.url) and len(inbox.d.window_handles) == 1


def test_attacks_do_nothing_in_the_inbox(mails, gateway, browsers, canary):
    """The whole way: stored, fetched, cleaned, framed. 0 scripts, 0 requests to others, 0 dialogs. Every second one:
    each of them is a mail, two frames and a fetch."""
    assert len(ATTACKS[::2]) >= 200
    show_all(mails, Inbox(browsers.open(), gateway), canary, ATTACKS[::2], "attack")


def test_attacks_ask_nobody(mails, gateway, browsers, canary):
    """The same for one of each kind, with all that the browser asks for written down by itself."""
    kinds = {p.name.rsplit("-", 1)[0].rstrip("0123456789-"): p for p in ATTACKS}
    d = browsers.open(network=True)
    show_all(mails, Inbox(d, gateway), canary, list(kinds.values()), "kind")
    ours = (gateway.url, gateway.url.replace("http", "ws"), "data:", "blob:", "about:", "chrome")
    asked = requested(d)
    assert len([u for u in asked if "/api/v1/media/" in u]) >= len(kinds), "the log says nothing"
    assert not [u for u in asked if not u.startswith(ours)]


# --- answering -----------------------------------------------------------------------------------

@pytest.mark.parametrize("width", [1280, 390])
def test_an_answer_has_subject_and_copies(mails, gateway, browsers, width):
    said = mails.put(sender=f"answer{width}@example.org", subject="AW: Re: Order 17", text="Where is it?",
                     to=[{"address": "shop@example.com"}, {"address": "partner@example.net"}], cc=[{"name": "Cy", "address": "cy@example.net"}])
    i = Inbox(browsers.open(gateway.url + "/", width=width), gateway).sign_in()
    i.open_thread(said["thread"])
    assert i.one("#mail-subject").get_attribute("value") == "Re: Order 17"
    assert f"answer{width}@example.org" in i.one(".mail-who").text
    i.until(lambda: [b for b in i.all(".mail-field [role=radio]") if b.text == "Reply all"])[0].click()
    i.until(lambda: "cy@example.net" in i.one(".mail-who").get_attribute("title"))
    for name in ("Cc", "Bcc"):
        [b for b in i.all(".mail-copy-add") if b.text == name][0].click()
    i.one("#mail-cc").send_keys("Dee <dee@example.net>, nonsense")
    i.one(".composer textarea").send_keys("Tomorrow")
    assert i.one(".send").get_attribute("disabled") and "nonsense" in i.one(".mail-field-bad").text
    i.one("#mail-cc").send_keys(Keys.BACKSPACE * 10)
    i.one("#mail-bcc").send_keys("boss@example.com")
    i.one(".mail-fields .mail-fold").click()
    assert "Where is it?" in i.one(".mail-preview").text
    i.one(".mail-quote-on input").click()
    i.until(lambda: not i.all(".mail-preview"))
    i.until(lambda: not i.one(".send").get_attribute("disabled"))
    i.shot("mail-answer")
    i.click(".send")
    i.sees("Tomorrow")
    i.settled()
    sent = until(lambda: [s for s in mails.sent() if s["thread"] == said["thread"]], 10)[0]
    assert (sent["subject"], sent["cc"], sent["bcc"], sent["reply_all"], sent["no_quote"]) == (
        "Re: Order 17", ["dee@example.net"], ["boss@example.com"], True, True)
    last = i.all(".msg-out")[-1].text
    for words in ("Re: Order 17", "dee@example.net", "boss@example.com", "To all"):
        assert words in last, words
    i.one(".composer textarea").send_keys("Second")
    i.click(".send")
    i.sees("Second")
    second = until(lambda: [s for s in mails.sent() if s["text"] == "Second" and s["thread"] == said["thread"]], 10)[0]
    assert second["subject"] == "Re: Order 17" and not {"cc", "bcc", "reply_all", "no_quote"} & set(second)


def test_a_note_is_no_mail(mails, inbox):
    said = mails.put(sender="note@example.org", subject="x", text="y")
    inbox.open_thread(said["thread"])
    inbox.one("#mail-subject")
    [b for b in inbox.all(".composer .modes [role=radio]") if b.text == "Note"][0].click()
    inbox.none("#mail-subject")
    inbox.write("only for us")
    inbox.sees("only for us")
    inbox.settled()
    m = mails.api.messages(said["thread"])[-1]
    assert m["direction"] == "note" and "subject" not in m
