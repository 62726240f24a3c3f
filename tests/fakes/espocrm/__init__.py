"""A stand-in for EspoCRM's REST API (crm.md 6; its documentation and source, 8.4): strict where the real one is, with
its statuses, X-Status-Reason and bodies. What it would pass over in silence is noted in `ignored`, for tests to look at.

The world (records) is apart from the server, so that a server may be killed and another one started on the same."""

import base64
import collections
import hashlib
import hmac
import itertools
import json
import re
import time
import urllib.parse

from ..crm import CrmFake
from ..wire import Answer

API, FILE = "/api/v1/", "Attachment/file/"
MAX_SIZE = 200  # recordListMaxSizeLimit
EDITABLE = 7 * 86400  # noteEditThresholdPeriod
PERSON = {"firstName": 100, "lastName": 100, "phoneNumber": 36, "emailAddress": 255, "phoneNumberData": None,
          "emailAddressData": None, "description": None, "assignedUserId": 24}
NOTE = {"type", "parentType", "parentId", "post", "attachmentsIds"}
READ_ONLY = {"id", "name", "createdAt", "modifiedAt", "createdById", "createdByName", "assignedUserName", "deleted", "number"}
OWN_FIELDS = {"cGwId": 100, "cGwMessengers": 255}  # what an admin makes (README of the adapter): name and length
API_USER = "gw00000000000000a"


def signature(hook, body, older=False):
    """The header Signature of a webhook's request; older: X-Signature, which will be sent until 11.0."""
    mac = hmac.new(hook["secretKey"].encode(), body, hashlib.sha256)
    return base64.b64encode(hook["id"].encode() + b":" + (mac.digest() if older else mac.hexdigest().encode())).decode()


class Refusal(Exception):
    def __init__(self, status, reason, body=b""):
        super().__init__(reason)
        self.status, self.reason, self.body = status, reason, body


def invalid(entity, field, type):
    return Refusal(400, f"Field validation failure; entityType: {entity}, field: {field}, type: {type}.",
                   {"messageTranslation": {"label": "validationFailure", "scope": None,
                                           "data": {"field": field, "type": type}}})


def now():
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())


class World:
    """records: {entity: {id: record}} in the order of their making; merged and deleted ones are gone."""

    def __init__(self, fields=None):
        self.records = {k: {} for k in ("Contact", "Lead", "Note", "Attachment", "Webhook", "User")}
        self.fields = dict(OWN_FIELDS if fields is None else fields)
        self.numbers, self.ids = itertools.count(1), itertools.count(1)
        self.notes_of = collections.defaultdict(list)  # (entity, card) -> notes
        self.by_mark = {}  # the mark field's value -> cards, for a quick find
        self.clock = time.time
        self.records["User"] = {API_USER: {"id": API_USER, "userName": "switchboard", "name": "Switchboard"}}

    def new_id(self):
        return f"{next(self.ids):017x}"

    def add(self, entity, **values):
        """As a person does in the CRM: no rules for what was there before them."""
        id = self.new_id()
        r = {"id": id, "createdAt": now(), "modifiedAt": now(), "createdById": "1", **values}
        self.records[entity][id] = r
        return r

    def add_note(self, card_type, card, post, by, **values):
        r = self.add("Note", type="Post", parentType=card_type, parentId=card, post=post,
                     number=next(self.numbers), made=self.clock(), **values)
        r["createdById"] = by
        self.notes_of[card_type, card].append(r)
        return r

    def delete(self, entity, id):
        self.records[entity].pop(id, None)

    def merge(self, entity, id, into):
        """As EspoCRM does: the notes go along, the record is gone. A field that the other one has not is taken over, as
        a person would choose."""
        old, new = self.records[entity].pop(id), self.records[entity][into]
        for k, v in old.items():
            if v and not new.get(k):
                new[k] = v
        for n in self.notes_of.pop((entity, id), []):
            n["parentId"] = into
            self.notes_of[entity, into].append(n)
        self.notes_of[entity, into].sort(key=lambda n: n["number"])

    def notes(self, entity, card):
        return list(self.notes_of.get((entity, card), []))


def held(record, attribute):
    """All values of an attribute: of numbers and addresses there may be several."""
    data = record.get(attribute + "Data")
    values = [d.get(attribute) for d in data] if data else []
    if record.get(attribute) is not None and record[attribute] not in values:
        values.append(record[attribute])
    return [str(v) for v in values]


def like(pattern, value):
    parts = [".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern]
    return re.fullmatch("".join(parts), value, re.DOTALL | re.IGNORECASE) is not None


def as_tree(query):
    """PHP's where[0][value][1][type]=... as nested dicts; other parameters as they are."""
    params, where = {}, {}
    for key, value in urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        name, keys = re.match(r"[^\[]*", key)[0], re.findall(r"\[([^\]]*)\]", key)
        if name not in ("where", "whereGroup"):
            params[name] = value
            continue
        at = where
        for k in keys[:-1]:
            at = at.setdefault(k, {})
            if not isinstance(at, dict):
                raise Refusal(400, "Bad where.")
        at[keys[-1]] = value
    return params, list_of(where)


def list_of(tree):
    return [tree[k] for k in sorted(tree, key=int)] if all(k.isdigit() for k in tree) else [tree]


class Search:
    """Where items as they are documented, over one entity's records."""

    def __init__(self, entity, attributes):
        self.entity, self.attributes = entity, attributes

    def matches(self, record, items):
        return all(self.item(record, i) for i in items)

    def item(self, record, item):
        type, attribute, value = item.get("type"), item.get("attribute"), item.get("value")
        if type in ("or", "and"):
            results = [self.item(record, i) for i in list_of(value or {})]
            return any(results) if type == "or" else all(results)
        if attribute not in self.attributes:
            raise Refusal(400, f"Not existing attribute '{attribute}' in where.")
        values = held(record, attribute)
        if type == "equals":
            return any(v.lower() == value.lower() for v in values)
        if type == "in":
            return any(v.lower() in [x.lower() for x in list_of(value)] for v in values)
        if type in ("contains", "like", "startsWith"):
            pattern = {"contains": f"%{value}%", "like": value, "startsWith": f"{value}%"}[type]
            return any(like(pattern, v) for v in values)
        if type == "greaterThan":
            return any(float(v) > float(value) for v in values)
        raise Refusal(400, f"Bad where type '{type}'.")


class EspoCrm(CrmFake):
    """See CrmFake."""

    def __init__(self, key="k" * 32, world=None, port=0, **hooks):
        self.key, self.world = key, world or World()
        self.ignored = set()
        self.attachment_max = 25 << 20
        super().__init__(port, **hooks)

    def answer(self, request):
        if request.method == "GET" and request.path.startswith(API + FILE):
            return self.file(request)
        try:
            return Answer(200, self.serve(request))
        except Refusal as r:
            reason = re.sub(r"[^ -~]", " ", r.reason)
            return Answer(r.status, r.body, headers=[f"X-Status-Reason: {reason}"] if reason else [])
        except (ValueError, AttributeError, TypeError, KeyError) as e:
            return Answer(400, b"", headers=[f"X-Status-Reason: Bad request: {type(e).__name__}"])

    def file(self, request):
        """GET Attachment/file/<id>: the bytes."""
        record = self.world.records["Attachment"].get(request.path[len(API + FILE):])
        if request.headers.get("x-api-key") != self.key or not record:
            return Answer(404 if record is None else 401, b"")
        return Answer(200, record["bytes"], type=record["type"])

    def serve(self, request):
        if request.headers.get("x-api-key") != self.key:
            raise Refusal(401, "")
        if not request.path.startswith(API):
            raise Refusal(404, "")
        entity, _, id = request.path[len(API):].partition("/")
        if entity not in self.world.records or "/" in id:
            raise Refusal(404, "")
        if request.method == "GET":
            return self.read(entity, id) if id else self.list(entity, request)
        if request.method == "DELETE" and id:
            self.world.delete(entity, id)
            return True
        if request.method not in ("POST", "PUT") or bool(id) != (request.method == "PUT"):
            raise Refusal(404, "")
        if request.headers.get("content-type") != "application/json":
            raise Refusal(400, "Body is not JSON.")
        data = json.loads(request.body)
        if not isinstance(data, dict):
            raise Refusal(400, "Body is not an object.")
        if id:
            return self.update(entity, id, data)
        return {"Note": self.post_note, "Attachment": self.post_attachment, "Webhook": self.post_webhook}.get(
            entity, lambda d: self.post_person(entity, d, request))(data)

    # --- reading ---

    def attributes(self, entity):
        if entity in ("Contact", "Lead"):
            return {*PERSON, *READ_ONLY, *self.world.fields}
        return {*NOTE, *READ_ONLY} if entity == "Note" else READ_ONLY

    def shown(self, record, whole=True):
        """A list has the first number and address only."""
        out = {k: v for k, v in record.items() if k not in ("made", "bytes") and (whole or not k.endswith("Data"))}
        for k in ("phoneNumber", "emailAddress"):
            data = record.get(k + "Data")
            if data:
                out[k] = next((d[k] for d in data if d.get("primary")), data[0][k])
        if "lastName" in record:
            out["name"] = " ".join(x for x in (record.get("firstName"), record.get("lastName")) if x)
        user = self.world.records["User"].get(record.get("assignedUserId"))
        if user:
            out["assignedUserName"] = user["name"]
        return out

    def read(self, entity, id):
        record = self.world.records[entity].get(id)
        if not record:
            raise Refusal(404, f"Record {id} not found.")
        return self.shown(record)

    def candidates(self, entity, where):
        """The notes of one card need no look at all the others."""
        flat = {i.get("attribute"): i.get("value") for i in where if i.get("type") == "equals"}
        if entity == "Note" and "parentId" in flat and "parentType" in flat:
            return self.world.notes(flat["parentType"], flat["parentId"])
        return list(self.world.records[entity].values())

    def list(self, entity, request):
        params, where = as_tree(request.query)
        known = {"maxSize", "offset", "orderBy", "order", "select"}
        self.ignored |= {f"GET {entity}?{p}" for p in set(params) - known}
        size, offset = int(params.get("maxSize", MAX_SIZE)), int(params.get("offset", 0))
        if size > MAX_SIZE:
            raise Refusal(403, f"Max size should should not exceed {MAX_SIZE}. Use offset and limit.")
        attributes = self.attributes(entity)
        search = Search(entity, attributes)
        for item in where:
            search.item({}, item)  # what is wrong is wrong without records, too
        found = [r for r in self.candidates(entity, where) if search.matches(r, where)]
        by = params.get("orderBy", "number" if entity == "Note" else "createdAt")
        if by not in attributes or params.get("order", "desc") not in ("asc", "desc"):
            raise Refusal(400, "Bad order.")
        found.sort(key=lambda r: r.get(by) or 0, reverse=params.get("order", "desc") == "desc")
        page = [self.shown(r, whole=False) for r in found[offset:offset + size]]
        if "select" in params:
            wanted = set(params["select"].split(","))
            self.ignored |= {f"select {a} of {entity}" for a in wanted - attributes}
            page = [{k: v for k, v in r.items() if k in wanted | {"id"}} for r in page]
        total = len(found)
        if request.headers.get("x-no-total") == "true":
            total = -1 if offset + size < len(found) else -2
        return {"total": total, "list": page}

    # --- people ---

    def check_person(self, entity, data):
        lengths = {**PERSON, **self.world.fields}
        for k, v in list(data.items()):
            if k not in lengths:
                self.ignored.add(f"{entity}.{k}")
                del data[k]
            elif lengths[k] and isinstance(v, str) and len(v) > lengths[k]:
                raise invalid(entity, k, "maxLength")
            elif lengths[k] and v is not None and not isinstance(v, str):
                raise invalid(entity, k, "valid")
        for number in held(data, "phoneNumber"):
            if not re.fullmatch(r"\+[1-9]\d{6,14}", number) or number.startswith("+7") and len(number) != 12:
                raise invalid(entity, "phoneNumber", "valid")
        for address in held(data, "emailAddress"):
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", address):
                raise invalid(entity, "emailAddress", "emailAddress")
        user = data.get("assignedUserId")
        if user and user not in self.world.records["User"]:
            raise Refusal(403, "Assignment failure: assigned user or team not allowed.")

    def duplicates_of(self, entity, data):
        numbers = {re.sub(r"\D", "", n) for n in held(data, "phoneNumber")}
        addresses = {a.lower() for a in held(data, "emailAddress")}
        name = (data.get("firstName"), data["lastName"])
        return [r for r in self.world.records[entity].values()
                if (all(name) and (r.get("firstName"), r.get("lastName")) == name)
                or numbers & {re.sub(r"\D", "", n) for n in held(r, "phoneNumber")}
                or addresses & {a.lower() for a in held(r, "emailAddress")}]

    def post_person(self, entity, data, request):
        if entity not in ("Contact", "Lead"):
            raise Refusal(403, "No create access.")
        if not data.get("lastName"):
            raise invalid(entity, "lastName", "required")
        self.check_person(entity, data)
        if request.headers.get("x-skip-duplicate-check") != "true":
            twins = self.duplicates_of(entity, data)
            if twins:
                raise Refusal(409, "duplicate", [self.shown(r, whole=False) for r in twins])
        record = self.world.add(entity, **data)
        record["createdById"] = API_USER
        return self.shown(record)

    def update(self, entity, id, data):
        record = self.world.records[entity].get(id)
        if not record:
            raise Refusal(404, f"Record {id} not found.")
        if entity == "Note":
            if record["createdById"] != API_USER or self.world.clock() - record["made"] > EDITABLE:
                raise Refusal(403, "No edit access.")
            data = {k: v for k, v in data.items() if k in ("post", "attachmentsIds") or self.ignored.add(f"PUT Note.{k}")}
            self.check_files(data)
        elif entity in ("Contact", "Lead"):
            self.check_person(entity, data)
            if "lastName" in data and not data["lastName"]:
                raise invalid(entity, "lastName", "required")
            for k in ("phoneNumber", "emailAddress"):
                if k in data and k + "Data" not in data and record.get(k + "Data"):
                    first = next(d for d in record[k + "Data"] if d.get("primary"))
                    first[k] = data[k]
        else:
            raise Refusal(403, "No edit access.")
        record.update(data, modifiedAt=now())
        return self.shown(record)

    # --- the stream ---

    def check_files(self, data):
        for id in data.get("attachmentsIds") or []:
            if id not in self.world.records["Attachment"]:
                raise Refusal(403, f"No access to attachment {id}.")

    def post_note(self, data):
        self.ignored |= {f"Note.{k}" for k in set(data) - NOTE}
        if data.get("type") != "Post":
            raise Refusal(403, "Only 'Post' type allowed.")
        if not self.world.records.get(data.get("parentType"), {}).get(data.get("parentId")):
            raise Refusal(403, "No access to parent.")
        if not data.get("post") and not data.get("attachmentsIds"):
            raise invalid("Note", "post", "required")
        self.check_files(data)
        note = self.world.add_note(data["parentType"], data["parentId"], data.get("post"), API_USER,
                                   attachmentsIds=data.get("attachmentsIds") or [])
        return self.shown(note)

    def post_attachment(self, data):
        known = {"name", "type", "role", "relatedType", "parentType", "field", "file"}
        self.ignored |= {f"Attachment.{k}" for k in set(data) - known}
        for k in ("name", "type", "field", "file"):
            if not data.get(k):
                raise Refusal(400, f"No {k}.")
        if data.get("role") != "Attachment" or not (data.get("relatedType") or data.get("parentType")):
            raise Refusal(400, "No related type.")
        head, _, text = data["file"].partition(",")
        if head != f"data:{data['type']};base64":
            raise Refusal(400, "Bad attachment data.")
        content = base64.b64decode(text, validate=True)
        if len(content) > self.attachment_max:
            raise Refusal(403, "File size should not exceed the limit.")
        record = self.world.add("Attachment", name=data["name"], type=data["type"], size=len(content), bytes=content)
        return self.shown(record)

    def post_webhook(self, data):
        if set(data) - {"event", "url", "skipOwn"}:
            self.ignored |= {f"Webhook.{k}" for k in set(data) - {"event", "url", "skipOwn"}}
        if not re.fullmatch(r"[A-Z]\w+\.(create|update|delete|fieldUpdate\.\w+)", data.get("event", "")) or not data.get("url"):
            raise invalid("Webhook", "event", "valid")
        return self.shown(self.world.add("Webhook", secretKey=f"secret{next(self.world.ids):026x}", **data))
