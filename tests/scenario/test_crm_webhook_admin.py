"""What an admin has of a webhook: its last calls, a trial, and 410, which ends it until he says otherwise."""
import time

import pytest
from contract import Contract
from fakes.webhook import Receiver
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from test_crm_webhook import OLD, section, wait_for, write

EXAMPLE = Contract().operations["getTargetLog"][2]["responses"]["200"]["content"]["application/json"]["example"]


@pytest.fixture
def receiver():
    with Receiver([OLD]) as r:
        yield r


@pytest.fixture
def world(receiver, start_gateway):
    return start_gateway(config=CONFIG + section(receiver)), receiver


def enable(g):
    assert g.login().ask("POST", "/targets/erp/enable", json={}).status_code == 204


def test_410_ends_it_for_all_workers_until_an_admin_says_otherwise(world):
    g, receiver = world
    receiver.spoil = lambda e: Answer(410, b"")
    write(g, "ann", "one")
    until(lambda: g.log().count("event=crm.off") >= 2, 20 * SLOWER, why="for both workers to hear of it")
    receiver.spoil = None
    calls = len(receiver.calls)
    for n in range(20):
        write(g, f"client{n}", str(n))  # of both workers' shards
    g.kill_worker()
    until(lambda: len(g.worker_pids()) == 2, 20 * SLOWER)
    g.reload()
    g.stop()
    g.start()
    write(g, "bob", "after the restart")
    until(lambda: "event=crm.off" in g.log(), 20 * SLOWER)
    time.sleep(2)
    assert len(receiver.calls) == calls and not receiver.messages()
    shown = next(t for t in g.login().get("/targets")["targets"] if t["name"] == "erp")
    assert shown["state"] == "off" and shown["until"] is None and "answered 410" in shown["error"]["text"]
    enable(g)
    wait_for(receiver, 22, 30)
    assert not g.login().get("/dead")["dead"]
    for thread, seqs in receiver.by_thread().items():
        assert seqs == sorted(set(seqs)), (thread, seqs)


def test_410_is_over_when_the_address_is_another_one(world):
    g, receiver = world
    receiver.spoil = lambda e: Answer(410, b"")
    write(g, "ann", "one")
    until(lambda: "event=crm.off" in g.log(), 20 * SLOWER)
    with Receiver([OLD]) as other:
        g.config_text = CONFIG + section(other)
        g.write_config()
        g.reload()
        wait_for(other, 1, 30)


def test_the_log_of_calls(world):
    g, receiver = world
    admin = g.login()
    failed = []
    receiver.spoil = lambda e: failed.append(1) or Answer(503, b"down") if len(failed) < 1 else None
    write(g, "ann", "one")
    wait_for(receiver, 1, 30)
    log = until(lambda: len(admin.get("/targets/erp/log")["log"]) >= 3 and admin.get("/targets/erp/log")["log"],
                20 * SLOWER)
    message = receiver.messages()[0]
    assert [e["about"] for e in log[:1]] == [f"message.created {message['id']}"] and log[0]["status"] == 200
    assert log[-1]["status"] == 503 and log[-1]["error"] == {"code": "unavailable", "text": "the CRM answered 503: down"}
    assert receiver.url not in str(log) and OLD not in str(log)
    assert log[0]["message"] == {k: message[k] for k in ("id", "thread", "seq")}
    documented = EXAMPLE["log"][0]
    assert {**documented, **{k: log[-1][k] for k in ("at", "about", "ms", "message")}} == log[-1]
    assert documented["message"].keys() == log[-1]["message"].keys()
    for n in range(230):
        write(g, f"client{n % 9}", str(n))
    wait_for(receiver, 231, 60)
    until(lambda: len(admin.get("/targets/erp/log")["log"]) > 100, 20 * SLOWER)
    log = admin.get("/targets/erp/log")["log"]
    assert len(log) <= 200 and [e["at"] for e in log] == sorted((e["at"] for e in log), reverse=True)


def test_a_trial(world):
    g, receiver = world
    admin = g.login()

    def trial():
        r = admin.ask("POST", "/targets/erp/test", json={})
        assert r.status_code == 200, r.text
        return r.json()
    got = trial()
    assert got["ok"] and got["status"] == 200 and got["answer"] == '{"ok": true}' and "error" not in got
    assert [e["type"] for e in receiver.events] == ["test"] and not receiver.refused  # signed like all others
    receiver.secrets = ["whsec_" + "A" * 32]
    got = trial()
    assert not got["ok"] and got["status"] == 401 and "no signature is ours" in got["answer"]
    assert got["error"]["code"] == "auth"
    write(g, "ann", "waits")
    receiver.secrets = [OLD]
    wait_for(receiver, 1, 30)
    receiver.close()
    got = trial()
    assert not got["ok"] and got["status"] == 0 and got["error"]["code"] == "unavailable"
