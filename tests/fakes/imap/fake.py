"""An IMAP server (RFC 3501 with IDLE, MOVE, UIDPLUS, SPECIAL-USE, LITERAL+) for what a real one cannot be made
to do: it is strict about what it hears, and lies as it is told to.

    with FakeImap(users={"support@example.test": "secret"}) as imap:
        imap.add(b"Subject: hi\\r\\n\\r\\nhello\\r\\n")
        imap.fault("drop", at="UID FETCH", after=10)
"""
import asyncio
import base64
import re
import threading
import time

from ..server import FakeServer

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Fault:
    """What goes wrong at the next command that begins with `at`, `times` times:
    drop     the connection is closed after `after` bytes of the answer
    bye      "* BYE text" instead of an answer, and the end
    no, bad  that answer with `text`
    silence  no answer at all, the connection stays (at="greeting": not even that)
    stall    silence after `after` bytes of the answer
    deaf     (IDLE) DONE is not answered
    gone     (UID FETCH) the mail with `uid` is expunged just before
    drip     the answer comes a byte each `seconds`
    slices   the answer comes in pieces of one byte, at once
    say      the lines in `text` come before the answer (EXISTS in a FETCH, "* OK [ALERT] ..", nonsense)
    huge     the literal of a mail's body is announced with `size` bytes
    uid_last UID comes behind the body
    literals each string of a FETCH is a literal
    withhold the mails (`uid`: this one) are left out of the answer, which is OK
    reverse  FETCH answers from the last mail to the first"""

    def __init__(self, kind, at="", times=1, **args):
        self.kind, self.at, self.times, self.args = kind, at, times, args


class Mail:
    def __init__(self, uid, raw, flags, when):
        self.uid, self.raw, self.flags, self.when = uid, raw, set(flags), when

    def date(self):
        t = time.gmtime(self.when)
        return f"{t.tm_mday:2d}-{MONTHS[t.tm_mon - 1]}-{t.tm_year:04d} " + time.strftime("%H:%M:%S +0000", t)


class Box:
    def __init__(self, use=""):
        self.uidvalidity, self.uidnext, self.mails, self.use = 1000, 1, [], use


class Closed(Exception):
    pass


class FakeImap(FakeServer):
    CAPABILITIES = "IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 ID IDLE MOVE UIDPLUS SPECIAL-USE LITERAL+"

    def __init__(self, users=None, tokens=None, capabilities=CAPABILITIES, tls=None, port=0, host="127.0.0.1"):
        """users: {name: password}; tokens: {name: access token}; tls: an ssl.SSLContext of a server."""
        self.users, self.tokens = dict(users or {"u": "p"}), dict(tokens or {})
        self.capabilities, self.tls = capabilities, tls
        self.boxes = {"INBOX": Box(), "Sent": Box("\\Sent"), "Junk": Box("\\Junk")}
        self.faults, self.seen, self.sessions, self.logins = [], [], set(), 0
        self.readers = self.readers_max = 0  # sessions that have a folder open
        self.permanent_flags, self.access = "\\Seen \\Deleted \\*", "READ-WRITE"
        self.mute = False  # IDLE tells nothing
        self.says_uidnext = True
        super().__init__(port, host)

    def _run(self, port, started: threading.Event):
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, self.host, port, ssl=self.tls, limit=1 << 26, backlog=1000))
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'imaps' if self.tls else 'imap+plain'}://{self.host}:{self.port}"
        started.set()
        self._loop.run_forever()

    async def _serve(self, reader, writer):
        session = Session(self, reader, writer)
        self.sessions.add(session)
        try:
            await session.run()
        except (Closed, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self.sessions.discard(session)
            self.readers -= bool(session.box)
            writer.close()

    # --- from the test's thread ---

    def fault(self, kind, at="", times=1, **args):
        self.do(self.faults.append, Fault(kind, at, times, **args))

    def add(self, raw, folder="INBOX", flags=(), when=None, uid=None):
        """A mail arrives; its UID. uid: leaves a gap."""
        return self.do(self._add, raw, folder, flags, when, uid)

    def _add(self, raw, folder, flags=(), when=None, uid=None):
        box = self.boxes[folder]
        box.uidnext = max(box.uidnext, uid or 0)
        mail = Mail(box.uidnext, raw, flags, time.time() if when is None else when)
        box.uidnext += 1
        box.mails.append(mail)
        for s in self.sessions:
            if s.idling and s.box is box and not self.mute:
                s.tell_news()
        return mail.uid

    def expunge(self, uid, folder="INBOX"):
        self.do(self._expunge, self.boxes[folder], {uid})

    def _expunge(self, box, uids):
        for s in self.sessions:
            if s.box is box:
                s.expunged += [i + 1 for i in reversed(range(len(box.mails))) if box.mails[i].uid in uids]
                if s.idling:
                    s.tell_expunged()
        box.mails[:] = [m for m in box.mails if m.uid not in uids]

    def renew(self, folder="INBOX", keep=True):
        """The folder gets another UIDVALIDITY, and its mails other UIDs."""
        def change():
            box = self.boxes[folder]
            box.uidvalidity += 1
            box.mails = box.mails if keep else []
            for i, m in enumerate(box.mails):
                m.uid = i + 1
            box.uidnext = len(box.mails) + 1

        self.do(change)

    def hang_up(self):
        """Every connection is cut."""
        self.do(lambda: [s.writer.transport.abort() for s in list(self.sessions)])

    def commands(self, begin=""):
        return [line for line in list(self.seen) if line.startswith(begin)]


class Session:
    def __init__(self, fake, reader, writer):
        self.fake, self.reader, self.writer = fake, reader, writer
        self.user = self.box = self.fault = None
        self.idling = False
        self.known = 0  # the last UID that it heard of
        self.expunged = []  # sequence numbers of what it does not know to be gone

    def tell_expunged(self):
        """Not while FETCH, STORE or SEARCH run (RFC 3501 7.4.1)."""
        for n in self.expunged:
            self.tell(f"* {n} EXPUNGE")
        self.expunged = []

    def tell_news(self):
        """What came while no command ran is told with the next one (RFC 3501 5.2, 7.3.1)."""
        self.tell_expunged()
        if self.box.uidnext - 1 > self.known:
            self.known = self.box.uidnext - 1
            self.tell(f"* {len(self.box.mails)} EXISTS")

    def tell(self, line):
        self.writer.write(line.encode() + b"\r\n")

    async def put(self, data):
        """An answer, as the fault wants it."""
        f = self.fault
        if f and f.kind in ("drip", "slices"):
            for i in range(len(data)):
                self.writer.write(data[i:i + 1])
                await self.writer.drain()
                await asyncio.sleep(f.args.get("seconds", 0))
        elif f and f.kind in ("drop", "stall"):
            self.writer.write(data[:f.args.get("after", 0)])
            await self.writer.drain()
            if f.kind == "drop":
                raise Closed
            await self.reader.read(1)  # until the other one gives up
            raise Closed
        else:
            self.writer.write(data)
            await self.writer.drain()

    async def faulty(self, tag, line):
        """True when the fault is all that is to be said."""
        self.fault = next((f for f in self.fake.faults if f.times and
                           (f.at == line if tag == "*" else line.startswith(f.at))), None)
        if self.fault:
            self.fault.times -= 1
        return bool(self.fault) and await self.goes_wrong(tag)

    async def run(self):
        if not await self.faulty("*", "greeting"):
            self.tell("* OK ready")
        while True:
            tag, line = await self.read_command()
            self.fake.seen.append(re.sub(r"^(AUTHENTICATE \S+|LOGIN) .*", r"\1 ...", line))
            if await self.faulty(tag, line):
                continue
            name = line.upper().split(" ")[0]
            handler = getattr(self, "on_" + name.lower(), None)
            if not handler:
                self.tell(f"{tag} BAD Unknown command")
                continue
            if not self.user and name not in ("CAPABILITY", "AUTHENTICATE", "LOGIN", "LOGOUT", "NOOP", "ID"):
                self.tell(f"{tag} BAD Not logged in")
                continue
            await handler(tag, line)

    async def goes_wrong(self, tag):
        f = self.fault
        text = f.args.get("text", "")
        if f.kind == "bye":
            await self.put(f"* BYE {text or 'going down'}\r\n".encode())
            raise Closed
        if f.kind in ("no", "bad"):
            self.tell(f"{tag} {f.kind.upper()} {text or 'refused'}")
            return True
        if f.kind == "say":
            self.writer.write(text.encode())
        return f.kind == "silence"

    async def read_command(self):
        """(tag, line); a literal's place holds its bytes as latin-1."""
        line = b""
        while True:
            part = await self.reader.readuntil(b"\n")
            if not part.endswith(b"\r\n"):
                self.tell("* BAD a line feed alone")
                raise Closed
            line += part[:-2]
            size = re.search(rb"\{(\d+)(\+?)\}$", line)
            if not size:
                break
            if not size[2]:
                self.tell("+ go on")
            line = line[:size.start()] + b"\0" + await self.reader.readexactly(int(size[1])) + b"\0"
        tag, _, rest = line.decode("latin-1").partition(" ")
        return tag, rest

    # --- commands ---

    async def on_capability(self, tag, _):
        await self.put(f"* CAPABILITY {self.fake.capabilities}\r\n{tag} OK done\r\n".encode())

    async def on_id(self, tag, _):
        await self.put(f'* ID ("name" "fake")\r\n{tag} OK done\r\n'.encode())

    async def on_noop(self, tag, _):
        if self.box:
            self.tell_news()
        await self.put(f"{tag} OK done\r\n".encode())

    async def on_logout(self, tag, _):
        await self.put(f"* BYE bye\r\n{tag} OK done\r\n".encode())
        raise Closed

    async def on_authenticate(self, tag, line):
        _, kind, *initial = line.split(" ")
        if not initial:
            self.tell("+ ")
            initial = [(await self.reader.readuntil(b"\r\n"))[:-2].decode()]
        text = base64.b64decode(initial[0]).decode()
        if kind == "PLAIN":
            _, user, password = text.split("\0")
            good = self.fake.users.get(user) == password
        else:
            user, token = re.fullmatch("user=(.*)\1auth=Bearer (.*)\1\1", text).groups()
            good = token and self.fake.tokens.get(user) == token
            if not good:
                self.tell("+ " + base64.b64encode(b'{"status":"400","schemes":"Bearer"}').decode())
                await self.reader.readuntil(b"\r\n")
        await self.let_in(tag, user if good else None)

    async def on_login(self, tag, line):
        _, user, password = re.sub('["\0]', "", line).split(" ", 2)
        await self.let_in(tag, user if self.fake.users.get(user) == password else None)

    async def let_in(self, tag, user):
        self.user = user
        self.fake.logins += bool(user)
        await self.put(f"{tag} {'OK in' if user else 'NO [AUTHENTICATIONFAILED] Wrong'}\r\n".encode())

    async def on_select(self, tag, line):
        name = line[7:].strip('"\0')
        self.fake.readers -= bool(self.box)
        self.box = self.fake.boxes.get(name)
        self.fake.readers += bool(self.box)
        self.fake.readers_max = max(self.fake.readers, self.fake.readers_max)
        if not self.box:
            await self.put(f"{tag} NO [NONEXISTENT] No such folder\r\n".encode())
            return
        b = self.box
        self.known, self.expunged = b.uidnext - 1, []
        await self.put((f"* FLAGS (\\Seen \\Deleted)\r\n* OK [PERMANENTFLAGS ({self.fake.permanent_flags})] x\r\n"
                        f"* {len(b.mails)} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {b.uidvalidity}] x\r\n"
                        + (f"* OK [UIDNEXT {b.uidnext}] x\r\n" if self.fake.says_uidnext else "")
                        + f"{tag} OK [{self.fake.access}] done\r\n").encode())

    async def on_list(self, tag, line):
        out = "".join(f'* LIST (\\HasNoChildren {b.use}) "/" "{n}"\r\n' for n, b in self.fake.boxes.items()
                      if b.use or "SPECIAL-USE" not in line)
        await self.put(f"{out}{tag} OK done\r\n".encode())

    async def on_append(self, tag, line):
        name, flags, raw = re.fullmatch('APPEND "?([^"]*)"? \\((.*?)\\) \0(.*)\0', line, re.S).groups()
        if name not in self.fake.boxes:
            await self.put(f"{tag} NO [TRYCREATE] No such folder\r\n".encode())
            return
        uid = self.fake._add(raw.encode("latin-1"), name, flags.split())
        await self.put(f"{tag} OK [APPENDUID {self.fake.boxes[name].uidvalidity} {uid}] done\r\n".encode())

    async def on_idle(self, tag, _):
        if "IDLE" not in self.fake.capabilities.split():
            await self.put(f"{tag} BAD Unknown command\r\n".encode())
            return
        await self.put(b"+ idling\r\n")
        if not self.fake.mute:
            self.tell_news()
        self.idling = True
        try:
            done = await self.reader.readuntil(b"\r\n")
        finally:
            self.idling = False
        if done != b"DONE\r\n":
            raise Closed
        if self.fault and self.fault.kind == "deaf":
            return
        await self.put(f"{tag} OK done\r\n".encode())

    # --- UID ... ---

    def of_set(self, text):
        """The mails of "1,3:5,9:*", oldest first."""
        top = max((m.uid for m in self.box.mails), default=0)
        wanted = set()
        for part in text.split(","):
            a, _, b = part.partition(":")
            low, high = sorted(top if x == "*" else int(x) for x in (a, b or a))
            wanted |= {m.uid for m in self.box.mails if low <= m.uid <= high}
        return [m for m in self.box.mails if m.uid in wanted]

    async def on_uid(self, tag, line):
        _, name, rest = line.split(" ", 2)
        await getattr(self, "uid_" + name.lower())(tag, rest)

    async def uid_search(self, tag, rest):
        key, _, value = rest.partition(" ")
        if key == "UID":
            found = self.of_set(value)
        elif key == "SINCE":
            day = time.strptime(value, "%d-%b-%Y")
            found = [m for m in self.box.mails if time.gmtime(m.when)[:3] >= day[:3]]
        else:
            found = self.box.mails
        uids = "".join(f" {m.uid}" for m in found)
        await self.put(f"* SEARCH{uids}\r\n{tag} OK done\r\n".encode())

    def item(self, m, what):
        f = self.fault
        if what == "UID":
            return f"UID {m.uid}".encode()
        if what == "RFC822.SIZE":
            return f"RFC822.SIZE {len(m.raw)}".encode()
        if what == "FLAGS":
            return f"FLAGS ({' '.join(sorted(m.flags))})".encode()
        if what == "INTERNALDATE":
            date = m.date()
            return f"INTERNALDATE {{{len(date)}}}\r\n{date}".encode() if f and f.kind == "literals" else \
                f'INTERNALDATE "{date}"'.encode()
        part = re.fullmatch(r"BODY\.PEEK\[\](?:<(\d+)\.(\d+)>)?", what)
        if not part:
            raise Closed
        data = m.raw[int(part[1]):int(part[1]) + int(part[2])] if part[1] else m.raw
        size = f.args.get("size", 1 << 32) if f and f.kind == "huge" else len(data)
        return f"BODY[]{'<' + part[1] + '>' if part[1] else ''} {{{size}}}\r\n".encode() + data

    async def uid_fetch(self, tag, rest):
        text, _, items = rest.partition(" ")
        items = items.strip("()").split(" ")
        kind = self.fault.kind if self.fault else ""
        if kind == "uid_last":
            items = [i for i in items if i != "UID"] + ["UID"]
        out = []
        if kind == "gone":
            self.fake._expunge(self.box, {self.fault.args["uid"]})
        kept = self.fault.args.get("uid") if kind == "withhold" else None
        for m in self.of_set(text):
            if m.uid == kept and items != ["UID"]:
                continue
            n = self.box.mails.index(m) + 1
            flags = [b"FLAGS ({5}\r\n\\Seen)"] if kind == "literals" else []
            body = b" ".join(flags + [self.item(m, i) for i in items])
            out.append(f"* {n} FETCH (".encode() + body + b")\r\n")
        if kind == "reverse":
            out.reverse()
        if kind == "withhold" and not kept:
            out = []
        await self.put(b"".join(out) + f"{tag} OK done\r\n".encode())

    async def uid_store(self, tag, rest):
        text, how, flags = rest.split(" ", 2)
        if how != "+FLAGS.SILENT":
            raise Closed
        for m in self.of_set(text):
            m.flags |= set(flags.strip("()").split())
        await self.put(f"{tag} OK done\r\n".encode())

    async def uid_copy(self, tag, rest, move=False):
        text, _, name = rest.partition(" ")
        name = name.strip('"')
        if name not in self.fake.boxes:
            await self.put(f"{tag} NO [TRYCREATE] No such folder\r\n".encode())
            return
        mails = self.of_set(text)
        for m in mails:
            self.fake._add(m.raw, name, m.flags, m.when)
        if move:
            self.fake._expunge(self.box, {m.uid for m in mails})
            self.tell_expunged()
        await self.put(f"{tag} OK done\r\n".encode())

    async def uid_move(self, tag, rest):
        await self.uid_copy(tag, rest, move=True)

    async def uid_expunge(self, tag, rest):
        uids = {m.uid for m in self.of_set(rest) if "\\Deleted" in m.flags}
        self.fake._expunge(self.box, uids)
        self.tell_expunged()
        await self.put(f"{tag} OK done\r\n".encode())
