"""A gateway with a channel of each kind and two CRMs, on stand-ins, and in it the shop of walk_story.py."""
import datetime
import time
import zoneinfo
from email.message import EmailMessage

import walk_story as story
from fakes.imap import FakeImap
from fakes.smtp import FakeSmtp
from fakes.telegram import FakeTelegram
from fakes.telegram.users import OGG
from fakes.webhook import Receiver
from fakes.whatsapp import FakeWhatsApp
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from whatsapp_world import BODY

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BOT = "123456789:AAE" + "x" * 32
TOKEN = "EAA" + "x" * 40
HOUR, DAY_MS = 3600, 86400000
ZONES = ("Europe/London", "Europe/Berlin", "Europe/Moscow", "Asia/Dubai", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Novosibirsk", "Asia/Irkutsk", "Asia/Tokyo",
         "Asia/Vladivostok", "Pacific/Auckland", "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")


def looks(lang, ask=True):
    """Settings of the site's chat."""
    form = 'form = {{"name", "email!", "phone"}} consent = "required" consent_version = "v7" consent_url = "https://shop.example/consent"'
    texts = " ".join(f'title_{k} = "{s["title"]}" greeting_{k} = "{s["greeting"]}" consent_text_{k} = "{s["consent"]}" quick_answers_{k} = '
                     "{{" + ", ".join(f'"{a}"' for a in s["answers"]) + "}}" for k, s in story.SHOP.items())
    return f'  color = "#00695c" {texts} {form if ask else ""}\n'


def daytime_zone():
    """A city where it is the middle of the working day: no day ends while a story is told."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return min(ZONES, key=lambda z: abs(now.astimezone(zoneinfo.ZoneInfo(z)).hour - 14))


class World:
    """clock: a FakeTime under which the story is told; whoever passes it ends it. erp: with a CRM over the net. zone: of the reports' days."""

    def __init__(self, start, lang, clock=None, erp=True, ask=True, zone=None, **kw):
        self.lang, self.clock, self.n = lang, clock, 0
        self.imap, self.smtp = FakeImap(users={"support@example.test": "secret"}), FakeSmtp(users={"support@example.test": "secret"})
        self.telegram, self.whatsapp, self.erp = FakeTelegram(), FakeWhatsApp(), Receiver([KEY]) if erp else None
        self.bot = self.telegram.bot(BOT, username="larch_bot", first_name=story.SHOP[lang]["title"])
        app, self.number = self.whatsapp.app(), self.whatsapp.number(name=story.SHOP[lang]["title"])
        self.whatsapp.token(TOKEN)
        self.whatsapp.template(self.number.waba, "order_ready", components=[BODY, {"type": "FOOTER", "text": story.SHOP["en"]["title"]}])
        config = 'public_url = "http://127.0.0.1:{port}"\n' + f'reports {{{{ zone = "{zone or daytime_zone()}" }}}}\n' + CONFIG.replace(
            '  origins = {{"self"}}\n', '  origins = {{"self"}}\n' + looks(lang, ask)).replace('loopback "test"', 'loopback "market"')
        config += (
            f'telegram "sales" {{{{ token = "{BOT}" api_url = "{self.telegram.url}" mode = "polling" }}}}\n'
            f'whatsapp "phone" {{{{ token = "{TOKEN}" phone_number_id = "{self.number.id}" waba_id = "{self.number.waba.id}" '
            f'app_secret = "{app.secret}" verify_token = "a-word-of-ours" api_url = "{self.whatsapp.url}" }}}}\n'
            f'email "support" {{{{ address = "support@example.test" imap_url = "imap+plain://127.0.0.1:{self.imap.port}" '
            f'smtp_url = "{self.smtp.url}" password = "secret" allow_private = yes sent_copy = "none" }}}}\n')
        if erp:
            config += f'webhook "erp" {{{{\n  url = "{self.erp.url}/in"\n  secret = {{{{"{KEY}"}}}}\n  allow_private = true\n}}}}\n'
        self.gateway = start(config=config, **kw)
        self.api = self.gateway.login()
        self.wait_ready()

    def wait_ready(self):
        for name in ("sales", "phone", "support"):
            until(lambda: next(c for c in self.api.get("/channels")["channels"] if c["name"] == name)["state"] == "ready", 30 * SLOWER, why=name)

    def close(self):
        for fake in (self.imap, self.smtp, self.telegram, self.whatsapp, self.erp):
            if fake:
                fake.close()

    # --- telling it ---

    def now(self):
        return int(time.time()) + (self.clock.offset if self.clock else 0)

    def people(self):
        """Two agents and a supervisor beside the admin; the API of each."""
        g, names = self.gateway, story.PEOPLE[self.lang]
        for name, role in (("ann", "agent"), ("bob", "agent"), ("sue", "supervisor")):
            g.add_user(name, role)
        for name, shown in names.items():
            self.api.patch("/agents/" + name, {"display_name": shown})
        self.by = {name: self.api if name == "admin" else g.login(name, g.PASSWORD) for name in names}
        return self

    def heard(self, name, text=None, timeout=20):
        """The thread of this client, once this is its last message from him."""
        def look():
            return next((t for t in self.api.threads() if t["client"]["name"] == name and (text is None or any(
                m.get("text", "").strip() == text for m in self.api.messages(t["id"])))), None)
        return until(look, timeout * SLOWER, why=f"for {text!r} of {name}")["id"]

    def say(self, thread, text, who="ann", **fields):
        m = self.by[who].post(f"/threads/{thread}/messages", {"text": text, **fields})["message"]
        if fields.get("note"):
            return m
        return until(lambda: next(x for x in self.api.messages(thread) if x["id"] == m["id"] and x["status"] not in ("queued", "sending")), 20 * SLOWER)

    def write(self, name, text):
        """By way of the market place."""
        self.n += 1
        r = self.gateway.hook({"from": {"address": name, "name": name}, "id": f"m{self.n}", "text": text}, "market")
        assert r.status_code == 200, r.text
        return r.json()["thread"]

    def upload(self, name, data, kind="image/png", who="ann"):
        r = self.by[who].http.post(f"{self.gateway.url}/api/v1/media", params={"name": name}, data=data, headers={"Content-Type": kind}, timeout=60)
        assert r.status_code in (200, 201), r.text
        return r.json()["media"]["id"]

    def short_ones(self, pause=None, who=("ann", "bob")):
        """Clients of the market place; their threads by name. pause: is called before each line."""
        threads = {}
        for i, (name, labels, lines) in enumerate(story.DIALOGUES[self.lang]):
            for line in lines:
                if pause:
                    pause()
                if line[0] == "<":
                    threads[name] = self.write(name, line[2:])
                else:
                    self.say(threads[name], line[2:], who[i % len(who)])
            if labels:
                self.by[who[i % len(who)]].patch("/threads/" + threads[name], {"labels": labels})
        return threads

    def chat(self, user, name):
        first, _, last = name.partition(" ")
        return self.telegram.user(user, first, last_name=last or None, language_code=self.lang).chat(self.bot)

    def yesterday(self, thread):
        """The messages that are in it came a day ago (gateway/store/scripts/_common.lua has what a record is)."""
        redis = self.gateway.redis
        log = next(k for k in redis.scan_iter(f"*:log:{thread}", count=10000))
        for seq, record in redis.hgetall(log).items():
            if seq.isdigit():
                body, trail = record.decode().split("\n", 1)
                lines = [line.split(" ", 1) for line in trail.split("\n")]
                if self.erp:
                    self.erp.do(self.erp.seen.clear)  # it does not mind
                redis.hset(log, seq, "\n".join([body, *(" ".join([str(int(at) - DAY_MS), *rest]) if at.isdigit() else " ".join([at, *rest]) for at, *rest in lines)]))

    def rich(self):
        """The dialogue with a bit of everything, in Telegram, begun yesterday. Its thread."""
        w = story.WORDS[self.lang]
        c = self.rich_client = self.chat(42, w["name"])

        c.text(w["hello"])
        photo = c.file(story.room(), "l.png", "photo", width=640, height=420)
        c.send({"photo": [photo], "caption": w["photo"], "caption_entities": [
            {"type": "bold", "offset": w["photo"].index(w["bold"]), "length": len(w["bold"])}]})
        t = self.heard(w["name"], w["photo"])
        if not self.clock:
            self.yesterday(t)
        self.api.patch("/threads/" + t, {"assignee": "ann"})
        later = (lambda: self.clock.forward(170)) if self.clock else (lambda: None)
        later()
        self.say(t, w["answer"])
        self.say(t, w["good"])
        c.react(c.seen()[-1], "❤")
        later()
        c.text(w["quoting"], reply_to=c.seen()[-2])
        c.voice(data=OGG, duration=7)
        c.location(59.9386, 30.3141)
        c.send({"location": {"latitude": 59.9398, "longitude": 30.3146}, "venue": {
            "location": {"latitude": 59.9398, "longitude": 30.3146}, "title": w["place"], "address": w["address"]}})
        c.sticker("👍", animated=True)
        sent = c.text(w["first"])
        self.heard(w["name"], w["first"])
        c.edit(sent, text=w["then"])
        self.heard(w["name"], w["then"])
        later()
        pictures = [self.upload(f"ladoga-{i}.png", story.room(seed=i, wall=(214 - 20 * i, 214, 206 + 10 * i))) for i in range(3)]
        self.say(t, w["album"], attachments=pictures)
        self.say(t, "", attachments=[self.upload(w["file"], b"%PDF-1.4 hello", "application/pdf")])
        later()
        self.say(t, w["which"], buttons=[[{"text": x} for x in w["woods"]]])
        later()
        c.press(c.seen()[-1], w["woods"][0])
        self.say(t, w["ask"], request="contact")
        c.send({"contact": {"phone_number": "79991234567", "first_name": w["name"], "user_id": 42}})
        c.send({"poll": {"id": "5", "question": w["poll"], "type": "regular", "is_closed": False, "is_anonymous": True, "total_voter_count": 1,
                         "options": [{"persistent_id": str(i), "text": x, "voter_count": i} for i, x in enumerate(w["options"])]}})
        self.say(t, w["note"], note=True)
        later()
        c.text(w["end"])
        self.heard(w["name"], w["end"])
        self.by["ann"].ask("PUT", f"/messages/{self.api.messages(t)[0]['id']}/reaction", json={"emoji": "❤" if self.clock else "👍"})
        return t

    def twin(self):
        """The same person with a tablet: has shown the same number. Her thread."""
        w = story.WORDS[self.lang]
        c = self.chat(43, w["again"])
        c.text(w["end"])
        t = self.heard(w["again"], w["end"])
        c.send({"contact": {"phone_number": "79991234567", "first_name": w["again"], "user_id": 43}})
        client = self.api.get("/threads/" + t)["client"]["id"]
        until(lambda: self.api.get(f"/clients/{client}/suggestions")["suggestions"], 20 * SLOWER)
        return t

    def mailed(self):
        """A mail with HTML and a file. Its thread."""
        m, s = EmailMessage(), story.MAIL[self.lang]
        m["From"], m["To"], m["Subject"] = f"{s['name']} <{s['address']}>", "support@example.test", s["subject"]
        m["Message-ID"], m["Date"] = "<2047@lindqvist.example>", time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(self.now() - 60))
        m.set_content(s["text"])
        m.add_alternative(s["html"], subtype="html")
        m.add_attachment(s["inside"].encode(), maintype="text", subtype="plain", filename=s["file"])
        self.imap.add(m.as_bytes())
        return self.heard(s["name"])

    def phoned(self):
        """Two in WhatsApp: one may be answered for another hour, the other by a template only. Their threads."""
        out = []
        for i, (name, text) in enumerate(story.PHONES[self.lang]):
            user = self.whatsapp.user(f"491760000{i}", name).chat(self.number)
            user.text(text, timestamp=str(self.now() - (23, 25)[i] * HOUR))
            out.append(self.heard(name, text))
        return out

    def shelves(self):
        """What an admin has laid ready: canned answers, a team, rules, hours, answer times."""
        a, api = story.ADMIN[self.lang], self.api
        for shortcut, title, text in story.CANNED[self.lang]:
            api.post("/canned", {"shortcut": shortcut, "title": title, "text": text})
        api.post("/teams", {"name": a["team"], "members": ["ann", "bob"]})
        api.post("/rules", {"name": a["rule"], "on": "message", "if": {"any": a["words"], "assigned": False},
                            "then": [{"assign": {"responsible": True, "agents": ["sue"], "how": "turn"}}, {"label": a["label"]}]})
        api.post("/rules", {"name": a["late"], "on": "unanswered", "after": 900, "if": {"open": True},
                            "then": [{"assign": {"agents": ["bob"], "how": "least", "capacity": 20}}]})
        week = {d: [{"from": "09:00", "to": "18:00"}] for d in ("mon", "tue", "wed", "thu", "fri")}
        api.post("/hours", {"name": a["hours"], "zone": "Europe/Moscow", "week": {**week, "sat": [{"from": "10:00", "to": "15:00"}]}, "channels": ["sales"],
                            "holidays": [{"from": "2026-12-31", "to": "2027-01-08", "name": a["holiday"]}]})
        api.post("/sla", {"name": a["sla"], "first_s": 900, "next_s": 3600, "remind_s": 300, "close_s": 172800, "channels": ["market"], "working": False})
        return self

    def troubles(self, thread):
        """An answer that the channel refuses, and one message that a CRM does not take."""
        word = story.ADMIN[self.lang]["refused"]
        self.erp.spoil = lambda e: Answer(422, {"error": word}) if "13" in e["data"].get("message", {}).get("text", "") else None
        self.say(thread, "!reject")
        self.write("Noah", "13")
