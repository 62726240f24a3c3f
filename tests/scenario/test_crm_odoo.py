"""Odoo (crm.md 5): what is its own. What all CRMs' adapters must do is in test_crm_contract.py."""
import json
import urllib.error
import urllib.request

import pytest

from clients import Visitor
from crm_target_odoo import Odoo2Target, OdooTarget
from fakes.odoo import OWN_FIELDS, Odoo, World as Base
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from test_crm_contract import World, number, own, texts


@pytest.fixture(params=[OdooTarget, Odoo2Target], ids=lambda t: t.name)
def world(request, start_gateway):
    target = request.param()
    yield World(target, start_gateway, "notes = true")
    target.close()


def with_base(start_gateway, base, extra="", target=OdooTarget):
    t = target(base)
    return World(t, start_gateway, extra)


def refused(world):
    return until(lambda: next((x for x in world.gateway.log().split("\n") if "event=crm.refused" in x), None), 20 * SLOWER)


def test_nobody_is_sent_a_mail(world):
    """mail.mt_comment would be mailed to all followers."""
    thread = world.write(own("ann"), "hello <b>you</b> & \"all\"")["thread"]
    card = world.wait_card(thread)
    world.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "answer"})
    world.wait_history(card, 2)
    assert [n["subtype"] for n in world.target.notes(card)] == ["mail.mt_note"] * 2 and not world.target.fake.emailed
    assert "hello &lt;b&gt;you&lt;/b&gt; &amp; &quot;all&quot;<br>" in world.target.notes(card)[0]["body"]
    names = [n["message_id"] for n in world.target.notes(card)]
    assert all(n.startswith("<switchboard.01") and n.endswith(".0@gateway>") for n in names)


@pytest.mark.parametrize("without", [("mobile",), ("phone_mobile_search",), ("mobile", "phone_mobile_search")], ids="-".join)
def test_numbers_are_found_in_each_version(start_gateway, without):
    """19 has no mobile; phone_mobile_search comes with a module."""
    world = with_base(start_gateway, Base(without=[("res.partner", f) for f in without]))
    mine = number()
    typed = f"8 ({mine[2:5]}) {mine[5:8]}-{mine[8:10]}-{mine[10:]}"
    there = world.target.add_card(own("Old Friend "), ("phone" if "mobile" in without else "mobile", typed))
    world.target.add_card("Somebody Else", ("phone", number()))
    assert world.wait_card(world.write(mine, "hello", kind="phone", verified=True)["thread"]) == there
    world.wait_history(there, 1)
    assert len(world.target.cards()) == 2
    world.target.close()


def test_an_archived_contact_counts(world):
    mine = number()
    there = world.target.add_card("Old Friend", ("phone", mine))
    world.target.fake.world.records["res.partner"][int(there)]["active"] = False
    assert world.wait_card(world.write(mine, "hello", kind="phone", verified=True)["thread"]) == there


def test_what_people_wrote_stays(world):
    mine = number()
    there = world.target.add_card("Old Friend", ("phone", mine), ("email", "hers@example.org"), ("other", "vk:1"))
    who = world.write(mine, "a", kind="phone", verified=True)
    world.wait_history(world.wait_card(who["thread"]), 1)
    client = world.admin.get(f"/threads/{who['thread']}")["thread"]["client"]["id"]
    world.admin.patch(f"/clients/{client}", {"email": "mine@example.org", "phone": "+79161112233"})
    world.write(mine, "b", kind="phone", verified=True)
    world.wait_history(there, 2)
    record = world.target.records()[int(there)]
    assert (record["email"], record["x_messengers"], record["name"]) == ("hers@example.org", "vk:1", "Old Friend")
    assert record["phone"] == mine and record["x_switchboard"] == f"switchboard:{client}"
    until(lambda: world.target.records()[int(there)].get("mobile") == "+79161112233", 10 * SLOWER)


def test_a_number_that_a_rule_refuses_is_in_the_comment(world):
    odd = "+7123456789012"
    card = world.wait_card(world.write(odd, "hello", kind="phone", verified=True)["thread"])
    world.wait_history(card, 1)
    record = world.target.records()[int(card)]
    assert not record.get("phone") and odd in record["comment"]


def test_the_field_is_missing(start_gateway):
    base = Base(own={})
    world = with_base(start_gateway, base)
    thread = world.write(own("ann"), "hello")["thread"]
    assert "x_switchboard" in refused(world) and not world.dead()
    base.fields["res.partner"].update(OWN_FIELDS)
    world.wait_history(world.wait_card(thread), 1, 90)
    world.target.close()


def test_the_wrong_api_is_told(start_gateway):
    class Wrong(Odoo2Target):
        def section(self, extra=""):
            return super().section(extra).replace('api = "json2"', 'api = "rpc"')

    world = with_base(start_gateway, None, target=Wrong)
    world.write(own("ann"), "hello")
    assert "JSON-RPC" in refused(world)
    world.target.close()


def test_the_wrong_key_is_told_and_nowhere(world):
    key, world.target.fake.key = world.target.fake.key, "another"
    thread = world.write(own("ann"), "hello")["thread"]
    refused(world)
    assert key not in world.gateway.log()
    world.target.fake.key = key
    world.wait_history(world.wait_card(thread), 1, 90)


def test_a_key_that_is_revoked_in_the_middle(world):
    who = own("ann")
    thread = world.write(who, "one")["thread"]
    card = world.wait_card(thread)
    world.wait_history(card, 1)
    key, world.target.fake.key = world.target.fake.key, "another"
    world.write(who, "two")
    refused(world)
    world.target.fake.key = key
    world.write(who, "three")
    assert texts(world.wait_history(card, 3, 90)) == ["one", "two", "three"] and not world.dead()


def test_a_busy_database_is_waited_for(world):
    """The server retries a conflict five times by itself; then it says so, with status 200."""
    busy = {"name": "psycopg2.errors.SerializationFailure", "message": "could not serialize access", "debug": ""}
    answers = [Answer(200, {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error", "data": busy}})
               if world.target.api == "rpc" else Answer(500, busy)] * 2
    world.target.fake.before = lambda r: answers.pop() if answers and world.target.is_write(r) else None
    thread = world.write(own("ann"), "hello")["thread"]
    world.wait_history(world.wait_card(thread), 1, 60)
    assert not answers and not world.dead()


def test_responsible_follows(world, start_gateway):
    world.target.fake.world.records["res.users"][17] = {"id": 17, "login": "anna", "name": "Anna Karenina"}
    there = World(world.target, start_gateway, 'users = {{"anna=17", "bob=18"}}')
    there.gateway.add_user("anna")
    there.gateway.add_user("bob")
    thread = there.write(own("ann"), "hello")["thread"]
    card = there.wait_card(thread)
    there.admin.patch(f"/threads/{thread}", {"assignee": "anna"})
    until(lambda: world.target.records()[int(card)].get("user_id") == 17, 20 * SLOWER)
    there.admin.patch(f"/threads/{thread}", {"assignee": "bob"})  # 18 is nobody there: told, and no dead letter
    until(lambda: "event=crm.not_assigned" in there.gateway.log() or there.dead(), 20 * SLOWER)
    assert not there.dead()


class Led(Visitor):
    """An advertisement led him to the site."""

    def hello(self):
        frame = super().hello()
        frame["page"]["utm"] = {"source": "Yandex", "campaign": "autumn"}
        return frame


@pytest.mark.parametrize("kind", ["lead", "opportunity"])
def test_a_lead_comes_with_its_contact_once(start_gateway, kind):
    world = with_base(start_gateway, None, f'lead = "{kind}"')
    lost = []
    world.target.fake.after = lambda r, a: (lost.append(1) or Answer(200, b"", spoil="lose")
                                            if world.target.is_create(r) and not lost else None)
    world.target.fake.world.add("utm.source", name="Yandex")
    world.gateway._begin(Led(world.gateway), True).say_and_wait("hello")
    card = world.wait_card(until(lambda: world.admin.threads()[0]["id"], 10 * SLOWER))
    world.wait_history(card, 1)
    leads = list(world.target.records("crm.lead").values())
    assert lost and [(x["type"], x["partner_id"]) for x in leads] == [(kind, int(card))]
    sources, campaigns = world.target.records("utm.source"), world.target.records("utm.campaign")
    assert len(sources) == 1 and sources[leads[0]["source_id"]]["name"] == "Yandex"
    assert campaigns[leads[0]["campaign_id"]]["name"] == "autumn" and "medium_id" not in leads[0]
    world.target.close()


def test_a_lead_needs_the_crm_app(start_gateway):
    base = Base(without=[("res.partner", "opportunity_ids")])
    world = with_base(start_gateway, base, 'lead = "lead"')
    world.write(own("ann"), "hello")
    assert "opportunity_ids" in refused(world)
    world.target.close()


def test_a_file_is_there_once_though_its_answer_was_lost(world):
    thread = world.write(own("ann"), "hello")["thread"]
    card = world.wait_card(thread)
    lost = []
    world.target.fake.after = lambda r, a: (lost.append(1) or Answer(200, b"", spoil="lose")
                                            if world.target.is_upload(r) and len(lost) < 2 else None)
    media = world.admin.post("/media", None, params={"name": "a.txt"}, data=b"text")["media"]["id"]
    world.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "a file", "attachments": [media], "note": True})
    world.wait_history(card, 2, 60)
    there = list(world.target.records("ir.attachment").values())
    assert lost and [(a["name"], a["bytes"], a["res_id"]) for a in there] == [("a.txt", b"text", int(card))]


def test_a_lost_answer_makes_no_second_contact_of_a_switchboard_s_number(world):
    """More contacts have the number than one search shows: ours is found by its mark all the same."""
    mine, lost = number(), []
    for n in range(51):
        world.target.add_card(f"Colleague {n}", ("phone", mine))
    world.target.fake.after = lambda r, a: (lost.append(1) or Answer(200, b"", spoil="lose")
                                            if world.target.is_create(r) and len(lost) < 2 else None)
    who = world.write(mine, "hello", kind="phone", verified=True)
    card = world.wait_card(who["thread"])
    world.wait_history(card, 1)
    client = world.admin.get(f"/threads/{who['thread']}")["thread"]["client"]["id"]
    marked = [i for i, r in world.target.records().items() if r.get("x_switchboard") == f"switchboard:{client}"]
    assert lost and marked == [int(card)]


@pytest.mark.parametrize("extra,word", [('users = {{"anna=seven"}}', "anna=17"), ('mark_field = ""', "mark_field"),
                                        ('mark_field = "X; drop"', "letters"), ('user = ""', "needs user")])
def test_settings_that_cannot_be(start_gateway, extra, word):
    target = OdooTarget()
    with pytest.raises(RuntimeError, match=word):
        start_gateway(config=CONFIG + target.section(extra))
    target.close()


def ask(fake, path, body, key=None):
    request = urllib.request.Request(fake.url + path, json.dumps(body).encode(), headers={
        "Content-Type": "application/json", **({"Authorization": f"bearer {key}"} if key else {})})
    try:
        with urllib.request.urlopen(request, timeout=10) as r:
            return r.status, json.load(r)
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def test_the_fake_is_strict():
    with Odoo() as fake:
        find = "/json/2/res.partner/search_read"
        assert ask(fake, find, {"domain": []}, "wrong")[0] == 401
        status, error = ask(fake, find, {"domain": [["x_none", "=", 1]]}, fake.key)
        assert status == 500 and error["name"] == "builtins.ValueError" and "x_none" in error["message"]
        assert ask(fake, "/json/2/res.partner/write", {"ids": [1], "vals": {}}, fake.key)[0] == 404
        assert ask(fake, "/json/2/res.partner/create", {"vals_list": [{"phone": "1"}]}, fake.key)[0] == 422
        post = {"ids": [1], "body": "x", "whatever": 1}
        assert ask(fake, "/json/2/res.partner/message_post", post, fake.key)[1]["name"] == "builtins.ValueError"
        rpc = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": {"service": "object", "method": "execute_kw", "args": [
            fake.database, 7, "wrong", "res.partner", "fields_get", [], {}]}}
        status, answer = ask(fake, "/jsonrpc", rpc)
        assert status == 200 and answer["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"
