"""Odoo for the contract's tests: the fake, seen as any CRM, by its old API and by its new one."""
import copy
import html
import json
import re

from fakes.odoo import LOGIN, Odoo
from fakes.wire import Answer


def plain(body):
    """What a person sees of a note."""
    links = re.sub(r'<a href="([^"]*)">([^<]*)</a>', r"\2 \1", body)
    return html.unescape(re.sub(r"<[^>]*>", "", links.replace("<br>", "\n")))


class OdooTarget:
    name = "odoo"
    api = "rpc"
    text_max = 10000
    file_max = 20 << 20
    failure = Answer(200, {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error", "data": {
        "name": "odoo.exceptions.ValidationError", "message": "The body must not be empty", "debug": "Traceback"}}})

    def __init__(self, world=None):
        self.fake = self.proxy = Odoo(world=world, plain=self.api == "json2")

    def close(self):
        self.fake.close()
        assert not self.fake.ignored and not self.fake.emailed, (self.fake.ignored, self.fake.emailed)

    def section(self, extra=""):
        return (f'odoo "crm" {{{{\n  url = "{self.fake.url}"\n  database = "{self.fake.database}"\n  api = "{self.api}"\n'
                f'  user = "{LOGIN}"\n  api_key = "{self.fake.key}"\n  messenger_field = "x_messengers"\n'
                f'  allow_private = true\n  language = "en"\n  {extra}\n}}}}\n')

    def asks(self, request, model, method):
        if request.path != "/jsonrpc":
            return request.path == f"/json/2/{model}/{method}"
        args = json.loads(request.body)["params"]["args"]
        return args[3:5] == [model, method]

    def is_write(self, request):
        return self.asks(request, "res.partner", "message_post")

    def is_create(self, request):
        return self.asks(request, "res.partner", "create")

    def is_upload(self, request):
        return self.asks(request, "ir.attachment", "create")

    # --- what is in it ---

    def add_card(self, name, *ways):
        values = {{"email": "email", "other": "x_messengers", "mobile": "mobile"}.get(k, "phone"): v for k, v in ways}
        return str(self.fake.do(lambda: self.fake.world.add("res.partner", name=name.strip(), **values))["id"])

    def add_old_card(self, name, number):
        return self.add_card(name, ("phone", number))

    def records(self, model="res.partner"):
        return self.fake.do(lambda: copy.deepcopy(self.fake.world.records[model]))

    def cards(self):
        return {str(id): r["name"] for id, r in self.records().items()}

    def ways(self, card):
        r = self.records()[int(card)]
        out = {("other", v) for v in (r.get("x_messengers") or "").split()}
        fields = (("mobile", "phone"), ("mobile", "mobile"), ("email", "email"), ("mark", "x_switchboard"))
        return out | {(kind, r[f]) for kind, f in fields if r.get(f)}

    def notes(self, card):
        return self.fake.do(lambda: copy.deepcopy(self.fake.world.notes("res.partner", int(card))))

    def history(self, card):
        return [plain(n["body"]) for n in self.notes(card)]

    def files(self, card):
        there = self.records("ir.attachment")
        return {there[i]["name"]: there[i]["bytes"] for n in self.notes(card) for i in n["attachment_ids"]}

    def files_of_entries(self, card):
        return [[there[i]["name"] for i in n["attachment_ids"]] for there in [self.records("ir.attachment")] for n in self.notes(card)]

    def delete_entry(self, card, text):
        """The entry that has this text in it."""
        def delete():
            w = self.fake.world
            for n in w.notes("res.partner", int(card)):
                if text in n["body"]:
                    w.notes_of["res.partner", int(card)].remove(n)
                    w.delete("mail.message", n["id"])

        self.fake.do(delete)

    def double_entry(self, card, text):
        def double():
            one = next(n for n in self.fake.world.notes("res.partner", int(card)) if text in n["body"])
            self.fake.world.add("mail.message", **{k: v for k, v in one.items() if k != "id"})

        self.fake.do(double)

    def delete_card(self, card):
        self.fake.do(self.fake.world.delete, "res.partner", int(card))

    def merge_cards(self, card, into):
        self.fake.do(self.fake.world.merge, int(card), int(into))

    def end_sessions(self):
        """There are none: a key is with each request."""


class Odoo2Target(OdooTarget):
    name = "odoo-json2"
    api = "json2"
    failure = Answer(422, {"name": "odoo.exceptions.ValidationError", "message": "The body must not be empty", "debug": "Traceback"})
