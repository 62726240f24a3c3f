"""Kommo as the contract's tests see it."""
import json

from fakes.kommo import FakeKommo, amojo
from fakes.kommo.errors import chat_error, invalid

CODES = {"mobile": "PHONE", "phone": "PHONE", "email": "EMAIL"}


class KommoTarget:
    """A strict stand-in; notes on contacts."""
    name = "kommo"
    text_max = 10000
    file_max = 20 << 20
    failure = invalid((0, "params.text", "The text must not be empty"))

    def __init__(self):
        self.server = self.proxy = FakeKommo()

    def close(self):
        self.server.close()

    def chat(self, extra="", channel=None):
        """Settings for a dialogue that is a chat."""
        return (f'mode = "chat"\n  chat_url = "{self.server.url}"\n  channel_id = "{channel or amojo.CHANNEL}"\n'
                f'  channel_secret = "{amojo.SECRET}"\n  bot_id = "{amojo.BOT}"\n'
                f'  chat_users = {{{{"admin={amojo.OPERATOR}"}}}}\n  {extra}')

    def section(self, extra=""):
        return (f'kommo "crm" {{{{\n  url = "{self.server.url}"\n  token = "{FakeKommo.TOKEN}"\n'
                f'  mark_field = "SWITCHBOARD"\n  allow_private = true\n  language = "en"\n  per_second = 1000\n'
                f'  {extra}\n}}}}\n')

    def is_write(self, request):
        """Does it put a message on a card?"""
        return request.method == "POST" and request.path == "/api/v4/contacts/notes"

    def is_create(self, request):
        return request.method == "POST" and request.path == "/api/v4/contacts"

    def is_upload(self, request):
        """Does it bring a file?"""
        return request.path.startswith("/v1.0/uploads/") or request.path.endswith("/files")

    # --- what is in it ---

    @property
    def crm(self):
        return self.server.crm

    def add_card(self, name, *ways):
        fields = {}
        for kind, value in ways:
            fields.setdefault(CODES[kind], []).append(value)
        return str(self.server.do(self.crm.contact, name, fields))

    def add_old_card(self, name, number):
        return self.add_card(name, ("phone", number))

    def cards(self):
        return self.server.do(lambda: {str(i): c["name"] for i, c in self.crm.contacts.items()})

    def ways(self, card):
        fields = self.server.do(lambda: json.loads(json.dumps(self.crm.contacts[int(card)]["fields"])))
        out = {("mobile", v) for v in fields.get("PHONE", [])} | {("email", v) for v in fields.get("EMAIL", [])}
        return out | {("other", v) for vs in fields.get("SWITCHBOARD", []) for v in vs.split()}

    def history(self, card):
        return self.server.do(lambda: [n["text"] for n in self.crm.notes.values() if n["entity_id"] == int(card)])

    def files(self, card):
        drive = self.server.drive
        return self.server.do(lambda: dict(drive.files[f] for f in drive.on.get(int(card), [])))

    def delete_entry(self, card, text):
        """The entry that has this text in it."""
        def delete():
            for n in [n for n in self.crm.notes.values() if n["entity_id"] == int(card) and text in n["text"]]:
                self.crm.notes.pop(n["id"])
        self.server.do(delete)

    def double_entry(self, card, text):
        def double():
            old = next(n for n in self.crm.notes.values() if n["entity_id"] == int(card) and text in n["text"])
            id = next(self.crm.ids)
            self.crm.notes[id] = {**old, "id": id}
        self.server.do(double)

    def delete_card(self, card):
        """Its links to chats go with it."""
        def delete():
            self.crm.contacts.pop(int(card))
            self.crm.links = {chat: c for chat, c in self.crm.links.items() if c != int(card)}
        self.server.do(delete)

    def merge_cards(self, card, into):
        """One is deleted; what it knew, the other knows now."""
        def merge():
            gone, stays = self.crm.contacts.pop(int(card)), self.crm.contacts[int(into)]
            for code, values in gone["fields"].items():
                held = stays["fields"].setdefault(code, [])
                held += [v for v in values if v not in held] if code in ("PHONE", "EMAIL") or not held else []
        self.server.do(merge)

    def end_sessions(self):
        pass  # a long-lived token has none


class KommoChatTarget(KommoTarget):
    """The same with chats; what stands in one is told as a note would be."""
    name, is_chat = "kommo-chat", True
    failure = chat_error(400, "text must not be empty")

    def section(self, extra=""):
        return super().section(self.chat(extra))

    def is_write(self, request):
        return request.method == "POST" and "/custom/" in request.path and request.path.endswith(self.server.amojo.account)

    def history(self, card):
        def told(m):
            who = f"agent {m['sender']['name']}" if "receiver" in m else m["sender"]["name"]
            how = " (edited)" if m.get("edited") else " (came late)" if m["silent"] and "receiver" not in m else ""
            return f"{who}, loopback test, {how}\n{m['message']['text']}\n#{m['msgid'][:26]}"

        def look():
            chats = {ours for ours, chat in self.server.amojo.by_ours.items() if self.crm.links.get(chat) == int(card)}
            return [told(m) for m in self.server.amojo.messages.values() if m["conversation_id"] in chats]
        return self.server.do(look) + super().history(card)

    def _find(self, card, text):
        return next(m for m in self.server.amojo.messages.values() if text in m["message"].get("text", "")
                    and self.crm.links.get(self.server.amojo.by_ours.get(m["conversation_id"])) == int(card))

    def delete_entry(self, card, text):
        self.server.do(lambda: self.server.amojo.messages.pop(self._find(card, text)["msgid"]))

    def double_entry(self, card, text):
        """Their service would not; but should it ever, it is seen."""
        def double():
            once = self._find(card, text)
            self.server.amojo.messages[f"{once['msgid']} again"] = {**once, "id": f"{once['id']}-again"}
        self.server.do(double)
