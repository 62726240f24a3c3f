// keys.jsx - the keys that work everywhere outside of text fields. By their place on the keyboard, so
// that a Russian layout needs no switching.
import { useEffect } from "preact/hooks";
import { useDesk } from "./context.jsx";
import { viewHref } from "./routes.mjs";
import { useChange } from "./thread_head.jsx";

function isTyping(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

// Moves the focus along the rows of the list.
function step(by) {
    const rows = [...document.querySelectorAll(".row-link")];
    if (!rows.length) return;
    const at = rows.findIndex((r) => r === document.activeElement);
    const open = rows.findIndex((r) => r.classList.contains("current"));
    const from = at >= 0 ? at : open >= 0 ? open : by > 0 ? -1 : 0;
    const next = rows[Math.min(rows.length - 1, Math.max(0, from + by))];
    next.scrollIntoView({ block: "nearest" });
    next.focus();
}

function press(selector) {
    document.querySelector(selector)?.click();
}

function focus(selector) {
    const target = document.querySelector(selector);
    target?.focus();
    return Boolean(target);
}

export function useKeys({ route, openHelp }) {
    const desk = useDesk();
    const change = useChange(route.thread);
    useEffect(() => {
        const back = () => {
            if (document.querySelector(".app.with-panel .panel.covers")) document.querySelector(".panel-close").click();
            else if (route.thread || route.page !== "inbox") {
                location.hash = viewHref(route.view, route.filter);
                setTimeout(() => focus(`.row-link[data-thread="${CSS.escape(route.thread ?? "")}"]`), 60);
            }
        };
        const compose = (note) => {
            if (!route.thread) return false;
            const draft = desk.db.drafts.get(route.thread);
            desk.draft(route.thread, draft?.text ?? "", note, { html: draft?.html });
            setTimeout(() => focus(".composer textarea, .composer [role=textbox]"), 0);
            return true;
        };
        const take = () => {
            const thread = desk.db.threads.get(route.thread);
            if (thread && !thread.merged_into) change({ assignee: desk.db.me.name });
        };
        const onKey = (e) => {
            if (e.defaultPrevented || e.isComposing || e.ctrlKey || e.metaKey || e.altKey) return;
            if (document.querySelector("dialog[open]")) return;
            if (e.key === "Escape") {
                if (isTyping(e.target)) e.target.blur();
                else back();
                return;
            }
            if (isTyping(e.target)) return;
            const help = e.key === "?" || (e.code === "Slash" && e.shiftKey);
            if (help) openHelp();
            else if (e.shiftKey) return;
            else if (e.code === "KeyJ") step(1);
            else if (e.code === "KeyK") step(-1);
            else if (e.code === "KeyG") focus(".log");
            else if (e.key === "/" || e.code === "Slash") focus(".search input");
            else if (e.code === "KeyR") compose(false);
            else if (e.code === "KeyN") compose(true);
            else if (e.code === "KeyE") press('[data-key="state"]');
            else if (e.code === "KeyA") press(".assign");
            else if (e.code === "KeyM") take();
            else if (e.code === "KeyZ") press(".snooze");
            else if (e.code === "KeyL") press(".chip-add");
            else if (e.code === "KeyI") press(".panel-toggle");
            else if (e.code === "KeyF") press(".filter-open");
            else if (/^Digit[1-9]$/.test(e.code)) press(`.rail-item:nth-child(${e.code.slice(5)})`);
            else return;
            e.preventDefault();
        };
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    }, [route]);
}
