"""Agents as admins look after them: two admins at once lose nothing, rights that are taken are gone at once, whatever the agent
was doing; some admin is always left; sessions are seen and ended (T10, T13, T26, T27)."""
import concurrent.futures

import pytest
from harness import CONFIG, SLOWER, Gateway
from test_account import USUAL, person
from test_api_auth import closed, heard, socket_of


@pytest.fixture(scope="module")
def shared():
    g = Gateway().start()
    yield g
    g.destroy()


def about(api, name):
    return next(a for a in api.get("/agents")["agents"] if a["name"] == name)


def test_two_admins_at_once_lose_no_edit(shared):
    boss = shared.login()
    person(shared, "ann")
    rev = about(boss, "ann")["rev"]
    changes = [{"display_name": "Ann A.", "rev": rev}, {"role": "supervisor", "rev": rev}]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda c: boss.ask("PATCH", "/agents/ann", json=c), changes))
    assert sorted(a.status_code for a in answers) == [200, 409]
    late = next(a for a in answers if a.status_code == 409).json()
    assert (late["code"], late["detail"]) == ("conflict", "somebody else has changed it meanwhile")
    now = about(boss, "ann")
    assert now["rev"] == rev + 1 and (now["display_name"] == "Ann A.") != (now["role"] == "supervisor")
    for bad in ({"rev": -1}, {"rev": "1"}, {"rev": now["rev"], "password": "several words of mine"}):
        assert boss.ask("PATCH", "/agents/ann", json=bad).status_code == 400
    assert boss.ask("PATCH", "/agents/ann", json={"role": "agent"}).status_code == 200, "a program may overwrite"


def test_what_an_agent_does_for_himself_is_in_no_admins_way(shared):
    """A password of his own, his language: an admin who opened the page before blocks him all the same."""
    boss, api = shared.login(), person(shared, "joe")
    rev = about(boss, "joe")["rev"]
    api.post("/session/password", {"old": USUAL, "new": USUAL + " of joe"})
    api.patch("/agents/joe", {"lang": "en"})
    assert about(boss, "joe")["rev"] == rev
    assert boss.ask("PATCH", "/agents/joe", json={"disabled": True, "rev": rev}).status_code == 200
    assert about(boss, "joe")["rev"] == rev + 1


def test_an_agent_whose_role_is_taken_while_he_types(start_gateway):
    """He is out within a second, what he was about to send is not sent, and signed in anew he sees what his role sees."""
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", 'login_tries = 1000 see = "assigned"'))
    boss, api = g.login(), person(g, "sue", "supervisor")
    person(g, "bob")
    thread = g.hook({"from": {"address": "ann"}, "id": "1", "text": "x"}).json()["thread"]
    boss.patch("/threads/" + thread, {"assignee": "bob"})
    ws = socket_of(g, api)
    heard(ws, "ready")
    ws.send('{"type":"typing","id":"1","thread":"%s","on":true}' % thread)
    heard(ws, "ok")
    boss.patch("/agents/sue", {"role": "agent"})
    code, took = closed(ws)
    assert code == 4401 and took < 1 * SLOWER
    assert api.ask("POST", f"/threads/{thread}/messages", json={"text": "as a supervisor"}).status_code == 401
    again = g.login("sue", USUAL)
    assert again.agent["role"] == "agent" and again.ask("GET", "/threads/" + thread).status_code == 404
    assert again.ask("POST", f"/threads/{thread}/messages", json={"text": "as an agent"}).status_code == 404
    assert [m["text"] for m in boss.messages(thread) if m["direction"] == "out"] == []


def test_what_changes_nothing_ends_nothing(shared):
    """Saving a form with the same role, or a name, throws nobody out; being blocked does, and stays so."""
    boss, api = shared.login(), person(shared, "kim")
    boss.patch("/agents/kim", {"role": "agent", "disabled": False, "display_name": "Kim"})
    assert api.ask("GET", "/session").status_code == 200
    boss.patch("/agents/kim", {"disabled": True})
    assert api.ask("GET", "/session").status_code == 401
    boss.patch("/agents/kim", {"disabled": False})
    assert api.ask("GET", "/session").status_code == 401
    shared.login("kim", USUAL)


def test_some_admin_is_always_left(start_gateway):
    """Two who take each other's role at once: one of them keeps it. By the API, and on the command line."""
    g = start_gateway()
    one, two = g.login(), person(g, "two", "admin")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda x: x[0].ask("PATCH", "/agents/" + x[1], json={"role": "agent"}), ((one, "two"), (two, "admin"))))
    r = g.redis
    admins = [n for n in ("admin", "two") if r.hget("sb:user:" + n, "role") == b"admin"]
    assert len(admins) == 1
    out = g.cli("user", "disable", admins[0], check=False)
    assert out.returncode != 0 and "last admin" in out.stderr
    g.login(admins[0], USUAL)


def test_an_admin_sees_and_ends_sessions(shared):
    boss, api = shared.login(), person(shared, "lee")
    other = shared.login("lee", USUAL)
    ws = socket_of(shared, api)
    heard(ws, "ready")
    own = next(s["id"] for s in api.get("/sessions")["sessions"] if s["current"])
    seen = boss.get("/agents/lee/sessions")["sessions"]
    assert own in [s["id"] for s in seen] and not any(s["current"] for s in seen)
    assert {s["address"] for s in seen if s["browser"].startswith("python")} == {"127.0.0.1"}
    assert boss.ask("DELETE", f"/agents/lee/sessions/{own}").status_code == 204
    code, took = closed(ws)
    assert code == 4401 and took < 1 * SLOWER
    assert api.ask("GET", "/session").status_code == 401 and other.ask("GET", "/session").status_code == 200
    entry = boss.get("/audit", limit=1)["entries"][0]
    assert (entry["what"], entry["subject"], entry["by"]) == ("account.sessions_ended", "lee", "admin")


def test_screens_are_told_of_a_new_agent_and_of_his_other_name(shared):
    """Whom a dialogue can be given to is known without a reload; a password is nobody's affair."""
    boss = shared.login()
    ws = socket_of(shared, boss)
    heard(ws, "ready")
    shared.cli("user", "add", "nia", "--role", "agent", "--password-stdin", stdin=USUAL + "\n")
    told = {"type": "desk", "what": "agents", "id": "nia"}
    assert heard(ws, "desk") == told
    shared.cli("user", "passwd", "nia", "--password-stdin", stdin=USUAL + "?\n")
    boss.patch("/agents/nia", {"display_name": "Nia N."})
    assert heard(ws, "desk") == told
    boss.post("/canned", {"shortcut": "next", "text": "x"})
    assert heard(ws, "desk")["what"] == "canned"  # the name was told once, the password not at all


def test_two_admins_at_once_lose_no_edit_of_a_team(shared):
    boss = shared.login()
    team = boss.post("/teams", {"name": "Night <script>", "members": ["admin"]})["team"]
    names = [f"Night {i}" for i in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: boss.ask("PATCH", "/teams/" + team["id"], json={"name": n, "rev": 1}), names))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    won = next(a.json()["team"] for a in answers if a.status_code == 200)
    assert boss.get("/teams")["teams"] == [won] and won["rev"] == 2
    boss.ask("DELETE", "/teams/" + team["id"])
    told = boss.get("/audit", what="team", limit=3)["entries"]
    assert [(e["what"], e["subject"]) for e in told] == [
        ("team.removed", won["name"]), ("team.changed", won["name"]), ("team.added", "Night <script>")]


def test_threads_and_views_of_a_team(start_gateway):
    """A filter and a saved view of a team are of its members as they are now, in every list, with its count, for agents as far as they see."""
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", 'login_tries = 1000 see = "assigned"'))
    boss, ann = g.login(), person(g, "ann")
    for name in ("bob", "cid"):
        person(g, name)
    ids = {}
    for i, who in enumerate(("ann", "bob", "cid", None, "ann")):
        thread = g.hook({"from": {"address": f"a{i}"}, "id": f"m{i}", "text": "x"}).json()["thread"]
        boss.patch("/threads/" + thread, {"assignee": who, "labels": ["vip"] if i in (0, 2) else [], "state": "closed" if i == 4 else "open"})
        ids.setdefault(who, []).append(thread)
    team = boss.post("/teams", {"name": "Sales", "members": ["ann", "bob"]})["team"]
    of = "team:" + team["id"]

    def listed(api, **params):
        return {t["id"] for t in api.threads(assignee=of, **params)}

    def count(api, view, **more):
        one = api.post("/views", {"name": "x", "view": view, "assignee": of, **more})["view"]["id"]
        n = api.get("/counts")["views"][one]
        api.ask("DELETE", "/views/" + one)
        return n

    assert listed(boss, view="all") == {*ids["ann"], *ids["bob"]} and count(boss, "all") == 3
    assert listed(boss, view="open") == {ids["ann"][0], *ids["bob"]} and count(boss, "open") == 2
    assert listed(boss, view="open", label="vip") == {ids["ann"][0]} and count(boss, "open", label="vip") == 1
    assert listed(boss, view="unassigned") == set() and count(boss, "unassigned") == 0
    assert listed(ann, view="all") == set(ids["ann"]) and count(ann, "all") == 2
    boss.patch("/teams/" + team["id"], {"members": ["cid"], "rev": 1})
    assert listed(boss, view="open") == set(ids["cid"]) and count(boss, "open") == 1
    boss.patch("/teams/" + team["id"], {"members": [], "rev": 2})
    assert listed(boss, view="all") == set() and count(boss, "all") == 0
    boss.ask("DELETE", "/teams/" + team["id"])
    r = boss.ask("GET", "/threads", params={"assignee": of})
    assert (r.status_code, r.json()["detail"]) == (400, "assignee: there is no such team") and count(boss, "all") == 0
    assert boss.ask("GET", "/threads", params={"assignee": "team:"}).status_code == 400


def test_many_views_of_large_teams_are_counted_whole(shared):
    """More questions than fit into one command."""
    boss = shared.login()
    names = [f"m{i:02}" for i in range(60)]
    db = shared.redis
    for name in names:  # as accounts are; nobody signs in
        db.sadd("sb:users", name)
        db.hset("sb:user:" + name, mapping={"name": name, "display_name": name, "role": "agent", "created": "1"})
    team = boss.post("/teams", {"name": "All of them", "members": names})["team"]["id"]
    thread = shared.hook({"from": {"address": "last"}, "id": "last", "text": "x"}).json()["thread"]
    boss.patch("/threads/" + thread, {"assignee": names[-1]})
    views = [boss.post("/views", {"name": f"v{i}", "view": "all", "assignee": "team:" + team})["view"]["id"] for i in range(9)]
    counts = boss.get("/counts")["views"]
    assert [counts[v] for v in views] == [1] * 9
    for v in views:
        boss.ask("DELETE", "/views/" + v)
