"""Agents who lose their network and come back while others act, by random schedules: every screen equals the gateway's state
(tests/reconnect; `make reconnect` runs a thousand)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reconnect"))

from run import FORGETFUL, fuzz  # noqa: E402


def test_random_schedules(start_gateway):
    told, equal = fuzz(start_gateway(config=FORGETFUL), 20)
    assert equal, told
