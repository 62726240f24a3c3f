"""The admin's pages as an admin uses them, in both languages, wide and narrow: who did what, tokens, teams, labels, the system
(rows T10, T13)."""
import csv

import admin_steps as steps
import pytest
from clients import Api
from harness import SLOWER, until
from selenium.webdriver.common.keys import Keys
from test_inbox_account import Page
from widget import accessible

BARE = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
cards "main" {{}}
"""
WORDS = {
    "en": {"audit": "Audit log", "changed": "changed an agent", "role": "Role: Supervisor", "refused": "was not let in", "stranger": "A stranger",
           "why": "there is no such name",
           "supervisor": "Supervisor", "used": "used", "taken": "there is a token of this name already",
           "meanwhile": "somebody else has changed it meanwhile", "sessions": "Sessions", "one dialogue": "Changed in 1 dialogue.", "dead": "1 delivery was given up."},
    "ru": {"audit": "Журнал", "changed": "изменён агент", "role": "Роль: Старший", "refused": "вход отклонён", "stranger": "Незнакомец",
           "why": "такого имени нет",
           "supervisor": "Старший", "used": "использован", "taken": "Токен с таким именем уже есть",
           "meanwhile": "изменил кто-то другой", "sessions": "Сеансы", "one dialogue": "Изменено в 1 диалоге.", "dead": "1 отправка не удалась окончательно."},
}


class Admin(Page):
    def __init__(self, browsers, gateway, width, lang):
        super().__init__(browsers, gateway, width, lang)
        self.words = WORDS[lang]

    def choose(self, css, value):
        self.one(css)
        self.d.execute_script("const e = document.querySelector(arguments[0]); e.value = arguments[1];"
                              "e.dispatchEvent(new Event('change', {bubbles: true}))", css, value)

    def good(self, name):
        """Nothing is wider than the screen, axe finds nothing, and a picture of it."""
        self.fits()
        accessible(self.d)
        self.shot(name)


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_the_audit_log_is_read_narrowed_and_taken_away(start_gateway, browsers, width, lang):
    g = start_gateway()
    boss = g.login()
    g.cli("user", "add", "ann", "--role", "agent", "--password-stdin", stdin=g.PASSWORD + "\n")
    boss.patch("/agents/ann", {"role": "supervisor"})
    Api(g.url).http.post(g.url + "/api/v1/session", json={"name": "<b>a stranger</b>", "password": "x"})
    for i in range(60):
        boss.post("/canned", {"shortcut": f"text{i}", "text": "x"})
    p = Admin(browsers, g, width, lang).sign_in()
    p.go("#/agents")
    p.click(".admin-nav a[href='#/audit']")
    p.says("h1", p.words["audit"])
    p.until(lambda: len(p.all("[data-entry]")) == 50)
    p.good("audit")
    p.click(".more .button")
    p.until(lambda: len(p.all("[data-entry]")) > 60)
    p.choose("select[name=what]", "agent")
    p.until(lambda: {e.get_attribute("data-what") for e in p.all("[data-entry]")} == {"agent.added", "agent.changed"})
    p.says("[data-what='agent.changed']", p.words["changed"])
    p.says("[data-what='agent.changed']", p.words["role"])
    steps.filter_log(p, "session", "session.refused")
    p.says("[data-what='session.refused']", p.words["refused"])
    p.says("[data-what='session.refused']", p.words["stranger"])
    p.says("[data-what='session.refused']", p.words["why"])
    assert "a stranger</b>" not in p.d.page_source
    p.shot("audit-sign-ins")
    link = p.one(".more a[download]").get_attribute("href")
    rows = list(csv.DictReader(boss.http.get(link).text.splitlines()))
    assert rows and {r["what"].split(".")[0] for r in rows} == {"session"}
    p.fits()


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_a_token_is_made_seen_once_and_revoked(start_gateway, browsers, width, lang):
    browsers.allowed += ["400 (Bad Request)", "409 (Conflict)"]
    g = start_gateway()
    p = Admin(browsers, g, width, lang).sign_in()
    p.go("#/tokens")
    p.one(".tokens ~ *, .empty")
    steps.new_token(p, "erp", "admin")
    p.click("dialog input[name=admin]")
    p.choose("#token-role", "supervisor")
    p.good("token-new")
    secret = steps.token_made(p)
    p.good("token-made")
    program = Api(g.url, secret)
    assert program.get("/threads")["threads"] == [] and program.ask("GET", "/tokens").status_code == 403
    p.button(-1)
    p.none("dialog")
    p.one("[data-token=erp]")
    assert secret not in p.d.page_source
    p.d.refresh()
    p.says("[data-token=erp]", p.words["supervisor"])
    p.says("[data-token=erp] .cards-state", p.words["used"])
    p.good("tokens")
    steps.new_token(p, "erp")
    p.button(-1)
    p.says("dialog .form-error", p.words["taken"])
    p.key(Keys.ESCAPE)
    steps.revoke_token(p, "erp")
    assert program.ask("GET", "/threads").status_code == 401


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_teams_are_made_and_two_admins_lose_no_edit(start_gateway, browsers, width, lang):
    browsers.allowed += ["409 (Conflict)"]
    g = start_gateway()
    boss = g.login()
    for name in ("ann", "bob"):
        g.add_user(name)
    p = Admin(browsers, g, width, lang).sign_in()
    p.go("#/teams")
    p.click(".admin-head .button-main")
    p.fill("#team-name", "<b>Sales</b>")
    for name in ("ann", "bob"):
        p.click(f"dialog input[name={name}]")
    p.good("team-new")
    p.button(-1)
    p.says("[data-team='<b>Sales</b>']", "ann, bob")
    p.good("teams")
    p.click("[data-team='<b>Sales</b>'] .icon-button")
    team = boss.get("/teams")["teams"][0]
    boss.patch("/teams/" + team["id"], {"name": "Sales", "rev": team["rev"]})
    p.fill("#team-name", "Mine")
    p.button(-1)
    p.says("dialog .form-error", p.words["meanwhile"])
    p.key(Keys.ESCAPE)
    p.one("[data-team=Sales]")
    p.until(lambda: p.all("[data-team=Sales] .icon-button")[1].click() or True)
    p.click("dialog .button-danger")
    p.none("[data-team]")


def test_a_list_of_a_team_follows_who_is_in_it(start_gateway, browsers):
    g = start_gateway()
    boss = g.login()
    g.add_user("ann")
    ids = []
    for i, name in enumerate(("Carl", "Dora")):
        ids.append(g.hook({"from": {"address": f"a{i}", "name": name}, "id": f"m{i}", "text": "x"}).json()["thread"])
    boss.patch("/threads/" + ids[0], {"assignee": "ann"})
    p = Admin(browsers, g, 1280, "en").sign_in()
    team = boss.post("/teams", {"name": "Sales <b>", "members": ["ann"]})["team"]
    p.click(".filter-open")
    p.until(lambda: any("Team Sales <b>" == o.text for o in p.all("#filter-assignee option")))
    p.choose("#filter-assignee", "team:" + team["id"])
    p.until(lambda: p.all("dialog .button-main")[-1].click() or True)
    p.until(lambda: p.rows() == ["Carl"])
    p.says(".filter-chips .chip", "Sales <b>")
    boss.patch("/threads/" + ids[1], {"assignee": "ann"})  # comes by itself
    p.until(lambda: sorted(p.rows()) == ["Carl", "Dora"])
    boss.patch("/threads/" + ids[0], {"assignee": "admin"})
    p.until(lambda: p.rows() == ["Dora"])
    boss.patch("/teams/" + team["id"], {"members": ["admin"], "rev": 1})  # another admin
    p.until(lambda: p.rows() == ["Carl"])


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_an_agents_sessions_and_role_are_taken(start_gateway, browsers, width, lang):
    browsers.allowed += ["401 (Unauthorized)", "409 (Conflict)"]
    g = start_gateway()
    g.add_user("ann", "supervisor")
    boss = g.login()
    ann = Admin(browsers, g, 1280, lang).sign_in("ann")
    p = Admin(browsers, g, width, lang).sign_in()
    p.go("#/agents")
    p.click("[data-agent=ann] .icon-button")
    p.until(lambda: next(b for b in p.all(".menu-item") if b.text == p.words["sessions"]).click() or True)
    p.until(lambda: len(p.all("dialog [data-session]")) == 1)
    p.good("agent-sessions")
    p.click("dialog [data-session] .button")
    p.none("dialog [data-session]")
    ann.one("#signin-name", 2 * SLOWER)
    p.key(Keys.ESCAPE)
    p.none("dialog")
    ann.fill("#signin-name", "ann")
    ann.fill("#signin-password", g.PASSWORD + Keys.ENTER)
    ann.online()
    boss.patch("/agents/ann", {"display_name": "Ann"})
    p.until(lambda: "Ann" in p.one("[data-agent=ann]").text)  # told at once
    g.redis.hincrby("sb:user:ann", "rev", 1)  # another admin, meanwhile, of whom no word has come yet
    p.click("[data-agent=ann] .icon-button")
    p.until(lambda: p.all(".menu-item[role=menuitemradio]")[0].click() or True)
    p.says(".toast", p.words["meanwhile"])
    p.says("[data-agent=ann] strong", "Ann")
    p.click("[data-agent=ann] .icon-button")
    p.until(lambda: p.all(".menu-item[role=menuitemradio]")[0].click() or True)
    p.until(lambda: boss.get("/agents")["agents"][1]["role"] == "agent")
    ann.one("#signin-name", 2 * SLOWER)


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_labels_are_found_renamed_merged_and_removed(start_gateway, browsers, width, lang):
    g = start_gateway()
    boss = g.login()
    for i, labels in enumerate((["vip", "<i>x</i>"], ["VIP"], ["rude"])):
        thread = g.hook({"from": {"address": f"a{i}"}, "id": f"m{i}", "text": "x"}).json()["thread"]
        boss.patch("/threads/" + thread, {"labels": labels})
    for name, conditions in (("Adds <b>", {}), ("Never", {"labels": ["VIP"], "without": ["vip"]})):
        boss.post("/rules", {"name": name, "on": "closed", "if": conditions, "then": [{"label": "VIP"}]})
    p = Admin(browsers, g, width, lang).sign_in()
    p.go("#/labels")
    p.until(lambda: len(p.all("[data-label]")) == 4)
    p.good("labels")
    steps.change_label(p, "VIP", "vip")
    p.says("dialog .dialog-text", "Adds <b>")
    p.shot("label-rename")
    p.button(-1)
    p.says(".toast", p.words["one dialogue"])
    p.says(".form-error", "Never")
    p.none("[data-label=VIP]")
    p.says("[data-label=vip] a", "2")
    p.until(lambda: p.all("[data-label=vip] .icon-button")[1].click() or True)
    p.says("dialog .dialog-text", "Adds <b>")
    p.shot("label-remove")
    p.button(0)
    p.one("input[name=q]").send_keys("rud")
    p.until(lambda: [e.get_attribute("data-label") for e in p.all("[data-label]")] == ["rude"])
    p.until(lambda: p.all("[data-label=rude] .icon-button")[1].click() or True)
    p.click("dialog .button-danger")
    p.none("[data-label]")
    assert {row["label"] for row in boss.get("/labels")["labels"]} == {"vip", "<i>x</i>"}


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_the_system_says_in_words_what_is_wrong(start_gateway, browsers, width, lang):
    g = start_gateway()
    p = Admin(browsers, g, width, lang).sign_in()
    p.go("#/system")
    p.until(lambda: len(p.all("[data-table=workers] tbody tr")) == 2, 20)
    p.says("[data-facts=redis]", g.redis.info()["redis_version"])
    p.one("[data-problems]")
    p.good("system-well")
    g.redis.xadd("sb:{s3}:dead", {"q": "crm:main", "e": "m x 1", "detail": "x", "attempts": "1", "at": "1"})
    p.says("[data-problem=dead]", p.words["dead"])  # by itself
    p.good("system-wrong")


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_a_channel_is_paused_and_agents_see_it(start_gateway, browsers, width, lang):
    g = start_gateway()
    g.add_user("ann")
    boss = g.login()
    thread = g.hook({"from": {"address": "bob", "name": "Bob"}, "id": "1", "text": "hello"}).json()["thread"]
    ann = Admin(browsers, g, width, lang).sign_in("ann")
    ann.open_thread(thread)
    p = Admin(browsers, g, width, lang).sign_in()
    p.go("#/channels")
    steps.pause(p, "test", "channel-pause")
    p.says("[data-channel=test] [data-paused]", "admin")
    ann.says(".paused", "test")
    ann.write("it waits")
    ann.until(lambda: ann.status("it waits") == "queued")
    ann.shot("channel-paused-agent")
    p.click("[data-channel=test] .button")
    p.says("[data-channel=test] [data-event=paused]", "admin")
    p.says("[data-channel=test] [data-figure=in]", "1")
    p.says("[data-channel=test] [data-figure=rateIn] dd", "1")
    p.says("[data-channel=test] [data-figure=rateOut] dd", "0")
    p.good("channel-paused")
    steps.resume(p, "test")
    ann.none(".paused")
    ann.until(lambda: ann.status("it waits") in ("sent", "delivered", "read"), 20)
    assert boss.get("/channels/test/events")["events"][0]["what"] == "resumed"
    p.until(lambda: p.one("[data-channel=test] [data-figure=rateOut] dd").text == "1", 20)


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_the_first_steps_get_their_ticks_by_themselves(start_gateway, browsers, width, lang):
    g = start_gateway(config=BARE)
    p = Admin(browsers, g, width, lang).sign_in()
    if width > 800:
        p.click("a[href='#/start']")
    else:
        p.go("#/start")

    def done():
        return [e.get_attribute("data-step") for e in p.all("[data-step][data-done=true]")]

    p.until(lambda: len(p.all("[data-step]")) == 6)
    assert done() == [] and p.one("[aria-current=step]").get_attribute("data-step") == "channel"
    p.good("start-new")
    boss = g.login()
    boss.post("/channels", {"connector": "loopback", "name": "test", "settings": {}})
    p.until(lambda: done() == ["channel", "works"], 30)
    g.add_user("ann")
    thread = until(lambda: g.hook({"from": {"address": "bob"}, "id": "1", "text": "hello"}).json()["thread"])
    g.login().post(f"/threads/{thread}/messages", {"text": "hello yourself"})
    p.until(lambda: done() == ["channel", "works", "message", "answer", "people"], 30)
    g.login().second_factor(g.PASSWORD)
    p.until(lambda: len(done()) == 6, 30)
    p.good("start-done")


def test_others_are_told_that_it_is_not_for_them(start_gateway, browsers):
    browsers.allowed += ["403 (Forbidden)"]
    g = start_gateway()
    g.add_user("ann")
    p = Admin(browsers, g, 1280, "en").sign_in("ann")
    p.go("#/audit")
    p.one(".admin [role=alert]")
    assert not p.all(".admin-nav") and not p.all("[data-entry]")
