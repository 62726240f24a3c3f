"""What every channel owes to each message: it is on the card exactly once and as the thread has it, and its trail tells
its way."""

from harness import SLOWER, until

# What a card has of a message is what the thread has.
SHOWN = ("direction", "text", "html", "subject", "email", "attachments", "location", "contact", "poll", "checklist", "forward",
         "quote", "reply_to", "button", "buttons", "form", "order", "template", "product", "referral", "event", "author", "topic",
         "raw_type", "past", "edits", "reactions", "deleted_at", "deleted_by")


class Told:
    """For a world with api, gateway, message() and trail()."""

    fetches = True  # the channel keeps files, and they are fetched
    repeats = False  # a send may be tried again whatever became of it, so that nothing is noted before

    def told(self, messages, timeout=20):
        """Each of these is on the card once and as it is in the thread, and its trail tells its way."""
        for m in messages:
            until(lambda: self._is_told(m), timeout * SLOWER, why=f"for card and trail of {m.get('text') or m['id']}")

    def _is_told(self, m):
        m = self.message(m["thread"], m["id"])
        on_card = [c for c in self.gateway.card_messages() if c["id"] == m["id"]]
        assert len(on_card) == 1, (len(on_card), m)
        for key in SHOWN:
            assert on_card[0].get(key) == m.get(key), (key, on_card[0].get(key), m.get(key))
        trail = self.trail(m["id"])
        wanted = ["received", "stored", "attached"]
        if m["direction"] == "out":
            how = "bounced" if m.get("error", {}).get("late") else m["status"]
            begun = [] if self.repeats else ["sending"]
            wanted += ["queued", *begun, how] if m.get("from", {}).get("agent") else ["sent"]
        missing = [w for w in wanted if w not in trail]
        assert not missing, (missing, trail)
        fetched = m["direction"] == "in" and self.fetches
        here = [a for a in m.get("attachments", []) if a.get("sha256")] if fetched else []
        assert trail.count("fetched") >= len(here) and trail.count("stored") == 1, trail
        return True
