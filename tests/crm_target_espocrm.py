"""EspoCRM for the contract's tests: the fake, seen as any CRM."""
import json
import re

from fakes.espocrm import EspoCrm
from fakes.wire import Answer


def plain(markdown):
    """What a person sees of a post."""
    text = re.sub(r"(?<!\\)\*\*", "", markdown)
    return re.sub(r"\\([\\`*_{}\[\]<>#|~!])", r"\1", text).replace("  \n", "\n")


class EspoTarget:
    name = "espocrm"
    text_max = 10000
    file_max = 20 << 20
    failure = Answer(400, b"", headers=["X-Status-Reason: The post must not be empty"])
    entity = "Contact"

    def __init__(self, world=None):
        self.fake = self.proxy = EspoCrm(world=world)

    def close(self):
        self.fake.close()
        assert not self.fake.ignored, f"EspoCRM knows nothing of {self.fake.ignored}"

    def section(self, extra=""):
        return (f'espocrm "crm" {{{{\n  url = "{self.fake.url}"\n  api_key = "{self.fake.key}"\n'
                f'  entity = "{self.entity}"\n  messenger_field = "cGwMessengers"\n'
                f'  allow_private = true\n  language = "en"\n  {extra}\n}}}}\n')

    def is_write(self, request):
        return request.method == "POST" and request.path == "/api/v1/Note"

    def is_create(self, request):
        return request.method == "POST" and request.path == f"/api/v1/{self.entity}"

    def is_upload(self, request):
        return request.method == "POST" and request.path == "/api/v1/Attachment"

    # --- what is in it ---

    def _add(self, name, **values):
        first, _, last = name.strip().rpartition(" ")
        return self.fake.do(lambda: self.fake.world.add(self.entity, firstName=first, lastName=last, **values))["id"]

    def add_card(self, name, *ways):
        values = {}
        for kind, value in ways:
            values[{"email": "emailAddress", "other": "cGwMessengers"}.get(kind, "phoneNumber")] = value
        return self._add(name, **values)

    def add_old_card(self, name, number):
        return self._add(name, phoneNumber=number)

    def records(self):
        return self.fake.do(lambda: json.loads(json.dumps(self.fake.world.records[self.entity])))

    def cards(self):
        return {id: " ".join(x for x in (r.get("firstName"), r.get("lastName")) if x) for id, r in self.records().items()}

    def ways(self, card):
        r = self.records()[card]
        out = {("other", v) for v in (r.get("cGwMessengers") or "").split()}
        return out | {(kind, r[f]) for kind, f in (("mobile", "phoneNumber"), ("email", "emailAddress"), ("mark", "cGwId"))
                      if r.get(f)}

    def notes(self, card):
        return self.fake.do(lambda: [dict(n) for n in self.fake.world.notes(self.entity, card)])

    def history(self, card):
        return [plain(n["post"] or "") for n in self.notes(card)]

    def files(self, card):
        there = self.fake.world.records["Attachment"]
        return {there[i]["name"]: there[i]["bytes"] for n in self.notes(card) for i in n.get("attachmentsIds", [])}

    def files_of_entries(self, card):
        there = self.fake.world.records["Attachment"]
        return [[there[i]["name"] for i in n.get("attachmentsIds", [])] for n in self.notes(card)]

    def delete_entry(self, card, text):
        """The entry that has this text in it."""
        def delete():
            w = self.fake.world
            for n in w.notes(self.entity, card):
                if text in n["post"]:
                    w.notes_of[self.entity, card].remove(n)
                    w.delete("Note", n["id"])

        self.fake.do(delete)

    def double_entry(self, card, text):
        def double():
            one = next(n for n in self.fake.world.notes(self.entity, card) if text in n["post"])
            self.fake.world.add_note(self.entity, card, one["post"], one["createdById"])

        self.fake.do(double)

    def delete_card(self, card):
        self.fake.do(self.fake.world.delete, self.entity, card)

    def merge_cards(self, card, into):
        self.fake.do(self.fake.world.merge, self.entity, card, into)

    def end_sessions(self):
        """There are none: a key is with each request."""
