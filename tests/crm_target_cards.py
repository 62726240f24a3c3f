"""The embedded cards as the contract's tests see them: the reference, with nothing between it and the gateway that
could go wrong (so tests of what goes wrong on the way leave it out: crm_targets.OVER_THE_NET)."""
import json
import pathlib
import shutil
import sqlite3
import tempfile
import types
import uuid

from harness import scratch


class CardsTarget:
    name = "cards"
    keeps_all = True  # what was written elsewhere, too
    text_max = 1 << 30  # a message is one entry, whatever its length

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cards-", dir=scratch()))
        self.file = self.folder / "cards.db"
        self.proxy = types.SimpleNamespace(before=None, after=None, delay=0)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def section(self, extra=""):
        return f'cards "crm" {{{{\n  file = "{self.file}"\n}}}}\n'

    def ask(self, sql, *args):
        db = sqlite3.connect(self.file, timeout=30)
        try:
            with db:
                return db.execute(sql, args).fetchall()
        finally:
            db.close()

    # --- what is in it ---

    def add_card(self, name, *ways):
        card = uuid.uuid4().hex[:26].upper()
        phones = [v for t, v in ways if t in ("phone", "mobile")]
        mails = [v for t, v in ways if t == "email"]
        self.ask("INSERT INTO cards(id, name, phone, email, created) VALUES(?, ?, ?, ?, 0)", card, name,
                 phones[0] if phones else None, mails[0] if mails else None)
        return card

    def add_old_card(self, name, number):
        """Its numbers are all in E.164: nobody else writes into it."""
        digits = "".join(c for c in number if c.isdigit())[-10:]
        return self.add_card(name, ("phone", "+7" + digits))

    def cards(self):
        return dict(self.ask("SELECT id, name FROM cards"))

    def ways(self, card):
        return {("other", f"{kind}:{address}")
                for kind, address in self.ask("SELECT kind, address FROM identities WHERE card = ?", card)}

    def history(self, card):
        """As notes of other CRMs look. Agents' notes are kept here, too, and left out for the contract's sake."""
        out = []
        for (text,) in self.ask("SELECT json FROM messages WHERE card = ? ORDER BY n", card):
            m = json.loads(text)
            if m["direction"] in ("in", "out"):
                who = ("agent " if m["direction"] == "out" else "") + m.get("from", {}).get("name", "")
                late = " (edited)" if m.get("edited_at") else ""
                out.append(f"{who}, {m['connector']} {m['channel']}, {m['received_at']}{late}\n{m['text']}\n#{m['id']}")
        return out

    def delete_card(self, card):
        self.ask("DELETE FROM cards WHERE id = ?", card)

    def merge_cards(self, card, into):
        self.ask("UPDATE clients SET card = ? WHERE card = ?", into, card)
        self.ask("DELETE FROM cards WHERE id = ?", card)
