"""Back from EspoCRM: posts with a prefix are answers, another responsible is ours, too (crm.md 6, 8.2.8, 8.3)."""
import json

import pytest
import requests

from crm_target_espocrm import EspoTarget
from fakes.espocrm import signature
from harness import CONFIG, SLOWER, until
from test_crm_contract import World, own, texts

OUTBOX = CONFIG.replace('loopback "test" {{}}', 'loopback "test" {{ outbox = "{data}/out" }}')
USERS = 'users = {{{{"anna=u17", "bob=u18"}}}}'


class Back(World):
    """notes: told by one webhook, cards by another, as EspoCRM has it."""

    def __init__(self, start_gateway, extra=USERS):
        self.target = EspoTarget()
        world = self.target.fake.world
        self.notes_hook = world.add("Webhook", event="Note.create", secretKey="a" * 32)
        self.cards_hook = world.add("Webhook", event="Contact.fieldUpdate.assignedUser", secretKey="b" * 32)
        for id, name in (("u17", "Anna Karenina"), ("u18", "Bob Dylan"), ("u19", "Carl Orff")):
            world.records["User"][id] = {"id": id, "name": name}
        hooks = ", ".join(f'"{h["id"]}:{h["secretKey"]}"' for h in (self.notes_hook, self.cards_hook))
        section = self.target.section(f"webhooks = {{{{{{{{{hooks}}}}}}}}}\n  {extra}".replace("{{{{", "{{").replace("}}}}", "}}"))
        self.gateway = start_gateway(config=OUTBOX + section, sets=["public_url=https://chat.example.org"])
        self.admin = self.gateway.login()
        for name in ("anna", "bob"):
            self.gateway.add_user(name)

    def begin(self):
        self.thread = self.write(own("ann"), "hello?")["thread"]
        self.card = self.wait_card(self.thread)
        self.wait_history(self.card, 1)
        return self.thread, self.card

    def post(self, text, by="u17", **values):
        """A person writes in the card's stream."""
        world = self.target.fake.world
        name = world.records["User"][by]["name"]
        return self.target.fake.do(lambda: dict(self.target.fake.shown(world.add_note(
            "Contact", self.card, text, by, createdByName=name, **values))))

    def tell(self, records, hook=None, older=False, **headers):
        body = json.dumps(records).encode()
        hook = hook or self.notes_hook
        name = "X-Signature" if older else "Signature"
        return requests.post(f"{self.gateway.url}/hooks/espocrm/crm", data=body, timeout=30, headers={
            "Content-Type": "application/json", name: signature(hook, body, older), **headers})

    def sent(self):
        path = self.gateway.data / "out"
        return [json.loads(line)["text"] for line in path.read_text().splitlines()] if path.exists() else []

    def said(self):
        return [m for m in self.admin.messages(self.thread) if m["direction"] == "out"]

    def wait_said(self, n, status):
        return until(lambda: len(self.said()) == n and self.said()[-1]["status"] in status and self.said(),
                     20 * SLOWER, why=self.gateway.log()[-1500:])


@pytest.fixture
def back(start_gateway):
    world = Back(start_gateway)
    world.begin()
    yield world
    world.target.close()


def test_an_answer_reaches_the_client_once(back):
    note = back.post("/r Good morning,\nAnn!")
    for older in (False, True, False):  # EspoCRM tells again what was not answered in time
        assert back.tell([note], older=older).status_code == 200
    [m] = back.wait_said(1, ("sent", "delivered"))
    assert m["text"] == "Good morning,\nAnn!" and m["from"]["agent"] == "anna"
    assert m["origin"] == {"target": "crm", "id": note["id"]}
    back.write(own("bob"), "another")
    assert back.sent() == ["Good morning,\nAnn!"]
    assert len(back.target.history(back.card)) == 2  # the question, and what she wrote: not once more


def test_only_what_is_meant_for_the_client(back):
    mine = back.post("between us: /r is how one answers", by="u18")
    other = dict(back.post("/r for somebody else"), parentType="Lead")
    gone = dict(back.post("/r to nobody"), parentId="nosuchcard")
    ours = dict(back.target.notes(back.card)[0])
    ours.pop("made")
    system = dict(back.post("/r no post"), type="Update")
    assert back.tell([mine, other, gone, ours, system, {"id": "x"}, 7, None]).status_code == 200
    assert back.tell([back.post("/r this one")]).status_code == 200
    assert back.wait_said(1, ("sent", "delivered"))[0]["text"] == "this one" and back.sent() == ["this one"]


def test_many_long_posts_of_ours_hide_no_answer(back):
    """As before EspoCRM 9.2, which tells us of our own, too: 49 long ones, and the answer among them."""
    ours = dict(back.target.notes(back.card)[0])
    ours.pop("made")
    many = [dict(ours, id=f"n{i}", post="долгое письмо " * 400 + ours["post"]) for i in range(49)]
    posts = [*many[:20], back.post("/r Good morning"), *many[20:]]
    assert 1 << 20 < len(json.dumps(posts)) < 3 << 20 and back.tell(posts).status_code == 200
    assert back.wait_said(1, ("sent", "delivered"))[0]["text"] == "Good morning" and back.sent() == ["Good morning"]


def test_who_is_not_named_may_not_write(back):
    note = back.post("/r secret offer", by="u19")
    assert back.tell([note]).status_code == 200 and back.tell([note]).status_code == 200
    until(lambda: "Carl Orff is not among the users" in back.target.history(back.card)[-1], 20 * SLOWER)
    assert back.tell([back.post("/r fine")]).status_code == 200
    back.wait_said(1, ("sent", "delivered"))
    assert back.sent() == ["fine"] and sum("not among" in h for h in back.target.history(back.card)) == 1


def test_all_may_where_an_admin_says_so(start_gateway):
    back = Back(start_gateway, 'replies = "all"')
    back.begin()
    back.tell([back.post("/R hello", by="u19")])
    assert back.wait_said(1, ("sent", "delivered"))[0]["from"] == {"kind": "crm", "name": "Carl Orff"}
    back.target.close()


def test_what_the_channel_refuses_is_told_on_the_card(back):
    """crm.md 8.2, 9."""
    back.tell([back.post("/r !reject")])
    back.wait_said(1, ("failed",))
    until(lambda: any("not delivered" in h for h in back.target.history(back.card)), 30 * SLOWER, why=back.gateway.log()[-1500:])
    assert texts(back.target.history(back.card)).count("!reject") == 1
    assert [d["error"]["text"] for d in back.dead() if "refuses" not in d["error"]["text"]] == []  # but the channel's


def test_a_file_comes_along(start_gateway):
    back = Back(start_gateway)
    visitor = back.gateway.visitor()
    visitor.say_and_wait("send it, please")
    back.thread = until(lambda: back.admin.threads()[0]["id"], 10 * SLOWER)
    back.card = back.wait_card(back.thread)
    world = back.target.fake.world
    file = world.add("Attachment", name="offer.txt", type="text/plain", bytes=b"100 roubles")
    note = back.post("/r here", attachmentsIds=[file["id"]], attachmentsNames={file["id"]: "offer.txt"})
    assert back.tell([note]).status_code == 200
    [m] = back.wait_said(1, ("sent", "delivered"))
    assert [a["name"] for a in m["attachments"]] == ["offer.txt"] and m["text"] == "here"
    assert back.admin.ask("GET", f"/media/{m['attachments'][0]['id']}").content == b"100 roubles"
    back.target.close()


def test_responsible_goes_both_ways_and_not_in_circles(back):
    world = back.target.fake.world

    def turn(user):
        back.target.fake.do(lambda: world.records["Contact"][back.card].update(assignedUserId=user))
        r = back.tell([{"id": back.card, "assignedUserId": user, "assignedUserName": "any"}], back.cards_hook)
        assert r.status_code == 200

    def assignee():
        return back.admin.get(f"/threads/{back.thread}")["thread"]["assignee"]

    for user, agent in (("u17", "anna"), ("u18", "bob"), ("u17", "anna"), ("u17", "anna")):
        turn(user)
        until(lambda: assignee() == agent, 20 * SLOWER, why=back.gateway.log()[-1500:])
    back.admin.patch(f"/threads/{back.thread}", {"assignee": "bob"})
    until(lambda: back.target.records()[back.card]["assignedUserId"] == "u18", 20 * SLOWER)
    turn("u18")  # EspoCRM tells what we did
    for _ in range(3):
        turn("u19")  # nobody of ours: ours stays
    back.tell([{"id": "nobodyscard", "assignedUserId": "u17"}], back.cards_hook)
    back.tell([back.post("/r done")])
    back.wait_said(1, ("sent", "delivered"))
    events = [m["event"]["to"] for m in back.admin.messages(back.thread) if m.get("event", {}).get("type") == "assigned"]
    assert events == ["anna", "bob", "anna", "bob"] and not back.dead()
    assert back.gateway.log().count("crm.unknown_user") == 1


def test_a_name_goes_both_ways_and_not_in_circles(back):
    world = back.target.fake.world

    def name():
        client = back.admin.get(f"/threads/{back.thread}")["thread"]["client"]["id"]
        return back.admin.get(f"/clients/{client}")["client"]["name"]

    def call(first, last, times=1):
        back.target.fake.do(lambda: world.records["Contact"][back.card].update(firstName=first, lastName=last))
        for _ in range(times):
            record = {"id": back.card, "firstName": first, "lastName": last, "salutationName": None}
            assert back.tell([record], back.cards_hook).status_code == 200

    call(None, name())  # what it was made with is no news
    call("Ann", "Smith", 3)
    until(lambda: name() == "Ann Smith", 20 * SLOWER, why=back.gateway.log()[-1500:])
    client = back.admin.get(f"/threads/{back.thread}")["thread"]["client"]["id"]
    back.admin.patch(f"/clients/{client}", {"name": "Ann S."})
    until(lambda: back.target.cards()[back.card] == "Ann S.", 20 * SLOWER)
    call("Ann", "S.", 2)  # EspoCRM tells what we did
    call("Ann", "Smith")  # and this is a person again
    until(lambda: name() == "Ann Smith", 20 * SLOWER, why=back.gateway.log()[-1500:])
    assert not back.dead()


def test_strangers_are_not_heard(back):
    note = back.post("/r evil")
    body = json.dumps([note]).encode()
    url = f"{back.gateway.url}/hooks/espocrm/crm"
    wrong = dict(back.notes_hook, secretKey="c" * 32)
    for headers in ({}, {"Signature": "?"}, {"Signature": signature(wrong, body)}, {"Signature": signature(back.notes_hook, b"[]")},
                    {"X-Signature": signature(wrong, body, True)}, {"Signature": signature(back.notes_hook, body, True)},
                    {"Signature": signature(dict(back.notes_hook, id="another"), body)}, {"Signature": "A" * 5000}):
        assert requests.post(url, data=body, headers=headers, timeout=30).status_code == 401, headers
    assert requests.get(url, timeout=30).status_code == 405
    for raw in (b"", b"{}", b"[", b"[" * 5000, b"a=b", b'[{"a":1,"a":2}]'):
        r = requests.post(url, data=raw, headers={"Signature": signature(back.notes_hook, raw)}, timeout=30)
        assert r.status_code == 400, raw
    assert back.tell([]).status_code == 200
    assert back.tell([{"post": "/r " + "x" * 900_000, "type": "Post", "id": "1", "parentType": "Contact",
                       "parentId": back.card}]).status_code in (200, 413)
    back.tell([back.post("/r good")])
    back.wait_said(1, ("sent", "delivered"))
    assert back.sent() == ["good"] and "a" * 32 not in back.gateway.log()


def test_a_webhook_that_comes_while_the_gateway_restarts_is_not_lost(back):
    """F02: 200 means that it is on disk."""
    assert back.tell([back.post(f"/r answer {n}") for n in range(5)]).status_code == 200
    back.gateway.kill_worker()
    said = back.wait_said(5, ("sent", "delivered", "unknown"))
    assert [m["text"] for m in said] == [f"answer {n}" for n in range(5)]
    unknown = {m["text"] for m in said if m["status"] == "unknown"}  # it was hit while it was sending
    assert len(unknown) <= 1
    until(lambda: set(back.sent()) | unknown == {m["text"] for m in said}, 20 * SLOWER)  # taken twice if its outcome died
