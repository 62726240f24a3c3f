"""A mail server for sending (RFC 5321, 4954, 3207) that is strict about what it is told, keeps a ledger of what it
accepted, and lies or dies where it is asked to:

    with FakeSmtp(users={"support": "secret"}, tls="starttls", cert=..., key=...) as smtp:
        smtp.fault("rcpt", reply="451 4.7.1 Greylisted", match="ann@", times=1)
        smtp.fault("end", kind="take_and_drop")
        ...
        smtp.accepted[0].message["Subject"]; smtp.problems == []
"""

import asyncio

from ..server import FakeServer
from .faults import Faults
from .session import Session

__all__ = ["FakeSmtp"]


class FakeSmtp(FakeServer):
    """tls: "none", "starttls" (refuses mail without), "stripped" (as an attacker on the way would leave it) or
    "implicit". users: name to password; tokens: name to access token. Without both no login is asked for.
    connections_max: more get 421 for a greeting; letters_max: (n, reply) after n mails over one connection; errors_max: after so many
    refused recipients 421, as Postfix does."""

    def __init__(self, port=0, tls="none", cert=None, key=None, users=None, tokens=None, size=50_000_000,
                 utf8=True, recipients_max=100, connections_max=None, letters_max=None, errors_max=None):
        self.tls, self.cert, self.key = tls, cert, key
        self.users, self.tokens = users or {}, tokens or {}
        self.size, self.utf8, self.recipients_max = size, utf8, recipients_max
        self.connections_max, self.letters_max, self.errors_max = connections_max, letters_max, errors_max
        self.faults = Faults()
        self.accepted = []  # what the server has, whatever it answered
        self.problems = []  # what a client must not do
        self.commands = []  # (number of the connection, line); logins without their secrets
        self.connections = self.open = self.open_max = self.turned_away = 0
        super().__init__(port)
        self.url = {"none": "smtp+plain", "implicit": "smtps"}.get(tls, "smtp") + f"://{self.host}:{self.port}"

    def fault(self, stage, **what):
        """See faults.py."""
        self.faults.add(stage, **what)

    def context(self):
        import ssl
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context

    async def _serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        self.open_max = max(self.open, self.open_max)
        try:
            await Session(self, self.connections, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.open -= 1
            writer.close()

    def _run(self, port, started):
        asyncio.set_event_loop(self._loop)
        context = self.context() if self.tls == "implicit" else None
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, self.host, port, ssl=context, limit=1 << 20))
        self.port = self._server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
