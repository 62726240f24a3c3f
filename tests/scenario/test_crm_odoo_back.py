"""Back from Odoo: notes with a prefix are looked for and go to the client; another salesperson is ours, too (crm.md 5, 8.3)."""
import json

import pytest
import requests

from crm_target_odoo import Odoo2Target, OdooTarget
from harness import CONFIG, SLOWER, until
from test_crm_contract import World, own, texts

OUTBOX = CONFIG.replace('loopback "test" {{}}', 'loopback "test" {{ outbox = "{data}/out" }}')
SECRET = "Zm9vYmFyYmF6cXV4MTIzNDU2"
EXTRA = f'poll = "1s"\n  hook_secret = "{SECRET}"\n  users = {{{{"anna=17", "bob=18"}}}}'


class Back(World):
    def __init__(self, target, start_gateway, extra=EXTRA):
        self.target = target
        for id, name in ((17, "Anna Karenina"), (18, "Bob Dylan"), (19, "Carl Orff")):
            target.fake.world.records["res.users"][id] = {"id": id, "login": name, "name": name}
        target.fake.world.add("mail.message", model="res.partner", res_id=1, body="<p>/r old</p>", create_uid=17,
                              message_type="comment", message_id="<old@odoo>", attachment_ids=[])
        self.gateway = start_gateway(config=OUTBOX + target.section(extra), sets=["public_url=https://chat.example.org"])
        self.admin = self.gateway.login()
        for name in ("anna", "bob"):
            self.gateway.add_user(name)
        self.thread = self.write(own("ann"), "hello?")["thread"]
        self.card = self.wait_card(self.thread)
        self.wait_history(self.card, 1)
        self.wait_looked()

    def wait_looked(self):
        """It has begun to look: what comes from now on is news."""
        looks = [r for _, r in self.target.fake.calls if self.target.asks(r, "mail.message", "search_read")]
        until(lambda: len([r for _, r in list(self.target.fake.calls)
                           if self.target.asks(r, "mail.message", "search_read")]) > len(looks) + 1, 20 * SLOWER)

    def note(self, html, by=17, files=()):
        world = self.target.fake.world
        return self.target.fake.do(lambda: world.add("mail.message", model="res.partner", res_id=int(self.card), body=html, create_uid=by,
                                                     message_type="comment", attachment_ids=list(files), message_id=f"<{own('m')}@odoo>"))

    def sent(self):
        path = self.gateway.data / "out"
        return [json.loads(line)["text"] for line in path.read_text().splitlines()] if path.exists() else []

    def said(self):
        return [m for m in self.admin.messages(self.thread) if m["direction"] == "out"]

    def wait_said(self, n, status=("sent", "delivered")):
        return until(lambda: len(self.said()) == n and self.said()[-1]["status"] in status and self.said(),
                     30 * SLOWER, why=self.gateway.log()[-1500:])

    def client(self):
        return self.admin.get(f"/threads/{self.thread}")["thread"]["client"]["id"]

    def turn(self, user, secret=SECRET, **body):
        self.target.fake.do(lambda: self.target.fake.world.records["res.partner"][int(self.card)].update(user_id=user, write_uid=17))
        return self.told(secret, **body)

    def told(self, secret=SECRET, **body):
        """By an automation rule."""
        return requests.post(f"{self.gateway.url}/hooks/odoo/crm/{secret}", timeout=30,
                             json={"_model": "res.partner", "_id": int(self.card), "_action": "x(#1)", **body})


@pytest.fixture(params=[OdooTarget, Odoo2Target], ids=lambda t: t.name)
def back(request, start_gateway):
    target = request.param()
    yield Back(target, start_gateway)
    target.close()


def test_an_answer_reaches_the_client_once(back):
    back.note("<p>between us: /r is how one answers</p>", by=18)
    back.note('<p>/r Good morning,<br/>Ann &amp; &lt;all&gt;!</p><p>Yours\u00a0Anna</p>')
    [m] = back.wait_said(1)
    assert m["text"] == "Good morning,\nAnn & <all>!\nYours Anna" and m["from"]["agent"] == "anna"
    back.note("<p>/r second</p>", by=18)
    assert [m["text"] for m in back.wait_said(2)][1] == "second"
    back.gateway.kill_worker()
    back.note("<p>/R third</p>")
    back.wait_said(3)
    assert back.sent()[1:] == ["second", "third"] and not back.dead()
    assert len(back.target.history(back.card)) == 5  # nothing of it is written once more


def test_who_is_not_named_and_what_cannot_go(back):
    back.note("<p>/r secret offer</p>", by=19)
    until(lambda: "Carl Orff is not among the users" in back.target.history(back.card)[-1], 20 * SLOWER)
    back.note("<p>/r here</p>", files=[4040])
    until(lambda: "not there any more" in back.target.history(back.card)[-1], 20 * SLOWER)
    back.note("<p>/r !reject</p>")
    back.wait_said(1, ("failed",))
    until(lambda: any("not delivered" in h for h in back.target.history(back.card)), 30 * SLOWER)
    assert texts(back.target.history(back.card)).count("!reject") == 1
    assert sum("Not sent" in h for h in back.target.history(back.card)) == 2


def test_files_come_along(back):
    """crm.md 8.2, 7 and 8.3: of any name, within what we take, in their order; also without a word."""
    visitor = back.gateway.visitor()
    visitor.say_and_wait("send it, please")
    back.thread = until(lambda: next((t["id"] for t in back.admin.threads() if t["id"] != back.thread), None), 10 * SLOWER)
    back.card = back.wait_card(back.thread)
    world, big = back.target.fake.world, bytes(range(256)) * 4096
    files = [world.add("ir.attachment", name=n, bytes=b)["id"] for n, b in (("счёт \"7\".txt", b"100 roubles"), ("b.bin", big))]
    back.note("<p>/r here</p>", files=files)
    [m] = back.wait_said(1)
    assert m["text"] == "here" and [a["name"] for a in m["attachments"]] == ["счёт \"7\".txt", "b.bin"]
    assert [back.admin.ask("GET", f"/media/{a['id']}").content for a in m["attachments"]] == [b"100 roubles", big]
    back.note("<p>/r</p>", files=files[:1])
    m = back.wait_said(2)[1]
    assert not m.get("text") and [a["name"] for a in m["attachments"]] == ["счёт \"7\".txt"]
    for file, word in (({"bytes": b""}, "is empty"), ({"bytes": b"x", "type": "url"}, "a link, no file"),
                       ({"bytes": b"x", "file_size": 21 << 20}, "22020096 bytes")):
        back.note("<p>/r more</p>", files=[world.add("ir.attachment", name="c.txt", **file)["id"]])
        until(lambda: word in back.target.history(back.card)[-1], 20 * SLOWER, why=str(back.target.history(back.card)[-2:]))
    assert len(back.said()) == 2 and not back.dead()


def test_responsible_goes_both_ways_and_not_in_circles(back):
    def assignee():
        return back.admin.get(f"/threads/{back.thread}")["thread"]["assignee"]

    for user, agent in ((17, "anna"), (18, "bob"), (17, "anna"), (17, "anna")):
        assert back.turn(user).status_code == 200
        until(lambda: assignee() == agent, 20 * SLOWER, why=back.gateway.log()[-1500:])
    back.admin.patch(f"/threads/{back.thread}", {"assignee": "bob"})
    until(lambda: back.target.records()[int(back.card)]["user_id"] == 18, 20 * SLOWER)
    back.turn(18)  # the rule tells what we did
    for _ in range(3):
        back.turn(19)  # nobody of ours: ours stays
    back.note("<p>/r done</p>")
    back.wait_said(1)
    events = [m["event"]["to"] for m in back.admin.messages(back.thread) if m.get("event", {}).get("type") == "assigned"]
    assert events == ["anna", "bob", "anna", "bob"] and not back.dead()
    assert back.gateway.log().count("crm.unknown_user") == 1


def test_a_name_goes_both_ways_and_not_in_circles(back):
    def name():
        return back.admin.get(f"/clients/{back.client()}")["client"]["name"]

    def call(said, times=1):
        back.target.fake.do(lambda: back.target.fake.world.records["res.partner"][int(back.card)].update(name=said, write_uid=17))
        for _ in range(times):
            assert back.told(name=said).status_code == 200

    ours = name()
    call(ours)  # what it was made with is no news
    call("Ann Smith", 3)
    until(lambda: name() == "Ann Smith", 20 * SLOWER, why=back.gateway.log()[-1500:])
    back.admin.patch(f"/clients/{back.client()}", {"name": "Ann S."})
    until(lambda: back.target.cards()[back.card] == "Ann S.", 20 * SLOWER)
    call("Ann S.", 2)  # the rule tells what we did
    call("Ann Smith")  # and this is a person again
    until(lambda: name() == "Ann Smith", 20 * SLOWER, why=back.gateway.log()[-1500:])
    assert not back.dead()


def test_strangers_are_not_heard(back):
    for secret in ("", "x", SECRET + "x", SECRET[:-1], SECRET + "/y"):
        assert back.turn(17, secret).status_code == 404, secret
    url = f"{back.gateway.url}/hooks/odoo/crm/{SECRET}"
    assert requests.get(url, timeout=30).status_code == 405
    for raw in (b"", b"[]", b"{", b"a=b"):
        assert requests.post(url, data=raw, timeout=30).status_code == 400
    assert back.turn(17, _model="crm.lead").status_code == 200 and back.turn(17, _id="7").status_code == 200
    assert SECRET not in back.gateway.log()
    back.turn(18)
    until(lambda: back.admin.get(f"/threads/{back.thread}")["thread"]["assignee"] == "bob", 20 * SLOWER)


def test_a_short_secret_is_refused(start_gateway):
    target = OdooTarget()
    with pytest.raises(RuntimeError, match="24 letters"):
        start_gateway(config=CONFIG + target.section('hook_secret = "short"'))
    target.close()
