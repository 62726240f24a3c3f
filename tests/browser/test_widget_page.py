"""The widget as a guest on somebody's page: strict policies, foreign origins, no storage, keyboard."""
import gzip
import http.server
import threading

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import CONFIG
from widget import Widget, accessible

PAGE = """<!doctype html><html lang="{lang}"><head><title>A shop</title>
<meta name="viewport" content="width=device-width">
<style nonce="n0nce">button, div, iframe {{ all: unset; display: none; color: red; width: 3px }}
* {{ font-size: 60px !important; box-sizing: content-box }}</style></head>
<body><h1>A shop</h1><a href="#x" id="before">before</a>{script}</body></html>"""
SNIPPET = '<script nonce="n0nce" async src="{gateway}/widget.js" data-site="site"></script>'
POLICY = ("default-src 'none'; script-src 'nonce-n0nce' 'strict-dynamic'; style-src 'nonce-n0nce'; "
          "frame-src {gateway}; require-trusted-types-for 'script'; base-uri 'none'")


class Site:
    """A web site of somebody else, with a strict policy. Its port is its own before the gateway starts, which must know
    it."""

    def __init__(self, policy=POLICY, script=SNIPPET, lang="en"):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/" else 204)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", policy.format(gateway=site.gateway_url))
                self.end_headers()
                if self.path == "/":
                    self.wfile.write(PAGE.format(lang=lang, script=script.format(gateway=site.gateway_url)).encode())

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.url, self.gateway_url = self.origin + "/", ""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def shop(start_gateway):
    made = []

    def open_shop(allowed=True, **kw):
        site = Site(**kw)
        made.append(site)
        origins = f'"self", "{site.origin}"' if allowed else '"self"'
        g = start_gateway(config=CONFIG.replace('"self"', origins), workers=1)
        site.gateway_url = g.url
        return g, site

    yield open_shop
    for s in made:
        s.server.shutdown()


@pytest.mark.parametrize("width", [1280, 390])
def test_on_a_page_with_a_strict_policy(shop, browsers, width):
    g, site = shop()
    d = browsers.open(site.url, width=width)
    before = set(d.execute_script("return Object.keys(window)"))
    w = Widget(d, g).open()
    w.write("from another site")
    w.sent("from another site")
    box = w.part(".box").size
    assert box["width"] == 400 if width > 480 else (box["width"] == 390)
    assert w.one("textarea") if w.panel() else None
    assert w.d.execute_script("return getComputedStyle(document.querySelector('.text')).fontSize") == "15px"
    w.page()
    added = set(d.execute_script("return Object.keys(window)")) - before
    assert added <= {"switchboard", "ret_nodes", "se_exportedFunctionSymbol"}  # the driver's, too
    assert d.execute_script("return document.cookie") == ""
    assert "token" in d.execute_script("return localStorage.getItem('switchboard:site')")


def test_foreign_page_cannot_frame_the_panel(shop, browsers):
    g, site = shop(allowed=False)
    browsers.allowed += ["frame-ancestors", "Refused to frame", "chrome-error", "Framing"]
    d = browsers.open(site.url)
    w = Widget(d, g)
    w.until(lambda: w.part(".bubble")).click()
    d.switch_to.frame(w.part("iframe"))
    w.until(lambda: "chrome-error" in d.execute_script("return location.href"), why="for a refusal")
    assert not d.find_elements(By.CSS_SELECTOR, "textarea")


def test_nobody_is_connected_before_the_click(shop, browsers):
    g, site = shop()
    d = browsers.open(site.url)
    w = Widget(d, g)
    w.until(lambda: w.part(".bubble"))
    assert d.execute_script("return localStorage.length") == 0
    assert 'sb_websocket_sessions{kind="visitor"} 1' not in g.metrics()
    assert w.d.execute_script("return performance.getEntriesByType('resource').length") <= 2


def test_without_storage(shop, browsers):
    g, site = shop()
    d = browsers.open()
    d.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source":
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } });"})
    d.get(site.url)
    w = Widget(d, g).open()
    w.write("no storage here")
    w.sent("no storage here")


def test_queue_before_loading_and_twice(shop, browsers):
    script = """<script nonce="n0nce">window.switchboard = window.switchboard || function () {{
        (switchboard.q = switchboard.q || []).push(arguments); }};
        switchboard("start", {{ site: "site", host: "{gateway}", launcher: "none", locale: "ru" }});
        switchboard("on", "open", () => {{ document.title = "opened"; }});
        switchboard("open");</script>
        <script nonce="n0nce" async src="{gateway}/widget.js"></script>
        <script nonce="n0nce" async src="{gateway}/widget.js"></script>"""
    g, site = shop(script=script)
    d = browsers.open(site.url)
    w = Widget(d, g).panel()
    assert w.one("textarea").get_attribute("placeholder") == "Ваше сообщение"
    w.until(lambda: w.page().d.title == "opened")
    assert len(d.find_elements(By.ID, "switchboard")) == 1
    assert not w.part(".bubble").is_displayed()


def test_page_that_swaps_its_body_keeps_the_chat(shop, browsers):
    g, site = shop()
    d = browsers.open(site.url)
    w = Widget(d, g).open()
    w.write("before the swap")
    w.sent("before the swap")
    w.page().d.execute_script(
        "const b = document.createElement('body'); b.append('new page'); document.body.replaceWith(b);")
    w.until(lambda: w.panel().texts() == ["before the swap"], why="for the frame that came along")
    assert len(w.page().d.find_elements(By.ID, "switchboard")) == 1


def test_keyboard_alone(gateway, browsers):
    d = browsers.open(gateway.url + "/demo?lang=en")
    w = Widget(d, gateway)
    w.until(lambda: w.part(".bubble"))
    assert w.part(".bubble").get_attribute("aria-label") == "Open the chat"
    w.page().d.find_element(By.ID, "forget").send_keys(Keys.TAB)
    d.switch_to.active_element.send_keys(Keys.ENTER)
    w.panel()
    w.until(lambda: d.execute_script("return document.activeElement.tagName") == "TEXTAREA")
    d.switch_to.active_element.send_keys("by keys" + Keys.ENTER)
    w.sent("by keys")
    log = w.one(".log")
    assert (log.get_attribute("role"), log.get_attribute("aria-live")) == ("log", "polite")
    d.switch_to.active_element.send_keys(Keys.ESCAPE)
    w.until(lambda: not w.is_open(), why="for Escape to close")
    assert d.execute_script("return document.activeElement.id") == "switchboard"


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_the_page_around_it_speaks_both_languages(gateway, browsers, width, lang):
    d = browsers.open(f"{gateway.url}/demo?lang={lang}&utm_source=mail", width=width)
    w = Widget(d, gateway)
    w.until(lambda: w.part(".bubble"))

    def texts():
        return [t for t in d.find_element(By.TAG_NAME, "main").text.split("\n") if t.strip()]

    def is_russian(t):
        return any("а" <= c <= "я" for c in t)

    assert len(texts()) > 12 and all(is_russian(t) == (lang == "ru") for t in texts()), texts()
    assert is_russian(d.title) == (lang == "ru")
    accessible(d)
    w.shot(f"demo-{lang}-{width}")
    assert d.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    d.find_element(By.CSS_SELECTOR, f".langs a[lang={'en' if lang == 'ru' else 'ru'}]").click()
    w.until(lambda: texts() and all(is_russian(t) == (lang == "en") for t in texts()), why="for the other language")
    assert "utm_source=mail" in d.current_url


def test_consent_is_asked_first(gateway, browsers):
    d = browsers.open(gateway.url + "/demo?lang=en&consent=required&consentUrl=https://x.example/law")
    w = Widget(d, gateway).open()
    assert not w.one("textarea").is_enabled()
    assert w.one(".consent a").get_attribute("href") == "https://x.example/law"
    w.one(".consent input").click()
    w.write("agreed")
    w.sent("agreed")
    api = gateway.login()
    assert api.get("/threads/" + api.threads()[0]["id"])["client"]["profile"]["page"]["url"]
    w.page().d.refresh()
    w.open()
    assert w.one("textarea").is_enabled()


def test_budget(gateway):
    sizes = {p: len(gzip.compress(requests.get(gateway.url + p).content))
             for p in ("/widget.js", "/widget/panel.js", "/widget/panel.css")}
    assert sizes["/widget.js"] <= 5 * 1024 and sizes["/widget/panel.js"] <= 40 * 1024
    assert sizes["/widget/panel.css"] <= 8 * 1024, sizes
