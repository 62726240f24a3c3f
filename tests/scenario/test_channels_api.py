"""Admins add, change and remove channels by the API: checked as the file is, in force at once, kept over restarts."""
import json
import re
import stat
import threading

import pytest
from fakes.telegram import FakeTelegram
from harness import CONFIG, ROOT, SLOWER, until

from clients import Api

TOKEN = "123456789:AAE" + "x" * 32
OTHER = "123456789:AAF" + "y" * 32
BOT = 'telegram "fixed" {{ token = "987654321:AAE' + "z" * 32 + '" api_url = "http://127.0.0.1:9" }}\n'


class World:
    def __init__(self, start_gateway, **kw):
        self.fake = FakeTelegram()
        self.bot = self.fake.bot(TOKEN, username="shop_bot", first_name="Shop")
        self.gateway = start_gateway(**kw)
        self.api = self.gateway.login()

    @property
    def file(self):
        return self.gateway.data / "channels.conf"

    def ask(self, method, path, status, body=None, api=None):
        kw = {} if body is None else {"json": body}
        r = (api or self.api).ask(method, "/channels" + path, **kw)
        assert r.status_code == status, (r.status_code, r.text)
        return r.json() if r.content else None

    def refused(self, method, path, status, body, *words, api=None):
        detail = self.ask(method, path, status, body, api)["detail"]
        for w in words:
            assert w in detail, (w, detail)

    def settings(self, **more):
        return {"token": TOKEN, "mode": "polling", "api_url": self.fake.url, **more}

    def add(self, name="sales", connector="telegram", settings=None, status=201):
        body = {"connector": connector, "name": name, "settings": settings or self.settings()}
        return self.ask("POST", "", status, body)

    def channels(self):
        return {c["name"]: c for c in self.api.get("/channels")["channels"]}

    def wait(self, name="sales", state="ready"):
        return until(lambda: (lambda c: c if c and c["state"] == state else None)(self.channels().get(name)),
                     20 * SLOWER, why=f"for {name} to be {state}")

    def thread(self, text):
        """The thread with this as its last message."""
        return until(lambda: next((t["id"] for t in self.api.threads() if self.api.messages(t["id"])[-1].get("text") == text),
                                  None), 15 * SLOWER, why=f"for {text!r}")

    def answer(self, thread, text, status="sent"):
        m = self.api.post(f"/threads/{thread}/messages", {"text": text})["message"]
        return until(lambda: next((x for x in self.api.messages(thread) if x["id"] == m["id"] and x["status"] == status),
                                  None), 15 * SLOWER, why=f"for {text!r} to be {status}")


@pytest.fixture
def world(start_gateway):
    w = World(start_gateway, config=CONFIG + BOT)
    yield w
    w.fake.close()


def test_a_bot_is_added_and_stays(world):
    """A token is enough: messages flow both ways, after a restart too; every command sees the channel."""
    got = world.add()["channel"]
    assert got["source"] == "api" and got["settings"]["token"] == "***" and got["settings"]["api_url"] == world.fake.url
    world.wait()
    ann = world.fake.user(42, "Ann").chat(world.bot)
    ann.text("is the bot here?")
    thread = world.thread("is the bot here?")
    world.answer(thread, "it is")
    until(lambda: ann.seen()[-1]["text"] == "it is", 10)
    world.gateway.restart()
    assert world.wait()["source"] == "api" and world.channels()["fixed"]["source"] == "file"
    ann.text("and now?")
    assert world.thread("and now?") == thread
    world.answer(thread, "still")
    assert "channels: 4" in world.gateway.cli("check-config").stdout
    assert 'telegram "sales"' in world.gateway.cli("check-config", "--print").stdout
    assert 'telegram "sales"' in world.gateway.cli("doctor", check=False).stdout


def test_what_is_wrong_is_said(world):
    def wrong(name, settings, *words, connector="telegram", status=400):
        world.refused("POST", "", status, {"connector": connector, "name": name, "settings": settings}, *words)

    wrong("sales", {"token": "my token"}, "token: ", "@BotFather")
    wrong("sales", {}, "token: is needed")
    wrong("sales", {"token": "***"}, "token: is needed")
    wrong("sales", {"token": TOKEN, "mode": "pigeon"}, "mode: ", "auto|webhook|polling")
    wrong("sales", {"token": TOKEN, "mdoe": "auto"}, "mdoe: ", "did you mean mode")
    wrong("sales", {"token": TOKEN, "mode": "webhook"}, "mode webhook needs public_url")
    wrong("sales", {"token": TOKEN, "mode": 5}, "mode: expected")
    wrong("sales", {"token": TOKEN, "contact_button": "a\u0007b"}, "contact_button: ")
    wrong("sales", {"token": TOKEN, "local_files": True}, "local_files: only the configuration file")
    wrong("sales", {"outbox": "/etc/cron.d/x"}, "outbox: only the configuration file", connector="loopback")
    wrong("Sales!", {"token": TOKEN}, "name: expected 1 to 32")
    wrong("fixed", {"token": TOKEN}, "already", status=409)
    wrong("test", {"token": TOKEN}, "already", status=409)
    wrong("x", {}, "connector: expected one of", connector="carrier-pigeon")
    wrong("shop", {"origins": ["shop.example"]}, "origins: ", connector="sitechat")
    wrong("shop", {"origins": ["self", 5]}, "origins: ", connector="sitechat")
    wrong("shop", {"text_max": 5}, "text_max: must be between", connector="sitechat")
    wrong("shop", {"identity_required": True}, "identity_secret", connector="sitechat")
    world.refused("POST", "", 400, {"name": "x", "settings": {}}, "connector")
    world.refused("POST", "", 400, {"name": "x", "connector": "telegram", "settings": []}, "settings")
    world.refused("POST", "", 400, {"name": "x", "connector": "telegram", "settings": {}, "more": 1}, "more")
    world.refused("PATCH", "/fixed", 409, {"settings": {"mode": "polling"}}, "configuration file")
    world.refused("DELETE", "/fixed", 409, None, "configuration file")
    world.refused("PATCH", "/nobody", 404, {"settings": {}}, "no such channel")
    world.refused("DELETE", "/nobody", 404, None, "no such channel")
    world.refused("GET", "/nobody/settings", 404, None, "no such channel")
    assert not world.file.exists() and "config.reload" not in world.gateway.log()
    world.add()
    wrong("sales", {"token": TOKEN}, "already", status=409)
    world.gateway.write_config("wrokers = 1\n")
    world.refused("DELETE", "/sales", 409, None, "wrokers", "mended first")


def test_every_setting_has_its_russian_words(world):
    """The form's labels and hints: the English ones are the tables' own."""
    words = (ROOT / "gateway/ui/inbox/strings_ru_settings.mjs").read_text()
    wanted = set()
    for c in world.api.get("/connectors")["connectors"]:
        keys = [f"{c['name']}.{s['key']}" for s in c["settings"]]
        wanted |= {f"kind.{c['name']}", f"help.{c['name']}", *("set." + k for k in keys), *("help." + k for k in keys)}
    assert set(re.findall(r'^    "([^"]+)":', words, re.M)) == wanted


def test_only_admins(world):
    world.gateway.add_user("ann")
    world.gateway.add_user("sue", "supervisor")
    body = {"connector": "telegram", "name": "sales", "settings": world.settings()}
    token = world.gateway.cli("token", "add", "tool", "--role", "admin", "--scopes", "read,write").stdout.split()[-1]
    for api in (world.gateway.login("ann", world.gateway.PASSWORD), world.gateway.login("sue", world.gateway.PASSWORD),
                Api(world.gateway.url, token)):
        world.ask("POST", "", 403, body, api)
        world.ask("PATCH", "/sales", 403, {"settings": {}}, api)
        world.ask("DELETE", "/sales", 403, None, api)
        world.ask("GET", "/fixed/settings", 403, None, api)
        assert api.ask("GET", "/connectors").status_code == 403
    assert not world.file.exists()


def test_another_token(world):
    """The old one is no longer good at Telegram; the new one is the same bot's. What is not named stays."""
    world.add(settings=world.settings(contact_button="It's \\ \"${HOME}\"\nme # {}"))
    world.wait()
    ann = world.fake.user(42, "Ann").chat(world.bot)
    ann.text("before")
    thread = world.thread("before")
    world.fake.do(lambda: world.fake.world.bots.update({OTHER: world.fake.world.bots.pop(TOKEN)}))
    world.refused("PATCH", "/sales", 400, {"settings": {"token": "nonsense"}}, "token: ")
    got = world.ask("PATCH", "/sales", 200, {"settings": {"token": OTHER}})["channel"]["settings"]
    assert got == world.ask("GET", "/sales/settings", 200)["channel"]["settings"]
    assert got["contact_button"] == "It's \\ \"${HOME}\"\nme # {}" and got["mode"] == "polling"
    until(lambda: world.file.read_text().count(OTHER) == 1 and TOKEN not in world.file.read_text(), 5)
    ann.text("after")
    assert world.thread("after") == thread
    world.answer(thread, "with the new one")
    got = world.ask("PATCH", "/sales", 200, {"settings": {"contact_button": None, "token": "***"}})["channel"]["settings"]
    assert got["contact_button"] == "Share my phone number" and OTHER in world.file.read_text()


def test_a_stolen_session_gets_no_token(world):
    """Whoever sends the channel to another server must bring the secrets himself."""
    world.add()
    for settings in ({"api_url": "http://127.0.0.1:1"}, {"api_url": "http://127.0.0.1:1", "token": "***"}, {"api_url": None}):
        world.refused("PATCH", "/sales", 400, {"settings": settings}, "token: is needed again", "api_url")
    world.ask("PATCH", "/sales", 200, {"settings": {"api_url": world.fake.url}})
    world.ask("PATCH", "/sales", 200, {"settings": {"api_url": "http://127.0.0.1:1", "token": OTHER}})


def test_removed(world):
    """Its dialogues stay and can be read; a channel of the same name takes them up again."""
    world.add()
    world.wait()
    ann = world.fake.user(42, "Ann").chat(world.bot)
    ann.text("remember me")
    thread = world.thread("remember me")
    world.ask("DELETE", "/sales", 204)
    until(lambda: "sales" not in world.channels(), 15 * SLOWER)
    assert [m["text"] for m in world.api.messages(thread)] == ["remember me"]
    r = world.api.ask("POST", f"/threads/{thread}/messages", json={"text": "lost?"})
    assert 400 <= r.status_code < 500 and r.json()["detail"], r.text
    assert "sales" not in world.file.read_text()
    world.gateway.restart()
    assert [m["text"] for m in world.api.messages(thread)] == ["remember me"]
    world.add()
    world.wait()
    ann.text("again")
    assert world.thread("again") == thread
    world.answer(thread, "welcome back")


def test_secrets_stay_inside(world):
    world.add()
    world.wait()
    world.ask("PATCH", "/sales", 200, {"settings": {"token": OTHER}})
    world.refused("POST", "", 409, {"connector": "telegram", "name": "sales", "settings": world.settings()}, "already")
    world.refused("POST", "", 400, {"connector": "telegram", "name": "b", "settings": world.settings(mode="webhook")}, "mode")
    said = [world.ask("GET", "/sales/settings", 200), world.ask("GET", "/fixed/settings", 200), world.channels(),
            world.api.ask("POST", "/channels/sales/check").json(), world.api.get("/connectors"), world.gateway.log(),
            world.gateway.cli("check-config", "--print").stdout]
    for secret in (TOKEN, OTHER, "z" * 32):
        assert secret not in json.dumps(said)
    assert stat.S_IMODE(world.file.stat().st_mode) == 0o600
    assert not (world.gateway.data / "channels.conf.new").exists()
    secret = next(s for c in world.api.get("/connectors")["connectors"] if c["name"] == "telegram"
                  for s in c["settings"] if s["key"] == "token")
    assert secret["secret"] and secret["required"] and secret["default"] is None


def test_many_at_once(world):
    """One writer at a time, on whichever worker: who comes in between is told, and nothing is lost; nobody is cut off."""
    answers = []

    def add(n):
        api = world.gateway.login()
        body = {"connector": "loopback", "name": f"box{n}", "settings": {}}
        answers.append(until(lambda: (lambda s: s if s != 409 else None)(api.ask("POST", "/channels", json=body).status_code), 20))

    threads = [threading.Thread(target=add, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [201] * 6
    until(lambda: {f"box{n}" for n in range(6)} <= set(world.channels()), 30 * SLOWER)
    until(lambda: world.gateway.hook({"from": {"address": "a"}, "id": "1", "text": "x"}, channel="box5").status_code == 200,
          why="for whichever worker")


def test_a_name_in_both_files(world):
    """Whoever writes the name into the main file as well is told where the other is."""
    world.add()
    world.wait()
    world.gateway.write_config('loopback "sales" {}\n')
    p = world.gateway.cli("check-config", check=False)
    assert p.returncode == 78 and '"sales" is used twice' in p.stderr and "by the API" in p.stderr
    world.gateway.write_config()
    world.file.write_text("listen = \"127.0.0.1:1\"\n")
    p = world.gateway.cli("check-config", check=False)
    assert p.returncode == 78 and "channels.conf:1: unknown key" in p.stderr
