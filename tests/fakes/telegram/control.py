"""The fake by hand and from other processes: a page to type in as a Telegram user, JSON endpoints for the
same, and scenario files that are played step by step.

A step is an object with one of
  {"user": 42, "name": "Ann", "do": "text", "with": {...}, "as": "m1"}   what a person does (users.py, Chat);
      "group"/"title"/"topic" instead of the private chat; {"ref": "m1"} stands for an earlier message
  {"wait": 200}                                                          milliseconds
  {"fault": {"kind": "429", "method": "sendMessage", ...}}               faults.py, Fault
  {"calm": true}                                                         no faults any more
"""

import json
import pathlib
import time
import urllib.parse

from . import users
from ..wire import Answer

FOLDER = pathlib.Path(__file__).parent
ACTIONS = {"text", "start", "photo", "document", "voice", "audio", "video", "video_note", "animation", "sticker", "location",
           "venue", "contact", "poll", "dice", "album", "edit", "react", "press", "block", "unblock", "send"}


class Player:
    """Plays steps for one bot; remembers messages by name."""

    def __init__(self, fake, bot):
        self.fake, self.bot, self.named = fake, bot, {}

    def chat(self, step):
        user = self.fake.user(step["user"], step.get("name", f"User {step['user']}"))
        if "group" not in step:
            return user.chat(self.bot)
        group = self.bot.group(step["group"], step.get("title", "Group"))
        return user.in_group(group)

    def resolve(self, value):
        if isinstance(value, dict) and set(value) == {"ref"}:
            return self.named[value["ref"]]
        return value

    def play(self, step):
        if "wait" in step:
            time.sleep(step["wait"] / 1000)
        elif "fault" in step:
            self.fake.fault(**step["fault"])
        elif "calm" in step:
            self.fake.calm()
        elif step.get("do") in ACTIONS:
            given = {k: self.resolve(v) for k, v in step.get("with", {}).items()}
            args = [self.resolve(v) for v in step.get("args", [])]
            done = getattr(self.chat(step), step["do"])(*args, **given)
            if "as" in step:
                self.named[step["as"]] = done
            return done
        else:
            raise ValueError(f"no such step: {step}")
        return None


def play_file(fake, bot, path):
    """All steps of a scenario file; gives how many messages people wrote."""
    player, n = Player(fake, bot), 0
    for step in json.loads(pathlib.Path(path).read_text()):
        done = player.play(step)
        n += isinstance(done, dict) and step.get("do") != "edit"
        n += 1 if isinstance(done, list) and done else 0
    return n


def shown(message):
    """A message for the page: without bytes, with who."""
    out = {k: v for k, v in message.items() if k not in ("chat", "reply_to_message")}
    if "reply_to_message" in message:
        reply = message["reply_to_message"]
        out["answers"] = reply.get("text") or reply.get("caption") or "[message]"
    return out


class Control:
    """What is served beside the Bot API."""

    def __init__(self, fake, bot):
        self.fake, self.bot = fake, bot
        self.player = Player(fake, bot)

    async def __call__(self, request):
        path, query = request.path, dict(urllib.parse.parse_qsl(request.query))
        try:
            if path == "/":
                return Answer(200, (FOLDER / "page.html").read_bytes(), "text/html; charset=utf-8")
            if path == "/control/chat":
                return Answer(200, self.messages(int(query["user"])))
            if path == "/control/state":
                return Answer(200, self.state())
            if path == "/control/file":
                return self.file(query["id"])
            if path == "/control/do" and request.method == "POST":
                return Answer(200, {"done": self.act(json.loads(request.body))})
        except (KeyError, ValueError, TypeError) as e:
            return Answer(400, {"error": str(e)})
        return Answer(404, {"error": "not found"})

    def messages(self, user):
        conversation = self.bot.bot.conversations.get(("", user))
        found = conversation.messages.values() if conversation else []
        return {"blocked": bool(conversation and conversation.blocked),
                "messages": [shown(m) for m in found if not m.get("deleted")]}

    def state(self):
        bot = self.bot.bot
        people = [{"id": c.chat["id"], "name": c.chat.get("first_name") or c.chat.get("title"), "type": c.chat["type"]}
                  for c in bot.conversations.values()]
        return {"bot": bot.user, "token": bot.token, "webhook": bot.webhook["url"], "pending": len(bot.updates),
                "people": people, "problems": self.fake.problems[-50:], "sent": len(bot.sent)}

    def file(self, file_id):
        f = self.bot.bot.files[file_id]
        return Answer(200, f["data"], "application/octet-stream")

    def act(self, step):
        """Steps refer to messages of the chat by their number here: {"message": 5}."""
        chat = self.player.chat(step)
        for key, value in step.get("with", {}).items():
            if isinstance(value, dict) and set(value) == {"message"}:
                step["with"][key] = chat.conversation.messages[value["message"]]
        if step.get("do") == "photo":
            step.setdefault("with", {}).setdefault("data", users.png(240, 160))
        done = self.player.play(step)
        return shown(done) if isinstance(done, dict) else done is not None
