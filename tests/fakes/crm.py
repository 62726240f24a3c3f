"""What the fakes of CRMs share: the same hooks as the proxy in front of a real server has."""
import asyncio
import time
import urllib.error
import urllib.request

from .server import FakeServer


def fetch(url):
    """As a CRM has a file by the address that it was given: nobody signs in. (status, headers, bytes); None: not from here."""
    if not url.startswith("http://127.0.0.1"):
        return None
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as r:
            return r.status, dict(r.headers), r.read()
    except urllib.error.HTTPError as e:
        return e.code, dict(e.headers), e.read()


class CrmFake(FakeServer):
    """A subclass answers in `answer(request)`. before(request) -> None, or an Answer instead of the CRM's.
    after(request, answer) -> None, or the Answer that is given though the CRM has done what was asked.
    calls: (time, request). tell(news): when somebody hears what has changed in it, and answer() has put it into news:
    also what was changed over its API, as the real ones do."""

    def __init__(self, port=0, before=None, after=None):
        self.before, self.after, self.calls, self.delay = before, after, [], 0
        self.tell, self.news = None, []
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
        news, self.news = self.news, []
        for one in news if self.tell else ():
            asyncio.get_running_loop().run_in_executor(None, self.tell, one)
        return (self.after(request, answer) if self.after else None) or answer
