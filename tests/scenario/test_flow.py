"""A visitor writes, agents answer, the card has it all, search finds it, the trail explains it."""
from harness import until


def thread_of(agent, visitor_text):
    def look():
        for thread, messages in agent.screen.items():
            for m in messages.values():
                if m.get("text") == visitor_text:
                    return thread
        return None
    return agent.wait(look, 10, f"for {visitor_text!r}")


def texts(messages):
    return [m["text"] for m in messages if m["direction"] in ("in", "out")]


def test_whole_way(gateway):
    agent = gateway.agent()
    visitor = gateway.visitor()
    ack = visitor.say_and_wait("Здравствуйте, где мой заказ?")
    thread = thread_of(agent, "Здравствуйте, где мой заказ?")
    got = agent.find(thread, "Здравствуйте, где мой заказ?")[0]
    assert got["seq"] == ack["seq"] and got["id"] == ack["id"] and got["direction"] == "in"

    answer = agent.command("send", thread=thread, text="It is on its way, dear.")
    assert answer["type"] == "ok", answer
    shown = visitor.wait(lambda: [m for m in visitor.screen.values()
                                  if m["text"] == "It is on its way, dear."], 10)[0]
    assert shown["direction"] == "out" and shown["from"]["kind"] == "agent"

    # ticks: delivered because the widget said so, then read both ways
    seq = answer["message"]["seq"]
    agent.wait(lambda: agent.status(thread, seq) in ("delivered", "read"), 10)
    visitor.send({"type": "read", "upto": seq})
    agent.wait(lambda: agent.status(thread, seq) == "read", 10)
    assert agent.command("read", thread=thread, seq=ack["seq"])["type"] == "ok"
    visitor.wait(lambda: visitor.read_seq >= ack["seq"], 10)
    until(lambda: gateway.login().get(f"/threads/{thread}")["thread"]["unread"] == 0, 5)

    # the card, by the API and in the file
    api = gateway.login()
    client = api.get(f"/threads/{thread}")["client"]["id"]
    until(lambda: api.get(f"/clients/{client}")["client"].get("card"), 10, why="for the card")
    until(lambda: {"Здравствуйте, где мой заказ?", "It is on its way, dear."} <=
          {m.get("text") for m in gateway.card_messages()}, 10, why="for both in the card")

    # search by a word of it, in both languages
    for word in ("заказ", "way"):
        found = until(lambda w=word: api.get("/threads", q=w)["threads"], 10, why=f"to find {word}")
        assert found[0]["id"] == thread and found[0]["match"]["snippet"]

    # the trail answers where it is and why
    trail = [t["what"] for t in api.get(f"/messages/{ack['id']}/trace")["trail"]]
    assert trail[0] == "received" and "stored" in trail
    until(lambda: any(t["what"].startswith("attached") for t in
                      api.get(f"/messages/{ack['id']}/trace")["trail"]), 10)
    out = [t["what"] for t in api.get(f"/messages/{answer['message']['id']}/trace")["trail"]]
    assert "sent" in out and "read" in out
    assert ack["id"] in gateway.cli("trace", ack["id"]).stdout


def test_note_is_for_agents_only(gateway):
    agent, visitor = gateway.agent(), gateway.visitor()
    visitor.say_and_wait("hello")
    thread = thread_of(agent, "hello")
    note = agent.command("send", thread=thread, text="he is rude", note=True)
    assert note["type"] == "ok" and note["message"]["direction"] == "note"
    agent.command("send", thread=thread, text="good day")
    visitor.wait(lambda: any(m["text"] == "good day" for m in visitor.screen.values()), 10)
    heard, plain = [], visitor.on_frame
    visitor.on_frame = lambda f: (heard.append(f), plain(f))
    visitor.cut()
    visitor.wait(lambda: visitor.connects == 2 and visitor.ready.is_set())
    visitor.send({"type": "history", "before": 1000, "limit": 50})
    page = visitor.wait(lambda: [f for f in heard if f["type"] == "history"])[0]
    assert texts(page["messages"]) == ["hello", "good day"] and "rude" not in str(heard + list(visitor.screen.values()))


def test_two_agents_see_the_same(gateway):
    gateway.add_user("ann")
    gateway.add_user("bob")
    ann, bob, visitor = gateway.agent("ann"), gateway.agent("bob"), gateway.visitor()
    ann.wait(lambda: {"ann", "bob"} <= set(ann.online), 10, "for presence")
    visitor.say_and_wait("one")
    thread = thread_of(ann, "one")
    thread_of(bob, "one")
    assert ann.command("change", thread=thread, assignee="ann")["type"] == "ok"
    bob.wait(lambda: bob.threads.get(thread, {}).get("assignee") == "ann", 10, "for assignment")
    ann.send({"type": "typing", "thread": thread, "on": True})
    bob.wait(lambda: any(t["who"] == "ann" and t["thread"] == thread for t in bob.typing), 5)
    visitor.wait(lambda: visitor.typing, 5, "for the agent's typing")
    visitor.send({"type": "typing", "on": True})
    ann.wait(lambda: any(t["who"] == "client" for t in ann.typing), 5)
    bob.cut()
    for i in range(20):
        ann.command("send", thread=thread, text=f"a{i}")
    bob.wait(lambda: all(bob.find(thread, f"a{i}") for i in range(20)), 15, "after the cut")
    assert ann.command("change", thread=thread, state="closed")["type"] == "ok"
    bob.wait(lambda: bob.threads[thread]["state"] == "closed", 10)
    visitor.say_and_wait("still here")
    bob.wait(lambda: bob.threads[thread]["state"] == "open", 10, "to open again")
    api = gateway.login()
    whole = api.messages(thread)
    assert [m["seq"] for m in whole] == list(range(1, len(whole) + 1))
    for screen in (ann.screen, bob.screen):
        assert {s: m["id"] for s, m in screen[thread].items()} == {m["seq"]: m["id"] for m in whole}


def test_same_key_is_one_message(gateway):
    agent, visitor = gateway.agent(), gateway.visitor()
    first = visitor.say_and_wait("only once")
    thread = thread_of(agent, "only once")
    visitor.acks.clear()
    visitor.send({"type": "msg", "cid": visitor.acked_order[0], "text": "only once"})
    again = visitor.wait(lambda: list(visitor.acks.values()), 10)[0]
    assert (again["id"], again["seq"]) == (first["id"], first["seq"])
    api = gateway.login()
    body = {"id": "k1", "text": "by REST"}
    a = api.ask("POST", f"/threads/{thread}/messages", json=body)
    b = api.ask("POST", f"/threads/{thread}/messages", json=body)
    assert (a.status_code, b.status_code) == (202, 200)
    assert a.json()["message"]["id"] == b.json()["message"]["id"]
    c = agent.command("send", thread=thread, text="by socket", id="k2")
    d = agent.command("send", thread=thread, text="by socket", id="k2")
    assert c["message"]["id"] == d["message"]["id"]
    assert texts(api.messages(thread)) == ["only once", "by REST", "by socket"]


def test_visitor_returns_with_history(gateway):
    agent, visitor = gateway.agent(), gateway.visitor()
    visitor.say_and_wait("before")
    thread = thread_of(agent, "before")
    visitor.stop()
    for i in range(5):
        agent.command("send", thread=thread, text=f"while away {i}")
    back = gateway.visitor(start=False)
    back.token = visitor.token
    back.start()
    back.wait(lambda: len(back.screen) >= 6, 10, "for the history")
    assert back.visitor == visitor.visitor
    shown = [back.screen[s]["text"] for s in sorted(back.screen)]
    assert shown[-5:] == [f"while away {i}" for i in range(5)] and "before" in shown


def test_merge(gateway):
    agent = gateway.agent()
    one, two = gateway.visitor(), gateway.visitor()
    one.say_and_wait("from the phone")
    two.say_and_wait("from the laptop")
    api = gateway.login()
    a, b = thread_of(agent, "from the phone"), thread_of(agent, "from the laptop")
    ca, cb = (api.get(f"/threads/{t}")["client"]["id"] for t in (a, b))
    merged = api.post(f"/clients/{ca}/merge", {"from": cb})["client"]
    assert merged["id"] == ca and len(merged["identities"]) == 2
    two.say_and_wait("after the merge")
    until(lambda: "after the merge" in texts(api.messages(a)), 10, why="in the one thread")
    assert agent.command("send", thread=a, text="to both", id="m1")["type"] == "ok"
    two.wait(lambda: any(m["text"] == "to both" for m in two.screen.values()), 10)


def test_loopback_channel(gateway):
    agent = gateway.agent()
    r = gateway.hook({"from": {"address": "42", "name": "Ann"}, "id": "m1", "text": "hi"})
    assert r.status_code == 200 and not r.json()["duplicate"]
    assert gateway.hook({"from": {"address": "42", "name": "Ann"}, "id": "m1",
                         "text": "hi"}).json()["duplicate"]
    thread = r.json()["thread"]
    ok = agent.command("send", thread=thread, text="hi, Ann")
    agent.wait(lambda: agent.status(thread, ok["message"]["seq"]) in
               ("sent", "delivered"), 10)
    lost = agent.command("send", thread=thread, text="!lose")
    agent.wait(lambda: agent.status(thread, lost["message"]["seq"]) == "unknown", 10)
    no = agent.command("send", thread=thread, text="!reject")
    agent.wait(lambda: agent.status(thread, no["message"]["seq"]) == "failed", 10)
    again = agent.command("send", thread=thread, text="!fail 2")
    agent.wait(lambda: agent.status(thread, again["message"]["seq"]) in
               ("sent", "delivered"), 30, "for the third try")
