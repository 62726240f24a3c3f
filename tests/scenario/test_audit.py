"""The audit log: who did what, from where, when. Complete, without secrets, bounded, for admins alone; guesses neither fill it
nor learn from it. ASVS 16.2, 16.3; row T10."""
import csv
import io
import json

import pytest
from clients import Api
from harness import CONFIG, Gateway
from test_account import person, sign_in
from test_api_auth import token

SECRET = "a word that nobody may read"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def shared():
    g = Gateway().start()
    yield g
    g.destroy()


def entries(api, **params):
    """All that fit, the newest first, page by page."""
    got, cursor = [], None
    while True:
        page = api.get("/audit", limit=200, **params, **({"cursor": cursor} if cursor else {}))
        got += page["entries"]
        cursor = page["next"]
        if not cursor:
            return got


def newest(api, **params):
    return api.get("/audit", limit=1, **params)["entries"][0]


def test_each_change_says_who_and_from_where(shared):
    """As soon as the answer is there, so is the entry."""
    boss = shared.login()
    session = next(s["id"] for s in boss.get("/sessions")["sessions"] if s["current"])

    def told(what, subject, detail=None):
        e = newest(boss)
        assert (e["what"], e["subject"], e["by"], e["via"], e["address"], e["session"]) == \
            (what, subject, "admin", "session", "127.0.0.1", session), e
        assert detail is None or e["detail"] == detail, e

    boss.post("/agents", {"name": "eve", "role": "agent", "password": SECRET})
    told("agent.added", "eve", {"role": "agent"})
    boss.patch("/agents/eve", {"role": "supervisor", "display_name": "Eve"})
    told("agent.changed", "eve", {"role": "supervisor", "display_name": "Eve"})
    boss.patch("/agents/eve", {"password": SECRET + "!"})
    told("agent.password_reset", "eve", {})
    boss.patch("/agents/eve", {"disabled": True})
    told("agent.changed", "eve", {"disabled": True})
    boss.ask("DELETE", "/agents/eve/sessions")
    told("account.sessions_ended", "eve")
    one = boss.post("/canned", {"shortcut": "hello", "text": "x"})["canned"]
    told("canned.added", "hello")
    boss.ask("PUT", f"/canned/{one['id']}", json={"shortcut": "hello", "text": "y", "rev": 1})
    told("canned.changed", "hello")
    boss.ask("DELETE", f"/canned/{one['id']}")
    told("canned.removed", one["id"])
    boss.post("/hours", {"name": "Days", "channels": ["test"], "zone": "Europe/Moscow", "week": {"mon": [{"from": "09:00", "to": "18:00"}]}})
    told("hours.added", "Days")
    boss.post("/dead/retry", {"queue": "crm:main"})
    told("dead.retried", "crm:main", {"retried": 0})
    boss.ask("GET", "/reports/days?from=2026-01-01&to=2026-01-02")
    told("report.exported", "days", {"from": "20260101", "to": "20260102"})
    boss.ask("GET", "/audit.csv?what=canned")
    told("audit.exported", "")
    ids = [boss.get("/threads/" + shared.hook({"from": {"address": who}, "id": who, "text": "x"}).json()["thread"])["client"]["id"]
           for who in ("one", "two")]
    boss.post(f"/clients/{ids[0]}/merge", {"from": ids[1]})
    told("client.merged", ids[0], {"from": ids[1]})
    assert boss.ask("GET", f"/clients/{ids[0]}/export").status_code == 200
    told("client.exported", ids[0])
    assert boss.ask("POST", f"/clients/{ids[0]}/erase", json={"reason": SECRET, "confirm": ids[0]}).status_code < 300
    told("client.erased", ids[0])


def test_what_was_refused_is_no_change(shared):
    boss = shared.login()
    before = newest(boss)
    assert boss.ask("POST", "/agents", json={"name": "admin", "role": "agent", "password": SECRET}).status_code == 409
    assert boss.ask("PATCH", "/agents/nobody", json={"role": "agent"}).status_code == 404
    assert boss.ask("PATCH", "/agents/admin", json={"disabled": True}).status_code == 400
    assert boss.ask("PATCH", "/agents/admin", json={"lang": "en"}).status_code == 200, "one's own affair"
    assert boss.ask("POST", "/canned", json={"shortcut": "a b", "text": "x"}).status_code == 400
    assert newest(boss) == before


def test_sign_ins_good_and_bad(shared):
    """An admin learns why one failed; whoever tries does not; and what strangers type for a name is not kept."""
    boss, ann = shared.login(), person(shared, "ann")
    session = next(s["id"] for s in ann.get("/sessions")["sessions"] if s["current"])
    assert newest(boss, what="session.opened", by="ann")["session"] == session
    shared.add_user("gone")
    boss.patch("/agents/gone", {"disabled": True})
    app, _ = person(shared, "two").second_factor(shared.PASSWORD)
    for name, password, code, reason in (("ann", "wrong password", None, "password"), (SECRET, "x", None, "name"),
                                         ("gone", shared.PASSWORD, None, "disabled"), ("two", shared.PASSWORD, app.wrong(), "code")):
        assert sign_in(shared, name, password, code).status_code == 401
        e = newest(boss)
        known = "" if name == SECRET else name
        assert (e["what"], e["by"], e["subject"], e["detail"]["reason"]) == ("session.refused", known, known, reason), e
        assert e["address"] == "127.0.0.1" and e["session"] == ""
    ann.ask("DELETE", "/session")
    e = newest(boss)
    assert (e["what"], e["by"], e["session"]) == ("session.ended", "ann", session)


def test_a_wait_for_guessers_is_told(start_gateway):
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", "login_tries = 2"))
    boss = g.login()
    for _ in range(2):
        sign_in(g, "ann", "wrong password")
    assert sign_in(g, "ann", "wrong password").status_code == 429
    assert [e["detail"].get("waits_s") for e in entries(boss, what="session.refused")] == [30, None], \
        "what is not looked at fills nothing"


def test_programs_and_commands_stand_in_it(shared):
    key = token(shared, "robot", "admin", "read,write,admin")
    boss = shared.login()
    e = newest(boss, what="token.added")
    assert (e["via"], e["subject"], e["address"]) == ("command", "robot", "") and e["by"]
    Api(shared.url, key).post("/agents", {"name": "made", "role": "agent", "password": SECRET})
    e = newest(boss)
    assert (e["by"], e["via"], e["session"], e["subject"]) == ("robot", "token", "", "made")
    shared.cli("user", "disable", "made")
    shared.cli("token", "revoke", "robot")
    assert [x["what"] for x in boss.get("/audit", limit=2)["entries"]] == ["token.revoked", "agent.changed"]
    shared.cli("export")
    assert newest(boss)["what"] == "data.exported"


def test_no_secret_is_in_it(start_gateway):
    """Neither in the stream nor in the log of the process."""
    g = start_gateway()
    boss = g.login()
    boss.post("/agents", {"name": "eve", "role": "agent", "password": SECRET})
    eve = Api(g.url).login("eve", SECRET)
    eve.post("/session/password", {"old": SECRET, "new": SECRET + " again"})
    app, recovery = eve.second_factor(SECRET + " again")
    hook = boss.post("/channels", {"connector": "whatsapp", "name": "phone", "settings": {
        "token": KEY, "phone_number_id": "1055", "waba_id": "77", "app_secret": KEY, "verify_token": KEY,
        "api_url": "http://127.0.0.1:9"}})["channel"]
    assert hook["settings"]["token"] == "***"
    key = token(g, "robot", "admin", "read")
    boss = g.login()  # the channel's reload has given us other workers
    e = newest(boss, what="channel.added")
    assert e["detail"]["connector"] == "whatsapp" and "app_secret" in e["detail"]["settings"]
    stored = json.dumps([v.decode() for _, fields in g.redis.xrange("sb:audit") for v in fields.values()])
    for secret in (SECRET, KEY, key, recovery[0], boss.cookie.split("=")[1], eve.cookie.split("=")[1]):
        assert secret not in stored and secret not in g.log()
    assert "account.second_factor_on" in stored and "account.password_changed" in stored


def test_it_is_asked_for_by_admins_alone(shared):
    for role in ("agent", "supervisor"):
        api = person(shared, f"a-{role}", role)
        assert {api.ask("GET", path).status_code for path in ("/audit", "/audit.csv")} == {403}
    reader = Api(shared.url, token(shared, "reader", "admin", "read,write"))
    assert reader.ask("GET", "/audit").status_code == 403


def test_filters_and_pages(shared):
    boss = shared.login()
    for i in range(7):
        boss.post("/canned", {"shortcut": f"page{i}", "text": "x"})
    whole = entries(boss)
    ids, cursor = [], None
    while True:
        page = boss.get("/audit", limit=3, **({"cursor": cursor} if cursor else {}))
        ids += [e["id"] for e in page["entries"]]
        cursor = page["next"]
        if not cursor:
            break
    assert ids == [e["id"] for e in whole] and len(set(ids)) == len(ids)
    assert [e["at"] for e in whole] == sorted((e["at"] for e in whole), reverse=True)
    for params in ({"what": "canned"}, {"what": "canned.added"}, {"by": "admin"}, {"subject": "page3"}, {"address": "127.0.0.1"},
                   {"what": "canned", "subject": "page3", "by": "admin"}, {"what": "can"}, {"what": "no.such"}):
        wanted = [e for e in whole if all(
            e["what"] == v or e["what"].startswith(v + ".") if k == "what" else e[k] == v for k, v in params.items())]
        assert entries(boss, **params) == wanted, params
    middle = whole[len(whole) // 2]["at"]
    assert [e["id"] for e in entries(boss, **{"from": middle})] == [e["id"] for e in whole if e["at"] >= middle]
    assert [e["id"] for e in entries(boss, to=middle)] == [e["id"] for e in whole if e["at"] <= middle]


def test_the_table_runs_nothing_in_a_spreadsheet(shared):
    boss = shared.login()
    for shortcut in ('=HYPERLINK("x","y")', "@sum", "a\"b"):
        boss.post("/canned", {"shortcut": shortcut, "text": "x"})
    r = boss.ask("GET", "/audit.csv?what=canned.added")
    assert r.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(r.text)))
    assert [row["subject"] for row in rows[:3]] == ['a"b', "'@sum", '\'=HYPERLINK("x","y")']
    assert len(rows) == len(entries(boss, what="canned.added")) and "\r\n" in r.text


def test_it_is_bounded(start_gateway):
    """By number, by age; and sign-ins that fail push out nothing but their like."""
    g = start_gateway(config=CONFIG + "history {{ audit = 12000 }}\n")
    boss, r = g.login(), g.redis
    r.delete("sb:audit")
    r.xadd("sb:audit", {"e": json.dumps({"what": "agent.added", "by": "old"})}, id="1000-0")
    boss.post("/canned", {"shortcut": "kept", "text": "x"})
    assert [e["what"] for e in entries(boss)] == ["canned.added"], "what is older than history.audit_for is gone"
    pipe = r.pipeline(transaction=False)
    for i in range(10000):
        pipe.xadd("sb:audit", {"e": json.dumps({"what": "session.refused", "address": "192.0.2.1"})})
    for id in pipe.execute():
        pipe.lpush("sb:audit:refused", id)
    pipe.execute()
    for _ in range(3):
        sign_in(g, "admin", "wrong password")
    assert r.llen("sb:audit:refused") == 10000 and r.xlen("sb:audit") == 10001
    assert [e["subject"] for e in entries(boss, what="canned")] == ["kept"], "found behind 10,000 others, though no answer looks at all"
    assert len(entries(boss, what="session.refused", by="admin")) == 3
    page = boss.get("/audit", what="canned")
    assert page["entries"] == [] and page["next"], "one answer takes a bounded time"
    for i in range(2100):
        pipe.xadd("sb:audit", {"e": json.dumps({"what": "dead.retried"})})
    pipe.execute()
    boss.post("/canned", {"shortcut": "last", "text": "x"})
    assert r.xlen("sb:audit") == 12000
