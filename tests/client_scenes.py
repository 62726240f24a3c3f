"""What is asked of a client by each operation about him: scenes for test_api_contract.py."""
import json
import time

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000100000000376ef9240000000a"
                    "49444154789c636000000002000148afa4710000000049454e44ae426082")
NOBODY = "7ZZZZZZZZZZZZZZZZZZZZZZZ00"


def merge_clients(w):
    a, b = w.client(), w.client()
    for _ in range(2):  # repeating it is harmless
        assert w.call("mergeClients", {"id": a}, 200, json={"from": b})["client"]["id"] == a
    assert w.call("getClient", {"id": b}, 200)["client"]["merged_into"] == a
    w.call("mergeClients", {"id": a}, 400, json={"from": a})
    w.call("mergeClients", {"id": a}, 400, json={"from": "nonsense"})
    w.call("mergeClients", {"id": a}, 404, json={"from": NOBODY})
    w.call("changeClient", {"id": b}, 409, json={"name": "x"})
    unmerge_clients(w, a, b)


def unmerge_clients(w, a, b):
    assert [m["client"] for m in w.call("getClient", {"id": a}, 200)["client"]["merges"]] == [b]
    w.call("unmergeClients", {"id": b}, 409, json={"from": a})
    for _ in range(2):
        assert "merges" not in w.call("unmergeClients", {"id": a}, 200, json={"from": b})["client"]
    assert w.call("getClient", {"id": b}, 200)["client"]["merged_into"] is None
    w.call("unmergeClients", {"id": a}, 409, json={"from": w.client()})
    w.call("unmergeClients", {"id": a}, 400, json={"from": a})
    w.call("unmergeClients", {"id": a}, 404, json={"from": NOBODY})


def client_files(w):
    thread = w.thread()
    c = w.admin.get("/threads/" + thread)["client"]["id"]
    file = w.admin.post("/media?name=a.png", None, data=PNG)["media"]["id"]
    w.admin.post(f"/threads/{thread}/messages", {"text": "x", "attachments": [file], "note": True})
    got = w.call("listFiles", {"id": c}, 200)
    assert [f["file"]["id"] for f in got["files"]] == [file] and got["next"] is None
    for bad in ({"cursor": "x"}, {"limit": 0}):
        w.call("listFiles", {"id": c}, 400, params=bad)
    w.call("listFiles", {"id": NOBODY}, 404)
    r = w.call("exportClient", {"id": c}, 200)
    lines = [json.loads(line) for line in r.text.splitlines()]
    assert [line["type"] for line in lines] == ["export", "client", "message", "file", "message", "end"]
    w.call("exportClient", {"id": c}, 403, api=w.agent(f"curious{time.monotonic_ns()}"))
    w.call("exportClient", {"id": NOBODY}, 404)


def erase_client(w):
    c, name = w.client(), "Ann <script>"
    for bad in ({"reason": "", "confirm": name}, {"confirm": name}, {"reason": "asked", "confirm": "Ann"}, {"reason": "asked"}):
        w.call("eraseClient", {"id": c}, 400, json=bad)
    w.call("eraseClient", {"id": c}, 403, json={"reason": "asked", "confirm": name},
           api=w.agent(f"rash{time.monotonic_ns()}"))
    for _ in range(2):
        gone = w.call("eraseClient", {"id": c}, 200, json={"reason": "asked", "confirm": name})["client"]
        assert (gone["name"], gone["identities"], gone["erased"]["reason"]) == ("", [], "asked")
    assert w.call("getClient", {"id": c}, 200)["client"]["erased"]["by"] == "admin"
    w.call("eraseClient", {"id": NOBODY}, 404, json={"reason": "asked", "confirm": name})


def suggestions(w):
    assert w.call("getSuggestions", {"id": w.client()}, 200)["suggestions"] == []
    w.call("getSuggestions", {"id": NOBODY}, 404)
    w.call("dismissSuggestion", {"id": w.client(), "other": w.client()}, 404)
    w.call("dismissSuggestion", {"id": NOBODY, "other": w.client()}, 404)
