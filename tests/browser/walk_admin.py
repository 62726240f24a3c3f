"""Steps of the walk through the supervisor's and the admin's pages."""
import admin_steps as steps
import requests
import walk_story as story
from harness import SLOWER, until
from selenium.webdriver.common.keys import Keys


def back_home(person):
    if person.phone and person.shown(".thread-back"):
        person.press(".thread-back")


def reports(walk):
    """A supervisor's."""
    sue = walk.sue
    back_home(sue)
    sue.menu(".person", 0)
    sue.one("[data-figure]")
    sue.press(".period button", n=0)
    sue.until(lambda: len(set(sue.one(".reports").get_attribute("data-days").split())) == 1)
    sue.good("reports", ".chart canvas")
    sue.night("reports")
    for css in (".week", '[data-table="agents"]', '[data-table="labels"]'):
        sue.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", sue.one(css))
        sue.seen.picture(sue.d, "reports-" + css.strip(".[]").split("=")[-1].strip('"'))
    link = sue.one('[data-table="agents"] a.csv').get_attribute("href")
    assert requests.get(link, cookies={"sb_session": sue.d.get_cookie("sb_session")["value"]}, timeout=30).text.startswith("agent,")
    sue.press(".period button", n=-1)
    sue.one(".period-own input")
    sue.good("reports-own")


def first_pages(walk):
    """First steps, agents, teams, canned answers, labels."""
    p, a = walk.admin, story.ADMIN[walk.lang]
    back_home(p)
    p.page("start", "[data-step]")
    p.good("start")
    p.press('.admin-nav a[href="#/agents"]')
    p.good("agents", "[data-agent=ann]")
    p.press(".admin-head .button-main")
    p.fill("#agent-name", "carol")
    p.fill("#agent-display", "Carol")
    p.choose("#agent-role", "supervisor")
    p.press(".input-with .button")
    p.good("agent-new")
    p.press("dialog .button-main")
    p.one("[data-agent=carol]")
    p.none("dialog[open]")
    p.press("[data-agent=ann] .icon-button")
    p.until(lambda: p.shown(".menu-item"))
    p.good("agent-menu")
    p.key(Keys.ESCAPE)
    p.none(".menu")
    p.press('.admin-nav a[href="#/teams"]')
    p.good("teams", "[data-team]")
    p.press("[data-team] .icon-button")
    p.one("#team-name")
    p.good("team")
    p.closed()
    p.press('.admin-nav a[href="#/canned"]')
    p.good("canned", "[data-canned]")
    p.press(".admin-head .button-main")
    p.fill("#canned-shortcut", "pay")
    p.fill("#canned-name", a["label"])
    p.fill("#canned-text", a["said"] + " ")
    p.press(".canned-put .chip")
    p.good("canned-new")
    p.press("dialog .button-main")
    p.one("[data-canned=pay]")
    p.none("dialog[open]")
    p.press('.admin-nav a[href="#/labels"]')
    p.good("labels", "[data-label]")
    steps.change_label(p, a["label"], "$")
    p.good("label")
    p.press("dialog .dialog-foot .button", n=-1)
    p.one('[data-label="$"]')


def channels(walk):
    p, lang, shop = walk.admin, walk.lang, story.SHOP[walk.lang]
    p.page("channels", "li[data-channel]")
    p.until(lambda: len(p.all("li[data-channel]")) == 5)
    p.good("channels")
    p.night("channels")
    p.press('[data-channel="sales"] .button', n=1)  # is it well?
    p.one('[data-channel="sales"] .report li, [data-channel="sales"] .report', 20)
    p.until(lambda: not p.all(".report-wait"), 20)
    p.good("channel-checked")
    p.press('[data-channel="market"] .button')
    p.one('[data-channel="market"] .channel-details')
    steps.pause(p, "market", "channel-pause")
    p.one('[data-channel="market"] [data-event="paused"]', 15)
    p.good("channel-paused")
    steps.resume(p, "market")
    # The chat's looks are seen while they are chosen.
    p.press(".admin-head .button-main")
    for kind in ("telegram", "whatsapp", "email"):
        p.choose("#channel-kind", kind)
        p.one("#channel-name")
        p.good("channel-new-" + kind)
    p.choose("#channel-kind", "sitechat")
    p.fill("#channel-name", "outlet")
    p.press("dialog summary")

    def preview(css):
        p.d.switch_to.frame(p.one(".chat-preview iframe"))
        try:
            return p.d.execute_script("return document.querySelector(arguments[0])?.textContent", css)
        finally:
            p.d.switch_to.default_content()
    p.fill("#channel-color", "#7b3f00")
    p.fill(f"#channel-greeting_{lang}", shop["greeting"])
    p.until(lambda: preview(".hello") == shop["greeting"])
    p.d.execute_script("document.querySelector('.chat-preview').scrollIntoView({block: 'center'})")
    p.good("channel-new-sitechat")
    p.press("dialog .dialog-foot .button-main")
    p.one(".channel-now", 30)
    p.none("dialog .spinner", 20)
    p.good("channel-made")
    p.press("dialog .dialog-foot .button-main")
    p.one('li[data-channel="outlet"]')
    steps.of_menu(p, "outlet", 1)
    p.one(f"#channel-title_{lang}, dialog summary")
    p.good("channel-change")
    p.closed()
    steps.of_menu(p, "outlet", 2)
    p.good("channel-remove", "dialog .button-danger")
    p.press("dialog .button-danger")
    p.none('li[data-channel="outlet"]')


def rules_and_hours(walk):
    p, a, world = walk.admin, story.ADMIN[walk.lang], walk.world
    p.page("rules", "[data-rule]")
    p.good("rules")
    p.night("rules")
    p.press("[data-rule] .rule-tools button", n=2)
    p.one("#rule-name")
    p.press(".dialog-foot button", n=0)  # on past dialogues
    p.one(".rule-tried")
    p.d.execute_script("document.querySelector('.rule-tried').scrollIntoView({block: 'end'})")
    p.good("rule")
    p.closed()
    t = world.write("Noah", a["words"][1].rstrip("*") + "?")
    until(lambda: world.api.get("/threads/" + t)["thread"]["assignee"] == "sue", 10 * SLOWER)
    p.go("#/t/" + t)
    p.says("#log .event", a["rule"])
    p.good("rule-acted")
    p.page("hours", "[data-kept]")
    p.good("hours")
    for kind in ("hours", "sla"):
        steps.kept(p, kind, kind + "-form")
        p.closed()


def tokens_and_logs(walk):
    p = walk.admin
    p.page("tokens")
    p.good("tokens-none")
    steps.new_token(p, "erp", "supervisor")
    p.good("token-new")
    secret = steps.token_made(p)
    p.press("dialog .dialog-foot .button", n=0)  # a copy
    p.one(".toast")
    p.good("token-made")
    p.press("dialog .dialog-foot .button", n=-1)
    p.none("dialog[open]")
    assert requests.get(walk.world.gateway.url + "/api/v1/threads", headers={"Authorization": "Bearer " + secret}, timeout=30).status_code == 200
    p.press('.admin-nav a[href="#/labels"]')
    p.fill("input[name=q]", Keys.CONTROL + "v")
    p.until(lambda: p.one("input[name=q]").get_attribute("value") == secret, why="for what was copied")
    p.page("tokens", "[data-token=erp]")
    p.good("tokens")
    steps.revoke_token(p, "erp", "token-revoke")
    p.page("audit", "[data-entry]")
    p.good("audit")
    steps.filter_log(p, "session", "session.refused")
    p.page("system", "[data-table=workers]")
    p.good("system")
    p.night("system")


def crm(walk):
    """What the CRMs have, and what they did not take."""
    p = walk.admin
    walk.world.erp.spoil = None
    p.page("targets", 'li[data-target="erp"]')
    p.press('[data-target="erp"] .target-tools .button')
    p.one('[data-target="erp"] [data-tried]', 20)
    p.good("targets")
    p.press('[data-target="erp"] .target-fold button', n=-1)
    p.one(".calls li", 20)
    p.good("calls")
    p.page("dead", "[data-dead]")
    p.good("dead")
    before = len(p.all("[data-dead] .button-plain"))
    p.press("[data-dead] .button-plain", n=-1)
    p.until(lambda: len(p.all("[data-dead] .button-plain")) == before - 1)
    p.good("dead-retried")
