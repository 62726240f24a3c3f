"""Texts as the Bot API judges them: entities count UTF-16 units, HTML is a small strict dialect."""

import html
import re

TYPES = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bold", "italic",
         "underline", "strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code", "pre",
         "text_link", "text_mention", "custom_emoji", "date_time"}
TAGS = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
        "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
        "tg-spoiler": "spoiler", "blockquote": "blockquote", "a": "text_link", "span": "spoiler"}
TOKEN = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s[^<>]*)?)>|<")


class Bad(Exception):
    """A 400 with this description (without "Bad Request: ")."""


def units(text):
    return len(text.encode("utf-16-le")) // 2


def check_entities(text, entities):
    """Entities as they are kept; refuses those that do not fit."""
    raw = text.encode("utf-16-le")
    total = len(raw) // 2
    kept = []
    for e in entities:
        if not isinstance(e, dict) or e.get("type") not in TYPES:
            raise Bad("can't parse entities: unsupported entity type specified")
        offset, length = e.get("offset"), e.get("length")
        if not isinstance(offset, int) or not isinstance(length, int) or offset < 0 or length < 1:
            raise Bad("can't parse entities: invalid entity offset or length")
        for at in (offset, offset + length):
            if at < total and 0xDC <= raw[at * 2 + 1] <= 0xDF:
                raise Bad(f"entity begins in a middle of a UTF-16 symbol at byte offset {at}")
        if offset + length > total:
            raise Bad("can't parse entities: entity ends after the end of the text")
        if e["type"] == "text_link" and not e.get("url"):
            raise Bad("can't parse entities: text_link needs a url")
        kept.append(e)
    return kept


def parse_html(source):
    """(text, entities) of parse_mode HTML."""
    out, entities, stack, last = [], [], [], 0

    def length():
        return units("".join(out))

    for m in TOKEN.finditer(source):
        out.append(html.unescape(source[last:m.start()]))
        last = m.end()
        at = len(source[: m.start()].encode())
        if m.group(2) is None:
            raise Bad(f"can't parse entities: Unclosed start tag at byte offset {at}")
        tag = m.group(2).lower()
        if tag not in TAGS:
            raise Bad(f'can\'t parse entities: Unsupported start tag "{tag}" at byte offset {at}')
        if not m.group(1):
            stack.append((tag, length(), m.group(3), at))
            continue
        if not stack or stack[-1][0] != tag:
            raise Bad(f"can't parse entities: Unmatched end tag at byte offset {at}")
        _, start, attributes, _ = stack.pop()
        entity = {"type": TAGS[tag], "offset": start, "length": length() - start}
        href = re.search(r'href="([^"]*)"', attributes)
        if tag == "a" and href:
            entity["url"] = html.unescape(href.group(1))
        if entity["length"]:
            entities.append(entity)
    if stack:
        raise Bad(f"can't parse entities: Can't find end tag corresponding to start tag {stack[-1][0]}")
    out.append(html.unescape(source[last:]))
    return "".join(out), entities


def read_text(params, key, entities_key, limit, empty, too_long):
    """The text of a parameter with its entities, judged as the server does."""
    source = params.get(key) or ""
    if len(source.encode()) > 32768:
        raise Bad(too_long)
    if params.get("parse_mode"):
        if params["parse_mode"].lower() != "html":
            raise Bad("unsupported parse_mode")
        text, entities = parse_html(source)
    else:
        text, entities = source, check_entities(source, params.get(entities_key) or [])
    if len(text) > limit:
        raise Bad(too_long)
    if not text.strip():
        if empty:
            raise Bad(empty)
        return "", []
    return text, entities
