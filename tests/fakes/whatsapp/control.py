"""The fake by hand: a page to type in as a WhatsApp user, JSON endpoints for the same, and scenario files that are
played step by step. A step is an object with one of
  {"phone": "4917600000", "name": "Ann", "do": "text", "args": ["hi"], "with": {...}, "as": "m1"}   what a person does
      (users.py, Chat); "group" instead of the private chat; "hidden": true hides the number; {"ref": "m1"} stands for
      an earlier wamid
  {"own": "echo", ...the same...}    what the business does on its phone (users.py, NumberHandle), towards that person
  {"wait": 200}, {"advance": 86400}, {"fault": {"kind": "131056"}}, {"calm": true}
"""

import json
import pathlib
import time
import urllib.parse

from ..wire import Answer

FOLDER = pathlib.Path(__file__).parent
ACTIONS = {"text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts", "share_phone", "press",
           "flow", "call_permission", "react", "order", "quote", "forward", "ask_product", "from_ad", "unsupported", "edit",
           "revoke", "welcome", "change_number", "preference", "call", "read", "say"}
OWN = {"echo", "history", "history_media"}


class Player:
    """Plays steps for one number; remembers people, and messages by name."""

    def __init__(self, fake, number):
        self.fake, self.number, self.named, self.people = fake, number, {}, {}

    def user(self, step):
        key = step.get("phone") or step.get("bsuid")
        if key not in self.people:
            self.people[key] = self.fake.user(step.get("phone"), step.get("name", f"User {key}"), **{
                k: step[k] for k in ("bsuid", "username", "hidden", "parent") if k in step})
        return self.people[key]

    def resolve(self, value):
        if isinstance(value, dict) and set(value) == {"ref"}:
            named = self.named[value["ref"]]
            return named[-1] if isinstance(named, list) else named
        if isinstance(value, list):
            return [self.resolve(v) for v in value]
        return value

    def play(self, step):
        if "wait" in step:
            time.sleep(step["wait"] / 1000)
        elif "advance" in step:
            self.fake.advance(step["advance"])
        elif "fault" in step:
            self.fake.fault(**step["fault"])
        elif "calm" in step:
            self.fake.calm()
        elif step.get("do") in ACTIONS or step.get("own") in OWN:
            args = [self.resolve(v) for v in step.get("args", [])]
            given = {k: self.resolve(v) for k, v in step.get("with", {}).items()}
            if "own" in step:
                done = getattr(self.number, step["own"])(self.user(step), *args, **given)
            else:
                user = self.user(step)
                chat = self.number.in_group(user, step["group"]) if "group" in step else user.chat(self.number)
                done = getattr(chat, step["do"])(*args, **given)
            if "as" in step:
                self.named[step["as"]] = done
            return done
        else:
            raise ValueError(f"no such step: {step}")
        return None


def play_file(fake, number, path):
    """All steps of a scenario file; gives how many there were."""
    player, steps = Player(fake, number), json.loads(pathlib.Path(path).read_text())
    for step in steps:
        player.play(step)
    return len(steps)


class Control:
    """What is served beside the Graph API."""

    def __init__(self, fake, number):
        self.fake, self.number = fake, number
        self.player = Player(fake, number)
        self.said = []  # what people did on the page, to be shown there

    async def __call__(self, request):
        query = dict(urllib.parse.parse_qsl(request.query))
        try:
            if request.path == "/":
                return Answer(200, (FOLDER / "page.html").read_bytes(), "text/html; charset=utf-8")
            if request.path == "/control/chat":
                return Answer(200, self.chat(query["phone"]))
            if request.path == "/control/file":
                media = self.fake.world.media[query["id"]]
                return Answer(200, media["data"], media["mime"])
            if request.path == "/control/do" and request.method == "POST":
                step = json.loads(request.body)
                done = self.player.play(step)
                if step.get("do"):
                    self.said.append({"phone": step.get("phone"), "id": done, "do": step["do"],
                                      "args": step.get("args", []), "at": self.fake.world.now()})
                return Answer(200, {"done": done})
            if request.path == "/control/windows" and request.method == "POST":
                self.fake.advance(86400)
                return Answer(200, {})
        except (KeyError, ValueError, TypeError) as e:
            return Answer(400, {"error": str(e)})
        return Answer(404, {"error": "not found"})

    def chat(self, phone):
        user = self.player.people.get(phone)
        mine = [s for s in self.said if s["phone"] == phone]
        theirs = [{"id": m["id"], "type": m["type"], "body": m["body"], "at": m["at"], "status": m["status"],
                   "text": self.shown(m), "replies": self.replies(m)} for m in (user.inbox if user else [])]
        open_ = bool(user) and self.fake.world.window_is_open(self.number.number, user)
        return {"mine": mine, "theirs": theirs, "window": open_, "problems": self.fake.problems[-20:],
                "number": self.number.number.fields()}

    def replies(self, m):
        return self.fake.quick_replies(m["number_object"], m) if m["type"] == "template" else []

    def shown(self, m):
        """A template as the client sees it."""
        if m["type"] != "template":
            return None
        t = next(t for t in m["number_object"].waba.templates if t["name"] == m["body"]["template"]["name"])
        text = next((c["text"] for c in t["components"] if c["type"] == "BODY"), "")
        for c in m["body"]["template"].get("components", []):
            for i, p in enumerate(c.get("parameters", [])):
                if c["type"] == "body" and p.get("type") == "text":
                    text = text.replace("{{" + p.get("parameter_name", str(i + 1)) + "}}", p["text"])
        return text
