"""What can be done about a client, as people do it on the panel: who may be the same, a merge and its undoing, files, the
export, the erasure. In both languages, wide and narrow, light and dark."""
import json
import struct
import zlib

import pytest
from clients import own_id
from harness import SLOWER, until
from inbox import Inbox
from selenium.webdriver.common.keys import Keys
from telegram_world import Telegram
from widget import accessible


def chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


# 64 by 48, one colour
PNG = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) +
       chunk(b"IDAT", zlib.compress((b"\0" + b"\x30\x80\xc0" * 64) * 48)) + chunk(b"IEND", b""))
WORDS = {
    "en": {"same": "Both have proven the number +79991234567", "undo": "Undo the merge", "mine": "Shared by the client from their own account",
           "moved": "Moved to the dialogue of another client", "erased": "The data of this client were erased", "told": "what it had is deleted"},
    "ru": {"same": "Оба подтвердили номер +79991234567", "undo": "Отменить объединение", "mine": "Клиент поделился им из своей учётной записи",
           "moved": "Перенесено в диалог другого клиента", "erased": "Данные этого клиента стёрты", "told": "всё, что там было, удалено"},
}


def desk(browsers, g, width=1280, lang="en", who="admin"):
    page = Inbox(browsers.open(g.url + "/", width=width), g)
    page.d.execute_script("localStorage.setItem('sb.lang', arguments[0])", json.dumps(lang))
    page.d.refresh()
    return page.sign_in(who)


def panel(page, thread):
    page.open_thread(thread)
    if not page.all(".panel"):
        page.click(".thread-who, .panel-toggle")
    page.one(".panel .client-files")


def fill(page, css, text):
    field = page.one(css)
    field.send_keys(Keys.CONTROL + "a")
    field.send_keys(text)


def dark(page, on=True):
    page.d.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]})


@pytest.fixture
def telegram(making):
    return making(Telegram)


@pytest.mark.parametrize("lang,width", [("en", 1280), ("ru", 390)])
def test_the_same_person_is_merged_and_parted_again(telegram, browsers, lang, width):
    g, api, words = telegram.gateway, telegram.api, WORDS[lang]
    ann, anna = telegram.user(42, "Ann"), telegram.user(43, "Anna")
    ann.text("hello from the phone")
    anna.text("hello from the tablet")
    threads = {n: until(lambda n=n: telegram.thread_of(n), 20 * SLOWER) for n in ("Ann", "Anna")}
    ann.contact(own=True)
    until(lambda: any(i["kind"] == "phone" for i in api.get("/threads/" + threads["Ann"])["client"]["identities"]), 20 * SLOWER)
    anna.contact(own=True)
    other = api.get("/threads/" + threads["Anna"])["client"]["id"]
    until(lambda: api.get(f"/clients/{other}/suggestions")["suggestions"], 20 * SLOWER)
    page = desk(browsers, g, width, lang)
    panel(page, threads["Ann"])
    page.until(lambda: words["same"] in page.one(".same").text and "Anna" in page.one(".same").text, why="for the suggestion")
    assert words["mine"] in page.one(".identities").text
    assert page.all(".last-seen")
    accessible(page.d)
    page.shot(f"client-same-{lang}")
    dark(page)
    page.shot(f"client-same-dark-{lang}")
    dark(page, False)
    page.click(".same .button")
    page.click("dialog .button-danger")
    page.none("dialog[open]")
    page.until(lambda: "Anna" in page.one(".merges").text and not page.all(".same"), why="for the merge")
    anna.text("written while one")
    until(lambda: any(m.get("text") == "written while one" for m in api.messages(threads["Ann"])), 20 * SLOWER)
    page.shot(f"client-merged-{lang}")
    page.click(".merges .button")
    assert page.one("dialog h2").text == words["undo"]
    page.shot(f"client-unmerge-{lang}")
    page.click("dialog .dialog-foot .button-main")
    page.none(".merges", 20)
    page.until(lambda: page.all(".same"), why="for the suggestion again")
    page.shot(f"client-same-again-{lang}")
    page.click(".same .button-quiet")
    page.none(".same")
    assert api.get(f"/clients/{other}/suggestions")["suggestions"] == []
    page.d.refresh()
    panel(page, threads["Ann"])
    page.none(".same")
    if width < 600:
        page.click(".panel-close")
    page.until(lambda: words["moved"] in page.one("#log").text and "written while one" not in page.messages(), why="for it to be gone here")
    page.shot(f"client-parted-{lang}")
    page.open_thread(threads["Anna"])
    page.sees("written while one")


@pytest.mark.parametrize("lang,width", [("ru", 1280), ("en", 390)])
def test_files_export_and_erasure(gateway, browsers, lang, width):
    g, api, words = gateway, gateway.login(), WORDS[lang]
    thread = g.hook({"from": {"address": "4711", "name": "Clara Petrova"}, "id": own_id(), "text": "where is my order?"}).json()["thread"]
    client = api.get("/threads/" + thread)["client"]["id"]
    for i in range(30):
        file = api.post(f"/media?name=plan{i}.txt", None, data=b"a plan")["media"]["id"]
        api.post(f"/threads/{thread}/messages", {"text": f"plan {i}", "attachments": [file], "note": True})
    picture = api.post("/media?name=map.png", None, data=PNG)["media"]["id"]
    api.post(f"/threads/{thread}/messages", {"text": "the map", "attachments": [picture], "note": True})
    until(lambda: api.get("/clients/" + client)["client"]["cards"], 20 * SLOWER, why="for the card")
    page = desk(browsers, g, width, lang)
    panel(page, thread)
    page.click(".client-files header .button")
    page.until(lambda: page.all(".client-files .picture") and len(page.all(".client-files li")) >= 24, why="for the files")
    page.shot(f"client-files-{lang}")
    if page.all(".client-files > .button"):
        page.click(".client-files > .button")
    page.until(lambda: len(page.all(".client-files li")) == 31, why="for all of them")
    link = page.one(".client-export")
    assert link.get_attribute("href").endswith(f"/clients/{client}/export") and link.get_attribute("download") is not None
    accessible(page.d)
    page.click(".client-erase")
    submit = lambda: page.one("dialog .button-danger")  # noqa: E731
    assert not submit().is_enabled()
    fill(page, "#erase-reason", "letter of 2026-11-23")
    fill(page, "#erase-confirm", "Clara")
    assert not submit().is_enabled()
    fill(page, "#erase-confirm", "Clara Petrova")
    page.until(lambda: submit().is_enabled())
    accessible(page.d)
    page.shot(f"client-erase-{lang}")
    submit().click()
    page.none("dialog[open]", 30)
    page.until(lambda: words["erased"] in page.one(".erased").text and "letter of 2026-11-23" in page.one(".erased").text, 20)
    page.until(lambda: words["told"] in page.one(".erased").text, 30, why="for the cards to have heard")
    assert not page.all(".panel-stack") and "Clara" not in page.one(".panel").text
    page.none(".composer")
    page.shot(f"client-erased-{lang}")
    if width < 600:
        page.click(".panel-close")
    page.until(lambda: "Clara Petrova" not in page.rows() and "where is my order?" not in page.messages(), why="for it to be gone")


def test_who_may_do_what(gateway, browsers):
    """An agent neither exports nor erases; a supervisor exports."""
    g = gateway
    thread = g.hook({"from": {"address": "4711", "name": "Clara"}, "id": own_id(), "text": "hello"}).json()["thread"]
    for name, role, exports in (("ann", "agent", 0), ("sue", "supervisor", 1)):
        g.add_user(name, role)
        page = desk(browsers, g, who=name)
        panel(page, thread)
        page.one(".panel-stack .button")
        assert (len(page.all(".client-export")), len(page.all(".client-erase"))) == (exports, 0)
