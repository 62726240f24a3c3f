"""POST /<PHONE_ID>/messages: what the platform takes, and what it refuses."""

import re

from .errors import ApiError
from .world import KINDS

COMMON = {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data",
          "recipient_identity_key_hash"}
WAMID = re.compile(r"^wamid\.[A-Za-z0-9+/=]+$")


def need(value, kind, name):
    if not isinstance(value, kind) or (kind is str and not value):
        raise ApiError(131008 if value is None else 131009, f"Parameter {name} is missing or not valid")
    return value


def known(o, keys, where):
    extra = set(o) - set(keys)
    if extra:
        raise ApiError(100, f"Unexpected key \"{sorted(extra)[0]}\" on param \"{where}\".")


def at_most(text, n, name):
    need(text, str, name)
    if len(text) > n:
        raise ApiError(100, f"Param {name} must be at most {n} characters long.")


def check_media(fake, number, kind, o, caption=True, filename=False):
    known(o, {"id", "link", *({"caption"} if caption else ()), *({"filename"} if filename else ()),
              *({"voice"} if kind == "audio" else ())}, kind)
    if "caption" in o:
        at_most(o["caption"], 1024, "caption")
    media = fake.world.media.get(o.get("id"))
    if media is None or media["until"] < fake.world.now() or media["number"] is not number:
        raise ApiError(131053, "Media id is not valid or has expired")
    mimes, size = KINDS[kind]
    base = media["mime"].split(";")[0]
    if (mimes and base not in mimes) or len(media["data"]) > size:
        raise ApiError(131053, f"Unsupported {kind} mime type {media['mime']} or size")
    if o.get("voice") and base != "audio/ogg":
        raise ApiError(131009, "voice needs audio/ogg with opus")


def check_text(fake, number, o):
    known(o, {"body", "preview_url"}, "text")
    at_most(o.get("body"), 4096, "text['body']")


def check_location(fake, number, o):
    known(o, {"latitude", "longitude", "name", "address"}, "location")
    for key, most in (("latitude", 90), ("longitude", 180)):
        if not isinstance(o.get(key), (int, float, str)) or abs(float(o[key])) > most:
            raise ApiError(131009, f"{key} is not valid")


def check_contacts(fake, number, o):
    if not isinstance(o, list) or not o or len(o) > 257:
        raise ApiError(131009, "contacts must be a list")
    for c in o:
        known(c, {"name", "phones", "emails", "addresses", "org", "urls", "birthday"}, "contacts")
        need(need(c.get("name"), dict, "name").get("formatted_name"), str, "formatted_name")


def check_reaction(fake, number, o):
    known(o, {"message_id", "emoji"}, "reaction")
    if not WAMID.match(o.get("message_id", "")):
        raise ApiError(131009, "message_id is not valid")
    if not isinstance(o.get("emoji"), str) or len(o["emoji"]) > 16:
        raise ApiError(131009, "emoji is not valid")


# --- interactive ---


def check_buttons(action):
    known(action, {"buttons"}, "action")
    buttons = need(action.get("buttons"), list, "buttons")
    if not 1 <= len(buttons) <= 3:
        raise ApiError(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    for b in buttons:
        if b.get("type") != "reply":
            raise ApiError(131009, "type of a button must be reply")
        at_most(b["reply"].get("title"), 20, "title")
        at_most(b["reply"].get("id"), 256, "id")
    for key in ("id", "title"):
        if len({b["reply"][key] for b in buttons}) != len(buttons):
            raise ApiError(131009, f"Duplicated {key} in buttons")


def check_list(action):
    known(action, {"button", "sections"}, "action")
    at_most(action.get("button"), 20, "button")
    sections = need(action.get("sections"), list, "sections")
    rows = [r for s in sections for r in s.get("rows", [])]
    if not 1 <= len(sections) <= 10 or not 1 <= len(rows) <= 10:
        raise ApiError(131009, "Total row count exceed max allowed count: 10")
    for s in sections:
        known(s, {"title", "rows"}, "section")
        if len(sections) > 1 or "title" in s:
            at_most(s.get("title"), 24, "section title")
    for r in rows:
        known(r, {"id", "title", "description"}, "row")
        at_most(r.get("id"), 200, "id")
        at_most(r.get("title"), 24, "title")
        if "description" in r:
            at_most(r["description"], 72, "description")
    if len({r["id"] for r in rows}) != len(rows):
        raise ApiError(131009, "Duplicated row id")


def check_url(action):
    p = need(action.get("parameters"), dict, "parameters")
    if action.get("name") != "cta_url" or not str(p.get("url", "")).startswith("https://"):
        raise ApiError(131009, "cta_url is not valid")
    at_most(p.get("display_text"), 20, "display_text")


def check_name(name):
    def check(action):
        if action != {"name": name}:
            raise ApiError(131009, f"action must be {name}")
    return check


INTERACTIVE = {"button": (check_buttons, 1024), "list": (check_list, 4096), "cta_url": (check_url, 1024),
               "request_contact_info": (check_name("request_contact_info"), 1024),
               "location_request_message": (check_name("send_location"), 1024)}


def check_interactive(fake, number, o):
    known(o, {"type", "header", "body", "footer", "action"}, "interactive")
    if o.get("type") not in INTERACTIVE:
        raise ApiError(131009, "interactive type is not valid")
    check, most = INTERACTIVE[o["type"]]
    at_most(need(o.get("body"), dict, "body").get("text"), most, "body text")
    check(need(o.get("action"), dict, "action"))


# --- templates ---


def variables(text):
    return list(dict.fromkeys(re.findall(r"{{\s*(\w+)\s*}}", text or "")))


def check_params(params, names, where):
    if len(params) != len(names):
        raise ApiError(132000, f"{where}: number of localizable_params ({len(params)}) does not match the expected "
                               f"number of params ({len(names)})")
    for i, p in enumerate(params):
        if p.get("type") != "text" or not p.get("text"):
            raise ApiError(132012, f"{where}: parameter {i + 1} must be a text")
        if re.search(r"[\n\t]| {5,}", p["text"]):
            raise ApiError(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    if names and not names[0].isdigit():
        if sorted(p.get("parameter_name", "") for p in params) != sorted(names):
            raise ApiError(132000, f"{where}: names of parameters do not match")
    elif any("parameter_name" in p for p in params):
        raise ApiError(132012, f"{where}: the template has positional parameters")


def check_template(fake, number, o):
    known(o, {"name", "language", "components"}, "template")
    code = need(o.get("language"), dict, "language").get("code")
    found = next((t for t in number.waba.templates if t["name"] == o.get("name") and t["language"] == code), None)
    if found is None or found["status"] in ("PENDING", "REJECTED"):
        raise ApiError(132001, f"template name ({o.get('name')}) does not exist in {code}")
    if found["status"] in ("PAUSED", "DISABLED"):
        raise ApiError(132015 if found["status"] == "PAUSED" else 132016)
    given = {}
    for c in o.get("components", []):
        given.setdefault(c.get("type"), []).append(c)
    for part in found["components"]:
        kind = part["type"].lower()
        params = [p for c in given.pop(kind, []) for p in c.get("parameters", [])] if kind != "buttons" else []
        if kind == "header" and part.get("format", "TEXT") != "TEXT":
            wanted = part["format"].lower()
            if len(params) != 1 or params[0].get("type") != wanted:
                raise ApiError(132012, f"header: Format mismatch, expected {part['format']}")
            check_media(fake, number, wanted, params[0][wanted], caption=False, filename=wanted == "document")
        elif kind in ("header", "body"):
            check_params(params, variables(part.get("text")), kind)
        elif kind == "buttons":
            check_template_buttons(part["buttons"], given.pop("button", []))
    if given:
        raise ApiError(132000, f"unexpected components: {sorted(given)}")
    return found


def check_template_buttons(buttons, given):
    wanted = {str(i): b for i, b in enumerate(buttons)
              if (b["type"] == "URL" and variables(b.get("url"))) or b["type"] == "COPY_CODE"}
    have = {g.get("index"): g for g in given if g.get("sub_type") != "quick_reply"}
    if set(have) != set(wanted):
        raise ApiError(132000, "buttons: number of parameters does not match")
    for i, g in have.items():
        want = "url" if wanted[i]["type"] == "URL" else "copy_code"
        if g.get("sub_type") != want or len(g.get("parameters", [])) != 1:
            raise ApiError(132012, "buttons: sub_type does not match")


CHECKS = {"text": check_text, "location": check_location, "contacts": check_contacts, "reaction": check_reaction,
          "interactive": check_interactive, "template": check_template,
          "image": lambda f, n, o: check_media(f, n, "image", o), "video": lambda f, n, o: check_media(f, n, "video", o),
          "audio": lambda f, n, o: check_media(f, n, "audio", o, caption=False),
          "document": lambda f, n, o: check_media(f, n, "document", o, filename=True),
          "sticker": lambda f, n, o: check_media(f, n, "sticker", o, caption=False)}


def check(fake, number, body):
    """Raises ApiError, or gives (the address, the person or None)."""
    kind = body.get("type", "text")
    if body.get("messaging_product") != "whatsapp":
        raise ApiError(100, "Param messaging_product must be one of {WHATSAPP}")
    if kind not in CHECKS:
        raise ApiError(131051, f"Unsupported message type {kind}")
    known(body, COMMON | {kind}, "message")
    if "to" in body and "recipient" in body:
        fake.problems.append("both to and recipient are set: to wins")
    to = need(body.get("to", body.get("recipient")), str, "to")
    if body.get("recipient_type") not in (None, "individual", "group"):
        raise ApiError(131009, "recipient_type is not valid")
    if len(body.get("biz_opaque_callback_data", "")) > 512:
        raise ApiError(100, "biz_opaque_callback_data must be at most 512 characters long.")
    if "context" in body and not WAMID.match(str(body["context"].get("message_id", ""))):
        raise ApiError(131009, "message_id of context is not valid")
    part = body.get(kind)
    if not isinstance(part, (dict, list)):
        raise ApiError(131008, f"Required parameter {kind} is missing")
    template = CHECKS[kind](fake, number, part)
    digits = to.lstrip("+")
    if "to" in body and body.get("recipient_type") != "group" and not digits.isdigit():
        raise ApiError(131009, "to is no phone number")
    if template and template["category"] == "AUTHENTICATION" and "to" not in body:
        raise ApiError(131062)
    if number.status != "CONNECTED":
        raise ApiError(133010)
    return digits, fake.world.people.get(fake.world.aliases.get(digits, digits))
