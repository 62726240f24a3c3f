"""What became of each recipient of a mail, as an agent sees it, in both languages and at both widths."""

import pytest
from email_fake_world import FakeWorld
from inbox import Inbox

WORDS = {"en": ("Taken by the server: ann@example.test, carol@example.test", "Put off, will be tried again: bob@example.test",
                "Not delivered: eve@example.test", "Not delivered to one of the recipients", "there is no such mailbox",
                "the receiving server lets everybody wait the first time"),
         "ru": ("Принято сервером: ann@example.test, carol@example.test", "Отложено, попробуем ещё раз: bob@example.test",
                "Не доставлено: eve@example.test", "Одному из получателей не доставлено", "нет такого ящика",
                "сервер получателя в первый раз просит подождать всех")}


@pytest.fixture
def world(start_gateway):
    w = FakeWorld(start_gateway, extra='retry = "1h"')
    yield w
    w.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_each_recipient(world, browsers, width):
    world.smtp.fault("rcpt", reply="451 4.7.1 Greylisted, come back", match="bob@")
    world.smtp.fault("rcpt", reply="550 5.1.1 No such user", match="eve@")
    mid = world.say("to four", cc=["bob", "carol", "eve"])
    world.until_recipients(mid, ann="sent", bob="queued", carol="sent", eve="failed")
    d = browsers.open(world.gateway.url + "/", width=width)
    i = Inbox(d, world.gateway).sign_in()
    for lang, (sent, waits, failed, event, nobody, later) in WORDS.items():
        d.execute_script("localStorage.setItem('sb.lang', JSON.stringify(arguments[0]))", lang)
        d.refresh()
        i.online()
        i.open_thread(world.thread)
        fates = i.one(f'.msg[data-seq="{world.message(mid)["seq"]}"] .fates')
        i.until(lambda: sent in fates.text, why=f"for {sent}")
        lines = [li.text for li in fates.find_elements("css selector", "li")]
        assert lines[0].startswith(failed) and f"{nobody} (550 5.1.1 No such user)" in lines[0]
        assert lines[1].startswith(waits) and f"{later} (451 4.7.1 Greylisted" in lines[1] and lines[2] == sent
        i.until(lambda: any(event in e.text and f"eve@example.test: {nobody} (550 5.1.1" in e.text for e in i.all(".event")))
        wide = d.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width
        i.shot(f"mail-recipients-{lang}")
