"""Steps on the admin's pages that both their tests and the walk take. p: an inbox that has fill, choose and says."""


def press(p, css, n=0):
    """The n-th, from the end when negative."""
    p.until(lambda: p.all(css)[n].click() or True, why=f"to press {css}")


def look(p, picture):
    if picture:
        p.good(picture)


def new_token(p, name, role=None):
    """The form, filled in."""
    p.click(".admin-head .button-main")
    p.fill("#token-name", name)
    if role:
        p.choose("#token-role", role)


def token_made(p):
    """Sends the form; the secret that is shown once."""
    press(p, "dialog .dialog-foot .button", -1)
    return p.one(".secret code").text


def revoke_token(p, name, picture=None):
    p.click(f"[data-token={name}] .button")
    p.one("dialog .button-danger")
    look(p, picture)
    p.click("dialog .button-danger")
    p.none(f"[data-token={name}]")


def change_label(p, label, to):
    """The form, filled in."""
    p.click(f'[data-label="{label}"] .icon-button')
    p.fill("#label-to", to)


def of_menu(p, channel, n):
    """Takes one of a channel's menu."""
    p.click(f'[data-channel="{channel}"] .menu-root button')
    press(p, ".menu-item", n)


def pause(p, channel, picture=None):
    of_menu(p, channel, 0)
    p.one("dialog .button-main")
    look(p, picture)
    p.click("dialog .button-main")
    p.one(f'[data-channel="{channel}"] [data-paused]', 15)


def resume(p, channel):
    of_menu(p, channel, 0)
    p.none(f'[data-channel="{channel}"] [data-paused]', 15)


def filter_log(p, what, entry):
    """Only so much of the audit log, until such an entry is there."""
    p.choose("select[name=what]", what)
    p.one(f"[data-what='{entry}']")


def kept(p, kind, picture=None):
    """The form of the first that is kept of this kind: hours, sla."""
    p.click(f'[data-kind="{kind}"] [data-kept] .icon-button')
    p.one(f"#{kind}-name")
    look(p, picture)
