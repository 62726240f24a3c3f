"""What goes wrong on purpose, and where.

Stages: connect greeting ehlo starttls auth mail rcpt data body end rset. Kinds:
  reply          answers `reply` instead, and does nothing
  drop           closes the connection (body: in the middle of the data)
  take_and_drop  (end) has the mail, and closes without a word
  take_and_reply (end) has the mail, and says `reply`, a refusal
  slow           waits `ms` first, then goes on as if nothing was
  reply_and_drop answers `reply` and closes, as 421 does
"""

KINDS = {"reply", "drop", "take_and_drop", "take_and_reply", "slow", "reply_and_drop"}
STAGES = {"connect", "greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "end", "rset"}


class Fault:
    def __init__(self, stage, kind="reply", reply="451 4.3.0 Try again later", match="", times=None, ms=0, skip=0):
        assert kind in KINDS and stage in STAGES, (stage, kind)
        self.stage, self.kind, self.reply, self.match = stage, kind, reply, match
        self.left, self.ms, self.skip = times, ms, skip


class Faults:
    def __init__(self):
        self.rules = []
        self.happened = []

    def add(self, stage, **what):
        self.rules.append(Fault(stage, **what))

    def clear(self):
        self.rules.clear()

    def pick(self, stage, line=""):
        for rule in self.rules:
            if rule.stage != stage or rule.left == 0 or rule.match not in line:
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            if rule.left is not None:
                rule.left -= 1
            self.happened.append((stage, rule.kind, line))
            return rule
        return None
