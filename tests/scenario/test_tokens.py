"""API tokens that admins make over the API: one is shown once, is worth what its role and scopes are, says when it was used, and
ended opens nothing on any worker, at once (T13, T27)."""
import pytest
from clients import Api
from harness import SLOWER, Gateway, until
from test_account import person
from test_api_auth import closed, heard, socket_of


@pytest.fixture(scope="module")
def shared():
    g = Gateway().start()
    yield g
    g.destroy()


def make(g, name, role="agent", scopes=("read", "write")):
    return g.login().post("/tokens", {"name": name, "role": role, "scopes": list(scopes)})["secret"]


def listed(g, name):
    return next((t for t in g.login().get("/tokens")["tokens"] if t["name"] == name), None)


def test_it_is_shown_once_and_kept_as_a_mark(shared):
    secret = make(shared, "once")
    assert secret.startswith("sbt_") and secret not in shared.login().ask("GET", "/tokens").text
    r = shared.redis
    kept = b" ".join(b" ".join(r.hgetall(k).values()) for k in r.scan_iter("sb:token*") if r.type(k) == b"hash")
    assert secret.encode() not in kept and secret not in shared.log()


def test_it_may_what_its_role_and_scopes_say(shared):
    reader, writer = Api(shared.url, make(shared, "reader", scopes=["read"])), Api(shared.url, make(shared, "writer"))
    boss = Api(shared.url, make(shared, "boss", "admin", ["read", "write", "admin"]))
    thread = shared.hook({"from": {"address": "ann"}, "id": "1", "text": "x"}).json()["thread"]
    say = {"text": "hello"}
    assert reader.ask("GET", "/threads").status_code == 200
    assert reader.ask("POST", f"/threads/{thread}/messages", json=say).status_code == 403
    assert writer.ask("POST", f"/threads/{thread}/messages", json=say).status_code == 202
    assert {api.ask("GET", "/tokens").status_code for api in (reader, writer)} == {403}
    assert boss.ask("GET", "/tokens").status_code == 200
    assert listed(shared, "boss")["created_by"] == "admin"
    boss.post("/tokens", {"name": "of-boss", "role": "agent", "scopes": ["read"]})
    assert listed(shared, "of-boss")["created_by"] == "boss"


def test_it_says_when_it_was_used(shared):
    secret = make(shared, "seen")
    assert listed(shared, "seen")["last_used_at"] is None
    Api(shared.url, secret).get("/threads")
    used = until(lambda: listed(shared, "seen")["last_used_at"], why="its use is written")
    Api(shared.url, secret).get("/threads")
    assert listed(shared, "seen")["last_used_at"] == used, "to the minute: not at each request"


def test_a_use_that_comes_late_brings_no_token_back(shared):
    secret = make(shared, "late")
    sha = shared.redis.hget("sb:tokens", "late").decode()
    shared.login().ask("DELETE", "/tokens/late")
    assert Api(shared.url, secret).ask("GET", "/threads").status_code == 401
    assert not shared.redis.exists("sb:token:" + sha) and listed(shared, "late") is None


def test_ended_it_opens_nothing_on_any_worker(shared):
    """Each worker remembers who asked for half a second; whoever is told of an end, forgets."""
    secret = make(shared, "gone")
    ws = socket_of(shared, None, None, {"Authorization": "Bearer " + secret}, origin=None)
    heard(ws, "ready")
    programs = [Api(shared.url, secret) for _ in range(8)]  # over both workers, by luck or not
    assert {p.ask("GET", "/threads").status_code for p in programs} == {200}
    assert shared.login().ask("DELETE", "/tokens/gone").status_code == 204
    until(lambda: {p.ask("GET", "/threads").status_code for p in programs} == {401}, timeout=1 * SLOWER, why="nobody believes it")
    code, took = closed(ws)
    assert code == 4401 and took < 1 * SLOWER


def test_agents_make_none(shared):
    for role in ("agent", "supervisor"):
        api = person(shared, f"t-{role}", role)
        assert api.ask("GET", "/tokens").status_code == 403
        assert api.ask("POST", "/tokens", json={"name": "x", "role": "admin", "scopes": ["admin"]}).status_code == 403
        assert api.ask("DELETE", "/tokens/reader").status_code == 403
