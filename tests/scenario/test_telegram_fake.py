"""The fake of Telegram is as strict as the real one: what it refuses, and in which words."""

import json
import urllib.request

import pytest
from fakes.telegram import FakeTelegram
from fakes.telegram.control import Control
from harness import until

TOKEN = "123456:" + "A" * 35


@pytest.fixture
def fake():
    f = FakeTelegram()
    yield f
    f.close()


@pytest.fixture
def bot(fake):
    return fake.bot(TOKEN)


def call(fake, name, token=TOKEN, **params):
    r = urllib.request.Request(f"{fake.url}/bot{token}/{name}", json.dumps(params).encode(),
                               {"Content-Type": "application/json"})
    try:
        return json.load(urllib.request.urlopen(r, timeout=60))
    except urllib.error.HTTPError as e:
        body = e.read()
        return json.loads(body) if body.startswith(b"{") else {"ok": False, "error_code": e.code, "html": body}


def refused(fake, name, **params):
    answer = call(fake, name, **params)
    assert not answer["ok"], answer
    return answer["error_code"], answer.get("description", "")


def test_tokens_and_methods(fake, bot):
    assert refused(fake, "getMe", token="1:x") == (401, "Unauthorized")
    assert refused(fake, "getNothing")[0] == 404
    assert call(fake, "GETME")["result"]["id"] == 123456


@pytest.mark.parametrize("params,words", [
    ({"text": ""}, "message text is empty"), ({"text": " \n"}, "message text is empty"),
    ({"text": "x" * 4097}, "message is too long"), ({"text": "<b>x", "parse_mode": "HTML"}, "Can't find end tag"),
    ({"text": "<p>x</p>", "parse_mode": "HTML"}, 'Unsupported start tag "p" at byte offset 0'),
    ({"text": "x</b>", "parse_mode": "HTML"}, "Unmatched end tag at byte offset 1"),
    ({"text": "😀x", "entities": [{"type": "bold", "offset": 1, "length": 1}]}, "in a middle of a UTF-16 symbol"),
    ({"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 2}]}, "entity ends after"),
    ({"text": "x", "reply_parameters": {"message_id": 77}}, "message to be replied not found"),
    ({"text": "x", "message_thread_id": 1}, "message thread not found"),
    ({"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "я" * 33}]]}}, "BUTTON_DATA_INVALID")])
def test_what_is_refused(fake, bot, params, words):
    fake.user(42).chat(bot).text("hi")
    code, text = refused(fake, "sendMessage", chat_id=42, **params)
    assert code == 400 and words in text


def test_who_may_be_written_to(fake, bot):
    ann = fake.user(42).chat(bot)
    assert refused(fake, "sendMessage", chat_id=42, text="x") == (400, "Bad Request: chat not found")
    ann.text("hi")
    assert call(fake, "sendMessage", chat_id=42, text="x")["ok"]
    ann.block()
    assert refused(fake, "sendMessage", chat_id=42, text="x") == (403, "Forbidden: bot was blocked by the user")


def test_a_second_opinion_on_requests(fake, bot):
    fake.user(42).chat(bot).text("hi")
    call(fake, "sendMessage", chat_id=42, text="x", disable_notifications=True)
    call(fake, "sendMessage", chat_id=42, text="x", reply_markup={"inline_keyboard": [[{"txt": "a", "callback_data": "b"}]]})
    assert fake.problems[0] == "sendMessage: unknown parameter disable_notifications"
    assert any("unknown field txt" in p for p in fake.problems)


def test_updates_are_confirmed_by_offset(fake, bot):
    ann = fake.user(42).chat(bot)
    for i in range(5):
        ann.text(f"m{i}")
    first = call(fake, "getUpdates", limit=2)["result"]
    assert [u["message"]["text"] for u in first] == ["m0", "m1"] and bot.pending() == 5
    rest = call(fake, "getUpdates", offset=first[-1]["update_id"] + 1)["result"]
    assert len(rest) == 3 and bot.pending() == 3
    assert len(call(fake, "getUpdates", offset=-1)["result"]) == 1 and bot.pending() == 1
    ann.react(first[0]["message"], "👍")
    assert bot.pending() == 1  # reactions have to be asked for
    call(fake, "getUpdates", allowed_updates=["message", "message_reaction"])
    ann.react(first[0]["message"], "🔥")
    assert bot.pending() == 2


def test_one_consumer(fake, bot):
    import threading
    got = []
    t = threading.Thread(target=lambda: got.append(call(fake, "getUpdates", timeout=20)))
    t.start()
    until(lambda: fake.calls.get("getUpdates"))
    call(fake, "getUpdates")
    t.join()
    assert got[0]["error_code"] == 409 and "terminated by other getUpdates" in got[0]["description"]
    assert refused(fake, "setWebhook", url="https://127.0.0.1/x")[1].startswith("Bad Request: bad webhook: IP address")
    fake.allow_plain = False
    assert "HTTPS URL" in refused(fake, "setWebhook", url="http://127.0.0.1/x")[1]
    assert "only on ports" in refused(fake, "setWebhook", url="https://example.org:8080/x")[1]
    fake.allow_plain = True
    assert call(fake, "setWebhook", url="http://127.0.0.1:9/x", secret_token="abc")["ok"]
    assert "while webhook is active" in refused(fake, "getUpdates")[1]
    assert refused(fake, "setWebhook", url="http://127.0.0.1:9/x", secret_token="a b")[1].endswith("unallowed characters")


def test_limits(fake, bot):
    ann = fake.user(42).chat(bot)
    ann.text("hi")
    fake.limits.on = True
    answers = [call(fake, "sendMessage", chat_id=42, text="x") for _ in range(5)]
    late = next(a for a in answers if not a["ok"])
    assert late["error_code"] == 429 and late["parameters"]["retry_after"] >= 1
    call(fake, "sendMessage", chat_id=42, text="too early")
    assert any("too early" in p for p in fake.problems)


def test_albums_and_files(fake, bot):
    fake.user(42).chat(bot).text("hi")
    assert "wrong number" in refused(fake, "sendMediaGroup", chat_id=42, media=[{"type": "photo", "media": "x"}])[1]
    mixed = [{"type": "photo", "media": "x"}, {"type": "document", "media": "y"}]
    assert "can't be mixed" in refused(fake, "sendMediaGroup", chat_id=42, media=mixed)[1]
    big = fake.user(42).chat(bot).document(size=21 << 20)
    assert refused(fake, "getFile", file_id=big["document"]["file_id"]) == (400, "Bad Request: file is too big")
    assert refused(fake, "getFile", file_id="nonsense")[0] == 400


def test_changes(fake, bot):
    fake.user(42).chat(bot).text("hi")
    m = call(fake, "sendMessage", chat_id=42, text="x")["result"]["message_id"]
    assert "not modified" in refused(fake, "editMessageText", chat_id=42, message_id=m, text="x")[1]
    assert "can't be edited" in refused(fake, "editMessageText", chat_id=42, message_id=1, text="x")[1]
    assert "to edit not found" in refused(fake, "editMessageText", chat_id=42, message_id=99, text="x")[1]
    for emoji in ("❤️", "🦄"):
        assert refused(fake, "setMessageReaction", chat_id=42, message_id=1, reaction=[{"type": "emoji", "emoji": emoji}])[1].endswith("REACTION_INVALID")
    assert "too old" in refused(fake, "answerCallbackQuery", callback_query_id="1")[1]


def test_by_hand(fake, bot):
    fake.page = Control(fake, bot)
    assert b"<title>" in urllib.request.urlopen(fake.url + "/").read()
    step = json.dumps({"user": 42, "name": "Ann", "do": "text", "with": {"text": "typed"}}).encode()
    assert urllib.request.urlopen(fake.url + "/control/do", step).status == 200
    chat = json.load(urllib.request.urlopen(fake.url + "/control/chat?user=42"))
    assert chat["messages"][0]["text"] == "typed" and bot.pending() == 1
