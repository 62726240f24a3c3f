"""Size: many threads and a very long one. Only what is near the eye is drawn; figures are printed, not asserted (MANY_THREADS=10000
MANY_MESSAGES=50000 for those of the README)."""
import os

import pytest

from harness import until
from inbox import Inbox
from test_inbox_desk import write

THREADS = int(os.environ.get("MANY_THREADS", 1200))
MESSAGES = int(os.environ.get("MANY_MESSAGES", 3000))
ELEMENTS = 6000  # at most, however much there is

FRAMES = """
const [css, by, times, done] = arguments, box = document.querySelector(css), took = [];
let last = performance.now(), most = 0;
const step = () => {
    const now = performance.now();
    took.push(now - last);
    last = now;
    most = Math.max(most, document.querySelectorAll("*").length);
    if (took.length > times) {
        took.sort((a, b) => a - b);
        return done({ median: took[took.length >> 1], p95: took[Math.floor(took.length * 0.95)], most });
    }
    box.scrollTop += by;
    requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""
TIMED = """
const [press, css, done] = arguments, from = performance.now();
const look = () => (document.querySelector(css) ? done(performance.now() - from) : requestAnimationFrame(look));
document.querySelector(press).click();
look();
"""


def digits(n):
    """Five places of an id, the same length for each number."""
    out = ""
    for _ in range(5):
        out, n = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[n % 32] + out, n // 32
    return out


def copies_of_thread(g, thread, n):
    """As if n more clients had written: the same thread under other ids, in the same shard."""
    db, shard = g.redis, "sb:{s%d}:" % int(thread[-2:], 32)
    fields = db.hgetall(shard + "thread:" + thread)
    client = fields[b"client"].decode()
    person, views = db.hgetall(shard + "client:" + client), [k for k in db.scan_iter(shard + "view:*") if db.zscore(k, thread) is not None]
    scores = {v: db.zscore(v, thread) for v in views}
    pipe = db.pipeline(transaction=False)
    for i in range(n):
        other = thread[:10] + "ZZZZ" + digits(i) + thread[19:]
        owner = client[:10] + "ZZZZ" + digits(i) + client[19:]
        pipe.hset(shard + "tags", other[10:19], other)
        pipe.hset(shard + "client:" + owner, mapping={**person, b"thread": other, b"name": f"Copy {i}"})
        pipe.hset(shard + "thread:" + other, mapping={**fields, b"client": owner, b"cname": f"Copy {i}", b"last_ms": int(fields[b"last_ms"]) - i - 1})
        for v, score in scores.items():
            pipe.zadd(v, {other: score - i - 1})
        if i % 1000 == 999:
            pipe.execute()
    counts = db.hgetall(shard + "n")
    if counts:
        pipe.hset(shard + "n", mapping={k: int(v) * (n + 1) for k, v in counts.items()})
    pipe.execute()


def copies_of_message(g, thread, n):
    """As if the client had written n times: the same message with other numbers."""
    db, shard = g.redis, "sb:{s%d}:" % int(thread[-2:], 32)
    log = shard + "log:" + thread
    record = db.hget(log, "1").decode()
    pipe = db.pipeline(transaction=False)
    for seq in range(2, n + 1):
        one = record[:19] + digits(seq) + record[24:]
        pipe.hset(log, seq, one.replace("hello", f"hello {seq}", 1))
        if seq % 1000 == 0:
            pipe.execute()
    pipe.hset(shard + "thread:" + thread, mapping={"seq": n, "unread": 0, "agent_read": n})
    pipe.execute()


def elements(page):
    return page.d.execute_script("return document.querySelectorAll('*').length")


def begin(gateway, browsers):
    gateway.add_user("ann")
    return Inbox(browsers.open(), gateway).sign_in("ann", gateway.PASSWORD)


def test_many_threads(gateway, browsers, capsys):
    g = gateway
    copies_of_thread(g, write(g, "first", "hello"), THREADS - 1)
    page = begin(g, browsers)
    assert g.login().get("/counts")["counts"]["open"] == THREADS
    page.until(lambda: page.one(".list-count").text == str(THREADS))
    few = elements(page)
    paint = page.d.execute_script("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    end = "const b = document.querySelector('.rows'); b.scrollTop = b.scrollHeight; return b.querySelector('.rows-all').offsetHeight / 76"
    page.until(lambda: page.d.execute_script(end) == THREADS, 120, why="for all threads")
    page.d.execute_script("document.querySelector('.rows').scrollTop = 0")
    page.until(lambda: "first" in page.rows())
    frames = page.d.execute_async_script(FRAMES, ".rows", 400, 150)
    page.d.execute_script("const b = document.querySelector('.rows'); b.scrollTop = b.scrollHeight")
    page.until(lambda: f"Copy {THREADS - 2}" in page.rows(), why="for the last")
    assert frames["most"] < ELEMENTS and elements(page) < 2 * few, (few, frames, elements(page))
    write(g, "newest", "hello")
    page.d.execute_script("document.querySelector('.rows').scrollTop = 0")
    page.until(lambda: page.rows()[0] == "newest", why="for the newest on top")
    opened = page.d.execute_async_script(TIMED, ".row-link:not(.current)", "#log .msg")
    with capsys.disabled():
        print(f"\n{THREADS} threads: first paint {paint:.0f} ms, a dialogue opened in {opened:.0f} ms; scrolling: a frame in "
              f"{frames['median']:.1f} ms, 95th {frames['p95']:.1f} ms; {frames['most']} elements at most")


def test_a_very_long_thread(gateway, browsers, capsys):
    g = gateway
    t = write(g, "first", "hello")
    copies_of_message(g, t, MESSAGES)
    page = begin(g, browsers)
    page.open_thread(t)
    page.until(lambda: f"hello {MESSAGES}" in page.messages())
    few = elements(page)
    log = "const b = document.getElementById('log'); "
    first = "return Number(document.querySelector('.log-part')?.dataset.part ?? 99)"
    page.until(lambda: page.d.execute_script(log + "b.scrollTop = 0; " + first) == 0, 240, why="for the first message")
    page.until(lambda: "hello" in page.messages(), why="for the beginning")
    frames = page.d.execute_async_script(FRAMES, "#log", 500, 150)
    assert frames["most"] < ELEMENTS, frames
    # A hit of the search far away is drawn and seen.
    page.go(f"#/t/{t}/{MESSAGES // 2}")
    page.until(lambda: page.d.execute_script(
        "const m = document.querySelector('[data-seq=\"%d\"]')?.getBoundingClientRect(); return m && m.top > 0 && m.bottom < innerHeight" % (MESSAGES // 2)),
        why="for the one in the middle")
    seqs = page.seqs()
    assert len(seqs) < 600 and seqs == sorted(seqs), len(seqs)
    # What comes meanwhile is told, and the way down leads to it.
    write(g, "first", "news")
    page.until(lambda: page.all(".to-end-new"))[0].click()
    page.until(lambda: "news" in page.messages() and page.d.execute_script(log + "return b.scrollHeight - b.scrollTop - b.clientHeight < 4"))
    page.go("#/t/" + t)
    page.until(lambda: len(page.seqs()) < 600 and elements(page) < 4 * few, why="for a small page again")
    # Back at the end nothing is kept of the way: memory is as it was.
    sent = page.d.execute_async_script("""
        const done = arguments[0], area = document.querySelector(".composer textarea");
        area.value = "an answer";
        area.dispatchEvent(new InputEvent("input", { bubbles: true }));
        requestAnimationFrame(() => {
            const from = performance.now();
            document.querySelector(".send").click();
            const look = () => ([...document.querySelectorAll(".msg-own .msg-text")].some((m) => m.textContent === "an answer")
                ? done(performance.now() - from) : requestAnimationFrame(look));
            look();
        });""")
    page.settled()
    with capsys.disabled():
        print(f"\n{MESSAGES} messages: scrolling: a frame in {frames['median']:.1f} ms, 95th {frames['p95']:.1f} ms; {frames['most']} elements at "
              f"most; an answer shown in {sent:.0f} ms")


@pytest.mark.parametrize("times", [300])
def test_a_day_of_messages(gateway, browsers, times):
    """A dialogue that is looked at all day: the page does not grow with what came."""
    g = gateway
    t = write(g, "first", "hello")
    page = begin(g, browsers)
    page.open_thread(t)
    sizes = []
    for part in range(4):
        for n in range(times):
            write(g, "first", f"word {part} {n}")
        page.until(lambda: f"word {part} {times - 1}" in page.messages(), 30)
        sizes.append(elements(page))
    until(lambda: elements(page) < ELEMENTS)
    assert sizes[-1] < 2 * sizes[0] + 500, sizes
