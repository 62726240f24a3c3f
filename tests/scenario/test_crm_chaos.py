"""Workers, Redis and the CRM killed at random, answers lost after they took effect (F01-F04, F13, F14): each message is on
its client's card once, in order, by the CRM's own ledger. CRM_CHAOS_MESSAGES=10000 is the long run."""
import os
import pathlib
import sys

import pytest
from harness import SLOWER

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "chaos"))

from crm_chaos import Chaos  # noqa: E402

MESSAGES = int(os.environ.get("CRM_CHAOS_MESSAGES", "400"))


def told(messages, seed, look=True):
    chaos = Chaos(messages, seed, look, rate=40 / SLOWER, gap=0.7 * SLOWER)
    try:
        return chaos.run(), chaos.totals
    finally:
        chaos.close()


@pytest.mark.long
def test_each_message_is_on_its_card_once_and_in_order(seed=1):
    problems, totals = told(MESSAGES, seed)
    assert not problems, problems
    assert totals["accepted"] == MESSAGES // 4 * 4


@pytest.mark.long
def test_without_a_look_the_count_reports_doubles():
    for seed in range(2, 8):  # whether an answer is lost after its message was written is luck
        problems, totals = told(240, seed, look=False)
        others = [p for p in problems if ": doubled" not in p]
        assert not others, (totals, others)
        if totals["doubled"]:
            return
    raise AssertionError("nothing was doubled")
