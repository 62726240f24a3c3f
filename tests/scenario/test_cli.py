"""The command line: users, tokens, trace, dead letters, export, doctor; and what it refuses."""
import json
import socket
import subprocess
import tempfile
import time

import pytest

from clients import Api
from harness import BINARY, ROOT, Gateway, until

COMMANDS = ["run", "check-config", "doctor", "user", "token", "trace", "dead", "crm", "export", "version"]


def run(*args, **kw):
    return subprocess.run([str(BINARY), *args], text=True, capture_output=True, timeout=30, cwd=ROOT,
                          **kw)


def send(api, thread, text, **more):
    return api.post(f"/threads/{thread}/messages",
                    {"id": f"k{time.monotonic_ns()}", "text": text, **more})["message"]


# --- the line itself ---

def test_help_and_usage():
    top = run("--help")
    assert top.returncode == 0
    for c in COMMANDS:
        assert f"  {c} " in top.stdout
        p = run(c, "--help")
        assert p.returncode == 0 and p.stdout.startswith(f"usage: switchboard {c}"), p
        examples = p.stdout.split("examples:\n")[1].splitlines()
        assert examples and all(f"switchboard {c}" in e for e in examples), p.stdout
        assert "250ms" in p.stdout and "20M" in p.stdout and not p.stderr
        assert max(map(len, p.stdout.splitlines())) <= 100
        assert run(c, "-h").stdout == p.stdout == run(c, "whatever", "--help").stdout
        unknown = run(c, "--frobnicate")
        assert unknown.returncode == 2 and unknown.stdout == ""
        assert unknown.stderr == f"switchboard {c}: --frobnicate is not an option of it (see --help)\n"
    assert run().returncode == 2
    p = run("chekc-config")
    assert p.returncode == 2 and 'did you mean "check-config"?' in p.stderr
    assert run("zzzzzzzzzzz").returncode == 2
    for bad in (["user"], ["user", "frob", "x"], ["user", "add"], ["user", "list", "x"],
                ["token", "revoke"], ["trace"], ["trace", "x"], ["trace", "x", "y"],
                ["dead", "retry"], ["dead", "frob"], ["dead", "list", "x"], ["export", "x"],
                ["export", "--thread", "x"], ["export", "--since", "then"], ["crm"], ["crm", "verify"], ["crm", "frob", "main"],
                ["run", "--frob"], ["run", "x"], ["check-config", "--print=x"], ["run", "--config"],
                ["user", "add", "x", "--role"]):
        p = run(*bad)
        assert p.returncode == 2 and p.stderr.startswith("switchboard "), (bad, p)
    assert run("check-config", "--config=conf/switchboard.conf", "--set=workers=1").returncode == 0
    assert run("version").stdout.startswith("switchboard ")
    assert run("--version").stdout == run("version").stdout


def test_check_config(tmp_path):
    sample = run("check-config", "--print-sample")
    assert sample.returncode == 0
    assert sample.stdout == (ROOT / "conf/switchboard.conf").read_text()
    path = tmp_path / "x.conf"
    path.write_text(sample.stdout)
    assert run("check-config", "--config", str(path)).returncode == 0
    shown = run("check-config", "--config", str(path), "--print", "--set", "workers=3",
                "--set", "redis.url=redis://:hunter2@127.0.0.1/1").stdout
    assert "workers = 3" in shown and "hunter2" not in shown
    path.write_text('redis { shards = many }\nwrokers = 1\n')
    for command in ("check-config", "run", "doctor", "export"):
        p = run(command, "--config", str(path))
        assert p.returncode == 78
        assert f'{path}:2: unknown key "wrokers"; did you mean "workers"?' in p.stderr
        assert f'{path}:1: shards: expected a number, found "many"' in p.stderr


def test_without_a_gateway(tmp_path):
    g = Gateway(admin=False)
    try:
        for args in (["user", "list"], ["dead", "list"], ["export"]):
            p = g.cli(*args, check=False)
            assert p.returncode == 1 and "not running" in p.stderr, p
        g.redis_url = "redis://127.0.0.1:1"
        g.write_config()
        p = g.cli("user", "list", check=False)
        assert p.returncode == 1 and "Redis does not answer" in p.stderr
    finally:
        g.destroy()


# --- people and programs ---

def test_users(shared):
    g = shared
    g.add_user("ann", "supervisor")
    api = g.login("ann", g.PASSWORD)
    assert api.get("/session")["agent"]["role"] == "supervisor"
    p = g.cli("user", "add", "ann", "--role", "agent", "--password-stdin", stdin="long enough pass\n",
              check=False)
    assert p.returncode == 1 and "already" in p.stderr
    for role, password in (("king", "long enough pass"), ("agent", "")):
        p = g.cli("user", "add", "bob", "--role", role, "--password-stdin", stdin=password,
                  check=False)
        assert p.returncode == 2, p
    p = g.cli("user", "add", "bob", "--role", "agent", "--password-stdin", stdin="short", check=False)
    assert p.returncode == 1 and "10 to 128" in p.stderr
    p = g.cli("user", "add", "b/b", "--role", "agent", "--password-stdin", stdin="long enough pass",
              check=False)
    assert p.returncode == 1
    assert "ann" in g.cli("user", "list").stdout and "bob" not in g.cli("user", "list").stdout

    g.cli("user", "passwd", "ann", "--password-stdin", stdin="a new long password\n")
    until(lambda: session_status(api) == 401, 5, why="for the session's end")
    api = g.login("ann", "a new long password")
    g.cli("user", "disable", "ann")
    until(lambda: session_status(api) == 401, 5, why="for the session's end")
    assert "disabled" in g.cli("user", "list").stdout
    g.cli("user", "enable", "ann")
    g.login("ann", "a new long password")
    names = [a["name"] for a in json.loads(g.cli("user", "list", "--json").stdout)["agents"]]
    assert names == sorted(names) and "ann" in names
    assert g.cli("user", "disable", "nobody", check=False).returncode == 1


def session_status(api):
    return api.ask("GET", "/session").status_code


def test_tokens(shared):
    g = shared

    p = g.cli("token", "add", "crm", "--role", "agent", "--scopes", "read")
    token = p.stdout.strip()
    assert token.startswith("sbt_") and len(p.stdout.split()) == 1
    api = Api(g.url, token)
    assert api.ask("GET", "/threads").status_code == 200
    assert api.ask("POST", "/agents", json={"name": "x", "role": "agent"}).status_code == 403
    assert token not in g.log()
    listed = g.cli("token", "list").stdout
    assert "crm" in listed and token not in listed
    assert g.cli("token", "add", "crm", "--role", "agent", check=False).returncode == 1
    assert g.cli("token", "add", "x", "--role", "agent", "--scopes", "read,all",
                 check=False).returncode == 2
    g.cli("token", "revoke", "crm")
    until(lambda: api.ask("GET", "/threads").status_code == 401, 5, why="for the token's end")
    assert g.cli("token", "revoke", "crm", check=False).returncode == 1
    assert "crm" not in g.cli("token", "list").stdout


# --- messages ---

def thread_by_hook(g, who, text):
    r = g.hook({"from": {"address": who, "name": who}, "id": f"{who}-{text}", "text": text})
    assert r.status_code == 200, r.text
    return r.json()


def test_trace_of_what_came_in(shared):
    got = thread_by_hook(shared, "t1", "hello")
    out = shared.traced(got["message"], "has it since")
    assert f"message {got['message']}, in, number {got['seq']} of thread {got['thread']}" in out
    for word in ("received", "stored", "attached"):
        assert word in out
    whole = json.loads(shared.cli("trace", got["message"], "--json").stdout)
    assert whole["message"]["text"] == "hello"
    assert [s["what"] for s in whole["trail"]][:2] == ["received", "stored"]
    p = shared.cli("trace", "01JDFX3T5KABCDEFGHJKMNPQRS", check=False)
    assert p.returncode == 1 and "no such message" in p.stderr


def test_trace_says_why(shared):
    g, api = shared, shared.login()
    thread = thread_by_hook(g, "t2", "hello")["thread"]
    good = send(api, thread, "fine")
    lost = send(api, thread, "!lose")
    g.traced(good["id"], "now    sent")
    out = g.traced(lost["id"], "now    unknown")
    assert "not sent again by itself" in out and "why:" in out
    flaky = send(api, thread, "!fail 2")
    out = g.traced(flaky["id"], "now    sent")
    assert out.count("  retry  ") == 2, out


def test_dead_letters(start_gateway):
    g = start_gateway()
    api = g.login()
    assert g.cli("dead", "list").stdout == "no dead letters\n"
    thread = thread_by_hook(g, "d1", "hello")["thread"]
    sent = [send(api, thread, "!reject") for _ in range(3)]
    until(lambda: len(g.cli("dead", "list", "--json").stdout.splitlines()) == 3, 10)
    g.traced(sent[0]["id"], "given up")
    rows = [json.loads(x) for x in g.cli("dead", "list", "--json").stdout.splitlines()]
    assert all(r["thread"] == thread and r["queue"] == "out:test" for r in rows)
    assert [r["seq"] for r in rows] == sorted((m["seq"] for m in sent), reverse=True)
    shown = g.cli("dead", "list").stdout
    assert all(r["id"] in shown for r in rows)
    g.cli("dead", "retry", rows[0]["id"])
    p = g.cli("dead", "retry", rows[0]["id"], check=False)
    assert p.returncode == 1 and "no such dead letter" in p.stderr
    for bad in ("x", "99:1-0", "0:", "0:x"):
        assert g.cli("dead", "retry", bad, check=False).returncode == 1
    until(lambda: len(g.cli("dead", "list", "--json").stdout.splitlines()) == 3, 10)
    assert g.cli("dead", "retry", "--all").stdout.startswith("3 put back")
    until(lambda: len(g.cli("dead", "list", "--json").stdout.splitlines()) == 3, 10)


def test_export(start_gateway):
    g = start_gateway()
    threads = {}
    for who in range(5):
        for n in range(3 if who else 450):
            got = thread_by_hook(g, f"e{who}", f"text {n}")
            threads.setdefault(got["thread"], []).append(f"text {n}")
    found = {}
    for line in g.cli("export").stdout.splitlines():
        m = json.loads(line).get("message")
        if m and m["direction"] == "in":
            found.setdefault(m["thread"], []).append(m["text"])
    assert found == threads
    one = next(iter(threads))
    lines = g.cli("export", "--thread", one).stdout.splitlines()
    assert json.loads(lines[0])["thread"]["id"] == one
    seqs = [json.loads(x)["message"]["seq"] for x in lines[1:]]
    assert seqs == sorted(set(seqs)) and len(seqs) >= 450
    p = g.cli("export", "--thread", "01JDFX3T5KABCDEFGHJKMNPQRS", check=False)
    assert p.returncode == 1 and p.stdout == ""


# --- doctor ---

def test_doctor_on_a_good_gateway(shared):
    p = shared.cli("doctor")
    assert "is ready on 127.0.0.1" in p.stdout and "fail" not in p.stdout
    assert "ok    Redis has appendfsync always" in p.stdout
    assert "ok    the data has 16 shards" in p.stdout
    p = shared.cli("doctor", "--set", "redis.shards=4", check=False)
    assert p.returncode == 1 and "made with 16 shards, but redis.shards is 4" in p.stdout


def test_doctor_before_the_first_start():
    g = Gateway(admin=False)
    try:
        p = g.cli("doctor")
        assert "will be made at the first start" in p.stdout
        assert "is free (the gateway is not running)" in p.stdout
        assert "for the embedded Redis: " in p.stdout
        assert not g.data.exists()
        with socket.create_server(("127.0.0.1", g.port)):
            p = g.cli("doctor", check=False)
            assert p.returncode == 1 and "another program listens" in p.stdout
        g.data.write_text("a file")
        p = g.cli("doctor", check=False)
        assert p.returncode == 1 and "fail  data_dir" in p.stdout
        g.env["PATH"] = "/nonexistent"
        p = g.cli("doctor", check=False)
        assert "neither redis-server nor valkey-server" in p.stdout
    finally:
        g.destroy()


@pytest.fixture
def unfit_redis():
    folder = tempfile.mkdtemp(prefix="sb-redis-")
    path = f"{folder}/redis.sock"
    p = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--dir", folder,
                          "--save", "", "--maxmemory-policy", "allkeys-lru"],
                         stdout=subprocess.DEVNULL)
    until(lambda: subprocess.run(["redis-cli", "-s", path, "ping"], capture_output=True,
                                 text=True).stdout == "PONG\n", 10)
    yield f"unix://{path}"
    p.kill()
    p.wait()


def test_doctor_on_an_unfit_redis(unfit_redis):
    g = Gateway(admin=False, redis_url=unfit_redis)
    try:
        p = g.cli("doctor", check=False)
        assert p.returncode == 1
        assert "fail  Redis has appendonly no - set appendonly yes" in p.stdout
        assert "fail  Redis has maxmemory-policy allkeys-lru" in p.stdout
        assert "warn  Redis has appendfsync everysec" in p.stdout
        assert "no data yet" in p.stdout
    finally:
        g.destroy()
