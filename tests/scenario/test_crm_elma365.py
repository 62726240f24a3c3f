"""ELMA365: what is its own. What all adapters must do is in test_crm_contract.py; paths and names that nobody confirmed
are the fake's as they are the adapter's presets."""
import json
import random
import re
import subprocess
import urllib.parse

import pytest
import requests

from crm_target_elma365 import CONTACTS
from crm_world import CrmWorld
from fakes.elma365 import Elma
from fakes.wire import Answer
from harness import BINARY, CONFIG, SLOWER, until


class World(CrmWorld):
    def __init__(self, start_gateway, elma, extra="", url=None, token=None):
        self.elma = elma
        config = (f'elma365 "crm" {{{{\n  url = "{url or elma.url}"\n  token = "{token or elma.token}"\n  allow_private = true\n'
                  f'  language = "en"\n  messenger_field = "gw_ids"\n  {extra}\n}}}}\n')
        super().__init__(elma, start_gateway(config=CONFIG + config))

    def item(self, card, app="_contacts"):
        return self.elma.do(lambda: json.loads(json.dumps(self.elma.apps["_clients", app].items[card])))

    def feed(self, card, n=1):
        def messages():
            return self.elma.do(lambda: json.loads(json.dumps(self.elma.feeds.get(card, []))))

        until(lambda: len(messages()) >= n, 30 * SLOWER, 0.05, f"for {n}; {self.elma.refused[:3]}")
        return messages()

    def comments(self, card, n):
        """Of the dialogue's one message."""
        until(lambda: len(self.feed(card)[0]["comments"]) >= n, 30 * SLOWER, 0.05, f"for {n}; {self.elma.refused[:3]}")
        return [c["body"].split("\n")[1] for c in self.feed(card)[0]["comments"]]


@pytest.fixture
def elma():
    with Elma() as e:
        yield e


def test_a_contact_is_made_as_the_section_wants_it(elma, start_gateway):
    w = World(start_gateway, elma, 'card_url = "https://c.elma365.ru/(p:item/_clients/_contacts/{{id}})"\n'
              '  contact_fields = {{"_note=by {{name}}"}}')
    thread = w.write("+79001234567", "hello", kind="phone", verified=True)
    card = w.card(thread)
    item = w.item(card)
    assert item["_phone"] == [{"type": "mobile", "tel": "+79001234567"}] and item["_note"] == "by +79001234567"
    assert item["__externalId"].startswith("switchboard:") and item["_fullname"] == {"firstname": "+79001234567"}
    first = w.feed(card)[0]
    assert first["title"] == "+79001234567" and re.search(r"\nhello\n#[0-9A-Z]{26}$", first["body"])
    assert not elma.refused and "no_such_field" not in w.gateway.log()
    client = w.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
    shown = w.admin.get(f"/clients/{client}")["client"]["cards"]["crm"]["url"]
    assert shown == f"https://c.elma365.ru/(p:item/_clients/_contacts/{card})"


def test_fields_that_the_scheme_has_not_are_said(elma, start_gateway):
    w = World(start_gateway, elma, 'phone_field = "_telephone"\n  responsible_field = "_boss"')
    w.logged("event=elma365.no_such_field", "field=_telephone", "field=_boss")
    assert "field=_email" not in w.gateway.log()


@pytest.mark.parametrize("opens,app", [("deal", "_deals"), ("lead", "_leads")])
def test_a_deal_is_made_with_him_in_one_transaction(elma, start_gateway, opens, app):
    w = World(start_gateway, elma, f'opens = "{opens}"\n  deal_fields = {{{{"_source=chat", "_budget={{{{\\"cents\\":100,'
              f'\\"currency\\":\\"RUB\\"}}}}"}}}}')
    lost = []

    def lose(request, answer):
        if request.path.endswith("/batch") and not lost:
            lost.append(1)
            return Answer(200, b"", spoil="lose")

    elma.after = lose
    card = w.card(w.write("ann", "hello"))
    w.feed(card)
    deals = elma.do(lambda: list(elma.apps["_clients", app].items.values()))
    assert lost and len(deals) == 1 and len(elma.apps[CONTACTS].items) == 1
    assert deals[0]["_contacts"] == [card] and deals[0]["__name"] == "Ann" and deals[0]["_source"] == "chat"
    assert deals[0]["_budget"] == {"cents": 100, "currency": "RUB"} and not elma.refused


def test_a_refused_deal_leaves_no_contact(elma, start_gateway):
    elma.rules = [lambda ns, code, item: "A deal needs a budget." if code == "_deals" and not item["_budget"] else None]
    w = World(start_gateway, elma, 'opens = "deal"')
    w.write("ann", "hello")
    dead = until(lambda: w.admin.get("/dead")["dead"], 20 * SLOWER)
    assert "A deal needs a budget." in dead[0]["error"]["text"] and not elma.apps[CONTACTS].items


def test_x_token_and_a_url_with_its_path(start_gateway):
    with Elma(auth="x-token") as elma:
        w = World(start_gateway, elma, 'auth = "x-token"', url=elma.url + "/pub/v1/")
        w.feed(w.card(w.write("ann", "hello")))


def test_a_token_that_is_none_makes_all_wait_and_is_not_told(elma, start_gateway):
    w = World(start_gateway, elma, token="s3cret-and-wrong")
    thread = w.write("ann", "hello")
    w.logged("event=crm.refused", "does not let us in")
    elma.do(setattr, elma, "token", "s3cret-and-wrong")
    w.feed(w.card(thread))
    assert not w.admin.get("/dead")["dead"] and "s3cret" not in w.gateway.log()


def test_one_card_that_may_not_be_touched_stops_nobody_else(elma, start_gateway):
    w = World(start_gateway, elma)
    card = w.card(w.write("ann", "one"))
    w.feed(card)
    elma.before = lambda r: (Answer(403, {"success": False, "error": "no rights for this item"})
                             if f"/{card}/" in r.path else None)
    w.write("ann", "two")
    dead = until(lambda: w.admin.get("/dead")["dead"], 20 * SLOWER)
    assert "no rights for this item" in dead[0]["error"]["text"]
    w.feed(w.card(w.write("bob", "hello")))
    assert "crm.refused" not in w.gateway.log()


def test_a_dialogue_as_comments_on_one_message(elma, start_gateway):
    w = World(start_gateway, elma, 'feed = "comments"')
    lost = []

    def lose(request, answer):
        kind = request.path.rsplit("/", 1)[1]
        if kind in ("message", "comment") and lost.count(kind) < 2:
            lost.append(kind)
            return Answer(200, b"", spoil=("lose", "reset")[lost.count(kind) - 1])

    elma.after = lose
    thread = w.write("ann", "0")
    for n in range(1, 5):
        w.write("ann", str(n))
    card = w.card(thread)
    assert w.comments(card, 5) == ["0", "1", "2", "3", "4"]
    assert lost.count("comment") == 2 and "message" in lost
    feed = w.feed(card)
    assert len(feed) == 1 and feed[0]["body"] == f"Dialogue {thread}" and feed[0]["title"] == "Ann"


def test_a_dialogue_s_message_that_was_taken_away_is_made_anew(elma, start_gateway):
    w = World(start_gateway, elma, 'feed = "comments"')
    card = w.card(w.write("ann", "one"))
    assert w.comments(card, 1) == ["one"]
    elma.do(lambda: elma.feeds[card].clear())
    w.write("ann", "two")
    assert w.comments(card, 1) == ["two"] and not w.admin.get("/dead")["dead"]


def test_other_names_by_the_settings(elma, start_gateway, monkeypatch):
    monkeypatch.setattr("fakes.elma365.UNCONFIRMED",
                        {"message_id": ("post", "id"), "rows": ("data", "posts"), "comments": "replies"})
    w = World(start_gateway, elma, 'feed = "comments"\n  names = {{"message_id=post.id", "rows=data.posts", "row_comments=replies"}}')
    card = w.card(w.write("ann", "one"))
    until(lambda: w.feed(card)[0]["replies"], 20 * SLOWER)
    assert not w.admin.get("/dead")["dead"]


def test_wrong_names_are_said(elma, start_gateway):
    w = World(start_gateway, elma, 'feed = "comments"\n  names = {{"rows=result.items"}}')
    w.write("ann", "one")
    until(lambda: "result.items" in w.gateway.log(), 20 * SLOWER)  # it may be the server's fault: tried some times more
    until(lambda: "result.items" in json.dumps(w.admin.get("/targets")), 20 * SLOWER)


@pytest.mark.parametrize("row", ["nonsense=1", "rows=", "message=feed/x", "rows"])
def test_names_are_checked(tmp_path, row):
    path = tmp_path / "c.conf"
    path.write_text(f'data_dir = "d"\nelma365 "crm" {{\n url = "https://c.elma365.ru"\n token = "t"\n names = {{"{row}"}}\n}}\n')
    p = subprocess.run([BINARY, "check-config", "--config", path], text=True, capture_output=True, timeout=20)
    assert p.returncode and "c.conf:5" in p.stdout + p.stderr, p.stdout + p.stderr


def test_a_mark_that_is_not_kept_is_said(elma, start_gateway):
    elma.ignores = {"__externalId"}
    w = World(start_gateway, elma)
    w.feed(w.card(w.write("ann", "hello")))
    w.logged("event=elma365.mark_not_kept")


def test_what_people_wrote_on_a_card_stays(elma, start_gateway):
    there = elma.do(lambda: elma.create(*CONTACTS, {
        "_fullname": {"lastname": "Ivanova", "firstname": "Anna"}, "__externalId": "1C:77",
        "_phone": [{"type": "work", "tel": "89001234567"}]})["__id"])
    w = World(start_gateway, elma)
    assert w.card(w.write("+7 900 123-45-67", "hello", kind="phone", verified=True)) == there
    w.feed(there)
    item = w.item(there)
    assert item["__externalId"] == "1C:77" and item["__name"] == "Ivanova Anna"
    assert item["_phone"] == [{"type": "work", "tel": "89001234567"}] and "switchboard:" in item["gw_ids"]


def test_a_part_of_an_identity_is_not_he(elma, start_gateway):
    w = World(start_gateway, elma)
    longer = w.card(w.write("annabel", "hello"))
    shorter = w.card(w.write("anna", "hello"))
    assert longer != shorter
    w.feed(shorter)


def test_a_long_text_whose_middle_was_lost(elma, start_gateway):
    w = World(start_gateway, elma)
    card = w.card(w.write("ann", "hello"))
    w.feed(card)
    lost = []

    def lose(request, answer):
        if request.path.endswith("/message") and " 2/" in request.body.decode() and not lost:
            lost.append(1)
            return Answer(200, b"", spoil="lose")

    elma.after = lose
    w.write("ann", " ".join(f"слово{n}" for n in range(3000)))
    pieces = [m["body"] for m in w.feed(card, 4)[1:]]
    w.write("ann", "next")
    pieces = [m["body"] for m in until(lambda: w.feed(card)[-1]["body"].split("\n")[1] == "next" and w.feed(card),
                                       30 * SLOWER)[1:-1]]
    assert lost and [p.rsplit(" ", 1)[1] for p in pieces] == [f"{n + 1}/{len(pieces)}" for n in range(len(pieces))]
    assert all(f"слово{n} " in " ".join(pieces) + " " for n in range(0, 2999))


# --- files ---

def send_file(w, thread, name, data):
    r = w.admin.http.post(f"{w.gateway.url}/api/v1/media?name={urllib.parse.quote(name)}", data=data, timeout=30)
    assert r.status_code == 201, r.text
    w.admin.post(f"/threads/{thread}/messages", {"id": f"k{random.random()}", "text": "see this",
                                                 "note": True, "attachments": [r.json()["media"]["id"]]})


@pytest.mark.parametrize("folder", [False, True], ids=["temporary", "in-a-folder"])
def test_files_are_brought(elma, start_gateway, folder):
    directory = next(iter(elma.directories))
    w = World(start_gateway, elma, f'notes = true\n  directory = "{directory if folder else ""}"')
    thread = w.write("ann", "hello")
    card = w.card(thread)
    name, data = 'Договор "№ 1".bin', bytes(random.Random(1).randbytes(6 << 20))
    send_file(w, thread, name, data)
    files = w.feed(card, 2)[1]["files"]
    kept = elma.do(lambda: elma.files[files[0]])
    assert len(files) == 1 and kept["data"] == data and "Договор" in kept["name"] and kept["kept"]
    assert bool(elma.directories[directory]) == folder and not elma.refused


def test_a_file_that_is_refused_does_not_hold_the_message(elma, start_gateway):
    w = World(start_gateway, elma, "notes = true")
    thread = w.write("ann", "hello")
    card = w.card(thread)
    elma.before = lambda r: Answer(402, {"success": False, "error": "no space"}) if "/disk/" in r.path else None
    send_file(w, thread, "a.bin", b"12345")
    entry = w.feed(card, 2)[1]
    assert not entry["files"] and "file: a.bin" in entry["body"]
    elma.before = lambda r: (Answer(400, {"success": False, "error": "unknown field"})
                             if b'"files"' in r.body else None)
    send_file(w, thread, "b.bin", b"12345")
    entry = w.feed(card, 3)[2]
    assert not entry["files"] and "file: b.bin" in entry["body"]


def test_the_responsible_follows(elma, start_gateway):
    user = next(iter(elma.users))
    w = World(start_gateway, elma, f'responsible_field = "_owner"\n  users = {{{{"admin={user}"}}}}')
    thread = w.write("ann", "hello")
    card = w.card(thread)
    w.admin.patch(f"/threads/{thread}", {"assignee": "admin"})
    until(lambda: w.item(card)["_owner"] == [user], 20 * SLOWER)


def test_an_answer_from_inside(elma, start_gateway):
    """As the README tells a process to do it: whose card, then the text; it is not written again; a failure is."""
    w = World(start_gateway, elma)
    thread = w.write("ann", "hello?")
    card = w.card(thread)
    w.feed(card)
    made = w.gateway.cli("token", "add", "elma365", "--role", "agent").stdout
    http = requests.Session()
    http.trust_env = False
    http.headers["Authorization"] = "Bearer " + next(x for x in made.split() if x.startswith("sbt_"))
    api = w.gateway.url + "/api/v1"
    owner = http.get(f"{api}/cards/crm/{card}", timeout=10).json()
    for key, text in (("p1", "an answer"), ("p1", "an answer"), ("p2", "!reject")):
        r = http.post(f"{api}/threads/{owner['thread']['id']}/messages", timeout=10, json={
            "id": key, "text": text, "origin": {"target": "crm", "id": key, "author": "Ivan Petrov"}})
        assert r.status_code in (200, 202), r.text
    failed = w.feed(card, 2)[1]["body"]
    assert "!reject" in failed and "Ivan Petrov" in failed
    w.write("ann", "thanks")
    assert w.feed(card, 3)[2]["body"].split("\n")[1] == "thanks"
    ours = [m["text"] for m in w.admin.messages(thread) if m["direction"] == "out"]
    assert ours == ["an answer", "!reject"]
