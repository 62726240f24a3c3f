"""HubSpot's CRM and files API as its specification has it (2026-03), and stricter: what is not used here is refused."""
import base64
import hashlib
import hmac
import json
import re
import time
import urllib.parse
import uuid

import requests

from ..crm import CrmFake
from ..wire import Answer, multipart

CONTACT = {"firstname", "lastname", "email", "phone", "mobilephone", "hubspot_owner_id", "lifecyclestage", "gw_id",
           "gw_ids", "hs_lead_status"}
COMPUTED = {"hs_searchable_calculated_phone_number": "phone", "hs_searchable_calculated_mobile_number": "mobilephone"}
NOTE = {"hs_timestamp", "hs_note_body", "hs_attachment_ids", "hubspot_owner_id"}
DEAL = {"dealname", "dealstage", "pipeline", "amount", "hubspot_owner_id", "gw_id", "utm_source"}
STAGES = {"default": {"appointmentscheduled", "closedwon"}, "4711": {"4712"}}
COMMUNICATION = {"hs_timestamp", "hs_communication_body", "hs_communication_channel_type", "hs_communication_logged_from"}
CHANNELS = {"WHATS_APP", "SMS", "LINKEDIN_MESSAGE"}
LINK = {"notes": 202, "communications": 81, "deals": 3}
LINK_BACK = {"notes": 201, "communications": 82, "deals": 4}
GROUPS_MAX = 5
BODY_MAX = 65536


class Refused(Exception):
    def __init__(self, status, category, message):
        super().__init__(message)
        self.status, self.category, self.message = status, category, message


class HubSpot(CrmFake):
    """lag: seconds until a search knows what was made. merged: {id: the id that is now its}."""

    def __init__(self, token="pat-eu1-T0ken", version="2026-03", port=0):
        self.token, self.version, self.lag, self.searches = token, version, 2, []
        self.objects = {"contacts": {}, "notes": {}, "communications": {}, "deals": {}}
        self.links, self.files, self.merged, self.serial, self.refused = [], {}, {}, 100, []
        self.app, self.issued = None, 0  # a public app: (client id, secret, refresh token)
        self.channel, self.account, self.address, self.hook = "77", "880", "house", None
        self.messages, self.statuses = {}, []  # of the custom channel: {key: message}; (message id, status, why)
        self.rules = []  # what an admin forbids: f(kind, properties) -> why
        super().__init__(port)

    def answer(self, request):
        try:
            status, body = self.dispatch(request)
            return Answer(status, body)
        except Refused as e:
            self.refused.append(f"{request.path}: {e.message}")
            return Answer(e.status, {"status": "error", "category": e.category, "message": e.message,
                                     "correlationId": str(uuid.uuid4())})

    def dispatch(self, request):
        h = request.headers
        if request.path == "/oauth/v1/token" and self.app:
            return 200, self.renew(dict(urllib.parse.parse_qsl(request.body.decode())))
        if request.path.startswith("/public/"):
            return 200, self.files[request.path.split("/")[2]]["data"]
        if h.get("authorization") != f"Bearer {self.token}":
            raise Refused(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        path = [urllib.parse.unquote(p) for p in request.path.split("/")[1:]]
        if path == ["files", self.version, "files"] and request.method == "POST":
            return self.upload(request)
        base = ["crm", self.version, "objects"] if self.version.startswith("v") else ["crm", "objects", self.version]
        if path[:4] == ["conversations", "custom-channels", self.version, self.channel] and path[4:5] == ["messages"]:
            return self.channel_call(request, path[5:])
        if path[:3] != base or len(path) < 4 or path[3] not in self.objects:
            raise Refused(404, "OBJECT_NOT_FOUND", f"nothing at {request.path}")
        query = dict(urllib.parse.parse_qsl(request.query))
        body = None
        if request.method in ("POST", "PATCH", "PUT"):
            if h.get("content-type") != "application/json":
                raise Refused(415, "VALIDATION_ERROR", "application/json is due")
            try:
                body = json.loads(request.body)
            except ValueError as e:
                raise Refused(400, "VALIDATION_ERROR", f"Invalid input JSON: {e}") from e
        kind, rest = path[3], path[4:]
        if request.method == "POST" and rest == ["search"]:
            return 200, self.search(kind, body)
        if request.method == "POST" and rest == ["batch", "upsert"]:
            return 200, self.upsert(kind, body)
        if request.method == "POST" and rest == ["batch", "read"]:
            return 200, self.batch_read(kind, body)
        if request.method == "POST" and not rest:
            return 201, self.create(kind, body)
        if request.method == "GET" and len(rest) == 1:
            return 200, self.shown(self.get(kind, rest[0], query.get("idProperty")), query.get("properties", ""))
        if request.method == "PATCH" and len(rest) == 1:
            only(body, "properties")
            return 200, self.patch(kind, self.get(kind, rest[0]), body["properties"])
        if request.method == "GET" and len(rest) == 3 and rest[1] == "associations":
            return 200, self.associated(kind, rest[0], rest[2], query)
        raise Refused(405, "VALIDATION_ERROR", f"no such call: {request.method} {request.path}")

    def renew(self, form):
        if form != {"grant_type": "refresh_token", "client_id": self.app[0], "client_secret": self.app[1],
                    "refresh_token": self.app[2]}:
            raise Refused(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        self.issued += 1
        self.token = f"access-{self.issued}"
        return {"access_token": self.token, "refresh_token": self.app[2], "expires_in": 1800, "token_type": "bearer"}

    # --- the custom channel ---

    def channel_call(self, request, rest):
        body = json.loads(request.body)
        if request.method == "PATCH" and len(rest) == 1:
            only(body, "statusType", "errorMessage")
            if body.get("statusType") not in ("SENT", "FAILED", "READ"):
                raise Refused(400, "VALIDATION_ERROR", f"no such status: {body}")
            self.statuses.append((rest[0], body["statusType"], body.get("errorMessage", "")))
            return 200, {"id": rest[0]}
        if request.method != "POST" or rest:
            raise Refused(405, "VALIDATION_ERROR", "no such call")
        must = {"attachments", "channelAccountId", "messageDirection", "recipients", "senders", "text", "timestamp"}
        if must - set(body) or set(body) - must - {"integrationThreadId", "integrationIdempotencyId", "associateWithContactId"}:
            raise Refused(400, "VALIDATION_ERROR", f"wrong keys: {set(body)}")
        us, them = ("recipients", "senders") if body["messageDirection"] == "INCOMING" else ("senders", "recipients")
        if body["channelAccountId"] != self.account or \
                body[us][0]["deliveryIdentifier"] != {"type": "CHANNEL_SPECIFIC_OPAQUE_ID", "value": self.address}:
            raise Refused(400, "VALIDATION_ERROR", "no such account")
        if not body["text"] and not body["attachments"] or not body[them][0]["deliveryIdentifier"]["value"]:
            raise Refused(400, "VALIDATION_ERROR", "a message without text, or to nobody")
        for a in body["attachments"]:
            if a["type"] != "FILE" or a["fileId"] not in self.files or a["fileUsageType"] not in ("IMAGE", "AUDIO", "OTHER"):
                raise Refused(400, "VALIDATION_ERROR", f"no such file: {a}")
        self.get("contacts", str(body["associateWithContactId"]))
        key = body["integrationIdempotencyId"]
        if key not in self.messages:
            self.serial += 1
            self.messages[key] = dict(body, id=f"m{self.serial}")
        return 201, self.messages[key]

    def inbox(self, thread):
        return self.do(lambda: [m for m in self.messages.values() if m["integrationThreadId"] == thread])

    def event(self, thread, text, id, **message):
        return {"type": "OUTGOING_CHANNEL_MESSAGE_CREATED", "portalId": "1", "channelId": self.channel, "eventId": f"e{id}",
                "eventTimestamp": "2026-11-29T12:00:00Z", "channelIntegrationThreadIds": [thread] if thread else [],
                "message": {"id": id, "conversationsThreadId": "5", "channelAccountId": self.account, "text": text,
                            "senders": [{"actorId": "A-9", "name": "Ivan Petrov"}], "recipients": [{"actorId": "V-1"}],
                            "client": {"clientType": "HUBSPOT"}, "attachments": [], **message}}

    def changes(self, card, changed, of="contact", **more):
        """The body that its webhooks post: an event for each property, in a list."""
        self.serial += 1
        return [{"eventId": self.serial * 100 + i, "subscriptionId": 5000 + i, "portalId": 1, "appId": 7, "occurredAt": int(time.time() * 1000),
                 "subscriptionType": f"{of}.propertyChange", "attemptNumber": 0, "objectId": int(card), "propertyName": name,
                 "propertyValue": value, "changeSource": "CRM_UI", "sourceId": "userId:17", **more}
                for i, (name, value) in enumerate(changed.items())]

    def post(self, body, secret=None, uri=None, at=None, **headers):
        """To the gateway; signed when there is a secret."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", **headers}
        if secret:
            at = str(int(time.time() * 1000) if at is None else at)
            mac = hmac.new(secret.encode(), b"POST" + uri.encode() + raw + at.encode(), hashlib.sha256)
            headers |= {"x-hubspot-signature-v3": base64.b64encode(mac.digest()).decode(), "x-hubspot-request-timestamp": at}
        http = requests.Session()
        http.trust_env = False
        return http.post(self.hook, data=raw, headers=headers, timeout=30)

    # --- objects ---

    def get(self, kind, id, by=None):
        if by:
            if by != "gw_id":
                raise Refused(400, "VALIDATION_ERROR", f"{by} is no unique property")
            found = next((o for o in self.objects[kind].values() if o["properties"].get(by) == id), None)
        else:
            found = self.objects[kind].get(self.merged.get(id, id))
        if not found or found["archived"]:
            raise Refused(404, "OBJECT_NOT_FOUND", "Object not found.")
        return found

    def shown(self, o, properties):
        wanted = properties.split(",") if isinstance(properties, str) else properties
        return {"id": o["id"], "createdAt": o["createdAt"], "updatedAt": o["createdAt"], "archived": False,
                "properties": {p: o["properties"].get(p) for p in wanted if p}}

    def check(self, kind, properties, self_id=None):
        known = {"contacts": CONTACT, "notes": NOTE, "communications": COMMUNICATION, "deals": DEAL}[kind]
        for name, value in properties.items():
            if name not in known:
                raise Refused(400, "VALIDATION_ERROR", f'Property values were not valid: Property "{name}" does not exist')
            if not isinstance(value, str):
                raise Refused(400, "VALIDATION_ERROR", f"{name}: a string is due")
        for rule in self.rules:
            why = rule(kind, properties)
            if why:
                raise Refused(400, "VALIDATION_ERROR", why)
        if kind == "contacts":
            self.check_contact(properties, self_id)
        if kind == "deals":
            self.check_deal(properties)
        body = properties.get("hs_note_body") or properties.get("hs_communication_body") or ""
        if len(body) > BODY_MAX:
            raise Refused(400, "VALIDATION_ERROR", f"the body has more than {BODY_MAX} characters")
        for id in filter(None, properties.get("hs_attachment_ids", "").split(";")):
            if id not in self.files:
                raise Refused(400, "VALIDATION_ERROR", f"no such file: {id}")

    def check_deal(self, properties):
        stages = STAGES.get(properties.get("pipeline", "default"))
        if not stages or properties["dealstage"] not in stages:
            raise Refused(400, "VALIDATION_ERROR", "Property values were not valid: [{\"isValid\":false,\"message\":\"" +
                          properties["dealstage"] + " was not one of the allowed options\",\"error\":\"INVALID_OPTION\"}]")
        for o in self.objects["deals"].values():
            if properties.get("gw_id") and o["properties"].get("gw_id") == properties["gw_id"]:
                raise Refused(409, "CONFLICT", f"Deal already exists. Existing ID: {o['id']}")

    def check_contact(self, properties, self_id):
        mail = properties.get("email")
        if mail and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", mail):
            raise Refused(400, "VALIDATION_ERROR", f"Property values were not valid: {mail} is not a valid email (INVALID_EMAIL)")
        for name in ("email", "gw_id"):
            value = (properties.get(name) or "").lower()
            for o in self.objects["contacts"].values():
                if value and not o["archived"] and o["id"] != self_id and (o["properties"].get(name) or "").lower() == value:
                    raise Refused(409, "CONFLICT", f"Contact already exists. Existing ID: {o['id']}")

    def make(self, kind, properties, lag=None):
        self.serial += 1
        o = {"id": str(self.serial), "properties": dict(properties), "archived": False,
             "createdAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
             "seen": time.monotonic() + (self.lag if lag is None else lag)}
        self.objects[kind][o["id"]] = o
        return o

    def create(self, kind, body):
        only(body, "properties", "associations")
        if kind == "contacts":
            raise Refused(400, "VALIDATION_ERROR", "the gateway upserts contacts")
        need = {"notes": {"hs_timestamp"}, "deals": {"dealname", "dealstage"}, "communications": {"hs_communication_channel_type", "hs_communication_logged_from"}}
        missing = need[kind] - set(body["properties"])
        if missing:
            raise Refused(400, "VALIDATION_ERROR", f"Some required properties were not set: {missing}")
        self.check(kind, body["properties"])
        if kind == "communications" and (body["properties"]["hs_communication_channel_type"] not in CHANNELS or
                                         body["properties"]["hs_communication_logged_from"] != "CRM"):
            raise Refused(400, "VALIDATION_ERROR", "the channel type, or where it was logged from, is not allowed")
        for a in body["associations"]:
            only(a, "to", "types")
            if a["types"] != [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": LINK[kind]}]:
                raise Refused(400, "VALIDATION_ERROR", f"no such association: {a['types']}")
            self.get("contacts", a["to"]["id"])
        o = self.make(kind, body["properties"])
        for a in body["associations"]:
            self.links.append((self.get("contacts", a["to"]["id"])["id"], kind, o["id"]))
        return self.shown(o, list(o["properties"]))

    def patch(self, kind, o, properties):
        self.check(kind, properties, o["id"])
        changed = {k: v for k, v in properties.items() if (o["properties"].get(k) or "") != v}
        o["properties"].update(properties)
        if kind == "contacts":
            self.news.append((o["id"], changed))
        return self.shown(o, list(o["properties"]))

    def upsert(self, kind, body):
        only(body, "inputs")
        out = []
        for one in body["inputs"]:
            only(one, "id", "idProperty", "properties")
            if kind != "contacts" or one["idProperty"] != "gw_id":
                raise Refused(400, "VALIDATION_ERROR", "gw_id of contacts is the only unique property here")
            properties = dict(one["properties"], gw_id=one["id"])
            there = next((o for o in self.objects[kind].values()
                          if o["properties"].get("gw_id") == one["id"] and not o["archived"]), None)
            self.check(kind, properties, there and there["id"])
            if there:
                there["properties"].update(properties)
            o = there or self.make(kind, properties)
            out.append(dict(self.shown(o, list(properties)), new=not there))
        return {"status": "COMPLETE", "results": out, "startedAt": "2026-11-29T12:00:00Z", "completedAt": "2026-11-29T12:00:00Z"}

    def batch_read(self, kind, body):
        only(body, "inputs", "properties", "propertiesWithHistory", "idProperty")
        if len(body["inputs"]) > 100:
            raise Refused(400, "VALIDATION_ERROR", "at most 100 inputs")
        found = [self.objects[kind][i["id"]] for i in body["inputs"] if i["id"] in self.objects[kind]]
        return {"status": "COMPLETE", "results": [self.shown(o, body["properties"]) for o in found if not o["archived"]],
                "startedAt": "2026-11-29T12:00:00Z", "completedAt": "2026-11-29T12:00:00Z"}

    def associated(self, kind, id, other, query):
        o = self.get(kind, id)
        ids = [n for c, k, n in self.links if c == o["id"] and k == other and not self.objects[k][n]["archived"]]
        start, size = int(query.get("after", 0)), int(query.get("limit", 500))
        if size > 500:
            raise Refused(400, "VALIDATION_ERROR", "limit is at most 500")
        page = {"results": [{"toObjectId": n, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": LINK_BACK[other],
                                                                   "label": None}]} for n in ids[start:start + size]]}
        if start + size < len(ids):
            page["paging"] = {"next": {"after": str(start + size)}}
        return page

    # --- search ---

    def value(self, o, name):
        if name in COMPUTED:
            digits = re.sub(r"\D", "", o["properties"].get(COMPUTED[name]) or "")
            return digits[1:] if len(digits) == 11 and digits[0] in "78" else digits
        return (o["properties"].get(name) or "").lower()

    def search(self, kind, body):
        now = time.monotonic()
        self.searches = [t for t in self.searches if now - t < 1] + [now]
        if len(self.searches) > 5:
            raise Refused(429, "RATE_LIMITS", "You have reached your secondly limit.")
        if set(body) != {"after", "filterGroups", "limit", "properties", "sorts"}:
            raise Refused(400, "VALIDATION_ERROR", f"wrong keys: {set(body)}")
        if not 0 < len(body["filterGroups"]) <= GROUPS_MAX or body["limit"] > 200:
            raise Refused(400, "VALIDATION_ERROR", "too many filter groups, or too large a limit")
        found = []
        for o in self.objects[kind].values():
            if o["archived"] or o["seen"] > now:
                continue
            for group in body["filterGroups"]:
                for f in group["filters"]:
                    if set(f) != {"propertyName", "operator", "value"} or f["operator"] != "EQ" or \
                            f["propertyName"] not in CONTACT | set(COMPUTED):
                        raise Refused(400, "VALIDATION_ERROR", f"wrong filter: {f}")
                if all(self.value(o, f["propertyName"]) == f["value"].lower() for f in group["filters"]):
                    found.append(o)
                    break
        return {"total": len(found), "results": [self.shown(o, body["properties"]) for o in found[:body["limit"]]]}

    # --- files ---

    def upload(self, request):
        form = {name: (file, data) for name, file, _, data in multipart(request)}
        if set(form) != {"file", "fileName", "folderPath", "options"} or not form["file"][0]:
            raise Refused(400, "VALIDATION_ERROR", f"wrong form: {set(form)}")
        if json.loads(form["options"][1]) != {"access": "PRIVATE"}:
            raise Refused(400, "VALIDATION_ERROR", "files of clients are private")
        self.serial += 1
        self.files[str(self.serial)] = {"name": form["fileName"][1].decode(), "data": form["file"][1]}
        return 201, {"id": str(self.serial), "name": form["fileName"][1].decode(), "access": "PRIVATE"}


def only(given, *allowed):
    if not isinstance(given, dict) or set(given) - set(allowed):
        raise Refused(400, "VALIDATION_ERROR", f"unknown keys: {set(given) - set(allowed)}")
