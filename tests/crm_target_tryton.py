"""Tryton, the real server, as the contract's tests see it."""
import base64
import json
import sqlite3

from fakes.proxy import Proxy
from fakes.wire import Answer
from tryton_server import PASSWORD, Tryton


class TrytonTarget:
    """A real server; what shall go wrong goes wrong in front of it."""
    name = "tryton"
    text_max = 10000
    file_max = 20 << 20  # larger ones become a link
    failure = Answer(200, {"id": 1, "error": ["UserError", ["The name must not be empty.", "", None]]})

    def __init__(self):
        self.server = Tryton()
        self.proxy = Proxy(self.server.url)

    def close(self):
        self.proxy.close()
        self.server.close()

    def section(self, extra=""):
        return (f'tryton "crm" {{{{\n  url = "{self.proxy.url}"\n  database = "crm"\n  user = "admin"\n'
                f'  password = "{PASSWORD}"\n  allow_private = true\n  language = "en"\n  {extra}\n}}}}\n')

    def is_write(self, request):
        """Does it put a message on a card?"""
        return json.loads(request.body)["method"] == "model.ir.note.create"

    def is_create(self, request):
        return json.loads(request.body)["method"] == "model.party.party.create"

    def is_upload(self, request):
        """Does it bring a file?"""
        return json.loads(request.body)["method"] == "model.ir.attachment.create"

    # --- what is in it ---

    def add_card(self, name, *ways):
        """ways: ("mobile", "+7...") and so on, as they were typed."""
        return str(self.server.call("party.party", "create", [
            {"name": name, "contact_mechanisms": [["create", [{"type": t, "value": v} for t, v in ways]]]}])[0])

    def add_old_card(self, name, number):
        """With a number as it was typed, before the server had rules for numbers."""
        card = self.add_card(name, ("phone", "+49 30 901820"))
        with sqlite3.connect(self.server.folder / "crm.sqlite", timeout=30) as db:
            db.execute("UPDATE party_contact_mechanism SET value = ?, value_compact = ? WHERE party = ?",
                       (number, number, int(card)))
        return card

    def cards(self):
        """{id: name} of those that are in use."""
        found = self.server.call("party.party", "search_read", [["active", "=", True], ["name", "!=", "Administrator"]],
                                 0, None, None, ["name"])
        return {str(p["id"]): p["name"] for p in found}

    def ways(self, card):
        found = self.server.call("party.contact_mechanism", "search_read", [["party", "=", int(card)]], 0, None, None,
                                 ["type", "value"])
        return {(m["type"], m["value"]) for m in found}

    def history(self, card):
        """The texts on the card, in the order in which they were written."""
        found = self.server.call("ir.note", "search_read", [["resource", "=", f"party.party,{card}"]], 0, None,
                                 [["id", "ASC"]], ["message"])
        return [n["message"] for n in found]

    def files(self, card):
        """{name: bytes} of those that were brought to the card."""
        found = self.server.call("ir.attachment", "search_read", [["resource", "=", f"party.party,{card}"]], 0, None,
                                 None, ["name", "data"])
        return {f["name"]: base64.b64decode(f["data"]["base64"]) for f in found}

    def delete_entry(self, card, text):
        """The entry that has this text in it."""
        found = self.server.call("ir.note", "search", [["resource", "=", f"party.party,{card}"],
                                                       ["message", "like", f"%{text}%"]])
        self.server.call("ir.note", "delete", found)

    def double_entry(self, card, text):
        found = self.server.call("ir.note", "search_read", [["resource", "=", f"party.party,{card}"],
                                                            ["message", "like", f"%{text}%"]], 0, None, None, ["message"])
        self.server.call("ir.note", "create", [{"resource": f"party.party,{card}", "message": found[0]["message"]}])

    def delete_card(self, card):
        self.server.call("party.party", "delete", [int(card)])

    def merge_cards(self, card, into):
        self.server.call("party.party", "write", [int(card)], {"active": False, "replaced_by": int(into)})

    def end_sessions(self):
        self.server.end_sessions()
