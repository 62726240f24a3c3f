"""API v4: contacts, leads, notes, links to chats. What it takes is what the vendor's pages name; nothing else."""

import itertools
import time
import urllib.parse

from ..wire import Answer
from .errors import Refused, invalid, problem

PHONE_CODES = {"WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER"}
MAIL_CODES = {"WORK", "PRIV", "OTHER"}
AT_ONCE = 250
NOTE_MAX = 20000  # characters; unconfirmed
CONTACT_KEYS = {"id", "name", "first_name", "last_name", "responsible_user_id", "custom_fields_values", "request_id"}
LEAD_KEYS = {"name", "responsible_user_id", "pipeline_id", "status_id", "_embedded", "request_id", "custom_fields_values"}
NOTE_KEYS = {"id", "entity_id", "note_type", "params", "request_id"}


class World:
    def __init__(self):
        self.ids, self.contacts, self.leads, self.notes, self.links = itertools.count(1001), {}, {}, {}, {}
        self.fields = {"PHONE": 1, "EMAIL": 2, "SWITCHBOARD": 77, "POSITION": 3, "UTM_SOURCE": 90}
        self.users, self.requires = {17, 18}, set()  # requires: codes that a contact must have

    def contact(self, name, fields):
        """fields: {code: [value]}"""
        id = next(self.ids)
        self.contacts[id] = {"id": id, "name": name, "responsible_user_id": 17, "fields": fields}
        return id


def _page(fake, kind, found, params):
    limit, page = int(params.get("limit", ["50"])[0]), int(params.get("page", ["1"])[0])
    if not 1 <= limit <= AT_ONCE or page < 1:
        raise Refused(problem(400, "limit is 1 to 250"))
    part = found[(page - 1) * limit:page * limit]
    if not part:
        return Answer(204, b"")
    links = {"self": {"href": fake.url}}
    if len(found) > page * limit:
        links["next"] = {"href": f"{fake.url}/next"}
    return Answer(200, {"_page": page, "_links": links, "_embedded": {kind: part}}, type="application/hal+json")


def _params(params, known):
    unknown = set(params) - set(known)
    if unknown:
        raise Refused(problem(400, f"unknown parameters {unknown}"))


# --- contacts ---


def _shown(fake, c, with_leads):
    w = fake.crm
    values = [{"field_id": w.fields[code], "field_code": code, "field_name": code.title(),
               "values": [{"value": v, **({"enum_code": "WORK", "enum_id": 1} if code in ("PHONE", "EMAIL") else {})}
                          for v in vs]} for code, vs in c["fields"].items() if vs]
    embedded = {"tags": [], "companies": []}
    if with_leads:
        embedded["leads"] = [{"id": i} for i, lead in w.leads.items() if c["id"] in lead["contacts"]]
    return {"id": c["id"], "name": c["name"], "first_name": "", "last_name": "", "is_deleted": False,
            "responsible_user_id": c["responsible_user_id"], "custom_fields_values": values or None,
            "_links": {"self": {"href": f"{fake.url}/api/v4/contacts/{c['id']}"}}, "_embedded": embedded}


def list_contacts(fake, request):
    params = fake.admit(request)
    _params(params, {"query", "with", "limit", "page", "filter[id][]"})
    query = params.get("query", [""])[0].lower()
    ids = {int(i) for i in params.get("filter[id][]", [])}
    found = [c for c in fake.crm.contacts.values()
             if (not ids or c["id"] in ids) and any(
                 query in v.lower() for v in [c["name"], *(v for vs in c["fields"].values() for v in vs)])]
    return _page(fake, "contacts", [_shown(fake, c, "leads" in params.get("with", [])) for c in found], params)


def get_contact(fake, request, id):
    params = fake.admit(request)
    _params(params, {"with"})
    c = fake.crm.contacts.get(int(id))
    if not c:
        raise Refused(problem(404, "Not found", title="Not found"))
    return Answer(200, _shown(fake, c, "leads" in params.get("with", [])), type="application/hal+json")


def _code(fake, i, field):
    w = fake.crm
    code = field.get("field_code") or next((c for c, n in w.fields.items() if n == field.get("field_id")), None)
    if code not in w.fields or not set(field) <= {"field_code", "field_id", "values"}:
        raise Refused(invalid((i, "custom_fields_values", "Field not found")))
    return code


def _fields(fake, i, item):
    out = {}
    for field in item.get("custom_fields_values") or []:
        code = _code(fake, i, field)
        for v in field["values"]:
            codes = {"PHONE": PHONE_CODES, "EMAIL": MAIL_CODES}.get(code)
            if not isinstance(v.get("value"), str) or not set(v) <= {"value", "enum_code", "enum_id"}:
                raise Refused(invalid((i, "custom_fields_values.values", "A value is a string")))
            if codes and v.get("enum_code", "WORK") not in codes or not codes and len(field["values"]) > 1:
                raise Refused(invalid((i, "custom_fields_values.values", "This value cannot be chosen")))
            if code == "EMAIL" and "@" not in v["value"]:
                raise Refused(invalid((i, "custom_fields_values.values", "This is no valid e-mail")))
        out[code] = [v["value"] for v in field["values"]]
    return out


def _items(body, keys):
    if not isinstance(body, list) or not 1 <= len(body) <= AT_ONCE:
        raise Refused(problem(400, "The body is an array of 1 to 250 elements"))
    for i, item in enumerate(body):
        if not isinstance(item, dict) or not set(item) <= keys:
            raise Refused(invalid((i, "", f"This field was not expected: {set(item) - keys}")))
    return body


def _check_user(fake, i, item):
    if "responsible_user_id" in item and item["responsible_user_id"] not in fake.crm.users:
        raise Refused(invalid((i, "responsible_user_id", "This user does not exist")))


def add_contacts(fake, request):
    out, made = [], []
    for i, item in enumerate(_items(fake.admit(request), CONTACT_KEYS)):
        if not isinstance(item.get("name", ""), str):
            raise Refused(invalid((i, "name", "This value is a string")))
        _check_user(fake, i, item)
        fields = _fields(fake, i, item)
        missing = fake.crm.requires - set(fields)
        if missing:
            raise Refused(invalid((i, "custom_fields_values", f"The field {sorted(missing)[0]} must be filled")))
        made.append((item, fields))
    for item, fields in made:
        id = fake.crm.contact(item.get("name", ""), fields)
        fake.crm.contacts[id]["responsible_user_id"] = item.get("responsible_user_id", 17)
        out.append({"id": id, "request_id": item.get("request_id", "0")})
    return Answer(200, {"_embedded": {"contacts": out}}, type="application/hal+json")


def change_contact(fake, request, id):
    """A field that is given is written over whole."""
    body = fake.admit(request)
    c = fake.crm.contacts.get(int(id))
    if not c:
        raise Refused(problem(404, "Not found", title="Not found"))
    if not isinstance(body, dict) or not set(body) <= CONTACT_KEYS:
        raise Refused(invalid((0, "", "This field was not expected")))
    _check_user(fake, 0, body)
    before = c["responsible_user_id"]
    c["fields"].update(_fields(fake, 0, body))
    for key in ("name", "responsible_user_id"):
        c[key] = body.get(key, c[key])
    fake.news.append((c["id"], before if before != c["responsible_user_id"] else None))
    return Answer(200, {"id": c["id"], "name": c["name"], "updated_at": int(time.time())}, type="application/hal+json")


def told(fake, id, old_user=None, kind="contact", action="update"):
    """The body of a web hook (developers.kommo.com, webhooks-general): the contact as it is; of another responsible the
    old one, too. Companies come under the same name."""
    c = fake.crm.contacts.get(int(id), {"name": "Nobody", "responsible_user_id": 17, "fields": {}})
    item = {"id": id, "name": c["name"], "responsible_user_id": c["responsible_user_id"], "date_create": 1726573127,
            "last_modified": 1726573130, "created_user_id": 17, "modified_user_id": 17, "account_id": 31337}
    for i, (code, values) in enumerate(c["fields"].items()):
        item |= {f"custom_fields][{i}][{k}": v for k, v in {"id": fake.crm.fields[code], "name": code.title(), "code": code}.items()}
        item |= {f"custom_fields][{i}][values][{n}][value": v for n, v in enumerate(values)}
    if old_user:
        item["old_responsible_user_id"] = old_user
    item |= {"created_at": 1726573127, "updated_at": int(time.time()), "type": kind}
    pairs = {f"contacts[{action}][0][{k}]": v for k, v in item.items()}
    return urllib.parse.urlencode(pairs | {"account[subdomain]": "shop", "account[id]": 31337})


# --- leads ---


def add_leads(fake, request):
    out = []
    for i, item in enumerate(_items(fake.admit(request), LEAD_KEYS)):
        contacts = [c["id"] for c in item.get("_embedded", {}).get("contacts", [])]
        if any(c not in fake.crm.contacts for c in contacts):
            raise Refused(invalid((i, "_embedded.contacts", "This contact does not exist")))
        _check_user(fake, i, item)
        id = next(fake.crm.ids)
        fake.crm.leads[id] = {**item, "contacts": contacts, "fields": _fields(fake, i, item)}
        out.append({"id": id, "request_id": item.get("request_id", "0")})
    return Answer(200, {"_embedded": {"leads": out}}, type="application/hal+json")


# --- notes ---


def _check_note(i, item):
    if item.get("note_type") != "common":
        raise Refused(invalid((i, "note_type", "This type cannot be written")))
    text = item.get("params", {}).get("text")
    if not isinstance(text, str) or not text.strip():
        raise Refused(invalid((i, "params.text", "The text must not be empty")))
    if len(text) > NOTE_MAX:
        raise Refused(invalid((i, "params.text", "The text is too long")))
    return text


def add_notes(fake, request):
    body = _items(fake.admit(request), NOTE_KEYS)
    texts = [_check_note(i, item) for i, item in enumerate(body)]
    for i, item in enumerate(body):
        if item.get("entity_id") not in fake.crm.contacts:
            raise Refused(problem(404, "Not found", title="Not found") if fake.missing_note == 404
                          else invalid((i, "entity_id", "This element does not exist")))
    out = []
    for item, text in zip(body, texts):
        id = next(fake.crm.ids)
        fake.crm.notes[id] = {"id": id, "entity_id": item["entity_id"], "text": text, "at": time.time()}
        out.append({"id": id, "entity_id": item["entity_id"], "request_id": item.get("request_id", "0")})
    return Answer(200, {"_embedded": {"notes": out}}, type="application/hal+json")


def change_notes(fake, request):
    body = _items(fake.admit(request), NOTE_KEYS)
    for i, item in enumerate(body):
        note = fake.crm.notes.get(item.get("id"))
        if not note or note["entity_id"] != item.get("entity_id"):
            raise Refused(problem(404, "Not found", title="Not found"))
        note["text"], note["at"] = _check_note(i, item), time.time()
    return Answer(200, {"_embedded": {"notes": [{"id": n["id"], "entity_id": n["entity_id"]} for n in body]}},
                  type="application/hal+json")


def list_notes(fake, request, id):
    params = fake.admit(request)
    _params(params, {"limit", "page", "filter[note_type]", "filter[note_type][]", "filter[updated_at][from]", "order[id]"})
    since = int(params.get("filter[updated_at][from]", ["0"])[0])
    found = [n for n in fake.crm.notes.values() if n["entity_id"] == int(id) and n["at"] >= since]
    found.sort(key=lambda n: n["id"], reverse=params.get("order[id]", ["asc"]) == ["desc"])
    return _page(fake, "notes", [
        {"id": n["id"], "entity_id": n["entity_id"], "note_type": "common", "params": {"text": n["text"]},
         "created_at": int(n["at"]), "updated_at": int(n["at"])} for n in found], params)


# --- the account, and chats of contacts ---


def account(fake, request):
    params = fake.admit(request)
    _params(params, {"with"})
    out = {"id": 31337, "name": "Shop", "subdomain": "shop"}
    if "amojo_id" in params.get("with", []):
        out["amojo_id"] = fake.amojo.account
    if "drive_url" in params.get("with", []):
        out["drive_url"] = fake.url
    return Answer(200, out, type="application/hal+json")


def link_chats(fake, request):
    for i, item in enumerate(_items(fake.admit(request), {"chat_id", "contact_id", "request_id"})):
        if item.get("contact_id") not in fake.crm.contacts or item.get("chat_id") not in fake.amojo.chats:
            raise Refused(invalid((i, "contact_id", "This contact or chat does not exist")))
        fake.crm.links[item["chat_id"]] = item["contact_id"]
    return Answer(200, {"_embedded": {"chats": [{"chat_id": c, "contact_id": i} for c, i in fake.crm.links.items()]}},
                  type="application/hal+json")


def list_links(fake, request):
    params = fake.admit(request)
    _params(params, {"chat_id", "contact_id"})
    found = [{"chat_id": c, "contact_id": i} for c, i in fake.crm.links.items()
             if c in params.get("chat_id", [c]) and str(i) in params.get("contact_id", [str(i)])]
    return Answer(200, {"_embedded": {"chats": found}}, type="application/hal+json") if found else Answer(204, b"")


ROUTES = [
    ("GET", "/api/v4/account", account),
    ("GET", "/api/v4/contacts", list_contacts),
    ("POST", "/api/v4/contacts", add_contacts),
    ("GET", "/api/v4/contacts/chats", list_links),
    ("POST", "/api/v4/contacts/chats", link_chats),
    ("GET", r"/api/v4/contacts/(\d+)", get_contact),
    ("PATCH", r"/api/v4/contacts/(\d+)", change_contact),
    ("POST", "/api/v4/leads", add_leads),
    ("POST", "/api/v4/contacts/notes", add_notes),
    ("PATCH", "/api/v4/contacts/notes", change_notes),
    ("GET", r"/api/v4/contacts/(\d+)/notes", list_notes),
]
