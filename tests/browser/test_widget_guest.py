"""The widget as a guest: the README's example, pages that have changed the language under it, phones whose keyboard takes half
of the screen, those who use no mouse."""
import pathlib
import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import CONFIG, SLOWER, until
from test_widget_page import SNIPPET, Site, shop  # noqa: F401
from widget import Widget, accessible, thread_of

README = pathlib.Path(__file__).resolve().parents[2] / "connectors/sitechat/README.md"
BY_ADDRESS = SNIPPET.replace("/widget.js", "/widget.js?site=site").replace(' data-site="site"', "")


def written(text):
    """For Site, which formats its script."""
    return text.replace("{", "{{").replace("}", "}}")


def test_the_example_of_the_readme(shop, browsers):
    """open, identify, event, on, locale, close, as the README says, under a strict policy."""
    block = next(b for b in re.findall(r"```html\n(.*?)```", README.read_text(encoding="utf-8"), re.S) if "identify" in b)
    script = written(block).replace('nonce="..."', 'nonce="n0nce"').replace("https://chat.example.com", "{gateway}")
    g, site = shop(script=script)
    w = Widget(browsers.open(site.url), g).panel()
    assert w.one("textarea").get_attribute("placeholder") == "Ваше сообщение"
    w.write("я с сайта")
    w.sent("я с сайта")
    api = g.login()
    thread = thread_of(api, "я с сайта")
    assert api.get("/threads/" + thread)["client"]["profile"]["claims"] == {"name": "Anna", "email": "anna@example.com"}
    told = until(lambda: [m["event"] for m in api.messages(thread) if m["direction"] == "event" and m["event"]["type"] == "page"],
                 10 * SLOWER, why="for the event")
    assert told == [{"type": "page", "name": "chat opened", "text": "chat opened", "data": {"page": "cart", "sum": 1200}}]
    w.call("locale", "en")
    assert w.part(".bubble").get_attribute("aria-label") == "Close the chat"
    w.panel()
    w.until(lambda: w.one("textarea").get_attribute("placeholder") == "Your message", why="for the language")
    assert w.d.execute_script("return document.documentElement.lang") == "en"
    w.call("close")
    w.until(lambda: not w.is_open())
    api.post(f"/threads/{thread}/messages", {"text": "and we"})
    w.until(lambda: w.page().d.title == "(1) Shop", why="for the page's own handler")


# The driver's own scripts need a sane page, too: it is one from when the panel lives until the visitor turns to the panel, and again
# once his message is sent.
HOSTILE = """<script nonce="n0nce">
const no = () => { throw new Error("the page's own"); };
const broken = [];
const set = (o, name, value) => { broken[broken.length] = [o, name, Object.getOwnPropertyDescriptor(o, name), value]; };
for (const name of ["forEach", "map", "filter", "find", "push", "splice", "slice", "concat", "join", "some", "includes", "indexOf"])
    set(Array.prototype, name, no);
const text = function () { return "broken"; };
for (const o of [Array.prototype, String.prototype, Object.prototype]) set(o, "toJSON", text);
set(Object.prototype, "extend", no);
for (const name of ["assign", "entries", "values"]) set(Object, name, no);
set(Array, "from", no);
for (const name of ["parse", "stringify"]) set(JSON, name, no);
for (const name of ["append", "prepend", "replaceChildren"]) set(Element.prototype, name, no);
for (const name of ["querySelector", "querySelectorAll"]) set(Document.prototype, name, no);
for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "Promise", "Map", "Set"]) set(window, name, null);
const define = Object.defineProperty;
window.hostile = () => {
    for (let i = 0; i < broken.length; i++)
        define(broken[i][0], broken[i][1], { __proto__: null, value: broken[i][3], configurable: true, enumerable: true, writable: true });
};
window.sane = () => {
    for (let i = broken.length; i-- > 0;) {
        delete broken[i][0][broken[i][1]];
        if (broken[i][2]) define(broken[i][0], broken[i][1], broken[i][2]);
    }
};
window.event = "x"; window.user = {}; window.frame = 1; window.root = 2; window.origin2 = 3;
hostile();
addEventListener("blur", hostile);
let says = 0;
window.switchboard = function () { (switchboard.q = switchboard.q || [])[switchboard.q.length] = arguments; };
switchboard("start", {});
switchboard("on", "unread", () => { if (!says++) { sane(); document.title = "lives"; } });
switchboard("on", "sent", () => { sane(); document.title = "sent"; });
switchboard("open");
</script>
<style nonce="n0nce">
#switchboard, #switchboard *, iframe, button { display: none !important; visibility: hidden !important; opacity: 0 !important;
    position: static !important; width: 1px !important; height: 1px !important; pointer-events: none !important; }
html { font-size: 2px } body { direction: rtl; font: 40px fantasy; letter-spacing: 9px; line-height: 9; color: red }
</style>"""


@pytest.mark.parametrize("width", [1280, 390])
def test_on_a_page_that_has_changed_the_language(shop, browsers, width):
    g, site = shop(script=written(HOSTILE) + BY_ADDRESS)
    d = browsers.open(site.url, width=width)
    w = Widget(d, g)
    w.until(lambda: d.title == "lives", 20, "for the panel")
    w.panel()
    w.write("from a hostile page")
    w.sent("from a hostile page")
    assert d.execute_script("return getComputedStyle(document.querySelector('.text')).fontSize") == "15px"
    assert d.execute_script("return getComputedStyle(document.body).direction") == "ltr"
    w.until(lambda: w.page().d.title == "sent", why="for the page's handler")
    w.until(lambda: (w.part(".box").rect["width"], w.part(".box").value_of_css_property("opacity"))
            == (400 if width > 480 else 390, "1"), why="for the panel in its size")
    w.shot(f"hostile-{width}")
    kept = d.execute_script("return localStorage.getItem('switchboard:site')")
    assert '"token"' in kept and "broken" not in kept
    d.refresh()
    w.until(lambda: d.title == "lives", 20, "for the panel again")
    w.panel()
    w.until(lambda: w.texts() == ["from a hostile page"], why="for what was written before")


def test_the_keyboard_of_a_phone(gateway, browsers):
    """As on iOS: the keyboard makes the visual viewport smaller and moves it; fields do not make the page zoom."""
    w = Widget(browsers.open(f"{gateway.url}/demo?lang=en", width=390), gateway).open()
    sizes = w.d.execute_script(
        "return [...document.querySelectorAll('textarea, input:not([hidden])')].map((e) => parseFloat(getComputedStyle(e).fontSize))")
    assert sizes and min(sizes) >= 16
    w.page()

    def keyboard(height, top):
        w.d.execute_script("""
            for (const [k, v] of [["height", arguments[0]], ["offsetTop", arguments[1]]])
                Object.defineProperty(visualViewport, k, { value: v, configurable: true });
            visualViewport.dispatchEvent(new Event("resize"));""", height, top)
        box = w.part(".box")
        return box.rect["height"], box.rect["y"] - w.d.execute_script("return scrollY")
    w.until(lambda: keyboard(420, 60) == (420, 60), why="for the panel above the keyboard")  # it comes up with a movement
    w.panel()
    w.until(lambda: w.d.execute_script(
        "return innerHeight === 420 && document.querySelector('.composer').getBoundingClientRect().bottom <= 420"), why="for the composer")
    w.page()
    w.until(lambda: keyboard(800, 0) == (800, 0), why="for the whole screen")
    w.close()
    assert w.part(".box").get_attribute("style") == ""  # as before


def test_by_keys_and_by_ear(gateway, browsers):
    """The order of focus, what is announced, the size of targets, no motion for those who want none."""
    d = browsers.open(f"{gateway.url}/demo?lang=en&consent=required&consentUrl=https://x.example/law")
    d.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
    w = Widget(d, gateway).open()
    w.until(lambda: w.all(".away"))
    accessible(d)
    w.one(".consent input").click()
    w.write("hello")
    w.sent("hello")
    accessible(d)
    order = []
    w.one(".menu > button").send_keys(Keys.NULL)
    d.execute_script("document.querySelector('.menu > button').focus()")
    for _ in range(5):
        order.append(d.execute_script("const e = document.activeElement; return e.getAttribute('aria-label') ?? e.className"))
        d.switch_to.active_element.send_keys(Keys.TAB)
    assert order == ["More", "Close the chat", "Messages", "Attach files", "Your message"], order
    log = w.one(".log")
    assert (log.get_attribute("role"), log.get_attribute("aria-live"), log.get_attribute("tabindex")) == ("log", "polite", "0")
    assert w.one(".panel").get_attribute("role") == "dialog" and w.one(".panel").get_attribute("aria-labelledby") == "title"
    small = d.execute_script("""return [...document.querySelectorAll('button, a, input:not([hidden]), textarea')]
        .map((e) => [e.outerHTML.slice(0, 80), e.closest('label')?.getBoundingClientRect() ?? e.getBoundingClientRect()])
        .filter(([, r]) => r.width && (r.width < 24 || r.height < 24)).map(([e]) => e)""")
    assert not small, small
    assert d.execute_script("return document.getAnimations().length") == 0
    w.page()
    frame = w.part("iframe")
    assert frame.get_attribute("title") == "Chat" and w.part(".peek").get_attribute("role") == "status"
    assert w.part(".bubble").get_attribute("aria-controls") == w.part(".box").get_attribute("id")


def test_colour_and_side(start_gateway, browsers):
    """A light colour, on the left: words on it are dark."""
    g = start_gateway(config=CONFIG.replace('  origins = {{"self"}}\n', '  origins = {{"self"}}\n  color = "#ffd400" position = "left"\n'),
                      workers=1)
    d = browsers.open(g.url + "/demo?lang=en")
    w = Widget(d, g).open()
    assert w.d.execute_script("return getComputedStyle(document.querySelector('header')).backgroundColor") == "rgb(255, 212, 0)"
    assert w.d.execute_script("return getComputedStyle(document.querySelector('header')).color") == "rgb(0, 0, 0)"
    w.page()
    assert w.part(".bubble").rect["x"] < 100
    assert w.part(".bubble").value_of_css_property("background-color") == "rgba(255, 212, 0, 1)"
