"""One connection: the commands in their order, and nothing forgiven."""

import asyncio
import base64
import binascii
import email
import email.policy
import re
from dataclasses import dataclass

ADDRESS = re.compile(r"^<([^<>\s\x00-\x1f\x7f]*)>((?: [A-Za-z0-9-]+(?:=[^\s=]+)?)*)$")


class Dropped(ConnectionError):
    pass


@dataclass
class Mail:
    user: str
    helo: str
    tls: bool
    sender: str
    recipients: list
    raw: bytes
    connection: int

    @property
    def message(self):
        return email.message_from_bytes(self.raw, policy=email.policy.default)


class Session:
    def __init__(self, world, number, reader, writer):
        self.world, self.number, self.reader, self.writer = world, number, reader, writer
        self.tls = world.tls == "implicit"
        self.helo = self.user = None
        self.quit = False
        self.letters = self.errors = 0
        self.reset()

    def reset(self):
        self.sender, self.recipients, self.extensions = None, [], set()

    def problem(self, text):
        self.world.problems.append(f"connection {self.number}: {text}")

    async def say(self, *lines):
        self.writer.write("".join(line + "\r\n" for line in lines).encode())
        await self.writer.drain()

    async def line(self):
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise Dropped()
        if not line.endswith(b"\r\n"):
            self.problem(f"a line without CR: {line[:80]!r}")
        if b"\r" in line[:-2] or b"\0" in line or len(line) > 2048:
            self.problem(f"a malformed line: {line[:80]!r}")
        return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    async def faulty(self, stage, line=""):
        """True when the fault has answered."""
        fault = self.world.faults.pick(stage, line)
        if not fault:
            return False
        if fault.kind == "slow":
            await asyncio.sleep(fault.ms / 1000)
            return False
        if fault.kind in ("reply", "reply_and_drop"):
            await self.say(fault.reply)
        if fault.kind != "reply":
            raise Dropped()
        return True

    async def run(self):
        if await self.faulty("connect"):
            return
        if self.world.connections_max and self.world.open > self.world.connections_max:
            self.world.turned_away += 1
            await self.say("421 4.7.0 Too many connections")
            return
        if not await self.faulty("greeting"):
            await self.say("220 fake ESMTP")
        while not self.quit:
            line = await self.line()
            word, _, rest = line.partition(" ")
            hidden = word.upper() == "AUTH" and " " in rest
            self.world.commands.append((self.number, f"AUTH {rest.split()[0]}" if hidden else line))
            command = getattr(self, "on_" + word.lower(), None)
            if not command:
                self.problem(f"an unknown command: {line[:80]}")
                await self.say("500 5.5.2 Unknown command")
                continue
            await command(rest)

    # --- before the mail ---

    async def on_ehlo(self, rest):
        self.reset()
        if await self.faulty("ehlo", rest):
            return
        if not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", rest):
            self.problem(f"EHLO of no name: {rest[:80]}")
        self.helo = rest
        words = ["fake"]
        if self.world.size:
            words.append(f"SIZE {self.world.size}")
        words += ["8BITMIME", "ENHANCEDSTATUSCODES"] + (["SMTPUTF8"] if self.world.utf8 else [])
        if self.world.tls == "starttls" and not self.tls:
            words.append("STARTTLS")
        elif self.world.users or self.world.tokens:
            words.append("AUTH PLAIN LOGIN" + (" XOAUTH2 OAUTHBEARER" if self.world.tokens else ""))
        await self.say(*[f"250-{w}" for w in words[:-1]], f"250 {words[-1]}")

    async def on_helo(self, rest):
        self.helo = rest
        await self.say("250 fake")

    async def on_starttls(self, rest):
        if await self.faulty("starttls"):
            return
        if self.world.tls != "starttls" or self.tls:
            await self.say("502 5.5.1 No")
            return
        await self.say("220 2.0.0 Go ahead")
        await self.writer.start_tls(self.world.context())
        self.tls, self.helo = True, None

    async def ask(self, challenge=""):
        await self.say("334 " + base64.b64encode(challenge.encode()).decode())
        return await self.line()

    async def on_auth(self, rest):
        if self.user is not None or self.helo is None:
            self.problem("AUTH out of order")
            await self.say("503 5.5.1 Not now")
            return
        if await self.faulty("auth", rest):
            return
        mechanism, _, first = rest.partition(" ")
        try:
            user = await self.login(mechanism.upper(), first)
        except (binascii.Error, UnicodeDecodeError, IndexError, ValueError) as e:
            self.problem(f"AUTH {mechanism} malformed: {e!r}")
            await self.say("501 5.5.2 Malformed")
            return
        if user is None:
            await self.say("535 5.7.8 Authentication credentials invalid")
        else:
            self.user = user
            await self.say("235 2.7.0 Authentication successful")

    async def login(self, mechanism, first):
        def decode(text):
            return base64.b64decode(text, validate=True).decode()

        if mechanism == "LOGIN":
            user = decode(first or await self.ask("Username:"))
            password = decode(await self.ask("Password:"))
            return user if self.world.users.get(user) == password else None
        said = decode(first or await self.ask())
        if mechanism == "PLAIN":
            _, user, password = said.split("\0")
            return user if self.world.users.get(user) == password else None
        if mechanism == "XOAUTH2":
            user, bearer, end, rest = said.split("\x01")
            if not user.startswith("user=") or not bearer.startswith("auth=Bearer ") or end or rest:
                raise ValueError(said)
            user, token = user[5:], bearer[12:]
        elif mechanism == "OAUTHBEARER":
            parts = said.split("\x01")
            user = re.fullmatch(r"n,a=([^,]*),", parts[0])[1]
            token = next(p for p in parts if p.startswith("auth=Bearer "))[12:]
        else:
            raise ValueError(mechanism)
        if self.world.tokens.get(user) == token:
            return user
        await self.ask('{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}')
        return None

    # --- the mail ---

    async def on_mail(self, rest):
        if self.sender is not None or self.helo is None:
            self.problem("MAIL out of order")
            await self.say("503 5.5.1 Sender already given")
            return
        if await self.faulty("mail", rest):
            return
        if self.world.letters_max and self.letters >= self.world.letters_max[0]:
            await self.say(self.world.letters_max[1])
            if self.world.letters_max[1].startswith("421"):
                raise Dropped()
            return
        if self.world.tls != "none" and not self.tls:
            self.problem("MAIL without TLS")
            await self.say("530 5.7.0 Must issue a STARTTLS command first")
            return
        if (self.world.users or self.world.tokens) and self.user is None:
            await self.say("530 5.7.57 Client not authenticated to send mail")
            return
        sender, words = self.path("FROM:", rest)
        if sender is None:
            await self.say("501 5.1.7 Bad sender address syntax")
            return
        sizes = [int(w[5:]) for w in words if w.startswith("SIZE=")]
        self.extensions = set(words)
        if sizes and self.world.size and sizes[0] > self.world.size:
            await self.say("552 5.3.4 Message size exceeds fixed limit")
            return
        self.sender = sender
        await self.say("250 2.1.0 Ok")

    def path(self, word, rest):
        m = ADDRESS.match(rest[len(word):]) if rest.upper().startswith(word) else None
        if not m:
            self.problem(f"a malformed path: {rest[:80]}")
            return None, []
        if not m[1].isascii() and word == "FROM:" and " SMTPUTF8" not in m[2]:
            self.problem("a UTF-8 address without SMTPUTF8")
        return m[1], m[2].upper().split()

    async def on_rcpt(self, rest):
        if self.sender is None:
            self.problem("RCPT out of order")
            await self.say("503 5.5.1 Need MAIL first")
            return
        if self.world.errors_max and self.errors >= self.world.errors_max:
            await self.say("421 4.7.0 Error: too many errors")
            raise Dropped()
        if await self.faulty("rcpt", rest):
            self.errors += 1
            return
        address, _ = self.path("TO:", rest)
        if not address:
            await self.say("501 5.1.3 Bad recipient address syntax")
        elif not address.isascii() and "SMTPUTF8" not in self.extensions:
            self.problem("a UTF-8 recipient without SMTPUTF8")
            await self.say("553 5.6.7 SMTPUTF8 is needed")
        elif len(self.recipients) >= self.world.recipients_max:
            await self.say("452 4.5.3 Too many recipients")
        else:
            self.recipients.append(address)
            await self.say("250 2.1.5 Ok")

    async def on_data(self, rest):
        if not self.recipients:
            await self.say("554 5.5.1 No valid recipients")
            return
        if await self.faulty("data"):
            return
        await self.say("354 End data with <CR><LF>.<CR><LF>")
        raw = await self.body()
        self.letters += 1
        fault = self.world.faults.pick("end")
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.ms / 1000)
        if not fault or fault.kind in ("slow", "take_and_drop", "take_and_reply"):
            self.world.accepted.append(
                Mail(self.user, self.helo, self.tls, self.sender, self.recipients, raw, self.number))
        self.reset()
        if fault and fault.kind in ("drop", "take_and_drop"):
            raise Dropped()
        if fault and fault.kind != "slow":
            await self.say(fault.reply)
            if fault.kind == "reply_and_drop":
                raise Dropped()
            return
        await self.say(f"250 2.0.0 Ok: queued as {len(self.world.accepted):X}")

    async def body(self):
        lines = []
        fault = self.world.faults.pick("body")
        while True:
            line = await self.reader.readline()
            if not line.endswith(b"\n"):
                raise Dropped()
            if fault and fault.kind == "slow":
                await asyncio.sleep(fault.ms / 1000)
                fault = None
            elif fault:
                if fault.kind.startswith("reply"):
                    await self.say(fault.reply)
                raise Dropped()
            if line == b".\r\n":
                return b"".join(lines)
            if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
                self.problem(f"a line of the mail without CRLF: {line[:80]!r}")
            if b"\0" in line or len(line) > 1000 + line.startswith(b"."):
                self.problem(f"NUL or too long a line in the mail: {line[:80]!r}")
            if not line.isascii() and not self.extensions & {"BODY=8BITMIME", "SMTPUTF8"}:
                self.problem(f"8-bit bytes in the mail: {line[:80]!r}")
            lines.append(line[1:] if line.startswith(b".") else line)

    async def on_rset(self, rest):
        if await self.faulty("rset"):
            return
        self.reset()
        await self.say("250 2.0.0 Ok")

    async def on_noop(self, rest):
        await self.say("250 2.0.0 Ok")

    async def on_quit(self, rest):
        await self.say("221 2.0.0 Bye")
        self.quit = True
