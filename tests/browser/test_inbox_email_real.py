"""A person's mail through real Postfix and Dovecot to an agent's screen, and the agent's answer back (done-when 1)."""
import email.message

import pytest
from email_world import Mailbox
from inbox import Inbox
from selenium.webdriver.common.by import By
from test_inbox_email import Canary, in_mail, out, png


@pytest.fixture
def world(start_gateway):
    w = Mailbox(start_gateway, users=("support", "alice", "bob"))
    yield w
    w.close()


@pytest.fixture
def canary():
    c = Canary()
    yield c
    c.close()


def with_picture(mail, html, cid):
    """Its HTML, with a picture that it shows by cid."""
    mail.add_alternative(html, subtype="html")
    page = mail.get_payload()[1]
    page.add_related(png(80, 40, (40, 80, 200)), "image", "png", cid=f"<{cid}>")
    return mail


def test_a_mail_is_shown_and_answered(world, browsers, canary):
    m = with_picture(world.compose("alice", text="Where is my order?\n\n-- \nAlice Lee\n", subject="Заказ № 7", cc=("bob",)),
                     f'<p style="color:#b00000">Where is <b>my</b> order?</p><img src="cid:logo@x" alt="logo">'
                     f'<img src="http://{canary.host}/track.png" width="200" height="50"><script>x</script>', "logo@x")
    assert isinstance(m, email.message.EmailMessage)
    world.mail.submit("alice", [world.mail.address("support")], m.as_bytes())
    world.got("alice")
    i = Inbox(browsers.open(world.gateway.url + "/"), world.gateway).sign_in()
    i.open_thread(world.thread_of("alice"))
    shown = i.one('[data-seq="1"]')
    for words in ("Заказ № 7", world.mail.address("alice"), world.mail.address("bob"), "Where is my order?"):
        assert words in shown.text, words
    assert "Alice Lee" not in shown.find_element(By.CSS_SELECTOR, ".msg-text").text, "the signature is folded"
    in_mail(i, shown)
    assert i.one("p").text == "Where is my order?"
    assert i.one("img").get_property("naturalWidth") == 80 and len(i.all(".sb-picture")) == 1
    out(i)
    assert not canary.asked
    source = world.download(shown.find_element(By.CSS_SELECTOR, ".mail-source").get_attribute("href").split("/")[-1].split("?")[0])
    assert b"logo@x" in source and b"track.png" in source

    assert i.one("#mail-subject").get_attribute("value") == "Re: Заказ № 7"
    assert i.one(".mail-who").text == world.mail.address("alice")
    [b for b in i.all(".mail-field [role=radio]") if b.text == "Reply all"][0].click()
    i.until(lambda: world.mail.address("bob") in i.one(".mail-who").get_attribute("title"))
    assert world.mail.address("support") not in i.one(".mail-who").get_attribute("title"), "not to ourselves"
    i.write("It is on its way.")
    i.sees("It is on its way.")
    for who in ("alice", "bob"):
        answer = world.inbox(who)[0]
        assert answer["Subject"] == "Re: Заказ № 7" and answer["In-Reply-To"] == m["Message-ID"]
        assert world.mail.address("alice") in answer["To"] and world.mail.address("bob") in answer["Cc"]
        assert "It is on its way." in answer.get_body(("plain",)).get_content()
