"""What every fake stands on: a server in a thread of its own, whose world is touched there only."""

import asyncio
import threading

from ports import free_port

from . import wire


class FakeServer:
    """A subclass answers in `async _handle(request)`; `stopping()` runs in the server's thread before it ends."""

    def __init__(self, port=0, host="127.0.0.1"):
        self.host = host
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port or free_port(), started), daemon=True)
        self._thread.start()
        started.wait(10)

    def _run(self, port, started):
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(wire.serve(self._handle, self.host, port))
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{self.host}:{self.port}"
        started.set()
        self._loop.run_forever()

    def do(self, f, *args, **kwargs):
        """Runs f in the server's thread and gives its result."""
        if threading.current_thread() is self._thread:
            return f(*args, **kwargs)
        done, out = threading.Event(), {}

        def run():
            try:
                out["result"] = f(*args, **kwargs)
            except Exception as e:  # handed to the caller
                out["error"] = e
            done.set()

        self._loop.call_soon_threadsafe(run)
        if not done.wait(120):
            raise TimeoutError("the fake's thread did not come to it")
        if "error" in out:
            raise out["error"]
        return out.get("result")

    def stopping(self):
        pass

    def close(self):
        def stop():
            self.stopping()
            self._server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.call_later(0.05, self._loop.stop)

        if self._loop.is_running():
            self._loop.call_soon_threadsafe(stop)
            self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
