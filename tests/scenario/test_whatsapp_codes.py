"""Every error code of the platform, as a failed status and as an answer: a sentence for the agent in English and in
Russian, never a bare code (issue 4, line 6; pains 4)."""

import json
import shutil
import subprocess

import pytest
from fakes.whatsapp.errors import ApiError
from harness import ROOT, SLOWER, until
from whatsapp_world import WhatsApp


def up_to(first, last):
    return range(first, last + 1)


# What is to be done about them, as Meta's list says (Cloud API, "Error codes", 2026-09).
TRY = [1, 2, 131000, 131016, 131057, 132069, 133004, 133015, 2494100]  # later
WAIT = [4, 80007, 130429, 131056, 131064]  # for the number, or for this client
UPLOAD = [131052, 131053]
ADMIN = [0, 3, 10, 190, *up_to(200, 299), 33, 368, 131005, 131031, 131037, 131042, 131044, 131045, 131048, 133000,
         *up_to(133005, 133006), *up_to(133008, 133010), 133016, *up_to(147001, 147005), 2388012, 2388103]
NEVER = [100, 130403, 130472, 130497, 131008, 131009, 131020, 131021, 131026, 131030, 131041, 131047, 131049, 131050, 131051,
         131055, 131060, 131062, 131063, *up_to(131201, 131215), 132000, 132001, 132005, 132007, 132008, 132012, 132015,
         132016, 132018, 132068, 134011, *up_to(134100, 134102), 135000, 137000, *up_to(138000, 138018),
         *up_to(139000, 139004), *up_to(139100, 139103), *up_to(2593107, 2593109)]
# How the inbox says an error in Russian: its own modules, without the page.
IN_RUSSIAN = """
import { adviceOf, troubleOf } from "./kinds.mjs";
import { whatsapp } from "./strings_ru_whatsapp.mjs";
import { readFileSync } from "node:fs";
const said = JSON.parse(readFileSync(0, "utf8")).map((text) => {
    const { word, sentence } = troubleOf(text), advice = adviceOf(sentence);
    return (whatsapp["trouble." + word] ?? "") + (advice ? " " + whatsapp[advice] : "");
});
console.log(JSON.stringify(said));
"""


def some(codes):
    """Of a range its ends: what lies between has the same words."""
    return [c for c in codes if not (c - 1 in codes and c + 1 in codes)]


def in_russian(texts):
    out = subprocess.run([shutil.which("node"), "--input-type=module", "-e", IN_RUSSIAN], input=json.dumps(texts), text=True,
                         capture_output=True, cwd=ROOT / "gateway/ui/inbox", timeout=60)
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


@pytest.fixture
def world(start_gateway):
    w = WhatsApp(start_gateway)
    yield w
    assert not w.fake.problems and not w.fake.twice()
    w.close()


def test_every_code_is_said_in_both_languages(world):
    """Each comes as a failed status, for a message of its own."""
    codes = [c for group in (TRY, WAIT, UPLOAD, ADMIN, NEVER) for c in some(group)]
    world.fake.statuses = False
    threads = []
    for i in range(0, len(codes), 30):  # a client has room for so many at once
        name = f"P{i}"
        world.user(f"4917610{i:03}", name).text("hello")
        world.got(name)
        threads.append(world.thread_of(name))
    for i, code in enumerate(codes):
        world.api.post(f"/threads/{threads[i // 30]}/messages", {"text": f"code {code}"})
    until(lambda: len(world.fake.sent) == len(codes), 60 * SLOWER, why="for all to be taken")
    for one in list(world.fake.sent):
        code = int(one["body"]["text"]["body"].split()[1])
        world.fake.status(world.number.number, one, "failed", ApiError(code, "Words of Meta"))

    def failed():
        ms = [m for t in threads for m in world.api.messages(t) if m["direction"] == "out"]
        return ms if all(m["status"] == "failed" for m in ms) else None

    texts = {int(m["text"].split()[1]): m["error"]["text"] for m in until(failed, 60 * SLOWER, why="for all to have failed")}
    assert sorted(texts) == sorted(codes)
    sentences = dict(zip(texts, in_russian(list(texts.values()))))
    for code, text in texts.items():
        assert text.startswith(f"w{code}: ") and text.endswith(" [Words of Meta]"), text
        assert "WhatsApp refuses this message." not in text and len(text) > 40, text
        assert ". " in text.partition(" [")[0] or "; " in text or ": " in text[10:], f"{text} - and what now?"
        russian = sentences[code]
        assert len(russian) > 20 and russian.endswith(".") and sum("а" <= c <= "я" for c in russian) > 15, (code, russian)
        again, later = code in TRY + WAIT + UPLOAD, code in ADMIN
        assert ("Send it again" in text) == (again or later), text
        assert ("тправьте" in russian and "ещё раз" in russian) == (again or later), (code, russian)
        if later:
            assert "when that is mended" in text and "Когда это исправят" in russian, (text, russian)
