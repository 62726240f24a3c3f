"""The inbox as an installed program: a manifest with icons, a shell that opens without a network and is never stuck, and nothing
left when its agent signs out."""
import json

import pytest
import requests

from harness import until
from inbox import Inbox
from test_inbox_desk import narrow, russian, write

KEPT = """
const done = arguments[0];
(async () => {
    const all = {};
    for (const name of await caches.keys())
        all[name] = (await (await caches.open(name)).keys()).map((r) => new URL(r.url).pathname).sort();
    return [all, (await navigator.serviceWorker.getRegistrations()).map((r) => [r.active?.state ?? null, new URL(r.scope).pathname])];
})().then(done, (e) => done(String(e)));
"""
STATIC = ("/", "/assets/icon-192.png", "/assets/icon-512.png", "/assets/icon-full.png", "/assets/icon.svg", "/assets/inbox.css",
          "/assets/inbox.js", "/assets/late.css", "/assets/late.js", "/assets/manifest.webmanifest", "/assets/words.ru.json")


def kept(page):
    """({cache: addresses}, [[worker's state, scope]])"""
    return page.d.execute_async_script(KEPT)


@pytest.fixture
def ann(gateway, browsers):
    gateway.add_user("ann")
    gateway.thread = write(gateway, "Clara Petrova", "a word that no cache may hold")
    page = Inbox(browsers.open(), gateway).sign_in("ann", gateway.PASSWORD)
    page.until(lambda: kept(page)[1] == [["activated", "/"]], 20, why="for the worker")
    return page


def test_it_can_be_installed(gateway, ann):
    r = requests.get(gateway.url + "/assets/manifest.webmanifest", timeout=30)
    assert r.headers["Content-Type"] == "application/manifest+json"
    manifest = r.json()
    assert manifest["start_url"] == manifest["scope"] == "/" and manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        size = ann.d.execute_async_script("""
            const [src, done] = arguments, image = new Image();
            image.onload = () => done([image.naturalWidth, image.naturalHeight]);
            image.onerror = () => done(null);
            image.src = src;""", icon["src"])
        assert size and (icon["sizes"] == "any" or icon["sizes"] == f"{size[0]}x{size[1]}"), icon
    assert [i["purpose"] for i in manifest["icons"] if "purpose" in i] == ["maskable"]
    wrong = ann.d.execute_cdp_cmd("Page.getInstallabilityErrors", {})["installabilityErrors"]
    assert {e["errorId"] for e in wrong} <= {"in-incognito"}, wrong  # the tests' windows are
    assert not ann.d.execute_cdp_cmd("Page.getAppManifest", {})["errors"]
    page = requests.get(gateway.url + "/", timeout=30).headers["Content-Security-Policy"]
    worker = requests.get(gateway.url + "/sw.js", timeout=30).headers
    assert "worker-src 'self'" in page and "unsafe" not in page
    assert worker["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"
    assert worker["Cache-Control"] == "no-cache" and worker["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_shell_opens_without_a_gateway_and_comes_alive(gateway, browsers, ann, lang):
    browsers.allow_lost_connections()
    browsers.allowed += ["Failed to load resource"]
    if lang == "ru":
        russian(ann)
        narrow(ann)
    ann.open_thread(gateway.thread)
    ann.sees("a word that no cache may hold")
    caches, _ = kept(ann)
    assert len(caches) == 1 and tuple(next(iter(caches.values()))) == STATIC, caches
    held = ann.d.execute_async_script("""
        const done = arguments[0];
        (async () => {
            let text = "";
            for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const r of await cache.keys()) text += await (await cache.match(r)).text();
            }
            return text.includes("a word that no cache may hold");
        })().then(done);""")
    assert held is False
    gateway.stop()
    ann.d.get(gateway.url + "/")
    words = {"en": "The gateway does not answer", "ru": "Шлюз не отвечает"}[lang]
    ann.until(lambda: words in ann.one(".gate").text, 20, "for the shell")
    ann.shot("installed-offline")
    gateway.start()
    ann.one(".app", 30)
    ann.online()
    ann.open_thread(gateway.thread)
    ann.sees("a word that no cache may hold")


def test_a_newer_page_is_offered_and_taken(gateway, browsers, ann):
    """What a new version of the worker does is in worker.test.mjs; here is what the open page does when it has come."""
    ann.d.refresh()  # now the worker has this page
    ann.online()
    ann.until(lambda: ann.d.execute_script("return Boolean(navigator.serviceWorker.controller && switchboardPages?.background)"))
    ann.open_thread(gateway.thread)
    ann.one(".composer textarea").send_keys("half a sentence")
    until(lambda: gateway.login("ann", gateway.PASSWORD).get("/drafts")["drafts"], 20)
    ann.d.execute_script("window.old = true; navigator.serviceWorker.dispatchEvent(new Event('controllerchange'))")
    ann.until(lambda: "newer version" in ann.one(".banner-on").text)
    ann.shot("installed-newer")
    ann.click(".banner-on button")
    ann.until(lambda: not ann.d.execute_script("return window.old"), why="for the new page")
    ann.until(lambda: ann.one(".composer textarea").get_attribute("value") == "half a sentence")


def test_signing_out_leaves_nothing(gateway, ann):
    ann.open_thread(gateway.thread)
    ann.one(".composer textarea").send_keys("a draft")
    ann.click(".person")
    ann.until(lambda: [i for i in ann.all(".menu-item") if i.text == "Sign out"])[0].click()
    ann.one("#signin-name")
    ann.until(lambda: kept(ann) == [{}, []], why="for the caches to go")
    left = ann.d.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "draft" not in left and gateway.thread not in left and "ann" not in left, left
    assert not [k for k in json.loads(left)[0] if k not in ("sb.lang", "sb.theme", "sb.panel")], left
    # And who signs in again has it again.
    ann.one("#signin-name").send_keys("ann")
    ann.one("#signin-password").send_keys(gateway.PASSWORD + "\n")
    ann.online()
    ann.until(lambda: len(kept(ann)[0]) == 1 and len(next(iter(kept(ann)[0].values()))) == len(STATIC), 20, "for the shell again")
