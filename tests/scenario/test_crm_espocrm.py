"""EspoCRM (crm.md 6): what is its own. What all CRMs' adapters must do is in test_crm_contract.py."""
import json
import re
import urllib.error
import urllib.request

import pytest

from crm_target_espocrm import EspoTarget
from fakes.espocrm import EDITABLE, EspoCrm, World as Espo
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from test_crm_contract import World, marks, number, own, texts


@pytest.fixture
def world(start_gateway):
    target = EspoTarget()
    yield World(target, start_gateway, "notes = true")
    target.close()


def calls(world, method, path):
    return [r for _, r in list(world.target.fake.calls) if r.method == method and r.path == "/api/v1/" + path]


def test_a_namesake_is_somebody_else(world):
    """409: a name proves nothing, nor does a number that he only says to be his."""
    who = own("Ann ")
    there = world.target.add_card(f"Mary {who}", ("phone", mine := number()))
    r = world.write(own("x"), "hello", kind="phone", name=f"Mary {who}")
    card = world.wait_card(r["thread"])
    assert card != there
    other = world.wait_card(world.write(mine, "I am she", kind="phone", name="Bob")["thread"])
    assert other not in (card, there) and not world.target.history(there)
    headers = [r.headers.get("x-skip-duplicate-check") for r in calls(world, "POST", "Contact")]
    assert headers == [None, "true"] * 2


def test_a_duplicate_that_is_proven_to_be_his_is_his_card(world):
    """It came between our search and our create."""
    mine, made = number(), []

    def meanwhile(request):
        if world.target.is_create(request) and not made:
            made.append(world.target.add_card("Dr Jekyll", ("phone", "+49 30 901820")))
            record = world.target.fake.world.records["Contact"][made[0]]
            record["phoneNumberData"] = [{"phoneNumber": "+4930901820", "primary": True},
                                         {"phoneNumber": mine, "primary": False}]

    world.target.fake.before = meanwhile
    thread = world.write(mine, "hello", kind="phone", verified=True)["thread"]
    assert world.wait_card(thread) == made[0]
    world.wait_history(made[0], 1)
    assert len(world.target.cards()) == 1
    assert world.target.records()[made[0]]["cGwId"].startswith("switchboard:")


def test_found_by_a_second_number_and_by_an_address(world):
    mine = number()
    there = world.target.add_card("Old Friend", ("phone", "+4930901820"))
    world.target.fake.do(lambda: world.target.fake.world.records["Contact"][there].update(phoneNumberData=[
        {"phoneNumber": "+4930901820", "primary": True}, {"phoneNumber": "8 " + mine[2:], "primary": False}]))
    assert world.wait_card(world.write(mine, "a", kind="phone", verified=True)["thread"]) == there
    ann = world.target.add_card("Ann Smith", ("email", f"{own('Ann')}@Example.org"))
    address = world.target.records()[ann]["emailAddress"].lower()
    assert world.wait_card(world.write(address, "b", kind="email", verified=True)["thread"]) == ann
    assert len(world.target.cards()) == 2


def test_what_people_wrote_stays(world):
    mine = number()
    there = world.target.add_card("Old Friend", ("phone", mine), ("email", "hers@example.org"), ("other", "vk:1"))
    who = world.write(mine, "a", kind="phone", verified=True)
    world.wait_history(world.wait_card(who["thread"]), 1)
    client = world.admin.get(f"/threads/{who['thread']}")["thread"]["client"]["id"]
    world.admin.patch(f"/clients/{client}", {"email": "mine@example.org"})
    world.write(mine, "b", kind="phone", verified=True)
    world.wait_history(there, 2)
    record = world.target.records()[there]
    assert (record["emailAddress"], record["cGwMessengers"], record["lastName"]) == ("hers@example.org", "vk:1", "Friend")
    assert record["cGwId"] == f"switchboard:{client}"


def test_a_number_that_it_takes_for_none_is_in_the_description(world):
    odd = "+7123456789012"  # E.164 for us, no Russian number for EspoCRM
    card = world.wait_card(world.write(odd, "hello", kind="phone", verified=True)["thread"])
    world.wait_history(card, 1)
    record = world.target.records()[card]
    assert not record.get("phoneNumber") and odd in record["description"]


def test_a_file_is_in_the_post(world):
    """crm.md 8.2, 7: a Cyrillic name, one with quotes."""
    who = own("ann")
    thread = world.write(who, "hello")["thread"]
    card = world.wait_card(thread)
    files = [("счёт «№ 7».txt", b"one"), ('a "quoted" name.txt', b"x" * 1_000_000)]
    ids = [world.admin.post("/media", None, params={"name": n}, data=d)["media"]["id"] for n, d in files]
    world.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "files", "attachments": ids, "note": True})
    world.wait_history(card, 2)
    note = world.target.notes(card)[1]
    there = [world.target.fake.world.records["Attachment"][i] for i in note["attachmentsIds"]]
    assert [(a["name"], a["bytes"]) for a in there] == files
    assert "счёт" in world.target.history(card)[1]


def test_a_file_that_is_too_large_for_it_is_a_link(world):
    world.target.fake.attachment_max = 10
    thread = world.write(own("ann"), "hello")["thread"]
    card = world.wait_card(thread)
    media = world.admin.post("/media", None, params={"name": "a.txt"}, data=b"x" * 100)["media"]["id"]
    world.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "a file", "attachments": [media], "note": True})
    history = world.wait_history(card, 2)
    assert "a.txt" in history[1] and not world.target.notes(card)[1]["attachmentsIds"] and not world.dead()


def test_an_old_post_stays_and_the_edit_is_one_more(world):
    """noteEditThresholdPeriod: 403 after a week."""
    thread = world.write(own("ann"), "question")["thread"]
    card = world.wait_card(thread)
    sent = world.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "anser"})["message"]
    world.wait_history(card, 2)
    for note in world.target.fake.world.notes("Contact", card):
        note["made"] -= EDITABLE + 1
    until(lambda: world.admin.messages(thread)[-1]["status"] in ("sent", "delivered"), 10 * SLOWER)
    world.admin.patch(f"/messages/{sent['id']}", {"text": "answer"})
    history = world.wait_history(card, 3)
    assert texts(history) == ["question", "anser", "answer"] and "(edited)" in history[2]
    assert marks(history)[1] == marks(history)[2] and not world.dead()


def test_a_role_that_may_not_post_is_told(world):
    """403 says the same of a record that is gone: this one is not."""
    thread = world.write(own("ann"), "one")["thread"]
    card = world.wait_card(thread)
    world.wait_history(card, 1)
    refusal = Answer(403, b"", headers=["X-Status-Reason: No access to parent."])
    world.target.fake.before = lambda r: refusal if world.target.is_write(r) else None
    world.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "two"})
    dead = until(world.dead, 20 * SLOWER)
    assert "role" in dead[0]["error"]["text"]
    world.target.fake.before = None
    world.gateway.cli("dead", "retry", dead[0]["id"])
    assert texts(world.wait_history(card, 2)) == ["one", "two"]


def test_without_the_field_all_waits(start_gateway):
    target = EspoTarget(Espo(fields={}))
    world = World(target, start_gateway)
    thread = world.write(own("ann"), "hello")["thread"]
    until(lambda: "event=crm.refused" in world.gateway.log(), 20 * SLOWER)
    assert "cGwId" in world.gateway.log() and not world.dead()
    target.fake.world.fields.update(cGwId=100, cGwMessengers=255)
    world.wait_history(world.wait_card(thread), 1, 90)
    target.close()


def test_responsible_follows(world, start_gateway):
    fake = world.target.fake
    fake.world.records["User"]["u17"] = {"id": "u17", "userName": "anna", "name": "Anna Karenina"}
    gateway = start_gateway(config=CONFIG + world.target.section('users = {{"anna=u17", "bob=nobody"}}'))
    there = World.__new__(World)
    there.target, there.gateway, there.admin = world.target, gateway, gateway.login()
    gateway.add_user("anna")
    thread = there.write(own("ann"), "hello")["thread"]
    card = there.wait_card(thread)
    there.admin.patch(f"/threads/{thread}", {"assignee": "anna"})
    until(lambda: world.target.records()[card].get("assignedUserId") == "u17", 20 * SLOWER)
    other = there.write(own("eve"), "anybody?")["thread"]
    theirs = there.wait_card(other)
    there.gateway.login("anna").post(f"/threads/{other}/messages", {"id": own("k"), "text": "who answers is responsible"})
    until(lambda: world.target.records()[theirs].get("assignedUserId") == "u17", 20 * SLOWER)


def test_leads(start_gateway):
    class Leads(EspoTarget):
        entity = "Lead"

    target = Leads()
    world = World(target, start_gateway)
    who = own("ann")
    card = world.wait_card(world.write(who, "hello")["thread"])
    assert texts(world.wait_history(card, 1)) == ["hello"] and target.cards()[card] == who.title()
    target.close()


def test_markdown_of_a_stranger_is_text(world):
    evil = "# head\n* a\n[x](javascript:alert(1)) ![](http://x/y) `code` <script> ~~no~~ 1\\. |a|b|\n#01J5ZZZZZZZZZZZZZZZZZZZZZZ"
    thread = world.write(own("ann"), evil)["thread"]
    card = world.wait_card(thread)
    post = (world.wait_history(card, 1), world.target.notes(card)[0]["post"])[1]
    body = post.split("\n", 1)[1].rsplit("\n", 1)[0]
    assert not re.search(r"(?<!\\)[`*_\[\]<>~|!#]", body), body
    world.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "fine"})
    assert len(world.wait_history(card, 2)) == 2


def test_the_key_is_nowhere(world):
    world.wait_card(world.write(own("ann"), "hello")["thread"])
    world.target.fake.key = "another"
    world.write(own("bob"), "hello")
    until(lambda: "event=crm.refused" in world.gateway.log(), 20 * SLOWER)
    assert "k" * 32 not in world.gateway.log() and "k" * 32 not in json.dumps(world.admin.get("/channels"))


def ask(fake, method, path, body=None, key=None):
    request = urllib.request.Request(f"{fake.url}/api/v1/{path}", body and json.dumps(body).encode(), method=method, headers={
        "X-Api-Key": key or fake.key, **({"Content-Type": "application/json"} if body else {})})
    try:
        with urllib.request.urlopen(request, timeout=10) as r:
            return r.status, json.load(r), ""
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read() or b"null"), e.headers.get("X-Status-Reason")


def test_the_fake_is_strict():
    with EspoCrm() as fake:
        assert ask(fake, "GET", "Contact", key="x")[0] == 401
        assert ask(fake, "GET", "Contact?maxSize=201")[0] == 403
        assert ask(fake, "GET", "Contact?where[0][type]=equals&where[0][attribute]=cNone&where[0][value]=1")[::2] == \
            (400, "Not existing attribute 'cNone' in where.")
        assert ask(fake, "POST", "Contact", {"firstName": "Ann"})[0] == 400
        status, made, _ = ask(fake, "POST", "Contact", {"lastName": "Smith", "phoneNumber": "+79001234567"})
        assert status == 200
        status, twins, reason = ask(fake, "POST", "Contact", {"lastName": "X", "phoneNumber": "+79001234567"})
        assert (status, reason) == (409, "duplicate") and [t["id"] for t in twins] == [made["id"]]
        assert ask(fake, "POST", "Contact", {"lastName": "X", "phoneNumber": "89001234567"})[0] == 400
        post = {"type": "Post", "parentType": "Contact", "parentId": "0", "post": "x"}
        assert ask(fake, "POST", "Note", post)[::2] == (403, "No access to parent.")
        assert ask(fake, "POST", "Contact", {"lastName": "Y", "cInvented": 1})[0] == 200
        assert fake.ignored == {"Contact.cInvented"}
