"""axe-core: is a page usable by everybody, as far as a program can tell?"""
import pathlib

AXE = (pathlib.Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js")


def violations(d):
    """What axe-core finds against WCAG 2.2 AA in the document that the driver is in, once nothing fades in any more."""
    if not d.execute_script("return 'axe' in window"):
        d.execute_script(AXE.read_text(encoding="utf-8"))
    return d.execute_async_script("""
        const done = arguments[arguments.length - 1];
        const ends = document.getAnimations().filter((a) => a.effect.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => {}));
        const late = new Promise((go) => setTimeout(go, 3000)); // in a window behind another nothing moves on
        Promise.race([Promise.all(ends), late]).then(() => axe.run(document, { resultTypes: ["violations"], runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] } }))
            .then((r) => done(r.violations.map((v) => `${v.id} (${v.impact}): ` + v.nodes.map((n) => n.html + " " + n.failureSummary).join("; "))),
                (e) => done([String(e)]));""")


def accessible(d):
    """It finds nothing."""
    wrong = violations(d)
    assert not wrong, "\n".join(wrong)
