"""ELMA365's web API as far as the reference sheet knows it (crm.md 1), and stricter than that: what the sheet does not
know is refused. Unconfirmed there, so in one place here: the names of UNCONFIRMED."""
import json
import re
import time
import urllib.parse
import uuid

from ..crm import CrmFake
from ..wire import Answer, multipart

PART_MIN = 5 << 20
TEMPORARY_S = 3600
PAGE_MAX = 100
SYSTEM = {"__id": "system", "__name": "string", "__index": "system", "__status": "system", "__version": "system",
          "__createdAt": "system", "__createdBy": "system", "__updatedAt": "system", "__updatedBy": "system",
          "__deletedAt": "date", "__externalId": "string"}
CONTACT = {"_fullname": "fullname", "_phone": "phone", "_email": "email", "_companies": "refs", "_owner": "refs",
           "gw_ids": "string", "_note": "string"}
DEAL = {"_contacts": "refs", "_source": "string", "_budget": "money", "_owner": "refs"}
UNCONFIRMED = {"message_id": ("message", "__id"), "rows": ("result", "result"), "comments": "comments"}


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status, self.text = status, text


class App:
    def __init__(self, fields):
        self.fields, self.items = dict(SYSTEM, **fields), {}


class Elma(CrmFake):
    """auth: "bearer" or "x-token". now: what the clock shows, for files that live an hour. feeds: {item id: [message]}."""

    def __init__(self, token="T0ken", auth="bearer", port=0):
        self.token, self.auth, self.now = token, auth, time.time
        self.apps = {("_clients", "_contacts"): App(CONTACT), ("_clients", "_deals"): App(DEAL),
                     ("_clients", "_leads"): App(DEAL)}
        self.feeds, self.files, self.parts, self.serial, self.refused = {}, {}, {}, 0, []
        self.users, self.directories = {str(uuid.uuid4()): "Anna"}, {str(uuid.uuid4()): []}
        self.ignores, self.rules = set(), []  # keys that are dropped; what an admin forbids: f(ns, code, item) -> why
        super().__init__(port)

    # --- a request ---

    def answer(self, request):
        try:
            result = self.dispatch(request)
            status = result.pop("_status", 200)
            return Answer(status, {"success": True, "error": "", **result})
        except Refused as e:
            self.refused.append(f"{request.path}: {e.text}")
            return Answer(e.status, {"success": False, "error": e.text})

    def dispatch(self, request):
        h = request.headers
        given = h.get("authorization") if self.auth == "bearer" else h.get("x-token")
        if given != (f"Bearer {self.token}" if self.auth == "bearer" else self.token):
            raise Refused(403, "access denied")
        if not request.path.startswith("/pub/v1/"):
            raise Refused(404, f"no such page: {request.path}")
        path = urllib.parse.unquote(request.path[len("/pub/v1/"):]).split("/")
        query = dict(urllib.parse.parse_qsl(request.query))
        if path[0] == "disk":
            return self.disk(request, path[1:], query)
        if path[0] == "scheme" and request.method == "GET":
            return self.scheme(path[1:])
        if request.method != "POST":
            raise Refused(404, f"nothing at {request.method} {request.path}")
        if h.get("content-type") != "application/json":
            raise Refused(400, "application/json is due")
        try:
            body = json.loads(request.body)
        except ValueError as e:
            raise Refused(400, f"invalid character: {e}") from e
        if not isinstance(body, dict):
            raise Refused(400, "an object is due")
        if path == ["app", "items", "batch"]:
            return self.batch(body)
        if path[0] == "app" and len(path) in (4, 5):
            return self.item_call(path[1:], body)
        if path[0] == "feed" and len(path) >= 5:
            return self.feed_call(path[1:], body)
        raise Refused(404, f"nothing at {request.path}")

    def app(self, ns, code):
        if (ns, code) not in self.apps:
            raise Refused(404, f"no application {ns}/{code}")
        return self.apps[ns, code]

    def item(self, ns, code, id):
        found = self.app(ns, code).items.get(id)
        if not found:
            raise Refused(404, "item not found")
        return found

    def scheme(self, path):
        if len(path) != 4 or path[0] != "namespaces" or path[2] != "apps":
            raise Refused(404, "no such scheme")
        app = self.app(path[1], path[3])
        return {"app": {"code": path[3], "fields": [{"code": c, "type": t.upper()} for c, t in app.fields.items()]}}

    # --- items ---

    def check(self, app, context, refs=()):
        out = {}
        for key, value in context.items():
            kind = app.fields.get(key)
            if kind is None or key in self.ignores:
                continue  # in silence (unconfirmed)
            if kind == "system":
                raise Refused(400, f"{key} is not to be written")
            if not FITS[kind](value, refs):
                raise Refused(400, f"field {key}: wrong value {json.dumps(value)}")
            out[key] = value
        return out

    def create(self, ns, code, context, refs=(), id=None):
        app = self.app(ns, code)
        item = {key: None for key in app.fields}
        item.update(self.check(app, context, refs))
        self.serial += 1
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.now())) + f".{self.serial % 10 ** 9:09d}Z"
        item.update(__id=id or str(uuid.uuid4()), __index=self.serial, __version=1, __createdAt=at, __updatedAt=at)
        full = item.get("_fullname")
        item["__name"] = (" ".join(filter(None, (full.get("lastname"), full.get("firstname")))) if full
                          else item["__name"])
        for rule in self.rules:
            why = rule(ns, code, item)
            if why:
                raise Refused(200, why)
        app.items[item["__id"]] = item
        return item

    def update(self, app, item, context):
        item.update(self.check(app, context))
        item["__version"] += 1
        full = item.get("_fullname")
        if full and "_fullname" in context:
            item["__name"] = " ".join(filter(None, (full.get("lastname"), full.get("firstname"))))
        return item

    def item_call(self, path, body):
        ns, code, *rest = path
        if rest == ["list"]:
            return {"result": self.list(self.app(ns, code), body)}
        if rest == ["create"]:
            only(body, "context", "statusGroupId", "withEventForceCreate")
            return {"item": self.create(ns, code, body["context"])}
        if len(rest) == 2 and rest[1] == "get":
            only(body)
            return {"item": self.item(ns, code, rest[0])}
        if len(rest) == 2 and rest[1] == "update":
            only(body, "context")
            return {"item": self.update(self.app(ns, code), self.item(ns, code, rest[0]), body["context"])}
        raise Refused(404, "no such call")

    def list(self, app, body):
        only(body, "active", "filter", "fields", "from", "size", "ids", "sortExpressions", "statusCode")
        size, start = body.get("size", 10), body.get("from", 0)
        if size > PAGE_MAX:
            raise Refused(400, f"size is at most {PAGE_MAX}")
        tf = body.get("filter", {}).get("tf", {})
        only(body.get("filter", {}), "tf")
        unknown = set(tf) - set(app.fields)
        if unknown:
            raise Refused(400, f"no such field: {unknown}")
        found = [i for i in app.items.values() if not (body.get("active") and i["__deletedAt"])
                 and all(matches(app.fields[k], i[k], v) for k, v in tf.items())]
        shown = body.get("fields", {})
        if not shown.get("*"):
            found = [{k: i[k] for k in (*shown, "__id") if k in i} for i in found]
        return {"result": found[start:start + size], "total": len(found)}

    def batch(self, body):
        only(body, "items", "withEventHandlers")
        before = {k: dict(a.items) for k, a in self.apps.items()}
        ids = {i["context"]["__id"]: str(uuid.uuid4()) for i in body["items"] if "__id" in i["context"]}
        if any(not re.fullmatch(r"\$ref/\w+", r) for r in ids):
            raise Refused(400, "a pseudo id is $ref/...")
        try:
            for one in body["items"]:
                only(one, "namespace", "code", "context")
                context = dict(one["context"])
                id = ids.get(context.pop("__id", None))
                context = {k: [ids.get(x, x) for x in v] if isinstance(v, list) and all(isinstance(x, str) for x in v)
                           else v for k, v in context.items()}
                self.create(one["namespace"], one["code"], context, ids.values(), id)
        except Refused:
            for key, app in self.apps.items():
                app.items = before[key]
            raise
        return {"pseudoIDsMap": ids, "savedItemsCount": len(body["items"])}

    # --- the feed ---

    def feed_call(self, path, body):
        ns, code, id, *rest = path
        self.item(ns, code, id)
        feed = self.feeds.setdefault(id, [])
        if rest == ["message"]:
            return self.told(feed, self.entry(body, "title", "body", "files"))
        if rest == ["message", "list"]:
            return self.feed_list(feed, body)
        if len(rest) == 3 and rest[0] == "message" and rest[2] == "comment":
            head = next((m for m in feed if m["__id"] == rest[1]), None)
            if not head:
                raise Refused(404, "message not found")
            return self.told(head[UNCONFIRMED["comments"]], self.entry(body, "body", "files"))
        raise Refused(404, "no such call")

    def told(self, where, entry):
        where.append(entry)
        name, id = UNCONFIRMED["message_id"]
        return {name: {id: entry["__id"]}}

    def entry(self, body, *allowed):
        only(body, *allowed)
        if not isinstance(body.get("body"), str) or not body["body"]:
            raise Refused(400, "the body must not be empty")
        if len(body["body"].encode()) > 64000:
            raise Refused(400, "the body is too long")
        for id in body.get("files", []):
            if not self.alive(id):
                raise Refused(400, f"no such file: {id}")
            self.files[id]["kept"] = True
        self.serial += 1
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.now())) + f".{self.serial % 10 ** 9:09d}Z"
        return {"__id": str(uuid.uuid4()), "__createdAt": at, "title": body.get("title", ""), "body": body["body"],
                "files": body.get("files", []), UNCONFIRMED["comments"]: []}

    def feed_list(self, feed, body):
        only(body, "filter", "from", "size")
        wanted = body.get("filter", {})
        only(wanted, "author", "bodyKeywords", "titleKeywords", "createdFrom", "createdTo", "files", "hasComments")
        size, start = body.get("size", 10), body.get("from", 0)
        if size > PAGE_MAX:
            raise Refused(400, f"size is at most {PAGE_MAX}")
        found = [m for m in reversed(feed) if all(w.lower() in m["body"].lower() for w in wanted.get("bodyKeywords", []))]
        outer, inner = UNCONFIRMED["rows"]
        return {outer: {inner: found[start:start + size], "total": len(found)}}

    # --- files ---

    def alive(self, id):
        f = self.files.get(id)
        return f and (f["kept"] or self.now() - f["at"] < TEMPORARY_S)

    def disk(self, request, path, query):
        if request.method != "POST":
            raise Refused(404, "no such call")
        if path == ["file", "upload"]:
            return self.upload(request, query, None)
        if len(path) == 3 and path[0] == "directory" and path[2] == "upload":
            if path[1] not in self.directories:
                raise Refused(404, "no such directory")
            return self.upload(request, query, path[1])
        raise Refused(404, "no such call")

    def upload(self, request, query, directory):
        mark = query.get("hash", "")
        m = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", request.headers.get("content-range", ""))
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", mark) or not m:
            raise Refused(400, "hash and Content-Range are due")
        start, end, size = map(int, m.groups())
        form = list(multipart(request))
        if len(form) != 1 or form[0][0] != "file" or form[0][1] is None:
            raise Refused(400, "one file named file is due")
        name, data = form[0][1].replace("%22", '"'), form[0][3]  # as browsers write it
        if len(data) != end - start:
            raise Refused(400, "InvalidPart")  # END is exclusive
        if end < size and len(data) < PART_MIN:
            raise Refused(400, "EntityTooSmall")
        have = self.parts.setdefault(mark, bytearray())
        if start != len(have):
            raise Refused(400, "InvalidPartOrder")
        have += data
        if end < size:
            return {"_status": 206}
        id = str(uuid.uuid4())
        self.files[id] = {"name": name, "data": bytes(self.parts.pop(mark)), "at": self.now(), "kept": bool(directory)}
        if directory:
            self.directories[directory].append(id)
        return {"file": {"__id": id, "name": name}}


def only(given, *allowed):
    if not isinstance(given, dict) or set(given) - set(allowed):
        raise Refused(400, f"unknown: {set(given) - set(allowed)}")
    if "context" in allowed and not isinstance(given.get("context"), dict):
        raise Refused(400, "the context is missing")


def matches(kind, held, wanted):
    if held is None:
        return False
    if kind == "string":
        return isinstance(wanted, str) and wanted.lower() in held.lower()
    if kind == "phone":
        return any(p["tel"] == wanted for p in held)
    if kind == "email":
        return any(p["email"].lower() == wanted.lower() for p in held)
    if kind == "refs":
        return bool(set(held) & set(wanted))
    return False


def is_uuid(s):
    return isinstance(s, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", s)


FITS = {
    "string": lambda v, refs: v is None or isinstance(v, str) and len(v) <= 10000,
    "date": lambda v, refs: v is None or isinstance(v, str) and re.match(r"\d{4}-\d\d-\d\dT", v),
    "fullname": lambda v, refs: isinstance(v, dict) and set(v) <= {"lastname", "firstname", "middlename"}
    and all(isinstance(x, str) for x in v.values()),
    "phone": lambda v, refs: v is None or isinstance(v, list) and all(
        set(p) == {"type", "tel"} and p["type"] in ("home", "work", "mobile") and re.fullmatch(r"\+?\d{5,15}", p["tel"])
        for p in v),
    "email": lambda v, refs: v is None or isinstance(v, list) and all(
        set(p) == {"type", "email"} and p["type"] in ("home", "work") and "@" in p["email"] for p in v),
    "money": lambda v, refs: isinstance(v, dict) and set(v) == {"cents", "currency"} and isinstance(v["cents"], int),
    "refs": lambda v, refs: v is None or isinstance(v, list) and all(is_uuid(x) or x in refs for x in v),
}
