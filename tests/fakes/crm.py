"""What the fakes of CRMs share: the same hooks as the proxy in front of a real server has."""
import asyncio
import time

from .server import FakeServer


class CrmFake(FakeServer):
    """A subclass answers in `answer(request)`. before(request) -> None, or an Answer instead of the CRM's.
    after(request, answer) -> None, or the Answer that is given though the CRM has done what was asked.
    calls: (time, request)."""

    def __init__(self, port=0):
        self.before, self.after, self.calls, self.delay = None, None, [], 0
        super().__init__(port)

    def answer(self, request):
        raise NotImplementedError

    async def _handle(self, request):
        self.calls.append((time.monotonic(), request))
        if self.delay:
            await asyncio.sleep(self.delay)
        spoilt = self.before(request) if self.before else None
        if spoilt:
            return spoilt
        answer = self.answer(request)
        return (self.after(request, answer) if self.after else None) or answer
